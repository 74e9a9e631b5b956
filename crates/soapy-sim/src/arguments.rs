//! Device arguments.

use crate::numbers::Number;
use rangegate_core::SampleRate;
use rangegate_recording::{OpenOptions, parse_si};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// All that there are.
const KNOWN: &[&str] = &[
    "driver",
    "serial",
    "label",
    "recording",
    "format",
    "scene",
    "loop",
    "channels",
    "native",
    "rate",
    "rate_min",
    "rate_max",
    "rates",
    "start_time",
    "hardware_time",
    "buffer_s",
    "speed",
    "paced",
    "overflow_every_s",
    "overflow_samples",
    "overflow_reported",
    "timeout_at_s",
    "timeout_for_s",
    "jump_at_s",
    "jump_s",
    "error_at_s",
    "unplug_at_s",
    "unplug_for_s",
];

/// SoapyRemote passes arguments of its own on to the radio.
const PASSED_ON: &[&str] = &["remote", "soapy_remote_no_deeper"];

/// Longest time of a fault, s: sample indices stay far from 64 bits.
const MAX_TIME_S: f64 = 1e9;

/// As SoapySDR hands them on.
pub(crate) type Pairs = BTreeMap<String, String>;

/// Which sample rates the radio has.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Rates {
    Between(f64, f64),
    /// Ascending, at least one.
    List(Vec<f64>),
}

impl Rates {
    /// The rate that the radio takes for one that is asked for.
    pub(crate) fn nearest(&self, hz: f64) -> Result<f64, String> {
        let (first, last) = self.ends();
        if !(first..=last).contains(&hz) {
            return Err(format!("sample rate is {hz} Hz, expected {}", self.sentence()));
        }
        Ok(match self {
            Self::Between(..) => hz,
            Self::List(rates) => {
                rates.iter().copied().min_by(|a, b| (a - hz).abs().total_cmp(&(b - hz).abs())).unwrap_or(hz)
            }
        })
    }

    pub(crate) fn ends(&self) -> (f64, f64) {
        match self {
            Self::Between(first, last) => (*first, *last),
            Self::List(rates) => (rates[0], rates[rates.len() - 1]),
        }
    }

    fn sentence(&self) -> String {
        match self {
            Self::Between(first, last) => format!("{first} to {last} Hz"),
            Self::List(rates) => {
                let rates: Vec<String> = rates.iter().map(f64::to_string).collect();
                format!("one of {} Hz", rates.join(", "))
            }
        }
    }
}

/// Faults on request, in seconds of the stream.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FaultArguments {
    /// Every so many seconds so many samples are lost.
    pub(crate) overflow: Option<(f64, u64)>,
    pub(crate) overflow_reported: bool,
    /// When, and how long.
    pub(crate) timeout: Option<(f64, f64)>,
    /// When, and by how much.
    pub(crate) jump: Option<(f64, f64)>,
    pub(crate) error: Option<f64>,
    /// When, and how long, or for good.
    pub(crate) unplug: Option<(f64, Option<f64>)>,
}

/// The arguments, checked one by one.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Arguments {
    pub(crate) serial: String,
    pub(crate) label: Option<String>,
    pub(crate) recording: Option<PathBuf>,
    pub(crate) open: OpenOptions,
    pub(crate) scene: Option<PathBuf>,
    pub(crate) looped: bool,
    pub(crate) n_channels: Option<usize>,
    pub(crate) native: Option<Number>,
    pub(crate) rate_hz: Option<f64>,
    pub(crate) rates: Rates,
    pub(crate) start_ns: Option<i64>,
    pub(crate) hardware_time: bool,
    pub(crate) buffer_s: f64,
    pub(crate) speed: f64,
    pub(crate) paced: bool,
    pub(crate) faults: FaultArguments,
}

/// Typed look-up.
struct Given<'a>(&'a Pairs);

