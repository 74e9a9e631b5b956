//! What the centre knows of keys and contracts, for all its relays: one judge, one book.

use crate::centre::{Clock, wall_clock};
use crate::message::Heard;
use crate::site::SiteConfig;
use crate::{Error, Result};
use rangegate_contract::{
    AuditBook, Balance, Decision, Event, FlowChange, Guard, Kind, Mutuality, MutualityState, Policy,
    Position, Registry, ReportFacts, SignedContract, Stamp, Tally,
};
use rangegate_core::Timestamp;
use rangegate_engine::Message;
use rangegate_fusion::FusedTrack;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How often what was counted is noted, and states are saved.
const NOTE_EVERY: Duration = Duration::from_secs(1);
/// How often logs are signed.
const SIGN_EVERY: Duration = Duration::from_secs(60);

/// Decides, and notes what was decided.
pub struct Authority {
    registry: Registry,
    guards: BTreeMap<String, Guard>,
    policy: Policy,
    /// By the names of both owners.
    mutuality: Vec<([String; 2], Mutuality)>,
    book: AuditBook,
    tally: Tally,
    state: PathBuf,
    noted: Instant,
    signed: Option<Instant>,
    clock: Clock,
    /// What time it is, where reports are the clock.
    reached: Option<Timestamp>,
}

impl Authority {
    /// By these keys and contracts; logs are in the book, states in a folder. `clock` is what delays and graces go by.
    ///
    /// # Errors
    /// A contract is not what its parties signed, or the disk cannot be written.
    pub fn open(
        folder: &Path,
        registry: Registry,
        contracts: &[SignedContract],
        book: AuditBook,
        clock: Clock,
    ) -> Result<Self> {
        let state = folder.join("mutuality.json");
        let saved = std::fs::read_to_string(&state).ok();
        let saved: Vec<MutualityState> =
            saved.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
        let mut authority = Self {
            registry,
            guards: BTreeMap::new(),
            policy: Policy::new(),
            mutuality: Vec::new(),
            book,
            tally: Tally::default(),
            state,
            noted: Instant::now(),
            signed: None,
            clock,
            reached: None,
        };
        for signed in contracts {
            authority.put_in_force(signed, &saved, wall_clock())?;
        }
        Ok(authority)
    }

    fn put_in_force(
        &mut self,
        signed: &SignedContract,
        saved: &[MutualityState],
        now: Timestamp,
    ) -> Result<()> {
        let contract = &signed.contract;
        let written = wall_clock();
        if let Err(refusal) = self.policy.put_in_force(signed, &self.registry, now) {
            let owners = contract.parties.iter().map(|party| party.owner.clone()).collect();
            let event = Event::ContractRefused { owners, reason: refusal.to_string() };
            self.book.record(written, &[event])?;
            return Err(Error::Config(refusal.to_string()));
        }
        self.book.record(written, &[Event::in_force(contract)])?;
        let owners = contract.parties.each_ref().map(|party| party.owner.clone());
        let before = saved.iter().find(|state| state.owners.each_ref().map(|of| of.owner.clone()) == owners);
        let restored = before.and_then(|state| Mutuality::restore(contract, state.clone(), now));
        let account = restored.or_else(|| Mutuality::new(contract, now));
        self.mutuality.extend(account.map(|account| (owners, account)));
        Ok(())
    }

    /// What time it is; `None` where reports are the clock and not all stations were heard yet.
    pub fn now(&self) -> Option<Timestamp> {
        match self.clock {
            Clock::Wall => Some(wall_clock()),
            Clock::Reports => self.reached,
        }
    }

    /// Whether reports are the clock.
    pub fn waits_for_reports(&self) -> bool {
        self.clock == Clock::Reports
    }

    /// All stations' reports have reached this time.
    pub(crate) fn reach(&mut self, now: Timestamp) {
        if self.clock == Clock::Reports && self.reached.is_none() {
            // Until now nobody could give anything.
            let contracts: Vec<_> = self.policy.contracts().cloned().collect();
            for (owners, account) in &mut self.mutuality {
                let of =
                    contracts.iter().find(|of| of.parties.iter().all(|party| owners.contains(&party.owner)));
                let moved = of.and_then(|of| Mutuality::restore(of, account.state().clone(), now));
                *account = moved.unwrap_or_else(|| account.clone());
            }
        }
        self.reached = self.reached.max(Some(now));
    }

    /// Newest version of a contract that names a station; 0 where none does.
    pub fn contract_version(&self, station: &str) -> u32 {
        self.policy.newest_version(station)
    }

    /// How everybody's giving stands.
    pub fn balance(&self) -> Vec<Balance> {
        let now = self.now().unwrap_or_default();
        self.mutuality.iter().map(|(_, account)| account.balance(now)).collect()
    }

    /// Lets a message of a station's mailbox in. `reader` says who reads it, in order and once; without one it was
    /// read before.
    ///
    /// # Errors
    /// It is not signed by the station, came before, or is no message.
    pub fn open_message(
        &mut self,
        site: &SiteConfig,
        message: &Message,
        reader: Option<&str>,
    ) -> Result<Heard> {
        // A key is revoked by the machine's clock, whatever time reports are of.
        let entry = self.registry.station(&site.name, wall_clock())?;
        let envelope = rangegate_contract::open_message(&site.name, &entry.key, &message.payload)?;
        let heard = Heard::read(&site.name, message, envelope)?;
        if let Some(reader) = reader {
            let newest = self.policy.newest_version(&site.name);
            let of = &heard.envelope;
            let stamp = Stamp { boot: of.boot, sequence: of.sequence, contract_version: of.contract_version };
            self.guards.entry(reader.to_owned()).or_default().admit(&site.name, stamp, newest)?;
        }
        Ok(heard)
    }

