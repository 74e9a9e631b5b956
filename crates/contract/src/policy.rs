//! What may leave. Default deny: what no clause allows stays.
//!
//! [`Policy::decide`] is asked once for each report and receiver, when the report arrives; the answer uses up the
//! clause's rate, also where it is "hold". What is held is the caller's to keep, durably and before it acknowledges
//! the message: at most rate × delay reports of each station and clause. When its time has come the caller asks
//! [`Policy::decide_held`], which goes by the terms in force then and by no rate, and drops what is withheld.
//!
//! Rates are of each station and clause, so that whoever floods uses up its own only. Relays that run in threads of
//! their own have a policy each, of the directions that are theirs.

use crate::area::{Position, Region};
use crate::contract::{Clause, Contract, ContractRefusal, Kind, SignedContract};
use crate::{Registry, later, seconds_between};
use rangegate_core::Timestamp;
use std::collections::BTreeMap;
use std::fmt;

/// How far ahead of now a report's time may lie, s: clocks differ. Beyond, no delay could be told.
pub const MAX_AHEAD_S: f64 = 60.0;

/// What a report says of itself, as far as contracts ask.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ReportFacts {
    /// What it is.
    pub kind: Kind,
    /// Where the target is.
    pub position: Option<Position>,
    /// Its height above the ellipsoid, m.
    pub height_m: Option<f64>,
    /// Ratio of signal to noise, dB.
    pub snr_db: Option<f64>,
    /// Quality of the track, in whatever measure the contract means.
    pub quality: Option<f64>,
    /// Standard deviation of the position along its worst axis, m.
    pub deviation_m: Option<f64>,
    /// Time of what it reports.
    pub time: Timestamp,
}

impl ReportFacts {
    /// Of a kind and time, and silent about all else.
    pub fn new(kind: Kind, time: Timestamp) -> Self {
        Self { kind, position: None, height_m: None, snr_db: None, quality: None, deviation_m: None, time }
    }
}

/// Whether a report may leave.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Decision {
    /// Now, by the clause of this number (from 0, in the contract's order).
    Pass {
        /// Which.
        clause: usize,
    },
    /// Not before this time.
    Hold {
        /// From when on.
        until: Timestamp,
        /// By which clause.
        clause: usize,
    },
    /// Never.
    Withhold(Reason),
}

/// Why a report stays: what the clause that came nearest to allowing it lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reason {
    /// The cause.
    pub cause: Cause,
    /// The clause, where it is one's.
    pub clause: Option<usize>,
}

/// Causes, the nearer to "allowed" the later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// No contract of the station's owner with the receiver.
    NoContract,
    /// Its time has not come or is over.
    NotInForce,
    /// The report's time lies over a minute ahead.
    InFuture,
    /// No clause of the giver has this kind.
    Kind,
    /// The clause has areas, the report no position.
    NoPosition,
    /// The position lies in none of the areas.
    OutsideAreas,
    /// The clause has heights, the report none.
    NoHeight,
    /// The height lies outside.
    OutsideHeights,
    /// The ratio of signal to noise is too low or not said.
    Snr,
    /// The track's quality is too low or not said.
    TrackQuality,
    /// The deviation is too large or not said.
    Deviation,
    /// All is as agreed, but too often.
    Rate,
}

