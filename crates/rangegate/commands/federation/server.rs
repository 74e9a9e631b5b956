//! What a NATS server needs to know of stations and their centre: an account for each station's mailbox.

use super::args::CentreArgs;
use crate::Outcome;
use anyhow::Result;
use rangegate_federation::config::CentreConfig;
use std::path::Path;

/// Writes certificates and the server's configuration to a folder.
///
/// # Errors
/// A station has no key for the centre to log on with, or the folder holds other certificates.
#[cfg(feature = "nats")]
pub fn make(args: &CentreArgs, config: &CentreConfig, folder: &Path) -> Result<Outcome> {
    use anyhow::Context;
    use rangegate_contract::KeyPair;
    use rangegate_engine::nats::keys::make_certificates;
    use rangegate_engine::nats::server_config::{Mailbox, ServerConfig, ServerTls};

    /// What a mailbox may hold, octets.
    const MAX_BYTES: u64 = 4 << 30;
    std::fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let folder = folder.canonicalize()?;
    let mut mailboxes = Vec::new();
    for member in &config.stations {
        let name = &member.site.name;
        let login = member.login.as_deref();
        let login = login
            .with_context(|| format!("station {name:?}: expected login, the centre's key for its account"))?;
        mailboxes.push(Mailbox {
            name: name.clone(),
            station_key: member.key.clone(),
            centre_key: KeyPair::read(login)?.public().to_string(),
            max_bytes: MAX_BYTES,
        });
    }
    let names: Vec<&str> = args.server_name.iter().map(String::as_str).collect();
    let files = make_certificates(&folder, &names)?;
    let tls = ServerTls { certificate: files.server, key: files.server_key, client_authority: None };
    let server = ServerConfig { listen: args.listen, store: folder.join("store"), tls: Some(tls), mailboxes };
    let path = folder.join("server.conf");
    std::fs::write(&path, server.text()?).with_context(|| format!("cannot write {}", path.display()))?;
    crate::commands::print(&format!(
        "nats-server -c {}\n[exchange] at = \"tls://{}:{}\", ca = {:?}\n",
        path.display(),
        args.server_name.first().map_or("localhost", String::as_str),
        args.listen.port(),
        files.authority
    ))?;
    Ok(Outcome::Done)
}

/// This build knows no NATS.
///
/// # Errors
/// Always.
#[cfg(not(feature = "nats"))]
pub fn make(_: &CentreArgs, _: &CentreConfig, _: &Path) -> Result<Outcome> {
    anyhow::bail!("this build knows no NATS: build Rangegate with --features nats")
}
