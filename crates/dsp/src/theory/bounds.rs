//! Cramér-Rao bounds: the least standard deviation that any estimate without bias can have.
//!
//! `output_snr` is the peak power of the echo at the output of matched filter and coherent integration over the noise
//! power there: `n·E/N₀` for n pulses of energy E each, in complex white noise of spectral density N₀. Amplitude and phase
//! of the echo are unknown; the carrier's phase tells nothing of the delay.

use rustfft::FftPlanner;
use rustfft::num_complex::{Complex32, Complex64};
use std::f64::consts::TAU;

/// Bound of the delay: `1 / (2π·β·√(2·snr))` with β the RMS bandwidth, see [`rms_bandwidth_hz`] (P. M. Woodward,
/// Probability and Information Theory, with Applications to Radar, 1953; Rihaczek 1969). In range it is c/2 times that.
pub fn delay_deviation_s(rms_bandwidth_hz: f64, output_snr: f64) -> f64 {
    1.0 / (TAU * rms_bandwidth_hz * (2.0 * output_snr).sqrt())
}

/// Bound of the Doppler shift: `1 / (2π·σ_t·√(2·snr))` with σ_t the RMS duration of the pulse train, see
/// [`rms_duration_s`]. For n equal pulses at a regular interval T it is `√(6 / ((2π·T)²·(E/N₀)·n·(n² − 1)))` (Rife &
/// Boorstyn 1974, for a single tone of unknown amplitude and phase). In range rate it is λ/2 times that.
pub fn doppler_deviation_hz(rms_duration_s: f64, output_snr: f64) -> f64 {
    1.0 / (TAU * rms_duration_s * (2.0 * output_snr).sqrt())
}

/// RMS duration of pulses at these times, about their mean: for n pulses at an interval T `T·√((n² − 1)/12)`.
pub fn rms_duration_s(pulse_times_s: &[f64]) -> f64 {
    let n = pulse_times_s.len().max(1) as f64;
    let mean = pulse_times_s.iter().sum::<f64>() / n;
    (pulse_times_s.iter().map(|t| (t - mean).powi(2)).sum::<f64>() / n).sqrt()
}

/// RMS bandwidth of a sampled waveform, about the centroid of its spectrum:
/// `β² = Σ(f − f̄)²·|S(f)|² / Σ|S(f)|²` over the sampled band. A flat spectrum of width B has `B/√12`.
pub fn rms_bandwidth_hz(samples: &[Complex32], sample_rate_hz: f64) -> f64 {
    let n = (2 * samples.len()).max(2).next_power_of_two();
    let mut spectrum: Vec<Complex64> =
        samples.iter().map(|s| Complex64::new(s.re.into(), s.im.into())).collect();
    spectrum.resize(n, Complex64::ZERO);
    FftPlanner::new().plan_fft_forward(n).process(&mut spectrum);
    let frequency = |k: usize| {
        let k = if k < n / 2 { k as f64 } else { k as f64 - n as f64 };
        k / n as f64 * sample_rate_hz
    };
    let moment = |order: i32, about: f64| -> f64 {
        spectrum.iter().enumerate().map(|(k, s)| (frequency(k) - about).powi(order) * s.norm_sqr()).sum()
    };
    let energy = moment(0, 0.0);
    let centroid = moment(1, 0.0) / energy;
    (moment(2, centroid) / energy).sqrt()
}
