//! Whatever is sent to the server: clear refusals, no crash, and it goes on serving.

mod common;

use common::{ask, connect, get, raw, server};
use rangegate_web::{Options, Scope, ServeError, Server, Tokens};
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::sync::Arc;

/// It still answers.
fn is_well(address: SocketAddr) {
    assert_eq!(get(address, "/api/v1/status").status, 200);
}

#[test]
fn the_page_comes_with_its_policy_and_only_once() {
    let (server, ..) = server(Options::default());
    let page = get(server.address(), "/");
    assert_eq!(page.status, 200);
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'; script-src 'self';") && !policy.contains("unsafe"));
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "no-referrer"),
    ] {
        assert_eq!(page.header(name), Some(value));
    }
    assert!(page.header("access-control-allow-origin").is_none());
    let tag = format!("If-None-Match: {}", page.header("etag").unwrap());
    assert_eq!(ask(server.address(), "GET", "/", &[&tag], "").status, 304);
    let zipped = ask(server.address(), "GET", "/", &["Accept-Encoding: br, gzip"], "");
    assert_eq!((zipped.header("content-encoding"), &zipped.body[..2]), (Some("gzip"), &[0x1f, 0x8b][..]));
    assert_eq!(ask(server.address(), "POST", "/", &[], "").status, 405);
}

