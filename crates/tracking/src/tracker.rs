//! The tracker: scans in, tracks out.

use crate::config::Space;
use crate::engine::Engine;
use crate::error::ScanError;
use crate::filter::predict;
use crate::gaussian::{Gaussian, Mixture, Vector};
use crate::geodesy::Geodetic;
use crate::measurement::{AZIMUTH, COMPONENTS, ELEVATION, Measurement, RANGE, RANGE_RATE};
use crate::plan::TrackerPlan;
use crate::track::Track;
use nalgebra::Vector3;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Version of the records in `tracks.jsonl`; grows when a field changes its meaning or goes away.
pub const TRACK_SCHEMA_VERSION: u32 = 1;

/// What happened in one scan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ScanReport {
    /// Time of the scan, s.
    pub time_s: f64,
    /// Number of the station.
    pub station: usize,
    /// Detections that came.
    pub detections: usize,
    /// Of these, refused: not finite, no range, or a range below zero.
    pub refused: usize,
    /// Of these, dropped because there were more than the limit; the strongest were kept.
    pub dropped: usize,
    /// Tracks that took a detection.
    pub associated: usize,
    /// Tentative tracks begun.
    pub initiated: usize,
    /// Detections or tentative tracks for which there was no room.
    pub not_initiated: usize,
    /// Tracks confirmed.
    pub confirmed: usize,
    /// Confirmed tracks that ended, merged ones among them.
    pub ended: usize,
    /// Tracks that turned out to be another's.
    pub merged: usize,
    /// Tracks given up because their numbers left all bounds.
    pub broken: usize,
    /// Confirmed tracks now.
    pub tracks: usize,
    /// Tentative tracks now.
    pub tentative: usize,
    /// False detections in a scan, as learnt or given.
    pub false_per_scan: f64,
}

/// A confirmed track at one time. A line of `tracks.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrackState {
    /// Number of the track, from 1, never used again.
    pub track: u64,
    /// Time of the state, s, counted as the scans' times are.
    pub time_s: f64,
    /// Space of the state.
    pub space: Space,
    /// Position, velocity and perhaps acceleration, in metres and seconds, axis by axis.
    pub state: Vec<f64>,
    /// Covariance of the state, row by row.
    pub covariance: Vec<Vec<f64>>,
    /// Probability of each model of motion, in the configuration's order.
    pub model_probabilities: Vec<f64>,
    /// Numbers of the detections that the latest scan gave it, eight at most.
    pub detections: Vec<u64>,
    /// Numbers of the detections from which it was begun, eight at most.
    pub begun_from: Vec<u64>,
    /// The latest scan gave it no detection.
    pub coasting: bool,
    /// Scans since its latest detection.
    pub coasted_scans: u32,
    /// Scans since its first detection, which counts.
    pub age_scans: u32,
    /// Detections since then.
    pub hits: u32,
    /// Probability that the target exists, 0 to 1.
    pub quality: f64,
    /// Range at the station of the latest scan, or half the bistatic path, m.
    pub range_m: f64,
    /// Range rate there, m/s.
    pub range_rate_mps: f64,
    /// Azimuth there, degrees clockwise from north; null where the space has none.
    pub azimuth_deg: Option<f64>,
    /// Elevation there, degrees; null where the space has none.
    pub elevation_deg: Option<f64>,
    /// Place on or above the Earth, where it is known.
    pub position: Option<Geodetic>,
}

/// Follows targets. Runs a [`TrackerPlan`]; has no clock: time comes with the scans.
pub struct Tracker {
    engine: Box<dyn Run>,
}

impl std::fmt::Debug for Tracker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tracker").finish_non_exhaustive()
    }
}

impl Tracker {
    /// A tracker without tracks.
    pub fn new(plan: &Arc<TrackerPlan>) -> Self {
        let engine: Box<dyn Run> = match plan.dimension() {
            2 => Box::new(Engine::<2, 2>::new(plan)),
            3 => Box::new(Engine::<3, 2>::new(plan)),
            4 => Box::new(Engine::<4, 4>::new(plan)),
            6 => Box::new(Engine::<6, 4>::new(plan)),
            // One to three axes of two or three orders: there is no other.
            _ => Box::new(Engine::<9, 4>::new(plan)),
        };
        Self { engine }
    }

    /// Takes in what a station saw at one time, nothing included: a scan without detections says that targets were
    /// missed. Several stations may scan at the same time, one after the other.
    ///
    /// # Errors
    ///
    /// [`ScanError`] where the time is not finite, lies before the latest scan or far beyond it, or the station is not
    /// planned. Detections that cannot be used are counted in the report, not errors.
    pub fn scan(
        &mut self,
        time_s: f64,
        station: usize,
        measurements: &[Measurement],
    ) -> Result<ScanReport, ScanError> {
        self.engine.scan(time_s, station, measurements, &|_| true)
    }

    /// The same, where the station cannot see everything: a track that it does not detect is missed only where `sees` says
    /// that it could (of the track's state). A target that leaves every coverage is kept until [`end`](Self::end).
    ///
    /// # Errors
    ///
    /// Those of [`scan`](Self::scan).
    pub fn scan_where(
        &mut self,
        time_s: f64,
        station: usize,
        measurements: &[Measurement],
        sees: &dyn Fn(&[f64]) -> bool,
    ) -> Result<ScanReport, ScanError> {
        self.engine.scan(time_s, station, measurements, sees)
    }

    /// Begins a confirmed track, of the time of the latest scan, that was found in another way: its state, covariance by
    /// rows, and the detections that made it. `None` where there was no scan, no room, or it is no state of this space.
    pub fn begin(&mut self, state: &[f64], covariance: &[Vec<f64>], detections: &[u64]) -> Option<u64> {
        self.engine.begin(state, covariance, detections)
    }

