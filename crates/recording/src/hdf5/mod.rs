//! Plain HDF5, as laboratories write it: any datasets of numbers, named in the configuration or found.
//!
//! * **Samples** are complex where an element is a compound of two equal numbers named `{r,i}`, `{re,im}`,
//!   `{real,imag}`, `{I,Q}` or `{i,q}` in either order, an array type of two, a number in a dataset whose last
//!   axis is two long, or every two numbers of the last axis (both with `sample_format = "cs16"` or alike), or
//!   where I and Q are two datasets. Else they are real.
//! * **Axes**: a dataset with one axis longer than 1 is a run of samples, or one pulse of many. What the axes of
//!   a dataset with two mean must be said: [`Axes`], in the configuration or in an attribute `axes`.
//! * **Pulses** each begin a run. Their indices follow one another without a gap, because nothing says how far
//!   apart they were taken, unless [`Hdf5Options::pri_s`] does.
//! * **Sample rate, frequency, time**: from the configuration, else from the attribute it names, else from an
//!   attribute with a well-known name on the dataset or the groups above it.
//! * **Indices** count from 0, or from the attribute `first_sample`.
//!
//! Contiguous datasets, and chunked ones that no filter has touched, are mapped; everything else is read
//! through the HDF5 library. The numbers are the same either way, in the byte order of the file.

mod attributes;
mod describe;
mod element;
mod library;
mod lookup;
pub mod maps;
mod pulses;
mod reader;
mod samples;
mod select;
mod writer;

pub use describe::{DatasetInfo, MAX_DATASETS, describe, suggestion};

pub(crate) use attributes::{attribute, attributes, count, number, string, value};
pub(crate) use element::{NATIVE, sample_type};
pub(crate) use library::{failed, open_file, open_for_reading, unlocked};
pub(crate) use samples::{Axis, MAX_CHANNELS, SampleArray, interleave};

use crate::{CreateOptions, OpenOptions, Recording, Result, Writer};
use rangegate_core::StreamInfo;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// What to read from a plain HDF5 file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Hdf5Options {
    /// Datasets that follow one another in time, by path; `*` stands for any run of characters but `/`.
    /// Numbers in names are put in the order of their values. Empty where the file has just one that fits.
    pub datasets: Vec<String>,
    /// Dataset of I where I and Q are apart; may hold `*` as above. Then `datasets` stays empty.
    pub i_dataset: Option<String>,
    /// Dataset of Q where I and Q are apart.
    pub q_dataset: Option<String>,
    /// What the two axes of a dataset are.
    pub axes: Option<Axes>,
    /// What each of several datasets is: by default a pulse where they have one axis.
    pub each: Option<Each>,
    /// Time from one pulse to the next, s. Without it pulses get consecutive indices.
    pub pri_s: Option<f64>,
    /// Attribute that holds the sample rate in Hz: `name`, looked for on the dataset and the groups above it, or
    /// `path@name`.
    pub sample_rate_attribute: Option<String>,
    /// Attribute that holds the frequency the receiver was tuned to, Hz.
    pub center_frequency_attribute: Option<String>,
    /// Attribute that holds the time of the first sample: seconds since 1970, or a date and time (UTC where it
    /// names no zone).
    pub start_time_attribute: Option<String>,
}

/// What the two axes of a dataset are, the slower one first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Axes {
    /// `[n_pulses × n_samples]`
    PulseSample,
    /// `[n_channels × n_samples]`
    ChannelSample,
    /// `[n_samples × n_channels]`
    SampleChannel,
}

impl Axes {
    /// As it stands in a configuration, and in the attribute `axes` of the files that this crate writes.
    fn from_name(name: &str) -> Option<Self> {
        match name {
            "pulse_sample" => Some(Self::PulseSample),
            "channel_sample" => Some(Self::ChannelSample),
            "sample_channel" => Some(Self::SampleChannel),
            _ => None,
        }
    }
}

/// What each of several datasets is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Each {
    /// A pulse: it begins a run.
    Pulse,
    /// The samples that follow those of the dataset before, without a gap.
    Append,
}

/// Whether a file has the HDF5 signature, at its start or behind a user block.
pub fn looks_like(path: &Path) -> bool {
    matches!(library::signature_offset(path), Ok(Some(_)))
}

/// Opens a plain HDF5 file.
///
/// # Errors
/// The file cannot be read, no dataset or several fit, they do not go together, or the sample rate is nowhere
/// to be found: the message says what is there and what to put into the configuration.
pub fn open(path: &Path, options: &OpenOptions) -> Result<Box<dyn Recording>> {
    Ok(Box::new(reader::Hdf5Recording::open(path, options)?))
}

/// Creates a plain HDF5 file: one dataset `samples`, `[n_samples]` or, of several channels, `[n_samples × n_channels]`,
/// complex ones as compounds `{r, i}`, which h5py takes for complex numbers where they are floats.
///
/// Its attributes are `sample_rate` (Hz) with `sample_rate_numerator` and `sample_rate_denominator`, `first_sample` (the
/// absolute index), `start_time`, `center_frequency`, `description`, and every setting among the options. The file has no
/// place for gaps; they may be filled. It can be read whenever its writer is killed, with all that was written.
///
/// # Errors
/// It exists already or cannot be written, or the samples are not in this machine's byte order.
pub fn create(path: &Path, stream: &StreamInfo, options: &CreateOptions) -> Result<Box<dyn Writer>> {
    Ok(Box::new(writer::Hdf5Writer::create(path, stream, options)?))
}
