//! What travels: reports of one time in a signed envelope.

use crate::{Error, Result};
pub use rangegate_contract::Kind;
use rangegate_contract::{KeyPair, sign_message};
use rangegate_core::Timestamp;
use rangegate_engine::Message;
use rangegate_exchange::asterix::spec::Category;
use rangegate_exchange::asterix::{Block, Record};
use rangegate_exchange::envelope::Envelope;
use std::sync::Arc;

/// The kind of a subject, `KIND` or `ORIGIN.KIND`.
fn kind_of(subject: &str) -> Option<Kind> {
    Kind::from_name(subject.rsplit('.').next()?)
}

/// Records of one block at most: a record of a track takes 150 octets or so, a block 65,535 at most.
const BLOCK_RECORDS: usize = 200;
/// Records of one message at most, so that it stays below 256 kB.
const MESSAGE_RECORDS: usize = 800;

/// Signs what a station or a centre says, one message after the other.
pub struct Voice {
    origin: String,
    key: Arc<KeyPair>,
    boot: u64,
    sequence: u64,
    contract_version: u32,
}

impl Voice {
    /// A voice of this name that never spoke before; `boot` must be greater than that of any before it.
    pub fn new(origin: &str, key: Arc<KeyPair>, boot: u64, contract_version: u32) -> Self {
        Self { origin: origin.to_owned(), key, boot, sequence: 0, contract_version }
    }

    /// The number that it drew when it began.
    pub fn boot(&self) -> u64 {
        self.boot
    }

    /// Records of one category and time, as messages: one where they fit, also where there are none.
    ///
    /// # Errors
    /// A record cannot be encoded.
    pub fn records(
        &mut self,
        kind: Kind,
        time: Timestamp,
        category: &'static Category,
        records: Vec<Record>,
    ) -> Result<Vec<Message>> {
        let mut messages = Vec::new();
        let mut records = records.into_iter().peekable();
        while messages.is_empty() || records.peek().is_some() {
            let mut blocks = Vec::new();
            while records.peek().is_some() && blocks.len() * BLOCK_RECORDS < MESSAGE_RECORDS {
                let records = records.by_ref().take(BLOCK_RECORDS).collect();
                blocks.push(Block { category, records });
            }
            messages.push(self.message(kind, time, blocks, None)?);
        }
        Ok(messages)
    }

    /// A document as a message.
    ///
    /// # Errors
    /// It is too long.
    pub fn document(&mut self, kind: Kind, time: Timestamp, document: String) -> Result<Message> {
        self.message(kind, time, Vec::new(), Some(document))
    }

    fn message(
        &mut self,
        kind: Kind,
        time: Timestamp,
        blocks: Vec<Block>,
        document: Option<String>,
    ) -> Result<Message> {
        let Self { origin, boot, sequence, contract_version, .. } = self;
        let envelope = Envelope {
            boot: *boot,
            sequence: *sequence,
            contract_version: *contract_version,
            time,
            blocks,
            document,
        };
        let id = message_id(origin, *boot, *sequence);
        let payload = sign_message(origin, &self.key, &envelope.encode()?);
        *sequence += 1;
        Ok(Message { id, subject: kind.name().to_owned(), time_ns: time_ns(time), payload })
    }
}

/// The id of a message, the same wherever it goes.
pub fn message_id(origin: &str, boot: u64, sequence: u64) -> String {
    format!("{origin}/{boot}/{sequence}")
}

/// Nanoseconds since 1970, as far as 64 bits hold them.
pub fn time_ns(time: Timestamp) -> i64 {
    i64::try_from(time.as_nanosecond()).unwrap_or(if time.as_second() < 0 { i64::MIN } else { i64::MAX })
}

/// What a message that was let in says.
#[derive(Clone, Debug)]
pub struct Heard {
    /// Who said it first.
    pub origin: String,
    /// What it holds.
    pub kind: Kind,
    /// Its envelope.
    pub envelope: Envelope,
}

impl Heard {
    /// The message of a stream `from`, whose signature was checked.
    ///
    /// # Errors
    /// It is no envelope, of no kind, or not the one that its id says.
    pub fn read(origin: &str, message: &Message, envelope: &[u8]) -> Result<Self> {
        let Some(kind) = kind_of(&message.subject) else {
            return Err(Error::Message(format!("of no kind: {:?}", message.subject)));
        };
        let (envelope, len) = Envelope::decode(envelope, 0)?;
        let expected = message_id(origin, envelope.boot, envelope.sequence);
        if message.id != expected {
            return Err(Error::Message(format!("its id is {:?}, its envelope's {expected:?}", message.id)));
        }
        if len + 64 != message.payload.len() {
            return Err(Error::Message("octets behind the envelope".to_owned()));
        }
        Ok(Self { origin: origin.to_owned(), kind, envelope })
    }

    /// Its records, one by one.
    pub fn records(&self) -> impl Iterator<Item = &Record> {
        self.envelope.blocks.iter().flat_map(|block| &block.records)
    }
}
