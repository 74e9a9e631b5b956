//! The web view of the real program: a replay that is watched, held up, stepped and played again; an archive; refusals.
#![cfg(feature = "web")]

mod common;

use common::{rangegate, repository, run_fails, run_ok};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tungstenite::{Message, WebSocket};

/// Long enough for any machine: no test may fail for reasons of time.
const PATIENCE: Duration = Duration::from_secs(120);

/// The program, serving; it ends with this.
struct Serving {
    child: Child,
    address: SocketAddr,
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Serving {
    fn start(arguments: &[&str]) -> Self {
        let mut command = rangegate();
        command.args(arguments);
        Self::start_command(command)
    }

    fn start_command(mut command: Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let address = loop {
            let line = lines.next().expect("the program says where the page is").unwrap();
            if let Some(url) = line.split("http://").nth(1) {
                break url.trim_end_matches('/').parse().unwrap();
            }
        };
        // What it says later must not fill a pipe that nobody reads.
        rangegate_pipeline::worker::start("stderr", move || lines.for_each(drop)).unwrap();
        Self { child, address }
    }

    fn ask(&self, method: &str, path: &str, head: &str, body: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let length = body.len();
        let address = self.address;
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{head}Content-Length: {length}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        // Long answers come in pieces.
        if head.to_ascii_lowercase().contains("transfer-encoding: chunked") {
            let mut rest = body;
            let mut whole = String::new();
            while let Some((size, after)) = rest.split_once("\r\n") {
                let size = usize::from_str_radix(size, 16).unwrap();
                whole.push_str(&after[..size]);
                rest = after[size..].trim_start_matches("\r\n");
            }
            return (status, whole);
        }
        (status, body.to_owned())
    }

    fn get(&self, path: &str) -> Value {
        let (status, body) = self.ask("GET", path, "", "");
        assert_eq!(status, 200, "{path}: {body}");
        serde_json::from_str(&body).unwrap()
    }

    fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let token = self.get("/api/v1/session")["token"].as_str().unwrap().to_owned();
        let head = format!("Authorization: Bearer {token}\r\nContent-Type: application/json\r\n");
        let (status, body) = self.ask("POST", path, &head, &body.to_string());
        (status, serde_json::from_str(&body).unwrap())
    }

    fn replay(&self, command: &Value) -> (u16, Value) {
        self.post("/api/v1/replay", command)
    }

    fn live(&self) -> WebSocket<TcpStream> {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut socket = tungstenite::client(format!("ws://{}/api/v1/live", self.address), stream).unwrap().0;
        let wanted =
            json!({"type": "subscribe", "views": ["range_doppler", "range_time", "a_scope", "spectrum"]});
        socket.send(Message::Text(wanted.to_string().into())).unwrap();
        socket
    }

