//! The recordings that the repository ships: golden detections, and the truth of their scenes.

mod common;

use common::{detections, replay, repository, run_ok, text};
use rangegate_core::Detection;
use serde_json::Value;

const CASES: &[(&str, &str, &str)] = &[
    ("recordings/barker", "barker.sigmf-meta", "configs/barker.toml"),
    ("recordings/chirps", "chirps", "configs/chirps.toml"),
    ("recordings/gold", "gold.sigmf-meta", "configs/gold-code.toml"),
];

#[test]
fn every_recording_gives_its_golden_detections() {
    for (folder, recording, config) in CASES {
        let folder = repository(folder);
        let out = tempfile::tempdir().unwrap();
        replay(&folder.join(recording), &repository(config), out.path(), &[]);
        run_ok(&["compare", text(out.path()), text(&folder.join("golden.jsonl"))]);
    }
}

/// Golden detections are not only what the program once said: they are the bursts of the scene.
#[test]
fn golden_detections_are_the_bursts_of_the_scene() {
    for (folder, ..) in CASES {
        let folder = repository(folder);
        let golden = detections(&std::fs::read(folder.join("golden.jsonl")).unwrap());
        let truth = std::fs::read_to_string(folder.join("truth.jsonl")).unwrap();
        let truth: Vec<Value> = truth.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert!(!golden.is_empty() && !truth.is_empty());
        for d in &golden {
            let same = |t: &&Value| {
                let apart = (d.sample as f64 - t["sample"].as_f64().unwrap())
                    + (d.sample_fraction - t["sample_fraction"].as_f64().unwrap());
                apart.abs() < 1.0 && *d.template == *t["template"].as_str().unwrap()
            };
            assert!(d.cpi.is_some() || truth.iter().any(|t| same(&t)), "no such burst: {d:?}");
        }
        let missing = truth.iter().filter(|t| !golden.iter().any(|d: &Detection| is_at(d, t))).count();
        println!(
            "{}: {} bursts, {} detections, {missing} missed",
            folder.display(),
            truth.len(),
            golden.len()
        );
    }
}

fn is_at(d: &Detection, truth: &Value) -> bool {
    d.sample.abs_diff(truth["sample"].as_u64().unwrap()) <= 1
}
