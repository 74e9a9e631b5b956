//! What runs: dwells in, peaks out.

use super::interference::limit_lines;
use super::interpolate::{sinc_offset, triangle_offset};
use super::{PeriodicPlan, grid::cis};
use crate::burst::Peak;
use crate::chain::{Overview, SegmentResult};
use crate::convert::Converter;
use crate::detect::CfarPlan;
use rangegate_core::{Complex32, Segment};
use std::cmp::Ordering;
use std::f64::consts::TAU;
use std::sync::Arc;

/// Samples that the overview takes at a time.
pub(super) const PIECE: usize = 16 * Overview::PART;

/// Scratch and way of one thread through dwells. Made by [`PeriodicPlan::make_worker`].
pub struct PeriodicWorker {
    plan: Arc<PeriodicPlan>,
    correlator: Correlator,
    /// For each replica of a set, the best of the hypotheses so far.
    candidates: Vec<Candidate>,
    /// The cell under test with all the cells that its threshold depends on.
    neighbours: Vec<f32>,
    cfar_scratch: Vec<f32>,
}

/// The greatest cell of a replica's search, with the row in which it stands.
struct Candidate {
    power: f32,
    cell: usize,
    doppler_hz: f64,
    row: Vec<f32>,
}

impl PeriodicWorker {
    pub(super) fn new(plan: &Arc<PeriodicPlan>) -> Self {
        let row = || vec![0.0; plan.grid.n_cells()];
        let n_candidates = plan.replicas_of(0).len();
        let candidate = |_| Candidate { power: 0.0, cell: 0, doppler_hz: 0.0, row: row() };
        Self {
            correlator: Correlator::new(plan),
            candidates: (0..n_candidates).map(candidate).collect(),
            neighbours: vec![0.0; plan.n_cfar_cells()],
            cfar_scratch: vec![0.0; plan.n_cfar_scratch()],
            plan: Arc::clone(plan),
        }
    }

    /// Searches one dwell with the replicas of the segment's set. Finds at most one peak for each channel and
    /// replica. A core shorter than a dwell, at the end of a run, is not searched.
    ///
    /// [`Peak::sample`] is the leading edge of the first code period that begins at or after the dwell's first
    /// sample, [`Peak::delay_s`] the time between the two, [`Peak::statistic`] the cell's power over the
    /// estimated noise, [`Peak::cpi`] the segment's number.
    ///
    /// Cost: an inverse FFT of one code period for each replica, hypothesis and non-coherent sum. Does not
    /// allocate where `out` comes from [`PeriodicPlan::make_result`].
    ///
    /// # Panics
    /// The segment's set is none of the plan's, or its block is not of the planned format or has other channels.
    pub fn process(&mut self, segment: &Segment, out: &mut SegmentResult) {
        let plan = Arc::clone(&self.plan);
        let (set, n_sets) = (segment.set, plan.n_sets());
        assert!(set < n_sets, "set {set} of {n_sets}");
        let (n_channels, expected) = (segment.block.n_channels(), plan.stream.n_channels);
        assert!(n_channels == expected, "{n_channels} channels for {expected}");
        out.begin(segment);
        if set == 0 {
            self.correlator.survey(&plan, segment, out);
        }
        if segment.core.len() < plan.core_len {
            return;
        }
        for channel in 0..n_channels {
            self.search(&plan, segment, channel);
            for (slot, replica) in plan.replicas_of(set).enumerate() {
                out.peaks.extend(self.decide(&plan, segment, channel, replica, slot));
            }
        }
        out.peaks.sort_unstable_by_key(|peak| (peak.template, peak.channel));
    }

    /// Leaves in `candidates` the greatest cell of each replica over all hypotheses and delays.
    fn search(&mut self, plan: &PeriodicPlan, segment: &Segment, channel: usize) {
        self.candidates.iter_mut().for_each(|c| c.power = f32::NEG_INFINITY);
        for residue in &plan.residues {
            self.correlator.transform(plan, segment, channel, residue.offset_hz);
            for &(shift, doppler_hz) in &residue.shifts {
                self.correlator.align(plan, shift, doppler_hz);
                let replicas = plan.replicas_of(segment.set);
                for (replica, candidate) in replicas.zip(&mut self.candidates) {
                    let (cell, power) = self.correlator.correlate(plan, replica);
                    if power > candidate.power {
                        candidate.power = power;
                        candidate.cell = cell;
                        candidate.doppler_hz = doppler_hz;
                        candidate.row.copy_from_slice(&self.correlator.row);
                    }
                }
            }
        }
    }

