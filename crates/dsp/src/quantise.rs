//! Complex samples to stored numbers, the inverse of [`crate::convert`]: scaled to full scale, rounded to the nearest
//! (halves to even), clipped.

use rangegate_core::{ByteOrder, Complex32, SampleFormat, Scalar};

/// Added and taken away again, this rounds to the nearest integer, to even where the last bit is 1: unlike
/// `round_ties_even` it needs no library call on processors without an instruction for it.
const LAST_BIT_IS_ONE: f32 = 1.5 * (1 << 23) as f32;

/// What a converter of `bits` bits, up to 23, makes of samples: rounded to the nearest of its steps and clipped at full
/// scale.
pub fn digitise(samples: &mut [Complex32], bits: u32) {
    let full_scale = (1_u32 << (bits - 1)) as f32;
    let step = 1.0 / full_scale;
    let part = |x: f32| {
        let clipped = (x * full_scale).clamp(-full_scale, full_scale - 1.0);
        ((clipped + LAST_BIT_IS_ONE) - LAST_BIT_IS_ONE) * step
    };
    for x in samples {
        *x = Complex32::new(part(x.re), part(x.im));
    }
}

/// Stores sample `n` at byte `start + n · stride` of `bytes`; of a real format the real part. Returns how many samples
/// were clipped: beyond full scale after they were rounded. Numbers must be finite.
///
/// # Panics
/// A sample lies beyond the end of `bytes`, or `stride` is shorter than a sample.
pub fn quantise(
    samples: &[Complex32],
    format: SampleFormat,
    bytes: &mut [u8],
    start: usize,
    stride: usize,
) -> usize {
    let big = format.order == ByteOrder::Big;
    macro_rules! store {
        ($number:expr) => {
            scatter(samples, format.complex, &mut bytes[start..], stride, |part| {
                let (number, clipped) = $number(part);
                let mut raw = number.to_le_bytes();
                if big {
                    raw.reverse();
                }
                (raw, clipped)
            })
        };
    }
    match format.scalar {
        Scalar::I8 => store!(|x| map(small(x, 7), |n| n as i8)),
        Scalar::U8 => store!(|x| map(small(x, 7), |n| n as i8 ^ i8::MIN)),
        Scalar::I16 => store!(|x| map(small(x, 15), |n| n as i16)),
        Scalar::U16 => store!(|x| map(small(x, 15), |n| n as i16 ^ i16::MIN)),
        Scalar::I32 => store!(|x| map(large(x, 31), |n| n as i32)),
        Scalar::U32 => store!(|x| map(large(x, 31), |n| n as i32 ^ i32::MIN)),
        Scalar::I64 => store!(|x| map(large(x, 63), |n| n as i64)),
        Scalar::U64 => store!(|x| map(large(x, 63), |n| n as i64 ^ i64::MIN)),
        Scalar::F32 => store!(|x: f32| (x, false)),
        Scalar::F64 => store!(|x: f32| (f64::from(x), false)),
    }
}

#[inline(always)]
fn map<A, B>((number, clipped): (A, bool), to: impl Fn(A) -> B) -> (B, bool) {
    (to(number), clipped)
}

#[inline(always)]
fn scatter<const SIZE: usize>(
    samples: &[Complex32],
    complex: bool,
    bytes: &mut [u8],
    stride: usize,
    number: impl Fn(f32) -> ([u8; SIZE], bool),
) -> usize {
    let n_places = bytes.chunks(stride).len();
    assert!(samples.len() <= n_places, "{} samples into {n_places} places", samples.len());
    let mut n_clipped = 0;
    for (place, x) in bytes.chunks_mut(stride).zip(samples) {
        let (re, mut clipped) = number(x.re);
        place[..SIZE].copy_from_slice(&re);
        if complex {
            let (im, im_clipped) = number(x.im);
            place[SIZE..2 * SIZE].copy_from_slice(&im);
            clipped |= im_clipped;
        }
        n_clipped += usize::from(clipped);
    }
    n_clipped
}

/// Rounds and clips to `bits` bits and a sign, up to 15.
#[inline(always)]
fn small(x: f32, bits: i32) -> (i32, bool) {
    let full_scale = (1 << bits) as f32;
    // Far beyond full scale the sum below would not round.
    let bounded = (x * full_scale).clamp(-2.0 * full_scale, 2.0 * full_scale);
    let rounded = (bounded + LAST_BIT_IS_ONE) - LAST_BIT_IS_ONE;
    let clipped = rounded.clamp(-full_scale, full_scale - 1.0);
    (clipped as i32, (clipped - rounded).abs() > 0.5)
}

