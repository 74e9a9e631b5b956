//! Detection probability of targets that fluctuate, for a known threshold.

use serde::{Deserialize, Serialize};

/// How a target's power fluctuates (P. Swerling, IRE Trans. IT-6 (1960), 269; 0 is Marcum's steady target).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Swerling {
    /// Steady.
    #[serde(rename = "0")]
    Steady,
    /// Exponential power (many equal scatterers), the same in all integrated cells.
    #[serde(rename = "1")]
    One,
    /// Exponential power, independent from cell to cell.
    #[serde(rename = "2")]
    Two,
    /// Chi-square power of 4 degrees of freedom (one scatterer prevails), the same in all integrated cells.
    #[serde(rename = "3")]
    Three,
    /// Chi-square power of 4 degrees of freedom, independent from cell to cell.
    #[serde(rename = "4")]
    Four,
}

impl Swerling {
    /// Number of the case.
    pub fn number(self) -> u32 {
        match self {
            Self::Steady => 0,
            Self::One => 1,
            Self::Two => 2,
            Self::Three => 3,
            Self::Four => 4,
        }
    }

    /// Shape of the gamma law that the energy in `n` cells has; none for a steady target.
    fn shape(self, n: usize) -> Option<f64> {
        match self {
            Self::Steady => None,
            Self::One => Some(1.0),
            Self::Two => Some(n as f64),
            Self::Three => Some(2.0),
            Self::Four => Some(2.0 * n as f64),
        }
    }
}

/// Probability that the mean of `n_integrated` squared magnitudes exceeds `threshold` times the noise power, for a
/// target of mean signal-to-noise ratio `snr` in each.
///
/// Given the target's energy E over the N cells, in units of the noise power, the sum of squared magnitudes has the
/// gamma law of shape N + K with K Poisson of mean E (the series of Marcum's Q, `Q_N(√(2E), √(2y))`). Over the
/// gamma-distributed E of Swerling's cases K is negative binomial. Hence, with y the threshold of the sum,
///
/// ```text
///   Pd = Σ_k P(K = k) · exp(−y)·Σ_{j < N+k} y^j / j!
/// ```
///
/// for every case (D. A. Shnidman, IEEE Trans. AES-39 (2003), 1059), summed to 1e-14. For N = 1 the first case is
/// `exp(−t/(1 + snr))`. Cost: about `y + 10·√y` terms.
pub fn detection_probability(target: Swerling, n_integrated: usize, snr: f64, threshold: f64) -> f64 {
    let n = n_integrated.max(1);
    let y = n as f64 * threshold;
    if y <= 0.0 {
        return 1.0;
    }
    let mean = n as f64 * snr.max(0.0);
    if target.shape(n) == Some(1.0) && n == 1 {
        return (-y / (1.0 + mean)).exp();
    }
    // Logarithms of P(J = j), J Poisson of mean y, and of P(K = k).
    let mut ln_j = -y;
    let mut survival = 0.0;
    for j in 0..n {
        survival += ln_j.exp();
        ln_j += y.ln() - ((j + 1) as f64).ln();
    }
    let mut ln_k = match target.shape(n) {
        None => -mean,
        Some(shape) => -shape * (mean / shape).ln_1p(),
    };
    let (mut sum, mut seen) = (0.0, 0.0);
    // From here on whatever is summed exceeds the threshold.
    let last = (y + 12.0 * y.sqrt() + 60.0) as usize;
    for k in 0..=last.saturating_sub(n) {
        let probability = ln_k.exp();
        sum += probability * survival;
        seen += probability;
        if seen > 1.0 - 1e-14 {
            return sum.min(1.0);
        }
        survival += ln_j.exp();
        ln_j += y.ln() - ((n + k + 1) as f64).ln();
        ln_k += match target.shape(n) {
            None => mean.ln(),
            Some(shape) => ((shape + k as f64) * mean / (shape + mean)).ln(),
        } - ((k + 1) as f64).ln();
    }
    (sum + 1.0 - seen).clamp(0.0, 1.0)
}
