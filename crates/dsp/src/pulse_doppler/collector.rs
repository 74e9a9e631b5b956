//! From peaks to detections, and what the framing went through.

use super::framing::Leak;
use super::{FramingKind, PulseDopplerPlan, geometry::Geometry};
use crate::burst::detection_from_peak;
use crate::chain::SegmentResult;
use rangegate_core::{Detection, SampleRate};
use serde::Serialize;
use std::sync::Arc;

/// What the framing of a run came to.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct FramingReport {
    /// Where pulses began.
    pub kind: FramingKind,
    /// Looks that were worked on.
    pub looks: u64,
    /// Looks without a leak to frame them by, which were left out.
    pub looks_without_leak: u64,
    /// Looks that a gap or the end of the run cut short, which were left out.
    pub looks_cut_short: u64,
    /// How far the leak moved against the configured intervals from the first look to the last, samples.
    pub drift_samples: Option<f64>,
    /// The same, s.
    pub drift_s: Option<f64>,
    /// Drift over the time that it took, parts in a million.
    pub clock_offset_ppm: Option<f64>,
    /// Mean difference of the carriers up to a multiple of the pulse repetition frequency, Hz.
    pub carrier_offset_hz: Option<f64>,
    /// Mean power of the leak over the median, dB.
    pub leak_snr_db: Option<f64>,
}

/// Makes detections of the peaks of all looks, in the order of the stream.
pub struct Looks {
    name: Arc<str>,
    geometry: Geometry,
    sample_rate: SampleRate,
    cycle_samples: f64,
    report: FramingReport,
    drift: Option<Drift>,
    n_leaks: u64,
    carrier_offset_sum_hz: f64,
    leak_snr_sum: f64,
    after_gap: bool,
}

/// The leak followed from look to look.
#[derive(Clone, Copy)]
struct Drift {
    first: (u64, f64),
    last: (u64, f64),
    samples: f64,
}

impl Looks {
    /// For the results of a plan's workers.
    pub fn new(plan: &PulseDopplerPlan) -> Self {
        Self {
            name: Arc::clone(&plan.name),
            geometry: plan.geometry.clone(),
            sample_rate: plan.sample_rate,
            cycle_samples: plan.look.cycle_samples(),
            report: FramingReport { kind: plan.framing_kind(), ..FramingReport::default() },
            drift: None,
            n_leaks: 0,
            carrier_offset_sum_hz: 0.0,
            leak_snr_sum: 0.0,
            after_gap: false,
        }
    }

    /// Takes the result of the next segment.
    pub fn accept(&mut self, result: &SegmentResult, mut emit: impl FnMut(&Detection)) {
        self.after_gap |= result.after_gap;
        self.report.looks += result.look.worked;
        self.report.looks_cut_short += result.look.cut_short;
        self.report.looks_without_leak += result.look.without_leak;
        if let Some(leak) = &result.look.leak {
            self.follow(leak, result.after_gap);
        }
        for peak in &result.peaks {
            let detection = detection_from_peak(peak, &self.name, result.anchor, self.sample_rate);
            let delay_s = peak.delay_s.unwrap_or(0.0);
            emit(&Detection {
                range_m: Some(self.geometry.range_m_from_delay(delay_s)),
                velocity_mps: Some(self.geometry.velocity_mps_from_doppler(peak.doppler_hz)),
                after_gap: std::mem::take(&mut self.after_gap),
                ..detection
            });
        }
    }

    /// Adds what the leak moved since the last look, taken as less than half a cycle.
    fn follow(&mut self, leak: &Leak, after_gap: bool) {
        self.n_leaks += 1;
        self.carrier_offset_sum_hz += leak.carrier_offset_hz;
        self.leak_snr_sum += leak.snr_db;
        let here = (leak.sample, leak.sample_fraction);
        self.drift = match self.drift {
            Some(Drift { first, last, samples }) if !after_gap => {
                let moved = (here.0 - last.0) as f64 + (here.1 - last.1);
                let cycles = (moved / self.cycle_samples).round();
                Some(Drift { first, last: here, samples: samples + moved - cycles * self.cycle_samples })
            }
            // What happened in a gap is not known.
            Some(Drift { first, samples, .. }) => Some(Drift { first, last: here, samples }),
            None => Some(Drift { first: here, last: here, samples: 0.0 }),
        };
    }

    /// What the framing came to so far.
    pub fn report(&self) -> FramingReport {
        // A leak is found in a look that is cut short, too.
        let n = self.n_leaks.max(1) as f64;
        let rate_hz = self.sample_rate.hz();
        let Some(Drift { first, last, samples }) = self.drift else { return self.report.clone() };
        let span = (last.0 - first.0) as f64;
        FramingReport {
            drift_samples: Some(samples),
            drift_s: Some(samples / rate_hz),
            clock_offset_ppm: (span > 0.0).then(|| samples / span * 1e6),
            carrier_offset_hz: Some(self.carrier_offset_sum_hz / n),
            leak_snr_db: Some(self.leak_snr_sum / n),
            ..self.report.clone()
        }
    }
}
