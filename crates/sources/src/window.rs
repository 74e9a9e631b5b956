//! The stretch of a run that a segmenter can see: what it carried over, and the block it has in hand.

use rangegate_core::{BlockHeader, IqBlock, SampleFormat};
use std::ops::Range;
use std::sync::Arc;

/// Consecutive samples of one run, up to the end of the block in hand.
///
/// Blocks that go on where the one before ended in the same shared memory become one long block, at no cost.
/// Other blocks are not joined: what is still needed of one is carried over when the next comes.
pub(crate) struct Window {
    format: SampleFormat,
    n_channels: usize,
    /// Samples that lie directly before `block`, interleaved.
    carried: Vec<u8>,
    block: IqBlock,
}

impl Window {
    /// A window that can carry `capacity` samples without growing.
    pub(crate) fn new(format: SampleFormat, n_channels: usize, capacity: usize) -> Self {
        let carried = Vec::with_capacity(capacity * format.bytes() * n_channels);
        Self { format, n_channels, carried, block: IqBlock::default() }
    }

    fn frame_bytes(&self) -> usize {
        self.format.bytes() * self.n_channels
    }

    /// Index one past the last sample in sight.
    pub(crate) fn end(&self) -> u64 {
        self.block.end_sample()
    }

    /// Begins anew with a block, and leaves an old one in its place.
    pub(crate) fn begin(&mut self, block: &mut IqBlock) {
        self.carried.clear();
        std::mem::swap(&mut self.block, block);
    }

    /// Appends the block that follows, leaving an old one in its place. Samples before index `keep_from` are
    /// needed no more.
    pub(crate) fn append(&mut self, block: &mut IqBlock, keep_from: u64) {
        if self.extend_shared(block) {
            return;
        }
        let frame_bytes = self.frame_bytes();
        let first = self.block.header.first_sample;
        let n_carried = self.carried.len() / frame_bytes;
        let n_kept = usize::try_from(first.saturating_sub(keep_from)).unwrap_or(usize::MAX).min(n_carried);
        self.carried.drain(..(n_carried - n_kept) * frame_bytes);
        let skipped = usize::try_from(keep_from.saturating_sub(first)).unwrap_or(usize::MAX);
        let kept = skipped.min(self.block.n_samples())..self.block.n_samples();
        let old_len = self.carried.len();
        self.carried.resize(old_len + kept.len() * frame_bytes, 0);
        copy_interleaved(&self.block, kept, &mut self.carried[old_len..]);
        std::mem::swap(&mut self.block, block);
    }

    /// Lengthens the block in hand by one that goes on in the same memory, if it does.
    fn extend_shared(&mut self, next: &IqBlock) -> bool {
        let (Some((memory, start)), Some((next_memory, next_start))) = (self.block.shared(), next.shared())
        else {
            return false;
        };
        let (layout, next_layout) = (self.block.layout(), next.layout());
        let goes_on = std::ptr::addr_eq(Arc::as_ptr(memory), Arc::as_ptr(next_memory))
            && layout.sample_stride == next_layout.sample_stride
            && (self.n_channels == 1 || layout.channel_stride == next_layout.channel_stride)
            && next_start == start + self.block.n_samples() * layout.sample_stride;
        if goes_on {
            let n_samples = self.block.n_samples() + next.n_samples();
            let header = self.block.header;
            self.block.share(header, self.format, layout, self.n_channels, n_samples, next_memory, start);
        }
        goes_on
    }

    /// Makes `out` the samples with the indices `range`, all of which must be in sight: a view where they lie
    /// in shared memory, else a copy.
    pub(crate) fn cut(&self, range: Range<u64>, header: BlockHeader, out: &mut IqBlock) {
        let first = self.block.header.first_sample;
        let n_samples = (range.end - range.start) as usize;
        if let (Some((memory, start)), Some(offset)) = (self.block.shared(), range.start.checked_sub(first)) {
            let layout = self.block.layout();
            let start = start + offset as usize * layout.sample_stride;
            out.share(header, self.format, layout, self.n_channels, n_samples, memory, start);
            return;
        }
        let frame_bytes = self.frame_bytes();
        let bytes = out.fill(header, self.format, self.n_channels, n_samples);
        let from_carried = first.saturating_sub(range.start).min(n_samples as u64) as usize;
        let (head, rest) = bytes.split_at_mut(from_carried * frame_bytes);
        if from_carried > 0 {
            let back = (first - range.start) as usize * frame_bytes;
            let start = self.carried.len() - back;
            head.copy_from_slice(&self.carried[start..start + head.len()]);
        }
        if !rest.is_empty() {
            let start = (range.start.max(first) - first) as usize;
            copy_interleaved(&self.block, start..start + n_samples - from_carried, rest);
        }
    }
}

/// Copies samples of a block of any layout, channels side by side without padding.
pub(crate) fn copy_interleaved(block: &IqBlock, samples: Range<usize>, out: &mut [u8]) {
    let (bytes, layout, width) = (block.bytes(), block.layout(), block.format().bytes());
    let n_channels = block.n_channels();
    let frame_bytes = width * n_channels;
    let packed = layout.sample_stride == frame_bytes && (n_channels == 1 || layout.channel_stride == width);
    if packed {
        out.copy_from_slice(&bytes[samples.start * frame_bytes..samples.end * frame_bytes]);
        return;
    }
    for (frame, sample) in out.chunks_exact_mut(frame_bytes).zip(samples) {
        for (channel, value) in frame.chunks_exact_mut(width).enumerate() {
            let at = sample * layout.sample_stride + channel * layout.channel_stride;
            value.copy_from_slice(&bytes[at..at + width]);
        }
    }
}
