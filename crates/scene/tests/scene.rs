//! Scenes against their own definition, in numbers and in statistics.
#![allow(clippy::float_cmp)] // what is exact is compared exactly

use rangegate_core::{Complex32, IqBlock, SampleFormat, Source};
use rangegate_dsp::convert::Converter;
use rangegate_dsp::waveform::Waveform;
use rangegate_scene::{Scene, SceneConfig, SceneSource, TruthRecord};
use std::f64::consts::TAU;
use std::sync::Arc;

const RATE_HZ: f64 = 2.4e6;

const WAVEFORMS: &str = "
    [[waveform]]
    name = 'barker'
    type = 'barker'
    length = 13
    chip_s = 1e-6
    [[waveform]]
    name = 'chirp'
    type = 'linear_chirp'
    start_hz = -8e5
    stop_hz = 8e5
    duration_s = 200e-6
";

fn config(head: &str, tail: &str) -> SceneConfig {
    let text = format!("sample_rate_hz = {RATE_HZ}\nseed = 7\n{head}\n{WAVEFORMS}\n{tail}");
    toml::from_str(&text).unwrap()
}

fn scene(head: &str, tail: &str) -> Arc<Scene> {
    Arc::new(Scene::new(&config(head, tail)).unwrap())
}

/// All blocks of a scene.
fn blocks(scene: &Arc<Scene>, block_samples: usize) -> Vec<IqBlock> {
    let mut source = SceneSource::new(Arc::clone(scene), block_samples);
    let mut blocks = Vec::new();
    let mut block = IqBlock::default();
    while source.next_block(&mut block).unwrap() {
        blocks.push(block.clone());
    }
    blocks
}

/// One channel of a scene without gaps, as a receiver reads it.
fn samples(scene: &Arc<Scene>, channel: usize) -> Vec<Complex32> {
    let info = scene.info();
    let converter = Converter::new(info.format, info.to_baseband, info.sample_rate).unwrap();
    let block = &blocks(scene, usize::MAX)[0];
    let mut out = vec![Complex32::ZERO; block.n_samples()];
    assert_eq!(converter.convert(block, channel, 0..block.n_samples(), &mut out), 0);
    out
}

fn waveform(name: &str) -> Waveform {
    let config = config("format = 'cs8'\nduration_s = 1.0", "");
    config.waveforms.into_iter().find(|entry| entry.name == name).unwrap().waveform
}

fn power(samples: &[Complex32]) -> f64 {
    samples.iter().map(|x| f64::from(x.norm_sqr())).sum::<f64>() / samples.len() as f64
}

#[test]
fn a_seed_gives_the_same_bytes_for_any_block_size() {
    let head =
        "format = 'cs16'\nduration_s = 0.02\nn_channels = 2\nnoise_power_db = -20\nfirst_sample = 1000";
    let tail = "
        [[gap]]
        start_s = 0.0041
        duration_s = 0.00301
        [[burst]]
        waveform = 'chirp'
        time_s = 0.001
        interval_s = 0.0003
        snr_db = 10
        channels = [1]";
    let scene = scene(head, tail);
    let whole = blocks(&scene, usize::MAX);
    let positions = |blocks: &[IqBlock]| {
        blocks.iter().map(|b| (b.header.first_sample, b.n_samples(), b.header.after_gap)).collect::<Vec<_>>()
    };
    assert_eq!(positions(&whole), [(1000, 9840, false), (1000 + 17_064, 30_936, true)]);
    assert_eq!(scene.info().n_samples, Some(9840 + 30_936));
    let bytes = |blocks: &[IqBlock]| blocks.iter().flat_map(|b| b.bytes().to_vec()).collect::<Vec<_>>();
    for block_samples in [0, 7, 1000, 4096, 10_000] {
        let pieces = blocks(&scene, block_samples);
        assert!(bytes(&pieces) == bytes(&whole), "blocks of {block_samples}");
        assert_eq!(pieces.iter().filter(|b| b.header.after_gap).count(), 1);
    }
    let mut other = config(head, tail);
    other.seed = 8;
    assert!(bytes(&blocks(&Arc::new(Scene::new(&other).unwrap()), usize::MAX)) != bytes(&whole));
    // What is lost does not move what is there.
    let mut ungapped = config(head, tail);
    ungapped.gaps.clear();
    let full = blocks(&Arc::new(Scene::new(&ungapped).unwrap()), usize::MAX);
    assert!(full[0].bytes()[17_064 * 8..] == *whole[1].bytes());
}

