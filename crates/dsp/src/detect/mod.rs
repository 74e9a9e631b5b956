//! Detection at a constant false-alarm rate (CFAR).

use serde::{Deserialize, Serialize};

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
