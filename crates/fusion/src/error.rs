//! What the world can get wrong.

use rangegate_tracking::ConfigError;
use thiserror::Error;

/// Stations or settings that cannot be used.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum FusionError {
    /// A value out of its range.
    #[error("{field}: found {found}, expected {expected}")]
    Field {
        /// Path of the field.
        field: String,
        /// What stands there.
        found: String,
        /// What may stand there.
        expected: String,
    },
    /// The joint tracker refuses its settings.
    #[error(transparent)]
    Tracking(#[from] ConfigError),
}

impl FusionError {
    pub(crate) fn field(
        field: impl Into<String>,
        found: impl std::fmt::Display,
        expected: impl Into<String>,
    ) -> Self {
        Self::Field { field: field.into(), found: found.to_string(), expected: expected.into() }
    }
}