#[test]
fn noise_has_its_power_and_nothing_else() {
    for format in ["cu8", "cs8", "cs16", "cs16_be", "cs32", "cf32", "cf64_be"] {
        let head = format!("format = '{format}'\nduration_s = 0.4\nn_channels = 2\nnoise_power_db = -15");
        let scene = scene(&head, "");
        let (a, b) = (samples(&scene, 0), samples(&scene, 1));
        let n = a.len() as f64;
        let expected = 10_f64.powf(-1.5);
        // Relative deviation of a power from n samples is 1/√n; 8 bits add a twelfth of a step, twice.
        let slack = 5.0 / n.sqrt() + 2.0 / 12.0 / 128.0_f64.powi(2) / expected;
        for x in [&a, &b] {
            assert!((power(x) / expected - 1.0).abs() < slack, "{format}: {} {expected}", power(x));
            let mean = x.iter().sum::<Complex32>() / n as f32;
            assert!(f64::from(mean.norm()) < 5.0 * (expected / n).sqrt(), "{format}: mean {mean}");
        }
        let correlation = |x: &[Complex32], y: &[Complex32]| {
            x.iter().zip(y).map(|(x, y)| x * y.conj()).sum::<Complex32>().norm() as f64 / n / expected
        };
        assert!(correlation(&a, &b) < 5.0 / n.sqrt(), "{format}: channels");
        assert!(correlation(&a, &a[1..]) < 5.0 / n.sqrt(), "{format}: time");
        assert!(correlation(&a, &a[4096..]) < 5.0 / n.sqrt(), "{format}: chunks");
        let parts: f64 = a.iter().map(|x| f64::from(x.re) * f64::from(x.im)).sum();
        assert!(parts.abs() / n / expected < 5.0 / n.sqrt(), "{format}: parts");
    }
}

/// The slow twin: every sample is the sum of all bursts that the truth lists, by the formula of the crate's page.
#[test]
fn samples_are_what_the_truth_says() {
    let tail = "
        [[burst]]
        waveform = 'barker'
        time_s = 0.0001
        interval_s = 0.0007
        count = 9
        power_db = -6
        doppler_hz = 4321.0
        phase_deg = 30.0
        [[burst]]
        waveform = 'chirp'
        sample = 1234.56
        interval_s = 0.00020001
        power_db = -20
        doppler_hz = -1e5
        channels = [1]
        [[burst]]
        waveform = 'barker'
        sample = 23999.5
        power_db = 0";
    let scene = scene("format = 'cf64'\nduration_s = 0.01\nn_channels = 2\nfirst_sample = 500", tail);
    let truth: Vec<TruthRecord> = scene.truth().collect();
    assert_eq!(truth.len(), 2 * 9 + 48 + 2);
    let edge = |record: &TruthRecord| record.sample as f64 + record.sample_fraction;
    assert!(truth.is_sorted_by_key(edge));
    for channel in 0..2 {
        let mut expected = vec![Complex32::ZERO; 24_000];
        for record in truth.iter().filter(|record| record.channel == channel) {
            let signal = waveform(&record.template).signal(RATE_HZ).unwrap();
            let amplitude = 10_f64.powf(record.power_db / 20.0);
            for n in record.sample..(record.sample + record.duration_samples as u64 + 3).min(24_500) {
                let after_edge = n as f64 - edge(record);
                let phase = TAU * (record.doppler_hz * after_edge / RATE_HZ + record.phase_deg / 360.0);
                let value = signal.value(after_edge / RATE_HZ) * amplitude;
                let (re, im) = (
                    value.re * phase.cos() - value.im * phase.sin(),
                    value.re * phase.sin() + value.im * phase.cos(),
                );
                expected[n as usize - 500] += Complex32::new(re as f32, im as f32);
            }
        }
        let found = samples(&scene, channel as usize);
        for (n, (found, expected)) in found.iter().zip(&expected).enumerate() {
            assert!((found - expected).norm() < 1e-5, "channel {channel}, sample {n}: {found} {expected}");
        }
    }
    // The first train is coherent: its phase runs on with the Doppler shift from burst to burst.
    let phases: Vec<f64> = truth.iter().filter(|r| r.doppler_hz > 0.0).map(|r| r.phase_deg).collect();
    assert!((phases[0] - 30.0).abs() < 1e-9);
    assert!((phases[2] - (30.0 + 360.0 * 4321.0 * 0.0007_f64).rem_euclid(360.0)).abs() < 1e-6);
    assert!(truth.iter().all(|r| r.complete == (edge(r) + r.duration_samples < 24_500.0)));
}

