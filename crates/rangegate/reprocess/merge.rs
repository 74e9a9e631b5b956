//! From the pieces of a recording to what a single pass leaves.

use super::job::Job;
use super::piece::Piece;
use super::survey::Survey;
use crate::assemble::{self, Destination, Results};
use crate::plan::Plan;
use crate::tracks::{Follower, TRACKS};
use anyhow::{Context, Result};
use rangegate_dsp::chain::SegmentResult;
use rangegate_pipeline::Drain;
use rangegate_sinks::RunReport;
use std::path::Path;
use std::time::Instant;

/// Hands what all pieces hold, in order, to the collector, the log and the tracker of a single run, and writes its report.
/// Where a piece is missing the run goes on as behind a gap, and says so among its losses.
///
/// # Errors
/// The results cannot be written, or a piece changes under way.
pub fn merge(plan: &Plan, survey: &Survey, jobs: &[Job], folder: &Path) -> Result<RunReport> {
    let begun = Instant::now();
    let Destination { log, .. } = Destination::open(Some(folder))?;
    let mut results = Results::new(plan, log);
    if let Some(tracking) = &plan.config.tracking {
        results.follower = Some(assemble::follow(plan, tracking, Some(folder), None)?);
    }
    let mut losses = survey.losses.clone();
    let mut after_hole = false;
    for job in jobs {
        let Some(piece) = Piece::read(job)? else {
            losses.push(format!("segments {} to {} are missing", job.place.sequence, job.end - 1));
            after_hole = true;
            continue;
        };
        let first = job.place.sequence;
        piece.each(|mut result| {
            if after_hole && result.sequence == first {
                begin_anew(&mut result);
            }
            results.accept(&result).map_err(anyhow::Error::from_boxed)
        })?;
        after_hole = false;
    }
    // A single pass that breaks off keeps what it found until then, and closes nothing.
    if survey.broken.is_none() {
        results.emit(None).map_err(anyhow::Error::from_boxed)?;
    }
    results.log.flush()?;
    let ran = rangegate_pipeline::RunReport {
        runner: plan.runner.clone(),
        jobs: survey.n_segments * plan.chain.n_sets() as u64,
        stopped: false,
        elapsed_s: begun.elapsed().as_secs_f64(),
        slots: 0,
        stages: Vec::new(),
        queues: Vec::new(),
    };
    let mut report = assemble::report(plan, survey.counts, &losses, &results, &ran);
    report.pipeline = serde_json::json!({ "pieces": jobs.len(), "segments": survey.n_segments });
    report.status = if survey.broken.is_some() { "failed" } else { "done" }.to_owned();
    report.error.clone_from(&survey.broken);
    report.write(&folder.join("run.json"))?;
    assemble::annotate(plan, folder, report.detections)?;
    let not_followed = results.not_followed.take();
    let tracks = results.follower.take().map(Follower::finish);
    drop(results);
    match (not_followed, tracks.transpose()) {
        (Some(error), _) | (None, Err(error)) => {
            // The file holds what was followed until then.
            Err(error).with_context(|| folder.join(TRACKS).display().to_string())
        }
        (None, Ok(_)) => Ok(report),
    }
}

/// Of what came before nothing is known.
fn begin_anew(result: &mut SegmentResult) {
    (result.starts_run, result.after_gap) = (true, true);
}
