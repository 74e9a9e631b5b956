//! What is made as it is played, read by index as a recording is.

use crate::replay::Playable;
use crate::window::copy_interleaved;
use rangegate_core::{BlockHeader, BoxError, IqBlock, Source, StreamInfo};
use rangegate_pipeline::Stop;

/// A source that can be made from its start again. It is read forwards; before an index that it has passed it is made
/// anew.
pub(crate) struct Made {
    make: Box<dyn Fn() -> Box<dyn Source> + Send>,
    source: Box<dyn Source>,
    /// The block that the source gave last.
    held: IqBlock,
    /// Nothing before this index was asked for since the source was made.
    passed: u64,
    /// Ends a long way to an index.
    stop: Stop,
}

impl Made {
    pub(crate) fn new(make: Box<dyn Fn() -> Box<dyn Source> + Send>, stop: Stop) -> Self {
        let source = make();
        Self { make, source, held: IqBlock::default(), passed: 0, stop }
    }

    pub(crate) fn info(&self) -> &StreamInfo {
        self.source.info()
    }
}

impl Playable for Made {
    fn read(&mut self, at: u64, max_samples: usize, block: &mut IqBlock) -> Result<bool, BoxError> {
        if at < self.passed {
            self.source = (self.make)();
            self.held.truncate(0);
        }
        self.passed = at;
        while self.held.is_empty() || self.held.end_sample() <= at {
            if self.stop.is_set() || !self.source.next_block(&mut self.held)? {
                return Ok(false);
            }
        }
        let held = &self.held;
        let skipped = usize::try_from(at.saturating_sub(held.header.first_sample)).unwrap_or(usize::MAX);
        let range = skipped..held.n_samples().min(skipped.saturating_add(max_samples));
        let header = BlockHeader {
            first_sample: held.header.first_sample + skipped as u64,
            after_gap: held.header.after_gap && skipped == 0,
            ..held.header
        };
        let out = block.fill(header, held.format(), held.n_channels(), range.len());
        copy_interleaved(held, range, out);
        Ok(true)
    }

    fn losses(&self) -> &[String] {
        self.source.losses()
    }
}
