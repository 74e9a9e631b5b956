//! The chain from samples to detections, on signals that are known.
// Figures belong in the log of a test.
#![allow(clippy::print_stdout)]

use num_complex::Complex;
use proptest::prelude::*;
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution as _, StandardNormal};
use rangegate_core::*;
use rangegate_dsp::burst::*;
use rangegate_dsp::chain::SegmentResult;
use rangegate_dsp::detect::{CfarConfig, CfarWindow};
use rangegate_dsp::waveform::{Barker, LinearChirp, ModeSPreamble, Pulse, Replica, Signal, Waveform};
use rangegate_dsp::window::Window;
use std::f64::consts::TAU;
use std::sync::Arc;

const RATE_HZ: f64 = 1e6;

fn config(false_alarm_probability: f64) -> BurstConfig {
    BurstConfig {
        input: FilterInput::Complex,
        doppler: DopplerGrid::default(),
        hold_off_s: 0.0,
        false_alarm_probability,
        false_alarm_scope: FalseAlarmScope::Cell,
        min_correlation: 0.0,
        cfar: CfarConfig::CaCfar(CfarWindow { guard: 4, training: 32 }),
        integration: None,
    }
}

fn stream() -> StreamInfo {
    StreamInfo {
        sample_rate: SampleRate::from_hz(RATE_HZ).unwrap(),
        n_channels: 1,
        format: SampleFormat::complex(Scalar::F32),
        to_baseband: ToBaseband::default(),
        center_frequency_hz: None,
        first_sample: 0,
        anchor: None,
        n_samples: None,
        pulse_len: None,
    }
}

fn plan(config: &BurstConfig, replicas: &[Replica]) -> Arc<BurstPlan> {
    Arc::new(BurstPlan::new(config, &stream(), replicas).unwrap())
}

fn barker(length: u32) -> Waveform {
    Waveform::Barker(Barker { length, chip_s: 2e-6, alternate: false })
}

fn chirp(width_hz: f64) -> Waveform {
    let (start_hz, stop_hz) = (-width_hz / 2.0, width_hz / 2.0);
    Waveform::LinearChirp(LinearChirp { start_hz, stop_hz, duration_s: 256e-6, window: Window::default() })
}

fn replica(waveform: &Waveform) -> Replica {
    waveform.replica("replica", RATE_HZ).unwrap()
}

/// Noise of power 1.
fn noise(seed: u64, n: usize) -> Vec<Complex32> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut normal = || {
        let x: f32 = StandardNormal.sample(&mut rng);
        x * std::f32::consts::FRAC_1_SQRT_2
    };
    (0..n).map(|_| Complex32::new(normal(), normal())).collect()
}

fn add_echo(
    samples: &mut [Complex32],
    signal: &Signal,
    edge: f64,
    amplitude: f64,
    doppler_hz: f64,
    phase: f64,
) {
    let end = (edge + signal.duration_s() * RATE_HZ).ceil() as usize + 1;
    let first = (edge.floor() as usize).saturating_sub(1);
    for (n, sample) in samples.iter_mut().enumerate().take(end).skip(first) {
        let time = (n as f64 - edge) / RATE_HZ;
        let turn = phase + TAU * doppler_hz * time;
        let value = signal.value(time) * Complex::from_polar(amplitude, turn);
        *sample += Complex32::new(value.re as f32, value.im as f32);
    }
}

/// One run of one channel, cut as the plan asks for.
fn segments(plan: &BurstPlan, samples: &[Complex32], first_sample: u64) -> Vec<Segment> {
    let mut segments = Vec::new();
    for start in (0..samples.len()).step_by(plan.core_len()) {
        let core = start..(start + plan.core_len()).min(samples.len());
        let first = start.saturating_sub(plan.lead());
        let end = (core.end + plan.tail()).min(samples.len());
        let mut block = IqBlock::with_capacity(0);
        let header = BlockHeader { first_sample: first_sample + first as u64, ..BlockHeader::default() };
        let bytes = block.fill(header, SampleFormat::complex(Scalar::F32), 1, end - first);
        for (out, x) in bytes.chunks_exact_mut(8).zip(&samples[first..end]) {
            out[..4].copy_from_slice(&x.re.to_le_bytes());
            out[4..].copy_from_slice(&x.im.to_le_bytes());
        }
        segments.push(Segment {
            block,
            core: core.start - first..core.end - first,
            sequence: segments.len() as u64,
            starts_run: first == 0,
            ends_run: end == samples.len(),
            set: 0,
        });
    }
    segments
}

