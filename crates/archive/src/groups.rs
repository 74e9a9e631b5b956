//! The thread that writes: rows in groups, each of which is on the disk before it is acknowledged.

use crate::layout::{MINUTE_NS, Station};
use crate::row::{Gap, Record, TrackRow, ns_from_time};
use crate::table::Value;
use crate::{Error, Result};
use crossbeam_channel::Receiver;
use rangegate_core::Detection;
use rusqlite::{Connection, Statement, params};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// What waits in the queue.
pub(crate) enum Item {
    /// With its number.
    Detection(i64, Detection),
    Gap(Gap),
    Health {
        time_ns: Option<i64>,
        sample: u64,
        name: &'static str,
        value: f64,
    },
    Track(Box<TrackRow>),
}

/// What producer and writer thread both see.
#[derive(Default)]
pub(crate) struct Shared {
    pub acknowledged: AtomicU64,
    pub closing: AtomicBool,
    pub failed: AtomicBool,
    pub error: Mutex<Option<Error>>,
}

/// The number of a station, which is given one where it has none.
pub(crate) fn station_id(connection: &Connection, station: &Station) -> rusqlite::Result<i64> {
    connection.execute("INSERT OR IGNORE INTO station(name) VALUES (?1)", [station.name()])?;
    connection.query_row("SELECT id FROM station WHERE name = ?1", [station.name()], |row| row.get(0))
}

/// Detections and the greatest SNR by minute.
pub(crate) type Density = BTreeMap<i64, (i64, f64)>;

/// The thread that writes.
pub(crate) struct Groups {
    connection: Connection,
    path: PathBuf,
    station: i64,
    run: i64,
    templates: BTreeMap<Arc<str>, i64>,
    density: Density,
    values: Vec<Value>,
}

impl Groups {
    pub fn new(connection: Connection, path: PathBuf, station: i64, run: i64) -> Self {
        let (templates, density, values) = (BTreeMap::new(), Density::new(), Vec::new());
        Self { connection, path, station, run, templates, density, values }
    }

    /// Commits what comes until the writer is closing and nothing is left, or the disk is full.
    pub fn run(mut self, items: &Receiver<Item>, shared: &Shared, every: Duration) -> Connection {
        loop {
            let is_closing = shared.closing.load(Ordering::Acquire);
            if !is_closing && items.len() <= items.capacity().unwrap_or(0) / 2 {
                std::thread::park_timeout(every);
            }
            // Only what is there now: a group has an end however fast others come.
            let n = items.len();
            if n > 0 {
                match self.commit(items, n) {
                    Ok(n) => {
                        shared.acknowledged.fetch_add(n, Ordering::Release);
                    }
                    Err(error) => {
                        *shared.error.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                        shared.failed.store(true, Ordering::Release);
                        return self.connection;
                    }
                }
            } else if is_closing {
                return self.connection;
            }
        }
    }

    fn commit(&mut self, items: &Receiver<Item>, n: usize) -> Result<u64> {
        let path = self.path.clone();
        let failed = |error| Error::sqlite(&path, "write", error);
        self.connection.execute_batch("BEGIN IMMEDIATE").map_err(failed)?;
        let done = self.insert(items, n).and_then(|n| self.connection.execute_batch("COMMIT").map(|()| n));
        if done.is_err() {
            let _ = self.connection.execute_batch("ROLLBACK");
            // What a rollback took back may be named again.
            self.templates.clear();
        }
        done.map_err(failed)
    }

    fn insert(&mut self, items: &Receiver<Item>, n: usize) -> rusqlite::Result<u64> {
        let (mut taken, mut detections) = (0, 0);
        let (mut first_ns, mut last_ns) = (i64::MAX, i64::MIN);
        while taken < n as u64
            && let Ok(item) = items.try_recv()
        {
            taken += 1;
            match item {
                Item::Detection(number, detection) => {
                    detections += 1;
                    if let Some(time_ns) = self.detection(number, &detection)? {
                        (first_ns, last_ns) = (first_ns.min(time_ns), last_ns.max(time_ns));
                    }
                }
                Item::Gap(gap) => self.gap(&gap)?,
                Item::Health { time_ns, sample, name, value } => {
                    let sql = "INSERT INTO health(run, time_ns, sample, name, value) VALUES (?, ?, ?, ?, ?)";
                    let row = params![self.run, time_ns, sample as i64, name, value];
                    self.connection.prepare_cached(sql)?.execute(row)?;
                }
                Item::Track(row) => self.track(&row)?,
            }
        }
        add_density(&self.connection, self.station, &self.density)?;
        self.density.clear();
        if detections > 0 {
            let sql = "UPDATE run SET detections = detections + ?2, first_ns = min(coalesce(first_ns, ?3), coalesce(?3, first_ns)),
                       last_ns = max(coalesce(last_ns, ?4), coalesce(?4, last_ns)) WHERE id = ?1";
            let (first, last) =
                if first_ns > last_ns { (None, None) } else { (Some(first_ns), Some(last_ns)) };
            self.connection.prepare_cached(sql)?.execute(params![self.run, detections, first, last])?;
        }
        Ok(taken)
    }

