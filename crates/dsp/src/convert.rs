//! Stored numbers to complex baseband: `y[n] = c(x[n]) · exp(−j2π·f·n/fs)`.
//!
//! * Signed integers of b bits are divided by 2^(b−1), unsigned ones first moved by 2^(b−1), floats are taken
//!   as they are. Each number is rounded once, to binary32; formats of up to 24 bits are exact.
//! * `c` swaps I and Q and then conjugates, as [`ToBaseband`] says. A real sample has Q = 0, and both leave it
//!   alone.
//! * `n` is the absolute sample index. The oscillator's phase comes from a 128-bit fixed-point fraction of a
//!   cycle, so it is off by less than n·2⁻¹²⁸ cycles; the phasor is that of the last multiple of 256 times one of
//!   a table of 256. Both depend on `n` alone: a sample's value has the same bits wherever a range begins.

use crate::convolver::Samples;
use rangegate_core::{ByteOrder, Complex32, IqBlock, SampleFormat, SampleRate, Scalar, ToBaseband};
use std::ops::Range;

/// Samples between two points where the oscillator's phase is computed afresh.
const GRID: usize = 256;

/// A conversion that cannot be.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum ConvertError {
    /// The intermediate frequency is infinite or not a number.
    #[error("intermediate_frequency_hz is {0}, expected a finite number")]
    IntermediateFrequency(f64),
}

/// Turns a stream's stored samples into complex baseband. Immutable; share it between threads.
///
/// Cost: one pass over the input and, in cache, up to three more over 256 output samples at a time.
#[derive(Clone, Debug)]
pub struct Converter {
    format: SampleFormat,
    swap_iq: bool,
    conjugate: bool,
    oscillator: Option<Oscillator>,
}

impl Converter {
    /// Plans the conversion of a stream, as its [`StreamInfo`](rangegate_core::StreamInfo) describes it.
    ///
    /// # Errors
    /// The intermediate frequency is not finite.
    pub fn new(format: SampleFormat, to: ToBaseband, rate: SampleRate) -> Result<Self, ConvertError> {
        let frequency_hz = to.intermediate_frequency_hz;
        if !frequency_hz.is_finite() {
            return Err(ConvertError::IntermediateFrequency(frequency_hz));
        }
        let oscillator = (frequency_hz != 0.0).then(|| Oscillator::new(-frequency_hz, rate));
        let (swap_iq, conjugate) = (to.swap_iq && format.complex, to.conjugate && format.complex);
        Ok(Self { format, swap_iq, conjugate, oscillator })
    }

    /// Converts `samples` (counted within the block) of one channel into `out`. Returns how many of them were
    /// bad: infinite, not numbers, or with a part beyond ±10¹⁵; 0 stands in their place. No receiver gives such
    /// numbers, and the power of longer sums of them would overflow binary32.
    ///
    /// # Panics
    /// * `out.len() != samples.len()`,
    /// * `samples.end > block.n_samples()`,
    /// * `channel >= block.n_channels()`,
    /// * the block's format is not the planned one.
    pub fn convert(
        &self,
        block: &IqBlock,
        channel: usize,
        samples: Range<usize>,
        out: &mut [Complex32],
    ) -> usize {
        self.check(block, channel, &samples);
        assert_eq!(out.len(), samples.len(), "length of the output and of the range");
        let layout = block.layout();
        let stride = layout.sample_stride;
        let bytes = &block.bytes()[(channel * layout.channel_stride).min(block.bytes().len())..];
        let mut bad = 0;
        let (mut at, mut rest) = (samples.start, out);
        while !rest.is_empty() {
            let absolute = block.header.first_sample.wrapping_add(at as u64);
            let offset = (absolute % GRID as u64) as usize;
            let (piece, tail) = rest.split_at_mut(rest.len().min(GRID - offset));
            bad += self.read(&bytes[at * stride..], stride, piece);
            if let Some(oscillator) = &self.oscillator {
                oscillator.mix(absolute - offset as u64, offset, piece);
            }
            at += piece.len();
            rest = tail;
        }
        bad
    }

