//! Waveforms: what is sent, by its definition in continuous time, and replicas, its samples at a rate.

use rangegate_core::Complex32;
use std::sync::Arc;

/// A waveform sampled at the rate of a stream: the matched filter's reference.
#[derive(Clone, Debug, PartialEq)]
pub struct Replica {
    /// Name that detections carry.
    pub name: Arc<str>,
    /// Samples from the leading edge on; sample `n` belongs to the time `n / sample_rate_hz` after it.
    pub samples: Vec<Complex32>,
    /// Rate of the samples, Hz.
    pub sample_rate_hz: f64,
    /// Length of one period in seconds, where the waveform is a periodic code (exact, not rounded to
    /// samples).
    pub period_s: Option<f64>,
}
