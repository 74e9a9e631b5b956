//! `run.json`: what a run did.

use crate::Error;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

/// Version of the report; grows when a field changes its meaning or goes away.
pub const REPORT_SCHEMA_VERSION: u32 = 1;

/// What a run did.
#[derive(Clone, Debug, Default, Serialize)]
pub struct RunReport {
    /// [`REPORT_SCHEMA_VERSION`].
    pub schema_version: u32,
    /// Version of the program.
    pub rangegate_version: String,
    /// Version of the lines in `detections.jsonl`.
    pub detection_schema_version: u32,
    /// `done`, `stopped` or `failed`.
    pub status: String,
    /// What failed.
    pub error: Option<String>,
    /// Samples a channel that came in.
    pub samples_in: u64,
    /// Their duration, s.
    pub signal_s: f64,
    /// Stretches without a gap.
    pub runs: u64,
    /// Gaps between them.
    pub gaps: u64,
    /// Samples that gaps left out.
    pub samples_lost: u64,
    /// Samples that no core holds: what is left of a run behind its last whole dwell.
    pub samples_unused: u64,
    /// Samples that were infinite, no numbers, or beyond 1e15.
    pub bad_samples: u64,
    /// What could not be read, a sentence each.
    pub losses: Vec<String>,
    /// Detections.
    pub detections: u64,
    /// Of these, with each template; templates without any are left out.
    pub detections_by_template: BTreeMap<String, u64>,
    /// Peaks that found no place in a segment's result.
    pub peaks_dropped: u64,
    /// Where pulses began, and how that drifted; null for chains without pulses.
    pub framing: Value,
    /// What each tap dropped.
    pub tap_drops: BTreeMap<String, u64>,
    /// Wall time of the run, s.
    pub elapsed_s: f64,
    /// Samples a channel and second of wall time, millions.
    pub msamples_per_s: f64,
    /// Duration of the signal over wall time.
    pub real_time_factor: f64,
    /// Time that all threads of the program worked, s; null where the system does not tell.
    pub processor_s: Option<f64>,
    /// What the recording says of itself.
    pub recording: Value,
    /// What the radio really did; null without one.
    pub radio: Value,
    /// What was recorded meanwhile; null if nothing was.
    pub recorded: Value,
    /// Where in which archive the run is, and what is missing there; null where it was not archived.
    pub archived: Value,
    /// The plan.
    pub plan: Value,
    /// The configuration, with everything that the command line said.
    pub configuration: Value,
    /// Where the time went, stage by stage.
    pub pipeline: Value,
}

impl RunReport {
    /// Whether samples were lost or results dropped, so that the exit code is 1.
    ///
    /// A gap that the recording itself has is no loss of this run.
    pub fn lost_data(&self) -> bool {
        !self.losses.is_empty() || self.bad_samples > 0 || self.peaks_dropped > 0
    }

    /// Writes the report: all of it, or the file stays as it was.
    ///
    /// # Errors
    /// The disk is full.
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        let temporary = path.with_extension("json.tmp");
        let write = || {
            let mut file = std::fs::File::create(&temporary)?;
            serde_json::to_writer_pretty(&mut file, self)?;
            file.write_all(b"\n")?;
            file.sync_all()?;
            std::fs::rename(&temporary, path)
        };
        write().map_err(|source| {
            let _ = std::fs::remove_file(&temporary);
            Error::io(path, "write", source)
        })
    }
}
