//! `rangegate convert`: every format to every other, against the packages of the field; windows, channels, numbers,
//! decimation; and that nothing half done is left.
#![allow(clippy::float_cmp, reason = "what is exact is compared exactly")]

mod common;

use common::{python, repository, run_fails, run_ok, text};
use rangegate_core::{
    BlockHeader, IqBlock, SampleFormat, SampleRate, Scalar, StreamInfo, TimeAnchor, ToBaseband,
};
use rangegate_recording::{Annotation, CreateOptions, OpenOptions, RecordingInfo, create, open};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;

const RATE: u64 = 2_000_000;
const FIRST: u64 = 1_000_003;
/// Two stretches with a gap between: offset and length.
const STRETCHES: [(u64, u64); 2] = [(0, 1500), (1700, 1300)];

/// A 16-bit number that follows from its place, as `peers.py` has it.
fn number(index: u64, channel: u64, part: u64) -> i16 {
    (((index * 7919 + channel * 104_729 + part * 1_299_709) % 65_521) as i32 - 32_760) as i16
}

/// The same in the numbers of a format.
fn stored(format: SampleFormat, number: i16) -> Vec<u8> {
    match format.scalar {
        Scalar::I8 => vec![(number >> 8) as u8],
        Scalar::I16 => number.to_le_bytes().to_vec(),
        _ => (f32::from(number) / 32_768.0).to_le_bytes().to_vec(),
    }
}

fn samples(format: SampleFormat, n_channels: u64, first: u64, n: u64) -> Vec<u8> {
    let places = (first..first + n)
        .flat_map(|index| (0..n_channels).flat_map(move |channel| [0, 1].map(|part| (index, channel, part))));
    places.flat_map(|(index, channel, part)| stored(format, number(index, channel, part))).collect()
}

/// Writes the recording that the tests begin with.
fn origin(path: &Path, format: &str, n_channels: usize, stretches: &[(u64, u64)]) -> StreamInfo {
    let settings = json!({ "gain_db": 24.5, "antenna": "RX2" });
    origin_with(path, format, n_channels, stretches, &settings)
}

fn origin_with(
    path: &Path,
    format: &str,
    n_channels: usize,
    stretches: &[(u64, u64)],
    settings: &Value,
) -> StreamInfo {
    let stream = StreamInfo {
        sample_rate: SampleRate::new(RATE, 1).unwrap(),
        n_channels,
        format: format.parse().unwrap(),
        to_baseband: ToBaseband::default(),
        center_frequency_hz: Some(1.09e9),
        first_sample: FIRST,
        anchor: Some(TimeAnchor { sample: 3, time: "2026-11-22T10:00:00Z".parse().unwrap() }),
        n_samples: None,
        pulse_len: None,
    };
    let options = CreateOptions {
        description: Some("the origin".to_owned()),
        annotations: vec![Annotation {
            first_sample: FIRST + 100,
            n_samples: Some(50),
            frequency_hz: None,
            label: Some("here".to_owned()),
            comment: None,
        }],
        metadata: settings.as_object().unwrap().clone(),
        fill_gaps: false,
    };
    let mut writer = create(path, &stream, &options).unwrap();
    for (k, &(at, n)) in stretches.iter().enumerate() {
        let mut block = IqBlock::default();
        let header = BlockHeader {
            first_sample: FIRST + at,
            anchor: stream.anchor,
            after_gap: k > 0,
            center_frequency_hz: stream.center_frequency_hz,
        };
        let bytes = samples(stream.format, n_channels as u64, FIRST + at, n);
        block.fill(header, stream.format, n_channels, n as usize).copy_from_slice(&bytes);
        writer.write(&block).unwrap();
    }
    writer.finish().unwrap();
    stream
}

/// What a recording says of itself, its stretches, and all its bytes.
fn read(path: &Path, options: &OpenOptions) -> (RecordingInfo, Vec<(u64, u64)>, Vec<u8>) {
    let mut recording = open(path, options).unwrap_or_else(|error| panic!("{error}"));
    let info = recording.info().clone();
    let (mut stretches, mut bytes, mut block) = (Vec::<(u64, u64)>::new(), Vec::new(), IqBlock::default());
    let mut at = 0;
    while recording.read(at, 1000, &mut block).unwrap() {
        let (first, n) = (block.header.first_sample, block.n_samples() as u64);
        match stretches.last_mut() {
            Some((start, len)) if *start + *len == first && !block.header.after_gap => *len += n,
            _ => stretches.push((first, n)),
        }
        bytes.extend_from_slice(block.bytes());
        at = block.end_sample();
    }
    assert!(recording.losses().is_empty(), "{:?}", recording.losses());
    (info, stretches, bytes)
}

