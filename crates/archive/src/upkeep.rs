//! What is done to an archive beside writing: closed hours are sealed, what is too old or too much is forgotten.

use crate::layout::{HOUR_NS, MINUTE_NS, Part, Station, begin_of, hour_of};
use crate::schema::{self, transaction};
#[cfg(feature = "parquet")]
use crate::seal;
use crate::{Error, Folder, Kind, Reader, Result, repair};
use rangegate_pipeline::Stop;
use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

/// An hour is closed when something this much later came.
const GRACE_NS: i64 = 2 * MINUTE_NS;

/// Time between two rounds while a run goes on.
const ROUND: Duration = Duration::from_secs(30);

/// Rows that are forgotten in one transaction, so that who writes waits for a fraction of a second only.
const CHUNK: i64 = 50_000;

/// Which hours are sealed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Seal {
    /// None.
    None,
    /// Those that are over: something came that is two minutes later than their end.
    #[default]
    Closed,
    /// All, also the latest.
    All,
}

/// What is kept, and how.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Keep {
    /// Which hours are sealed.
    pub seal: Seal,
    /// Hours that are over for so many days are forgotten, counted from the newest row, or from now where that lies in
    /// the future (a wrong clock must not cost the archive).
    pub days: Option<f64>,
    /// The oldest hours are forgotten while the archive is larger; the newest stays.
    pub bytes: Option<u64>,
}

/// What was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Upkept {
    /// Files that were sealed, and rows in them.
    pub sealed_files: u64,
    /// See `sealed_files`.
    pub sealed_rows: u64,
    /// Sealed files that were removed.
    pub forgotten_files: u64,
    /// Rows in them, and from the database.
    pub forgotten_rows: u64,
}

/// Seals and forgets. Waits while another does so.
///
/// # Errors
/// The disk is full, the archive is damaged, or hours are to be sealed and this build knows no Parquet.
pub fn upkeep(folder: &Folder, keep: &Keep) -> Result<Upkept> {
    schema::make(folder)?;
    // Before the database is opened: a repair may put another in its place.
    let lock = folder.upkeep_lock()?;
    lock.lock().map_err(|error| Error::io(folder.path(), "lock", error))?;
    let connection = schema::open(folder)?;
    Round { folder, connection: &connection, stop: &Stop::new(), done: Upkept::default() }.run(keep)
}

/// Seals and forgets now and then until `stop` is set. What goes wrong is tried again at the next round, and told by
/// the last one, which is the caller's.
pub(crate) fn run_until(folder: &Folder, keep: &Keep, stop: &Stop) {
    let mut round = Instant::now() + ROUND;
    while !stop.is_set() {
        std::thread::park_timeout(round.saturating_duration_since(Instant::now()));
        if Instant::now() < round {
            continue;
        }
        let once = || -> Result<()> {
            let lock = folder.upkeep_lock()?;
            if lock.try_lock().is_ok() {
                let connection = schema::open(folder)?;
                Round { folder, connection: &connection, stop, done: Upkept::default() }.run(keep)?;
            }
            Ok(())
        };
        let _ = once();
        round = Instant::now() + ROUND;
    }
}

struct Round<'a> {
    folder: &'a Folder,
    connection: &'a Connection,
    stop: &'a Stop,
    done: Upkept,
}

