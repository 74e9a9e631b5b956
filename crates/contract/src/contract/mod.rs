//! The contract between two owners: a TOML file; docs/contract.md describes it.

mod show;
mod signed;

pub use signed::{ContractRefusal, Signature, SignedContract};

use crate::area::{Area, Region};
use crate::keys::{PublicKey, Role};
use crate::{Error, check_name};
use rangegate_core::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;

/// Clauses of a contract at most.
pub const MAX_CLAUSES: usize = 1000;
/// Areas of a clause at most.
pub const MAX_AREAS: usize = 100;
/// Longest delay, window and grace, s: a year.
const MAX_SECONDS: f64 = 366.0 * 86_400.0;

/// What a message holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Detections of a station.
    Detections,
    /// Tracks of a station.
    Tracks,
    /// That a station lives, and how.
    Health,
    /// Where a station's transmitters and receivers stand.
    Site,
    /// What its antenna covers.
    Coverage,
    /// Fused tracks to which the giver's stations contributed.
    Fused,
    /// Alerts about such tracks.
    Alerts,
}

impl Kind {
    /// All there are.
    pub const ALL: [Self; 7] =
        [Self::Detections, Self::Tracks, Self::Health, Self::Site, Self::Coverage, Self::Fused, Self::Alerts];

    /// The name in contracts and subjects.
    pub fn name(self) -> &'static str {
        match self {
            Self::Detections => "detections",
            Self::Tracks => "tracks",
            Self::Health => "health",
            Self::Site => "site",
            Self::Coverage => "coverage",
            Self::Fused => "fused",
            Self::Alerts => "alerts",
        }
    }

    /// That of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What two owners agreed on.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Contract {
    /// Its name; versions of one contract have the same.
    pub name: String,
    /// Counts from 1; a higher one replaces a lower.
    pub version: u32,
    /// From when on it holds.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// The two owners.
    #[serde(rename = "party")]
    pub parties: [Party; 2],
    /// What may leave; nothing else may.
    pub gives: Vec<Clause>,
    /// What each owes, lest the other's flow to it stops.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mutuality: Option<MutualityTerms>,
}

/// An owner, its key and its stations.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Party {
    /// Name.
    pub owner: String,
    /// Key with which it signs, `A…`.
    pub key: PublicKey,
    /// Stations whose reports it gives.
    pub stations: BTreeSet<String>,
}

/// One thing that an owner gives; all that it says must hold for a report to leave by it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clause {
    /// Who gives.
    pub owner: String,
    /// Kinds of messages.
    pub kinds: BTreeSet<Kind>,
    /// In any of these; none: everywhere, and a report without a position may pass.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub areas: Vec<Area>,
    /// Lowest and highest height above the ellipsoid, m.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heights_m: Option<[f64; 2]>,
    /// How old a report is at least when it arrives, s.
    #[serde(default)]
    pub delay_s: f64,
    /// How good it must be.
    #[serde(default, skip_serializing_if = "Quality::is_any")]
    pub quality: Quality,
    /// Reports of each station a second at most, with a burst of one second's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_rate_per_s: Option<f64>,
}

/// How good a report must be; what a report does not say it does not meet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quality {
    /// Least ratio of signal to noise, dB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_snr_db: Option<f64>,
    /// Least quality of a track.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_track_quality: Option<f64>,
    /// Largest standard deviation of the position, m.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_deviation_m: Option<f64>,
}

impl Quality {
    fn is_any(&self) -> bool {
        *self == Self::default()
    }
}

/// What each side owes the other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MutualityTerms {
    /// Kinds that count; with `health` among them nobody starves who sees nothing.
    pub kinds: BTreeSet<Kind>,
    /// What is given within so long counts, s.
    pub window_s: f64,
    /// Reports in a window at least.
    #[serde(default = "one")]
    pub min_reports: u32,
    /// Part of what the other gives at least.
    #[serde(default)]
    pub min_ratio: f64,
    /// Who has not met both for so long gets nothing until it does, s; at least the window.
    pub grace_s: f64,
}

fn one() -> u32 {
    1
}

impl Contract {
    /// The party of that name.
    pub fn party(&self, owner: &str) -> Option<&Party> {
        self.parties.iter().find(|party| party.owner == owner)
    }

    /// The other party.
    pub fn other(&self, owner: &str) -> Option<&Party> {
        match &self.parties {
            [a, b] if a.owner == owner => Some(b),
            [a, b] if b.owner == owner => Some(a),
            _ => None,
        }
    }

    /// Whether it holds at a time: from `from` on until before `until`.
    pub fn is_valid_at(&self, now: Timestamp) -> bool {
        self.from <= now && now < self.until
    }

