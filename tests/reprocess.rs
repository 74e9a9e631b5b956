//! Recordings worked on piece by piece, in processes that are killed, leave the bytes of a single pass.
#![allow(clippy::print_stdout, reason = "tests say what they measured and what they skipped")]

mod common;
#[cfg(feature = "s3")]
#[path = "reprocess/s3.rs"]
mod s3;

use common::{rangegate, repository, run, run_fails, run_ok, stderr, text};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

const GAPS: &str =
    "\n[[gap]]\nstart_s = 0.0873\nduration_s = 0.0051\n[[gap]]\nstart_s = 0.2001\nduration_s = 1e-5\n";

/// A recording with gaps, the configuration for it, and what a single pass leaves of it.
struct Case {
    folder: TempDir,
    recording: PathBuf,
    config: PathBuf,
    detections: Vec<u8>,
    tracks: Option<Vec<u8>>,
}

impl Case {
    /// From a scene of the repository made longer, and with gaps.
    fn new(scene: &str, duration_s: f64, config: &str, more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let written = std::fs::read_to_string(repository(scene)).unwrap();
        let (before, after) = written.split_once("duration_s = ").unwrap();
        let (_, after) = after.split_once('\n').unwrap();
        let (scene, recording, config_path) = (at("scene.toml"), at("recording"), at("config.toml"));
        let gaps = if after.contains("[[gap]]") { "" } else { GAPS };
        std::fs::write(&scene, format!("{before}duration_s = {duration_s}\n{after}{gaps}")).unwrap();
        let config = std::fs::read_to_string(repository(config)).unwrap();
        std::fs::write(&config_path, format!("{config}\n{more}")).unwrap();
        run_ok(&["simulate", text(&scene), "--out", text(&recording), "--quiet"]);
        let single = at("single");
        run_ok(&[
            "replay",
            text(&recording),
            "--config",
            text(&config_path),
            "--out",
            text(&single),
            "--no-plots",
        ]);
        let detections = std::fs::read(single.join("detections.jsonl")).unwrap();
        assert!(detections.len() > 1000, "too little is detected: {}", detections.len());
        let tracks = std::fs::read(single.join("tracks.jsonl")).ok();
        Self { recording, config: config_path, detections, tracks, folder }
    }

    fn burst() -> Self {
        Self::new("recordings/chirps/scene.toml", 0.6, "configs/chirps.toml", "")
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn arguments<'a>(&'a self, out: &'a Path, more: &[&'a str]) -> Vec<&'a str> {
        let first = ["reprocess", text(&self.recording), "--config", text(&self.config), "--out", text(out)];
        first.into_iter().chain(["--json", "--quiet"]).chain(more.iter().copied()).collect()
    }

    /// Reprocesses into a folder, which must succeed; the summary.
    fn reprocess(&self, out: &str, more: &[&str]) -> Value {
        serde_json::from_str(&run_ok(&self.arguments(&self.at(out), more))).unwrap()
    }

    /// What was merged is what the single pass left.
    fn is_same(&self, out: &str) {
        let merged = self.at(out).join("recording");
        let same = std::fs::read(merged.join("detections.jsonl")).unwrap() == self.detections;
        assert!(same, "{out}: other detections than a single pass's");
        assert!(std::fs::read(merged.join("tracks.jsonl")).ok() == self.tracks, "{out}: other tracks");
        let report = |folder: &Path| common::report(folder);
        let (ours, theirs) = (report(&merged), report(&self.at("single")));
        for field in [
            "samples_in",
            "runs",
            "gaps",
            "samples_lost",
            "samples_unused",
            "bad_samples",
            "detections",
            "detections_by_template",
            "framing",
            "status",
            "losses",
            "peaks_dropped",
        ] {
            assert_eq!(ours[field], theirs[field], "{out}: {field}");
        }
        assert!(ours["gaps"].as_u64() > Some(0));
    }
}

