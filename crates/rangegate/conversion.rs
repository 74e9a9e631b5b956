//! From the stream that a recording holds to the one that `convert` writes: other channels, other numbers, fewer samples.

use anyhow::{Context, Result, anyhow, bail};
use rangegate_core::{
    BlockHeader, ByteOrder, Complex32, IqBlock, SampleFormat, SampleRate, StreamInfo, TimeAnchor, ToBaseband,
};
use rangegate_dsp::convert::Converter;
use rangegate_dsp::decimate::{Decimation, Decimator, MAX_FACTOR};
use rangegate_dsp::quantise::quantise;
use rangegate_recording::Annotation;
use std::ops::Range;
use std::sync::Arc;

/// Samples that are handled at a time, so that they stay in cache.
const CHUNK: usize = 1 << 15;

/// What is to become of a stream.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    /// Channels to keep; all where there is none.
    pub channels: Option<Vec<usize>>,
    /// How to store samples.
    pub format: Option<SampleFormat>,
    /// Inputs for each output.
    pub factor: usize,
}

/// Turns blocks of one stream into blocks of another.
pub struct Conversion {
    stream: StreamInfo,
    rate_in: SampleRate,
    channels: Vec<usize>,
    factor: u64,
    work: Work,
    out: IqBlock,
    counts: Counts,
}

/// What a conversion did to samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Numbers beyond the full scale of their new format, counted once a sample and channel.
    pub clipped: u64,
    /// Samples that were no numbers: they became 0.
    pub bad: u64,
}

/// Takes the blocks that come out.
pub type Write<'a> = dyn FnMut(&IqBlock) -> Result<()> + 'a;

enum Work {
    /// The blocks as they are.
    Pass,
    /// The same numbers of other channels, or in the other byte order.
    Move { swap: bool },
    /// Other numbers.
    Numbers { converter: Converter, samples: Vec<Complex32> },
    /// Fewer samples.
    Filter { converter: Converter, samples: Vec<Complex32>, run: Run },
}

/// A stretch of samples without a gap on its way through the filter.
struct Run {
    decimators: Vec<Decimator>,
    /// What came out of each channel and has not been written.
    outputs: Vec<Vec<Complex32>>,
    /// Header of the latest block, whose index is that of the input to come; `None` before the first.
    header: Option<BlockHeader>,
    /// The next output follows a gap.
    after_gap: bool,
}

impl Conversion {
    /// Plans a conversion.
    ///
    /// # Errors
    /// A channel does not exist or is named twice, a complex stream is to become real, or a factor is out of range.
    pub fn new(input: &StreamInfo, wanted: &Wanted) -> Result<Self> {
        let channels = wanted.channels.clone().unwrap_or_else(|| (0..input.n_channels).collect());
        check_channels(&channels, input.n_channels)?;
        let decimates = wanted.factor != 1;
        let mixes = decimates && input.to_baseband.intermediate_frequency_hz != 0.0;
        let native = input.format.with_order(ByteOrder::Little);
        let format = wanted.format.unwrap_or(SampleFormat { complex: native.complex || mixes, ..native });
        if !format.complex && (input.format.complex || mixes) {
            bail!(
                "--sample-format is {format}, expected a complex one such as cs16: the samples are complex"
            );
        }
        let (factor, rate) = (wanted.factor as u64, input.sample_rate);
        let mut stream = StreamInfo { n_channels: channels.len(), format, ..input.clone() };
        let work = if decimates {
            let plan = Decimation::new(wanted.factor).map(Arc::new);
            let plan = plan.map_err(|_| {
                // One of one is all of them, and needs no filter.
                anyhow!("--decimate is {}, expected 1 to {MAX_FACTOR}", wanted.factor)
            })?;
            let slower = rate.denominator().checked_mul(factor).context("--decimate: the rate is too low")?;
            stream.sample_rate = SampleRate::new(rate.numerator(), slower)?;
            stream.first_sample = input.first_sample.div_ceil(factor);
            stream.anchor = input.anchor.and_then(|anchor| slowed(anchor, rate, factor));
            (stream.n_samples, stream.pulse_len) = (None, None);
            // A mixer and a filter cannot change places.
            stream.to_baseband = ToBaseband::default();
            let run = Run {
                decimators: vec![Decimator::new(plan); channels.len()],
                outputs: vec![Vec::new(); channels.len()],
                header: None,
                after_gap: false,
            };
            let converter = Converter::new(input.format, input.to_baseband, rate)?;
            Work::Filter { converter, samples: vec![Complex32::ZERO; CHUNK], run }
        } else if (format.scalar, format.complex) != (input.format.scalar, input.format.complex) {
            let converter = Converter::new(input.format, ToBaseband::default(), rate)?;
            Work::Numbers { converter, samples: vec![Complex32::ZERO; CHUNK] }
        } else if format == input.format && channels.iter().copied().eq(0..input.n_channels) {
            Work::Pass
        } else {
            Work::Move { swap: format.order != input.format.order }
        };
        let (out, counts) = (IqBlock::default(), Counts::default());
        Ok(Self { stream, rate_in: rate, channels, factor, work, out, counts })
    }

