//! The shared real recordings, against what the Python package `sigmf` says of them.

use crate::common::*;
use rangegate_recording::{OpenOptions, sigmf};

#[test]
fn shared_recordings_read_as_python_reads_them() {
    let Some(folder) = recordings() else { return skipped(2, "no folder of real recordings") };
    let folder = folder.join("sigmf");

    let path = folder.join("modes1.sigmf-meta");
    let mut recording = open_both(&path, &OpenOptions::default());
    let info = recording.info().clone();
    assert_eq!((info.n_samples, info.sample_rate.hz()), (Some(356_868), 2e6));
    assert_eq!((info.sample_format.to_string().as_str(), info.n_channels), ("cu8", 1));
    assert_eq!((info.center_frequency_hz, info.start_time), (Some(1090e6), None));
    assert_eq!(info.annotations.len(), N_MODES1_NOTES);
    let first = &info.annotations[0];
    assert_eq!((first.first_sample, first.n_samples, first.label.as_deref()), (793, Some(240), Some("DF17")));
    assert_eq!(sigmf::verify_sha512(&path).unwrap(), Some(true));
    let sums = channel_sums(&read_all(&mut *recording, 10_000), |c| f64::from(c[0]), 1, 2);
    assert_eq!(sums, MODES1_SUMS);

    let path = folder.join("sigmf_logo");
    let mut recording = open_both(&path, &OpenOptions::default());
    let info = recording.info().clone();
    assert_eq!((info.n_samples, info.sample_rate.hz(), info.n_channels), (Some(288_000), 48e3, 2));
    assert_eq!(info.sample_format.to_string(), "i16");
    assert_eq!(info.start_time.unwrap().to_string(), "2021-06-18T23:17:51.163959Z");
    assert_eq!(info.annotations[2].comment.as_deref(), Some("logo steady"));
    assert_eq!(info.annotations[2].frequency_hz, Some((-22e3, 22e3)));
    assert_eq!(sigmf::verify_sha512(&path).unwrap(), Some(true));
    let number = |c: &[u8]| f64::from(i16::from_le_bytes([c[0], c[1]]));
    assert_eq!(channel_sums(&read_all(&mut *recording, usize::MAX), number, 2, 2), LOGO_SUMS);
}

/// Sums of the two interleaved rows of numbers (I and Q, or two channels).
fn channel_sums(pieces: &[Piece], number: impl Fn(&[u8]) -> f64, size: usize, rows: usize) -> Vec<f64> {
    let mut sums = vec![0.0; rows];
    for piece in pieces {
        for (n, bytes) in piece.bytes.chunks_exact(size).enumerate() {
            sums[n % rows] += number(bytes);
        }
    }
    sums
}

/// Found with `sigmf.fromfile(...)` and NumPy's sum.
const N_MODES1_NOTES: usize = 306;
const MODES1_SUMS: [f64; 2] = [45_462_039.0, 45_459_605.0];
const LOGO_SUMS: [f64; 2] = [-14_266_661.0, 347_585_780.0];
