//! CFAR on range-Doppler maps.
//!
//! Training cells surround the cell under test along range, along Doppler, or both:
//!
//! ```text
//!            gates ─►                  T training, G guard, each per axis; `over = "both"`:
//!     t t t t t t t t t t t            the ring is the box of 2(G+T)+1 gates × 2(G+T)+1 bins
//!     t t t t t t t t t t t            without the box of the guard cells.
//!     t t t g g g g g t t t
//!     t t t g g X g g t t t
//!     t t t g g g g g t t t
//!     t t t t t t t t t t t
//!     t t t t t t t t t t t
//! ```
//!
//! * `ca_cfar`: the mean of all of them.
//! * `go_cfar`, `so_cfar`: the greater or smaller mean of two halves: the training cells before and after the cell
//!   under test, along range for `range` and `both`, along Doppler for `doppler`. Training cells of the ring in the
//!   very gate of the cell under test are in neither half.
//! * `os_cfar`: the rank-th smallest of all of them.
//!
//! Doppler wraps. Range has ends: cells beyond are absent, and so are the bins of excluded rows (a clutter notch).
//! The threshold factor is solved for exactly those training cells that are left. As a mean of M independent cells
//! has the gamma law wherever they lie, the laws of `detect` hold unchanged (references there); correlated cells
//! count as the effective number of independent ones.

mod cluster;
mod order;
mod region;
mod scales;
mod sums;
#[cfg(test)]
mod tests;
mod threshold;
mod worker;

pub use cluster::{ClusterConfig, Clusterer, MapPeak};
pub use worker::MapCfarWorker;

use super::{CfarError, Detector, LEAST_SQUARE_LAW};
use scales::{RowScales, Solver};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Display;
use std::ops::RangeInclusive;

/// Which detector on a range-Doppler map, with its window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum MapCfarConfig {
    /// Cell-averaging: mean of all training cells.
    CaCfar(MapWindow),
    /// Greatest-of: the greater mean of two halves.
    GoCfar(MapWindow),
    /// Smallest-of: the smaller mean of two halves.
    SoCfar(MapWindow),
    /// Ordered-statistic: the rank-th smallest of all training cells.
    OsCfar(OsMapWindow),
}

impl MapCfarConfig {
    /// The window, and the rank of an ordered statistic.
    fn parts(&self) -> (Detector, MapWindow) {
        match self {
            Self::CaCfar(window) => (Detector::Ca, *window),
            Self::GoCfar(window) => (Detector::Go, *window),
            Self::SoCfar(window) => (Detector::So, *window),
            Self::OsCfar(os) => (Detector::Os { rank: os.rank }, os.window()),
        }
    }

    /// Guard and training cells.
    pub fn window(&self) -> MapWindow {
        self.parts().1
    }

    /// Number of training cells far from the edges.
    pub fn n_training(&self) -> usize {
        Window::from(self.window()).n_cells()
    }

    /// Number of training cells of each half, where the level is made of halves, far from the edges.
    pub fn n_per_half(&self) -> usize {
        let window = self.window();
        let beside = if window.over == CfarAxes::Both { 2 * window.training_bins } else { 0 };
        (self.n_training() - beside) / 2
    }
}

/// Guard and training cells on each side of the cell under test. What the axes do not name is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MapWindow {
    /// Axes along which training cells lie.
    pub over: CfarAxes,
    /// Gates next to the cell under test that are left out, on each side.
    #[serde(default)]
    pub guard_gates: usize,
    /// Gates that estimate the noise, on each side.
    #[serde(default)]
    pub training_gates: usize,
    /// Doppler bins next to the cell under test that are left out, on each side.
    #[serde(default)]
    pub guard_bins: usize,
    /// Doppler bins that estimate the noise, on each side.
    #[serde(default)]
    pub training_bins: usize,
}

