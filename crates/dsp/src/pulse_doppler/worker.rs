//! One segment at a time: pulses in, targets out.

use super::framing::{Leak, LeakScratch};
use super::plan::{Front, MAX_TARGETS, PlannedFraming, PulseDopplerPlan};
use super::unfold::Echo;
use crate::burst::Peak;
use crate::chain::SegmentResult;
use crate::convert::ChannelSource;
use crate::fmcw::FmcwWorker;
use crate::pulse_compression::PulseCompressor;
use crate::range_doppler::{PulseCube, RangeDopplerWorker};
use rangegate_core::{Complex32, Segment};
use rustfft::num_complex::Complex;
use std::f64::consts::TAU;
use std::sync::Arc;

/// Runs a [`PulseDopplerPlan`]. What it finds depends on the segment alone, not on what it worked on before.
pub struct PulseDopplerWorker {
    plan: Arc<PulseDopplerPlan>,
    leak_scratch: Option<LeakScratch>,
    front: FrontWorker,
    dwells: Vec<(PulseCube, RangeDopplerWorker)>,
    echoes: Vec<Echo>,
    used: Vec<bool>,
    merged: Vec<Echo>,
    overview_samples: Vec<Complex32>,
    overview_scratch: Vec<Complex32>,
}

/// What runs a [`Front`].
enum FrontWorker {
    Pulses(Box<PulseCompressor>),
    Chirps(Box<FmcwWorker>),
}

/// Where the pulses of a look begin.
#[derive(Clone, Copy, Debug)]
struct Frame {
    /// Leading edge of the first pulse, samples of the segment's block.
    start: f64,
    /// How much longer than configured intervals are.
    clock_offset: f64,
    /// Frequency that is zero Doppler, Hz.
    zero_hz: f64,
}

/// Samples that the overview is made of at a time.
const OVERVIEW_PIECE: usize = 64 * crate::chain::PART;

impl PulseDopplerWorker {
    pub(super) fn new(plan: &Arc<PulseDopplerPlan>) -> Self {
        let leak_scratch = match &plan.framing {
            PlannedFraming::Leak { finder, .. } => Some(finder.make_scratch(plan.look.n_pulses())),
            _ => None,
        };
        let dwell = |dwell: &super::plan::PlannedDwell| (dwell.plan.make_cube(), dwell.plan.make_worker());
        let room = MAX_TARGETS * plan.dwells.len();
        Self {
            leak_scratch,
            front: match &plan.front {
                Front::Pulses(compression) => FrontWorker::Pulses(Box::new(compression.make_worker())),
                Front::Chirps(chirps) => FrontWorker::Chirps(Box::new(chirps.make_worker())),
            },
            dwells: plan.dwells.iter().map(dwell).collect(),
            echoes: Vec::with_capacity(room),
            used: Vec::with_capacity(room),
            merged: Vec::with_capacity(room),
            overview_samples: vec![Complex32::ZERO; OVERVIEW_PIECE.min(plan.core_len())],
            overview_scratch: vec![Complex32::ZERO; plan.overview.scratch_len()],
            plan: Arc::clone(plan),
        }
    }

    /// Finds the targets of the look that begins in the segment's core.
    ///
    /// # Panics
    /// The segment is not of the planned shape.
    pub fn process(&mut self, segment: &Segment, out: &mut SegmentResult) {
        let plan = Arc::clone(&self.plan);
        let n_channels = segment.block.n_channels();
        assert!(n_channels == plan.n_channels, "{n_channels} channels for {}", plan.n_channels);
        out.begin(segment);
        out.bad_samples += self.look_over(segment, out);
        let Some(frame) = self.frame(segment, out) else { return };
        let last = plan.look.offset_samples(plan.look.n_pulses() - 1) * (1.0 + frame.clock_offset);
        if frame.start + last + plan.n_fast as f64 + 1.0 > segment.block.n_samples() as f64 + 1.0 {
            out.look.cut_short = 1;
            return;
        }
        out.look.worked = 1;
        out.look.first_sample = segment.block.header.first_sample + frame.start as u64;
        for channel in 0..n_channels {
            self.work(segment, channel, frame, out);
            self.emit(segment, channel, frame, out);
        }
    }

    /// Power and spectrum of the core, of the first channel, and bad samples of all.
    fn look_over(&mut self, segment: &Segment, out: &mut SegmentResult) -> u64 {
        // Integers are all numbers.
        if !out.overview.is_wanted() && segment.block.format().scalar.is_integer() {
            return 0;
        }
        let mut bad = 0;
        for channel in 0..segment.block.n_channels() {
            let mut at = segment.core.start;
            while at < segment.core.end {
                let end = (at + self.overview_samples.len()).min(segment.core.end);
                let samples = &mut self.overview_samples[..end - at];
                bad += self.plan.converter.convert(&segment.block, channel, at..end, samples) as u64;
                if channel == 0 {
                    self.plan.overview.add(samples, &mut self.overview_scratch, &mut out.overview);
                }
                at = end;
            }
        }
        bad
    }

