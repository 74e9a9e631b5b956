//! A radar without samples: a scene's plots, scan by scan, and the tracks that the station makes of them.

use crate::{Error, Result};
use rangegate_core::Timestamp;
use rangegate_pipeline::Stop;
use rangegate_scene::plots::PlotScene;
use rangegate_tracking::{Measurement, TrackState, Tracker, TrackerPlan, TrackingConfig};
use std::time::{Duration, Instant};

/// Where tracks are: number, Earth-fixed place, m.
pub type Places = Vec<(u64, [f64; 3])>;

/// A scan, and what the station made of it.
pub struct Seen<'a> {
    /// Number of the scan.
    pub scan: u64,
    /// Its time.
    pub time: Timestamp,
    /// Its detections, and their numbers, which count from 0.
    pub found: &'a [(u64, Measurement)],
    /// The tracks at this time.
    pub tracks: &'a [TrackState],
    /// Whole seconds since the scan before, and where the tracks of then would have been.
    pub seconds: &'a [(u64, Places)],
}

/// How a scene of plots is played.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// When the scene begins.
    pub start: Timestamp,
    /// Seconds of it that pass in one; `None`: as fast as possible.
    pub speed: Option<f64>,
    /// How much of it, s; `None`: all.
    pub duration_s: Option<f64>,
}

/// Plays a station's scans until the scene ends or `stop` is set.
///
/// # Errors
/// There is no such station, tracking cannot be as configured, or what `each` says.
pub fn play(
    scene: &PlotScene,
    station: &str,
    tracking: &TrackingConfig,
    pace: Pace,
    stop: &Stop,
    mut each: impl FnMut(&Seen<'_>) -> Result<()>,
) -> Result<()> {
    let Some(index) = scene.station(station) else {
        let names: Vec<&str> = scene.config().station.iter().map(|of| of.name.as_str()).collect();
        return Err(Error::Config(format!(
            "the scene has no station {station:?}, expected one of {}",
            names.join(", ")
        )));
    };
    let plan = TrackerPlan::new(tracking).map_err(|error| Error::Config(error.to_string()))?;
    let mut tracker = Tracker::new(&plan);
    let began = Instant::now();
    let (mut number, mut second) = (0, 0);
    for scan in scene.scans(index) {
        if stop.is_set() || pace.duration_s.is_some_and(|duration_s| scan.time_s >= duration_s) {
            break;
        }
        if let Some(speed) = pace.speed {
            wait_until(began, scan.time_s / speed, stop);
        }
        let mut found: Vec<(u64, Measurement)> = Vec::with_capacity(scan.plots.len());
        for plot in &scan.plots {
            found.push((number, Measurement { id: number, ..plot.measurement }));
            number += 1;
        }
        let mut seconds = Vec::new();
        while (second as f64) < scan.time_s {
            seconds.push((second, placed(&tracker, second as f64)));
            second += 1;
        }
        let measurements: Vec<Measurement> = found.iter().map(|of| of.1).collect();
        let scanned = tracker.scan(scan.time_s, 0, &measurements);
        scanned.map_err(|error| Error::Other(format!("scan {}: {error}", scan.scan)))?;
        let tracks: Vec<TrackState> = tracker.tracks().collect();
        let time = time_of(pace.start, scan.time_s)?;
        each(&Seen { scan: scan.scan, time, found: &found, tracks: &tracks, seconds: &seconds })?;
    }
    Ok(())
}

/// Where tracks will be.
fn placed(tracker: &Tracker, time_s: f64) -> Vec<(u64, [f64; 3])> {
    let one = |state: TrackState| {
        let position = tracker.predicted(state.track, time_s)?.position?;
        Some((state.track, position.ecef_m().into()))
    };
    tracker.tracks().filter_map(one).collect()
}

/// The time of a second of the scene.
///
/// # Errors
/// It is beyond all calendars.
pub fn time_of(start: Timestamp, time_s: f64) -> Result<Timestamp> {
    let since = jiff::SignedDuration::from_nanos((time_s * 1e9).round() as i64);
    start.checked_add(since).map_err(|error| Error::Other(error.to_string()))
}

fn wait_until(began: Instant, at_s: f64, stop: &Stop) {
    loop {
        let left_s = at_s - began.elapsed().as_secs_f64();
        if left_s <= 0.0 || stop.is_set() {
            return;
        }
        std::thread::sleep(Duration::from_secs_f64(left_s.min(0.1)));
    }
}
