//! The way in: one run's detections, gaps, health and tracks.

use crate::layout::{MINUTE_NS, Station};
use crate::row::{Gap, Record, TrackRow, ns_from_time};
use crate::schema::{self, transaction};
use crate::table::Value;
use crate::upkeep::{self, Keep, Upkept};
use crate::{Error, Folder, Result};
use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use rangegate_core::{Detection, Timestamp};
use rangegate_pipeline::{Stop, worker};
use rusqlite::{Connection, Statement, params};
use std::collections::BTreeMap;
use std::fs::File;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{JoinHandle, Thread};
use std::time::{Duration, Instant};

/// How a run is written.
#[derive(Clone, Debug)]
pub struct WriteOptions {
    /// Time between two groups, each of which is on the disk before it is acknowledged.
    pub commit_every: Duration,
    /// Rows that wait for their group at most.
    pub queue: usize,
    /// How long a row waits for a place before it is dropped and counted; `None`: until there is one.
    pub patience: Option<Duration>,
    /// What is sealed and forgotten meanwhile and at the end; `None`: nothing is.
    pub keep: Option<Keep>,
}

impl Default for WriteOptions {
    /// Groups every 150 ms, 131,072 rows (13 s of 10,000 a second), all of which find a place, and no upkeep.
    fn default() -> Self {
        Self { commit_every: Duration::from_millis(150), queue: 1 << 17, patience: None, keep: None }
    }
}

/// What is known of a run when it begins.
#[derive(Clone, Debug, PartialEq)]
pub struct RunStart {
    /// Whose.
    pub station: Station,
    /// Where samples come from.
    pub source: String,
    /// Samples a second, Hz.
    pub sample_rate_hz: f64,
    /// Absolute index of the first sample.
    pub first_sample: u64,
    /// When it was taken, where that is known.
    pub start_time: Option<Timestamp>,
    /// The configuration, JSON.
    pub configuration: String,
}

/// How a run ended.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ending {
    /// `done`, `stopped` or `failed`.
    pub status: String,
    /// The report, JSON.
    pub report: Option<String>,
}

/// What was written of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Written {
    /// The run's number in the archive.
    pub run: i64,
    /// Detections.
    pub detections: u64,
    /// Lines of tracks.
    pub tracks: u64,
    /// Rows that found no place in the queue in time, or came after the disk was full: they are missing.
    pub dropped: u64,
    /// Detections whose time 64 bits of nanoseconds do not hold (before 1678, after 2261).
    pub refused: u64,
}

/// What waits in the queue.
enum Item {
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
struct Shared {
    acknowledged: AtomicU64,
    closing: AtomicBool,
    failed: AtomicBool,
    error: Mutex<Option<Error>>,
}

/// Writes one run. Rows go through a bounded queue to a thread that commits them in groups; a row counts as
/// acknowledged when its group is on the disk, and survives whatever ends the process after that.
///
/// Giving a detection neither allocates nor locks.
pub struct Writer {
    sender: Sender<Item>,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<Connection>>,
    wake: Thread,
    upkeep: Option<JoinHandle<()>>,
    stop: Stop,
    _lock: File,
    folder: Folder,
    path: PathBuf,
    station: Station,
    options: WriteOptions,
    written: Written,
    accepted: u64,
    /// The number of the next detection; those that are dropped have one too.
    next_number: i64,
    /// The queue was full, and nobody waits for it until it is half empty.
    is_behind: bool,
}

impl Writer {
    /// Opens the archive, makes it where there is none, and notes that a run begins.
    ///
    /// # Errors
    /// The folder holds something else, the archive is of a newer version, damaged, or cannot be written.
    pub fn begin(folder: &Folder, run: &RunStart, options: WriteOptions) -> Result<Self> {
        let path = folder.database();
        let connection = schema::open(folder)?;
        let lock = folder.writer_lock()?;
        // As long as this run lasts; there is nobody to wait for but a repair.
        lock.lock_shared().map_err(|error| Error::io(folder.path(), "lock", error))?;
        let (station, id) = transaction(&connection, &path, || {
            note_start(&connection, run).map_err(|error| Error::sqlite(&path, "write", error))
        })?;
        let (sender, receiver) = bounded(options.queue.max(1));
        let shared = Arc::new(Shared::default());
        let spawn = |error: rangegate_pipeline::Error| Error::new(folder.path(), error.to_string());
        let group = Groups::new(connection, path.clone(), station, id);
        let (theirs, every) = (Arc::clone(&shared), options.commit_every);
        let thread = worker::start("archive", move || group.run(&receiver, &theirs, every)).map_err(spawn)?;
        let stop = Stop::new();
        let upkeep = options.keep.clone().map(|keep| {
            let (folder, stop) = (folder.clone(), stop.clone());
            worker::start("archive-keep", move || upkeep::run_until(&folder, &keep, &stop))
        });
        Ok(Self {
            sender,
            shared,
            wake: thread.thread().clone(),
            thread: Some(thread),
            upkeep: upkeep.transpose().map_err(spawn)?,
            stop,
            _lock: lock,
            folder: folder.clone(),
            path,
            station: run.station.clone(),
            options,
            written: Written { run: id, ..Written::default() },
            accepted: 0,
            next_number: 0,
            is_behind: false,
        })
    }

