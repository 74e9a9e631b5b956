//! Rows as typed values, and as lines of CSV.

use crate::Result;
use crate::row::{Record, time_from_ns};
use std::fmt::Write;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// Nanoseconds since 1970, UTC.
    Time,
    /// A whole number.
    Int,
    /// A whole number from 0 to 2⁶⁴ − 1.
    Count,
    /// A floating-point number.
    Real,
    /// True or false.
    Flag,
    /// Text.
    Text,
}

/// One value of a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Not known.
    Null,
    /// Nanoseconds since 1970, UTC.
    Time(i64),
    /// A whole number.
    Int(i64),
    /// A whole number from 0.
    Count(u64),
    /// A floating-point number.
    Real(f64),
    /// True or false.
    Flag(bool),
    /// Text.
    Text(Arc<str>),
}

impl Value {
    pub(crate) fn real(value: Option<f64>) -> Self {
        value.map_or(Self::Null, Self::Real)
    }

    pub(crate) fn time(self) -> Option<i64> {
        if let Self::Time(value) = self { Some(value) } else { None }
    }

    pub(crate) fn int(self) -> Option<i64> {
        if let Self::Int(value) = self { Some(value) } else { None }
    }

    pub(crate) fn count(self) -> Option<u64> {
        if let Self::Count(value) = self { Some(value) } else { None }
    }

    pub(crate) fn number(self) -> Option<f64> {
        if let Self::Real(value) = self { Some(value) } else { None }
    }

    pub(crate) fn flag(self) -> Option<bool> {
        if let Self::Flag(value) = self { Some(value) } else { None }
    }

    pub(crate) fn text(self) -> Option<Arc<str>> {
        if let Self::Text(value) = self { Some(value) } else { None }
    }

    /// `Some(None)` for null, `None` for a value of another type.
    pub(crate) fn or_null<T>(self, value: impl FnOnce(Self) -> Option<T>) -> Option<Option<T>> {
        if self == Self::Null { Some(None) } else { value(self).map(Some) }
    }
}

/// The first line of a CSV file of rows of this kind.
pub fn csv_header<R: Record>() -> String {
    let names = R::FIELDS.iter().map(|(name, _)| *name);
    let mut line = std::iter::once("station").chain(names).collect::<Vec<_>>().join(",");
    line.push('\n');
    line
}

/// A row's line of CSV, put behind what is in `text`: times as RFC 3339 with nine digits, nothing for null, text in
/// quotes where it needs them.
pub fn csv_line<R: Record>(row: &R, values: &mut Vec<Value>, text: &mut String) {
    values.clear();
    row.values(values);
    text.push_str(row.station().name());
    for value in values.iter() {
        text.push(',');
        // Writing to a string cannot fail.
        let _ = match value {
            Value::Null => Ok(()),
            Value::Time(time_ns) => write!(text, "{:.9}", time_from_ns(*time_ns)),
            Value::Int(value) => write!(text, "{value}"),
            Value::Count(value) => write!(text, "{value}"),
            Value::Real(value) if value.is_nan() => Ok(()),
            Value::Real(value) => write!(text, "{value}"),
            Value::Flag(value) => write!(text, "{value}"),
            Value::Text(value) => csv_text(value, text),
        };
    }
    text.push('\n');
}

/// Text as CSV has it.
pub fn csv_text(value: &str, text: &mut String) -> std::fmt::Result {
    if value.contains([',', '"', '\n', '\r']) {
        write!(text, "\"{}\"", value.replace('"', "\"\""))
    } else {
        text.write_str(value)
    }
}

/// Writes the rows that `read` gives to a Parquet file of their own, the station as its first column; number of rows.
///
/// # Errors
/// The file exists, the disk is full, or this build knows no Parquet.
#[cfg(feature = "parquet")]
pub fn write_parquet<R: Record>(
    path: &Path,
    read: impl FnOnce(&mut dyn FnMut(R) -> ControlFlow<()>) -> Result<()>,
) -> Result<u64> {
    let notes = [("rangegate.kind", R::KIND.name().to_owned())];
    let mut table = crate::sealed::Table::create::<R>(path, true, &notes)?;
    let mut written = Ok(());
    read(&mut |row| {
        written = table.add(&row);
        if written.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    written?;
    Ok(table.finish()?.0)
}

/// Writes nothing: this build knows no Parquet.
///
/// # Errors
/// Always.
#[cfg(not(feature = "parquet"))]
pub fn write_parquet<R: Record>(
    path: &Path,
    _: impl FnOnce(&mut dyn FnMut(R) -> ControlFlow<()>) -> Result<()>,
) -> Result<u64> {
    let message = "cannot be written: this build knows no Parquet, build Rangegate with --features parquet";
    Err(crate::Error::new(path, message))
}
