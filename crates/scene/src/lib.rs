//! Scenes: bursts of known waveforms in white noise, as a stream of samples with its truth.
//!
//! A [`SceneConfig`] is what a user writes (TOML), a [`Scene`] is the plan that was checked, a [`SceneSource`] makes
//! its samples, and [`Scene::truth`] says what is in them.
//!
//! ```
//! let scene = rangegate_scene::Scene::from_toml(
//!     r#"
//!     sample_rate_hz = 2e6
//!     format = "cs8"
//!     duration_s = 0.1
//!     seed = 1
//!     noise_power_db = -30
//!
//!     [[waveform]]
//!     name = "code"
//!     type = "barker"
//!     length = 13
//!     chip_s = 1e-6
//!
//!     [[burst]]
//!     waveform = "code"
//!     time_s = 0.01
//!     interval_s = 0.0200001
//!     snr_db = 20
//!     "#,
//! )?;
//! assert_eq!(scene.truth().count(), 5);
//! # Ok::<(), rangegate_scene::SceneError>(())
//! ```
//!
//! What stands in a sample, before it is rounded to the format and clipped at its full scale:
//!
//! `x[n] = √(P/2)·(g + jg') + Σ A·s(n − t)·exp(j2π·(f·(n − t₀)/fs + φ))`
//!
//! * `P`: power of the complex noise against full scale (a tone of amplitude 1 has 0 dB); `g`, `g'` are standard
//!   normal and independent between samples, parts and channels.
//! * `s`: the waveform, of peak magnitude 1, sampled with the fractional delay `t` by its own definition
//!   ([`rangegate_dsp::waveform`]); `A` its amplitude; `f` the Doppler shift.
//! * `φ`: the phase. Where it is given, a train of bursts is coherent: `t₀` is the leading edge of its first.
//!   Where it is not, each burst has a random one of its own, and `t₀ = t`.
//! * `snr_db` is the signal-to-noise ratio behind the matched filter, `A²·Σ|s[n]|²/P` with `s[n]` the replica at the
//!   scene's rate: what a detection's `snr_db` estimates, and what theory's curves are drawn over.
//!
//! The noise of 4096 samples of a channel is one stream of ChaCha8, addressed by channel and place: a seed gives the
//! same bytes for any block size, and from any start.
#![forbid(unsafe_code)]

mod config;
mod error;
mod interference;
mod plan;
mod quantise;
mod radar;
mod random;
mod source;
mod truth;

pub use config::{BurstConfig, GapConfig, SceneConfig, WaveformConfig};
pub use error::SceneError;
pub use plan::Scene;
pub use radar::{
    ArcConfig, ArcsConfig, ClutterConfig, CpiTruth, FreeFallConfig, GeodeticConfig, InterferenceConfig,
    KeplerConfig, LeakConfig, PathConfig, PriConfig, RadarConfig, ReceiverConfig, TargetConfig,
    TransmitterConfig, TruthConfig, WayPointConfig, WayPointsConfig,
};
pub use source::SceneSource;
pub use truth::TruthRecord;
