//! From pulses to Doppler bins: the transform along slow time, vectorised over range gates.
//!
//! ```text
//!   X[k, g] = Σ_m w[m]·x[m, g]·exp(−j2π·k·m/n_doppler) / Σ_m w[m],    P[k, g] = |X[k, g]|²
//! ```
//!
//! An echo of amplitude A whose Doppler lies on a bin has the power A² there, whatever the window. White noise of
//! the power σ² per cell of the pulse cube has σ²·[`noise_gain`](DopplerPlan::noise_gain) in every cell of the map.
//!
//! The transform is Stockham's (self-sorting, decimation in frequency), with radix 16, 8, 4, 2 and any odd prime. A
//! number is `LANES` gates wide and every twiddle factor is one for all of them, so that nothing is ever transposed
//! or shuffled. The first pass reads the pulses and applies the window, the last writes powers to the map; what is
//! between them stays in the first-level cache: 128 pulses take two passes.
//!
//! What costs time is memory: the gates of one pulse that are transformed together are two cache lines, those of the
//! next lie in another page, and reading and writing like this is four times slower than the transform. So the cube
//! and the map are fetched ahead, in runs that suit the memory.
#![allow(clippy::needless_range_loop, reason = "lanes are indexed alike in several arrays")]

use crate::range_doppler::{PowerMap, PulseCube};
use crate::simd::{
    self, ComplexLanes, Kernel, LANES, Lanes, multiply_add, product, radix_2, radix_4, radix_8, radix_16,
};
use crate::window::{Window, WindowError};
use rangegate_core::Complex32;
use rustfft::num_complex::Complex64;
use std::cell::Cell;
use std::f64::consts::TAU;
use std::sync::Arc;

/// A transform along slow time that cannot be.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum DopplerError {
    /// No pulse.
    #[error("doppler: n_pulses is 0, expected 1 or more")]
    NoPulses,
    /// Fewer bins than pulses.
    #[error("doppler: n_doppler is {n_doppler}, expected at least the {n_pulses} pulses")]
    TooFewBins {
        /// Bins that were asked for.
        n_doppler: usize,
        /// Pulses of a CPI.
        n_pulses: usize,
    },
    /// A window's parameter.
    #[error("doppler: {0}")]
    Window(#[from] WindowError),
    /// The samples of the window for this number of pulses cancel.
    #[error(
        "doppler: the window is zero at all of {n_pulses} pulses, expected more pulses or another window"
    )]
    EmptyWindow {
        /// Pulses of a CPI.
        n_pulses: usize,
    },
    /// A sequence of another length than the first, or with a number that is not finite.
    #[error("doppler: sequence {row} is not of {n_pulses} finite numbers, as many as pulses")]
    Sequence {
        /// Which.
        row: usize,
        /// Pulses of a CPI.
        n_pulses: usize,
    },
}

/// The transform of a CPI. Immutable; share it by [`Arc`].
#[derive(Clone, Debug)]
pub struct DopplerPlan {
    n_pulses: usize,
    n_doppler: usize,
    n_gates: usize,
    /// What each pulse is multiplied with; the sum is 1.
    weights: Vec<f32>,
    noise_gain: f64,
    transform: Transform,
}

#[derive(Clone, Debug)]
enum Transform {
    /// One after the other.
    Passes(Vec<Pass>),
    /// `[n_doppler × n_pulses]`
    Dense(Vec<Complex32>),
}

/// One pass of the fast transform: `stride` interleaved transforms of `n` become `stride · radix` of `n / radix`.
#[derive(Clone, Debug)]
struct Pass {
    radix: usize,
    stride: usize,
    /// `exp(−j2πpk/n)`, `[n / radix × radix]`
    twiddles: Vec<Complex32>,
    /// `exp(−j2πk/radix)`, for radices without a butterfly of their own.
    roots: Vec<Complex32>,
}

/// Sequences of less power, of which 1 is that of an echo before the canceller, are blind.
const LEAST_POWER: f64 = 1e-6;
/// The greatest radix that has a butterfly of its own, as a power of two.
const MAX_RADIX_BITS: u32 = 4;

fn root_of_unity(k: usize, n: usize) -> Complex32 {
    let (sin, cos) = (-TAU * (k % n) as f64 / n as f64).sin_cos();
    Complex32::new(cos as f32, sin as f32)
}

