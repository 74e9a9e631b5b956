//! Digital RF against the Python package `digital_rf`, in both directions.

#![allow(clippy::print_stderr, reason = "a test that fails says on which case")]

mod hdf5_support;

use hdf5_support::{Read, format, noise, read_all, recordings, reference, sha256};
use rangegate_core::{
    BlockHeader, IqBlock, Layout, SampleFormat, SampleRate, StreamInfo, TimeAnchor, ToBaseband,
};
use rangegate_recording::{CreateOptions, OpenOptions, Recording, digital_rf};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn open(path: &Path) -> Box<dyn Recording> {
    digital_rf::open(path, &OpenOptions::default()).unwrap()
}

fn open_unmapped(path: &Path) -> Box<dyn Recording> {
    digital_rf::open(path, &OpenOptions { no_mmap: true, ..OpenOptions::default() }).unwrap()
}

/// Reads a recording in several ways, which must agree with each other and with Python.
fn check(path: &Path, python: &Value, mapped: bool) {
    let pairs = |key: &str| -> Vec<(u64, u64)> { serde_json::from_value(python[key].clone()).unwrap() };
    for (mut recording, is_mapped) in [(open(path), mapped), (open_unmapped(path), false)] {
        let info = recording.info().clone();
        assert_eq!(info.mapped, is_mapped);
        assert_eq!(info.first_sample, python["first"].as_u64().unwrap());
        assert_eq!(info.end_sample, python["last"].as_u64().unwrap() + 1);
        let rate = [info.sample_rate.numerator(), info.sample_rate.denominator()];
        let python_rate: [u64; 2] = serde_json::from_value(python["rate"].clone()).unwrap();
        assert_eq!(SampleRate::new(rate[0], rate[1]), SampleRate::new(python_rate[0], python_rate[1]));
        assert_eq!(info.n_channels as u64, python["columns"].as_u64().unwrap());
        for max_samples in [usize::MAX, 4096, 77] {
            let Read { stretches, n_blocks, n_shared, .. } = {
                let read = read_all(recording.as_mut(), max_samples);
                assert_eq!(read.sha256(), python["sha256"].as_str().unwrap(), "{max_samples} a block");
                read
            };
            assert_eq!(stretches, pairs("blocks"));
            assert_eq!(stretches, pairs("continuous"));
            assert_eq!(n_shared, if is_mapped { n_blocks } else { 0 });
        }
        assert_eq!(recording.losses(), &[] as &[String]);
    }
    random_access(path, &pairs("blocks"));
}

/// From any index the read begins at the first sample at or after it.
fn random_access(path: &Path, stretches: &[(u64, u64)]) {
    let mut recording = open(path);
    let mut block = IqBlock::default();
    let (first, end) = (recording.info().first_sample, recording.info().end_sample);
    let mut at = first.saturating_sub(3);
    let step = ((end - first) / 61).max(1);
    let mut probes: Vec<u64> =
        stretches.iter().flat_map(|&(s, n)| [s - 1, s, s + 1, s + n - 1, s + n]).take(200).collect();
    while at < end + 3 {
        probes.push(at);
        at += step;
    }
    for at in probes.iter().rev().chain(&probes).copied() {
        let expected = stretches.iter().find(|&&(s, n)| s + n > at).map(|&(s, _)| s.max(at));
        assert_eq!(recording.read(at, 5, &mut block).unwrap(), expected.is_some(), "at {at}");
        let Some(expected) = expected else { continue };
        assert_eq!(block.header.first_sample, expected, "at {at}");
        let starts = stretches[1..].iter().any(|&(s, _)| s == expected);
        assert_eq!(block.header.after_gap, starts, "at {at}");
    }
}

