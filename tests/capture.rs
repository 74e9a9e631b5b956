//! `capture`, `devices`, and `run` on a radio: the real program, through the real SoapySDR, on the simulated radio
//! of `crates/soapy-sim` (`scripts/soapy-module` builds it; RANGEGATE_SOAPY_MODULE names its folder).
#![allow(clippy::print_stdout, reason = "figures, and skipped cases, are said loudly")]

mod common;
#[path = "capture/noise.rs"]
mod noise;
#[path = "capture/remote.rs"]
mod remote;

use common::{detections, python, rangegate, replay, report, repository, stderr, text};
use noise::{noise_radio, runs, runs_of_noise};
use rangegate_core::SampleFormat;
use serde_json::Value;
use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// The simulated radio, or `None`, loudly.
fn module() -> Option<OsString> {
    let module = std::env::var_os("RANGEGATE_SOAPY_MODULE");
    if module.is_none() {
        println!("SKIPPED 1 case: set RANGEGATE_SOAPY_MODULE to what scripts/soapy-module prints");
    }
    module
}

fn with_radio(mut command: Command, module: &OsString) -> Command {
    command.env("SOAPY_SDR_PLUGIN_PATH", module).env("SOAPY_SDR_LOG_LEVEL", "ERROR");
    command
}

fn capture(module: &OsString, device: &str, arguments: &[&str]) -> Output {
    let mut command = with_radio(rangegate(), module);
    let output =
        command.args(["capture", "--device", device, "--freq", "1G", "--json"]).args(arguments).output();
    output.expect("the program starts")
}

fn captured(output: &Output, code: i32) -> Value {
    let message = stderr(output);
    assert_eq!(output.status.code(), Some(code), "{message}");
    assert!(!message.contains("panicked"), "{message}");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}\n{message}"))
}

#[test]
fn overflows_are_gaps_of_exactly_what_was_lost_after_a_hundred_of_them_too() {
    let Some(module) = module() else { return };
    let folder = tempfile::tempdir().unwrap();
    let lost = 12_347;
    let device =
        noise_radio(folder.path(), &format!("paced=false,overflow_every_s=1,overflow_samples={lost}"));
    for name in ["gaps.sigmf-meta", "gaps"] {
        let out = folder.path().join(name);
        let arguments = ["--rate", "1M", "--duration", "102", "--out", text(&out)];
        let report = captured(&capture(&module, &device, &arguments), 1);
        let runs = runs_of_noise(&out);
        let gaps: Vec<u64> = runs.windows(2).map(|pair| pair[1].0 - pair[0].1).collect();
        assert!(
            gaps.len() >= 100 && gaps.iter().all(|&gap| gap == lost),
            "{name}: {:?}",
            &gaps[..gaps.len().min(200)]
        );
        // Which of them also found this computer late is its own business.
        let times = |what: &str| report["received"][what].as_u64().unwrap_or_default();
        assert_eq!(times("overflows") + times("behind"), gaps.len() as u64, "{name}");
        assert_eq!(report["received"]["lost"], gaps.len() as u64 * lost, "{name}");
        assert_eq!(report["samples"], 102_000_000 - gaps.len() as u64 * lost, "{name}");
        // The radio loses them at whole seconds of its own time.
        assert!(
            runs[1..].iter().all(|run| (run.0 - runs[0].0 - lost).is_multiple_of(1_000_000)),
            "{name}: {runs:?}"
        );
    }
}

