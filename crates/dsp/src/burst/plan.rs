//! What of the burst chain is settled before the first sample.

use super::worker::BurstWorker;
use super::{BurstConfig, DopplerGrid, FalseAlarmScope, FilterInput};
use crate::chain::{OverviewPlan, PART, PlanError, SegmentResult, number};
use crate::convert::Converter;
use crate::detect::{CellStatistics, CfarConfig, CfarPlan};
use crate::matched_filter::{MatchedFilterPlan, autocorrelation, doppler_shifted};
use crate::waveform::Replica;
use rangegate_core::{Complex32, SampleRate, Segment, StreamInfo};
use rustfft::num_complex::Complex;
use std::ops::Range;
use std::sync::Arc;

/// Greatest number of rows (replicas times Doppler hypotheses).
const MAX_ROWS: usize = 1 << 16;
/// Most memory that the spectra of the rows may take, bytes.
const MAX_SPECTRA: usize = 1 << 30;
/// A core is about this long, so that lead and tail are a small part of the work, and what it takes stays in a core's
/// own cache: the longer, the seldomer is one worker waited for by another, but no longer than `CORE_S` where samples
/// come slowly.
const CORE: [f64; 2] = [32_768.0, 131_072.0];
/// How long a core may keep detections waiting, s.
const CORE_S: f64 = 4e-3;
/// Rows that are worth a segment of their own: beyond them the forward transform costs little.
const ROWS_A_SET: usize = 8;
/// Peaks that a segment may hold, per cell of one replica and channel.
const PEAKS_A_CELL: f64 = 1.0 / 16.0;
const MAX_PEAKS: usize = 1 << 16;

/// One replica, planned.
#[derive(Debug)]
pub(super) struct Template {
    pub name: Arc<str>,
    pub len: usize,
    /// Σ|h|² of the replica.
    pub energy: f64,
    /// Σw² of the weights that the filter correlates with: the replica itself, or its centred magnitude.
    pub weight_energy: f64,
    /// The rows of the matched filter, by rising Doppler hypothesis.
    pub rows: Range<usize>,
    pub cfar: CfarPlan,
    /// Correlation of the weights with themselves one sample later.
    pub time_correlation: f64,
    /// Correlation of the weights with themselves one Doppler hypothesis higher.
    pub doppler_correlation: f64,
}

/// A burst chain, planned for one stream. Immutable; share it by [`Arc`].
#[derive(Debug)]
pub struct BurstPlan {
    pub(super) input: FilterInput,
    pub(super) sample_rate: SampleRate,
    pub(super) n_channels: usize,
    pub(super) converter: Converter,
    pub(super) filter: Arc<MatchedFilterPlan>,
    pub(super) templates: Vec<Template>,
    /// Doppler hypotheses in rising order, Hz.
    pub(super) doppler_hz: Vec<f64>,
    sets: Vec<Range<usize>>,
    pub(super) min_correlation: f64,
    pub(super) hold_off_samples: u64,
    /// Cells to either side of the cell under test that its threshold depends on, besides the replica itself.
    pub(super) reach: usize,
    longest: usize,
    core_len: usize,
    /// Most cells a row holds.
    pub(super) max_cells: usize,
    pub(super) max_peaks: usize,
    pub(super) overview: OverviewPlan,
}

