//! Ids of messages, and how those of trimmed messages are remembered in little room.

use crate::{Error, MAX_ID, Result};

/// A message's id, `PREFIX/NUMBER`: who says it (a station and its boot), and its number there.
///
/// Any ids of this form are dedup'd exactly; those whose numbers lie close together take least room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MessageId<'a> {
    /// All before the last `/`: letters, digits and `_ - . / :`.
    pub prefix: &'a str,
    /// A decimal number below 2⁶³, without leading zeros.
    pub number: u64,
}

impl<'a> MessageId<'a> {
    /// Reads an id.
    ///
    /// # Errors
    /// It is not of that form, or longer than [`MAX_ID`]; `stream` is for the message.
    pub fn parse(stream: &str, id: &'a str) -> Result<Self> {
        let read = || {
            let (prefix, number) = id.rsplit_once('/')?;
            let is_good = |c: u8| c.is_ascii_alphanumeric() || b"_-./:".contains(&c);
            let is_canonical = number == "0" || number.starts_with(|c: char| ('1'..='9').contains(&c));
            let number: i64 = number.parse().ok()?;
            let fits = id.len() <= MAX_ID && !prefix.is_empty() && prefix.bytes().all(is_good);
            (fits && is_canonical).then_some(Self { prefix, number: number as u64 })
        };
        read().ok_or_else(|| {
            let expected = format!("PREFIX/NUMBER of at most {MAX_ID} characters of A-Z a-z 0-9 _ - . / :");
            Error::refused(stream, "message id", format!("{:?}", shortened(id)), expected)
        })
    }

    /// Which block of [`IdBlock::SIZE`] numbers it belongs to, and its place there.
    pub(crate) fn block(self) -> (u64, usize) {
        (self.number / IdBlock::SIZE, (self.number % IdBlock::SIZE) as usize)
    }
}

/// What of an input is shown in a message.
pub(crate) fn shortened(text: &str) -> String {
    text.chars().take(80).collect()
}

/// Which numbers of a block are taken: a bit each, without the zeros at the end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct IdBlock(Vec<u8>);

impl IdBlock {
    /// Numbers of a block: 4 kB when all are taken.
    pub const SIZE: u64 = 32_768;

    pub fn from_bytes(mut bytes: Vec<u8>) -> Self {
        bytes.truncate((Self::SIZE / 8) as usize);
        Self(bytes)
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub fn insert(&mut self, place: usize) {
        if self.0.len() <= place / 8 {
            self.0.resize(place / 8 + 1, 0);
        }
        self.0[place / 8] |= 1 << (place % 8);
    }

    pub fn contains(&self, place: usize) -> bool {
        self.0.get(place / 8).is_some_and(|byte| byte & (1 << (place % 8)) != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn ids_have_one_form() {
        let good = |id, prefix, number| {
            assert_eq!(MessageId::parse("s", id).unwrap(), MessageId { prefix, number });
        };
        good("south/17/4711", "south/17", 4711);
        good("a/0", "a", 0);
        good("a/9223372036854775807", "a", i64::MAX as u64);
        for bad in
            ["", "a", "/1", "a/", "a/-1", "a/+1", "a/01", "a/1x", "a/9223372036854775808", "a b/1", "ä/1"]
        {
            let error = MessageId::parse("s", bad).unwrap_err();
            assert!(error.to_string().contains("PREFIX/NUMBER"), "{bad}: {error}");
        }
        let long = format!("{}/1", "a".repeat(MAX_ID - 2));
        assert!(MessageId::parse("s", &long).is_ok());
        assert!(MessageId::parse("s", &format!("a{long}")).is_err());
    }

    #[test]
    fn a_block_is_a_set() {
        let (mut block, mut set) = (IdBlock::default(), BTreeSet::new());
        for n in 0..2_000_usize {
            let place = (n * n * 7 + n) % IdBlock::SIZE as usize;
            block.insert(place);
            set.insert(place);
        }
        let block = IdBlock::from_bytes(block.as_bytes().to_vec());
        assert!((0..IdBlock::SIZE as usize).all(|place| block.contains(place) == set.contains(&place)));
        assert!(!IdBlock::default().contains(5));
    }
}
