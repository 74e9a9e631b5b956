//! The description: JSON, checked field by field.

use crate::error::{Error, Result};
use crate::flat::frame_bytes;
use rangegate_core::{SampleFormat, SampleRate, Timestamp};
use serde_json::{Map, Value};
use std::fmt;
use std::path::Path;

/// Extensions that only describe: samples are read rightly without knowing them, even where a file declares
/// them as required.
const DESCRIPTIVE_EXTENSIONS: [&str; 8] =
    ["adsb", "antenna", "capture_details", "rangegate", "signal", "spatial", "traceability", "wifi"];

/// A description whose fields are of the right type and in their ranges.
#[derive(Debug)]
pub(super) struct Meta {
    pub format: SampleFormat,
    pub n_channels: usize,
    pub sample_rate: Option<SampleRate>,
    pub offset: u64,
    pub trailing_bytes: u64,
    pub dataset: Option<String>,
    pub metadata_only: bool,
    pub sha512: Option<String>,
    /// At least one, by rising `sample_start`.
    pub captures: Vec<Capture>,
    pub notes: Vec<Note>,
    /// The document itself; of the annotations only those that hold more than [`Note`] does.
    pub document: Value,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Capture {
    pub sample_start: u64,
    pub global_index: Option<u64>,
    pub header_bytes: u64,
    pub frequency_hz: Option<f64>,
    pub datetime: Option<DateTime>,
    pub after_gap: bool,
}

/// A time, and how finely it was written down.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct DateTime {
    pub time: Timestamp,
    pub resolution_ns: i128,
}

/// An annotation; `sample_start` counts like that of the captures.
#[derive(Debug)]
pub(super) struct Note {
    pub sample_start: u64,
    pub sample_count: Option<u64>,
    pub frequency_hz: Option<(f64, f64)>,
    pub label: Option<String>,
    pub comment: Option<String>,
}

const NOTE_FIELDS: [&str; 6] = [
    "core:sample_start",
    "core:sample_count",
    "core:freq_lower_edge",
    "core:freq_upper_edge",
    "core:label",
    "core:comment",
];

/// Reads a description.
///
/// # Errors
/// It is not JSON, or a field is missing, of the wrong type or out of its range.
pub(super) fn parse(path: &Path, json: &[u8]) -> Result<Meta> {
    let json = json.strip_prefix(b"\xef\xbb\xbf").unwrap_or(json); // the byte order mark of some editors
    let mut document: Value =
        serde_json::from_slice(json).map_err(|error| Error::new(path, format!("is not JSON: {error}")))?;
    let Some(top) = document.as_object_mut() else {
        return Err(Error::new(path, format!("is {}, expected a JSON object", Found(&document))));
    };

    let captures = list(path, top, "captures", Capture::from_fields)?;
    if let Some(index) = captures.windows(2).position(|pair| pair[1].sample_start < pair[0].sample_start) {
        let field = format!("captures[{}].core:sample_start", index + 1);
        let expected = format!("at least {}, that of the capture before", captures[index].sample_start);
        return Err(Error::field(path, &field, captures[index + 1].sample_start, expected));
    }
    let notes = list(path, top, "annotations", Note::from_fields)?;
    if let Some(Value::Array(items)) = top.get_mut("annotations") {
        let knows_all = |item: &Map<_, _>| item.keys().all(|key| NOTE_FIELDS.contains(&key.as_str()));
        items.retain(|item| !item.as_object().is_some_and(knows_all));
    }
    let global = match top.get("global") {
        Some(Value::Object(object)) => Fields { path, section: "global", index: None, object },
        Some(other) => return Err(Error::field(path, "global", Found(other), "an object")),
        None => return Err(Error::missing(path, "global", "an object")),
    };
    check_version(&global)?;
    check_extensions(&global)?;
    let format = global.require("core:datatype", datatype, DATATYPES)?;
    let channels = global.get("core:num_channels", whole, "a whole number of channels")?.unwrap_or(1);
    let n_channels = usize::try_from(channels).unwrap_or(usize::MAX);
    frame_bytes(path, "global.core:num_channels", format, n_channels)?;
    Ok(Meta {
        format,
        n_channels,
        sample_rate: global.get("core:sample_rate", rate, "a number of Hz above zero, below 1e18")?,
        offset: global.get("core:offset", whole, INDEX)?.unwrap_or(0),
        trailing_bytes: global.get("core:trailing_bytes", whole, "a number of bytes")?.unwrap_or(0),
        dataset: global.get("core:dataset", file_name, "the name of a file in the same folder")?,
        metadata_only: global.get("core:metadata_only", Value::as_bool, "true or false")?.unwrap_or(false),
        sha512: global.get("core:sha512", sha512, "128 hexadecimal digits")?,
        captures: if captures.is_empty() { vec![Capture::default()] } else { captures },
        notes,
        document,
    })
}

