//! The header of a `.npy` file: a dictionary in Python's notation, padded, before the array's bytes.

use crate::flat::open_file;
use crate::{Error, Result};
use std::io::Read;
use std::path::Path;

/// What every `.npy` file begins with.
pub(super) const MAGIC: [u8; 6] = *b"\x93NUMPY";
/// Longer headers are refused; NumPy itself refuses to evaluate more than 10,000 bytes.
const MAX_HEADER: usize = 1 << 16;
/// Axes that NumPy allows.
const MAX_AXES: usize = 64;
/// Brackets within brackets that are followed.
const MAX_DEPTH: usize = 8;

/// What a header says.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Header {
    /// Type of an element.
    pub descr: Descr,
    /// The first axis is the fastest.
    pub fortran_order: bool,
    /// Length of each axis.
    pub shape: Vec<usize>,
    /// Where the first element stands in the file.
    pub data_byte: u64,
}

/// The type of an element.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Descr {
    /// One number, as `<c16`.
    Number(String),
    /// Named fields with the type of each.
    Fields(Vec<(String, String)>),
}

impl Header {
    /// Reads the header of a file.
    ///
    /// # Errors
    /// The file cannot be read, or this is no such header.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let mut start = Vec::new();
        // A version, a length and the longest header that is taken.
        let most = (MAX_HEADER + 12) as u64;
        let file = open_file(path)?;
        file.take(most).read_to_end(&mut start).map_err(|error| Error::io(path, "read the header", error))?;
        Self::parse(&start).map_err(|message| Error::new(path, message))
    }

    /// Parses the start of a file.
    fn parse(start: &[u8]) -> Result<Self, String> {
        if start.get(..6) != Some(&MAGIC) {
            return Err("is no .npy file: it does not begin with \\x93NUMPY".to_owned());
        }
        let cut = || format!("ends within its header, after {} bytes", start.len());
        let version = *start.get(6).ok_or_else(cut)?;
        let (len, begin) = match version {
            1 => {
                let bytes = start.get(8..10).ok_or_else(cut)?;
                (usize::from(bytes[0]) | usize::from(bytes[1]) << 8, 10)
            }
            2 | 3 => {
                let bytes = start.get(8..12).ok_or_else(cut)?;
                (bytes.iter().rev().fold(0, |n, &byte| n << 8 | usize::from(byte)), 12)
            }
            other => return Err(format!("field 'version' is {other}, expected 1, 2 or 3")),
        };
        if len > MAX_HEADER {
            return Err(format!("field 'header length' is {len}, expected at most {MAX_HEADER} bytes"));
        }
        let text = start.get(begin..begin + len).ok_or_else(cut)?;
        Self::from_dictionary(text, (begin + len) as u64)
    }

    fn from_dictionary(text: &[u8], data_byte: u64) -> Result<Self, String> {
        let wrong = |field: &str, found: Option<&Literal>, expected: &str| {
            let found = found.map_or_else(|| "missing".to_owned(), |value| value.to_string());
            format!("field '{field}' is {found}, expected {expected}")
        };
        let Some(Literal::Dictionary(entries)) = Parser::parse(text) else {
            let shown: String = String::from_utf8_lossy(text).chars().take(80).collect();
            return Err(format!("header is '{}', expected a Python dictionary", shown.escape_debug()));
        };
        let entry = |name: &str| entries.iter().find(|(key, _)| key == name).map(|(_, value)| value);
        let descr = match entry("descr") {
            Some(Literal::Text(text)) => Descr::Number(text.clone()),
            Some(Literal::List(list)) => {
                let fields = list.iter().map(Literal::field).collect::<Option<Vec<_>>>();
                Descr::Fields(
                    fields.ok_or_else(|| wrong("descr", entry("descr"), "fields with a name and a type"))?,
                )
            }
            other => return Err(wrong("descr", other, "a type such as '<c8'")),
        };
        let fortran_order = match entry("fortran_order") {
            Some(Literal::Bool(value)) => *value,
            other => return Err(wrong("fortran_order", other, "True or False")),
        };
        let shape = match entry("shape") {
            Some(Literal::List(list)) if list.len() <= MAX_AXES => {
                list.iter().map(Literal::length).collect::<Option<Vec<_>>>()
            }
            _ => None,
        };
        let shape =
            shape.ok_or_else(|| wrong("shape", entry("shape"), "a tuple of lengths such as (128, 256)"))?;
        Ok(Self { descr, fortran_order, shape, data_byte })
    }
}

/// A value in Python's notation, as far as headers need it. Tuples are lists.
#[derive(Clone, Debug, PartialEq)]
enum Literal {
    Text(String),
    Bool(bool),
    Integer(u64),
    List(Vec<Literal>),
    Dictionary(Vec<(String, Literal)>),
}

impl Literal {
    fn length(&self) -> Option<usize> {
        if let Self::Integer(n) = self { usize::try_from(*n).ok() } else { None }
    }

    /// A field of a structured type without a shape of its own.
    fn field(&self) -> Option<(String, String)> {
        match self {
            Self::List(pair) => match pair.as_slice() {
                [Self::Text(name), Self::Text(number)] => Some((name.clone(), number.clone())),
                _ => None,
            },
            _ => None,
        }
    }
}

impl std::fmt::Display for Literal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(text) => write!(f, "'{}'", text.chars().take(40).collect::<String>().escape_debug()),
            Self::Bool(value) => write!(f, "{}", if *value { "True" } else { "False" }),
            Self::Integer(n) => n.fmt(f),
            Self::List(list) => write!(f, "a list of {}", list.len()),
            Self::Dictionary(_) => f.write_str("a dictionary"),
        }
    }
}

