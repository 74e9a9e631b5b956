//! NEON of 64-bit ARM, which every such processor has.
#![allow(unsafe_code)]

use super::Kernel;
use super::vector::{ComplexVector, Vector};
use rangegate_core::Complex32;
use std::arch::aarch64::*;
use std::ops::{Add, Mul, Sub};

/// Eight numbers in two registers: there are 32 of them, so that plans for eight lanes find as many vectors as AVX2 has.
///
/// NEON is part of every 64-bit ARM that this is compiled for: every `unsafe` below that asks for it may rely on it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Neon([float32x4_t; 2]);

impl Neon {
    #[inline(always)]
    fn by_half(self, b: Self, f: impl Fn(float32x4_t, float32x4_t) -> float32x4_t) -> Self {
        Self([f(self.0[0], b.0[0]), f(self.0[1], b.0[1])])
    }
}

impl Add for Neon {
    type Output = Self;

    #[inline(always)]
    fn add(self, b: Self) -> Self {
        // SAFETY: see the type.
        self.by_half(b, |a, b| unsafe { vaddq_f32(a, b) })
    }
}

impl Sub for Neon {
    type Output = Self;

    #[inline(always)]
    fn sub(self, b: Self) -> Self {
        // SAFETY: see the type.
        self.by_half(b, |a, b| unsafe { vsubq_f32(a, b) })
    }
}

impl Mul for Neon {
    type Output = Self;

    #[inline(always)]
    fn mul(self, b: Self) -> Self {
        // SAFETY: see the type.
        self.by_half(b, |a, b| unsafe { vmulq_f32(a, b) })
    }
}

/// Eight `i16` over `2^BITS`.
#[inline(always)]
fn fractions<const BITS: i32>(x: int16x8_t) -> Neon {
    // SAFETY: see the type.
    unsafe {
        let low = vmovl_s16(vget_low_s16(x));
        Neon([vcvtq_n_f32_s32::<BITS>(low), vcvtq_n_f32_s32::<BITS>(vmovl_high_s16(x))])
    }
}

/// In a quad, lane `l` of vector `k` and lane `k` of vector `l` change places.
#[inline(always)]
fn transposed([a, b, c, d]: [float32x4_t; 4]) -> [float32x4_t; 4] {
    // SAFETY: see the type.
    unsafe {
        let even_ab = vreinterpretq_f64_f32(vtrn1q_f32(a, b));
        let odd_ab = vreinterpretq_f64_f32(vtrn2q_f32(a, b));
        let even_cd = vreinterpretq_f64_f32(vtrn1q_f32(c, d));
        let odd_cd = vreinterpretq_f64_f32(vtrn2q_f32(c, d));
        [
            vreinterpretq_f32_f64(vtrn1q_f64(even_ab, even_cd)),
            vreinterpretq_f32_f64(vtrn1q_f64(odd_ab, odd_cd)),
            vreinterpretq_f32_f64(vtrn2q_f64(even_ab, even_cd)),
            vreinterpretq_f32_f64(vtrn2q_f64(odd_ab, odd_cd)),
        ]
    }
}

impl Vector for Neon {
    const LANES: usize = 8;

    fn detect() -> Option<Self> {
        // SAFETY: see the type.
        Some(Self([unsafe { vdupq_n_f32(0.0) }; 2]))
    }

    fn run<K: Kernel>(self, kernel: K) -> K::Output {
        kernel.run::<true>()
    }

    #[inline(always)]
    fn splat(self, x: f32) -> Self {
        // SAFETY: see the type.
        Self([unsafe { vdupq_n_f32(x) }; 2])
    }

    #[inline(always)]
    fn load(self, from: &[f32]) -> Self {
        assert!(from.len() == Self::LANES);
        // SAFETY: eight numbers, of any alignment.
        unsafe { Self([vld1q_f32(from.as_ptr()), vld1q_f32(from.as_ptr().add(4))]) }
    }