/// A value as a message shows it: text and numbers as they are, larger things by their size.
struct Found<'a>(&'a Value);

impl fmt::Display for Found<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Value::Array(items) => write!(f, "an array of {}", items.len()),
            Value::Object(object) => write!(f, "an object of {} fields", object.len()),
            Value::String(text) if text.chars().count() > 40 => {
                write!(f, "a string of {} characters", text.chars().count())
            }
            small => write!(f, "{small}"),
        }
    }
}

const DATATYPES: &str =
    "a SigMF datatype: r or c, then f32 f64 i8 i16 i32 i64 u8 u16 u32 or u64, then _le or _be, as in cf32_le";
const INDEX: &str = "a whole number from 0 to 2^63 - 1";
const HERTZ: &str = "a number of Hz";

/// One object of the description, and what messages call it.
struct Fields<'a> {
    path: &'a Path,
    section: &'static str,
    index: Option<usize>,
    object: &'a Map<String, Value>,
}

impl Fields<'_> {
    fn name(&self, key: &str) -> String {
        match self.index {
            Some(index) => format!("{}[{index}].{key}", self.section),
            None => format!("{}.{key}", self.section),
        }
    }

    fn get<T>(&self, key: &str, read: impl Fn(&Value) -> Option<T>, expected: &str) -> Result<Option<T>> {
        let Some(value) = self.object.get(key) else { return Ok(None) };
        match read(value) {
            Some(value) => Ok(Some(value)),
            None => Err(Error::field(self.path, &self.name(key), Found(value), expected)),
        }
    }

    fn require<T>(&self, key: &str, read: impl Fn(&Value) -> Option<T>, expected: &str) -> Result<T> {
        self.get(key, read, expected)?.ok_or_else(|| Error::missing(self.path, &self.name(key), expected))
    }

    fn text(&self, key: &str) -> Result<Option<String>> {
        self.get(key, |value| value.as_str().map(str::to_owned), "a string")
    }
}

