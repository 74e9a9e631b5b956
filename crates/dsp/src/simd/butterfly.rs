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
