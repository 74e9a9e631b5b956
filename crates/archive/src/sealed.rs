//! Sealed hours: rows in Parquet files, and the marks that bring them into force.

use crate::layout::Part;
use crate::row::Record;
use crate::{Error, Folder, Result};

/// What the database says of a sealed file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Mark {
    pub part: Part,
    pub rows: i64,
    pub bytes: i64,
    /// Times of its first and last row.
    pub min_ns: i64,
    pub max_ns: i64,
    /// Of the file, in hexadecimal.
    pub sha256: String,
}

#[cfg(feature = "parquet")]
pub(crate) use files::{Rows, Table, hash, mark_of, times};

#[cfg(not(feature = "parquet"))]
pub(crate) use none::{Rows, times};

/// What a build without Parquet says.
#[cfg(not(feature = "parquet"))]
pub(crate) fn not_built(folder: &Folder) -> Error {
    Error::new(
        folder.path(),
        "has sealed hours, or is to have some, but this build knows no Parquet: build Rangegate with --features parquet",
    )
}

#[cfg(not(feature = "parquet"))]
mod none {
    use super::{Folder, Mark, Record, Result, not_built};
    use std::marker::PhantomData;

    #[expect(clippy::extra_unused_type_parameters, reason = "as it is with Parquet")]
    pub(crate) fn times<R: Record>(
        folder: &Folder,
        _: &Mark,
        _: (i64, i64),
        _: &mut dyn FnMut(i64),
    ) -> Result<()> {
        Err(not_built(folder))
    }

    pub(crate) struct Rows<R> {
        folder: Folder,
        rows: PhantomData<R>,
    }

    impl<R: Record> Rows<R> {
        pub fn new(folder: &Folder, _: Mark, _: (i64, i64)) -> Self {
            Self { folder: folder.clone(), rows: PhantomData }
        }

        pub fn next(&mut self) -> Result<Option<R>> {
            Err(not_built(&self.folder))
        }
    }
}

#[cfg(feature = "parquet")]
mod files {
    use super::{Error, Folder, Mark, Part, Record, Result};
    use crate::row::{Key, time_from_ns};
    use crate::table::{Type, Value};
    use rangegate_archive_parquet::{Column, Field, Kind, Reader, Writer};
    use sha2::{Digest, Sha256};
    use std::io::Read;
    use std::path::Path;

    /// Rows of a group: what is held in memory at a time.
    const GROUP_ROWS: usize = 1 << 16;

    /// Which column the time is in, the same for all kinds.
    const TIME: usize = 2;

    /// A kind's columns as Parquet has them.
    pub(crate) fn fields<R: Record>() -> Vec<Field> {
        let kind = |kind| match kind {
            Type::Time => Kind::Time,
            Type::Int => Kind::Int,
            Type::Count => Kind::Count,
            Type::Real => Kind::Real,
            Type::Flag => Kind::Flag,
            Type::Text => Kind::Text,
        };
        R::FIELDS.iter().map(|(name, of)| Field { name, kind: kind(*of) }).collect()
    }

    /// Writes rows as columns, group by group. With the station as the first column where the path does not say it.
    pub(crate) struct Table {
        writer: Writer,
        columns: Vec<Column>,
        values: Vec<Value>,
        has_station: bool,
        bounds: Option<(Key, Key)>,
    }

    impl Table {
        pub fn create<R: Record>(path: &Path, has_station: bool, notes: &[(&str, String)]) -> Result<Self> {
            let mut columns = fields::<R>();
            if has_station {
                columns.insert(0, Field { name: "station", kind: Kind::Text });
            }
            let writer = Writer::create(path, &columns, notes)?;
            let columns = columns.iter().map(|field| Column::new(field.kind)).collect();
            Ok(Self { writer, columns, values: Vec::new(), has_station, bounds: None })
        }

        pub fn add<R: Record>(&mut self, row: &R) -> Result<()> {
            self.values.clear();
            if self.has_station {
                self.values.push(Value::Text(row.station().name().clone()));
            }
            row.values(&mut self.values);
            for (column, value) in self.columns.iter_mut().zip(self.values.drain(..)) {
                put(column, value);
            }
            let key = row.key();
            self.bounds = Some((self.bounds.map_or(key, |(first, _)| first), key));
            if self.columns[0].len() >= GROUP_ROWS { self.write_group() } else { Ok(()) }
        }

