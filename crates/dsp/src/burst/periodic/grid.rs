//! One code period: as samples, as grid points of the forward transform, as delay cells of the inverse.

use rangegate_core::Complex32;
use rustfft::{Fft, FftPlanner};
use std::f64::consts::{PI, TAU};
use std::sync::Arc;

/// Grid points a sample where a period is no whole number of samples.
const GRID_PER_SAMPLE: f64 = 4.0;
/// The same for replicas, which are transformed once and have a single period to show.
const REPLICA_GRID_PER_SAMPLE: f64 = 16.0;
/// Phasors of a ramp that are computed one by one; the others follow by one product.
const RAMP_BLOCK: usize = 64;

/// The way from samples to harmonics `q / period` of the code and from there to delay cells.
///
/// A sample `n` of period `c` has the code phase `(n − c·N)/N`, with `N` samples a period, whole or not. The
/// forward transform of the samples at their phases holds the Fourier coefficients of the code's harmonics.
/// Where `N` is whole, phases are the points of a grid. Else each sample is shared out to the two nearest points
/// of a grid with four a sample (linear interpolation, transposed): harmonics then come out times
/// sinc²(q/grid), which the filters make good, and 2 % or less of one leaks elsewhere.
///
/// The inverse transform has a length of its own, the next product of 2 and 3, which is fastest: harmonics
/// between are zero.
pub(super) struct CodeGrid {
    /// Samples a period.
    period_samples: f64,
    /// Whether a period is a whole number of samples.
    whole: bool,
    /// Points of the forward transform.
    n_points: usize,
    /// Cells of the inverse transform.
    n_cells: usize,
    forward: Arc<dyn Fft<f32>>,
    inverse: Arc<dyn Fft<f32>>,
}

impl CodeGrid {
    /// Plans both transforms.
    pub(super) fn new(period_samples: f64) -> Self {
        let nearest = period_samples.round();
        let whole = (period_samples - nearest).abs() <= 1e-9 * period_samples;
        let period_samples = if whole { nearest } else { period_samples };
        let n_points = if whole { nearest as usize } else { smooth(period_samples * GRID_PER_SAMPLE) };
        let n_cells = smooth(period_samples);
        let mut planner = FftPlanner::new();
        Self {
            period_samples,
            whole,
            n_points,
            n_cells,
            forward: planner.plan_fft_forward(n_points),
            inverse: planner.plan_fft_inverse(n_cells),
        }
    }

    pub(super) fn period_samples(&self) -> f64 {
        self.period_samples
    }

    pub(super) fn n_points(&self) -> usize {
        self.n_points
    }

    pub(super) fn n_cells(&self) -> usize {
        self.n_cells
    }

    pub(super) fn forward(&self) -> &dyn Fft<f32> {
        &*self.forward
    }

    pub(super) fn inverse(&self) -> &dyn Fft<f32> {
        &*self.inverse
    }

    /// Complex numbers of scratch that either transform needs: forward in place, inverse out of place.
    pub(super) fn n_scratch(&self) -> usize {
        self.forward.get_inplace_scratch_len().max(self.inverse.get_outofplace_scratch_len())
    }

    /// First sample at or after the start of period `c`, counted from the start of period 0.
    pub(super) fn first_sample(&self, c: usize) -> usize {
        (c as f64 * self.period_samples).ceil() as usize
    }

    /// Most samples that a period has.
    pub(super) fn max_period_len(&self) -> usize {
        self.period_samples.ceil() as usize
    }

    /// Adds the samples of period `c`, each times its factor of `wipe` and all times `rotation`, to the grid.
    pub(super) fn fold(
        &self,
        c: usize,
        samples: &[Complex32],
        wipe: &[Complex32],
        rotation: Complex32,
        grid: &mut [Complex32],
    ) {
        let wiped = samples.iter().zip(wipe).map(|(&x, &w)| x * w * rotation);
        if self.whole {
            grid.iter_mut().zip(wiped).for_each(|(point, x)| *point += x);
            return;
        }
        let start = self.first_sample(c) as f64 - c as f64 * self.period_samples;
        share_out(wiped, start, self.period_samples, grid);
    }

    /// What harmonic `i`, in the order of the inverse transform, is to be multiplied with after the forward
    /// transform.
    pub(super) fn gain(&self, i: usize) -> f32 {
        let q = if i <= self.n_cells / 2 { i } else { self.n_cells - i };
        let x = PI * q as f64 / self.n_points as f64;
        if self.whole || q == 0 { 1.0 } else { (x / x.sin()).powi(2) as f32 }
    }

    /// Number of harmonics at and above zero that are used, and of those below.
    fn n_harmonics(&self) -> (usize, usize) {
        if self.n_cells == self.n_points {
            return (self.n_cells.div_ceil(2), self.n_cells / 2);
        }
        let n_positive = (self.period_samples / 2.0).ceil() as usize;
        (n_positive, n_positive - 1)
    }

    /// Takes from the spectrum of a grid the harmonics as a shift by `shift` of them leaves them, each times
    /// `exp(j·ramp·q)`, in the order of the inverse transform. Cells of no harmonic keep what they hold.
    pub(super) fn take_harmonics(
        &self,
        spectrum: &[Complex32],
        shift: i64,
        ramp: f64,
        out: &mut [Complex32],
    ) {
        let mut phasors = [Complex32::ZERO; RAMP_BLOCK];
        phasors.iter_mut().enumerate().for_each(|(i, p)| *p = cis(ramp * i as f64));
        let (n_positive, n_negative) = self.n_harmonics();
        let (positive, rest) = out.split_at_mut(n_positive);
        let n_gap = rest.len() - n_negative;
        for (part, first) in [(positive, 0), (&mut rest[n_gap..], -(n_negative as i64))] {
            let mut at = (first + shift).rem_euclid(spectrum.len() as i64) as usize;
            for (block, values) in part.chunks_mut(RAMP_BLOCK).enumerate() {
                let base = cis(ramp * (first as f64 + (block * RAMP_BLOCK) as f64));
                for (value, phasor) in values.iter_mut().zip(&phasors) {
                    *value = spectrum[at] * (base * phasor);
                    at = if at + 1 == spectrum.len() { 0 } else { at + 1 };
                }
            }
        }
    }

