//! What an element of an array is, and how it becomes a sample.

use super::header::Descr;
use rangegate_core::{ByteOrder, SampleFormat, Scalar};

/// One number as it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Number {
    Plain(Scalar),
    /// IEEE 754 binary16, which becomes binary32.
    Half,
}

/// An element of an array: a number, or two that are I and Q.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Element {
    number: Number,
    order: ByteOrder,
    pub complex: bool,
    /// Integers of 16 bits, signed or taken modulo 65536, as whatever number they are stored.
    wrapped: bool,
}

/// Why an element cannot be samples.
const EXPECTED: &str = "integers of 8 to 64 bits, floats of 16 to 64, complex numbers of two such floats, or two \
                        fields of one such type (I and Q)";

impl Element {
    /// Looks at a type; where it cannot be a sample, says what it is and what could be.
    pub(super) fn new(descr: &Descr, wrapped: bool) -> Result<Self, String> {
        match descr {
            Descr::Number(text) => Self::of(text, wrapped)
                .ok_or_else(|| format!("field 'descr' is '{}', expected {EXPECTED}", text.escape_debug())),
            Descr::Fields(fields) => match fields.as_slice() {
                [(_, i), (_, q)] if i == q => Self::of(i, wrapped)
                    .filter(|element| !element.complex)
                    .map(|element| Self { complex: true, ..element }),
                _ => None,
            }
            .ok_or_else(|| format!("field 'descr' has {} fields, expected {EXPECTED}", fields.len())),
        }
    }

    fn of(text: &str, wrapped: bool) -> Option<Self> {
        let (order, name) = match text.as_bytes().first()? {
            b'<' | b'|' => (ByteOrder::Little, &text[1..]),
            b'>' => (ByteOrder::Big, &text[1..]),
            b'=' => (NATIVE, &text[1..]),
            _ => (NATIVE, text),
        };
        let (number, complex) = match name {
            "u1" => (Number::Plain(Scalar::U8), false),
            "i1" => (Number::Plain(Scalar::I8), false),
            "u2" => (Number::Plain(Scalar::U16), false),
            "i2" => (Number::Plain(Scalar::I16), false),
            "u4" => (Number::Plain(Scalar::U32), false),
            "i4" => (Number::Plain(Scalar::I32), false),
            "u8" => (Number::Plain(Scalar::U64), false),
            "i8" => (Number::Plain(Scalar::I64), false),
            "f2" => (Number::Half, false),
            "f4" => (Number::Plain(Scalar::F32), false),
            "f8" => (Number::Plain(Scalar::F64), false),
            "c8" => (Number::Plain(Scalar::F32), true),
            "c16" => (Number::Plain(Scalar::F64), true),
            _ => return None,
        };
        let element = Self { number, order, complex, wrapped };
        let order = if element.number_bytes() == 1 { ByteOrder::Little } else { order };
        Some(Self { order, ..element })
    }

    /// Bytes of one number in the file.
    pub(super) fn number_bytes(self) -> usize {
        match self.number {
            Number::Plain(scalar) => scalar.size(),
            Number::Half => 2,
        }
    }

    /// Bytes of one element in the file.
    pub(super) fn bytes(self) -> usize {
        self.number_bytes() * if self.complex { 2 } else { 1 }
    }

    /// What is handed out for one number or two.
    pub(super) fn format(self, complex: bool) -> SampleFormat {
        match self.number {
            _ if self.wrapped => SampleFormat { complex, ..SampleFormat::real(Scalar::I16) },
            Number::Plain(scalar) => SampleFormat { scalar, complex, order: self.order },
            Number::Half => SampleFormat { complex, ..SampleFormat::real(Scalar::F32) },
        }
    }

    /// The file's bytes are handed out as they are.
    pub(super) fn is_plain(self) -> bool {
        !self.wrapped && self.number != Number::Half
    }

