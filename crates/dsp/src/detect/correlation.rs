//! How many independent cells correlated training cells are worth.

/// Correlation of cells with their distance.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Correlation {
    /// |ρ[d]|², d = 1, 2, …: how squared magnitudes `d` cells apart correlate.
    power: Vec<f64>,
}

impl Correlation {
    /// From |ρ[1]|, |ρ[2]|, ….
    pub(super) fn new(magnitude: &[f32]) -> Self {
        Self { power: magnitude.iter().map(|&rho| f64::from(rho).powi(2)).collect() }
    }

    /// The same with each |ρ|² replaced by a function of it.
    pub(super) fn map(&self, f: impl Fn(f64) -> f64) -> Self {
        Self { power: self.power.iter().map(|&r| f(r)).collect() }
    }

    /// Effective number `M²/Σ_ij r_|i−j|` of two runs of cells, the last of the one `gap` before the first of
    /// the other: the mean of so many independent cells has the variance of the mean of these.
    pub(super) fn effective(&self, n_left: usize, n_right: usize, gap: usize) -> f64 {
        let n = n_left + n_right;
        let pairs: f64 = (1usize..)
            .zip(&self.power)
            .map(|(d, r)| {
                let across = match d.checked_sub(gap) {
                    Some(s) if s + 1 < n => (s + 1).min(n_left).min(n_right).min(n - 1 - s),
                    _ => 0,
                };
                (n_left.saturating_sub(d) + n_right.saturating_sub(d) + across) as f64 * r
            })
            .sum();
        let n = n as f64;
        n * n / (n + 2.0 * pairs)
    }
}

/// Correlation of the indicators `[x ≤ q]` and `[y ≤ q]` of two gamma variables of shape `n` whose correlation is
/// r, as the coefficients of r, r², …, which sum to nearly 1.
///
/// The bivariate gamma density is `f(x)·f(y)·Σ_j r^j·h_j(x)·h_j(y)` with the normalised Laguerre polynomials
/// (Kibble 1941), so the covariance is `Σ_j r^j·c_j²` with `c_j = ∫_0^q h_j·f`, which integrates to
/// `q·f(q)·L_{j−1}^{(n)}(q) / (j·√C(j+n−1, j))`. `q` and `density` are in units of the mean.
pub(super) fn indicator_series(n: usize, q: f64, density: f64, probability: f64) -> Vec<f64> {
    const TERMS: usize = 64;
    let order = (n as f64).min(1e4);
    let x = order * q;
    let (mut previous, mut laguerre) = (0.0, 1.0);
    let mut binomial = 1.0;
    let variance = probability * (1.0 - probability);
    let mut series = Vec::with_capacity(TERMS);
    for j in 1..=TERMS {
        let jf = j as f64;
        binomial *= (jf + order - 1.0) / jf;
        let c = q * density * laguerre / (jf * binomial.sqrt());
        series.push(c * c / variance);
        // j·L_j = (2j − 1 + α − x)·L_{j−1} − (j − 1 + α)·L_{j−2} with α = n.
        let next = ((2.0 * jf - 1.0 + order - x) * laguerre - (jf - 1.0 + order) * previous) / jf;
        (previous, laguerre) = (laguerre, next);
    }
    series
}

/// The series at r; what it lacks to reach 1 at r = 1 is given to the power after the last.
pub(super) fn indicator_correlation(series: &[f64], r: f64) -> f64 {
    let rest = (1.0 - series.iter().sum::<f64>()).max(0.0);
    series.iter().rev().fold(rest * r, |sum, c| (sum + c) * r)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn effective_number_is_that_of_all_pairs() {
        let correlation = Correlation::new(&[0.9, 0.6, 0.4, 0.3, 0.2, 0.1, 0.05]);
        let r = |d: usize| if d == 0 { 1.0 } else { correlation.power.get(d - 1).copied().unwrap_or(0.0) };
        for (n_left, n_right, gap) in [(1, 0, 1), (0, 5, 3), (4, 4, 1), (4, 7, 3), (9, 2, 5), (6, 6, 40)] {
            let left = (0..n_left).map(|i| n_left - 1 - i);
            let right = (0..n_right).map(|j| n_left + gap - 1 + j);
            let at: Vec<usize> = left.chain(right).collect();
            let sum: f64 = at.iter().flat_map(|&i| at.iter().map(move |&j| r(i.abs_diff(j)))).sum();
            let expected = (at.len() * at.len()) as f64 / sum;
            let found = correlation.effective(n_left, n_right, gap);
            assert!((found / expected - 1.0).abs() < 1e-12, "{n_left}, {n_right}, {gap}: {found} {expected}");
        }
    }

    /// Indicators at the median of two squared magnitudes with |ρ|² = 1/2: their correlation 0.30178 (SciPy,
    /// `dblquad` over the bivariate density with I₀).
    #[test]
    fn indicators_correlate_as_the_bivariate_law_says() {
        let q = std::f64::consts::LN_2;
        let series = indicator_series(1, q, 0.5, 0.5);
        let total: f64 = series.iter().sum();
        assert!((0.8..1.0).contains(&total), "{total}");
        let found = indicator_correlation(&series, 0.5);
        assert!((found - 0.30178).abs() < 1e-4, "{found}");
        assert!((indicator_correlation(&series, 1.0) - 1.0).abs() < 1e-12);
    }
}
