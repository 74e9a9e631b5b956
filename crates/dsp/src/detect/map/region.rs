//! Sets of training cells, and how many independent cells they are worth.

use std::ops::Range;

/// Gates × bins, relative to the cell under test. Bins need not be neighbours: excluded ones are missing.
#[derive(Clone, Debug)]
pub(super) struct Block {
    pub(super) gates: Range<i64>,
    pub(super) bins: Vec<i64>,
}

impl Block {
    fn n_cells(&self) -> usize {
        (self.gates.end - self.gates.start).max(0) as usize * self.bins.len()
    }

    /// Pairs of a gate here and the gate `shift` further on there.
    fn gate_pairs(&self, there: &Self, shift: i64) -> f64 {
        let start = self.gates.start.max(there.gates.start - shift);
        (self.gates.end.min(there.gates.end - shift) - start).max(0) as f64
    }

    /// Pairs of a bin here and one there that are `distance` apart on a circle of `n_doppler`.
    fn bin_pairs(&self, there: &Self, distance: i64, n_doppler: i64) -> f64 {
        let apart = |a: i64, b: i64| {
            let d = (a - b).rem_euclid(n_doppler);
            d.min(n_doppler - d)
        };
        let of = |&a: &i64| there.bins.iter().filter(|&&b| apart(a, b) == distance).count();
        self.bins.iter().map(of).sum::<usize>() as f64
    }
}

/// The cells of one block without those of another that lies in it.
#[derive(Clone, Debug)]
pub(super) struct Region {
    pub(super) outer: Block,
    pub(super) inner: Block,
}

/// Correlation of neighbouring cells, the product of those along both axes.
#[derive(Clone, Debug)]
pub(super) struct MapCorrelation {
    /// |ρ[d]|² at d = 0, 1, … gates.
    pub(super) gates: Vec<f64>,
    /// |ρ[d]|² at d = 0, 1, … bins.
    pub(super) bins: Vec<f64>,
    pub(super) n_doppler: usize,
}

impl MapCorrelation {
    pub(super) fn new(gates: &[f32], bins: &[f32], n_doppler: usize) -> Self {
        let power = |magnitude: &[f32]| {
            std::iter::once(1.0).chain(magnitude.iter().map(|&rho| f64::from(rho).powi(2))).collect()
        };
        let bins: Vec<f64> = power(bins);
        let bins = bins[..bins.len().min(n_doppler / 2 + 1)].to_vec();
        Self { gates: power(gates), bins, n_doppler }
    }

    pub(super) fn is_white(&self) -> bool {
        self.gates.len() == 1 && self.bins.len() == 1
    }
}

impl Region {
    pub(super) fn n_cells(&self) -> usize {
        self.outer.n_cells() - self.inner.n_cells()
    }

    /// Effective number `M²/Σ_ij r_ij`: the mean of so many independent cells has the variance of the mean of
    /// these. `r` is what becomes of the power correlation, 1 where that is 1.
    pub(super) fn effective(&self, correlation: &MapCorrelation, r: impl Fn(f64) -> f64) -> f64 {
        let n = self.n_cells() as f64;
        if correlation.is_white() {
            return n;
        }
        let (outer, inner) = (&self.outer, &self.inner);
        let parts = [(1.0, outer, outer), (-2.0, outer, inner), (1.0, inner, inner)];
        let mut sum = 0.0;
        for (bin_distance, of_bins) in correlation.bins.iter().enumerate() {
            let bin_pairs =
                parts.map(|(_, a, b)| a.bin_pairs(b, bin_distance as i64, correlation.n_doppler as i64));
            for (gate_distance, of_gates) in correlation.gates.iter().enumerate() {
                let pairs: f64 = (parts.iter().zip(bin_pairs))
                    .map(|((sign, a, b), bins)| {
                        let shift = gate_distance as i64;
                        let there = a.gate_pairs(b, shift);
                        let back = if shift == 0 { 0.0 } else { a.gate_pairs(b, -shift) };
                        sign * bins * (there + back)
                    })
                    .sum();
                let is_self = gate_distance == 0 && bin_distance == 0;
                sum += pairs * if is_self { 1.0 } else { r(of_gates * of_bins) };
            }
        }
        n * n / sum
    }
}