fn convert(from: &Path, to: &Path, more: &[&str]) -> Value {
    let mut arguments = vec!["convert", text(from), text(to), "--json", "--quiet"];
    arguments.extend(more);
    serde_json::from_str(&run_ok(&arguments)).expect("JSON")
}

fn peers(arguments: &[&str]) -> Option<Value> {
    let script = repository("tests/convert/peers.py");
    let output = Command::new(python()?).arg(script).args(arguments).output().expect("Python starts");
    let out = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{out}{}", common::stderr(&output));
    Some(serde_json::from_str(out.lines().last().expect("a line")).expect("JSON"))
}

#[test]
fn the_packages_of_the_field_read_every_sample_at_its_index() {
    let folder = tempfile::tempdir().unwrap();
    let from = folder.path().join("origin.sigmf-meta");
    origin(&from, "cs16", 2, &STRETCHES);
    let holding = ["copy.sigmf-meta", "drf"].map(|name| folder.path().join(name));
    let filled = ["a.h5", "a.npy", "a.wav", "a.cs16"].map(|name| folder.path().join(name));
    for to in &holding {
        let told = convert(&from, to, &[]);
        assert_eq!((&told["samples"], &told["gaps"]), (&json!(2800), &json!(1)));
        assert_eq!((&told["samples_in_gaps"], &told["filled"]["gaps"]), (&json!(200), &json!(0)));
    }
    for to in &filled {
        let message = run_fails(&["convert", text(&from), text(to)], 2);
        assert!(message.contains("--fill-gaps"), "{message}");
        assert!(!to.exists(), "{} was left", to.display());
        let told = convert(&from, to, &["--fill-gaps"]);
        assert_eq!(told["filled"], json!({ "gaps": 1, "samples": 200 }));
    }
    let all: Vec<&str> = ["read"].into_iter().chain(holding.iter().chain(&filled).map(|p| text(p))).collect();
    let Some(seen) = peers(&all) else { return };
    let offset = open(&holding[1], &OpenOptions::default()).unwrap().info().first_sample - FIRST;
    for (path, seen) in holding.iter().chain(&filled).zip(seen.as_array().unwrap()) {
        let is_filled = filled.contains(path);
        let stretches: Vec<(u64, u64)> = if is_filled { vec![(0, 3000)] } else { STRETCHES.to_vec() };
        let base = match path.extension().and_then(|e| e.to_str()) {
            Some("sigmf-meta" | "h5") => FIRST,
            None => FIRST + offset,
            // Theirs forget the index, and do not say their length apart from the samples.
            _ => 0,
        };
        if base > 0 {
            let expected: Vec<[u64; 2]> = stretches.iter().map(|&(at, n)| [base + at, n]).collect();
            assert_eq!(seen["stretches"], json!(expected), "{}", path.display());
        }
        let expected: Vec<f64> = stretches
            .iter()
            .flat_map(|&(at, n)| at..at + n)
            .flat_map(|at| {
                let is_there = STRETCHES.iter().any(|&(first, n)| (first..first + n).contains(&at));
                let places = [(0, 0), (0, 1), (1, 0), (1, 1)];
                places.map(|(c, part)| if is_there { f64::from(number(FIRST + at, c, part)) } else { 0.0 })
            })
            .collect();
        let found: Vec<f64> = serde_json::from_value(seen["numbers"].clone()).unwrap();
        assert_eq!(found.len(), expected.len(), "{}", path.display());
        assert!(found == expected, "{}", path.display());
    }
}

