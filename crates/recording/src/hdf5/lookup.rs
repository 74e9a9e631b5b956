//! Where a file says its sample rate, frequency and time.

use super::Axes;
use super::attributes::{attribute, attributes, count, number, string};
use super::describe::groups_above;
use crate::{Error, Result};
use hdf5::{File, Location};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use rangegate_core::{SampleRate, Timestamp};
use serde_json::Value;
use std::path::Path;

/// Names under which a sample rate is found without being told, most trusted first.
pub(crate) const RATE_NAMES: [&str; 11] = [
    "sample_rate",
    "sample_rate_hz",
    "samp_rate",
    "samplerate",
    "samples_per_second",
    "sampling_rate",
    "sampling_frequency",
    "sample_frequency",
    "fs",
    "rate",
    "sps",
];
const FREQUENCY_NAMES: [&str; 10] = [
    "center_frequency",
    "center_frequency_hz",
    "centre_frequency",
    "center_freq",
    "centre_freq",
    "carrier_frequency",
    "rf_frequency",
    "frequency",
    "freq",
    "fc",
];
const TIME_NAMES: [&str; 7] =
    ["start_time", "start_timestamp", "timestamp", "unix_time", "t0", "datetime", "start"];

/// A number of seconds below this (in 1973) is no time of day under a well-known name: `t0 = 0`.
const EARLIEST_S: f64 = 1e8;

/// The attributes of a dataset and the groups above it.
pub(crate) struct Lookup<'a> {
    path: &'a Path,
    file: &'a File,
    /// The dataset, then the groups from the inside out: name, object's attributes.
    found: Vec<(String, Vec<(String, Value)>)>,
}

impl<'a> Lookup<'a> {
    pub(crate) fn new(path: &'a Path, file: &'a File, dataset: &str) -> Self {
        let mut found = Vec::new();
        if let Ok(object) = file.dataset(dataset) {
            found.push((dataset.to_owned(), attributes(&object)));
        }
        let above = groups_above(file, dataset).into_iter().rev();
        found.extend(above.map(|(name, group)| (name, attributes(&group))));
        Self { path, file, found }
    }

    /// All of it, by object and name.
    pub(crate) fn metadata(&self) -> Value {
        let object = |attributes: &[(String, Value)]| Value::Object(attributes.iter().cloned().collect());
        let objects = self.found.iter().filter(|(_, attributes)| !attributes.is_empty());
        Value::Object(objects.map(|(name, attributes)| (name.clone(), object(attributes))).collect())
    }

    /// The attributes there are, as a configuration would name them.
    pub(crate) fn names(&self) -> String {
        let all = |(object, attributes): &(String, Vec<(String, Value)>)| -> Vec<String> {
            attributes.iter().map(|(name, _)| format!("'{object}@{name}'")).collect()
        };
        let names: Vec<_> = self.found.iter().flat_map(all).collect();
        match names.len() {
            0 => "none".to_owned(),
            1..=20 => names.join(", "),
            n => format!("{}, … ({n} in all)", names[..20].join(", ")),
        }
    }

    /// An attribute that the configuration names, as `name` or `path@name`.
    fn named(&self, option: &str, wanted: &str) -> Result<Value> {
        let found = match wanted.rsplit_once('@') {
            Some((object, name)) => self.object(object).and_then(|object| attribute(&object, name)),
            None => {
                let mut all = self.found.iter().flat_map(|(_, attributes)| attributes);
                all.find(|(name, _)| name == wanted).map(|(_, value)| value.clone())
            }
        };
        found.ok_or_else(|| {
            let message =
                format!("{option} names '{wanted}', which is not there; attributes found: {}", self.names());
            Error::new(self.path, message)
        })
    }

    fn object(&self, path: &str) -> Option<Location> {
        if let Ok(dataset) = self.file.dataset(path) {
            return Some((**dataset).clone());
        }
        let path = if path.is_empty() { "/" } else { path };
        self.file.group(path).ok().map(|group| (*group).clone())
    }

