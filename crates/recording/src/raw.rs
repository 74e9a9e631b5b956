//! Bare samples: a file that holds nothing else, or a header of known length and then nothing else.
//!
//! The file does not say what it holds. How a sample is stored comes from the options or from the ending of
//! the name (`.cs16`, `.cu8`, `.cf32`, `.cfile`), the sample rate from the options; indices count from 0.

use crate::error::{Error, Result};
use crate::flat::{self, FlatFile, FlatWriter, Run, Storage};
use crate::{CreateOptions, Filled, Kind, OpenOptions, Recording, RecordingInfo, Writer};
use rangegate_core::{BlockHeader, IqBlock, SampleFormat, SampleRate, Scalar, StreamInfo, TimeAnchor};
use serde_json::json;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// What to tell a user whose file does not say how its samples are stored.
const SAY_THE_FORMAT: &str = "say how it is stored, for example --format cs16@2.4e6";

/// The sample format that the ending of a name stands for: any name of a [`SampleFormat`], GNU Radio's
/// `.cfile`, Universal Radio Hacker's `.complex16s` and its kin. `.iq` and `.bin` do not say.
pub fn format_from_name(path: &Path) -> Option<SampleFormat> {
    let extension = path.extension()?.to_str()?;
    match extension {
        "cfile" | "fc32" | "complex" => Some(SampleFormat::complex(Scalar::F32)),
        "complex16s" => Some(SampleFormat::complex(Scalar::I8)),
        "complex16u" => Some(SampleFormat::complex(Scalar::U8)),
        "complex32s" => Some(SampleFormat::complex(Scalar::I16)),
        _ => extension.parse().ok(),
    }
}

struct RawRecording {
    info: RecordingInfo,
    file: FlatFile,
    losses: Vec<String>,
}

/// Opens a file of bare samples.
///
/// # Errors
/// The file cannot be read, is shorter than its header, or neither its name nor the options say how a sample
/// is stored and how many there are a second.
pub fn open(path: &Path, options: &OpenOptions) -> Result<Box<dyn Recording>> {
    let format = options.sample_format.or_else(|| format_from_name(path)).ok_or_else(|| {
        Error::new(path, format!("its name does not say how a sample is stored: {SAY_THE_FORMAT}"))
    })?;
    let hz = options.sample_rate_hz.ok_or_else(|| {
        Error::new(path, format!("bare samples do not tell their sample rate: {SAY_THE_FORMAT}"))
    })?;
    let sample_rate = SampleRate::from_hz(hz).map_err(|error| Error::new(path, error.to_string()))?;
    let n_channels = options.n_channels.unwrap_or(1);
    let frame = flat::frame_bytes(path, "n_channels", format, n_channels)?;

    let storage = Storage::open(path, options.no_mmap)?;
    let header_bytes = options.header_bytes.unwrap_or(0);
    let n_bytes = storage.len().checked_sub(header_bytes).ok_or_else(|| {
        Error::field(
            path,
            "header_bytes",
            header_bytes,
            format!("at most the file's {} bytes", storage.len()),
        )
    })?;
    let n_samples = n_bytes / frame;
    let anchor = options.start_time.map(|time| TimeAnchor { sample: 0, time });
    let header =
        BlockHeader { anchor, center_frequency_hz: options.center_frequency_hz, ..Default::default() };
    let runs = if n_samples > 0 { vec![Run { header, n_samples, byte: header_bytes }] } else { Vec::new() };

    let info = RecordingInfo {
        path: path.to_owned(),
        kind: Kind::Raw,
        sample_rate,
        sample_format: format,
        n_channels,
        first_sample: 0,
        end_sample: n_samples,
        n_samples: Some(n_samples),
        anchor,
        start_time: options.start_time,
        center_frequency_hz: options.center_frequency_hz,
        pulse_len: None,
        mapped: storage.is_mapped(),
        annotations: Vec::new(),
        metadata: json!({ "header_bytes": header_bytes }),
    };
    let losses = flat::loss_of_partial_sample(path, n_bytes, frame).into_iter().collect();
    let file = FlatFile { path: path.to_owned(), format, n_channels, runs, storage };
    Ok(Box::new(RawRecording { info, file, losses }))
}

impl Recording for RawRecording {
    fn info(&self) -> &RecordingInfo {
        &self.info
    }

    fn read(&mut self, at: u64, max_samples: usize, block: &mut IqBlock) -> Result<bool> {
        self.file.read(at, max_samples, block)
    }

    fn losses(&self) -> &[String] {
        &self.losses
    }

    fn bytes_of(&self, samples: Range<u64>) -> Option<(PathBuf, Range<u64>)> {
        Some((self.file.path.clone(), self.file.bytes_of(samples)))
    }
}

/// Creates a file of bare samples. The ending of its name is the format of the stream.
///
/// Bare samples hold no index, no time and no gap: the index of the first block is forgotten, and a gap after
/// it is refused, or filled with zeros where the options say so.
///
/// # Errors
/// It exists already, cannot be written, or its name says another format than the stream has.
pub fn create(path: &Path, stream: &StreamInfo, options: &CreateOptions) -> Result<Box<dyn Writer>> {
    check_name(path, stream.format)?;
    Ok(Box::new(RawWriter(FlatWriter::create(path, stream, options, "a file of bare samples")?)))
}

/// Whether a name says how samples are stored that are stored so.
pub(crate) fn check_name(path: &Path, format: SampleFormat) -> Result<()> {
    let Some(named) = format_from_name(path).filter(|named| *named != format) else { return Ok(()) };
    let right = path.with_extension(format.to_string());
    let message =
        format!("its name says {named}, but the samples are {format}: expected {}", right.display());
    Err(Error::new(path, message))
}

struct RawWriter(FlatWriter);

impl Writer for RawWriter {
    fn write(&mut self, block: &IqBlock) -> Result<()> {
        self.0.append(block)
    }

    fn finish(&mut self) -> Result<()> {
        self.0.finish()
    }

    fn filled(&self) -> Filled {
        self.0.filled()
    }

    fn longest_fill(&self) -> Option<u64> {
        Some(self.0.longest_fill())
    }
}
