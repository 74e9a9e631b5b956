//! The server's configuration that we write: a real server takes it, and refuses whom it is to refuse.
#![allow(clippy::print_stdout, reason = "tests say what they skipped")]

mod common;

use common::server::{Server, config, program};
use common::{message, messages, patiently, payloads, read};
use rangegate_engine::nats::keys::{Certificates, UserKey, make_certificates, make_user_key};
use rangegate_engine::nats::server_config::{Mailbox, ServerConfig, ServerTls};
use rangegate_engine::{Credentials, Error, Exchange, Nats, NatsConfig, Start};
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

struct Party {
    name: &'static str,
    station: UserKey,
    centre: UserKey,
}

impl Party {
    fn new(name: &'static str) -> Self {
        Self { name, station: make_user_key().unwrap(), centre: make_user_key().unwrap() }
    }

    fn mailbox(&self) -> Mailbox {
        Mailbox {
            name: self.name.to_owned(),
            station_key: self.station.public.clone(),
            centre_key: self.centre.public.clone(),
            max_bytes: 64 << 20,
        }
    }
}

fn server_config(folder: &Path, listen: SocketAddr, parties: &[&Party], tls: &Certificates) -> ServerConfig {
    ServerConfig {
        listen,
        store: folder.join("store"),
        tls: Some(ServerTls {
            certificate: tls.server.clone(),
            key: tls.server_key.clone(),
            client_authority: None,
        }),
        mailboxes: parties.iter().map(|party| party.mailbox()).collect(),
    }
}

fn with_key(server: &Server, tls: &Certificates, key: &UserKey) -> NatsConfig {
    NatsConfig {
        credentials: Credentials::Nkey(key.seed.clone()),
        certificate_authority: Some(tls.authority.clone()),
        may_create: false,
        ..config(&server.url())
    }
}

fn connect(config: &NatsConfig) -> Nats {
    patiently(|| Nats::connect(config.clone()))
}

fn is_there() -> bool {
    if program().is_none() {
        println!("SKIPPED 1 case: RANGEGATE_NATS_SERVER names no server");
    }
    program().is_some()
}

#[test]
fn a_station_and_the_centre_share_a_mailbox_that_no_other_sees() {
    if !is_there() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let tls = make_certificates(folder.path(), &["127.0.0.1", "localhost"]).unwrap();
    let (south, north) = (Party::new("south"), Party::new("north"));
    let server = Server::of(folder.path(), |at| server_config(folder.path(), at, &[&south, &north], &tls));

    let station = connect(&with_key(&server, &tls, &south.station));
    // Before the centre has made the streams.
    let error = station.publish("from", &[message("south", 0)]).unwrap_err();
    assert!(error.is_temporary(), "{error}");
    let makes = |party: &Party| NatsConfig { may_create: true, ..with_key(&server, &tls, &party.centre) };
    let centres = [connect(&makes(&south)), connect(&makes(&north))];
    for centre in &centres {
        centre.subscribe("from", "centre", Start::First).unwrap();
        centre.publish("to", &[message("centre", 0)]).unwrap();
    }
    // Both ways.
    patiently(|| station.publish("from", &messages("south", 0..50)));
    assert!(station.publish("from", &messages("south", 40..50)).unwrap().iter().all(|r| r.was_there));
    let mut reader = centres[0].subscribe("from", "centre", Start::First).unwrap();
    assert_eq!(payloads(&read(&mut *reader, 50)), messages("south", 0..50).iter().collect::<Vec<_>>());
    let mut inbound = station.subscribe("to", "station", Start::First).unwrap();
    let found = read(&mut *inbound, 1);
    inbound.acknowledge(found[0].sequence).unwrap();
    drop(inbound);
    let mut inbound = station.subscribe("to", "station", Start::First).unwrap();
    assert!(inbound.next(1, Duration::ZERO).unwrap().is_empty());
    // The other account has nothing of it.
    let mut other = centres[1].subscribe("from", "centre", Start::First).unwrap();
    assert!(other.next(1, Duration::ZERO).unwrap().is_empty());
    // A station may not write what it is sent, nor read as the centre, nor keep jobs.
    let hasty = NatsConfig { timeout: Duration::from_secs(1), ..with_key(&server, &tls, &south.station) };
    let hasty = connect(&hasty);
    assert!(hasty.publish("to", &[message("forged", 0)]).is_err());
    assert!(hasty.subscribe("from", "mine", Start::First).is_err());
    assert!(hasty.trim("from", Default::default()).is_err());
    assert!(hasty.submit("q", "j", b"").is_err());
    assert!(reader.next(1, Duration::ZERO).unwrap().is_empty());
}

