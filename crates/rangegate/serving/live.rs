//! A run as the server asks for it.

use super::recent::Recent;
use super::{Archived, station, truth, unix_s};
use crate::plan::Plan;
use crate::watch::{Control, Shared, has_maps};
use rangegate_dsp::chain::Chain;
use rangegate_sinks::Trigger;
use rangegate_web::backend::{Queue, Source, Stage, Tap};
use rangegate_web::{
    About, Backend, Command, Mode, Playing, Query, Refusal, Replay, Rows, Status, Stretch, Timeline, View,
};
use serde_json::Value;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Scans without a detection after which a track is not counted any more, s.
const TRACK_LIFE_S: f64 = 60.0;
/// The slowest and the fastest that a replay may be played.
const SPEEDS: std::ops::RangeInclusive<f64> = 1e-3..=1e6;

/// A run that is watched, over all rounds of its replay.
pub struct Live {
    about: About,
    configuration: Value,
    /// What the run counts.
    pub shared: Arc<Shared>,
    recent: Mutex<Recent>,
    trigger: Option<Trigger>,
    rate_hz: f64,
    slots: u64,
    /// Time of the newest sample, as bits.
    time_s: AtomicU64,
    /// Samples that were done when somebody asked last, and the rate since the time before.
    speed: Mutex<(Instant, u64, f64)>,
    pub(super) truth: Vec<truth::Truth>,
    /// First sample of the first round.
    pub(super) origin_sample: u64,
    /// The archive that the run goes into.
    archive: Option<Archived>,
}

/// The farthest gate of a radar's maps, m.
fn max_range_m(plan: &Plan) -> Option<f64> {
    let Chain::PulseDoppler(radar) = &plan.chain else { return None };
    let (first_m, step_m) = radar.range_axis_m();
    radar.maps().next().map(|map| first_m + step_m * (map.n_gates().max(1) - 1) as f64)
}

impl Live {
    /// A run of a plan at a speed (`None`: as fast as possible); `can_seek` where its recording can be played again from another place.
    pub fn new(plan: &Plan, speed: Option<f64>, can_seek: bool, trigger: Option<Trigger>) -> Self {
        let stream = &plan.stream;
        let rate_hz = stream.sample_rate.hz();
        let is_replay = plan.radio.is_none();
        let duration_s = is_replay.then(|| (plan.window.1 - plan.window.0) as f64 / rate_hz);
        let start_time_s = plan.start_time().map(unix_s);
        let control = Control::new(is_replay, can_seek, speed, plan.window.0);
        let mut views = vec![View::RangeTime, View::AScope];
        if has_maps(plan) {
            views.insert(0, View::RangeDoppler);
        }
        if !matches!(plan.chain, Chain::Cw(_)) {
            views.push(View::Spectrum);
        }
        let archive = plan.config.archive.as_ref().and_then(|archive| Archived::open(&archive.path).ok());
        let about = About {
            mode: if is_replay { Mode::Replay } else { Mode::Live },
            views,
            station: station(&plan.config),
            detector: crate::chain::summary(&plan.chain),
            duration_s,
            start_time_s,
            sample_rate_hz: Some(rate_hz),
            first_sample: Some(plan.window.0),
            channels: stream.n_channels,
            transmitter: plan.config.tracking.as_ref().and_then(super::transmitter_of),
            max_range_m: max_range_m(plan),
            archive: archive.is_some(),
            exchange: false,
        };
        Self {
            about,
            configuration: serde_json::to_value(&plan.config).unwrap_or_default(),
            shared: Arc::new(Shared::new(plan.runner.n_workers(), control)),
            recent: Mutex::new(Recent::new(start_time_s.unwrap_or(0.0), duration_s)),
            trigger,
            rate_hz,
            slots: plan.runner.n_slots() as u64,
            time_s: AtomicU64::new(start_time_s.unwrap_or(0.0).to_bits()),
            speed: Mutex::new((Instant::now(), 0, 0.0)),
            truth: truth::read(plan),
            origin_sample: plan.window.0,
            archive,
        }
    }

    pub(super) fn recent(&self) -> MutexGuard<'_, Recent> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn has_view(&self, view: View) -> bool {
        self.about.views.contains(&view)
    }

    pub(super) fn at_time(&self, time_s: f64) {
        self.time_s.store(time_s.to_bits(), Relaxed);
    }

    fn archive(&self) -> Result<&Archived, Refusal> {
        self.archive.as_ref().ok_or_else(|| Refusal::Impossible("this run goes into no archive".to_owned()))
    }

    fn time_s(&self) -> f64 {
        f64::from_bits(self.time_s.load(Relaxed))
    }

    /// Samples a second that were done between the last two questions that were a while apart.
    fn processed_hz(&self, samples: u64) -> f64 {
        let mut speed = self.speed.lock().unwrap_or_else(PoisonError::into_inner);
        let elapsed_s = speed.0.elapsed().as_secs_f64();
        if elapsed_s > 0.4 {
            *speed = (Instant::now(), samples, samples.saturating_sub(speed.1) as f64 / elapsed_s);
        }
        speed.2
    }
}

impl Backend for Live {
    fn about(&self) -> About {
        self.about.clone()
    }

    fn configuration(&self) -> Value {
        self.configuration.clone()
    }

