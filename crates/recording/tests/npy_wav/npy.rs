//! NumPy files without NumPy.

use crate::{at_rate, noise, read_all, stream, write};
use rangegate_core::IqBlock;
use rangegate_recording::npy::{Axis, NpyOptions};
use rangegate_recording::{CreateOptions, Kind, OpenOptions, create, open};
use std::path::{Path, PathBuf};

/// A file with this type and shape and these bytes.
pub fn npy(descr: &str, shape: &str, bytes: &[u8]) -> Vec<u8> {
    let text = format!("{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}\n");
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend((text.len() as u16).to_le_bytes());
    file.extend(text.as_bytes());
    file.extend(bytes);
    file
}

fn put(folder: &Path, content: &[u8]) -> PathBuf {
    let path = folder.join("a.npy");
    std::fs::write(&path, content).unwrap();
    path
}

fn message_of(content: &[u8], options: &OpenOptions) -> String {
    let folder = tempfile::tempdir().unwrap();
    open(&put(folder.path(), content), options).err().expect("an error").to_string()
}

#[test]
fn the_ti_cubes_are_chirps_of_signed_integers() {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/recordings");
    let folder = std::env::var_os("RANGEGATE_RECORDINGS").map_or(beside, PathBuf::from);
    if !folder.is_dir() {
        eprintln!("SKIPPED 2 cases: no real recordings at {}", folder.display());
        return;
    }
    for (name, pulse_len) in [("simple_frame_1.npy", 128), ("doppler_example.npy", 256)] {
        let npy = NpyOptions { wrapped_int16: true, ..NpyOptions::default() };
        let mut recording = open(&folder.join("fmcw").join(name), &OpenOptions { npy, ..at_rate() }).unwrap();
        let info = recording.info().clone();
        assert_eq!((info.kind, info.pulse_len, info.mapped), (Kind::Npy, Some(pulse_len), false));
        assert_eq!(
            (info.sample_format.to_string().as_str(), info.end_sample),
            ("cs16", 128 * pulse_len as u64)
        );
        let (bytes, runs) = read_all(recording.as_mut(), 1 << 20).unwrap();
        assert_eq!(runs.len(), 128);
        // Around zero, as no unsigned number is.
        let numbers = bytes.as_chunks::<2>().0.iter().map(|&b| f64::from(i16::from_le_bytes(b)));
        let (n, sum, most) =
            numbers.fold((0.0, 0.0, 0.0_f64), |(n, s, m), x| (n + 1.0, s + x, m.max(x.abs())));
        assert!(sum.abs() / n < 0.1 * most && most < 20_000.0, "mean {} of up to {most}", sum / n);
    }
}

#[test]
fn written_files_are_read_again_with_or_without_an_end() {
    let folder = tempfile::tempdir().unwrap();
    let stream = stream("cs16".parse().unwrap(), 2);
    let bytes = noise(30 * 8);
    let path = write(folder.path(), "a.npy", &stream, &[(5, 10), (15, 20)], &bytes);
    let npy = NpyOptions { axes: vec![Axis::Sample, Axis::Channel], ..NpyOptions::default() };
    let options = OpenOptions { npy, ..at_rate() };
    let mut recording = open(&path, &options).unwrap();
    assert_eq!(read_all(recording.as_mut(), 7).unwrap(), (bytes, vec![0]));

    let path = folder.path().join("b.npy");
    let mut writer = create(&path, &stream, &CreateOptions::default()).unwrap();
    let mut block = IqBlock::default();
    block.fill(Default::default(), stream.format, 2, 3);
    writer.write(&block).unwrap();
    assert_eq!(open(&path, &options).unwrap().info().end_sample, 3);
    block.header.first_sample = 4;
    assert!(writer.write(&block).unwrap_err().to_string().contains("gap between samples 3 and 4"));
    assert!(create(&path, &stream, &CreateOptions::default()).is_err());
}

#[test]
fn what_is_wrong_is_named() {
    let good = npy("'<i2'", "(4, 3)", &noise(24));
    let said = |axes: &[Axis]| OpenOptions {
        npy: NpyOptions { axes: axes.to_vec(), ..Default::default() },
        ..at_rate()
    };
    let formatted = |format: &str| OpenOptions { sample_format: Some(format.parse().unwrap()), ..at_rate() };
    let wrapped = OpenOptions { npy: NpyOptions { wrapped_int16: true, ..Default::default() }, ..at_rate() };
    for (content, options, expected) in [
        (good.clone(), OpenOptions::default(), "sample_rate_hz"),
        (good[..good.len() - 1].to_vec(), at_rate(), "23 bytes behind the header"),
        (good[..30].to_vec(), at_rate(), "ends within its header"),
        (npy("'<i2'", "(4, 3, 0, 1)", &[]), at_rate(), "npy.axes"),
        (npy("'<i2'", "(9223372036854775807, 9223372036854775807)", &[]), at_rate(), "cut off"),
        (npy("'<i2'", "(0, 9223372036854775807, 9223372036854775807)", &[]), at_rate(), "cut off"),
        (npy("'<i2'", "(1, 70000, 1)", &noise(140_000)), at_rate(), "70000 channels"),
        (npy("'<U5'", "(1,)", &noise(20)), at_rate(), "'<U5'"),
        (npy("'<f16'", "(1,)", &noise(16)), at_rate(), "'<f16'"),
        (npy("[('a', '<i2'), ('b', '<i4')]", "(1,)", &noise(6)), at_rate(), "2 fields"),
        (good.clone(), said(&[Axis::Sample]), "npy.axes"),
        (good.clone(), said(&[Axis::Pulse, Axis::Channel]), "npy.axes"),
        (good.clone(), said(&[Axis::Sample, Axis::Iq]), "'iq' is 3"),
        (good.clone(), formatted("cs16"), "even number"),
        (good, formatted("cf32"), "expected i16"),
    ] {
        let message = message_of(&content, &options);
        assert!(message.contains(expected) && message.contains("a.npy"), "{expected}: {message}");
    }
    let folder = tempfile::tempdir().unwrap();
    let path = put(folder.path(), &npy("'<i4'", "(3,)", &[5, 0, 0, 0, 255, 255, 0, 0, 0, 0, 1, 0]));
    let error = read_all(open(&path, &wrapped).unwrap().as_mut(), 10).unwrap_err().to_string();
    assert!(error.contains("65536 in sample 2"), "{error}");
    assert!(open(&path, &OpenOptions::default()).err().unwrap().to_string().contains("npy@2.4e6"));
}

#[test]
fn odds_and_ends() {
    let folder = tempfile::tempdir().unwrap();
    // I and Q in turn.
    let path = put(folder.path(), &npy("'<i2'", "(2, 6)", &noise(24)));
    let options = OpenOptions { sample_format: Some("cs16".parse().unwrap()), ..at_rate() };
    let mut recording = open(&path, &options).unwrap();
    assert_eq!((recording.info().pulse_len, recording.info().mapped), (Some(3), true));
    assert_eq!(read_all(recording.as_mut(), 10).unwrap(), (noise(24), vec![0, 3]));
    // Nothing, and something behind the array.
    for shape in ["(0,)", "(0, 5)", "(5, 0)", "(2, 1, 0)"] {
        let path = put(folder.path(), &npy("'<i2'", shape, &[1, 2, 3]));
        let mut recording = open(&path, &at_rate()).unwrap();
        assert!(read_all(recording.as_mut(), 10).unwrap().0.is_empty(), "{shape}");
        assert!(recording.losses()[0].contains("3 bytes behind the array"));
    }
}
