//! The run: strip by strip of gates, bin by bin, so that what is summed stays in a core's own cache.

use super::order::{ABSENT, OrderedStrip};
use super::scales::RowScales;
use super::sums::{DopplerSums, Sums, along_gates};
use super::{Crossing, Crossings, MapCfarPlan, Split};
use crate::detect::Detector;
use crate::range_doppler::{PowerMap, Rows};
use crate::simd::{self, Kernel, LANES};
use std::sync::Arc;

/// Sums that are kept of a strip: so few that those of the rows around come out of the first-level cache, or next to it.
const STRIP_SUMS: usize = 1 << 14;
/// Cells that are kept of a strip for ordered statistics: a few arrays of so many `f32`s fit a second-level cache.
const STRIP_CELLS: usize = 1 << 16;
/// Cells that are looked at together for a crossing.
pub(super) const GROUP: usize = 32;

/// What runs a [`MapCfarPlan`].
#[derive(Debug)]
pub struct MapCfarWorker {
    plan: Arc<MapCfarPlan>,
    /// Gates of a strip, without its margins; whole groups.
    gates: usize,
    /// The same with margins as wide as the reach.
    width: usize,
    sums: DopplerSums,
    /// Sums of one row, each of `gates`.
    halves: [Rows<f32>; 2],
    scratch: [Rows<f32>; 2],
    /// The strip itself, all bins, wrapped, for ordered statistics.
    cells: Vec<f32>,
    ordered: Option<OrderedStrip>,
}

/// Takes the crossings of one row of a strip.
pub(super) struct Emit<'a> {
    pub(super) first_gate: usize,
    pub(super) n_gates: usize,
    bin: u32,
    found: &'a mut Crossings,
}

impl Emit<'_> {
    #[cold]
    pub(super) fn crossing(&mut self, gate: usize, power: f32, noise: f32) {
        if self.found.cells.len() < self.found.cells.capacity() {
            self.found.cells.push(Crossing { bin: self.bin, gate: gate as u32, power, noise });
        } else {
            self.found.n_dropped += 1;
        }
    }
}

impl Crossings {
    /// Room for so many cells above their threshold.
    pub fn with_capacity(n_cells: usize) -> Self {
        Self { cells: Vec::with_capacity(n_cells), n_dropped: 0 }
    }
}

impl MapCfarWorker {
    /// Allocates what the plan needs.
    pub fn new(plan: Arc<MapCfarPlan>) -> Self {
        let (window, n_doppler) = (plan.window, plan.n_doppler);
        let n_rows = n_doppler + 2 * window.reach_bins();
        let margins = 2 * window.reach_gates();
        let is_ordered = matches!(plan.detector, Detector::Os { .. });
        let (n_kept, room) =
            if is_ordered { (n_rows, STRIP_CELLS) } else { (DopplerSums::n_kept(window), STRIP_SUMS) };
        let gates = (room / n_kept).clamp(128, 4096).max(8 * margins).min(plan.n_gates);
        let gates = gates.next_multiple_of(GROUP);
        let width = gates + margins;
        Self {
            gates,
            width,
            sums: DopplerSums::new(window, if is_ordered { 0 } else { width }),
            halves: [Rows::new(1, gates), Rows::new(1, gates)],
            scratch: [Rows::new(1, width), Rows::new(1, width)],
            cells: vec![0.0; if is_ordered { n_rows * width } else { 0 }],
            ordered: is_ordered.then(|| OrderedStrip::new(window, width)),
            plan,
        }
    }

    /// Finds the cells above their threshold.
    ///
    /// `found` is emptied first; it keeps as many cells as it has capacity for, and counts the others (which lie in no
    /// particular part of the map). Where no training cell is left, or the level is zero or not a number, no cell
    /// is one. Allocates nothing.
    ///
    /// # Panics
    /// The map has not the shape of the plan.
    pub fn detect(&mut self, map: &PowerMap, found: &mut Crossings) {
        let plan = Arc::clone(&self.plan);
        let shape = (map.n_rows(), map.n_gates());
        let planned = (plan.n_doppler, plan.n_gates);
        assert!(shape == planned, "a map of {shape:?}, the plan is for {planned:?}");
        found.cells.clear();
        found.n_dropped = 0;
        simd::run(Detect { worker: self, plan: &plan, map, found });
        found.cells.sort_unstable_by_key(|cell| (cell.bin, cell.gate));
    }

