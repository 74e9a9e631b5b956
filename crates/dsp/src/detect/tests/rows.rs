//! Rows: levels against a slow twin, edges, mirror, pieces, circles, silence.

use super::super::{Detector, os};
use super::*;
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::ops::Range;
use std::sync::LazyLock;

/// Levels and thresholds of some cells of a row, with scratch that holds rubbish.
fn detect(plan: &CfarPlan, row: &[f32], cells: Range<usize>) -> Vec<(f32, f32)> {
    let mut scratch = vec![f32::NAN; plan.scratch_len(cells.len())];
    let (mut level, mut threshold) = (vec![f32::NAN; cells.len()], vec![f32::NAN; cells.len()]);
    plan.thresholds(row, cells, &mut level, &mut threshold, &mut scratch);
    level.into_iter().zip(threshold).collect()
}

fn detect_circular(plan: &CfarPlan, row: &[f32]) -> Vec<(f32, f32)> {
    let mut scratch = vec![f32::NAN; plan.scratch_len_circular(row.len())];
    let (mut level, mut threshold) = (vec![f32::NAN; row.len()], vec![f32::NAN; row.len()]);
    plan.thresholds_circular(row, &mut level, &mut threshold, &mut scratch);
    level.into_iter().zip(threshold).collect()
}

fn bits(cells: &[(f32, f32)]) -> Vec<(u32, u32)> {
    cells.iter().map(|(level, threshold)| (level.to_bits(), threshold.to_bits())).collect()
}

/// Exponential noise with now and then a strong echo.
fn noise(seed: u64, n: usize) -> Vec<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut cell = || -(1.0 - rng.random::<f32>()).ln() * if rng.random_bool(0.02) { 1e6 } else { 1.0 };
    (0..n).map(|_| cell()).collect()
}

/// Level and threshold of a cell, straight from the definition.
fn slow_twin(plan: &CfarPlan, row: &[f32], i: usize) -> (f64, f64) {
    let inside = |k: isize| usize::try_from(k).ok().and_then(|k| row.get(k)).map(|&v| f64::from(v));
    let (guard, training, span) =
        (plan.window.guard as isize, plan.window.training as isize, plan.window.span as isize);
    let i = i as isize;
    let left: Vec<f64> = (1..=training).filter_map(|k| inside(i - guard - k)).collect();
    let right: Vec<f64> = (1..=training).filter_map(|k| inside(i + span + guard + k)).collect();
    let all: Vec<f64> = left.iter().chain(&right).copied().collect();
    let mean = |cells: &[f64]| cells.iter().sum::<f64>() / cells.len() as f64;
    let one_side = left.is_empty() || right.is_empty();
    let level = match plan.detector {
        _ if all.is_empty() => return (0.0, f64::INFINITY),
        Detector::Os { rank } => {
            let mut sorted = all;
            sorted.sort_by(f64::total_cmp);
            sorted[os::order(rank, sorted.len()) - 1]
        }
        Detector::Go if !one_side => mean(&left).max(mean(&right)),
        Detector::So if !one_side => mean(&left).min(mean(&right)),
        _ => mean(&all),
    };
    let (unbias, factor) = plan.scales(left.len(), right.len());
    let level = level * f64::from(unbias);
    (level, level * f64::from(factor))
}

const WINDOWS: [(usize, usize, usize); 6] =
    [(0, 1, 0), (1, 2, 0), (2, 5, 3), (0, 16, 0), (3, 13, 20), (40, 7, 0)];

