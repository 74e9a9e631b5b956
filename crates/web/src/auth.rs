//! Who may do what: tokens of which only hashes are kept, tickets for WebSockets, and the token of a session on this
//! machine.

use rand::TryRng;
use rand::rngs::SysRng;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use subtle::ConstantTimeEq;

/// What a token is good for; each scope holds those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// To look.
    Read,
    /// To pause, seek and trigger.
    Operate,
    /// To see the configuration too.
    Admin,
}

impl Scope {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Operate => "operate",
            Self::Admin => "admin",
        }
    }
}

/// Why tokens cannot be read, or one cannot be added.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The file cannot be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file holds something else.
    #[error("{path}: {message}")]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// The system gives no random numbers.
    #[error("no random numbers: {0}")]
    Random(String),
}

/// A token as the file has it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    /// For people.
    name: String,
    scope: Scope,
    /// SHA-256 of the token, hexadecimal. The token is 256 random bits: nothing slower is needed.
    sha256: String,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    tokens: Vec<Kept>,
}

/// Tokens that a server accepts.
#[derive(Clone, Debug, Default)]
pub struct Tokens(Vec<(Scope, [u8; 32])>);

/// Largest file of tokens, bytes.
const MAX_FILE: u64 = 1 << 20;

impl Tokens {
    /// Reads the file that [`Tokens::add`] wrote.
    ///
    /// # Errors
    /// It cannot be read, or holds something else.
    pub fn read(path: &Path) -> Result<Self, TokenError> {
        let file = read(path)?;
        let hash = |kept: &Kept| {
            let bytes = from_hex(&kept.sha256).and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
            let bytes = bytes.ok_or_else(|| TokenError::Invalid {
                path: path.to_owned(),
                message: format!(
                    "sha256 of token '{}' is {:?}, expected 64 hexadecimal digits",
                    kept.name, kept.sha256
                ),
            })?;
            Ok((kept.scope, bytes))
        };
        Ok(Self(file.tokens.iter().map(hash).collect::<Result<_, _>>()?))
    }

    /// Makes a token, adds its hash to a file, which is made where there is none, and returns it: it cannot be told again.
    ///
    /// # Errors
    /// The file holds something else, or cannot be written.
    pub fn add(path: &Path, name: &str, scope: Scope) -> Result<String, TokenError> {
        let mut file = if path.exists() { read(path)? } else { File::default() };
        let token = random_hex(32)?;
        file.tokens.push(Kept { name: name.to_owned(), scope, sha256: hex(&hash(&token)) });
        let io = |source| TokenError::Io { path: path.to_owned(), source };
        let text = serde_json::to_string_pretty(&file).map_err(|error| io(error.into()))?;
        // Whole or not at all, and for its owner alone.
        let next = path.with_extension("new");
        let _ = std::fs::remove_file(&next);
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let written =
            options.open(&next).and_then(|mut out| std::io::Write::write_all(&mut out, text.as_bytes()));
        written.and_then(|()| std::fs::rename(&next, path)).map_err(io)?;
        Ok(token)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What a token is good for. Takes as long whichever it is.
    fn scope(&self, token: &str) -> Option<Scope> {
        let given = hash(token);
        self.0.iter().fold(
            None,
            |found, (scope, kept)| {
                if bool::from(kept.ct_eq(&given)) { found.max(Some(*scope)) } else { found }
            },
        )
    }
}

fn read(path: &Path) -> Result<File, TokenError> {
    let io = |source| TokenError::Io { path: path.to_owned(), source };
    let invalid = |message| TokenError::Invalid { path: path.to_owned(), message };
    let bytes = std::fs::metadata(path).map_err(io)?.len();
    if bytes > MAX_FILE {
        return Err(invalid(format!("{bytes} bytes, expected at most {MAX_FILE}")));
    }
    let text = std::fs::read_to_string(path).map_err(io)?;
    serde_json::from_str(&text).map_err(|error| invalid(format!("is no file of tokens: {error}")))
}

fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

pub(crate) fn random_hex(bytes: usize) -> Result<String, TokenError> {
    let mut random = vec![0; bytes];
    SysRng.try_fill_bytes(&mut random).map_err(|error| TokenError::Random(error.to_string()))?;
    Ok(hex(&random))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    if !text.is_ascii() || !text.len().is_multiple_of(2) {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok()).collect()
}

/// How long a ticket is good.
const TICKET_LIFE: Duration = Duration::from_secs(30);
/// Tickets that are out at once; the oldest is forgotten first.
const MAX_TICKETS: usize = 256;

/// Who may do what on one server.
pub(crate) struct Gate {
    tokens: Tokens,
    /// On this machine alone, where no tokens are configured: whoever can reach the page may look, and whoever has read
    /// the page's session from the page itself may operate.
    session: [u8; 32],
    session_token: String,
    tickets: Mutex<VecDeque<(Instant, [u8; 32])>>,
}

impl Gate {
    pub(crate) fn new(tokens: Tokens) -> Result<Self, TokenError> {
        let session_token = random_hex(32)?;
        Ok(Self { tokens, session: hash(&session_token), session_token, tickets: Mutex::default() })
    }

