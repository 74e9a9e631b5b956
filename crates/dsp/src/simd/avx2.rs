//! AVX2 with FMA.
#![allow(unsafe_code)]

use super::Kernel;
use super::vector::{ComplexVector, LINE, Vector};
use rangegate_core::Complex32;
use std::arch::x86_64::*;
use std::ops::{Add, Mul, Sub};

/// Eight numbers. Exists only where [`Vector::detect`] found AVX2 and FMA: the field is private, no
/// function makes one from nothing, and so every `unsafe` below that asks for these features may rely on them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Avx2(__m256);

impl Add for Avx2 {
    type Output = Self;

    #[inline(always)]
    fn add(self, b: Self) -> Self {
        // SAFETY: see the type.
        Self(unsafe { _mm256_add_ps(self.0, b.0) })
    }
}

impl Sub for Avx2 {
    type Output = Self;

    #[inline(always)]
    fn sub(self, b: Self) -> Self {
        // SAFETY: see the type.
        Self(unsafe { _mm256_sub_ps(self.0, b.0) })
    }
}

impl Mul for Avx2 {
    type Output = Self;

    #[inline(always)]
    fn mul(self, b: Self) -> Self {
        // SAFETY: see the type.
        Self(unsafe { _mm256_mul_ps(self.0, b.0) })
    }
}

/// Pairs of `i16`, each a lane of 32 bits, to complex numbers.
///
/// # Safety
/// The machine has AVX2.
#[inline(always)]
unsafe fn from_pairs(pairs: __m256i, scale: f32) -> ComplexVector<Avx2> {
    // SAFETY: the caller's promise.
    unsafe {
        let scale = _mm256_set1_ps(scale);
        let (re, im) =
            (_mm256_srai_epi32::<16>(_mm256_slli_epi32::<16>(pairs)), _mm256_srai_epi32::<16>(pairs));
        ComplexVector {
            re: Avx2(_mm256_mul_ps(_mm256_cvtepi32_ps(re), scale)),
            im: Avx2(_mm256_mul_ps(_mm256_cvtepi32_ps(im), scale)),
        }
    }
}

impl Vector for Avx2 {
    const LANES: usize = 8;

    fn detect() -> Option<Self> {
        // SAFETY: the machine is asked first.
        super::has_avx2().then(|| Self(unsafe { _mm256_setzero_ps() }))
    }

    fn run<K: Kernel>(self, kernel: K) -> K::Output {
        // SAFETY: see the type.
        unsafe { super::run_avx2(kernel) }
    }

    #[inline(always)]
    fn splat(self, x: f32) -> Self {
        // SAFETY: see the type.
        Self(unsafe { _mm256_set1_ps(x) })
    }

    #[inline(always)]
    fn load(self, from: &[f32]) -> Self {
        assert!(from.len() == Self::LANES);
        // SAFETY: eight numbers, of any alignment; and see the type.
        Self(unsafe { _mm256_loadu_ps(from.as_ptr()) })
    }

    #[inline(always)]
    fn store(self, to: &mut [f32]) {
        assert!(to.len() == Self::LANES);
        // SAFETY: room for eight numbers, of any alignment; and see the type.
        unsafe { _mm256_storeu_ps(to.as_mut_ptr(), self.0) };
    }

    #[inline(always)]
    fn mul_add(self, b: Self, c: Self) -> Self {
        // SAFETY: see the type.
        Self(unsafe { _mm256_fmadd_ps(self.0, b.0, c.0) })
    }

    #[inline(always)]
    fn mul_sub_from(self, b: Self, c: Self) -> Self {
        // SAFETY: see the type.
        Self(unsafe { _mm256_fnmadd_ps(self.0, b.0, c.0) })
    }

    #[inline(always)]
    fn mul_sub(self, b: Self, c: Self) -> Self {
        // SAFETY: see the type.
        Self(unsafe { _mm256_fmsub_ps(self.0, b.0, c.0) })
    }

    #[inline(always)]
    fn transpose_quads([a, b, c, d]: [Self; 4]) -> [Self; 4] {
        const LOW: i32 = 0x20;
        const HIGH: i32 = 0x31;
        // SAFETY: see the type.
        unsafe {
            [
                Self(_mm256_permute2f128_ps::<LOW>(a.0, b.0)),
                Self(_mm256_permute2f128_ps::<HIGH>(a.0, b.0)),
                Self(_mm256_permute2f128_ps::<LOW>(c.0, d.0)),
                Self(_mm256_permute2f128_ps::<HIGH>(c.0, d.0)),
            ]
        }
    }

