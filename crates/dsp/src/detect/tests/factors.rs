//! Threshold factors against closed forms, independent numerical integration and simulation.

use super::*;

#[track_caller]
fn assert_near(found: f32, expected: f64, tolerance: f64, what: &str) {
    let error = (f64::from(found) / expected - 1.0).abs();
    assert!(error < tolerance, "{what}: {found}, expected {expected}, {error:.1e} off");
}

/// For one squared magnitude per cell the probability is a finite sum; these are the sums of the literature, for a
/// threshold T times the unbiased level.
mod sums {
    /// M·(Pfa^(−1/M) − 1).
    pub fn cell_averaging(m: usize, pfa: f64) -> f64 {
        m as f64 * (pfa.powf(-1.0 / m as f64) - 1.0)
    }

    /// Weiss 1982 for two sides of `n`: Σ_k C(n−1+k, k)·(2+t)^−(n+k), twice; t = T over n and the bias.
    fn smallest_of_scaled(n: usize, t: f64) -> f64 {
        let mut binomial = 1.0;
        let mut sum = 0.0;
        for k in 0..n {
            sum += binomial * (2.0 + t).powi(-((n + k) as i32));
            binomial *= (n + k) as f64 / (k + 1) as f64;
        }
        2.0 * sum
    }

    fn smallest_of_bias(n: usize) -> f64 {
        // E = −d/dt of the probability at t = 0, over n.
        let mut binomial = 1.0;
        let mut sum = 0.0;
        for k in 0..n {
            sum += binomial * (n + k) as f64 * 2f64.powi(-((n + k + 1) as i32));
            binomial *= (n + k) as f64 / (k + 1) as f64;
        }
        2.0 * sum / n as f64
    }

    pub fn smallest_of(n: usize, factor: f64) -> f64 {
        smallest_of_scaled(n, factor / (n as f64 * smallest_of_bias(n)))
    }

    /// Greater plus smaller have the law of both together.
    pub fn greatest_of(n: usize, factor: f64) -> f64 {
        let t = factor / (n as f64 * (2.0 - smallest_of_bias(n)));
        2.0 * (1.0 + t).powi(-(n as i32)) - smallest_of_scaled(n, t)
    }

    /// Rohling 1983: Π_j (M − j)/(M − j + t), j < k; the mean is Σ 1/(M − j).
    pub fn ordered_statistic(m: usize, k: usize, factor: f64) -> f64 {
        let rest = || (0..k).map(|j| (m - j) as f64);
        let t = factor / rest().map(|r| 1.0 / r).sum::<f64>();
        rest().map(|r| r / (r + t)).product()
    }
}

#[test]
fn single_cells_follow_the_sums_of_the_literature() {
    for training in [1, 2, 5, 16, 40] {
        for pfa in [0.3, 1e-3, 1e-5, 1e-7, 1e-12] {
            let [ca, go, so, os] = every_detector(2, training)
                .map(|c| plan(&c, pfa, &square_law(1), 0).factor(training, training));
            let m = 2 * training;
            let what = format!("{training} cells a side, {pfa:e}");
            // f32 factors: the probability is up to T·2⁻²⁴ off by their rounding.
            assert_near(ca, sums::cell_averaging(m, pfa), 2e-7, &what);
            let near = |found: f64, name: &str| {
                assert!((found / pfa - 1.0).abs() < 1e-5, "{name}, {what}: {found:e}");
            };
            near(sums::greatest_of(training, go.into()), "greatest-of");
            near(sums::smallest_of(training, so.into()), "smallest-of");
            near(sums::ordered_statistic(m, super::super::os::order(0.75, m), os.into()), "ordered");
        }
    }
}

