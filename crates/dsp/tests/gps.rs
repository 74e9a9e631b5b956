//! Acquisition of GPS L1 C/A: the real recordings against their truth, and simulated signals against their own.
#![allow(clippy::print_stdout)]

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use rangegate_core::{
    BlockHeader, Detection, IqBlock, SampleFormat, SampleRate, Scalar, Segment, StreamInfo, ToBaseband,
};
use rangegate_dsp::burst::periodic::{DelayWindow, Dwells, Integration, PeriodicPlan};
use rangegate_dsp::burst::{BurstConfig, DopplerGrid, FalseAlarmScope, FilterInput};
use rangegate_dsp::chain::SegmentResult;
use rangegate_dsp::detect::{CfarConfig, CfarWindow};
use rangegate_dsp::waveform::{GpsL1Ca, Replica, Waveform};
use std::f64::consts::TAU;
use std::path::PathBuf;
use std::sync::Arc;

const CHIP_RATE_HZ: f64 = 1.023e6;
const N_CHIPS: f64 = 1023.0;
const L1_HZ: f64 = 1575.42e6;

/// 5 ms coherently: a data bit may turn in one of four sums.
fn config(noncoherent: usize, rate_hz: f64) -> BurstConfig {
    let samples_per_chip = rate_hz / CHIP_RATE_HZ;
    BurstConfig {
        input: FilterInput::Complex,
        doppler: DopplerGrid { max_hz: 5000.0, step_hz: 100.0 },
        hold_off_s: 0.0,
        false_alarm_probability: 1e-3,
        false_alarm_scope: FalseAlarmScope::Search,
        min_correlation: 0.0,
        cfar: CfarConfig::CaCfar(CfarWindow {
            guard: (2.0 * samples_per_chip).ceil() as usize,
            training: (100.0 * samples_per_chip) as usize,
        }),
        integration: Some(Integration { coherent_periods: 5, noncoherent, carrier_frequency_hz: None }),
    }
}

fn stream(rate_hz: f64, format: SampleFormat, to_baseband: ToBaseband) -> StreamInfo {
    StreamInfo {
        sample_rate: SampleRate::from_hz(rate_hz).unwrap(),
        n_channels: 1,
        format,
        to_baseband,
        center_frequency_hz: Some(L1_HZ),
        first_sample: 0,
        anchor: None,
        n_samples: None,
        pulse_len: None,
    }
}

fn replica(prn: u32, rate_hz: f64) -> Replica {
    Waveform::GpsL1Ca(GpsL1Ca { prn }).replica(format!("gps-prn-{prn:02}"), rate_hz).unwrap()
}

fn dwell(plan: &PeriodicPlan, stream: &StreamInfo, bytes: &[u8], first_sample: usize) -> Segment {
    let (size, len) = (stream.format.bytes(), plan.core_len());
    let mut block = IqBlock::default();
    let header = BlockHeader { first_sample: first_sample as u64, ..BlockHeader::default() };
    let samples = &bytes[first_sample * size..(first_sample + len) * size];
    block.fill(header, stream.format, 1, len).copy_from_slice(samples);
    Segment { block, core: 0..len, ..Segment::default() }
}

/// Results of every second set from `first` on.
fn results(plan: &Arc<PeriodicPlan>, segment: &Segment, first: usize) -> Vec<SegmentResult> {
    let mut worker = plan.make_worker();
    let one = |set| {
        let mut result = plan.make_result();
        worker.process(&Segment { set, ..segment.clone() }, &mut result);
        result
    };
    (first..plan.n_sets()).step_by(2).map(one).collect()
}

/// Detections of one dwell, its replica sets worked on by two threads.
fn search(plan: &Arc<PeriodicPlan>, segment: &Segment) -> Vec<Detection> {
    let mut all = std::thread::scope(|scope| {
        let odd = scope.spawn(|| results(plan, segment, 1));
        let mut all = results(plan, segment, 0);
        all.extend(odd.join().unwrap());
        all
    });
    all.sort_by_key(|result| result.set);
    let (mut dwells, mut detections) = (Dwells::new(plan), Vec::new());
    all.iter().for_each(|result| dwells.accept(result, |detection| detections.push(detection.clone())));
    detections
}

/// `(PRN, Doppler shift in Hz, code delay in chips at the first sample)`.
type Satellite = (u32, f64, f64);

