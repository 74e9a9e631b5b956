//! What can be wrong with a scene.

use rangegate_dsp::waveform::WaveformError;
use std::fmt::Display;

/// A scene that cannot be.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SceneError {
    /// The text is no TOML, or has a field that is missing, unknown or of the wrong type.
    #[error("scene: {0}")]
    Toml(#[from] toml::de::Error),
    /// A value out of its range.
    #[error("scene: {field} is {found}, expected {expected}")]
    Field {
        /// Path of the field: `burst[2].time_s`.
        field: String,
        /// What it was.
        found: String,
        /// What it may be.
        expected: String,
    },
    /// A waveform that cannot be, or does not fit the sample rate.
    #[error("scene: waveform '{name}': {source}")]
    Waveform {
        /// Its name in the scene.
        name: String,
        /// What is wrong.
        source: WaveformError,
    },
}

impl SceneError {
    pub(crate) fn field(field: impl Into<String>, found: &dyn Display, expected: impl Into<String>) -> Self {
        Self::Field { field: field.into(), found: found.to_string(), expected: expected.into() }
    }
}
