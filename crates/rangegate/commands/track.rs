//! `track`: follows the targets of saved detections.

use crate::Outcome;
use crate::commands::saved::RunFile;
use crate::config::{self, Config};
use crate::pictures::{self, title};
use crate::tracks::{self, Stream, TRACKS};
use anyhow::{Context, Result, bail};
use clap::ValueHint;
use rangegate_sinks::plots::About;
use rangegate_sinks::{detections_of, read_detections};
use std::path::{Path, PathBuf};

/// Arguments of `track`.
#[derive(Debug, clap::Args)]
pub struct TrackArgs {
    /// A folder that a run wrote, or its detections.jsonl; a log without a run.json beside it needs times
    #[arg(value_name = "DETECTIONS", value_hint = ValueHint::AnyPath)]
    pub dir: PathBuf,

    /// Take the settings of tracking from this configuration; default: the run's
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub config: Option<PathBuf>,

    /// Write tracks to this file; default: tracks.jsonl beside the detections
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub out: Option<PathBuf>,

    /// Print the summary as JSON
    #[arg(long)]
    pub json: bool,
}

/// Runs the command.
///
/// # Errors
/// There is no run and no log, or its detections cannot be followed.
pub fn track(args: &TrackArgs) -> Result<Outcome> {
    let (folder, detections) = if args.dir.is_file() {
        (args.dir.parent().unwrap_or(Path::new("")), args.dir.clone())
    } else {
        (&*args.dir, args.dir.join("detections.jsonl"))
    };
    let is_bare = args.dir.is_file() && !folder.join("run.json").exists();
    let run = if is_bare { None } else { Some(RunFile::read(folder)?) };
    let config = match (&args.config, &run) {
        (Some(path), _) => config::load(path)?.tracking,
        (None, Some(run)) => {
            let saved: Config = run.configuration()?;
            saved.tracking
        }
        (None, None) => None,
    };
    let config = config.unwrap_or_default();
    let stream = match &run {
        Some(run) => Stream {
            first_sample: run.plan.first_sample,
            sample_rate_hz: Some(run.plan.sample_rate_hz),
            start_time: run.plan.start_time,
        },
        None => stream_by_time(&detections)?,
    };
    let out = args.out.clone().unwrap_or_else(|| folder.join(TRACKS));
    let found = tracks::track(&config, &detections, stream, &out)?;
    if args.json {
        super::print_json(&found)?;
    } else {
        super::print(&format!("{}written: {}\n", found.text(), out.display()))?;
    }
    // The pictures of a run are those of its own tracks.
    let plots = folder.join("plots");
    if let (Some(run), None, true) = (run, &args.out, plots.is_dir()) {
        let about = About {
            title: title(&run.plan.source),
            sample_rate_hz: run.plan.sample_rate_hz,
            center_frequency_hz: None,
            first_sample: stream.first_sample,
            start: stream.start_time.map(|time| format!("{time:.3}")),
        };
        let (points, found) = (pictures::tracks::read(&out)?, read_detections(&detections)?);
        pictures::tracks::draw(&plots, &about, &config, &points, &found).context("plots")?;
    }
    Ok(Outcome::Done)
}

/// Time counts from the first detection, where no run says otherwise.
fn stream_by_time(detections: &Path) -> Result<Stream> {
    let first = detections_of(detections)?.next().transpose()?;
    let start_time = first.and_then(|detection| detection.time);
    if start_time.is_none() {
        bail!(
            "{} has no run.json beside it, and its first detection no time: one of the two is needed",
            detections.display()
        );
    }
    Ok(Stream { first_sample: 0, sample_rate_hz: None, start_time })
}
