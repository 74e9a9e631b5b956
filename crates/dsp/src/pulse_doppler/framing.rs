//! Where each pulse of a look begins.
//!
//! Three ways, in the order of trust: pulses that the recorder cut out by a trigger, an offset that was configured,
//! and the direct leak of the transmitter, which is found in every look anew. The leak gives more than a place: the
//! line through its delays in all pulses is the clock of the transmitter as the receiver's counts it, and the line
//! through its phases their carriers' difference. Nothing is carried from one look to the next, so that any thread
//! can work on any look.

use super::config::LeakFraming;
use super::look::Look;
use crate::convert::Converter;
use crate::matched_filter::{MatchedFilter, MatchedFilterPlan};
use crate::waveform::Replica;
use rangegate_core::{Complex32, Segment};
use rustfft::num_complex::Complex;
use serde::{Deserialize, Serialize};
use std::f64::consts::{PI, TAU};
use std::sync::Arc;

/// Pulses that are summed to find the leak.
const N_SEARCHED: usize = 32;
/// Samples to either side of the leak's coarse place within which its delay is measured.
const REACH: usize = 8;
/// Clocks that differ by more are no clocks: the leak was not found.
const MAX_CLOCK_OFFSET: f64 = 1e-3;
/// Pulses that lie further about their line, in samples, root mean square, come at other intervals than configured.
const MAX_SCATTER: f64 = 1.5;
/// Part of the pulses that have the power at least.
const LEAST_SHARE: f64 = 0.25;

/// The leak in one look.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Leak {
    /// Absolute index of the sample in which the leading edge of the look's first pulse lies.
    pub sample: u64,
    /// Position between samples, 0 ≤ fraction < 1.
    pub sample_fraction: f64,
    /// Power of the leak's pulses, averaged, over the median of the filter's output, dB.
    pub snr_db: f64,
    /// How much longer than configured the transmitter's intervals are by the receiver's clock: 1e-6 is 1 ppm.
    pub clock_offset: f64,
    /// Frequency of the leak, Hz: the carriers' difference, known up to a multiple of the pulse repetition frequency.
    pub carrier_offset_hz: f64,
}

/// Finds the leak in segments.
pub(super) struct LeakFinder {
    config: LeakFraming,
    filter_plan: Arc<MatchedFilterPlan>,
    replica: Vec<Complex32>,
    /// Samples after which the pattern of pulses repeats: the leak is looked for within them.
    cycle: usize,
    /// Of each pulse that is summed, its offset from the look's first, samples.
    searched: Vec<f64>,
    sample_rate_hz: f64,
}

impl LeakFinder {
    pub fn new(config: &LeakFraming, look: &Look, replica: &Replica) -> Self {
        let n = look.n_pulses();
        let step = n.div_ceil(N_SEARCHED).max(1);
        // Every pulse of a short look; of a long one as many in a row from each dwell.
        let searched: Vec<f64> = look
            .dwells()
            .flat_map(|dwell| dwell.clone().take(dwell.len().div_ceil(step).max(2).min(dwell.len())))
            .map(|pulse| look.offset_samples(pulse))
            .collect();
        let fft_len = MatchedFilterPlan::fft_len_for(replica.samples.len(), None);
        Self {
            config: config.clone(),
            filter_plan: Arc::new(MatchedFilterPlan::new(std::slice::from_ref(&replica.samples), fft_len)),
            replica: replica.samples.clone(),
            cycle: look.cycle_samples().ceil() as usize,
            searched,
            sample_rate_hz: replica.sample_rate_hz,
        }
    }

    /// Samples after the core's first within which everything lies that the search needs.
    fn n_outputs(&self) -> usize {
        self.cycle + self.searched.last().map_or(0, |last| last.ceil() as usize) + 2
    }

    pub fn make_scratch(&self, n_pulses: usize) -> LeakScratch {
        let n = self.n_outputs();
        LeakScratch {
            samples: vec![Complex32::ZERO; n + self.replica.len()],
            power: vec![0.0; n],
            sums: vec![0.0; self.cycle],
            sorted: vec![0.0; self.cycle],
            filter: self.filter_plan.make_worker(n),
            pulses: Vec::with_capacity(n_pulses),
            around: vec![Complex32::ZERO; 2 * REACH + self.replica.len()],
        }
    }

