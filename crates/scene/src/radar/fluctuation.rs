//! Fluctuation of the radar cross-section after Swerling.
//!
//! Case 0 is steady. In cases 1 and 2 the cross-section is exponential, `p(σ) = exp(−σ/σ̄)/σ̄`, in cases 3 and 4 it is
//! chi-square with four degrees of freedom, `p(σ) = 4σ/σ̄²·exp(−2σ/σ̄)`; cases 1 and 3 keep a draw for an interval, 2 and 4
//! draw at each pulse. There a draw is another interference of the target's scatterers, so its phase is random too; in
//! cases 1 and 3 the phase goes on, so that a receiver whose intervals are not in step sees one target and not two.
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
    /// Power and phase in cycles of pulse `index`, which nominally begins `after_first()` samples after the first.
    pub(crate) fn draw(&self, seeded: &Seeded, index: u64, after_first: impl FnOnce() -> f64) -> (f64, f64) {
        if let Law::Steady(phase_cycles) = self.law {
            return (1.0, phase_cycles);
        }
        let draw = match self.interval {
            Interval::Scene => 0,
            Interval::Pulses(n) => index / n,
            Interval::Samples(n) => ((after_first() + crate::plan::ROUNDING) / n) as u64,
        };
        let mut rng = seeded.at(Randomness::Fluctuation { target: self.target, draw });
        // 1 − u is never 0.
        let mut exponential = || -(1.0 - rng.random::<f64>()).ln();
        let first = exponential();
        let power = if self.law == Law::ChiSquare4 { (first + exponential()) / 2.0 } else { first };
        if self.interval != Interval::Pulses(1) {
            rng = seeded.at(Randomness::TargetPhase { target: self.target });
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    const N: u64 = 20_000;

    fn draws(law: Law, interval: Interval, n: u64) -> Vec<(f64, f64)> {
        let fluctuation = Fluctuation { target: 3, law, interval };
        (0..n).map(|index| fluctuation.draw(&Seeded::new(5), index, || index as f64 * 100.0)).collect()
    }

    /// Greatest distance between the distribution of a sample and a law.
    fn kolmogorov_smirnov(mut sample: Vec<f64>, law: impl Fn(f64) -> f64) -> f64 {
        sample.sort_by(f64::total_cmp);
        let n = sample.len() as f64;
        let distance = |(k, &x): (usize, &f64)| {
            let expected = law(x);
            (expected - k as f64 / n).abs().max(((k + 1) as f64 / n - expected).abs())
        };
        sample.iter().enumerate().map(distance).fold(0.0, f64::max)
    }

    #[test]
    fn powers_have_their_distribution() {
        let exponential: fn(f64) -> f64 = |x| 1.0 - (-x).exp();
        let chi_square_4: fn(f64) -> f64 = |x| 1.0 - (1.0 + 2.0 * x) * (-2.0 * x).exp();
        // Variance of the power, and the fourth central moment that the variance's error follows from.
        for (law, distribution, variance, fourth) in
            [(Law::Exponential, exponential, 1.0, 9.0), (Law::ChiSquare4, chi_square_4, 0.5, 1.5)]
        {
            let drawn = draws(law, Interval::Pulses(1), N);
            let n = N as f64;
            let mean = drawn.iter().map(|d| d.0).sum::<f64>() / n;
            assert!((mean - 1.0).abs() < 4.0 * (variance / n).sqrt(), "{law:?}: mean {mean}");
            let found = drawn.iter().map(|d| (d.0 - 1.0).powi(2)).sum::<f64>() / n;
            let error = ((fourth - variance * variance) / n).sqrt();
            assert!((found - variance).abs() < 4.0 * error, "{law:?}: variance {found}");
            // 1.95/√n is exceeded once in a thousand times.
            let distance = kolmogorov_smirnov(drawn.iter().map(|d| d.0).collect(), distribution);
            assert!(distance < 1.95 / n.sqrt(), "{law:?}: {distance}");
            let distance = kolmogorov_smirnov(drawn.iter().map(|d| d.1).collect(), |x| x);
            assert!(distance < 1.95 / n.sqrt(), "{law:?}: phase {distance}");
            let mut products = drawn.windows(2).map(|pair| (pair[0].0 - 1.0) * (pair[1].0 - 1.0));
            let correlation = products.by_ref().sum::<f64>() / n / variance;
            assert!(correlation.abs() < 4.0 / n.sqrt(), "{law:?}: neighbours {correlation}");
        }
    }

    #[test]
    fn draws_hold_for_their_interval() {
        assert!(draws(Law::Steady(0.25), Interval::Pulses(1), 9).iter().all(|&draw| draw == (1.0, 0.25)));
        for (interval, change) in [(Interval::Pulses(4), 4), (Interval::Samples(300.0), 3)] {
            for (index, pair) in draws(Law::Exponential, interval, 24).windows(2).enumerate() {
                assert_eq!(pair[0] == pair[1], (index + 1) % change != 0, "{interval:?}: {index}");
            }
        }
        let scene = draws(Law::ChiSquare4, Interval::Scene, 9);
        assert!(scene.iter().all(|draw| *draw == scene[0]));
    }
}
