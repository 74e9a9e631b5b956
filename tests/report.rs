//! `report` through the program: an archive whose truth is known, and what is said where nothing is.

mod common;

use common::{repository, run_fails, run_ok, text};
use flate2::Compression;
use flate2::write::GzEncoder;
use rangegate_archive::{Ending, Folder, Gap, RunStart, WriteOptions, Writer};
use rangegate_core::{Detection, Timestamp};
use rangegate_tracking::Geodetic;
use serde_json::{Value, json};
use std::io::Write as _;
use std::path::{Path, PathBuf};

const BEGIN_S: i64 = 1_700_000_000;
/// A pass of an aircraft lasts so long, and so many follow each other, s.
const PASS_S: usize = 300;
const PASSES: usize = 6;
/// Samples that the southern station lacks, s.
const OUTAGE_S: [usize; 2] = [700, 800];

fn site(name: &str) -> PathBuf {
    repository(&format!("configs/two-stations/sites/{name}.toml"))
}

fn time(after_s: f64) -> Timestamp {
    Timestamp::from_nanosecond((i128::from(BEGIN_S) * 1_000_000_000) + (after_s * 1e9).round() as i128)
        .unwrap()
}

/// The same numbers on every machine (Marsaglia 2003).
struct Random(u64);

impl Random {
    fn uniform(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Nearly normal.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }
}

/// Where the aircraft of a time is: from west to east, climbing for half of its way, then level.
fn aircraft(after_s: f64) -> Geodetic {
    let on_way_s = after_s.rem_euclid(PASS_S as f64);
    let climbed_s = on_way_s.min(150.0);
    Geodetic {
        latitude_deg: 52.09,
        longitude_deg: 13.08 + 0.0022 * on_way_s,
        height_m: 2_000.0 + 8.0 * climbed_s,
    }
}

/// Range and azimuth from the southern station.
fn seen_from_south(place: &Geodetic) -> (f64, f64) {
    let antenna = Geodetic { latitude_deg: 52.0, longitude_deg: 13.4, height_m: 92.0 };
    let enu = antenna.enu_from_ecef() * (place.ecef_m() - antenna.ecef_m());
    (enu.norm(), enu.x.atan2(enu.y).to_degrees().rem_euclid(360.0))
}

fn detection(after_s: f64, cpi: usize, range_m: f64, azimuth_deg: f64, doppler_hz: f64) -> Detection {
    Detection {
        cpi: Some(cpi as u64),
        sample: (after_s * 1e6) as u64,
        sample_fraction: 0.0,
        time: Some(time(after_s)),
        channel: 0,
        template: "chirp".into(),
        delay_s: None,
        range_m: Some(range_m),
        doppler_hz: Some(doppler_hz),
        velocity_mps: None,
        azimuth_deg: Some(azimuth_deg),
        snr_db: 15.0,
        power_db: -45.0,
        after_gap: false,
    }
}

fn writer(archive: &Path, station: &str) -> Writer {
    let run = RunStart {
        station: station.parse().unwrap(),
        source: "test".to_owned(),
        sample_rate_hz: 1e6,
        first_sample: 0,
        start_time: Some(time(0.0)),
        configuration: json!({ "owner": format!("{station}-owner") }).to_string(),
    };
    Writer::begin(&Folder::new(archive), &run, WriteOptions::default()).unwrap()
}

fn finish(writer: Writer) {
    writer.finish(&Ending { status: "done".to_owned(), report: None }).unwrap();
}

/// Probability with which the southern station detects at a range.
fn probability(range_m: f64) -> f64 {
    if range_m < 16_000.0 { 0.9 } else { 0.5 }
}

