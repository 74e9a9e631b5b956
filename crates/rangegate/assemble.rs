//! Wires source, chain and sinks together, and runs them.

mod destination;
mod done;
mod results;

pub use destination::Destination;
pub use done::Done;
pub(crate) use done::{annotate, report};
pub use results::{N_STRONGEST, Results};

use crate::archiving::Archiving;
use crate::chain::segment_plan;
use crate::commands::sentence;
use crate::maps::SavedMaps;
use crate::pictures;
use crate::plan::Plan;
use crate::record::{self, Recording};
use crate::tracks::{Follower, Stream, TRACKS};
use crate::watch::{self, Gated, Watch, WatchedWorker};
use anyhow::{Context, Result};
use destination::end_with_a_line;
use done::json;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use rangegate_core::{IqBlock, Segment, Source};
use rangegate_dsp::chain::Extras;
use rangegate_pipeline::{Stop, worker};
use rangegate_sources::{Repeat, Segmenter};
use results::Tapped;
use std::path::Path;
use std::sync::Arc;

/// Runs a plan to its end, or until `stop` is set.
///
/// # Errors
/// Whatever ended the run early; what was found until then is kept.
pub fn run(
    plan: &Plan,
    source: Box<dyn Source>,
    destination: Destination,
    recording: Option<Recording>,
    stop: &Stop,
    quiet: bool,
) -> Result<Done> {
    run_watched(plan, source, destination, recording, stop, quiet, None)
}

/// The same while somebody looks on.
///
/// # Errors
/// As for [`run`].
pub fn run_watched(
    plan: &Plan,
    source: Box<dyn Source>,
    destination: Destination,
    recording: Option<Recording>,
    stop: &Stop,
    quiet: bool,
    mut watch: Option<Watch>,
) -> Result<Done> {
    let Destination { folder, log } = destination;
    let (source, recording) = match recording {
        Some(recording) => {
            let (teed, blocks) = record::tee(source);
            (Box::new(teed) as Box<dyn Source>, Some((recording, blocks)))
        }
        None => (source, None),
    };
    let (archive, source) = Archiving::begin(plan, source)?;
    let segmenter = Segmenter::new(source, segment_plan(&plan.chain))?;
    let is_drawn = folder.is_some() && plan.config.output.plots;
    let always = Extras { overview: is_drawn, range_profile: is_drawn, map: plan.config.output.maps };
    let mut workers: Vec<WatchedWorker> = (0..plan.runner.n_workers())
        .map(|number| WatchedWorker::new(plan, number, watch.as_ref(), always))
        .collect();
    let mut results = Results::new(plan, log);
    results.bar = progress(plan, quiet);
    results.archive = archive;
    results.trigger = recording.as_ref().and_then(|(recording, _)| recording.trigger());
    if let Some(folder) = &folder {
        results.maps = SavedMaps::create(folder, plan)?;
    }
    if let Some(config) = plan.config.tracking.as_ref().filter(|_| folder.is_some() || watch.is_some()) {
        let onlooker = watch.as_mut().and_then(Watch::take_tracks);
        results.follower = Some(follow(plan, config, folder.as_deref(), onlooker)?);
    }
    let segment = segmenter.make_segment();
    let is_watched = watch.is_some();
    let make = || {
        let mut result = plan.make_result(is_drawn || is_watched);
        if is_watched {
            watch::make_room(plan, &mut result);
        }
        (empty_like(&segment), result)
    };
    let shared = watch.as_ref().map(|watch| Arc::clone(&watch.shared));
    let n_sets = plan.chain.n_sets();
    let mut feed = Gated::new(segmenter, shared, plan.stream.sample_rate.hz(), n_sets, stop.clone());
    results.watch = watch;

    let (ran, collected, recorded, counts, losses) = std::thread::scope(|scope| {
        let recording = recording
            .map(|(recording, blocks)| worker::spawn(scope, "recorder", move || recording.run(blocks, stop)));
        let collecting = is_drawn.then(|| {
            let (tap, parts) = pictures::overview_tap(plan.chain.core_lead_tail().0);
            results.overview = Some(tap);
            worker::spawn(scope, "plots", || pictures::collect(parts, plan.stream.first_sample))
        });
        let tapped = Tapped(&mut results);
        let ran = plan.runner.run(&mut feed, &mut workers, &mut *tapped.0, make, stop);
        drop(tapped);
        let (counts, losses) = (feed.feed().counts(), feed.feed().source().losses().to_vec());
        // The recorder ends with the source.
        drop(feed);
        let collected = collecting.map(|thread| thread.map(std::thread::ScopedJoinHandle::join)).transpose();
        let recorded = recording.map(|thread| thread.map(std::thread::ScopedJoinHandle::join)).transpose();
        (ran, collected, recorded, counts, losses)
    });
    drop(workers);
    let recorded = recorded?.and_then(std::thread::Result::ok);
    let (pipeline, ended) = match ran {
        Ok(report) => (report, Ok(())),
        Err(failure) => (failure.report, Err(anyhow::Error::new(failure.error))),
    };
    let ended = ended.and_then(|()| results.emit(None).map_err(anyhow::Error::from_boxed));
    let flushed = results.log.flush();
    let ended = ended.and_then(|()| Ok(flushed?));
    let saved = results.maps.take().map_or(Ok(()), SavedMaps::finish);
    let ended = ended.and(saved);
    results.bar.finish_and_clear();

    let mut report = report(plan, counts, &losses, &results, &pipeline);
    if let Some((recording, ended)) = recorded {
        let (recorded, finished) = recording.finish();
        report.recorded = json(&recorded);
        let why = ended.and(finished).err();
        report.losses.extend(why.map(|error| format!("the recording ended early: {}", sentence(&error))));
    }
    report.status = match (&ended, pipeline.stopped) {
        (Err(_), _) => "failed",
        (Ok(()), true) => "stopped",
        (Ok(()), false) => "done",
    }
    .to_owned();
    report.error = ended.as_ref().err().map(|error| format!("{error:#}"));
    let mut archive = results.archive.take();
    if let Some(archive) = &mut archive {
        archive.report(&mut report);
    }
    let strongest = results.strongest.detections().to_vec();
    let collected = collected?.and_then(std::thread::Result::ok);
    let tracks = results.follower.take().map(Follower::finish);
    let not_followed = results.not_followed.take();
    drop(results);
    if let (Err(_), Some(folder)) = (&ended, &folder) {
        end_with_a_line(&folder.join("detections.jsonl"));
    }
    let kept = folder.as_ref().map(|folder| {
        report.write(&folder.join("run.json"))?;
        annotate(plan, folder, report.detections)
    });
    if ended.is_err()
        && let Some(archive) = archive.take()
    {
        let _ = archive.finish(&report, None);
    }
    // What ended the run is told first; what it kept may have failed for the same reason.
    ended?;
    kept.transpose()?;
    if let Some(error) = not_followed {
        return Err(error.context("tracking"));
    }
    let tracks = tracks.transpose().context("tracking")?;
    let followed = tracks.as_ref().and(folder.as_ref()).map(|folder| folder.join(TRACKS));
    if let Some(archive) = archive
        && let Err(error) = archive.finish(&report, followed.as_deref())
    {
        report.losses.push(format!("the archive: {}", sentence(&error)));
    }
    let plots = match (&folder, collected) {
        (Some(folder), Some(collected)) => {
            let bar = spinner("drawing plots", quiet);
            let plots = pictures::draw(plan, &folder.join("plots"), &collected, &strongest, stop);
            bar.finish_and_clear();
            plots
        }
        _ => Vec::new(),
    };
    Ok(Done { report, source: plan.source_name(), strongest, tracks, folder, plots })
}