#[test]
fn what_was_recorded_while_a_chain_ran_gives_the_same_detections() {
    let Some(module) = module() else { return };
    let folder = tempfile::tempdir().unwrap();
    let scene = repository("recordings/barker/scene.toml");
    let config = repository("configs/barker.toml");
    for (faults, code) in [("", 0), (",overflow_every_s=0.1,overflow_samples=777", 1)] {
        let device = format!("driver=rangegate,scene={},paced=false{faults}", scene.display());
        let name = format!("radio{code}");
        let [live, recording] = [name.clone(), format!("{name}.sigmf-meta")].map(|n| folder.path().join(n));
        let arguments = [
            "--rate",
            "1M",
            "--duration",
            "2",
            "--config",
            text(&config),
            "--results",
            text(&live),
            "--out",
            text(&recording),
        ];
        let output = capture(&module, &device, &arguments);
        assert_eq!(output.status.code(), Some(code), "{}", stderr(&output));
        let heard = std::fs::read(live.join("detections.jsonl")).unwrap();
        let found = detections(&heard);
        assert!(found.len() >= 300, "{} detections in two seconds of the scene", found.len());
        let report = report(&live);
        assert_eq!(report["gaps"], if code == 0 { 0 } else { 19 });
        assert_eq!(report["radio"]["driver"], "rangegate");
        let again = replay(&recording, &config, &folder.path().join(format!("{name}-replayed")), &[]);
        assert!(heard == again, "{name}: {} bytes live, {} replayed", heard.len(), again.len());
        // None reaches over a gap: its samples, from leading edge to trailing edge, were all there.
        let runs = runs(&recording);
        for detection in &found {
            let n_samples = if &*detection.template == "barker-13" { 260 } else { 79 };
            let end = detection.sample + n_samples;
            let whole = runs.iter().any(|run| run.0 <= detection.sample + 1 && end <= run.1 + 1);
            assert!(whole, "{name}: {detection:?}");
        }
    }
}

