//! A real connection over TLS: agreed upon, with a token, and refused without.

mod common;

use common::{Nothing, PATIENCE};
use rangegate_web::{Hub, Options, Scope, Server, Tokens};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{self, ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use tungstenite::Message;

/// A server of all addresses, whose certificate is its own.
struct Served {
    server: Server,
    token: String,
    client: Arc<ClientConfig>,
    _folder: tempfile::TempDir,
}

type Stream = StreamOwned<ClientConnection, TcpStream>;

fn served() -> Served {
    let folder = tempfile::tempdir().unwrap();
    let [cert, key, tokens] = ["cert.pem", "key.pem", "tokens.json"].map(|name| folder.path().join(name));
    let made = rcgen::generate_simple_self_signed(vec!["radar.example".to_owned()]).unwrap();
    std::fs::write(&cert, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let token = Tokens::add(&tokens, "somebody", Scope::Read).unwrap();
    let options = Options {
        listen: Some(SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0))),
        tls: Some((cert.clone(), key)),
        tokens: Tokens::read(&tokens).unwrap(),
        hosts: vec!["radar.example".to_owned()],
        coverage: None,
    };
    let server = Server::start(&options, Arc::new(Nothing::default()), Arc::new(Hub::new())).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(&cert).unwrap()).unwrap();
    let client = client(roots);
    Served { server, token, client, _folder: folder }
}

fn client(roots: RootCertStore) -> Arc<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    Arc::new(builder.with_root_certificates(roots).with_no_client_auth())
}

impl Served {
    fn tcp(&self) -> TcpStream {
        common::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, self.server.address().port())))
    }

    fn connect(&self) -> Stream {
        let name = ServerName::try_from("radar.example").unwrap();
        StreamOwned::new(ClientConnection::new(Arc::clone(&self.client), name).unwrap(), self.tcp())
    }

    /// Status and body of the answer.
    fn ask(&self, method: &str, path: &str, lines: &str) -> (u16, String) {
        let mut stream = self.connect();
        let text = format!(
            "{method} {path} HTTP/1.1\r\nHost: radar.example\r\nConnection: close\r\nContent-Length: 0\r\n{lines}\r\n"
        );
        stream.write_all(text.as_bytes()).unwrap();
        let mut answer = Vec::new();
        // Not every end of a connection is a proper one.
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    fn bearer(&self) -> String {
        format!("Authorization: Bearer {}\r\n", self.token)
    }
}

#[test]
fn a_token_opens_what_others_may_not_see() {
    let served = served();
    assert!(served.server.url().starts_with("https://"));
    assert_eq!(served.ask("GET", "/api/v1/status", "").0, 401);
    assert_eq!(served.ask("GET", "/api/v1/status", "Authorization: Bearer 00\r\n").0, 401);
    let near = format!("Authorization: Bearer {}\r\n", "0".repeat(served.token.len()));
    assert_eq!(served.ask("GET", "/api/v1/status", &near).0, 401);
    let (status, body) = served.ask("GET", "/api/v1/status", &served.bearer());
    assert_eq!(status, 200);
    assert_eq!(serde_json::from_str::<Value>(&body).unwrap()["rate_hz"], 1e6);
    // Whoever may read may change nothing.
    let json = format!("{}Content-Type: application/json\r\n", served.bearer());
    assert_eq!(served.ask("POST", "/api/v1/trigger", &json).0, 403);
    // Nobody is asked before there is TLS.
    let mut plain = served.tcp();
    plain.write_all(b"GET /api/v1/status HTTP/1.1\r\nHost: radar.example\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer);
    assert!(!String::from_utf8_lossy(&answer).contains("HTTP/1.1"), "{answer:?}");
}

#[test]
fn whoever_does_not_know_the_certificate_says_nothing() {
    let served = served();
    let name = ServerName::try_from("radar.example").unwrap();
    let stranger = ClientConnection::new(client(RootCertStore::empty()), name).unwrap();
    let mut stream = StreamOwned::new(stranger, served.tcp());
    let error = stream.write_all(b"GET / HTTP/1.1\r\n\r\n").and_then(|()| stream.flush()).unwrap_err();
    assert!(error.to_string().contains("certificate"), "{error}");
}

#[test]
fn the_live_view_goes_over_tls_with_a_ticket_that_is_good_once() {
    let served = served();
    let ticket = || {
        let json = format!("{}Content-Type: application/json\r\n", served.bearer());
        let (status, body) = served.ask("POST", "/api/v1/ticket", &json);
        assert_eq!(status, 200, "{body}");
        serde_json::from_str::<Value>(&body).unwrap()["ticket"].as_str().unwrap().to_owned()
    };
    let live = |ticket: &str| {
        let url = format!("wss://radar.example/api/v1/live?ticket={ticket}");
        tungstenite::client(url, served.connect()).map_err(|error| error.to_string())
    };
    let ticket = ticket();
    let (mut socket, _) = live(&ticket).unwrap();
    socket.get_mut().sock.set_read_timeout(Some(PATIENCE)).unwrap();
    let first = socket.read().unwrap();
    assert!(matches!(&first, Message::Text(text) if text.contains("hello")), "{first:?}");
    assert!(live(&ticket).unwrap_err().contains("401"));
    assert!(live("none").unwrap_err().contains("401"));
}
