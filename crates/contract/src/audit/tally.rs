//! Counting what happens a thousand times a second, for an entry now and then.

use super::Event;
use crate::Refusal;
use crate::contract::Kind;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// Reasons and stations that are told apart at most between two drains.
const MAX_KEYS: usize = 1000;
/// Characters of a reason at most.
const MAX_REASON_CHARS: usize = 1000;

/// (from, to, station, kind).
type Flow = (String, String, String, Kind);

/// What happened since the last drain.
#[derive(Debug, Default)]
pub struct Tally {
    delivered: BTreeMap<Flow, Delivered>,
    withheld: BTreeMap<(Flow, String), u64>,
    refused: BTreeMap<(Option<String>, String, &'static str), (u64, String)>,
}

#[derive(Debug)]
struct Delivered {
    count: u64,
    first: String,
    last: String,
    ids: Sha256,
}

fn flow(from: &str, to: &str, station: &str, kind: Kind) -> Flow {
    (from.to_owned(), to.to_owned(), station.to_owned(), kind)
}

impl Tally {
    /// A message of this id went from an owner's station to another owner.
    pub fn delivered(&mut self, from: &str, to: &str, station: &str, kind: Kind, id: &str) {
        let batch = self.delivered.entry(flow(from, to, station, kind)).or_insert_with(|| Delivered {
            count: 0,
            first: id.to_owned(),
            last: String::new(),
            ids: Sha256::new(),
        });
        batch.count += 1;
        id.clone_into(&mut batch.last);
        batch.ids.update(id);
        batch.ids.update(b"\n");
    }

    /// A message did not go.
    pub fn withheld(&mut self, from: &str, to: &str, station: &str, kind: Kind, reason: &str) {
        let reason: String = reason.chars().take(MAX_REASON_CHARS).collect();
        let mut key = (flow(from, to, station, kind), reason);
        if self.withheld.len() >= MAX_KEYS && !self.withheld.contains_key(&key) {
            key.1 = "more reasons than are told apart".to_owned();
        }
        *self.withheld.entry(key).or_default() += 1;
    }

    /// A message was refused; `owner` is that of the station it said it was from.
    pub fn refused(&mut self, owner: Option<&str>, station: &str, refusal: &Refusal) {
        let station: String = station.chars().take(MAX_REASON_CHARS).collect();
        let mut key = (owner.map(str::to_owned), station, refusal.code());
        if self.refused.len() >= MAX_KEYS && !self.refused.contains_key(&key) {
            key.1 = "more stations than are told apart".to_owned();
        }
        let reason = || refusal.to_string().chars().take(MAX_REASON_CHARS).collect();
        self.refused.entry(key).or_insert_with(|| (0, reason())).0 += 1;
    }

    /// Whether nothing happened.
    pub fn is_empty(&self) -> bool {
        self.delivered.is_empty() && self.withheld.is_empty() && self.refused.is_empty()
    }

    /// All of it as events; begins anew.
    pub fn drain(&mut self) -> Vec<Event> {
        let Self { delivered, withheld, refused } = std::mem::take(self);
        let delivered = delivered.into_iter().map(|((from, to, station, kind), batch)| {
            let Delivered { count, first, last, ids } = batch;
            let ids_sha256 = crate::hex(&ids.finalize());
            Event::Delivered { from, to, station, kind, count, first, last, ids_sha256 }
        });
        let withheld = withheld.into_iter().map(|(((from, to, station, kind), reason), count)| {
            Event::Withheld { from, to, station, kind, count, reason }
        });
        let refused = refused.into_iter().map(|((owner, station, code), (count, reason))| Event::Refused {
            owner,
            station,
            count,
            code: code.to_owned(),
            reason,
        });
        delivered.chain(withheld).chain(refused).collect()
    }
}
