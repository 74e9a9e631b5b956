//! Closed formulas that the measured performance is held against: detection probabilities and Cramér-Rao bounds.
//!
//! Ratios of power are plain numbers here unless their name ends in `_db`.

mod bounds;
mod cfar;
mod swerling;
#[cfg(test)]
mod tests;

pub use bounds::{delay_deviation_s, doppler_deviation_hz, rms_bandwidth_hz, rms_duration_s};
pub use cfar::{CfarTheory, NoiseLevel};
pub use swerling::{Swerling, detection_probability};
