//! Runs a graph: on this thread, or on many.

use crate::error::{Error, Failure};
use crate::graph::{Drain, Feed, Work};
use crate::stats::{QueueReport, RunReport, StageReport};
use crate::stop::Stop;
use crate::{inline, threads, worker};
use serde::{Deserialize, Serialize};
use std::time::Instant;

/// Which threads do the work. The results do not depend on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Runner {
    /// All on the calling thread, one job after the other.
    Inline,
    /// The feed on a thread of its own, `workers` threads for the work, the drain on the calling thread.
    Threads {
        /// Number of workers.
        workers: usize,
        /// The core of each worker; without it the system places them.
        #[serde(default)]
        pin: Option<Vec<usize>>,
    },
}

/// What came of the stages, before it becomes a report.
pub(crate) struct Outcome {
    pub(crate) stages: Vec<StageReport>,
    pub(crate) queues: Vec<QueueReport>,
    pub(crate) jobs: u64,
    pub(crate) stopped: bool,
    pub(crate) done: Result<(), Error>,
}

impl Outcome {
    pub(crate) fn not_begun(error: Error) -> Self {
        Self { stages: Vec::new(), queues: Vec::new(), jobs: 0, stopped: false, done: Err(error) }
    }
}

impl Runner {
    /// How many workers [`Runner::run`] wants.
    pub fn n_workers(&self) -> usize {
        match self {
            Self::Inline => 1,
            Self::Threads { workers, .. } => *workers,
        }
    }

    /// How many jobs can be under way at once, and so how often `make` is called: for each worker one in
    /// work, one waiting and one done that waits for its turn, and one each for feed and drain.
    pub fn n_slots(&self) -> usize {
        match self {
            Self::Inline => 1,
            Self::Threads { workers, .. } => workers.saturating_mul(3).saturating_add(2),
        }
    }

    /// Whether this machine can do it: there are workers, and the cores to pin them to.
    ///
    /// # Errors
    /// [`Error::NoWorkers`], [`Error::PinCount`] or [`Error::NoSuchCore`].
    pub fn check(&self) -> Result<(), Error> {
        match self {
            Self::Threads { workers: 0, .. } => Err(Error::NoWorkers),
            Self::Threads { workers, pin: Some(cores) } if cores.len() != *workers => {
                Err(Error::PinCount { cores: cores.len(), workers: *workers })
            }
            Self::Threads { pin: Some(cores), .. } => worker::check_cores(cores),
            _ => Ok(()),
        }
    }

    /// Runs until the feed ends, the flag is set, or something fails.
    ///
    /// `make` makes a job and a place for its result; it is called [`Runner::n_slots`] times before the first
    /// job. From then on the run itself neither locks nor allocates. When the flag is set the feed is asked
    /// no more and what is under way is finished. The flag is set by the first error, too, so that a feed
    /// that waits for something can give up.
    ///
    /// # Errors
    /// The first error or panic in the order of jobs: feed, work or drain. The drain has then accepted all
    /// results before it and none after, for every runner alike.
    ///
    /// # Panics
    /// The number of `workers` is not [`Runner::n_workers`].
    pub fn run<J: Send, R: Send>(
        &self,
        feed: &mut (impl Feed<J> + Send),
        workers: &mut [impl Work<J, R>],
        drain: &mut impl Drain<R>,
        make: impl FnMut() -> (J, R),
        stop: &Stop,
    ) -> Result<RunReport, Box<Failure>> {
        let (given, wanted) = (workers.len(), self.n_workers());
        assert!(given == wanted, "{given} workers given to a runner of {wanted}");
        let started = Instant::now();
        let outcome = match (self.check(), self) {
            (Err(error), _) => Outcome::not_begun(error),
            (Ok(()), Self::Inline) => inline::run(feed, &mut workers[0], drain, make, stop),
            (Ok(()), Self::Threads { pin, .. }) => {
                threads::run(feed, workers, pin.as_deref(), drain, make, self.n_slots(), stop)
            }
        };
        let report = RunReport {
            runner: self.clone(),
            jobs: outcome.jobs,
            stopped: outcome.stopped,
            elapsed_s: started.elapsed().as_secs_f64(),
            slots: self.n_slots(),
            stages: outcome.stages,
            queues: outcome.queues,
        };
        match outcome.done {
            Ok(()) => Ok(report),
            Err(error) => {
                stop.set();
                Err(Box::new(Failure { error, report }))
            }
        }
    }
}
