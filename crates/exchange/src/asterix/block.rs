//! Blocks: a category, a length, records.

use crate::asterix::decode::{self, Cursor};
use crate::asterix::spec::Category;
use crate::asterix::tables::{CATEGORIES, category};
use crate::asterix::{Error, Record, encode};

/// Octets before the first record: the category, and the length in two octets.
pub const HEADER_LEN: usize = 3;
/// Octets of a block at most, header included.
pub const MAX_BLOCK_LEN: usize = 65_535;

/// Records of one category.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// The category of every record.
    pub category: &'static Category,
    /// One record at least.
    pub records: Vec<Record>,
}

impl Block {
    /// The octets of the block.
    ///
    /// # Errors
    /// It has no records, one of another category, a value that does not fit its item, or more than 65,535 octets.
    pub fn encode(&self) -> Result<Vec<u8>, Error> {
        let mut out = Vec::new();
        self.encode_into(&mut out)?;
        Ok(out)
    }

    /// Appends the octets of the block; where there is an error, nothing.
    ///
    /// # Errors
    /// As [`encode`](Self::encode).
    pub fn encode_into(&self, out: &mut Vec<u8>) -> Result<(), Error> {
        let start = out.len();
        let result = self.append(out, start);
        if result.is_err() {
            out.truncate(start);
        }
        result.map_err(|error| error.in_category(self.category.number))
    }

    fn append(&self, out: &mut Vec<u8>, start: usize) -> Result<(), Error> {
        out.extend([self.category.number, 0, 0]);
        for record in &self.records {
            if record.category() != self.category {
                let found = format!("a record of category {:03}", record.category().number);
                return Err(Error::new(found, format!("category {:03}", self.category.number)));
            }
            encode::record(out, record)?;
        }
        let len = out.len() - start;
        if self.records.is_empty() {
            return Err(Error::new("no records", "one at least"));
        }
        let Ok(len) = u16::try_from(len) else {
            return Err(Error::new(format!("a block of {len} octets"), format!("{MAX_BLOCK_LEN} at most")));
        };
        out[start + 1..start + HEADER_LEN].copy_from_slice(&len.to_be_bytes());
        Ok(())
    }
}

/// Octets of the block that begins with this header, which itself is among them.
///
/// # Errors
/// There is no table for the category, or the block could not hold a record. `offset` is where the header lies.
pub fn block_len(header: [u8; HEADER_LEN], offset: u64) -> Result<(&'static Category, usize), Error> {
    let [number, high, low] = header;
    let Some(category) = category(number) else {
        let known: Vec<String> = CATEGORIES.iter().map(|known| format!("{:03}", known.number)).collect();
        return Err(Error::new(format!("category {number:03}"), known.join(", ")).at(offset));
    };
    let len = usize::from(u16::from_be_bytes([high, low]));
    // A field specification and an octet of an item are the least that a record has.
    if len < HEADER_LEN + 2 {
        return Err(Error::new(format!("a block of {len} octets"), format!("{} at least", HEADER_LEN + 2))
            .in_category(number)
            .at(offset + 1));
    }
    Ok((category, len))
}

/// The block that the octets begin with, and how many octets it has. `offset` is where they lie in the input, for
/// errors.
///
/// # Errors
/// The block is not as the edition says, or not whole.
pub fn decode_block(octets: &[u8], offset: u64) -> Result<(Block, usize), Error> {
    let Some(&header) = octets.first_chunk::<HEADER_LEN>() else {
        return Err(Error::new(format!("{} octets", octets.len()), "a block's header of 3 octets").at(offset));
    };
    let (category, len) = block_len(header, offset)?;
    let Some(body) = octets.get(HEADER_LEN..len) else {
        return Err(Error::new(format!("{} octets", octets.len()), format!("a block of {len} octets"))
            .in_category(category.number)
            .at(offset));
    };
    let mut cursor = Cursor::new(body, offset + HEADER_LEN as u64);
    let mut records = Vec::new();
    while !cursor.is_empty() {
        let start = cursor.offset();
        let record = decode::record(&mut cursor, category);
        records.push(record.map_err(|error| error.in_category(category.number).at(start))?);
    }
    Ok((Block { category, records }, len))
}

/// All blocks of a datagram or a file: octets that are blocks and nothing else.
///
/// # Errors
/// A block is not as its edition says, or not whole.
pub fn decode(octets: &[u8]) -> Result<Vec<Block>, Error> {
    let (mut blocks, mut at) = (Vec::new(), 0);
    while at < octets.len() {
        let (block, len) = decode_block(&octets[at..], at as u64)?;
        blocks.push(block);
        at += len;
    }
    Ok(blocks)
}
