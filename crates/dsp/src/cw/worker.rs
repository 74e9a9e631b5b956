//! One segment at a time: samples in, slices out.

use super::{CwPeak, CwPlan, CwResult, Slice};
use rangegate_core::{Complex32, IqBlock, Segment};
use std::ops::RangeInclusive;
use std::sync::Arc;

/// Runs a [`CwPlan`]. What it finds depends on the segment alone, not on what it worked on before.
pub struct CwWorker {
    plan: Arc<CwPlan>,
    samples: Vec<Complex32>,
    fft_scratch: Vec<Complex32>,
    level: Vec<f32>,
    threshold: Vec<f32>,
    cfar_scratch: Vec<f32>,
    /// Bins above their threshold that are greater than their neighbours, with the level beside them.
    maxima: Vec<(usize, f32)>,
}

impl CwWorker {
    pub(super) fn new(plan: &Arc<CwPlan>) -> Self {
        let n_tested = plan.tested.iter().map(|bins| bins.clone().count()).max().unwrap_or(0);
        Self {
            samples: vec![Complex32::ZERO; plan.n_fft()],
            fft_scratch: vec![Complex32::ZERO; plan.fft.get_inplace_scratch_len()],
            level: vec![0.0; n_tested],
            threshold: vec![0.0; n_tested],
            cfar_scratch: vec![0.0; plan.cfar.scratch_len(n_tested)],
            maxima: Vec::with_capacity(plan.n_bins()),
            plan: Arc::clone(plan),
        }
    }

    /// Makes the slices that begin in `segment.core`, as far as the block holds all of them.
    ///
    /// # Panics
    /// The core is longer than planned or leaves the block, or the block's format or number of channels is not the
    /// stream's.
    pub fn process(&mut self, segment: &Segment, out: &mut CwResult) {
        let plan = Arc::clone(&self.plan);
        let (block, core) = (&segment.block, segment.core.clone());
        let (n, n_channels) = (block.n_samples(), block.n_channels());
        assert!(core.start <= core.end && core.end <= n, "core {core:?} of {n} samples");
        assert!(core.len() <= plan.core_len(), "core of {} samples for {}", core.len(), plan.core_len());
        assert!(n_channels == plan.n_channels, "{n_channels} channels for {}", plan.n_channels);
        out.sequence = segment.sequence;
        out.anchor = block.header.anchor;
        out.after_gap = segment.starts_run && core.start == 0 && block.header.after_gap;
        out.n_slices = 0;
        for channel in 0..n_channels {
            let starts = core.clone().step_by(plan.hop);
            for start in starts.take_while(|start| start + plan.n_fft() <= n) {
                let slice = &mut out.slices[out.n_slices];
                out.n_slices += 1;
                slice.first_sample = block.header.first_sample + start as u64;
                slice.channel = channel as u32;
                self.spectrum(block, channel, start, slice);
                self.find_peaks(slice);
            }
        }
    }

    /// Powers of the samples from `start` on.
    fn spectrum(&mut self, block: &IqBlock, channel: usize, start: usize, slice: &mut Slice) {
        let plan = &*self.plan;
        let n = plan.n_fft();
        slice.bad_samples =
            plan.converter.convert(block, channel, start..start + n, &mut self.samples) as u64;
        for (x, w) in self.samples.iter_mut().zip(&plan.window) {
            *x *= w;
        }
        plan.fft.process_with_scratch(&mut self.samples, &mut self.fft_scratch);
        let zero_at = if plan.signed { n / 2 } else { 0 };
        for (bin, power) in slice.power.iter_mut().enumerate() {
            *power = self.samples[(bin + n - zero_at) % n].norm_sqr();
        }
    }

    fn find_peaks(&mut self, slice: &mut Slice) {
        let plan = Arc::clone(&self.plan);
        self.maxima.clear();
        for bins in &plan.tested {
            self.test(&slice.power, bins.clone());
        }
        let power = &slice.power;
        self.maxima.sort_unstable_by(|a, b| power[b.0].total_cmp(&power[a.0]).then(a.0.cmp(&b.0)));
        slice.peaks.clear();
        let peaks = self.maxima.iter().take(plan.max_peaks);
        slice.peaks.extend(peaks.map(|&(bin, level)| peak(&plan, power, bin, level)));
    }

    /// Collects the local maxima above the threshold among these bins. Bins outside are no training cells: they are
    /// clutter.
    fn test(&mut self, power: &[f32], bins: RangeInclusive<usize>) {
        let row = &power[bins.clone()];
        let (level, threshold) = (&mut self.level[..row.len()], &mut self.threshold[..row.len()]);
        self.plan.cfar.thresholds(row, 0..row.len(), level, threshold, &mut self.cfar_scratch);
        for (cell, bin) in bins.enumerate() {
            let value = power[bin];
            let above = value > threshold[cell] && value.is_finite();
            if above
                && value > neighbour(power, bin.checked_sub(1))
                && value >= neighbour(power, Some(bin + 1))
            {
                self.maxima.push((bin, level[cell]));
            }
        }
    }
}

fn neighbour(power: &[f32], bin: Option<usize>) -> f32 {
    bin.and_then(|bin| power.get(bin)).copied().unwrap_or(0.0)
}

fn peak(plan: &CwPlan, power: &[f32], bin: usize, level: f32) -> CwPeak {
    let amplitude = |bin: Option<usize>| f64::from(neighbour(power, bin)).sqrt();
    let at_bin = amplitude(Some(bin));
    let (offset, gain) = plan.lobe.between(amplitude(bin.checked_sub(1)), at_bin, amplitude(Some(bin + 1)));
    let doppler_hz = plan.doppler_hz_from_bin(bin as f64 + offset);
    let velocity_mps = plan.velocity_mps_from_doppler_hz(doppler_hz);
    let (power_db, noise_db) = (20.0 * (at_bin * gain).log10(), 10.0 * f64::from(level).log10());
    CwPeak {
        doppler_hz,
        speed_mps: velocity_mps.abs(),
        velocity_mps: plan.signed.then_some(velocity_mps),
        power_db,
        noise_db,
        snr_db: 20.0 * at_bin.log10() - noise_db,
    }
}
