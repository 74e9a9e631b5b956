//! Law of the noise level: what the mean of training cells, or a function of two such means, is distributed like.
//!
//! A level spreads over many orders of magnitude when few cells are left, so everything here is a function of
//! its logarithm, on which densities are smooth and the trapezoidal rule converges faster than any power.

use super::tail::{Table, gauss_legendre};
use std::f64::consts::FRAC_PI_4;

/// Points `ln z`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Grid {
    start: f64,
    step: f64,
    len: usize,
}

impl Grid {
    pub(super) fn new(start: f64, end: f64, step: f64) -> Self {
        Self { start, step, len: ((end - start) / step).ceil().max(1.0) as usize + 1 }
    }

    /// The same interval with `len` points, or as many as it has if those are more.
    pub(super) fn refined(self, len: usize) -> Self {
        let (length, len) = ((self.len - 1) as f64 * self.step, len.max(self.len));
        Self { start: self.start, step: length / (len - 1) as f64, len }
    }

    pub(super) fn ln_z(&self, i: usize) -> f64 {
        self.start + i as f64 * self.step
    }
}

/// A law sampled on a grid: density of ln z, P(Z ≤ z) and P(Z > z), each with its own relative accuracy.
pub(super) struct Sampled {
    pub(super) density: Vec<f64>,
    pub(super) below: Vec<f64>,
    pub(super) above: Vec<f64>,
}

impl Sampled {
    /// From a density of ln z, up to a constant.
    fn from_density(grid: Grid, density: impl Fn(f64) -> f64) -> Self {
        let mut density_at: Vec<f64> = (0..grid.len).map(|i| density(grid.ln_z(i))).collect();
        let parts: Vec<f64> =
            (1..grid.len).map(|i| gauss_legendre(grid.ln_z(i - 1), grid.step, &density)).collect();
        let (mut below, mut above) = (vec![0.0; grid.len], vec![0.0; grid.len]);
        for i in 1..grid.len {
            below[i] = below[i - 1] + parts[i - 1];
        }
        for i in (1..grid.len).rev() {
            above[i - 1] = above[i] + parts[i - 1];
        }
        let total = above[0];
        density_at.iter_mut().chain(&mut below).chain(&mut above).for_each(|v| *v /= total);
        Self { density: density_at, below, above }
    }
}

/// Law of the mean of some training cells, itself of mean 1.
#[derive(Clone, Debug)]
pub(super) enum MeanLaw {
    /// Gamma: squared magnitudes. The shape is the number of independent squared magnitudes in the mean.
    Gamma { shape: f64 },
    /// One magnitude.
    Rayleigh,
    /// Mean of several magnitudes.
    RayleighMean { n_cells: usize, table: Table },
}

impl MeanLaw {
    /// Mean of `n_cells` independent magnitudes.
    pub(super) fn rayleigh(n_cells: usize) -> Self {
        if n_cells == 1 {
            return Self::Rayleigh;
        }
        let table = Table::rayleigh_sum(&[(1.0 / n_cells as f64, n_cells)], 4096);
        Self::RayleighMean { n_cells, table }
    }

    /// Shape of a gamma law that reaches at least as far into both tails.
    fn shape(&self) -> f64 {
        match *self {
            Self::Gamma { shape } => shape,
            Self::Rayleigh => 2.0,
            Self::RayleighMean { n_cells, .. } => 2.0 * n_cells as f64,
        }
    }

    /// Where less than `smallest` probability is left below and above, as ln z, and a step that resolves the law.
    fn extent(&self, smallest: f64) -> (f64, f64, f64) {
        let shape = self.shape();
        let depth = -smallest.ln() / shape;
        // The density's exponent over the shape is −(e^y − 1 − y): equal to the depth at both ends.
        let solve = |mut inside: f64, mut outside: f64| {
            for _ in 0..60 {
                let middle = 0.5 * (inside + outside);
                let deep = middle.exp_m1() - middle > depth;
                *(if deep { &mut outside } else { &mut inside }) = middle;
            }
            outside
        };
        let step = (0.25 / shape.sqrt()).min(0.15);
        (solve(0.0, -1.0 - depth), solve(0.0, (2.0 * depth).sqrt()), step)
    }

    pub(super) fn grid(&self, smallest: f64) -> Grid {
        let (start, end, step) = self.extent(smallest);
        Grid::new(start, end, step)
    }

    /// A grid for functions of two.
    pub(super) fn shared_grid(&self, other: &Self, smallest: f64) -> Grid {
        let (a, b) = (self.extent(smallest), other.extent(smallest));
        Grid::new(a.0.min(b.0), a.1.max(b.1), a.2.min(b.2))
    }

    pub(super) fn sample(&self, grid: Grid) -> Sampled {
        match self {
            &Self::Gamma { shape } => Sampled::from_density(grid, |y| (-shape * (y.exp_m1() - y)).exp()),
            Self::Rayleigh => {
                let exponents: Vec<f64> =
                    (0..grid.len).map(|i| FRAC_PI_4 * (2.0 * grid.ln_z(i)).exp()).collect();
                Sampled {
                    density: exponents.iter().map(|e| 2.0 * e * (-e).exp()).collect(),
                    below: exponents.iter().map(|e| -(-e).exp_m1()).collect(),
                    above: exponents.iter().map(|e| (-e).exp()).collect(),
                }
            }
            Self::RayleighMean { table, .. } => {
                let z: Vec<f64> = (0..grid.len).map(|i| grid.ln_z(i).exp()).collect();
                let above: Vec<f64> = z.iter().map(|&z| table.survival(z)).collect();
                Sampled {
                    density: z.iter().map(|&z| z * table.density(z)).collect(),
                    below: above.iter().map(|a| 1.0 - a).collect(),
                    above,
                }
            }
        }
    }
}

/// Law of a level as points with weights, of mean 1 and sum 1.
#[derive(Clone, Debug)]
pub(super) struct Level {
    pub(super) points: Vec<(f64, f64)>,
    /// Mean before it was made 1, in units of the mean training cell: the bias of the statistic.
    pub(super) bias: f64,
}

impl Level {
    /// From a density of ln z at each point of the grid, up to a constant.
    pub(super) fn new(grid: Grid, density: impl Iterator<Item = f64>) -> Self {
        let mut points: Vec<(f64, f64)> =
            density.enumerate().filter(|(_, d)| *d > 0.0).map(|(i, d)| (grid.ln_z(i).exp(), d)).collect();
        let total: f64 = points.iter().map(|p| p.1).sum();
        let bias = points.iter().map(|p| p.0 * p.1).sum::<f64>() / total;
        for (z, weight) in &mut points {
            *z /= bias;
            *weight /= total;
        }
        Self { points, bias }
    }
}
