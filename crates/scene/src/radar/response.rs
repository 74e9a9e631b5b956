//! What a pulse leaves behind without any target: the leak and the clutter.
//!
//! All of it hangs on the pulse's place between samples, and where clutter moves on its time: it is computed once for as
//! many pulses as share these, the clutter by FFT convolution of the waveform with the taps.

use super::clutter::Patch;
use super::schedule::Edge;
use rangegate_core::Complex32;
use rangegate_dsp::waveform::Signal;
use rustfft::num_complex::Complex;
use rustfft::{Fft, FftPlanner};
use std::f64::consts::TAU;
use std::sync::Arc;

/// The straight way from transmitter to receiver.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Leak {
    /// Samples.
    pub(crate) delay: f64,
    pub(crate) amplitude: Complex<f64>,
}

/// Leak and clutter, planned.
#[derive(Clone)]
pub(crate) struct Response {
    signal: Arc<Signal>,
    samples_per_s: f64,
    leak: Option<Leak>,
    /// Spectrum of the still taps over the size of the transform.
    still: Option<Vec<Complex<f64>>>,
    moving: Vec<Patch>,
    /// Delay of the first tap, samples.
    first_tap: usize,
    /// Samples of a response, from the one in which the pulse begins.
    pub(crate) length: usize,
    forward: Arc<dyn Fft<f64>>,
    inverse: Arc<dyn Fft<f64>>,
}

impl std::fmt::Debug for Response {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Response")
            .field("leak", &self.leak)
            .field("length", &self.length)
            .finish_non_exhaustive()
    }
}

impl Response {
    pub(crate) fn new(
        signal: &Arc<Signal>,
        samples_per_s: f64,
        leak: Option<Leak>,
        patches: Vec<Patch>,
    ) -> Self {
        // A pulse that begins between samples reaches into one more.
        let wave = signal.n_samples() + 1;
        let first_tap = patches.iter().map(|patch| patch.first_tap).min().unwrap_or(0);
        let end = patches.iter().map(Patch::end).max().unwrap_or(0);
        let size = if patches.is_empty() { 1 } else { (end - first_tap + wave).next_power_of_two() };
        let mut planner = FftPlanner::new();
        let (forward, inverse) = (planner.plan_fft_forward(size), planner.plan_fft_inverse(size));
        let (moving, still): (Vec<_>, Vec<_>) = patches.into_iter().partition(|patch| patch.motion.is_some());
        let still = (!still.is_empty()).then(|| {
            let mut taps = vec![Complex::ZERO; size];
            for patch in &still {
                patch.add_gains(0.0, &mut taps[patch.first_tap - first_tap..]);
            }
            forward.process(&mut taps);
            taps.iter().map(|tap| tap / size as f64).collect()
        });
        let leak_end = leak.map_or(0, |leak| leak.delay as usize + wave + 1);
        let clutter_end = if size > 1 { end + wave } else { 0 };
        Self {
            signal: Arc::clone(signal),
            samples_per_s,
            leak,
            still,
            moving,
            first_tap,
            length: leak_end.max(clutter_end),
            forward,
            inverse,
        }
    }
}

/// Computed responses.
#[derive(Debug)]
pub(crate) struct ResponseWorker {
    slots: Vec<Slot>,
    waveform: Vec<Complex<f64>>,
    taps: Vec<Complex<f64>>,
    sum: Vec<Complex<f64>>,
    scratch: Vec<Complex<f64>>,
}

#[derive(Debug)]
struct Slot {
    /// What the samples hang on.
    key: Option<u64>,
    samples: Vec<Complex32>,
}

/// Most responses that are kept: where more pulses than this overlap, some are computed again.
const MAX_SLOTS: usize = 64;

impl ResponseWorker {
    /// Room for the pulses, one each `least_pri` samples, that overlap at any sample.
    pub(crate) fn new(plan: &Response, least_pri: f64) -> Self {
        let n_slots = ((plan.length as f64 / least_pri) as usize + 2).min(MAX_SLOTS);
        let size = plan.forward.len();
        let scratch = plan.forward.get_inplace_scratch_len().max(plan.inverse.get_inplace_scratch_len());
        let zeros = |n: usize| vec![Complex::ZERO; n];
        Self {
            slots: (0..n_slots)
                .map(|_| Slot { key: None, samples: vec![Complex32::ZERO; plan.length] })
                .collect(),
            waveform: zeros(size),
            taps: zeros(size),
            sum: zeros(size),
            scratch: zeros(scratch),
        }
    }

    /// The response to pulse `index`, from the sample in which it begins.
    pub(crate) fn of_pulse(&mut self, plan: &Response, index: u64, edge: Edge) -> &[Complex32] {
        let key = if plan.moving.is_empty() { edge.fraction.to_bits() } else { index };
        let found = self.slots.iter().position(|slot| slot.key == Some(key));
        let number = found.unwrap_or_else(|| {
            let number = (index % self.slots.len() as u64) as usize;
            self.compute(plan, edge, number);
            self.slots[number].key = Some(key);
            number
        });
        &self.slots[number].samples
    }

