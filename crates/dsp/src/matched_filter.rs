//! Correlation of one stream with many replicas by overlap-save FFT.
//!
//! `y[n] = Σ_k conj(h[k])·x[n+k] / Σ|h[k]|²` for every row `h`, a row being one replica at one Doppler
//! hypothesis. The samples are cut into blocks of [`fft_len`](MatchedFilterPlan::fft_len) that follow one
//! another at [`hop`](MatchedFilterPlan::hop) = `fft_len − longest + 1`; each block is transformed once and
//! serves all rows:
//!
//! ```text
//!   X = FFT(block)          once a block
//!   Y = X · conj(H)         once a block and row
//!   y = IFFT(Y)             the first `hop` values are the correlation, the rest is wrapped and thrown away
//! ```
//!
//! # What rounding leaves
//! A transform of `N` points in binary32 leaves an error that is spread evenly over its outputs, of mean power
//! `ε²·log₂N` over the mean power of the outputs, with `ε = 2⁻²⁴` (Gentleman and Sande 1966, for random rounding;
//! measured errors stay below). That of the forward transform passes the filter as white noise does, at most
//! `ε²·log₂N·P·max|H|²` with `P` the mean power of the block's samples and `H` the row's frequency response; that of
//! the inverse is `ε²·log₂N` of the mean power of the outputs, which is at most `P·max|H|²` too. So no output is known
//! better than to `2·ε²·log₂N·P·max|H|²`: [`MatchedFilter::rounding_power`], for the block in which that is most.
//!
//! # Cost
//! A transform a block and one more a block and row, each O(log fft_len) a sample.

use crate::convolver::{Convolver, ConvolverWorker, Output, Path, Samples};
use crate::lines::Lines;
use rangegate_core::Complex32;
use rustfft::FftPlanner;
use rustfft::num_complex::Complex;
use std::sync::Arc;

/// Longer transforms leave the cache of one core.
const LONGEST_FFT: usize = 32_768;
/// They are still better than blocks of which half is thrown away; beyond this one they take the portable way.
const LONGEST_BY_VECTORS: usize = 131_072;

/// `h` moved up in frequency by `cycles_per_sample`: `h[n]·exp(+j2π·f·n)`.
pub fn doppler_shifted(h: &[Complex32], cycles_per_sample: f64) -> Vec<Complex32> {
    let turn = |(n, &x): (usize, &Complex32)| {
        let phase = Complex::from_polar(1.0, std::f64::consts::TAU * (cycles_per_sample * n as f64).fract());
        x * Complex32::new(phase.re as f32, phase.im as f32)
    };
    h.iter().enumerate().map(turn).collect()
}

/// |ρ[1]| … |ρ[n_lags]|: how outputs of the filter that are so far apart correlate under white noise.
pub(crate) fn autocorrelation(h: impl ExactSizeIterator<Item = Complex<f64>>, n_lags: usize) -> Vec<f32> {
    let fft_len = (2 * h.len()).next_power_of_two();
    let mut bins: Vec<Complex<f64>> = h.collect();
    bins.resize(fft_len, Complex::ZERO);
    let mut planner = FftPlanner::new();
    planner.plan_fft_forward(fft_len).process(&mut bins);
    for bin in &mut bins {
        *bin = Complex::new(bin.norm_sqr(), 0.0);
    }
    planner.plan_fft_inverse(fft_len).process(&mut bins);
    let magnitude = |r: &Complex<f64>| (r.norm() / bins[0].re).min(1.0) as f32;
    bins[1..].iter().take(n_lags).map(magnitude).collect()
}

/// The spectra of all rows, and the transforms. Immutable; share it by [`Arc`].
#[derive(Debug)]
pub struct MatchedFilterPlan {
    convolver: Convolver,
    /// Greatest `|H|² / (Σ|h|²)²` of each row: power out over power in, at the frequency where that is most.
    peak_gains: Vec<f32>,
}

impl MatchedFilterPlan {
    /// Length of the transform for rows of at most `longest` samples, the way [`Path::chosen`] is; no longer than runs
    /// of `run_len` samples need.
    pub fn fft_len_for(longest: usize, run_len: Option<usize>) -> usize {
        Self::fft_len_on(Path::chosen(), longest, run_len)
    }

    /// Likewise for a given way: what was fastest in `rangegate bench matched-filter` (benches/results/throughput.md).
    pub fn fft_len_on(path: Path, longest: usize, run_len: Option<usize>) -> usize {
        let shortest = if path == Path::Portable { 512 } else { 2048 };
        let in_cache = match (8 * longest).next_power_of_two().clamp(shortest, LONGEST_FFT) {
            4096 if path == Path::Avx512 => 8192, // whose passes have better radices
            fft_len => fft_len,
        };
        let wanted = in_cache.max((4 * longest).next_power_of_two().min(LONGEST_BY_VECTORS));
        let useful = run_len.map_or(wanted, |run| wanted.min(run.next_power_of_two()));
        useful.max((2 * longest).next_power_of_two())
    }