impl Round<'_> {
    fn run(mut self, keep: &Keep) -> Result<Upkept> {
        repair::settle(self.folder, self.connection)?;
        if keep.seal != Seal::None {
            self.seal(keep.seal == Seal::All)?;
        }
        if let Some(days) = keep.days {
            self.forget_older(days)?;
        }
        if let Some(bytes) = keep.bytes {
            self.forget_more_than(bytes)?;
        }
        if keep.days.is_some() || keep.bytes.is_some() {
            self.give_back()?;
        }
        Ok(self.done)
    }

    fn failed(&self, error: rusqlite::Error) -> Error {
        Error::sqlite(&self.folder.database(), "write", error)
    }

    fn int(&self, sql: &str, values: impl rusqlite::Params) -> Result<Option<i64>> {
        let mut statement = self.connection.prepare_cached(sql).map_err(|error| self.failed(error))?;
        statement.query_row(values, |row| row.get(0)).map_err(|error| self.failed(error))
    }

    fn stations(&self) -> Result<Vec<(i64, Station)>> {
        Ok(Reader::open(self.folder.path())?.stations()?.into_iter().collect())
    }

    /// Time of the newest row of a station.
    fn newest_ns(&self, station: i64) -> Result<Option<i64>> {
        let sql = "SELECT max(at) FROM (SELECT max(time_ns) AS at FROM detection WHERE station = ?1
                   UNION ALL SELECT max(time_ns) FROM track_update WHERE station = ?1
                   UNION ALL SELECT max(max_ns) FROM sealed WHERE station = ?1)";
        self.int(sql, [station])
    }

    fn first_live_ns(&self, kind: Kind, station: i64, from_ns: i64) -> Result<Option<i64>> {
        let table = kind.table();
        let sql = format!("SELECT min(time_ns) FROM {table} WHERE station = ? AND time_ns >= ?");
        self.int(&sql, [station, from_ns])
    }

    fn seal(&mut self, all: bool) -> Result<()> {
        for (id, station) in self.stations()? {
            let Some(newest_ns) = self.newest_ns(id)? else { continue };
            for kind in Kind::ALL {
                let mut from_ns = i64::MIN;
                while let Some(first_ns) = self.first_live_ns(kind, id, from_ns)? {
                    let hour = hour_of(first_ns);
                    let end_ns = begin_of(hour + 1);
                    if (!all && end_ns.saturating_add(GRACE_NS) > newest_ns) || self.stop.is_set() {
                        break;
                    }
                    self.seal_hour(kind, id, &station, hour)?;
                    from_ns = end_ns;
                }
            }
        }
        Ok(())
    }

    #[cfg(not(feature = "parquet"))]
    fn seal_hour(&mut self, _: Kind, _: i64, _: &Station, _: i64) -> Result<()> {
        Err(crate::sealed::not_built(self.folder))
    }

    #[cfg(feature = "parquet")]
    fn seal_hour(&mut self, kind: Kind, id: i64, station: &Station, hour: i64) -> Result<()> {
        let sql = "SELECT coalesce(max(part) + 1, 0) FROM sealed WHERE kind = ? AND station = ? AND hour = ?";
        let mut number = self.int(sql, params![kind.name(), id, hour])?.unwrap_or(0);
        loop {
            let part = Part { kind, station: station.clone(), hour, number };
            let rows = match kind {
                Kind::Detections => {
                    seal::part::<crate::DetectionRow>(self.folder, self.connection, id, &part)?
                }
                Kind::Tracks => seal::part::<crate::TrackRow>(self.folder, self.connection, id, &part)?,
            };
            self.done.sealed_files += u64::from(rows > 0);
            self.done.sealed_rows += rows;
            number += 1;
            if rows < seal::PART_ROWS || self.stop.is_set() {
                return Ok(());
            }
        }
    }

    fn forget_older(&mut self, days: f64) -> Result<()> {
        let newest_ns =
            self.stations()?.iter().map(|(id, _)| self.newest_ns(*id)).collect::<Result<Vec<_>>>()?;
        let Some(newest_ns) = newest_ns.into_iter().flatten().max() else { return Ok(()) };
        let cutoff_ns = newest_ns.min(now_ns()).saturating_sub((days * 24.0 * HOUR_NS as f64) as i64);
        self.forget_before(begin_of(hour_of(cutoff_ns)))
    }

    fn forget_more_than(&mut self, bytes: u64) -> Result<()> {
        loop {
            let sql = "SELECT min(at) FROM (SELECT min(min_ns) AS at FROM sealed
                       UNION ALL SELECT min(time_ns) FROM detection UNION ALL SELECT min(time_ns) FROM track_update)";
            let oldest_ns = self.int(sql, [])?;
            let newest =
                self.stations()?.iter().map(|(id, _)| self.newest_ns(*id)).collect::<Result<Vec<_>>>()?;
            let newest_ns = newest.into_iter().flatten().max();
            let (Some(oldest_ns), Some(newest_ns)) = (oldest_ns, newest_ns) else { return Ok(()) };
            if self.used_bytes()? <= bytes || hour_of(oldest_ns) >= hour_of(newest_ns) {
                return Ok(());
            }
            self.forget_before(begin_of(hour_of(oldest_ns) + 1))?;
        }
    }

    /// What the archive needs: pages of the database in use, and sealed files.
    fn used_bytes(&self) -> Result<u64> {
        let pragma = |name: &str| self.int(&format!("PRAGMA {name}"), []).map(Option::unwrap_or_default);
        let pages = pragma("page_count")? - pragma("freelist_count")?;
        let sealed = self.int("SELECT coalesce(sum(bytes), 0) FROM sealed", [])?.unwrap_or(0);
        Ok((pages * pragma("page_size")? + sealed).max(0) as u64)
    }

    /// Forgets all that lies before an hour's begin.
    fn forget_before(&mut self, cutoff_ns: i64) -> Result<()> {
        let reader = Reader::open(self.folder.path())?;
        for (id, station) in self.stations()? {
            for kind in Kind::ALL {
                for mark in reader.parts(kind, id, &station, (i64::MIN, cutoff_ns))? {
                    self.forget_part(id, &mark)?;
                }
                self.forget_rows(kind, id, cutoff_ns)?;
            }
        }
        // A track may outlive its detections.
        let run_cutoff_ns = cutoff_ns.saturating_sub(2 * HOUR_NS);
        let minute = cutoff_ns.div_euclid(MINUTE_NS);
        transaction(self.connection, &self.folder.database(), || {
            let run = |sql: &str, value: i64| {
                self.connection.execute(sql, [value]).map(drop).map_err(|error| self.failed(error))
            };
            run("DELETE FROM density WHERE minute < ?", minute)?;
            run("DELETE FROM gap WHERE time_ns < ?", cutoff_ns)?;
            run("DELETE FROM health WHERE time_ns < ?", cutoff_ns)?;
            run("DELETE FROM run WHERE last_ns < ? AND status <> 'running'", run_cutoff_ns)
        })
    }

    fn forget_part(&mut self, station: i64, mark: &crate::sealed::Mark) -> Result<()> {
        let Part { kind, hour, number, .. } = &mark.part;
        let sql = "DELETE FROM sealed WHERE kind = ? AND station = ? AND hour = ? AND part = ?";
        let forgotten = self.connection.execute(sql, params![kind.name(), station, hour, number]);
        forgotten.map_err(|error| self.failed(error))?;
        // First the mark: a file without one is not looked for.
        let path = self.folder.part(&mark.part);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(Error::io(&path, "remove", error));
            }
            _ => {}
        }
        // Only an empty folder goes.
        let _ = path.parent().map(std::fs::remove_dir);
        self.done.forgotten_files += 1;
        self.done.forgotten_rows += mark.rows.max(0) as u64;
        Ok(())
    }

    fn forget_rows(&mut self, kind: Kind, station: i64, cutoff_ns: i64) -> Result<()> {
        let table = kind.table();
        let sql = format!(
            "DELETE FROM {table} WHERE id IN (SELECT id FROM {table} WHERE station = ? AND time_ns < ?
             ORDER BY time_ns LIMIT {CHUNK})"
        );
        loop {
            let n =
                self.connection.execute(&sql, [station, cutoff_ns]).map_err(|error| self.failed(error))?;
            self.done.forgotten_rows += n as u64;
            if n == 0 {
                return Ok(());
            }
        }
    }

    /// Gives pages back to the disk where a fourth of the database is empty.
    fn give_back(&self) -> Result<()> {
        let pragma = |name: &str| self.int(&format!("PRAGMA {name}"), []).map(Option::unwrap_or_default);
        if pragma("freelist_count")? * 4 > pragma("page_count")? {
            let vacuum =
                self.connection.execute_batch("PRAGMA incremental_vacuum; PRAGMA wal_checkpoint(TRUNCATE);");
            vacuum.map_err(|error| self.failed(error))?;
        }
        Ok(())
    }
}

#[allow(
    clippy::disallowed_methods,
    reason = "a bound on what a recording's clock may make an archive forget"
)]
fn now_ns() -> i64 {
    crate::row::ns_from_time(jiff::Timestamp::now()).unwrap_or(i64::MAX)
}
