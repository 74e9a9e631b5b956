//! WAV files: sound, or the I and Q that SDR programs record as its left and right.
//!
//! * **Numbers**: PCM of 8 (unsigned), 16, 24 and 32 bits, floats of 32 and 64, plainly or under
//!   `WAVE_FORMAT_EXTENSIBLE`. 24 bits are handed out as 32; all others are mapped.
//! * **Channels**: two are I and Q, one or more than two are real signals, unless [`WavOptions::channels`] says
//!   otherwise.
//! * **Large files**: RF64 and BW64 (EBU Tech 3306, ITU-R BS.2088) tell their size in 64 bits. Recorders that stream
//!   leave 0 or 0xFFFFFFFF where the size belongs; then, and where the file was cut off, the samples go on to its end.
//! * **`auxi`**: the chunk in which HDSDR, SDR# and others keep the centre frequency and the time of the first
//!   sample (taken for UTC). The configuration takes precedence.

mod auxi;
mod chunks;
mod reader;
mod writer;

pub use writer::create;

use crate::{OpenOptions, Recording, Result};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// What the channels of a WAV file are.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WavOptions {
    /// Default: `iq` where there are two, else `audio`.
    pub channels: Option<Channels>,
}

/// What the channels of a WAV file are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channels {
    /// I and Q in turn: two make one complex channel.
    Iq,
    /// Real signals.
    Audio,
}

/// Whether a file begins as WAV files do.
pub fn looks_like(path: &Path) -> bool {
    crate::flat::begins_with(path, |start| {
        matches!(start.get(..4), Some(b"RIFF" | b"RF64" | b"BW64")) && start.get(8..12) == Some(b"WAVE")
    })
}

/// Opens a WAV file.
///
/// # Errors
/// The file cannot be read, is no WAV, holds no samples or compressed ones, or its header contradicts itself.
pub fn open(path: &Path, options: &OpenOptions) -> Result<Box<dyn Recording>> {
    Ok(Box::new(reader::WavRecording::open(path, options)?))
}
