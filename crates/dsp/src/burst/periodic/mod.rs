//! Coherent and non-coherent integration over the periods of a code (acquisition).
//!
//! A dwell is `noncoherent` times `coherent_periods` periods of the code. For each replica, each Doppler
//! hypothesis `f` and each delay cell `τ` of one period the statistic is the mean power of the coherent sums
//!
//! `y_m(τ) = Σ_n x[n]·exp(−j2πf·n/fs)·conj(h(n/fs − τ)) / Σ_n |h(n/fs − τ)|²`, n over the m-th sum's samples,
//!
//! with `h` the code continued periodically, so that no sample is wasted on the unknown delay and `|y_m|`
//! estimates the amplitude against full scale. The way there:
//!
//! 1. The Doppler shift is wiped off but for a whole multiple of 1/period, and the periods of a coherent sum
//!    are folded onto one (`grid` says how, where a period is no whole number of samples).
//! 2. One forward FFT for each sum and remainder gives the harmonics of the folded code; all replicas share
//!    it, and the multiple of 1/period is a shift of the harmonics.
//! 3. Motion changes the code's rate too: by `f / carrier`, or 0.3 chip in 100 ms for GPS at 5 kHz. Where the
//!    carrier is known, each sum's harmonics get a phase ramp that brings its delay back to what it is at the
//!    dwell's first sample.
//! 4. Times the conjugate harmonics of the replica, an inverse FFT gives `y_m` at every delay cell.
//!
//! The greatest cell of a replica's whole search is its candidate; it is a peak if it is above the CFAR
//! threshold along the delay row (which closes to a circle) of its Doppler hypothesis.
//!
//! A data bit that changes its sign within a coherent sum takes from it up to all its signal: keep the sum
//! short against the bit (GPS: 20 ms; 4 or 5 ms lose at most a quarter of the sums in part), and make up for
//! it with more sums. The step of the Doppler hypotheses is best 1/(2·coherent_periods·period): half way
//! between two of them the loss is 0.9 dB.
//!
//! # What is no noise
//! Codes correlate with more than their like, and thousands of cells are searched for one. Three measures keep
//! that from becoming detections; none touches white noise:
//!
//! * lines that stand 15 dB out of a sum's spectrum (carriers, spurs of the receiver) are limited to that;
//! * where the cells of a row spread more than noise does, as with many weak lines or the cross-correlation of
//!   a strong signal, the threshold is that of cells with this spread;
//! * [`Dwells`] drops peaks that the cross-correlation with stronger ones explains.
//!
//! # False alarms of the whole search
//! With `false_alarm_scope = "search"` the probability of a cell is the configured one over replicas ×
//! Doppler hypotheses × delay cells × channels. Every delay cell counts, although neighbours are correlated
//! where the rate is above the chip rate: so far out in the tail a cell's exceedance says little about its
//! neighbour's. The bound is therefore kept, and by a factor that tests measure, not by orders of magnitude.

mod dwells;
mod grid;
mod interference;
mod interpolate;
mod surface;
mod worker;

pub use dwells::Dwells;
pub use surface::{DelayWindow, Surface};
pub use worker::PeriodicWorker;

use super::{BurstConfig, DopplerGrid, FalseAlarmScope, FilterInput};
use crate::chain::{OverviewPlan, PlanError, SegmentResult, number};
use crate::convert::Converter;
use crate::detect::{CellStatistics, CfarConfig, CfarPlan};
use crate::waveform::Replica;
use grid::CodeGrid;
use interference::Dispersion;
use rangegate_core::{Complex32, StreamInfo};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Replicas that one worker searches with the same forward transforms; those cost less than a tenth then.
const REPLICAS_PER_SET: usize = 8;
/// Most Doppler hypotheses of a search.
const MAX_HYPOTHESES: usize = 100_000;
/// Most memory of one worker, in bytes.
const MAX_WORKER_BYTES: f64 = 1e9;
/// Correlation between cells from which on they pass as independent.
const NEGLIGIBLE_CORRELATION: f32 = 0.1;

