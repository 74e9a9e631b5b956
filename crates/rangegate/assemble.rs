//! Wires source, chain and sinks together, and runs them.

use crate::Outcome;
use crate::archiving::Archiving;
use crate::chain::segment_plan;
use crate::commands::sentence;
use crate::maps::{MAPS, SavedMaps};
use crate::pictures;
use crate::plan::Plan;
use crate::record::{self, Recording};
use crate::tracks::{Follower, Stream, TRACKS, Tracks};
use crate::watch::{self, Gated, Watch, WatchedWorker};
use anyhow::{Context, Result, bail};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use rangegate_core::detection::DETECTION_SCHEMA_VERSION;
use rangegate_core::{BoxError, Detection, IqBlock, Segment, Source};
use rangegate_dsp::chain::{Collector, Extras, SegmentResult};
use rangegate_pipeline::{Drain, Stop, worker};
use rangegate_sinks::report::REPORT_SCHEMA_VERSION;
use rangegate_sinks::{
    DetectionWriter, RunReport, Strongest, Trigger, annotations_from_detections, read_detections,
};
use rangegate_sources::{Repeat, Segmenter, StreamCounts};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Detections that the summary and the plots show.
pub const N_STRONGEST: usize = 10;

/// Most detections that become SigMF annotations, which are held in memory.
const MAX_ANNOTATIONS: u64 = 1_000_000;

/// Where results go.
pub struct Destination {
    folder: Option<PathBuf>,
    pub(crate) log: DetectionWriter<Box<dyn Write + Send>>,
}

impl Destination {
    /// Nowhere: somebody looks on, and that is all.
    pub fn nowhere() -> Self {
        Self::to(Box::new(std::io::sink()), "nowhere")
    }

    /// Detections alone, to whatever takes bytes: a write for each segment that has any.
    pub fn to(out: Box<dyn Write + Send>, name: &str) -> Self {
        Self { folder: None, log: DetectionWriter::new(out, name) }
    }

    /// A folder, or standard output for the detections alone.
    ///
    /// # Errors
    /// The folder cannot be made or holds something else.
    pub fn open(folder: Option<&Path>) -> Result<Self> {
        let Some(folder) = folder else {
            return Ok(Self::to(Box::new(std::io::stdout()), "standard output"));
        };
        std::fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
        let entries =
            std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
        if entries.count() > 0
            && !folder.join("run.json").exists()
            && !folder.join("detections.jsonl").exists()
        {
            bail!("{} is not empty and no run was written there: choose another folder", folder.display());
        }
        let path = folder.join("detections.jsonl");
        let file = File::create(&path).with_context(|| format!("cannot create {}", path.display()))?;
        // What an earlier run left must not be taken for this one's; what no run writes is left alone.
        for stale in ["run.json", "detections.sigmf-meta", MAPS, TRACKS] {
            let _ = std::fs::remove_file(folder.join(stale));
        }
        let link = folder.join("detections.sigmf-data");
        if link.is_symlink() {
            let _ = std::fs::remove_file(link);
        }
        pictures::remove(&folder.join("plots"));
        let log = DetectionWriter::new(Box::new(file) as Box<dyn Write + Send>, path);
        Ok(Self { folder: Some(folder.to_owned()), log })
    }
}

/// Results in the order of the stream: peaks become detections, and those go to the log. Nothing in here
/// allocates for a detection or a segment, but the HDF5 library for maps.
pub struct Results {
    collector: Collector,
    pub(crate) log: DetectionWriter<Box<dyn Write + Send>>,
    /// Lines that have left memory.
    told: u64,
    strongest: Strongest,
    by_template: BTreeMap<Arc<str>, u64>,
    bad_samples: u64,
    peaks_dropped: u64,
    overview: Option<pictures::OverviewTap>,
    maps: Option<SavedMaps>,
    pub(crate) follower: Option<Follower>,
    /// Why nothing is followed any more.
    pub(crate) not_followed: Option<anyhow::Error>,
    tap_drops: BTreeMap<String, u64>,
    bar: ProgressBar,
    failed: Option<BoxError>,
    /// Pulled by detections of this signal-to-noise ratio, dB.
    trigger: Option<(Trigger, f64)>,
    archive: Option<Archiving>,
    watch: Option<Watch>,
}

