//! `coverage` through the program: areas, files, what is refused, and what an archive says beside it.

mod common;

use common::{repository, run_fails, run_ok, text};
use rangegate_archive::{Ending, Folder, Gap, RunStart, WriteOptions, Writer};
use rangegate_core::Timestamp;
use serde_json::Value;
use std::path::PathBuf;

fn site(name: &str) -> PathBuf {
    repository(&format!("configs/two-stations/sites/{name}.toml"))
}

fn json(arguments: &[&str]) -> Value {
    serde_json::from_str(&run_ok(&[&["coverage", "--json"], arguments].concat())).unwrap()
}

#[test]
fn example_sites_are_covered_and_drawn() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let (gabala, armavir) = (site("gabala"), site("armavir"));
    let words = [text(&gabala), text(&armavir), "--altitude", "300k", "--rows", "60", "--out", text(&out)];
    let report = json(&words);
    let altitude = &report["altitudes"][0];
    let number = |name: &str| altitude[name].as_f64().unwrap();
    let parts = number("by_nobody_km2") + number("by_one_km2") + number("by_several_km2");
    assert!((parts / number("region_km2") - 1.0).abs() < 1e-3);
    assert!(number("by_several_km2") > 1e5 && number("by_one_km2") > 1e6);
    assert!(std::fs::read(out.join("coverage-300000m.png")).unwrap().starts_with(b"\x89PNG"));
    let map: Value = serde_json::from_slice(&std::fs::read(out.join("coverage.geojson")).unwrap()).unwrap();
    let features = map["features"].as_array().unwrap();
    let kinds: Vec<&str> = features.iter().map(|f| f["properties"]["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["site", "site", "station", "station", "several", "one", "gap"]);
    for ring in features.iter().filter(|f| f["geometry"]["type"] == "MultiPolygon").flat_map(|f| {
        f["geometry"]["coordinates"].as_array().unwrap().iter().flat_map(|p| p.as_array().unwrap())
    }) {
        let ring = ring.as_array().unwrap();
        assert!(ring.len() >= 4 && ring.first() == ring.last());
    }
}

#[test]
fn joining_and_the_best_place_fill_gaps() {
    let (south, north) = (site("laboratory-south"), site("laboratory-north"));
    let words = [text(&south), "--join", text(&north), "--best-site", "--altitude", "500", "--rows", "40"];
    let report = json(&words);
    assert!(report["altitudes"][0]["joined"]["fills_km2"].as_f64().unwrap() > 100.0);
    assert!(report["best_site"]["fills_km2"].as_f64().unwrap() > 100.0);
    assert!(run_ok(&[&["coverage"], &words[..]].concat()).contains("joining fills"));
}

#[test]
fn what_cannot_be_is_refused_with_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let good = site("gabala");
    let bad = folder.path().join("bad.toml");
    let write = |text: &str| std::fs::write(&bad, text).unwrap();
    let original = std::fs::read_to_string(&good).unwrap();
    for (from, to, says) in [
        ("40.8715", "140.8715", "latitude_deg is 140.8715"),
        ("[107.0, 217.0]", "[107.0, nan]", "azimuth_deg"),
        ("name =", "nome =", "nome"),
    ] {
        write(&original.replace(from, to));
        let message = run_fails(&["coverage", text(&bad)], 2);
        assert!(message.contains(says), "{message}");
    }
    let heights = folder.path().join("N40E047.hgt");
    std::fs::write(&heights, [0; 100]).unwrap();
    let message = run_fails(&["coverage", text(&good), "--terrain", text(&heights)], 2);
    assert!(message.contains("N40E047.hgt") && message.contains("100 bytes"), "{message}");
    for words in [["--region", "0,0,1"], ["--pd", "1"], ["--rcs", "-1"], ["--k", "nan"], ["--rows", "1"]] {
        run_fails(&[&["coverage", text(&good)], &words[..]].concat(), 2);
    }
}

#[test]
fn an_archive_says_what_was_seen() {
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("archive");
    let time = |second: i64| Timestamp::new(1_700_000_000 + second, 0).unwrap();
    let run = RunStart {
        station: "laboratory-south".parse().unwrap(),
        source: "test".to_owned(),
        sample_rate_hz: 1e6,
        first_sample: 0,
        start_time: Some(time(0)),
        configuration: String::new(),
    };
    let mut writer = Writer::begin(&Folder::new(&archive), &run, WriteOptions::default()).unwrap();
    // It ran for 100 s with an outage of 20 s, and saw a target 10 km to the north before and in the outage.
    writer.health(Some(time(100)), 100_000_000, "load", 0.5);
    writer.gap(Gap { run: 0, first_sample: 40_000_000, samples: 20_000_000, time: Some(time(40)) });
    for second in [10, 20, 50] {
        let position = serde_json::json!({ "latitude_deg": 52.09, "longitude_deg": 13.4, "height_m": 500.0 });
        let line = serde_json::json!({ "track": 1, "time": time(second).to_string(), "position": position });
        assert!(writer.track(&line.to_string()).unwrap());
    }
    let ending = Ending { status: "done".to_owned(), report: None };
    writer.finish(&ending).unwrap();

    let (south, north, out) = (site("laboratory-south"), site("laboratory-north"), folder.path().join("out"));
    let words =
        [text(&south), text(&north), "--altitude", "500", "--rows", "50", "--archive", text(&archive)];
    let report = json(&[&words[..], &["--out", text(&out)]].concat());
    let (ran, idle) = (&report["measured"][0], &report["measured"][1]);
    assert!((ran["observed_s"].as_f64().unwrap() - 80.0).abs() < 1e-6, "{ran}");
    assert_eq!(ran["sightings"], serde_json::json!([2, 0, 1, 0]));
    assert!(ran["predicted_seen_km2"].as_f64().unwrap() > 0.0);
    assert!(ran["predicted_empty_km2"].as_f64().unwrap() > 100.0);
    // The other never ran: nothing follows.
    assert_eq!(idle["predicted_empty_km2"], 0.0);
    assert!(idle["predicted_not_observed_km2"].as_f64().unwrap() > 100.0);
    assert!(out.join("measured-laboratory-south.png").exists());
}
