//! Tracks whose truth is known, for tests.

use crate::history::States;
use nalgebra::{Matrix3, Matrix6, SMatrix, Vector3};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use rangegate_tracking::gaussian::{Gaussian, Vector};
use rangegate_tracking::geodesy::Frame;
use rangegate_tracking::motion::Motion;
use rangegate_tracking::{Filter, Geodetic, filter};

pub const FREE: fn(f64) -> Motion = |psd| Motion::free_flight(Frame::earth(), psd);
pub const STRAIGHT: fn(f64) -> Motion = |psd| Motion::NearlyConstantVelocity { psd, acceleration_mps2: 0.0 };

pub fn random(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

pub fn normal(random: &mut ChaCha8Rng) -> Vector3<f64> {
    Vector3::from_fn(|_, _| random.sample(StandardNormal))
}

/// A state at a place with a velocity east, north, up.
pub fn state(latitude_deg: f64, longitude_deg: f64, height_m: f64, enu_mps: [f64; 3]) -> Vector<6> {
    let place = Geodetic { latitude_deg, longitude_deg, height_m };
    let velocity = place.enu_from_ecef().transpose() * Vector3::from(enu_mps);
    let at = place.ecef_m();
    Vector::<6>::new(at.x, at.y, at.z, velocity.x, velocity.y, velocity.z)
}

/// The true states of a target that moves so, with white accelerations of a density, a second apart.
pub fn path(from: Vector<6>, n: usize, motion: &Motion, psd: f64, random: &mut ChaCha8Rng) -> Vec<Vector<6>> {
    let mut states = vec![from];
    for _ in 1..n {
        let mut next = motion.state_after(&states[states.len() - 1], 3, 1.0);
        let (a, b) = (normal(random), normal(random));
        // Position and velocity noise of a second, with their correlation.
        let (velocity, position) = (a * psd.sqrt(), (a * 0.5 + b / 12f64.sqrt()) * psd.sqrt());
        for i in 0..3 {
            next[i] += position[i];
            next[3 + i] += velocity[i];
        }
        states.push(next);
    }
    states
}

/// What a Kalman filter makes of places with this noise, a second apart.
pub fn tracked(truth: &[Vector<6>], motion: &Motion, sigma_m: f64, random: &mut ChaCha8Rng) -> States<6> {
    let seen: Vec<Vector3<f64>> =
        truth.iter().map(|state| state.fixed_rows::<3>(0) + normal(random) * sigma_m).collect();
    let velocity = seen[1] - seen[0];
    let mut covariance = Matrix6::identity() * sigma_m.powi(2);
    for i in 0..3 {
        covariance[(3 + i, 3 + i)] = 2.0 * sigma_m.powi(2) + 10.0;
        covariance[(i, 3 + i)] = sigma_m.powi(2);
        covariance[(3 + i, i)] = sigma_m.powi(2);
    }
    let mut mean = Vector::<6>::zeros();
    mean.fixed_rows_mut::<3>(0).copy_from(&seen[1]);
    mean.fixed_rows_mut::<3>(3).copy_from(&velocity);
    let mut estimate = Gaussian { mean, covariance };
    let mut states = Vec::new();
    for (k, at) in seen.iter().enumerate().skip(2) {
        estimate = filter::predict(Filter::Extended, motion, &estimate, 3, 1.0);
        let spread = estimate.covariance.fixed_view::<3, 3>(0, 0) + Matrix3::identity() * sigma_m.powi(2);
        let gain: SMatrix<f64, 6, 3> =
            estimate.covariance.fixed_view::<6, 3>(0, 0) * spread.try_inverse().unwrap();
        let offset = at - estimate.mean.fixed_rows::<3>(0);
        estimate.mean += gain * offset;
        let less = gain * estimate.covariance.fixed_view::<3, 6>(0, 0);
        let after = estimate.covariance - less;
        estimate.covariance = (after + after.transpose()) * 0.5;
        states.push((k as f64, estimate));
    }
    states
}
