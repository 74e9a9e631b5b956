//! The `fmcw` chain: beat signals of swept transmitters to range-Doppler maps.
//!
//! ```text
//!   beat signal ────────────────────────┐
//!   received sweep ─► · conj(replica) ──┴─► window ─► FFT ─► gates ─► one row of the pulse cube
//! ```
//!
//! A sweep of slope S that comes back after the delay τ beats with the one being sent at S·τ. One transform of a
//! chirp makes range gates of it; it is the low-pass filter and the decimation of a dechirped sweep as well,
//! since gates outside [`FmcwConfig::range_m`] are not kept. From the cube on the work is that of pulse-Doppler.
//!
//! # Signs
//! Devices that dechirp give `sent · conj(received)`, in which the beat frequency is `+S·τ`: positive for a rising
//! sweep, as TI's are with I + jQ. A device that gives `received · conj(sent)` needs
//! [`conjugate`](rangegate_core::ToBaseband::conjugate). Its slow-time phase `+2π·f·τ` turns *against* the Doppler
//! shift, so the cube holds the conjugate: there, as everywhere in this crate, positive Doppler is an echo shifted
//! up, from an approaching target. Doppler bin k of the beat signals' own transform is thus bin −k of the map.
//! Real beat signals have both signs of frequency; gates are made of the positive ones, conjugated if the sweep
//! rises.
//!
//! # Range and Doppler are coupled
//! A target that recedes with v moves the beat frequency by `2v·f/c`, so that it appears
//! [`FmcwPlan::range_shift_m`] `= v·f/S` too far (A. G. Stove, Linear FMCW radar techniques, IEE Proc. F 139
//! (1992), 343).

mod plan;
#[cfg(test)]
mod tests;
mod worker;

pub use plan::{FmcwError, FmcwPlan};
pub use worker::FmcwWorker;

use crate::window::Window;
use serde::{Deserialize, Serialize};

/// Speed of light, m/s.
pub const SPEED_OF_LIGHT_MPS: f64 = 299_792_458.0;

/// From samples to compressed chirps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FmcwConfig {
    /// What is sent.
    pub sweep: Sweep,
    /// Chirps in a CPI.
    pub n_pulses: usize,
    /// What the samples are.
    #[serde(default)]
    pub input: FmcwInput,
    /// Window along a chirp, against range side lobes.
    #[serde(default = "hann")]
    pub window: Window,
    /// Length of the range transform: chirps are padded with zeros up to it. Default: the samples of a sweep.
    pub n_range: Option<usize>,
    /// Ranges to keep. Default: all that the sample rate allows, for real beat signals half of them.
    pub range_m: Option<RangeLimits>,
}

fn hann() -> Window {
    Window::Hann {}
}

/// A linear sweep that is sent again and again.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sweep {
    /// Slope, Hz/s; negative where the frequency falls.
    pub slope_hz_per_s: f64,
    /// Frequency in the middle of the sampled sweep, Hz: wave lengths are counted at it.
    pub carrier_hz: f64,
    /// Time from one chirp to the next, s.
    pub chirp_period_s: f64,
    /// When the sweep begins after the first sample of a chirp, s.
    #[serde(default)]
    pub start_s: f64,
    /// How long it is used, s. Default: to the last sample of the chirp.
    pub duration_s: Option<f64>,
    /// Frequency at which the sweep begins in the samples, Hz from their centre; where the sweep itself was
    /// received. Default: half the swept band below the centre (above, where it falls).
    pub start_hz: Option<f64>,
}

/// What the samples of a swept radar are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FmcwInput {
    /// Beat signals: the device multiplied what it received with what it sent.
    #[default]
    Beat,
    /// The received sweep itself: it is multiplied with the replica here.
    Sweep,
}

/// Ranges from `min` to `max`, m.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RangeLimits {
    /// Nearest.
    #[serde(default)]
    pub min: f64,
    /// Farthest.
    pub max: f64,
}
