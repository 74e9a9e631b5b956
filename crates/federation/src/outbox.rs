//! From a station to its mailbox, whatever happens on the way.

use crate::mailbox::FROM;
use crate::{Error, Result};
use rangegate_engine::sqlite::SqliteOptions;
use rangegate_engine::{Exchange, Keep, Message, Sqlite, Start};
use rangegate_pipeline::Stop;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Messages that travel together.
const BATCH: usize = 256;
/// How long a thread waits before it looks whether it is to stop, or tries again.
pub(crate) const WAIT: Duration = Duration::from_millis(200);

/// Keeps what a station says until its mailbox has it.
pub enum Outbox {
    /// The mailbox itself is a file.
    Direct(Arc<dyn Exchange>),
    /// A file that a thread empties into the mailbox.
    Stored(Arc<Sqlite>),
}

/// The only cursor of an outbox.
const CURSOR: &str = "mailbox";

impl Outbox {
    /// An outbox of its own, in a file.
    ///
    /// # Errors
    /// The file cannot be.
    pub fn stored(path: &Path) -> Result<Self> {
        Ok(Self::Stored(Arc::new(Sqlite::open(path, SqliteOptions::default())?)))
    }

    /// Takes messages; they are durable when it returns.
    ///
    /// # Errors
    /// The disk is full.
    pub fn put(&self, messages: &[Message]) -> Result<()> {
        match self {
            Self::Direct(mailbox) => mailbox.publish(FROM, messages)?,
            Self::Stored(outbox) => outbox.publish(FROM, messages)?,
        };
        Ok(())
    }

    /// Empties the outbox into the mailbox until `stop` is set and nothing is left, or `stop` is set and the mailbox
    /// does not answer. Says through `told` when the mailbox goes away and comes back.
    ///
    /// # Errors
    /// What does not pass with time.
    pub fn drain(
        &self,
        open: impl Fn() -> Result<Arc<dyn Exchange>>,
        stop: &Stop,
        mut told: impl FnMut(Option<&Error>),
    ) -> Result<()> {
        let Self::Stored(outbox) = self else { return Ok(()) };
        let mut from = outbox.subscribe(FROM, CURSOR, Start::First)?;
        let mut mailbox = None;
        let mut is_away = false;
        loop {
            let batch = from.next(BATCH, WAIT)?;
            if batch.is_empty() {
                if stop.is_set() {
                    return Ok(());
                }
                continue;
            }
            let last = batch.last().map_or(0, |last| last.sequence);
            let messages: Vec<Message> = batch.into_iter().map(|delivered| delivered.message).collect();
            loop {
                let sent = match &mailbox {
                    Some(mailbox) => publish(mailbox, &messages),
                    None => open().and_then(|opened| publish(mailbox.insert(opened), &messages)),
                };
                match sent {
                    Ok(()) => break,
                    Err(error) if !error.is_temporary() => return Err(error),
                    Err(error) => {
                        if !std::mem::replace(&mut is_away, true) {
                            told(Some(&error));
                        }
                        if stop.is_set() {
                            return Ok(());
                        }
                        std::thread::sleep(WAIT);
                    }
                }
            }
            if std::mem::replace(&mut is_away, false) {
                told(None);
            }
            from.acknowledge(last)?;
            outbox.trim(FROM, Keep::default())?;
        }
    }
}

fn publish(mailbox: &Arc<dyn Exchange>, messages: &[Message]) -> Result<()> {
    mailbox.publish(FROM, messages)?;
    Ok(())
}
