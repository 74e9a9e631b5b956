//! Where the time of a run went.

use crate::runner::Runner;
use crate::wait::WaitStats;
use serde::Serialize;
use std::time::{Duration, Instant};

/// What a run did, for its report.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunReport {
    /// How it was run.
    pub runner: Runner,
    /// Jobs whose results the drain accepted.
    pub jobs: u64,
    /// The stop flag ended it before the feed did, and nothing failed.
    pub stopped: bool,
    /// From the first job to the last result, s.
    pub elapsed_s: f64,
    /// Jobs that could be under way at once.
    pub slots: usize,
    /// The feed, each worker, the drain.
    pub stages: Vec<StageReport>,
    /// The queues between them.
    pub queues: Vec<QueueReport>,
}

/// What one stage did.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StageReport {
    /// `feed`, `worker-N` or `drain`.
    pub name: String,
    /// The core it was pinned to.
    pub core: Option<usize>,
    /// Items it made or took.
    pub items: u64,
    /// Time at work, s.
    pub busy_s: f64,
    /// Time in which it waited for another stage, s.
    pub waiting_s: f64,
    /// How often it waited.
    pub waits: u64,
}

/// How full a queue got.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct QueueReport {
    /// `jobs` or `results`.
    pub name: String,
    /// Places.
    pub capacity: usize,
    /// The most items it held at once.
    pub depth_max: usize,
}

/// Counts and times the turns of one stage.
#[derive(Default)]
pub(crate) struct Clock {
    items: u64,
    busy: Duration,
}

impl Clock {
    /// Times one turn. Turns that make or take nothing (the end, an error) are not counted as items.
    pub(crate) fn time<T>(&mut self, turn: impl FnOnce() -> T) -> T {
        let started = Instant::now();
        let done = turn();
        self.busy += started.elapsed();
        done
    }

    pub(crate) fn count(&mut self) {
        self.items += 1;
    }

    pub(crate) fn items(&self) -> u64 {
        self.items
    }

    pub(crate) fn report(&self, name: &str, waits: WaitStats) -> StageReport {
        StageReport {
            name: name.to_owned(),
            core: None,
            items: self.items,
            busy_s: self.busy.as_secs_f64(),
            waiting_s: waits.time.as_secs_f64(),
            waits: waits.count,
        }
    }
}