#[test]
fn real_recordings_are_read_as_python_reads_them() {
    let Some(folder) = recordings(3) else { return };
    let cases = [
        ("modes1", "adsb1090", Some(1090e6)),
        ("b210_noise_440mhz", "ch0", Some(440e6)),
        ("fc32_x8_gaps", "ch0", None),
    ];
    let paths = cases.map(|(name, ..)| folder.join("digital_rf").join(name));
    let Some(python) = python_reads(&paths) else { return };
    for ((name, channel, frequency), (path, python)) in cases.into_iter().zip(paths.iter().zip(&python)) {
        eprintln!("{name}");
        check(path, &python[channel], true);
        check(&path.join(channel), &python[channel], true);
        let rounded = open(path).info().center_frequency_hz.map(f64::round);
        assert_eq!(rounded, frequency, "{name}");
    }
}

fn texts(paths: &[PathBuf]) -> impl Iterator<Item = &str> {
    paths.iter().map(|path| path.to_str().unwrap())
}

/// What Python reads of each recording.
fn python_reads(paths: &[PathBuf]) -> Option<Vec<Value>> {
    let arguments: Vec<_> = ["drf-read"].into_iter().chain(texts(paths)).collect();
    Some(reference(paths.len(), &arguments)?.as_array().unwrap().clone())
}

/// Has Python write recordings into a folder; their paths, and what it reads of them.
fn python_writes(folder: &Path, specs: &[Value]) -> Option<Vec<(PathBuf, Value)>> {
    let paths: Vec<_> = (0..specs.len()).map(|k| folder.join(k.to_string())).collect();
    let list = json!(specs).to_string();
    let arguments: Vec<_> = ["drf-write", &list].into_iter().chain(texts(&paths)).collect();
    let python = reference(paths.len(), &arguments)?;
    Some(paths.into_iter().zip(python.as_array().unwrap().clone()).collect())
}

/// Figures that stand without Python.
#[test]
fn modes1_is_where_its_readme_says() {
    let Some(folder) = recordings(1) else { return };
    let mut recording = open(&folder.join("digital_rf/modes1"));
    let info = recording.info().clone();
    assert_eq!(info.start_time.unwrap().to_string(), "2023-11-14T22:13:20Z");
    assert_eq!((info.first_sample, info.n_samples), (3_400_000_000_000_000, Some(356_868)));
    assert_eq!(info.sample_format, format("cs8"));
    // The same samples as the SigMF recording, whose zero is 127.5.
    let sigmf = std::fs::read(folder.join("sigmf/modes1.sigmf-data")).unwrap();
    let read = read_all(recording.as_mut(), 10_000);
    assert_eq!(read.bytes.len(), sigmf.len());
    let off =
        read.bytes.iter().zip(&sigmf).filter(|&(&a, &b)| i32::from(a as i8) != i32::from(b) - 128).count();
    assert_eq!(off, 0);
}

