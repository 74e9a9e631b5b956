//! What carries messages and jobs between processes, and loses or doubles none.
//!
//! One trait, [`Exchange`], and two engines that pass one conformance suite:
//!
//! * [`Sqlite`]: a file which any number of processes of one machine open. No server.
//! * `Nats` (feature `nats`): an account of a NATS server with JetStream, for any number of machines.
//!
//! A **stream** is a log of [`Message`]s. What [`Exchange::publish`] returned for is on the disk, once, in order; a
//! message's id is taken for ever, also when the message has been trimmed, so that a publisher that does not know
//! whether it was heard says it again. A reader has a **cursor** in the stream, which is durable too: after a crash it
//! is handed again what it had not acknowledged, in order.
//!
//! A **queue** holds jobs. Each is leased to one worker at a time; a lease that runs out gives the job to the next.
//! Exactly one worker can [`finish`](Exchange::finish) it. A worker that lost its lease may have worked in vain, so
//! results must not depend on who wrote them.
//!
//! Every call blocks. Calls fail while the disk is full or the server away, with [`Error::is_temporary`]: call again.
//! Names of streams, cursors, queues and workers are 1 to 64 of `A-Z a-z 0-9 _ -`.
#![forbid(unsafe_code)]

mod error;
mod id;
mod limits;
#[cfg(feature = "nats")]
pub mod nats;
pub mod sqlite;

pub use error::{Error, Result};
pub use id::MessageId;
pub use limits::{MAX_GROUP, MAX_ID, MAX_PAYLOAD, MAX_SUBJECT};
#[cfg(feature = "nats")]
pub use nats::{Credentials, Nats, NatsConfig};
pub use sqlite::{Sqlite, SqliteOptions};

use std::time::Duration;

/// What is published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// `PREFIX/NUMBER`, such as `south/17/4711`: taken once in a stream, for ever. See [`MessageId`].
    pub id: String,
    /// What it is about: names with dots between, such as `south.detections`.
    pub subject: String,
    /// Nanoseconds since 1970 (UTC): what retention by age goes by.
    pub time_ns: i64,
    /// At most [`MAX_PAYLOAD`] octets.
    pub payload: Vec<u8>,
}

/// A message, and where it lies in its stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivered {
    /// Grows along the stream, from 1, not always by 1.
    pub sequence: u64,
    /// The message.
    pub message: Message,
}

/// What became of a published message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Where it lies in the stream; 0 where it was there and has been trimmed since.
    pub sequence: u64,
    /// Whether its id was taken, so that it was not stored again.
    pub was_there: bool,
}

/// Where a cursor begins that is not there yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// Before the first message that the stream still has.
    First,
    /// Behind the last one.
    Now,
}

/// What [`Exchange::trim`] leaves: the newest messages that break none of the limits. The default keeps all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Keep {
    /// Messages from the first one of this time or later on, in nanoseconds since 1970.
    pub since_ns: Option<i64>,
    /// At most as many messages.
    pub messages: Option<u64>,
    /// At most as many octets of payload.
    pub bytes: Option<u64>,
    /// Whether messages go, too, that a cursor has still before it.
    pub beyond_cursors: bool,
}

/// A job that a worker has leased.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Its queue.
    pub queue: String,
    /// Its id in the queue.
    pub id: String,
    /// What is to be done.
    pub payload: Vec<u8>,
    /// How often it was leased, this time included: no other lease of the job has this number.
    pub attempts: u32,
    /// Where the server listens for this delivery; SQLite has none.
    pub(crate) reply: String,
}

/// A job that was set aside, with why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetAside {
    /// Its id.
    pub id: String,
    /// What was to be done.
    pub payload: Vec<u8>,
    /// How often it was leased.
    pub attempts: u32,
    /// As the worker said.
    pub reason: String,
}

/// What a queue holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueueState {
    /// Jobs for which a worker is wanted, those whose lease ran out included.
    pub waiting: u64,
    /// Jobs on which a worker is.
    pub leased: u64,
    /// Jobs that were finished.
    pub done: u64,
    /// Jobs that were set aside, by id.
    pub set_aside: Vec<SetAside>,
}

impl QueueState {
    /// Whether nothing is left to do.
    pub fn is_over(&self) -> bool {
        self.waiting == 0 && self.leased == 0
    }
}

/// Streams and queues that several processes share.
pub trait Exchange: Send + Sync {
    /// Appends messages to a stream. Returns when all are durable, in this order; one whose id was taken is not stored
    /// again. Receipts are in the order of the messages.
    ///
    /// # Errors
    /// Nothing of a group is stored that breaks a limit, or (SQLite) that fails otherwise. On NATS the first messages
    /// of a group that failed may have been stored: publish all again.
    fn publish(&self, stream: &str, messages: &[Message]) -> Result<Vec<Receipt>>;

    /// Reads a stream from the durable cursor of that name, which is made where there is none. A cursor serves one
    /// subscription at a time.
    fn subscribe(&self, stream: &str, cursor: &str, start: Start) -> Result<Box<dyn Subscription>>;

    /// Gives up a cursor, so that it holds back no [`trim`](Exchange::trim). False: there was none.
    fn forget(&self, stream: &str, cursor: &str) -> Result<bool>;

    /// Removes the oldest messages of a stream and says how many. Their ids stay taken.
    fn trim(&self, stream: &str, keep: Keep) -> Result<u64>;

    /// Puts a job into a queue. False: a job of this id is or was in it, and nothing was done.
    fn submit(&self, queue: &str, id: &str, payload: &[u8]) -> Result<bool>;

    /// Leases the oldest job that waits; waits for one as long as `wait`.
    fn lease(&self, queue: &str, worker: &str, lease: Duration, wait: Duration) -> Result<Option<Job>>;

    /// The lease ends so long from now.
    ///
    /// # Errors
    /// [`Error::LeaseLost`]: it had run out, and the job may be another's.
    fn extend(&self, job: &Job, lease: Duration) -> Result<()>;

    /// The job is done. Durable. To be said once; again by who did not hear that it was heard. A lease that ran out
    /// is enough while no other worker took the job.
    ///
    /// # Errors
    /// [`Error::LeaseLost`]: another worker has the job, or has ended it.
    fn finish(&self, job: &Job) -> Result<()>;

    /// Gives the job back at once.
    ///
    /// # Errors
    /// As [`finish`](Exchange::finish).
    fn release(&self, job: &Job, reason: &str) -> Result<()>;

    /// The job cannot be done: nobody gets it again.
    ///
    /// # Errors
    /// As [`finish`](Exchange::finish).
    fn set_aside(&self, job: &Job, reason: &str) -> Result<()>;

    /// What a queue holds.
    fn queue_state(&self, queue: &str) -> Result<QueueState>;
}

/// A stream that is being read.
pub trait Subscription: Send {
    /// The next messages, at least one where there are any; waits for one as long as `wait`, then gives none.
    fn next(&mut self, at_most: usize, wait: Duration) -> Result<Vec<Delivered>>;

    /// Moves the cursor behind this message, which must have been handed out. Durable.
    fn acknowledge(&mut self, sequence: u64) -> Result<()>;
}
