//! Linear chirps.

use super::WaveformError;
use super::error::positive;
use crate::window::{Window, WindowPlan};
use rustfft::num_complex::Complex;
use serde::{Deserialize, Serialize};

/// A frequency that moves linearly from `start_hz` to `stop_hz` (up or down), under a window.
///
/// `w(t/T) · exp(j2π·(f₀·t + (f₁ − f₀)·t² / 2T))` for `0 ≤ t < T`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinearChirp {
    /// Frequency at the leading edge, Hz of baseband.
    pub start_hz: f64,
    /// Frequency at the end, Hz of baseband.
    pub stop_hz: f64,
    /// Length, s.
    pub duration_s: f64,
    /// Amplitude over time; rectangular where not given.
    #[serde(default)]
    pub window: Window,
}

impl LinearChirp {
    pub(super) fn plan(&self, sample_rate_hz: f64) -> Result<ChirpPlan, WaveformError> {
        positive("linear_chirp", "duration_s", self.duration_s)?;
        self.window.validate()?;
        for (field, frequency_hz) in [("start_hz", self.start_hz), ("stop_hz", self.stop_hz)] {
            if frequency_hz.is_nan() || frequency_hz.abs() > sample_rate_hz / 2.0 {
                return Err(WaveformError::BeyondNyquist { field, frequency_hz, sample_rate_hz });
            }
        }
        let n = (self.duration_s * sample_rate_hz).ceil().clamp(1.0, super::MAX_SAMPLES as f64);
        Ok(ChirpPlan {
            start_hz: self.start_hz,
            half_rate_hz_per_s: (self.stop_hz - self.start_hz) / (2.0 * self.duration_s),
            duration_s: self.duration_s,
            window: self.window.plan(n as usize),
        })
    }
}

#[derive(Clone, Debug)]
pub(super) struct ChirpPlan {
    start_hz: f64,
    half_rate_hz_per_s: f64,
    duration_s: f64,
    window: WindowPlan,
}

impl ChirpPlan {
    pub(super) fn value(&self, time_s: f64) -> Complex<f64> {
        if !(0.0..self.duration_s).contains(&time_s) {
            return Complex::ZERO;
        }
        let cycles = (self.start_hz + self.half_rate_hz_per_s * time_s) * time_s;
        Complex::from_polar(self.window.at(time_s / self.duration_s), std::f64::consts::TAU * cycles.fract())
    }
}
