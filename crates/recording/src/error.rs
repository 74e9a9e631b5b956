//! One kind of error: which file, which field, what was found and what was expected.

use std::path::{Path, PathBuf};

/// Result with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What is wrong with a recording.
#[derive(Debug, thiserror::Error)]
#[error("{}: {message}", path.display())]
pub struct Error {
    /// The file or folder.
    pub path: PathBuf,
    /// Field, what was found, what was expected: one sentence without a full stop.
    pub message: String,
    /// What the operating system or a library said.
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error of content.
    pub fn new(path: impl AsRef<Path>, message: impl Into<String>) -> Self {
        Self { path: path.as_ref().to_owned(), message: message.into(), source: None }
    }

    /// A field that holds something else than it should.
    pub fn field(
        path: impl AsRef<Path>,
        field: &str,
        found: impl std::fmt::Display,
        expected: impl std::fmt::Display,
    ) -> Self {
        Self::new(path, format!("field '{field}' is {found}, expected {expected}"))
    }

    /// A field that is not there.
    pub fn missing(path: impl AsRef<Path>, field: &str, expected: impl std::fmt::Display) -> Self {
        Self::new(path, format!("field '{field}' is missing, expected {expected}"))
    }

    /// An error of the operating system.
    pub fn io(path: impl AsRef<Path>, doing: &str, source: std::io::Error) -> Self {
        let message = format!("cannot {doing}: {source}");
        Self { path: path.as_ref().to_owned(), message, source: Some(Box::new(source)) }
    }
}