impl Results {
    /// Everything planned, nothing accepted.
    pub fn new(plan: &Plan, log: DetectionWriter<Box<dyn Write + Send>>) -> Self {
        Self {
            collector: plan.chain.make_collector(),
            log,
            told: 0,
            strongest: Strongest::new(N_STRONGEST),
            by_template: plan.template_names().map(|name| (name, 0)).collect(),
            bad_samples: 0,
            peaks_dropped: 0,
            overview: None,
            maps: None,
            follower: None,
            not_followed: None,
            tap_drops: BTreeMap::new(),
            bar: ProgressBar::hidden(),
            failed: None,
            trigger: None,
            archive: None,
            watch: None,
        }
    }

    /// Takes the result of a segment, or the end of the stream.
    pub(crate) fn emit(&mut self, finish: Option<&SegmentResult>) -> Result<(), BoxError> {
        let Self {
            collector,
            log,
            strongest,
            by_template,
            failed,
            trigger,
            follower,
            not_followed,
            archive,
            watch,
            ..
        } = self;
        let emit = |detection: &Detection| {
            // All that a run leaves holds the same digits.
            let detection = &detection.rounded();
            strongest.consider(detection);
            if let Some((trigger, least_db)) = trigger
                && detection.snr_db >= *least_db
            {
                trigger.at(detection.sample);
            }
            if let Some(count) = by_template.get_mut(&detection.template) {
                *count += 1;
            }
            if let Some(archive) = archive {
                archive.detection(detection);
            }
            if let Some(watch) = watch {
                watch.detection(detection);
            }
            if failed.is_none() {
                *failed = log.write(detection).err().map(Into::into);
            }
            if let Some(following) = follower {
                // What cannot be followed hinders no detection.
                if let Err(error) = following.push(detection) {
                    (*follower, *not_followed) = (None, Some(error));
                }
            }
        };
        match finish {
            Some(result) => collector.accept(result, emit),
            None => collector.finish(emit),
        }
        self.failed.take().map_or(Ok(()), Err)
    }

    /// Hands on what a segment had: whoever reads along sees it at once. A write a segment costs little.
    fn tell(&mut self) -> Result<(), BoxError> {
        if self.log.count() > self.told {
            self.log.flush()?;
            self.told = self.log.count();
        }
        Ok(())
    }
}

impl Drain<SegmentResult> for Results {
    fn accept(&mut self, result: &SegmentResult) -> Result<(), BoxError> {
        let began = self.watch.is_some().then(std::time::Instant::now);
        self.bad_samples += result.bad_samples;
        self.peaks_dropped += result.peaks_dropped;
        if result.set == 0 {
            if let Some(overview) = &mut self.overview {
                overview.offer(result);
            }
            self.bar.set_position(result.first_sample);
            if let Some(archive) = &mut self.archive {
                archive.progress(result.first_sample, self.bad_samples, self.peaks_dropped);
            }
        }
        if let Some(maps) = &mut self.maps {
            maps.accept(result)?;
        }
        let emitted = self.emit(Some(result)).and_then(|()| self.tell());
        if let (Some(watch), Some(began)) = (&mut self.watch, began) {
            watch.accept(result);
            let spent = began.elapsed().as_nanos() as u64;
            watch.shared.drain_ns.fetch_add(spent, std::sync::atomic::Ordering::Relaxed);
        }
        emitted
    }
}

/// Lets go of the tap to the plots at the end of its life, also where a panic ends it: what collects behind the tap
/// waits for that, and whoever joins it with it.
struct Tapped<'a>(&'a mut Results);

impl Drop for Tapped<'_> {
    fn drop(&mut self) {
        let dropped = self.0.overview.take().map(|tap| ("plots".to_owned(), tap.dropped()));
        self.0.tap_drops.extend(dropped);
        let dropped = self.0.watch.as_ref().map(|watch| ("web".to_owned(), watch.dropped()));
        self.0.tap_drops.extend(dropped);
    }
}

/// What a run left behind.
pub struct Done {
    /// The report.
    pub report: RunReport,
    source: String,
    strongest: Vec<Detection>,
    tracks: Option<Tracks>,
    folder: Option<PathBuf>,
    plots: Vec<PathBuf>,
}

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

