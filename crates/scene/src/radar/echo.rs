//! Echoes of targets that move: the waveform behind a delay that changes from sample to sample.
//!
//! `x[n] = A·s(t − τ(t) − t_k)·exp(−j2π·fc·τ(t))` with `t = n/fs` and `τ` the exact light time. Over a few hundred samples
//! `τ` is a cubic polynomial, checked against the exact one when it is fitted; the carrier's phase follows it by
//! third differences.

use super::geometry::{LIGHT_MPS, Stations};
use super::path::Path;
use super::schedule::Edge;
use crate::plan::beyond;
use rangegate_core::Complex32;
use rangegate_dsp::waveform::Signal;
use rustfft::num_complex::Complex;
use std::f64::consts::TAU;
use std::ops::Range;

/// A fitted delay may be off by so many cycles of the carrier: 10⁻⁴ rad.
const MAX_ERROR_CYCLES: f64 = 1.6e-5;
/// Samples between two exact phases.
const PHASE_BLOCK: usize = 128;

/// What all echoes of a scene share.
#[derive(Clone, Debug)]
pub(crate) struct Medium {
    pub(crate) stations: Stations,
    pub(crate) carrier_hz: f64,
    /// True samples a second of the receiver.
    pub(crate) samples_per_s: f64,
    /// Waveform of the pulses.
    pub(crate) signal: std::sync::Arc<Signal>,
    /// Its length in samples.
    pub(crate) pulse_length: f64,
}

/// One pulse's echo of one target.
pub(crate) struct Echo<'a> {
    pub(crate) medium: &'a Medium,
    pub(crate) path: &'a Path,
    pub(crate) edge: Edge,
    pub(crate) amplitude: f64,
    /// Beyond that of the delay.
    pub(crate) phase_cycles: f64,
}

/// The delay over a piece, in samples: `c₀ + c₁u + c₂u² + c₃u³`, `u` samples after the piece's first.
type Cubic = [f64; 4];

fn value(c: &Cubic, u: f64) -> f64 {
    c[0] + u * (c[1] + u * (c[2] + u * c[3]))
}

impl Medium {
    /// Light time in samples of what arrives at `sample`.
    pub(crate) fn delay(&self, path: &Path, sample: f64) -> f64 {
        self.stations.reflection_heard(path, sample / self.samples_per_s).delay_s() * self.samples_per_s
    }

    /// When what leaves the transmitter at a position arrives; both in samples.
    pub(crate) fn arrival(&self, path: &Path, emission: f64) -> f64 {
        let reflection = self.stations.reflection_sent(path, emission / self.samples_per_s);
        (reflection.time_s + reflection.back_m / LIGHT_MPS) * self.samples_per_s
    }

    fn carrier_cycles_a_sample(&self) -> f64 {
        self.carrier_hz / self.samples_per_s
    }
}

