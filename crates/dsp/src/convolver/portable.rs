//! Forward, multiply, inverse, by `rustfft`.

use super::{Output, Plan, Samples, Work};
use rangegate_core::Complex32;
use rustfft::{Fft, FftPlanner};
use std::fmt;
use std::sync::Arc;

/// The transforms, and `conj(F) / fft_len` of each template.
pub(super) struct Portable {
    fft_len: usize,
    forward: Arc<dyn Fft<f32>>,
    inverse: Arc<dyn Fft<f32>>,
    templates: Vec<Vec<Complex32>>,
}

impl Portable {
    pub(super) fn new(templates: Vec<Vec<Complex32>>, fft_len: usize) -> Self {
        let mut planner = FftPlanner::new();
        let (forward, inverse) = (planner.plan_fft_forward(fft_len), planner.plan_fft_inverse(fft_len));
        Self { fft_len, forward, inverse, templates }
    }
}

impl fmt::Debug for Portable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Portable {{ fft_len: {}, templates: {} }}", self.fft_len, self.templates.len())
    }
}

impl Plan for Portable {
    fn make_worker(self: Arc<Self>, n_blocks: usize) -> Box<dyn Work> {
        let scratch = self.forward.get_inplace_scratch_len().max(self.inverse.get_inplace_scratch_len());
        Box::new(Worker {
            spectra: vec![Complex32::ZERO; n_blocks * self.fft_len],
            product: vec![Complex32::ZERO; self.fft_len],
            scratch: vec![Complex32::ZERO; scratch],
            plan: self,
        })
    }
}

#[derive(Debug)]
struct Worker {
    plan: Arc<Portable>,
    /// `[n_blocks × fft_len]`
    spectra: Vec<Complex32>,
    product: Vec<Complex32>,
    scratch: Vec<Complex32>,
}

impl Work for Worker {
    fn convolve(&mut self, samples: Samples<'_>, lead: usize, template: usize, out: Output<'_>) -> f32 {
        let energy = fill(&mut self.product, samples, lead);
        self.plan.forward.process_with_scratch(&mut self.product, &mut self.scratch);
        for (x, h) in self.product.iter_mut().zip(&self.plan.templates[template]) {
            *x *= h;
        }
        self.invert(out);
        energy
    }

    fn load(&mut self, block: usize, samples: Samples<'_>, lead: usize) -> f32 {
        let n = self.plan.fft_len;
        let spectrum = &mut self.spectra[block * n..(block + 1) * n];
        let energy = fill(spectrum, samples, lead);
        self.plan.forward.process_with_scratch(spectrum, &mut self.scratch);
        energy
    }

    fn correlate(&mut self, block: usize, template: usize, out: Output<'_>) {
        let n = self.plan.fft_len;
        let spectrum = &self.spectra[block * n..(block + 1) * n];
        for ((y, x), h) in self.product.iter_mut().zip(spectrum).zip(&self.plan.templates[template]) {
            *y = x * h;
        }
        self.invert(out);
    }
}

impl Worker {
    fn invert(&mut self, out: Output<'_>) {
        self.plan.inverse.process_with_scratch(&mut self.product, &mut self.scratch);
        let power = |out: &mut [f32]| {
            out.iter_mut().zip(&self.product).for_each(|(out, y)| *out = y.norm_sqr());
        };
        match out {
            Output::Complex(out) | Output::PastCaches(out) => out.copy_from_slice(&self.product[..out.len()]),
            Output::Power(out) => power(out),
            Output::Both(complex, out) => {
                complex.copy_from_slice(&self.product[..complex.len()]);
                power(out);
            }
        }
    }
}

/// Zeros, samples, zeros; gives the samples' energy.
fn fill(block: &mut [Complex32], samples: Samples<'_>, lead: usize) -> f32 {
    let (zeros, rest) = block.split_at_mut(lead);
    let (room, padding) = rest.split_at_mut(samples.len());
    zeros.fill(Complex32::ZERO);
    padding.fill(Complex32::ZERO);
    let eighth = |x: u8| f32::from(x as i8) / 128.0;
    let sixteenth = |a: u8, b: u8| f32::from(i16::from_le_bytes([a, b])) / 32_768.0;
    match samples {
        Samples::Cs8(samples) => {
            for (x, &[re, im]) in room.iter_mut().zip(samples) {
                *x = Complex32::new(eighth(re), eighth(im));
            }
        }
        Samples::Cs16(samples) => {
            for (x, &[a, b, c, d]) in room.iter_mut().zip(samples) {
                *x = Complex32::new(sixteenth(a, b), sixteenth(c, d));
            }
        }
        Samples::Cf32(samples) => {
            for (x, &[a, b, c, d, e, f, g, h]) in room.iter_mut().zip(samples) {
                *x = Complex32::new(f32::from_le_bytes([a, b, c, d]), f32::from_le_bytes([e, f, g, h]));
            }
        }
    }
    energy(room)
}

/// Σ|x|², in lanes that the compiler can add side by side.
fn energy(samples: &[Complex32]) -> f32 {
    const LANES: usize = 16;
    let (chunks, rest) = samples.as_chunks::<LANES>();
    let mut lanes = [0.0_f32; LANES];
    for chunk in chunks {
        lanes.iter_mut().zip(chunk).for_each(|(sum, x)| *sum += x.norm_sqr());
    }
    lanes.iter().sum::<f32>() + rest.iter().map(Complex32::norm_sqr).sum::<f32>()
}
