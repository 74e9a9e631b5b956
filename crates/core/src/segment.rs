//! Segments: the pieces of a stream that a chain works on, each on its own.

use crate::IqBlock;
use std::ops::Range;

/// A piece of a run of samples on a fixed grid, with as much of its surroundings as the chain asked for.
///
/// The segments of one run have cores that follow one another without gap or overlap, at multiples of the
/// hop from the run's first sample; where the run was read from and in how large blocks makes no difference.
/// Thus each can be worked on by any thread, and the results are the same.
///
/// ```text
///   run      |=====================================================|
///   cores    |   core 0    |   core 1    |   core 2    |  core 3   |
///   segment 1           lead|   core 1   |tail
/// ```
#[derive(Clone, Debug, Default)]
pub struct Segment {
    /// Lead, core and tail. Lead and tail are cut where the run begins and ends.
    pub block: IqBlock,
    /// Which samples of `block` are this segment's own: `[core.start, core.end)`, in samples of the block.
    pub core: Range<usize>,
    /// Counts segments from 0 through the whole stream.
    pub sequence: u64,
    /// The run begins at the block's first sample.
    pub starts_run: bool,
    /// The run ends at the block's last sample.
    pub ends_run: bool,
    /// Which of the chain's replica sets is to be worked on; the same segment may come once for each.
    pub set: usize,
}

impl Segment {
    /// Absolute index of the first sample of the core.
    pub fn core_first_sample(&self) -> u64 {
        self.block.header.first_sample + self.core.start as u64
    }
}
