//! A car that accelerates past a Doppler radar, from a WAV file to its speed over time.

use rangegate_core::{BlockHeader, IqBlock, SampleRate, StreamInfo, ToBaseband};
use rangegate_dsp::cw::{CwConfig, CwPlan};
use rangegate_pipeline::Stop;
use rangegate_recording::{CreateOptions, OpenOptions, create, open};
use rangegate_sources::{ReplayOptions, ReplaySource, SegmentPlan, Segmenter};
use std::f64::consts::TAU;
use std::path::Path;
use std::sync::Arc;

const RATE_HZ: u64 = 44_100;
const DURATION_S: u64 = 4;
const ACCELERATION: f64 = 5.0;
const CONFIG: &str = r#"
carrier_hz = 24.125e9
n_fft = 2048
min_speed_mps = 2.0
max_speed_mps = 60.0
false_alarm_probability = 1e-6
cfar = { type = "ca_cfar", guard = 4, training = 16 }
"#;

/// Sound of 16 bits: the beat of a car that starts at 5 m/s, hum, and noise from a small generator.
fn write_sound(path: &Path, carrier_hz: f64) {
    let stream = StreamInfo {
        sample_rate: SampleRate::new(RATE_HZ, 1).unwrap(),
        n_channels: 1,
        format: "i16".parse().unwrap(),
        to_baseband: ToBaseband::default(),
        center_frequency_hz: None,
        first_sample: 0,
        anchor: None,
        n_samples: None,
        pulse_len: None,
    };
    let mut state = 1_u64;
    let mut noise = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f64 / f64::from(1 << 24) - 0.5
    };
    let n = (RATE_HZ * DURATION_S) as usize;
    let mut block = IqBlock::default();
    let out = block.fill(BlockHeader::default(), stream.format, 1, n);
    for (k, to) in out.chunks_exact_mut(2).enumerate() {
        let t = k as f64 / RATE_HZ as f64;
        let path_m = 5.0 * t + 0.5 * ACCELERATION * t * t;
        let car = 0.05 * (TAU * 2.0 * carrier_hz / 299_792_458.0 * path_m).cos();
        let value = car + 0.3 * (TAU * 50.0 * t).cos() + 0.05 * noise();
        to.copy_from_slice(&((32768.0 * value) as i16).to_le_bytes());
    }
    let mut writer = create(path, &stream, &CreateOptions::default()).unwrap();
    writer.write(&block).unwrap();
    writer.finish().unwrap();
}

#[test]
fn a_wav_file_gives_the_speed_over_time() {
    let folder = tempfile::tempdir().unwrap();
    for (name, carrier_hz) in [("k.wav", 24.125e9), ("x.wav", 10.525e9)] {
        let path = folder.path().join(name);
        write_sound(&path, carrier_hz);
        let recording = open(&path, &OpenOptions::default()).unwrap();
        let replay = ReplayOptions::default();
        let source = ReplaySource::new(recording, &replay, ToBaseband::default(), Stop::new()).unwrap();
        let config = CwConfig { carrier_hz, ..toml::from_str(CONFIG).unwrap() };
        let plan = Arc::new(CwPlan::new(&config, rangegate_core::Source::info(&source)).unwrap());
        let cut = SegmentPlan {
            core_len: plan.core_len(),
            lead: 0,
            tail: plan.tail(),
            n_sets: 1,
            whole_cores_only: false,
            joins_pulses: false,
        };
        let mut segmenter = Segmenter::new(source, cut).unwrap();
        let (mut segment, mut result) = (segmenter.make_segment(), plan.make_result());
        let (mut worker, mut n_slices) = (plan.make_worker(), 0);
        while segmenter.next_segment(&mut segment).unwrap() {
            worker.process(&segment, &mut result);
            for slice in result.slices() {
                let middle_s = (slice.first_sample as f64 + 1023.5) / RATE_HZ as f64;
                let (speed_mps, found) = (5.0 + ACCELERATION * middle_s, slice.peaks[0].speed_mps);
                assert!(
                    (found - speed_mps).abs() < 0.1,
                    "{name}: {found} of {speed_mps} m/s at {middle_s} s"
                );
                n_slices += 1;
            }
        }
        let n = (RATE_HZ * DURATION_S) as usize;
        assert_eq!(n_slices, (n - plan.n_fft()) / plan.hop() + 1, "{name}");
    }
}
