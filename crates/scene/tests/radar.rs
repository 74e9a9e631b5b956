//! Radar scenes against what theory says of them.
#![allow(clippy::float_cmp)] // what is exact is compared exactly

use rangegate_core::{Complex32, IqBlock, Source};
use rangegate_dsp::convert::Converter;
use rangegate_dsp::waveform::Waveform;
use rangegate_scene::{CpiTruth, Scene, SceneConfig, SceneSource};
use std::f64::consts::{PI, TAU};
use std::sync::Arc;

const LIGHT_MPS: f64 = 299_792_458.0;
const RATE_HZ: f64 = 10e6;
/// 30 mm.
const CARRIER_HZ: f64 = LIGHT_MPS / 0.03;

const CHIRP: &str = "
    [[waveform]]
    name = 'chirp'
    type = 'linear_chirp'
    start_hz = -2.5e6
    stop_hz = 2.5e6
    duration_s = 10e-6
";

/// A scene at 10 MS/s with a radar on 30 mm that sends `CHIRP`.
fn text(head: &str, radar: &str, tail: &str) -> String {
    format!(
        "sample_rate_hz = {RATE_HZ}\nseed = 7\n{head}\n{CHIRP}
        [radar]\nwaveform = 'chirp'\ncarrier_hz = {CARRIER_HZ}\n{radar}\n{tail}"
    )
}

fn scene(head: &str, radar: &str, tail: &str) -> Arc<Scene> {
    Arc::new(Scene::from_toml(&text(head, radar, tail)).unwrap())
}

fn bytes(scene: &Arc<Scene>, block_samples: usize) -> Vec<u8> {
    let mut source = SceneSource::new(Arc::clone(scene), block_samples);
    let (mut bytes, mut block) = (Vec::new(), IqBlock::default());
    while source.next_block(&mut block).unwrap() {
        bytes.extend_from_slice(block.bytes());
    }
    bytes
}

fn samples(scene: &Arc<Scene>) -> Vec<Complex32> {
    let info = scene.info();
    let converter = Converter::new(info.format, info.to_baseband, info.sample_rate).unwrap();
    let mut block = IqBlock::default();
    assert!(SceneSource::new(Arc::clone(scene), usize::MAX).next_block(&mut block).unwrap());
    let mut out = vec![Complex32::ZERO; block.n_samples()];
    assert_eq!(converter.convert(&block, 0, 0..block.n_samples(), &mut out), 0);
    out
}

fn chirp() -> Waveform {
    toml::from_str("type = 'linear_chirp'\nstart_hz = -2.5e6\nstop_hz = 2.5e6\nduration_s = 10e-6").unwrap()
}

/// Matched filter at one place, which may lie between samples: estimates the amplitude.
fn matched(x: &[Complex32], place: f64) -> Complex32 {
    let signal = chirp().signal(RATE_HZ).unwrap();
    let (mut sum, mut energy) = (Complex32::ZERO, 0.0);
    let first = place.floor() as usize;
    for (n, x) in (first..first + 102).zip(&x[first..]) {
        let h = signal.value((n as f64 - place) / RATE_HZ);
        let h = Complex32::new(h.re as f32, h.im as f32);
        sum += h.conj() * x;
        energy += h.norm_sqr();
    }
    sum / energy
}

const EVERYTHING: &str = "
    [radar.transmitter]
    power_w = 100
    antenna_gain_db = 20
    [radar.receiver]
    position_m = [1000, 200, 0]
    oscillator_offset_ppm = 0.7
    adc_bits = 10
    [radar.leak]
    power_db = -20
    [radar.origin]
    latitude_deg = 52
    longitude_deg = 13
    [[target]]
    name = 'car'
    position_m = [500, 900, 0]
    velocity_mps = [30, -10, 0]
    snr_db = 20
    swerling = 2
    [[target]]
    name = 'aircraft'
    rcs_m2 = 5
    swerling = 3
    path = { type = 'arcs', position_m = [1e4, 5e3, 3e3], velocity_mps = [-200, 50, 0], arcs = [{ turn_rate_degps = 3 }] }
    [[target]]
    name = 'bird'
    power_db = -30
    path = { type = 'way_points', points = [{ time_s = 0.01, position_m = [300, 0, 50] }, { time_s = 0.02, position_m = [300, 1, 50] }] }
    [[target]]
    name = 'satellite'
    power_db = -40
    path = { type = 'kepler', semi_major_axis_m = 7e6, inclination_deg = 70, mean_anomaly_deg = 57, raan_deg = 13 }
    [[clutter]]
    from_m = 600
    to_m = 3000
    cnr_db = 30
    range_exponent = 3
    [[clutter]]
    from_m = 3000
    to_m = 20000
    cnr_db = 10
    density_per_m = 0.02
    velocity_mps = -5
    velocity_spread_mps = 1
    [[interference]]
    type = 'tone'
    frequency_hz = 1.1e6
    power_db = -50
    [[interference]]
    type = 'pulses'
    waveform = 'chirp'
    pri_s = 1.7e-3
    frequency_hz = 2e6
    power_db = -30
    [[gap]]
    start_s = 0.01
    duration_s = 0.0011
    [truth]
    cpi_pulses = 16";

