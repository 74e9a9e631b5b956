//! How the server is reached.

use std::path::PathBuf;
use std::time::Duration;

/// Who we are to the server.
#[derive(Clone, Default, PartialEq, Eq)]
pub enum Credentials {
    /// Nobody in particular.
    #[default]
    None,
    /// The seed of an nkey (`SU…`): it stays here, the server asks for a signature.
    Nkey(String),
    /// A credentials file with JWT and seed.
    File(PathBuf),
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::Nkey(_) => f.write_str("Nkey(…)"),
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
        }
    }
}

/// How the server is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NatsConfig {
    /// `nats://HOST:PORT`, or `tls://`.
    pub url: String,
    /// What the server's log calls us.
    pub name: String,
    /// Who we are.
    pub credentials: Credentials,
    /// Certificates (PEM) that may have signed the server's: given, nothing but TLS will do. Without it those of the
    /// operating system count where the server asks for TLS.
    pub certificate_authority: Option<PathBuf>,
    /// Our own certificate and its key (PEM), where the server asks for one.
    pub client_certificate: Option<(PathBuf, PathBuf)>,
    /// How long the server may take to answer.
    pub timeout: Duration,
    /// Whether streams are made where they are missing; else whoever may is waited for.
    pub may_create: bool,
    /// On how many servers of a cluster each stream lies.
    pub replicas: usize,
    /// After how long a job comes again whose worker died as it was handed to it, before its lease began.
    pub handover: Duration,
}

impl NatsConfig {
    /// A server of that address, streams made as needed, 5 s for an answer.
    pub fn new(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            name: "rangegate".to_owned(),
            credentials: Credentials::None,
            certificate_authority: None,
            client_certificate: None,
            timeout: Duration::from_secs(5),
            may_create: true,
            replicas: 1,
            handover: Duration::from_secs(10),
        }
    }
}
