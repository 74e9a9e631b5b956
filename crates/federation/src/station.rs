//! A station: what it says, and what it hears.

use crate::mailbox::TO;
use crate::message::{Heard, Kind, Voice};
use crate::outbox::Outbox;
use crate::reports::plot;
use crate::site::SiteConfig;
use crate::{Error, Result};
use rangegate_contract::{PublicKey, open_message};
use rangegate_core::Timestamp;
use rangegate_engine::{Exchange, Message, Start, Subscription};
use rangegate_exchange::asterix::report::{Kind as Report, TargetReport};
use rangegate_exchange::asterix::service::{Condition, StationStatus};
use rangegate_exchange::asterix::tables::{CAT015, CAT016, CAT063};
use rangegate_exchange::asterix::time::time_of_day_s;
use rangegate_tracking::{Measurement, TrackState};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// `[share]`: what leaves the station at all. What of it reaches whom, the contract says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ShareConfig {
    /// Each scan's detections.
    pub detections: bool,
    /// Its tracks.
    pub tracks: bool,
    /// How it is.
    pub health: bool,
    /// Where its antennas stand, and what they cover.
    pub coverage: bool,
    /// Weaker detections stay, dB.
    pub min_snr_db: Option<f64>,
    /// Health is said this often, s.
    pub health_s: f64,
    /// Site and coverage are said this often, s.
    pub site_s: f64,
}

impl Default for ShareConfig {
    fn default() -> Self {
        Self {
            detections: true,
            tracks: true,
            health: true,
            coverage: true,
            min_snr_db: None,
            health_s: 5.0,
            site_s: 60.0,
        }
    }
}

impl ShareConfig {
    /// Whether its values are possible.
    ///
    /// # Errors
    /// Field, found, expected.
    pub fn check(&self) -> Result<()> {
        for (field, value) in [("health_s", self.health_s), ("site_s", self.site_s)] {
            if !(0.1..=3600.0).contains(&value) {
                return Err(Error::Config(format!("share.{field} is {value}, expected 0.1 to 3,600 s")));
            }
        }
        Ok(())
    }
}

/// What was said so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Said {
    /// Scans, those without detections included.
    pub scans: u64,
    /// Detections.
    pub detections: u64,
    /// States of tracks.
    pub tracks: u64,
    /// Messages, of all kinds.
    pub messages: u64,
}

/// Says what a station's radar sees. Times are those of what was seen.
pub struct Speaker {
    site: SiteConfig,
    share: ShareConfig,
    voice: Voice,
    outbox: Arc<Outbox>,
    /// Tracks that were said, by number, and their last report.
    alive: BTreeMap<u64, TargetReport>,
    health_due: Option<Timestamp>,
    site_due: Option<Timestamp>,
    said: Said,
}

impl Speaker {
    /// A station that said nothing yet.
    pub fn new(site: SiteConfig, share: ShareConfig, voice: Voice, outbox: Arc<Outbox>) -> Self {
        let (alive, health_due, site_due, said) = (BTreeMap::new(), None, None, Said::default());
        Self { site, share, voice, outbox, alive, health_due, site_due, said }
    }

    /// What was said so far.
    pub fn said(&self) -> Said {
        self.said
    }

    /// One scan: numbers of its detections, and what they measure.
    ///
    /// # Errors
    /// It cannot be encoded, or the disk is full.
    pub fn scan(&mut self, time: Timestamp, found: &[(u64, Measurement)]) -> Result<()> {
        self.now_and_then(time)?;
        if !self.share.detections {
            return Ok(());
        }
        let least_db = self.share.min_snr_db.unwrap_or(f64::NEG_INFINITY);
        let strong = found.iter().filter(|(_, measurement)| measurement.snr_db >= least_db);
        let mut records = Vec::new();
        for (number, measurement) in strong {
            // A number that no field holds is not worth a station's silence.
            match plot(&self.site, time, *number, measurement).to_record() {
                Ok(record) => records.push(record),
                Err(error) => tracing::warn!("detection {number} is not shared: {error}"),
            }
        }
        self.said.scans += 1;
        self.said.detections += records.len() as u64;
        let messages = self.voice.records(Kind::Detections, time, CAT015, records)?;
        self.put(&messages)
    }

