//! Tracks that begin from ranges alone: two stations without azimuth.
//!
//! Two ranges, two range rates and a height that targets have give a position and a velocity, or two beside the baseline.
//! But of n targets each range of one station goes with each of the other, and at one time every pair fits perfectly. So
//! each station's ranges are tracked by themselves, each pair of such tracks becomes a hypothesis in each place where it
//! may be, and is followed: a pair of different targets, or a mirror image, does not move as targets do. One is believed
//! once it has lasted, fits well, and fits better than every other that needs one of the same two.

use crate::config::FusionConfig;
use crate::error::FusionError;
use crate::joint::Scan;
use crate::place::{Covariance, Site, State};
use nalgebra::{SVector, Vector3};
use rangegate_tracking::filter::View;
use rangegate_tracking::gaussian::Gaussian;
use rangegate_tracking::measurement::Reading;
use rangegate_tracking::motion::Motion;
use rangegate_tracking::{
    Accuracy, Filter, HeightPrior, InitiationConfig, Measurement, Space, StationConfig, TrackState, Tracker,
    TrackerPlan, TrackingConfig,
};
use std::collections::BTreeMap;

/// A hypothesis must have lasted this long, s, …
const PROVED_S: f64 = 8.0;
/// … with this many detections …
const PROVED_HITS: u32 = 8;
/// … whose mean squared distance (of two components, so that 2 is expected) is below this …
const FIT_MEAN: f64 = 3.5;
/// … and be better than its rivals by this much.
const MARGIN: f64 = 12.0;
/// A hypothesis with a worse mean, after four, is none.
const FIT_WORST: f64 = 7.0;
/// Hypotheses at a time.
const HYPOTHESES_MAX: usize = 4_000;

/// A range track of a station: station, number.
type RangeTrack = (usize, u64);

struct Hypothesis {
    tracks: [RangeTrack; 2],
    estimate: Gaussian<6>,
    time_s: f64,
    began_s: f64,
    hits: u32,
    misfit: f64,
}

/// A range track as of its station's latest scan.
struct Current {
    range_m: f64,
    range_rate_mps: f64,
    time_s: f64,
    /// Since when no joint track explains its detections.
    unexplained: u32,
}

pub(crate) struct Pairs {
    height: HeightPrior,
    speed_max_mps: f64,
    trackers: Vec<Tracker>,
    current: BTreeMap<RangeTrack, Current>,
    hypotheses: Vec<Hypothesis>,
}

impl Pairs {
    pub fn new(config: &FusionConfig, sites: &[Site]) -> Result<Self, FusionError> {
        let tracker = |site: &Site| {
            let rate = site.info.range_rate_max_mps;
            let [near, far] = site.info.coverage.range_m;
            let station = StationConfig {
                detection_probability: site.info.detection_probability.clamp(0.05, 0.99),
                range_m: [near, far.min(1e8)],
                range_rate_mps: [-rate, rate],
                ..StationConfig::default()
            };
            let initiation =
                InitiationConfig { speed_max_mps: config.speed_max_mps, ..InitiationConfig::default() };
            let tracking = TrackingConfig {
                space: Space::Range,
                stations: vec![station],
                initiation,
                ..TrackingConfig::default()
            };
            Ok(Tracker::new(&TrackerPlan::new(&tracking)?))
        };
        Ok(Self {
            height: config.height,
            speed_max_mps: config.speed_max_mps,
            trackers: sites.iter().map(tracker).collect::<Result<_, FusionError>>()?,
            current: BTreeMap::new(),
            hypotheses: Vec::new(),
        })
    }

    /// Takes a scan, and which of its detections a track has; gives the targets that are believed from now on.
    pub fn scan(
        &mut self,
        sites: &[Site],
        scan: &Scan,
        measurements: &[Measurement],
        claimed: &[bool],
    ) -> Vec<Gaussian<6>> {
        let ranges_only = |of: &&Measurement| of.azimuth_deg.is_none() && of.range_rate_mps.is_some();
        let own: Vec<Measurement> = measurements.iter().filter(ranges_only).copied().collect();
        let idle = own.is_empty() && !self.current.keys().any(|of| of.0 == scan.station);
        if idle || self.trackers[scan.station].scan(scan.time_s, 0, &own).is_err() {
            return Vec::new();
        }
        let states: Vec<TrackState> = self.trackers[scan.station].tracks().collect();
        self.note(scan, &states, claimed);
        for state in &states {
            let measured = state.detections.first().and_then(|&id| measurements.get(id as usize));
            if let Some(measured) = measured {
                self.follow(sites, (scan.station, state.track), scan.time_s, measured);
            }
        }
        let current = &self.current;
        self.hypotheses.retain(|of| {
            of.tracks.iter().all(|track| current.get(track).is_some_and(|now| now.unexplained > 0))
                && (of.hits < 4 || of.misfit / f64::from(of.hits) < FIT_WORST)
        });
        self.suppose(sites, scan);
        self.believe(scan.time_s)
    }

