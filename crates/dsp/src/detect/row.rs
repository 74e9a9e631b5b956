//! Levels, thresholds and crossings along a row of cells.

use super::box_sum::{self, CELLS_AT_ONCE};
use super::{CfarPlan, Detector, Window, ca, go, os, so};
use crate::simd::{self, Kernel};
use std::ops::Range;

/// Scratch for this many cells, in `f32`s.
pub(super) fn scratch_len(detector: Detector, window: Window, n_cells: usize) -> usize {
    match detector {
        Detector::Os { .. } => os::scratch_len(window) + n_cells.min(CELLS_AT_ONCE),
        _ => box_sum::scratch_len(window, n_cells),
    }
}

/// What takes the bias out of a level, the threshold over that, and the least level that means anything.
#[derive(Clone, Copy)]
struct Scaling {
    unbias: f32,
    factor: f32,
    least: f32,
}

impl Scaling {
    /// Level and threshold. A level of zero says nothing about noise: no threshold follows from it.
    #[inline(always)]
    fn of(self, level: f32) -> (f32, f32) {
        let level = level * self.unbias;
        // Not `max`, which would make a number of what is none.
        let level = if level < self.least { self.least } else { level };
        (level, if level > 0.0 { level * self.factor } else { f32::INFINITY })
    }
}

impl CfarPlan {
    /// Hands over those of `cells` that are detections, in rising order: cell, level, threshold. `test` are the cells
    /// under test, one for each of `cells`; the rest is as in [`Self::thresholds`].
    ///
    /// A level below `least` is raised to it.
    ///
    /// # Panics
    /// If `cells` leaves `noise`, `test` is not as long as `cells`, or `scratch` is too short.
    pub fn crossings(
        &self,
        noise: &[f32],
        cells: Range<usize>,
        test: &[f32],
        least: f32,
        scratch: &mut [f32],
        found: &mut dyn FnMut(usize, f32, f32),
    ) {
        let window = self.window;
        self.check_row(window, noise, &cells, test.len(), scratch);
        let inside = inside(window, noise, &cells);
        let at_edge = |i: usize, scratch: &mut [f32], found: &mut dyn FnMut(usize, f32, f32)| {
            let (level, scaling) = self.at_edge(window, noise, i, scratch);
            let (level, threshold) = Scaling { least, ..scaling }.of(level);
            if test[i - cells.start] > threshold {
                found(i, level, threshold);
            }
        };
        (cells.start..inside.start).for_each(|i| at_edge(i, scratch, found));
        let scaling = Scaling { least, ..self.scaling_inside(window) };
        for start in inside.clone().step_by(CELLS_AT_ONCE) {
            let some = start..inside.end.min(start + CELLS_AT_ONCE);
            let test = &test[some.start - cells.start..some.end - cells.start];
            simd::run(Cross { plan: self, window, scaling, noise, cells: some, test, scratch, found });
        }
        (inside.end..cells.end).for_each(|i| at_edge(i, scratch, found));
    }

    pub(super) fn run(
        &self,
        window: Window,
        noise: &[f32],
        cells: Range<usize>,
        level: &mut [f32],
        threshold: &mut [f32],
        scratch: &mut [f32],
    ) {
        self.check_row(window, noise, &cells, level.len(), scratch);
        assert!(threshold.len() == level.len(), "{} thresholds for {} cells", threshold.len(), level.len());
        let inside = inside(window, noise, &cells);
        for i in (cells.start..inside.start).chain(inside.end..cells.end) {
            let (value, scaling) = self.at_edge(window, noise, i, scratch);
            (level[i - cells.start], threshold[i - cells.start]) = scaling.of(value);
        }
        let scaling = self.scaling_inside(window);
        for start in inside.clone().step_by(CELLS_AT_ONCE) {
            let some = start..inside.end.min(start + CELLS_AT_ONCE);
            let out = some.start - cells.start..some.end - cells.start;
            let (level, threshold) = (&mut level[out.clone()], &mut threshold[out]);
            simd::run(Levels { plan: self, window, scaling, noise, cells: some, level, threshold, scratch });
        }
    }

    fn check_row(&self, window: Window, noise: &[f32], cells: &Range<usize>, n: usize, scratch: &[f32]) {
        let needed = scratch_len(self.detector, window, cells.len());
        assert!(cells.end <= noise.len(), "cells end at {}, the row at {}", cells.end, noise.len());
        assert!(n == cells.len(), "room for {n} of {} cells", cells.len());
        assert!(scratch.len() >= needed, "scratch of {}, needs {needed}", scratch.len());
    }

    /// Of a cell whose reach lies within the row.
    fn scaling_inside(&self, window: Window) -> Scaling {
        let (unbias, factor) = self.scales(window.training, window.training);
        Scaling { unbias, factor, least: 0.0 }
    }

