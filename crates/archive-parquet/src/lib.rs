//! Tables of typed columns in Parquet files, written and read row group by row group.
//!
//! Knows nothing of radars: a table is a list of [`Field`]s, a row group one [`Column`] a field, all of the same length.
//! Every column may hold nulls. Times are nanoseconds since 1970, UTC; text is UTF-8. Whole numbers are stored as
//! differences, text by dictionary, everything compressed by Snappy: what DuckDB, pandas and polars read.
//!
//! The library underneath is not asked what it does with a damaged file: a panic of it becomes an [`Error`].
#![forbid(unsafe_code)]

mod read;
mod write;

pub use read::{Reader, Rows};
pub use write::Writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nanoseconds since 1970, UTC: [`Column::Int`].
    Time,
    /// A whole number: [`Column::Int`].
    Int,
    /// A whole number from 0 to 2⁶⁴ − 1, its bits in an [`Column::Int`].
    Count,
    /// A floating-point number: [`Column::Real`].
    Real,
    /// True or false: [`Column::Flag`].
    Flag,
    /// Text: [`Column::Text`].
    Text,
}

/// Name and kind of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
}

/// The values of a column in one row group `[n_rows]`.
#[derive(Clone, Debug, PartialEq)]
pub enum Column {
    /// Of [`Kind::Time`], [`Kind::Int`] and [`Kind::Count`].
    Int(Vec<Option<i64>>),
    /// Of [`Kind::Real`].
    Real(Vec<Option<f64>>),
    /// Of [`Kind::Flag`].
    Flag(Vec<Option<bool>>),
    /// Of [`Kind::Text`].
    Text(Vec<Option<Arc<str>>>),
}

impl Column {
    /// An empty column of a kind.
    pub fn new(kind: Kind) -> Self {
        match kind {
            Kind::Time | Kind::Int | Kind::Count => Self::Int(Vec::new()),
            Kind::Real => Self::Real(Vec::new()),
            Kind::Flag => Self::Flag(Vec::new()),
            Kind::Text => Self::Text(Vec::new()),
        }
    }

    /// Number of values, nulls included.
    pub fn len(&self) -> usize {
        match self {
            Self::Int(values) => values.len(),
            Self::Real(values) => values.len(),
            Self::Flag(values) => values.len(),
            Self::Text(values) => values.len(),
        }
    }

    /// Whether it has no values.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forgets all values and keeps their room.
    pub fn clear(&mut self) {
        match self {
            Self::Int(values) => values.clear(),
            Self::Real(values) => values.clear(),
            Self::Flag(values) => values.clear(),
            Self::Text(values) => values.clear(),
        }
    }

    fn is_of(&self, kind: Kind) -> bool {
        core::mem::discriminant(self) == core::mem::discriminant(&Self::new(kind))
    }
}

/// What is wrong with a file.
#[derive(Debug, thiserror::Error)]
#[error("{}: {message}", path.display())]
pub struct Error {
    /// The file.
    pub path: PathBuf,
    /// What was found and what was expected: one sentence without a full stop.
    pub message: String,
}

impl Error {
    fn new(path: &Path, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), message: message.into() }
    }
}

#[cfg(test)]
mod tests;
