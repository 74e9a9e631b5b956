//! The run: strip by strip of gates, so that what is summed stays in a core's own cache.

use super::order::{ABSENT, LANES, OrderedStrip};
use super::scales::RowScales;
use super::sums::{Columns, add, add_both, along_gates};
use super::{Crossing, Crossings, MapCfarPlan, Split};
use crate::detect::Detector;
use crate::range_doppler::PowerMap;
use std::sync::Arc;

/// Cells of a strip: three arrays of so many `f32`s fit a second-level cache.
const STRIP_CELLS: usize = 1 << 16;
/// Cells that are looked at together for a crossing.
const GROUP: usize = 32;

/// What runs a [`MapCfarPlan`].
#[derive(Debug)]
pub struct MapCfarWorker {
    plan: Arc<MapCfarPlan>,
    /// Gates of a strip.
    gates: usize,
    /// `[n_doppler + 2·reach × width]`, wrapped.
    rows: Vec<f32>,
    /// `[n_doppler × width]`, sums over training bins, and over all bins.
    training: Vec<f32>,
    all: Vec<f32>,
    /// Sums of one row, each of `gates`.
    halves: [Vec<f32>; 2],
    scratch: Vec<f32>,
    ordered: Option<OrderedStrip>,
}

/// Takes the crossings of one row of a strip.
pub(super) struct Emit<'a> {
    pub(super) first_gate: usize,
    pub(super) n_cells: usize,
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
        let margins = 2 * window.reach_gates() + LANES;
        let gates = (STRIP_CELLS / n_rows).clamp(128, 4096).max(4 * margins).min(plan.n_gates);
        let width = gates + margins;
        let is_ordered = matches!(plan.detector, Detector::Os { .. });
        let sums = if is_ordered || window.reach_bins() == 0 { 0 } else { n_doppler * width };
        Self {
            gates,
            rows: vec![0.0; n_rows * width],
            training: vec![0.0; sums],
            all: vec![0.0; sums],
            halves: [vec![0.0; gates], vec![0.0; gates]],
            scratch: vec![0.0; 2 * width],
            ordered: is_ordered.then(|| OrderedStrip::new(window, n_rows * width)),
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
        for first_gate in (0..plan.n_gates).step_by(self.gates) {
            let n_cells = self.gates.min(plan.n_gates - first_gate);
            self.load(&plan, map, first_gate);
            match self.ordered.is_some() {
                true => self.test_ordered(&plan, first_gate, n_cells, found),
                false => self.test_sums(&plan, map, first_gate, n_cells, found),
            }
        }
        found.cells.sort_unstable_by_key(|cell| (cell.bin, cell.gate));
    }

    fn width(&self) -> usize {
        self.gates + 2 * self.plan.window.reach_gates() + LANES
    }

    /// Copies the strip from `first_gate` on with its margins; what is not there adds nothing.
    fn load(&mut self, plan: &MapCfarPlan, map: &PowerMap, first_gate: usize) {
        let (width, margin, reach) = (self.width(), plan.window.reach_gates(), plan.window.reach_bins());
        let is_ordered = self.ordered.is_some();
        let absent = if is_ordered { ABSENT } else { 0.0 };
        let from = first_gate.saturating_sub(margin);
        let to = (first_gate + self.gates + margin).min(plan.n_gates);
        let lead = margin - (first_gate - from);
        for (row, out) in self.rows.chunks_exact_mut(width).enumerate() {
            let bin = (row + plan.n_doppler - reach) % plan.n_doppler;
            if plan.row_scales[bin].is_none() {
                out.fill(absent);
                continue;
            }
            let (before, rest) = out.split_at_mut(lead);
            let (cells, after) = rest.split_at_mut(to - from);
            before.fill(absent);
            after.fill(absent);
            if is_ordered {
                // Negative zero and less is no power; what is not a number counts as greater than all.
                let ordered = |v: f32| if v.is_nan() { f32::INFINITY } else { v.max(0.0) };
                cells.iter_mut().zip(&map.row(bin)[from..to]).for_each(|(c, &v)| *c = ordered(v));
            } else {
                cells.copy_from_slice(&map.row(bin)[from..to]);
            }
        }
        if let Some(ordered) = &mut self.ordered {
            ordered.begin(&self.rows);
        }
    }

    fn test_ordered(&mut self, plan: &MapCfarPlan, first_gate: usize, n_cells: usize, found: &mut Crossings) {
        let (width, window) = (self.width(), plan.window);
        let Some(ordered) = &mut self.ordered else { return };
        for (bin, scales) in plan.row_scales.iter().enumerate() {
            let Some(scales) = scales.map(|i| &plan.scales[i]) else { continue };
            let start = (bin + window.reach_bins()) * width + window.reach_gates();
            let mut emit = Emit { first_gate, n_cells, n_gates: plan.n_gates, bin: bin as u32, found };
            ordered.test_row(&self.rows, (start, width), scales, window, &mut emit);
        }
    }

    fn test_sums(
        &mut self,
        plan: &MapCfarPlan,
        map: &PowerMap,
        first_gate: usize,
        n_cells: usize,
        found: &mut Crossings,
    ) {
        let (width, window, margin) = (self.width(), plan.window, plan.window.reach_gates());
        let has_bins = window.reach_bins() > 0;
        if has_bins {
            let columns = Columns { rows: &mut self.rows, width, window };
            match plan.split {
                Split::Bins => columns.each_side(&mut self.training, &mut self.all),
                _ => columns.both_sides(&mut self.training, &mut self.all),
            }
        }
        for (bin, scales) in plan.row_scales.iter().enumerate() {
            let Some(scales) = scales.map(|i| &plan.scales[i]) else { continue };
            let row = bin * width..(bin + 1) * width - LANES;
            let all = if has_bins { &self.all[row.clone()] } else { &self.rows[row.clone()] };
            let training = has_bins.then(|| &self.training[row]);
            let [one, other] = &mut self.halves;
            match (plan.split, training) {
                (Split::Bins, Some(before)) => {
                    one.copy_from_slice(&before[..self.gates]);
                    other.copy_from_slice(&all[..self.gates]);
                }
                (Split::Whole, _) => {
                    match training {
                        Some(training) => one.copy_from_slice(&training[margin..][..self.gates]),
                        None => one.fill(0.0),
                    }
                    ring_parts(plan, all, training, &mut self.scratch, |a, b| add_both(one, a, b));
                }
                _ => {
                    one.fill(0.0);
                    other.fill(0.0);
                    ring_parts(plan, all, training, &mut self.scratch, |a, b| {
                        add(one, a);
                        add(other, b);
                    });
                }
            }
            let mut emit = Emit { first_gate, n_cells, n_gates: plan.n_gates, bin: bin as u32, found };
            let cells = &map.row(bin)[first_gate..][..n_cells];
            match (plan.split, plan.detector) {
                (Split::Whole, _) => compare(cells, one, one, scales, &mut emit, |sum, _| sum),
                (_, Detector::So) => compare(cells, one, other, scales, &mut emit, f32::min),
                _ => compare(cells, one, other, scales, &mut emit, f32::max),
            }
        }
    }
}

/// Calls `add` with sums before and after the cells of a row that together are the ring, but for the gate of the
/// cell itself.
fn ring_parts(
    plan: &MapCfarPlan,
    all: &[f32],
    training: Option<&[f32]>,
    scratch: &mut [f32],
    mut add: impl FnMut(&[f32], &[f32]),
) {
    let (window, margin) = (plan.window, plan.window.reach_gates());
    along_gates(all, (window.guard_gates + 1, window.training_gates), margin, scratch, &mut add);
    if let Some(training) = training {
        along_gates(training, (1, window.guard_gates), margin, scratch, &mut add);
    }
}

/// Compares the cells of a row with their thresholds.
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
        let any = |any: bool, (cell, (one, other)): (&f32, (&f32, &f32))| {
            any | (*cell > pick(one * a, other * b) * unbias * factor)
        };
        if is_inside && !cells.iter().zip(one.iter().zip(other)).fold(false, any) {
            continue;
        }
        for (i, (&cell, (&one, &other))) in cells.iter().zip(one.iter().zip(other)).enumerate() {
            let (level, threshold) = level(start + i, one, other, emit.n_gates);
            if cell > threshold && level > 0.0 {
                emit.crossing(start + i, cell, level);
            }
        }
    }
}
