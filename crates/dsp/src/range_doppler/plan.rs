//! What of a map is settled before the first pulse.

use super::{PowerMap, PulseCube, RangeDopplerConfig, RangeDopplerWorker};
use crate::blanking::BlankingConfig;
use crate::burst::FalseAlarmScope;
use crate::chain::PlanError;
use crate::clutter::{CancellerPlan, Notch};
use crate::detect::map::{ClusterConfig, MapCfarPlan, MapStatistics, bin_correlation};
use crate::doppler::{DopplerError, DopplerPlan};
use crate::estimate::{EstimatorOptions, EstimatorPlan};
use crate::migration::KeystonePlan;
use std::ops::RangeInclusive;
use std::sync::Arc;

/// The pulses that a map is made of.
#[derive(Clone, Debug)]
pub struct Shape {
    /// Time of each pulse after the first, s.
    pub pulse_times_s: Vec<f64>,
    /// The intervals between them, which repeat, s.
    pub pri_s: Vec<f64>,
    /// Range gates.
    pub n_gates: usize,
    /// Gates a second of delay, Hz.
    pub gate_rate_hz: f64,
    /// Frequency of the transmitter, Hz.
    pub carrier_hz: f64,
    /// `|ρ|` of noise in gates 1, 2, … apart.
    pub gate_correlation: Vec<f32>,
    /// How far the peak of an echo moves in delay with its Doppler shift.
    pub coupling_s_per_hz: f64,
    /// Greatest Doppler shift of interest, Hz: how far the axis of pulses at a stagger reaches, which are ambiguous
    /// only far beyond their mean repetition frequency. Not set: half of that.
    pub max_doppler_hz: Option<f64>,
}

impl Shape {
    /// Whether intervals differ.
    pub fn is_staggered(&self) -> bool {
        self.pri_s.windows(2).any(|pair| (pair[0] - pair[1]).abs() > 1e-12 * pair[0])
    }
}

/// From pulse cubes of one shape to targets. Immutable; share it by [`Arc`].
pub struct RangeDopplerPlan {
    pub(super) shape: Shape,
    pub(super) blanking: Option<BlankingConfig>,
    pub(super) canceller: CancellerPlan,
    pub(super) keystone: Option<Arc<KeystonePlan>>,
    pub(super) doppler: Arc<DopplerPlan>,
    pub(super) cfar: Arc<MapCfarPlan>,
    pub(super) clusters: ClusterConfig,
    pub(super) estimator: Arc<EstimatorPlan>,
    pub(super) notch: Notch,
    /// What was left of the pulses is weighed with, the sum being 1.
    pub(super) weights: Vec<f64>,
    prf_hz: f64,
    /// From one bin to the next.
    bin_hz: f64,
    n_doppler: usize,
    cell_probability: f64,
}

