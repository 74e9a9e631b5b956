//! Pause, step, seek and speed of a replay: the feed is held up before it hands out a segment.

use super::Shared;
use rangegate_core::{BoxError, Segment};
use rangegate_pipeline::{Feed, Stop};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Longest stretch of waiting in which the flag that ends the run is not looked at.
const SLICE: Duration = Duration::from_millis(20);

/// What a person wants of the replay.
#[derive(Clone, Copy, Debug, Default)]
struct Wish {
    is_paused: bool,
    /// Segments that may still pass while it is paused.
    steps: u64,
    /// Where to begin again, s from the recording's first sample.
    seek_s: Option<f64>,
    /// Signal a second; `None`: as much as there is.
    speed: Option<f64>,
    /// Grows when the speed or a pause makes the pace begin anew.
    paces: u64,
    has_ended: bool,
    /// How often the recording was begun.
    round: u64,
}

/// How a replay stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Standing {
    /// It waits.
    pub is_paused: bool,
    /// It is at its end.
    pub has_ended: bool,
    /// Signal a second; `None`: as much as there is.
    pub speed: Option<f64>,
    /// How often it was begun.
    pub round: u64,
    /// Samples from the recording's first one to what was done last.
    pub position_samples: u64,
}

/// Holds up the feed of a recording.
pub struct Control {
    wish: Mutex<Wish>,
    changed: Condvar,
    /// A recording, not a radio: it can be held up.
    is_replay: bool,
    /// It can be begun again from another place.
    pub can_seek: bool,
    /// First sample of the recording, and one past the last that was done.
    first_sample: AtomicU64,
    at_sample: AtomicU64,
    is_stepping: AtomicBool,
}

/// Why a round of a replay ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Ended {
    /// Play again from this place, s from the recording's first sample.
    Again(f64),
    /// The program is to end.
    Stopped,
}

impl Control {
    /// Of a recording that plays at a speed, or of a radio.
    pub fn new(is_replay: bool, can_seek: bool, speed: Option<f64>, first_sample: u64) -> Self {
        Self {
            wish: Mutex::new(Wish { speed, ..Wish::default() }),
            changed: Condvar::new(),
            is_replay,
            can_seek,
            first_sample: AtomicU64::new(first_sample),
            at_sample: AtomicU64::new(first_sample),
            is_stepping: AtomicBool::new(false),
        }
    }

    /// Whether it is a recording that plays.
    pub fn is_replay(&self) -> bool {
        self.is_replay
    }