fn results(plan: &Arc<BurstPlan>, segments: &[Segment]) -> Vec<SegmentResult> {
    let mut worker = plan.make_worker();
    let mut all = Vec::new();
    for segment in segments {
        for set in 0..plan.n_sets() {
            let mut result = plan.make_result();
            worker.process(&Segment { set, ..segment.clone() }, &mut result);
            all.push(result);
        }
    }
    all
}

fn detections(plan: &Arc<BurstPlan>, samples: &[Complex32]) -> Vec<Detection> {
    let mut found = Vec::new();
    let mut hold_off = HoldOff::new(plan);
    for result in results(plan, &segments(plan, samples, 0)) {
        hold_off.accept(&result, |detection| found.push(detection.clone()));
    }
    hold_off.finish(|detection| found.push(detection.clone()));
    found
}

fn place(detection: &Detection) -> f64 {
    detection.sample as f64 + detection.sample_fraction
}

struct Accuracy {
    detected: f64,
    bias: f64,
    spread: f64,
    power_db: f64,
    doppler_bias_hz: f64,
    doppler_spread_hz: f64,
}

/// Echoes at random places between the samples; `snr_db` is that of the matched filter's output.
fn accuracy(config: &BurstConfig, waveform: &Waveform, snr_db: f64, doppler_hz: f64) -> Accuracy {
    const N: usize = 300;
    let replica = replica(waveform);
    let (signal, plan) = (waveform.signal(RATE_HZ).unwrap(), plan(config, std::slice::from_ref(&replica)));
    let spacing = replica.samples.len() + 3000;
    let near = replica.samples.len() as f64 / 2.0;
    let mut samples = noise(7, N * spacing);
    let amplitude = (10_f64.powf(snr_db / 10.0) / replica.energy()).sqrt();
    let edges: Vec<f64> =
        (0..N).map(|k| (k * spacing + 100) as f64 + (k as f64 * 0.618_033_988_7).fract()).collect();
    for (k, &edge) in edges.iter().enumerate() {
        add_echo(&mut samples, &signal, edge, amplitude, doppler_hz, k as f64);
    }
    let found = detections(&plan, &samples);
    let (mut errors, mut powers, mut shifts) = (Vec::new(), Vec::new(), Vec::new());
    for &edge in &edges {
        let strongest = found
            .iter()
            .filter(|d| (place(d) - edge).abs() <= near)
            .max_by(|a, b| a.snr_db.total_cmp(&b.snr_db));
        if let Some(d) = strongest {
            errors.push(place(d) - edge);
            powers.push(d.power_db - 20.0 * amplitude.log10());
            shifts.push(d.doppler_hz.unwrap_or(0.0) - doppler_hz);
        }
    }
    let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len() as f64;
    let spread = |v: &[f64]| (v.iter().map(|x| (x - mean(v)).powi(2)).sum::<f64>() / v.len() as f64).sqrt();
    Accuracy {
        detected: errors.len() as f64 / N as f64,
        bias: mean(&errors),
        spread: spread(&errors),
        power_db: mean(&powers),
        doppler_bias_hz: mean(&shifts),
        doppler_spread_hz: spread(&shifts),
    }
}

#[test]
fn echoes_are_found_between_the_samples() {
    // The bounds of Cramér and Rao for chirps, √12 / (2π·B·√(2·SNR)), are 0.098 and 0.024 samples. The
    // chirp that is sampled five times too often has a flat peak; that its echo has 255 or 256 samples
    // moves it a little.
    for (name, waveform, bias, spread) in [
        ("chirp of 0.2 fs", chirp(0.2e6), 0.04, 0.11),
        ("chirp of 0.8 fs", chirp(0.8e6), 0.01, 0.03),
        ("barker", barker(13), 0.01, 0.06),
    ] {
        let a = accuracy(&config(1e-6), &waveform, 26.0, 0.0);
        println!("{name}: bias {:.4} spread {:.4} samples, power {:.2} dB", a.bias, a.spread, a.power_db);
        assert!((a.detected - 1.0).abs() < 1e-9, "{name}: {}", a.detected);
        assert!(a.bias.abs() < bias, "{name}: bias {}", a.bias);
        assert!(a.spread < spread, "{name}: spread {}", a.spread);
        // What of a code's energy the receiver integrates away between two chips, 1.25 dB at worst, is
        // missed.
        assert!(a.power_db.abs() < 1.0, "{name}: power off by {} dB", a.power_db);
    }
}