#[test]
fn straight_from_the_radio_as_from_its_recording() {
    let Some(module) = module() else { return };
    let folder = tempfile::tempdir().unwrap();
    let scene = repository("recordings/barker/scene.toml");
    // Two hearings of one broadcast: the radio says when its first sample was taken.
    let device =
        format!("driver=rangegate,scene={},paced=false,start_time=1790000000000000000", scene.display());
    let recording = folder.path().join("heard");
    let config = folder.path().join("config.toml");
    let shipped = std::fs::read_to_string(repository("configs/barker.toml")).unwrap();
    let source = format!(
        "{shipped}\n[source]\nsample_rate_hz = 1e6\ncenter_frequency_hz = 1e9\n\
         radio = {{ device = \"{device}\", time = \"device\" }}\n"
    );
    std::fs::write(&config, source).unwrap();
    let live = folder.path().join("live");
    let mut run = with_radio(rangegate(), &module);
    let output =
        run.args(["run", text(&config), "--to", "1", "--no-plots", "--out", text(&live)]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let mut run = with_radio(rangegate(), &module);
    let again = folder.path().join("again");
    let arguments = [
        "run",
        text(&config),
        "--to",
        "1",
        "--no-plots",
        "--out",
        text(&again),
        "--record",
        text(&recording),
    ];
    let output = run.args(arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let heard = std::fs::read(live.join("detections.jsonl")).unwrap();
    assert!(detections(&heard).len() > 150);
    assert!(heard == std::fs::read(again.join("detections.jsonl")).unwrap());
    let barker = repository("configs/barker.toml");
    assert!(heard == replay(&recording, &barker, &folder.path().join("replayed"), &[]));
}

/// Whether a recording has a file with samples in it.
fn has_samples(path: &Path) -> bool {
    if path.extension().is_some() {
        return path.with_extension("sigmf-data").metadata().is_ok_and(|data| data.len() > 0);
    }
    let folders = path.join("ch0").read_dir().into_iter().flatten().flatten();
    let files = folders.filter_map(|folder| folder.path().read_dir().ok()).flatten().flatten();
    files.into_iter().any(|file| file.file_name().to_string_lossy().starts_with("rf@"))
}

#[test]
#[allow(clippy::disallowed_methods, reason = "what is lost is measured against the moment of the kill")]
fn a_recording_survives_kill_9_at_any_moment() {
    let Some(module) = module() else { return };
    let folder = tempfile::tempdir().unwrap();
    let device = noise_radio(folder.path(), "overflow_every_s=0.25,overflow_samples=321");
    let n_kills = 50;
    let (mut ages_s, mut recordings) = (Vec::new(), Vec::new());
    for k in 0..n_kills {
        let name = if k % 2 == 0 { format!("killed-{k}.sigmf-meta") } else { format!("killed-{k}") };
        let out = folder.path().join(name);
        let mut command = with_radio(rangegate(), &module);
        command.args([
            "capture",
            "-q",
            "--device",
            &device,
            "--freq",
            "1G",
            "--rate",
            "1M",
            "--out",
            text(&out),
        ]);
        let mut child =
            command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts");
        // From the first samples on: before them there is nothing to be kept.
        let deadline = Instant::now() + Duration::from_secs(20);
        while !has_samples(&out) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
        std::thread::sleep(Duration::from_millis(37 * k % 701));
        let killed_ns = rangegate_core::Timestamp::now().as_nanosecond();
        child.kill().expect("it may be killed");
        child.wait().expect("it ends");
        let runs = runs_of_noise(&out);
        // Samples count from 1970, in microseconds.
        let end = runs.last().map_or(0, |run| run.1);
        ages_s.push((killed_ns / 1000 - i128::from(end)) as f64 / 1e6);
        recordings.push((out, runs));
    }
    ages_s.sort_by(f64::total_cmp);
    let (median_s, worst_s) = (ages_s[n_kills as usize / 2], ages_s[n_kills as usize - 1]);
    println!("{n_kills} kills: the last sample kept was {median_s:.3} s old, at most {worst_s:.3} s");
    // The file that is open and what the radio holds. The worst has what this machine was late by in it.
    assert!(median_s < 1.0, "{median_s} s are missing");
    let Some(python) = python() else { return };
    let list: Vec<String> = recordings
        .iter()
        .map(|(path, runs)| {
            format!("{} {}", path.display(), runs.iter().map(|run| run.1 - run.0).sum::<u64>())
        })
        .collect();
    let checked =
        Command::new(python).arg(repository("tests/python/count_samples.py")).args(&list).output().unwrap();
    assert!(checked.status.success(), "{}", stderr(&checked));
}

#[test]
fn a_radio_that_is_unplugged_ends_the_recording_and_all_of_it_is_kept() {
    let Some(module) = module() else { return };
    let folder = tempfile::tempdir().unwrap();
    let device = noise_radio(folder.path(), "paced=false,unplug_at_s=1.5");
    let out = folder.path().join("unplugged.sigmf-meta");
    let output = capture(&module, &device, &["--rate", "1M", "--out", text(&out)]);
    let report = captured(&output, 1);
    assert_eq!(report["samples"], 1_500_000);
    assert_eq!(runs_of_noise(&out).len(), 1);
    for part in ["unplugged", "--reconnect", "ends at sample"] {
        assert!(stderr(&output).contains(part), "{}", stderr(&output));
    }

    // With --reconnect it goes on when the radio is back.
    let device = noise_radio(folder.path(), "unplug_at_s=0.5,unplug_for_s=1");
    let out = folder.path().join("back.sigmf-meta");
    let output = capture(
        &module,
        &device,
        &["--rate", "1M", "--out", text(&out), "--duration", "3", "--reconnect", "30"],
    );
    let report = captured(&output, 1);
    assert_eq!(report["received"]["reconnects"], 1);
    let runs = runs(&out);
    // A machine that is busy may lose a little beside.
    let n_lost = runs.windows(2).filter(|pair| pair[1].0 - pair[0].1 >= 900_000).count();
    assert_eq!(n_lost, 1, "a second was lost: {runs:?}");
}

#[test]
fn a_jump_of_the_clock_is_a_gap_and_errors_of_the_stream_end_it() {
    let Some(module) = module() else { return };
    let folder = tempfile::tempdir().unwrap();
    let device = noise_radio(folder.path(), "paced=false,jump_at_s=0.5,jump_s=0.125");
    let out = folder.path().join("jump.sigmf-meta");
    let output = capture(&module, &device, &["--rate", "1M", "--duration", "1", "--out", text(&out)]);
    let report = captured(&output, 1);
    assert_eq!((&report["received"]["jumps"], &report["received"]["lost"]), (&1.into(), &125_000.into()));
    let runs = runs(&out);
    assert_eq!((runs.len(), runs[1].0 - runs[0].1), (2, 125_000));

    // An hour is not filled with zeros: where a format has no place for it, what comes after it is a second recording.
    let device = noise_radio(folder.path(), "native=CS16,paced=false,jump_at_s=0.5,jump_s=3600");
    let out = folder.path().join("hour.cs16");
    let output = capture(&module, &device, &["--rate", "1M", "--size", "4000003", "--out", text(&out)]);
    let report = captured(&output, 1);
    assert_eq!((&report["bytes"], &report["filled"]), (&4_000_000.into(), &0.into()));
    assert_eq!(report["paths"], serde_json::json!([out, folder.path().join("hour-0002.cs16")]));
    let size = |name: &str| std::fs::metadata(folder.path().join(name)).unwrap().len();
    assert_eq!((size("hour.cs16"), size("hour-0002.cs16")), (2_000_000, 2_000_000));
}

#[test]
fn a_full_disk_ends_the_recording_with_a_message_and_all_of_it_is_kept() {
    let Some(module) = module() else { return };
    let folder = tempfile::tempdir().unwrap();
    let disk = folder.path().join("disk");
    std::fs::create_dir(&disk).unwrap();
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=6m", "tmpfs", text(&disk)]).output();
    if !mounted.is_ok_and(|output| output.status.success()) {
        println!("SKIPPED 1 case: no small disk can be mounted here (needs root)");
        return;
    }
    let device = noise_radio(folder.path(), "paced=false");
    for name in ["full.sigmf-meta", "full"] {
        let out = disk.join(name);
        let output = capture(&module, &device, &["--rate", "1M", "--keep-free", "0", "--out", text(&out)]);
        let report = captured(&output, 1);
        assert!(stderr(&output).contains("No space left"), "{}", stderr(&output));
        let runs = runs_of_noise(&out);
        assert_eq!(runs.len(), 1);
        assert!(runs[0].1 - runs[0].0 > 1_000_000, "{runs:?} of a disk of 6 MB; {report}");
        let removed = if out.is_dir() {
            std::fs::remove_dir_all(&out)
        } else {
            std::fs::remove_file(out.with_extension("sigmf-data")).and_then(|()| std::fs::remove_file(&out))
        };
        removed.unwrap();
    }
    let output = capture(
        &module,
        &device,
        &["--rate", "1M", "--keep-free", "1M", "--out", text(&disk.join("kept.sigmf-meta"))],
    );
    let ended = stderr(&output);
    let _ = Command::new("umount").arg(&disk).status();
    assert_eq!(output.status.code(), Some(1), "{ended}");
    assert!(ended.contains("--keep-free"), "{ended}");
}

#[test]
fn what_a_radio_cannot_do_is_refused_with_what_it_can() {
    let Some(module) = module() else { return };
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("never.sigmf-meta");
    let device = "driver=rangegate,rates=2M;10M;20M";
    for (arguments, expected) in [
        (&["--rate", "3M"][..], &["3 MHz", "2 MHz, 10 MHz, 20 MHz"][..]),
        (&["--rate", "2M", "--antenna", "TX"], &["antenna 'TX'", "RX1, RX2"]),
        (&["--rate", "2M", "--gain", "LNA=99"], &["gain LNA of 99 dB", "0 dB to 40 dB"]),
        (&["--rate", "2M", "--gain", "XYZ=1"], &["gain stage 'XYZ'", "LNA"]),
        (&["--rate", "2M", "--gain", "loud"], &["--gain loud", "dB"]),
        (&["--rate", "2M", "--channels", "5"], &["channel 5"]),
        (&["--rate", "2M", "--sample-format", "cf64"], &["cf64", "cs16"]),
        (&["--rate", "2M", "--freq", "20G"], &["frequency of 20 GHz"]),
        (&[], &["--rate"]),
        (&["--rate", "2M", "--size", "0"], &["--size", "at least 1 byte"]),
        (&["--rate", "2M", "--size", "3"], &["--size is 3", "one sample: 4 bytes"]),
        (&["--rate", "2M", "--keep-free", "900T"], &["GB are free", "900000.000 GB"]),
        (&["--rate", "2M", "--last", "1e9"], &["--last 1000000000 takes 8000000.0 GB", "free"]),
    ] {
        let mut command = with_radio(rangegate(), &module);
        command.args(["capture", "--device", device, "--out", text(&out)]);
        if !arguments.contains(&"--freq") {
            command.args(["--freq", "1G"]);
        }
        let output = command.args(arguments).output().unwrap();
        let message = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {message}");
        for part in expected {
            assert!(message.contains(part), "{arguments:?}: {message}");
        }
        assert!(!out.exists());
    }
    let all = (0..16).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
    let arguments = ["--rate", "1G", "--buffer", "60", "--channels", &all, "--out", text(&out)];
    let output = capture(&module, "driver=rangegate,channels=16,rate_max=1G", &arguments);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("a buffer of 60 s (--buffer"), "{}", stderr(&output));
    let output = capture(&module, "driver=nothing_of_that_name", &["--rate", "1M", "--out", text(&out)]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("rangegate devices"), "{}", stderr(&output));
}

#[test]
fn a_name_that_will_not_do_is_refused_and_nothing_is_left() {
    let Some(module) = module() else { return };
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("there.sigmf-data"), b"precious").unwrap();
    let config = folder.path().join("config.toml");
    let shipped = std::fs::read_to_string(repository("configs/barker.toml")).unwrap();
    let source = "[source]\nsample_rate_hz = 1e6\ncenter_frequency_hz = 1e9\nradio = { device = \"driver=rangegate\" }";
    std::fs::write(&config, format!("{shipped}\n{source}\n")).unwrap();
    let refused = |output: &Output, parts: &[&str]| {
        let message = stderr(output);
        assert_eq!(output.status.code(), Some(2), "{message}");
        assert!(parts.iter().all(|part| message.contains(part)), "{parts:?}: {message}");
        let mut left: Vec<_> = folder.path().read_dir().unwrap().map(|e| e.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["config.toml", "there.sigmf-data"], "{parts:?}");
    };
    let run = |more: &[&str]| {
        let mut command = with_radio(rangegate(), &module);
        command.args(["run", text(&config), "--to", "0.1", "--no-plots"]).args(more).output().unwrap()
    };
    for (name, parts) in [
        ("there.sigmf-meta", &["there.sigmf-data", "exists already"][..]),
        ("no/such/folder/x.cs16", &["there is no folder", "no/such/folder"]),
        ("q.cs8", &["its name says cs8", "samples are cs16", "expected", "q.cs16"]),
        ("q.mp3", &["no format is written under the ending '.mp3'"]),
    ] {
        let out = folder.path().join(name);
        let of_16_bits = "driver=rangegate,native=CS16";
        refused(&capture(&module, of_16_bits, &["--rate", "1M", "--out", text(&out)]), parts);
        let source = ["--source", "soapy:driver=rangegate,native=CS16", "--record", text(&out)];
        refused(&run(&source), parts);
    }
    // What is refused after the recording was made takes it away again.
    let out = folder.path().join("new.sigmf-meta");
    refused(&run(&["--record", text(&out), "--out", text(&config)]), &["--out"]);
}

