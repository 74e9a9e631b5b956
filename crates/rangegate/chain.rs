//! The chain as the pipeline sees it: workers that do segments.

use rangegate_core::{BoxError, Segment};
use rangegate_dsp::chain::{Chain, ChainWorker, SegmentResult};
use rangegate_pipeline::Work;
use rangegate_sources::SegmentPlan;
use serde_json::{Value, json};

/// A worker of the chain, for the pipeline.
pub struct Worker(ChainWorker);

impl Worker {
    /// A worker with all its memory.
    pub fn new(chain: &Chain) -> Self {
        Self(chain.make_worker())
    }
}

impl Work<Segment, SegmentResult> for Worker {
    fn run(&mut self, segment: &Segment, result: &mut SegmentResult) -> Result<(), BoxError> {
        self.0.process(segment, result);
        Ok(())
    }
}

/// How the stream is to be cut for the chain.
pub fn segment_plan(chain: &Chain) -> SegmentPlan {
    let (core_len, lead, tail) = chain.core_lead_tail();
    let (n_sets, whole_cores_only) = (chain.n_sets(), chain.needs_whole_cores());
    SegmentPlan { core_len, lead, tail, n_sets, whole_cores_only, joins_pulses: false }
}

/// The planned chain in figures.
pub fn summary(chain: &Chain) -> Value {
    let SegmentPlan { core_len, lead, tail, n_sets, .. } = segment_plan(chain);
    match chain {
        Chain::Stream(plan) => json!({
            "kind": "single bursts in a stream",
            "fft_len": plan.filter().fft_len(),
            "segment_core_samples": core_len,
            "segment_lead_samples": lead,
            "segment_tail_samples": tail,
            "replica_sets": n_sets,
            "doppler_hypotheses": plan.doppler_hz().len(),
        }),
        Chain::Periodic(plan) => json!({
            "kind": "dwells over code periods",
            "dwell_samples": core_len,
            "delay_cells": plan.n_delay_cells(),
            "replica_sets": n_sets,
            "doppler_hypotheses": plan.doppler_hz().len(),
            "false_alarm_probability_of_a_cell": plan.cell_probability(),
            "worker_bytes": plan.worker_bytes(),
        }),
    }
}
