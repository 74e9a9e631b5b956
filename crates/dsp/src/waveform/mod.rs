//! Waveforms: what is sent, by its definition in continuous time, and replicas, its samples at a rate.
//!
//! A waveform has the peak magnitude 1 and begins with its leading edge at time 0. How it is sampled:
//!
//! * **Codes and pulses** are integrated and dumped: sample `n` is the mean of the waveform over
//!   `[n, n + 1) / fs`. Where the rate is a whole multiple of the chip rate, each sample is a chip; elsewhere
//!   a sample that holds an edge is the weighted mean of its two sides. Chips are never rounded to samples.
//! * **Smooth waveforms** (chirps) have their value at the instant `n / fs`.
//!
//! Positions are binary64 seconds from the leading edge: an edge one second in is off by 2·10⁻¹⁶ s at most,
//! 10⁻⁸ of a sample at 50 MS/s.

mod barker;
mod chirp;
mod error;
mod gold;
mod gps_l1_ca;
mod maximum_length;
mod pulse;
mod resample;
mod zadoff_chu;

pub use barker::Barker;
pub use chirp::LinearChirp;
pub use error::WaveformError;
pub use gold::Gold;
pub use gps_l1_ca::GpsL1Ca;
pub use maximum_length::MaximumLength;
pub use pulse::{ModeSPreamble, Pulse, PulseTrain};
pub use zadoff_chu::ZadoffChu;

use rangegate_core::Complex32;
use rustfft::num_complex::Complex;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Greatest number of samples of a replica, and of chips of a code.
pub const MAX_SAMPLES: usize = 1 << 24;

/// What is sent. In configurations `type = "barker"` and the family's own fields.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Waveform {
    /// A frequency that moves linearly with time.
    LinearChirp(LinearChirp),
    /// One rectangular pulse.
    Pulse(Pulse),
    /// Rectangular pulses at given times.
    PulseTrain(PulseTrain),
    /// The four pulses that begin a Mode S reply.
    ModeSPreamble(ModeSPreamble),
    /// A Barker code.
    Barker(Barker),
    /// A maximum-length sequence.
    MaximumLength(MaximumLength),
    /// A Gold code.
    Gold(Gold),
    /// The coarse/acquisition code of a GPS satellite.
    GpsL1Ca(GpsL1Ca),
    /// A Zadoff-Chu sequence.
    ZadoffChu(ZadoffChu),
}

impl Waveform {
    /// Checks every parameter and prepares the waveform for sampling at a rate.
    ///
    /// # Errors
    /// A parameter is out of range, or the waveform does not fit the rate.
    pub fn signal(&self, sample_rate_hz: f64) -> Result<Signal, WaveformError> {
        if !(sample_rate_hz.is_finite() && sample_rate_hz > 0.0) {
            return Err(WaveformError::SampleRate(sample_rate_hz));
        }
        let (shape, duration_s, is_periodic) = match self {
            Self::LinearChirp(chirp) => {
                let shape = Shape::Chirp(chirp.plan(sample_rate_hz)?);
                (shape, chirp.duration_s, false)
            }
            Self::Pulse(pulse) => (Shape::Pulses(pulse.pulses()?), pulse.duration_s, false),
            Self::PulseTrain(train) => (Shape::Pulses(train.pulses()?), train.duration_s, false),
            Self::ModeSPreamble(_) => {
                (Shape::Pulses(ModeSPreamble::PULSES.to_vec()), ModeSPreamble::DURATION_S, false)
            }
            Self::Barker(code) => chip_shape(code.chips()?, 1.0 / code.chip_s, false),
            Self::MaximumLength(code) => chip_shape(code.chips()?, code.chip_rate_hz, true),
            Self::Gold(code) => chip_shape(code.chips()?, code.chip_rate_hz, true),
            Self::GpsL1Ca(code) => chip_shape(code.chips()?, GpsL1Ca::CHIP_RATE_HZ, true),
            Self::ZadoffChu(code) => chip_shape(code.chips()?, code.chip_rate_hz, true),
        };
        let n_samples = duration_s * sample_rate_hz;
        if !(1.0 - ROUNDING..=MAX_SAMPLES as f64).contains(&n_samples) {
            return Err(WaveformError::Length { duration_s, n_samples, sample_rate_hz });
        }
        let period_s = is_periodic.then_some(duration_s);
        Ok(Signal { shape, duration_s, period_s, sample_rate_hz })
    }

    /// Samples one length of the waveform from its leading edge on (one period of a periodic code): the
    /// ⌈duration · rate⌉ samples whose period overlaps it.
    ///
    /// # Errors
    /// A parameter is out of range, the waveform does not fit the rate, is shorter than one sample or longer
    /// than [`MAX_SAMPLES`], or is zero wherever it is sampled.
    pub fn replica(&self, name: impl Into<Arc<str>>, sample_rate_hz: f64) -> Result<Replica, WaveformError> {
        let signal = self.signal(sample_rate_hz)?;
        let sample = |n: usize| {
            let value = signal.value(n as f64 / sample_rate_hz);
            Complex32::new(value.re as f32, value.im as f32)
        };
        let samples = (0..signal.n_samples()).map(sample).collect();
        Replica { name: name.into(), samples, sample_rate_hz, period_s: signal.period_s }.checked()
    }
}

/// Lengths in samples this close above a whole number are that number: what binary64 leaves of it.
const ROUNDING: f64 = 1e-6;