    /// Fourier coefficients of one period of a replica, in the order of the inverse transform.
    pub(super) fn replica_harmonics(&self, samples: &[Complex32]) -> Vec<Complex32> {
        let n_points =
            if self.whole { self.n_points } else { smooth(self.period_samples * REPLICA_GRID_PER_SAMPLE) };
        let mut grid = vec![Complex32::ZERO; n_points];
        let period = samples.iter().take(self.max_period_len()).copied();
        share_out(period, 0.0, self.period_samples, &mut grid);
        FftPlanner::new().plan_fft_forward(n_points).process(&mut grid);
        let mut harmonics = vec![Complex32::ZERO; self.n_cells];
        self.take_harmonics(&grid, 0, 0.0, &mut harmonics);
        let scale = (1.0 / self.period_samples) as f32;
        harmonics.iter_mut().for_each(|h| *h *= scale);
        harmonics
    }

    /// `|ρ[0]|, |ρ[1]|, …`: correlation of delay cells under white noise, from a replica's harmonics.
    pub(super) fn autocorrelation(&self, harmonics: &[Complex32]) -> Vec<f32> {
        let mut rho: Vec<_> = harmonics.iter().map(|h| Complex32::from(h.norm_sqr())).collect();
        self.inverse.process(&mut rho);
        let zero = rho[0].re;
        rho.iter().map(|r| r.norm() / zero).collect()
    }
}

/// Adds samples, the first `start` samples after the period's beginning, to the two grid points beside each.
fn share_out(
    samples: impl Iterator<Item = Complex32>,
    start: f64,
    period_samples: f64,
    grid: &mut [Complex32],
) {
    let scale = grid.len() as f64 / period_samples;
    for (n, x) in samples.enumerate() {
        let point = (start + n as f64) * scale;
        let (below, part) = (point as usize, point.fract() as f32);
        let above = if below + 1 < grid.len() { below + 1 } else { 0 };
        grid[below.min(grid.len() - 1)] += x * (1.0 - part);
        grid[above] += x * part;
    }
}

/// `exp(j·angle)`, the angle reduced before it loses precision.
pub(super) fn cis(angle: f64) -> Complex32 {
    let (sin, cos) = (angle % TAU).sin_cos();
    Complex32::new(cos as f32, sin as f32)
}

/// The smallest product of twos and threes that is not below `least`.
fn smooth(least: f64) -> usize {
    let mut n = (least.ceil() as usize).max(1);
    loop {
        let mut rest: usize = n;
        for prime in [2, 3] {
            while rest.is_multiple_of(prime) {
                rest /= prime;
            }
        }
        if rest == 1 {
            return n;
        }
        n += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_smooth_and_not_below_what_is_asked() {
        assert_eq!([1.0, 7.0, 4092.0, 12_000.0, 16_367.6].map(smooth), [1, 8, 4096, 12_288, 16_384]);
    }

    #[test]
    fn a_whole_period_is_its_own_grid() {
        let grid = CodeGrid::new(12e6 * 1e-3);
        assert_eq!((grid.n_points(), grid.n_cells(), grid.first_sample(7)), (12_000, 12_288, 84_000));
        let grid = CodeGrid::new(4092.0);
        assert_eq!((grid.n_points(), grid.n_cells()), (4092, 4096));
    }

    /// Harmonics of a tone that has `q` cycles in a period of 100.3 samples, over ten periods.
    #[test]
    fn a_fractional_period_keeps_its_harmonics() {
        let grid = CodeGrid::new(100.3);
        let ones = vec![Complex32::ONE; grid.max_period_len()];
        for q in [-40_i64, -3, 0, 1, 17, 45] {
            let mut points = vec![Complex32::ZERO; grid.n_points()];
            for c in 0..10 {
                let range = grid.first_sample(c)..grid.first_sample(c + 1);
                let tone: Vec<_> = range.map(|n| cis(TAU * q as f64 * n as f64 / 100.3)).collect();
                grid.fold(c, &tone, &ones, Complex32::ONE, &mut points);
            }
            grid.forward().process(&mut points);
            let mut harmonics = vec![Complex32::ZERO; grid.n_cells()];
            grid.take_harmonics(&points, 0, 0.0, &mut harmonics);
            let at = q.rem_euclid(grid.n_cells() as i64) as usize;
            let gain = harmonics[at].norm() * grid.gain(at) / 1003.0;
            assert!((gain - 1.0).abs() < 1e-3, "harmonic {q}: {gain}");
            harmonics[at] = Complex32::ZERO;
            let greatest = harmonics.iter().map(|h| h.norm() / 1003.0).fold(0.0, f32::max);
            assert!(greatest < 0.02, "harmonic {q} leaks {greatest}");
        }
    }

    #[test]
    fn a_ramp_turns_each_harmonic_by_its_number() {
        let grid = CodeGrid::new(288.0);
        let spectrum = vec![Complex32::ONE; 288];
        let mut out = vec![Complex32::ZERO; 288];
        grid.take_harmonics(&spectrum, 5, 0.01, &mut out);
        for (i, value) in out.iter().enumerate() {
            let q = if i < 144 { i as f64 } else { i as f64 - 288.0 };
            assert!((value - cis(0.01 * q)).norm() < 1e-5, "{i}");
        }
    }
}