#[test]
fn detection_probability_rises_where_theory_has_it() {
    // A steady echo on a sample, at 1e-6: half are detected at 11.25 dB (Albersheim), 0.1 dB more for 400
    // training cells instead of the known noise.
    let replica = replica(&chirp(0.9e6));
    let cfar = CfarConfig::CaCfar(CfarWindow { guard: 4, training: 200 });
    let plan = plan(&BurstConfig { cfar, ..config(1e-6) }, std::slice::from_ref(&replica));
    for (snr_db, least, most) in [(8.0, 0.0, 0.1), (11.35, 0.42, 0.58), (14.5, 0.97, 1.0)] {
        let mut samples = noise(13, 400 * 1000);
        let amplitude = (10_f64.powf(snr_db / 10.0) / replica.energy()).sqrt();
        for k in 0..400 {
            let turned = Complex32::from_polar(amplitude as f32, k as f32);
            samples[1000 * k + 500..].iter_mut().zip(&replica.samples).for_each(|(x, h)| *x += turned * h);
        }
        let found = detections(&plan, &samples);
        let hits = found.iter().filter(|d| (place(d).rem_euclid(1000.0) - 500.0).abs() <= 1.0).count();
        let detected = hits as f64 / 400.0;
        println!("{snr_db} dB: {detected}");
        assert!((least..=most).contains(&detected), "{snr_db} dB: {detected}");
    }
}

#[test]
fn doppler_is_found_between_the_hypotheses() {
    let pulse = Waveform::Pulse(Pulse { duration_s: 250e-6 });
    let step_hz = 4e3;
    let config = BurstConfig {
        doppler: DopplerGrid { max_hz: 2.0 * step_hz, step_hz },
        cfar: CfarConfig::CaCfar(CfarWindow { guard: 250, training: 1024 }),
        ..config(1e-6)
    };
    // Near a hypothesis noise may make the wrong neighbour the greater one.
    for shift in [-1.3, -0.5, 0.0, 0.2, 1.49] {
        let a = accuracy(&config, &pulse, 26.0, shift * step_hz);
        let (bias, spread) = (a.doppler_bias_hz / step_hz, a.doppler_spread_hz / step_hz);
        println!("shift {shift}: bias {bias:.4} spread {spread:.4} steps");
        assert!(
            a.detected > 0.99 && bias.abs() < 0.03 && spread < 0.11,
            "{shift}: {} {bias} {spread}",
            a.detected
        );
    }
}

#[test]
fn one_burst_is_one_detection_wherever_it_lies_in_a_segment() {
    let replica = replica(&barker(13));
    let config = BurstConfig { hold_off_s: 50e-6, min_correlation: 0.5, ..config(1e-9) };
    let plan = plan(&config, &[replica]);
    let signal = barker(13).signal(RATE_HZ).unwrap();
    let border = plan.core_len();
    for edge in (border - 40..border + 40).chain(2 * border - 3..2 * border + 3) {
        let mut samples = noise(edge as u64, 2 * border + 1000);
        add_echo(&mut samples, &signal, edge as f64, 4.0, 0.0, 1.0);
        let found = detections(&plan, &samples);
        assert_eq!(found.len(), 1, "edge {edge}: {found:?}");
        assert!((place(&found[0]) - edge as f64).abs() < 0.3, "edge {edge}: {found:?}");
    }
}

#[test]
fn bursts_at_both_ends_of_a_run_are_found_and_beyond_them_is_nothing() {
    let replica = replica(&barker(7));
    let len = replica.samples.len();
    let plan = plan(&config(1e-9), &[replica]);
    let signal = barker(7).signal(RATE_HZ).unwrap();
    let n = 5000;
    let mut samples = noise(3, n);
    for edge in [0, n - len] {
        add_echo(&mut samples, &signal, edge as f64, 6.0, 0.0, 0.3);
    }
    let found = detections(&plan, &samples);
    let places: Vec<_> = found.iter().map(|d| place(d).round() as usize).collect();
    assert_eq!(places, [0, n - len]);
    // Too short for the replica: no cell, no panic.
    for n in 0..len {
        assert_eq!(detections(&plan, &samples[..n]), []);
    }
    assert!(detections(&plan, &samples[..len]).len() <= 1);
}

