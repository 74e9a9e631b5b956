//! Reports in, the common picture out.

use crate::bias::{Biases, Observation, StationBias};
use crate::config::FusionConfig;
use crate::error::FusionError;
use crate::joint::{Joint, Scan, Sight};
use crate::picture::{Candidate, Picture, Target};
use crate::place::{Covariance, Site, State, ahead, rows, seconds, timestamp};
use crate::types::{Contributor, DetectionReport, FusedTrack, LocalTrack, ScanEnd, StationInfo, TrackReport};
use crate::why::{Pair, Side, Why};
use rangegate_core::Timestamp;
use rangegate_tracking::gaussian::Gaussian;
use rangegate_tracking::{Geodetic, Measurement};
use std::collections::BTreeMap;

/// Fuses. Has no clock: the same reports, in any order within the hold time, give the same picture, bit for bit.
#[derive(Debug)]
pub struct Fuser {
    config: FusionConfig,
    sites: Vec<Site>,
    waiting: BTreeMap<Key, Event>,
    /// Nothing older is taken any more, ns.
    released_ns: i64,
    /// Scans that may not be complete yet, by station.
    open: Vec<Option<(i64, Scan)>>,
    /// The next picture, ns.
    next_ns: Option<i64>,
    joint: Joint,
    biases: Biases,
    /// Stations' own tracks as they last were.
    own: BTreeMap<OwnKey, Own>,
    picture: Picture,
    counts: FusionCounts,
}

/// Time, station, run, sort (detection, track, end of scan), number: the order in which events are worked off.
type Key = (i64, usize, u64, u8, u64);

/// Station, run and number of a station's own track.
pub(crate) type OwnKey = (usize, u64, u64);

#[derive(Clone, Debug)]
enum Event {
    Detection(Measurement),
    Track(Box<Own>),
    ScanEnd,
}

/// A station's own track.
#[derive(Clone, Debug)]
pub(crate) struct Own {
    pub estimate: Gaussian<6>,
    pub first_s: f64,
    pub time_s: f64,
    ended: bool,
    detections: Vec<u64>,
}

/// What was refused or came too late.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FusionCounts {
    /// Reports taken.
    pub taken: u64,
    /// Too late: their time had gone on already.
    pub late: u64,
    /// Of no station that is known, or of a kind that it does not share.
    pub unknown: u64,
    /// Not finite, or a covariance that is none.
    pub refused: u64,
}

/// Longest gap that is filled with pictures, s.
const GAP_MAX_S: f64 = 3_600.0;
/// A station's own track that was not reported for so long is over, s.
pub(crate) const OWN_MAX_S: f64 = 30.0;

/// Tracks that are farther apart, in gates, nobody would take for one target's.
pub const NEAR_GATES: f64 = 4.0;

