//! Whether an archive is as it should be.

use crate::layout::{HOUR_NS, MINUTE_NS, Part, Station, begin_of};
use crate::repair::unknown_files;
use crate::sealed::Mark;
use crate::{Error, Folder, Kind, Reader, Result, schema};
use rusqlite::Connection;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What a check found.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Check {
    /// Version of the schema.
    pub version: i32,
    /// Rows of detections and tracks in the database.
    pub live_rows: i64,
    /// Sealed files in force.
    pub sealed_files: usize,
    /// Rows in them, as the database has it.
    pub sealed_rows: i64,
    /// What is wrong, a sentence each.
    pub problems: Vec<String>,
    /// What is worth knowing and no damage.
    pub notes: Vec<String>,
}

/// Checks all of it: the database page by page, every sealed file byte by byte (SHA-256), and that both agree. Brings
/// an archive of an older version up to date first. Runs may go on meanwhile.
///
/// # Errors
/// There is no archive, or its database cannot even be opened: [`crate::repair()`] may save what is in it.
pub fn check(folder: &Folder) -> Result<Check> {
    if !folder.database().is_file() {
        return Err(Error::new(folder.path(), "is no archive: it holds no archive.sqlite"));
    }
    drop(schema::open(folder)?);
    let reader = Reader::open(folder.path())?;
    let mut found = Check { version: schema::VERSION, ..Check::default() };
    found.problems.extend(database_problems(reader.connection(), &folder.database())?);
    if !found.problems.is_empty() {
        return Ok(found);
    }
    for (id, station) in reader.stations()? {
        for kind in Kind::ALL {
            for mark in reader.parts(kind, id, &station, (i64::MIN, i64::MAX))? {
                let problem = part_problem(folder, &mark);
                // What was forgotten meanwhile is no damage.
                if problem.is_some()
                    && !reader.parts(kind, id, &station, (mark.min_ns, i64::MAX))?.contains(&mark)
                {
                    continue;
                }
                found.sealed_files += 1;
                found.sealed_rows += mark.rows;
                found.problems.extend(problem);
            }
            let sql = format!("SELECT count(*) FROM {} WHERE station = ?", kind.table());
            let n: i64 = reader
                .connection()
                .query_row(&sql, [id], |row| row.get(0))
                .map_err(|error| Error::sqlite(&folder.database(), "read", error))?;
            found.live_rows += n;
        }
        let wrong = reader.at_one_moment(|| wrong_density(reader.connection(), folder, id))?;
        if let Some(hour) = wrong.first() {
            let hour = crate::row::time_from_ns(begin_of(*hour));
            let n = wrong.len();
            found
                .problems
                .push(format!("{station}: the density of {n} hours is not that of their rows, first {hour}"));
        }
    }
    let unknown = {
        let lock = folder.upkeep_lock()?;
        lock.lock_shared().map_err(|error| Error::io(folder.path(), "lock", error))?;
        unknown_files(folder)?
    };
    found.problems.extend(unknown.iter().map(|file| format!("{}: belongs to nothing", file.display())));
    let running = reader.runs(None)?.into_iter().filter(|run| run.status == "running");
    found
        .notes
        .extend(running.map(|run| format!("run {} has no end: it goes on, or was interrupted", run.run)));
    Ok(found)
}

/// What SQLite says of its own file.
pub(crate) fn database_problems(connection: &Connection, path: &Path) -> Result<Vec<String>> {
    let read = || -> rusqlite::Result<Vec<String>> {
        let mut statement = connection.prepare("PRAGMA integrity_check(20)")?;
        statement.query_map([], |row| row.get(0))?.collect()
    };
    match read() {
        Ok(said) if said == ["ok"] => Ok(Vec::new()),
        Ok(said) => Ok(said.iter().map(|line| format!("{}: {line}", path.display())).collect()),
        Err(error) if is_damage(&error) => Ok(vec![format!("{}: {error}", path.display())]),
        Err(error) => Err(Error::sqlite(path, "check", error)),
    }
}

/// Whether SQLite says that its file is not what it wrote.
pub(crate) fn is_damage(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
    matches!(error.sqlite_error_code(), Some(DatabaseCorrupt | NotADatabase))
}