        fn write_group(&mut self) -> Result<()> {
            self.writer.write(&self.columns)?;
            self.columns.iter_mut().for_each(Column::clear);
            Ok(())
        }

        /// Ends the file, which then is on the disk; number of rows, and keys of the first and the last.
        pub fn finish(mut self) -> Result<(u64, Option<(Key, Key)>)> {
            if !self.columns[0].is_empty() {
                self.write_group()?;
            }
            Ok((self.writer.finish()?, self.bounds))
        }
    }

    fn put(column: &mut Column, value: Value) {
        match column {
            Column::Int(values) => values.push(match value {
                Value::Time(value) | Value::Int(value) => Some(value),
                Value::Count(value) => Some(value as i64),
                _ => None,
            }),
            Column::Real(values) => values.push(value.number()),
            Column::Flag(values) => values.push(value.flag()),
            Column::Text(values) => values.push(value.text()),
        }
    }

    fn get(column: &Column, of: Type, at: usize) -> Value {
        match column {
            Column::Int(values) => match (values[at], of) {
                (None, _) => Value::Null,
                (Some(value), Type::Time) => Value::Time(value),
                (Some(value), Type::Count) => Value::Count(value as u64),
                (Some(value), _) => Value::Int(value),
            },
            Column::Real(values) => values[at].map_or(Value::Null, Value::Real),
            Column::Flag(values) => values[at].map_or(Value::Null, Value::Flag),
            Column::Text(values) => values[at].clone().map_or(Value::Null, Value::Text),
        }
    }

    /// Rows that are read at once, at first and at most: few where only the first are wanted, many where all are.
    const BATCH_ROWS: std::ops::RangeInclusive<usize> = 1 << 9..=1 << 14;

    /// The rows of a sealed file that lie in a window, in order. The file is opened with the first, and no more of it is
    /// read than is asked for.
    pub(crate) struct Rows<R> {
        path: std::path::PathBuf,
        part: Part,
        window: (i64, i64),
        reader: Option<Reader>,
        group: usize,
        /// Of the group that is being read: its rows, and how many of them may lie in the window.
        rest: Option<(rangegate_archive_parquet::Rows, usize)>,
        batch: usize,
        rows: std::vec::IntoIter<R>,
    }

    impl<R: Record> Rows<R> {
        pub fn new(folder: &Folder, mark: Mark, window: (i64, i64)) -> Self {
            let (path, part) = (folder.part(&mark.part), mark.part);
            let (rows, batch) = (Vec::new().into_iter(), *BATCH_ROWS.start());
            Self { path, part, window, reader: None, group: 0, rest: None, batch, rows }
        }

        pub fn next(&mut self) -> Result<Option<R>> {
            loop {
                if let Some(row) = self.rows.next() {
                    return Ok(Some(row));
                }
                if let Some((rows, left)) = self.rest.as_mut().filter(|(_, left)| *left > 0) {
                    let n_rows = self.batch.min(*left);
                    *left -= n_rows;
                    self.batch = (2 * self.batch).min(*BATCH_ROWS.end());
                    let columns = rows.read(n_rows)?;
                    self.rows = self.rows_of(&columns)?.into_iter();
                    continue;
                }
                if !self.next_group()? {
                    return Ok(None);
                }
            }
        }

        /// Goes to the next group; whether there is one.
        fn next_group(&mut self) -> Result<bool> {
            self.rest = None;
            if self.reader.is_none() {
                self.reader = Some(Reader::open(&self.path, &fields::<R>())?);
            }
            let Some(reader) = self.reader.as_ref().filter(|reader| self.group < reader.n_groups()) else {
                return Ok(false);
            };
            let group = self.group;
            self.group += 1;
            let (from_ns, to_ns) = self.window;
            match reader.bounds(group, TIME) {
                Some((min_ns, max_ns)) if max_ns < from_ns || min_ns >= to_ns => return Ok(true),
                Some((min_ns, max_ns)) if min_ns >= from_ns && max_ns < to_ns => {
                    self.rest = Some((reader.rows(group, 0)?, usize::MAX));
                }
                _ => {
                    let Column::Int(times) = reader.read_column(group, TIME)? else { return Ok(true) };
                    let is_inside = |time_ns: &Option<i64>| {
                        time_ns.is_some_and(|time_ns| (from_ns..to_ns).contains(&time_ns))
                    };
                    if let Some(first) = times.iter().position(is_inside) {
                        let end = times.iter().rposition(is_inside).map_or(first, |last| last + 1);
                        self.rest = Some((reader.rows(group, first)?, end - first));
                    }
                }
            }
            Ok(true)
        }

