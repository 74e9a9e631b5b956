//! The database: how it is made, opened, and brought up to date.

use crate::{Error, Folder, Kind, Result};
use rusqlite::{Connection, OpenFlags};
use std::path::Path;
use std::time::Duration;

/// Says in the file's header that it is ours ("RGar").
const APPLICATION_ID: i32 = 0x5247_6172;

/// How long a transaction waits for another's end.
const PATIENCE: Duration = Duration::from_secs(30);

/// What leads from each version of the schema to the next; the version of a database is how many it has had.
const STEPS: &[&str] = &[include_str!("schema.sql")];

/// Version of the schema.
pub const VERSION: i32 = STEPS.len() as i32;

/// Makes an archive's folder where there is none. One that holds something else is refused, and nothing is put into it.
pub(crate) fn make(folder: &Folder) -> Result<()> {
    std::fs::create_dir_all(folder.path()).map_err(|error| Error::io(folder.path(), "create", error))?;
    if !folder.database().exists() {
        refuse_other_content(folder)?;
        if Kind::ALL.iter().any(|kind| folder.path().join(format!("kind={}", kind.name())).exists()) {
            let message = "has sealed hours, but its archive.sqlite is missing: `rangegate archive repair` makes another";
            return Err(Error::new(folder.path(), message));
        }
    }
    Ok(())
}

/// Opens the database to write, makes it where there is none, and brings it up to date.
pub(crate) fn open(folder: &Folder) -> Result<Connection> {
    make(folder)?;
    open_any(folder)
}

/// Opens the database to write, or makes it.
pub(crate) fn open_any(folder: &Folder) -> Result<Connection> {
    let path = folder.database();
    let is_new = !path.exists();
    let connection = Connection::open(&path).map_err(|error| Error::sqlite(&path, "open", error))?;
    let failed = |error| Error::sqlite(&path, "open", error);
    connection.busy_timeout(PATIENCE).map_err(failed)?;
    if is_new {
        connection
            .execute_batch("PRAGMA page_size = 8192; PRAGMA auto_vacuum = INCREMENTAL;")
            .map_err(failed)?;
    }
    prepare(&connection).map_err(failed)?;
    bring_up_to_date(&connection, &path, STEPS)?;
    Ok(connection)
}

/// What every connection that writes needs.
fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
         PRAGMA wal_autocheckpoint = 4000; PRAGMA journal_size_limit = 67108864; PRAGMA temp_store = MEMORY;
         PRAGMA trusted_schema = OFF;",
    )
}

