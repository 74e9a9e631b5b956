//! Sums over the training cells of every cell, O(log training) additions each.
//!
//! As in `box_sum`, sums are composed of those over 1, 2, 4, … cells in an order that is fixed relative to the cell
//! and the same mirrored. Nothing is ever subtracted, so that a strong echo leaves no rounding behind: the ring is
//! made of parts that do not overlap.

use super::Window;
use crate::range_doppler::Rows;
use std::mem::take;

/// Where the block of this width begins before and after the cell under test, if the `len` cells from `near` on
/// (distances to the cell, on both sides) are composed of one.
#[inline(always)]
fn block_at(width: usize, near: usize, len: usize) -> Option<(isize, isize)> {
    // The least block lies next to the cell.
    (len & width != 0).then(|| {
        let done = len & (width - 1);
        (-((near + done + width - 1) as isize), (near + done) as isize)
    })
}

#[inline(always)]
fn shifted(cell: usize, by: isize) -> usize {
    cell.checked_add_signed(by).expect("a margin as wide as the reach")
}

/// Sums along Doppler of the gates of a strip, in one sweep over its rows: of each sum over 1, 2, 4, … rows as many are
/// kept as a cell reaches, so that all of it stays in cache.
#[derive(Debug)]
pub(super) struct DopplerSums {
    window: Window,
    /// `[2·reach + 1 × width]` for each number of rows; the sum that begins with row `r` lies at `r` modulo the rows.
    levels: Vec<Rows<f32>>,
    /// Over the training bins on both sides; of two halves, those before.
    pub(super) training: Rows<f32>,
    /// Over all bins within reach and the cell's own; of two halves, the training bins after.
    pub(super) all: Rows<f32>,
}

impl DopplerSums {
    /// Numbers that are kept for each gate.
    pub(super) fn n_kept(window: Window) -> usize {
        window.n_levels() * (2 * window.reach_bins() + 1)
    }

    pub(super) fn new(window: Window, width: usize) -> Self {
        let row = || Rows::new(1, width);
        let level = |_| Rows::new(2 * window.reach_bins() + 1, width);
        let levels = (0..window.n_levels()).map(level).collect();
        Self { window, levels, training: row(), all: row() }
    }

    /// Where the sum that begins with a row lies.
    #[inline(always)]
    fn slot(&self, row: usize) -> usize {
        row % (2 * self.window.reach_bins() + 1)
    }

    /// Room for the next row, to be filled before [`push`](Self::push).
    #[inline(always)]
    pub(super) fn row_mut(&mut self, row: usize) -> &mut [f32] {
        let slot = self.slot(row);
        self.levels[0].row_mut(slot)
    }

    /// A row that has been pushed, and not so long ago.
    #[inline(always)]
    pub(super) fn row(&self, row: usize) -> &[f32] {
        self.levels[0].row(self.slot(row))
    }

    /// Takes the next row: makes the sums that end with it.
    #[inline(always)]
    pub(super) fn push(&mut self, row: usize) {
        for level in 1..self.levels.len() {
            let half = 1 << (level - 1);
            let Some(first) = (row + 1).checked_sub(2 * half) else { return };
            let (one, other) = (self.slot(first), self.slot(first + half));
            let (halves, wholes) = self.levels.split_at_mut(level);
            let halves = &halves[level - 1];
            assign(wholes[0].row_mut(one), halves.row(one), halves.row(other));
        }
    }

    /// Sums around a row, of which as many as a cell reaches have been pushed before and after.
    #[inline(always)]
    pub(super) fn both_sides(&mut self, row: usize) {
        let Window { guard_bins, training_bins, training_gates, .. } = self.window;
        let (mut all_sums, mut training_sums) = (take(&mut self.all), take(&mut self.training));
        let (all, training) = (all_sums.row_mut(0), training_sums.row_mut(0));
        let own = self.levels[0].row(self.slot(row));
        let (mut has_guard, mut is_first) = (false, true);
        for level in 0..self.levels.len() {
            let sums = |start| self.levels[level].row(self.slot(shifted(row, start)));
            // Nobody asks for the sums over all bins if no gates are summed.
            if let (true, Some((before, after))) = (training_gates > 0, block_at(1 << level, 1, guard_bins)) {
                match has_guard {
                    true => add_both(all, sums(before), sums(after)),
                    false => assign_with(all, own, sums(before), sums(after)),
                }
                has_guard = true;
            }
            if let Some((before, after)) = block_at(1 << level, guard_bins + 1, training_bins) {
                let sides = (sums(before), sums(after));
                match is_first {
                    true => assign(training, sides.0, sides.1),
                    false => add_both(training, sides.0, sides.1),
                }
                is_first = false;
            }
        }
        if is_first {
            training.fill(0.0);
        }
        match (training_gates > 0, has_guard) {
            (true, true) => add(all, training),
            (true, false) => assign(all, own, training),
            _ => {}
        }
        (self.training, self.all) = (training_sums, all_sums);
    }

