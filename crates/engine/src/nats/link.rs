//! The connection, and JetStream's own words: requests with JSON, answers with JSON or a numbered error.

use super::config::{Credentials, NatsConfig};
use crate::{Error, Result};
use async_nats::connection::State;
use async_nats::{Client, ConnectErrorKind, ConnectOptions, Event, HeaderMap, Message, Subscriber};
use futures_util::{FutureExt, StreamExt};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, timeout, timeout_at};

/// JetStream: another message has the subject (or the subject's last one is not as expected).
pub(super) const WRONG_LAST_SEQUENCE: u64 = 10071;
/// JetStream: the stream is there, of another configuration.
pub(super) const STREAM_NAME_IN_USE: u64 = 10058;

/// Octets of one answer with many messages.
const MAX_BATCH_OCTETS: usize = 8 << 20;

/// What the connection last told of itself, and how often it was lost.
#[derive(Clone, Debug, Default)]
struct Told {
    text: String,
    losses: u64,
}

pub(super) struct Link {
    pub client: Client,
    pub timeout: Duration,
    /// The server, as errors name it.
    pub place: String,
    told: watch::Sender<Told>,
}

/// What JetStream said.
pub(super) enum Answer {
    Good(Value),
    Error { code: u64, number: u64, text: String },
}

/// A stored message.
pub(super) struct Stored {
    pub sequence: u64,
    pub headers: HeaderMap,
    pub payload: Vec<u8>,
}

impl Stored {
    pub fn header(&self, name: &'static str) -> &str {
        self.headers.get(name).map_or("", |value| value.as_str())
    }
}

impl Link {
    pub async fn connect(config: &NatsConfig) -> Result<Self> {
        let told = watch::Sender::new(Told::default());
        let failed = |message: String| Error::failed(&config.url, "connect", message);
        let mut options = match &config.credentials {
            Credentials::None => ConnectOptions::new(),
            Credentials::Nkey(seed) => ConnectOptions::with_nkey(seed.clone()),
            Credentials::File(path) => ConnectOptions::with_credentials_file(path)
                .await
                .map_err(|error| failed(format!("{}: {error}", path.display())))?,
        };
        let noted = told.clone();
        options = options
            .name(&config.name)
            .connection_timeout(config.timeout)
            .request_timeout(Some(config.timeout))
            // An outage is found within seconds; the client then tries for ever.
            .ping_interval(Duration::from_secs(5))
            .reconnect_delay_callback(|attempt| {
                Duration::from_millis(50 << attempt.min(5)).min(Duration::from_secs(1))
            })
            .event_callback(move |event| {
                noted.send_modify(|told| {
                    told.losses += u64::from(matches!(event, Event::Disconnected));
                    if !matches!(event, Event::SlowConsumer(_)) {
                        told.text = event.to_string();
                    }
                });
                std::future::ready(())
            });
        if let Some(ca) = &config.certificate_authority {
            options = options.add_root_certificates(ca.clone()).require_tls(true);
        }
        if let Some((certificate, key)) = &config.client_certificate {
            options = options.add_client_certificate(certificate.clone(), key.clone()).require_tls(true);
        }
        let client = options.connect(&config.url).await.map_err(|error| {
            let kinds = [ConnectErrorKind::Io, ConnectErrorKind::TimedOut, ConnectErrorKind::Dns];
            let passes = kinds.contains(&error.kind()) && !is_final(&error);
            let message = error.to_string();
            if passes { unavailable(&config.url, "connect", message) } else { failed(message) }
        })?;
        Ok(Self { client, timeout: config.timeout, place: config.url.clone(), told })
    }

    /// An error that passes, with what the connection last told where it is away.
    pub fn unavailable(&self, doing: &'static str, message: impl Into<String>) -> Error {
        let mut message = message.into();
        if self.client.connection_state() != State::Connected {
            message = format!("{message}: not connected ({})", self.told.borrow().text);
        }
        unavailable(&self.place, doing, message)
    }

