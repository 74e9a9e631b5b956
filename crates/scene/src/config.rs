//! What a user writes.

use crate::radar::{ClutterConfig, InterferenceConfig, RadarConfig, TargetConfig, TruthConfig};
use rangegate_core::{SampleFormat, Timestamp};
use rangegate_dsp::waveform::Waveform;
use serde::{Deserialize, Serialize};

/// A scene as its file has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SceneConfig {
    /// Samples a second and channel, Hz.
    pub sample_rate_hz: f64,
    /// How a sample is stored: `cu8 cs8 cs16 cs32 cf32 …`.
    pub format: SampleFormat,
    /// Coherent channels.
    #[serde(default = "one")]
    pub n_channels: usize,
    /// Length, s.
    pub duration_s: f64,
    /// When the first sample is taken; unknown where not given.
    pub start_time: Option<Timestamp>,
    /// Absolute index of the first sample.
    #[serde(default)]
    pub first_sample: u64,
    /// Frequency that the receiver is tuned to, Hz; the radar's carrier where not given.
    pub center_frequency_hz: Option<f64>,
    /// Everything random follows from it.
    pub seed: u64,
    /// Power of the complex noise against full scale, dB; no noise where not given.
    pub noise_power_db: Option<f64>,
    /// Stretches whose samples are lost, in the order of time.
    #[serde(default, rename = "gap")]
    pub gaps: Vec<GapConfig>,
    /// The waveforms that bursts, the radar and interference name.
    #[serde(default, rename = "waveform")]
    pub waveforms: Vec<WaveformConfig>,
    /// What is heard.
    #[serde(default, rename = "burst")]
    pub bursts: Vec<BurstConfig>,
    /// A pulse radar.
    pub radar: Option<RadarConfig>,
    /// What it is there to see.
    #[serde(default, rename = "target")]
    pub targets: Vec<TargetConfig>,
    /// What it sees besides.
    #[serde(default)]
    pub clutter: Vec<ClutterConfig>,
    /// Signals of others, in every channel.
    #[serde(default)]
    pub interference: Vec<InterferenceConfig>,
    /// Which truth there is of the radar's targets.
    pub truth: Option<TruthConfig>,
}

/// `[[gap]]`: samples that are lost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GapConfig {
    /// Time after the start of the scene, s; the first sample at or after it is the first that is lost.
    pub start_s: f64,
    /// Length, s.
    pub duration_s: f64,
}

/// `[[waveform]]`: a waveform with a name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WaveformConfig {
    /// What bursts call it, and the truth.
    pub name: String,
    /// The waveform.
    #[serde(flatten)]
    pub waveform: Waveform,
}

/// `[[burst]]`: one burst, or a train of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BurstConfig {
    /// Name of the waveform.
    pub waveform: String,
    /// Leading edge of the first burst, s after the start of the scene. This or `sample` is given.
    pub time_s: Option<f64>,
    /// Leading edge of the first burst, in samples after the first; may lie between samples.
    pub sample: Option<f64>,
    /// Time from one burst of a train to the next, s.
    pub interval_s: Option<f64>,
    /// Number of bursts. Where not given: with an interval as many as begin within the scene, else one.
    pub count: Option<u64>,
    /// Signal-to-noise ratio behind the matched filter, dB. This or `power_db` is given.
    pub snr_db: Option<f64>,
    /// Power of the burst where the waveform has its peak magnitude, against full scale, dB.
    pub power_db: Option<f64>,
    /// Doppler shift, Hz.
    #[serde(default)]
    pub doppler_hz: f64,
    /// Phase at the leading edge of the first burst, degrees; random for each burst where not given.
    pub phase_deg: Option<f64>,
    /// Channels that hear it, from 0; all where not given.
    pub channels: Option<Vec<usize>>,
}

fn one() -> usize {
    1
}
