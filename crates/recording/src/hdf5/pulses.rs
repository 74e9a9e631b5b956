//! Which samples stand at which absolute index: the datasets as stretches, one for each pulse.

use super::samples::SampleArray;
use crate::{Error, Result};
use rangegate_core::{BlockHeader, IqBlock, Layout, SampleFormat, SampleRate};
use std::path::Path;

/// Samples in one dataset, or I in one and Q in another.
pub(crate) enum Samples {
    One(SampleArray),
    Apart(Box<Apart>),
}

/// I in one dataset and Q in another, real numbers of the same type and shape.
pub(crate) struct Apart {
    pub i: SampleArray,
    pub q: SampleArray,
    pub blocks: [IqBlock; 2],
}

impl Samples {
    pub(crate) fn first(&self) -> &SampleArray {
        match self {
            Self::One(array) => array,
            Self::Apart(apart) => &apart.i,
        }
    }

    pub(crate) fn format(&self) -> SampleFormat {
        match self {
            Self::One(array) => array.format(),
            Self::Apart(apart) => SampleFormat { complex: true, ..apart.i.format() },
        }
    }

    pub(crate) fn is_mapped(&self) -> bool {
        matches!(self, Self::One(array) if array.is_mapped())
    }

    pub(crate) fn read(
        &mut self,
        pulse: usize,
        sample: usize,
        max_samples: usize,
        header: BlockHeader,
        block: &mut IqBlock,
    ) -> Result<()> {
        let format = self.format();
        match self {
            Self::One(array) => array.read(pulse, sample, max_samples, header, block),
            Self::Apart(apart) => {
                let Apart { i, q, blocks } = apart.as_mut();
                let n = i.run(sample, max_samples).min(q.run(sample, max_samples));
                i.read(pulse, sample, n, header, &mut blocks[0])?;
                q.read(pulse, sample, n, header, &mut blocks[1])?;
                let n_channels = i.n_channels();
                let out = block.fill(header, format, n_channels, n);
                for (half, part) in blocks.iter().enumerate() {
                    let size = part.format().bytes();
                    let Layout { sample_stride, channel_stride } = part.layout();
                    let halves = out.chunks_exact_mut(size).skip(half).step_by(2);
                    for (index, to) in halves.enumerate() {
                        let at = index / n_channels * sample_stride + index % n_channels * channel_stride;
                        to.copy_from_slice(&part.bytes()[at..at + size]);
                    }
                }
                Ok(())
            }
        }
    }
}

/// All datasets in order.
pub(crate) struct Pulses {
    parts: Vec<Part>,
    n_pulses: u64,
    /// The time from one pulse to the next in samples, as a fraction.
    pri: Option<(u128, u128)>,
}

struct Part {
    samples: Samples,
    /// Pulses of the parts before.
    first_pulse: u64,
    /// Samples of the parts before.
    first_sample: u64,
}

/// A pulse, or a dataset where there are none: a stretch of samples without a hole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stretch {
    pub number: u64,
    pub start: u64,
    pub len: u64,
    part: usize,
    pulse: usize,
}

impl Pulses {
    /// # Errors
    /// The datasets hold more than indices can count, or a pulse is longer than the PRI.
    pub(crate) fn new(
        path: &Path,
        datasets: Vec<Samples>,
        pri_s: Option<f64>,
        rate: SampleRate,
    ) -> Result<Self> {
        let too_many = || Error::new(path, "the datasets hold more samples than a 64-bit index counts");
        let (mut first_pulse, mut first_sample, mut longest) = (0_u64, 0_u64, 0_u64);
        let mut parts = Vec::with_capacity(datasets.len());
        for samples in datasets {
            let (n_pulses, len) = (samples.first().n_pulses() as u64, samples.first().n_samples() as u64);
            let n_samples = n_pulses.checked_mul(len).ok_or_else(too_many)?;
            parts.push(Part { samples, first_pulse, first_sample });
            first_pulse = first_pulse.checked_add(n_pulses).ok_or_else(too_many)?;
            first_sample = first_sample.checked_add(n_samples).ok_or_else(too_many)?;
            longest = longest.max(len);
        }
        let pri = pri_s.map(|pri_s| pri_samples(path, pri_s, rate, longest, first_pulse)).transpose()?;
        Ok(Self { parts, n_pulses: first_pulse, pri })
    }