/// The window of an ordered-statistic detector: as [`MapWindow`], with the rank.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OsMapWindow {
    /// Axes along which training cells lie.
    pub over: CfarAxes,
    /// Gates next to the cell under test that are left out, on each side.
    #[serde(default)]
    pub guard_gates: usize,
    /// Gates that estimate the noise, on each side.
    #[serde(default)]
    pub training_gates: usize,
    /// Doppler bins next to the cell under test that are left out, on each side.
    #[serde(default)]
    pub guard_bins: usize,
    /// Doppler bins that estimate the noise, on each side.
    #[serde(default)]
    pub training_bins: usize,
    /// Which of the training cells in rising order is the estimate, as a fraction of their number.
    #[serde(default = "super::three_quarters")]
    pub rank: f64,
}

impl OsMapWindow {
    fn window(&self) -> MapWindow {
        let Self { over, guard_gates, training_gates, guard_bins, training_bins, .. } = *self;
        MapWindow { over, guard_gates, training_gates, guard_bins, training_bins }
    }
}

/// Axes along which training cells lie.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CfarAxes {
    /// In the row of the cell under test.
    #[default]
    Range,
    /// In the column of the cell under test.
    Doppler,
    /// In a rectangular ring about the cell under test.
    Both,
}

/// What is known of a map's cells under noise alone.
#[derive(Clone, Debug, PartialEq)]
pub struct MapStatistics {
    /// Number of squared magnitudes whose mean a cell is, 1 for a plain map.
    pub n_integrated: usize,
    /// `|ρ[1]|`, `|ρ[2]|`, … of cells so many gates apart, from the replica's autocorrelation and the range
    /// window. Empty where gates are independent. The guard gates have to cover it.
    pub gate_correlation: Vec<f32>,
    /// The same for Doppler bins: see [`bin_correlation`].
    pub bin_correlation: Vec<f32>,
}

impl Default for MapStatistics {
    fn default() -> Self {
        Self { n_integrated: 1, gate_correlation: Vec::new(), bin_correlation: Vec::new() }
    }
}

/// How Doppler bins of white noise correlate under a window over the pulses, padded with zeros to `n_doppler`:
/// `|ρ[d]| = |Σ w²·exp(−j2π·d·p/n)| / Σ w²` for d = 1, 2, … up to the last that is 0.05 or more, half the circle at
/// most. Empty for a rectangular window without padding.
pub fn bin_correlation(weights: &[f32], n_doppler: usize) -> Vec<f32> {
    let power: f64 = weights.iter().map(|&w| f64::from(w).powi(2)).sum();
    let at = |d: usize| {
        let sum = weights.iter().enumerate().fold((0.0, 0.0), |(re, im), (p, &w)| {
            let angle = std::f64::consts::TAU * ((d * p) % n_doppler) as f64 / n_doppler as f64;
            let w = f64::from(w).powi(2);
            (re + w * angle.cos(), im + w * angle.sin())
        });
        (sum.0.hypot(sum.1) / power) as f32
    };
    let mut correlation: Vec<f32> = (1..=(n_doppler / 2).min(64)).map(at).collect();
    let last = correlation.iter().rposition(|&rho| rho >= 0.05).map_or(0, |last| last + 1);
    correlation.truncate(last);
    correlation
}

/// A cell above its threshold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Crossing {
    /// Doppler bin, row of the map.
    pub bin: u32,
    /// Range gate.
    pub gate: u32,
    /// Power of the cell.
    pub power: f32,
    /// Unbiased estimate of the noise power in the cell.
    pub noise: f32,
}

/// What one map gave: at most as many cells as there is room for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Crossings {
    /// By bin, then by gate.
    pub cells: Vec<Crossing>,
    /// Cells above their threshold for which there was no room.
    pub n_dropped: u64,
}

/// Guard and training cells on each side, as they count for the axes chosen.
#[derive(Clone, Copy, Debug)]
struct Window {
    guard_gates: usize,
    training_gates: usize,
    guard_bins: usize,
    training_bins: usize,
}

impl From<MapWindow> for Window {
    fn from(window: MapWindow) -> Self {
        let MapWindow { guard_gates, training_gates, guard_bins, training_bins, .. } = window;
        Self { guard_gates, training_gates, guard_bins, training_bins }
    }
}

impl Window {
    fn reach_gates(self) -> usize {
        self.guard_gates + self.training_gates
    }