impl Cause {
    /// One word for counting.
    pub fn code(self) -> &'static str {
        match self {
            Self::NoContract => "no_contract",
            Self::NotInForce => "not_in_force",
            Self::InFuture => "in_future",
            Self::Kind => "kind",
            Self::NoPosition => "no_position",
            Self::OutsideAreas => "outside_areas",
            Self::NoHeight => "no_height",
            Self::OutsideHeights => "outside_heights",
            Self::Snr => "snr",
            Self::TrackQuality => "track_quality",
            Self::Deviation => "deviation",
            Self::Rate => "rate",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.cause {
            Cause::NoContract => "no contract with the receiver",
            Cause::NotInForce => "the contract is not in force now",
            Cause::InFuture => "its time lies over a minute ahead",
            Cause::Kind => "no clause gives this kind",
            Cause::NoPosition => "no position, and the clause has areas",
            Cause::OutsideAreas => "outside the areas",
            Cause::NoHeight => "no height, and the clause has heights",
            Cause::OutsideHeights => "outside the heights",
            Cause::Snr => "signal to noise too low or not said",
            Cause::TrackQuality => "track quality too low or not said",
            Cause::Deviation => "deviation too large or not said",
            Cause::Rate => "above the agreed rate",
        })?;
        match self.clause {
            Some(clause) => write!(f, " (clause {})", clause + 1),
            None => Ok(()),
        }
    }
}

/// A station's rate under a clause: reports `interval` apart, with a burst of one second's; in whole nanoseconds, so
/// that it is the same on every machine (Turner 1986; the "virtual scheduling" of ITU-T I.371).
#[derive(Clone, Copy, Debug)]
struct Bucket {
    /// When the next report would be due if all came evenly.
    due_ns: i128,
}

impl Bucket {
    fn take(&mut self, rate_per_s: f64, now_ns: i128) -> bool {
        let interval_ns = (1e9 / rate_per_s).ceil() as i128;
        let burst = rate_per_s.floor().max(1.0) as i128;
        if self.due_ns - now_ns > (burst - 1) * interval_ns {
            return false;
        }
        self.due_ns = self.due_ns.max(now_ns) + interval_ns;
        true
    }
}

/// A contract that is in force.
#[derive(Debug)]
struct Agreement {
    contract: Contract,
    /// Areas of each clause.
    regions: Vec<Vec<Region>>,
    /// By clause and station.
    buckets: BTreeMap<(usize, String), Bucket>,
}

/// The contracts that are in force, one for each pair of owners.
#[derive(Debug, Default)]
pub struct Policy {
    agreements: Vec<Agreement>,
}

impl Policy {
    /// One that lets nothing pass.
    pub fn new() -> Self {
        Self::default()
    }

    /// Brings a contract into force, in place of the older one between the same owners.
    ///
    /// # Errors
    /// See [`SignedContract::admit`]; then nothing changes.
    pub fn put_in_force(
        &mut self,
        signed: &SignedContract,
        registry: &Registry,
        now: Timestamp,
    ) -> Result<(), ContractRefusal> {
        let [a, b] = &signed.contract.parties;
        let is_of_both =
            |of: &Agreement| of.contract.party(&a.owner).is_some() && of.contract.party(&b.owner).is_some();
        let before = self.agreements.iter().position(is_of_both);
        let in_force = before.map(|at| &self.agreements[at].contract);
        signed.admit(registry, now, in_force)?;
        if in_force == Some(&signed.contract) {
            return Ok(());
        }
        let contract = signed.contract.clone();
        let regions =
            contract.gives.iter().map(|clause| clause.regions().expect("a contract that was read has areas"));
        let agreement = Agreement { regions: regions.collect(), contract, buckets: BTreeMap::new() };
        match before {
            Some(at) => self.agreements[at] = agreement,
            None => self.agreements.push(agreement),
        }
        Ok(())
    }

    /// The contracts in force, those that have run out among them.
    pub fn contracts(&self) -> impl Iterator<Item = &Contract> {
        self.agreements.iter().map(|of| &of.contract)
    }

    /// The newest version of a contract in force that names the station; 0 where none does.
    pub fn newest_version(&self, station: &str) -> u32 {
        let names = |of: &&Contract| of.parties.iter().any(|party| party.stations.contains(station));
        self.contracts().filter(names).map(|of| of.version).max().unwrap_or(0)
    }

    /// Whether this report of station `from` may go to owner `to`; uses up the rate of the clause that allows it.
    /// Where several do, the one by which it leaves soonest.
    pub fn decide(&mut self, from: &str, to: &str, facts: &ReportFacts, now: Timestamp) -> Decision {
        self.judge(from, to, facts, now, true)
    }

