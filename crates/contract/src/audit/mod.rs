//! The audit log: what was delivered, withheld and refused, hash-chained, so that each side can verify it alone.
//!
//! A line is `{"hash":"…","entry":{…}}`; the hash is SHA-256 of `rangegate audit 1`, 0, the hash before (32 octets; zeros
//! before the first) and the octets of the entry. Now and then an entry is a *signed head*: the centre's signature of
//! the hash before it. Heads are handed out too: whoever has one finds that a log was cut off before it, or written anew.
//!
//! The centre's own log has all entries; each owner has a log of what concerns it ([`Event::concerns`]), and what
//! concerns two is in both, in the same order and word for word, so that they can be compared.

mod book;
mod chain;
mod log;
mod tally;

pub use book::{AuditBook, Repair};
pub use chain::{SignedHead, Verified, verify, verify_against};
pub use log::AuditLog;
pub use tally::Tally;

use crate::Error;
use crate::contract::{Contract, Kind};
use crate::keys::PublicKey;
use crate::mutuality::FlowChange;
use chain::Chain;
use rangegate_core::Timestamp;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// One line's contents.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Counts the log's entries from 0.
    pub sequence: u64,
    /// When it was written.
    pub time: Timestamp,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Event {
    /// The log begins.
    Opened {
        /// Whose it is: an owner's name, or `centre`.
        log: String,
        /// Key of whom writes it.
        key: PublicKey,
    },
    /// The last line had not been finished when its writer died; it was taken off.
    Repaired {
        /// Octets taken off.
        removed_octets: u64,
    },
    /// All before is signed.
    Head(SignedHead),
    /// Reports went from one owner to another.
    Delivered {
        /// Who gave.
        from: String,
        /// Who got.
        to: String,
        /// Whose reports they are.
        station: String,
        /// What.
        kind: Kind,
        /// How many messages.
        count: u64,
        /// Id of the first.
        first: String,
        /// Id of the last.
        last: String,
        /// SHA-256 of all ids in order, a line feed behind each.
        ids_sha256: String,
    },
    /// Reports did not go. The giver learns of it, the receiver does not.
    Withheld {
        /// Who would have given.
        from: String,
        /// Who would have got.
        to: String,
        /// Whose reports they are.
        station: String,
        /// What.
        kind: Kind,
        /// How many messages.
        count: u64,
        /// Why.
        reason: String,
    },
    /// Messages were refused. The owner of the station they said they were from learns of it.
    Refused {
        /// That owner, if the station has one.
        owner: Option<String>,
        /// Station they said they were from.
        station: String,
        /// How many messages.
        count: u64,
        /// Why, one word ([`crate::Refusal::code`]).
        code: String,
        /// The text of the first.
        reason: String,
    },
    /// A contract came into force.
    InForce {
        /// Its name.
        contract: String,
        /// Its version.
        version: u32,
        /// SHA-256 of its canonical form.
        digest: String,
        /// The two owners.
        owners: [String; 2],
    },
    /// A contract was refused.
    ContractRefused {
        /// The owners that it names.
        owners: Vec<String>,
        /// Why.
        reason: String,
    },
    /// Who did not give gets nothing any more.
    FlowStopped {
        /// Who gave.
        from: String,
        /// Who gets nothing.
        to: String,
        /// From when on.
        at: Timestamp,
    },
    /// It gives again and gets again.
    FlowResumed {
        /// Who gives.
        from: String,
        /// Who gets.
        to: String,
        /// From when on.
        at: Timestamp,
    },
    /// A key counts no more. All learn of it.
    Revoked {
        /// Owner or station whose it was.
        name: String,
        /// Which.
        key: PublicKey,
        /// From when on.
        at: Timestamp,
        /// Why.
        reason: String,
    },
}

impl Event {
    /// That a contract came into force.
    pub fn in_force(contract: &Contract) -> Self {
        Self::InForce {
            contract: contract.name.clone(),
            version: contract.version,
            digest: crate::hex(&contract.digest()),
            owners: contract.parties.clone().map(|party| party.owner),
        }
    }

    /// Whether it is about the log itself.
    pub fn is_of_log(&self) -> bool {
        matches!(self, Self::Opened { .. } | Self::Repaired { .. } | Self::Head(_))
    }

    /// Whether it belongs in an owner's log.
    pub fn concerns(&self, name: &str) -> bool {
        match self {
            Self::Opened { .. } | Self::Repaired { .. } | Self::Head(_) => false,
            Self::Delivered { from, to, .. }
            | Self::FlowStopped { from, to, .. }
            | Self::FlowResumed { from, to, .. } => from == name || to == name,
            Self::Withheld { from, .. } => from == name,
            Self::Refused { owner, .. } => owner.as_deref() == Some(name),
            Self::InForce { owners, .. } => owners.iter().any(|owner| owner == name),
            Self::ContractRefused { owners, .. } => owners.iter().any(|owner| owner == name),
            Self::Revoked { .. } => true,
        }
    }
}

impl From<FlowChange> for Event {
    fn from(FlowChange { from, to, at, is_flowing }: FlowChange) -> Self {
        if is_flowing { Self::FlowResumed { from, to, at } } else { Self::FlowStopped { from, to, at } }
    }
}

/// Whether two owners' logs tell the same of what concerns both.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum Agreement {
    /// They do, as far as the shorter goes.
    Agree {
        /// Entries that both have.
        shared: u64,
        /// Entries at the end that only the first has.
        only_first: u64,
        /// Entries at the end that only the second has.
        only_second: u64,
    },
    /// They do not.
    Differ {
        /// Number of the first that differs among those that concern both, from 0.
        at: u64,
        /// The first log's entry.
        first: Box<Entry>,
        /// The second's.
        second: Box<Entry>,
    },
}

/// Compares two owners' logs, each of which is verified on the way.
///
/// # Errors
/// A log does not verify; the text says where.
pub fn compare(first: &Path, second: &Path, key: &PublicKey) -> Result<Agreement, Error> {
    let (mut a, mut b) = (Chain::open(first, key)?, Chain::open(second, key)?);
    let mut shared = 0;
    loop {
        match (next_of(&mut a, &b)?, next_of(&mut b, &a)?) {
            (Some(first), Some(second)) => {
                if first.event != second.event || first.time != second.time {
                    return Ok(Agreement::Differ { at: shared, first: first.into(), second: second.into() });
                }
                shared += 1;
            }
            (None, None) => return Ok(Agreement::Agree { shared, only_first: 0, only_second: 0 }),
            (Some(_), None) => {
                let only_first = 1 + rest(&mut a, &b)?;
                return Ok(Agreement::Agree { shared, only_first, only_second: 0 });
            }
            (None, Some(_)) => {
                let only_second = 1 + rest(&mut b, &a)?;
                return Ok(Agreement::Agree { shared, only_first: 0, only_second });
            }
        }
    }
}

/// The next of a log's entries that concern the other log's owner too.
fn next_of(log: &mut Chain, other: &Chain) -> Result<Option<Entry>, Error> {
    while let Some(entry) = log.next_entry()? {
        if entry.event.concerns(log.name()) && entry.event.concerns(other.name()) {
            return Ok(Some(entry));
        }
    }
    Ok(None)
}

fn rest(log: &mut Chain, other: &Chain) -> Result<u64, Error> {
    let mut n = 0;
    while next_of(log, other)?.is_some() {
        n += 1;
    }
    Ok(n)
}