#[test]
fn recordings_that_python_writes_are_read_sample_by_sample() {
    let cases = [
        (
            "contiguous i16",
            true,
            json!({"scalar": "<i2", "continuous": true, "blocks": [[0, 5000]], "rate": [1000, 1]}),
        ),
        (
            "contiguous with gaps is filled",
            true,
            json!({"scalar": "<i2", "continuous": true, "blocks": [[0, 1500], [300, 700], [4000, 900]], "rate": [1000, 1]}),
        ),
        (
            "gaps i8",
            true,
            json!({"scalar": "i1", "blocks": [[0, 100], [1, 100], [3000, 2000], [12000, 10]], "rate": [1000, 1]}),
        ),
        (
            "chunked gzip",
            false,
            json!({"scalar": "<i2", "gzip": 1, "blocks": [[0, 300000], [7, 5]], "rate": [200000, 1]}),
        ),
        (
            "chunked checksum",
            false,
            json!({"scalar": "<f4", "checksum": true, "blocks": [[0, 2500]], "rate": [1000, 1]}),
        ),
        (
            "gzip and checksum, subchannels",
            false,
            json!({"scalar": "<i4", "gzip": 6, "checksum": true, "subchannels": 3, "blocks": [[0, 1700], [900, 50]], "rate": [1000, 1]}),
        ),
        ("f32", true, json!({"scalar": "<f4", "blocks": [[0, 2500]], "rate": [1000, 1]})),
        (
            "f64 subchannels",
            true,
            json!({"scalar": "<f8", "subchannels": 4, "blocks": [[0, 1000], [2, 999]], "rate": [500, 1]}),
        ),
        (
            "real i16",
            true,
            json!({"scalar": "<i2", "complex": false, "blocks": [[0, 2500]], "rate": [1000, 1]}),
        ),
        (
            "real f64 subchannels gzip",
            false,
            json!({"scalar": "<f8", "complex": false, "subchannels": 2, "gzip": 2, "blocks": [[0, 2500]], "rate": [1000, 1]}),
        ),
        ("u8", true, json!({"scalar": "u1", "blocks": [[0, 2500]], "rate": [1000, 1]})),
        (
            "u16 real",
            true,
            json!({"scalar": "<u2", "complex": false, "blocks": [[0, 2500]], "rate": [1000, 1]}),
        ),
        ("i64", true, json!({"scalar": "<i8", "blocks": [[0, 500], [5, 500]], "rate": [1000, 1]})),
        ("u32", true, json!({"scalar": "<u4", "blocks": [[0, 500]], "rate": [1000, 1]})),
        (
            "big-endian i16",
            true,
            json!({"scalar": ">i2", "blocks": [[0, 2500], [11, 20]], "rate": [1000, 1]}),
        ),
        (
            "big-endian f32 gzip",
            false,
            json!({"scalar": ">f4", "gzip": 1, "blocks": [[0, 2500]], "rate": [1000, 1]}),
        ),
        (
            "200/3 Hz",
            true,
            json!({"scalar": "<f4", "subchannels": 8, "blocks": [[0, 400], [100, 1000], [1, 1]], "rate": [200, 3], "offset": 5}),
        ),
        (
            "1e6/7 Hz, short files",
            true,
            json!({"scalar": "<i2", "blocks": [[0, 100000], [50000, 3]], "rate": [1000000, 7], "file_ms": 20, "offset": 12345}),
        ),
        (
            "slower than its files",
            true,
            json!({"scalar": "<i2", "blocks": [[0, 20], [3, 4]], "rate": [1, 3], "file_ms": 1000, "subdir_s": 3600}),
        ),
    ];
    let folder = tempfile::tempdir().unwrap();
    let specs: Vec<_> = cases.iter().map(|(.., spec)| spec.clone()).collect();
    let Some(written) = python_writes(folder.path(), &specs) else { return };
    for ((name, mapped, _), (path, python)) in cases.iter().zip(&written) {
        eprintln!("{name}");
        // A file that is still being written is not there yet.
        let mut entries = std::fs::read_dir(path.join("ch0")).unwrap().map(|e| e.unwrap().path());
        let subdir = entries.find(|path| path.is_dir()).unwrap();
        std::fs::write(subdir.join("tmp.rf@1700000005.000.h5"), b"half").unwrap();
        check(path, &python["ch0"], *mapped);
    }
}

#[test]
fn metadata_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let spec = json!({"scalar": "<i2", "blocks": [[0, 2500]], "rate": [1000, 1], "metadata": [
        [-100_000, {"center_frequencies": [7e6]}],
        [-5, {"center_frequencies": [435e6, 436e6], "receiver": {"gain": 30, "id": "b210", "lo": [1.5, 2.5], "on": true}}],
        [1000, {"center_frequencies": [440e6], "note": "later", "many": vec![0; 5000]}],
    ]});
    let Some(written) = python_writes(folder.path(), &[spec]) else { return };
    let path = &written[0].0;
    let info = open(path).info().clone();
    assert_eq!(info.center_frequency_hz, Some(435e6), "what was set when the recording began");
    let latest = &info.metadata["metadata"];
    assert_eq!(latest["note"], "later");
    assert_eq!(latest["many"], "(i64 of shape [5000])");
    assert_eq!(info.metadata["properties"]["sample_rate_numerator"], 1000);
    let options = OpenOptions { center_frequency_hz: Some(1.0), ..OpenOptions::default() };
    assert_eq!(digital_rf::open(path, &options).unwrap().info().center_frequency_hz, Some(1.0));
    let time = "2030-01-01T00:00:00Z".parse().unwrap();
    let told = OpenOptions { sample_rate_hz: Some(5.0), start_time: Some(time), ..OpenOptions::default() };
    let mut recording = digital_rf::open(path, &told).unwrap();
    assert_eq!((recording.info().sample_rate.hz(), recording.info().start_time), (5.0, Some(time)));
    assert_eq!(read_all(recording.as_mut(), 1000).stretches, [(1_700_000_000_000, 2500)]);
    let wrong = OpenOptions { sample_format: Some(format("cf32")), ..OpenOptions::default() };
    let error = digital_rf::open(path, &wrong).err().unwrap().to_string();
    assert!(error.contains("'sample_format' is cf32, expected cs16"), "{error}");
}

