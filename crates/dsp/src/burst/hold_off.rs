//! From peaks to detections: one a burst.

use super::{BurstPlan, Peak};
use crate::chain::SegmentResult;
use rangegate_core::{Detection, SampleRate, TimeAnchor};
use std::sync::Arc;

/// Makes detections of the peaks of all segments, in the order of the stream.
///
/// For each channel and replica: the first peak opens a window of one replica's length, the strongest peak within
/// becomes the detection, and until the hold-off after that has passed all others are silenced. A window does not
/// end where a segment does, only where the run does.
///
/// Detections leave in the order of time, one after all windows that opened earlier have been closed.
#[derive(Debug)]
pub struct HoldOff {
    templates: Vec<(Arc<str>, u64)>,
    hold_off_samples: u64,
    sample_rate: SampleRate,
    knows_doppler: bool,
    n_sets: usize,
    /// The segment that results are coming for.
    sequence: Option<u64>,
    /// `[n_channels × n_templates]`
    slots: Vec<Slot>,
    /// Detections that a window that is open yet may have to go before.
    ready: Vec<Detection>,
}

#[derive(Clone, Debug, Default)]
struct Slot {
    window: Option<Window>,
    silent_until: u64,
    after_gap: bool,
}

#[derive(Clone, Copy, Debug)]
struct Window {
    first_sample: u64,
    end_sample: u64,
    strongest: Peak,
    anchor: Option<TimeAnchor>,
}

impl HoldOff {
    /// For the results of a plan's workers.
    pub fn new(plan: &BurstPlan) -> Self {
        let templates: Vec<_> = plan.templates.iter().map(|t| (Arc::clone(&t.name), t.len as u64)).collect();
        // One window opens a replica's length after another at the earliest; none waits longer than a core.
        let waiting = plan.core_len() + 2 * plan.longest_replica();
        let n_ready: usize = plan.templates.iter().map(|t| waiting / t.len + 3).sum();
        Self {
            slots: vec![Slot::default(); plan.n_channels * templates.len()],
            templates,
            hold_off_samples: plan.hold_off_samples,
            sample_rate: plan.sample_rate,
            knows_doppler: plan.doppler_hz.len() > 1,
            n_sets: plan.n_sets(),
            sequence: None,
            ready: Vec::with_capacity(n_ready * plan.n_channels),
        }
    }

    /// Takes the next result; those of one segment's sets come one after the other, by rising set.
    pub fn accept(&mut self, result: &SegmentResult, mut emit: impl FnMut(&Detection)) {
        if self.sequence != Some(result.sequence) {
            self.sequence = Some(result.sequence);
            if result.starts_run {
                self.finish(&mut emit);
            }
            if result.after_gap {
                self.slots.iter_mut().for_each(|slot| slot.after_gap = true);
            }
        }
        for peak in &result.peaks {
            self.take(peak, result.anchor);
        }
        if result.set + 1 == self.n_sets {
            let end = if result.ends_run { u64::MAX } else { result.first_sample + result.n_samples as u64 };
            self.close(end);
            self.release(end, &mut emit);
        }
    }

    /// Closes what is open: after the last result.
    pub fn finish(&mut self, mut emit: impl FnMut(&Detection)) {
        self.close(u64::MAX);
        self.release(u64::MAX, &mut emit);
    }

    fn take(&mut self, peak: &Peak, anchor: Option<TimeAnchor>) {
        let index = peak.channel as usize * self.templates.len() + peak.template as usize;
        if self.slots[index].window.is_some_and(|w| w.end_sample <= peak.sample) {
            self.close_slot(index);
        }
        let slot = &mut self.slots[index];
        match &mut slot.window {
            Some(window) if peak.statistic > window.strongest.statistic => {
                (window.strongest, window.anchor) = (*peak, anchor);
            }
            Some(_) => {}
            None if peak.sample < slot.silent_until => {}
            None => {
                let end_sample = peak.sample + self.templates[peak.template as usize].1;
                slot.window =
                    Some(Window { first_sample: peak.sample, end_sample, strongest: *peak, anchor });
            }
        }
    }

    /// Closes the windows that end by this sample.
    fn close(&mut self, end_sample: u64) {
        for index in 0..self.slots.len() {
            if self.slots[index].window.is_some_and(|w| w.end_sample <= end_sample) {
                self.close_slot(index);
            }
        }
    }

    fn close_slot(&mut self, index: usize) {
        let slot = &mut self.slots[index];
        let Some(Window { strongest: peak, anchor, .. }) = slot.window.take() else { return };
        slot.silent_until = peak.sample.saturating_add(self.hold_off_samples);
        let name = &self.templates[peak.template as usize].0;
        let detection = detection_from_peak(&peak, name, anchor, self.sample_rate);
        self.ready.push(Detection {
            doppler_hz: detection.doppler_hz.filter(|_| self.knows_doppler),
            after_gap: std::mem::take(&mut slot.after_gap),
            ..detection
        });
    }

    /// Emits what no later detection can go before. Peaks yet to come lie at `end` or, by the interpolation,
    /// one sample before.
    fn release(&mut self, end: u64, emit: &mut impl FnMut(&Detection)) {
        let open = self.slots.iter().filter_map(|slot| slot.window.map(|w| w.first_sample)).min();
        let horizon = open.unwrap_or(u64::MAX).min(end).saturating_sub(1);
        self.ready.sort_unstable_by(|a, b| {
            let place = |d: &Detection| (d.sample, d.channel);
            place(a)
                .cmp(&place(b))
                .then(a.sample_fraction.total_cmp(&b.sample_fraction))
                .then_with(|| a.template.cmp(&b.template))
        });
        let n = self.ready.partition_point(|detection| detection.sample < horizon);
        self.ready.drain(..n).for_each(|detection| emit(&detection));
    }
}

/// The detection that a peak becomes. Range, velocity and direction are unknown to a chain without a
/// transmitter of its own.
pub fn detection_from_peak(
    peak: &Peak,
    template: &Arc<str>,
    anchor: Option<TimeAnchor>,
    rate: SampleRate,
) -> Detection {
    Detection {
        cpi: peak.cpi,
        sample: peak.sample,
        sample_fraction: peak.sample_fraction,
        time: anchor.and_then(|anchor| anchor.time_of(peak.sample, peak.sample_fraction, rate)),
        channel: peak.channel,
        template: Arc::clone(template),
        delay_s: peak.delay_s,
        range_m: None,
        doppler_hz: Some(peak.doppler_hz),
        velocity_mps: None,
        azimuth_deg: None,
        snr_db: peak.snr_db,
        power_db: peak.power_db,
        after_gap: false,
    }
}
