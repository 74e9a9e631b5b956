//! The way in: one run's detections, gaps, health and tracks.

use crate::groups::{Groups, Item, Shared, station_id};
use crate::layout::Station;
use crate::row::{Gap, TrackRow, ns_from_time};
use crate::schema::{self, transaction};
use crate::upkeep::{self, Keep, Upkept};
use crate::{Error, Folder, Result};
use crossbeam_channel::{Sender, TrySendError, bounded};
use rangegate_core::{Detection, Timestamp};
use rangegate_pipeline::{Stop, worker};
use rusqlite::{Connection, params};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
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
        schema::make(folder)?;
        // Before the database is opened: a repair may put another in its place.
        let lock = lock_to_write(folder)?;
        let connection = schema::open(folder)?;
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

    /// Gives a figure of the run's health up to a sample; whether it has a place. What is not a number is no figure, and
    /// has none.
    pub fn health(&mut self, time: Option<Timestamp>, sample: u64, name: &'static str, value: f64) -> bool {
        !value.is_nan()
            && self.give(Item::Health { time_ns: time.and_then(ns_from_time), sample, name, value })
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

/// What is held as long as a run lasts; there is nobody to wait for but a repair.
fn lock_to_write(folder: &Folder) -> Result<File> {
    let lock = folder.writer_lock()?;
    let failed = |error| Error::io(folder.path(), "lock", error);
    if lock.try_lock().is_ok() {
        // Nobody else writes.
        note_interrupted(&schema::open(folder)?, &folder.database())?;
        lock.unlock().map_err(failed)?;
    }
    lock.lock_shared().map_err(failed)?;
    Ok(lock)
}

/// Notes that runs without an end were interrupted, where nobody writes; how many.
pub(crate) fn note_interrupted(connection: &Connection, path: &Path) -> Result<usize> {
    let noted = connection.execute("UPDATE run SET status = 'interrupted' WHERE status = 'running'", []);
    noted.map_err(|error| Error::sqlite(path, "write", error))
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
