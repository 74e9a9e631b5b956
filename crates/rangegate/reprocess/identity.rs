//! What a recording is, so that results are not taken for those of another.

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Recordings up to this size are read as a whole.
const SMALL_BYTES: u64 = 16 << 20;
/// Of larger ones, what is read where each file begins and ends.
const END_BYTES: u64 = 64 << 10;
/// Of a folder with more files, those that are read: as many first and last ones.
const MOST_READ: usize = 32;

/// Sizes and hash of what a recording consists of.
///
/// Up to 16 MB all of it is hashed. Beyond, names and sizes of all files, and the first and last 64 kB of each (of a
/// folder: of its first and last 32): enough to tell recordings, cut ones and half-copied ones apart, and nearly free.
/// Who changes samples in the middle of a large recording in place, without its size, is not found out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Bytes in all.
    pub bytes: u64,
    /// SHA-256 of names, sizes and contents.
    pub sha256: String,
}

/// Looks at a recording.
///
/// # Errors
/// It cannot be read.
pub fn identity(path: &Path) -> Result<Identity> {
    let cannot = || format!("cannot read {}", path.display());
    let files = files(path).with_context(cannot)?;
    let bytes: u64 = files.iter().map(|(_, size)| size).sum();
    let mut hash = Sha256::new();
    let folder = if path.is_dir() { path } else { path.parent().unwrap_or(Path::new("")) };
    for (n, (file, size)) in files.iter().enumerate() {
        let name = file.strip_prefix(folder).unwrap_or(file);
        hash.update(name.as_os_str().as_encoded_bytes());
        hash.update([0]);
        hash.update(size.to_le_bytes());
        for range in read_of(&files, n, bytes) {
            content(file, range, &mut hash).with_context(cannot)?;
        }
    }
    Ok(Identity { bytes, sha256: hex(&hash.finalize()) })
}

/// What [`identity`] reads of a recording.
pub(super) fn reads(path: &Path) -> std::io::Result<Vec<(PathBuf, Range<u64>)>> {
    let files = files(path)?;
    let bytes = files.iter().map(|(_, size)| size).sum();
    let mut reads = Vec::new();
    for (n, (file, _)) in files.iter().enumerate() {
        reads.extend(read_of(&files, n, bytes).map(|range| (file.clone(), range)));
    }
    Ok(reads)
}

/// What is read of the `n`th file, where all have so many bytes: all of it, both ends, or nothing.
fn read_of(files: &[(PathBuf, u64)], n: usize, bytes: u64) -> [Range<u64>; 2] {
    let size = files[n].1;
    if bytes <= SMALL_BYTES {
        [0..size, size..size]
    } else if n < MOST_READ || n + MOST_READ >= files.len() {
        [0..size.min(END_BYTES), size.saturating_sub(END_BYTES)..size]
    } else {
        [0..0, 0..0]
    }
}

/// Octets as people write them.
pub fn hex(octets: &[u8]) -> String {
    octets.iter().fold(String::with_capacity(2 * octets.len()), |mut text, octet| {
        let _ = write!(text, "{octet:02x}");
        text
    })
}

fn content(file: &Path, bytes: Range<u64>, hash: &mut Sha256) -> std::io::Result<()> {
    let mut file = File::open(file)?;
    file.seek(SeekFrom::Start(bytes.start))?;
    std::io::copy(&mut file.take(bytes.end - bytes.start), &mut HashWriter(hash))?;
    Ok(())
}

struct HashWriter<'a>(&'a mut Sha256);

impl std::io::Write for HashWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The files of a recording with their sizes, in order of their names.
pub(super) fn files(path: &Path) -> std::io::Result<Vec<(PathBuf, u64)>> {
    let mut files = Vec::new();
    if path.is_dir() {
        walk(path, &mut files)?;
    } else {
        let other = match path.extension().and_then(|extension| extension.to_str()) {
            Some("sigmf-meta") => Some(path.with_extension("sigmf-data")),
            Some("sigmf-data") => Some(path.with_extension("sigmf-meta")),
            _ => None,
        };
        for path in other.into_iter().filter(|other| other.exists()).chain([path.to_owned()]) {
            let size = path.metadata()?.len();
            files.push((path, size));
        }
    }
    files.sort();
    Ok(files)
}

fn walk(folder: &Path, files: &mut Vec<(PathBuf, u64)>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            walk(&entry.path(), files)?;
        } else {
            files.push((entry.path(), entry.path().metadata()?.len()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cut_or_changed_is_another() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.cs16");
        for size in [1000, SMALL_BYTES as usize + 5] {
            let mut bytes = vec![7; size];
            let look = |bytes: &[u8]| {
                std::fs::write(&path, bytes).unwrap();
                identity(&path).unwrap()
            };
            let whole = look(&bytes);
            assert_eq!(whole.bytes, size as u64);
            assert_eq!(look(&bytes), whole);
            assert_ne!(look(&bytes[..size - 1]), whole);
            bytes[size - 3] = 8;
            assert_ne!(look(&bytes), whole);
        }
    }
}
