//! ASTERIX, EUROCONTROL's format for surveillance data, as tables and one strict codec that reads them.
//!
//! A **block** is a category, a length and records; a **record** is a field specification (FSPEC), which says what items
//! follow, and those items. The tables in [`tables`] say for each category of one edition which item stands where and
//! how its bits are read; nothing else in the codec knows a category.
//!
//! ```
//! use rangegate_exchange::asterix::{self, Record, tables::CAT015};
//!
//! let mut record = Record::new(CAT015);
//! record.set("010/SAC", 7_u8)?;
//! record.set("010/SIC", 9_u8)?;
//! record.set("625/R", 23_456.7)?;
//! let block = asterix::Block { category: CAT015, records: vec![record] };
//! let bytes = block.encode()?;
//! assert_eq!(asterix::decode(&bytes)?, [block]);
//! # Ok::<(), asterix::Error>(())
//! ```
//!
//! **Strict** means: what is decoded encodes to the same bytes. Refused are lengths that do not fit, spare bits and
//! items that the edition does not have, a field specification longer than it need be, a record or a compound item
//! without anything in it, characters that an alphabet does not have, times after midnight, and places that are not on
//! Earth. Numbers of enumerations that the edition reserves pass: they say less, but break nothing.
//!
//! Reference: EUROCONTROL-SPEC-0149 (Part 1, edition 3.1), and the parts named in the tables.

mod bits;
mod block;
mod covariance;
mod decode;
pub mod display;
mod encode;
mod error;
pub mod fused;
mod json;
mod record;
pub mod report;
pub mod service;
pub mod spec;
pub mod state;
pub mod tables;
pub mod time;
mod wide;

pub use block::{Block, HEADER_LEN, MAX_BLOCK_LEN, block_len, decode, decode_block};
pub use error::Error;
pub use json::{record_from_json, record_to_json};
pub use record::{Record, Typed, Value};
