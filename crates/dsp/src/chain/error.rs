//! What can be wrong with a chain.

use crate::convert::ConvertError;
use crate::detect::CfarError;

/// Why a chain cannot be planned.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PlanError {
    /// A setting is out of its range, or does not go with another.
    #[error("{field}: found {found}, expected {expected}")]
    Setting {
        /// Name of the setting.
        field: &'static str,
        /// What it was.
        found: String,
        /// What it may be.
        expected: String,
    },
    /// The detector cannot be planned.
    #[error("cfar: {0}")]
    Cfar(#[from] CfarError),
    /// The samples cannot be converted.
    #[error(transparent)]
    Convert(#[from] ConvertError),
    /// A stage of the chain cannot be planned.
    #[error("{stage}: {message}")]
    Stage {
        /// Name of its settings.
        stage: &'static str,
        /// What it found and what it expected.
        message: String,
    },
    /// A replica that nothing can be found with.
    #[error("replica '{name}': found {found}, expected {expected}")]
    Replica {
        /// Its name.
        name: String,
        /// What it was.
        found: String,
        /// What it has to be.
        expected: String,
    },
}

/// A number as a person reads it: very great and very small ones with their exponent.
pub(crate) fn number(value: f64) -> String {
    let is_plain = value == 0.0 || !value.is_finite() || (1e-6..1e12).contains(&value.abs());
    if is_plain { value.to_string() } else { format!("{value:e}") }
}

impl PlanError {
    pub(crate) fn setting(field: &'static str, found: &impl ToString, expected: impl Into<String>) -> Self {
        Self::Setting { field, found: found.to_string(), expected: expected.into() }
    }

    /// What a stage says, with the name of its settings.
    pub(crate) fn stage(stage: &'static str, error: &dyn std::fmt::Display) -> Self {
        Self::Stage { stage, message: error.to_string() }
    }
}
