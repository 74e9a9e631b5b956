//! Cell-averaging: the level is the mean of all training cells (Finn & Johnson 1968).
//!
//! For `M` independent squared magnitudes the threshold is `M·(Pfa^(−1/M) − 1)` times the level; this is the
//! quadrature's closed form, and a test holds the two together.

use super::law::{Level, MeanLaw};

/// Level from the sums of the two sides, before its bias is taken out.
#[inline(always)]
pub(super) fn level(left: f32, right: f32, n_left: usize, n_right: usize) -> f32 {
    // A product costs a fraction of a quotient, and the reciprocal is that of all cells.
    (left + right) * (1.0 / (n_left + n_right) as f32)
}

/// Law of the mean of all training cells.
pub(super) fn law(mean: &MeanLaw, smallest: f64) -> Level {
    let grid = mean.grid(smallest);
    Level::new(grid, mean.sample(grid).density.into_iter())
}
