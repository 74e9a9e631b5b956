//! `detections.jsonl`: a detection a line.

use crate::Error;
use rangegate_core::{BoxError, Detection, Sink, Timestamp};
use serde::Serialize;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

/// A detection as its line has it: fields in the order of the contract.
#[derive(Serialize)]
pub struct Line<'a> {
    cpi: Option<u64>,
    sample: u64,
    sample_fraction: f64,
    time: Option<Nanoseconds>,
    channel: u32,
    template: &'a str,
    delay_s: Option<f64>,
    range_m: Option<f64>,
    doppler_hz: Option<f64>,
    velocity_mps: Option<f64>,
    azimuth_deg: Option<f64>,
    snr_db: f64,
    power_db: f64,
    after_gap: bool,
}

/// A time that is always written with nine digits behind the point.
struct Nanoseconds(Timestamp);

impl Serialize for Nanoseconds {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:.9}", self.0))
    }
}

impl<'a> From<&'a Detection> for Line<'a> {
    /// Of a detection whose numbers are rounded ([`Detection::rounded`]). Infinity and NaN become null.
    fn from(d: &'a Detection) -> Self {
        Self {
            cpi: d.cpi,
            sample: d.sample,
            sample_fraction: d.sample_fraction,
            time: d.time.map(Nanoseconds),
            channel: d.channel,
            template: &d.template,
            delay_s: d.delay_s,
            range_m: d.range_m,
            doppler_hz: d.doppler_hz,
            velocity_mps: d.velocity_mps,
            azimuth_deg: d.azimuth_deg,
            snr_db: d.snr_db,
            power_db: d.power_db,
            after_gap: d.after_gap,
        }
    }
}

/// Writes detections as JSON lines to anything that takes bytes. Allocates nothing for a detection.
pub struct DetectionWriter<W: Write> {
    out: BufWriter<W>,
    name: PathBuf,
    count: u64,
}

impl<W: Write> DetectionWriter<W> {
    /// A writer to `out`, which errors call `name`.
    pub fn new(out: W, name: impl Into<PathBuf>) -> Self {
        Self { out: BufWriter::with_capacity(1 << 16, out), name: name.into(), count: 0 }
    }

    /// Number of lines so far.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Writes one line.
    ///
    /// # Errors
    /// The disk is full, or nobody reads.
    pub fn write(&mut self, detection: &Detection) -> Result<(), Error> {
        let failed = |source| Error::io(&self.name, "write", source);
        serde_json::to_writer(&mut self.out, &Line::from(&detection.rounded()))
            .map_err(|error| failed(error.into()))?;
        self.out.write_all(b"\n").map_err(failed)?;
        self.count += 1;
        Ok(())
    }

    /// Hands everything written so far to the operating system.
    ///
    /// # Errors
    /// The disk is full, or nobody reads.
    pub fn flush(&mut self) -> Result<(), Error> {
        self.out.flush().map_err(|source| Error::io(&self.name, "write", source))
    }
}

impl<W: Write + Send> Sink<Detection> for DetectionWriter<W> {
    fn accept(&mut self, detection: &Detection) -> Result<(), BoxError> {
        Ok(self.write(detection)?)
    }

    fn finish(&mut self) -> Result<(), BoxError> {
        Ok(self.flush()?)
    }
}

/// The log of a run in a file. What was accepted is on its way to the disk also when the run ends early:
/// dropping the log flushes it.
pub type DetectionLog = DetectionWriter<File>;

impl DetectionLog {
    /// Creates the file, or empties it.
    ///
    /// # Errors
    /// It cannot be created.
    pub fn create(path: &Path) -> Result<Self, Error> {
        let file = File::create(path).map_err(|source| Error::io(path, "create", source))?;
        Ok(Self::new(file, path))
    }
}

/// Longest line that is read: far more than a detection needs.
pub const MAX_LINE: u64 = 1 << 16;

/// Reads a log.
///
/// # Errors
/// It cannot be read, or a line is no detection: the message names the line.
pub fn read_detections(path: &Path) -> Result<Vec<Detection>, Error> {
    detections_of(path)?.collect()
}

