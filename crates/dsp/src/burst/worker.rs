//! One segment at a time: samples in, peaks out.

use super::peaks::{Between, Crossing, Crossings, TestedRow, around};
use super::plan::Template;
use super::{BurstPlan, FilterInput, Peak};
use crate::chain::SegmentResult;
use crate::lines::Lines;
use crate::matched_filter::MatchedFilter;
use rangegate_core::{Complex32, Segment};
use std::f64::consts::PI;
use std::ops::Range;
use std::sync::Arc;

/// Runs a [`BurstPlan`]. What it finds depends on the segment alone, not on what it worked on before.
#[derive(Debug)]
pub struct BurstWorker {
    pub(super) plan: Arc<BurstPlan>,
    pub(super) samples: Lines<Complex32>,
    pub(super) magnitudes: Vec<f32>,
    sums: RunningSums,
    pub(super) filter: MatchedFilter,
    /// Values of the row at hand and of the one before.
    pub(super) values: [Lines<f32>; 2],
    pub(super) cfar_scratch: Vec<f32>,
    overview_scratch: Vec<Complex32>,
    crossings: Crossings,
}

impl BurstWorker {
    pub(super) fn new(plan: &Arc<BurstPlan>) -> Self {
        let n_samples = plan.lead() + plan.core_len() + plan.tail();
        let n_tested = plan.core_len() + 2;
        let is_magnitude = plan.input == FilterInput::Magnitude;
        let n_sums = if plan.min_correlation > 0.0 { n_samples + 1 } else { 0 };
        let scratch = plan.templates.iter().map(|t| t.cfar.scratch_len(n_tested)).max().unwrap_or(0);
        let values = || Lines::new(plan.max_cells);
        Self {
            samples: Lines::new(n_samples),
            magnitudes: vec![0.0; if is_magnitude { n_samples } else { 0 }],
            sums: RunningSums::new(n_sums, is_magnitude),
            filter: plan.filter.make_worker(plan.max_cells),
            values: [values(), if plan.doppler_hz.len() > 1 { values() } else { Lines::default() }],
            cfar_scratch: vec![0.0; scratch],
            overview_scratch: vec![Complex32::ZERO; plan.overview.scratch_len()],
            crossings: Crossings::with_capacity(n_tested),
            plan: Arc::clone(plan),
        }
    }

    /// Finds the peaks of `segment.core` for the replicas of `segment.set`.
    ///
    /// A cell exists where the replica lies within the run; at the ends of the run the CFAR uses the training
    /// cells that exist.
    ///
    /// # Panics
    /// * `segment.set >= plan.n_sets()`,
    /// * core, lead or tail are longer than planned, or the core leaves the block,
    /// * the block's format or number of channels is not the stream's.
    pub fn process(&mut self, segment: &Segment, out: &mut SegmentResult) {
        let plan = Arc::clone(&self.plan);
        let set = plan.set(segment.set);
        let (n, core) = (segment.block.n_samples(), segment.core.clone());
        let (lead, tail) = (core.start, n.saturating_sub(core.end));
        assert!(core.start <= core.end && core.end <= n, "core {core:?} of {n} samples");
        assert!(core.len() <= plan.core_len(), "core of {} samples for {}", core.len(), plan.core_len());
        assert!(lead <= plan.lead(), "lead of {lead} samples for {}", plan.lead());
        assert!(tail <= plan.tail(), "tail of {tail} samples for {}", plan.tail());
        let n_channels = segment.block.n_channels();
        assert!(n_channels == plan.n_channels, "{n_channels} channels for {}", plan.n_channels);
        out.begin(segment);

        let shortest = plan.templates[set.clone()].iter().map(|t| t.len).min().unwrap_or(usize::MAX);
        for channel in 0..n_channels {
            let is_stored = plan.takes_stored(segment, channel);
            let is_shown = segment.set == 0 && channel == 0 && out.overview.is_wanted();
            if !is_stored || is_shown || plan.min_correlation > 0.0 {
                let bad_samples = self.convert(segment, channel);
                if segment.set == 0 {
                    out.bad_samples += bad_samples;
                }
            }
            if is_shown {
                let samples = &self.samples[core.clone()];
                plan.overview.add(samples, &mut self.overview_scratch, &mut out.overview);
            }
            if n < shortest || core.is_empty() {
                continue;
            }
            self.prepare(n);
            let cells = Cells::new(&plan, n, &core, shortest);
            let range = cells.row.start..n;
            let stored = is_stored.then(|| plan.converter.stored(&segment.block, channel, range.clone()));
            let samples = stored.flatten().unwrap_or_else(|| (&self.samples[range]).into());
            // Of a row that is alone no spectra need to be kept.
            let is_alone = plan.is_alone(&set);
            if is_alone {
                let row = plan.templates[set.start].rows.start;
                self.filter.power_of(samples, row, &mut self.values[0][..cells.row.len()]);
            } else {
                self.filter.load(samples, cells.row.len());
            }
            for index in set.clone() {
                if plan.templates[index].len <= n {
                    let cells = Cells::new(&plan, n, &core, plan.templates[index].len);
                    self.search(&plan.templates[index], n, &cells, is_alone);
                    self.collect(index, channel, segment, &cells, out);
                }
            }
        }
        out.peaks.sort_unstable_by_key(|p| (p.template, p.channel, p.sample, p.sample_fraction.to_bits()));
    }