#[test]
fn who_is_not_known_is_refused() {
    if !is_there() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let tls = make_certificates(folder.path(), &["127.0.0.1"]).unwrap();
    let other_folder = tempfile::tempdir().unwrap();
    let other_tls = make_certificates(other_folder.path(), &["127.0.0.1"]).unwrap();
    let south = Party::new("south");
    let server = Server::of(folder.path(), |at| server_config(folder.path(), at, &[&south], &tls));
    let good = with_key(&server, &tls, &south.centre);
    connect(&good);
    let refused = |what: &str, config: NatsConfig| {
        let error = Nats::connect(config).err().unwrap_or_else(|| panic!("{what} gets in"));
        println!("{what}: {error}");
        assert!(!error.is_temporary(), "{what}: {error}");
    };
    refused("an unknown key", with_key(&server, &tls, &make_user_key().unwrap()));
    refused("nobody", NatsConfig { credentials: Credentials::None, ..good.clone() });
    refused(
        "a seed that is none",
        NatsConfig { credentials: Credentials::Nkey("SUx".into()), ..good.clone() },
    );
    let wrong = Some(other_tls.authority);
    refused("a server of another authority", NatsConfig { certificate_authority: wrong, ..good.clone() });
    let none = Some(folder.path().join("none.pem"));
    refused("a missing authority", NatsConfig { certificate_authority: none, ..good });
    // Without TLS the server does not listen to a word.
    let mut plain = std::net::TcpStream::connect(server.url().trim_start_matches("nats://")).unwrap();
    plain.set_read_timeout(Some(common::PATIENCE)).unwrap();
    let mut text = String::new();
    std::io::Write::write_all(&mut plain, b"CONNECT {\"verbose\":true}\r\nPING\r\n").unwrap();
    let _ = std::io::Read::read_to_string(&mut plain, &mut text);
    assert!(!text.contains("PONG") && !text.contains("+OK"), "{text}");
    // A certificate for another name.
    let third_folder = tempfile::tempdir().unwrap();
    let third = make_certificates(third_folder.path(), &["elsewhere.example"]).unwrap();
    let other =
        Server::of(third_folder.path(), |at| server_config(third_folder.path(), at, &[&south], &third));
    refused("a certificate of another name", with_key(&other, &third, &south.centre));
}

#[test]
fn a_configuration_that_would_be_wrong_is_not_written() {
    let folder = Path::new("store");
    let listen: SocketAddr = "127.0.0.1:4222".parse().unwrap();
    let south = Party::new("south");
    let good = ServerConfig { listen, store: folder.into(), tls: None, mailboxes: vec![south.mailbox()] };
    assert!(good.text().unwrap().contains("sync_interval: always"));
    let refused = |field: &str, change: &dyn Fn(&mut ServerConfig)| {
        let mut config = good.clone();
        change(&mut config);
        let error = config.text().unwrap_err();
        assert!(matches!(&error, Error::Refused { field: found, .. } if *found == field), "{error}");
    };
    refused("listen", &|config| config.listen = "0.0.0.0:4222".parse().unwrap());
    refused("mailbox", &|config| config.mailboxes[0].name = "a\" b".to_owned());
    refused("key", &|config| config.mailboxes[0].station_key = "UX".to_owned());
    refused("key", &|config| config.mailboxes[0].station_key.clone_from(&south.station.seed));
    refused("mailboxes", &|config| config.mailboxes[0].station_key.clone_from(&south.centre.public));
    refused("mailboxes", &|config| config.mailboxes.push(south.mailbox()));
    refused("path", &|config| config.store = "a\"b".into());
}

#[test]
fn secrets_are_not_shown_and_not_replaced() {
    let key = make_user_key().unwrap();
    let config =
        NatsConfig { credentials: Credentials::Nkey(key.seed.clone()), ..NatsConfig::new("nats://x") };
    assert!(!format!("{key:?} {config:?}").contains(&key.seed));
    let folder = tempfile::tempdir().unwrap();
    let files = make_certificates(folder.path(), &["localhost"]).unwrap();
    let before = std::fs::read(&files.authority).unwrap();
    assert!(make_certificates(folder.path(), &["localhost"]).is_err());
    assert_eq!(std::fs::read(&files.authority).unwrap(), before);
    #[cfg(unix)]
    for secret in [&files.authority_key, &files.server_key] {
        let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(secret).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600);
    }
}

/// Calls from an asynchronous task fail instead of standing still.
#[test]
fn asynchronous_callers_are_refused() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let error = runtime.block_on(async { Nats::connect(NatsConfig::new("nats://127.0.0.1:1")).unwrap_err() });
    assert!(error.to_string().contains("asynchronous"), "{error}");
    let error = Nats::connect(NatsConfig::new("nats://127.0.0.1:1")).unwrap_err();
    assert!(error.is_temporary(), "nobody is there yet: {error}");
}
