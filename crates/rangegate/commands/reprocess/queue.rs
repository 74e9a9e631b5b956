//! Where pieces wait for workers.

use crate::reprocess::identity::hex;
use crate::reprocess::job::Job;
use crate::reprocess::pool::patiently;
use anyhow::{Context, Result, bail};
use rangegate_engine::sqlite::SqliteOptions;
use rangegate_engine::{Exchange, QueueState, Sqlite};
use rangegate_pipeline::Stop;
use sha2::{Digest, Sha256};
use std::path::Path;
use tempfile::TempDir;

/// Rounds in which what was set aside was tried again.
const MOST_ROUNDS: u32 = 10_000;

/// A queue, of this start alone or shared.
pub struct Queue {
    /// Its server.
    pub exchange: Box<dyn Exchange>,
    /// Its name.
    pub name: String,
    /// What goes with it.
    _folder: Option<TempDir>,
}

impl Queue {
    /// The queue that is named, or one of this start alone: what has to last are results, and those are files.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn open(named: Option<&str>, key: Option<&Path>, missing: &[&Job]) -> Result<Self> {
        let Some(named) = named else {
            let folder = tempfile::tempdir().context("a folder for the queue")?;
            let exchange = sqlite(folder.path())?;
            return Ok(Self { exchange, name: "pieces".to_owned(), _folder: Some(folder) });
        };
        let exchange = match named.strip_prefix("nats://") {
            Some(_) => nats(named, key)?,
            None => {
                std::fs::create_dir_all(named).with_context(|| format!("--queue: cannot create {named}"))?;
                sqlite(Path::new(named))?
            }
        };
        // Those who do the same work find each other. What is over is not taken up again: this is the next round.
        let mut hash = Sha256::new();
        if let Some(job) = missing.first() {
            hash.update(job.out.as_os_str().as_encoded_bytes());
            hash.update(&job.configuration);
        }
        let base = &hex(&hash.finalize())[..16];
        for round in 0..MOST_ROUNDS {
            let name = format!("pieces-{base}-{round}");
            let state = patiently(&Stop::new(), || exchange.queue_state(&name))?;
            let was_used = state.done > 0 || !state.set_aside.is_empty();
            if !was_used || !state.is_over() {
                return Ok(Self { exchange, name, _folder: None });
            }
        }
        bail!("--queue {named}: {MOST_ROUNDS} rounds were not enough")
    }

    /// Puts pieces into it. Those that others put there are not doubled.
    ///
    /// # Errors
    /// It cannot be reached.
    pub fn submit(&self, missing: &[&Job], stop: &Stop) -> Result<()> {
        for job in missing {
            let bytes = job.encode()?;
            patiently(stop, || self.exchange.submit(&self.name, &job.id(), &bytes))?;
        }
        Ok(())
    }

    /// What it holds.
    ///
    /// # Errors
    /// It cannot be reached.
    pub fn state(&self, stop: &Stop) -> Result<QueueState> {
        Ok(patiently(stop, || self.exchange.queue_state(&self.name))?)
    }
}

fn sqlite(folder: &Path) -> Result<Box<dyn Exchange>> {
    Ok(Box::new(Sqlite::open(&folder.join("queue.sqlite"), SqliteOptions::default())?))
}

#[cfg(feature = "nats")]
fn nats(server: &str, key: Option<&Path>) -> Result<Box<dyn Exchange>> {
    use rangegate_engine::{Credentials, Nats, NatsConfig};
    let mut config = NatsConfig::new(server);
    if let Some(path) = key {
        let text = crate::config::read_text(path).context("--queue-key")?;
        // A seed is one line; a file of credentials has more in it, and a seed is found within by who reads that.
        config.credentials = match text.trim() {
            seed if seed.starts_with("SU") => Credentials::Nkey(seed.to_owned()),
            _ => Credentials::File(path.to_owned()),
        };
    }
    let nats = patiently(&Stop::new(), || Nats::connect(config.clone()));
    Ok(Box::new(nats.with_context(|| format!("--queue {server}"))?))
}

#[cfg(not(feature = "nats"))]
fn nats(_: &str, _: Option<&Path>) -> Result<Box<dyn Exchange>> {
    bail!("this build has no NATS: build Rangegate with --features nats")
}
