//! `bench pulse-doppler`: from pulses of cs16 in memory to detections, a CPI again and again on one core.

use super::args::PulseDopplerArgs;
use super::measure::{Case, interleaved, show};
use super::noise::Random;
use crate::Outcome;
use anyhow::{Context, Result, bail};
use rangegate_core::{BlockHeader, IqBlock, SampleFormat, SampleRate, Segment, StreamInfo, ToBaseband};
use rangegate_dsp::chain::Chain;
use rangegate_dsp::convert::{ChannelSource, Converter};
use rangegate_dsp::pulse_compression::{CompressionPlan, PulseStart};
use rangegate_dsp::pulse_doppler::{PulseDopplerConfig, PulseDopplerPlan};
use rangegate_dsp::range_doppler::PulseCube;
use rangegate_dsp::waveform::{LinearChirp, Replica, Waveform};
use rangegate_dsp::window::Window;
use std::f64::consts::TAU;
use std::sync::Arc;

const RATE_HZ: u64 = 20_000_000;
const N_PULSES: usize = 128;
/// Doppler bin of the target that is in the noise.
const BIN: usize = 17;

/// A CPI's size.
struct Size {
    n_channels: usize,
    n_fast: usize,
    n_replica: usize,
}

/// Runs the command.
///
/// # Errors
/// The chain does not find what is there.
pub fn pulse_doppler(args: &PulseDopplerArgs) -> Result<Outcome> {
    let size = match args.channels {
        1 => Size { n_channels: 1, n_fast: 8192, n_replica: 1024 },
        n @ 2..=64 => Size { n_channels: n, n_fast: 9000, n_replica: 1000 },
        n => bail!("--channels {n}: expected 1 to 64"),
    };
    let Size { n_channels, n_fast, n_replica } = size;
    let replica = replica(n_replica)?;
    let n_gates = n_fast - n_replica + 1;
    let gate = n_gates / 3;
    let block = recording(&replica, &size, gate)?;
    let stream = stream(&block, n_fast)?;
    let config = config(n_gates)?;
    let plan = Arc::new(PulseDopplerPlan::new(&config, &stream, std::slice::from_ref(&replica), 0)?);
    let chain = Chain::PulseDoppler(plan);
    let (mut worker, mut result) = (chain.make_worker(), chain.make_result());
    let core = 0..N_PULSES * n_fast;
    let segment = Segment { block: recording(&replica, &size, gate)?, core, ..Segment::default() };
    worker.process(&segment, &mut result);
    let found: Vec<f64> = result.peaks.iter().filter_map(|p| Some(p.delay_s? * RATE_HZ as f64)).collect();
    if found.len() != n_channels || found.iter().any(|at| (at - gate as f64).abs() > 0.2) {
        bail!("found targets at gates {found:?}, expected one at {gate} in each channel: this is a bug");
    }
    let converter = Converter::new(block.format(), ToBaseband::default(), stream.sample_rate)?;
    let compression =
        CompressionPlan::new(&config.compression, &replica, n_fast, 0..n_gates, PulseStart::OnSample)?;
    let mut compressor = Arc::new(compression).make_worker();
    let mut cube = PulseCube::new(N_PULSES, n_gates);
    let mut apart = IqBlock::default();
    apart.copy_apart_from(&block);
    let n_samples = n_channels * N_PULSES * n_fast;
    let compress = move || {
        for channel in 0..n_channels {
            for pulse in 0..N_PULSES {
                let pri =
                    ChannelSource { converter: &converter, block: &apart, channel, first: pulse * n_fast };
                compressor.compress(0.0, &pri, cube.row_mut(pulse));
            }
        }
    };
    let cases = vec![
        Case::new("pulse compression alone", n_samples, compress),
        Case::new("chain: compression, Doppler, CFAR, estimates", n_samples, move || {
            worker.process(&segment, &mut result);
        }),
    ];
    let work = format!(
        "{n_channels} channels × {N_PULSES} pulses × {n_fast} samples of cs16, a chirp of {n_replica}, one core"
    );
    show(&interleaved("pulse-doppler", work, cases, args.time.seconds)?, args.time.json)
}

fn replica(n_samples: usize) -> Result<Replica> {
    let chirp = LinearChirp {
        start_hz: -8e6,
        stop_hz: 8e6,
        duration_s: n_samples as f64 / RATE_HZ as f64,
        window: Window::default(),
    };
    Waveform::LinearChirp(chirp).replica("chirp", RATE_HZ as f64).context("a replica")
}

fn config(n_gates: usize) -> Result<PulseDopplerConfig> {
    let max_m = (n_gates as f64 - 20.0) / RATE_HZ as f64 * 299_792_458.0 / 2.0;
    let text = format!(
        r#"
        carrier_hz = 3e9
        framing = {{ type = "trigger" }}
        dwell = [{{ pri_s = 450e-6, n_pulses = {N_PULSES} }}]
        range = {{ max_m = {max_m:?} }}
        map.doppler.window = {{ type = "hann" }}
        map.false_alarm_probability = 1e-10
        map.cfar = {{ type = "ca_cfar", over = "both", guard_gates = 2, training_gates = 8, guard_bins = 2, training_bins = 4 }}
        "#
    );
    Ok(toml::from_str(&text)?)
}

/// Noise with one target, alike in all channels.
fn recording(replica: &Replica, size: &Size, gate: usize) -> Result<IqBlock> {
    let n_samples = N_PULSES * size.n_fast;
    let mut random = Random(1);
    let mut block = IqBlock::default();
    let format: SampleFormat = "cs16".parse()?;
    let bytes = block.fill(BlockHeader::default(), format, size.n_channels, n_samples);
    let numbers = bytes.as_chunks_mut::<4>().0;
    for (n, sample) in numbers.chunks_exact_mut(size.n_channels).enumerate() {
        let (pulse, at) = (n / size.n_fast, n % size.n_fast);
        let echo = at.checked_sub(gate).and_then(|k| replica.samples.get(k)).map_or([0.0; 2], |h| {
            let (sin, cos) = (TAU * (BIN * pulse) as f64 / N_PULSES as f64).sin_cos();
            let (re, im) = (f64::from(h.re), f64::from(h.im));
            [re * cos - im * sin, re * sin + im * cos].map(|x| 0.01 * x)
        });
        for channel in sample {
            let mut number = |echo: f64| {
                let noise = 0.05 * (f64::from(random.number()) / 2.0_f64.powi(31) - 1.0);
                (((echo + noise) * 32_768.0).round() as i16).to_le_bytes()
            };
            let (i, q) = (number(echo[0]), number(echo[1]));
            *channel = [i[0], i[1], q[0], q[1]];
        }
    }
    Ok(block)
}

fn stream(block: &IqBlock, n_fast: usize) -> Result<StreamInfo> {
    Ok(StreamInfo {
        sample_rate: SampleRate::new(RATE_HZ, 1)?,
        n_channels: block.n_channels(),
        format: block.format(),
        to_baseband: ToBaseband::default(),
        center_frequency_hz: None,
        first_sample: 0,
        anchor: None,
        n_samples: None,
        pulse_len: Some(n_fast),
    })
}
