//! What takes the echoes of things at rest out of a pulse cube: cancellers of two and three pulses, and the notch.
//!
//! A canceller combines each gate's successive pulses so that what does not change from pulse to pulse cancels:
//!
//! ```text
//!   two_pulse     y[p] = (x[p+1] − x[p]) / √2
//!   three_pulse   y[p] = (x[p+2] − 2·x[p+1] + x[p]) / √6
//!   mean          y[p] = (x[p] − mean(x)) · √(n / (n − 1))
//! ```
//!
//! The divisors keep the power of white noise as it was; that of the first two is no longer white along slow time.
//! With a fixed PRI a canceller is blind at every multiple of 1/PRI, with a staggered one only where all its PRIs
//! are (Skolnik, Introduction to Radar Systems, 3rd ed. 2001, section 3.3).

use crate::range_doppler::PulseCube;
use rangegate_core::Complex32;
use rustfft::num_complex::Complex;
use serde::{Deserialize, Serialize};
use std::f64::consts::TAU;
use std::ops::Range;

/// How the echoes of things at rest are cancelled. In configurations `{ type = "two_pulse" }`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum CancellerConfig {
    /// They are not.
    None {},
    /// The difference of successive pulses; one pulse less is left.
    TwoPulse {},
    /// The second difference; two pulses less are left.
    ThreePulse {},
    /// The mean over the CPI is subtracted; as many pulses are left.
    Mean {},
}

impl Default for CancellerConfig {
    fn default() -> Self {
        Self::None {}
    }
}

/// A canceller that cannot be.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum CancellerError {
    /// Too few pulses.
    #[error("canceller: a CPI has {n_pulses} pulses, expected at least {needed}")]
    Pulses {
        /// Pulses of a CPI.
        n_pulses: usize,
        /// How many there must be.
        needed: usize,
    },
    /// A time from one pulse to the next is none.
    #[error("canceller: PRI {index} is {pri_s} s, expected a finite number above zero")]
    Pri {
        /// Which.
        index: usize,
        /// What it is, s.
        pri_s: f64,
    },
}

/// A canceller for CPIs of a number of pulses.
#[derive(Clone, Debug)]
pub struct CancellerPlan {
    config: CancellerConfig,
    /// Time of each pulse, s.
    times_s: Vec<f64>,
}

impl CancellerPlan {
    /// Plans for `n_pulses`, whose times from one to the next go through `pri_s` again and again; only the frequency
    /// response depends on them.
    ///
    /// # Errors
    /// Fewer pulses than the canceller combines, or a PRI that is no time.
    pub fn new(config: CancellerConfig, n_pulses: usize, pri_s: &[f64]) -> Result<Self, CancellerError> {
        let needed = match config {
            CancellerConfig::None {} => 1,
            CancellerConfig::TwoPulse {} | CancellerConfig::Mean {} => 2,
            CancellerConfig::ThreePulse {} => 3,
        };
        if n_pulses < needed {
            return Err(CancellerError::Pulses { n_pulses, needed });
        }
        let bad = |&pri_s: &f64| !(pri_s.is_finite() && pri_s > 0.0);
        if let Some(index) = pri_s.iter().position(bad) {
            return Err(CancellerError::Pri { index, pri_s: pri_s[index] });
        }
        if pri_s.is_empty() {
            return Err(CancellerError::Pri { index: 0, pri_s: f64::NAN });
        }
        let mut time_s = 0.0;
        let mut next = |&pri_s: &f64| {
            time_s += pri_s;
            time_s - pri_s
        };
        let times_s = pri_s.iter().cycle().take(n_pulses).map(&mut next).collect();
        Ok(Self { config, times_s })
    }

    /// Pulses that go in.
    pub fn n_pulses(&self) -> usize {
        self.times_s.len()
    }

    /// Pulses that are left.
    pub fn n_left(&self) -> usize {
        match self.config {
            CancellerConfig::None {} | CancellerConfig::Mean {} => self.n_pulses(),
            CancellerConfig::TwoPulse {} => self.n_pulses() - 1,
            CancellerConfig::ThreePulse {} => self.n_pulses() - 2,
        }
    }