    /// The same samples as they are stored, where nothing but a [`Convolver`](crate::convolver::Convolver)'s own
    /// conversion is to be done to them: little-endian cs8, cs16 or cf32 beside one another, in baseband as they are,
    /// and none of them bad.
    ///
    /// # Panics
    /// As [`convert`](Self::convert).
    pub fn stored<'a>(
        &self,
        block: &'a IqBlock,
        channel: usize,
        samples: Range<usize>,
    ) -> Option<Samples<'a>> {
        self.check(block, channel, &samples);
        let (size, layout) = (2 * self.format.scalar.size(), block.layout());
        let is_plain = !self.swap_iq && !self.conjugate && self.oscillator.is_none();
        let is_little = self.format.order == ByteOrder::Little || size == 2;
        if !(is_plain && is_little && self.format.complex && layout.sample_stride == size) {
            return None;
        }
        let start = channel * layout.channel_stride;
        let bytes = block.bytes().get(start + samples.start * size..start + samples.end * size)?;
        match self.format.scalar {
            Scalar::I8 => Some(Samples::Cs8(bytes.as_chunks().0)),
            Scalar::I16 => Some(Samples::Cs16(bytes.as_chunks().0)),
            Scalar::F32 => {
                let is_fine = |raw: &[u8; 4]| f32::from_le_bytes(*raw).abs() <= MOST;
                let are_fine = bytes.as_chunks().0.iter().fold(true, |fine, raw| fine & is_fine(raw));
                are_fine.then_some(Samples::Cf32(bytes.as_chunks().0))
            }
            _ => None,
        }
    }

    fn check(&self, block: &IqBlock, channel: usize, samples: &Range<usize>) {
        assert_eq!(block.format(), self.format, "format of the block and of the plan");
        let (n_samples, n_channels) = (block.n_samples(), block.n_channels());
        assert!(samples.end <= n_samples, "range ends at {} of {n_samples} samples", samples.end);
        assert!(channel < n_channels, "channel {channel} of {n_channels}");
    }

    /// Reads, scales, swaps, conjugates; returns the number of bad samples.
    fn read(&self, bytes: &[u8], stride: usize, out: &mut [Complex32]) -> usize {
        let size = self.format.scalar.size();
        let big = self.format.order == ByteOrder::Big;
        // One loop for each type and order, so that the compiler sees constant sizes and can vectorise.
        macro_rules! read {
            ($size:literal, $number:expr) => {
                match (big, size) {
                    (true, 2..) => gather(bytes, stride, self.format.complex, out, |mut raw: [u8; $size]| {
                        raw.reverse();
                        $number(raw)
                    }),
                    _ => gather(bytes, stride, self.format.complex, out, $number),
                }
            };
        }
        match self.format.scalar {
            Scalar::I8 => read!(1, |b| f32::from(i8::from_le_bytes(b)) * SCALE_8),
            Scalar::U8 => read!(1, |b| f32::from(i8::from_le_bytes(b) ^ i8::MIN) * SCALE_8),
            Scalar::I16 => read!(2, |b| f32::from(i16::from_le_bytes(b)) * SCALE_16),
            Scalar::U16 => read!(2, |b| f32::from(i16::from_le_bytes(b) ^ i16::MIN) * SCALE_16),
            Scalar::I32 => read!(4, |b| i32::from_le_bytes(b) as f32 * SCALE_32),
            Scalar::U32 => read!(4, |b| (i32::from_le_bytes(b) ^ i32::MIN) as f32 * SCALE_32),
            Scalar::I64 => read!(8, |b| i64::from_le_bytes(b) as f32 * SCALE_64),
            Scalar::U64 => read!(8, |b| (i64::from_le_bytes(b) ^ i64::MIN) as f32 * SCALE_64),
            Scalar::F32 => read!(4, f32::from_le_bytes),
            Scalar::F64 => read!(8, |b| f64::from_le_bytes(b) as f32),
        }
        let bad = if self.format.scalar.is_integer() { 0 } else { zero_bad(out) };
        if self.swap_iq {
            out.iter_mut().for_each(|x| *x = Complex32::new(x.im, x.re));
        }
        if self.conjugate {
            out.iter_mut().for_each(|x| x.im = -x.im);
        }
        bad
    }
}