    /// The candidate as a peak, if it is above its threshold.
    fn decide(
        &mut self,
        plan: &PeriodicPlan,
        segment: &Segment,
        channel: usize,
        replica: usize,
        slot: usize,
    ) -> Option<Peak> {
        let Candidate { power, cell, doppler_hz, ref row } = self.candidates[slot];
        let filter = &plan.filters[replica];
        let (noise, threshold) =
            noise_and_threshold(&filter.cfar, row, cell, &mut self.neighbours, &mut self.cfar_scratch);
        let threshold = threshold.max(plan.dispersion.threshold(row, cell, filter.n_independent));
        if power.partial_cmp(&threshold) != Some(Ordering::Greater) {
            return None;
        }
        let noise = f64::from(noise);
        let amplitude = |power: f32| (f64::from(power) - noise).max(0.0).sqrt();
        let n = row.len();
        let [left, right] = [(cell + n - 1) % n, (cell + 1) % n].map(|c| amplitude(row[c]));
        let cells = cell as f64 + triangle_offset(left, amplitude(power), right);
        let delay_s = (cells * plan.cell_s()).rem_euclid(plan.period_s);

        // Half a cycle more and half a cycle less over a coherent sum.
        let half_hz = 0.5 / (plan.coherent as f64 * plan.period_s);
        let [below, above] = [-half_hz, half_hz].map(|offset_hz| {
            self.correlator.row_at(plan, segment, channel, replica, doppler_hz + offset_hz);
            amplitude(self.correlator.row[cell])
        });
        let doppler_hz = doppler_hz + 2.0 * half_hz * sinc_offset(below, above);

        let delay_samples = delay_s * plan.stream.sample_rate.hz();
        let ratio = f64::from(power) / noise;
        Some(Peak {
            sample: segment.core_first_sample() + delay_samples as u64,
            sample_fraction: delay_samples.fract(),
            template: replica as u32,
            channel: channel as u32,
            doppler_hz,
            statistic: ratio as f32,
            snr_db: 10.0 * ratio.log10(),
            power_db: 10.0 * f64::from(power).log10(),
            delay_s: Some(delay_s),
            cpi: Some(segment.sequence),
        })
    }

    /// What makes single rows, for surfaces.
    pub(super) fn correlator(&mut self) -> (&PeriodicPlan, &mut Correlator) {
        (&self.plan, &mut self.correlator)
    }
}

/// Noise level and threshold of one cell of a row that closes to a circle.
fn noise_and_threshold(
    cfar: &CfarPlan,
    row: &[f32],
    cell: usize,
    neighbours: &mut [f32],
    scratch: &mut [f32],
) -> (f32, f32) {
    let (left, right) = (cfar.reach_left(), cfar.reach_right());
    let neighbours = &mut neighbours[..left + 1 + right];
    let mut at = (cell + row.len() - left) % row.len();
    for value in neighbours.iter_mut() {
        *value = row[at];
        at = if at + 1 == row.len() { 0 } else { at + 1 };
    }
    let (mut level, mut threshold) = ([0.0], [0.0]);
    cfar.thresholds(neighbours, left..left + 1, &mut level, &mut threshold, scratch);
    (level[0], threshold[0])
}

/// From a dwell's samples to the delay row of a replica at a Doppler hypothesis, in three steps so that each
/// is done as seldom as possible.
pub(super) struct Correlator {
    converter: Converter,
    /// A piece of the dwell: one code period, or what the overview takes at a time.
    samples: Vec<Complex32>,
    overview_scratch: Vec<Complex32>,
    /// exp(−j2πf·n/fs) over one code period.
    wipe: Vec<Complex32>,
    /// `[noncoherent × n_points]`: spectra of the folded sums, by `transform`.
    spectra: Vec<Complex32>,
    /// `[noncoherent × n_cells]`: harmonics at the hypothesis, by `align`.
    harmonics: Vec<Complex32>,
    product: Vec<Complex32>,
    /// `[n_cells]`: one coherent sum.
    sum: Vec<Complex32>,
    scratch: Vec<Complex32>,
    /// `[n_cells]`: mean power over the sums, by `correlate`.
    pub(super) row: Vec<f32>,
}

