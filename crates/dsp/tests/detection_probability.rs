//! Detection probability against SNR of a known echo that does not fluctuate, against theory.
//!
//! Theory is written here once more, from finite sums where the detector has only gamma laws of whole shape, and
//! shares nothing with the library.
#![allow(clippy::print_stdout, reason = "the figures are what one runs it for")]

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use rangegate_dsp::detect::{CellStatistics, CfarConfig, CfarPlan, CfarWindow, OsCfarWindow};

const TRAINING: usize = 16;
const GUARD: usize = 2;
const ORDER: usize = 24;

#[derive(Clone, Copy, Debug)]
enum Kind {
    CellAveraging,
    GreatestOf,
    SmallestOf,
    OrderedStatistic,
}

use Kind::{CellAveraging, GreatestOf, OrderedStatistic, SmallestOf};

/// P(gamma of whole shape > x).
fn gamma_survival(shape: usize, x: f64) -> f64 {
    let mut term = (-x).exp();
    let mut sum = 0.0;
    for j in 0..shape {
        sum += term;
        term *= x / (j + 1) as f64;
    }
    sum
}

fn gamma_density(shape: usize, x: f64) -> f64 {
    (1..shape).fold((-x).exp(), |density, j| density * x / j as f64)
}

/// Density of the raw level: a mean for the first three, the ORDER-th of 2·TRAINING for the last.
fn level_density(kind: Kind, z: f64) -> f64 {
    let n = TRAINING as f64;
    match kind {
        CellAveraging => 2.0 * n * gamma_density(2 * TRAINING, 2.0 * n * z),
        GreatestOf => 2.0 * n * gamma_density(TRAINING, n * z) * (1.0 - gamma_survival(TRAINING, n * z)),
        SmallestOf => 2.0 * n * gamma_density(TRAINING, n * z) * gamma_survival(TRAINING, n * z),
        OrderedStatistic => {
            let m = 2 * TRAINING;
            let ways =
                (0..ORDER).fold(1.0, |ways, j| ways * (m - j) as f64 / (ORDER - j) as f64) * ORDER as f64;
            ways * (-z).exp().powi((m - ORDER + 1) as i32) * (1.0 - (-z).exp()).powi(ORDER as i32 - 1)
        }
    }
}

/// Mean of a function over the raw level, by Simpson's rule.
fn over_level(kind: Kind, f: impl Fn(f64) -> f64) -> f64 {
    const STEPS: usize = 2000;
    let step = 5.0 / STEPS as f64;
    (0..=STEPS)
        .map(|i| {
            let weight = if i == 0 || i == STEPS { 1.0 } else { (2 + 2 * (i % 2)) as f64 };
            let z = i as f64 * step;
            weight * level_density(kind, z) * f(z)
        })
        .sum::<f64>()
        * step
        / 3.0
}

/// Marcum's Q₁(√(2·snr), √(2·x)): the chance that an echo of this SNR in noise of power 1 exceeds x.
fn marcum(snr: f64, x: f64) -> f64 {
    // A Poisson number of further squared magnitudes.
    let (mut poisson, mut term) = ((-snr).exp(), (-x).exp());
    let mut survival = term;
    let mut sum = 0.0;
    for k in 0..(snr + 12.0 * snr.sqrt() + 40.0) as usize {
        sum += poisson * survival;
        poisson *= snr / (k + 1) as f64;
        term *= x / (k + 1) as f64;
        survival += term;
    }
    sum
}

fn factor(kind: Kind, pfa: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1000.0);
    for _ in 0..60 {
        let t = 0.5 * (low + high);
        *(if over_level(kind, |z| (-t * z).exp()) > pfa { &mut low } else { &mut high }) = t;
    }
    0.5 * (low + high)
}

fn theory(kind: Kind, factor: f64, snr_db: f64) -> f64 {
    over_level(kind, |z| marcum(10f64.powf(snr_db / 10.0), factor * z))
}

/// Probabilities that SciPy has for the same: `ncx2.sf` averaged over `gamma` laws by `quad`.
#[test]
fn theory_agrees_with_scipy() {
    for (kind, pfa, snr_db, expected) in SCIPY {
        let found = theory(kind, factor(kind, pfa), snr_db);
        assert!(
            (found - expected).abs() < 2e-6,
            "{kind:?}, {pfa:e}, {snr_db} dB: {found}, SciPy has {expected}"
        );
    }
}

