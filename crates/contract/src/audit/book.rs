//! The centre's log and a view of it for each owner.

use super::chain::{Chain, SignedHead};
use super::log::AuditLog;
use super::{Entry, Event};
use crate::keys::KeyPair;
use crate::registry::CENTRE;
use crate::{Error, check_name};
use rangegate_core::Timestamp;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// What was put right when a book was opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Repair {
    /// Whose log.
    pub log: String,
    /// Octets of an unfinished last line that were taken off.
    pub removed_octets: u64,
    /// Entries of the centre's log that this one had not got when its writer died.
    pub caught_up: u64,
}

/// All logs of a centre: `centre.jsonl` has everything, `OWNER.jsonl` what concerns that owner.
#[derive(Debug)]
pub struct AuditBook {
    key: Arc<KeyPair>,
    centre: AuditLog,
    owners: BTreeMap<String, AuditLog>,
}

impl AuditBook {
    /// Opens the logs in a directory, or makes them. The centre's is written first, so that an owner's can only lack
    /// the latest entries: it gets them.
    ///
    /// # Errors
    /// A log cannot be opened or does not verify, or an owner's has entries that the centre's has not.
    pub fn open(
        directory: &Path,
        owners: &[&str],
        key: Arc<KeyPair>,
        now: Timestamp,
    ) -> Result<(Self, Vec<Repair>), Error> {
        std::fs::create_dir_all(directory).map_err(Error::file(directory))?;
        let mut repairs = Vec::new();
        let path = directory.join(format!("{CENTRE}.jsonl"));
        let (centre, removed_octets) = AuditLog::open(&path, CENTRE, &key, now)?;
        if removed_octets > 0 {
            repairs.push(Repair { log: CENTRE.to_owned(), removed_octets, caught_up: 0 });
        }
        let mut book = Self { key, centre, owners: BTreeMap::new() };
        for &owner in owners {
            check_name("owner", owner)?;
            if owner == CENTRE {
                return Err(Error::value("owner", owner, "another name: this is the centre's own"));
            }
            let repair = book.open_owner(directory, owner, now)?;
            if repair.removed_octets > 0 || repair.caught_up > 0 {
                repairs.push(repair);
            }
        }
        Ok((book, repairs))
    }

    fn open_owner(&mut self, directory: &Path, owner: &str, now: Timestamp) -> Result<Repair, Error> {
        let path = directory.join(format!("{owner}.jsonl"));
        let (mut log, removed_octets, n) =
            AuditLog::open_counting(&path, owner, &self.key, now, |event| !event.is_of_log())?;
        let mut chain = Chain::open(self.centre.path(), self.key.public())?;
        let (mut n_known, mut caught_up) = (0, 0);
        while let Some(Entry { time, event, .. }) = chain.next_entry()? {
            if event.concerns(owner) {
                n_known += 1;
                if n_known > n {
                    log.append(time, &[event])?;
                    caught_up += 1;
                }
            }
        }
        if n > n_known {
            let expected = format!("{n_known}, as many as the centre's log has that concern {owner}");
            return Err(Error::value(path.display().to_string(), format!("{n} entries"), expected));
        }
        self.owners.insert(owner.to_owned(), log);
        Ok(Repair { log: owner.to_owned(), removed_octets, caught_up })
    }

    /// Writes events to the centre's log and to those of whom they concern; when it returns they are durable.
    ///
    /// # Errors
    /// A log cannot be written; the book is to be opened anew, which puts owners' logs right.
    pub fn record(&mut self, now: Timestamp, events: &[Event]) -> Result<(), Error> {
        if events.is_empty() {
            return Ok(());
        }
        self.centre.append(now, events)?;
        for (owner, log) in &mut self.owners {
            let mut concerning = events.iter().filter(|event| event.concerns(owner)).peekable();
            if concerning.peek().is_some() {
                log.append_all(concerning.map(|event| (now, event.clone())))?;
            }
        }
        Ok(())
    }

    /// Signs all logs as they are; the heads, by name of the log, may be handed out.
    ///
    /// # Errors
    /// A log cannot be written.
    pub fn sign_heads(&mut self, now: Timestamp) -> Result<BTreeMap<String, SignedHead>, Error> {
        let mut heads = BTreeMap::new();
        let logs = self.owners.iter_mut().map(|(owner, log)| (owner.as_str(), log));
        for (name, log) in std::iter::once((CENTRE, &mut self.centre)).chain(logs) {
            heads.insert(name.to_owned(), log.sign_head(now, &self.key)?);
        }
        Ok(heads)
    }
}