impl RangeDopplerPlan {
    /// Plans for pulses of a shape.
    ///
    /// # Errors
    /// A setting is out of its range, or does not fit the number of pulses and gates.
    pub fn new(config: &RangeDopplerConfig, shape: Shape) -> Result<Self, PlanError> {
        let n_pulses = shape.pulse_times_s.len();
        let canceller = CancellerPlan::new(config.clutter.canceller, n_pulses, &shape.pri_s)
            .map_err(|error| PlanError::stage("map.clutter", &error))?;
        let n_left = canceller.n_left();
        let prf_hz = shape.pri_s.len() as f64 / shape.pri_s.iter().sum::<f64>();
        // As many to a repetition frequency; a stagger's axis may span several.
        let n_bins = config.doppler.n_bins.unwrap_or(n_left);
        let bin_hz = prf_hz / n_bins.max(1) as f64;
        let n_doppler = match shape.max_doppler_hz.filter(|_| shape.is_staggered()) {
            Some(max_hz) => ((2.0 * max_hz / bin_hz).ceil() as usize).saturating_add(1).max(n_bins),
            None => n_bins,
        };
        if n_doppler > MAX_BINS {
            return Err(PlanError::setting("map.doppler.n_bins", &n_doppler, format!("{MAX_BINS} at most")));
        }
        let cells = n_doppler.saturating_mul(shape.n_gates);
        if cells > MAX_CELLS {
            let found = format!("{n_doppler} bins × {} gates", shape.n_gates);
            return Err(PlanError::setting("map", &found, format!("{MAX_CELLS} cells at most")));
        }
        let doppler = doppler(config, &shape, &canceller, n_doppler, bin_hz)
            .map_err(|error| PlanError::stage("map.doppler", &error))?;
        let notch = Notch { half_width_hz: config.clutter.notch_hz };
        let excluded = excluded(&notch, n_doppler, bin_hz, prf_hz)?;
        let weights = config.doppler.window.samples(n_left);
        let statistics = MapStatistics {
            n_integrated: 1,
            gate_correlation: shape.gate_correlation.clone(),
            bin_correlation: bin_correlation(&weights, n_bins),
        };
        let cell_probability = match config.false_alarm_scope {
            FalseAlarmScope::Cell => config.false_alarm_probability,
            FalseAlarmScope::Search => config.false_alarm_probability / cells as f64,
        };
        let cfar = MapCfarPlan::new(
            &config.cfar,
            (n_doppler, shape.n_gates),
            &excluded,
            cell_probability,
            &statistics,
        )
        .map_err(|error| PlanError::stage("map.cfar", &error))?;
        config.clusters.validate().map_err(|error| PlanError::stage("map.clusters", &error))?;
        // What a canceller leaves stands between the pulses that it combined.
        let shift_s = 0.5 * (n_pulses - n_left) as f64 / prf_hz;
        let times_s: Vec<f64> = shape.pulse_times_s[..n_left].iter().map(|time_s| time_s + shift_s).collect();
        let sum: f64 = weights.iter().map(|w| f64::from(*w)).sum();
        let shares = weights.iter().map(|w| f64::from(*w) / sum).collect();
        let options = EstimatorOptions { weights, coupling_s_per_hz: shape.coupling_s_per_hz };
        let estimator = EstimatorPlan::new(&times_s, shape.gate_rate_hz, &options)
            .map_err(|error| PlanError::stage("dwell", &error))?;
        let estimator = match shape.is_staggered() {
            true => estimator.behind_staggered(canceller.clone()),
            false => estimator,
        };
        let keystone = config.doppler.keystone.map(|keystone| {
            let equal = shape.pri_s.len() == 1;
            let plan = equal.then(|| {
                KeystonePlan::new(&keystone, n_pulses, shape.n_gates, shape.gate_rate_hz, shape.carrier_hz)
            });
            let plan = plan.ok_or_else(|| {
                PlanError::setting("map.doppler.keystone", &"a stagger", "pulses at equal intervals")
            })?;
            plan.map(Arc::new).map_err(|error| PlanError::stage("map.doppler", &error))
        });
        let keystone = keystone.transpose()?;
        let levels_db = BlankingConfig::LEVELS_DB;
        if let Some(blanking) = config.blanking.filter(|b| !levels_db.contains(&b.threshold_db)) {
            let expected = format!("{} to {} dB", levels_db.start(), levels_db.end());
            return Err(PlanError::setting("map.blanking.threshold_db", &blanking.threshold_db, expected));
        }
        Ok(Self {
            blanking: config.blanking,
            canceller,
            keystone,
            doppler: Arc::new(doppler),
            cfar: Arc::new(cfar),
            clusters: config.clusters.clone(),
            estimator: Arc::new(estimator),
            notch,
            weights: shares,
            prf_hz,
            bin_hz,
            n_doppler,
            cell_probability,
            shape,
        })
    }

    /// Pulses that a cube holds.
    pub fn n_pulses(&self) -> usize {
        self.shape.pulse_times_s.len()
    }

    /// Range gates.
    pub fn n_gates(&self) -> usize {
        self.shape.n_gates
    }

