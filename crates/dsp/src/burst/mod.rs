//! The `burst` chain: a continuous stream against one or many replicas.
//!
//! A [`BurstPlan`] says how the stream is to be cut into segments; a [`BurstWorker`] turns one segment at a
//! time, in any order and on any thread, into [`Peak`]s; [`HoldOff`] takes the results in the order of the
//! stream and makes detections of them.
//!
//! ```text
//!   samples ─► x or |x| ─► matched filter ─► CFAR ─► local maxima ─► min_correlation ─► Peak
//! ```

mod hold_off;
mod peaks;
pub mod periodic;
mod plan;
mod trace;
mod worker;

pub use hold_off::{HoldOff, detection_from_peak};
pub use plan::BurstPlan;
pub use trace::Trace;
pub use worker::BurstWorker;

use crate::detect::CfarConfig;
use serde::{Deserialize, Serialize};

/// `[chain] type = "burst"`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BurstConfig {
    /// What the filter works on.
    #[serde(default)]
    pub input: FilterInput,
    /// Doppler hypotheses; none is one at zero.
    #[serde(default)]
    pub doppler: DopplerGrid,
    /// After a detection, the same channel and replica is silent this long, s.
    #[serde(default)]
    pub hold_off_s: f64,
    /// Wanted probability of a false alarm.
    pub false_alarm_probability: f64,
    /// What that probability counts.
    #[serde(default)]
    pub false_alarm_scope: FalseAlarmScope,
    /// Share of the samples' amplitude (0 to 1) that the replica must explain, noise left aside; a peak
    /// below is something else than the replica. 0 accepts every peak. It is the correlation coefficient of
    /// samples and replica, with the noise that the CFAR estimated taken out of the samples' energy, so
    /// that one value serves weak and strong echoes; with `input = "magnitude"` it is Pearson's, of the
    /// magnitudes.
    #[serde(default)]
    pub min_correlation: f64,
    /// The detector.
    pub cfar: CfarConfig,
    /// Integration over the periods of a periodic code; none for single bursts.
    pub integration: Option<periodic::Integration>,
}

/// What the matched filter works on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FilterInput {
    /// Complex samples: the phase is known within the burst.
    #[default]
    Complex,
    /// Magnitudes: for transmitters whose phase and frequency are not known within the burst.
    Magnitude,
}

/// What one false alarm is counted against.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FalseAlarmScope {
    /// One cell.
    #[default]
    Cell,
    /// All cells of the whole search: every replica, Doppler hypothesis and delay of one dwell.
    Search,
}

/// Doppler hypotheses from `-max_hz` to `max_hz` in steps, symmetric about zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DopplerGrid {
    /// Largest shift either way, Hz.
    pub max_hz: f64,
    /// Step, Hz.
    pub step_hz: f64,
}

/// A cell above the threshold that is greater than its neighbours in time: what becomes a detection unless
/// the hold-off silences it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Peak {
    /// Absolute index of the sample in which the leading edge lies.
    pub sample: u64,
    /// Position between samples, 0 ≤ fraction < 1.
    pub sample_fraction: f64,
    /// Index of the replica.
    pub template: u32,
    /// Channel.
    pub channel: u32,
    /// Doppler shift, Hz, interpolated between hypotheses.
    pub doppler_hz: f64,
    /// Value of the cell in units of the chain's statistic, for comparing peaks. In a stream the amplitude
    /// against full scale.
    pub statistic: f32,
    /// Power over the estimated noise, dB.
    pub snr_db: f64,
    /// Power against full scale, dB.
    pub power_db: f64,
    /// Code delay, s, for periodic codes.
    pub delay_s: Option<f64>,
    /// Number of the dwell, for periodic codes.
    pub cpi: Option<u64>,
}
