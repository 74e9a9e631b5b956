//! From samples to tracks through the program.
#![allow(clippy::print_stdout, reason = "tests say what they measured and what they skipped")]

mod common;

use common::{repository, run_fails, run_ok, text};
use serde_json::Value;
use std::path::Path;

fn lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_scene_becomes_tracks_and_its_detections_the_same_ones_again() {
    let folder = tempfile::tempdir().unwrap();
    let (out, again) = (folder.path().join("out"), folder.path().join("again.jsonl"));
    let config = repository("configs/tracking-scene.toml");
    run_ok(&["run", text(&config), "--out", text(&out)]);
    let scene = repository("configs/scenes/pulse-doppler-lab.toml");
    let recording = folder.path().join("lab.sigmf-meta");
    run_ok(&["simulate", text(&scene), "--out", text(&recording), "--quiet"]);
    let truth = lines(&folder.path().join("lab.truth.jsonl"));
    let tracks = lines(&out.join("tracks.jsonl"));
    let number = |value: &Value, field: &str| value[field].as_f64().unwrap();
    let last = tracks.last().unwrap()["cpi"].as_u64().unwrap();
    let at_end: Vec<&Value> = tracks.iter().filter(|t| t["cpi"] == last).collect();
    println!("{} tracks at the end", at_end.len());
    // The motorcycle and the aircraft fluctuate so that they are seen in a third of the looks: too seldom for a track.
    let is_steady = |t: &&Value| ["walker", "car", "calibrator"].iter().any(|name| t["target"] == *name);
    let targets: Vec<&Value> = truth.iter().filter(|t| t["cpi"] == last).filter(is_steady).collect();
    assert_eq!(targets.len(), 3);
    for target in &targets {
        let is_near = |track: &&&Value| {
            (number(track, "range_m") - number(target, "range_m")).abs() < 5.0
                && (number(track, "range_rate_mps") - number(target, "range_rate_mps")).abs() < 1.0
        };
        assert_eq!(at_end.iter().filter(is_near).count(), 1, "{target} in {at_end:?}");
    }
    assert_eq!(at_end.len(), targets.len());
    assert!(at_end[0]["time"].as_str().is_some_and(|time| time.ends_with('Z')), "{}", at_end[0]);
    for picture in ["tracks.png", "range-time.png"] {
        assert!(out.join("plots").join(picture).exists(), "{picture}");
    }

    // What was followed during the run is what following its log afterwards gives, from the folder or the log itself.
    let written = std::fs::read(out.join("tracks.jsonl")).unwrap();
    for saved in [out.clone(), out.join("detections.jsonl")] {
        run_ok(&["track", text(&saved), "--out", text(&again)]);
        assert!(std::fs::read(&again).unwrap() == written);
    }

    // A log alone counts from its first detection, and finds the same tracks.
    let alone = folder.path().join("alone.jsonl");
    std::fs::copy(out.join("detections.jsonl"), &alone).unwrap();
    run_ok(&["track", text(&alone), "--config", text(&config), "--out", text(&again)]);
    let numbers = |tracks: &[Value]| tracks.iter().map(|track| track["track"].as_u64()).collect::<Vec<_>>();
    assert_eq!(numbers(&lines(&again)), numbers(&tracks));
    let timeless =
        std::fs::read_to_string(&alone).unwrap().replace("\"time\":\"", "\"time\":null,\"was\":\"");
    std::fs::write(&alone, timeless).unwrap();
    let message = run_fails(&["track", text(&alone)], 2);
    assert!(message.contains("no run.json beside it") || message.contains("unknown field"), "{message}");

    // Against the truth: from its file, or from the scene.
    let truth_file = folder.path().join("lab.truth.jsonl");
    let by_file = run_ok(&["compare", text(&out), "--truth", text(&truth_file)]);
    let by_scene = run_ok(&["compare", text(&out), "--truth", text(&scene)]);
    assert_eq!(by_file, by_scene);
    assert!(by_file.contains("GOSPA") && by_file.contains("completeness"), "{by_file}");
    println!("{by_file}");
    let as_json = run_ok(&["compare", text(&out), "--truth", text(&truth_file), "--json"]);
    let compared: Value = serde_json::from_str(&as_json).unwrap();
    assert_eq!(compared["targets"], 5);
    assert!(number(&compared["siap"], "position_error") < 2.0);
    // The two that are seen in a third of the looks are missed.
    assert!(number(&compared["siap"], "completeness") > 0.45);
    assert!(number(&compared["gospa"], "false_tracks") < 0.01);
}

