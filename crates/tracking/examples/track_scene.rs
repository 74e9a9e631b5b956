//! Runs the tracker on a scene's detections: configuration and scans from a JSON file, tracks as JSON lines out.
//!
//! `track_scene SCENE.json TRACKS.jsonl` prints the mean and the longest time of a scan, s, and, where the scene holds
//! positions of targets in the plane, the mean GOSPA (cut-off 500 m, order 2). For comparisons with other trackers;
//! `scripts/compare-stonesoup` uses it.
#![allow(clippy::print_stdout)]

use rangegate_tracking::metrics::gospa;
use rangegate_tracking::{Measurement, Tracker, TrackerPlan, TrackingConfig};
use serde::Deserialize;
use std::error::Error;
use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::time::Instant;

#[derive(Deserialize)]
struct Scene {
    tracking: TrackingConfig,
    scans: Vec<Scan>,
}

#[derive(Deserialize)]
struct Scan {
    time_s: f64,
    detections: Vec<Measurement>,
    /// Targets, m east and north.
    #[serde(default)]
    truth: Vec<[f64; 2]>,
}

const CUTOFF_M: f64 = 500.0;
const ORDER: f64 = 2.0;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(scene), Some(tracks)) = (arguments.next(), arguments.next()) else {
        return Err("expected: track_scene SCENE.json TRACKS.jsonl".into());
    };
    let scene: Scene = serde_json::from_reader(BufReader::new(File::open(scene)?))?;
    let mut output = BufWriter::new(File::create(tracks)?);
    let mut tracker = Tracker::new(&TrackerPlan::new(&scene.tracking)?);
    let (mut total_s, mut longest_s) = (0.0, 0f64);
    let mut distance_m = 0.0;
    for scan in &scene.scans {
        let begin = Instant::now();
        tracker.scan(scan.time_s, 0, &scan.detections)?;
        let took_s = begin.elapsed().as_secs_f64();
        total_s += took_s;
        longest_s = longest_s.max(took_s);
        let tracks: Vec<_> = tracker.tracks().collect();
        for state in &tracks {
            serde_json::to_writer(&mut output, state)?;
            output.write_all(b"\n")?;
        }
        let apart = |truth: usize, track: usize| {
            let (truth, state) = (&scan.truth[truth], &tracks[track].state);
            (truth[0] - state[0]).hypot(truth[1] - state.get(1).copied().unwrap_or(0.0))
        };
        distance_m += gospa(scan.truth.len(), tracks.len(), apart, CUTOFF_M, ORDER).distance;
    }
    let n_scans = scene.scans.len().max(1) as f64;
    println!("{} {longest_s} {}", total_s / n_scans, distance_m / n_scans);
    Ok(())
}