/// Samples that can be had by range, counted from wherever the source begins.
pub trait Source {
    /// As they are stored, where they need no conversion but a [`Convolver`](crate::convolver::Convolver)'s own.
    fn stored(&self, range: Range<usize>) -> Option<Samples<'_>>;

    /// In complex baseband, into `out` of the range's length.
    fn convert(&self, range: Range<usize>, out: &mut [Complex32]);
}

/// Those of one channel of a block, from `first` on.
#[derive(Clone, Copy, Debug)]
pub struct ChannelSource<'a> {
    /// What is to be done to them.
    pub converter: &'a Converter,
    /// Where they are.
    pub block: &'a IqBlock,
    /// Channel of the block.
    pub channel: usize,
    /// Sample of the block that the source begins with.
    pub first: usize,
}

impl ChannelSource<'_> {
    fn in_block(&self, range: &Range<usize>) -> Range<usize> {
        self.first + range.start..self.first + range.end
    }
}

impl Source for ChannelSource<'_> {
    fn stored(&self, range: Range<usize>) -> Option<Samples<'_>> {
        self.converter.stored(self.block, self.channel, self.in_block(&range))
    }

    fn convert(&self, range: Range<usize>, out: &mut [Complex32]) {
        self.converter.convert(self.block, self.channel, self.in_block(&range), out);
    }
}

impl Source for [Complex32] {
    fn stored(&self, range: Range<usize>) -> Option<Samples<'_>> {
        Some(self[range].into())
    }

    fn convert(&self, range: Range<usize>, out: &mut [Complex32]) {
        out.copy_from_slice(&self[range]);
    }
}

const SCALE_8: f32 = 1.0 / (1_u64 << 7) as f32;
const SCALE_16: f32 = 1.0 / (1_u64 << 15) as f32;
const SCALE_32: f32 = 1.0 / (1_u64 << 31) as f32;
const SCALE_64: f32 = 1.0 / (1_u64 << 63) as f32;

/// Fills `out` from samples that stand `stride` bytes apart, whatever their alignment.
#[inline(always)]
fn gather<const SIZE: usize>(
    bytes: &[u8],
    stride: usize,
    complex: bool,
    out: &mut [Complex32],
    number: impl Fn([u8; SIZE]) -> f32,
) {
    if complex && stride == 2 * SIZE {
        let (numbers, _) = bytes.as_chunks::<SIZE>();
        let flat: &mut [f32] = bytemuck::cast_slice_mut(out);
        let numbers = &numbers[..flat.len()];
        for (value, raw) in flat.iter_mut().zip(numbers) {
            *value = number(*raw);
        }
    } else if complex {
        for (k, value) in out.iter_mut().enumerate() {
            let (pair, _) = bytes[k * stride..k * stride + 2 * SIZE].as_chunks::<SIZE>();
            *value = Complex32::new(number(pair[0]), number(pair[1]));
        }
    } else if stride == SIZE {
        for (value, raw) in out.iter_mut().zip(bytes.as_chunks::<SIZE>().0) {
            *value = Complex32::new(number(*raw), 0.0);
        }
    } else {
        for (k, value) in out.iter_mut().enumerate() {
            let (single, _) = bytes[k * stride..k * stride + SIZE].as_chunks::<SIZE>();
            *value = Complex32::new(number(single[0]), 0.0);
        }
    }
}

