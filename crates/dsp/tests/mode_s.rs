//! Mode S replies in real recordings: what `configs/mode-s.toml` finds in them, against their truth.
// Figures belong in the log of a test.
#![allow(clippy::print_stdout)]

use rangegate_core::*;
use rangegate_dsp::burst::{BurstConfig, BurstPlan, HoldOff};
use rangegate_dsp::waveform::{Replica, Waveform};
use serde_json::json;
use std::path::PathBuf;
use std::sync::Arc;

/// The chain of `configs/mode-s.toml`, the same for every sample rate.
fn chain() -> (BurstConfig, Waveform) {
    let config = json!({
        "input": "magnitude",
        "hold_off_s": 20e-6,
        "false_alarm_probability": 1e-6,
        "min_correlation": 0.85,
        "cfar": { "type": "so_cfar", "guard": 2, "training": 24 },
    });
    // The preamble with the silence that follows it, but for the last half microsecond: at 2.4 MS/s the last
    // sample of 8 µs holds the beginning of the data as well.
    let replica = json!({
        "type": "pulse_train",
        "pulses": [[0.0, 0.5e-6], [1.0e-6, 0.5e-6], [3.5e-6, 0.5e-6], [4.5e-6, 0.5e-6]],
        "duration_s": 7.5e-6,
    });
    (serde_json::from_value(config).unwrap(), serde_json::from_value(replica).unwrap())
}

fn read(path: &str) -> Option<Vec<u8>> {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/recordings");
    let root = std::env::var_os("RANGEGATE_RECORDINGS").map_or(beside, PathBuf::from);
    std::fs::read(root.join(path)).ok()
}

struct Recording {
    bytes: Vec<u8>,
    format: SampleFormat,
    rate_hz: f64,
    /// Leading edge and length of each frame in the truth, samples.
    frames: Vec<(f64, f64)>,
}

impl Recording {
    fn open(data: &str, truth: &str, format: SampleFormat, rate_hz: f64) -> Option<Self> {
        let (Some(bytes), Some(truth)) = (read(data), read(truth)) else {
            println!("SKIPPED 1 case: {data} and {truth} are not in RANGEGATE_RECORDINGS");
            return None;
        };
        let truth: serde_json::Value = serde_json::from_slice(&truth).unwrap();
        let frame = |frame: &serde_json::Value| {
            let bits = 4 * frame["hex"].as_str().unwrap().len();
            (frame["sample"].as_f64().unwrap(), (8 + bits) as f64 * 1e-6 * rate_hz)
        };
        let frames = truth["located_by_numpy_matched_filter"].as_array().unwrap().iter().map(frame).collect();
        Some(Self { bytes, format, rate_hz, frames })
    }

    fn detections(&self) -> Vec<f64> {
        let (config, waveform) = chain();
        let n = self.bytes.len() / self.format.bytes();
        let stream = StreamInfo {
            sample_rate: SampleRate::from_hz(self.rate_hz).unwrap(),
            n_channels: 1,
            format: self.format,
            to_baseband: ToBaseband::default(),
            center_frequency_hz: Some(1090e6),
            first_sample: 0,
            anchor: None,
            n_samples: Some(n as u64),
            pulse_len: None,
        };
        let replica: Replica = waveform.replica("mode-s", self.rate_hz).unwrap();
        let plan = Arc::new(BurstPlan::new(&config, &stream, &[replica]).unwrap());
        let (mut worker, mut result) = (plan.make_worker(), plan.make_result());
        let (mut hold_off, mut found) = (HoldOff::new(&plan), Vec::new());
        let memory: Arc<dyn ByteSource> = Arc::new(self.bytes.clone());
        for (sequence, start) in (0..n).step_by(plan.core_len()).enumerate() {
            let end = (start + plan.core_len()).min(n);
            let (first, last) = (start.saturating_sub(plan.lead()), (end + plan.tail()).min(n));
            let mut block = IqBlock::default();
            let header = BlockHeader { first_sample: first as u64, ..BlockHeader::default() };
            let layout = Layout::interleaved(self.format, 1);
            block.share(header, self.format, layout, 1, last - first, &memory, first * self.format.bytes());
            let segment = Segment {
                block,
                core: start - first..end - first,
                sequence: sequence as u64,
                starts_run: first == 0,
                ends_run: last == n,
                set: 0,
            };
            worker.process(&segment, &mut result);
            assert_eq!(result.peaks_dropped, 0);
            hold_off.accept(&result, |d| found.push(d.sample as f64 + d.sample_fraction));
        }
        hold_off.finish(|d| found.push(d.sample as f64 + d.sample_fraction));
        found
    }

    fn magnitudes(&self) -> Vec<f64> {
        assert_eq!(self.format, SampleFormat::complex(Scalar::U8));
        let number = |byte: u8| f64::from(byte) - 128.0;
        self.bytes.chunks_exact(2).map(|iq| number(iq[0]).hypot(number(iq[1]))).collect()
    }
}

/// How detections and frames go together.
struct Score {
    located: usize,
    inside: usize,
    outside: Vec<f64>,
}

fn score(detections: &[f64], frames: &[(f64, f64)]) -> Score {
    let starts = |d: f64| frames.iter().any(|f| (d - f.0).abs() <= 1.0);
    let is_inside = |d: f64| frames.iter().any(|f| d > f.0 && d < f.0 + f.1);
    let others: Vec<_> = detections.iter().copied().filter(|&d| !starts(d)).collect();
    let (inside, outside): (Vec<_>, Vec<_>) = others.into_iter().partition(|&d| is_inside(d));
    let located = frames.iter().filter(|f| detections.iter().any(|d| (d - f.0).abs() <= 1.0)).count();
    Score { located, inside: inside.len(), outside }
}

