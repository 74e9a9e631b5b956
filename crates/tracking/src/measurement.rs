//! What a station measures of a state: range, range rate, azimuth, elevation.
//!
//! Monostatic and bistatic range are one formula: half the path from transmitter to target to receiver, which for a
//! transmitter in the receiver's place is the range (Willis, *Bistatic Radar*, 2005). In the space `range` the state
//! itself begins with range and range rate, whatever they are measured from.

use crate::config::{Accuracy, HeightPrior};
use crate::gaussian::{Gaussian, Matrix, Vector};
use nalgebra::{Matrix3, Vector3};
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::f64::consts::PI;

/// Components of a measurement, in this order: range (m), range rate (m/s), azimuth (rad), elevation (rad).
pub(crate) const RANGE: usize = 0;
pub(crate) const RANGE_RATE: usize = 1;
pub(crate) const AZIMUTH: usize = 2;
pub(crate) const ELEVATION: usize = 3;
/// How many components there are.
pub const COMPONENTS: usize = 4;

/// A detection as the tracker takes it. What a station cannot know is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Measurement {
    /// Whose number the tracks will name; the caller's choice.
    pub id: u64,
    /// Range, or half the bistatic path, m.
    pub range_m: Option<f64>,
    /// Range rate, m/s, positive receding.
    pub range_rate_mps: Option<f64>,
    /// Azimuth, degrees clockwise from north at the receiver.
    pub azimuth_deg: Option<f64>,
    /// Elevation over the receiver's horizon, degrees.
    pub elevation_deg: Option<f64>,
    /// Signal to noise, dB: which ones are kept where there are too many.
    pub snr_db: f64,
    /// Standard deviations of this measurement, where they are better known than the station's.
    pub accuracy: Option<Accuracy>,
}

/// A measurement, checked and in the filter's units: what is missing has `present` false and is ignored.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    /// Number of the detection.
    pub id: u64,
    /// Range, range rate, azimuth, elevation, in m, m/s, rad.
    pub value: [f64; COMPONENTS],
    /// Their variances.
    pub variance: [f64; COMPONENTS],
    /// Which of them there are.
    pub present: [bool; COMPONENTS],
    /// Signal to noise, dB.
    pub snr_db: f64,
}

impl Reading {
    /// Checks a measurement; `usable` says which components the space can use. `None` where a number is not finite,
    /// a range negative, a deviation not positive, or the range missing.
    pub fn new(measurement: &Measurement, station: &Accuracy, usable: [bool; COMPONENTS]) -> Option<Self> {
        let values = [
            measurement.range_m,
            measurement.range_rate_mps,
            measurement.azimuth_deg,
            measurement.elevation_deg,
        ];
        let accuracy = measurement.accuracy.as_ref().unwrap_or(station);
        let deviations =
            [accuracy.range_m, accuracy.range_rate_mps, accuracy.azimuth_deg, accuracy.elevation_deg];
        let mut reading = Self {
            id: measurement.id,
            value: [0.0; COMPONENTS],
            variance: [1.0; COMPONENTS],
            present: [false; COMPONENTS],
            snr_db: measurement.snr_db,
        };
        for c in 0..COMPONENTS {
            let Some(value) = values[c] else { continue };
            // Beyond this, squares would overflow and the number means nothing.
            if value.is_nan() || value.abs() > 1e12 || measurement.snr_db.is_nan() {
                return None;
            }
            if !usable[c] {
                continue;
            }
            if !(deviations[c] > 0.0 && deviations[c] < 1e9) {
                return None;
            }
            let scale = if c < AZIMUTH { 1.0 } else { PI / 180.0 };
            reading.value[c] = value * scale;
            reading.variance[c] = (deviations[c] * scale).powi(2);
            reading.present[c] = true;
        }
        reading.value[AZIMUTH] = wrapped(reading.value[AZIMUTH]);
        (reading.present[RANGE] && reading.value[RANGE] >= 0.0).then_some(reading)
    }

    /// By range; what is equal there, by everything else, so that only equals may change places.
    pub(crate) fn order(&self, other: &Self) -> Ordering {
        let by_value = self.value.iter().zip(&other.value).map(|(a, b)| a.total_cmp(b));
        by_value.fold(Ordering::Equal, Ordering::then).then(self.id.cmp(&other.id))
    }
}

impl HeightPrior {
    /// The elevation that a reading without one has where its target is as high as targets are; near the station no
    /// higher than in a band over the horizon, because the rest would not be normal.
    pub(crate) fn complete(&self, reading: &mut Reading) {
        let range_m = reading.value[RANGE].max(1.0);
        reading.value[ELEVATION] = (self.mean_m / range_m).clamp(-0.2, 0.2).asin();
        reading.variance[ELEVATION] = (self.sigma_m / range_m).min(0.25).powi(2);
        reading.present[ELEVATION] = true;
    }