    fn compute(&mut self, plan: &Response, edge: Edge, slot: usize) {
        let out = &mut self.slots[slot].samples;
        out.fill(Complex32::ZERO);
        if plan.forward.len() > 1 {
            self.sum.fill(Complex::ZERO);
            if let Some(still) = &plan.still {
                plan.waveform_spectrum(edge, 0.0, &mut self.waveform, &mut self.scratch);
                for ((sum, waveform), taps) in self.sum.iter_mut().zip(&self.waveform).zip(still) {
                    *sum += waveform * taps;
                }
            }
            let per_size = 1.0 / plan.forward.len() as f64;
            for patch in &plan.moving {
                let mean_hz = patch.motion.as_ref().map_or(0.0, |motion| motion.mean_hz);
                plan.waveform_spectrum(edge, mean_hz, &mut self.waveform, &mut self.scratch);
                self.taps.fill(Complex::ZERO);
                let time_s = edge.position() / plan.samples_per_s;
                patch.add_gains(time_s, &mut self.taps[patch.first_tap - plan.first_tap..]);
                plan.forward.process_with_scratch(&mut self.taps, &mut self.scratch);
                for ((sum, waveform), taps) in self.sum.iter_mut().zip(&self.waveform).zip(&self.taps) {
                    *sum += waveform * taps * per_size;
                }
            }
            plan.inverse.process_with_scratch(&mut self.sum, &mut self.scratch);
            for (out, sum) in out[plan.first_tap..].iter_mut().zip(&self.sum) {
                *out = Complex32::new(sum.re as f32, sum.im as f32);
            }
        }
        if let Some(leak) = &plan.leak {
            let first = leak.delay as usize;
            for (k, out) in out[first..].iter_mut().take(plan.signal.n_samples() + 2).enumerate() {
                let position = (first + k) as f64 - edge.fraction - leak.delay;
                let value = plan.signal.value(position / plan.samples_per_s) * leak.amplitude;
                *out += Complex32::new(value.re as f32, value.im as f32);
            }
        }
    }
}

impl Response {
    /// Spectrum of the waveform at the pulse's place between samples, under a Doppler shift.
    fn waveform_spectrum(
        &self,
        edge: Edge,
        doppler_hz: f64,
        out: &mut [Complex<f64>],
        scratch: &mut [Complex<f64>],
    ) {
        out.fill(Complex::ZERO);
        for (k, out) in out.iter_mut().take(self.signal.n_samples() + 1).enumerate() {
            let after_s = (k as f64 - edge.fraction) / self.samples_per_s;
            *out = self.signal.value(after_s) * Complex::cis(TAU * doppler_hz * after_s);
        }
        self.forward.process_with_scratch(out, scratch);
    }
}

#[cfg(test)]
mod tests {
    use super::super::clutter::Taps;
    use super::*;
    use crate::random::Seeded;
    use rangegate_dsp::waveform::Waveform;

    const RATE_HZ: f64 = 10e6;

    /// The slow twin: every tap's waveform by itself.
    #[test]
    fn clutter_and_leak_are_sums_of_delayed_waveforms() {
        let waveform: Waveform =
            toml::from_str("type = 'linear_chirp'\nstart_hz = -2e6\nstop_hz = 2e6\nduration_s = 10e-6")
                .unwrap();
        let signal = Arc::new(waveform.signal(RATE_HZ).unwrap());
        let taps = Taps {
            samples_per_s: RATE_HZ,
            carrier_hz: 5e9,
            baseline_m: 0.0,
            noise_power: 0.0,
            energy: 100.0,
            compression: 1.0,
        };
        let patches: Vec<Patch> = [
            "from_m = 300\nto_m = 2000\npower_db = -10",
            "from_m = 1000\nto_m = 2500\npower_db = 0\ndensity_per_m = 0.02\nrange_exponent = 3",
            "from_m = 100\nto_m = 700\npower_db = -3\nvelocity_mps = 20\nvelocity_spread_mps = 1",
        ]
        .iter()
        .enumerate()
        .map(|(k, text)| Patch::plan(&toml::from_str(text).unwrap(), k, &taps, &Seeded::new(1)).unwrap())
        .collect();
        let leak = Leak { delay: 3.4, amplitude: Complex::new(0.3, -2.0) };
        let plan = Response::new(&signal, RATE_HZ, Some(leak), patches.clone());
        let mut worker = ResponseWorker::new(&plan, 1000.0);
        // Twice each: what is kept must not be mixed up.
        for index in [0, 1, 70, 0, 1, 71] {
            let edge = Edge { sample: 1000 * index as i64, fraction: [0.0, 0.375][index as usize % 2] };
            let found = worker.of_pulse(&plan, index, edge).to_vec();
            let mut expected = vec![Complex::<f64>::ZERO; plan.length];
            let time_s = edge.position() / RATE_HZ;
            for patch in &patches {
                let mut gains = vec![Complex::<f64>::ZERO; patch.end() - patch.first_tap];
                patch.add_gains(time_s, &mut gains);
                let mean_hz = patch.motion.as_ref().map_or(0.0, |motion| motion.mean_hz);
                for (k, gain) in gains.iter().enumerate() {
                    for (n, x) in expected.iter_mut().enumerate() {
                        let after_s = (n as f64 - (patch.first_tap + k) as f64 - edge.fraction) / RATE_HZ;
                        *x += signal.value(after_s) * gain * Complex::cis(TAU * mean_hz * after_s);
                    }
                }
            }
            for (n, x) in expected.iter_mut().enumerate() {
                *x += signal.value((n as f64 - edge.fraction - leak.delay) / RATE_HZ) * leak.amplitude;
            }
            let error = expected
                .iter()
                .zip(&found)
                .map(|(x, y)| (x - Complex::new(f64::from(y.re), f64::from(y.im))).norm())
                .fold(0.0, f64::max);
            assert!(error < 1e-5, "pulse {index}: {error}");
        }
    }
}
