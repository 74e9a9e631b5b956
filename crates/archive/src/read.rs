//! The way out: rows in order of time, from the database and from sealed hours.

use crate::layout::{MINUTE_NS, Part, Station};
use crate::merge::{Merge, Next};
use crate::row::{DetectionRow, Gap, HealthRow, Names, Record, RunRow, TrackRow, ns_from_time, time_from_ns};
use crate::{Error, Folder, Kind, Result, schema, sealed};
use rangegate_core::Timestamp;
use rusqlite::types::Value as Sql;
use rusqlite::{Connection, params_from_iter};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::path::Path;

/// Which rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    /// Of this station only.
    pub station: Option<Station>,
    /// At or after this time. Rows without a time are left out where a time is asked for.
    pub from: Option<Timestamp>,
    /// Before this time.
    pub to: Option<Timestamp>,
    /// Range from and to, m, both included.
    pub range_m: Option<(f64, f64)>,
    /// SNR at least, dB; tracks have none and are all let through.
    pub min_snr_db: Option<f64>,
    /// Of this template.
    pub template: Option<String>,
    /// Of this run.
    pub run: Option<i64>,
    /// Of the track of this number: its updates, or the detections that it is made of.
    pub track: Option<i64>,
}

impl Filter {
    fn has_time(&self) -> bool {
        self.from.is_some() || self.to.is_some()
    }

    /// From and to in nanoseconds: the second is not included.
    fn window_ns(&self) -> (i64, i64) {
        let ns = |time: Option<Timestamp>, default: i64| {
            let clamped = |time: Timestamp| if time.as_nanosecond() < 0 { i64::MIN } else { i64::MAX };
            time.map_or(default, |time| ns_from_time(time).unwrap_or_else(|| clamped(time)))
        };
        (ns(self.from, i64::MIN), ns(self.to, i64::MAX))
    }

    /// What of it the database can say.
    fn sql(&self, kind: Kind) -> (String, Vec<Sql>) {
        let (mut sql, mut values) = (String::new(), Vec::new());
        let mut and = |condition: &str, value: Sql| {
            sql.push_str(" AND ");
            sql.push_str(condition);
            values.push(value);
        };
        if let Some((from_m, to_m)) = self.range_m {
            and("range_m >= ?", Sql::Real(from_m));
            and("range_m <= ?", Sql::Real(to_m));
        }
        if let Some(run) = self.run {
            and("run = ?", Sql::Integer(run));
        }
        match kind {
            Kind::Detections => {
                if let Some(snr_db) = self.min_snr_db {
                    and("snr_db >= ?", Sql::Real(snr_db));
                }
                if let Some(template) = &self.template {
                    and("template = (SELECT id FROM template WHERE name = ?)", Sql::Text(template.clone()));
                }
            }
            Kind::Tracks => {
                if let Some(track) = self.track {
                    and("track = ?", Sql::Integer(track));
                }
            }
        }
        (sql, values)
    }
}

/// What a row is tried by where the database did not do it.
pub(crate) trait Matches {
    fn matches(&self, filter: &Filter) -> bool;
}

fn is_in_range(range_m: Option<f64>, filter: &Filter) -> bool {
    filter.range_m.is_none_or(|(from, to)| range_m.is_some_and(|range_m| (from..=to).contains(&range_m)))
}

impl Matches for DetectionRow {
    fn matches(&self, filter: &Filter) -> bool {
        let d = &self.detection;
        is_in_range(d.range_m, filter)
            && filter.min_snr_db.is_none_or(|least_db| d.snr_db >= least_db)
            && filter.template.as_ref().is_none_or(|template| **template == *d.template)
            && filter.run.is_none_or(|run| run == self.run)
    }
}

impl Matches for TrackRow {
    fn matches(&self, filter: &Filter) -> bool {
        is_in_range(self.state.range_m, filter)
            && filter.track.is_none_or(|track| track == self.state.track)
            && filter.run.is_none_or(|run| run == self.run)
    }
}

/// Detections of a stretch of the time line.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DensityBin {
    /// Begin of the stretch.
    pub time: Timestamp,
    /// Detections in it.
    pub detections: i64,
    /// The strongest, dB.
    pub max_snr_db: Option<f64>,
}