    /// Number of the run in the archive.
    pub fn run(&self) -> i64 {
        self.written.run
    }

    /// Gives the next detection; whether it has a place. Each has a number, also one that is dropped, so that numbers
    /// are lines of `detections.jsonl`.
    pub fn detection(&mut self, detection: &Detection) -> bool {
        let number = self.next_number;
        self.next_number += 1;
        if detection.time.is_some_and(|time| ns_from_time(time).is_none()) {
            self.written.refused += 1;
            return false;
        }
        let taken = self.give(Item::Detection(number, detection.rounded()));
        self.written.detections += u64::from(taken);
        taken
    }

    /// Gives a gap; whether it has a place.
    pub fn gap(&mut self, gap: Gap) -> bool {
        self.give(Item::Gap(gap))
    }

    /// Gives a figure of the run's health up to a sample; whether it has a place.
    pub fn health(&mut self, time: Option<Timestamp>, sample: u64, name: &'static str, value: f64) -> bool {
        self.give(Item::Health { time_ns: time.and_then(ns_from_time), sample, name, value })
    }

    /// Gives the next line of `tracks.jsonl`; whether it has a place.
    ///
    /// # Errors
    /// It is no line of a track.
    pub fn track(&mut self, line: &str) -> serde_json::Result<bool> {
        let number = self.written.tracks as i64;
        let row = TrackRow::of_line(&self.station, self.written.run, number, line)?;
        self.written.tracks += 1;
        Ok(self.give(Item::Track(Box::new(row))))
    }

    fn give(&mut self, item: Item) -> bool {
        let taken = !self.shared.failed.load(Ordering::Relaxed) && self.put(item);
        if taken {
            self.accepted += 1;
        } else {
            self.written.dropped += 1;
        }
        taken
    }

