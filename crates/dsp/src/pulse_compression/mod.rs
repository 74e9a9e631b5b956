//! Matched and mismatched filtering of single pulses, with the range gates that are wanted.
//!
//! `y[g] = Σ_k conj(f[k])·x[g + k + ε]`, where `x[n]` are the samples of one PRI from the pulse's leading edge on,
//! zero before it and after the PRI's end, `f` is the range filter with the gain 1 for the replica, and `ε` the
//! fraction of a sample by which the leading edge lies behind `x[0]`. So gate `g` is the delay `g/fs` from the
//! leading edge, and `|y[g]|` estimates the amplitude of an echo there.
//!
//! One FFT a pulse where that is the cheapest, else overlap-save in blocks; the samples that no wanted gate needs are
//! never read. A fraction is a linear phase on the spectrum, that is, interpolation by the periodic sinc; 32 samples
//! more on either side keep what wraps around at 1/32 or less.

mod filter;
mod mismatched;

pub use filter::RangeFilter;
pub use mismatched::Mismatched;

use crate::convert::Source;
use crate::convolver::{Convolver, ConvolverWorker, Output, Path};
use crate::waveform::Replica;
use crate::window::{Window, WindowError};
use rangegate_core::Complex32;
use rustfft::{Fft, FftPlanner};
use serde::{Deserialize, Serialize};
use std::f64::consts::TAU;
use std::ops::Range;
use std::sync::Arc;

/// Longer transforms leave the cache of one core, and are taken only where the filter is that long.
const LONGEST_FFT: usize = 32_768;
/// Shorter ones have no path of their own.
const SHORTEST_CONVOLUTION: usize = 256;
/// Outputs on either side that are thrown away where starts lie between samples.
const FRACTION_MARGIN: usize = 32;

/// How pulses are compressed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CompressionConfig {
    /// The filter along range.
    #[serde(default)]
    pub filter: FilterConfig,
}

/// The filter along range. In configurations `{ type = "matched", window = { type = "hann" } }`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum FilterConfig {
    /// The replica itself, its spectrum times a window: the best signal-to-noise ratio where that is rectangular,
    /// lower side lobes of chirps where it is not.
    Matched(Matched),
    /// Side lobes held below a level at the least loss.
    Mismatched(Mismatched),
}

impl Default for FilterConfig {
    fn default() -> Self {
        Self::Matched(Matched::default())
    }
}

/// The replica itself, windowed in frequency.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Matched {
    /// Laid over the replica's band; outside of it the filter is zero. Rectangular leaves the spectrum alone.
    #[serde(default)]
    pub window: Window,
}

/// Where leading edges lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PulseStart {
    /// On the first sample of each PRI.
    OnSample,
    /// Up to one sample behind the first, another fraction for each pulse.
    BetweenSamples,
}

/// A compression that cannot be.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum CompressionError {
    /// No gate, or gates beyond the PRI.
    #[error(
        "pulse compression: range gates are {} to {}, expected a range that is not empty within the {n_fast} \
         samples of a PRI", gates.start, gates.end
    )]
    Gates {
        /// What was asked for.
        gates: Range<usize>,
        /// Samples of a PRI.
        n_fast: usize,
    },
    /// The pulse does not fit into its PRI.
    #[error("pulse compression: the replica has {n_replica} samples, expected at most the {n_fast} of a PRI")]
    PulseLongerThanPri {
        /// Samples of the replica.
        n_replica: usize,
        /// Samples of a PRI.
        n_fast: usize,
    },
    /// A parameter is out of its range.
    #[error("pulse compression: {field} is {found}, expected {expected}")]
    Parameter {
        /// Name of the parameter.
        field: &'static str,
        /// What it was.
        found: f64,
        /// What it may be.
        expected: &'static str,
    },
    /// The window of the matched filter.
    #[error("pulse compression: {0}")]
    Window(#[from] WindowError),
}

/// The filter and the transforms. Immutable; share it by [`Arc`].
pub struct CompressionPlan {
    filter: RangeFilter,
    gates: Range<usize>,
    n_fast: usize,
    /// Outputs before and after the wanted ones.
    margin: usize,
    fft_len: usize,
    engine: Engine,
}

/// What correlates a block.
enum Engine {
    /// The fastest, of lengths that are powers of two; it has no spectrum that a fraction could turn.
    Convolution(Convolver),
    Fft {
        forward: Arc<dyn Fft<f32>>,
        inverse: Arc<dyn Fft<f32>>,
        /// `conj(F) / fft_len`
        spectrum: Vec<Complex32>,
    },
}

impl std::fmt::Debug for CompressionPlan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { gates, n_fast, fft_len, .. } = self;
        write!(f, "CompressionPlan {{ gates: {gates:?}, n_fast: {n_fast}, fft_len: {fft_len} }}")
    }
}

