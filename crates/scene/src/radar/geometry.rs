//! Vectors, places on Earth, and how long light takes to a target that moves and back.

use super::config::GeodeticConfig;
use super::path::Path;

/// Speed of light in vacuum, m/s.
pub(crate) const LIGHT_MPS: f64 = 299_792_458.0;

/// East, north, up; or another right-handed frame.
pub(crate) type Vector = [f64; 3];

pub(crate) fn add_scaled(a: Vector, factor: f64, b: Vector) -> Vector {
    [a[0] + factor * b[0], a[1] + factor * b[1], a[2] + factor * b[2]]
}

pub(crate) fn minus(a: Vector, b: Vector) -> Vector {
    add_scaled(a, -1.0, b)
}

pub(crate) fn dot(a: Vector, b: Vector) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

pub(crate) fn norm(a: Vector) -> f64 {
    dot(a, a).sqrt()
}

/// `[rows × columns]`.
pub(crate) type Matrix = [Vector; 3];

pub(crate) fn times(m: &Matrix, a: Vector) -> Vector {
    [dot(m[0], a), dot(m[1], a), dot(m[2], a)]
}

/// Where something is, and how it moves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct State {
    pub(crate) position_m: Vector,
    pub(crate) velocity_mps: Vector,
}

/// Where transmitter and receiver stand.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stations {
    pub(crate) transmitter_m: Vector,
    pub(crate) receiver_m: Vector,
}

/// One reflection: light left the transmitter, met the target and reached the receiver.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reflection {
    /// When it met the target, s.
    pub(crate) time_s: f64,
    /// The target then.
    pub(crate) target: State,
    /// Ways from transmitter to target and from target to receiver, m.
    pub(crate) out_m: f64,
    pub(crate) back_m: f64,
}

impl Reflection {
    /// From the transmitter to the receiver, s.
    pub(crate) fn delay_s(&self) -> f64 {
        (self.out_m + self.back_m) / LIGHT_MPS
    }
}

/// Solutions of the light-time equations are iterated until nothing changes; with speeds below a hundredth of
/// light's each step gains two digits, and eight steps exceed binary64.
const LIGHT_TIME_STEPS: usize = 8;

impl Stations {
    /// Distance between the two, m; 0 for a monostatic radar.
    pub(crate) fn baseline_m(&self) -> f64 {
        norm(minus(self.receiver_m, self.transmitter_m))
    }

    /// The reflection at `time_s`.
    pub(crate) fn reflection_at(&self, path: &Path, time_s: f64) -> Reflection {
        let target = path.state(time_s);
        Reflection {
            time_s,
            target,
            out_m: norm(minus(target.position_m, self.transmitter_m)),
            back_m: norm(minus(target.position_m, self.receiver_m)),
        }
    }

    /// The reflection that reaches the receiver at `arrival_s`: `t = arrival − back(t)/c`.
    pub(crate) fn reflection_heard(&self, path: &Path, arrival_s: f64) -> Reflection {
        self.solve(path, arrival_s, |found| arrival_s - found.back_m / LIGHT_MPS)
    }

    /// The reflection of what leaves the transmitter at `emission_s`: `t = emission + out(t)/c`.
    pub(crate) fn reflection_sent(&self, path: &Path, emission_s: f64) -> Reflection {
        self.solve(path, emission_s, |found| emission_s + found.out_m / LIGHT_MPS)
    }

    fn solve(&self, path: &Path, start_s: f64, time_s: impl Fn(&Reflection) -> f64) -> Reflection {
        let mut found = self.reflection_at(path, start_s);
        for _ in 0..LIGHT_TIME_STEPS {
            let next_s = time_s(&found);
            if next_s.to_bits() == found.time_s.to_bits() {
                break;
            }
            found = self.reflection_at(path, next_s);
        }
        found
    }

    /// Rates of the ways from the transmitter and to the receiver at a reflection, m/s.
    pub(crate) fn rates_mps(&self, at: &Reflection) -> (f64, f64) {
        let rate = |station: Vector, way_m: f64| {
            dot(minus(at.target.position_m, station), at.target.velocity_mps) / way_m
        };
        (rate(self.transmitter_m, at.out_m), rate(self.receiver_m, at.back_m))
    }

