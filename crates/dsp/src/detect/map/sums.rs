//! Sums over training cells of every cell of a strip of the map, O(log training) additions each.
//!
//! As in `box_sum`, sums are composed of those over 1, 2, 4, … cells in an order that is fixed relative to the cell
//! and the same mirrored. Nothing is ever subtracted, so that a strong echo leaves no rounding behind: the ring is
//! made of parts that do not overlap.

use super::Window;

/// Where the block of this width begins before and after the cell under test, if the `len` cells from `near` on
/// (distances to the cell, on both sides) are composed of one.
fn blocks(width: usize, near: usize, len: usize) -> Option<(isize, isize)> {
    // The least block lies next to the cell.
    (len & width != 0).then(|| {
        let done = len & (width - 1);
        (-((near + done + width - 1) as isize), (near + done) as isize)
    })
}

fn shifted(cell: usize, by: isize) -> usize {
    cell.checked_add_signed(by).expect("a margin as wide as the reach")
}

/// Sums along Doppler, from `rows`: `[n + 2·reach × width]`, which are overwritten.
pub(super) struct Columns<'a> {
    pub(super) rows: &'a mut [f32],
    pub(super) width: usize,
    pub(super) window: Window,
}

impl Columns<'_> {
    /// Sum over the training bins on both sides, and that over all bins within reach with the cell's own.
    pub(super) fn both_sides(self, training: &mut [f32], all: &mut [f32]) {
        let Window { guard_bins, training_bins, .. } = self.window;
        let (reach, width) = (self.window.reach_bins(), self.width);
        training.fill(0.0);
        all.copy_from_slice(&self.rows[reach * width..][..all.len()]);
        let n = all.len() / width;
        self.compose(|rows, block| {
            for (near, len, sums) in
                [(1, guard_bins, &mut *all), (guard_bins + 1, training_bins, &mut *training)]
            {
                let Some((before, after)) = blocks(block, near, len) else { continue };
                let before = &rows[shifted(reach, before) * width..][..n * width];
                let after = &rows[shifted(reach, after) * width..][..n * width];
                add_both(sums, before, after);
            }
        });
        all.iter_mut().zip(&*training).for_each(|(all, training)| *all += training);
    }

    /// Sums over the training bins before and after.
    pub(super) fn each_side(self, before: &mut [f32], after: &mut [f32]) {
        let Window { guard_bins, training_bins, .. } = self.window;
        let (reach, width, len) = (self.window.reach_bins(), self.width, before.len());
        before.fill(0.0);
        after.fill(0.0);
        self.compose(|rows, block| {
            let Some((b, a)) = blocks(block, guard_bins + 1, training_bins) else { return };
            add(before, &rows[shifted(reach, b) * width..][..len]);
            add(after, &rows[shifted(reach, a) * width..][..len]);
        });
    }

    /// Calls `level` with the sums over 1, 2, 4, … rows.
    fn compose(self, mut level: impl FnMut(&[f32], usize)) {
        let longest = self.window.guard_bins.max(self.window.training_bins);
        let mut block = 1;
        while block <= longest {
            level(self.rows, block);
            block *= 2;
            if block > longest {
                return;
            }
            let step = block / 2 * self.width;
            for start in (0..self.rows.len() - step).step_by(self.width) {
                let (here, there) = self.rows[start..].split_at_mut(step);
                add(&mut here[..self.width], &there[..self.width]);
            }
        }
    }
}

/// Adds to `sums` those over `len` cells from `near` on, before and after each cell of a row with margins as wide as
/// its reach. `scratch` holds two rows.
pub(super) fn along_gates(
    row: &[f32],
    (near, len): (usize, usize),
    margin: usize,
    scratch: &mut [f32],
    mut add: impl FnMut(&[f32], &[f32]),
) {
    let n = row.len() - 2 * margin;
    let (mut sums, mut next) = scratch[..2 * row.len()].split_at_mut(row.len());
    sums.copy_from_slice(row);
    let mut block = 1;
    while block <= len {
        if let Some((before, after)) = blocks(block, near, len) {
            add(&sums[shifted(margin, before)..][..n], &sums[shifted(margin, after)..][..n]);
        }
        if 2 * block > len {
            return;
        }
        let valid = row.len() + 1 - 2 * block;
        for (out, (a, b)) in next[..valid].iter_mut().zip(sums[..valid].iter().zip(&sums[block..])) {
            *out = a + b;
        }
        std::mem::swap(&mut sums, &mut next);
        block *= 2;
    }
}

pub(super) fn add(sums: &mut [f32], part: &[f32]) {
    sums.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
}

pub(super) fn add_both(sums: &mut [f32], one: &[f32], other: &[f32]) {
    sums.iter_mut().zip(one.iter().zip(other)).for_each(|(sum, (a, b))| *sum += a + b);
}
