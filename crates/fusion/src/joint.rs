//! Joint localisation: one tracker over the detections of all stations that share them.

use crate::bias::Biases;
use crate::config::FusionConfig;
use crate::error::FusionError;
use crate::heights::{Heights, motions};
use crate::pairs::Pairs;
use crate::place::{Site, State, covers, distance2};
use nalgebra::SMatrix;
use rangegate_tracking::gaussian::Gaussian;
use rangegate_tracking::measurement::Reading;
use rangegate_tracking::motion::Motion;
use rangegate_tracking::{
    Accuracy, DeletionConfig, Geodetic, HeightPrior, InitiationConfig, LimitsConfig, Measurement,
    ModelConfig, PositionConfig, Space, StationConfig, TrackState, Tracker, TrackerPlan, TrackingConfig,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// One scan of a station, raw.
#[derive(Clone, Debug)]
pub(crate) struct Scan {
    pub station: usize,
    pub boot: u64,
    pub time_s: f64,
    pub detections: Vec<(u64, Measurement)>,
}

/// What is known of a track besides its state.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    pub first_s: f64,
    pub last_s: f64,
    /// The latest detections by station: when, in which run, which, and what was measured.
    pub by: BTreeMap<usize, Sight>,
    /// Scans in which another track was as near as if it were the same, and only one of both was detected.
    alone: u32,
    hits: u32,
}

/// Detections that a station's scan gave a track.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sight {
    pub time_s: f64,
    pub boot: u64,
    pub numbers: Vec<u64>,
}

/// A detection that was given to a track for sure.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Given {
    pub track: u64,
    pub station: usize,
    pub time_s: f64,
    pub measurement: Measurement,
}

pub(crate) struct Joint {
    plan: Arc<TrackerPlan>,
    tracker: Tracker,
    /// Numbers of the tracker before this one, so that numbers do not come back.
    base: u64,
    next: u64,
    pub seen: BTreeMap<u64, Seen>,
    /// From scan to scan, s, by station.
    period_s: Vec<f64>,
    last_scan_s: Vec<Option<f64>>,
    coast_s: f64,
    pairs: Pairs,
    /// Where tracks may be of stations without elevation.
    heights: BTreeMap<u64, Heights>,
    prior: HeightPrior,
    motions: Vec<Motion>,
}

impl std::fmt::Debug for Joint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Joint").field("seen", &self.seen).finish_non_exhaustive()
    }
}

/// A duplicate ends after so many scans in which only one of the two was detected.
const ALONE_SCANS: u32 = 4;
/// A track of no more detections than these is new.
const FRESH_HITS: u32 = 4;
/// Two tracks nearer than this may be one target's, standard deviations.
const TWIN_SIGMAS: f64 = 3.5;

impl Joint {
    pub fn new(config: &FusionConfig, sites: &[Site]) -> Result<Self, FusionError> {
        let tracking = tracking(config, sites);
        let plan = TrackerPlan::new(&tracking)?;
        let tracker = Tracker::new(&plan);
        // One station's detections say nothing of heights.
        let several = sites.iter().filter(|site| site.info.shares_detections).count() > 1;
        Ok(Self {
            plan,
            tracker,
            base: 0,
            next: 1,
            seen: BTreeMap::new(),
            period_s: vec![1.0; sites.len()],
            last_scan_s: vec![None; sites.len()],
            coast_s: config.coast_s,
            pairs: Pairs::new(config, sites)?,
            heights: BTreeMap::new(),
            prior: config.height,
            motions: if several { motions(&tracking.models).unwrap_or_default() } else { Vec::new() },
        })
    }

