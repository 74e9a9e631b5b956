//! From delay and Doppler shift to range and range rate.

use super::config::{BistaticConfig, Framing, RangeConfig};
use serde::Serialize;

/// Speed of light in vacuum, m/s (exact by the definition of the metre).
pub const SPEED_OF_LIGHT_MPS: f64 = 299_792_458.0;

/// Where delays count from, and what a wavelength is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Geometry {
    /// Wavelength of the carrier, m.
    pub wavelength_m: f64,
    /// Distance of transmitter and receiver, m.
    pub baseline_m: f64,
    /// Delay that is taken off, s.
    pub calibration_delay_s: f64,
    /// Delays are counted from the direct leak, which itself took the baseline's time.
    pub is_from_leak: bool,
}

impl Geometry {
    pub(super) fn new(
        carrier_hz: f64,
        range: &RangeConfig,
        bistatic: Option<&BistaticConfig>,
        framing: &Framing,
    ) -> Self {
        Self {
            wavelength_m: SPEED_OF_LIGHT_MPS / carrier_hz,
            baseline_m: bistatic.map_or(0.0, BistaticConfig::baseline_m),
            calibration_delay_s: range.calibration_delay_s,
            is_from_leak: matches!(framing, Framing::Leak(_)),
        }
    }

    /// Delay of the frame's first gate behind the transmitted pulse, s: what is to be added to delays in the frame.
    pub fn frame_delay_s(&self) -> f64 {
        let leak_s = if self.is_from_leak { self.baseline_m / SPEED_OF_LIGHT_MPS } else { 0.0 };
        leak_s - self.calibration_delay_s
    }

    /// Range, or half of the path from transmitter to target to receiver, m, from the delay behind the transmitted
    /// pulse.
    pub fn range_m_from_delay(&self, delay_s: f64) -> f64 {
        delay_s * SPEED_OF_LIGHT_MPS / 2.0
    }

    /// Delay in the frame of an echo from this range, s.
    pub fn frame_delay_s_from_range(&self, range_m: f64) -> f64 {
        2.0 * range_m / SPEED_OF_LIGHT_MPS - self.frame_delay_s()
    }

    /// Range rate, or half the rate of the path, m/s; positive is receding.
    pub fn velocity_mps_from_doppler(&self, doppler_hz: f64) -> f64 {
        -doppler_hz * self.wavelength_m / 2.0
    }

    /// Where a target of this range can be, if transmitter and receiver stand apart: semi-axes of the ellipse (of
    /// the ellipsoid, with the second twice) whose foci they are, m. `None` inside the baseline.
    pub fn ellipse_m(&self, range_m: f64) -> Option<[f64; 2]> {
        let focus_m = self.baseline_m / 2.0;
        (range_m >= focus_m).then(|| [range_m, (range_m * range_m - focus_m * focus_m).sqrt()])
    }
}
