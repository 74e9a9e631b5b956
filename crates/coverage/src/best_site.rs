//! Where another station would fill most.

use crate::cover::Cover;
use crate::station::{Conditions, Station};
use crate::{Error, SiteConfig, coastline};
use serde::Serialize;

/// Places a side of the first search.
const PLACES: usize = 16;
/// Then this many searches around the best place, each three places a side and half as wide as the one before.
const REFINEMENTS: usize = 4;
/// A place must fill more than another by this part to be better: rounding does not decide, the order does.
const BETTER_BY: f64 = 1e-9;

/// The best place that was found.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct BestSite {
    /// Latitude, degrees.
    pub latitude_deg: f64,
    /// Longitude, −180 to 180 degrees.
    pub longitude_deg: f64,
    /// Ground there, m over the ellipsoid (0 without terrain).
    pub height_m: f64,
    /// What nobody else sees, over all altitudes, km².
    pub fills_km2: f64,
    /// Places that were tried.
    pub n_places: usize,
}

/// Looks for the place on land at which a station like `like` sees most of what nobody sees yet, summed over the altitudes
/// of `covers`.
///
/// Tries 16 × 16 places over the map, from the south-west row by row, then around the best again with half the step, four
/// times. A later place must be better to be preferred, so the same question has the same answer. `like`'s own place
/// does not matter, and its antenna stands as high above the ground as it did; where its transmitter stood elsewhere, it
/// now stands with the antenna. It is a search and no proof: a place in between may be better. Cells count by their middles.
///
/// Cost: places · cells that are gaps · altitudes.
///
/// # Errors
/// `like` is no station.
pub fn best_site(
    like: &SiteConfig,
    conditions: &Conditions,
    covers: &[Cover],
) -> Result<Option<BestSite>, Error> {
    let Some(first) = covers.first() else { return Ok(None) };
    let gaps: Vec<Vec<f32>> = covers.iter().map(|cover| cover.shares(|seen_by| seen_by == 0)).collect();
    let rings = coastline::rings();
    let (grid, mut best, mut n_places) = (&first.grid, None::<BestSite>, 0);
    let mut step = [grid.columns as f64 / PLACES as f64, grid.rows as f64 / PLACES as f64];
    let mut places: Vec<[f64; 2]> =
        (0..PLACES * PLACES).map(|n| [(n % PLACES) as f64, (n / PLACES) as f64]).collect();
    places.iter_mut().for_each(|[x, y]| (*x, *y) = ((*x + 0.5) * step[0], (*y + 0.5) * step[1]));
    for _ in 0..=REFINEMENTS {
        let mut middle = None;
        for [x, y] in places.drain(..) {
            let place = grid.place(x, y, 0.0);
            let longitude_deg = crate::horizon::wrapped_deg(place.longitude_deg);
            if !coastline::is_land(&rings, [longitude_deg, place.latitude_deg]) {
                continue;
            }
            n_places += 1;
            let height_m =
                conditions.terrain.as_ref().map_or(0.0, |t| t.height_m(place.latitude_deg, longitude_deg));
            let mut site = like.clone();
            (site.position.latitude_deg, site.position.longitude_deg) = (place.latitude_deg, longitude_deg);
            (site.position.height_m, site.transmitter) = (height_m, None);
            let station = Station::new(&site, conditions)?;
            let fills_km2: f64 = covers
                .iter()
                .zip(&gaps)
                .map(|(cover, gaps)| filled_km2(&station, conditions, cover, gaps))
                .sum();
            if fills_km2 > best.map_or(0.0, |best| best.fills_km2 * (1.0 + BETTER_BY)) {
                let latitude_deg = place.latitude_deg;
                best = Some(BestSite { latitude_deg, longitude_deg, height_m, fills_km2, n_places });
                middle = Some([x, y]);
            }
        }
        let around = middle.or_else(|| {
            let best = best?;
            let x = (best.longitude_deg - grid.west_deg).rem_euclid(360.0) / grid.step_deg[0];
            Some([x, (best.latitude_deg - grid.south_deg) / grid.step_deg[1]])
        });
        let Some([x, y]) = around else { break };
        step = step.map(|step| step / 2.0);
        let offsets = [-1.0, 0.0, 1.0];
        places = offsets.iter().flat_map(|v| offsets.map(|u| [x + u * step[0], y + v * step[1]])).collect();
        places
            .retain(|[x, y]| (0.0..=grid.columns as f64).contains(x) && (0.0..=grid.rows as f64).contains(y));
    }
    Ok(best.map(|best| BestSite { n_places, ..best }))
}

/// What a station sees of the gaps at one altitude, km².
fn filled_km2(station: &Station, conditions: &Conditions, cover: &Cover, gaps: &[f32]) -> f64 {
    let grid = &cover.grid;
    let is_seen = |cell: usize| {
        let (x, y) = ((cell % grid.columns) as f64 + 0.5, (cell / grid.columns) as f64 + 0.5);
        station.sees(conditions, &grid.place(x, y, cover.altitude_m))
    };
    let seen = gaps.iter().enumerate().filter(|(cell, share)| **share > 0.0 && is_seen(*cell));
    seen.map(|(cell, share)| f64::from(*share) * grid.cell_km2(cell)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Grid, Region};
    use rangegate_core::AntennaCoverage;
    use rangegate_tracking::Geodetic;

    #[test]
    fn the_best_place_is_where_nobody_looks() {
        // A station in the west of a map of central Asia, all of land: the other belongs to the east, clear of both the
        // first's circle and the map's edge.
        let site = SiteConfig {
            name: "west".to_owned(),
            owner: String::new(),
            position: Geodetic { latitude_deg: 48.0, longitude_deg: 66.0, height_m: 0.0 },
            antenna_height_m: 0.0,
            transmitter: None,
            coverage: AntennaCoverage { range_m: [0.0, 200e3], ..AntennaCoverage::default() },
            radar: None,
        };
        let conditions = Conditions::default();
        let stations = [Station::new(&site, &conditions).unwrap()];
        let grid = Grid::new(&Region([63.0, 46.0, 75.0, 50.0]), 40).unwrap();
        let cover = Cover::new(&stations, &conditions, &grid, 8e3).unwrap();
        let found = best_site(&site, &conditions, std::slice::from_ref(&cover)).unwrap().unwrap();
        assert!(found.longitude_deg > 70.5 && found.longitude_deg < 73.0, "{found:?}");
        assert!((47.5..48.5).contains(&found.latitude_deg), "{found:?}");
        let circle_km2 = std::f64::consts::PI * 200.0f64.powi(2);
        assert!((found.fills_km2 / circle_km2 - 1.0).abs() < 0.02, "{found:?}");
        assert_eq!(best_site(&site, &conditions, &[cover]).unwrap(), Some(found));
    }
}
