//! The centre: hears every station, makes the common picture, and tells it.

use crate::mailbox::{FROM, TO};
use crate::message::{Heard, Kind, Voice};
use crate::outbox::WAIT;
use crate::relay::Authority;
use crate::reports::{ForFusion, for_fusion, system_track};
use crate::site::SiteConfig;
use crate::{Error, Result};
use rangegate_core::Timestamp;
use rangegate_engine::{Delivered, Exchange, Message, Start};
use rangegate_exchange::asterix::report::DataSource;
use rangegate_exchange::asterix::service::{Condition, StationStatus};
use rangegate_exchange::asterix::tables::CAT062;
use rangegate_fusion::{Alert, AlertWatch, FusedTrack, Fuser, LastHeard, LocalTrack, Why};
use rangegate_pipeline::Stop;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// What "now" is for waiting, for the contract's delays and graces, and for the loss of stations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Clock {
    /// The machine's clock: stations are live.
    #[default]
    Wall,
    /// The time of the reports that every station has reached: stations replay or simulate.
    Reports,
}

/// The machine's time.
#[expect(
    clippy::disallowed_methods,
    reason = "keys, contracts and live stations go by it; reports keep their own times"
)]
pub fn wall_clock() -> Timestamp {
    Timestamp::now()
}

/// A station as the centre knows it, and its mailbox.
pub struct Member {
    /// Who it is.
    pub site: SiteConfig,
    /// Its mailbox.
    pub mailbox: Arc<dyn Exchange>,
}

/// Where what the centre learns goes.
pub trait Sink {
    /// A message of a station that was let in, and what fusion makes of it.
    ///
    /// # Errors
    /// It cannot be kept.
    fn heard(&mut self, site: &SiteConfig, heard: &Heard, reports: &[ForFusion]) -> Result<()>;

    /// The picture of one time.
    ///
    /// # Errors
    /// It cannot be kept.
    fn fused(&mut self, picture: &[FusedTrack]) -> Result<()>;

    /// Why two stations' tracks are, or are not, one target's: when they come near each other, and whenever the verdict
    /// changes.
    ///
    /// # Errors
    /// It cannot be kept.
    fn compared(&mut self, time: Timestamp, why: &Why) -> Result<()>;

    /// Alerts.
    ///
    /// # Errors
    /// They cannot be kept.
    fn alerts(&mut self, alerts: &[Alert]) -> Result<()>;

    /// What came so far is on the disk when this returns; the messages are acknowledged then.
    ///
    /// # Errors
    /// The disk is full.
    fn flush(&mut self) -> Result<()>;
}

/// How a station is to the centre.
#[derive(Clone, Copy, Debug, Default)]
struct Standing {
    /// Time of its latest report.
    latest: Option<Timestamp>,
    /// When that was heard, by the machine's clock.
    heard: Option<Timestamp>,
    /// It said that it goes.
    ended: bool,
}

/// What the centre did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Done {
    /// Messages that were let in.
    pub messages: u64,
    /// Messages that were refused.
    pub refused: u64,
    /// Reports that fusion was given.
    pub reports: u64,
    /// Pictures.
    pub pictures: u64,
    /// Alerts.
    pub alerts: u64,
}

/// Messages that travel together, and that wait for the centre.
const BATCH: usize = 256;
/// How far ahead of the slowest one a station is read where reports are the clock, s.
const AHEAD_S: f64 = 10.0;
/// The name of the centre's cursor in what stations say.
const CURSOR: &str = "centre";

/// Hears, fuses, tells.
pub struct Centre<'a> {
    members: &'a [Member],
    authority: Arc<Mutex<Authority>>,
    fuser: Fuser,
    watch: AlertWatch,
    clock: Clock,
    source: DataSource,
    voices: Vec<Voice>,
    standing: Vec<Standing>,
    /// Owner of each station.
    owners: BTreeMap<String, String>,
    /// Pairs of stations' tracks that were compared, and whether they were one target's.
    verdicts: BTreeMap<(LocalTrack, LocalTrack), bool>,
    done: Done,
}

