use super::*;
use crate::convert::Converter;
use rangegate_core::{
    BlockHeader, Complex32, IqBlock, SampleFormat, SampleRate, Scalar, StreamInfo, ToBaseband,
};
use std::f64::consts::TAU;
use std::sync::Arc;

type Wide = num_complex::Complex64;

fn stream(format: SampleFormat, rate_hz: f64, pulse_len: Option<usize>) -> StreamInfo {
    StreamInfo {
        sample_rate: SampleRate::from_hz(rate_hz).unwrap(),
        n_channels: 1,
        format,
        to_baseband: ToBaseband::default(),
        center_frequency_hz: None,
        first_sample: 0,
        anchor: None,
        n_samples: None,
        pulse_len,
    }
}

fn block(format: SampleFormat, samples: &[Wide]) -> IqBlock {
    let mut block = IqBlock::default();
    let out = block.fill(BlockHeader::default(), format, 1, samples.len());
    for (to, x) in out.chunks_exact_mut(format.bytes()).zip(samples) {
        let (re, im) = (x.re as f32, x.im as f32);
        to[..4].copy_from_slice(&re.to_le_bytes());
        if format.complex {
            to[4..].copy_from_slice(&im.to_le_bytes());
        }
    }
    block
}

fn config(slope_hz_per_s: f64, n_pulses: usize, input: FmcwInput) -> FmcwConfig {
    FmcwConfig {
        sweep: Sweep {
            slope_hz_per_s,
            carrier_hz: 77e9,
            chirp_period_s: 60e-6,
            start_s: 0.0,
            duration_s: None,
            start_hz: None,
        },
        n_pulses,
        input,
        window: Window::Hann {},
        n_range: None,
        range_m: None,
    }
}

/// A target with a range that grows linearly.
#[derive(Clone, Copy)]
struct Target {
    range_m: f64,
    velocity_mps: f64,
}

impl Target {
    fn delay_s(self, t: f64) -> f64 {
        2.0 * (self.range_m + self.velocity_mps * t) / SPEED_OF_LIGHT_MPS
    }
}

/// Phase of the transmitted sweep in cycles, `t` after the sweep's first sample, with the carrier in its middle.
fn sent_cycles(sweep: &Sweep, swept_s: f64, t: f64) -> f64 {
    (sweep.carrier_hz - 0.5 * sweep.slope_hz_per_s * swept_s + 0.5 * sweep.slope_hz_per_s * t) * t
}

/// Beat signals `sent · conj(received)` of all chirps, `chirp_len` samples each.
fn beat(config: &FmcwConfig, rate_hz: f64, chirp_len: usize, target: Target) -> Vec<Wide> {
    let swept_s = chirp_len as f64 / rate_hz;
    let samples = (0..config.n_pulses).flat_map(|pulse| (0..chirp_len).map(move |n| (pulse, n)));
    let value = |(pulse, n): (usize, usize)| {
        let t = n as f64 / rate_hz;
        let delay_s = target.delay_s(pulse as f64 * config.sweep.chirp_period_s + t);
        let sent = sent_cycles(&config.sweep, swept_s, t);
        let received = sent_cycles(&config.sweep, swept_s, t - delay_s);
        Wide::from_polar(0.5, TAU * (sent - received).fract())
    };
    samples.map(value).collect()
}

