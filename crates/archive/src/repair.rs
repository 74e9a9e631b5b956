//! What can be saved of a damaged archive.

use crate::check::{
    database_problems, mark_of, number_of, part_of, part_problem, sealed_files, wrong_density,
};
use crate::groups::{Density, add_density};
use crate::layout::{MINUTE_NS, Part, Station, begin_of};
use crate::row::{Record, ns_from_time, time_from_ns};
use crate::schema::{self, transaction};
use crate::sealed::{self, Mark};
use crate::write::note_interrupted;
use crate::{DetectionRow, Error, Filter, Folder, HAS_PARQUET, Kind, Reader, Result, TrackRow};
use rusqlite::types::Value as Sql;
use rusqlite::{Connection, OpenFlags, params, params_from_iter};
use serde::Serialize;
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

/// What a repair did.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Repair {
    /// A sentence each; none where nothing was wrong.
    pub done: Vec<String>,
    /// Rows of sealed files that are gone or damaged; rows that a damaged database lost cannot be counted.
    pub lost_rows: i64,
}

/// Repairs what can be repaired: saves what is readable of a damaged database into a new one (the old one is kept),
/// takes in sealed files that it does not know, sets aside those that are damaged, counts anew what is counted, and
/// notes which runs were interrupted. What is whole is not touched.
///
/// # Errors
/// A run is writing, the disk is full, or there are sealed hours and this build knows no Parquet.
pub fn repair(folder: &Folder) -> Result<Repair> {
    if !folder.path().is_dir() {
        return Err(Error::new(folder.path(), "is no folder"));
    }
    if !folder.database().exists() && sealed_files(folder)?.is_empty() {
        return Err(Error::new(
            folder.path(),
            "is no archive: it holds neither archive.sqlite nor sealed hours",
        ));
    }
    let (writers, upkeep) = (folder.writer_lock()?, folder.upkeep_lock()?);
    if writers.try_lock().is_err() || upkeep.try_lock().is_err() {
        return Err(Error::new(folder.path(), "is in use: end the runs that write into it first"));
    }
    let mut repair = Repair::default();
    if !folder.database().exists() {
        repair.done.push("archive.sqlite was missing: a new one was made of the sealed hours".to_owned());
    } else if is_damaged(folder)? {
        salvage(folder, &mut repair)?;
    }
    let connection = schema::open_any(folder)?;
    set_aside_damaged(folder, &connection, &mut repair)?;
    set_aside_unreadable(folder, &mut repair)?;
    repair.done.extend(settle(folder, &connection)?);
    recount(folder, &connection, &mut repair)?;
    let interrupted = note_interrupted(&connection, &folder.database())?;
    if interrupted > 0 {
        repair.done.push(format!("{interrupted} runs were interrupted, and say so now"));
    }
    Ok(repair)
}

fn is_damaged(folder: &Folder) -> Result<bool> {
    let path = folder.database();
    let connection = Connection::open(&path).map_err(|error| Error::sqlite(&path, "open", error))?;
    Ok(!database_problems(&connection, &path)?.is_empty())
}

/// The tables whose rows are saved, those first that others refer to.
const TABLES: [&str; 9] =
    ["station", "template", "run", "detection", "track_update", "gap", "health", "density", "sealed"];

/// Copies what can be read of a damaged database into a new one.
fn salvage(folder: &Folder, repair: &mut Repair) -> Result<()> {
    let path = folder.database();
    let damaged = free_place(folder, |n| format!("archive-{n}.sqlite"))?;
    // The database last: where this is cut short, the next repair brings it to what belongs to it.
    for ending in ["-shm", "-wal", ""] {
        let beside = |path: &Path| path.with_file_name(format!("{}{ending}", name_of(path)));
        if beside(&path).exists() {
            std::fs::rename(beside(&path), beside(&damaged))
                .map_err(|error| Error::io(&path, "set aside", error))?;
        }
    }
    let new = schema::open_any(folder)?;
    let mut saved = Vec::new();
    // A file that is no database at all has nothing in it.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE;
    if let Ok(old) = Connection::open_with_flags(&damaged, flags) {
        let _ = old.execute_batch("PRAGMA writable_schema = ON; PRAGMA cell_size_check = ON;");
        for table in TABLES {
            let n = transaction(&new, &path, || {
                copy(&old, &new, table).map_err(|error| Error::sqlite(&path, "write", error))
            })?;
            saved.push(format!("{n} of {table}"));
        }
    }
    let (rows, damaged) = (saved.join(", "), damaged.display());
    repair.done.push(format!("archive.sqlite was damaged: saved {rows}; the old one is {damaged}"));
    Ok(())
}

