//! The histories of the most notable tracks.

use super::figures::{Sight, Story};
use super::gather::{Followed, TrackKey, place};
use anyhow::Result;
use rangegate_analysis::history::Point;
use rangegate_analysis::notable::{Extent, Reason, choose};
use rangegate_analysis::{History, flight_phases, predict, radial_phases};
use rangegate_archive::row::time_from_ns;
use rangegate_archive::{Filter, Reader, Station, TrackRow};
use rangegate_coverage::Station as Site;
use rangegate_tracking::Geodetic;
use rangegate_tracking::gaussian::{Gaussian, Matrix, Vector};
use rangegate_tracking::geodesy::Frame;
use serde_json::Value;
use std::collections::BTreeMap;
use std::ops::ControlFlow;

/// States of a track that are looked at; of a longer one every second, third, … is.
const STATES_MAX: u64 = 4_000;
/// Points of a course that are drawn.
const COURSE_MAX: usize = 240;
/// Times ahead, s.
const AHEAD_S: [f64; 3] = [30.0, 60.0, 300.0];
/// A track is begun from detections at most so long before its first state, ns.
const BEFORE_NS: i64 = 60_000_000_000;

/// Tells the most notable tracks.
pub fn tell(
    reader: &Reader,
    stations: &[Station],
    sites: &BTreeMap<usize, Site>,
    tracks: &BTreeMap<TrackKey, Followed>,
    most: usize,
) -> Result<Vec<Story>> {
    let keys: Vec<TrackKey> = tracks.keys().copied().collect();
    let extents: Vec<Extent> = tracks.values().map(|followed| followed.extent).collect();
    let mut frames = BTreeMap::new();
    let mut stories = Vec::new();
    for (at, reasons) in choose(&extents, most) {
        let (station, run, _) = keys[at];
        let frame = match frames.get(&run) {
            Some(frame) => *frame,
            None => *frames.entry(run).or_insert(local_frame(reader, run)?),
        };
        let name = &stations[station];
        stories.push(story(reader, name, sites.get(&station), keys[at], &extents[at], reasons, frame)?);
    }
    Ok(stories)
}

fn story(
    reader: &Reader,
    name: &Station,
    site: Option<&Site>,
    (_, run, track): TrackKey,
    extent: &Extent,
    reasons: Vec<Reason>,
    frame: Option<Frame>,
) -> Result<Story> {
    let window = Filter {
        station: Some(name.clone()),
        run: Some(run),
        track: Some(track),
        from: Some(time_from_ns(extent.first_ns)),
        to: Some(time_from_ns(extent.last_ns.saturating_add(1))),
        ..Filter::default()
    };
    let stride = extent.updates.div_ceil(STATES_MAX).max(1);
    let (mut n, mut points, mut sights, mut begun_from) = (0, Vec::new(), Vec::new(), Vec::new());
    reader.tracks(&window, &mut |row| {
        if n == 0 {
            begun_from = [&row.state.begun_from[..], &row.state.detections[..]].concat();
        }
        // The last one always.
        if (n % stride == 0 || n + 1 == extent.updates)
            && let Some(time_ns) = row.time_ns
        {
            let time_s = time_ns as f64 * 1e-9;
            let sight = sight(time_s, &row, site);
            points.push(Point { range_m: sight.range_m, ..point(time_s, &row, frame.as_ref()) });
            sights.push(sight);
        }
        n += 1;
        ControlFlow::Continue(())
    })?;
    let history = History::new(&points);
    let closest = sights.iter().filter(|sight| sight.range_m.is_some());
    let closest =
        closest.min_by(|a, b| a.range_m.unwrap_or(f64::MAX).total_cmp(&b.range_m.unwrap_or(f64::MAX)));
    let thin = sights.len().div_ceil(COURSE_MAX).max(1);
    Ok(Story {
        station: name.to_string(),
        run,
        track,
        reasons,
        updates: extent.updates,
        first: sights.first().copied().unwrap_or_default(),
        last: sights.last().copied().unwrap_or_default(),
        first_snr_db: first_snr_db(reader, name, run, extent.first_ns, &begun_from)?,
        closest: closest.copied(),
        fastest_mps: extent.fastest_mps,
        height_m: extent.height_m,
        flight: flight_phases(&history.earth),
        radial: radial_phases(&history.radial),
        predictions: predict(&history, &AHEAD_S),
        course: sights
            .iter()
            .step_by(thin)
            .map(|sight| (sight.time_s, sight.range_m, sight.height_m))
            .collect(),
    })
}