    /// Cancels in place; the results are the first [`n_left`](Self::n_left) rows. The others are left as they were.
    ///
    /// # Panics
    /// * the cube has another number of pulses than planned.
    pub fn process(&self, cube: &mut PulseCube) {
        assert_eq!(cube.n_rows(), self.n_pulses(), "pulses of the cube and of the plan");
        match self.config {
            CancellerConfig::None {} => {}
            CancellerConfig::TwoPulse {} => self.difference(cube, [-1.0, 1.0]),
            CancellerConfig::ThreePulse {} => self.difference(cube, [1.0, -2.0, 1.0]),
            CancellerConfig::Mean {} => subtract_mean(cube),
        }
    }

    fn difference<const N: usize>(&self, cube: &mut PulseCube, weights: [f32; N]) {
        let scale = weights.iter().map(|w| w * w).sum::<f32>().sqrt().recip();
        let weights = weights.map(|w| w * scale);
        let (stride, n_gates) = (cube.stride(), cube.n_gates());
        for p in 0..self.n_left() {
            let (row, later) = cube.data_mut()[p * stride..].split_at_mut(stride);
            for (k, &weight) in weights.iter().enumerate() {
                let out = &mut row[..n_gates];
                if k == 0 {
                    out.iter_mut().for_each(|y| *y *= weight);
                } else {
                    let x = &later[(k - 1) * stride..][..n_gates];
                    out.iter_mut().zip(x).for_each(|(y, x)| *y += x * weight);
                }
            }
        }
    }

    /// What the canceller makes of an echo of amplitude 1 and a Doppler frequency: a number for each pulse that is left.
    /// A stagger changes their sizes from pulse to pulse.
    pub fn steering(&self, doppler_hz: f64, out: &mut Vec<Complex<f64>>) {
        out.clear();
        out.extend(self.times_s.iter().map(|time_s| Complex::cis(TAU * (doppler_hz * time_s).fract())));
        let n_left = self.n_left();
        match self.config {
            CancellerConfig::None {} => {}
            CancellerConfig::TwoPulse {} => {
                (0..n_left).for_each(|p| out[p] = (out[p + 1] - out[p]) / 2f64.sqrt());
            }
            CancellerConfig::ThreePulse {} => {
                (0..n_left).for_each(|p| out[p] = (out[p + 2] - out[p + 1] * 2.0 + out[p]) / 6f64.sqrt());
            }
            CancellerConfig::Mean {} => {
                let n = out.len() as f64;
                let mean = out.iter().sum::<Complex<f64>>() / n;
                out.iter_mut().for_each(|x| *x = (*x - mean) * (n / (n - 1.0)).sqrt());
            }
        }
        out.truncate(n_left);
    }

    /// Power gain for an echo of a Doppler frequency, the mean over the pulses that are left; white noise has 1.
    /// `scratch` needs room for as many numbers as pulses go in.
    pub fn gain_at(&self, doppler_hz: f64, scratch: &mut Vec<Complex<f64>>) -> f64 {
        self.steering(doppler_hz, scratch);
        scratch.iter().map(|x| x.norm_sqr()).sum::<f64>() / scratch.len() as f64
    }
}

/// Subtracts each gate's mean over the pulses, a strip of gates at a time so that sums stay on the stack.
fn subtract_mean(cube: &mut PulseCube) {
    const STRIP: usize = 64;
    let (n_pulses, n_gates) = (cube.n_rows(), cube.n_gates());
    let scale = (n_pulses as f32 / (n_pulses - 1) as f32).sqrt();
    for first in (0..n_gates).step_by(STRIP) {
        let gates = first..(first + STRIP).min(n_gates);
        let mut mean = [Complex32::ZERO; STRIP];
        for p in 0..n_pulses {
            mean.iter_mut().zip(&cube.row(p)[gates.clone()]).for_each(|(sum, x)| *sum += x);
        }
        mean.iter_mut().for_each(|sum| *sum /= n_pulses as f32);
        for p in 0..n_pulses {
            let row = &mut cube.row_mut(p)[gates.clone()];
            row.iter_mut().zip(&mean).for_each(|(x, mean)| *x = (*x - mean) * scale);
        }
    }
}