#[test]
fn matched_filters_measure_the_snr_that_was_asked_for() {
    let tail = "
        [[burst]]
        waveform = 'chirp'
        sample = 100
        interval_s = 0.00025
        snr_db = 16";
    let scene = scene("format = 'cs16'\nduration_s = 0.5\nnoise_power_db = -40", tail);
    let replica = waveform("chirp").replica("chirp", RATE_HZ).unwrap();
    let x = samples(&scene, 0);
    let energy = replica.energy();
    let truth: Vec<TruthRecord> = scene.truth().collect();
    let mut sum = 0.0;
    for record in &truth {
        assert!((record.snr_db.unwrap() - 16.0).abs() < 1e-9 && record.sample_fraction == 0.0);
        let piece = &x[record.sample as usize..];
        let y: Complex32 = replica.samples.iter().zip(piece).map(|(h, x)| h.conj() * x).sum();
        sum += f64::from(y.norm_sqr()) / (energy * 1e-4);
    }
    // Mean of 1 + SNR; its deviation over n bursts is √((1 + 2·SNR)/n).
    let (snr, n) = (10_f64.powf(1.6), truth.len() as f64);
    assert!((sum / n - 1.0 - snr).abs() < 4.0 * ((1.0 + 2.0 * snr) / n).sqrt(), "{} {snr}", sum / n - 1.0);
}

#[test]
fn a_burst_between_samples_correlates_best_at_its_own_delay() {
    for (name, edge) in [("chirp", 777.3), ("barker", 1500.75)] {
        let tail = format!("[[burst]]\nwaveform = '{name}'\nsample = {edge}\npower_db = -6\nphase_deg = 77");
        let scene = scene("format = 'cs16'\nduration_s = 0.001", &tail);
        let x = samples(&scene, 0);
        let signal = waveform(name).signal(RATE_HZ).unwrap();
        let coefficient = |delay: f64| {
            let (mut product, mut energy) = (Complex32::ZERO, 0.0);
            for (n, x) in x.iter().enumerate() {
                let value = signal.value((n as f64 - delay) / RATE_HZ);
                let h = Complex32::new(value.re as f32, value.im as f32);
                product += h.conj() * x;
                energy += h.norm_sqr();
            }
            product.norm() / energy.sqrt()
        };
        let candidates = (-40..=40).map(|k| edge + f64::from(k) * 0.05);
        let best = candidates.max_by(|&a, &b| coefficient(a).total_cmp(&coefficient(b))).unwrap();
        assert!((best - edge).abs() < 0.01, "{name}: {best} {edge}");
    }
}

