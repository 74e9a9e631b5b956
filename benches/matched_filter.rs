//! Samples of an SDR to matched-filter output: conversion from cs16, then overlap-save, a block at a time on one core.

mod common;

use common::noise_block;
use criterion::{BenchmarkId, Criterion, Throughput};
use rangegate_core::{Complex32, IqBlock, SampleRate, ToBaseband};
use rangegate_dsp::convert::Converter;
use rangegate_dsp::matched_filter::{MatchedFilter, MatchedFilterPlan};
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
            self.filter.load(samples, self.hop.min(n_outputs - first));
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

fn main() {
    common::run(matched_filter);
}
