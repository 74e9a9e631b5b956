use super::*;
use crate::detect::CfarWindow;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rangegate_core::{BlockHeader, SampleFormat, SampleRate, Scalar, Segment, StreamInfo, ToBaseband};
use std::f64::consts::TAU;
use std::sync::Arc;

const RATE_HZ: f64 = 44_100.0;

fn stream(complex: bool) -> StreamInfo {
    StreamInfo {
        sample_rate: SampleRate::from_hz(RATE_HZ).unwrap(),
        n_channels: 1,
        format: SampleFormat { complex, ..SampleFormat::real(Scalar::F32) },
        to_baseband: ToBaseband::default(),
        center_frequency_hz: None,
        first_sample: 0,
        anchor: None,
        n_samples: None,
        pulse_len: None,
    }
}

fn config(carrier_hz: f64) -> CwConfig {
    CwConfig {
        carrier_hz,
        n_fft: 2048,
        hop: Some(512),
        window: Window::Hann {},
        min_speed_mps: 1.0,
        max_speed_mps: None,
        max_peaks: 8,
        false_alarm_probability: 1e-6,
        cfar: CfarConfig::CaCfar(CfarWindow { guard: 4, training: 16 }),
    }
}

/// Samples as real and imaginary parts, of which a real stream takes the first.
fn segment(complex: bool, samples: &[(f64, f64)], core: std::ops::Range<usize>) -> Segment {
    let mut segment = Segment { core, ..Segment::default() };
    let out = segment.block.fill(BlockHeader::default(), stream(complex).format, 1, samples.len());
    for (to, (re, im)) in out.chunks_exact_mut(if complex { 8 } else { 4 }).zip(samples) {
        to[..4].copy_from_slice(&(*re as f32).to_le_bytes());
        if complex {
            to[4..].copy_from_slice(&(*im as f32).to_le_bytes());
        }
    }
    segment
}

/// A tone with a phase that is a function of time, in cycles, and noise of this standard deviation on each part.
fn tone(n: usize, amplitude: f64, noise: f64, cycles: impl Fn(f64) -> f64) -> Vec<(f64, f64)> {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let mut gauss = || {
        let (u, v): (f64, f64) = (rng.random_range(1e-12..1.0), rng.random_range(0.0..1.0));
        noise * (-2.0 * u.ln()).sqrt() * (TAU * v).cos()
    };
    let sample = |k: usize| {
        let phase = TAU * cycles(k as f64 / RATE_HZ);
        (amplitude * phase.cos() + gauss(), amplitude * phase.sin() + gauss())
    };
    (0..n).map(sample).collect()
}

fn process(plan: &Arc<CwPlan>, segment: &Segment) -> CwResult {
    let mut result = plan.make_result();
    plan.make_worker().process(segment, &mut result);
    result
}

/// A car that accelerates from 5 to 30 m/s: real and complex, approaching and receding, in K and X band.
#[test]
fn an_accelerating_car_is_followed_to_a_tenth_of_a_metre_a_second() {
    let n = 32_768;
    let duration_s = n as f64 / RATE_HZ;
    let acceleration = 8.0;
    for carrier_hz in [24.125e9, 10.525e9] {
        for (complex, direction) in [(false, 1.0), (true, 1.0), (true, -1.0)] {
            let plan = Arc::new(CwPlan::new(&config(carrier_hz), &stream(complex)).unwrap());
            let hz_per_mps = 2.0 * carrier_hz / 299_792_458.0;
            for first_mps in [5.0, 24.0] {
                let path_m = |t: f64| first_mps * t + 0.5 * acceleration * t * t;
                let samples = tone(n, 0.1, 0.05, |t| direction * hz_per_mps * path_m(t));
                let result = process(&plan, &segment(complex, &samples, 0..plan.core_len().min(n)));
                assert!(result.slices().len() as f64 > duration_s * RATE_HZ / 512.0 - 5.0);
                for slice in result.slices() {
                    let middle_s = (slice.first_sample as f64 + 1023.5) / RATE_HZ;
                    let speed_mps = first_mps + acceleration * middle_s;
                    let peak = slice.peaks[0];
                    assert!((peak.speed_mps - speed_mps).abs() < 0.1, "{} of {speed_mps}", peak.speed_mps);
                    // Approaching is up in frequency, and a negative range rate.
                    let velocity = complex.then_some(-direction * peak.speed_mps);
                    assert_eq!(peak.velocity_mps, velocity);
                    assert!(peak.snr_db > 20.0 && (peak.power_db + 20.0).abs() < 1.5, "{peak:?}");
                }
            }
        }
    }
}

