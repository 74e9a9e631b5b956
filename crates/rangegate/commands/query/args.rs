//! What `query` is told, and which rows of an archive are meant.

use crate::cli::{seconds, utc};
use clap::{ValueEnum, ValueHint};
use rangegate_archive::Station;
use rangegate_core::Timestamp;
use std::path::PathBuf;

/// `rangegate query`.
#[derive(Debug, clap::Args)]
pub struct QueryArgs {
    /// The archive's folder
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub dir: PathBuf,

    /// What to ask for
    #[arg(value_name = "WHAT", default_value = "detections")]
    pub what: What,

    /// Which rows.
    #[command(flatten)]
    pub filter: FilterArgs,

    /// Stop after so many rows; default: 1000 in a table, 10000 with --sql, else all
    #[arg(long, value_name = "N")]
    pub limit: Option<u64>,

    /// Of density: minutes in a step
    #[arg(long, value_name = "MIN", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=5_256_000))]
    pub step_minutes: u32,

    /// Ask in SQLite's SQL: one SELECT from detections, tracks, runs, gap, health, density
    ///
    /// Times are time_ns, nanoseconds since 1970. Nothing can be changed, and functions whose time has no bound cannot be
    /// called. Sealed hours are laid out for the query: say
    /// which with --from and --to.
    #[arg(long, value_name = "SELECT", conflicts_with_all = ["what", "step_minutes"])]
    pub sql: Option<String>,

    /// With --sql: stop after so many seconds
    #[arg(long, value_name = "S", default_value_t = 10.0, value_parser = seconds, requires = "sql", allow_negative_numbers = true)]
    pub timeout: f64,

    /// Print JSON, an object a line
    #[arg(long, conflicts_with = "csv")]
    pub json: bool,

    /// Print CSV
    #[arg(long)]
    pub csv: bool,
}

/// What an archive is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum What {
    /// A row a detection.
    Detections,
    /// A row a track and time.
    Tracks,
    /// A row a run.
    Runs,
    /// A row a gap between samples.
    Gaps,
    /// A row a figure of a run's health.
    Health,
    /// Detections a step of the time line, and the strongest.
    Density,
}

impl What {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Detections => "detections",
            Self::Tracks => "tracks",
            Self::Runs => "runs",
            Self::Gaps => "gaps",
            Self::Health => "health",
            Self::Density => "density",
        }
    }
}

/// Which rows of an archive.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct FilterArgs {
    /// At or after this time (UTC), such as 2026-11-22T10:00:00Z, 2026-11-22T10:00 or 2026-11-22
    #[arg(long, value_name = "TIME", value_parser = utc)]
    pub from: Option<Timestamp>,

    /// Before this time
    #[arg(long, value_name = "TIME", value_parser = utc)]
    pub to: Option<Timestamp>,

    /// Of this station
    #[arg(long, value_name = "NAME")]
    pub station: Option<Station>,

    /// Of this run (a number of `rangegate query DIR runs`)
    #[arg(long, value_name = "N")]
    pub run: Option<i64>,

    /// Range in m, both ends included, such as 500..20k, 10k.. or ..2e3
    #[arg(long, value_name = "FROM..TO", value_parser = range_m, allow_hyphen_values = true)]
    pub range: Option<(f64, f64)>,

    /// Detections of at least this signal-to-noise ratio, dB
    #[arg(long, value_name = "DB", value_parser = finite, allow_negative_numbers = true)]
    pub snr: Option<f64>,

    /// Detections of this template
    #[arg(long, value_name = "NAME")]
    pub template: Option<String>,

    /// The track of this number: its updates, or the detections that it is made of
    #[arg(long, value_name = "N")]
    pub track: Option<i64>,
}

/// A finite number.
fn finite(text: &str) -> Result<f64, String> {
    let value = text.parse().ok().filter(|value: &f64| value.is_finite());
    value.ok_or_else(|| "expected a finite number".to_owned())
}

/// Two ranges with `..` between them, each of which may be missing.
fn range_m(text: &str) -> Result<(f64, f64), String> {
    let expected = || format!("{text:?} is no range in m: expected FROM..TO, such as 500..20k");
    let (from, to) = text.split_once("..").ok_or_else(expected)?;
    let end = |text: &str, default: f64| match text {
        "" => Ok(default),
        _ => rangegate_recording::parse_si(text).ok().filter(|value| value.is_finite()).ok_or_else(expected),
    };
    let (from, to) = (end(from, f64::NEG_INFINITY)?, end(to, f64::INFINITY)?);
    if from <= to {
        Ok((from, to))
    } else {
        Err(format!("the range begins at {from} m, behind its end at {to} m"))
    }
}
