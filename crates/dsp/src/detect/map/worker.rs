//! The run: strip by strip of gates, so that what is summed stays in a core's own cache.

use super::order::{ABSENT, OrderedStrip};
use super::scales::RowScales;
use super::sums::{COLUMNS, ColumnSums, Sums, along_gates};
use super::{Crossing, Crossings, MapCfarPlan, Split};
use crate::detect::Detector;
use crate::range_doppler::PowerMap;
use crate::simd::{self, Kernel};
use std::sync::Arc;

/// Cells of a strip: a few arrays of so many `f32`s fit a second-level cache.
const STRIP_CELLS: usize = 1 << 16;
/// Cells that are looked at together for a crossing.
pub(super) const GROUP: usize = 32;

/// What runs a [`MapCfarPlan`].
#[derive(Debug)]
pub struct MapCfarWorker {
    plan: Arc<MapCfarPlan>,
    /// Gates of a strip, without its margins.
    gates: usize,
    /// Gates of a strip, with margins as wide as the reach, whole `COLUMNS`.
    width: usize,
    /// Sums over training bins, and over all bins, `[n_doppler × width]`.
    training: Vec<f32>,
    all: Vec<f32>,
    columns: ColumnSums,
    /// Sums of one row, each of `gates`.
    halves: [Vec<f32>; 2],
    scratch: Vec<f32>,
    /// The strip itself, where it is needed: all bins, wrapped, for ordered statistics, one bin for sums over range.
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
        let gates = (STRIP_CELLS / n_rows).clamp(128, 4096).max(8 * margins).min(plan.n_gates);
        let width = (gates + margins).next_multiple_of(COLUMNS);
        let gates = width - margins;
        let is_ordered = matches!(plan.detector, Detector::Os { .. });
        let has_columns = !is_ordered && window.reach_bins() > 0;
        let sums = if has_columns { n_doppler * width } else { 0 };
        Self {
            gates,
            width,
            training: vec![0.0; sums],
            all: vec![0.0; sums],
            columns: ColumnSums::new(window, if has_columns { n_doppler } else { 0 }),
            halves: [vec![0.0; gates], vec![0.0; gates]],
            scratch: vec![0.0; 2 * width],
            cells: vec![0.0; if is_ordered { n_rows * width } else { width }],
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
        (first_gate, n_cells): (usize, usize),
        found: &mut Crossings,
    ) {
        let (window, margin, width) = (plan.window, plan.window.reach_gates(), self.width);
        let has_bins = window.reach_bins() > 0;
        if has_bins {
            self.sum_columns(plan, map, first_gate);
        }
        for (bin, scales) in plan.row_scales.iter().enumerate() {
            let Some(scales) = scales.map(|i| &plan.scales[i]) else { continue };
            let row = bin * width..(bin + 1) * width;
            if !has_bins {
                copy_with_margins(map.row(bin), first_gate, margin, &mut self.cells, 0.0);
            }
            let all = if has_bins { &self.all[row.clone()] } else { &self.cells };
            let training = has_bins.then(|| &self.training[row]);
            let [one, other] = &mut self.halves;
            match (plan.split, training) {
                (Split::Bins, Some(before)) => {
                    one.copy_from_slice(before);
                    other.copy_from_slice(all);
                }
                (Split::Whole, _) => {
                    match training {
                        Some(training) => one.copy_from_slice(&training[margin..][..self.gates]),
                        None => one.fill(0.0),
                    }
                    ring_parts(plan, all, training, &mut self.scratch, &mut Sums { one, other: None });
                }
                _ => {
                    one.fill(0.0);
                    other.fill(0.0);
                    let mut sums = Sums { one, other: Some(other) };
                    ring_parts(plan, all, training, &mut self.scratch, &mut sums);
                }
            }
            let mut emit = Emit { first_gate, n_gates: plan.n_gates, bin: bin as u32, found };
            let cells = &map.row(bin)[first_gate..][..n_cells];
            // Columns are read one cache line of each bin at a time, so that nobody else would fetch them in time.
            let next = bin * map.stride() + first_gate + self.gates + margin;
            for line in (0..self.gates).step_by(COLUMNS) {
                simd::prefetch(map.data(), next + line);
            }
            match (plan.split, plan.detector) {
                (Split::Whole, _) => compare(cells, one, one, scales, &mut emit, |sum, _| sum),
                (_, Detector::So) => compare(cells, one, other, scales, &mut emit, f32::min),
                _ => compare(cells, one, other, scales, &mut emit, f32::max),
            }
        }
    }

    #[inline(always)]
    fn sum_columns(&mut self, plan: &MapCfarPlan, map: &PowerMap, first_gate: usize) {
        let margin = plan.window.reach_gates() as isize;
        for column in (0..self.width).step_by(COLUMNS) {
            self.columns.sum(plan, map, first_gate as isize - margin + column as isize);
            for (sums, out) in self.columns.sums().into_iter().zip([&mut self.training, &mut self.all]) {
                for (sums, row) in sums.iter().zip(out.chunks_exact_mut(self.width)) {
                    row.as_chunks_mut().0[column / COLUMNS] = *sums;
                }
            }
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
    scratch: &mut [f32],
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