    /// The channels of the input that come out, in this order.
    pub fn channels(&self) -> &[usize] {
        &self.channels
    }

    /// The stream that comes out.
    pub fn stream(&self) -> &StreamInfo {
        &self.stream
    }

    /// What was done to samples so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// A note on the input as one on the output, if it speaks of a part of `window`.
    pub fn note(&self, note: &Annotation, window: (u64, u64)) -> Option<Annotation> {
        let end = note.n_samples.map(|n| note.first_sample.saturating_add(n));
        if note.first_sample >= window.1 || end.is_some_and(|end| end <= window.0) {
            return None;
        }
        let first_sample = note.first_sample.max(window.0) / self.factor;
        let n_samples = end.map(|end| end.min(window.1).div_ceil(self.factor).saturating_sub(first_sample));
        Some(Annotation { first_sample, n_samples, ..note.clone() })
    }

    /// Takes the next block of the input.
    ///
    /// # Errors
    /// Those of `write`.
    pub fn push(&mut self, block: &IqBlock, write: &mut Write<'_>) -> Result<()> {
        if let Work::Pass = self.work {
            return write(block);
        }
        if let Work::Filter { .. } = self.work {
            self.begin_run(&block.header, write)?;
        }
        let mut at = 0;
        while at < block.n_samples() {
            let end = (at + CHUNK).min(block.n_samples());
            self.push_chunk(block, at..end, write)?;
            at = end;
        }
        Ok(())
    }

    /// The input has ended.
    ///
    /// # Errors
    /// Those of `write`.
    pub fn finish(&mut self, write: &mut Write<'_>) -> Result<()> {
        let Work::Filter { run, .. } = &mut self.work else { return Ok(()) };
        if run.header.is_none() {
            return Ok(());
        }
        for (decimator, outputs) in run.decimators.iter_mut().zip(&mut run.outputs) {
            decimator.finish(outputs);
        }
        self.write_outputs(write)
    }

    fn push_chunk(&mut self, block: &IqBlock, range: Range<usize>, write: &mut Write<'_>) -> Result<()> {
        let (n, format, n_channels) = (range.len(), self.stream.format, self.channels.len());
        let header = BlockHeader {
            first_sample: block.header.first_sample + range.start as u64,
            after_gap: block.header.after_gap && range.start == 0,
            ..block.header
        };
        let stride = format.bytes() * n_channels;
        match &mut self.work {
            Work::Pass => return write(block),
            Work::Move { swap } => {
                let bytes = self.out.fill(header, format, n_channels, n);
                for (place, &channel) in self.channels.iter().enumerate() {
                    copy_channel(block, channel, range.start, &mut bytes[place * format.bytes()..], stride);
                }
                if *swap {
                    bytes.chunks_exact_mut(format.scalar.size()).for_each(<[u8]>::reverse);
                }
            }
            Work::Numbers { converter, samples } => {
                let bytes = self.out.fill(header, format, n_channels, n);
                let samples = &mut samples[..n];
                for (place, &channel) in self.channels.iter().enumerate() {
                    self.counts.bad += converter.convert(block, channel, range.clone(), samples) as u64;
                    self.counts.clipped +=
                        quantise(samples, format, bytes, place * format.bytes(), stride) as u64;
                }
            }
            Work::Filter { converter, samples, run } => {
                let samples = &mut samples[..n];
                for (place, &channel) in self.channels.iter().enumerate() {
                    self.counts.bad += converter.convert(block, channel, range.clone(), samples) as u64;
                    run.decimators[place].push(samples, &mut run.outputs[place]);
                }
                run.header = Some(BlockHeader { first_sample: header.first_sample + n as u64, ..header });
                return self.write_outputs(write);
            }
        }
        write(&self.out)
    }