    /// What is wrong with it, as far as it can be told without knowing anybody.
    ///
    /// # Errors
    /// A name, number, area or reference cannot be.
    pub fn check(&self) -> Result<(), Error> {
        check_name("name", &self.name)?;
        if self.version == 0 {
            return Err(Error::value("version", 0, "1 or more"));
        }
        if self.from >= self.until {
            return Err(Error::value("until", self.until, format!("a time after from, {}", self.from)));
        }
        let [a, b] = &self.parties;
        self.check_party(a)?;
        self.check_party(b)?;
        if a.owner == b.owner || a.key == b.key {
            return Err(Error::value("party", format!("{} twice", b.owner), "two owners with a key each"));
        }
        if let Some(station) = a.stations.intersection(&b.stations).next() {
            return Err(Error::value("party.stations", format!("{station} at both"), "one owner"));
        }
        if self.gives.len() > MAX_CLAUSES {
            return Err(Error::value("gives", self.gives.len(), format!("{MAX_CLAUSES} clauses at most")));
        }
        for (at, clause) in self.gives.iter().enumerate() {
            self.check_clause(clause).map_err(|error| within(&format!("gives {}", at + 1), error))?;
        }
        self.mutuality.as_ref().map_or(Ok(()), check_mutuality)
    }

    fn check_party(&self, party: &Party) -> Result<(), Error> {
        check_name("party.owner", &party.owner)?;
        if party.key.role() != Role::Owner {
            return Err(Error::value(format!("key of {}", party.owner), &party.key, "an owner's key, A…"));
        }
        party.stations.iter().try_for_each(|station| check_name("party.stations", station))
    }

    fn check_clause(&self, clause: &Clause) -> Result<(), Error> {
        if self.party(&clause.owner).is_none() {
            let expected = format!("{} or {}", self.parties[0].owner, self.parties[1].owner);
            return Err(Error::value("owner", format!("{:?}", clause.owner), expected));
        }
        if clause.kinds.is_empty() {
            return Err(Error::value("kinds", "none", "one or more kinds"));
        }
        if clause.areas.len() > MAX_AREAS {
            return Err(Error::value("areas", clause.areas.len(), format!("{MAX_AREAS} at most")));
        }
        clause.regions()?;
        if let Some([low, high]) = clause.heights_m
            && !(low.is_finite() && high.is_finite() && low < high)
        {
            return Err(Error::value("heights_m", format!("[{low}, {high}]"), "two heights, rising"));
        }
        check_seconds("delay_s", clause.delay_s, 0.0)?;
        let Quality { min_snr_db, min_track_quality, max_deviation_m } = clause.quality;
        for (field, value) in [
            ("quality.min_snr_db", min_snr_db),
            ("quality.min_track_quality", min_track_quality),
            ("quality.max_deviation_m", max_deviation_m),
        ] {
            if value.is_some_and(|value| !value.is_finite()) {
                return Err(Error::value(field, value.unwrap_or(f64::NAN), "a number"));
            }
        }
        match clause.max_rate_per_s {
            Some(rate) if !(rate > 0.0 && rate <= 1e9) => {
                Err(Error::value("max_rate_per_s", rate, "over 0, at most 1e9"))
            }
            _ => Ok(()),
        }
    }
}

impl Clause {
    /// Its areas, ready to be asked.
    pub(crate) fn regions(&self) -> Result<Vec<Region>, Error> {
        self.areas.iter().map(Area::region).collect()
    }
}

fn check_seconds(field: &str, value: f64, least: f64) -> Result<(), Error> {
    if (least..=MAX_SECONDS).contains(&value) {
        return Ok(());
    }
    Err(Error::value(field, value, format!("{least} to {MAX_SECONDS} s")))
}

fn check_mutuality(terms: &MutualityTerms) -> Result<(), Error> {
    if terms.kinds.is_empty() {
        return Err(Error::value("mutuality.kinds", "none", "one or more kinds that count"));
    }
    check_seconds("mutuality.window_s", terms.window_s, 0.06)?;
    // Who gives the least that is agreed may be silent for a window: that must not stop anything.
    check_seconds("mutuality.grace_s", terms.grace_s, terms.window_s)?;
    if terms.min_reports == 0 {
        return Err(Error::value("mutuality.min_reports", 0, "1 or more"));
    }
    if !(0.0..=1000.0).contains(&terms.min_ratio) {
        return Err(Error::value("mutuality.min_ratio", terms.min_ratio, "0 to 1000"));
    }
    Ok(())
}

fn within(place: &str, error: Error) -> Error {
    match error {
        Error::Value { field, found, expected } => {
            Error::Value { field: format!("{place}: {field}"), found, expected }
        }
        other => other,
    }
}
