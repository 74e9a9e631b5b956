//! Limits that both engines keep, checked before anything is stored.

use crate::id::shortened;
use crate::{Error, Message, MessageId, Result};

/// Octets of a message's or job's payload.
pub const MAX_PAYLOAD: usize = 256 * 1024;

/// Characters of a message's or job's id.
pub const MAX_ID: usize = 160;

/// Characters of a subject.
pub const MAX_SUBJECT: usize = 160;

/// Messages of a group.
pub const MAX_GROUP: usize = 10_000;

/// Characters of a reason that are kept.
const MAX_REASON: usize = 4_096;

/// Name of a stream, queue, cursor or worker.
pub(crate) fn check_name(field: &'static str, name: &str) -> Result<()> {
    let is_good = |c: u8| c.is_ascii_alphanumeric() || c == b'_' || c == b'-';
    if (1..=64).contains(&name.len()) && name.bytes().all(is_good) {
        return Ok(());
    }
    let found = format!("{:?}", shortened(name));
    Err(Error::refused("exchange", field, found, "1 to 64 of A-Z a-z 0-9 _ -"))
}

/// A group that is to be published; its ids.
pub(crate) fn check_messages<'a>(stream: &str, messages: &'a [Message]) -> Result<Vec<MessageId<'a>>> {
    check_name("stream", stream)?;
    if messages.len() > MAX_GROUP {
        let (found, expected) = (messages.len().to_string(), format!("at most {MAX_GROUP}"));
        return Err(Error::refused(stream, "messages of a group", found, expected));
    }
    messages.iter().map(|message| check_message(stream, message)).collect()
}

fn check_message<'a>(stream: &str, message: &'a Message) -> Result<MessageId<'a>> {
    let subject = &message.subject;
    let is_good = |c: u8| c.is_ascii_alphanumeric() || b"_-".contains(&c);
    let is_token = |token: &str| !token.is_empty() && token.bytes().all(is_good);
    if subject.len() > MAX_SUBJECT || !subject.split('.').all(is_token) {
        let expected =
            format!("names of A-Z a-z 0-9 _ - with dots between, at most {MAX_SUBJECT} characters");
        return Err(Error::refused(stream, "subject", format!("{:?}", shortened(subject)), expected));
    }
    check_payload(stream, &message.payload)?;
    MessageId::parse(stream, &message.id)
}

/// A job that is to be submitted.
pub(crate) fn check_job(queue: &str, id: &str, payload: &[u8]) -> Result<()> {
    check_name("queue", queue)?;
    if id.is_empty() || id.len() > MAX_ID || !id.bytes().all(|c| c.is_ascii_graphic()) {
        let expected = format!("1 to {MAX_ID} printable ASCII characters without spaces");
        return Err(Error::refused(queue, "job id", format!("{:?}", shortened(id)), expected));
    }
    check_payload(queue, payload)
}

fn check_payload(place: &str, payload: &[u8]) -> Result<()> {
    if payload.len() <= MAX_PAYLOAD {
        return Ok(());
    }
    let (found, expected) = (format!("{} octets", payload.len()), format!("at most {MAX_PAYLOAD} octets"));
    Err(Error::refused(place, "payload", found, expected))
}

/// A reason as it is kept.
pub(crate) fn kept_reason(reason: &str) -> String {
    reason.chars().take(MAX_REASON).collect()
}