/// `[chain.integration]`: a dwell is `noncoherent` times `coherent_periods` code periods.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Integration {
    /// Code periods summed with their phase.
    pub coherent_periods: usize,
    /// Coherent sums whose powers are summed.
    pub noncoherent: usize,
    /// Carrier that the Doppler shift is to be compared with for the code's change of rate, Hz; the frequency
    /// the receiver was tuned to where this is not given. Where neither is known the code's rate is taken as
    /// unchanged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carrier_frequency_hz: Option<f64>,
}

/// Doppler hypotheses that differ by whole multiples of 1/period, and so share their forward transforms.
struct Residue {
    /// What is wiped off before the transform, Hz: 0 ≤ offset < 1/period.
    offset_hz: f64,
    /// Shift in harmonics, and the hypothesis it makes.
    shifts: Vec<(i64, f64)>,
}

/// One replica, ready to be multiplied.
struct Filter {
    /// conj(H)/(normalisation), in the order of the inverse transform: row power is the mean over sums.
    harmonics: Vec<Complex32>,
    cfar: CfarPlan,
    /// Independent cells in a row.
    n_independent: f64,
}

/// A search over code periods, planned for one stream. Immutable; share it by [`Arc`].
///
/// As with a [`BurstPlan`](super::BurstPlan), workers turn segments into peaks in any order and on any thread;
/// [`Dwells`] takes the results in the order of the stream and makes detections of them.
pub struct PeriodicPlan {
    stream: StreamInfo,
    converter: Converter,
    grid: CodeGrid,
    period_s: f64,
    coherent: usize,
    noncoherent: usize,
    core_len: usize,
    residues: Vec<Residue>,
    hypotheses_hz: Vec<f64>,
    /// Change of the code's rate for each Hz of Doppler shift: 1/carrier, or 0.
    dilation_per_hz: f64,
    names: Vec<Arc<str>>,
    filters: Vec<Filter>,
    dispersion: Dispersion,
    cell_probability: f64,
    hold_off_samples: u64,
    overview: OverviewPlan,
}

impl PeriodicPlan {
    /// Plans the search for all `replicas`, which share one period.
    ///
    /// # Errors
    /// A setting out of its range, or a replica without a period, of another period or rate than the others,
    /// shorter than its period, or without power.
    pub fn new(config: &BurstConfig, stream: &StreamInfo, replicas: &[Replica]) -> Result<Self, PlanError> {
        let integration = config
            .integration
            .ok_or_else(|| PlanError::setting("integration", &"none", "coherent_periods and noncoherent"))?;
        check_settings(config, &integration)?;
        let rate_hz = stream.sample_rate.hz();
        let period_s = common_period(replicas, rate_hz)?;
        let hypotheses_hz = hypotheses(&config.doppler, rate_hz)?;
        let Integration { coherent_periods: coherent, noncoherent, carrier_frequency_hz } = integration;
        check_memory(period_s * rate_hz, coherent as f64, noncoherent as f64)?;
        let grid = CodeGrid::new(period_s * rate_hz);

        let n_cells = grid.n_cells() * hypotheses_hz.len() * replicas.len() * stream.n_channels.max(1);
        let cell_probability = match config.false_alarm_scope {
            FalseAlarmScope::Cell => config.false_alarm_probability,
            FalseAlarmScope::Search => config.false_alarm_probability / n_cells as f64,
        };
        let filters = replicas
            .iter()
            .map(|replica| filter(config, &grid, &integration, replica, cell_probability))
            .collect::<Result<_, _>>()?;
        let guard = match &config.cfar {
            CfarConfig::CaCfar(w) | CfarConfig::GoCfar(w) | CfarConfig::SoCfar(w) => w.guard,
            CfarConfig::OsCfar(w) => w.guard,
        };
        // A recording at baseband names 0 Hz; that is no carrier.
        let carrier_hz = carrier_frequency_hz.or(stream.center_frequency_hz.filter(|&f| f > 0.0));
        Ok(Self {
            stream: stream.clone(),
            converter: Converter::new(stream.format, stream.to_baseband, stream.sample_rate)?,
            core_len: grid.first_sample(coherent * noncoherent),
            period_s,
            coherent,
            noncoherent,
            residues: residues(&hypotheses_hz, period_s),
            hypotheses_hz,
            dilation_per_hz: carrier_hz.map_or(0.0, |f| 1.0 / f),
            names: replicas.iter().map(|replica| Arc::clone(&replica.name)).collect(),
            filters,
            dispersion: Dispersion::new(noncoherent, cell_probability, guard),
            cell_probability,
            hold_off_samples: (config.hold_off_s * rate_hz).round() as u64,
            overview: OverviewPlan::new(),
            grid,
        })
    }

