//! The properties of a channel: the attributes of its `drf_properties.h5`.

use super::folders::{PROPERTIES, first_of};
use super::timeline::{MAX_DENOMINATOR, Timeline};
use crate::hdf5::{MAX_CHANNELS, attributes, count, failed, number, open_file, string, unlocked};
use crate::{Error, Result};
use hdf5::Location;
use hdf5::types::FixedAscii;
use rangegate_core::{SampleFormat, SampleRate, Timestamp};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// What a channel says about all of its files.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Properties {
    pub timeline: Timeline,
    pub n_subchannels: usize,
    /// When index 0 was.
    pub epoch: Timestamp,
    /// All attributes.
    pub all: BTreeMap<String, Value>,
}

impl Properties {
    /// # Errors
    /// The file is missing, cannot be read, or a value in it is missing or impossible.
    pub(crate) fn read(channel: &Path) -> Result<Self> {
        let Some(path) = first_of(channel, &PROPERTIES) else {
            let expected = "an HDF5 file with the attributes sample_rate_numerator, sample_rate_denominator, \
                            file_cadence_millisecs, subdir_cadence_secs, num_subchannels, is_complex; \
                            digital_rf.recreate_properties_file of the Python package makes it from a data file";
            let message = format!("missing from this Digital RF channel; expected {expected}");
            return Err(Error::new(channel.join(PROPERTIES[0]), message));
        };
        let file = open_file(&path)?;
        let all: BTreeMap<String, Value> = attributes(&file).into_iter().collect();
        let wanted = |name: &str| {
            let expected = "a whole number above zero";
            let value = all.get(name).ok_or_else(|| Error::field(&path, name, "missing", expected))?;
            count(value).filter(|&n| n > 0).ok_or_else(|| Error::field(&path, name, value, expected))
        };
        let rate = match all.get("samples_per_second") {
            // Before 2.3.
            Some(value) if !all.contains_key("sample_rate_numerator") => {
                SampleRate::from_hz(number(value).unwrap_or(f64::NAN))
            }
            _ => SampleRate::new(wanted("sample_rate_numerator")?, wanted("sample_rate_denominator")?),
        };
        let rate = rate.map_err(|e| Error::new(&path, e.to_string()))?;
        if rate.denominator() > MAX_DENOMINATOR {
            let expected = format!("at most {MAX_DENOMINATOR}");
            return Err(Error::field(&path, "sample_rate_denominator", rate.denominator(), expected));
        }
        let (file_cadence_ms, subdir_cadence_s) =
            (wanted("file_cadence_millisecs")?, wanted("subdir_cadence_secs")?);
        if subdir_cadence_s.checked_mul(1000).is_none_or(|ms| ms % file_cadence_ms != 0) {
            let expected = format!("a divisor of the folders' {subdir_cadence_s} s");
            return Err(Error::field(&path, "file_cadence_millisecs", file_cadence_ms, expected));
        }
        let n_subchannels = if all.contains_key("num_subchannels") { wanted("num_subchannels")? } else { 1 };
        if n_subchannels > MAX_CHANNELS as u64 {
            let expected = format!("at most {MAX_CHANNELS}");
            return Err(Error::field(&path, "num_subchannels", n_subchannels, expected));
        }
        let epoch = match all.get("epoch") {
            None => Timestamp::UNIX_EPOCH,
            Some(value) => string(value)
                .and_then(|text| text.parse().ok())
                .ok_or_else(|| Error::field(&path, "epoch", value, "a time like 1970-01-01T00:00:00Z"))?,
        };
        let timeline = Timeline { rate, file_cadence_ms, subdir_cadence_s };
        Ok(Self { timeline, n_subchannels: n_subchannels as usize, epoch, all })
    }
}

const TIME_DESCRIPTION: &str = "A sample index counts sample periods since the epoch: index = time * sample rate. \
                                Leap seconds are not counted, as in Unix time.";

/// Writes the attributes that say the same in the properties and in every data file.
pub(crate) fn write_attributes(
    location: &Location,
    timeline: &Timeline,
    format: SampleFormat,
    n_subchannels: usize,
) -> hdf5::Result<()> {
    let number = |name: &str, value: u64| write_number(location, name, value);
    // The class of a number's type as the HDF5 library counts: 0 integer, 1 float.
    number("H5Tget_class", u64::from(!format.scalar.is_integer()))?;
    number("H5Tget_size", format.scalar.size() as u64)?;
    // 0 little-endian, 1 big-endian.
    number("H5Tget_order", u64::from(cfg!(target_endian = "big")))?;
    number("H5Tget_precision", 8 * format.scalar.size() as u64)?;
    number("H5Tget_offset", 0)?;
    number("subdir_cadence_secs", timeline.subdir_cadence_s)?;
    number("file_cadence_millisecs", timeline.file_cadence_ms)?;
    number("sample_rate_numerator", timeline.rate.numerator())?;
    number("sample_rate_denominator", timeline.rate.denominator())?;
    let small = |name: &str, value: i32| location.new_attr::<i32>().create(name)?.write_scalar(&value);
    small("is_complex", i32::from(format.complex))?;
    small("num_subchannels", i32::try_from(n_subchannels).unwrap_or(i32::MAX))?;
    small("is_continuous", 0)?;
    write_text(location, "epoch", "1970-01-01T00:00:00Z")?;
    write_text(location, "digital_rf_time_description", TIME_DESCRIPTION)?;
    write_text(location, "digital_rf_version", "2.6.0")
}

pub(crate) fn write_number(location: &Location, name: &str, value: u64) -> hdf5::Result<()> {
    location.new_attr::<u64>().create(name)?.write_scalar(&value)
}

/// Writes ASCII of a fixed length, as other writers of the format do.
pub(crate) fn write_text(location: &Location, name: &str, text: &str) -> hdf5::Result<()> {
    fn fixed<const N: usize>(location: &Location, name: &str, text: &str) -> hdf5::Result<()> {
        let value =
            FixedAscii::<N>::from_ascii(text).map_err(|e| hdf5::Error::from(e.to_string().as_str()))?;
        location.new_attr::<FixedAscii<N>>().create(name)?.write_scalar(&value)
    }
    if text.len() <= 32 { fixed::<32>(location, name, text) } else { fixed::<256>(location, name, text) }
}

/// Writes a channel's properties file.
///
/// # Errors
/// It cannot be written.
pub(crate) fn write(
    channel: &Path,
    timeline: &Timeline,
    format: SampleFormat,
    n_subchannels: usize,
) -> Result<()> {
    let path = channel.join(PROPERTIES[0]);
    let write = || {
        let file = unlocked().create_excl(&path)?;
        write_attributes(&file, timeline, format, n_subchannels)?;
        file.close()
    };
    write().map_err(|e| failed(&path, "write this file", &e))
}