fn chip_shape(chips: Vec<Complex32>, chip_rate_hz: f64, is_periodic: bool) -> (Shape, f64, bool) {
    let duration_s = chips.len() as f64 / chip_rate_hz;
    (Shape::Chips { chips, chip_rate_hz }, duration_s, is_periodic)
}

/// A waveform ready to be sampled at a rate, with any delay.
#[derive(Clone, Debug)]
pub struct Signal {
    shape: Shape,
    duration_s: f64,
    period_s: Option<f64>,
    sample_rate_hz: f64,
}

#[derive(Clone, Debug)]
enum Shape {
    Chirp(chirp::ChirpPlan),
    /// Start and end of each pulse, s, in rising order.
    Pulses(Vec<[f64; 2]>),
    Chips {
        chips: Vec<Complex32>,
        chip_rate_hz: f64,
    },
}

impl Signal {
    /// Length, s; of a periodic code, one period.
    pub fn duration_s(&self) -> f64 {
        self.duration_s
    }

    /// Period of a periodic code, s.
    pub fn period_s(&self) -> Option<f64> {
        self.period_s
    }

    /// Length in samples, a begun one counted whole.
    pub fn n_samples(&self) -> usize {
        ((self.duration_s * self.sample_rate_hz - ROUNDING).ceil() as usize).max(1)
    }

    /// The sample whose period begins `position_s` after the leading edge: the mean over that period, or the
    /// value at its beginning, as the module's page says. 0 where nothing is sent; a position less than a
    /// sample period before 0 may already hold the leading edge.
    pub fn value(&self, position_s: f64) -> Complex<f64> {
        match &self.shape {
            Shape::Chirp(chirp) => chirp.value(position_s),
            Shape::Pulses(pulses) => {
                let end_s = position_s + 1.0 / self.sample_rate_hz;
                let first = pulses.partition_point(|pulse| pulse[1] <= position_s);
                let on = pulses[first..].iter().take_while(|pulse| pulse[0] < end_s);
                let overlap_s: f64 = on.map(|p| p[1].min(end_s) - p[0].max(position_s)).sum();
                Complex::new(overlap_s * self.sample_rate_hz, 0.0)
            }
            Shape::Chips { chips, chip_rate_hz } => {
                let chips_a_sample = chip_rate_hz / self.sample_rate_hz;
                let start = position_s * chip_rate_hz;
                mean_of_chips(chips, start, start + chips_a_sample) / chips_a_sample
            }
        }
    }
}

/// Integral over `[start, end)`, in units of chips, of the code that is zero before and after.
fn mean_of_chips(chips: &[Complex32], start: f64, end: f64) -> Complex<f64> {
    let (start, end) = (start.max(0.0), end.min(chips.len() as f64));
    let mut sum = Complex::ZERO;
    let mut edge = start;
    while edge < end {
        let chip = edge as usize;
        let next = end.min((chip + 1) as f64);
        let value = chips[chip];
        sum += Complex::new(f64::from(value.re), f64::from(value.im)) * (next - edge);
        edge = next;
    }
    sum
}

/// Bits to chips: 0 is +1, 1 is −1.
fn chips_from_bits(bits: impl Iterator<Item = bool>) -> Vec<Complex32> {
    bits.map(|bit| Complex32::new(if bit { -1.0 } else { 1.0 }, 0.0)).collect()
}

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

impl Replica {
    /// A replica from samples that were taken at `source_rate_hz`, resampled to `target_rate_hz` where the two
    /// differ.
    ///
    /// Resampling is band-limited (Kaiser-windowed sinc of 32 zero crossings on either side): flat to 0.1 dB up
    /// to 90 % of the lower Nyquist frequency, −6 dB there, images and aliases 80 dB down from 110 % on. Sample
    /// `n` is taken for the value at the instant `n / source_rate_hz`. Cost: 64 times the longer of both.
    ///
    /// # Errors
    /// No sample, too many of them before or after, a rate that is none, a sample that is not finite, or
    /// nothing but zeros.
    pub fn from_samples(
        name: impl Into<Arc<str>>,
        samples: Vec<Complex32>,
        source_rate_hz: f64,
        target_rate_hz: f64,
    ) -> Result<Self, WaveformError> {
        for rate_hz in [source_rate_hz, target_rate_hz] {
            if !(rate_hz.is_finite() && rate_hz > 0.0) {
                return Err(WaveformError::SampleRate(rate_hz));
            }
        }
        let duration_s = samples.len() as f64 / source_rate_hz;
        for (n_samples, sample_rate_hz) in
            [(samples.len() as f64, source_rate_hz), (duration_s * target_rate_hz, target_rate_hz)]
        {
            if !(1.0 - ROUNDING..=MAX_SAMPLES as f64).contains(&n_samples) {
                return Err(WaveformError::Length { duration_s, n_samples, sample_rate_hz });
            }
        }
        let samples = resample::resample(samples, source_rate_hz, target_rate_hz);
        Self { name: name.into(), samples, sample_rate_hz: target_rate_hz, period_s: None }.checked()
    }

    /// Energy, `Σ|h[n]|²`.
    pub fn energy(&self) -> f64 {
        self.samples.iter().map(|x| f64::from(x.re).powi(2) + f64::from(x.im).powi(2)).sum()
    }

    fn checked(self) -> Result<Self, WaveformError> {
        let energy = self.energy();
        if energy.is_finite() && energy > 0.0 {
            return Ok(self);
        }
        Err(WaveformError::NoEnergy(self.name.to_string()))
    }
}

#[cfg(test)]
mod tests;