fn satellite(detection: &Detection) -> Satellite {
    let prn = detection.template.strip_prefix("gps-prn-").unwrap().parse().unwrap();
    (prn, detection.doppler_hz.unwrap(), detection.delay_s.unwrap() * CHIP_RATE_HZ)
}

fn chips_apart(a: f64, b: f64) -> f64 {
    let apart = (a - b).rem_euclid(N_CHIPS);
    apart.min(N_CHIPS - apart)
}

fn agrees(a: &Satellite, b: &Satellite) -> bool {
    a.0 == b.0 && (a.1 - b.1).abs() < 100.0 && chips_apart(a.2, b.2) < 0.5
}

/// A recording of the shared ones, with its satellites from the strongest on, or `None` with a loud word.
fn recording(name: &str, n_cases: usize) -> Option<(Vec<u8>, Vec<Satellite>)> {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/recordings");
    let folder = std::env::var_os("RANGEGATE_RECORDINGS").map_or_else(beside, PathBuf::from);
    let Ok(bytes) = std::fs::read(folder.join("gps").join(name)) else {
        println!("SKIPPED {n_cases} cases: no {name} in {}", folder.display());
        return None;
    };
    let truth = std::fs::read(folder.join("truth/gps_l1ca_acquisition.json")).unwrap();
    let truth: serde_json::Value = serde_json::from_slice(&truth).unwrap();
    let number = |satellite: &serde_json::Value, field: &str| satellite[field].as_f64().unwrap();
    let found = truth[name]["found"].as_array().unwrap().iter();
    let satellites = found.map(|s| {
        let prn = number(s, "prn") as u32;
        (prn, number(s, "doppler_hz_100Hz_grid"), number(s, "code_delay_chips_at_sample0"))
    });
    Some((bytes, satellites.collect()))
}

/// Whether the surface of the satellite's code over another dwell has a peak where it is to be: less than one
/// cell in a thousand has as much.
fn confirms(plan: &Arc<PeriodicPlan>, segment: &Segment, satellite: &Satellite) -> bool {
    let mut worker = plan.make_worker();
    let &(prn, doppler_hz, chips) = satellite;
    let window = DelayWindow::around(chips / CHIP_RATE_HZ, 0.5 / CHIP_RATE_HZ);
    let windows = [window, DelayWindow { max_columns: usize::MAX, ..DelayWindow::full() }];
    let [near, all] = worker.surfaces(segment, 0, prn as usize - 1, windows).unwrap();
    let is_near = |row: usize| (near.doppler_hz[row] - doppler_hz).abs() < 100.0;
    let rows = near.power.chunks(near.n_delay).enumerate().filter(|(row, _)| is_near(*row));
    let greatest = rows.flat_map(|(_, row)| row).copied().fold(0.0, f32::max);
    all.power.iter().filter(|&&power| power >= greatest).count() * 1000 < all.power.len()
}

/// Every dwell finds the first `n_strong` of the truth, and whatever else it finds stands in the truth or
/// shows in the other dwells too.
fn check_recording(
    name: &str,
    rate_hz: f64,
    format: SampleFormat,
    to: ToBaseband,
    n_strong: usize,
    starts: &[usize],
) {
    let Some((bytes, truth)) = recording(name, n_strong) else { return };
    let stream = stream(rate_hz, format, to);
    let replicas: Vec<_> = (1..=32).map(|prn| replica(prn, rate_hz)).collect();
    let plan = Arc::new(PeriodicPlan::new(&config(20, rate_hz), &stream, &replicas).unwrap());
    // Delays move with the Doppler shift from dwell to dwell.
    let moved = |&(prn, doppler_hz, chips): &Satellite, from: usize, to: usize| {
        let elapsed_s = (to as f64 - from as f64) / rate_hz;
        (prn, doppler_hz, (chips - doppler_hz / L1_HZ * elapsed_s * CHIP_RATE_HZ).rem_euclid(N_CHIPS))
    };
    for &start in starts {
        let detections = search(&plan, &dwell(&plan, &stream, &bytes, start));
        let found: Vec<_> = detections.iter().map(satellite).collect();
        for (detection, (prn, doppler_hz, chips)) in detections.iter().zip(&found) {
            assert!(detection.sample >= start as u64);
            let snr_db = detection.snr_db;
            println!("{start:8} PRN {prn:2} {doppler_hz:8.1} Hz {chips:8.2} chips {snr_db:5.1} dB");
        }
        let found: Vec<_> = found.iter().map(|satellite| moved(satellite, start, 0)).collect();
        for strong in &truth[..n_strong] {
            assert!(found.iter().any(|f| agrees(f, strong)), "{strong:?} not in {found:?}");
        }
        let in_truth = |f: &Satellite| truth.iter().any(|t| agrees(f, t));
        for f in found.iter().filter(|f| !in_truth(f)) {
            let others = starts.iter().filter(|&&other| other != start);
            let n_confirmed = others
                .filter(|&&other| confirms(&plan, &dwell(&plan, &stream, &bytes, other), &moved(f, 0, other)))
                .count();
            println!("{f:?} is in no truth, but {n_confirmed} other dwells confirm it");
            assert!(n_confirmed > 0, "{f:?} is in no truth");
        }
    }
}