#[test]
fn numbers_are_rounded_to_the_nearest_and_clipped_at_full_scale() {
    let tone = |format: &str, power_db: f64| {
        let tail = format!(
            "[[burst]]\nwaveform = 'long'\ntime_s = 0.0\npower_db = {power_db}\nphase_deg = 10\n\
             doppler_hz = 1234.5\n[[waveform]]\nname = 'long'\ntype = 'pulse'\nduration_s = 0.01"
        );
        samples(&scene(&format!("format = '{format}'\nduration_s = 0.01"), &tail), 0)
    };
    for format in ["cu8", "cs8", "cu16", "cs16", "cu16_be", "cs16_be", "cu32", "cs32_be", "cf32", "cf64"] {
        let step = match format.parse::<SampleFormat>().unwrap() {
            f if f.scalar.is_integer() => 2.0_f32.powi(1 - 8 * f.scalar.size() as i32),
            _ => 0.0,
        };
        for (n, x) in tone(format, -3.0).iter().enumerate() {
            let angle = TAU * (10.0 / 360.0 + 1234.5 * n as f64 / RATE_HZ);
            let amplitude = 10_f64.powf(-3.0 / 20.0);
            let exact = Complex32::new((amplitude * angle.cos()) as f32, (amplitude * angle.sin()) as f32);
            let error = (x.re - exact.re).abs().max((x.im - exact.im).abs());
            assert!(error <= step / 2.0 + 2e-7, "{format}, sample {n}: {x} {exact}");
        }
        if step > 0.0 {
            let loud = tone(format, 60.0);
            let greatest = loud.iter().map(|x| x.re.max(x.im)).fold(f32::MIN, f32::max);
            let least = loud.iter().map(|x| x.re.min(x.im)).fold(f32::MAX, f32::min);
            assert_eq!((least, greatest), (-1.0, 1.0 - step), "{format}");
        }
    }
}

#[test]
fn gaps_and_the_end_make_bursts_incomplete() {
    let head = "format = 'cs8'\nduration_s = 0.01\nnoise_power_db = -30\nstart_time = '2026-01-02T03:04:05Z'";
    let tail = "
        [[gap]]
        start_s = 0.0041
        duration_s = 0.001
        [[burst]]
        waveform = 'chirp'
        time_s = 0.0
        interval_s = 0.001
        snr_db = 10
        [[burst]]
        waveform = 'barker'
        time_s = 0.0099999
        snr_db = 10";
    let complete: Vec<bool> = scene(head, tail).truth().map(|record| record.complete).collect();
    let expected = [true, true, true, true, false, false, true, true, true, true, false];
    assert_eq!(complete, expected);
    let time = scene(head, tail).truth().nth(3).unwrap().time.unwrap();
    assert_eq!(time.to_string(), "2026-01-02T03:04:05.003Z");
}

#[test]
fn long_scenes_begin_at_once() {
    let tail = "[[burst]]\nwaveform = 'chirp'\ntime_s = 0\ninterval_s = 0.001\nsnr_db = 10";
    let scene = scene("format = 'cs8'\nduration_s = 1e9\nnoise_power_db = -30", tail);
    let mut source = SceneSource::new(Arc::clone(&scene), 100_000);
    assert!(source.next_block(&mut IqBlock::default()).unwrap());
    assert_eq!(scene.truth().nth(1000).unwrap().sample, 2_400_000);
}