    /// Plans the correlation with these rows, which may differ in length, by transforms of `fft_len`.
    ///
    /// # Panics
    /// * there is no row, or one is empty or longer than `fft_len`.
    pub fn new(rows: &[Vec<Complex32>], fft_len: usize) -> Self {
        let longest = rows.iter().map(Vec::len).max().unwrap_or(0);
        let shortest = rows.iter().map(Vec::len).min().unwrap_or(0);
        assert!(shortest > 0 && longest <= fft_len, "rows of {shortest} to {longest} samples for {fft_len}");
        let of_gain_one = |h: &Vec<Complex32>| {
            let energy: f64 = h.iter().map(|h| f64::from(h.norm_sqr())).sum();
            h.iter().map(|h| Complex::new(f64::from(h.re), f64::from(h.im)) / energy).collect()
        };
        let rows: Vec<Vec<Complex<f64>>> = rows.iter().map(of_gain_one).collect();
        let fft = FftPlanner::new().plan_fft_forward(fft_len);
        let peak_gain = |row: &Vec<Complex<f64>>| {
            let mut bins = row.clone();
            bins.resize(fft_len, Complex::ZERO);
            fft.process(&mut bins);
            bins.iter().map(Complex::norm_sqr).fold(0.0, f64::max) as f32
        };
        Self { peak_gains: rows.iter().map(peak_gain).collect(), convolver: Convolver::plan(&rows, fft_len) }
    }

    /// Length of the transform.
    pub fn fft_len(&self) -> usize {
        self.convolver.fft_len()
    }

    /// Outputs a block.
    pub fn hop(&self) -> usize {
        self.convolver.hop()
    }

    /// The way that the machine goes.
    pub fn path(&self) -> Path {
        self.convolver.path()
    }

    /// What runs the plan, on up to `n_outputs` outputs at a time.
    pub fn make_worker(self: &Arc<Self>, n_outputs: usize) -> MatchedFilter {
        let n_blocks = n_outputs.div_ceil(self.hop());
        MatchedFilter {
            plan: Arc::clone(self),
            convolver: self.convolver.make_worker(n_blocks),
            n_blocks,
            n_loaded: 0,
            greatest_power: 0.0,
            outputs: Lines::new(self.hop()),
        }
    }
}

/// Runs a [`MatchedFilterPlan`]; owns the spectra of the samples that were loaded last.
#[derive(Debug)]
pub struct MatchedFilter {
    plan: Arc<MatchedFilterPlan>,
    convolver: ConvolverWorker,
    n_blocks: usize,
    n_loaded: usize,
    /// Mean power of the samples in the loaded block in which that is most.
    greatest_power: f32,
    outputs: Lines<Complex32>,
}

impl MatchedFilter {
    /// Transforms as many blocks of `samples` as `n_outputs` need. After the last sample all is zero.
    ///
    /// # Panics
    /// * `n_outputs` is more than the worker was made for.
    pub fn load(&mut self, samples: Samples<'_>, n_outputs: usize) {
        let (hop, fft_len) = (self.plan.hop(), self.plan.fft_len());
        let (n_blocks, capacity) = (n_outputs.div_ceil(hop), self.n_blocks);
        assert!(n_blocks <= capacity, "{n_outputs} outputs take {n_blocks} blocks of {capacity}");
        self.greatest_power = 0.0;
        for k in 0..n_blocks {
            let energy = self.convolver.load(k, samples.block(k * hop, fft_len), 0);
            self.note_energy(energy);
        }
        self.n_loaded = n_outputs;
    }

    /// `|y|²` of samples for one row, as many outputs as there is room for: what costs least where there is no other row
    /// to share the transforms with. Nothing stays loaded.
    ///
    /// # Panics
    /// * there is no such row.
    pub fn power_of(&mut self, samples: Samples<'_>, row: usize, out: &mut [f32]) {
        self.n_loaded = 0;
        self.greatest_power = 0.0;
        let energy = self.convolver.filter(samples, row, Output::Power(out));
        self.note_energy(energy);
    }

    fn note_energy(&mut self, energy: f32) {
        self.greatest_power = self.greatest_power.max(energy / self.plan.fft_len() as f32);
    }

