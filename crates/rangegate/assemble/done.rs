//! What a run leaves behind: its report, its annotations, and what is said of it.

use super::Results;
use crate::Outcome;
use crate::maps::MAPS;
use crate::plan::Plan;
use crate::record;
use crate::tracks::{TRACKS, Tracks};
use anyhow::Result;
use rangegate_core::Detection;
use rangegate_core::detection::DETECTION_SCHEMA_VERSION;
use rangegate_sinks::report::REPORT_SCHEMA_VERSION;
use rangegate_sinks::{RunReport, annotations_from_detections, read_detections};
use rangegate_sources::StreamCounts;
use serde_json::Value;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Most detections that become SigMF annotations, which are held in memory.
const MAX_ANNOTATIONS: u64 = 1_000_000;
/// Beyond this two clocks hardly differ, ppm: cheap crystals have 50 each.
const MOST_PPM: f64 = 100.0;
/// Losses that are told one by one.
const MOST_LOSSES: usize = 5;

/// What a run left behind.
pub struct Done {
    /// The report.
    pub report: RunReport,
    pub(super) source: String,
    pub(super) strongest: Vec<Detection>,
    pub(super) tracks: Option<Tracks>,
    pub(super) folder: Option<PathBuf>,
    pub(super) plots: Vec<PathBuf>,
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

/// What cannot be said in JSON is a bug, but none that is worth the run's results.
pub(super) fn json(value: &impl serde::Serialize) -> Value {
    serde_json::to_value(value).unwrap_or_else(|error| Value::String(error.to_string()))
}
