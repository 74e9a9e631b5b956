//! What a radio is told to do.

use rangegate_core::SampleFormat;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// `[source.radio]`. Sample rate and frequency are those of `[source]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RadioConfig {
    /// Which device: SoapySDR arguments such as `driver=hackrf` or `driver=uhd,serial=…`.
    pub device: String,
    /// Channels of the device, in the order in which they are recorded.
    #[serde(default = "first_channel")]
    pub channels: Vec<usize>,
    /// Gain of all stages together, dB.
    #[serde(default)]
    pub gain_db: Option<f64>,
    /// Gain of single stages, dB, by the device's names for them.
    #[serde(default)]
    pub gains_db: BTreeMap<String, f64>,
    /// Let the device set its gain.
    #[serde(default)]
    pub automatic_gain: bool,
    /// Which antenna, by the device's name for it.
    #[serde(default)]
    pub antenna: Option<String>,
    /// Width of the device's filter, Hz.
    #[serde(default)]
    pub bandwidth_hz: Option<f64>,
    /// How samples come from the device; default: as it takes them.
    #[serde(default)]
    pub sample_format: Option<SampleFormat>,
    /// What the device's clock runs by, by its name for it (`external`, `gpsdo`).
    #[serde(default)]
    pub clock_source: Option<String>,
    /// What sets the device's time, by its name for it.
    #[serde(default)]
    pub time_source: Option<String>,
    /// Settings that only this device has.
    #[serde(default)]
    pub settings: BTreeMap<String, String>,
    /// Arguments of its stream (`bufflen`, …).
    #[serde(default)]
    pub stream_args: BTreeMap<String, String>,
    /// What the times of samples are told by.
    #[serde(default)]
    pub time: TimeBase,
    /// Signal that is held in memory while what comes after is late, s.
    #[serde(default = "default_buffer_s")]
    pub buffer_s: f64,
    /// How long to wait for a device that was lost, s; 0: the run ends there.
    #[serde(default)]
    pub reconnect_s: f64,
    /// Core that the reading thread is pinned to; default: the last there is.
    #[serde(default)]
    pub pin: Option<usize>,
}

impl RadioConfig {
    /// A device with everything as it comes.
    pub fn new(device: impl Into<String>) -> Self {
        Self {
            device: device.into(),
            channels: first_channel(),
            gain_db: None,
            gains_db: BTreeMap::new(),
            automatic_gain: false,
            antenna: None,
            bandwidth_hz: None,
            sample_format: None,
            clock_source: None,
            time_source: None,
            settings: BTreeMap::new(),
            stream_args: BTreeMap::new(),
            time: TimeBase::Auto,
            buffer_s: default_buffer_s(),
            reconnect_s: 0.0,
            pin: None,
        }
    }

    /// Whether every value is one that some radio could have.
    ///
    /// # Errors
    /// Names the field, what it is and what was expected.
    pub fn validate(&self) -> Result<(), String> {
        let numbers = [
            ("gain_db", self.gain_db, f64::MIN, f64::MAX),
            ("bandwidth_hz", self.bandwidth_hz, 0.0, f64::MAX),
            ("buffer_s", Some(self.buffer_s), 0.01, 60.0),
            ("reconnect_s", Some(self.reconnect_s), 0.0, 1e9),
        ];
        for (name, value, least, most) in numbers {
            if let Some(value) = value.filter(|value| !(least..=most).contains(value)) {
                let bounds =
                    if most < f64::MAX { format!("{least} to {most}") } else { "a finite number".to_owned() };
                return Err(format!("{name} is {value}, expected {bounds}"));
            }
        }
        if self.channels.is_empty() {
            return Err("channels is [], expected at least one".to_owned());
        }
        let repeated = self.channels.iter().enumerate().find(|(at, c)| self.channels[..*at].contains(c));
        if let Some((_, channel)) = repeated {
            return Err(format!("channels names {channel} twice"));
        }
        if self.automatic_gain && (self.gain_db.is_some() || !self.gains_db.is_empty()) {
            return Err("automatic_gain is set, and so is a gain: expected one of them".to_owned());
        }
        Ok(())
    }
}

/// What the times of samples are told by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeBase {
    /// The device's clock where it tells UTC (to a minute, by this computer's), else this computer's clock at the first
    /// sample.
    #[default]
    Auto,
    /// The device's clock, as nanoseconds since 1970 whatever it tells.
    Device,
    /// This computer's clock at the first sample.
    Host,
}

fn first_channel() -> Vec<usize> {
    vec![0]
}

fn default_buffer_s() -> f64 {
    1.0
}

/// What the device really does: read back after it was told.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RadioSettings {
    /// The device's own description of itself.
    pub device: BTreeMap<String, String>,
    /// Its driver.
    pub driver: String,
    /// Samples a second and channel, Hz.
    pub sample_rate_hz: f64,
    /// How samples come from it.
    pub sample_format: String,
    /// Largest value that the device gives, in units of `sample_format`.
    pub full_scale: f64,
    /// Whether samples come with the device's time.
    pub has_time: bool,
    /// What its clock runs by.
    pub clock_source: Option<String>,
    /// What sets its time.
    pub time_source: Option<String>,
    /// Channel by channel.
    pub channels: Vec<ChannelSettings>,
}

/// What one channel does.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ChannelSettings {
    /// Its number.
    pub channel: usize,
    /// Frequency it is tuned to, Hz.
    pub center_frequency_hz: f64,
    /// Gain of all stages together, dB.
    pub gain_db: f64,
    /// Gain of each stage, dB.
    pub gains_db: BTreeMap<String, f64>,
    /// Whether the device sets its gain.
    pub automatic_gain: bool,
    /// Which antenna.
    pub antenna: String,
    /// Width of its filter, Hz.
    pub bandwidth_hz: f64,
}
