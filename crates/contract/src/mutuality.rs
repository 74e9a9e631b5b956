//! Mutuality: who stops giving, gets nothing after the grace, until it gives again.
//!
//! What counts is each report of an agreed kind that the policy lets pass: also the one that is then kept back because
//! its receiver's flow has stopped, as otherwise two who stopped could never begin again. At each that an owner
//! gives, the last `window_s` (in sixtieths, the oldest whole) are summed up; where it gave at least `min_reports`
//! and at least `min_ratio` times what the other gave, it is even at that moment. Once it has not been even for longer
//! than `grace_s`, nothing flows to it; it flows again from the moment when it is even.

use crate::contract::{Contract, Kind, MutualityTerms};
use crate::later;
use rangegate_core::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};
use std::fmt;

/// Parts in which a window is counted.
const PARTS: i64 = 60;

/// What is remembered of one owner.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnerState {
    /// Owner.
    pub owner: String,
    /// Reports that count, by the number of the window's part.
    pub recent: VecDeque<(i64, u64)>,
    /// When it was even last, or the grace began.
    pub even_at: Timestamp,
    /// Whether the other's reports flow to it.
    pub is_flowing: bool,
    /// Reports given, of all kinds, those kept back by a stop among them.
    pub given: BTreeMap<Kind, u64>,
    /// Of those, delivered.
    pub delivered: BTreeMap<Kind, u64>,
}

/// What is remembered; to be stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MutualityState {
    /// Latest time that was heard of.
    pub seen_at: Timestamp,
    /// Both owners, in the contract's order.
    pub owners: [OwnerState; 2],
    /// Changes that nobody has asked for yet.
    pub changes: Vec<FlowChange>,
}

/// The flow to an owner stopped or began again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlowChange {
    /// Who gives.
    pub from: String,
    /// Who gets, and had stopped giving.
    pub to: String,
    /// When.
    pub at: Timestamp,
    /// Whether it flows now.
    pub is_flowing: bool,
}

/// The account between two owners.
#[derive(Clone, Debug)]
pub struct Mutuality {
    terms: MutualityTerms,
    part_ns: i128,
    state: MutualityState,
}

impl Mutuality {
    /// A new account, with the whole grace for both; `None` where the contract has no terms of mutuality.
    pub fn new(contract: &Contract, now: Timestamp) -> Option<Self> {
        let owners = contract.parties.clone().map(|party| OwnerState {
            owner: party.owner,
            recent: VecDeque::new(),
            even_at: now,
            is_flowing: true,
            given: BTreeMap::new(),
            delivered: BTreeMap::new(),
        });
        Self::with(contract, MutualityState { seen_at: now, owners, changes: Vec::new() })
    }

    /// The account as it was stored. From then until now nobody listened, so nobody's silence counts.
    /// `None` where the contract has no such terms or other owners.
    pub fn restore(contract: &Contract, mut state: MutualityState, now: Timestamp) -> Option<Self> {
        let are_same = contract.parties.iter().zip(&state.owners).all(|(party, of)| party.owner == of.owner);
        if !are_same {
            return None;
        }
        let pause_s = crate::seconds_between(state.seen_at, now).max(0.0);
        let mut mutuality = Self::with(contract, state.clone())?;
        let parts = (pause_s * 1e9 / mutuality.part_ns as f64) as i64;
        for owner in &mut state.owners {
            owner.even_at = later(owner.even_at, pause_s);
            owner.recent.iter_mut().for_each(|(part, _)| *part += parts);
        }
        state.seen_at = state.seen_at.max(now);
        mutuality.state = state;
        Some(mutuality)
    }

    fn with(contract: &Contract, state: MutualityState) -> Option<Self> {
        let terms = contract.mutuality.clone()?;
        let part_ns = ((terms.window_s * 1e9) as i128 / i128::from(PARTS)).max(1);
        Some(Self { terms, part_ns, state })
    }

    /// What is to be stored.
    pub fn state(&self) -> &MutualityState {
        &self.state
    }

    /// Counts a report of this owner that the policy lets pass, and says whether it is to be delivered: no, where the
    /// flow to the other has stopped (or the owner is no party).
    pub fn give(&mut self, from: &str, kind: Kind, now: Timestamp) -> bool {
        let Some(giver) = self.index_of(from) else {
            return false;
        };
        let now = self.advance(now);
        *self.state.owners[giver].given.entry(kind).or_default() += 1;
        if self.terms.kinds.contains(&kind) {
            self.count(giver, now);
        }
        let is_delivered = self.state.owners[1 - giver].is_flowing;
        if is_delivered {
            *self.state.owners[giver].delivered.entry(kind).or_default() += 1;
        }
        is_delivered
    }

    /// Whether reports flow to this owner; never to one that is no party.
    pub fn is_flowing(&self, to: &str, now: Timestamp) -> bool {
        self.index_of(to).is_some_and(|at| {
            let owner = &self.state.owners[at];
            owner.is_flowing && now <= self.stops_at(owner)
        })
    }

    /// What stopped or began again until now and was not told yet, in order of time.
    pub fn changes(&mut self, now: Timestamp) -> Vec<FlowChange> {
        self.advance(now);
        std::mem::take(&mut self.state.changes)
    }