impl BurstPlan {
    /// Plans the chain for a stream and its replicas, which have been sampled at the stream's rate.
    ///
    /// # Errors
    /// A setting is out of its range or does not go with another, there is no replica, or one was sampled at
    /// another rate, or all together need too much memory.
    pub fn new(config: &BurstConfig, stream: &StreamInfo, replicas: &[Replica]) -> Result<Self, PlanError> {
        check(config, stream, replicas)?;
        let rate_hz = stream.sample_rate.hz();
        let doppler_hz = hypotheses(&config.doppler);
        let longest = replicas.iter().map(|r| r.samples.len()).max().unwrap_or(0);
        let fft_len = MatchedFilterPlan::fft_len_for(longest, stream.pulse_len);
        let n_rows = replicas.len() * doppler_hz.len();
        let spectra = n_rows.saturating_mul(fft_len * size_of::<Complex32>());
        if n_rows > MAX_ROWS || spectra > MAX_SPECTRA {
            let found = format!(
                "{} replicas of up to {longest} samples at {} Doppler hypotheses, {} MB of spectra",
                replicas.len(),
                doppler_hz.len(),
                spectra >> 20
            );
            let expected = format!("{MAX_ROWS} rows of {} MB at most", MAX_SPECTRA >> 20);
            return Err(PlanError::Setting { field: "doppler", found, expected });
        }

        let mut rows = Vec::with_capacity(n_rows);
        let mut templates = Vec::with_capacity(replicas.len());
        for replica in replicas {
            let weights = weights(config.input, replica)?;
            let first = rows.len();
            rows.extend(doppler_hz.iter().map(|hz| doppler_shifted(&weights, hz / rate_hz)));
            let step = config.doppler.step_hz / rate_hz;
            templates.push(template(config, replica, &weights, first..rows.len(), step)?);
        }
        let filter = Arc::new(MatchedFilterPlan::new(&rows, fft_len));
        let reach = templates.iter().map(|t| t.cfar.reach_left()).max().unwrap_or(0);
        let wanted = (CORE_S * rate_hz).clamp(CORE[0], CORE[1]) as usize;
        let (core_len, max_cells) = core(wanted, filter.hop(), reach, stream.pulse_len);
        let sets = sets(templates.len(), doppler_hz.len());
        let n_templates_a_set = sets.iter().map(Range::len).max().unwrap_or(0);
        let rows_of_cells = (n_templates_a_set * stream.n_channels) as f64;
        let max_peaks = (core_len as f64 * rows_of_cells * PEAKS_A_CELL) as usize + 64;
        Ok(Self {
            input: config.input,
            sample_rate: stream.sample_rate,
            n_channels: stream.n_channels,
            converter: Converter::new(stream.format, stream.to_baseband, stream.sample_rate)?,
            filter,
            templates,
            doppler_hz,
            sets,
            min_correlation: config.min_correlation,
            hold_off_samples: (config.hold_off_s * rate_hz).round() as u64,
            reach,
            longest,
            core_len,
            max_cells,
            max_peaks: max_peaks.min(MAX_PEAKS),
            overview: OverviewPlan::new(),
        })
    }

    /// Samples that a segment needs before its core: a cell's training cells, and one cell more, against which
    /// the core's first is compared.
    pub fn lead(&self) -> usize {
        self.reach + 1
    }

    /// Samples of a segment's core: the grid that segments lie on.
    pub fn core_len(&self) -> usize {
        self.core_len
    }

    /// Samples that a segment needs after its core: as [`Self::lead`], and the replica.
    pub fn tail(&self) -> usize {
        self.reach + self.longest
    }

    /// Number of sets that the replicas are dealt out to. Each segment is worked on once for each set; the peaks
    /// do not depend on the split.
    pub fn n_sets(&self) -> usize {
        self.sets.len()
    }

    /// Length of the longest replica, samples. Runs that are shorter than a replica have no cell for it.
    pub fn longest_replica(&self) -> usize {
        self.longest
    }

    /// Doppler hypotheses in rising order, Hz.
    pub fn doppler_hz(&self) -> &[f64] {
        &self.doppler_hz
    }

    /// Names of the replicas, in the order of [`Peak::template`](super::Peak::template).
    pub fn template_names(&self) -> impl ExactSizeIterator<Item = &Arc<str>> {
        self.templates.iter().map(|template| &template.name)
    }

    /// Length of the transforms and rows of the matched filter: what decides the cost.
    pub fn filter(&self) -> &MatchedFilterPlan {
        &self.filter
    }

    /// Whether the filter takes a segment's samples as they are stored.
    pub(super) fn takes_stored(&self, segment: &Segment, channel: usize) -> bool {
        let all = 0..segment.block.n_samples();
        self.input == FilterInput::Complex && self.converter.stored(&segment.block, channel, all).is_some()
    }

    /// Whether a set is one row.
    pub(super) fn is_alone(&self, set: &Range<usize>) -> bool {
        set.len() == 1 && self.input == FilterInput::Complex && self.templates[set.start].rows.len() == 1
    }