#[test]
fn one_of_several_channels_is_chosen_by_name() {
    let Some(folder) = recordings(1) else { return };
    let several = tempfile::tempdir().unwrap();
    for (name, from) in [("a", "b210_noise_440mhz/ch0"), ("b", "modes1/adsb1090")] {
        std::os::unix::fs::symlink(
            folder.join("digital_rf").join(from).canonicalize().unwrap(),
            several.path().join(name),
        )
        .unwrap();
    }
    assert!(digital_rf::looks_like(several.path()));
    let error = digital_rf::open(several.path(), &OpenOptions::default()).err().unwrap().to_string();
    assert!(error.contains("several channels") && error.contains("a, b"), "{error}");
    let named = |name: &str| {
        let options = OpenOptions { channel: Some(name.to_owned()), ..OpenOptions::default() };
        digital_rf::open(several.path(), &options).map(|r| r.info().sample_rate.hz())
    };
    assert_eq!((named("a").unwrap(), named("b").unwrap()), (10e3, 2e6));
    let error = named("c").unwrap_err().to_string();
    assert!(error.contains("'channel' is c") && error.contains("a, b"), "{error}");
}

// Writing.

fn stream(format: SampleFormat, n_channels: usize, rate: SampleRate, first_sample: u64) -> StreamInfo {
    let time = "2023-11-14T22:13:20.0333Z".parse().unwrap();
    StreamInfo {
        sample_rate: rate,
        n_channels,
        format,
        to_baseband: ToBaseband::default(),
        center_frequency_hz: Some(1090e6),
        first_sample,
        anchor: Some(TimeAnchor { sample: first_sample, time }),
        n_samples: None,
        pulse_len: None,
    }
}

/// Writes stretches of noise in blocks of odd sizes; returns stretches and bytes as written.
fn write(path: &Path, stream: &StreamInfo, stretches: &[(u64, u64)]) -> Vec<u8> {
    let options = CreateOptions {
        description: Some("a test".to_owned()),
        metadata: serde_json::from_value(
            json!({"gain_db": 30, "nested": {"list": [1.5, 2.5], "text": "é"}, "no": null}),
        )
        .unwrap(),
        ..CreateOptions::default()
    };
    let mut writer = digital_rf::create(path, stream, &options).unwrap();
    let (mut all, mut block) = (Vec::new(), IqBlock::default());
    let size = stream.format.bytes() * stream.n_channels;
    for (k, &(start, n)) in stretches.iter().enumerate() {
        let mut done = 0;
        while done < n {
            let n = (997 + done % 13).min(n - done);
            let bytes = noise(n as usize * size, k as u64 * 1000 + done);
            let header = BlockHeader { first_sample: start + done, ..BlockHeader::default() };
            block.fill(header, stream.format, stream.n_channels, n as usize).copy_from_slice(&bytes);
            writer.write(&block).unwrap();
            all.extend(bytes);
            done += n;
        }
    }
    writer.finish().unwrap();
    all
}