    /// How the replay stands once it does as is waited for.
    fn until(&self, mut is_so: impl FnMut(&Value) -> bool) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let status = self.get("/api/v1/status");
            if is_so(&status) {
                return status;
            }
            assert!(Instant::now() < deadline, "{status}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

const RECORDING: &str = "recordings/pulse-doppler/pulse-doppler.sigmf-meta";
const CONFIG: &str = "recordings/pulse-doppler/config.toml";

fn serve(more: &[&str]) -> Serving {
    let (recording, config) = (repository(RECORDING), repository(CONFIG));
    let arguments =
        ["serve", recording.to_str().unwrap(), "-c", config.to_str().unwrap(), "-l", "127.0.0.1:0"];
    Serving::start(&[&arguments, more].concat())
}

/// A frame's kind, header, and bytes behind it.
fn frame(bytes: &[u8]) -> (u8, Value, usize) {
    let n = u32::from_le_bytes(bytes[4..8].try_into().unwrap()) as usize;
    assert_eq!((bytes[1], n % 4), (1, 0));
    (bytes[0], serde_json::from_slice(&bytes[8..8 + n]).unwrap(), bytes.len() - 8 - n)
}

#[test]
fn a_replay_is_watched_stepped_and_played_again() {
    let serving = serve(&["--paused", "--speed", "max", "--threads", "2"]);
    let mut live = serving.live();
    // Nothing is lost on who joins late: the recording is played from its start once somebody looks.
    let status =
        serving.until(|status| status["replay"]["state"] == "paused" && status["samples"].as_u64() > Some(0));
    let first = status["replay"]["position_s"].as_f64().unwrap();
    let (code, replay) = serving.replay(&json!({"action": "step"}));
    assert_eq!((code, &replay["state"]), (200, &json!("paused")));
    let status = serving.until(|status| status["replay"]["position_s"].as_f64() > Some(first));
    let step = status["replay"]["position_s"].as_f64().unwrap() - first;
    assert!((step / first - 1.0).abs() < 0.01, "a dwell of {first} s, a step of {step} s");
    assert_eq!(serving.replay(&json!({"action": "seek", "position_s": 0.0})).0, 200);
    assert_eq!(serving.replay(&json!({"action": "speed", "speed": 0.2})).0, 200);
    assert_eq!(serving.replay(&json!({"action": "resume"})).1["state"], "playing");
    let mut seen = std::collections::BTreeMap::<String, Value>::new();
    while !(1..=4).all(|kind| seen.contains_key(&kind.to_string()))
        || !["hello", "detections", "status", "replay", "truth"].iter().all(|kind| seen.contains_key(*kind))
    {
        match live.read().unwrap() {
            Message::Text(text) => {
                let value: Value = serde_json::from_str(&text).unwrap();
                // A slow machine drops frames, and the recording is short: once more.
                if value["type"] == "replay" && value["state"] == "ended" {
                    assert_eq!(serving.replay(&json!({"action": "seek", "position_s": 0.0})).0, 200);
                }
                seen.insert(value["type"].as_str().unwrap().to_owned(), value);
            }
            Message::Binary(bytes) => {
                let (kind, header, n) = frame(&bytes);
                let expected = match kind {
                    1 | 2 => header["rows"].as_u64().unwrap() * header["cols"].as_u64().unwrap(),
                    3 => 8 * header["n"].as_u64().unwrap(),
                    _ => 4 * header["n"].as_u64().unwrap(),
                };
                assert_eq!(n as u64, expected, "{header}");
                seen.insert(kind.to_string(), header);
            }
            _ => {}
        }
    }
    let map = &seen["1"];
    assert_eq!(
        (&map["rows"], &map["quantity"], &map["x"]["unit"]),
        (&json!(128), &json!("snr_db"), &json!("m"))
    );
    assert_eq!(map["y"]["name"], "range_rate");
    let (start, step) = (map["y"]["start"].as_f64().unwrap(), map["y"]["step"].as_f64().unwrap());
    assert!(
        start < 0.0 && step > 0.0 && (start + 64.0 * step).abs() < 1.5 * step,
        "zero is in the middle: {map}"
    );
    assert_eq!(seen["hello"]["mode"], "replay");
    assert!(seen["detections"]["items"][0]["snr_db"].is_number());
    assert!(seen["truth"]["items"][0]["range_m"].is_number());

    // To its end, where the server stays, and again from there.
    assert_eq!(serving.replay(&json!({"action": "speed", "speed": null})).0, 200);
    let status = serving.until(|status| status["replay"]["state"] == "ended");
    assert!(status["processed_hz"].is_number() && status["clients"] == 1);
    let golden = std::fs::read_to_string(repository("recordings/pulse-doppler/golden.jsonl")).unwrap();
    let golden: Vec<Value> = golden.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let found = serving.get("/api/v1/detections?limit=1000");
    assert_eq!(found["more"], false);
    let found = found["items"].as_array().unwrap();
    assert_eq!(found.len(), golden.len(), "all that a run finds");
    for (found, golden) in found.iter().zip(&golden) {
        assert_eq!((&found["sample"], &found["range_m"]), (&golden["sample"], &golden["range_m"]));
    }
    let counts = serving.get("/api/v1/timeline?bins=50");
    assert_eq!(
        counts["counts"].as_array().unwrap().iter().filter_map(Value::as_u64).sum::<u64>(),
        golden.len() as u64
    );
    assert_eq!(serving.replay(&json!({"action": "step"})).0, 409);
    assert_eq!(serving.replay(&json!({"action": "seek", "position_s": 1e9})).0, 400);
    // The same from half-way: what was found there is found again, at the same samples.
    let round = status["replay"]["round"].as_u64();
    assert_eq!(serving.replay(&json!({"action": "seek", "position_s": 0.06})).0, 200);
    serving
        .until(|status| status["replay"]["state"] == "ended" && status["replay"]["round"].as_u64() > round);
    let again = serving.get("/api/v1/detections?limit=1000");
    for one in again["items"].as_array().unwrap() {
        assert!(
            found.iter().any(|other| other["sample"] == one["sample"] && other["range_m"] == one["range_m"]),
            "{one}"
        );
    }
}

#[test]
fn what_programs_read_is_in_their_formats() {
    let serving = serve(&["--speed", "max"]);
    serving.until(|status| status["replay"]["state"] == "ended");
    let (status, metrics) = serving.ask("GET", "/metrics", "", "");
    assert_eq!(status, 200);
    for line in metrics.lines().filter(|line| !line.starts_with('#')) {
        let (name, value) = line.rsplit_once(' ').unwrap();
        assert!(name.starts_with("rangegate_") && value.parse::<f64>().is_ok(), "{line}");
        let bare = name.split('{').next().unwrap();
        assert!(metrics.contains(&format!("# TYPE {bare} ")), "{line}");
    }
    assert!(metrics.contains("\nrangegate_samples_total 440000\n"), "{metrics}");
    let aircraft = serving.get("/data/aircraft.json");
    assert!(aircraft["now"].as_f64() > Some(1.7e9) && aircraft["aircraft"].is_array());
    let (status, csv) = serving.ask("GET", "/api/v1/detections?format=csv&min_snr_db=20", "", "");
    assert_eq!(status, 200);
    assert!(csv.starts_with("time_s,") && csv.lines().count() > 1);
    let document = serving.get("/api/v1/openapi.json");
    assert_eq!(document["openapi"], "3.1.0");
}

#[test]
fn the_radar_runs_the_same_watched_or_not() {
    let folder = tempfile::tempdir().unwrap();
    let (recording, config) = (repository(RECORDING), repository(CONFIG));
    let outs = ["plain", "watched"].map(|name| folder.path().join(name));
    let mut detections = Vec::new();
    for (out, more) in outs.iter().zip([&[][..], &["--serve", "127.0.0.1:0", "-q"][..]]) {
        let arguments = [
            "run",
            config.to_str().unwrap(),
            "--source",
            recording.to_str().unwrap(),
            "--out",
            out.to_str().unwrap(),
        ];
        run_ok(&[&arguments[..], more].concat());
        detections.push(std::fs::read(out.join("detections.jsonl")).unwrap());
    }
    assert!(!detections[0].is_empty());
    assert_eq!(detections[0], detections[1]);
    let report: Value = serde_json::from_slice(&std::fs::read(outs[1].join("run.json")).unwrap()).unwrap();
    assert_eq!(report["tap_drops"]["web"], 0);
}

#[test]
fn an_archive_is_asked_the_same_questions() {
    let folder = tempfile::tempdir().unwrap();
    let (recording, config) = (repository(RECORDING), repository(CONFIG));
    let (out, archive) = (folder.path().join("out"), folder.path().join("archive"));
    let [recording, config, out, archive] =
        [&recording, &config, &out, &archive].map(|path| path.to_str().unwrap());
    run_ok(&["replay", recording, "-c", config, "-o", out, "--archive", archive]);
    let serving = Serving::start(&["serve", "--archive", archive, "-l", "127.0.0.1:0"]);
    assert_eq!(serving.get("/api/v1/station")["mode"], "archive");
    let golden = std::fs::read_to_string(repository("recordings/pulse-doppler/golden.jsonl")).unwrap();
    let found = serving.get("/api/v1/detections");
    assert_eq!(found["items"].as_array().unwrap().len(), golden.lines().count());
    assert_eq!(serving.get("/api/v1/detections?limit=2")["more"], true);
    assert_eq!(serving.get("/api/v1/detections?from=2026-11-22T10:00:01Z")["items"], json!([]));
    let counts = serving.get("/api/v1/timeline?bins=3")["counts"].clone();
    assert_eq!(
        counts.as_array().unwrap().iter().filter_map(Value::as_u64).sum::<u64>(),
        golden.lines().count() as u64
    );
    assert_eq!(serving.replay(&json!({"action": "pause"})).0, 409);
}

#[test]
fn others_are_served_over_tls_with_tokens_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let tokens = folder.path().join("tokens.json");
    let (recording, config) = (repository(RECORDING), repository(CONFIG));
    let [recording, config, tokens] = [&recording, &config, &tokens].map(|path| path.to_str().unwrap());
    let token = run_ok(&["token", tokens, "--scope", "operate"]);
    assert_eq!(token.trim().len(), 64);
    let base = ["serve", recording, "-c", config, "-l", "0.0.0.0:0"];
    for more in [&[][..], &["--tokens", tokens][..]] {
        let message = run_fails(&[&base[..], more].concat(), 2);
        assert!(message.contains("--tls-cert") && message.contains("--tokens"), "{message}");
    }
    assert!(run_fails(&["serve", recording], 2).contains("--config"));
    let serving = serve(&["--tokens", tokens]);
    assert_eq!(serving.ask("GET", "/api/v1/status", "", "").0, 401);
    let head = format!("Authorization: Bearer {}\r\n", token.trim());
    assert_eq!(serving.ask("GET", "/api/v1/status", &head, "").0, 200);
}

#[test]
fn a_recording_that_cannot_be_played_again_ends_no_server() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["pulse-doppler.sigmf-meta", "pulse-doppler.sigmf-data"] {
        std::fs::copy(repository("recordings/pulse-doppler").join(name), folder.path().join(name)).unwrap();
    }
    let (recording, config) = (folder.path().join("pulse-doppler.sigmf-meta"), repository(CONFIG));
    let [path, config] = [&recording, &config].map(|path| path.to_str().unwrap());
    let serving = Serving::start(&["serve", path, "-c", config, "-l", "127.0.0.1:0", "--speed", "max"]);
    let mut live = serving.live();
    serving.until(|status| status["replay"]["state"] == "ended");
    let aside = folder.path().join("aside");
    std::fs::rename(&recording, &aside).unwrap();
    assert_eq!(serving.replay(&json!({"action": "seek", "position_s": 0.05})).0, 200);
    let message = loop {
        if let Message::Text(text) = live.read().unwrap() {
            let value: Value = serde_json::from_str(&text).unwrap();
            if value["type"] == "error" {
                break value["message"].as_str().unwrap().to_owned();
            }
        }
    };
    assert!(message.contains("pulse-doppler.sigmf-meta"), "{message}");
    let status = serving.until(|status| status["replay"]["state"] == "ended");
    // It is back, and so is the replay.
    std::fs::rename(&aside, &recording).unwrap();
    let round = status["replay"]["round"].as_u64();
    assert_eq!(serving.replay(&json!({"action": "seek", "position_s": 0.05})).0, 200);
    serving
        .until(|status| status["replay"]["state"] == "ended" && status["replay"]["round"].as_u64() > round);
}

