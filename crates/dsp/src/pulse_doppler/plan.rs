//! What of the pulse-Doppler chain is settled before the first sample.

use super::checks::{MAX_PRI_S, carrier, check_dwells, check_look, check_offset, check_positions};
use super::config::{DwellConfig, FmcwChainConfig, Framing, Pri, PulseDopplerConfig, RangeConfig};
use super::framing::LeakFinder;
use super::geometry::{Geometry, SPEED_OF_LIGHT_MPS};
use super::look::Look;
use super::unfold::Unfolding;
use super::worker::PulseDopplerWorker;
use crate::chain::{OverviewPlan, PlanError, SegmentResult};
use crate::convert::Converter;
use crate::fmcw::FmcwPlan;
use crate::matched_filter::autocorrelation;
use crate::pulse_compression::{CompressionPlan, PulseStart};
use crate::range_doppler::{RangeDopplerPlan, Shape};
use crate::waveform::Replica;
use rangegate_core::{SampleRate, StreamInfo};
use rustfft::num_complex::Complex;
use serde::Serialize;
use std::ops::Range;
use std::sync::Arc;

/// Where pulses begin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FramingKind {
    /// By a trigger of the recorder.
    Trigger,
    /// By a configured offset.
    Offset,
    /// By the direct leak.
    #[default]
    Leak,
}

/// A pulse-Doppler chain, planned for one stream. Immutable; share it by [`Arc`].
pub struct PulseDopplerPlan {
    pub(super) name: Arc<str>,
    pub(super) sample_rate: SampleRate,
    pub(super) n_channels: usize,
    pub(super) converter: Converter,
    pub(super) geometry: Geometry,
    pub(super) look: Look,
    pub(super) framing: PlannedFraming,
    pub(super) front: Front,
    /// Gates a second of delay, Hz, and the number of the first.
    pub(super) gate_rate_hz: f64,
    pub(super) first_gate: f64,
    pub(super) dwells: Vec<PlannedDwell>,
    pub(super) unfolding: Option<Unfolding>,
    pub(super) overview: OverviewPlan,
    /// Samples from a pulse's leading edge on that are wanted of it.
    pub(super) n_fast: usize,
    /// Least and greatest range, m.
    pub(super) wanted_m: [f64; 2],
    start: PulseStart,
    core_len: usize,
    tail: usize,
}

/// Framing with what it takes.
pub(super) enum PlannedFraming {
    Trigger,
    /// Leading edge of the first pulse, samples after the absolute index `origin`.
    Offset {
        origin: u64,
        offset_samples: f64,
    },
    Leak {
        finder: LeakFinder,
        frequency_reference: bool,
    },
}

/// What makes a row of the cube of a pulse.
pub(super) enum Front {
    /// Pulse compression.
    Pulses(Arc<CompressionPlan>),
    /// The range transform of a swept radar.
    Chirps(Arc<FmcwPlan>),
}

/// One dwell of a look.
pub(super) struct PlannedDwell {
    pub pulses: Range<usize>,
    /// Middle of the dwell after the look's first pulse, s.
    pub middle_s: f64,
    pub plan: Arc<RangeDopplerPlan>,
}

/// Most targets that a dwell may show.
pub(super) const MAX_TARGETS: usize = 4096;
/// Gates before the first and after the last that are wanted, so that a peak has neighbours to interpolate between.
const MARGIN_GATES: usize = 2;

