//! Keys: ed25519 in the text form of NATS (nkeys), seed files, and messages that are signed.
//!
//! A station's or centre's key is a *user* key (`U…`, seed `SU…`): the same logs in to a NATS server. An owner's
//! key is an *account* key (`A…`, seed `SA…`): it signs contracts. Signatures are verified strictly (RFC 8032 with
//! keys of small order refused), as a weak key fits any message.

use crate::{Error, Refusal};
use ed25519_dalek::VerifyingKey;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::io::{Read, Write};
use std::path::Path;

/// Octets of a signature.
pub const SIGNATURE_LEN: usize = 64;
/// What a signature of a message begins with, so that it can be one of nothing else.
const MESSAGE_DOMAIN: &[u8] = b"rangegate message 1\0";
/// Octets of a seed file at most.
const MAX_SEED_FILE_LEN: u64 = 1024;

/// Whose key it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A station or the centre, which sign messages: `U…`.
    Machine,
    /// An owner, who signs contracts: `A…`.
    Owner,
}

/// A public key; its text is an nkey's, and has a check sum.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PublicKey {
    text: String,
    octets: [u8; 32],
}

impl PublicKey {
    /// Reads the text of a user or account key.
    ///
    /// # Errors
    /// It is no such key, or a weak one.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let bad = |reason: &str| Error::value("key", format!("{text:?}"), reason);
        if !text.starts_with(['A', 'U']) {
            return Err(bad("a public key U… (station, centre) or A… (owner)"));
        }
        let (_, octets) = nkeys::from_public_key(text)
            .map_err(|error| bad(&format!("56 letters and digits with their check sum ({error})")))?;
        match VerifyingKey::from_bytes(&octets) {
            Ok(key) if !key.is_weak() => Ok(Self { text: text.to_owned(), octets }),
            _ => Err(bad("a point of the curve that is not of small order")),
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whose key it is.
    pub fn role(&self) -> Role {
        if self.text.starts_with('A') { Role::Owner } else { Role::Machine }
    }

    /// Whether the signature is this key's for these octets.
    pub fn verify(&self, octets: &[u8], signature: &[u8]) -> bool {
        let (Ok(key), Ok(signature)) = (
            VerifyingKey::from_bytes(&self.octets),
            <&[u8; SIGNATURE_LEN]>::try_from(signature).map(ed25519_dalek::Signature::from_bytes),
        ) else {
            return false;
        };
        key.verify_strict(octets, &signature).is_ok()
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl TryFrom<String> for PublicKey {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        Self::parse(&text)
    }
}

impl From<PublicKey> for String {
    fn from(key: PublicKey) -> Self {
        key.text
    }
}

/// A key that can sign; shows its public half only.
pub struct KeyPair {
    pair: nkeys::KeyPair,
    public: PublicKey,
}

impl fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyPair({})", self.public)
    }
}

impl KeyPair {
    /// A new one, from the operating system's random numbers.
    ///
    /// # Errors
    /// Never in practice: that the key made is none.
    pub fn generate(role: Role) -> Result<Self, Error> {
        Self::new(match role {
            Role::Machine => nkeys::KeyPair::new_user(),
            Role::Owner => nkeys::KeyPair::new_account(),
        })
    }

    /// That of a seed `SU…` or `SA…`.
    ///
    /// # Errors
    /// It is no such seed. The message does not repeat the seed.
    pub fn from_seed(seed: &str) -> Result<Self, Error> {
        let pair = nkeys::KeyPair::from_seed(seed).map_err(|error| Error::Text {
            what: "seed".to_owned(),
            reason: format!("expected 58 letters and digits, SU… or SA…, with their check sum ({error})"),
        })?;
        Self::new(pair)
    }

    fn new(pair: nkeys::KeyPair) -> Result<Self, Error> {
        let public = PublicKey::parse(&pair.public_key())?;
        Ok(Self { pair, public })
    }

    /// Reads a seed file.
    ///
    /// # Errors
    /// It cannot be read, others than its owner may read or write it, or it holds no seed.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let file = std::fs::File::open(path).map_err(Error::file(path))?;
        let metadata = file.metadata().map_err(Error::file(path))?;
        check_mode(path, &metadata)?;
        let mut text = String::new();
        file.take(MAX_SEED_FILE_LEN).read_to_string(&mut text).map_err(Error::file(path))?;
        Self::from_seed(text.trim())
            .map_err(|error| Error::Text { what: path.display().to_string(), reason: error.to_string() })
    }

    /// Writes a seed file that only its owner may read (mode 0600); never over another file.
    ///
    /// # Errors
    /// The file is there, or cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let seed = self.pair.seed().map_err(|error| Error::value("seed", error, "a key that can sign"))?;
        let mut file = options.open(path).map_err(Error::file(path))?;
        file.write_all(format!("{seed}\n").as_bytes())
            .and_then(|()| file.sync_all())
            .map_err(Error::file(path))
    }

    /// The public half.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The signature of these octets.
    pub fn sign(&self, octets: &[u8]) -> [u8; SIGNATURE_LEN] {
        let signature = self.pair.sign(octets).expect("a key pair of a seed signs");
        signature.try_into().expect("a signature of ed25519 has 64 octets")
    }
}

#[cfg(unix)]
fn check_mode(path: &Path, metadata: &std::fs::Metadata) -> Result<(), Error> {
    let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o7777;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    let field = format!("mode of {}", path.display());
    Err(Error::value(field, format!("{mode:04o}"), "0600, as it holds a secret (chmod 600)"))
}

#[cfg(not(unix))]
fn check_mode(_: &Path, _: &std::fs::Metadata) -> Result<(), Error> {
    Ok(())
}

fn signed_octets(origin: &str, envelope: &[u8]) -> Vec<u8> {
    [MESSAGE_DOMAIN, origin.as_bytes(), &[0], envelope].concat()
}

/// The envelope's octets and behind them the signature of `rangegate message 1`, 0, the origin's name, 0, the octets.
///
/// The origin's name is signed but not sent: who receives knows whose mailbox it came from.
pub fn sign_message(origin: &str, key: &KeyPair, envelope: &[u8]) -> Vec<u8> {
    let signature = key.sign(&signed_octets(origin, envelope));
    [envelope, &signature].concat()
}

/// The envelope's octets of a message that this origin signed with this key.
///
/// # Errors
/// The message is shorter than a signature, or the signature is not this key's for this origin and envelope.
pub fn open_message<'a>(origin: &str, key: &PublicKey, octets: &'a [u8]) -> Result<&'a [u8], Refusal> {
    let Some((envelope, signature)) = octets.split_last_chunk::<SIGNATURE_LEN>() else {
        return Err(Refusal::NotSigned { origin: origin.to_owned(), len: octets.len() });
    };
    if key.verify(&signed_octets(origin, envelope), signature) {
        Ok(envelope)
    } else {
        Err(Refusal::BadSignature { origin: origin.to_owned(), key: key.clone() })
    }
}
