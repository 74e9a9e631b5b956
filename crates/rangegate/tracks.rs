//! From a run's detections to tracks: `tracks.jsonl`, and the picture of them.
//!
//! What is followed is what `detections.jsonl` holds, so that a run and `rangegate track` afterwards say the same, byte
//! for byte. Each CPI is a scan; those between two with detections that have none themselves are scans in which every
//! target was missed.

use anyhow::{Context, Result, bail};
use rangegate_core::{Detection, Timestamp};
use rangegate_sinks::detections_of;
use rangegate_sinks::plots::{self, About, LinePlot, Series, Stroke};
use rangegate_tracking::{Measurement, ScanError, TrackState, Tracker, TrackerPlan, TrackingConfig};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

/// Name of the file in a run's folder.
pub const TRACKS: &str = "tracks.jsonl";

/// A track at the time of a CPI, as its line has it.
#[derive(Serialize)]
struct Line<'a> {
    cpi: u64,
    time: Option<String>,
    #[serde(flatten)]
    state: &'a TrackState,
}

/// What detections are of.
#[derive(Clone, Copy, Debug)]
pub struct Stream {
    /// Absolute index of the sample that times count from.
    pub first_sample: u64,
    /// Samples a second.
    pub sample_rate_hz: f64,
    /// When the first sample was taken, where that is known.
    pub start_time: Option<Timestamp>,
}

/// What became of a track.
#[derive(Clone, Debug, Serialize)]
pub struct TrackSummary {
    /// Number of the track.
    pub track: u64,
    /// First and latest time at which it was confirmed, s after the first sample.
    pub from_s: f64,
    /// See `from_s`.
    pub to_s: f64,
    /// Detections that it took.
    pub hits: u32,
    /// Range at the latest time, m.
    pub range_m: f64,
    /// Range rate then, m/s.
    pub range_rate_mps: f64,
}

/// What following a run's detections came to.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Tracks {
    /// CPIs, those without detections included while there was anything to follow.
    pub scans: u64,
    /// Detections that could not be used: without a range, or not finite.
    pub refused: u64,
    /// Every track that was confirmed.
    pub tracks: Vec<TrackSummary>,
    #[serde(skip)]
    paths: BTreeMap<u64, Vec<(f64, f64)>>,
    #[serde(skip)]
    detections: Vec<(f64, f64)>,
}

/// Points that a picture holds at most.
const MAX_POINTS: usize = 200_000;

/// Follows the detections in a file, and writes tracks to another.
///
/// # Errors
/// The configuration cannot be, the detections are none of CPIs, or a file cannot be read or written.
pub fn track(config: &TrackingConfig, detections: &Path, stream: Stream, out: &Path) -> Result<Tracks> {
    let plan = TrackerPlan::new(config)?;
    let file = File::create(out).with_context(|| format!("cannot create {}", out.display()))?;
    let mut follower = Follower {
        tracker: Tracker::new(&plan),
        plan,
        stream,
        out: BufWriter::new(file),
        before: 0,
        greatest: 0,
        latest: None,
        found: Tracks::default(),
    };
    let mut scan: Option<Scan> = None;
    for (number, detection) in detections_of(detections)?.enumerate() {
        let detection = detection?;
        let Some(cpi) = detection.cpi.filter(|_| detection.range_m.is_some()) else {
            bail!(
                "{}: line {} has no CPI or no range: tracks are made of a pulse or swept radar's detections",
                detections.display(),
                number + 1
            );
        };
        // Channels are the same scene.
        if detection.channel > 0 {
            continue;
        }
        if scan.as_ref().is_some_and(|scan| scan.cpi != cpi)
            && let Some(whole) = scan.take()
        {
            follower.scan(&whole)?;
        }
        let scan = scan.get_or_insert_with(|| Scan::new(cpi, &detection, &stream));
        scan.measurements.push(measurement(number as u64, &detection));
    }
    if let Some(last) = scan {
        follower.scan(&last)?;
    }
    follower.out.flush().with_context(|| format!("cannot write {}", out.display()))?;
    Ok(follower.found)
}

fn measurement(number: u64, detection: &Detection) -> Measurement {
    Measurement {
        id: number,
        range_m: detection.range_m,
        range_rate_mps: detection.velocity_mps,
        azimuth_deg: detection.azimuth_deg,
        snr_db: detection.snr_db,
        ..Measurement::default()
    }
}

/// The detections of a CPI.
struct Scan {
    cpi: u64,
    time_s: f64,
    measurements: Vec<Measurement>,
}

impl Scan {
    /// Begins one at the time of the pulse that an echo is of.
    fn new(cpi: u64, detection: &Detection, stream: &Stream) -> Self {
        let samples = detection.sample.saturating_sub(stream.first_sample) as f64 + detection.sample_fraction;
        let time_s = samples / stream.sample_rate_hz - detection.delay_s.unwrap_or(0.0);
        Self { cpi, time_s, measurements: Vec::new() }
    }
}

