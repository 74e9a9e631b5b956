//! Window functions, symmetric: `w[n] = w[N−1−n]`, greatest value 1 (Taylor and even lengths: at the centre
//! between two samples).
//!
//! The periodic window of length N, which spectral analysis prefers, is the symmetric one of length N + 1
//! without its last sample.

use serde::{Deserialize, Serialize};
use std::f64::consts::PI;

/// A window. In configurations `{ type = "taylor", n_bar = 4, side_lobe_db = 35.0 }`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Window {
    /// All ones.
    Rectangular {},
    /// Raised cosine, zero at both ends.
    Hann {},
    /// Raised cosine on a pedestal of 0.08.
    Hamming {},
    /// Three-term cosine sum 0.42 − 0.5 cos + 0.08 cos, zero at both ends.
    Blackman {},
    /// Kaiser's window, I₀(β√(1 − x²)) / I₀(β).
    Kaiser {
        /// Greater is wider with lower side lobes: 5 resembles Hamming, 8.6 Blackman.
        beta: f64,
    },
    /// Taylor's window: nearly constant side lobes next to the main lobe, falling ones beyond (Carrara,
    /// Goodman, Majewski, Spotlight Synthetic Aperture Radar, 1995, appendix D).
    Taylor {
        /// Number of nearly constant side lobes on each side, the main lobe counted as one.
        n_bar: u32,
        /// How far they lie below the main lobe, dB.
        side_lobe_db: f64,
    },
    /// Dolph-Chebyshev: the narrowest main lobe for side lobes that are all equal (Harris 1978).
    Chebyshev {
        /// How far the side lobes lie below the main lobe, dB.
        side_lobe_db: f64,
    },
}

impl Default for Window {
    fn default() -> Self {
        Self::Rectangular {}
    }
}

/// A window's parameter out of range.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("window: {field} is {found}, expected {expected}")]
pub struct WindowError {
    /// Name of the parameter.
    pub field: &'static str,
    /// What it was.
    pub found: f64,
    /// What it may be.
    pub expected: &'static str,
}

const MAX_N_BAR: u32 = 100;

impl Window {
    /// Checks the parameters.
    ///
    /// # Errors
    /// `beta` outside 0 to 100, `n_bar` outside 1 to 100, `side_lobe_db` outside 1 to 200, or not numbers.
    pub fn validate(&self) -> Result<(), WindowError> {
        let side_lobes = |side_lobe_db: f64| {
            let expected = "1 to 200 dB below the main lobe";
            let ok = (1.0..=200.0).contains(&side_lobe_db);
            ok.then_some(()).ok_or(WindowError { field: "side_lobe_db", found: side_lobe_db, expected })
        };
        match *self {
            Self::Rectangular {} | Self::Hann {} | Self::Hamming {} | Self::Blackman {} => Ok(()),
            Self::Kaiser { beta } if (0.0..=100.0).contains(&beta) => Ok(()),
            Self::Kaiser { beta } => {
                Err(WindowError { field: "beta", found: beta, expected: "a number from 0 to 100" })
            }
            Self::Taylor { n_bar, .. } if !(1..=MAX_N_BAR).contains(&n_bar) => {
                Err(WindowError { field: "n_bar", found: n_bar.into(), expected: "a number from 1 to 100" })
            }
            Self::Taylor { side_lobe_db, .. } | Self::Chebyshev { side_lobe_db } => side_lobes(side_lobe_db),
        }
    }

    /// The `n` samples of the symmetric window, as `scipy.signal.windows` has them. Parameters that
    /// [`Window::validate`] refuses give samples without meaning.
    pub fn samples(&self, n: usize) -> Vec<f32> {
        if n <= 1 {
            return vec![1.0; n];
        }
        let plan = self.plan(n);
        // Taylor's samples stand in the middles of n cells, those of the others reach from end to end.
        let position = |k: usize| match self {
            Self::Taylor { .. } | Self::Chebyshev { .. } => (k as f64 + 0.5) / n as f64,
            _ => k as f64 / (n - 1) as f64,
        };
        (0..n).map(|k| plan.at(position(k)) as f32).collect()
    }