    /// Works off a scan; gives what each track took of it, raw.
    pub fn scan(&mut self, sites: &[Site], biases: &Biases, scan: &Scan) -> Vec<Given> {
        let site = &sites[scan.station];
        self.learn_period(scan);
        let corrected: Vec<Measurement> = scan
            .detections
            .iter()
            .enumerate()
            .map(|(i, (_, raw))| Measurement {
                id: i as u64,
                ..biases.corrected(scan.station, raw, &site.info.accuracy)
            })
            .collect();
        let (geometry, coverage) = (&site.geometry, &site.info.coverage);
        let sees = |state: &[f64]| covers(geometry, coverage, &State::from_column_slice(&state[..6]));
        if self.tracker.scan_where(scan.time_s, scan.station, &corrected, &sees).is_err() {
            // So long after the latest scan that nothing of the old tracks holds.
            self.tracker = Tracker::new(&self.plan);
            self.base = self.next;
            self.seen.clear();
            self.heights.clear();
            let _ = self.tracker.scan_where(scan.time_s, scan.station, &corrected, &sees);
        }
        let states: Vec<TrackState> = self.tracker.tracks().collect();
        let given = self.note(scan, &states);
        self.localise(site, scan, &corrected, &states);
        let states: Vec<TrackState> = self.tracker.tracks().collect();
        self.end_duplicates(&states);
        self.end_unseen(scan.time_s);
        self.find_pairs(sites, scan, &corrected, &states);
        given
    }

    fn learn_period(&mut self, scan: &Scan) {
        let last = self.last_scan_s[scan.station].replace(scan.time_s);
        if let Some(step_s) = last.map(|last| scan.time_s - last).filter(|&step_s| step_s > 0.0) {
            let period = &mut self.period_s[scan.station];
            *period += 0.2 * (step_s.min(60.0) - *period);
        }
    }

    /// Who was seen.
    fn note(&mut self, scan: &Scan, states: &[TrackState]) -> Vec<Given> {
        let mut given = Vec::new();
        for state in states {
            let id = self.base + state.track;
            self.next = self.next.max(id + 1);
            if state.detections.is_empty() {
                continue;
            }
            let seen =
                self.seen.entry(id).or_insert_with(|| Seen { first_s: scan.time_s, ..Seen::default() });
            seen.last_s = scan.time_s;
            seen.hits += 1;
            let at = |&id: &u64| scan.detections.get(id as usize);
            let numbers: Vec<u64> = state.detections.iter().filter_map(at).map(|of| of.0).collect();
            if let ([only], true) = (state.detections.as_slice(), numbers.len() == 1) {
                let measurement = scan.detections[*only as usize].1;
                given.push(Given { track: id, station: scan.station, time_s: scan.time_s, measurement });
            }
            seen.by.insert(scan.station, Sight { time_s: scan.time_s, boot: scan.boot, numbers });
        }
        let alive = |id: &u64| states.iter().any(|state| self.base + state.track == *id);
        let gone: Vec<u64> = self.seen.keys().filter(|id| !alive(id)).copied().collect();
        for id in gone {
            self.seen.remove(&id);
        }
        given
    }

    /// Gives what was measured to those who know heights, and tells the tracker where its tracks are.
    fn localise(&mut self, site: &Site, scan: &Scan, corrected: &[Measurement], states: &[TrackState]) {
        if self.motions.is_empty() {
            return;
        }
        let (seen, time_s) = (&self.seen, scan.time_s);
        self.heights.retain(|id, _| seen.contains_key(id));
        for state in states {
            let id = self.base + state.track;
            let measured = state.detections.first().and_then(|&at| corrected.get(at as usize));
            let Some(measured) = measured else { continue };
            let moves = &state.model_probabilities;
            if let Some(heights) = self.heights.get_mut(&id) {
                let Some(reading) = Reading::new(measured, &site.info.accuracy, [true; 4]) else { continue };
                heights.take(site, &reading, &self.prior, &self.motions, time_s, moves);
            } else if state.hits <= FRESH_HITS
                && measured.azimuth_deg.is_some()
                && measured.elevation_deg.is_none()
            {
                let tracked = gaussian(state);
                let Some(heights) = Heights::suppose(site, &self.prior, &tracked, time_s, moves) else {
                    continue;
                };
                self.heights.insert(id, heights);
            }
            let Some(best) = self.heights.get(&id).and_then(Heights::likeliest) else { continue };
            let covariance: Vec<Vec<f64>> =
                (0..6).map(|i| best.covariance.row(i).iter().copied().collect()).collect();
            self.tracker.correct(state.track, best.mean.as_slice(), &covariance);
        }
    }

