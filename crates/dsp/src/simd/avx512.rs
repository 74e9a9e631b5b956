//! AVX-512.
#![allow(unsafe_code)]

use super::Kernel;
use super::vector::{ComplexVector, LINE, Vector};
use rangegate_core::Complex32;
use std::arch::x86_64::*;
use std::ops::{Add, Mul, Sub};

/// Sixteen numbers. Exists only where [`Vector::detect`] found AVX-512 F, BW, DQ and VL: the field is private, no
/// function makes one from nothing, and so every `unsafe` below that asks for these features may rely on them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Avx512(__m512);

impl Add for Avx512 {
    type Output = Self;

    #[inline(always)]
    fn add(self, b: Self) -> Self {
        // SAFETY: see the type.
        Self(unsafe { _mm512_add_ps(self.0, b.0) })
    }
}

impl Sub for Avx512 {
    type Output = Self;

    #[inline(always)]
    fn sub(self, b: Self) -> Self {
        // SAFETY: see the type.
        Self(unsafe { _mm512_sub_ps(self.0, b.0) })
    }
}

impl Mul for Avx512 {
    type Output = Self;

    #[inline(always)]
    fn mul(self, b: Self) -> Self {
        // SAFETY: see the type.
        Self(unsafe { _mm512_mul_ps(self.0, b.0) })
    }
}

/// Pairs of `i16`, each a lane of 32 bits, to complex numbers.
///
/// # Safety
/// The machine has AVX-512 F.
#[inline(always)]
unsafe fn from_pairs(pairs: __m512i, scale: f32) -> ComplexVector<Avx512> {
    // SAFETY: the caller's promise.
    unsafe {
        let scale = _mm512_set1_ps(scale);
        let (re, im) =
            (_mm512_srai_epi32::<16>(_mm512_slli_epi32::<16>(pairs)), _mm512_srai_epi32::<16>(pairs));
        ComplexVector {
            re: Avx512(_mm512_mul_ps(_mm512_cvtepi32_ps(re), scale)),
            im: Avx512(_mm512_mul_ps(_mm512_cvtepi32_ps(im), scale)),
        }
    }
}

impl Vector for Avx512 {
    const LANES: usize = 16;

    fn detect() -> Option<Self> {
        // SAFETY: the machine is asked first.
        super::has_avx512().then(|| Self(unsafe { _mm512_setzero_ps() }))
    }

    fn run<K: Kernel>(self, kernel: K) -> K::Output {
        // SAFETY: see the type.
        unsafe { super::run_avx512(kernel) }
    }

    #[inline(always)]
    fn splat(self, x: f32) -> Self {
        // SAFETY: see the type.
        Self(unsafe { _mm512_set1_ps(x) })
    }

    #[inline(always)]
    fn load(self, from: &[f32]) -> Self {
        assert!(from.len() == Self::LANES);
        // SAFETY: sixteen numbers, of any alignment; and see the type.
        Self(unsafe { _mm512_loadu_ps(from.as_ptr()) })
    }

    #[inline(always)]
    fn store(self, to: &mut [f32]) {
        assert!(to.len() == Self::LANES);
        // SAFETY: room for sixteen numbers, of any alignment; and see the type.
        unsafe { _mm512_storeu_ps(to.as_mut_ptr(), self.0) };
    }

    #[inline(always)]
    fn mul_add(self, b: Self, c: Self) -> Self {
        // SAFETY: see the type.
        Self(unsafe { _mm512_fmadd_ps(self.0, b.0, c.0) })
    }

    #[inline(always)]
    fn mul_sub_from(self, b: Self, c: Self) -> Self {
        // SAFETY: see the type.
        Self(unsafe { _mm512_fnmadd_ps(self.0, b.0, c.0) })
    }

    #[inline(always)]
    fn mul_sub(self, b: Self, c: Self) -> Self {
        // SAFETY: see the type.
        Self(unsafe { _mm512_fmsub_ps(self.0, b.0, c.0) })
    }

