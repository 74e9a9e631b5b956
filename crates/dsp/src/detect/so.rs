//! Smallest-of: the level is the smaller of the two sides' means (Trunk 1978; Weiss 1982), which keeps a target
//! visible beside another one.

use super::law::{Level, MeanLaw};

/// Level from the sums of the two sides, both of which have cells, before its bias is taken out.
#[inline(always)]
pub(super) fn level(left: f32, right: f32, n_left: usize, n_right: usize) -> f32 {
    (left * (1.0 / n_left as f32)).min(right * (1.0 / n_right as f32))
}

/// Law of the smaller of two independent means: density `f_l·(1 − F_r) + (1 − F_l)·f_r`.
pub(super) fn law(left: &MeanLaw, right: &MeanLaw, smallest: f64) -> Level {
    let grid = left.shared_grid(right, smallest);
    let (l, r) = (left.sample(grid), right.sample(grid));
    Level::new(grid, (0..l.density.len()).map(|i| l.density[i] * r.above[i] + l.above[i] * r.density[i]))
}
