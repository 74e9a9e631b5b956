//! Two stations and a centre as processes: the picture is better than either's, keys and contracts are made and checked,
//! and what the centre did can be proven.

#![allow(clippy::print_stdout, reason = "tests say what they measured and what they skipped")]

mod common;

use common::{edit_toml, repository, run_fails, run_ok, text};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::Path;

fn demo(arguments: &[&str]) -> Value {
    serde_json::from_str(&run_ok(&[&["demo", "two-stations", "--json"], arguments].concat())).unwrap()
}

fn metres(report: &Value, of: &[&str]) -> f64 {
    of.iter().fold(&report["gospa_m"], |value, name| &value[*name]).as_f64().unwrap()
}

#[test]
fn together_they_see_better_than_alone_and_the_logs_agree() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("demo");
    let out_text = out.to_str().unwrap();
    let report = demo(&["--scene", "laboratory", "--duration", "60s", "--out", out_text]);
    let fused = metres(&report, &["fused"]);
    let best = metres(&report, &["stations", "meadow"]).min(metres(&report, &["stations", "hill"]));
    println!("{fused:.0} m together, {best:.0} m alone");
    assert!(fused < 0.75 * best, "{report}");
    assert!(report["longest_ghost_s"].as_f64().unwrap() <= 10.0, "{report}");
    assert_eq!(report["exchange"]["centre"]["refused"], 0);
    let relays = report["exchange"]["relays"].as_array().unwrap();
    assert!(relays.iter().all(|relay| relay["messages"].as_u64().unwrap() > 60), "{relays:?}");

    // What came to a station is there, marked by whose it is, and its own log holds none of it.
    let shared = std::fs::read_to_string(out.join("meadow/shared.jsonl")).unwrap();
    assert!(shared.contains("\"origin\":\"hill\"") && shared.contains("\"origin\":\"centre\""));
    let own = std::fs::read_to_string(out.join("meadow/tracks.jsonl")).unwrap();
    assert!(own.lines().count() > 60 && !own.contains("hill") && !own.contains("centre"));
    let rows =
        run_ok(&["query", out.join("centre/archive").to_str().unwrap(), "--json", "--limit", "1000000"]);
    assert!(rows.contains("meadow") && rows.contains("hill"));
    check_audit(&out);
    check_contract(&out);
}

fn check_audit(out: &Path) {
    let key = run_ok(&["key", out.join("keys/centre.seed").to_str().unwrap()]).trim().to_owned();
    let logs = ["South", "North"].map(|owner| out.join(format!("centre/audit/{owner}.jsonl")));
    let [south, north] = logs.each_ref().map(|log| log.to_str().unwrap());
    for log in [south, north] {
        run_ok(&["audit", "verify", log, "--key", &key]);
    }
    assert!(run_ok(&["audit", "compare", south, north, "--key", &key]).contains("agree"));
    let mut octets = std::fs::read(&logs[0]).unwrap();
    let at = octets.len() / 3;
    octets[at] ^= 2;
    std::fs::write(&logs[0], octets).unwrap();
    run_fails(&["audit", "verify", south, "--key", &key], 2);
}

fn check_contract(out: &Path) {
    let path = out.join("contract.toml");
    let file = path.to_str().unwrap();
    run_ok(&["contract", "verify", file]);
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replacen("grace_s = 60", "grace_s = 61", 1)).unwrap();
    run_ok(&["contract", "show", file]);
    run_fails(&["contract", "verify", file], 2);
    // The centre does not begin with it.
    run_fails(&["centre", out.join("centre.toml").to_str().unwrap()], 2);
    // Its parties may sign what it says now.
    for owner in ["South", "North"] {
        run_ok(&[
            "contract",
            "sign",
            file,
            "--key",
            out.join(format!("keys/{owner}.seed")).to_str().unwrap(),
        ]);
    }
    run_ok(&["contract", "verify", file]);
    run_fails(&["contract", "sign", file, "--key", out.join("keys/centre.seed").to_str().unwrap()], 2);
}

/// Keys, contract and configurations of a scene, and nothing that was done with them.
fn prepare(out: &Path, scene: &str) {
    demo(&["--scene", scene, "--duration", "2s", "--out", out.to_str().unwrap()]);
    for left in std::fs::read_dir(out).unwrap().map(|entry| entry.unwrap().path()) {
        if left.is_dir() && !left.ends_with("keys") {
            std::fs::remove_dir_all(left).unwrap();
        }
    }
}

/// The centre and both stations, until all is seen.
fn run_all(out: &Path, stations: [&str; 2]) {
    let file = |name: &str| out.join(format!("{name}.toml")).to_str().unwrap().to_owned();
    std::thread::scope(|scope| {
        scope.spawn(|| run_ok(&["centre", &file("centre"), "--until-ended"]));
        for station in stations {
            let file = file(station);
            scope.spawn(move || run_ok(&["station", &file]));
        }
    });
}

