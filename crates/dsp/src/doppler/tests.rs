use super::*;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use rustfft::num_complex::{Complex, Complex64};

fn noise_cube(rng: &mut ChaCha8Rng, n_pulses: usize, n_gates: usize) -> PulseCube {
    let mut cube = PulseCube::new(n_pulses, n_gates);
    cube.data_mut().fill_with(|| Complex32::new(rng.random_range(-1.0..1.0), rng.random_range(-1.0..1.0)));
    cube
}

/// The slow twin: the sum at one frequency, given in cycles at each pulse.
fn power(cube: &PulseCube, gate: usize, window: &[f32], cycles: impl Fn(usize) -> f64) -> f64 {
    let sum: f64 = window.iter().map(|&w| f64::from(w)).sum();
    let term = |(m, &w): (usize, &f32)| {
        let x = cube.row(m)[gate];
        Complex::from_polar(f64::from(w) / sum, -TAU * cycles(m))
            * Complex::new(f64::from(x.re), f64::from(x.im))
    };
    window.iter().enumerate().map(term).sum::<Complex<f64>>().norm_sqr()
}

fn assert_close(found: f32, expected: f64, case: impl std::fmt::Display) {
    assert!((f64::from(found).sqrt() - expected.sqrt()).abs() < 1e-6, "{case}: {found} for {expected}");
}

#[test]
fn agrees_with_the_direct_sum_for_any_shape_and_dirty_scratch() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let cases = [
        (1, 1, 1),
        (1, 4, 3),
        (2, 2, 16),
        (3, 3, 17),
        (5, 8, 64),
        (7, 7, 65),
        (16, 16, 63),
        (12, 60, 9),
        (31, 31, 5),
        (100, 127, 20),
        (128, 128, 200),
        (96, 256, 33),
        (50, 90, 40),
        // Three passes with butterflies, and a row more than is fetched ahead at a time.
        (300, 512, 17),
        (64, 64, 130),
    ];
    for (n_pulses, n_doppler, n_gates) in cases {
        let window = if n_pulses < 3 { Window::Rectangular {} } else { Window::Hann {} };
        let plan = Arc::new(DopplerPlan::new(n_pulses, n_doppler, &window, n_gates).unwrap());
        let (mut worker, mut map) = (plan.make_worker(), plan.make_map());
        let samples = window.samples(n_pulses);
        for pass in 0..2 {
            // More pulses than planned are left alone.
            let cube = noise_cube(&mut rng, n_pulses + pass, n_gates);
            worker.process(&cube, &mut map);
            for k in 0..n_doppler {
                for gate in (0..n_gates).step_by(7).chain([n_gates - 1]) {
                    let expected =
                        power(&cube, gate, &samples, |m| ((k * m) % n_doppler) as f64 / n_doppler as f64);
                    let case = format!("{n_pulses} pulses, bin {k} of {n_doppler}, gate {gate} of {n_gates}");
                    assert_close(map.row(k)[gate], expected, case);
                }
            }
            let dirt = ComplexLanes { re: [f32::NAN; LANES], im: [f32::INFINITY; LANES] };
            worker.strip.fill(dirt);
            worker.other.fill(dirt);
            map.data_mut().fill(f32::NAN);
        }
    }
}

#[test]
fn non_uniform_times_agree_with_the_direct_sum() {
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    for (n_pulses, n_doppler, n_gates) in [(1, 1, 1), (20, 7, 33), (13, 40, 70)] {
        let times_s: Vec<f64> =
            (0..n_pulses).map(|m| 1e-3 * (m as f64 + rng.random_range(0.0..0.5))).collect();
        let doppler_hz: Vec<f64> = (0..n_doppler).map(|k| -2000.0 + 97.3 * k as f64).collect();
        let window = Window::Hamming {};
        let phasor = |f: &f64| times_s.iter().map(|t| Complex64::cis(TAU * f * t)).collect::<Vec<_>>();
        let sequences: Vec<_> = doppler_hz.iter().map(phasor).collect();
        let plan = Arc::new(DopplerPlan::matched(&sequences, &window, n_gates).unwrap());
        let (mut worker, mut map) = (plan.make_worker(), plan.make_map());
        let cube = noise_cube(&mut rng, n_pulses, n_gates);
        let samples = window.samples(n_pulses);
        for _ in 0..2 {
            worker.process(&cube, &mut map);
            for k in 0..n_doppler {
                for gate in 0..n_gates {
                    let expected = power(&cube, gate, &samples, |m| doppler_hz[k] * times_s[m]);
                    assert_close(map.row(k)[gate], expected, format!("{n_pulses} pulses, {k}, {gate}"));
                }
            }
            worker.strip.fill(ComplexLanes { re: [f32::NAN; LANES], im: [f32::NAN; LANES] });
            worker.other.fill(ComplexLanes { re: [f32::NAN; LANES], im: [f32::NAN; LANES] });
        }
    }
}