/// Rounds to the nearest; the cast to the integer clips.
#[inline(always)]
fn large(x: f32, bits: i32) -> (f64, bool) {
    let full_scale = 2.0_f64.powi(bits);
    let rounded = (f64::from(x) * full_scale).round_ties_even();
    (rounded, !(-full_scale..full_scale).contains(&rounded))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::convert::Converter;
    use rangegate_core::{BlockHeader, IqBlock, SampleRate, ToBaseband};

    /// By the definition, in wide numbers.
    fn slow(x: f32, bits: i32) -> (i128, bool) {
        let full_scale = 1_i128 << bits;
        let rounded = (f64::from(x) * full_scale as f64).round_ties_even() as i128;
        let clipped = rounded.clamp(-full_scale, full_scale - 1);
        (clipped, clipped != rounded)
    }

    #[test]
    fn numbers_are_rounded_and_clipped_by_definition() {
        let edges = [0.0, -0.0, 1.0, -1.0, 0.5, 1e15, -1e15, 0.999_999, -1.000_001, 1.0 / 256.0, 3.0 / 256.0];
        let ramp = (-3000..3000).map(|n| n as f32 / 2048.0);
        for x in edges.into_iter().chain(ramp) {
            let at = |format: &str| {
                let mut bytes = [0xAA; 16];
                let format: SampleFormat = format.parse().unwrap();
                let n = quantise(&[Complex32::new(x, 0.0)], format, &mut bytes, 0, 16);
                (bytes, n == 1)
            };
            let ((bytes, clipped), expected) = (at("cs8"), slow(x, 7));
            assert_eq!((i128::from(bytes[0] as i8), clipped), expected, "{x} cs8");
            assert_eq!(bytes[1..3], [0, 0xAA]);
            assert_eq!(at("cu8").0[0], bytes[0] ^ 0x80);
            let ((bytes, clipped), expected) = (at("cs16"), slow(x, 15));
            assert_eq!((i128::from(i16::from_le_bytes([bytes[0], bytes[1]])), clipped), expected, "{x} cs16");
            assert_eq!(at("cs16_be").0[..2], [bytes[1], bytes[0]]);
            let ((bytes, clipped), expected) = (at("i32"), slow(x, 31));
            assert_eq!(
                (i128::from(i32::from_le_bytes(bytes[..4].try_into().unwrap())), clipped),
                expected,
                "{x} i32"
            );
            assert_eq!(bytes[4], 0xAA, "a real format has no imaginary part");
        }
    }

    /// cs16 to cs8 divides by 256 and rounds.
    #[test]
    fn every_16_bit_number_becomes_the_nearest_of_8_bits() {
        let mut block = IqBlock::default();
        let format: SampleFormat = "cs16".parse().unwrap();
        let numbers: Vec<i16> = (i16::MIN..=i16::MAX).collect();
        let bytes = block.fill(BlockHeader::default(), format, 1, numbers.len() / 2);
        for (to, n) in bytes.chunks_exact_mut(2).zip(&numbers) {
            to.copy_from_slice(&n.to_le_bytes());
        }
        let rate = SampleRate::new(1, 1).unwrap();
        let converter = Converter::new(format, ToBaseband::default(), rate).unwrap();
        let mut samples = vec![Complex32::ZERO; numbers.len() / 2];
        converter.convert(&block, 0, 0..samples.len(), &mut samples);
        let mut small = vec![0; numbers.len()];
        let n_clipped = quantise(&samples, "cs8".parse().unwrap(), &mut small, 0, 2);
        for (found, n) in small.iter().zip(&numbers) {
            let expected = (f64::from(*n) / 256.0).round_ties_even().min(127.0);
            assert!((f64::from(*found as i8) - expected).abs() < 0.1, "{n}");
        }
        // 32 640 to 32 767 would be 128.
        assert_eq!(n_clipped, 64);
        let mut same = vec![0; 2 * numbers.len()];
        assert_eq!(quantise(&samples, format, &mut same, 0, 4), 0);
        assert_eq!(same, block.bytes());
    }
}
