//! Complex samples to stored numbers: scaled to full scale, rounded to the nearest (halves to even), clipped.

use rangegate_core::{ByteOrder, Complex32, SampleFormat, Scalar};

/// What a converter of `bits` bits, up to 24, makes of samples: rounded to the nearest of its steps and clipped at full
/// scale.
pub(crate) fn convert(samples: &mut [Complex32], bits: u32) {
    let full_scale = (1_u32 << (bits - 1)) as f32;
    let part = |x: f32| (x * full_scale).round_ties_even().clamp(-full_scale, full_scale - 1.0) / full_scale;
    for x in samples {
        *x = Complex32::new(part(x.re), part(x.im));
    }
}

/// Stores sample `n` at byte `start + n · stride` of `bytes`.
pub(crate) fn quantise(
    samples: &[Complex32],
    format: SampleFormat,
    bytes: &mut [u8],
    start: usize,
    stride: usize,
) {
    let big = format.order == ByteOrder::Big;
    macro_rules! store {
        ($number:expr) => {
            scatter(samples, bytes, start, stride, |part| {
                let mut raw = $number(part).to_le_bytes();
                if big {
                    raw.reverse();
                }
                raw
            })
        };
    }
    match format.scalar {
        Scalar::I8 => store!(|x| small(x, 7) as i8),
        Scalar::U8 => store!(|x| small(x, 7) as i8 ^ i8::MIN),
        Scalar::I16 => store!(|x| small(x, 15) as i16),
        Scalar::U16 => store!(|x| small(x, 15) as i16 ^ i16::MIN),
        Scalar::I32 => store!(|x| large(x, 31) as i32),
        Scalar::U32 => store!(|x| large(x, 31) as i32 ^ i32::MIN),
        Scalar::I64 => store!(|x| large(x, 63) as i64),
        Scalar::U64 => store!(|x| large(x, 63) as i64 ^ i64::MIN),
        Scalar::F32 => store!(|x: f32| x),
        Scalar::F64 => store!(|x: f32| f64::from(x)),
    }
}

#[inline(always)]
fn scatter<const SIZE: usize>(
    samples: &[Complex32],
    bytes: &mut [u8],
    start: usize,
    stride: usize,
    number: impl Fn(f32) -> [u8; SIZE],
) {
    for (place, x) in bytes[start..].chunks_mut(stride).zip(samples) {
        place[..SIZE].copy_from_slice(&number(x.re));
        place[SIZE..2 * SIZE].copy_from_slice(&number(x.im));
    }
}

/// Rounds and clips to `bits` bits and a sign, up to 15: additions round to even where the last bit is 1, and
/// unlike `round_ties_even` need no library call on processors without an instruction for it.
#[inline(always)]
fn small(x: f32, bits: i32) -> i32 {
    const LAST_BIT_IS_ONE: f32 = 1.5 * (1 << 23) as f32;
    let full_scale = (1 << bits) as f32;
    let clipped = (x * full_scale).clamp(-full_scale, full_scale - 1.0);
    ((clipped + LAST_BIT_IS_ONE) - LAST_BIT_IS_ONE) as i32
}

/// Rounds to the nearest; the cast to the integer clips.
fn large(x: f32, bits: i32) -> f64 {
    (f64::from(x) * 2.0_f64.powi(bits)).round_ties_even()
}
