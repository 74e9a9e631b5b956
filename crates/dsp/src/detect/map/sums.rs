//! Sums over the training cells of every cell, O(log training) additions each.
//!
//! As in `box_sum`, sums are composed of those over 1, 2, 4, … cells in an order that is fixed relative to the cell
//! and the same mirrored. Nothing is ever subtracted, so that a strong echo leaves no rounding behind: the ring is
//! made of parts that do not overlap.

use super::{MapCfarPlan, Split, Window};
use crate::range_doppler::PowerMap;

/// Gates that are summed along Doppler at once: a cache line, so that all bins of them fit the first-level cache.
pub(super) const COLUMNS: usize = 16;

type Cells = [f32; COLUMNS];

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

/// Sums along Doppler of a few neighbouring gates.
#[derive(Debug)]
pub(super) struct ColumnSums {
    window: Window,
    /// All bins, with as many before and after as a cell reaches; then sums over 2, 4, … of them.
    table: Vec<Cells>,
    /// Over the training bins on both sides; of two halves, those before.
    pub(super) training: Vec<Cells>,
    /// Over all bins within reach and the cell's own; of two halves, the training bins after.
    pub(super) all: Vec<Cells>,
}

impl ColumnSums {
    pub(super) fn new(window: Window, n_doppler: usize) -> Self {
        let cells = |n| vec![[0.0; COLUMNS]; n];
        let table = cells(n_doppler + 2 * window.reach_bins());
        Self { window, table, training: cells(n_doppler), all: cells(n_doppler) }
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
        for cells in &mut self.table {
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
        let Self { table, training, all, .. } = self;
        let n = all.len();
        all.copy_from_slice(&table[reach..][..n]);
        // Nobody asks for the sums over all bins if no gates are summed.
        let guard_bins_summed = if training_gates > 0 { guard_bins } else { 0 };
        let (mut width, mut is_first) = (1, true);
        while width <= guard_bins_summed.max(training_bins) {
            double(table, width);
            if let Some(starts) = block_at(width, 1, guard_bins_summed) {
                add_sides(all, table, reach, starts, false);
            }
            if let Some(starts) = block_at(width, guard_bins + 1, training_bins) {
                add_sides(training, table, reach, starts, is_first);
                is_first = false;
            }
            width *= 2;
        }
        if is_first {
            training.fill([0.0; COLUMNS]);
        }
        if training_gates > 0 {
            for (all, training) in all.iter_mut().zip(training) {
                *all = added(*all, *training);
            }
        }
    }

    #[inline(always)]
    fn each_side(&mut self) {
        let Window { guard_bins, training_bins, .. } = self.window;
        let reach = self.window.reach_bins();
        let Self { table, training, all, .. } = self;
        training.fill([0.0; COLUMNS]);
        all.fill([0.0; COLUMNS]);
        let mut width = 1;
        while width <= training_bins {
            double(table, width);
            if let Some((before, after)) = block_at(width, guard_bins + 1, training_bins) {
                add_cells(training, &table[shifted(reach, before)..]);
                add_cells(all, &table[shifted(reach, after)..]);
            }
            width *= 2;
        }
    }
}

/// By value, so that nothing can alias and all of it stays in registers.
#[inline(always)]
fn added(mut a: Cells, b: Cells) -> Cells {
    for i in 0..COLUMNS {
        a[i] += b[i];
    }
    a
}

/// Makes sums over `width` rows, a power of two, of those over half as many.
#[inline(always)]
fn double(table: &mut [Cells], width: usize) {
    let half = width / 2;
    for row in 0..if half > 0 { table.len().saturating_sub(half) } else { 0 } {
        table[row] = added(table[row], table[row + half]);
    }
}

/// Adds the parts that start so far before and after, to what is there or to nothing.
#[inline(always)]
fn add_sides(
    sums: &mut [Cells],
    table: &[Cells],
    reach: usize,
    (before, after): (isize, isize),
    is_first: bool,
) {
    let sides = table[shifted(reach, before)..].iter().zip(&table[shifted(reach, after)..]);
    for (sum, (before, after)) in sums.iter_mut().zip(sides) {
        let both = added(*before, *after);
        *sum = if is_first { both } else { added(*sum, both) };
    }
}

#[inline(always)]
fn add_cells(sums: &mut [Cells], parts: &[Cells]) {
    for (sum, part) in sums.iter_mut().zip(parts) {
        *sum = added(*sum, *part);
    }
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
            None => {
                self.one.iter_mut().zip(before.iter().zip(after)).for_each(|(sum, (a, b))| *sum += a + b);
            }
            Some(other) => {
                self.one.iter_mut().zip(before).for_each(|(sum, part)| *sum += part);
                other.iter_mut().zip(after).for_each(|(sum, part)| *sum += part);
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
        let valid = row.len() + 1 - 2 * width;
        for (out, (a, b)) in next[..valid].iter_mut().zip(source[..valid].iter().zip(&source[width..])) {
            *out = a + b;
        }
        std::mem::swap(&mut sums, &mut next);
        width *= 2;
    }
}