    /// Takes in that targets climb slowly: a measurement of zero of the vertical speed.
    pub(crate) fn level<const N: usize>(&self, up: &Vector3<f64>, state: &mut Gaussian<N>) {
        let mut row = Vector::<N>::zeros();
        for i in 0..3 {
            row[3 + i] = up[i];
        }
        let cross = state.covariance * row;
        let gain = cross / (row.dot(&cross) + self.climb_sigma_mps.powi(2));
        state.mean -= gain * row.dot(&state.mean);
        state.covariance -= gain * cross.transpose();
    }
}

/// An angle between −π and π.
pub(crate) fn wrapped(angle_rad: f64) -> f64 {
    angle_rad - (2.0 * PI) * (angle_rad / (2.0 * PI)).round()
}

/// Nearer than this to a station a target has no direction, m.
const NEAREST_M: f64 = 1e-3;

/// Three numbers of a state, those that the space does not have being zero.
fn axes<const N: usize>(state: &Vector<N>, from: usize, n_axes: usize) -> Vector3<f64> {
    Vector3::from_fn(|i, _| if i < n_axes { state[from + i] } else { 0.0 })
}

/// Where receiver and transmitter stand, in the frame of the tracks.
#[derive(Clone, Copy, Debug)]
pub struct Geometry {
    /// Receiver, m.
    pub receiver_m: Vector3<f64>,
    /// Transmitter, m.
    pub transmitter_m: Vector3<f64>,
    /// What is taken off half the path: half the baseline, or nothing, m.
    pub offset_m: f64,
    /// East, north, up at the receiver = rotation · frame.
    pub horizon_from_frame: Matrix3<f64>,
}

impl Geometry {
    /// One antenna at the origin of a local frame.
    pub fn monostatic(receiver_m: Vector3<f64>) -> Self {
        Self { receiver_m, transmitter_m: receiver_m, offset_m: 0.0, horizon_from_frame: Matrix3::identity() }
    }

    /// What is measured of a state whose first numbers are `n_axes` of position, then of velocity.
    pub fn expected<const N: usize, const M: usize>(&self, state: &Vector<N>, n_axes: usize) -> Vector<M> {
        let mut value = Vector::<M>::zeros();
        if n_axes == 1 {
            for c in 0..M.min(2) {
                value[c] = state[c];
            }
            return value;
        }
        let (position, velocity) = (axes(state, 0, n_axes), axes(state, n_axes, n_axes));
        for end in [&self.receiver_m, &self.transmitter_m] {
            let line = position - end;
            let distance = line.norm().max(NEAREST_M);
            value[RANGE] += 0.5 * distance;
            value[RANGE_RATE] += 0.5 * line.dot(&velocity) / distance;
        }
        value[RANGE] -= self.offset_m;
        let local = self.horizon_from_frame * (position - self.receiver_m);
        value[AZIMUTH] = local.x.atan2(local.y);
        if n_axes == 3 {
            value[ELEVATION] = local.z.atan2(local.xy().norm().max(NEAREST_M));
        }
        value
    }

    /// The same with its Jacobian `[M × N]`, of which columns of what is not measured are zero.
    pub fn observe<const N: usize, const M: usize>(
        &self,
        state: &Vector<N>,
        n_axes: usize,
    ) -> (Vector<M>, Matrix<M, N>) {
        let value = self.expected::<N, M>(state, n_axes);
        let mut jacobian = Matrix::<M, N>::zeros();
        if n_axes == 1 {
            for c in 0..M.min(2) {
                jacobian[(c, c)] = 1.0;
            }
            return (value, jacobian);
        }
        let (position, velocity) = (axes(state, 0, n_axes), axes(state, n_axes, n_axes));
        let mut put = |row: usize, by_position: &Vector3<f64>, by_velocity: &Vector3<f64>| {
            for i in 0..n_axes {
                jacobian[(row, i)] = by_position[i];
                jacobian[(row, n_axes + i)] = by_velocity[i];
            }
        };
        let (mut gradient, mut rate_gradient) = (Vector3::zeros(), Vector3::zeros());
        for end in [&self.receiver_m, &self.transmitter_m] {
            let line = position - end;
            let distance = line.norm().max(NEAREST_M);
            let unit = line / distance;
            gradient += unit * 0.5;
            rate_gradient += (velocity - unit * unit.dot(&velocity)) * (0.5 / distance);
        }
        put(RANGE, &gradient, &Vector3::zeros());
        put(RANGE_RATE, &rate_gradient, &gradient);

        let to_frame = self.horizon_from_frame.transpose();
        let local = self.horizon_from_frame * (position - self.receiver_m);
        let ground = local.xy().norm().max(NEAREST_M);
        let by_local = Vector3::new(local.y, -local.x, 0.0) / (ground * ground);
        put(AZIMUTH, &(to_frame * by_local), &Vector3::zeros());
        if n_axes == 3 {
            let slant2 = ground * ground + local.z * local.z;
            let by_local =
                Vector3::new(-local.z * local.x / ground, -local.z * local.y / ground, ground) / slant2;
            put(ELEVATION, &(to_frame * by_local), &Vector3::zeros());
        }
        (value, jacobian)
    }