impl<'a> Centre<'a> {
    /// A centre that heard nothing yet; `voices` are one for each member.
    pub fn new(
        members: &'a [Member],
        authority: Arc<Mutex<Authority>>,
        fuser: Fuser,
        watch: AlertWatch,
        clock: Clock,
        source: DataSource,
        voices: Vec<Voice>,
    ) -> Self {
        let standing = vec![Standing::default(); members.len()];
        let owners =
            members.iter().map(|member| (member.site.name.clone(), member.site.owner.clone())).collect();
        Self {
            members,
            authority,
            fuser,
            watch,
            clock,
            source,
            voices,
            standing,
            owners,
            verdicts: BTreeMap::new(),
            done: Done::default(),
        }
    }

    /// Works until `stop` is set, or, where `until_ended`, until every station has said that it goes.
    ///
    /// # Errors
    /// What does not pass with time.
    pub fn run(mut self, sink: &mut dyn Sink, stop: &Stop, until_ended: bool) -> Result<(Done, Fuser)> {
        let acknowledged: Vec<AtomicU64> = self.members.iter().map(|_| AtomicU64::new(0)).collect();
        let readers = Stop::new();
        let ran = std::thread::scope(|scope| {
            let mut inboxes = Vec::new();
            for (member, acknowledged) in self.members.iter().zip(&acknowledged) {
                let (sender, receiver) = sync_channel(4);
                let readers = readers.clone();
                scope.spawn(move || read(member, &sender, acknowledged, &readers));
                inboxes.push(receiver);
            }
            let ran = self.work(&inboxes, &acknowledged, sink, stop, until_ended);
            // Readers that wait for a place in their inbox find nobody there.
            drop(inboxes);
            readers.set();
            ran
        });
        ran?;
        Ok((self.done, self.fuser))
    }

    fn work(
        &mut self,
        inboxes: &[Receiver<Inbox>],
        acknowledged: &[AtomicU64],
        sink: &mut dyn Sink,
        stop: &Stop,
        until_ended: bool,
    ) -> Result<()> {
        loop {
            let mut pending = vec![0; inboxes.len()];
            let mut is_idle = true;
            for (k, inbox) in inboxes.iter().enumerate() {
                if self.is_ahead(k) {
                    continue;
                }
                let Ok(batch) = inbox.try_recv() else { continue };
                let batch = batch?;
                is_idle = false;
                for delivered in &batch {
                    self.take(k, delivered, sink)?;
                    pending[k] = delivered.sequence;
                }
            }
            let all_ended = self.standing.iter().all(|standing| standing.ended);
            let is_over = until_ended && all_ended && is_idle;
            self.look(sink, is_over)?;
            if !is_idle {
                sink.flush()?;
                for (acknowledged, sequence) in acknowledged.iter().zip(pending) {
                    acknowledged.fetch_max(sequence, Ordering::Release);
                }
            }
            if is_over || stop.is_set() {
                sink.flush()?;
                return Ok(());
            }
            if is_idle {
                std::thread::sleep(Duration::from_millis(5));
            }
        }
    }

    /// Where reports are the clock, a fast station waits for a slow one.
    fn is_ahead(&self, k: usize) -> bool {
        let Clock::Reports = self.clock else { return false };
        let Some(own) = self.standing[k].latest else { return false };
        let others = self.standing.iter().filter(|standing| !standing.ended);
        others
            .map(|standing| standing.latest)
            .any(|latest| latest.is_none_or(|latest| own.duration_since(latest).as_secs_f64() > AHEAD_S))
    }