/// What is wrong with a sealed file.
#[cfg(feature = "parquet")]
pub(crate) fn part_problem(folder: &Folder, mark: &Mark) -> Option<String> {
    let path = folder.part(&mark.part);
    if !path.is_file() {
        return Some(format!("{}: is missing, with {} rows", path.display(), mark.rows));
    }
    match crate::sealed::hash(&path) {
        Ok((sha256, _)) if sha256 != mark.sha256 => {
            return Some(format!("{}: is not what was sealed (its SHA-256 differs)", path.display()));
        }
        Err(error) => return Some(error.to_string()),
        Ok(_) => {}
    }
    match mark_of(folder, &mark.part) {
        Ok(found) if found != *mark => Some(format!(
            "{}: has {} rows, the database says {}, or other times",
            path.display(),
            found.rows,
            mark.rows
        )),
        Ok(_) => None,
        Err(error) => Some(error.to_string()),
    }
}

#[cfg(not(feature = "parquet"))]
pub(crate) fn part_problem(folder: &Folder, mark: &Mark) -> Option<String> {
    let path = folder.part(&mark.part);
    match std::fs::metadata(&path) {
        Err(_) => Some(format!("{}: is missing, with {} rows", path.display(), mark.rows)),
        Ok(metadata) if metadata.len() as i64 != mark.bytes => {
            Some(format!("{}: has {} bytes, expected {}", path.display(), metadata.len(), mark.bytes))
        }
        Ok(_) => None,
    }
}

#[cfg(feature = "parquet")]
pub(crate) fn mark_of(folder: &Folder, part: &Part) -> Result<Mark> {
    match part.kind {
        Kind::Detections => crate::sealed::mark_of::<crate::DetectionRow>(folder, part),
        Kind::Tracks => crate::sealed::mark_of::<crate::TrackRow>(folder, part),
    }
}

#[cfg(not(feature = "parquet"))]
pub(crate) fn mark_of(folder: &Folder, _: &Part) -> Result<Mark> {
    Err(crate::sealed::not_built(folder))
}

/// All files below the folders of sealed hours, those that were never finished included.
pub(crate) fn sealed_files(folder: &Folder) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders: Vec<PathBuf> =
        Kind::ALL.iter().map(|kind| folder.path().join(format!("kind={}", kind.name()))).collect();
    folders.retain(|folder| folder.exists());
    while let Some(folder) = folders.pop() {
        let failed = |error| Error::io(&folder, "read", error);
        for entry in std::fs::read_dir(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            // Links are not followed.
            if entry.file_type().map_err(failed)?.is_dir() {
                folders.push(entry.path());
            } else {
                files.push(entry.path());
            }
        }
    }
    files.sort();
    Ok(files)
}

/// Hours since 1970 in which the density is not the number of rows, sealed and not.
pub(crate) fn wrong_density(connection: &Connection, folder: &Folder, station: i64) -> Result<Vec<i64>> {
    let mut hours: BTreeMap<i64, i64> = BTreeMap::new();
    let mut add = |sql: &str, sign: i64| -> rusqlite::Result<()> {
        let mut statement = connection.prepare(sql)?;
        let mut rows = statement.query([station])?;
        while let Some(row) = rows.next()? {
            *hours.entry(row.get(0)?).or_default() += sign * row.get::<_, i64>(1)?;
        }
        Ok(())
    };
    // Division that rounds down, also before 1970.
    let hour =
        |value: &str, unit: i64| format!("({value} - (({value} % {unit}) + {unit}) % {unit}) / {unit}");
    let live = hour("time_ns", HOUR_NS);
    let density = hour("minute", HOUR_NS / MINUTE_NS);
    let sums = [
        (
            format!(
                "SELECT {live} AS h, count(*) FROM detection WHERE station = ? AND time_ns NOT NULL GROUP BY h"
            ),
            1,
        ),
        (
            "SELECT hour, sum(row_count) FROM sealed WHERE kind = 'detections' AND station = ? GROUP BY hour"
                .to_owned(),
            1,
        ),
        (format!("SELECT {density} AS h, sum(detections) FROM density WHERE station = ? GROUP BY h"), -1),
    ];
    for (sql, sign) in sums {
        add(&sql, sign).map_err(|error| Error::sqlite(&folder.database(), "read", error))?;
    }
    Ok(hours.into_iter().filter(|(_, n)| *n != 0).map(|(hour, _)| hour).collect())
}

/// What a file's path says that it is.
pub(crate) fn part_of(folder: &Folder, file: &Path) -> Option<Part> {
    let below = file.strip_prefix(folder.path()).ok()?;
    Folder::part_at(below).filter(|part| folder.part(part) == file)
}

/// A name for a station that a sealed file tells of.
pub(crate) fn number_of(connection: &Connection, folder: &Folder, station: &Station) -> Result<i64> {
    crate::groups::station_id(connection, station)
        .map_err(|error| Error::sqlite(&folder.database(), "write", error))
}
