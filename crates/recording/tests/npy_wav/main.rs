//! NumPy and WAV files: as others write them, as we write them, damaged.
#![allow(clippy::print_stderr, reason = "a skipped test says so loudly")]

mod damage;
mod npy;
mod others;
mod wav;

use rangegate_core::{IqBlock, SampleFormat, SampleRate, StreamInfo, ToBaseband};
use rangegate_recording::{CreateOptions, OpenOptions, Recording};
use std::path::{Path, PathBuf};

/// Options that say a sample rate, which a `.npy` file needs.
fn at_rate() -> OpenOptions {
    OpenOptions { sample_rate_hz: Some(1e6), ..OpenOptions::default() }
}

/// Bytes of a block, channels side by side.
fn interleaved(block: &IqBlock) -> Vec<u8> {
    let (layout, size) = (block.layout(), block.format().bytes());
    let places = (0..block.n_samples()).flat_map(|n| (0..block.n_channels()).map(move |c| (n, c)));
    let at = places.map(|(n, c)| n * layout.sample_stride + c * layout.channel_stride);
    at.flat_map(|at| block.bytes()[at..at + size].to_vec()).collect()
}

/// All bytes of a recording, read in pieces, and where runs begin.
fn read_all(
    recording: &mut dyn Recording,
    max_samples: usize,
) -> rangegate_recording::Result<(Vec<u8>, Vec<u64>)> {
    let info = recording.info().clone();
    let (mut block, mut at) = (IqBlock::default(), info.first_sample);
    let (mut bytes, mut runs) = (Vec::new(), Vec::new());
    while recording.read(at, max_samples, &mut block)? {
        let n = block.n_samples();
        assert!((1..=max_samples).contains(&n) && block.header.first_sample == at);
        assert_eq!((block.format(), block.n_channels()), (info.sample_format, info.n_channels));
        assert_eq!(block.shared().is_some(), info.mapped);
        if block.header.after_gap || bytes.is_empty() {
            runs.push(at);
        }
        bytes.extend(interleaved(&block));
        at = block.end_sample();
    }
    assert_eq!(at, info.end_sample);
    Ok((bytes, runs))
}

fn stream(format: SampleFormat, n_channels: usize) -> StreamInfo {
    StreamInfo {
        sample_rate: SampleRate::new(48_000, 1).unwrap(),
        n_channels,
        format,
        to_baseband: ToBaseband::default(),
        center_frequency_hz: None,
        first_sample: 0,
        anchor: None,
        n_samples: None,
        pulse_len: None,
    }
}

/// Bytes that differ from one another.
fn noise(n: usize) -> Vec<u8> {
    (0..n).map(|k| (k * k * 31 + k * 7 + 3) as u8).collect()
}

/// Writes blocks of `n_samples` each with these bytes, and returns the path.
fn write(folder: &Path, name: &str, stream: &StreamInfo, blocks: &[(u64, usize)], bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    let mut writer = rangegate_recording::create(&path, stream, &CreateOptions::default()).unwrap();
    let mut rest = bytes;
    for &(first_sample, n_samples) in blocks {
        let mut block = IqBlock::default();
        let header = rangegate_core::BlockHeader { first_sample, ..Default::default() };
        let out = block.fill(header, stream.format, stream.n_channels, n_samples);
        let (these, others) = rest.split_at(out.len());
        out.copy_from_slice(these);
        rest = others;
        writer.write(&block).unwrap();
    }
    writer.finish().unwrap();
    path
}