    fn put(&mut self, mut item: Item) -> bool {
        let half = self.options.queue / 2;
        let queued = self.sender.len();
        self.is_behind &= queued > half;
        if queued == half + 1 {
            // Sooner than its time, so that a burst finds room.
            self.wake.unpark();
        }
        let mut begun = None;
        loop {
            item = match self.sender.try_send(item) {
                Ok(()) => return true,
                Err(TrySendError::Full(item)) => item,
                Err(TrySendError::Disconnected(_)) => return false,
            };
            let waited = begun.get_or_insert_with(Instant::now).elapsed();
            if self.is_behind || self.options.patience.is_some_and(|patience| waited >= patience) {
                self.is_behind = true;
                return false;
            }
            if self.shared.failed.load(Ordering::Relaxed) {
                return false;
            }
            self.wake.unpark();
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Rows that have a place, of all kinds.
    pub fn accepted(&self) -> u64 {
        self.accepted
    }

    /// How many of these are on the disk, in the order in which they were accepted.
    pub fn acknowledged(&self) -> u64 {
        self.shared.acknowledged.load(Ordering::Acquire)
    }

    /// Rows that are missing so far.
    pub fn dropped(&self) -> u64 {
        self.written.dropped + self.written.refused
    }

    /// Detections that have a place.
    pub fn accepted_detections(&self) -> u64 {
        self.written.detections
    }

    /// Rows that wait for their group.
    pub fn queued(&self) -> usize {
        self.sender.len()
    }

    /// Waits until all that was accepted is on the disk.
    ///
    /// # Errors
    /// The disk is full.
    pub fn flush(&mut self) -> Result<()> {
        while self.acknowledged() < self.accepted {
            if self.shared.failed.load(Ordering::Relaxed) {
                return Err(self.error());
            }
            self.wake.unpark();
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }

    fn error(&self) -> Error {
        let held = self.shared.error.lock().unwrap_or_else(PoisonError::into_inner).take();
        held.unwrap_or_else(|| Error::new(&self.path, "the thread that writes has ended"))
    }

    /// Brings everything to the disk, notes how the run ended, and does the upkeep that was asked for.
    ///
    /// # Errors
    /// The disk is full, or the upkeep failed.
    pub fn finish(mut self, ending: &Ending) -> Result<(Written, Upkept)> {
        let flushed = self.flush();
        let connection = self.join();
        flushed?;
        let connection = connection.ok_or_else(|| self.error())?;
        let written = self.written;
        transaction(&connection, &self.path, || {
            let sql = "UPDATE run SET status = ?2, report = ?3, tracks = ?4, dropped = ?5 WHERE id = ?1";
            let (tracks, dropped) = (written.tracks as i64, (written.dropped + written.refused) as i64);
            let changed =
                connection.execute(sql, params![written.run, ending.status, ending.report, tracks, dropped]);
            changed.map(drop).map_err(|error| Error::sqlite(&self.path, "write", error))
        })?;
        drop(connection);
        let upkept = match &self.options.keep {
            Some(keep) => upkeep::upkeep(&self.folder, keep)?,
            None => Upkept::default(),
        };
        Ok((written, upkept))
    }

    /// Ends the threads.
    fn join(&mut self) -> Option<Connection> {
        self.stop.set();
        self.shared.closing.store(true, Ordering::Release);
        self.wake.unpark();
        if let Some(upkeep) = self.upkeep.take() {
            upkeep.thread().unpark();
            let _ = upkeep.join();
        }
        self.thread.take()?.join().ok()
    }
}

impl Drop for Writer {
    /// What was accepted is brought to the disk also where the run ends early.
    fn drop(&mut self) {
        self.join();
    }
}

fn note_start(connection: &Connection, run: &RunStart) -> rusqlite::Result<(i64, i64)> {
    let station = station_id(connection, &run.station)?;
    connection.execute(
        "INSERT INTO run(station, status, source, sample_rate_hz, first_sample, start_ns, configuration)
         VALUES (?1, 'running', ?2, ?3, ?4, ?5, ?6)",
        params![
            station,
            run.source,
            run.sample_rate_hz,
            run.first_sample as i64,
            run.start_time.and_then(ns_from_time),
            run.configuration
        ],
    )?;
    Ok((station, connection.last_insert_rowid()))
}

/// The number of a station, which is given one where it has none.
pub(crate) fn station_id(connection: &Connection, station: &Station) -> rusqlite::Result<i64> {
    connection.execute("INSERT OR IGNORE INTO station(name) VALUES (?1)", [station.name()])?;
    connection.query_row("SELECT id FROM station WHERE name = ?1", [station.name()], |row| row.get(0))
}

/// Detections and the greatest SNR by minute.
pub(crate) type Density = BTreeMap<i64, (i64, f64)>;

/// The thread that writes.
struct Groups {
    connection: Connection,
    path: PathBuf,
    station: i64,
    run: i64,
    templates: BTreeMap<Arc<str>, i64>,
    density: Density,
    values: Vec<Value>,
}

impl Groups {
    fn new(connection: Connection, path: PathBuf, station: i64, run: i64) -> Self {
        let (templates, density, values) = (BTreeMap::new(), Density::new(), Vec::new());
        Self { connection, path, station, run, templates, density, values }
    }

    /// Commits what comes until the writer is closing and nothing is left, or the disk is full.
    fn run(mut self, items: &Receiver<Item>, shared: &Shared, every: Duration) -> Connection {
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
                    // What is not a number is no health.
                    let value = if value.is_nan() { 0.0 } else { value };
                    self.connection.prepare_cached(sql)?.execute(params![
                        self.run,
                        time_ns,
                        sample as i64,
                        name,
                        value
                    ])?;
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
