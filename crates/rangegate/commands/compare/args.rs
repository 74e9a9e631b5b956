//! What `compare` is told.

use clap::ValueHint;
use std::path::PathBuf;

/// `rangegate compare`.
#[derive(Debug, clap::Args)]
pub struct CompareArgs {
    /// A folder that a run wrote, or its detections.jsonl; with --truth, or its tracks.jsonl
    #[arg(value_name = "DIR", value_hint = ValueHint::AnyPath)]
    pub dir: PathBuf,

    /// What it should be: a folder, or a file of detections
    #[arg(value_name = "GOLDEN", value_hint = ValueHint::AnyPath, required_unless_present = "truth")]
    pub golden: Option<PathBuf>,

    /// Instead compare the tracks of the run with this truth, by GOSPA, OSPA and SIAP: a NAME.truth.jsonl, or the scene
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with = "golden")]
    pub truth: Option<PathBuf>,

    /// A track farther than this from every target is false
    #[arg(long, value_name = "M", default_value_t = 50.0, value_parser = positive, requires = "truth")]
    pub cutoff_m: f64,

    /// Order of GOSPA and OSPA
    #[arg(long, value_name = "P", default_value_t = 2.0, value_parser = order, requires = "truth")]
    pub order: f64,

    /// Detections this many samples apart may still be the same
    #[arg(long, value_name = "SAMPLES", default_value_t = 0.0, value_parser = tolerance, allow_negative_numbers = true)]
    pub tolerance_samples: f64,

    /// SNR and power may differ by this much
    #[arg(long, value_name = "DB", default_value_t = 0.01, value_parser = tolerance, allow_negative_numbers = true)]
    pub tolerance_db: f64,

    /// Doppler may differ by this much
    #[arg(long, value_name = "HZ", default_value_t = 0.01, value_parser = tolerance, allow_negative_numbers = true)]
    pub tolerance_hz: f64,

    /// Range may differ by this much
    #[arg(long, value_name = "M", default_value_t = 0.01, value_parser = tolerance, allow_negative_numbers = true)]
    pub tolerance_m: f64,

    /// Range rate may differ by this much
    #[arg(long, value_name = "MPS", default_value_t = 0.01, value_parser = tolerance, allow_negative_numbers = true)]
    pub tolerance_mps: f64,

    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// A distance, from the command line.
fn positive(text: &str) -> Result<f64, String> {
    let value = text.parse().ok().filter(|value: &f64| value.is_finite() && *value > 0.0);
    value.ok_or_else(|| "expected a positive number".to_owned())
}

/// The order of a metric, from the command line.
fn order(text: &str) -> Result<f64, String> {
    let value = text.parse().ok().filter(|value: &f64| value.is_finite() && *value >= 1.0);
    value.ok_or_else(|| "expected a finite number, 1 or more".to_owned())
}

/// A tolerance, from the command line.
fn tolerance(text: &str) -> Result<f64, String> {
    let value = text.parse().ok().filter(|value: &f64| value.is_finite() && *value >= 0.0);
    value.ok_or_else(|| "expected a finite number, 0 or more".to_owned())
}
