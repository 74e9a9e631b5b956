//! False alarms and detections of map detectors.

use super::Random;
use crate::detect::CfarError;
use crate::detect::map::{CfarAxes, Crossings, MapCfarConfig, MapCfarPlan, MapCfarWorker, MapStatistics};
use crate::range_doppler::PowerMap;
use crate::theory::{CfarTheory, NoiseLevel, Swerling};
use serde::Serialize;
use std::sync::Arc;

/// False alarms of one detector on white noise.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FalseAlarm {
    /// The detector.
    pub cfar: MapCfarConfig,
    /// Wanted probability.
    pub wanted: f64,
    /// Cells tested, edges of the map included.
    pub n_cells: u64,
    /// Cells above their threshold.
    pub n_alarms: u64,
    /// The 99 % interval of the binomial law: as many alarms or more, with at most 0.5 % on either side outside.
    pub low: u64,
    /// Its upper end.
    pub high: u64,
}

impl FalseAlarm {
    /// Whether the number of alarms lies in the interval.
    pub fn is_inside(&self) -> bool {
        (self.low..=self.high).contains(&self.n_alarms)
    }

    /// Measured probability.
    pub fn measured(&self) -> f64 {
        self.n_alarms as f64 / self.n_cells as f64
    }
}

const NOISE_SHAPE: (usize, usize) = (128, 1024);

/// Counts the false alarms of every detector at every probability, all on the same noise of at least `n_cells`
/// independent cells. Rows by detector, then by probability. About 20 ns per cell for four detectors at two
/// probabilities.
///
/// # Errors
/// A detector that cannot be planned for maps of 128 bins and 1024 gates.
pub fn false_alarms(
    configs: &[MapCfarConfig],
    probabilities: &[f64],
    n_cells: u64,
    seed: u64,
) -> Result<Vec<FalseAlarm>, CfarError> {
    let mut rows = Vec::new();
    let mut workers = Vec::new();
    for cfar in configs {
        for &wanted in probabilities {
            let plan = MapCfarPlan::new(cfar, NOISE_SHAPE, &[], wanted, &MapStatistics::default())?;
            workers.push(MapCfarWorker::new(Arc::new(plan)));
            rows.push(FalseAlarm { cfar: cfar.clone(), wanted, n_cells: 0, n_alarms: 0, low: 0, high: 0 });
        }
    }
    let mut random = Random::new(seed);
    let mut map = PowerMap::new(NOISE_SHAPE.0, NOISE_SHAPE.1);
    let mut found = Crossings::with_capacity(NOISE_SHAPE.0 * NOISE_SHAPE.1);
    let cells_of_map = (NOISE_SHAPE.0 * NOISE_SHAPE.1) as u64;
    for _ in 0..n_cells.div_ceil(cells_of_map) {
        for bin in 0..NOISE_SHAPE.0 {
            map.row_mut(bin).iter_mut().for_each(|cell| *cell = random.exponential());
        }
        for (worker, row) in workers.iter_mut().zip(&mut rows) {
            worker.detect(&map, &mut found);
            row.n_cells += cells_of_map;
            row.n_alarms += found.cells.len() as u64;
        }
    }
    for row in &mut rows {
        (row.low, row.high) = binomial_interval(row.n_cells, row.wanted);
    }
    Ok(rows)
}

/// Counts between which a binomial variable lies with 99 %: outside on either side with 0.5 % at most.
fn binomial_interval(n: u64, p: f64) -> (u64, u64) {
    const OUTSIDE: f64 = 0.005;
    let mut ln_pmf = n as f64 * (-p).ln_1p();
    let odds = (p / (1.0 - p)).ln();
    let mut below = 0.0;
    let mut low = None;
    for k in 0..n {
        below += ln_pmf.exp();
        if below > OUTSIDE && low.is_none() {
            low = Some(k);
        }
        if below >= 1.0 - OUTSIDE {
            return (low.unwrap_or(0), k);
        }
        ln_pmf += ((n - k) as f64 / (k + 1) as f64).ln() + odds;
    }
    (low.unwrap_or(0), n)
}

/// One point of a curve.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct DetectionPoint {
    /// Mean signal-to-noise ratio in the cell, dB.
    pub snr_db: f64,
    /// Measured probability.
    pub pd: f64,
    /// Number of targets.
    pub n_trials: u64,
    /// Probability by theory.
    pub pd_theory: f64,
}

/// Detection probability of one detector against the signal-to-noise ratio.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DetectionCurve {
    /// The detector.
    pub cfar: MapCfarConfig,
    /// How the target fluctuates.
    pub target: Swerling,
    /// False-alarm probability.
    pub false_alarm_probability: f64,
    /// Rising.
    pub points: Vec<DetectionPoint>,
    /// How much further to the right, dB, the measured curve passes 0.5 than theory has it.
    pub shift_db_at_50: f64,
    /// The same at 0.9.
    pub shift_db_at_90: f64,
    /// Signal-to-noise ratio that the detector needs beyond one that knows the noise level, at 0.5, dB.
    pub loss_db_at_50: f64,
}

