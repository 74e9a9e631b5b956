//! How a target moved: climbing, level, descending, falling freely, in orbit; approaching, receding.

use crate::history::States;
use nalgebra::Vector3;
use rangegate_fusion::Orbit;
use rangegate_tracking::Geodetic;
use rangegate_tracking::geodesy::Frame;
use rangegate_tracking::motion::FreeFlight;
use serde::Serialize;

/// How a target flies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Flight {
    /// Height and acceleration are not known well enough.
    #[default]
    Unknown,
    /// Height grows by more than [`LEVEL_MPS`].
    Climbing,
    /// Neither.
    Level,
    /// Height falls by more.
    Descending,
    /// Its acceleration is gravity's, on a path that meets the Earth: a ballistic arc.
    FreeFlight,
    /// The same, on a path that does not come nearer than 100 km.
    Orbit,
}

/// How a target's range changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Radial {
    /// Not known well enough.
    #[default]
    Unknown,
    /// Range falls by more than [`ACROSS_MPS`].
    Approaching,
    /// Range hardly changes.
    Across,
    /// Range grows.
    Receding,
}

/// A stretch of a track.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Phase<K> {
    /// From, s since 1970.
    pub from_s: f64,
    /// To.
    pub to_s: f64,
    /// How it moved.
    pub kind: K,
}

/// Below this a target is level, m/s (300 ft/min).
pub const LEVEL_MPS: f64 = 1.5;
/// Below this it moves across the line of sight, m/s.
pub const ACROSS_MPS: f64 = 1.0;
/// Distance from the Earth's middle above which an orbit lasts, m: 100 km over the equator.
const LASTING_M: f64 = 6_378_137.0 + 100e3;
/// Half of the time over which accelerations are measured at first, and at most, s.
const HALF_WINDOW_S: [f64; 2] = [5.0, 60.0];
/// Accelerations are told apart where they are known this well, m/s².
const KNOWN_MPS2: f64 = 1.0;
/// Half of the time over which rates are averaged, s.
const SMOOTH_S: f64 = 5.0;

/// Phases of a target whose place is known.
///
/// The acceleration over a window that grows until it is known to 1 m/s² tells free flight from what is held up: free is
/// where it is nearer to what gravity, centrifugal and Coriolis force give at this place and velocity than to none upward,
/// by less than 0.3 g. Else the rate of the height decides, where it is known to within its bounds. What lasts less than
/// a twentieth of the track (5 to 30 s) belongs to its neighbour.
pub fn flight_phases(states: &States<6>) -> Vec<Phase<Flight>> {
    let kinds: Vec<(f64, Flight)> =
        (0..states.len()).map(|at| (states[at].0, flight_at(states, at))).collect();
    stretches(&kinds)
}

/// Phases of a target whose range is known.
pub fn radial_phases(states: &States<2>) -> Vec<Phase<Radial>> {
    let kind = |at: usize| {
        let window = window(states, at, SMOOTH_S);
        let rate = window.iter().map(|(_, state)| state.mean[1]).sum::<f64>() / window.len() as f64;
        let sigma = states[at].1.covariance[(1, 1)].sqrt();
        match banded(rate, sigma, ACROSS_MPS) {
            None => Radial::Unknown,
            Some(-1) => Radial::Approaching,
            Some(0) => Radial::Across,
            Some(_) => Radial::Receding,
        }
    };
    stretches(&(0..states.len()).map(|at| (states[at].0, kind(at))).collect::<Vec<_>>())
}

/// −1, 0 or 1: below, within or above a band around zero; `None` where that is not known.
fn banded(value: f64, sigma: f64, band: f64) -> Option<i8> {
    if value.abs() > band + sigma {
        Some(if value > 0.0 { 1 } else { -1 })
    } else if sigma < 2.0 * band {
        // Known well enough, and nearer to the one than to the other.
        Some(if value.abs() <= band { 0 } else { value.signum() as i8 })
    } else {
        None
    }
}

fn flight_at(states: &States<6>, at: usize) -> Flight {
    let (_, state) = &states[at];
    let place_m: Vector3<f64> = state.mean.fixed_rows::<3>(0).into();
    let velocity_mps: Vector3<f64> = state.mean.fixed_rows::<3>(3).into();
    let place = Geodetic::from_ecef_m(&place_m);
    let up = place.enu_from_ecef().row(2).transpose();
    if let Some(acceleration) = acceleration_mps2(states, at) {
        let flight = FreeFlight { frame: Frame::earth(), psd: 0.0 };
        let (free, _) = flight.acceleration(&place_m, &velocity_mps);
        let from_free = (acceleration - free).norm();
        if from_free < 0.3 * free.norm() && from_free < acceleration.dot(&up).abs() {
            let is_orbit = Orbit::of(state).perigee_m > LASTING_M;
            return if is_orbit { Flight::Orbit } else { Flight::FreeFlight };
        }
    }
    let window = window(states, at, SMOOTH_S);
    let climb = |state: &(f64, _)| climb_mps(&state.1);
    let rate = window.iter().map(climb).sum::<f64>() / window.len() as f64;
    let velocity = state.covariance.fixed_view::<3, 3>(3, 3);
    let sigma = (up.transpose() * velocity * up)[0].max(0.0).sqrt();
    match banded(rate, sigma, LEVEL_MPS) {
        None => Flight::Unknown,
        Some(-1) => Flight::Descending,
        Some(0) => Flight::Level,
        Some(_) => Flight::Climbing,
    }
}