impl Given<'_> {
    fn text(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    fn switch(&self, key: &str, default: bool) -> Result<bool, String> {
        match self.text(key) {
            None => Ok(default),
            Some("true" | "1") => Ok(true),
            Some("false" | "0") => Ok(false),
            Some(other) => Err(format!("argument '{key}' is '{other}', expected true or false")),
        }
    }

    /// A number between two, which both are permitted.
    fn number(&self, key: &str, min: f64, max: f64) -> Result<Option<f64>, String> {
        let Some(text) = self.text(key) else { return Ok(None) };
        let number = parse_si(text).map_err(|error| format!("argument '{key}': {error}"))?;
        if (min..=max).contains(&number) {
            Ok(Some(number))
        } else {
            Err(format!("argument '{key}' is {text}, expected {min} to {max}"))
        }
    }

    fn integer<T: std::str::FromStr>(&self, key: &str) -> Result<Option<T>, String> {
        let parse = |text: &str| {
            text.parse().map_err(|_| format!("argument '{key}' is '{text}', expected a whole number"))
        };
        self.text(key).map(parse).transpose()
    }

    /// A time of the stream.
    fn seconds(&self, key: &str) -> Result<Option<f64>, String> {
        self.number(key, 0.0, MAX_TIME_S)
    }

    /// `key` needs `other`.
    fn both<A, B>(
        &self,
        key: &str,
        a: Option<A>,
        other: &str,
        b: Option<B>,
    ) -> Result<Option<(A, B)>, String> {
        match (a, b) {
            (Some(a), Some(b)) => Ok(Some((a, b))),
            (None, None) => Ok(None),
            (Some(_), None) => Err(format!("argument '{key}' needs '{other}' beside it")),
            (None, Some(_)) => Err(format!("argument '{other}' needs '{key}' beside it")),
        }
    }
}

impl Arguments {
    pub(crate) fn parse(pairs: &Pairs) -> Result<Self, String> {
        if let Some(unknown) =
            pairs.keys().find(|key| !KNOWN.contains(&key.as_str()) && !PASSED_ON.contains(&key.as_str()))
        {
            return Err(format!("unknown argument '{unknown}': driver=rangegate knows {}", KNOWN.join(", ")));
        }
        let given = Given(pairs);
        let recording = given.text("recording").map(PathBuf::from);
        let scene = given.text("scene").map(PathBuf::from);
        if recording.is_some() && scene.is_some() {
            return Err("arguments 'recording' and 'scene' exclude each other".to_owned());
        }
        let n_channels = given.number("channels", 1.0, 16.0)?.map(|n| n as usize);
        if n_channels.is_some() && (recording.is_some() || scene.is_some()) {
            return Err(
                "argument 'channels' is for the built-in noise: a recording or a scene has its own".into()
            );
        }
        let rate_hz = given.number("rate", 1.0, 1e9)?;
        let mut open = given.text("format").map_or(Ok(OpenOptions::default()), OpenOptions::parse_format)?;
        open.sample_rate_hz = rate_hz.or(open.sample_rate_hz);
        Ok(Self {
            serial: serial(pairs),
            label: given.text("label").map(str::to_owned),
            recording,
            open,
            scene,
            looped: given.switch("loop", true)?,
            n_channels,
            native: given.text("native").map(native).transpose()?,
            rate_hz,
            rates: rates(&given)?,
            start_ns: given.integer("start_time")?,
            hardware_time: given.switch("hardware_time", true)?,
            buffer_s: given.number("buffer_s", 1e-3, 10.0)?.unwrap_or(0.1),
            speed: given.number("speed", 1e-3, 1e3)?.unwrap_or(1.0),
            paced: given.switch("paced", true)?,
            faults: FaultArguments::parse(&given)?,
        })
    }
}

impl FaultArguments {
    fn parse(given: &Given<'_>) -> Result<Self, String> {
        let every = given.number("overflow_every_s", 1e-6, MAX_TIME_S)?;
        let lost = given.integer("overflow_samples")?;
        let (unplug, back) = (given.seconds("unplug_at_s")?, given.seconds("unplug_for_s")?);
        if unplug.is_none() && back.is_some() {
            return Err("argument 'unplug_for_s' needs 'unplug_at_s' beside it".to_owned());
        }
        let jump = given.number("jump_s", -MAX_TIME_S, MAX_TIME_S)?;
        let (timeout, long) = (given.seconds("timeout_at_s")?, given.seconds("timeout_for_s")?);
        Ok(Self {
            overflow: given.both("overflow_every_s", every, "overflow_samples", lost)?,
            overflow_reported: given.switch("overflow_reported", true)?,
            timeout: given.both("timeout_at_s", timeout, "timeout_for_s", long)?,
            jump: given.both("jump_at_s", given.seconds("jump_at_s")?, "jump_s", jump)?,
            error: given.seconds("error_at_s")?,
            unplug: unplug.map(|at| (at, back)),
        })
    }
}

