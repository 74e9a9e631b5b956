//! Acquisition of GPS L1 C/A: the real recordings against their truth, and simulated signals against their own.

use rangegate_core::{
    BlockHeader, IqBlock, SampleFormat, SampleRate, Scalar, Segment, StreamInfo, ToBaseband,
};
use rangegate_dsp::burst::periodic::{Integration, PeriodicPlan};
use rangegate_dsp::burst::{BurstConfig, DopplerGrid, FalseAlarmScope, FilterInput, Peak};
use rangegate_dsp::detect::{CfarConfig, CfarWindow};
use rangegate_dsp::waveform::{GpsL1Ca, Replica, Waveform};
use std::path::PathBuf;
use std::sync::Arc;

const CHIP_RATE_HZ: f64 = 1.023e6;
const L1_HZ: f64 = 1575.42e6;

/// The settings that the report and the shipped configurations give for both recordings.
fn config(coherent_periods: usize, noncoherent: usize, step_hz: f64, samples_per_chip: f64) -> BurstConfig {
    BurstConfig {
        input: FilterInput::Complex,
        doppler: DopplerGrid { max_hz: 5000.0, step_hz },
        hold_off_s: 0.0,
        false_alarm_probability: 1e-3,
        false_alarm_scope: FalseAlarmScope::Search,
        min_correlation: 0.0,
        cfar: CfarConfig::CaCfar(CfarWindow {
            guard: (2.0 * samples_per_chip).ceil() as usize,
            training: (150.0 * samples_per_chip) as usize,
        }),
        integration: Some(Integration { coherent_periods, noncoherent, carrier_frequency_hz: None }),
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

fn satellites(rate_hz: f64) -> Vec<Replica> {
    (1..=32)
        .map(|prn| Waveform::GpsL1Ca(GpsL1Ca { prn }).replica(format!("gps-prn-{prn:02}"), rate_hz).unwrap())
        .collect()
}

/// A dwell of stored bytes.
fn segment(bytes: &[u8], stream: &StreamInfo, first_sample: u64, len: usize, sequence: u64) -> Segment {
    let size = stream.format.bytes();
    let start = first_sample as usize * size;
    let mut block = IqBlock::default();
    let header = BlockHeader { first_sample, ..BlockHeader::default() };
    block.fill(header, stream.format, 1, len).copy_from_slice(&bytes[start..start + len * size]);
    Segment { block, core: 0..len, sequence, starts_run: true, ends_run: true, set: 0 }
}

/// Peaks of the dwell at `first_sample`, all replica sets.
fn search(plan: &Arc<PeriodicPlan>, bytes: &[u8], stream: &StreamInfo, first_sample: u64) -> Vec<Peak> {
    let mut segment = segment(bytes, stream, first_sample, plan.core_len(), 0);
    let mut worker = plan.make_worker();
    let mut peaks = Vec::new();
    for set in 0..plan.n_sets() {
        segment.set = set;
        worker.process(&segment, &mut peaks);
    }
    plan.settle(&mut peaks);
    peaks
}

fn recordings() -> Option<PathBuf> {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/recordings");
    let folder = std::env::var_os("RANGEGATE_RECORDINGS").map_or_else(beside, PathBuf::from);
    folder.is_dir().then_some(folder)
}

#[test]
fn explore() {
    let folder = recordings().unwrap();
    let (c, m) = (
        std::env::var("C").map_or(5, |x| x.parse().unwrap()),
        std::env::var("M").map_or(20, |x| x.parse().unwrap()),
    );
    let step: f64 = std::env::var("STEP").map_or(0.5e3 / c as f64, |x| x.parse().unwrap());
    for (name, rate, format, to) in [
        (
            "L1_20211125_004000_12MHz_I.bin",
            12e6,
            SampleFormat::real(Scalar::I8),
            ToBaseband { intermediate_frequency_hz: 3e6, ..ToBaseband::default() },
        ),
        (
            "L1_20211202_084700_4MHz_IQ_first250ms.bin",
            4e6,
            SampleFormat::complex(Scalar::I8),
            ToBaseband { conjugate: true, ..ToBaseband::default() },
        ),
    ] {
        let bytes = std::fs::read(folder.join("gps").join(name)).unwrap();
        let info = stream(rate, format, to);
        let begin = std::time::Instant::now();
        let plan = Arc::new(
            PeriodicPlan::new(&config(c, m, step, rate / CHIP_RATE_HZ), &info, &satellites(rate)).unwrap(),
        );
        println!(
            "{name}: plan {:?} p_cell {:.2e} worker {:.1} MB",
            begin.elapsed(),
            plan.cell_probability(),
            plan.worker_bytes() as f64 / 1e6
        );
        for dwell in 0..bytes.len() / format.bytes() / plan.core_len() {
            let begin = std::time::Instant::now();
            let peaks = search(&plan, &bytes, &info, (dwell * plan.core_len()) as u64);
            println!("dwell {dwell} {:?}", begin.elapsed());
            for p in peaks {
                println!(
                    "  PRN {:2} {:8.1} Hz {:7.2} chips {:5.1} dB stat {:.2} pow {:.1} sample {}+{:.3}",
                    p.template + 1,
                    p.doppler_hz,
                    p.delay_s.unwrap() * CHIP_RATE_HZ,
                    p.snr_db,
                    p.statistic,
                    p.power_db,
                    p.sample,
                    p.sample_fraction
                );
            }
        }
    }
}
