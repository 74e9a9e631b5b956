//! The recordings that the repository ships: golden detections, and the truth of their scenes.
#![allow(clippy::print_stdout, reason = "tests say what they measured and what they skipped")]

mod common;

use common::{detections, replay, repository, run_ok, text};
use rangegate_core::Detection;
use serde_json::Value;

const CASES: &[(&str, &str, &str)] = &[
    ("recordings/barker", "barker.sigmf-meta", "configs/barker.toml"),
    ("recordings/chirps", "chirps", "configs/chirps.toml"),
    ("recordings/gold", "gold.sigmf-meta", "configs/gold-code.toml"),
];

/// Radars, whose truth is that of targets.
const RADARS: &[(&str, &str, &str)] = &[
    ("recordings/pulse-doppler", "pulse-doppler.sigmf-meta", "recordings/pulse-doppler/config.toml"),
    ("recordings/fmcw", "fmcw.sigmf-meta", "recordings/fmcw/config.toml"),
];

#[test]
fn every_recording_gives_its_golden_detections() {
    for (folder, recording, config) in CASES.iter().chain(RADARS) {
        let folder = repository(folder);
        let out = tempfile::tempdir().unwrap();
        replay(&folder.join(recording), &repository(config), out.path(), &[]);
        run_ok(&["compare", text(out.path()), text(&folder.join("golden.jsonl"))]);
    }
}

/// Golden detections are not only what the program once said: they come from the bursts of the scene.
#[test]
fn golden_detections_come_from_the_bursts_of_the_scene() {
    for (folder, ..) in CASES {
        let folder = repository(folder);
        let golden = detections(&std::fs::read(folder.join("golden.jsonl")).unwrap());
        let truth = std::fs::read_to_string(folder.join("truth.jsonl")).unwrap();
        let truth: Vec<Value> = truth.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert!(!golden.is_empty() && !truth.is_empty());
        // Another code may match part of a burst; and of a million cells one may be a false alarm.
        let duration = |t: &Value| t["duration_samples"].as_f64().unwrap();
        let longest = truth.iter().map(duration).fold(0.0, f64::max);
        let touches = |d: &Detection, t: &Value| (-longest..duration(t)).contains(&after(d, t));
        let n_alone = golden.iter().filter(|d| !truth.iter().any(|t| touches(d, t))).count();
        assert!(n_alone <= 2, "{n_alone} detections where nothing was sent");
        // A dwell finds a code once, not each of its periods.
        if golden[0].cpi.is_none() {
            let complete: Vec<_> = truth.iter().filter(|t| t["complete"] == true).collect();
            let found = |t: &Value| {
                golden
                    .iter()
                    .any(|d| *d.template == *t["template"].as_str().unwrap() && after(d, t).abs() < 1.5)
            };
            let n_found = complete.iter().filter(|t| found(t)).count();
            println!("{}: {n_found} of {} bursts found", folder.display(), complete.len());
            assert!(n_found as f64 >= 0.9 * complete.len() as f64, "{n_found} of {}", complete.len());
        }
    }
}

/// Each golden detection of a radar is one of the targets, within five standard deviations or so.
#[test]
fn golden_detections_of_radars_are_targets_of_the_scene() {
    for (folder, ..) in RADARS {
        let folder = repository(folder);
        let golden = detections(&std::fs::read(folder.join("golden.jsonl")).unwrap());
        let truth = std::fs::read_to_string(folder.join("truth.jsonl")).unwrap();
        let truth: Vec<Value> = truth.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert!(golden.len() >= 4);
        for d in &golden {
            let number = |t: &Value, field: &str| t[field].as_f64().unwrap();
            let is_it = |t: &&Value| {
                Some(t["cpi"].as_u64().unwrap()) == d.cpi
                    && (number(t, "range_m") - d.range_m.unwrap()).abs() < 20.0
                    && (number(t, "range_rate_mps") - d.velocity_mps.unwrap()).abs() < 1.5
            };
            assert_eq!(truth.iter().filter(is_it).count(), 1, "{d:?}");
        }
    }
}

/// Samples from a burst's leading edge to a detection's.
fn after(d: &Detection, truth: &Value) -> f64 {
    let sample = truth["sample"].as_u64().unwrap();
    (i128::from(d.sample) - i128::from(sample)) as f64 + d.sample_fraction
        - truth["sample_fraction"].as_f64().unwrap()
}
