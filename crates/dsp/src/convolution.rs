//! Circular convolution with a fixed filter, without a transform's last step.
//!
//! A sequence of `n = 16·m` numbers is the polynomial `x(u)` modulo `uⁿ − 1`. Sixteen transforms of `m`, one for each
//! lane, of the samples `x[16i + l]` (decimation in time) reduce it modulo `u¹⁶ − ω` for every m-th root of unity `ω`.
//! A whole FFT would go on across the lanes to single numbers; here the product is taken where it is,
//!
//! ```text
//!   y_i = Σ_{l ≤ i} a_l·b_{i−l} + ω·Σ_{l > i} a_l·b_{16+i−l},    i = 0 … 15,
//! ```
//!
//! as a sum of sixteen columns, so that nothing is shuffled from lane to lane. The transforms are decimated in
//! frequency there and in time on the way back: what lies between is in an order that only the filter must share, and
//! after the first pass a part of the sequence stays in the innermost cache until it has been through. (The idea of a
//! truncated transform with products of short polynomials is Nussbaumer's 1980.)
#![allow(clippy::needless_range_loop, reason = "lanes are indexed alike in several arrays")]

use crate::simd::{self, ComplexLanes, Kernel, LANES, multiply_add, product, radix_2, radix_4, radix_8};
use rangegate_core::Complex32;
use rustfft::num_complex::Complex;
use std::f64::consts::TAU;

/// The filter `b` at one root: `[ω·b₁ … ω·b₁₅, b₀ … b₁₅, 0]`, of which column `l` begins at `15 − l`.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
struct Columns {
    re: [f32; 2 * LANES],
    im: [f32; 2 * LANES],
}

/// One pass: blocks of `radix · part` rows are transformed across their parts.
#[derive(Clone, Debug)]
struct Pass {
    radix: usize,
    part: usize,
    /// `exp(−j2πjk / (radix · part))`, `[part × radix]`.
    twiddles: Vec<Complex32>,
}

/// Circular convolution of `n` samples with a filter. Immutable.
#[derive(Clone, Debug)]
pub(crate) struct Convolution {
    n: usize,
    passes: Vec<Pass>,
    columns: Vec<Columns>,
}

impl Convolution {
    /// Plans `y[i] = Σ_k filter[k]·x[i − k]`, indices modulo `n`.
    ///
    /// # Panics
    /// * `n` is no power of two, or less than 16,
    /// * the filter is longer than `n`.
    pub(crate) fn new(filter: &[Complex<f64>], n: usize) -> Self {
        assert!(
            n.is_power_of_two() && n >= LANES,
            "a convolution of {n}, expected a power of two from {LANES} on"
        );
        assert!(filter.len() <= n, "a filter of {} in a convolution of {n}", filter.len());
        let m = n / LANES;
        let mut passes = Vec::new();
        let mut block = m;
        while block > 1 {
            let radix = if block.is_multiple_of(8) { 8 } else { block };
            let part = block / radix;
            let twiddle = |j: usize| (0..radix).map(move |k| narrow(root_of_unity(j * k, block)));
            passes.push(Pass { radix, part, twiddles: (0..part).flat_map(twiddle).collect() });
            block = part;
        }
        let spectra = lane_spectra(filter, m);
        let columns = (0..m).map(|row| {
            let k = frequency(&passes, row);
            let b: Vec<_> = spectra.iter().map(|lane| lane[k] / m as f64).collect();
            columns(&b, root_of_unity(k, m))
        });
        Self { n, columns: columns.collect(), passes }
    }

    /// Memory that [`process`](Self::process) needs.
    pub(crate) fn make_rows(&self) -> Vec<ComplexLanes> {
        vec![ComplexLanes::ZERO; self.n / LANES]
    }

    /// Convolves `x`; `y` is the first of the output, as much as there is room for.
    ///
    /// # Panics
    /// * `x.len() != n`, or there is more room than `n`, or `rows` are not those of this plan.
    pub(crate) fn process(&self, x: &[Complex32], y: &mut [Complex32], rows: &mut [ComplexLanes]) {
        assert_eq!((x.len(), rows.len() * LANES), (self.n, self.n), "samples, and room for as many");
        assert!(y.len() <= self.n, "{} outputs of {}", y.len(), self.n);
        simd::run(Process { plan: self, x, y, rows });
    }
}

fn narrow(x: Complex<f64>) -> Complex32 {
    Complex32::new(x.re as f32, x.im as f32)
}

/// `exp(−j2πk/n)`
fn root_of_unity(k: usize, n: usize) -> Complex<f64> {
    Complex::from_polar(1.0, -TAU * (k % n) as f64 / n as f64)
}

/// Transform of `m` of every sixteenth sample, for each lane.
fn lane_spectra(x: &[Complex<f64>], m: usize) -> Vec<Vec<Complex<f64>>> {
    let fft = rustfft::FftPlanner::new().plan_fft_forward(m);
    let lane = |l: usize| {
        let mut bins: Vec<_> = x.iter().skip(l).step_by(LANES).copied().collect();
        bins.resize(m, Complex::ZERO);
        fft.process(&mut bins);
        bins
    };
    (0..LANES).map(lane).collect()
}

