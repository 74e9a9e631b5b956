//! Pulses of an SDR to targets: a CPI of 128 pulses × 8,192 samples, cs16 in memory, on one core. The chain, and its
//! kernels one by one. `scripts/bench-pulse-doppler` runs the same in SciPy beside it.

mod common;

use criterion::{Criterion, Throughput};
use rangegate::commands::bench::noise::Random;
use rangegate_core::{BlockHeader, IqBlock, SampleFormat, SampleRate, Segment, StreamInfo, ToBaseband};
use rangegate_dsp::convert::{ChannelSource, Converter};
use rangegate_dsp::doppler::DopplerPlan;
use rangegate_dsp::pulse_compression::{CompressionConfig, CompressionPlan, PulseStart};
use rangegate_dsp::pulse_doppler::{PulseDopplerConfig, PulseDopplerPlan};
use rangegate_dsp::range_doppler::PulseCube;
use rangegate_dsp::waveform::{LinearChirp, Replica, Waveform};
use rangegate_dsp::window::Window;
use std::f64::consts::TAU;
use std::hint::black_box;
use std::sync::Arc;

const N_PULSES: usize = 128;
const N_FAST: usize = 8192;
const N_REPLICA: usize = 1024;
const N_GATES: usize = N_FAST - N_REPLICA + 1;
const RATE_HZ: u64 = 20_000_000;

/// The target that is in the noise, 40 dB above what the CPI leaves of it.
const GATE: usize = 2345;
const BIN: usize = 17;
const AMPLITUDE: f64 = 0.01;
const NOISE: f64 = 0.05;

const CHAIN: &str = r#"
    carrier_hz = 3e9
    framing = { type = "trigger" }
    dwell = [{ pri_s = 409.6e-6, n_pulses = 128 }]
    range = { max_m = 53_600 }
    map.doppler.window = { type = "hann" }
    map.false_alarm_probability = 1e-9
    map.cfar = { type = "ca_cfar", over = "both", guard_gates = 2, training_gates = 8, guard_bins = 2, training_bins = 4 }
"#;

fn replica() -> Replica {
    let chirp = LinearChirp {
        start_hz: -8e6,
        stop_hz: 8e6,
        duration_s: N_REPLICA as f64 / RATE_HZ as f64,
        window: Window::default(),
    };
    Waveform::LinearChirp(chirp).replica("chirp", RATE_HZ as f64).expect("a replica")
}

/// Noise with one target.
fn recording(replica: &Replica) -> IqBlock {
    let mut random = Random(1);
    // Uniform noise, whose variance is a third.
    let mut noise = || NOISE * (f64::from(random.number()) / 2.0_f64.powi(31) - 1.0);
    let mut samples: Vec<[f64; 2]> = (0..N_PULSES * N_FAST).map(|_| [noise(), noise()]).collect();
    for (pulse, samples) in samples.chunks_exact_mut(N_FAST).enumerate() {
        let (sin, cos) = (TAU * (BIN * pulse) as f64 / N_PULSES as f64).sin_cos();
        for (x, h) in samples[GATE..].iter_mut().zip(&replica.samples) {
            let (re, im) = (f64::from(h.re), f64::from(h.im));
            x[0] += AMPLITUDE * (re * cos - im * sin);
            x[1] += AMPLITUDE * (re * sin + im * cos);
        }
    }
    let mut block = IqBlock::default();
    let format: SampleFormat = "cs16".parse().expect("a format");
    let bytes = block.fill(BlockHeader::default(), format, 1, N_PULSES * N_FAST);
    for (bytes, x) in bytes.chunks_exact_mut(2).zip(samples.as_flattened()) {
        bytes.copy_from_slice(&((x * 32_768.0).round() as i16).to_le_bytes());
    }
    block
}

fn stream(format: SampleFormat) -> StreamInfo {
    StreamInfo {
        sample_rate: SampleRate::new(RATE_HZ, 1).expect("a rate"),
        n_channels: 1,
        format,
        to_baseband: ToBaseband::default(),
        center_frequency_hz: None,
        first_sample: 0,
        anchor: None,
        n_samples: None,
        pulse_len: Some(N_FAST),
    }
}

fn kernels(criterion: &mut Criterion, replica: &Replica, block: &IqBlock) {
    let mut group = criterion.benchmark_group("pulse_doppler");
    group.throughput(Throughput::Elements((N_PULSES * N_FAST) as u64));
    let converter = Converter::new(block.format(), ToBaseband::default(), stream(block.format()).sample_rate);
    let converter = converter.expect("a converter");
    let config = CompressionConfig::default();
    let plan = CompressionPlan::new(&config, replica, N_FAST, 0..N_GATES, PulseStart::OnSample);
    let mut compressor = Arc::new(plan.expect("a plan")).make_worker();
    let mut cube = PulseCube::new(N_PULSES, N_GATES);
    let mut compress = |cube: &mut PulseCube| {
        for pulse in 0..N_PULSES {
            let pri = ChannelSource { converter: &converter, block, channel: 0, first: pulse * N_FAST };
            compressor.compress(0.0, &pri, cube.row_mut(pulse));
        }
    };
    compress(&mut cube);
    let echo = f64::from(cube.row(5)[GATE].norm());
    assert!((echo / AMPLITUDE - 1.0).abs() < 0.5, "an echo of {AMPLITUDE} in noise is {echo}");
    group.bench_function("convert_and_compress", |b| b.iter(|| compress(black_box(&mut cube))));

    let plan = DopplerPlan::new(N_PULSES, N_PULSES, &Window::Hann {}, N_GATES).expect("a plan");
    let (mut map, mut processor) = (plan.make_map(), Arc::new(plan).make_worker());
    processor.process(&cube, &mut map);
    let power = f64::from(map.row(BIN)[GATE]);
    assert!((power / AMPLITUDE.powi(2) - 1.0).abs() < 0.1, "an echo of {AMPLITUDE} has the power {power}");
    group.bench_function("doppler", |b| b.iter(|| processor.process(black_box(&cube), &mut map)));
    group.finish();
}

fn chain(criterion: &mut Criterion, replica: &Replica, block: IqBlock) {
    let mut group = criterion.benchmark_group("pulse_doppler");
    group.throughput(Throughput::Elements((N_PULSES * N_FAST) as u64));
    let config: PulseDopplerConfig = toml::from_str(CHAIN).expect("a configuration");
    let plan = PulseDopplerPlan::new(&config, &stream(block.format()), std::slice::from_ref(replica), 0);
    let plan = Arc::new(plan.expect("a plan"));
    let (mut worker, mut result) = (plan.make_worker(), plan.make_result());
    let segment = Segment { block, core: 0..N_PULSES * N_FAST, ..Segment::default() };
    worker.process(&segment, &mut result);
    let [peak] = result.peaks.as_slice() else { panic!("{} targets, expected one", result.peaks.len()) };
    let gate = peak.delay_s.expect("a delay") * RATE_HZ as f64;
    assert!((gate - GATE as f64).abs() < 0.1, "gate {gate} for {GATE}");
    group.bench_function("chain", |b| b.iter(|| worker.process(black_box(&segment), &mut result)));
    group.finish();
}

fn pulse_doppler(criterion: &mut Criterion) {
    let replica = replica();
    let block = recording(&replica);
    kernels(criterion, &replica, &block);
    chain(criterion, &replica, block);
}

fn main() {
    common::run(pulse_doppler);
}
