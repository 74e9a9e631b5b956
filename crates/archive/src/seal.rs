//! An hour's rows, out of the database into a file.

use crate::layout::{Part, begin_of, sync_folder};
use crate::row::Record;
use crate::schema::transaction;
use crate::sealed::{Table, hash};
use crate::{Error, Folder, Result};
use rusqlite::{Connection, params};
use std::path::Path;

/// Rows of a file at most: they leave the database in one transaction, for which who writes waits.
pub(crate) const PART_ROWS: u64 = 1 << 19;

/// Seals up to [`PART_ROWS`] rows of an hour; how many there were.
pub(crate) fn part<R: Record>(
    folder: &Folder,
    connection: &Connection,
    station: i64,
    part: &Part,
) -> Result<u64> {
    let path = folder.part(part);
    let parent = path.parent().unwrap_or(folder.path());
    std::fs::create_dir_all(parent).map_err(|error| Error::io(parent, "create", error))?;
    let temporary = path.with_extension("parquet.tmp");
    // What an interrupted seal left.
    let _ = std::fs::remove_file(&temporary);
    let written = write::<R>(folder, connection, station, part, &temporary);
    let Some(sealed) = written.inspect_err(|_| drop(std::fs::remove_file(&temporary)))? else {
        let _ = std::fs::remove_file(&temporary);
        return Ok(0);
    };
    let (sha256, bytes) = hash(&temporary)?;
    if path.exists() {
        return Err(Error::new(
            &path,
            "is there, and belongs to nothing: `rangegate archive repair` settles it",
        ));
    }
    std::fs::rename(&temporary, &path).map_err(|error| Error::io(&path, "write", error))?;
    for ancestor in parent.ancestors().take_while(|ancestor| ancestor.starts_with(folder.path())) {
        sync_folder(ancestor)?;
    }
    let marked = mark::<R>(folder, connection, station, part, &sealed, (&sha256, bytes));
    // Its rows are where they were.
    marked.inspect_err(|_| drop(std::fs::remove_file(&path)))?;
    Ok(sealed.rows)
}

struct Sealed {
    rows: u64,
    first_ns: i64,
    last: (i64, i64, i64),
    max_id: i64,
}

fn write<R: Record>(
    folder: &Folder,
    connection: &Connection,
    station: i64,
    part: &Part,
    path: &Path,
) -> Result<Option<Sealed>> {
    let failed = |error| Error::sqlite(&folder.database(), "read", error);
    // One moment's state for all of it; who writes goes on.
    let moment = connection.unchecked_transaction().map_err(failed)?;
    let table = R::KIND.table();
    let (from_ns, to_ns) = (begin_of(part.hour), begin_of(part.hour + 1));
    let sql = format!("SELECT coalesce(max(id), 0) FROM {table}");
    let max_id: i64 = connection.query_row(&sql, [], |row| row.get(0)).map_err(failed)?;
    let names = {
        let mut names = connection.prepare("SELECT id, name FROM template").map_err(failed)?;
        let names = names.query_map([], |row| Ok((row.get(0)?, row.get::<_, String>(1)?.into())));
        names.and_then(Iterator::collect).map_err(failed)?
    };
    let notes =
        [("rangegate.kind", R::KIND.name().to_owned()), ("rangegate.station", part.station.to_string())];
    let mut out = Table::create::<R>(path, false, &notes)?;
    let sql = format!(
        "SELECT {} FROM {table} WHERE station = ? AND time_ns >= ? AND time_ns < ?
         ORDER BY time_ns, run, number LIMIT {PART_ROWS}",
        R::SELECTED
    );
    let mut statement = connection.prepare_cached(&sql).map_err(failed)?;
    let mut rows = statement.query([station, from_ns, to_ns]).map_err(failed)?;
    while let Some(row) = rows.next().map_err(failed)? {
        out.add(&R::from_sql(&part.station, row, &names).map_err(failed)?)?;
    }
    drop(rows);
    drop(statement);
    drop(moment);
    let (rows, bounds) = out.finish()?;
    Ok(bounds.and_then(|((first, _, _), (last, run, number))| {
        Some(Sealed { rows, first_ns: first?, last: (last?, run, number), max_id })
    }))
}

/// Brings a file into force and takes its rows out of the database, or neither.
fn mark<R: Record>(
    folder: &Folder,
    connection: &Connection,
    station: i64,
    part: &Part,
    sealed: &Sealed,
    (sha256, bytes): (&str, u64),
) -> Result<()> {
    let path = folder.database();
    let failed = |error| Error::sqlite(&path, "write", error);
    let (last_ns, run, number) = sealed.last;
    transaction(connection, &path, || {
        let sql = "INSERT INTO sealed(kind, station, hour, part, row_count, bytes, min_ns, max_ns, sha256)
                   VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";
        let (rows, bytes) = (sealed.rows as i64, bytes as i64);
        let mark = params![
            part.kind.name(),
            station,
            part.hour,
            part.number,
            rows,
            bytes,
            sealed.first_ns,
            last_ns,
            sha256
        ];
        connection.execute(sql, mark).map_err(failed)?;
        let sql = format!(
            "DELETE FROM {} WHERE station = ? AND time_ns >= ? AND time_ns <= ? AND
             (time_ns, run, number) <= (?, ?, ?) AND id <= ?",
            R::KIND.table()
        );
        let place = params![station, sealed.first_ns, last_ns, last_ns, run, number, sealed.max_id];
        let n = connection.execute(&sql, place).map_err(failed)?;
        if n as u64 != sealed.rows {
            let message =
                format!("{n} rows were to leave for a file of {}: nothing was changed", sealed.rows);
            return Err(Error::new(&path, message));
        }
        Ok(())
    })
}
