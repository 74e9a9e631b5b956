//! The engine for many machines: a NATS server (2.12 or newer) with JetStream.
//!
//! What is where, in one account:
//!
//! | JetStream stream | subjects | holds |
//! |---|---|---|
//! | `log-S` | `log.S.ID` | stream S: one subject a message, named by its id |
//! | `queue-Q` | `queue.Q.ID` | queue Q, work-queue retention: jobs until they are ended |
//! | `state` | `state.cursor.S.NAME`, `state.ids.S.PREFIX.BLOCK`, `state.job.Q.ID` | cursors, ids of trimmed messages, what became of jobs: the last one of each subject |
//!
//! *Stored once, for ever.* A message is stored only if its subject, which is its id, has none (`Nats-Expected-Last-
//! Subject-Sequence: 0`): the server decides, however long the outage was, and whoever else publishes. JetStream's own
//! window (`Nats-Msg-Id`) forgets after minutes, so it is not relied upon. Before messages are trimmed their ids go to
//! `state.ids`; publishers look there first, again after every call that failed and every 30 s. What remains: a second
//! process that says a message again which a first one had published, and which was trimmed within those 30 s.
//!
//! *In order.* A group is an atomic batch of up to 1,000 messages, which crosses a long line in two round trips, or goes
//! message by message, each acknowledged before the next: whichever is quicker, and the latter where some of it is
//! there already.
//!
//! *Read in order.* Messages are got directly by sequence from a cursor that is a record in `state`. A durable consumer
//! would hand out new messages before those that a crashed reader left, and keeps what was acknowledged in a file that
//! is not synchronised. Nothing is pending on the server, so nothing can fill up and stall. Publishers say a word on
//! `wake.S`; whoever waits also looks four times a second.
//!
//! *Jobs* come from one durable pull consumer. Being leased is a record that only one can write (compare and swap), and
//! a negative acknowledgement with the lease as its delay, so that the server hands the job out again when the lease
//! ends. Ending a job is a record first and then an acknowledgement that is itself acknowledged.
//!
//! Start the server with `sync_interval: always` ([`server_config`] writes such a file), else what is acknowledged may
//! be lost with the machine's power. Memory of the server: some hundred octets for each message that is kept.
//! Calls from inside an asynchronous runtime are refused: they block.

mod config;
mod jobs;
pub mod keys;
mod link;
mod log;
pub mod server_config;
mod trim;

pub use config::{Credentials, NatsConfig};

use crate::{Error, Exchange, Job, Keep, Message, QueueState, Receipt, Result, Start, Subscription};
use link::{Answer, Inbox, Link, STREAM_NAME_IN_USE};
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::runtime::{Builder, Handle, Runtime};

/// An exchange on a NATS server.
#[derive(Clone)]
pub struct Nats(Arc<Shared>);

struct Shared {
    /// Taken when dropped.
    runtime: Option<Runtime>,
    link: Link,
    config: NatsConfig,
    /// Streams and consumers that are known to be there.
    made: Mutex<BTreeSet<String>>,
    trimmed: log::Trimmed,
    pace: log::Pace,
    /// For the calls that read.
    inbox: tokio::sync::Mutex<Inbox>,
}

impl std::fmt::Debug for Nats {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Nats").field("config", &self.0.config).finish_non_exhaustive()
    }
}

impl Nats {
    /// Connects. Once connected, it reconnects by itself for ever; meanwhile calls fail for a while only.
    ///
    /// # Errors
    /// Temporary where nobody answers; final where we are refused, or TLS fails.
    pub fn connect(config: NatsConfig) -> Result<Self> {
        refuse_async(&config.url)?;
        let runtime = Builder::new_multi_thread().worker_threads(1).thread_name("nats").enable_all().build();
        let runtime = runtime.map_err(|error| Error::failed(&config.url, "connect", error.to_string()))?;
        let (link, inbox) = runtime.block_on(async {
            let link = Link::connect(&config).await?;
            let inbox = Inbox::open(&link).await?;
            Ok::<_, Error>((link, inbox))
        })?;
        Ok(Self(Arc::new(Shared {
            runtime: Some(runtime),
            link,
            config,
            made: Mutex::default(),
            trimmed: log::Trimmed::default(),
            pace: log::Pace::default(),
            inbox: tokio::sync::Mutex::new(inbox),
        })))
    }
}

fn refuse_async(place: &str) -> Result<()> {
    if Handle::try_current().is_err() {
        return Ok(());
    }
    Err(Error::refused(place, "caller", "an asynchronous task", "a thread that may block"))
}

impl Drop for Shared {
    fn drop(&mut self) {
        // Waits for nothing, so it may happen anywhere.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Shared {
    fn block_on<T>(&self, future: impl Future<Output = Result<T>>) -> Result<T> {
        refuse_async(&self.config.url)?;
        match &self.runtime {
            Some(runtime) => runtime.block_on(future),
            None => Err(Error::failed(&self.config.url, "run", "closed")),
        }
    }

    fn is_made(&self, name: &str) -> bool {
        self.made.lock().unwrap_or_else(PoisonError::into_inner).contains(name)
    }

    fn note_made(&self, name: &str) {
        self.made.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned());
    }

