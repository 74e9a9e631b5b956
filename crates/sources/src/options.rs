//! What a user says about a replay: from when to when, how fast, how often.

use rangegate_core::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;

/// Which part of a recording is replayed, how fast and how often.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReplayOptions {
    /// The first sample at or after this is the first; without it the recording's first.
    pub from: Option<TimePoint>,
    /// Samples at and after this are left out.
    pub to: Option<TimePoint>,
    /// How fast.
    pub speed: Speed,
    /// How often.
    #[serde(rename = "loop")]
    pub repeat: Repeat,
}

/// A place in a recording.
///
/// Read from `12.5` or `12.5s` (seconds from the start), `500ms`, `20us`, `3min`, `1h`, or from a date and
/// time with its offset from UTC, such as `2026-11-22T10:00:00Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "NumberOrText")]
pub enum TimePoint {
    /// Nanoseconds from the recording's first sample.
    FromStart {
        /// Nanoseconds.
        nanos: u64,
    },
    /// A time, UTC.
    At(Timestamp),
}

/// How fast samples come.
///
/// Read from `max` or a factor: `1` is real time, `2.5` two and a half times as fast.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "NumberOrText")]
pub enum Speed {
    /// As fast as they are taken.
    #[default]
    Max,
    /// This many times as fast as they were recorded.
    Factor(f64),
}

/// How often a recording is played.
///
/// Read from `forever` or a number of times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "NumberOrText")]
pub enum Repeat {
    /// A number of times.
    Times(NonZeroU64),
    /// Until it is stopped.
    Forever,
}

impl Default for Repeat {
    fn default() -> Self {
        Self::Times(NonZeroU64::MIN)
    }
}

/// A word that cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} is '{found}', expected {expected}")]
pub struct ParseError {
    what: &'static str,
    found: String,
    expected: &'static str,
}

/// Units of a duration with the nanoseconds in one. A unit stands behind those that it ends in.
const UNITS: [(&str, f64); 6] =
    [("ms", 1e6), ("us", 1e3), ("ns", 1.0), ("min", 60e9), ("h", 3600e9), ("s", 1e9)];

fn nanos(text: &str) -> Option<u64> {
    let (number, unit) =
        UNITS.iter().find_map(|&(name, unit)| Some((text.strip_suffix(name)?, unit))).unwrap_or((text, 1e9));
    let value: f64 = number.trim_end().parse().ok()?;
    let nanos = (value * unit).round();
    // 2^63 ns are 292 years: enough, and exact neither way.
    (nanos >= 0.0 && nanos < i64::MAX as f64).then_some(nanos as u64)
}

impl FromStr for TimePoint {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let trimmed = text.trim();
        nanos(trimmed)
            .map(|nanos| Self::FromStart { nanos })
            .or_else(|| trimmed.parse().ok().map(Self::At))
            .ok_or_else(|| ParseError {
                what: "time",
                found: text.to_owned(),
                expected: "seconds from the start, 0 or more ('12.5', '500ms', '3min'), or a time such as \
                           '2026-11-22T10:00:00Z'",
            })
    }
}

impl fmt::Display for TimePoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FromStart { nanos } if nanos % 1_000_000_000 == 0 => {
                write!(f, "{}s", nanos / 1_000_000_000)
            }
            Self::FromStart { nanos } => {
                let (seconds, rest) = (nanos / 1_000_000_000, nanos % 1_000_000_000);
                write!(f, "{seconds}.{}s", format!("{rest:09}").trim_end_matches('0'))
            }
            Self::At(time) => time.fmt(f),
        }
    }
}

impl FromStr for Speed {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        match text.trim() {
            "max" => Ok(Self::Max),
            // The bounds keep every pace within what a clock can hold.
            number => number
                .parse()
                .ok()
                .filter(|factor| (1e-6..=1e6).contains(factor))
                .map(Self::Factor)
                .ok_or_else(|| ParseError {
                    what: "speed",
                    found: text.to_owned(),
                    expected: "'max' or a factor of real time from 1e-6 to 1e6",
                }),
        }
    }
}

