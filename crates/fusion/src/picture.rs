//! The common picture: which sources' tracks are one target's, and one identity for each target, for ever.
//!
//! A source is the joint tracker, or a station of which only tracks are shared. A target has at most one track of each.
//! When its last one ends, the identity waits, going on as the target should, for a track that fits: of another station,
//! or of the same.

use crate::combine::intersection;
use crate::config::FusionConfig;
use crate::orbit::Orbit;
use crate::place::{ATMOSPHERE_M, ahead, distance2, height_m};
use crate::types::Kind;
use pathfinding::kuhn_munkres::kuhn_munkres_min;
use pathfinding::matrix::Matrix;
use rangegate_tracking::gaussian::Gaussian;
use std::collections::BTreeMap;

/// 0 is the joint tracker, 1 + n station n.
pub(crate) type Source = usize;
/// A source's track: for stations run and number.
pub(crate) type Member = (u64, u64);

/// A source's track at the picture's time, biases corrected.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Candidate {
    pub source: Source,
    pub member: Member,
    pub estimate: Gaussian<6>,
    pub first_s: f64,
    pub last_s: f64,
}

/// A target.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub id: u64,
    pub estimate: Gaussian<6>,
    pub members: BTreeMap<Source, Member>,
    pub first_s: f64,
    pub last_s: f64,
    pub kind: Kind,
    pub is_first: bool,
    /// Steps for which a member did not fit, by source.
    astray: BTreeMap<Source, u32>,
    /// A target that may be the same, and for how many steps.
    twin: (u64, u32),
    /// For how long nobody saw it where somebody should, s.
    missed_s: f64,
    /// Specific energies of the latest steps: time, energy, deviation.
    energies: Vec<(f64, f64, f64)>,
}

#[derive(Debug)]
pub(crate) struct Picture {
    gate2: f64,
    memory_s: f64,
    memory_free_flight_s: f64,
    next_id: u64,
    pub targets: Vec<Target>,
    /// Given up in the latest step.
    pub ended: Vec<Target>,
}

/// Steps for which a member may be astray, and two targets must be near.
const ASTRAY_STEPS: u32 = 4;
const TWIN_STEPS: u32 = 3;

impl Picture {
    pub fn new(config: &FusionConfig) -> Self {
        Self {
            gate2: config.gate_sigmas.powi(2),
            memory_s: config.memory_s,
            memory_free_flight_s: config.memory_free_flight_s,
            next_id: 1,
            targets: Vec::new(),
            ended: Vec::new(),
        }
    }

    /// Goes on by `step_s` to `time_s`, with all tracks that there are then. `hidden` says that nobody could see a state.
    pub fn step(
        &mut self,
        time_s: f64,
        step_s: f64,
        candidates: &[Candidate],
        hidden: impl Fn(&Gaussian<6>) -> bool,
    ) {
        self.ended.clear();
        let find = |source: Source, member: Member| {
            candidates.iter().find(|of| of.source == source && of.member == member)
        };
        let gate2 = self.gate2;
        for target in &mut self.targets {
            target.is_first = false;
            target.estimate = ahead(&target.estimate, step_s);
            target.members.retain(|&source, &mut member| find(source, member).is_some());
            target.drop_astray(gate2, &find);
            target.combine(&find);
        }
        self.take_in(candidates, &find);
        for target in &mut self.targets {
            target.combine(&find);
            target.guess(time_s);
        }
        self.unite(&find);
        self.forget(time_s, step_s, hidden);
    }