#[test]
fn real_samples_at_an_intermediate_frequency_show_their_satellites() {
    let to = ToBaseband { intermediate_frequency_hz: 3e6, ..ToBaseband::default() };
    let format = SampleFormat::real(Scalar::I8);
    check_recording("L1_20211125_004000_12MHz_I.bin", 12e6, format, to, 9, &[0]);
}

#[test]
fn conjugated_complex_samples_show_their_satellites() {
    let to = ToBaseband { conjugate: true, ..ToBaseband::default() };
    let format = SampleFormat::complex(Scalar::I8);
    check_recording("L1_20211202_084700_4MHz_IQ_first250ms.bin", 4e6, format, to, 7, &[0, 500_000]);
}

/// The code by its own recurrence: G1 with taps 3 and 10, G2 with 2 3 6 8 9 10, G2 delayed by so many chips
/// (IS-GPS-200, table 3-Ia: PRN 1 by 5, PRN 7 by 139, PRN 19 by 471).
fn chips(g2_delay: usize) -> Vec<f64> {
    let run = |taps: &[usize]| {
        let mut register = [true; 10];
        let mut out = Vec::new();
        for _ in 0..1023 {
            out.push(register[9]);
            let feedback = taps.iter().fold(false, |sum, tap| sum ^ register[tap - 1]);
            register.rotate_right(1);
            register[0] = feedback;
        }
        out
    };
    let (g1, g2) = (run(&[3, 10]), run(&[2, 3, 6, 8, 9, 10]));
    let bit = |i: usize| g1[i] ^ g2[(i + 1023 - g2_delay) % 1023];
    (0..1023).map(|i| if bit(i) { -1.0 } else { 1.0 }).collect()
}

/// What a receiver of unit noise power a sample takes in: mean of the signal over each sample period, the
/// code compressed and the carrier shifted by the same motion, a data bit every 20 ms.
fn simulate(
    len: usize,
    rate_hz: f64,
    chips: &[f64],
    truth: &Satellite,
    amplitude: f64,
    rng: &mut ChaCha8Rng,
) -> Vec<u8> {
    let &(_, doppler_hz, delay_chips) = truth;
    let rate = CHIP_RATE_HZ * (1.0 + doppler_hz / L1_HZ) / rate_hz;
    let phase = TAU * rng.random::<f64>();
    let bits: Vec<f64> =
        (0..1 + len * 50 / rate_hz as usize + 1).map(|_| if rng.random() { 1.0 } else { -1.0 }).collect();
    let mut bytes = Vec::with_capacity(8 * len);
    for n in 0..len {
        // Long before the first code period that begins in the recording there were others.
        let chip = |part: usize| (n as f64 + (part as f64 + 0.5) / 16.0) * rate - delay_chips + N_CHIPS;
        let mean = (0..16).map(|part| chips[chip(part) as usize % 1023]).sum::<f64>() / 16.0;
        let bit = bits[(chip(0) / N_CHIPS / 20.0) as usize];
        let (sin, cos) = (TAU * doppler_hz * n as f64 / rate_hz + phase).sin_cos();
        for value in [cos, sin] {
            let noise: f64 = rng.sample(StandardNormal);
            let sample = (amplitude * mean * bit * value + noise * 0.5_f64.sqrt()) as f32;
            bytes.extend(sample.to_le_bytes());
        }
    }
    bytes
}