#[test]
fn results_do_not_depend_on_order_nor_on_what_a_worker_did_before() {
    let replicas = [replica(&barker(13)), replica(&chirp(0.5e6))];
    let config = BurstConfig {
        doppler: DopplerGrid { max_hz: 4e3, step_hz: 2e3 },
        min_correlation: 0.2,
        ..config(1e-3)
    };
    let plan = plan(&config, &replicas);
    let samples = noise(5, 5 * plan.core_len() / 2);
    let segments = segments(&plan, &samples, 1 << 60);
    let expected = results(&plan, &segments);
    assert!(expected.iter().map(|r| r.peaks.len()).sum::<usize>() > 100);
    let mut dirty = plan.make_worker();
    let mut result = plan.make_result();
    for k in [2, 0, 1, 1, 2, 0] {
        for (set, expected) in expected[k * plan.n_sets()..][..plan.n_sets()].iter().enumerate() {
            dirty.process(&Segment { set, ..segments[k].clone() }, &mut result);
            assert_eq!(&result, expected, "segment {k} in a dirty worker");
        }
    }
}

#[test]
fn a_replica_among_many_finds_what_it_finds_alone() {
    let waveforms: Vec<_> = (1..=20).map(|k| chirp(f64::from(k) * 4e4)).collect();
    let replicas: Vec<_> = waveforms.iter().map(replica).collect();
    let many = plan(&config(1e-3), &replicas);
    assert!(many.n_sets() > 1);
    let samples = noise(6, many.core_len() + 5000);
    let all = results(&many, &segments(&many, &samples, 0));
    for (index, replica) in replicas.iter().enumerate() {
        let one = plan(&config(1e-3), std::slice::from_ref(replica));
        assert_eq!(one.core_len(), many.core_len());
        let alone = results(&one, &segments(&one, &samples, 0));
        let mine = all.iter().flat_map(|r| &r.peaks).filter(|p| p.template == index as u32);
        let mine: Vec<_> = mine.map(|p| Peak { template: 0, ..*p }).collect();
        assert_eq!(mine, alone.iter().flat_map(|r| r.peaks.clone()).collect::<Vec<_>>(), "replica {index}");
    }
}

#[test]
fn false_alarms_come_as_often_as_they_were_ordered() {
    // One sample long: cells are independent, and neighbours above the threshold are rare.
    let pulse = Waveform::Pulse(Pulse { duration_s: 1e-6 });
    let plan = plan(&config(1e-3), &[replica(&pulse)]);
    let n = 2_000_000;
    let peaks: usize = results(&plan, &segments(&plan, &noise(8, n), 0)).iter().map(|r| r.peaks.len()).sum();
    // Of two neighbours one counts.
    let expected = n as f64 * 1e-3 * (1.0 - 1e-3);
    assert!((peaks as f64 - expected).abs() < 3.0 * expected.sqrt(), "{peaks} for {expected}");
}

#[test]
fn magnitudes_find_pulses_whose_phase_is_unknown() {
    let preamble = Waveform::ModeSPreamble(ModeSPreamble {});
    let signal = preamble.signal(4e6).unwrap();
    let info = StreamInfo { sample_rate: SampleRate::from_hz(4e6).unwrap(), ..stream() };
    let config = BurstConfig {
        input: FilterInput::Magnitude,
        hold_off_s: 20e-6,
        min_correlation: 0.8,
        cfar: CfarConfig::SoCfar(CfarWindow { guard: 2, training: 32 }),
        ..config(1e-6)
    };
    let replicas = [preamble.replica("mode-s", 4e6).unwrap()];
    let plan = Arc::new(BurstPlan::new(&config, &info, &replicas).unwrap());
    let mut samples = noise(9, 100_000);
    let edges: Vec<f64> = (0..100).map(|k| f64::from(k) * 971.0 + 200.0 + f64::from(k % 10) / 10.0).collect();
    for (k, &edge) in edges.iter().enumerate() {
        for (n, sample) in samples.iter_mut().enumerate().skip(edge as usize - 1).take(34) {
            // A carrier 0.8 MHz off turns by most of a cycle from pulse to pulse.
            let turn = (0.2 * n as f64 + k as f64) * TAU;
            let value = 8.0 * signal.value((n as f64 - edge) / 4e6).re;
            *sample += Complex32::from_polar(value as f32, turn as f32);
        }
    }
    let found = detections(&plan, &samples);
    assert_eq!(found.len(), edges.len());
    let bias: f64 = found.iter().zip(&edges).map(|(d, e)| place(d) - e).sum::<f64>() / 100.0;
    let power: f64 = found.iter().map(|d| d.power_db).sum::<f64>() / 100.0 - 20.0 * 8_f64.log10();
    let snr: f64 = found.iter().map(|d| d.snr_db).sum::<f64>() / 100.0;
    println!("magnitude: bias {bias:.3} samples, power off by {power:.2} dB, SNR {snr:.2} dB");
    assert!(found.iter().zip(&edges).all(|(d, e)| (place(d) - e).abs() < 0.5));
    assert!(bias.abs() < 0.05 && power.abs() < 1.5);
    // 8² · 8 samples on, less what the cell misses between the samples.
    assert!((snr - 10.0 * 512_f64.log10()).abs() < 3.0, "{snr}");
    assert!(found.iter().all(|d| d.doppler_hz.is_none()));
}