/// Hann-windowed transform along slow time: strongest cell (gate, Doppler bin from −n/2) and its amplitude, each
/// coordinate refined by the parabola through the neighbours' log powers.
fn strongest(plan: &Arc<FmcwPlan>, samples: &IqBlock) -> (f64, f64, f32) {
    let mut cube = plan.make_cube();
    assert_eq!(plan.make_worker().fill(samples, 0, &mut cube), 0);
    let (n, n_gates) = (cube.n_rows(), cube.n_gates());
    let window = Window::Hann {}.samples(n);
    let sum: f32 = window.iter().sum();
    let fft = rustfft::FftPlanner::new().plan_fft_forward(n);
    let mut map = vec![vec![0.0_f32; n]; n_gates];
    for (gate, column) in map.iter_mut().enumerate() {
        let mut x: Vec<Complex32> = (0..n).map(|p| cube.row(p)[gate] * window[p]).collect();
        fft.process(&mut x);
        x.iter().zip(column).for_each(|(x, m)| *m = x.norm() / sum);
    }
    let cells = (0..n_gates).flat_map(|g| (0..n).map(move |d| (g, d)));
    let (gate, bin) = cells.max_by(|a, b| map[a.0][a.1].total_cmp(&map[b.0][b.1])).unwrap();
    let at = |g: usize, d: usize| f64::from(map[g % n_gates][d % n]).ln();
    let vertex = |a: f64, b: f64, c: f64| 0.5 * (a - c) / (a - 2.0 * b + c);
    let between_gates = vertex(at(gate + n_gates - 1, bin), at(gate, bin), at(gate + 1, bin));
    let between_bins = vertex(at(gate, bin + n - 1), at(gate, bin), at(gate, bin + 1));
    let signed = if bin < n / 2 { bin as f64 } else { bin as f64 - n as f64 };
    (gate as f64 + between_gates, signed + between_bins, map[gate][bin])
}

/// Range and range rate of the strongest cell, the range freed from its coupling with Doppler and brought to the
/// middle of the CPI, as the target's is.
fn measured(plan: &Arc<FmcwPlan>, samples: &IqBlock) -> (f64, f64) {
    let (gate, bin, _) = strongest(plan, samples);
    let doppler_hz = bin / (plan.n_pulses() as f64 * plan.chirp_period_s());
    let velocity_mps = plan.velocity_mps_from_doppler_hz(doppler_hz);
    (plan.range_m_from_gate(gate) - plan.range_shift_m(velocity_mps), velocity_mps)
}

fn check(plan: &Arc<FmcwPlan>, samples: &IqBlock, target: Target, middle_s: f64) {
    let (range_m, velocity_mps) = measured(plan, samples);
    let truth_m = target.range_m + target.velocity_mps * middle_s;
    let (gate_m, bin_mps) = (plan.range_m_per_gate(), plan.velocity_mps_per_bin(plan.n_pulses()));
    assert!((range_m - truth_m).abs() < 0.1 * gate_m, "{range_m} m of {truth_m}, gates of {gate_m}");
    let error_mps = velocity_mps - target.velocity_mps;
    assert!(error_mps.abs() < 0.1 * bin_mps, "{velocity_mps} m/s of {}", target.velocity_mps);
}

const TARGETS: [Target; 3] = [
    Target { range_m: 20.0, velocity_mps: 0.0 },
    Target { range_m: 31.3, velocity_mps: 9.0 },
    Target { range_m: 12.6, velocity_mps: -6.5 },
];

/// Rising and falling sweeps, complex and real: range and range rate come out with their signs, and only if the
/// coupling of range and Doppler is taken out.
#[test]
fn beat_signals_give_range_and_range_rate() {
    let (rate_hz, chirp_len, n_pulses) = (5e6, 256, 64);
    for slope in [10e12, -10e12] {
        for complex in [true, false] {
            for target in TARGETS {
                let format = SampleFormat { complex, ..SampleFormat::real(Scalar::F32) };
                let config = config(slope, n_pulses, FmcwInput::Beat);
                let samples = block(format, &beat(&config, rate_hz, chirp_len, target));
                let plan = FmcwPlan::new(&config, &stream(format, rate_hz, Some(chirp_len))).unwrap();
                let plan = Arc::new(plan);
                assert_eq!(plan.n_gates(), if complex { 256 } else { 128 });
                let middle_s = 0.5 * (n_pulses as f64 * 60e-6);
                check(&plan, &samples, target, middle_s);
            }
        }
    }
}

/// A receiver that gives the conjugate is put right by `conjugate`; without it the target is where none is.
#[test]
fn the_other_mixer_needs_conjugation() {
    let target = TARGETS[1];
    let format = SampleFormat::complex(Scalar::F32);
    let config = config(20e12, 64, FmcwInput::Beat);
    let turned: Vec<Wide> = beat(&config, 5e6, 256, target).iter().map(|x| x.conj()).collect();
    let mut stream = stream(format, 5e6, Some(256));
    let plan = Arc::new(FmcwPlan::new(&config, &stream).unwrap());
    assert!((measured(&plan, &block(format, &turned)).0 - target.range_m).abs() > 10.0);
    stream.to_baseband.conjugate = true;
    let plan = Arc::new(FmcwPlan::new(&config, &stream).unwrap());
    check(&plan, &block(format, &turned), target, 0.5 * 64.0 * 60e-6);
}

