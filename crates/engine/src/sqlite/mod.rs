//! The engine without a server: one SQLite file, which any number of processes of a machine open.
//!
//! Write-ahead log, `synchronous = FULL`: a call that returned is on the disk; each call that writes is one
//! transaction. Whoever waits is woken at once by writers of the same [`Sqlite`], and looks every 20 ms whether another
//! process wrote. Leases go by the machine's clock.

mod jobs;
mod log;
mod open;
mod trim;
mod wake;

use crate::{Error, Exchange, Job, Keep, Message, QueueState, Receipt, Result, Start, Subscription};
use rusqlite::{Connection, Transaction, TransactionBehavior};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use wake::Wake;

/// How the file is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SqliteOptions {
    /// How long a call waits for other processes that write.
    pub patience: Duration,
    /// How large the file may become, in octets; then publishing fails as on a full disk.
    pub max_bytes: Option<u64>,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self { patience: Duration::from_secs(30), max_bytes: None }
    }
}

/// An exchange in a file.
#[derive(Clone, Debug)]
pub struct Sqlite(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    path: PathBuf,
    /// The path, as errors name it.
    place: String,
    options: SqliteOptions,
    writer: Mutex<Connection>,
    /// Connections of readers, when no one reads.
    readers: Mutex<Vec<Connection>>,
    wake: Wake,
}

impl Sqlite {
    /// Opens the file, or makes it.
    ///
    /// # Errors
    /// It is damaged, another program's, or of a newer version.
    pub fn open(path: &Path, options: SqliteOptions) -> Result<Self> {
        let writer = open::open(path, &options)?;
        let place = path.display().to_string();
        Ok(Self(Arc::new(Shared {
            path: path.to_owned(),
            place,
            options,
            writer: Mutex::new(writer),
            readers: Mutex::default(),
            wake: Wake::default(),
        })))
    }

    /// Reads the whole file, and says what is wrong with it: nothing, most often.
    pub fn check(&self) -> Result<Vec<String>> {
        self.0.read(|connection| {
            let read = || -> rusqlite::Result<Vec<String>> {
                let mut statement = connection.prepare("PRAGMA integrity_check")?;
                statement.query_map([], |row| row.get(0))?.collect()
            };
            let lines = read().map_err(|error| self.0.error("check", error))?;
            Ok(lines.into_iter().filter(|line| line != "ok").collect())
        })
    }
}

impl Shared {
    /// A connection more, for a reader.
    fn connect(&self) -> Result<Connection> {
        open::open(&self.path, &self.options)
    }

    /// Does something with a connection that no one else uses meanwhile.
    fn read<T>(&self, body: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        let idle = self.readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = idle.map_or_else(|| self.connect(), Ok)?;
        let done = body(&connection)?;
        self.readers.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        Ok(done)
    }

    /// Does something in one transaction, and wakes whoever waits for it.
    fn write<T>(&self, doing: &'static str, body: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T> {
        // A transaction that panicked was rolled back: the connection is good.
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let failed = |error| self.error(doing, error);
        let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        let done = body(&transaction)?;
        transaction.commit().map_err(failed)?;
        drop(writer);
        self.wake.all();
        Ok(done)
    }

    fn error(&self, doing: &'static str, error: rusqlite::Error) -> Error {
        open::error(&self.place, doing, error)
    }
}

impl Exchange for Sqlite {
    fn publish(&self, stream: &str, messages: &[Message]) -> Result<Vec<Receipt>> {
        log::publish(&self.0, stream, messages)
    }

    fn subscribe(&self, stream: &str, cursor: &str, start: Start) -> Result<Box<dyn Subscription>> {
        Ok(Box::new(log::Reader::open(&self.0, stream, cursor, start)?))
    }

    fn forget(&self, stream: &str, cursor: &str) -> Result<bool> {
        trim::forget(&self.0, stream, cursor)
    }

    fn trim(&self, stream: &str, keep: Keep) -> Result<u64> {
        trim::trim(&self.0, stream, keep)
    }

    fn submit(&self, queue: &str, id: &str, payload: &[u8]) -> Result<bool> {
        jobs::submit(&self.0, queue, id, payload)
    }

    fn lease(&self, queue: &str, worker: &str, lease: Duration, wait: Duration) -> Result<Option<Job>> {
        jobs::lease(&self.0, queue, worker, lease, wait)
    }

    fn extend(&self, job: &Job, lease: Duration) -> Result<()> {
        jobs::extend(&self.0, job, lease)
    }

    fn finish(&self, job: &Job) -> Result<()> {
        jobs::end(&self.0, job, jobs::State::Done, None)
    }

    fn release(&self, job: &Job, reason: &str) -> Result<()> {
        jobs::end(&self.0, job, jobs::State::Waits, Some(reason))
    }

    fn set_aside(&self, job: &Job, reason: &str) -> Result<()> {
        jobs::end(&self.0, job, jobs::State::SetAside, Some(reason))
    }

    fn queue_state(&self, queue: &str) -> Result<QueueState> {
        jobs::queue_state(&self.0, queue)
    }
}
