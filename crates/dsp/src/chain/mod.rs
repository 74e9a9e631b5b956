//! The chains behind one face: whichever the configuration asks for, a stream is cut into segments, workers turn
//! them into results in any order and on any thread, and a collector makes detections of those in the stream's
//! order.

mod error;
mod overview;
mod result;

pub use error::PlanError;
pub(crate) use error::number;
pub use overview::Overview;
pub(crate) use overview::{OverviewPlan, PART};
pub use result::{Extras, LookResult, SegmentResult};

use crate::burst::periodic::{Dwells, PeriodicPlan, PeriodicWorker};
use crate::burst::{BurstConfig, BurstPlan, BurstWorker, HoldOff};
use crate::cw::{CwConfig, CwPlan, CwWorker, Slices};
use crate::pulse_doppler::{
    FmcwChainConfig, FramingReport, Looks, PulseDopplerConfig, PulseDopplerPlan, PulseDopplerWorker,
};
use crate::waveform::Replica;
use rangegate_core::{Detection, IqBlock, Segment, StreamInfo};
use std::sync::Arc;

/// A planned chain. Immutable; cheap to clone and to share.
#[derive(Clone)]
pub enum Chain {
    /// Single bursts in a continuous stream.
    Stream(Arc<BurstPlan>),
    /// Dwells over the periods of a code.
    Periodic(Arc<PeriodicPlan>),
    /// Pulses or chirps of a radar.
    PulseDoppler(Arc<PulseDopplerPlan>),
    /// The tone of a continuous-wave radar.
    Cw(Arc<CwPlan>),
}

impl Chain {
    /// Plans a `burst` chain for a stream and its replicas, which have been sampled at the stream's rate.
    ///
    /// # Errors
    /// A setting, a replica or the stream does not fit.
    pub fn burst(config: &BurstConfig, stream: &StreamInfo, replicas: &[Replica]) -> Result<Self, PlanError> {
        Ok(match config.integration {
            None => Self::Stream(Arc::new(BurstPlan::new(config, stream, replicas)?)),
            Some(_) => Self::Periodic(Arc::new(PeriodicPlan::new(config, stream, replicas)?)),
        })
    }

    /// Plans a `pulse_doppler` chain for a stream and its one replica; `origin_sample` is the absolute index of the
    /// recording's first sample.
    ///
    /// # Errors
    /// As [`PulseDopplerPlan::new`].
    pub fn pulse_doppler(
        config: &PulseDopplerConfig,
        stream: &StreamInfo,
        replicas: &[Replica],
        origin_sample: u64,
    ) -> Result<Self, PlanError> {
        let plan = PulseDopplerPlan::new(config, stream, replicas, origin_sample)?;
        Ok(Self::PulseDoppler(Arc::new(plan)))
    }

    /// Plans an `fmcw` chain for a stream.
    ///
    /// # Errors
    /// As [`PulseDopplerPlan::fmcw`].
    pub fn fmcw(config: &FmcwChainConfig, stream: &StreamInfo) -> Result<Self, PlanError> {
        Ok(Self::PulseDoppler(Arc::new(PulseDopplerPlan::fmcw(config, stream)?)))
    }

    /// Plans a `cw` chain for a stream.
    ///
    /// # Errors
    /// As [`CwPlan::new`].
    pub fn cw(config: &CwConfig, stream: &StreamInfo) -> Result<Self, PlanError> {
        let plan = CwPlan::new(config, stream).map_err(|error| PlanError::stage("chain", &error))?;
        Ok(Self::Cw(Arc::new(plan)))
    }

    /// Samples of a segment's core, of what it needs before it, and of what it needs after it.
    pub fn core_lead_tail(&self) -> (usize, usize, usize) {
        match self {
            Self::Stream(plan) => (plan.core_len(), plan.lead(), plan.tail()),
            Self::Periodic(plan) => (plan.core_len(), 0, 0),
            Self::PulseDoppler(plan) => (plan.core_len(), plan.lead(), plan.tail()),
            Self::Cw(plan) => (plan.core_len(), 0, plan.tail()),
        }
    }

    /// Number of sets that the replicas are dealt out to: each segment is worked on once for each.
    pub fn n_sets(&self) -> usize {
        match self {
            Self::Stream(plan) => plan.n_sets(),
            Self::Periodic(plan) => plan.n_sets(),
            Self::PulseDoppler(_) | Self::Cw(_) => 1,
        }
    }

    /// Whether a core that the end of the run cuts short is of no use.
    pub fn needs_whole_cores(&self) -> bool {
        match self {
            Self::Stream(_) | Self::Cw(_) => false,
            Self::Periodic(_) => true,
            Self::PulseDoppler(plan) => plan.joins_pulses(),
        }
    }

    /// Whether recorded pulses that follow one another are worked on together.
    pub fn joins_pulses(&self) -> bool {
        matches!(self, Self::PulseDoppler(plan) if plan.joins_pulses())
    }