/// Whole periods (2400, 4092 samples) and others (2046.1, 2800.3), Doppler shifts between hypotheses, a dwell
/// in which the code drifts by up to 0.3 chips. 45 dB-Hz.
#[test]
fn simulated_satellites_are_where_they_were_put() {
    let mut rng = ChaCha8Rng::seed_from_u64(20);
    for rate_hz in [2.4e6, 4.092e6, 2.0461e6, 2.8003e6] {
        let replicas = [1, 7, 19].map(|prn| replica(prn, rate_hz));
        let stream = stream(rate_hz, SampleFormat::complex(Scalar::F32), ToBaseband::default());
        let plan = Arc::new(PeriodicPlan::new(&config(20, rate_hz), &stream, &replicas).unwrap());
        let amplitude = (10_f64.powf(4.5) / rate_hz).sqrt();
        let cases = [(1, 5, 137.3, 0.37), (7, 139, -2963.7, 511.81), (19, 471, 4851.1, 1022.64)];
        for (prn, g2_delay, doppler_hz, delay_chips) in cases {
            let truth = (prn, doppler_hz, delay_chips);
            let bytes = simulate(plan.core_len(), rate_hz, &chips(g2_delay), &truth, amplitude, &mut rng);
            let detections = search(&plan, &dwell(&plan, &stream, &bytes, 0));
            let [detection] = &detections[..] else { panic!("{} at {rate_hz} Hz", detections.len()) };
            let found = satellite(detection);
            let (shift_hz, shift_chips) = (found.1 - truth.1, chips_apart(found.2, truth.2));
            println!(
                "{rate_hz:9} Hz: {shift_hz:+6.1} Hz, {shift_chips:5.3} chips, {:.1} dB, {:.1} dB full scale of {:.1}",
                detection.snr_db,
                detection.power_db,
                20.0 * amplitude.log10()
            );
            assert_eq!(found.0, truth.0);
            assert!(shift_hz.abs() < 20.0, "{found:?} of {truth:?}");
            assert!(shift_chips < 0.1, "{found:?} of {truth:?}");
        }
    }
}

/// The cross-correlations of a satellite of 60 dB-Hz stand above noise in other codes; they must not be taken
/// for satellites.
#[test]
fn cross_correlations_of_a_strong_satellite_are_no_satellites() {
    let rate_hz = 2.4e6;
    let mut rng = ChaCha8Rng::seed_from_u64(21);
    let replicas: Vec<_> = (1..=16).map(|prn| replica(prn, rate_hz)).collect();
    let stream = stream(rate_hz, SampleFormat::complex(Scalar::F32), ToBaseband::default());
    let plan = Arc::new(PeriodicPlan::new(&config(10, rate_hz), &stream, &replicas).unwrap());
    let amplitude = |dbhz: f64| (10_f64.powf(dbhz / 10.0) / rate_hz).sqrt();
    let strong = (1, 1200.0, 100.3);
    let code = chips(5);
    let bytes = simulate(plan.core_len(), rate_hz, &code, &strong, amplitude(60.0), &mut rng);
    let segment = dwell(&plan, &stream, &bytes, 0);
    let found: Vec<_> = search(&plan, &segment).iter().map(satellite).collect();
    assert!(matches!(&found[..], [only] if agrees(only, &strong)), "{found:?}");
}

/// Four searches of noise for all satellites: at a probability of 1e-3 for each search, not one of them finds any.
#[test]
fn noise_holds_no_satellites() {
    let rate_hz = 2.048e6;
    let mut rng = ChaCha8Rng::seed_from_u64(22);
    let replicas: Vec<_> = (1..=32).map(|prn| replica(prn, rate_hz)).collect();
    let stream = stream(rate_hz, SampleFormat::complex(Scalar::F32), ToBaseband::default());
    let plan = Arc::new(PeriodicPlan::new(&config(2, rate_hz), &stream, &replicas).unwrap());
    for _ in 0..4 {
        let numbers = (0..2 * plan.core_len()).map(|_| rng.sample::<f32, _>(StandardNormal));
        let bytes: Vec<u8> = numbers.flat_map(f32::to_le_bytes).collect();
        assert_eq!(search(&plan, &dwell(&plan, &stream, &bytes, 0)), []);
    }
}
