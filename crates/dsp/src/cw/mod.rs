//! Continuous-wave Doppler radar: a baseband signal, real (sound) or complex, to speeds over time.
//!
//! ```text
//!   samples ─► every hop: window ─► FFT ─► power ─► CFAR along frequency ─► local maxima ─► speed = f·λ/2
//! ```
//!
//! A [`CwPlan`] says how the stream is to be cut into segments, and a [`CwWorker`] turns one segment at a time, in
//! any order and on any thread, into [`Slice`]s on a fixed grid of times. A real signal does not tell approaching
//! from receding; its speeds have no sign.

mod collector;
mod plan;
#[cfg(test)]
mod tests;
mod worker;

pub use collector::{Slices, TEMPLATE};
pub use plan::{CwError, CwPlan};
pub use worker::CwWorker;

use crate::detect::CfarConfig;
use crate::window::Window;
use rangegate_core::TimeAnchor;
use serde::{Deserialize, Serialize};

/// `[chain] type = "cw"`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CwConfig {
    /// Frequency of the radar, Hz.
    pub carrier_hz: f64,
    /// Samples of one slice: it resolves speeds of `fs·λ / (2·n_fft)`, less what the window widens.
    pub n_fft: usize,
    /// Samples from one slice to the next. Default: a quarter of `n_fft`.
    pub hop: Option<usize>,
    /// Window over a slice.
    #[serde(default = "hann")]
    pub window: Window,
    /// Slower ones are clutter, hum and drift, m/s.
    #[serde(default)]
    pub min_speed_mps: f64,
    /// Faster ones do not exist, m/s. Default: all that the sample rate allows.
    pub max_speed_mps: Option<f64>,
    /// Most peaks of one slice that are kept, the strongest ones.
    #[serde(default = "eight")]
    pub max_peaks: usize,
    /// Wanted probability of a false alarm in one cell.
    pub false_alarm_probability: f64,
    /// The detector along frequency. The guard has to cover the window's main lobe: 3 cells for Hann's.
    pub cfar: CfarConfig,
}

fn hann() -> Window {
    Window::Hann {}
}

fn eight() -> usize {
    8
}

/// The spectrum of a short time, and the speeds in it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Slice {
    /// Absolute index of its first sample; its peaks are those of its middle, half of `n_fft` later.
    pub first_sample: u64,
    /// Channel.
    pub channel: u32,
    /// Powers against full scale, a tone of amplitude A giving A², by rising frequency: see
    /// [`CwPlan::doppler_hz_from_bin`]. For plots: not kept where results are stored.
    #[serde(skip)]
    pub power: Vec<f32>,
    /// Strongest first.
    pub peaks: Vec<CwPeak>,
    /// Samples that were infinite or not numbers.
    pub bad_samples: u64,
}

/// A speed in a slice.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CwPeak {
    /// Doppler shift, Hz, interpolated between bins; positive for real signals.
    pub doppler_hz: f64,
    /// Speed along the line of sight, m/s, without a sign.
    pub speed_mps: f64,
    /// Range rate, m/s, positive when receding; `None` for real signals.
    pub velocity_mps: Option<f64>,
    /// Power against full scale, interpolated between bins, dB.
    pub power_db: f64,
    /// Power of the noise in a bin as the CFAR estimated it, dB.
    pub noise_db: f64,
    /// Power of the cell over that, dB.
    pub snr_db: f64,
}

/// What a worker found in one segment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CwResult {
    /// Number of the segment in the stream.
    pub sequence: u64,
    /// Ties indices to time.
    pub anchor: Option<TimeAnchor>,
    /// Samples were lost before this segment.
    pub after_gap: bool,
    slices: Vec<Slice>,
    n_slices: usize,
}

impl CwResult {
    /// The slices that begin in the segment's core and end within the run, by channel and then by time.
    pub fn slices(&self) -> &[Slice] {
        &self.slices[..self.n_slices]
    }
}
