//! Errors of range and range rate against their bounds.

use super::Random;
use crate::estimate::{EstimateError, Estimator, EstimatorOptions, EstimatorPlan};
use crate::range_doppler::{PowerMap, PulseCube};
use crate::theory::{delay_deviation_s, doppler_deviation_hz, rms_bandwidth_hz, rms_duration_s};
use crate::waveform::{LinearChirp, Replica, Signal, Waveform};
use crate::window::Window;
use num_complex::Complex64;
use rangegate_core::Complex32;
use rustfft::{Fft, FftPlanner};
use serde::Serialize;
use std::f64::consts::TAU;
use std::sync::Arc;

/// A train of chirps and how it is sampled.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct PulseTrain {
    /// Number of pulses.
    pub n_pulses: usize,
    /// Bandwidth of the chirp, Hz.
    pub bandwidth_hz: f64,
    /// Length of the chirp, s.
    pub duration_s: f64,
    /// Pulse repetition interval, s.
    pub pri_s: f64,
    /// Sample rate, Hz: 1.25 times the bandwidth or more.
    pub sample_rate_hz: f64,
}

impl Default for PulseTrain {
    /// 32 chirps of 2 MHz over 40 µs, every 400 µs, sampled at 2.5 MHz.
    fn default() -> Self {
        Self { n_pulses: 32, bandwidth_hz: 2e6, duration_s: 4e-5, pri_s: 4e-4, sample_rate_hz: 2.5e6 }
    }
}

/// Errors of estimates at one signal-to-noise ratio, over the bounds' standard deviations. A ratio is the same in delay and
/// range, and in Doppler and range rate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Estimation {
    /// Signal-to-noise ratio at the output of matched filter and integration, dB.
    pub snr_db: f64,
    /// Number of targets, each off the grid at random.
    pub n_trials: u64,
    /// Of these, how many lie so far from the target that they are none of it, but of noise in the highest cell. They
    /// are left out of the errors: Cramér-Rao's bound is one of errors within a peak, and what noise in another cell
    /// makes is a false alarm.
    pub n_anomalous: u64,
    /// Root-mean-square error of range.
    pub rmse_range_over_crb: f64,
    /// Mean error of range.
    pub bias_range_over_crb: f64,
    /// Root-mean-square error of range rate.
    pub rmse_rate_over_crb: f64,
    /// Mean error of range rate.
    pub bias_rate_over_crb: f64,
    /// Root-mean-square error of the power, dB.
    pub rmse_power_db: f64,
    /// The bound of delay, s (in range c/2 times that).
    pub crb_delay_s: f64,
    /// The bound of Doppler, Hz (in range rate λ/2 times that).
    pub crb_doppler_hz: f64,
}

/// Gates and Doppler resolution cells from the target beyond which an estimate is not one of it.
const FURTHEST_GATES: f64 = 3.0;
const FURTHEST_CELLS: f64 = 2.0;

