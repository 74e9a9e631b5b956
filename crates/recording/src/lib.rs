//! Files of samples, read and written.
//!
//! [`open`] looks at a path, finds its format and gives a [`Recording`]: random access by absolute sample
//! index, in the device's own numbers, mapped where the bytes on disk allow it. [`create`] gives a
//! [`Writer`].
#![deny(unsafe_code)]

pub mod digital_rf;
pub mod error;
mod flat;
pub mod hdf5;
pub mod mmap;
pub mod npy;
mod options;
pub mod raw;
mod settings;
pub mod sigmf;
pub mod wav;

pub use error::{Error, Result};
pub use options::parse_si;

use rangegate_core::{IqBlock, SampleFormat, SampleRate, StreamInfo, TimeAnchor, Timestamp};
use serde::{Deserialize, Serialize};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// The formats that are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// SigMF: `.sigmf-meta` with `.sigmf-data`, or a `.sigmf` archive.
    Sigmf,
    /// Digital RF: a folder with `drf_properties.h5`, or a folder of such channels.
    DigitalRf,
    /// Any other HDF5 file.
    Hdf5,
    /// NumPy's `.npy`.
    Npy,
    /// WAV, of sound or of I and Q.
    Wav,
    /// Bare samples.
    Raw,
}

impl Kind {
    /// As it is written in a configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sigmf => "sigmf",
            Self::DigitalRf => "digital_rf",
            Self::Hdf5 => "hdf5",
            Self::Npy => "npy",
            Self::Wav => "wav",
            Self::Raw => "raw",
        }
    }
}

/// What the user says about a recording where the recording itself does not, or does wrongly. What is set
/// here takes precedence over the recording.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OpenOptions {
    /// Format, where looking at the file is not to decide.
    pub kind: Option<Kind>,
    /// How a sample is stored (raw files need it; HDF5 integers that are interleaved I and Q too).
    pub sample_format: Option<SampleFormat>,
    /// Samples a second.
    pub sample_rate_hz: Option<f64>,
    /// Frequency the receiver was tuned to, Hz.
    pub center_frequency_hz: Option<f64>,
    /// When the first sample was taken.
    pub start_time: Option<Timestamp>,
    /// Number of interleaved channels of a raw file.
    pub n_channels: Option<usize>,
    /// Bytes to skip at the start of a raw file.
    pub header_bytes: Option<u64>,
    /// Which channel folder of a Digital RF recording that has several.
    pub channel: Option<String>,
    /// Read through the HDF5 library or by ordinary reads even where the file could be mapped.
    pub no_mmap: bool,
    /// What to read from a plain HDF5 file.
    pub hdf5: hdf5::Hdf5Options,
    /// What the array of a `.npy` file is.
    pub npy: npy::NpyOptions,
    /// What the channels of a WAV file are.
    pub wav: wav::WavOptions,
}

/// What a recording says about itself.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RecordingInfo {
    /// Where it is.
    pub path: PathBuf,
    /// Its format.
    pub kind: Kind,
    /// Samples a second and channel.
    pub sample_rate: SampleRate,
    /// How one sample of one channel is stored.
    pub sample_format: SampleFormat,
    /// Coherent channels.
    pub n_channels: usize,
    /// Absolute index of the first sample.
    pub first_sample: u64,
    /// Absolute index one past the last sample.
    pub end_sample: u64,
    /// Number of samples a channel that are really there, gaps left out; `None` where counting would mean
    /// opening every file.
    pub n_samples: Option<u64>,
    /// Ties indices to time.
    #[serde(skip)]
    pub anchor: Option<TimeAnchor>,
    /// When the first sample was taken.
    pub start_time: Option<Timestamp>,
    /// Frequency the receiver was tuned to at the start, Hz.
    pub center_frequency_hz: Option<f64>,
    /// Samples in one pulse, where the recording holds pulses that were cut out.
    pub pulse_len: Option<usize>,
    /// Whether reads hand out mapped memory.
    pub mapped: bool,
    /// What somebody wrote beside stretches of samples.
    pub annotations: Vec<Annotation>,
    /// Everything else the recording says of itself, by the names it uses there.
    pub metadata: serde_json::Value,
}

/// A note on a stretch of samples.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Annotation {
    /// Absolute index of the first sample.
    pub first_sample: u64,
    /// Number of samples, where the note has an end.
    pub n_samples: Option<u64>,
    /// Lower and upper edge of the frequencies it speaks of, Hz.
    pub frequency_hz: Option<(f64, f64)>,
    /// A short name.
    pub label: Option<String>,
    /// Free text.
    pub comment: Option<String>,
}

