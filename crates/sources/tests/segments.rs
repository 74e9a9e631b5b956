//! Segments of any stream, however its blocks are cut and stored, are those cut from the whole array.

mod common;

use common::{Blocks, FORMAT, bytes_of, interleaved, memory, owned_block, stream_info};
use proptest::prelude::*;
use rangegate_core::{BlockHeader, ByteSource, IqBlock, Layout, Segment, TimeAnchor};
use rangegate_sources::{PlanError, SegmentPlan, Segmenter, StreamCounts};
use std::sync::Arc;

/// How a run begins.
#[derive(Clone, Copy, Debug)]
enum Border {
    /// Samples are missing, and the source says so or not.
    Jump(u64, bool),
    /// The source says that samples are missing, the index goes on: a pulse.
    Flag,
    /// Another centre frequency.
    Retuned,
}

/// Where the bytes of a run are.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Store {
    /// In each block.
    Owned,
    /// In one memory.
    Shared { planar: bool },
    /// In one memory a block.
    Pieces { planar: bool },
    /// Owned and shared in turn.
    Mixed,
}

#[derive(Clone, Debug)]
struct RunSpec {
    border: Border,
    len: usize,
    /// Lengths of blocks, over and over; the last is cut at the run's end.
    cuts: Vec<usize>,
    store: Store,
}

/// A run as the whole array has it.
struct TrueRun {
    header: BlockHeader,
    len: u64,
}

/// One segment as it should be.
#[derive(Debug, PartialEq)]
struct Cut {
    bytes: Vec<u8>,
    header: BlockHeader,
    core: std::ops::Range<usize>,
    sequence: u64,
    starts_run: bool,
    ends_run: bool,
    set: usize,
}

fn any_run() -> impl Strategy<Value = RunSpec> {
    let border = prop_oneof![
        (1_u64..50, any::<bool>()).prop_map(|(n, flag)| Border::Jump(n, flag)),
        Just(Border::Flag),
        Just(Border::Retuned),
    ];
    let store = prop_oneof![
        Just(Store::Owned),
        any::<bool>().prop_map(|planar| Store::Shared { planar }),
        any::<bool>().prop_map(|planar| Store::Pieces { planar }),
        Just(Store::Mixed),
    ];
    // Blocks of no samples are allowed, as long as some have one.
    let cuts = (prop::collection::vec(0_usize..30, 0..4), 1_usize..40).prop_map(|(mut cuts, last)| {
        cuts.push(last);
        cuts
    });
    (border, 1_usize..90, cuts, store).prop_map(|(border, len, cuts, store)| RunSpec {
        border,
        len,
        cuts,
        store,
    })
}

fn any_plan() -> impl Strategy<Value = SegmentPlan> {
    (1_usize..25, 0_usize..30, 0_usize..30, 1_usize..4, any::<bool>()).prop_map(
        |(core_len, lead, tail, n_sets, whole_cores_only)| SegmentPlan {
            core_len,
            lead,
            tail,
            n_sets,
            whole_cores_only,
            joins_pulses: false,
        },
    )
}

/// The blocks of a stream, the runs that they make, and what should be counted of them.
fn stream(specs: &[RunSpec], n_channels: usize) -> (Vec<IqBlock>, Vec<TrueRun>, StreamCounts) {
    let (mut blocks, mut runs, mut counts) = (Vec::new(), Vec::new(), StreamCounts::default());
    let mut at = 1000_u64;
    let mut center_frequency_hz = 1e6;
    for (n, spec) in specs.iter().enumerate() {
        let (mut says_gap, mut gap) = (false, false);
        if n > 0 {
            match spec.border {
                Border::Jump(lost, flag) => {
                    at += lost;
                    counts.samples_lost += lost;
                    (says_gap, gap) = (flag, true);
                }
                Border::Flag => (says_gap, gap) = (true, true),
                Border::Retuned => center_frequency_hz += 1e3,
            }
        }
        let anchor = Some(TimeAnchor { sample: at, time: "2026-11-22T10:00:00Z".parse().unwrap() });
        let header = BlockHeader {
            first_sample: at,
            anchor,
            after_gap: gap,
            center_frequency_hz: Some(center_frequency_hz),
        };
        runs.push(TrueRun { header, len: spec.len as u64 });
        let first = BlockHeader { after_gap: says_gap, ..header };
        blocks.extend(blocks_of_run(spec, first, n_channels));
        at += spec.len as u64;
        counts.samples += spec.len as u64;
        counts.runs += 1;
        counts.gaps += u64::from(gap);
    }
    (blocks, runs, counts)
}

