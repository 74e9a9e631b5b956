//! Fluctuation of the radar cross-section after Swerling.
//!
//! Case 0 is steady. In cases 1 and 2 the cross-section is exponential, `p(σ) = exp(−σ/σ̄)/σ̄`, in cases 3 and 4 it is
//! chi-square with four degrees of freedom, `p(σ) = 4σ/σ̄²·exp(−2σ/σ̄)`; cases 1 and 3 keep a draw for an interval, 2 and 4
//! draw at each pulse. A draw is another interference of the target's scatterers, so its phase is random too.
//!
//! P. Swerling, "Probability of detection for fluctuating targets", RAND RM-1217, 1954.

use crate::random::{Randomness, Seeded};
use rand::RngExt;
use rangegate_core::Complex32;
use std::f64::consts::TAU;

/// One target's fluctuation.
#[derive(Clone, Debug)]
pub(crate) struct Fluctuation {
    /// Number of the target.
    pub(crate) target: usize,
    pub(crate) law: Law,
    pub(crate) interval: Interval,
}

/// How the power is distributed about its mean 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Law {
    /// Always 1, with this phase in cycles.
    Steady(f64),
    Exponential,
    ChiSquare4,
}

/// How long a draw holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Interval {
    Scene,
    Pulses(u64),
    /// Samples after the first pulse.
    Samples(f64),
}

impl Fluctuation {
    /// Power and phase in cycles of pulse `index`, which nominally begins this many samples after the first.
    pub(crate) fn draw(&self, seeded: &Seeded, index: u64, after_first: f64) -> (f64, f64) {
        if let Law::Steady(phase_cycles) = self.law {
            return (1.0, phase_cycles);
        }
        let draw = match self.interval {
            Interval::Scene => 0,
            Interval::Pulses(n) => index / n,
            Interval::Samples(n) => ((after_first + crate::plan::ROUNDING) / n) as u64,
        };
        let mut rng = seeded.at(Randomness::Fluctuation { target: self.target, draw });
        // 1 − u is never 0.
        let mut exponential = || -(1.0 - rng.random::<f64>()).ln();
        let first = exponential();
        let power = if self.law == Law::ChiSquare4 { (first + exponential()) / 2.0 } else { first };
        (power, rng.random::<f64>())
    }
}

/// A power ratio in dB for people; quiet about nothing at all.
pub(crate) fn db_from_power(power: f64) -> f64 {
    10.0 * power.log10()
}

/// `exp(j2π·cycles)`.
pub(crate) fn phasor(cycles: f64) -> Complex32 {
    let (sin, cos) = (TAU * cycles.fract()).sin_cos();
    Complex32::new(cos as f32, sin as f32)
}