    /// All tracks at one time. Those that were said before and are not there any more end.
    ///
    /// # Errors
    /// As [`scan`](Self::scan).
    pub fn tracks(&mut self, time: Timestamp, tracks: &[TrackState]) -> Result<()> {
        if !self.share.tracks {
            return Ok(());
        }
        let station = self.site.reporting();
        let mut records = Vec::new();
        let before = std::mem::take(&mut self.alive);
        for track in tracks {
            let report = TargetReport::from_track(track, time, &station);
            match report.to_record() {
                Ok(record) => records.push(record),
                Err(error) => tracing::warn!("track {} is not shared: {error}", track.track),
            }
            self.alive.insert(track.track, report);
        }
        self.said.tracks += records.len() as u64;
        for (number, report) in before {
            if !self.alive.contains_key(&number) {
                let ended =
                    TargetReport { kind: Report::TrackEnd, time_of_day_s: time_of_day_s(time), ..report };
                records.extend(ended.to_record());
            }
        }
        if records.is_empty() {
            return Ok(());
        }
        let messages = self.voice.records(Kind::Tracks, time, CAT015, records)?;
        self.put(&messages)
    }

    /// Nothing more comes: its tracks end, and it says that it goes.
    ///
    /// # Errors
    /// As [`scan`](Self::scan).
    pub fn end(&mut self, time: Timestamp) -> Result<()> {
        self.tracks(time, &[])?;
        self.say_health(time, Condition::NotConnected)
    }

    fn now_and_then(&mut self, time: Timestamp) -> Result<()> {
        if self.share.coverage && is_due(&mut self.site_due, time, self.share.site_s) {
            let report = self.site.report(time, self.share.site_s.min(255.0) as u8);
            let messages = self.voice.records(Kind::Site, time, CAT016, vec![report.to_record()?])?;
            self.put(&messages)?;
            let document = serde_json::json!({
                "station": self.site.name,
                "owner": self.site.owner,
                "position": self.site.position,
                "transmitter": self.site.transmitter,
                "coverage": self.site.coverage,
            });
            let message = self.voice.document(Kind::Coverage, time, document.to_string())?;
            self.put(&[message])?;
        }
        if is_due(&mut self.health_due, time, self.share.health_s) {
            self.say_health(time, Condition::Operational)?;
        }
        Ok(())
    }

    fn say_health(&mut self, time: Timestamp, condition: Condition) -> Result<()> {
        if !self.share.health {
            return Ok(());
        }
        let status = StationStatus {
            source: self.site.source(),
            station: self.site.source(),
            time_of_day_s: time_of_day_s(time),
            condition,
            ..StationStatus::default()
        };
        let messages = self.voice.records(Kind::Health, time, CAT063, vec![status.to_record()?])?;
        self.put(&messages)
    }

    fn put(&mut self, messages: &[Message]) -> Result<()> {
        self.said.messages += messages.len() as u64;
        self.outbox.put(messages)
    }
}

/// Whether something that is said every so often is to be said now, and then notes when it is next.
fn is_due(due: &mut Option<Timestamp>, now: Timestamp, every_s: f64) -> bool {
    if due.is_some_and(|due| now < due) {
        return false;
    }
    *due = now.checked_add(Duration::from_secs_f64(every_s)).ok();
    true
}

/// Hears what comes back: the other owners' reports and the common picture.
pub struct Listener {
    subscription: Box<dyn Subscription>,
    centre: PublicKey,
    refused: u64,
}

/// The name of a station's cursor in what comes back.
const CURSOR: &str = "station";

impl Listener {
    /// Goes on where the station was.
    ///
    /// # Errors
    /// The mailbox cannot be read.
    pub fn new(mailbox: &Arc<dyn Exchange>, centre: PublicKey) -> Result<Self> {
        Ok(Self { subscription: mailbox.subscribe(TO, CURSOR, Start::First)?, centre, refused: 0 })
    }

    /// What came since, each with the sequence that acknowledges it. What the centre did not sign is refused and told.
    ///
    /// # Errors
    /// The mailbox cannot be read.
    pub fn next(&mut self, at_most: usize, wait: Duration) -> Result<(Vec<Heard>, Option<u64>)> {
        let delivered = self.subscription.next(at_most, wait)?;
        let last = delivered.last().map(|last| last.sequence);
        let mut heard = Vec::new();
        for message in delivered {
            match self.read(&message.message) {
                Ok(one) => heard.push(one),
                Err(error) => {
                    self.refused += 1;
                    tracing::warn!("refused a message in the mailbox: {error}");
                }
            }
        }
        Ok((heard, last))
    }

    fn read(&self, message: &Message) -> Result<Heard> {
        let Some((origin, _)) = message.subject.split_once('.') else {
            return Err(Error::Message(format!("of no origin: {:?}", message.subject)));
        };
        let envelope = open_message(origin, &self.centre, &message.payload)?;
        Heard::read(origin, message, envelope)
    }

    /// What was told up to here is on the disk.
    ///
    /// # Errors
    /// The mailbox cannot be written.
    pub fn acknowledge(&mut self, sequence: u64) -> Result<()> {
        Ok(self.subscription.acknowledge(sequence)?)
    }

    /// Messages that the centre did not sign, or that say nothing.
    pub fn refused(&self) -> u64 {
        self.refused
    }
}
