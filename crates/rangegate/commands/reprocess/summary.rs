//! `reprocess.json`: what was done, and what was not.

use super::plan::{Part, Work};
use crate::Outcome;
use crate::reprocess::job::{Job, write_whole};
use crate::reprocess::pool::Account;
use anyhow::Result;
use rangegate_sinks::RunReport;
use serde::Serialize;
use std::fmt::{self, Write as _};
use std::io::Write as _;
use std::path::Path;
use std::time::Instant;

/// Version of the summary; grows when a field changes its meaning or goes away.
const SCHEMA_VERSION: u32 = 1;
/// What was set aside that is told on standard error.
const MOST_TOLD: usize = 10;

/// What cannot be done, and why.
#[derive(Clone, Debug, Serialize)]
pub struct Aside {
    /// Path of the recording, or its address in S3.
    pub recording: String,
    /// First segment of the piece, and the one after its last; null where it is the recording itself.
    pub segments: Option<(u64, u64)>,
    /// Why.
    pub reason: String,
    /// How often it was tried.
    pub attempts: u32,
}

impl Aside {
    /// A piece.
    pub fn of_piece(job: &Job, reason: String, attempts: u32) -> Self {
        let segments = Some((job.place.sequence, job.end));
        Self { recording: job.recording.clone(), segments, reason, attempts }
    }

    /// A recording, or the rest of one.
    pub fn of_recording(recording: String, reason: String) -> Self {
        Self { recording, segments: None, reason, attempts: 1 }
    }
}

impl fmt::Display for Aside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Most reasons begin with the path.
        if !self.reason.starts_with(&self.recording) {
            write!(f, "{}: ", self.recording)?;
        }
        if let Some((first, end)) = self.segments {
            write!(f, "segments {first} to {}: ", end - 1)?;
        }
        f.write_str(&self.reason)
    }
}

/// A recording that was merged.
#[derive(Clone, Debug, Serialize)]
struct Merged {
    name: String,
    path: String,
    pieces: usize,
    segments: u64,
    samples: u64,
    detections: u64,
    status: String,
    losses: Vec<String>,
}

/// What was done.
#[derive(Debug, Serialize)]
pub struct Summary {
    schema_version: u32,
    rangegate_version: &'static str,
    /// SHA-256 of the configuration, as pieces have it.
    configuration: String,
    recordings: Vec<Merged>,
    /// Pieces.
    pieces: u64,
    /// Of these, those that were there.
    pub reused: u64,
    /// Those that were done now.
    done: u64,
    /// Processes that died at work, whose pieces were done again.
    worker_deaths: u64,
    /// Pieces that this start and another did.
    doubled: u64,
    /// What was not done.
    pub set_aside: Vec<Aside>,
    /// Wall time, s.
    elapsed_s: f64,
    lost_data: bool,
    #[serde(skip)]
    begun: Instant,
}

impl Summary {
    /// Of work that begins.
    pub fn new(work: &Work) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            rangegate_version: env!("CARGO_PKG_VERSION"),
            configuration: work.common.configuration.clone(),
            recordings: Vec::new(),
            pieces: work.n_jobs(None),
            reused: 0,
            done: 0,
            worker_deaths: 0,
            doubled: 0,
            set_aside: work.set_aside.clone(),
            elapsed_s: 0.0,
            lost_data: false,
            begun: Instant::now(),
        }
    }

    /// The pieces are done.
    pub fn account(&mut self, account: &Account) {
        (self.done, self.worker_deaths, self.doubled) = (account.done, account.deaths, account.doubled);
        self.elapsed_s = self.begun.elapsed().as_secs_f64();
    }

    /// A recording is merged.
    pub fn merged(&mut self, part: &Part, report: &RunReport) {
        let Part { found, called, survey, jobs, .. } = part;
        self.lost_data |= report.lost_data();
        self.recordings.push(Merged {
            name: found.name.clone(),
            path: called.clone(),
            pieces: jobs.len(),
            segments: survey.n_segments,
            samples: report.samples_in,
            detections: report.detections,
            status: report.status.clone(),
            losses: report.losses.clone(),
        });
        self.elapsed_s = self.begun.elapsed().as_secs_f64();
    }

    /// Puts it into the folder of results.
    ///
    /// # Errors
    /// The disk is full.
    pub fn write(&self, out: &Path) -> Result<()> {
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        write_whole(&out.join("reprocess.json"), &text)
    }

    /// Says on standard error what was not done, and what could not be read.
    pub fn warn(&self) {
        warn("set aside", self.set_aside.iter());
        warn("lost data", self.recordings.iter().flat_map(|merged| &merged.losses));
    }

    /// The summary for people.
    pub fn text(&self, out: Option<&Path>) -> String {
        let mut text = String::new();
        let (pieces, done, reused) = (self.pieces, self.done, self.reused);
        let _ = write!(text, "{pieces} pieces: {done} done in {:.2} s, {reused} were there", self.elapsed_s);
        if self.worker_deaths > 0 {
            let _ = write!(text, ", {} workers died", self.worker_deaths);
        }
        text.push('\n');
        let Some(out) = out else { return text };
        let detections: u64 = self.recordings.iter().map(|merged| merged.detections).sum();
        let samples: u64 = self.recordings.iter().map(|merged| merged.samples).sum();
        let n = self.recordings.len();
        let _ = writeln!(text, "{n} recordings, {samples} samples, {detections} detections");
        let _ = writeln!(text, "written: {}", out.join("reprocess.json").display());
        for merged in self.recordings.iter().take(MOST_TOLD) {
            let path = out.join(&merged.name).join("detections.jsonl");
            let _ = writeln!(text, "         {}", path.display());
        }
        if n > MOST_TOLD {
            let _ = writeln!(text, "         … and of {} more", n - MOST_TOLD);
        }
        text
    }

    /// How it ended.
    pub fn outcome(&self) -> Outcome {
        if self.set_aside.is_empty() && !self.lost_data { Outcome::Done } else { Outcome::Differs }
    }
}

/// The first lines of a kind, and how many there are besides.
fn warn(what: &str, all: impl Iterator<Item = impl fmt::Display>) {
    let mut stderr = std::io::stderr().lock();
    let mut n_more = 0;
    for (n, one) in all.enumerate() {
        if n < MOST_TOLD {
            let _ = writeln!(stderr, "rangegate: {what}: {one}");
        } else {
            n_more += 1;
        }
    }
    if n_more > 0 {
        let _ = writeln!(stderr, "rangegate: {what}: {n_more} more, all in reprocess.json");
    }
}