/// The received sweep itself, sampled around the carrier with a pause between sweeps, is dechirped here.
#[test]
fn a_received_sweep_is_dechirped() {
    let (rate_hz, n_pulses) = (40e6, 64);
    for slope in [0.5e12, -0.5e12] {
        for (start_s, target) in [0.0, 2.3e-6, 5e-6].into_iter().zip(TARGETS) {
            let mut config = config(slope, n_pulses, FmcwInput::Sweep);
            config.sweep.start_s = start_s;
            config.sweep.duration_s = Some(50e-6);
            config.range_m = Some(RangeLimits { min: 0.0, max: 60.0 });
            let chirp_len = 2400;
            let samples: Vec<Wide> = (0..n_pulses * chirp_len)
                .map(|n| {
                    let (pulse, t) = (n / chirp_len, (n % chirp_len) as f64 / rate_hz - start_s);
                    let delay_s = target.delay_s(pulse as f64 * 60e-6 + start_s + t);
                    let echo_s = t - delay_s;
                    let on = (0.0..50e-6).contains(&echo_s);
                    let cycles = sent_cycles(&config.sweep, 50e-6, echo_s) - config.sweep.carrier_hz * t;
                    Wide::from_polar(if on { 0.5 } else { 0.0 }, TAU * cycles.fract())
                })
                .collect();
            let format = SampleFormat::complex(Scalar::F32);
            let plan = Arc::new(FmcwPlan::new(&config, &stream(format, rate_hz, None)).unwrap());
            assert_eq!(plan.chirp_len(), chirp_len);
            assert!((10..40).contains(&plan.n_gates()), "{}", plan.n_gates());
            check(&plan, &block(format, &samples), target, 0.5 * n_pulses as f64 * 60e-6);
        }
    }
}

/// A beat tone of amplitude A gives A, zero padding or not, complex or real, and whatever the window.
#[test]
fn amplitudes_are_those_of_the_beat_signal() {
    for complex in [true, false] {
        for (window, n_range) in
            [(Window::Rectangular {}, None), (Window::Hann {}, Some(512)), (Window::Blackman {}, None)]
        {
            let format = SampleFormat { complex, ..SampleFormat::real(Scalar::F32) };
            let mut config = config(20e12, 1, FmcwInput::Beat);
            (config.window, config.n_range) = (window, n_range);
            let plan = Arc::new(FmcwPlan::new(&config, &stream(format, 5e6, Some(256))).unwrap());
            let tone: Vec<Wide> =
                (0..256).map(|n| Wide::from_polar(0.25, TAU * n as f64 * 40.0 / 256.0 + 1.0)).collect();
            let mut cube = plan.make_cube();
            plan.make_worker().fill(&block(format, &tone), 0, &mut cube);
            let gate = 40 * n_range.unwrap_or(256) / 256;
            let found = cube.row(0)[gate];
            // The cube holds the conjugate of a rising sweep's beat.
            let expected = Complex32::from_polar(0.25, -1.0);
            assert!((found - expected).norm() < 1e-5, "{found} of {expected}");
        }
    }
}

