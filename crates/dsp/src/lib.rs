//! Signal processing without threads, files, sockets or clocks: samples in, detections out.
//!
//! Conventions:
//!
//! * **FFT**: forward `X[k] = Σ x[n]·exp(−j2πkn/N)`, unnormalised, as `rustfft` has it; inverse likewise with
//!   `+j`, and whoever inverts divides by N.
//! * **Matched filter**: `y[n] = Σ_k conj(h[k])·x[n+k] / Σ|h[k]|²`, so index `n` is the echo's leading edge and
//!   `|y|` estimates the echo's amplitude against full scale.
//! * **Positive Doppler** shifts the echo up in frequency: `x[n] = h[n]·exp(+j2π·f·n/fs)`.
//! * **Range-Doppler**: a pulse cube is `[n_pulses × n_gates]`, a map `[n_doppler × n_gates]`, rows along range.
//!   Doppler bin `k` of `n` stands for `k/(n·PRI)` up to half, and for `(k − n)/(n·PRI)` from there on: zero
//!   comes first, and the axis wraps.
//! * A plan is immutable and shared; a worker owns the scratch and is what runs. Planning may allocate and
//!   may fail; running does neither.
// Only `simd` allows it, to call what is compiled for this machine's vectors.
#![deny(unsafe_code)]

pub mod accuracy;
pub mod blanking;
pub mod burst;
pub mod chain;
pub mod clutter;
pub mod convert;
pub mod convolver;
pub mod cw;
pub mod decimate;
pub mod detect;
pub mod doppler;
pub mod estimate;
pub mod fmcw;
pub mod lines;
pub mod matched_filter;
pub mod migration;
pub mod pulse_compression;
pub mod pulse_doppler;
pub mod quantise;
pub mod range_doppler;
mod simd;
pub mod theory;
pub mod waveform;
pub mod window;