#[test]
fn what_is_written_here_python_reads_sample_by_sample() {
    let hz = |numerator, denominator| SampleRate::new(numerator, denominator).unwrap();
    let cases = [
        ("cs8", 1, hz(2_000_000, 1), 0, vec![(0, 500_000)]),
        ("cu8", 1, hz(100_000, 1), 7, vec![(7, 30_000), (40_000, 5), (40_006, 20_000)]),
        ("cs16", 2, hz(48_000, 1), 0, vec![(0, 10_000), (400_000, 10_000)]),
        ("cf32", 8, hz(200, 3), 3, vec![(3, 4000), (5000, 100)]),
        ("cf64", 1, hz(1_000_000, 7), 0, vec![(0, 20_000)]),
        ("i16", 3, hz(10_000, 1), 0, vec![(0, 5000), (5001, 1)]),
        ("f32", 1, hz(10_000, 1), 0, vec![(0, 5000)]),
        ("cs16_be", 1, hz(10_000, 1), 0, vec![(0, 5000)]),
    ];
    let folder = tempfile::tempdir().unwrap();
    let mut written = Vec::new();
    for (name, n_channels, rate, first, stretches) in cases {
        let path = folder.path().join(name);
        let stream = stream(format(name), n_channels, rate, first);
        let mut bytes = write(&path, &stream, &stretches);
        if name.ends_with("_be") {
            bytes.chunks_exact_mut(2).for_each(<[u8]>::reverse);
        }
        // The first index at or after the time of the anchor.
        let origin = (1_700_000_000_033_300_000_u128 * u128::from(rate.numerator()))
            .div_ceil(1_000_000_000 * u128::from(rate.denominator())) as u64;
        let shifted: Vec<_> = stretches.iter().map(|&(s, n)| (s - first + origin, n)).collect();

        let mut recording = open(&path);
        assert!(recording.info().mapped);
        let read = read_all(recording.as_mut(), 1000);
        assert_eq!((&read.stretches, read.sha256()), (&shifted, sha256(&bytes)), "{name}");
        assert_eq!(recording.info().center_frequency_hz, Some(1090e6));
        written.push((path, n_channels, shifted, bytes));
    }
    let paths: Vec<_> = written.iter().map(|(path, ..)| path.clone()).collect();
    let Some(python) = python_reads(&paths) else { return };
    for ((path, n_channels, stretches, bytes), python) in written.iter().zip(&python) {
        eprintln!("{}", path.display());
        let python = &python["ch0"];
        check(path, python, true);
        assert_eq!(python["blocks"], json!(stretches));
        assert_eq!(python["sha256"], sha256(bytes));
        assert_eq!(python["vector"], stretches[0].1);
        let fields = &python["metadata"]["fields"];
        assert_eq!(fields["center_frequencies"], json!(vec![1090e6; *n_channels]));
        assert_eq!(fields["nested"], json!({"list": [1.5, 2.5], "text": "é"}));
        assert_eq!(
            (&fields["gain_db"], &fields["description"], &fields["no"]),
            (&json!(30), &json!("a test"), &json!(""))
        );
        assert_eq!(python["metadata"]["index"], stretches[0].0);
        let names = ["center_frequencies", "description", "gain_db", "nested", "no"];
        assert_eq!(python["metadata"]["names"], json!(names));
        assert_eq!(python["properties"]["uuid_str"].as_str().unwrap().len(), 36);
    }
}

#[test]
fn a_recording_written_again_is_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (folder.path().join("first"), folder.path().join("second"));
    let stream = stream(format("cs16"), 2, SampleRate::new(100_000, 3).unwrap(), 0);
    write(&first, &stream, &[(0, 10_000), (20_000, 100)]);
    let mut recording = open(&first);
    let info = recording.info().clone();
    let copy = StreamInfo { first_sample: info.first_sample, anchor: info.anchor, ..stream };
    let mut writer = digital_rf::create(&second, &copy, &CreateOptions::default()).unwrap();
    let (mut block, mut at) = (IqBlock::default(), 0);
    while recording.read(at, 777, &mut block).unwrap() {
        writer.write(&block).unwrap();
        at = block.end_sample();
    }
    writer.finish().unwrap();
    let mut again = open(&second);
    assert_eq!(again.info().start_time, info.start_time);
    assert_eq!(read_all(again.as_mut(), 4096), read_all(recording.as_mut(), 4096));
}

