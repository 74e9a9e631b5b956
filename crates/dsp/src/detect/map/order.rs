//! The ordered statistic, by counting. A cell exceeds the threshold if enough training cells lie so far below it, and
//! hardly any does: a bound that all cells of a few rows share rules nearly all of them out, and only the rest are
//! tested by sorting.

use super::scales::RowScales;
use super::worker::{Emit, GROUP};
use super::{MapCfarPlan, Window};
use crate::detect::os;

/// What rounding can make of a threshold, generously.
const ROUNDING: f32 = 1e-5;
/// One in so many cells tells the mean well enough to begin with.
const SAMPLED: usize = 13;
/// Bounds that are tried, each half of the one before: 72 dB.
const N_BOUNDS: usize = 24;

/// What a cell that is not there is held as, and one that is not a number: it counts as greater than all.
pub(super) const ABSENT: f32 = f32::INFINITY;

/// Scratch for a strip of the map with margins as wide as the reach.
#[derive(Debug)]
pub(super) struct OrderedStrip {
    window: Window,
    width: usize,
    /// For each gate of the strip, the cells below the bound that is tried, of all rows that some tested row reaches.
    below: Vec<u32>,
    /// For each gate a value of which it is known that the statistic of no tested row lies below.
    bounds: Vec<f32>,
    selected: Vec<f32>,
}

impl OrderedStrip {
    pub(super) fn new(window: Window, width: usize) -> Self {
        Self {
            window,
            width,
            below: vec![0; width],
            bounds: vec![0.0; width],
            selected: vec![0.0; window.n_cells()],
        }
    }

    /// Rows that are tested with one bound: half of those that a row reaches.
    pub(super) fn n_rows(&self) -> usize {
        self.window.reach_bins().max(1)
    }

    /// Finds bounds for the bins from `bin` on. `strip` is `[n_doppler + 2·reach × width]`.
    #[inline(always)]
    pub(super) fn bound(&mut self, plan: &MapCfarPlan, strip: &[f32], bin: usize, gates: (usize, usize)) {
        let (first_gate, n) = gates;
        let n_rows = self.n_rows().min(plan.n_doppler - bin);
        let reach = self.window.reach_bins();
        let tested = || plan.row_scales[bin..bin + n_rows].iter().flatten().map(|&i| &plan.scales[i]);
        let rows = &strip[bin * self.width..(bin + n_rows + 2 * reach) * self.width];
        self.bounds[..n].fill(0.0);
        if tested().next().is_none() {
            return;
        }
        let inside = self.window.reach_gates()..plan.n_gates - self.window.reach_gates();
        let order_inside = tested().map(|row| row.inside.order).min().unwrap_or(0);
        let order_at = |gate: usize| match inside.contains(&gate) {
            true => order_inside,
            false => tested().map(|row| row.at(gate, plan.n_gates).order).min().unwrap_or(0),
        };
        let span = 2 * self.window.reach_gates() + 1;
        let mut bound = first_bound(order_inside, span * (n_rows + 2 * reach)) * mean(rows);
        for _ in 0..N_BOUNDS {
            if bound.is_nan() || bound <= 0.0 {
                return;
            }
            self.below.fill(0);
            for row in rows.chunks_exact(self.width) {
                for (below, value) in self.below.iter_mut().zip(row) {
                    *below += u32::from(*value < bound);
                }
            }
            let mut around: u32 = self.below[..span - 1].iter().sum();
            let mut undecided = false;
            let (leaving, entering) = (&self.below, &self.below[span - 1..]);
            for (gate, (out, (leave, enter))) in
                self.bounds[..n].iter_mut().zip(leaving.iter().zip(entering)).enumerate()
            {
                around += enter;
                if *out <= 0.0 {
                    let is_bound = (around as usize) < order_at(first_gate + gate);
                    *out = if is_bound { bound } else { 0.0 };
                    undecided |= !is_bound;
                }
                around -= leave;
            }
            if !undecided {
                return;
            }
            bound /= 2.0;
        }
    }

