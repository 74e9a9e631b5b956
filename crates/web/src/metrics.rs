//! Figures for Prometheus, in its text format.

use crate::backend::Status;
use crate::hub::HubCounts;
use std::fmt::Write as _;

pub(crate) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// All figures; what is not known is left out.
pub(crate) fn text(status: &Status, hub: HubCounts, refused: u64) -> String {
    let mut text = String::new();
    let mut say = |name: &str, kind: &str, help: &str, value: Option<f64>| {
        if let Some(value) = value {
            let _ = writeln!(
                text,
                "# HELP rangegate_{name} {help}\n# TYPE rangegate_{name} {kind}\nrangegate_{name} {value}"
            );
        }
    };
    let count = |n: u64| Some(n as f64);
    say("samples_total", "counter", "Samples worked on.", count(status.samples));
    say("detections_total", "counter", "Detections.", count(status.detections));
    say("gaps_total", "counter", "Gaps in the stream.", count(status.gaps));
    say("lost_samples_total", "counter", "Samples lost in gaps.", count(status.lost_samples));
    say(
        "clipped_parts_total",
        "counter",
        "Parts of the stream with samples at full scale.",
        count(status.clipped),
    );
    say("tracks", "gauge", "Tracks now.", count(status.tracks));
    say("sample_rate_hertz", "gauge", "Sample rate of the stream.", Some(status.rate_hz));
    say("processed_hertz", "gauge", "Samples worked on a second.", Some(status.processed_hz));
    say("level_dbfs", "gauge", "Mean power against full scale, dB.", status.level_dbfs);
    say("latency_seconds", "gauge", "From the last sample of a dwell to its detections.", status.latency_s);
    say("stream_time_seconds", "gauge", "Time of the newest sample.", Some(status.time_s));
    say("queue_depth", "gauge", "Jobs under way.", count(status.queue.depth));
    say("queue_slots", "gauge", "Jobs that may be under way.", count(status.queue.slots));
    say("tap_offered_total", "counter", "Items offered to the views.", count(status.tap.offered));
    say(
        "tap_dropped_total",
        "counter",
        "Items that found no room on the way to the views.",
        count(status.tap.dropped),
    );
    say("web_clients", "gauge", "Live views.", count(hub.clients as u64));
    say(
        "web_clients_cut_off_total",
        "counter",
        "Live views that stopped reading.",
        count(hub.clients_cut_off),
    );
    say("web_frames_sent_total", "counter", "Frames sent to live views.", count(hub.frames_sent));
    say(
        "web_frames_dropped_total",
        "counter",
        "Frames dropped because a live view was late.",
        count(hub.frames_dropped),
    );
    say(
        "web_requests_refused_total",
        "counter",
        "Requests refused for their host, origin or token.",
        count(refused),
    );
    if !status.stages.is_empty() {
        let name = "rangegate_stage_busy_seconds_total";
        let _ = writeln!(text, "# HELP {name} Time at work.\n# TYPE {name} counter");
        for stage in &status.stages {
            let label: String =
                stage.name.chars().filter(|c| c.is_ascii_alphanumeric() || "-_.".contains(*c)).collect();
            let _ = writeln!(text, "{name}{{stage=\"{label}\"}} {}", stage.busy_s);
        }
    }
    text
}