    /// Of two tracks that are as near as if they were one, and of which each scan detects only one, the junior ends:
    /// two targets would be detected together.
    fn end_duplicates(&mut self, states: &[TrackState]) {
        let estimates: Vec<Gaussian<6>> = states.iter().map(gaussian).collect();
        let mut order: Vec<usize> = (0..states.len()).collect();
        order.sort_by(|&a, &b| estimates[a].mean[0].total_cmp(&estimates[b].mean[0]));
        let mut ended = Vec::new();
        for (at, &i) in order.iter().enumerate() {
            for &k in &order[at + 1..] {
                let reach = TWIN_SIGMAS
                    * 2.0
                    * estimates[i].covariance[(0, 0)].max(estimates[k].covariance[(0, 0)]).sqrt();
                if estimates[k].mean[0] - estimates[i].mean[0] > reach.max(2e4) {
                    break;
                }
                let (a, b) = (self.base + states[i].track, self.base + states[k].track);
                let Some((one, other)) = self.seen.get(&a).zip(self.seen.get(&b)) else { continue };
                let junior = if (one.hits, b) < (other.hits, a) { a } else { b };
                let detected = (!states[i].detections.is_empty(), !states[k].detections.is_empty());
                let near = distance2(&estimates[i], &estimates[k]) < TWIN_SIGMAS * TWIN_SIGMAS;
                let Some(seen) = self.seen.get_mut(&junior) else { continue };
                match (near, detected) {
                    (true, (true, false) | (false, true)) => seen.alone += 1,
                    (_, (true, true)) => seen.alone = 0,
                    _ => {}
                }
                if near && seen.alone >= ALONE_SCANS {
                    ended.push(junior);
                }
            }
        }
        for id in ended {
            self.end(id);
        }
    }

    fn end_unseen(&mut self, time_s: f64) {
        let unseen = |seen: &Seen| {
            let period_s = seen.by.keys().map(|&station| self.period_s[station]).fold(0.0, f64::max);
            time_s - seen.last_s > self.coast_s.max(4.0 * period_s)
        };
        let ended: Vec<u64> = self.seen.iter().filter(|(_, seen)| unseen(seen)).map(|(id, _)| *id).collect();
        for id in ended {
            self.end(id);
        }
    }

    fn end(&mut self, id: u64) {
        self.tracker.end(id - self.base);
        self.seen.remove(&id);
    }

    /// Ranges without azimuth begin tracks in pairs.
    fn find_pairs(&mut self, sites: &[Site], scan: &Scan, corrected: &[Measurement], states: &[TrackState]) {
        let mut claimed = vec![false; corrected.len()];
        for id in states.iter().flat_map(|state| &state.detections) {
            if let Some(claimed) = claimed.get_mut(*id as usize) {
                *claimed = true;
            }
        }
        for found in self.pairs.scan(sites, scan, corrected, &claimed) {
            let covariance: Vec<Vec<f64>> =
                (0..6).map(|i| found.covariance.row(i).iter().copied().collect()).collect();
            let Some(track) = self.tracker.begin(found.mean.as_slice(), &covariance, &[]) else { continue };
            let id = self.base + track;
            self.next = self.next.max(id + 1);
            let seen = Seen { first_s: scan.time_s, last_s: scan.time_s, hits: 2, ..Seen::default() };
            self.seen.insert(id, seen);
        }
    }

