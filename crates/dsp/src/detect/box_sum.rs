//! Sums over the training cells on either side of every cell, O(log n) additions each.

use super::Window;
use std::ops::Range;

/// Scratch that [`side_sums`] needs, in `f32`s.
pub(super) fn scratch_len(window: Window, n_cells: usize) -> usize {
    2 * (n_cells.min(CELLS_AT_ONCE) + window.reach_left() + window.reach_right())
}

/// So many that the scratch stays in a core's own cache.
const CELLS_AT_ONCE: usize = 4096;

/// For each of `cells`, all of whose reach lies within the row, the sum of its training cells on the left and on
/// the right.
///
/// Running sums keep the rounding of a strong echo for ever, so sums are composed instead: those over
/// `2k` cells from those over `k`, and a window from the powers of two in its length, the least next to the cell
/// under test. The order of additions is thus fixed relative to the cell, and the same mirrored.
#[inline(always)]
pub(super) fn side_sums(
    window: Window,
    row: &[f32],
    cells: Range<usize>,
    left: &mut [f32],
    right: &mut [f32],
    scratch: &mut [f32],
) {
    let sides = left.chunks_mut(CELLS_AT_ONCE).zip(right.chunks_mut(CELLS_AT_ONCE));
    for (start, (left, right)) in cells.step_by(CELLS_AT_ONCE).zip(sides) {
        let reach = start - window.reach_left()..start + left.len() + window.reach_right();
        compose(window, &row[reach], left, right, scratch);
    }
}

/// The same for the cells that `row` is the reach of.
#[inline(always)]
fn compose(window: Window, row: &[f32], left: &mut [f32], right: &mut [f32], scratch: &mut [f32]) {
    let n = left.len();
    let (mut sums, mut next) = scratch[..2 * row.len()].split_at_mut(row.len());
    sums.copy_from_slice(row);
    let right_start = window.training + 2 * window.guard + window.span + 1;
    let (mut width, mut done) = (1, 0);
    loop {
        if window.training & width != 0 {
            let nearest = &sums[window.training - done - width..][..n];
            accumulate(left, nearest, done == 0);
            accumulate(right, &sums[right_start + done..][..n], done == 0);
            done += width;
        }
        if done == window.training {
            return;
        }
        let valid = row.len() + 1 - 2 * width;
        for (out, (a, b)) in next[..valid].iter_mut().zip(sums[..valid].iter().zip(&sums[width..])) {
            *out = a + b;
        }
        std::mem::swap(&mut sums, &mut next);
        width *= 2;
    }
}

#[inline(always)]
fn accumulate(sums: &mut [f32], part: &[f32], first: bool) {
    if first {
        sums.copy_from_slice(part);
    } else {
        sums.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
    }
}
