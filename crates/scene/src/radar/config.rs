//! What a user writes of a radar and of what it sees.

use super::path::PathConfig;
use serde::{Deserialize, Serialize};

/// `[radar]`: a pulse radar. Positions are metres east, north and up of the scene's origin; times are seconds of
/// the transmitter's clock, which is right, after the start of the scene.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RadarConfig {
    /// Name of the `[[waveform]]` of every pulse.
    pub waveform: String,
    /// Carrier, Hz.
    pub carrier_hz: f64,
    /// Time from one pulse to the next, s. Of a list every entry holds for `pulses_per_pri` pulses in turn, and the
    /// list begins again at its end: staggered with 1 pulse, switched from dwell to dwell with more.
    pub pri_s: PriConfig,
    /// Pulses before the next entry of a list of PRIs.
    #[serde(default = "one")]
    pub pulses_per_pri: u64,
    /// Each pulse is early or late by up to this much, s: uniform, independent, not summed up.
    #[serde(default)]
    pub pri_jitter_s: f64,
    /// Leading edge of the first pulse, s.
    #[serde(default)]
    pub start_s: f64,
    /// Losses between transmitter and receiver that nothing else counts, dB.
    #[serde(default)]
    pub losses_db: f64,
    /// Where the origin of positions lies on Earth. Satellites need it.
    pub origin: Option<GeodeticConfig>,
    /// The transmitter.
    #[serde(default)]
    pub transmitter: TransmitterConfig,
    /// The receiver.
    #[serde(default)]
    pub receiver: ReceiverConfig,
    /// What the receiver hears of the transmitter without a detour.
    pub leak: Option<LeakConfig>,
}

/// One PRI, or several.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "a number of seconds, or a list of them")]
pub enum PriConfig {
    /// The same after each pulse.
    Fixed(f64),
    /// One after the other.
    List(Vec<f64>),
}

/// A place on the WGS 84 ellipsoid.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GeodeticConfig {
    /// Geodetic latitude, degrees north.
    pub latitude_deg: f64,
    /// Longitude, degrees east.
    pub longitude_deg: f64,
    /// Height over the ellipsoid, m.
    #[serde(default)]
    pub height_m: f64,
}

/// `[radar.transmitter]`. Targets with a radar cross-section need its power.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TransmitterConfig {
    /// Position, m.
    #[serde(default)]
    pub position_m: [f64; 3],
    /// Power where the waveform has its peak magnitude, W.
    pub power_w: Option<f64>,
    /// Gain of the antenna, dB over isotropic, in all directions alike.
    #[serde(default)]
    pub antenna_gain_db: f64,
}

/// `[radar.receiver]`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceiverConfig {
    /// Position, m; the transmitter's where not given.
    pub position_m: Option<[f64; 3]>,
    /// Gain of the antenna, dB over isotropic, in all directions alike.
    #[serde(default)]
    pub antenna_gain_db: f64,
    /// Noise figure against 290 K, dB.
    #[serde(default)]
    pub noise_figure_db: f64,
    /// Bits of each part of what the converter gives, which clips at full scale; those of the format where not
    /// given.
    pub adc_bits: Option<u32>,
    /// How far the one oscillator of sample clock and carrier runs fast, parts in a million. In place of the next
    /// two.
    pub oscillator_offset_ppm: Option<f64>,
    /// How far the sample clock runs fast, parts in a million.
    pub sample_clock_offset_ppm: Option<f64>,
    /// How far above the carrier the receiver is tuned, Hz: everything that the radar hears stands lower by it.
    pub carrier_offset_hz: Option<f64>,
}

/// `[radar.leak]`: the transmitter's pulse on the straight way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeakConfig {
    /// Power where the waveform has its peak magnitude, against full scale, dB.
    pub power_db: f64,
    /// Delay beyond that of the straight way (cables), s.
    #[serde(default)]
    pub delay_s: f64,
    /// Phase beyond that of the delay, degrees.
    #[serde(default)]
    pub phase_deg: f64,
}

/// `[[target]]`. One of `position_m` (with `velocity_mps`) and `path`; one of `rcs_m2`, `snr_db` and `power_db`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TargetConfig {
    /// What the truth calls it.
    pub name: String,
    /// Position at the start of the scene, m.
    pub position_m: Option<[f64; 3]>,
    /// Velocity, which stays, m/s.
    pub velocity_mps: Option<[f64; 3]>,
    /// Any other way to move.
    pub path: Option<PathConfig>,
    /// Mean radar cross-section, m²; the radar equation makes the power of it.
    pub rcs_m2: Option<f64>,
    /// Mean signal-to-noise ratio of one pulse behind the matched filter, dB, whatever the range.
    pub snr_db: Option<f64>,
    /// Mean power of the echo where the waveform has its peak magnitude, against full scale, dB, whatever the range.
    pub power_db: Option<f64>,
    /// Swerling's case, 0 to 4.
    #[serde(default)]
    pub swerling: u8,
    /// How long a draw of cases 1 and 3 holds, s after the first pulse; one CPI of the truth where not given, or the
    /// whole scene.
    pub fluctuation_interval_s: Option<f64>,
    /// Phase of case 0 beyond that of the delay, degrees; random where not given.
    pub phase_deg: Option<f64>,
}

/// `[[clutter]]`: scatterers at every sample period of delay between two ranges. One of `cnr_db` and `power_db`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClutterConfig {
    /// Nearest range, m (bistatic: half the path by way of the scatterer).
    pub from_m: f64,
    /// Farthest range, m.
    pub to_m: f64,
    /// Mean clutter-to-noise ratio of one pulse behind the matched filter, dB, at `from_m`.
    pub cnr_db: Option<f64>,
    /// Mean power behind the matched filter, against full scale, dB, at `from_m`.
    pub power_db: Option<f64>,
    /// Power falls with the range to this power from `from_m` on.
    #[serde(default)]
    pub range_exponent: f64,
    /// Scatterers a metre, placed at random (Poisson); so many where not given that the clutter is Gaussian.
    pub density_per_m: Option<f64>,
    /// Mean range rate, m/s.
    #[serde(default)]
    pub velocity_mps: f64,
    /// Standard deviation of the range rate: the width of the Gaussian Doppler spectrum, m/s.
    #[serde(default)]
    pub velocity_spread_mps: f64,
}

/// `[[interference]]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum InterferenceConfig {
    /// A carrier.
    Tone {
        /// Frequency as received, Hz of baseband.
        frequency_hz: f64,
        /// Power against full scale, dB.
        power_db: f64,
    },
    /// Pulses of another transmitter, each with a random phase.
    Pulses {
        /// Name of the `[[waveform]]`.
        waveform: String,
        /// Leading edge of the first, s after the start of the scene.
        #[serde(default)]
        start_s: f64,
        /// Time from one pulse to the next, s.
        pri_s: f64,
        /// Frequency as received, Hz of baseband.
        #[serde(default)]
        frequency_hz: f64,
        /// Power where the waveform has its peak magnitude, against full scale, dB.
        power_db: f64,
    },
}

/// `[truth]`: which records there are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TruthConfig {
    /// Pulses of a CPI; CPIs follow one another from the first pulse on.
    pub cpi_pulses: u64,
}

fn one() -> u64 {
    1
}