impl Pass {
    fn new(n: usize, stride: usize) -> Self {
        let radix = match n.trailing_zeros() {
            0 => (3..=n).step_by(2).find(|&p| n.is_multiple_of(p)).unwrap_or(1),
            // As few passes as there can be, and those alike.
            bits => 1 << bits.div_ceil(bits.div_ceil(MAX_RADIX_BITS)),
        };
        let twiddle = |p: usize| (0..radix).map(move |k| root_of_unity(p * k, n));
        Self {
            radix,
            stride,
            twiddles: (0..n / radix).flat_map(twiddle).collect(),
            roots: (0..radix).map(|k| root_of_unity(k, radix)).collect(),
        }
    }

    fn has_butterfly(&self) -> bool {
        self.radix.is_power_of_two()
    }

    /// All passes of a transform of `n`, those of radices with a butterfly first.
    fn all(n: usize) -> Vec<Self> {
        let (mut left, mut stride, mut passes) = (n, 1, Vec::new());
        while left > 1 {
            let pass = Self::new(left, stride);
            left /= pass.radix;
            stride *= pass.radix;
            passes.push(pass);
        }
        passes
    }
}

/// Weights that sum to 1, and the sum of their squares.
fn weights(window: &Window, n_pulses: usize) -> Result<(Vec<f32>, f64), DopplerError> {
    if n_pulses == 0 {
        return Err(DopplerError::NoPulses);
    }
    window.validate()?;
    let samples = window.samples(n_pulses);
    let sum: f64 = samples.iter().map(|&w| f64::from(w)).sum();
    if sum.is_nan() || sum.abs() < 1e-6 {
        return Err(DopplerError::EmptyWindow { n_pulses });
    }
    let noise_gain = samples.iter().map(|&w| (f64::from(w) / sum).powi(2)).sum();
    Ok((samples.iter().map(|&w| (f64::from(w) / sum) as f32).collect(), noise_gain))
}

impl DopplerPlan {
    /// Plans the transform of `n_pulses` at equal intervals to `n_doppler` bins, as the module's page has it; those
    /// beyond the number of pulses interpolate.
    ///
    /// Cost: O(log n_doppler) a cell where `n_doppler` is a product of small primes, O(p) with its greatest prime.
    ///
    /// # Errors
    /// No pulse, fewer bins than pulses, or a window that has no such samples.
    pub fn new(
        n_pulses: usize,
        n_doppler: usize,
        window: &Window,
        n_gates: usize,
    ) -> Result<Self, DopplerError> {
        let (weights, noise_gain) = weights(window, n_pulses)?;
        if n_doppler < n_pulses {
            return Err(DopplerError::TooFewBins { n_doppler, n_pulses });
        }
        let transform = Transform::Passes(Pass::all(n_doppler));
        Ok(Self { n_pulses, n_doppler, n_gates, weights, noise_gain, transform })
    }

    /// Plans filters matched to given sequences of pulses, a row of the map each, as a staggered PRI needs them, behind
    /// a canceller too: with the sequence `s[k]` that an echo of amplitude 1 makes,
    /// `X[k, g] = Σ_m w[m]·conj(s[k, m])·x[m, g] / √(Σ_m w[m]·|s[k, m]|²)`, the weights summing to 1 and the window
    /// going by the pulses' numbers. An echo of amplitude A has the power `A²·Σ w·|s|²` in its row, and white noise as
    /// good as the same in all. A row whose sequence is as good as nothing stays zero.
    ///
    /// Cost: O(n_pulses) a cell.
    ///
    /// # Errors
    /// No pulse, a window that has no such samples, or sequences that are not all as long as the first or not of
    /// finite numbers.
    pub fn matched(
        sequences: &[Vec<Complex64>],
        window: &Window,
        n_gates: usize,
    ) -> Result<Self, DopplerError> {
        let (n_doppler, n_pulses) = (sequences.len(), sequences.first().map_or(0, Vec::len));
        let (weights, noise_gain) = weights(window, n_pulses)?;
        let is_bad = |s: &Vec<Complex64>| s.len() != n_pulses || s.iter().any(|s| !s.is_finite());
        if let Some(row) = sequences.iter().position(is_bad) {
            return Err(DopplerError::Sequence { row, n_pulses });
        }
        let filter = |sequence: &Vec<Complex64>| {
            let power: f64 = sequence.iter().zip(&weights).map(|(s, w)| s.norm_sqr() * f64::from(*w)).sum();
            let scale = if power > LEAST_POWER { power.sqrt().recip() } else { 0.0 };
            let filter = sequence.iter().map(|s| s.conj() * scale);
            filter.map(|s| Complex32::new(s.re as f32, s.im as f32)).collect::<Vec<_>>()
        };
        let transform = Transform::Dense(sequences.iter().flat_map(filter).collect());
        Ok(Self { n_pulses, n_doppler, n_gates, weights, noise_gain, transform })
    }

