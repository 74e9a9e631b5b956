//! From pulses to Doppler bins: the transform along slow time, vectorised over range gates.
//!
//! ```text
//!   X[k, g] = Σ_m w[m]·x[m, g]·exp(−j2π·k·m/n_doppler) / Σ_m w[m],    P[k, g] = |X[k, g]|²
//! ```
//!
//! An echo of amplitude A whose Doppler lies on a bin has the power A² there, whatever the window. White noise of
//! the power σ² per cell of the pulse cube has σ²·[`noise_gain`](DopplerPlan::noise_gain) in every cell of the map.
//!
//! The transform is Stockham's (self-sorting, decimation in frequency), with radix 8, 4, 2 and any prime. The pulses
//! of a strip of gates are copied into cache with the window applied; there a number is `LANES` gates wide and
//! every twiddle factor is one for all of them, so that nothing is ever transposed or shuffled.
#![allow(clippy::needless_range_loop, reason = "lanes are indexed alike in several arrays")]

use crate::range_doppler::{PowerMap, PulseCube};
use crate::simd::{
    self, ComplexLanes, Kernel, LANES, Lanes, multiply_add, product, radix_2, radix_4, radix_8,
};
use crate::window::{Window, WindowError};
use rangegate_core::Complex32;
use std::f64::consts::TAU;
use std::ops::Range;
use std::sync::Arc;

/// Gates that are copied into cache together, in units of [`LANES`]: runs of memory of some lines each.
const STRIP: usize = 4;

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
    /// A time or frequency is infinite or not a number.
    #[error("doppler: {field} of {index} is {found}, expected a finite number")]
    NotFinite {
        /// Which list.
        field: &'static str,
        /// Where in it.
        index: usize,
        /// What stands there.
        found: f64,
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

fn root_of_unity(k: usize, n: usize) -> Complex32 {
    let (sin, cos) = (-TAU * (k % n) as f64 / n as f64).sin_cos();
    Complex32::new(cos as f32, sin as f32)
}

impl Pass {
    fn new(n: usize, stride: usize) -> Self {
        let radix = match n {
            _ if n.is_multiple_of(8) => 8,
            _ if n.is_multiple_of(4) => 4,
            _ => (2..=n).find(|&p| n.is_multiple_of(p)).unwrap_or(1),
        };
        let twiddle = |p: usize| (0..radix).map(move |k| root_of_unity(p * k, n));
        Self {
            radix,
            stride,
            twiddles: (0..n / radix).flat_map(twiddle).collect(),
            roots: (0..radix).map(|k| root_of_unity(k, radix)).collect(),
        }
    }

    /// All passes of a transform of `n`.
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

    /// Plans the transform of pulses at any times (staggered PRI) to the given frequencies:
    /// `X[k, g] = Σ_m w[m]·x[m, g]·exp(−j2π·doppler_hz[k]·pulse_times_s[m]) / Σ_m w[m]`, the window going by the
    /// pulses' numbers.
    ///
    /// Cost: O(n_pulses) a cell.
    ///
    /// # Errors
    /// No pulse, a window that has no such samples, or a time or frequency that is no finite number.
    pub fn non_uniform(
        pulse_times_s: &[f64],
        doppler_hz: &[f64],
        window: &Window,
        n_gates: usize,
    ) -> Result<Self, DopplerError> {
        let (n_pulses, n_doppler) = (pulse_times_s.len(), doppler_hz.len());
        let (weights, noise_gain) = weights(window, n_pulses)?;
        for (field, values) in [("pulse_times_s", pulse_times_s), ("doppler_hz", doppler_hz)] {
            if let Some(index) = values.iter().position(|x| !x.is_finite()) {
                return Err(DopplerError::NotFinite { field, index, found: values[index] });
            }
        }
        let row = |&f_hz: &f64| {
            pulse_times_s.iter().map(move |&t_s| {
                let (sin, cos) = (-TAU * (f_hz * t_s).fract()).sin_cos();
                Complex32::new(cos as f32, sin as f32)
            })
        };
        let transform = Transform::Dense(doppler_hz.iter().flat_map(row).collect());
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
            strip: vec![ComplexLanes::ZERO; STRIP * n_rows],
            other: vec![ComplexLanes::ZERO; n_rows],
        }
    }
}

