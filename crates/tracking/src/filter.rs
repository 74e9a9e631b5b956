//! Prediction and update of one estimate. Extended and unscented filters differ only in how they linearise: by the
//! Jacobian at the mean, or by regression over sigma points (Lefebvre, Bruyninckx, De Schutter, 2002). Regression leaves
//! a remainder, which counts as noise; everything after it is the same, and the update has Joseph's form, so the
//! covariance stays positive definite.

use crate::config::Filter;
use crate::gaussian::{Gaussian, Matrix, Vector, cholesky, forward, symmetric};
use crate::measurement::{AZIMUTH, Geometry, RANGE, Reading, wrapped};
use crate::motion::Motion;
use std::f64::consts::PI;

/// Spread of the sigma points: c² = N + κ, κ such that no weight is negative.
fn spread(n: usize) -> f64 {
    (n as f64).max(3.0)
}

/// Where the state will be after `step_s`.
pub fn predict<const N: usize>(
    filter: Filter,
    motion: &Motion,
    state: &Gaussian<N>,
    n_axes: usize,
    step_s: f64,
) -> Gaussian<N> {
    let moved = motion.step(&state.mean, n_axes, step_s);
    let lower = match filter {
        Filter::Unscented if !motion.is_linear() => cholesky(&state.covariance),
        Filter::Unscented | Filter::Extended => None,
    };
    let Some(lower) = lower else {
        let covariance = moved.jacobian * state.covariance * moved.jacobian.transpose() + moved.noise;
        return Gaussian { mean: moved.state, covariance: symmetric(&covariance) };
    };
    let c2 = spread(N);
    let c = c2.sqrt();
    let weight = 0.5 / c2;
    let centre = moved.state;
    let mut points = [[Vector::<N>::zeros(); 2]; N];
    let mut offset = Vector::<N>::zeros();
    for (i, pair) in points.iter_mut().enumerate() {
        let away = lower.column(i) * c;
        *pair = [1.0, -1.0].map(|s| motion.state_after(&(state.mean + away * s), n_axes, step_s) - centre);
        offset += (pair[0] + pair[1]) * weight;
    }
    let mut covariance = offset * offset.transpose() * (1.0 - N as f64 / c2) + moved.noise;
    for point in points.iter().flatten() {
        let from_mean = point - offset;
        covariance += from_mean * from_mean.transpose() * weight;
    }
    Gaussian { mean: centre + offset, covariance: symmetric(&covariance) }
}

/// What a station should measure of a state, linearised.
#[derive(Clone, Copy, Debug)]
pub struct View<const N: usize, const M: usize> {
    /// The measurement expected `[M]`.
    pub value: Vector<M>,
    /// Measurement matrix `[M × N]`.
    pub matrix: Matrix<M, N>,
    /// Covariance of the measurement expected, without the measurement's own noise `[M × M]`.
    pub covariance: Matrix<M, M>,
    /// The part of it that linearising left over `[M × M]`.
    remainder: Matrix<M, M>,
}

impl<const N: usize, const M: usize> View<N, M> {
    pub(crate) fn empty() -> Self {
        let zero = Matrix::<M, M>::zeros();
        Self { value: Vector::zeros(), matrix: Matrix::zeros(), covariance: zero, remainder: zero }
    }