fn name_of(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Copies the rows of a table from both ends, up to the first damaged page on either side; number of rows.
fn copy(old: &Connection, new: &Connection, table: &str) -> rusqlite::Result<usize> {
    let columns: Vec<String> = {
        let mut statement = new.prepare(&format!("SELECT name FROM pragma_table_info('{table}')"))?;
        statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?
    };
    let keyed: &[&str] = match table {
        "density" => &["station", "minute"],
        "sealed" => &["kind", "station", "hour", "part"],
        _ => &["rowid"],
    };
    let places = vec!["?"; columns.len()].join(", ");
    let names = columns.join(", ");
    let mut insert = new.prepare(&format!("INSERT OR IGNORE INTO {table}({names}) VALUES ({places})"))?;
    let has_id = columns.first().is_some_and(|name| name == "id");
    // Rows without a number of their own must not come twice.
    let mut seen = BTreeSet::new();
    let mut n = 0;
    for direction in ["", " DESC"] {
        let order = keyed.iter().map(|key| format!("{key}{direction}")).collect::<Vec<_>>().join(", ");
        let rowid = if keyed == ["rowid"] { "rowid" } else { "0" };
        let sql = format!("SELECT {rowid}, {names} FROM {table} NOT INDEXED ORDER BY {order}");
        let Ok(mut select) = old.prepare(&sql) else { return Ok(n) };
        let Ok(mut rows) = select.query([]) else { continue };
        let is_whole = loop {
            match rows.next() {
                Ok(Some(row)) => {
                    let values: rusqlite::Result<Vec<Sql>> =
                        (1..=columns.len()).map(|at| row.get(at)).collect();
                    let rowid: i64 = row.get(0).unwrap_or(0);
                    if let Ok(values) = values
                        && (has_id || keyed != ["rowid"] || seen.insert(rowid))
                    {
                        // A row that is not what the table allows is damage too.
                        n += insert.execute(params_from_iter(values)).unwrap_or(0);
                    }
                }
                Ok(None) => break true,
                Err(_) => break false,
            }
        };
        if is_whole {
            break;
        }
    }
    Ok(n)
}

/// Takes marks back whose files are gone or damaged; damaged files are kept under `damaged/`.
fn set_aside_damaged(folder: &Folder, connection: &Connection, repair: &mut Repair) -> Result<()> {
    let reader = Reader::open(folder.path())?;
    for (id, station) in reader.stations()? {
        for kind in Kind::ALL {
            for mark in reader.parts(kind, id, &station, (i64::MIN, i64::MAX))? {
                let Some(problem) = part_problem(folder, &mark) else { continue };
                let path = folder.part(&mark.part);
                if path.exists() {
                    set_aside(folder, &mark.part)?;
                }
                let sql = "DELETE FROM sealed WHERE kind = ? AND station = ? AND hour = ? AND part = ?";
                connection
                    .execute(sql, params![kind.name(), id, mark.part.hour, mark.part.number])
                    .map_err(|error| Error::sqlite(&folder.database(), "write", error))?;
                repair.lost_rows += mark.rows;
                repair.done.push(format!("{problem}: forgotten, and set aside where it was there"));
            }
        }
    }
    Ok(())
}

/// Sets aside what nobody can read of the files that the database does not know.
fn set_aside_unreadable(folder: &Folder, repair: &mut Repair) -> Result<()> {
    for part in unknown_files(folder)?.iter().filter_map(|file| part_of(folder, file)) {
        if HAS_PARQUET && let Err(problem) = mark_of(folder, &part).and_then(|mark| runs_of(folder, &mark)) {
            set_aside(folder, &part)?;
            repair.done.push(format!("{problem}: set aside"));
        }
    }
    Ok(())
}

/// Moves a sealed file to those that are kept, and not looked for.
fn set_aside(folder: &Folder, part: &Part) -> Result<()> {
    let Part { kind, station, hour, number } = part;
    let name = |n| format!("{}-{station}-{hour}-{number}-{n}.parquet", kind.name());
    let (path, aside) = (folder.part(part), free_place(folder, name)?);
    std::fs::rename(&path, aside).map_err(|error| Error::io(&path, "set aside", error))
}

/// A place for what is damaged: nothing that lies there is replaced.
fn free_place(folder: &Folder, name: impl Fn(u32) -> String) -> Result<PathBuf> {
    let aside = folder.path().join("damaged");
    std::fs::create_dir_all(&aside).map_err(|error| Error::io(&aside, "create", error))?;
    let mut places = (0..).map(|n| aside.join(name(n)));
    Ok(places.find(|place| !place.exists()).unwrap_or(aside))
}

/// The files below the folders of sealed hours that the database does not know. Whoever asks holds the lock of upkeep:
/// what is being sealed is such a file for a while.
pub(crate) fn unknown_files(folder: &Folder) -> Result<Vec<PathBuf>> {
    let mut files = sealed_files(folder)?;
    let reader = Reader::open(folder.path())?;
    let mut known = BTreeSet::new();
    for (id, station) in reader.stations()? {
        for kind in Kind::ALL {
            let marks = reader.parts(kind, id, &station, (i64::MIN, i64::MAX))?;
            known.extend(marks.iter().map(|mark| folder.part(&mark.part)));
        }
    }
    files.retain(|file| !known.contains(file));
    Ok(files)
}

/// Files that the database does not know: what was never finished, or sealed and never marked, is removed, because its
/// rows are in the database; what holds rows that the database has not is taken in. What was done.
pub(crate) fn settle(folder: &Folder, connection: &Connection) -> Result<Vec<String>> {
    let mut done = Vec::new();
    for file in unknown_files(folder)? {
        let remove = || std::fs::remove_file(&file).map_err(|error| Error::io(&file, "remove", error));
        if file.extension().is_some_and(|extension| extension == "tmp") {
            remove()?;
            done.push(format!("{}: was never finished, and is removed", file.display()));
        } else if let Some(part) = part_of(folder, &file) {
            let mark = mark_of(folder, &part)?;
            let is_left = match part.kind {
                Kind::Detections => is_live::<DetectionRow>(folder, connection, &mark)?,
                Kind::Tracks => is_live::<TrackRow>(folder, connection, &mark)?,
            };
            if is_left {
                remove()?;
                done.push(format!("{}: its rows are in the database, it is removed", file.display()));
            } else {
                adopt(folder, connection, &mark)?;
                done.push(format!("{}: was not known, its {} rows are taken in", file.display(), mark.rows));
            }
        }
    }
    Ok(done)
}

/// Whether the first row of a file is in the database too.
fn is_live<R: Record>(folder: &Folder, connection: &Connection, mark: &Mark) -> Result<bool> {
    let mut rows = sealed::Rows::<R>::new(folder, mark.clone(), (i64::MIN, i64::MAX));
    let Some((Some(time_ns), run, number)) = rows.next()?.map(|row| row.key()) else { return Ok(true) };
    let sql = format!(
        "SELECT count(*) FROM {} JOIN station ON station.id = {0}.station
         WHERE station.name = ? AND time_ns = ? AND run = ? AND number = ?",
        R::KIND.table()
    );
    let n: i64 = connection
        .query_row(&sql, params![mark.part.station.name(), time_ns, run, number], |row| row.get(0))
        .map_err(|error| Error::sqlite(&folder.database(), "read", error))?;
    Ok(n > 0)
}

/// Brings a file into force whose rows are nowhere else, and makes room for the runs that they name.
fn adopt(folder: &Folder, connection: &Connection, mark: &Mark) -> Result<()> {
    let path = folder.database();
    let Part { kind, station, hour, number } = &mark.part;
    let runs = runs_of(folder, mark)?;
    transaction(connection, &path, || {
        let id = number_of(connection, folder, station)?;
        let failed = |error| Error::sqlite(&path, "write", error);
        let sql = "INSERT INTO sealed(kind, station, hour, part, row_count, bytes, min_ns, max_ns, sha256)
                   VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";
        let Mark { rows, bytes, min_ns, max_ns, sha256, .. } = mark;
        let values = params![kind.name(), id, hour, number, rows, bytes, min_ns, max_ns, sha256];
        connection.execute(sql, values).map_err(failed)?;
        let sql = "INSERT OR IGNORE INTO run(id, station, status, source, sample_rate_hz, first_sample, configuration)
                   VALUES (?, ?, 'lost', '?', 0, 0, '{}')";
        for run in &runs {
            connection.execute(sql, params![run, id]).map_err(failed)?;
        }
        Ok(())
    })
}

/// The runs that the rows of a file name; reads every one of them.
fn runs_of(folder: &Folder, mark: &Mark) -> Result<BTreeSet<i64>> {
    fn read<R: Record>(folder: &Folder, mark: &Mark) -> Result<BTreeSet<i64>> {
        let mut rows = sealed::Rows::<R>::new(folder, mark.clone(), (i64::MIN, i64::MAX));
        let mut runs = BTreeSet::new();
        while let Some(row) = rows.next()? {
            runs.insert(row.key().1);
        }
        Ok(runs)
    }
    match mark.part.kind {
        Kind::Detections => read::<DetectionRow>(folder, mark),
        Kind::Tracks => read::<TrackRow>(folder, mark),
    }
}

/// Counts the detections a minute anew in hours where they are wrong.
fn recount(folder: &Folder, connection: &Connection, repair: &mut Repair) -> Result<()> {
    let reader = Reader::open(folder.path())?;
    for (id, station) in reader.stations()? {
        let wrong = wrong_density(connection, folder, id)?;
        for hour in &wrong {
            let density = density_of(&reader, &station, *hour)?;
            transaction(connection, &folder.database(), || {
                let failed = |error| Error::sqlite(&folder.database(), "write", error);
                let minutes = [begin_of(*hour) / MINUTE_NS, begin_of(hour + 1) / MINUTE_NS];
                let sql = "DELETE FROM density WHERE station = ? AND minute >= ? AND minute < ?";
                connection.execute(sql, params![id, minutes[0], minutes[1]]).map_err(failed)?;
                add_density(connection, id, &density).map_err(failed)
            })?;
        }
        if !wrong.is_empty() {
            repair.done.push(format!("{station}: the density of {} hours was counted anew", wrong.len()));
        }
    }
    Ok(())
}

fn density_of(reader: &Reader, station: &Station, hour: i64) -> Result<Density> {
    let mut density = Density::new();
    let filter = Filter {
        station: Some(station.clone()),
        from: Some(time_from_ns(begin_of(hour))),
        to: Some(time_from_ns(begin_of(hour + 1))),
        ..Filter::default()
    };
    reader.detections(&filter, &mut |row| {
        if let Some(time_ns) = row.detection.time.and_then(ns_from_time) {
            let minute = density.entry(time_ns.div_euclid(MINUTE_NS)).or_insert((0, f64::NEG_INFINITY));
            *minute = (minute.0 + 1, minute.1.max(row.detection.snr_db));
        }
        ControlFlow::Continue(())
    })?;
    Ok(density)
}
