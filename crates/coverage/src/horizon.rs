//! How rays go over a round Earth through air that bends them.
//!
//! Air whose refractive index falls evenly with height bends rays by as much as if the Earth's radius were `k` times as
//! large and rays straight; `k` is 4/3 in a standard atmosphere (Schelleng, Burrows and Ferrell 1933). Index and slope
//! end with the air, so above [`Refraction::top_m`] rays are straight over the Earth as it is: for aircraft this is the
//! usual formula, for satellites it is not as far wrong as the usual formula would be.

use rangegate_tracking::Geodetic;
use serde::{Deserialize, Serialize};

/// Mean radius of the Earth, m (Moritz 2000, R₁).
pub const EARTH_RADIUS_M: f64 = 6_371_008.8;

/// The air's bending of rays.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Refraction {
    /// How many times larger the Earth seems; 1 is no air.
    pub k: f64,
    /// Height above which rays are straight, m.
    pub top_m: f64,
}

impl Default for Refraction {
    fn default() -> Self {
        Self { k: 4.0 / 3.0, top_m: 10e3 }
    }
}

impl Refraction {
    /// No air.
    pub const NONE: Self = Self { k: 1.0, top_m: 10e3 };

    /// What is wrong with it: field, found, expected.
    ///
    /// # Errors
    /// A value is not finite or out of bounds.
    pub fn check(&self) -> Result<(), String> {
        if !(0.5..=10.0).contains(&self.k) {
            return Err(format!("k is {}, expected 0.5 to 10", self.k));
        }
        if !(0.0..=1e7).contains(&self.top_m) {
            return Err(format!("top_m is {}, expected 0 to 1e7", self.top_m));
        }
        Ok(())
    }

    /// Ground range at which a ray that leaves `from_m` at an elevation comes up to `to_m`, m; of a ray that first goes
    /// down, behind its lowest point.
    pub fn ground_range_m(&self, elevation_rad: f64, from_m: f64, to_m: f64) -> f64 {
        self.ground_and_slope_m(elevation_rad, from_m, to_m).0
    }

    /// And by how much it changes with the elevation, m/radian.
    ///
    /// In each layer the ray is straight over a sphere, where (R + h)·cos ε stays as it was; it advances by R·Δε.
    fn ground_and_slope_m(&self, elevation_rad: f64, from_m: f64, to_m: f64) -> (f64, f64) {
        let (mut here_m, mut cosine, mut angle_rad, mut turn) =
            (from_m, elevation_rad.cos(), elevation_rad, 1.0);
        let (mut ground_m, mut slope_m) = (0.0, 0.0);
        let layers = [(self.k * EARTH_RADIUS_M, to_m.min(self.top_m)), (EARTH_RADIUS_M, to_m)];
        let (first, end) =
            (usize::from(from_m >= self.top_m), 1 + usize::from(to_m.max(from_m) >= self.top_m));
        for &(radius_m, end_m) in &layers[first..end] {
            cosine *= (radius_m + here_m) / (radius_m + end_m);
            let next_rad = cosine.min(1.0).acos();
            // Of all angles of one ray the cosines are in proportion: sin ε·dε too, over cos ε.
            let next_turn = elevation_rad.tan() * cosine / next_rad.sin().max(1e-12);
            ground_m += radius_m * (next_rad - angle_rad);
            slope_m += radius_m * (next_turn - turn);
            (here_m, angle_rad, turn) = (end_m, next_rad, next_turn);
        }
        (ground_m, slope_m)
    }

    /// How far below the horizontal the smooth Earth's horizon is, seen from a height, radians.
    pub fn dip_rad(&self, height_m: f64) -> f64 {
        let radius_m = if height_m < self.top_m { self.k * EARTH_RADIUS_M } else { EARTH_RADIUS_M };
        (radius_m / (radius_m + height_m.max(0.0))).acos()
    }

    /// Ground range of the farthest place over which `target_m` is seen from `antenna_m` on a smooth Earth, m. Heights
    /// below the ground count as on it.
    pub fn horizon_m(&self, antenna_m: f64, target_m: f64) -> f64 {
        let (low_m, high_m) = (antenna_m.min(target_m).max(0.0), antenna_m.max(target_m).max(0.0));
        // Where the antenna is higher than the target, the ray is the same the other way round.
        self.ground_range_m(-self.dip_rad(low_m), low_m, high_m)
    }

