//! `[chain.map]`.

use crate::blanking::BlankingConfig;
use crate::burst::FalseAlarmScope;
use crate::clutter::CancellerConfig;
use crate::detect::map::{ClusterConfig, MapCfarConfig};
use crate::migration::KeystoneConfig;
use crate::window::Window;
use serde::{Deserialize, Serialize};

/// From compressed pulses to targets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RangeDopplerConfig {
    /// Takes pulses of transmitters that are not in step out.
    pub blanking: Option<BlankingConfig>,
    /// What is done against echoes of things at rest.
    #[serde(default)]
    pub clutter: ClutterConfig,
    /// From pulses to Doppler bins.
    #[serde(default)]
    pub doppler: DopplerConfig,
    /// Wanted probability of a false alarm.
    pub false_alarm_probability: f64,
    /// What that probability counts: a cell, or all cells of one map (`"search"`).
    #[serde(default)]
    pub false_alarm_scope: FalseAlarmScope,
    /// The detector.
    pub cfar: MapCfarConfig,
    /// What makes one target of many cells.
    #[serde(default)]
    pub clusters: ClusterConfig,
}

/// `[chain.map.clutter]`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClutterConfig {
    /// Combines successive pulses so that what stands still cancels.
    pub canceller: CancellerConfig,
    /// Doppler shifts up to this one either way are no targets, Hz.
    pub notch_hz: Option<f64>,
}

/// `[chain.map.doppler]`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DopplerConfig {
    /// Window over the pulses.
    pub window: Window,
    /// Bins; default: one a pulse. More interpolate.
    pub n_bins: Option<usize>,
    /// Hold targets that cross range gates within a dwell.
    pub keystone: Option<KeystoneConfig>,
}
