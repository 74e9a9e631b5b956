//! From the sums over training cells to thresholds, for every set of training cells that a map leaves.

use super::super::correlation::{indicator_correlation, indicator_series};
use super::super::law::{Level, MeanLaw};
use super::super::os::OrderLaw;
use super::super::tail::TestCell;
use super::super::threshold::solve;
use super::super::{Detector, ca, go, os, so};
use super::region::{Block, MapCorrelation, Region};
use super::{MapStatistics, Split, Window};

/// What makes a level and a threshold of what the training cells of one cell show.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Scale {
    /// One over the number of cells of each half; 0 for none. Both halves are the whole where it is not halved.
    pub(super) per_cell: [f32; 2],
    /// Which of all training cells in rising order, from 1, and their number.
    pub(super) order: usize,
    pub(super) n_cells: usize,
    /// What takes the bias out of the level.
    pub(super) unbias: f32,
    /// Threshold over unbiased level.
    pub(super) factor: f32,
}

impl Scale {
    fn mirrored(self) -> Self {
        Self { per_cell: [self.per_cell[1], self.per_cell[0]], ..self }
    }
}

/// Scales of the rows whose surrounding rows are excluded alike.
#[derive(Clone, Debug)]
pub(super) struct RowScales {
    /// Bin offsets that hold training or guard cells, as far as not excluded.
    pub(super) bins: Vec<i64>,
    /// Far from both edges.
    pub(super) inside: Scale,
    /// Gate 0, 1, … from the near edge.
    near: Vec<Scale>,
    /// Gate 0, 1, … from the far edge.
    far: Vec<Scale>,
}

impl RowScales {
    /// Whether the gate is as far from both edges as a cell reaches.
    pub(super) fn is_inside(&self, gate: usize, n_gates: usize) -> bool {
        gate >= self.near.len() && gate + self.far.len() < n_gates
    }

    /// The scale of a gate of `n_gates`.
    pub(super) fn at(&self, gate: usize, n_gates: usize) -> &Scale {
        let from_end = n_gates - 1 - gate;
        match (self.near.get(gate), self.far.get(from_end)) {
            (Some(scale), _) | (None, Some(scale)) => scale,
            (None, None) => &self.inside,
        }
    }
}

/// Solves for scales.
pub(super) struct Solver<'a> {
    detector: Detector,
    window: Window,
    split: Split,
    statistics: &'a MapStatistics,
    correlation: MapCorrelation,
    test: TestCell,
    false_alarm_probability: f64,
    order: Option<OrderSolver>,
}

struct OrderSolver {
    law: OrderLaw,
    rank: f64,
    series: Vec<f64>,
}

impl<'a> Solver<'a> {
    pub(super) fn new(
        detector: Detector,
        window: Window,
        split: Split,
        n_doppler: usize,
        statistics: &'a MapStatistics,
        false_alarm_probability: f64,
    ) -> Self {
        let n = statistics.n_integrated;
        let smallest = false_alarm_probability * 1e-8;
        let order = match detector {
            Detector::Os { rank } => {
                let law = OrderLaw::new(&MeanLaw::Gamma { shape: n as f64 }, smallest);
                let n_cells = window.n_cells();
                let probability = os::order(rank, n_cells) as f64 / (n_cells + 1) as f64;
                let (q, density) = law.quantile(probability);
                Some(OrderSolver { law, rank, series: indicator_series(n, q, density, probability) })
            }
            _ => None,
        };
        Self {
            detector,
            window,
            split,
            correlation: MapCorrelation::new(
                &statistics.gate_correlation,
                &statistics.bin_correlation,
                n_doppler,
            ),
            statistics,
            test: TestCell::square_law(n, smallest),
            false_alarm_probability,
            order,
        }
    }