#[test]
fn wrong_fields_are_named() {
    let good = "sample_rate_hz = 2.4e6\nformat = 'cs8'\nduration_s = 0.01\nseed = 1\nnoise_power_db = -30\n";
    let burst = "[[burst]]\nwaveform = 'chirp'\ntime_s = 0.001\nsnr_db = 10\n";
    let whole = format!("{good}{WAVEFORMS}{burst}");
    assert!(Scene::from_toml(&whole).is_ok());
    let check = |from: &str, to: &str, words: &[&str]| {
        assert!(whole.contains(from), "{from}");
        let text = Scene::from_toml(&whole.replace(from, to)).unwrap_err().to_string();
        assert!(words.iter().all(|word| text.contains(word)), "{text}");
    };
    check("seed = 1", "seed = 1\nsede = 2", &["sede"]);
    check("seed = 1", "", &["seed"]);
    check("seed = 1", "seed = -1", &["seed"]);
    check("2.4e6", "0.0", &["sample_rate_hz is 0", "above zero"]);
    check("2.4e6", "nan", &["sample_rate_hz is NaN"]);
    check("'cs8'", "'cs9'", &["cs9"]);
    check("'cs8'", "'i8'", &["format is i8", "complex"]);
    check("seed = 1", "seed = 1\nn_channels = 0", &["n_channels is 0", "1 to 64"]);
    check("duration_s = 0.01", "duration_s = 0.0", &["duration_s is 0"]);
    check("duration_s = 0.01", "duration_s = 1e30", &["duration_s is 1"]);
    check("duration_s = 0.01", "duration_s = nan", &["duration_s is NaN"]);
    check("= -30", "= nan", &["noise_power_db is NaN"]);
    check("noise_power_db = -30", "", &["burst[0].snr_db is given", "power_db"]);
    check("seed = 1", "seed = 1\nfirst_sample = 9223372036854775809", &["first_sample"]);
    check("seed = 1", "seed = 1\nstart_time = 'yesterday'", &["start_time"]);
    check("seed = 1", "seed = 1\ncenter_frequency_hz = inf", &["center_frequency_hz is inf"]);
    check("name = 'chirp'", "name = 'barker'", &["waveform[1].name is barker", "once"]);
    check("length = 13", "length = 12", &["waveform 'barker'", "length is 12"]);
    check("length = 13", "length = 13\nsize = 2", &["size"]);
    check("stop_hz = 8e5", "stop_hz = 8e6", &["waveform 'chirp'", "stop_hz is 8000000"]);
    check("waveform = 'chirp'", "waveform = 'noise'", &["burst[0].waveform is noise", "barker", "chirp"]);
    check("time_s = 0.001", "", &["burst[0].time_s is missing"]);
    check("time_s = 0.001", "time_s = 0.001\nsample = 1", &["burst[0].time_s is given beside"]);
    check("time_s = 0.001", "time_s = 0.01", &["burst[0].time_s is 0.01", "0 to 0.01"]);
    check("time_s = 0.001", "sample = nan", &["burst[0].sample is NaN"]);
    check("snr_db = 10", "", &["burst[0].snr_db is missing"]);
    check("snr_db = 10", "snr_db = 10\npower_db = 1", &["burst[0].snr_db is given beside"]);
    check("snr_db = 10", "snr_db = inf", &["burst[0].snr_db is inf"]);
    check("snr_db = 10", "snr_db = 10\ninterval_s = 1e-5", &["burst[0].interval_s is 0.00001", "0.0002"]);
    check("snr_db = 10", "snr_db = 10\ninterval_s = nan", &["burst[0].interval_s is NaN"]);
    check("snr_db = 10", "snr_db = 10\ncount = 2", &["burst[0].count is 2", "interval_s"]);
    check("snr_db = 10", "snr_db = 10\ndoppler_hz = 2e6", &["burst[0].doppler_hz is 2000000", "1200000"]);
    check("snr_db = 10", "snr_db = 10\nphase_deg = inf", &["burst[0].phase_deg is inf"]);
    check("snr_db = 10", "snr_db = 10\nchannels = [1]", &["burst[0].channels is [1]", "0 to 0"]);
    check("snr_db = 10", "snr_db = 10\n[[gap]]\nstart_s = 1\nduration_s = 1", &["gap[0].start_s is 1"]);
    check("snr_db = 10", "snr_db = 10\n[[gap]]\nstart_s = 0\nduration_s = 0", &["gap[0].duration_s is 0"]);
    check("snr_db = 10", "snr_db = 10\n[[gap]]\nstart_s = 0\nduration_s = 9", &["gap is 1 gaps"]);
}