#[test]
fn late_detections_are_put_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let (out, again) = (folder.path().join("out"), folder.path().join("again.jsonl"));
    let config = repository("configs/tracking-scene.toml");
    run_ok(&["run", text(&config), "--out", text(&out), "--no-plots"]);
    let log = std::fs::read_to_string(out.join("detections.jsonl")).unwrap();
    // Every third CPI comes three CPIs late.
    let (mut late, mut lines): (Vec<(u64, &str)>, Vec<String>) = (Vec::new(), Vec::new());
    for line in log.lines() {
        let cpi = serde_json::from_str::<Value>(line).unwrap()["cpi"].as_u64().unwrap();
        late.retain(|(from, text)| {
            let waits = cpi < from + 3;
            if !waits {
                lines.push((*text).to_owned());
            }
            waits
        });
        if cpi.is_multiple_of(3) { late.push((cpi, line)) } else { lines.push(line.to_owned()) }
    }
    lines.extend(late.iter().map(|of| of.1.to_owned()));
    assert!(lines.join("\n") != log.trim_end());
    std::fs::write(out.join("detections.jsonl"), lines.join("\n") + "\n").unwrap();
    run_ok(&["track", text(&out), "--out", text(&again)]);
    let states = |path: &Path| {
        let text = std::fs::read_to_string(path).unwrap();
        // Only the numbers of the lines are others.
        let state = |line: &str| {
            let mut value: Value = serde_json::from_str(line).unwrap();
            let fields = value.as_object_mut().unwrap();
            fields.remove("detections");
            fields.remove("begun_from");
            value
        };
        text.lines().map(state).collect::<Vec<_>>()
    };
    assert_eq!(states(&again), states(&out.join("tracks.jsonl")));
}

#[test]
fn what_cannot_be_followed_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let barker = repository("recordings/barker/barker.sigmf-meta");
    run_ok(&[
        "replay",
        text(&barker),
        "--config",
        text(&repository("configs/barker.toml")),
        "--out",
        text(&out),
    ]);
    let message = run_fails(&["track", text(&out)], 2);
    assert!(message.contains("line 1: no CPI or no range"), "{message}");
    let config = folder.path().join("config.toml");
    let barker = std::fs::read_to_string(repository("configs/barker.toml")).unwrap();
    std::fs::write(&config, format!("{barker}\n[tracking]\n")).unwrap();
    let recording = repository("recordings/barker/barker.sigmf-meta");
    let message = run_fails(&["plan", text(&config), "--source", text(&recording)], 2);
    assert!(message.contains("[tracking] is set") && message.contains("pulse_doppler"), "{message}");
    let scene = std::fs::read_to_string(repository("configs/tracking-scene.toml")).unwrap();
    let scene = scene.replace("detection_probability = 0.8", "detection_probability = 1.8");
    let scene = scene.replace("\"scenes/", &format!("\"{}/", text(&repository("configs/scenes"))));
    std::fs::write(&config, scene).unwrap();
    let message = run_fails(&["run", text(&config)], 2);
    assert!(
        message.contains("tracking.stations[0].detection_probability") && message.contains("1.8"),
        "{message}"
    );
    // A log whose CPIs leap ends too.
    let lab = folder.path().join("lab");
    run_ok(&["run", text(&repository("configs/tracking-scene.toml")), "--out", text(&lab), "--no-plots"]);
    let log = std::fs::read_to_string(lab.join("detections.jsonl")).unwrap();
    let leaping = log.replace("\"cpi\":14,", "\"cpi\":1000000000000000000,");
    assert_ne!(leaping, log);
    std::fs::write(lab.join("detections.jsonl"), leaping).unwrap();
    run_ok(&["track", text(&lab)]);
    let message = run_fails(&["track", text(folder.path())], 2);
    assert!(message.contains("holds no run.json"), "{message}");
}