    /// Says better where a track is, at the time of the latest scan: state and covariance by rows. Its models' probabilities
    /// stay. Whether there was such a track, and it is a state of this space.
    pub fn correct(&mut self, track: u64, state: &[f64], covariance: &[Vec<f64>]) -> bool {
        self.engine.correct(track, state, covariance)
    }

    /// Ends a track; whether there was one.
    pub fn end(&mut self, track: u64) -> bool {
        self.engine.end(track)
    }

    /// The confirmed tracks as of the latest scan, by number.
    pub fn tracks(&self) -> impl Iterator<Item = TrackState> {
        (0..self.engine.len()).filter_map(|index| self.engine.state(index, None))
    }

    /// Numbers of the tracks that ended in the latest scan.
    pub fn ended(&self) -> &[u64] {
        self.engine.ended()
    }

    /// A confirmed track as it will be at `time_s` if nothing more is seen of it. `None` where there is no such track,
    /// or the time is not finite, lies before the latest scan or beyond the longest step.
    pub fn predicted(&self, track: u64, time_s: f64) -> Option<TrackState> {
        (0..self.engine.len())
            .filter(|&index| self.engine.id(index) == track)
            .find_map(|index| self.engine.state(index, Some(time_s)))
    }
}

/// An engine of any dimension.
trait Run: Send {
    fn scan(
        &mut self,
        time_s: f64,
        station: usize,
        measurements: &[Measurement],
        sees: &dyn Fn(&[f64]) -> bool,
    ) -> Result<ScanReport, ScanError>;
    fn begin(&mut self, state: &[f64], covariance: &[Vec<f64>], detections: &[u64]) -> Option<u64>;
    fn correct(&mut self, track: u64, state: &[f64], covariance: &[Vec<f64>]) -> bool;
    fn end(&mut self, track: u64) -> bool;
    fn len(&self) -> usize;
    fn id(&self, index: usize) -> u64;
    fn state(&self, index: usize, at_s: Option<f64>) -> Option<TrackState>;
    fn ended(&self) -> &[u64];
}

impl<const N: usize, const M: usize> Run for Engine<N, M> {
    fn scan(
        &mut self,
        time_s: f64,
        station: usize,
        measurements: &[Measurement],
        sees: &dyn Fn(&[f64]) -> bool,
    ) -> Result<ScanReport, ScanError> {
        self.scan(time_s, station, measurements, sees)
    }

    fn begin(&mut self, state: &[f64], covariance: &[Vec<f64>], detections: &[u64]) -> Option<u64> {
        self.begin(state, covariance, detections)
    }

    fn correct(&mut self, track: u64, state: &[f64], covariance: &[Vec<f64>]) -> bool {
        self.correct(track, state, covariance)
    }

    fn end(&mut self, track: u64) -> bool {
        self.end(track)
    }

    fn len(&self) -> usize {
        self.tracks.len()
    }

    fn id(&self, index: usize) -> u64 {
        self.tracks[index].id
    }

    fn state(&self, index: usize, at_s: Option<f64>) -> Option<TrackState> {
        let mut track = *self.tracks.get(index).filter(|track| track.is_confirmed())?;
        if let Some(at_s) = at_s {
            let ahead_s = at_s - track.time_s;
            if !(ahead_s >= 0.0 && ahead_s <= self.plan.config.limits.step_s) {
                return None;
            }
            track.estimate = ahead(&self.plan, &track, ahead_s);
            track.time_s = at_s;
        }
        Some(state_of(&self.plan, self.latest_station, &track))
    }

    fn ended(&self) -> &[u64] {
        &self.ended
    }
}

/// Where a track will be: each model goes on by itself.
fn ahead<const N: usize>(plan: &TrackerPlan, track: &Track<N>, ahead_s: f64) -> Gaussian<N> {
    let mut mixture = Mixture::around(track.estimate.mean);
    for (model, motion) in plan.models.iter().enumerate() {
        let moved = predict(plan.filter, motion, &track.modes[model], plan.n_axes, ahead_s);
        mixture.add(track.probability[model], &moved);
    }
    mixture.matched()
}

fn state_of<const N: usize>(plan: &TrackerPlan, station: usize, track: &Track<N>) -> TrackState {
    let estimate = &track.estimate;
    let n_axes = plan.n_axes;
    let geometry = &plan.stations[station].geometry;
    let seen: Vector<COMPONENTS> = geometry.expected::<N, COMPONENTS>(&estimate.mean, n_axes);
    let position = plan.frame.filter(|_| n_axes > 1).map(|frame| {
        let at = Vector3::from_fn(|i, _| if i < n_axes { estimate.mean[i] } else { 0.0 });
        Geodetic::from_ecef_m(&frame.ecef_m(&at))
    });
    TrackState {
        track: track.id,
        time_s: track.time_s,
        space: plan.config.space,
        state: estimate.mean.iter().copied().collect(),
        covariance: (0..N).map(|row| estimate.covariance.row(row).iter().copied().collect()).collect(),
        model_probabilities: track.probability[..plan.models.len()].to_vec(),
        detections: track.named.as_slice().to_vec(),
        begun_from: track.origin.as_slice().to_vec(),
        coasting: track.coasted > 0,
        coasted_scans: track.coasted,
        age_scans: track.age,
        hits: track.hits,
        quality: track.quality(),
        range_m: seen[RANGE],
        range_rate_mps: seen[RANGE_RATE],
        azimuth_deg: (n_axes > 1).then(|| seen[AZIMUTH].to_degrees().rem_euclid(360.0)),
        elevation_deg: (n_axes > 2).then(|| seen[ELEVATION].to_degrees()),
        position,
    }
}
