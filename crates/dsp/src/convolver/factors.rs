//! Twiddle factors.

use super::butterfly::Group;
use crate::simd::{ComplexVector, Vector};
use rangegate_core::Complex32;
use rustfft::num_complex::Complex;
use std::f64::consts::TAU;

type C<V> = ComplexVector<V>;
type C64 = Complex<f64>;

/// `exp(−j2π·cycles)`
pub(super) fn root(cycles: f64) -> C64 {
    C64::from_polar(1.0, -TAU * cycles)
}

pub(super) fn reversed(x: usize, bits: u32) -> usize {
    if bits == 0 { 0 } else { x.reverse_bits() >> (usize::BITS - bits) }
}

/// A block of a level of `n_blocks` is a polynomial modulo `uⁿ − exp(−j2π·θ)`.
fn theta(block: usize, n_blocks: usize) -> f64 {
    reversed(block, n_blocks.trailing_zeros()) as f64 / n_blocks as f64
}

pub(super) fn by_lane<V: Vector>(zero: V, value: impl Fn(usize) -> C64) -> C<V> {
    let (mut re, mut im) = ([0.0; 16], [0.0; 16]);
    for lane in 0..V::LANES {
        let value = value(lane);
        (re[lane], im[lane]) = (value.re as f32, value.im as f32);
    }
    C { re: zero.load(&re[..V::LANES]), im: zero.load(&im[..V::LANES]) }
}

/// Levels of a transform of `radix` with the number of their factors: 1, 1, 2, 4.
fn levels(radix: usize) -> impl Iterator<Item = (f64, usize)> {
    (0..radix.trailing_zeros())
        .map(|level| (f64::from(2 << level), (1 << level) / 2))
        .map(|(n, k)| (n, k.max(1)))
}

/// Factors that split each of `n_blocks` by `radix`.
pub(super) fn forward_factors(n_blocks: usize, radix: usize) -> Vec<Complex32> {
    let of_block = |block: usize| {
        levels(radix).flat_map(move |(n, n_factors)| {
            (0..n_factors).map(move |k| {
                let w = root((theta(block, n_blocks) + reversed(k, n_factors.trailing_zeros()) as f64) / n);
                Complex32::new(w.re as f32, w.im as f32)
            })
        })
    };
    (0..n_blocks).flat_map(of_block).collect()
}

/// Factors that merge `radix` parts of some chunks.
pub(super) fn backward_factors<V: Vector>(zero: V, part: usize, radix: usize) -> Vec<C<V>> {
    let len = part * V::LANES;
    let of_chunk = |chunk: usize| {
        levels(radix).flat_map(move |(n, n_factors)| {
            (0..n_factors).map(move |k| {
                let position = |lane: usize| (chunk * V::LANES + lane + k * len) as f64;
                by_lane(zero, |lane| root(position(lane) / (n * len as f64)).conj())
            })
        })
    };
    (0..part).flat_map(of_chunk).collect()
}

/// Row of four and quad of that row which stand in a lane once quads have been transposed, then lanes.
pub(super) fn place_of(lane: usize, n_lanes: usize) -> (usize, usize) {
    let n_quads = n_lanes / 4;
    (lane % 4 / n_quads * n_quads + lane / 4, lane % n_quads)
}

/// Factors within the four rows of a group.
pub(super) fn factors_within<V: Vector>(zero: V, group: usize, len: usize) -> Group<V> {
    let n_quads = V::LANES / 4;
    let row_theta = |row: usize| theta(4 * group + row, len / V::LANES);
    let quad_theta = |lane: usize| {
        let (row, quad) = place_of(lane, V::LANES);
        theta((4 * group + row) * n_quads + quad, len / 4)
    };
    let across_quads = if n_quads == 4 {
        [2.0, 4.0].map(|n| by_lane(zero, |lane| root(row_theta(lane / 4) / n)))
    } else {
        // One factor for each pair of rows.
        [0, 2].map(|first| by_lane(zero, |lane| root(row_theta(first + lane / 4) / 2.0)))
    };
    let within_quads = [2.0, 4.0].map(|n| by_lane(zero, |lane| root(quad_theta(lane) / n)));
    [across_quads[0], across_quads[1], within_quads[0], within_quads[1]]
}