#[test]
fn malformed_queries_are_refused_with_a_reason() {
    let (server, _, radar) = server(Options::default());
    let address = server.address();
    for path in [
        "/api/v1/detections?limit=-1",
        "/api/v1/detections?limit=999999999999",
        "/api/v1/detections?limit=100001",
        "/api/v1/detections?from=yesterday",
        "/api/v1/detections?min_snr_db=NaN",
        "/api/v1/detections?max_range_m=inf",
        "/api/v1/detections?format=xml",
        "/api/v1/detections?sql=DROP+TABLE+run",
        "/api/v1/detections?from=%00",
        "/api/v1/tracks?track=one",
        "/api/v1/timeline?bins=0",
        "/api/v1/timeline?bins=99999",
        "/api/v1/timeline?from=5&to=5",
    ] {
        let answer = get(address, path);
        assert_eq!(answer.status, 400, "{path}: {}", answer.text());
        assert!(
            answer.json()["error"]["message"].as_str().is_some_and(|message| message.len() > 5),
            "{path}"
        );
    }
    assert_eq!(
        get(address, "/api/v1/detections?from=2026-11-22T10:00:00Z&to=1e10&limit=2").json()["items"]
            .as_array()
            .map(Vec::len),
        Some(2)
    );
    let csv = get(address, "/api/v1/detections?format=csv&limit=1");
    assert_eq!(csv.header("content-type"), Some("text/csv; charset=utf-8"));
    assert!(csv.text().lines().nth(1).unwrap().contains("\"'=x\""));
    let token = get(address, "/api/v1/session").json()["token"].as_str().unwrap().to_owned();
    let lines = [format!("Authorization: Bearer {token}"), "Content-Type: application/json".to_owned()];
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    for body in [
        "",
        "{",
        "[]",
        "null",
        r#"{"action":"explode"}"#,
        r#"{"action":"seek"}"#,
        r#"{"action":"speed"}"#,
        r#"{"action":"pause","x":1}"#,
        r#"{"action":"seek","position_s":1e999}"#,
    ] {
        let answer = ask(address, "POST", "/api/v1/replay", &lines, body);
        assert_eq!(answer.status, 400, "{body}: {}", answer.text());
    }
    assert!(radar.commands.lock().unwrap().is_empty());
    assert_eq!(ask(address, "POST", "/api/v1/replay", &lines, r#"{"action":"pause"}"#).status, 200);
    assert_eq!(ask(address, "POST", "/api/v1/trigger", &lines, "").status, 409);
    assert_eq!(ask(address, "POST", "/api/v1/replay", &lines[..1], r#"{"action":"pause"}"#).status, 415);
    assert_eq!(get(address, "/api/v1/replay").status, 405);
    is_well(address);
}

#[test]
fn no_path_leads_out_of_the_page() {
    let (server, ..) = server(Options::default());
    for path in [
        "/../Cargo.toml",
        "/../../../../etc/passwd",
        "/..%2f..%2fetc%2fpasswd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "//etc/passwd",
        "/index.html/../../etc/passwd",
        "/index.html%00.js",
        "/.git/config",
        "/api/v1/../../etc/passwd",
        "/api/v2/status",
    ] {
        let answer = get(server.address(), path);
        assert!(matches!(answer.status, 400 | 401 | 404), "{path}: {}", answer.status);
        assert!(!answer.text().contains("root:"), "{path}");
    }
    is_well(server.address());
}

#[test]
fn tokens_are_asked_for_and_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tokens.json");
    let read = Tokens::add(&file, "display", Scope::Read).unwrap();
    let operate = Tokens::add(&file, "operator", Scope::Operate).unwrap();
    let (server, _, radar) = server(Options { tokens: Tokens::read(&file).unwrap(), ..Options::default() });
    let address = server.address();
    let with = |method: &str, path: &str, token: &str, body: &str| {
        let line = format!("Authorization: Bearer {token}");
        ask(address, method, path, &[&line, "Content-Type: application/json"], body)
    };
    // The page holds no data.
    assert_eq!(get(address, "/").status, 200);
    for path in [
        "/api/v1/status",
        "/api/v1/detections",
        "/metrics",
        "/data/aircraft.json",
        "/api/v1/session",
        "/api/v1/config",
        "/api/v1/live",
    ] {
        let answer = get(address, path);
        assert_eq!((answer.status, answer.header("www-authenticate")), (401, Some("Bearer")), "{path}");
    }
    for wrong in ["", "x", &read[1..], &format!("{read}0"), &"0".repeat(64)] {
        assert_eq!(with("GET", "/api/v1/status", wrong, "").status, 401);
    }
    for scheme in [format!("Basic {read}"), read.clone(), "Bearer".to_owned()] {
        let line = format!("Authorization: {scheme}");
        assert_eq!(ask(address, "GET", "/api/v1/status", &[&line], "").status, 401);
    }
    assert_eq!(with("GET", "/api/v1/status", &read, "").status, 200);
    assert_eq!(with("GET", "/api/v1/config", &operate, "").status, 403);
    let pause = r#"{"action":"pause"}"#;
    assert_eq!(
        ask(address, "POST", "/api/v1/replay", &["Content-Type: application/json"], pause).status,
        401
    );
    assert_eq!(with("POST", "/api/v1/replay", &read, pause).status, 403);
    assert!(radar.commands.lock().unwrap().is_empty());
    assert_eq!(with("POST", "/api/v1/replay", &operate, pause).status, 200);
    // Tokens in addresses end up in logs: only tickets, which are good once, may be there.
    assert_eq!(get(address, &format!("/api/v1/status?token={read}")).status, 401);
    let ticket = with("POST", "/api/v1/ticket", &read, "").json()["ticket"].as_str().unwrap().to_owned();
    let live = format!("ws://{address}/api/v1/live?ticket={ticket}");
    assert!(tungstenite::client(live.as_str(), connect(address)).is_ok());
    assert!(tungstenite::client(live.as_str(), connect(address)).is_err());
}

#[test]
fn on_this_machine_all_may_look_but_changes_need_the_pages_token() {
    let (server, _, radar) = server(Options::default());
    let address = server.address();
    let pause = |lines: &[&str]| {
        let lines: Vec<&str> = lines.iter().copied().chain(["Content-Type: application/json"]).collect();
        ask(address, "POST", "/api/v1/replay", &lines, r#"{"action":"pause"}"#).status
    };
    assert_eq!(pause(&[]), 401);
    assert_eq!(pause(&["Authorization: Bearer x"]), 401);
    assert!(radar.commands.lock().unwrap().is_empty());
    let token = get(address, "/api/v1/session").json()["token"].as_str().unwrap().to_owned();
    assert_eq!(pause(&[&format!("Authorization: Bearer {token}")]), 200);
    assert_eq!(get(address, "/api/v1/config").status, 200);
}

#[test]
fn pages_from_elsewhere_are_refused() {
    let (server, ..) = server(Options::default());
    let address = server.address();
    let own = format!("Origin: http://{address}");
    assert_eq!(ask(address, "GET", "/api/v1/session", &[&own], "").status, 200);
    let near = format!("Origin: http://{address}.evil.example");
    for line in ["Origin: http://evil.example", "Origin: null", "Sec-Fetch-Site: cross-site", &near] {
        for path in ["/api/v1/session", "/api/v1/status", "/api/v1/live"] {
            let answer = ask(address, "GET", path, &[line], "");
            assert_eq!(answer.status, 403, "{line}");
            assert!(answer.header("access-control-allow-origin").is_none());
        }
    }
    // A name that somebody else made to point here.
    for host in
        ["Host: evil.example", "Host: evil.example:8073", "Host: 10.0.0.1", "Host: localhost.evil.example"]
    {
        assert_eq!(ask(address, "GET", "/api/v1/session", &[host], "").status, 421, "{host}");
    }
    for host in ["Host: localhost:8073", "Host: [::1]:1", "Host: 127.0.0.1"] {
        assert_eq!(ask(address, "GET", "/api/v1/status", &[host], "").status, 200, "{host}");
    }
    let both =
        format!("GET / HTTP/1.1\r\nHost: {address}\r\nHost: evil.example\r\nConnection: close\r\n\r\n");
    assert_eq!(raw(address, both.as_bytes()).unwrap().status, 421);
    let live = tungstenite::http::Request::builder()
        .uri(format!("ws://{address}/api/v1/live"))
        .header("Host", address.to_string())
        .header("Origin", "http://evil.example")
        .header("Connection", "Upgrade")
        .header("Upgrade", "websocket")
        .header("Sec-WebSocket-Version", "13")
        .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
        .body(())
        .unwrap();
    let refused = tungstenite::client(live, connect(address)).err().unwrap().to_string();
    assert!(refused.contains("403"), "{refused}");
}

#[test]
fn what_is_too_large_is_refused() {
    let (server, ..) = server(Options::default());
    let address = server.address();
    let token = get(address, "/api/v1/session").json()["token"].as_str().unwrap().to_owned();
    let lines = [format!("Authorization: Bearer {token}"), "Content-Type: application/json".to_owned()];
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let body = format!("{{\"action\":\"{}\"}}", "x".repeat(2 << 20));
    let answer = ask(address, "POST", "/api/v1/replay", &lines, &body);
    assert_eq!(answer.status, 413, "{}", answer.text());
    // Sooner or later it has enough of a head without an end.
    let head = format!("GET / HTTP/1.1\r\nHost: {address}\r\nX: {}\r\n\r\n", "x".repeat(1 << 20));
    assert!(raw(address, head.as_bytes()).is_none_or(|answer| answer.status == 431));
    let path = format!("GET /{} HTTP/1.1\r\nHost: {address}\r\n\r\n", "x".repeat(1 << 18));
    assert!(raw(address, path.as_bytes()).is_none_or(|answer| matches!(answer.status, 414 | 431)));
    for noise in [
        &b"\x16\x03\x01\x02\x00\x01\x00"[..],
        b"\0\0\0\0\r\n\r\n",
        b"GET\r\n\r\n",
        b"POST / HTTP/9.9\r\n\r\n",
    ] {
        assert!(raw(address, noise).is_none_or(|answer| answer.status >= 400));
    }
    is_well(address);
}

#[test]
fn oversized_frames_and_nonsense_on_the_websocket_end_it_and_nothing_else() {
    let (server, hub, _) = server(Options::default());
    let address = server.address();
    let url = format!("ws://{address}/api/v1/live");
    let open = || tungstenite::client(url.as_str(), connect(address)).unwrap().0;
    let ends = |socket: &mut tungstenite::WebSocket<std::net::TcpStream>| loop {
        match socket.read() {
            Ok(message) if message.is_close() => return true,
            Ok(_) => {}
            Err(_) => return true,
        }
    };
    // As text, as bytes, and as a frame that says it is longer than all memory.
    let mut socket = open();
    let _ = socket.send(tungstenite::Message::Text("x".repeat(100_000).into()));
    assert!(ends(&mut socket));
    let mut socket = open();
    let _ = socket.send(tungstenite::Message::Binary(vec![0; 1000].into()));
    assert!(ends(&mut socket));
    let mut socket = open();
    let endless = [0x82, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0];
    socket.get_mut().write_all(&endless).unwrap();
    assert!(ends(&mut socket));
    // What is only not understood is answered.
    let mut socket = open();
    let mut replies = 0;
    for text in [
        "",
        "{",
        "[1]",
        r#"{"type":"subscribe"}"#,
        r#"{"type":"subscribe","views":["x-ray"]}"#,
        r#"{"type":"subscribe","views":[],"max_fps":1e9}"#,
        r#"{"type":"ping","n":7}"#,
    ] {
        socket.send(tungstenite::Message::Text(text.into())).unwrap();
    }
    while replies < 7 {
        let text = socket.read().unwrap().into_text().unwrap_or_default();
        replies += usize::from(text.contains("\"error\""));
        if text.contains("\"pong\"") {
            assert_eq!(text.as_str(), r#"{"n":7,"type":"pong"}"#);
            replies += 1;
        }
    }
    for k in 0..1000 {
        if socket.send(tungstenite::Message::Text(format!("{{\"type\":\"ping\",\"n\":{k}}}").into())).is_err()
        {
            break;
        }
    }
    assert!(ends(&mut socket), "a flood is cut off");
    drop(socket);
    is_well(address);
    let deadline = std::time::Instant::now() + common::PATIENCE;
    while hub.counts().clients > 0 {
        assert!(std::time::Instant::now() < deadline, "clients that are gone are forgotten");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

#[test]
fn a_thousand_connections_are_told_that_there_is_no_room() {
    let (server, ..) = server(Options::default());
    let address = server.address();
    let mut open = Vec::new();
    for _ in 0..1000 {
        // The system may have had enough before the server.
        if let Ok(stream) = std::net::TcpStream::connect(address) {
            open.push(stream);
        }
    }
    assert!(open.len() > 300, "{} connections", open.len());
    let mut told = 0;
    for stream in open.iter_mut().skip(256) {
        stream.set_read_timeout(Some(common::PATIENCE)).unwrap();
        let mut answer = [0; 64];
        let n = stream.read(&mut answer).unwrap_or(0);
        assert!(n == 0 || answer.starts_with(b"HTTP/1.1 503"), "{:?}", String::from_utf8_lossy(&answer[..n]));
        told += usize::from(n > 0);
    }
    assert!(told > 0);
    drop(open);
    // There is room again.
    let deadline = std::time::Instant::now() + common::PATIENCE;
    let request = format!("GET /api/v1/status HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    while raw(address, request.as_bytes()).is_none_or(|answer| answer.status != 200) {
        assert!(std::time::Instant::now() < deadline);
    }
}

#[test]
fn no_server_for_others_without_tls_and_tokens() {
    let (hub, radar) = (Arc::new(rangegate_web::Hub::new()), Arc::new(common::Nothing::default()));
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0", "[::ffff:192.0.2.1]:0"] {
        let options = Options { listen: Some(address.parse().unwrap()), ..Options::default() };
        let refused = Server::start(&options, Arc::clone(&radar) as _, Arc::clone(&hub));
        assert!(matches!(refused.err(), Some(ServeError::Unsafe(_))), "{address}");
    }
}
