//! How the file is made, opened, and known as ours.

use super::SqliteOptions;
use crate::{Error, Result};
use rusqlite::{Connection, ErrorCode};
use std::path::Path;
use std::time::{Duration, Instant};

/// Says in the file's header that it is ours ("RGxc").
const APPLICATION_ID: i32 = 0x5247_7863;

/// What leads from each version of the schema to the next; the version of a file is how many it has had.
const STEPS: &[&str] = &[include_str!("schema.sql")];

const PAGE: u64 = 8_192;
/// How long to leave a file alone that others are opening.
const TURN: Duration = Duration::from_millis(5);

/// Opens the file to read and write, makes it where there is none, and brings it up to date.
pub(super) fn open(path: &Path, options: &SqliteOptions) -> Result<Connection> {
    let place = path.display().to_string();
    let began = Instant::now();
    loop {
        match open_once(path, &place, options) {
            // SQLite does not wait for its turn to change the journal's mode: that could be a deadlock.
            Err(Error::Unavailable { .. }) if began.elapsed() < options.patience => std::thread::sleep(TURN),
            opened => return opened,
        }
    }
}

fn open_once(path: &Path, place: &str, options: &SqliteOptions) -> Result<Connection> {
    let mut connection = Connection::open(path).map_err(|error| self::error(place, "open", error))?;
    prepare(&connection, place, options)?;
    bring_up_to_date(&mut connection, place)?;
    Ok(connection)
}

fn prepare(connection: &Connection, place: &str, options: &SqliteOptions) -> Result<()> {
    let failed = |error| self::error(place, "open", error);
    connection.busy_timeout(options.patience).map_err(failed)?;
    // Before anything is written to a file that may be another's.
    version(connection, place)?;
    connection
        .execute_batch(&format!(
            "PRAGMA page_size = {PAGE}; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL;
             PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA wal_autocheckpoint = 2000;
             PRAGMA journal_size_limit = 67108864; PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF;"
        ))
        .map_err(failed)?;
    connection.set_prepared_statement_cache_capacity(64);
    let Some(bytes) = options.max_bytes else { return Ok(()) };
    let pages = i64::try_from(bytes / PAGE).unwrap_or(i64::MAX).max(1);
    connection.pragma_update(None, "max_page_count", pages).or_else(no_answer).map_err(failed)
}

/// `pragma_update` takes the new value that some pragmas tell for an error.
fn no_answer(error: rusqlite::Error) -> rusqlite::Result<()> {
    if matches!(error, rusqlite::Error::ExecuteReturnedResults) { Ok(()) } else { Err(error) }
}

/// Version of the schema of a file that is ours, or empty.
fn version(connection: &Connection, place: &str) -> Result<usize> {
    let failed = |error| self::error(place, "read", error);
    // All of it as it was at one time: another process may be making the file.
    let snapshot = connection.is_autocommit().then(|| connection.unchecked_transaction()).transpose();
    let _snapshot = snapshot.map_err(failed)?;
    let pragma = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    let (id, version) = (pragma("application_id").map_err(failed)?, pragma("user_version").map_err(failed)?);
    let tables = "SELECT count(*) FROM sqlite_schema";
    let is_empty = connection.query_row(tables, [], |row| row.get::<_, i64>(0)).map_err(failed)? == 0;
    if id != APPLICATION_ID && !(is_empty && id == 0 && version == 0) {
        let found = format!("{id:#010x}");
        return Err(Error::refused(
            place,
            "application id",
            found,
            format!("{APPLICATION_ID:#010x}: an exchange"),
        ));
    }
    match usize::try_from(version) {
        Ok(version) if version <= STEPS.len() => Ok(version),
        _ => {
            let expected = format!("at most {}: use a newer program", STEPS.len());
            Err(Error::refused(place, "version", version.to_string(), expected))
        }
    }
}

/// Takes the steps that a file has not had, all or none.
fn bring_up_to_date(connection: &mut Connection, place: &str) -> Result<()> {
    if version(connection, place)? == STEPS.len() {
        return Ok(());
    }
    let failed = |error| self::error(place, "bring up to date", error);
    let behavior = rusqlite::TransactionBehavior::Immediate;
    let transaction = connection.transaction_with_behavior(behavior).map_err(failed)?;
    // Another process may have been here first.
    for step in STEPS.iter().skip(version(&transaction, place)?) {
        transaction.execute_batch(step).map_err(failed)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID).map_err(failed)?;
    transaction.pragma_update(None, "user_version", STEPS.len() as i64).map_err(failed)?;
    transaction.commit().map_err(failed)
}

/// What SQLite said, sorted into what passes and what does not.
pub(super) fn error(place: &str, doing: &'static str, error: rusqlite::Error) -> Error {
    let passes = matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::DiskFull)
    );
    let (place, message, source) = (place.to_owned(), error.to_string(), Some(Box::new(error) as _));
    if passes {
        Error::Unavailable { place, doing, message, source }
    } else {
        Error::Failed { place, doing, message, source }
    }
}
