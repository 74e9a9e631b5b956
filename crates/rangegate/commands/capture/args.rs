//! What `capture` is told.

use crate::cli::{HowArgs, WebArgs, WindowArgs, address, bytes, seconds, si};
use crate::radio::RadioArgs;
use clap::ValueHint;
use rangegate_sources::TimePoint;
use std::net::SocketAddr;
use std::path::PathBuf;

/// `rangegate capture`.
#[derive(Debug, clap::Args)]
pub struct CaptureArgs {
    /// The radio.
    #[command(flatten)]
    pub radio: RadioArgs,

    /// The recording to write: NAME.sigmf-meta, NAME.h5, NAME.cs16 (raw), or a folder name (Digital RF)
    ///
    /// HDF5 and raw files have no place for a gap: zeros fill it, and after one of more than ten minutes NAME-0002 goes on.
    #[arg(short, long, value_name = "RECORDING", value_hint = ValueHint::AnyPath)]
    pub out: Option<PathBuf>,

    /// How much of it.
    #[command(flatten)]
    pub record: RecordArgs,

    /// Look for something meanwhile: a configuration, whose source is not used
    #[arg(short, long, value_name = "CONFIG", value_hint = ValueHint::FilePath)]
    pub config: Option<PathBuf>,

    /// With --config: write detections.jsonl, run.json and plots into this folder
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, requires = "config")]
    pub results: Option<PathBuf>,

    /// With --config: watch it in the browser meanwhile, at this address; with --last a button there is a trigger
    #[arg(long, value_name = "ADDR", num_args = 0..=1, default_missing_value = "127.0.0.1:8073", value_parser = address, requires = "config")]
    pub serve: Option<SocketAddr>,

    /// For whom the page is.
    #[command(flatten)]
    pub web: WebArgs,

    /// Print a report as JSON
    #[arg(long)]
    pub json: bool,
}

impl CaptureArgs {
    /// How a configuration is run while the radio is recorded.
    pub fn how(&self) -> HowArgs {
        let nanos = |s: f64| TimePoint::FromStart { nanos: (s * 1e9) as _ };
        let to = self.record.duration.map(nanos);
        HowArgs {
            out: self.results.clone(),
            record: self.out.clone(),
            window: WindowArgs { to, ..WindowArgs::default() },
            json: self.json,
            ..HowArgs::default()
        }
    }
}

/// What is recorded.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct RecordArgs {
    /// End after so many seconds
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub duration: Option<f64>,

    /// End after so many bytes of samples, such as 10G: the last that fits is the last
    #[arg(long, value_name = "BYTES", value_parser = bytes)]
    pub size: Option<f64>,

    /// End while so many bytes of the disk are free
    #[arg(long, value_name = "BYTES", value_parser = si, default_value = "500M")]
    pub keep_free: f64,

    /// Hold the last seconds in memory, and write them when the Enter key is pressed, SIGUSR1 comes, or (with a
    /// configuration and --trigger-snr) something is detected
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub last: Option<f64>,

    /// With --last: write so many seconds from the trigger on; default: as many as before it
    #[arg(long, value_name = "SECONDS", value_parser = seconds, requires = "last")]
    pub after: Option<f64>,

    /// With --last and a configuration: a detection of this signal-to-noise ratio is a trigger
    #[arg(long, value_name = "DB", requires = "last", allow_negative_numbers = true)]
    pub trigger_snr: Option<f64>,
}