#[test]
fn min_correlation_refuses_what_is_strong_but_not_the_replica() {
    let cfar = CfarConfig::CaCfar(CfarWindow { guard: 60, training: 64 });
    let config = BurstConfig { min_correlation: 0.7, cfar, ..config(1e-9) };
    let code = plan(&config, &[replica(&barker(13))]);
    let mut samples = noise(10, 4000);
    let rectangle = Waveform::Pulse(Pulse { duration_s: 26e-6 });
    add_echo(&mut samples, &rectangle.signal(RATE_HZ).unwrap(), 2000.0, 30.0, 0.0, 0.0);
    assert_eq!(detections(&code, &samples), []);
    let any = BurstConfig { min_correlation: 0.0, ..config.clone() };
    assert!(!detections(&plan(&any, &[replica(&barker(13))]), &samples).is_empty());
    // Weak against the noise of one sample, and the replica all the same.
    let long = chirp(0.5e6);
    let plan = plan(&config, &[replica(&long)]);
    let mut samples = noise(11, 4000);
    add_echo(&mut samples, &long.signal(RATE_HZ).unwrap(), 2000.3, 1.0, 0.0, 0.0);
    assert_eq!(detections(&plan, &samples).len(), 1);
}

/// Zeros but for one burst: beside it there is nothing but what rounding leaves in the transforms.
#[test]
fn a_burst_in_digital_silence_is_one_detection() {
    let waveform = barker(13);
    for (input, max_hz) in
        [(FilterInput::Complex, 0.0), (FilterInput::Complex, 4e3), (FilterInput::Magnitude, 0.0)]
    {
        let config = BurstConfig {
            input,
            doppler: DopplerGrid { max_hz, step_hz: 1e3 },
            hold_off_s: 100e-6,
            ..config(1e-4)
        };
        // A replica of ones and zeros, for magnitudes to have a shape.
        let mut replica = replica(&waveform);
        if input == FilterInput::Magnitude {
            replica.samples.iter_mut().for_each(|x| x.re = x.re.max(0.0));
        }
        let plan = plan(&config, &[replica.clone()]);
        for (edge, amplitude) in [(0, 1.0), (700, 1.0), (40_000, 0.9), (40_000, 1e-6), (90_000, 1e6)] {
            let mut samples = vec![Complex32::ZERO; 100_000];
            for (x, h) in samples[edge..].iter_mut().zip(&replica.samples) {
                *x = h * amplitude;
            }
            let found = detections(&plan, &samples);
            let expected = amplitude_db(amplitude);
            assert!(found.len() <= 1, "{input:?}, {amplitude} at {edge}: {found:?}");
            for d in &found {
                assert!((place(d) - edge as f64).abs() < 1.0 && d.snr_db.is_finite(), "{d:?}");
                assert!((d.power_db - expected).abs() < 1.0, "{d:?}");
            }
            assert!(found.len() == 1 || input == FilterInput::Magnitude, "{amplitude} at {edge} is missing");
        }
    }
}

fn amplitude_db(amplitude: f32) -> f64 {
    20.0 * f64::from(amplitude).log10()
}

