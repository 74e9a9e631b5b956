//! The `rangegate` command.
#![forbid(unsafe_code)]

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args = rangegate::cli::Args::parse();
    rangegate::run(args)
}
