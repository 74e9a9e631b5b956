//! The cubes of a TI 77 GHz radar: the strongest mover is where the recordings' truth has it.
#![allow(clippy::print_stdout, reason = "tests say what they measured and what they skipped")]

use rangegate_core::{
    BlockHeader, Complex32, IqBlock, SampleFormat, SampleRate, Scalar, StreamInfo, ToBaseband,
};
use rangegate_dsp::fmcw::{FmcwConfig, FmcwPlan};
use rangegate_dsp::window::Window;
use rustfft::FftPlanner;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const CONFIG: &str = "
n_pulses = 128
[sweep]
slope_hz_per_s = 60e12
carrier_hz = 77.42e9
chirp_period_s = 116e-6
";

/// The cube in a file, complex128 that holds int16 modulo 65536, as a block of cs16.
fn read_cube(path: &Path, n_samples: usize) -> IqBlock {
    let file = std::fs::read(path).unwrap();
    let doubles = file[file.len() - 128 * n_samples * 16..].as_chunks::<8>().0;
    let mut block = IqBlock::default();
    let out = block.fill(BlockHeader::default(), SampleFormat::complex(Scalar::I16), 1, 128 * n_samples);
    for (to, from) in out.as_chunks_mut::<2>().0.iter_mut().zip(doubles) {
        *to = (f64::from_le_bytes(*from) as u16).to_le_bytes();
    }
    block
}

/// Powers `[n_gates][n_doppler]` after a Hann window along slow time.
fn map_of(plan: &Arc<FmcwPlan>, block: &IqBlock) -> Vec<Vec<f64>> {
    let mut cube = plan.make_cube();
    plan.make_worker().fill(block, 0, &mut cube);
    let window = Window::Hann {}.samples(cube.n_rows());
    let fft = FftPlanner::new().plan_fft_forward(cube.n_rows());
    let column = |gate: usize| {
        let mut x: Vec<Complex32> = (0..cube.n_rows()).map(|p| cube.row(p)[gate] * window[p]).collect();
        fft.process(&mut x);
        x.iter().map(|x| f64::from(x.norm_sqr())).collect()
    };
    (0..cube.n_gates()).map(column).collect()
}

#[test]
fn the_strongest_mover_is_where_the_truth_has_it() {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/recordings");
    let folder = std::env::var_os("RANGEGATE_RECORDINGS").map_or(beside, PathBuf::from);
    if !folder.is_dir() {
        println!("SKIPPED 2 cases: no real recordings at {}", folder.display());
        return;
    }
    let truth: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.join("truth/fmcw.json")).unwrap()).unwrap();
    for (name, n_samples) in [("simple_frame_1.npy", 128), ("doppler_example.npy", 256)] {
        let config: FmcwConfig = toml::from_str(CONFIG).unwrap();
        let stream = StreamInfo {
            sample_rate: SampleRate::new(2_500_000, 1).unwrap(),
            n_channels: 1,
            format: SampleFormat::complex(Scalar::I16),
            to_baseband: ToBaseband::default(),
            center_frequency_hz: None,
            first_sample: 0,
            anchor: None,
            n_samples: None,
            pulse_len: Some(n_samples),
        };
        let plan = Arc::new(FmcwPlan::new(&config, &stream).unwrap());
        let map = map_of(&plan, &read_cube(&folder.join("fmcw").join(name), n_samples));
        let mut powers: Vec<f64> = map.iter().flatten().copied().collect();
        powers.sort_by(f64::total_cmp);
        let median = 0.5 * (powers[powers.len() / 2 - 1] + powers[powers.len() / 2]);

        // The truth is of the beat signals' own transform, in which Doppler has the other sign.
        let expected = &truth[name]["strongest_mover"];
        let beat_bin = expected["doppler_bin"].as_i64().unwrap();
        let wanted = (expected["range_bin"].as_u64().unwrap() as usize, (-beat_bin).rem_euclid(128) as usize);
        let cells = (0..map.len()).flat_map(|gate| (0..128).map(move |bin| (gate, bin)));
        let moving = cells.filter(|&(_, bin)| bin != 0);
        let found = moving.max_by(|a, b| map[a.0][a.1].total_cmp(&map[b.0][b.1])).unwrap();
        let snr_db = 10.0 * (map[found.0][found.1] / median).log10();
        println!("{name}: gate {}, Doppler bin {}, {snr_db:.2} dB over the median", found.0, found.1);
        assert_eq!(found, wanted, "{name}");
        assert!((snr_db - expected["snr_over_median_db"].as_f64().unwrap()).abs() < 0.3, "{snr_db}");
        if let Some(static_bin) = truth[name]["static_bin"].as_u64() {
            let strongest = (0..map.len()).max_by(|&a, &b| map[a][0].total_cmp(&map[b][0])).unwrap();
            assert_eq!(strongest as u64, static_bin, "{name}");
        }
        if let Some(gate_m) = truth[name]["range_m_per_bin"].as_f64() {
            assert!((plan.range_m_per_gate() - gate_m).abs() < 1e-4, "{}", plan.range_m_per_gate());
        }
    }
}
