//! The chain that a configuration asks for, behind one face.

use anyhow::Result;
use rangegate_core::{BoxError, Segment, StreamInfo};
use rangegate_dsp::burst::periodic::{PeriodicPlan, PeriodicWorker};
use rangegate_dsp::burst::{BurstConfig, BurstPlan, BurstWorker, SegmentResult};
use rangegate_dsp::waveform::Replica;
use rangegate_pipeline::Work;
use rangegate_sources::SegmentPlan;
use serde_json::{Value, json};
use std::sync::Arc;

/// A planned chain.
pub enum Chain {
    /// Single bursts in a continuous stream.
    Stream(Arc<BurstPlan>),
    /// Dwells over the periods of a code.
    Periodic {
        /// The search.
        search: Arc<PeriodicPlan>,
        /// What makes the overview of the samples.
        overview: Arc<BurstPlan>,
    },
}