#[test]
fn a_seed_gives_the_same_bytes_for_any_block_size() {
    let head = "format = 'cs16'\nduration_s = 0.03\nnoise_power_db = -50\nn_channels = 2\nfirst_sample = 77";
    let scene = scene(head, "pri_s = [1e-4, 1.15e-4]\npri_jitter_s = 2e-6\nstart_s = 1e-5", EVERYTHING);
    let whole = bytes(&scene, usize::MAX);
    assert_eq!(whole.len(), (300_000 - 11_000) * 8);
    for block_samples in [333, 4096, 10_001] {
        assert!(bytes(&scene, block_samples) == whole, "blocks of {block_samples}");
    }
    let radar = "pri_s = [1e-4, 1.15e-4]\npri_jitter_s = 2e-6\nstart_s = 1e-5";
    let other = text(head, radar, EVERYTHING).replace("seed = 7", "seed = 8");
    assert!(bytes(&Arc::new(Scene::from_toml(&other).unwrap()), usize::MAX) != whole);
    // What is heard is no less than what was put in: every target, the leak and the clutter change the bytes.
    for piece in
        EVERYTHING.split("    [[").filter(|piece| piece.starts_with("target") || piece.starts_with("clutter"))
    {
        let less = text(head, radar, &EVERYTHING.replace(&format!("    [[{piece}"), ""));
        assert!(bytes(&Arc::new(Scene::from_toml(&less).unwrap()), usize::MAX) != whole, "{piece}");
    }
}

#[test]
fn a_matched_filter_measures_the_snr_that_was_asked_for() {
    // Halfway between samples, at rest; case 2 has the same mean.
    let range_m = 100.5 * LIGHT_MPS / (2.0 * RATE_HZ);
    for (swerling, variance) in [(0, 0.0), (2, 1.0), (4, 0.5)] {
        let tail = format!(
            "[[target]]\nname = 'a'\nposition_m = [0, {range_m}, 0]\nsnr_db = 13\nswerling = {swerling}\n[truth]\ncpi_pulses = 8"
        );
        let scene =
            scene("format = 'cs16'\nduration_s = 0.05\nnoise_power_db = -45", "pri_s = 2.5e-5", &tail);
        let x = samples(&scene);
        let n = 1990;
        let power: f64 =
            (0..n).map(|k| f64::from(matched(&x, 250.0 * k as f64 + 100.5).norm_sqr())).sum::<f64>()
                / n as f64;
        // The noise behind the filter has P/E; E is 100.
        let ratio = power / (10_f64.powf(-4.5) / 100.0) - 1.0;
        let snr = 10_f64.powf(1.3);
        let error = ((1.0 + 2.0 * snr + variance * snr * snr) / n as f64).sqrt();
        assert!((ratio - snr).abs() < 4.0 * error, "case {swerling}: {ratio} {snr}");
        let truth: Vec<CpiTruth> = scene.cpi_truth().collect();
        assert!(truth.iter().all(|t| (t.snr_db.unwrap() - 13.0).abs() < 1e-9));
        let mean: f64 =
            truth.iter().map(|t| 10_f64.powf(t.cpi_snr_db.unwrap() / 10.0)).sum::<f64>() / truth.len() as f64;
        assert!((mean / (8.0 * snr) - 1.0).abs() < 4.0 * (variance / n as f64).sqrt() + 1e-9, "{mean}");
    }
}