impl Fuser {
    /// Checks settings and stations.
    ///
    /// # Errors
    /// What cannot be used: field, found, expected.
    pub fn new(config: &FusionConfig, stations: &[StationInfo]) -> Result<Self, FusionError> {
        config.check()?;
        if stations.is_empty() {
            return Err(FusionError::field("stations", "none", "one or more"));
        }
        for (i, station) in stations.iter().enumerate() {
            if stations[..i].iter().any(|other| other.name == station.name) {
                let field = format!("stations[{i}].name");
                return Err(FusionError::field(field, &station.name, "a name of its own"));
            }
        }
        let sites = stations
            .iter()
            .enumerate()
            .map(|(i, station)| Site::plan(station, i))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            joint: Joint::new(config, &sites)?,
            biases: Biases::new(&config.bias, &sites),
            open: vec![None; sites.len()],
            picture: Picture::new(config),
            config: config.clone(),
            sites,
            waiting: BTreeMap::new(),
            released_ns: i64::MIN,
            next_ns: None,
            own: BTreeMap::new(),
            counts: FusionCounts::default(),
        })
    }

    /// Takes a detection.
    pub fn push_detection(&mut self, report: &DetectionReport) {
        let Some(station) = self.station(&report.station).filter(|&at| self.sites[at].info.shares_detections)
        else {
            self.counts.unknown += 1;
            return;
        };
        let event = Event::Detection(report.measurement);
        self.push(report.time, station, report.boot, 0, report.number, event);
    }

    /// Takes the end of a scan.
    pub fn push_scan_end(&mut self, report: &ScanEnd) {
        let Some(station) = self.station(&report.station).filter(|&at| self.sites[at].info.shares_detections)
        else {
            self.counts.unknown += 1;
            return;
        };
        self.push(report.time, station, report.boot, 2, 0, Event::ScanEnd);
    }

    /// Takes a station's track. Of stations that share detections too, only these are fused; their tracks are named as
    /// contributors, and compared.
    pub fn push_track(&mut self, report: &TrackReport) {
        let Some(station) = self.station(&report.station) else {
            self.counts.unknown += 1;
            return;
        };
        let covariance =
            Covariance::from_fn(|i, j| 0.5 * (report.covariance[i][j] + report.covariance[j][i]));
        let state = State::from(report.state);
        let finite = state.iter().chain(covariance.iter()).all(|value| value.is_finite());
        if !finite
            || covariance.cholesky().is_none()
            || !(1e6..1e9).contains(&state.fixed_rows::<3>(0).norm())
        {
            self.counts.refused += 1;
            return;
        }
        let time_s = seconds(report.time);
        let own = Own {
            estimate: Gaussian { mean: state, covariance },
            first_s: time_s,
            time_s,
            ended: report.ended,
            detections: report.detections.clone(),
        };
        self.push(report.time, station, report.boot, 1, report.number, Event::Track(Box::new(own)));
    }

    fn station(&self, name: &str) -> Option<usize> {
        self.sites.iter().position(|site| site.info.name == name)
    }

    fn push(&mut self, time: Timestamp, station: usize, boot: u64, sort: u8, number: u64, event: Event) {
        let Ok(time_ns) = i64::try_from(time.as_nanosecond()) else {
            self.counts.refused += 1;
            return;
        };
        if time_ns < self.released_ns {
            self.counts.late += 1;
            return;
        }
        self.counts.taken += 1;
        self.waiting.insert((time_ns, station, boot, sort, number), event);
    }

    /// Works off what is older than `now` less the hold time, and gives the pictures of each step since the call before,
    /// in order of time: of each step its tracks by identity. Those that ended come once more, marked.
    pub fn advance(&mut self, now: Timestamp) -> Vec<FusedTrack> {
        let mut pictures = Vec::new();
        let hold_ns = (self.config.hold_s * 1e9) as i64;
        let Ok(now_ns) = i64::try_from(now.as_nanosecond()) else { return pictures };
        let mut until_ns = now_ns.saturating_sub(hold_ns);
        while let Some((&key, _)) = self.waiting.first_key_value() {
            let crowded = self.waiting.len() > self.config.waiting_max;
            if key.0 >= until_ns && !crowded {
                break;
            }
            until_ns = until_ns.max(key.0);
            let Some((key, event)) = self.waiting.pop_first() else { break };
            self.pictures_until(key.0, &mut pictures);
            self.close_scans(key.0);
            self.take(key, event);
        }
        if self.released_ns < until_ns {
            self.released_ns = until_ns;
            self.pictures_until(until_ns, &mut pictures);
            self.close_scans(until_ns);
        }
        pictures
    }

    fn take(&mut self, key: Key, event: Event) {
        let (time_ns, station, boot, _, number) = key;
        let step_ns = self.step_ns();
        self.next_ns.get_or_insert_with(|| (time_ns.div_euclid(step_ns) + 1) * step_ns);
        match event {
            Event::Track(own) => {
                let known = self.own.entry((station, boot, number)).or_insert_with(|| (*own).clone());
                let first_s = known.first_s;
                *known = Own { first_s, ..*own };
            }
            Event::ScanEnd | Event::Detection(_) => {
                let open = self.open[station].get_or_insert_with(|| {
                    let time_s = time_ns as f64 * 1e-9;
                    (time_ns, Scan { station, boot, time_s, detections: Vec::new() })
                });
                if let Event::Detection(mut measurement) = event {
                    // As it was at the time of the scan.
                    let later_s = (time_ns - open.0) as f64 * 1e-9;
                    if let (Some(range), Some(rate)) = (&mut measurement.range_m, measurement.range_rate_mps)
                    {
                        *range = (*range - rate * later_s).max(0.0);
                    }
                    open.1.detections.push((number, measurement));
                }
            }
        }
    }

    fn step_ns(&self) -> i64 {
        ((self.config.step_s * 1e9) as i64).max(1_000_000)
    }

    /// Gives scans to the joint tracker to which nothing is added any more, in order of time.
    fn close_scans(&mut self, until_ns: i64) {
        let same_ns = (self.config.same_scan_s * 1e9) as i64;
        loop {
            let oldest = (0..self.open.len())
                .filter_map(|at| self.open[at].as_ref().map(|open| (open.0, at)))
                .min()
                .filter(|&(time_ns, _)| time_ns + same_ns < until_ns);
            let Some((_, scan)) = oldest.and_then(|(_, at)| self.open[at].take()) else { return };
            for given in self.joint.scan(&self.sites, &self.biases, &scan) {
                if let Some(target) = self.picture.with(0, (0, given.track)) {
                    let accuracy = &self.sites[given.station].info.accuracy;
                    let seen = Observation::of(given.station, given.time_s, &given.measurement, accuracy);
                    self.biases.observe(target.id, seen);
                }
            }
        }
    }

    /// Makes the pictures of steps before a time.
    fn pictures_until(&mut self, until_ns: i64, pictures: &mut Vec<FusedTrack>) {
        let step_ns = self.step_ns();
        while let Some(next_ns) = self.next_ns.filter(|&next_ns| next_ns < until_ns) {
            self.close_scans(next_ns);
            self.make_picture(next_ns, pictures);
            let gap_ns = until_ns - next_ns;
            let skip = gap_ns as f64 * 1e-9 > GAP_MAX_S;
            self.next_ns =
                Some(if skip { until_ns.div_euclid(step_ns) * step_ns } else { next_ns + step_ns });
        }
    }

    fn make_picture(&mut self, time_ns: i64, pictures: &mut Vec<FusedTrack>) {
        let time_s = time_ns as f64 * 1e-9;
        // What is open was seen less than a moment before the picture; it counts in the next one.
        let mut candidates: Vec<Candidate> = self
            .joint
            .tracks(time_s)
            .into_iter()
            .map(|(id, estimate)| {
                let seen = &self.joint.seen[&id];
                Candidate { source: 0, member: (0, id), estimate, first_s: seen.first_s, last_s: seen.last_s }
            })
            .collect();
        self.own.retain(|_, own| !own.ended && time_s - own.time_s < OWN_MAX_S);
        for (&(station, boot, number), own) in &self.own {
            if self.sites[station].info.shares_detections || time_s - own.time_s > self.config.coast_s {
                continue;
            }
            let now = ahead(&own.estimate, time_s - own.time_s);
            let estimate = self.biases.corrected_track(&self.sites[station], station, &now).0;
            let (first_s, last_s) = (own.first_s, own.time_s);
            candidates.push(Candidate {
                source: 1 + station,
                member: (boot, number),
                estimate,
                first_s,
                last_s,
            });
        }
        let sites = &self.sites;
        let unseen = |estimate: &Gaussian<6>| !sites.iter().any(|site| site.sees(&estimate.mean));
        self.picture.step(time_s, self.config.step_s, &candidates, unseen);
        self.learn_biases(time_s);
        let hidden = |estimate: &Gaussian<6>| !self.sites.iter().any(|site| site.sees(&estimate.mean));
        let mut shown: Vec<FusedTrack> = Vec::new();
        for target in &self.picture.targets {
            // Where it would be seen, a target that is not seen is not shown either.
            if !target.members.is_empty() || hidden(&target.estimate) {
                shown.push(self.fused(target, time_ns, false));
            }
        }
        shown.extend(self.picture.ended.iter().map(|target| self.fused(target, time_ns, true)));
        shown.sort_by_key(|track| track.id);
        pictures.append(&mut shown);
    }

    fn learn_biases(&mut self, time_s: f64) {
        for target in &self.picture.targets {
            for (&source, &(boot, number)) in target.members.iter().filter(|(source, _)| **source > 0) {
                let Some(own) = self.own.get(&(source - 1, boot, number)) else { continue };
                if time_s - own.time_s < self.config.step_s {
                    let site = &self.sites[source - 1];
                    let seen = Observation::of_track(site, source - 1, own.time_s, &own.estimate);
                    self.biases.observe(target.id, seen);
                }
            }
        }
        let targets = &self.picture.targets;
        let state = |id| targets.iter().find(|target| target.id == id).map(|target| target.estimate.mean);
        self.biases.learn(&self.sites, time_s, state);
    }

    fn fused(&self, target: &Target, time_ns: i64, is_last: bool) -> FusedTrack {
        let mean = &target.estimate.mean;
        let at = |time_s: f64| timestamp((time_s * 1e9) as i64);
        FusedTrack {
            id: target.id,
            time: timestamp(time_ns),
            state: (*mean).into(),
            covariance: rows(&target.estimate.covariance),
            position: Geodetic::from_ecef_m(&mean.fixed_rows::<3>(0).into()),
            contributors: self.contributors(target),
            first_seen: at(target.first_s),
            last_seen: at(target.last_s),
            coasting: target.members.is_empty(),
            is_first: target.is_first,
            is_last,
            kind: target.kind,
        }
    }

    fn contributors(&self, target: &Target) -> Vec<Contributor> {
        let mut contributors = Vec::new();
        for (&source, &(boot, number)) in &target.members {
            if source > 0 {
                let station = self.sites[source - 1].info.name.clone();
                let own = self.own.get(&(source - 1, boot, number));
                let detections = own.map_or_else(Vec::new, |own| own.detections.clone());
                contributors.push(Contributor { station, boot, track: Some(number), detections });
                continue;
            }
            let Some(seen) = self.joint.seen.get(&number) else { continue };
            for (&station, sight) in &seen.by {
                if seen.last_s - sight.time_s > self.config.coast_s {
                    continue;
                }
                contributors.push(Contributor {
                    station: self.sites[station].info.name.clone(),
                    boot: sight.boot,
                    track: self.own_track_of(station, sight.boot, &sight.numbers),
                    detections: sight.numbers.clone(),
                });
            }
        }
        contributors.sort();
        contributors
    }

    /// The track that a station itself made of detections.
    fn own_track_of(&self, station: usize, boot: u64, detections: &[u64]) -> Option<u64> {
        let of_boot = self.own.range((station, boot, 0)..=(station, boot, u64::MAX));
        of_boot
            .filter(|(_, own)| detections.iter().any(|number| own.detections.contains(number)))
            .map(|(&(_, _, number), _)| number)
            .next()
    }

    /// Biases as they are known now, by station in the order given.
    pub fn biases(&self) -> &[StationBias] {
        &self.biases.known
    }

    /// Why two stations' tracks are, or are not, one target's; `None` where one of them is not known (any more).
    pub fn why(&self, one: &LocalTrack, other: &LocalTrack) -> Option<Why> {
        let side = |track: &LocalTrack| {
            let key = (self.station(&track.station)?, track.boot, track.number);
            Some((key, self.own.get(&key)?))
        };
        let (one, other) = (side(one)?, side(other)?);
        let target = self.target_of(one);
        let associated = target.is_some() && target == self.target_of(other);
        let pair = Pair::new(&self.sites, &self.biases, [one, other]);
        Some(pair.why(self.config.gate_sigmas, associated))
    }

    /// [`why`](Self::why) of all tracks of different stations that are, or might have been taken for, one target's:
    /// associated, or within four gates.
    pub fn whys(&self) -> Vec<Why> {
        let gate_sigmas = self.config.gate_sigmas;
        let sides = self.own.iter().map(|(&key, own)| (key, own));
        let tracks: Vec<(Side<'_>, Option<u64>)> = sides.map(|side| (side, self.target_of(side))).collect();
        let mut all = Vec::new();
        for (at, &(one, target)) in tracks.iter().enumerate() {
            // Tracks lie in order of their stations.
            for &(other, others) in tracks[at..].iter().filter(|(other, _)| other.0.0 > one.0.0) {
                let associated = target.is_some() && target == others;
                let pair = Pair::new(&self.sites, &self.biases, [one, other]);
                if associated || pair.distance_sigmas <= NEAR_GATES * gate_sigmas {
                    all.push(pair.why(gate_sigmas, associated));
                }
            }
        }
        all
    }

    /// The target that a station's own track belongs to.
    fn target_of(&self, ((station, boot, number), own): Side<'_>) -> Option<u64> {
        if !self.sites[station].info.shares_detections {
            return self.picture.with(1 + station, (boot, number)).map(|target| target.id);
        }
        let made =
            |sight: &Sight| sight.boot == boot && sight.numbers.iter().any(|of| own.detections.contains(of));
        let joint = self.joint.seen.iter().find(|(_, seen)| seen.by.get(&station).is_some_and(made))?.0;
        self.picture.with(0, (0, *joint)).map(|target| target.id)
    }

    /// What was refused or came too late.
    pub fn counts(&self) -> FusionCounts {
        self.counts
    }
}
