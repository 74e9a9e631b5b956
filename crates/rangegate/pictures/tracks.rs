//! Tracks in pictures: range over time, range against range rate, and the plan position where it is known.

use anyhow::{Context, Result};
use rangegate_core::Detection;
use rangegate_sinks::plots::{self, About, Legend, LinePlot, Series, Stroke};
use rangegate_tracking::{Geodetic, Space, TrackingConfig};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

/// Names of the pictures of tracks alone.
pub const NAMES: [&str; 2] = ["tracks.png", "tracks-map.png"];

/// Points that pictures hold at most.
const MAX_POINTS: usize = 200_000;
/// Tracks that the legend names.
const MAX_NAMED: usize = 8;

/// What a line of `tracks.jsonl` says of where a track is.
#[derive(Clone, Debug, Deserialize)]
pub struct TrackPoint {
    /// Number of the track.
    pub track: u64,
    /// Number of the CPI.
    pub cpi: u64,
    /// s after the first sample.
    pub time_s: f64,
    /// Space of the state.
    pub space: Space,
    /// The state, beginning with its position, then its velocity.
    pub state: Vec<f64>,
    /// Range, m.
    pub range_m: f64,
    /// Range rate, m/s.
    pub range_rate_mps: f64,
    /// Place on or above the Earth, where it is known.
    pub position: Option<Geodetic>,
}

/// Reads tracks; none where there is no file. Of very many points every second is left out, as often as needed: those of
/// whole CPIs, so that pictures of a kept CPI have all their tracks.
///
/// # Errors
/// The file cannot be read, or a line is no state of a track.
pub fn read(path: &Path) -> Result<Vec<TrackPoint>> {
    let file = match File::open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        file => file.with_context(|| format!("cannot read {}", path.display()))?,
    };
    let (mut points, mut step) = (Vec::new(), 1);
    for (number, line) in BufReader::new(file).lines().enumerate() {
        let line = line.with_context(|| format!("cannot read {}", path.display()))?;
        let point: TrackPoint = serde_json::from_str(&line)
            .with_context(|| format!("{}: line {} is no state of a track", path.display(), number + 1))?;
        if point.cpi.is_multiple_of(step) {
            points.push(point);
        }
        while points.len() > MAX_POINTS && step < u64::MAX / 2 {
            step *= 2;
            points.retain(|point: &TrackPoint| point.cpi.is_multiple_of(step));
        }
    }
    Ok(points)
}

/// A line for each track, by its number.
fn lines(
    points: &[TrackPoint],
    of: impl Fn(&TrackPoint) -> Option<(f64, f64)>,
) -> BTreeMap<u64, Vec<(f64, f64)>> {
    let mut lines: BTreeMap<u64, Vec<(f64, f64)>> = BTreeMap::new();
    for point in points {
        if let Some(at) = of(point) {
            lines.entry(point.track).or_default().push(at);
        }
    }
    lines
}

/// Range over time of each track.
pub fn over_time(points: &[TrackPoint]) -> Vec<Vec<(f64, f64)>> {
    lines(points, |point| Some((point.time_s, point.range_m))).into_values().collect()
}

/// Range and range rate of the tracks that there are in a CPI: where each came from, the last point where it is now.
pub fn until(points: &[TrackPoint], cpi: Option<u64>) -> Vec<Vec<(f64, f64)>> {
    let Some(cpi) = cpi else { return Vec::new() };
    let now: Vec<u64> = points.iter().filter(|point| point.cpi == cpi).map(|point| point.track).collect();
    let mut lines = lines(points, |point| {
        (point.cpi <= cpi && now.contains(&point.track)).then_some((point.range_m, point.range_rate_mps))
    });
    lines.retain(|_, line| !line.is_empty());
    lines.into_values().collect()
}

