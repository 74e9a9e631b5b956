//! Mismatched filters: side lobes below a level at the least loss.
//!
//! ```text
//!   minimise  ‖q‖²   subject to   y[0] = 1,   |y[g]| ≤ t outside the main lobe
//! ```
//!
//! `y` being the response to the replica. With Lagrange multipliers `w[g]` for the side lobes the solution is
//! `q ∝ R⁻¹·s₀`, `R = I + Σ_g w[g]·s_g·s_gᴴ`, where `s_g` is the replica as the filter sees it for gate g. The
//! multipliers are found by Lawson's iteration: each is multiplied with its `|y[g]| / t` again and again, so that those
//! of low side lobes vanish and those of high ones grow (Lawson 1961; for filters of phase codes Griep, Ritcey and
//! Burlingame, IEEE Trans. AES 31(2), 1995). The first step is nearly the filter of the least integrated side lobes.
//!
//! `R` is never formed: it is applied by FFT, and the system solved by conjugate gradients, each solution beginning at
//! the one before.

use super::CompressionError;
use super::filter::matched_main_lobe;
use rustfft::num_complex::Complex;
use rustfft::{Fft, FftPlanner};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

type C64 = Complex<f64>;

/// More taps take minutes to design.
const MAX_TAPS: usize = 1 << 18;
/// Updates of the multipliers.
const N_UPDATES: usize = 60;
/// Greatest loss of signal-to-noise ratio that low side lobes are worth: 3 dB.
const MAX_LOSS: f64 = 2.0;
/// A limit is met where side lobes are this much above it at most: 0.05 dB.
const TOLERANCE: f64 = 1.006;
/// Steps of conjugate gradients for each.
const N_STEPS: usize = 60;
/// Residual at which they stop, against the right side.
const RESIDUAL: f64 = 1e-6;

/// A filter with low side lobes. In configurations `{ type = "mismatched", side_lobe_db = 45.0 }`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mismatched {
    /// How far the side lobes shall lie below the peak, dB. Where that takes a longer filter or a loss of more than
    /// 3 dB, they are as low as they come; the plan says how low.
    #[serde(default = "default_side_lobe_db")]
    pub side_lobe_db: f64,
    /// Length of the filter against the replica's.
    #[serde(default = "default_length_factor")]
    pub length_factor: f64,
    /// Width of the main lobe against the matched filter's, between first minima. Chirps need some more than 1, since
    /// their band has an end; codes do not.
    #[serde(default = "default_main_lobe_factor")]
    pub main_lobe_factor: f64,
}

fn default_side_lobe_db() -> f64 {
    45.0
}

fn default_length_factor() -> f64 {
    3.0
}

fn default_main_lobe_factor() -> f64 {
    1.5
}

impl Default for Mismatched {
    fn default() -> Self {
        Self {
            side_lobe_db: default_side_lobe_db(),
            length_factor: default_length_factor(),
            main_lobe_factor: default_main_lobe_factor(),
        }
    }
}

pub(super) struct Design {
    pub(super) taps: Vec<C64>,
    pub(super) lead: usize,
    /// Lags at which the side lobes begin.
    pub(super) main_lobe: usize,
}

impl Mismatched {
    /// Designs the filter of a replica, up to a factor.
    pub(super) fn design(&self, s: &[C64]) -> Result<Design, CompressionError> {
        let check = |field, found: f64, ok: bool, expected| {
            ok.then_some(()).ok_or(CompressionError::Parameter { field, found, expected })
        };
        let Self { side_lobe_db, length_factor, main_lobe_factor } = *self;
        let ok = (1.0..=200.0).contains(&side_lobe_db);
        check("side_lobe_db", side_lobe_db, ok, "1 to 200 dB below the peak")?;
        let ok = (1.0..=20.0).contains(&length_factor);
        check("length_factor", length_factor, ok, "1 to 20 times the replica")?;
        let ok = (1.0..=10.0).contains(&main_lobe_factor);
        check("main_lobe_factor", main_lobe_factor, ok, "1 to 10 times the matched filter's")?;
        let n_taps = (length_factor * s.len() as f64).round() as usize;
        check("length_factor", length_factor, n_taps <= MAX_TAPS, "at most 262144 taps in all")?;

        let energy: f64 = s.iter().map(C64::norm_sqr).sum();
        let s: Vec<C64> = s.iter().map(|x| x / energy.sqrt()).collect();
        let main_lobe = ((matched_main_lobe(&s) as f64 * main_lobe_factor) as usize).max(1);
        let lead = (n_taps - s.len()) / 2;
        let taps = Search::new(&s, n_taps, lead, main_lobe).run(10_f64.powf(-side_lobe_db / 20.0));
        Ok(Design { taps, lead, main_lobe })
    }
}