/// The southern station detects, with a standing echo, a burst and an outage; the northern one tracks. The archive, and for
/// each scan of the southern station the aircraft's range and whether it was detected.
fn archive(folder: &Path) -> (PathBuf, Vec<(f64, bool)>) {
    let archive = folder.join("archive");
    let mut scans = Vec::new();
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut south = writer(&archive, "laboratory-south");
    south.gap(Gap {
        run: 0,
        first_sample: OUTAGE_S[0] as u64 * 1_000_000,
        samples: (OUTAGE_S[1] - OUTAGE_S[0]) as u64 * 1_000_000,
        time: Some(time(OUTAGE_S[0] as f64)),
    });
    for scan in (0..PASS_S * PASSES).filter(|scan| !(OUTAGE_S[0]..OUTAGE_S[1]).contains(scan)) {
        let after_s = scan as f64 + 0.3;
        let (range_m, azimuth_deg) = seen_from_south(&aircraft(after_s));
        let is_detected = random.uniform() < probability(range_m);
        scans.push((range_m, is_detected));
        if is_detected {
            let near = detection(
                after_s,
                scan,
                range_m + 20.0 * random.normal(),
                azimuth_deg + random.normal(),
                -300.0 * random.uniform(),
            );
            assert!(south.detection(&near));
        }
        // A mast.
        if scan % 2 == 0 {
            south.detection(&detection(after_s, scan, 5_003.0, 200.0, 0.1 * random.normal()));
        }
        if scan == 1_234 {
            for k in 0..60 {
                south.detection(&detection(after_s, scan, 480.0 * f64::from(k), 270.0, 10.0 * f64::from(k)));
            }
        }
    }
    south.health(Some(time((PASS_S * PASSES) as f64)), 1_800_000_000, "bad_samples", 7.0);
    finish(south);
    let mut north = writer(&archive, "laboratory-north");
    for second in 0..PASS_S * PASSES {
        let after_s = second as f64 + 0.6;
        // The aircraft has gone when the next one comes.
        if second % PASS_S > PASS_S - 5 {
            continue;
        }
        let (now, next) = (aircraft(after_s).ecef_m(), aircraft(after_s + 0.01).ecef_m());
        let velocity = (next - now) / 0.01;
        let exact = now.iter().map(|at| (*at, 15.0)).chain(velocity.iter().map(|v| (*v, 0.4)));
        let state: Vec<f64> = exact.map(|(value, sigma)| value + sigma * random.normal()).collect();
        let spread = |i: usize, j: usize| {
            if i != j {
                0.0
            } else if i < 3 {
                225.0
            } else {
                0.16
            }
        };
        let covariance: Vec<Vec<f64>> = (0..6).map(|i| (0..6).map(|j| spread(i, j)).collect()).collect();
        let place = Geodetic::from_ecef_m(&nalgebra::Vector3::new(state[0], state[1], state[2]));
        let line = json!({
            "track": second / PASS_S + 1, "cpi": second, "time": time(after_s).to_string(), "space": "earth",
            "state": state, "covariance": covariance, "position": place, "coasting": false,
        });
        assert!(north.track(&line.to_string()).unwrap());
    }
    finish(north);
    (archive, scans)
}

/// The same aircraft as readsb has it: snapshots, and a packed trace under a plain name.
fn truth(folder: &Path) -> PathBuf {
    let truth = folder.join("truth");
    std::fs::create_dir_all(truth.join("traces/01")).unwrap();
    let feet = |place: &Geodetic| place.height_m / 0.3048;
    let (mut snapshots, mut trace) = (String::new(), Vec::new());
    for second in (0..PASS_S * PASSES).step_by(5).filter(|second| second % PASS_S < PASS_S - 10) {
        let place = aircraft(second as f64);
        if second < PASS_S * 3 {
            let entry = json!({ "hex": format!("3c000{}", second / PASS_S), "type": "adsb_icao", "lat": place.latitude_deg,
                "lon": place.longitude_deg, "alt_geom": feet(&place), "seen_pos": 0.0 });
            let snapshot =
                json!({ "now": BEGIN_S as f64 + second as f64, "messages": 1, "aircraft": [entry] });
            snapshots.push_str(&format!("{snapshot}\n"));
        } else {
            let details = json!({ "type": "adsb_icao", "alt_geom": feet(&place) });
            trace.push(json!([second, place.latitude_deg, place.longitude_deg, 0, 290, 90, 0, 0, details]));
        }
    }
    std::fs::write(truth.join("aircraft.json"), snapshots).unwrap();
    let file = std::fs::File::create(truth.join("traces/01/trace_full_3c1001.json")).unwrap();
    let mut packed = GzEncoder::new(file, Compression::fast());
    let document = json!({ "icao": "3c1001", "timestamp": BEGIN_S as f64, "trace": trace });
    packed.write_all(document.to_string().as_bytes()).unwrap();
    packed.finish().unwrap();
    truth
}

fn report(archive: &Path, out: &Path, more: &[&str]) -> (Value, String) {
    let words = [&["report", text(archive), "--json", "--out", text(out)], more].concat();
    let json = serde_json::from_str(&run_ok(&words)).unwrap();
    (json, std::fs::read_to_string(out).unwrap())
}

