//! `bench`: what is measured is right, whatever the time says; what cannot be measured is refused.

mod common;

use common::{run, run_fails};
use serde_json::Value;

fn cases(arguments: &[&str]) -> Vec<Value> {
    let output = run(&[&["bench"], arguments, &["--json"]].concat());
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    report["cases"].as_array().unwrap().clone()
}

/// Each of them checks its own results, and fails where they are wrong.
#[test]
fn each_measures_and_finds_its_results_right() {
    let short = ["--samples", "300001", "--seconds", "0.01"];
    for (what, n_cases) in [("replay", 7), ("record", 4), ("convert", 7), ("pipeline", 5)] {
        let found = cases(&[&[what], &short[..]].concat());
        assert_eq!(found.len(), n_cases, "{what}: {found:?}");
        assert!(found.iter().all(|case| case["msamples_per_s"].as_f64().unwrap() > 0.0), "{found:?}");
    }
    let found = cases(&["pulse-doppler", "--channels", "3", "--seconds", "0.01"]);
    assert_eq!(found.len(), 2, "{found:?}");
}

#[test]
fn each_burst_of_a_paced_source_is_found_once() {
    let found = cases(&["latency", "--rate", "2M", "--seconds", "0.2", "--threads", "1"]);
    assert!(found.iter().all(|case| case["detections"] == 100), "{found:?}");
    // Before its last sample nothing can be known of a burst.
    assert!(found.iter().all(|case| case["median_ms"].as_f64().unwrap() > 0.0), "{found:?}");
}

#[test]
fn what_cannot_be_measured_is_refused() {
    for (arguments, expected) in [
        (&["replay", "--samples", "0"][..], "--samples is 0"),
        (&["record", "--samples", "0"], "--samples is 0"),
        (&["convert", "--samples", "0"], "--samples is 0"),
        (&["record", "--format", "cs12"], "unknown sample format 'cs12'"),
        (&["record", "--dir", "/there/is/none"], "/there/is/none"),
        (&["latency", "--rate", "1k"], "--rate is 1000"),
        (&["latency", "--seconds", "0"], "nothing to measure"),
        (&["pulse-doppler", "--channels", "0"], "--channels 0"),
        (&["matched-filter", "--taps", "0"], "--taps 0"),
    ] {
        let message = run_fails(&[&["bench"], arguments].concat(), 2);
        assert!(message.contains(expected) && message.lines().count() < 4, "{arguments:?}: {message}");
    }
}