    /// The account, for people and as JSON.
    pub fn balance(&self, now: Timestamp) -> Balance {
        let now = now.max(self.state.seen_at);
        let side = |at: usize| {
            let owner = &self.state.owners[at];
            let is_flowing = self.is_flowing(&owner.owner, now);
            Side {
                owner: owner.owner.clone(),
                given: owner.given.clone(),
                delivered: owner.delivered.clone(),
                in_window: self.in_window(at, now),
                owed_in_window: self.owed(at, now),
                even_at: owner.even_at,
                is_flowing,
                stops_at: is_flowing.then(|| self.stops_at(owner)),
            }
        };
        Balance {
            at: now,
            window_s: self.terms.window_s,
            grace_s: self.terms.grace_s,
            sides: [side(0), side(1)],
        }
    }

    fn index_of(&self, owner: &str) -> Option<usize> {
        self.state.owners.iter().position(|of| of.owner == owner)
    }

    fn stops_at(&self, owner: &OwnerState) -> Timestamp {
        later(owner.even_at, self.terms.grace_s)
    }

    fn part(&self, time: Timestamp) -> i64 {
        time.as_nanosecond().div_euclid(self.part_ns) as i64
    }

    fn in_window(&self, at: usize, now: Timestamp) -> u64 {
        let oldest = self.part(now) - PARTS;
        self.state.owners[at].recent.iter().filter(|(part, _)| *part >= oldest).map(|(_, n)| n).sum()
    }

    /// What an owner has to have given within the window that ends now.
    fn owed(&self, at: usize, now: Timestamp) -> u64 {
        let part = (self.terms.min_ratio * self.in_window(1 - at, now) as f64).ceil() as u64;
        part.max(u64::from(self.terms.min_reports))
    }

    /// Notes a report that counts, and whether its giver is even with it.
    fn count(&mut self, giver: usize, now: Timestamp) {
        let part = self.part(now);
        let recent = &mut self.state.owners[giver].recent;
        match recent.back_mut() {
            Some((last, n)) if *last >= part => *n += 1,
            _ => recent.push_back((part, 1)),
        }
        while recent.front().is_some_and(|(first, _)| *first < part - PARTS) {
            recent.pop_front();
        }
        if self.in_window(giver, now) < self.owed(giver, now) {
            return;
        }
        let to = &mut self.state.owners[giver];
        to.even_at = now;
        if !to.is_flowing {
            to.is_flowing = true;
            self.tell(giver, now, true);
        }
    }

    /// Lets time go on, never back, and stops what has to stop.
    fn advance(&mut self, now: Timestamp) -> Timestamp {
        let now = now.max(self.state.seen_at);
        self.state.seen_at = now;
        for at in 0..2 {
            let stops_at = self.stops_at(&self.state.owners[at]);
            if self.state.owners[at].is_flowing && now > stops_at {
                self.state.owners[at].is_flowing = false;
                self.tell(at, stops_at, false);
            }
        }
        now
    }

    fn tell(&mut self, to: usize, at: Timestamp, is_flowing: bool) {
        let name = |at: usize| self.state.owners[at].owner.clone();
        let change = FlowChange { from: name(1 - to), to: name(to), at, is_flowing };
        self.state.changes.push(change);
        // Both may have stopped since somebody asked.
        self.state.changes.sort_by_key(|change| change.at);
    }
}

/// What each side gave and got.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Balance {
    /// When.
    pub at: Timestamp,
    /// The agreed window, s.
    pub window_s: f64,
    /// The agreed grace, s.
    pub grace_s: f64,
    /// Both owners.
    pub sides: [Side; 2],
}

/// What one side gave.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Side {
    /// Owner.
    pub owner: String,
    /// Reports given since the account began.
    pub given: BTreeMap<Kind, u64>,
    /// Of those, delivered: the others came while the other's flow was stopped.
    pub delivered: BTreeMap<Kind, u64>,
    /// Reports that count within the last window.
    pub in_window: u64,
    /// What they have to be at least.
    pub owed_in_window: u64,
    /// When it was even last.
    pub even_at: Timestamp,
    /// Whether the other's reports flow to it.
    pub is_flowing: bool,
    /// When they will stop if it gives nothing.
    pub stops_at: Option<Timestamp>,
}

impl fmt::Display for Balance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "balance at {}, window {} s, grace {} s", self.at, self.window_s, self.grace_s)?;
        for side in &self.sides {
            let kinds: Vec<String> = side
                .given
                .iter()
                .map(|(kind, n)| format!("{} of {n} {kind}", side.delivered.get(kind).copied().unwrap_or(0)))
                .collect();
            let kinds = if kinds.is_empty() { "nothing".to_owned() } else { kinds.join(", ") };
            writeln!(f, "{} gave and had delivered {kinds}", side.owner)?;
            write!(f, "  in the window {} of {} owed; ", side.in_window, side.owed_in_window)?;
            match side.stops_at {
                Some(at) => writeln!(f, "gets what the other gives; without more until {at}")?,
                None => writeln!(f, "gets nothing, as it has not been even since {}", side.even_at)?,
            }
        }
        Ok(())
    }
}