struct Search<'a> {
    s: &'a [C64],
    n_taps: usize,
    lead: usize,
    main_lobe: usize,
    forward: Arc<dyn Fft<f64>>,
    inverse: Arc<dyn Fft<f64>>,
    /// `FFT(s)`
    spectrum: Vec<C64>,
}

impl<'a> Search<'a> {
    fn new(s: &'a [C64], n_taps: usize, lead: usize, main_lobe: usize) -> Self {
        let fft_len = (n_taps + s.len() - 1).next_power_of_two();
        let mut planner = FftPlanner::new();
        let forward = planner.plan_fft_forward(fft_len);
        let mut spectrum = vec![C64::ZERO; fft_len];
        spectrum[..s.len()].copy_from_slice(s);
        forward.process(&mut spectrum);
        Self { s, n_taps, lead, main_lobe, forward, inverse: planner.plan_fft_inverse(fft_len), spectrum }
    }

    /// The filter for the lowest limit that can be met at an acceptable loss, from `limit` on by whole decibels.
    fn run(&self, limit: f64) -> Vec<C64> {
        let relaxed = |db: i32| limit * 10_f64.powf(f64::from(db) / 20.0);
        (0..)
            .map(relaxed)
            .find_map(|limit| if limit < 1.0 { self.attempt(limit) } else { Some(self.steering()) })
            .unwrap_or_default()
    }

    /// The replica as gate 0 sees it.
    fn steering(&self) -> Vec<C64> {
        let mut steering = vec![C64::ZERO; self.n_taps];
        steering[self.lead..][..self.s.len()].copy_from_slice(self.s);
        steering
    }

    /// The filter with the least loss whose side lobes keep to the limit, if there is one.
    fn attempt(&self, limit: f64) -> Option<Vec<C64>> {
        let steering = self.steering();
        // By lag of the filter's correlation, modulo the transform; gate g is the lag lead − g.
        let n = self.spectrum.len();
        let n_lags = self.n_taps + self.s.len() - 1;
        let is_side_lobe = |&k: &usize| {
            let distance = k.abs_diff(self.lead);
            distance.min(n - distance) >= self.main_lobe
        };
        let lags = (0..n_lags).map(|k| (n + k + 1 - self.s.len()) % n);
        let side_lobes: Vec<usize> = lags.filter(is_side_lobe).collect();
        let mut multipliers = vec![0.0; n];
        side_lobes.iter().for_each(|&k| multipliers[k] = 1.0 / limit);

        let (mut solution, mut found) = (steering.clone(), None);
        for _ in 0..N_UPDATES {
            self.solve(&multipliers, &steering, &mut solution);
            let y = self.correlate(&solution);
            let peak = y[self.lead].norm();
            let loss = solution.iter().map(C64::norm_sqr).sum::<f64>() / (peak * peak);
            if loss > MAX_LOSS {
                break;
            }
            let mut worst: f64 = 0.0;
            for &k in &side_lobes {
                let side_lobe = y[k].norm() / peak;
                worst = worst.max(side_lobe);
                multipliers[k] *= side_lobe / limit;
            }
            // The first to meet the limit have side lobes lower than need be, and the loss falls from one to the next.
            if worst <= limit * TOLERANCE {
                found = Some(solution.clone());
                if worst >= limit / TOLERANCE {
                    break;
                }
            }
        }
        found
    }