/// Reads a log one detection after the other.
///
/// # Errors
/// It cannot be opened. What is wrong later comes in the place of a detection, and is the last.
pub fn detections_of(path: &Path) -> Result<impl Iterator<Item = Result<Detection, Error>>, Error> {
    let file = File::open(path).map_err(|source| Error::io(path, "read", source))?;
    let (mut reader, mut line, mut number) = (BufReader::new(file), String::new(), 0);
    let path = path.to_owned();
    let mut next = move || -> Result<Option<Detection>, Error> {
        loop {
            line.clear();
            number += 1;
            let n = std::io::Read::take(&mut reader, MAX_LINE)
                .read_line(&mut line)
                .map_err(|source| Error::io(&path, "read", source))?;
            if n == 0 {
                return Ok(None);
            }
            if !line.trim().is_empty() {
                let read = serde_json::from_str(&line).map(Some);
                return read
                    .map_err(|error| Error::new(&path, format!("line {number} is no detection: {error}")));
            }
        }
    };
    let mut ended = false;
    Ok(std::iter::from_fn(move || {
        let read = if ended { None } else { next().transpose() };
        ended = !matches!(read, Some(Ok(_)));
        read
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(crate) fn detection() -> Detection {
        Detection {
            cpi: None,
            sample: 1_234_567,
            sample_fraction: 0.999_999,
            time: Some("2026-11-22T10:00:00.1234Z".parse().unwrap()),
            channel: 0,
            template: "chirp".into(),
            delay_s: Some(1.1e-4),
            range_m: None,
            doppler_hz: Some(-0.0001),
            velocity_mps: None,
            azimuth_deg: None,
            snr_db: 17.312_345,
            power_db: -41.0,
            after_gap: false,
        }
    }

    #[test]
    fn a_line_is_as_the_contract_says() {
        let mut out = Vec::new();
        let mut log = DetectionWriter::new(&mut out, "log");
        log.write(&detection()).unwrap();
        log.flush().unwrap();
        drop(log);
        let expected = concat!(
            r#"{"cpi":null,"sample":1234567,"sample_fraction":0.9999,"time":"2026-11-22T10:00:00.123400000Z","#,
            r#""channel":0,"template":"chirp","delay_s":0.00011,"range_m":null,"doppler_hz":0.0,"velocity_mps":null,"#,
            r#""azimuth_deg":null,"snr_db":17.312,"power_db":-41.0,"after_gap":false}"#,
            "\n"
        );
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("detections.jsonl");
        let mut log = DetectionLog::create(&path).unwrap();
        log.write(&detection()).unwrap();
        drop(log);
        let read = read_detections(&path).unwrap();
        assert_eq!(read[0].time, detection().time);
        assert_eq!(read.len(), 1);
        std::fs::write(&path, "{\"sample\": 1}\n").unwrap();
        assert!(read_detections(&path).unwrap_err().to_string().contains("line 1"));
    }

    #[test]
    fn a_full_disk_is_named() {
        let mut log = DetectionLog::create(Path::new("/dev/full")).unwrap();
        log.write(&detection()).unwrap();
        let message = log.flush().unwrap_err().to_string();
        assert!(message.contains("/dev/full") && message.contains("No space left"), "{message}");
    }

    #[test]
    fn the_schema_in_the_documents_is_the_one_of_the_type() {
        let generated = schemars::schema_for!(Detection);
        let generated = format!("{}\n", serde_json::to_string_pretty(&generated).unwrap());
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/detection.schema.json");
        if std::env::var_os("RANGEGATE_BLESS").is_some() {
            std::fs::write(&path, &generated).unwrap();
        }
        let written = std::fs::read_to_string(&path).unwrap();
        assert_eq!(written, generated, "remake it with RANGEGATE_BLESS=1 and raise DETECTION_SCHEMA_VERSION");
        let line = serde_json::to_value(Line::from(&detection())).unwrap();
        let schema: serde_json::Value = serde_json::from_str(&written).unwrap();
        let names = |value: &serde_json::Value| -> Vec<String> {
            value.as_object().unwrap().keys().cloned().collect()
        };
        assert_eq!(names(&line), names(&schema["properties"]));
    }
}