#[test]
fn the_radar_equation_gives_what_the_book_gives() {
    // By hand: 1 kW, 30 dB twice, 30 mm, 1 m² at 10 km, 3 dB lost are 2.27307e-14 W over (4π)³; 290 K, 10 MHz and 4 dB
    // make 1.00573e-13 W of noise: −6.4587 dB, and 20 dB more behind a matched filter of 100 samples.
    let tail = "
        [radar.transmitter]
        power_w = 1000
        antenna_gain_db = 30
        [radar.receiver]
        antenna_gain_db = 30
        noise_figure_db = 4
        [[target]]
        name = 'near'
        position_m = [0, 6000, 8000]
        rcs_m2 = 1
        [[target]]
        name = 'far'
        position_m = [0, 12000, 16000]
        rcs_m2 = 4
        [truth]
        cpi_pulses = 10";
    let scene = scene(
        "format = 'cf32'\nduration_s = 0.01\nnoise_power_db = -60",
        "pri_s = 1e-3\nlosses_db = 3",
        tail,
    );
    let truth: Vec<CpiTruth> = scene.cpi_truth().collect();
    assert_eq!(truth.len(), 2);
    assert!((truth[0].snr_db.unwrap() - 13.541_316).abs() < 1e-4, "{:?}", truth[0]);
    assert!((truth[0].cpi_snr_db.unwrap() - 23.541_316).abs() < 1e-4);
    let ratio_db = truth[0].snr_db.unwrap() - truth[1].snr_db.unwrap();
    assert!((ratio_db - 10.0 * 4.0_f64.log10()).abs() < 1e-9, "{ratio_db}");
    // And the echo is as strong: noise does not reach −33 dB behind this filter often.
    let x = samples(&scene);
    let place = 2.0 * 1e4 / LIGHT_MPS * RATE_HZ;
    let power: f64 =
        (0..10).map(|k| f64::from(matched(&x, 1e4 * k as f64 + place).norm_sqr())).sum::<f64>() / 10.0;
    let power_db = 10.0 * power.log10();
    assert!((power_db - (13.54 - 60.0 - 20.0)).abs() < 1.5, "{power_db}");
}

#[test]
fn a_moving_target_has_its_delay_and_doppler_shift_from_pulse_to_pulse() {
    let tail = "
        [[target]]
        name = 'a'
        position_m = [1500, 0, 0]
        velocity_mps = [-80, 0, 0]
        power_db = 0
        phase_deg = 50
        [truth]
        cpi_pulses = 50";
    let scene = scene("format = 'cf64'\nduration_s = 0.01", "pri_s = [1e-4, 1.3e-4]", tail);
    let x = samples(&scene);
    let truth: Vec<CpiTruth> = scene.cpi_truth().collect();
    assert_eq!(truth.len(), 1);
    let mut edge = 0.0;
    for k in 0..80 {
        // The middle of the pulse is reflected at t = (edge + 50 samples) + R/c, and heard as much later.
        let sent_s = (edge + 50.0) / RATE_HZ;
        let reflected_s = (sent_s + 1500.0 / LIGHT_MPS) / (1.0 + 80.0 / LIGHT_MPS);
        let range_m = 1500.0 - 80.0 * reflected_s;
        // A chirp's range-Doppler coupling: f/µ of delay, which the filter sees as a phase of half-way only.
        let doppler_hz = 2.0 * 80.0 / (LIGHT_MPS - 80.0) * CARRIER_HZ;
        let delay = 2.0 * range_m / LIGHT_MPS * RATE_HZ;
        let y = matched(&x, edge + delay);
        // 0.053 cycles within the pulse cost half a percent.
        assert!((y.norm() - 0.9953).abs() < 1e-3, "pulse {k}: {y}");
        let expected = (50.0 / 360.0 - CARRIER_HZ * 2.0 * range_m / LIGHT_MPS) * TAU;
        let error = (f64::from(y.arg()) - expected + PI).rem_euclid(TAU) - PI;
        // Samples stand half a sample off the middle.
        assert!(error.abs() < TAU * doppler_hz / RATE_HZ + 2e-3, "pulse {k}: {error} rad");
        edge += if k % 2 == 0 { 1000.0 } else { 1300.0 };
    }
    assert!((truth[0].doppler_hz - 2.0 * 80.0 / 0.03).abs() < 0.01);
    assert_eq!(truth[0].range_rate_mps, -80.0);
}

