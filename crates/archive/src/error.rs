//! What is wrong with an archive.

use std::path::{Path, PathBuf};

/// What came of it.
pub type Result<T> = std::result::Result<T, Error>;

/// What is wrong with an archive, or with what is asked of it.
#[derive(Debug, thiserror::Error)]
#[error("{}: {message}", path.display())]
pub struct Error {
    /// The archive, or the file in it.
    pub path: PathBuf,
    /// What was found and what was expected: one sentence without a full stop.
    pub message: String,
    /// What SQLite or the operating system said.
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    pub(crate) fn new(path: &Path, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), message: message.into(), source: None }
    }

    pub(crate) fn io(path: &Path, doing: &str, source: std::io::Error) -> Self {
        let message = format!("cannot {doing}: {source}");
        Self { path: path.to_owned(), message, source: Some(Box::new(source)) }
    }

    pub(crate) fn sqlite(path: &Path, doing: &str, source: rusqlite::Error) -> Self {
        let message = format!("cannot {doing}: {source}");
        Self { path: path.to_owned(), message, source: Some(Box::new(source)) }
    }
}

#[cfg(feature = "parquet")]
impl From<rangegate_archive_parquet::Error> for Error {
    fn from(error: rangegate_archive_parquet::Error) -> Self {
        Self { path: error.path, message: error.message, source: None }
    }
}