    #[inline(always)]
    fn transpose_lanes([a, b, c, d]: [Self; 4]) -> [Self; 4] {
        // SAFETY: see the type.
        unsafe {
            let low_ab = _mm256_castps_pd(_mm256_unpacklo_ps(a.0, b.0));
            let high_ab = _mm256_castps_pd(_mm256_unpackhi_ps(a.0, b.0));
            let low_cd = _mm256_castps_pd(_mm256_unpacklo_ps(c.0, d.0));
            let high_cd = _mm256_castps_pd(_mm256_unpackhi_ps(c.0, d.0));
            [
                Self(_mm256_castpd_ps(_mm256_unpacklo_pd(low_ab, low_cd))),
                Self(_mm256_castpd_ps(_mm256_unpackhi_pd(low_ab, low_cd))),
                Self(_mm256_castpd_ps(_mm256_unpacklo_pd(high_ab, high_cd))),
                Self(_mm256_castpd_ps(_mm256_unpackhi_pd(high_ab, high_cd))),
            ]
        }
    }

    #[inline(always)]
    fn read_cs8(self, from: &[[u8; 2]]) -> ComplexVector<Self> {
        assert!(from.len() == Self::LANES);
        // SAFETY: 16 bytes, of any alignment; and see the type.
        unsafe {
            let bytes = _mm_loadu_si128(from.as_ptr().cast());
            from_pairs(_mm256_cvtepi8_epi16(bytes), 1.0 / (1 << 7) as f32)
        }
    }

    #[inline(always)]
    fn read_cs16(self, from: &[[u8; 4]]) -> ComplexVector<Self> {
        assert!(from.len() == Self::LANES);
        // SAFETY: 32 bytes, of any alignment; and see the type.
        unsafe { from_pairs(_mm256_loadu_si256(from.as_ptr().cast()), 1.0 / (1 << 15) as f32) }
    }

    #[inline(always)]
    fn read_cf32(self, from: &[[u8; 8]]) -> ComplexVector<Self> {
        assert!(from.len() == Self::LANES);
        // Two numbers of the one vector, two of the other, in each quad; then quads of four of one.
        const EVEN: i32 = 0b10_00_10_00;
        const ODD: i32 = 0b11_01_11_01;
        const MIDDLE_SWAPPED: i32 = 0b11_01_10_00;
        // SAFETY: 64 bytes, of any alignment; and see the type.
        unsafe {
            let (a, b) = (_mm256_loadu_ps(from.as_ptr().cast()), _mm256_loadu_ps(from[4..].as_ptr().cast()));
            let re = _mm256_castps_pd(_mm256_shuffle_ps::<EVEN>(a, b));
            let im = _mm256_castps_pd(_mm256_shuffle_ps::<ODD>(a, b));
            ComplexVector {
                re: Self(_mm256_castpd_ps(_mm256_permute4x64_pd::<MIDDLE_SWAPPED>(re))),
                im: Self(_mm256_castpd_ps(_mm256_permute4x64_pd::<MIDDLE_SWAPPED>(im))),
            }
        }
    }

    #[inline(always)]
    fn interleave(x: ComplexVector<Self>, to: &mut [Complex32]) {
        assert!(to.len() == Self::LANES);
        let (low, high) = bytemuck::cast_slice_mut(to).split_at_mut(Self::LANES);
        let [first, second] = interleaved(x);
        first.store(low);
        second.store(high);
    }

    #[inline(always)]
    fn interleave_past_caches(x: ComplexVector<Self>, to: &mut [Complex32]) {
        let to = to.as_mut_ptr_range();
        assert!(to.end as usize - to.start as usize == LINE && (to.start as usize).is_multiple_of(LINE));
        let [first, second] = interleaved(x);
        // SAFETY: the memory of two vectors, the first of which begins where a line does; and see the type.
        unsafe {
            _mm256_stream_ps(to.start.cast(), first.0);
            _mm256_stream_ps(to.start.cast::<f32>().add(Self::LANES), second.0);
        }
    }
}

/// `[re, im]` of the lower lanes, and of the upper.
#[inline(always)]
fn interleaved(x: ComplexVector<Avx2>) -> [Avx2; 2] {
    // SAFETY: see the type.
    unsafe {
        let (lower, upper) = (_mm256_unpacklo_ps(x.re.0, x.im.0), _mm256_unpackhi_ps(x.re.0, x.im.0));
        [
            Avx2(_mm256_permute2f128_ps::<0x20>(lower, upper)),
            Avx2(_mm256_permute2f128_ps::<0x31>(lower, upper)),
        ]
    }
}
