//! The checksum of a file that is being written.

use sha2::{Digest, Sha512};
use std::fs::File;
use std::io::{Error, Read, Result};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

/// Bytes that are read at a time.
const PIECE: usize = 1 << 20;
/// Pause where everything that was written has been read.
const NAP: Duration = Duration::from_millis(10);

/// Reads a file behind its writer, on a thread of its own, and sums it up.
///
/// SHA-512 takes a core at some 270 MB/s, which is what the fastest radios give: whoever writes must not wait for it. What
/// it lags behind is in the system's cache of the file, not in memory of ours.
pub(super) struct TrailingHash {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<Result<Sha512>>>,
}

#[derive(Default)]
struct Shared {
    written: AtomicU64,
    ended: AtomicBool,
    abandoned: AtomicBool,
}

impl TrailingHash {
    /// Begins with a file that was just created.
    pub(super) fn start(path: &Path) -> Result<Self> {
        let file = File::open(path)?;
        let shared = Arc::new(Shared::default());
        let seen = Arc::clone(&shared);
        let thread = Builder::new().name("rg-checksum".to_owned()).spawn(move || follow(file, &seen))?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// So many bytes are in the file, and stay as they are.
    pub(super) fn written_to(&self, bytes: u64) {
        self.shared.written.store(bytes, Ordering::Release);
    }

    /// Waits for the checksum of everything that was written.
    pub(super) fn finish(&mut self) -> Result<Sha512> {
        self.shared.ended.store(true, Ordering::Release);
        let thread = self.thread.take().ok_or_else(|| Error::other("the checksum was asked for twice"))?;
        thread.thread().unpark();
        thread.join().map_err(|_| Error::other("the thread of the checksum ended"))?
    }
}

impl Drop for TrailingHash {
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take() {
            self.shared.abandoned.store(true, Ordering::Release);
            thread.thread().unpark();
            let _ = thread.join(); // nobody asks any more
        }
    }
}

fn follow(mut file: File, shared: &Shared) -> Result<Sha512> {
    let (mut hash, mut piece, mut done) = (Sha512::new(), vec![0; PIECE], 0);
    loop {
        // In this order: what was written before the end is seen with it.
        let ended = shared.ended.load(Ordering::Acquire);
        let written = shared.written.load(Ordering::Acquire);
        if shared.abandoned.load(Ordering::Acquire) || (done == written && ended) {
            return Ok(hash);
        }
        if done == written {
            std::thread::park_timeout(NAP);
            continue;
        }
        let n = (written - done).min(PIECE as u64) as usize;
        file.read_exact(&mut piece[..n])?;
        hash.update(&piece[..n]);
        done += n as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn sums_up_what_was_said_to_be_written_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("growing");
        let mut file = File::create(&path).unwrap();
        let mut hash = TrailingHash::start(&path).unwrap();
        let mut expected = Sha512::new();
        let mut written = 0;
        for n in 0..50_u64 {
            let bytes = vec![n as u8; (n * n * 1009) as usize];
            file.write_all(&bytes).unwrap();
            expected.update(&bytes);
            written += bytes.len() as u64;
            hash.written_to(written);
        }
        file.write_all(b"a part of a block").unwrap();
        assert_eq!(hash.finish().unwrap().finalize(), expected.finalize());
    }
}
