//! What `report` is told.

use clap::ValueHint;
use rangegate_core::Timestamp;
use std::path::PathBuf;

/// `rangegate report`.
#[derive(Debug, clap::Args)]
pub struct ReportArgs {
    /// The archive's folder
    #[arg(value_name = "ARCHIVE", value_hint = ValueHint::DirPath)]
    pub archive: PathBuf,

    /// At or after this time (UTC), such as 2026-11-22T10:00:00Z, 2026-11-22T10:00 or 2026-11-22
    #[arg(long, value_name = "TIME", value_parser = crate::cli::utc)]
    pub from: Option<Timestamp>,

    /// Before this time
    #[arg(long, value_name = "TIME", value_parser = crate::cli::utc)]
    pub to: Option<Timestamp>,

    /// A station's place and radar: its file as for `coverage`, or a configuration with a section `site` or `station`; the archive
    /// knows it by its name
    #[arg(long, value_name = "SITE", value_hint = ValueHint::FilePath)]
    pub site: Vec<PathBuf>,

    /// Aircraft as readsb has them, to measure detection against: aircraft.json, one or many in a file, or traces; plain or
    /// gzip; files or folders of them
    #[arg(long, value_name = "FILE", num_args = 1.., value_hint = ValueHint::AnyPath)]
    pub truth: Vec<PathBuf>,

    /// Write the report into this file
    #[arg(short, long, value_name = "FILE", default_value = "report.html", value_hint = ValueHint::FilePath)]
    pub out: PathBuf,

    /// Tell of so many tracks: in turn the longest, the fastest, those that climbed most
    #[arg(long, value_name = "N", default_value_t = 9, value_parser = clap::value_parser!(u16).range(0..=200))]
    pub tracks: u16,

    /// A detection belongs to a target that is as near in range, m
    #[arg(long, value_name = "M", default_value = "1000", value_parser = positive, allow_negative_numbers = true)]
    pub gate: f64,

    /// … and in azimuth, degrees
    #[arg(long, value_name = "DEG", default_value = "5", value_parser = positive, allow_negative_numbers = true)]
    pub gate_azimuth: f64,

    /// Length of a look, s; default: from the numbers and times of each station's CPIs
    #[arg(long, value_name = "S", value_parser = positive, allow_negative_numbers = true)]
    pub look: Option<f64>,

    /// For the probability of detection that sites with a radar should have: radar cross-section, m²
    #[arg(long, value_name = "M2", default_value = "1", value_parser = positive, allow_negative_numbers = true)]
    pub rcs: f64,

    /// Probability of false alarm in a cell
    #[arg(long, value_name = "P", default_value = "1e-6", value_parser = positive, allow_negative_numbers = true)]
    pub pfa: f64,

    /// Print all figures as JSON; the file is written too
    #[arg(long)]
    pub json: bool,
}

fn positive(text: &str) -> Result<f64, String> {
    let value = rangegate_recording::parse_si(text)?;
    if value > 0.0 && value.is_finite() { Ok(value) } else { Err(format!("{value}: expected above 0")) }
}
