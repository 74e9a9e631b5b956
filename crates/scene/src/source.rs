//! The samples of a scene.

use crate::Scene;
use crate::plan::Train;
use crate::radar::RadarWorker;
use crate::random::Randomness;
use rand_distr::{Distribution, StandardNormal};
use rangegate_core::{BlockHeader, BoxError, Complex32, IqBlock, Source, StreamInfo};
use rangegate_dsp::quantise::{digitise, quantise};
use rangegate_dsp::waveform::Signal;
use std::f64::consts::TAU;
use std::ops::Range;
use std::sync::Arc;

/// Samples that are made at a time, on a grid from the scene's first sample.
const CHUNK: usize = 4096;

/// Makes the samples of a scene, block by block.
///
/// Memory: one chunk of 4096 samples, whatever the length of the scene.
#[derive(Debug)]
pub struct SceneSource {
    scene: Arc<Scene>,
    block_samples: usize,
    /// The run that comes next, and how much of it was given.
    run: usize,
    at: u64,
    chunk: Chunk,
}

/// The samples of one place of the grid.
#[derive(Debug)]
struct Chunk {
    index: Option<u64>,
    /// One channel `[CHUNK]`.
    samples: Vec<Complex32>,
    /// All of them as stored `[CHUNK × n_channels]`.
    bytes: Vec<u8>,
    radar: Option<RadarWorker>,
}

impl SceneSource {
    /// Begins at the start of the scene; blocks hold up to `block_samples` samples, at least one.
    pub fn new(scene: Arc<Scene>, block_samples: usize) -> Self {
        let size = CHUNK * scene.info.n_channels * scene.info.format.bytes();
        let radar = scene.radar.as_ref().map(|radar| RadarWorker::new(radar, CHUNK));
        let chunk = Chunk { index: None, samples: vec![Complex32::ZERO; CHUNK], bytes: vec![0; size], radar };
        let at = scene.runs[0].start;
        Self { scene, block_samples: block_samples.max(1), run: 0, at, chunk }
    }
}

impl Source for SceneSource {
    fn info(&self) -> &StreamInfo {
        &self.scene.info
    }

    fn next_block(&mut self, block: &mut IqBlock) -> Result<bool, BoxError> {
        let scene = &*self.scene;
        let Some(run) = scene.runs.get(self.run) else { return Ok(false) };
        let n_samples = (run.end - self.at).min(self.block_samples as u64) as usize;
        let header = BlockHeader {
            first_sample: scene.origin() + self.at,
            anchor: scene.info.anchor,
            after_gap: self.run > 0 && self.at == run.start,
            center_frequency_hz: scene.info.center_frequency_hz,
        };
        let size = scene.info.format.bytes() * scene.info.n_channels;
        let mut rest = block.fill(header, scene.info.format, scene.info.n_channels, n_samples);
        while !rest.is_empty() {
            self.chunk.make(scene, self.at / CHUNK as u64);
            let from = (self.at % CHUNK as u64) as usize;
            let n = (CHUNK - from).min(rest.len() / size);
            let (piece, tail) = rest.split_at_mut(n * size);
            piece.copy_from_slice(&self.chunk.bytes[from * size..(from + n) * size]);
            self.at += n as u64;
            rest = tail;
        }
        if self.at == run.end {
            self.run += 1;
            self.at = scene.runs.get(self.run).map_or(run.end, |next| next.start);
        }
        Ok(true)
    }
}

impl Chunk {
    /// Makes the chunk the one at `index`, unless it is.
    fn make(&mut self, scene: &Scene, index: u64) {
        if self.index == Some(index) {
            return;
        }
        let first = index * CHUNK as u64;
        let format = scene.info.format;
        let heard = match (&mut self.radar, &scene.radar) {
            (Some(worker), Some(radar)) => worker.make(radar, first),
            _ => &[],
        };
        let adc_bits = scene.radar.as_ref().and_then(|radar| radar.adc_bits);
        for channel in 0..scene.info.n_channels {
            let samples = &mut self.samples;
            fill_with_noise(scene, index, channel, samples);
            add_bursts(scene, &(first..first + CHUNK as u64), channel, samples);
            for (x, heard) in samples.iter_mut().zip(heard) {
                *x += heard;
            }
            for tone in &scene.tones {
                tone.add(first, samples);
            }
            if let Some(bits) = adc_bits {
                digitise(samples, bits);
            }
            let stride = format.bytes() * scene.info.n_channels;
            quantise(samples, format, &mut self.bytes, channel * format.bytes(), stride);
        }
        self.index = Some(index);
    }
}

fn fill_with_noise(scene: &Scene, chunk: u64, channel: usize, samples: &mut [Complex32]) {
    let deviation = scene.noise_deviation;
    if deviation <= 0.0 {
        return samples.fill(Complex32::ZERO);
    }
    let mut rng = scene.seeded.at(Randomness::Noise { chunk, channel });
    let mut normal = || -> f32 { StandardNormal.sample(&mut rng) };
    for x in samples {
        *x = Complex32::new(deviation * normal(), deviation * normal());
    }
}

fn add_bursts(scene: &Scene, range: &Range<u64>, channel: usize, samples: &mut [Complex32]) {
    for (number, train) in scene.trains.iter().chain(&scene.interference).enumerate() {
        if train.channels.contains(&channel) {
            add_train(scene, number, train, range, samples);
        }
    }
}

fn add_train(scene: &Scene, number: usize, train: &Train, range: &Range<u64>, samples: &mut [Complex32]) {
    for index in train.bursts_in(range) {
        let edge = train.leading_edge(index);
        let start = (edge.floor() as u64).max(range.start);
        let end = ((edge + train.length).ceil() as u64).min(range.end);
        if start >= end {
            continue;
        }
        let (phase, doppler) = train.phase(scene, number, index);
        let burst = Burst {
            signal: &train.signal,
            edge,
            amplitude: train.amplitude,
            phase,
            doppler,
            sample_period_s: 1.0 / scene.info.sample_rate.hz(),
        };
        for (n, x) in (start..end).zip(&mut samples[(start - range.start) as usize..]) {
            *x += burst.sample(n);
        }
    }
}

/// One burst, ready to be sampled.
struct Burst<'a> {
    signal: &'a Signal,
    /// Leading edge in samples.
    edge: f64,
    amplitude: f64,
    /// Phase at the leading edge, cycles.
    phase: f64,
    /// Cycles a sample.
    doppler: f64,
    sample_period_s: f64,
}

impl Burst<'_> {
    fn sample(&self, n: u64) -> Complex32 {
        let after_edge = n as f64 - self.edge;
        let (sin, cos) = (TAU * (self.phase + self.doppler * after_edge)).sin_cos();
        let value = self.signal.value(after_edge * self.sample_period_s) * self.amplitude;
        Complex32::new((value.re * cos - value.im * sin) as f32, (value.re * sin + value.im * cos) as f32)
    }
}