#[test]
fn planar_blocks_are_written_interleaved() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rec");
    let stream = stream(format("cs16"), 3, SampleRate::new(1000, 1).unwrap(), 0);
    let mut writer = digital_rf::create(&path, &stream, &CreateOptions::default()).unwrap();
    let bytes: Arc<dyn rangegate_core::ByteSource> = Arc::new(noise(3 * 4 * 500, 1));
    let mut block = IqBlock::default();
    block.share(BlockHeader::default(), stream.format, Layout::planar(stream.format, 500), 3, 500, &bytes, 0);
    writer.write(&block).unwrap();
    writer.finish().unwrap();
    let read = read_all(open(&path).as_mut(), 100);
    assert_eq!(read.bytes, hdf5_support::interleaved(&block));
}

#[test]
fn the_writer_refuses_what_does_not_fit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rec");
    let stream = stream(format("cs16"), 1, SampleRate::new(1000, 1).unwrap(), 100);
    let mut writer = digital_rf::create(&path, &stream, &CreateOptions::default()).unwrap();
    let mut block = IqBlock::default();
    let mut attempt = |first_sample, name: &str, n_channels| {
        block.fill(BlockHeader { first_sample, ..BlockHeader::default() }, format(name), n_channels, 10);
        writer.write(&block).map_err(|e| e.to_string())
    };
    attempt(100, "cs16", 1).unwrap();
    for (first, name, n_channels, words) in [
        (105, "cs16", 1, "'first sample of a block' is 105, expected 110 or later"),
        (110, "cf32", 1, "'block' is cf32 in 1 channel(s), expected cs16"),
        (110, "cs16", 2, "'block' is cs16 in 2 channel(s)"),
        (u64::MAX - 20, "cs16", 1, "'time of a sample'"),
    ] {
        let error = attempt(first, name, n_channels).unwrap_err();
        assert!(error.contains(words), "{error}");
    }
    attempt(110, "cs16", 1).unwrap();
    drop(writer);
    let error = digital_rf::create(&path, &stream, &CreateOptions::default()).err().unwrap().to_string();
    assert!(error.contains("exists already"), "{error}");
    assert_eq!(open(&path).info().n_samples, Some(20), "a writer that is dropped keeps what it was given");
}

// Damage.

/// A small recording of six files, one folder: `cs16`, 1 kHz, 1000 samples a file.
fn six_files(path: &Path) -> Vec<PathBuf> {
    let stream = stream(format("cs16"), 1, SampleRate::new(1000, 1).unwrap(), 0);
    write(path, &stream, &[(0, 5500)]);
    let mut files: Vec<_> =
        std::fs::read_dir(path.join("ch0/2023-11-14T22-00-00")).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    assert_eq!(files.len(), 6);
    files
}

#[test]
fn a_damaged_file_in_the_middle_is_a_gap_and_a_loss() {
    for damage in [
        (|file: &Path| std::fs::write(file, b"not HDF5").unwrap()) as fn(&Path),
        |file| {
            let bytes = std::fs::read(file).unwrap();
            std::fs::write(file, &bytes[..bytes.len() / 2]).unwrap();
        },
        |file| std::fs::write(file, b"").unwrap(),
        |file| {
            let out = hdf5::File::open_rw(file).unwrap();
            out.dataset("rf_data_index").unwrap().write_raw(&[5_u64, 0]).unwrap();
        },
        |file| {
            let out = hdf5::File::open_rw(file).unwrap();
            out.unlink("rf_data_index").unwrap();
        },
        |file| {
            let out = hdf5::File::open_rw(file).unwrap();
            out.unlink("rf_data").unwrap();
            out.new_dataset::<u64>().shape(3).create("rf_data").unwrap();
        },
    ] {
        let folder = tempfile::tempdir().unwrap();
        let files = six_files(folder.path());
        damage(&files[2]);
        let mut recording = open(folder.path());
        for _ in 0..2 {
            let read = read_all(recording.as_mut(), 300);
            assert_eq!(read.stretches.len(), 2);
            assert_eq!(read.bytes.len(), 4500 * 4);
            assert_eq!(recording.losses().len(), 1, "each file once: {:?}", recording.losses());
            let name = files[2].file_name().unwrap().to_str().unwrap();
            assert!(recording.losses()[0].contains(name), "{:?}", recording.losses());
        }
    }
}

