//! Queues of jobs.

use super::Shared;
use crate::{Error, Job, QueueState, Result, SetAside, limits};
use rusqlite::{Connection, OptionalExtension, params};
use std::time::{Duration, Instant};

/// What becomes of a job that a worker gives back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Waits = 0,
    Done = 1,
    SetAside = 2,
}

/// The clock that all processes of the machine have in common.
#[expect(clippy::disallowed_methods, reason = "leases end by the clock; no output derives from it")]
fn now_ns() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}

fn end_ns(now_ns: i64, lease: Duration) -> i64 {
    now_ns.saturating_add(i64::try_from(lease.as_nanos()).unwrap_or(i64::MAX))
}

pub(super) fn submit(shared: &Shared, queue: &str, id: &str, payload: &[u8]) -> Result<bool> {
    limits::check_job(queue, id, payload)?;
    shared.write("submit a job", |transaction| {
        let sql = "INSERT INTO job (queue, id, payload) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
        let added =
            transaction.prepare_cached(sql).and_then(|mut sql| sql.execute(params![queue, id, payload]));
        added.map(|n| n == 1).map_err(|error| shared.error("submit a job", error))
    })
}

pub(super) fn lease(
    shared: &Shared,
    queue: &str,
    worker: &str,
    lease: Duration,
    wait: Duration,
) -> Result<Option<Job>> {
    limits::check_name("queue", queue)?;
    limits::check_name("worker", worker)?;
    let until = Instant::now().checked_add(wait);
    shared.read(|connection| {
        loop {
            let failed = |error| shared.error("lease a job", error);
            let seen = shared.wake.seen(connection).map_err(failed)?;
            // Looked for without the lock first: who waits does not write.
            let next = next(connection, queue, now_ns()).map_err(failed)?;
            if next.is_some() {
                let taken = shared
                    .write("lease a job", |writer| take(writer, queue, worker, lease).map_err(failed))?;
                if taken.is_some() {
                    return Ok(taken);
                }
            }
            if until.is_some_and(|until| Instant::now() >= until) {
                return Ok(None);
            }
            // A lease that runs out writes nothing.
            let expiry = next_expiry(connection, queue).map_err(failed)?;
            let next_look = [until, expiry].into_iter().flatten().min();
            shared.wake.wait(connection, seen, next_look).map_err(failed)?;
        }
    })
}

/// The oldest job that waits.
fn next(connection: &Connection, queue: &str, now_ns: i64) -> rusqlite::Result<Option<i64>> {
    let sql = "SELECT number FROM job WHERE queue = ?1 AND state = 0 AND lease_until_ns <= ?2
               ORDER BY number LIMIT 1";
    connection.prepare_cached(sql)?.query_row(params![queue, now_ns], |row| row.get(0)).optional()
}

/// When the next lease runs out.
fn next_expiry(connection: &Connection, queue: &str) -> rusqlite::Result<Option<Instant>> {
    let sql = "SELECT min(lease_until_ns) FROM job WHERE queue = ?1 AND state = 0 AND lease_until_ns > 0";
    let end_ns: Option<i64> = connection.prepare_cached(sql)?.query_row([queue], |row| row.get(0))?;
    let left = end_ns.map(|end_ns| end_ns.saturating_sub(now_ns()).max(1_000_000));
    Ok(left.and_then(|left| Instant::now().checked_add(Duration::from_nanos(left.cast_unsigned()))))
}

fn take(
    connection: &Connection,
    queue: &str,
    worker: &str,
    lease: Duration,
) -> rusqlite::Result<Option<Job>> {
    let now_ns = now_ns();
    let Some(number) = next(connection, queue, now_ns)? else { return Ok(None) };
    let sql = "UPDATE job SET attempts = attempts + 1, lease_until_ns = ?2, worker = ?3
               WHERE number = ?1 RETURNING id, payload, attempts";
    let job = |row: &rusqlite::Row<'_>| {
        Ok(Job {
            queue: queue.to_owned(),
            id: row.get(0)?,
            payload: row.get(1)?,
            attempts: row.get(2)?,
            reply: String::new(),
        })
    };
    let values = params![number, end_ns(now_ns, lease), worker];
    connection.prepare_cached(sql)?.query_row(values, job).optional()
}