#[test]
fn what_the_packages_of_the_field_write_is_converted_sample_by_sample() {
    let folder = tempfile::tempdir().unwrap();
    if peers(&["write", text(folder.path())]).is_none() {
        return;
    }
    let format: SampleFormat = "cs16".parse().unwrap();
    for (name, n_channels, stretches) in
        [("drf", 2, &STRETCHES[..]), ("pair.sigmf-meta", 2, &STRETCHES[..]), ("one.h5", 1, &STRETCHES[..1])]
    {
        let from = folder.path().join(name);
        let bytes: Vec<u8> =
            stretches.iter().flat_map(|&(at, n)| samples(format, n_channels, FIRST + at, n)).collect();
        let indices: Vec<(u64, u64)> = stretches.iter().map(|&(at, n)| (FIRST + at, n)).collect();
        let to = folder.path().join(format!("from-{name}.sigmf-meta"));
        convert(&from, &to, &[]);
        for path in [&from, &to] {
            let (info, found, found_bytes) = read(path, &OpenOptions::default());
            assert_eq!((info.sample_rate.hz(), &found), (RATE as f64, &indices), "{}", path.display());
            assert!(found_bytes == bytes, "{}", path.display());
        }
        let (info, ..) = read(&to, &OpenOptions::default());
        if name == "pair.sigmf-meta" {
            assert_eq!(info.metadata["global"]["core:author"], "a person");
            assert_eq!((info.annotations.len(), info.annotations[0].first_sample), (1, FIRST + 100));
        }
        assert_eq!(info.center_frequency_hz, (name != "drf").then_some(1.09e9));
    }
}

/// Endings of recordings, and what opens one whose format does not say all.
fn kinds(format: &str) -> Vec<(String, Option<String>)> {
    let mut kinds = vec![
        ("sigmf-meta".to_owned(), None),
        (String::new(), None),
        ("h5".to_owned(), None),
        ("npy".to_owned(), Some("npy@2M".to_owned())),
        (format.to_owned(), Some(format!("{format}@2M"))),
    ];
    // WAV has no signed 8-bit numbers.
    if format != "cs8" {
        kinds.push(("wav".to_owned(), None));
    }
    kinds
}

#[test]
fn every_format_becomes_every_other_without_change() {
    let folder = tempfile::tempdir().unwrap();
    for format in ["cs8", "cs16", "cf32"] {
        let begin = folder.path().join(format!("{format}.sigmf-meta"));
        let stream = origin(&begin, format, 1, &[(0, 3000)]);
        let expected = samples(stream.format, 1, FIRST, 3000);
        let start_time = stream.anchor.unwrap().time_of(FIRST, 0.0, stream.sample_rate);
        for (a, a_format) in kinds(format) {
            let from = folder.path().join(format!("{format}-{a}")).with_extension(&a);
            convert(&begin, &from, &[]);
            for (b, b_format) in kinds(format) {
                let to = folder.path().join(format!("{format}-{a}-{b}")).with_extension(&b);
                let how: Vec<&str> = a_format.iter().flat_map(|f| ["--format", f]).collect();
                convert(&from, &to, &how);
                let options =
                    b_format.map_or_else(OpenOptions::default, |f| OpenOptions::parse_format(&f).unwrap());
                let (info, stretches, bytes) = read(&to, &options);
                let what = format!("{format}: '{a}' to '{b}'");
                assert!(bytes == expected, "{what}");
                assert_eq!(
                    (info.sample_format, info.sample_rate),
                    (stream.format, stream.sample_rate),
                    "{what}"
                );
                assert_eq!((stretches.len(), stretches[0].1), (1, 3000), "{what}");
                let keeps = |kind: &str| ["sigmf-meta", "", "h5"].contains(&kind);
                if keeps(&a) && keeps(&b) {
                    assert_eq!(info.start_time, start_time, "{what}");
                    let told = info.create_options();
                    assert_eq!(told.description.as_deref(), Some("the origin"), "{what}");
                    assert_eq!(told.metadata.get("gain_db"), Some(&json!(24.5)), "{what}");
                    assert_eq!(info.center_frequency_hz, Some(1.09e9), "{what}");
                    // Digital RF counts from 1970.
                    let counts = a.is_empty() || b.is_empty();
                    let first = if counts {
                        info.anchor.unwrap().sample_at(start_time.unwrap(), info.sample_rate)
                    } else {
                        FIRST
                    };
                    assert_eq!(info.first_sample, first, "{what}");
                }
            }
        }
    }
}

