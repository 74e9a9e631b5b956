//! Estimates without noise, behind a canceller, at the ends, of rubbish. With noise: `accuracy::tests`.

use super::*;
use rangegate_core::Complex32;

const RATE_HZ: f64 = 1e6;
const PRI_S: f64 = 1e-3;
const N_PULSES: usize = 24;

fn times_s() -> Vec<f64> {
    (0..N_PULSES).map(|p| p as f64 * PRI_S).collect()
}

fn sinc(x: f64) -> f64 {
    if x == 0.0 { 1.0 } else { (PI * x).sin() / (PI * x) }
}

/// Compressed pulses of a flat spectrum over 0.8 of the sample rate, after subtracting `cancelled` times the pulse
/// before.
fn cube(gate: f64, doppler_hz: f64, amplitude: Complex64, cancelled: f64) -> PulseCube {
    let mut cube = PulseCube::new(N_PULSES, 64);
    let middle_s = (N_PULSES - 1) as f64 * PRI_S / 2.0;
    for p in 0..N_PULSES {
        let echo = |p: f64| amplitude * Complex64::cis(TAU * doppler_hz * (p * PRI_S - middle_s));
        let pulse = echo(p as f64) - cancelled * echo(p as f64 - 1.0);
        for (g, y) in cube.row_mut(p).iter_mut().enumerate() {
            let value = pulse * sinc(0.8 * (g as f64 - gate));
            *y = Complex32::new(value.re as f32, value.im as f32);
        }
    }
    cube
}

fn estimator(options: &EstimatorOptions) -> Estimator {
    Estimator::new(Arc::new(EstimatorPlan::new(&times_s(), RATE_HZ, options).expect("a plan")))
}

#[test]
fn targets_between_the_cells_are_found_where_they_are() {
    let amplitude = Complex64::from_polar(0.3, 1.1);
    let weights = Window::Hann {}.samples(N_PULSES + 2)[1..=N_PULSES].to_vec();
    for options in [EstimatorOptions::default(), EstimatorOptions { weights, ..EstimatorOptions::default() }]
    {
        let mut estimator = estimator(&options);
        for k in 0..40 {
            let (gate, doppler_hz) = (30.0 + 0.0503 * f64::from(k), -120.0 + 13.37 * f64::from(k));
            let cube = cube(gate, doppler_hz, amplitude, 0.0);
            let cell_hz = 1.0 / (N_PULSES as f64 * PRI_S);
            let peak_hz = (doppler_hz / cell_hz).round() * cell_hz;
            let found = estimator.estimate(&cube, gate.round() as usize, peak_hz);
            assert!(found.converged);
            assert!((found.gate - gate).abs() < 1e-3, "{found:?}, gate {gate}");
            assert!((found.doppler_hz - doppler_hz).abs() < 1e-3 * cell_hz, "{found:?}, {doppler_hz} Hz");
            assert!((found.amplitude - amplitude).norm() < 2e-3 * amplitude.norm(), "{found:?}");
        }
    }
}

#[test]
fn a_canceller_shifts_nothing() {
    // Of two pulses, next to its notch, where the slope is steepest.
    let (gate, doppler_hz) = (31.3, 71.0);
    let cube = cube(gate, doppler_hz, Complex64::ONE, 1.0);
    let found = estimator(&EstimatorOptions::default()).estimate(&cube, 31, 83.3);
    let gain = 2.0 * (PI * doppler_hz * PRI_S).sin();
    assert!((found.gate - gate).abs() < 1e-3, "{found:?}");
    assert!((found.doppler_hz - doppler_hz).abs() < 1e-3, "{found:?}");
    assert!((found.amplitude.norm() / gain - 1.0).abs() < 2e-3, "{found:?}");
}

#[test]
fn coupling_is_taken_out() {
    let (gate, doppler_hz, coupling_s_per_hz) = (30.4, 200.0, -1e-8);
    let cube = cube(gate + coupling_s_per_hz * doppler_hz * RATE_HZ, doppler_hz, Complex64::ONE, 0.0);
    let found = estimator(&EstimatorOptions { coupling_s_per_hz, ..EstimatorOptions::default() })
        .estimate(&cube, 28, 208.3);
    assert!((found.gate - gate).abs() < 1e-3, "{found:?}");
}

#[test]
fn nothing_panics_at_the_ends_nor_on_rubbish() {
    let mut estimator = estimator(&EstimatorOptions::default());
    for gate in [0.2, 0.9, 62.7] {
        let cube = cube(gate, 50.0, Complex64::ONE, 0.0);
        let found = estimator.estimate(&cube, gate.round() as usize, 41.7);
        assert!((found.gate - gate).abs() < 0.1, "{found:?}, gate {gate}");
    }
    let mut cube = cube(30.0, 50.0, Complex64::ONE, 0.0);
    for (gate, doppler_hz) in [(1_000_000, 0.0), (usize::MAX - 100, 0.0), (30, f64::NAN), (30, f64::INFINITY)]
    {
        assert!(!estimator.estimate(&cube, gate, doppler_hz).converged);
    }
    cube.row_mut(3).fill(Complex32::new(f32::NAN, f32::INFINITY));
    assert!(!estimator.estimate(&cube, 30, 50.0).converged);
    assert!(!estimator.estimate(&PulseCube::new(N_PULSES, 64), 30, 50.0).converged);
}

#[test]
fn settings_without_meaning_are_refused() {
    let refused = |times: &[f64], rate, options: &EstimatorOptions| {
        EstimatorPlan::new(times, rate, options).expect_err("refused").to_string()
    };
    let none = EstimatorOptions::default();
    assert_eq!(refused(&[0.0], 1e6, &none), "pulse_times_s: found 1 pulses, expected two or more");
    assert!(refused(&[0.0, 0.0], 1e6, &none).starts_with("pulse_times_s"));
    assert!(refused(&[0.0, f64::NAN], 1e6, &none).starts_with("pulse_times_s"));
    assert!(refused(&[0.0, 1.0], 0.0, &none).starts_with("sample_rate_hz"));
    for weights in [vec![1.0], vec![0.0, 0.0], vec![f32::NAN, 1.0]] {
        let options = EstimatorOptions { weights, ..EstimatorOptions::default() };
        assert!(refused(&[0.0, 1.0], 1e6, &options).starts_with("weights"));
    }
}