    /// Samples of one dwell: the core of each segment. Neither lead nor tail is needed.
    pub fn core_len(&self) -> usize {
        self.core_len
    }

    /// Number of replica sets: a segment is to be worked on once for each. Peaks do not depend on the split.
    pub fn n_sets(&self) -> usize {
        self.filters.len().div_ceil(REPLICAS_PER_SET)
    }

    /// Names of the replicas, in the order of [`Peak::template`](super::Peak::template).
    pub fn template_names(&self) -> impl ExactSizeIterator<Item = &Arc<str>> {
        self.names.iter()
    }

    /// Doppler hypotheses in rising order, Hz.
    pub fn doppler_hz(&self) -> &[f64] {
        &self.hypotheses_hz
    }

    /// Delay cells of a row: one code period, or [`PeriodicPlan::cell_s`] each.
    pub fn n_delay_cells(&self) -> usize {
        self.grid.n_cells()
    }

    /// Length of a delay cell, s.
    pub fn cell_s(&self) -> f64 {
        self.period_s / self.grid.n_cells() as f64
    }

    /// False-alarm probability of one cell, as it follows from the configured one and its scope.
    pub fn cell_probability(&self) -> f64 {
        self.cell_probability
    }

    /// Memory of one worker, bytes.
    pub fn worker_bytes(&self) -> usize {
        let complex = self.noncoherent * (self.grid.n_points() + self.grid.n_cells())
            + 2 * self.grid.n_cells()
            + self.grid.n_scratch()
            + self.grid.max_period_len()
            + worker::PIECE.max(self.grid.max_period_len())
            + self.overview.scratch_len();
        let real = (REPLICAS_PER_SET.min(self.filters.len()) + 1) * self.grid.n_cells()
            + self.n_cfar_cells()
            + self.n_cfar_scratch();
        complex * size_of::<Complex32>() + real * size_of::<f32>()
    }

    /// Makes a worker: scratch of its own, results like any other's.
    pub fn make_worker(self: &Arc<Self>) -> PeriodicWorker {
        PeriodicWorker::new(self)
    }

    /// Where a worker puts what it finds, with all its memory.
    pub fn make_result(&self) -> SegmentResult {
        let max_peaks = self.filters.len().min(REPLICAS_PER_SET) * self.stream.n_channels;
        SegmentResult::with_room(max_peaks)
    }

    /// Cells of which one threshold depends.
    fn n_cfar_cells(&self) -> usize {
        self.filters.iter().map(|f| f.cfar.reach_left() + 1 + f.cfar.reach_right()).max().unwrap_or(0)
    }

    fn n_cfar_scratch(&self) -> usize {
        self.filters.iter().map(|f| f.cfar.scratch_len(1)).max().unwrap_or(0)
    }

    /// Replicas of a set.
    fn replicas_of(&self, set: usize) -> std::ops::Range<usize> {
        let first = set * REPLICAS_PER_SET;
        first.min(self.filters.len())..(first + REPLICAS_PER_SET).min(self.filters.len())
    }
}