/// A recording opened for reading: random access by absolute sample index.
pub trait Recording: Send {
    /// What it says about itself.
    fn info(&self) -> &RecordingInfo;

    /// Puts into `block` the samples from index `at` on, or, where there is none at `at`, from the first
    /// index after it that has one. Returns `Ok(false)`, with `block` untouched, where there is none.
    ///
    /// The block ends at the latest after `max_samples`, before the next gap, and where contiguous storage
    /// ends (a file's end, a chunk): the next call goes on from there. Mapped recordings hand out everything
    /// up to there without copying. `after_gap` is set where the sample before the first one does not exist
    /// although the recording has earlier ones, or belongs to another pulse.
    ///
    /// # Errors
    /// The file is damaged at this place. A later `at` may still work; damage that can be stepped over (one
    /// bad file of many) is not an error but a gap, and is counted in [`Recording::losses`].
    fn read(&mut self, at: u64, max_samples: usize, block: &mut IqBlock) -> Result<bool>;

    /// What could not be read so far, one sentence a loss.
    fn losses(&self) -> &[String] {
        &[]
    }

    /// The file, and the bytes in it, that hold a range of samples; `None` where these do not lie in a row in one file.
    fn bytes_of(&self, _samples: Range<u64>) -> Option<(PathBuf, Range<u64>)> {
        None
    }
}

/// A recording opened for writing.
pub trait Writer: Send {
    /// Appends a block. Its index must not lie before the end of what was written; a jump is a gap, and is kept.
    ///
    /// # Errors
    /// The disk is full, or the block does not fit the stream.
    fn write(&mut self, block: &IqBlock) -> Result<()>;

    /// Samples a channel that were accepted and then could not be written, since this was asked last.
    fn take_unwritten(&mut self) -> u64 {
        0
    }

    /// Brings everything to disk and closes the recording.
    ///
    /// # Errors
    /// The disk is full.
    fn finish(&mut self) -> Result<()>;

    /// What was put in the place of samples that were lost, so far: nothing in a format that holds gaps.
    fn filled(&self) -> Filled {
        Filled::default()
    }

    /// The longest gap that is filled, samples; `None` where the format holds gaps.
    fn longest_fill(&self) -> Option<u64> {
        None
    }
}

/// Zeros that stand in the place of lost samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Filled {
    /// Gaps that were filled.
    pub gaps: u64,
    /// Samples of each channel that filled them.
    pub samples: u64,
}

/// What a writer can be told.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CreateOptions {
    /// A sentence about the recording.
    pub description: Option<String>,
    /// Notes to be kept, where the format has a place for them (SigMF).
    pub annotations: Vec<Annotation>,
    /// Settings to be kept beside the samples (Digital RF: metadata channel; SigMF: global extension; HDF5: attributes).
    pub metadata: serde_json::Map<String, serde_json::Value>,
    /// Fill gaps of up to ten minutes with zeros where the format has no place for them (raw, WAV, NumPy, plain HDF5),
    /// so that time stays true: the middle of the range where numbers are unsigned. Without it such a gap is an error.
    pub fill_gaps: bool,
}

/// Opens a recording, finding its format by looking at it unless the options name one.
///
/// # Errors
/// Nothing is there, it may not be read, no format fits, or its own description is wrong: the message names
/// the file, the field, what was found and what was expected.
pub fn open(path: &Path, options: &OpenOptions) -> Result<Box<dyn Recording>> {
    let kind = match options.kind {
        Some(kind) => kind,
        None => detect(path, options)?,
    };
    match kind {
        Kind::Sigmf => sigmf::open(path, options),
        Kind::DigitalRf => digital_rf::open(path, options),
        Kind::Hdf5 => hdf5::open(path, options),
        Kind::Npy => npy::open(path, options),
        Kind::Wav => wav::open(path, options),
        Kind::Raw => raw::open(path, options),
    }
}

