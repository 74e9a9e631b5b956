//! The envelope: what ASTERIX lacks, before blocks of it.
//!
//! ASTERIX knows the time of day to 1/128 s, no date, no order and no sender's life. An envelope is 40 octets, most
//! significant first, and the blocks:
//!
//! | octets | what |
//! |---|---|
//! | 0 to 3 | `RGE` and the version, 1 |
//! | 4 to 7 | octets of the blocks, at most 262,144 |
//! | 8 to 15 | boot: a number that the sender drew when it started |
//! | 16 to 23 | sequence: counts the boot's envelopes from 0 |
//! | 24 to 27 | version of the contract under which it is shared |
//! | 28 | what follows: 0 blocks, 1 a JSON document in their place, for what ASTERIX has no category |
//! | 29 to 31 | zero |
//! | 32 to 39 | time, ns since 1970 UTC, in two's complement |
//!
//! The time is that of the reports within: it gives their date, and to those that hold the same tick of 1/128 s their
//! full time ([`Envelope::time_of`]). (boot, sequence) never comes twice and orders what a sender sent; a track is
//! (owner, station, boot, number), as track numbers come back. Who the sender is says the connection, which is
//! authenticated, not the envelope.

use crate::asterix::{self, Block, Error, time};
use rangegate_core::Timestamp;

/// Version that is written, and the only one that is read.
pub const ENVELOPE_VERSION: u8 = 1;
/// Octets before the blocks.
pub const ENVELOPE_LEN: usize = 40;
/// Octets of blocks at most.
pub const MAX_BLOCKS_LEN: usize = 262_144;
/// What an envelope begins with; no category that Rangegate speaks has the number of its first letter.
pub const MAGIC: [u8; 3] = *b"RGE";

/// Blocks, and what ASTERIX does not say of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Envelope {
    /// Number that the sender drew when it started.
    pub boot: u64,
    /// Counts the boot's envelopes.
    pub sequence: u64,
    /// Version of the contract under which it is shared.
    pub contract_version: u32,
    /// Time of the reports.
    pub time: Timestamp,
    /// The reports.
    pub blocks: Vec<Block>,
    /// A JSON document, where there are no blocks.
    pub document: Option<String>,
}

impl Envelope {
    /// The octets.
    ///
    /// # Errors
    /// A block is none, there is too much of them, or the time is beyond the year 2262.
    pub fn encode(&self) -> Result<Vec<u8>, Error> {
        let Ok(time_ns) = i64::try_from(self.time.as_nanosecond()) else {
            return Err(Error::new(self.time.to_string(), "a time from 1677 to 2262"));
        };
        let mut out = vec![0; ENVELOPE_LEN];
        for block in &self.blocks {
            block.encode_into(&mut out)?;
        }
        if let Some(document) = &self.document {
            if !self.blocks.is_empty() {
                return Err(Error::new("blocks and a document", "one of them"));
            }
            out.extend_from_slice(document.as_bytes());
            out[28] = 1;
        }
        let len = out.len() - ENVELOPE_LEN;
        if len > MAX_BLOCKS_LEN {
            return Err(Error::new(format!("{len} octets of blocks"), format!("{MAX_BLOCKS_LEN} at most")));
        }
        out[..3].copy_from_slice(&MAGIC);
        out[3] = ENVELOPE_VERSION;
        out[4..8].copy_from_slice(&(len as u32).to_be_bytes());
        out[8..16].copy_from_slice(&self.boot.to_be_bytes());
        out[16..24].copy_from_slice(&self.sequence.to_be_bytes());
        out[24..28].copy_from_slice(&self.contract_version.to_be_bytes());
        out[32..40].copy_from_slice(&time_ns.to_be_bytes());
        Ok(out)
    }

    /// The envelope that the octets begin with, and how many octets it has; `offset` is where they lie, for errors.
    ///
    /// # Errors
    /// It is of another version, not whole, or its blocks are not as their editions say.
    pub fn decode(octets: &[u8], offset: u64) -> Result<(Self, usize), Error> {
        let Some(header) = octets.first_chunk::<ENVELOPE_LEN>() else {
            return Err(
                Error::new(format!("{} octets", octets.len()), "an envelope of 40 and its blocks").at(offset)
            );
        };
        let word =
            |at: usize| header[at..at + 8].iter().fold(0_u64, |word, &octet| word << 8 | u64::from(octet));
        let len = envelope_len(header, offset)?;
        let Some(body) = octets.get(ENVELOPE_LEN..len) else {
            return Err(
                Error::new(format!("{} octets", octets.len()), format!("an envelope of {len}")).at(offset)
            );
        };
        if word(24) & 0xff_ffff != 0 {
            return Err(Error::new("spare octets set", "zeros").at(offset + 29));
        }
        let time_ns = i128::from(word(32) as i64);
        let time = Timestamp::from_nanosecond(time_ns)
            .map_err(|_| Error::new(format!("{time_ns} ns"), "a time").at(offset + 32))?;
        let contract_version = (word(24) >> 32) as u32;
        let (boot, sequence) = (word(8), word(16));
        let (blocks, document) = read_body(header[28], body, offset)?;
        Ok((Self { boot, sequence, contract_version, time, blocks, document }, len))
    }

