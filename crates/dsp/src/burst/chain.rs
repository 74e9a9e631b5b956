//! The burst chain, whichever of its two ways the configuration asks for: single bursts in a stream, or dwells
//! over the periods of a code.

use super::hold_off::{HoldOff, detection_from_peak};
use super::overview::OverviewPlan;
use super::periodic::{PeriodicError, PeriodicPlan, PeriodicWorker};
use super::worker::{BurstWorker, SegmentResult};
use super::{BurstConfig, BurstPlan, PlanError};
use crate::convert::Converter;
use crate::waveform::Replica;
use rangegate_core::{Complex32, Detection, Segment, StreamInfo};
use std::sync::Arc;

/// Why a chain cannot be planned.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ChainError {
    /// Of single bursts.
    #[error(transparent)]
    Stream(#[from] PlanError),
    /// Over the periods of a code.
    #[error(transparent)]
    Periodic(#[from] PeriodicError),
}

/// A planned chain. Immutable; cheap to clone and to share.
#[derive(Clone)]
pub enum BurstChain {
    /// Single bursts in a continuous stream.
    Stream(Arc<BurstPlan>),
    /// Dwells over the periods of a code.
    Periodic(Arc<Dwells>),
}

/// A search over code periods, and the overview of its samples.
pub struct Dwells {
    /// The search.
    pub search: Arc<PeriodicPlan>,
    stream: StreamInfo,
    templates: Vec<Arc<str>>,
    converter: Converter,
    overview: OverviewPlan,
}

impl BurstChain {
    /// Plans the chain for a stream and its replicas, which have been sampled at the stream's rate.
    ///
    /// # Errors
    /// A setting, a replica or the stream does not fit.
    pub fn new(config: &BurstConfig, stream: &StreamInfo, replicas: &[Replica]) -> Result<Self, ChainError> {
        if config.integration.is_none() {
            return Ok(Self::Stream(Arc::new(BurstPlan::new(config, stream, replicas)?)));
        }
        let search = Arc::new(PeriodicPlan::new(config, stream, replicas)?);
        let converter = Converter::new(stream.format, stream.to_baseband, stream.sample_rate);
        Ok(Self::Periodic(Arc::new(Dwells {
            search,
            stream: stream.clone(),
            templates: replicas.iter().map(|replica| Arc::clone(&replica.name)).collect(),
            converter: converter.map_err(PlanError::from)?,
            overview: OverviewPlan::new(),
        })))
    }

    /// Samples of a segment's core, of what it needs before it, and of what it needs after it.
    pub fn core_lead_tail(&self) -> (usize, usize, usize) {
        match self {
            Self::Stream(plan) => (plan.core_len(), plan.lead(), plan.tail()),
            Self::Periodic(dwells) => (dwells.search.core_len(), 0, 0),
        }
    }

    /// Number of sets that the replicas are dealt out to: each segment is worked on once for each.
    pub fn n_sets(&self) -> usize {
        match self {
            Self::Stream(plan) => plan.n_sets(),
            Self::Periodic(dwells) => dwells.search.n_sets(),
        }
    }

    /// Whether a core that the end of the run cuts short is of no use.
    pub fn needs_whole_cores(&self) -> bool {
        matches!(self, Self::Periodic(_))
    }

    /// What works on segments, with all its memory.
    pub fn make_worker(&self) -> ChainWorker {
        match self {
            Self::Stream(plan) => ChainWorker::Stream(plan.make_worker()),
            Self::Periodic(dwells) => ChainWorker::Periodic(DwellWorker {
                worker: dwells.search.make_worker(),
                samples: vec![Complex32::default(); dwells.search.core_len()],
                scratch: vec![Complex32::default(); dwells.overview.scratch_len()],
                dwells: Arc::clone(dwells),
            }),
        }
    }

    /// Where a worker puts what it finds, with all its memory.
    pub fn make_result(&self) -> SegmentResult {
        match self {
            Self::Stream(plan) => plan.make_result(),
            Self::Periodic(dwells) => {
                SegmentResult::with_room(dwells.search.max_peaks(), dwells.search.core_len())
            }
        }
    }

    /// What turns peaks into detections, in the order of the stream.
    pub fn make_collector(&self) -> Collector {
        match self {
            Self::Stream(plan) => Collector::HoldOff(HoldOff::new(plan)),
            Self::Periodic(dwells) => {
                let n_slots = dwells.templates.len() * dwells.stream.n_channels;
                Collector::Each { dwells: Arc::clone(dwells), after_gap: vec![false; n_slots] }
            }
        }
    }
}

/// Runs a [`BurstChain`] on segments.
pub enum ChainWorker {
    /// For single bursts.
    Stream(BurstWorker),
    /// For dwells.
    Periodic(DwellWorker),
}

/// Runs dwells.
pub struct DwellWorker {
    dwells: Arc<Dwells>,
    worker: PeriodicWorker,
    samples: Vec<Complex32>,
    scratch: Vec<Complex32>,
}

impl ChainWorker {
    /// Finds the peaks of a segment for the replicas of its set. What it finds depends on the segment alone.
    ///
    /// # Panics
    /// The segment is not of the planned shape.
    pub fn process(&mut self, segment: &Segment, out: &mut SegmentResult) {
        match self {
            Self::Stream(worker) => worker.process(segment, out),
            Self::Periodic(worker) => worker.process(segment, out),
        }
    }
}

impl DwellWorker {
    fn process(&mut self, segment: &Segment, out: &mut SegmentResult) {
        out.begin(segment);
        let mut peaks = std::mem::take(&mut out.peaks);
        let bad_samples = self.worker.process(segment, &mut peaks) as u64;
        out.peaks = peaks;
        if segment.set != 0 {
            return;
        }
        out.bad_samples = bad_samples;
        let samples = &mut self.samples[..segment.core.len()];
        self.dwells.converter.convert(&segment.block, 0, segment.core.clone(), samples);
        self.dwells.overview.add(samples, &mut self.scratch, &mut out.overview);
    }
}

/// Turns the peaks of segments, taken in the order of the stream, into detections.
pub enum Collector {
    /// One for each burst.
    HoldOff(HoldOff),
    /// Every peak is a detection.
    Each {
        /// Names and rate.
        dwells: Arc<Dwells>,
        /// By template and channel: samples were lost since its last detection.
        after_gap: Vec<bool>,
    },
}

impl Collector {
    /// Takes the result of one segment and set.
    pub fn accept(&mut self, result: &SegmentResult, mut emit: impl FnMut(&Detection)) {
        match self {
            Self::HoldOff(hold_off) => hold_off.accept(result, emit),
            Self::Each { dwells, after_gap } => {
                if result.after_gap && result.set == 0 {
                    after_gap.fill(true);
                }
                for peak in &result.peaks {
                    let name = &dwells.templates[peak.template as usize];
                    let mut detection =
                        detection_from_peak(peak, name, result.anchor, dwells.stream.sample_rate);
                    let slot = peak.channel as usize * dwells.templates.len() + peak.template as usize;
                    detection.after_gap = std::mem::take(&mut after_gap[slot]);
                    emit(&detection);
                }
            }
        }
    }

    /// The stream has ended.
    pub fn finish(&mut self, emit: impl FnMut(&Detection)) {
        if let Self::HoldOff(hold_off) = self {
            hold_off.finish(emit);
        }
    }
}
