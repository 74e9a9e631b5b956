//! Reading a log: every octet is checked on the way.

use super::{Entry, Event};
use crate::keys::{KeyPair, PublicKey, SIGNATURE_LEN};
use crate::{Error, hex, unhex};
use rangegate_core::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

const CHAIN_DOMAIN: &[u8] = b"rangegate audit 1\0";
const HEAD_DOMAIN: &[u8] = b"rangegate audit head 1\0";
const BEFORE_HASH: &str = "{\"hash\":\"";
const BEFORE_ENTRY: &str = "\",\"entry\":";
const BEHIND_ENTRY: &str = "}";
/// Octets of a line at most.
pub(super) const MAX_LINE_LEN: usize = 65_536;

/// Hash of an entry.
pub(super) type Hash = [u8; 32];

/// The hash of an entry behind another.
pub(super) fn hash(before: &Hash, entry: &[u8]) -> Hash {
    Sha256::new().chain_update(CHAIN_DOMAIN).chain_update(before).chain_update(entry).finalize().into()
}

/// The line of an entry, and its hash.
pub(super) fn line(before: &Hash, entry: &Entry) -> (String, Hash) {
    let body = serde_json::to_string(entry).expect("an entry is JSON");
    let hash = hash(before, body.as_bytes());
    (format!("{BEFORE_HASH}{}{BEFORE_ENTRY}{body}{BEHIND_ENTRY}\n", hex(&hash)), hash)
}

/// The centre's word for a log up to an entry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SignedHead {
    /// Whose log.
    pub log: String,
    /// The last entry that it is about.
    pub last: u64,
    /// That entry's hash.
    pub hash: String,
    /// When it was signed.
    pub signed_at: Timestamp,
    /// Signature, 128 hexadecimal digits.
    pub ed25519: String,
}

impl SignedHead {
    pub(super) fn new(log: &str, last: u64, hash: &Hash, signed_at: Timestamp, key: &KeyPair) -> Self {
        let mut head = Self { log: log.to_owned(), last, hash: hex(hash), signed_at, ed25519: String::new() };
        head.ed25519 = hex(&key.sign(&head.signed_octets()));
        head
    }

    fn signed_octets(&self) -> Vec<u8> {
        [
            HEAD_DOMAIN,
            self.log.as_bytes(),
            &[0],
            &self.last.to_be_bytes(),
            &self.signed_at.as_nanosecond().to_be_bytes(),
            self.hash.as_bytes(),
        ]
        .concat()
    }

    /// Whether it is this key's.
    pub fn is_of(&self, key: &PublicKey) -> bool {
        unhex::<SIGNATURE_LEN>(&self.ed25519)
            .is_some_and(|signature| key.verify(&self.signed_octets(), &signature))
    }
}

/// A log that is being read.
#[derive(Debug)]
pub(super) struct Chain {
    path: PathBuf,
    key: PublicKey,
    reader: BufReader<File>,
    name: String,
    /// Entries read.
    pub(super) n_entries: u64,
    /// Hash of the last.
    pub(super) hash: Hash,
    /// Octets of the lines read.
    pub(super) len: u64,
    /// Octets of a last line that has no end; nothing is behind them.
    pub(super) unfinished_len: u64,
    /// The latest signed head.
    pub(super) head: Option<SignedHead>,
}

impl Chain {
    /// Opens a log and reads its first entry, which says whose it is.
    ///
    /// # Errors
    /// It cannot be read, or does not begin as a log that this key writes.
    pub(super) fn open(path: &Path, key: &PublicKey) -> Result<Self, Error> {
        let mut chain = Self::begin(path, key)?;
        match chain.next_entry()? {
            Some(_) => Ok(chain),
            None => Err(chain.fault("nothing", "a first entry, \"opened\"")),
        }
    }

    /// Opens a log, which may be empty.
    pub(super) fn begin(path: &Path, key: &PublicKey) -> Result<Self, Error> {
        let file = File::open(path).map_err(Error::file(path))?;
        Ok(Self {
            path: path.to_owned(),
            key: key.clone(),
            reader: BufReader::new(file),
            name: String::new(),
            n_entries: 0,
            hash: [0; 32],
            len: 0,
            unfinished_len: 0,
            head: None,
        })
    }

    /// Whose log it is; empty before its first entry was read.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// An error at the line that comes next.
    fn fault(&self, found: impl std::fmt::Display, expected: &str) -> Error {
        Error::value(format!("{} line {}", self.path.display(), self.n_entries + 1), found, expected)
    }

    /// The next entry, or `None` at the end.
    ///
    /// # Errors
    /// The line is not what was written, or not in its place. A last line without an end is one too.
    pub(super) fn next_entry(&mut self) -> Result<Option<Entry>, Error> {
        match self.next_finished()? {
            None if self.unfinished_len > 0 => {
                Err(self.fault(format!("{} octets without an end", self.unfinished_len), "a whole line"))
            }
            entry => Ok(entry),
        }
    }

