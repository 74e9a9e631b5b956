//! Samples of an SDR to matched-filter output: conversion from cs16, then overlap-save, a block at a time on one core;
//! and the engine beneath, each path of the machine beside the bare loop of `rustfft`.

mod common;

use common::noise_block;
use criterion::{BenchmarkId, Criterion, Throughput};
use rangegate_core::{Complex32, IqBlock, SampleRate, ToBaseband};
use rangegate_dsp::convert::Converter;
use rangegate_dsp::convolver::{Convolver, ConvolverWorker, Output, Path, Samples};
use rangegate_dsp::lines::Lines;
use rangegate_dsp::matched_filter::{MatchedFilter, MatchedFilterPlan};
use rustfft::num_complex::Complex;
use rustfft::{Fft, FftPlanner};
use std::sync::Arc;

const N_SAMPLES: usize = 1 << 18;

struct Bench {
    block: IqBlock,
    converter: Converter,
    filter: MatchedFilter,
    hop: usize,
    /// What one transform takes.
    samples: Vec<Complex32>,
}

impl Bench {
    fn new(replica: Vec<Complex32>) -> Self {
        let fft_len = MatchedFilterPlan::fft_len_for(replica.len(), None);
        let plan = Arc::new(MatchedFilterPlan::new(&[replica], fft_len));
        let block = noise_block("cs16", N_SAMPLES);
        let rate = SampleRate::new(20_000_000, 1).expect("a rate");
        let converter = Converter::new(block.format(), ToBaseband::default(), rate).expect("a converter");
        let hop = plan.hop();
        Self { block, converter, filter: plan.make_worker(hop), hop, samples: vec![Complex32::ZERO; fft_len] }
    }

    /// Hands over every output that needs no sample after the last one.
    fn run(&mut self, n_taps: usize, mut output: impl FnMut(usize, &[Complex32])) {
        let n_outputs = N_SAMPLES - n_taps + 1;
        for first in (0..n_outputs).step_by(self.hop) {
            let range = first..(first + self.samples.len()).min(N_SAMPLES);
            let samples = &mut self.samples[..range.len()];
            self.converter.convert(&self.block, 0, range, samples);
            self.filter.load((&*samples).into(), self.hop.min(n_outputs - first));
            self.filter.correlate(0, |at, y| output(first + at, y));
        }
    }
}

/// `Σ conj(h[k])·x[n+k] / Σ|h[k]|²` from the bytes.
fn direct_sum(replica: &[Complex32], block: &IqBlock, n: usize) -> Complex32 {
    let number = |b: &[u8]| f64::from(i16::from_le_bytes([b[0], b[1]])) / 32_768.0;
    let (mut re, mut im, mut energy) = (0.0, 0.0, 0.0);
    for (h, x) in replica.iter().zip(block.bytes()[4 * n..].chunks_exact(4)) {
        let (h_re, h_im, x_re, x_im) = (f64::from(h.re), f64::from(h.im), number(x), number(&x[2..]));
        re += h_re * x_re + h_im * x_im;
        im += h_re * x_im - h_im * x_re;
        energy += h_re * h_re + h_im * h_im;
    }
    Complex32::new((re / energy) as f32, (im / energy) as f32)
}

fn matched_filter(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("matched_filter_cs16");
    for n_taps in [1024, 4096] {
        let chirp = |n: usize| {
            Complex32::from_polar(1.0, std::f32::consts::PI * (n * n) as f32 / n_taps as f32 / 4.0)
        };
        let replica: Vec<_> = (0..n_taps).map(chirp).collect();
        let mut bench = Bench::new(replica.clone());

        let mut outputs = vec![Complex32::ZERO; N_SAMPLES - n_taps + 1];
        bench.run(n_taps, |first, y| outputs[first..first + y.len()].copy_from_slice(y));
        for n in [0, 1, bench.hop - 1, bench.hop, 77_777, outputs.len() - 1] {
            let expected = direct_sum(&replica, &bench.block, n);
            assert!(
                (outputs[n] - expected).norm() < 1e-6,
                "{n_taps} taps, output {n}: {} for {expected}",
                outputs[n]
            );
        }

        group.throughput(Throughput::Elements(N_SAMPLES as u64));
        group.bench_function(BenchmarkId::from_parameter(n_taps), |b| {
            b.iter(|| bench.run(n_taps, |_, y| _ = std::hint::black_box(y)));
        });
    }
    group.finish();
}