impl Correlator {
    fn new(plan: &PeriodicPlan) -> Self {
        let zeros = |n| vec![Complex32::ZERO; n];
        let grid = &plan.grid;
        Self {
            converter: plan.converter.clone(),
            samples: zeros(grid.max_period_len().max(PIECE)),
            overview_scratch: zeros(plan.overview.scratch_len()),
            wipe: zeros(grid.max_period_len()),
            spectra: zeros(plan.noncoherent * grid.n_points()),
            harmonics: zeros(plan.noncoherent * grid.n_cells()),
            product: zeros(grid.n_cells()),
            sum: zeros(grid.n_cells()),
            scratch: zeros(grid.n_scratch()),
            row: vec![0.0; grid.n_cells()],
        }
    }

    /// What plots need of the samples, and how many of these are no numbers.
    fn survey(&mut self, plan: &PeriodicPlan, segment: &Segment, out: &mut SegmentResult) {
        for channel in 0..plan.stream.n_channels {
            for start in segment.core.clone().step_by(PIECE) {
                let range = start..(start + PIECE).min(segment.core.end);
                let samples = &mut self.samples[..range.len()];
                out.bad_samples += self.converter.convert(&segment.block, channel, range, samples) as u64;
                if channel == 0 {
                    plan.overview.add(samples, &mut self.overview_scratch, &mut out.overview);
                }
            }
        }
    }

    /// Spectra of the coherent sums, after `wipe_hz` is wiped off.
    pub(super) fn transform(&mut self, plan: &PeriodicPlan, segment: &Segment, channel: usize, wipe_hz: f64) {
        let grid = &plan.grid;
        let step = -TAU * wipe_hz / plan.stream.sample_rate.hz();
        self.wipe.iter_mut().enumerate().for_each(|(n, w)| *w = cis(step * n as f64));
        for (m, points) in self.spectra.chunks_exact_mut(grid.n_points()).enumerate() {
            points.fill(Complex32::ZERO);
            for c in m * plan.coherent..(m + 1) * plan.coherent {
                let (start, end) = (grid.first_sample(c), grid.first_sample(c + 1));
                let samples = &mut self.samples[..end - start];
                let range = segment.core.start + start..segment.core.start + end;
                self.converter.convert(&segment.block, channel, range, samples);
                grid.fold(c, samples, &self.wipe, cis(step * start as f64), points);
            }
            grid.forward().process_with_scratch(points, &mut self.scratch);
            limit_lines(points);
        }
    }

    /// Harmonics at `doppler_hz`, which is `shift` whole multiples of 1/period above what was wiped off, with
    /// every sum's delay brought to the dwell's first sample.
    pub(super) fn align(&mut self, plan: &PeriodicPlan, shift: i64, doppler_hz: f64) {
        let spectra = self.spectra.chunks_exact(plan.grid.n_points());
        let harmonics = self.harmonics.chunks_exact_mut(plan.grid.n_cells());
        for (m, (spectrum, out)) in spectra.zip(harmonics).enumerate() {
            // An approaching source's code comes ever earlier: by f/carrier of the time since the start.
            let periods = (m as f64 + 0.5) * plan.coherent as f64;
            let ramp = -TAU * doppler_hz * plan.dilation_per_hz * periods;
            plan.grid.take_harmonics(spectrum, shift, ramp, out);
        }
    }

    /// Makes the row of a replica; returns its greatest cell and that cell's power.
    pub(super) fn correlate(&mut self, plan: &PeriodicPlan, replica: usize) -> (usize, f32) {
        let filter = &plan.filters[replica].harmonics;
        self.row.fill(0.0);
        for harmonics in self.harmonics.chunks_exact(plan.grid.n_cells()) {
            for ((product, x), h) in self.product.iter_mut().zip(harmonics).zip(filter) {
                *product = x * h;
            }
            plan.grid.inverse().process_outofplace_with_scratch(
                &mut self.product,
                &mut self.sum,
                &mut self.scratch,
            );
            self.row.iter_mut().zip(&self.sum).for_each(|(power, y)| *power += y.norm_sqr());
        }
        let first = (0, f32::NEG_INFINITY);
        let greater = |best: (usize, f32), (cell, &power)| if power > best.1 { (cell, power) } else { best };
        self.row.iter().enumerate().fold(first, greater)
    }

    /// All three steps for a single row.
    pub(super) fn row_at(
        &mut self,
        plan: &PeriodicPlan,
        segment: &Segment,
        channel: usize,
        replica: usize,
        doppler_hz: f64,
    ) {
        self.transform(plan, segment, channel, doppler_hz);
        self.align(plan, 0, doppler_hz);
        self.correlate(plan, replica);
    }
}
