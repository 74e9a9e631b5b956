//! What plots of power over time and spectrum need of the samples, taken while they are in cache.

use crate::window::Window;
use rangegate_core::Complex32;
use rustfft::{Fft, FftPlanner};
use std::sync::Arc;

/// Samples that one value of power over time stands for.
pub(crate) const PART: usize = 1024;
/// Bins of a spectrum.
const N_BINS: usize = 256;

/// Power and spectrum over time of one segment's core, of the first channel.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Overview {
    /// Mean of |x|² over each [`Overview::PART`] samples from the core's first, the last part being shorter
    /// where the core is no multiple: `[n_parts]`, 1 is full scale.
    pub mean_power: Vec<f32>,
    /// Greatest |x|² of each part, likewise.
    pub peak_power: Vec<f32>,
    /// Power spectrum of each part `[n_parts × N_BINS]` from −fs/2 on: Hann windows of that length, side by side,
    /// averaged. The sum over the bins is the mean power. Zero where the part is shorter than a window.
    pub spectrum: Vec<f32>,
    /// None is made for now, though there is room.
    is_off: bool,
}

impl Overview {
    /// Samples that one value of power over time, and one spectrum, stand for.
    pub const PART: usize = PART;
    /// Bins of a spectrum.
    pub const N_BINS: usize = N_BINS;

    /// An empty one with room for a core of this length.
    pub fn with_capacity(core_len: usize) -> Self {
        let n_parts = core_len.div_ceil(PART);
        Self {
            mean_power: Vec::with_capacity(n_parts),
            peak_power: Vec::with_capacity(n_parts),
            spectrum: Vec::with_capacity(n_parts * N_BINS),
            is_off: false,
        }
    }

    /// Whether there is room for one: it is not wanted where there is none.
    pub(crate) fn has_room(&self) -> bool {
        self.mean_power.capacity() > 0
    }

    /// Whether one is to be made.
    pub(crate) fn is_wanted(&self) -> bool {
        self.has_room() && !self.is_off
    }

    pub(crate) fn begin(&mut self, is_wanted: bool) {
        self.is_off = !is_wanted;
        self.mean_power.clear();
        self.peak_power.clear();
        self.spectrum.clear();
    }
}

pub(crate) struct OverviewPlan {
    /// Scaled so that the squared magnitudes of the bins sum to the mean power.
    window: Vec<f32>,
    fft: Arc<dyn Fft<f32>>,
}

impl OverviewPlan {
    pub fn new() -> Self {
        // The periodic window: the symmetric one of one sample more, without its last.
        let mut window = Window::Hann {}.samples(N_BINS + 1);
        window.truncate(N_BINS);
        let energy: f32 = window.iter().map(|w| w * w).sum();
        let scale = 1.0 / (energy * N_BINS as f32).sqrt();
        window.iter_mut().for_each(|w| *w *= scale);
        Self { window, fft: FftPlanner::new().plan_fft_forward(N_BINS) }
    }

    pub fn scratch_len(&self) -> usize {
        N_BINS + self.fft.get_inplace_scratch_len()
    }

    /// Sums up the next piece of a core: all of it, or a multiple of [`Overview::PART`] that is not the last.
    pub fn add(&self, core: &[Complex32], scratch: &mut [Complex32], out: &mut Overview) {
        if !out.is_wanted() {
            return;
        }
        for part in core.chunks(PART) {
            let (sum, peak) = sum_and_peak(part);
            out.mean_power.push(sum / part.len() as f32);
            out.peak_power.push(peak);
            let first = out.spectrum.len();
            out.spectrum.resize(first + N_BINS, 0.0);
            self.add_spectrum(part, scratch, &mut out.spectrum[first..]);
        }
    }

    fn add_spectrum(&self, part: &[Complex32], scratch: &mut [Complex32], spectrum: &mut [f32]) {
        let (bins, scratch) = scratch.split_at_mut(N_BINS);
        let windows = part.chunks_exact(N_BINS);
        let scale = 1.0 / windows.len().max(1) as f32;
        for samples in windows {
            for ((bin, x), w) in bins.iter_mut().zip(samples).zip(&self.window) {
                *bin = x * w;
            }
            self.fft.process_with_scratch(bins, scratch);
            let (positive, negative) = bins.split_at(N_BINS / 2);
            for (sum, bin) in spectrum.iter_mut().zip(negative.iter().chain(positive)) {
                *sum += scale * bin.norm_sqr();
            }
        }
    }
}

/// Σ|x|² and the greatest |x|², in lanes, because a sum has to wait for the one before.
fn sum_and_peak(part: &[Complex32]) -> (f32, f32) {
    const LANES: usize = 16;
    let (mut sums, mut peaks) = ([0.0_f32; LANES], [0.0_f32; LANES]);
    let (chunks, rest) = part.as_chunks::<LANES>();
    let mut take = |lane: usize, x: &Complex32| {
        let power = x.norm_sqr();
        sums[lane] += power;
        peaks[lane] = if power > peaks[lane] { power } else { peaks[lane] };
    };
    for chunk in chunks {
        for (lane, x) in chunk.iter().enumerate() {
            take(lane, x);
        }
    }
    rest.iter().enumerate().for_each(|(lane, x)| take(lane, x));
    (sums.iter().sum(), peaks.iter().copied().fold(0.0, f32::max))
}

impl std::fmt::Debug for OverviewPlan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OverviewPlan")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tone_fills_its_bin_and_the_bins_sum_to_the_mean_power() {
        let tone = |n: usize| {
            let cycles = -40.0 * n as f32 / N_BINS as f32;
            Complex32::from_polar(if n < PART { 0.5 } else { 0.25 }, std::f32::consts::TAU * cycles.fract())
        };
        let core: Vec<_> = (0..2 * PART + 100).map(tone).collect();
        let plan = OverviewPlan::new();
        let mut scratch = vec![Complex32::new(f32::NAN, 0.0); plan.scratch_len()];
        let mut out = Overview::with_capacity(core.len());
        plan.add(&core, &mut scratch, &mut out);
        let near = |a: f32, b: f32| assert!((a / b - 1.0).abs() < 1e-4, "{a} for {b}");
        assert_eq!(out.mean_power.len(), 3);
        near(out.mean_power[0], 0.25);
        near(out.peak_power[2], 0.0625);
        assert_eq!(out.spectrum.len(), 3 * N_BINS);
        for (part, power) in [(0, 0.25), (1, 0.0625), (2, 0.0)] {
            let spectrum = &out.spectrum[part * N_BINS..][..N_BINS];
            assert!((spectrum.iter().sum::<f32>() - power).abs() < 1e-4 * 0.25, "part {part}");
        }
        let greatest = out.spectrum[..N_BINS].iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).unwrap();
        assert_eq!(greatest.0, N_BINS / 2 - 40);
    }
}