#[test]
fn levels_and_thresholds_are_those_of_the_definition() {
    for (guard, training, span) in WINDOWS {
        for config in every_detector(guard, training) {
            let plan = plan(&config, 1e-4, &square_law(1), span);
            for n in [0, 1, 2, 3, 10, 60, 61, 500] {
                let row = noise(n as u64, n);
                for (i, &(level, threshold)) in detect(&plan, &row, 0..n).iter().enumerate() {
                    let (true_level, true_threshold) = slow_twin(&plan, &row, i);
                    let near = |a: f32, b: f64| {
                        f64::from(a).to_bits() == b.to_bits() || (f64::from(a) / b - 1.0).abs() < 1e-6
                    };
                    assert!(near(level, true_level), "{config:?}, cell {i} of {n}: {level} {true_level}");
                    assert!(near(threshold, true_threshold), "{config:?}, cell {i} of {n}: {threshold}");
                }
            }
        }
    }
}

#[test]
fn a_cell_has_the_same_bits_wherever_its_row_is_cut() {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    for (guard, training, span) in WINDOWS {
        for config in every_detector(guard, training) {
            let plan = plan(&config, 1e-4, &square_law(1), span);
            let row = noise(4, 700);
            let whole = bits(&detect(&plan, &row, 0..row.len()));
            for _ in 0..50 {
                let start = rng.random_range(0..row.len());
                let end = rng.random_range(start..=row.len());
                // As much more on either side as there may be.
                let from = start.saturating_sub(plan.reach_left() + rng.random_range(0..30));
                let to = (end + plan.reach_right() + rng.random_range(0..30)).min(row.len());
                let piece = bits(&detect(&plan, &row[from..to], start - from..end - from));
                assert_eq!(piece, whole[start..end], "{config:?}, cells {start}..{end} of {from}..{to}");
            }
        }
    }
}

#[test]
fn a_strong_echo_leaves_no_trace_beyond_its_reach() {
    let quiet: Vec<f32> = noise(5, 400).iter().map(|v| v.min(10.0)).collect();
    for config in every_detector(2, 16) {
        let plan = plan(&config, 1e-4, &square_law(1), 0);
        let mut loud = quiet.clone();
        loud[200] = 1e30;
        let (before, after) = (bits(&detect(&plan, &quiet, 0..400)), bits(&detect(&plan, &loud, 0..400)));
        let differ: Vec<usize> = (0..400).filter(|&i| before[i] != after[i]).collect();
        assert!(differ.iter().all(|i| (3..=18).contains(&i.abs_diff(200))), "{config:?}: {differ:?}");
        assert!(!differ.is_empty());
    }
}

/// Windows that a mirrored row is tried with.
static MIRRORED: LazyLock<Vec<CfarPlan>> = LazyLock::new(|| {
    let configs = [(0, 1), (2, 5), (1, 11), (0, 16)].into_iter().flat_map(|(g, t)| every_detector(g, t));
    configs.map(|config| plan(&config, 1e-3, &square_law(1), 0)).collect()
});

proptest! {
    #[test]
    fn a_mirrored_row_has_the_mirrored_result(seed in 0u64..1 << 40, n in 0usize..200) {
        for plan in MIRRORED.iter() {
            let mut row = noise(seed, n);
            let forward = bits(&detect(plan, &row, 0..n));
            row.reverse();
            let mut backward = bits(&detect(plan, &row, 0..n));
            backward.reverse();
            prop_assert_eq!(forward, backward);
        }
    }
}

#[test]
fn a_circle_is_an_endless_row_of_itself() {
    for (guard, training, span) in WINDOWS {
        for config in every_detector(guard, training) {
            let plan = plan(&config, 1e-4, &square_law(1), span);
            for n in [plan.reach_left() + plan.reach_right() + 1, 150] {
                let row = noise(n as u64, n);
                let unrolled = row.repeat(3);
                let middle = bits(&detect(&plan, &unrolled, n..2 * n));
                assert_eq!(bits(&detect_circular(&plan, &row)), middle, "{config:?}, {n} cells");
            }
        }
    }
}

