//! `[chain] type = "pulse_doppler"`.

use crate::fmcw::FmcwConfig;
use crate::pulse_compression::CompressionConfig;
use crate::range_doppler::RangeDopplerConfig;
use serde::{Deserialize, Serialize};

/// A pulsed radar: its timing, what is done with its pulses, and what counts as a target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PulseDopplerConfig {
    /// The pulses of a look. Several dwells at different intervals tell apart the velocities that one takes for the
    /// same.
    #[serde(rename = "dwell")]
    pub dwells: Vec<DwellConfig>,
    /// Where pulses begin.
    #[serde(default)]
    pub framing: Framing,
    /// Frequency of the transmitter, Hz; default: the one the receiver was tuned to.
    pub carrier_hz: Option<f64>,
    /// Which echoes are wanted.
    pub range: RangeConfig,
    /// Where transmitter and receiver stand, if not at the same place.
    pub bistatic: Option<BistaticConfig>,
    /// How pulses are compressed.
    #[serde(default)]
    pub compression: CompressionConfig,
    /// From compressed pulses to targets.
    pub map: RangeDopplerConfig,
    /// Greatest speed of targets, m/s: with several dwells, velocities beyond the first ambiguity are told apart up
    /// to it.
    pub max_speed_mps: Option<f64>,
}

/// `[chain] type = "fmcw"`: a swept radar.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FmcwChainConfig {
    /// From samples to compressed chirps.
    pub chirps: FmcwConfig,
    /// From compressed chirps to targets.
    pub map: RangeDopplerConfig,
}

/// `[[chain.dwell]]`: pulses that are integrated coherently.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DwellConfig {
    /// Time from one pulse to the next, s; a list is a stagger, which repeats.
    pub pri_s: Pri,
    /// Number of pulses.
    pub n_pulses: usize,
}

/// Pulse repetition intervals.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Pri {
    /// Always the same.
    Fixed(f64),
    /// One after the other, and again from the first.
    Staggered(Vec<f64>),
}

impl Pri {
    /// The intervals of one round.
    pub fn list(&self) -> &[f64] {
        match self {
            Self::Fixed(pri_s) => std::slice::from_ref(pri_s),
            Self::Staggered(list) => list,
        }
    }
}

/// `[chain.framing]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Framing {
    /// The recording holds pulses that a trigger cut out, each from its leading edge on.
    Trigger {},
    /// The first pulse begins at a known time, and the others follow without end.
    Offset {
        /// Leading edge of the first pulse, s after the recording's first sample.
        offset_s: f64,
    },
    /// The transmitter is heard directly, and found in every look.
    Leak(LeakFraming),
}

impl Default for Framing {
    fn default() -> Self {
        Self::Leak(LeakFraming::default())
    }
}

/// How the direct leak is found and what is taken from it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LeakFraming {
    /// Least power of the leak over the median, dB; looks without it are left out and counted.
    pub min_snr_db: f64,
    /// Take the leak's frequency for zero Doppler: for transmitters and receivers without a common reference.
    pub frequency_reference: bool,
}

impl Default for LeakFraming {
    fn default() -> Self {
        Self { min_snr_db: 10.0, frequency_reference: true }
    }
}

/// `[chain.range]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RangeConfig {
    /// Least range, m.
    #[serde(default)]
    pub min_m: f64,
    /// Greatest range, m.
    pub max_m: f64,
    /// Delay of the receiver, cables included, that is taken off, s. Calibrate it with a reflector at a known range.
    #[serde(default)]
    pub calibration_delay_s: f64,
}

/// `[chain.bistatic]`: positions in a common frame of east, north and up, m.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BistaticConfig {
    /// Where the transmitter stands.
    pub transmitter_m: [f64; 3],
    /// Where the receiver stands.
    pub receiver_m: [f64; 3],
}

impl BistaticConfig {
    /// Distance of the two, m.
    pub fn baseline_m(&self) -> f64 {
        let square = |(a, b): (&f64, &f64)| (a - b).powi(2);
        self.transmitter_m.iter().zip(&self.receiver_m).map(square).sum::<f64>().sqrt()
    }
}