    #[inline(always)]
    fn test_ordered(
        &mut self,
        plan: &MapCfarPlan,
        map: &PowerMap,
        (first_gate, n_cells): (usize, usize),
        found: &mut Crossings,
    ) {
        let Some(ordered) = &mut self.ordered else { return };
        let (window, n_gates) = (plan.window, plan.n_gates);
        let first_bin = plan.n_doppler - window.reach_bins();
        for (row, cells) in self.cells.chunks_exact_mut(self.width).enumerate() {
            let bin = (first_bin + row) % plan.n_doppler;
            let values: &[f32] = if plan.row_scales[bin].is_some() { map.row(bin) } else { &[] };
            copy_with_margins(values, first_gate, window.reach_gates(), cells, ABSENT);
            // What is less than no power is none.
            cells.iter_mut().for_each(|v| *v = if v.is_nan() { ABSENT } else { v.max(0.0) });
        }
        for (bin, scales) in plan.row_scales.iter().enumerate() {
            if bin.is_multiple_of(ordered.n_rows()) {
                ordered.bound(plan, &self.cells, bin, (first_gate, n_cells));
            }
            let Some(scales) = scales.map(|i| &plan.scales[i]) else { continue };
            let mut emit = Emit { first_gate, n_gates, bin: bin as u32, found };
            ordered.test_row(&self.cells, bin, scales, &map.row(bin)[first_gate..][..n_cells], &mut emit);
        }
    }

    #[inline(always)]
    fn test_sums(
        &mut self,
        plan: &MapCfarPlan,
        map: &PowerMap,
        gates: (usize, usize),
        found: &mut Crossings,
    ) {
        let (window, n) = (plan.window, plan.n_doppler);
        let reach = window.reach_bins();
        // Doppler wraps: the rows before the first bin and after the last are bins again.
        for row in 0..n + 2 * reach {
            let bin = (n - reach + row) % n;
            let values: &[f32] = if plan.row_scales[bin].is_some() { map.row(bin) } else { &[] };
            copy_with_margins(values, gates.0, window.reach_gates(), self.sums.row_mut(row), 0.0);
            // The next row lies far from this one.
            for gate in (gates.0..gates.0 + self.gates).step_by(LANES) {
                simd::prefetch(map.data(), (bin + 1) * map.stride() + gate);
            }
            self.sums.push(row);
            if row >= 2 * reach {
                self.test_row(plan, map, row - 2 * reach, gates, found);
            }
        }
    }

    /// Tests a bin of which all training bins are there.
    #[inline(always)]
    fn test_row(
        &mut self,
        plan: &MapCfarPlan,
        map: &PowerMap,
        bin: usize,
        (first_gate, n_cells): (usize, usize),
        found: &mut Crossings,
    ) {
        let Some(scales) = plan.row_scales[bin].map(|i| &plan.scales[i]) else { return };
        let (window, margin) = (plan.window, plan.window.reach_gates());
        let row = bin + window.reach_bins();
        let mut emit = Emit { first_gate, n_gates: plan.n_gates, bin: bin as u32, found };
        let cells = &map.row(bin)[first_gate..][..n_cells];
        if plan.split == Split::Bins {
            self.sums.each_side(row);
            let (before, after) = (self.sums.training.row(0), self.sums.all.row(0));
            return match plan.detector {
                Detector::So => compare(cells, before, after, scales, &mut emit, f32::min),
                _ => compare(cells, before, after, scales, &mut emit, f32::max),
            };
        }
        let has_bins = window.reach_bins() > 0;
        if has_bins {
            self.sums.both_sides(row);
        }
        let training = has_bins.then_some(self.sums.training.row(0));
        let [one, other] = self.halves.each_mut().map(|half| half.row_mut(0));
        let own = training.filter(|_| plan.split == Split::Whole).map(|sums| &sums[margin..][..self.gates]);
        if own.is_none() {
            one.fill(0.0);
        }
        let other_half = (plan.split != Split::Whole).then(|| {
            other.fill(0.0);
            &mut *other
        });
        let mut halves = Sums { one, other: other_half, own };
        let all = if has_bins { self.sums.all.row(0) } else { self.sums.row(row) };
        ring_parts(plan, all, training, &mut self.scratch, &mut halves);
        // No gates are summed.
        if let Some(own) = halves.own {
            halves.one.copy_from_slice(own);
        }
        match (plan.split, plan.detector) {
            (Split::Whole, _) => compare(cells, one, one, scales, &mut emit, |sum, _| sum),
            (_, Detector::So) => compare(cells, one, other, scales, &mut emit, f32::min),
            _ => compare(cells, one, other, scales, &mut emit, f32::max),
        }
    }
}

