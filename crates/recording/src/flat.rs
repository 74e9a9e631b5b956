//! Runs of interleaved samples in one file, mapped or read: what raw files and SigMF have in common.

use crate::error::{Error, Result};
use crate::mmap::Mapping;
use crate::{CreateOptions, Filled};
use rangegate_core::{BlockHeader, ByteOrder, ByteSource, IqBlock, Layout, SampleFormat, Scalar, StreamInfo};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Channels that a file may have: more is a wrong number, not an array.
pub(crate) const MAX_CHANNELS: usize = 65_536;

/// Bytes that one read without a map takes at most, so that a block's buffer has a bound.
pub(crate) const MAX_READ_BYTES: usize = 16 << 20;

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

    /// `len` bytes from byte `at` on, which the file must have: mapped, or read into `scratch`.
    pub fn bytes<'a>(
        &'a mut self,
        path: &Path,
        at: u64,
        len: usize,
        scratch: &'a mut Vec<u8>,
    ) -> Result<&'a [u8]> {
        match self {
            Self::Mapped(memory) => Ok(&memory.bytes()[at as usize..][..len]),
            Self::Read(file, _) => {
                scratch.resize(len, 0);
                file.seek(SeekFrom::Start(at))
                    .and_then(|_| file.read_exact(scratch))
                    .map_err(|error| Error::io(path, &format!("read samples at byte {at}"), error))?;
                Ok(scratch)
            }
        }
    }
}