    fn reach_bins(self) -> usize {
        self.guard_bins + self.training_bins
    }

    /// Sums over 1, 2, 4, … bins that are needed.
    fn n_levels(self) -> usize {
        self.guard_bins.max(self.training_bins).max(1).ilog2() as usize + 1
    }

    /// Training cells far from the edges.
    fn n_cells(self) -> usize {
        let side = |n: usize| 2 * n + 1;
        side(self.reach_gates()) * side(self.reach_bins()) - side(self.guard_gates) * side(self.guard_bins)
    }
}

/// What a level is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Split {
    /// All training cells together.
    Whole,
    /// Those at lower and at higher gates.
    Gates,
    /// Those at lower and at higher bins.
    Bins,
}

/// Most training gates, and most guard gates, on a side.
const MAX_GATES: usize = 1024;
/// Most training cells of an ordered statistic.
const MAX_ORDERED: usize = 1 << 13;

/// A detector for maps of one shape, planned.
#[derive(Clone, Debug)]
pub struct MapCfarPlan {
    detector: Detector,
    window: Window,
    split: Split,
    n_doppler: usize,
    n_gates: usize,
    /// For each bin its scales, or none if it is excluded.
    row_scales: Vec<Option<usize>>,
    scales: Vec<RowScales>,
}

impl MapCfarPlan {
    /// Plans a detector for maps `[n_doppler × n_gates]`. `false_alarm_probability` is that of one cell.
    ///
    /// `excluded` are Doppler bins, each range with its ends, that are neither tested nor trained on. They wrap:
    /// −2 is the last but one, so that `-2..=2` is a notch of five bins about zero Doppler.
    ///
    /// Cost: one root of a quadrature, about 0.1 ms, per distance to the edge of range and distinct neighbourhood
    /// of excluded bins.
    ///
    /// # Errors
    /// A window of no or too many training cells, or wider than the map; cells along an axis that `over` does not
    /// name; a rank outside (0, 1]; a probability outside [1e-30, 1); correlations that are none; no bin left.
    pub fn new(
        config: &MapCfarConfig,
        (n_doppler, n_gates): (usize, usize),
        excluded: &[RangeInclusive<i64>],
        false_alarm_probability: f64,
        statistics: &MapStatistics,
    ) -> Result<Self, CfarError> {
        let (detector, config) = config.parts();
        check(detector, &config, (n_doppler, n_gates), false_alarm_probability, statistics)?;
        let window = Window::from(config);
        let split = match (detector, config.over) {
            (Detector::Ca | Detector::Os { .. }, _) => Split::Whole,
            (_, CfarAxes::Doppler) => Split::Bins,
            _ => Split::Gates,
        };
        let n = n_doppler as i64;
        let mut is_excluded = vec![false; n_doppler];
        for bins in excluded.iter().filter(|bins| !bins.is_empty()) {
            let n_bins = (i128::from(*bins.end()) - i128::from(*bins.start()) + 1).min(n.into()) as i64;
            let first = bins.start().rem_euclid(n);
            (0..n_bins).for_each(|i| is_excluded[((first + i) % n) as usize] = true);
        }
        if is_excluded.iter().all(|&e| e) {
            let expected = format!("at least one of {n_doppler} bins left");
            return Err(CfarError { field: "excluded", found: format!("{excluded:?}"), expected });
        }
        let solver = Solver::new(detector, window, split, n_doppler, statistics, false_alarm_probability);
        let reach = window.reach_bins() as i64;
        let mut scales: Vec<RowScales> = Vec::new();
        let mut known: BTreeMap<Vec<i64>, usize> = BTreeMap::new();
        let row_scales = (0..n)
            .map(|bin| {
                let left = |offset: &i64| !is_excluded[(bin + offset).rem_euclid(n) as usize];
                let bins: Vec<i64> = (-reach..=reach).filter(left).collect();
                (!is_excluded[bin as usize]).then(|| {
                    *known.entry(bins).or_insert_with_key(|bins| {
                        scales.push(solver.row(bins));
                        scales.len() - 1
                    })
                })
            })
            .collect();
        Ok(Self { detector, window, split, n_doppler, n_gates, row_scales, scales })
    }

