//! Bad input: one clear message that names the file, the field, what was found and what was expected; exit
//! code 2, or 1 with the loss counted where the rest can be processed; never a panic.
#![allow(clippy::print_stdout, reason = "tests say what they measured and what they skipped")]

mod common;

use common::{rangegate, report, repository, run, run_fails, stderr, text};
use std::fs;
use std::path::{Path, PathBuf};

/// A copy of the Barker recording that a test may damage, and the configuration for it.
fn copy(folder: &Path) -> (PathBuf, String, String) {
    for name in ["barker.sigmf-meta", "barker.sigmf-data"] {
        fs::copy(repository("recordings/barker").join(name), folder.join(name)).unwrap();
    }
    let meta = folder.join("barker.sigmf-meta");
    let (meta_text, config) = (text(&meta).to_owned(), text(&repository("configs/barker.toml")).to_owned());
    (meta, meta_text, config)
}

fn assert_says(message: &str, expected: &[&str]) {
    for expected in expected {
        assert!(message.contains(expected), "'{expected}' is missing in: {message}");
    }
    assert!(message.lines().count() <= 12, "one clear message, not a wall: {message}");
}

#[test]
fn a_truncated_data_file_is_processed_and_the_loss_counted() {
    let folder = tempfile::tempdir().unwrap();
    let (meta, recording, config) = copy(folder.path());
    let data = meta.with_extension("sigmf-data");
    let length = fs::metadata(&data).unwrap().len();
    fs::OpenOptions::new().write(true).open(&data).unwrap().set_len(length / 2 + 1).unwrap();
    let out = folder.path().join("out");
    let message =
        run_fails(&["replay", &recording, "--config", &config, "--out", text(&out), "--no-plots"], 1);
    assert_says(&message, &["barker.sigmf-data"]);
    let report = report(&out);
    assert!(report["samples_in"].as_u64().unwrap() > 0);
    assert!(!report["losses"].as_array().unwrap().is_empty());
}

#[test]
fn a_sigmf_meta_file_with_a_wrong_or_missing_field() {
    let cases = [
        ("\"core:datatype\":", "\"core:datatypo\":", "core:datatype"),
        ("\"core:sample_start\": 0", "\"core:sample_start\": \"zero\"", "core:sample_start"),
        ("\"core:sample_rate\":", "\"core:sample_rate\": 0, \"was\":", "core:sample_rate"),
        ("{", "", "barker.sigmf-meta"),
    ];
    for (from, to, expected) in cases {
        let folder = tempfile::tempdir().unwrap();
        let (meta, recording, config) = copy(folder.path());
        let original = fs::read_to_string(&meta).unwrap();
        assert!(original.contains(from), "{from} is not in the meta file");
        fs::write(&meta, original.replacen(from, to, 1)).unwrap();
        let message = run_fails(&["replay", &recording, "--config", &config], 2);
        assert_says(&message, &["barker.sigmf-meta", expected]);
        run_fails(&["info", &recording], 2);
    }
}

/// A Digital RF recording of several files.
fn digital_rf(folder: &Path) -> PathBuf {
    let to = folder.join("chirps");
    let status = std::process::Command::new("cp")
        .arg("-r")
        .arg(repository("recordings/chirps/chirps"))
        .arg(&to)
        .status()
        .unwrap();
    assert!(status.success());
    to
}

fn find(folder: &Path, prefix: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(find(&path, prefix));
        } else if path.file_name().unwrap().to_str().unwrap().starts_with(prefix) {
            found.push(path);
        }
    }
    found.sort();
    found
}

#[test]
fn a_digital_rf_folder_without_its_properties() {
    let folder = tempfile::tempdir().unwrap();
    let recording = digital_rf(folder.path());
    for properties in find(&recording, "drf_properties") {
        fs::remove_file(properties).unwrap();
    }
    let config = repository("configs/chirps.toml");
    let message = run_fails(&["replay", text(&recording), "--config", text(&config)], 2);
    assert_says(&message, &["chirps", "drf_properties.h5"]);
}

#[test]
fn a_damaged_hdf5_file_in_the_middle_is_a_gap() {
    let folder = tempfile::tempdir().unwrap();
    let recording = digital_rf(folder.path());
    let files = find(&recording, "rf@");
    let damaged = &files[files.len() / 2];
    fs::write(damaged, b"no HDF5 at all").unwrap();
    let config = repository("configs/chirps.toml");
    let out = folder.path().join("out");
    let message = run_fails(
        &["replay", text(&recording), "--config", text(&config), "--out", text(&out), "--no-plots"],
        1,
    );
    assert_says(&message, &[damaged.file_name().unwrap().to_str().unwrap()]);
    let report = report(&out);
    assert!(report["samples_in"].as_u64().unwrap() > 0);
    assert!(!report["losses"].as_array().unwrap().is_empty());
}

