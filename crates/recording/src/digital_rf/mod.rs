//! Digital RF 2.x, the native format: HDF5 in many short files.
//!
//! ```text
//! RECORDING/                       any number of channels
//!   ch0/                           a channel: `open` takes this folder too
//!     drf_properties.h5            sample rate as a fraction, cadences (before 2.5: metadata.h5)
//!     2026-11-22T10-00-00/         one folder per subdir_cadence_secs, named by its beginning
//!       rf@1795341600.000.h5       one file per file_cadence_millisecs, named by its beginning
//!       tmp.rf@1795341600.100.h5   being written: not there yet
//!     metadata/                    Digital Metadata: what was set, by sample index
//! ```
//!
//! **Index and time.** An index counts sample periods since 1970-01-01T00:00:00Z: sample `i` was taken at
//! `i · denominator / numerator` seconds, so the file of an index follows from integers alone, and opening a
//! recording of a year opens two files.
//!
//! **A file** holds `rf_data` `[n_samples × n_subchannels]`, and `rf_data_index` with a row (global index, row of
//! `rf_data`) for each stretch without a gap. What that index covers is data, fill values of continuous files
//! included, as the Python package reads them. A file that cannot be read is stepped over: a gap, and a line in
//! [`crate::Recording::losses`].

mod data_file;
mod folders;
mod metadata;
mod properties;
mod reader;
mod timeline;
mod writer;

use crate::{CreateOptions, OpenOptions, Recording, Result, Writer};
use rangegate_core::StreamInfo;
use std::path::Path;

/// Whether a folder is a Digital RF channel, or holds one.
pub fn looks_like(path: &Path) -> bool {
    path.is_dir() && (folders::is_channel(path) || !folders::channels(path).unwrap_or_default().is_empty())
}

/// Opens a channel: the folder itself, or the one in a folder of channels that `options.channel` names; where
/// there is just one, it need not be named.
///
/// `options` may replace what the recording says of its sample rate, the time of its first sample and its centre
/// frequency; which file holds which index follows from the recording's own properties all the same.
///
/// # Errors
/// There is no channel or several, its properties are missing or wrong, or no file of it can be read.
pub fn open(path: &Path, options: &OpenOptions) -> Result<Box<dyn Recording>> {
    Ok(Box::new(reader::DrfRecording::open(path, options)?))
}

/// Creates the folder `path` with one channel, `ch0`.
///
/// Files are contiguous, so that readers can map them, and appear under their names when they are complete: a
/// crash loses the open file only. Stretches without a gap are kept in `rf_data_index`; numbers stay as the
/// device gave them, in this machine's byte order.
///
/// A block that is `after_gap` without a jump of its index is written without one.
///
/// Indices count from 1970 by the stream's anchor. Where the stream has none, its own indices are taken as they
/// are: such a recording claims to begin in 1970.
///
/// # Errors
/// The folder exists and is not empty, cannot be written, or the stream's rate or time does not fit the format.
pub fn create(path: &Path, stream: &StreamInfo, options: &CreateOptions) -> Result<Box<dyn Writer>> {
    Ok(Box::new(writer::DrfWriter::create(path, stream, options)?))
}

/// Whether nothing is in the way of a new recording.
pub(crate) fn check_new(path: &Path) -> Result<()> {
    let is_occupied = path.read_dir().is_ok_and(|mut entries| entries.next().is_some());
    if is_occupied || (path.exists() && !path.is_dir()) {
        return Err(crate::Error::new(path, "exists already: expected a new name, or an empty folder"));
    }
    Ok(())
}