    /// Number of Doppler bins of the maps.
    pub fn n_doppler(&self) -> usize {
        self.n_doppler
    }

    /// Number of range gates of the maps.
    pub fn n_gates(&self) -> usize {
        self.n_gates
    }

    /// Number of cells that are tested: those of the bins that are not excluded.
    pub fn n_tested(&self) -> usize {
        self.row_scales.iter().flatten().count() * self.n_gates
    }

    /// Number of training cells of a cell; 0 in an excluded row.
    ///
    /// # Panics
    /// There is no such cell.
    pub fn n_training(&self, bin: usize, gate: usize) -> usize {
        assert!(gate < self.n_gates, "gate {gate} of {}", self.n_gates);
        self.row_scales[bin].map_or(0, |i| self.scales[i].at(gate, self.n_gates).n_cells)
    }

    /// Whether the bin is tested.
    ///
    /// # Panics
    /// There is no such bin.
    pub fn is_tested(&self, bin: usize) -> bool {
        self.row_scales[bin].is_some()
    }
}

fn check(
    detector: Detector,
    window: &MapWindow,
    (n_doppler, n_gates): (usize, usize),
    false_alarm_probability: f64,
    statistics: &MapStatistics,
) -> Result<(), CfarError> {
    let error = |field: &'static str, found: &dyn Display, expected: String| {
        Err(CfarError { field, found: found.to_string(), expected })
    };
    let MapWindow { over, guard_gates, training_gates, guard_bins, training_bins } = *window;
    for (field, found, is_named) in [
        ("guard_gates", guard_gates, over != CfarAxes::Doppler),
        ("training_gates", training_gates, over != CfarAxes::Doppler),
        ("guard_bins", guard_bins, over != CfarAxes::Range),
        ("training_bins", training_bins, over != CfarAxes::Range),
    ] {
        if !is_named && found > 0 {
            let expected = format!("0, as the training cells lie over {over:?}").to_lowercase();
            return error(field, &found, expected);
        }
        if found > MAX_GATES {
            return error(field, &found, format!("0 to {MAX_GATES}"));
        }
    }
    if over != CfarAxes::Doppler && training_gates == 0 {
        return error("training_gates", &0, "1 or more".into());
    }
    if over != CfarAxes::Range && training_bins == 0 {
        return error("training_bins", &0, "1 or more".into());
    }
    for (field, guard, training, n, what) in [
        ("training_gates", guard_gates, training_gates, n_gates, "gates"),
        ("training_bins", guard_bins, training_bins, n_doppler, "Doppler bins"),
    ] {
        let wide = 2 * (guard + training) + 1;
        if wide > n {
            let most = (n.saturating_sub(1) / 2).saturating_sub(guard);
            let expected = format!(
                "at most {most} beside {guard} guard cells: the window is {wide} wide, the map has {n} {what}"
            );
            return error(field, &training, expected);
        }
    }
    if let Detector::Os { rank } = detector {
        if !(rank > 0.0 && rank <= 1.0) {
            return error("rank", &rank, "above 0, at most 1".into());
        }
        let n_cells = Window::from(*window).n_cells();
        if n_cells > MAX_ORDERED {
            let expected = format!("{MAX_ORDERED} training cells in all at most, for os_cfar");
            return error("training_gates, training_bins", &n_cells, expected);
        }
    }
    if !(LEAST_SQUARE_LAW..1.0).contains(&false_alarm_probability) {
        let expected = format!("{LEAST_SQUARE_LAW:e} or more, below 1");
        return error("false_alarm_probability", &false_alarm_probability, expected);
    }
    if statistics.n_integrated == 0 {
        return error("n_integrated", &0, "1 or more".into());
    }
    for (field, correlation) in
        [("gate_correlation", &statistics.gate_correlation), ("bin_correlation", &statistics.bin_correlation)]
    {
        if let Some(rho) = correlation.iter().find(|rho| !(0.0..=1.0).contains(*rho)) {
            return error(field, rho, "magnitudes from 0 to 1".into());
        }
    }
    Ok(())
}
