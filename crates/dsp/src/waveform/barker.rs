//! Barker codes.

use super::error::positive;
use super::{WaveformError, chips_from_bits};
use rangegate_core::Complex32;
use serde::{Deserialize, Serialize};

/// A Barker code: no side lobe of its aperiodic autocorrelation is greater than 1.
///
/// | length | chips | with `alternate` |
/// |---|---|---|
/// | 2 | `+ −` | `+ +` |
/// | 3 | `+ + −` | |
/// | 4 | `+ + − +` | `+ + + −` |
/// | 5 | `+ + + − +` | |
/// | 7 | `+ + + − − + −` | |
/// | 11 | `+ + + − − − + − − + −` | |
/// | 13 | `+ + + + + − − + + − + − +` | |
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Barker {
    /// Number of chips: 2, 3, 4, 5, 7, 11 or 13.
    pub length: u32,
    /// Length of one chip, s.
    pub chip_s: f64,
    /// The second code of lengths 2 and 4.
    #[serde(default)]
    pub alternate: bool,
}

impl Barker {
    pub(super) fn chips(&self) -> Result<Vec<Complex32>, WaveformError> {
        positive("barker", "chip_s", self.chip_s)?;
        let code = match (self.length, self.alternate) {
            (2, false) => "+-",
            (2, true) => "++",
            (3, false) => "++-",
            (4, false) => "++-+",
            (4, true) => "+++-",
            (5, false) => "+++-+",
            (7, false) => "+++--+-",
            (11, false) => "+++---+--+-",
            (13, false) => "+++++--++-+-+",
            (3 | 5 | 7 | 11 | 13, true) => {
                let expected = format!("false: there is one code of length {}", self.length);
                return Err(WaveformError::parameter("barker", "alternate", &true, expected));
            }
            _ => {
                let expected = "2, 3, 4, 5, 7, 11 or 13";
                return Err(WaveformError::parameter("barker", "length", &self.length, expected));
            }
        };
        Ok(chips_from_bits(code.bytes().map(|sign| sign == b'-')))
    }
}
