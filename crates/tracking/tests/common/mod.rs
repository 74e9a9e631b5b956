//! What the tests share: noise, and what a station would see.
#![allow(dead_code)]

use nalgebra::{SMatrix, SVector};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

pub fn seeded(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

pub fn normal(rng: &mut ChaCha8Rng) -> f64 {
    StandardNormal.sample(rng)
}

/// A draw of zero mean and a covariance that may be singular.
pub fn draw<const N: usize>(rng: &mut ChaCha8Rng, covariance: &SMatrix<f64, N, N>) -> SVector<f64, N> {
    let mut lower = SMatrix::<f64, N, N>::zeros();
    for j in 0..N {
        let pivot = covariance[(j, j)] - (0..j).map(|k| lower[(j, k)].powi(2)).sum::<f64>();
        if pivot <= 1e-15 * covariance[(j, j)] || pivot <= 0.0 {
            continue;
        }
        lower[(j, j)] = pivot.sqrt();
        for i in j + 1..N {
            let sum: f64 = (0..j).map(|k| lower[(i, k)] * lower[(j, k)]).sum();
            lower[(i, j)] = (covariance[(i, j)] - sum) / lower[(j, j)];
        }
    }
    lower * SVector::from_fn(|_, _| normal(rng))
}

/// Bounds between which the mean of `n` values of χ² of `degrees` lies, `z` standard deviations of a normal distribution
/// (Wilson and Hilferty): 1.96 for 95 %.
pub fn chi2_mean_bounds(degrees: usize, n: usize, z: f64) -> (f64, f64) {
    let k = (degrees * n) as f64;
    let at = |z: f64| k * (1.0 - 2.0 / (9.0 * k) + z * (2.0 / (9.0 * k)).sqrt()).powi(3) / n as f64;
    (at(-z), at(z))
}