    /// Number of samples in the core that are not finite.
    pub(super) fn convert(&mut self, segment: &Segment, channel: usize) -> u64 {
        let Range { start, end } = segment.core;
        let n = segment.block.n_samples();
        let mut convert = |range: Range<usize>| {
            let out = &mut self.samples[range.clone()];
            self.plan.converter.convert(&segment.block, channel, range, out)
        };
        convert(0..start);
        convert(end..n);
        convert(start..end) as u64
    }

    /// What the filter, the CFAR and the correlation take their input from.
    pub(super) fn prepare(&mut self, n: usize) {
        if self.plan.input == FilterInput::Magnitude {
            for (x, magnitude) in self.samples[..n].iter_mut().zip(&mut self.magnitudes) {
                *magnitude = x.norm_sqr().sqrt();
                *x = Complex32::new(*magnitude, 0.0);
            }
        }
        self.sums.fill(&self.samples[..n]);
    }

    /// Filters and tests all rows of one template; `is_filtered` is that of the only row.
    fn search(&mut self, template: &Template, n: usize, cells: &Cells, is_filtered: bool) {
        self.crossings.begin();
        for row in 0..template.rows.len() {
            if row > 0 {
                self.values.swap(0, 1);
            }
            if !is_filtered {
                self.filter_row(template, row, cells);
            }
            self.test_row(template, row, n, cells);
        }
    }

    /// Puts what is above the threshold in `values[0]`, which is the template's row `row`, among the crossings.
    fn test_row(&mut self, template: &Template, row: usize, n: usize, cells: &Cells) {
        let (noise, tested) = self.noise_row(template, n, cells);
        let least = self.least_level(template, row);
        let Self { values: [values, below], magnitudes, crossings, cfar_scratch, .. } = self;
        let (values, first) = (&values[..cells.row.len()], cells.tested.start - cells.row.start);
        let values_below = if row > 0 { &below[..cells.row.len()] } else { &[] };
        let noise = if self.plan.input == FilterInput::Magnitude { &magnitudes[noise] } else { values };
        let under_test = &values[first..first + cells.tested.len()];
        let row = TestedRow { row, values, values_below, first };
        crossings.begin_row(&row);
        let start = tested.start;
        template.cfar.crossings(
            noise,
            tested,
            under_test,
            least,
            cfar_scratch,
            &mut |cell, level, threshold| {
                crossings.add(&row, cell - start, level, threshold);
            },
        );
    }

