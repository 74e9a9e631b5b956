//! What can be wrong with a waveform.

use crate::window::WindowError;

/// A waveform that cannot be, or cannot be sampled at the wanted rate.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum WaveformError {
    /// A parameter is out of its range.
    #[error("waveform {waveform}: {field} is {found}, expected {expected}")]
    Parameter {
        /// Type of the waveform, as configurations name it.
        waveform: &'static str,
        /// Name of the parameter.
        field: &'static str,
        /// What it was.
        found: String,
        /// What it may be.
        expected: String,
    },
    /// The window of a chirp has a parameter out of its range.
    #[error("waveform linear_chirp: {0}")]
    Window(#[from] WindowError),
    /// The sample rate is not a rate.
    #[error("sample rate is {0} Hz, expected a finite number above zero")]
    SampleRate(f64),
    /// Frequencies beyond half the sample rate cannot be told from others.
    #[error(
        "waveform linear_chirp: {field} is {frequency_hz} Hz, expected at most {} Hz either way, half of \
         the sample rate of {sample_rate_hz} Hz", sample_rate_hz / 2.0
    )]
    BeyondNyquist {
        /// Name of the parameter.
        field: &'static str,
        /// What it was, Hz.
        frequency_hz: f64,
        /// Rate of the samples, Hz.
        sample_rate_hz: f64,
    },
    /// Too short or too long at this rate.
    #[error(
        "replica of {duration_s} s has {n_samples} samples at {sample_rate_hz} Hz, expected 1 to {}",
        super::MAX_SAMPLES
    )]
    Length {
        /// Length of the waveform, s.
        duration_s: f64,
        /// Its length in sample periods.
        n_samples: f64,
        /// Rate of the samples, Hz.
        sample_rate_hz: f64,
    },
    /// Every sample is zero, or the samples are no numbers.
    #[error("replica '{0}' has no energy at this sample rate, or samples that are not finite")]
    NoEnergy(String),
}

impl WaveformError {
    pub(super) fn parameter(
        waveform: &'static str,
        field: &'static str,
        found: &dyn std::fmt::Display,
        expected: impl Into<String>,
    ) -> Self {
        Self::Parameter { waveform, field, found: found.to_string(), expected: expected.into() }
    }
}

/// Refuses what is not a finite number above zero.
pub(super) fn positive(waveform: &'static str, field: &'static str, value: f64) -> Result<(), WaveformError> {
    if value.is_finite() && value > 0.0 {
        return Ok(());
    }
    Err(WaveformError::parameter(waveform, field, &value, "a finite number above zero"))
}