    /// What was known to be there may be gone: it is looked after again.
    fn forget_made(&self) {
        self.made.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    async fn make_log(&self, stream: &str) -> Result<()> {
        let kind =
            json!({"retention": "limits", "allow_atomic": true, "duplicate_window": 120_000_000_000_u64});
        self.make_stream(&format!("log-{stream}"), &format!("log.{stream}.>"), kind).await?;
        self.make_state().await
    }

    async fn make_queue(&self, queue: &str) -> Result<()> {
        let (stream, subjects) = (format!("queue-{queue}"), format!("queue.{queue}.>"));
        self.make_stream(&stream, &subjects, json!({"retention": "workqueue"})).await?;
        self.make_state().await?;
        jobs::make_consumer(self, queue).await
    }

    async fn make_state(&self) -> Result<()> {
        let kind = json!({"retention": "limits", "max_msgs_per_subject": 1});
        self.make_stream("state", "state.>", kind).await
    }

    async fn make_stream(&self, name: &str, subjects: &str, mut config: serde_json::Value) -> Result<()> {
        if !self.config.may_create || self.is_made(name) {
            return Ok(());
        }
        for (key, value) in [
            ("name", json!(name)),
            ("subjects", json!([subjects])),
            ("storage", json!("file")),
            ("discard", json!("new")),
            ("allow_direct", json!(true)),
            ("num_replicas", json!(self.config.replicas)),
            ("max_msg_size", json!(crate::MAX_PAYLOAD + 16_384)),
        ] {
            config[key] = value;
        }
        if name == "state" {
            config["discard"] = json!("old");
        }
        let subject = format!("$JS.API.STREAM.CREATE.{name}");
        let payload = config.to_string().into_bytes();
        match self.link.request("make a stream", &subject, Default::default(), payload).await? {
            Answer::Good(_) | Answer::Error { number: STREAM_NAME_IN_USE, .. } => {
                self.note_made(name);
                Ok(())
            }
            Answer::Error { code, number, text } => {
                Err(self.link.error("make a stream", code, number, &format!("{name}: {text}")))
            }
        }
    }
}

impl Exchange for Nats {
    fn publish(&self, stream: &str, messages: &[Message]) -> Result<Vec<Receipt>> {
        let ids = crate::limits::check_messages(stream, messages)?;
        self.0.block_on(log::publish(&self.0, stream, messages, &ids))
    }

    fn subscribe(&self, stream: &str, cursor: &str, start: Start) -> Result<Box<dyn Subscription>> {
        crate::limits::check_name("stream", stream)?;
        crate::limits::check_name("cursor", cursor)?;
        Ok(Box::new(self.0.block_on(log::Reader::open(&self.0, stream, cursor, start))?))
    }

    fn forget(&self, stream: &str, cursor: &str) -> Result<bool> {
        crate::limits::check_name("stream", stream)?;
        crate::limits::check_name("cursor", cursor)?;
        self.0.block_on(trim::forget(&self.0, stream, cursor))
    }

    fn trim(&self, stream: &str, keep: Keep) -> Result<u64> {
        crate::limits::check_name("stream", stream)?;
        self.0.block_on(trim::trim(&self.0, stream, keep))
    }

    fn submit(&self, queue: &str, id: &str, payload: &[u8]) -> Result<bool> {
        crate::limits::check_job(queue, id, payload)?;
        self.0.block_on(jobs::submit(&self.0, queue, id, payload))
    }

    fn lease(&self, queue: &str, worker: &str, lease: Duration, wait: Duration) -> Result<Option<Job>> {
        crate::limits::check_name("queue", queue)?;
        crate::limits::check_name("worker", worker)?;
        self.0.block_on(jobs::lease(&self.0, queue, worker, lease, wait))
    }

    fn extend(&self, job: &Job, lease: Duration) -> Result<()> {
        self.0.block_on(jobs::extend(&self.0, job, lease))
    }

    fn finish(&self, job: &Job) -> Result<()> {
        self.0.block_on(jobs::end(&self.0, job, jobs::State::Done, ""))
    }

    fn release(&self, job: &Job, reason: &str) -> Result<()> {
        self.0.block_on(jobs::end(&self.0, job, jobs::State::Waits, reason))
    }

    fn set_aside(&self, job: &Job, reason: &str) -> Result<()> {
        self.0.block_on(jobs::end(&self.0, job, jobs::State::SetAside, reason))
    }

    fn queue_state(&self, queue: &str) -> Result<QueueState> {
        crate::limits::check_name("queue", queue)?;
        self.0.block_on(jobs::queue_state(&self.0, queue))
    }
}
