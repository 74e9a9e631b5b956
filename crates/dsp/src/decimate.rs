//! Fewer samples a second: a low-pass filter, of which only every N-th output is computed.
//!
//! `y[k] = Σ_m h[m]·x[kN + D − m]`, `m = 0 … 2D`: sample `k` of the output is the time of sample `kN` of the input, because
//! the filter's delay of `D` samples is taken back. Beyond the ends of a run `x` is 0.
//!
//! `h` is the ideal low-pass filter times Kaiser's window, scaled to a sum of 1. With fs the input's rate, the pass band
//! ends at 0.8 and the stop band begins at 1.0 times the output's Nyquist frequency fs/2N, so that nothing that aliases is
//! let through. Length and window follow from the width of the transition `Δf/fs = 0.1/N` and the attenuation A:
//! `2D ≥ (A − 7.95) / (14.36·Δf/fs)` and `β = 0.1102·(A − 8.7)` (Kaiser, Nonrecursive digital filter design using the I₀-sinh
//! window function, 1974; Oppenheim and Schafer, Discrete-Time Signal Processing, section 7.5).
//!
//! Cost: about 54 products of a complex and a real number for each sample of input, whatever N.

use crate::simd::{self, Kernel, LANES, Lanes, multiply_add};
use crate::window::Window;
use rangegate_core::Complex32;
use std::f64::consts::PI;
use std::sync::Arc;

/// Greatest factor: its filter has 220 000 taps.
pub const MAX_FACTOR: usize = 4096;
/// End of the pass band over the output's Nyquist frequency, where the stop band begins.
pub const PASS_BAND: f64 = 0.8;
/// Attenuation in the stop band, dB.
pub const STOP_BAND_DB: f64 = 80.0;
/// What the filter is designed for: Kaiser's formulas are off by a decibel or two, and taps are rounded.
const DESIGN_DB: f64 = 85.0;
/// Sums that run beside each other, so that one need not wait for the last.
const SUMS: usize = 4;

/// A factor that cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the factor of decimation is {0}, expected 2 to {MAX_FACTOR}")]
pub struct BadFactor(pub usize);

/// The filter. Immutable; share it between channels.
#[derive(Clone, Debug)]
pub struct Decimation {
    factor: usize,
    /// `h`, symmetric. `[2D + 1]`
    taps: Vec<f32>,
    /// Each tap twice, for both parts of a sample, and zeros up to a whole number of vectors.
    doubled: Vec<f32>,
}

impl Decimation {
    /// Designs the filter for one output for every `factor` inputs.
    ///
    /// # Errors
    /// The factor is not 2 to [`MAX_FACTOR`].
    pub fn new(factor: usize) -> Result<Self, BadFactor> {
        if !(2..=MAX_FACTOR).contains(&factor) {
            return Err(BadFactor(factor));
        }
        let nyquist = 0.5 / factor as f64;
        let transition = (1.0 - PASS_BAND) * nyquist;
        let delay = ((DESIGN_DB - 7.95) / (14.36 * transition) / 2.0).ceil() as usize;
        let window = Window::Kaiser { beta: 0.1102 * (DESIGN_DB - 8.7) }.samples(2 * delay + 1);
        let cutoff = nyquist - transition / 2.0;
        let ideal = |m: usize| {
            let x = m as f64 - delay as f64;
            if m == delay { 2.0 * cutoff } else { (2.0 * PI * cutoff * x).sin() / (PI * x) }
        };
        let taps: Vec<f64> = window.iter().enumerate().map(|(m, w)| ideal(m) * f64::from(*w)).collect();
        let sum: f64 = taps.iter().sum();
        let taps: Vec<f32> = taps.into_iter().map(|h| (h / sum) as f32).collect();
        let mut doubled: Vec<f32> = taps.iter().flat_map(|&h| [h, h]).collect();
        doubled.resize(doubled.len().next_multiple_of(SUMS * LANES), 0.0);
        Ok(Self { factor, taps, doubled })
    }

    /// Inputs for each output.
    pub fn factor(&self) -> usize {
        self.factor
    }

    /// Impulse response. `[2D + 1]`
    pub fn taps(&self) -> &[f32] {
        &self.taps
    }

    /// D: samples on either side that an output is made from.
    pub fn delay(&self) -> usize {
        self.taps.len() / 2
    }

    /// Samples that one output reads.
    fn span(&self) -> usize {
        self.doubled.len() / 2
    }
}

/// Runs the filter over one channel, run by run.
#[derive(Clone, Debug)]
pub struct Decimator {
    plan: Arc<Decimation>,
    /// Samples from the first that the next output reads.
    buffer: Vec<Complex32>,
    /// Absolute index of the next output, and one past the last sample of input.
    next: u64,
    end: u64,
}