impl fmt::Display for Speed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Max => f.write_str("max"),
            Self::Factor(factor) => factor.fmt(f),
        }
    }
}

impl FromStr for Repeat {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        match text.trim() {
            "forever" => Ok(Self::Forever),
            number => number.parse().map(Self::Times).map_err(|_| ParseError {
                what: "loop",
                found: text.to_owned(),
                expected: "'forever' or a number of times above zero",
            }),
        }
    }
}

impl fmt::Display for Repeat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Forever => f.write_str("forever"),
            Self::Times(times) => times.fmt(f),
        }
    }
}

/// In a configuration `speed = 2` and `speed = "2"` are the same.
#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a number or a text")]
enum NumberOrText {
    Integer(i64),
    Float(f64),
    Text(String),
}

impl fmt::Display for NumberOrText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(number) => number.fmt(f),
            Self::Float(number) => number.fmt(f),
            Self::Text(text) => text.fmt(f),
        }
    }
}

macro_rules! as_text {
    ($($option:ty),+) => {$(
        impl From<$option> for String {
            fn from(option: $option) -> Self {
                option.to_string()
            }
        }

        impl TryFrom<NumberOrText> for $option {
            type Error = ParseError;

            fn try_from(found: NumberOrText) -> Result<Self, ParseError> {
                found.to_string().parse()
            }
        }
    )+};
}

as_text!(TimePoint, Speed, Repeat);

#[cfg(test)]
mod tests {
    use super::*;

    fn from_start(text: &str) -> u64 {
        match text.parse() {
            Ok(TimePoint::FromStart { nanos }) => nanos,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn times_are_read_as_users_write_them() {
        for (text, nanos) in [
            ("0", 0),
            ("12.5", 12_500_000_000),
            ("12.5s", 12_500_000_000),
            (" 500 ms", 500_000_000),
            ("20us", 20_000),
            ("7ns", 7),
            ("3min", 180_000_000_000),
            ("1h", 3_600_000_000_000),
            ("1e-3", 1_000_000),
        ] {
            assert_eq!(from_start(text), nanos, "{text}");
        }
        let at: TimePoint = "2026-11-22T10:00:00Z".parse().unwrap();
        assert_eq!(at, TimePoint::At("2026-11-22T10:00:00Z".parse().unwrap()));
        for bad in ["", "s", "-1", "nan", "inf", "1e300", "12.5 parsecs", "2026-11-22", "tomorrow", "5mms"] {
            let text = bad.parse::<TimePoint>().unwrap_err().to_string();
            assert!(text.contains(&format!("'{bad}'")), "{text}");
        }
    }

    #[test]
    fn everything_survives_its_own_name_and_is_configured_by_number_or_text() {
        for text in ["12.5s", "3s", "0.000000007s", "2026-11-22T10:00:00Z"] {
            assert_eq!(text.parse::<TimePoint>().unwrap().to_string(), text);
        }
        let json = r#"{"from":1.5,"to":"2s","speed":2,"loop":"forever"}"#;
        let options: ReplayOptions = serde_json::from_str(json).unwrap();
        assert_eq!(options.from, Some(TimePoint::FromStart { nanos: 1_500_000_000 }));
        assert_eq!((options.speed, options.repeat), (Speed::Factor(2.0), Repeat::Forever));
        let again = serde_json::to_string(&options).unwrap();
        assert_eq!(serde_json::from_str::<ReplayOptions>(&again).unwrap(), options);
        assert_eq!(serde_json::from_str::<ReplayOptions>("{}").unwrap(), ReplayOptions::default());
        for bad in
            [r#"{"speed":0}"#, r#"{"speed":"fast"}"#, r#"{"loop":0}"#, r#"{"from":-1}"#, r#"{"until":1}"#]
        {
            assert!(serde_json::from_str::<ReplayOptions>(bad).is_err(), "{bad}");
        }
    }
}
