//! `[fusion]`: what a user may choose.

use crate::error::FusionError;
use rangegate_tracking::{HeightPrior, ModelConfig};
use serde::{Deserialize, Serialize};

/// The section `[fusion]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FusionConfig {
    /// Reports wait so long for what is late, s; 2 to 5 suits networks.
    pub hold_s: f64,
    /// The picture is made this often, s.
    pub step_s: f64,
    /// Detections of one station that differ by no more than this in time are of one scan, s.
    pub same_scan_s: f64,
    /// How targets of the joint tracker may move; none: straight on, free flight, and with much acceleration.
    pub models: Vec<ModelConfig>,
    /// No target is faster, m/s.
    pub speed_max_mps: f64,
    /// Where targets are that stations without elevation see.
    pub height: HeightPrior,
    /// Two tracks farther apart than this many standard deviations are not one target's.
    pub gate_sigmas: f64,
    /// A track of the joint tracker ends when this long nobody saw it, s.
    pub coast_s: f64,
    /// An identity waits so long for a target in no station's coverage to come back, s: those that fly freely …
    pub memory_free_flight_s: f64,
    /// … and others.
    pub memory_s: f64,
    /// What is expected of stations' biases before anything was seen, and when they are corrected.
    pub bias: BiasConfig,
    /// Reports that wait at most; what exceeds it is worked off early.
    pub waiting_max: usize,
}

impl Default for FusionConfig {
    fn default() -> Self {
        Self {
            hold_s: 3.0,
            step_s: 1.0,
            same_scan_s: 0.02,
            models: Vec::new(),
            speed_max_mps: 8_000.0,
            height: HeightPrior::default(),
            gate_sigmas: 4.5,
            coast_s: 8.0,
            memory_free_flight_s: 900.0,
            memory_s: 30.0,
            bias: BiasConfig::default(),
            waiting_max: 200_000,
        }
    }
}

/// `[fusion.bias]`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BiasConfig {
    /// Standard deviation of stations' range biases, m.
    pub range_m: f64,
    /// Of their azimuth biases, degrees.
    pub azimuth_deg: f64,
    /// Of their clocks' errors, s.
    pub clock_s: f64,
    /// A bias is corrected once it exceeds this many of its standard deviations.
    pub significance: f64,
    /// What was learnt counts for this long, s.
    pub memory_s: f64,
}

impl Default for BiasConfig {
    fn default() -> Self {
        Self { range_m: 30.0, azimuth_deg: 0.3, clock_s: 0.02, significance: 3.0, memory_s: 3_600.0 }
    }
}

impl FusionConfig {
    /// Checks it.
    ///
    /// # Errors
    /// The first value that cannot be used.
    pub fn check(&self) -> Result<(), FusionError> {
        let positive = [
            ("step_s", self.step_s),
            ("speed_max_mps", self.speed_max_mps),
            ("height.sigma_m", self.height.sigma_m),
            ("height.climb_sigma_mps", self.height.climb_sigma_mps),
            ("gate_sigmas", self.gate_sigmas),
            ("coast_s", self.coast_s),
            ("memory_free_flight_s", self.memory_free_flight_s),
            ("memory_s", self.memory_s),
            ("bias.range_m", self.bias.range_m),
            ("bias.azimuth_deg", self.bias.azimuth_deg),
            ("bias.clock_s", self.bias.clock_s),
            ("bias.significance", self.bias.significance),
            ("bias.memory_s", self.bias.memory_s),
        ];
        for (field, value) in positive {
            if !(value > 0.0 && value.is_finite()) {
                return Err(FusionError::field(format!("fusion.{field}"), value, "a positive number"));
            }
        }
        for (field, value) in [("hold_s", self.hold_s), ("same_scan_s", self.same_scan_s)] {
            if !(0.0..=60.0).contains(&value) {
                return Err(FusionError::field(format!("fusion.{field}"), value, "0 to 60"));
            }
        }
        if !self.height.mean_m.is_finite() {
            return Err(FusionError::field("fusion.height.mean_m", self.height.mean_m, "a finite number"));
        }
        if self.waiting_max == 0 {
            return Err(FusionError::field("fusion.waiting_max", 0, "1 or more"));
        }
        Ok(())
    }
}
