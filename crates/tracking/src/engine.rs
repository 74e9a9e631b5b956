//! One scan: predict, gate, associate, update, initiate, confirm, end. Confirmed tracks choose first, then tentative
//! ones among what is left, then points.

mod gate;
mod manage;

use crate::associate::{Association, Pair};
use crate::config::{Accuracy, Associator};
use crate::error::ScanError;
use crate::filter::View;
use crate::gaussian::{Gaussian, Matrix, Vector, cholesky, symmetric};
use crate::initiate::{Matcher, Point};
use crate::measurement::{ELEVATION, Measurement, Reading};
use crate::plan::{MODELS_MAX, TrackerPlan};
use crate::track::{Names, Track, Views};
use crate::tracker::ScanReport;
use std::sync::Arc;

/// What one dimension of state (N) and of measurement (M) needs.
pub(crate) struct Engine<const N: usize, const M: usize> {
    pub plan: Arc<TrackerPlan>,
    pub tracks: Vec<Track<N>>,
    /// Numbers of confirmed tracks that ended in the latest scan.
    pub ended: Vec<u64>,
    pub latest_s: Option<f64>,
    pub latest_station: usize,
    clutter: Vec<Clutter>,
    /// False tracks that may begin in the next scan of each station because it has just begun.
    at_start: Vec<f64>,
    next_id: u64,
    readings: Vec<Reading>,
    free: Vec<bool>,
    views: Vec<Views<N, M>>,
    pairs: Vec<Pair>,
    association: Association,
    points: Vec<Point>,
    matcher: Matcher,
    near: Vec<u32>,
}

/// False detections of a station, learnt.
#[derive(Clone, Copy, Debug)]
struct Clutter {
    per_scan: f64,
    scans: f64,
}

impl Clutter {
    /// What is assumed before anything was seen, and for how many scans it counts.
    const ASSUMED: Self = Self { per_scan: 10.0, scans: 2.0 };
    /// Scans over which it is learnt.
    const MEMORY: f64 = 50.0;

    fn learn(&mut self, unexplained: usize) {
        self.scans = (self.scans + 1.0).min(Self::MEMORY);
        self.per_scan += (unexplained as f64 - self.per_scan) / self.scans;
        self.per_scan = self.per_scan.max(0.1);
    }
}

/// Which tracks take part in a round of association.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Round {
    Confirmed,
    Tentative,
}

impl<const N: usize, const M: usize> Engine<N, M> {
    pub fn new(plan: &Arc<TrackerPlan>) -> Self {
        let clutter = plan
            .stations
            .iter()
            .map(|station| match station.false_per_scan {
                Some(per_scan) => Clutter { per_scan, ..Clutter::ASSUMED },
                None => Clutter::ASSUMED,
            })
            .collect();
        Self {
            plan: Arc::clone(plan),
            tracks: Vec::with_capacity(plan.config.limits.tracks.min(4_096)),
            ended: Vec::new(),
            latest_s: None,
            latest_station: 0,
            clutter,
            at_start: plan
                .stations
                .iter()
                .map(|station| plan.config.initiation.false_tracks_at_start * station.p_detect)
                .collect(),
            next_id: 1,
            readings: Vec::new(),
            free: Vec::new(),
            views: Vec::new(),
            pairs: Vec::new(),
            association: Association::default(),
            points: Vec::new(),
            matcher: Matcher::default(),
            near: Vec::new(),
        }
    }

    /// `sees` says whether the station could see a state.
    pub fn scan(
        &mut self,
        time_s: f64,
        station: usize,
        measurements: &[Measurement],
        sees: &dyn Fn(&[f64]) -> bool,
    ) -> Result<ScanReport, ScanError> {
        self.check(time_s, station)?;
        let mut report =
            ScanReport { time_s, station, detections: measurements.len(), ..ScanReport::default() };
        self.latest_s = Some(time_s);
        self.latest_station = station;
        self.ended.clear();
        self.take(station, measurements, &mut report);
        for track in &mut self.tracks {
            track.predict(&self.plan, time_s);
            track.named = Names::default();
        }
        self.round(Round::Confirmed, station, sees, &mut report);
        if self.plan.stations[station].false_per_scan.is_none() {
            self.clutter[station].learn(self.free.iter().filter(|&&free| free).count());
        }
        self.round(Round::Tentative, station, sees, &mut report);
        self.initiate(station, time_s, &mut report);
        self.manage(station, &mut report);
        report.false_per_scan = self.clutter[station].per_scan;
        Ok(report)
    }

    /// A confirmed track of the latest scan's time that others found.
    pub fn begin(&mut self, state: &[f64], covariance: &[Vec<f64>], detections: &[u64]) -> Option<u64> {
        let time_s = self.latest_s?;
        let estimate = given::<N>(state, covariance)?;
        if self.tracks.len() >= self.plan.config.limits.tracks {
            return None;
        }
        // Of the reading only its number and time count.
        let any = Measurement { range_m: Some(0.0), ..Measurement::default() };
        let reading = Reading::new(&any, &Accuracy::default(), self.plan.usable())?;
        let false_tracks = self.plan.config.initiation.false_tracks_per_scan;
        let point = Point { reading, station: self.latest_station, time_s, waited: 0, false_tracks };
        let mut track = Track::new(&self.plan, estimate, &point);
        (track.named, track.origin) = (Names::default(), Names::default());
        for &id in detections {
            track.named.push(id);
            track.origin.push(id);
        }
        track.score = (1.0 / false_tracks).ln().max(1.0);
        (track.hits, track.age, track.history) = (2, 2, 3);
        track.id = self.next_id;
        self.next_id += 1;
        self.tracks.push(track);
        Some(track.id)
    }

