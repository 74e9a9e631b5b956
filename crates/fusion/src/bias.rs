//! Stations' biases, learnt from targets that several see.
//!
//! For some seconds a target moves so simply that a position and a velocity say where it was. What several stations
//! measured of it in such a window is linear in these six numbers and in each station's biases of range, azimuth and
//! clock; the six are eliminated (Schur complement), and what is left is information on the biases alone, which adds up
//! over windows and targets. So any kind of measurement contributes as much as it says: ranges without azimuth, bistatic
//! ones, a station's own track as range, azimuth and elevation.
//!
//! What is observable: of two stations the range biases through targets at different places on both ranges' ellipsoids;
//! azimuth biases as soon as ranges put targets in a place; clock errors by targets that move fast. A rotation of all
//! stations together is not, nor what no common target shows: there the deviation stays what was expected beforehand.

use crate::config::BiasConfig;
use crate::place::{Site, State, height_m, motion_of};
use nalgebra::{DMatrix, DVector, Matrix6, SMatrix, SVector};
use rangegate_tracking::gaussian::Gaussian;
use rangegate_tracking::geodesy::Frame;
use rangegate_tracking::measurement::Geometry;
use rangegate_tracking::motion::{FreeFlight, Motion};
use rangegate_tracking::{Accuracy, Measurement};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One bias: what is measured less what is true.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Bias {
    /// The estimate.
    pub value: f64,
    /// Its standard deviation.
    pub sigma: f64,
    /// The data say something of it: they reduced what was unknown of it to less than half.
    pub observable: bool,
    /// It is significant, and corrected.
    pub applied: bool,
}

/// The biases of one station.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StationBias {
    /// Its name.
    pub station: String,
    /// Of range, m.
    pub range_m: Bias,
    /// Of azimuth, degrees.
    pub azimuth_deg: Bias,
    /// Of its clock, s; positive where its clock is ahead.
    pub clock_s: Bias,
}

/// Range, azimuth, clock.
const KINDS: usize = 3;
/// How long a window is, s, and how many observations it has at most.
const WINDOW_S: f64 = 10.0;
const WINDOW_MAX: usize = 200;
/// Accelerations within a window that no model knows, m/s².
const UNRULY_MPS2: f64 = 0.3;
/// Squared residual per degree of freedom beyond which a target did not move simply.
const RESIDUAL_MAX: f64 = 3.0;
/// Neither windows nor what is in them are quite independent: their information counts as this much.
const WORTH: f64 = 0.5;

/// Something measured of a target: range, range rate, azimuth, elevation; m, m/s, rad.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Observation {
    pub station: usize,
    pub time_s: f64,
    pub value: [f64; 4],
    /// Infinite where it was not measured.
    pub variance: [f64; 4],
}

impl Observation {
    pub fn of(station: usize, time_s: f64, measurement: &Measurement, accuracy: &Accuracy) -> Self {
        let accuracy = measurement.accuracy.as_ref().unwrap_or(accuracy);
        let rad = f64::to_radians;
        let parts = [
            (measurement.range_m, accuracy.range_m),
            (measurement.range_rate_mps, accuracy.range_rate_mps),
            (measurement.azimuth_deg.map(rad), accuracy.azimuth_deg.to_radians()),
            (measurement.elevation_deg.map(rad), accuracy.elevation_deg.to_radians()),
        ];
        Self {
            station,
            time_s,
            value: parts.map(|(value, _)| value.unwrap_or(0.0)),
            variance: parts.map(|(value, sigma)| if value.is_some() { sigma * sigma } else { f64::INFINITY }),
        }
    }

    /// A station's track as what the station measured. Its errors last: it counts a third.
    pub fn of_track(site: &Site, station: usize, time_s: f64, track: &Gaussian<6>) -> Self {
        let (value, jacobian) = site.geometry.observe::<6, 4>(&track.mean, 3);
        let covariance = jacobian * track.covariance * jacobian.transpose();
        let mut variance: [f64; 4] = std::array::from_fn(|c| 3.0 * covariance[(c, c)].max(1e-12));
        variance[1] = f64::INFINITY;
        Self { station, time_s, value: value.into(), variance }
    }
}

