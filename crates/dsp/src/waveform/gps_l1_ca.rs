//! The coarse/acquisition codes of GPS.

use super::maximum_length::ShiftRegister;
use super::{WaveformError, chips_from_bits};
use rangegate_core::Complex32;
use serde::{Deserialize, Serialize};

/// The L1 C/A code of a satellite: 1023 chips at 1.023 MHz, 1 ms (IS-GPS-200, 3.3.2.3). 0 is sent as +1 and 1
/// as −1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GpsL1Ca {
    /// Number of the satellite's code, 1 to 32.
    pub prn: u32,
}

/// For each PRN from 1, the two stages of G2 whose sum is the delayed G2 (IS-GPS-200, table 3-Ia).
#[rustfmt::skip]
const G2_STAGES: [[u32; 2]; 32] = [
    [2, 6], [3, 7], [4, 8], [5, 9], [1, 9], [2, 10], [1, 8], [2, 9], // PRN 1 to 8
    [3, 10], [2, 3], [3, 4], [5, 6], [6, 7], [7, 8], [8, 9], [9, 10], // 9 to 16
    [1, 4], [2, 5], [3, 6], [4, 7], [5, 8], [6, 9], [1, 3], [4, 6], // 17 to 24
    [5, 7], [6, 8], [7, 9], [8, 10], [1, 6], [2, 7], [3, 8], [4, 9], // 25 to 32
];

impl GpsL1Ca {
    /// Chips a second, Hz.
    pub const CHIP_RATE_HZ: f64 = 1.023e6;

    pub(super) fn chips(&self) -> Result<Vec<Complex32>, WaveformError> {
        let stages = (self.prn as usize).checked_sub(1).and_then(|k| G2_STAGES.get(k));
        let Some(&[first, second]) = stages else {
            return Err(WaveformError::parameter("gps_l1_ca", "prn", &self.prn, "1 to 32"));
        };
        let g1 = ShiftRegister::new(&[3, 10]);
        let mut g2 = ShiftRegister::new(&[2, 3, 6, 8, 9, 10]);
        let bits = g1.take(1023).map(|bit| {
            let delayed = g2.stage(first) ^ g2.stage(second);
            g2.next();
            bit ^ delayed
        });
        Ok(chips_from_bits(bits))
    }
}
