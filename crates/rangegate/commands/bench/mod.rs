//! `bench`: the program measures itself.

mod accuracy;
mod args;
mod latency;
mod matched_filter;
mod measure;
pub mod noise;
mod pages;
mod pipeline;
mod pulse_doppler;
mod recordings;

use crate::Outcome;
use anyhow::Result;
pub use args::BenchCommand;

/// Runs the command.
///
/// # Errors
/// What is to be measured cannot be, or is wrong.
pub fn bench(what: BenchCommand, quiet: bool) -> Result<Outcome> {
    match what {
        BenchCommand::Accuracy(args) => accuracy::accuracy(&args, quiet),
        BenchCommand::MatchedFilter(args) => matched_filter::matched_filter(&args),
        BenchCommand::PulseDoppler(args) => pulse_doppler::pulse_doppler(&args),
        BenchCommand::Pipeline(args) => pipeline::pipeline(&args),
        BenchCommand::Latency(args) => latency::latency(&args),
        BenchCommand::Replay(args) => recordings::replay(&args),
        BenchCommand::Record(args) => recordings::record(&args),
        BenchCommand::Convert(args) => recordings::convert(&args),
    }
}