#[test]
fn what_is_known_to_be_in_an_archive_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let (archive, scans) = archive(folder.path());
    let (truth, out) = (truth(folder.path()), folder.path().join("r.html"));
    let (south, north) = (site("laboratory-south"), site("laboratory-north"));
    let words = ["--site", text(&south), "--site", text(&north), "--truth", text(&truth)];
    let (report, html) = report(&archive, &out, &words);

    // Stations and their time: the outage is not observed, the rest is.
    let station = |name: &str| {
        report["stations"].as_array().unwrap().iter().find(|station| station["name"] == name).unwrap().clone()
    };
    let (south, north) = (station("laboratory-south"), station("laboratory-north"));
    let observed = south["observed_s"].as_f64().unwrap();
    assert!((observed - 1_700.0).abs() < 1.0, "{observed}");
    assert!((north["observed_s"].as_f64().unwrap() - 1_795.0).abs() < 2.0);
    assert_eq!(south["owner"], "laboratory-south-owner");
    assert!((south["look_s"].as_f64().unwrap() - 1.0).abs() < 1e-6);
    let sum = |values: &Value| values.as_array().unwrap().iter().map(|n| n.as_f64().unwrap()).sum::<f64>();
    assert_eq!(sum(&south["detections_by_step"]) as u64, south["detections"].as_u64().unwrap());

    // Detection, against the other station and against ADS-B.
    let detection = report["detection"].as_array().unwrap();
    let against = |reference: &str| {
        detection
            .iter()
            .find(|of| of["station"] == "laboratory-south" && of["reference"] == reference)
            .unwrap()
    };
    for (reference, least) in [("laboratory-north", 1_600.0), ("ADS-B", 1_500.0)] {
        let of = against(reference);
        let number = |name: &str| of["all"][name].as_f64().unwrap();
        assert!(number("tries") > least && number("tries") <= 1_700.0, "{reference}: {}", of["all"]);
        // What was done, exactly, but for looks beside outages and passes; and what it was drawn from.
        let share = |all: &[&(f64, bool)]| all.iter().filter(|scan| scan.1).count() as f64 / all.len() as f64;
        let done = share(&scans.iter().collect::<Vec<_>>());
        assert!((number("estimate") - done).abs() < 0.01, "{reference}: {done} {}", of["all"]);
        let drawn = scans.iter().map(|scan| probability(scan.0)).sum::<f64>() / scans.len() as f64;
        assert!(number("low") <= drawn && drawn <= number("high"), "{reference}: {drawn} {}", of["all"]);
        assert!(of["by_chance"]["estimate"].as_f64().unwrap() < 0.02, "{}", of["by_chance"]);
        let bins: Vec<&Value> = of["by_range"].as_array().unwrap().iter().collect();
        let bins = bins.iter().filter(|bin| bin["detected"]["tries"].as_u64() >= Some(20)).inspect(|bin| {
            let edge = |name: &str| bin[name].as_f64().unwrap();
            let done: Vec<_> =
                scans.iter().filter(|scan| (edge("from")..edge("to")).contains(&scan.0)).collect();
            let end = |name: &str| bin["detected"][name].as_f64().unwrap();
            assert!(
                (end("low")..=end("high")).contains(&share(&done)),
                "{reference}: {} {bin}",
                share(&done)
            );
        });
        assert!(bins.count() >= 10);
        assert!(of["predicted_by_range"][0].as_f64().unwrap() > 0.9);
    }
    assert_eq!(report["truth"]["aircraft"], 4);

    // Histories: climbing, then level; told where it will be, within what is said.
    let tracks = report["tracks"].as_array().unwrap();
    assert_eq!(tracks.len(), PASSES);
    for track in tracks {
        let phases: Vec<&str> =
            track["flight"].as_array().unwrap().iter().map(|phase| phase["kind"].as_str().unwrap()).collect();
        assert_eq!(phases, ["climbing", "level"], "{track}");
        let last_s = track["last"]["time_s"].as_f64().unwrap() - BEGIN_S as f64;
        let pass = ((last_s / PASS_S as f64).floor() * PASS_S as f64, last_s.rem_euclid(PASS_S as f64));
        let predictions = track["predictions"].as_array().unwrap();
        assert_eq!(predictions.len(), 3);
        for prediction in predictions {
            assert_eq!(prediction["model"], "constant_velocity");
            let ahead_s = prediction["ahead_s"].as_f64().unwrap();
            let mut there = aircraft(pass.0 + pass.1);
            there.longitude_deg += 0.0022 * ahead_s;
            let said: Geodetic = serde_json::from_value(prediction["place"].clone()).unwrap();
            let off_m = (Geodetic { height_m: 0.0, ..said }.ecef_m()
                - Geodetic { height_m: 0.0, ..there }.ecef_m())
            .norm();
            let ellipse = prediction["ellipse_95_m"][0].as_f64().unwrap();
            assert!(
                off_m < 1.5 * ellipse + 30.0 && ellipse < 20.0 * ahead_s,
                "{ahead_s} s: {off_m} m, {ellipse} m"
            );
        }
    }

    // Interference: the mast and the burst, by their rules, and nothing else.
    let rules: Vec<&str> = south["interference"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| finding["rule"].as_str().unwrap())
        .collect();
    assert_eq!(rules, ["standing_echo", "pulsed_interference"], "{}", south["interference"]);
    assert!(
        south["health"]
            .as_array()
            .unwrap()
            .iter()
            .any(|figure| figure["name"] == "bad_samples" && figure["value"] == 7.0)
    );

    // One file that needs nothing else; for looking at it, RANGEGATE_KEEP says where to.
    if let Some(folder) = std::env::var_os("RANGEGATE_KEEP") {
        std::fs::copy(&out, Path::new(&folder).join("report.html")).unwrap();
    }
    for outside in ["http://", "https://", "<script", "src=", "@import", "url("] {
        assert!(!html.contains(outside), "{outside}");
    }
    for said in [
        "Traffic",
        "not observed",
        "Track histories",
        "climbing for",
        "Heat maps",
        "Probability of detection",
        "standing echo",
        "data:image/png;base64,",
    ] {
        assert!(html.contains(said), "{said}");
    }
    assert_eq!(html.matches("<svg viewBox").count(), html.matches("<figure>").count());
}

