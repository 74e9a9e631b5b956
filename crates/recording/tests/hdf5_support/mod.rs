//! What the tests of both kinds of HDF5 recordings share.
#![allow(dead_code, clippy::print_stderr, reason = "not every test uses all; a skipped test says so loudly")]

use rangegate_core::{IqBlock, SampleFormat};
use rangegate_recording::Recording;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder of real recordings; `None`, loudly, where there is none.
pub fn recordings(n_cases: usize) -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/recordings");
    let folder = std::env::var_os("RANGEGATE_RECORDINGS").map_or(beside, PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("SKIPPED {n_cases} cases: no real recordings at {}", folder.display());
    None
}

/// What the Python side prints for a command; `None`, loudly, where no interpreter is named.
pub fn reference(n_cases: usize, arguments: &[&str]) -> Option<Value> {
    let Some(python) = std::env::var_os("RANGEGATE_PYTHON") else {
        eprintln!("SKIPPED {n_cases} cases: RANGEGATE_PYTHON names no interpreter with digital_rf and h5py");
        return None;
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hdf5_support/reference.py");
    let output = Command::new(python).arg(script).args(arguments).output().expect("the interpreter starts");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{arguments:?}\n{text}{}", String::from_utf8_lossy(&output.stderr));
    Some(serde_json::from_str(text.lines().last().unwrap()).unwrap())
}

/// A whole recording as read: stretches without a gap, and all bytes.
#[derive(Debug, PartialEq)]
pub struct Read {
    pub stretches: Vec<(u64, u64)>,
    pub bytes: Vec<u8>,
    pub n_blocks: usize,
    pub n_shared: usize,
}

impl Read {
    pub fn sha256(&self) -> String {
        sha256(&self.bytes)
    }
}

pub fn sha256(bytes: &[u8]) -> String {
    let hash: [u8; 32] = Sha256::digest(bytes).into();
    hash.iter().map(|b| format!("{b:02x}")).collect()
}

/// Bytes of a block, channels side by side.
pub fn interleaved(block: &IqBlock) -> Vec<u8> {
    let (layout, size) = (block.layout(), block.format().bytes());
    let places = (0..block.n_samples()).flat_map(|n| (0..block.n_channels()).map(move |c| (n, c)));
    let at = places.map(|(n, c)| n * layout.sample_stride + c * layout.channel_stride);
    at.flat_map(|at| block.bytes()[at..at + size].to_vec()).collect()
}

/// Reads everything in blocks of at most `max_samples`, and sees that headers and info are consistent.
pub fn read_all(recording: &mut dyn Recording, max_samples: usize) -> Read {
    let mut block = IqBlock::default();
    let (mut stretches, mut bytes, mut at): (Vec<(u64, u64)>, _, _) = (Vec::new(), Vec::new(), 0);
    let (mut n_blocks, mut n_shared) = (0, 0);
    let info = recording.info().clone();
    while recording.read(at, max_samples, &mut block).unwrap() {
        assert!(block.n_samples() > 0 && block.n_samples() <= max_samples);
        assert_eq!((block.format(), block.n_channels()), (info.sample_format, info.n_channels));
        assert_eq!(
            (block.header.anchor, block.header.center_frequency_hz),
            (info.anchor, info.center_frequency_hz)
        );
        let first = block.header.first_sample;
        assert!(first >= at);
        let n = block.n_samples() as u64;
        match stretches.last_mut() {
            Some((start, len)) if *start + *len == first && !block.header.after_gap => *len += n,
            last => {
                assert_eq!(block.header.after_gap, last.is_some(), "gap flag at {first}");
                stretches.push((first, n));
            }
        }
        bytes.extend(interleaved(&block));
        n_blocks += 1;
        n_shared += usize::from(block.shared().is_some());
        at = block.end_sample();
    }
    assert_eq!(info.first_sample, stretches.first().map_or(0, |s| s.0));
    assert_eq!(info.end_sample, at);
    if let Some(n) = info.n_samples {
        assert_eq!(n, stretches.iter().map(|s| s.1).sum::<u64>());
    }
    Read { stretches, bytes, n_blocks, n_shared }
}

/// Numbers that look random and are the same every time.
pub fn noise(n_bytes: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    (0..n_bytes)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        })
        .collect()
}

pub fn format(text: &str) -> SampleFormat {
    text.parse().unwrap()
}