    /// Doppler shift of a reflection, Hz: `−fc·dτ/dt` with `t` the time of arrival.
    pub(crate) fn doppler_hz(&self, at: &Reflection, carrier_hz: f64) -> f64 {
        let (out_mps, back_mps) = self.rates_mps(at);
        -carrier_hz * (out_mps + back_mps) / (LIGHT_MPS + back_mps)
    }
}

/// Azimuth, clockwise from north, and elevation of `to` as seen from `from`, degrees.
pub(crate) fn direction_deg(from: Vector, to: Vector) -> (f64, f64) {
    let [east, north, up] = minus(to, from);
    (east.atan2(north).to_degrees().rem_euclid(360.0), up.atan2(east.hypot(north)).to_degrees())
}

/// The frame east, north, up of a place on the WGS 84 ellipsoid, in the Earth-centred, Earth-fixed frame.
#[derive(Clone, Debug)]
pub(crate) struct LocalFrame {
    pub(crate) origin_m: Vector,
    /// Rows: east, north, up.
    pub(crate) axes: Matrix,
}

impl LocalFrame {
    pub(crate) fn new(place: &GeodeticConfig) -> Self {
        const SEMI_MAJOR_AXIS_M: f64 = 6_378_137.0;
        const FLATTENING: f64 = 1.0 / 298.257_223_563;
        let eccentricity_squared = FLATTENING * (2.0 - FLATTENING);
        let (sin_lat, cos_lat) = place.latitude_deg.to_radians().sin_cos();
        let (sin_lon, cos_lon) = place.longitude_deg.to_radians().sin_cos();
        let normal_m = SEMI_MAJOR_AXIS_M / (1.0 - eccentricity_squared * sin_lat * sin_lat).sqrt();
        let across_m = (normal_m + place.height_m) * cos_lat;
        let up_m = (normal_m * (1.0 - eccentricity_squared) + place.height_m) * sin_lat;
        Self {
            origin_m: [across_m * cos_lon, across_m * sin_lon, up_m],
            axes: [
                [-sin_lon, cos_lon, 0.0],
                [-sin_lat * cos_lon, -sin_lat * sin_lon, cos_lat],
                [cos_lat * cos_lon, cos_lat * sin_lon, sin_lat],
            ],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_on_earth_are_where_the_ellipsoid_has_them() {
        let frame = |latitude_deg, longitude_deg, height_m| {
            LocalFrame::new(&GeodeticConfig { latitude_deg, longitude_deg, height_m })
        };
        // The semi-axes of WGS 84.
        let pole = frame(90.0, 0.0, 0.0).origin_m;
        assert!((pole[2] - 6_356_752.314_245).abs() < 1e-5 && pole[0].abs() < 1e-5, "{pole:?}");
        let equator = frame(0.0, 90.0, 100.0).origin_m;
        assert!((equator[1] - 6_378_237.0).abs() < 1e-6 && equator[0].abs() < 1e-6, "{equator:?}");
        let axes = frame(52.0, 13.0, 0.0).axes;
        for (a, b, product) in [(0, 1, 0.0), (1, 2, 0.0), (0, 0, 1.0), (1, 1, 1.0), (2, 2, 1.0)] {
            assert!((dot(axes[a], axes[b]) - product).abs() < 1e-15);
        }
    }

    #[test]
    fn directions_turn_clockwise_from_north() {
        for (to, azimuth, elevation) in [
            ([0.0, 5.0, 0.0], 0.0, 0.0),
            ([5.0, 0.0, 5.0], 90.0, 45.0),
            ([0.0, -1.0, 0.0], 180.0, 0.0),
            ([-3.0, 0.0, -3.0], 270.0, -45.0),
        ] {
            let found = direction_deg([0.0; 3], to);
            assert!((found.0 - azimuth).abs() < 1e-12 && (found.1 - elevation).abs() < 1e-12, "{found:?}");
        }
    }
}