    fn note(&mut self, scan: &Scan, states: &[TrackState], claimed: &[bool]) {
        let station = scan.station;
        self.current.retain(|of, _| of.0 != station || states.iter().any(|state| state.track == of.1));
        for state in states {
            let explained = state.detections.iter().any(|&id| claimed.get(id as usize) == Some(&true));
            let before = self.current.get(&(station, state.track)).map_or(0, |now| now.unexplained);
            let now = Current {
                range_m: state.range_m,
                range_rate_mps: state.range_rate_mps,
                time_s: scan.time_s,
                unexplained: if explained { 0 } else { before + 1 },
            };
            self.current.insert((station, state.track), now);
        }
    }

    /// Takes a detection of a range track into all hypotheses with it.
    fn follow(&mut self, sites: &[Site], track: RangeTrack, time_s: f64, measured: &Measurement) {
        let site = &sites[track.0];
        let Some(reading) = Reading::new(measured, &site.info.accuracy, [true, true, false, false]) else {
            return;
        };
        let motion = Motion::NearlyConstantVelocity { psd: 0.3, acceleration_mps2: 0.0 };
        for of in self.hypotheses.iter_mut().filter(|of| of.tracks.contains(&track)) {
            if time_s <= of.time_s - 1e-9 {
                continue;
            }
            let predicted = rangegate_tracking::filter::predict(
                Filter::Extended,
                &motion,
                &of.estimate,
                3,
                time_s - of.time_s,
            );
            let view = View::<6, 4>::of(Filter::Unscented, &site.geometry, &predicted, 3);
            let Some(innovation) = view.innovation(&reading) else { continue };
            of.estimate = view.updated(&predicted, &reading, &innovation);
            of.time_s = time_s;
            of.hits += 1;
            of.misfit += innovation.distance2.min(100.0);
        }
    }

    /// Adds hypotheses of pairs that have none.
    fn suppose(&mut self, sites: &[Site], scan: &Scan) {
        let fresh: Vec<(RangeTrack, &Current)> = self
            .current
            .iter()
            .filter(|(_, now)| now.unexplained >= 2)
            .map(|(&track, now)| (track, now))
            .collect();
        let mut begun = Vec::new();
        for (at, (one, first)) in fresh.iter().enumerate() {
            for (other, second) in &fresh[at + 1..] {
                let pair = [*one, *other];
                let known = one.0 == other.0 || !pair.iter().any(|track| track.0 == scan.station);
                if known || self.hypotheses.iter().any(|of| of.tracks == pair) {
                    continue;
                }
                for estimate in self.places(sites, pair, [first, second], scan.time_s) {
                    let (time_s, hits, misfit) = (scan.time_s, 0, 0.0);
                    begun.push(Hypothesis { tracks: pair, estimate, time_s, began_s: time_s, hits, misfit });
                }
            }
        }
        let room = HYPOTHESES_MAX.saturating_sub(self.hypotheses.len());
        begun.truncate(room);
        self.hypotheses.append(&mut begun);
    }

    /// Where a target with two ranges and range rates may be: in both coverages, no faster than targets are.
    fn places(
        &self,
        sites: &[Site],
        pair: [RangeTrack; 2],
        current: [&Current; 2],
        time_s: f64,
    ) -> Vec<Gaussian<6>> {
        let ends = pair.map(|track| &sites[track.0]);
        let up = ends[0].geometry.horizon_from_frame.row(2).transpose();
        let here = ends[0].geometry.receiver_m;
        let mut measured = SVector::<f64, 6>::zeros();
        let mut variance = SVector::<f64, 6>::zeros();
        for (i, now) in current.iter().enumerate() {
            let accuracy: &Accuracy = &ends[i].info.accuracy;
            measured[2 * i] = now.range_m + now.range_rate_mps * (time_s - now.time_s);
            measured[2 * i + 1] = now.range_rate_mps;
            variance[2 * i] = accuracy.range_m.powi(2);
            variance[2 * i + 1] = accuracy.range_rate_mps.powi(2) + 1.0;
        }
        let band_m = 0.2 * measured[0].min(measured[2]);
        measured[4] = self.height.mean_m.clamp(-band_m, band_m);
        variance[4] = self.height.sigma_m.min(1.25 * band_m).powi(2);
        variance[5] = self.height.climb_sigma_mps.powi(2);
        let baseline = ends[1].geometry.receiver_m - here;
        let beside = baseline.cross(&up);
        if beside.norm() < 1.0 {
            return Vec::new();
        }
        let mut places: Vec<Gaussian<6>> = Vec::new();
        for side in [1.0, -1.0] {
            let start: Vector3<f64> =
                here + baseline * 0.5 + beside.normalize() * (side * measured[0]) + up * measured[4];
            let mut state = State::zeros();
            state.fixed_rows_mut::<3>(0).copy_from(&start);
            let Some(place) = solve(ends, &up, state, &measured, &variance) else { continue };
            let good = ends.iter().all(|site| site.sees(&place.mean))
                && place.mean.fixed_rows::<3>(3).norm() < self.speed_max_mps;
            let new = places.iter().all(|of| (of.mean - place.mean).fixed_rows::<3>(0).norm() > 10.0);
            if good && new {
                places.push(place);
            }
        }
        places
    }

