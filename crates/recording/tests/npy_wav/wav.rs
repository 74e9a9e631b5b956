//! WAV files as SDR programs leave them.

use crate::{noise, read_all, stream, write};
use rangegate_core::{BlockHeader, IqBlock, TimeAnchor};
use rangegate_recording::wav::{Channels, WavOptions};
use rangegate_recording::{CreateOptions, Kind, OpenOptions, create, open};
use std::path::{Path, PathBuf};

/// A chunk with its content padded to an even length.
fn chunk(id: &[u8; 4], size: u32, content: &[u8]) -> Vec<u8> {
    let mut bytes = [&id[..], &size.to_le_bytes()[..], content].concat();
    bytes.resize(bytes.len().next_multiple_of(2), 0);
    bytes
}

fn fmt(tag: u16, n_channels: u16, bytes: u16, more: &[u8]) -> Vec<u8> {
    let mut fmt = Vec::new();
    fmt.extend(tag.to_le_bytes());
    fmt.extend(n_channels.to_le_bytes());
    fmt.extend(48_000_u32.to_le_bytes());
    fmt.extend(0_u32.to_le_bytes());
    fmt.extend((n_channels * bytes).to_le_bytes());
    fmt.extend((bytes * 8).to_le_bytes());
    fmt.extend(more);
    chunk(b"fmt ", fmt.len() as u32, &fmt)
}

/// A file of these chunks.
fn riff(id: &[u8; 4], chunks: &[Vec<u8>]) -> Vec<u8> {
    [&id[..], &[255; 4], b"WAVE", &chunks.concat()].concat()
}

/// A small file with everything in it.
pub fn everything() -> Vec<u8> {
    let mut auxi = vec![0; 164];
    let words: [u16; 8] = [2026, 11, 0, 22, 10, 0, 1, 250];
    for (to, word) in auxi.chunks_exact_mut(2).zip(words) {
        to.copy_from_slice(&word.to_le_bytes());
    }
    auxi[32..36].copy_from_slice(&14_100_000_u32.to_le_bytes());
    let samples = chunk(b"data", 40, &noise(40));
    let chunks = [
        chunk(b"LIST", 3, b"abc"),
        fmt(1, 2, 2, &[]),
        chunk(b"auxi", 164, &auxi),
        samples,
        chunk(b"note", 2, b"xy"),
    ];
    riff(b"RIFF", &chunks)
}

fn put(folder: &Path, content: &[u8]) -> PathBuf {
    let path = folder.join("a.wav");
    std::fs::write(&path, content).unwrap();
    path
}

#[test]
fn an_sdr_recording_tells_frequency_and_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = put(folder.path(), &everything());
    let mut recording = open(&path, &OpenOptions::default()).unwrap();
    let info = recording.info().clone();
    assert_eq!((info.kind, info.mapped, info.n_channels, info.end_sample), (Kind::Wav, true, 1, 10));
    assert_eq!((info.sample_format.to_string().as_str(), info.sample_rate.numerator()), ("cs16", 48_000));
    assert_eq!(info.center_frequency_hz, Some(14.1e6));
    assert_eq!(info.start_time.unwrap().to_string(), "2026-11-22T10:00:01.25Z");
    assert_eq!(read_all(recording.as_mut(), 3).unwrap(), (noise(40), vec![0]));
    assert!(recording.losses().is_empty());

    let wav = WavOptions { channels: Some(Channels::Audio) };
    let options = OpenOptions { wav, center_frequency_hz: Some(1.0), ..OpenOptions::default() };
    let info = open(&path, &options).unwrap().info().clone();
    assert_eq!((info.n_channels, info.sample_format.to_string().as_str()), (2, "i16"));
    assert_eq!(info.center_frequency_hz, Some(1.0));
}

#[test]
fn sizes_that_lie_and_long_sizes_are_understood() {
    let folder = tempfile::tempdir().unwrap();
    let format = fmt(1, 1, 2, &[]);
    let size64 = |n: u64| {
        let content = [&999_u64.to_le_bytes()[..], &n.to_le_bytes(), &[0; 12]].concat();
        chunk(b"ds64", 28, &content)
    };
    let data = |size: u32| chunk(b"data", size, &noise(20));
    let end = chunk(b"LIST", 4, b"abcd");
    for (id, chunks, n_samples, n_losses) in [
        (b"RIFF", vec![format.clone(), data(20), end.clone()], 10, 0),
        (b"RIFF", vec![format.clone(), data(0)], 10, 0),
        (b"RIFF", vec![format.clone(), data(u32::MAX)], 10, 0),
        (b"RIFF", vec![format.clone(), data(0x8000_0000)], 10, 1),
        (b"RIFF", vec![format.clone(), chunk(b"data", 0, &[]), end.clone()], 0, 0),
        (b"RIFF", vec![format.clone(), chunk(b"data", 0, &[])], 0, 0),
        (b"RF64", vec![size64(16), format.clone(), data(u32::MAX), end.clone()], 8, 0),
        (b"BW64", vec![size64(0), format.clone(), data(u32::MAX)], 10, 0),
        (b"BW64", vec![size64(u64::MAX), format.clone(), data(u32::MAX)], 10, 0),
        (b"RF64", vec![size64(u64::MAX - 9), format.clone(), data(u32::MAX)], 10, 1),
        (b"RIFF", vec![format.clone(), chunk(b"data", u32::MAX, &noise(21))], 11, 0),
    ] {
        let path = put(folder.path(), &riff(id, &chunks));
        let mut recording = open(&path, &OpenOptions::default()).unwrap();
        assert_eq!(
            (recording.info().end_sample, recording.losses().len()),
            (n_samples, n_losses),
            "{chunks:?}"
        );
        read_all(recording.as_mut(), 4).unwrap();
    }
}