#[test]
fn clocks_that_run_off_move_the_leak() {
    let run = |receiver: &str| {
        let tail = format!("[radar.receiver]\n{receiver}\n[radar.leak]\npower_db = -3\nphase_deg = 20");
        samples(&scene("format = 'cf32'\nduration_s = 0.5", "pri_s = 0.0999", &tail))
    };
    let amplitude = 10_f64.powf(-3.0 / 20.0);
    let check = |x: &[Complex32], ppm: f64, detuning_hz: f64| {
        for k in 0..5 {
            let time_s = 0.0999 * f64::from(k);
            let edge = time_s * RATE_HZ * (1.0 + ppm * 1e-6);
            let y = matched(x, edge);
            // Detuning turns the phase from the start of the scene on; behind the filter as in the pulse's middle.
            let expected = 20.0 / 360.0 - detuning_hz * (time_s + 4.95e-6);
            let error = (f64::from(y.arg()) / TAU - expected + 0.5).rem_euclid(1.0) - 0.5;
            assert!((f64::from(y.norm()) - amplitude).abs() < 0.01 * amplitude, "{ppm} ppm, pulse {k}: {y}");
            assert!(error.abs() < 0.01, "{ppm} ppm, pulse {k}: {error} cycles");
            // A sample off and it is worse.
            assert!(
                matched(x, edge + 1.0).norm() < 0.9 * y.norm()
                    && matched(x, (edge - 1.0).abs()).norm() < 0.9 * y.norm()
            );
        }
    };
    check(&run(""), 0.0, 0.0);
    check(&run("sample_clock_offset_ppm = 5"), 5.0, 0.0);
    check(&run("sample_clock_offset_ppm = -20\ncarrier_offset_hz = 300"), -20.0, 300.0);
    check(&run("oscillator_offset_ppm = 0.5"), 0.5, 0.5e-6 * CARRIER_HZ);
}

#[test]
fn clutter_has_its_power_and_its_spectrum() {
    let run = |clutter: &str| {
        let tail = format!("[[clutter]]\nfrom_m = 300\nto_m = 7000\npower_db = -20\n{clutter}");
        samples(&scene("format = 'cf32'\nduration_s = 0.0512", "pri_s = 1e-4", &tail))
    };
    // Gates three samples apart are all but independent. Ends are left out.
    let (n_pulses, gates) = (500, (50..440).step_by(3));
    let rows = |x: &[Complex32]| -> Vec<Vec<Complex32>> {
        gates
            .clone()
            .map(|gate| (0..n_pulses).map(|k| matched(x, (1000 * k + gate) as f64)).collect())
            .collect()
    };
    let power =
        |row: &[Complex32]| row.iter().map(|y| f64::from(y.norm_sqr())).sum::<f64>() / row.len() as f64;

    let x = run("");
    assert!(x[2000..3000] == x[7000..8000], "still clutter is the same after each pulse");
    let rows_still = rows(&x[..]);
    let mean = rows_still.iter().map(|row| power(row)).sum::<f64>() / rows_still.len() as f64;
    assert!((mean / 0.01 - 1.0).abs() < 4.0 / 100_f64.sqrt(), "{mean}");

    let wavelength_m = LIGHT_MPS / CARRIER_HZ;
    for (velocity_mps, spread_mps) in [(0.0, 0.5), (-6.0, 2.0)] {
        let x = run(&format!("velocity_mps = {velocity_mps}\nvelocity_spread_mps = {spread_mps}"));
        let rows = rows(&x);
        let mean = rows.iter().map(|row| power(row)).sum::<f64>() / rows.len() as f64;
        assert!((mean / 0.01 - 1.0).abs() < 0.2, "{mean}");
        // Pulse pair: phase and loss of the correlation at lags of a few pulses.
        for lag in [(10.0 / spread_mps) as usize, (20.0 / spread_mps) as usize] {
            let pairs = |row: &Vec<Complex32>| {
                row.iter().zip(&row[lag..]).map(|(a, b)| b * a.conj()).sum::<Complex32>()
            };
            let sum: Complex32 = rows.iter().map(pairs).sum();
            let correlation = sum / ((n_pulses - lag) * rows.len()) as f32 / mean as f32;
            let lag_s = lag as f64 * 1e-4;
            let found_mps = -f64::from(correlation.arg()) / (TAU * lag_s) * wavelength_m / 2.0;
            let loss = (TAU * 2.0 * spread_mps / wavelength_m * lag_s).powi(2) / 2.0;
            assert!((found_mps - velocity_mps).abs() < 0.15 * spread_mps, "lag {lag}: {found_mps} m/s");
            let found_mps = (-f64::from(correlation.norm()).ln() / loss).sqrt() * spread_mps;
            assert!((found_mps / spread_mps - 1.0).abs() < 0.08, "lag {lag}: width {found_mps} m/s");
        }
    }
}