    /// Gives tracks that are nobody's to targets that have none of their source, else makes them targets.
    fn take_in<'a>(
        &mut self,
        candidates: &'a [Candidate],
        find: &impl Fn(Source, Member) -> Option<&'a Candidate>,
    ) {
        let sources: std::collections::BTreeSet<Source> = candidates.iter().map(|of| of.source).collect();
        for source in sources {
            let taken: Vec<Member> =
                self.targets.iter().filter_map(|target| target.members.get(&source).copied()).collect();
            let free: Vec<&Candidate> =
                candidates.iter().filter(|of| of.source == source && !taken.contains(&of.member)).collect();
            let open: Vec<usize> =
                (0..self.targets.len()).filter(|&t| !self.targets[t].members.contains_key(&source)).collect();
            let chosen = self.assign(&free, &open);
            for (candidate, target) in free.iter().zip(chosen) {
                match target {
                    Some(target) => {
                        self.targets[target].members.insert(source, candidate.member);
                        self.targets[target].combine(find);
                    }
                    None => self.begin(candidate),
                }
            }
        }
    }

    /// The likeliest assignment of tracks to targets; one that fits none is a new target.
    fn assign(&self, free: &[&Candidate], open: &[usize]) -> Vec<Option<usize>> {
        if free.is_empty() {
            return Vec::new();
        }
        // Each track may remain alone, at the cost of the gate.
        let columns = open.len() + free.len();
        let costs = Matrix::from_fn(free.len(), columns, |(row, column)| {
            let cost = match open.get(column) {
                Some(&target) => distance2(&free[row].estimate, &self.targets[target].estimate),
                None => self.gate2,
            };
            (cost.min(100.0 * self.gate2) * 1e6) as i64
        });
        let (_, chosen) = kuhn_munkres_min(&costs);
        chosen
            .iter()
            .map(|&column| open.get(column).copied())
            .enumerate()
            .map(|(row, target)| {
                target.filter(|&t| distance2(&free[row].estimate, &self.targets[t].estimate) < self.gate2)
            })
            .collect()
    }

    fn begin(&mut self, candidate: &Candidate) {
        let id = self.next_id;
        self.next_id += 1;
        self.targets.push(Target {
            id,
            estimate: candidate.estimate,
            members: BTreeMap::from([(candidate.source, candidate.member)]),
            first_s: candidate.first_s,
            last_s: candidate.last_s,
            kind: Kind::Unknown,
            is_first: true,
            astray: BTreeMap::new(),
            twin: (0, 0),
            missed_s: 0.0,
            energies: Vec::new(),
        });
    }

    /// Makes one of two targets of which no source has two tracks, and which are near for some steps. The elder's identity
    /// stays.
    fn unite<'a>(&mut self, find: &impl Fn(Source, Member) -> Option<&'a Candidate>) {
        let mut gone = Vec::new();
        for one in 0..self.targets.len() {
            let near = (0..one).find(|&other| {
                let (a, b) = (&self.targets[one], &self.targets[other]);
                !gone.contains(&b.id)
                    && !a.members.is_empty()
                    && a.members.keys().all(|source| !b.members.contains_key(source))
                    && distance2(&a.estimate, &b.estimate) < self.gate2
            });
            let elder = near.map_or(0, |other| self.targets[other].id);
            let steps = if elder == self.targets[one].twin.0 { self.targets[one].twin.1 + 1 } else { 1 };
            self.targets[one].twin = (elder, if elder == 0 { 0 } else { steps });
            let Some(other) = near.filter(|_| steps >= TWIN_STEPS) else { continue };
            gone.push(self.targets[one].id);
            let junior = self.targets[one].clone();
            let target = &mut self.targets[other];
            target.members.extend(junior.members);
            target.combine(find);
            target.last_s = target.last_s.max(junior.last_s);
        }
        self.retire(|target| gone.contains(&target.id));
    }

    /// Gives up identities that waited long enough: in coverage sooner, because there they would be seen.
    fn forget(&mut self, time_s: f64, step_s: f64, hidden: impl Fn(&Gaussian<6>) -> bool) {
        for target in &mut self.targets {
            let missed = target.members.is_empty() && !hidden(&target.estimate);
            target.missed_s = if target.members.is_empty() { target.missed_s } else { 0.0 };
            target.missed_s += if missed { step_s } else { 0.0 };
        }
        let (memory_s, free_s) = (self.memory_s, self.memory_free_flight_s);
        self.retire(|target| {
            let height_m = height_m(&target.estimate.mean);
            let most_s = if height_m > ATMOSPHERE_M { free_s } else { memory_s };
            let waits_s = time_s - target.last_s;
            let lost = target.missed_s > memory_s || waits_s > most_s || height_m < -1e3;
            target.members.is_empty() && (lost || !target.estimate.mean.iter().all(|value| value.is_finite()))
        });
    }

    fn retire(&mut self, over: impl Fn(&Target) -> bool) {
        let (ended, kept) = std::mem::take(&mut self.targets).into_iter().partition(|target| over(target));
        self.targets = kept;
        let ended: Vec<Target> = ended;
        self.ended.extend(ended);
    }

    pub fn with(&self, source: Source, member: Member) -> Option<&Target> {
        self.targets.iter().find(|target| target.members.get(&source) == Some(&member))
    }
}