impl PulseDopplerPlan {
    /// Plans the chain for a stream and its one replica, which has been sampled at the stream's rate.
    /// `origin_sample` is the absolute index of the recording's first sample, whatever part of it is replayed.
    ///
    /// # Errors
    /// A setting, the replica or the stream does not fit: the message has the numbers, and what would fit.
    pub fn new(
        config: &PulseDopplerConfig,
        stream: &StreamInfo,
        replicas: &[Replica],
        origin_sample: u64,
    ) -> Result<Self, PlanError> {
        let [replica] = replicas else {
            let found = format!("{} replicas", replicas.len());
            return Err(PlanError::setting("replica", &found, "one: the pulse that is sent"));
        };
        let rate_hz = stream.sample_rate.hz();
        check_dwells(&config.dwells, replica, rate_hz, stream)?;
        let look =
            Look::new(&config.dwells, rate_hz, stream.pulse_len.filter(|_| is_trigger(&config.framing)));
        check_look(&look, stream)?;
        if let Some(speed_mps) = config.max_speed_mps.filter(|mps| !(mps.is_finite() && *mps > 0.0)) {
            return Err(PlanError::setting("max_speed_mps", &speed_mps, "a number above zero"));
        }
        let carrier_hz = carrier(config, stream)?;
        let geometry = Geometry::new(carrier_hz, &config.range, config.bistatic.as_ref(), &config.framing);
        let n_fast = n_fast(config, stream, rate_hz);
        let gates = gates(config, &geometry, rate_hz, n_fast)?;
        let start = pulse_start(config, &look, rate_hz);
        let compression = CompressionPlan::new(&config.compression, replica, n_fast, gates.clone(), start)
            .map_err(|error| PlanError::stage("compression", &error))?;
        let compression = Arc::new(compression);
        let framing = framing(config, &look, replica, origin_sample, stream)?;
        let dwells = config.dwells.iter().zip(look.dwells()).map(|(dwell, pulses)| {
            let shape = Shape {
                pulse_times_s: pulses.clone().map(|p| look.time_s(p) - look.time_s(pulses.start)).collect(),
                pri_s: dwell.pri_s.list().to_vec(),
                n_gates: gates.len(),
                gate_rate_hz: rate_hz,
                carrier_hz,
                gate_correlation: correlation(compression.filter().taps()),
                coupling_s_per_hz: compression.filter().range_doppler_coupling_s_per_hz(),
                max_doppler_hz: config.max_speed_mps.map(|mps| 2.0 * mps / geometry.wavelength_m),
            };
            let middle = (look.time_s(pulses.start) + look.time_s(pulses.end)) / 2.0;
            let plan = RangeDopplerPlan::new(&config.map, shape)?;
            Ok(PlannedDwell { pulses, middle_s: middle, plan: Arc::new(plan) })
        });
        let dwells = dwells.collect::<Result<Vec<_>, PlanError>>()?;
        let (core_len, tail) = core_and_tail(&framing, &look, n_fast, replica.samples.len());
        let first_gate = gates.start as f64;
        Ok(Self {
            name: Arc::clone(&replica.name),
            sample_rate: stream.sample_rate,
            n_channels: stream.n_channels,
            converter: Converter::new(stream.format, stream.to_baseband, stream.sample_rate)?,
            unfolding: unfolding(config, &dwells, &geometry, carrier_hz, rate_hz)?,
            geometry,
            framing,
            front: Front::Pulses(compression),
            gate_rate_hz: rate_hz,
            first_gate,
            dwells,
            overview: OverviewPlan::new(),
            n_fast,
            wanted_m: [config.range.min_m, config.range.max_m],
            start,
            core_len,
            tail,
            look,
        })
    }