/// The slow twin: the transform by its definition, time counted from the middle of the sweep, with dirty scratch, at any place of the block.
#[test]
fn rows_are_the_transform_by_its_definition() {
    use rand::{RngExt, SeedableRng};
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
    let noise: Vec<Wide> =
        (0..200).map(|_| Wide::new(rng.random_range(-1.0..1.0), rng.random_range(-1.0..1.0))).collect();
    let format = SampleFormat::complex(Scalar::F32);
    for slope in [20e12, -20e12] {
        let mut config = config(slope, 2, FmcwInput::Beat);
        config.sweep.start_s = 3e-6;
        config.sweep.duration_s = Some(9e-6);
        config.n_range = Some(60);
        config.range_m = Some(RangeLimits { min: 5.0, max: 30.0 });
        let stream = stream(format, 5e6, Some(70));
        let plan = Arc::new(FmcwPlan::new(&config, &stream).unwrap());
        let samples = block(format, &noise);
        let mut worker = plan.make_worker();
        let mut row = vec![Complex32::ZERO; plan.n_gates()];
        worker.compress(&samples, 0, 120, &mut row);
        worker.compress(&samples, 0, 17, &mut row);

        let mut x = vec![Complex32::ZERO; 45];
        Converter::new(format, ToBaseband::default(), stream.sample_rate).unwrap().convert(
            &samples,
            0,
            32..77,
            &mut x,
        );
        let window = Window::Hann {}.samples(45);
        let sum: f32 = window.iter().sum();
        for (gate, y) in row.iter().enumerate() {
            let k = (plan.range_m_from_gate(gate as f64) / plan.range_m_per_gate()).round() * slope.signum();
            let terms = x.iter().zip(&window).enumerate().map(|(n, (x, w))| {
                let turn = Wide::from_polar(f64::from(w / sum), -TAU * k * (n as f64 - 22.0) / 60.0);
                Wide::new(x.re.into(), x.im.into()) * turn
            });
            let expected = terms.sum::<Wide>().conj();
            assert!((Wide::new(y.re.into(), y.im.into()) - expected).norm() < 1e-5, "gate {gate}");
        }
    }
}

#[test]
fn impossible_settings_are_refused_with_their_names() {
    let format = SampleFormat::complex(Scalar::F32);
    let good = || (config(20e12, 64, FmcwInput::Beat), stream(format, 5e6, Some(256)));
    assert!(FmcwPlan::new(&good().0, &good().1).is_ok());
    type Change = fn(&mut FmcwConfig, &mut StreamInfo);
    let cases: [(&str, Change); 16] = [
        ("slope", |c, _| c.sweep.slope_hz_per_s = 0.0),
        ("slope", |c, _| c.sweep.slope_hz_per_s = f64::NAN),
        ("carrier_hz", |c, _| c.sweep.carrier_hz = 0.0),
        ("chirp_period_s", |c, _| c.sweep.chirp_period_s = 50e-6),
        ("chirp_period_s", |c, s| (c.sweep.chirp_period_s, s.pulse_len) = (60.01e-6, None)),
        ("chirp_period_s", |c, s| (c.sweep.chirp_period_s, s.pulse_len) = (1e9, None)),
        ("start_s", |c, _| c.sweep.start_s = -1e-6),
        ("start_hz", |c, _| c.sweep.start_hz = Some(1.0)),
        ("duration_s", |c, _| c.sweep.duration_s = Some(52e-6)),
        ("duration_s", |c, _| c.sweep.duration_s = Some(1e-9)),
        ("n_range", |c, _| c.n_range = Some(255)),
        ("n_range", |c, _| c.n_range = Some(usize::MAX)),
        ("range_m", |c, _| c.range_m = Some(RangeLimits { min: 0.0, max: 1e6 })),
        ("n_pulses", |c, _| c.n_pulses = 0),
        ("n_pulses", |c, _| c.n_pulses = usize::MAX),
        ("intermediate_frequency_hz", |_, s| s.to_baseband.intermediate_frequency_hz = 1e6),
    ];
    for (field, change) in cases {
        let (mut config, mut stream) = good();
        change(&mut config, &mut stream);
        let message = FmcwPlan::new(&config, &stream).expect_err(field).to_string();
        assert!(message.contains(field) && message.contains("expected"), "{field}: {message}");
    }
}

#[test]
fn a_configuration_is_short_and_strict() {
    let text =
        "n_pulses = 128\n[sweep]\nslope_hz_per_s = 60e12\ncarrier_hz = 77.42e9\nchirp_period_s = 92e-6\n";
    let parsed: FmcwConfig = toml::from_str(text).unwrap();
    assert_eq!((parsed.input, parsed.window), (FmcwInput::Beat, Window::Hann {}));
    assert!(toml::from_str::<FmcwConfig>(&text.replace("carrier_hz", "carier_hz")).is_err());
}
