//! A run on its way into the archive: its detections as they come, its gaps and health, and at its end its tracks.

use crate::plan::Plan;
use anyhow::{Context, Result};
use rangegate_archive::{
    Ending, Folder, Gap, HAS_PARQUET, Keep, RunStart, Seal, Station, WriteOptions, Writer, Written,
};
use rangegate_core::{BoxError, Detection, IqBlock, Source, StreamInfo, Timestamp};
use rangegate_sinks::RunReport;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// `[archive]`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArchiveConfig {
    /// The archive's folder, relative to the configuration.
    pub path: PathBuf,
    /// Whose detections these are: 1 to 64 letters, digits, `_` and `-`.
    #[serde(default)]
    pub station: Station,
    /// Seal hours that are over into Parquet files; default: where this build can.
    pub seal: Option<bool>,
    /// Forget hours that were over so many days before the newest row.
    pub keep_days: Option<f64>,
    /// Forget the oldest hours while the archive is larger.
    pub keep_bytes: Option<u64>,
}

impl ArchiveConfig {
    /// What is sealed and forgotten.
    pub fn keep(&self) -> Keep {
        let seal = if self.seal.unwrap_or(HAS_PARQUET) { Seal::Closed } else { Seal::None };
        Keep { seal, days: self.keep_days, bytes: self.keep_bytes }
    }

    /// Whether its values are possible.
    ///
    /// # Errors
    /// A sentence about the first that is not.
    pub fn check(&self) -> Result<()> {
        if let Some(days) = self.keep_days.filter(|days| !(*days > 0.0 && *days <= MAX_DAYS)) {
            anyhow::bail!("archive.keep_days is {days}, expected above 0, at most {MAX_DAYS}");
        }
        if self.seal == Some(true) && !HAS_PARQUET {
            anyhow::bail!(
                "archive.seal is true, but this build knows no Parquet: build Rangegate with --features parquet"
            );
        }
        Ok(())
    }
}

/// Two centuries.
pub const MAX_DAYS: f64 = 73_000.0;

/// Signal between two rows of health, s.
const HEALTH_EVERY_S: f64 = 10.0;

/// How long a detection of a radio waits for a place in the queue; one of a recording waits for as long as it takes.
const RADIO_PATIENCE: Duration = Duration::from_millis(100);

/// Gaps that wait to be written.
const MAX_GAPS: usize = 1 << 16;

/// What is known of a run when it begins, the same whether it is archived as it runs or afterwards.
///
/// The configuration is kept without what changes no detection: how it ran, and what it wrote.
pub fn run_start(
    station: &Station,
    source: String,
    sample_rate_hz: f64,
    first_sample: u64,
    start_time: Option<Timestamp>,
    mut configuration: Value,
) -> RunStart {
    if let Value::Object(fields) = &mut configuration {
        for other in ["archive", "output", "run"] {
            fields.remove(other);
        }
    }
    let configuration = configuration.to_string();
    RunStart { station: station.clone(), source, sample_rate_hz, first_sample, start_time, configuration }
}

/// A run that is archived.
pub struct Archiving {
    writer: Writer,
    path: PathBuf,
    gaps: Arc<Mutex<Vec<Gap>>>,
    stream: StreamInfo,
    next_health: u64,
    detections: u64,
}

impl Archiving {
    /// Begins where the configuration asks for it. The source is given back as it was, but watched for gaps.
    ///
    /// # Errors
    /// The archive cannot be written.
    pub fn begin(plan: &Plan, source: Box<dyn Source>) -> Result<(Option<Self>, Box<dyn Source>)> {
        let Some(config) = &plan.config.archive else { return Ok((None, source)) };
        let run = run_start(
            &config.station,
            plan.source_name(),
            plan.stream.sample_rate.hz(),
            plan.stream.first_sample,
            plan.start_time(),
            serde_json::to_value(&plan.config)?,
        );
        let patience = plan.radio.is_some().then_some(RADIO_PATIENCE);
        let options = WriteOptions { patience, keep: Some(config.keep()), ..WriteOptions::default() };
        let writer = Writer::begin(&Folder::new(&config.path), &run, options).context("the archive")?;
        let gaps = Arc::new(Mutex::new(Vec::new()));
        let watched = Watched { source, next_sample: None, gaps: Arc::clone(&gaps) };
        let (path, stream) = (config.path.clone(), plan.stream.clone());
        let archiving = Self { writer, path, gaps, stream, next_health: 0, detections: 0 };
        Ok((Some(archiving), Box::new(watched)))
    }

    /// Takes a detection. Neither allocates nor locks.
    pub fn detection(&mut self, detection: &Detection) {
        self.detections += 1;
        // What finds no place is counted, and told at the end.
        let _ = self.writer.detection(detection);
    }

