//! The HDF5 library, with errors that name the file.

use crate::{Error, Result};
use hdf5::{File, FileBuilder};
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

/// Chunks of one dataset that the library may keep decompressed. Only what is read is kept.
const CHUNK_CACHE_BYTES: usize = 32 << 20;
/// Larger chunks are not decompressed.
const MAX_CHUNK_BYTES: usize = 1 << 30;
/// Slots of that cache, a prime well above the number of chunks in it.
const CHUNK_CACHE_SLOTS: usize = 12_289;

const SIGNATURE: [u8; 8] = *b"\x89HDF\r\n\x1a\n";

/// Where the HDF5 signature stands in a file: at byte 0, or after a user block at 512, 1024, 2048, …
pub(crate) fn signature_offset(path: &Path) -> std::io::Result<Option<u64>> {
    let mut file = std::fs::File::open(path)?;
    if !file.metadata()?.is_file() {
        return Ok(None);
    }
    let mut offset = 0;
    loop {
        let mut found = [0; 8];
        file.seek(SeekFrom::Start(offset))?;
        match file.read_exact(&mut found) {
            Ok(()) if found == SIGNATURE => return Ok(Some(offset)),
            Ok(()) => offset = if offset == 0 { 512 } else { offset * 2 },
            Err(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(None),
            Err(e) => return Err(e),
        }
    }
}

/// Opens a file for reading.
///
/// # Errors
/// It is not there, may not be read, is not HDF5, or is damaged.
pub(crate) fn open_file(path: &Path) -> Result<File> {
    match signature_offset(path) {
        Err(e) => return Err(Error::io(path, "open", e)),
        Ok(None) => {
            let message = "this is not an HDF5 file: expected the HDF5 signature at byte 0, 512, 1024, …";
            return Err(Error::new(path, message));
        }
        Ok(Some(_)) => {}
    }
    open_with_cache(path, CHUNK_CACHE_BYTES)
}

/// How files are opened and created: without locks. Digital RF needs none, because a file appears under its name
/// when it is complete; read-only and network file systems often refuse them; and a program started meanwhile
/// would inherit them. (The setting exists from libhdf5 1.10.7 on.)
pub(crate) fn unlocked() -> FileBuilder {
    let mut builder = File::with_options();
    builder.with_fapl(|fapl| fapl.file_locking(false));
    builder
}

fn open_with_cache(path: &Path, bytes: usize) -> Result<File> {
    unlocked()
        .with_fapl(|fapl| fapl.chunk_cache(CHUNK_CACHE_SLOTS, bytes, 0.75))
        .open(path)
        .map_err(|e| failed(path, "open this HDF5 file", &e))
}

/// Opens a file to read datasets from it, with room for a chunk of each: a chunk that does not fit into the
/// library's cache is decompressed anew for every read.
///
/// # Errors
/// As [`open_file`]; or chunks are larger than this program is ready to decompress.
pub(crate) fn open_for_reading<'a>(path: &Path, datasets: impl IntoIterator<Item = &'a str>) -> Result<File> {
    let file = open_file(path)?;
    let mut largest = 0;
    for name in datasets {
        // A dataset that is not there is for the caller to tell.
        let Ok(dataset) = file.dataset(name) else { continue };
        let (Some(chunk), false) = (dataset.chunk(), dataset.filters().is_empty()) else { continue };
        let element = dataset.dtype().map_or(1, |datatype| datatype.size());
        let bytes = chunk.iter().try_fold(element, |product, &n| product.checked_mul(n));
        match bytes {
            Some(bytes) if bytes <= MAX_CHUNK_BYTES => largest = largest.max(bytes),
            _ => {
                let expected = format!("chunks of at most {MAX_CHUNK_BYTES} bytes");
                return Err(Error::field(
                    path,
                    name,
                    format!("stored in filtered chunks of {chunk:?}"),
                    expected,
                ));
            }
        }
    }
    if largest <= CHUNK_CACHE_BYTES {
        return Ok(file);
    }
    // The size of the cache is fixed while a file is open.
    drop(file);
    open_with_cache(path, largest)
}

/// An error of the library, told as one of this crate.
pub(crate) fn failed(path: &Path, doing: &str, error: &hdf5::Error) -> Error {
    Error::new(path, format!("cannot {doing}: {}", readable(&error.to_string())))
}

/// What the library says, on one line. Of an error of the operating system only what that says: the library adds the
/// time, with a line break, and the addresses of its buffers.
fn readable(said: &str) -> String {
    const QUOTED: &str = "error message = '";
    let of_system = said.split_once(QUOTED).and_then(|(_, rest)| rest.split_once('\''));
    match of_system {
        Some((message, _)) => message.to_owned(),
        None => said.split_whitespace().collect::<Vec<_>>().join(" "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_library_says_fits_on_a_line() {
        let full = "H5Dwrite(): can't write data: file write failed: time = Sun Nov 22 10:00:00 2026\n, filename = 'a.h5', \
                    file descriptor = 5, errno = 28, error message = 'No space left on device', buf = 0x7f00aa, offset = 0";
        assert_eq!(readable(full), "No space left on device");
        assert_eq!(readable("H5Fopen(): unable to\n  open"), "H5Fopen(): unable to open");
    }
}