/// Which radio is meant.
pub(crate) fn serial(pairs: &Pairs) -> String {
    pairs.get("serial").map_or("sim0", String::as_str).to_owned()
}

fn native(text: &str) -> Result<Number, String> {
    match text {
        "CS8" => Ok(Number::Cs8),
        "CS16" => Ok(Number::Cs16),
        other => Err(format!("argument 'native' is '{other}', expected CS8 or CS16")),
    }
}

fn rates(given: &Given<'_>) -> Result<Rates, String> {
    let min = given.number("rate_min", 1.0, 1e9)?;
    let max = given.number("rate_max", 1.0, 1e9)?;
    let Some(list) = given.text("rates") else {
        let (min, max) = (min.unwrap_or(1e5), max.unwrap_or(1e8));
        if min > max {
            return Err(format!("argument 'rate_min' is {min} Hz, expected 'rate_max', {max} Hz, at most"));
        }
        return Ok(Rates::Between(min, max));
    };
    if min.is_some() || max.is_some() {
        return Err("arguments 'rates' and 'rate_min', 'rate_max' exclude each other".to_owned());
    }
    let mut rates = Vec::new();
    for text in list.split([';', ',', ' ']).filter(|text| !text.is_empty()) {
        let hz = parse_si(text).map_err(|error| format!("argument 'rates': {error}"))?;
        SampleRate::from_hz(hz).map_err(|error| format!("argument 'rates': {error}"))?;
        rates.push(hz);
    }
    rates.sort_unstable_by(f64::total_cmp);
    if rates.is_empty() {
        return Err("argument 'rates' is empty, expected a list such as 10M;20M".to_owned());
    }
    Ok(Rates::List(rates))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Arguments, String> {
        let pair = |pair: &str| {
            let (key, value) = pair.split_once('=').unwrap();
            (key.to_owned(), value.to_owned())
        };
        Arguments::parse(&text.split(' ').filter(|text| !text.is_empty()).map(pair).collect())
    }

    #[test]
    fn what_is_wrong_is_named_with_what_was_expected() {
        for (text, fragment) in [
            (
                "recoding=x",
                "unknown argument 'recoding': driver=rangegate knows driver, serial, label, recording",
            ),
            ("recording=a scene=b", "exclude each other"),
            ("recording=a channels=2", "'channels' is for the built-in noise"),
            ("channels=0", "'channels' is 0, expected 1 to 16"),
            ("native=CF32", "'native' is 'CF32', expected CS8 or CS16"),
            ("rate=fast", "argument 'rate': 'fast' is no number"),
            ("rates=10M;x", "argument 'rates': 'x' is no number"),
            ("rates=10M rate_min=1M", "exclude each other"),
            ("rate_min=2M rate_max=1M", "'rate_min' is 2000000 Hz, expected"),
            ("paced=perhaps", "'paced' is 'perhaps', expected true or false"),
            ("overflow_every_s=1", "'overflow_every_s' needs 'overflow_samples'"),
            ("jump_s=1", "'jump_s' needs 'jump_at_s'"),
            ("unplug_for_s=1", "'unplug_for_s' needs 'unplug_at_s'"),
            ("error_at_s=-1", "'error_at_s' is -1, expected 0 to"),
            ("start_time=now", "'start_time' is 'now', expected a whole number"),
            ("speed=nan", "'speed': 'nan' is no number"),
        ] {
            let error = parse(text).expect_err(text);
            assert!(error.contains(fragment), "{text}: {error}");
        }
    }

    #[test]
    fn rates_are_refused_or_become_the_nearest() {
        let list = parse("rates=20M;10M").unwrap().rates;
        assert_eq!(list, Rates::List(vec![10e6, 20e6]));
        assert_eq!(list.nearest(14e6), Ok(10e6));
        assert!(list.nearest(21e6).unwrap_err().contains("expected one of 10000000, 20000000 Hz"));
        let between = parse("").unwrap().rates;
        assert_eq!(between.nearest(14e6), Ok(14e6));
        assert!(between.nearest(f64::NAN).unwrap_err().contains("100000 to 100000000 Hz"));
    }
}
