//! The way out: rows in order of time, from the database and from sealed hours.

use crate::filter::{Filter, Matches};
use crate::layout::{Part, Station};
use crate::merge::{Merge, Next};
use crate::row::{DetectionRow, Names, Record, TrackRow};
use crate::{Error, Folder, Kind, Result, schema, sealed};
use rusqlite::types::Value as Sql;
use rusqlite::{Connection, params_from_iter};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::path::Path;

/// Rows that are fetched from the database at a time.
const PAGE: usize = 4096;

/// Reads an archive, also while it is written. A reader is for one thread; any number of them may be open.
///
/// Each question is answered from one moment's state.
pub struct Reader {
    folder: Folder,
    connection: Connection,
}

impl Reader {
    /// Opens an archive.
    ///
    /// # Errors
    /// There is none, or it is of another version.
    pub fn open(folder: &Path) -> Result<Self> {
        let folder = Folder::new(folder);
        let connection = schema::open_to_read(&folder)?;
        Ok(Self { folder, connection })
    }

    pub(crate) fn failed(&self, error: rusqlite::Error) -> Error {
        Error::sqlite(&self.folder.database(), "read", error)
    }

    /// Gives the detections that pass, in order of time, run and number, until `each` has had enough. Those without a
    /// time come first.
    ///
    /// # Errors
    /// The archive is damaged, or has sealed hours that this build cannot read.
    pub fn detections(
        &self,
        filter: &Filter,
        each: &mut dyn FnMut(DetectionRow) -> ControlFlow<()>,
    ) -> Result<()> {
        self.at_one_moment(|| match filter.track {
            None => self.rows(filter, each),
            Some(_) => {
                let members = self.members(filter)?;
                let mut of_track = |row: DetectionRow| {
                    if members.contains(&(row.run, row.number)) {
                        each(row)
                    } else {
                        ControlFlow::Continue(())
                    }
                };
                self.rows(filter, &mut of_track)
            }
        })
    }

    /// Gives the updates of tracks that pass, in order of time, run and number.
    ///
    /// # Errors
    /// As for [`Self::detections`].
    pub fn tracks(&self, filter: &Filter, each: &mut dyn FnMut(TrackRow) -> ControlFlow<()>) -> Result<()> {
        self.at_one_moment(|| self.rows(filter, each))
    }

    /// Run and number of the detections that tracks are made of. A track is begun from detections before it: the window
    /// does not cut its updates.
    fn members(&self, filter: &Filter) -> Result<BTreeSet<(i64, i64)>> {
        let mut members = BTreeSet::new();
        let tracks = Filter {
            station: filter.station.clone(),
            from: filter.from,
            run: filter.run,
            track: filter.track,
            ..Filter::default()
        };
        self.rows(&tracks, &mut |row: TrackRow| {
            let numbers = row.state.detections.iter().chain(&row.state.begun_from);
            members.extend(numbers.map(|number| (row.run, *number)));
            ControlFlow::Continue(())
        })?;
        Ok(members)
    }

    pub(crate) fn at_one_moment<T>(&self, read: impl FnOnce() -> Result<T>) -> Result<T> {
        let transaction = self.connection.unchecked_transaction().map_err(|error| self.failed(error))?;
        let read = read();
        // It changed nothing: whether its end is told makes no difference.
        drop(transaction);
        read
    }

    pub(crate) fn rows<R: Record + Matches>(
        &self,
        filter: &Filter,
        each: &mut dyn FnMut(R) -> ControlFlow<()>,
    ) -> Result<()> {
        let names = self.names("template")?;
        let mut merge = Merge::new();
        let (from_ns, to_ns) = filter.window_ns();
        for (id, station) in self.stations()? {
            if filter.station.as_ref().is_some_and(|wanted| *wanted != station) {
                continue;
            }
            if !filter.has_time() {
                for run in self.undated_runs(R::KIND, id)? {
                    merge.add(None, self.undated::<R>(filter, id, &station, run, &names));
                }
            }
            merge.add(Some(from_ns), self.live::<R>(filter, id, &station, &names));
            for part in self.parts(R::KIND, id, &station, (from_ns, to_ns))? {
                let mut rows = sealed::Rows::<R>::new(&self.folder, part.clone(), (from_ns, to_ns));
                let next = move || {
                    loop {
                        match rows.next()? {
                            Some(row) if !row.matches(filter) => {}
                            other => return Ok(other),
                        }
                    }
                };
                merge.add(Some(part.min_ns), Box::new(next));
            }
        }
        merge.run(each)
    }