impl Target {
    /// The estimate of those who see it now.
    fn combine<'a>(&mut self, find: &impl Fn(Source, Member) -> Option<&'a Candidate>) {
        let members: Vec<&Candidate> =
            self.members.iter().filter_map(|(&source, &member)| find(source, member)).collect();
        if let Some(estimate) = intersection(members.iter().map(|of| &of.estimate)) {
            self.estimate = estimate;
        }
        for member in members {
            self.last_s = self.last_s.max(member.last_s);
            self.first_s = self.first_s.min(member.first_s);
        }
    }

    /// Lets go of a member that has not fitted the others for some steps.
    fn drop_astray<'a>(&mut self, gate2: f64, find: &impl Fn(Source, Member) -> Option<&'a Candidate>) {
        if self.members.len() < 2 {
            self.astray.clear();
            return;
        }
        let of = |source: &Source| find(*source, self.members[source]);
        let mut worst = (0.0, 0);
        for source in self.members.keys() {
            let others = self.members.keys().filter(|other| *other != source).filter_map(of);
            let rest = intersection(others.map(|other| &other.estimate));
            if let (Some(own), Some(rest)) = (of(source), rest) {
                let far = distance2(&own.estimate, &rest);
                // Of two that disagree the later source goes.
                if far >= worst.0 {
                    worst = (far, *source);
                }
            }
        }
        let (far, source) = worst;
        if far <= 1.5 * gate2 {
            self.astray.clear();
            return;
        }
        let steps = self.astray.entry(source).or_default();
        *steps += 1;
        if *steps > ASTRAY_STEPS {
            self.members.remove(&source);
            self.astray.clear();
        }
    }

    /// What it may be.
    fn guess(&mut self, time_s: f64) {
        if self.members.is_empty() {
            return;
        }
        let orbit = Orbit::of(&self.estimate);
        self.energies.retain(|of| time_s - of.0 <= 10.0);
        self.energies.push((time_s, orbit.energy, orbit.energy_sigma));
        let height_m = height_m(&self.estimate.mean);
        let speed_mps = self.estimate.mean.fixed_rows::<3>(3).norm();
        let vague = orbit.speed_sigma_mps > 0.05 * speed_mps + 20.0;
        if vague {
            return;
        }
        self.kind = if height_m > ATMOSPHERE_M {
            if orbit.perigee_m > 6_400e3 {
                Kind::Satellite
            } else if self.is_free() {
                Kind::Ballistic
            } else {
                // Under power, or on its way down from it.
                if self.kind == Kind::Ballistic { Kind::Ballistic } else { Kind::Unknown }
            }
        } else if height_m > 25e3 || speed_mps > 1_500.0 {
            if self.kind == Kind::Ballistic { Kind::Ballistic } else { Kind::Unknown }
        } else if height_m < 1_000.0 && speed_mps < 40.0 {
            Kind::Drone
        } else {
            Kind::Aircraft
        };
    }

    /// Its specific energy stays: nothing drives it.
    fn is_free(&self) -> bool {
        let (Some(first), Some(last)) = (self.energies.first(), self.energies.last()) else { return false };
        let span_s = last.0 - first.0;
        if span_s < 4.0 {
            return false;
        }
        let sigma = first.2.hypot(last.2);
        let speed_mps = self.estimate.mean.fixed_rows::<3>(3).norm();
        // No faster than a fifth of gravity along the way would change it, and that must be resolved.
        let bound = 2.0 * speed_mps.max(300.0) * span_s;
        (last.1 - first.1).abs() < bound + sigma && sigma < 3.0 * bound
    }
}
