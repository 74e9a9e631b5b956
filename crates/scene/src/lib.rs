//! Scenes: bursts of known waveforms in white noise, and radars with what they see, as a stream of samples with its
//! truth.
//!
//! A [`SceneConfig`] is what a user writes (TOML), a [`Scene`] is the plan that was checked, a [`SceneSource`] makes
//! its samples, and [`Scene::truth`] and [`Scene::cpi_truth`] say what is in them.
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
//! # Radars
//!
//! A scene with a [`RadarConfig`] adds what its receiver hears of pulses `k` sent at `t_k`, besides or in place of
//! bursts, the same in all channels:
//!
//! `x[n] += exp(−j2π·Δf·t)·Σ A·s(t − τ(t) − t_k)·exp(−j2π·fc·τ(t) + jφ)`,  `t = n / (fs·(1 + ε))`
//!
//! * `τ(t)`: light time from transmitter to target to receiver of what arrives at `t`, the target at the instant at which
//!   it reflects. So delay, range migration, Doppler shift also within the pulse, and the coupling of range and Doppler
//!   are what they are; carrier phases are right to 10⁻³ rad. Targets move straight or on a [`PathConfig`].
//! * `A²`: power against full scale. Of a cross-section `σ` the radar equation makes the power
//!   `Pt·Gt·Gr·λ²·σ / ((4π)³·Rt²·Rr²·L)` over noise of `k·290 K·fs·F`; `P`, the power that the scene gives to noise, says
//!   where that stands against full scale. Or `snr_db` is set: that of one pulse behind the matched filter,
//!   `A²·Σ|s[n]|²/P`, whatever the range; where the target fluctuates, its mean.
//! * `φ`, `A`: with Swerling's cases 1 to 4 complex draws, held for an interval or a pulse.
//! * `ε`, `Δf`: how far the receiver's sample clock runs fast, and how far its oscillator stands above the carrier.
//! * Clutter is a tapped delay line with a tap a sample period ([`ClutterConfig`]), at rest or with a Gaussian Doppler
//!   spectrum; the leak is the straight way. A converter of fewer bits rounds and clips at full scale.
//!
//! M. A. Richards, "Fundamentals of Radar Signal Processing", 2nd ed. 2014, chapters 2 and 4.
//!
//! ```
//! let scene = rangegate_scene::Scene::from_toml(
//!     r#"
//!     sample_rate_hz = 10e6
//!     format = "cs16"
//!     duration_s = 0.1
//!     seed = 1
//!     noise_power_db = -50
//!
//!     [[waveform]]
//!     name = "chirp"
//!     type = "linear_chirp"
//!     start_hz = -2.5e6
//!     stop_hz = 2.5e6
//!     duration_s = 10e-6
//!
//!     [radar]
//!     waveform = "chirp"
//!     carrier_hz = 5.8e9
//!     pri_s = 1e-4
//!
//!     [[target]]
//!     name = "car"
//!     position_m = [0, 400, 0]
//!     velocity_mps = [0, -20, 0]
//!     snr_db = 5
//!
//!     [truth]
//!     cpi_pulses = 100
//!     "#,
//! )?;
//! let last = scene.cpi_truth().last().expect("ten CPIs");
//! assert_eq!(last.cpi, 9);
//! assert!((last.range_m - 398.1).abs() < 0.1 && (last.range_rate_mps + 20.0).abs() < 1e-9);
//! # Ok::<(), rangegate_scene::SceneError>(())
//! ```
//!
//! # Bytes
//!
//! The noise of 4096 samples of a channel is one stream of ChaCha8, addressed by channel and place: a seed gives the
//! same bytes for any block size, and from any start.
#![forbid(unsafe_code)]

mod config;
mod error;
mod interference;
mod plan;
pub mod plots;
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
