//! Streams: publishing and reading.

use super::link::{Answer, Inbox, Stored, token, wait_for_word};
use super::{Link, Shared};
use crate::id::IdBlock;
use crate::{Delivered, Error, Message, MessageId, Receipt, Result, Start, Subscription};
use async_nats::{HeaderMap, Subscriber};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

const ID: &str = "Nats-Msg-Id";
const SUBJECT: &str = "Rangegate-Subject";
const TIME: &str = "Rangegate-Time-Ns";

/// Messages and octets of one atomic batch: the server takes 1,000.
const MAX_BATCH: usize = 1_000;
const MAX_BATCH_OCTETS: usize = 4 << 20;

/// How often a reader that waits looks, though nobody said a word.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// How long a block of trimmed ids is believed that somebody else may change.
const BELIEVED: Duration = Duration::from_secs(30);

/// Blocks of trimmed ids, as they were lately.
#[derive(Default)]
pub(super) struct Trimmed(Mutex<BTreeMap<String, (Instant, IdBlock)>>);

impl Trimmed {
    pub fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    async fn contains(&self, link: &Link, stream: &str, id: MessageId<'_>) -> Result<bool> {
        let (block, place) = id.block();
        let subject = ids_subject(stream, id.prefix, block);
        if let Some((read, ids)) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&subject)
            && read.elapsed() < BELIEVED
        {
            return Ok(ids.contains(place));
        }
        let read = Instant::now();
        let stored = link.last("publish", "state", &subject).await?;
        let ids = IdBlock::from_bytes(stored.map(|stored| stored.payload).unwrap_or_default());
        let contains = ids.contains(place);
        let mut blocks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        blocks.retain(|_, (read, _)| read.elapsed() < BELIEVED);
        blocks.insert(subject, (read, ids));
        Ok(contains)
    }
}

/// How long a message and a batch take lately, in microseconds: near the server a batch costs as much as dozens of
/// messages, far from it as much as two.
pub(super) struct Pace {
    message: AtomicU64,
    batch: AtomicU64,
}

impl Default for Pace {
    fn default() -> Self {
        Self { message: AtomicU64::new(1_000), batch: AtomicU64::new(10_000) }
    }
}

impl Pace {
    fn is_batch_quicker(&self, messages: usize) -> bool {
        let (message, batch) = (self.message.load(Ordering::Relaxed), self.batch.load(Ordering::Relaxed));
        messages > 1 && message.saturating_mul(messages as u64) > batch
    }

    fn batch_took(&self, took: Duration) {
        average(&self.batch, took);
    }

    fn message_took(&self, took: Duration) {
        average(&self.message, took);
        // One slow batch does not count for ever.
        let batch = self.batch.load(Ordering::Relaxed);
        self.batch.store(batch - batch / 1_000, Ordering::Relaxed);
    }
}

