//! Streams whose every byte is known from its index.
#![allow(dead_code)] // Each test program uses its own part.

use rangegate_core::{
    BlockHeader, BoxError, ByteSource, IqBlock, Layout, SampleFormat, SampleRate, Scalar, Source, StreamInfo,
    ToBaseband,
};
use std::ops::Range;
use std::sync::Arc;

/// Three bytes a sample would be odd; four show a swap of any two.
pub const FORMAT: SampleFormat = SampleFormat::complex(Scalar::I16);

/// The bytes of one sample of one channel.
pub fn value(index: u64, channel: usize) -> [u8; 4] {
    let x = (index + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
        ^ (channel as u64 + 1).wrapping_mul(0xd134_2543_de82_ef95);
    ((x >> 29) as u32).to_le_bytes()
}

/// Samples interleaved.
pub fn interleaved(range: Range<u64>, n_channels: usize) -> Vec<u8> {
    range.flat_map(|index| (0..n_channels).flat_map(move |channel| value(index, channel))).collect()
}

/// Samples channel by channel.
pub fn planar(range: Range<u64>, n_channels: usize) -> Vec<u8> {
    (0..n_channels).flat_map(|channel| range.clone().flat_map(move |index| value(index, channel))).collect()
}

/// What a block holds, interleaved, read by the definition of its layout.
pub fn bytes_of(block: &IqBlock) -> Vec<u8> {
    let (bytes, layout) = (block.bytes(), block.layout());
    let at = |n: usize, c: usize| n * layout.sample_stride + c * layout.channel_stride;
    (0..block.n_samples())
        .flat_map(|n| (0..block.n_channels()).flat_map(move |c| bytes[at(n, c)..at(n, c) + 4].to_vec()))
        .collect()
}

/// Memory of `range`, and its layout.
pub fn memory(range: Range<u64>, n_channels: usize, as_planar: bool) -> (Arc<dyn ByteSource>, Layout) {
    let n_samples = (range.end - range.start) as usize;
    if as_planar {
        (Arc::new(planar(range, n_channels)), Layout::planar(FORMAT, n_samples))
    } else {
        (Arc::new(interleaved(range, n_channels)), Layout::interleaved(FORMAT, n_channels))
    }
}

/// A block in a buffer of its own.
pub fn owned_block(header: BlockHeader, n_samples: usize, n_channels: usize) -> IqBlock {
    let mut block = IqBlock::default();
    let range = header.first_sample..header.first_sample + n_samples as u64;
    block.fill(header, FORMAT, n_channels, n_samples).copy_from_slice(&interleaved(range, n_channels));
    block
}

pub fn stream_info(n_channels: usize) -> StreamInfo {
    StreamInfo {
        sample_rate: SampleRate::new(1000, 1).unwrap(),
        n_channels,
        format: FORMAT,
        to_baseband: ToBaseband::default(),
        center_frequency_hz: None,
        first_sample: 0,
        anchor: None,
        n_samples: None,
        pulse_len: None,
    }
}

/// Hands out blocks that were made before.
pub struct Blocks {
    pub info: StreamInfo,
    pub blocks: std::vec::IntoIter<IqBlock>,
}

impl Blocks {
    pub fn new(n_channels: usize, blocks: Vec<IqBlock>) -> Self {
        Self { info: stream_info(n_channels), blocks: blocks.into_iter() }
    }
}

impl Source for Blocks {
    fn info(&self) -> &StreamInfo {
        &self.info
    }

    fn next_block(&mut self, block: &mut IqBlock) -> Result<bool, BoxError> {
        Ok(self.blocks.next().map(|next| *block = next).is_some())
    }
}
