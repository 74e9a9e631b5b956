//! `bench matched-filter`: overlap-save by the engine.

use super::args::MatchedFilterArgs;
use super::measure::{Case, interleaved, show};
use super::noise;
use crate::Outcome;
use anyhow::{Result, bail};
use rangegate_core::{Complex32, IqBlock, Scalar};
use rangegate_dsp::convolver::{Convolver, ConvolverWorker, Output, Path, Samples};
use rangegate_dsp::matched_filter::MatchedFilterPlan;
use rustfft::num_complex::Complex;

/// Runs the command.
///
/// # Errors
/// Taps, templates or samples that cannot be, or outputs that are wrong.
pub fn matched_filter(args: &MatchedFilterArgs) -> Result<Outcome> {
    let (n_taps, n_templates) = (args.taps, args.templates);
    if !(1..=MAX_TAPS).contains(&n_taps) || !(1..=MAX_TEMPLATES).contains(&n_templates) {
        bail!("--taps {n_taps} --templates {n_templates}: expected 1 to {MAX_TAPS} and 1 to {MAX_TEMPLATES}");
    }
    let fft_len = |path| args.fft_len.unwrap_or_else(|| MatchedFilterPlan::fft_len_on(path, n_taps, None));
    let fft_lens = Path::ALL.map(fft_len);
    if let Some(fft_len) = fft_lens.into_iter().find(|&n| n < n_taps || args.samples < n) {
        bail!(
            "--fft-len {fft_len}: expected at least the taps, {n_taps}, and at most the samples, {}",
            args.samples
        );
    }
    let templates: Vec<Vec<_>> = (0..n_templates).map(|k| chirp(n_taps, k)).collect();
    let block = noise::block(&args.format, args.samples)?;
    let samples = samples(&block)?;
    let planned = Path::ALL.into_iter().map(|path| Convolver::plan_for(path, &templates, fft_len(path)));
    let plans: Vec<Convolver> =
        planned.zip(Path::ALL).filter(|(plan, path)| plan.path() == *path).map(|(plan, _)| plan).collect();
    for plan in &plans {
        check(&mut Filter::new(plan, samples, n_templates), &templates, &block)?;
    }
    let mut cases = Vec::new();
    for plan in &plans {
        let path = plan.path();
        let (mut filter, n_hot) =
            (Filter::new(plan, samples, n_templates), (HOT_SAMPLES / plan.hop()).max(1));
        let n = n_hot * plan.hop();
        cases.push(Case::new(format!("{path}, one block again and again"), n, move || filter.again(n_hot)));
        let mut filter = Filter::new(plan, samples, n_templates);
        let n = filter.n_outputs();
        let mut out = Lines::new(n);
        let work = move || filter.complex(out.numbers());
        cases.push(Case::new(format!("{path}, memory to memory"), n, work));
        let mut filter = Filter::new(plan, samples, n_templates);
        let mut out = vec![0.0; n];
        cases.push(Case::new(format!("{path}, memory to power"), n, move || filter.power(&mut out)));
    }
    if args.threads > 1 {
        let mut all: Vec<_> = (0..args.threads)
            .map(|_| {
                (Filter::new(&plans[0], samples, n_templates), Lines::new(n_outputs(&plans[0], samples)))
            })
            .collect();
        let (name, n) = (
            format!("{}, {} threads", plans[0].path(), args.threads),
            args.threads * n_outputs(&plans[0], samples),
        );
        cases.push(Case::new(name, n, move || {
            std::thread::scope(|scope| {
                for (core, (filter, out)) in all.iter_mut().enumerate() {
                    let _ = rangegate_pipeline::worker::spawn(scope, "bench", move || {
                        // Where it may not be pinned it runs as it is.
                        let _ = args.pin.then(|| rangegate_pipeline::worker::pin(core));
                        filter.complex(out.numbers());
                    });
                }
            });
        }));
    }
    let transforms: Vec<_> =
        plans.iter().map(|plan| format!("{} ({})", plan.fft_len(), plan.path())).collect();
    let work = format!(
        "{n_templates} templates of {n_taps} taps, transforms of {}, {} samples of {}",
        transforms.join(", "),
        args.samples,
        args.format
    );
    let report = interleaved("matched-filter", work, cases, args.time.seconds)?;
    show(&report, args.time.json)
}

const MAX_TAPS: usize = 1 << 20;
const MAX_TEMPLATES: usize = 1 << 10;
/// What the hot case handles in a round, so that clocks can tell it.
const HOT_SAMPLES: usize = 1 << 20;

/// A chirp whose energy is 1; no two alike.
fn chirp(n_taps: usize, which: usize) -> Vec<Complex<f64>> {
    let rate = std::f64::consts::PI * (0.3 + 0.5 / (which + 1) as f64) / n_taps as f64;
    let size = (n_taps as f64).sqrt().recip();
    (0..n_taps).map(|n| Complex::from_polar(size, rate * (n * n) as f64)).collect()
}

