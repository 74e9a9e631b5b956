//! `--dry-run`: what would be done, and how long it would take.

use super::args::ReprocessArgs;
use super::plan::{Part, Work};
use super::summary::Aside;
use crate::Outcome;
use crate::commands::{print, print_json};
use crate::reprocess::job::Job;
use crate::reprocess::mirror::Mirror;
use crate::reprocess::work::Bench;
use anyhow::Result;
use serde::Serialize;
use std::fmt::Write;
use std::time::{Duration, Instant};

/// How long a piece is tried.
const TRIAL: Duration = Duration::from_secs(2);

/// What would be done.
#[derive(Debug, Serialize)]
struct Estimate<'a> {
    configuration: &'a str,
    recordings: Vec<Line<'a>>,
    samples: u64,
    bytes: u64,
    pieces: u64,
    pieces_to_do: u64,
    segments_to_do: u64,
    workers: usize,
    /// Of the trial, by one worker; null where nothing is to be done.
    seconds_per_segment: Option<f64>,
    trial_segments: u64,
    /// With all workers at the trial's speed.
    estimated_s: Option<f64>,
    set_aside: &'a [Aside],
}

#[derive(Debug, Serialize)]
struct Line<'a> {
    name: &'a str,
    path: String,
    bytes: u64,
    samples: u64,
    gaps: u64,
    segments: u64,
    pieces: usize,
}

/// Prints it.
///
/// # Errors
/// Standard output is closed, or a piece that is tried fails.
pub fn dry_run(args: &ReprocessArgs, work: &Work, quiet: bool) -> Result<Outcome> {
    let missing = work.missing(args.shard);
    let segments_to_do: u64 = missing.iter().map(|job| job.n_segments()).sum();
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    let workers = args.workers.map_or(cores, usize::from);
    if !quiet && !missing.is_empty() {
        tracing::info!("a piece is tried");
    }
    let trial = missing.get(missing.len() / 2).map(|job| try_piece(job, &work.mirror)).transpose()?;
    let per_segment = trial.map(|(segments, seconds)| seconds / segments.max(1) as f64);
    let estimate = Estimate {
        configuration: &work.common.configuration,
        recordings: work.parts.iter().map(line).collect(),
        samples: work.parts.iter().map(|part| part.survey.counts.samples).sum(),
        bytes: work.parts.iter().map(|part| part.identity.bytes).sum(),
        pieces: work.n_jobs(args.shard),
        pieces_to_do: missing.len() as u64,
        segments_to_do,
        workers,
        seconds_per_segment: per_segment,
        trial_segments: trial.map_or(0, |(segments, _)| segments),
        // More workers than cores share them.
        estimated_s: per_segment.map(|s| s * segments_to_do as f64 / workers.min(cores).max(1) as f64),
        set_aside: &work.set_aside,
    };
    if args.json {
        print_json(&estimate)?;
    } else {
        print(&text(&estimate)?)?;
    }
    Ok(if work.set_aside.is_empty() { Outcome::Done } else { Outcome::Differs })
}

fn line(part: &Part) -> Line<'_> {
    Line {
        name: &part.found.name,
        path: part.called.clone(),
        bytes: part.identity.bytes,
        samples: part.survey.counts.samples,
        gaps: part.survey.counts.gaps,
        segments: part.survey.n_segments,
        pieces: part.jobs.len(),
    }
}

/// Works on a piece for a while, and keeps nothing of it: segments, and seconds that they took.
fn try_piece(job: &Job, mirror: &Mirror) -> Result<(u64, f64)> {
    let mut bench = Bench::new(job, mirror)?;
    let (begun, mut segments) = (Instant::now(), 0);
    bench.work(
        job,
        |_| Ok(()),
        |n| {
            segments = n + 1;
            Ok(begun.elapsed() < TRIAL)
        },
    )?;
    Ok((segments, begun.elapsed().as_secs_f64()))
}

/// Recordings that are listed.
const MOST_LINES: usize = 20;

fn text(estimate: &Estimate<'_>) -> Result<String> {
    let mut text = String::new();
    for line in estimate.recordings.iter().take(MOST_LINES) {
        writeln!(
            text,
            "{:<32} {:>12} samples  {:>7} segments  {:>5} pieces  {} gaps",
            line.name, line.samples, line.segments, line.pieces, line.gaps
        )?;
    }
    if estimate.recordings.len() > MOST_LINES {
        writeln!(text, "… and {} more", estimate.recordings.len() - MOST_LINES)?;
    }
    for aside in estimate.set_aside {
        writeln!(text, "cannot be done: {aside}")?;
    }
    writeln!(
        text,
        "{} recordings, {:.3} GB, {} samples, {} pieces, {} of them to do with {} workers",
        estimate.recordings.len(),
        estimate.bytes as f64 / 1e9,
        estimate.samples,
        estimate.pieces,
        estimate.pieces_to_do,
        estimate.workers
    )?;
    if let (Some(seconds), Some(each)) = (estimate.estimated_s, estimate.seconds_per_segment) {
        let n = estimate.trial_segments;
        writeln!(text, "about {seconds:.1} s, at {:.3} ms a segment in a trial of {n}", each * 1e3)?;
    }
    Ok(text)
}