#[test]
fn a_window_channels_and_other_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let from = folder.path().join("origin.sigmf-meta");
    origin(&from, "cs16", 3, &STRETCHES);
    let to = folder.path().join("part.sigmf-meta");
    let told = convert(
        &from,
        &to,
        &["--from", "40us", "--to", "1ms", "--channels", "2,0", "--sample-format", "cs8"],
    );
    let (info, stretches, bytes) = read(&to, &OpenOptions::default());
    assert_eq!(stretches, [(FIRST + 80, 1420), (FIRST + 1700, 300)]);
    assert_eq!(
        (told["first_sample"].as_u64(), told["end_sample"].as_u64()),
        (Some(FIRST + 80), Some(FIRST + 2000))
    );
    assert_eq!(info.annotations.iter().map(|note| note.first_sample).collect::<Vec<_>>(), [FIRST + 100]);
    let (mut clipped, mut expected) = (0, Vec::new());
    for index in stretches.iter().flat_map(|&(first, n)| first..first + n) {
        for channel in [2, 0] {
            let numbers =
                [0, 1].map(|part| (f64::from(number(index, channel, part)) / 256.0).round_ties_even());
            clipped += u64::from(numbers.iter().any(|n| *n > 127.0));
            expected.extend(numbers.map(|n| n.min(127.0) as i8 as u8));
        }
    }
    assert!(bytes == expected);
    assert_eq!((told["clipped"].as_u64(), told["bad"].as_u64()), (Some(clipped), Some(0)));
    assert!(clipped > 0, "something was to be clipped");

    for (more, expected) in [
        (&["--channels", "3"][..], "expected 0 to 2"),
        (&["--channels", "1,1"], "twice"),
        (&["--decimate", "0"], "--decimate is 0, expected 1 to"),
        (&["--sample-format", "i16"], "expected a complex one"),
        (&["--from", "2"], "from"),
    ] {
        let other = folder.path().join("other.sigmf-meta");
        let arguments = [&["convert", text(&from), text(&other)], more].concat();
        let message = run_fails(&arguments, 2);
        assert!(message.contains(expected), "{message}");
        assert!(!other.exists());
    }
    let before = std::fs::read(&to).unwrap();
    let message = run_fails(&["convert", text(&from), text(&to)], 2);
    assert!(message.contains("exists"), "{message}");
    assert_eq!(std::fs::read(&to).unwrap(), before, "what was there is left as it was");
}

