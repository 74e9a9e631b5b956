//! Sums over the training cells on either side of every cell, O(log n) additions each.

use super::Window;
use std::ops::Range;

/// Cells that are handled at once: so many that the scratch stays in the innermost cache.
pub(super) const CELLS_AT_ONCE: usize = 2048;

/// Scratch that [`side_sums`] needs for this many cells, in `f32`s.
pub(super) fn scratch_len(window: Window, n_cells: usize) -> usize {
    let n = n_cells.min(CELLS_AT_ONCE);
    2 * (n + window.reach_left() + window.reach_right()) + 2 * n
}

/// For each of `cells`, [`CELLS_AT_ONCE`] at most, all of whose reach lies within the row, the sum of its training cells
/// on the left and on the right.
///
/// Running sums keep the rounding of a strong echo for ever, so sums are composed instead: those over
/// `2k` cells from those over `k`, and a window from the powers of two in its length, the least next to the cell
/// under test. The order of additions is thus fixed relative to the cell, and the same mirrored.
#[inline(always)]
pub(super) fn side_sums<'a>(
    window: Window,
    row: &'a [f32],
    cells: Range<usize>,
    scratch: &'a mut [f32],
) -> (&'a [f32], &'a [f32]) {
    let n = cells.len();
    let row = &row[cells.start - window.reach_left()..cells.end + window.reach_right()];
    let (sums, totals) = scratch[..2 * row.len() + 2 * n].split_at_mut(2 * row.len());
    let (mut sums, mut next) = sums.split_at_mut(row.len());
    let (left, right) = totals.split_at_mut(n);
    let right_start = window.training + 2 * window.guard + window.span + 1;
    let (mut width, mut done, mut is_summed) = (1, 0, false);
    loop {
        let from = if is_summed { &*sums } else { row };
        if window.training == width {
            // A power of two: both sides are the same sums, elsewhere.
            let sums = if is_summed { sums } else { row };
            return (&sums[..n], &sums[right_start..][..n]);
        }
        if window.training & width != 0 {
            accumulate(left, &from[window.training - done - width..][..n], done == 0);
            accumulate(right, &from[right_start + done..][..n], done == 0);
            done += width;
        }
        if done == window.training {
            return (left, right);
        }
        // Sums over 2·width that no window takes are passed over.
        let is_passed = window.training & (2 * width) == 0;
        let valid = row.len() + 1 - if is_passed { 4 * width } else { 2 * width };
        if is_passed {
            quadruple(&mut next[..valid], from, width);
        } else {
            double(&mut next[..valid], from, width);
        }
        std::mem::swap(&mut sums, &mut next);
        is_summed = true;
        width *= if is_passed { 4 } else { 2 };
    }
}

/// Sums over twice as many cells.
#[inline(always)]
fn double(out: &mut [f32], sums: &[f32], width: usize) {
    let n = out.len();
    for (out, (a, b)) in out.iter_mut().zip(sums[..n].iter().zip(&sums[width..][..n])) {
        *out = a + b;
    }
}

/// [`double`] twice.
#[inline(always)]
fn quadruple(out: &mut [f32], sums: &[f32], width: usize) {
    let n = out.len();
    let [a, b, c, d] = [0, 1, 2, 3].map(|k| &sums[k * width..][..n]);
    for (i, out) in out.iter_mut().enumerate() {
        *out = (a[i] + b[i]) + (c[i] + d[i]);
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