    /// Converts numbers that follow one another in `from` to those of the format handed out.
    ///
    /// # Errors
    /// The first number that is no integer of 16 bits although it should be.
    pub(super) fn convert(self, from: &[u8], out: &mut [u8]) -> Result<(), f64> {
        if self.is_plain() {
            out.copy_from_slice(from);
            return Ok(());
        }
        let size = out.len() / (from.len() / self.number_bytes()).max(1);
        for (from, out) in from.chunks_exact(self.number_bytes()).zip(out.chunks_exact_mut(size)) {
            let value = self.value(from);
            if self.wrapped {
                out.copy_from_slice(&unwrapped(value).ok_or(value)?.to_le_bytes());
            } else {
                out.copy_from_slice(&(value as f32).to_le_bytes());
            }
        }
        Ok(())
    }

    fn value(self, from: &[u8]) -> f64 {
        let mut raw = [0; 8];
        let bytes = &mut raw[..from.len()];
        bytes.copy_from_slice(from);
        if self.order == ByteOrder::Big {
            bytes.reverse();
        }
        let [a, b, c, d, ..] = raw;
        match self.number {
            Number::Half => f64_from_half(u16::from_le_bytes([a, b])),
            Number::Plain(Scalar::U8) => f64::from(a),
            Number::Plain(Scalar::I8) => f64::from(a as i8),
            Number::Plain(Scalar::U16) => f64::from(u16::from_le_bytes([a, b])),
            Number::Plain(Scalar::I16) => f64::from(i16::from_le_bytes([a, b])),
            Number::Plain(Scalar::U32) => f64::from(u32::from_le_bytes([a, b, c, d])),
            Number::Plain(Scalar::I32) => f64::from(i32::from_le_bytes([a, b, c, d])),
            Number::Plain(Scalar::U64) => u64::from_le_bytes(raw) as f64,
            Number::Plain(Scalar::I64) => i64::from_le_bytes(raw) as f64,
            Number::Plain(Scalar::F32) => f64::from(f32::from_le_bytes([a, b, c, d])),
            Number::Plain(Scalar::F64) => f64::from_le_bytes(raw),
        }
    }
}

/// Byte order of this machine, which is what a type without one means.
const NATIVE: ByteOrder = if cfg!(target_endian = "big") { ByteOrder::Big } else { ByteOrder::Little };

/// An integer of 16 bits, signed or modulo 65536, as a signed one.
fn unwrapped(value: f64) -> Option<i16> {
    let whole = (-32768.0..=65535.0).contains(&value) && value.fract() == 0.0;
    whole.then_some(value as i32 as u16 as i16)
}

/// IEEE 754 binary16.
fn f64_from_half(bits: u16) -> f64 {
    let (exponent, mantissa) = (i32::from(bits >> 10 & 31), f64::from(bits & 1023));
    let magnitude = match exponent {
        0 => mantissa * 2_f64.powi(-24),
        31 if mantissa == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1024.0 + mantissa) * 2_f64.powi(exponent - 25),
    };
    if bits >> 15 == 1 { -magnitude } else { magnitude }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrapped_integers_come_back_signed() {
        for (value, expected) in [
            (0.0, Some(0)),
            (32767.0, Some(32767)),
            (32768.0, Some(-32768)),
            (65535.0, Some(-1)),
            (-5.0, Some(-5)),
            (-32768.0, Some(-32768)),
            (65536.0, None),
            (-32769.0, None),
            (0.5, None),
            (f64::NAN, None),
        ] {
            assert_eq!(unwrapped(value), expected, "{value}");
        }
    }

    #[test]
    fn half_floats_are_those_of_ieee_754() {
        for (bits, value) in
            [(0x3c00, 1.0), (0xc000, -2.0), (0x7bff, 65504.0), (0x0001, 2_f64.powi(-24)), (0, 0.0)]
        {
            assert_eq!(f64_from_half(bits).to_bits(), f64::to_bits(value), "{bits:x}");
        }
        assert!(f64_from_half(0x7e00).is_nan() && f64_from_half(0xfc00) == f64::NEG_INFINITY);
    }
}