#[test]
fn samples_that_are_no_numbers_are_counted_once_and_hurt_nobody() {
    let plan = plan(&config(1e-9), &[replica(&barker(13))]);
    let mut samples = noise(12, 2 * plan.core_len() + 100);
    let signal = barker(13).signal(RATE_HZ).unwrap();
    add_echo(&mut samples, &signal, 500.0, 5.0, 0.0, 0.0);
    let clean = detections(&plan, &samples);
    let border = plan.core_len();
    for (k, n) in [3000, border - 1, border, border + 5].into_iter().enumerate() {
        samples[n] = [Complex32::new(f32::NAN, 0.0), Complex32::new(0.0, f32::INFINITY)][k % 2];
    }
    let results = results(&plan, &segments(&plan, &samples, 0));
    assert_eq!(results.iter().map(|r| r.bad_samples).sum::<u64>(), 4);
    assert_eq!(detections(&plan, &samples), clean);
}

/// Another grid of segments moves the grid of the transforms, and so no more than their rounding.
#[test]
fn peaks_hardly_depend_on_where_segments_lie() {
    let plan = plan(&config(0.05), &[replica(&barker(11))]);
    for (seed, offset) in [(0, 1), (1, 37), (2, 1000), (3, 12_345), (4, plan.core_len() / 2), (5, 30_001)] {
        let samples = noise(seed, 2 * plan.core_len() + 20_000);
        // Far enough from where the shorter run begins.
        let settled = (offset + plan.lead()) as u64;
        let peaks = |samples: &[Complex32], first_sample: usize| {
            let segments = segments(&plan, samples, first_sample as u64);
            let peaks = results(&plan, &segments).into_iter().flat_map(|result| result.peaks);
            peaks.filter(|p| p.sample > settled).collect::<Vec<_>>()
        };
        let (whole, part) = (peaks(&samples, 0), peaks(&samples[offset..], offset));
        assert!(whole.len() > 1000);
        assert_eq!(whole.len(), part.len(), "offset {offset}");
        for (a, b) in whole.iter().zip(&part) {
            let apart = (a.sample as f64 - b.sample as f64) + a.sample_fraction - b.sample_fraction;
            assert!(apart.abs() < 1e-3, "offset {offset}: {a:?} and {b:?}");
            assert!((a.snr_db - b.snr_db).abs() < 1e-4, "offset {offset}: {a:?} and {b:?}");
            assert!((a.power_db - b.power_db).abs() < 1e-3, "offset {offset}: {a:?} and {b:?}");
        }
    }
}

fn peak(sample: u64, statistic: f32) -> Peak {
    Peak {
        sample,
        sample_fraction: 0.25,
        template: 0,
        channel: 0,
        doppler_hz: 0.0,
        statistic,
        snr_db: 20.0,
        power_db: -10.0,
        delay_s: None,
        cpi: None,
    }
}

/// What comes of peaks when the stream is cut at these samples.
fn held_off(plan: &BurstPlan, peaks: &[Peak], cuts: &[u64]) -> Vec<u64> {
    let mut hold_off = HoldOff::new(plan);
    let mut found = Vec::new();
    let mut start = 0;
    for (sequence, &end) in cuts.iter().enumerate() {
        let result = SegmentResult {
            sequence: sequence as u64,
            first_sample: start,
            n_samples: (end - start) as usize,
            starts_run: sequence == 0,
            ends_run: sequence + 1 == cuts.len(),
            peaks: peaks.iter().filter(|p| (start..end).contains(&p.sample)).copied().collect(),
            ..SegmentResult::default()
        };
        hold_off.accept(&result, |detection| found.push(detection.sample));
        start = end;
    }
    found
}

