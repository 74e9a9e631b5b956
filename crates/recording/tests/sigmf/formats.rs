//! How samples are stored: every datatype, every number of channels, with and without a map.

use crate::common::*;
use rangegate_core::{ByteOrder, IqBlock, Layout, SampleFormat, Scalar};
use rangegate_recording::{CreateOptions, Kind, OpenOptions, create, open};
use serde_json::json;
use std::sync::Arc;

#[test]
fn every_sigmf_datatype_reads_back() {
    let mut n_cases = 0;
    for number in ["f32", "f64", "i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64"] {
        for (letter, complex) in [("r", false), ("c", true)] {
            for (order, ending) in [(ByteOrder::Little, "_le"), (ByteOrder::Big, "_be")] {
                for n_channels in [1, 3] {
                    let ending = if number.ends_with("8") { "" } else { ending };
                    let datatype = format!("{letter}{number}{ending}");
                    let samples = counting(16 * n_channels * 11);
                    let global = json!({ "core:datatype": datatype, "core:num_channels": n_channels });
                    let (_folder, meta) = pair(global, json!([]), json!([]), &samples);
                    let mut recording = open_both(&meta, &OpenOptions::default());

                    let info = recording.info().clone();
                    let format = info.sample_format;
                    assert_eq!((format.complex, info.n_channels), (complex, n_channels), "{datatype}");
                    assert_eq!(format.scalar.size() * 8, number[1..].parse::<usize>().unwrap());
                    assert_eq!(format.scalar.is_integer(), !number.starts_with('f'));
                    assert!(format.scalar.size() == 1 || format.order == order, "{datatype}");
                    let n_samples = samples.len() / (format.bytes() * n_channels);
                    assert_eq!(info.end_sample, n_samples as u64);
                    let bytes: Vec<u8> =
                        read_all(&mut *recording, 5).into_iter().flat_map(|piece| piece.bytes).collect();
                    assert!(bytes == samples, "{datatype}");
                    assert_eq!(recording.losses(), [""; 0]);
                    n_cases += 1;
                }
            }
        }
    }
    assert_eq!(n_cases, 80);
}

#[test]
fn raw_files_read_as_told() {
    let folder = tempdir().unwrap();
    let samples = counting(1 + 4 * 2 * 13 + 3);
    let path = folder.path().join("x.bin");
    std::fs::write(&path, &samples).unwrap();
    let options = OpenOptions {
        sample_format: Some(SampleFormat::complex(Scalar::I16)),
        sample_rate_hz: Some(200.0 / 3.0),
        n_channels: Some(2),
        header_bytes: Some(1),
        center_frequency_hz: Some(1e9),
        start_time: Some("2026-11-22T10:00:00Z".parse().unwrap()),
        ..Default::default()
    };
    let mut recording = open_both(&path, &options);
    let info = recording.info();
    assert_eq!((info.kind, info.n_samples, info.mapped), (Kind::Raw, Some(13), true));
    assert_eq!((info.sample_rate.numerator(), info.sample_rate.denominator()), (200, 3));
    assert_eq!(recording.losses().len(), 1);
    assert!(recording.losses()[0].contains("107 bytes") && recording.losses()[0].contains("last 3 bytes"));

    let pieces = read_all(&mut *recording, 10);
    assert_eq!(pieces.iter().map(|piece| piece.first_sample).collect::<Vec<_>>(), [0, 10]);
    assert_eq!(pieces[1].time.as_deref(), Some("2026-11-22T10:00:00.15Z"));
    assert_eq!([&pieces[0].bytes[..], &pieces[1].bytes].concat(), samples[1..1 + 4 * 2 * 13]);
}

#[test]
fn a_read_may_begin_anywhere() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("x.cu8");
    std::fs::write(&path, counting(200)).unwrap();
    for no_mmap in [false, true] {
        let options = OpenOptions { sample_rate_hz: Some(1e6), no_mmap, ..Default::default() };
        let mut recording = open(&path, &options).unwrap();
        let mut block = IqBlock::default();
        assert!(recording.read(37, 2, &mut block).unwrap());
        assert_eq!((block.header.first_sample, block.bytes()), (37, &counting(200)[74..78]));
        assert!(!recording.read(100, 2, &mut block).unwrap());
        assert!(!recording.read(u64::MAX, 2, &mut block).unwrap());
        assert_eq!(block.header.first_sample, 37, "the block is left as it was");
    }
}

#[test]
fn names_of_raw_files_say_how_they_are_stored() {
    let folder = tempdir().unwrap();
    let options = OpenOptions { sample_rate_hz: Some(1e6), ..Default::default() };
    for (name, format) in [
        ("a.cu8", "cu8"),
        ("a.cs8", "cs8"),
        ("a.cs16", "cs16"),
        ("a.cs32", "cs32"),
        ("a.cf32", "cf32"),
        ("a.cf64", "cf64"),
        ("a.cfile", "cf32"),
        ("a.i8", "i8"),
        ("a.f32", "f32"),
        ("a.complex16s", "cs8"),
        ("a.cs16_be", "cs16_be"),
    ] {
        let path = folder.path().join(name);
        std::fs::write(&path, counting(64)).unwrap();
        assert_eq!(open(&path, &options).unwrap().info().sample_format, format.parse().unwrap(), "{name}");
    }
}

#[test]
fn a_file_cut_after_opening_is_an_error_without_a_map() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("x.cu8");
    std::fs::write(&path, counting(200)).unwrap();
    let options = OpenOptions { sample_rate_hz: Some(1e6), no_mmap: true, ..Default::default() };
    let mut recording = open(&path, &options).unwrap();
    std::fs::write(&path, counting(50)).unwrap();
    let error = recording.read(0, 100, &mut IqBlock::default()).unwrap_err().to_string();
    assert!(error.contains("x.cu8") && error.contains("at byte 0"), "{error}");
}

#[test]
fn raw_files_are_written_with_channels_side_by_side() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("x.cs8");
    let format = SampleFormat::complex(Scalar::I8);
    let mut writer = create(&path, &stream(format, 2, 50), &CreateOptions::default()).unwrap();
    let memory: Arc<dyn rangegate_core::ByteSource> = Arc::new(vec![1_u8, 2, 3, 4, 5, 6, 7, 8]);
    let mut block = IqBlock::default();
    let header = rangegate_core::BlockHeader { first_sample: 50, ..Default::default() };
    block.share(header, format, Layout::planar(format, 2), 2, 2, &memory, 0);
    writer.write(&block).unwrap();
    assert!(writer.write(&block).unwrap_err().to_string().contains("expected 52 or later"));
    block.header.first_sample = 60;
    assert!(writer.write(&block).unwrap_err().to_string().contains("gap between samples 52 and 60"));
    block.fill(header, SampleFormat::real(Scalar::I8), 2, 1);
    assert!(writer.write(&block).unwrap_err().to_string().contains("2 channels of i8 does not fit"));
    drop(writer);
    assert_eq!(std::fs::read(&path).unwrap(), [1, 2, 5, 6, 3, 4, 7, 8]);

    let other = folder.path().join("x.cf32");
    let message = create(&other, &stream(format, 1, 0), &CreateOptions::default()).err().unwrap().to_string();
    assert!(message.contains("its name says cf32, but the samples are cs8"), "{message}");
    let message = create(&path, &stream(format, 1, 0), &CreateOptions::default()).err().unwrap().to_string();
    assert!(message.contains("exists already"), "{message}");
}
