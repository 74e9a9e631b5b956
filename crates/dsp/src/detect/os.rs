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

/// Scratch that [`levels`] needs, in `f32`s.
pub(super) fn scratch_len(window: Window) -> usize {
    2 * (2 * window.training + 2)
}

/// For each of `cells`, all of whose reach lies within the row, the order statistic of its training cells, from a
/// sorted window that slides along.
pub(super) fn levels(
    window: Window,
    rank: f64,
    row: &[f32],
    cells: Range<usize>,
    level: &mut [f32],
    scratch: &mut [f32],
) {
    let Window { guard, training, span } = window;
    let n = 2 * training;
    let left = &row[cells.start - window.reach_left()..];
    let right = &row[cells.start + span + guard + 1..];
    // Two windows by turns, each between a value below all and one above all.
    let (one, other) = scratch[..scratch_len(window)].split_at_mut(n + 2);
    for padded in [&mut *one, &mut *other] {
        (padded[0], padded[n + 1]) = (f32::NEG_INFINITY, f32::INFINITY);
    }
    let sorted = &mut one[1..=n];
    sorted[..training].copy_from_slice(&left[..training]);
    sorted[training..].copy_from_slice(&right[..training]);
    sorted.iter_mut().for_each(|v| *v = ordered(*v));
    sorted.sort_unstable_by(f32::total_cmp);
    let k = order(rank, n);
    level[0] = one[k];
    for (i, level) in level[1..].iter_mut().enumerate() {
        replace(one, other, ordered(left[i]), ordered(left[i + training]));
        replace(other, one, ordered(right[i]), ordered(right[i + training]));
        *level = one[k];
    }
}

/// The value among those that compare: what is not a number counts as greater than all.
fn ordered(value: f32) -> f32 {
    if value.is_nan() { f32::INFINITY } else { value.max(f32::MIN) }
}

/// Writes the sorted window without `old`, which it holds, and with `new`.
///
/// Without a search and without a branch: taking out shifts what is not below `old`, putting in makes each element
/// the median of itself, the one before and `new`.
fn replace(sorted: &[f32], result: &mut [f32], old: f32, new: f32) {
    let n = sorted.len() - 2;
    let around = sorted[..n].iter().zip(&sorted[1..=n]).zip(&sorted[2..]);
    for (out, ((&a, &b), &c)) in result[1..=n].iter_mut().zip(around) {
        let before = if a < old { a } else { b };
        let here = if b < old { b } else { c };
        let lesser = if here < new { here } else { new };
        *out = if before > lesser { before } else { lesser };
    }
}

/// Law of one training cell, from which those of its order statistics follow.
pub(super) struct OrderLaw {
    grid: Grid,
    ln_density: Vec<f64>,
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
        let ln_smallest = smallest.ln();
        Self { grid, ln_density: ln(density), ln_below: ln(below), ln_above: ln(above), ln_smallest }
    }

    /// Value and density below which a cell lies with this probability.
    pub(super) fn quantile(&self, probability: f64) -> (f64, f64) {
        let i = self.ln_below.partition_point(|&b| b < probability.ln()).min(self.ln_density.len() - 1);
        let z = self.grid.ln_z(i).exp();
        (z, self.ln_density[i].exp() / z)
    }

    /// Law of the order statistic whose probability F(Z) is Beta(`below`, `above`) distributed: (k, M + 1 − k) for
    /// the k-th of M independent cells.
    pub(super) fn level(&self, below: f64, above: f64) -> Level {
        let terms = self.ln_density.iter().zip(&self.ln_below).zip(&self.ln_above);
        let exponents: Vec<f64> = terms
            .map(|((density, b), a)| match b.is_finite() && a.is_finite() {
                true => density + (below - 1.0) * b + (above - 1.0) * a,
                false => f64::NEG_INFINITY,
            })
            .collect();
        let peak = exponents.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let floor = peak + self.ln_smallest - 5.0;
        let held = exponents.iter().filter(|&&e| e > floor).count();
        let stride = (held / 200).max(1);
        let weights = exponents
            .iter()
            .enumerate()
            .map(|(i, &e)| if e > floor && i % stride == 0 { (e - peak).exp() } else { 0.0 });
        Level::new(self.grid, weights)
    }
}