/// Finds the format of what is at `path`: by content where the content can tell, else by name.
///
/// # Errors
/// Nothing is there, it may not be read, or no format fits.
pub fn detect(path: &Path, options: &OpenOptions) -> Result<Kind> {
    if sigmf::is_named_so(path) {
        return Ok(Kind::Sigmf);
    }
    let metadata = std::fs::metadata(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Error::new(path, "does not exist"),
        _ => Error::io(path, "open", error),
    })?;
    if metadata.is_dir() {
        if digital_rf::looks_like(path) {
            return Ok(Kind::DigitalRf);
        }
        let message = "is a folder, but no Digital RF recording: there is no drf_properties.h5 in it nor in a \
                       folder in it";
        return Err(Error::new(path, message));
    }
    flat::open_file(path)?;
    if hdf5::looks_like(path) {
        Ok(Kind::Hdf5)
    } else if npy::looks_like(path) {
        Ok(Kind::Npy)
    } else if wav::looks_like(path) {
        Ok(Kind::Wav)
    } else if sigmf::is_archive(path) {
        Ok(Kind::Sigmf)
    } else if options.sample_format.or_else(|| raw::format_from_name(path)).is_some() {
        Ok(Kind::Raw)
    } else {
        let message = "is of no known format: its name does not end in .sigmf-meta, .sigmf-data, .sigmf or a sample \
                       format (.cs16, .cu8, .cf32, ...), its content is none of HDF5, NumPy (.npy), WAV or a SigMF \
                       archive; if it is bare samples, say how they are stored, for example --format cs16@2.4e6";
        Err(Error::new(path, message))
    }
}

/// Creates a recording. The format follows from the path: `NAME.sigmf-meta` (or `.sigmf-data`) SigMF, a name
/// that ends in a sample format (`.cs16`, `.cf32`, …) raw, `.h5` (or `.hdf5`) plain HDF5, `.npy` and `.wav` those, a
/// folder name without an extension Digital RF.
///
/// # Errors
/// It exists already, cannot be written, or the path does not say which format.
pub fn create(path: &Path, stream: &StreamInfo, options: &CreateOptions) -> Result<Box<dyn Writer>> {
    check_new(path, Some(stream.format))?;
    match kind_of_name(path)? {
        Kind::Sigmf => sigmf::create(path, stream, options),
        Kind::DigitalRf => digital_rf::create(path, stream, options),
        Kind::Hdf5 => hdf5::create(path, stream, options),
        Kind::Npy => npy::create(path, stream, options),
        Kind::Wav => wav::create(path, stream, options),
        Kind::Raw => raw::create(path, stream, options),
    }
}

/// Whether a recording can be created under a name, as far as that can be told before there are samples.
///
/// # Errors
/// Those of [`check_name`], or there is something of this name.
pub fn check_new(path: &Path, format: Option<SampleFormat>) -> Result<()> {
    check_name(path, format)?;
    let taken = match kind_of_name(path)? {
        Kind::DigitalRf => return digital_rf::check_new(path),
        Kind::Sigmf => ["sigmf-meta", "sigmf-data"].map(|ending| path.with_extension(ending)).to_vec(),
        _ => vec![path.to_owned()],
    };
    match taken.iter().find(|path| path.symlink_metadata().is_ok()) {
        Some(path) => Err(Error::new(path, "exists already: expected a new name")),
        None => Ok(()),
    }
}

/// Whether a name says a format, that of the samples where it says how they are stored, and its folder exists.
///
/// # Errors
/// One of that is not so.
pub fn check_name(path: &Path, format: Option<SampleFormat>) -> Result<()> {
    let kind = kind_of_name(path)?;
    if let (Kind::Raw, Some(format)) = (kind, format) {
        raw::check_name(path, format)?;
    }
    // A Digital RF recording is a folder, made with those that it is in.
    let folder = path.parent().filter(|folder| kind != Kind::DigitalRf && !folder.as_os_str().is_empty());
    match folder.filter(|folder| !folder.is_dir()) {
        Some(folder) => {
            Err(Error::new(path, format!("cannot be made: there is no folder '{}'", folder.display())))
        }
        None => Ok(()),
    }
}

/// The format that is written under a name.
fn kind_of_name(path: &Path) -> Result<Kind> {
    let Some(extension) = path.extension() else { return Ok(Kind::DigitalRf) };
    match extension.to_str() {
        Some("sigmf-meta" | "sigmf-data") => return Ok(Kind::Sigmf),
        Some("npy") => return Ok(Kind::Npy),
        Some("wav") => return Ok(Kind::Wav),
        _ if raw::format_from_name(path).is_some() => return Ok(Kind::Raw),
        Some("h5" | "hdf5") => return Ok(Kind::Hdf5),
        _ => {}
    }
    let message = format!(
        "no format is written under the ending '.{}': expected .sigmf-meta (SigMF), a sample format such as .cs16 \
         or .cf32 (bare samples), .h5, .npy, .wav, or no ending (a Digital RF folder)",
        extension.display()
    );
    Err(Error::new(path, message))
}
