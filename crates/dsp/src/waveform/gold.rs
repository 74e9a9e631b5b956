//! Gold codes.

use super::error::positive;
use super::maximum_length::ShiftRegister;
use super::{WaveformError, chips_from_bits};
use rangegate_core::Complex32;
use serde::{Deserialize, Serialize};

/// A Gold code: one of 2^degree + 1 codes of 2^degree − 1 chips whose periodic cross-correlations take the three
/// values −1, −t and t − 2, with t = 1 + 2^⌊(degree + 2) / 2⌋ (Gold 1967).
///
/// | degree | preferred pair of polynomials `a`, `b` |
/// |---|---|
/// | 5 | x⁵ + x² + 1, x⁵ + x⁴ + x³ + x² + 1 |
/// | 6 | x⁶ + x + 1, x⁶ + x⁵ + x² + x + 1 |
/// | 7 | x⁷ + x³ + 1, x⁷ + x³ + x² + x + 1 |
/// | 9 | x⁹ + x⁴ + 1, x⁹ + x⁶ + x⁴ + x³ + 1 |
/// | 10 | x¹⁰ + x³ + 1, x¹⁰ + x⁸ + x³ + x² + 1 |
/// | 11 | x¹¹ + x² + 1, x¹¹ + x⁸ + x⁵ + x² + 1 |
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gold {
    /// Number of stages of both registers: 5, 6, 7, 9, 10 or 11.
    pub degree: u32,
    /// 0 is the sequence `a`, 1 is `b`, and `k + 2` is `a` ⊕ (`b` advanced by `k` chips), `k < 2^degree − 1`.
    /// Both registers begin with all ones; 0 is sent as +1 and 1 as −1.
    pub index: u32,
    /// Chips a second, Hz.
    pub chip_rate_hz: f64,
}

impl Gold {
    pub(super) fn chips(&self) -> Result<Vec<Complex32>, WaveformError> {
        positive("gold", "chip_rate_hz", self.chip_rate_hz)?;
        let (a, b): (&[u32], &[u32]) = match self.degree {
            5 => (&[5, 2], &[5, 4, 3, 2]),
            6 => (&[6, 1], &[6, 5, 2, 1]),
            7 => (&[7, 3], &[7, 3, 2, 1]),
            9 => (&[9, 4], &[9, 6, 4, 3]),
            10 => (&[10, 3], &[10, 8, 3, 2]),
            11 => (&[11, 2], &[11, 8, 5, 2]),
            _ => {
                let expected = "5, 6, 7, 9, 10 or 11";
                return Err(WaveformError::parameter("gold", "degree", &self.degree, expected));
            }
        };
        let length = (1_usize << self.degree) - 1;
        let (a, b) = (ShiftRegister::new(a), ShiftRegister::new(b));
        match self.index as usize {
            0 => Ok(chips_from_bits(a.take(length))),
            1 => Ok(chips_from_bits(b.take(length))),
            index if index - 2 < length => {
                Ok(chips_from_bits(a.zip(b.skip(index - 2)).take(length).map(|(a, b)| a ^ b)))
            }
            _ => Err(WaveformError::parameter("gold", "index", &self.index, format!("0 to {}", length + 1))),
        }
    }
}
