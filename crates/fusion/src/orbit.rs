//! Paths without drag.

use rangegate_tracking::gaussian::Gaussian;

/// The Earth's gravity times its mass, m³/s² (WGS 84).
const MU_M3PS2: f64 = 3.986_004_418e14;
const EARTH_RATE_RADPS: f64 = 7.292_115e-5;

/// What position and velocity say of a path without drag: of the orbit that a target is on at this moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Orbit {
    /// Specific energy, J/kg; below zero where it comes back.
    pub energy: f64,
    /// Its standard deviation.
    pub energy_sigma: f64,
    /// Least distance from the Earth's middle, m.
    pub perigee_m: f64,
    /// Standard deviation of the velocity, m/s.
    pub speed_sigma_mps: f64,
}

impl Orbit {
    /// Of position and velocity, Earth-centred and Earth-fixed, m and m/s.
    pub fn of(estimate: &Gaussian<6>) -> Self {
        let r = estimate.mean.fixed_rows::<3>(0).into_owned();
        let fixed = estimate.mean.fixed_rows::<3>(3).into_owned();
        let v = fixed + nalgebra::Vector3::new(-r.y, r.x, 0.0) * EARTH_RATE_RADPS;
        let distance = r.norm().max(1e6);
        let energy = 0.5 * v.norm_squared() - MU_M3PS2 / distance;
        let momentum2 = r.cross(&v).norm_squared();
        let eccentricity = (1.0 + 2.0 * energy * momentum2 / (MU_M3PS2 * MU_M3PS2)).max(0.0).sqrt();
        let velocity = estimate.covariance.fixed_view::<3, 3>(3, 3);
        Self {
            energy,
            energy_sigma: (v.transpose() * velocity * v)[0].max(0.0).sqrt(),
            perigee_m: momentum2 / MU_M3PS2 / (1.0 + eccentricity),
            speed_sigma_mps: velocity.trace().max(0.0).sqrt(),
        }
    }
}
