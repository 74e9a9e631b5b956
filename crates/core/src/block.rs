//! IQ blocks: runs of consecutive samples as the device stored them.

use crate::sample_rate::timestamp_plus_nanos;
use crate::{SampleFormat, SampleRate, Timestamp};
use serde::{Deserialize, Serialize};
use std::ops::Range;
use std::sync::Arc;

/// One sample whose time is known; every other sample's time follows from it and the sample rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimeAnchor {
    /// Absolute index of the sample.
    pub sample: u64,
    /// When it was taken.
    pub time: Timestamp,
}

impl TimeAnchor {
    /// Time of the sample with this absolute index plus `fraction` of a sample period, rounded down to the
    /// nanosecond. `None` outside the calendar.
    pub fn time_of(&self, sample: u64, fraction: f64, rate: SampleRate) -> Option<Timestamp> {
        let whole = rate.nanos_from_samples(i128::from(sample) - i128::from(self.sample));
        let part = (fraction / rate.hz() * 1e9).round() as i128;
        timestamp_plus_nanos(self.time, whole + part)
    }

    /// Absolute index of the first sample at or after `time`; 0 where that lies before index 0.
    pub fn sample_at(&self, time: Timestamp, rate: SampleRate) -> u64 {
        let nanos = time.as_nanosecond() - self.time.as_nanosecond();
        let sample = i128::from(self.sample) + rate.samples_from_nanos_up(nanos);
        u64::try_from(sample.max(0)).unwrap_or(u64::MAX)
    }
}

/// Where and when the samples of a block belong.
#[derive(Clone, Copy, Debug, PartialEq, Default, Serialize, Deserialize)]
pub struct BlockHeader {
    /// Absolute index of the first sample.
    pub first_sample: u64,
    /// Ties indices to time; `None` where the recording does not say when it was made.
    pub anchor: Option<TimeAnchor>,
    /// The sample before the first was lost, or never taken: nothing may be glued across.
    /// Not set on the first block of a stream.
    pub after_gap: bool,
    /// Frequency the receiver was tuned to, Hz.
    pub center_frequency_hz: Option<f64>,
}

/// Where sample `n` of channel `c` stands: at byte `n · sample_stride + c · channel_stride`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Bytes from one sample to the next of the same channel.
    pub sample_stride: usize,
    /// Bytes from one channel to the next at the same sample.
    pub channel_stride: usize,
}

impl Layout {
    /// Channels side by side in every sample, without padding: what most recordings hold.
    pub const fn interleaved(format: SampleFormat, n_channels: usize) -> Self {
        Self { sample_stride: format.bytes() * n_channels, channel_stride: format.bytes() }
    }

    /// One channel after the other, `n_samples` each.
    pub const fn planar(format: SampleFormat, n_samples: usize) -> Self {
        Self { sample_stride: format.bytes(), channel_stride: format.bytes() * n_samples }
    }

    /// Bytes from the first byte of the first sample to one past the last.
    pub const fn span(&self, format: SampleFormat, n_channels: usize, n_samples: usize) -> usize {
        if n_samples == 0 || n_channels == 0 {
            return 0;
        }
        (n_samples - 1) * self.sample_stride + (n_channels - 1) * self.channel_stride + format.bytes()
    }
}

/// Memory that somebody else owns and that stays as it is while it is shared: a mapped file.
pub trait ByteSource: Send + Sync {
    /// All of it.
    fn bytes(&self) -> &[u8];
}

impl ByteSource for Vec<u8> {
    fn bytes(&self) -> &[u8] {
        self
    }
}

#[derive(Clone)]
enum Bytes {
    Owned,
    Shared(Arc<dyn ByteSource>, Range<usize>),
}

/// A run of consecutive samples `[n_channels × n_samples]`, in the device's own numbers, with its header.
///
/// The bytes are either the block's own buffer, which is kept and reused, or a range of shared memory, so
/// that a mapped recording is never copied.
#[derive(Clone)]
pub struct IqBlock {
    /// Where and when.
    pub header: BlockHeader,
    format: SampleFormat,
    layout: Layout,
    n_channels: usize,
    n_samples: usize,
    bytes: Bytes,
    buffer: Vec<u8>,
}

