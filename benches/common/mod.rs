//! What the benchmarks share.
#![allow(dead_code, reason = "each bench uses its own part of it")]

use criterion::Criterion;
use rangegate_core::IqBlock;

/// A block of one channel with noise in it, the same every time.
pub fn noise_block(format: &str, n_samples: usize) -> IqBlock {
    rangegate::commands::bench::noise::block(format, n_samples).expect("a format")
}

/// Runs a benchmark as the command line says.
pub fn run(benchmark: impl FnOnce(&mut Criterion)) {
    let mut criterion = Criterion::default().configure_from_args();
    benchmark(&mut criterion);
    criterion.final_summary();
}