    /// `Σ_n conj(s[n])·v[n + lag]`, lags modulo the transform.
    fn correlate(&self, v: &[C64]) -> Vec<C64> {
        let mut bins = vec![C64::ZERO; self.spectrum.len()];
        bins[..v.len()].copy_from_slice(v);
        self.forward.process(&mut bins);
        let scale = 1.0 / bins.len() as f64;
        bins.iter_mut().zip(&self.spectrum).for_each(|(v, s)| *v *= s.conj() * scale);
        self.inverse.process(&mut bins);
        bins
    }

    /// `R·v`
    fn apply(&self, multipliers: &[f64], v: &[C64]) -> Vec<C64> {
        let mut bins = self.correlate(v);
        bins.iter_mut().zip(multipliers).for_each(|(c, w)| *c *= w);
        self.forward.process(&mut bins);
        let scale = 1.0 / bins.len() as f64;
        bins.iter_mut().zip(&self.spectrum).for_each(|(c, s)| *c *= s * scale);
        self.inverse.process(&mut bins);
        v.iter().zip(&bins).map(|(v, x)| v + x).collect()
    }

    /// Moves `x` towards `R⁻¹·b` (Hestenes and Stiefel 1952).
    fn solve(&self, multipliers: &[f64], b: &[C64], x: &mut [C64]) {
        let dot = |a: &[C64], b: &[C64]| a.iter().zip(b).map(|(a, b)| (a.conj() * b).re).sum::<f64>();
        let product = self.apply(multipliers, x);
        let mut residual: Vec<C64> = b.iter().zip(&product).map(|(b, r)| b - r).collect();
        let mut direction = residual.clone();
        let mut power = dot(&residual, &residual);
        let enough = RESIDUAL.powi(2) * dot(b, b);
        for _ in 0..N_STEPS {
            if power <= enough {
                break;
            }
            let product = self.apply(multipliers, &direction);
            let step = power / dot(&direction, &product);
            x.iter_mut().zip(&direction).for_each(|(x, d)| *x += d * step);
            residual.iter_mut().zip(&product).for_each(|(r, p)| *r -= p * step);
            let next = dot(&residual, &residual);
            direction.iter_mut().zip(&residual).for_each(|(d, r)| *d = r + *d * (next / power));
            power = next;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::filter::response;
    use super::*;

    #[test]
    fn applying_the_matrix_agrees_with_its_definition() {
        let s: Vec<C64> = (0..7).map(|n| C64::from_polar(1.0, 0.3 * f64::from(n * n))).collect();
        let (n_taps, lead, main_lobe) = (15, 4, 2);
        let search = Search::new(&s, n_taps, lead, main_lobe);
        let n = search.spectrum.len();
        let v: Vec<C64> = (0..n_taps).map(|n| C64::from_polar(0.5, (n * n) as f64)).collect();
        let weight = |gate: i64| 1.0 + 0.1 * gate as f64;
        // Gate g sees s from tap lead − g on.
        let seen = |gate: i64, tap: usize| {
            usize::try_from(gate - lead as i64 + tap as i64)
                .ok()
                .and_then(|n| s.get(n))
                .copied()
                .unwrap_or_default()
        };
        let gates = lead as i64 - n_taps as i64 + 1..(lead + s.len()) as i64;
        let mut multipliers = vec![0.0; n];
        let mut expected = v.clone();
        for gate in gates {
            multipliers[(lead as i64 - gate).rem_euclid(n as i64) as usize] = weight(gate);
            let inner: C64 = (0..n_taps).map(|j| seen(gate, j).conj() * v[j]).sum();
            (0..n_taps).for_each(|j| expected[j] += seen(gate, j) * inner * weight(gate));
        }
        let found = search.apply(&multipliers, &v);
        for (a, b) in found.iter().zip(&expected) {
            assert!((a - b).norm() < 1e-12, "{a} {b}");
        }
        // The conjugate of the response, lag by lag.
        let (y, zero) = response(&v, lead, &s);
        let c = search.correlate(&v);
        for (k, y) in y.iter().enumerate() {
            let gate = k as i64 - zero as i64;
            let lag = (lead as i64 - gate).rem_euclid(n as i64) as usize;
            assert!((y.conj() - c[lag]).norm() < 1e-12, "gate {gate}");
        }
    }
}
