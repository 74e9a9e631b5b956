//! What owners of radars agreed to give each other, who they are, and the proof of what was given.
//!
//! * [`keys`]: ed25519 keys in the text form of NATS (nkeys), seed files, signed messages.
//! * [`registry`]: who has which key and which SAC/SIC; what was revoked. [`guard`]: replays.
//! * [`contract`]: the file that two owners sign. [`canonical`]: what exactly they sign. [`area`]: where.
//! * [`policy`]: what may leave, default deny. [`mutuality`]: nobody gives for long without getting.
//! * [`audit`]: the hash-chained log of all of it, a view for each owner.
//!
//! Nothing here has a clock or a thread: time is an argument. Files are the seeds' and the audit log's.
#![forbid(unsafe_code)]

pub mod area;
pub mod audit;
pub mod canonical;
pub mod contract;
pub mod guard;
pub mod keys;
pub mod mutuality;
pub mod policy;
pub mod registry;

pub use area::{Area, Circle, Position};
pub use audit::{Agreement, AuditBook, AuditLog, Event, SignedHead, Tally, Verified, compare, verify};
pub use contract::{
    Clause, Contract, ContractRefusal, Kind, MutualityTerms, Party, Quality, Signature, SignedContract,
};
pub use guard::{Guard, GuardState, Stamp};
pub use keys::{KeyPair, PublicKey, Role, open_message, sign_message};
pub use mutuality::{Balance, FlowChange, Mutuality, MutualityState};
pub use policy::{Cause, Decision, Policy, Reason, ReportFacts};
pub use registry::{Refusal, Registry, Revocation, StationEntry};

use rangegate_core::Timestamp;

/// What is wrong with a file, a key or a value: field, found, expected.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A value cannot be.
    #[error("{field} is {found}, expected {expected}")]
    Value {
        /// Where.
        field: String,
        /// What stands there.
        found: String,
        /// What may.
        expected: String,
    },
    /// The text is not what it should be.
    #[error("{what}: {reason}")]
    Text {
        /// Which text.
        what: String,
        /// What its reader says.
        reason: String,
    },
    /// A file cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: String,
        /// Why.
        source: std::io::Error,
    },
}

impl Error {
    pub(crate) fn value(
        field: impl Into<String>,
        found: impl std::fmt::Display,
        expected: impl Into<String>,
    ) -> Self {
        Self::Value { field: field.into(), found: found.to_string(), expected: expected.into() }
    }

    pub(crate) fn file(path: &std::path::Path) -> impl FnOnce(std::io::Error) -> Self + use<> {
        let path = path.display().to_string();
        move |source| Self::File { path, source }
    }
}

/// Whether a text can be the name of an owner or a station, which become parts of subjects and of file names.
pub(crate) fn check_name(field: &str, name: &str) -> Result<(), Error> {
    let is_good = (1..=64).contains(&name.len())
        && name.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'_' || octet == b'-');
    if is_good {
        return Ok(());
    }
    Err(Error::value(field, format!("{name:?}"), "1 to 64 of A-Z a-z 0-9 _ -"))
}

/// Seconds from one time to another.
pub(crate) fn seconds_between(from: Timestamp, to: Timestamp) -> f64 {
    // Below 2⁵³ ns (104 days) the difference is exact; beyond, to a microsecond.
    (to.as_nanosecond() - from.as_nanosecond()) as f64 * 1e-9
}

/// A time that many seconds later; the last time that there is where it lies beyond.
pub(crate) fn later(time: Timestamp, seconds: f64) -> Timestamp {
    let time_ns = time.as_nanosecond() + (seconds * 1e9).round() as i128;
    Timestamp::from_nanosecond(time_ns).unwrap_or(Timestamp::MAX)
}

/// Octets as hexadecimal digits, in lower case.
pub(crate) fn hex(octets: &[u8]) -> String {
    use std::fmt::Write;
    octets.iter().fold(String::with_capacity(2 * octets.len()), |mut text, octet| {
        let _ = write!(text, "{octet:02x}");
        text
    })
}

/// Hexadecimal digits, in lower case, as that many octets.
pub(crate) fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digit = |octet: u8| match octet {
        b'0'..=b'9' => Some(octet - b'0'),
        b'a'..=b'f' => Some(octet - b'a' + 10),
        _ => None,
    };
    if text.len() != 2 * N {
        return None;
    }
    let mut octets = [0; N];
    for (octet, pair) in octets.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *octet = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(octets)
}
