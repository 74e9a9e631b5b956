//! Maximum-length sequences, and the shift register behind them.

use super::error::positive;
use super::{WaveformError, chips_from_bits};
use rangegate_core::Complex32;
use serde::{Deserialize, Serialize};

/// A maximum-length sequence: 2^degree − 1 chips whose periodic autocorrelation is −1 off the peak.
///
/// Bits come from a shift register that begins with all ones, `a[n] = ⊕ a[n − k]` over the taps `k`; 0 is sent
/// as +1 and 1 as −1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MaximumLength {
    /// Number of stages of the register, 2 to 20.
    pub degree: u32,
    /// Exponents of the feedback polynomial, without 0: `[5, 2]` is x⁵ + x² + 1. A primitive polynomial of
    /// the degree where not given.
    #[serde(default)]
    pub taps: Option<Vec<u32>>,
    /// Chips a second, Hz.
    pub chip_rate_hz: f64,
}

/// Exponents of one primitive polynomial for each degree from 2 on (Zierler and Brillhart 1968).
const PRIMITIVE: [&[u32]; 19] = [
    &[2, 1],
    &[3, 1],
    &[4, 1],
    &[5, 2],
    &[6, 1],
    &[7, 1],
    &[8, 4, 3, 2],
    &[9, 4],
    &[10, 3],
    &[11, 2],
    &[12, 6, 4, 1],
    &[13, 4, 3, 1],
    &[14, 10, 6, 1],
    &[15, 1],
    &[16, 12, 3, 1],
    &[17, 3],
    &[18, 7],
    &[19, 5, 2, 1],
    &[20, 3],
];

const MAX_DEGREE: u32 = PRIMITIVE.len() as u32 + 1;

impl MaximumLength {
    pub(super) fn chips(&self) -> Result<Vec<Complex32>, WaveformError> {
        let name = "maximum_length";
        positive(name, "chip_rate_hz", self.chip_rate_hz)?;
        if !(2..=MAX_DEGREE).contains(&self.degree) {
            let expected = format!("2 to {MAX_DEGREE}");
            return Err(WaveformError::parameter(name, "degree", &self.degree, expected));
        }
        let taps = self.taps.as_deref().unwrap_or(PRIMITIVE[self.degree as usize - 2]);
        let wrong = |expected: String| WaveformError::parameter(name, "taps", &format!("{taps:?}"), expected);
        if !taps.contains(&self.degree) || taps.iter().any(|tap| !(1..=self.degree).contains(tap)) {
            return Err(wrong(format!("numbers from 1 to the degree {0}, {0} among them", self.degree)));
        }
        let register = ShiftRegister::new(taps);
        let (length, period) = ((1 << self.degree) - 1, register.period());
        if period != length {
            return Err(wrong(format!("a primitive polynomial: this one repeats after {period} chips")));
        }
        Ok(chips_from_bits(register.take(length)))
    }
}

/// A linear feedback shift register (Fibonacci's form) that begins with all ones and gives the bits of its last
/// stage.
#[derive(Clone, Debug)]
pub(super) struct ShiftRegister {
    /// Stage k is bit k − 1.
    state: u32,
    taps: u32,
    degree: u32,
}

impl ShiftRegister {
    /// `taps` holds the exponents of the feedback polynomial, 1 to 31, without 0.
    pub(super) fn new(taps: &[u32]) -> Self {
        let degree = taps.iter().copied().max().unwrap_or(1);
        let taps = taps.iter().fold(0, |mask, tap| mask ^ 1 << (tap - 1));
        Self { state: (1 << degree) - 1, taps, degree }
    }

    /// The content of stage `stage`, from 1.
    pub(super) fn stage(&self, stage: u32) -> bool {
        self.state >> (stage - 1) & 1 == 1
    }

    /// Number of steps until the state is the present one again. There is one: a step loses nothing, as the
    /// last stage is always fed back.
    fn period(&self) -> usize {
        let mut register = self.clone();
        let repeats = |register: &mut Self| {
            register.next();
            register.state == self.state
        };
        1 + std::iter::repeat_with(|| repeats(&mut register)).take_while(|repeated| !repeated).count()
    }
}

impl Iterator for ShiftRegister {
    type Item = bool;

    fn next(&mut self) -> Option<bool> {
        let last = self.stage(self.degree);
        let feedback = (self.state & self.taps).count_ones() & 1;
        self.state = (self.state << 1 | feedback) & ((1 << self.degree) - 1);
        Some(last)
    }
}
