//! Retention: what goes, and how its ids stay taken.

use super::Shared;
use super::link::Inbox;
use super::log::{cursor_of, cursor_subject, ids_subject, message_of};
use crate::id::IdBlock;
use crate::{Keep, MessageId, Result};
use async_nats::HeaderMap;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// Messages that go at a time.
const PIECE: usize = 1_000;

pub(super) async fn forget(shared: &Shared, stream: &str, cursor: &str) -> Result<bool> {
    let filter = json!({"filter": cursor_subject(stream, cursor)});
    let purged = shared.link.api("forget a cursor", "STREAM.PURGE.state", &filter).await?;
    Ok(purged["purged"].as_u64().unwrap_or(0) > 0)
}

pub(super) async fn trim(shared: &Shared, stream: &str, keep: Keep) -> Result<u64> {
    shared.make_log(stream).await?;
    let mut inbox = Inbox::open(&shared.link).await?;
    let info = shared.link.api("trim", &format!("STREAM.INFO.log-{stream}"), &json!({})).await?;
    let mut messages = info["state"]["messages"].as_u64().unwrap_or(0);
    let first = info["state"]["first_seq"].as_u64().unwrap_or(0);
    let end = if keep.beyond_cursors { u64::MAX } else { slowest_cursor(shared, &mut inbox, stream).await? };
    let mut octets = match keep.bytes {
        Some(_) => octets_of(shared, &mut inbox, stream, first).await?,
        None => 0,
    };
    let since = match keep.since_ns {
        Some(since_ns) => first_since(shared, &mut inbox, stream, first, since_ns).await?,
        None => 0,
    };
    let (mut from, mut total) = (first, 0);
    loop {
        let piece = read(shared, &mut inbox, stream, from).await?;
        let mut going = Vec::new();
        for stored in &piece {
            let breaks = stored.sequence < since
                || keep.messages.is_some_and(|most| messages > most)
                || keep.bytes.is_some_and(|most| octets > most);
            if !breaks || stored.sequence > end {
                break;
            }
            messages = messages.saturating_sub(1);
            octets = octets.saturating_sub(stored.payload.len() as u64);
            going.push(stored);
        }
        let Some(last) = going.last() else { return Ok(total) };
        // First their ids, then they: a crash between leaves both.
        let ids: Vec<_> =
            going.iter().filter_map(|stored| message_of(stored)).map(|message| message.id).collect();
        take_ids(shared, stream, &ids).await?;
        let purge = json!({"seq": last.sequence + 1});
        let purged = shared.link.api("trim", &format!("STREAM.PURGE.log-{stream}"), &purge).await?;
        total += purged["purged"].as_u64().unwrap_or(0);
        from = last.sequence + 1;
        if going.len() < piece.len() {
            return Ok(total);
        }
    }
}

async fn read(
    shared: &Shared,
    inbox: &mut Inbox,
    stream: &str,
    from: u64,
) -> Result<Vec<super::link::Stored>> {
    let filter = format!("log.{stream}.>");
    shared.link.read(inbox, &format!("log-{stream}"), &filter, from.max(1), PIECE).await
}

/// Up to and with which message all readers have acknowledged.
async fn slowest_cursor(shared: &Shared, inbox: &mut Inbox, stream: &str) -> Result<u64> {
    let (mut slowest, mut from) = (u64::MAX, 1);
    loop {
        let filter = format!("state.cursor.{stream}.*");
        let records = shared.link.read(inbox, "state", &filter, from, PIECE).await?;
        let Some(last) = records.last() else { return Ok(slowest) };
        from = last.sequence + 1;
        slowest = records.iter().map(cursor_of).fold(slowest, u64::min);
    }
}

/// Octets of payload of all messages.
async fn octets_of(shared: &Shared, inbox: &mut Inbox, stream: &str, mut from: u64) -> Result<u64> {
    let mut octets = 0;
    loop {
        let piece = read(shared, inbox, stream, from).await?;
        let Some(last) = piece.last() else { return Ok(octets) };
        from = last.sequence + 1;
        octets += piece.iter().map(|stored| stored.payload.len() as u64).sum::<u64>();
    }
}

/// The first message of this time or later; the largest number where there is none.
async fn first_since(
    shared: &Shared,
    inbox: &mut Inbox,
    stream: &str,
    mut from: u64,
    since_ns: i64,
) -> Result<u64> {
    loop {
        let piece = read(shared, inbox, stream, from).await?;
        let is_late = |stored: &&super::link::Stored| {
            message_of(stored).is_some_and(|message| message.time_ns >= since_ns)
        };
        if let Some(late) = piece.iter().find(is_late) {
            return Ok(late.sequence);
        }
        let Some(last) = piece.last() else { return Ok(u64::MAX) };
        from = last.sequence + 1;
    }
}

/// Adds ids to those that are taken though their messages are gone.
async fn take_ids(shared: &Shared, stream: &str, ids: &[String]) -> Result<()> {
    let mut blocks = BTreeMap::<(&str, u64), BTreeSet<usize>>::new();
    for id in ids {
        // One that is no id of ours was not published by us.
        let Ok(id) = MessageId::parse(stream, id) else { continue };
        let (block, place) = id.block();
        blocks.entry((id.prefix, block)).or_default().insert(place);
    }
    for ((prefix, block), places) in blocks {
        let subject = ids_subject(stream, prefix, block);
        loop {
            let there = shared.link.last("trim", "state", &subject).await?;
            let (expected, bytes) = there.map_or((0, Vec::new()), |stored| (stored.sequence, stored.payload));
            let mut bits = IdBlock::from_bytes(bytes);
            places.iter().for_each(|place| bits.insert(*place));
            let bytes = bits.as_bytes().to_vec();
            if shared.link.put("trim", &subject, expected, HeaderMap::new(), bytes).await?.is_some() {
                break;
            }
        }
    }
    shared.trimmed.forget();
    Ok(())
}