struct Follower {
    tracker: Tracker,
    plan: Arc<TrackerPlan>,
    stream: Stream,
    out: BufWriter<File>,
    /// Greatest number of a tracker that ended before this one, and of this one.
    before: u64,
    greatest: u64,
    /// CPI and time of the scan before.
    latest: Option<(u64, f64)>,
    found: Tracks,
}

impl Follower {
    /// Scans, and before it what was between it and the one before.
    fn scan(&mut self, scan: &Scan) -> Result<()> {
        if let Some((cpi, time_s)) = self.latest {
            let n = scan.cpi.saturating_sub(cpi).max(1);
            let step_s = (scan.time_s - time_s) / n as f64;
            for k in 1..n {
                if !self.take(cpi + k, time_s + k as f64 * step_s, &[])? {
                    break;
                }
            }
        }
        for measurement in &scan.measurements {
            if self.found.detections.len() < MAX_POINTS {
                self.found.detections.extend(measurement.range_m.map(|range_m| (scan.time_s, range_m)));
            }
        }
        self.take(scan.cpi, scan.time_s, &scan.measurements)?;
        self.latest = Some((scan.cpi, scan.time_s));
        Ok(())
    }

    /// One scan; `false` where nothing is followed after it, so that scans without detections say no more.
    fn take(&mut self, cpi: u64, time_s: f64, measurements: &[Measurement]) -> Result<bool> {
        let report = match self.tracker.scan(time_s, 0, measurements) {
            Ok(report) => report,
            Err(ScanError::TooFar { .. }) => {
                self.tracker = Tracker::new(&self.plan);
                self.before = self.greatest;
                if measurements.is_empty() {
                    return Ok(false);
                }
                self.tracker.scan(time_s, 0, measurements)?
            }
            Err(error) => return Err(error).with_context(|| format!("CPI {cpi}")),
        };
        self.found.scans += 1;
        self.found.refused += report.refused as u64;
        for mut state in self.tracker.tracks() {
            state.track += self.before;
            self.greatest = self.greatest.max(state.track);
            let nanos = jiff::SignedDuration::from_nanos((time_s * 1e9).round() as i64);
            let time = self.stream.start_time.and_then(|start| start.checked_add(nanos).ok());
            let line = Line { cpi, time: time.map(|time| format!("{time:.9}")), state: &state };
            serde_json::to_writer(&mut self.out, &line)?;
            self.out.write_all(b"\n")?;
            note(&mut self.found, &state);
        }
        Ok(report.tracks + report.tentative > 0)
    }
}

fn note(found: &mut Tracks, state: &TrackState) {
    let path = found.paths.entry(state.track).or_default();
    if path.len() < MAX_POINTS {
        path.push((state.time_s, state.range_m));
    }
    let place = found.tracks.binary_search_by_key(&state.track, |summary| summary.track);
    let latest = TrackSummary {
        track: state.track,
        from_s: state.time_s,
        to_s: state.time_s,
        hits: state.hits,
        range_m: state.range_m,
        range_rate_mps: state.range_rate_mps,
    };
    match place {
        Ok(at) => found.tracks[at] = TrackSummary { from_s: found.tracks[at].from_s, ..latest },
        Err(at) => found.tracks.insert(at, latest),
    }
}

/// Tracks that are told one by one.
const MOST_TRACKS: usize = 20;

impl Tracks {
    /// The summary for people.
    pub fn text(&self) -> String {
        let mut text = format!("{} tracks in {} scans\n", self.tracks.len(), self.scans);
        if self.tracks.is_empty() {
            return text;
        }
        text.push_str("   track      from        to    hits         range    range rate\n");
        for track in self.tracks.iter().take(MOST_TRACKS) {
            let TrackSummary { track, from_s, to_s, hits, range_m, range_rate_mps } = track;
            let _ = writeln!(
                text,
                "  {track:6}  {from_s:6.2} s  {to_s:6.2} s  {hits:6}  {range_m:10.2} m  {range_rate_mps:8.2} m/s"
            );
        }
        if self.tracks.len() > MOST_TRACKS {
            let _ = writeln!(text, "  {} more", self.tracks.len() - MOST_TRACKS);
        }
        text
    }

    /// Draws range over time: detections, and the tracks through them.
    ///
    /// # Errors
    /// The picture cannot be written.
    pub fn draw(&self, path: &Path, about: &About) -> Result<()> {
        let detections = Series {
            name: "detections".to_owned(),
            points: self.detections.clone(),
            stroke: Stroke::Points,
            colour: Some(6),
            ..Series::default()
        };
        let lines = self.paths.iter().enumerate().map(|(number, (track, points))| Series {
            name: if number < MAX_NAMED { format!("track {track}") } else { String::new() },
            points: points.clone(),
            colour: Some(number % 6),
            ..Series::default()
        });
        let picture = LinePlot {
            title: format!("Tracks — {}", about.title),
            x_label: about.time_label("s"),
            y_label: "range (m)".to_owned(),
            series: std::iter::once(detections).chain(lines).collect(),
            ..LinePlot::default()
        };
        plots::draw_lines(path, &picture)?;
        Ok(())
    }
}

/// Tracks that the legend names.
const MAX_NAMED: usize = 8;
