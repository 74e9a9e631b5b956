//! Detection at a constant false-alarm rate (CFAR).
//!
//! A cell is a detection where it exceeds a multiple of the noise level that its training cells show. The multiple
//! follows from the wanted false-alarm probability Pfa: with X the cell under test and Z the level, both under
//! noise alone and independent, it is the T with `P(X > T·Z) = ∫ P(X > T·z) dF_Z(z) = Pfa`. `tail` has the law
//! of X, `law` and each detector's own file that of Z, `threshold` the quadrature and its root.
//!
//! References: H. M. Finn, R. S. Johnson, RCA Review 29 (1968); V. G. Hansen, J. H. Sawyers, IEEE Trans. AES-16
//! (1980), 115; M. Weiss, IEEE Trans. AES-18 (1982), 102; H. Rohling, IEEE Trans. AES-19 (1983), 608.

mod box_sum;
mod ca;
mod correlation;
mod go;
mod law;
pub mod map;
mod os;
mod row;
mod so;
mod tail;
#[cfg(test)]
mod tests;
mod threshold;

use crate::theory::NoiseLevel;
use correlation::Correlation;
use law::{Level, MeanLaw};
use serde::{Deserialize, Serialize};
use std::fmt::Display;
use std::ops::Range;
use tail::{Table, TestCell};
use threshold::{Cells, Factors, Scales, Training};

/// Which detector, with its window. Cells are samples of the matched filter's output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum CfarConfig {
    /// Cell-averaging: mean of all training cells.
    CaCfar(CfarWindow),
    /// Greatest-of: the greater mean of the two sides.
    GoCfar(CfarWindow),
    /// Smallest-of: the smaller mean of the two sides.
    SoCfar(CfarWindow),
    /// Ordered-statistic: the rank-th smallest of all training cells.
    OsCfar(OsCfarWindow),
}

/// Guard and training cells on each side of the cell under test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CfarWindow {
    /// Cells next to the cell under test that are left out, on each side.
    pub guard: usize,
    /// Cells that estimate the noise, on each side.
    pub training: usize,
}

/// The window of an ordered-statistic detector.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OsCfarWindow {
    /// Cells next to the cell under test that are left out, on each side.
    pub guard: usize,
    /// Cells that estimate the noise, on each side.
    pub training: usize,
    /// Which of the 2·training cells in rising order is the estimate, as a fraction of their number (0.75 is
    /// the usual choice, Rohling 1983).
    #[serde(default = "three_quarters")]
    pub rank: f64,
}

fn three_quarters() -> f64 {
    0.75
}

/// What is known of the cells under noise alone; the threshold follows from it.
#[derive(Clone, Debug, PartialEq)]
pub enum CellStatistics {
    /// Test and training cells are means of `n_integrated` squared magnitudes of complex Gaussian noise.
    SquareLaw {
        /// Number of squared magnitudes in each cell, 1 for a plain matched filter.
        n_integrated: usize,
        /// `|ρ[1]|`, `|ρ[2]|`, …: correlation of cells this far apart, from the replica's autocorrelation. Empty
        /// where cells are independent. Correlated training cells count as fewer: their mean has the gamma law
        /// of the same mean and variance. Measured at 1e-3, with a window of several correlation lengths, the
        /// rate is within 10 % of the configured one but for smallest-of, which stays 10 to 25 % below. Test and
        /// training cells are taken as independent, so the guard has to cover the correlation length.
        correlation: Vec<f32>,
    },
    /// Training cells are magnitudes of complex Gaussian noise (Rayleigh); a test cell is their weighted sum
    /// `Σ w[k]·|x[n+k]|`.
    Magnitude {
        /// The weights, of either sign.
        weights: Vec<f32>,
    },
}

/// Most training cells on a side of a detector that sums them.
const MAX_TRAINING: usize = 1 << 16;
/// Most training cells on a side of the ordered statistic, whose cost per cell grows with them.
const MAX_ORDERED: usize = 1 << 12;
/// Most guard cells on a side.
const MAX_GUARD: usize = 1 << 20;
/// Least false-alarm probability that the quadrature of square-law cells is meant for.
const LEAST_SQUARE_LAW: f64 = 1e-30;
/// Least false-alarm probability that the inversion of characteristic functions resolves to about 1 %.
const LEAST_MAGNITUDE: f64 = 1e-12;

/// A setting from which no detector can be planned.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: found {found}, expected {expected}")]
pub struct CfarError {
    /// Name of the setting.
    pub field: &'static str,
    /// What it was.
    pub found: String,
    /// What it has to be.
    pub expected: String,
}

/// Where the training cells of a cell under test lie.
#[derive(Clone, Copy, Debug)]
struct Window {
    guard: usize,
    training: usize,
    span: usize,
}

impl Window {
    fn reach_left(self) -> usize {
        self.guard + self.training
    }

    fn reach_right(self) -> usize {
        self.span + self.guard + self.training
    }
}

#[derive(Clone, Copy, Debug)]
enum Detector {
    Ca,
    Go,
    So,
    Os { rank: f64 },
}