/// Factor and, in a row of its own, unequal sides, by adaptive quadrature of SciPy's `gamma` laws (`f.isf` for
/// cell-averaging).
#[test]
fn integrated_and_unequal_sides_follow_independent_quadrature() {
    // (cells an SquareLaw mean has, Pfa, cell-averaging 16 + 16, greatest-of 16 + 16, 16 + 5,
    //  smallest-of 16 + 16, 16 + 5, 24th of 32, 3rd of 3)
    let table = [
        (1, 1e-3, 7.710008344, 7.888398344, 8.691193778, 8.230175567, 11.97977030, 8.159574790, 29.68084160),
        (1, 1e-7, 20.95414720, 21.81304250, 26.36798892, 25.58559105, 96.38210886, 23.83174149, 714.0606285),
        (25, 1e-3, 1.754174070, 1.760504029, 1.783731986, 1.763272795, 1.809300310, 1.767491031, 2.041958175),
        (25, 1e-7, 2.460779304, 2.475640602, 2.527636308, 2.487755726, 2.660652615, 2.494627380, 3.222080148),
        (
            250,
            1e-5,
            1.298941086,
            1.300758382,
            1.307079508,
            1.301502721,
            1.315512307,
            1.303105028,
            1.377881480,
        ),
    ];
    for (n, pfa, ca, go, go_edge, so, so_edge, os, os_three) in table {
        let plans = every_detector(1, 16).map(|c| plan(&c, pfa, &square_law(n), 0));
        let what = |name: &str| format!("{name}, {n} integrated, {pfa:e}");
        assert_near(plans[0].factor(16, 16), ca, 3e-7, &what("cell-averaging"));
        assert_near(plans[1].factor(16, 16), go, 3e-7, &what("greatest-of"));
        assert_near(plans[1].factor(16, 5), go_edge, 3e-7, &what("greatest-of, edge"));
        assert_near(plans[2].factor(16, 16), so, 3e-7, &what("smallest-of"));
        assert_near(plans[2].factor(16, 5), so_edge, 3e-7, &what("smallest-of, edge"));
        assert_near(plans[3].factor(16, 16), os, 3e-7, &what("ordered"));
        assert_near(plans[3].factor(3, 0), os_three, 3e-7, &what("ordered, edge"));
    }
}

/// Between the nodes of the table factors are interpolated.
#[test]
fn every_number_of_cells_has_its_factor() {
    for pfa in [1e-3, 1e-7] {
        let [ca, ..] = every_detector(0, 300).map(|c| plan(&c, pfa, &square_law(1), 0));
        for n in 1..=600_usize {
            let (left, right) = (n.min(300), n.saturating_sub(300));
            assert_near(ca.factor(left, right), sums::cell_averaging(n, pfa), 2e-4, &format!("{n} cells"));
        }
        let [_, go, so, _] = every_detector(0, 300).map(|c| plan(&c, pfa, &square_law(1), 0));
        for n in 1..=300 {
            let found = sums::greatest_of(n, go.factor(n, n).into());
            assert!((found / pfa - 1.0).abs() < 0.03, "greatest-of, {n} cells a side: {found:e}");
            let found = sums::smallest_of(n, so.factor(n, n).into());
            assert!((found / pfa - 1.0).abs() < 0.03, "smallest-of, {n} cells a side: {found:e}");
        }
    }
}

/// A set of weights, its factor for 16 + 16 training cells by cell-averaging and by the 24th of 32, each for two
/// probabilities: by direct convolution of densities (no transform, so that the tail keeps its relative accuracy)
/// in NumPy on two grids, extrapolated.
#[test]
fn weighted_magnitudes_follow_independent_convolution() {
    for (weights, pfa, ca, os) in MAGNITUDE_REFERENCE {
        let weights: Vec<f32> = weights.iter().flat_map(|&(w, n)| std::iter::repeat_n(w, n)).collect();
        let span = weights.len() - 1;
        let what = format!("{} weights, {pfa:e}", weights.len());
        let statistics = CellStatistics::Magnitude { weights };
        let [cell_averaging, _, _, ordered] = every_detector(1, 16).map(|c| plan(&c, pfa, &statistics, span));
        assert_near(cell_averaging.factor(16, 16), ca, 3e-5, &what);
        assert_near(ordered.factor(16, 16), os, 3e-5, &what);
    }
}

/// Weight and how many times it occurs.
type Weights = &'static [(f32, usize)];

#[rustfmt::skip]
const MAGNITUDE_REFERENCE: [(Weights, f64, f64, f64); 6] = [
    (&[(0.5, 2), (-0.5, 2)], 1e-3, 1.706735, 1.734730),
    (&[(0.5, 2), (-0.5, 2)], 1e-7, 3.150414, 3.295141),
    (&[(1.0, 4), (-0.5, 4), (0.25, 2), (-0.25, 10)], 1e-3, 4.303774, 4.372180),
    (&[(1.0, 4), (-0.5, 4), (0.25, 2), (-0.25, 10)], 1e-7, 8.104866, 8.464676),
    (&[(1.0 / 48.0, 48), (-1.0 / 192.0, 192)], 1e-3, 0.2788577, 0.2834269),
    (&[(1.0 / 48.0, 48), (-1.0 / 192.0, 192)], 1e-7, 0.5155471, 0.5391174),
];