    /// The same for a report that was held and whose time has come: by the terms in force now, without rates.
    pub fn decide_held(&mut self, from: &str, to: &str, facts: &ReportFacts, now: Timestamp) -> Decision {
        self.judge(from, to, facts, now, false)
    }

    fn judge(
        &mut self,
        from: &str,
        to: &str,
        facts: &ReportFacts,
        now: Timestamp,
        is_counted: bool,
    ) -> Decision {
        let withhold = |cause| Decision::Withhold(Reason { cause, clause: None });
        let mut agreements = self.agreements.iter_mut().filter_map(|of| {
            let giver = of.contract.parties.iter().find(|party| party.stations.contains(from))?;
            let owner = giver.owner.clone();
            (of.contract.other(&owner)?.owner == to).then_some((of, owner))
        });
        let Some((agreement, owner)) = agreements.next() else {
            return withhold(Cause::NoContract);
        };
        if !agreement.contract.is_valid_at(now) {
            return withhold(Cause::NotInForce);
        }
        if seconds_between(now, facts.time) > MAX_AHEAD_S {
            return withhold(Cause::InFuture);
        }
        let Agreement { contract, regions, buckets } = agreement;
        let mut nearest = Reason { cause: Cause::Kind, clause: None };
        let mut allowing = Vec::new();
        for (at, clause) in contract.gives.iter().enumerate().filter(|(_, of)| of.owner == owner) {
            match obstacle(clause, &regions[at], facts) {
                None => allowing.push((later(facts.time, clause.delay_s).max(now), at)),
                Some(Cause::Kind) => {}
                Some(cause) if cause > nearest.cause => nearest = Reason { cause, clause: Some(at) },
                Some(_) => {}
            }
        }
        allowing.sort_unstable();
        for (until, clause) in allowing {
            let rate = contract.gives[clause].max_rate_per_s.filter(|_| is_counted);
            let is_within_rate = rate.is_none_or(|rate| {
                let bucket = buckets
                    .entry((clause, from.to_owned()))
                    .or_insert_with(|| Bucket { due_ns: now.as_nanosecond() });
                bucket.take(rate, now.as_nanosecond())
            });
            if !is_within_rate {
                if nearest.cause < Cause::Rate {
                    nearest = Reason { cause: Cause::Rate, clause: Some(clause) };
                }
            } else if until > now {
                return Decision::Hold { until, clause };
            } else {
                return Decision::Pass { clause };
            }
        }
        Decision::Withhold(nearest)
    }
}

/// The first thing that keeps a report from leaving by a clause, rate and delay aside. Every comparison is such that
/// a number that is none fails it.
fn obstacle(clause: &Clause, regions: &[Region], facts: &ReportFacts) -> Option<Cause> {
    if !clause.kinds.contains(&facts.kind) {
        return Some(Cause::Kind);
    }
    if !regions.is_empty() {
        let Some(position) = facts.position else {
            return Some(Cause::NoPosition);
        };
        if !regions.iter().any(|region| region.contains(position)) {
            return Some(Cause::OutsideAreas);
        }
    }
    if let Some([low, high]) = clause.heights_m {
        let Some(height_m) = facts.height_m else {
            return Some(Cause::NoHeight);
        };
        if !(low..=high).contains(&height_m) {
            return Some(Cause::OutsideHeights);
        }
    }
    let is_least = |least: Option<f64>, found: Option<f64>| {
        least.is_none_or(|least| found.is_some_and(|found| found >= least))
    };
    if !is_least(clause.quality.min_snr_db, facts.snr_db) {
        return Some(Cause::Snr);
    }
    if !is_least(clause.quality.min_track_quality, facts.quality) {
        return Some(Cause::TrackQuality);
    }
    match clause.quality.max_deviation_m {
        Some(most) if !facts.deviation_m.is_some_and(|found| 0.0 <= found && found <= most) => {
            Some(Cause::Deviation)
        }
        _ => None,
    }
}
