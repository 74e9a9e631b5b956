//! Transforms of `R` vectors in registers, lane by lane, from one butterfly: `u = a + w·b`, `v = a − w·b = 2a − u`.
//!
//! Forward is reduction of a polynomial: modulo `uⁿ − z` is first made modulo `u^(n/2) − √z` and `u^(n/2) + √z`, and so
//! on, which leaves frequencies in bit-reversed order. A level has one factor `w` for each pair of blocks, whose second
//! takes `−j·w`. Backward is decimation in time from that order: a level has one `w` for each position in half a
//! block, and the other half takes `+j·w`. Either way a transform of `R` has `R / 2` factors: one of the first level,
//! one of the second, two of the third, four of the fourth.

use crate::simd::{ComplexVector, Vector};
use rangegate_core::Complex32;

type C<V> = ComplexVector<V>;

/// Four rows of vectors.
pub(super) type Group<V> = [C<V>; 4];

/// Factors of a transform in the order above. `None` is 1.
///
/// Not closures: those are only inlined if the compiler likes to, and a call from code for these vectors costs dozens of
/// cycles.
pub(super) trait Factors<V> {
    fn get(&self, k: usize) -> Option<C<V>>;
}

/// All of them 1.
pub(super) struct Ones;

impl<V: Vector> Factors<V> for Ones {
    #[inline(always)]
    fn get(&self, _: usize) -> Option<C<V>> {
        None
    }
}

/// Of a block: the same in all lanes.
pub(super) struct OfBlock<'a, V>(pub(super) V, pub(super) &'a [Complex32]);

impl<V: Vector> Factors<V> for OfBlock<'_, V> {
    #[inline(always)]
    fn get(&self, k: usize) -> Option<C<V>> {
        Some(C::splat(self.0, self.1[k]))
    }
}

/// Of the first block, most of which are 1.
pub(super) struct OfFirstBlock<V>(pub(super) V);

impl<V: Vector> Factors<V> for OfFirstBlock<V> {
    #[inline(always)]
    fn get(&self, k: usize) -> Option<C<V>> {
        /// cos(π/4), cos(π/8) and sin(π/8).
        const C8: f32 = std::f32::consts::FRAC_1_SQRT_2;
        const C16: f32 = 0.923_879_5;
        const S16: f32 = 0.382_683_43;
        let (re, im) = match k {
            3 | 5 => (C8, -C8),
            6 => (C16, -S16),
            7 => (S16, -C16),
            _ => return None,
        };
        Some(C::splat(self.0, Complex32 { re, im }))
    }
}

/// By lane.
impl<V: Vector> Factors<V> for &[C<V>] {
    #[inline(always)]
    fn get(&self, k: usize) -> Option<C<V>> {
        Some(self[k])
    }
}

/// What a factor is turned by.
#[derive(Clone, Copy)]
enum Turn {
    /// 1
    None,
    /// −j
    Back,
    /// j
    On,
}

