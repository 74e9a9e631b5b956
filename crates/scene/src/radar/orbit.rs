//! Orbits of two bodies around the Earth, as a place on its surface sees them.

use super::geometry::{LocalFrame, Matrix, State, Vector, add_scaled, minus, times};
use super::{Field, GeodeticConfig};
use crate::SceneError;
use serde::{Deserialize, Serialize};

/// Gravitational parameter of the Earth, m³/s² (WGS 84).
pub(crate) const EARTH_GM_M3PS2: f64 = 3.986_004_418e14;
/// Rotation of the Earth against the stars, rad/s (WGS 84).
const EARTH_RATE_RADPS: f64 = 7.292_115e-5;
/// Radius that an orbit must not dip under, m.
const EARTH_RADIUS_M: f64 = 6_378_137.0;

/// Classical elements in an Earth-centred inertial frame, at the start of the scene. Two bodies: no drag, no
/// flattening, no other body.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeplerConfig {
    /// Semi-major axis, m.
    pub semi_major_axis_m: f64,
    /// Eccentricity, 0 to below 1.
    #[serde(default)]
    pub eccentricity: f64,
    /// Inclination against the equator, degrees.
    pub inclination_deg: f64,
    /// Right ascension of the ascending node, degrees.
    #[serde(default)]
    pub raan_deg: f64,
    /// Argument of perigee, degrees.
    #[serde(default)]
    pub argument_of_perigee_deg: f64,
    /// Mean anomaly, degrees.
    #[serde(default)]
    pub mean_anomaly_deg: f64,
    /// Greenwich sidereal angle at the start of the scene, degrees: how far the Earth's prime meridian stands east of
    /// the frame's first axis.
    #[serde(default)]
    pub sidereal_angle_deg: f64,
}

/// An orbit that was checked.
#[derive(Clone, Debug)]
pub(crate) struct Orbit {
    semi_major_axis_m: f64,
    semi_minor_axis_m: f64,
    eccentricity: f64,
    mean_anomaly_rad: f64,
    mean_motion_radps: f64,
    /// Unit vectors of the orbit's plane in the inertial frame: to the perigee, and a quarter turn on.
    perigee: Vector,
    ahead: Vector,
    sidereal_angle_rad: f64,
    frame: LocalFrame,
}

impl Orbit {
    pub(crate) fn plan(
        config: &KeplerConfig,
        origin: &GeodeticConfig,
        field: &Field<'_>,
    ) -> Result<Self, SceneError> {
        let (a, e) = (config.semi_major_axis_m, config.eccentricity);
        if !(0.0..1.0).contains(&e) {
            return Err(field.wrong("path.eccentricity", &e, "0 to below 1"));
        }
        if !(a.is_finite() && a * (1.0 - e) > EARTH_RADIUS_M) {
            let expected =
                format!("more than {}, or the perigee lies in the Earth", EARTH_RADIUS_M / (1.0 - e));
            return Err(field.wrong("path.semi_major_axis_m", &a, expected));
        }
        for (name, angle_deg) in [
            ("path.inclination_deg", config.inclination_deg),
            ("path.raan_deg", config.raan_deg),
            ("path.argument_of_perigee_deg", config.argument_of_perigee_deg),
            ("path.mean_anomaly_deg", config.mean_anomaly_deg),
            ("path.sidereal_angle_deg", config.sidereal_angle_deg),
        ] {
            if !angle_deg.is_finite() {
                return Err(field.wrong(name, &angle_deg, "a finite number"));
            }
        }
        let (sin_i, cos_i) = config.inclination_deg.to_radians().sin_cos();
        let (sin_node, cos_node) = config.raan_deg.to_radians().sin_cos();
        let (sin_p, cos_p) = config.argument_of_perigee_deg.to_radians().sin_cos();
        let node = [cos_node, sin_node, 0.0];
        let across = [-cos_i * sin_node, cos_i * cos_node, sin_i];
        let in_plane = |along: f64, beside: f64| add_scaled(node.map(|x| x * along), beside, across);
        Ok(Self {
            semi_major_axis_m: a,
            semi_minor_axis_m: a * (1.0 - e * e).sqrt(),
            eccentricity: e,
            mean_anomaly_rad: config.mean_anomaly_deg.to_radians(),
            mean_motion_radps: (EARTH_GM_M3PS2 / a.powi(3)).sqrt(),
            perigee: in_plane(cos_p, sin_p),
            ahead: in_plane(-sin_p, cos_p),
            sidereal_angle_rad: config.sidereal_angle_deg.to_radians(),
            frame: LocalFrame::new(origin),
        })
    }

    /// In the local frame, which turns with the Earth.
    pub(crate) fn state(&self, time_s: f64) -> State {
        let inertial = self.inertial(time_s);
        let (sin, cos) = (self.sidereal_angle_rad + EARTH_RATE_RADPS * time_s).sin_cos();
        let fixed: Matrix = [[cos, sin, 0.0], [-sin, cos, 0.0], [0.0, 0.0, 1.0]];
        let position_m = times(&fixed, inertial.position_m);
        let [x, y, _] = position_m;
        let turning_mps = [-EARTH_RATE_RADPS * y, EARTH_RATE_RADPS * x, 0.0];
        let velocity_mps = minus(times(&fixed, inertial.velocity_mps), turning_mps);
        State {
            position_m: times(&self.frame.axes, minus(position_m, self.frame.origin_m)),
            velocity_mps: times(&self.frame.axes, velocity_mps),
        }
    }

    /// In the Earth-centred inertial frame.
    pub(crate) fn inertial(&self, time_s: f64) -> State {
        let e = self.eccentricity;
        let anomaly = eccentric_anomaly(self.mean_anomaly_rad + self.mean_motion_radps * time_s, e);
        let (sin, cos) = anomaly.sin_cos();
        let rate = self.mean_motion_radps / (1.0 - e * cos);
        let combine =
            |along: f64, beside: f64| add_scaled(self.perigee.map(|x| x * along), beside, self.ahead);
        State {
            position_m: combine(self.semi_major_axis_m * (cos - e), self.semi_minor_axis_m * sin),
            velocity_mps: combine(-self.semi_major_axis_m * rate * sin, self.semi_minor_axis_m * rate * cos),
        }
    }
}

/// Solves Kepler's equation `M = E − e·sin E` by Newton's method from `π` for eccentric orbits, where it converges
/// from one side, and from `M` for the others.
fn eccentric_anomaly(mean_anomaly: f64, e: f64) -> f64 {
    use std::f64::consts::{PI, TAU};
    let mean = mean_anomaly.rem_euclid(TAU);
    let mut anomaly = if e < 0.5 { mean + e * mean.sin() } else { PI };
    for _ in 0..50 {
        let step = (anomaly - e * anomaly.sin() - mean) / (1.0 - e * anomaly.cos());
        anomaly -= step;
        if step.abs() < 1e-15 {
            break;
        }
    }
    anomaly
}