fn check_settings(config: &BurstConfig, integration: &Integration) -> Result<(), PlanError> {
    if integration.coherent_periods == 0 {
        return Err(PlanError::setting("integration.coherent_periods", &0, "1 or more"));
    }
    if integration.noncoherent == 0 {
        return Err(PlanError::setting("integration.noncoherent", &0, "1 or more"));
    }
    if let Some(carrier) = integration.carrier_frequency_hz
        && !(carrier.is_finite() && carrier > 0.0)
    {
        return Err(PlanError::setting(
            "integration.carrier_frequency_hz",
            &number(carrier),
            "a finite number above 0",
        ));
    }
    if config.input != FilterInput::Complex {
        return Err(PlanError::setting(
            "input",
            &"magnitude",
            "complex, which integration over periods needs",
        ));
    }
    if config.min_correlation > 0.0 {
        let expected = "0: a code below the noise has no correlation with single samples";
        return Err(PlanError::setting("min_correlation", &config.min_correlation, expected));
    }
    if !(0.0..=1e9).contains(&config.hold_off_s) {
        return Err(PlanError::setting("hold_off_s", &number(config.hold_off_s), "a number from 0 to 1e9"));
    }
    let probability = config.false_alarm_probability;
    if !(probability > 0.0 && probability < 1.0) {
        return Err(PlanError::setting("false_alarm_probability", &probability, "above 0 and below 1"));
    }
    Ok(())
}

/// The period that all replicas share, s.
fn common_period(replicas: &[Replica], rate_hz: f64) -> Result<f64, PlanError> {
    let Some(first) = replicas.first() else {
        return Err(PlanError::setting("replicas", &"none", "one or more"));
    };
    let mut common_s = None;
    for replica in replicas {
        let fail = |found: String, expected: String| {
            Err(PlanError::Replica { name: replica.name.to_string(), found, expected })
        };
        let Some(period_s) = replica.period_s.filter(|p| p.is_finite() && *p > 0.0) else {
            return fail("no period".to_owned(), "a periodic code, to integrate over its periods".to_owned());
        };
        let common_s = *common_s.get_or_insert(period_s);
        if (period_s - common_s).abs() > 1e-12 * common_s {
            return fail(format!("a period of {period_s} s"), format!("{common_s} s as '{}'", first.name));
        }
        if (replica.sample_rate_hz / rate_hz - 1.0).abs() > 1e-9 {
            return fail(format!("{} Hz", replica.sample_rate_hz), format!("the stream's {rate_hz} Hz"));
        }
        let expected = (period_s * rate_hz).floor().max(2.0);
        if (replica.samples.len() as f64) < expected {
            return fail(
                format!("{} samples", replica.samples.len()),
                format!("a period of {expected} or more"),
            );
        }
    }
    common_s.ok_or_else(|| PlanError::setting("replicas", &"none", "one or more"))
}

/// Hypotheses in rising order, symmetric about zero.
fn hypotheses(grid: &DopplerGrid, rate_hz: f64) -> Result<Vec<f64>, PlanError> {
    let DopplerGrid { max_hz, step_hz } = *grid;
    if !(max_hz >= 0.0 && max_hz <= rate_hz / 2.0) {
        return Err(PlanError::setting(
            "doppler.max_hz",
            &number(max_hz),
            format!("0 to half the sample rate, {} Hz", rate_hz / 2.0),
        ));
    }
    if !(0.0..=rate_hz).contains(&step_hz) {
        let expected = format!("0 to the sample rate, {rate_hz} Hz");
        return Err(PlanError::setting("doppler.step_hz", &number(step_hz), expected));
    }
    if max_hz == 0.0 {
        return Ok(vec![0.0]);
    }
    let least_hz = 2.0 * max_hz / (MAX_HYPOTHESES - 1) as f64;
    if step_hz < least_hz {
        return Err(PlanError::setting(
            "doppler.step_hz",
            &number(step_hz),
            format!("at least {least_hz} Hz"),
        ));
    }
    let n = (max_hz / step_hz * (1.0 + 1e-12)).floor() as i64;
    Ok((-n..=n).map(|i| i as f64 * step_hz).collect())
}

