//! What `archive` is told.

use crate::cli::bytes;
use crate::commands::query::{FilterArgs, What};
use clap::{Subcommand, ValueHint};
use rangegate_archive::Station;
use std::path::PathBuf;

/// What there is to do with an archive.
#[derive(Debug, Subcommand)]
pub enum ArchiveCommand {
    /// Say what is in it
    Info(ArchiveArgs),
    /// Take in runs that were saved with --out
    Import(ImportArgs),
    /// Move hours that are over into Parquet files (feature parquet)
    ///
    /// An hour is over when something came that is two minutes later. Runs do so themselves, unless `[archive]` says
    /// seal = false.
    Seal(SealArgs),
    /// Forget what is old or too much
    ///
    /// Whole hours are forgotten. Rows whose recording does not say when it was made have no age, and stay.
    Prune(PruneArgs),
    /// Write rows to a file: .parquet, .csv, .jsonl, or .sigmf-meta (annotations, of one run)
    Export(Box<ExportArgs>),
    /// Check every page and every file
    ///
    /// Exit code 1 where something is wrong.
    Check(ArchiveArgs),
    /// Save what can be saved, set aside what is damaged
    ///
    /// What is whole is not touched, and nothing that is damaged is deleted. Exit code 1 where rows are lost.
    Repair(ArchiveArgs),
}

/// An archive.
#[derive(Debug, clap::Args)]
pub struct ArchiveArgs {
    /// The archive's folder
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub dir: PathBuf,

    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `rangegate archive import`.
#[derive(Debug, clap::Args)]
pub struct ImportArgs {
    /// The archive's folder, which is made where there is none
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub dir: PathBuf,

    /// Folders that runs wrote
    #[arg(value_name = "RUN", required = true, value_hint = ValueHint::DirPath)]
    pub runs: Vec<PathBuf>,

    /// Whose detections these are; default: as the run's configuration says, else station
    #[arg(long, value_name = "NAME")]
    pub station: Option<Station>,

    /// Take in also a run that is there already
    #[arg(long)]
    pub again: bool,

    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `rangegate archive seal`.
#[derive(Debug, clap::Args)]
pub struct SealArgs {
    /// The archive.
    #[command(flatten)]
    pub archive: ArchiveArgs,

    /// Also hours that may go on
    #[arg(long)]
    pub all: bool,
}

/// `rangegate archive prune`.
#[derive(Debug, clap::Args)]
#[group(id = "keep", required = true, multiple = true, args = ["keep_days", "keep_size"])]
pub struct PruneArgs {
    /// The archive.
    #[command(flatten)]
    pub archive: ArchiveArgs,

    /// Keep so many days before the newest row
    #[arg(long, value_name = "DAYS", value_parser = days, allow_negative_numbers = true)]
    pub keep_days: Option<f64>,

    /// Keep so many bytes, such as 20G: the oldest hours go, the newest stays
    #[arg(long, value_name = "BYTES", value_parser = bytes, allow_negative_numbers = true)]
    pub keep_size: Option<f64>,
}

/// `rangegate archive export`.
#[derive(Debug, clap::Args)]
pub struct ExportArgs {
    /// The archive's folder
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub dir: PathBuf,

    /// What to write: detections or tracks
    #[arg(value_name = "WHAT", default_value = "detections")]
    pub what: What,

    /// The file to write; it must not exist
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub out: PathBuf,

    /// Which rows.
    #[command(flatten)]
    pub filter: FilterArgs,

    /// Print what was written as JSON
    #[arg(long)]
    pub json: bool,
}

/// Days that are kept.
fn days(text: &str) -> Result<f64, String> {
    let most = crate::archiving::MAX_DAYS;
    let value = text.parse().ok().filter(|value: &f64| *value > 0.0 && *value <= most);
    value.ok_or_else(|| format!("expected days: above 0, at most {most}"))
}