    fn lock(&self) -> MutexGuard<'_, Wish> {
        self.wish.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut Wish)) {
        let mut wish = self.lock();
        change(&mut wish);
        self.is_stepping.store(wish.is_paused, Relaxed);
        drop(wish);
        self.changed.notify_all();
    }

    /// Waits from the next segment on.
    pub fn pause(&self) {
        self.change(|wish| (wish.is_paused, wish.steps) = (true, 0));
    }

    /// Goes on; from the start where it has ended.
    pub fn resume(&self) {
        self.change(|wish| {
            wish.is_paused = false;
            wish.paces += 1;
            if wish.has_ended {
                wish.seek_s.get_or_insert(0.0);
            }
        });
    }

    /// Lets one segment pass, and waits.
    pub fn step(&self) {
        self.change(|wish| (wish.is_paused, wish.steps) = (true, wish.steps + 1));
    }

    /// Begins again from another place; where it waits, it shows what is there.
    pub fn seek(&self, position_s: f64) {
        self.change(|wish| {
            wish.seek_s = Some(position_s);
            wish.steps = u64::from(wish.is_paused);
        });
    }

    /// Goes on at another speed.
    pub fn set_speed(&self, speed: Option<f64>) {
        self.change(|wish| {
            wish.speed = speed;
            wish.paces += 1;
        });
    }

    /// How it stands.
    pub fn standing(&self) -> Standing {
        let wish = *self.lock();
        let position_samples = self.at_sample.load(Relaxed).saturating_sub(self.first_sample.load(Relaxed));
        Standing {
            is_paused: wish.is_paused,
            has_ended: wish.has_ended,
            speed: wish.speed,
            round: wish.round,
            position_samples,
        }
    }

    /// What is done reaches to this sample.
    pub(super) fn at(&self, end_sample: u64) {
        self.at_sample.store(end_sample, Relaxed);
    }

    /// Whether each segment is looked at by itself.
    pub(super) fn is_stepping(&self) -> bool {
        self.is_stepping.load(Relaxed)
    }

    /// A round begins at this sample.
    pub fn begin_round(&self, sample: u64) {
        self.at_sample.store(sample, Relaxed);
        self.change(|wish| {
            (wish.has_ended, wish.round, wish.paces) = (false, wish.round + 1, wish.paces + 1);
        });
    }

    /// The last round has ended.
    pub fn end(&self) {
        self.change(|wish| wish.has_ended = true);
    }

    /// A round has ended: waits until it is to be played again, or the program is to end.
    pub fn end_round(&self, stop: &Stop) -> Ended {
        self.change(|wish| wish.has_ended = wish.seek_s.is_none());
        let mut wish = self.lock();
        loop {
            if stop.is_set() {
                return Ended::Stopped;
            }
            if let Some(position_s) = wish.seek_s.take() {
                wish.has_ended = false;
                return Ended::Again(position_s);
            }
            wish = self.changed.wait_timeout(wish, SLICE).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits until the next segment may pass; `false` where none does any more. Says how fast, and which pace it is.
    fn admit(&self, stop: &Stop) -> Option<(Option<f64>, u64)> {
        let mut wish = self.lock();
        loop {
            if stop.is_set() || wish.seek_s.is_some() {
                return None;
            }
            if !wish.is_paused {
                return Some((wish.speed, wish.paces));
            }
            if wish.steps > 0 {
                wish.steps -= 1;
                return Some((None, wish.paces));
            }
            wish = self.changed.wait_timeout(wish, SLICE).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits until a time, or until something is wanted.
    fn wait_until(&self, due: Instant, paces: u64, stop: &Stop) {
        let mut wish = self.lock();
        while !stop.is_set() && wish.seek_s.is_none() && !wish.is_paused && wish.paces == paces {
            let left = due.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            wish = self.changed.wait_timeout(wish, left.min(SLICE)).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// A feed that a person holds up.
pub struct Gated<F> {
    feed: F,
    shared: Option<Arc<Shared>>,
    rate_hz: f64,
    stop: Stop,
    /// Which pace, when it began, and with which sample.
    pace: Option<(u64, Instant, u64)>,
    n_sets: usize,
    next_set: usize,
}

impl<F> Gated<F> {
    /// A feed of `n_sets` jobs a segment, held up where it is watched.
    pub fn new(feed: F, shared: Option<Arc<Shared>>, rate_hz: f64, n_sets: usize, stop: Stop) -> Self {
        Self { feed, shared, rate_hz, stop, pace: None, n_sets, next_set: 0 }
    }

    /// The feed.
    pub fn feed(&self) -> &F {
        &self.feed
    }
}

impl<F: Feed<Segment>> Feed<Segment> for Gated<F> {
    fn next(&mut self, job: &mut Segment) -> Result<bool, BoxError> {
        let Some(shared) = self.shared.clone() else { return self.feed.next(job) };
        let control = &shared.control;
        let mut speed = None;
        if control.is_replay && self.next_set == 0 {
            let Some((wanted, paces)) = control.admit(&self.stop) else { return Ok(false) };
            if self.pace.is_some_and(|pace| pace.0 != paces) {
                self.pace = None;
            }
            speed = wanted.map(|speed| (speed, paces));
        }
        let began = Instant::now();
        let more = self.feed.next(job)?;
        shared.feed_ns.fetch_add(began.elapsed().as_nanos() as u64, Relaxed);
        if !more {
            return Ok(false);
        }
        self.next_set = (job.set + 1) % self.n_sets.max(1);
        if let Some((speed, paces)) = speed {
            let end = job.core_first_sample() + job.core.len() as u64;
            let (_, start, origin) = *self.pace.get_or_insert((paces, began, job.core_first_sample()));
            let due_s = end.saturating_sub(origin) as f64 / (self.rate_hz * speed);
            let due = Duration::try_from_secs_f64(due_s).ok().and_then(|due| start.checked_add(due));
            control.wait_until(
                due.unwrap_or_else(|| start + Duration::from_secs(u32::MAX.into())),
                paces,
                &self.stop,
            );
        }
        shared.fed();
        Ok(true)
    }
}