    /// Pulses that a transform takes.
    pub fn n_pulses(&self) -> usize {
        self.n_pulses
    }

    /// Rows of the map.
    pub fn n_doppler(&self) -> usize {
        self.n_doppler
    }

    /// Power of white noise in the map for noise of power 1 in the pulse cube: `Σw² / (Σw)²`, that is
    /// 1/n_pulses for the rectangular window and more for others.
    pub fn noise_gain(&self) -> f64 {
        self.noise_gain
    }

    /// What the window costs in signal-to-noise ratio for an echo on a bin, dB, 0 for the rectangular window.
    pub fn loss_db(&self) -> f64 {
        10.0 * (self.noise_gain * self.n_pulses as f64).log10()
    }

    /// A map of the shape that comes out.
    pub fn make_map(&self) -> PowerMap {
        PowerMap::new(self.n_doppler, self.n_gates)
    }

    /// What runs the plan.
    pub fn make_worker(self: &Arc<Self>) -> DopplerProcessor {
        // Both lengths: the dense transform reads pulses and writes bins.
        let n_rows = self.n_doppler.max(self.n_pulses);
        DopplerProcessor {
            plan: Arc::clone(self),
            strip: vec![ComplexLanes::ZERO; n_rows],
            other: vec![ComplexLanes::ZERO; n_rows],
        }
    }
}

/// Runs a [`DopplerPlan`].
#[derive(Debug)]
pub struct DopplerProcessor {
    plan: Arc<DopplerPlan>,
    /// What the passes read and write in turn, each `[max(n_doppler, n_pulses)]`.
    strip: Vec<ComplexLanes>,
    other: Vec<ComplexLanes>,
}

impl DopplerProcessor {
    /// Transforms the first [`n_pulses`](DopplerPlan::n_pulses) rows of a cube to powers.
    ///
    /// # Panics
    /// * the cube has fewer pulses than planned,
    /// * the map has not as many rows as there are bins,
    /// * either has another number of gates than planned.
    pub fn process(&mut self, cube: &PulseCube, map: &mut PowerMap) {
        let DopplerPlan { n_pulses, n_doppler, n_gates, .. } = *self.plan;
        assert!(cube.n_rows() >= n_pulses, "{} pulses for a plan of {n_pulses}", cube.n_rows());
        assert_eq!(map.n_rows(), n_doppler, "rows of the map and of the plan");
        assert_eq!((cube.n_gates(), map.n_gates()), (n_gates, n_gates), "gates of cube, map and plan");
        simd::run(Process { plan: &self.plan, strip: &mut self.strip, other: &mut self.other, cube, map });
    }
}

struct Process<'a> {
    plan: &'a DopplerPlan,
    strip: &'a mut [ComplexLanes],
    other: &'a mut [ComplexLanes],
    cube: &'a PulseCube,
    map: &'a mut PowerMap,
}

impl Kernel for Process<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let Self { plan, strip, other, cube, map } = self;
        let (map_stride, wide) = (map.stride(), simd::Wide::detect());
        for first_gate in (0..plan.n_gates).step_by(LANES) {
            let (cube, stride, weights) = (cube.data(), cube.stride(), &plan.weights);
            let gates = Gates {
                cube,
                stride,
                first_gate,
                weights,
                wide,
                ahead: Ahead::new(first_gate, stride, plan.n_pulses),
            };
            let mut powers = Powers::<FMA> {
                map: map.data_mut(),
                stride: map_stride,
                first_gate,
                ahead: Ahead::new(first_gate, map_stride, plan.n_doppler),
            };
            match &plan.transform {
                Transform::Passes(passes) => transform::<FMA>(passes, &gates, strip, other, &mut powers),
                Transform::Dense(matrix) => {
                    copy(&gates, strip);
                    for (bin, row) in matrix.chunks_exact(plan.n_pulses).enumerate() {
                        powers.write(bin, &dot::<FMA>(strip.iter().zip(row)));
                    }
                }
            }
        }
    }
}