    /// Rows of the database with a time, page by page.
    fn live<'a, R: Record + 'a>(
        &'a self,
        filter: &'a Filter,
        id: i64,
        station: &Station,
        names: &'a Names,
    ) -> Next<'a, R> {
        let (conditions, values) = filter.sql(R::KIND);
        let sql = format!(
            "SELECT {} FROM {} WHERE station = ? AND time_ns >= ? AND time_ns < ? AND (time_ns, run, number) > (?, ?, ?)
             {conditions} ORDER BY time_ns, run, number LIMIT {PAGE}",
            R::SELECTED,
            R::KIND.table(),
        );
        let (from_ns, to_ns) = filter.window_ns();
        let mut after = (from_ns, i64::MIN, i64::MIN);
        self.pages(station.clone(), names, sql, move |latest: Option<&R>| {
            if let Some((Some(time_ns), run, number)) = latest.map(Record::key) {
                after = (time_ns, run, number);
            }
            let (time_ns, run, number) = after;
            let place = [id, time_ns, to_ns, time_ns, run, number].map(Sql::Integer);
            place.into_iter().chain(values.iter().cloned()).collect()
        })
    }

    /// Rows of a run without a time, page by page.
    fn undated<'a, R: Record + 'a>(
        &'a self,
        filter: &'a Filter,
        id: i64,
        station: &Station,
        run: i64,
        names: &'a Names,
    ) -> Next<'a, R> {
        let (conditions, values) = filter.sql(R::KIND);
        let sql = format!(
            "SELECT {} FROM {} WHERE station = ? AND time_ns IS NULL AND run = ? AND number > ? {conditions}
             ORDER BY number LIMIT {PAGE}",
            R::SELECTED,
            R::KIND.table(),
        );
        let mut after = -1;
        self.pages(station.clone(), names, sql, move |latest: Option<&R>| {
            after = latest.map_or(after, |row| row.key().2);
            [id, run, after].map(Sql::Integer).into_iter().chain(values.iter().cloned()).collect()
        })
    }

    fn pages<'a, R: Record + 'a>(
        &'a self,
        station: Station,
        names: &'a Names,
        sql: String,
        mut values_after: impl FnMut(Option<&R>) -> Vec<Sql> + 'a,
    ) -> Next<'a, R> {
        let mut page: std::vec::IntoIter<R> = Vec::new().into_iter();
        let (mut latest, mut is_last) = (None, false);
        Box::new(move || {
            if page.len() == 0 && !is_last {
                let read = || -> rusqlite::Result<Vec<R>> {
                    let mut statement = self.connection.prepare_cached(&sql)?;
                    let rows = statement
                        .query_map(params_from_iter(values_after(latest.as_ref())), |row| {
                            R::from_sql(&station, row, names)
                        })?;
                    rows.collect()
                };
                let rows = { read }().map_err(|error| self.failed(error))?;
                is_last = rows.len() < PAGE;
                latest = rows.last().cloned();
                page = rows.into_iter();
            }
            Ok(page.next())
        })
    }

    fn names(&self, table: &str) -> Result<Names> {
        let read = || -> rusqlite::Result<Names> {
            let mut statement = self.connection.prepare_cached(&format!("SELECT id, name FROM {table}"))?;
            statement.query_map([], |row| Ok((row.get(0)?, row.get::<_, String>(1)?.into())))?.collect()
        };
        read().map_err(|error| self.failed(error))
    }

    /// Number and name of each station.
    pub(crate) fn stations(&self) -> Result<BTreeMap<i64, Station>> {
        let names = self.names("station")?;
        let stations = names.into_iter().map(|(id, name)| {
            let station = name.parse().map_err(|error: String| Error::new(&self.folder.database(), error))?;
            Ok((id, station))
        });
        stations.collect()
    }

    fn undated_runs(&self, kind: Kind, station: i64) -> Result<Vec<i64>> {
        let sql = format!(
            "SELECT DISTINCT run FROM {} WHERE station = ? AND time_ns IS NULL ORDER BY run",
            kind.table()
        );
        let read = || -> rusqlite::Result<Vec<i64>> {
            let mut statement = self.connection.prepare_cached(&sql)?;
            statement.query_map([station], |row| row.get(0))?.collect()
        };
        read().map_err(|error| self.failed(error))
    }

    /// The sealed files that may hold rows of a window.
    pub(crate) fn parts(
        &self,
        kind: Kind,
        id: i64,
        station: &Station,
        (from_ns, to_ns): (i64, i64),
    ) -> Result<Vec<sealed::Mark>> {
        let sql = "SELECT hour, part, row_count, bytes, min_ns, max_ns, sha256 FROM sealed
                   WHERE kind = ? AND station = ? AND max_ns >= ? AND min_ns < ? ORDER BY min_ns, part";
        let read = || -> rusqlite::Result<Vec<sealed::Mark>> {
            let mut statement = self.connection.prepare_cached(sql)?;
            let marks = statement.query_map((kind.name(), id, from_ns, to_ns), |row| {
                Ok(sealed::Mark {
                    part: Part { kind, station: station.clone(), hour: row.get(0)?, number: row.get(1)? },
                    rows: row.get(2)?,
                    bytes: row.get(3)?,
                    min_ns: row.get(4)?,
                    max_ns: row.get(5)?,
                    sha256: row.get(6)?,
                })
            })?;
            marks.collect()
        };
        read().map_err(|error| self.failed(error))
    }

    /// The folder of the archive.
    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }
}
