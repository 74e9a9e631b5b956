//! Queues of jobs.

use super::link::{Answer, Inbox, Stored, token};
use super::{Link, Shared};
use crate::{Error, Job, QueueState, Result, SetAside, limits};
use async_nats::HeaderMap;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::time::Duration;
use tokio::time::Instant;

/// Name of each queue's one consumer.
const CONSUMER: &str = "workers";

/// Where a record of what became of a job is written.
const RECORD: &str = "Rangegate-Job";

/// What became of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum State {
    /// Or is leased, while the lease's end lies ahead.
    Waits,
    Done,
    SetAside,
}

/// What became of a job: the body of a record is the payload of one that was set aside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Record {
    id: String,
    state: State,
    attempts: u32,
    worker: String,
    /// End of the lease by the worker's clock; 0: none.
    lease_until_ns: i64,
    reason: String,
}

/// The clock that workers have in common as far as their machines have.
#[expect(clippy::disallowed_methods, reason = "leases end by the clock; no output derives from it")]
fn now_ns() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}

fn end_ns(lease: Duration) -> i64 {
    now_ns().saturating_add(i64::try_from(lease.as_nanos()).unwrap_or(i64::MAX))
}

fn record_subject(queue: &str, id: &str) -> String {
    format!("state.job.{queue}.{}", token(id))
}

fn record_of(stored: &Stored) -> Option<Record> {
    serde_json::from_str(stored.header(RECORD)).ok()
}

pub(super) async fn make_consumer(shared: &Shared, queue: &str) -> Result<()> {
    let name = format!("queue-{queue}.{CONSUMER}");
    if !shared.config.may_create || shared.is_made(&name) {
        return Ok(());
    }
    let config = json!({
        "stream_name": format!("queue-{queue}"),
        "config": {
            "durable_name": CONSUMER, "ack_policy": "explicit", "deliver_policy": "all", "replay_policy": "instant",
            "ack_wait": u64::try_from(shared.config.handover.as_nanos()).unwrap_or(u64::MAX),
            // No limits: at one, the rest would wait in silence.
            "max_ack_pending": -1, "max_deliver": -1, "max_waiting": 10_000,
        },
    });
    let subject = format!("CONSUMER.DURABLE.CREATE.queue-{queue}.{CONSUMER}");
    shared.link.api("make a consumer", &subject, &config).await?;
    shared.note_made(&name);
    Ok(())
}

async fn record(link: &Link, queue: &str, id: &str) -> Result<(u64, Option<Record>)> {
    let stored = link.last("read a job", "state", &record_subject(queue, id)).await?;
    Ok(stored.map_or((0, None), |stored| (stored.sequence, record_of(&stored))))
}

/// False: the record there is not the expected one.
async fn put(link: &Link, queue: &str, expected: u64, record: &Record, payload: &[u8]) -> Result<bool> {
    let mut headers = HeaderMap::new();
    let text = serde_json::to_string(record).unwrap_or_default();
    headers.insert(RECORD, text);
    let subject = record_subject(queue, &record.id);
    Ok(link.put("write a job", &subject, expected, headers, payload.to_vec()).await?.is_some())
}

pub(super) async fn submit(shared: &Shared, queue: &str, id: &str, payload: &[u8]) -> Result<bool> {
    shared.make_queue(queue).await?;
    if record(&shared.link, queue, id).await?.1.is_some() {
        return Ok(false);
    }
    let mut headers = HeaderMap::new();
    headers.insert("Rangegate-Job-Id", id);
    let subject = format!("queue.{queue}.{}", token(id));
    let put = shared.link.put("submit a job", &subject, 0, headers, payload.to_vec()).await;
    if put.is_err() {
        shared.forget_made();
    }
    Ok(put?.is_some())
}