/// Where a pass reads.
trait Source {
    fn read(&self, row: usize) -> ComplexLanes;
}

/// Where a pass writes.
trait Sink {
    fn write(&mut self, row: usize, x: &ComplexLanes);
}

impl Source for [ComplexLanes] {
    #[inline(always)]
    fn read(&self, row: usize) -> ComplexLanes {
        self[row]
    }
}

impl Sink for [ComplexLanes] {
    #[inline(always)]
    fn write(&mut self, row: usize, x: &ComplexLanes) {
        self[row] = *x;
    }
}

/// Gates that are fetched ahead together, in units of `LANES`.
const STRIP: usize = 8;

/// What to fetch: as many gates of as many rows as are worked on meanwhile, but in the order in which they lie in
/// memory, a run of `STRIP · LANES` of one row after that of another.
struct Ahead {
    stride: usize,
    first_gate: usize,
    count: Cell<usize>,
}

impl Ahead {
    fn new(first_gate: usize, stride: usize, n_rows: usize) -> Self {
        let part = (first_gate / LANES) % STRIP;
        let first_gate = first_gate + (STRIP - part) * LANES;
        Self { stride, first_gate, count: Cell::new(part * n_rows) }
    }

    #[inline(always)]
    fn next(&self, fetch: impl Fn(usize)) {
        let count = self.count.get();
        fetch(count / STRIP * self.stride + self.first_gate + count % STRIP * LANES);
        self.count.set(count + 1);
    }
}

/// `LANES` gates of every pulse, times its weight; after the last pulse, zero. At the end of a row they reach into
/// its padding.
struct Gates<'a> {
    cube: &'a [Complex32],
    stride: usize,
    first_gate: usize,
    weights: &'a [f32],
    wide: Option<simd::Wide>,
    ahead: Ahead,
}

impl Source for Gates<'_> {
    #[inline(always)]
    fn read(&self, row: usize) -> ComplexLanes {
        let Some(&weight) = self.weights.get(row) else { return ComplexLanes::ZERO };
        let at = row * self.stride + self.first_gate;
        let x: &[Complex32; LANES] = &self.cube[at..].as_chunks().0[0];
        self.ahead.next(|at| {
            simd::prefetch(self.cube, at);
            simd::prefetch(self.cube, at + LANES / 2);
        });
        simd::scaled_lanes(x, weight, self.wide)
    }
}

/// `LANES` gates of every row of the map, or of its padding.
struct Powers<'a, const FMA: bool> {
    map: &'a mut [f32],
    stride: usize,
    first_gate: usize,
    ahead: Ahead,
}

impl<const FMA: bool> Sink for Powers<'_, FMA> {
    #[inline(always)]
    fn write(&mut self, row: usize, x: &ComplexLanes) {
        let at = row * self.stride + self.first_gate;
        self.ahead.next(|at| simd::prefetch_write(self.map, at));
        let power: &mut Lanes = &mut self.map[at..].as_chunks_mut().0[0];
        for l in 0..LANES {
            power[l] = multiply_add::<FMA>(x.re[l], x.re[l], x.im[l] * x.im[l]);
        }
    }
}

#[inline(always)]
fn copy(from: &impl Source, to: &mut [ComplexLanes]) {
    for (row, x) in to.iter_mut().enumerate() {
        *x = from.read(row);
    }
}

#[inline(always)]
fn transform<const FMA: bool>(
    passes: &[Pass],
    gates: &Gates<'_>,
    strip: &mut [ComplexLanes],
    other: &mut [ComplexLanes],
    powers: &mut Powers<'_, FMA>,
) {
    let (mut from, mut to) = (strip, other);
    let passes = match passes {
        [first, rest @ ..] if first.has_butterfly() && !rest.is_empty() => {
            fast_pass::<FMA>(first, gates, from);
            rest
        }
        _ => {
            copy(gates, from);
            passes
        }
    };
    let Some((last, passes)) = passes.split_last() else { return powers.write(0, &from[0]) };
    for pass in passes {
        any_pass::<FMA>(pass, &*from, &mut *to);
        (from, to) = (to, from);
    }
    any_pass::<FMA>(last, &*from, powers);
}

