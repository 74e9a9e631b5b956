//! Cuts a stream of blocks into segments.

use crate::replay::{ReplayError, ReplaySource};
use crate::window::Window;
use rangegate_core::{BlockHeader, BoxError, IqBlock, Segment, Source};
use rangegate_pipeline::Feed;
use serde::{Deserialize, Serialize};

/// Largest segment that is accepted, in bytes: each slot of a run and the segmenter hold one.
pub const MAX_SEGMENT_BYTES: usize = 1 << 30;

/// How runs are cut into segments; all lengths in samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentPlan {
    /// Length of a core: cores begin at multiples of it from the run's first sample.
    pub core_len: usize,
    /// How much of what precedes the core comes with it, where the run has it.
    pub lead: usize,
    /// How much of what follows the core comes with it, where the run has it.
    pub tail: usize,
    /// How often each segment is handed out, with `set` counting from 0.
    pub n_sets: usize,
    /// A core that the end of the run cuts short is left out, and its samples are counted as unused. Else it
    /// makes a shorter segment.
    pub whole_cores_only: bool,
    /// Recorded pulses whose indices follow one another make one run. Else each pulse is a run.
    pub joins_pulses: bool,
}

/// A plan that cannot be carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// Cores without samples.
    #[error("segments have cores of 0 samples, expected at least 1")]
    NoCore,
    /// Segments that nobody gets.
    #[error("segments are handed out for 0 sets, expected at least 1")]
    NoSets,
    /// A stream of nothing.
    #[error("the stream has 0 channels, expected at least 1")]
    NoChannels,
    /// More than [`MAX_SEGMENT_BYTES`].
    #[error(
        "segments of {lead} + {core_len} + {tail} samples (lead, core, tail) of {frame_bytes} bytes are longer than \
         {MAX_SEGMENT_BYTES} bytes"
    )]
    TooLong {
        /// Samples before the core.
        lead: usize,
        /// Samples of the core.
        core_len: usize,
        /// Samples after the core.
        tail: usize,
        /// Bytes of one sample of all channels.
        frame_bytes: usize,
    },
}

/// What came through a segmenter, for the report of the run; samples are counted once for all channels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamCounts {
    /// Samples that the source gave.
    pub samples: u64,
    /// Stretches without a gap, and with one centre frequency.
    pub runs: u64,
    /// Places where the source says that samples are missing, or where the index jumps. Where one recorded
    /// pulse follows another there is none, unless the index jumps.
    pub gaps: u64,
    /// Samples that the index jumped over.
    pub samples_lost: u64,
    /// Samples that are in no core.
    pub samples_unused: u64,
    /// Segments handed out, each counted once for all sets.
    pub segments: u64,
}

/// Where a segment lies: all that is needed to cut a stream from there on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// Number of the segment in the whole stream.
    pub sequence: u64,
    /// Header of the first block of its run.
    pub run: BlockHeader,
    /// Number of its core in the run, from 0.
    pub core: u64,
}

/// The run that is being cut.
#[derive(Clone, Copy)]
struct Run {
    /// Header of its first block; its anchor holds for the whole run.
    header: BlockHeader,
    /// Number of the core that is due, from 0.
    core: u64,
    /// All of the run is in sight.
    complete: bool,
}

/// Cuts the blocks of a [`Source`] into [`Segment`]s.
///
/// A run ends where the source says that samples are missing, where the index does not go on, where the
/// centre frequency changes, and where the stream ends. Nothing else decides where segments begin and end: how
/// the source cut its blocks and whether they are shared memory makes no difference. Where a whole segment
/// lies in shared memory it is handed out as a view; else it is copied into the segment's own buffer,
/// interleaved.
///
/// A segment is handed out once the source has given one sample more than it holds, so that it is known
/// whether the run goes on. After construction nothing is allocated, provided that segments come from
/// [`Segmenter::make_segment`].
pub struct Segmenter<S> {
    source: S,
    plan: SegmentPlan,
    span: usize,
    window: Window,
    run: Option<Run>,
    /// Where the source's blocks are read into.
    next: IqBlock,
    /// `next` holds the first block of the run after the present one.
    next_waits: bool,
    /// The segment that was handed out last.
    place: Option<Place>,
    /// Index that the source's next block has if nothing is missing.
    expected: Option<u64>,
    set: usize,
    counts: StreamCounts,
}

