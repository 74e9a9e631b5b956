//! Metrics against Stone Soup's own (`scripts/make-tracking-metrics` made the numbers).
#![allow(missing_docs)]

use rangegate_tracking::metrics::{SiapSums, gospa, ospa};
use serde::Deserialize;

#[derive(Deserialize)]
struct Data {
    sets: Vec<Set>,
    scenes: Vec<Scene>,
}

#[derive(Deserialize)]
struct Set {
    truths: Vec<[f64; 2]>,
    tracks: Vec<[f64; 2]>,
    cutoff: f64,
    order: f64,
    ospa: f64,
    gospa: [f64; 4],
}

#[derive(Deserialize)]
struct Scene {
    paths: Vec<Path>,
    runs: Vec<Path>,
    siap: [f64; 7],
}

#[derive(Deserialize)]
struct Path {
    truth: Option<usize>,
    first: usize,
    last: usize,
    states: Vec<[f64; 4]>,
}

fn data() -> Data {
    serde_json::from_str(include_str!("data/metrics.json")).unwrap()
}

#[test]
fn ospa_and_gospa_are_stone_soups() {
    for (case, set) in data().sets.iter().enumerate() {
        let distance = |truth: usize, track: usize| {
            let (a, b) = (set.truths[truth], set.tracks[track]);
            (a[0] - b[0]).hypot(a[1] - b[1])
        };
        let (n_truths, n_tracks) = (set.truths.len(), set.tracks.len());
        let found = ospa(n_truths, n_tracks, distance, set.cutoff, set.order);
        assert!((found - set.ospa).abs() < 1e-6, "case {case}: {found}, {}", set.ospa);
        let found = gospa(n_truths, n_tracks, distance, set.cutoff, set.order);
        let parts = [found.distance, found.localisation, found.missed, found.false_tracks];
        for (found, expected) in parts.into_iter().zip(set.gospa) {
            assert!((found - expected).abs() < 1e-6, "case {case}: {parts:?}, {:?}", set.gospa);
        }
    }
    assert!(ospa(0, 0, |_, _| 0.0, 1.0, 1.0) == 0.0);
}

#[test]
fn siap_is_stone_soups() {
    for (case, scene) in data().scenes.iter().enumerate() {
        let mut sums = SiapSums::default();
        for time in 0..60 {
            let there = |path: &&Path| (path.first..=path.last).contains(&time);
            let truths: Vec<u64> =
                (0..scene.paths.len()).filter(|&at| there(&&scene.paths[at])).map(|at| at as u64).collect();
            let n_tracks = scene.runs.iter().filter(there).count();
            let mut followed = Vec::new();
            for (number, run) in scene.runs.iter().enumerate().filter(|(_, run)| there(run)) {
                let Some(truth) = run.truth else { continue };
                let (a, b) = (
                    run.states[time - run.first],
                    scene.paths[truth].states[time - scene.paths[truth].first],
                );
                let error = |i: usize, j: usize| (a[i] - b[i]).hypot(a[j] - b[j]);
                followed.push((truth as u64, number as u64, error(0, 2), error(1, 3)));
            }
            sums.add(time as f64, truths, n_tracks, &followed);
        }
        let siap = sums.metrics();
        let found = [
            siap.completeness,
            siap.ambiguity,
            siap.spuriousness,
            siap.position_error,
            siap.velocity_error,
            siap.track_changes_hz,
            siap.longest_segment,
        ];
        for (found, expected) in found.into_iter().zip(scene.siap) {
            assert!((found - expected).abs() < 1e-9, "case {case}: {found}, {expected}");
        }
    }
}