#[test]
fn converters_have_steps_and_an_end() {
    let run = |format: &str, adc: &str, tone_db: f64| {
        let tail = format!(
            "[radar.receiver]\n{adc}\n[[interference]]\ntype = 'tone'\nfrequency_hz = 12345\npower_db = {tone_db}"
        );
        samples(&scene(&format!("format = '{format}'\nduration_s = 0.002"), "pri_s = 1e-4", &tail))
    };
    for format in ["cs16", "cf32"] {
        let step = 1.0 / 32.0;
        let exact = run("cf32", "", -6.0);
        for (x, exact) in run(format, "adc_bits = 6", -6.0).iter().zip(&exact) {
            assert!(x.re % step == 0.0 && x.im % step == 0.0, "{format}: {x}");
            assert!((x.re - exact.re).abs() <= step / 2.0 && (x.im - exact.im).abs() <= step / 2.0);
        }
        let loud = run(format, "adc_bits = 6", 12.0);
        let greatest = loud.iter().map(|x| x.re.max(x.im)).fold(f32::MIN, f32::max);
        let least = loud.iter().map(|x| x.re.min(x.im)).fold(f32::MAX, f32::min);
        assert_eq!((least, greatest), (-1.0, 1.0 - step), "{format}");
    }
    // Without a converter binary32 has no end, and the tone has its power and frequency.
    let tone = run("cf32", "", 12.0);
    assert!(tone.iter().all(|x| (20.0 * x.norm().log10() - 12.0).abs() < 1e-4));
    let turn = (tone[15_000] * tone[0].conj()).arg() as f64 / TAU;
    assert!((turn - (12_345.0 * 1.5e-3_f64).rem_euclid(1.0) + 0.5).rem_euclid(1.0) - 0.5 < 1e-5, "{turn}");
}

#[test]
fn truth_is_that_of_the_middle_of_each_cpi() {
    let tail = "
        [radar.receiver]
        position_m = [4000, 0, 0]
        [[target]]
        name = 'walker'
        snr_db = 10
        path = { type = 'way_points', points = [{ time_s = 0.1, position_m = [0, 3000, 0] }, { time_s = 0.3, position_m = [2, 3000, 1] }, { time_s = 0.45, position_m = [2, 3000, 4] }] }
        [[gap]]
        start_s = 0.31
        duration_s = 0.001
        [truth]
        cpi_pulses = 100";
    let head = "format = 'cs8'\nduration_s = 0.55\nnoise_power_db = -30\nfirst_sample = 1000\nstart_time = '2026-01-02T03:04:05Z'";
    let scene = scene(head, "pri_s = 5e-4\nstart_s = 0.0025", tail);
    let truth: Vec<CpiTruth> = scene.cpi_truth().collect();
    // CPIs of 50 ms, middles at 27 ms and so on: the second to the ninth while the target is there.
    assert_eq!(truth.iter().map(|t| t.cpi).collect::<Vec<_>>(), [2, 3, 4, 5, 6, 7, 8]);
    for t in &truth {
        let middle_s = 0.0025 + 0.05 * t.cpi as f64 + 99.0 * 5e-4 / 2.0 + 5e-6;
        assert!((t.time_s - middle_s).abs() < 1e-12);
        let elapsed_s = (t.time.unwrap().as_nanosecond() - 1_767_323_045_000_000_000) as f64 * 1e-9;
        assert!((elapsed_s - middle_s).abs() < 2e-9);
        assert_eq!(t.first_sample, 1000 + 25_000 + 500_000 * t.cpi);
        let reflected_s = middle_s + 3000.0 / LIGHT_MPS;
        let [east, north, up] = match reflected_s {
            s if s < 0.3 => [(s - 0.1) * 10.0, 3000.0, (s - 0.1) * 5.0],
            s => [2.0, 3000.0, 1.0 + (s - 0.3) * 20.0],
        };
        let error = [east - t.position_m[0], north - t.position_m[1], up - t.position_m[2]];
        assert!(error.iter().all(|e| e.abs() < 1e-6), "{t:?}");
        let back_m = ((east - 4000.0).powi(2) + north.powi(2) + up.powi(2)).sqrt();
        let out_m = (east.powi(2) + north.powi(2) + up.powi(2)).sqrt();
        assert!((t.range_m - (out_m + back_m) / 2.0).abs() < 1e-6);
        assert!((t.bistatic_range_m.unwrap() - (out_m + back_m - 4000.0)).abs() < 1e-6);
        assert!(
            (t.azimuth_deg - (360.0 - 53.13)).abs() < 0.05
                && (t.elevation_deg - (up / 5000.0).to_degrees()).abs() < 1e-3
        );
        assert_eq!(t.snr_db.map(|db| (db * 1e6).round() / 1e6), Some(10.0));
        assert!((t.cpi_snr_db.unwrap() - 30.0).abs() < 1e-9);
        assert_eq!(t.complete, t.cpi != 6, "{t:?}");
        let velocity_mps = t.velocity_mps;
        let rate_mps = ((velocity_mps[0] * (east - 4000.0) + velocity_mps[2] * up) / back_m
            + (velocity_mps[0] * east + velocity_mps[2] * up) / out_m)
            / 2.0;
        assert!((t.range_rate_mps - rate_mps).abs() < 1e-6);
        assert!((t.doppler_hz + 2.0 * rate_mps * CARRIER_HZ / LIGHT_MPS).abs() < 1e-3);
    }
}