/// What follows the targets of a run, which finds them in order.
pub(crate) fn follow(
    plan: &Plan,
    config: &rangegate_tracking::TrackingConfig,
    folder: Option<&Path>,
    onlooker: Option<rangegate_pipeline::Sender<String>>,
) -> Result<Follower> {
    let stream = Stream {
        first_sample: plan.stream.first_sample,
        sample_rate_hz: Some(plan.stream.sample_rate.hz()),
        start_time: plan.start_time(),
    };
    let out = folder.map(|folder| folder.join(TRACKS));
    let follower = Follower::new(config, stream, out.as_deref(), 0.0).context("tracking")?;
    Ok(follower.watched(onlooker))
}

/// A segment with a buffer of the same size; a clone would have none.
fn empty_like(segment: &Segment) -> Segment {
    Segment { block: IqBlock::with_capacity(segment.block.capacity()), ..Segment::default() }
}

/// What turns on a terminal while something takes its time.
fn spinner(message: &'static str, quiet: bool) -> ProgressBar {
    if quiet {
        return ProgressBar::hidden();
    }
    let bar =
        ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(5)).with_message(message);
    bar.enable_steady_tick(std::time::Duration::from_millis(200));
    bar
}

/// A bar from the first sample's index to the last one's, on a terminal.
fn progress(plan: &Plan, quiet: bool) -> ProgressBar {
    let first = plan.stream.first_sample;
    let length = match plan.config.source.repeat {
        Repeat::Times(times) => (plan.window.1 - plan.window.0).checked_mul(times.get()),
        Repeat::Forever => None,
    };
    let end = length.and_then(|length| first.checked_add(length));
    let Some(end) = end.filter(|_| !quiet) else { return ProgressBar::hidden() };
    let style = ProgressStyle::with_template("{wide_bar} {percent:>3} %  {elapsed} gone, {eta} left")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::with_draw_target(Some(end), ProgressDrawTarget::stderr_with_hz(5));
    bar.with_style(style).with_position(first)
}
