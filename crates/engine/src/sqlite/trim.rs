//! Retention: what goes, and how its ids stay taken.

use super::Shared;
use crate::id::IdBlock;
use crate::{Keep, MessageId, Result, limits};
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::BTreeMap;

/// Messages that go in one transaction, so that writers wait for a moment only.
const PIECE: i64 = 2_000;

pub(super) fn forget(shared: &Shared, stream: &str, cursor: &str) -> Result<bool> {
    limits::check_name("stream", stream)?;
    limits::check_name("cursor", cursor)?;
    shared.write("forget a cursor", |transaction| {
        let sql = "DELETE FROM cursor WHERE stream = (SELECT id FROM stream WHERE name = ?1) AND name = ?2";
        let gone = transaction.execute(sql, [stream, cursor]);
        gone.map(|n| n > 0).map_err(|error| shared.error("forget a cursor", error))
    })
}

pub(super) fn trim(shared: &Shared, stream: &str, keep: Keep) -> Result<u64> {
    limits::check_name("stream", stream)?;
    let mut total = 0;
    loop {
        let gone = shared.write("trim", |transaction| {
            trim_piece(transaction, stream, keep).map_err(|error| shared.error("trim", error))
        })?;
        total += gone;
        if gone < PIECE as u64 {
            return Ok(total);
        }
    }
}

fn trim_piece(connection: &Connection, stream: &str, keep: Keep) -> rusqlite::Result<u64> {
    let sql = "SELECT id FROM stream WHERE name = ?1";
    let Some(stream) = connection.query_row(sql, [stream], |row| row.get(0)).optional()? else {
        return Ok(0);
    };
    let last = last_to_go(connection, stream, keep)?;
    let sql = "SELECT sequence, prefix, number FROM log WHERE stream = ?1 AND sequence <= ?2
               ORDER BY sequence LIMIT ?3";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![stream, last, PIECE])?;
    let (mut gone, mut end) = (0, 0);
    let mut blocks = BTreeMap::<(i64, u64), IdBlock>::new();
    while let Some(row) = rows.next()? {
        end = row.get(0)?;
        let (prefix, number): (i64, i64) = (row.get(1)?, row.get(2)?);
        let (block, place) = MessageId { prefix: "", number: number as u64 }.block();
        let bits = match blocks.entry((prefix, block)) {
            std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::btree_map::Entry::Vacant(entry) => {
                let sql = "SELECT bits FROM trimmed WHERE prefix = ?1 AND block = ?2";
                let bits = connection.query_row(sql, (prefix, block as i64), |row| row.get(0)).optional()?;
                entry.insert(IdBlock::from_bytes(bits.unwrap_or_default()))
            }
        };
        bits.insert(place);
        gone += 1;
    }
    if gone == 0 {
        return Ok(0);
    }
    for ((prefix, block), bits) in blocks {
        let sql = "INSERT OR REPLACE INTO trimmed (prefix, block, bits) VALUES (?1, ?2, ?3)";
        connection.execute(sql, params![prefix, block as i64, bits.as_bytes()])?;
    }
    connection.execute("DELETE FROM log WHERE stream = ?1 AND sequence <= ?2", params![stream, end])?;
    // Gives the room back to the disk; rows tell how many pages are left.
    connection.prepare("PRAGMA incremental_vacuum(1000)")?.query([])?.next()?;
    Ok(gone)
}

/// Up to and with which sequence nothing is kept.
fn last_to_go(connection: &Connection, stream: i64, keep: Keep) -> rusqlite::Result<i64> {
    let ask = |sql: &str, limit: i64| {
        let answer = connection.query_row(sql, params![stream, limit], |row| row.get::<_, Option<i64>>(0));
        Ok::<_, rusqlite::Error>(answer.optional()?.flatten())
    };
    let limit = |limit: u64| i64::try_from(limit).unwrap_or(i64::MAX);
    let mut last = 0;
    if let Some(since_ns) = keep.since_ns {
        // All where none is that late.
        let first = "SELECT min(sequence) FROM log WHERE stream = ?1 AND time_ns >= ?2";
        let end = "SELECT max(sequence) FROM log WHERE stream = ?1 AND ?2 = ?2";
        let before = match ask(first, since_ns)? {
            Some(first) => first - 1,
            None => ask(end, 0)?.unwrap_or(0),
        };
        last = last.max(before);
    }
    if let Some(messages) = keep.messages {
        let sql = "SELECT sequence FROM log WHERE stream = ?1 ORDER BY sequence DESC LIMIT 1 OFFSET ?2";
        last = last.max(ask(sql, limit(messages))?.unwrap_or(0));
    }
    if let Some(bytes) = keep.bytes {
        let sql = "SELECT max(sequence) FROM (SELECT sequence,
                       sum(length(payload)) OVER (ORDER BY sequence DESC) AS octets FROM log WHERE stream = ?1)
                   WHERE octets > ?2";
        last = last.max(ask(sql, limit(bytes))?.unwrap_or(0));
    }
    if !keep.beyond_cursors {
        let sql = "SELECT min(sequence) FROM cursor WHERE stream = ?1 AND ?2 = ?2";
        last = ask(sql, 0)?.map_or(last, |cursor| last.min(cursor));
    }
    Ok(last)
}