/// The Doppler bins around zero that detection leaves out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Notch {
    /// Frequencies up to this one either way are left out, Hz; none where it is `None`.
    pub half_width_hz: Option<f64>,
}

impl Notch {
    /// Whether a frequency is left out.
    pub fn excludes(&self, doppler_hz: f64) -> bool {
        self.half_width_hz.is_some_and(|half| doppler_hz.abs() <= half)
    }

    /// The bins that are left of a map's `n_doppler`, which lie `prf_hz / n_doppler` apart with zero first: one
    /// range, since the axis wraps. Empty where the notch takes them all.
    pub fn kept(&self, n_doppler: usize, prf_hz: f64) -> Range<usize> {
        let bin_hz = prf_hz / n_doppler as f64;
        // A bin that rounding alone puts beyond the edge is on it.
        let excluded = |k: &usize| self.excludes(*k as f64 * bin_hz * (1.0 - 1e-12));
        let n_excluded = (0..=n_doppler / 2).take_while(excluded).count();
        match n_excluded {
            0 => 0..n_doppler,
            n => n.min(n_doppler)..(n_doppler + 1).saturating_sub(n).max(n.min(n_doppler)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt as _, SeedableRng as _};
    use rand_chacha::ChaCha8Rng;

    const CONFIGS: [CancellerConfig; 4] = [
        CancellerConfig::None {},
        CancellerConfig::TwoPulse {},
        CancellerConfig::ThreePulse {},
        CancellerConfig::Mean {},
    ];

    /// The slow twin: rows of the matrix that a canceller is, from the definitions.
    fn matrix(config: CancellerConfig, n: usize) -> Vec<Vec<f64>> {
        let taps = |taps: &[f64]| {
            let norm = taps.iter().map(|t| t * t).sum::<f64>().sqrt();
            let row = |p: usize| {
                let mut row = vec![0.0; n];
                row[p..p + taps.len()].iter_mut().zip(taps).for_each(|(r, t)| *r = t / norm);
                row
            };
            (0..=n - taps.len()).map(row).collect()
        };
        match config {
            CancellerConfig::None {} => taps(&[1.0]),
            CancellerConfig::TwoPulse {} => taps(&[-1.0, 1.0]),
            CancellerConfig::ThreePulse {} => taps(&[1.0, -2.0, 1.0]),
            CancellerConfig::Mean {} => {
                let scale = (n as f64 / (n as f64 - 1.0)).sqrt();
                let element = |p, k| scale * (f64::from(u8::from(p == k)) - 1.0 / n as f64);
                (0..n).map(|p| (0..n).map(|k| element(p, k)).collect()).collect()
            }
        }
    }

    #[test]
    fn cancellers_agree_with_their_matrices() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        for config in CONFIGS {
            for (n_pulses, n_gates) in [(3, 1), (4, 63), (17, 200)] {
                let plan = CancellerPlan::new(config, n_pulses, &[1e-3]).unwrap();
                let mut cube = PulseCube::new(n_pulses, n_gates);
                let mut number = || rng.random_range(-1.0..1.0);
                cube.data_mut().fill_with(|| Complex32::new(number(), number()));
                let before = cube.clone();
                plan.process(&mut cube);
                let matrix = matrix(config, n_pulses);
                assert_eq!(matrix.len(), plan.n_left());
                for (p, weights) in matrix.iter().enumerate() {
                    for gate in 0..n_gates {
                        let term = |(k, &w): (usize, &f64)| before.row(k)[gate] * w as f32;
                        let expected: Complex32 = weights.iter().enumerate().map(term).sum();
                        let found = cube.row(p)[gate];
                        assert!(
                            (found - expected).norm() < 1e-6,
                            "{config:?} {p} {gate}: {found} {expected}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn gains_are_what_the_matrices_do_to_phasors() {
        let prf_hz = 1000.0;
        for config in CONFIGS {
            for pri_s in [&[1e-3][..], &[1e-3, 1.2e-3, 0.9e-3]] {
                let plan = CancellerPlan::new(config, 12, pri_s).unwrap();
                for f_hz in [0.0, 37.0, 500.0, prf_hz, 1111.0, -37.0] {
                    let mut time_s = 0.0;
                    let mut x = vec![];
                    for m in 0..12 {
                        x.push(Complex::from_polar(1.0, TAU * f_hz * time_s));
                        time_s += pri_s[m % pri_s.len()];
                    }
                    let row = |w: &Vec<f64>| w.iter().zip(&x).map(|(w, x)| x * w).sum::<Complex<f64>>();
                    let matrix = matrix(config, 12);
                    let expected =
                        matrix.iter().map(|w| row(w).norm_sqr()).sum::<f64>() / matrix.len() as f64;
                    assert!(
                        (plan.gain_at(f_hz, &mut Vec::new()) - expected).abs() < 1e-9,
                        "{config:?} {f_hz}"
                    );
                }
            }
        }
    }

    #[test]
    fn stagger_moves_the_blind_speeds_out() {
        let gain_db = |plan: &CancellerPlan, hz| 10.0 * plan.gain_at(hz, &mut Vec::new()).log10();
        let fixed = CancellerPlan::new(CancellerConfig::TwoPulse {}, 16, &[1e-3]).unwrap();
        let staggered = CancellerPlan::new(CancellerConfig::TwoPulse {}, 16, &[1e-3, 1.25e-3]).unwrap();
        assert!(gain_db(&fixed, 1000.0) < -200.0 && gain_db(&fixed, 0.0) < -200.0);
        assert!((gain_db(&fixed, 500.0) - 3.0103).abs() < 1e-3);
        assert!(gain_db(&staggered, 1000.0) > -4.0 && gain_db(&staggered, 0.0) < -200.0);
        // The first frequency that both PRIs are blind at.
        assert!(gain_db(&staggered, 4000.0) < -200.0);
    }

    #[test]
    fn the_notch_is_symmetric_about_zero() {
        let kept = |half_width_hz, n| Notch { half_width_hz }.kept(n, 1000.0);
        assert_eq!(kept(None, 10), 0..10);
        assert_eq!(kept(Some(0.0), 10), 1..10);
        assert_eq!(kept(Some(99.9), 10), 1..10);
        assert_eq!(kept(Some(100.0), 10), 2..9);
        assert_eq!(kept(Some(499.0), 10), 5..6);
        assert!(kept(Some(500.0), 10).is_empty());
        assert!(kept(Some(1e9), 9).is_empty() && kept(Some(0.0), 1).is_empty());
        assert_eq!(kept(Some(333.4), 9), 4..6);
        for n in 1..40 {
            for half in [0.0, 60.0, 250.0, 1e3 / 3.0] {
                let kept = kept(Some(half), n);
                assert!(kept.is_empty() || kept.start + kept.end == n + 1, "{n} {half} {kept:?}");
            }
        }
    }

    #[test]
    fn impossible_plans_are_refused() {
        let error = |config, n, pri: &[f64]| CancellerPlan::new(config, n, pri).unwrap_err().to_string();
        let three = CancellerConfig::ThreePulse {};
        assert_eq!(error(three, 2, &[1e-3]), "canceller: a CPI has 2 pulses, expected at least 3");
        assert!(error(three, 5, &[1e-3, 0.0]).starts_with("canceller: PRI 1 is 0 s"));
        assert!(error(CancellerConfig::None {}, 5, &[]).starts_with("canceller: PRI 0 is NaN s"));
        let config: CancellerConfig = toml::from_str("type = \"three_pulse\"").unwrap();
        assert_eq!(config, three);
    }
}