#[test]
fn an_echo_has_its_power_in_its_bin_and_noise_its_gain() {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let (n_pulses, n_gates, bin) = (64, 4000, 5);
    for window in [Window::Rectangular {}, Window::Hann {}, Window::Taylor { n_bar: 5, side_lobe_db: 40.0 }] {
        let plan = Arc::new(DopplerPlan::new(n_pulses, n_pulses, &window, n_gates).unwrap());
        let (mut worker, mut map) = (plan.make_worker(), plan.make_map());
        let mut cube = noise_cube(&mut rng, n_pulses, n_gates);
        for m in 0..n_pulses {
            let turn = TAU * (bin * m) as f64 / n_pulses as f64;
            cube.row_mut(m)[7] = Complex32::new((3.0 * turn.cos()) as f32, (3.0 * turn.sin()) as f32);
        }
        worker.process(&cube, &mut map);
        assert!((map.row(bin)[7] - 9.0).abs() < 1e-4, "{}", map.row(bin)[7]);
        // Real and imaginary part have 1/3 each.
        let mean = map.row(30).iter().map(|&p| f64::from(p)).sum::<f64>() / n_gates as f64;
        let expected = plan.noise_gain() * 2.0 / 3.0;
        assert!((mean / expected - 1.0).abs() < 0.08, "{window:?}: {mean} for {expected}");
    }
    let hann = DopplerPlan::new(1000, 1000, &Window::Hann {}, 1).unwrap();
    assert!((hann.loss_db() - 1.76).abs() < 0.02, "{}", hann.loss_db());
}

#[test]
fn opposite_velocities_are_mirrored() {
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let plan = Arc::new(DopplerPlan::new(24, 24, &Window::Hann {}, 50).unwrap());
    let (mut worker, mut map, mut mirrored) = (plan.make_worker(), plan.make_map(), plan.make_map());
    let mut cube = noise_cube(&mut rng, 24, 50);
    worker.process(&cube, &mut map);
    cube.data_mut().iter_mut().for_each(|x| *x = x.conj());
    worker.process(&cube, &mut mirrored);
    for k in 0..24 {
        for (a, b) in map.row(k).iter().zip(mirrored.row((24 - k) % 24)) {
            assert!((a - b).abs() < 1e-6, "{k}: {a} {b}");
        }
    }
}

#[test]
fn impossible_plans_are_refused() {
    let plan = |n_pulses, n_doppler, window| DopplerPlan::new(n_pulses, n_doppler, &window, 10).unwrap_err();
    assert_eq!(plan(0, 4, Window::Hann {}), DopplerError::NoPulses);
    assert_eq!(plan(5, 4, Window::Hann {}), DopplerError::TooFewBins { n_doppler: 4, n_pulses: 5 });
    assert_eq!(plan(2, 4, Window::Hann {}), DopplerError::EmptyWindow { n_pulses: 2 });
    assert!(matches!(plan(2, 4, Window::Kaiser { beta: -1.0 }), DopplerError::Window(_)));
    let sequences = |last: Vec<Complex64>| [vec![Complex64::ONE; 2], last];
    for last in [vec![], vec![Complex64::new(f64::NAN, 0.0); 2]] {
        let error = DopplerPlan::matched(&sequences(last), &Window::Rectangular {}, 10).unwrap_err();
        assert_eq!(error.to_string(), "doppler: sequence 1 is not of 2 finite numbers, as many as pulses");
    }
}
