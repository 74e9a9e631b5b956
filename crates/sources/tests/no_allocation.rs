//! Segments flow without an allocation after warm-up, copied or shared. A program of its own without the test
//! harness: the allocator counts for the whole process, and the harness allocates when it likes.

mod common;

use common::{FORMAT, interleaved, memory, stream_info};
use rangegate_core::{BlockHeader, BoxError, ByteSource, IqBlock, Layout, Segment, Source, StreamInfo};
use rangegate_counting_alloc::{Counting, allocations_of_process};
use rangegate_sources::{SegmentPlan, Segmenter};
use std::sync::Arc;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const BLOCK: usize = 700;
const BLOCKS: u64 = 5000;

/// Blocks of 700 samples with a gap now and then: in their own buffers, or in a memory of ten blocks that
/// comes again and again, as files do.
struct Endless {
    info: StreamInfo,
    template: Vec<u8>,
    shared: Option<(Arc<dyn ByteSource>, Layout)>,
    n: u64,
    at: u64,
}

impl Source for Endless {
    fn info(&self) -> &StreamInfo {
        &self.info
    }

    fn next_block(&mut self, block: &mut IqBlock) -> Result<bool, BoxError> {
        if self.n == BLOCKS {
            return Ok(false);
        }
        self.at += if self.n % 37 == 36 { 5 } else { 0 };
        let header = BlockHeader { first_sample: self.at, ..BlockHeader::default() };
        match &self.shared {
            Some((memory, layout)) => {
                let start = (self.n % 10) as usize * BLOCK * layout.sample_stride;
                block.share(header, FORMAT, *layout, 2, BLOCK, memory, start);
            }
            None => block.fill(header, FORMAT, 2, BLOCK).copy_from_slice(&self.template),
        }
        self.n += 1;
        self.at += BLOCK as u64;
        Ok(true)
    }
}

fn allocations_after_warm_up(shared: Option<(Arc<dyn ByteSource>, Layout)>) -> u64 {
    let template = interleaved(0..BLOCK as u64, 2);
    let source = Endless { info: stream_info(2), template, shared, n: 0, at: 0 };
    let plan = SegmentPlan {
        core_len: 900,
        lead: 250,
        tail: 130,
        n_sets: 2,
        whole_cores_only: false,
        joins_pulses: false,
    };
    let mut segmenter = Segmenter::new(source, plan).unwrap();
    let mut slots: Vec<Segment> = (0..3).map(|_| segmenter.make_segment()).collect();
    let mut warm = 0;
    let mut n_segments = 0;
    while segmenter.next_segment(&mut slots[n_segments % 3]).unwrap() {
        n_segments += 1;
        if n_segments == 20 {
            warm = allocations_of_process();
        }
    }
    assert!(n_segments > 7000, "{n_segments}");
    allocations_of_process() - warm
}

fn main() {
    assert_eq!(allocations_after_warm_up(None), 0, "copied");
    for planar in [false, true] {
        let shared = memory(0..10 * BLOCK as u64, 2, planar);
        assert_eq!(allocations_after_warm_up(Some(shared)), 0, "shared, planar: {planar}");
    }
    let before = allocations_of_process();
    drop(std::hint::black_box(vec![1_u8]));
    assert_eq!(allocations_of_process() - before, 1, "the counter counts");
}