/// Draws range over time, and the map where positions are known, into a folder.
///
/// # Errors
/// A picture cannot be written.
pub fn draw(
    folder: &Path,
    about: &About,
    config: &TrackingConfig,
    points: &[TrackPoint],
    detections: &[Detection],
) -> Result<Vec<PathBuf>> {
    let path = folder.join(NAMES[0]);
    plots::draw_lines(&path, &range_over_time(about, points, detections))?;
    let mut drawn = vec![path];
    if let Some(picture) = map(about, config, points) {
        let path = folder.join(NAMES[1]);
        plots::draw_lines(&path, &picture)?;
        drawn.push(path);
    }
    Ok(drawn)
}

fn series_of(lines: BTreeMap<u64, Vec<(f64, f64)>>) -> impl Iterator<Item = Series> {
    lines.into_iter().enumerate().map(|(number, (track, points))| Series {
        name: if number < MAX_NAMED { format!("track {track}") } else { String::new() },
        points,
        colour: Some(number % GREY),
        ..Series::default()
    })
}

/// The colour of what is not a track.
const GREY: usize = 6;

fn range_over_time(about: &About, points: &[TrackPoint], detections: &[Detection]) -> LinePlot {
    let seconds = |d: &Detection| {
        (d.sample.saturating_sub(about.first_sample) as f64 + d.sample_fraction) / about.sample_rate_hz
            - d.delay_s.unwrap_or(0.0)
    };
    let found = detections.iter().filter(|d| d.channel == 0).take(MAX_POINTS);
    let found = Series {
        name: "detections".to_owned(),
        points: found.filter_map(|d| Some((seconds(d), d.range_m?))).collect(),
        stroke: Stroke::Points,
        colour: Some(GREY),
        ..Series::default()
    };
    let tracks = series_of(lines(points, |point| Some((point.time_s, point.range_m))));
    LinePlot {
        title: format!("Tracks — {}", about.title),
        x_label: about.time_label("s"),
        y_label: "range (m)".to_owned(),
        series: std::iter::once(found).chain(tracks).collect(),
        ..LinePlot::default()
    }
}

/// The plan position; `None` where tracks have none.
fn map(about: &About, config: &TrackingConfig, points: &[TrackPoint]) -> Option<LinePlot> {
    let is_earth = match points.first()?.space {
        Space::Range => return None,
        Space::Plane | Space::Local => false,
        Space::Earth => true,
    };
    let place = |point: &TrackPoint| match (is_earth, &point.position, &point.state[..]) {
        (true, Some(place), _) => Some((place.longitude_deg, place.latitude_deg)),
        (false, _, [east, north, ..]) => Some((*east, *north)),
        _ => None,
    };
    let lines = lines(points, place);
    let now = lines.values().filter_map(|line| line.last().copied()).collect();
    let stations = config.stations.iter().filter_map(|station| {
        let at = &station.position;
        match (is_earth, at.longitude_deg.zip(at.latitude_deg)) {
            (true, place) => place,
            (false, None) => Some((at.east_m.unwrap_or(0.0), at.north_m.unwrap_or(0.0))),
            (false, Some(_)) => None,
        }
    });
    let mark = |name: &str, points: Vec<(f64, f64)>, stroke, colour| Series {
        name: name.to_owned(),
        points,
        stroke,
        colour: Some(colour),
        ..Series::default()
    };
    let mut stations: Vec<(f64, f64)> = stations.collect();
    if config.stations.is_empty() {
        stations.push((0.0, 0.0));
    }
    let mut series: Vec<Series> = series_of(lines).collect();
    series.push(mark("latest", now, Stroke::Points, GREY));
    if !stations.is_empty() {
        series.push(mark("station", stations, Stroke::Rings, GREY));
    }
    let (x_label, y_label) =
        if is_earth { ("longitude (°)", "latitude (°)") } else { ("east (m)", "north (m)") };
    Some(LinePlot {
        title: format!("Tracks on the map — {}", about.title),
        x_label: x_label.to_owned(),
        y_label: y_label.to_owned(),
        series,
        is_map: !is_earth,
        legend: Legend::UpperRight,
        ..LinePlot::default()
    })
}
