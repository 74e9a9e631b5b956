//! Ordered-statistic: the level is the k-th smallest training cell (Rohling 1983), which echoes of other targets
//! among the training cells hardly move.

use super::Window;
use super::law::{Grid, Level, MeanLaw, Sampled};
use std::ops::Range;

/// Which of `n` cells in rising order, from 1.
pub(super) fn order(rank: f64, n: usize) -> usize {
    // Less a little: 0.7 · 10 is above 7 in floating point.
    ((rank * n as f64 - 1e-9).ceil() as usize).clamp(1, n)
}

/// The `k`-th smallest of `cells`, which are reordered.
pub(super) fn select(cells: &mut [f32], k: usize) -> f32 {
    *cells.select_nth_unstable_by(k - 1, f32::total_cmp).1
}

/// For each of `cells`, all of whose reach lies within the row, the order statistic of its training cells, from a
/// sorted window that slides along. `scratch` is the window, 2·training long.
pub(super) fn levels(
    window: Window,
    rank: f64,
    row: &[f32],
    cells: Range<usize>,
    level: &mut [f32],
    scratch: &mut [f32],
) {
    let Window { guard, training, span } = window;
    let sorted = &mut scratch[..2 * training];
    let k = order(rank, 2 * training) - 1;
    let first = cells.start - window.reach_left();
    let first_right = cells.start + span + guard + 1;
    sorted[..training].copy_from_slice(&row[first..first + training]);
    sorted[training..].copy_from_slice(&row[first_right..first_right + training]);
    sorted.sort_unstable_by(f32::total_cmp);
    level[0] = sorted[k];
    for (i, level) in level[1..].iter_mut().enumerate() {
        replace(sorted, row[first + i], row[first + i + training]);
        replace(sorted, row[first_right + i], row[first_right + i + training]);
        *level = sorted[k];
    }
}

/// Replaces one value of a sorted window, which holds it, by another.
fn replace(sorted: &mut [f32], old: f32, new: f32) {
    let find = |value: f32| sorted.partition_point(|v| v.total_cmp(&value).is_lt());
    let (from, to) = (find(old), find(new));
    if from < to {
        sorted.copy_within(from + 1..to, from);
        sorted[to - 1] = new;
    } else {
        sorted.copy_within(to..from, to + 1);
        sorted[to] = new;
    }
}

/// Law of one training cell, from which those of its order statistics follow.
pub(super) struct OrderLaw {
    grid: Grid,
    density: Vec<f64>,
    ln_below: Vec<f64>,
    ln_above: Vec<f64>,
    ln_smallest: f64,
}

impl OrderLaw {
    pub(super) fn new(cell: &MeanLaw, smallest: f64) -> Self {
        // The least of two cells with a fractional order below 1 reaches as deep as the root of a probability.
        let grid = cell.grid(smallest * smallest).refined(8192);
        let Sampled { density, below, above } = cell.sample(grid);
        let ln = |v: Vec<f64>| v.into_iter().map(f64::ln).collect();
        Self { grid, density, ln_below: ln(below), ln_above: ln(above), ln_smallest: smallest.ln() }
    }

    /// Value and density below which a cell lies with this probability.
    pub(super) fn quantile(&self, probability: f64) -> (f64, f64) {
        let i = self.ln_below.partition_point(|&b| b < probability.ln()).min(self.density.len() - 1);
        let z = self.grid.ln_z(i).exp();
        (z, self.density[i] / z)
    }

    /// Law of the order statistic whose probability F(Z) is Beta(`below`, `above`) distributed: (k, M + 1 − k) for
    /// the k-th of M independent cells.
    pub(super) fn level(&self, below: f64, above: f64) -> Level {
        let exponent = |i: usize| {
            let known = self.density[i] > 0.0 && self.ln_below[i].is_finite() && self.ln_above[i].is_finite();
            let value =
                (below - 1.0) * self.ln_below[i] + (above - 1.0) * self.ln_above[i] + self.density[i].ln();
            if known { value } else { f64::NEG_INFINITY }
        };
        let exponents: Vec<f64> = (0..self.density.len()).map(exponent).collect();
        let peak = exponents.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let floor = peak + self.ln_smallest - 5.0;
        let held = exponents.iter().filter(|&&e| e > floor).count();
        let stride = (held / 512).max(1);
        let weights = exponents
            .iter()
            .enumerate()
            .map(|(i, &e)| if e > floor && i % stride == 0 { (e - peak).exp() } else { 0.0 });
        Level::new(self.grid, weights)
    }
}