    fn status(&self) -> Status {
        let shared = &self.shared;
        let load = |counter: &AtomicU64| counter.load(Relaxed);
        let seconds = |ns: &AtomicU64| load(ns) as f64 * 1e-9;
        let stage = |name: String, ns| Stage { name, busy_s: seconds(ns) };
        let mut stages = vec![stage("feed".to_owned(), &shared.feed_ns)];
        let workers = shared.worker_ns.iter().enumerate();
        stages.extend(workers.map(|(number, ns)| stage(format!("worker-{number}"), ns)));
        stages.push(stage("drain".to_owned(), &shared.drain_ns));
        let level = f32::from_bits(shared.level.load(Relaxed));
        let (samples, time_s) = (load(&shared.samples), self.time_s());
        let done = load(&shared.jobs_done);
        Status {
            time_s,
            rate_hz: self.rate_hz,
            processed_hz: self.processed_hz(samples),
            level_dbfs: (shared.has_level.load(Relaxed) && level > 0.0)
                .then(|| 10.0 * f64::from(level).log10()),
            clipped: load(&shared.clipped),
            samples,
            gaps: load(&shared.gaps),
            lost_samples: load(&shared.lost_samples),
            detections: load(&shared.detections),
            tracks: self.recent().n_tracks(time_s, TRACK_LIFE_S),
            latency_s: (done > 0).then(|| load(&shared.latency_us) as f64 * 1e-6),
            queue: Queue { depth: load(&shared.jobs_fed).saturating_sub(done), slots: self.slots },
            stages,
            tap: Tap { offered: load(&shared.offered), dropped: load(&shared.dropped) },
        }
    }

    fn replay(&self) -> Option<Replay> {
        let control = &self.shared.control;
        if !control.is_replay() {
            return None;
        }
        let standing = control.standing();
        let state = match (standing.has_ended, standing.is_paused) {
            (true, _) => Playing::Ended,
            (false, true) => Playing::Paused,
            (false, false) => Playing::Playing,
        };
        Some(Replay {
            state,
            position_s: standing.position_samples as f64 / self.rate_hz,
            duration_s: self.about.duration_s,
            speed: standing.speed,
            can_seek: control.can_seek,
            round: standing.round,
        })
    }

    fn command(&self, command: Command) -> Result<Replay, Refusal> {
        let control = &self.shared.control;
        let impossible = |message: &str| Err(Refusal::Impossible(message.to_owned()));
        if !control.is_replay() {
            return impossible("a radio cannot be held up");
        }
        let has_ended = control.standing().has_ended;
        match command {
            Command::Pause {} => control.pause(),
            Command::Resume {} if has_ended && !control.can_seek => {
                return impossible("the run is at its end, and its results are written");
            }
            Command::Resume {} => control.resume(),
            Command::Step {} if has_ended => return impossible("the recording is at its end"),
            Command::Step {} => control.step(),
            Command::Seek { .. } if !control.can_seek => {
                return impossible(
                    "this run writes its results, so it goes through once: `rangegate serve` can seek",
                );
            }
            Command::Seek { position_s } => {
                let end_s = self.about.duration_s.unwrap_or(f64::INFINITY);
                if !(0.0..=end_s).contains(&position_s) {
                    return Err(Refusal::Invalid(format!(
                        "position_s is {position_s}, expected 0 to {end_s}"
                    )));
                }
                control.seek(position_s);
            }
            Command::Speed { speed: Some(speed) } if !SPEEDS.contains(&speed) => {
                return Err(Refusal::Invalid(format!("speed is {speed}, expected 0.001 to 1e6, or null")));
            }
            Command::Speed { speed } => control.set_speed(speed),
        }
        self.replay().ok_or_else(|| Refusal::Failed("nothing is replayed".to_owned()))
    }

    fn trigger(&self) -> Result<(), Refusal> {
        match &self.trigger {
            Some(trigger) => {
                trigger.now();
                Ok(())
            }
            None => Err(Refusal::Impossible("nothing is held: capture with --last".to_owned())),
        }
    }

    fn detections(&self, query: &Query) -> Result<Rows, Refusal> {
        match query.source {
            Source::Live if query.track.is_some() => Err(Refusal::Impossible(
                "detections by track are asked of an archive: a track's lines name its detections".to_owned(),
            )),
            Source::Live => Ok(self.recent().detections(query)),
            Source::Archive => self.archive()?.detections(query),
        }
    }

    fn tracks(&self, query: &Query) -> Result<Rows, Refusal> {
        match query.source {
            Source::Live => Ok(self.recent().tracks(query)),
            Source::Archive => self.archive()?.tracks(query),
        }
    }

    fn timeline(&self, stretch: &Stretch, bins: usize) -> Result<Timeline, Refusal> {
        if stretch.source == Source::Archive {
            return self.archive()?.timeline(stretch, bins);
        }
        let start_s = self.about.start_time_s.unwrap_or(0.0);
        let end_s = self.about.duration_s.unwrap_or_else(|| self.time_s() - start_s);
        let (from, to) = (stretch.from.unwrap_or(0.0), stretch.to.unwrap_or(end_s));
        // Times since 1970 have no digits left to say where it ends.
        let Timeline { counts, .. } = self.recent().timeline(start_s + from, start_s + to, bins);
        Ok(Timeline { start_s: from, end_s: to, counts })
    }
}