    /// Power of what rounding leaves in the outputs of a row for the loaded samples: no output is known better.
    ///
    /// # Panics
    /// * there is no such row.
    pub fn rounding_power(&self, row: usize) -> f32 {
        const UNIT: f32 = 1.0 / (1 << 24) as f32;
        let relative = 2.0 * UNIT * UNIT * (self.plan.fft_len() as f32).log2();
        relative * self.greatest_power * self.plan.peak_gains[row]
    }

    /// Correlates the loaded samples with a row and hands the outputs over piece by piece: index of the
    /// piece's first output, outputs. Those that would need samples after the last loaded one took zeros for
    /// them.
    ///
    /// # Panics
    /// * there is no such row.
    pub fn correlate(&mut self, row: usize, mut piece: impl FnMut(usize, &[Complex32])) {
        let hop = self.plan.hop();
        for first in (0..self.n_loaded).step_by(hop) {
            let outputs = &mut self.outputs[..hop.min(self.n_loaded - first)];
            self.convolver.correlate(first / hop, row, Output::Complex(outputs));
            piece(first, outputs);
        }
    }

    /// `|y|²` of the first outputs for a row, as many as there is room for: what costs least where the phase is not
    /// wanted.
    ///
    /// # Panics
    /// * there is no such row, or room for more outputs than are loaded.
    pub fn power(&mut self, row: usize, out: &mut [f32]) {
        let (n, n_loaded) = (out.len(), self.n_loaded);
        assert!(n <= n_loaded, "{n} outputs of {n_loaded}");
        for (block, out) in out.chunks_mut(self.plan.hop()).enumerate() {
            self.convolver.correlate(block, row, Output::Power(out));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt as _, SeedableRng as _};
    use rand_chacha::ChaCha8Rng;

    fn noise(rng: &mut ChaCha8Rng, n: usize) -> Vec<Complex32> {
        (0..n).map(|_| Complex32::new(rng.random_range(-1.0..1.0), rng.random_range(-1.0..1.0))).collect()
    }

    /// The slow twin.
    fn correlation(h: &[Complex32], x: &[Complex32]) -> Vec<Complex32> {
        let energy: f64 = h.iter().map(|h| f64::from(h.norm_sqr())).sum();
        let wide = |x: Complex32| Complex::<f64>::new(x.re.into(), x.im.into());
        let output = |n: usize| {
            let sum: Complex<f64> = h.iter().zip(&x[n..]).map(|(&h, &x)| wide(h).conj() * wide(x)).sum();
            Complex32::new((sum.re / energy) as f32, (sum.im / energy) as f32)
        };
        (0..x.len() - h.len() + 1).map(output).collect()
    }

    fn run(filter: &mut MatchedFilter, row: usize, x: &[Complex32], n_outputs: usize) -> Vec<Complex32> {
        filter.load(x.into(), n_outputs);
        let mut y = vec![Complex32::ZERO; n_outputs];
        filter.correlate(row, |first, piece| y[first..first + piece.len()].copy_from_slice(piece));
        let mut power = vec![f32::NAN; n_outputs];
        filter.power(row, &mut power);
        for (y, power) in y.iter().zip(&power).filter(|(y, _)| y.is_finite()) {
            assert!((y.norm_sqr() - power).abs() <= 1e-6 * power, "{power} of {y}");
        }
        let rounding = filter.rounding_power(row);
        // Nothing is left of what was loaded.
        filter.power_of(x.into(), row, &mut power);
        let greatest = y.iter().map(|y| y.norm_sqr()).fold(0.0, f32::max);
        for (y, power) in y.iter().zip(&power).filter(|(y, _)| y.is_finite()) {
            assert!((y.norm_sqr() - power).abs() <= 1e-4 * greatest, "{power} of {y} by itself");
        }
        let by_itself = filter.rounding_power(row);
        assert!((by_itself - rounding).abs() <= 1e-5 * rounding, "{by_itself} for {rounding}");
        y
    }

    fn assert_close(found: &[Complex32], expected: &[Complex32], case: &str) {
        assert_eq!(found.len(), expected.len(), "{case}");
        let rms = (expected.iter().map(Complex32::norm_sqr).sum::<f32>() / expected.len() as f32).sqrt();
        for (n, (a, b)) in found.iter().zip(expected).enumerate() {
            assert!((a - b).norm() < 5e-6 * rms, "{case}, output {n}: {a} for {b}, rms {rms}");
        }
    }

    #[test]
    fn agrees_with_direct_correlation_for_odd_sizes_and_dirty_scratch() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        for (lengths, fft_len, n) in
            [(vec![1], 2, 7), (vec![13, 5], 32, 501), (vec![255, 1, 77], 1024, 4099), (vec![300], 1024, 300)]
        {
            let rows: Vec<_> = lengths.iter().map(|&n| noise(&mut rng, n)).collect();
            let plan = Arc::new(MatchedFilterPlan::new(&rows, fft_len));
            let mut filter = plan.make_worker(n);
            for pass in 0..2 {
                let x = noise(&mut rng, n);
                for (row, h) in rows.iter().enumerate() {
                    let n_outputs = n - h.len() + 1;
                    let case = format!("{lengths:?}, row {row}, pass {pass}");
                    assert_close(&run(&mut filter, row, &x, n_outputs), &correlation(h, &x), &case);
                }
                let dirt = vec![Complex32::new(f32::NAN, 1.0); n];
                run(&mut filter, 0, &dirt, n);
            }
        }
    }

