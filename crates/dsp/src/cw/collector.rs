//! From the peaks of slices to detections.

use super::CwPlan;
use crate::chain::SegmentResult;
use rangegate_core::{Detection, SampleRate};
use std::sync::Arc;

/// Name that detections of this chain carry: there is no replica.
pub const TEMPLATE: &str = "cw";

/// Makes detections of the peaks of all slices, in the order of the stream.
pub struct Slices {
    name: Arc<str>,
    sample_rate: SampleRate,
    middle_samples: u64,
    n_slices: u64,
    last_sample: Option<u64>,
    after_gap: bool,
}

impl Slices {
    /// For the results of a plan's workers.
    pub fn new(plan: &CwPlan) -> Self {
        Self {
            name: TEMPLATE.into(),
            sample_rate: plan.sample_rate(),
            middle_samples: plan.n_fft() as u64 / 2,
            n_slices: 0,
            last_sample: None,
            after_gap: false,
        }
    }

    /// Takes the result of the next segment. A detection stands in the middle of its slice; of a real signal, its
    /// speed is the magnitude of a range rate.
    pub fn accept(&mut self, result: &SegmentResult, mut emit: impl FnMut(&Detection)) {
        self.after_gap |= result.after_gap;
        for slice in result.cw.slices() {
            if self.last_sample.replace(slice.first_sample).is_some_and(|last| last != slice.first_sample) {
                self.n_slices += 1;
            }
            let sample = slice.first_sample + self.middle_samples;
            for peak in &slice.peaks {
                emit(&Detection {
                    cpi: Some(self.n_slices),
                    sample,
                    sample_fraction: 0.0,
                    time: result.anchor.and_then(|anchor| anchor.time_of(sample, 0.0, self.sample_rate)),
                    channel: slice.channel,
                    template: Arc::clone(&self.name),
                    delay_s: None,
                    range_m: None,
                    doppler_hz: Some(peak.doppler_hz),
                    velocity_mps: Some(peak.velocity_mps.unwrap_or(peak.speed_mps)),
                    azimuth_deg: None,
                    snr_db: peak.snr_db,
                    power_db: peak.power_db,
                    after_gap: std::mem::take(&mut self.after_gap),
                });
            }
        }
    }
}