#[test]
fn a_sample_rate_of_zero() {
    let folder = tempfile::tempdir().unwrap();
    let raw = folder.path().join("some.cs16");
    fs::write(&raw, [0; 4096]).unwrap();
    let config = repository("configs/barker.toml");
    for format in ["cs16@0", "cs16@-1", "cs16@nan", "cs16@", "cs17@1M"] {
        let message = run_fails(&["replay", text(&raw), "--config", text(&config), "--format", format], 2);
        assert_says(&message, &["expected"]);
    }
    let message = run_fails(&["replay", text(&raw), "--config", text(&config)], 2);
    assert_says(&message, &["some.cs16", "sample rate", "--format cs16@2.4e6"]);
}

#[test]
fn samples_that_are_no_numbers_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let raw = folder.path().join("some.cf32");
    let mut samples = vec![0.01_f32; 200_000];
    samples[5000] = f32::NAN;
    samples[90_001] = f32::INFINITY;
    samples[90_003] = f32::NEG_INFINITY;
    let bytes: Vec<u8> = samples.iter().flat_map(|s| s.to_le_bytes()).collect();
    fs::write(&raw, bytes).unwrap();
    let config = repository("configs/barker.toml");
    let out = folder.path().join("out");
    let arguments = [
        "replay",
        text(&raw),
        "--config",
        text(&config),
        "--format",
        "cf32@1M",
        "--out",
        text(&out),
        "--no-plots",
    ];
    let message = run_fails(&arguments, 1);
    assert_says(&message, &["3 samples"]);
    assert_eq!(report(&out)["bad_samples"], 3);
}

#[test]
fn a_replica_longer_than_the_recording() {
    let folder = tempfile::tempdir().unwrap();
    let raw = folder.path().join("short.cs8");
    fs::write(&raw, [1; 60]).unwrap();
    let config = repository("configs/barker.toml");
    let message = run_fails(&["replay", text(&raw), "--config", text(&config), "--format", "cs8@1M"], 2);
    assert_says(&message, &["short.cs8", "30 samples", "barker-13"]);
}

#[test]
fn an_unknown_field_in_a_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("typo.toml");
    let original = fs::read_to_string(repository("configs/barker.toml")).unwrap();
    fs::write(&config, original.replace("hold_off_s", "hold_of_s")).unwrap();
    let recording = repository("recordings/barker/barker.sigmf-meta");
    let message = run_fails(&["replay", text(&recording), "--config", text(&config)], 2);
    assert_says(&message, &["typo.toml", "hold_of_s", "hold_off_s"]);
}

#[test]
fn a_file_without_permission() {
    let folder = tempfile::tempdir().unwrap();
    let (meta, recording, config) = copy(folder.path());
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(&meta, fs::Permissions::from_mode(0o000)).unwrap();
    if fs::read(&meta).is_ok() {
        println!("SKIPPED 1 case: this user may read everything");
        return;
    }
    let message = run_fails(&["replay", &recording, "--config", &config], 2);
    assert_says(&message, &["barker.sigmf-meta", "ermission"]);
}

#[test]
fn what_does_not_exist() {
    let recording = repository("recordings/barker/barker.sigmf-meta");
    let config = repository("configs/barker.toml");
    for arguments in [
        ["replay", "no/such/recording", "--config", text(&config)],
        ["replay", text(&recording), "--config", "no/such/config.toml"],
        ["compare", "no/such/run", text(&config), "--json"],
    ] {
        let message = run_fails(&arguments, 2);
        assert_says(&message, &["no/such"]);
        assert!(message.contains("No such file") || message.contains("does not exist"), "{message}");
    }
    assert_says(&run_fails(&["info", text(&repository("README.md"))], 2), &["README.md", "--format"]);
}

#[test]
fn a_full_disk_at_the_output() {
    let recording = repository("recordings/barker/barker.sigmf-meta");
    let config = repository("configs/barker.toml");
    let folder = tempfile::tempdir().unwrap();
    // A disk that is always full, in place of the log.
    std::os::unix::fs::symlink("/dev/full", folder.path().join("detections.jsonl")).unwrap();
    fs::write(folder.path().join("run.json"), "{}").unwrap();
    let out = text(folder.path());
    let message = run_fails(&["replay", text(&recording), "--config", text(&config), "--out", out], 2);
    assert_says(&message, &["detections.jsonl", "No space left on device"]);

    let output = rangegate()
        .args(["replay", text(&recording), "--config", text(&config)])
        .stdout(fs::OpenOptions::new().write(true).open("/dev/full").unwrap())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert_says(&stderr(&output), &["No space left on device"]);
}

#[test]
fn a_pin_to_a_core_that_does_not_exist() {
    let recording = repository("recordings/barker/barker.sigmf-meta");
    let config = repository("configs/barker.toml");
    let message = run_fails(&["replay", text(&recording), "--config", text(&config), "--pin", "4000"], 2);
    assert_says(&message, &["4000"]);
}

#[test]
fn wrong_arguments_say_what_is_right() {
    for (arguments, expected) in [
        (&["replay"][..], "--config"),
        (&["frobnicate"], "frobnicate"),
        (&["replay", "x", "--config", "y", "--speed", "fast"], "max"),
        (&["replay", "x", "--config", "y", "--threads", "0"], "threads"),
        (&["replay", "x", "--config", "y", "--from", "yesterday"], "yesterday"),
    ] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(stderr(&output).contains(expected), "{arguments:?}: {}", stderr(&output));
    }
}
