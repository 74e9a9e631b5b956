//! How one sample is stored: scalar type, real or complex, byte order.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The type of one number of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scalar {
    /// Unsigned 8 bit, offset binary.
    U8,
    /// Signed 8 bit.
    I8,
    /// Unsigned 16 bit, offset binary.
    U16,
    /// Signed 16 bit.
    I16,
    /// Unsigned 32 bit, offset binary.
    U32,
    /// Signed 32 bit.
    I32,
    /// Unsigned 64 bit, offset binary.
    U64,
    /// Signed 64 bit.
    I64,
    /// IEEE 754 binary32.
    F32,
    /// IEEE 754 binary64.
    F64,
}

impl Scalar {
    /// Size in bytes.
    pub const fn size(self) -> usize {
        match self {
            Self::U8 | Self::I8 => 1,
            Self::U16 | Self::I16 => 2,
            Self::U32 | Self::I32 | Self::F32 => 4,
            Self::U64 | Self::I64 | Self::F64 => 8,
        }
    }

    /// Whether the number is an integer, and so has a full scale of its own.
    pub const fn is_integer(self) -> bool {
        !matches!(self, Self::F32 | Self::F64)
    }
}

/// Order of the bytes of one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ByteOrder {
    /// Least significant byte first.
    #[default]
    Little,
    /// Most significant byte first.
    Big,
}

/// How one sample of one channel is stored: one number (real), or two, I then Q.
///
/// Displayed and parsed in the short form that users know from their tools: `cu8 cs8 cs16 cs32 cf32 cf64`,
/// real `u8 i8 i16 f32`, with `_be` behind for big-endian.
///
/// ```
/// use rangegate_core::SampleFormat;
/// let format: SampleFormat = "cs16".parse().unwrap();
/// assert_eq!(format.bytes(), 4);
/// assert_eq!("ci16_le".parse::<SampleFormat>().unwrap(), format); // SigMF's name for the same
/// assert_eq!(format.to_string(), "cs16");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SampleFormat {
    /// Type of each number.
    pub scalar: Scalar,
    /// Two numbers (I, Q) a sample, or one.
    pub complex: bool,
    /// Byte order of each number.
    pub order: ByteOrder,
}

impl SampleFormat {
    /// Complex, little-endian.
    pub const fn complex(scalar: Scalar) -> Self {
        Self { scalar, complex: true, order: ByteOrder::Little }
    }

    /// Real, little-endian.
    pub const fn real(scalar: Scalar) -> Self {
        Self { scalar, complex: false, order: ByteOrder::Little }
    }

    /// The same numbers in the other byte order.
    #[must_use]
    pub const fn with_order(self, order: ByteOrder) -> Self {
        Self { order, ..self }
    }

    /// Size of one sample of one channel, in bytes.
    pub const fn bytes(self) -> usize {
        self.scalar.size() * if self.complex { 2 } else { 1 }
    }
}

impl fmt::Display for SampleFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letters = match (self.scalar, self.complex) {
            (Scalar::U8 | Scalar::U16 | Scalar::U32 | Scalar::U64, _) => "u",
            (Scalar::F32 | Scalar::F64, _) => "f",
            (_, true) => "s",
            (_, false) => "i",
        };
        let prefix = if self.complex { "c" } else { "" };
        let suffix = match self.order {
            ByteOrder::Big if self.scalar.size() > 1 => "_be",
            _ => "",
        };
        write!(f, "{prefix}{letters}{}{suffix}", self.scalar.size() * 8)
    }
}

/// A sample format whose name nobody knows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown sample format '{0}': expected one of cu8 cs8 cu16 cs16 cu32 cs32 cf32 cf64, or real u8 i8 u16 i16 \
     u32 i32 f32 f64, with '_be' behind for big-endian"
)]
pub struct UnknownFormat(pub String);

impl std::str::FromStr for SampleFormat {
    type Err = UnknownFormat;

    /// Reads the short form (`cs16`, `i8`, `cf32_be`) and SigMF's (`ci16_le`, `ri8`, `cf32_be`).
    fn from_str(text: &str) -> Result<Self, UnknownFormat> {
        let unknown = || UnknownFormat(text.to_owned());
        let (name, order) = match text.strip_suffix("_be") {
            Some(name) => (name, ByteOrder::Big),
            None => (text.strip_suffix("_le").unwrap_or(text), ByteOrder::Little),
        };
        let (complex, number) = match name.as_bytes().first() {
            Some(b'c') => (true, &name[1..]),
            Some(b'r') => (false, &name[1..]),
            _ => (false, name),
        };
        let scalar = match number {
            "u8" => Scalar::U8,
            "i8" | "s8" => Scalar::I8,
            "u16" => Scalar::U16,
            "i16" | "s16" => Scalar::I16,
            "u32" => Scalar::U32,
            "i32" | "s32" => Scalar::I32,
            "u64" => Scalar::U64,
            "i64" | "s64" => Scalar::I64,
            "f32" => Scalar::F32,
            "f64" => Scalar::F64,
            _ => return Err(unknown()),
        };
        let order = if scalar.size() == 1 { ByteOrder::Little } else { order };
        Ok(Self { scalar, complex, order })
    }
}

impl Serialize for SampleFormat {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SampleFormat {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_survives_its_own_name() {
        use Scalar::*;
        for scalar in [U8, I8, U16, I16, U32, I32, U64, I64, F32, F64] {
            for complex in [false, true] {
                for order in [ByteOrder::Little, ByteOrder::Big] {
                    let order = if scalar.size() == 1 { ByteOrder::Little } else { order };
                    let format = SampleFormat { scalar, complex, order };
                    assert_eq!(format.to_string().parse(), Ok(format));
                }
            }
        }
    }

    #[test]
    fn unknown_names_are_refused() {
        for name in ["", "c", "cs12", "rf16_le", "cs16_xx", "ééé"] {
            assert!(name.parse::<SampleFormat>().is_err(), "{name}");
        }
    }
}