/// Whether the first bytes of a file, 16 or fewer, are as a format has them. What cannot be read is of no format.
pub(crate) fn begins_with(path: &Path, fits: impl Fn(&[u8]) -> bool) -> bool {
    let mut start = Vec::new();
    let read = open_file(path).is_ok_and(|file| file.take(16).read_to_end(&mut start).is_ok());
    read && fits(&start)
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
    /// [`crate::Recording::bytes_of`].
    pub fn bytes_of(&self, samples: Range<u64>) -> Range<u64> {
        let frame = (self.format.bytes() * self.n_channels) as u64;
        let of_run = |run: &Run| {
            let first = samples.start.max(run.header.first_sample);
            let end = samples.end.min(run.end_sample());
            let byte = |sample: u64| run.byte + (sample - run.header.first_sample) * frame;
            (first < end).then(|| byte(first)..byte(end))
        };
        let all = self.runs.iter().filter_map(of_run);
        all.reduce(|all, next| all.start..next.end).unwrap_or_default()
    }

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

/// Looks whether a block can follow what was written up to, without, sample `written_to`.
///
/// # Errors
/// The block is not of the stream's shape, or goes back in the stream.
pub(crate) fn check_block(path: &Path, stream: &StreamInfo, written_to: u64, block: &IqBlock) -> Result<()> {
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
    Ok(())
}

/// The block's bytes with the channels side by side: its own where they stand so, else put in order in `scratch`.
pub(crate) fn interleaved<'a>(block: &'a IqBlock, scratch: &'a mut Vec<u8>) -> &'a [u8] {
    let (format, n_channels) = (block.format(), block.n_channels());
    let (layout, dense) = (block.layout(), Layout::interleaved(format, n_channels));
    if layout == dense || (n_channels == 1 && layout.sample_stride == dense.sample_stride) {
        return block.bytes();
    }
    scratch.clear();
    let bytes = block.bytes();
    for sample in 0..block.n_samples() {
        for channel in 0..n_channels {
            let start = sample * layout.sample_stride + channel * layout.channel_stride;
            scratch.extend_from_slice(&bytes[start..start + format.bytes()]);
        }
    }
    scratch
}

/// Longest gap that is filled, s: a longer one is a second recording, or a wrong clock.
const MAX_FILL_S: u64 = 600;
/// Bytes that a gap is filled with at a time.
const FILL_BYTES: usize = 1 << 20;

/// Writes samples as they come, straight into one file: what was written is there whatever happens after.
///
/// There is no place for a gap: it is filled with zeros where the options say so, and refused where not. The index of
/// the first block is for the format that is written to keep or to forget.
pub(crate) struct FlatWriter {
    path: PathBuf,
    file: File,
    stream: StreamInfo,
    /// What the file is, for messages.
    what: &'static str,
    fill_gaps: bool,
    filled: Filled,
    first_sample: Option<u64>,
    next_sample: u64,
    scratch: Vec<u8>,
}

impl FlatWriter {
    pub fn create(
        path: &Path,
        stream: &StreamInfo,
        options: &CreateOptions,
        what: &'static str,
    ) -> Result<Self> {
        let file = File::create_new(path).map_err(|error| Error::io(path, "create", error))?;
        Ok(Self {
            path: path.to_owned(),
            file,
            stream: stream.clone(),
            what,
            fill_gaps: options.fill_gaps,
            filled: Filled::default(),
            first_sample: None,
            next_sample: 0,
            scratch: Vec::new(),
        })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Samples of each channel that were appended, those that fill gaps among them.
    pub fn n_samples(&self) -> u64 {
        self.first_sample.map_or(0, |first| self.next_sample - first)
    }

    /// [`crate::Writer::filled`].
    pub fn filled(&self) -> Filled {
        self.filled
    }

    /// [`crate::Writer::longest_fill`].
    pub fn longest_fill(&self) -> u64 {
        if self.fill_gaps { (MAX_FILL_S as f64 * self.stream.sample_rate.hz()) as u64 } else { 0 }
    }

    /// Appends the samples of a block, and before them zeros for those that are missing.
    pub fn append(&mut self, block: &IqBlock) -> Result<()> {
        let first = block.header.first_sample;
        let next = if self.first_sample.is_some() { self.next_sample } else { first };
        check_block(&self.path, &self.stream, next, block)?;
        if first != next || (block.header.after_gap && self.first_sample.is_some()) {
            self.fill(next, first)?;
        }
        let bytes = interleaved(block, &mut self.scratch);
        let written = self.file.seek(SeekFrom::End(0)).and_then(|_| self.file.write_all(bytes));
        written.map_err(|error| Error::io(&self.path, "write samples", error))?;
        self.first_sample.get_or_insert(first);
        self.next_sample = block.end_sample();
        Ok(())
    }

    /// Fills the gap between two samples.
    fn fill(&mut self, next: u64, first: u64) -> Result<()> {
        if !self.fill_gaps {
            let message = format!(
                "{} cannot hold the gap between samples {next} and {first}: write SigMF (.sigmf-meta) or Digital \
                 RF (a folder), or have gaps filled with zeros (--fill-gaps)",
                self.what
            );
            return Err(Error::new(&self.path, message));
        }
        let n_samples = first - next;
        if n_samples > self.longest_fill() {
            let message = format!(
                "the gap between samples {next} and {first} is {:.0} s long, expected at most {MAX_FILL_S} s to be \
                 filled: convert what is before and after it apart, or write a format that holds gaps",
                n_samples as f64 / self.stream.sample_rate.hz()
            );
            return Err(Error::new(&self.path, message));
        }
        let n_bytes = n_samples * (self.stream.format.bytes() * self.stream.n_channels) as u64;
        self.write_silence(n_bytes).map_err(|error| Error::io(&self.path, "fill a gap", error))?;
        self.filled.gaps += 1;
        self.filled.samples += n_samples;
        self.next_sample = first;
        Ok(())
    }

    fn write_silence(&mut self, n_bytes: u64) -> std::io::Result<()> {
        let end = self.file.seek(SeekFrom::End(0))?;
        let zero = zero(self.stream.format);
        if zero.iter().all(|byte| *byte == 0) {
            // What a file is made longer by reads as zeros, and costs neither time nor disk.
            return self.file.set_len(end + n_bytes);
        }
        let silence = zero.repeat(FILL_BYTES / zero.len());
        let mut left = n_bytes;
        while left > 0 {
            let n = left.min(silence.len() as u64);
            self.file.write_all(&silence[..n as usize])?;
            left -= n;
        }
        Ok(())
    }

    /// Overwrites bytes.
    pub fn put(&mut self, at: u64, bytes: &[u8]) -> Result<()> {
        let written = self.file.seek(SeekFrom::Start(at)).and_then(|_| self.file.write_all(bytes));
        written.map_err(|error| Error::io(&self.path, "write the header", error))
    }

    /// Appends one zero byte.
    pub fn pad(&mut self) -> Result<()> {
        let written = self.file.seek(SeekFrom::End(0)).and_then(|_| self.file.write_all(&[0]));
        written.map_err(|error| Error::io(&self.path, "write samples", error))
    }

    pub fn finish(&mut self) -> Result<()> {
        self.file.sync_all().map_err(|error| Error::io(&self.path, "write samples", error))
    }
}

/// The bytes of a number that stands for no signal.
fn zero(format: SampleFormat) -> Vec<u8> {
    let mut bytes = vec![0; format.scalar.size()];
    let middle = match format.order {
        ByteOrder::Little => bytes.len() - 1,
        ByteOrder::Big => 0,
    };
    if matches!(format.scalar, Scalar::U8 | Scalar::U16 | Scalar::U32 | Scalar::U64) {
        bytes[middle] = 0x80;
    }
    bytes
}
