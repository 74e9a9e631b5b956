//! Maps of `coverage`.

use super::seen::MeasuredSummary;
use anyhow::Result;
use rangegate_coverage::best_site::BestSite;
use rangegate_coverage::measured::{Measured, Seen};
use rangegate_coverage::{Cover, Grid, Station, coastline};
use rangegate_sinks::plots::{CellClass, GeoMap, draw_geo_map};
use std::path::{Path, PathBuf};

/// Tints that the colour-blind tell from each other too, after Okabe and Ito (2008).
const NOBODY: [u8; 3] = [0xff, 0xff, 0xff];
const ALONE: [[u8; 3]; 3] = [[0x9f, 0xcd, 0xee], [0xf2, 0xc1, 0x6b], [0xe0, 0xb0, 0xcc]];
const OTHERS_ALONE: [u8; 3] = [0xd9, 0xd2, 0x8c];
const SEVERAL: [u8; 3] = [0x5b, 0xb5, 0x94];
const DARK: [u8; 3] = [0xd5, 0x5e, 0x00];

/// A map of each altitude: `coverage-ALTITUDEm.png`.
pub fn draw(
    folder: &Path,
    covers: &[Cover],
    stations: &[Station],
    best: Option<&BestSite>,
) -> Result<Vec<PathBuf>> {
    let mut drawn = Vec::new();
    for cover in covers {
        let path = folder.join(format!("coverage-{:.0}m.png", cover.altitude_m));
        let altitude = match cover.altitude_m {
            m if m < 20e3 => format!("{m:.0} m"),
            m => format!("{} km", (m / 100.0).round() / 10.0),
        };
        let title = format!("Seen at {altitude} by {}", names(stations));
        let mut classes = vec![class("nobody (gap)", NOBODY)];
        classes.extend(
            stations.iter().zip(ALONE).map(|(station, tint)| class(&format!("{} alone", station.name), tint)),
        );
        if stations.len() > ALONE.len() {
            classes.push(class("another alone", OTHERS_ALONE));
        }
        let several = classes.len();
        if stations.len() > 1 {
            classes.push(class(if stations.len() == 2 { "both" } else { "two or more" }, SEVERAL));
        }
        let class_of = |seen_by: u32| match seen_by.count_ones() {
            0 => 0,
            1 => 1 + (seen_by.trailing_zeros() as usize).min(ALONE.len()),
            _ => several,
        };
        let cells = cover.mostly().into_iter().map(class_of).collect();
        let mut map = map(title, &cover.grid, stations, classes, cells);
        if let Some(best) = best {
            map.places.push(("best for another".to_owned(), [best.longitude_deg, best.latitude_deg]));
        }
        draw_geo_map(&path, &map)?;
        drawn.push(path);
    }
    Ok(drawn)
}

/// A map of what each station saw: `measured-NAME.png`.
pub fn draw_measured(
    folder: &Path,
    grid: &Grid,
    stations: &[Station],
    measured: &[(MeasuredSummary, Measured)],
) -> Result<Vec<PathBuf>> {
    let mut drawn = Vec::new();
    for (station, (summary, found)) in stations.iter().zip(measured) {
        let path = folder.join(format!("measured-{}.png", crate::pictures::file_name(&station.name)));
        let classes = vec![
            class("not observed", NOBODY),
            class("empty, not predicted", [0xe9, 0xee, 0xf2]),
            class("empty, predicted", ALONE[0]),
            class("seen, predicted", SEVERAL),
            class("seen, not predicted", DARK),
        ];
        let class_of = |(seen, is_predicted): (&Seen, &bool)| match (seen, is_predicted) {
            (Seen::NotObserved, _) => 0,
            (Seen::Empty, false) => 1,
            (Seen::Empty, true) => 2,
            (Seen::Seen, true) => 3,
            (Seen::Seen, false) => 4,
        };
        let cells = found.seen.iter().zip(&found.predicted).map(class_of).collect();
        let title = format!(
            "{} in {:.0} s, beside what is predicted at {} m",
            station.name, summary.observed_s, summary.altitude_m
        );
        draw_geo_map(&path, &map(title, grid, std::slice::from_ref(station), classes, cells))?;
        drawn.push(path);
    }
    Ok(drawn)
}

fn map(
    title: String,
    grid: &Grid,
    stations: &[Station],
    classes: Vec<CellClass>,
    cells: Vec<usize>,
) -> GeoMap {
    let [width, height] = grid.step_deg;
    let east_deg = grid.west_deg + grid.columns as f64 * width;
    let place = |station: &Station| {
        (station.name.clone(), [station.antenna.longitude_deg, station.antenna.latitude_deg])
    };
    GeoMap {
        title,
        region_deg: [grid.west_deg, grid.south_deg, east_deg, grid.south_deg + grid.rows as f64 * height],
        columns: grid.columns,
        cells,
        classes,
        coasts: coastline::rings(),
        places: stations.iter().map(place).collect(),
    }
}

fn class(name: &str, colour: [u8; 3]) -> CellClass {
    CellClass { name: name.to_owned(), colour }
}

fn names(stations: &[Station]) -> String {
    let names: Vec<&str> = stations.iter().map(|station| station.name.as_str()).collect();
    names.join(", ")
}
