//! What a station saw, beside what it should have seen.

use crate::grid::Grid;
use crate::station::{Conditions, Station};
use nalgebra::Vector3;
use rangegate_tracking::Geodetic;
use serde::Serialize;

/// From and to, ns since 1970; the end does not belong to it.
pub type Interval = [i64; 2];

/// One thing that the station saw.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sighting {
    /// When, ns since 1970.
    pub time_ns: Option<i64>,
    /// Where, if that is known.
    pub place: Option<Geodetic>,
    /// Straight from the antenna, m.
    pub range_m: Option<f64>,
    /// Degrees clockwise from north.
    pub azimuth_deg: Option<f64>,
    /// Over the antenna's horizontal, degrees; where it is not known, the map's altitude stands for it.
    pub elevation_deg: Option<f64>,
}

/// What a cell is to a station.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Seen {
    /// The station did not run, or its antenna never looks there: nothing follows from nothing seen.
    #[default]
    NotObserved,
    /// It ran and looked there, and saw nothing.
    Empty,
    /// It saw something.
    Seen,
}

/// What a station saw over a grid.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Measured {
    /// What each cell was `[rows × columns]`.
    pub seen: Vec<Seen>,
    /// How often something was seen in it.
    pub counts: Vec<u64>,
    /// Whether the station should see the target there.
    pub predicted: Vec<bool>,
    /// For how long the station ran, its outages taken out, s.
    pub observed_s: f64,
    /// Sightings that lie in cells.
    pub n_placed: u64,
    /// Sightings off the map.
    pub n_elsewhere: u64,
    /// Sightings at times when the station did not run, or at none: they do not count.
    pub n_untimed: u64,
    /// Sightings without place or azimuth: they do not count.
    pub n_unplaced: u64,
}

/// Counts what a station saw by cell.
///
/// It observed a cell where it ran at all and its antenna looks at the cell's middle at this altitude (sector, elevation,
/// instrumented range); whether it should detect the target there, by horizon, terrain and radar equation, stands in
/// `predicted`. A sighting makes its cell seen, whatever the antenna's figures say.
pub fn measure(
    station: &Station,
    conditions: &Conditions,
    grid: &Grid,
    altitude_m: f64,
    ran: &[Interval],
    sightings: impl IntoIterator<Item = Sighting>,
) -> Measured {
    let observed_s = ran.iter().map(|[from, to]| to.saturating_sub(*from).max(0) as f64).sum::<f64>() * 1e-9;
    let mut measured = Measured {
        seen: vec![Seen::NotObserved; grid.n_cells()],
        counts: vec![0; grid.n_cells()],
        predicted: vec![false; grid.n_cells()],
        observed_s,
        n_placed: 0,
        n_elsewhere: 0,
        n_untimed: 0,
        n_unplaced: 0,
    };
    for cell in 0..grid.n_cells() {
        let (x, y) = ((cell % grid.columns) as f64 + 0.5, (cell / grid.columns) as f64 + 0.5);
        let middle = grid.place(x, y, altitude_m);
        measured.predicted[cell] = station.sees(conditions, &middle);
        if observed_s > 0.0 && (measured.predicted[cell] || station.looks_at(&conditions.air, &middle)) {
            measured.seen[cell] = Seen::Empty;
        }
    }
    for sighting in sightings {
        let is_in_time =
            sighting.time_ns.is_some_and(|time| ran.iter().any(|[from, to]| (*from..*to).contains(&time)));
        let place = place_of(&station.antenna, &sighting, altitude_m);
        let cell = place.map(|place| grid.cell(place.latitude_deg, place.longitude_deg));
        let count = match (is_in_time, cell) {
            (false, _) => &mut measured.n_untimed,
            (true, None) => &mut measured.n_unplaced,
            (true, Some(None)) => &mut measured.n_elsewhere,
            (true, Some(Some(cell))) => {
                measured.seen[cell] = Seen::Seen;
                measured.counts[cell] += 1;
                &mut measured.n_placed
            }
        };
        *count += 1;
    }
    measured
}

impl Measured {
    /// Area of cells that were so and were predicted or not, km².
    pub fn area_km2(&self, grid: &Grid, seen: Seen, is_predicted: bool) -> f64 {
        let cells = (0..grid.n_cells())
            .filter(|&cell| self.seen[cell] == seen && self.predicted[cell] == is_predicted);
        cells.fold(0.0, |sum, cell| sum + grid.cell_km2(cell))
    }
}

/// Where a sighting is: its own place, or by range and azimuth.
fn place_of(antenna: &Geodetic, sighting: &Sighting, altitude_m: f64) -> Option<Geodetic> {
    if sighting.place.is_some() {
        return sighting.place;
    }
    let (range_m, azimuth) = (sighting.range_m?, sighting.azimuth_deg?.to_radians());
    if !(range_m.is_finite() && azimuth.is_finite() && range_m >= 0.0) {
        return None;
    }
    // Where only the altitude is known, the triangle of antenna, target and Earth's middle says the elevation.
    let by_altitude = || {
        let (low_m, high_m) =
            [antenna.height_m, altitude_m].map(|m| m + crate::horizon::EARTH_RADIUS_M).into();
        let sine: f64 =
            (high_m * high_m - low_m * low_m - range_m * range_m) / (2.0 * low_m * range_m.max(1.0));
        sine.clamp(-1.0, 1.0).asin()
    };
    let elevation = sighting.elevation_deg.map_or_else(by_altitude, f64::to_radians);
    let enu_m = range_m
        * Vector3::new(azimuth.sin() * elevation.cos(), azimuth.cos() * elevation.cos(), elevation.sin());
    Some(Geodetic::from_ecef_m(&(antenna.ecef_m() + antenna.enu_from_ecef().transpose() * enu_m)))
}

/// Intervals without outages, in order and apart: what overlaps is joined first.
pub fn without(ran: &[Interval], outages: &[Interval]) -> Vec<Interval> {
    let mut ran: Vec<Interval> = ran.iter().copied().filter(|[from, to]| from < to).collect();
    ran.sort_unstable();
    let mut joined: Vec<Interval> = Vec::new();
    for [from, to] in ran {
        match joined.last_mut() {
            Some(last) if from <= last[1] => last[1] = last[1].max(to),
            _ => joined.push([from, to]),
        }
    }
    for &[from, to] in outages.iter().filter(|[from, to]| from < to) {
        let cut = |[begin, end]: Interval| [[begin, end.min(from)], [begin.max(to), end]];
        joined = joined.into_iter().flat_map(cut).filter(|[begin, end]| begin < end).collect();
    }
    joined
}

#[cfg(test)]
#[path = "measured_tests.rs"]
mod tests;