/// Overlap-save of whole blocks from memory to memory, for one template and for eight.
fn convolver(criterion: &mut Criterion) {
    let (integers, floats) = (noise_block("cs16", N_SAMPLES), noise_block("cf32", N_SAMPLES));
    let sources = [
        ("cs16", Samples::Cs16(integers.bytes().as_chunks().0)),
        ("cf32", Samples::Cf32(floats.bytes().as_chunks().0)),
    ];
    for n_taps in [16, 64, 1024, 4096] {
        let chirp = |n: usize| Complex::from_polar(1.0 / n_taps as f64, (n * n) as f64 / n_taps as f64);
        let templates = vec![(0..n_taps).map(chirp).collect(); 8];
        let fft_len = |path| MatchedFilterPlan::fft_len_on(path, n_taps, None);
        let paths = Path::ALL.into_iter().filter(|path| path.is_available());
        let plans: Vec<_> = paths.map(|path| Convolver::plan_for(path, &templates, fft_len(path))).collect();
        let mut outputs = Lines::new(N_SAMPLES);
        let mut powers = Lines::new(N_SAMPLES);
        let mut group = criterion.benchmark_group(format!("convolver_{n_taps}"));

        let mut loop_of_rustfft = LoopOfRustfft::new(&templates[0], fft_len(Path::Portable));
        let number =
            |&[re, im]: &[[u8; 4]; 2]| Complex32::new(f32::from_le_bytes(re), f32::from_le_bytes(im));
        let samples: Vec<_> = floats.bytes().as_chunks().0.as_chunks().0.iter().map(number).collect();
        let of_loop = n_outputs(n_taps, loop_of_rustfft.hop);
        group.throughput(Throughput::Elements(of_loop as u64));
        group.bench_function("rustfft/cf32", |b| {
            b.iter(|| loop_of_rustfft.run(&samples, &mut outputs[..of_loop]));
        });
        let expected = outputs[..of_loop].to_vec();
        for plan in &plans {
            let (path, mut worker) = (plan.path(), plan.make_worker(1));
            let n = n_outputs(n_taps, plan.hop());
            group.throughput(Throughput::Elements(n as u64));
            for (format, samples) in sources {
                group.bench_function(format!("{path}/{format}"), |b| {
                    b.iter(|| worker.filter(samples, 0, Output::Complex(&mut outputs[..n])));
                });
            }
            let both = outputs[..n].iter().zip(&expected);
            let error = both.map(|(a, b)| (a - b).norm()).fold(0.0, f32::max);
            assert!(error < 1e-5, "{path}: {error}");
            for n_templates in [1, 8] {
                let id = format!("{path}/cs16_power_of_{n_templates}");
                let mut run = || rows(&mut worker, sources[0].1, plan, n_templates, &mut powers[..n]);
                group.bench_function(id, |b| b.iter(&mut run));
            }
        }
        group.finish();
    }
}

/// Outputs of whole blocks.
fn n_outputs(n_taps: usize, hop: usize) -> usize {
    (N_SAMPLES - n_taps + 1) / hop * hop
}

/// Power of all blocks for some templates, which share the forward transform.
fn rows(
    worker: &mut ConvolverWorker,
    samples: Samples<'_>,
    plan: &Convolver,
    n_templates: usize,
    powers: &mut [f32],
) {
    if n_templates == 1 {
        worker.filter(samples, 0, Output::Power(powers));
        return;
    }
    let (fft_len, hop) = (plan.fft_len(), plan.hop());
    for (k, out) in powers.chunks_exact_mut(hop).enumerate() {
        worker.load(0, samples.block(k * hop, fft_len), 0);
        (0..n_templates).for_each(|template| worker.correlate(0, template, Output::Power(out)));
    }
}

/// What one writes with `rustfft` alone: forward, multiply, inverse, in place.
struct LoopOfRustfft {
    forward: Arc<dyn Fft<f32>>,
    inverse: Arc<dyn Fft<f32>>,
    spectrum: Vec<Complex32>,
    block: Vec<Complex32>,
    scratch: Vec<Complex32>,
    hop: usize,
}

impl LoopOfRustfft {
    fn new(template: &[Complex<f64>], fft_len: usize) -> Self {
        let mut planner = FftPlanner::new();
        let (forward, inverse) = (planner.plan_fft_forward(fft_len), planner.plan_fft_inverse(fft_len));
        let mut spectrum: Vec<_> =
            template.iter().map(|x| Complex32::new(x.re as f32, x.im as f32)).collect();
        spectrum.resize(fft_len, Complex32::ZERO);
        forward.process(&mut spectrum);
        spectrum.iter_mut().for_each(|x| *x = x.conj() / fft_len as f32);
        let scratch = vec![Complex32::ZERO; forward.get_inplace_scratch_len()];
        let (block, hop) = (vec![Complex32::ZERO; fft_len], fft_len + 1 - template.len());
        Self { forward, inverse, spectrum, block, scratch, hop }
    }

    fn run(&mut self, samples: &[Complex32], outputs: &mut [Complex32]) {
        for (k, out) in outputs.chunks_exact_mut(self.hop).enumerate() {
            let rest = &samples[k * self.hop..];
            let n = rest.len().min(self.block.len());
            self.block[..n].copy_from_slice(&rest[..n]);
            self.block[n..].fill(Complex32::ZERO);
            self.forward.process_with_scratch(&mut self.block, &mut self.scratch);
            self.block.iter_mut().zip(&self.spectrum).for_each(|(x, h)| *x *= h);
            self.inverse.process_with_scratch(&mut self.block, &mut self.scratch);
            out.copy_from_slice(&self.block[..self.hop]);
        }
    }
}

fn main() {
    common::run(|criterion| {
        matched_filter(criterion);
        convolver(criterion);
    });
}
