//! NumPy's `.npy` files: one array, read and written.
//!
//! * **Samples** are complex where an element is (`complex64`, `complex128`, or two fields of one type), where an
//!   axis is named `iq`, or where `sample_format` says that every two numbers of the sample axis are I and Q. Else
//!   they are real.
//! * **Axes** are pulses × samples where there are two, pulses × channels × samples where there are three, unless
//!   [`NpyOptions::axes`] says otherwise; C or Fortran order makes no difference.
//! * **Pulses** each begin a run, with indices that follow one another. A file says neither sample rate nor
//!   frequency nor time: they come from the configuration.
//!
//! Arrays are mapped, whatever their order of axes, and handed out as they are; half floats and wrapped integers
//! are converted while reading.

mod element;
mod header;
mod reader;
mod writer;

pub use writer::create;

use crate::{OpenOptions, Recording, Result};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// What the array of a `.npy` file is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NpyOptions {
    /// What each axis counts, in the order of NumPy's `shape`, such as `["pulse", "channel", "sample"]`. `pulse` may
    /// come more than once (frames of chirps); the later ones count faster.
    pub axes: Vec<Axis>,
    /// The numbers, of whatever type, are integers of 16 bits taken modulo 65536: above 32767 stands what is
    /// 65536 less. So some capture programs of TI's radars write them. They are handed out as `cs16` or `i16`.
    pub wrapped_int16: bool,
}

/// What an axis counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Axis {
    /// Pulses or chirps.
    Pulse,
    /// Coherent channels.
    Channel,
    /// Samples in time.
    Sample,
    /// I and Q: two.
    Iq,
}

/// Whether a file begins as `.npy` files do.
pub fn looks_like(path: &Path) -> bool {
    crate::flat::begins_with(path, |start| start.starts_with(&header::MAGIC))
}

/// Opens a `.npy` file.
///
/// # Errors
/// The file cannot be read or is cut off, the array is none of samples, its axes are others than said, or the
/// configuration says no sample rate.
pub fn open(path: &Path, options: &OpenOptions) -> Result<Box<dyn Recording>> {
    Ok(Box::new(reader::NpyRecording::open(path, options)?))
}