/// `Σ x·c`.
#[inline(always)]
fn dot<'a, const FMA: bool>(terms: impl Iterator<Item = (&'a ComplexLanes, &'a Complex32)>) -> ComplexLanes {
    let mut sum = ComplexLanes::ZERO;
    for (x, c) in terms {
        for l in 0..LANES {
            sum.re[l] = multiply_add::<FMA>(-x.im[l], c.im, multiply_add::<FMA>(x.re[l], c.re, sum.re[l]));
            sum.im[l] = multiply_add::<FMA>(x.im[l], c.re, multiply_add::<FMA>(x.re[l], c.im, sum.im[l]));
        }
    }
    sum
}

#[inline(always)]
fn any_pass<const FMA: bool>(pass: &Pass, from: &[ComplexLanes], to: &mut (impl Sink + ?Sized)) {
    match pass.has_butterfly() {
        true => fast_pass::<FMA>(pass, from, to),
        false => slow_pass::<FMA>(pass, from, to),
    }
}

#[inline(always)]
fn fast_pass<const FMA: bool>(pass: &Pass, from: &(impl Source + ?Sized), to: &mut (impl Sink + ?Sized)) {
    match pass.radix {
        16 => butterflies::<16, FMA>(pass, from, to, radix_16::<FMA>),
        8 => butterflies::<8, FMA>(pass, from, to, radix_8),
        4 => butterflies::<4, FMA>(pass, from, to, radix_4),
        _ => butterflies::<2, FMA>(pass, from, to, radix_2),
    }
}

/// `to[q + s(R·p + k)] = w^{pk} · Σ_j from[q + s(p + j·m)]·exp(−j2πjk/R)`, where `m` is a transform's length over R.
#[inline(always)]
fn butterflies<const R: usize, const FMA: bool>(
    pass: &Pass,
    from: &(impl Source + ?Sized),
    to: &mut (impl Sink + ?Sized),
    butterfly: impl Fn([Complex32; R]) -> [Complex32; R],
) {
    let stride = pass.stride;
    let (twiddles, _) = pass.twiddles.as_chunks::<R>();
    let m = twiddles.len();
    // Once, because the compiler would clear it each time.
    let mut x = [ComplexLanes::ZERO; R];
    for (p, twiddle) in twiddles.iter().enumerate() {
        for q in 0..stride {
            for j in 0..R {
                x[j] = from.read(q + stride * (p + j * m));
            }
            for l in 0..LANES {
                let mut number = [Complex32::ZERO; R];
                for j in 0..R {
                    number[j] = Complex32::new(x[j].re[l], x[j].im[l]);
                }
                let mut number = butterfly(number);
                for k in 1..R {
                    number[k] = product::<FMA>(number[k], twiddle[k]);
                }
                for k in 0..R {
                    (x[k].re[l], x[k].im[l]) = (number[k].re, number[k].im);
                }
            }
            for k in 0..R {
                to.write(q + stride * (R * p + k), &x[k]);
            }
        }
    }
}

/// The same for any radix, by the sum.
#[inline(always)]
fn slow_pass<const FMA: bool>(pass: &Pass, from: &[ComplexLanes], to: &mut (impl Sink + ?Sized)) {
    let Pass { radix, stride, .. } = *pass;
    let m = pass.twiddles.len() / radix;
    for (p, twiddle) in pass.twiddles.chunks_exact(radix).enumerate() {
        for q in 0..stride {
            for k in 0..radix {
                let mut sum = dot::<FMA>(
                    (0..radix).map(|j| (&from[q + stride * (p + j * m)], &pass.roots[(j * k) % radix])),
                );
                for l in 0..LANES {
                    let x = product::<FMA>(Complex32::new(sum.re[l], sum.im[l]), twiddle[k]);
                    (sum.re[l], sum.im[l]) = (x.re, x.im);
                }
                to.write(q + stride * (radix * p + k), &sum);
            }
        }
    }
}

#[cfg(test)]
mod tests;