    /// A reader begins again where it was: what it has not acknowledged comes once more.
    pub fn begin_again(&mut self, reader: &str) {
        self.guards.remove(reader);
    }

    /// Counts a message that was not let in.
    pub fn refused(&mut self, site: &SiteConfig, message: &Message, why: &Error) {
        tracing::warn!("{}: message {:?}: {why}", site.name, message.id);
        match why {
            Error::Refused(refusal) => self.tally.refused(Some(&site.owner), &site.name, refusal),
            // Signed by the station, but nothing that a station says.
            _ => self.tally.withheld(&site.owner, &site.owner, &site.name, Kind::Health, &why.to_string()),
        }
    }

    /// Whether a report goes on, whatever flows back; `is_new` where it was not held before.
    pub fn decide(
        &mut self,
        from: &SiteConfig,
        to: &SiteConfig,
        facts: &ReportFacts,
        is_new: bool,
        now: Timestamp,
    ) -> Decision {
        if from.owner == to.owner {
            return Decision::Pass { clause: 0 };
        }
        match is_new {
            true => self.policy.decide(&from.name, &to.owner, facts, now),
            false => self.policy.decide_held(&from.name, &to.owner, facts, now),
        }
    }

    /// Counts a message that a station gives another's owner, and says whether it flows: whether that owner gives in
    /// return.
    pub fn give(&mut self, from: &SiteConfig, to: &SiteConfig, kind: Kind, now: Timestamp) -> bool {
        let is_theirs = |(owners, _): &&mut ([String; 2], Mutuality)| {
            owners.contains(&from.owner) && owners.contains(&to.owner) && from.owner != to.owner
        };
        match self.mutuality.iter_mut().find(is_theirs) {
            Some((_, account)) => account.give(&from.owner, kind, now),
            None => true,
        }
    }

    /// Counts a message that did not go on, wholly or in part.
    pub fn withheld(&mut self, from: &SiteConfig, to: &SiteConfig, kind: Kind, why: &str) {
        if from.owner != to.owner {
            self.tally.withheld(&from.owner, &to.owner, &from.name, kind, why);
        }
    }

    /// Counts a message that went on.
    pub fn delivered(&mut self, from: &SiteConfig, to: &SiteConfig, kind: Kind, id: &str) {
        if from.owner != to.owner {
            self.tally.delivered(&from.owner, &to.owner, &from.name, kind, id);
        }
    }

    /// Notes what was counted and saves states, where it is time.
    ///
    /// # Errors
    /// The disk is full.
    pub fn note(&mut self, at_once: bool) -> Result<()> {
        if !at_once && self.noted.elapsed() < NOTE_EVERY {
            return Ok(());
        }
        self.noted = Instant::now();
        let mut events = self.tally.drain();
        if let Some(now) = self.now() {
            for (_, account) in &mut self.mutuality {
                events.extend(account.changes(now).into_iter().map(flow_event));
            }
        }
        let written = wall_clock();
        self.book.record(written, &events)?;
        if at_once || self.signed.is_none_or(|signed| signed.elapsed() >= SIGN_EVERY) {
            self.book.sign_heads(written)?;
            self.signed = Some(Instant::now());
        }
        let states: Vec<&MutualityState> =
            self.mutuality.iter().map(|(_, account)| account.state()).collect();
        let text = serde_json::to_string(&states).map_err(|error| Error::Other(error.to_string()))?;
        let new = self.state.with_extension("new");
        let saved = std::fs::write(&new, text).and_then(|()| std::fs::rename(&new, &self.state));
        saved.map_err(Error::file(&self.state))
    }

    /// Whether a station's owner may see a fused track: each other owner whose stations made it must give `kind` there.
    pub fn may_see(
        &mut self,
        owners: &BTreeMap<String, String>,
        to: &SiteConfig,
        track: &FusedTrack,
        kind: Kind,
    ) -> bool {
        let Some(now) = self.now() else { return false };
        let place = track.position;
        let position = Position { latitude_deg: place.latitude_deg, longitude_deg: place.longitude_deg };
        let facts = ReportFacts {
            position: Some(position),
            height_m: Some(place.height_m),
            deviation_m: Some((0..3).map(|i| track.covariance[i][i]).sum::<f64>().max(0.0).sqrt()),
            ..ReportFacts::new(kind, track.time)
        };
        let others: BTreeSet<&String> = track
            .contributors
            .iter()
            .map(|of| &of.station)
            .filter(|station| owners.get(*station).is_some_and(|owner| *owner != to.owner))
            .collect();
        others.into_iter().all(|station| {
            matches!(self.policy.decide(station, &to.owner, &facts, now), Decision::Pass { .. })
        })
    }
}

fn flow_event(change: FlowChange) -> Event {
    tracing::info!("{change:?}");
    let FlowChange { from, to, at, is_flowing } = change;
    match is_flowing {
        true => Event::FlowResumed { from, to, at },
        false => Event::FlowStopped { from, to, at },
    }
}