/// All stations' biases.
#[derive(Debug)]
pub(crate) struct Biases {
    config: BiasConfig,
    windows: BTreeMap<u64, Vec<Observation>>,
    information: DMatrix<f64>,
    weighted: DVector<f64>,
    latest_s: Option<f64>,
    /// In m, degrees, s.
    pub known: Vec<StationBias>,
}

impl Biases {
    pub fn new(config: &BiasConfig, sites: &[Site]) -> Self {
        let n = sites.len() * KINDS;
        let known = sites
            .iter()
            .map(|site| StationBias { station: site.info.name.clone(), ..StationBias::default() });
        let mut biases = Self {
            config: *config,
            windows: BTreeMap::new(),
            information: DMatrix::zeros(n, n),
            weighted: DVector::zeros(n),
            latest_s: None,
            known: known.collect(),
        };
        biases.conclude();
        biases
    }

    pub fn observe(&mut self, target: u64, observation: Observation) {
        let window = self.windows.entry(target).or_default();
        if window.len() < WINDOW_MAX {
            window.push(observation);
        }
    }

    /// Works off windows that are full; `state` gives where a target is at a time.
    pub fn learn(&mut self, sites: &[Site], time_s: f64, state: impl Fn(u64) -> Option<State>) {
        let full =
            |window: &Vec<Observation>| window.first().is_some_and(|of| time_s - of.time_s >= WINDOW_S);
        let targets: Vec<u64> =
            self.windows.iter().filter(|(_, window)| full(window)).map(|(id, _)| *id).collect();
        let mut learnt = false;
        for target in targets {
            let Some(window) = self.windows.remove(&target) else { continue };
            let first = window[0].station;
            if window.iter().all(|of| of.station == first) {
                continue;
            }
            let Some(now) = state(target) else { continue };
            if let Some((information, weighted)) = eliminate(sites, &window, &now, time_s) {
                let forget = self.latest_s.map_or(1.0, |at| (-(time_s - at) / self.config.memory_s).exp());
                self.latest_s = Some(time_s);
                self.information = &self.information * forget + information * WORTH;
                self.weighted = &self.weighted * forget + weighted * WORTH;
                learnt = true;
            }
        }
        if learnt {
            self.conclude();
        }
    }

    fn prior(&self) -> [f64; KINDS] {
        [self.config.range_m, self.config.azimuth_deg.to_radians(), self.config.clock_s]
    }

    fn conclude(&mut self) {
        let prior = self.prior();
        let n = self.weighted.len();
        // In units of the prior's deviations, which keeps it well-conditioned.
        let scale = DVector::from_fn(n, |i, _| prior[i % KINDS]);
        let mut scaled = DMatrix::from_fn(n, n, |i, j| self.information[(i, j)] * scale[i] * scale[j]);
        for i in 0..n {
            scaled[(i, i)] += 1.0;
        }
        let Some(factor) = scaled.cholesky() else { return };
        let covariance = factor.inverse();
        let value = &covariance * self.weighted.component_mul(&scale);
        for (station, known) in self.known.iter_mut().enumerate() {
            let entry = |kind: usize, unit: f64| {
                let i = station * KINDS + kind;
                let (value, relative) = (value[i] * scale[i], covariance[(i, i)].sqrt());
                let sigma = relative * scale[i];
                let observable = relative < 0.5;
                let applied = observable && value.abs() > self.config.significance * sigma;
                Bias { value: value * unit, sigma: sigma * unit, observable, applied }
            };
            known.range_m = entry(0, 1.0);
            known.azimuth_deg = entry(1, 1f64.to_degrees());
            known.clock_s = entry(2, 1.0);
        }
    }

    /// What is left unknown of a bias: its deviation, or all of it where it is not corrected.
    fn left(bias: &Bias) -> f64 {
        if bias.applied { bias.sigma } else { bias.sigma.hypot(bias.value) }
    }

