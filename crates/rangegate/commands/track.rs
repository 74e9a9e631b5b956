//! `track`: follows the targets of a run's detections.

use crate::Outcome;
use crate::cli::TrackArgs;
use crate::commands::saved;
use crate::config::{self, Config};
use crate::pictures::title;
use crate::tracks::{self, Stream, TRACKS};
use anyhow::{Context, Result};
use rangegate_sinks::plots::About;

/// Runs the command.
///
/// # Errors
/// The folder holds no run, or its detections cannot be followed.
pub fn track(args: &TrackArgs) -> Result<Outcome> {
    let run = saved::RunFile::read(&args.dir)?;
    let saved: Config = run.configuration()?;
    let config = match &args.config {
        Some(path) => config::load(path)?.tracking,
        None => saved.tracking,
    };
    let out = args.out.clone().unwrap_or_else(|| args.dir.join(TRACKS));
    let stream = Stream {
        first_sample: run.plan.first_sample,
        sample_rate_hz: run.plan.sample_rate_hz,
        start_time: run.plan.start_time,
    };
    let detections = args.dir.join("detections.jsonl");
    let found = tracks::track(&config.unwrap_or_default(), &detections, stream, &out)?;
    if args.json {
        super::print_json(&found)?;
    } else {
        super::print(&format!("{}written: {}\n", found.text(), out.display()))?;
    }
    let plots = args.dir.join("plots");
    if plots.is_dir() {
        let about = About {
            title: title(&run.plan.source),
            sample_rate_hz: stream.sample_rate_hz,
            center_frequency_hz: None,
            first_sample: stream.first_sample,
            start: stream.start_time.map(|time| format!("{time:.3}")),
        };
        found.draw(&plots.join("tracks.png"), &about).context("plots")?;
    }
    Ok(Outcome::Done)
}