/// The files of pieces that are finished.
fn pieces(out: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(out.join("pieces/recording")) else { return Vec::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.filter(|path| path.extension().is_some_and(|extension| extension == "piece")).collect()
}

/// Any number of pieces and workers.
fn any_pieces_any_workers(case: &Case) {
    for (n, workers) in [("1", "1"), ("3", "4"), ("64", "1"), ("64", "4")] {
        let out = format!("out-{n}-{workers}");
        let summary = case.reprocess(&out, &["--pieces", n, "--workers", workers]);
        println!("{} pieces by {workers} workers", summary["pieces"]);
        assert!(summary["pieces"].as_u64().unwrap() <= n.parse().unwrap());
        assert_eq!((&summary["done"], &summary["reused"]), (&summary["pieces"], &0.into()));
        case.is_same(&out);
    }
    let summary = case.reprocess("out-64-4", &["--pieces", "64"]);
    assert_eq!((&summary["reused"], &summary["done"]), (&summary["pieces"], &0.into()));
    case.is_same("out-64-4");
}

#[test]
fn bursts_in_pieces_are_those_of_a_single_pass() {
    let case = Case::burst();
    any_pieces_any_workers(&case);
    // Read through buffers, too; that is another configuration, whose pieces have other names.
    let before = pieces(&case.at("out-3-4")).len();
    case.reprocess("out-3-4", &["--pieces", "3", "--no-mmap"]);
    case.is_same("out-3-4");
    assert_eq!(pieces(&case.at("out-3-4")).len(), 2 * before);
    // A piece that is damaged is done again.
    let [damaged, ..] = &pieces(&case.at("out-64-4"))[..] else { panic!("no pieces") };
    let mut bytes = std::fs::read(damaged).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(damaged, bytes).unwrap();
    let summary = case.reprocess("out-64-4", &["--pieces", "64"]);
    assert_eq!(summary["done"], 1);
    case.is_same("out-64-4");
    // Only a part of the recording, as a single pass has it.
    let window = ["--from", "0.05", "--to", "0.35"];
    let single = case.at("part");
    let mut arguments = vec!["replay", text(&case.recording), "--config", text(&case.config)];
    arguments.extend(["--out", text(&single), "--no-plots"]);
    arguments.extend(window);
    run_ok(&arguments);
    case.reprocess("out-part", &[&["--pieces", "5"], &window[..]].concat());
    let read = |folder: PathBuf| std::fs::read(folder.join("detections.jsonl")).unwrap();
    assert!(read(case.at("out-part/recording")) == read(single));
}

#[test]
fn looks_and_tracks_in_pieces_are_those_of_a_single_pass() {
    let tracking = "[tracking]\nspace = \"range\"\n[[tracking.stations]]\nname = \"lab\"\n\
                    detection_probability = 0.8\nrange_m = [100, 3000]\nrange_rate_mps = [-65, 65]\n\
                    accuracy = { range_m = 5, range_rate_mps = 0.5 }\n";
    let config = "recordings/pulse-doppler/config.toml";
    let case = Case::new("recordings/pulse-doppler/scene.toml", 0.6, config, tracking);
    assert!(case.tracks.as_ref().is_some_and(|tracks| !tracks.is_empty()), "no tracks");
    any_pieces_any_workers(&case);
    // Other tracks of the same pieces.
    let config = std::fs::read_to_string(&case.config).unwrap().replace("range_m = 5,", "range_m = 7,");
    std::fs::write(&case.config, config).unwrap();
    let summary = case.reprocess("out-64-4", &["--pieces", "64"]);
    assert_eq!(summary["done"], 0);
    assert!(std::fs::read(case.at("out-64-4/recording/tracks.jsonl")).ok() != case.tracks);
}

#[test]
fn dwells_in_pieces_are_those_of_a_single_pass() {
    any_pieces_any_workers(&Case::new("recordings/gold/scene.toml", 0.5, "configs/gold-code.toml", ""));
}

/// Processes whose parent is `parent`.
#[cfg(target_os = "linux")]
fn children(parent: u32) -> Vec<u32> {
    let parent_of = |pid: u32| -> Option<u32> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
    };
    let entries = std::fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|&pid| parent_of(pid) == Some(parent)).collect()
}