fn list<T>(
    path: &Path,
    top: &Map<String, Value>,
    section: &'static str,
    read: impl Fn(&Fields<'_>) -> Result<T>,
) -> Result<Vec<T>> {
    let items = match top.get(section) {
        Some(Value::Array(items)) => items,
        Some(other) => return Err(Error::field(path, section, Found(other), "an array of objects")),
        None => return Err(Error::missing(path, section, "an array of objects")),
    };
    let read_item = |(index, item): (usize, &Value)| match item {
        Value::Object(object) => read(&Fields { path, section, index: Some(index), object }),
        other => Err(Error::field(path, &format!("{section}[{index}]"), Found(other), "an object")),
    };
    items.iter().enumerate().map(read_item).collect()
}

impl Capture {
    fn from_fields(fields: &Fields<'_>) -> Result<Self> {
        Ok(Self {
            sample_start: fields.require("core:sample_start", whole, INDEX)?,
            global_index: fields.get("core:global_index", whole, INDEX)?,
            header_bytes: fields.get("core:header_bytes", whole, "a number of bytes")?.unwrap_or(0),
            frequency_hz: fields.get("core:frequency", Value::as_f64, HERTZ)?,
            datetime: fields.get(
                "core:datetime",
                datetime,
                "a time in UTC such as 2026-11-22T10:00:00.5Z",
            )?,
            after_gap: fields.get("rangegate:after_gap", Value::as_bool, "true or false")?.unwrap_or(false),
        })
    }
}

impl Note {
    fn from_fields(fields: &Fields<'_>) -> Result<Self> {
        let edge = |key| fields.get(key, Value::as_f64, HERTZ);
        let missing = |key| Error::missing(fields.path, &fields.name(key), "both edges or neither");
        let frequency_hz = match (edge("core:freq_lower_edge")?, edge("core:freq_upper_edge")?) {
            (Some(lower), Some(upper)) => Some((lower, upper)),
            (None, None) => None,
            (Some(_), None) => return Err(missing("core:freq_upper_edge")),
            (None, Some(_)) => return Err(missing("core:freq_lower_edge")),
        };
        Ok(Self {
            sample_start: fields.require("core:sample_start", whole, INDEX)?,
            sample_count: fields.get("core:sample_count", whole, INDEX)?,
            frequency_hz,
            label: fields.text("core:label")?,
            comment: fields.text("core:comment")?,
        })
    }
}

fn check_version(global: &Fields<'_>) -> Result<()> {
    let known = |value: &Value| {
        let text = value.as_str()?;
        let major = text.strip_prefix('v').unwrap_or(text).split('.').next()?;
        major.parse::<u32>().is_ok_and(|major| major < 2).then_some(())
    };
    global.require("core:version", known, "the SigMF version, 1.x.y or older, as in \"1.2.0\"")
}

fn check_extensions(global: &Fields<'_>) -> Result<()> {
    // Versions before 1.0 had an object here; it has no word on what is required.
    let Some(Value::Array(extensions)) = global.object.get("core:extensions") else { return Ok(()) };
    for extension in extensions {
        let name = extension["name"].as_str().unwrap_or_default();
        let descriptive = DESCRIPTIVE_EXTENSIONS.iter().any(|known| name.split(':').next() == Some(known));
        if extension["optional"] == Value::Bool(false) && !descriptive {
            let found = format!("requiring the extension \"{name}\"");
            let expected = "only optional extensions, or those that merely describe";
            return Err(Error::field(global.path, "global.core:extensions", found, expected));
        }
    }
    Ok(())
}

/// A whole number that fits 63 bits, written as JSON likes: `1000`, `1000.0` or `1e3`.
fn whole(value: &Value) -> Option<u64> {
    let number = value.as_u64().or_else(|| {
        value.as_f64().filter(|x| x.fract() == 0.0 && (0.0..9e15).contains(x)).map(|x| x as u64)
    })?;
    (number <= i64::MAX as u64).then_some(number)
}

fn rate(value: &Value) -> Option<SampleRate> {
    SampleRate::from_hz(value.as_f64()?).ok()
}

fn datatype(value: &Value) -> Option<SampleFormat> {
    let text = value.as_str()?;
    // The parser knows short names of other tools too; SigMF's are one letter, then f, i or u.
    let is_sigmf = matches!(text.as_bytes(), [b'c' | b'r', b'f' | b'i' | b'u', ..]);
    is_sigmf.then(|| text.parse().ok()).flatten()
}

/// The name of a file, and of nothing outside the folder.
fn file_name(value: &Value) -> Option<String> {
    let text = value.as_str()?;
    let is_name = !text.is_empty() && text != "." && text != ".." && !text.contains(['/', '\\', '\0']);
    is_name.then(|| text.to_owned())
}

fn sha512(value: &Value) -> Option<String> {
    let text = value.as_str()?;
    (text.len() == 128 && text.bytes().all(|c| c.is_ascii_hexdigit())).then(|| text.to_owned())
}

/// Reads a time. The specification allows any number of digits behind the point; those past nanoseconds are
/// dropped. A time without the `Z` that is required is taken as what it can only be, UTC.
fn datetime(value: &Value) -> Option<DateTime> {
    let text = value.as_str()?.trim_end_matches(['Z', 'z']);
    let text = text.strip_suffix("+00:00").unwrap_or(text);
    let (seconds, digits) = text.split_once('.').unwrap_or((text, ""));
    if !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let digits = &digits[..digits.len().min(9)];
    let time = format!("{seconds}.{digits:0<1}Z").parse().ok()?;
    Some(DateTime { time, resolution_ns: 10_i128.pow(9 - digits.len() as u32) })
}
