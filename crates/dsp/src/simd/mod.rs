//! Kernels compiled for the widest vectors of the machine they run on.
//!
//! A kernel is portable code: plain loops over arrays of [`LANES`] numbers, which the compiler turns into vector
//! instructions. It is compiled once for each set of instructions below, and [`run`] picks one when it runs. Whether
//! products and sums are fused differs between them, so the last bits of a result depend on the machine; on one
//! machine they never change.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod butterfly;
#[cfg(target_arch = "aarch64")]
mod neon;
mod vector;

#[cfg(target_arch = "x86_64")]
pub(crate) use avx2::Avx2;
#[cfg(target_arch = "x86_64")]
pub(crate) use avx512::Avx512;
pub(crate) use butterfly::{product, radix_2, radix_4, radix_8, radix_16};
#[cfg(target_arch = "aarch64")]
pub(crate) use neon::Neon;
pub(crate) use vector::{ComplexVector, LINE, Vector};

use rangegate_core::Complex32;

/// Numbers that kernels handle together: one AVX-512 register, two of AVX2, four of NEON.
pub(crate) const LANES: usize = 16;

/// One number of each lane.
pub(crate) type Lanes = [f32; LANES];

/// Real and imaginary parts of one complex number of each lane.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(crate) struct ComplexLanes {
    pub(crate) re: Lanes,
    pub(crate) im: Lanes,
}

impl ComplexLanes {
    pub(crate) const ZERO: Self = Self { re: [0.0; LANES], im: [0.0; LANES] };
}

/// Numbers next to each other, times `factor`, to lanes.
///
/// Compilers make masked loads of the loop, each of them across two cache lines.
#[allow(unsafe_code)]
#[inline(always)]
pub(crate) fn scaled_lanes(x: &[Complex32; LANES], factor: f32, wide: Option<Wide>) -> ComplexLanes {
    #[cfg(target_arch = "x86_64")]
    if wide.is_some() {
        // SAFETY: there is a `Wide` only where the machine has every feature that the function is compiled for.
        return unsafe { scaled_lanes_avx512(x, factor) };
    }
    let _ = wide;
    let mut lanes = ComplexLanes::ZERO;
    for (x, (re, im)) in x.iter().zip(lanes.re.iter_mut().zip(&mut lanes.im)) {
        (*re, *im) = (x.re * factor, x.im * factor);
    }
    lanes
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
#[inline]
#[allow(unsafe_code)]
fn scaled_lanes_avx512(x: &[Complex32; LANES], factor: f32) -> ComplexLanes {
    use std::arch::x86_64::*;
    let even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    let odd = _mm512_add_epi32(even, _mm512_set1_epi32(1));
    let factor = _mm512_set1_ps(factor);
    let mut lanes = ComplexLanes::ZERO;
    let from = x.as_ptr().cast::<f32>();
    // SAFETY: a complex number is two floats, so that there are 32 of them at `from`; 16 are at each of the arrays.
    unsafe {
        let (low, high) = (_mm512_loadu_ps(from), _mm512_loadu_ps(from.add(LANES)));
        let re = _mm512_mul_ps(_mm512_permutex2var_ps(low, even, high), factor);
        let im = _mm512_mul_ps(_mm512_permutex2var_ps(low, odd, high), factor);
        _mm512_storeu_ps(lanes.re.as_mut_ptr(), re);
        _mm512_storeu_ps(lanes.im.as_mut_ptr(), im);
    }
    lanes
}

/// What [`run`] runs. It and all that it calls must be `#[inline(always)]`, or it is not compiled for the vectors.
pub(crate) trait Kernel {
    type Output;

    /// Runs it; `FMA` says whether the machine has an instruction for `a·b + c`.
    fn run<const FMA: bool>(self) -> Self::Output;
}

/// `a·b + c`, rounded once where the machine can do that.
#[inline(always)]
pub(crate) fn multiply_add<const FMA: bool>(a: f32, b: f32, c: f32) -> f32 {
    // Without the instruction, `mul_add` is a slow function call.
    if FMA { a.mul_add(b, c) } else { a * b + c }
}

/// Proof that the machine has AVX-512.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wide(());

impl Wide {
    /// Asks the machine.
    pub(crate) fn detect() -> Option<Self> {
        #[cfg(target_arch = "x86_64")]
        return has_avx512().then_some(Self(()));
        #[cfg(not(target_arch = "x86_64"))]
        None
    }
}

#[cfg(target_arch = "x86_64")]
fn has_avx512() -> bool {
    use std::arch::is_x86_feature_detected as has;
    has!("avx512f") && has!("avx512bw") && has!("avx512dq") && has!("avx512vl")
}

#[cfg(target_arch = "x86_64")]
fn has_avx2() -> bool {
    use std::arch::is_x86_feature_detected as has;
    has!("avx2") && has!("fma")
}

/// Asks for the cache line of `data[at]`, which need not be there. Changes nothing but the time that reading takes.
#[allow(unsafe_code)]
#[inline(always)]
pub(crate) fn prefetch<T>(data: &[T], at: usize) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
        // SAFETY: the instruction accesses no memory that a program could see, and does not fault, wherever it points.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(data.as_ptr().wrapping_add(at).cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (data, at);
}

/// As [`prefetch`], for a line that will be written.
#[allow(unsafe_code)]
#[inline(always)]
pub(crate) fn prefetch_write<T>(data: &[T], at: usize) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_ET0, _mm_prefetch};
        // SAFETY: as above.
        unsafe { _mm_prefetch::<_MM_HINT_ET0>(data.as_ptr().wrapping_add(at).cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (data, at);
}

/// Waits for what was written past the caches, which nobody else may see before.
#[allow(unsafe_code)]
pub(crate) fn fence() {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: the instruction is part of every x86-64 and accesses no memory.
    unsafe {
        std::arch::x86_64::_mm_sfence();
    }
}

/// Runs a kernel with the widest vectors there are.
#[allow(unsafe_code)]
pub(crate) fn run<K: Kernel>(kernel: K) -> K::Output {
    #[cfg(target_arch = "x86_64")]
    {
        if has_avx512() {
            // SAFETY: the machine was just asked for every feature that the function is compiled for.
            return unsafe { run_avx512(kernel) };
        }
        if has_avx2() {
            // SAFETY: as above.
            return unsafe { run_avx2(kernel) };
        }
    }
    // Every 64-bit ARM has the instruction.
    if cfg!(target_arch = "aarch64") { kernel.run::<true>() } else { kernel.run::<false>() }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn run_avx512<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<true>()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn run_avx2<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<true>()
}
