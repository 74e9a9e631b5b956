//! Signals of others.

use crate::plan::{Train, Waveforms, beyond, power_from_db, train};
use crate::radar::InterferenceConfig;
use crate::random::{Randomness, Seeded};
use crate::{BurstConfig, SceneConfig, SceneError};
use rand::RngExt;
use rangegate_core::Complex32;
use rustfft::num_complex::Complex;
use std::f64::consts::TAU;

/// A carrier.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tone {
    cycles_a_sample: f64,
    phase_cycles: f64,
    amplitude: f64,
}

/// Samples between two exact phases.
const PHASE_BLOCK: usize = 128;

impl Tone {
    /// Adds the samples from `first` on.
    pub(crate) fn add(&self, first: u64, out: &mut [Complex32]) {
        for (block, out) in out.chunks_mut(PHASE_BLOCK).enumerate() {
            let n = first + (block * PHASE_BLOCK) as u64;
            let mut turning = turning(self.phase_cycles, self.cycles_a_sample, n);
            for x in out {
                let value = turning.next() * self.amplitude;
                *x += Complex32::new(value.re as f32, value.im as f32);
            }
        }
    }
}

/// `exp(j2π·(phase + n·frequency))` from sample `n` on; in a day's samples the phase is right to 10⁻³ cycles at least.
pub(crate) fn turning(phase_cycles: f64, cycles_a_sample: f64, n: u64) -> Turning {
    // The product's whole part is exact in two numbers.
    let product = n as f64 * cycles_a_sample;
    let rest = (n as f64).mul_add(cycles_a_sample, -product);
    let phase = phase_cycles + product.fract() + rest;
    Turning { value: Complex::cis(TAU * phase), step: Complex::cis(TAU * cycles_a_sample) }
}

/// A phasor that turns evenly.
pub(crate) struct Turning {
    value: Complex<f64>,
    step: Complex<f64>,
}

impl Turning {
    pub(crate) fn next(&mut self) -> Complex<f64> {
        let value = self.value;
        self.value *= self.step;
        value
    }
}

/// Checks all interference: tones, and trains of pulses.
pub(crate) fn plan(
    config: &SceneConfig,
    waveforms: &Waveforms<'_>,
    rate_hz: f64,
    length: f64,
    seeded: &Seeded,
) -> Result<(Vec<Tone>, Vec<Train>), SceneError> {
    let (mut tones, mut trains) = (Vec::new(), Vec::new());
    for (k, interference) in config.interference.iter().enumerate() {
        match interference {
            InterferenceConfig::Tone { frequency_hz, power_db } => {
                if beyond(*frequency_hz, rate_hz / 2.0) {
                    let expected = format!("at most {} either way", rate_hz / 2.0);
                    let field = format!("interference[{k}].frequency_hz");
                    return Err(SceneError::field(field, frequency_hz, expected));
                }
                let power = power_from_db(&format!("interference[{k}].power_db"), *power_db)?;
                tones.push(Tone {
                    cycles_a_sample: frequency_hz / rate_hz,
                    phase_cycles: seeded.at(Randomness::Tone { index: k }).random::<f64>(),
                    amplitude: power.sqrt(),
                });
            }
            InterferenceConfig::Pulses { waveform, start_s, pri_s, frequency_hz, power_db } => {
                let field = |name: &str| {
                    let name = match name {
                        "time_s" => "start_s",
                        "interval_s" => "pri_s",
                        "doppler_hz" => "frequency_hz",
                        other => other,
                    };
                    format!("interference[{k}].{name}")
                };
                let burst = BurstConfig {
                    waveform: waveform.clone(),
                    time_s: Some(*start_s),
                    sample: None,
                    interval_s: Some(*pri_s),
                    count: None,
                    snr_db: None,
                    power_db: Some(*power_db),
                    doppler_hz: *frequency_hz,
                    phase_deg: None,
                    channels: None,
                };
                let waveform = waveforms.find(waveform, field("waveform"))?;
                trains.push(train(&burst, waveform, config.n_channels, rate_hz, length, 0.0, &field)?);
            }
        }
    }
    Ok((tones, trains))
}