/// Opens the database to read only.
pub(crate) fn open_to_read(folder: &Folder) -> Result<Connection> {
    let path = folder.database();
    if !path.is_file() {
        return Err(Error::new(folder.path(), "is no archive: it holds no archive.sqlite"));
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection =
        Connection::open_with_flags(&path, flags).map_err(|error| Error::sqlite(&path, "open", error))?;
    let failed = |error| Error::sqlite(&path, "read", error);
    connection.busy_timeout(PATIENCE).map_err(failed)?;
    connection.execute_batch("PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF;").map_err(failed)?;
    let found = version(&connection, &path)?;
    if found < VERSION {
        let message = format!(
            "is of version {found}, expected {VERSION}: `rangegate archive check` brings it up to date"
        );
        return Err(Error::new(&path, message));
    }
    Ok(connection)
}

/// A folder with something else in it is not made an archive.
fn refuse_other_content(folder: &Folder) -> Result<()> {
    let entries =
        std::fs::read_dir(folder.path()).map_err(|error| Error::io(folder.path(), "read", error))?;
    let other = entries.filter_map(std::result::Result::ok).find(|entry| {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        // What a lost database left; `repair` goes on from there.
        !name.starts_with("kind=") && !name.ends_with(".lock") && name != "damaged"
    });
    other.map_or(Ok(()), |other| {
        let name = other.file_name();
        let message = format!("is no archive, and holds {}: choose another folder", name.display());
        Err(Error::new(folder.path(), message))
    })
}

/// Version of the schema of a database that is ours, or empty.
fn version(connection: &Connection, path: &Path) -> Result<i32> {
    let pragma = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    let failed = |error| Error::sqlite(path, "read", error);
    // All of it as it was at one time: another process may be making the database.
    let snapshot = connection.is_autocommit().then(|| connection.unchecked_transaction()).transpose();
    let _snapshot = snapshot.map_err(failed)?;
    let (id, version) = (pragma("application_id").map_err(failed)?, pragma("user_version").map_err(failed)?);
    let tables = "SELECT count(*) FROM sqlite_schema";
    let is_empty = connection.query_row(tables, [], |row| row.get::<_, i64>(0)).map_err(failed)? == 0;
    if id != APPLICATION_ID && !(is_empty && id == 0 && version == 0) {
        return Err(Error::new(path, "is a database, but no archive of Rangegate"));
    }
    if !(0..=VERSION).contains(&version) {
        let message = format!("is of version {version}, this program knows up to {VERSION}: use a newer one");
        return Err(Error::new(path, message));
    }
    Ok(version)
}

/// Takes the steps that a database has not had, all or none.
fn bring_up_to_date(connection: &Connection, path: &Path, steps: &[&str]) -> Result<()> {
    let begun = version(connection, path)? as usize;
    if begun >= steps.len() {
        return Ok(());
    }
    let take = || -> Result<()> {
        let failed = |error| Error::sqlite(path, "bring up to date", error);
        // Another process may have been here first.
        let done = version(connection, path)? as usize;
        for step in steps.iter().skip(done) {
            connection.execute_batch(step).map_err(failed)?;
        }
        connection.pragma_update(None, "application_id", APPLICATION_ID).map_err(failed)?;
        connection.pragma_update(None, "user_version", steps.len() as i64).map_err(failed)
    };
    transaction(connection, path, take)
}

/// Does something in a transaction that writes: all of it, or nothing.
pub(crate) fn transaction<T>(
    connection: &Connection,
    path: &Path,
    body: impl FnOnce() -> Result<T>,
) -> Result<T> {
    let run = |sql| connection.execute_batch(sql).map_err(|error| Error::sqlite(path, "write", error));
    run("BEGIN IMMEDIATE")?;
    let done = body().and_then(|value| run("COMMIT").map(|()| value));
    if done.is_err() {
        // SQLite may have rolled back itself.
        let _ = connection.execute_batch("ROLLBACK");
    }
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_of_the_future_or_of_others_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let archive = Folder::new(&folder.path().join("a"));
        let connection = open(&archive).unwrap();
        connection.pragma_update(None, "user_version", VERSION + 1).unwrap();
        drop(connection);
        for error in [open(&archive).unwrap_err(), open_to_read(&archive).unwrap_err()] {
            assert!(error.to_string().contains("use a newer one"), "{error}");
        }
        let other = Folder::new(&folder.path().join("b"));
        std::fs::create_dir(other.path()).unwrap();
        let connection = Connection::open(other.database()).unwrap();
        connection.execute_batch("CREATE TABLE mine(x)").unwrap();
        assert!(open(&other).unwrap_err().to_string().contains("no archive of Rangegate"));
        let letters = Folder::new(&folder.path().join("c"));
        std::fs::create_dir(letters.path()).unwrap();
        std::fs::write(letters.path().join("letter.txt"), "dear").unwrap();
        assert!(open(&letters).unwrap_err().to_string().contains("letter.txt"));
        std::fs::write(letters.database(), "this is no database, but long enough to be read as one: no")
            .unwrap();
        assert!(open(&letters).unwrap_err().to_string().contains("not a database"));
        assert!(open_to_read(&Folder::new(&folder.path().join("d"))).is_err());
    }

    #[test]
    fn steps_are_taken_once_and_all_or_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.sqlite");
        let connection = Connection::open(&path).unwrap();
        let first = "CREATE TABLE a(x INTEGER); INSERT INTO a VALUES (1)";
        bring_up_to_date(&connection, &path, &[first]).unwrap();
        bring_up_to_date(&connection, &path, &[first]).unwrap();
        let bad = [first, "UPDATE a SET x = 2; CREATE TABLE b(y INTEGER)", "no SQL"];
        assert!(bring_up_to_date(&connection, &path, &bad).is_err());
        let x = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
        assert_eq!((x("SELECT x FROM a"), x("SELECT count(*) FROM sqlite_schema")), (1, 1));
        assert_eq!(version(&connection, &path).unwrap(), 1);
    }
}