struct Parser<'a> {
    rest: &'a [u8],
}

impl<'a> Parser<'a> {
    /// The whole text as one value; `None` where it is none.
    fn parse(text: &'a [u8]) -> Option<Literal> {
        let mut parser = Parser { rest: text };
        let value = parser.value(0)?;
        parser.peek().is_none().then_some(value)
    }

    /// The next byte that is no white space, which stays where it is.
    fn peek(&mut self) -> Option<u8> {
        self.rest = self.rest.trim_ascii_start();
        self.rest.first().copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        if found {
            self.rest = &self.rest[1..];
        }
        found
    }

    fn value(&mut self, depth: usize) -> Option<Literal> {
        match self.peek()? {
            _ if depth > MAX_DEPTH => None,
            b'\'' | b'"' => self.text().map(Literal::Text),
            b'(' | b'[' => self.list(depth),
            b'{' => self.dictionary(depth),
            b'0'..=b'9' => self.integer(),
            _ => {
                for (word, value) in [("True", true), ("False", false)] {
                    if let Some(rest) = self.rest.strip_prefix(word.as_bytes()) {
                        self.rest = rest;
                        return Some(Literal::Bool(value));
                    }
                }
                None
            }
        }
    }

    fn text(&mut self) -> Option<String> {
        let (&quote, rest) = self.rest.split_first()?;
        let end = rest.iter().position(|&byte| byte == quote)?;
        let text = std::str::from_utf8(&rest[..end]).ok().filter(|text| !text.contains('\\'))?;
        self.rest = &rest[end + 1..];
        Some(text.to_owned())
    }

    fn integer(&mut self) -> Option<Literal> {
        let n_digits = self.rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (digits, rest) = self.rest.split_at(n_digits);
        // Python 2 wrote long integers with an L.
        self.rest = rest.strip_prefix(b"L").unwrap_or(rest);
        std::str::from_utf8(digits).ok()?.parse().ok().map(Literal::Integer)
    }

    fn list(&mut self, depth: usize) -> Option<Literal> {
        let close = if self.rest[0] == b'(' { b')' } else { b']' };
        self.rest = &self.rest[1..];
        let mut list = Vec::new();
        while !self.take(close) {
            list.push(self.value(depth + 1)?);
            if !self.take(b',') && self.peek() != Some(close) {
                return None;
            }
        }
        Some(Literal::List(list))
    }

    fn dictionary(&mut self, depth: usize) -> Option<Literal> {
        self.rest = &self.rest[1..];
        let mut entries = Vec::new();
        while !self.take(b'}') {
            let Literal::Text(key) = self.value(depth + 1)? else { return None };
            if !self.take(b':') {
                return None;
            }
            entries.push((key, self.value(depth + 1)?));
            if !self.take(b',') && self.peek() != Some(b'}') {
                return None;
            }
        }
        Some(Literal::Dictionary(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(version: u8, text: &str) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend([version, 0]);
        let len = (text.len() as u32).to_le_bytes();
        bytes.extend(if version == 1 { &len[..2] } else { &len[..] });
        bytes.extend(text.as_bytes());
        bytes
    }

    #[test]
    fn all_versions_and_ways_of_writing_are_read() {
        let texts = [
            "{'descr': '<c16', 'fortran_order': False, 'shape': (128, 256), }      \n",
            "{\"shape\":(128L,256L),\"descr\":\"<c16\",\"fortran_order\":False}",
        ];
        for version in 1..=3 {
            for text in texts {
                let parsed = Header::parse(&header(version, text)).unwrap();
                assert_eq!(parsed.descr, Descr::Number("<c16".to_owned()));
                assert_eq!((parsed.shape, parsed.fortran_order), (vec![128, 256], false));
                assert_eq!(parsed.data_byte, if version == 1 { 10 } else { 12 } + text.len() as u64);
            }
        }
        let fields = "{'descr': [('r', '<i2'), ('i', '<i2')], 'fortran_order': True, 'shape': (), }";
        let parsed = Header::parse(&header(1, fields)).unwrap();
        let field = |name: &str| (name.to_owned(), "<i2".to_owned());
        assert_eq!(parsed.descr, Descr::Fields(vec![field("r"), field("i")]));
        assert!(parsed.fortran_order && parsed.shape.is_empty());
    }

    #[test]
    fn what_is_wrong_is_named() {
        let good = "{'descr': '<c8', 'fortran_order': False, 'shape': (4,), }";
        for (from, to, expected) in [
            ("descr", "desc", "'descr' is missing"),
            ("'<c8'", "8", "'descr' is 8"),
            ("False", "0", "'fortran_order' is 0"),
            ("(4,)", "4", "'shape' is 4"),
            ("(4,)", "(-4,)", "dictionary"),
            ("(4,)", "(99999999999999999999,)", "dictionary"),
            ("(4,)", "((((((((((((4,),),),),),),),),),),),)", "dictionary"),
            ("}", "", "dictionary"),
        ] {
            let message = Header::parse(&header(1, &good.replace(from, to))).unwrap_err();
            assert!(message.contains(expected), "{to}: {message}");
        }
        assert!(Header::parse(b"RIFF").unwrap_err().contains("NUMPY"));
        assert!(Header::parse(&header(4, good)).unwrap_err().contains("'version' is 4"));
        assert!(
            Header::parse(&[&MAGIC[..], &[2, 0, 255, 255, 255, 255]].concat())
                .unwrap_err()
                .contains("at most")
        );
    }
}