    /// What the level of a cell whose reach leaves the row is made of.
    fn at_edge(&self, window: Window, noise: &[f32], i: usize, scratch: &mut [f32]) -> (f32, Scaling) {
        let left = &noise[i.saturating_sub(window.reach_left())..i.saturating_sub(window.guard)];
        let right_end = (i + window.reach_right() + 1).min(noise.len());
        let right = &noise[(i + window.span + window.guard + 1).min(noise.len())..right_end];
        let (n_left, n_right) = (left.len(), right.len());
        let n = n_left + n_right;
        // From the cell outwards on both sides, so that a mirrored row has the mirrored result.
        let sum_left = left.iter().rev().map(|&v| f64::from(v)).sum::<f64>() as f32;
        let sum_right = right.iter().map(|&v| f64::from(v)).sum::<f64>() as f32;
        let level = match self.detector {
            _ if n == 0 => 0.0,
            Detector::Os { rank } => {
                scratch[..n_left].copy_from_slice(left);
                scratch[n_left..n].copy_from_slice(right);
                os::select(&mut scratch[..n], os::order(rank, n))
            }
            Detector::Go if n_left > 0 && n_right > 0 => go::level(sum_left, sum_right, n_left, n_right),
            Detector::So if n_left > 0 && n_right > 0 => so::level(sum_left, sum_right, n_left, n_right),
            _ => ca::level(sum_left, sum_right, n_left, n_right),
        };
        let (unbias, factor) = self.scales(n_left, n_right);
        (level, Scaling { unbias, factor, least: 0.0 })
    }

    /// What the levels of some cells, all of whose reach lies within the row, are combined from.
    #[inline(always)]
    fn sides<'a>(
        &self,
        window: Window,
        noise: &'a [f32],
        cells: Range<usize>,
        scratch: &'a mut [f32],
    ) -> (&'a [f32], &'a [f32]) {
        let Detector::Os { rank } = self.detector else {
            return box_sum::side_sums(window, noise, cells, scratch);
        };
        let (level, scratch) = scratch.split_at_mut(cells.len());
        os::levels(window, rank, noise, cells, level, scratch);
        (level, level)
    }
}

/// Those of `cells` whose reach lies within the row.
fn inside(window: Window, noise: &[f32], cells: &Range<usize>) -> Range<usize> {
    let start = cells.start.max(window.reach_left()).min(cells.end);
    start..cells.end.min(noise.len().saturating_sub(window.reach_right())).max(start)
}

/// Runs `$run` with how the detector makes a level of both sides. No function takes it as an argument, which the
/// compiler might call.
macro_rules! with_level {
    ($detector:expr, $n:expr, $level:ident => $run:expr) => {{
        let n = $n;
        match $detector {
            Detector::Ca => {
                let $level = |left: f32, right: f32| ca::level(left, right, n, n);
                $run
            }
            Detector::Go => {
                let $level = |left: f32, right: f32| go::level(left, right, n, n);
                $run
            }
            Detector::So => {
                let $level = |left: f32, right: f32| so::level(left, right, n, n);
                $run
            }
            Detector::Os { .. } => {
                let $level = |left: f32, _: f32| left;
                $run
            }
        }
    }};
}

/// Levels and thresholds of cells whose reach lies within the row.
struct Levels<'a> {
    plan: &'a CfarPlan,
    window: Window,
    scaling: Scaling,
    noise: &'a [f32],
    cells: Range<usize>,
    level: &'a mut [f32],
    threshold: &'a mut [f32],
    scratch: &'a mut [f32],
}

impl Kernel for Levels<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let Self { plan, window, scaling, noise, cells, level, threshold, scratch } = self;
        let (left, right) = plan.sides(window, noise, cells, scratch);
        let cells = level.iter_mut().zip(threshold).zip(left.iter().zip(right));
        with_level!(plan.detector, window.training, level_of => {
            for ((level, threshold), (left, right)) in cells {
                (*level, *threshold) = scaling.of(level_of(*left, *right));
            }
        });
    }
}

/// Crossings of cells whose reach lies within the row.
struct Cross<'a> {
    plan: &'a CfarPlan,
    window: Window,
    scaling: Scaling,
    noise: &'a [f32],
    cells: Range<usize>,
    test: &'a [f32],
    scratch: &'a mut [f32],
    found: &'a mut dyn FnMut(usize, f32, f32),
}

/// Cells that are passed over together where none is a crossing: crossings are rare.
const GROUP: usize = 64;

impl Kernel for Cross<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let Self { plan, window, scaling, noise, cells, test, scratch, found } = self;
        let first = cells.start;
        let (left, right) = plan.sides(window, noise, cells, scratch);
        with_level!(plan.detector, window.training, level_of => {
            let groups = test.chunks(GROUP).zip(left.chunks(GROUP)).zip(right.chunks(GROUP));
            for (group, ((test, left), right)) in groups.enumerate() {
                let mut any = false;
                for (test, (left, right)) in test.iter().zip(left.iter().zip(right)) {
                    any |= *test > scaling.of(level_of(*left, *right)).1;
                }
                if !any {
                    continue;
                }
                for (k, (test, (left, right))) in test.iter().zip(left.iter().zip(right)).enumerate() {
                    let (level, threshold) = scaling.of(level_of(*left, *right));
                    if *test > threshold {
                        found(first + group * GROUP + k, level, threshold);
                    }
                }
            }
        });
    }
}