/// Frequency that stands in a row after all passes: each leaves one digit of it in the row's number.
fn frequency(passes: &[Pass], row: usize) -> usize {
    let digit = |(frequency, weight): (usize, usize), pass: &Pass| {
        (frequency + weight * (row / pass.part % pass.radix), weight * pass.radix)
    };
    passes.iter().fold((0, 1), digit).0
}

fn columns(b: &[Complex<f64>], root: Complex<f64>) -> Columns {
    let mut columns = Columns { re: [0.0; 2 * LANES], im: [0.0; 2 * LANES] };
    let wrapped = b[1..].iter().map(|b| b * root);
    for (s, x) in wrapped.chain(b.iter().copied()).enumerate() {
        (columns.re[s], columns.im[s]) = (x.re as f32, x.im as f32);
    }
    columns
}

struct Process<'a> {
    plan: &'a Convolution,
    x: &'a [Complex32],
    y: &'a mut [Complex32],
    rows: &'a mut [ComplexLanes],
}

impl Kernel for Process<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let Self { plan, x, y, rows } = self;
        for (row, x) in rows.iter_mut().zip(x.as_chunks().0) {
            *row = apart(x);
        }
        let (first, rest) = match plan.passes.split_first() {
            Some((first, rest)) => (Some(first), rest),
            None => (None, &[][..]),
        };
        if let Some(first) = first {
            forward::<FMA>(first, rows);
        }
        let part = first.map_or(1, |first| first.part);
        for (rows, columns) in rows.chunks_exact_mut(part).zip(plan.columns.chunks_exact(part)) {
            for pass in rest {
                for block in rows.chunks_exact_mut(pass.radix * pass.part) {
                    forward::<FMA>(pass, block);
                }
            }
            // Two at once: one alone waits for its sums.
            let (pairs, last) = rows.as_chunks_mut::<2>();
            let (pairs_of_columns, last_columns) = columns.as_chunks::<2>();
            for (rows, columns) in pairs.iter_mut().zip(pairs_of_columns) {
                *rows = multiply::<2, FMA>(rows, columns);
            }
            if let ([row], [columns]) = (last, last_columns) {
                [*row] = multiply::<1, FMA>(&[*row], &[*columns]);
            }
            for pass in rest.iter().rev() {
                for block in rows.chunks_exact_mut(pass.radix * pass.part) {
                    backward::<FMA>(pass, block);
                }
            }
        }
        if let Some(first) = first {
            backward::<FMA>(first, rows);
        }
        let (full, last) = y.as_chunks_mut::<LANES>();
        for (y, row) in full.iter_mut().zip(&*rows) {
            *y = together(row);
        }
        if !last.is_empty() {
            last.copy_from_slice(&together(&rows[full.len()])[..last.len()]);
        }
    }
}

/// Real and imaginary parts of neighbours, apart.
#[inline(always)]
fn apart(x: &[Complex32; LANES]) -> ComplexLanes {
    let mut row = ComplexLanes::ZERO;
    for l in 0..LANES {
        row.re[l] = x[l].re;
    }
    for l in 0..LANES {
        row.im[l] = x[l].im;
    }
    row
}

#[inline(always)]
fn together(row: &ComplexLanes) -> [Complex32; LANES] {
    let mut y = [Complex32::ZERO; LANES];
    for l in 0..LANES {
        y[l] = Complex32::new(row.re[l], row.im[l]);
    }
    y
}

/// The products modulo `u¹⁶ − ω` at some roots.
#[inline(always)]
fn multiply<const N: usize, const FMA: bool>(
    a: &[ComplexLanes; N],
    columns: &[Columns; N],
) -> [ComplexLanes; N] {
    // Four sums of their own for each, so that none waits for another.
    let mut sums = [[[0.0; LANES]; 4]; N];
    for l in 0..LANES {
        for n in 0..N {
            let (a_re, a_im) = (a[n].re[l], a[n].im[l]);
            for i in 0..LANES {
                let (b_re, b_im) = (columns[n].re[LANES - 1 - l + i], columns[n].im[LANES - 1 - l + i]);
                sums[n][0][i] = multiply_add::<FMA>(a_re, b_re, sums[n][0][i]);
                sums[n][1][i] = multiply_add::<FMA>(a_im, b_im, sums[n][1][i]);
                sums[n][2][i] = multiply_add::<FMA>(a_re, b_im, sums[n][2][i]);
                sums[n][3][i] = multiply_add::<FMA>(a_im, b_re, sums[n][3][i]);
            }
        }
    }
    let mut out = [ComplexLanes::ZERO; N];
    for n in 0..N {
        for i in 0..LANES {
            out[n].re[i] = sums[n][0][i] - sums[n][1][i];
            out[n].im[i] = sums[n][2][i] + sums[n][3][i];
        }
    }
    out
}

