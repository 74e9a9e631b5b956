//! What can be wrong with what came from outside.

/// Something from outside is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}: {message}")]
pub struct Error {
    /// Which file or station.
    pub what: String,
    /// Field, found, expected.
    pub message: String,
}

impl Error {
    /// Of a file or station.
    pub fn new(what: &str, message: impl Into<String>) -> Self {
        Self { what: what.to_owned(), message: message.into() }
    }
}
