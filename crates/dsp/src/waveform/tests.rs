// Chips and their sums are whole numbers, exactly.
#![allow(clippy::float_cmp)]

use super::*;
use crate::window::Window;

const CHIP_RATE_HZ: f64 = 1e6;

fn chips(waveform: &Waveform) -> Vec<Complex32> {
    let rate_hz = match waveform {
        Waveform::Barker(code) => 1.0 / code.chip_s,
        Waveform::GpsL1Ca(_) => GpsL1Ca::CHIP_RATE_HZ,
        _ => CHIP_RATE_HZ,
    };
    waveform.replica("code", rate_hz).unwrap().samples
}

/// `Σ a[n]·conj(b[n + lag])`, of codes that repeat.
fn periodic_correlation(a: &[Complex32], b: &[Complex32], lag: usize) -> Complex<f64> {
    let product = |(n, x): (usize, &Complex32)| {
        let y = x * b[(n + lag) % b.len()].conj();
        Complex::new(f64::from(y.re), f64::from(y.im))
    };
    a.iter().enumerate().map(product).sum()
}

fn barker(length: u32, alternate: bool) -> Waveform {
    Waveform::Barker(Barker { length, chip_s: 1e-6, alternate })
}

fn maximum_length(degree: u32, taps: Option<Vec<u32>>) -> Waveform {
    Waveform::MaximumLength(MaximumLength { degree, taps, chip_rate_hz: CHIP_RATE_HZ })
}

fn gold(degree: u32, index: u32) -> Waveform {
    Waveform::Gold(Gold { degree, index, chip_rate_hz: CHIP_RATE_HZ })
}

fn zadoff_chu(length: u32, root: u32) -> Waveform {
    Waveform::ZadoffChu(ZadoffChu { length, root, chip_rate_hz: CHIP_RATE_HZ })
}

fn chirp(start_hz: f64, stop_hz: f64, duration_s: f64) -> Waveform {
    Waveform::LinearChirp(LinearChirp { start_hz, stop_hz, duration_s, window: Window::default() })
}

#[test]
fn barker_side_lobes_are_one_at_most() {
    let codes = [2, 3, 4, 5, 7, 11, 13].map(|n| (n, false));
    for (length, alternate) in codes.into_iter().chain([(2, true), (4, true)]) {
        let code = chips(&barker(length, alternate));
        assert_eq!(code.len(), length as usize);
        for lag in 1..code.len() {
            let sum: f32 = code.iter().zip(&code[lag..]).map(|(a, b)| a.re * b.re).sum();
            assert!(sum.abs() <= 1.0, "length {length} {alternate}, lag {lag}: {sum}");
        }
    }
    assert_ne!(chips(&barker(4, false)), chips(&barker(4, true)));
}

#[test]
fn maximum_length_sequences_correlate_to_minus_one() {
    for degree in 2..=10 {
        let code = chips(&maximum_length(degree, None));
        assert_eq!(code.len(), (1 << degree) - 1);
        for lag in 1..code.len() {
            assert_eq!(periodic_correlation(&code, &code, lag), Complex::new(-1.0, 0.0), "degree {degree}");
        }
    }
    // Planning checks that the period is the full one.
    for degree in 11..=20 {
        assert_eq!(chips(&maximum_length(degree, None)).len(), (1 << degree) - 1);
    }
    assert!(maximum_length(5, Some(vec![5, 3])).signal(CHIP_RATE_HZ).is_ok());
}

#[test]
fn gold_codes_have_three_cross_correlations() {
    for degree in [5, 6, 7, 9, 10, 11] {
        let t = f64::from(1 + (1 << ((degree + 2) / 2)));
        let (length, indices) = ((1 << degree) - 1, [0, 1, 2, 3, 19]);
        let codes = indices.map(|index| chips(&gold(degree, index)));
        assert!(gold(degree, length + 1).signal(CHIP_RATE_HZ).is_ok());
        for (i, a) in codes.iter().enumerate() {
            for b in &codes[..i] {
                for lag in 0..a.len() {
                    let sum = periodic_correlation(a, b, lag).re;
                    assert!([-1.0, -t, t - 2.0].contains(&sum), "degree {degree}, lag {lag}: {sum}");
                }
            }
        }
    }
}