    /// What works on segments, with all its memory.
    pub fn make_worker(self: &Arc<Self>) -> BurstWorker {
        BurstWorker::new(self)
    }

    /// Where a worker puts what it finds, with all its memory.
    pub fn make_result(&self) -> SegmentResult {
        SegmentResult::with_room(self.max_peaks)
    }

    /// The templates of a set.
    pub(super) fn set(&self, set: usize) -> Range<usize> {
        assert!(set < self.sets.len(), "set {set} of {}", self.sets.len());
        self.sets[set].clone()
    }
}

fn check(config: &BurstConfig, stream: &StreamInfo, replicas: &[Replica]) -> Result<(), PlanError> {
    let DopplerGrid { max_hz, step_hz } = config.doppler;
    let rate_hz = stream.sample_rate.hz();
    fn setting(field: &'static str, found: &dyn std::fmt::Display, expected: &str) -> PlanError {
        PlanError::Setting { field, found: found.to_string(), expected: expected.to_owned() }
    }
    let in_range = |field, value: f64, greatest: f64| {
        let expected = || format!("a number from 0 to {greatest}");
        (0.0..=greatest)
            .contains(&value)
            .then_some(())
            .ok_or_else(|| setting(field, &number(value), &expected()))
    };
    in_range("hold_off_s", config.hold_off_s, 1e9)?;
    in_range("min_correlation", config.min_correlation, 1.0)?;
    in_range("doppler.max_hz", max_hz, rate_hz / 2.0)?;
    in_range("doppler.step_hz", step_hz, rate_hz)?;
    if max_hz > 0.0 && step_hz == 0.0 {
        return Err(setting("doppler.step_hz", &step_hz, "a number above zero where max_hz is"));
    }
    if max_hz > 0.0 && config.input == FilterInput::Magnitude {
        return Err(setting("doppler.max_hz", &max_hz, "0 with input = \"magnitude\", which has no phase"));
    }
    if max_hz > 0.0 && max_hz / step_hz > MAX_ROWS as f64 {
        let found = format!("{} steps of {step_hz:e} Hz either way", number(max_hz / step_hz));
        return Err(setting("doppler", &found, &format!("{MAX_ROWS} hypotheses at most")));
    }
    if config.integration.is_some() {
        return Err(setting(
            "integration",
            &"periods to integrate",
            "none: a stream of bursts has no period",
        ));
    }
    if config.false_alarm_scope == FalseAlarmScope::Search {
        let expected = "\"cell\": without integration a search has no end";
        return Err(setting("false_alarm_scope", &"\"search\"", expected));
    }
    if stream.n_channels == 0 {
        return Err(setting("n_channels", &0, "one channel or more"));
    }
    if replicas.is_empty() {
        return Err(setting("replicas", &"none", "one or more"));
    }
    for replica in replicas {
        let found = |found: String, expected: String| {
            Err(PlanError::Replica { name: replica.name.to_string(), found, expected })
        };
        if (replica.sample_rate_hz / rate_hz - 1.0).abs() > 1e-9 {
            return found(format!("{} Hz", replica.sample_rate_hz), format!("the stream's {rate_hz} Hz"));
        }
        if !(replica.energy() > 0.0 && replica.energy().is_finite()) {
            return found(format!("an energy of {}", replica.energy()), "a number above zero".to_owned());
        }
    }
    Ok(())
}

fn hypotheses(grid: &DopplerGrid) -> Vec<f64> {
    if grid.max_hz <= 0.0 {
        return vec![0.0];
    }
    // Steps that add up to max_hz but for rounding reach it.
    let n = (grid.max_hz / grid.step_hz * (1.0 + 1e-9)).floor() as i64;
    (-n..=n).map(|k| k as f64 * grid.step_hz).collect()
}