    /// The first attribute with a well-known name whose value `read` accepts.
    fn known<T>(&self, names: &[&str], read: impl Fn(&Value) -> Option<T>) -> Option<T> {
        let plain = |name: &str| name.trim().to_lowercase().replace([' ', '-'], "_");
        names.iter().find_map(|wanted| {
            let mut all = self.found.iter().flat_map(|(_, attributes)| attributes);
            all.find_map(|(name, value)| if plain(name) == *wanted { read(value) } else { None })
        })
    }

    fn number(&self, option: &str, wanted: Option<&str>, names: &[&str]) -> Result<Option<f64>> {
        let Some(wanted) = wanted else { return Ok(self.known(names, number)) };
        let value = self.named(option, wanted)?;
        let is_none = || Error::field(self.path, wanted, &value, "a number of Hz");
        number(&value).ok_or_else(is_none).map(Some)
    }

    pub(crate) fn sample_rate_hz(&self, wanted: Option<&str>) -> Result<Option<f64>> {
        self.number("sample_rate_attribute", wanted, &RATE_NAMES)
    }

    /// The rate as a fraction, as this crate writes it.
    pub(crate) fn exact_sample_rate(&self) -> Option<SampleRate> {
        let part = |name: &str| self.known(&[name], count);
        SampleRate::new(part("sample_rate_numerator")?, part("sample_rate_denominator")?).ok()
    }

    /// Absolute index of the first sample.
    pub(crate) fn first_sample(&self) -> Option<u64> {
        self.known(&["first_sample"], count)
    }

    /// What the two axes are.
    pub(crate) fn axes(&self) -> Option<Axes> {
        self.known(&["axes"], |value| Axes::from_name(string(value)?))
    }

    pub(crate) fn center_frequency_hz(&self, wanted: Option<&str>) -> Result<Option<f64>> {
        self.number("center_frequency_attribute", wanted, &FREQUENCY_NAMES)
    }

    pub(crate) fn start_time(&self, wanted: Option<&str>) -> Result<Option<Timestamp>> {
        let Some(wanted) = wanted else {
            let late = |value: &Value| number(value).is_none_or(|seconds| seconds >= EARLIEST_S);
            return Ok(self.known(&TIME_NAMES, |value| time(value).filter(|_| late(value))));
        };
        let value = self.named("start_time_attribute", wanted)?;
        let expected = "seconds since 1970, or a date and time like 2026-11-22T10:00:00Z";
        time(&value).ok_or_else(|| Error::field(self.path, wanted, &value, expected)).map(Some)
    }
}

/// A time: seconds since 1970, or text.
fn time(value: &Value) -> Option<Timestamp> {
    if let Some(seconds) = number(value) {
        let nanos = seconds * 1e9;
        return nanos.is_finite().then(|| Timestamp::from_nanosecond(nanos.round() as i128).ok())?;
    }
    let text = string(value)?.trim();
    text.parse().ok().or_else(|| {
        let utc: DateTime = text.parse().ok()?;
        Some(utc.to_zoned(TimeZone::UTC).ok()?.timestamp())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_numbers_or_text() {
        let expected: Timestamp = "2023-11-14T22:13:20Z".parse().unwrap();
        for value in [
            Value::from(1_700_000_000),
            Value::from("1700000000.0"),
            Value::from("2023-11-14T22:13:20Z"),
            Value::from("2023-11-14 22:13:20"),
            Value::from("2023-11-15T00:13:20+02:00"),
            Value::from(vec![1.7e9]),
        ] {
            assert_eq!(time(&value), Some(expected), "{value}");
        }
        for value in [Value::Null, Value::from("soon"), Value::from(1e300), Value::from(true)] {
            assert_eq!(time(&value), None, "{value}");
        }
    }
}
