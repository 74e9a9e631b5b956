//! Memory maps: the only unsafe code of this crate, one call.
//!
//! # What is promised and what is not
//!
//! Rust wants the bytes behind a `&[u8]` to stay as they are, and a mapped file cannot promise that: any
//! process may write to it or cut it short while it is read. What then happens is known:
//!
//! * Somebody overwrites samples: they are read in the old or the new state. Only numbers are ever read from
//!   the map, and every bit pattern is a number, so results are wrong and nothing worse.
//! * Somebody truncates the file: touching a page past its new end raises `SIGBUS`, which ends the process.
//!
//! Recordings are archives, so this is the better trade; whoever reads a file that is still changing sets
//! [`OpenOptions::no_mmap`](crate::OpenOptions::no_mmap), and a cut file is then an ordinary error.
#![allow(unsafe_code)]

use crate::error::{Error, Result};
use memmap2::Mmap;
use rangegate_core::ByteSource;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

/// A file in memory, read-only.
pub struct Mapping(Mmap);

impl Mapping {
    /// Maps the whole file at `path`. `Ok(None)` where that is not possible (an empty file, a pipe, a file
    /// larger than the address space, a file system that cannot), so that the caller reads instead.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn open(path: &Path) -> Result<Option<Arc<dyn ByteSource>>> {
        let metadata = std::fs::metadata(path).map_err(|error| Error::io(path, "open", error))?;
        if !metadata.is_file() {
            return Ok(None); // opening a pipe would wait for its writer
        }
        let file = File::open(path).map_err(|error| Error::io(path, "open", error))?;
        Ok(Self::of(&file))
    }

    /// Maps the whole of an open file, or says that it cannot be mapped.
    pub fn of(file: &File) -> Option<Arc<dyn ByteSource>> {
        if file.metadata().ok()?.len() == 0 {
            return None;
        }
        // SAFETY: the map is read-only and private to this value, lives as long as every slice of it (they
        // borrow from `self`), and no Rust code of this process writes to a file it has mapped. That other
        // processes may is the contract above: the bytes are only read as plain numbers.
        let map = unsafe { Mmap::map(file) }.ok()?;
        #[cfg(unix)]
        let _ = map.advise(memmap2::Advice::Sequential); // advice: a refusal changes nothing
        Some(Arc::new(Self(map)))
    }
}

impl ByteSource for Mapping {
    fn bytes(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_mapped_is_left_to_reading() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        std::fs::write(&path, b"").unwrap();
        assert!(Mapping::open(&path).unwrap().is_none());
        assert!(Mapping::open(folder.path()).unwrap().is_none());
        std::fs::write(&path, b"abc").unwrap();
        assert_eq!(Mapping::open(&path).unwrap().unwrap().bytes(), b"abc");
        assert!(Mapping::open(&folder.path().join("y")).is_err());
    }
}
