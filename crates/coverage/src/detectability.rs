//! The signal-to-noise ratio that a detection needs.

use rangegate_dsp::theory::{CfarTheory, NoiseLevel, Swerling};
use serde::{Deserialize, Serialize};

/// What shall be detected, and how surely.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Target {
    /// Radar cross-section, m²; bistatic the same (there is no forward scatter here).
    pub rcs_m2: f64,
    /// How it fluctuates.
    pub swerling: Swerling,
    /// Probability of detection in one look.
    pub detection_probability: f64,
    /// Probability of a false alarm in one cell.
    pub false_alarm_probability: f64,
}

impl Default for Target {
    fn default() -> Self {
        Self {
            rcs_m2: 1.0,
            swerling: Swerling::One,
            detection_probability: 0.9,
            false_alarm_probability: 1e-6,
        }
    }
}

impl Target {
    /// What is wrong with it: field, found, expected.
    ///
    /// # Errors
    /// A value is not finite or out of bounds.
    pub fn check(&self) -> Result<(), String> {
        if !(self.rcs_m2 > 0.0 && self.rcs_m2 <= 1e9) {
            return Err(format!("rcs_m2 is {}, expected above 0 to 1e9", self.rcs_m2));
        }
        if !(0.1..=0.99).contains(&self.detection_probability) {
            return Err(format!(
                "detection_probability is {}, expected 0.1 to 0.99",
                self.detection_probability
            ));
        }
        if !(1e-9..=1e-3).contains(&self.false_alarm_probability) {
            return Err(format!(
                "false_alarm_probability is {}, expected 1e-9 to 1e-3",
                self.false_alarm_probability
            ));
        }
        Ok(())
    }

    /// Mean signal-to-noise ratio of each of `n_pulses` that are added behind a detector that knows the noise, dB. It is
    /// the exact one: see [`rangegate_dsp::theory`].
    pub fn required_snr_db(&self, n_pulses: u32) -> f64 {
        self.theory(n_pulses).required_snr_db(self.swerling, self.detection_probability)
    }

    /// Probability that such a look detects it, at this ratio of each pulse, dB.
    pub fn probability_at(&self, snr_db: f64, n_pulses: u32) -> f64 {
        self.theory(n_pulses).detection_probability(self.swerling, 10f64.powf(snr_db / 10.0))
    }

    fn theory(&self, n_pulses: u32) -> CfarTheory {
        CfarTheory::new(NoiseLevel::Known, n_pulses.max(1) as usize, self.false_alarm_probability)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn needed_ratios_are_those_of_the_textbooks() {
        // M. A. Richards, Fundamentals of Radar Signal Processing (2nd ed., 2014), 6.3: Pd 0.9, Pfa 1e-6, one pulse.
        let one = |swerling| Target { swerling, ..Target::default() }.required_snr_db(1);
        assert!((one(Swerling::Steady) - 13.2).abs() < 0.05);
        // Pd = Pfa^(1/(1 + SNR)) (P. Swerling, RAND RM-1217, 1954).
        let exact_db = 10.0 * (1e-6_f64.ln() / 0.9_f64.ln() - 1.0).log10();
        for swerling in [Swerling::One, Swerling::Two] {
            assert!((one(swerling) - exact_db).abs() < 1e-4);
        }
        let target = Target { swerling: Swerling::Three, ..Target::default() };
        assert!((target.probability_at(target.required_snr_db(10), 10) - 0.9).abs() < 1e-5);
    }

    #[test]
    fn targets_that_cannot_be_are_refused() {
        assert_eq!(Target::default().check(), Ok(()));
        for bad in [
            Target { rcs_m2: 0.0, ..Target::default() },
            Target { rcs_m2: f64::NAN, ..Target::default() },
            Target { detection_probability: 1.0, ..Target::default() },
            Target { false_alarm_probability: 0.5, ..Target::default() },
        ] {
            assert!(bad.check().is_err(), "{bad:?}");
        }
    }
}
