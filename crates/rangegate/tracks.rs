//! From a run's detections to tracks: `tracks.jsonl`.
//!
//! What is followed is what `detections.jsonl` holds, so that a run and `rangegate track` afterwards say the same, byte
//! for byte. Each CPI is a scan; those between two with detections that have none themselves are scans in which every
//! target was missed.

use anyhow::{Context, Result, bail};
use rangegate_core::{Detection, Timestamp};
use rangegate_pipeline::Sender;
use rangegate_sinks::detections_of;
use rangegate_tracking::{Measurement, Reorder, ScanError, TrackState, Tracker, TrackerPlan, TrackingConfig};
use serde::Serialize;
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
    /// Samples a second; `None` where times are those of the detections themselves.
    pub sample_rate_hz: Option<f64>,
    /// When the first sample was taken, where that is known.
    pub start_time: Option<Timestamp>,
}

impl Stream {
    /// Time of a detection's leading edge, s after the first sample.
    fn edge_s(&self, detection: &Detection) -> Option<f64> {
        let whole = i128::from(detection.sample) - i128::from(self.first_sample);
        match self.sample_rate_hz {
            Some(rate_hz) => Some((whole as f64 + detection.sample_fraction) / rate_hz),
            None => Some(detection.time?.duration_since(self.start_time?).as_secs_f64()),
        }
    }
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
    /// Detections that came so late that later ones had been followed already.
    pub late: u64,
    /// Every track that was confirmed.
    pub tracks: Vec<TrackSummary>,
}

/// How long a saved log's detections wait for earlier ones, s.
const HOLD_S: f64 = 5.0;
/// Detections that wait at most.
const MAX_WAITING: usize = 1_000_000;

/// Follows the detections in a file, and writes tracks to another. Detections up to five seconds late are put in order.
///
/// # Errors
/// The configuration cannot be, the detections are none of CPIs, or a file cannot be read or written.
pub fn track(config: &TrackingConfig, detections: &Path, stream: Stream, out: &Path) -> Result<Tracks> {
    let mut follower = Follower::new(config, stream, Some(out), HOLD_S)?;
    for (number, detection) in detections_of(detections)?.enumerate() {
        follower
            .push(&detection?)
            .with_context(|| format!("{}: line {}", detections.display(), number + 1))?;
    }
    follower.finish()
}

/// A detection as trackers take it.
pub fn measurement(number: u64, detection: &Detection) -> Measurement {
    Measurement {
        id: number,
        range_m: detection.range_m,
        range_rate_mps: detection.velocity_mps,
        azimuth_deg: detection.azimuth_deg,
        snr_db: detection.snr_db,
        ..Measurement::default()
    }
}

/// A detection that waits until what is older has come.
struct Waiting {
    cpi: u64,
    time_s: f64,
    measurement: Measurement,
}

/// The detections of a CPI.
struct Scan {
    cpi: u64,
    measurements: Vec<(f64, Measurement)>,
}

/// Follows targets from detection to detection.
pub struct Follower {
    tracker: Tracker,
    plan: Arc<TrackerPlan>,
    stream: Stream,
    out: Option<BufWriter<File>>,
    /// Gets each line too, if there is room.
    onlooker: Option<Sender<String>>,
    /// Lines of the log so far.
    n_lines: u64,
    waiting: Reorder<Waiting>,
    /// CPI of the latest detection, and when it began to wait.
    newest: Option<(u64, f64)>,
    /// The CPI whose detections come.
    current: Option<Scan>,
    /// Greatest number of a tracker that ended before this one, and of this one.
    before: u64,
    greatest: u64,
    /// CPI and time of the scan before.
    latest: Option<(u64, f64)>,
    found: Tracks,
}

impl Follower {
    /// Nothing followed yet; detections wait `hold_s` for earlier ones.
    ///
    /// # Errors
    /// The configuration cannot be, or the file cannot be written.
    pub fn new(config: &TrackingConfig, stream: Stream, out: Option<&Path>, hold_s: f64) -> Result<Self> {
        let plan = TrackerPlan::new(config)?;
        let create = |out: &Path| {
            File::create(out).with_context(|| format!("cannot create {}", out.display())).map(BufWriter::new)
        };
        Ok(Self {
            tracker: Tracker::new(&plan),
            plan,
            stream,
            out: out.map(create).transpose()?,
            onlooker: None,
            n_lines: 0,
            waiting: Reorder::new(hold_s, MAX_WAITING),
            newest: None,
            current: None,
            before: 0,
            greatest: 0,
            latest: None,
            found: Tracks::default(),
        })
    }

