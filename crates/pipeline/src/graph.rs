//! The three roles of a run, and how one turn of each is guarded and timed.

use crate::error::Error;
use rangegate_core::BoxError;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Makes jobs, one after the other.
pub trait Feed<J> {
    /// Fills a job, which is as an earlier turn left it. `Ok(false)` at the end; what the job then holds is
    /// ignored.
    ///
    /// # Errors
    /// What ends the run.
    fn next(&mut self, job: &mut J) -> Result<bool, BoxError>;
}

/// Turns a job into a result. There are as many as workers, and which of them gets a job is chance: the
/// result must not depend on the jobs done before.
pub trait Work<J, R>: Send {
    /// Does one job. `result` is as an earlier turn left it.
    ///
    /// # Errors
    /// What ends the run; the results of earlier jobs are still accepted.
    fn run(&mut self, job: &J, result: &mut R) -> Result<(), BoxError>;
}

/// Takes results, in the order of their jobs.
pub trait Drain<R> {
    /// Takes one result.
    ///
    /// # Errors
    /// What ends the run.
    fn accept(&mut self, result: &R) -> Result<(), BoxError>;
}

/// One job and what came of it: it travels from feed to worker to drain and home.
pub(crate) struct Slot<J, R> {
    pub(crate) sequence: u64,
    pub(crate) job: J,
    pub(crate) result: R,
    pub(crate) outcome: Result<(), Error>,
}

impl<J, R> Slot<J, R> {
    pub(crate) fn new((job, result): (J, R)) -> Self {
        Self { sequence: 0, job, result, outcome: Ok(()) }
    }
}

/// One turn of a role, with a panic made into an error: the thread must live to tell the others.
///
/// The role is not used again after a panic, so that nobody sees what it left half done.
pub(crate) fn guarded<T>(
    stage: &str,
    wrap: fn(BoxError) -> Error,
    turn: impl FnOnce() -> Result<T, BoxError>,
) -> Result<T, Error> {
    match catch_unwind(AssertUnwindSafe(turn)) {
        Ok(done) => done.map_err(wrap),
        Err(payload) => Err(Error::panic(stage, &*payload)),
    }
}
