//! A server with a radar that is none, and plain clients.
#![allow(dead_code, reason = "each test binary uses its own part of it")]

use rangegate_web::backend::{Command, Query, Stretch};
use rangegate_web::{
    About, Backend, Hub, Mode, Options, Playing, Refusal, Replay, Rows, Server, Status, Timeline, View,
};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Long enough for any machine: no test may fail for reasons of time.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A radar that is none.
#[derive(Default)]
pub struct Nothing {
    pub commands: Mutex<Vec<Command>>,
}

impl Backend for Nothing {
    fn about(&self) -> About {
        About {
            mode: Mode::Replay,
            views: View::ALL.to_vec(),
            station: None,
            detector: Value::Null,
            duration_s: Some(10.0),
            start_time_s: None,
            sample_rate_hz: Some(1e6),
            first_sample: Some(0),
            channels: 1,
            transmitter: None,
            max_range_m: None,
            archive: false,
            exchange: false,
        }
    }

    fn status(&self) -> Status {
        Status { rate_hz: 1e6, ..Status::default() }
    }

    fn configuration(&self) -> Value {
        json!({"secret": "a path"})
    }

    fn replay(&self) -> Option<Replay> {
        let (state, duration_s) = (Playing::Playing, Some(10.0));
        Some(Replay { state, position_s: 1.0, duration_s, speed: None, can_seek: true, round: 1 })
    }

    fn command(&self, command: Command) -> Result<Replay, Refusal> {
        self.commands.lock().unwrap().push(command);
        self.replay().ok_or_else(|| Refusal::Failed(String::new()))
    }

    fn trigger(&self) -> Result<(), Refusal> {
        Err(Refusal::Impossible("nothing is held".to_owned()))
    }

    fn detections(&self, query: &Query) -> Result<Rows, Refusal> {
        let n = query.limit.unwrap_or(0).min(3);
        Ok(Rows { items: vec![json!({"time_s": 1.0, "snr_db": 12.5, "template": "=x"}); n], more: n == 3 })
    }

    fn tracks(&self, _: &Query) -> Result<Rows, Refusal> {
        Ok(Rows::default())
    }

    fn timeline(&self, _: &Stretch, bins: usize) -> Result<Timeline, Refusal> {
        Ok(Timeline { start_s: 0.0, end_s: 10.0, counts: vec![0; bins] })
    }
}

/// A server on any free port of this machine.
pub fn server(options: Options) -> (Server, Arc<Hub>, Arc<Nothing>) {
    let (hub, radar) = (Arc::new(Hub::new()), Arc::new(Nothing::default()));
    let options = Options { listen: Some(SocketAddr::from(([127, 0, 0, 1], 0))), ..options };
    let server = Server::start(&options, Arc::clone(&radar) as _, Arc::clone(&hub)).unwrap();
    (server, hub, radar)
}

/// What came back.
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

pub fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Sends bytes as they are, and reads what comes back until the other side ends.
pub fn raw(address: SocketAddr, bytes: &[u8]) -> Option<Answer> {
    let mut stream = connect(address);
    // Who is refused may be cut off before all is said.
    let _ = stream.write_all(bytes);
    let mut all = Vec::new();
    let _ = stream.read_to_end(&mut all);
    let end = all.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&all[..end]).into_owned();
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some(Answer { status, head, body: all[end + 4..].to_vec() })
}

/// A request with these lines of its head.
pub fn ask(address: SocketAddr, method: &str, path: &str, lines: &[&str], body: &str) -> Answer {
    let mut text = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
    if !lines.iter().any(|line| line.starts_with("Host:")) {
        text.push_str(&format!("Host: {address}\r\n"));
    }
    for line in lines {
        text.push_str(line);
        text.push_str("\r\n");
    }
    if method != "GET" {
        text.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    text.push_str("\r\n");
    text.push_str(body);
    raw(address, text.as_bytes()).unwrap_or_else(|| panic!("no answer to {method} {path}"))
}

pub fn get(address: SocketAddr, path: &str) -> Answer {
    ask(address, "GET", path, &[], "")
}