pub(super) async fn lease(
    shared: &Shared,
    queue: &str,
    worker: &str,
    lease: Duration,
    wait: Duration,
) -> Result<Option<Job>> {
    shared.make_queue(queue).await?;
    let mut inbox = Inbox::open(&shared.link).await?;
    let until = Instant::now().checked_add(wait);
    loop {
        // In pieces, so that a server that came back is asked again.
        let left = until.map_or(wait, |until| until.saturating_duration_since(Instant::now()));
        let left = left.min(Duration::from_secs(10));
        let handed = hand_over(shared, &mut inbox, queue, left).await;
        if handed.is_err() {
            shared.forget_made();
        }
        let Some(message) = handed? else {
            if until.is_some_and(|until| Instant::now() >= until) {
                return Ok(None);
            }
            continue;
        };
        if let Some(job) = take(shared, queue, worker, lease, &message).await? {
            return Ok(Some(job));
        }
    }
}

/// The next job that the server has for anybody.
async fn hand_over(
    shared: &Shared,
    inbox: &mut Inbox,
    queue: &str,
    wait: Duration,
) -> Result<Option<async_nats::Message>> {
    let link = &shared.link;
    let question = if wait < Duration::from_millis(5) {
        json!({"batch": 1, "no_wait": true})
    } else {
        json!({"batch": 1, "expires": wait.as_nanos() as u64})
    };
    let subject = format!("$JS.API.CONSUMER.MSG.NEXT.queue-{queue}.{CONSUMER}");
    let reply = inbox.next_reply();
    let payload = question.to_string().into_bytes().into();
    let asked = link.client.publish_with_reply(subject, reply.clone(), payload).await;
    asked.map_err(|error| link.unavailable("lease a job", error.to_string()))?;
    let Some(message) =
        link.unless_lost("lease a job", inbox.answer(&reply, Instant::now() + wait + link.timeout)).await?
    else {
        return Err(link.unavailable("lease a job", format!("{queue}: no answer")));
    };
    match message.status.map(|status| status.as_u16()) {
        None => Ok(Some(message)),
        Some(404 | 408 | 409) => Ok(None),
        Some(status) => {
            let text = message.description.as_deref().unwrap_or("");
            Err(link.unavailable("lease a job", format!("{queue}: {status} {text}")))
        }
    }
}

/// Makes a job that was handed over ours; nothing where it is over, or leased to another.
async fn take(
    shared: &Shared,
    queue: &str,
    worker: &str,
    lease: Duration,
    message: &async_nats::Message,
) -> Result<Option<Job>> {
    let link = &shared.link;
    let id = message.headers.as_ref().and_then(|headers| headers.get("Rangegate-Job-Id"));
    let (Some(id), Some(reply)) = (id.map(|id| id.as_str().to_owned()), message.reply.clone()) else {
        // Not put there by us: it would come for ever.
        return Ok(None);
    };
    loop {
        let (expected, found) = record(link, queue, &id).await?;
        let attempts = found.as_ref().map_or(0, |record| record.attempts);
        if let Some(found) = found {
            let left_ns = found.lease_until_ns.saturating_sub(now_ns());
            if found.state != State::Waits {
                // Its end was written, but not heard by the queue.
                acknowledge(link, &reply, "+ACK").await?;
                return Ok(None);
            }
            if left_ns > 0 {
                acknowledge(link, &reply, &again_after(Duration::from_nanos(left_ns.cast_unsigned())))
                    .await?;
                return Ok(None);
            }
        }
        let record = Record {
            id: id.clone(),
            state: State::Waits,
            attempts: attempts + 1,
            worker: worker.to_owned(),
            lease_until_ns: end_ns(lease),
            reason: String::new(),
        };
        if put(link, queue, expected, &record, &[]).await? {
            // Should this not arrive, the job comes early, and is sent back because of its record.
            let _ = acknowledge(link, &reply, &again_after(lease)).await;
            let payload = message.payload.to_vec();
            let (queue, reply) = (queue.to_owned(), reply.to_string());
            return Ok(Some(Job { queue, id, payload, attempts: attempts + 1, reply }));
        }
    }
}

