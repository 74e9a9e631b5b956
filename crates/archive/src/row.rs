//! Rows: what the archive gives back.

use crate::layout::{HOUR_NS, Kind, Station};
use crate::table::{Type, Value};
use rangegate_core::{Detection, Timestamp};
use rusqlite::Row;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A detection, and where it is from.
#[derive(Clone, Debug, PartialEq)]
pub struct DetectionRow {
    /// Who saw it.
    pub station: Station,
    /// In which run of this archive.
    pub run: i64,
    /// Line of the run's `detections.jsonl`, from 0.
    pub number: i64,
    /// The detection, as that line has it.
    pub detection: Detection,
}

/// A track at one time, and where it is from.
#[derive(Clone, Debug, PartialEq)]
pub struct TrackRow {
    /// Who follows it.
    pub station: Station,
    /// In which run of this archive.
    pub run: i64,
    /// Line of the run's `tracks.jsonl`, from 0.
    pub number: i64,
    /// Time of the state, ns since 1970.
    pub time_ns: Option<i64>,
    /// What the line says, as far as it is asked for by name.
    pub state: TrackLine,
    /// The line itself, JSON.
    pub line: Arc<str>,
}

/// What of a line of `tracks.jsonl` the archive knows by name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TrackLine {
    /// Number of the track in its run.
    pub track: i64,
    /// Coherent processing interval.
    pub cpi: Option<u64>,
    /// Time of the state.
    pub time: Option<Timestamp>,
    /// Range, or half the bistatic path, m.
    pub range_m: Option<f64>,
    /// Range rate, m/s.
    pub range_rate_mps: Option<f64>,
    /// Degrees clockwise from north.
    pub azimuth_deg: Option<f64>,
    /// Degrees above the horizon.
    pub elevation_deg: Option<f64>,
    /// Place on or above the Earth.
    pub position: Option<Position>,
    /// Probability that the target exists, 0 to 1.
    pub quality: Option<f64>,
    /// The latest scan gave it no detection.
    pub coasting: Option<bool>,
    /// Detections that it took so far.
    pub hits: Option<i64>,
    /// Lines of `detections.jsonl` that the latest scan gave it.
    pub detections: Vec<i64>,
    /// Lines of `detections.jsonl` from which it was begun.
    pub begun_from: Vec<i64>,
}

/// A place on or above the Earth (WGS 84).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Position {
    /// Latitude, degrees.
    pub latitude_deg: Option<f64>,
    /// Longitude, degrees, positive east.
    pub longitude_deg: Option<f64>,
    /// Height over the ellipsoid, m.
    pub height_m: Option<f64>,
}

/// A run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunRow {
    /// Its number in this archive.
    pub run: i64,
    /// Whose.
    pub station: String,
    /// `running`, `done`, `stopped`, `failed`, or `interrupted` where a repair found it so.
    pub status: String,
    /// Where samples came from.
    pub source: String,
    /// Samples a second, Hz.
    pub sample_rate_hz: f64,
    /// Absolute index of the first sample.
    pub first_sample: u64,
    /// When it was taken, where that is known.
    pub start_time: Option<Timestamp>,
    /// Detections of the run, those included that were forgotten since.
    pub detections: i64,
    /// Lines of its `tracks.jsonl`.
    pub tracks: i64,
    /// Time of its first detection.
    pub first_time: Option<Timestamp>,
    /// Time of its latest detection.
    pub last_time: Option<Timestamp>,
    /// Rows that found no place in the queue, and are missing.
    pub dropped: i64,
}

/// Samples that a run lacks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gap {
    /// The run; what a [`crate::Writer`] is given need not say it.
    #[serde(default)]
    pub run: i64,
    /// Absolute index of the first that is missing.
    pub first_sample: u64,
    /// How many.
    pub samples: u64,
    /// When the gap began, where that is known.
    pub time: Option<Timestamp>,
}

/// One figure of a run's health at one time.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HealthRow {
    /// The run.
    pub run: i64,
    /// Time of the sample.
    pub time: Option<Timestamp>,
    /// Absolute index of the sample up to which it counts.
    pub sample: u64,
    /// What is counted or measured, unit last.
    pub name: String,
    /// How much.
    pub value: f64,
}

/// Nanoseconds since 1970; `None` beyond the years that 64 bits hold (1678 to 2261).
pub fn ns_from_time(time: Timestamp) -> Option<i64> {
    // The hours at both ends, of which 64 bits hold a part only, are none.
    let whole_hours = HOUR_NS - i64::MAX..i64::MAX - HOUR_NS;
    i64::try_from(time.as_nanosecond()).ok().filter(|time_ns| whole_hours.contains(time_ns))
}

