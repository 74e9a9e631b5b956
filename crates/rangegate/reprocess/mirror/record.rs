//! What of an object is there: a line of JSON that says which object it is, and behind it an octet for each chunk.

use super::object::Object;
use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Bytes of a chunk: of what is marked, or not, as a whole.
const CHUNK: u64 = 1 << 20;
/// Bytes that are asked for at once at most, and lost with a process that dies meanwhile.
const MOST_AT_ONCE: u64 = 64 << 20;
/// Longest first line.
const MAX_HEAD: u64 = 64 << 10;
const MISSING: u8 = b'-';
const THERE: u8 = b'x';

/// Which object, as it was listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Head {
    size: u64,
    e_tag: Option<String>,
    chunk: u64,
}

impl Head {
    fn of(object: &Object) -> Self {
        Self { size: object.size, e_tag: object.e_tag.clone(), chunk: CHUNK }
    }
}

/// A record, opened. Several processes may mark chunks at the same time: each mark is an octet of its own, and is set
/// after its chunk is on the disk.
pub struct Record {
    path: PathBuf,
    file: File,
    head: Head,
    /// Where the octets of chunks begin.
    begin: u64,
}

impl Record {
    /// Opens a record.
    ///
    /// # Errors
    /// There is none, or it is damaged.
    pub fn open(path: &Path) -> Result<Self> {
        let cannot = || format!("cannot read {}", path.display());
        let file = File::options().read(true).write(true).open(path).with_context(cannot)?;
        let mut line = Vec::new();
        BufReader::new((&file).take(MAX_HEAD)).read_until(b'\n', &mut line).with_context(cannot)?;
        let head: Head =
            serde_json::from_slice(&line).with_context(|| format!("{} is damaged", path.display()))?;
        let begin = line.len() as u64;
        let octets = file.metadata().with_context(cannot)?.len().saturating_sub(begin);
        if head.chunk != CHUNK || octets != head.size.div_ceil(CHUNK) {
            bail!("{} is damaged: it has {octets} chunks", path.display());
        }
        Ok(Self { path: path.to_owned(), file, head, begin })
    }

    /// Whether it is of this very object.
    pub fn is_of(&self, object: &Object) -> bool {
        self.head == Head::of(object)
    }

    /// The object that it is of, by its key.
    pub fn object(&self, key: String) -> Object {
        Object { key, size: self.head.size, e_tag: self.head.e_tag.clone() }
    }

    /// What is missing of a range of bytes, in whole chunks.
    ///
    /// # Errors
    /// The record cannot be read.
    pub fn missing(&self, wanted: Range<u64>) -> Result<Vec<Range<u64>>> {
        let end = wanted.end.min(self.head.size);
        if wanted.start >= end {
            return Ok(Vec::new());
        }
        let chunks = wanted.start / CHUNK..end.div_ceil(CHUNK);
        let mut marks = vec![MISSING; (chunks.end - chunks.start) as usize];
        let mut file = &self.file;
        let read =
            file.seek(SeekFrom::Start(self.begin + chunks.start)).and_then(|_| file.read_exact(&mut marks));
        read.with_context(|| format!("cannot read {}", self.path.display()))?;
        let mut missing: Vec<Range<u64>> = Vec::new();
        for (chunk, _) in chunks.zip(marks).filter(|(_, mark)| *mark != THERE) {
            let bytes = chunk * CHUNK..((chunk + 1) * CHUNK).min(self.head.size);
            match missing.last_mut() {
                Some(last) if last.end == bytes.start && bytes.end - last.start <= MOST_AT_ONCE => {
                    last.end = bytes.end;
                }
                _ => missing.push(bytes),
            }
        }
        Ok(missing)
    }

    /// Marks what [`Record::missing`] gave as there.
    ///
    /// # Errors
    /// The record cannot be written.
    pub fn mark(&self, bytes: &Range<u64>) -> Result<()> {
        let chunks = bytes.start / CHUNK..bytes.end.div_ceil(CHUNK);
        let marks = vec![THERE; (chunks.end - chunks.start) as usize];
        let mut file = &self.file;
        let written =
            file.seek(SeekFrom::Start(self.begin + chunks.start)).and_then(|_| file.write_all(&marks));
        written.with_context(|| format!("cannot write {}", self.path.display()))
    }
}

/// The record of an object of which nothing is there.
pub fn begin(object: &Object) -> Vec<u8> {
    let mut text = serde_json::to_vec(&Head::of(object)).unwrap_or_default();
    text.push(b'\n');
    text.resize(text.len() + object.size.div_ceil(CHUNK) as usize, MISSING);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_marked_is_not_missing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("record");
        let object = Object { key: "a".to_owned(), size: 150 * CHUNK + 5, e_tag: Some("\"x\"".to_owned()) };
        std::fs::write(&path, begin(&object)).unwrap();
        let (one, other) = (Record::open(&path).unwrap(), Record::open(&path).unwrap());
        assert_eq!(one.missing(3..4).unwrap().first(), Some(&(0..CHUNK)));
        assert_eq!(one.missing(0..1 << 60).unwrap().len(), 3);
        one.mark(&(CHUNK..3 * CHUNK)).unwrap();
        other.mark(&(150 * CHUNK..150 * CHUNK + 5)).unwrap();
        assert_eq!(other.missing(0..4 * CHUNK).unwrap(), [0..CHUNK, 3 * CHUNK..4 * CHUNK]);
        assert!(one.missing(150 * CHUNK..151 * CHUNK).unwrap().is_empty());
        assert!(one.is_of(&object));
        assert!(!one.is_of(&Object { e_tag: Some("\"y\"".to_owned()), ..object }));
    }
}
