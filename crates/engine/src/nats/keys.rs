//! Keys and certificates for a server of one's own.

use crate::{Error, Result};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use std::io::Write;
use std::path::{Path, PathBuf};

/// The key of a user: `public` is for the server's configuration, `seed` is the user's secret.
#[derive(Clone, PartialEq, Eq)]
pub struct UserKey {
    /// `U…`
    pub public: String,
    /// `SU…`
    pub seed: String,
}

impl std::fmt::Debug for UserKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UserKey").field("public", &self.public).finish_non_exhaustive()
    }
}

/// Makes a user's key.
pub fn make_user_key() -> Result<UserKey> {
    let pair = nkeys::KeyPair::new_user();
    let seed = pair.seed().map_err(|error| Error::failed("nkey", "make", error.to_string()))?;
    Ok(UserKey { public: pair.public_key(), seed })
}

/// Files of certificates and keys (PEM).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificates {
    /// What clients trust.
    pub authority: PathBuf,
    /// The authority's secret: to be kept off the server.
    pub authority_key: PathBuf,
    /// The server's.
    pub server: PathBuf,
    /// The server's secret.
    pub server_key: PathBuf,
}

/// Makes an authority and a certificate of the server, for the names and addresses by which clients call it, good until
/// the year 4096. Secrets are readable for their owner only. Files that are there are not replaced.
pub fn make_certificates(folder: &Path, server_names: &[&str]) -> Result<Certificates> {
    let failed = |error: rcgen::Error| Error::failed("certificates", "make", error.to_string());
    let files = Certificates {
        authority: folder.join("authority.pem"),
        authority_key: folder.join("authority.key"),
        server: folder.join("server.pem"),
        server_key: folder.join("server.key"),
    };
    let authority_key = KeyPair::generate().map_err(failed)?;
    let mut authority = CertificateParams::new(Vec::new()).map_err(failed)?;
    authority.distinguished_name.push(DnType::CommonName, "Rangegate exchange");
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let authority_certificate = authority.self_signed(&authority_key).map_err(failed)?;

    let names: Vec<String> = server_names.iter().map(|name| (*name).to_owned()).collect();
    let server_key = KeyPair::generate().map_err(failed)?;
    let mut server = CertificateParams::new(names).map_err(failed)?;
    server.distinguished_name.push(DnType::CommonName, "Rangegate exchange server");
    server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    server.use_authority_key_identifier_extension = true;
    let secret = authority_key.serialize_pem();
    let issuer = Issuer::new(authority, authority_key);
    let server_certificate = server.signed_by(&server_key, &issuer).map_err(failed)?;

    write_new(&files.authority, &authority_certificate.pem(), 0o644)?;
    write_new(&files.authority_key, &secret, 0o600)?;
    write_new(&files.server, &server_certificate.pem(), 0o644)?;
    write_new(&files.server_key, &server_key.serialize_pem(), 0o600)?;
    Ok(files)
}

/// Writes a file that is not there yet.
fn write_new(path: &Path, text: &str, mode: u32) -> Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    let written = options
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()));
    written.map_err(|error| Error::failed(&path.display().to_string(), "write", error.to_string()))
}
