//! Correlation of blocks of samples with templates by transforms, in the fastest way the machine has.
//!
//! `y[n] = Σ_k conj(f[k])·x[n+k]`, for the `n` whose sum lies within a block of [`Convolver::fft_len`] samples: the
//! first [`Convolver::n_valid`]. A [`Convolver`] hides how: transforms whose passes are written for this machine's
//! vectors, and those of `rustfft` where there are none or the length is none of theirs. All give the same but for
//! rounding. [`Convolver::path`] says which it is.
//!
//! The vectors' way takes a spectrum in whatever order it comes, since only the template must share it: nothing is ever
//! reordered. Samples are converted by the first pass and outputs written by the last, so a block is read and written
//! once.
//!
//! # Cost
//! O(log fft_len) a sample and template. Templates share the forward transform, half the cost of one.

mod butterfly;
mod factors;
mod passes;
mod path;
mod portable;
#[cfg(test)]
mod tests;
mod transform;
mod vectors;

pub use path::Path;

use rangegate_core::Complex32;
use rustfft::FftPlanner;
use rustfft::num_complex::Complex;
use std::ops::Range;
use std::sync::Arc;

/// Samples as they are stored, little-endian pairs of I and Q. Integers are read as fractions of full scale.
#[derive(Clone, Copy, Debug)]
pub enum Samples<'a> {
    /// Of 8 bits, signed.
    Cs8(&'a [[u8; 2]]),
    /// Of 16 bits, signed.
    Cs16(&'a [[u8; 4]]),
    /// Of binary32, all of them finite.
    Cf32(&'a [[u8; 8]]),
}

impl<'a> Samples<'a> {
    /// Number of samples.
    pub fn len(&self) -> usize {
        match self {
            Self::Cs8(samples) => samples.len(),
            Self::Cs16(samples) => samples.len(),
            Self::Cf32(samples) => samples.len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What they are stored in.
    pub fn bytes(&self) -> &'a [u8] {
        match self {
            Self::Cs8(samples) => samples.as_flattened(),
            Self::Cs16(samples) => samples.as_flattened(),
            Self::Cf32(samples) => samples.as_flattened(),
        }
    }

    /// Bytes of one.
    pub fn size(&self) -> usize {
        match self {
            Self::Cs8(_) => 2,
            Self::Cs16(_) => 4,
            Self::Cf32(_) => 8,
        }
    }

    /// Some of them.
    ///
    /// # Panics
    /// * the range leaves them.
    #[must_use]
    pub fn part(&self, range: Range<usize>) -> Self {
        match self {
            Self::Cs8(samples) => Self::Cs8(&samples[range]),
            Self::Cs16(samples) => Self::Cs16(&samples[range]),
            Self::Cf32(samples) => Self::Cf32(&samples[range]),
        }
    }

    /// `len` of them from `first` on, or as many as there are.
    #[must_use]
    pub fn block(&self, first: usize, len: usize) -> Self {
        let n = self.len();
        self.part(first.min(n)..first.saturating_add(len).min(n))
    }
}

impl<'a> From<&'a [Complex32]> for Samples<'a> {
    fn from(samples: &'a [Complex32]) -> Self {
        // Machines are little-endian, or `Path` leaves them the portable way, which reads as the machine does.
        Self::Cf32(bytemuck::cast_slice(samples))
    }
}

/// What is made of `y`.
#[derive(Debug)]
pub enum Output<'a> {
    /// `y`
    Complex(&'a mut [Complex32]),
    /// `y`, past the caches where that begins at a cache line of 64 bytes: for memory that is not read again soon.
    PastCaches(&'a mut [Complex32]),
    /// `|y|²`
    Power(&'a mut [f32]),
    /// Both of the same length.
    Both(&'a mut [Complex32], &'a mut [f32]),
}

impl Output<'_> {
    /// Number of outputs that there is room for.
    pub fn len(&self) -> usize {
        match self {
            Self::Complex(out) | Self::PastCaches(out) | Self::Both(out, _) => out.len(),
            Self::Power(out) => out.len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Some of the room.
    ///
    /// # Panics
    /// * the range leaves it.
    pub fn part(&mut self, range: Range<usize>) -> Output<'_> {
        match self {
            Self::Complex(out) => Output::Complex(&mut out[range]),
            Self::PastCaches(out) => Output::PastCaches(&mut out[range]),
            Self::Power(out) => Output::Power(&mut out[range]),
            Self::Both(complex, power) => Output::Both(&mut complex[range.clone()], &mut power[range]),
        }
    }
}

/// A bank of templates with what it takes to correlate with them. Immutable; clones share it.
#[derive(Clone, Debug)]
pub struct Convolver {
    fft_len: usize,
    longest: usize,
    path: Path,
    plan: Arc<dyn Plan>,
}

impl Convolver {
    /// Plans the correlation with each of some templates, in blocks of `fft_len`, the way [`Path::chosen`] is.
    ///
    /// # Panics
    /// * a template is longer than `fft_len`, or that is 0.
    pub fn plan(templates: &[Vec<Complex<f64>>], fft_len: usize) -> Self {
        Self::plan_for(Path::chosen(), templates, fft_len)
    }

    /// Likewise, the given way where the machine has it and it has the length, else the portable one.
    ///
    /// # Panics
    /// As [`plan`](Self::plan).
    pub fn plan_for(path: Path, templates: &[Vec<Complex<f64>>], fft_len: usize) -> Self {
        let longest = templates.iter().map(Vec::len).max().unwrap_or(0);
        assert!(longest <= fft_len && fft_len > 0, "templates of up to {longest} samples for {fft_len}");
        let spectra = spectra(templates, fft_len);
        let planned = vectors::plan(path, &spectra, fft_len).map(|plan| (path, plan));
        let (path, plan) =
            planned.unwrap_or_else(|| (Path::Portable, Arc::new(portable::Portable::new(spectra, fft_len))));
        Self { fft_len, longest, path, plan }
    }

    /// Length of a block and of its transform.
    pub fn fft_len(&self) -> usize {
        self.fft_len
    }

    /// Outputs of a block that are whole sums for the longest template.
    pub fn n_valid(&self) -> usize {
        self.fft_len + 1 - self.longest.max(1)
    }

    /// How far to go from block to block: what is valid, but that outputs of all blocks begin at a cache line if those
    /// of the first do.
    pub fn hop(&self) -> usize {
        let n = self.n_valid();
        if n >= 256 { n - n % 16 } else { n }
    }

    /// The way that is taken.
    pub fn path(&self) -> Path {
        self.path
    }

    /// What runs the plan, with room for the spectra of some blocks.
    pub fn make_worker(&self, n_blocks: usize) -> ConvolverWorker {
        let work = Arc::clone(&self.plan).make_worker(n_blocks);
        ConvolverWorker { fft_len: self.fft_len, hop: self.hop(), work }
    }
}

/// Runs a [`Convolver`].
#[derive(Debug)]
pub struct ConvolverWorker {
    fft_len: usize,
    hop: usize,
    work: Box<dyn Work>,
}

impl ConvolverWorker {
    /// Correlates a block with one template: `lead` zeros, the samples, and zeros to its end. `out` takes the first
    /// outputs, as many as it has room for. Spectra of blocks that are loaded stay. Gives the samples' energy, Σ|x|².
    ///
    /// # Panics
    /// * zeros and samples are more than a block, or there is room for more outputs than that, or not the same for
    ///   power, or no such template.
    pub fn convolve(&mut self, samples: Samples<'_>, lead: usize, template: usize, out: Output<'_>) -> f32 {
        self.check_samples(samples, lead);
        self.check_room(&out);
        self.work.convolve(samples, lead, template, out)
    }

    /// Correlates a run of samples with one template, block by block: as many outputs as `out` has room for. After the
    /// last sample all is zero. Spectra of blocks that are loaded stay. Gives the energy, Σ|x|², of the block in which
    /// that is most.
    ///
    /// # Panics
    /// * there is not the same room for power, or no such template.
    pub fn filter(&mut self, samples: Samples<'_>, template: usize, out: Output<'_>) -> f32 {
        check_powers(&out);
        let run = Run { samples, fft_len: self.fft_len, hop: self.hop };
        self.work.filter(run, template, out)
    }

    /// Transforms a block, as [`convolve`](Self::convolve) takes it, for [`correlate`](Self::correlate). Gives the
    /// samples' energy, Σ|x|².
    ///
    /// # Panics
    /// * zeros and samples are more than a block, or there is no such block.
    pub fn load(&mut self, block: usize, samples: Samples<'_>, lead: usize) -> f32 {
        self.check_samples(samples, lead);
        self.work.load(block, samples, lead)
    }

    /// Correlates a loaded block with one template.
    ///
    /// # Panics
    /// * there is room for more outputs than a block, or not the same for power, or no such block or template.
    pub fn correlate(&mut self, block: usize, template: usize, out: Output<'_>) {
        self.check_room(&out);
        self.work.correlate(block, template, out);
    }

    fn check_samples(&self, samples: Samples<'_>, lead: usize) {
        let (n, fft_len) = (samples.len(), self.fft_len);
        assert!(
            lead <= fft_len && n <= fft_len - lead,
            "{lead} zeros and {n} samples in a block of {fft_len}"
        );
    }

    fn check_room(&self, out: &Output<'_>) {
        let (n, fft_len) = (out.len(), self.fft_len);
        assert!(n <= fft_len, "{n} outputs of a block of {fft_len}");
        check_powers(out);
    }
}

fn check_powers(out: &Output<'_>) {
    if let Output::Both(complex, power) = out {
        assert_eq!(complex.len(), power.len(), "room for outputs and for their power");
    }
}

/// Samples in blocks of `fft_len` that follow one another at `hop`.
#[derive(Clone, Copy, Debug)]
struct Run<'a> {
    samples: Samples<'a>,
    fft_len: usize,
    hop: usize,
}

impl<'a> Run<'a> {
    /// As many samples of a block as there are.
    fn block(&self, number: usize) -> Samples<'a> {
        self.samples.block(number * self.hop, self.fft_len)
    }

    /// Room for the outputs of a block.
    fn part<'b>(&self, number: usize, out: &'b mut Output<'_>) -> Output<'b> {
        let n = out.len();
        out.part(number * self.hop..((number + 1) * self.hop).min(n))
    }
}

/// A way of doing it.
trait Plan: std::fmt::Debug + Send + Sync {
    fn make_worker(self: Arc<Self>, n_blocks: usize) -> Box<dyn Work>;
}

/// What runs a [`Plan`].
trait Work: std::fmt::Debug + Send {
    fn convolve(&mut self, samples: Samples<'_>, lead: usize, template: usize, out: Output<'_>) -> f32;

    /// Gives the greatest energy of a block.
    fn filter(&mut self, run: Run<'_>, template: usize, mut out: Output<'_>) -> f32 {
        (0..out.len().div_ceil(run.hop))
            .map(|k| self.convolve(run.block(k), 0, template, run.part(k, &mut out)))
            .fold(0.0, f32::max)
    }

    fn load(&mut self, block: usize, samples: Samples<'_>, lead: usize) -> f32;

    fn correlate(&mut self, block: usize, template: usize, out: Output<'_>);
}

/// `conj(F) / fft_len` of each template.
fn spectra(templates: &[Vec<Complex<f64>>], fft_len: usize) -> Vec<Vec<Complex32>> {
    let fft = FftPlanner::new().plan_fft_forward(fft_len);
    let scale = 1.0 / fft_len as f64;
    let spectrum = |template: &Vec<Complex<f64>>| {
        let mut bins = template.clone();
        bins.resize(fft_len, Complex::ZERO);
        fft.process(&mut bins);
        bins.iter().map(|x| Complex32::new((x.re * scale) as f32, (-x.im * scale) as f32)).collect()
    };
    templates.iter().map(spectrum).collect()
}