struct Detect<'a> {
    worker: &'a mut MapCfarWorker,
    plan: &'a MapCfarPlan,
    map: &'a PowerMap,
    found: &'a mut Crossings,
}

impl Kernel for Detect<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let Self { worker, plan, map, found } = self;
        for first_gate in (0..plan.n_gates).step_by(worker.gates) {
            let n_cells = worker.gates.min(plan.n_gates - first_gate);
            match worker.ordered.is_some() {
                true => worker.test_ordered(plan, map, (first_gate, n_cells), found),
                false => worker.test_sums(plan, map, (first_gate, n_cells), found),
            }
        }
    }
}

/// Copies the gates from `margin` before `first_gate` on; what lies outside is `absent`.
#[inline(always)]
fn copy_with_margins(row: &[f32], first_gate: usize, margin: usize, out: &mut [f32], absent: f32) {
    let from = first_gate.saturating_sub(margin).min(row.len());
    let to = (first_gate + out.len() - margin).min(row.len());
    let lead = (margin - (first_gate - from).min(margin)).min(out.len());
    let n = to - from;
    out[..lead].fill(absent);
    out[lead..lead + n].copy_from_slice(&row[from..to]);
    out[lead + n..].fill(absent);
}

/// Adds sums before and after the cells of a row that together are the ring, but for the gate of the cell itself.
#[inline(always)]
fn ring_parts(
    plan: &MapCfarPlan,
    all: &[f32],
    training: Option<&[f32]>,
    scratch: &mut [Rows<f32>; 2],
    sums: &mut Sums<'_>,
) {
    let (window, margin) = (plan.window, plan.window.reach_gates());
    along_gates(all, (window.guard_gates + 1, window.training_gates), margin, scratch, sums);
    if let Some(training) = training {
        along_gates(training, (1, window.guard_gates), margin, scratch, sums);
    }
}

/// Compares the cells of a row with their thresholds.
#[inline(always)]
fn compare(
    cells: &[f32],
    one: &[f32],
    other: &[f32],
    scales: &RowScales,
    emit: &mut Emit<'_>,
    pick: impl Fn(f32, f32) -> f32,
) {
    let level = |gate: usize, one: f32, other: f32, n_gates: usize| {
        let scale = scales.at(gate, n_gates);
        let [a, b] = scale.per_cell;
        // A half without cells leaves the level to the other.
        let raw = match (a > 0.0, b > 0.0) {
            (true, true) => pick(one * a, other * b),
            (true, false) => one * a,
            _ => other * b,
        };
        let level = raw * scale.unbias;
        (level, level * scale.factor)
    };
    let [a, b] = scales.inside.per_cell;
    let (unbias, factor) = (scales.inside.unbias, scales.inside.factor);
    let groups = cells.chunks(GROUP).zip(one.chunks(GROUP).zip(other.chunks(GROUP)));
    for (group, (cells, (one, other))) in groups.enumerate() {
        let start = emit.first_gate + group * GROUP;
        let is_inside =
            scales.is_inside(start, emit.n_gates) && scales.is_inside(start + cells.len() - 1, emit.n_gates);
        // Of a length that the compiler knows: it is to make vectors of it.
        if let (true, Some(cells), Some(one), Some(other)) = (
            is_inside,
            cells.first_chunk::<GROUP>(),
            one.first_chunk::<GROUP>(),
            other.first_chunk::<GROUP>(),
        ) {
            let mut any = 0;
            for i in 0..GROUP {
                any |= u32::from(cells[i] > pick(one[i] * a, other[i] * b) * unbias * factor);
            }
            if any == 0 {
                continue;
            }
        }
        for (i, (&cell, (&one, &other))) in cells.iter().zip(one.iter().zip(other)).enumerate() {
            let (level, threshold) = level(start + i, one, other, emit.n_gates);
            if cell > threshold && level > 0.0 {
                emit.crossing(start + i, cell, level);
            }
        }
    }
}
