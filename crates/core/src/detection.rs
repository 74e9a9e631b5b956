//! Detections: what the chain reports.

use crate::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Version of the records in `detections.jsonl`; grows when a field changes its meaning or goes away.
pub const DETECTION_SCHEMA_VERSION: u32 = 1;

/// One target report from one CPI or one instant of a stream. A line of `detections.jsonl`.
///
/// Fields that a chain cannot know are null.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Detection {
    /// Number of the coherent processing interval, counted from the start of the stream; null for chains
    /// that work on a continuous stream.
    pub cpi: Option<u64>,
    /// Absolute index of the sample in which the echo's leading edge lies.
    pub sample: u64,
    /// What lies between samples: the leading edge is at `sample + sample_fraction`, 0 ≤ fraction < 1.
    pub sample_fraction: f64,
    /// Time of the leading edge, UTC; null where the recording does not say when it was made.
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub time: Option<Timestamp>,
    /// Channel, from 0.
    pub channel: u32,
    /// Name of the replica that matched.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    #[serde(deserialize_with = "arc_str", serialize_with = "str_arc")]
    pub template: Arc<str>,
    /// Delay of the echo behind the transmitted pulse, or the code delay of a periodic code, s.
    pub delay_s: Option<f64>,
    /// Range, or half the bistatic path, m.
    pub range_m: Option<f64>,
    /// Doppler shift, Hz.
    pub doppler_hz: Option<f64>,
    /// Range rate, m/s; positive is receding.
    pub velocity_mps: Option<f64>,
    /// Direction of arrival, degrees clockwise from true north.
    pub azimuth_deg: Option<f64>,
    /// Power of the cell over the noise power that the CFAR estimated beside it, dB.
    pub snr_db: f64,
    /// Power of the echo against full scale, dB.
    pub power_db: f64,
    /// The first detection of its channel and template since samples were lost.
    pub after_gap: bool,
}

impl Detection {
    /// The detection as `detections.jsonl` and the archive hold it: numbers rounded to what they mean. What is not
    /// finite is not known.
    #[must_use]
    pub fn rounded(&self) -> Self {
        let round = |value: Option<f64>, decimals| {
            value.filter(|value| value.is_finite()).map(|value| rounded(value, decimals))
        };
        Self {
            // Rounded down: 1 would belong to the next sample. The little that is added keeps what was rounded before.
            sample_fraction: rounded(
                ((self.sample_fraction * 1e4 + 1e-7).floor() / 1e4).clamp(0.0, 0.9999),
                4,
            ),
            delay_s: round(self.delay_s, 12),
            range_m: round(self.range_m, 3),
            doppler_hz: round(self.doppler_hz, 3),
            velocity_mps: round(self.velocity_mps, 4),
            azimuth_deg: round(self.azimuth_deg, 4),
            snr_db: rounded(self.snr_db, 3),
            power_db: rounded(self.power_db, 3),
            ..self.clone()
        }
    }
}

/// Rounds to a number of decimals; never −0. Infinity and NaN, which JSON has not, stay as they are.
fn rounded(value: f64, decimals: i32) -> f64 {
    let scale = 10_f64.powi(decimals);
    let scaled = (value * scale).round();
    if scaled == 0.0 { 0.0 } else { scaled / scale }
}

fn arc_str<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Arc<str>, D::Error> {
    String::deserialize(deserializer).map(Arc::from)
}

fn str_arc<S: serde::Serializer>(text: &Arc<str>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_rounded_stays() {
        for k in 0..10_000_u32 {
            let value = f64::from(k) / 1e4;
            let detection = Detection {
                cpi: None,
                sample: 1,
                sample_fraction: value,
                time: None,
                channel: 0,
                template: "chirp".into(),
                delay_s: Some(f64::from(k) / 1e12),
                range_m: Some(f64::from(k) / 1e3),
                doppler_hz: Some(f64::from(k) / -1e3),
                velocity_mps: Some(value),
                azimuth_deg: None,
                snr_db: f64::from(k) / 1e3,
                power_db: f64::from(k) / -1e3,
                after_gap: false,
            };
            assert_eq!(detection.rounded().rounded(), detection.rounded());
            assert_eq!(detection.rounded().sample_fraction.to_bits(), value.to_bits());
        }
    }
}