    /// The leak in the look that begins within a cycle of the core's first sample; `None` where there is none, or
    /// the run ends before the look does.
    pub fn find(
        &self,
        segment: &Segment,
        channel: usize,
        converter: &Converter,
        look: &Look,
        scratch: &mut LeakScratch,
    ) -> Option<Leak> {
        let (place, snr_db) = self.search(segment, channel, converter, scratch)?;
        if snr_db < self.config.min_snr_db {
            return None;
        }
        let first = segment.core.start + place;
        self.measure(segment, channel, converter, look, first, scratch);
        let (delay, clock_offset) = line(&scratch.pulses)?;
        if !keeps_to_line(&scratch.pulses, delay, clock_offset) {
            return None;
        }
        let carrier_offset_hz = frequency(&mut scratch.pulses);
        if clock_offset.abs() > MAX_CLOCK_OFFSET {
            return None;
        }
        let at = first as f64 + delay;
        let whole = at.floor();
        Some(Leak {
            sample: segment.block.header.first_sample.saturating_add(whole.max(0.0) as u64),
            sample_fraction: at - whole,
            snr_db,
            clock_offset,
            carrier_offset_hz,
        })
    }

    /// Sums the filter's power over the pattern of pulses at every place of the first cycle. Returns the best place,
    /// in samples after the core's first, and its power over the median.
    fn search(
        &self,
        segment: &Segment,
        channel: usize,
        converter: &Converter,
        scratch: &mut LeakScratch,
    ) -> Option<(usize, f64)> {
        let first = segment.core.start;
        let n_samples = scratch.samples.len().min(segment.block.n_samples() - first);
        let n = n_samples.checked_sub(self.replica.len())?.min(scratch.power.len());
        let last = self.searched.last().map_or(0, |last| last.round() as usize);
        let n_places = self.cycle.min(n.checked_sub(last)?);
        if n_places == 0 {
            return None;
        }
        let samples = &mut scratch.samples[..n_samples];
        converter.convert(&segment.block, channel, first..first + n_samples, samples);
        scratch.filter.load((&*samples).into(), n);
        scratch.filter.power(0, &mut scratch.power[..n]);
        let sums = &mut scratch.sums[..n_places];
        sums.fill(0.0);
        for offset in &self.searched {
            for (sum, power) in sums.iter_mut().zip(&scratch.power[offset.round() as usize..]) {
                *sum += power;
            }
        }
        let (place, greatest) = sums.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1))?;
        let sorted = &mut scratch.sorted[..n_places];
        sorted.copy_from_slice(sums);
        let (_, median, _) = sorted.select_nth_unstable_by(n_places / 2, f32::total_cmp);
        let snr = f64::from(*greatest) / f64::from(median.max(f32::MIN_POSITIVE));
        // Power that is not finite, or none at all, is no leak.
        (snr.is_finite() && *greatest > 0.0).then(|| (place, 10.0 * snr.log10()))
    }

    /// Delay and complex amplitude of the leak in each pulse that is there.
    fn measure(
        &self,
        segment: &Segment,
        channel: usize,
        converter: &Converter,
        look: &Look,
        first: usize,
        scratch: &mut LeakScratch,
    ) {
        scratch.pulses.clear();
        for pulse in 0..look.n_pulses() {
            let expected = first as f64 + look.offset_samples(pulse);
            let nearest = expected.round() as usize;
            let Some(start) = nearest.checked_sub(REACH) else { continue };
            let n = scratch.around.len();
            if start + n > segment.block.n_samples() {
                break;
            }
            converter.convert(&segment.block, channel, start..start + n, &mut scratch.around);
            let around = Around::new(&scratch.around, &self.replica);
            let (place, amplitude) = around.peak();
            scratch.pulses.push(LeakPulse {
                time_s: look.offset_samples(pulse) / self.sample_rate_hz,
                time_samples: look.offset_samples(pulse),
                delay_samples: start as f64 + place - expected,
                amplitude,
                phase: 0.0,
            });
        }
    }
}

/// What finding the leak needs to remember.
pub(super) struct LeakScratch {
    samples: Vec<Complex32>,
    power: Vec<f32>,
    sums: Vec<f32>,
    sorted: Vec<f32>,
    filter: MatchedFilter,
    pulses: Vec<LeakPulse>,
    around: Vec<Complex32>,
}

/// The leak in one pulse.
#[derive(Clone, Copy, Debug)]
struct LeakPulse {
    /// Nominal time after the look's first pulse.
    time_s: f64,
    time_samples: f64,
    /// How much later than expected it came.
    delay_samples: f64,
    amplitude: Complex<f64>,
    phase: f64,
}

const N_LAGS: usize = 2 * REACH + 1;

/// Output of the matched filter around a peak.
struct Around([Complex<f64>; N_LAGS]);

impl Around {
    fn new(samples: &[Complex32], replica: &[Complex32]) -> Self {
        let energy: f32 = replica.iter().map(Complex32::norm_sqr).sum();
        let mut lags = [Complex::ZERO; N_LAGS];
        for (lag, y) in lags.iter_mut().enumerate() {
            let mut sum = Complex32::ZERO;
            for (h, x) in replica.iter().zip(samples.get(lag..).unwrap_or(&[])) {
                sum += h.conj() * x;
            }
            *y = Complex::new((sum.re / energy).into(), (sum.im / energy).into());
        }
        Self(lags)
    }