    /// As [`both_sides`](Self::both_sides), but the training bins before in `training`, those after in `all`.
    #[inline(always)]
    pub(super) fn each_side(&mut self, row: usize) {
        let Window { guard_bins, training_bins, .. } = self.window;
        let (mut all_sums, mut training_sums) = (take(&mut self.all), take(&mut self.training));
        let (all, training) = (all_sums.row_mut(0), training_sums.row_mut(0));
        training.fill(0.0);
        all.fill(0.0);
        for level in 0..self.levels.len() {
            let sums = |start| self.levels[level].row(self.slot(shifted(row, start)));
            if let Some((before, after)) = block_at(1 << level, guard_bins + 1, training_bins) {
                add(training, sums(before));
                add(all, sums(after));
            }
        }
        (self.training, self.all) = (training_sums, all_sums);
    }
}

#[inline(always)]
fn assign(sums: &mut [f32], one: &[f32], other: &[f32]) {
    sums.iter_mut().zip(one.iter().zip(other)).for_each(|(sum, (a, b))| *sum = a + b);
}

#[inline(always)]
fn assign_with(sums: &mut [f32], own: &[f32], before: &[f32], after: &[f32]) {
    let parts = own.iter().zip(before.iter().zip(after));
    sums.iter_mut().zip(parts).for_each(|(sum, (own, (a, b)))| *sum = own + (a + b));
}

#[inline(always)]
fn add(sums: &mut [f32], part: &[f32]) {
    sums.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
}

#[inline(always)]
fn add_both(sums: &mut [f32], before: &[f32], after: &[f32]) {
    sums.iter_mut().zip(before.iter().zip(after)).for_each(|(sum, (a, b))| *sum += a + b);
}

/// Sums of one row: over both sides, or over each.
pub(super) struct Sums<'a> {
    pub(super) one: &'a mut [f32],
    pub(super) other: Option<&'a mut [f32]>,
    /// What `one` begins with, which then holds nothing yet.
    pub(super) own: Option<&'a [f32]>,
}

impl Sums<'_> {
    #[inline(always)]
    fn add(&mut self, before: &[f32], after: &[f32]) {
        match (&mut self.other, self.own.take()) {
            (None, Some(own)) => assign_with(self.one, own, before, after),
            (None, None) => add_both(self.one, before, after),
            (Some(other), _) => {
                add(self.one, before);
                add(other, after);
            }
        }
    }
}

/// Adds the sums over `len` cells from `near` on, before and after each cell of a row with margins as wide as its
/// reach. `scratch` holds two such rows.
#[inline(always)]
pub(super) fn along_gates(
    row: &[f32],
    (near, len): (usize, usize),
    margin: usize,
    scratch: &mut [Rows<f32>; 2],
    out: &mut Sums<'_>,
) {
    let n = row.len() - 2 * margin;
    let [sums, next] = scratch;
    let (mut sums, mut next) = (sums.row_mut(0), next.row_mut(0));
    let mut width = 1;
    while width <= len {
        let source = if width == 1 { row } else { &*sums };
        if let Some((before, after)) = block_at(width, near, len) {
            out.add(&source[shifted(margin, before)..][..n], &source[shifted(margin, after)..][..n]);
        }
        if 2 * width > len {
            return;
        }
        let valid = row.len() + 1 - 2 * width;
        assign(&mut next[..valid], &source[..valid], &source[width..]);
        std::mem::swap(&mut sums, &mut next);
        width *= 2;
    }
}
