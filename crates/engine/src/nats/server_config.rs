//! The configuration of a server for stations and their centre: an account for each station's mailbox.

use crate::limits::check_name;
use crate::{Error, MAX_PAYLOAD, Result};
use std::fmt::Write;
use std::path::PathBuf;

/// A station's mailbox: an account that no other account sees, with one user for the station and one for the centre.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mailbox {
    /// The account's name: the station's.
    pub name: String,
    /// The station's public nkey (`U…`): it may publish in stream `from` and read stream `to`, no more.
    pub station_key: String,
    /// The centre's public nkey for this mailbox, another one for each: it may do everything in the account.
    pub centre_key: String,
    /// What the mailbox may hold on the disk, in octets.
    pub max_bytes: u64,
}

/// The server's certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerTls {
    /// Certificate (PEM).
    pub certificate: PathBuf,
    /// Its key (PEM).
    pub key: PathBuf,
    /// Given, clients must show a certificate that one of these (PEM) signed.
    pub client_authority: Option<PathBuf>,
}

/// What the server is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerConfig {
    /// Address and port to listen on.
    pub listen: std::net::SocketAddr,
    /// Where messages are kept.
    pub store: PathBuf,
    /// Nothing but TLS then. Without it the address must be a loopback one.
    pub tls: Option<ServerTls>,
    /// The stations.
    pub mailboxes: Vec<Mailbox>,
}

impl ServerConfig {
    /// The configuration file's text.
    ///
    /// # Errors
    /// A name or key is none, or comes twice; no TLS beyond the machine.
    pub fn text(&self) -> Result<String> {
        self.check()?;
        let disk: u64 = self.mailboxes.iter().map(|mailbox| mailbox.max_bytes).sum();
        let mut text = format!(
            "# Written by rangegate.\n\
             server_name: \"rangegate\"\n\
             listen: \"{}\"\n\
             max_payload: {}\n\
             max_connections: {}\n\
             max_subscriptions: 10000\n\
             max_pending: 67108864\n\
             write_deadline: \"10s\"\n\
             jetstream {{\n  store_dir: {}\n  sync_interval: always\n  max_memory_store: 67108864\n  max_file_store: {disk}\n}}\n",
            self.listen,
            MAX_PAYLOAD + 16_384,
            self.mailboxes.len() * 16 + 16,
            quoted(&self.store)?,
        );
        if let Some(tls) = &self.tls {
            let (certificate, key) = (quoted(&tls.certificate)?, quoted(&tls.key)?);
            write_to(
                &mut text,
                format_args!("tls {{\n  cert_file: {certificate}\n  key_file: {key}\n  timeout: 10\n"),
            );
            if let Some(authority) = &tls.client_authority {
                write_to(&mut text, format_args!("  ca_file: {}\n  verify: true\n", quoted(authority)?));
            }
            text.push_str("}\n");
        }
        text.push_str("accounts {\n");
        for mailbox in &self.mailboxes {
            mailbox.write(&mut text);
        }
        text.push_str("}\n");
        Ok(text)
    }

    fn check(&self) -> Result<()> {
        let refused = |field, found: &str, expected| Err(Error::refused("server", field, found, expected));
        if self.tls.is_none() && !self.listen.ip().is_loopback() {
            return refused("listen", &self.listen.to_string(), "a loopback address, or TLS");
        }
        let mut names: Vec<&str> = Vec::new();
        for mailbox in &self.mailboxes {
            check_name("mailbox", &mailbox.name)?;
            for key in [&mailbox.station_key, &mailbox.centre_key] {
                let is_user = key.starts_with('U') && nkeys::KeyPair::from_public_key(key).is_ok();
                if !is_user {
                    return refused("key", key, "the public nkey of a user (U…)");
                }
            }
            names.extend([mailbox.name.as_str(), &mailbox.station_key, &mailbox.centre_key]);
        }
        names.sort_unstable();
        match names.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => refused("mailboxes", pair[0], "each name and key once"),
            None => Ok(()),
        }
    }
}

impl Mailbox {
    fn write(&self, text: &mut String) {
        let publish = [
            "log.from.>",
            "wake.from",
            "state.cursor.to.*",
            // To see what is there already, and to read.
            "$JS.API.DIRECT.GET.log-from.>",
            "$JS.API.DIRECT.GET.log-to",
            "$JS.API.DIRECT.GET.state.state.ids.from.>",
            "$JS.API.DIRECT.GET.state.state.cursor.to.*",
            "$JS.API.STREAM.INFO.log-to",
        ];
        let quote =
            |names: &[&str]| names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
        let (publish, subscribe) = (quote(&publish), quote(&["_INBOX.>", "wake.to"]));
        let Self { name, station_key, centre_key, max_bytes } = self;
        write_to(
            text,
            format_args!(
                "  \"{name}\": {{\n    \
                 jetstream: {{ max_file: {max_bytes}, max_memory: 1048576, max_streams: 64, max_consumers: 64 }}\n    \
                 users: [\n      \
                 {{ nkey: \"{station_key}\", permissions: {{\n        \
                 publish: {{ allow: [{publish}] }}\n        \
                 subscribe: {{ allow: [{subscribe}] }}\n      }} }}\n      \
                 {{ nkey: \"{centre_key}\" }}\n    ]\n  }}\n"
            ),
        );
    }
}

/// A path as the server's language has it.
fn quoted(path: &std::path::Path) -> Result<String> {
    let text = path.to_str().filter(|text| !text.contains(['"', '\\', '\n', '\r']));
    let expected = "a path of UTF-8 without quotes, backslashes and line ends";
    let text =
        text.ok_or_else(|| Error::refused("server", "path", format!("{}", path.display()), expected))?;
    Ok(format!("\"{text}\""))
}

fn write_to(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    let _ = text.write_fmt(arguments);
}