/// The 24 bits that are left when a frame is divided by the generator of Mode S (ICAO Annex 10 volume IV,
/// 3.1.2.3.3): 0 for frames that carry plain parity, the interrogator's code for all-call replies, the address of
/// the aircraft for the rest.
fn parity(bits: &[bool]) -> u32 {
    let mut bits = bits.to_vec();
    for k in 0..bits.len() - 24 {
        if bits[k] {
            (0..25).for_each(|j| bits[k + j] ^= 0x1FF_F409 >> (24 - j) & 1 == 1);
        }
    }
    bits[bits.len() - 24..].iter().fold(0, |value, &bit| value << 1 | u32::from(bit))
}

/// The most likely bits behind a preamble at 2 MS/s, where each half bit is a sample of its own but straddles
/// two: `y[k] = a·c[k] + b·c[k−1]` with a and b from the preamble, and Viterbi's algorithm over the bits.
fn demodulate(y: &[f64], n_bits: usize) -> Option<Vec<bool>> {
    let y = y.get(..16 + 2 * n_bits)?;
    let a = [0, 2, 7, 9].map(|k| y[k]).iter().sum::<f64>() / 4.0;
    let b = [1, 3, 8, 10].map(|k| y[k]).iter().sum::<f64>() / 4.0;
    // Survivors by their last bit: cost and bits. The preamble ends with a low half, as a bit that is 1 does.
    let mut survivors = [(f64::INFINITY, vec![]), (0.0, vec![])];
    for pair in y[16..].chunks_exact(2) {
        let step = |bit: usize| {
            let (high, low) = (bit as f64, 1.0 - bit as f64);
            let cost = |last: usize| {
                let before = 1.0 - last as f64;
                let errors = [pair[0] - a * high - b * before, pair[1] - a * low - b * high];
                survivors[last].0 + errors.iter().map(|e| e * e).sum::<f64>()
            };
            let last = usize::from(cost(1) <= cost(0));
            let mut bits = survivors[last].1.clone();
            bits.push(bit == 1);
            (cost(last), bits)
        };
        survivors = [step(0), step(1)];
    }
    let [zero, one] = survivors;
    Some(if one.0 <= zero.0 { one.1 } else { zero.1 })
}

/// Whether a frame with the right parity begins here: of the aircraft that the truth knows, or of an all-call.
fn decodes(magnitudes: &[f64], detection: f64) -> bool {
    let nearest = detection.floor() as usize;
    let decodes_at = |first: usize| {
        [56, 112].into_iter().any(|n_bits| {
            let Some(bits) = magnitudes.get(first..).and_then(|y| demodulate(y, n_bits)) else {
                return false;
            };
            let format = bits[..5].iter().fold(0, |value, &bit| value << 1 | u32::from(bit));
            let rest = parity(&bits);
            (format >= 16) == (n_bits == 112)
                && match format {
                    11 => rest < 128,
                    17 | 18 => rest == 0,
                    0 | 4 | 5 | 16 | 20 | 21 => rest == 0x4d_2023,
                    _ => false,
                }
        })
    };
    [nearest, nearest + 1, nearest.wrapping_sub(1)].into_iter().any(decodes_at)
}

#[test]
fn modes1_gives_one_detection_a_frame() {
    let format = SampleFormat::complex(Scalar::U8);
    let Some(recording) = Recording::open("sigmf/modes1.sigmf-data", "truth/modes1.frames.json", format, 2e6)
    else {
        return;
    };
    let found = recording.detections();
    let Score { located, inside, outside } = score(&found, &recording.frames);
    let magnitudes = recording.magnitudes();
    let (real, unknown): (Vec<f64>, Vec<f64>) = outside.iter().partition(|&&d| decodes(&magnitudes, d));
    println!(
        "modes1: located {located} of {}, {} detections, {inside} inside frames, {} outside, of which {} decode",
        recording.frames.len(),
        found.len(),
        outside.len(),
        real.len()
    );
    println!("undecoded: {unknown:.1?}");
    assert!(located as f64 >= 0.98 * recording.frames.len() as f64);
    assert!(inside as f64 <= 0.02 * found.len() as f64);
    assert!(unknown.len() as f64 <= 0.02 * found.len() as f64);
    // The judge must be able to say no: in the middle of a frame nothing begins.
    let false_starts = recording.frames.iter().filter(|f| decodes(&magnitudes, f.0 + f.1 / 2.0)).count();
    assert_eq!(false_starts, 0);
}

#[test]
fn every_located_frame_of_the_weak_recordings_is_detected() {
    for name in ["test_1641427457780", "test_1641428106243"] {
        let (data, truth) = (format!("mode_s/{name}.iq"), format!("truth/{name}.iq.frames.json"));
        let format = SampleFormat::complex(Scalar::I16);
        let Some(recording) = Recording::open(&data, &truth, format, 2.4e6) else { continue };
        let found = recording.detections();
        let Score { located, inside, outside } = score(&found, &recording.frames);
        println!(
            "{name}: located {located} of {}, {} detections, {inside} inside frames, {} outside",
            recording.frames.len(),
            found.len(),
            outside.len()
        );
        assert_eq!(located, recording.frames.len());
        assert!(found.len() < 20);
    }
}