fn blocks_of_run(spec: &RunSpec, first: BlockHeader, n_channels: usize) -> Vec<IqBlock> {
    let run = first.first_sample..first.first_sample + spec.len as u64;
    let mut blocks = Vec::new();
    let mut done = 0;
    for cut in spec.cuts.iter().cycle() {
        if done == spec.len {
            break;
        }
        let n_samples = (*cut).min(spec.len - done);
        let range = run.start + done as u64..run.start + (done + n_samples) as u64;
        let header =
            BlockHeader { first_sample: range.start, after_gap: first.after_gap && done == 0, ..first };
        let mut block = IqBlock::default();
        match spec.store {
            Store::Shared { planar } => {
                // Made anew for each block it would not be the same memory.
                let (memory, layout) = match blocks.last().and_then(IqBlock::shared) {
                    Some((memory, _)) => (memory.clone(), blocks[0].layout()),
                    None => memory(run.clone(), n_channels, planar),
                };
                let start = done * layout.sample_stride;
                block.share(header, FORMAT, layout, n_channels, n_samples, &memory, start);
            }
            Store::Pieces { planar } => {
                let (memory, layout) = memory(range, n_channels, planar);
                block.share(header, FORMAT, layout, n_channels, n_samples, &memory, 0);
            }
            Store::Mixed if blocks.len() % 2 == 1 => {
                let (memory, layout) = memory(range, n_channels, blocks.len() % 4 == 1);
                block.share(header, FORMAT, layout, n_channels, n_samples, &memory, 0);
            }
            Store::Owned | Store::Mixed => block = owned_block(header, n_samples, n_channels),
        }
        blocks.push(block);
        done += n_samples;
    }
    blocks
}

/// The slow twin: each segment from the definition.
fn twin(runs: &[TrueRun], plan: &SegmentPlan, n_channels: usize, counts: &mut StreamCounts) -> Vec<Cut> {
    let (core_len, lead, tail) = (plan.core_len as u64, plan.lead as u64, plan.tail as u64);
    let mut cuts = Vec::new();
    for run in runs {
        for core in (0..run.len).step_by(plan.core_len) {
            let core_end = run.len.min(core + core_len);
            if plan.whole_cores_only && core_end - core < core_len {
                counts.samples_unused += core_end - core;
                continue;
            }
            let (start, end) = (core.saturating_sub(lead), run.len.min(core_end + tail));
            let first_sample = run.header.first_sample + start;
            for set in 0..plan.n_sets {
                cuts.push(Cut {
                    bytes: interleaved(first_sample..run.header.first_sample + end, n_channels),
                    header: BlockHeader {
                        first_sample,
                        after_gap: run.header.after_gap && core == 0,
                        ..run.header
                    },
                    core: (core - start) as usize..(core_end - start) as usize,
                    sequence: counts.segments,
                    starts_run: start == 0,
                    ends_run: end == run.len,
                    set,
                });
            }
            counts.segments += 1;
        }
    }
    cuts
}

fn segments(source: Blocks, plan: SegmentPlan) -> (Vec<Segment>, StreamCounts) {
    let mut segmenter = Segmenter::new(source, plan).unwrap();
    let mut segment = segmenter.make_segment();
    let mut all = Vec::new();
    while segmenter.next_segment(&mut segment).unwrap() {
        all.push(segment.clone());
    }
    assert!(!segmenter.next_segment(&mut segment).unwrap(), "the end stays the end");
    (all, segmenter.counts())
}