    /// Whether tokens are configured.
    pub(crate) fn is_closed(&self) -> bool {
        !self.tokens.is_empty()
    }

    /// The session's token, where there are no others.
    pub(crate) fn session_token(&self) -> Option<&str> {
        (!self.is_closed()).then_some(self.session_token.as_str())
    }

    /// What somebody with this token, or with none, may do; `Err` where the token is none of ours.
    pub(crate) fn scope(&self, token: Option<&str>) -> Result<Option<Scope>, ()> {
        match token {
            None if self.is_closed() => Ok(None),
            None => Ok(Some(Scope::Read)),
            Some(token) if self.is_closed() => self.tokens.scope(token).map(Some).ok_or(()),
            Some(token) if bool::from(self.session.ct_eq(&hash(token))) => Ok(Some(Scope::Admin)),
            Some(_) => Err(()),
        }
    }

    /// A ticket for one WebSocket, soon.
    pub(crate) fn ticket(&self) -> Result<String, TokenError> {
        let ticket = random_hex(16)?;
        let mut tickets = self.tickets.lock().unwrap_or_else(PoisonError::into_inner);
        if tickets.len() >= MAX_TICKETS {
            tickets.pop_front();
        }
        tickets.push_back((Instant::now(), hash(&ticket)));
        Ok(ticket)
    }

    /// Takes a ticket, which is good once.
    pub(crate) fn redeem(&self, ticket: &str) -> bool {
        let given = hash(ticket);
        let mut tickets = self.tickets.lock().unwrap_or_else(PoisonError::into_inner);
        tickets.retain(|(made, _)| made.elapsed() < TICKET_LIFE);
        let at = tickets.iter().position(|(_, kept)| bool::from(kept.ct_eq(&given)));
        at.is_some_and(|at| tickets.remove(at).is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_hashes_are_kept_and_scopes_hold_those_below() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokens.json");
        let read = Tokens::add(&path, "wall display", Scope::Read).unwrap();
        let admin = Tokens::add(&path, "me", Scope::Admin).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(!text.contains(&read) && !text.contains(&admin) && read.len() == 64);
        let gate = Gate::new(Tokens::read(&path).unwrap()).unwrap();
        assert_eq!(gate.scope(Some(&read)), Ok(Some(Scope::Read)));
        assert_eq!(gate.scope(Some(&admin)), Ok(Some(Scope::Admin)));
        assert_eq!(gate.scope(None), Ok(None));
        assert_eq!(gate.scope(Some(&read[1..])), Err(()));
        assert_eq!(gate.scope(Some("")), Err(()));
        assert_eq!(gate.session_token(), None);
        assert!(Scope::Admin > Scope::Operate && Scope::Operate > Scope::Read);
        #[cfg(unix)]
        assert_eq!(
            std::os::unix::fs::PermissionsExt::mode(&path.metadata().unwrap().permissions()) & 0o077,
            0
        );
        for wrong in ["{}", "{\"tokens\":[{\"name\":\"a\",\"scope\":\"read\",\"sha256\":\"ä\"}]}", "[]"] {
            std::fs::write(&path, wrong).unwrap();
            assert!(Tokens::read(&path).is_err(), "{wrong}");
        }
    }

    #[test]
    fn without_tokens_all_may_read_and_the_session_may_operate() {
        let gate = Gate::new(Tokens::default()).unwrap();
        assert_eq!(gate.scope(None), Ok(Some(Scope::Read)));
        assert_eq!(gate.scope(gate.session_token()), Ok(Some(Scope::Admin)));
        assert_eq!(gate.scope(Some("x")), Err(()));
    }

    #[test]
    fn a_ticket_is_good_once_and_not_many_are_out() {
        let gate = Gate::new(Tokens::default()).unwrap();
        let first = gate.ticket().unwrap();
        assert!(gate.redeem(&first) && !gate.redeem(&first) && !gate.redeem("x"));
        let lost = gate.ticket().unwrap();
        (0..MAX_TICKETS).for_each(|_| drop(gate.ticket().unwrap()));
        assert!(!gate.redeem(&lost));
    }
}
