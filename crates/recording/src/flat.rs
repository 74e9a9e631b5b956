//! Runs of interleaved samples in one file, mapped or read: what raw files and SigMF have in common.

use crate::error::{Error, Result};
use crate::mmap::Mapping;
use rangegate_core::{BlockHeader, ByteSource, IqBlock, Layout, SampleFormat, StreamInfo};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Channels that a file may have: more is a wrong number, not an array.
pub(crate) const MAX_CHANNELS: usize = 65_536;

/// Bytes that one read without a map takes at most, so that a block's buffer has a bound.
const MAX_READ_BYTES: usize = 16 << 20;

/// The bytes of a file.
pub(crate) enum Storage {
    Mapped(Arc<dyn ByteSource>),
    Read(File, u64),
}

impl Storage {
    pub fn open(path: &Path, no_mmap: bool) -> Result<Self> {
        let file = open_file(path)?;
        if let Some(memory) = (!no_mmap).then(|| Mapping::of(&file)).flatten() {
            return Ok(Self::Mapped(memory));
        }
        let len = file.metadata().map_err(|error| Error::io(path, "ask for the size", error))?.len();
        Ok(Self::Read(file, len))
    }

    pub fn len(&self) -> u64 {
        match self {
            Self::Mapped(memory) => memory.bytes().len() as u64,
            Self::Read(_, len) => *len,
        }
    }

    pub fn is_mapped(&self) -> bool {
        matches!(self, Self::Mapped(_))
    }
}

/// Opens an ordinary file for reading. Anything else is refused before it is opened: a pipe would wait for
/// its writer for ever.
pub(crate) fn open_file(path: &Path) -> Result<File> {
    let metadata = std::fs::metadata(path).map_err(|error| Error::io(path, "open", error))?;
    if !metadata.is_file() {
        let found = if metadata.is_dir() { "a folder" } else { "a pipe or device" };
        return Err(Error::new(path, format!("is {found}, expected a file")));
    }
    File::open(path).map_err(|error| Error::io(path, "open", error))
}

/// Consecutive samples in a row of bytes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Run {
    /// Header of a block that begins with the run's first sample.
    pub header: BlockHeader,
    pub n_samples: u64,
    /// Where in the file the first sample begins.
    pub byte: u64,
}

impl Run {
    pub fn end_sample(&self) -> u64 {
        self.header.first_sample + self.n_samples
    }
}

/// A file of interleaved samples.
pub(crate) struct FlatFile {
    pub path: PathBuf,
    pub format: SampleFormat,
    pub n_channels: usize,
    /// Not empty each, rising in sample index, and within the file.
    pub runs: Vec<Run>,
    pub storage: Storage,
}

impl FlatFile {
    /// [`crate::Recording::read`].
    pub fn read(&mut self, at: u64, max_samples: usize, block: &mut IqBlock) -> Result<bool> {
        let index = self.runs.partition_point(|run| run.end_sample() <= at);
        let Some(run) = self.runs.get(index) else { return Ok(false) };
        let skipped = at.saturating_sub(run.header.first_sample);
        let mut header = run.header;
        if skipped > 0 {
            header.first_sample = at;
            header.after_gap = false;
        }
        let frame = self.format.bytes() * self.n_channels;
        let n_samples = (run.n_samples - skipped).min(max_samples as u64) as usize;
        let byte = run.byte + skipped * frame as u64;
        match &mut self.storage {
            Storage::Mapped(memory) => {
                let layout = Layout::interleaved(self.format, self.n_channels);
                block.share(header, self.format, layout, self.n_channels, n_samples, memory, byte as usize);
            }
            Storage::Read(file, _) => {
                let n_samples = n_samples.min((MAX_READ_BYTES / frame).max(1));
                let buffer = block.fill(header, self.format, self.n_channels, n_samples);
                file.seek(SeekFrom::Start(byte))
                    .and_then(|_| file.read_exact(buffer))
                    .map_err(|error| Error::io(&self.path, &format!("read samples at byte {byte}"), error))?;
            }
        }
        Ok(true)
    }
}

/// Bytes of one sample of all channels, for a number of channels that somebody wrote down.
pub(crate) fn frame_bytes(path: &Path, field: &str, format: SampleFormat, n_channels: usize) -> Result<u64> {
    if n_channels == 0 || n_channels > MAX_CHANNELS {
        return Err(Error::field(path, field, n_channels, format!("1 to {MAX_CHANNELS} channels")));
    }
    Ok((format.bytes() * n_channels) as u64)
}

/// The sentence on bytes that make no whole sample; `None` where there are none.
pub(crate) fn loss_of_partial_sample(path: &Path, n_bytes: u64, frame: u64) -> Option<String> {
    let rest = n_bytes % frame;
    (rest != 0).then(|| {
        format!(
            "{}: {n_bytes} bytes of samples are no whole number of samples of {frame} bytes: the last {rest} \
             bytes were left out",
            path.display()
        )
    })
}

/// The block's bytes with the channels side by side: its own where they stand so, else put in order in
/// `scratch`.
///
/// # Errors
/// The block is not of the stream's shape, or goes back in the stream.
pub(crate) fn interleaved<'a>(
    path: &Path,
    stream: &StreamInfo,
    written_to: u64,
    block: &'a IqBlock,
    scratch: &'a mut Vec<u8>,
) -> Result<&'a [u8]> {
    let (format, n_channels) = (block.format(), block.n_channels());
    if (format, n_channels) != (stream.format, stream.n_channels) {
        let message = format!(
            "a block of {n_channels} channels of {format} does not fit a stream of {} channels of {}",
            stream.n_channels, stream.format
        );
        return Err(Error::new(path, message));
    }
    if block.header.first_sample < written_to {
        let first = block.header.first_sample;
        return Err(Error::new(
            path,
            format!("a block begins at sample {first}, expected {written_to} or later"),
        ));
    }
    let (layout, dense) = (block.layout(), Layout::interleaved(format, n_channels));
    if layout == dense || (n_channels == 1 && layout.sample_stride == dense.sample_stride) {
        return Ok(block.bytes());
    }
    scratch.clear();
    let bytes = block.bytes();
    for sample in 0..block.n_samples() {
        for channel in 0..n_channels {
            let start = sample * layout.sample_stride + channel * layout.channel_stride;
            scratch.extend_from_slice(&bytes[start..start + format.bytes()]);
        }
    }
    Ok(scratch)
}
