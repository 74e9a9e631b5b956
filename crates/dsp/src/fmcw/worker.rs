//! One chirp at a time: samples in, a row of the cube out.

use super::FmcwPlan;
use crate::range_doppler::PulseCube;
use rangegate_core::{Complex32, IqBlock};
use std::sync::Arc;

/// Runs an [`FmcwPlan`]. What it gives depends on the samples alone, not on what it worked on before.
pub struct FmcwWorker {
    plan: Arc<FmcwPlan>,
    /// One chirp, padded: `[n_range]`.
    samples: Vec<Complex32>,
    scratch: Vec<Complex32>,
}

impl FmcwWorker {
    pub(super) fn new(plan: &Arc<FmcwPlan>) -> Self {
        Self {
            samples: vec![Complex32::ZERO; plan.n_range()],
            scratch: vec![Complex32::ZERO; plan.fft.get_inplace_scratch_len()],
            plan: Arc::clone(plan),
        }
    }

    /// Compresses the chirp that begins at sample `start` of the block into a row `[n_gates]`: a beat signal of
    /// amplitude A gives A at its gate. Returns how many of its samples were infinite or not numbers; zeros stand
    /// in their place.
    ///
    /// # Panics
    /// * the chirp leaves the block,
    /// * `channel >= block.n_channels()`, or the block's format is not the stream's,
    /// * `row.len() != plan.n_gates()`.
    pub fn compress(
        &mut self,
        block: &IqBlock,
        channel: usize,
        start: usize,
        row: &mut [Complex32],
    ) -> usize {
        let plan = &*self.plan;
        assert!(row.len() == plan.gates.len(), "row of {} gates for {}", row.len(), plan.gates.len());
        let (chirp, padding) = self.samples.split_at_mut(plan.used.len());
        let range = start + plan.used.start..start + plan.used.end;
        let bad_samples = plan.converter.convert(block, channel, range, chirp);
        for (x, weight) in chirp.iter_mut().zip(&plan.weights) {
            *x *= weight;
        }
        padding.fill(Complex32::ZERO);
        plan.fft.process_with_scratch(&mut self.samples, &mut self.scratch);
        self.gates_into(row);
        bad_samples
    }

    fn gates_into(&self, row: &mut [Complex32]) {
        let (plan, n) = (&*self.plan, self.samples.len());
        if plan.mirrored {
            for (gate, y) in plan.gates.clone().zip(row.iter_mut()) {
                *y = self.samples[(n - gate) % n];
            }
        } else {
            row.copy_from_slice(&self.samples[plan.gates.clone()]);
        }
        if plan.conjugated {
            row.iter_mut().for_each(|y| y.im = -y.im);
        }
    }

    /// Compresses the chirps of one CPI, which follow one another in the block from its first sample on, into a
    /// cube `[n_pulses × n_gates]`. Returns the number of samples that were no numbers.
    ///
    /// # Panics
    /// The block holds fewer chirps, the cube is not of the planned shape, or as [`FmcwWorker::compress`].
    pub fn fill(&mut self, block: &IqBlock, channel: usize, cube: &mut PulseCube) -> usize {
        let (n_pulses, chirp_len) = (self.plan.n_pulses(), self.plan.chirp_len());
        assert!(cube.n_rows() == n_pulses, "cube of {} chirps for {n_pulses}", cube.n_rows());
        (0..n_pulses).map(|pulse| self.compress(block, channel, pulse * chirp_len, cube.row_mut(pulse))).sum()
    }
}
