//! What the benchmarks share.
#![allow(dead_code, reason = "not every benchmark uses all")]

use criterion::Criterion;
use rangegate_core::{BlockHeader, IqBlock, SampleFormat};

/// A block of one channel with noise in it, the same every time. Numbers stay small, so that floats are finite.
pub fn noise_block(format: &str, n_samples: usize) -> IqBlock {
    let format: SampleFormat = format.parse().expect("a format");
    let mut block = IqBlock::default();
    let bytes = block.fill(BlockHeader::default(), format, 1, n_samples);
    let mut random = Random(1);
    if format.scalar.is_integer() {
        bytes.fill_with(|| random.next() as u8);
    } else {
        for number in bytes.chunks_exact_mut(4) {
            number.copy_from_slice(&(random.next() as f32 / 2.0_f32.powi(32) - 0.5).to_le_bytes());
        }
    }
    block
}

/// Numbers without a pattern that any of this would see (xorshift, Marsaglia 2003).
pub struct Random(pub u32);

impl Random {
    /// The next of them, any of `u32` but 0.
    pub fn next(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0
    }
}

/// Runs a benchmark as the command line says.
pub fn run(benchmark: impl FnOnce(&mut Criterion)) {
    let mut criterion = Criterion::default().configure_from_args();
    benchmark(&mut criterion);
    criterion.final_summary();
}
