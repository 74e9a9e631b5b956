#![allow(clippy::print_stdout, reason = "tests say what they measured")]
use super::*;
use crate::waveform::{Barker, LinearChirp, Waveform};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use rustfft::num_complex::Complex;

type C64 = Complex<f64>;

fn chirp(n: usize, cycles_a_sample: f64) -> Waveform {
    let half = cycles_a_sample / 2.0;
    Waveform::LinearChirp(LinearChirp {
        start_hz: -half,
        stop_hz: half,
        duration_s: n as f64,
        window: Window::default(),
    })
}

fn barker(samples_a_chip: f64) -> Waveform {
    Waveform::Barker(Barker { length: 13, chip_s: samples_a_chip, alternate: false })
}

fn replica(waveform: &Waveform) -> Replica {
    waveform.replica("test", 1.0).unwrap()
}

fn matched(window: Window) -> CompressionConfig {
    CompressionConfig { filter: FilterConfig::Matched(Matched { window }) }
}

fn mismatched(side_lobe_db: f64) -> CompressionConfig {
    CompressionConfig {
        filter: FilterConfig::Mismatched(Mismatched { side_lobe_db, ..Mismatched::default() }),
    }
}

fn noise(rng: &mut ChaCha8Rng, n: usize) -> Vec<Complex32> {
    (0..n).map(|_| Complex32::new(rng.random_range(-1.0..1.0), rng.random_range(-1.0..1.0))).collect()
}

/// The slow twin, for any taps.
fn direct(filter: &RangeFilter, x: &[Complex32], gate: usize) -> Complex32 {
    let term = |(j, f): (usize, &C64)| {
        let n = (gate + j).checked_sub(filter.lead())?;
        x.get(n).map(|x| f.conj() * C64::new(x.re.into(), x.im.into()))
    };
    let y: C64 = filter.taps().iter().enumerate().filter_map(term).sum();
    Complex32::new(y.re as f32, y.im as f32)
}

fn compress(worker: &mut PulseCompressor, fraction: f64, x: &[Complex32], n_gates: usize) -> Vec<Complex32> {
    let mut out = vec![Complex32::new(f32::NAN, 0.0); n_gates];
    worker.compress(fraction, x, &mut out);
    out
}

#[test]
fn agrees_with_direct_correlation_for_odd_shapes_and_dirty_scratch() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let cases = [
        (matched(Window::default()), barker(1.0), 13, 0..1),
        (matched(Window::default()), barker(1.0), 13, 0..13),
        (matched(Window::default()), barker(2.5), 997, 0..997),
        (matched(Window::default()), chirp(100, 0.8), 5000, 411..4001),
        (matched(Window::Hann {}), chirp(100, 0.5), 700, 0..700),
        (matched(Window::Taylor { n_bar: 4, side_lobe_db: 35.0 }), chirp(257, 0.3), 4099, 3..3000),
        (mismatched(40.0), barker(2.0), 400, 0..400),
        (matched(Window::default()), chirp(1000, 0.8), 100_000, 100..99_990),
    ];
    for (config, waveform, n_fast, gates) in cases {
        for start in [PulseStart::OnSample, PulseStart::BetweenSamples] {
            let replica = replica(&waveform);
            let plan = CompressionPlan::new(&config, &replica, n_fast, gates.clone(), start).unwrap();
            let plan = Arc::new(plan);
            let mut worker = plan.make_worker();
            for pass in 0..2 {
                let x = noise(&mut rng, n_fast);
                let found = compress(&mut worker, 0.0, &x, gates.len());
                let scale = plan.filter().noise_gain().sqrt() as f32;
                for (k, found) in found.iter().enumerate().step_by(1 + gates.len() / 500) {
                    let expected = direct(plan.filter(), &x, gates.start + k);
                    let case = format!("{config:?}, {plan:?}, pass {pass}, gate {}", gates.start + k);
                    assert!((found - expected).norm() < 1e-5 * scale, "{case}: {found} for {expected}");
                }
                worker.block.fill(Complex32::new(f32::NAN, 1.0));
                worker.scratch.fill(Complex32::new(f32::NAN, 1.0));
            }
        }
    }
}

