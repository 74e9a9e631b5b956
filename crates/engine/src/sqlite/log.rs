//! Streams: publishing and reading.

use super::Shared;
use super::wake::Seen;
use crate::id::IdBlock;
use crate::{Delivered, Error, Message, MessageId, Receipt, Result, Start, Subscription, limits};
use rusqlite::{Connection, OptionalExtension, params};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Octets of payload after which [`Subscription::next`] hands out what it has.
const MAX_HANDED_OUT: usize = 8 << 20;

pub(super) fn publish(shared: &Shared, stream: &str, messages: &[Message]) -> Result<Vec<Receipt>> {
    let ids = limits::check_messages(stream, messages)?;
    if messages.is_empty() {
        return Ok(Vec::new());
    }
    shared.write("publish", |transaction| {
        let append = || -> rusqlite::Result<Vec<Receipt>> {
            let stream = stream_id(transaction, stream)?;
            let each = messages.iter().zip(ids).map(|(message, id)| append(transaction, stream, id, message));
            each.collect()
        };
        append().map_err(|error| shared.error("publish", error))
    })
}

/// The stream's number, which it is given here at the latest.
pub(super) fn stream_id(connection: &Connection, stream: &str) -> rusqlite::Result<i64> {
    named(
        connection,
        "SELECT id FROM stream WHERE name = ?1",
        "INSERT INTO stream (name) VALUES (?1)",
        [stream],
    )
}

fn named(
    connection: &Connection,
    find: &str,
    make: &str,
    name: impl rusqlite::Params + Clone,
) -> rusqlite::Result<i64> {
    let found = connection.prepare_cached(find)?.query_row(name.clone(), |row| row.get(0)).optional()?;
    if let Some(id) = found {
        return Ok(id);
    }
    connection.prepare_cached(make)?.insert(name)
}

fn append(
    connection: &Connection,
    stream: i64,
    id: MessageId<'_>,
    message: &Message,
) -> rusqlite::Result<Receipt> {
    let prefix = named(
        connection,
        "SELECT id FROM prefix WHERE stream = ?1 AND text = ?2",
        "INSERT INTO prefix (stream, text) VALUES (?1, ?2)",
        (stream, id.prefix),
    )?;
    if let Some(sequence) = find(connection, prefix, id)? {
        return Ok(Receipt { sequence, was_there: true });
    }
    let sql =
        "INSERT INTO log (stream, prefix, number, subject, time_ns, payload) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let values = params![stream, prefix, id.number as i64, message.subject, message.time_ns, message.payload];
    let sequence = connection.prepare_cached(sql)?.insert(values)?;
    Ok(Receipt { sequence: sequence as u64, was_there: false })
}

/// Where the message of an id lies, 0 if it was trimmed, nothing if it never came.
fn find(connection: &Connection, prefix: i64, id: MessageId<'_>) -> rusqlite::Result<Option<u64>> {
    let sql = "SELECT sequence FROM log WHERE prefix = ?1 AND number = ?2";
    let values = (prefix, id.number as i64);
    let found = connection.prepare_cached(sql)?.query_row(values, |row| row.get::<_, i64>(0)).optional()?;
    if let Some(sequence) = found {
        return Ok(Some(sequence as u64));
    }
    let (block, place) = id.block();
    let sql = "SELECT bits FROM trimmed WHERE prefix = ?1 AND block = ?2";
    let values = (prefix, block as i64);
    let bits = connection.prepare_cached(sql)?.query_row(values, |row| row.get(0)).optional()?;
    Ok(bits.is_some_and(|bits| IdBlock::from_bytes(bits).contains(place)).then_some(0))
}

/// A subscription.
pub(super) struct Reader {
    shared: Arc<Shared>,
    connection: Connection,
    stream: i64,
    name: String,
    cursor: String,
    /// Up to and with which messages were handed out.
    handed_out: u64,
    acknowledged: u64,
}

