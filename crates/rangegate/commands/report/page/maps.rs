//! Heat maps: where and when each station sees.

use super::{figure, time_axis, whose};
use crate::commands::report::chart::{Axis, Chart};
use crate::commands::report::figures::{Map, MapKind, Report, StationFigures};
use anyhow::Result;

pub(super) fn maps(report: &Report, body: &mut String) -> Result<()> {
    if report.stations.iter().all(|station| station.maps.is_empty()) {
        return Ok(());
    }
    body.push_str("<h2>Heat maps</h2><div class=\"grid\">");
    for station in &report.stations {
        for map in &station.maps {
            body.push_str(&heat_map(report, station, map)?);
        }
    }
    body.push_str("</div><p class=\"muted\">Colours go with the logarithm of the counts, from dark blue (1) to yellow; where there is no colour nothing was seen.</p>");
    Ok(())
}

/// Limits of the rows or columns that have anything, with a cell of room.
fn used(map: &Map, at: usize) -> [f64; 2] {
    let [origin, width] = if at == 0 { map.x } else { map.y };
    let first = map.cells.iter().map(|cell| cell[at]).min().unwrap_or(0) as f64;
    let last = map.cells.iter().map(|cell| cell[at]).max().unwrap_or(0) as f64;
    [origin + width * (first - 1.0), origin + width * (last + 2.0)]
}

fn heat_map(report: &Report, station: &StationFigures, map: &Map) -> Result<String> {
    let most = map.cells.iter().map(|cell| cell[2]).max().unwrap_or(1);
    let begin_s = report.steps.from_ns as f64 * 1e-9;
    let [low, high] = used(map, 1);
    let (_, range) = (low, Axis::of(0.0, high, "range", "m"));
    let (x, y, what) = match map.kind {
        MapKind::RangeTime => (time_axis(report), range, "detections by range and time"),
        MapKind::RangeAzimuth => {
            (Axis::of(0.0, 360.0, "azimuth", "°"), range, "detections by range and azimuth")
        }
        MapKind::RangeDoppler => {
            let [low, high] = used(map, 0);
            (
                Axis::of(low, high, "Doppler shift", "Hz"),
                range,
                "detections by range and Doppler shift (where none is known, range rate in m/s)",
            )
        }
        MapKind::Places => {
            let [west, east] = used(map, 0);
            (
                Axis::of(west, east, "longitude", "°"),
                Axis::of(low, high, "latitude", "°"),
                "states of tracks by place",
            )
        }
    };
    let mut chart = Chart::new(&format!("{what} of {}", station.name), &x, &y);
    if map.kind == MapKind::RangeTime {
        chart.gaps(&report.steps, &station.observed_by_step_s);
        // Columns count from the begin of the first step.
        let shifted = Map { x: [begin_s + map.x[0], map.x[1]], cells: map.cells.clone(), ..*map };
        chart.cells(&shifted, most)?;
    } else {
        chart.cells(map, most)?;
    }
    Ok(figure(&chart.finish(), &format!("{}: {what}; the brightest cell has {most}", whose(station))))
}
