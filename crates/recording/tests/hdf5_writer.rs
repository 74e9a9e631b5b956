//! Plain HDF5 as it is written, killed writers, and gaps in formats that cannot hold them.
#![allow(clippy::print_stdout, reason = "a child process talks to its test")]

mod hdf5_support;

use hdf5_support::{format, noise};
use rangegate_core::{
    BlockHeader, IqBlock, Layout, SampleFormat, SampleRate, StreamInfo, TimeAnchor, ToBaseband,
};
use rangegate_recording::{CreateOptions, Filled, OpenOptions, create, open};
use serde_json::json;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

const START: u64 = 1_000_000_007;

fn stream(format: SampleFormat, n_channels: usize) -> StreamInfo {
    StreamInfo {
        sample_rate: SampleRate::new(2_000_000, 3).unwrap(),
        n_channels,
        format,
        to_baseband: ToBaseband::default(),
        center_frequency_hz: Some(1.09e9),
        first_sample: START,
        anchor: Some(TimeAnchor { sample: START, time: "2026-11-22T10:00:00.123456789Z".parse().unwrap() }),
        n_samples: None,
        pulse_len: None,
    }
}

fn block(first_sample: u64, format: SampleFormat, n_channels: usize, bytes: &[u8]) -> IqBlock {
    let mut block = IqBlock::default();
    let header = BlockHeader { first_sample, ..BlockHeader::default() };
    let n_samples = bytes.len() / (format.bytes() * n_channels);
    block.fill(header, format, n_channels, n_samples).copy_from_slice(bytes);
    block
}

/// First index, and all bytes.
fn read(path: &Path, options: &OpenOptions) -> (u64, Vec<u8>) {
    let mut recording = open(path, options).unwrap();
    let (first, mut bytes, mut block) = (recording.info().first_sample, Vec::new(), IqBlock::default());
    let mut at = first;
    while recording.read(at, 1 << 16, &mut block).unwrap() {
        assert_eq!((block.header.first_sample, block.header.after_gap), (at, false));
        bytes.extend(hdf5_support::interleaved(&block));
        at = block.end_sample();
    }
    assert_eq!(at, recording.info().end_sample);
    (first, bytes)
}

#[test]
fn plain_hdf5_is_read_back_without_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let formats = [
        "cs8", "cu8", "cs16", "cu16", "cs32", "cu32", "cs64", "cu64", "cf32", "cf64", "i8", "u8", "i16",
        "f32", "f64",
    ];
    for name in formats {
        for n_channels in [1, 2, 3] {
            let format = format(name);
            let path = folder.path().join(format!("{name}-{n_channels}.h5"));
            let mut options =
                CreateOptions { description: Some("a test".to_owned()), ..CreateOptions::default() };
            let settings = json!({
                "antenna": "RX2", "gain_db": 24.5, "count": -3, "agc": false, "gains": [1, 2.5], "sample_rate": 1
            });
            options.metadata = settings.as_object().unwrap().clone();
            let bytes = noise(1000 * format.bytes() * n_channels, 5);
            let stream = stream(format, n_channels);
            let mut writer = create(&path, &stream, &options).unwrap();
            assert!(create(&path, &stream, &options).is_err(), "it exists");
            let (a, b) = bytes.split_at(300 * format.bytes() * n_channels);
            // The recording begins later than was said.
            writer.write(&block(START + 5, format, n_channels, a)).unwrap();
            writer.write(&block(START + 305, format, n_channels, b)).unwrap();
            writer.finish().unwrap();
            for no_mmap in [false, true] {
                let options = OpenOptions { no_mmap, ..OpenOptions::default() };
                assert_eq!(read(&path, &options), (START + 5, bytes.clone()), "{name} {n_channels}");
            }
            let recording = open(&path, &OpenOptions::default()).unwrap();
            let info = recording.info();
            assert_eq!((info.sample_format, info.n_channels, info.mapped), (format, n_channels, true));
            assert_eq!((info.sample_rate, info.center_frequency_hz), (stream.sample_rate, Some(1.09e9)));
            let time = stream.anchor.unwrap().time_of(START + 5, 0.0, stream.sample_rate);
            assert_eq!(info.start_time, time);
            assert_eq!(info.anchor, time.map(|time| TimeAnchor { sample: START + 5, time }));
            let told = &info.metadata["samples"];
            assert_eq!((&told["antenna"], &told["gain_db"]), (&json!("RX2"), &json!(24.5)));
            let copied = info.create_options();
            assert_eq!(copied.description.as_deref(), Some("a test"));
            assert_eq!(copied.metadata.get("count"), Some(&json!(-3)));
            assert!(!copied.metadata.contains_key("sample_rate"));
        }
    }
}

#[test]
fn channels_that_lie_apart_are_put_side_by_side() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("planar.hdf5");
    let format = format("cs16");
    let bytes = noise(2 * 100 * 4, 3);
    let memory: Arc<dyn rangegate_core::ByteSource> = Arc::new(bytes.clone());
    let mut planar = IqBlock::default();
    let header = BlockHeader { first_sample: START, ..BlockHeader::default() };
    planar.share(header, format, Layout::planar(format, 100), 2, 100, &memory, 0);
    let mut writer = create(&path, &stream(format, 2), &CreateOptions::default()).unwrap();
    writer.write(&planar).unwrap();
    writer.finish().unwrap();
    let expected: Vec<u8> = (0..100)
        .flat_map(|n| [&bytes[4 * n..4 * n + 4], &bytes[400 + 4 * n..404 + 4 * n]].concat())
        .collect();
    assert_eq!(read(&path, &OpenOptions::default()), (START, expected));
}

