//! Pulse and swept radars through the program: scenes with truth, and the recordings of a real device.
#![allow(clippy::print_stdout, reason = "tests say what they measured and what they skipped")]

mod common;

use common::{detections, real_recording, replay, report, repository, run_fails, run_ok, text};
use rangegate_core::Detection;
use serde_json::Value;
use std::path::{Path, PathBuf};

const C_MPS: f64 = 299_792_458.0;

/// A recording made of a scene, and its truth.
struct Scene {
    folder: tempfile::TempDir,
    recording: PathBuf,
    truth: Vec<Value>,
}

impl Scene {
    fn new(scene: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("scene.toml");
        std::fs::write(&file, scene).unwrap();
        let recording = folder.path().join("scene.sigmf-meta");
        run_ok(&["simulate", text(&file), "--out", text(&recording), "--quiet"]);
        let truth = std::fs::read_to_string(folder.path().join("scene.truth.jsonl")).unwrap();
        let truth = truth.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        Self { folder, recording, truth }
    }

    fn config(&self, config: &str) -> PathBuf {
        let path = self.folder.path().join("config.toml");
        std::fs::write(&path, config).unwrap();
        path
    }

    /// Runs a configuration without plots; its detections and report.
    fn run(&self, config: &str, more: &[&str]) -> (Vec<Detection>, Value) {
        let out = self.folder.path().join("out");
        let bytes = replay(&self.recording, &self.config(config), &out, more);
        (detections(&bytes), report(&out))
    }

    fn truth_of(&self, target: &str, cpi: u64) -> &Value {
        self.truth.iter().find(|t| t["target"] == target && t["cpi"] == cpi).expect("truth of the CPI")
    }
}

fn number(value: &Value, field: &str) -> f64 {
    value[field].as_f64().unwrap_or_else(|| panic!("{field} in {value}"))
}

/// Detections near a range and a range rate.
fn near(found: &[Detection], range_m: f64, velocity_mps: f64, tolerances: (f64, f64)) -> Vec<&Detection> {
    let is_near = |d: &&Detection| {
        (d.range_m.unwrap() - range_m).abs() <= tolerances.0
            && (d.velocity_mps.unwrap() - velocity_mps).abs() <= tolerances.1
    };
    found.iter().filter(is_near).collect()
}

#[test]
fn the_laboratory_sees_its_targets_where_they_are() {
    let scene = std::fs::read_to_string(repository("configs/scenes/pulse-doppler-lab.toml")).unwrap();
    let scene = Scene::new(&scene);
    let config = std::fs::read_to_string(repository("configs/pulse-doppler.toml")).unwrap();
    let (found, report) = scene.run(&config, &[]);
    assert_eq!(report["framing"]["kind"], "leak");
    assert_eq!(report["framing"]["looks_without_leak"], 0);
    // The calibrator does not fluctuate: it is there in every look, off by five standard deviations at most.
    let n_looks = report["framing"]["looks"].as_u64().unwrap();
    for cpi in 0..n_looks {
        let truth = scene.truth_of("calibrator", cpi);
        let (range_m, rate_mps) = (number(truth, "range_m"), number(truth, "range_rate_mps"));
        let in_look: Vec<Detection> = found.iter().filter(|d| d.cpi == Some(cpi)).cloned().collect();
        assert_eq!(near(&in_look, range_m, rate_mps, (4.0, 0.5)).len(), 1, "look {cpi}: {in_look:?}");
    }
    // And nothing is seen where nothing is.
    for detection in &found {
        let cpi = detection.cpi.unwrap();
        let is_target = ["walker", "car", "motorcycle", "calibrator", "aircraft"].iter().any(|name| {
            let truth = scene.truth_of(name, cpi);
            (number(truth, "range_m") - detection.range_m.unwrap()).abs() < 15.0
                && (number(truth, "range_rate_mps") - detection.velocity_mps.unwrap()).abs() < 2.0
        });
        assert!(is_target, "{detection:?}");
    }
}