impl IqBlock {
    /// An empty block whose own buffer holds `capacity` bytes without growing.
    pub fn with_capacity(capacity: usize) -> Self {
        let format = SampleFormat::complex(crate::Scalar::F32);
        Self {
            header: BlockHeader::default(),
            format,
            layout: Layout::interleaved(format, 1),
            n_channels: 1,
            n_samples: 0,
            bytes: Bytes::Owned,
            buffer: Vec::with_capacity(capacity),
        }
    }

    /// Bytes that the block's own buffer holds without growing.
    pub fn capacity(&self) -> usize {
        self.buffer.capacity()
    }

    /// Makes the block `n_samples` of the given shape in its own buffer, interleaved, and returns the buffer
    /// to be filled. What stands in it before is unspecified.
    pub fn fill(
        &mut self,
        header: BlockHeader,
        format: SampleFormat,
        n_channels: usize,
        n_samples: usize,
    ) -> &mut [u8] {
        self.header = header;
        self.format = format;
        self.layout = Layout::interleaved(format, n_channels);
        self.n_channels = n_channels;
        self.n_samples = n_samples;
        self.bytes = Bytes::Owned;
        self.buffer.resize(format.bytes() * n_channels * n_samples, 0);
        &mut self.buffer
    }

    /// Makes the block a view of shared memory, beginning at byte `start`.
    ///
    /// # Panics
    /// The samples reach past the end of the memory.
    #[allow(clippy::too_many_arguments)]
    pub fn share(
        &mut self,
        header: BlockHeader,
        format: SampleFormat,
        layout: Layout,
        n_channels: usize,
        n_samples: usize,
        memory: &Arc<dyn ByteSource>,
        start: usize,
    ) {
        let end = start + layout.span(format, n_channels, n_samples);
        let available = memory.bytes().len();
        assert!(end <= available, "block ends at byte {end} of {available}");
        self.header = header;
        self.format = format;
        self.layout = layout;
        self.n_channels = n_channels;
        self.n_samples = n_samples;
        self.bytes = Bytes::Shared(Arc::clone(memory), start..end);
    }

    /// Shortens the block to its first `n_samples` samples; longer than the block is left as it is.
    pub fn truncate(&mut self, n_samples: usize) {
        if n_samples >= self.n_samples {
            return;
        }
        self.n_samples = n_samples;
        let span = self.layout.span(self.format, self.n_channels, n_samples);
        match &mut self.bytes {
            Bytes::Owned => self.buffer.truncate(span),
            Bytes::Shared(_, range) => range.end = range.start + span,
        }
    }

    /// The stored bytes, from the first sample's first byte to one past the last sample's last.
    pub fn bytes(&self) -> &[u8] {
        match &self.bytes {
            Bytes::Owned => &self.buffer,
            Bytes::Shared(memory, range) => &memory.bytes()[range.clone()],
        }
    }

    /// Becomes the same as another block, without allocating where its own buffer is long enough.
    pub fn copy_from(&mut self, other: &Self) {
        if let Bytes::Shared(..) = other.bytes {
            let buffer = std::mem::take(&mut self.buffer);
            *self = Self { buffer, bytes: other.bytes.clone(), ..*other };
        } else {
            self.fill(other.header, other.format, other.n_channels, other.n_samples)
                .copy_from_slice(&other.buffer);
            self.layout = other.layout;
        }
    }

    /// Becomes the same samples one channel after the other, each of them whole: who reads one channel at a time passes
    /// through memory once for it, not once for all. Allocates nothing where the own buffer is long enough.
    pub fn copy_apart_from(&mut self, other: &Self) {
        let (format, n_channels, n_samples) = (other.format, other.n_channels, other.n_samples);
        let layout = other.layout;
        let (from, to) = (other.bytes(), self.fill(other.header, format, n_channels, n_samples));
        if n_samples > 0 {
            match format.bytes() {
                1 => separate::<1>(from, layout, to, n_samples),
                2 => separate::<2>(from, layout, to, n_samples),
                4 => separate::<4>(from, layout, to, n_samples),
                8 => separate::<8>(from, layout, to, n_samples),
                _ => separate::<16>(from, layout, to, n_samples),
            }
        }
        self.layout = Layout::planar(format, n_samples);
    }

