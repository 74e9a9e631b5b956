//! Real recordings with truth, through the program and the configurations that users start from.
#![allow(clippy::print_stdout, reason = "tests say what they measured and what they skipped")]

mod common;

use common::{detections, python, real_recording, replay, repository, run_ok, text};
use rangegate_core::Detection;
use serde_json::Value;
use std::path::Path;

fn json(path: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// First sample and length in samples of every frame that the truth locates.
fn located_frames(truth: &Path) -> Vec<(f64, f64)> {
    let truth = json(truth);
    let samples_per_us = truth["sample_rate"].as_f64().unwrap() / 1e6;
    let frames = truth["located_by_numpy_matched_filter"].as_array().unwrap();
    let frame = |frame: &Value| {
        // 8 µs of preamble, then a bit a microsecond: 56 or 112 of them.
        let bits = 4.0 * frame["hex"].as_str().unwrap().len() as f64;
        (frame["sample"].as_f64().unwrap(), (8.0 + bits) * samples_per_us)
    };
    frames.iter().map(frame).collect()
}

/// A log without what says when and where it was recorded: index and time.
fn without_origin(detections: &[Detection], origin: u64) -> Vec<String> {
    let shifted = |d: &Detection| {
        let moved = Detection { sample: d.sample - origin, time: None, ..d.clone() };
        serde_json::to_string(&moved).unwrap()
    };
    detections.iter().map(shifted).collect()
}

/// Replies that the truth does not locate, but that decode at this sample: their parity is right, or is overlaid with the
/// address of the one aircraft (`crates/dsp/tests/mode_s.rs` decodes them).
const DECODED: [u64; 30] = [
    27996, 50792, 63180, 97495, 127520, 127829, 150069, 173339, 173756, 177642, 178186, 186414, 198769,
    203957, 226157, 229679, 231307, 231616, 232047, 232762, 275049, 281492, 283197, 283358, 284542, 294517,
    296839, 317679, 324057, 330396,
];

#[test]
fn modes1_as_sigmf_and_as_digital_rf_gives_the_same_detections() {
    let Some(sigmf) = real_recording("sigmf/modes1.sigmf-meta") else { return };
    let Some(digital_rf) = real_recording("digital_rf/modes1/adsb1090") else { return };
    let Some(truth) = real_recording("truth/modes1.frames.json") else { return };
    let out = tempfile::tempdir().unwrap();
    let config = repository("configs/mode-s.toml");
    let from_sigmf = detections(&replay(&sigmf, &config, &out.path().join("sigmf"), &[]));
    let from_digital_rf = detections(&replay(&digital_rf, &config, &out.path().join("drf"), &[]));
    let origin = 1_700_000_000 * 2_000_000;
    assert_eq!(without_origin(&from_sigmf, 0), without_origin(&from_digital_rf, origin));

    let frames = located_frames(&truth);
    let at = |d: &Detection| d.sample as f64 + d.sample_fraction;
    let found =
        frames.iter().filter(|(first, _)| from_sigmf.iter().any(|d| (at(d) - first).abs() <= 1.0)).count();
    let starts = |d: &&Detection| frames.iter().any(|(first, _)| (at(d) - first).abs() <= 1.0);
    let (starting, others): (Vec<_>, Vec<_>) = from_sigmf.iter().partition(starts);
    let (inside, outside): (Vec<_>, Vec<_>) = others
        .into_iter()
        .partition(|d| frames.iter().any(|(first, len)| (0.0..*len).contains(&(at(d) - first))));
    println!(
        "modes1: {found} of {} located frames; {} detections: {} start one, {} inside one, {} outside: {:?}",
        frames.len(),
        from_sigmf.len(),
        starting.len(),
        inside.len(),
        outside.len(),
        outside.iter().map(|d| d.sample).collect::<Vec<_>>()
    );
    assert!(found as f64 >= 0.98 * frames.len() as f64);
    let unproven =
        outside.iter().filter(|d| !DECODED.iter().any(|sample| sample.abs_diff(d.sample) <= 1)).count();
    println!("modes1: {unproven} of the detections outside do not decode as replies");
    assert!(unproven as f64 <= 0.02 * from_sigmf.len() as f64);
}

#[test]
fn every_located_frame_of_the_mode_s_files_is_detected() {
    for name in ["test_1641427457780.iq", "test_1641428106243.iq"] {
        let Some(recording) = real_recording(&format!("mode_s/{name}")) else { continue };
        let Some(truth) = real_recording(&format!("truth/{name}.frames.json")) else { continue };
        let out = tempfile::tempdir().unwrap();
        let config = repository("configs/mode-s.toml");
        let found = detections(&replay(&recording, &config, out.path(), &["--format", "cs16@2.4M"]));
        for (first, _) in located_frames(&truth) {
            let nearest = found.iter().map(|d| (d.sample as f64 + d.sample_fraction - first).abs());
            let nearest = nearest.fold(f64::INFINITY, f64::min);
            assert!(nearest <= 1.5, "{name}: frame at {first}: nearest detection is {nearest} samples away");
        }
        println!("{name}: {} detections", found.len());
    }
}

#[derive(Clone, Copy)]
struct Gps<'a> {
    recording: &'a str,
    config: &'a str,
    format: &'a str,
    strong: usize,
}