    /// Tests the `cells` of a bin between the margins of the strip.
    #[inline(always)]
    pub(super) fn test_row(
        &mut self,
        strip: &[f32],
        bin: usize,
        row: &RowScales,
        cells: &[f32],
        emit: &mut Emit<'_>,
    ) {
        let per_level = row.inside.unbias * row.inside.factor * (1.0 - ROUNDING);
        for start in (0..cells.len()).step_by(GROUP) {
            let group = start..(start + GROUP).min(cells.len());
            let first = emit.first_gate + start;
            let is_inside =
                row.is_inside(first, emit.n_gates) && row.is_inside(first + group.len() - 1, emit.n_gates);
            let exceeds = |(cell, bound): (&f32, &f32)| *cell > bound * per_level;
            let pairs = || cells[group.clone()].iter().zip(&self.bounds[group.clone()]);
            if is_inside && !pairs().fold(false, |any, pair| any | exceeds(pair)) {
                continue;
            }
            for gate in group {
                if !is_inside || exceeds((&cells[gate], &self.bounds[gate])) {
                    self.test_cell(strip, (bin, gate), row, cells[gate], emit);
                }
            }
        }
    }

    /// The test by its definition, after one more count. Too rare for vectors of its own.
    fn test_cell(
        &mut self,
        strip: &[f32],
        (bin, gate): (usize, usize),
        row: &RowScales,
        cell: f32,
        emit: &mut Emit<'_>,
    ) {
        let scale = row.at(emit.first_gate + gate, emit.n_gates);
        let per_level = scale.unbias * scale.factor;
        let needed = cell / per_level * (1.0 + ROUNDING);
        let window = self.window;
        let here = (bin + window.reach_bins()) * self.width + gate + window.reach_gates();
        let runs = || {
            let of_bin = |&bin: &i64| runs_of_row(window, bin).map(move |run| (bin, run));
            row.bins.iter().flat_map(of_bin).map(|(bin, (start, end))| {
                let at = here.wrapping_add_signed(bin as isize * self.width as isize + start);
                &strip[at..at + (end - start) as usize]
            })
        };
        let not_above = |cells: &[f32]| cells.iter().map(|v| u32::from(*v <= needed)).sum::<u32>() as usize;
        if scale.n_cells == 0 || runs().map(not_above).sum::<usize>() < scale.order {
            return;
        }
        let mut n = 0;
        for cells in runs() {
            self.selected[n..n + cells.len()].copy_from_slice(cells);
            n += cells.len();
        }
        // Absent cells are last and change nothing.
        let statistic = os::select(&mut self.selected[..n], scale.order);
        if statistic > 0.0 && cell > statistic * per_level {
            emit.crossing(emit.first_gate + gate, cell, statistic * scale.unbias);
        }
    }
}

/// Mean of some of the cells that are there.
fn mean(cells: &[f32]) -> f32 {
    let (sum, count) = (cells.iter().step_by(SAMPLED).filter(|v| v.is_finite()))
        .fold((0.0f64, 0usize), |(sum, count), &v| (sum + f64::from(v), count + 1));
    (sum / count.max(1) as f64) as f32
}

/// The bound that is tried first, over the mean of the cells: in noise alone, nearly always less than `order` of
/// `n_cells` lie below.
fn first_bound(order: usize, n_cells: usize) -> f32 {
    let n = n_cells as f32;
    let share = order as f32 / n;
    let share = (share - 3.0 * (share * (1.0 - share).max(0.0) / n).sqrt()).clamp(0.02, 0.98);
    -(1.0 - share).ln()
}

/// Training gates of a row of the ring, as half-open ranges relative to the cell.
fn runs_of_row(window: Window, bin: i64) -> impl Iterator<Item = (isize, isize)> {
    let (reach, guard) = (window.reach_gates() as isize, window.guard_gates as isize);
    let beside = bin.unsigned_abs() as usize <= window.guard_bins;
    let runs =
        if beside { [(-reach, -guard), (guard + 1, reach + 1)] } else { [(-reach, reach + 1), (0, 0)] };
    runs.into_iter().filter(|(start, end)| start < end)
}