#[test]
fn the_strongest_of_a_window_wins_and_silences_what_follows() {
    // 26 samples long, silent for 100.
    let plan = plan(&BurstConfig { hold_off_s: 100e-6, ..config(1e-3) }, &[replica(&barker(13))]);
    let peaks = [(10, 1.0), (20, 3.0), (35, 2.0), (36, 9.0), (119, 9.0), (120, 1.0), (146, 1.0), (300, 1.0)]
        .map(|(n, s)| peak(n, s));
    // 10 opens to 35, 20 is the strongest and silences to 119; 120 opens to 145.
    let expected = [20, 120, 300];
    for cuts in [vec![1000], vec![15, 1000], vec![20, 21, 36, 120, 121, 1000], (1..=1000).collect()] {
        assert_eq!(held_off(&plan, &peaks, &cuts), expected, "cut at {} places", cuts.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn detections_do_not_depend_on_where_peaks_were_cut(
        places in prop::collection::btree_map(0_u64..1000, 1_u8..5, 0..80),
        cuts in prop::collection::btree_set(1_u64..1000, 0..10),
        hold_off in 0_u32..60,
    ) {
        let hold_off_s = f64::from(hold_off) * 1e-6;
        let plan = plan(&BurstConfig { hold_off_s, ..config(1e-3) }, &[replica(&barker(2))]);
        let peaks: Vec<_> = places.into_iter().map(|(n, s)| peak(n, s.into())).collect();
        let cuts: Vec<_> = cuts.into_iter().chain([1000]).collect();
        prop_assert_eq!(held_off(&plan, &peaks, &cuts), held_off(&plan, &peaks, &[1000]));
    }
}

#[test]
fn a_gap_closes_windows_and_marks_the_first_detection_after_it() {
    let plan = plan(&config(1e-3), &[replica(&barker(13))]);
    let mut hold_off = HoldOff::new(&plan);
    let mut found = Vec::new();
    let result = |sequence, first_sample, after_gap, ends_run, peaks| SegmentResult {
        sequence,
        first_sample,
        n_samples: 100,
        starts_run: true,
        ends_run,
        after_gap,
        peaks,
        ..SegmentResult::default()
    };
    hold_off
        .accept(&result(0, 0, false, false, vec![peak(90, 1.0)]), |d| found.push((d.sample, d.after_gap)));
    assert_eq!(found, []);
    let late = result(1, 105, true, true, vec![peak(110, 5.0), peak(150, 2.0)]);
    hold_off.accept(&late, |d| found.push((d.sample, d.after_gap)));
    assert_eq!(found, [(90, false), (110, true), (150, false)]);
}

#[test]
fn settings_that_cannot_be_are_named() {
    let code = replica(&barker(13));
    let error = |config: &BurstConfig, replicas: &[Replica]| {
        BurstPlan::new(config, &stream(), replicas).unwrap_err().to_string()
    };
    let bad = |change: fn(&mut BurstConfig)| {
        let mut config = config(1e-3);
        change(&mut config);
        error(&config, std::slice::from_ref(&code))
    };
    let cases = [
        (bad(|c| c.hold_off_s = f64::NAN), "hold_off_s: found NaN"),
        (bad(|c| c.hold_off_s = -1.0), "hold_off_s: found -1"),
        (bad(|c| c.min_correlation = 1.5), "min_correlation: found 1.5, expected a number from 0 to 1"),
        (bad(|c| c.doppler = DopplerGrid { max_hz: 1e3, step_hz: 0.0 }), "doppler.step_hz: found 0"),
        (bad(|c| c.doppler = DopplerGrid { max_hz: 0.0, step_hz: f64::NAN }), "doppler.step_hz: found NaN"),
        (bad(|c| c.doppler = DopplerGrid { max_hz: 1e3, step_hz: 1e300 }), "doppler.step_hz: found 1e300"),
        (bad(|c| c.doppler = DopplerGrid { max_hz: 6e5, step_hz: 1e3 }), "doppler.max_hz: found 600000"),
        (bad(|c| c.doppler = DopplerGrid { max_hz: 4e5, step_hz: 1e-3 }), "doppler: found"),
        (bad(|c| c.doppler = DopplerGrid { max_hz: 4e5, step_hz: 1.0 }), "doppler: found"),
        (bad(|c| c.false_alarm_probability = 0.0), "false_alarm_probability"),
        (bad(|c| c.false_alarm_scope = FalseAlarmScope::Search), "false_alarm_scope: found \"search\""),
        (bad(|c| c.cfar = CfarConfig::CaCfar(CfarWindow { guard: 0, training: 0 })), "training"),
        (bad(|c| c.input = FilterInput::Magnitude), "replica 'replica': found a constant magnitude"),
        (error(&config(1e-3), &[]), "replicas: found none"),
        (
            error(&config(1e-3), &[barker(13).replica("fast", 2e6).unwrap()]),
            "replica 'fast': found 2000000 Hz",
        ),
    ];
    for (found, expected) in cases {
        assert!(found.contains(expected), "'{found}' does not say '{expected}'");
    }
}