/// Probabilities at whose signal-to-noise ratio by theory a curve is measured.
const MEASURED_AT: [f64; 9] = [0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.95];

/// Measures a curve with at least `n_trials` targets at each point, each alone within the reach of its cell and far
/// from the edges, in white noise of independent cells.
///
/// # Errors
/// A detector that cannot be planned.
pub fn detection_curve(
    cfar: &MapCfarConfig,
    target: Swerling,
    false_alarm_probability: f64,
    n_trials: u64,
    seed: u64,
) -> Result<DetectionCurve, CfarError> {
    let pfa = false_alarm_probability;
    let mut field = Field::new(cfar, pfa)?;
    let theory = CfarTheory::new(NoiseLevel::from(cfar), 1, pfa);
    let known = CfarTheory::new(NoiseLevel::Known, 1, pfa);
    let mut random = Random::new(seed);
    let mut shifts_db = [0.0; 2];
    let mut points = Vec::new();
    for wanted in MEASURED_AT {
        let snr_db = theory.required_snr_db(target, wanted);
        let (n, n_found) = field.trials(target, 10f64.powf(snr_db / 10.0), n_trials, &mut random);
        let pd = n_found as f64 / n as f64;
        for (shift_db, at) in shifts_db.iter_mut().zip([0.5, 0.9]) {
            if wanted.total_cmp(&at).is_eq() {
                let margin = 0.5 / n as f64;
                *shift_db = snr_db - theory.required_snr_db(target, pd.clamp(margin, 1.0 - margin));
            }
        }
        points.push(DetectionPoint { snr_db, pd, n_trials: n, pd_theory: wanted });
    }
    Ok(DetectionCurve {
        cfar: cfar.clone(),
        target,
        false_alarm_probability: pfa,
        points,
        shift_db_at_50: shifts_db[0],
        shift_db_at_90: shifts_db[1],
        loss_db_at_50: theory.loss_db(&known, target, 0.5),
    })
}

/// Maps with as many targets as do not see each other.
struct Field {
    worker: MapCfarWorker,
    map: PowerMap,
    found: Crossings,
    /// Bins and gates from one target to the next, and the first gate.
    spacing: (usize, usize),
    first_gate: usize,
}

impl Field {
    fn new(cfar: &MapCfarConfig, pfa: f64) -> Result<Self, CfarError> {
        let window = cfar.window();
        let reach = |named: bool, guard: usize, training: usize| if named { guard + training } else { 0 };
        let reach_bins = reach(window.over != CfarAxes::Range, window.guard_bins, window.training_bins);
        let reach_gates = reach(window.over != CfarAxes::Doppler, window.guard_gates, window.training_gates);
        let spacing = (reach_bins + 1, reach_gates + 1);
        let shape = (spacing.0 * 32usize.div_ceil(spacing.0).max(2), 2 * reach_gates + 64 * spacing.1);
        let plan = MapCfarPlan::new(cfar, shape, &[], pfa, &MapStatistics::default())?;
        Ok(Self {
            worker: MapCfarWorker::new(Arc::new(plan)),
            map: PowerMap::new(shape.0, shape.1),
            found: Crossings::with_capacity(shape.0 * shape.1),
            spacing,
            first_gate: reach_gates,
        })
    }

    fn is_target(&self, bin: usize, gate: usize) -> bool {
        let inner = self.first_gate..self.map.n_gates() - self.first_gate;
        bin.is_multiple_of(self.spacing.0)
            && inner.contains(&gate)
            && (gate - self.first_gate).is_multiple_of(self.spacing.1)
    }

    /// Number of targets, at least `n_trials`, and how many of them were found.
    fn trials(&mut self, target: Swerling, snr: f64, n_trials: u64, random: &mut Random) -> (u64, u64) {
        let (mut n, mut n_found) = (0, 0);
        while n < n_trials {
            for bin in 0..self.map.n_rows() {
                for gate in 0..self.map.n_gates() {
                    let is_target = self.is_target(bin, gate);
                    let power = if is_target {
                        n += 1;
                        (random.gaussian() + (snr * power_of(target, random)).sqrt()).norm_sqr() as f32
                    } else {
                        random.exponential()
                    };
                    self.map.row_mut(bin)[gate] = power;
                }
            }
            self.worker.detect(&self.map, &mut self.found);
            let cells = self.found.cells.iter();
            n_found += cells.filter(|c| self.is_target(c.bin as usize, c.gate as usize)).count() as u64;
        }
        (n, n_found)
    }
}

/// A target's power in one cell, mean 1.
fn power_of(target: Swerling, random: &mut Random) -> f64 {
    match target {
        Swerling::Steady => 1.0,
        Swerling::One | Swerling::Two => -random.uniform().ln(),
        Swerling::Three | Swerling::Four => -0.5 * (random.uniform().ln() + random.uniform().ln()),
    }
}