#[test]
fn any_number_of_threads_gives_the_same_bytes() {
    let scene = std::fs::read_to_string(repository("configs/scenes/pulse-doppler-lab.toml")).unwrap();
    let scene = Scene::new(&scene.replace("duration_s = 0.2", "duration_s = 0.08"));
    let config = scene.config(&std::fs::read_to_string(repository("configs/pulse-doppler.toml")).unwrap());
    let mut runs = [
        &["--runner", "inline"][..],
        &["--threads", "1"],
        &["--threads", "2"],
        &["--threads", "4"],
        &["--threads", "2", "--no-mmap"],
    ]
    .into_iter()
    .map(|how| {
        let out = scene.folder.path().join("out");
        replay(&scene.recording, &config, &out, how)
    });
    let first = runs.next().unwrap();
    assert!(detections(&first).len() > 5);
    runs.for_each(|bytes| assert!(bytes == first));
}

/// A radar of 300 m gates at 500 kS/s; what is asked of it is in the tests.
const SLOW_SCENE: &str = r#"
    sample_rate_hz = 500e3
    format = "cs8"
    duration_s = 60
    start_time = "2026-11-22T10:00:00Z"
    seed = 3
    noise_power_db = -30
    [[waveform]]
    name = "pulse"
    type = "linear_chirp"
    start_hz = -100e3
    stop_hz = 100e3
    duration_s = 200e-6
    [radar]
    waveform = "pulse"
    carrier_hz = 400e6
    pri_s = 4e-3
    start_s = 1.2345e-3
    leak = { power_db = -10 }
    [radar.receiver]
    oscillator_offset_ppm = 1.0
    [[target]]
    name = "plane"
    position_m = [0, 40000, 8000]
    velocity_mps = [0, 30, 0]
    snr_db = 25
    [truth]
    cpi_pulses = 64
"#;

const SLOW_CONFIG: &str = r#"
    [[replica]]
    name = "pulse"
    type = "linear_chirp"
    start_hz = -100e3
    stop_hz = 100e3
    duration_s = 200e-6
    [chain]
    type = "pulse_doppler"
    carrier_hz = 400e6
    range = { min_m = 10e3, max_m = 120e3 }
    framing = { type = "leak" }
    dwell = [{ pri_s = 4e-3, n_pulses = 64 }]
    [chain.map]
    false_alarm_probability = 1e-6
    clutter = { notch_hz = 8 }
    [chain.map.cfar]
    type = "ca_cfar"
    over = "range"
    guard_gates = 5
    training_gates = 16
"#;

#[test]
fn a_clock_that_is_off_by_1_ppm_is_followed_for_a_minute() {
    let scene = Scene::new(SLOW_SCENE);
    let (found, report) = scene.run(SLOW_CONFIG, &[]);
    let framing = &report["framing"];
    println!("framing: {framing}");
    // The receiver's clock runs fast: it counts 30 samples more than the transmitter has in a minute.
    assert!((number(framing, "clock_offset_ppm") - 1.0).abs() < 0.02, "{framing}");
    assert!((number(framing, "drift_samples") - 30.0).abs() < 0.5, "{framing}");
    let gate_m = C_MPS / 500e3 / 2.0;
    let n_looks = framing["looks"].as_u64().unwrap();
    let mut greatest = 0.0_f64;
    for cpi in 0..n_looks {
        let truth = scene.truth_of("plane", cpi);
        let (range_m, rate_mps) = (number(truth, "range_m"), number(truth, "range_rate_mps"));
        let in_look: Vec<Detection> = found.iter().filter(|d| d.cpi == Some(cpi)).cloned().collect();
        let hits = near(&in_look, range_m, rate_mps, (gate_m, 2.0));
        assert_eq!(hits.len(), 1, "look {cpi}");
        greatest = greatest.max((hits[0].range_m.unwrap() - range_m).abs());
    }
    println!("{n_looks} looks, greatest error of range {:.4} gates", greatest / gate_m);
    assert!(n_looks > 230 && greatest < 0.1 * gate_m, "{greatest} m of {gate_m} m gates");
}

