//! Measured performance against theory, by Monte-Carlo: false alarms, detection, estimation, resolution.
//!
//! Every experiment takes its number of trials and a seed, runs the very code that the chains run, and gives plain rows.
//! The same seed gives the same rows. Formulas: [`crate::theory`].

mod detection;
mod estimation;
mod resolution;
#[cfg(test)]
mod tests;

pub use detection::{DetectionCurve, DetectionPoint, FalseAlarm, detection_curve, false_alarms};
pub use estimation::{Estimation, PulseTrain, estimation};
pub use resolution::{Resolution, ResolutionError, resolution};

use num_complex::Complex64;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Random numbers of one experiment.
struct Random(ChaCha8Rng);

impl Random {
    fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// Uniform over (0, 1), with 32 bits.
    fn uniform(&mut self) -> f64 {
        (f64::from(self.0.next_u32()) + 0.5) * 2f64.powi(-32)
    }

    /// Power of complex Gaussian noise of power 1.
    fn exponential(&mut self) -> f32 {
        -(self.uniform() as f32).ln()
    }

    /// Complex Gaussian of power 1.
    fn gaussian(&mut self) -> Complex64 {
        let radius = (-self.uniform().ln()).sqrt();
        Complex64::from_polar(radius, std::f64::consts::TAU * self.uniform())
    }
}
