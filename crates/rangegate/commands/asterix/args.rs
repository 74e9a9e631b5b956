//! The arguments of `asterix`.

use clap::{Subcommand, ValueHint};
use std::path::PathBuf;

/// What there is to do with ASTERIX.
#[derive(Debug, Subcommand)]
pub enum AsterixCommand {
    /// Print what a file holds, a record a line, as JSON
    ///
    /// Files are blocks one after the other, envelopes of them, or captures (pcap, pcapng) with UDP. What is not as its
    /// edition says is told with offset, category, item, what was found and what was expected.
    Decode(DecodeArgs),
    /// Write a file of blocks from what `decode` printed
    Encode(EncodeArgs),
    /// List the items of a category: fields, bits, steps, units
    Items {
        /// Its number; default: all categories.
        category: Option<u8>,
    },
}

/// Arguments of `asterix decode`.
#[derive(Debug, clap::Args)]
pub struct DecodeArgs {
    /// The file
    #[arg(value_hint = ValueHint::FilePath)]
    pub file: PathBuf,

    /// Of a capture only what goes to this port; default: all UDP
    #[arg(long, value_name = "PORT")]
    pub port: Option<u16>,

    /// Go on behind a block that is wrong, and end with exit code 1
    #[arg(long)]
    pub keep_going: bool,
}

/// Arguments of `asterix encode`.
#[derive(Debug, clap::Args)]
pub struct EncodeArgs {
    /// Lines of JSON
    #[arg(value_hint = ValueHint::FilePath)]
    pub file: PathBuf,

    /// Write blocks, or envelopes of them, to this file
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub out: PathBuf,
}