    /// What the CFAR takes its training cells from, a part of the magnitudes or all values of the row at hand, and
    /// where in that the tested cells lie.
    pub(super) fn noise_row(
        &self,
        template: &Template,
        n: usize,
        cells: &Cells,
    ) -> (Range<usize>, Range<usize>) {
        let Range { start, end } = cells.tested;
        let before = match self.plan.input {
            FilterInput::Magnitude => start.saturating_sub(template.cfar.reach_left()),
            FilterInput::Complex => cells.row.start,
        };
        (before..n.min(end + template.cfar.reach_right()), start - before..end - before)
    }

    /// One row of the filter's output into `values[0]`.
    pub(super) fn filter_row(&mut self, template: &Template, row: usize, cells: &Cells) {
        let (row, values) = (template.rows.start + row, &mut self.values[0][..cells.row.len()]);
        match self.plan.input {
            FilterInput::Complex => self.filter.power(row, values),
            FilterInput::Magnitude => self.filter.correlate(row, |at, outputs| {
                // Longer pieces are the outputs that only shorter replicas have.
                let values = &mut values[at.min(cells.row.len())..];
                values.iter_mut().zip(outputs).for_each(|(value, y)| *value = y.re);
            }),
        }
    }

    /// The level that noise would need to hide what rounding leaves in a row. Beside a strong echo in digital silence
    /// that is all there is, and no detection.
    ///
    /// Magnitudes: white noise of power σ² leaves `σ²·(1 − π/4)/Σw²` in the output, and its mean is `σ·√π/2`.
    pub(super) fn least_level(&self, template: &Template, row: usize) -> f32 {
        // Rounding is no white noise: it gathers where the transform's butterflies meet.
        let power = GATHERED * self.filter.rounding_power(template.rows.start + row);
        match self.plan.input {
            FilterInput::Complex => power,
            FilterInput::Magnitude => {
                (f64::from(power) * template.weight_energy / (4.0 / PI - 1.0)).sqrt() as f32
            }
        }
    }

    /// The local maxima of one template.
    fn collect(
        &mut self,
        index: usize,
        channel: usize,
        segment: &Segment,
        cells: &Cells,
        out: &mut SegmentResult,
    ) {
        let template = &self.plan.templates[index];
        for (tested, crossing) in self.crossings.local_maxima() {
            let cell = cells.tested.start + tested;
            if !segment.core.contains(&cell) {
                continue;
            }
            let amplitude = |value: f32| match self.plan.input {
                FilterInput::Complex => f64::from(value).max(0.0).sqrt(),
                FilterInput::Magnitude => f64::from(value),
            };
            let [earlier, peak, later] = [crossing.earlier, crossing.value, crossing.later].map(amplitude);
            let time = around(earlier, peak, later, template.time_correlation);
            if !self.is_like_replica(template, cell, crossing, &time) {
                continue;
            }
            if out.peaks.len() == out.peaks.capacity() {
                out.peaks_dropped += 1;
                continue;
            }
            let [lower, higher] = [crossing.lower, crossing.higher].map(amplitude);
            let doppler = around(lower, peak, higher, template.doppler_correlation);
            let hypothesis = self.plan.doppler_hz[crossing.row as usize];
            let step = self.plan.doppler_hz.get(1).map_or(0.0, |second| second - self.plan.doppler_hz[0]);
            // Pulses lose height between two samples, not their sum; a coherent echo is best known by its
            // energy. Magnitudes rise above the mean of the noise, and so an echo 18 dB above it reads 1 dB
            // low.
            let power = match self.plan.input {
                FilterInput::Complex => time.energy,
                FilterInput::Magnitude => time.amplitude.powi(2),
            };
            let whole = time.fraction.floor();
            // Only a lead of one sample and more can lie before the block; a run's first cell has no
            // earlier one.
            let sample = segment.block.header.first_sample.saturating_add_signed(cell as i64 + whole as i64);
            out.peaks.push(Peak {
                sample,
                sample_fraction: (time.fraction - whole).min(1.0 - f64::EPSILON),
                template: index as u32,
                channel: channel as u32,
                doppler_hz: hypothesis + step * doppler.fraction,
                statistic: time.energy.sqrt() as f32,
                snr_db: 10.0 * self.snr(template, crossing).log10(),
                power_db: 10.0 * power.log10(),
                delay_s: None,
                cpi: None,
            });
        }
    }