impl CompressionPlan {
    /// Plans the compression of PRIs of which `n_fast` samples are there, to the gates that are wanted.
    ///
    /// Cost of planning: that of the filter's design; of a gate: O(log fft_len).
    ///
    /// # Errors
    /// The gates are none or not all within the PRI, the replica is longer than the PRI, or a parameter of the filter
    /// is out of range.
    pub fn new(
        config: &CompressionConfig,
        replica: &Replica,
        n_fast: usize,
        gates: Range<usize>,
        start: PulseStart,
    ) -> Result<Self, CompressionError> {
        if gates.is_empty() || gates.end > n_fast {
            return Err(CompressionError::Gates { gates, n_fast });
        }
        let n_replica = replica.samples.len();
        if n_replica > n_fast {
            return Err(CompressionError::PulseLongerThanPri { n_replica, n_fast });
        }
        let filter = RangeFilter::design(&config.filter, replica)?;
        let margin = if start == PulseStart::BetweenSamples { FRACTION_MARGIN } else { 0 };
        let is_convolution = start == PulseStart::OnSample && Path::chosen() != Path::Portable;
        let fft_len = fft_len_for(filter.n_taps(), gates.len(), margin, is_convolution);
        let engine = if is_convolution {
            Engine::Convolution(Convolver::plan(&[filter.taps().to_vec()], fft_len))
        } else {
            let mut planner = FftPlanner::new();
            Engine::Fft {
                spectrum: filter.spectrum(fft_len),
                forward: planner.plan_fft_forward(fft_len),
                inverse: planner.plan_fft_inverse(fft_len),
            }
        };
        Ok(Self { filter, gates, n_fast, margin, fft_len, engine })
    }

    /// The filter, with its loss, side lobes and range-Doppler coupling.
    pub fn filter(&self) -> &RangeFilter {
        &self.filter
    }

    /// The gates that come out.
    pub fn gates(&self) -> Range<usize> {
        self.gates.clone()
    }

    /// Samples of a PRI.
    pub fn n_fast(&self) -> usize {
        self.n_fast
    }

    /// Length of the transforms.
    pub fn fft_len(&self) -> usize {
        self.fft_len
    }

    /// Which way the engine goes; pulses that begin between samples take the portable one.
    pub fn path(&self) -> Path {
        match &self.engine {
            Engine::Convolution(convolver) => convolver.path(),
            Engine::Fft { .. } => Path::Portable,
        }
    }

    /// Gates a transform.
    fn hop(&self) -> usize {
        hop(self.fft_len, self.filter.n_taps(), self.margin)
    }

    /// What runs the plan.
    pub fn make_worker(self: &Arc<Self>) -> PulseCompressor {
        let (scratch, convolver) = match &self.engine {
            Engine::Convolution(convolver) => (0, Some(convolver.make_worker(0))),
            Engine::Fft { forward, inverse, .. } => {
                (forward.get_inplace_scratch_len().max(inverse.get_inplace_scratch_len()), None)
            }
        };
        let ramp = if self.margin > 0 { self.fft_len } else { 0 };
        PulseCompressor {
            plan: Arc::clone(self),
            block: vec![Complex32::ZERO; self.fft_len],
            scratch: vec![Complex32::ZERO; scratch],
            convolver,
            shifted: vec![Complex32::ZERO; ramp],
            shifted_by: 0.0,
        }
    }
}

/// Outputs of one transform that are wanted: all but those that wrap around and the margins.
fn hop(fft_len: usize, n_taps: usize, margin: usize) -> usize {
    (fft_len + 1).saturating_sub(n_taps + 2 * margin)
}

/// The length of transform that makes `n_gates` outputs at the least cost: a power of two or, if others will do, 9/8,
/// 5/4 or 3/2 of one.
fn fft_len_for(n_taps: usize, n_gates: usize, margin: usize, only_powers: bool) -> usize {
    let shortest = n_taps + 2 * margin;
    let longest = LONGEST_FFT.max((2 * shortest).next_power_of_two());
    let least = if only_powers { SHORTEST_CONVOLUTION } else { 16 };
    let powers = std::iter::successors(Some(least), |n| Some(2 * n)).take_while(|&n| n <= longest);
    let cost = |fft_len: usize| {
        let n_blocks = n_gates.div_ceil(hop(fft_len, n_taps, margin));
        // What a transform costs beside its butterflies is like two more stages of them.
        (n_blocks * fft_len) as f64 * ((fft_len as f64).log2() + 2.0)
    };
    powers
        .flat_map(|n| [n, n / 8 * 9, n / 4 * 5, n / 2 * 3])
        .filter(|&n| n >= shortest && (n.is_power_of_two() || !only_powers))
        .min_by(|&a, &b| cost(a).total_cmp(&cost(b)))
        .unwrap_or(longest)
}

