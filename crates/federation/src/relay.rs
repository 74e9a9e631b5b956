//! From one owner's station to another's: what the contract allows, and nothing else.

use crate::Result;
use crate::centre::lock;
use crate::mailbox::{FROM, TO};
use crate::message::{Heard, Kind};
use crate::outbox::WAIT;
use crate::reports::{position, target_reports};
use crate::site::SiteConfig;
use rangegate_contract::{Decision, KeyPair, Position, ReportFacts, sign_message};
use rangegate_core::Timestamp;
use rangegate_engine::{Delivered, Exchange, Message, Start, Subscription};
use rangegate_exchange::asterix::Record;
use rangegate_exchange::asterix::report::TargetReport;
use rangegate_exchange::envelope::Envelope;
use rangegate_pipeline::Stop;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

pub use crate::authority::Authority;

/// Messages that travel together.
const BATCH: usize = 256;
/// Messages that wait for their agreed delay at most; behind them the stream waits.
const MAX_HELD: usize = 100_000;

/// What passed one relay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Passed {
    /// Messages that were passed on, whole or in part.
    pub messages: u64,
    /// Reports in them.
    pub reports: u64,
    /// Reports that were not passed on.
    pub withheld: u64,
}

/// Passes on what one station says to another.
pub struct Relay {
    from: SiteConfig,
    to: SiteConfig,
    source: Arc<dyn Exchange>,
    target: Arc<dyn Exchange>,
    authority: Arc<Mutex<Authority>>,
    key: Arc<KeyPair>,
    passed: Passed,
}

/// What waits for its time, by sequence.
struct Held {
    /// Latest time that was read.
    latest: Timestamp,
    /// By sequence: from when on it may be passed, and whether the contract was not asked yet.
    waiting: BTreeMap<u64, (Timestamp, Delivered, bool)>,
    /// The latest sequence that was given.
    given: u64,
    acknowledged: u64,
}

impl Held {
    /// What need not wait any longer, in order.
    fn take_due(&mut self, now: Timestamp) -> Vec<(Delivered, bool)> {
        let due: Vec<u64> = self
            .waiting
            .iter()
            .filter(|(_, (until, ..))| *until <= now)
            .map(|(&sequence, _)| sequence)
            .collect();
        let taken = due.iter().filter_map(|sequence| self.waiting.remove(sequence));
        taken.map(|(_, delivered, is_new)| (delivered, is_new)).collect()
    }

    /// Up to where all is done.
    fn done(&self) -> u64 {
        self.waiting.keys().next().map_or(self.given, |first| first - 1)
    }
}

/// A message after the contract was asked.
enum Verdict {
    /// So many of its reports go on, in this message.
    Pass(Message, Kind, u64),
    /// It may not go on before this.
    Hold(Timestamp),
    /// Nothing of it goes on.
    Withheld,
}

impl Relay {
    /// A relay of one direction.
    pub fn new(
        from: (SiteConfig, Arc<dyn Exchange>),
        to: (SiteConfig, Arc<dyn Exchange>),
        authority: Arc<Mutex<Authority>>,
        key: Arc<KeyPair>,
    ) -> Self {
        let ((from, source), (to, target)) = (from, to);
        Self { from, to, source, target, authority, key, passed: Passed::default() }
    }

