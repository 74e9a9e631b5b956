//! Detection at a constant false-alarm rate (CFAR).

use serde::{Deserialize, Serialize};
use std::ops::Range;

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
        /// |ρ[1]|, |ρ[2]|, …: correlation of cells this far apart, from the replica's autocorrelation. Empty
        /// where cells are independent. Correlated training cells count as fewer.
        correlation: Vec<f32>,
    },
    /// Training cells are magnitudes of complex Gaussian noise (Rayleigh); a test cell is their weighted sum
    /// `Σ w[k]·|x[n+k]|`.
    Magnitude {
        /// The weights, of either sign.
        weights: Vec<f32>,
    },
}

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

/// A detector, planned.
#[derive(Clone, Debug)]
pub struct CfarPlan {
    detector: Detector,
    guard: usize,
    training: usize,
    span: usize,
    false_alarm_probability: f64,
}

#[derive(Clone, Copy, Debug)]
enum Detector {
    Ca,
    Go,
    So,
    Os { rank: f64 },
}

impl CfarPlan {
    /// Plans a detector.
    ///
    /// `span` is how many cells after the cell under test belong to it as well: 0 for a matched filter's power,
    /// the replica's length − 1 where the test cell is a weighted sum over samples `n..=n+span` and the training
    /// cells are the samples' magnitudes. The right-hand guard cells begin after it.
    pub fn new(
        config: &CfarConfig,
        false_alarm_probability: f64,
        _statistics: &CellStatistics,
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
        Ok(Self { detector, guard, training, span, false_alarm_probability })
    }

    /// Cells to the left of the cell under test that its threshold depends on: guard + training.
    pub fn reach_left(&self) -> usize {
        self.guard + self.training
    }

    /// Cells to the right of the cell under test that its threshold depends on: span + guard + training.
    pub fn reach_right(&self) -> usize {
        self.span + self.guard + self.training
    }

    /// Scratch that [`Self::thresholds`] needs for this many cells, in `f32`s.
    pub fn scratch_len(&self, n_cells: usize) -> usize {
        2 * (n_cells + self.reach_left() + self.reach_right())
    }

    /// Scratch that [`Self::thresholds_circular`] needs for a row of this many cells, in `f32`s.
    pub fn scratch_len_circular(&self, n_cells: usize) -> usize {
        let extended = n_cells + self.reach_left() + self.reach_right();
        extended + self.scratch_len(n_cells)
    }

    /// Noise level and threshold of each cell of `cells`: cell `i` is a detection where
    /// `test[i] > threshold[i - cells.start]`.
    ///
    /// `noise` is the row that training cells are taken from. It begins and ends where the run does if the reach
    /// of `cells` would leave it: training cells outside are absent, and the threshold is that for the number
    /// left. Where none is left, or the level is zero (digital silence), the threshold is +∞. The level estimates
    /// the mean of a training cell under noise, without bias for every detector.
    pub fn thresholds(
        &self,
        noise: &[f32],
        cells: Range<usize>,
        level: &mut [f32],
        threshold: &mut [f32],
        scratch: &mut [f32],
    ) {
        for i in cells.clone() {
            let left_end = i.saturating_sub(self.guard);
            let left_start = i.saturating_sub(self.guard + self.training);
            let right_start = (i + self.span + self.guard + 1).min(noise.len());
            let right_end = (right_start + self.training).min(noise.len());
            let (n_left, n_right) = (left_end - left_start, right_end - right_start);
            let o = i - cells.start;
            let (left, right) = (&noise[left_start..left_end], &noise[right_start..right_end]);
            let n = n_left + n_right;
            let (sum_left, sum_right) = (left.iter().sum::<f32>(), right.iter().sum::<f32>());
            let (mean_left, mean_right) = (sum_left / n_left as f32, sum_right / n_right as f32);
            level[o] = match self.detector {
                _ if n == 0 => 0.0,
                Detector::Ca => (sum_left + sum_right) / n as f32,
                Detector::Go => mean_left.max(mean_right),
                Detector::So => mean_left.min(mean_right),
                Detector::Os { rank } => {
                    scratch[..n_left].copy_from_slice(left);
                    scratch[n_left..n].copy_from_slice(right);
                    let k = ((rank * n as f64).ceil() as usize).clamp(1, n);
                    *scratch[..n].select_nth_unstable_by(k - 1, f32::total_cmp).1
                }
            };
            threshold[o] =
                if level[o] > 0.0 { level[o] * self.factor(n_left, n_right) } else { f32::INFINITY };
        }
    }

    /// As [`Self::thresholds`], for all cells of a row that wraps: the cell after the last is the first.
    pub fn thresholds_circular(
        &self,
        noise: &[f32],
        level: &mut [f32],
        threshold: &mut [f32],
        scratch: &mut [f32],
    ) {
        let n = noise.len();
        let extended = n + self.reach_left() + self.reach_right();
        let (row, scratch) = scratch.split_at_mut(extended);
        let first = if n == 0 { 0 } else { n - self.reach_left() % n };
        for (j, cell) in row.iter_mut().enumerate() {
            *cell = noise[(first + j) % n];
        }
        self.thresholds(row, self.reach_left()..self.reach_left() + n, level, threshold, scratch);
    }

    /// The threshold over the level, for this many training cells on each side.
    pub fn factor(&self, n_left: usize, n_right: usize) -> f32 {
        let m = (n_left + n_right) as f64;
        (m * (self.false_alarm_probability.powf(-1.0 / m) - 1.0)) as f32
    }
}