    /// The stored bytes, to be changed; empty where the block does not own them.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        match &self.bytes {
            Bytes::Owned => &mut self.buffer,
            Bytes::Shared(..) => &mut [],
        }
    }

    /// The shared memory and the byte at which this block begins in it, or `None` where the block owns its
    /// bytes.
    pub fn shared(&self) -> Option<(&Arc<dyn ByteSource>, usize)> {
        match &self.bytes {
            Bytes::Owned => None,
            Bytes::Shared(memory, range) => Some((memory, range.start)),
        }
    }

    /// How one sample of one channel is stored.
    pub fn format(&self) -> SampleFormat {
        self.format
    }

    /// Where each sample stands in [`IqBlock::bytes`].
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// Number of coherent channels.
    pub fn n_channels(&self) -> usize {
        self.n_channels
    }

    /// Number of samples a channel.
    pub fn n_samples(&self) -> usize {
        self.n_samples
    }

    /// Whether there is no sample.
    pub fn is_empty(&self) -> bool {
        self.n_samples == 0
    }

    /// Absolute index one past the last sample.
    pub fn end_sample(&self) -> u64 {
        self.header.first_sample + self.n_samples as u64
    }
}

/// Samples of `SIZE` bytes, brought to one plane of `n_samples` a channel.
fn separate<const SIZE: usize>(from: &[u8], layout: Layout, to: &mut [u8], n_samples: usize) {
    /// Samples that are passed over for one channel after the other while they are in the innermost cache.
    const PIECE: usize = 256;
    let planes = to.as_chunks_mut::<SIZE>().0;
    for start in (0..n_samples).step_by(PIECE) {
        let end = n_samples.min(start + PIECE);
        for (channel, plane) in planes.chunks_exact_mut(n_samples).enumerate() {
            let from = &from[start * layout.sample_stride + channel * layout.channel_stride..];
            for (to, sample) in plane[start..end].iter_mut().zip(from.chunks(layout.sample_stride)) {
                if let Some(sample) = sample.first_chunk() {
                    *to = *sample;
                }
            }
        }
    }
}

impl Default for IqBlock {
    fn default() -> Self {
        Self::with_capacity(0)
    }
}

impl std::fmt::Debug for IqBlock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IqBlock")
            .field("header", &self.header)
            .field("format", &self.format)
            .field("n_channels", &self.n_channels)
            .field("n_samples", &self.n_samples)
            .field("shared", &self.shared().is_some())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_come_apart_whole() {
        for (name, n_channels) in [("cu8", 3), ("cs16", 16), ("cf32", 2), ("rs16", 5), ("cf64", 7)] {
            let format: SampleFormat = name.parse().unwrap();
            let (size, n) = (format.bytes(), 1000);
            let mut block = IqBlock::default();
            let header = BlockHeader { first_sample: 77, ..BlockHeader::default() };
            let bytes = block.fill(header, format, n_channels, n);
            bytes.iter_mut().enumerate().for_each(|(k, byte)| *byte = (k * 31 % 251) as u8);
            let mut apart = IqBlock::default();
            apart.copy_apart_from(&block);
            assert_eq!(
                (apart.header, apart.n_samples(), apart.layout()),
                (header, n, Layout::planar(format, n))
            );
            let mut copy = IqBlock::default();
            copy.copy_from(&apart);
            for found in [&apart, &copy] {
                for (at, sample) in block.bytes().chunks(size).enumerate() {
                    let (at, channel) = (at / n_channels, at % n_channels);
                    assert_eq!(
                        &found.bytes()[(channel * n + at) * size..][..size],
                        sample,
                        "{name} {channel}"
                    );
                }
            }
        }
        let mut apart = IqBlock::default();
        apart.copy_apart_from(&IqBlock::default());
        assert!(apart.is_empty());
    }
}
