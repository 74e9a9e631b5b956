//! What can end a run.

use crate::stats::RunReport;
use rangegate_core::BoxError;
use std::any::Any;

/// Why a run could not begin or did not reach its end.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The feed could not make a job.
    #[error(transparent)]
    Feed(BoxError),
    /// A worker could not do a job.
    #[error(transparent)]
    Work(BoxError),
    /// The drain could not take a result.
    #[error(transparent)]
    Drain(BoxError),
    /// A bug in one of them.
    #[error("{stage} panicked: {message}")]
    Panic {
        /// `feed`, `worker-N` or `drain`.
        stage: String,
        /// What the panic said.
        message: String,
    },
    /// Threads without workers.
    #[error("the runner has 0 workers, expected at least 1")]
    NoWorkers,
    /// The list of cores does not fit the number of workers.
    #[error("{cores} cores are given to pin {workers} workers to, expected one core a worker")]
    PinCount {
        /// Cores in the list.
        cores: usize,
        /// Workers of the runner.
        workers: usize,
    },
    /// A core that does not exist, or that this process may not use.
    #[error("cannot pin a worker to core {core}: the cores that exist and are permitted are {available:?}")]
    NoSuchCore {
        /// The core asked for.
        core: usize,
        /// Those that could be had.
        available: Vec<usize>,
    },
    /// The system refused although the core exists.
    #[error("the system refused to pin a worker to core {core}")]
    NotPinned {
        /// The core asked for.
        core: usize,
    },
    /// There is too little memory.
    #[error("takes {needed_gb:.1} GB of memory, expected at most {expected_gb:.1} GB, 80 % of what is free")]
    NoMemory {
        /// What would be taken, GB.
        needed_gb: f64,
        /// What may be, GB.
        expected_gb: f64,
    },
    /// No thread could be had.
    #[error("cannot start thread '{thread}': {source}")]
    Spawn {
        /// Name of the thread.
        thread: String,
        /// What the system said.
        source: std::io::Error,
    },
}

impl Error {
    /// A panic in a stage, with what it left on the way up.
    pub(crate) fn panic(stage: &str, payload: &(dyn Any + Send)) -> Self {
        let text = payload.downcast_ref::<&str>().copied();
        let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        Self::Panic { stage: stage.to_owned(), message: text.unwrap_or("(no message)").to_owned() }
    }
}

/// A run that did not reach its end: why, and what was done until then.
#[derive(Debug)]
pub struct Failure {
    /// The first error, in the order of jobs.
    pub error: Error,
    /// What was done; the drain has accepted `report.jobs` results.
    pub report: RunReport,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.error.fmt(f)
    }
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.error.source()
    }
}