    /// Power over noise power at the output of a matched filter.
    ///
    /// Magnitudes: the mean magnitude of noise of power σ² is `σ·√π/2`, and an echo of amplitude A has the
    /// energy `A²·Σ|h|²`; so the SNR is the one that a filter which knows the phase would have.
    fn snr(&self, template: &Template, crossing: &Crossing) -> f64 {
        let (value, level) = (f64::from(crossing.value), f64::from(crossing.level));
        match self.plan.input {
            FilterInput::Complex => value / level,
            FilterInput::Magnitude => (value / level).powi(2) * template.energy * PI / 4.0,
        }
    }

    /// Whether the replica explains enough of the samples' energy that is not noise.
    fn is_like_replica(&self, template: &Template, cell: usize, crossing: &Crossing, time: &Between) -> bool {
        let least = self.plan.min_correlation;
        if least <= 0.0 {
            return true;
        }
        // From the sample that holds the leading edge on. The one after the replica's last, where the echo
        // may end, is left out: something else may begin there.
        let start = if time.fraction < 0.0 { cell - 1 } else { cell };
        let n = template.len;
        // Between two samples there are two amplitudes that have been fitted.
        let n_fitted = 1 + usize::from(time.fraction != 0.0);
        let level = f64::from(crossing.level);
        let (noise, n_free) = match self.plan.input {
            FilterInput::Complex => (level * template.weight_energy, n.saturating_sub(n_fitted)),
            // Variance of a Rayleigh variable from its mean; the samples' mean is fitted too.
            FilterInput::Magnitude => (level * level * (4.0 / PI - 1.0), n.saturating_sub(n_fitted + 1)),
        };
        let explained = time.energy * template.weight_energy;
        let unexplained = self.sums.energy(start..start + n) - explained - noise * n_free as f64;
        explained >= least * least * (explained + unexplained.max(0.0))
    }
}

/// How far single outputs may lie above what rounding leaves on the average: 9 dB.
const GATHERED: f32 = 8.0;

/// Which cells of a segment's block a template's rows hold, as indices of samples of the block.
pub(super) struct Cells {
    /// Cells that are computed.
    pub row: Range<usize>,
    /// Cells that are tested: the core's, and one on each side against which those are compared.
    pub tested: Range<usize>,
}

impl Cells {
    pub fn new(plan: &BurstPlan, n: usize, core: &Range<usize>, len: usize) -> Self {
        let n_cells = n + 1 - len;
        let row = core.start.saturating_sub(plan.reach + 1)..(core.end + plan.reach + 1).min(n_cells);
        let tested = core.start.saturating_sub(1)..(core.end + 1).min(n_cells);
        // A core that begins after the last cell has none.
        Self { row: row.start.min(row.end)..row.end, tested: tested.start.min(tested.end)..tested.end }
    }
}

/// Sums over the first n samples, for the energy of any range of them.
#[derive(Debug)]
struct RunningSums {
    squares: Vec<f64>,
    values: Vec<f64>,
}

impl RunningSums {
    fn new(len: usize, is_centred: bool) -> Self {
        Self { squares: vec![0.0; len], values: vec![0.0; if is_centred { len } else { 0 }] }
    }

    fn fill(&mut self, samples: &[Complex32]) {
        let (mut square, mut value) = (0.0, 0.0);
        for (sum, x) in self.squares.iter_mut().skip(1).zip(samples) {
            square += f64::from(x.re).powi(2) + f64::from(x.im).powi(2);
            *sum = square;
        }
        for (sum, x) in self.values.iter_mut().skip(1).zip(samples) {
            value += f64::from(x.re);
            *sum = value;
        }
    }

    /// Σ|x|², of magnitudes about their mean.
    fn energy(&self, range: Range<usize>) -> f64 {
        let sum = |sums: &[f64]| sums[range.end] - sums[range.start];
        let squares = sum(&self.squares);
        if self.values.is_empty() {
            squares
        } else {
            squares - sum(&self.values).powi(2) / range.len() as f64
        }
    }
}