        fn rows_of(&mut self, columns: &[Column]) -> Result<Vec<R>> {
            let (from_ns, to_ns) = self.window;
            let Some(Column::Int(times)) = columns.get(TIME) else { return Ok(Vec::new()) };
            if times.is_empty() {
                self.rest = None;
            }
            let is_inside =
                |at: &usize| times[*at].is_some_and(|time_ns| (from_ns..to_ns).contains(&time_ns));
            let row = |at| {
                let mut values = columns.iter().zip(R::FIELDS).map(|(column, (_, of))| get(column, *of, at));
                R::from_values(&self.part.station, &mut values).ok_or_else(|| {
                    Error::new(&self.path, "has a null, or another value, where no row has one")
                })
            };
            (0..times.len()).filter(is_inside).map(row).collect()
        }
    }

    /// Gives the times of a sealed file's rows that lie in a window, and reads nothing else of it.
    pub(crate) fn times<R: Record>(
        folder: &Folder,
        mark: &Mark,
        (from_ns, to_ns): (i64, i64),
        each: &mut dyn FnMut(i64),
    ) -> Result<()> {
        let reader = Reader::open(&folder.part(&mark.part), &fields::<R>())?;
        for group in 0..reader.n_groups() {
            let is_outside = |(min_ns, max_ns): (i64, i64)| max_ns < from_ns || min_ns >= to_ns;
            if reader.bounds(group, TIME).is_some_and(is_outside) {
                continue;
            }
            if let Column::Int(times) = reader.read_column(group, TIME)? {
                times
                    .iter()
                    .flatten()
                    .filter(|time_ns| (from_ns..to_ns).contains(*time_ns))
                    .for_each(|t| each(*t));
            }
        }
        Ok(())
    }

    /// SHA-256 of a file, in hexadecimal, and its length.
    pub(crate) fn hash(path: &Path) -> Result<(String, u64)> {
        let read = || -> std::io::Result<(String, u64)> {
            let mut file = std::fs::File::open(path)?;
            let (mut hasher, mut bytes, mut length) = (Sha256::new(), vec![0; 1 << 18], 0);
            loop {
                let n = file.read(&mut bytes)?;
                if n == 0 {
                    let digest = hasher.finalize();
                    return Ok((digest.iter().map(|byte| format!("{byte:02x}")).collect(), length));
                }
                hasher.update(&bytes[..n]);
                length += n as u64;
            }
        };
        read().map_err(|error| Error::io(path, "read", error))
    }

    /// What the mark of a file would be, found by reading all of it.
    pub(crate) fn mark_of<R: Record>(folder: &Folder, part: &Part) -> Result<Mark> {
        let path = folder.part(part);
        let reader = Reader::open(&path, &fields::<R>())?;
        let (mut min_ns, mut max_ns, mut rows) = (i64::MAX, i64::MIN, 0);
        for group in 0..reader.n_groups() {
            if let Column::Int(times) = reader.read_column(group, TIME)? {
                for time_ns in times.iter().flatten() {
                    (min_ns, max_ns) = (min_ns.min(*time_ns), max_ns.max(*time_ns));
                }
                rows += times.len() as i64;
            }
        }
        let (sha256, bytes) = hash(&path)?;
        let hour = (crate::layout::hour_of(min_ns), crate::layout::hour_of(max_ns));
        if rows == 0 || hour != (part.hour, part.hour) {
            let (from, to) = (time_from_ns(min_ns), time_from_ns(max_ns));
            let message = format!(
                "has {rows} rows from {from} to {to}, expected rows of the hour that it is named after"
            );
            return Err(Error::new(&path, message));
        }
        Ok(Mark { part: part.clone(), rows, bytes: bytes as i64, min_ns, max_ns, sha256 })
    }
}
