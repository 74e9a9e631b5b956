//! What can be wrong with an exchange, or with what is asked of it.

/// What came of it.
pub type Result<T> = std::result::Result<T, Error>;

type Source = Box<dyn std::error::Error + Send + Sync>;

/// What is wrong with an exchange, or with what is asked of it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What was asked breaks a rule; asking again is in vain.
    #[error("{place}: {field}: found {found}, expected {expected}")]
    Refused {
        /// Stream, queue or file.
        place: String,
        /// What of it.
        field: &'static str,
        /// What it was.
        found: String,
        /// What it had to be.
        expected: String,
    },
    /// The job is not this worker's any more.
    #[error("{queue}: job {job}: the lease is lost: {found}")]
    LeaseLost {
        /// The queue.
        queue: String,
        /// The job.
        job: String,
        /// What became of it.
        found: String,
    },
    /// Another process is busy, the server is away, or the disk full: nothing is wrong with what was asked.
    #[error("{place}: cannot {doing} now: {message}")]
    Unavailable {
        /// Stream, queue, file or server.
        place: String,
        /// What was to be done.
        doing: &'static str,
        /// What was said.
        message: String,
        /// Who said so.
        #[source]
        source: Option<Source>,
    },
    /// The file is damaged, the server refuses who we are, or the like: somebody must look.
    #[error("{place}: cannot {doing}: {message}")]
    Failed {
        /// Stream, queue, file or server.
        place: String,
        /// What was to be done.
        doing: &'static str,
        /// What was said.
        message: String,
        /// Who said so.
        #[source]
        source: Option<Source>,
    },
}

impl Error {
    /// Whether the same call may succeed later.
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }

    pub(crate) fn refused(
        place: &str,
        field: &'static str,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) -> Self {
        Self::Refused { place: place.to_owned(), field, found: found.into(), expected: expected.into() }
    }

    #[cfg(feature = "nats")]
    pub(crate) fn failed(place: &str, doing: &'static str, message: impl Into<String>) -> Self {
        Self::Failed { place: place.to_owned(), doing, message: message.into(), source: None }
    }

    pub(crate) fn lease_lost(queue: &str, job: &str, found: impl Into<String>) -> Self {
        Self::LeaseLost { queue: queue.to_owned(), job: job.to_owned(), found: found.into() }
    }
}