/// What a capture notes of its radio stays true of what is made of it.
#[test]
fn settings_of_a_radio_follow_channels_rate_and_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let from = folder.path().join("origin.sigmf-meta");
    let settings = json!({
        "driver": "made up",
        "sample_rate_hz": RATE as f64,
        "sample_format": "cs16",
        // Twelve bits in sixteen.
        "full_scale": 2048.0,
        "channels": [4, 5, 14],
        "gains_db": [10.0, 20.0, 30.0],
        "bandwidths_hz": [1e6, 2e6, 3e6],
        "antenna_4": "A", "antenna_5": "B", "antenna_14": "C",
        "gain_LNA_4_db": 1.0, "gain_LNA_5_db": 2.0, "gain_LNA_14_db": 3.0,
    });
    origin_with(&from, "cs16", 3, &[(0, 3000)], &settings);
    // Through formats that keep lists and numbers each in its own way.
    let ways = ["drf", "drf.h5", "last.sigmf-meta"].map(|name| folder.path().join(name));
    convert(&from, &ways[0], &[]);
    convert(&ways[0], &ways[1], &["--channels", "2,0"]);
    convert(&ways[1], &ways[2], &["--decimate", "2", "--sample-format", "cs8"]);
    for (path, expected) in [
        (&ways[0], settings),
        (
            &ways[2],
            json!({
                "driver": "made up",
                "sample_rate_hz": RATE as f64 / 2.0,
                "sample_format": "cs8",
                "full_scale": 8.0,
                "channels": [14, 4],
                "gains_db": [30.0, 10.0],
                "bandwidths_hz": [3e6, 1e6],
                "antenna_4": "A", "antenna_14": "C",
                "gain_LNA_4_db": 1.0, "gain_LNA_14_db": 3.0,
            }),
        ),
    ] {
        let told = open(path, &OpenOptions::default()).unwrap().info().create_options().metadata;
        let same = |a: &Value, b: &Value| match (a.as_f64(), b.as_f64()) {
            (Some(a), Some(b)) => a == b,
            _ => a == b,
        };
        let expected = expected.as_object().unwrap();
        assert!(told.keys().eq(expected.keys()), "{told:?}");
        for (name, value) in expected {
            let told = &told[name];
            let is_same = match (value.as_array(), told.as_array()) {
                (Some(a), Some(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
                _ => same(value, told),
            };
            assert!(is_same, "{name} is {told}, expected {value}");
        }
    }
}

/// The name of the new file says how samples are stored.
#[test]
fn a_name_is_a_sample_format() {
    let folder = tempfile::tempdir().unwrap();
    let from = folder.path().join("origin.sigmf-meta");
    origin(&from, "cs16", 1, &[(0, 200)]);
    let to = folder.path().join("small.cs8");
    convert(&from, &to, &[]);
    assert_eq!(std::fs::metadata(&to).unwrap().len(), 400);
    let message = run_fails(
        &["convert", text(&from), text(&folder.path().join("x.cs8")), "--sample-format", "cf32"],
        2,
    );
    assert!(message.contains("its name says cs8"), "{message}");
}

#[test]
fn a_tenth_of_the_samples_is_where_every_tenth_sample_was() {
    let folder = tempfile::tempdir().unwrap();
    let from = folder.path().join("tone.sigmf-meta");
    let rate = SampleRate::new(RATE, 3).unwrap();
    let anchor = TimeAnchor { sample: 0, time: "2026-11-22T10:00:00Z".parse().unwrap() };
    let stream = StreamInfo {
        sample_rate: rate,
        n_channels: 2,
        format: "cf32".parse().unwrap(),
        to_baseband: ToBaseband::default(),
        center_frequency_hz: None,
        first_sample: FIRST,
        anchor: Some(anchor),
        n_samples: None,
        pulse_len: None,
    };
    // A tone that passes, and on the other channel one that would alias.
    let tone = |index: u64, channel: usize| {
        let cycles = ([0.021, 0.19][channel] * index as f64).fract();
        let (sin, cos) = (std::f64::consts::TAU * cycles).sin_cos();
        [0.5 * cos as f32, 0.5 * sin as f32]
    };
    let mut writer = create(&from, &stream, &CreateOptions::default()).unwrap();
    let stretches = [(FIRST, 40_000_u64), (FIRST + 50_001, 30_000)];
    for (first_sample, n) in stretches {
        let header = BlockHeader { first_sample, anchor: Some(anchor), ..BlockHeader::default() };
        let numbers = (first_sample..first_sample + n).flat_map(|index| [tone(index, 0), tone(index, 1)]);
        let bytes: Vec<u8> = numbers.flatten().flat_map(f32::to_le_bytes).collect();
        let mut block = IqBlock::default();
        block.fill(header, stream.format, 2, n as usize).copy_from_slice(&bytes);
        writer.write(&block).unwrap();
    }
    writer.finish().unwrap();
    let to = folder.path().join("slow.sigmf-meta");
    let told = convert(&from, &to, &["--decimate", "10"]);
    assert_eq!(told["sample_rate"], json!({ "numerator": RATE / 10, "denominator": 3 }));
    let (info, found, bytes) = read(&to, &OpenOptions::default());
    let expected =
        stretches.map(|(first, n)| (first.div_ceil(10), (first + n).div_ceil(10) - first.div_ceil(10)));
    assert_eq!(found, expected);
    assert_eq!(info.start_time, anchor.time_of(FIRST.div_ceil(10) * 10, 0.0, rate));
    let value = |at: usize| f32::from_le_bytes(bytes[4 * at..4 * at + 4].try_into().unwrap());
    let mut place = 0;
    for (first, n) in expected {
        for k in 0..n {
            // Near the edges the filter sees the silence beyond.
            if (30..n - 30).contains(&k) {
                let expected = tone((first + k) * 10, 0);
                let got = [value(place), value(place + 1)];
                assert!((got[0] - expected[0]).abs() < 1e-4 && (got[1] - expected[1]).abs() < 1e-4, "{k}");
                assert!(value(place + 2).abs() < 1e-4 && value(place + 3).abs() < 1e-4, "{k} aliases");
            }
            place += 4;
        }
    }
}

#[cfg(unix)]
#[test]
fn an_interrupt_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let from = folder.path().join("long.cs16");
    // A hole: it costs no disk.
    std::fs::File::create(&from).unwrap().set_len(16 << 30).unwrap();
    for out in ["half.sigmf-meta", "half", "half.h5"] {
        let to: PathBuf = folder.path().join(out);
        let child = common::rangegate()
            .args(["convert", text(&from), text(&to), "--format", "cs16@20M", "--decimate", "2"])
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        while !to.exists() && !to.with_extension("sigmf-data").exists() {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
        assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", common::stderr(&output));
        assert!(common::stderr(&output).contains("broken off"), "{}", common::stderr(&output));
        let left: Vec<_> =
            folder.path().read_dir().unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["long.cs16"]);
    }
}
