//! The description of a recording that is being written.

use super::document;
use super::write::AFTER_GAP;
use crate::error::{Error, Result};
use serde_json::{Map, Value, json};
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Of a write that lies within one of these, bytes, a program that is killed has done all or nothing.
const PAGE: u64 = 4096;
/// Room for captures in a new description, bytes.
const ROOM: usize = 1 << 16;

/// A description with room for captures: spaces before the brackets that close it, which mean nothing in JSON.
///
/// A capture is written into the room where it stands, so that the document is whole at every moment, and what it
/// costs does not depend on how many there are. Where the room is used up the document is made anew, with twice as much.
pub(super) struct Growing {
    path: PathBuf,
    /// The global object as it stands in the file.
    global: String,
    file: Option<File>,
    /// Where the room begins, and where it ends.
    room: (u64, u64),
}

impl Growing {
    /// A description that has no capture yet, and no file.
    pub fn new(path: &Path, mut global: Map<String, Value>) -> Self {
        document::declare_extensions(&mut global, &[json!({ AFTER_GAP: true })]);
        let global = format!("{:#}", Value::Object(global));
        Self { path: path.to_owned(), global, file: None, room: (0, 0) }
    }

    /// Adds the last of the captures; the others are there.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn add_last(&mut self, captures: &[Value]) -> Result<()> {
        let Some(last) = captures.last() else { return Ok(()) };
        let text = format!(",\n{last}");
        let (n_bytes, (begin, end)) = (text.len() as u64, self.room);
        let left_of_page = begin.next_multiple_of(PAGE) - begin;
        let at = if n_bytes <= left_of_page { begin } else { begin + left_of_page };
        match &mut self.file {
            Some(file) if n_bytes <= PAGE && at + n_bytes <= end => {
                self.room.0 = at + n_bytes;
                let written = file.seek(SeekFrom::Start(at)).and_then(|_| file.write_all(text.as_bytes()));
                written.map_err(|error| Error::io(&self.path, "write", error))
            }
            _ => self.write_anew(captures),
        }
    }

    fn write_anew(&mut self, captures: &[Value]) -> Result<()> {
        let captures: Vec<String> = captures.iter().map(Value::to_string).collect();
        let mut text = format!("{{\n\"global\": {},\n\"captures\": [\n{}", self.global, captures.join(",\n"));
        let begin = text.len();
        let end = begin + begin.max(ROOM);
        text.push_str(&" ".repeat(end - begin));
        text.push_str("\n],\n\"annotations\": []\n}\n");
        // Some systems do not put a file in the place of one that is open.
        self.close();
        self.file = Some(document::replace(&self.path, |file| file.write_all(text.as_bytes()))?);
        self.room = (begin as u64, end as u64);
        Ok(())
    }

    /// Lets go of the file.
    pub fn close(&mut self) {
        self.file = None;
    }
}