fn average(value: &AtomicU64, took: Duration) {
    let (old, new) = (value.load(Ordering::Relaxed), u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    value.store((old * 7 + new.min(u64::MAX / 16)) / 8, Ordering::Relaxed);
}

/// Where ids of trimmed messages are.
pub(super) fn ids_subject(stream: &str, prefix: &str, block: u64) -> String {
    format!("state.ids.{stream}.{}.{block}", token(prefix))
}

fn subject_of(stream: &str, message: &Message) -> String {
    format!("log.{stream}.{}", token(&message.id))
}

pub(super) async fn publish(
    shared: &Shared,
    stream: &str,
    messages: &[Message],
    ids: &[MessageId<'_>],
) -> Result<Vec<Receipt>> {
    let published = publish_group(shared, stream, messages, ids).await;
    match &published {
        Ok(receipts) if receipts.iter().any(|receipt| !receipt.was_there) => {
            // A word for whoever waits; they look by themselves if it is lost.
            let _ = shared.link.client.publish(format!("wake.{stream}"), Vec::new().into()).await;
        }
        Ok(_) => {}
        Err(_) => {
            // Some may have been stored, and may be trimmed before they are said again.
            shared.trimmed.forget();
            shared.forget_made();
        }
    }
    published
}

async fn publish_group(
    shared: &Shared,
    stream: &str,
    messages: &[Message],
    ids: &[MessageId<'_>],
) -> Result<Vec<Receipt>> {
    if messages.is_empty() {
        return Ok(Vec::new());
    }
    shared.make_log(stream).await?;
    let mut receipts = vec![Receipt { sequence: 0, was_there: true }; messages.len()];
    let mut new = Vec::new();
    for (at, id) in ids.iter().enumerate() {
        if !shared.trimmed.contains(&shared.link, stream, *id).await? {
            new.push(at);
        }
    }
    let mut rest = new.as_slice();
    while !rest.is_empty() {
        let mut octets = 0;
        let fits = rest.iter().take_while(|at| {
            octets += messages[**at].payload.len() + 1_024;
            octets <= MAX_BATCH_OCTETS
        });
        let (chunk, others) = rest.split_at(fits.count().clamp(1, MAX_BATCH));
        rest = others;
        let begun = Instant::now();
        if shared.pace.is_batch_quicker(chunk.len())
            && let Some(first) = publish_batch(&shared.link, stream, messages, chunk).await?
        {
            shared.pace.batch_took(begun.elapsed());
            for (sequence, at) in (first..).zip(chunk) {
                receipts[*at] = Receipt { sequence, was_there: false };
            }
            continue;
        }
        for at in chunk {
            let begun = Instant::now();
            receipts[*at] = publish_one(&shared.link, stream, &messages[*at]).await?;
            shared.pace.message_took(begun.elapsed());
        }
    }
    Ok(receipts)
}

fn headers_of(message: &Message) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(ID, message.id.as_str());
    headers.insert(SUBJECT, message.subject.as_str());
    headers.insert(TIME, message.time_ns.to_string());
    headers
}

async fn publish_one(link: &Link, stream: &str, message: &Message) -> Result<Receipt> {
    let subject = subject_of(stream, message);
    let mut headers = headers_of(message);
    headers.insert("Nats-Expected-Last-Subject-Sequence", "0");
    match link.request("publish", &subject, headers, message.payload.clone()).await? {
        Answer::Good(answer) => {
            let sequence = answer["seq"].as_u64().unwrap_or(0);
            Ok(Receipt { sequence, was_there: answer["duplicate"].as_bool().unwrap_or(false) })
        }
        Answer::Error { number: super::link::WRONG_LAST_SEQUENCE, .. } => {
            let there = link.last("publish", &format!("log-{stream}"), &subject).await?;
            Ok(Receipt { sequence: there.map_or(0, |stored| stored.sequence), was_there: true })
        }
        Answer::Error { code, number, text } => Err(link.error("publish", code, number, &text)),
    }
}

/// Stores all of a chunk or nothing; the first one's sequence. None: the server would not, most often because one of
/// them is there.
async fn publish_batch(
    link: &Link,
    stream: &str,
    messages: &[Message],
    chunk: &[usize],
) -> Result<Option<u64>> {
    let batch = link.client.new_inbox().replace('.', "-");
    for (number, at) in (1..).zip(chunk) {
        let message = &messages[*at];
        let subject = subject_of(stream, message);
        let mut headers = headers_of(message);
        headers.insert("Nats-Expected-Last-Subject-Sequence", "0");
        headers.insert("Nats-Batch-Id", batch.as_str());
        headers.insert("Nats-Batch-Sequence", number.to_string());
        let is_last = number == chunk.len();
        if is_last {
            headers.insert("Nats-Batch-Commit", "1");
        }
        let payload = message.payload.clone();
        // The first says whether the server takes batches, the last that all are stored.
        if number > 1 && !is_last {
            let published = link.client.publish_with_headers(subject, headers, payload.into()).await;
            published.map_err(|error| link.unavailable("publish", error.to_string()))?;
            continue;
        }
        match link.request("publish", &subject, headers, payload).await? {
            Answer::Good(answer) if is_last => {
                let last = answer["seq"].as_u64().unwrap_or(0);
                return Ok((last + 1).checked_sub(chunk.len() as u64));
            }
            Answer::Good(_) => {}
            Answer::Error { code, .. } if code < 500 => return Ok(None),
            Answer::Error { code, number, text } => return Err(link.error("publish", code, number, &text)),
        }
    }
    Ok(None)
}

/// A message as it was published; nothing where somebody else put it there.
pub(super) fn message_of(stored: &Stored) -> Option<Message> {
    Some(Message {
        id: stored.header(ID).to_owned(),
        subject: stored.header(SUBJECT).to_owned(),
        time_ns: stored.header(TIME).parse().ok()?,
        payload: stored.payload.clone(),
    })
}

/// A subscription.
pub(super) struct Reader {
    shared: Arc<Shared>,
    stream: String,
    cursor: String,
    inbox: Inbox,
    words: Subscriber,
    /// Where the cursor's record lies, to be replaced by no one but us.
    record: u64,
    /// Up to and with which messages were handed out.
    handed_out: u64,
    acknowledged: u64,
}

/// Where a cursor's record is.
pub(super) fn cursor_subject(stream: &str, cursor: &str) -> String {
    format!("state.cursor.{stream}.{cursor}")
}

/// What a cursor's record says.
pub(super) fn cursor_of(stored: &Stored) -> u64 {
    std::str::from_utf8(&stored.payload).ok().and_then(|text| text.parse().ok()).unwrap_or(0)
}

impl Reader {
    pub async fn open(shared: &Arc<Shared>, stream: &str, cursor: &str, start: Start) -> Result<Self> {
        shared.make_log(stream).await?;
        let link = &shared.link;
        let words = link.client.subscribe(format!("wake.{stream}")).await;
        let words = words.map_err(|error| link.unavailable("subscribe", error.to_string()))?;
        let inbox = Inbox::open(link).await?;
        let (record, acknowledged) = begin(link, stream, cursor, start).await?;
        Ok(Self {
            shared: shared.clone(),
            stream: stream.to_owned(),
            cursor: cursor.to_owned(),
            inbox,
            words,
            record,
            handed_out: acknowledged,
            acknowledged,
        })
    }

    async fn read(&mut self, at_most: usize, wait: Duration) -> Result<Vec<Delivered>> {
        let until = Instant::now().checked_add(wait);
        let (stream, filter) = (format!("log-{}", self.stream), format!("log.{}.>", self.stream));
        loop {
            let link = &self.shared.link;
            let stored = link.read(&mut self.inbox, &stream, &filter, self.handed_out + 1, at_most).await?;
            if let Some(last) = stored.last() {
                self.handed_out = last.sequence;
            }
            let messages = stored.iter().filter_map(|stored| {
                message_of(stored).map(|message| Delivered { sequence: stored.sequence, message })
            });
            let messages: Vec<_> = messages.collect();
            if !messages.is_empty() {
                return Ok(messages);
            }
            if !stored.is_empty() {
                continue;
            }
            let left = until.map_or(LOOK_EVERY, |until| until.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                return Ok(messages);
            }
            wait_for_word(&mut self.words, left.min(LOOK_EVERY)).await;
        }
    }

    async fn store(&mut self, sequence: u64) -> Result<()> {
        let link = &self.shared.link;
        let subject = cursor_subject(&self.stream, &self.cursor);
        loop {
            let payload = sequence.to_string().into_bytes();
            let put = link.put("acknowledge", &subject, self.record, HeaderMap::new(), payload).await?;
            if let Some(record) = put {
                self.record = record;
                return Ok(());
            }
            // Ours, of which we did not hear, or another reader's.
            let Some(there) = link.last("acknowledge", "state", &subject).await? else {
                let expected = format!("{}, which was forgotten", self.cursor);
                return Err(Error::refused(&self.stream, "cursor", "none", expected));
            };
            self.record = there.sequence;
            if cursor_of(&there) >= sequence {
                return Ok(());
            }
        }
    }
}

/// Where the cursor's record lies, and what it says; made where there is none.
async fn begin(link: &Link, stream: &str, cursor: &str, start: Start) -> Result<(u64, u64)> {
    let subject = cursor_subject(stream, cursor);
    loop {
        if let Some(there) = link.last("subscribe", "state", &subject).await? {
            return Ok((there.sequence, cursor_of(&there)));
        }
        let sequence = match start {
            Start::First => 0,
            Start::Now => {
                let info = link.api("subscribe", &format!("STREAM.INFO.log-{stream}"), &json!({})).await?;
                info["state"]["last_seq"].as_u64().unwrap_or(0)
            }
        };
        let payload = sequence.to_string().into_bytes();
        if let Some(record) = link.put("subscribe", &subject, 0, HeaderMap::new(), payload).await? {
            return Ok((record, sequence));
        }
    }
}

impl Subscription for Reader {
    fn next(&mut self, at_most: usize, wait: Duration) -> Result<Vec<Delivered>> {
        let shared = self.shared.clone();
        shared.block_on(self.read(at_most, wait))
    }

    fn acknowledge(&mut self, sequence: u64) -> Result<()> {
        if sequence > self.handed_out {
            let expected = format!("at most {}, the last one handed out", self.handed_out);
            let found = sequence.to_string();
            return Err(Error::refused(&self.stream, "acknowledged sequence", found, expected));
        }
        if sequence > self.acknowledged {
            let shared = self.shared.clone();
            shared.block_on(self.store(sequence))?;
            self.acknowledged = sequence;
        }
        Ok(())
    }
}