#[test]
fn gaps_are_filled_where_a_format_has_no_place_for_them_and_that_is_wanted() {
    let folder = tempfile::tempdir().unwrap();
    let cases = [
        ("a.cs16", "cs16", vec![0; 4]),
        ("a.cu8", "cu8", vec![0x80; 2]),
        ("b.npy", "cu16", vec![0, 0x80, 0, 0x80]),
        ("c.npy", "cu16_be", vec![0x80, 0, 0x80, 0]),
        ("d.wav", "cf32", vec![0; 8]),
        ("e.wav", "cu8", vec![0x80; 2]),
        ("f.h5", "cs8", vec![0; 2]),
        ("g.h5", "cu32", vec![0, 0, 0, 0x80, 0, 0, 0, 0x80]),
    ];
    for (name, of, zero) in cases {
        let path = folder.path().join(name);
        let format = format(of);
        let rate = SampleRate::new(1_000_000, 1).unwrap();
        let stream = StreamInfo { sample_rate: rate, ..stream(format, 1) };
        let bytes = noise(100 * format.bytes(), 1);
        let (before, after) = (block(START, format, 1, &bytes), block(START + 1100, format, 1, &bytes));

        let refused = folder.path().join(format!("refused-{name}"));
        let mut writer = create(&refused, &stream, &CreateOptions::default()).unwrap();
        writer.write(&before).unwrap();
        let message = writer.write(&after).unwrap_err().to_string();
        assert!(message.contains("gap") && message.contains("--fill-gaps"), "{message}");

        let options = CreateOptions { fill_gaps: true, ..CreateOptions::default() };
        let mut writer = create(&path, &stream, &options).unwrap();
        writer.write(&before).unwrap();
        let ten_minutes = START + 100 + 600_000_000;
        let message = writer.write(&block(ten_minutes + 1, format, 1, &bytes)).unwrap_err().to_string();
        assert!(message.contains("600 s"), "{message}");
        writer.write(&after).unwrap();
        // A loss of which only that it was is known.
        let mut next = block(START + 1200, format, 1, &bytes);
        next.header.after_gap = true;
        writer.write(&next).unwrap();
        assert_eq!(writer.filled(), Filled { gaps: 2, samples: 1000 });
        writer.finish().unwrap();
        let open =
            OpenOptions { sample_rate_hz: Some(1e6), sample_format: Some(format), ..OpenOptions::default() };
        let (first, found) = read(&path, &open);
        assert_eq!(found, [bytes.clone(), zero.repeat(1000), bytes.clone(), bytes].concat(), "{name}");
        assert_eq!(first, if name.ends_with("h5") { START } else { 0 });
    }
}

const CHILD: &str = "RANGEGATE_TEST_WRITE_TO";
const CHILD_BLOCK: u64 = 1000;

/// Sample `n` of what the child writes.
fn of_child(n: u64) -> [u8; 4] {
    (n as u32).to_le_bytes()
}

/// Not a test, but what the next one starts and kills.
#[test]
fn a_writer_that_nobody_stops() {
    let Some(path) = std::env::var_os(CHILD) else { return };
    let format = format("cs16");
    let mut writer = create(Path::new(&path), &stream(format, 1), &CreateOptions::default()).unwrap();
    for n in 0..u64::MAX / CHILD_BLOCK {
        let bytes: Vec<u8> = (n * CHILD_BLOCK..(n + 1) * CHILD_BLOCK).flat_map(of_child).collect();
        writer.write(&block(START + n * CHILD_BLOCK, format, 1, &bytes)).unwrap();
        // Told only after it was written.
        println!("\nwritten {}", (n + 1) * CHILD_BLOCK);
    }
}

#[test]
fn a_writer_that_is_killed_leaves_all_that_it_wrote() {
    let folder = tempfile::tempdir().unwrap();
    for round in 0..20_u64 {
        let path: PathBuf = folder.path().join(format!("{round}.h5"));
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "a_writer_that_nobody_stops", "--nocapture"])
            .env(CHILD, &path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let written = |line: &str| line.strip_prefix("written ").and_then(|n| n.parse::<u64>().ok());
        let mut told = lines.by_ref().map_while(Result::ok).find_map(|line| written(&line)).unwrap();
        let reader = std::thread::Builder::new().spawn(move || {
            for n in lines.map_while(Result::ok).filter_map(|line| written(&line)) {
                told = n;
            }
            told
        });
        std::thread::sleep(Duration::from_micros(1000 + noise(8, round)[3] as u64 * 150));
        child.kill().unwrap();
        child.wait().unwrap();
        let told = reader.unwrap().join().unwrap();
        let (first, bytes) = read(&path, &OpenOptions::default());
        let n_samples = bytes.len() as u64 / 4;
        assert!(n_samples >= told, "round {round}: {n_samples} samples of {told}");
        assert_eq!(first, START);
        assert!(bytes.chunks_exact(4).zip(0..).all(|(found, n)| found == of_child(n)), "round {round}");
        if round % 7 == 0
            && let Some(found) =
                hdf5_support::reference(1, &["h5-read", path.to_str().unwrap(), "[\"samples\"]"])
        {
            assert_eq!(found["samples"]["shape"], json!([n_samples]));
            assert_eq!(found["samples"]["hex"], hdf5_support::sha256(&bytes));
        }
    }
}