    /// Elevation at which what stands `to_m` high at a ground range is seen from `from_m`, radians over the horizontal;
    /// on a smooth Earth it is hidden where this is less than −[`dip_rad`](Self::dip_rad) and farther than the horizon.
    pub fn elevation_rad(&self, ground_m: f64, from_m: f64, to_m: f64) -> f64 {
        let chord = |radius_m: f64| {
            let angle = ground_m / radius_m;
            let (across, up) =
                ((radius_m + to_m) * angle.sin(), (radius_m + to_m) * angle.cos() - (radius_m + from_m));
            up.atan2(across)
        };
        if from_m >= self.top_m {
            return chord(EARTH_RADIUS_M);
        }
        if to_m <= self.top_m {
            return chord(self.k * EARTH_RADIUS_M);
        }
        if ground_m <= 0.0 {
            return std::f64::consts::FRAC_PI_2;
        }
        // Rays that rise more steeply come up sooner; the lowest touches the ground. Behind the horizon no ray arrives:
        // there angles go on falling, below it.
        let (mut low, mut high) = (-self.dip_rad(from_m), std::f64::consts::FRAC_PI_2);
        let horizon_m = self.ground_range_m(low, from_m, to_m);
        if ground_m > horizon_m {
            return low - (ground_m - horizon_m) / EARTH_RADIUS_M - 1e-9;
        }
        // Newton's steps, and halving where they lead outside of what is known.
        let mut at = (to_m - from_m).atan2(ground_m).clamp(low, high);
        for _ in 0..60 {
            let (found_m, slope_m) = self.ground_and_slope_m(at, from_m, to_m);
            if found_m > ground_m {
                low = at;
            } else {
                high = at;
            }
            let step = (found_m - ground_m) / slope_m;
            let next = at - step;
            let next = if next > low && next < high { next } else { 0.5 * (low + high) };
            if (next - at).abs() < 1e-12 {
                return next;
            }
            at = next;
        }
        at
    }
}

/// Length of the shortest way over the ground between two places, m: the arc over their chord, which on the ellipsoid is
/// within 0.2 % of the geodesic.
pub fn ground_range_m(a: &Geodetic, b: &Geodetic) -> f64 {
    let ground = |place: &Geodetic| Geodetic { height_m: 0.0, ..*place }.ecef_m();
    let chord_m = (ground(a) - ground(b)).norm();
    2.0 * EARTH_RADIUS_M * (chord_m / (2.0 * EARTH_RADIUS_M)).min(1.0).asin()
}

/// The great circle from one place to another, on a sphere; where they are opposite each other, over any meridian.
#[derive(Clone, Copy, Debug)]
pub struct Arc {
    from: nalgebra::Vector3<f64>,
    /// Square to `from`, towards the other.
    ahead: nalgebra::Vector3<f64>,
    angle_rad: f64,
}

impl Arc {
    /// Between two places.
    pub fn new(a: &Geodetic, b: &Geodetic) -> Self {
        let unit = |place: &Geodetic| {
            let (lat, lon) = (place.latitude_deg.to_radians(), place.longitude_deg.to_radians());
            nalgebra::Vector3::new(lat.cos() * lon.cos(), lat.cos() * lon.sin(), lat.sin())
        };
        let (from, to) = (unit(a), unit(b));
        let across = to - from * from.dot(&to);
        let ahead = across.try_normalize(1e-15).unwrap_or_default();
        Self { from, ahead, angle_rad: across.norm().atan2(from.dot(&to)) }
    }

    /// Latitude and longitude of the place a fraction of the way along, degrees.
    pub fn at_deg(&self, fraction: f64) -> [f64; 2] {
        let (sine, cosine) = (fraction * self.angle_rad).sin_cos();
        let at = self.from * cosine + self.ahead * sine;
        [at.z.atan2(at.x.hypot(at.y)).to_degrees(), at.y.atan2(at.x).to_degrees()]
    }
}

/// The place at a bearing and ground range from another, on the sphere; its height is that of the other.
pub fn destination(from: &Geodetic, azimuth_deg: f64, ground_m: f64) -> Geodetic {
    let (lat, azimuth, angle) =
        (from.latitude_deg.to_radians(), azimuth_deg.to_radians(), ground_m / EARTH_RADIUS_M);
    let sin_lat = lat.sin() * angle.cos() + lat.cos() * angle.sin() * azimuth.cos();
    let east = azimuth.sin() * angle.sin() * lat.cos();
    let turn = east.atan2(angle.cos() - lat.sin() * sin_lat);
    Geodetic {
        latitude_deg: sin_lat.clamp(-1.0, 1.0).asin().to_degrees(),
        longitude_deg: wrapped_deg(from.longitude_deg + turn.to_degrees()),
        height_m: from.height_m,
    }
}

/// An angle brought to −180 (included) to 180, degrees.
pub fn wrapped_deg(angle_deg: f64) -> f64 {
    (angle_deg + 180.0).rem_euclid(360.0) - 180.0
}

#[cfg(test)]
#[path = "horizon_tests.rs"]
mod tests;