/// Runs a [`DopplerPlan`].
#[derive(Debug)]
pub struct DopplerProcessor {
    plan: Arc<DopplerPlan>,
    /// `[STRIP × max(n_doppler, n_pulses)]`
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
        let n_rows = other.len();
        for first_gate in (0..plan.n_gates).step_by(STRIP * LANES) {
            let width = (plan.n_gates - first_gate).min(STRIP * LANES);
            load(cube, first_gate, width, &plan.weights, strip, n_rows);
            for (part, lanes) in strip.chunks_exact_mut(n_rows).take(width.div_ceil(LANES)).enumerate() {
                let powers = first_gate + part * LANES..(first_gate + (part + 1) * LANES).min(plan.n_gates);
                let (mut from, mut to) = (lanes, &mut *other);
                match &plan.transform {
                    Transform::Passes(passes) => {
                        from[plan.n_pulses..].fill(ComplexLanes::ZERO);
                        for pass in passes {
                            run_pass::<FMA>(pass, from, to);
                            (from, to) = (to, from);
                        }
                    }
                    Transform::Dense(matrix) => {
                        for (out, row) in to.iter_mut().zip(matrix.chunks_exact(plan.n_pulses)) {
                            *out = dot::<FMA>(from.iter().zip(row));
                        }
                        from = to;
                    }
                }
                store::<FMA>(&from[..plan.n_doppler], map, powers);
            }
        }
    }
}

/// Copies `width` gates of every pulse, times its weight, to `[lanes][row]`.
#[inline(always)]
fn load(
    cube: &PulseCube,
    first_gate: usize,
    width: usize,
    weights: &[f32],
    strip: &mut [ComplexLanes],
    n_rows: usize,
) {
    for (row, &weight) in weights.iter().enumerate() {
        let gates = &cube.row(row)[first_gate..first_gate + width];
        let (full, rest) = gates.as_chunks::<LANES>();
        for (part, x) in full.iter().enumerate() {
            let lanes = &mut strip[part * n_rows + row];
            for l in 0..LANES {
                lanes.re[l] = x[l].re * weight;
                lanes.im[l] = x[l].im * weight;
            }
        }
        if !rest.is_empty() {
            let lanes = &mut strip[full.len() * n_rows + row];
            *lanes = ComplexLanes::ZERO;
            for (l, x) in rest.iter().enumerate() {
                lanes.re[l] = x.re * weight;
                lanes.im[l] = x.im * weight;
            }
        }
    }
}

/// Powers of all rows to the map's columns `gates`.
#[inline(always)]
fn store<const FMA: bool>(rows: &[ComplexLanes], map: &mut PowerMap, gates: Range<usize>) {
    let stride = map.stride();
    let map_rows = map.data_mut().chunks_exact_mut(stride);
    // The length decides outside of the loop: a copy of any length within is a function call for each row.
    if gates.len() == LANES {
        for (row, x) in map_rows.zip(rows) {
            row[gates.start..].as_chunks_mut().0[0] = powers::<FMA>(x);
        }
    } else {
        for (row, x) in map_rows.zip(rows) {
            let out = &mut row[gates.clone()];
            out.copy_from_slice(&powers::<FMA>(x)[..out.len()]);
        }
    }
}

#[inline(always)]
fn powers<const FMA: bool>(x: &ComplexLanes) -> Lanes {
    let mut power = [0.0; LANES];
    for l in 0..LANES {
        power[l] = multiply_add::<FMA>(x.re[l], x.re[l], x.im[l] * x.im[l]);
    }
    power
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
fn run_pass<const FMA: bool>(pass: &Pass, from: &[ComplexLanes], to: &mut [ComplexLanes]) {
    match pass.radix {
        8 => butterflies::<8, FMA>(pass, from, to, radix_8),
        4 => butterflies::<4, FMA>(pass, from, to, radix_4),
        2 => butterflies::<2, FMA>(pass, from, to, radix_2),
        _ => any_radix::<FMA>(pass, from, to),
    }
}

/// `to[q + s(R·p + k)] = w^{pk} · Σ_j from[q + s(p + j·m)]·exp(−j2πjk/R)`, where `m` is a transform's length over R.
#[inline(always)]
fn butterflies<const R: usize, const FMA: bool>(
    pass: &Pass,
    from: &[ComplexLanes],
    to: &mut [ComplexLanes],
    butterfly: impl Fn([Complex32; R]) -> [Complex32; R],
) {
    let stride = pass.stride;
    let (twiddles, _) = pass.twiddles.as_chunks::<R>();
    let m = twiddles.len();
    for (p, twiddle) in twiddles.iter().enumerate() {
        for q in 0..stride {
            let mut x = [ComplexLanes::ZERO; R];
            for j in 0..R {
                x[j] = from[q + stride * (p + j * m)];
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
                to[q + stride * (R * p + k)] = x[k];
            }
        }
    }
}

#[inline(always)]
fn any_radix<const FMA: bool>(pass: &Pass, from: &[ComplexLanes], to: &mut [ComplexLanes]) {
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
                to[q + stride * (radix * p + k)] = sum;
            }
        }
    }
}

#[cfg(test)]
mod tests;