/// Runs a [`CompressionPlan`].
#[derive(Debug)]
pub struct PulseCompressor {
    plan: Arc<CompressionPlan>,
    block: Vec<Complex32>,
    scratch: Vec<Complex32>,
    convolver: Option<ConvolverWorker>,
    /// The plan's spectrum with the linear phase of `shifted_by`; empty where starts lie on samples.
    shifted: Vec<Complex32>,
    shifted_by: f64,
}

impl PulseCompressor {
    /// Compresses one pulse whose leading edge lies `fraction` of a sample behind the first sample of its PRI.
    ///
    /// `pri` has the samples of the PRI. It is asked once a transform, for ranges that follow one another and overlap
    /// by what the filter is long, and only for samples that a wanted gate needs.
    ///
    /// # Panics
    /// * `out.len()` is not the number of gates,
    /// * `fraction` is not 0 where the plan has starts on samples, or not in −1 to 1 where it has them between.
    pub fn compress(&mut self, fraction: f64, pri: &(impl Source + ?Sized), out: &mut [Complex32]) {
        let plan = Arc::clone(&self.plan);
        assert_eq!(out.len(), plan.gates.len(), "length of the output and number of gates");
        let limit = if plan.margin > 0 { 1.0 } else { 0.0 };
        assert!(
            fraction.abs() <= limit,
            "a start {fraction} of a sample behind, planned for at most {limit}"
        );
        // An output takes samples from `lead` before its own on.
        let before = plan.filter.lead() + plan.margin;
        for (k, piece) in out.chunks_mut(plan.hop()).enumerate() {
            let first = plan.gates.start + k * plan.hop();
            let n_needed = piece.len() + plan.filter.n_taps() - 1 + 2 * plan.margin;
            let n_zeros = before.saturating_sub(first).min(n_needed);
            let start = (first + n_zeros).saturating_sub(before).min(plan.n_fast);
            let end = (start + n_needed - n_zeros).min(plan.n_fast);
            self.correlate(&plan, fraction, pri, (n_zeros, start..end), piece);
        }
    }

    /// A block, zeros and then a range of the PRI, to outputs.
    fn correlate(
        &mut self,
        plan: &CompressionPlan,
        fraction: f64,
        pri: &(impl Source + ?Sized),
        (n_zeros, range): (usize, Range<usize>),
        out: &mut [Complex32],
    ) {
        let Self { block, scratch, convolver, shifted, shifted_by, .. } = self;
        let (zeros, rest) = block.split_at_mut(n_zeros);
        let (samples, padding) = rest.split_at_mut(range.len());
        match (&plan.engine, convolver) {
            (Engine::Fft { forward, inverse, spectrum }, _) => {
                zeros.fill(Complex32::ZERO);
                pri.convert(range, samples);
                padding.fill(Complex32::ZERO);
                forward.process_with_scratch(block, scratch);
                let spectrum = if fraction == 0.0 {
                    spectrum
                } else {
                    shift(spectrum, fraction, shifted, shifted_by);
                    &*shifted
                };
                block.iter_mut().zip(spectrum).for_each(|(x, h)| *x *= h);
                inverse.process_with_scratch(block, scratch);
                out.copy_from_slice(&block[plan.margin..][..out.len()]);
            }
            (Engine::Convolution(_), Some(convolver)) => {
                let stored = pri.stored(range.clone()).unwrap_or_else(|| {
                    pri.convert(range, samples);
                    (&*samples).into()
                });
                convolver.convolve(stored, n_zeros, 0, Output::Complex(out));
            }
            (Engine::Convolution(_), None) => {}
        }
    }
}

/// `shifted[k] = spectrum[k]·exp(+j2πk·fraction/n)`, the upper half counted as negative frequencies; nothing to do
/// where that is what stands there.
fn shift(spectrum: &[Complex32], fraction: f64, shifted: &mut [Complex32], shifted_by: &mut f64) {
    /// Points between two phases that are computed afresh.
    const GRID: usize = 64;
    if fraction.to_bits() == shifted_by.to_bits() {
        return;
    }
    let n = spectrum.len();
    let phasor = |k: f64| {
        let (sin, cos) = (TAU * k * fraction / n as f64).sin_cos();
        Complex32::new(cos as f32, sin as f32)
    };
    let mut within = [Complex32::ZERO; GRID];
    within.iter_mut().enumerate().for_each(|(l, x)| *x = phasor(l as f64));
    let half = n.div_ceil(2);
    let (positive, negative) = shifted.split_at_mut(half);
    for (out, bins, first) in
        [(positive, &spectrum[..half], 0.0), (negative, &spectrum[half..], half as f64 - n as f64)]
    {
        for (j, (out, bins)) in out.chunks_mut(GRID).zip(bins.chunks(GRID)).enumerate() {
            let base = phasor(first + (j * GRID) as f64);
            for ((out, x), turn) in out.iter_mut().zip(bins).zip(&within) {
                *out = x * (base * turn);
            }
        }
    }
    *shifted_by = fraction;
}

#[cfg(test)]
mod tests;