    /// Publishes or asks, and waits for JetStream's answer.
    pub async fn request(
        &self,
        doing: &'static str,
        subject: &str,
        headers: HeaderMap,
        payload: Vec<u8>,
    ) -> Result<Answer> {
        let message = self.request_raw(doing, subject, headers, payload).await?;
        // An atomic batch's first message is answered with nothing.
        if message.payload.is_empty() {
            return Ok(Answer::Good(Value::Null));
        }
        let mut answer: Value = serde_json::from_slice(&message.payload)
            .map_err(|error| Error::failed(&self.place, doing, format!("no JSON in answer: {error}")))?;
        let error = answer["error"].take();
        if error.is_null() {
            return Ok(Answer::Good(answer));
        }
        Ok(Answer::Error {
            code: error["code"].as_u64().unwrap_or(0),
            number: error["err_code"].as_u64().unwrap_or(0),
            text: error["description"].as_str().unwrap_or("unknown error").to_owned(),
        })
    }

    async fn request_raw(
        &self,
        doing: &'static str,
        subject: &str,
        headers: HeaderMap,
        payload: Vec<u8>,
    ) -> Result<Message> {
        let request = async_nats::Request::new().headers(headers).payload(payload.into());
        let answer = self.unless_lost(doing, self.client.send_request(subject.to_owned(), request)).await?;
        answer.map_err(|error| self.unavailable(doing, format!("{subject}: {error}")))
    }

    /// What waits for an answer fails as soon as the connection is lost: the answer will not come.
    pub async fn unless_lost<T>(&self, doing: &'static str, answer: impl Future<Output = T>) -> Result<T> {
        let mut told = self.told.subscribe();
        let losses = told.borrow_and_update().losses;
        let lost = async move {
            if told.wait_for(|told| told.losses > losses).await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            answer = answer => Ok(answer),
            () = lost => Err(self.unavailable(doing, "the connection was lost")),
        }
    }

    /// Asks JetStream's API; an error answer is an error.
    pub async fn api(&self, doing: &'static str, subject: &str, question: &Value) -> Result<Value> {
        let payload = question.to_string().into_bytes();
        match self.request(doing, &format!("$JS.API.{subject}"), HeaderMap::new(), payload).await? {
            Answer::Good(answer) => Ok(answer),
            Answer::Error { code, number, text } => Err(self.error(doing, code, number, &text)),
        }
    }

    /// JetStream's error, sorted into what passes and what does not.
    pub fn error(&self, doing: &'static str, code: u64, number: u64, text: &str) -> Error {
        let message = format!("{text} ({code}/{number})");
        // No leader, no room, too much at once.
        if code >= 500 || code == 429 {
            self.unavailable(doing, message)
        } else {
            Error::failed(&self.place, doing, message)
        }
    }

    /// Stores a record as the subject's next message: at that place only where its last one is `expected` (0: none).
    /// None: it is not.
    pub async fn put(
        &self,
        doing: &'static str,
        subject: &str,
        expected: u64,
        mut headers: HeaderMap,
        payload: Vec<u8>,
    ) -> Result<Option<u64>> {
        headers.insert("Nats-Expected-Last-Subject-Sequence", expected.to_string());
        match self.request(doing, subject, headers, payload).await? {
            Answer::Good(answer) => Ok(answer["seq"].as_u64()),
            Answer::Error { number: WRONG_LAST_SEQUENCE, .. } => Ok(None),
            Answer::Error { code, number, text } => Err(self.error(doing, code, number, &text)),
        }
    }

    /// The last message of a subject.
    pub async fn last(&self, doing: &'static str, stream: &str, subject: &str) -> Result<Option<Stored>> {
        let asked = format!("$JS.API.DIRECT.GET.{stream}.{subject}");
        let answer = self.request_raw(doing, &asked, HeaderMap::new(), Vec::new()).await?;
        match stored(&answer) {
            Some(stored) => Ok(Some(stored)),
            None if answer.status.is_some_and(|status| status.as_u16() == 404) => Ok(None),
            None => Err(self.unavailable(doing, format!("{asked}: {:?}", answer.description))),
        }
    }

