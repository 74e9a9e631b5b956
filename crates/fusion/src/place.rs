//! Stations as planned, time as numbers, and small matrices.

use crate::error::FusionError;
use crate::types::StationInfo;
use nalgebra::{SMatrix, SVector};
use rangegate_core::{AntennaCoverage, Timestamp};
use rangegate_tracking::Geodetic;
use rangegate_tracking::gaussian::Gaussian;
use rangegate_tracking::geodesy::Frame;
use rangegate_tracking::measurement::Geometry;
use rangegate_tracking::motion::{FreeFlight, Motion};

pub(crate) type State = SVector<f64, 6>;
pub(crate) type Covariance = SMatrix<f64, 6, 6>;

/// A station: where it stands and sees.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    pub info: StationInfo,
    pub geometry: Geometry,
}

impl Site {
    pub fn plan(info: &StationInfo, index: usize) -> Result<Self, FusionError> {
        let field = |name: &str| format!("stations[{index}].{name}");
        for (name, place) in
            [("position", Some(info.position)), ("transmitter", info.transmitter)].map(|(n, p)| (field(n), p))
        {
            let Some(place) = place else { continue };
            let good = place.latitude_deg.abs() <= 90.0
                && place.longitude_deg.abs() <= 360.0
                && place.height_m.abs() < 1e8;
            if !good {
                return Err(FusionError::field(name, format!("{place:?}"), "a place on the Earth"));
            }
        }
        info.coverage.check().map_err(|found| FusionError::field(field("coverage"), found, "a coverage"))?;
        let receiver_m = info.position.ecef_m();
        let transmitter_m = info.transmitter.map_or(receiver_m, |place| place.ecef_m());
        let offset_m = if info.less_baseline { 0.5 * (transmitter_m - receiver_m).norm() } else { 0.0 };
        let horizon_from_frame = info.position.enu_from_ecef();
        let geometry = Geometry { receiver_m, transmitter_m, offset_m, horizon_from_frame };
        Ok(Self { info: info.clone(), geometry })
    }

    /// Whether an Earth-fixed state lies in the coverage.
    pub fn sees(&self, state: &State) -> bool {
        covers(&self.geometry, &self.info.coverage, state)
    }
}

pub(crate) fn covers(geometry: &Geometry, coverage: &AntennaCoverage, state: &State) -> bool {
    let seen = geometry.expected::<6, 4>(state, 3);
    coverage.contains(seen[2].to_degrees(), seen[3].to_degrees(), seen[0])
}

/// Seconds since 1970.
pub(crate) fn seconds(time: Timestamp) -> f64 {
    time.as_nanosecond() as f64 * 1e-9
}

pub(crate) fn timestamp(time_ns: i64) -> Timestamp {
    // Every i64 of nanoseconds is within the years that a timestamp has.
    Timestamp::from_nanosecond(i128::from(time_ns)).unwrap_or(Timestamp::UNIX_EPOCH)
}

pub(crate) fn height_m(state: &State) -> f64 {
    Geodetic::from_ecef_m(&state.fixed_rows::<3>(0).into()).height_m
}

/// Above this nothing flies but freely or under power, m.
pub(crate) const ATMOSPHERE_M: f64 = 60e3;

/// How a target goes on that nobody looks at.
pub(crate) fn motion_of(state: &State) -> Motion {
    let psd = if height_m(state) > ATMOSPHERE_M { 1e-2 } else { 2.0 };
    if height_m(state) > ATMOSPHERE_M {
        Motion::FreeFlight(FreeFlight { frame: Frame::earth(), psd })
    } else {
        Motion::NearlyConstantVelocity { psd, acceleration_mps2: 0.0 }
    }
}

/// Where it will be.
pub(crate) fn ahead(estimate: &Gaussian<6>, step_s: f64) -> Gaussian<6> {
    if step_s == 0.0 {
        return *estimate;
    }
    let moved = motion_of(&estimate.mean).step(&estimate.mean, 3, step_s);
    let covariance = moved.jacobian * estimate.covariance * moved.jacobian.transpose();
    // Backwards the noise gathers too.
    let noise = if step_s > 0.0 { moved.noise } else { -moved.noise };
    let covariance = covariance + noise;
    Gaussian { mean: moved.state, covariance: (covariance + covariance.transpose()) * 0.5 }
}

/// Squared Mahalanobis distance of two estimates that are taken to be independent.
pub(crate) fn distance2(one: &Gaussian<6>, other: &Gaussian<6>) -> f64 {
    let offset = one.mean - other.mean;
    match (one.covariance + other.covariance).cholesky() {
        Some(factor) => offset.dot(&factor.solve(&offset)),
        None => f64::INFINITY,
    }
}

pub(crate) fn rows(matrix: &Covariance) -> [[f64; 6]; 6] {
    std::array::from_fn(|i| std::array::from_fn(|j| matrix[(i, j)]))
}