    /// Works until `stop` is set.
    ///
    /// # Errors
    /// What does not pass with time.
    pub fn run(mut self, stop: &Stop) -> Result<Passed> {
        let mut is_away = false;
        while !stop.is_set() {
            match self.work(stop, &mut is_away) {
                Ok(()) => break,
                Err(error) if error.is_temporary() => {
                    if !std::mem::replace(&mut is_away, true) {
                        tracing::warn!("from {} to {}: {error}", self.from.name, self.to.name);
                    }
                    std::thread::sleep(WAIT);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(self.passed)
    }

    fn work(&mut self, stop: &Stop, is_away: &mut bool) -> Result<()> {
        let cursor = cursor(&self.to);
        let mut source = self.source.subscribe(FROM, &cursor, Start::First)?;
        lock(&self.authority).begin_again(&cursor);
        let mut held = Held { latest: Timestamp::MIN, waiting: BTreeMap::new(), given: 0, acknowledged: 0 };
        loop {
            // Once more after `stop`, so that what was said before it goes on.
            let is_last = stop.is_set();
            let room = MAX_HELD.saturating_sub(held.waiting.len()).min(BATCH);
            let batch = if room > 0 { source.next(room, WAIT)? } else { pause() };
            let is_empty = batch.is_empty();
            self.turn(batch, &mut held, source.as_mut())?;
            *is_away = false;
            if is_last && is_empty {
                return Ok(());
            }
        }
    }

    /// Passes on what came and what has waited long enough, then acknowledges.
    fn turn(&mut self, batch: Vec<Delivered>, held: &mut Held, source: &mut dyn Subscription) -> Result<()> {
        let (now, waits) = {
            let authority = lock(&self.authority);
            (authority.now(), authority.waits_for_reports())
        };
        held.given = batch.last().map_or(held.given, |last| last.sequence);
        // Where reports are the clock, a station that is ahead waits for the others.
        for delivered in batch {
            let time =
                Timestamp::from_nanosecond(i128::from(delivered.message.time_ns)).unwrap_or(Timestamp::MIN);
            // What came later goes later, even if a station's times begin again: else its older boot were refused.
            held.latest = held.latest.max(time);
            let until = if waits { held.latest } else { Timestamp::MIN };
            held.waiting.insert(delivered.sequence, (until, delivered, true));
        }
        let Some(now) = now else { return Ok(()) };
        let due = held.take_due(now);
        let mut passing = Vec::new();
        for (delivered, is_new) in due {
            match self.ask(&delivered.message, is_new, now)? {
                Verdict::Pass(message, kind, reports) => passing.push((message, kind, reports)),
                Verdict::Hold(until) => {
                    held.waiting.insert(delivered.sequence, (until, delivered, false));
                }
                Verdict::Withheld => {}
            }
        }
        if !passing.is_empty() {
            let messages: Vec<Message> = passing.iter().map(|(message, ..)| message.clone()).collect();
            let receipts = self.target.publish(TO, &messages)?;
            let mut authority = lock(&self.authority);
            for ((message, kind, reports), receipt) in passing.iter().zip(receipts) {
                // After a restart the target may have it already.
                if !receipt.was_there {
                    self.passed.messages += 1;
                    self.passed.reports += reports;
                    authority.delivered(&self.from, &self.to, *kind, &message.id);
                }
            }
        }
        lock(&self.authority).note(false)?;
        let done = held.done();
        if done > held.acknowledged {
            source.acknowledge(done)?;
            held.acknowledged = done;
        }
        Ok(())
    }

    /// What of a message goes on.
    fn ask(&mut self, message: &Message, is_new: bool, now: Timestamp) -> Result<Verdict> {
        let Ok((heard, reports)) = self.open(message, is_new) else {
            // The centre itself says why.
            return Ok(Verdict::Withheld);
        };
        let kind = heard.kind;
        let mut authority = lock(&self.authority);
        let (mut keep, mut hold, mut kept_back) = (Vec::new(), None, BTreeSet::new());
        for facts in facts(&heard, &reports, &self.from) {
            let decision = authority.decide(&self.from, &self.to, &facts, is_new, now);
            if let Decision::Hold { until, .. } = decision {
                // Reports of one message are of one time: they wait together.
                hold = hold.max(Some(until));
            }
            if let Decision::Withhold(reason) = decision {
                kept_back.insert(reason);
            }
            keep.push(!matches!(decision, Decision::Withhold(_)));
        }
        for reason in kept_back {
            authority.withheld(&self.from, &self.to, kind, &reason.to_string());
        }
        let given = keep.iter().filter(|&&kept| kept).count() as u64;
        self.passed.withheld += keep.len() as u64 - given;
        if given == 0 {
            return Ok(Verdict::Withheld);
        }
        if let Some(until) = hold {
            return Ok(Verdict::Hold(until));
        }
        if !authority.give(&self.from, &self.to, kind, now) {
            self.passed.withheld += given;
            authority.withheld(&self.from, &self.to, kind, "the other side gives nothing in return");
            return Ok(Verdict::Withheld);
        }
        let contract_version = authority.contract_version(&self.from.name);
        drop(authority);
        Ok(Verdict::Pass(self.pass(message, heard, &keep, contract_version)?, kind, given))
    }

    /// A message that is let in. One that waited was let in before.
    fn open(&self, message: &Message, is_new: bool) -> Result<(Heard, Vec<TargetReport>)> {
        let reader = cursor(&self.to);
        let heard =
            lock(&self.authority).open_message(&self.from, message, is_new.then_some(reader.as_str()))?;
        let reports = match heard.kind {
            Kind::Detections | Kind::Tracks => target_reports(&heard, &self.from)?,
            _ => Vec::new(),
        };
        Ok((heard, reports))
    }

    /// The message with the reports that are kept, signed by the centre in the name of who said it.
    fn pass(&self, message: &Message, heard: Heard, keep: &[bool], contract_version: u32) -> Result<Message> {
        let subject = format!("{}.{}", self.from.name, heard.kind.name());
        let mut keep = keep.iter().copied();
        let is_of_reports = matches!(heard.kind, Kind::Detections | Kind::Tracks);
        let mut envelope = Envelope { contract_version, ..heard.envelope };
        if is_of_reports {
            for block in &mut envelope.blocks {
                block.records.retain(|_: &Record| keep.next().unwrap_or(false));
            }
            envelope.blocks.retain(|block| !block.records.is_empty());
        }
        let payload = sign_message(&self.from.name, &self.key, &envelope.encode()?);
        Ok(Message { id: message.id.clone(), subject, time_ns: message.time_ns, payload })
    }
}

/// The name of the cursor of the relay to a station.
fn cursor(to: &SiteConfig) -> String {
    format!("to-{}", to.name)
}

fn pause() -> Vec<Delivered> {
    std::thread::sleep(WAIT);
    Vec::new()
}

/// What the contract asks of each report; of a message that holds none, of the message itself.
fn facts(heard: &Heard, reports: &[TargetReport], site: &SiteConfig) -> Vec<ReportFacts> {
    if !matches!(heard.kind, Kind::Detections | Kind::Tracks) || reports.is_empty() {
        return vec![ReportFacts::new(heard.kind, heard.envelope.time)];
    }
    let one = |report: &TargetReport| {
        let place = position(report, site);
        ReportFacts {
            position: place
                .map(|of| Position { latitude_deg: of.latitude_deg, longitude_deg: of.longitude_deg }),
            height_m: place.map(|place| place.height_m),
            snr_db: report.snr_db,
            deviation_m: deviation_m(report, site),
            ..ReportFacts::new(heard.kind, heard.envelope.time_of(report.time_of_day_s))
        }
    };
    reports.iter().map(one).collect()
}

/// How well a report's place is known, m: of a track by its state, of a detection with angles by those.
fn deviation_m(report: &TargetReport, site: &SiteConfig) -> Option<f64> {
    if let Some(state) = &report.state {
        let covariance = state.ecef_covariance()?;
        return Some((0..3).map(|i| covariance[(i, i)]).sum::<f64>().max(0.0).sqrt());
    }
    let measurement = report.measurement(&site.reporting());
    let (range_m, accuracy) = (measurement.range_m?, measurement.accuracy?);
    measurement.azimuth_deg?;
    Some(accuracy.range_m.hypot(range_m * accuracy.azimuth_deg.to_radians()))
}
