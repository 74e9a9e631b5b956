//! Maps that a run saves, and what is drawn of them afterwards.

mod common;

use common::{detections, run_fails, run_ok, text};
use rangegate_recording::hdf5::maps::MapFile;
use std::path::{Path, PathBuf};

/// A radar of 150 m gates; 62.5 ms a look.
const SCENE: &str = r#"
    sample_rate_hz = 1e6
    format = "cs16"
    duration_s = 0.3
    start_time = "2026-11-22T10:00:00Z"
    seed = 11
    noise_power_db = -60
    [[waveform]]
    name = "pulse"
    type = "barker"
    length = 13
    chip_s = 2e-6
    [radar]
    waveform = "pulse"
    carrier_hz = 3e9
    pri_s = 500e-6
    [[target]]
    name = "truck"
    position_m = [0, 20000, 0]
    velocity_mps = [0, 21, 0]
    snr_db = 15
    [truth]
    cpi_pulses = 125
"#;

const CONFIG: &str = r#"
    [[replica]]
    name = "pulse"
    type = "barker"
    length = 13
    chip_s = 2e-6
    [chain]
    type = "pulse_doppler"
    carrier_hz = 3e9
    range = { min_m = 5000, max_m = 40000 }
    framing = { type = "offset", offset_s = 0 }
    dwell = [{ pri_s = 500e-6, n_pulses = 125 }]
    [chain.map]
    false_alarm_probability = 1e-6
    clutter = { notch_hz = 30 }
    [chain.map.cfar]
    type = "ca_cfar"
    over = "range"
    guard_gates = 4
    training_gates = 16
    [output]
    plots = false
"#;

const N_LOOKS: usize = 4;

/// A folder with a scene's recording, a configuration, and what a run of it left in `out`.
struct Run(tempfile::TempDir);

impl Run {
    fn new(more: &[&str]) -> Self {
        let run = Self(tempfile::tempdir().unwrap());
        std::fs::write(run.path("scene.toml"), SCENE).unwrap();
        std::fs::write(run.path("config.toml"), CONFIG).unwrap();
        let (scene, recording) = (run.path("scene.toml"), run.path("scene.sigmf-meta"));
        run_ok(&["simulate", text(&scene), "--out", text(&recording), "--quiet"]);
        run.again(more);
        run
    }