/// The time of so many nanoseconds since 1970.
pub fn time_from_ns(time_ns: i64) -> Timestamp {
    // The calendar holds all of them.
    Timestamp::from_nanosecond(i128::from(time_ns)).unwrap_or_default()
}

/// Where a row stands among all others: by time (those without come first), run and number.
pub type Key = (Option<i64>, i64, i64);

/// Names by their numbers in the database.
pub(crate) type Names = BTreeMap<i64, Arc<str>>;

/// What both kinds of rows have in common.
pub trait Record: Sized + Clone {
    /// Their kind.
    const KIND: Kind;
    /// Their columns but the station, in order: in Parquet and CSV.
    const FIELDS: &'static [(&'static str, Type)];
    /// What is selected from the table to make one.
    #[doc(hidden)]
    const SELECTED: &'static str;

    /// Where it stands.
    fn key(&self) -> Key;
    /// Who saw it.
    fn station(&self) -> &Station;
    /// Its values, in the order of the columns, put behind what is in `values`.
    fn values(&self, values: &mut Vec<Value>);
    /// A row of its values; `None` where one is of another type.
    fn from_values(station: &Station, values: &mut dyn Iterator<Item = Value>) -> Option<Self>;
    /// A row of the database, as [`Self::SELECTED`] has it.
    #[doc(hidden)]
    fn from_sql(
        station: &Station,
        row: &Row<'_>,
        templates: &BTreeMap<i64, Arc<str>>,
    ) -> rusqlite::Result<Self>;
}

impl Record for DetectionRow {
    const KIND: Kind = Kind::Detections;
    const FIELDS: &'static [(&'static str, Type)] = &[
        ("run", Type::Int),
        ("number", Type::Int),
        ("time", Type::Time),
        ("cpi", Type::Count),
        ("sample", Type::Count),
        ("sample_fraction", Type::Real),
        ("channel", Type::Int),
        ("template", Type::Text),
        ("delay_s", Type::Real),
        ("range_m", Type::Real),
        ("doppler_hz", Type::Real),
        ("velocity_mps", Type::Real),
        ("azimuth_deg", Type::Real),
        ("snr_db", Type::Real),
        ("power_db", Type::Real),
        ("after_gap", Type::Flag),
    ];
    const SELECTED: &'static str = "run, number, time_ns, cpi, sample, sample_fraction, channel, template, delay_s, \
                                    range_m, doppler_hz, velocity_mps, azimuth_deg, snr_db, power_db, after_gap";

    fn key(&self) -> Key {
        (self.detection.time.and_then(ns_from_time), self.run, self.number)
    }

    fn station(&self) -> &Station {
        &self.station
    }

    fn values(&self, values: &mut Vec<Value>) {
        let d = &self.detection;
        values.extend([
            Value::Int(self.run),
            Value::Int(self.number),
            d.time.and_then(ns_from_time).map_or(Value::Null, Value::Time),
            d.cpi.map_or(Value::Null, Value::Count),
            Value::Count(d.sample),
            Value::Real(d.sample_fraction),
            Value::Int(i64::from(d.channel)),
            Value::Text(Arc::clone(&d.template)),
            Value::real(d.delay_s),
            Value::real(d.range_m),
            Value::real(d.doppler_hz),
            Value::real(d.velocity_mps),
            Value::real(d.azimuth_deg),
            Value::Real(d.snr_db),
            Value::Real(d.power_db),
            Value::Flag(d.after_gap),
        ]);
    }

    fn from_values(station: &Station, values: &mut dyn Iterator<Item = Value>) -> Option<Self> {
        let mut next = || values.next();
        Some(Self {
            station: station.clone(),
            run: next()?.int()?,
            number: next()?.int()?,
            detection: Detection {
                time: next()?.or_null(Value::time)?.map(time_from_ns),
                cpi: next()?.or_null(Value::count)?,
                sample: next()?.count()?,
                sample_fraction: next()?.number()?,
                channel: next()?.int()?.try_into().ok()?,
                template: next()?.text()?,
                delay_s: next()?.or_null(Value::number)?,
                range_m: next()?.or_null(Value::number)?,
                doppler_hz: next()?.or_null(Value::number)?,
                velocity_mps: next()?.or_null(Value::number)?,
                azimuth_deg: next()?.or_null(Value::number)?,
                snr_db: next()?.or_null(Value::number)?.unwrap_or(f64::NAN),
                power_db: next()?.or_null(Value::number)?.unwrap_or(f64::NAN),
                after_gap: next()?.flag()?,
            },
        })
    }

    fn from_sql(station: &Station, row: &Row<'_>, templates: &Names) -> rusqlite::Result<Self> {
        let template: i64 = row.get(7)?;
        Ok(Self {
            station: station.clone(),
            run: row.get(0)?,
            number: row.get(1)?,
            detection: Detection {
                time: row.get::<_, Option<i64>>(2)?.map(time_from_ns),
                cpi: row.get::<_, Option<i64>>(3)?.map(|cpi| cpi as u64),
                sample: row.get::<_, i64>(4)? as u64,
                sample_fraction: row.get(5)?,
                channel: row.get(6)?,
                template: templates.get(&template).cloned().unwrap_or_else(|| "?".into()),
                delay_s: row.get(8)?,
                range_m: row.get(9)?,
                doppler_hz: row.get(10)?,
                velocity_mps: row.get(11)?,
                azimuth_deg: row.get(12)?,
                snr_db: row.get::<_, Option<f64>>(13)?.unwrap_or(f64::NAN),
                power_db: row.get::<_, Option<f64>>(14)?.unwrap_or(f64::NAN),
                after_gap: row.get(15)?,
            },
        })
    }
}