    /// Plans the chain of a swept radar for a stream: chirps in place of pulses, everything else alike.
    ///
    /// # Errors
    /// A setting or the stream does not fit.
    pub fn fmcw(config: &FmcwChainConfig, stream: &StreamInfo) -> Result<Self, PlanError> {
        let chirps =
            FmcwPlan::new(&config.chirps, stream).map_err(|error| PlanError::stage("chirps", &error))?;
        let (rate_hz, sweep) = (stream.sample_rate.hz(), &config.chirps.sweep);
        let dwell = DwellConfig { pri_s: Pri::Fixed(sweep.chirp_period_s), n_pulses: config.chirps.n_pulses };
        let look = Look::new(&[dwell], rate_hz, Some(chirps.chirp_len()));
        check_look(&look, stream)?;
        let range = RangeConfig { min_m: 0.0, max_m: f64::INFINITY, calibration_delay_s: 0.0 };
        let geometry = Geometry::new(sweep.carrier_hz, &range, None, &Framing::Trigger {});
        let gate_rate_hz = SPEED_OF_LIGHT_MPS / (2.0 * chirps.range_m_per_gate());
        let shape = Shape {
            pulse_times_s: (0..look.n_pulses()).map(|pulse| look.time_s(pulse)).collect(),
            pri_s: vec![sweep.chirp_period_s],
            n_gates: chirps.n_gates(),
            gate_rate_hz,
            carrier_hz: sweep.carrier_hz,
            gate_correlation: chirps.gate_correlation(),
            coupling_s_per_hz: -1.0 / sweep.slope_hz_per_s,
            max_doppler_hz: None,
        };
        let plan = Arc::new(RangeDopplerPlan::new(&config.map, shape)?);
        let pulses = 0..look.n_pulses();
        let middle_s = look.time_s(pulses.end) / 2.0;
        let limits = config.chirps.range_m;
        Ok(Self {
            name: "fmcw".into(),
            sample_rate: stream.sample_rate,
            n_channels: stream.n_channels,
            converter: Converter::new(stream.format, stream.to_baseband, stream.sample_rate)?,
            unfolding: None,
            geometry,
            framing: PlannedFraming::Trigger,
            gate_rate_hz,
            first_gate: chirps.range_m_from_gate(0.0) / chirps.range_m_per_gate(),
            n_fast: chirps.chirp_len(),
            wanted_m: limits.map_or([0.0, f64::INFINITY], |limits| [limits.min, limits.max]),
            start: PulseStart::OnSample,
            core_len: look.len_samples() as usize,
            tail: 0,
            front: Front::Chirps(Arc::new(chirps)),
            dwells: vec![PlannedDwell { pulses, middle_s, plan }],
            overview: OverviewPlan::new(),
            look,
        })
    }

    /// Name that detections carry.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Samples of a segment's core: no look begins in it but one.
    pub fn core_len(&self) -> usize {
        self.core_len
    }

    /// Samples that a segment needs before its core.
    pub fn lead(&self) -> usize {
        if matches!(self.framing, PlannedFraming::Trigger) { 0 } else { LEAD }
    }

    /// Samples that a segment needs after its core, so that the look which begins in it ends.
    pub fn tail(&self) -> usize {
        self.tail
    }

    /// Whether recorded pulses are put together to CPIs.
    pub fn joins_pulses(&self) -> bool {
        matches!(self.framing, PlannedFraming::Trigger)
    }

    pub(super) fn starts_on_samples(&self) -> bool {
        self.start == PulseStart::OnSample
    }

    /// Where pulses begin.
    pub fn framing_kind(&self) -> FramingKind {
        match self.framing {
            PlannedFraming::Trigger => FramingKind::Trigger,
            PlannedFraming::Offset { .. } => FramingKind::Offset,
            PlannedFraming::Leak { .. } => FramingKind::Leak,
        }
    }

    /// What delay and Doppler shift mean.
    pub fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    /// The compression of pulses; none for chirps.
    pub fn compression(&self) -> Option<&CompressionPlan> {
        match &self.front {
            Front::Pulses(compression) => Some(compression),
            Front::Chirps(_) => None,
        }
    }

    /// The plan of each dwell's map.
    pub fn maps(&self) -> impl ExactSizeIterator<Item = &Arc<RangeDopplerPlan>> {
        self.dwells.iter().map(|dwell| &dwell.plan)
    }

    /// Range of the middle of gate 0 of the maps and its step, m.
    pub fn range_axis_m(&self) -> (f64, f64) {
        let first_s = self.first_gate / self.gate_rate_hz + self.geometry.frame_delay_s();
        (self.geometry.range_m_from_delay(first_s), self.geometry.range_m_from_delay(1.0 / self.gate_rate_hz))
    }

    /// The shortest interval from one pulse to the next, s: echoes that take longer fold.
    pub fn least_pri_s(&self) -> f64 {
        let interval = |pulse| self.look.time_s(pulse + 1) - self.look.time_s(pulse);
        (0..self.look.n_pulses()).map(interval).fold(f64::INFINITY, f64::min)
    }

    /// Duration of a look, s.
    pub fn look_s(&self) -> f64 {
        self.look.time_s(self.look.n_pulses())
    }

