//! Transforms of a few numbers, for one lane.

use super::multiply_add;
use rangegate_core::Complex32;

/// x·y.
#[inline(always)]
pub(crate) fn product<const FMA: bool>(x: Complex32, y: Complex32) -> Complex32 {
    let re = multiply_add::<FMA>(-x.im, y.im, x.re * y.re);
    let im = multiply_add::<FMA>(x.im, y.re, x.re * y.im);
    Complex32::new(re, im)
}

/// −j·x.
#[inline(always)]
fn turned(x: Complex32) -> Complex32 {
    Complex32::new(x.im, -x.re)
}

/// The transform of two numbers.
#[inline(always)]
pub(crate) fn radix_2([a, b]: [Complex32; 2]) -> [Complex32; 2] {
    [a + b, a - b]
}

/// The transform of four numbers.
#[inline(always)]
pub(crate) fn radix_4([a, b, c, d]: [Complex32; 4]) -> [Complex32; 4] {
    let [even_sum, even_difference] = radix_2([a, c]);
    let [odd_sum, odd_difference] = radix_2([b, d]);
    let odd = turned(odd_difference);
    [even_sum + odd_sum, even_difference + odd, even_sum - odd_sum, even_difference - odd]
}

/// The transform of eight numbers.
#[inline(always)]
pub(crate) fn radix_8([a, b, c, d, e, f, g, h]: [Complex32; 8]) -> [Complex32; 8] {
    const S: f32 = std::f32::consts::FRAC_1_SQRT_2;
    let even = radix_4([a, c, e, g]);
    let odd = radix_4([b, d, f, h]);
    // exp(−jπ/4) and exp(−j3π/4).
    let once = Complex32::new((odd[1].re + odd[1].im) * S, (odd[1].im - odd[1].re) * S);
    let thrice = Complex32::new((odd[3].im - odd[3].re) * S, -(odd[3].re + odd[3].im) * S);
    let odd = [odd[0], once, turned(odd[2]), thrice];
    [
        even[0] + odd[0],
        even[1] + odd[1],
        even[2] + odd[2],
        even[3] + odd[3],
        even[0] - odd[0],
        even[1] - odd[1],
        even[2] - odd[2],
        even[3] - odd[3],
    ]
}

/// The transform of sixteen numbers.
#[inline(always)]
pub(crate) fn radix_16<const FMA: bool>(x: [Complex32; 16]) -> [Complex32; 16] {
    const S: f32 = std::f32::consts::FRAC_1_SQRT_2;
    /// cos and sin of π/8.
    const C1: f32 = 0.923_879_5;
    const S1: f32 = 0.382_683_43;
    let mut y = [
        radix_4([x[0], x[4], x[8], x[12]]),
        radix_4([x[1], x[5], x[9], x[13]]),
        radix_4([x[2], x[6], x[10], x[14]]),
        radix_4([x[3], x[7], x[11], x[15]]),
    ];
    // exp(−j2πnk/16).
    let eighth = |x: Complex32| Complex32::new((x.re + x.im) * S, (x.im - x.re) * S);
    let three_eighths = |x: Complex32| Complex32::new((x.im - x.re) * S, -(x.re + x.im) * S);
    y[1][1] = product::<FMA>(y[1][1], Complex32::new(C1, -S1));
    y[1][2] = eighth(y[1][2]);
    y[1][3] = product::<FMA>(y[1][3], Complex32::new(S1, -C1));
    y[2][1] = eighth(y[2][1]);
    y[2][2] = turned(y[2][2]);
    y[2][3] = three_eighths(y[2][3]);
    y[3][1] = product::<FMA>(y[3][1], Complex32::new(S1, -C1));
    y[3][2] = three_eighths(y[3][2]);
    y[3][3] = product::<FMA>(y[3][3], Complex32::new(-C1, S1));
    let a = radix_4([y[0][0], y[1][0], y[2][0], y[3][0]]);
    let b = radix_4([y[0][1], y[1][1], y[2][1], y[3][1]]);
    let c = radix_4([y[0][2], y[1][2], y[2][2], y[3][2]]);
    let d = radix_4([y[0][3], y[1][3], y[2][3], y[3][3]]);
    [
        a[0], b[0], c[0], d[0], //
        a[1], b[1], c[1], d[1], //
        a[2], b[2], c[2], d[2], //
        a[3], b[3], c[3], d[3],
    ]
}