    /// The first messages of a filter from a sequence on, without a hole.
    pub async fn read(
        &self,
        inbox: &mut Inbox,
        stream: &str,
        filter: &str,
        from: u64,
        at_most: usize,
    ) -> Result<Vec<Stored>> {
        let question = json!({
            "seq": from, "next_by_subj": filter, "batch": at_most.clamp(1, 1_000), "max_bytes": MAX_BATCH_OCTETS,
        });
        let reply = inbox.next_reply();
        let asked = format!("$JS.API.DIRECT.GET.{stream}");
        let payload = question.to_string().into_bytes().into();
        let published = self.client.publish_with_reply(asked, reply.clone(), payload).await;
        published.map_err(|error| self.unavailable("read", error.to_string()))?;
        let (mut found, mut last) = (Vec::new(), 0);
        loop {
            let message = self.unless_lost("read", timeout(self.timeout, inbox.subscriber.next())).await?;
            let Ok(Some(message)) = message else {
                // What came is good, as far as it goes.
                let error = || self.unavailable("read", format!("{stream}: no answer"));
                return if found.is_empty() { Err(error()) } else { Ok(found) };
            };
            if message.subject.as_str() != reply {
                // Of an earlier question.
                continue;
            }
            let Some(stored) = stored(&message) else {
                let status = message.status.map_or(0, |status| status.as_u16());
                return match status {
                    204 | 404 => Ok(found),
                    _ => {
                        Err(self.unavailable("read", format!("{stream}: {status} {:?}", message.description)))
                    }
                };
            };
            // Each names the one before it: a lost one ends what can be used.
            let before = stored.header("Nats-Last-Sequence").parse::<u64>().unwrap_or(last);
            if !found.is_empty() && before != last {
                return Ok(found);
            }
            last = stored.sequence;
            found.push(stored);
        }
    }
}

/// A message of a stream, as JetStream hands it out directly; nothing where it is a status.
fn stored(message: &Message) -> Option<Stored> {
    let headers = message.headers.clone()?;
    let sequence = headers.get("Nats-Sequence")?.as_str().parse().ok()?;
    Some(Stored { sequence, headers, payload: message.payload.to_vec() })
}

fn unavailable(place: &str, doing: &'static str, message: String) -> Error {
    Error::Unavailable { place: place.to_owned(), doing, message, source: None }
}

/// Whether TLS or a file of ours is behind an error of input and output: that does not pass.
fn is_final(error: &(dyn std::error::Error + 'static)) -> bool {
    use std::io::ErrorKind::{InvalidData, InvalidInput, NotFound, Other, PermissionDenied};
    let kind = error.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
    let is_final = |kind| [InvalidData, InvalidInput, NotFound, Other, PermissionDenied].contains(&kind);
    kind.is_some_and(is_final) || error.source().is_some_and(self::is_final)
}

/// Where answers of many messages arrive.
pub(super) struct Inbox {
    prefix: String,
    asked: u64,
    subscriber: Subscriber,
}

impl Inbox {
    pub async fn open(link: &Link) -> Result<Self> {
        let prefix = link.client.new_inbox();
        let subscriber = link.client.subscribe(format!("{prefix}.*")).await;
        let subscriber = subscriber.map_err(|error| link.unavailable("subscribe", error.to_string()))?;
        Ok(Self { prefix, asked: 0, subscriber })
    }

    pub fn next_reply(&mut self) -> String {
        self.asked += 1;
        format!("{}.{}", self.prefix, self.asked)
    }

    /// The next message that is handed over, or the status that answers to this reply subject.
    pub async fn answer(&mut self, reply: &str, until: Instant) -> Option<Message> {
        loop {
            let message = timeout_at(until, self.subscriber.next()).await.ok()??;
            // One that is handed over keeps the subject by which it was stored.
            if message.status.is_none() || message.subject.as_str() == reply {
                return Some(message);
            }
        }
    }
}

/// Waits for a word on a subject, at most so long; takes all words that are there.
pub(super) async fn wait_for_word(subscriber: &mut Subscriber, at_most: Duration) {
    if timeout(at_most, subscriber.next()).await.is_ok() {
        while subscriber.next().now_or_never().flatten().is_some() {}
    }
}

/// A subject's token for any text.
pub(super) fn token(text: &str) -> String {
    let mut token = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'.' | b'*' | b'>' | b'%' | b' ' => token.push_str(&format!("%{byte:02X}")),
            _ => token.push(char::from(byte)),
        }
    }
    token
}