    /// The state that one reading alone gives: position by inverting range and angles, velocity along the line of
    /// sight where the range rate is known, and across it no faster than `speed_max_mps` in any direction. `None`
    /// where the position is not observable from this reading.
    pub(crate) fn invert<const N: usize>(
        &self,
        reading: &Reading,
        n_axes: usize,
        speed_max_mps: f64,
        acceleration_max_mps2: f64,
    ) -> Option<Gaussian<N>> {
        let mut state = Gaussian::<N>::empty();
        let speed_variance = speed_max_mps * speed_max_mps / 3.0;
        for i in 2 * n_axes..N {
            state.covariance[(i, i)] = acceleration_max_mps2 * acceleration_max_mps2 / 3.0;
        }
        if n_axes == 1 {
            state.mean[0] = reading.value[RANGE];
            state.covariance[(0, 0)] = reading.variance[RANGE];
            let rate = reading.present[RANGE_RATE];
            state.mean[1] = if rate { reading.value[RANGE_RATE] } else { 0.0 };
            state.covariance[(1, 1)] = if rate { reading.variance[RANGE_RATE] } else { speed_variance };
            return Some(state);
        }
        if !reading.present[AZIMUTH] || (n_axes == 3 && !reading.present[ELEVATION]) {
            return None;
        }

        // Along the direction measured, the ellipse of constant path has one point.
        let (azimuth, elevation) = (reading.value[AZIMUTH], reading.value[ELEVATION]);
        let direction = self.horizon_from_frame.transpose()
            * Vector3::new(azimuth.sin() * elevation.cos(), azimuth.cos() * elevation.cos(), elevation.sin());
        let path_m = 2.0 * (reading.value[RANGE] + self.offset_m);
        let baseline = self.transmitter_m - self.receiver_m;
        let below = path_m - direction.dot(&baseline);
        let distance_m = 0.5 * (path_m * path_m - baseline.norm_squared()) / below;
        if !(below > 0.0 && distance_m > 0.0 && distance_m.is_finite()) {
            return None;
        }
        let position = self.receiver_m + direction * distance_m;
        for i in 0..n_axes {
            state.mean[i] = position[i];
        }

        // Position's covariance: the inverse of the information that range and angles give.
        let (_, jacobian) = self.observe::<N, COMPONENTS>(&state.mean, n_axes);
        let mut information = Matrix3::<f64>::zeros();
        for i in n_axes..3 {
            information[(i, i)] = 1.0;
        }
        for c in [RANGE, AZIMUTH, ELEVATION] {
            if !reading.present[c] {
                continue;
            }
            for i in 0..n_axes {
                for j in 0..n_axes {
                    information[(i, j)] += jacobian[(c, i)] * jacobian[(c, j)] / reading.variance[c];
                }
            }
        }
        let covariance = information.try_inverse()?;
        let gradient = Vector3::from_fn(|i, _| if i < n_axes { jacobian[(RANGE, i)] } else { 0.0 });
        let steepness = gradient.norm();
        // On the baseline the range says nothing.
        if steepness < 1e-3 {
            return None;
        }
        let along = gradient / steepness;
        // The line of sight is known only as well as the angles: what is across it leaks into the rate.
        let line_variance = (along.dot(&(covariance * along))).abs();
        let across_variance = (covariance.trace() - (3 - n_axes) as f64 - line_variance).max(0.0);
        let leak_variance = speed_variance * across_variance / (distance_m * distance_m);
        let (rate_mps, rate_variance) = if reading.present[RANGE_RATE] {
            (
                reading.value[RANGE_RATE] / steepness,
                reading.variance[RANGE_RATE] / (steepness * steepness) + leak_variance,
            )
        } else {
            (0.0, speed_variance)
        };
        // What is left of the greatest speed; no less than a tenth of it, whatever the rate.
        let left2 = (speed_max_mps.powi(2) - rate_mps * rate_mps).max(0.01 * speed_max_mps.powi(2));
        let across_speed_variance = left2 / 3.0;
        for i in 0..n_axes {
            state.mean[n_axes + i] = along[i] * rate_mps;
            for j in 0..n_axes {
                state.covariance[(i, j)] = 0.5 * (covariance[(i, j)] + covariance[(j, i)]);
                let across = if i == j { 1.0 } else { 0.0 } - along[i] * along[j];
                state.covariance[(n_axes + i, n_axes + j)] =
                    across * across_speed_variance + along[i] * along[j] * rate_variance;
            }
        }
        Some(state)
    }
}