impl Decimator {
    /// Ready for a run that begins at index 0.
    pub fn new(plan: Arc<Decimation>) -> Self {
        let mut decimator = Self { plan, buffer: Vec::new(), next: 0, end: 0 };
        decimator.begin(0);
        decimator
    }

    /// Begins a run whose first sample has this absolute index; what is left of the run before is forgotten. Returns
    /// the index of the first output, `⌈first_sample/N⌉`.
    pub fn begin(&mut self, first_sample: u64) -> u64 {
        let factor = self.plan.factor as u64;
        self.next = first_sample.div_ceil(factor);
        self.end = first_sample;
        // The first output is the time of a sample less than N, and so less than D, after the first one. What it reads
        // of the time before the run is 0.
        let skipped = (factor - first_sample % factor) % factor;
        self.buffer.clear();
        self.buffer.resize(self.plan.delay() - skipped as usize, Complex32::ZERO);
        self.next
    }

    /// Absolute index of the next output.
    pub fn next_sample(&self) -> u64 {
        self.next
    }

    /// Takes the next samples of the run, and appends to `out` the outputs that need none after them.
    ///
    /// Memory: the samples, and the filter's length. Once it has seen its longest input it does not allocate, if `out`
    /// has room.
    pub fn push(&mut self, samples: &[Complex32], out: &mut Vec<Complex32>) {
        self.end += samples.len() as u64;
        self.buffer.extend_from_slice(samples);
        self.make(usize::MAX, out);
    }

    /// Ends the run: appends the outputs that are left, of samples after which there is silence.
    pub fn finish(&mut self, out: &mut Vec<Complex32>) {
        let left = self.end.div_ceil(self.plan.factor as u64).saturating_sub(self.next) as usize;
        let needed = (left.max(1) - 1) * self.plan.factor + self.plan.span();
        self.buffer.resize(self.buffer.len().max(needed), Complex32::ZERO);
        self.make(left, out);
    }

    /// Computes the outputs that the buffer has samples for, at most so many.
    fn make(&mut self, most: usize, out: &mut Vec<Complex32>) {
        let (factor, span) = (self.plan.factor, self.plan.span());
        let Some(rest) = self.buffer.len().checked_sub(span) else { return };
        let n_out = (rest / factor + 1).min(most);
        let from = out.len();
        out.resize(from + n_out, Complex32::ZERO);
        let (taps, samples) = (&self.plan.doubled, &self.buffer);
        simd::run(Filter { taps, samples: bytemuck::cast_slice(samples), factor, out: &mut out[from..] });
        self.buffer.drain(..n_out * factor);
        self.next += n_out as u64;
    }
}

#[inline(always)]
fn add_products<const FMA: bool>(h: &Lanes, x: &Lanes, sum: &mut Lanes) {
    for lane in 0..LANES {
        sum[lane] = multiply_add::<FMA>(h[lane], x[lane], sum[lane]);
    }
}

/// Inner products of the taps with samples, each `factor` samples after the last.
struct Filter<'a> {
    taps: &'a [f32],
    samples: &'a [f32],
    factor: usize,
    out: &'a mut [Complex32],
}

impl Kernel for Filter<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        for (k, y) in self.out.iter_mut().enumerate() {
            let samples = &self.samples[2 * k * self.factor..][..self.taps.len()];
            // One name each: sums that an index picks out are kept in memory, number by number.
            let [mut a, mut b, mut c, mut d]: [Lanes; SUMS] = [[0.0; LANES]; SUMS];
            let (taps, samples) = (self.taps.as_chunks::<LANES>().0, samples.as_chunks::<LANES>().0);
            for (h, x) in taps.as_chunks::<SUMS>().0.iter().zip(samples.as_chunks::<SUMS>().0) {
                add_products::<FMA>(&h[0], &x[0], &mut a);
                add_products::<FMA>(&h[1], &x[1], &mut b);
                add_products::<FMA>(&h[2], &x[2], &mut c);
                add_products::<FMA>(&h[3], &x[3], &mut d);
            }
            let mut total: Lanes = [0.0; LANES];
            for lane in 0..LANES {
                total[lane] = (a[lane] + b[lane]) + (c[lane] + d[lane]);
            }
            // Halves onto each other, until one number is left: parts alternate.
            let mut n = LANES;
            while n > 2 {
                n /= 2;
                for lane in 0..n {
                    total[lane] += total[lane + n];
                }
            }
            *y = Complex32::new(total[0], total[1]);
        }
    }
}

#[cfg(test)]
mod tests;