impl<S: Source> Segmenter<S> {
    /// A segmenter of `source`.
    ///
    /// # Errors
    /// The plan has no cores or no sets, the stream no channels, or its segments are too long.
    pub fn new(source: S, plan: SegmentPlan) -> Result<Self, PlanError> {
        let SegmentPlan { core_len, lead, tail, n_sets, .. } = plan;
        if core_len == 0 {
            return Err(PlanError::NoCore);
        }
        if n_sets == 0 {
            return Err(PlanError::NoSets);
        }
        let (format, n_channels) = (source.info().format, source.info().n_channels);
        if n_channels == 0 {
            return Err(PlanError::NoChannels);
        }
        let frame_bytes = format.bytes() * n_channels;
        let span = core_len.checked_add(lead).and_then(|span| span.checked_add(tail));
        let span = span.filter(|span| span.checked_mul(frame_bytes).is_some_and(|b| b <= MAX_SEGMENT_BYTES));
        let Some(span) = span else { return Err(PlanError::TooLong { lead, core_len, tail, frame_bytes }) };
        let window = Window::new(format, n_channels, span);
        let next = IqBlock::default();
        let counts = StreamCounts::default();
        let (run, place, expected) = (None, None, None);
        Ok(Self { source, plan, span, window, run, next, next_waits: false, place, expected, set: 0, counts })
    }

    /// The source.
    pub fn source(&self) -> &S {
        &self.source
    }

    /// What came through so far.
    pub fn counts(&self) -> StreamCounts {
        self.counts
    }

    /// Where the segment lies that was handed out last.
    pub fn place(&self) -> Option<Place> {
        self.place
    }

    /// A segment whose buffer is long enough for any that will come.
    pub fn make_segment(&self) -> Segment {
        let info = self.source.info();
        let capacity = self.span * info.format.bytes() * info.n_channels;
        Segment { block: IqBlock::with_capacity(capacity), ..Segment::default() }
    }

    /// Makes `segment` the next one; `Ok(false)` at the end of the stream, with the segment left as it was.
    ///
    /// # Errors
    /// The source's.
    ///
    /// # Panics
    /// The source's blocks have another format or number of channels than its info says.
    pub fn next_segment(&mut self, segment: &mut Segment) -> Result<bool, BoxError> {
        loop {
            let Some(run) = self.run else {
                if !self.begin_run()? {
                    return Ok(false);
                }
                continue;
            };
            let core_len = self.plan.core_len as u64;
            let core_first = run.header.first_sample + run.core * core_len;
            let wanted = core_first.saturating_add(core_len).saturating_add(self.plan.tail as u64);
            // One sample more than wanted tells whether the run ends with the segment.
            if !run.complete && self.window.end() <= wanted {
                self.read_on(core_first)?;
                continue;
            }
            let end = self.window.end();
            let core_end = end.min(core_first.saturating_add(core_len));
            if core_first >= core_end || (self.plan.whole_cores_only && core_end - core_first < core_len) {
                self.counts.samples_unused += end.saturating_sub(core_first);
                self.run = None;
                continue;
            }
            self.cut(run, core_first, core_end, segment);
            return Ok(true);
        }
    }

    /// First sample of the segment with this core.
    fn segment_first(&self, run: &BlockHeader, core_first: u64) -> u64 {
        core_first.saturating_sub(self.plan.lead as u64).max(run.first_sample)
    }

    /// Hands out the segment with this core, for the set that is due, and moves on.
    fn cut(&mut self, run: Run, core_first: u64, core_end: u64, segment: &mut Segment) {
        let first_sample = self.segment_first(&run.header, core_first);
        let end = self.window.end().min(core_end.saturating_add(self.plan.tail as u64));
        let after_gap = run.header.after_gap && run.core == 0;
        let header = BlockHeader { first_sample, after_gap, ..run.header };
        self.window.cut(first_sample..end, header, &mut segment.block);
        segment.core = (core_first - first_sample) as usize..(core_end - first_sample) as usize;
        segment.sequence = self.counts.segments;
        segment.starts_run = first_sample == run.header.first_sample;
        segment.ends_run = end == self.window.end();
        segment.set = self.set;
        self.place = Some(Place { sequence: segment.sequence, run: run.header, core: run.core });
        self.set += 1;
        if self.set == self.plan.n_sets {
            self.set = 0;
            self.counts.segments += 1;
            self.run = Some(Run { core: run.core + 1, ..run });
        }
    }