impl Echo<'_> {
    /// The samples that may have something of the pulse while the target is there.
    pub(crate) fn samples(&self) -> Range<u64> {
        let (medium, path) = (self.medium, self.path);
        let (from_s, to_s) = path.span_s();
        let heard = |time_s: f64| {
            let back_m = medium.stations.reflection_at(path, time_s).back_m;
            (time_s + back_m / LIGHT_MPS) * medium.samples_per_s
        };
        let edge = self.edge.position();
        let mut from = medium.arrival(path, edge) - 2.0;
        let mut to = medium.arrival(path, edge + medium.pulse_length) + 2.0;
        if from_s.is_finite() {
            from = from.max(heard(from_s).ceil());
            to = to.min(heard(to_s).ceil());
        }
        // Casts of negative floats give 0.
        from.floor() as u64..to.ceil() as u64
    }

    /// Adds `samples` of it, which are those of `out`.
    pub(crate) fn add(&self, samples: Range<u64>, out: &mut [Complex32]) {
        if samples.is_empty() {
            return;
        }
        let n = samples.end - samples.start;
        let (delay, error) = self.fit(&samples);
        // Corners of the path end in pieces of one sample.
        if n > 1 && beyond(error, MAX_ERROR_CYCLES) {
            let middle = samples.start + n / 2;
            let (left, right) = out.split_at_mut((n / 2) as usize);
            self.add(samples.start..middle, left);
            self.add(middle..samples.end, right);
            return;
        }
        self.add_piece(samples.start, &delay, out);
    }

    /// Interpolates the delay at four Chebyshev nodes; the error where it is greatest, in cycles of the carrier.
    fn fit(&self, samples: &Range<u64>) -> (Cubic, f64) {
        // cos((2i + 1)π/8)
        const NODES: [f64; 4] = [
            0.923_879_532_511_286_7,
            0.382_683_432_365_089_8,
            -0.382_683_432_365_089_8,
            -0.923_879_532_511_286_7,
        ];
        let half = (samples.end - samples.start - 1) as f64 / 2.0;
        let middle = samples.start as f64 + half;
        let exact = |x: f64| self.medium.delay(self.path, middle + half * x);
        let reference = exact(0.0);
        if half <= 0.0 {
            return ([reference, 0.0, 0.0, 0.0], 0.0);
        }
        let at_nodes = NODES.map(|x| exact(x) - reference);
        let projection = |polynomial: fn(f64) -> f64| {
            at_nodes.iter().zip(NODES).map(|(delay, x)| delay * polynomial(x)).sum::<f64>() / 2.0
        };
        let a = [
            projection(|_| 1.0) / 2.0,
            projection(|x| x),
            projection(|x| 2.0 * x * x - 1.0),
            projection(|x| x * (4.0 * x * x - 3.0)),
        ];
        // From Chebyshev polynomials to powers of x, then of u = half·(x + 1).
        let p = [a[0] - a[2], a[1] - 3.0 * a[3], 2.0 * a[2], 4.0 * a[3]];
        let error = [-1.0, 0.0, 1.0].map(|x| (value(&p, x) - (exact(x) - reference)).abs());
        let cycles = error.into_iter().fold(0.0, f64::max) * self.medium.carrier_cycles_a_sample();
        let s = 1.0 / half;
        let shifted = [
            reference + p[0] - p[1] + p[2] - p[3],
            (p[1] - 2.0 * p[2] + 3.0 * p[3]) * s,
            (p[2] - 3.0 * p[3]) * s * s,
            p[3] * s * s * s,
        ];
        (shifted, cycles)
    }

    fn add_piece(&self, first: u64, delay: &Cubic, out: &mut [Complex32]) {
        let medium = self.medium;
        let after_edge = (first as i64 - self.edge.sample) as f64 - self.edge.fraction;
        let period_s = 1.0 / medium.samples_per_s;
        for (block, out) in out.chunks_mut(PHASE_BLOCK).enumerate() {
            let start = (block * PHASE_BLOCK) as f64;
            let mut carrier = self.carrier(delay, start);
            for (k, x) in out.iter_mut().enumerate() {
                let u = start + k as f64;
                let waveform = medium.signal.value((after_edge + u - value(delay, u)) * period_s);
                let echo = waveform * carrier.next();
                *x += Complex32::new(echo.re as f32, echo.im as f32);
            }
        }
    }

    /// Amplitude and carrier from sample `u` of a piece on.
    fn carrier(&self, delay: &Cubic, u: f64) -> CubicPhase {
        let k = -self.medium.carrier_cycles_a_sample();
        let [_, c1, c2, c3] = *delay;
        let differences = [
            k * (c1 + c2 * (2.0 * u + 1.0) + c3 * (3.0 * u * (u + 1.0) + 1.0)),
            k * (2.0 * c2 + 6.0 * c3 * (u + 1.0)),
            k * 6.0 * c3,
        ];
        let phase = (k * value(delay, u)).fract() + self.phase_cycles;
        CubicPhase { value: unit(phase) * self.amplitude, steps: differences.map(unit) }
    }
}

fn unit(cycles: f64) -> Complex<f64> {
    Complex::cis(TAU * cycles.fract())
}

/// `A·exp(j2π·φ(n))` with a cubic `φ`: multiplied on by its differences, the third of which is constant.
struct CubicPhase {
    value: Complex<f64>,
    steps: [Complex<f64>; 3],
}

impl CubicPhase {
    fn next(&mut self) -> Complex<f64> {
        let value = self.value;
        self.value *= self.steps[0];
        self.steps[0] *= self.steps[1];
        self.steps[1] *= self.steps[2];
        value
    }
}

#[cfg(test)]
mod tests;