    /// What works on segments, with all its memory.
    pub fn make_worker(&self) -> ChainWorker {
        let kind = match self {
            Self::Stream(plan) => Kind::Stream(Box::new(plan.make_worker())),
            Self::Periodic(plan) => Kind::Periodic(Box::new(plan.make_worker())),
            Self::PulseDoppler(plan) => Kind::PulseDoppler(Box::new(plan.make_worker())),
            Self::Cw(plan) => Kind::Cw(Box::new(plan.make_worker())),
        };
        ChainWorker { kind, apart: Segment::default() }
    }

    /// Where a worker puts what it finds, with all its memory.
    pub fn make_result(&self) -> SegmentResult {
        match self {
            Self::Stream(plan) => plan.make_result(),
            Self::Periodic(plan) => plan.make_result(),
            Self::PulseDoppler(plan) => plan.make_result(),
            Self::Cw(plan) => SegmentResult { cw: plan.make_result(), ..SegmentResult::default() },
        }
    }

    /// What turns peaks into detections, in the order of the stream.
    pub fn make_collector(&self) -> Collector {
        match self {
            Self::Stream(plan) => Collector::HoldOff(HoldOff::new(plan)),
            Self::Periodic(plan) => Collector::Dwells(Dwells::new(plan)),
            Self::PulseDoppler(plan) => Collector::Looks(Box::new(Looks::new(plan))),
            Self::Cw(plan) => Collector::Slices(Slices::new(plan)),
        }
    }
}

/// Runs a [`Chain`] on segments.
pub struct ChainWorker {
    kind: Kind,
    /// A segment of several channels, one after the other.
    apart: Segment,
}

enum Kind {
    /// For single bursts.
    Stream(Box<BurstWorker>),
    /// For dwells.
    Periodic(Box<PeriodicWorker>),
    /// For pulses.
    PulseDoppler(Box<PulseDopplerWorker>),
    /// For slices of time.
    Cw(Box<CwWorker>),
}

impl ChainWorker {
    /// Makes room for segments of a stream with several channels, so that the first of them allocates nothing either.
    pub fn reserve(&mut self, stream: &StreamInfo, segment_samples: usize) {
        if stream.n_channels > 1 {
            let bytes = segment_samples * stream.format.bytes() * stream.n_channels;
            self.apart.block = IqBlock::with_capacity(bytes);
        }
    }

    /// Finds the peaks of a segment for the replicas of its set. What it finds depends on the segment alone.
    ///
    /// # Panics
    /// The segment is not of the planned shape.
    pub fn process(&mut self, segment: &Segment, out: &mut SegmentResult) {
        let Self { kind, apart } = self;
        let block = &segment.block;
        // Chains work on one channel after the other.
        if block.n_channels() == 1 || block.layout().sample_stride == block.format().bytes() {
            return kind.process(segment, out);
        }
        apart.block.copy_apart_from(block);
        let Segment { block: _, core, sequence, starts_run, ends_run, set } = segment;
        apart.core = core.clone();
        (apart.sequence, apart.set) = (*sequence, *set);
        (apart.starts_run, apart.ends_run) = (*starts_run, *ends_run);
        kind.process(apart, out);
    }
}

impl Kind {
    fn process(&mut self, segment: &Segment, out: &mut SegmentResult) {
        match self {
            Self::Stream(worker) => worker.process(segment, out),
            Self::Periodic(worker) => worker.process(segment, out),
            Self::PulseDoppler(worker) => worker.process(segment, out),
            Self::Cw(worker) => {
                out.begin(segment);
                worker.process(segment, &mut out.cw);
                out.bad_samples = out.cw.slices().iter().map(|slice| slice.bad_samples).sum();
            }
        }
    }
}

/// Turns the peaks of segments, taken in the order of the stream, into detections.
pub enum Collector {
    /// For single bursts.
    HoldOff(HoldOff),
    /// For dwells.
    Dwells(Dwells),
    /// For looks.
    Looks(Box<Looks>),
    /// For slices of time.
    Slices(Slices),
}

impl Collector {
    /// Takes the result of one segment and set.
    pub fn accept(&mut self, result: &SegmentResult, emit: impl FnMut(&Detection)) {
        match self {
            Self::HoldOff(hold_off) => hold_off.accept(result, emit),
            Self::Dwells(dwells) => dwells.accept(result, emit),
            Self::Looks(looks) => looks.accept(result, emit),
            Self::Slices(slices) => slices.accept(result, emit),
        }
    }

    /// What the framing of pulses came to, where there is any.
    pub fn framing(&self) -> Option<FramingReport> {
        match self {
            Self::Looks(looks) => Some(looks.report()),
            _ => None,
        }
    }

    /// The stream has ended.
    pub fn finish(&mut self, emit: impl FnMut(&Detection)) {
        if let Self::HoldOff(hold_off) = self {
            hold_off.finish(emit);
        }
    }
}
