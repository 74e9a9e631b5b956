//! Sums over the training cells of every cell, O(log training) additions each.
//!
//! As in `box_sum`, sums are composed of those over 1, 2, 4, … cells in an order that is fixed relative to the cell
//! and the same mirrored. Nothing is ever subtracted, so that a strong echo leaves no rounding behind: the ring is
//! made of parts that do not overlap.

use super::{MapCfarPlan, Split, Window};
use crate::range_doppler::PowerMap;

/// Gates that are summed along Doppler at once: a cache line, so that all bins of them fit the first-level cache.
pub(super) const COLUMNS: usize = 16;

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

/// Sums along Doppler of a few neighbouring gates. All arrays are `[bins × COLUMNS]`, and are worked on as if they were
/// one long row, which is what compilers make vectors of.
#[derive(Debug)]
pub(super) struct ColumnSums {
    window: Window,
    /// All bins, with as many before and after as a cell reaches; then sums over 2, 4, … of them, one from the other.
    table: Vec<f32>,
    next: Vec<f32>,
    /// Over the training bins on both sides; of two halves, those before.
    training: Vec<f32>,
    /// Over all bins within reach and the cell's own; of two halves, the training bins after.
    all: Vec<f32>,
}

impl ColumnSums {
    pub(super) fn new(window: Window, n_doppler: usize) -> Self {
        let cells = |n| vec![0.0; n * COLUMNS];
        let n_rows = n_doppler + 2 * window.reach_bins();
        let (table, next) = (cells(n_rows), cells(n_rows));
        Self { window, table, next, training: cells(n_doppler), all: cells(n_doppler) }
    }

    /// The sums over training bins and over all, or before and after, of each bin.
    #[inline(always)]
    pub(super) fn sums(&self) -> [&[[f32; COLUMNS]]; 2] {
        [self.training.as_chunks().0, self.all.as_chunks().0]
    }

    /// Sums the gates from `first_gate` on, some of which may lie outside the map and add nothing.
    #[inline(always)]
    pub(super) fn sum(&mut self, plan: &MapCfarPlan, map: &PowerMap, first_gate: isize) {
        self.load(plan, map, first_gate);
        match plan.split {
            Split::Bins => self.each_side(),
            _ => self.both_sides(),
        }
    }

    #[inline(always)]
    fn load(&mut self, plan: &MapCfarPlan, map: &PowerMap, first_gate: isize) {
        let n_gates = map.n_gates() as isize;
        let from = first_gate.clamp(0, n_gates);
        let to = (first_gate + COLUMNS as isize).clamp(from, n_gates);
        let lead = (from - first_gate).clamp(0, COLUMNS as isize) as usize;
        let inside = from as usize..to as usize;
        let mut bin = plan.n_doppler - self.window.reach_bins();
        for cells in self.table.as_chunks_mut::<COLUMNS>().0 {
            if bin == plan.n_doppler {
                bin = 0;
            }
            let row = &map.row(bin)[inside.clone()];
            match row.first_chunk() {
                _ if plan.row_scales[bin].is_none() => *cells = [0.0; COLUMNS],
                Some(row) => *cells = *row,
                None => {
                    *cells = [0.0; COLUMNS];
                    cells[lead..lead + row.len()].copy_from_slice(row);
                }
            }
            bin += 1;
        }
    }

    #[inline(always)]
    fn both_sides(&mut self) {
        let Window { guard_bins, training_bins, training_gates, .. } = self.window;
        let reach = self.window.reach_bins();
        let Self { table, next, training, all, .. } = self;
        let at = |bins| shifted(reach, bins) * COLUMNS;
        let n = all.len();
        all.copy_from_slice(&table[at(0)..][..n]);
        training.fill(0.0);
        // Nobody asks for the sums over all bins if no gates are summed.
        let guard_bins_summed = if training_gates > 0 { guard_bins } else { 0 };
        let parts = [(1, guard_bins_summed), (guard_bins + 1, training_bins)];
        let mut width = 1;
        while width <= guard_bins_summed.max(training_bins) {
            for ((near, len), sums) in parts.into_iter().zip([&mut *all, &mut *training]) {
                let Some((before, after)) = block_at(width, near, len) else { continue };
                add_both(sums, &table[at(before)..], &table[at(after)..]);
            }
            double(table, next, width * COLUMNS);
            std::mem::swap(table, next);
            width *= 2;
        }
        if training_gates > 0 {
            add(all, training);
        }
    }

    #[inline(always)]
    fn each_side(&mut self) {
        let Window { guard_bins, training_bins, .. } = self.window;
        let reach = self.window.reach_bins();
        let Self { table, next, training, all, .. } = self;
        training.fill(0.0);
        all.fill(0.0);
        let mut width = 1;
        while width <= training_bins {
            if let Some((before, after)) = block_at(width, guard_bins + 1, training_bins) {
                add(training, &table[shifted(reach, before) * COLUMNS..]);
                add(all, &table[shifted(reach, after) * COLUMNS..]);
            }
            double(table, next, width * COLUMNS);
            std::mem::swap(table, next);
            width *= 2;
        }
    }
}

/// Sums over twice as many cells, the second half of which begins `by` after the first. There are none at the end.
#[inline(always)]
fn double(sums: &[f32], twice: &mut [f32], by: usize) {
    let parts = sums.iter().zip(&sums[by.min(sums.len())..]);
    twice.iter_mut().zip(parts).for_each(|(out, (a, b))| *out = a + b);
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
}

impl Sums<'_> {
    #[inline(always)]
    fn add(&mut self, before: &[f32], after: &[f32]) {
        match &mut self.other {
            None => add_both(self.one, before, after),
            Some(other) => {
                add(self.one, before);
                add(other, after);
            }
        }
    }
}

/// Adds the sums over `len` cells from `near` on, before and after each cell of a row with margins as wide as its
/// reach. `scratch` holds two rows.
#[inline(always)]
pub(super) fn along_gates(
    row: &[f32],
    (near, len): (usize, usize),
    margin: usize,
    scratch: &mut [f32],
    out: &mut Sums<'_>,
) {
    let n = row.len() - 2 * margin;
    let (one, other) = scratch[..2 * row.len()].split_at_mut(row.len());
    let (mut sums, mut next) = (&mut *one, &mut *other);
    let mut width = 1;
    while width <= len {
        let source = if width == 1 { row } else { &*sums };
        if let Some((before, after)) = block_at(width, near, len) {
            out.add(&source[shifted(margin, before)..][..n], &source[shifted(margin, after)..][..n]);
        }
        if 2 * width > len {
            return;
        }
        double(source, next, width);
        std::mem::swap(&mut sums, &mut next);
        width *= 2;
    }
}