    fn detection(&mut self, number: i64, d: &Detection) -> rusqlite::Result<Option<i64>> {
        let time_ns = d.time.and_then(ns_from_time);
        if let Some(time_ns) = time_ns {
            let (n, max_snr_db) =
                self.density.entry(time_ns.div_euclid(MINUTE_NS)).or_insert((0, f64::NEG_INFINITY));
            (*n, *max_snr_db) = (*n + 1, max_snr_db.max(d.snr_db));
        }
        let template = match self.templates.get(&d.template) {
            Some(id) => *id,
            None => {
                let id = template_id(&self.connection, &d.template)?;
                self.templates.insert(Arc::clone(&d.template), id);
                id
            }
        };
        insert_detection(&self.connection, self.station, self.run, number, template, d)?;
        Ok(time_ns)
    }

    fn gap(&self, gap: &Gap) -> rusqlite::Result<()> {
        let sql = "INSERT INTO gap(run, first_sample, samples, time_ns) VALUES (?, ?, ?, ?)";
        let time_ns = gap.time.and_then(ns_from_time);
        let (first, samples) = (gap.first_sample as i64, gap.samples as i64);
        self.connection.prepare_cached(sql)?.execute(params![self.run, first, samples, time_ns]).map(drop)
    }

    fn track(&mut self, row: &TrackRow) -> rusqlite::Result<()> {
        self.values.clear();
        row.values(&mut self.values);
        insert_track(&self.connection, self.station, &self.values)
    }
}

pub(crate) fn template_id(connection: &Connection, name: &str) -> rusqlite::Result<i64> {
    connection.execute("INSERT OR IGNORE INTO template(name) VALUES (?1)", [name])?;
    connection.query_row("SELECT id FROM template WHERE name = ?1", [name], |row| row.get(0))
}

pub(crate) fn insert_detection(
    connection: &Connection,
    station: i64,
    run: i64,
    number: i64,
    template: i64,
    d: &Detection,
) -> rusqlite::Result<()> {
    let sql = "INSERT INTO detection(station, time_ns, run, number, cpi, sample, sample_fraction, channel, template,
               delay_s, range_m, doppler_hz, velocity_mps, azimuth_deg, snr_db, power_db, after_gap)
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    connection
        .prepare_cached(sql)?
        .execute(params![
            station,
            d.time.and_then(ns_from_time),
            run,
            number,
            d.cpi.map(|cpi| cpi as i64),
            d.sample as i64,
            d.sample_fraction,
            d.channel,
            template,
            d.delay_s,
            d.range_m,
            d.doppler_hz,
            d.velocity_mps,
            d.azimuth_deg,
            d.snr_db,
            d.power_db,
            d.after_gap
        ])
        .map(drop)
}

/// Inserts a track of its values, in the order of its fields.
pub(crate) fn insert_track(connection: &Connection, station: i64, values: &[Value]) -> rusqlite::Result<()> {
    let sql = "INSERT INTO track_update(station, run, number, time_ns, track, cpi, range_m, range_rate_mps, azimuth_deg,
               elevation_deg, latitude_deg, longitude_deg, height_m, quality, coasting, hits, line)
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    let mut statement = connection.prepare_cached(sql)?;
    statement.raw_bind_parameter(1, station)?;
    for (at, value) in values.iter().enumerate() {
        bind(&mut statement, at + 2, value)?;
    }
    statement.raw_execute().map(drop)
}

/// Binds a value to the parameter of this number, from 1.
pub(crate) fn bind(statement: &mut Statement<'_>, at: usize, value: &Value) -> rusqlite::Result<()> {
    match value {
        Value::Null => statement.raw_bind_parameter(at, rusqlite::types::Null),
        Value::Time(value) | Value::Int(value) => statement.raw_bind_parameter(at, value),
        Value::Count(value) => statement.raw_bind_parameter(at, *value as i64),
        Value::Real(value) => statement.raw_bind_parameter(at, value),
        Value::Flag(value) => statement.raw_bind_parameter(at, value),
        Value::Text(value) => statement.raw_bind_parameter(at, &**value),
    }
}

/// Adds to the detections a minute.
pub(crate) fn add_density(connection: &Connection, station: i64, density: &Density) -> rusqlite::Result<()> {
    let sql = "INSERT INTO density(station, minute, detections, max_snr_db) VALUES (?1, ?2, ?3, ?4)
               ON CONFLICT DO UPDATE SET detections = detections + ?3,
               max_snr_db = max(coalesce(max_snr_db, ?4), coalesce(?4, max_snr_db))";
    let mut statement = connection.prepare_cached(sql)?;
    for (minute, (n, max_snr_db)) in density {
        let max_snr_db = Some(*max_snr_db).filter(|snr_db| snr_db.is_finite());
        statement.execute(params![station, minute, n, max_snr_db])?;
    }
    Ok(())
}
