//! What `bench` is told.

use clap::{Subcommand, ValueHint};
use std::path::PathBuf;

/// What there is to measure.
#[derive(Debug, Subcommand)]
pub enum BenchCommand {
    /// Detection, false alarms, estimation and resolution against theory, by Monte-Carlo
    ///
    /// Exit code 1 where a figure falls short of its bound.
    Accuracy(AccuracyArgs),
    /// Overlap-save filtering, by each way that this machine has
    MatchedFilter(MatchedFilterArgs),
    /// A pulse-Doppler CPI of 128 pulses, from samples in memory to detections
    PulseDoppler(PulseDopplerArgs),
    /// From a recording to detections in a file, beside the bare filter
    Pipeline(PipelineArgs),
    /// From a paced source to a detection: how late it comes
    Latency(LatencyArgs),
    /// From a recording to samples, by each format and way to read it
    Replay(RecordingArgs),
    /// From samples in memory to a recording, by each format
    Record(RecordingArgs),
    /// From a recording to another one, as `convert` does it
    Convert(RecordingArgs),
}

/// How benchmarks are run and shown.
#[derive(Debug, clap::Args)]
pub struct TimeArgs {
    /// Measure about this long, s
    #[arg(long, value_name = "S", default_value_t = 5.0)]
    pub seconds: f64,

    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `bench matched-filter`.
#[derive(Debug, clap::Args)]
pub struct MatchedFilterArgs {
    /// Taps of each template
    #[arg(long, value_name = "N", default_value_t = 1024)]
    pub taps: usize,

    /// Templates, which share the forward transform
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub templates: usize,

    /// How samples are stored: cs8, cs16 or cf32
    #[arg(long, value_name = "FORMAT", default_value = "cs16")]
    pub format: String,

    /// Length of transforms; default: what chains choose
    #[arg(long, value_name = "N")]
    pub fft_len: Option<usize>,

    /// Samples of a pass through memory
    #[arg(long, value_name = "N", default_value_t = 1 << 24)]
    pub samples: usize,

    /// Also filter in so many threads at once
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub threads: usize,

    /// Pin those threads to cores
    #[arg(long)]
    pub pin: bool,

    /// How it is run and shown.
    #[command(flatten)]
    pub time: TimeArgs,
}

/// Arguments of `bench pulse-doppler`.
#[derive(Debug, clap::Args)]
pub struct PulseDopplerArgs {
    /// Channels: 1 has pulses of 8,192 samples, several have 9,000
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub channels: usize,

    /// How it is run and shown.
    #[command(flatten)]
    pub time: TimeArgs,
}

/// Arguments of `bench pipeline`.
#[derive(Debug, clap::Args)]
pub struct PipelineArgs {
    /// Taps of the replica
    #[arg(long, value_name = "N", default_value_t = 1024)]
    pub taps: usize,

    /// Samples of the recording, which is written for it
    #[arg(long, value_name = "N", default_value_t = 1 << 25)]
    pub samples: usize,

    /// Workers at most
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub threads: usize,

    /// Pin workers to cores
    #[arg(long)]
    pub pin: bool,

    /// How it is run and shown.
    #[command(flatten)]
    pub time: TimeArgs,
}

/// Arguments of `bench latency`.
#[derive(Debug, clap::Args)]
pub struct LatencyArgs {
    /// Samples a second
    #[arg(long, value_name = "HZ", default_value = "20M", value_parser = rangegate_recording::parse_si)]
    pub rate: f64,

    /// Samples of a block of the source; default: 5 ms of them, as radios give them
    #[arg(long, value_name = "N")]
    pub block: Option<usize>,

    /// Workers at most
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub threads: usize,

    /// Each way of running takes this long, s
    #[arg(long, value_name = "S", default_value_t = 5.0)]
    pub seconds: f64,

    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `bench replay`, `record` and `convert`.
#[derive(Debug, clap::Args)]
pub struct RecordingArgs {
    /// How samples are stored: cs8, cs16 or cf32
    #[arg(long, value_name = "FORMAT", default_value = "cs16")]
    pub format: String,

    /// Samples of the recording
    #[arg(long, value_name = "N", default_value_t = 1 << 24)]
    pub samples: usize,

    /// Where recordings are written; default: the folder for temporary files
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub dir: Option<PathBuf>,

    /// How it is run and shown.
    #[command(flatten)]
    pub time: TimeArgs,
}

/// Arguments of `bench accuracy`.
#[derive(Debug, clap::Args)]
pub struct AccuracyArgs {
    /// Write accuracy.json, accuracy.md and the curves as plots into this folder
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub out: Option<PathBuf>,

    /// Trials over those of the full report, which takes some minutes
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0)]
    pub scale: f64,

    /// Everything random follows from it
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,

    /// Print JSON for programs
    #[arg(long)]
    pub json: bool,
}
