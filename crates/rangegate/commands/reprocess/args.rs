//! The command line of `reprocess`.

use crate::cli::WindowArgs;
use clap::ValueHint;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;

/// Most worker processes of one start.
const MAX_WORKERS: u16 = 1024;
/// Most pieces of one recording.
pub const MAX_PIECES: u16 = 4096;

/// Arguments of `reprocess`.
#[derive(Debug, clap::Args)]
pub struct ReprocessArgs {
    /// Recordings, or folders with recordings in them; s3://BUCKET/PREFIX for those in S3 (feature s3)
    #[arg(value_name = "RECORDING", required_unless_present = "as_worker", value_hint = ValueHint::AnyPath)]
    pub recordings: Vec<PathBuf>,

    /// The configuration (TOML)
    #[arg(short, long, value_name = "CONFIG", required_unless_present = "as_worker", value_hint = ValueHint::FilePath)]
    pub config: Option<PathBuf>,

    /// Write DIR/RECORDING/detections.jsonl, tracks.jsonl and run.json, DIR/reprocess.json, and what is needed to go on
    /// after anything: DIR/pieces
    #[arg(short, long, value_name = "DIR", required_unless_present = "as_worker", value_hint = ValueHint::DirPath)]
    pub out: Option<PathBuf>,

    /// Worker processes; default: one a core
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=MAX_WORKERS as i64))]
    pub workers: Option<u16>,

    /// Pieces of each recording; default: one for every 4 million samples, at most 4096
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=MAX_PIECES as i64))]
    pub pieces: Option<u16>,

    /// Do only the pieces whose number, counted over all recordings, is I modulo N, and merge nothing; I from 0
    #[arg(long, value_name = "I/N", conflicts_with_all = ["queue", "merge"])]
    pub shard: Option<Shard>,

    /// Share the work with others that name the same queue: a folder of this machine, or nats://SERVER (feature nats)
    #[arg(long, value_name = "QUEUE")]
    pub queue: Option<String>,

    /// With --queue nats://…: a file with who we are there, an nkey's seed or credentials
    #[arg(long, value_name = "FILE", requires = "queue", value_hint = ValueHint::FilePath)]
    pub queue_key: Option<PathBuf>,

    /// With --queue: work, and leave merging to the one that is started without this
    #[arg(long, requires = "queue")]
    pub no_merge: bool,

    /// Do no pieces: merge those that are there
    #[arg(long, conflicts_with_all = ["queue", "dry_run"])]
    pub merge: bool,

    /// Say what would be done and how long it would take, after trying a piece
    #[arg(long)]
    pub dry_run: bool,

    /// Keep what is fetched of recordings in S3 in this folder, for the next start; default: in DIR/pieces, until all
    /// is merged
    #[arg(long, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub cache: Option<PathBuf>,

    /// Which samples of each recording, and how to read them.
    #[command(flatten)]
    pub window: WindowArgs,

    /// Print the summary as JSON
    #[arg(long)]
    pub json: bool,

    /// Be a worker process: what the command starts itself as.
    #[arg(long, hide = true)]
    pub as_worker: bool,
}

/// A share of the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Which, from 0.
    pub number: usize,
    /// Of how many.
    pub of: NonZeroUsize,
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let shard = text.split_once('/').and_then(|(number, of)| {
            Some(Self { number: number.trim().parse().ok()?, of: of.trim().parse().ok()? })
        });
        shard
            .filter(|shard| shard.number < shard.of.get())
            .ok_or_else(|| format!("'{text}', expected I/N with I from 0 to N − 1, such as 0/8"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_count_from_zero() {
        let shard: Shard = "3/8".parse().unwrap();
        assert_eq!((shard.number, shard.of.get()), (3, 8));
        for wrong in ["8/8", "1", "-1/8", "0/0", "a/b", ""] {
            assert!(wrong.parse::<Shard>().unwrap_err().contains("expected I/N"), "{wrong}");
        }
    }
}
