//! `bench matched-filter`: overlap-save by the engine.

use super::args::MatchedFilterArgs;
use super::measure::{Case, interleaved, show};
use super::noise;
use super::pages::Pages;
use crate::Outcome;
use anyhow::{Result, bail};
use rangegate_core::{Complex32, IqBlock, Scalar};
use rangegate_dsp::convolver::{Convolver, ConvolverWorker, Output, Path, Samples};
use rangegate_dsp::lines::Lines;
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
        let mut out = Pages::new(n)?;
        let work = move || filter.complex(out.numbers());
        cases.push(Case::new(format!("{path}, memory to memory"), n, work));
        let mut filter = Filter::new(plan, samples, n_templates);
        let mut out = Pages::new(n)?;
        let work = move || filter.power(out.numbers());
        cases.push(Case::new(format!("{path}, memory to power"), n, work));
    }
    if args.threads > 1 {
        cases.push(in_threads(&plans[0], samples, args)?);
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

/// All samples in each of some threads at once.
fn in_threads<'a>(plan: &Convolver, samples: Samples<'a>, args: &'a MatchedFilterArgs) -> Result<Case<'a>> {
    let n = n_outputs(plan, samples);
    let with_room = |_| Ok((Filter::new(plan, samples, args.templates), Pages::new(n)?));
    let mut all = (0..args.threads).map(with_room).collect::<Result<Vec<_>>>()?;
    let name = format!("{}, {} threads", plan.path(), args.threads);
    Ok(Case::new(name, args.threads * n, move || {
        std::thread::scope(|scope| {
            for (core, (filter, out)) in all.iter_mut().enumerate() {
                let _ = rangegate_pipeline::worker::spawn(scope, "bench", move || {
                    // Where it may not be pinned it runs as it is.
                    let _ = args.pin.then(|| rangegate_pipeline::worker::pin(core));
                    filter.complex(out.numbers());
                });
            }
        });
    }))
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

/// Overlap-save of all samples.
struct Filter<'a> {
    worker: ConvolverWorker,
    samples: Samples<'a>,
    n_templates: usize,
    fft_len: usize,
    hop: usize,
    n_outputs: usize,
    kept: Lines<Complex32>,
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
            kept: Lines::new(plan.hop()),
        }
    }

    fn n_outputs(&self) -> usize {
        self.n_outputs
    }

    /// Into memory that nobody reads soon.
    fn complex(&mut self, out: &mut [Complex32]) {
        self.all(Output::PastCaches(out));
    }

    fn power(&mut self, out: &mut [f32]) {
        self.all(Output::Power(out));
    }

    /// One template takes its samples block by block, several share the transform of each.
    fn all(&mut self, mut out: Output<'_>) {
        let Self { worker, samples, n_templates, fft_len, hop, .. } = self;
        if *n_templates == 1 {
            worker.filter(*samples, 0, out);
            return;
        }
        for first in (0..out.len()).step_by(*hop) {
            worker.load(0, samples.part(first..first + *fft_len), 0);
            for template in 0..*n_templates {
                worker.correlate(0, template, out.part(first..first + *hop));
            }
        }
    }

    /// The first block, in cache, over and over.
    fn again(&mut self, times: usize) {
        let Self { worker, samples, n_templates, fft_len, kept, .. } = self;
        let block = samples.part(0..*fft_len);
        for _ in 0..times {
            if *n_templates == 1 {
                worker.convolve(block, 0, 0, Output::Complex(kept));
                continue;
            }
            worker.load(0, block, 0);
            (0..*n_templates).for_each(|template| worker.correlate(0, template, Output::Complex(kept)));
        }
    }
}

/// Holds some outputs of the last template, and their power, against the direct sum, in memory like what is measured.
fn check(filter: &mut Filter<'_>, templates: &[Vec<Complex<f64>>], block: &IqBlock) -> Result<()> {
    let n = filter.n_outputs;
    let (mut out, mut power) = (Pages::new(n)?, Pages::new(n)?);
    filter.complex(out.numbers());
    filter.power(power.numbers());
    let template = &templates[templates.len() - 1];
    for at in [0, 1, filter.hop - 1, filter.hop.min(n - 1), n / 2, n - 1] {
        let expected: Complex<f64> =
            template.iter().enumerate().map(|(k, h)| h.conj() * noise::sample(block, at + k)).sum();
        let (found, power) = (out.numbers()[at], power.numbers()[at]);
        let error = (Complex::new(f64::from(found.re), f64::from(found.im)) - expected).norm();
        let of_power = (f64::from(power).sqrt() - expected.norm()).abs();
        if error > 1e-5 || of_power > 1e-5 {
            bail!("output {at} is {found}, its power {power}, and the direct sum {expected}: this is a bug");
        }
    }
    Ok(())
}