    /// A measurement less the biases that are significant; what is unknown of them is in its deviations.
    pub fn corrected(&self, station: usize, raw: &Measurement, accuracy: &Accuracy) -> Measurement {
        let StationBias { range_m, azimuth_deg, clock_s, .. } = &self.known[station];
        let value = |bias: &Bias| if bias.applied { bias.value } else { 0.0 };
        let accuracy = raw.accuracy.as_ref().unwrap_or(accuracy);
        let rate_mps = raw.range_rate_mps.unwrap_or(0.0);
        // What was at the range then is by rate × error farther when the clock says so.
        let by_clock = |bias: f64| rate_mps * bias;
        Measurement {
            range_m: raw.range_m.map(|range| (range - value(range_m) + by_clock(value(clock_s))).max(0.0)),
            azimuth_deg: raw.azimuth_deg.map(|azimuth| azimuth - value(azimuth_deg)),
            accuracy: Some(Accuracy {
                range_m: accuracy.range_m.hypot(Self::left(range_m)).hypot(by_clock(Self::left(clock_s))),
                azimuth_deg: accuracy.azimuth_deg.hypot(Self::left(azimuth_deg)),
                ..*accuracy
            }),
            ..*raw
        }
    }

    /// A station's track less its significant biases, and what is unknown of them as covariance; how far that moved it.
    pub fn corrected_track(&self, site: &Site, station: usize, raw: &Gaussian<6>) -> (Gaussian<6>, f64, f64) {
        let known = &self.known[station];
        let shifts = shifts(&site.geometry, &raw.mean);
        let mut corrected = *raw;
        let mut added = SMatrix::<f64, 6, 6>::zeros();
        let biases = [
            (&known.range_m, 1.0, &shifts[0]),
            (&known.azimuth_deg, 1f64.to_radians(), &shifts[1]),
            (&known.clock_s, 1.0, &shifts[2]),
        ];
        for (bias, unit, shift) in biases {
            if bias.applied {
                corrected.mean -= shift * (bias.value * unit);
            }
            let left = shift * (Self::left(bias) * unit);
            added += left * left.transpose();
        }
        corrected.covariance += added;
        let moved = (corrected.mean - raw.mean).fixed_rows::<3>(0).norm();
        (corrected, moved, added.fixed_view::<3, 3>(0, 0).trace().sqrt())
    }
}

/// How a track's state is moved by a unit of its station's bias of range, azimuth (rad) and clock.
fn shifts(geometry: &Geometry, state: &State) -> [SVector<f64, 6>; KINDS] {
    let line = state.fixed_rows::<3>(0) - geometry.receiver_m;
    let velocity = state.fixed_rows::<3>(3).into_owned();
    let up = geometry.horizon_from_frame.row(2).transpose();
    let mut shifts = [SVector::<f64, 6>::zeros(); KINDS];
    shifts[0].fixed_rows_mut::<3>(0).copy_from(&line.normalize());
    // Clockwise from above.
    shifts[1].fixed_rows_mut::<3>(0).copy_from(&line.cross(&up));
    shifts[1].fixed_rows_mut::<3>(3).copy_from(&velocity.cross(&up));
    // A clock that is ahead says of a place that the target will be there later.
    shifts[2].fixed_rows_mut::<3>(0).copy_from(&-velocity);
    shifts
}

/// Moves a state without noise, either way.
fn moved(motion: &Motion, state: &State, step_s: f64) -> (State, Matrix6<f64>) {
    let moved = motion.step(state, 3, step_s);
    (moved.state, moved.jacobian)
}