    fn take(&mut self, k: usize, delivered: &Delivered, sink: &mut dyn Sink) -> Result<()> {
        let site = &self.members[k].site;
        let message = &delivered.message;
        let let_in = lock(&self.authority).open_message(site, message, Some("centre"));
        let reports = let_in.and_then(|heard| for_fusion(&heard, site).map(|reports| (heard, reports)));
        let (heard, reports) = match reports {
            Ok(good) => good,
            Err(error) => {
                self.done.refused += 1;
                lock(&self.authority).refused(site, message, &error);
                return Ok(());
            }
        };
        self.done.messages += 1;
        let standing = &mut self.standing[k];
        standing.latest = standing.latest.max(Some(heard.envelope.time));
        standing.heard = Some(wall_clock());
        if heard.kind == Kind::Health {
            standing.ended = heard.records().any(|record| {
                StationStatus::from_record(record)
                    .is_ok_and(|status| status.condition == Condition::NotConnected)
            });
        }
        sink.heard(site, &heard, &reports)?;
        self.done.reports += reports.len() as u64;
        for report in &reports {
            match report {
                ForFusion::Detection(report) => self.fuser.push_detection(report),
                ForFusion::Track(report) => self.fuser.push_track(report),
                ForFusion::ScanEnd(report) => self.fuser.push_scan_end(report),
            }
        }
        Ok(())
    }

    /// What time it is.
    fn now(&self) -> Option<Timestamp> {
        match self.clock {
            Clock::Wall => Some(wall_clock()),
            Clock::Reports => {
                let live: Vec<_> = self.standing.iter().filter(|standing| !standing.ended).collect();
                if live.is_empty() {
                    return self.standing.iter().filter_map(|standing| standing.latest).max();
                }
                live.iter().map(|standing| standing.latest).min().flatten()
            }
        }
    }

    /// Makes the pictures that are due, and tells them.
    fn look(&mut self, sink: &mut dyn Sink, is_over: bool) -> Result<()> {
        let Some(now) = self.now() else { return Ok(()) };
        lock(&self.authority).reach(now);
        // At the end nothing that is late can come any more. Contracts' graces do not run on with that.
        let late = Duration::from_secs(if is_over { 60 } else { 0 });
        let tracks = self.fuser.advance(now.checked_add(late).unwrap_or(now));
        for picture in tracks.chunk_by(|one, other| one.time == other.time) {
            self.done.pictures += 1;
            sink.fused(picture)?;
            self.tell(picture)?;
            let time = picture[0].time;
            let alerts = self.watch.watch(time, picture, &[]);
            self.raise(&alerts, sink)?;
        }
        if let Some(latest) = tracks.last() {
            self.compare(latest.time, sink)?;
        }
        if !is_over {
            let heard = self.last_heard();
            let alerts = self.watch.watch(now, &[], &heard);
            self.raise(&alerts, sink)?;
        }
        Ok(())
    }

    /// Tells of pairs of stations' tracks what was not told of them yet.
    fn compare(&mut self, time: Timestamp, sink: &mut dyn Sink) -> Result<()> {
        let mut verdicts = BTreeMap::new();
        for why in self.fuser.whys() {
            let pair = (why.one.clone(), why.other.clone());
            if self.verdicts.get(&pair) != Some(&why.associated) {
                sink.compared(time, &why)?;
            }
            verdicts.insert(pair, why.associated);
        }
        self.verdicts = verdicts;
        Ok(())
    }

    /// Stations that were heard and did not say that they go.
    fn last_heard(&self) -> Vec<LastHeard> {
        let time = |standing: &Standing| match self.clock {
            Clock::Wall => standing.heard,
            Clock::Reports => standing.latest,
        };
        let members = self.members.iter().zip(&self.standing).filter(|(_, standing)| !standing.ended);
        members
            .filter_map(|(member, standing)| {
                Some(LastHeard { station: member.site.name.clone(), time: time(standing)? })
            })
            .collect()
    }

    fn raise(&mut self, alerts: &[Alert], sink: &mut dyn Sink) -> Result<()> {
        if alerts.is_empty() {
            return Ok(());
        }
        self.done.alerts += alerts.len() as u64;
        sink.alerts(alerts)?;
        for (member, voice) in self.members.iter().zip(&mut self.voices) {
            let shown: Vec<&Alert> = {
                let mut authority = lock(&self.authority);
                alerts
                    .iter()
                    .filter(|alert| {
                        alert
                            .track
                            .as_ref()
                            .is_none_or(|of| authority.may_see(&self.owners, &member.site, of, Kind::Alerts))
                    })
                    .collect()
            };
            for alert in shown {
                let document =
                    serde_json::to_string(alert).map_err(|error| Error::Other(error.to_string()))?;
                let message = voice.document(Kind::Alerts, alert.time, document)?;
                publish(member, vec![message])?;
            }
        }
        Ok(())
    }