#[test]
fn satellites_are_heard_above_the_horizon_only() {
    let satellite = |anomaly_deg: f64| {
        let tail = format!(
            "[radar.origin]\nlatitude_deg = 0\nlongitude_deg = 10\n[[target]]\nname = 'a'\npower_db = 0\npath = {{ type = 'kepler', \
             semi_major_axis_m = 7e6, inclination_deg = 0, mean_anomaly_deg = {anomaly_deg} }}\n[truth]\ncpi_pulses = 10"
        );
        scene("format = 'cf32'\nduration_s = 0.05", "pri_s = 5e-3", &tail)
    };
    let loud = |scene: &Arc<Scene>| samples(scene).iter().filter(|x| x.norm() > 0.5).count();
    let above = satellite(10.0);
    assert_eq!(loud(&above), 1000);
    let truth: Vec<CpiTruth> = above.cpi_truth().collect();
    // 7000 km less the equator's radius, moving east.
    assert!((truth[0].range_m - (7e6 - 6_378_137.0)).abs() < 100.0 && truth[0].elevation_deg > 89.0);
    assert_eq!(truth[0].snr_db, None);
    let below = satellite(190.0);
    assert_eq!((loud(&below), below.cpi_truth().count()), (0, 0));
}

#[test]
fn a_day_at_20_ms_a_second_begins_at_once() {
    let text = text(
        "format = 'cs16'\nduration_s = 86400\nnoise_power_db = -50",
        "pri_s = 1e-3",
        "[[target]]\nname = 'a'\nposition_m = [1e4, 0, 0]\nvelocity_mps = [0.1, 0, 0]\nsnr_db = 10\n[truth]\ncpi_pulses = 64",
    );
    let scene = Arc::new(Scene::from_toml(&text.replace(&format!("{RATE_HZ}"), "20e6")).unwrap());
    let mut source = SceneSource::new(Arc::clone(&scene), 100_000);
    assert!(source.next_block(&mut IqBlock::default()).unwrap());
    let last = scene.cpi_truth().nth(1_349_999).unwrap();
    assert_eq!(last.first_sample, 1_349_999 * 64 * 20_000);
    assert!((last.range_m - 18_639.996_8).abs() < 1e-3, "{last:?}");
}

/// The scenes that users start from: they can be made, do not clip, and every target is in the truth.
#[test]
fn shipped_scenes_are_sound() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs/scenes");
    for (name, n_targets) in [("pulse-doppler-lab", 5), ("staggered-mti", 3), ("bistatic", 3)] {
        let text = std::fs::read_to_string(folder.join(name).with_extension("toml")).unwrap();
        let mut config: SceneConfig = toml::from_str(&text).unwrap();
        assert_eq!(config.targets.len(), n_targets);
        let scene = Scene::new(&config).unwrap();
        let truth: Vec<CpiTruth> = scene.cpi_truth().collect();
        let n_cpis = truth.iter().filter(|t| t.target == config.targets[0].name).count();
        assert!(n_cpis >= 9 && truth.len() == n_cpis * n_targets, "{name}: {} of {n_cpis} CPIs", truth.len());
        for t in &truth {
            let snr_db = t.cpi_snr_db.unwrap();
            assert!((-20.0..80.0).contains(&snr_db), "{name}: {t:?}");
        }
        config.duration_s /= 4.0;
        config.truth = None;
        let scene = Arc::new(Scene::new(&config).unwrap());
        let greatest = samples(&scene).iter().map(|x| x.re.abs().max(x.im.abs())).fold(0.0, f32::max);
        assert!((0.1..0.99).contains(&greatest), "{name}: {greatest}");
    }
}

