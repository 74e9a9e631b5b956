//! Probability that a cell exceeds a value under noise alone.

use rustfft::FftPlanner;
use rustfft::num_complex::Complex64;
use std::f64::consts::PI;

/// Standard deviation of a Rayleigh variable of mean 1: √(4/π − 1).
const RAYLEIGH_DEVIATION: f64 = 0.522_723_200_877_063;

/// What is drawn when a cell holds noise alone, in units of the mean training cell.
#[derive(Clone, Debug)]
pub(super) enum TestCell {
    /// One squared magnitude: P(X > x) = exp(−x).
    Exponential,
    /// Anything else, tabulated.
    Tabulated(Table),
}

impl TestCell {
    /// Mean of `n` squared magnitudes: gamma of shape n and mean 1, resolved down to `smallest` probability.
    pub(super) fn square_law(n: usize, smallest: f64) -> Self {
        if n == 1 { Self::Exponential } else { Self::Tabulated(Table::gamma(n as f64, smallest)) }
    }

    /// P(X > x).
    pub(super) fn survival(&self, x: f64) -> f64 {
        match self {
            Self::Exponential => (-x).exp().min(1.0),
            Self::Tabulated(table) => table.survival(x),
        }
    }
}

/// Density and survival function on a uniform grid, with cubic Hermite interpolation between its points.
#[derive(Clone, Debug)]
pub(super) struct Table {
    start: f64,
    step: f64,
    density: Vec<f64>,
    survival: Vec<f64>,
}

impl Table {
    const GAMMA_POINTS: usize = 4096;

    /// Gamma of shape `n` and mean 1. The survival function is integrated from its far end inwards, so that it
    /// keeps its relative accuracy down to `smallest`.
    fn gamma(n: f64, smallest: f64) -> Self {
        // ln of the density over its value at 1; the exponent n − 1 is that of x, without the Jacobian of ln x.
        let ln_density =
            |x: f64| if x > 0.0 { (n - 1.0) * x.ln() - n * (x - 1.0) } else { f64::NEG_INFINITY };
        let depth = 40.0 - smallest.ln();
        // From n·(u − ln(1 + u)) ≥ n·u²/(2·(1 + u)) with x = 1 + u.
        let reach = (depth + (depth * depth + 2.0 * n * depth).sqrt()) / n;
        let start = (1.0 - reach).max(0.0);
        let step = (1.0 + reach - start) / (Self::GAMMA_POINTS - 1) as f64;
        let at = |i: usize| start + i as f64 * step;
        let mut density: Vec<f64> = (0..Self::GAMMA_POINTS).map(|i| ln_density(at(i)).exp()).collect();
        let mut survival = vec![0.0; Self::GAMMA_POINTS];
        for i in (0..Self::GAMMA_POINTS - 1).rev() {
            survival[i] = survival[i + 1] + gauss_legendre(at(i), step, |x| ln_density(x).exp());
        }
        let total = survival[0];
        density.iter_mut().chain(&mut survival).for_each(|v| *v /= total);
        Self { start, step, density, survival }
    }

    /// `Σ_j weight_j · (r_1 + … + r_count_j)`, r independent Rayleigh variables of mean 1.
    ///
    /// By inversion of the characteristic function: with Λ the length of the grid and ω_k = 2πk/Λ, the density
    /// is the Fourier series of coefficients φ(ω_k)/Λ and the survival function its integral, term by term.
    /// Absolute error about 1e-14 from rounding; what the series cuts off matters only for fewer than three
    /// terms, where a taper keeps it next to the kink of the density.
    pub(super) fn rayleigh_sum(terms: &[(f64, usize)], points: usize) -> Self {
        let moment = |power: i32| terms.iter().map(|&(w, count)| count as f64 * w.powi(power)).sum::<f64>();
        let (mean, deviation) = (moment(1), RAYLEIGH_DEVIATION * moment(2).sqrt());
        let (start, length) = (mean - 12.0 * deviation, 24.0 * deviation);
        let mut density = vec![Complex64::ZERO; points];
        let mut integral = vec![Complex64::ZERO; points];
        density[0] = Complex64::from(1.0 / length);
        for k in 1..points / 2 {
            let omega = 2.0 * PI * k as f64 / length;
            let mut coefficient = Complex64::from(taper(2.0 * k as f64 / points as f64) / length);
            for &(weight, count) in terms {
                coefficient *= rayleigh_characteristic(weight * omega).powu(count as u32);
            }
            if coefficient.norm() * length < 1e-18 {
                break;
            }
            coefficient *= Complex64::cis(-omega * start);
            density[k] = coefficient;
            density[points - k] = coefficient.conj();
            integral[k] = coefficient / Complex64::new(0.0, -omega);
            integral[points - k] = integral[k].conj();
        }
        let fft = FftPlanner::new().plan_fft_forward(points);
        fft.process(&mut density);
        fft.process(&mut integral);
        let survival = integral
            .iter()
            .enumerate()
            .map(|(j, value)| 1.0 - j as f64 / points as f64 + integral[0].re - value.re)
            .collect();
        Self {
            start,
            step: length / points as f64,
            density: density.iter().map(|d| d.re).collect(),
            survival,
        }
    }