/// A detector, planned.
#[derive(Clone, Debug)]
pub struct CfarPlan {
    detector: Detector,
    window: Window,
    factors: Factors,
}

impl CfarPlan {
    /// Plans a detector: threshold factors for every number of training cells that the ends of a row leave.
    ///
    /// `span` is how many cells after the cell under test belong to it as well: 0 for a matched filter's power,
    /// the replica's length − 1 where the test cell is a weighted sum over samples `n..=n+span` and the training
    /// cells are the samples' magnitudes. The right-hand guard cells begin after it.
    ///
    /// # Errors
    /// No or too many training cells, a rank outside (0, 1], a probability outside (0, 1) or too small to be
    /// computed, correlations that are none, weights that are not finite or all zero.
    pub fn new(
        config: &CfarConfig,
        false_alarm_probability: f64,
        statistics: &CellStatistics,
        span: usize,
    ) -> Result<Self, CfarError> {
        let (detector, guard, training) = match *config {
            CfarConfig::CaCfar(CfarWindow { guard, training }) => (Detector::Ca, guard, training),
            CfarConfig::GoCfar(CfarWindow { guard, training }) => (Detector::Go, guard, training),
            CfarConfig::SoCfar(CfarWindow { guard, training }) => (Detector::So, guard, training),
            CfarConfig::OsCfar(OsCfarWindow { guard, training, rank }) => {
                (Detector::Os { rank }, guard, training)
            }
        };
        let window = Window { guard, training, span };
        check(detector, window, false_alarm_probability, statistics)?;
        let (cells, test) = match statistics {
            CellStatistics::SquareLaw { n_integrated, correlation } => (
                Cells::SquareLaw { n_integrated: *n_integrated, correlation: Correlation::new(correlation) },
                TestCell::square_law(*n_integrated, false_alarm_probability * 1e-8),
            ),
            CellStatistics::Magnitude { weights } => {
                let terms: Vec<_> =
                    weights.iter().filter(|&&w| w != 0.0).map(|&w| (f64::from(w), 1)).collect();
                (Cells::Magnitude, TestCell::Tabulated(Table::rayleigh_sum(&terms, 1 << 14)))
            }
        };
        let training = Training { cells, gap: 2 * guard + span + 1 };
        let factors = Factors::plan(detector, window.training, &training, &test, false_alarm_probability);
        Ok(Self { detector, window, factors })
    }

    /// Cells to the left of the cell under test that its threshold depends on: guard + training.
    pub fn reach_left(&self) -> usize {
        self.window.reach_left()
    }

    /// Cells to the right of the cell under test that its threshold depends on: span + guard + training.
    pub fn reach_right(&self) -> usize {
        self.window.reach_right()
    }

    /// Scratch that [`Self::thresholds`] and [`Self::crossings`] need for this many cells, in `f32`s.
    pub fn scratch_len(&self, n_cells: usize) -> usize {
        row::scratch_len(self.detector, self.window, n_cells)
    }

    /// Scratch that [`Self::thresholds_circular`] needs for a row of this many cells, in `f32`s.
    pub fn scratch_len_circular(&self, n_cells: usize) -> usize {
        let window = self.window_of_circle(n_cells);
        n_cells
            + window.reach_left()
            + window.reach_right()
            + row::scratch_len(self.detector, window, n_cells)
    }

    /// The threshold over the level, for this many training cells on each side; +∞ for none.
    pub fn factor(&self, n_left: usize, n_right: usize) -> f32 {
        self.scales(n_left, n_right).1
    }

    /// What takes the bias out of the level, and the threshold over the level after that.
    fn scales(&self, n_left: usize, n_right: usize) -> (f32, f32) {
        let limit = self.window.training;
        if n_left == 0 && n_right == 0 {
            return (0.0, f32::INFINITY);
        }
        let Scales { unbias, factor } = self.factors.get(n_left.min(limit), n_right.min(limit));
        (unbias as f32, factor as f32)
    }

    /// Noise level and threshold of each cell of `cells`: cell `i` is a detection where
    /// `test[i] > threshold[i - cells.start]`.
    ///
    /// `noise` is the row that training cells are taken from: powers for square law (the test cells' own row),
    /// magnitudes for magnitude. It begins and ends where the run does if the reach of `cells` would leave it:
    /// training cells outside are absent, and the factor is that for the number left (greatest-of and smallest-of
    /// use the one side that has any). The level estimates the mean of a training cell under noise, without
    /// bias whatever the detector. Where no training cell is left, or the level is zero (digital silence) or not
    /// a number, the threshold is +∞.
    ///
    /// A cell's result has the same bits whichever cells it is computed with. Cost per cell: O(log training), for
    /// the ordered statistic O(training).
    ///
    /// # Panics
    /// If `cells` leaves `noise`, `level` or `threshold` is not as long as `cells`, or `scratch` is too short.
    pub fn thresholds(
        &self,
        noise: &[f32],
        cells: Range<usize>,
        level: &mut [f32],
        threshold: &mut [f32],
        scratch: &mut [f32],
    ) {
        assert!(cells.end <= noise.len(), "cells end at {}, the row at {}", cells.end, noise.len());
        self.run(self.window, noise, cells, level, threshold, scratch);
    }