    /// Begins the next run with its first block; `false` at the end of the stream.
    fn begin_run(&mut self) -> Result<bool, BoxError> {
        if !self.next_waits && !self.read_block()? {
            return Ok(false);
        }
        self.next_waits = false;
        self.counts.runs += 1;
        self.run = Some(Run { header: self.next.header, core: 0, complete: false });
        self.window.begin(&mut self.next);
        Ok(true)
    }

    /// Brings more of the run in sight, or finds that there is no more. Needed are from now on the segment
    /// with the core that begins at `core_first` and those after it.
    fn read_on(&mut self, core_first: u64) -> Result<(), BoxError> {
        let more = self.read_block()?;
        let Some(run) = &mut self.run else { return Ok(()) };
        let (before, header) = (run.header, self.next.header);
        let retuned =
            header.center_frequency_hz.map(f64::to_bits) != before.center_frequency_hz.map(f64::to_bits);
        if !more || header.after_gap || retuned {
            run.complete = true;
            self.next_waits = more;
        } else {
            let keep_from = self.segment_first(&before, core_first);
            self.window.append(&mut self.next, keep_from);
        }
        Ok(())
    }

    /// Reads a block that is not empty into `next`, sees to it that `after_gap` tells the truth, and counts.
    fn read_block(&mut self) -> Result<bool, BoxError> {
        let mut gap = false;
        loop {
            if !self.source.next_block(&mut self.next)? {
                return Ok(false);
            }
            gap |= self.next.header.after_gap;
            if !self.next.is_empty() {
                break;
            }
        }
        let (block, info) = (&mut self.next, self.source.info());
        let (found, expected) = ((block.format(), block.n_channels()), (info.format, info.n_channels));
        assert!(found == expected, "block of (format, channels) {found:?} in a stream of {expected:?}");
        let first = block.header.first_sample;
        let jump = self.expected.is_some_and(|expected| expected != first);
        let joins = self.plan.joins_pulses && info.pulse_len.is_some();
        block.header.after_gap = (gap && !joins) || jump;
        self.counts.samples += block.n_samples() as u64;
        self.counts.gaps += u64::from(jump || (gap && info.pulse_len.is_none()));
        self.counts.samples_lost += self.expected.map_or(0, |expected| first.saturating_sub(expected));
        self.expected = Some(block.end_sample());
        Ok(true)
    }
}

impl Segmenter<ReplaySource> {
    /// Goes on with the segment at `place`, forwards or backwards: it and those after it are handed out as if all before
    /// them had been. What [`Segmenter::counts`] says afterwards holds for segments only.
    ///
    /// # Errors
    /// The stream has no such sample, or cannot be read there.
    pub fn go_to(&mut self, place: &Place) -> Result<(), BoxError> {
        let core_first = place.core.checked_mul(self.plan.core_len as u64);
        let core_first = core_first.and_then(|samples| place.run.first_sample.checked_add(samples));
        let first = self.segment_first(&place.run, core_first.unwrap_or(u64::MAX));
        self.source.seek_sample(first)?;
        (self.run, self.next_waits, self.expected, self.set) = (None, false, None, 0);
        self.counts.segments = place.sequence;
        if !self.read_block()? || self.next.header.first_sample != first {
            return Err(ReplayError::absent(&self.source, first).into());
        }
        self.run = Some(Run { header: place.run, core: place.core, complete: false });
        self.window.begin(&mut self.next);
        Ok(())
    }
}

impl<S: Source> Feed<Segment> for Segmenter<S> {
    fn next(&mut self, segment: &mut Segment) -> Result<bool, BoxError> {
        self.next_segment(segment)
    }
}
