//! Threshold factors from the wanted false-alarm probability, for every number of training cells.

use super::correlation::{Correlation, indicator_correlation, indicator_series};
use super::law::{Level, MeanLaw};
use super::os::OrderLaw;
use super::tail::TestCell;
use super::{Detector, ca, go, os, so};

/// The factor T with P(X > T·Z) = Pfa, X the test cell and Z the level, by quadrature over the level.
///
/// The probability falls with T, from 1 to 0 as T runs over the real numbers; T is below 0 only where test cells
/// may be.
pub(super) fn solve(test: &TestCell, level: &Level, false_alarm_probability: f64) -> f64 {
    let excess = |t: f64| {
        let probability: f64 = level.points.iter().map(|&(z, weight)| weight * test.survival(t * z)).sum();
        probability.max(1e-300).ln() - false_alarm_probability.ln()
    };
    let (mut low, mut high) = (0.0, 0.0);
    let (mut at_low, mut at_high) = (excess(0.0), excess(0.0));
    for doubling in 0..500 {
        let step = 2f64.powi(doubling);
        if at_low < 0.0 {
            low = -step;
            at_low = excess(low);
        } else if at_high >= 0.0 {
            (low, at_low) = (high, at_high);
            high = step;
            at_high = excess(high);
        } else {
            break;
        }
    }
    // Regula falsi, Illinois: the side that stays has its value halved.
    for _ in 0..200 {
        let t = (low * at_high - high * at_low) / (at_high - at_low);
        let at_t = excess(t);
        if at_t.abs() < 1e-11 || (high - low).abs() <= 1e-14 * t.abs() {
            return t;
        }
        if at_t > 0.0 {
            (low, at_low) = (t, at_t);
            at_high *= 0.5;
        } else {
            (high, at_high) = (t, at_t);
            at_low *= 0.5;
        }
    }
    0.5 * (low + high)
}

/// Law of training cells, and where they lie.
pub(super) struct Training {
    pub(super) cells: Cells,
    /// Distance of the last cell on the left from the first on the right.
    pub(super) gap: usize,
}

pub(super) enum Cells {
    SquareLaw { n_integrated: usize, correlation: Correlation },
    Magnitude,
}

impl Training {
    fn mean(&self, n_left: usize, n_right: usize) -> MeanLaw {
        match &self.cells {
            Cells::SquareLaw { n_integrated, correlation } => MeanLaw::Gamma {
                shape: *n_integrated as f64 * correlation.effective(n_left, n_right, self.gap),
            },
            Cells::Magnitude => MeanLaw::rayleigh(n_left + n_right),
        }
    }
}

/// What the level is multiplied by, once to be without bias and again to be the threshold.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Scales {
    pub(super) unbias: f64,
    pub(super) factor: f64,
}

impl Scales {
    fn mix(self, other: Self, fraction: f64) -> Self {
        // Factors are straighter in their logarithm, if they have one.
        let mix = |a: f64, b: f64| match a > 0.0 && b > 0.0 {
            true => a * (b / a).powf(fraction),
            false => a + fraction * (b - a),
        };
        Self { unbias: mix(self.unbias, other.unbias), factor: mix(self.factor, other.factor) }
    }
}

/// Scales for every number of training cells: by their total, or by the numbers of both sides.
#[derive(Clone, Debug)]
pub(super) struct Factors {
    axis: Axis,
    by_side: bool,
    scales: Vec<Scales>,
}

impl Factors {
    pub(super) fn plan(
        detector: Detector,
        n_per_side: usize,
        training: &Training,
        test: &TestCell,
        false_alarm_probability: f64,
    ) -> Self {
        let smallest = false_alarm_probability * 1e-8;
        let scales = |level: Level| Scales {
            unbias: 1.0 / level.bias,
            factor: solve(test, &level, false_alarm_probability),
        };
        // A total is split as at the edge of a long row: one side complete before the other begins.
        let split = |n: usize| (n.min(n_per_side), n.saturating_sub(n_per_side));
        let one_law = |n: usize| {
            let (one, other) = split(n);
            scales(ca::law(&training.mean(one, other), smallest))
        };
        match detector {
            Detector::Ca => Self::by_total(Axis::new(2 * n_per_side, 32), one_law),
            Detector::Os { rank } => {
                let plan = OrderStatistics::new(training, rank, 2 * n_per_side, smallest);
                let law = |n: usize| scales(plan.level(n, split(n), training.gap));
                Self::by_total(Axis::new(2 * n_per_side, 2 * n_per_side), law)
            }
            Detector::Go | Detector::So => {
                let axis = Axis::new(n_per_side, 24);
                let means: Vec<Option<MeanLaw>> =
                    axis.nodes.iter().map(|&n| (n > 0).then(|| training.mean(n, 0))).collect();
                let law = if matches!(detector, Detector::Go) { go::law } else { so::law };
                Self::by_side(axis, |i, j| match (&means[i], &means[j]) {
                    (Some(one), Some(other)) => scales(law(one, other, smallest)),
                    (Some(one), None) | (None, Some(one)) => scales(ca::law(one, smallest)),
                    (None, None) => Scales::default(),
                })
            }
        }
    }