    /// The interval of the grid that holds x, and x's position in it; none outside.
    fn locate(&self, x: f64) -> Option<(usize, f64)> {
        let position = (x - self.start) / self.step;
        let index = position.floor();
        (index >= 0.0 && index < (self.survival.len() - 1) as f64)
            .then_some((index as usize, position - index))
    }

    /// P(X > x).
    pub(super) fn survival(&self, x: f64) -> f64 {
        let Some((i, t)) = self.locate(x) else { return if x < self.start { 1.0 } else { 0.0 } };
        let (s0, s1) = (self.survival[i], self.survival[i + 1]);
        let (d0, d1) = (-self.step * self.density[i], -self.step * self.density[i + 1]);
        let u = 1.0 - t;
        let value = u * u * ((1.0 + 2.0 * t) * s0 + t * d0) + t * t * ((1.0 + 2.0 * u) * s1 - u * d1);
        value.clamp(0.0, 1.0)
    }

    /// Density at x.
    pub(super) fn density(&self, x: f64) -> f64 {
        let Some((i, t)) = self.locate(x) else { return 0.0 };
        (self.density[i] + t * (self.density[i + 1] - self.density[i])).max(0.0)
    }
}

/// Characteristic function E[exp(jωr)] of a Rayleigh variable of mean 1: `1 − 2t·D(t) + j√π·t·exp(−t²)` with
/// t = ω/√π and Dawson's integral D.
fn rayleigh_characteristic(omega: f64) -> Complex64 {
    let t = omega / PI.sqrt();
    Complex64::new(1.0 - 2.0 * t * dawson(t), omega * (-t * t).exp())
}

/// Dawson's integral `exp(−x²)·∫_0^x exp(u²) du` by Rybicki's sum (Computers in Physics 3 (1989), 85), whose error
/// at this step is below 1e-17.
fn dawson(x: f64) -> f64 {
    const STEP: f64 = 0.25;
    let nearest = 2.0 * (0.5 * (x / STEP - 1.0)).round() + 1.0;
    let sum: f64 = (-14..=14)
        .map(|j| {
            let n = nearest + f64::from(2 * j);
            (-(x - n * STEP).powi(2)).exp() / n
        })
        .sum();
    sum / PI.sqrt()
}

/// 1 over the lower half of the band, then a raised cosine down to 0.
fn taper(fraction_of_nyquist: f64) -> f64 {
    0.5 + 0.5 * (PI * (2.0 * fraction_of_nyquist - 1.0).clamp(0.0, 1.0)).cos()
}

/// ∫ f from `start` over `length`, four points, exact for polynomials of degree 7.
pub(super) fn gauss_legendre(start: f64, length: f64, f: impl Fn(f64) -> f64) -> f64 {
    const NODES: [(f64, f64); 2] =
        [(0.339_981_043_584_856, 0.652_145_154_862_546), (0.861_136_311_594_053, 0.347_854_845_137_454)];
    let (centre, half) = (start + 0.5 * length, 0.5 * length);
    NODES.iter().map(|&(x, w)| w * (f(centre - half * x) + f(centre + half * x))).sum::<f64>() * half
}