#[test]
fn a_damaged_chunk_is_a_gap_and_a_loss() {
    let folder = tempfile::tempdir().unwrap();
    let spec = json!({"scalar": "<i2", "checksum": true, "blocks": [[0, 30_000]], "rate": [30_000, 1], "file_ms": 100});
    let Some(written) = python_writes(folder.path(), &[spec]) else { return };
    let path = &written[0].0;
    let file = path.join("ch0/2023-11-14T22-13-20/rf@1700000000.400.h5");
    let info = hdf5::File::open(&file).unwrap().dataset("rf_data").unwrap().chunk_info(0).unwrap();
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[info.addr as usize + 1000] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let mut recording = open(path);
    let first = recording.info().first_sample;
    for _ in 0..2 {
        let (mut block, mut at, mut stretches) = (IqBlock::default(), first, vec![(0, 0)]);
        while recording.read(at, 4096, &mut block).unwrap() {
            if block.header.after_gap {
                stretches.push((block.header.first_sample - first, 0));
            }
            stretches.last_mut().unwrap().1 += block.n_samples();
            at = block.end_sample();
        }
        assert_eq!(stretches, [(0, 12_000), (15_000, 15_000)]);
        assert_eq!(recording.losses().len(), 1, "{:?}", recording.losses());
        assert!(recording.losses()[0].contains("rf@1700000000.400.h5"), "{:?}", recording.losses());
    }
}

#[test]
fn wrong_properties_are_named() {
    let attempt = |change: &dyn Fn(&Path)| {
        let folder = tempfile::tempdir().unwrap();
        six_files(folder.path());
        change(&folder.path().join("ch0/drf_properties.h5"));
        assert!(digital_rf::looks_like(folder.path()));
        digital_rf::open(folder.path(), &OpenOptions::default()).err().unwrap().to_string()
    };
    let missing = attempt(&|file| std::fs::remove_file(file).unwrap());
    assert!(
        missing.contains("drf_properties.h5: missing") && missing.contains("sample_rate_numerator"),
        "{missing}"
    );
    let set = |name: &'static str, value: u64| {
        attempt(&move |file: &Path| {
            let out = hdf5::File::open_rw(file).unwrap();
            out.delete_attr(name).unwrap();
            out.new_attr::<u64>().create(name).unwrap().write_scalar(&value).unwrap();
        })
    };
    for (name, value, words) in [
        ("sample_rate_numerator", 0, "'sample_rate_numerator' is 0, expected a whole number above zero"),
        ("sample_rate_denominator", 0, "'sample_rate_denominator' is 0"),
        ("file_cadence_millisecs", 7, "'file_cadence_millisecs' is 7, expected a divisor"),
        ("file_cadence_millisecs", 0, "'file_cadence_millisecs' is 0"),
        ("subdir_cadence_secs", u64::MAX, "'file_cadence_millisecs'"),
        ("num_subchannels", u64::MAX, "'num_subchannels'"),
        ("num_subchannels", 2, "no file of samples can be read"),
    ] {
        let error = set(name, value);
        assert!(error.contains(words), "{error}");
    }
    let removed =
        attempt(&|file| hdf5::File::open_rw(file).unwrap().delete_attr("sample_rate_numerator").unwrap());
    assert!(removed.contains("'sample_rate_numerator' is missing"), "{removed}");
    let empty = tempfile::tempdir().unwrap();
    assert!(!digital_rf::looks_like(empty.path()));
    let error = digital_rf::open(empty.path(), &OpenOptions::default()).err().unwrap().to_string();
    assert!(error.contains("no Digital RF recording"), "{error}");
}