#[test]
fn zadoff_chu_sequences_do_not_correlate_with_their_shifts() {
    for (length, root) in [(2, 1), (63, 25), (64, 7), (139, 138), (353, 129)] {
        let code = chips(&zadoff_chu(length, root));
        assert!(code.iter().all(|chip| (chip.norm() - 1.0).abs() < 1e-6));
        for lag in 1..code.len() {
            let sum = periodic_correlation(&code, &code, lag).norm();
            assert!(sum < 1e-4, "length {length}, lag {lag}: {sum}");
        }
    }
    // The greatest length and root: no integer overflows on the way.
    assert!(zadoff_chu((1 << 24) - 1, (1 << 24) - 2).signal(CHIP_RATE_HZ).is_ok());
}

/// IS-GPS-200, table 3-Ia: the first ten chips of each code in octal, the first chip leading.
#[test]
fn gps_codes_begin_as_published() {
    let first_ten = [
        0o1440, 0o1620, 0o1710, 0o1744, 0o1133, 0o1455, 0o1131, 0o1454, 0o1626, 0o1504, 0o1642, 0o1750,
        0o1764, 0o1772, 0o1775, 0o1776, 0o1156, 0o1467, 0o1633, 0o1715, 0o1746, 0o1763, 0o1063, 0o1706,
        0o1743, 0o1761, 0o1770, 0o1774, 0o1127, 0o1453, 0o1625, 0o1712,
    ];
    for (prn, expected) in (1..).zip(first_ten) {
        let code = chips(&Waveform::GpsL1Ca(GpsL1Ca { prn }));
        assert_eq!(code.len(), 1023);
        let octal = code[..10].iter().fold(0, |bits, chip| bits << 1 | i32::from(chip.re < 0.0));
        assert_eq!(octal, expected, "PRN {prn}: {octal:o}");
        // A balanced Gold code has one more 1 than 0.
        assert_eq!(code.iter().map(|chip| chip.re).sum::<f32>(), -1.0);
    }
    let signal = Waveform::GpsL1Ca(GpsL1Ca { prn: 1 }).signal(12e6).unwrap();
    assert!((signal.period_s().unwrap() - 1e-3).abs() < 1e-18);
    assert_eq!(signal.n_samples(), 12_000);
}

/// `scipy.signal.chirp(t, -300e3, 20e-6, 400e3, complex=True)` at 1 MS/s.
#[test]
fn chirps_agree_with_scipy() {
    let expected = [
        (1.0, 0.0),
        (-0.202787, -0.979223),
        (-0.982287, 0.187381),
        (-0.047106, 0.99889),
        (0.876307, 0.481754),
        (0.92388, -0.382683),
        (0.481754, -0.876307),
        (0.047106, -0.99889),
        (-0.187381, -0.982287),
        (-0.202787, -0.979223),
        (0.0, -1.0),
        (0.411514, -0.911403),
        (0.876307, -0.481754),
        (0.935444, 0.353475),
        (0.125333, 0.992115),
        (-0.92388, 0.382683),
        (-0.425779, -0.904827),
        (0.964557, -0.263873),
        (-0.125333, 0.992115),
        (-0.739631, -0.673013),
    ];
    let replica = chirp(-300e3, 400e3, 20e-6).replica("chirp", 1e6).unwrap();
    assert_eq!(replica.samples.len(), expected.len());
    for (found, (re, im)) in replica.samples.iter().zip(expected) {
        assert!((found - Complex32::new(re, im)).norm() < 2e-6, "{found} {re} {im}");
    }
}

#[test]
fn a_window_shapes_the_chirp_over_its_length() {
    let windows = [
        Window::Hann {},
        Window::Kaiser { beta: 5.0 },
        Window::Taylor { n_bar: 4, side_lobe_db: 35.0 },
        Window::Chebyshev { side_lobe_db: 60.0 },
    ];
    for window in windows {
        let wave = LinearChirp { start_hz: 1e5, stop_hz: -1e5, duration_s: 1e-4, window };
        let samples = Waveform::LinearChirp(wave).replica("chirp", 1e6).unwrap().samples;
        // The instants n/fs: the middle of the window falls on sample 50, its mirror images on 50 ± k.
        assert!((samples[50].norm() - 1.0).abs() < 2e-3, "{window:?} {}", samples[50].norm());
        assert!(samples[1].norm() < 0.3, "{window:?}");
        for k in 1..50 {
            let (before, after) = (samples[50 - k].norm(), samples[50 + k].norm());
            assert!((before - after).abs() < 1e-5, "{window:?} ±{k}: {before} {after}");
        }
    }
}

#[test]
fn edges_between_samples_are_weighted() {
    let preamble = Waveform::ModeSPreamble(ModeSPreamble {}).replica("preamble", 2.4e6).unwrap();
    assert_eq!(preamble.samples.len(), 20); // 19.2
    let expected = [1.0, 0.2, 0.6, 0.6, 0.0, 0.0, 0.0, 0.0, 0.6, 0.6, 0.2, 1.0];
    for (n, sample) in preamble.samples.iter().enumerate() {
        let want = expected.get(n).copied().unwrap_or(0.0);
        assert!((sample.re - want).abs() < 1e-6 && sample.im == 0.0, "{n}: {sample} {want}");
    }
}