#[cfg(target_os = "linux")]
fn kill(pid: u32) {
    // One that has ended meanwhile is no failure.
    let _ = Command::new("kill").args(["-KILL", &pid.to_string()]).stderr(Stdio::null()).status();
}

#[test]
#[cfg(target_os = "linux")]
fn workers_that_are_killed_lose_nothing() {
    let case = Case::burst();
    let out = case.at("killed");
    let mut command = rangegate();
    command.args(case.arguments(&out, &["--pieces", "64", "--workers", "4"]));
    let mut coordinator = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (mut kills, mut seed) = (0_u64, 20_u64);
    while kills < 20 && coordinator.try_wait().unwrap().is_none() {
        let workers = children(coordinator.id());
        if !workers.is_empty() {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            kill(workers[(seed >> 33) as usize % workers.len()]);
            kills += 1;
        }
        std::thread::sleep(Duration::from_millis(seed >> 59));
    }
    let output = coordinator.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    println!("{kills} kills, {} workers died at work", summary["worker_deaths"]);
    assert!(kills > 0 && summary["worker_deaths"].as_u64().unwrap() <= kills);
    case.is_same("killed");
}

#[test]
#[cfg(target_os = "linux")]
fn what_was_done_before_the_coordinator_was_killed_is_not_done_again() {
    let case = Case::burst();
    let out = case.at("resumed");
    let arguments = case.arguments(&out, &["--pieces", "64", "--workers", "2"]);
    let mut total_redone = 0;
    for wanted in [1, 20, 45] {
        let mut command = rangegate();
        let mut coordinator = command.args(&arguments).stdout(Stdio::null()).spawn().unwrap();
        let before = loop {
            let there = pieces(&out).len();
            if there >= wanted || coordinator.try_wait().unwrap().is_some() {
                break there;
            }
            std::thread::sleep(Duration::from_millis(1));
        };
        let workers = children(coordinator.id());
        coordinator.kill().unwrap();
        coordinator.wait().unwrap();
        // Workers see that nobody waits for them.
        while workers.iter().any(|pid| Path::new(&format!("/proc/{pid}/exe")).read_link().is_ok()) {
            std::thread::sleep(Duration::from_millis(5));
        }
        total_redone += before;
    }
    let there = pieces(&out).len() as u64;
    let summary = case.reprocess("resumed", &["--pieces", "64", "--workers", "2"]);
    let n_pieces = summary["pieces"].as_u64().unwrap();
    println!("{there} of {n_pieces} pieces were there after kills, {total_redone} seen on the way");
    assert_eq!(summary["reused"], there);
    assert_eq!(summary["done"], n_pieces - there);
    case.is_same("resumed");
}

/// The samples' files of a Digital RF recording, in order.
fn h5_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(h5_files(&path));
        } else if path.file_name().unwrap().to_string_lossy().starts_with("rf@") {
            files.push(path);
        }
    }
    files.sort();
    files
}

