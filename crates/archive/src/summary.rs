//! What is told of an archive beside its rows: runs, gaps, health, where on the time line detections lie.

use crate::layout::{MINUTE_NS, Station};
use crate::row::{DetectionRow, Gap, HealthRow, RunRow, ns_from_time, time_from_ns};
use crate::{Error, Filter, Kind, Reader, Result, sealed};
use rangegate_core::Timestamp;
use rusqlite::params_from_iter;
use rusqlite::types::Value as Sql;
use serde::Serialize;

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

impl Reader {
    fn query<T>(
        &self,
        sql: &str,
        values: &[Sql],
        row: impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>> {
        let mut statement = self.connection().prepare_cached(sql).map_err(|error| self.failed(error))?;
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
        found.pop().ok_or_else(|| Error::new(self.folder().path(), format!("has no run {run}")))
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

    /// How many detections lie in each of `bins` equal parts of a window, to the nanosecond. Reads the times of the window's
    /// detections and nothing else of them: for windows of which [`Self::density`] says that they hold few enough.
    ///
    /// # Errors
    /// The archive is damaged, or has sealed hours that this build cannot read.
    pub fn fine_density(
        &self,
        station: Option<&Station>,
        from: Timestamp,
        to: Timestamp,
        bins: usize,
    ) -> Result<Vec<u64>> {
        let (from_ns, to_ns) = Filter { from: Some(from), to: Some(to), ..Filter::default() }.window_ns();
        let length = (i128::from(to_ns) - i128::from(from_ns)).max(1);
        let mut counts = vec![0; bins];
        let mut count = |time_ns: i64| {
            let at = (i128::from(time_ns) - i128::from(from_ns)) * bins as i128 / length;
            if let Some(count) = usize::try_from(at).ok().and_then(|at| counts.get_mut(at)) {
                *count += 1;
            }
        };
        self.at_one_moment(|| {
            for (id, name) in self.stations()? {
                if station.is_some_and(|wanted| *wanted != name) {
                    continue;
                }
                let sql = "SELECT time_ns FROM detection WHERE station = ? AND time_ns >= ? AND time_ns < ?";
                let window = [id, from_ns, to_ns].map(Sql::Integer);
                self.query(sql, &window, |row| row.get::<_, i64>(0).map(&mut count))?;
                for mark in self.parts(Kind::Detections, id, &name, (from_ns, to_ns))? {
                    sealed::times::<DetectionRow>(self.folder(), &mark, (from_ns, to_ns), &mut count)?;
                }
            }
            Ok(())
        })?;
        Ok(counts)
    }

    /// Rows of the sealed files that lie wholly in a window: there are at least so many in it. Reads none of them.
    ///
    /// # Errors
    /// The archive is damaged.
    pub fn at_least(&self, kind: Kind, from: Option<Timestamp>, to: Option<Timestamp>) -> Result<u64> {
        let (from_ns, to_ns) = Filter { from, to, ..Filter::default() }.window_ns();
        let sql = "SELECT total(row_count) FROM sealed WHERE kind = ? AND min_ns >= ? AND max_ns < ?";
        let values = [Sql::Text(kind.name().to_owned()), Sql::Integer(from_ns), Sql::Integer(to_ns)];
        let found = self.query(sql, &values, |row| row.get::<_, f64>(0))?;
        Ok(found.first().map_or(0, |rows| *rows as u64))
    }

    /// Begin of the first and end of the last minute with detections; `None` where there are none.
    ///
    /// # Errors
    /// The archive is damaged.
    pub fn span(&self, station: Option<&Station>) -> Result<Option<(Timestamp, Timestamp)>> {
        // Each a look at one end of the table's order.
        let sql = "SELECT min((SELECT min(minute) FROM density WHERE station = s.id)),
                          max((SELECT max(minute) FROM density WHERE station = s.id))
                   FROM station s WHERE ?1 IS NULL OR name = ?1";
        let time = |minute: i64| time_from_ns(minute.saturating_mul(MINUTE_NS));
        let mut found = self.query(sql, &[station_value(station)], |row| {
            let (first, last): (Option<i64>, Option<i64>) = (row.get(0)?, row.get(1)?);
            Ok(first.zip(last).map(|(first, last)| (time(first), time(last.saturating_add(1)))))
        })?;
        Ok(found.pop().flatten())
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
}

fn station_value(station: Option<&Station>) -> Sql {
    station.map_or(Sql::Null, |station| Sql::Text(station.to_string()))
}

fn run_value(run: Option<i64>) -> Sql {
    run.map_or(Sql::Null, Sql::Integer)
}