#[test]
fn devices_lists_what_is_there_and_says_what_to_install_where_nothing_is() {
    let Some(module) = module() else { return };
    let list = |filter: &str, json: bool| {
        let mut command = with_radio(rangegate(), &module);
        command.args(["devices", filter]).args(json.then_some("--json")).output().unwrap()
    };
    let found = list("driver=rangegate", false);
    let shown = String::from_utf8_lossy(&found.stdout).into_owned();
    assert_eq!(found.status.code(), Some(0), "{}", stderr(&found));
    for part in ["driver=rangegate", "sample rates", "LNA", "CS16", "RX1"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let found: Value = serde_json::from_slice(&list("driver=rangegate", true).stdout).unwrap();
    assert_eq!(found[0]["ability"]["Ok"]["has_time"], true, "{found}");
    let nothing = list("driver=nothing_of_that_name", false);
    assert_eq!(nothing.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&nothing.stdout).contains("soapysdr-module-rtlsdr"));
}

#[test]
fn the_last_seconds_are_kept_when_a_signal_or_a_detection_comes() {
    let Some(module) = module() else { return };
    let folder = tempfile::tempdir().unwrap();
    // A detection: the strongest burst of the scene, 30 dB, comes once in its quarter of a second.
    let scene = repository("recordings/barker/scene.toml");
    let config = repository("configs/barker.toml");
    let device = format!("driver=rangegate,scene={},paced=false,loop=false", scene.display());
    let out = folder.path().join("event.sigmf-meta");
    let results = folder.path().join("results");
    let arguments = [
        "--rate",
        "1M",
        "--duration",
        "0.25",
        "--last",
        "0.05",
        "--after",
        "0.002",
        "--trigger-snr",
        "29",
        "--config",
        text(&config),
        "--results",
        text(&results),
        "--out",
        text(&out),
    ];
    let output = capture(&module, &device, &arguments);
    assert!(output.status.code().is_some_and(|code| code < 2), "{}", stderr(&output));
    let strongest = detections(&std::fs::read(results.join("detections.jsonl")).unwrap())
        .into_iter()
        .max_by(|a, b| a.snr_db.total_cmp(&b.snr_db))
        .unwrap();
    let kept = runs(&folder.path().join("event-0001.sigmf-meta"));
    assert!(
        kept[0].0 + 20_000 < strongest.sample && strongest.sample < kept[0].1,
        "{kept:?} around {strongest:?}"
    );

    // A signal, while the radio is heard in real time.
    let device = noise_radio(folder.path(), "native=CS16");
    let out = folder.path().join("signal.sigmf-meta");
    let mut command = with_radio(rangegate(), &module);
    command.args(["capture", "-q", "--device", &device, "--freq", "1G", "--rate", "1M", "--last", "0.5"]);
    command.args(["--after", "0.3", "--duration", "3", "--out", text(&out)]);
    let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the program starts");
    // Before the program listens for the signal it would end by it; then half a second's past gathers.
    while !listens_to_usr1(child.id()) {
        std::thread::sleep(Duration::from_millis(20));
    }
    std::thread::sleep(Duration::from_millis(1000));
    let signalled = Command::new("kill").args(["-USR1", &child.id().to_string()]).status().unwrap();
    assert!(signalled.success());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.code().is_some_and(|code| code < 2), "{}", stderr(&output));
    let kept = runs(&folder.path().join("signal-0001.sigmf-meta"));
    let len: u64 = kept.iter().map(|run| run.1 - run.0).sum();
    // A busy machine may start late and lose some; it never keeps more than was asked for.
    let least = if output.status.success() { 300_000 } else { 1 };
    assert!((least..900_000).contains(&len), "{kept:?}");
}