#[test]
fn a_damaged_recording_is_listed_and_the_rest_is_done() {
    let case = Case::burst();
    let archive = case.at("archive");
    std::fs::create_dir_all(&archive).unwrap();
    let copy = |name: &str| {
        let mut arguments = vec!["convert", text(&case.recording), "--quiet"];
        let path = archive.join(name);
        arguments.push(text(&path));
        run_ok(&arguments);
    };
    for name in ["a.sigmf-meta", "b.sigmf-meta", "c"] {
        copy(name);
    }
    std::fs::write(archive.join("b.sigmf-meta"), "{ \"global\": ").unwrap();
    std::fs::write(archive.join("notes.txt"), "is no recording").unwrap();
    let out = case.at("several");
    let arguments =
        ["reprocess", text(&archive), "-c", text(&case.config), "-o", text(&out), "--pieces", "5"];
    let message = run_fails(&arguments, 1);
    assert!(message.contains("set aside:") && message.contains("b.sigmf-meta"), "{message}");
    let summary: Value =
        serde_json::from_str(&std::fs::read_to_string(out.join("reprocess.json")).unwrap()).unwrap();
    let aside = summary["set_aside"].as_array().unwrap();
    assert_eq!(aside.len(), 1, "{summary}");
    assert!(aside[0]["recording"].as_str().unwrap().ends_with("b.sigmf-meta"), "{summary}");
    assert!(!aside[0]["reason"].as_str().unwrap().is_empty());
    let names: Vec<_> = summary["recordings"].as_array().unwrap().iter().map(|r| &r["name"]).collect();
    assert_eq!(names, ["a", "c"]);
    for name in ["a", "c"] {
        assert!(std::fs::read(out.join(name).join("detections.jsonl")).unwrap() == case.detections, "{name}");
    }
    // What cannot be read of a recording is told, and the rest of it is there.
    let cut = h5_files(&archive.join("c")).remove(0);
    std::fs::OpenOptions::new().write(true).open(&cut).unwrap().set_len(100).unwrap();
    let message = run_fails(&arguments, 1);
    assert!(message.contains("lost data:") && message.contains(text(&cut)), "{message}");
    // A recording that changes after it was looked at is not worked on as if it were the same.
    let missing = archive.join("d.sigmf-meta");
    let message =
        run_fails(&["reprocess", text(&missing), "-c", text(&case.config), "-o", text(&case.at("none"))], 2);
    assert!(message.contains("does not exist"), "{message}");
}

#[test]
fn shards_together_are_the_whole() {
    let case = Case::burst();
    let shard =
        |which: &str| case.reprocess("shards", &["--pieces", "7", "--workers", "1", "--shard", which]);
    assert_eq!((&shard("0/3")["done"], &shard("2/3")["done"]), (&3.into(), &2.into()));
    // Without the third there are holes, which are told.
    let out = case.at("shards");
    let merge = case.arguments(&out, &["--pieces", "7", "--merge"]);
    let message = run_fails(&merge, 1);
    assert!(message.contains("was not done"), "{message}");
    assert!(std::fs::read(out.join("recording/detections.jsonl")).unwrap() != case.detections);
    assert_eq!(shard("1/3")["done"], 2);
    assert_eq!(shard("1/3")["reused"], 2);
    run_ok(&merge);
    case.is_same("shards");
}

#[test]
fn starts_that_share_a_queue_share_the_work() {
    let case = Case::burst();
    let (out, queue) = (case.at("shared"), case.at("queue"));
    let more = ["--pieces", "64", "--workers", "1", "--queue", text(&queue)];
    let mut helper = rangegate();
    helper.args(case.arguments(&out, &more)).arg("--no-merge").stdout(Stdio::piped());
    let helper = helper.spawn().unwrap();
    let summary = case.reprocess("shared", &more);
    let helped = helper.wait_with_output().unwrap();
    assert!(helped.status.success());
    let helped: Value = serde_json::from_slice(&helped.stdout).unwrap();
    println!("{} pieces done by one, {} by the other", summary["done"], helped["done"]);
    case.is_same("shared");
    // What was done and lost is done again, in another round.
    for piece in pieces(&out).iter().take(3) {
        std::fs::remove_file(piece).unwrap();
    }
    assert_eq!(case.reprocess("shared", &more)["done"], 3);
    case.is_same("shared");
}

#[test]
fn a_dry_run_says_what_would_be_done_and_does_nothing() {
    let case = Case::burst();
    let out = case.at("dry");
    let plan = case.reprocess("dry", &["--pieces", "6", "--dry-run"]);
    assert_eq!((&plan["pieces"], &plan["pieces_to_do"]), (&6.into(), &6.into()));
    assert!(plan["estimated_s"].as_f64().unwrap() > 0.0);
    assert_eq!(plan["recordings"][0]["name"], "recording");
    assert!(pieces(&out).is_empty());
    let output =
        run(&["reprocess", text(&case.recording), "-c", text(&case.config), "-o", text(&out), "--dry-run"]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("1 recordings") && said.contains("about "), "{said}");
}
