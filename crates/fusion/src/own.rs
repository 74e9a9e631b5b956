//! A station's own track as a report.

use crate::place::{Covariance, State, rows};
use crate::types::TrackReport;
use nalgebra::{Matrix3, Vector3};
use rangegate_core::Timestamp;
use rangegate_tracking::geodesy::Frame;
use rangegate_tracking::{Geodetic, HeightPrior, Space, TrackState};

impl TrackReport {
    /// A report of a track of a station at `receiver` whose tracks are counted from `origin`. In the space `plane`, which
    /// takes slant ranges for ground ranges, the height is what `height` says of targets. `None` in the space `range`.
    pub fn from_track(
        station: &str,
        boot: u64,
        time: Timestamp,
        track: &TrackState,
        receiver: &Geodetic,
        origin: &Geodetic,
        height: &HeightPrior,
    ) -> Option<Self> {
        let (state, covariance) = match track.space {
            Space::Range => return None,
            Space::Earth => six(track, &Frame::earth()),
            Space::Local => six(track, &Frame::local(origin)),
            Space::Plane => raised(track, receiver, &Frame::local(origin), height),
        };
        Some(Self {
            station: station.to_owned(),
            boot,
            number: track.track,
            time,
            state: state.into(),
            covariance: rows(&covariance),
            ended: false,
            detections: track.detections.clone(),
        })
    }
}

/// Position and velocity of a state of three axes.
fn six(track: &TrackState, frame: &Frame) -> (State, Covariance) {
    let state = State::from_fn(|i, _| track.state.get(i).copied().unwrap_or(0.0));
    let covariance = Covariance::from_fn(|i, j| {
        track.covariance.get(i).and_then(|row| row.get(j)).copied().unwrap_or(0.0)
    });
    to_earth(&state, &covariance, frame)
}

fn to_earth(state: &State, covariance: &Covariance, frame: &Frame) -> (State, Covariance) {
    let turn: Matrix3<f64> = frame.from_ecef.transpose();
    let mut both = Covariance::zeros();
    both.fixed_view_mut::<3, 3>(0, 0).copy_from(&turn);
    both.fixed_view_mut::<3, 3>(3, 3).copy_from(&turn);
    let mut turned = both * state;
    let shifted = turned.fixed_rows::<3>(0) + frame.origin_ecef_m;
    turned.fixed_rows_mut::<3>(0).copy_from(&shifted);
    (turned, both * covariance * both.transpose())
}

/// A track in the plane, raised to where targets are: a slant range of `r` at a height of `h` is `√(r² − h²)` over ground.
fn raised(
    track: &TrackState,
    receiver: &Geodetic,
    frame: &Frame,
    height: &HeightPrior,
) -> (State, Covariance) {
    let at = |i: usize| track.state.get(i).copied().unwrap_or(0.0);
    let of = |i: usize, j: usize| track.covariance.get(i).and_then(|row| row.get(j)).copied().unwrap_or(0.0);
    let here = frame.position_m(&receiver.ecef_m());
    let line = Vector3::new(at(0) - here.x, at(1) - here.y, 0.0);
    let slant_m = line.norm().max(1.0);
    let up_m = height.mean_m.clamp(-0.2 * slant_m, 0.2 * slant_m);
    let sigma_m = height.sigma_m.min(0.25 * slant_m);
    let ground_m = (slant_m * slant_m - up_m * up_m).sqrt();
    let along = line / slant_m;
    let over = here + along * ground_m + Vector3::z() * up_m;
    let state = State::from([over.x, over.y, over.z, at(2), at(3), 0.0]);
    let mut covariance = Covariance::zeros();
    let places = [0, 1, 3, 4];
    for (i, &row) in places.iter().enumerate() {
        for (j, &column) in places.iter().enumerate() {
            covariance[(row, column)] = of(i, j);
        }
    }
    // What is not known of the height is not known of the ground range either.
    let mut by_height = State::zeros();
    by_height.fixed_rows_mut::<3>(0).copy_from(&(along * (-up_m / ground_m) + Vector3::z()));
    let by_height = by_height * sigma_m;
    covariance += by_height * by_height.transpose();
    // Speed over ground is the slant's a little more, and the height's course bends it.
    let unknown = (at(2).hypot(at(3)) * 0.5 * (up_m.abs() + sigma_m) / ground_m).powi(2);
    covariance[(3, 3)] += unknown;
    covariance[(4, 4)] += unknown;
    covariance[(5, 5)] += height.climb_sigma_mps.powi(2);
    // A second-order term that keeps it positive.
    covariance[(2, 2)] += 1.0 + (0.05 * sigma_m).powi(2);
    to_earth(&state, &covariance, frame)
}
