//! One cube at a time: pulses in, targets out.

use super::{PowerMap, PulseCube, RangeDopplerPlan};
use crate::blanking::Blanker;
use crate::detect::map::{Clusterer, Crossings, MapCfarWorker};
use crate::doppler::DopplerProcessor;
use crate::estimate::{Estimate, Estimator};
use crate::migration::{Keystone, KeystonePlan};
use rustfft::num_complex::Complex64;
use std::sync::Arc;

/// A target in a map, between its cells.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Target {
    /// Gate, with what lies between gates; the coupling with Doppler is taken out.
    pub gate: f64,
    /// Doppler shift, Hz.
    pub doppler_hz: f64,
    /// Power of the echo in one compressed pulse.
    pub power: f64,
    /// Power over the noise in the map.
    pub snr: f64,
}

impl Target {
    /// Whether the estimates are the same, to within what no two targets could be told apart by.
    fn is_same(&self, other: &Self, resolution_hz: f64) -> bool {
        (self.gate - other.gate).abs() < SAME
            && (self.doppler_hz - other.doppler_hz).abs() < SAME * resolution_hz
    }
}

/// Estimates that are closer, in gates and in Doppler resolution cells, are one.
const SAME: f64 = 0.25;

/// Runs a [`RangeDopplerPlan`].
pub struct RangeDopplerWorker {
    plan: Arc<RangeDopplerPlan>,
    blanker: Option<Blanker>,
    keystone: Option<Keystone>,
    doppler: DopplerProcessor,
    cfar: MapCfarWorker,
    crossings: Crossings,
    clusterer: Option<Clusterer>,
    estimator: Estimator,
    map: PowerMap,
    targets: Vec<Target>,
    steering: [Vec<Complex64>; 2],
    n_dropped: u64,
}

/// What a canceller lets through less of is as good as blind: its power is not known.
const LEAST_GAIN: f64 = 1e-4;
/// How far above a stagger's side lobe of a stronger target a peak counts for itself.
const STAGGER_MARGIN: f64 = 2.0;
/// What fluctuation and blanked pulses raise these side lobes to, over one part in the number of pulses.
const STAGGER_FLOOR: f64 = 2.0;
/// Cells above the threshold that there is room for.
const MAX_CROSSINGS: usize = 1 << 16;
/// Targets that there is room for.
const MAX_TARGETS: usize = 1 << 12;

impl RangeDopplerWorker {
    pub(super) fn new(plan: &Arc<RangeDopplerPlan>) -> Self {
        let n_crossings = MAX_CROSSINGS.min(plan.n_doppler() * plan.n_gates());
        Self {
            blanker: plan.blanking.map(|blanking| Blanker::new(blanking, plan.n_pulses())),
            keystone: plan.keystone.as_ref().map(KeystonePlan::make_worker),
            doppler: plan.doppler.make_worker(),
            cfar: MapCfarWorker::new(Arc::clone(&plan.cfar)),
            crossings: Crossings::with_capacity(n_crossings),
            // The plan has checked what can be wrong.
            clusterer: Clusterer::new(&plan.clusters, plan.n_doppler(), n_crossings, MAX_TARGETS).ok(),
            estimator: Estimator::new(Arc::clone(&plan.estimator)),
            map: plan.make_map(),
            targets: Vec::with_capacity(MAX_TARGETS),
            steering: [(); 2].map(|()| Vec::with_capacity(plan.n_pulses())),
            n_dropped: 0,
            plan: Arc::clone(plan),
        }
    }

    /// Finds the targets in a cube, the strongest first. The cube is worked on in place.
    ///
    /// # Panics
    /// The cube is not of the planned shape.
    pub fn process(&mut self, cube: &mut PulseCube) -> &[Target] {
        let plan = Arc::clone(&self.plan);
        cube.set_n_rows(plan.n_pulses());
        if let Some(blanker) = &mut self.blanker {
            blanker.process(cube);
        }
        if let Some(keystone) = &mut self.keystone {
            keystone.process(cube);
        }
        plan.canceller.process(cube);
        cube.set_n_rows(plan.canceller.n_left());
        self.doppler.process(cube, &mut self.map);
        self.cfar.detect(&self.map, &mut self.crossings);
        self.n_dropped = self.crossings.n_dropped;
        self.targets.clear();
        let Some(clusterer) = &mut self.clusterer else { return &self.targets };
        for peak in clusterer.peaks(&self.crossings.cells) {
            let (cell, doppler_hz) = (peak.cell, plan.doppler_hz(peak.cell.bin as usize));
            let gates = plan.clusters.main_lobe_gates as f64;
            let mut above =
                self.targets.iter().filter(|target| (target.gate - f64::from(cell.gate)).abs() <= gates);
            if plan.shape.is_staggered()
                && above.any(|target| {
                    f64::from(cell.power)
                        < STAGGER_MARGIN * side_lobe(&plan, target, doppler_hz, &mut self.steering)
                })
            {
                continue;
            }
            let estimate = self.estimator.estimate(cube, cell.gate as usize, doppler_hz);
            let noise = f64::from(cell.noise);
            let Estimate { gate, doppler_hz, amplitude, converged } = estimate;
            // The canceller's gain counts for the noise too, but not for the echo's own power.
            let seen = if converged { amplitude.norm_sqr() } else { f64::from(cell.power) };
            let gain = plan.canceller.gain_at(doppler_hz, &mut self.steering[0]).max(LEAST_GAIN);
            let target = Target { gate, doppler_hz, power: seen / gain, snr: seen / noise };
            // Noise may make two peaks of one target; both lead to the same place.
            if !self.targets.iter().any(|other| target.is_same(other, plan.resolution_hz())) {
                self.targets.push(target);
            }
        }
        self.n_dropped += clusterer.n_dropped();
        &self.targets
    }

    /// The map of the last cube.
    pub fn map(&self) -> &PowerMap {
        &self.map
    }

    /// Cells above the threshold, and targets, of the last cube for which there was no room.
    pub fn n_dropped(&self) -> u64 {
        self.n_dropped
    }

    /// Greatest power over all bins outside the notch, for each gate.
    pub fn range_profile(&self, out: &mut Vec<f32>) {
        out.clear();
        out.resize(self.plan.n_gates(), 0.0);
        for bin in 0..self.map.n_rows() {
            if !self.plan.is_in_notch(bin) {
                // Unlike `max`, one instruction: there are no NaN to mind.
                let greater =
                    |(out, power): (&mut f32, &f32)| *out = if *power > *out { *power } else { *out };
                out.iter_mut().zip(self.map.row(bin)).for_each(greater);
            }
        }
    }
}

/// Power that a target at a stagger shows at another Doppler shift: its side lobes near multiples of the mean
/// repetition frequency are hardly below its peak.
fn side_lobe(
    plan: &RangeDopplerPlan,
    target: &Target,
    doppler_hz: f64,
    [there, own]: &mut [Vec<Complex64>; 2],
) -> f64 {
    plan.canceller.steering(doppler_hz, there);
    let gain = plan.canceller.gain_at(target.doppler_hz, own);
    let pulses = || there.iter().zip(own.iter()).zip(&plan.weights);
    let power: f64 = pulses().map(|((there, _), weight)| weight * there.norm_sqr()).sum();
    let sum: Complex64 = pulses().map(|((there, own), weight)| there.conj() * own * weight).sum();
    let least = gain * STAGGER_FLOOR / (STAGGER_MARGIN * plan.n_pulses() as f64);
    target.power * (sum.norm_sqr() / power.max(LEAST_GAIN)).max(least)
}