fn cut_of(segment: &Segment) -> Cut {
    let Segment { block, core, sequence, starts_run, ends_run, set } = segment.clone();
    Cut { bytes: bytes_of(&block), header: block.header, core, sequence, starts_run, ends_run, set }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn segments_are_those_of_the_whole_array(
        specs in prop::collection::vec(any_run(), 1..5),
        plan in any_plan(),
        n_channels in 1_usize..4,
    ) {
        let (blocks, runs, mut counts) = stream(&specs, n_channels);
        let expected = twin(&runs, &plan, n_channels, &mut counts);
        let (found, found_counts) = segments(Blocks::new(n_channels, blocks), plan);
        prop_assert_eq!(found.len(), expected.len());
        for (segment, expected) in found.iter().zip(&expected) {
            prop_assert_eq!(&cut_of(segment), expected);
            let run = runs.iter().rposition(|run| run.header.first_sample <= segment.core_first_sample()).unwrap();
            if let Store::Shared { .. } = specs[run].store {
                prop_assert!(segment.block.shared().is_some(), "copied although it lies in one memory");
            }
        }
        prop_assert_eq!(found_counts, counts);
    }
}

const PLAN: SegmentPlan =
    SegmentPlan { core_len: 10, lead: 4, tail: 3, n_sets: 1, whole_cores_only: false, joins_pulses: false };

#[test]
fn only_segments_across_the_border_of_two_memories_are_copied() {
    let mut blocks = Vec::new();
    for file in 0..2_u64 {
        let (memory, layout) = memory(file * 50..file * 50 + 50, 1, false);
        for start in (0..50).step_by(5) {
            let header = BlockHeader { first_sample: file * 50 + start, ..BlockHeader::default() };
            let mut block = IqBlock::default();
            block.share(header, FORMAT, layout, 1, 5, &memory, start as usize * layout.sample_stride);
            blocks.push(block);
        }
    }
    let (found, _) = segments(Blocks::new(1, blocks), PLAN);
    let copied: Vec<u64> =
        found.iter().filter(|s| s.block.shared().is_none()).map(Segment::core_first_sample).collect();
    assert_eq!(copied, [40, 50], "the one has its tail, the other its lead beyond the border");
    assert!(
        found
            .iter()
            .all(|s| bytes_of(&s.block) == interleaved(s.block.header.first_sample..s.block.end_sample(), 1))
    );
}

#[test]
fn a_hole_in_the_memory_is_not_read_as_samples() {
    let mut bytes = interleaved(0..7, 1);
    bytes.extend([0xAA; 12]);
    bytes.extend(interleaved(7..14, 1));
    let memory: Arc<dyn ByteSource> = Arc::new(bytes);
    let block = |first_sample: u64, start: usize| {
        let mut block = IqBlock::default();
        let header = BlockHeader { first_sample, ..BlockHeader::default() };
        block.share(header, FORMAT, Layout::interleaved(FORMAT, 1), 1, 7, &memory, start);
        block
    };
    let (found, _) = segments(Blocks::new(1, vec![block(0, 0), block(7, 40)]), PLAN);
    let found: Vec<_> = found.iter().map(|segment| bytes_of(&segment.block)).collect();
    assert_eq!(found, [interleaved(0..13, 1), interleaved(6..14, 1)]);
}

#[test]
fn one_pulse_after_another_is_a_run_and_not_a_gap() {
    let pulse = |n: u64| {
        let header = BlockHeader { first_sample: n * 8, after_gap: n > 0, ..BlockHeader::default() };
        owned_block(header, 8, 1)
    };
    let mut source = Blocks::new(1, (0..4).map(pulse).collect());
    source.info.pulse_len = Some(8);
    let (found, counts) = segments(source, PLAN);
    assert!(found.iter().all(|segment| segment.starts_run && segment.ends_run && segment.core == (0..8)));
    assert_eq!((counts.runs, counts.gaps, counts.segments), (4, 0, 4));
}

#[test]
fn plans_that_cannot_be_carried_out_are_refused() {
    let refuse = |plan| Segmenter::new(Blocks::new(2, Vec::new()), plan).err().unwrap();
    assert_eq!(refuse(SegmentPlan { core_len: 0, ..PLAN }), PlanError::NoCore);
    assert_eq!(refuse(SegmentPlan { n_sets: 0, ..PLAN }), PlanError::NoSets);
    for lead in [usize::MAX, usize::MAX / 8, 1 << 28] {
        assert!(matches!(refuse(SegmentPlan { lead, ..PLAN }), PlanError::TooLong { .. }));
    }
    let mut mute = Blocks::new(1, Vec::new());
    mute.info = stream_info(0);
    assert_eq!(Segmenter::new(mute, PLAN).err(), Some(PlanError::NoChannels));
}