    /// Puts a confirmed track where it is said to be.
    pub fn correct(&mut self, track: u64, state: &[f64], covariance: &[Vec<f64>]) -> bool {
        let known = self.tracks.iter_mut().find(|of| of.is_confirmed() && of.id == track);
        let Some((track, estimate)) = known.zip(given::<N>(state, covariance)) else { return false };
        (track.estimate, track.modes) = (estimate, [estimate; MODELS_MAX]);
        true
    }

    /// Ends a track.
    pub fn end(&mut self, track: u64) -> bool {
        let before = self.tracks.len();
        self.tracks.retain(|other| track == 0 || other.id != track);
        self.tracks.len() < before
    }

    fn check(&self, time_s: f64, station: usize) -> Result<(), ScanError> {
        if !time_s.is_finite() {
            return Err(ScanError::Time { found: time_s });
        }
        if station >= self.plan.stations.len() {
            return Err(ScanError::Station { found: station, n_stations: self.plan.stations.len() });
        }
        if let Some(latest) = self.latest_s {
            if time_s < latest {
                return Err(ScanError::BackInTime { found: time_s, latest });
            }
            let longest_s = self.plan.config.limits.step_s;
            if time_s - latest > longest_s {
                return Err(ScanError::TooFar { found: time_s, latest, longest_s });
            }
        }
        Ok(())
    }

    /// Checks the measurements and orders them by range.
    fn take(&mut self, station: usize, measurements: &[Measurement], report: &mut ScanReport) {
        let usable = self.plan.usable();
        let accuracy = &self.plan.stations[station].accuracy;
        let limit = self.plan.config.limits.detections;
        self.readings.clear();
        for measurement in measurements {
            match Reading::new(measurement, accuracy, usable) {
                Some(reading) => self.readings.push(reading),
                None => report.refused += 1,
            }
        }
        if self.readings.len() > limit {
            report.dropped = self.readings.len() - limit;
            self.readings.sort_unstable_by(|a, b| b.snr_db.total_cmp(&a.snr_db).then_with(|| a.order(b)));
            self.readings.truncate(limit);
        }
        self.readings.sort_unstable_by(Reading::order);
        self.free.clear();
        self.free.resize(self.readings.len(), true);
    }

    /// Gates, associates and updates the tracks of one kind.
    fn round(
        &mut self,
        round: Round,
        station: usize,
        sees: &dyn Fn(&[f64]) -> bool,
        report: &mut ScanReport,
    ) {
        self.gate(round, station);
        let plan = &self.plan;
        let associator = match round {
            Round::Confirmed => plan.config.associator,
            // Tentative tracks that shared a detection would multiply.
            Round::Tentative => Associator::Gnn,
        };
        let (n_tracks, n_readings) = (self.tracks.len(), self.readings.len());
        let joint_events = plan.config.limits.joint_events;
        self.association.solve(associator, joint_events, n_tracks, n_readings, &mut self.pairs);

        let ln_miss = (1.0 - plan.stations[station].p_detect).ln();
        let mut from = 0;
        for (index, track) in self.tracks.iter_mut().enumerate() {
            let mut to = from;
            while to < self.pairs.len() && self.pairs[to].track as usize == index {
                to += 1;
            }
            let own = &self.pairs[from..to];
            from = to;
            if track.is_confirmed() != (round == Round::Confirmed) {
                continue;
            }
            let readings = &self.readings;
            let shares = own
                .iter()
                .filter(|pair| pair.share > 1e-4)
                .map(|pair| (&readings[pair.reading as usize], pair.share, pair.ln_likelihood));
            let seen: f64 = shares.clone().map(|share| share.1).sum();
            // Not to see what one cannot see says nothing.
            if seen <= 0.0 && !sees(track.estimate.mean.as_slice()) {
                continue;
            }
            track.age += 1;
            track.history <<= 1;
            match associator {
                Associator::Gnn => {
                    let weight: f64 = own.iter().map(|pair| pair.share * pair.weight).sum();
                    track.score += ln_miss + weight;
                }
                Associator::Jpda => track.score += ln_miss - (1.0 - seen).max(1e-9).ln(),
            }
            if seen > 0.0 {
                track.update(&self.views[index], plan.models.len(), &shares);
            }
            if seen > 0.5 {
                track.history |= 1;
                track.hits += 1;
                track.coasted = 0;
                report.associated += 1;
            } else {
                track.coasted += 1;
            }
            for pair in own.iter().filter(|pair| pair.share > 0.05) {
                track.named.push(self.readings[pair.reading as usize].id);
            }
        }
        self.claim();
    }