    /// Prepares the window as a function of continuous position.
    ///
    /// Only Chebyshev's depends on `n`: it exists for a number of samples alone, and is interpolated linearly
    /// between the middles of `n` cells.
    pub(crate) fn plan(&self, n: usize) -> WindowPlan {
        match *self {
            Self::Rectangular {} => WindowPlan::CosineSum(vec![1.0]),
            Self::Hann {} => WindowPlan::CosineSum(vec![0.5, 0.5]),
            Self::Hamming {} => WindowPlan::CosineSum(vec![0.54, 0.46]),
            Self::Blackman {} => WindowPlan::CosineSum(vec![0.42, 0.5, 0.08]),
            Self::Kaiser { beta } => WindowPlan::Kaiser { beta, scale: 1.0 / bessel_i0(beta) },
            Self::Taylor { n_bar, side_lobe_db } => WindowPlan::CosineSum(taylor(n_bar, side_lobe_db)),
            Self::Chebyshev { side_lobe_db } => WindowPlan::Table(chebyshev(n.max(1), side_lobe_db)),
        }
    }
}

/// A window as a function of position.
#[derive(Clone, Debug)]
pub(crate) enum WindowPlan {
    /// `Σ c[m]·cos(2πm·(x − 1/2))`.
    CosineSum(Vec<f64>),
    Kaiser {
        beta: f64,
        scale: f64,
    },
    /// Values in the middles of equal cells.
    Table(Vec<f64>),
}

impl WindowPlan {
    /// The window at `x`, 0 at its start and 1 at its end.
    pub(crate) fn at(&self, x: f64) -> f64 {
        match self {
            Self::CosineSum(terms) => {
                let term = |(m, c): (usize, &f64)| c * (2.0 * PI * m as f64 * (x - 0.5)).cos();
                terms.iter().enumerate().map(term).sum()
            }
            Self::Kaiser { beta, scale } => {
                let off_center = 2.0 * x - 1.0;
                scale * bessel_i0(beta * (1.0 - off_center * off_center).max(0.0).sqrt())
            }
            Self::Table(values) => {
                let last = values.len() - 1;
                let cell = (x * values.len() as f64 - 0.5).clamp(0.0, last as f64);
                let (low, part) = (cell as usize, cell.fract());
                values[low] * (1.0 - part) + values[(low + 1).min(last)] * part
            }
        }
    }
}

/// Modified Bessel function of the first kind, order zero, by its power series.
fn bessel_i0(x: f64) -> f64 {
    let quarter = x * x / 4.0;
    let (mut sum, mut term, mut k) = (1.0, 1.0, 1.0);
    while term > sum * 1e-17 && k < 500.0 {
        term *= quarter / (k * k);
        sum += term;
        k += 1.0;
    }
    sum
}

/// Coefficients of the cosine sum, scaled to 1 at the centre.
fn taylor(n_bar: u32, side_lobe_db: f64) -> Vec<f64> {
    let n_bar = n_bar.clamp(1, MAX_N_BAR);
    let a = 10_f64.powf(side_lobe_db / 20.0).acosh() / PI;
    let shape = |i: u32| a * a + (f64::from(i) - 0.5).powi(2);
    let squared = |m: u32| f64::from(m).powi(2);
    let spread = squared(n_bar) / shape(n_bar);
    let coefficient = |m: u32| {
        let above: f64 = (1..n_bar).map(|i| 1.0 - squared(m) / (spread * shape(i))).product();
        let below: f64 = (1..n_bar).filter(|&i| i != m).map(|i| 1.0 - squared(m) / squared(i)).product();
        // Twice Carrara's F_m.
        if m.is_multiple_of(2) { -above / below } else { above / below }
    };
    let mut terms: Vec<f64> = std::iter::once(1.0).chain((1..n_bar).map(coefficient)).collect();
    let center: f64 = terms.iter().sum();
    terms.iter_mut().for_each(|c| *c /= center);
    terms
}