    fn stretch(&self, number: u64) -> Stretch {
        let part = self.parts.partition_point(|p| p.first_pulse <= number) - 1;
        let Part { samples, first_pulse, first_sample } = &self.parts[part];
        let (pulse, len) = (number - first_pulse, samples.first().n_samples() as u64);
        let start = match self.pri {
            // Rounded to the nearest sample. That it fits was seen when the recording was opened.
            Some((above, below)) => ((2 * u128::from(number) * above + below) / (2 * below)) as u64,
            None => first_sample + pulse * len,
        };
        Stretch { number, start, len, part, pulse: pulse as usize }
    }

    /// The first stretch with samples at or after an index.
    pub(crate) fn find(&self, at: u64) -> Option<Stretch> {
        let (mut low, mut high) = (0, self.n_pulses);
        while low < high {
            let middle = low + (high - low) / 2;
            let stretch = self.stretch(middle);
            if stretch.start + stretch.len > at { high = middle } else { low = middle + 1 }
        }
        (low < self.n_pulses).then(|| self.stretch(low))
    }

    /// One past the last index.
    pub(crate) fn end(&self) -> u64 {
        self.n_pulses.checked_sub(1).map_or(0, |last| {
            let last = self.stretch(last);
            last.start + last.len
        })
    }

    /// Number of samples that are there.
    pub(crate) fn n_samples(&self) -> u64 {
        let of = |p: &Part| (p.samples.first().n_pulses() * p.samples.first().n_samples()) as u64;
        self.parts.iter().map(of).sum()
    }

    pub(crate) fn datasets(&self) -> impl Iterator<Item = &Samples> {
        self.parts.iter().map(|p| &p.samples)
    }

    /// Puts samples of a stretch, from its sample `offset` on, into `block`.
    pub(crate) fn read(
        &mut self,
        stretch: Stretch,
        offset: u64,
        max_samples: usize,
        header: BlockHeader,
        block: &mut IqBlock,
    ) -> Result<()> {
        let samples = &mut self.parts[stretch.part].samples;
        samples.read(stretch.pulse, offset as usize, max_samples, header, block)
    }
}

/// The PRI as a fraction of samples.
fn pri_samples(
    path: &Path,
    pri_s: f64,
    rate: SampleRate,
    longest: u64,
    n_pulses: u64,
) -> Result<(u128, u128)> {
    // The simplest fraction that the number stands for: 0.0001 is 1/10,000 and not the float next to it.
    let seconds = SampleRate::from_hz(pri_s)
        .map_err(|_| Error::field(path, "pri_s", pri_s, "a finite number of seconds above zero"))?;
    let above = u128::from(seconds.numerator()) * u128::from(rate.numerator());
    let below = u128::from(seconds.denominator()) * u128::from(rate.denominator());
    if above / below < u128::from(longest) {
        let expected = format!("no shorter than a pulse, which has {longest} samples at {rate}");
        return Err(Error::field(path, "pri_s", pri_s, expected));
    }
    let fits =
        |end: u128| end.checked_add(below)?.checked_mul(2)?.checked_add(below).map(|n| n / (2 * below));
    let end = above.checked_mul(u128::from(n_pulses)).and_then(fits);
    match end {
        Some(end) if below <= u128::MAX / 4 && end < u128::from(u64::MAX) => Ok((above, below)),
        _ => Err(Error::field(
            path,
            "pri_s",
            pri_s,
            format!("small enough to count {n_pulses} pulses in samples"),
        )),
    }
}