/// "Not done; hand it out again after so long."
fn again_after(delay: Duration) -> String {
    // A little later than the lease ends, so that it has ended.
    let delay = delay.saturating_add(Duration::from_millis(1)).min(Duration::from_secs(10 * 365 * 86_400));
    format!("-NAK {{\"delay\": {}}}", delay.as_nanos())
}

/// An acknowledgement that is itself acknowledged.
async fn acknowledge(link: &Link, reply: &str, word: &str) -> Result<()> {
    match link.request("acknowledge a job", reply, HeaderMap::new(), word.as_bytes().to_vec()).await? {
        Answer::Good(_) => Ok(()),
        Answer::Error { code, number, text } => Err(link.error("acknowledge a job", code, number, &text)),
    }
}

/// The record of a lease that is still this job's, and where it lies.
async fn held(link: &Link, job: &Job, becomes: State) -> Result<(u64, Record)> {
    let (sequence, found) = record(link, &job.queue, &job.id).await?;
    let lost = |found: &str| Err(Error::lease_lost(&job.queue, &job.id, found));
    let Some(found) = found else { return lost("there is no such job") };
    if found.attempts != job.attempts {
        return lost(&format!("it is leased to {}", found.worker));
    }
    if found.state == State::Waits || found.state == becomes {
        return Ok((sequence, found));
    }
    lost(if found.state == State::Done { "it is done" } else { "it was set aside" })
}

pub(super) async fn extend(shared: &Shared, job: &Job, lease: Duration) -> Result<()> {
    loop {
        let (expected, mut record) = held(&shared.link, job, State::Waits).await?;
        if record.lease_until_ns <= now_ns() {
            let found = if record.lease_until_ns == 0 { "it was given back" } else { "it ran out" };
            return Err(Error::lease_lost(&job.queue, &job.id, found));
        }
        record.lease_until_ns = end_ns(lease);
        if put(&shared.link, &job.queue, expected, &record, &[]).await? {
            let _ = acknowledge(&shared.link, &job.reply, &again_after(lease)).await;
            return Ok(());
        }
    }
}

pub(super) async fn end(shared: &Shared, job: &Job, state: State, reason: &str) -> Result<()> {
    let reason = limits::kept_reason(reason);
    loop {
        let (expected, mut record) = held(&shared.link, job, state).await?;
        if state == State::Waits || record.state != state {
            (record.state, record.lease_until_ns) = (state, 0);
            record.reason.clone_from(&reason);
            let payload = if state == State::SetAside { job.payload.as_slice() } else { &[] };
            if !put(&shared.link, &job.queue, expected, &record, payload).await? {
                continue;
            }
        }
        let word = if state == State::Waits { "-NAK" } else { "+ACK" };
        return acknowledge(&shared.link, &job.reply, word).await;
    }
}

pub(super) async fn queue_state(shared: &Shared, queue: &str) -> Result<QueueState> {
    shared.make_queue(queue).await?;
    let info = shared.link.api("read a queue", &format!("STREAM.INFO.queue-{queue}"), &json!({})).await?;
    let there = info["state"]["messages"].as_u64().unwrap_or(0);
    let (mut state, mut from) = (QueueState::default(), 1);
    let mut inbox = shared.inbox.lock().await;
    loop {
        let filter = format!("state.job.{queue}.*");
        let records = shared.link.read(&mut inbox, "state", &filter, from, 1_000).await?;
        let Some(last) = records.last() else { break };
        from = last.sequence + 1;
        for stored in records {
            let Some(record) = record_of(&stored) else { continue };
            let Record { id, attempts, reason, .. } = record;
            match record.state {
                State::Waits => state.leased += u64::from(record.lease_until_ns > now_ns()),
                State::Done => state.done += 1,
                State::SetAside => {
                    state.set_aside.push(SetAside { id, payload: stored.payload, attempts, reason });
                }
            }
        }
    }
    state.set_aside.sort_by(|a, b| a.id.cmp(&b.id));
    state.waiting = there.saturating_sub(state.leased);
    Ok(state)
}