/// Two targets five resolution cells apart, the second 40 dB weaker; chips of 0.2 µs: cells of 30 m.
fn unequal_targets(filter: &str) -> usize {
    let scene = Scene::new(
        r#"
        sample_rate_hz = 10e6
        format = "cs16"
        duration_s = 0.0066
        seed = 4
        noise_power_db = -60
        [[waveform]]
        name = "pulse"
        type = "barker"
        length = 13
        chip_s = 0.2e-6
        [radar]
        waveform = "pulse"
        carrier_hz = 3e9
        pri_s = 100e-6
        [[target]]
        name = "great"
        position_m = [0, 3000, 0]
        velocity_mps = [0, 50, 0]
        snr_db = 45
        [[target]]
        name = "small"
        position_m = [0, 3150, 0]
        velocity_mps = [0, 50, 0]
        snr_db = 5
        "#,
    );
    let config = format!(
        r#"
        [[replica]]
        name = "pulse"
        type = "barker"
        length = 13
        chip_s = 0.2e-6
        [chain]
        type = "pulse_doppler"
        carrier_hz = 3e9
        range = {{ min_m = 2500, max_m = 5000 }}
        framing = {{ type = "offset", offset_s = 0 }}
        dwell = [{{ pri_s = 100e-6, n_pulses = 64 }}]
        compression = {{ filter = {filter} }}
        [chain.map]
        false_alarm_probability = 1e-6
        [chain.map.cfar]
        type = "os_cfar"
        over = "range"
        guard_gates = 4
        training_gates = 24
        rank = 0.5
        "#
    );
    let (found, _) = scene.run(&config, &[]);
    assert_eq!(near(&found, 2999.5, 50.0, (10.0, 1.0)).len(), 1, "{found:?}");
    near(&found, 3149.5, 50.0, (10.0, 1.0)).len()
}