    /// Time of a report within that has this time of day.
    pub fn time_of(&self, time_of_day_s: f64) -> Timestamp {
        time::timestamp(time_of_day_s, self.time)
    }
}

/// What follows the header.
fn read_body(holds: u8, body: &[u8], offset: u64) -> Result<(Vec<Block>, Option<String>), Error> {
    let body_at = offset + ENVELOPE_LEN as u64;
    match holds {
        0 => {
            let (mut blocks, mut at) = (Vec::new(), 0);
            while at < body.len() {
                let (block, n) = asterix::decode_block(&body[at..], body_at + at as u64)?;
                blocks.push(block);
                at += n;
            }
            Ok((blocks, None))
        }
        1 => match std::str::from_utf8(body) {
            Ok(text) => Ok((Vec::new(), Some(text.to_owned()))),
            Err(error) => {
                Err(Error::new("octets that are no UTF-8", "text").at(body_at + error.valid_up_to() as u64))
            }
        },
        other => Err(Error::new(other.to_string(), "0 (blocks) or 1 (a document)").at(offset + 28)),
    }
}

/// Octets of the envelope that begins with this header, which itself is among them.
///
/// # Errors
/// It is no envelope, of another version, or too long.
pub fn envelope_len(header: &[u8; ENVELOPE_LEN], offset: u64) -> Result<usize, Error> {
    if !header.starts_with(&MAGIC) {
        return Err(
            Error::new(format!("{:02X?}", &header[..3]), "an envelope, which begins with RGE").at(offset)
        );
    }
    if header[3] != ENVELOPE_VERSION {
        let expected = format!("version {ENVELOPE_VERSION}");
        return Err(Error::new(format!("an envelope of version {}", header[3]), expected).at(offset + 3));
    }
    let len = header[4..8].iter().fold(0_usize, |len, &octet| len << 8 | usize::from(octet));
    if len > MAX_BLOCKS_LEN {
        return Err(
            Error::new(format!("{len} octets of blocks"), format!("{MAX_BLOCKS_LEN} at most")).at(offset + 4)
        );
    }
    Ok(ENVELOPE_LEN + len)
}

#[cfg(test)]
mod tests {
    use super::Envelope;
    use crate::asterix::report::DataSource;
    use crate::asterix::{Block, service, tables::CAT247, time};

    fn envelope() -> Envelope {
        let time = "2026-11-22T23:59:59.999123456Z".parse().expect("a time");
        let record =
            service::editions(DataSource { sac: 1, sic: 2 }, time::time_of_day_s(time)).expect("a record");
        let blocks = vec![Block { category: CAT247, records: vec![record] }];
        Envelope { boot: u64::MAX - 1, sequence: 7, contract_version: 3, time, blocks, document: None }
    }

    #[test]
    fn an_envelope_comes_back_with_its_full_time() {
        let sent = envelope();
        let octets = sent.encode().expect("encodes");
        let (received, len) = Envelope::decode(&octets, 0).expect("decodes");
        assert_eq!((&received, len), (&sent, octets.len()));
        let time_of_day_s = received.blocks[0].records[0].quantity("140").expect("a time of day");
        assert_eq!(received.time_of(time_of_day_s), sent.time);
        service::check_editions(&received.blocks[0].records[0]).expect("the same editions");
    }

    #[test]
    fn a_document_comes_back() {
        let sent = Envelope { blocks: Vec::new(), document: Some("{\"é\":1}".to_owned()), ..envelope() };
        let octets = sent.encode().expect("encodes");
        assert_eq!(Envelope::decode(&octets, 0).expect("decodes"), (sent.clone(), octets.len()));
        assert!(Envelope { document: sent.document, ..envelope() }.encode().is_err());
        let mut damaged = octets;
        damaged[super::ENVELOPE_LEN + 2] = 0xff;
        assert!(Envelope::decode(&damaged, 0).is_err());
    }

    #[test]
    fn every_shorter_envelope_and_every_other_header_is_refused() {
        let octets = envelope().encode().expect("encodes");
        for len in 0..octets.len() {
            assert!(Envelope::decode(&octets[..len], 0).is_err(), "{len} octets");
        }
        for at in (0..8).chain(28..32) {
            for bit in 0..8 {
                let mut damaged = octets.clone();
                damaged[at] ^= 1 << bit;
                assert!(Envelope::decode(&damaged, 0).is_err(), "octet {at}, bit {bit}");
            }
        }
    }
}
