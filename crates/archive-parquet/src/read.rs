//! Files to tables.

use crate::{Column, Error, Field, Kind};
use parquet::basic::Type as Physical;
use parquet::column::reader::ColumnReader;
use parquet::data_type::{ByteArray, DataType};
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::statistics::Statistics;
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Rows that a row group may have: more are not what this crate's writer was given.
const MAX_GROUP_ROWS: i64 = 1 << 24;

/// Reads a table.
pub struct Reader {
    path: PathBuf,
    fields: Vec<Field>,
    file: SerializedFileReader<File>,
}

impl Reader {
    /// Opens a file that must have these fields.
    ///
    /// # Errors
    /// It cannot be read, is cut short, or is another table.
    pub fn open(path: &Path, fields: &[Field]) -> Result<Self, Error> {
        let file = File::open(path).map_err(|error| Error::new(path, format!("cannot be read: {error}")))?;
        let file = guarded(path, || SerializedFileReader::new(file))?;
        let reader = Self { path: path.to_owned(), fields: fields.to_vec(), file };
        reader.check()?;
        Ok(reader)
    }

    fn check(&self) -> Result<(), Error> {
        let metadata = self.file.metadata();
        let columns = metadata.file_metadata().schema_descr().columns();
        let found: Vec<&str> = columns.iter().map(|column| column.name()).collect();
        let expected: Vec<&str> = self.fields.iter().map(|field| field.name).collect();
        let is_alike = columns.iter().zip(&self.fields).all(|(column, field)| {
            column.physical_type() == physical(field.kind)
                && column.max_def_level() == 1
                && column.max_rep_level() == 0
        });
        if found != expected || !is_alike {
            return Err(Error::new(&self.path, format!("has the columns {found:?}, expected {expected:?}")));
        }
        let too_long =
            metadata.row_groups().iter().find(|group| !(0..=MAX_GROUP_ROWS).contains(&group.num_rows()));
        too_long.map_or(Ok(()), |group| {
            let found = group.num_rows();
            Err(Error::new(
                &self.path,
                format!("has a row group of {found} rows, expected up to {MAX_GROUP_ROWS}"),
            ))
        })
    }

    /// Number of row groups.
    pub fn n_groups(&self) -> usize {
        self.file.metadata().num_row_groups()
    }

    /// Number of rows in all of them.
    pub fn n_rows(&self) -> u64 {
        self.file.metadata().row_groups().iter().map(|group| group.num_rows().max(0) as u64).sum()
    }

    /// Least and greatest value of a column of whole numbers in a row group, where the file says so.
    pub fn bounds(&self, group: usize, column: usize) -> Option<(i64, i64)> {
        match self.file.metadata().row_group(group).column(column).statistics() {
            Some(Statistics::Int64(values)) => Some((*values.min_opt()?, *values.max_opt()?)),
            _ => None,
        }
    }

    /// Reads a row group: a column a field.
    ///
    /// # Errors
    /// It is damaged.
    pub fn read(&self, group: usize) -> Result<Vec<Column>, Error> {
        self.rows(group, 0)?.read(usize::MAX)
    }

    /// Reads one column of a row group.
    ///
    /// # Errors
    /// It is damaged.
    pub fn read_column(&self, group: usize, at: usize) -> Result<Column, Error> {
        guarded(&self.path, || {
            let rows = self.file.get_row_group(group)?;
            let n_rows = rows.metadata().num_rows() as usize;
            column(&mut rows.get_column_reader(at)?, n_rows)
        })
    }

    /// The rows of a group from one on, to be read a few at a time. Pages before it are not unpacked.
    ///
    /// # Errors
    /// It is damaged.
    pub fn rows(&self, group: usize, first: usize) -> Result<Rows, Error> {
        guarded(&self.path, || {
            let rows = self.file.get_row_group(group)?;
            let n_rows = rows.metadata().num_rows() as usize;
            let first = first.min(n_rows);
            let mut columns = Vec::with_capacity(self.fields.len());
            for at in 0..self.fields.len() {
                let mut reader = rows.get_column_reader(at)?;
                skip(&mut reader, first)?;
                columns.push(reader);
            }
            Ok(Rows { path: self.path.clone(), columns, left: n_rows - first })
        })
    }
}