/// What the filter correlates with: the replica, or its magnitude less the mean of that, so that neither noise
/// floor nor a steady carrier moves the output.
fn weights(input: FilterInput, replica: &Replica) -> Result<Vec<Complex32>, PlanError> {
    if input == FilterInput::Complex {
        return Ok(replica.samples.clone());
    }
    let magnitudes: Vec<f64> = replica.samples.iter().map(|h| f64::from(h.norm())).collect();
    let mean = magnitudes.iter().sum::<f64>() / magnitudes.len() as f64;
    let centred: Vec<Complex32> = magnitudes.iter().map(|m| Complex32::new((m - mean) as f32, 0.0)).collect();
    if energy(&centred) < 1e-6 * replica.energy() {
        let name = replica.name.to_string();
        let expected = "pulses and pauses: input = \"magnitude\" sees nothing else".to_owned();
        return Err(PlanError::Replica { name, found: "a constant magnitude".to_owned(), expected });
    }
    Ok(centred)
}

fn energy(samples: &[Complex32]) -> f64 {
    samples.iter().map(|x| f64::from(x.norm_sqr())).sum()
}

/// `doppler_step` in cycles a sample.
fn template(
    config: &BurstConfig,
    replica: &Replica,
    weights: &[Complex32],
    rows: Range<usize>,
    doppler_step: f64,
) -> Result<Template, PlanError> {
    let (len, weight_energy) = (weights.len(), energy(weights));
    let (statistics, span) = match config.input {
        FilterInput::Complex => {
            let n_lags = (2 * reach(&config.cfar)).min(len - 1);
            (
                CellStatistics::SquareLaw {
                    n_integrated: 1,
                    correlation: autocorrelation(weights.iter().map(|w| wide(*w)), n_lags),
                },
                0,
            )
        }
        FilterInput::Magnitude => {
            let scaled = weights.iter().map(|w| (f64::from(w.re) / weight_energy) as f32).collect();
            (CellStatistics::Magnitude { weights: scaled }, len - 1)
        }
    };
    let cfar = CfarPlan::new(&config.cfar, config.false_alarm_probability, &statistics, span)?;
    let neighbour = weights.iter().zip(&weights[1..]).map(|(a, b)| wide(*a).conj() * wide(*b)).sum::<Wide>();
    let time_correlation = match config.input {
        FilterInput::Complex => neighbour.norm(),
        FilterInput::Magnitude => neighbour.re,
    };
    let turned = |(k, h): (usize, &Complex32)| {
        Wide::from_polar(f64::from(h.norm_sqr()), std::f64::consts::TAU * doppler_step * k as f64)
    };
    let doppler_correlation = weights.iter().enumerate().map(turned).sum::<Wide>().norm();
    Ok(Template {
        name: Arc::clone(&replica.name),
        len,
        energy: replica.energy(),
        weight_energy,
        rows,
        cfar,
        time_correlation: time_correlation / weight_energy,
        doppler_correlation: doppler_correlation / weight_energy,
    })
}

type Wide = Complex<f64>;

fn wide(x: Complex32) -> Wide {
    Wide::new(x.re.into(), x.im.into())
}

fn reach(cfar: &CfarConfig) -> usize {
    let (guard, training) = match cfar {
        CfarConfig::CaCfar(w) | CfarConfig::GoCfar(w) | CfarConfig::SoCfar(w) => (w.guard, w.training),
        CfarConfig::OsCfar(w) => (w.guard, w.training),
    };
    guard.saturating_add(training)
}

/// Length of the core, and most cells that a segment's rows hold: whole blocks of the filter, of which the core
/// takes all but what lies before and after it, in whole parts of the overview.
fn core(wanted: usize, hop: usize, reach: usize, run_len: Option<usize>) -> (usize, usize) {
    let around = 2 * (reach + 1);
    let wanted = run_len.unwrap_or(wanted).min(wanted).max(4 * reach);
    let max_cells = (wanted + around).div_ceil(hop) * hop;
    let core_len = max_cells - around;
    (core_len - if core_len > PART { core_len % PART } else { 0 }, max_cells)
}

/// Consecutive templates, dealt out so that each set has rows enough to be worth a pass of its own.
fn sets(n_templates: usize, n_hypotheses: usize) -> Vec<Range<usize>> {
    let a_set = ROWS_A_SET.div_ceil(n_hypotheses);
    (0..n_templates).step_by(a_set).map(|first| first..(first + a_set).min(n_templates)).collect()
}