    /// Where the look began whose first dwell has an echo at `sample` with this delay behind the transmitted pulse:
    /// the sample of its first leading edge, to within what the clocks differ.
    pub fn look_first_sample(&self, sample: u64, delay_s: f64) -> u64 {
        let pulses = &self.dwells[0].pulses;
        let middle = (pulses.start + pulses.end) / 2;
        let delay = (delay_s - self.geometry.frame_delay_s()) * self.sample_rate.hz();
        sample.saturating_sub((self.look.offset_samples(middle) + delay).round().max(0.0) as u64)
    }

    /// How long before a look's first leading edge a core may begin so that it is this look's.
    pub fn early_samples(&self) -> u64 {
        match self.framing {
            PlannedFraming::Trigger => 0,
            _ => (self.n_fast / 2) as u64,
        }
    }

    /// What works on segments, with all its memory.
    pub fn make_worker(self: &Arc<Self>) -> PulseDopplerWorker {
        PulseDopplerWorker::new(self)
    }

    /// Where a worker puts what it finds, with all its memory.
    pub fn make_result(&self) -> SegmentResult {
        let mut result = SegmentResult::with_room(MAX_TARGETS * self.n_channels);
        let n_gates = self.dwells.iter().map(|dwell| dwell.plan.n_gates()).max().unwrap_or(0);
        result.look.range_profile.reserve(n_gates);
        result
    }
}

/// Samples before a segment's core: what finding the leak between samples needs.
const LEAD: usize = 16;

/// How noise in gates so far apart correlates, up to the last that matters.
fn correlation(taps: &[Complex<f64>]) -> Vec<f32> {
    let n_lags = (taps.len() - 1).min(MAX_LAGS);
    let mut correlation = autocorrelation(taps.iter().copied(), n_lags);
    let last = correlation.iter().rposition(|rho| *rho >= LEAST_CORRELATION).map_or(0, |last| last + 1);
    correlation.truncate(last);
    correlation
}

/// Correlations that are not worth counting.
const LEAST_CORRELATION: f32 = 0.05;
const MAX_LAGS: usize = 64;

fn is_trigger(framing: &Framing) -> bool {
    matches!(framing, Framing::Trigger {})
}

/// Samples that are there of a pulse before the next begins.
fn n_fast(config: &PulseDopplerConfig, stream: &StreamInfo, rate_hz: f64) -> usize {
    let shortest_s = config.dwells.iter().flat_map(|d| d.pri_s.list()).fold(f64::INFINITY, |a, b| a.min(*b));
    let samples = (shortest_s * rate_hz * (1.0 + 1e-9)) as usize;
    stream.pulse_len.filter(|_| is_trigger(&config.framing)).unwrap_or(samples).min(samples)
}

/// The gates of the wanted ranges.
fn gates(
    config: &PulseDopplerConfig,
    geometry: &Geometry,
    rate_hz: f64,
    n_fast: usize,
) -> Result<Range<usize>, PlanError> {
    let range = &config.range;
    if !(range.min_m.is_finite() && range.max_m.is_finite() && range.min_m < range.max_m) {
        let found = format!("min_m {} and max_m {}", range.min_m, range.max_m);
        return Err(PlanError::setting("range", &found, "rising finite numbers"));
    }
    if !(-MAX_PRI_S..=MAX_PRI_S).contains(&range.calibration_delay_s) {
        let expected = format!("a number between -{MAX_PRI_S} and {MAX_PRI_S} s");
        return Err(PlanError::setting("range.calibration_delay_s", &range.calibration_delay_s, expected));
    }
    if let Some(bistatic) = &config.bistatic {
        check_positions(bistatic, range)?;
    }
    let gate = |range_m: f64| geometry.frame_delay_s_from_range(range_m) * rate_hz;
    let first = (gate(range.min_m).floor().max(0.0) as usize).saturating_sub(MARGIN_GATES);
    let last = gate(range.max_m).ceil();
    if last >= n_fast as f64 {
        let unambiguous_m =
            geometry.range_m_from_delay((n_fast - 1) as f64 / rate_hz + geometry.frame_delay_s());
        let found = format!("{} m", range.max_m);
        let expected = format!("{unambiguous_m:.1} m at most: what {n_fast} samples of an interval hold");
        return Err(PlanError::setting("range.max_m", &found, expected));
    }
    if last < first as f64 {
        let found = format!("{} m", range.max_m);
        return Err(PlanError::setting("range.max_m", &found, "a range behind the first sample"));
    }
    Ok(first..(last as usize + 1 + MARGIN_GATES).min(n_fast))
}

