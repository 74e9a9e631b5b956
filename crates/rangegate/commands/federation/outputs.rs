//! What a station or a centre leaves: lines in files, an archive, what the web view shows.

use anyhow::{Context, Result};
use rangegate_archive::{Ending, Folder, Keep, RunStart, WriteOptions, Writer};
use rangegate_core::{Detection, Timestamp};
use rangegate_exchange::asterix::report::{Kind as Report, TargetReport};
use rangegate_federation::message::{Heard, Kind};
use rangegate_federation::site::SiteConfig;
use rangegate_fusion::FusedTrack;
use rangegate_tracking::{Geodetic, Measurement};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// Lines of JSON in a file.
pub struct Lines {
    path: PathBuf,
    out: BufWriter<File>,
}

impl Lines {
    /// A new file.
    pub fn create(path: &Path) -> Result<Self> {
        let file = File::create(path).with_context(|| format!("cannot create {}", path.display()))?;
        Ok(Self { path: path.to_owned(), out: BufWriter::new(file) })
    }

    /// A line.
    pub fn write(&mut self, line: &impl serde::Serialize) -> Result<()> {
        serde_json::to_writer(&mut self.out, line)?;
        self.out.write_all(b"\n").with_context(|| format!("cannot write {}", self.path.display()))
    }

    /// Whoever reads along sees what came so far.
    pub fn flush(&mut self) -> Result<()> {
        self.out.flush().with_context(|| format!("cannot write {}", self.path.display()))
    }
}

/// The archive of a station or a centre: a run for each whose reports these are.
pub struct Archives {
    folder: Folder,
    writers: BTreeMap<String, Writer>,
}

impl Archives {
    /// An archive in a folder.
    pub fn new(folder: &Path) -> Self {
        Self { folder: Folder::new(folder), writers: BTreeMap::new() }
    }

    /// Whose reports: `station` of `owner`.
    fn writer(&mut self, owner: &str, station: &str, time: Timestamp) -> Result<&mut Writer> {
        if !self.writers.contains_key(station) {
            let run = RunStart {
                station: station.parse().map_err(anyhow::Error::msg)?,
                source: format!("{owner}/{station}"),
                sample_rate_hz: 1e9,
                first_sample: 0,
                start_time: Some(time),
                configuration: json!({ "owner": owner, "station": station }).to_string(),
            };
            let options = WriteOptions { keep: Some(Keep::default()), ..WriteOptions::default() };
            let writer = Writer::begin(&self.folder, &run, options).context("the archive")?;
            self.writers.insert(station.to_owned(), writer);
        }
        Ok(self.writers.get_mut(station).expect("it was put there"))
    }

    /// A detection.
    pub fn detection(&mut self, owner: &str, station: &str, detection: &Detection) -> Result<()> {
        let time = detection.time.unwrap_or_default();
        // What finds no place is counted by the writer.
        let _ = self.writer(owner, station, time)?.detection(detection);
        Ok(())
    }

    /// A track in the form of a line of `tracks.jsonl`.
    pub fn track(
        &mut self,
        owner: &str,
        station: &str,
        time: Timestamp,
        line: &Map<String, Value>,
    ) -> Result<()> {
        let line = serde_json::to_string(line)?;
        // What finds no place is counted by the writer.
        let _ = self.writer(owner, station, time)?.track(&line)?;
        Ok(())
    }

    /// Brings what came so far to the disk.
    pub fn flush(&mut self) -> Result<()> {
        self.writers.values_mut().try_for_each(|writer| writer.flush()).context("the archive")
    }

    /// Ends the runs.
    pub fn finish(self) -> Result<()> {
        for (_, writer) in self.writers {
            writer.finish(&Ending { status: "done".to_owned(), report: None }).context("the archive")?;
        }
        Ok(())
    }
}