#[test]
fn nothing_is_said_where_nothing_is() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("r.html");
    // No run; a run without anything; a time without anything.
    let empty = folder.path().join("empty");
    finish(writer(&empty, "laboratory-south"));
    let (said, _) = report(&empty, &out, &["--site", text(&site("laboratory-south"))]);
    assert_eq!((&said["stations"][0]["detections"], &said["n_tracks"]), (&0.into(), &0.into()));
    let (archive, _) = archive(folder.path());
    let (said, html) = report(&archive, &out, &["--from", "2030-01-01", "--to", "2030-01-02"]);
    assert_eq!(said["stations"][0]["detections"], 0);
    assert!(
        said["notes"][0].as_str().unwrap().contains("No station ran within the window"),
        "{}",
        said["notes"]
    );
    assert!(html.contains("No station ran within the window"));
    let (said, _) =
        report(&archive, &out, &["--from", "2023-11-14T22:20:00Z", "--to", "2023-11-14T22:21:00Z"]);
    assert!((said["stations"][1]["observed_s"].as_f64().unwrap() - 60.0).abs() < 1e-6);
    let truth = folder.path().join("other.json");
    std::fs::write(&truth, r#"{"now": 1, "aircraft": [{"hex": "a", "lat": 1, "lon": 1, "alt_geom": 1}]}"#)
        .unwrap();
    let north = site("gabala");
    let (said, _) = report(&archive, &out, &["--site", text(&north), "--truth", text(&truth)]);
    let notes = said["notes"].to_string();
    assert!(
        notes.contains("nothing of the site gabala") && notes.contains("truth is of another time"),
        "{notes}"
    );
    let plain = run_ok(&["report", text(&archive), "--out", text(&out)]);
    assert!(plain.contains("written: ") && plain.contains("laboratory-north: observed"), "{plain}");
}

#[test]
fn what_cannot_be_is_refused_with_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("archive");
    finish(writer(&archive, "a"));
    let file = |name: &str, content: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (list, cut, no_site) =
        (file("list.json", "[1, 2]"), file("cut.gz", "\u{1f}"), file("site.toml", "name = 3"));
    let stations = file("stations.toml", "[[station]]\nname = \"a\"");
    std::fs::write(&cut, [0x1f, 0x8b, 8, 0, 0]).unwrap();
    let (nowhere, gabala) = (folder.path().join("none/r.html"), site("gabala"));
    let cases: &[(&[&str], &str)] = &[
        (&["--from", "2026-11-22", "--to", "2026-11-21"], "is not before"),
        (&["--truth", &list], "list.json is no JSON of readsb"),
        (&["--truth", &cut], "cut.gz"),
        (&["--truth", "nowhere"], "nowhere"),
        (&["--site", &no_site], "site.toml is no station's file"),
        (&["--site", &stations], "station 0: no position"),
        (&["--gate", "-3"], "expected above 0"),
        (&["--pfa", "0.5", "--site", text(&gabala)], "false_alarm_probability is 0.5"),
        (&["--out", text(&nowhere)], "cannot write"),
    ];
    let out = folder.path().join("r.html");
    for (words, told) in cases {
        let first = ["report", text(&archive)];
        let out: &[&str] = if words[0] == "--out" { &[] } else { &["--out", text(&out)] };
        let message = run_fails(&[&first, *words, out].concat(), 2);
        assert!(message.contains(told), "{words:?}: {message}");
    }
    assert!(run_fails(&["report", text(folder.path())], 2).contains("is no archive"));
}