/// Whether every pulse begins on a sample.
fn pulse_start(config: &PulseDopplerConfig, look: &Look, rate_hz: f64) -> PulseStart {
    let is_whole = |samples: f64| (samples - samples.round()).abs() < 1e-6;
    let all = || (0..=look.n_pulses()).all(|pulse| is_whole(look.offset_samples(pulse)));
    match &config.framing {
        Framing::Trigger {} => PulseStart::OnSample,
        Framing::Offset { offset_s } if is_whole(offset_s * rate_hz) && all() => PulseStart::OnSample,
        _ => PulseStart::BetweenSamples,
    }
}

fn framing(
    config: &PulseDopplerConfig,
    look: &Look,
    replica: &Replica,
    origin: u64,
    stream: &StreamInfo,
) -> Result<PlannedFraming, PlanError> {
    Ok(match &config.framing {
        Framing::Trigger {} if stream.pulse_len.is_none() => {
            let found = "trigger, and a recording without pulses of its own";
            return Err(PlanError::setting(
                "framing.type",
                &found,
                "leak or offset for what was recorded on",
            ));
        }
        Framing::Trigger {} => PlannedFraming::Trigger,
        Framing::Offset { offset_s } => {
            if !(*offset_s >= 0.0 && *offset_s < 1e9) {
                return Err(PlanError::setting("framing.offset_s", offset_s, "a number from 0 to 1e9"));
            }
            let offset_samples = offset_s * stream.sample_rate.hz();
            check_offset(offset_samples, look, origin, stream)?;
            PlannedFraming::Offset { origin, offset_samples }
        }
        Framing::Leak(leak) => {
            if !(leak.min_snr_db >= 0.0 && leak.min_snr_db < 200.0) {
                let expected = "a number from 0 to 200 dB";
                return Err(PlanError::setting("framing.min_snr_db", &leak.min_snr_db, expected));
            }
            let frequency_reference = leak.frequency_reference;
            PlannedFraming::Leak { finder: LeakFinder::new(leak, look, replica), frequency_reference }
        }
    })
}

/// The core holds the beginning of one look at most; the tail what lies between it and the look's end.
fn core_and_tail(framing: &PlannedFraming, look: &Look, n_fast: usize, n_replica: usize) -> (usize, usize) {
    let len = look.len_samples();
    let core_len = (len.floor() as usize).max(1);
    let whole = len.ceil() as usize;
    match framing {
        PlannedFraming::Trigger => (whole.max(1), 0),
        PlannedFraming::Offset { .. } => (core_len, whole + n_fast + LEAD),
        // A leak that drifts is looked for within a cycle of the core's start.
        PlannedFraming::Leak { .. } => {
            let cycle = look.cycle_samples().ceil() as usize;
            (core_len, cycle + n_replica + n_fast + 2 * LEAD)
        }
    }
}

fn unfolding(
    config: &PulseDopplerConfig,
    dwells: &[PlannedDwell],
    geometry: &Geometry,
    carrier_hz: f64,
    rate_hz: f64,
) -> Result<Option<Unfolding>, PlanError> {
    let Some(max_speed_mps) = config.max_speed_mps else {
        if dwells.len() > 1 {
            let expected = "the greatest speed that several dwells are to tell apart";
            return Err(PlanError::setting("max_speed_mps", &"none", expected));
        }
        return Ok(None);
    };
    if let [one] = dwells {
        if one.plan.is_staggered() {
            return Ok(None);
        }
        let expected = "two dwells or more, or a stagger, with max_speed_mps";
        return Err(PlanError::setting("dwell", &"one", expected));
    }
    Ok(Some(Unfolding {
        prf_hz: dwells.iter().map(|dwell| dwell.plan.prf_hz()).collect(),
        bin_hz: dwells.iter().map(|dwell| dwell.plan.resolution_hz()).collect(),
        delay_tolerance_s: 1.5 / rate_hz,
        max_doppler_hz: 2.0 * max_speed_mps / geometry.wavelength_m,
        carrier_hz,
    }))
}