pub(super) fn extend(shared: &Shared, job: &Job, lease: Duration) -> Result<()> {
    // A lease that ran out is lost even if nobody else wanted the job.
    let sql = "UPDATE job SET lease_until_ns = ?4
               WHERE queue = ?1 AND id = ?2 AND attempts = ?3 AND state = 0 AND lease_until_ns > ?5";
    shared.write("extend a lease", |transaction| {
        let now_ns = now_ns();
        let values = params![job.queue, job.id, job.attempts, end_ns(now_ns, lease), now_ns];
        let held = transaction.execute(sql, values).map_err(|error| shared.error("extend a lease", error))?;
        if held == 1 { Ok(()) } else { Err(lost(shared, transaction, job)) }
    })
}

/// Ends a lease, unless another worker has had the job since.
pub(super) fn end(shared: &Shared, job: &Job, state: State, reason: Option<&str>) -> Result<()> {
    let sql = "UPDATE job SET state = ?4, lease_until_ns = 0, reason = ?5
               WHERE queue = ?1 AND id = ?2 AND attempts = ?3 AND state IN (0, ?4)";
    shared.write("end a job", |transaction| {
        let reason = reason.map(limits::kept_reason);
        let values = params![job.queue, job.id, job.attempts, state as i64, reason];
        let held = transaction.execute(sql, values).map_err(|error| shared.error("end a job", error))?;
        if held == 1 { Ok(()) } else { Err(lost(shared, transaction, job)) }
    })
}

/// What became of a job whose lease is lost.
fn lost(shared: &Shared, connection: &Connection, job: &Job) -> Error {
    let sql = "SELECT CASE WHEN state = 1 THEN 'it is done' WHEN state = 2 THEN 'it was set aside'
                   WHEN lease_until_ns = 0 THEN 'it was given back' WHEN attempts = ?3 THEN 'it ran out'
                   ELSE 'it is leased to ' || worker END
               FROM job WHERE queue = ?1 AND id = ?2";
    let values = params![job.queue, job.id, job.attempts];
    match connection.query_row(sql, values, |row| row.get::<_, String>(0)).optional() {
        Ok(found) => {
            Error::lease_lost(&job.queue, &job.id, found.as_deref().unwrap_or("there is no such job"))
        }
        Err(error) => shared.error("end a job", error),
    }
}

pub(super) fn queue_state(shared: &Shared, queue: &str) -> Result<QueueState> {
    limits::check_name("queue", queue)?;
    let read = |connection: &Connection| -> rusqlite::Result<QueueState> {
        let sql = "SELECT ifnull(sum(state = 0 AND lease_until_ns <= ?2), 0),
                       ifnull(sum(state = 0 AND lease_until_ns > ?2), 0), ifnull(sum(state = 1), 0)
                   FROM job WHERE queue = ?1";
        let count = |row: &rusqlite::Row<'_>, i| row.get::<_, i64>(i).map(i64::cast_unsigned);
        let mut state = connection.query_row(sql, params![queue, now_ns()], |row| {
            let (waiting, leased, done) = (count(row, 0)?, count(row, 1)?, count(row, 2)?);
            Ok(QueueState { waiting, leased, done, set_aside: Vec::new() })
        })?;
        let sql = "SELECT id, payload, attempts, ifnull(reason, '') FROM job
                   WHERE queue = ?1 AND state = 2 ORDER BY id";
        let mut statement = connection.prepare_cached(sql)?;
        let set_aside = statement.query_map([queue], |row| {
            Ok(SetAside { id: row.get(0)?, payload: row.get(1)?, attempts: row.get(2)?, reason: row.get(3)? })
        })?;
        state.set_aside = set_aside.collect::<rusqlite::Result<_>>()?;
        Ok(state)
    };
    shared.read(|connection| {
        // One picture, whatever others write meanwhile.
        let snapshot = || {
            let transaction = connection.unchecked_transaction()?;
            let state = read(&transaction)?;
            transaction.commit().map(|()| state)
        };
        snapshot().map_err(|error| shared.error("read a queue", error))
    })
}