/// SNR of the earliest detection from which a track was begun.
fn first_snr_db(
    reader: &Reader,
    name: &Station,
    run: i64,
    first_ns: i64,
    begun_from: &[i64],
) -> Result<Option<f64>> {
    let mut found = None;
    if begun_from.is_empty() {
        return Ok(found);
    }
    let window = Filter {
        station: Some(name.clone()),
        run: Some(run),
        from: Some(time_from_ns(first_ns.saturating_sub(BEFORE_NS))),
        to: Some(time_from_ns(first_ns.saturating_add(BEFORE_NS / 60))),
        ..Filter::default()
    };
    reader.detections(&window, &mut |row| {
        if begun_from.contains(&row.number) {
            found = Some(row.detection.snr_db).filter(|snr| snr.is_finite());
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    })?;
    Ok(found)
}

fn sight(time_s: f64, row: &TrackRow, site: Option<&Site>) -> Sight {
    let place = place(row);
    // Fused tracks are nobody's: only their own station has a range.
    let look =
        place.zip(site).map(|(place, site)| site.look(&rangegate_coverage::Refraction::default(), &place));
    Sight {
        time_s,
        range_m: row.state.range_m.or(look.map(|look| look.range_m)),
        azimuth_deg: row.state.azimuth_deg.or(look.map(|look| look.azimuth_deg)),
        latitude_deg: place.map(|place| place.latitude_deg),
        longitude_deg: place.map(|place| place.longitude_deg),
        height_m: row.state.position.and_then(|place| place.height_m),
    }
}

/// The frame of a run's tracks where they are local: its configuration says the origin.
fn local_frame(reader: &Reader, run: i64) -> Result<Option<Frame>> {
    let (configuration, _) = reader.run_documents(run)?;
    let configuration: Value = serde_json::from_str(&configuration).unwrap_or_default();
    let origin: Option<Geodetic> = serde_json::from_value(configuration["tracking"]["origin"].clone()).ok();
    Ok(origin.map(|origin| Frame::local(&origin)))
}

/// What a line says, with its state and covariance.
fn point(time_s: f64, row: &TrackRow, local: Option<&Frame>) -> Point {
    let line: Value = serde_json::from_str(&row.line).unwrap_or_default();
    let numbers = |value: &Value| -> Vec<f64> {
        value.as_array().map_or(Vec::new(), |all| all.iter().filter_map(Value::as_f64).collect())
    };
    let state = numbers(&line["state"]);
    let covariance: Vec<Vec<f64>> =
        line["covariance"].as_array().map_or(Vec::new(), |rows| rows.iter().map(numbers).collect());
    let is_whole = covariance.len() == state.len() && covariance.iter().all(|row| row.len() == state.len());
    let space = line["space"].as_str().filter(|_| is_whole).unwrap_or_default();
    // Accelerations come behind, and are not looked at.
    let earth = match (space, state.len()) {
        ("earth", 6 | 9) => Some(gaussian::<6>(&state, &covariance)),
        ("local", 6 | 9) => local.map(|frame| to_earth(&gaussian::<6>(&state, &covariance), frame)),
        _ => None,
    };
    let radial =
        (space == "range" && matches!(state.len(), 2 | 3)).then(|| gaussian::<2>(&state, &covariance));
    Point {
        time_s,
        earth,
        // Where the height is not known there is no place in space.
        place: place(row).filter(|_| row.state.position.is_some_and(|place| place.height_m.is_some())),
        radial,
        range_m: row.state.range_m,
        range_rate_mps: row.state.range_rate_mps,
    }
}

fn gaussian<const N: usize>(state: &[f64], covariance: &[Vec<f64>]) -> Gaussian<N> {
    Gaussian {
        mean: Vector::<N>::from_fn(|i, _| state[i]),
        covariance: Matrix::<N, N>::from_fn(|i, j| covariance[i][j]),
    }
}

fn to_earth(local: &Gaussian<6>, frame: &Frame) -> Gaussian<6> {
    let turn = frame.from_ecef.transpose();
    let mut both = Matrix::<6, 6>::zeros();
    both.fixed_view_mut::<3, 3>(0, 0).copy_from(&turn);
    both.fixed_view_mut::<3, 3>(3, 3).copy_from(&turn);
    let mut mean = both * local.mean;
    for i in 0..3 {
        mean[i] += frame.origin_ecef_m[i];
    }
    Gaussian { mean, covariance: both * local.covariance * both.transpose() }
}
