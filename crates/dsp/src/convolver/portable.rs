//! Forward, multiply, inverse, by `rustfft`.

use super::{Output, Plan, Samples, Work};
use crate::lines::Lines;
use crate::simd::{self, Kernel, LANES, multiply_add, product};
use rangegate_core::Complex32;
use rustfft::{Fft, FftPlanner};
use std::fmt;
use std::sync::Arc;

/// The transforms, and `conj(F) / fft_len` of each template.
pub(super) struct Portable {
    fft_len: usize,
    forward: Arc<dyn Fft<f32>>,
    inverse: Arc<dyn Fft<f32>>,
    templates: Vec<Lines<Complex32>>,
}

impl Portable {
    pub(super) fn new(templates: Vec<Vec<Complex32>>, fft_len: usize) -> Self {
        let mut planner = FftPlanner::new();
        let (forward, inverse) = (planner.plan_fft_forward(fft_len), planner.plan_fft_inverse(fft_len));
        let in_lines = |template: Vec<Complex32>| {
            let mut lines = Lines::new(fft_len);
            lines.copy_from_slice(&template);
            lines
        };
        Self { fft_len, forward, inverse, templates: templates.into_iter().map(in_lines).collect() }
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
            spectra: Lines::new(n_blocks * self.fft_len),
            product: Lines::new(self.fft_len),
            scratch: Lines::new(scratch),
            plan: self,
        })
    }
}

#[derive(Debug)]
struct Worker {
    plan: Arc<Portable>,
    /// `[n_blocks × fft_len]`
    spectra: Lines<Complex32>,
    product: Lines<Complex32>,
    scratch: Lines<Complex32>,
}

impl Work for Worker {
    fn convolve(&mut self, samples: Samples<'_>, lead: usize, template: usize, out: Output<'_>) -> f32 {
        let energy = fill(&mut self.product, samples, lead);
        self.plan.forward.process_with_scratch(&mut self.product, &mut self.scratch);
        let template = &self.plan.templates[template];
        simd::run(Multiply { spectrum: None, template, product: &mut self.product });
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
        let (spectrum, template) =
            (&self.spectra[block * n..(block + 1) * n], &self.plan.templates[template]);
        simd::run(Multiply { spectrum: Some(spectrum), template, product: &mut self.product });
        self.invert(out);
    }
}

impl Worker {
    fn invert(&mut self, out: Output<'_>) {
        self.plan.inverse.process_with_scratch(&mut self.product, &mut self.scratch);
        let power = |out: &mut [f32]| {
            out.iter_mut().zip(self.product.iter()).for_each(|(out, y)| *out = y.norm_sqr());
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

struct Multiply<'a> {
    /// What is multiplied in the place of what the product holds, if anything.
    spectrum: Option<&'a [Complex32]>,
    template: &'a [Complex32],
    product: &'a mut [Complex32],
}

impl Kernel for Multiply<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let of_template = self.product.iter_mut().zip(self.template);
        match self.spectrum {
            Some(spectrum) => of_template.zip(spectrum).for_each(|((y, &h), &x)| *y = product::<FMA>(x, h)),
            None => of_template.for_each(|(y, &h)| *y = product::<FMA>(*y, h)),
        }
    }
}

/// Zeros, samples, zeros; gives the samples' energy.
fn fill(block: &mut [Complex32], samples: Samples<'_>, lead: usize) -> f32 {
    let (zeros, rest) = block.split_at_mut(lead);
    let (room, padding) = rest.split_at_mut(samples.len());
    zeros.fill(Complex32::ZERO);
    padding.fill(Complex32::ZERO);
    let room = bytemuck::cast_slice_mut(room);
    match samples {
        Samples::Cs8(x) => {
            simd::run(Convert { room, numbers: parts(x), as_f32: |[x]: [u8; 1]| f32::from(x as i8) / 128.0 })
        }
        Samples::Cs16(x) => simd::run(Convert {
            room,
            numbers: parts(x),
            as_f32: |x| f32::from(i16::from_le_bytes(x)) / 32_768.0,
        }),
        Samples::Cf32(x) => simd::run(Convert { room, numbers: parts(x), as_f32: f32::from_le_bytes }),
    }
}

/// Real and imaginary parts of stored samples.
fn parts<const SIZE: usize, const PART: usize>(samples: &[[u8; SIZE]]) -> &[[u8; PART]] {
    samples.as_flattened().as_chunks().0
}

/// Gives the sum of squares, while the numbers are in registers.
struct Convert<'a, const SIZE: usize, F> {
    room: &'a mut [f32],
    numbers: &'a [[u8; SIZE]],
    as_f32: F,
}

impl<const SIZE: usize, F: Fn([u8; SIZE]) -> f32> Kernel for Convert<'_, SIZE, F> {
    type Output = f32;

    #[inline(always)]
    fn run<const FMA: bool>(self) -> f32 {
        let Self { room, numbers, as_f32 } = self;
        // Apart, because a sum has to wait for the one before.
        let mut squares = [0.0_f32; 4 * LANES];
        for (room, numbers) in room.chunks_mut(squares.len()).zip(numbers.chunks(4 * LANES)) {
            for ((sum, x), number) in squares.iter_mut().zip(room).zip(numbers) {
                *x = as_f32(*number);
                *sum = multiply_add::<FMA>(*x, *x, *sum);
            }
        }
        squares.iter().sum()
    }
}