/// `x[a] + w·x[b]` and `x[a] − w·x[b]`, where `w` is turned.
#[inline(always)]
fn butterfly<V: Vector, const R: usize>(x: &mut [C<V>; R], [a, b]: [usize; 2], turn: Turn, w: Option<C<V>>) {
    let (C { re, im }, b_in) = (x[a], x[b]);
    let Some(w) = w else {
        let (plus_re, plus_im) = (re + b_in.re, im + b_in.im);
        let (minus_re, minus_im) = (re - b_in.re, im - b_in.im);
        let (crossed, crossed_back) = ((re + b_in.im, im - b_in.re), (re - b_in.im, im + b_in.re));
        let (sum, difference) = match turn {
            Turn::None => ((plus_re, plus_im), (minus_re, minus_im)),
            Turn::Back => (crossed, crossed_back),
            Turn::On => (crossed_back, crossed),
        };
        x[a] = C { re: sum.0, im: sum.1 };
        x[b] = C { re: difference.0, im: difference.1 };
        return;
    };
    let C { re: b_re, im: b_im } = b_in;
    let sum = match turn {
        Turn::None => C {
            re: w.im.mul_sub_from(b_im, w.re.mul_add(b_re, re)),
            im: w.im.mul_add(b_re, w.re.mul_add(b_im, im)),
        },
        Turn::Back => C {
            re: w.im.mul_add(b_re, w.re.mul_add(b_im, re)),
            im: w.im.mul_add(b_im, w.re.mul_sub_from(b_re, im)),
        },
        Turn::On => C {
            re: w.im.mul_sub_from(b_re, w.re.mul_sub_from(b_im, re)),
            im: w.im.mul_sub_from(b_im, w.re.mul_add(b_re, im)),
        },
    };
    let two = re.splat(2.0);
    x[a] = sum;
    x[b] = C { re: two.mul_sub(re, sum.re), im: two.mul_sub(im, sum.im) };
}

/// One level of the forward transform, in blocks of `2·HALF`.
#[inline(always)]
fn split_level<V: Vector, const R: usize, const HALF: usize>(x: &mut [C<V>; R], w: &impl Factors<V>) {
    let n_pairs = R / (4 * HALF);
    if n_pairs == 0 {
        let w = w.get(0);
        for k in 0..HALF {
            butterfly(x, [k, k + HALF], Turn::None, w);
        }
    }
    for pair in 0..n_pairs {
        let (w, first) = (w.get(n_pairs + pair), 4 * HALF * pair);
        for k in first..first + HALF {
            butterfly(x, [k, k + HALF], Turn::None, w);
            butterfly(x, [k + 2 * HALF, k + 3 * HALF], Turn::Back, w);
        }
    }
}

/// One level of the backward transform, from blocks of `HALF` to blocks of twice that.
#[inline(always)]
fn merge_level<V: Vector, const R: usize, const HALF: usize>(x: &mut [C<V>; R], w: &impl Factors<V>) {
    if HALF == 1 {
        let w = w.get(0);
        for block in 0..R / 2 {
            butterfly(x, [2 * block, 2 * block + 1], Turn::None, w);
        }
    }
    for k in 0..HALF / 2 {
        let w = w.get(HALF / 2 + k);
        for block in 0..R / (2 * HALF) {
            let k = 2 * HALF * block + k;
            butterfly(x, [k, k + HALF], Turn::None, w);
            butterfly(x, [k + HALF / 2, k + HALF + HALF / 2], Turn::On, w);
        }
    }
}

/// Forward transform of `R`, a power of two up to 16.
#[inline(always)]
pub(super) fn split<V: Vector, const R: usize>(x: &mut [C<V>; R], w: &impl Factors<V>) {
    if R == 16 {
        split_level::<V, R, 8>(x, w);
    }
    if R >= 8 {
        split_level::<V, R, 4>(x, w);
    }
    if R >= 4 {
        split_level::<V, R, 2>(x, w);
    }
    split_level::<V, R, 1>(x, w);
}

/// Backward transform of `R`, a power of two up to 16.
#[inline(always)]
pub(super) fn merge<V: Vector, const R: usize>(x: &mut [C<V>; R], w: &impl Factors<V>) {
    merge_level::<V, R, 1>(x, w);
    if R >= 4 {
        merge_level::<V, R, 2>(x, w);
    }
    if R >= 8 {
        merge_level::<V, R, 4>(x, w);
    }
    if R == 16 {
        merge_level::<V, R, 8>(x, w);
    }
}

/// Two transforms of two, forward or backward.
#[inline(always)]
pub(super) fn in_pairs<V: Vector>(x: &mut Group<V>, w: [C<V>; 2]) {
    butterfly(x, [0, 1], Turn::None, Some(w[0]));
    butterfly(x, [2, 3], Turn::None, Some(w[1]));
}
