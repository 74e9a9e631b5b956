//! The radar equation.

use crate::detectability::Target;
use serde::{Deserialize, Serialize};
use std::f64::consts::PI;

/// Boltzmann's constant, J/K (exact since 2019).
pub const BOLTZMANN: f64 = 1.380_649e-23;
/// Speed of light, m/s.
pub const SPEED_OF_LIGHT: f64 = 299_792_458.0;

/// How the pulses of a look are added.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Integration {
    /// With their phases: N pulses are worth N times the energy.
    #[default]
    Coherent,
    /// Behind the detector.
    NonCoherent,
}

/// The figures of the radar equation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RadarConfig {
    /// Carrier frequency, Hz.
    pub frequency_hz: f64,
    /// Power within a pulse, W.
    pub peak_power_w: f64,
    /// Length of a pulse, s; the matched filter gathers its whole energy.
    pub pulse_length_s: f64,
    /// Gain of the transmitting antenna, dBi.
    pub transmit_gain_db: f64,
    /// Gain of the receiving antenna, dBi.
    pub receive_gain_db: f64,
    /// Noise temperature of the system, K.
    pub noise_temperature_k: f64,
    /// All losses, dB.
    #[serde(default)]
    pub losses_db: f64,
    /// Pulses of a look.
    #[serde(default = "one")]
    pub n_pulses: u32,
    /// How they are added.
    #[serde(default)]
    pub integration: Integration,
}

fn one() -> u32 {
    1
}

impl RadarConfig {
    /// What is wrong with it: field, found, expected.
    ///
    /// # Errors
    /// A value is not finite or out of bounds.
    pub fn check(&self) -> Result<(), String> {
        let within = [
            ("frequency_hz", self.frequency_hz, 1e6, 1e12),
            ("peak_power_w", self.peak_power_w, 1e-9, 1e12),
            ("pulse_length_s", self.pulse_length_s, 1e-12, 1e3),
            ("transmit_gain_db", self.transmit_gain_db, -50.0, 100.0),
            ("receive_gain_db", self.receive_gain_db, -50.0, 100.0),
            ("noise_temperature_k", self.noise_temperature_k, 1.0, 1e7),
            ("losses_db", self.losses_db, 0.0, 100.0),
            ("n_pulses", f64::from(self.n_pulses), 1.0, 1e6),
        ];
        match within.into_iter().find(|(_, value, low, high)| !(*low..=*high).contains(value)) {
            Some((field, value, low, high)) => Err(format!("{field} is {value}, expected {low} to {high}")),
            None => Ok(()),
        }
    }

    /// Signal-to-noise ratio of one pulse, dB, of a cross-section at these ranges from transmitter and receiver:
    ///
    /// `P τ Gt Gr λ² σ / ((4π)³ k T L Rt² Rr²)`
    pub fn pulse_snr_db(&self, rcs_m2: f64, transmitter_m: f64, receiver_m: f64) -> f64 {
        self.at_1_m_db() + decibels(rcs_m2) - 2.0 * decibels(transmitter_m) - 2.0 * decibels(receiver_m)
    }

    /// That of 1 m² at 1 m from both.
    fn at_1_m_db(&self) -> f64 {
        let wavelength_m = SPEED_OF_LIGHT / self.frequency_hz;
        decibels(self.peak_power_w * self.pulse_length_s)
            + self.transmit_gain_db
            + self.receive_gain_db
            + 2.0 * decibels(wavelength_m)
            - 3.0 * decibels(4.0 * PI)
            - decibels(BOLTZMANN * self.noise_temperature_k)
            - self.losses_db
    }

    /// What one pulse must have for the whole look to detect the target, dB.
    pub fn required_pulse_snr_db(&self, target: &Target) -> f64 {
        match self.integration {
            Integration::Coherent => target.required_snr_db(1) - decibels(f64::from(self.n_pulses)),
            Integration::NonCoherent => target.required_snr_db(self.n_pulses),
        }
    }

    /// Range up to which a target is detected, m. With the transmitter elsewhere it is seen where the product of its two
    /// ranges is at most the square of this: within an oval of Cassini.
    pub fn range_m(&self, target: &Target) -> f64 {
        self.range_at_m(target.rcs_m2, self.required_pulse_snr_db(target))
    }

    /// Probability that a look detects a target at these ranges from transmitter and receiver; the target's own
    /// `detection_probability` does not count.
    pub fn detection_probability(&self, target: &Target, transmitter_m: f64, receiver_m: f64) -> f64 {
        let snr_db = self.pulse_snr_db(target.rcs_m2, transmitter_m.max(1.0), receiver_m.max(1.0));
        match self.integration {
            Integration::Coherent => target.probability_at(snr_db + decibels(f64::from(self.n_pulses)), 1),
            Integration::NonCoherent => target.probability_at(snr_db, self.n_pulses),
        }
    }

    /// Range at which one pulse has a signal-to-noise ratio, m; with the transmitter elsewhere, the root of the product
    /// of both.
    pub fn range_at_m(&self, rcs_m2: f64, pulse_snr_db: f64) -> f64 {
        10f64.powf((self.at_1_m_db() + decibels(rcs_m2) - pulse_snr_db) / 40.0)
    }
}

fn decibels(ratio: f64) -> f64 {
    10.0 * ratio.log10()
}

#[cfg(test)]
#[path = "radar_tests.rs"]
mod tests;
