// What is exact is compared exactly.
#![allow(clippy::float_cmp)]

use super::*;
use rangegate_core::{BlockHeader, ByteSource, Layout};
use std::sync::Arc;

const SCALARS: [Scalar; 10] = [
    Scalar::U8,
    Scalar::I8,
    Scalar::U16,
    Scalar::I16,
    Scalar::U32,
    Scalar::I32,
    Scalar::U64,
    Scalar::I64,
    Scalar::F32,
    Scalar::F64,
];

fn formats() -> impl Iterator<Item = SampleFormat> {
    SCALARS.into_iter().flat_map(|scalar| {
        let both = [SampleFormat::complex(scalar), SampleFormat::real(scalar)];
        both.into_iter().flat_map(|f| [f, f.with_order(ByteOrder::Big)])
    })
}

fn rate(hz: f64) -> SampleRate {
    SampleRate::from_hz(hz).unwrap()
}

fn noise(n: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    (0..n).map(|_| next()).collect()
}

/// One number, digit by digit, in binary64.
fn slow_number(bytes: &[u8], format: SampleFormat) -> f64 {
    let size = format.scalar.size();
    let digit = |k: usize| match format.order {
        ByteOrder::Little => bytes[k],
        ByteOrder::Big => bytes[size - 1 - k],
    };
    let unsigned = (0..size).fold(0_u64, |sum, k| sum | u64::from(digit(k)) << (8 * k));
    let half = 2.0_f64.powi(8 * size as i32 - 1);
    let signed = (unsigned << (64 - 8 * size)) as i64 >> (64 - 8 * size);
    match format.scalar {
        Scalar::U8 | Scalar::U16 | Scalar::U32 => (unsigned as f64 - half) / half,
        Scalar::U64 => ((unsigned ^ 1 << 63) as i64) as f64 / half,
        Scalar::I8 | Scalar::I16 | Scalar::I32 | Scalar::I64 => signed as f64 / half,
        Scalar::F32 => f32::from_bits(unsigned as u32).into(),
        Scalar::F64 => f64::from_bits(unsigned),
    }
}

/// Sample by sample, by the definition.
fn slow_sample(block: &IqBlock, channel: usize, n: usize, to: ToBaseband) -> (Complex32, bool) {
    let (format, layout) = (block.format(), block.layout());
    let bytes = &block.bytes()[n * layout.sample_stride + channel * layout.channel_stride..];
    let i = slow_number(bytes, format) as f32;
    let q = if format.complex { slow_number(&bytes[format.scalar.size()..], format) as f32 } else { 0.0 };
    if !(i.abs() <= 1e15 && q.abs() <= 1e15) {
        return (Complex32::ZERO, true);
    }
    let (i, q) = if to.swap_iq && format.complex { (q, i) } else { (i, q) };
    (Complex32::new(i, if to.conjugate && format.complex { -q } else { q }), false)
}

fn shared(format: SampleFormat, layout: Layout, n_channels: usize, n: usize, start: usize) -> IqBlock {
    let memory: Arc<dyn ByteSource> = Arc::new(noise(start + layout.span(format, n_channels, n)));
    let mut block = IqBlock::default();
    let header = BlockHeader { first_sample: 1_000_003, ..BlockHeader::default() };
    block.share(header, format, layout, n_channels, n, &memory, start);
    block
}

#[test]
fn every_format_order_layout_and_option_agrees_with_its_definition() {
    let n = 600;
    for format in formats() {
        let size = format.bytes();
        let layouts = [
            (1, Layout::interleaved(format, 1)),
            (3, Layout::interleaved(format, 3)),
            (2, Layout::planar(format, n)),
            (2, Layout { sample_stride: size + 5, channel_stride: 0 }),
        ];
        for (n_channels, layout) in layouts {
            for start in [0, 1] {
                let block = shared(format, layout, n_channels, n, start);
                for (swap_iq, conjugate) in [(false, false), (true, false), (false, true), (true, true)] {
                    let to = ToBaseband { swap_iq, conjugate, intermediate_frequency_hz: 0.0 };
                    let converter = Converter::new(format, to, rate(1e6)).unwrap();
                    let channel = n_channels - 1;
                    let mut out = vec![Complex32::new(9.0, 9.0); n - 7];
                    let bad = converter.convert(&block, channel, 3..n - 4, &mut out);
                    let mut expected_bad = 0;
                    for (k, found) in out.iter().enumerate() {
                        let (expected, is_bad) = slow_sample(&block, channel, k + 3, to);
                        expected_bad += usize::from(is_bad);
                        // The twin rounds 64-bit integers twice.
                        let double = format.scalar.is_integer() && format.scalar.size() == 8;
                        let error = (found - expected).norm() / expected.norm().max(f32::MIN_POSITIVE);
                        assert!(
                            error <= if double { 1e-7 } else { 0.0 },
                            "{format} {layout:?} {k}: {found} {expected}"
                        );
                    }
                    assert_eq!(bad, expected_bad, "{format}");
                }
            }
        }
    }
}

