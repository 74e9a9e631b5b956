//! Formulas against closed forms, SciPy, and each other.

use super::*;
use rangegate_core::Complex32;

#[track_caller]
fn assert_near(found: f64, expected: f64, tolerance: f64) {
    assert!((found - expected).abs() <= tolerance, "{found}, expected {expected}");
}

#[test]
fn single_cells_have_closed_forms() {
    for threshold in [1.0, 7.0, 14.0, 40.0f64] {
        for snr in [0.0, 0.5, 10.0, 1000.0] {
            let exponential = (-threshold / (1.0 + snr)).exp();
            assert_near(detection_probability(Swerling::One, 1, snr, threshold), exponential, 1e-13);
            assert_near(detection_probability(Swerling::Two, 1, snr, threshold), exponential, 1e-13);
            // Di Franco & Rubin 1968: (1 + t·(s/2)/(1 + s/2)²)·exp(−t/(1 + s/2)).
            let a = 1.0 + snr / 2.0;
            let three = (1.0 + threshold * (snr / 2.0) / (a * a)) * (-threshold / a).exp();
            assert_near(detection_probability(Swerling::Three, 1, snr, threshold), three, 1e-12);
            assert_near(detection_probability(Swerling::Four, 1, snr, threshold), three, 1e-12);
        }
    }
    // Fully independent exponential cells: gamma of shape N, scaled.
    for (n, snr, threshold) in [(4, 2.0, 3.0), (10, 1.0, 1.8), (100, 0.3, 1.25)] {
        let scaled = detection_probability(Swerling::Steady, n, 0.0, threshold / (1.0 + snr));
        assert_near(detection_probability(Swerling::Two, n, snr, threshold), scaled, 1e-12);
    }
}

#[test]
fn integrated_cells_agree_with_scipy() {
    for (number, n, snr_db, threshold, expected) in SCIPY {
        let target = [Swerling::Steady, Swerling::One, Swerling::Two, Swerling::Three, Swerling::Four]
            .into_iter()
            .find(|t| t.number() == number)
            .expect("a case");
        let found = detection_probability(target, n, 10f64.powf(snr_db / 10.0), threshold);
        assert_near(found, expected, 2e-8);
    }
}

include!("scipy.rs");

#[test]
fn cell_averaging_has_a_closed_form() {
    for (n, pfa) in [(8, 1e-3), (32, 1e-6), (200, 1e-6)] {
        let theory = CfarTheory::new(NoiseLevel::Mean { n_cells: n }, 1, pfa);
        let factor = n as f64 * (f64::powf(pfa, -1.0 / n as f64) - 1.0);
        for snr in [0.0, 1.0, 20.0, 400.0] {
            let expected = (1.0 + factor / (n as f64 * (1.0 + snr))).powi(-(n as i32));
            assert_near(theory.detection_probability(Swerling::One, snr), expected, 1e-8);
        }
    }
    // Rohling's product for the ordered statistic.
    let (n, k, pfa) = (24, 18, 1e-4);
    let theory = CfarTheory::new(NoiseLevel::Ordered { n_cells: n, rank: 0.75 }, 1, pfa);
    let product = |t: f64| (0..k).map(|j| (n - j) as f64 / ((n - j) as f64 + t)).product::<f64>();
    let (mut low, mut high) = (0.0, 1e3);
    for _ in 0..100 {
        let t = 0.5 * (low + high);
        *(if product(t) > pfa { &mut low } else { &mut high }) = t;
    }
    for snr in [0.0, 3.0, 100.0] {
        assert_near(theory.detection_probability(Swerling::One, snr), product(low / (1.0 + snr)), 1e-6);
    }
}

#[test]
fn losses_are_those_of_the_literature() {
    let known = CfarTheory::new(NoiseLevel::Known, 1, 1e-6);
    // Albersheim's approximation for a steady target: 13.1 to 13.2 dB at 0.9, 11.2 at 0.5.
    assert_near(known.required_snr_db(Swerling::Steady, 0.9), 13.18, 0.02);
    assert_near(known.required_snr_db(Swerling::Steady, 0.5), 11.24, 0.03);
    // Exponential power: ln Pfa / ln Pd − 1.
    let expected = 10.0 * (1e-6f64.ln() / 0.9f64.ln() - 1.0).log10();
    assert_near(known.required_snr_db(Swerling::One, 0.9), expected, 1e-4);
    // Cell-averaging: T/M = Pfa^(−1/M) − 1 stands for the threshold, Pd^(−1/M) − 1 for its share.
    let loss = |level| CfarTheory::new(level, 1, 1e-6).loss_db(&known, Swerling::One, 0.5);
    let ratio = (1e-6f64.powf(-1.0 / 32.0) - 1.0) / (0.5f64.powf(-1.0 / 32.0) - 1.0) - 1.0;
    let one = 10.0 * (ratio / (1e-6f64.ln() / 0.5f64.ln() - 1.0)).log10();
    let mean = loss(NoiseLevel::Mean { n_cells: 32 });
    assert_near(mean, one, 1e-4);
    let greatest = loss(NoiseLevel::Greatest { n_per_half: 16 });
    let ordered = loss(NoiseLevel::Ordered { n_cells: 32, rank: 0.75 });
    let smallest = loss(NoiseLevel::Smallest { n_per_half: 16 });
    assert!(
        mean < greatest && greatest < ordered && ordered < smallest,
        "{mean} {greatest} {ordered} {smallest}"
    );
    assert!(loss(NoiseLevel::Mean { n_cells: 2000 }) < 0.03);
}

#[test]
fn bounds_have_their_textbook_values() {
    let chirp: Vec<Complex32> = (0..4000)
        .map(|n| {
            let t = f64::from(n) / 4000.0;
            // 1000 cycles of bandwidth over 4000 samples: a quarter of the rate.
            let phase = std::f64::consts::PI * 1000.0 * (t * t - t);
            Complex32::new(phase.cos() as f32, phase.sin() as f32)
        })
        .collect();
    let beta = rms_bandwidth_hz(&chirp, 4.0);
    assert!((beta * 12f64.sqrt() - 1.0).abs() < 0.05, "{beta}");
    let times: Vec<f64> = (0..32).map(|p| f64::from(p) * 1e-3).collect();
    assert_near(rms_duration_s(&times), 1e-3 * ((32.0 * 32.0 - 1.0) / 12f64).sqrt(), 1e-15);
    // Rife & Boorstyn, E/N₀ = 2 per pulse.
    let expected = (6.0 / ((std::f64::consts::TAU * 1e-3).powi(2) * 2.0 * 32.0 * (32.0 * 32.0 - 1.0))).sqrt();
    assert_near(doppler_deviation_hz(rms_duration_s(&times), 64.0), expected, 1e-12);
    assert_near(delay_deviation_s(1e6, 50.0), 1.0 / (std::f64::consts::TAU * 1e6 * 10.0), 1e-20);
}
