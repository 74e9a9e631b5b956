//! The run loops of the chains allocate nothing.

use rangegate_core::{
    BlockHeader, Complex32, Detection, IqBlock, SampleFormat, SampleRate, Scalar, Segment, StreamInfo,
    ToBaseband,
};
use rangegate_counting_alloc::{Counting, allocations_of_thread};
use rangegate_dsp::burst::BurstConfig;
use rangegate_dsp::burst::periodic::{Dwells, PeriodicPlan};
use rangegate_dsp::chain::Chain;
use rangegate_dsp::clutter::{CancellerConfig, CancellerPlan};
use rangegate_dsp::cw::{CwConfig, CwPlan};
use rangegate_dsp::doppler::DopplerPlan;
use rangegate_dsp::fmcw::{FmcwConfig, FmcwPlan};
use rangegate_dsp::migration::{KeystoneConfig, KeystonePlan};
use rangegate_dsp::pulse_compression::{CompressionConfig, CompressionPlan, PulseStart};
use rangegate_dsp::range_doppler::PulseCube;
use rangegate_dsp::waveform::{Barker, GpsL1Ca, LinearChirp, ModeSPreamble, Waveform};
use rangegate_dsp::window::Window;
use serde_json::json;
use std::sync::Arc;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Two channels of white noise, by a linear congruential generator.
fn segment(lead: usize, core_len: usize, tail: usize, format: SampleFormat, sequence: u64) -> Segment {
    let mut block = IqBlock::with_capacity(0);
    let header = BlockHeader { first_sample: sequence * core_len as u64, ..BlockHeader::default() };
    let mut state = sequence;
    for byte in block.fill(header, format, 2, lead + core_len + tail) {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        *byte = (state >> 56) as u8;
    }
    Segment { block, core: lead..lead + core_len, sequence, ..Segment::default() }
}

fn stream(rate_hz: f64) -> StreamInfo {
    StreamInfo {
        sample_rate: SampleRate::from_hz(rate_hz).unwrap(),
        n_channels: 2,
        format: SampleFormat::complex(Scalar::U8),
        to_baseband: ToBaseband { intermediate_frequency_hz: 1e5, ..ToBaseband::default() },
        center_frequency_hz: None,
        first_sample: 0,
        anchor: None,
        n_samples: None,
        pulse_len: None,
    }
}

#[test]
fn process_and_accept_allocate_nothing() {
    let rate_hz = 2e6;
    let barker = |length| Waveform::Barker(Barker { length, chip_s: 1e-6, alternate: false });
    let codes = [13, 11, 7, 5].map(barker);
    let preamble = [Waveform::ModeSPreamble(ModeSPreamble {})];
    let cfar = json!({"type": "os_cfar", "guard": 4, "training": 16});
    let cases = [
        (
            json!({"doppler": {"max_hz": 2e3, "step_hz": 1e3}, "false_alarm_probability": 5e-2, "cfar": cfar}),
            &codes[..],
        ),
        (
            json!({"input": "magnitude", "hold_off_s": 1e-5, "min_correlation": 0.1, "false_alarm_probability": 5e-2,
            "cfar": {"type": "so_cfar", "guard": 2, "training": 24}}),
            &preamble[..],
        ),
    ];
    for (config, waveforms) in cases {
        let config: BurstConfig = serde_json::from_value(config).unwrap();
        let stream = stream(rate_hz);
        let replicas: Vec<_> =
            waveforms.iter().enumerate().map(|(k, w)| w.replica(format!("{k}"), rate_hz).unwrap()).collect();
        let chain = Chain::burst(&config, &stream, &replicas).unwrap();
        let (core_len, lead, tail) = chain.core_lead_tail();
        let mut segments: Vec<_> = (0..6).map(|k| segment(lead, core_len, tail, stream.format, k)).collect();
        let (mut worker, mut result) = (chain.make_worker(), chain.make_result());
        worker.reserve(&stream, lead + core_len + tail);
        let mut collector = chain.make_collector();

        let before = allocations_of_thread();
        let (mut n_peaks, mut n_detections, mut n_dropped) = (0, 0, 0);
        for segment in &mut segments {
            for set in 0..chain.n_sets() {
                segment.set = set;
                worker.process(segment, &mut result);
                n_peaks += result.peaks.len();
                n_dropped += result.peaks_dropped;
                collector.accept(&result, |_: &Detection| n_detections += 1);
            }
        }
        collector.finish(|_: &Detection| n_detections += 1);
        assert_eq!(allocations_of_thread() - before, 0, "{config:?}");
        assert!(n_peaks > 100 && n_detections > 50 && n_dropped == 0, "{n_peaks} {n_detections} {n_dropped}");
    }
}