/// The Dolph-Chebyshev window by the inverse transform of its equiripple spectrum.
fn chebyshev(n: usize, side_lobe_db: f64) -> Vec<f64> {
    use rustfft::num_complex::Complex;
    if n == 1 {
        return vec![1.0];
    }
    let order = (n - 1) as f64;
    let beta = (10_f64.powf(side_lobe_db / 20.0).acosh() / order).cosh();
    let polynomial = |x: f64| {
        let magnitude =
            if x.abs() <= 1.0 { (order * x.acos()).cos() } else { (order * x.abs().acosh()).cosh() };
        if x < -1.0 && n.is_multiple_of(2) { -magnitude } else { magnitude }
    };
    // Half a sample of delay where the centre lies between two samples.
    let delay = if n.is_multiple_of(2) { PI / n as f64 } else { 0.0 };
    let mut spectrum: Vec<Complex<f64>> = (0..n)
        .map(|k| {
            let value = polynomial(beta * (PI * k as f64 / n as f64).cos());
            Complex::from_polar(1.0, delay * k as f64) * value
        })
        .collect();
    rustfft::FftPlanner::new().plan_fft_forward(n).process(&mut spectrum);
    // The transform begins at the centre; odd lengths have the centre sample itself at 0.
    let half: Vec<f64> = spectrum[(n + 1) % 2..=n / 2].iter().map(|x| x.re).collect();
    let greatest = half.iter().copied().fold(f64::MIN, f64::max);
    let mirrored = half.iter().skip(n % 2).rev();
    mirrored.chain(&half).map(|w| w / greatest).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From `scipy.signal.windows` 1.x: the first half of windows of 8 and 9 samples.
    #[test]
    fn windows_agree_with_scipy() {
        let check = |window: Window, n: usize, expected: &[f32]| {
            let samples = window.samples(n);
            assert_eq!(samples.len(), n);
            for k in 0..n {
                let want = expected[k.min(n - 1 - k)];
                assert!((samples[k] - want).abs() < 2e-6, "{window:?} [{k}] {} {want}", samples[k]);
            }
        };
        check(Window::Hann {}, 8, &[0.0, 0.1882551, 0.6112605, 0.9504844]);
        check(Window::Hann {}, 9, &[0.0, 0.1464466, 0.5, 0.8535534, 1.0]);
        check(Window::Hamming {}, 8, &[0.08, 0.2531947, 0.6423596, 0.9544457]);
        check(Window::Hamming {}, 9, &[0.08, 0.2147309, 0.54, 0.8652691, 1.0]);
        check(Window::Blackman {}, 8, &[0.0, 0.09045342, 0.459183, 0.9203636]);
        check(Window::Blackman {}, 9, &[0.0, 0.06644661, 0.34, 0.7735534, 1.0]);
        check(Window::Kaiser { beta: 8.6 }, 8, &[0.001332514, 0.09113651, 0.4596438, 0.9204616]);
        check(Window::Kaiser { beta: 8.6 }, 9, &[0.001332514, 0.06747208, 0.3403936, 0.7738294, 1.0]);
        check(
            Window::Taylor { n_bar: 4, side_lobe_db: 35.0 },
            8,
            &[0.2071885, 0.4613498, 0.7680886, 0.9711845],
        );
        check(
            Window::Taylor { n_bar: 4, side_lobe_db: 35.0 },
            9,
            &[0.1990889, 0.4096634, 0.6881494, 0.9118862, 1.0],
        );
        check(
            Window::Taylor { n_bar: 8, side_lobe_db: 60.0 },
            8,
            &[0.048406, 0.2573248, 0.6314384, 0.9514187],
        );
        check(
            Window::Taylor { n_bar: 8, side_lobe_db: 60.0 },
            9,
            &[0.04254411, 0.2085678, 0.51996, 0.8535896, 1.0],
        );
        check(Window::Chebyshev { side_lobe_db: 50.0 }, 8, &[0.09455132, 0.3493751, 0.7182237, 1.0]);
        check(Window::Chebyshev { side_lobe_db: 50.0 }, 9, &[0.077447, 0.276047, 0.5835232, 0.8776037, 1.0]);
        check(Window::Chebyshev { side_lobe_db: 100.0 }, 8, &[0.03638368, 0.2253551, 0.6241595, 1.0]);
        check(
            Window::Chebyshev { side_lobe_db: 100.0 },
            9,
            &[0.02182741, 0.1445056, 0.4434686, 0.8207711, 1.0],
        );
    }
}