/// Somebody who takes alerts: answers each post, and hands over what was in it.
fn listen() -> (String, std::sync::mpsc::Receiver<Value>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/alert", listener.local_addr().unwrap());
    let (sender, posted) = std::sync::mpsc::sync_channel(100);
    std::thread::Builder::new()
        .spawn(move || {
            for stream in listener.incoming() {
                let mut stream = BufReader::new(stream.unwrap());
                let mut octets = 0;
                loop {
                    let mut line = String::new();
                    stream.read_line(&mut line).unwrap();
                    if let Some(length) = line.to_lowercase().strip_prefix("content-length:") {
                        octets = length.trim().parse().unwrap();
                    }
                    if line == "\r\n" {
                        break;
                    }
                }
                let mut body = vec![0; octets];
                stream.read_exact(&mut body).unwrap();
                let answer = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n";
                stream.get_mut().write_all(answer).unwrap();
                sender.send(serde_json::from_slice(&body).unwrap()).unwrap();
            }
        })
        .unwrap();
    (address, posted)
}

#[test]
fn a_rocket_is_told_to_whom_it_concerns() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("demo");
    prepare(&out, "caucasus");
    let (address, posted) = listen();
    edit_toml(&out.join("centre.toml"), |table| {
        table.insert("webhook".to_owned(), address.as_str().into());
    });
    edit_toml(&out.join("scene.toml"), |table| {
        table.insert("duration_s".to_owned(), 200.0.into());
    });
    run_all(&out, ["gabala", "armavir"]);
    let file = |name: &str| std::fs::read_to_string(out.join(name)).unwrap();
    let logged: Vec<Value> =
        file("centre/alerts.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let climbs: Vec<&Value> = logged.iter().filter(|alert| alert["sort"] == "climbs_from_ground").collect();
    // Launched at 120 s; seen from 45 km up. The aircraft and satellites do not climb so.
    let [climb] = climbs[..] else { panic!("{logged:?}") };
    let place = &climb["track"]["position"];
    assert!((place["latitude_deg"].as_f64().unwrap() - 48.57).abs() < 0.2, "{climb}");
    assert!((place["longitude_deg"].as_f64().unwrap() - 46.25).abs() < 0.4, "{climb}");
    assert!(!climb["track"]["contributors"].as_array().unwrap().is_empty());
    let patience = std::time::Duration::from_secs(60);
    let hooked: Vec<Value> = logged.iter().map(|_| posted.recv_timeout(patience).unwrap()).collect();
    assert_eq!(hooked, logged);
    let whys = file("centre/associations.jsonl");
    assert!(whys.contains("one target: "), "{whys}");
    // The contract gives both owners alerts.
    for station in ["gabala", "armavir"] {
        run_ok(&["station", out.join(format!("{station}.toml")).to_str().unwrap()]);
        assert!(file(&format!("{station}/shared.jsonl")).contains("climbs_from_ground"), "{station}");
    }
}

/// A station that sees with samples: its radar's own log, its mailbox's reader and its archive hold the same.
#[test]
fn a_radar_of_samples_is_a_station() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("demo");
    prepare(&out, "laboratory");
    edit_toml(&out.join("meadow.toml"), |table| {
        let run = repository("configs/tracking-scene.toml");
        let radar = toml::Table::from_iter([("run".to_owned(), text(&run).into())]);
        table.insert("radar".to_owned(), radar.into());
        table.remove("tracking");
    });
    // Reports are the clock: the other sees its scene at the recording's time.
    let at = "2026-11-22T10:00:00Z";
    edit_toml(&out.join("hill.toml"), |table| {
        table["radar"].as_table_mut().unwrap().insert("start_time".to_owned(), at.into());
    });
    run_all(&out, ["meadow", "hill"]);
    let file = |name: &str| out.join(name).to_str().unwrap().to_owned();
    let seen = std::fs::read_to_string(file("meadow/run/detections.jsonl")).unwrap().lines().count();
    assert!(seen > 40);
    let rows = |archive: &str| {
        let rows = run_ok(&["query", &file(archive), "--json", "--station", "meadow", "--limit", "1000"]);
        serde_json::from_str::<Value>(&rows)
            .map_or_else(|_| rows.lines().count(), |all| all.as_array().unwrap().len())
    };
    assert_eq!((rows("meadow/archive"), rows("centre/archive")), (seen, seen));
    let report: Value =
        serde_json::from_str(&std::fs::read_to_string(file("centre/report.json")).unwrap()).unwrap();
    let relays = report["relays"].as_array().unwrap();
    assert!(relays.iter().all(|relay| relay["withheld"] == 0), "{relays:?}");
    let passed = relays.iter().find(|relay| relay["from"] == "meadow").unwrap();
    assert!(passed["reports"].as_u64().unwrap() > seen as u64, "{passed}");
}

#[test]
fn what_cannot_be_is_refused_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let there = folder.path().join("there.toml");
    std::fs::write(&there, "folder = 1\n").unwrap();
    let there = there.to_str().unwrap();
    std::fs::write(folder.path().join("other"), "").unwrap();
    for (arguments, expected) in [
        (vec!["station", "/there/is/none.toml"], "/there/is/none.toml"),
        (vec!["station", there], "folder"),
        (vec!["centre", there], "folder"),
        (vec!["demo", "two-stations", "--duration", "0s"], "positive"),
        (vec!["demo", "two-stations", "--out", folder.path().to_str().unwrap()], "not empty"),
        (vec!["contract", "verify", there], "there.toml"),
        (vec!["audit", "verify", there, "--key", "nonsense"], "nonsense"),
    ] {
        let message = run_fails(&arguments, 2);
        assert!(message.contains(expected), "{arguments:?}: {message}");
    }
}
