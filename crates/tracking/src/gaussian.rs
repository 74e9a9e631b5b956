//! Normal distributions of fixed dimension: what every estimate is.

use nalgebra::{SMatrix, SVector};

/// A column of N numbers.
pub type Vector<const N: usize> = SVector<f64, N>;
/// R rows, C columns.
pub type Matrix<const R: usize, const C: usize> = SMatrix<f64, R, C>;

/// Mean and covariance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gaussian<const N: usize> {
    /// Mean `[N]`.
    pub mean: Vector<N>,
    /// Covariance `[N × N]`, symmetric and positive definite.
    pub covariance: Matrix<N, N>,
}

impl<const N: usize> Gaussian<N> {
    /// Zero mean, no spread: to be overwritten.
    pub(crate) const fn empty() -> Self {
        Self {
            mean: Vector::from_array_storage(nalgebra::ArrayStorage([[0.0; N]; 1])),
            covariance: Matrix::from_array_storage(nalgebra::ArrayStorage([[0.0; N]; N])),
        }
    }
}

/// Builds the one normal distribution with the mean and covariance of a mixture (moment matching).
#[derive(Clone, Copy)]
pub(crate) struct Mixture<const N: usize> {
    reference: Vector<N>,
    weight: f64,
    first: Vector<N>,
    second: Matrix<N, N>,
}

impl<const N: usize> Mixture<N> {
    /// Begins; moments are counted from `reference`, which lies near the components so that nothing cancels.
    pub fn around(reference: Vector<N>) -> Self {
        Self { reference, weight: 0.0, first: Vector::zeros(), second: Matrix::zeros() }
    }

    /// Adds a component.
    pub fn add(&mut self, weight: f64, component: &Gaussian<N>) {
        let offset = component.mean - self.reference;
        self.weight += weight;
        self.first += offset * weight;
        self.second += (component.covariance + offset * offset.transpose()) * weight;
    }

    /// The matched normal distribution.
    pub fn matched(&self) -> Gaussian<N> {
        let offset = self.first / self.weight;
        let covariance = self.second / self.weight - offset * offset.transpose();
        Gaussian { mean: self.reference + offset, covariance: symmetric(&covariance) }
    }
}

/// The symmetric part: what rounding took away is put back.
pub(crate) fn symmetric<const N: usize>(matrix: &Matrix<N, N>) -> Matrix<N, N> {
    (matrix + matrix.transpose()) * 0.5
}

/// Lower Cholesky factor of a positive-definite matrix; `None` where it is not.
pub(crate) fn cholesky<const N: usize>(matrix: &Matrix<N, N>) -> Option<Matrix<N, N>> {
    let mut lower = Matrix::<N, N>::zeros();
    for j in 0..N {
        let mut pivot = matrix[(j, j)];
        for k in 0..j {
            pivot -= lower[(j, k)] * lower[(j, k)];
        }
        // Also refuses NaN.
        if !(pivot > 0.0 && pivot.is_finite()) {
            return None;
        }
        let pivot = pivot.sqrt();
        lower[(j, j)] = pivot;
        for i in j + 1..N {
            let mut sum = matrix[(i, j)];
            for k in 0..j {
                sum -= lower[(i, k)] * lower[(j, k)];
            }
            lower[(i, j)] = sum / pivot;
        }
    }
    Some(lower)
}

/// Solves `lower · x = right`, column by column.
pub(crate) fn forward<const N: usize, const C: usize>(
    lower: &Matrix<N, N>,
    right: &Matrix<N, C>,
) -> Matrix<N, C> {
    let mut x = *right;
    for c in 0..C {
        for i in 0..N {
            let mut sum = x[(i, c)];
            for k in 0..i {
                sum -= lower[(i, k)] * x[(k, c)];
            }
            x[(i, c)] = sum / lower[(i, i)];
        }
    }
    x
}

/// Solves `lowerᵀ · x = right`, column by column.
pub(crate) fn backward<const N: usize, const C: usize>(
    lower: &Matrix<N, N>,
    right: &Matrix<N, C>,
) -> Matrix<N, C> {
    let mut x = *right;
    for c in 0..C {
        for i in (0..N).rev() {
            let mut sum = x[(i, c)];
            for k in i + 1..N {
                sum -= lower[(k, i)] * x[(k, c)];
            }
            x[(i, c)] = sum / lower[(i, i)];
        }
    }
    x
}