    /// Doppler bins of the map.
    pub fn n_doppler(&self) -> usize {
        self.n_doppler
    }

    /// Mean pulse repetition frequency, Hz: what the Doppler axis wraps at where pulses are equally apart.
    pub fn prf_hz(&self) -> f64 {
        self.prf_hz
    }

    /// Whether the pulses' intervals differ.
    pub fn is_staggered(&self) -> bool {
        self.shape.is_staggered()
    }

    /// How far the Doppler axis reaches from end to end, Hz.
    pub fn span_hz(&self) -> f64 {
        self.bin_hz * self.n_doppler as f64
    }

    /// Least Doppler shift that one target is told from another by, Hz: the inverse of the dwell.
    pub fn resolution_hz(&self) -> f64 {
        self.prf_hz / self.n_pulses() as f64
    }

    /// Doppler shift of a bin, Hz.
    pub fn doppler_hz(&self, bin: usize) -> f64 {
        doppler_hz(bin, self.n_doppler, self.bin_hz)
    }

    /// Whether the clutter notch keeps detections out of a bin.
    pub fn is_in_notch(&self, bin: usize) -> bool {
        self.notch.excludes(self.doppler_hz(bin))
    }

    /// False-alarm probability of one cell.
    pub fn cell_probability(&self) -> f64 {
        self.cell_probability
    }

    /// The threshold of a cell of a map; `None` where it is not tested. For plots: it takes a while.
    pub fn threshold(&self, map: &PowerMap, bin: usize, gate: usize) -> Option<f32> {
        self.cfar.threshold(map, bin, gate)
    }

    /// A cube for the pulses.
    pub fn make_cube(&self) -> PulseCube {
        PulseCube::new(self.n_pulses(), self.n_gates())
    }

    /// A map.
    pub fn make_map(&self) -> PowerMap {
        PowerMap::new(self.n_doppler, self.n_gates())
    }

    /// What works on cubes, with all its memory.
    pub fn make_worker(self: &Arc<Self>) -> RangeDopplerWorker {
        RangeDopplerWorker::new(self)
    }
}

/// Most Doppler bins.
const MAX_BINS: usize = 1 << 17;
/// Most cells of a map.
const MAX_CELLS: usize = 1 << 28;

fn doppler_hz(bin: usize, n_doppler: usize, bin_hz: f64) -> f64 {
    bin_hz * if 2 * bin < n_doppler { bin as f64 } else { bin as f64 - n_doppler as f64 }
}

fn doppler(
    config: &RangeDopplerConfig,
    shape: &Shape,
    canceller: &CancellerPlan,
    n_doppler: usize,
    bin_hz: f64,
) -> Result<DopplerPlan, DopplerError> {
    let window = &config.doppler.window;
    if !shape.is_staggered() {
        return DopplerPlan::new(canceller.n_left(), n_doppler, window, shape.n_gates);
    }
    let sequence = |bin| {
        let mut sequence = Vec::with_capacity(canceller.n_pulses());
        canceller.steering(doppler_hz(bin, n_doppler, bin_hz), &mut sequence);
        sequence
    };
    DopplerPlan::matched(&(0..n_doppler).map(sequence).collect::<Vec<_>>(), window, shape.n_gates)
}

/// The bins of the notch.
fn excluded(
    notch: &Notch,
    n_doppler: usize,
    bin_hz: f64,
    prf_hz: f64,
) -> Result<Vec<RangeInclusive<i64>>, PlanError> {
    let Some(half_hz) = notch.half_width_hz else { return Ok(Vec::new()) };
    if !(half_hz >= 0.0 && half_hz < prf_hz / 2.0) {
        let expected = format!("0 to less than {} Hz, half the pulse repetition frequency", prf_hz / 2.0);
        return Err(PlanError::setting("map.clutter.notch_hz", &half_hz, expected));
    }
    let kept = notch.kept(n_doppler, bin_hz * n_doppler as f64);
    let half = kept.start as i64 - 1;
    Ok(vec![-half..=half])
}