/// Most magnitude of I or Q: 300 dB over full scale. Its square, summed over 10⁸ samples, is within binary32.
const MOST: f32 = 1e15;

/// Replaces samples that are no numbers, or absurdly great ones, by 0 and counts them.
fn zero_bad(out: &mut [Complex32]) -> usize {
    // Almost always there is none, and to see that vectorises.
    let flat: &[f32] = bytemuck::cast_slice(out);
    // Written so that NaN is bad too.
    let is_fine = |x: f32| x.abs() <= MOST;
    if flat.iter().fold(true, |fine, &x| fine & is_fine(x)) {
        return 0;
    }
    let mut bad = 0;
    for x in out.iter_mut().filter(|x| !(is_fine(x.re) && is_fine(x.im))) {
        *x = Complex32::ZERO;
        bad += 1;
    }
    bad
}

/// exp(+j2π·f·n/fs) at absolute sample indices.
#[derive(Clone, Debug)]
struct Oscillator {
    /// f/fs modulo one cycle, in units of 2⁻¹²⁸ cycles: products wrap just as phase does.
    step: u128,
    /// Phasors of the first `GRID` samples.
    table: Box<[Complex32; GRID]>,
}

impl Oscillator {
    fn new(frequency_hz: f64, rate: SampleRate) -> Self {
        let step = cycles_a_sample(frequency_hz, rate);
        let mut table = Box::new([Complex32::ZERO; GRID]);
        for (k, phasor) in table.iter_mut().enumerate() {
            *phasor = phasor_from_phase(step.wrapping_mul(k as u128));
        }
        Self { step, table }
    }

    /// Rotates samples that begin `offset` after grid point `grid_sample`.
    fn mix(&self, grid_sample: u64, offset: usize, samples: &mut [Complex32]) {
        let base = phasor_from_phase(self.step.wrapping_mul(u128::from(grid_sample)));
        for (x, phasor) in samples.iter_mut().zip(&self.table[offset..]) {
            *x *= base * phasor;
        }
    }
}

/// The phasor of a phase in units of 2⁻¹²⁸ cycles.
fn phasor_from_phase(phase: u128) -> Complex32 {
    let cycles = ((phase >> 64) as i64) as f64 / 2.0_f64.powi(64);
    let (sin, cos) = (std::f64::consts::TAU * cycles).sin_cos();
    Complex32::new(cos as f32, sin as f32)
}

/// The fraction of f/fs in units of 2⁻¹²⁸, by long division of the float's own integers, rounded down.
fn cycles_a_sample(frequency_hz: f64, rate: SampleRate) -> u128 {
    // |f| = mantissa · 2^exponent, exactly.
    let bits = frequency_hz.to_bits();
    let biased = (bits >> 52 & 0x7ff) as i32;
    let fraction = bits & ((1 << 52) - 1);
    let (mantissa, exponent) =
        if biased == 0 { (fraction, -1074) } else { (fraction | 1 << 52, biased - 1075) };

    let dividend = u128::from(mantissa) * u128::from(rate.denominator());
    let divisor = u128::from(rate.numerator());
    let (quotient, mut remainder) = (dividend / divisor, dividend % divisor);
    let mut next_bit = || {
        remainder *= 2;
        let bit = remainder >= divisor;
        remainder -= if bit { divisor } else { 0 };
        u128::from(bit)
    };
    // Whole cycles drop out.
    (0..exponent).for_each(|_| _ = next_bit());
    let mut step = 0;
    for place in (-exponent.min(0) - 128..-exponent.min(0)).rev() {
        let bit = match place {
            128.. => 0,
            0.. => quotient >> place & 1,
            _ => next_bit(),
        };
        step = step << 1 | bit;
    }
    if frequency_hz < 0.0 { step.wrapping_neg() } else { step }
}

#[cfg(test)]
mod tests;