    /// The tracks as they are at a time not before the latest scan.
    pub fn tracks(&self, time_s: f64) -> Vec<(u64, Gaussian<6>)> {
        let at = |state: TrackState| {
            let id = self.base + state.track;
            if let Some(there) = self.heights.get(&id).and_then(|of| of.at(&self.motions, time_s)) {
                return Some((id, there));
            }
            let then = self.tracker.predicted(state.track, time_s)?;
            Some((id, gaussian(&then)))
        };
        self.tracker.tracks().filter_map(at).filter(|(id, _)| self.seen.contains_key(id)).collect()
    }
}

pub(crate) fn gaussian(state: &TrackState) -> Gaussian<6> {
    Gaussian {
        mean: State::from_column_slice(&state.state[..6]),
        covariance: SMatrix::from_fn(|i, j| state.covariance[i][j]),
    }
}

fn position(place: &Geodetic) -> PositionConfig {
    PositionConfig {
        latitude_deg: Some(place.latitude_deg),
        longitude_deg: Some(place.longitude_deg),
        height_m: Some(place.height_m),
        ..PositionConfig::default()
    }
}

/// Straight on, falling freely, and with much acceleration: aircraft, satellites, rockets.
fn default_models() -> Vec<ModelConfig> {
    vec![
        ModelConfig::NearlyConstantVelocity { acceleration_psd_m2ps3: 0.3, sojourn_s: 60.0 },
        ModelConfig::FreeFlight { acceleration_psd_m2ps3: 1e-2, sojourn_s: 300.0 },
        ModelConfig::FreeFlight { acceleration_psd_m2ps3: 300.0, sojourn_s: 10.0 },
    ]
}

fn tracking(config: &FusionConfig, sites: &[Site]) -> TrackingConfig {
    let models = if config.models.is_empty() { default_models() } else { config.models.clone() };
    let station = |site: &Site| {
        let info = &site.info;
        let [near, far] = info.coverage.range_m;
        let wide: f64 = info
            .coverage
            .azimuth_deg
            .iter()
            .map(|[from, to]| if to - from >= 360.0 { 360.0 } else { (to - from).rem_euclid(360.0) })
            .sum();
        StationConfig {
            name: info.name.clone(),
            position: position(&info.position),
            transmitter: info.transmitter.as_ref().map(position),
            less_baseline: info.less_baseline,
            accuracy: usable(&info.accuracy),
            detection_probability: info.detection_probability.clamp(0.05, 0.99),
            false_per_scan: None,
            range_m: [near, far.min(1e8)],
            range_rate_mps: [-info.range_rate_max_mps, info.range_rate_max_mps],
            azimuth_deg: [0.0, if wide > 0.0 { wide.min(360.0) } else { 360.0 }],
            elevation_deg: info.coverage.elevation_deg,
        }
    };
    TrackingConfig {
        space: Space::Earth,
        models,
        stations: sites.iter().map(station).collect(),
        gate_sigmas: config.gate_sigmas,
        initiation: InitiationConfig {
            speed_max_mps: config.speed_max_mps,
            height: Some(config.height),
            ..InitiationConfig::default()
        },
        deletion: DeletionConfig { coast_scans: 10_000, ..DeletionConfig::default() },
        limits: LimitsConfig::default(),
        ..TrackingConfig::default()
    }
}

/// Deviations of what a station does not measure are asked for all the same.
fn usable(accuracy: &Accuracy) -> Accuracy {
    let positive =
        |value: f64, otherwise: f64| if value > 0.0 && value.is_finite() { value } else { otherwise };
    Accuracy {
        range_m: positive(accuracy.range_m, 100.0),
        range_rate_mps: positive(accuracy.range_rate_mps, 10.0),
        azimuth_deg: positive(accuracy.azimuth_deg, 5.0),
        elevation_deg: positive(accuracy.elevation_deg, 5.0),
    }
}