/// What an archive holds of a station.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Overview {
    /// Whose.
    pub station: String,
    /// Runs.
    pub runs: i64,
    /// Detections in the database.
    pub live_detections: i64,
    /// Detections in sealed hours.
    pub sealed_detections: i64,
    /// Updates of tracks, in both.
    pub track_updates: i64,
    /// Sealed files.
    pub sealed_files: i64,
    /// Their size.
    pub sealed_bytes: i64,
    /// First and last minute with detections.
    pub first_time: Option<Timestamp>,
    /// See `first_time`.
    pub last_time: Option<Timestamp>,
}

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

    fn failed(&self, error: rusqlite::Error) -> Error {
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

    fn at_one_moment<T>(&self, read: impl FnOnce() -> Result<T>) -> Result<T> {
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

    fn query<T>(
        &self,
        sql: &str,
        values: &[Sql],
        row: impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>> {
        let mut statement = self.connection.prepare_cached(sql).map_err(|error| self.failed(error))?;
        let rows = statement.query_map(params_from_iter(values), row).map_err(|error| self.failed(error))?;
        rows.collect::<rusqlite::Result<_>>().map_err(|error| self.failed(error))
    }

    /// The runs, in the order in which they began, of one station or of all.
    ///
    /// # Errors
    /// The archive is damaged.
    pub fn runs(&self, station: Option<&Station>) -> Result<Vec<RunRow>> {
        let sql =
            "SELECT run, station, status, source, sample_rate_hz, first_sample, start_ns, detections, tracks,
                   first_ns, last_ns, dropped FROM runs WHERE ?1 IS NULL OR station = ?1 ORDER BY run";
        let time = |ns: Option<i64>| ns.map(time_from_ns);
        self.query(sql, &[station_value(station)], |row| {
            Ok(RunRow {
                run: row.get(0)?,
                station: row.get(1)?,
                status: row.get(2)?,
                source: row.get(3)?,
                sample_rate_hz: row.get(4)?,
                first_sample: row.get::<_, i64>(5)? as u64,
                start_time: time(row.get(6)?),
                detections: row.get(7)?,
                tracks: row.get(8)?,
                first_time: time(row.get(9)?),
                last_time: time(row.get(10)?),
                dropped: row.get(11)?,
            })
        })
    }

    /// A run's configuration and report, JSON, as they were written.
    ///
    /// # Errors
    /// There is no such run, or the archive is damaged.
    pub fn run_documents(&self, run: i64) -> Result<(String, Option<String>)> {
        let sql = "SELECT configuration, report FROM run WHERE id = ?";
        let mut found = self.query(sql, &[Sql::Integer(run)], |row| Ok((row.get(0)?, row.get(1)?)))?;
        found.pop().ok_or_else(|| Error::new(self.folder.path(), format!("has no run {run}")))
    }

    /// The run that this one would be again: of the same station, source, window and configuration, with as many
    /// detections. The same recording and configuration give the same detections.
    ///
    /// # Errors
    /// The archive is damaged.
    pub fn same_run(&self, run: &crate::RunStart, detections: u64) -> Result<Option<i64>> {
        let sql = "SELECT min(run) FROM runs WHERE station = ? AND source = ? AND sample_rate_hz = ? AND first_sample = ?
                   AND start_ns IS ? AND configuration = ? AND detections = ?";
        let values = [
            Sql::Text(run.station.to_string()),
            Sql::Text(run.source.clone()),
            Sql::Real(run.sample_rate_hz),
            Sql::Integer(run.first_sample as i64),
            run.start_time.and_then(ns_from_time).map_or(Sql::Null, Sql::Integer),
            Sql::Text(run.configuration.clone()),
            Sql::Integer(detections as i64),
        ];
        Ok(self.query(sql, &values, |row| row.get(0))?.pop().flatten())
    }

    /// The gaps of a run, or of all, in order.
    ///
    /// # Errors
    /// The archive is damaged.
    pub fn gaps(&self, run: Option<i64>) -> Result<Vec<Gap>> {
        let sql = "SELECT run, first_sample, samples, time_ns FROM gap WHERE ?1 IS NULL OR run = ?1
                   ORDER BY run, first_sample";
        self.query(sql, &[run_value(run)], |row| {
            Ok(Gap {
                run: row.get(0)?,
                first_sample: row.get::<_, i64>(1)? as u64,
                samples: row.get::<_, i64>(2)? as u64,
                time: row.get::<_, Option<i64>>(3)?.map(time_from_ns),
            })
        })
    }

    /// The figures of health of a run, or of all, in order.
    ///
    /// # Errors
    /// The archive is damaged.
    pub fn health(&self, run: Option<i64>) -> Result<Vec<HealthRow>> {
        let sql = "SELECT run, time_ns, sample, name, value FROM health WHERE ?1 IS NULL OR run = ?1
                   ORDER BY run, sample, rowid";
        self.query(sql, &[run_value(run)], |row| {
            Ok(HealthRow {
                run: row.get(0)?,
                time: row.get::<_, Option<i64>>(1)?.map(time_from_ns),
                sample: row.get::<_, i64>(2)? as u64,
                name: row.get(3)?,
                value: row.get(4)?,
            })
        })
    }

    /// How many detections lie where on the time line, in steps of so many minutes; stretches without any are left out.
    /// Reads no detection: it costs the same for a thousand and for a billion.
    ///
    /// # Errors
    /// The archive is damaged.
    pub fn density(
        &self,
        station: Option<&Station>,
        from: Option<Timestamp>,
        to: Option<Timestamp>,
        step_minutes: u32,
    ) -> Result<Vec<DensityBin>> {
        let window = Filter { from, to, ..Filter::default() }.window_ns();
        let step = i64::from(step_minutes.max(1));
        let first = window.0.div_euclid(MINUTE_NS);
        let last = window.1.saturating_sub(1).div_euclid(MINUTE_NS);
        // Division that rounds down, also before 1970.
        let sql = "SELECT (minute - ((minute % ?1) + ?1) % ?1) AS begun, sum(detections), max(max_snr_db) FROM density
                   WHERE minute BETWEEN ?2 AND ?3 AND (?4 IS NULL OR station = (SELECT id FROM station WHERE name = ?4))
                   GROUP BY begun ORDER BY begun";
        let values = [Sql::Integer(step), Sql::Integer(first), Sql::Integer(last), station_value(station)];
        self.query(sql, &values, |row| {
            Ok(DensityBin {
                time: time_from_ns(row.get::<_, i64>(0)?.saturating_mul(MINUTE_NS)),
                detections: row.get(1)?,
                max_snr_db: row.get(2)?,
            })
        })
    }

    /// What there is of each station.
    ///
    /// # Errors
    /// The archive is damaged.
    pub fn overview(&self) -> Result<Vec<Overview>> {
        let sql = "SELECT name,
                (SELECT count(*) FROM run WHERE station = s.id),
                (SELECT count(*) FROM detection WHERE station = s.id),
                (SELECT total(row_count) FROM sealed WHERE station = s.id AND kind = 'detections'),
                (SELECT count(*) FROM track_update WHERE station = s.id)
                    + (SELECT total(row_count) FROM sealed WHERE station = s.id AND kind = 'tracks'),
                (SELECT count(*) FROM sealed WHERE station = s.id),
                (SELECT total(bytes) FROM sealed WHERE station = s.id),
                (SELECT min(minute) FROM density WHERE station = s.id),
                (SELECT max(minute) FROM density WHERE station = s.id)
            FROM station s ORDER BY name";
        let time = |minute: Option<i64>| minute.map(|minute| time_from_ns(minute.saturating_mul(MINUTE_NS)));
        self.query(sql, &[], |row| {
            Ok(Overview {
                station: row.get(0)?,
                runs: row.get(1)?,
                live_detections: row.get(2)?,
                sealed_detections: row.get::<_, f64>(3)? as i64,
                track_updates: row.get::<_, f64>(4)? as i64,
                sealed_files: row.get(5)?,
                sealed_bytes: row.get::<_, f64>(6)? as i64,
                first_time: time(row.get(7)?),
                last_time: time(row.get(8)?),
            })
        })
    }

    /// The folder of the archive.
    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }
}

fn station_value(station: Option<&Station>) -> Sql {
    station.map_or(Sql::Null, |station| Sql::Text(station.to_string()))
}

fn run_value(run: Option<i64>) -> Sql {
    run.map_or(Sql::Null, Sql::Integer)
}