#[inline(always)]
fn forward<const FMA: bool>(pass: &Pass, block: &mut [ComplexLanes]) {
    match pass.radix {
        8 => forward_by::<8, FMA>(pass, block, radix_8),
        4 => forward_by::<4, FMA>(pass, block, radix_4),
        _ => forward_by::<2, FMA>(pass, block, radix_2),
    }
}

#[inline(always)]
fn backward<const FMA: bool>(pass: &Pass, block: &mut [ComplexLanes]) {
    match pass.radix {
        8 => backward_by::<8, FMA>(pass, block, radix_8),
        4 => backward_by::<4, FMA>(pass, block, radix_4),
        _ => backward_by::<2, FMA>(pass, block, radix_2),
    }
}

/// Transform across the parts, then twiddle factors.
#[inline(always)]
fn forward_by<const R: usize, const FMA: bool>(
    pass: &Pass,
    block: &mut [ComplexLanes],
    butterfly: impl Fn([Complex32; R]) -> [Complex32; R],
) {
    for (j, twiddle) in pass.twiddles.as_chunks::<R>().0.iter().enumerate() {
        in_lanes(block, j, pass.part, |x| {
            let mut x = butterfly(x);
            for k in 1..R {
                x[k] = product::<FMA>(x[k], twiddle[k]);
            }
            x
        });
    }
}

/// The inverse of [`forward_by`], but for the factor `R`. With real and imaginary part swapped before and after, a
/// forward transform is an inverse one, and so is a product with the twiddle factor one with its conjugate.
#[inline(always)]
fn backward_by<const R: usize, const FMA: bool>(
    pass: &Pass,
    block: &mut [ComplexLanes],
    butterfly: impl Fn([Complex32; R]) -> [Complex32; R],
) {
    for (j, twiddle) in pass.twiddles.as_chunks::<R>().0.iter().enumerate() {
        in_lanes(block, j, pass.part, |mut x| {
            for k in 0..R {
                x[k] = Complex32::new(x[k].im, x[k].re);
            }
            for k in 1..R {
                x[k] = product::<FMA>(x[k], twiddle[k]);
            }
            let mut x = butterfly(x);
            for k in 0..R {
                x[k] = Complex32::new(x[k].im, x[k].re);
            }
            x
        });
    }
}

/// Row `j` of each part through `f`, lane by lane.
#[inline(always)]
fn in_lanes<const R: usize>(
    block: &mut [ComplexLanes],
    j: usize,
    part: usize,
    f: impl Fn([Complex32; R]) -> [Complex32; R],
) {
    let mut rows = [ComplexLanes::ZERO; R];
    for k in 0..R {
        rows[k] = block[j + k * part];
    }
    for l in 0..LANES {
        let mut x = [Complex32::ZERO; R];
        for k in 0..R {
            x[k] = Complex32::new(rows[k].re[l], rows[k].im[l]);
        }
        let x = f(x);
        for k in 0..R {
            (rows[k].re[l], rows[k].im[l]) = (x[k].re, x[k].im);
        }
    }
    for k in 0..R {
        block[j + k * part] = rows[k];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt as _, SeedableRng as _};
    use rand_chacha::ChaCha8Rng;

    #[test]
    fn agrees_with_the_direct_sum_for_every_length_and_dirty_rows() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        for (n, n_filter) in [
            (16, 16),
            (16, 1),
            (32, 5),
            (64, 64),
            (128, 100),
            (256, 7),
            (512, 512),
            (1024, 300),
            (4096, 4096),
        ] {
            let mut number = || rng.random_range(-1.0..1.0);
            let filter: Vec<_> = (0..n_filter).map(|_| Complex::new(number(), number())).collect();
            let plan = Convolution::new(&filter, n);
            let mut rows = plan.make_rows();
            for n_out in [n, n / 2 + 1, 0] {
                rows.fill(ComplexLanes { re: [f32::NAN; LANES], im: [f32::NAN; LANES] });
                let x: Vec<_> = (0..n).map(|_| Complex32::new(number() as f32, number() as f32)).collect();
                let mut y = vec![Complex32::new(f32::NAN, 0.0); n_out];
                plan.process(&x, &mut y, &mut rows);
                for (i, found) in y.iter().enumerate().step_by(1 + n / 300) {
                    let x = |k: usize| x[(n + i - k) % n];
                    let term =
                        |(k, b): (usize, &Complex<f64>)| b * Complex::new(x(k).re.into(), x(k).im.into());
                    let expected = narrow(filter.iter().enumerate().map(term).sum());
                    let tolerance = 1e-6 * (n_filter as f32).sqrt();
                    assert!(
                        (found - expected).norm() < tolerance,
                        "{n}, {n_filter} taps, {i}: {found} for {expected}"
                    );
                }
            }
        }
    }
}