/// Whether a process has a handler for SIGUSR1, or has ended (proc(5): `SigCgt`, bit 9).
fn listens_to_usr1(process: u32) -> bool {
    let Ok(status) = std::fs::read_to_string(format!("/proc/{process}/status")) else { return true };
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    caught.is_none_or(|mask| u64::from_str_radix(mask.trim(), 16).is_ok_and(|mask| mask >> 9 & 1 == 1))
}

#[test]
fn as_fast_as_the_large_radios_are_for_five_seconds() {
    let Some(module) = module() else { return };
    let folder = tempfile::tempdir().unwrap();
    for (format, rate, bytes) in [("cs8", "20M", 2_u64), ("cs16", "61.44M", 4)] {
        let native: SampleFormat = format.parse().unwrap();
        assert_eq!(native.bytes() as u64, bytes);
        let device = format!("driver=rangegate,native={}", format.to_uppercase());
        let out = folder.path().join(format!("fast-{format}"));
        let output = capture(&module, &device, &["--rate", rate, "--duration", "5", "--out", text(&out)]);
        assert!(output.status.code().is_some_and(|code| code < 2), "{}", stderr(&output));
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        println!(
            "{format} at {rate}S/s for 5 s: {} samples lost in {} gaps, {:.2} s of processor time",
            report["received"]["lost"], report["received"]["overflows"], report["processor_s"]
        );
        // Whether this machine keeps up is its own business; that the account is right is ours.
        let runs = runs(&out);
        let there: u64 = runs.iter().map(|run| run.1 - run.0).sum();
        let lost: u64 = runs.windows(2).map(|pair| pair[1].0 - pair[0].1).sum();
        let wanted = (5.0 * rangegate_recording::parse_si(rate).unwrap()) as u64;
        assert_eq!(report["samples"], there);
        // The last loss may reach to the end, where the recording has nothing to tell it by.
        let lost = lost + runs[0].0 + wanted - runs[runs.len() - 1].1;
        assert_eq!(report["received"]["lost"], lost);
        assert_eq!(there + lost, wanted);
        std::fs::remove_dir_all(&out).unwrap();
    }
}