#[test]
fn searching_code_periods_allocates_nothing() {
    // The first is no whole number of samples a period.
    for rate_hz in [2.0461e6, 2.048e6] {
        let config = json!({"doppler": {"max_hz": 1e3, "step_hz": 500.0}, "false_alarm_probability": 1e-3,
            "integration": {"coherent_periods": 1, "noncoherent": 2, "carrier_frequency_hz": 1.57542e9},
            "cfar": {"type": "os_cfar", "guard": 4, "training": 16}});
        let config: BurstConfig = serde_json::from_value(config).unwrap();
        let stream = stream(rate_hz);
        let replica = |prn| Waveform::GpsL1Ca(GpsL1Ca { prn }).replica(format!("{prn}"), rate_hz).unwrap();
        let plan =
            Arc::new(PeriodicPlan::new(&config, &stream, &[1, 2, 3, 4, 5, 6, 7, 8, 9].map(replica)).unwrap());
        let mut segments: Vec<_> = (0..2).map(|k| segment(0, plan.core_len(), 0, stream.format, k)).collect();
        let (mut worker, mut result) = (plan.make_worker(), plan.make_result());
        let mut dwells = Dwells::new(&plan);

        let before = allocations_of_thread();
        let (mut n_peaks, mut n_detections) = (0, 0);
        for segment in &mut segments {
            for set in 0..plan.n_sets() {
                segment.set = set;
                worker.process(segment, &mut result);
                n_peaks += result.peaks.len();
                dwells.accept(&result, |_| n_detections += 1);
            }
        }
        assert_eq!(allocations_of_thread() - before, 0, "{rate_hz} Hz");
        assert!(n_peaks > 20 && n_detections > 20, "{n_peaks} {n_detections}");
    }
}

#[test]
fn compressing_chirps_allocates_nothing() {
    let config = json!({"n_pulses": 32, "n_range": 300, "input": "sweep", "sweep":
        {"slope_hz_per_s": 1e10, "carrier_hz": 1e10, "chirp_period_s": 1e-4, "start_s": 5e-6}});
    let config: FmcwConfig = serde_json::from_value(config).unwrap();
    let stream = stream(2e6);
    let plan = Arc::new(FmcwPlan::new(&config, &stream).unwrap());
    let segment = segment(0, 32 * plan.chirp_len(), 0, stream.format, 1);
    let (mut worker, mut cube) = (plan.make_worker(), plan.make_cube());
    let before = allocations_of_thread();
    for channel in 0..2 {
        worker.fill(&segment.block, channel, &mut cube);
    }
    assert_eq!(allocations_of_thread() - before, 0);
    assert!(cube.row(31).iter().all(|y| y.norm() > 0.0));
}

#[test]
fn measuring_speeds_allocates_nothing() {
    for rank in [None, Some(0.6)] {
        let kind = if rank.is_some() { "os_cfar" } else { "ca_cfar" };
        let mut cfar = json!({"type": kind, "guard": 4, "training": 16});
        if let Some(rank) = rank {
            cfar["rank"] = json!(rank);
        }
        let config = json!({"carrier_hz": 24e9, "n_fft": 1000, "hop": 300, "false_alarm_probability": 1e-2, "cfar": cfar});
        let config: CwConfig = serde_json::from_value(config).unwrap();
        let stream = stream(2e6);
        let plan = Arc::new(CwPlan::new(&config, &stream).unwrap());
        let segments = [1, 2].map(|k| segment(0, plan.core_len(), plan.tail(), stream.format, k));
        let (mut worker, mut result) = (plan.make_worker(), plan.make_result());
        let before = allocations_of_thread();
        let mut n_peaks = 0;
        for segment in &segments {
            worker.process(segment, &mut result);
            n_peaks += result.slices().iter().map(|slice| slice.peaks.len()).sum::<usize>();
        }
        assert_eq!(allocations_of_thread() - before, 0);
        assert!(n_peaks > 100, "{n_peaks}");
    }
}

#[test]
fn kernels_of_pulse_doppler_allocate_nothing() {
    let (n_pulses, n_fast, n_gates) = (24, 900, 800);
    let chirp = LinearChirp { start_hz: -0.3, stop_hz: 0.3, duration_s: 60.0, window: Window::default() };
    let replica = Waveform::LinearChirp(chirp).replica("chirp", 1.0).unwrap();
    let config = CompressionConfig::default();
    let pri: Vec<_> = (0..n_fast).map(|n| Complex32::new((n % 7) as f32, 1.0)).collect();
    for start in [PulseStart::OnSample, PulseStart::BetweenSamples] {
        let compression = CompressionPlan::new(&config, &replica, n_fast, 0..n_gates, start).unwrap();
        let canceller = CancellerPlan::new(CancellerConfig::Mean {}, n_pulses, &[1e-3]).unwrap();
        let keystone = KeystonePlan::new(&KeystoneConfig::default(), n_pulses, n_gates, 1.0, 50.0).unwrap();
        let doppler = DopplerPlan::new(n_pulses, n_pulses, &Window::Hann {}, n_gates).unwrap();
        let (mut map, mut cube) = (doppler.make_map(), PulseCube::new(n_pulses, n_gates));
        let mut compressor = Arc::new(compression).make_worker();
        let mut keystone = Arc::new(keystone).make_worker();
        let mut doppler = Arc::new(doppler).make_worker();
        let before = allocations_of_thread();
        for _ in 0..3 {
            for pulse in 0..n_pulses {
                let fraction = if start == PulseStart::OnSample { 0.0 } else { 0.01 * pulse as f64 };
                compressor.compress(fraction, pri.as_slice(), cube.row_mut(pulse));
            }
            canceller.process(&mut cube);
            keystone.process(&mut cube);
            doppler.process(&cube, &mut map);
        }
        assert_eq!(allocations_of_thread() - before, 0, "{start:?}");
        assert!(map.row(0).iter().all(|power| power.is_finite()));
    }
}