#[cfg(feature = "soapy")]
#[test]
#[allow(clippy::print_stdout, reason = "a case that is skipped is said loudly")]
fn what_a_radio_last_heard_is_kept_when_the_page_asks_for_it() {
    let Some(module) = std::env::var_os("RANGEGATE_SOAPY_MODULE") else {
        println!("SKIPPED 1 case: set RANGEGATE_SOAPY_MODULE to what scripts/soapy-module prints");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let (scene, config) = (repository("recordings/barker/scene.toml"), repository("configs/barker.toml"));
    let device = format!("driver=rangegate,scene={}", scene.display());
    let out = folder.path().join("seen.sigmf-meta");
    let mut command = rangegate();
    command.env("SOAPY_SDR_PLUGIN_PATH", module).env("SOAPY_SDR_LOG_LEVEL", "ERROR");
    command.args(["capture", "--device", &device, "--freq", "144.2M", "--rate", "1M", "--last", "0.5"]);
    command.args(["--after", "0.1", "--config", config.to_str().unwrap(), "--out", out.to_str().unwrap()]);
    command.args(["--serve", "127.0.0.1:0"]);
    let mut serving = Serving::start_command(command);
    assert_eq!(serving.get("/api/v1/station")["mode"], "live");
    // Until there is a past to keep.
    serving.until(|status| status["samples"].as_u64() > Some(600_000));
    assert_eq!(serving.replay(&json!({"action": "pause"})).0, 409);
    assert_eq!(serving.ask("POST", "/api/v1/trigger", "", "{}").0, 401);
    assert_eq!(serving.post("/api/v1/trigger", &json!({})), (200, json!({"triggered": true})));
    let kept = folder.path().join("seen-0001.sigmf-meta");
    let deadline = Instant::now() + PATIENCE;
    while !kept.exists() {
        assert!(Instant::now() < deadline, "nothing was kept");
        std::thread::sleep(Duration::from_millis(20));
    }
    let interrupted = Command::new("kill").args(["-INT", &serving.child.id().to_string()]).status().unwrap();
    assert!(interrupted.success());
    let ended = serving.child.wait().unwrap();
    // A busy machine may lose some of what the radio sends, which is 1.
    assert!(ended.code().is_some_and(|code| code < 2), "{ended}");
    let options = rangegate_recording::OpenOptions::default();
    let mut recording = rangegate_recording::open(&kept, &options).expect("a recording");
    let (mut at, mut len) = (recording.info().first_sample, 0);
    let mut block = rangegate_core::IqBlock::default();
    while recording.read(at, 1 << 16, &mut block).expect("readable") {
        (at, len) = (block.end_sample(), len + block.n_samples());
    }
    // Half a second, and a tenth; never more, but for a block at either end.
    assert!((1..800_000).contains(&len), "{len} samples");
}