    /// Tells each station of the picture what the contract lets it see.
    fn tell(&mut self, picture: &[FusedTrack]) -> Result<()> {
        let unit = |name: &str| {
            self.members.iter().find(|member| member.site.name == name).map_or(0, |member| member.site.sic)
        };
        for (member, voice) in self.members.iter().zip(&mut self.voices) {
            let mut records = Vec::new();
            for track in picture {
                if lock(&self.authority).may_see(&self.owners, &member.site, track, Kind::Fused) {
                    match system_track(track, self.source, unit).to_record() {
                        Ok(record) => records.push(record),
                        Err(error) => tracing::warn!("fused track {} is not told: {error}", track.id),
                    }
                }
            }
            if !records.is_empty() {
                let messages = voice.records(Kind::Fused, picture[0].time, CAT062, records)?;
                publish(member, messages)?;
            }
        }
        Ok(())
    }
}

/// Tells a station; what cannot be told now is not told later, as another picture follows.
fn publish(member: &Member, messages: Vec<Message>) -> Result<()> {
    let messages: Vec<Message> = messages
        .into_iter()
        .map(|message| Message { subject: format!("centre.{}", message.subject), ..message })
        .collect();
    match member.mailbox.publish(TO, &messages) {
        Ok(_) => Ok(()),
        Err(error) if error.is_temporary() => {
            tracing::warn!("{} is not told of the picture: {error}", member.site.name);
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}

pub(crate) fn lock<T>(shared: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Messages of a station, or why there are no more.
type Inbox = Result<Vec<Delivered>>;

/// Reads a station's messages until `stop` is set, and acknowledges what was worked off.
fn read(member: &Member, inbox: &SyncSender<Inbox>, acknowledged: &AtomicU64, stop: &Stop) {
    let mut progress = Progress::default();
    let mut is_away = false;
    while !stop.is_set() {
        match read_on(member, inbox, acknowledged, stop, &mut progress) {
            Ok(()) => return,
            Err(error) if error.is_temporary() => {
                if !std::mem::replace(&mut is_away, true) {
                    tracing::warn!("{}: {error}", member.site.name);
                }
                std::thread::sleep(WAIT);
            }
            Err(error) => {
                hand_over(inbox, Err(error), stop);
                return;
            }
        }
    }
}

/// How far a reader is.
#[derive(Default)]
struct Progress {
    /// What was handed over: after a failure it is read again, and not handed over again.
    handed: u64,
    acknowledged: u64,
}

fn read_on(
    member: &Member,
    inbox: &SyncSender<Inbox>,
    acknowledged: &AtomicU64,
    stop: &Stop,
    progress: &mut Progress,
) -> Result<()> {
    let mut subscription = member.mailbox.subscribe(FROM, CURSOR, Start::First)?;
    // What this subscription gave out, and so may acknowledge.
    let mut given = 0;
    let mut is_heard = true;
    loop {
        let done = acknowledged.load(Ordering::Acquire);
        if done > progress.acknowledged && done <= given {
            subscription.acknowledge(done)?;
            progress.acknowledged = done;
        }
        if stop.is_set() || !is_heard {
            return Ok(());
        }
        let mut batch = subscription.next(BATCH, WAIT)?;
        given = batch.last().map_or(given, |last| last.sequence);
        batch.retain(|delivered| delivered.sequence > progress.handed);
        if let Some(last) = batch.last() {
            progress.handed = last.sequence;
            is_heard = hand_over(inbox, Ok(batch), stop);
        }
    }
}

/// Whether somebody took it.
fn hand_over(inbox: &SyncSender<Inbox>, mut batch: Inbox, stop: &Stop) -> bool {
    loop {
        match inbox.try_send(batch) {
            Ok(()) => return true,
            Err(TrySendError::Disconnected(_)) => return false,
            Err(TrySendError::Full(back)) if !stop.is_set() => {
                batch = back;
                std::thread::sleep(Duration::from_millis(5));
            }
            Err(TrySendError::Full(_)) => return false,
        }
    }
}
