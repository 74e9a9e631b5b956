//! From stored samples through the radio's converter and gain to what the reader asked for.

use rangegate_core::{ByteOrder, Complex32, IqBlock, Layout, SampleFormat, SampleRate, Scalar, ToBaseband};
use rangegate_dsp::convert::Converter;
use std::ops::Range;

/// What a reader can ask for; the first two a radio can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Number {
    Cs8,
    Cs16,
    Cf32,
}

impl Number {
    pub(crate) const ALL: [Self; 3] = [Self::Cs8, Self::Cs16, Self::Cf32];

    /// As SoapySDR calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Cs8 => "CS8",
            Self::Cs16 => "CS16",
            Self::Cf32 => "CF32",
        }
    }

    /// Bytes of one sample.
    pub(crate) fn bytes(self) -> usize {
        match self {
            Self::Cs8 => 2,
            Self::Cs16 => 4,
            Self::Cf32 => 8,
        }
    }

    pub(crate) fn full_scale(self) -> f32 {
        match self {
            Self::Cs8 => 128.0,
            Self::Cs16 => 32768.0,
            Self::Cf32 => 1.0,
        }
    }

    /// The one that stores samples so.
    pub(crate) fn of(format: SampleFormat) -> Option<Self> {
        let little = format.complex && format.order == ByteOrder::Little;
        match format.scalar {
            Scalar::I8 if little => Some(Self::Cs8),
            Scalar::I16 if little => Some(Self::Cs16),
            _ => None,
        }
    }
}

/// Samples that are worked on at a time, in cache.
const CHUNK: usize = 4096;

/// The way from stored samples to a reader's buffer.
pub(crate) struct Digitiser {
    native: Number,
    to_float: Converter,
    floats: Vec<Complex32>,
    /// I and Q in the radio's own numbers.
    parts: Vec<i16>,
}

impl Digitiser {
    pub(crate) fn new(stored: SampleFormat, native: Number, rate: SampleRate) -> Result<Self, String> {
        let to_float =
            Converter::new(stored, ToBaseband::default(), rate).map_err(|error| error.to_string())?;
        Ok(Self { native, to_float, floats: vec![Complex32::ZERO; CHUNK], parts: vec![0; 2 * CHUNK] })
    }

    /// Writes samples of one channel as `out` numbers; `bytes` has room for exactly those.
    pub(crate) fn write(
        &mut self,
        block: &IqBlock,
        channel: usize,
        samples: Range<usize>,
        gain: f32,
        out: Number,
        bytes: &mut [u8],
    ) {
        let Layout { sample_stride, channel_stride } = block.layout();
        let stored = Number::of(block.format());
        let untouched = stored == Some(self.native) && is_one(gain);
        if untouched && out == self.native && sample_stride == out.bytes() && cfg!(target_endian = "little") {
            let start = channel * channel_stride + samples.start * sample_stride;
            bytes.copy_from_slice(&block.bytes()[start..start + bytes.len()]);
            return;
        }
        let mut at = samples.start;
        for bytes in bytes.chunks_mut(CHUNK * out.bytes()) {
            let n = bytes.len() / out.bytes();
            let from = channel * channel_stride + at * sample_stride;
            let parts = &mut self.parts[..2 * n];
            match stored {
                Some(Number::Cs8) => {
                    gather(&block.bytes()[from..], sample_stride, parts, |[i, q]: [u8; 2]| {
                        [i16::from(i as i8), i16::from(q as i8)]
                    });
                }
                Some(Number::Cs16) => gather(&block.bytes()[from..], sample_stride, parts, |[a, b, c, d]| {
                    [i16::from_le_bytes([a, b]), i16::from_le_bytes([c, d])]
                }),
                _ => {
                    let floats = &mut self.floats[..n];
                    self.to_float.convert(block, channel, at..at + n, floats);
                    quantise(floats, self.native.full_scale(), parts);
                }
            }
            if let Some(stored) = stored {
                resize(parts, stored, self.native);
            }
            if !is_one(gain) {
                amplify(parts, gain, self.native.full_scale());
            }
            put(parts, self.native, out, bytes);
            at += n;
        }
    }
}

fn is_one(gain: f32) -> bool {
    (gain - 1.0).abs() < 1e-6
}

/// Takes samples apart that lie `stride` bytes from one another.
#[inline(always)]
fn gather<const SIZE: usize>(
    bytes: &[u8],
    stride: usize,
    parts: &mut [i16],
    number: impl Fn([u8; SIZE]) -> [i16; 2],
) {
    for (part, sample) in parts.chunks_exact_mut(2).zip(bytes.chunks(stride)) {
        let mut raw = [0; SIZE];
        raw.copy_from_slice(&sample[..SIZE]);
        part.copy_from_slice(&number(raw));
    }
}

fn quantise(floats: &[Complex32], full_scale: f32, parts: &mut [i16]) {
    for (part, x) in parts.chunks_exact_mut(2).zip(floats) {
        part.copy_from_slice(&[round(x.re * full_scale, full_scale), round(x.im * full_scale, full_scale)]);
    }
}

