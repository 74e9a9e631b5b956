//! Noise in which every place can be told from every other, and what a recording of it holds.

use rangegate_core::IqBlock;
use rangegate_recording::OpenOptions;
use std::path::{Path, PathBuf};

/// Length of [`noise`], samples: a prime, so that nothing else repeats with it.
const NOISE_LEN: u64 = 500_009;

/// I of a sample of [`noise`]; Q is the same of another place.
fn noise_at(index: u64) -> i16 {
    // A linear congruence (Knuth's constants), of which the upper bits are good.
    (((index % NOISE_LEN + 12_345)
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407))
        >> 40) as i16
}

/// A recording in which every place can be told from every other.
fn noise(folder: &Path) -> PathBuf {
    let path = folder.join("noise.cs16");
    let bytes: Vec<u8> =
        (0..NOISE_LEN).flat_map(|n| [noise_at(n), noise_at(n + 7)]).flat_map(i16::to_le_bytes).collect();
    std::fs::write(&path, bytes).expect("space for 2 MB");
    path
}

pub fn noise_radio(folder: &Path, more: &str) -> String {
    format!("driver=rangegate,recording={},format=cs16@1M,{more}", noise(folder).display())
}

/// Runs of a recording: absolute index of the first sample and one past the last. It may begin anywhere in [`noise`];
/// from there on every sample must be that of its index.
pub fn runs_of_noise(path: &Path) -> Vec<(u64, u64)> {
    let mut recording = rangegate_recording::open(path, &OpenOptions::default()).expect("a recording");
    let (mut at, mut runs, mut block) =
        (recording.info().first_sample, Vec::<(u64, u64)>::new(), IqBlock::default());
    let mut start = None;
    while recording.read(at, 1 << 16, &mut block).expect("readable") {
        let first = block.header.first_sample;
        let number = |bytes: &[u8]| i16::from_le_bytes([bytes[0], bytes[1]]);
        let samples: Vec<(i16, i16)> =
            block.bytes().chunks_exact(4).map(|s| (number(&s[..2]), number(&s[2..]))).collect();
        // Index of the noise that has the absolute index 0.
        let begins = |n: u64| samples.iter().take(64).zip(n..).all(|(s, n)| s.0 == noise_at(n));
        let start = *start.get_or_insert_with(|| {
            let begin = (0..NOISE_LEN).find(|&n| begins(n)).expect("the noise");
            (begin + NOISE_LEN - first % NOISE_LEN) % NOISE_LEN
        });
        for (&sample, index) in samples.iter().zip(first..) {
            let n = (start + index) % NOISE_LEN;
            assert_eq!(sample, (noise_at(n), noise_at(n + 7)), "sample {index}");
        }
        at = block.end_sample();
        match runs.last_mut() {
            Some(run) if run.1 == first => run.1 = at,
            _ => runs.push((first, at)),
        }
    }
    runs
}

/// Runs of any recording.
pub fn runs(path: &Path) -> Vec<(u64, u64)> {
    let mut recording = rangegate_recording::open(path, &OpenOptions::default()).expect("a recording");
    let (mut at, mut runs, mut block) =
        (recording.info().first_sample, Vec::<(u64, u64)>::new(), IqBlock::default());
    while recording.read(at, 1 << 20, &mut block).expect("readable") {
        at = block.end_sample();
        match runs.last_mut() {
            Some(run) if run.1 == block.header.first_sample => run.1 = at,
            _ => runs.push((block.header.first_sample, at)),
        }
    }
    runs
}