#[test]
fn full_scale_is_one() {
    let check = |format: &str, bytes: &[u8], expected: [f32; 2]| {
        let format: SampleFormat = format.parse().unwrap();
        let mut block = IqBlock::default();
        block.fill(BlockHeader::default(), format, 1, 1).copy_from_slice(bytes);
        let mut out = [Complex32::ZERO];
        let converter = Converter::new(format, ToBaseband::default(), rate(1.0)).unwrap();
        assert_eq!(converter.convert(&block, 0, 0..1, &mut out), 0);
        assert_eq!([out[0].re, out[0].im], expected, "{format}");
    };
    check("cu8", &[0, 255], [-1.0, 127.0 / 128.0]);
    check("cu8", &[128, 127], [0.0, -1.0 / 128.0]);
    check("cs8", &[0x80, 0x7f], [-1.0, 127.0 / 128.0]);
    check("cs16", &[0, 0x80, 0xff, 0x7f], [-1.0, 32767.0 / 32768.0]);
    check("cs16_be", &[0x80, 0, 0x7f, 0xff], [-1.0, 32767.0 / 32768.0]);
    check("cu16", &[0, 0, 0, 0x80], [-1.0, 0.0]);
    check("cs32", &[0, 0, 0, 0x80, 0, 0, 0, 0x40], [-1.0, 0.5]);
    check("cu32_be", &[0, 0, 0, 0, 0xc0, 0, 0, 0], [-1.0, 0.5]);
    check("i8", &[0x40], [0.5, 0.0]);
}

#[test]
fn samples_that_are_no_numbers_become_zero_and_are_counted() {
    let mut block = IqBlock::default();
    let values = [1.0, 2.0, f32::NAN, 0.0, 3.0, f32::INFINITY, f32::NEG_INFINITY, f32::NAN];
    let format: SampleFormat = "cf32".parse().unwrap();
    let bytes: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
    block.fill(BlockHeader::default(), format, 1, 4).copy_from_slice(&bytes);
    let to = ToBaseband { intermediate_frequency_hz: 0.1, ..ToBaseband::default() };
    let mut out = [Complex32::ZERO; 4];
    let bad = Converter::new(format, to, rate(1.0)).unwrap().convert(&block, 0, 0..4, &mut out);
    assert_eq!(bad, 3);
    assert_eq!(out, [Complex32::new(1.0, 2.0), Complex32::ZERO, Complex32::ZERO, Complex32::ZERO]);
}

#[test]
fn numbers_whose_square_overflows_are_bad() {
    let values = [1e15, -1e15, 1.1e15, 0.0, 0.0, -3e38, 1e20, 1e20];
    for scalar in [Scalar::F32, Scalar::F64] {
        let format = SampleFormat::complex(scalar);
        let mut block = IqBlock::default();
        let bytes = block.fill(BlockHeader::default(), format, 1, 4);
        for (bytes, value) in bytes.chunks_exact_mut(scalar.size()).zip(values) {
            match scalar {
                Scalar::F32 => bytes.copy_from_slice(&(value as f32).to_le_bytes()),
                _ => bytes.copy_from_slice(&f64::to_le_bytes(value)),
            }
        }
        let mut out = [Complex32::ONE; 4];
        let converter = Converter::new(format, ToBaseband::default(), rate(1.0)).unwrap();
        assert_eq!(converter.convert(&block, 0, 0..4, &mut out), 3, "{format}");
        assert_eq!(out, [Complex32::new(1e15, -1e15), Complex32::ZERO, Complex32::ZERO, Complex32::ZERO]);
        assert!(out.iter().all(|x| (x.norm_sqr() * 1e7).is_finite()));
    }
}