    /// What has proved itself.
    fn believe(&mut self, time_s: f64) -> Vec<Gaussian<6>> {
        let mut believed: Vec<usize> = Vec::new();
        for (at, of) in self.hypotheses.iter().enumerate() {
            let proved = of.hits >= PROVED_HITS
                && time_s - of.began_s >= PROVED_S
                && of.misfit / f64::from(of.hits) < FIT_MEAN;
            // Per detection, because rivals may be younger.
            let mean = of.misfit / f64::from(of.hits.max(1));
            let rival = |(k, other): (usize, &Hypothesis)| {
                k != at
                    && other.tracks.iter().any(|track| of.tracks.contains(track))
                    && (other.misfit / f64::from(other.hits.max(1)) - mean) * f64::from(of.hits) < MARGIN
            };
            if proved && of.time_s >= time_s && !self.hypotheses.iter().enumerate().any(rival) {
                believed.push(at);
            }
        }
        let found: Vec<Gaussian<6>> = believed.iter().map(|&at| self.hypotheses[at].estimate).collect();
        let taken: Vec<RangeTrack> = believed.iter().flat_map(|&at| self.hypotheses[at].tracks).collect();
        self.hypotheses.retain(|of| !of.tracks.iter().any(|track| taken.contains(track)));
        for track in taken {
            if let Some(now) = self.current.get_mut(&track) {
                now.unexplained = 0;
            }
        }
        found
    }
}

/// Six equations with six unknowns, by Gauss and Newton: two ranges, two range rates, height, climb.
fn solve(
    ends: [&Site; 2],
    up: &Vector3<f64>,
    start: State,
    measured: &SVector<f64, 6>,
    variance: &SVector<f64, 6>,
) -> Option<Gaussian<6>> {
    let mut state = start;
    let mut inverse = Covariance::zeros();
    for _ in 0..20 {
        let mut jacobian = Covariance::zeros();
        let mut residual = SVector::<f64, 6>::zeros();
        for (i, site) in ends.iter().enumerate() {
            let (value, by_state) = site.geometry.observe::<6, 4>(&state, 3);
            for c in 0..2 {
                residual[2 * i + c] = measured[2 * i + c] - value[c];
                jacobian.set_row(2 * i + c, &by_state.row(c));
            }
        }
        let above = state.fixed_rows::<3>(0) - ends[0].geometry.receiver_m;
        residual[4] = measured[4] - up.dot(&above);
        residual[5] = -up.dot(&state.fixed_rows::<3>(3));
        for i in 0..3 {
            jacobian[(4, i)] = up[i];
            jacobian[(5, 3 + i)] = up[i];
        }
        inverse = jacobian.try_inverse()?;
        let mut step = inverse * residual;
        // Far from the solution no farther than the range itself.
        let far = step.fixed_rows::<3>(0).norm() / measured[0].max(1.0);
        if far > 0.5 {
            step *= 0.5 / far;
        }
        state += step;
        if step.fixed_rows::<3>(0).norm() < 0.01 {
            break;
        }
    }
    let last = ends.map(|site| site.geometry.expected::<6, 4>(&state, 3)[0]);
    let solved = (last[0] - measured[0]).abs() < 10.0 && (last[1] - measured[2]).abs() < 10.0;
    let covariance = inverse * Covariance::from_diagonal(variance) * inverse.transpose();
    let sound = covariance.iter().all(|value| value.is_finite()) && covariance.trace() < 1e12;
    (solved && sound)
        .then_some(Gaussian { mean: state, covariance: (covariance + covariance.transpose()) * 0.5 })
}
