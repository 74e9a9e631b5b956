//! What can go wrong between stations.

/// Why something of the exchange failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The log between processes.
    #[error(transparent)]
    Engine(#[from] rangegate_engine::Error),
    /// A report is none.
    #[error(transparent)]
    Asterix(#[from] rangegate_exchange::asterix::Error),
    /// A message is not what it should be.
    #[error("a message {0}")]
    Message(String),
    /// A contract, a key or an audit log.
    #[error(transparent)]
    Contract(#[from] rangegate_contract::Error),
    /// A message is not let in.
    #[error("refused: {0}")]
    Refused(#[from] rangegate_contract::Refusal),
    /// A configuration.
    #[error("{0}")]
    Config(String),
    /// A file.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: std::path::PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// What a radar or a sink has to say.
    #[error("{0}")]
    Other(String),
}

/// What comes of it, or why not.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub(crate) fn file(path: &std::path::Path) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::File { path: path.to_owned(), source }
    }

    /// Whether the same may succeed later.
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::Engine(error) if error.is_temporary())
    }
}
