//! Vectors of one set of instructions, for kernels that shuffle lanes or must not be left to the compiler.

use super::Kernel;
use rangegate_core::Complex32;
use std::ops::{Add, Mul, Sub};

/// One register of `f32`.
///
/// The first vector comes from [`detect`](Self::detect), all others from one that is there already: whoever holds a
/// vector has the machine for it. Lanes are counted in quads of four, [`LANES`](Self::LANES)` / 4` of them.
pub(crate) trait Vector:
    Copy + Send + Sync + 'static + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self>
{
    /// Numbers in a vector: 4, 8 or 16.
    const LANES: usize;

    /// Zeros, on a machine that has the instructions.
    fn detect() -> Option<Self>;

    /// Runs a kernel in code that is compiled for the instructions.
    fn run<K: Kernel>(self, kernel: K) -> K::Output;

    /// `x` in every lane.
    fn splat(self, x: f32) -> Self;

    /// The numbers of a slice of `LANES`.
    fn load(self, from: &[f32]) -> Self;

    /// The lanes into a slice of `LANES`.
    fn store(self, to: &mut [f32]);

    /// `self·b + c`
    fn mul_add(self, b: Self, c: Self) -> Self;

    /// `c − self·b`
    fn mul_sub_from(self, b: Self, c: Self) -> Self;

    /// `self·b − c`
    fn mul_sub(self, b: Self, c: Self) -> Self;

    /// Brings the same quad of several vectors together in one. Done twice it changes nothing.
    ///
    /// With four quads a vector, quad `q` of vector `k` and quad `k` of vector `q` change places; with two, the same
    /// in the first pair of vectors and in the second; with one, nothing does.
    fn transpose_quads(x: [Self; 4]) -> [Self; 4];

    /// In each quad, lane `l` of vector `k` and lane `k` of vector `l` change places.
    fn transpose_lanes(x: [Self; 4]) -> [Self; 4];

    /// Pairs of `i8`, over 2⁷.
    fn read_cs8(self, from: &[[u8; 2]]) -> ComplexVector<Self>;

    /// Pairs of little-endian `i16`, over 2¹⁵.
    fn read_cs16(self, from: &[[u8; 4]]) -> ComplexVector<Self>;

    /// Pairs of little-endian `f32`.
    fn read_cf32(self, from: &[[u8; 8]]) -> ComplexVector<Self>;

    /// `[re, im]` of each lane.
    fn interleave(x: ComplexVector<Self>, to: &mut [Complex32]);

    /// As [`interleave`](Self::interleave), past the caches: for what is not read soon. To the beginning of a cache line.
    fn interleave_past_caches(x: ComplexVector<Self>, to: &mut [Complex32]);
}

/// Bytes of a cache line, and of the widest vector.
pub(crate) const LINE: usize = 64;

/// One complex number a lane.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ComplexVector<V> {
    pub(crate) re: V,
    pub(crate) im: V,
}

impl<V: Vector> ComplexVector<V> {
    /// `x` in every lane.
    #[inline(always)]
    pub(crate) fn splat(like: V, x: Complex32) -> Self {
        Self { re: like.splat(x.re), im: like.splat(x.im) }
    }

    /// `self·w`
    #[inline(always)]
    pub(crate) fn times(self, w: Self) -> Self {
        Self { re: self.im.mul_sub_from(w.im, self.re * w.re), im: self.im.mul_add(w.re, self.re * w.im) }
    }

    /// `|self|²`
    #[inline(always)]
    pub(crate) fn norm_sqr(self) -> V {
        self.re.mul_add(self.re, self.im * self.im)
    }

    /// [`Vector::transpose_quads`] of real and of imaginary parts.
    #[inline(always)]
    pub(crate) fn transpose_quads(x: [Self; 4]) -> [Self; 4] {
        let [re, im] = Self::apart(x);
        Self::together(V::transpose_quads(re), V::transpose_quads(im))
    }

    /// [`Vector::transpose_lanes`] of real and of imaginary parts.
    #[inline(always)]
    pub(crate) fn transpose_lanes(x: [Self; 4]) -> [Self; 4] {
        let [re, im] = Self::apart(x);
        Self::together(V::transpose_lanes(re), V::transpose_lanes(im))
    }

    #[inline(always)]
    fn apart([a, b, c, d]: [Self; 4]) -> [[V; 4]; 2] {
        [[a.re, b.re, c.re, d.re], [a.im, b.im, c.im, d.im]]
    }

    #[inline(always)]
    fn together(re: [V; 4], im: [V; 4]) -> [Self; 4] {
        let [a, b, c, d] = re;
        [
            Self { re: a, im: im[0] },
            Self { re: b, im: im[1] },
            Self { re: c, im: im[2] },
            Self { re: d, im: im[3] },
        ]
    }
}