    /// Readings that are a track's rather than nobody's are no longer free.
    fn claim(&mut self) {
        for pair in &mut self.pairs {
            if pair.share > 0.2 {
                self.free[pair.reading as usize] = false;
            }
        }
    }

    /// Makes tentative tracks of points and readings, and new points of what is left.
    fn initiate(&mut self, station: usize, time_s: f64, report: &mut ScanReport) {
        let plan = Arc::clone(&self.plan);
        self.matcher.run(&plan, &self.points, &self.readings, &self.free, station, time_s);
        for index in 0..self.matcher.matches.len() {
            let pair = self.matcher.matches[index];
            let (point, reading) = (self.points[pair.point as usize], self.readings[pair.reading as usize]);
            let Some(track) = self.pair_up(&plan, &point, &reading, station, time_s) else { continue };
            self.free[pair.reading as usize] = false;
            self.points[pair.point as usize].waited = u32::MAX;
            if self.tracks.len() >= plan.config.limits.tracks {
                report.not_initiated += 1;
                continue;
            }
            self.tracks.push(track);
            report.initiated += 1;
        }
        let longest = plan.config.initiation.point_scans;
        self.points.retain_mut(|point| {
            if point.station == station && point.time_s < time_s {
                point.waited = point.waited.saturating_add(1);
            }
            point.waited < longest
        });
        // Of the targets that were there from the start each scan finds its share.
        let false_tracks = plan.config.initiation.false_tracks_per_scan + self.at_start[station];
        self.at_start[station] *= 1.0 - plan.stations[station].p_detect;
        for (reading, _) in self.readings.iter().zip(&self.free).filter(|(_, free)| **free) {
            if self.points.len() >= plan.config.limits.detections {
                report.not_initiated += 1;
                continue;
            }
            self.points.push(Point { reading: *reading, station, time_s, waited: 0, false_tracks });
        }
    }

    /// The tentative track of two detections, or `None` where the filter does not believe that they are one target's.
    fn pair_up(
        &self,
        plan: &TrackerPlan,
        point: &Point,
        reading: &Reading,
        station: usize,
        time_s: f64,
    ) -> Option<Track<N>> {
        let at = &plan.stations[station];
        let initiation = &plan.config.initiation;
        let mut begin = point.reading;
        let height = initiation.height.filter(|_| plan.n_axes == 3 && !begin.present[ELEVATION]);
        if let Some(height) = &height {
            height.complete(&mut begin);
        }
        let mut first: Gaussian<N> = at.geometry.invert(
            &begin,
            plan.n_axes,
            initiation.speed_max_mps,
            initiation.acceleration_max_mps2,
        )?;
        if let Some(height) = &height {
            height.level(&at.geometry.horizon_from_frame.row(2).transpose(), &mut first);
        }
        let mut track = Track::new(plan, first, point);
        track.predict(plan, time_s);
        let views = self.views_of(&track, station);
        let n_models = plan.models.len();
        let gate2 = plan.config.gate_sigmas.powi(2);
        let ln_likelihood = track.ln_likelihood(&views, n_models, reading, gate2)?;
        let ln_miss = (1.0 - at.p_detect).ln();
        let hit = at.p_detect.ln() + ln_likelihood - self.ln_clutter(station, reading);
        track.score = hit + f64::from(point.waited) * ln_miss;
        if track.score <= 0.0 {
            return None;
        }
        track.update(&views, n_models, &std::iter::once((reading, 1.0, ln_likelihood)));
        track.origin.push(reading.id);
        track.named = Names::default();
        track.named.push(reading.id);
        track.hits = 2;
        track.age = 2 + point.waited;
        track.history = 1 | (2 << point.waited.min(30));
        Some(track)
    }

    /// Logarithm of the density of false detections, of the components that a reading has.
    fn ln_clutter(&self, station: usize, reading: &Reading) -> f64 {
        let extent = &self.plan.stations[station].ln_extent;
        let volume: f64 = extent.iter().zip(reading.present).filter(|of| of.1).map(|of| of.0).sum();
        self.clutter[station].per_scan.ln() - volume
    }

    fn views_of(&self, track: &Track<N>, station: usize) -> Views<N, M> {
        let mut views = [View::empty(); MODELS_MAX];
        for (view, mode) in views.iter_mut().zip(&track.modes[..self.plan.models.len()]) {
            *view = View::of(
                track.filter(&self.plan),
                &self.plan.stations[station].geometry,
                mode,
                self.plan.n_axes,
            );
        }
        views
    }
}

/// State and covariance from outside; `None` where they are none.
fn given<const N: usize>(state: &[f64], covariance: &[Vec<f64>]) -> Option<Gaussian<N>> {
    let fits = state.len() == N && covariance.len() == N && covariance.iter().all(|row| row.len() == N);
    if !fits || !state.iter().all(|value| value.is_finite()) {
        return None;
    }
    let estimate = Gaussian {
        mean: Vector::from_fn(|i, _| state[i]),
        covariance: symmetric(&Matrix::from_fn(|i, j| covariance[i][j])),
    };
    cholesky(&estimate.covariance)?;
    Some(estimate)
}