    fn again(&self, more: &[&str]) {
        let [recording, config, out] = ["scene.sigmf-meta", "config.toml", "out"].map(|name| self.path(name));
        let mut arguments =
            vec!["replay", text(&recording), "--config", text(&config), "--out", text(&out), "--quiet"];
        arguments.extend(more);
        run_ok(&arguments);
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

/// Names of the files in a folder.
fn files(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> = entries.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn saved_maps_have_the_target_where_it_is() {
    let run = Run::new(&["--maps"]);
    let maps = MapFile::open(&run.path("out/maps.h5")).unwrap();
    let axes = maps.axes();
    assert_eq!(maps.looks().len(), N_LOOKS);
    assert!(axes.range_rate_mps.is_sorted() && axes.range_rate_mps.len() >= 125);
    let rate_step_mps = axes.range_rate_mps[1] - axes.range_rate_mps[0];
    assert!((axes.range_step_m - 149.9).abs() < 0.1, "{axes:?}");
    // Zero Doppler lies in the notch, and the notch about it.
    let notch = axes.range_rate_mps.iter().zip(&axes.in_notch).filter(|(_, is_in)| **is_in);
    assert!(notch.map(|(rate, _)| rate.abs()).fold(0.0, f64::max) <= 1.5);
    assert!(axes.in_notch.iter().any(|is_in| *is_in));
    let found = detections(&std::fs::read(run.path("out/detections.jsonl")).unwrap());
    for (number, look) in maps.looks().iter().enumerate() {
        assert_eq!(look.first_sample, 62_500 * number as u64);
        assert!((look.time_s - 0.0625 * number as f64).abs() < 1e-9);
        let map = maps.read(number).unwrap();
        assert_eq!(map.len(), axes.range_rate_mps.len() * axes.n_gates);
        let peak = (0..map.len()).max_by(|a, b| map[*a].total_cmp(&map[*b])).unwrap();
        let range_m = axes.range_first_m + axes.range_step_m * (peak % axes.n_gates) as f64;
        let rate_mps = axes.range_rate_mps[peak / axes.n_gates];
        let middle_s = look.time_s + 0.031;
        assert!((range_m - (20_000.0 + 21.0 * middle_s)).abs() <= axes.range_step_m, "{range_m}");
        assert!((rate_mps - 21.0).abs() <= rate_step_mps, "{rate_mps}");
        let detection = found.iter().find(|d| d.cpi == Some(look.cpi)).expect("a detection in each look");
        // dBFS, as the detection has it but for what a peak between cells loses.
        assert!((f64::from(map[peak]) - detection.power_db).abs() < 7.0, "{} {detection:?}", map[peak]);
    }
    // The maps of an earlier run are not this one's.
    run.again(&[]);
    assert!(!run.path("out/maps.h5").exists());
}

#[test]
fn maps_depend_on_the_stream_alone() {
    let run = Run::new(&["--maps", "--runner", "inline"]);
    let read = || {
        let maps = MapFile::open(&run.path("out/maps.h5")).unwrap();
        let powers = (0..maps.looks().len()).map(|look| maps.read(look).unwrap());
        (maps.looks().to_vec(), powers.collect::<Vec<_>>())
    };
    let inline = read();
    run.again(&["--maps", "--threads", "3"]);
    assert!(read() == inline);
}

#[test]
fn every_look_is_drawn() {
    let run = Run::new(&["--maps"]);
    let (out, pictures) = (run.path("out"), run.path("pictures"));
    // Of an earlier run with more looks.
    std::fs::create_dir_all(pictures.join("maps")).unwrap();
    std::fs::write(pictures.join("maps/0099.png"), "stale").unwrap();
    run_ok(&["plot", text(&out), "--out", text(&pictures), "--each", "--animate"]);
    assert_eq!(files(&pictures), ["a-scope.png", "maps", "maps.png", "range-doppler.png", "range-time.png"]);
    assert_eq!(files(&pictures.join("maps")), ["0000.png", "0001.png", "0002.png", "0003.png"]);
    let animation = std::fs::read(pictures.join("maps.png")).unwrap();
    // The acTL chunk says how many frames there are.
    let control = animation.windows(4).position(|name| name == b"acTL").expect("an animation");
    assert_eq!(animation[control + 4..control + 8], (N_LOOKS as u32).to_be_bytes());
}

#[test]
fn without_maps_the_log_is_drawn() {
    let run = Run::new(&[]);
    let out = run.path("out");
    run_ok(&["plot", text(&out)]);
    let log = ["detections-range-rate.png", "detections-range.png", "detections-snr.png"];
    let expected = ["a-scope.png", log[0], log[1], log[2], "range-doppler.png"];
    assert_eq!(files(&out.join("plots")), expected);
    // What needs the recording goes with it.
    std::fs::rename(run.path("scene.sigmf-meta"), run.path("moved.sigmf-meta")).unwrap();
    std::fs::remove_dir_all(out.join("plots")).unwrap();
    run_ok(&["plot", text(&out)]);
    assert_eq!(files(&out.join("plots")), log);
    let message = run_fails(&["plot", text(&out), "--each"], 2);
    assert!(message.contains("holds no maps") && message.contains("--maps"), "{message}");
}

#[test]
fn what_is_no_run_is_refused() {
    let run = Run::new(&["--maps"]);
    let refused = |folder: &str, expected: &str| {
        let message = run_fails(&["plot", text(&run.path(folder))], 2);
        assert!(message.contains(folder) && message.contains(expected), "{folder}: {message}");
    };
    refused("nowhere", "is no folder");
    refused("scene.toml", "is no folder");
    std::fs::create_dir(run.path("empty")).unwrap();
    refused("empty", "holds no run.json");
    std::fs::write(run.path("empty/run.json"), "{}").unwrap();
    refused("empty", "missing field `plan`");
    let maps = run.path("out/maps.h5");
    let whole = std::fs::read(&maps).unwrap();
    std::fs::write(&maps, &whole[..whole.len() / 2]).unwrap();
    refused("out", "maps.h5");
    std::fs::write(&maps, "no HDF5").unwrap();
    refused("out", "not an HDF5 file");
}

#[test]
fn chains_without_maps_refuse_to_save_them() {
    let run = Run::new(&[]);
    let burst = r#"
        [[replica]]
        name = "pulse"
        type = "barker"
        length = 13
        chip_s = 2e-6
        [chain]
        type = "burst"
        false_alarm_probability = 1e-6
        hold_off_s = 1e-3
        [chain.cfar]
        type = "ca_cfar"
        guard = 30
        training = 64
        [output]
        maps = true
    "#;
    let [recording, config] = ["scene.sigmf-meta", "burst.toml"].map(|name| run.path(name));
    std::fs::write(&config, burst).unwrap();
    let message = run_fails(&["replay", text(&recording), "--config", text(&config)], 2);
    assert!(message.contains("output.maps") && message.contains("pulse_doppler"), "{message}");
    let message =
        run_fails(&["replay", text(&recording), "--config", text(&run.path("config.toml")), "--maps"], 2);
    assert!(message.contains("--out"), "{message}");
}