    /// Takes note of how far the run is; now and then, of its health.
    pub fn progress(&mut self, sample: u64, bad_samples: u64, peaks_dropped: u64) {
        if sample < self.next_health {
            return;
        }
        let step = (HEALTH_EVERY_S * self.stream.sample_rate.hz()).max(1.0) as u64;
        self.next_health = sample.saturating_add(step);
        self.gaps();
        let figures = [
            ("samples", sample.saturating_sub(self.stream.first_sample) as f64),
            ("detections", self.detections as f64),
            ("bad_samples", bad_samples as f64),
            ("peaks_dropped", peaks_dropped as f64),
            ("archive_queued", self.writer.queued() as f64),
            ("archive_dropped", self.writer.dropped() as f64),
        ];
        self.health(sample, &figures);
    }

    fn health(&mut self, sample: u64, figures: &[(&'static str, f64)]) {
        let time = self.stream.anchor.and_then(|anchor| anchor.time_of(sample, 0.0, self.stream.sample_rate));
        for (name, value) in figures {
            self.writer.health(time, sample, name, *value);
        }
    }

    fn gaps(&mut self) {
        for gap in self.gaps.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            self.writer.gap(gap);
        }
    }

    /// Brings to the disk what came so far, and puts into the report what is there, and what is missing.
    pub fn report(&mut self, report: &mut RunReport) {
        self.gaps();
        let end =
            self.stream.first_sample.saturating_add(report.samples_in).saturating_add(report.samples_lost);
        let figures = [
            ("samples", report.samples_in as f64),
            ("samples_lost", report.samples_lost as f64),
            ("gaps", report.gaps as f64),
            ("detections", report.detections as f64),
            ("bad_samples", report.bad_samples as f64),
            ("peaks_dropped", report.peaks_dropped as f64),
            ("elapsed_s", report.elapsed_s),
            ("real_time_factor", report.real_time_factor),
        ];
        self.health(end, &figures);
        if let Err(error) = self.writer.flush() {
            report.losses.push(format!("the archive: {error}"));
        }
        let dropped = self.writer.dropped();
        if dropped > 0 {
            let path = self.path.display();
            report
                .losses
                .push(format!("{dropped} rows are not in the archive {path}, which could not keep up"));
        }
        report.archived = serde_json::json!({
            "path": self.path,
            "run": self.writer.run(),
            "detections": self.writer.accepted_detections(),
            "dropped": dropped,
        });
    }

    /// Takes in the tracks, where there are some, and ends the run.
    ///
    /// # Errors
    /// The archive cannot be written, or its upkeep failed.
    pub fn finish(mut self, report: &RunReport, tracks: Option<&Path>) -> Result<Written> {
        if let Some(tracks) = tracks {
            add_tracks(&mut self.writer, tracks)?;
        }
        let ending = Ending { status: report.status.clone(), report: Some(serde_json::to_string(report)?) };
        let (written, _) = self.writer.finish(&ending).context("the archive")?;
        Ok(written)
    }
}

/// Takes in the lines of `tracks.jsonl`.
///
/// # Errors
/// It cannot be read, or a line is no track.
pub fn add_tracks(writer: &mut Writer, path: &Path) -> Result<()> {
    let file = std::fs::File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    for (number, line) in BufReader::new(file).lines().enumerate() {
        let line = line.with_context(|| format!("cannot read {}", path.display()))?;
        let taken = writer.track(&line);
        taken.with_context(|| format!("{}: line {} is no track", path.display(), number + 1))?;
    }
    Ok(())
}

/// A source that is watched for gaps.
struct Watched {
    source: Box<dyn Source>,
    next_sample: Option<u64>,
    gaps: Arc<Mutex<Vec<Gap>>>,
}

impl Source for Watched {
    fn info(&self) -> &StreamInfo {
        self.source.info()
    }

    fn next_block(&mut self, block: &mut IqBlock) -> Result<bool, BoxError> {
        let more = self.source.next_block(block)?;
        if more {
            let header = block.header;
            if let Some(first_sample) = self.next_sample.filter(|_| header.after_gap) {
                let rate = self.source.info().sample_rate;
                let gap = Gap {
                    run: 0,
                    first_sample,
                    samples: header.first_sample.saturating_sub(first_sample),
                    time: header.anchor.and_then(|anchor| anchor.time_of(first_sample, 0.0, rate)),
                };
                let mut gaps = self.gaps.lock().unwrap_or_else(PoisonError::into_inner);
                // A pulse a gap: what pulses that were cut out leave between them is none that was lost.
                if gaps.len() < MAX_GAPS && self.source.info().pulse_len.is_none() {
                    gaps.push(gap);
                }
            }
            self.next_sample = Some(header.first_sample.saturating_add(block.n_samples() as u64));
        }
        Ok(more)
    }

    fn losses(&self) -> &[String] {
        self.source.losses()
    }
}