fn amplify(parts: &mut [i16], gain: f32, full_scale: f32) {
    for part in parts {
        *part = round(f32::from(*part) * gain, full_scale);
    }
}

fn round(x: f32, full_scale: f32) -> i16 {
    x.clamp(-full_scale, full_scale - 1.0).round_ties_even() as i16
}

/// From one number of bits to another; fewer by rounding half up, clipped.
fn resize(parts: &mut [i16], from: Number, to: Number) {
    match (from, to) {
        (Number::Cs8, Number::Cs16) => parts.iter_mut().for_each(|part| *part <<= 8),
        (Number::Cs16, Number::Cs8) => parts.iter_mut().for_each(|part| *part = narrow(*part)),
        _ => {}
    }
}

fn narrow(part: i16) -> i16 {
    part.saturating_add(128) >> 8
}

/// Stores the radio's numbers as the reader's, in the order of bytes of the host.
fn put(parts: &[i16], native: Number, out: Number, bytes: &mut [u8]) {
    match (native, out) {
        (Number::Cs8, Number::Cs8) => scatter(parts, bytes, |part| (part as i8).to_ne_bytes()),
        (_, Number::Cs8) => scatter(parts, bytes, |part| (narrow(part) as i8).to_ne_bytes()),
        (Number::Cs8, Number::Cs16) => scatter(parts, bytes, |part| (part << 8).to_ne_bytes()),
        (_, Number::Cs16) => scatter(parts, bytes, i16::to_ne_bytes),
        (_, Number::Cf32) => {
            let scale = 1.0 / native.full_scale();
            scatter(parts, bytes, |part| (f32::from(part) * scale).to_ne_bytes());
        }
    }
}

#[inline(always)]
fn scatter<const SIZE: usize>(parts: &[i16], bytes: &mut [u8], number: impl Fn(i16) -> [u8; SIZE]) {
    for (place, part) in bytes.chunks_exact_mut(SIZE).zip(parts) {
        place.copy_from_slice(&number(*part));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rangegate_core::BlockHeader;

    fn write(stored: &str, raw: &[u8], native: Number, gain: f32, out: Number) -> Vec<u8> {
        let format: SampleFormat = stored.parse().unwrap();
        let n = raw.len() / format.bytes();
        let mut block = IqBlock::default();
        block.fill(BlockHeader::default(), format, 1, n).copy_from_slice(raw);
        let rate = SampleRate::new(1, 1).unwrap();
        let mut bytes = vec![0xaa; n * out.bytes()];
        Digitiser::new(format, native, rate).unwrap().write(&block, 0, 0..n, gain, out, &mut bytes);
        bytes
    }

    fn le(numbers: &[i16]) -> Vec<u8> {
        numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
    }

    #[test]
    fn numbers_keep_their_share_of_full_scale() {
        let cs8 = [128_u8, 127, 1, 255];
        assert_eq!(write("cs8", &cs8, Number::Cs8, 1.0, Number::Cs8), cs8);
        assert_eq!(write("cs8", &cs8, Number::Cs8, 1.0, Number::Cs16), le(&[-32768, 32512, 256, -256]));
        assert_eq!(write("cs8", &cs8, Number::Cs16, 1.0, Number::Cs8), cs8);
        let floats: Vec<u8> =
            [-1.0_f32, 0.9921875, 0.0078125, -0.0078125].iter().flat_map(|x| x.to_ne_bytes()).collect();
        assert_eq!(write("cs8", &cs8, Number::Cs8, 1.0, Number::Cf32), floats);
        let cs16 = le(&[32767, -32768, 127, 128]);
        assert_eq!(write("cs16", &cs16, Number::Cs16, 1.0, Number::Cs8), [127, 128, 0, 1]);
        assert_eq!(write("cs16", &cs16, Number::Cs8, 1.0, Number::Cs16), le(&[32512, -32768, 0, 256]));
    }

    #[test]
    fn what_is_stored_otherwise_is_rounded_to_the_native_numbers() {
        let cf32: Vec<u8> =
            [2.0_f32, -0.5, 1.6 / 32768.0, f32::NAN].iter().flat_map(|x| x.to_le_bytes()).collect();
        let expected = le(&[32767, -16384, 0, 0]); // a sample that is not a number is none
        assert_eq!(write("cf32", &cf32, Number::Cs16, 1.0, Number::Cs16), expected);
        assert_eq!(write("i16", &le(&[5, -6]), Number::Cs16, 1.0, Number::Cs16), le(&[5, 0, -6, 0]));
        assert_eq!(write("cs16_be", &[1, 2, 3, 4], Number::Cs16, 1.0, Number::Cs16), [2, 1, 4, 3]);
    }

    #[test]
    fn gain_scales_and_saturates() {
        assert_eq!(write("cs8", &[10, 100], Number::Cs8, 2.0, Number::Cs8), [20, 127]);
        assert_eq!(write("cs16", &le(&[-3, -30000]), Number::Cs16, 2.0, Number::Cs16), le(&[-6, -32768]));
        assert_eq!(write("cs16", &le(&[1000, 1]), Number::Cs16, 0.25, Number::Cs16), le(&[250, 0]));
    }
}