    /// Looks at a state.
    pub fn of(filter: Filter, geometry: &Geometry, state: &Gaussian<N>, n_axes: usize) -> Self {
        let lower = match filter {
            Filter::Unscented if n_axes > 1 => cholesky(&state.covariance),
            Filter::Unscented | Filter::Extended => None,
        };
        let Some(lower) = lower else {
            let (value, matrix) = geometry.observe::<N, M>(&state.mean, n_axes);
            let covariance = symmetric(&(matrix * state.covariance * matrix.transpose()));
            return Self { value, matrix, covariance, remainder: Matrix::zeros() };
        };
        let value = geometry.expected::<N, M>(&state.mean, n_axes);
        let c2 = spread(N);
        let c = c2.sqrt();
        let weight = 0.5 / c2;
        let mut points = [[Vector::<M>::zeros(); 2]; N];
        let mut offset = Vector::<M>::zeros();
        let mut by_factor = Matrix::<M, N>::zeros();
        // What lies behind position and velocity moves neither, and is not measured.
        let seen = N.min(2 * n_axes);
        for (i, pair) in points.iter_mut().enumerate().take(seen) {
            let away = lower.column(i) * c;
            *pair = [1.0, -1.0].map(|s| {
                let expected = geometry.expected::<N, M>(&(state.mean + away * s), n_axes);
                difference(&expected, &value)
            });
            offset += (pair[0] + pair[1]) * weight;
            by_factor.set_column(i, &((pair[0] - pair[1]) / (2.0 * c)));
        }
        let mut covariance = offset * offset.transpose() * (1.0 - N as f64 / c2);
        for point in points.iter().flatten() {
            let from_mean = point - offset;
            covariance += from_mean * from_mean.transpose() * weight;
        }
        // Points on the axes do not see products of two axes, such as direction times velocity in a range rate: these
        // are differenced (the second-order term of Nørgaard, Poulsen and Ravn, 2000).
        for i in 0..seen {
            for j in 0..i {
                let away = (lower.column(i) + lower.column(j)) * c;
                let expected = geometry.expected::<N, M>(&(state.mean + away), n_axes);
                let product = (difference(&expected, &value) - points[i][0] - points[j][0]) / c2;
                covariance += product * product.transpose();
            }
        }
        // matrix · lower = by_factor.
        let matrix = crate::gaussian::backward(&lower, &by_factor.transpose()).transpose();
        let covariance = symmetric(&covariance);
        let remainder = covariance - by_factor * by_factor.transpose();
        Self { value: value + offset, matrix, covariance, remainder }
    }

    /// How a reading differs from what was expected; `None` where no covariance can be inverted.
    pub fn innovation(&self, reading: &Reading) -> Option<Innovation<M>> {
        let mut offset = Vector::<M>::zeros();
        let mut covariance = self.covariance;
        let mut n_present = 0;
        for c in 0..M {
            if reading.present[c] {
                offset[c] = reading.value[c] - self.value[c];
                covariance[(c, c)] += reading.variance[c];
                n_present += 1;
            } else {
                for k in 0..M {
                    covariance[(c, k)] = 0.0;
                    covariance[(k, c)] = 0.0;
                }
                covariance[(c, c)] = 1.0;
            }
        }
        if M > AZIMUTH {
            offset[AZIMUTH] = wrapped(offset[AZIMUTH]);
        }
        let lower = cholesky(&covariance)?;
        let white = forward(&lower, &offset);
        let distance2 = white.norm_squared();
        let mut ln_determinant = f64::from(n_present) * (2.0 * PI).ln();
        for c in 0..M {
            ln_determinant += 2.0 * lower[(c, c)].ln();
        }
        Some(Innovation { offset, lower, distance2, ln_likelihood: -0.5 * (distance2 + ln_determinant) })
    }

    /// The state once a reading is taken in, by Joseph's form.
    pub fn updated(&self, state: &Gaussian<N>, reading: &Reading, innovation: &Innovation<M>) -> Gaussian<N> {
        let mut matrix = self.matrix;
        let mut noise = self.remainder;
        for c in 0..M {
            if reading.present[c] {
                noise[(c, c)] += reading.variance[c];
            } else {
                matrix.fill_row(c, 0.0);
                for k in 0..M {
                    noise[(c, k)] = 0.0;
                    noise[(k, c)] = 0.0;
                }
                noise[(c, c)] = 1.0;
            }
        }
        let cross = matrix * state.covariance;
        let lower = &innovation.lower;
        let gain = crate::gaussian::backward(lower, &forward(lower, &cross)).transpose();
        let keep = Matrix::<N, N>::identity() - gain * matrix;
        let covariance = keep * state.covariance * keep.transpose() + gain * noise * gain.transpose();
        Gaussian { mean: state.mean + gain * innovation.offset, covariance: symmetric(&covariance) }
    }

    /// Standard deviation of the range expected, without the measurement's own.
    pub(crate) fn range_variance(&self) -> f64 {
        self.covariance[(RANGE, RANGE)]
    }
}

/// A reading against what was expected of it.
#[derive(Clone, Copy, Debug)]
pub struct Innovation<const M: usize> {
    /// What was measured less what was expected.
    pub offset: Vector<M>,
    /// Cholesky factor of its covariance.
    pub lower: Matrix<M, M>,
    /// Squared Mahalanobis distance.
    pub distance2: f64,
    /// Logarithm of its probability density.
    pub ln_likelihood: f64,
}

fn difference<const M: usize>(a: &Vector<M>, b: &Vector<M>) -> Vector<M> {
    let mut offset = a - b;
    if M > AZIMUTH {
        offset[AZIMUTH] = wrapped(offset[AZIMUTH]);
    }
    offset
}