    /// Scales of a row of which `bins` are left, for every gate.
    pub(super) fn row(&self, bins: &[i64]) -> RowScales {
        // The mirrored set has the mirrored scales, to the bit.
        let mirrored: Vec<i64> = bins.iter().rev().map(|b| -b).collect();
        let turned = mirrored.as_slice() < bins;
        let solved = if turned { &mirrored } else { bins };
        let in_order = |scale: Scale| match self.split {
            Split::Bins if turned => scale.mirrored(),
            _ => scale,
        };
        let reach = self.window.reach_gates();
        let near: Vec<Scale> = (0..reach).map(|gate| in_order(self.solve(gate as i64, solved))).collect();
        let far = match self.split {
            Split::Gates => near.iter().map(|scale| scale.mirrored()).collect(),
            _ => near.clone(),
        };
        RowScales { bins: bins.to_vec(), inside: in_order(self.solve(reach as i64, solved)), near, far }
    }

    /// The scale of a cell with `n_before` gates before it and enough after it.
    fn solve(&self, n_before: i64, bins: &[i64]) -> Scale {
        let smallest = self.false_alarm_probability * 1e-8;
        let ring = self.ring(n_before, bins);
        let n_cells = ring.n_cells();
        if n_cells == 0 {
            return Scale { factor: f32::INFINITY, ..Scale::default() };
        }
        let (level, per_cell) = match self.split {
            Split::Whole => match &self.order {
                Some(order) => (self.order_level(order, &ring), [1.0; 2]),
                None => (ca::law(&self.mean(&ring), smallest), [1.0 / n_cells as f32; 2]),
            },
            _ => {
                let halves = self.halves(&ring);
                let n = halves.each_ref().map(Region::n_cells);
                let law = if matches!(self.detector, Detector::So) { so::law } else { go::law };
                let level = match n {
                    [0, _] => ca::law(&self.mean(&halves[1]), smallest),
                    [_, 0] => ca::law(&self.mean(&halves[0]), smallest),
                    _ => law(&self.mean(&halves[0]), &self.mean(&halves[1]), smallest),
                };
                (level, n.map(|n| if n == 0 { 0.0 } else { 1.0 / n as f32 }))
            }
        };
        Scale {
            per_cell,
            order: self.order.as_ref().map_or(0, |o| os::order(o.rank, n_cells)),
            n_cells,
            unbias: (1.0 / level.bias) as f32,
            factor: solve(&self.test, &level, self.false_alarm_probability) as f32,
        }
    }

    fn ring(&self, n_before: i64, bins: &[i64]) -> Region {
        let Window { guard_gates, guard_bins, .. } = self.window;
        let (reach, guard) = (self.window.reach_gates() as i64, guard_gates as i64);
        let guard_rows = bins.iter().copied().filter(|b| b.unsigned_abs() as usize <= guard_bins).collect();
        Region {
            outer: Block { gates: -reach.min(n_before)..reach + 1, bins: bins.to_vec() },
            inner: Block { gates: -guard.min(n_before)..guard + 1, bins: guard_rows },
        }
    }

    /// The cells before and after the one under test along the axis that is halved; those beside it are in
    /// neither half.
    fn halves(&self, ring: &Region) -> [Region; 2] {
        [true, false].map(|before| {
            let half = |block: &Block| match self.split {
                Split::Bins => {
                    let ours = |b: &i64| if before { *b < 0 } else { *b > 0 };
                    Block { bins: block.bins.iter().copied().filter(ours).collect(), ..block.clone() }
                }
                _ if before => Block { gates: block.gates.start..0, ..block.clone() },
                _ => Block { gates: 1..block.gates.end, ..block.clone() },
            };
            Region { outer: half(&ring.outer), inner: half(&ring.inner) }
        })
    }

    /// Law of the mean of a region: gamma, with the effective number of cells as its shape.
    fn mean(&self, region: &Region) -> MeanLaw {
        let effective = region.effective(&self.correlation, |r| r);
        MeanLaw::Gamma { shape: self.statistics.n_integrated as f64 * effective }
    }

    /// Law of the ordered statistic, as `threshold::OrderStatistics` has it for a row.
    fn order_level(&self, order: &OrderSolver, region: &Region) -> Level {
        let n = region.n_cells();
        let effective = region.effective(&self.correlation, |r| indicator_correlation(&order.series, r));
        let probability = os::order(order.rank, n) as f64 / (n + 1) as f64;
        order.law.level(probability * (effective + 1.0), (1.0 - probability) * (effective + 1.0))
    }
}
