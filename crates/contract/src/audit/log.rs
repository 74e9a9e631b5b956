//! Writing a log.

use super::chain::{Chain, Hash, MAX_LINE_LEN, SignedHead, line};
use super::{Entry, Event};
use crate::keys::KeyPair;
use crate::{Error, check_name};
use rangegate_core::Timestamp;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};

/// A log that is written to; only one process has it.
#[derive(Debug)]
pub struct AuditLog {
    path: PathBuf,
    file: File,
    name: String,
    n_entries: u64,
    hash: Hash,
    len: u64,
}

impl AuditLog {
    /// Opens a log, or makes a new one, and says how many octets of an unfinished last line were taken off (which the
    /// log then says too). All that is there is verified.
    ///
    /// # Errors
    /// The file cannot be opened, another process has it, it is another's, or it does not verify: what was altered is
    /// not repaired.
    pub fn open(path: &Path, name: &str, key: &KeyPair, now: Timestamp) -> Result<(Self, u64), Error> {
        check_name("log", name)?;
        let (log, removed_octets, _) = Self::open_counting(path, name, key, now, |_| false)?;
        Ok((log, removed_octets))
    }

    /// The same, and how many of its entries are such.
    pub(super) fn open_counting(
        path: &Path,
        name: &str,
        key: &KeyPair,
        now: Timestamp,
        mut is_such: impl FnMut(&Event) -> bool,
    ) -> Result<(Self, u64, u64), Error> {
        let file = OpenOptions::new().append(true).create(true).open(path).map_err(Error::file(path))?;
        file.try_lock().map_err(|error| match error {
            TryLockError::Error(source) => Error::file(path)(source),
            TryLockError::WouldBlock => {
                Error::value(path.display().to_string(), "open elsewhere", "one process that writes it")
            }
        })?;
        let mut chain = Chain::begin(path, key.public())?;
        let mut count = 0;
        while let Some(entry) = chain.next_finished()? {
            count += u64::from(is_such(&entry.event));
        }
        if chain.n_entries > 0 && chain.name() != name {
            let found = format!("the log of {}", chain.name());
            return Err(Error::value(path.display().to_string(), found, format!("that of {name}")));
        }
        let removed_octets = chain.unfinished_len;
        let Chain { n_entries, hash, len, .. } = chain;
        let mut log = Self { path: path.to_owned(), file, name: name.to_owned(), n_entries, hash, len };
        if removed_octets > 0 {
            log.file.set_len(len).map_err(Error::file(path))?;
        }
        if n_entries == 0 {
            log.append(now, &[Event::Opened { log: name.to_owned(), key: key.public().clone() }])?;
            sync_directory(path)?;
        }
        if removed_octets > 0 {
            log.append(now, &[Event::Repaired { removed_octets }])?;
        }
        Ok((log, removed_octets, count))
    }

    /// Entries that it has.
    pub fn n_entries(&self) -> u64 {
        self.n_entries
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Appends entries; when it returns they are durable.
    ///
    /// # Errors
    /// They cannot be written, or one is over 65,536 octets; then the log is as before.
    pub fn append(&mut self, time: Timestamp, events: &[Event]) -> Result<(), Error> {
        self.append_all(events.iter().map(|event| (time, event.clone())))
    }

    pub(super) fn append_all(
        &mut self,
        events: impl Iterator<Item = (Timestamp, Event)>,
    ) -> Result<(), Error> {
        let (mut text, mut hash, mut sequence) = (String::new(), self.hash, self.n_entries);
        for (time, event) in events {
            let (of_entry, its_hash) = line(&hash, &Entry { sequence, time, event });
            if of_entry.len() > MAX_LINE_LEN {
                let found = format!("an entry of {} octets", of_entry.len());
                return Err(Error::value(self.path.display().to_string(), found, "65,536 at most"));
            }
            text.push_str(&of_entry);
            hash = its_hash;
            sequence += 1;
        }
        if let Err(error) = self.file.write_all(text.as_bytes()).and_then(|()| self.file.sync_data()) {
            // What was half written must not be written behind; opening would repair it.
            let _ = self.file.set_len(self.len);
            return Err(Error::file(&self.path)(error));
        }
        self.len += text.len() as u64;
        (self.hash, self.n_entries) = (hash, sequence);
        Ok(())
    }

    /// Appends a signed head of all that is there, which may be handed out.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn sign_head(&mut self, now: Timestamp, key: &KeyPair) -> Result<SignedHead, Error> {
        // A log that is open has a first entry.
        let head = SignedHead::new(&self.name, self.n_entries - 1, &self.hash, now, key);
        self.append(now, &[Event::Head(head.clone())])?;
        Ok(head)
    }
}

/// Makes the name of a new file durable.
fn sync_directory(path: &Path) -> Result<(), Error> {
    #[cfg(unix)]
    if let Some(directory) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        File::open(directory).and_then(|of| of.sync_all()).map_err(Error::file(directory))?;
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}
