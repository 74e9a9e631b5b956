//! Who is known: owners and stations, their keys, and what was revoked.

use crate::keys::{PublicKey, Role};
use crate::{Error, check_name};
use rangegate_core::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Name that no station may have: what the centre says itself comes under it.
pub const CENTRE: &str = "centre";

/// A station that may send.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StationEntry {
    /// Its owner.
    pub owner: String,
    /// Its key, `U…`.
    pub key: PublicKey,
    /// System area code.
    pub sac: u8,
    /// System identification code.
    pub sic: u8,
}

/// From when on a key counts no more, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revocation {
    /// From when on.
    pub at: Timestamp,
    /// Why, for people.
    pub reason: String,
}

/// Owners, stations and what was revoked; reads and writes as TOML or JSON.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Tables", into = "Tables")]
pub struct Registry {
    tables: Tables,
}

/// The registry as it is written: `[owners]` name = key, `[stations.NAME]`, `[revoked.KEY]`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tables {
    /// Key of each owner, `A…`.
    pub owners: BTreeMap<String, PublicKey>,
    /// Stations by name.
    pub stations: BTreeMap<String, StationEntry>,
    /// Revocations by key.
    pub revoked: BTreeMap<PublicKey, Revocation>,
}

impl TryFrom<Tables> for Registry {
    type Error = Error;

    /// # Errors
    /// See [`Registry::new`].
    fn try_from(tables: Tables) -> Result<Self, Error> {
        Self::new(tables)
    }
}

impl From<Registry> for Tables {
    fn from(registry: Registry) -> Self {
        registry.tables
    }
}

impl Registry {
    /// One that holds these.
    ///
    /// # Errors
    /// A name cannot be one, a station's owner is not listed, a key is of the wrong role, or two have the same key or
    /// the same SAC/SIC.
    pub fn new(tables: Tables) -> Result<Self, Error> {
        let mut keys = BTreeMap::new();
        let mut take = |key: &PublicKey, field: &str, role: Role| {
            if key.role() != role {
                return Err(Error::value(field, key, "A… for an owner, U… for a station"));
            }
            match keys.insert(key.clone(), field.to_owned()) {
                Some(other) => Err(Error::value(field, key, format!("another key than that of {other}"))),
                None => Ok(()),
            }
        };
        for (owner, key) in &tables.owners {
            check_name("owner", owner)?;
            take(key, &format!("owners.{owner}"), Role::Owner)?;
        }
        let mut codes = BTreeMap::new();
        for (name, station) in &tables.stations {
            check_name("station", name)?;
            if name == CENTRE {
                return Err(Error::value("station", name, "another name: this is the centre's own"));
            }
            if !tables.owners.contains_key(&station.owner) {
                let known: Vec<&str> = tables.owners.keys().map(String::as_str).collect();
                let expected = format!("one of owners ({})", known.join(", "));
                return Err(Error::value(format!("stations.{name}.owner"), &station.owner, expected));
            }
            take(&station.key, &format!("stations.{name}.key"), Role::Machine)?;
            if let Some(other) = codes.insert((station.sac, station.sic), name) {
                let found = format!("SAC {} SIC {}", station.sac, station.sic);
                let expected = format!("another pair than that of {other}");
                return Err(Error::value(format!("stations.{name}"), found, expected));
            }
        }
        Ok(Self { tables })
    }

    /// Its tables.
    pub fn tables(&self) -> &Tables {
        &self.tables
    }

    /// Owner of a station.
    pub fn owner_of(&self, station: &str) -> Option<&str> {
        self.tables.stations.get(station).map(|entry| entry.owner.as_str())
    }

    /// Key of an owner, revoked or not.
    pub fn owner_key(&self, owner: &str) -> Option<&PublicKey> {
        self.tables.owners.get(owner)
    }

    /// Revokes a key; where it is revoked already, the earlier time stays.
    pub fn revoke(&mut self, key: &PublicKey, revocation: Revocation) {
        let entry = self.tables.revoked.entry(key.clone()).or_insert_with(|| revocation.clone());
        if revocation.at < entry.at {
            *entry = revocation;
        }
    }

    /// Why a key does not count at a time; `None` where it does.
    pub fn revocation(&self, key: &PublicKey, now: Timestamp) -> Option<&Revocation> {
        self.tables.revoked.get(key).filter(|revocation| revocation.at <= now)
    }

    /// Entry of a station whose key counts.
    ///
    /// # Errors
    /// No station has the name, or its key is revoked.
    pub fn station(&self, origin: &str, now: Timestamp) -> Result<&StationEntry, Refusal> {
        let Some(entry) = self.tables.stations.get(origin) else {
            return Err(Refusal::UnknownOrigin { origin: origin.to_owned() });
        };
        match self.revocation(&entry.key, now) {
            Some(Revocation { at, reason }) => Err(Refusal::Revoked {
                origin: origin.to_owned(),
                key: entry.key.clone(),
                at: *at,
                reason: reason.clone(),
            }),
            None => Ok(entry),
        }
    }
}

/// Why a message is refused; the text is for the log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No station has this name.
    #[error("origin {origin:?} is not registered")]
    UnknownOrigin {
        /// Who it says it is.
        origin: String,
    },
    /// The station's key counts no more.
    #[error("{origin}: key {key} was revoked at {at}: {reason}")]
    Revoked {
        /// Which station.
        origin: String,
        /// Its key.
        key: PublicKey,
        /// From when on.
        at: Timestamp,
        /// Why.
        reason: String,
    },
    /// Shorter than a signature.
    #[error("{origin}: message of {len} octets, expected an envelope and a signature of 64")]
    NotSigned {
        /// Which station.
        origin: String,
        /// Octets.
        len: usize,
    },
    /// Forged, damaged, or signed for another origin.
    #[error("{origin}: the signature is not that of {key}")]
    BadSignature {
        /// Which station.
        origin: String,
        /// The key that is registered for it.
        key: PublicKey,
    },
    /// Was there before, or comes after a later one.
    #[error("{origin}: message {sequence} of boot {boot} is a replay, {last} was accepted already")]
    Replayed {
        /// Which station.
        origin: String,
        /// Its boot.
        boot: u64,
        /// The message's sequence.
        sequence: u64,
        /// The latest that was accepted.
        last: u64,
    },
    /// Of a boot that another has followed.
    #[error("{origin}: boot {boot} has ended, the present one is {current}")]
    StaleBoot {
        /// Which station.
        origin: String,
        /// The message's boot.
        boot: u64,
        /// The present one.
        current: u64,
    },
    /// Started more often than the guard remembers.
    #[error("{origin}: {boots} boots are remembered, as many as can be: give the station a new name or key")]
    TooManyBoots {
        /// Which station.
        origin: String,
        /// Boots that ended.
        boots: usize,
    },
    /// Shared under terms that nobody agreed on.
    #[error("{origin}: contract version {found} is not known, the newest is {newest} (0: none)")]
    ContractVersion {
        /// Which station.
        origin: String,
        /// What the envelope says.
        found: u32,
        /// The newest that is in force for it.
        newest: u32,
    },
}

impl Refusal {
    /// One word for counting.
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownOrigin { .. } => "unknown",
            Self::Revoked { .. } => "revoked",
            Self::NotSigned { .. } => "not_signed",
            Self::BadSignature { .. } => "bad_signature",
            Self::Replayed { .. } => "replayed",
            Self::StaleBoot { .. } => "stale_boot",
            Self::TooManyBoots { .. } => "too_many_boots",
            Self::ContractVersion { .. } => "contract_version",
        }
    }
}