    /// Finds where the look begins; `None` where none does.
    fn frame(&mut self, segment: &Segment, out: &mut SegmentResult) -> Option<Frame> {
        let plan = &self.plan;
        match (&plan.framing, &mut self.leak_scratch) {
            (PlannedFraming::Offset { origin, offset_samples }, _) => {
                // Relative to the origin first: whole numbers of 64 bits leave a fraction no room.
                let core_first = segment.core_first_sample().saturating_sub(*origin) as f64;
                let len = plan.look.len_samples();
                let number = ((core_first - offset_samples) / len - 1e-9).ceil().max(0.0);
                let start = offset_samples + number * len - core_first;
                let is_here = start < segment.core.len() as f64;
                let start = segment.core.start as f64 + start.max(0.0);
                is_here.then_some(Frame { start, clock_offset: 0.0, zero_hz: 0.0 })
            }
            (PlannedFraming::Leak { finder, frequency_reference }, Some(scratch)) => {
                let leak = finder.find(segment, 0, &plan.converter, &plan.look, scratch);
                let Some(leak) = leak else {
                    // What is left at the end of a run need not hold one.
                    out.look.without_leak = u64::from(!segment.ends_run);
                    out.look.cut_short = u64::from(segment.ends_run);
                    return None;
                };
                out.look.leak = Some(leak);
                Some(Frame {
                    start: in_block(segment, &leak),
                    clock_offset: leak.clock_offset,
                    zero_hz: if *frequency_reference { leak.carrier_offset_hz } else { 0.0 },
                })
            }
            _ => Some(Frame { start: segment.core.start as f64, clock_offset: 0.0, zero_hz: 0.0 }),
        }
    }

    /// Compresses the pulses of all dwells and finds their targets.
    fn work(&mut self, segment: &Segment, channel: usize, frame: Frame, out: &mut SegmentResult) {
        let plan = Arc::clone(&self.plan);
        self.echoes.clear();
        for (number, (dwell, (cube, worker))) in plan.dwells.iter().zip(&mut self.dwells).enumerate() {
            for (row, pulse) in dwell.pulses.clone().enumerate() {
                let start = frame.start + plan.look.offset_samples(pulse) * (1.0 + frame.clock_offset);
                let whole = (start + 1e-7).floor();
                let fraction = if plan.starts_on_samples() { 0.0 } else { (start - whole).max(0.0) };
                let whole = whole as usize;
                let out = cube.row_mut(row);
                match &mut self.front {
                    FrontWorker::Pulses(compressor) => {
                        let (converter, block) = (&plan.converter, &segment.block);
                        let pri = ChannelSource { converter, block, channel, first: whole };
                        compressor.compress(fraction, &pri, out);
                    }
                    FrontWorker::Chirps(chirps) => {
                        chirps.compress(&segment.block, channel, whole, out);
                    }
                }
                turn(cube.row_mut(row), -frame.zero_hz * plan.look.time_s(pulse));
            }
            for target in worker.process(cube) {
                self.echoes.push(Echo {
                    dwell: number,
                    time_s: dwell.middle_s,
                    delay_s: (target.gate + plan.first_gate) / plan.gate_rate_hz / (1.0 + frame.clock_offset),
                    doppler_hz: target.doppler_hz,
                    snr: target.snr,
                    power: target.power,
                });
            }
            out.peaks_dropped += worker.n_dropped();
            if number == 0 && channel == 0 {
                if out.wants_range_profile() {
                    worker.range_profile(&mut out.look.range_profile);
                }
                if let Some(map) = out.look.map.as_mut().filter(|_| out.extras.map) {
                    map.clone_from(worker.map());
                }
            }
        }
        if let Some(unfolding) = &plan.unfolding {
            unfolding.unfold(&mut self.echoes, &mut self.used, &mut self.merged);
        }
    }

    /// Makes peaks of the echoes that lie in the wanted ranges.
    fn emit(&mut self, segment: &Segment, channel: usize, frame: Frame, out: &mut SegmentResult) {
        let plan = &self.plan;
        let rate_hz = plan.sample_rate.hz();
        for echo in &self.echoes {
            let delay_s = echo.delay_s + plan.geometry.frame_delay_s();
            let range_m = plan.geometry.range_m_from_delay(delay_s);
            if range_m < plan.wanted_m[0] || range_m > plan.wanted_m[1] {
                continue;
            }
            if out.peaks.len() == out.peaks.capacity() {
                out.peaks_dropped += 1;
                continue;
            }
            // The middle of the dwell is what delay and Doppler are those of: the echo of the pulse nearest to it.
            let pulse = plan.dwells[echo.dwell].pulses.clone();
            let middle = (pulse.start + pulse.end) / 2;
            let edge = frame.start
                + plan.look.offset_samples(middle) * (1.0 + frame.clock_offset)
                + echo.delay_s * rate_hz;
            let whole = edge.floor().max(0.0);
            out.peaks.push(Peak {
                sample: segment.block.header.first_sample + whole as u64,
                sample_fraction: (edge - whole).clamp(0.0, 1.0 - f64::EPSILON),
                template: 0,
                channel: channel as u32,
                doppler_hz: echo.doppler_hz,
                statistic: echo.power as f32,
                snr_db: 10.0 * echo.snr.log10(),
                power_db: 10.0 * echo.power.log10(),
                delay_s: Some(delay_s),
                cpi: Some(segment.sequence),
            });
        }
    }

    /// The map of each dwell of the channel that was worked on last.
    pub fn maps(&self) -> impl ExactSizeIterator<Item = &crate::range_doppler::PowerMap> {
        self.dwells.iter().map(|(_, worker)| worker.map())
    }
}

/// The leak's first pulse, samples of the segment's block.
fn in_block(segment: &Segment, leak: &Leak) -> f64 {
    leak.sample.saturating_sub(segment.block.header.first_sample) as f64 + leak.sample_fraction
}

/// Turns the phase of a row.
fn turn(row: &mut [Complex32], cycles: f64) {
    if cycles == 0.0 {
        return;
    }
    let phasor = Complex::<f64>::from_polar(1.0, TAU * cycles.fract());
    let phasor = Complex32::new(phasor.re as f32, phasor.im as f32);
    row.iter_mut().for_each(|x| *x *= phasor);
}