/// The slow twin: the mean of many instants within the sample period.
#[test]
fn samples_are_means_of_the_waveform_at_any_rate_and_delay() {
    let train = PulseTrain { pulses: vec![[1e-6, 2.5e-6], [5e-6, 0.1e-6]], duration_s: 10e-6 };
    let waveforms = [barker(13, false), gold(5, 7), zadoff_chu(31, 3), Waveform::PulseTrain(train)];
    for waveform in &waveforms {
        for rate_hz in [0.3e6, 0.7e6, 1e6, 2.4e6, 61.44e6] {
            let signal = waveform.signal(rate_hz).unwrap();
            let fine = waveform.signal(1e11).unwrap(); // as good as instants
            for step in -2..40 {
                let position_s = f64::from(step) * 0.83e-6 + 0.11e-6;
                let period_s = 1.0 / rate_hz;
                let instants = 5000;
                let instant =
                    |k: i32| fine.value(position_s + (f64::from(k) + 0.5) / f64::from(instants) * period_s);
                let mean = (0..instants).map(instant).sum::<Complex<f64>>() / f64::from(instants);
                let error = (signal.value(position_s) - mean).norm();
                assert!(error < 1e-3, "{waveform:?} at {rate_hz} Hz, {position_s} s: off by {error}");
            }
        }
    }
}

#[test]
fn whole_samples_a_chip_give_the_chips() {
    let once = chips(&gold(9, 3));
    let waveform = gold(9, 3);
    for times in [2, 3, 7] {
        let replica = waveform.replica("gold", CHIP_RATE_HZ * times as f64).unwrap();
        assert_eq!(replica.samples.len(), once.len() * times);
        for (n, sample) in replica.samples.iter().enumerate() {
            assert_eq!(*sample, once[n / times], "sample {n}");
        }
    }
}

#[test]
fn resampling_keeps_what_both_rates_can_hold() {
    let tone = |n: usize, rate_hz: f64| {
        let length = n as f64 / rate_hz;
        let rise = |t: f64| 0.5 - 0.5 * (std::f64::consts::TAU * t / length).cos();
        let sample = |k: usize| {
            let t = k as f64 / rate_hz;
            let x = Complex::from_polar(rise(t), std::f64::consts::TAU * 0.8e6 * t);
            Complex32::new(x.re as f32, x.im as f32)
        };
        (0..n).map(sample).collect::<Vec<_>>()
    };
    for (source_hz, target_hz, n, n_out) in
        [(2e6, 3e6, 1000, 1500), (5e6, 2e6, 2500, 1000), (2.4e6, 2e6, 1200, 1000), (2e6, 2e6, 10, 10)]
    {
        let found = Replica::from_samples("tone", tone(n, source_hz), source_hz, target_hz).unwrap();
        let expected = tone(n_out, target_hz);
        assert_eq!(found.samples.len(), n_out);
        for (k, (a, b)) in found.samples.iter().zip(&expected).enumerate() {
            assert!((a - b).norm() < 1e-3, "{source_hz} to {target_hz} Hz, sample {k}: {a} {b}");
        }
    }
    // 1.5 MHz does not fit into 2 MS/s: it goes, and does not come back as an alias.
    let high: Vec<_> =
        (0..4000).map(|k| Complex32::from_polar(1.0, std::f32::consts::TAU * 0.3 * k as f32)).collect();
    let low = Replica::from_samples("high", high, 5e6, 2e6).unwrap();
    assert!(low.samples[100..1500].iter().all(|x| x.norm() < 1e-3));
}