    #[inline(always)]
    fn transpose_quads([a, b, c, d]: [Self; 4]) -> [Self; 4] {
        // Quads 0 and 2 of two vectors, and quads 1 and 3.
        const EVEN: i32 = 0b10_00_10_00;
        const ODD: i32 = 0b11_01_11_01;
        // SAFETY: see the type.
        unsafe {
            let (even_ab, odd_ab) =
                (_mm512_shuffle_f32x4::<EVEN>(a.0, b.0), _mm512_shuffle_f32x4::<ODD>(a.0, b.0));
            let (even_cd, odd_cd) =
                (_mm512_shuffle_f32x4::<EVEN>(c.0, d.0), _mm512_shuffle_f32x4::<ODD>(c.0, d.0));
            [
                Self(_mm512_shuffle_f32x4::<EVEN>(even_ab, even_cd)),
                Self(_mm512_shuffle_f32x4::<EVEN>(odd_ab, odd_cd)),
                Self(_mm512_shuffle_f32x4::<ODD>(even_ab, even_cd)),
                Self(_mm512_shuffle_f32x4::<ODD>(odd_ab, odd_cd)),
            ]
        }
    }

    #[inline(always)]
    fn transpose_lanes([a, b, c, d]: [Self; 4]) -> [Self; 4] {
        // SAFETY: see the type.
        unsafe {
            let low_ab = _mm512_castps_pd(_mm512_unpacklo_ps(a.0, b.0));
            let high_ab = _mm512_castps_pd(_mm512_unpackhi_ps(a.0, b.0));
            let low_cd = _mm512_castps_pd(_mm512_unpacklo_ps(c.0, d.0));
            let high_cd = _mm512_castps_pd(_mm512_unpackhi_ps(c.0, d.0));
            [
                Self(_mm512_castpd_ps(_mm512_unpacklo_pd(low_ab, low_cd))),
                Self(_mm512_castpd_ps(_mm512_unpackhi_pd(low_ab, low_cd))),
                Self(_mm512_castpd_ps(_mm512_unpacklo_pd(high_ab, high_cd))),
                Self(_mm512_castpd_ps(_mm512_unpackhi_pd(high_ab, high_cd))),
            ]
        }
    }

    #[inline(always)]
    fn read_cs8(self, from: &[[u8; 2]]) -> ComplexVector<Self> {
        assert!(from.len() == Self::LANES);
        // SAFETY: 32 bytes, of any alignment; and see the type.
        unsafe {
            let bytes = _mm256_loadu_si256(from.as_ptr().cast());
            from_pairs(_mm512_cvtepi8_epi16(bytes), 1.0 / (1 << 7) as f32)
        }
    }

    #[inline(always)]
    fn read_cs16(self, from: &[[u8; 4]]) -> ComplexVector<Self> {
        assert!(from.len() == Self::LANES);
        // SAFETY: 64 bytes, of any alignment; and see the type.
        unsafe { from_pairs(_mm512_loadu_si512(from.as_ptr().cast()), 1.0 / (1 << 15) as f32) }
    }

    #[inline(always)]
    fn read_cf32(self, from: &[[u8; 8]]) -> ComplexVector<Self> {
        assert!(from.len() == Self::LANES);
        // SAFETY: 128 bytes, of any alignment; and see the type.
        unsafe {
            let (a, b) = (_mm512_loadu_ps(from.as_ptr().cast()), _mm512_loadu_ps(from[8..].as_ptr().cast()));
            let even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
            let odd = _mm512_setr_epi32(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
            ComplexVector {
                re: Self(_mm512_permutex2var_ps(a, even, b)),
                im: Self(_mm512_permutex2var_ps(a, odd, b)),
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
        assert!(to.end as usize - to.start as usize == 2 * LINE && (to.start as usize).is_multiple_of(LINE));
        let [first, second] = interleaved(x);
        // SAFETY: two lines of memory, the first of which begins where one does; and see the type.
        unsafe {
            _mm512_stream_ps(to.start.cast(), first.0);
            _mm512_stream_ps(to.start.cast::<f32>().add(Self::LANES), second.0);
        }
    }
}

/// `[re, im]` of the lower lanes, and of the upper.
#[inline(always)]
fn interleaved(x: ComplexVector<Avx512>) -> [Avx512; 2] {
    // SAFETY: see the type.
    unsafe {
        let lower = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
        let upper = _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
        [lower, upper].map(|order| Avx512(_mm512_permutex2var_ps(x.re.0, order, x.im.0)))
    }
}