/// Information on all biases that a window gives once its target's state is eliminated, and that times the biases.
fn eliminate(
    sites: &[Site],
    window: &[Observation],
    now: &State,
    now_s: f64,
) -> Option<(DMatrix<f64>, DVector<f64>)> {
    let middle_s = 0.5 * (window[0].time_s + window[window.len() - 1].time_s);
    let motion = match motion_of(now) {
        Motion::FreeFlight(_) => Motion::FreeFlight(FreeFlight { frame: Frame::earth(), psd: 0.0 }),
        other => other,
    };
    let mut middle = moved(&motion, now, middle_s - now_s).0;
    let n = sites.len() * KINDS;
    let mut residual2 = f64::INFINITY;
    let mut result = None;
    let mut degrees = 0;
    // Gauss and Newton: the start is good.
    for _ in 0..3 {
        let mut state_part = weak_prior(&middle);
        let mut state_weighted = SVector::<f64, 6>::zeros();
        let mut cross = DMatrix::zeros(6, n);
        let mut information = DMatrix::zeros(n, n);
        let mut weighted = DVector::zeros(n);
        (residual2, degrees) = (0.0, 0);
        for of in window {
            let row = linear(&sites[of.station].geometry, &motion, &middle, of, middle_s);
            let from = of.station * KINDS;
            for c in 0..4 {
                if !of.variance[c].is_finite() {
                    continue;
                }
                degrees += 1;
                let weight = 1.0 / row.variance[c];
                let (h, b) = (row.by_state.row(c), row.by_bias[c]);
                residual2 += row.residual[c].powi(2) * weight;
                state_part += h.transpose() * h * weight;
                state_weighted += h.transpose() * (row.residual[c] * weight);
                for i in 0..KINDS {
                    weighted[from + i] += b[i] * row.residual[c] * weight;
                    for j in 0..KINDS {
                        information[(from + i, from + j)] += b[i] * b[j] * weight;
                    }
                    for k in 0..6 {
                        cross[(k, from + i)] += h[k] * b[i] * weight;
                    }
                }
            }
        }
        let factor = state_part.cholesky()?;
        let inverse = factor.inverse();
        let inverse = DMatrix::from_fn(6, 6, |i, j| inverse[(i, j)]);
        let state_weighted_d = DVector::from_column_slice(state_weighted.as_slice());
        residual2 -= state_weighted.dot(&factor.solve(&state_weighted));
        let left = &information - cross.transpose() * &inverse * &cross;
        let left_weighted = &weighted - cross.transpose() * &inverse * &state_weighted_d;
        result = Some(((&left + left.transpose()) * 0.5, left_weighted));
        middle += factor.solve(&state_weighted);
    }
    // What biases explain is not the target's fault.
    let (information, weighted) = result?;
    let regular = &information + DMatrix::identity(n, n) * (1e-9 * information.trace().max(1e-12));
    let explained = regular.cholesky().map_or(0.0, |factor| weighted.dot(&factor.solve(&weighted)));
    let freedom = f64::from((degrees - 6).max(1));
    let good = (residual2 - explained) / freedom < RESIDUAL_MAX;
    (degrees > 6 && good).then_some((information, weighted))
}

/// What keeps the six numbers near where they are, where the measurements leave them open: kilometres, and a climb.
fn weak_prior(state: &State) -> Matrix6<f64> {
    let high = height_m(state) > crate::place::ATMOSPHERE_M;
    let (metres, speed) = if high { (100e3, 1e3) } else { (3e3, 30.0) };
    let mut information = Matrix6::zeros();
    for i in 0..3 {
        information[(i, i)] = f64::powi(metres, -2);
        information[(3 + i, 3 + i)] = f64::powi(speed, -2);
    }
    information
}

struct Linear {
    residual: [f64; 4],
    variance: [f64; 4],
    by_state: SMatrix<f64, 4, 6>,
    by_bias: [[f64; KINDS]; 4],
}

fn linear(geometry: &Geometry, motion: &Motion, middle: &State, of: &Observation, middle_s: f64) -> Linear {
    let step_s = of.time_s - middle_s;
    let (there, transition) = moved(motion, middle, step_s);
    let (expected, jacobian) = geometry.observe::<6, 4>(&there, 3);
    let delta_s = 0.05;
    let rate = {
        let later = geometry.expected::<6, 4>(&moved(motion, &there, delta_s).0, 3);
        let earlier = geometry.expected::<6, 4>(&moved(motion, &there, -delta_s).0, 3);
        let mut difference: SVector<f64, 4> = later - earlier;
        difference[2] = turned(difference[2]);
        difference / (2.0 * delta_s)
    };
    let mut row = Linear {
        residual: [0.0; 4],
        variance: of.variance,
        by_state: jacobian * transition,
        by_bias: [[0.0; KINDS]; 4],
    };
    let unruly_m = 0.5 * UNRULY_MPS2 * step_s * step_s;
    let across = unruly_m / expected[0].max(1.0);
    let unruly = [unruly_m, UNRULY_MPS2 * step_s, across, across];
    for c in 0..4 {
        let difference = of.value[c] - expected[c];
        row.residual[c] = if c == 2 { turned(difference) } else { difference };
        row.variance[c] += unruly[c] * unruly[c];
        row.by_bias[c][2] = -rate[c];
    }
    row.by_bias[0][0] = 1.0;
    row.by_bias[2][1] = 1.0;
    row
}

fn turned(angle_rad: f64) -> f64 {
    use std::f64::consts::TAU;
    angle_rad - TAU * (angle_rad / TAU).round()
}
