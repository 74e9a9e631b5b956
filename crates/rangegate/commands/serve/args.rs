//! What `serve` and `token` are told.

use crate::cli::{WebArgs, WindowArgs, WorkArgs, address};
use clap::{ValueEnum, ValueHint};
use rangegate_sources::Speed;
use std::net::SocketAddr;
use std::path::PathBuf;

/// `rangegate serve`.
#[derive(Debug, clap::Args)]
pub struct ServeArgs {
    /// A configuration (.toml), or with --config a recording
    #[arg(value_name = "WHAT", value_hint = ValueHint::AnyPath, required_unless_present = "archive")]
    pub what: Option<PathBuf>,

    /// The configuration for a recording
    #[arg(short, long, value_name = "CONFIG", value_hint = ValueHint::FilePath)]
    pub config: Option<PathBuf>,

    /// Show this archive instead
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, conflicts_with_all = ["what", "config"])]
    pub archive: Option<PathBuf>,

    /// Which samples of the source, and how to read them.
    #[command(flatten)]
    pub window: WindowArgs,

    /// Factor of real time, or `max`; default: as the configuration says, else 1
    #[arg(long, value_name = "SPEED", allow_negative_numbers = true)]
    pub speed: Option<Speed>,

    /// Wait for somebody to press play
    #[arg(long)]
    pub paused: bool,

    /// Which threads do the work.
    #[command(flatten)]
    pub work: WorkArgs,

    /// Where the page is; default: 127.0.0.1:8073. Port 0 is any that is free
    #[arg(short, long, value_name = "ADDR", value_parser = address)]
    pub listen: Option<SocketAddr>,

    /// For whom the page is.
    #[command(flatten)]
    pub web: WebArgs,
}

/// `rangegate token`.
#[derive(Debug, clap::Args)]
pub struct TokenArgs {
    /// The file of hashes, which is made where there is none
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub file: PathBuf,

    /// What it is good for: to look, to operate the replay and the trigger too, or to see the configuration too
    #[arg(long, value_name = "SCOPE", default_value = "read")]
    pub scope: TokenScope,

    /// Whose it is
    #[arg(long, value_name = "NAME", default_value = "token")]
    pub name: String,
}

/// What a token is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TokenScope {
    /// To look.
    Read,
    /// To operate too.
    Operate,
    /// Everything.
    Admin,
}