#[test]
fn wrong_fields_are_named() {
    let head = "format = 'cs8'\nduration_s = 0.1\nnoise_power_db = -30";
    let tail = "
        [radar.transmitter]
        power_w = 100
        [radar.receiver]
        noise_figure_db = 3
        [radar.leak]
        power_db = -20
        [[target]]
        name = 'a'
        position_m = [500, 900, 0]
        velocity_mps = [30, -10, 0]
        snr_db = 20
        [[clutter]]
        from_m = 600
        to_m = 3000
        cnr_db = 30
        [[interference]]
        type = 'tone'
        frequency_hz = 1.1e6
        power_db = -50
        [[interference]]
        type = 'pulses'
        waveform = 'chirp'
        pri_s = 1.7e-3
        power_db = -31
        [truth]
        cpi_pulses = 16";
    let whole = text(head, "pri_s = 1e-3\npri_jitter_s = 0.0", tail);
    assert!(Scene::from_toml(&whole).is_ok());
    let check = |from: &str, to: &str, words: &[&str]| {
        assert!(whole.contains(from), "{from}");
        let text = Scene::from_toml(&whole.replace(from, to)).map(|_| "nothing").unwrap_err().to_string();
        assert!(words.iter().all(|word| text.contains(word)), "{from} → {to}: {text}");
    };
    let carrier = format!("carrier_hz = {CARRIER_HZ}");
    check("waveform = 'chirp'\ncarrier", "waveform = 'chip'\ncarrier", &["radar.waveform is chip", "chirp"]);
    check(&carrier, "carrier_hz = 0", &["radar.carrier_hz is 0", "above zero"]);
    check(&carrier, "carrier_hz = nan", &["radar.carrier_hz is NaN"]);
    check(
        "seed = 7",
        "seed = 7\ncenter_frequency_hz = 1e9",
        &["center_frequency_hz is 1000000000", "carrier_hz"],
    );
    check("pri_s = 1e-3", "pri_s = 5e-6", &["radar.pri_s is 0.000005", "0.00001 or more"]);
    check("pri_s = 1e-3", "pri_s = [1e-3, 5e-6]", &["radar.pri_s[1] is 0.000005"]);
    check("pri_s = 1e-3", "pri_s = []", &["radar.pri_s is a list of 0"]);
    check("pri_s = 1e-3", "pri_s = 'short'", &["a number of seconds, or a list"]);
    check("pri_s = 1e-3", "pri_s = 1e-3\nstart_s = 0.1", &["radar.start_s is 0.1", "0 to 0.1"]);
    check("pri_s = 1e-3", "pri_s = 1e-3\npulses_per_pri = 0", &["radar.pulses_per_pri is 0"]);
    check("pri_jitter_s = 0.0", "pri_jitter_s = 1e-3", &["radar.pri_s is 0.001", "jitter"]);
    check("pri_jitter_s = 0.0", "pri_jitter_s = -1", &["radar.pri_jitter_s is -1"]);
    check("power_w = 100", "power_w = 0", &["radar.transmitter.power_w is 0"]);
    check(
        "power_w = 100",
        "power_w = 100\nposition_m = [0, nan, 0]",
        &["radar.transmitter.position_m", "NaN"],
    );
    check("noise_figure_db = 3", "noise_figure_db = nan", &["radar.receiver.noise_figure_db is NaN"]);
    check("noise_figure_db = 3", "adc_bits = 9", &["radar.receiver.adc_bits is 9", "2 to 8"]);
    check("noise_figure_db = 3", "sample_clock_offset_ppm = 1e4", &["sample_clock_offset_ppm is 10000"]);
    check(
        "noise_figure_db = 3",
        "oscillator_offset_ppm = 1\ncarrier_offset_hz = 1",
        &["carrier_offset_hz is given beside"],
    );
    check("power_db = -20", "power_db = inf", &["radar.leak.power_db is inf"]);
    check("power_db = -20", "power_db = -20\ndelay_s = -1", &["radar.leak.delay_s is -1"]);
    check("position_m = [500, 900, 0]", "", &["target[0].position_m is missing"]);
    check(
        "position_m = [500, 900, 0]",
        "position_m = [0, 0, 0]",
        &["target[0].position_m is 0 m from the transmitter"],
    );
    check(
        "position_m = [500, 900, 0]",
        "position_m = [1e12, 900, 0]",
        &["target[0].position_m is [1000000000000"],
    );
    check("[30, -10, 0]", "[3e7, 0, 0]", &["target[0].velocity_mps is 30000000 m/s", "light"]);
    check("snr_db = 20", "snr_db = 20\nrcs_m2 = 1", &["target[0].snr_db is given beside rcs_m2"]);
    check("snr_db = 20", "snr_db = 20\npower_db = 1", &["target[0].snr_db is given beside power_db"]);
    check("snr_db = 20", "", &["target[0].snr_db is missing"]);
    check("snr_db = 20", "rcs_m2 = -1", &["target[0].rcs_m2 is -1"]);
    check("snr_db = 20", "snr_db = 20\nswerling = 5", &["target[0].swerling is 5", "0 to 4"]);
    check("snr_db = 20", "snr_db = 20\nswerling = 1\nphase_deg = 3", &["target[0].phase_deg is given"]);
    check(
        "snr_db = 20",
        "snr_db = 20\nfluctuation_interval_s = 3",
        &["target[0].fluctuation_interval_s is given"],
    );
    check("noise_power_db = -30", "", &["power_db, as the scene has no noise_power_db"]);
    check("cnr_db = 30", "cnr_db = 30\npower_db = 1", &["clutter[0].cnr_db is given beside power_db"]);
    check("from_m = 600", "from_m = -1", &["clutter[0].from_m is -1", "0 or more"]);
    check("to_m = 3000", "to_m = 300", &["clutter[0].to_m is 300", "600"]);
    check("to_m = 3000", "to_m = 3e9", &["clutter[0].to_m is 3000000000"]);
    check("cnr_db = 30", "cnr_db = 30\nvelocity_spread_mps = -1", &["clutter[0].velocity_spread_mps is -1"]);
    check("cnr_db = 30", "cnr_db = 30\ndensity_per_m = 0", &["clutter[0].density_per_m is 0"]);
    check("frequency_hz = 1.1e6", "frequency_hz = 5.1e6", &["interference[0].frequency_hz is 5100000"]);
    check("frequency_hz = 1.1e6", "frequency_hz = 1.1e6\nfrequent = 1", &["frequent"]);
    check("pri_s = 1.7e-3", "pri_s = 1e-6", &["interference[1].pri_s is 0.000001"]);
    check("cpi_pulses = 16", "cpi_pulses = 101", &["truth.cpi_pulses is 101", "1 to 100"]);
    check("cpi_pulses = 16", "cpi_pulses = 0", &["truth.cpi_pulses is 0"]);
    let path = |path: &str| {
        whole
            .replace("position_m = [500, 900, 0]", "")
            .replace("velocity_mps = [30, -10, 0]", &format!("path = {{ {path} }}"))
    };
    for (path_text, words) in [
        ("type = 'way_points', points = []", "target[0].path.points is a list of 0"),
        (
            "type = 'way_points', points = [{ time_s = 1, position_m = [9, 9, 9] }, { time_s = 1, position_m = [9, 9, 8] }]",
            "target[0].path.points[1].time_s is 1",
        ),
        (
            "type = 'arcs', position_m = [9, 9, 9], velocity_mps = [0, 0, 0], arcs = []",
            "target[0].path.arcs is",
        ),
        ("type = 'kepler', semi_major_axis_m = 7e6, inclination_deg = 50", "radar.origin is missing"),
    ] {
        let text = Scene::from_toml(&path(path_text)).map(|_| "nothing").unwrap_err().to_string();
        assert!(text.contains(words), "{text}");
    }
    let alone = format!(
        "sample_rate_hz = 1e6\nseed = 1\n{head}\n[[target]]\nname = 'a'\nposition_m = [1, 2, 3]\nsnr_db = 1"
    );
    assert!(Scene::from_toml(&alone).unwrap_err().to_string().contains("radar is missing"));
}