#[test]
fn a_short_circle_has_as_many_training_cells_as_fit() {
    for config in every_detector(1, 8) {
        let plan = plan(&config, 1e-3, &square_law(1), 2);
        // 5 cells are guard, span and the cell itself; 3 on either side are left.
        let row = noise(1, 11);
        let fewer = CfarPlan { window: super::super::Window { training: 3, ..plan.window }, ..plan.clone() };
        assert_eq!(bits(&detect_circular(&plan, &row)), bits(&detect_circular(&fewer, &row)), "{config:?}");
        for n in 0..7 {
            assert!(detect_circular(&plan, &noise(1, n)).iter().all(|c| *c == (0.0, f32::INFINITY)));
        }
    }
}

#[test]
fn silence_and_rubbish_make_no_detections() {
    for config in every_detector(1, 4) {
        let plan = plan(&config, 1e-3, &square_law(1), 0);
        let mut row = vec![0.0; 40];
        row[20] = 1e-3;
        for (test, (_, threshold)) in row.iter().zip(detect(&plan, &row, 0..40)) {
            assert!(*test <= threshold, "{config:?}");
        }
        for rubbish in [f32::NAN, f32::INFINITY] {
            let mut row = noise(6, 100);
            let clean = bits(&detect(&plan, &row, 0..100));
            row[50] = rubbish;
            let cells = detect(&plan, &row, 0..100);
            assert!(cells.iter().all(|c| !c.1.is_nan()), "{config:?}");
            for i in (0..45).chain(56..100) {
                assert_eq!(bits(&cells)[i], clean[i], "{config:?}, cell {i}");
            }
        }
    }
}

#[test]
fn settings_that_mean_nothing_are_named() {
    let config = |guard, training| CfarConfig::CaCfar(CfarWindow { guard, training });
    let ranked = |rank| CfarConfig::OsCfar(OsCfarWindow { guard: 1, training: 8, rank });
    let magnitude = |weights: &[f32]| CellStatistics::Magnitude { weights: weights.to_vec() };
    let correlated = |rho| CellStatistics::SquareLaw { n_integrated: 1, correlation: vec![rho] };
    let cases = [
        (config(1, 0), 1e-3, square_law(1), "training: found 0, expected 1 to 65536"),
        (
            config(usize::MAX, 4),
            1e-3,
            square_law(1),
            "guard: found 18446744073709551615, expected 0 to 1048576",
        ),
        (ranked(0.0), 1e-3, square_law(1), "rank: found 0, expected above 0, at most 1"),
        (ranked(f64::NAN), 1e-3, square_law(1), "rank: found NaN, expected above 0, at most 1"),
        (ranked(1.01), 1e-3, square_law(1), "rank: found 1.01, expected above 0, at most 1"),
        (
            config(1, 8),
            0.0,
            square_law(1),
            "false_alarm_probability: found 0, expected 1e-30 or more, below 1",
        ),
        (
            config(1, 8),
            1.0,
            square_law(1),
            "false_alarm_probability: found 1, expected 1e-30 or more, below 1",
        ),
        (
            config(1, 8),
            f64::NAN,
            square_law(1),
            "false_alarm_probability: found NaN, expected 1e-30 or more, below 1",
        ),
        (
            config(1, 8),
            1e-13,
            magnitude(&[1.0]),
            "false_alarm_probability: found 0.0000000000001, expected 1e-12 or more, below 1",
        ),
        (config(1, 8), 1e-3, square_law(0), "n_integrated: found 0, expected 1 or more"),
        (config(1, 8), 1e-3, correlated(1.5), "correlation: found 1.5, expected magnitudes from 0 to 1"),
        (config(1, 8), 1e-3, correlated(f32::NAN), "correlation: found NaN, expected magnitudes from 0 to 1"),
        (config(1, 8), 1e-3, magnitude(&[1.0, f32::INFINITY]), "weights: found inf, expected finite numbers"),
        (config(1, 8), 1e-3, magnitude(&[]), "weights: found only zeros, expected a weight that is not"),
    ];
    for (config, pfa, statistics, message) in cases {
        let error = CfarPlan::new(&config, pfa, &statistics, 0).expect_err(message);
        assert_eq!(error.to_string(), message);
    }
}