#[test]
fn an_echo_has_its_amplitude_at_its_delay_wherever_the_pulse_starts() {
    let waveform = chirp(200, 0.5);
    let signal = waveform.signal(1.0).unwrap();
    for (config, tolerance) in
        [(matched(Window::default()), 0.01), (matched(Window::Hann {}), 0.01), (mismatched(45.0), 0.02)]
    {
        let plan =
            CompressionPlan::new(&config, &replica(&waveform), 2000, 0..1700, PulseStart::BetweenSamples);
        let plan = Arc::new(plan.unwrap());
        let mut worker = plan.make_worker();
        // The second start again, since the phases of the last one are kept.
        for fraction in [0.0, 0.37, 0.999, -0.5, 0.37, 0.37] {
            // An echo at gate 1000, of a pulse that starts between samples.
            let echo = |n: usize| signal.value(n as f64 - 1000.0 - fraction) * C64::from_polar(0.25, 1.0);
            let x: Vec<_> = (0..2000).map(echo).map(|x| Complex32::new(x.re as f32, x.im as f32)).collect();
            let y = compress(&mut worker, fraction, &x, 1700);
            let error = y[1000] - Complex32::from_polar(0.25, 1.0);
            assert!(error.norm() < 0.25 * tolerance, "{config:?} {fraction}: {}", y[1000]);
            let greatest = (0..1700).max_by(|&a, &b| y[a].norm().total_cmp(&y[b].norm()));
            assert_eq!(greatest, Some(1000), "{config:?} {fraction}");
        }
    }
}

#[test]
fn windows_lower_the_side_lobes_of_a_chirp_and_say_what_they_cost() {
    let design = |window| RangeFilter::design(&matched(window).filter, &replica(&chirp(800, 0.25))).unwrap();
    let plain = design(Window::default());
    assert!(plain.loss_db().abs() < 1e-9 && (-14.0..-13.0).contains(&plain.peak_side_lobe_db()));
    let hann = design(Window::Hann {});
    assert!((hann.loss_db() - 1.76).abs() < 0.1 && hann.peak_side_lobe_db() < -30.0, "{hann:?}");
    let taylor = design(Window::Taylor { n_bar: 5, side_lobe_db: 35.0 });
    assert!(
        taylor.loss_db() < 1.3 && taylor.peak_side_lobe_db() < -31.0,
        "{} {}",
        taylor.loss_db(),
        taylor.peak_side_lobe_db()
    );
    assert!(taylor.n_taps() < 1600);
    // The response that was measured is that of samples through the plan.
    let barker = RangeFilter::design(&FilterConfig::default(), &replica(&barker(1.0))).unwrap();
    assert!((barker.peak_side_lobe_db() - 20.0 * (1.0 / 13.0_f64).log10()).abs() < 1e-6);
    let pulse = Replica { samples: vec![Complex32::new(2.0, 0.0)], ..replica(&chirp(8, 0.5)) };
    let pulse = RangeFilter::design(&FilterConfig::default(), &pulse).unwrap();
    assert!(pulse.peak_side_lobe_db() == f64::NEG_INFINITY && pulse.range_doppler_coupling_s_per_hz() == 0.0);
}

#[test]
fn mismatched_filters_reach_their_side_lobes_at_little_loss() {
    for (waveform, side_lobe_db, max_loss_db) in [
        (barker(1.0), 40.0, 0.3),
        (barker(4.0), 40.0, 0.6),
        (chirp(200, 0.5), 45.0, 2.0),
        (chirp(1024, 0.5), 50.0, 2.0),
    ] {
        let filter = RangeFilter::design(&mismatched(side_lobe_db).filter, &replica(&waveform)).unwrap();
        let case =
            format!("{waveform:?}: {:.2} dB, loss {:.3} dB", filter.peak_side_lobe_db(), filter.loss_db());
        println!("{case}");
        assert!(filter.peak_side_lobe_db() < 0.1 - side_lobe_db, "{case}");
        assert!((0.0..max_loss_db).contains(&filter.loss_db()), "{case}");
    }
    // Out of reach for filters of this length: the lowest there are, at no great loss.
    let filter = RangeFilter::design(&mismatched(80.0).filter, &replica(&barker(3.0))).unwrap();
    let case = format!("{:.2} dB, loss {:.3} dB", filter.peak_side_lobe_db(), filter.loss_db());
    println!("{case}");
    assert!(filter.peak_side_lobe_db() < -36.0 && filter.loss_db() < 3.0, "{case}");
}