    /// The same, but a last line without an end is only counted.
    pub(super) fn next_finished(&mut self) -> Result<Option<Entry>, Error> {
        let mut line = Vec::new();
        let mut limited = (&mut self.reader).take(MAX_LINE_LEN as u64 + 1);
        limited.read_until(b'\n', &mut line).map_err(Error::file(&self.path))?;
        if line.len() > MAX_LINE_LEN {
            return Err(self.fault("a longer line", "65,536 octets at most"));
        }
        let Some(text) = line.strip_suffix(b"\n") else {
            self.unfinished_len = line.len() as u64;
            return Ok(None);
        };
        let (entry, hash) = self.check(text)?;
        self.n_entries += 1;
        self.hash = hash;
        self.len += line.len() as u64;
        Ok(Some(entry))
    }

    fn check(&mut self, line: &[u8]) -> Result<(Entry, Hash), Error> {
        let parts = line
            .strip_prefix(BEFORE_HASH.as_bytes())
            .and_then(|rest| rest.split_at_checked(64))
            .and_then(|(hash, rest)| Some((hash, rest.strip_prefix(BEFORE_ENTRY.as_bytes())?)))
            .and_then(|(hash, rest)| Some((hash, rest.strip_suffix(BEHIND_ENTRY.as_bytes())?)));
        let Some((found, body)) = parts else {
            let found = String::from_utf8_lossy(&line[..line.len().min(100)]).into_owned();
            return Err(self.fault(found, "{\"hash\":\"…\",\"entry\":{…}}"));
        };
        let hash = hash(&self.hash, body);
        if found != hex(&hash).as_bytes() {
            let found = format!("of hash {}", String::from_utf8_lossy(found));
            return Err(self.fault(found, &format!("{}: altered, lost or moved", hex(&hash))));
        }
        let entry: Entry = serde_json::from_slice(body).map_err(|error| self.fault(error, "an entry"))?;
        if entry.sequence != self.n_entries {
            let expected = self.n_entries.to_string();
            return Err(self.fault(format!("entry {}", entry.sequence), &expected));
        }
        self.check_event(&entry)?;
        Ok((entry, hash))
    }

    fn check_event(&mut self, entry: &Entry) -> Result<(), Error> {
        match &entry.event {
            Event::Opened { log, key } if self.n_entries == 0 => {
                if *key != self.key {
                    return Err(self.fault(format!("a log of key {key}"), self.key.as_str()));
                }
                self.name.clone_from(log);
            }
            Event::Opened { .. } => return Err(self.fault("a second beginning", "any other entry")),
            _ if self.n_entries == 0 => return Err(self.fault("no beginning", "\"opened\"")),
            Event::Head(head) => {
                let is_here = head.log == self.name
                    && head.last + 1 == entry.sequence
                    && head.hash == hex(&self.hash)
                    && head.signed_at == entry.time;
                if !is_here || !head.is_of(&self.key) {
                    return Err(self.fault("a head that does not fit", "one signed by the log's key"));
                }
                self.head = Some(head.clone());
            }
            _ => {}
        }
        Ok(())
    }
}

/// What a log that verifies holds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verified {
    /// Whose log.
    pub log: String,
    /// Entries.
    pub entries: u64,
    /// Hash of the last.
    pub hash: String,
    /// The latest signed head; what comes behind it is chained but not signed yet.
    pub head: Option<SignedHead>,
    /// Entries behind the latest signed head.
    pub unsigned: u64,
}

/// Verifies a log that this key (the centre's) wrote.
///
/// # Errors
/// An octet was altered, a line deleted or moved, a head forged, or the last line is not finished; the text says where.
pub fn verify(path: &Path, key: &PublicKey) -> Result<Verified, Error> {
    verify_all(path, key, None)
}

/// The same, and that the log is the one of which a head was signed: not cut off before it nor written anew.
///
/// # Errors
/// As [`verify`]; or the head is not the key's, or the log has another entry in its place, or none.
pub fn verify_against(path: &Path, key: &PublicKey, head: &SignedHead) -> Result<Verified, Error> {
    verify_all(path, key, Some(head))
}

fn verify_all(path: &Path, key: &PublicKey, known: Option<&SignedHead>) -> Result<Verified, Error> {
    let mut chain = Chain::open(path, key)?;
    if let Some(head) = known
        && (!head.is_of(key) || head.log != chain.name)
    {
        let expected = format!("one of log {} signed by {key}", chain.name);
        return Err(Error::value("head", format!("of log {}", head.log), expected));
    }
    loop {
        if let Some(head) = known
            && head.last + 1 == chain.n_entries
            && head.hash != hex(&chain.hash)
        {
            let field = format!("{} line {}", path.display(), chain.n_entries);
            return Err(Error::value(field, hex(&chain.hash), format!("{}, which was signed", head.hash)));
        }
        if chain.next_entry()?.is_none() {
            break;
        }
    }
    if let Some(head) = known
        && head.last >= chain.n_entries
    {
        let field = path.display().to_string();
        let expected =
            format!("{} or more: a head of so many was signed; the log was cut off", head.last + 1);
        return Err(Error::value(field, format!("{} entries", chain.n_entries), expected));
    }
    let unsigned = chain.head.as_ref().map_or(chain.n_entries, |head| chain.n_entries - head.last - 2);
    let Chain { name, n_entries, hash, head, .. } = chain;
    Ok(Verified { log: name, entries: n_entries, hash: hex(&hash), head, unsigned })
}