/// Steady tones anywhere between bins: frequency to a thousandth of a bin, power to a hundredth of a decibel.
#[test]
fn peaks_between_bins_are_exact_for_every_window() {
    let windows = [
        Window::Hann {},
        Window::Rectangular {},
        Window::Hamming {},
        Window::Chebyshev { side_lobe_db: 60.0 },
    ];
    for window in windows {
        let config = CwConfig { window, ..config(24.125e9) };
        let plan = Arc::new(CwPlan::new(&config, &stream(true)).unwrap());
        for step in 0..=10 {
            let bin = 300.0 + 0.1 * f64::from(step);
            let hz = bin * RATE_HZ / 2048.0;
            let result = process(&plan, &segment(true, &tone(2048, 0.5, 1e-6, |t| hz * t), 0..512));
            let peak = result.slices()[0].peaks[0];
            assert!((peak.doppler_hz - hz).abs() < 2e-3 * RATE_HZ / 2048.0, "{window:?} {bin}: {peak:?}");
            assert!((peak.power_db + 20.0 * 2.0_f64.log10()).abs() < 0.02, "{window:?} {bin}: {peak:?}");
        }
    }
}

/// The false-alarm probability is the configured one, with correlated bins, for sound and for I and Q.
#[test]
fn noise_alone_gives_the_configured_false_alarms() {
    for complex in [false, true] {
        let config =
            CwConfig { false_alarm_probability: 1e-3, hop: Some(2048), max_peaks: 4096, ..config(24.125e9) };
        let plan = Arc::new(CwPlan::new(&config, &stream(complex)).unwrap());
        let n = 16 * 32_768;
        let noise = tone(n, 0.0, 0.1, |_| 0.0);
        let mut n_peaks = 0;
        let (mut worker, mut result) = (plan.make_worker(), plan.make_result());
        for piece in noise.chunks(plan.core_len()) {
            worker.process(&segment(complex, piece, 0..piece.len()), &mut result);
            n_peaks += result.slices().iter().map(|slice| slice.peaks.len()).sum::<usize>();
        }
        let n_cells = n / 2048 * plan.tested.iter().map(|bins| bins.clone().count()).sum::<usize>();
        let expected = 1e-3 * n_cells as f64;
        // Of neighbours that both cross only the greater counts.
        let share = n_peaks as f64 / expected;
        assert!((0.6..1.15).contains(&share), "{n_peaks} of {expected}");
    }
}

/// The same slices however the stream was cut, and with dirty memory.
#[test]
fn slices_depend_on_their_own_samples_alone() {
    let samples = tone(40_000, 0.1, 0.05, |t| 3000.0 * t);
    let plan = Arc::new(CwPlan::new(&config(24.125e9), &stream(false)).unwrap());
    assert_eq!((plan.core_len(), plan.tail()), (32_768, 1536));
    let whole: Vec<Slice> = [0..32_768, 32_768..40_000]
        .into_iter()
        .flat_map(|core| process(&plan, &segment(false, &samples, core)).slices().to_vec())
        .collect();
    assert_eq!(whole.len(), (40_000 - 2048) / 512 + 1);
    let (mut worker, mut result) = (plan.make_worker(), plan.make_result());
    for slice in whole.iter().rev() {
        let start = slice.first_sample as usize;
        let mut alone = segment(false, &samples[start..start + 2048], 0..512);
        alone.block.header.first_sample = slice.first_sample;
        worker.process(&alone, &mut result);
        assert_eq!(result.slices(), std::slice::from_ref(slice));
    }
}

#[test]
fn impossible_settings_are_refused_with_their_names() {
    type Change = fn(&mut CwConfig);
    let cases: [(&str, Change); 13] = [
        ("carrier_hz", |c| c.carrier_hz = 0.0),
        ("carrier_hz", |c| c.carrier_hz = f64::NAN),
        ("n_fft", |c| c.n_fft = 0),
        ("n_fft", |c| c.n_fft = 2047),
        ("n_fft", |c| c.n_fft = usize::MAX - 1),
        ("hop", |c| c.hop = Some(0)),
        ("max_peaks", |c| c.max_peaks = 0),
        ("min_speed_mps", |c| c.min_speed_mps = -1.0),
        ("min_speed_mps", |c| c.min_speed_mps = f64::NAN),
        ("min_speed_mps", |c| c.min_speed_mps = 1e9),
        ("max_speed_mps", |c| c.max_speed_mps = Some(0.5)),
        ("max_speed_mps", |c| c.max_speed_mps = Some(1e9)),
        ("cfar", |c| c.false_alarm_probability = 2.0),
    ];
    for (field, change) in cases {
        let mut config = config(24.125e9);
        change(&mut config);
        let message = CwPlan::new(&config, &stream(false)).err().expect(field).to_string();
        assert!(message.contains(field) && message.contains("expected"), "{field}: {message}");
    }
    let short = StreamInfo { n_samples: Some(100), ..stream(false) };
    assert!(CwPlan::new(&config(1e9), &short).err().unwrap().to_string().contains("100 samples"));
}