/// Estimates `n_trials` steady targets at each signal-to-noise ratio, each from pulses with noise, compressed, transformed
/// and refined from the map's highest cell. Delays and Doppler shifts are uniform over several cells, the shift acts within
/// the pulse too.
///
/// # Errors
/// A pulse train without meaning.
pub fn estimation(
    train: &PulseTrain,
    snrs_db: &[f64],
    n_trials: u64,
    seed: u64,
) -> Result<Vec<Estimation>, EstimateError> {
    let mut receiver = Receiver::new(train, 2)?;
    let options = EstimatorOptions {
        coupling_s_per_hz: -train.duration_s / train.bandwidth_hz,
        ..EstimatorOptions::default()
    };
    let plan = EstimatorPlan::new(&receiver.times_s, train.sample_rate_hz, &options)?;
    let mut estimator = Estimator::new(Arc::new(plan));
    let beta_hz = rms_bandwidth_hz(&receiver.replica, train.sample_rate_hz);
    let sigma_s = rms_duration_s(&receiver.times_s);
    let rows = snrs_db.iter().enumerate().map(|(i, &snr_db)| {
        let mut random = Random::new(seed.wrapping_add(i as u64));
        let snr = 10f64.powf(snr_db / 10.0);
        let crb_delay_s = delay_deviation_s(beta_hz, snr);
        let crb_doppler_hz = doppler_deviation_hz(sigma_s, snr);
        let (mut sums, mut n_anomalous) = ([0.0; 5], 0);
        let cell_hz = 1.0 / (train.n_pulses as f64 * train.pri_s);
        for _ in 0..n_trials {
            let target = Target {
                gate: 24.0 + 8.0 * random.uniform(),
                doppler_hz: (random.uniform() - 0.5) * 0.9 / train.pri_s,
                amplitude: Complex64::from_polar(1.0, TAU * random.uniform()),
            };
            receiver.receive(&[target], snr, &mut random);
            let (gate, doppler_hz) = receiver.highest();
            let found = estimator.estimate(&receiver.cube, gate, doppler_hz);
            let range = (found.gate - target.gate) / train.sample_rate_hz / crb_delay_s;
            // The highest cell may lie a whole turn away.
            let turn = (1.0 / train.pri_s, found.doppler_hz - target.doppler_hz);
            let rate = (turn.1 - (turn.1 / turn.0).round() * turn.0) / crb_doppler_hz;
            let power_db = 10.0 * found.amplitude.norm_sqr().log10();
            let gates_off = (found.gate - target.gate).abs();
            if gates_off > FURTHEST_GATES || (rate * crb_doppler_hz).abs() > FURTHEST_CELLS * cell_hz {
                n_anomalous += 1;
                continue;
            }
            let errors = [range, range * range, rate, rate * rate, power_db * power_db];
            sums.iter_mut().zip(errors).for_each(|(sum, error)| *sum += error);
        }
        let [range, range2, rate, rate2, power2] =
            sums.map(|sum| sum / (n_trials - n_anomalous).max(1) as f64);
        Estimation {
            snr_db,
            n_trials,
            n_anomalous,
            rmse_range_over_crb: range2.sqrt(),
            bias_range_over_crb: range,
            rmse_rate_over_crb: rate2.sqrt(),
            bias_rate_over_crb: rate,
            rmse_power_db: power2.sqrt(),
            crb_delay_s,
            crb_doppler_hz,
        }
    });
    Ok(rows.collect())
}

/// A target of one CPI.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target {
    pub(super) gate: f64,
    pub(super) doppler_hz: f64,
    pub(super) amplitude: Complex64,
}

/// Pulses to compressed pulses to a map, over a few gates, by the definition of each.
pub(super) struct Receiver {
    train: PulseTrain,
    signal: Signal,
    pub(super) replica: Vec<Complex32>,
    energy: f64,
    pub(super) times_s: Vec<f64>,
    pub(super) cube: PulseCube,
    pub(super) map: PowerMap,
    fft: Arc<dyn Fft<f64>>,
}

pub(super) const N_GATES: usize = 56;

impl Receiver {
    /// `padding`: Doppler bins per pulse.
    pub(super) fn new(train: &PulseTrain, padding: usize) -> Result<Self, EstimateError> {
        let half = train.bandwidth_hz / 2.0;
        let (start_hz, stop_hz) = (-half, half);
        let window = Window::Rectangular {};
        let chirp = LinearChirp { start_hz, stop_hz, duration_s: train.duration_s, window };
        let waveform = Waveform::LinearChirp(chirp);
        let error = |e: crate::waveform::WaveformError| EstimateError {
            field: "train",
            found: e.to_string(),
            expected: "a chirp that can be sampled",
        };
        let signal = waveform.signal(train.sample_rate_hz).map_err(error)?;
        let replica: Replica = waveform.replica("chirp", train.sample_rate_hz).map_err(error)?;
        let n_doppler = padding * train.n_pulses;
        Ok(Self {
            train: *train,
            signal,
            energy: replica.energy(),
            replica: replica.samples,
            times_s: (0..train.n_pulses).map(|p| p as f64 * train.pri_s).collect(),
            cube: PulseCube::new(train.n_pulses, N_GATES),
            map: PowerMap::new(n_doppler, N_GATES),
            fft: FftPlanner::new().plan_fft_forward(n_doppler),
        })
    }