impl Reader {
    pub fn open(shared: &Arc<Shared>, stream: &str, cursor: &str, start: Start) -> Result<Self> {
        limits::check_name("stream", stream)?;
        limits::check_name("cursor", cursor)?;
        let (id, acknowledged) = shared.write("subscribe", |transaction| {
            begin(transaction, stream, cursor, start).map_err(|error| shared.error("subscribe", error))
        })?;
        Ok(Self {
            shared: shared.clone(),
            connection: shared.connect()?,
            stream: id,
            name: stream.to_owned(),
            cursor: cursor.to_owned(),
            handed_out: acknowledged,
            acknowledged,
        })
    }

    /// What was written when it looked, and what it found.
    fn look(&self, at_most: usize) -> rusqlite::Result<(Seen, Vec<Delivered>)> {
        let seen = self.shared.wake.seen(&self.connection)?;
        let sql = "SELECT sequence, text, number, subject, time_ns, payload FROM log JOIN prefix ON prefix.id = prefix
                   WHERE log.stream = ?1 AND sequence > ?2 ORDER BY sequence LIMIT ?3";
        let mut statement = self.connection.prepare_cached(sql)?;
        let at_most = i64::try_from(at_most.max(1)).unwrap_or(i64::MAX);
        let mut rows = statement.query(params![self.stream, self.handed_out as i64, at_most])?;
        let (mut found, mut octets) = (Vec::new(), 0);
        while let Some(row) = rows.next()? {
            let (prefix, number): (String, i64) = (row.get(1)?, row.get(2)?);
            let id = format!("{prefix}/{number}");
            let message = Message { id, subject: row.get(3)?, time_ns: row.get(4)?, payload: row.get(5)? };
            octets += message.payload.len();
            found.push(Delivered { sequence: row.get::<_, i64>(0)? as u64, message });
            if octets > MAX_HANDED_OUT {
                break;
            }
        }
        Ok((seen, found))
    }
}

/// The stream's number, and what was acknowledged by this cursor, which is made where there is none.
fn begin(connection: &Connection, stream: &str, cursor: &str, start: Start) -> rusqlite::Result<(i64, u64)> {
    let stream = stream_id(connection, stream)?;
    let sql = "INSERT INTO cursor (stream, name, sequence)
               SELECT ?1, ?2, iif(?3, (SELECT ifnull(max(sequence), 0) FROM log WHERE stream = ?1), 0)
               WHERE true ON CONFLICT DO NOTHING";
    connection.execute(sql, params![stream, cursor, start == Start::Now])?;
    let sql = "SELECT sequence FROM cursor WHERE stream = ?1 AND name = ?2";
    let sequence: i64 = connection.query_row(sql, params![stream, cursor], |row| row.get(0))?;
    Ok((stream, sequence as u64))
}

impl Subscription for Reader {
    fn next(&mut self, at_most: usize, wait: Duration) -> Result<Vec<Delivered>> {
        let until = Instant::now().checked_add(wait);
        let failed = |error| self.shared.error("read", error);
        loop {
            let (seen, found) = self.look(at_most).map_err(failed)?;
            if let Some(last) = found.last() {
                self.handed_out = last.sequence;
                return Ok(found);
            }
            if !self.shared.wake.wait(&self.connection, seen, until).map_err(failed)? {
                return Ok(Vec::new());
            }
        }
    }

    fn acknowledge(&mut self, sequence: u64) -> Result<()> {
        if sequence > self.handed_out {
            let expected = format!("at most {}, the last one handed out", self.handed_out);
            return Err(Error::refused(&self.name, "acknowledged sequence", sequence.to_string(), expected));
        }
        if sequence <= self.acknowledged {
            return Ok(());
        }
        let moved = self.shared.write("acknowledge", |transaction| {
            let sql = "UPDATE cursor SET sequence = max(sequence, ?3) WHERE stream = ?1 AND name = ?2";
            let values = params![self.stream, self.cursor, sequence as i64];
            transaction.execute(sql, values).map_err(|error| self.shared.error("acknowledge", error))
        })?;
        if moved == 0 {
            return Err(Error::refused(
                &self.name,
                "cursor",
                "none",
                format!("{}, which was forgotten", self.cursor),
            ));
        }
        self.acknowledged = sequence;
        Ok(())
    }
}
