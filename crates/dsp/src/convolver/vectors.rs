//! A bank of templates for vectors of one kind.

use super::butterfly::Group;
use super::transform::{Radices, Transform};
use super::{Output, Path, Plan, Run, Samples, Work};
use crate::simd::{ComplexVector, Vector};
use rangegate_core::Complex32;
use std::sync::Arc;

/// A plan for spectra `conj(F) / fft_len`, where the machine has the instructions and they the length.
pub(super) fn plan(path: Path, spectra: &[Vec<Complex32>], fft_len: usize) -> Option<Arc<dyn Plan>> {
    match path {
        #[cfg(target_arch = "x86_64")]
        Path::Avx512 => bank::<crate::simd::Avx512>(spectra, fft_len),
        #[cfg(target_arch = "x86_64")]
        Path::Avx2 => bank::<crate::simd::Avx2>(spectra, fft_len),
        #[cfg(target_arch = "aarch64")]
        Path::Neon => bank::<crate::simd::Neon>(spectra, fft_len),
        _ => None,
    }
}

fn bank<V: Vector + std::fmt::Debug>(spectra: &[Vec<Complex32>], fft_len: usize) -> Option<Arc<dyn Plan>> {
    let transform = Transform::new(V::detect()?, &radices(fft_len, V::LANES)?);
    let templates = spectra.iter().map(|spectrum| transform.arrange(spectrum)).collect();
    Some(Arc::new(Bank { transform, templates }))
}

/// What was fastest, with few kernels to compile. The tail fits into the registers. With vectors of eight the first and
/// the last pass are of radix 4 where that divides: eight streams through samples and as many through the block have
/// more lines of one set than the innermost cache.
fn radices(fft_len: usize, n_lanes: usize) -> Option<Radices> {
    let (first, middle, tail): (usize, &[usize], usize) = match (n_lanes, fft_len) {
        (16, 256) => (4, &[], 4),
        (16, 512) => (4, &[], 8),
        (16, 1024) => (8, &[], 8),
        (16, 2048) => (8, &[], 16),
        (16, 4096) => (4, &[4], 16),
        (16, 8192) => (8, &[4], 16),
        (16, 16_384) => (8, &[8], 16),
        (16, 32_768) => (8, &[16], 16),
        (16, 65_536) => (8, &[4, 8], 16),
        (16, 131_072) => (8, &[4, 16], 16),
        (8, 256) => (8, &[], 4),
        (8, 512) => (4, &[4], 4),
        (8, 1024) => (4, &[8], 4),
        (8, 2048) => (4, &[4, 4], 4),
        (8, 4096) => (4, &[4, 8], 4),
        (8, 8192) => (4, &[4, 4, 4], 4),
        (8, 16_384) => (4, &[4, 8, 4], 4),
        (8, 32_768) => (4, &[4, 4, 4, 4], 4),
        (8, 65_536) => (4, &[4, 4, 8, 4], 4),
        (8, 131_072) => (4, &[4, 4, 4, 4, 4], 4),
        _ => return None,
    };
    let radices = Radices { first, middle: middle.to_vec(), tail };
    debug_assert_eq!(radices.len(n_lanes), fft_len, "{radices:?}");
    Some(radices)
}

#[derive(Debug)]
struct Bank<V> {
    transform: Transform<V>,
    templates: Vec<Vec<Group<V>>>,
}

impl<V: Vector + std::fmt::Debug> Plan for Bank<V> {
    fn make_worker(self: Arc<Self>, n_blocks: usize) -> Box<dyn Work> {
        let spectra = (0..n_blocks).map(|_| self.transform.make_block()).collect();
        Box::new(Worker { spectra, block: self.transform.make_block(), bank: self })
    }
}

#[derive(Debug)]
struct Worker<V> {
    bank: Arc<Bank<V>>,
    /// Of each block that can be loaded.
    spectra: Vec<Vec<ComplexVector<V>>>,
    block: Vec<ComplexVector<V>>,
}

impl<V: Vector + std::fmt::Debug> Work for Worker<V> {
    fn convolve(&mut self, samples: Samples<'_>, lead: usize, template: usize, out: Output<'_>) -> f32 {
        let Bank { transform, templates } = &*self.bank;
        let energy = transform.first_pass(samples, lead, &mut self.block);
        transform.forward_and_backward(samples, out.len(), &templates[template], &mut self.block);
        transform.last_pass(&mut self.block, out);
        energy
    }

    fn filter(&mut self, run: Run<'_>, template: usize, mut out: Output<'_>) -> f32 {
        let Self { bank, block, .. } = self;
        let (transform, template) = (&bank.transform, &bank.templates[template]);
        let Some(last) = out.len().div_ceil(run.hop).checked_sub(1) else { return 0.0 };
        let mut greatest = transform.first_pass(run.block(0), 0, block);
        for number in 0..last {
            transform.forward_and_backward(run.block(number), run.hop, template, block);
            let energy = transform.turn(block, run.part(number, &mut out), run.block(number + 1));
            greatest = greatest.max(energy);
        }
        transform.forward_and_backward(run.block(last), run.hop, template, block);
        transform.last_pass(block, run.part(last, &mut out));
        greatest
    }

    fn load(&mut self, block: usize, samples: Samples<'_>, lead: usize) -> f32 {
        let Bank { transform, .. } = &*self.bank;
        let energy = transform.first_pass(samples, lead, &mut self.spectra[block]);
        transform.forward(&mut self.spectra[block]);
        energy
    }

    fn correlate(&mut self, block: usize, template: usize, out: Output<'_>) {
        let Bank { transform, templates } = &*self.bank;
        transform.backward(&self.spectra[block], &templates[template], &mut self.block);
        transform.last_pass(&mut self.block, out);
    }
}
