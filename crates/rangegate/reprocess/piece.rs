//! The file of a piece: what its segments gave, exactly.
//!
//! ```text
//!   "RGpiece1"   key of the job, 32 octets   results, postcard   their number, u64 LE   SHA-256 of all before
//! ```

use super::job::{Job, keep};
use anyhow::{Context, Result, bail};
use rangegate_dsp::chain::SegmentResult;
use sha2::{Digest, Sha256};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

const MAGIC: &[u8; 8] = b"RGpiece1";
const HEAD: usize = 8 + 32;
const TAIL: usize = 8 + 32;

/// Begins of names of files that are being written.
const UNFINISHED: &str = ".unfinished-";

/// Writes the file of a piece, which is there when it is finished.
pub struct PieceWriter {
    path: PathBuf,
    file: BufWriter<NamedTempFile>,
    hash: Sha256,
    n_results: u64,
    line: Vec<u8>,
}

impl PieceWriter {
    /// Begins the result of a job.
    ///
    /// # Errors
    /// Its folder cannot be written.
    pub fn new(job: &Job) -> Result<Self> {
        let path = job.path();
        let folder = path.parent().unwrap_or(Path::new("."));
        let make = || -> std::io::Result<NamedTempFile> {
            std::fs::create_dir_all(folder)?;
            tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(folder)
        };
        let file = make().with_context(|| format!("cannot write into {}", folder.display()))?;
        let file = BufWriter::with_capacity(1 << 20, file);
        let mut writer = Self { path, file, hash: Sha256::new(), n_results: 0, line: Vec::new() };
        writer.write(MAGIC)?;
        writer.write(&job.key())?;
        Ok(writer)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.hash.update(bytes);
        self.file.write_all(bytes).with_context(|| format!("cannot write {}", self.path.display()))
    }

    /// Appends what one segment and set gave.
    ///
    /// # Errors
    /// The disk is full.
    pub fn push(&mut self, result: &SegmentResult) -> Result<()> {
        let mut line = std::mem::take(&mut self.line);
        line.clear();
        line = postcard::to_extend(result, line).context("a result cannot be written")?;
        let written = self.write(&line);
        self.line = line;
        self.n_results += 1;
        written
    }

    /// Brings it to the disk and gives it its name.
    ///
    /// # Errors
    /// The disk is full.
    pub fn finish(mut self) -> Result<()> {
        let n_results = self.n_results.to_le_bytes();
        self.write(&n_results)?;
        let hash = std::mem::take(&mut self.hash).finalize();
        let Self { path, mut file, .. } = self;
        let finish = || -> std::io::Result<()> {
            file.write_all(&hash)?;
            let file = file.into_inner().map_err(std::io::IntoInnerError::into_error)?;
            keep(file, &path)
        };
        finish().with_context(|| format!("cannot write {}", path.display()))
    }
}

/// The file of a piece, read.
pub struct Piece {
    bytes: Vec<u8>,
    path: PathBuf,
    n_results: u64,
}

impl Piece {
    /// Reads the result of a job, if it is there.
    ///
    /// # Errors
    /// It cannot be read, or is damaged, or is another job's.
    pub fn read(job: &Job) -> Result<Option<Self>> {
        let path = job.path();
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
        };
        let is_ours = bytes.len() >= HEAD + TAIL && bytes.starts_with(MAGIC) && bytes[8..HEAD] == job.key();
        if !is_ours {
            bail!("{} is not the piece that its name says", path.display());
        }
        let (said, hash) = bytes.split_at(bytes.len() - 32);
        if Sha256::digest(said)[..] != *hash {
            bail!("{} is damaged: its checksum is wrong", path.display());
        }
        let n_results: [u8; 8] = said[said.len() - 8..].try_into()?;
        Ok(Some(Self { n_results: u64::from_le_bytes(n_results), bytes, path }))
    }

    /// Whether the result of a job is there and whole. One that is damaged is removed.
    pub fn is_there(job: &Job) -> bool {
        match Self::read(job) {
            Ok(piece) => piece.is_some(),
            Err(error) => {
                tracing::warn!("{error:#}: it is done again");
                // What cannot be removed is written over.
                let _ = std::fs::remove_file(job.path());
                false
            }
        }
    }

    /// Its results, in order.
    ///
    /// # Errors
    /// Whatever `each` says, or the file holds something else.
    pub fn each(&self, mut each: impl FnMut(SegmentResult) -> Result<()>) -> Result<()> {
        let mut rest = &self.bytes[HEAD..self.bytes.len() - TAIL];
        for _ in 0..self.n_results {
            let (result, after) = postcard::take_from_bytes(rest)
                .with_context(|| format!("{} holds something else than results", self.path.display()))?;
            rest = after;
            each(result)?;
        }
        Ok(())
    }
}