/// Cuts off what stands behind the last whole line of a log, where the disk was full in the middle of one.
fn end_with_a_line(path: &Path) {
    let cut = || -> std::io::Result<()> {
        let mut file = File::options().read(true).write(true).open(path)?;
        if !file.metadata()?.is_file() {
            return Ok(());
        }
        let length = file.metadata()?.len();
        let tail_start = length.saturating_sub(rangegate_sinks::detection_log::MAX_LINE);
        file.seek(SeekFrom::Start(tail_start))?;
        let mut tail = Vec::new();
        file.read_to_end(&mut tail)?;
        let end = tail.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        file.set_len(tail_start + end as u64)
    };
    if let Err(error) = cut() {
        tracing::warn!("{}: the last line may be cut short: {error}", path.display());
    }
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

/// Detections as SigMF annotations beside a link to the samples.
pub(crate) fn annotate(plan: &Plan, folder: &Path, n_detections: u64) -> Result<()> {
    let Some(recording) = plan.recording.as_ref().filter(|_| plan.config.output.sigmf_annotations) else {
        return Ok(());
    };
    if n_detections > MAX_ANNOTATIONS {
        tracing::warn!("{n_detections} detections are more than {MAX_ANNOTATIONS}: no SigMF annotations");
        return Ok(());
    }
    let detections = read_detections(&folder.join("detections.jsonl"))?;
    let length_of = |name: &str| {
        plan.replicas
            .iter()
            .find(|replica| &*replica.name == name)
            .map(|replica| replica.samples.len() as u64)
    };
    // Of a recording that was played more than once the first time: it has no samples for the others.
    let (in_recording, _) = detections.split_at(detections.partition_point(|d| d.sample < plan.window.1));
    let annotations = annotations_from_detections(in_recording, length_of);
    let meta = folder.join("detections.sigmf-meta");
    rangegate_recording::sigmf::write_annotations(&meta, recording, &annotations)?;
    Ok(())
}

/// The report of a run, but for how it ended.
pub(crate) fn report(
    plan: &Plan,
    counts: StreamCounts,
    losses: &[String],
    results: &Results,
    pipeline: &rangegate_pipeline::RunReport,
) -> RunReport {
    let signal_s = counts.samples as f64 / plan.stream.sample_rate.hz();
    let per_elapsed = |value: f64| if pipeline.elapsed_s > 0.0 { value / pipeline.elapsed_s } else { 0.0 };
    let counted = results.by_template.iter().filter(|(_, count)| **count > 0);
    RunReport {
        schema_version: REPORT_SCHEMA_VERSION,
        rangegate_version: env!("CARGO_PKG_VERSION").to_owned(),
        detection_schema_version: DETECTION_SCHEMA_VERSION,
        samples_in: counts.samples,
        signal_s,
        runs: counts.runs,
        gaps: counts.gaps,
        samples_lost: counts.samples_lost,
        samples_unused: counts.samples_unused,
        bad_samples: results.bad_samples,
        losses: losses.to_vec(),
        detections: results.log.count(),
        detections_by_template: counted.map(|(name, count)| (name.to_string(), *count)).collect(),
        peaks_dropped: results.peaks_dropped,
        framing: json(&results.collector.framing()),
        tap_drops: results.tap_drops.clone(),
        elapsed_s: pipeline.elapsed_s,
        msamples_per_s: per_elapsed(counts.samples as f64 / 1e6),
        real_time_factor: per_elapsed(signal_s),
        processor_s: record::processor_s(),
        recording: json(&plan.recording),
        radio: json(&plan.radio),
        recorded: Value::Null,
        plan: json(&plan.summary()),
        configuration: json(&plan.config),
        pipeline: json(pipeline),
        ..RunReport::default()
    }
}

/// What cannot be said in JSON is a bug, but none that is worth the run's results.
fn json(value: &impl serde::Serialize) -> Value {
    serde_json::to_value(value).unwrap_or_else(|error| Value::String(error.to_string()))
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

impl Done {
    /// How the run ended.
    pub fn outcome(&self) -> Outcome {
        if self.report.lost_data() { Outcome::Differs } else { Outcome::Done }
    }

    /// Says on standard error what was lost.
    pub fn warn(&self) {
        let mut stderr = std::io::stderr().lock();
        let mut say = |text: String| {
            let _ = writeln!(stderr, "rangegate: {text}");
        };
        for loss in self.report.losses.iter().take(MOST_LOSSES) {
            say(format!("lost: {loss}"));
        }
        if self.report.losses.len() > MOST_LOSSES {
            say(format!("lost: {} more, all in run.json", self.report.losses.len() - MOST_LOSSES));
        }
        if self.report.bad_samples > 0 {
            say(format!(
                "{}: {} samples were no finite numbers, or beyond 1e15; zeros stand in their place",
                self.source, self.report.bad_samples
            ));
        }
        if self.report.peaks_dropped > 0 {
            say(format!("{} peaks found no place: raise the threshold", self.report.peaks_dropped));
        }
        if self.report.framing["looks"] == 0 {
            say("no look was whole: the framing does not fit the recording, see framing in the report"
                .to_owned());
        }
        let ppm = self.report.framing["clock_offset_ppm"].as_f64().filter(|ppm| ppm.abs() > MOST_PPM);
        if let Some(ppm) = ppm {
            say(format!(
                "the leak drifts by {ppm:.0} ppm, more than clocks do: chain.dwell.pri_s is probably not the transmitter's"
            ));
        }
        if self.report.framing["looks_without_leak"].as_u64() > self.report.framing["looks"].as_u64() {
            say("most looks have no leak that keeps to chain.dwell.pri_s: is it the transmitter's interval, and \
                 chain.framing.min_snr_db low enough?"
                .to_owned());
        }
        if self.report.status == "stopped" {
            say("stopped; everything found so far is kept".to_owned());
        }
    }

    /// How the pulses of a radar were found, and how they drifted.
    fn framing_text(&self) -> Option<String> {
        let framing = &self.report.framing;
        let looks = framing["looks"].as_u64()?;
        let mut text = format!("{looks} looks");
        for (field, what) in [("looks_without_leak", "without a leak"), ("looks_cut_short", "cut short")] {
            if let Some(n) = framing[field].as_u64().filter(|n| *n > 0) {
                text.push_str(&format!(", {n} {what}"));
            }
        }
        if let (Some(samples), Some(ppm)) =
            (framing["drift_samples"].as_f64(), framing["clock_offset_ppm"].as_f64())
        {
            text.push_str(&format!("; the leak drifted by {samples:.3} samples ({ppm:.3} ppm)"));
        }
        Some(text + "\n")
    }

    /// The summary for people.
    pub fn text(&self) -> String {
        let report = &self.report;
        let mut text = format!(
            "{} samples ({:.3} s, {} gaps) in {:.2} s: {:.1} MS/s, {:.1} times real time\n{} detections\n",
            report.samples_in,
            report.signal_s,
            report.gaps,
            report.elapsed_s,
            report.msamples_per_s,
            report.real_time_factor,
            report.detections,
        );
        text.extend(self.framing_text());
        if !self.strongest.is_empty() {
            text.push_str("the strongest:\n");
            text.push_str(&rangegate_sinks::table::table(&self.strongest));
        }
        text.extend(self.tracks.as_ref().map(Tracks::text));
        if let Some(folder) = &self.folder {
            text.push_str(&format!("written: {}\n", folder.join("detections.jsonl").display()));
            if self.tracks.is_some() {
                text.push_str(&format!("         {}\n", folder.join(TRACKS).display()));
            }
            text.push_str(&format!("         {}\n", folder.join("run.json").display()));
            if folder.join(MAPS).exists() {
                text.push_str(&format!("         {}\n", folder.join(MAPS).display()));
            }
            if let Some(archive) = report.archived["path"].as_str() {
                text.push_str(&format!("         {archive}, run {}\n", report.archived["run"]));
            }
            for plot in &self.plots {
                text.push_str(&format!("         {}\n", plot.display()));
            }
        }
        text
    }
}

/// Beyond this two clocks hardly differ, ppm: cheap crystals have 50 each.
const MOST_PPM: f64 = 100.0;
/// Losses that are told one by one.
const MOST_LOSSES: usize = 5;
