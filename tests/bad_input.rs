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
        (&["replay", "x", "--config", "y", "--from", "-1"], "0 or more"),
        (&["compare", "x", "y", "--tolerance-db", "nan"], "expected a finite number"),
        (&["compare", "x", "y", "--tolerance-hz", "-1"], "0 or more"),
    ] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(stderr(&output).contains(expected), "{arguments:?}: {}", stderr(&output));
    }
}

/// Runs a replay of raw floats with plots and returns what it says.
fn replay_floats(samples: &[f32], format: &str, code: i32) -> (String, serde_json::Value) {
    let folder = tempfile::tempdir().unwrap();
    let raw = folder.path().join("some.bin");
    fs::write(&raw, samples.iter().flat_map(|s| s.to_le_bytes()).collect::<Vec<u8>>()).unwrap();
    let (config, out) = (repository("configs/barker.toml"), folder.path().join("out"));
    let arguments =
        ["replay", text(&raw), "--config", text(&config), "--format", format, "--out", text(&out)];
    let message = run_fails(&arguments, code);
    assert!(out.join("plots/power.png").exists(), "{message}");
    (message, report(&out))
}

#[test]
fn absurd_numbers_are_counted_and_the_plots_end() {
    let mut samples = vec![0.01_f32; 40_000];
    for (at, value) in [(5000, 1e20), (9000, 3e38), (20_000, -2e15)] {
        samples[at] = value;
    }
    let (message, report) = replay_floats(&samples, "cf32@1M", 1);
    assert_says(&message, &["some.bin: 3 samples were no finite numbers"]);
    assert_eq!(report["bad_samples"], 3);
    samples.fill(9e14);
    replay_floats(&samples, "cf32@1M", 0);
    // Other numbers than the format says: from 1e-300 to 1e300.
    let noise = |n: u32| f32::from_bits(n.wrapping_mul(2_654_435_761));
    let samples: Vec<f32> = (0..40_000).map(noise).collect();
    replay_floats(&samples, "cf64@1M", 1);
}

#[test]
fn a_recording_in_a_loop_is_plotted_and_annotated_once() {
    let folder = tempfile::tempdir().unwrap();
    for (recording, config, plot) in [
        ("recordings/barker/barker.sigmf-meta", "configs/barker.toml", "plots/matched-filter.png"),
        ("recordings/gold/gold.sigmf-meta", "configs/gold-code.toml", "plots/power.png"),
    ] {
        let out = folder.path().join(plot.replace('/', "-"));
        let (recording, config) = (repository(recording), repository(config));
        let arguments = ["replay", text(&recording), "--config", text(&config), "--out", text(&out)];
        let output = run(&[&arguments[..], &["--loop", "3"]].concat());
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert!(!stderr(&output).contains("missing"), "{}", stderr(&output));
        assert!(out.join(plot).exists());
        let meta = fs::read_to_string(out.join("detections.sigmf-meta")).unwrap();
        let meta: serde_json::Value = serde_json::from_str(&meta).unwrap();
        let n_annotations = meta["annotations"].as_array().unwrap().len();
        let n_detections = report(&out)["detections"].as_u64().unwrap() as usize;
        assert!(
            n_annotations > 0 && n_annotations <= n_detections / 3 + 1,
            "{n_annotations} of {n_detections}"
        );
        run(&["info", text(&out.join("detections.sigmf-meta")), "--verify"]);
    }
}

#[test]
fn a_scene_has_a_time_window_speed_and_loop() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("scene.toml");
    let original = fs::read_to_string(repository("configs/barker.toml")).unwrap();
    fs::copy(repository("recordings/barker/scene.toml"), folder.path().join("barker.toml")).unwrap();
    fs::write(&config, format!("source.scene = \"barker.toml\"\n{original}")).unwrap();
    let out = folder.path().join("out");
    let run_scene = |more: &[&str]| {
        let arguments = ["run", text(&config), "--out", text(&out), "--no-plots"];
        let output = run(&[&arguments[..], more].concat());
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        fs::read_to_string(out.join("detections.jsonl")).unwrap()
    };
    let all = run_scene(&[]);
    let part = run_scene(&["--from", "0.1", "--to", "0.2"]);
    assert_eq!(report(&out)["samples_in"], 100_000);
    // Far from the ends of the window its detections are those of the whole.
    let within = |line: &&str| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        (105_000..195_000).contains(&line["sample"].as_u64().unwrap())
    };
    assert_eq!(all.lines().filter(within).count(), part.lines().filter(within).count());
    assert!(part.lines().count() > 10);
    run_scene(&["--loop", "2"]);
    assert_eq!(report(&out)["samples_in"], 500_000);
    let message = run_fails(&["run", text(&config), "--from", "1h"], 2);
    assert_says(&message, &["barker.toml", "'from' is 3600s", "0.25 s long"]);
}