/// Satellites found, as (number, Doppler in Hz, code delay in chips).
fn satellites(gps: &Gps<'_>, recording: &Path, more: &[&str]) -> Vec<(u64, f64, f64)> {
    let out = tempfile::tempdir().unwrap();
    let mut arguments = vec!["--format", gps.format];
    arguments.extend(more);
    let found = detections(&replay(recording, &repository(gps.config), out.path(), &arguments));
    let satellite = |d: &Detection| {
        let number = d.template.strip_prefix("gps-prn-").unwrap().parse().unwrap();
        (number, d.doppler_hz.unwrap(), d.delay_s.unwrap() * 1.023e6)
    };
    found.iter().map(satellite).collect()
}

#[test]
fn gps_satellites_are_those_of_the_truth() {
    let cases = [
        Gps {
            recording: "gps/L1_20211125_004000_12MHz_I.bin",
            config: "configs/gps-l1-12mhz-real.toml",
            format: "i8@12M",
            strong: 9,
        },
        Gps {
            recording: "gps/L1_20211202_084700_4MHz_IQ_first250ms.bin",
            config: "configs/gps-l1-4mhz-iq.toml",
            format: "cs8@4M",
            strong: 7,
        },
    ];
    for gps in cases {
        let Some(recording) = real_recording(gps.recording) else { continue };
        let Some(truth) = real_recording("truth/gps_l1ca_acquisition.json") else { continue };
        let truth = json(&truth);
        let truth = truth[recording.file_name().unwrap().to_str().unwrap()]["found"].as_array().unwrap();
        let found = satellites(&gps, &recording, &[]);
        // The truth lists satellites by strength.
        for satellite in &truth[..gps.strong] {
            let number = satellite["prn"].as_u64().unwrap();
            let doppler_hz = satellite["doppler_hz_100Hz_grid"].as_f64().unwrap();
            let delay = satellite["code_delay_chips_at_sample0"].as_f64().unwrap();
            let (_, found_doppler_hz, found_delay) =
                found.iter().find(|f| f.0 == number).unwrap_or_else(|| panic!("PRN {number} is missing"));
            let delay_error = (found_delay - delay + 511.5).rem_euclid(1023.0) - 511.5;
            println!(
                "PRN {number}: Doppler {found_doppler_hz:.0} Hz (truth {doppler_hz}), delay off by {delay_error:.2} chips"
            );
            assert!((found_doppler_hz - doppler_hz).abs() <= 100.0, "PRN {number}: {found_doppler_hz} Hz");
            assert!(delay_error.abs() <= 0.5, "PRN {number}: {found_delay} chips, truth {delay}");
        }
        let in_truth = |number: u64| truth.iter().any(|s| s["prn"].as_u64() == Some(number));
        let unknown: Vec<_> = found.iter().filter(|f| !in_truth(f.0)).collect();
        println!("{}: {} satellites, not in the truth: {unknown:?}", gps.recording, found.len());
        if !unknown.is_empty() {
            confirm_by_halves(&gps, &recording, &unknown);
        }
    }
}