#[test]
fn numbers_of_24_bits_are_the_upper_ones_of_32() {
    let folder = tempfile::tempdir().unwrap();
    let rest = b"\x00\x00\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71";
    let more = [&[22, 0, 24, 0, 0, 0, 0, 0, 1, 0][..], rest].concat();
    let bytes = noise(60);
    for (format, n_channels) in
        [(fmt(1, 2, 3, &[]), 2), (fmt(0xfffe, 2, 3, &more), 2), (fmt(1, 5, 3, &[]), 5)]
    {
        let path = put(folder.path(), &riff(b"RIFF", &[format, chunk(b"data", 60, &bytes)]));
        let expected: Vec<u8> = bytes.chunks_exact(3).flat_map(|b| [0, b[0], b[1], b[2]]).collect();
        for no_mmap in [false, true] {
            let mut recording = open(&path, &OpenOptions { no_mmap, ..OpenOptions::default() }).unwrap();
            assert_eq!(recording.info().end_sample, 20 / n_channels);
            assert_eq!(recording.info().sample_format.complex, n_channels == 2);
            assert_eq!(read_all(recording.as_mut(), 3).unwrap().0, expected);
        }
    }
}

#[test]
fn what_is_wrong_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let data = chunk(b"data", 4, &noise(4));
    let iq = OpenOptions { wav: WavOptions { channels: Some(Channels::Iq) }, ..OpenOptions::default() };
    let none = OpenOptions::default();
    for (content, options, expected) in [
        (riff(b"RIFF", std::slice::from_ref(&data)), &none, "'fmt '"),
        (riff(b"RIFF", &[fmt(1, 1, 2, &[])]), &none, "'data'"),
        (riff(b"RIFF", &[fmt(6, 1, 1, &[]), data.clone()]), &none, "format 0x6"),
        (riff(b"RIFF", &[fmt(1, 0, 2, &[]), data.clone()]), &none, "'channels'"),
        (riff(b"RIFF", &[fmt(3, 1, 2, &[]), data.clone()]), &none, "16 bits"),
        (riff(b"RIFF", &[chunk(b"fmt ", 4, &[1, 0, 1, 0]), data.clone()]), &none, "4 bytes"),
        (riff(b"RIFF", &[fmt(1, 1, 2, &[]), data.clone()]), &iq, "wav.channels"),
    ] {
        let message = open(&put(folder.path(), &content), options).err().expect("an error").to_string();
        assert!(message.contains(expected) && message.contains("a.wav"), "{expected}: {message}");
    }
    let forced = OpenOptions { kind: Some(Kind::Wav), ..OpenOptions::default() };
    let message = open(&put(folder.path(), b"RIFX"), &forced).err().unwrap().to_string();
    assert!(message.contains("RF64"), "{message}");
    for format in ["i8", "cs8", "i16_be", "u16", "i64"] {
        let error = create(
            &folder.path().join("b.wav"),
            &stream(format.parse().unwrap(), 1),
            &CreateOptions::default(),
        );
        assert!(error.err().expect("an error").to_string().contains("sample_format"), "{format}");
    }
}

#[test]
fn written_files_are_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let plain = stream("cu8".parse().unwrap(), 1);
    let path = write(folder.path(), "a.wav", &plain, &[(0, 11), (11, 4)], &noise(30));
    let mut recording = open(&path, &OpenOptions::default()).unwrap();
    assert_eq!(read_all(recording.as_mut(), 4).unwrap().0, noise(30));
    assert_eq!((recording.info().start_time, recording.info().center_frequency_hz), (None, None));

    let odd = write(folder.path(), "odd.wav", &stream("u8".parse().unwrap(), 1), &[(0, 5)], &noise(5));
    assert_eq!(std::fs::metadata(&odd).unwrap().len() % 2, 0);
    assert_eq!(open(&odd, &OpenOptions::default()).unwrap().info().end_sample, 5);

    let path = folder.path().join("c.wav");
    let mut writer = create(&path, &plain, &CreateOptions::default()).unwrap();
    let mut block = IqBlock::default();
    let time = "2026-11-22T10:00:00Z".parse().unwrap();
    let header = BlockHeader {
        first_sample: 24_000,
        anchor: Some(TimeAnchor { sample: 0, time }),
        center_frequency_hz: Some(24.125e6),
        ..BlockHeader::default()
    };
    block.fill(header, plain.format, 1, 4).fill(7);
    writer.write(&block).unwrap();
    // Nobody finished it.
    let info = open(&path, &OpenOptions::default()).unwrap().info().clone();
    assert_eq!((info.end_sample, info.center_frequency_hz), (4, Some(24.125e6)));
    assert_eq!(info.start_time.unwrap().to_string(), "2026-11-22T10:00:00.5Z");
}
