//! The chain as the pipeline sees it: workers that do segments.

use rangegate_core::{BoxError, Segment, StreamInfo};
use rangegate_dsp::chain::{Chain, ChainWorker, SegmentResult};
use rangegate_dsp::pulse_compression::{CompressionPlan, RangeFilter};
use rangegate_dsp::pulse_doppler::PulseDopplerPlan;
use rangegate_dsp::range_doppler::RangeDopplerPlan;
use rangegate_pipeline::Work;
use rangegate_sources::SegmentPlan;
use serde_json::{Value, json};
use std::sync::Arc;

/// A worker of the chain, for the pipeline.
pub struct Worker(ChainWorker);

impl Worker {
    /// A worker with all its memory, for segments of a stream.
    pub fn new(chain: &Chain, stream: &StreamInfo) -> Self {
        let (core_len, lead, tail) = chain.core_lead_tail();
        let mut worker = chain.make_worker();
        worker.reserve(stream, core_len + lead + tail);
        Self(worker)
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
    SegmentPlan { core_len, lead, tail, n_sets, whole_cores_only, joins_pulses: chain.joins_pulses() }
}

/// The planned chain in figures.
pub fn summary(chain: &Chain) -> Value {
    let SegmentPlan { core_len, lead, tail, n_sets, .. } = segment_plan(chain);
    match chain {
        Chain::Stream(plan) => json!({
            "kind": "single bursts in a stream",
            "fft_len": plan.filter().fft_len(),
            "convolution_path": plan.filter().path().name(),
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
        Chain::PulseDoppler(plan) => pulse_doppler(plan),
        Chain::Cw(plan) => json!({
            "kind": "continuous wave",
            "slice_samples": plan.n_fft(),
            "hop_samples": plan.hop(),
            "segment_core_samples": core_len,
            "signed": plan.is_signed(),
            "speed_step_mps": plan.velocity_mps_from_doppler_hz(plan.doppler_hz_from_bin(1.0) - plan.doppler_hz_from_bin(0.0)).abs(),
        }),
    }
}

fn pulse_doppler(plan: &PulseDopplerPlan) -> Value {
    let geometry = plan.geometry();
    let (first_m, step_m) = plan.range_axis_m();
    let map = |map: &Arc<RangeDopplerPlan>| {
        let speed = |hz: f64| geometry.velocity_mps_from_doppler(-hz);
        json!({
            "pulses": map.n_pulses(),
            "mean_prf_hz": map.prf_hz(),
            "range_gates": map.n_gates(),
            "doppler_bins": map.n_doppler(),
            "velocity_step_mps": speed(map.span_hz() / map.n_doppler() as f64),
            "unambiguous_speed_mps": speed(map.span_hz() / 2.0),
            "false_alarm_probability_of_a_cell": map.cell_probability(),
        })
    };
    let filter = plan.compression().map(CompressionPlan::filter);
    json!({
        "kind": if filter.is_some() { "pulse-Doppler" } else { "FMCW" },
        "framing": plan.framing_kind(),
        "look_s": plan.look_s(),
        "segment_core_samples": plan.core_len(),
        "first_range_m": first_m,
        "range_step_m": step_m,
        "unambiguous_range_m": geometry.range_m_from_delay(plan.least_pri_s()),
        "wavelength_m": geometry.wavelength_m,
        "baseline_m": geometry.baseline_m,
        "compression_fft_len": plan.compression().map(CompressionPlan::fft_len),
        "convolution_path": plan.compression().map(|compression| compression.path().name()),
        "compression_loss_db": filter.map(RangeFilter::loss_db),
        "compression_peak_side_lobe_db": filter.map(RangeFilter::peak_side_lobe_db),
        "dwells": plan.maps().map(map).collect::<Vec<_>>(),
    })
}