/// Satellites that the truth does not have must be in both halves of the recording, at the same Doppler and delay.
fn confirm_by_halves(gps: &Gps<'_>, recording: &Path, unknown: &[&(u64, f64, f64)]) {
    let folder = tempfile::tempdir().unwrap();
    let config = std::fs::read_to_string(repository(gps.config)).unwrap();
    let (whole, half) = ("noncoherent = 50", "noncoherent = 25");
    assert!(config.contains(whole), "halves of a dwell of 250 ms");
    let config = config
        .replace(whole, half)
        .replace("false_alarm_probability = 1e-3", "false_alarm_probability = 0.1");
    let path = folder.path().join("half.toml");
    std::fs::write(&path, config).unwrap();
    for window in [["--to", "125ms"], ["--from", "125ms"]] {
        let half = satellites(&Gps { config: path.to_str().unwrap(), ..*gps }, recording, &window);
        for (number, doppler_hz, delay) in unknown {
            let same = |f: &&(u64, f64, f64)| {
                let apart = (f.2 - delay + 511.5).rem_euclid(1023.0) - 511.5;
                // The code slides by its own Doppler: 0.35 chips in 125 ms at 4.3 kHz.
                f.0 == *number && (f.1 - doppler_hz).abs() <= 100.0 && apart.abs() <= 0.5
            };
            assert!(
                half.iter().any(|f| same(&f)),
                "PRN {number} is in neither truth nor the half {window:?}: {half:?}"
            );
        }
    }
}

/// The samples of this recording are all zero, as an independent reader confirms: silence gives no detection.
#[test]
fn twenty_traces_of_digital_silence_give_no_detection() {
    let Some(recording) = real_recording("pulsed_hdf5/test_bsi.h5") else { return };
    let out = tempfile::tempdir().unwrap();
    let found = replay(&recording, &repository("configs/ice-radar-hdf5.toml"), out.path(), &[]);
    assert_eq!(detections(&found), []);
    let report = common::report(out.path());
    assert_eq!(report["samples_in"], 20 * 2976);
    assert_eq!(report["runs"], 20);
}

/// Writes 20 traces laid out as the ice radar's, each with the transmitted pulse at sample 411.3 and an echo of the bed.
const WRITE_TRACES: &str = r"
import sys, h5py, numpy as np
rng = np.random.default_rng(5)
t = np.arange(2976) / 250e6
def pulse(at):
    x = t - at
    on = (x >= 0) & (x <= 0.4e-6)
    return on * np.sin(np.pi * x / 0.4e-6) ** 2 * np.cos(2 * np.pi * 5.05e6 * (x - 0.2e-6))
with h5py.File(sys.argv[1], 'w') as file:
    for n in range(20):
        trace = 0.3 * pulse(411.3 / 250e6) + 0.008 * pulse(5.2e-6 + n * 8e-9) + 1e-3 * rng.standard_normal(2976)
        path = f'line_0/location_{n}/datacapture_0/echogram_0'
        file.create_dataset(path, data=trace.astype('>f8'), chunks=(1,))
";

/// The real file holds nothing but zeros, so a file of the same layout shows that a pulse in it is found.
#[test]
fn each_trace_of_an_ice_radar_has_its_transmit_pulse_at_the_same_place() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let recording = folder.path().join("traces.h5");
    let wrote = std::process::Command::new(python).args(["-c", WRITE_TRACES]).arg(&recording).status();
    assert!(wrote.unwrap().success());
    let config = repository("configs/ice-radar-hdf5.toml");
    let found = detections(&replay(&recording, &config, &folder.path().join("out"), &[]));
    for trace in 0..20 {
        let in_trace = found.iter().filter(|d| d.sample / 2976 == trace);
        let pulse = in_trace.max_by(|a, b| a.snr_db.total_cmp(&b.snr_db)).expect("a pulse in each trace");
        let at = (pulse.sample % 2976) as f64 + pulse.sample_fraction;
        assert!((at - 411.3).abs() < 0.5, "trace {trace}: pulse at {at}");
    }
    let echoes = found.iter().filter(|d| d.sample % 2976 > 1000).count();
    println!("20 transmit pulses found at sample 411.3 ± 0.5, and {echoes} echoes of the bed");
    assert!(echoes >= 20);
}

#[test]
fn info_says_what_to_put_into_the_configuration() {
    let Some(recording) = real_recording("pulsed_hdf5/test_bsi.h5") else { return };
    let said = run_ok(&["info", text(&recording)]);
    for expected in
        ["line_0/location_0/datacapture_0/echogram_0", "2976", "f64", "[source", "datasets", "sample_rate_hz"]
    {
        assert!(said.contains(expected), "{expected} is missing in:\n{said}");
    }
}