/// Rate at which a state's height grows, m/s.
pub fn climb_mps(state: &rangegate_tracking::gaussian::Gaussian<6>) -> f64 {
    let place = Geodetic::from_ecef_m(&state.mean.fixed_rows::<3>(0).into());
    let velocity_mps: Vector3<f64> = state.mean.fixed_rows::<3>(3).into();
    (place.enu_from_ecef() * velocity_mps).z
}

/// The states within a time around one of them, which is among them.
fn window<T>(states: &[(f64, T)], at: usize, half_s: f64) -> &[(f64, T)] {
    let now_s = states[at].0;
    let from = states[..at].partition_point(|(time, _)| *time < now_s - half_s);
    let to = at + states[at..].partition_point(|(time, _)| *time <= now_s + half_s);
    &states[from..to]
}

/// Acceleration around a state, by a straight line through velocities; `None` where it is not known well enough.
fn acceleration_mps2(states: &States<6>, at: usize) -> Option<Vector3<f64>> {
    let variance = states[at].1.covariance.fixed_view::<3, 3>(3, 3).trace() / 3.0;
    let mut half_s = HALF_WINDOW_S[0];
    while half_s <= HALF_WINDOW_S[1] {
        let window = window(states, at, half_s);
        let span_s = window[window.len() - 1].0 - window[0].0;
        // As if only its ends were known: neighbours of a filter are nearly the same.
        if window.len() >= 5 && (2.0 * variance).sqrt() < KNOWN_MPS2 * span_s {
            let now_s = states[at].0;
            let mut slope = Vector3::zeros();
            for axis in 0..3 {
                let values: Vec<(f64, f64)> =
                    window.iter().map(|(time, state)| (time - now_s, state.mean[3 + axis])).collect();
                slope[axis] = crate::history::polynomial::<2>(&values)?.0[1];
            }
            return Some(slope);
        }
        half_s *= 2.0;
    }
    None
}

/// Runs of the same kind; short ones, and what is not known, belong to the longer neighbour.
fn stretches<K: Copy + PartialEq + Default>(kinds: &[(f64, K)]) -> Vec<Phase<K>> {
    let (Some(first), Some(last)) = (kinds.first(), kinds.last()) else { return Vec::new() };
    let least_s = ((last.0 - first.0) / 20.0).clamp(5.0, 30.0);
    let mut phases: Vec<Phase<K>> = Vec::new();
    for &(time_s, kind) in kinds {
        match phases.last_mut() {
            Some(phase) if phase.kind == kind => phase.to_s = time_s,
            Some(phase) => {
                // Between two states the phase changes half-way.
                let middle_s = phase.to_s.midpoint(time_s);
                phase.to_s = middle_s;
                phases.push(Phase { from_s: middle_s, to_s: time_s, kind });
            }
            None => phases.push(Phase { from_s: time_s, to_s: time_s, kind }),
        }
    }
    let length = |phase: &Phase<K>| phase.to_s - phase.from_s;
    while phases.len() > 1 {
        let shortest = (0..phases.len()).min_by(|a, b| length(&phases[*a]).total_cmp(&length(&phases[*b])));
        let Some(at) = shortest.filter(|&at| length(&phases[at]) < least_s) else { break };
        let Phase { from_s, to_s, .. } = phases.remove(at);
        match (at.checked_sub(1).map(|before| length(&phases[before])), phases.get(at).map(length)) {
            (Some(before), after) if after.is_none_or(|after| before >= after) => phases[at - 1].to_s = to_s,
            _ => phases[at].from_s = from_s,
        }
        // What it stood between may be the same.
        let mut joined: Vec<Phase<K>> = Vec::new();
        for phase in phases {
            match joined.last_mut() {
                Some(last) if last.kind == phase.kind => last.to_s = phase.to_s,
                _ => joined.push(phase),
            }
        }
        phases = joined;
    }
    phases
}

#[cfg(test)]
#[path = "phases_tests.rs"]
mod tests;
