//! Samples to measure with.

use super::pages::Pages;
use anyhow::{Context, Result, anyhow};
use rangegate_core::{BlockHeader, ByteSource, IqBlock, Layout, SampleFormat};
use rustfft::num_complex::Complex;
use std::sync::Arc;

/// A block of one channel with noise in it, the same every time, in large pages.
///
/// # Errors
/// There is no such format, or not so much memory.
pub fn block(format: &str, n_samples: usize) -> Result<IqBlock> {
    let format: SampleFormat = format.parse().map_err(|error| anyhow!("--format: {error}"))?;
    let mut pages = Pages::new(n_samples.saturating_mul(format.bytes())).context("no memory for samples")?;
    let bytes = pages.numbers();
    let mut random = Random(1);
    if format.scalar.is_integer() {
        bytes.fill_with(|| random.number() as u8);
    } else {
        // Small numbers, all of them finite.
        for number in bytes.chunks_exact_mut(4) {
            number.copy_from_slice(&(random.number() as f32 / 2.0_f32.powi(32) - 0.5).to_le_bytes());
        }
    }
    let memory: Arc<dyn ByteSource> = Arc::new(pages);
    let mut block = IqBlock::default();
    let layout = Layout::interleaved(format, 1);
    block.share(BlockHeader::default(), format, layout, 1, n_samples, &memory, 0);
    Ok(block)
}

/// A sample of a block of cs8, cs16 or cf32, integers as fractions of full scale.
pub fn sample(block: &IqBlock, at: usize) -> Complex<f64> {
    let size = block.format().bytes();
    let (re, im) = block.bytes()[at * size..][..size].split_at(size / 2);
    let number = |bytes: &[u8]| match *bytes {
        [a] => f64::from(a as i8) / 128.0,
        [a, b] => f64::from(i16::from_le_bytes([a, b])) / 32_768.0,
        [a, b, c, d] => f64::from(f32::from_le_bytes([a, b, c, d])),
        _ => 0.0,
    };
    Complex::new(number(re), number(im))
}

/// Numbers without a pattern that any of this would see (xorshift, Marsaglia 2003): random numbers of a library would
/// take longer than what is measured.
pub struct Random(pub u32);

impl Random {
    /// The next of them, any of `u32` but 0.
    pub fn number(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0
    }
}
