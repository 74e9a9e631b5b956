//! From peaks to detections: one for each replica and dwell.

use super::PeriodicPlan;
use crate::burst::{Peak, detection_from_peak};
use crate::chain::SegmentResult;
use rangegate_core::Detection;
use std::sync::Arc;

/// Makes detections of the peaks of all dwells, in the order of the stream.
///
/// Of the peaks of a dwell those go that the cross-correlation of stronger ones explains, and those that the
/// hold-off of their channel and replica silences. The others leave in the order of their leading edges.
pub struct Dwells {
    plan: Arc<PeriodicPlan>,
    /// Peaks of the dwell at hand, of all sets so far.
    peaks: Vec<Peak>,
    /// `[n_channels × n_templates]`
    slots: Vec<Slot>,
}

#[derive(Clone, Default)]
struct Slot {
    silent_until: u64,
    after_gap: bool,
}

impl Dwells {
    /// For the results of a plan's workers.
    pub fn new(plan: &Arc<PeriodicPlan>) -> Self {
        let n_slots = plan.stream.n_channels * plan.filters.len();
        Self {
            plan: Arc::clone(plan),
            peaks: Vec::with_capacity(n_slots),
            slots: vec![Slot::default(); n_slots],
        }
    }

    /// Takes the next result; those of one segment's sets come one after the other, by rising set. Emits the
    /// detections of a dwell with its last set.
    pub fn accept(&mut self, result: &SegmentResult, mut emit: impl FnMut(&Detection)) {
        if result.set == 0 {
            self.peaks.clear();
            if result.after_gap {
                self.slots.iter_mut().for_each(|slot| slot.after_gap = true);
            }
        }
        self.peaks.extend_from_slice(&result.peaks);
        if result.set + 1 < self.plan.n_sets() {
            return;
        }
        self.plan.settle(&mut self.peaks);
        self.peaks.sort_unstable_by(|a, b| {
            let place = |p: &Peak| (p.sample, p.channel);
            place(a)
                .cmp(&place(b))
                .then(a.sample_fraction.total_cmp(&b.sample_fraction))
                .then(a.template.cmp(&b.template))
        });
        for peak in &self.peaks {
            let slot =
                &mut self.slots[peak.channel as usize * self.plan.filters.len() + peak.template as usize];
            if peak.sample < slot.silent_until {
                continue;
            }
            slot.silent_until = peak.sample.saturating_add(self.plan.hold_off_samples);
            let name = &self.plan.names[peak.template as usize];
            let detection = detection_from_peak(peak, name, result.anchor, self.plan.stream.sample_rate);
            emit(&Detection { after_gap: std::mem::take(&mut slot.after_gap), ..detection });
        }
        self.peaks.clear();
    }
}