#[test]
fn a_target_40_db_below_its_neighbour_needs_the_mismatched_filter() {
    assert_eq!(unequal_targets(r#"{ type = "mismatched", side_lobe_db = 60, length_factor = 5 }"#), 1);
    assert_eq!(unequal_targets(r#"{ type = "matched" }"#), 0);
}

#[test]
fn a_target_50_db_below_static_clutter_is_seen_beside_the_notch() {
    // Bins of 19.5 Hz. Chebyshev's window of 80 dB has its first zero at 3.2 bins: the notch takes three either way,
    // and the target stands on the fourth.
    let bin_hz = 1.0 / (128.0 * 400e-6);
    let target_mps = 4.0 * bin_hz * C_MPS / 3e9 / 2.0;
    let scene = Scene::new(&format!(
        r#"
        sample_rate_hz = 1e6
        format = "cs16"
        duration_s = 0.052
        seed = 5
        noise_power_db = -70
        [[waveform]]
        name = "pulse"
        type = "barker"
        length = 13
        chip_s = 2e-6
        [radar]
        waveform = "pulse"
        carrier_hz = 3e9
        pri_s = 400e-6
        [[target]]
        name = "slow"
        position_m = [0, 20000, 0]
        velocity_mps = [0, {target_mps}, 0]
        snr_db = 0
        [[clutter]]
        from_m = 10000
        to_m = 30000
        cnr_db = 50
        "#
    ));
    let config = format!(
        r#"
        [[replica]]
        name = "pulse"
        type = "barker"
        length = 13
        chip_s = 2e-6
        [chain]
        type = "pulse_doppler"
        carrier_hz = 3e9
        range = {{ min_m = 5000, max_m = 40000 }}
        framing = {{ type = "offset", offset_s = 0 }}
        dwell = [{{ pri_s = 400e-6, n_pulses = 128 }}]
        [chain.map]
        false_alarm_probability = 1e-6
        clutter = {{ notch_hz = {} }}
        doppler = {{ window = {{ type = "chebyshev", side_lobe_db = 80 }} }}
        [chain.map.cfar]
        type = "ca_cfar"
        over = "range"
        guard_gates = 4
        training_gates = 24
        "#,
        3.01 * bin_hz
    );
    let (found, _) = scene.run(&config, &[]);
    println!("{found:?}");
    assert_eq!(near(&found, 20_000.0, target_mps, (75.0, 0.5)).len(), 1, "{found:?}");
    assert!(found.len() <= 2, "{found:?}");
}

#[test]
fn a_target_that_crosses_four_gates_loses_less_than_1_db_under_the_keystone() {
    // 512 pulses in 102.4 ms at 293 m/s: 30 m, four gates of 7.5 m.
    let scene = Scene::new(
        r#"
        sample_rate_hz = 20e6
        format = "cs16"
        duration_s = 0.1025
        seed = 6
        noise_power_db = -60
        [[waveform]]
        name = "pulse"
        type = "linear_chirp"
        start_hz = -8e6
        stop_hz = 8e6
        duration_s = 5e-6
        [radar]
        waveform = "pulse"
        carrier_hz = 300e6
        pri_s = 200e-6
        [[target]]
        name = "fast"
        position_m = [0, 3000, 0]
        velocity_mps = [0, 292.8, 0]
        snr_db = 10
        [truth]
        cpi_pulses = 512
        "#,
    );
    let expected_db = number(scene.truth_of("fast", 0), "cpi_snr_db");
    let snr_db = |keystone: &str| {
        let config = format!(
            r#"
            [[replica]]
            name = "pulse"
            type = "linear_chirp"
            start_hz = -8e6
            stop_hz = 8e6
            duration_s = 5e-6
            [chain]
            type = "pulse_doppler"
            carrier_hz = 300e6
            range = {{ min_m = 2000, max_m = 4000 }}
            framing = {{ type = "offset", offset_s = 0 }}
            dwell = [{{ pri_s = 200e-6, n_pulses = 512 }}]
            [chain.map]
            false_alarm_probability = 1e-6
            {keystone}
            [chain.map.cfar]
            type = "ca_cfar"
            over = "both"
            guard_gates = 12
            training_gates = 20
            guard_bins = 4
            training_bins = 8
            "#
        );
        let (found, _) = scene.run(&config, &[]);
        found.iter().map(|d| d.snr_db).fold(f64::NEG_INFINITY, f64::max)
    };
    let (with, without) = (snr_db("doppler = { keystone = {} }"), snr_db(""));
    println!("expected {expected_db:.2} dB, with the keystone {with:.2} dB, without {without:.2} dB");
    assert!(with > expected_db - 1.0 && with < expected_db + 1.5);
    assert!(without < with - 3.0);
}

#[test]
fn two_dwells_tell_apart_velocities_that_one_takes_for_the_same() {
    let scene = Scene::new(
        r#"
        sample_rate_hz = 2e6
        format = "cs16"
        duration_s = 0.14
        seed = 7
        noise_power_db = -60
        [[waveform]]
        name = "pulse"
        type = "barker"
        length = 13
        chip_s = 1e-6
        [radar]
        waveform = "pulse"
        carrier_hz = 10e9
        pri_s = [200e-6, 230e-6]
        pulses_per_pri = 64
        [[target]]
        name = "fast"
        position_m = [0, 12000, 0]
        velocity_mps = [0, -213.0, 0]
        snr_db = 10
        [[target]]
        name = "slow"
        position_m = [0, 8000, 0]
        velocity_mps = [0, 11.0, 0]
        snr_db = 10
        [truth]
        cpi_pulses = 128
        "#,
    );
    let config = r#"
        [[replica]]
        name = "pulse"
        type = "barker"
        length = 13
        chip_s = 1e-6
        [chain]
        type = "pulse_doppler"
        carrier_hz = 10e9
        range = { min_m = 2000, max_m = 25000 }
        framing = { type = "offset", offset_s = 0 }
        dwell = [{ pri_s = 200e-6, n_pulses = 64 }, { pri_s = 230e-6, n_pulses = 64 }]
        max_speed_mps = 300
        [chain.map]
        false_alarm_probability = 1e-6
        [chain.map.cfar]
        type = "ca_cfar"
        over = "range"
        guard_gates = 4
        training_gates = 16
    "#;
    let (found, _) = scene.run(config, &[]);
    for cpi in 0..4 {
        let in_look: Vec<Detection> = found.iter().filter(|d| d.cpi == Some(cpi)).cloned().collect();
        for (target, rate_mps) in [("fast", -213.0), ("slow", 11.0)] {
            let range_m = number(scene.truth_of(target, cpi), "range_m");
            assert_eq!(near(&in_look, range_m, rate_mps, (20.0, 1.0)).len(), 1, "{target}: {in_look:?}");
        }
    }
}

#[test]
fn a_bistatic_radar_sees_half_paths_and_folds_what_is_further() {
    let text_of = |path| std::fs::read_to_string(repository(path)).unwrap();
    let scene = Scene::new(&text_of("configs/scenes/bistatic.toml"));
    let (found, report) = scene.run(&text_of("configs/bistatic.toml"), &[]);
    let chain = &report["plan"]["chain"];
    let fold_m = number(chain, "unambiguous_range_m");
    let fold_mps = 2.0 * number(&chain["dwells"][0], "unambiguous_speed_mps");
    assert!((fold_m - C_MPS * 1e-3 / 2.0).abs() < 1e-3, "{chain}");
    let n_looks = report["framing"]["looks"].as_u64().unwrap();
    // The satellite is steady; the others fluctuate.
    for (target, least) in [("airliner", 5), ("helicopter", 6), ("satellite", 9)] {
        let is_seen = |cpi: &u64| {
            let truth = scene.truth_of(target, *cpi);
            let range_m = number(truth, "range_m") % fold_m;
            let rate_mps = number(truth, "range_rate_mps");
            let rate_mps = rate_mps - (rate_mps / fold_mps).round() * fold_mps;
            let in_look: Vec<Detection> = found.iter().filter(|d| d.cpi == Some(*cpi)).cloned().collect();
            near(&in_look, range_m, rate_mps, (25.0, 1.5)).len() == 1
        };
        let n_seen = (0..n_looks).filter(is_seen).count();
        println!("{target}: {n_seen} of {n_looks} looks");
        assert!(n_seen >= least, "{target}: {n_seen} of {n_looks}");
    }
}

/// Beyond the mean repetition frequency, at what would be its blind speed, and beside pulses of another radar.
#[test]
fn a_staggered_radar_tells_speeds_apart_that_the_mean_interval_folds() {
    let text_of = |path| std::fs::read_to_string(repository(path)).unwrap();
    let scene = Scene::new(&text_of("configs/scenes/staggered-mti.toml"));
    let config = text_of("configs/staggered-mti.toml");
    let (found, report) = scene.run(&config, &[]);
    let n_looks = report["framing"]["looks"].as_u64().unwrap();
    for target in ["blind-speed", "airliner", "sonde"] {
        let is_seen = |cpi: &u64| {
            let truth = scene.truth_of(target, *cpi);
            let (range_m, rate_mps) = (number(truth, "range_m"), number(truth, "range_rate_mps"));
            let in_look: Vec<Detection> = found.iter().filter(|d| d.cpi == Some(*cpi)).cloned().collect();
            near(&in_look, range_m, rate_mps, (20.0, 1.0)).len() == 1
        };
        let n_seen = (0..n_looks).filter(is_seen).count() as u64;
        println!("{target}: {n_seen} of {n_looks} looks");
        // The airliner fluctuates.
        assert!(n_seen + 2 >= n_looks, "{target}: {n_seen} of {n_looks}");
    }
    // Of a million cells a look a few are side lobes of range and of rain; unblanked the other radar is in all looks.
    assert!(found.len() < 12 * n_looks as usize, "{}", found.len());
    let unblanked = config.replace("[chain.map.blanking]\nthreshold_db = 12", "");
    let (found, _) = scene.run(&unblanked, &[]);
    assert!(found.len() > 100 * n_looks as usize, "{}", found.len());
}

#[test]
fn intervals_that_are_not_the_transmitters_are_told_of() {
    let scene = Scene::new(&SLOW_SCENE.replace("duration_s = 60", "duration_s = 2"));
    // 300 ppm are followed as if they were a clock's, and told of; at 1 % no leak is in step.
    for (pri_s, expected) in [("4.0012e-3", "-299 ppm"), ("4.04e-3", "no leak that keeps to")] {
        let config = scene.config(&SLOW_CONFIG.replace("pri_s = 4e-3", &format!("pri_s = {pri_s}")));
        let out = scene.folder.path().join(pri_s);
        let replayed = common::rangegate()
            .args([
                "replay",
                text(&scene.recording),
                "--config",
                text(&config),
                "--out",
                text(&out),
                "--no-plots",
            ])
            .output()
            .unwrap();
        let message = String::from_utf8_lossy(&replayed.stderr);
        assert!(message.contains(expected) && message.contains("chain.dwell.pri_s"), "{pri_s}: {message}");
    }
}

#[test]
fn what_cannot_be_is_refused_with_the_numbers() {
    let scene = Scene::new(&SLOW_SCENE.replace("duration_s = 60", "duration_s = 0.5"));
    for (from, to, expected) in [
        ("pri_s = 4e-3", "pri_s = 1e-4", &["1e-4 s", "2e-4 s", "pulse"][..]),
        ("n_pulses = 64", "n_pulses = 640", &["640 pulses", "250000 samples", "125 pulses"]),
        ("training_gates = 16", "training_gates = 300", &["300", "the map has", "gates"]),
        ("carrier_hz = 400e6\n    range", "carrier_hz = 0\n    range", &["carrier_hz", "0", "above zero"]),
        ("max_m = 120e3", "max_m = 120e4", &["1200000 m", "range.max_m"]),
        ("notch_hz = 8", "notch_hz = 800", &["notch_hz", "800", "125"]),
        ("type = \"leak\"", "type = \"trigger\"", &["framing.type", "trigger", "leak or offset"]),
        (
            "type = \"leak\"",
            "type = \"offset\", offset_s = 0.3",
            &["offset_s", "0.3 s", "0.256 s", "0.244 s"],
        ),
    ] {
        assert!(SLOW_CONFIG.contains(from), "{from}");
        let config = scene.config(&SLOW_CONFIG.replace(from, to));
        let message = run_fails(&["plan", text(&config), "--source", text(&scene.recording)], 2);
        for expected in expected {
            assert!(message.contains(expected), "{to}: '{expected}' is missing in: {message}");
        }
    }
}

fn strongest_mover(file: &str, range_bin: f64, doppler_bin: f64) {
    let Some(recording) = real_recording(&format!("fmcw/{file}")) else { return };
    let out = tempfile::tempdir().unwrap();
    // The file of longer chirps does not say how often they came; bins do not depend on it.
    let file_config =
        repository(if range_bin < 20.0 { "configs/fmcw-ti-256.toml" } else { "configs/fmcw-ti.toml" });
    let out = out.path().join("out");
    let found = detections(&replay(&recording, &file_config, &out, &[]));
    let plan = &report(&out)["plan"]["chain"];
    let range_m = number(plan, "range_step_m");
    let rate_mps = number(&plan["dwells"][0], "velocity_step_mps");
    let strongest = found.iter().max_by(|a, b| a.snr_db.total_cmp(&b.snr_db)).expect("a mover");
    let bins = (strongest.range_m.unwrap() / range_m, strongest.velocity_mps.unwrap() / rate_mps);
    println!("{file}: range bin {:.2}, Doppler bin {:.2}, {:.1} dB", bins.0, bins.1, strongest.snr_db);
    assert!((bins.0 - range_bin).abs() < 1.0 && (bins.1 - doppler_bin).abs() < 1.0, "{bins:?}");
}

#[test]
fn a_real_swept_radar_shows_its_strongest_movers() {
    let Some(truth) = real_recording("truth/fmcw.json") else { return };
    let truth: Value = serde_json::from_str(&std::fs::read_to_string(truth).unwrap()).unwrap();
    for file in ["simple_frame_1.npy", "doppler_example.npy"] {
        let mover = &truth[file]["strongest_mover"];
        strongest_mover(file, number(mover, "range_bin"), number(mover, "doppler_bin"));
    }
}

#[test]
fn plots_of_a_radar_are_drawn() {
    let scene = Scene::new(&SLOW_SCENE.replace("duration_s = 60", "duration_s = 1.5"));
    let out = scene.folder.path().join("drawn");
    let config = scene.config(SLOW_CONFIG);
    run_ok(&["replay", text(&scene.recording), "--config", text(&config), "--out", text(&out), "--quiet"]);
    for plot in ["range-time.png", "range-doppler.png", "a-scope.png", "power.png", "spectrogram.png"] {
        assert!(Path::new(&out).join("plots").join(plot).exists(), "{plot}");
    }
}
