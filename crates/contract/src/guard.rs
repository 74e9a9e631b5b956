//! Protection against replays: each message of an origin counts once, and in order.
//!
//! Within a boot sequences rise (gaps are allowed: what was not shared was not sent); a boot that another has
//! followed never comes back. Sequence of work of who receives, so that a crash at any point neither loses nor
//! doubles: open the message, ask the guard, publish it onward (the message's id makes that idempotent), store the
//! guard's state, acknowledge. A crash between the last two has the message delivered again and refused as a replay,
//! rightly, as it was passed on; before, the guard's stored state does not know it yet and it goes onward again.

use crate::Refusal;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Boots that ended which are remembered of an origin; one more is refused rather than an old one forgotten.
pub const MAX_BOOTS: usize = 65_536;

/// What an envelope says of its place in the order, and of the terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Number that the sender drew when it started.
    pub boot: u64,
    /// Counts the boot's envelopes.
    pub sequence: u64,
    /// Version of the contract under which it is shared; 0: none (yet).
    pub contract_version: u32,
}

/// What the guard remembers of one origin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OriginState {
    /// The present boot.
    pub boot: u64,
    /// Sequence of the latest message that was accepted.
    pub sequence: u64,
    /// Boots before.
    pub ended: BTreeSet<u64>,
}

/// What the guard remembers, by origin; to be stored.
pub type GuardState = BTreeMap<String, OriginState>;

/// Replay protection for any number of origins.
#[derive(Clone, Debug, Default)]
pub struct Guard {
    origins: GuardState,
}

impl Guard {
    /// One that remembers this.
    pub fn new(state: GuardState) -> Self {
        Self { origins: state }
    }

    /// What is to be stored.
    pub fn state(&self) -> &GuardState {
        &self.origins
    }

    /// Accepts a message whose signature was verified, and remembers it; `newest` is the newest version of a contract
    /// that names the station ([`crate::Policy::newest_version`]). Older ones may still be on the way: what leaves
    /// goes by the terms in force.
    ///
    /// # Errors
    /// It was accepted before, is of a boot that ended, or of a contract that is not known. Then nothing changes.
    pub fn admit(&mut self, origin: &str, stamp: Stamp, newest: u32) -> Result<(), Refusal> {
        let Stamp { boot, sequence, contract_version: found } = stamp;
        if found > newest {
            return Err(Refusal::ContractVersion { origin: origin.to_owned(), found, newest });
        }
        let Some(state) = self.origins.get_mut(origin) else {
            let state = OriginState { boot, sequence, ended: BTreeSet::new() };
            self.origins.insert(origin.to_owned(), state);
            return Ok(());
        };
        let origin = || origin.to_owned();
        if boot == state.boot {
            if sequence <= state.sequence {
                return Err(Refusal::Replayed { origin: origin(), boot, sequence, last: state.sequence });
            }
        } else if state.ended.contains(&boot) {
            return Err(Refusal::StaleBoot { origin: origin(), boot, current: state.boot });
        } else if state.ended.len() >= MAX_BOOTS {
            return Err(Refusal::TooManyBoots { origin: origin(), boots: state.ended.len() });
        } else {
            state.ended.insert(state.boot);
            state.boot = boot;
        }
        state.sequence = sequence;
        Ok(())
    }
}