    #[test]
    fn rounding_leaves_no_more_than_it_is_said_to() {
        let mut rng = ChaCha8Rng::seed_from_u64(4);
        let flat = |n: usize| vec![Complex32::ONE; n];
        for (h, fft_len) in
            [(flat(13), 1024), (flat(1000), 8192), (noise(&mut rng, 1000), 8192), (flat(1), 32)]
        {
            let plan = Arc::new(MatchedFilterPlan::new(std::slice::from_ref(&h), fft_len));
            for x in [noise(&mut rng, 20_000), [noise(&mut rng, 30), vec![Complex32::ZERO; 19_970]].concat()]
            {
                let n_outputs = x.len() - h.len() + 1;
                let mut filter = plan.make_worker(n_outputs);
                let found = run(&mut filter, 0, &x, n_outputs);
                let errors = found.iter().zip(correlation(&h, &x)).map(|(a, b)| (a - b).norm_sqr());
                let power = errors.sum::<f32>() / n_outputs as f32;
                let bound = filter.rounding_power(0);
                assert!(power < bound, "{} of {fft_len}: {power:e} above {bound:e}", h.len());
            }
        }
    }

    #[test]
    fn pieces_at_multiples_of_the_hop_give_the_bits_of_the_whole() {
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        let plan = Arc::new(MatchedFilterPlan::new(&[noise(&mut rng, 100)], 512));
        let (hop, x) = (plan.hop(), noise(&mut rng, 5000));
        let whole = run(&mut plan.make_worker(4901), 0, &x, 4901);
        let mut filter = plan.make_worker(3 * hop);
        for (k, expected) in whole.chunks(3 * hop).enumerate() {
            assert_eq!(run(&mut filter, 0, &x[k * 3 * hop..], expected.len()), expected);
        }
    }

    #[test]
    fn a_row_that_is_shifted_up_finds_the_echo_that_is() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let h = noise(&mut rng, 200);
        let (shift, delay) = (0.0123, 321);
        let mut x = vec![Complex32::ZERO; 1000];
        for (k, (x, h)) in x[delay..].iter_mut().zip(&h).enumerate() {
            *x = h * Complex32::from_polar(0.5, std::f32::consts::TAU * shift as f32 * k as f32);
        }
        let rows = [-shift, 0.0, shift].map(|f| doppler_shifted(&h, f));
        let plan = Arc::new(MatchedFilterPlan::new(&rows, MatchedFilterPlan::fft_len_for(200, None)));
        let mut filter = plan.make_worker(801);
        let peak =
            |y: Vec<Complex32>| y.iter().map(|y| y.norm()).enumerate().max_by(|a, b| a.1.total_cmp(&b.1));
        let peaks: Vec<_> = (0..3).map(|row| peak(run(&mut filter, row, &x, 801)).unwrap()).collect();
        assert!(peaks[2].0 == delay && (peaks[2].1 - 0.5).abs() < 1e-5, "{peaks:?}");
        assert!(peaks[0].1 < 0.2 && peaks[1].1 < 0.2, "{peaks:?}");
    }

    #[test]
    fn transforms_are_some_times_the_replica_within_the_cache() {
        let cases = [(1000, 8192), (4096, 32_768), (10_000, 65_536), (40_000, 131_072), (65_537, 262_144)];
        for (path, shortest) in [(Path::Avx512, 2048), (Path::Avx2, 2048), (Path::Portable, 512)] {
            assert_eq!(MatchedFilterPlan::fft_len_on(path, 1, None), shortest);
            let of_512 = if path == Path::Avx512 { 8192 } else { 4096 };
            assert_eq!(MatchedFilterPlan::fft_len_on(path, 512, None), of_512);
            for (longest, expected) in cases {
                assert_eq!(MatchedFilterPlan::fft_len_on(path, longest, None), expected, "{path} {longest}");
            }
            assert_eq!(MatchedFilterPlan::fft_len_on(path, 100, Some(300)), 512);
            assert_eq!(MatchedFilterPlan::fft_len_on(path, 1000, Some(300)), 2048);
        }
    }
}