impl TrackRow {
    /// A row of a line of `tracks.jsonl`.
    ///
    /// # Errors
    /// It is no JSON of a track.
    pub fn of_line(station: &Station, run: i64, number: i64, line: &str) -> serde_json::Result<Self> {
        // An object, not an array of a track's values, which would do as well.
        let state: serde_json::Map<String, serde_json::Value> = serde_json::from_str(line)?;
        let state: TrackLine = serde_json::from_value(state.into())?;
        let time_ns = state.time.and_then(ns_from_time);
        Ok(Self { station: station.clone(), run, number, time_ns, state, line: line.into() })
    }

    fn again(station: &Station, run: i64, number: i64, line: &str) -> Option<Self> {
        Self::of_line(station, run, number, line).ok()
    }
}

impl Record for TrackRow {
    const KIND: Kind = Kind::Tracks;
    const FIELDS: &'static [(&'static str, Type)] = &[
        ("run", Type::Int),
        ("number", Type::Int),
        ("time", Type::Time),
        ("track", Type::Int),
        ("cpi", Type::Count),
        ("range_m", Type::Real),
        ("range_rate_mps", Type::Real),
        ("azimuth_deg", Type::Real),
        ("elevation_deg", Type::Real),
        ("latitude_deg", Type::Real),
        ("longitude_deg", Type::Real),
        ("height_m", Type::Real),
        ("quality", Type::Real),
        ("coasting", Type::Flag),
        ("hits", Type::Int),
        ("line", Type::Text),
    ];
    const SELECTED: &'static str = "run, number, line";

    fn key(&self) -> Key {
        (self.time_ns, self.run, self.number)
    }

    fn station(&self) -> &Station {
        &self.station
    }

    fn values(&self, values: &mut Vec<Value>) {
        let state = &self.state;
        let position = state.position.unwrap_or_default();
        values.extend([
            Value::Int(self.run),
            Value::Int(self.number),
            self.time_ns.map_or(Value::Null, Value::Time),
            Value::Int(state.track),
            state.cpi.map_or(Value::Null, Value::Count),
            Value::real(state.range_m),
            Value::real(state.range_rate_mps),
            Value::real(state.azimuth_deg),
            Value::real(state.elevation_deg),
            Value::real(position.latitude_deg),
            Value::real(position.longitude_deg),
            Value::real(position.height_m),
            Value::real(state.quality),
            state.coasting.map_or(Value::Null, Value::Flag),
            state.hits.map_or(Value::Null, Value::Int),
            Value::Text(Arc::clone(&self.line)),
        ]);
    }

    fn from_values(station: &Station, values: &mut dyn Iterator<Item = Value>) -> Option<Self> {
        let (run, number) = (values.next()?.int()?, values.next()?.int()?);
        // The other columns are what the line says.
        let line = values.nth(Self::FIELDS.len() - 3)?.text()?;
        Self::again(station, run, number, &line)
    }

    fn from_sql(station: &Station, row: &Row<'_>, _: &Names) -> rusqlite::Result<Self> {
        let line: String = row.get(2)?;
        let made = Self::again(station, row.get(0)?, row.get(1)?, &line);
        made.ok_or_else(|| {
            rusqlite::Error::InvalidColumnType(2, "line".to_owned(), rusqlite::types::Type::Text)
        })
    }
}