/// Hypotheses by what is left of them after whole multiples of 1/period.
fn residues(hypotheses_hz: &[f64], period_s: f64) -> Vec<Residue> {
    const STEPS: f64 = 1e9;
    let mut residues = BTreeMap::<i64, Residue>::new();
    for &hypothesis_hz in hypotheses_hz {
        let cycles = hypothesis_hz * period_s;
        let shift = (cycles + 0.5 / STEPS).floor();
        let remainder = cycles - shift;
        residues
            .entry((remainder * STEPS).round() as i64)
            .or_insert_with(|| Residue { offset_hz: remainder / period_s, shifts: Vec::new() })
            .shifts
            .push((shift as i64, hypothesis_hz));
    }
    residues.into_values().collect()
}

fn check_memory(period_samples: f64, coherent: f64, noncoherent: f64) -> Result<(), PlanError> {
    const MAX_DWELL: f64 = (1_u64 << 40) as f64;
    // At most 5 grid points and 2 cells for each sample of a period and non-coherent sum, and some rows.
    let bytes = period_samples * (noncoherent * 7.0 + 50.0) * 8.0;
    if bytes > MAX_WORKER_BYTES {
        let expected = "fewer: a worker would need more than 1 GB";
        return Err(PlanError::setting("integration.noncoherent", &number(noncoherent), expected));
    }
    if coherent * noncoherent * period_samples > MAX_DWELL {
        let most = (MAX_DWELL / noncoherent / period_samples).floor();
        let expected = format!("at most {most}: a dwell would have more than 2^40 samples");
        return Err(PlanError::setting("integration.coherent_periods", &number(coherent), expected));
    }
    Ok(())
}

fn filter(
    config: &BurstConfig,
    grid: &CodeGrid,
    integration: &Integration,
    replica: &Replica,
    cell_probability: f64,
) -> Result<Filter, PlanError> {
    let mut harmonics = grid.replica_harmonics(&replica.samples);
    let power: f64 = harmonics.iter().map(|h| f64::from(h.norm_sqr())).sum();
    if !(power.is_finite() && power > 0.0) {
        let (name, found) = (replica.name.to_string(), format!("a power of {power}"));
        return Err(PlanError::Replica { name, found, expected: "a number above zero".to_owned() });
    }
    let rho = grid.autocorrelation(&harmonics);
    let half = &rho[1..=rho.len() / 2];
    let n_correlated = half.iter().rposition(|&r| r > NEGLIGIBLE_CORRELATION).map_or(0, |i| i + 1);
    let statistics = CellStatistics::SquareLaw {
        n_integrated: integration.noncoherent,
        correlation: half[..n_correlated].to_vec(),
    };
    let cfar = CfarPlan::new(&config.cfar, cell_probability, &statistics, 0)?;
    let window = cfar.reach_left() + 1 + cfar.reach_right();
    if window > grid.n_cells() {
        let expected = format!("guard and training cells that fit into the {} delay cells", grid.n_cells());
        return Err(PlanError::setting("cfar", &format!("a window of {window} cells"), expected));
    }
    let samples = integration.coherent_periods as f64 * grid.period_samples();
    let scale = 1.0 / (samples * power * (integration.noncoherent as f64).sqrt());
    harmonics.iter_mut().enumerate().for_each(|(i, h)| *h = h.conj() * (scale as f32 * grid.gain(i)));
    let n_independent = rho.len() as f64 / rho.iter().map(|&r| f64::from(r).powi(2)).sum::<f64>();
    Ok(Filter { harmonics, cfar, n_independent })
}

#[cfg(test)]
mod tests;
