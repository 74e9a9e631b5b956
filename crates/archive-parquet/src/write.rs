//! Tables to files.

use crate::{Column, Error, Field, Kind};
use parquet::basic::{
    Compression, ConvertedType, Encoding, LogicalType, Repetition, TimeUnit, Type as Physical,
};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::{ColumnPath, Type};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Writes a table. A file that is not finished is none: it has no footer.
pub struct Writer {
    path: PathBuf,
    fields: Vec<Field>,
    file: SerializedFileWriter<File>,
    n_rows: u64,
}

impl Writer {
    /// Creates the file, which must not exist, with notes (name and text) in its footer.
    ///
    /// # Errors
    /// It cannot be created.
    pub fn create(path: &Path, fields: &[Field], notes: &[(&str, String)]) -> Result<Self, Error> {
        let failed = |error: ParquetError| Error::new(path, format!("cannot be created: {error}"));
        let columns = fields.iter().map(|field| column_type(field).map(Arc::new)).collect::<Result<_, _>>();
        let schema = columns
            .and_then(|columns| Type::group_type_builder("rows").with_fields(columns).build())
            .map_err(failed)?;
        let file = File::create_new(path)
            .map_err(|error| Error::new(path, format!("cannot be created: {error}")))?;
        let file = SerializedFileWriter::new(file, Arc::new(schema), Arc::new(properties(fields, notes)))
            .map_err(failed)?;
        Ok(Self { path: path.to_owned(), fields: fields.to_vec(), file, n_rows: 0 })
    }

    /// Writes a row group.
    ///
    /// # Errors
    /// The disk is full.
    ///
    /// # Panics
    /// `columns` are not as many as fields, of other kinds, or of different lengths.
    pub fn write(&mut self, columns: &[Column]) -> Result<(), Error> {
        assert_eq!(columns.len(), self.fields.len(), "columns and fields");
        let n_rows = columns.first().map_or(0, Column::len);
        for (column, field) in columns.iter().zip(&self.fields) {
            assert!(column.is_of(field.kind), "column {} is not of kind {:?}", field.name, field.kind);
            assert_eq!(column.len(), n_rows, "rows of column {}", field.name);
        }
        self.write_group(columns)
            .map_err(|error| Error::new(&self.path, format!("cannot be written: {error}")))?;
        self.n_rows += n_rows as u64;
        Ok(())
    }

    fn write_group(&mut self, columns: &[Column]) -> Result<(), ParquetError> {
        let mut group = self.file.next_row_group()?;
        for column in columns {
            let Some(mut out) = group.next_column()? else { break };
            match column {
                Column::Int(values) => put::<Int64Type, _>(&mut out, values, |value| *value)?,
                Column::Real(values) => put::<DoubleType, _>(&mut out, values, |value| *value)?,
                Column::Flag(values) => put::<BoolType, _>(&mut out, values, |value| *value)?,
                Column::Text(values) => put::<ByteArrayType, _>(&mut out, values, bytes())?,
            }
            out.close()?;
        }
        group.close()?;
        Ok(())
    }

    /// Writes the footer and brings all of it to the disk; number of rows.
    ///
    /// # Errors
    /// The disk is full.
    pub fn finish(self) -> Result<u64, Error> {
        let failed =
            |error: &dyn std::fmt::Display| Error::new(&self.path, format!("cannot be written: {error}"));
        let file = self.file.into_inner().map_err(|error| failed(&error))?;
        file.sync_all().map_err(|error| failed(&error))?;
        Ok(self.n_rows)
    }
}

/// Values without nulls, and where the nulls are.
fn put<T: DataType, V>(
    out: &mut SerializedColumnWriter<'_>,
    values: &[Option<V>],
    stored: impl FnMut(&V) -> T::T,
) -> Result<(), ParquetError> {
    let levels: Vec<i16> = values.iter().map(|value| i16::from(value.is_some())).collect();
    let present: Vec<T::T> = values.iter().flatten().map(stored).collect();
    out.typed::<T>().write_batch(&present, Some(&levels), None)?;
    Ok(())
}

/// Text as bytes; the same text twice in a row is the same memory.
fn bytes() -> impl FnMut(&Arc<str>) -> ByteArray {
    let mut latest: Option<(Arc<str>, ByteArray)> = None;
    move |text| match &latest {
        Some((same, bytes)) if Arc::ptr_eq(same, text) => bytes.clone(),
        _ => {
            let bytes = ByteArray::from(text.as_bytes().to_vec());
            latest = Some((Arc::clone(text), bytes.clone()));
            bytes
        }
    }
}

fn column_type(field: &Field) -> Result<Type, ParquetError> {
    let (physical, logical, converted) = match field.kind {
        Kind::Time => {
            let unit = LogicalType::timestamp(true, TimeUnit::NANOS);
            (Physical::INT64, Some(unit), ConvertedType::NONE)
        }
        Kind::Int => (Physical::INT64, None, ConvertedType::NONE),
        Kind::Count => {
            let unsigned = LogicalType::integer(64, false);
            (Physical::INT64, Some(unsigned), ConvertedType::UINT_64)
        }
        Kind::Real => (Physical::DOUBLE, None, ConvertedType::NONE),
        Kind::Flag => (Physical::BOOLEAN, None, ConvertedType::NONE),
        Kind::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String), ConvertedType::UTF8),
    };
    Type::primitive_type_builder(field.name, physical)
        .with_repetition(Repetition::OPTIONAL)
        .with_logical_type(logical)
        .with_converted_type(converted)
        .build()
}

fn properties(fields: &[Field], notes: &[(&str, String)]) -> WriterProperties {
    let notes = notes.iter().map(|(name, text)| KeyValue::new((*name).to_owned(), text.clone())).collect();
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_dictionary_enabled(false)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_created_by(concat!("rangegate ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_key_value_metadata(Some(notes));
    for field in fields {
        let path = ColumnPath::from(field.name);
        properties = match field.kind {
            Kind::Time | Kind::Int | Kind::Count => {
                properties.set_column_encoding(path, Encoding::DELTA_BINARY_PACKED)
            }
            Kind::Text => properties.set_column_dictionary_enabled(path, true),
            Kind::Real | Kind::Flag => properties,
        };
    }
    properties.build()
}