/// The rest of a row group.
pub struct Rows {
    path: PathBuf,
    columns: Vec<ColumnReader>,
    left: usize,
}

impl Rows {
    /// Reads up to `most` rows more: a column a field, empty at the end.
    ///
    /// # Errors
    /// They are damaged.
    pub fn read(&mut self, most: usize) -> Result<Vec<Column>, Error> {
        let n_rows = most.min(self.left);
        self.left -= n_rows;
        let columns = &mut self.columns;
        guarded(&self.path, || columns.iter_mut().map(|reader| column(reader, n_rows)).collect())
    }
}

/// The library's errors, and its panics, as ours.
fn guarded<T>(path: &Path, read: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, Error> {
    match catch_unwind(AssertUnwindSafe(read)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(Error::new(path, format!("is damaged, or no Parquet file: {error}"))),
        Err(_) => Err(Error::new(path, "is damaged: the Parquet library gave up")),
    }
}

const fn physical(kind: Kind) -> Physical {
    match kind {
        Kind::Time | Kind::Int | Kind::Count => Physical::INT64,
        Kind::Real => Physical::DOUBLE,
        Kind::Flag => Physical::BOOLEAN,
        Kind::Text => Physical::BYTE_ARRAY,
    }
}

fn skip(reader: &mut ColumnReader, n_rows: usize) -> Result<(), ParquetError> {
    let skipped = match reader {
        ColumnReader::Int64ColumnReader(reader) => reader.skip_records(n_rows)?,
        ColumnReader::DoubleColumnReader(reader) => reader.skip_records(n_rows)?,
        ColumnReader::BoolColumnReader(reader) => reader.skip_records(n_rows)?,
        ColumnReader::ByteArrayColumnReader(reader) => reader.skip_records(n_rows)?,
        _ => return Err(ParquetError::General("a column of another type".to_owned())),
    };
    if skipped == n_rows {
        Ok(())
    } else {
        Err(ParquetError::EOF(format!("{skipped} rows, expected more than {n_rows}")))
    }
}

fn column(reader: &mut ColumnReader, n_rows: usize) -> Result<Column, ParquetError> {
    Ok(match reader {
        ColumnReader::Int64ColumnReader(reader) => Column::Int(values(reader, n_rows, Ok)?),
        ColumnReader::DoubleColumnReader(reader) => Column::Real(values(reader, n_rows, Ok)?),
        ColumnReader::BoolColumnReader(reader) => Column::Flag(values(reader, n_rows, Ok)?),
        ColumnReader::ByteArrayColumnReader(reader) => Column::Text(values(reader, n_rows, text())?),
        _ => return Err(ParquetError::General("a column of another type".to_owned())),
    })
}

fn values<T: DataType, V>(
    reader: &mut parquet::column::reader::ColumnReaderImpl<T>,
    n_rows: usize,
    mut value: impl FnMut(T::T) -> Result<V, ParquetError>,
) -> Result<Vec<Option<V>>, ParquetError> {
    let (mut present, mut levels) = (Vec::new(), Vec::new());
    while levels.len() < n_rows {
        let (rows, _, _) =
            reader.read_records(n_rows - levels.len(), Some(&mut levels), None, &mut present)?;
        if rows == 0 {
            return Err(ParquetError::EOF(format!("{} rows, expected {n_rows}", levels.len())));
        }
    }
    let mut present = present.into_iter();
    let mut next = |level: &i16| match level {
        0 => Ok(None),
        _ => match present.next() {
            Some(found) => value(found).map(Some),
            None => Err(ParquetError::EOF("fewer values than rows".to_owned())),
        },
    };
    levels.iter().map(&mut next).collect()
}

/// Bytes as text; the same text twice in a row is the same memory.
fn text() -> impl FnMut(ByteArray) -> Result<Arc<str>, ParquetError> {
    let mut latest: Option<Arc<str>> = None;
    move |bytes| {
        if let Some(text) = latest.as_ref().filter(|text| text.as_bytes() == bytes.data()) {
            return Ok(Arc::clone(text));
        }
        let text: Arc<str> = bytes.as_utf8()?.into();
        latest = Some(Arc::clone(&text));
        Ok(text)
    }
}
