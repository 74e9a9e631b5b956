//! Where a station and the centre meet: two streams of one exchange.

use crate::{Error, Result};
use rangegate_engine::sqlite::SqliteOptions;
use rangegate_engine::{Exchange, Sqlite};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What the station says.
pub const FROM: &str = "from";
/// What the station hears.
pub const TO: &str = "to";

/// What opens mailboxes.
#[derive(Clone, Debug)]
pub enum Post {
    /// Files in a folder.
    Folder(PathBuf),
    /// A server; keys are per account.
    #[cfg(feature = "nats")]
    Nats {
        /// Its address.
        url: String,
        /// Whom to trust.
        ca: Option<PathBuf>,
    },
}

impl Post {
    /// What a configuration says.
    ///
    /// # Errors
    /// A server in a build without NATS.
    pub fn new(at: &str, ca: Option<&Path>) -> Result<Self> {
        if !at.contains("://") {
            return Ok(Self::Folder(PathBuf::from(at)));
        }
        #[cfg(feature = "nats")]
        if at.starts_with("nats://") || at.starts_with("tls://") {
            return Ok(Self::Nats { url: at.to_owned(), ca: ca.map(Path::to_owned) });
        }
        let _ = ca;
        let expected = if cfg!(feature = "nats") {
            "a folder, nats://HOST:PORT or tls://HOST:PORT"
        } else {
            "a folder: this build knows no NATS, build Rangegate with --features nats"
        };
        Err(Error::Config(format!("exchange is {at:?}, expected {expected}")))
    }

    /// The mailbox of a station. `login` is the file of the secret key that logs on, where there is a server; there the
    /// centre makes what is missing.
    ///
    /// # Errors
    /// It cannot be opened; temporary where a server does not answer.
    pub fn open(&self, station: &str, login: &Path, is_centre: bool) -> Result<Arc<dyn Exchange>> {
        match self {
            Self::Folder(folder) => {
                let _ = (login, is_centre);
                std::fs::create_dir_all(folder).map_err(Error::file(folder))?;
                let path = folder.join(format!("{station}.sqlite"));
                Ok(Arc::new(Sqlite::open(&path, SqliteOptions::default())?))
            }
            #[cfg(feature = "nats")]
            Self::Nats { url, ca } => {
                use rangegate_engine::nats::{Credentials, Nats, NatsConfig};
                // Refuses what others may read.
                rangegate_contract::KeyPair::read(login)?;
                let seed = std::fs::read_to_string(login).map_err(Error::file(login))?;
                let config = NatsConfig {
                    name: station.to_owned(),
                    credentials: Credentials::Nkey(seed.trim().to_owned()),
                    certificate_authority: ca.clone(),
                    may_create: is_centre,
                    ..NatsConfig::new(url)
                };
                Ok(Arc::new(Nats::connect(config)?))
            }
        }
    }

    /// Whether a station needs an outbox of its own: files are as durable as one.
    pub fn is_remote(&self) -> bool {
        !matches!(self, Self::Folder(_))
    }
}