#[rustfmt::skip]
const SCIPY: [(Kind, f64, f64, f64); 16] = [
    (CellAveraging, 1e-3, 8.0, 0.4168864),
    (CellAveraging, 1e-3, 11.0, 0.8751365),
    (CellAveraging, 1e-6, 11.0, 0.2549065),
    (CellAveraging, 1e-6, 14.0, 0.8772175),
    (GreatestOf, 1e-3, 8.0, 0.4035724),
    (GreatestOf, 1e-3, 11.0, 0.8632176),
    (GreatestOf, 1e-6, 11.0, 0.2337395),
    (GreatestOf, 1e-6, 14.0, 0.8502283),
    (SmallestOf, 1e-3, 8.0, 0.3755436),
    (SmallestOf, 1e-3, 11.0, 0.8419347),
    (SmallestOf, 1e-6, 11.0, 0.1563846),
    (SmallestOf, 1e-6, 14.0, 0.7519650),
    (OrderedStatistic, 1e-3, 8.0, 0.3827482),
    (OrderedStatistic, 1e-3, 11.0, 0.8456129),
    (OrderedStatistic, 1e-6, 11.0, 0.1891969),
    (OrderedStatistic, 1e-6, 14.0, 0.7932640),
];

/// Share of echoes found, each alone within the reach of its cell.
fn simulate(plan: &CfarPlan, snr_db: f64, n_echoes: usize, rng: &mut ChaCha8Rng) -> f64 {
    let spacing = plan.reach_left() + 1;
    let n = (n_echoes + 2) * spacing;
    let amplitude = 10f64.powf(snr_db / 20.0) as f32;
    let mut normal = || -> f32 { StandardNormal.sample(rng) };
    let half = std::f32::consts::FRAC_1_SQRT_2;
    let row: Vec<f32> = (0..n)
        .map(|i| {
            let echo = if i % spacing == 0 { amplitude } else { 0.0 };
            (echo + half * normal()).powi(2) + (half * normal()).powi(2)
        })
        .collect();
    let (mut level, mut threshold) = (vec![0.0; n], vec![0.0; n]);
    plan.thresholds(&row, 0..n, &mut level, &mut threshold, &mut vec![0.0; plan.scratch_len(n)]);
    // Not those at the ends, which have fewer training cells.
    let found = (1..=n_echoes).map(|k| k * spacing).filter(|&i| row[i] > threshold[i]).count();
    found as f64 / n_echoes as f64
}

/// SNR at which a falling or rising table of (SNR, probability) passes a probability.
fn snr_at(probability: f64, curve: &[(f64, f64)]) -> f64 {
    let i = curve.iter().position(|p| p.1 >= probability).expect("a curve that reaches it");
    let ((x0, y0), (x1, y1)) = (curve[i - 1], curve[i]);
    x0 + (x1 - x0) * (probability - y0) / (y1 - y0)
}

#[test]
fn detection_probability_follows_theory() {
    let window = || CfarWindow { guard: GUARD, training: TRAINING };
    let detectors = [
        (CellAveraging, CfarConfig::CaCfar(window())),
        (GreatestOf, CfarConfig::GoCfar(window())),
        (SmallestOf, CfarConfig::SoCfar(window())),
        (OrderedStatistic, CfarConfig::OsCfar(OsCfarWindow { guard: GUARD, training: TRAINING, rank: 0.75 })),
    ];
    let statistics = CellStatistics::SquareLaw { n_integrated: 1, correlation: Vec::new() };
    let mut rng = ChaCha8Rng::seed_from_u64(20_261_122);
    for pfa in [1e-3, 1e-6] {
        for (kind, config) in &detectors {
            let plan = CfarPlan::new(config, pfa, &statistics, 0).expect("a valid detector");
            let factor = factor(*kind, pfa);
            let snrs_db = (0..=22).map(|i| 6.0 + 0.5 * f64::from(i));
            let simulated: Vec<_> =
                snrs_db.clone().map(|s| (s, simulate(&plan, s, 20_000, &mut rng))).collect();
            let expected: Vec<_> = snrs_db.map(|s| (s, theory(*kind, factor, s))).collect();
            for probability in [0.5, 0.9] {
                let loss_db = snr_at(probability, &simulated) - snr_at(probability, &expected);
                println!(
                    "{kind:?}, Pfa {pfa:e}, Pd {probability}: {:.2} dB, theory {:.2} dB",
                    snr_at(probability, &simulated),
                    snr_at(probability, &expected)
                );
                assert!(loss_db.abs() < 0.3, "{kind:?}, Pfa {pfa:e}, Pd {probability}: {loss_db:.2} dB off");
            }
            for ((snr_db, found), (_, expected)) in simulated.iter().zip(&expected) {
                assert!(
                    (found - expected).abs() < 0.02,
                    "{kind:?}, Pfa {pfa:e}, {snr_db} dB: {found} {expected}"
                );
            }
        }
    }
}
