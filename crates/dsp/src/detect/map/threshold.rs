//! The threshold of one cell, from the definitions: for plots, and as the slow twin of the run.

use super::{MapCfarPlan, Split};
use crate::detect::Detector;
use crate::range_doppler::PowerMap;

impl MapCfarPlan {
    /// Threshold of a cell: it is a crossing where its power is greater. `None` where it is not tested, or no training
    /// cell is left. Cost: O(training cells), and it allocates; [`MapCfarWorker`](super::MapCfarWorker) is for whole
    /// maps.
    ///
    /// # Panics
    /// The map has not the shape of the plan, or there is no such cell.
    pub fn threshold(&self, map: &PowerMap, bin: usize, gate: usize) -> Option<f32> {
        let shape = (map.n_rows(), map.n_gates());
        assert!(shape == (self.n_doppler, self.n_gates), "a map of {shape:?}");
        let row = &self.scales[self.row_scales[bin]?];
        let scale = row.at(gate, self.n_gates);
        let window = self.window;
        let (mut cells, mut sums) = (Vec::new(), [0.0_f64; 2]);
        let reach = window.reach_gates() as i64;
        for &bins in &row.bins {
            let powers = map.row((bin as i64 + bins).rem_euclid(self.n_doppler as i64) as usize);
            for gates in -reach..=reach {
                let is_guard = bins.unsigned_abs() as usize <= window.guard_bins
                    && gates.unsigned_abs() as usize <= window.guard_gates;
                let at =
                    usize::try_from(gate as i64 + gates).ok().filter(|at| *at < self.n_gates && !is_guard);
                let Some(power) = at.map(|at| powers[at]) else { continue };
                cells.push(power);
                let (before, after) = match self.split {
                    Split::Whole => (true, true),
                    Split::Gates => (gates < 0, gates > 0),
                    Split::Bins => (bins < 0, bins > 0),
                };
                sums[0] += if before { f64::from(power) } else { 0.0 };
                sums[1] += if after { f64::from(power) } else { 0.0 };
            }
        }
        let halves =
            [0, 1].map(|half| (scale.per_cell[half] > 0.0).then(|| sums[half] as f32 * scale.per_cell[half]));
        let level = match self.detector {
            Detector::Os { .. } => {
                cells.sort_unstable_by(f32::total_cmp);
                cells.get(scale.order.checked_sub(1)?).copied()
            }
            Detector::So => [halves[0], halves[1]].into_iter().flatten().reduce(f32::min),
            Detector::Ca | Detector::Go => [halves[0], halves[1]].into_iter().flatten().reduce(f32::max),
        };
        level.map(|level| level * scale.unbias * scale.factor)
    }
}
