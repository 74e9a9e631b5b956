//! Signal processing without threads, files, sockets or clocks: samples in, detections out.
//!
//! Conventions:
//!
//! * **FFT**: forward `X[k] = Σ x[n]·exp(−j2πkn/N)`, unnormalised, as `rustfft` has it; inverse likewise with
//!   `+j`, and whoever inverts divides by N.
//! * **Matched filter**: `y[n] = Σ_k conj(h[k])·x[n+k] / Σ|h[k]|²`, so index `n` is the echo's leading edge and
//!   `|y|` estimates the echo's amplitude against full scale.
//! * **Positive Doppler** shifts the echo up in frequency: `x[n] = h[n]·exp(+j2π·f·n/fs)`.
//! * A plan is immutable and shared; a worker owns the scratch and is what runs. Planning may allocate and
//!   may fail; running does neither.
#![forbid(unsafe_code)]

pub mod burst;
pub mod convert;
pub mod detect;
pub mod matched_filter;
pub mod waveform;
pub mod window;
