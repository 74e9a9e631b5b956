//! Greatest-of: the level is the greater of the two sides' means (Hansen & Sawyers 1980), which keeps the
//! false-alarm rate where clutter begins.

use super::law::{Level, MeanLaw};

/// Level from the sums of the two sides, both of which have cells, before its bias is taken out.
#[inline(always)]
pub(super) fn level(left: f32, right: f32, n_left: usize, n_right: usize) -> f32 {
    (left * (1.0 / n_left as f32)).max(right * (1.0 / n_right as f32))
}

/// Law of the greater of two independent means: density `f_l·F_r + F_l·f_r`.
pub(super) fn law(left: &MeanLaw, right: &MeanLaw, smallest: f64) -> Level {
    let grid = left.shared_grid(right, smallest);
    let (l, r) = (left.sample(grid), right.sample(grid));
    Level::new(grid, (0..l.density.len()).map(|i| l.density[i] * r.below[i] + l.below[i] * r.density[i]))
}