    /// Fills cube and map. The noise is such that an echo of amplitude 1 has this signal-to-noise ratio at the output; the
    /// map's noise power is 1. Phases are those in the middle of the CPI.
    pub(super) fn receive(&mut self, targets: &[Target], output_snr: f64, random: &mut Random) {
        let (rate_hz, n_pulses) = (self.train.sample_rate_hz, self.train.n_pulses);
        let noise = (n_pulses as f64 * self.energy / output_snr).sqrt();
        let middle_s = (n_pulses - 1) as f64 * self.train.pri_s / 2.0;
        let n_samples = N_GATES + self.replica.len();
        let echo = |target: &Target| -> Vec<Complex64> {
            let sample = |n: usize| {
                let fast_s = (n as f64 - target.gate) / rate_hz;
                let turn = Complex64::cis(TAU * target.doppler_hz * fast_s);
                target.amplitude * self.signal.value(fast_s) * turn
            };
            (0..n_samples).map(sample).collect()
        };
        let echoes: Vec<Vec<Complex64>> = targets.iter().map(echo).collect();
        for (p, pulse_s) in self.times_s.iter().enumerate() {
            let mut samples: Vec<Complex64> = (0..n_samples).map(|_| random.gaussian() * noise).collect();
            for (target, echo) in targets.iter().zip(&echoes) {
                let turn = Complex64::cis(TAU * target.doppler_hz * (pulse_s - middle_s));
                samples.iter_mut().zip(echo).for_each(|(sample, echo)| *sample += echo * turn);
            }
            for (gate, y) in self.cube.row_mut(p).iter_mut().enumerate() {
                let products = self.replica.iter().zip(&samples[gate..]);
                let sum: Complex64 =
                    products.map(|(h, x)| Complex64::new(h.re.into(), -f64::from(h.im)) * x).sum();
                *y = Complex32::new((sum.re / self.energy) as f32, (sum.im / self.energy) as f32);
            }
        }
        self.transform(output_snr / (n_pulses as f64).powi(2));
    }

    fn transform(&mut self, scale: f64) {
        let n_doppler = self.map.n_rows();
        let mut column = vec![Complex64::ZERO; n_doppler];
        for gate in 0..N_GATES {
            column.fill(Complex64::ZERO);
            for (p, value) in column.iter_mut().enumerate().take(self.train.n_pulses) {
                let y = self.cube.row(p)[gate];
                *value = Complex64::new(y.re.into(), y.im.into());
            }
            self.fft.process(&mut column);
            for (bin, value) in column.iter().enumerate() {
                self.map.row_mut(bin)[gate] = (value.norm_sqr() * scale) as f32;
            }
        }
    }

    /// Doppler shift of a bin, Hz, zero in the middle.
    pub(super) fn doppler_hz_from_bin(&self, bin: usize) -> f64 {
        let n = self.map.n_rows();
        let bin = if 2 * bin < n { bin as f64 } else { bin as f64 - n as f64 };
        bin / (n as f64 * self.train.pri_s)
    }

    /// Gate and Doppler shift of the highest cell.
    fn highest(&self) -> (usize, f64) {
        let mut best = (f32::NEG_INFINITY, 0, 0);
        for bin in 0..self.map.n_rows() {
            for (gate, &power) in self.map.row(bin).iter().enumerate() {
                if power > best.0 {
                    best = (power, bin, gate);
                }
            }
        }
        (best.2, self.doppler_hz_from_bin(best.1))
    }
}