    fn by_total(axis: Axis, scales_of: impl Fn(usize) -> Scales) -> Self {
        let scales =
            axis.nodes.iter().map(|&n| if n == 0 { Scales::default() } else { scales_of(n) }).collect();
        Self { axis, by_side: false, scales }
    }

    fn by_side(axis: Axis, scales_of: impl Fn(usize, usize) -> Scales) -> Self {
        let n = axis.nodes.len();
        let mut scales = vec![Scales::default(); n * n];
        for i in 0..n {
            for j in 0..=i {
                scales[i * n + j] = scales_of(i, j);
                scales[j * n + i] = scales[i * n + j];
            }
        }
        Self { axis, by_side: true, scales }
    }

    /// Scales for this many cells on each side, at least one in all.
    pub(super) fn get(&self, n_left: usize, n_right: usize) -> Scales {
        let along = |row: &[Scales], n: usize| {
            let (i, fraction) = self.axis.locate(n);
            if fraction == 0.0 { row[i] } else { row[i].mix(row[i + 1], fraction) }
        };
        if !self.by_side {
            return along(&self.scales, n_left + n_right);
        }
        // The smaller number first, so that both orders round alike.
        let (few, many) = (n_left.min(n_right), n_left.max(n_right));
        let row = |i: usize| along(&self.scales[i * self.axis.nodes.len()..], many);
        let (i, fraction) = self.axis.locate(few);
        if fraction == 0.0 { row(i) } else { row(i).mix(row(i + 1), fraction) }
    }
}

/// Order statistics of all training cells.
struct OrderStatistics {
    law: OrderLaw,
    rank: f64,
    /// Correlation of the indicators whose count the order statistic is, where cells are correlated.
    correlation: Option<Correlation>,
}

impl OrderStatistics {
    fn new(training: &Training, rank: f64, n_cells: usize, smallest: f64) -> Self {
        let cell = match training.cells {
            Cells::SquareLaw { n_integrated, .. } => MeanLaw::Gamma { shape: n_integrated as f64 },
            Cells::Magnitude => MeanLaw::rayleigh(1),
        };
        let law = OrderLaw::new(&cell, smallest);
        let correlation = match &training.cells {
            Cells::SquareLaw { n_integrated, correlation } => {
                let probability = os::order(rank, n_cells) as f64 / (n_cells + 1) as f64;
                let (q, density) = law.quantile(probability);
                let series = indicator_series(*n_integrated, q, density, probability);
                Some(correlation.map(|r| indicator_correlation(&series, r)))
            }
            Cells::Magnitude => None,
        };
        Self { law, rank, correlation }
    }

    /// Beta parameters k and n + 1 − k for independent cells. The order statistic is where the count of cells
    /// below reaches k, so correlated cells are worth the number whose count varies as theirs does, at the same
    /// quantile.
    fn level(&self, n: usize, (n_left, n_right): (usize, usize), gap: usize) -> Level {
        let probability = os::order(self.rank, n) as f64 / (n + 1) as f64;
        let effective = self.correlation.as_ref().map_or(n as f64, |c| c.effective(n_left, n_right, gap));
        self.law.level(probability * (effective + 1.0), (1.0 - probability) * (effective + 1.0))
    }
}

/// Numbers of cells for which factors are solved; between them they are interpolated along 1/n, in which they are
/// nearly straight.
#[derive(Clone, Debug)]
struct Axis {
    nodes: Vec<usize>,
}

impl Axis {
    /// 0 to `dense` one by one, then in steps of a sixth, up to and with `max`.
    fn new(max: usize, dense: usize) -> Self {
        let mut nodes: Vec<usize> = (0..=dense.min(max)).collect();
        while nodes[nodes.len() - 1] < max {
            let last = nodes[nodes.len() - 1];
            nodes.push((last + last / 6).clamp(last + 1, max));
        }
        Self { nodes }
    }

    /// Node at or below `n` and how far on to the next.
    fn locate(&self, n: usize) -> (usize, f64) {
        let i = self.nodes.partition_point(|&node| node <= n) - 1;
        if self.nodes[i] == n {
            return (i, 0.0);
        }
        let inverse = |n: usize| 1.0 / n as f64;
        let (a, b) = (inverse(self.nodes[i]), inverse(self.nodes[i + 1]));
        (i, (inverse(n) - a) / (b - a))
    }
}