    /// As [`Self::thresholds`], for all cells of a row that wraps: after the last cell comes the first, as in the
    /// delays of a periodic code. A row too short for all training cells has as many as fit without meeting.
    ///
    /// # Panics
    /// If `level` or `threshold` is not as long as `noise`, or `scratch` is too short.
    pub fn thresholds_circular(
        &self,
        noise: &[f32],
        level: &mut [f32],
        threshold: &mut [f32],
        scratch: &mut [f32],
    ) {
        let window = self.window_of_circle(noise.len());
        if window.training == 0 {
            level.fill(0.0);
            threshold.fill(f32::INFINITY);
            return;
        }
        let (before, after) = (window.reach_left(), window.reach_right());
        let (row, scratch) = scratch.split_at_mut(before + noise.len() + after);
        row[..before].copy_from_slice(&noise[noise.len() - before..]);
        row[before..before + noise.len()].copy_from_slice(noise);
        row[before + noise.len()..].copy_from_slice(&noise[..after]);
        self.run(window, row, before..before + noise.len(), level, threshold, scratch);
    }

    /// The window with as few training cells as a circle of `n_cells` has room for.
    fn window_of_circle(&self, n_cells: usize) -> Window {
        let taken = 2 * self.window.guard + self.window.span + 1;
        let training = self.window.training.min(n_cells.saturating_sub(taken) / 2);
        if training == 0 {
            Window { guard: 0, training: 0, span: 0 }
        } else {
            Window { training, ..self.window }
        }
    }
}

/// Threshold factor, and the law of the unbiased level as points of mean 1 with weights of sum 1.
pub(crate) fn law_of_level(
    level: NoiseLevel,
    n_integrated: usize,
    false_alarm_probability: f64,
) -> (f64, Vec<(f64, f64)>) {
    let smallest = false_alarm_probability * 1e-8;
    let mean = |n: usize| MeanLaw::Gamma { shape: (n_integrated * n) as f64 };
    let test = TestCell::square_law(n_integrated, smallest);
    let level = match level {
        NoiseLevel::Known => Level { points: vec![(1.0, 1.0)], bias: 1.0 },
        NoiseLevel::Mean { n_cells } => ca::law(&mean(n_cells), smallest),
        NoiseLevel::Greatest { n_per_half: n } => go::law(&mean(n), &mean(n), smallest),
        NoiseLevel::Smallest { n_per_half: n } => so::law(&mean(n), &mean(n), smallest),
        NoiseLevel::Ordered { n_cells, rank } => {
            let k = os::order(rank, n_cells);
            os::OrderLaw::new(&mean(1), smallest).level(k as f64, (n_cells + 1 - k) as f64)
        }
    };
    (threshold::solve(&test, &level, false_alarm_probability), level.points)
}

fn check(
    detector: Detector,
    window: Window,
    false_alarm_probability: f64,
    statistics: &CellStatistics,
) -> Result<(), CfarError> {
    let error = |field: &'static str, found: &dyn Display, expected: String| {
        Err(CfarError { field, found: found.to_string(), expected })
    };
    let most = if matches!(detector, Detector::Os { .. }) { MAX_ORDERED } else { MAX_TRAINING };
    if window.training == 0 || window.training > most {
        return error("training", &window.training, format!("1 to {most}"));
    }
    if window.guard > MAX_GUARD {
        return error("guard", &window.guard, format!("0 to {MAX_GUARD}"));
    }
    if let Detector::Os { rank } = detector
        && !(rank > 0.0 && rank <= 1.0)
    {
        return error("rank", &rank, "above 0, at most 1".into());
    }
    let least = match statistics {
        CellStatistics::SquareLaw { .. } => LEAST_SQUARE_LAW,
        CellStatistics::Magnitude { .. } => LEAST_MAGNITUDE,
    };
    if !(false_alarm_probability >= least && false_alarm_probability < 1.0) {
        let expected = format!("{least:e} or more, below 1");
        return error("false_alarm_probability", &false_alarm_probability, expected);
    }
    match statistics {
        CellStatistics::SquareLaw { n_integrated: 0, .. } => error("n_integrated", &0, "1 or more".into()),
        CellStatistics::SquareLaw { correlation, .. } => {
            match correlation.iter().find(|rho| !(0.0..=1.0).contains(*rho)) {
                Some(rho) => error("correlation", rho, "magnitudes from 0 to 1".into()),
                None => Ok(()),
            }
        }
        CellStatistics::Magnitude { weights } => match weights.iter().find(|w| !w.is_finite()) {
            Some(weight) => error("weights", weight, "finite numbers".into()),
            None if weights.iter().all(|&w| w == 0.0) => {
                error("weights", &"only zeros", "a weight that is not".into())
            }
            None => Ok(()),
        },
    }
}