    /// Between the lags, by a windowed sinc.
    fn at(&self, place: f64) -> Complex<f64> {
        let term = |(lag, y): (usize, &Complex<f64>)| {
            let x = place - lag as f64;
            let sinc = if x.abs() < 1e-9 { 1.0 } else { (PI * x).sin() / (PI * x) };
            let window = (0.5 * PI * x / (REACH + 1) as f64).cos().max(0.0).powi(2);
            y * (sinc * window)
        };
        self.0.iter().enumerate().map(term).sum()
    }

    /// Place of the greatest magnitude, in lags, and the value there.
    fn peak(&self) -> (f64, Complex<f64>) {
        let power = |lag: &usize| self.0[*lag].norm_sqr();
        // One lag less at either side, so that there are neighbours.
        let greatest = (1..N_LAGS - 1).max_by(|a, b| power(a).total_cmp(&power(b))).unwrap_or(REACH);
        let mut place = greatest as f64;
        for step in [1.0, 0.25, 0.1] {
            let [before, here, after] = [-step, 0.0, step].map(|x| self.at(place + x).norm_sqr());
            let curvature = before - 2.0 * here + after;
            if curvature < 0.0 {
                place += (0.5 * step * (before - after) / curvature).clamp(-step, step);
            }
        }
        (place, self.at(place))
    }
}

/// Line through the delays, weighted by power: delay at the first pulse in samples, and slope.
fn line(pulses: &[LeakPulse]) -> Option<(f64, f64)> {
    let sum = |term: &dyn Fn(&LeakPulse) -> f64| -> f64 {
        pulses.iter().map(|p| p.amplitude.norm_sqr() * term(p)).sum()
    };
    let weight = sum(&|_| 1.0);
    if weight.is_nan() || weight <= 0.0 {
        return None;
    }
    let mean_time = sum(&|p| p.time_samples) / weight;
    let mean_delay = sum(&|p| p.delay_samples) / weight;
    let spread = sum(&|p| (p.time_samples - mean_time).powi(2));
    let slope = if spread > 0.0 {
        sum(&|p| (p.time_samples - mean_time) * (p.delay_samples - mean_delay)) / spread
    } else {
        0.0
    };
    Some((mean_delay - slope * mean_time, slope))
}

/// Whether the pulses come at the configured intervals: their delays lie about their line, and not a few of them have
/// all the power.
fn keeps_to_line(pulses: &[LeakPulse], delay: f64, slope: f64) -> bool {
    let sum = |term: &dyn Fn(&LeakPulse, f64) -> f64| -> f64 {
        pulses.iter().map(|p| term(p, p.amplitude.norm_sqr())).sum()
    };
    let weight = sum(&|_, w| w);
    let variance = sum(&|p, w| w * (p.delay_samples - delay - slope * p.time_samples).powi(2)) / weight;
    let share = weight * weight / sum(&|_, w| w * w) / pulses.len() as f64;
    variance.sqrt() < MAX_SCATTER && share > LEAST_SHARE
}

/// Slope of the phases, Hz: coarsely from pulses that follow one another, then by a line through what is left.
fn frequency(pulses: &mut [LeakPulse]) -> f64 {
    let shortest =
        pulses.windows(2).map(|pair| pair[1].time_s - pair[0].time_s).fold(f64::INFINITY, f64::min);
    if !shortest.is_finite() {
        return 0.0;
    }
    let steps = pulses.windows(2).filter(|pair| pair[1].time_s - pair[0].time_s < shortest * 1.000_001);
    let step: Complex<f64> = steps.map(|pair| pair[1].amplitude * pair[0].amplitude.conj()).sum();
    let coarse_hz = step.arg() / (TAU * shortest);
    let mut last = 0.0;
    for pulse in pulses.iter_mut() {
        let turned = (pulse.amplitude * Complex::from_polar(1.0, -TAU * coarse_hz * pulse.time_s)).arg();
        last += (turned - last + PI).rem_euclid(TAU) - PI;
        pulse.phase = last;
    }
    let n = pulses.len() as f64;
    let mean_time = pulses.iter().map(|p| p.time_s).sum::<f64>() / n;
    let mean_phase = pulses.iter().map(|p| p.phase).sum::<f64>() / n;
    let spread: f64 = pulses.iter().map(|p| (p.time_s - mean_time).powi(2)).sum();
    let product: f64 = pulses.iter().map(|p| (p.time_s - mean_time) * (p.phase - mean_phase)).sum();
    coarse_hz + if spread > 0.0 { product / spread / TAU } else { 0.0 }
}