    /// Ends the run and begins another where the block does not go on with it.
    fn begin_run(&mut self, header: &BlockHeader, write: &mut Write<'_>) -> Result<()> {
        let Work::Filter { run, .. } = &self.work else { return Ok(()) };
        let follows = run.header.is_some_and(|of_run| {
            of_run.first_sample == header.first_sample
                && !header.after_gap
                && of_run.center_frequency_hz == header.center_frequency_hz
        });
        if follows {
            return Ok(());
        }
        self.finish(write)?;
        let Work::Filter { run, .. } = &mut self.work else { return Ok(()) };
        let is_gap = |before: BlockHeader| header.after_gap || before.first_sample != header.first_sample;
        run.after_gap |= run.header.is_some_and(is_gap);
        run.header = Some(*header);
        for decimator in &mut run.decimators {
            decimator.begin(header.first_sample);
        }
        Ok(())
    }

    /// Writes what came out of the filters.
    fn write_outputs(&mut self, write: &mut Write<'_>) -> Result<()> {
        let Work::Filter { run, .. } = &mut self.work else { return Ok(()) };
        let n = run.outputs.first().map_or(0, Vec::len);
        let (Some(of_input), Some(decimator), 1..) = (run.header, run.decimators.first(), n) else {
            return Ok(());
        };
        let header = BlockHeader {
            first_sample: decimator.next_sample() - n as u64,
            anchor: of_input.anchor.and_then(|anchor| slowed(anchor, self.rate_in, self.factor)),
            after_gap: std::mem::take(&mut run.after_gap),
            ..of_input
        };
        let format = self.stream.format;
        let stride = format.bytes() * run.outputs.len();
        let bytes = self.out.fill(header, format, run.outputs.len(), n);
        for (place, outputs) in run.outputs.iter_mut().enumerate() {
            self.counts.clipped += quantise(outputs, format, bytes, place * format.bytes(), stride) as u64;
            outputs.clear();
        }
        write(&self.out)
    }
}

fn check_channels(channels: &[usize], n_channels: usize) -> Result<()> {
    if channels.is_empty() {
        bail!("--channels names none");
    }
    for (place, channel) in channels.iter().enumerate() {
        if *channel >= n_channels {
            bail!("--channels names channel {channel}, expected 0 to {}", n_channels - 1);
        }
        if channels[..place].contains(channel) {
            bail!("--channels names channel {channel} twice");
        }
    }
    Ok(())
}

/// What ties the indices of every N-th sample to time: exact where the anchor is one of them, else to the nanosecond.
fn slowed(anchor: TimeAnchor, rate: SampleRate, factor: u64) -> Option<TimeAnchor> {
    let sample = anchor.sample.div_ceil(factor);
    let time = anchor.time_of(sample.checked_mul(factor)?, 0.0, rate)?;
    Some(TimeAnchor { sample, time })
}

/// Copies samples of one channel, from `first` on, to places `stride` bytes apart.
fn copy_channel(block: &IqBlock, channel: usize, first: usize, out: &mut [u8], stride: usize) {
    let (layout, size) = (block.layout(), block.format().bytes());
    let start = channel * layout.channel_stride + first * layout.sample_stride;
    let samples = block.bytes()[start..].chunks(layout.sample_stride);
    for (place, sample) in out.chunks_mut(stride).zip(samples) {
        place[..size].copy_from_slice(&sample[..size]);
    }
}
