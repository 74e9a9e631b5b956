//! Zadoff-Chu sequences.

use super::error::positive;
use super::{MAX_SAMPLES, WaveformError};
use rangegate_core::Complex32;
use serde::{Deserialize, Serialize};
use std::f64::consts::PI;

/// A Zadoff-Chu sequence: magnitude 1 throughout, periodic autocorrelation 0 off the peak (Chu 1972).
///
/// `exp(−jπ·u·n·(n + N mod 2) / N)` for chip `n` of `N`, root `u`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ZadoffChu {
    /// Number of chips `N`.
    pub length: u32,
    /// Root `u`, from 1 to N − 1 and without a common divisor with N.
    pub root: u32,
    /// Chips a second, Hz.
    pub chip_rate_hz: f64,
}

impl ZadoffChu {
    pub(super) fn chips(&self) -> Result<Vec<Complex32>, WaveformError> {
        let name = "zadoff_chu";
        positive(name, "chip_rate_hz", self.chip_rate_hz)?;
        if !(2..=MAX_SAMPLES as u32).contains(&self.length) {
            let expected = format!("2 to {MAX_SAMPLES}");
            return Err(WaveformError::parameter(name, "length", &self.length, expected));
        }
        let (length, root) = (u64::from(self.length), u64::from(self.root));
        if root == 0 || root >= length || greatest_common_divisor(root, length) != 1 {
            let expected = format!("1 to {}, without a common divisor with the length", length - 1);
            return Err(WaveformError::parameter(name, "root", &self.root, expected));
        }
        // The phase repeats after 2N half-turns over N; in integers nothing of it is lost.
        let phase = |n: u64| (n * (n + length % 2) % (2 * length) * root) % (2 * length);
        let chip = |n| {
            let (sin, cos) = (-PI * phase(n) as f64 / length as f64).sin_cos();
            Complex32::new(cos as f32, sin as f32)
        };
        Ok((0..length).map(chip).collect())
    }
}

fn greatest_common_divisor(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}