    /// The same, with somebody who gets each line too, if there is room.
    #[must_use]
    pub fn watched(self, onlooker: Option<Sender<String>>) -> Self {
        Self { onlooker, ..self }
    }

    /// Takes the detection of the next line of a log, as reading the line gives it.
    ///
    /// # Errors
    /// It is none of a CPI, or the disk is full.
    pub fn push(&mut self, detection: &Detection) -> Result<()> {
        let id = self.n_lines;
        self.n_lines += 1;
        let Some(cpi) = detection.cpi.filter(|_| detection.range_m.is_some()) else {
            bail!("no CPI or no range: tracks are made of a pulse or swept radar's detections");
        };
        // Channels are the same scene.
        if detection.channel > 0 {
            return Ok(());
        }
        // The time of the pulse that an echo is of.
        let Some(edge_s) = self.stream.edge_s(detection) else {
            bail!("no time: expected one in each detection where no run.json says the sample rate");
        };
        let time_s = edge_s - detection.delay_s.unwrap_or(0.0);
        // Times of one CPI differ in their last digits: none of them is late for that.
        let before = self.newest.filter(|newest| newest.0 == cpi);
        let (_, key_s) = *self.newest.insert(before.unwrap_or((cpi, time_s)));
        self.waiting.push(key_s, Waiting { cpi, time_s, measurement: measurement(id, detection) });
        while let Some((_, next)) = self.waiting.pop() {
            self.follow(&next)?;
        }
        Ok(())
    }

    /// Follows what still waits, and closes the file.
    ///
    /// # Errors
    /// The disk is full.
    pub fn finish(mut self) -> Result<Tracks> {
        while let Some((_, next)) = self.waiting.flush() {
            self.follow(&next)?;
        }
        if let Some(last) = self.current.take() {
            self.scan(last)?;
        }
        self.flush()?;
        self.found.late = self.waiting.late;
        self.found.refused += self.waiting.not_finite;
        Ok(self.found)
    }

    fn flush(&mut self) -> Result<()> {
        self.out.as_mut().map_or(Ok(()), Write::flush).context("cannot write tracks")
    }

    /// Gathers the detections of a CPI.
    fn follow(&mut self, next: &Waiting) -> Result<()> {
        if self.current.as_ref().is_some_and(|scan| scan.cpi != next.cpi)
            && let Some(whole) = self.current.take()
        {
            self.scan(whole)?;
            // Whoever reads along sees a scan as soon as the next one comes.
            self.flush()?;
        }
        let scan = self.current.get_or_insert_with(|| Scan { cpi: next.cpi, measurements: Vec::new() });
        scan.measurements.push((next.time_s, next.measurement));
        Ok(())
    }

    /// Scans, and before it what was between it and the one before.
    fn scan(&mut self, mut scan: Scan) -> Result<()> {
        // As the log has them.
        scan.measurements.sort_by_key(|(_, measurement)| measurement.id);
        let scan_s = scan.measurements.first().map_or(0.0, |first| first.0);
        let measurements: Vec<Measurement> = scan.measurements.into_iter().map(|of| of.1).collect();
        if let Some((cpi, time_s)) = self.latest {
            let n = scan.cpi.saturating_sub(cpi).max(1);
            let step_s = (scan_s - time_s) / n as f64;
            for k in 1..n {
                if !self.take(cpi + k, time_s + k as f64 * step_s, &[])? {
                    break;
                }
            }
        }
        self.take(scan.cpi, scan_s, &measurements)?;
        self.latest = Some((scan.cpi, scan_s));
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
            let mut line = serde_json::to_string(&line)?;
            line.push('\n');
            if let Some(out) = &mut self.out {
                out.write_all(line.as_bytes())?;
            }
            if let Some(onlooker) = &mut self.onlooker {
                let _ = onlooker.try_send(line);
            }
            note(&mut self.found, &state);
        }
        Ok(report.tracks + report.tentative > 0)
    }
}

fn note(found: &mut Tracks, state: &TrackState) {
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
        let n = self.tracks.len();
        let mut text = format!("{n} track{} in {} scans\n", if n == 1 { "" } else { "s" }, self.scans);
        if self.late + self.refused > 0 {
            let _ =
                writeln!(text, "left out: {} detections too late, {} not usable", self.late, self.refused);
        }
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
}