#[test]
fn a_format_in_the_configuration_is_not_forced_on_another_recording() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("raw.toml");
    let original = fs::read_to_string(repository("configs/barker.toml")).unwrap();
    fs::write(&config, format!("source.kind = \"raw\"\nsource.sample_format = \"cs16\"\n{original}"))
        .unwrap();
    let recording = repository("recordings/barker/barker.sigmf-meta");
    let message = run_fails(&["replay", text(&recording), "--config", text(&config)], 2);
    assert_says(&message, &["barker.sigmf-meta", "source.kind is 'raw'", "'sigmf'", "--format"]);
    common::run_ok(&["replay", text(&recording), "--config", text(&config), "--format", "sigmf"]);
}

#[test]
fn values_of_a_configuration_blame_the_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let recording = repository("recordings/barker/barker.sigmf-meta");
    let original = fs::read_to_string(repository("configs/barker.toml")).unwrap();
    let config = folder.path().join("wrong.toml");
    for (line, expected) in [
        ("source.sample_rate_hz = 0", "source.sample_rate_hz is 0"),
        ("source.n_channels = 0", "source.n_channels is 0"),
        ("source.intermediate_frequency_hz = 1e12", "source.intermediate_frequency_hz is 1e12"),
        ("run.threads = 5000", "run.threads is 5000"),
    ] {
        fs::write(&config, format!("{line}\n{original}")).unwrap();
        let message = run_fails(&["replay", text(&recording), "--config", text(&config)], 2);
        assert_says(&message, &["wrong.toml", expected]);
    }
    for (from, to, expected) in [
        ("step_hz = 1e3", "step_hz = 1e300", "doppler.step_hz: found 1e300"),
        ("hold_off_s = 0.5e-3", "hold_off_s = -1", "hold_off_s: found -1"),
        ("name = \"barker-7\"", "name = \"\"", "expected a name"),
    ] {
        assert!(original.contains(from));
        fs::write(&config, original.replace(from, to)).unwrap();
        let message = run_fails(&["replay", text(&recording), "--config", text(&config)], 2);
        assert_says(&message, &["wrong.toml", expected]);
    }
}

#[test]
fn what_is_not_of_a_run_stays_in_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path();
    let config = repository("configs/barker.toml");
    let arguments = |recording: &Path| {
        ["replay", text(recording), "--config", text(&config), "--out", text(out)].map(str::to_owned)
    };
    let sigmf = arguments(&repository("recordings/barker/barker.sigmf-meta"));
    common::run_ok(&sigmf.each_ref().map(String::as_str));
    assert!(out.join("detections.sigmf-data").is_symlink());
    fs::write(out.join("plots/notes.txt"), "mine").unwrap();
    let chirps = repository("recordings/chirps/chirps");
    let again = arguments(&chirps);
    common::run_ok(&[&again.each_ref().map(String::as_str)[..], &["--no-plots"]].concat());
    assert!(!out.join("detections.sigmf-data").is_symlink(), "the link to other samples");
    let left: Vec<_> = fs::read_dir(out.join("plots")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left, ["notes.txt"]);
}

#[test]
fn a_truth_is_not_overwritten_and_a_failure_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let scene = repository("recordings/barker/scene.toml");
    let (out, truth) = (folder.path().join("a.cs8"), folder.path().join("a.truth.jsonl"));
    fs::write(&truth, "mine").unwrap();
    let message = run_fails(&["simulate", text(&scene), "--out", text(&out)], 2);
    assert_says(&message, &["a.truth.jsonl", "exists already"]);
    assert!(!out.exists() && fs::read_to_string(&truth).unwrap() == "mine");
    // A link to nowhere cannot be written through.
    fs::remove_file(&truth).unwrap();
    std::os::unix::fs::symlink(folder.path().join("no/such/folder"), &truth).unwrap();
    run_fails(&["simulate", text(&scene), "--out", text(&out)], 2);
    assert!(!out.exists());
}
