//! Coherent and non-coherent integration over the periods of a code (acquisition).

use serde::{Deserialize, Serialize};

/// `[chain.integration]`: a dwell is `noncoherent` times `coherent_periods` code periods.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Integration {
    /// Code periods summed with their phase.
    pub coherent_periods: usize,
    /// Coherent sums whose powers are summed.
    pub noncoherent: usize,
}