/// A measurement as a detection, as the archive and `detections.jsonl` hold it.
pub fn detection_of(scan: u64, time: Timestamp, measurement: &Measurement) -> Detection {
    Detection {
        cpi: Some(scan),
        sample: u64::try_from(time.as_nanosecond()).unwrap_or(0),
        sample_fraction: 0.0,
        time: Some(time),
        channel: 0,
        template: "plot".into(),
        delay_s: None,
        range_m: measurement.range_m,
        doppler_hz: None,
        velocity_mps: measurement.range_rate_mps,
        azimuth_deg: measurement.azimuth_deg,
        snr_db: measurement.snr_db,
        power_db: 0.0,
        after_gap: false,
    }
    .rounded()
}

/// Tracks of a station are shown under numbers of their own: so many apart.
const NUMBERS: u64 = 1_000_000;

/// The number under which a station's track is shown beside those of others; `place` counts the stations from 1.
pub fn shown_number(place: usize, number: u64) -> u64 {
    place as u64 * NUMBERS + number % NUMBERS
}

/// A fused track in the form of a line of `tracks.jsonl`.
pub fn fused_line(track: &FusedTrack) -> Map<String, Value> {
    let mut line = of_state(track.id, track.time, &track.state, &track.covariance, &track.position);
    line.insert("owner".to_owned(), "centre".into());
    line.insert("fused".to_owned(), true.into());
    line.insert("kind".to_owned(), json!(track.kind));
    line.insert("coasting".to_owned(), track.coasting.into());
    line.insert("ended".to_owned(), track.is_last.into());
    line.insert("contributors".to_owned(), json!(track.contributors));
    line
}

fn of_state(
    number: u64,
    time: Timestamp,
    state: &[f64; 6],
    covariance: &[[f64; 6]; 6],
    position: &Geodetic,
) -> Map<String, Value> {
    let line = json!({
        "track": number,
        "time": format!("{time:.9}"),
        "space": "earth",
        "state": state,
        "covariance": covariance,
        "position": position,
    });
    match line {
        Value::Object(line) => line,
        _ => Map::new(),
    }
}

/// What a message of detections says, as detections.
pub fn detections_of(heard: &Heard, site: &SiteConfig, reports: &[TargetReport]) -> Vec<Detection> {
    let station = site.reporting();
    let named = |report: &TargetReport| Detection {
        template: site.name.as_str().into(),
        ..report.detection(&station, heard.envelope.time).rounded()
    };
    if heard.kind == Kind::Detections { reports.iter().map(named).collect() } else { Vec::new() }
}

/// What a message of tracks says, in the form of lines of `tracks.jsonl`; `shown` gives the numbers.
pub fn track_lines(
    heard: &Heard,
    site: &SiteConfig,
    reports: &[TargetReport],
    shown: impl Fn(u64) -> u64,
) -> Vec<Map<String, Value>> {
    let mut lines = Vec::new();
    for report in reports {
        let Some(number) = report.number else { continue };
        let time = heard.envelope.time_of(report.time_of_day_s);
        let state = report.state.as_ref();
        let full = state.and_then(|of| Some((of.ecef()?, of.ecef_covariance()?, of.position()?)));
        let mut line = match full {
            Some((ecef, covariance, position)) => {
                let state: [f64; 6] = std::array::from_fn(|i| ecef[i]);
                let covariance = std::array::from_fn(|i| std::array::from_fn(|j| covariance[(i, j)]));
                of_state(shown(number.into()), time, &state, &covariance, &position)
            }
            None => {
                let position = state.and_then(|of| of.position());
                let mut line = Map::new();
                line.insert("track".to_owned(), shown(number.into()).into());
                line.insert("time".to_owned(), format!("{time:.9}").into());
                line.insert("position".to_owned(), json!(position));
                line
            }
        };
        let measurement = report.measurement(&site.reporting());
        line.insert("range_m".to_owned(), json!(measurement.range_m));
        line.insert("range_rate_mps".to_owned(), json!(measurement.range_rate_mps));
        line.insert("azimuth_deg".to_owned(), json!(measurement.azimuth_deg));
        line.insert("coasting".to_owned(), report.is_coasting.into());
        line.insert("ended".to_owned(), (report.kind == Report::TrackEnd).into());
        line.insert("owner".to_owned(), site.owner.as_str().into());
        line.insert("station".to_owned(), site.name.as_str().into());
        line.insert("number".to_owned(), number.into());
        lines.push(line);
    }
    lines
}
