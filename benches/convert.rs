//! Stored samples to complex baseband, in cache, as it happens on the way into the matched filter.

mod common;

use common::noise_block;
use criterion::{Criterion, Throughput};
use rangegate_core::{Complex32, SampleRate, ToBaseband};
use rangegate_dsp::convert::Converter;

const N_SAMPLES: usize = 8192;

/// A stored number as a share of full scale.
fn number(format: &str, bytes: &[u8], at: usize) -> f32 {
    match format {
        "cs8" => f32::from(bytes[at] as i8) / 128.0,
        "cs16" => f32::from(i16::from_le_bytes([bytes[2 * at], bytes[2 * at + 1]])) / 32_768.0,
        _ => f32::from_le_bytes(bytes[4 * at..][..4].try_into().expect("four bytes")),
    }
}

fn convert(criterion: &mut Criterion) {
    let rate = SampleRate::new(20_000_000, 1).expect("a rate");
    let mut group = criterion.benchmark_group("convert");
    group.throughput(Throughput::Elements(N_SAMPLES as u64));
    for format in ["cs8", "cs16", "cf32"] {
        let block = noise_block(format, N_SAMPLES);
        let converter = Converter::new(block.format(), ToBaseband::default(), rate).expect("a converter");
        let mut samples = vec![Complex32::ZERO; N_SAMPLES];

        assert_eq!(converter.convert(&block, 0, 0..N_SAMPLES, &mut samples), 0, "{format}");
        for (n, found) in samples.iter().enumerate() {
            let [re, im] = [2 * n, 2 * n + 1].map(|at| number(format, block.bytes(), at));
            assert_eq!(*found, Complex32::new(re, im), "{format}, sample {n}");
        }

        group.bench_function(format, |b| b.iter(|| converter.convert(&block, 0, 0..N_SAMPLES, &mut samples)));
    }
    group.finish();
}

fn main() {
    common::run(convert);
}
