//! What the world can get wrong.

use thiserror::Error;

/// A value of the configuration that cannot be used.
#[derive(Clone, Debug, PartialEq, Error)]
#[error("{field}: found {found}, expected {expected}")]
pub struct ConfigError {
    /// The field, as a path: `tracking.stations[0].detection_probability`.
    pub field: String,
    /// What stands there.
    pub found: String,
    /// What may stand there.
    pub expected: &'static str,
}

impl ConfigError {
    pub(crate) fn new(
        field: impl Into<String>,
        found: impl std::fmt::Display,
        expected: &'static str,
    ) -> Self {
        Self { field: field.into(), found: found.to_string(), expected }
    }
}

/// A scan that the tracker refuses; its tracks stay as they were.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
pub enum ScanError {
    /// The scan's time is not a number.
    #[error("time_s: found {found}, expected a finite number of seconds")]
    Time {
        /// The time that was given.
        found: f64,
    },
    /// The scan is older than the one before it.
    #[error("time_s: found {found}, expected no earlier than {latest}, the time of the scan before")]
    BackInTime {
        /// The time that was given.
        found: f64,
        /// The time of the latest scan.
        latest: f64,
    },
    /// The scan is so much later that the filters' covariances would lose their meaning.
    #[error("time_s: found {found}, expected at most {longest_s} s after {latest}; make a new tracker")]
    TooFar {
        /// The time that was given.
        found: f64,
        /// The time of the latest scan.
        latest: f64,
        /// The longest step.
        longest_s: f64,
    },
    /// There is no such station.
    #[error("station: found {found}, expected less than {n_stations}, the number of stations planned")]
    Station {
        /// The station that was given.
        found: usize,
        /// How many there are.
        n_stations: usize,
    },
}