/// A target 40 dB below a neighbour five cells away.
#[test]
fn a_mismatched_filter_shows_the_weak_beside_the_strong() {
    // One cell: a chip of 3 samples; the inverse of the bandwidth, 2.5 samples.
    for (waveform, cell) in [(barker(3.0), 3.0), (chirp(400, 0.4), 2.5)] {
        let signal = waveform.signal(1.0).unwrap();
        for fraction in [0.0, 0.3, 0.5, 0.8] {
            let (strong_at, weak_at) = (300.0 + fraction, 300.0 + fraction + 5.0 * cell);
            let echo = |n: usize| {
                let n = n as f64;
                signal.value(n - strong_at) + signal.value(n - weak_at) * C64::from_polar(0.01, 2.0)
            };
            let x: Vec<_> = (0..1200).map(echo).map(|x| Complex32::new(x.re as f32, x.im as f32)).collect();
            let contrast = |config: &CompressionConfig| {
                let plan =
                    CompressionPlan::new(config, &replica(&waveform), 1200, 0..700, PulseStart::OnSample)
                        .unwrap();
                let y = compress(&mut Arc::new(plan).make_worker(), 0.0, &x, 700);
                let at = weak_at.round() as usize;
                let peak = y[at - 1..=at + 1].iter().map(|y| y.norm()).fold(0.0, f32::max);
                // Everything else two cells off both.
                let far = |g: &usize| {
                    [strong_at, weak_at].iter().all(|at| (*g as f64 - at).abs() > 2.0 * cell + 1.0)
                };
                let rest = (0..700).filter(far).map(|g| y[g].norm()).fold(0.0, f32::max);
                (peak / rest, peak)
            };
            let filter = Mismatched { side_lobe_db: 50.0, length_factor: 5.0, ..Mismatched::default() };
            let (with, peak) = contrast(&CompressionConfig { filter: FilterConfig::Mismatched(filter) });
            let (without, _) = contrast(&matched(Window::default()));
            println!("{fraction}: {with} {without} {peak}");
            assert!(with > 1.6 && (0.006..0.014).contains(&peak), "{waveform:?} {fraction}: {with} {peak}");
            assert!(without < 0.7, "{waveform:?} {fraction}: {without} with the matched filter");
        }
    }
}

#[test]
fn coupling_is_how_the_peak_moves() {
    for (waveform, expected) in
        [(chirp(400, 0.4), Some(-400.0 / 0.4)), (barker(4.0), Some(0.0)), (chirp(100, -0.5), Some(200.0))]
    {
        for config in [matched(Window::default()), matched(Window::Hann {}), mismatched(40.0)] {
            let filter = RangeFilter::design(&config.filter, &replica(&waveform)).unwrap();
            let found = filter.range_doppler_coupling_s_per_hz();
            let expected = expected.unwrap();
            assert!(
                (found - expected).abs() < 0.04 * expected.abs() + 8.0,
                "{waveform:?} {config:?}: {found} for {expected}"
            );
        }
    }
}

#[test]
fn transforms_are_as_long_as_is_cheapest() {
    // A whole PRI at once, exactly; a little more; blocks; one long filter.
    assert_eq!(fft_len_for(1024, 7169, 0, false), 8192);
    assert_eq!(fft_len_for(1024, 7169, 0, true), 8192);
    assert_eq!(fft_len_for(1024, 8192, 0, false), 9216);
    assert_eq!(fft_len_for(1024, 8192, 0, true), 4096);
    assert_eq!((fft_len_for(13, 1, 0, false), fft_len_for(13, 1, 0, true)), (16, 256));
    assert!((4096..=32_768).contains(&fft_len_for(1000, 1_000_000, 32, false)));
    assert!(fft_len_for(100_000, 10, 0, true) >= 100_009);
}

#[test]
fn impossible_plans_are_refused() {
    let plan = |config: &CompressionConfig, n_fast, gates| {
        let replica = replica(&barker(1.0));
        CompressionPlan::new(config, &replica, n_fast, gates, PulseStart::OnSample).unwrap_err().to_string()
    };
    let config = matched(Window::default());
    assert!(plan(&config, 20, 5..21).contains("5 to 21") && plan(&config, 20, 5..5).contains("5 to 5"));
    assert!(plan(&config, 12, 0..12).contains("13 samples, expected at most the 12"));
    assert!(plan(&matched(Window::Kaiser { beta: -1.0 }), 20, 0..4).contains("beta"));
    assert!(plan(&mismatched(f64::NAN), 20, 0..4).contains("side_lobe_db is NaN"));
    let config: CompressionConfig =
        toml::from_str("filter = { type = \"mismatched\", side_lobe_db = 40.0 }").unwrap();
    assert_eq!(config, mismatched(40.0));
    let config: CompressionConfig =
        toml::from_str("filter = { type = \"matched\", window = { type = \"hann\" } }").unwrap();
    assert_eq!(config, matched(Window::Hann {}));
}