#[test]
fn wrong_parameters_are_named() {
    let message = |waveform: Waveform, rate_hz| waveform.replica("x", rate_hz).unwrap_err().to_string();
    let check = |waveform: Waveform, words: &[&str]| {
        let text = message(waveform, 2e6);
        assert!(words.iter().all(|word| text.contains(word)), "{text}");
    };
    check(barker(6, false), &["barker", "length is 6", "2, 3, 4, 5, 7, 11 or 13"]);
    check(barker(5, true), &["alternate is true"]);
    check(Waveform::Barker(Barker { length: 5, chip_s: f64::NAN, alternate: false }), &["chip_s is NaN"]);
    check(maximum_length(21, None), &["degree is 21", "2 to 20"]);
    check(maximum_length(4, Some(vec![4, 2])), &["taps is [4, 2]", "primitive", "after 6 chips"]);
    check(maximum_length(4, Some(vec![3, 1])), &["taps is [3, 1]", "degree 4"]);
    check(maximum_length(4, Some(vec![4, 0])), &["taps is [4, 0]"]);
    check(gold(8, 0), &["degree is 8"]);
    check(gold(5, 33), &["index is 33", "0 to 32"]);
    check(Waveform::GpsL1Ca(GpsL1Ca { prn: 0 }), &["prn is 0", "1 to 32"]);
    check(Waveform::GpsL1Ca(GpsL1Ca { prn: 33 }), &["prn is 33"]);
    check(zadoff_chu(0, 1), &["length is 0"]);
    check(zadoff_chu(63, 21), &["root is 21", "1 to 62"]);
    check(zadoff_chu(u32::MAX, 1), &["length is 4294967295"]);
    check(chirp(0.0, 1.1e6, 1e-3), &["stop_hz is 1100000", "1000000", "2000000"]);
    check(chirp(f64::NAN, 0.0, 1e-3), &["start_hz is NaN"]);
    check(chirp(0.0, 0.0, -1.0), &["duration_s is -1", "above zero"]);
    check(chirp(0.0, 0.0, f64::INFINITY), &["duration_s is inf"]);
    check(chirp(0.0, 0.0, 1e-7), &["expected 1 to 16777216"]);
    check(chirp(0.0, 0.0, 60.0), &["120000000 samples", "16777216"]);
    check(Waveform::Pulse(Pulse { duration_s: 0.0 }), &["pulse", "duration_s is 0"]);
    let window = Window::Taylor { n_bar: 0, side_lobe_db: 30.0 };
    let wave = LinearChirp { start_hz: 0.0, stop_hz: 0.0, duration_s: 1e-4, window };
    check(Waveform::LinearChirp(wave), &["n_bar is 0"]);
    let train = |pulses| Waveform::PulseTrain(PulseTrain { pulses, duration_s: 1e-5 });
    check(train(vec![]), &["a list of 0"]);
    check(train(vec![[0.0, 2e-6], [1e-6, 1e-6]]), &["at place 1"]);
    check(train(vec![[0.0, 1.1e-5]]), &["at place 0"]);
    check(train(vec![[f64::NAN, 1e-6]]), &["at place 0"]);
    for rate_hz in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(message(barker(5, false), rate_hz).contains("sample rate"), "{rate_hz}");
    }
    let hann = LinearChirp { start_hz: 0.0, stop_hz: 0.0, duration_s: 1e-6, window: Window::Hann {} };
    assert!(message(Waveform::LinearChirp(hann), 1e6).contains("no energy"));
    for samples in [vec![], vec![Complex32::ZERO; 4], vec![Complex32::new(f32::NAN, 0.0); 4]] {
        assert!(Replica::from_samples("x", samples, 1e6, 2e6).is_err());
    }
}

#[test]
fn configurations_name_the_type_and_nothing_unknown() {
    let waveforms = [
        "type = 'linear_chirp'\nstart_hz = -1e5\nstop_hz = 1e5\nduration_s = 1e-4\nwindow = { type = 'hann' }",
        "type = 'pulse'\nduration_s = 1e-6",
        "type = 'pulse_train'\npulses = [[0.0, 1e-6], [2e-6, 1e-6]]\nduration_s = 4e-6",
        "type = 'mode_s_preamble'",
        "type = 'barker'\nlength = 13\nchip_s = 1e-6",
        "type = 'maximum_length'\ndegree = 7\nchip_rate_hz = 1e6",
        "type = 'gold'\ndegree = 5\nindex = 2\nchip_rate_hz = 1e6",
        "type = 'gps_l1_ca'\nprn = 3",
        "type = 'zadoff_chu'\nlength = 63\nroot = 25\nchip_rate_hz = 1e6",
    ];
    for text in waveforms {
        let waveform: Waveform = toml::from_str(text).unwrap();
        assert!(waveform.replica("x", 4e6).is_ok(), "{text}");
        assert_eq!(toml::from_str::<Waveform>(&toml::to_string(&waveform).unwrap()), Ok(waveform));
        let error = toml::from_str::<Waveform>(&format!("{text}\nprf_hz = 1")).unwrap_err().to_string();
        assert!(error.contains("prf_hz"), "{error}");
    }
    let odd = waveforms[0].replace("'hann'", "'hann', beta = 3.0");
    assert!(toml::from_str::<Waveform>(&odd).unwrap_err().to_string().contains("beta"));
}