#[test]
fn mixing_has_the_same_bits_wherever_a_range_begins() {
    let format: SampleFormat = "i8".parse().unwrap();
    let n = 2000;
    let to = ToBaseband { intermediate_frequency_hz: 3.0001e6, ..ToBaseband::default() };
    let converter = Converter::new(format, to, rate(12e6)).unwrap();
    let bytes = noise(n);
    let block = |from: usize| {
        let mut block = IqBlock::default();
        let header =
            BlockHeader { first_sample: 20_400_000_000_000_000 + from as u64, ..BlockHeader::default() };
        block.fill(header, format, 1, n - from).copy_from_slice(&bytes[from..]);
        block
    };
    let whole = block(0);
    let mut expected = vec![Complex32::ZERO; n];
    converter.convert(&whole, 0, 0..n, &mut expected);
    for from in [0, 1, 7, 255, 256, 257, 1000, 1999] {
        for length in [1, 2, 100, 256, 1000] {
            let length = length.min(n - from);
            let mut piece = vec![Complex32::ZERO; length];
            converter.convert(&whole, 0, from..from + length, &mut piece);
            assert_eq!(piece, expected[from..from + length], "from {from}");
            converter.convert(&block(from), 0, 0..length, &mut piece);
            assert_eq!(piece, expected[from..from + length], "block from {from}");
        }
    }
}

/// The oscillator against exact fractions: cycles = f·n/fs modulo 1 in 128-bit integers.
#[test]
fn phase_does_not_drift_over_a_century() {
    let cases: [(i64, SampleRate); 6] = [
        (3_000_000, rate(12e6)),
        (-1_234_567, rate(61.44e6)),
        (1, rate(3.0)),
        (17, SampleRate::new(200, 3).unwrap()),
        (61_000_001, rate(61e6)),
        (-7, rate(1e6 / 7.0)),
    ];
    for (frequency_hz, rate) in cases {
        let oscillator = Oscillator::new(frequency_hz as f64, rate);
        for n in [0, 1, 255, 256, 1_000_003, 1_700_000_000_u64 * 61_000_000, u64::MAX - 5] {
            let cycles = i128::from(frequency_hz) * i128::from(rate.denominator()) * i128::from(n);
            let rest = cycles.rem_euclid(i128::from(rate.numerator()));
            let angle = std::f64::consts::TAU * rest as f64 / rate.numerator() as f64;
            let expected = Complex32::new(angle.cos() as f32, angle.sin() as f32);
            let mut found = [Complex32::new(1.0, 0.0)];
            let offset = n % GRID as u64;
            oscillator.mix(n - offset, offset as usize, &mut found);
            assert!(
                (found[0] - expected).norm() < 3e-7,
                "{frequency_hz} Hz at {rate}, {n}: {} {expected}",
                found[0]
            );
        }
    }
}

#[test]
fn fractions_of_a_cycle_are_exact() {
    let cycles = |frequency_hz, hz| cycles_a_sample(frequency_hz, rate(hz));
    assert_eq!(cycles(3e6, 12e6), 1 << 126);
    assert_eq!(cycles(-3e6, 12e6), 3 << 126);
    assert_eq!(cycles(12e6, 12e6), 0);
    assert_eq!(cycles(15e6, 12e6), 1 << 126);
    assert_eq!(cycles(1.0, 3.0), u128::MAX / 3);
    assert_eq!(cycles(0.75, 1.0), 3 << 126);
    assert_eq!(cycles(2.0_f64.powi(-128), 1.0), 1);
    assert_eq!(cycles(2.0_f64.powi(-129), 1.0), 0);
    assert_eq!(cycles(2.0_f64.powi(1000), 1.0), 0);
    // 2^70 = 3·(…) + 1
    assert_eq!(cycles(2.0_f64.powi(70), 3.0), u128::MAX / 3);
    assert_eq!(cycles(f64::from_bits(1), 1.0), 0);
    assert!(
        Converter::new(
            SampleFormat::real(Scalar::I8),
            ToBaseband { intermediate_frequency_hz: f64::NAN, ..ToBaseband::default() },
            rate(1.0)
        )
        .unwrap_err()
        .to_string()
        .contains("intermediate_frequency_hz is NaN")
    );
}

#[test]
fn a_tone_at_the_intermediate_frequency_stands_still() {
    let (n, format) = (5000, SampleFormat::complex(Scalar::F32));
    let mut block = IqBlock::default();
    let header = BlockHeader { first_sample: 77_777, ..BlockHeader::default() };
    let bytes = block.fill(header, format, 1, n);
    for (k, raw) in bytes.chunks_exact_mut(8).enumerate() {
        let angle = std::f64::consts::TAU * (0.3 * (77_777 + k) as f64).fract();
        raw[..4].copy_from_slice(&(angle.cos() as f32).to_le_bytes());
        raw[4..].copy_from_slice(&(angle.sin() as f32).to_le_bytes());
    }
    let to = ToBaseband { intermediate_frequency_hz: 0.3e6, ..ToBaseband::default() };
    let mut out = vec![Complex32::ZERO; n];
    Converter::new(format, to, rate(1e6)).unwrap().convert(&block, 0, 0..n, &mut out);
    assert!(out.iter().all(|x| (x - Complex32::new(1.0, 0.0)).norm() < 1e-5));
}
