//! The filter's output itself, for plots.

use super::plan::Template;
use super::worker::Cells;
use super::{BurstWorker, FilterInput};
use rangegate_core::Segment;
use std::f64::consts::PI;

/// The filter's output of one replica over the cells of a segment's core.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trace {
    /// Absolute index of the first cell's sample.
    pub first_sample: u64,
    /// Number of cells.
    pub n_cells: usize,
    /// Doppler hypotheses, Hz, rising: the rows.
    pub doppler_hz: Vec<f64>,
    /// Power over the noise level `[n_doppler × n_cells]`, as the SNR of a peak is.
    pub snr: Vec<f32>,
    /// Threshold over the noise level, likewise.
    pub threshold: Vec<f32>,
}

impl BurstWorker {
    /// The filter's output of one replica over a segment's core, for plots: it allocates its result. Empty
    /// where there is no such replica or channel, or the replica does not fit.
    ///
    /// # Panics
    /// As [`BurstWorker::process`] does.
    pub fn trace(&mut self, segment: &Segment, template: usize, channel: usize) -> Trace {
        let plan = self.plan.clone();
        let n = segment.block.n_samples();
        let Some(replica) = plan.templates.get(template).filter(|t| t.len <= n) else {
            return Trace::default();
        };
        if channel >= segment.block.n_channels() || segment.core.is_empty() {
            return Trace::default();
        }
        self.convert(segment, channel);
        self.prepare(n);
        let cells = Cells::new(&plan, n, &segment.core, replica.len);
        let shown = segment.core.start..segment.core.end.min(cells.tested.end);
        self.filter.load(self.samples[cells.row.start..n].as_ref().into(), cells.row.len());
        let mut trace = Trace {
            first_sample: segment.core_first_sample(),
            n_cells: shown.len(),
            doppler_hz: plan.doppler_hz.clone(),
            ..Trace::default()
        };
        let is_magnitude = plan.input == FilterInput::Magnitude;
        // Magnitudes: see `snr` of the worker.
        let scale = if is_magnitude { replica.energy * PI / 4.0 } else { 1.0 };
        let over = |value: f32, level: f32| {
            let ratio = f64::from(value.max(0.0)) / f64::from(level.max(f32::MIN_POSITIVE));
            (scale * if is_magnitude { ratio * ratio } else { ratio }) as f32
        };
        let (mut level, mut threshold) = (vec![0.0; cells.tested.len()], vec![0.0; cells.tested.len()]);
        for row in 0..replica.rows.len() {
            self.filter_row(replica, row, &cells);
            self.threshold_row(replica, row, n, &cells, &mut level, &mut threshold);
            for cell in shown.clone() {
                let tested = cell - cells.tested.start;
                let level = level[tested];
                trace.snr.push(over(self.values[0][cell - cells.row.start], level));
                trace.threshold.push(over(threshold[tested], level));
            }
        }
        trace
    }

    /// Noise level and threshold of the tested cells of the row in `values[0]`, which is the template's row `row`.
    fn threshold_row(
        &mut self,
        template: &Template,
        row: usize,
        n: usize,
        cells: &Cells,
        level: &mut [f32],
        threshold: &mut [f32],
    ) {
        let (noise, tested) = self.noise_row(template, n, cells);
        let is_magnitude = self.plan.input == FilterInput::Magnitude;
        let noise = if is_magnitude { &self.magnitudes[noise] } else { &self.values[0][..cells.row.len()] };
        template.cfar.thresholds(noise, tested, level, threshold, &mut self.cfar_scratch);
        let least = self.least_level(template, row);
        let least_threshold = least * template.cfar.factor(usize::MAX, usize::MAX);
        for (level, threshold) in level.iter_mut().zip(threshold).filter(|(level, _)| **level < least) {
            (*level, *threshold) = (least, least_threshold);
        }
    }
}