    #[inline(always)]
    fn store(self, to: &mut [f32]) {
        assert!(to.len() == Self::LANES);
        // SAFETY: room for eight numbers, of any alignment.
        unsafe {
            vst1q_f32(to.as_mut_ptr(), self.0[0]);
            vst1q_f32(to.as_mut_ptr().add(4), self.0[1]);
        }
    }

    #[inline(always)]
    fn mul_add(self, b: Self, c: Self) -> Self {
        // SAFETY: see the type.
        unsafe { Self([vfmaq_f32(c.0[0], self.0[0], b.0[0]), vfmaq_f32(c.0[1], self.0[1], b.0[1])]) }
    }

    #[inline(always)]
    fn mul_sub_from(self, b: Self, c: Self) -> Self {
        // SAFETY: see the type.
        unsafe { Self([vfmsq_f32(c.0[0], self.0[0], b.0[0]), vfmsq_f32(c.0[1], self.0[1], b.0[1])]) }
    }

    #[inline(always)]
    fn mul_sub(self, b: Self, c: Self) -> Self {
        // SAFETY: see the type.
        let minus = unsafe { Self([vnegq_f32(c.0[0]), vnegq_f32(c.0[1])]) };
        self.mul_add(b, minus)
    }

    #[inline(always)]
    fn transpose_quads([a, b, c, d]: [Self; 4]) -> [Self; 4] {
        [Self([a.0[0], b.0[0]]), Self([a.0[1], b.0[1]]), Self([c.0[0], d.0[0]]), Self([c.0[1], d.0[1]])]
    }

    #[inline(always)]
    fn transpose_lanes(x: [Self; 4]) -> [Self; 4] {
        let (low, high) = (transposed(x.map(|x| x.0[0])), transposed(x.map(|x| x.0[1])));
        [Self([low[0], high[0]]), Self([low[1], high[1]]), Self([low[2], high[2]]), Self([low[3], high[3]])]
    }

    #[inline(always)]
    fn read_cs8(self, from: &[[u8; 2]]) -> ComplexVector<Self> {
        assert!(from.len() == Self::LANES);
        // SAFETY: 16 bytes, of any alignment; and see the type.
        let (re, im) = unsafe {
            let parts = vld2_s8(from.as_ptr().cast());
            (vmovl_s8(parts.0), vmovl_s8(parts.1))
        };
        ComplexVector { re: fractions::<7>(re), im: fractions::<7>(im) }
    }

    #[inline(always)]
    fn read_cs16(self, from: &[[u8; 4]]) -> ComplexVector<Self> {
        assert!(from.len() == Self::LANES);
        // SAFETY: 32 bytes; the instruction asks for the alignment of a byte.
        let parts = unsafe { vld2q_s16(from.as_ptr().cast()) };
        ComplexVector { re: fractions::<15>(parts.0), im: fractions::<15>(parts.1) }
    }

    #[inline(always)]
    fn read_cf32(self, from: &[[u8; 8]]) -> ComplexVector<Self> {
        assert!(from.len() == Self::LANES);
        // SAFETY: 64 bytes; as above.
        let (low, high) = unsafe { (vld2q_f32(from.as_ptr().cast()), vld2q_f32(from[4..].as_ptr().cast())) };
        ComplexVector { re: Self([low.0, high.0]), im: Self([low.1, high.1]) }
    }

    #[inline(always)]
    fn interleave(x: ComplexVector<Self>, to: &mut [Complex32]) {
        assert!(to.len() == Self::LANES);
        let (low, high) = to.split_at_mut(4);
        // SAFETY: room for four complex numbers each, which are two `f32` each.
        unsafe {
            vst2q_f32(low.as_mut_ptr().cast(), float32x4x2_t(x.re.0[0], x.im.0[0]));
            vst2q_f32(high.as_mut_ptr().cast(), float32x4x2_t(x.re.0[1], x.im.0[1]));
        }
    }

    #[inline(always)]
    fn interleave_past_caches(x: ComplexVector<Self>, to: &mut [Complex32]) {
        // There is no intrinsic for stores past the caches.
        Self::interleave(x, to);
    }
}