fn samples(block: &IqBlock) -> Result<Samples<'_>> {
    let format = block.format();
    Ok(match format.scalar {
        Scalar::I8 if format.complex => Samples::Cs8(block.bytes().as_chunks().0),
        Scalar::I16 if format.complex => Samples::Cs16(block.bytes().as_chunks().0),
        Scalar::F32 if format.complex => Samples::Cf32(block.bytes().as_chunks().0),
        _ => bail!("--format {format}: expected cs8, cs16 or cf32"),
    })
}

/// Outputs of whole blocks.
fn n_outputs(plan: &Convolver, samples: Samples<'_>) -> usize {
    let (fft_len, hop) = (plan.fft_len(), plan.hop());
    ((samples.len() - fft_len) / hop + 1) * hop
}

/// Outputs that begin at a cache line.
struct Lines {
    memory: Vec<Complex32>,
    first: usize,
    n: usize,
}

impl Lines {
    fn new(n: usize) -> Self {
        const LINE: usize = 64;
        let memory = vec![Complex32::ZERO; n + LINE / size_of::<Complex32>()];
        let first = memory.as_ptr().align_offset(LINE).min(memory.len() - n);
        Self { memory, first, n }
    }

    fn numbers(&mut self) -> &mut [Complex32] {
        &mut self.memory[self.first..self.first + self.n]
    }
}

/// Overlap-save of all samples.
struct Filter<'a> {
    worker: ConvolverWorker,
    samples: Samples<'a>,
    n_templates: usize,
    fft_len: usize,
    hop: usize,
    n_outputs: usize,
    kept: Vec<Complex32>,
}

impl<'a> Filter<'a> {
    fn new(plan: &Convolver, samples: Samples<'a>, n_templates: usize) -> Self {
        Self {
            worker: plan.make_worker(1),
            samples,
            n_templates,
            fft_len: plan.fft_len(),
            hop: plan.hop(),
            n_outputs: n_outputs(plan, samples),
            kept: vec![Complex32::ZERO; plan.hop()],
        }
    }

    fn n_outputs(&self) -> usize {
        self.n_outputs
    }

    /// Into memory that nobody reads soon.
    fn complex(&mut self, out: &mut [Complex32]) {
        for (k, out) in out.chunks_exact_mut(self.hop).enumerate() {
            self.one(k, |worker, block, template| match block {
                Some(block) => _ = worker.convolve(block, 0, 0, Output::PastCaches(out)),
                None => worker.correlate(0, template, Output::PastCaches(out)),
            });
        }
    }

    fn power(&mut self, out: &mut [f32]) {
        for (k, out) in out.chunks_exact_mut(self.hop).enumerate() {
            self.one(k, |worker, block, template| match block {
                Some(block) => _ = worker.convolve(block, 0, 0, Output::Power(out)),
                None => worker.correlate(0, template, Output::Power(out)),
            });
        }
    }

    /// The first block, in cache, over and over.
    fn again(&mut self, times: usize) {
        let mut kept = std::mem::take(&mut self.kept);
        for _ in 0..times {
            self.one(0, |worker, block, template| match block {
                Some(block) => _ = worker.convolve(block, 0, 0, Output::Complex(&mut kept)),
                None => worker.correlate(0, template, Output::Complex(&mut kept)),
            });
        }
        self.kept = kept;
    }

    /// A block with all templates: one takes its samples, several share the transform.
    fn one(&mut self, k: usize, mut work: impl FnMut(&mut ConvolverWorker, Option<Samples<'_>>, usize)) {
        let block = self.samples.part(k * self.hop..k * self.hop + self.fft_len);
        if self.n_templates == 1 {
            return work(&mut self.worker, Some(block), 0);
        }
        self.worker.load(0, block, 0);
        (0..self.n_templates).for_each(|template| work(&mut self.worker, None, template));
    }
}

/// Holds some outputs of the last template against the direct sum.
fn check(filter: &mut Filter<'_>, templates: &[Vec<Complex<f64>>], block: &IqBlock) -> Result<()> {
    let mut out = vec![Complex32::ZERO; filter.n_outputs];
    filter.complex(&mut out);
    let (template, n) = (&templates[templates.len() - 1], out.len());
    for at in [0, 1, filter.hop - 1, filter.hop.min(n - 1), n / 2, n - 1] {
        let expected: Complex<f64> =
            template.iter().enumerate().map(|(k, h)| h.conj() * noise::sample(block, at + k)).sum();
        let found = Complex::new(f64::from(out[at].re), f64::from(out[at].im));
        if (found - expected).norm() > 1e-5 {
            bail!("output {at} is {found}, and the direct sum {expected}: this is a bug");
        }
    }
    Ok(())
}
