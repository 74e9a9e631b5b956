//! Rectangular pulses.

use super::WaveformError;
use super::error::positive;
use serde::{Deserialize, Serialize};

/// One rectangular pulse.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pulse {
    /// Length, s.
    pub duration_s: f64,
}

impl Pulse {
    /// Start and end, s.
    pub(super) fn pulses(&self) -> Result<Vec<[f64; 2]>, WaveformError> {
        positive("pulse", "duration_s", self.duration_s)?;
        Ok(vec![[0.0, self.duration_s]])
    }
}

/// Rectangular pulses at given times.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PulseTrain {
    /// Start and length of each pulse, s, in the order of time and without overlap.
    pub pulses: Vec<[f64; 2]>,
    /// Length of the whole, the silence after the last pulse included, s.
    pub duration_s: f64,
}

const MAX_PULSES: usize = 65_536;

impl PulseTrain {
    /// Start and end of each pulse, s.
    pub(super) fn pulses(&self) -> Result<Vec<[f64; 2]>, WaveformError> {
        let name = "pulse_train";
        positive(name, "duration_s", self.duration_s)?;
        if !(1..=MAX_PULSES).contains(&self.pulses.len()) {
            let found = format!("a list of {}", self.pulses.len());
            return Err(WaveformError::parameter(
                name,
                "pulses",
                &found,
                format!("1 to {MAX_PULSES} pulses"),
            ));
        }
        let mut end_s = 0.0;
        let mut pulses = Vec::with_capacity(self.pulses.len());
        for (k, &[start_s, length_s]) in self.pulses.iter().enumerate() {
            let next_s = start_s + length_s;
            // Sums of decimal fractions may miss each other by a rounding.
            let slack_s = 1e-12 * self.duration_s;
            if !(start_s >= end_s - slack_s && length_s > 0.0 && next_s <= self.duration_s + slack_s) {
                let found = format!("[{start_s}, {length_s}] at place {k}");
                let expected = format!(
                    "[start_s, duration_s] with start at {end_s} or later, a length above zero and the end by \
                     {}",
                    self.duration_s
                );
                return Err(WaveformError::parameter(name, "pulses", &found, expected));
            }
            pulses.push([start_s, next_s]);
            end_s = next_s;
        }
        Ok(pulses)
    }
}

/// The preamble of a Mode S reply: pulses of 0.5 µs at 0, 1, 3.5 and 4.5 µs, 8 µs in all (ICAO Annex 10
/// volume IV, 3.1.2.2.5.1).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModeSPreamble {}

impl ModeSPreamble {
    pub(super) const PULSES: [[f64; 2]; 4] =
        [[0.0, 0.5e-6], [1.0e-6, 1.5e-6], [3.5e-6, 4.0e-6], [4.5e-6, 5.0e-6]];
    pub(super) const DURATION_S: f64 = 8e-6;
}
