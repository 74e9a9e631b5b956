//! What a worker finds in one segment.

use super::Overview;
use crate::burst::Peak;
use crate::cw::CwResult;
use crate::pulse_doppler::Leak;
use crate::range_doppler::PowerMap;
use rangegate_core::{Segment, TimeAnchor};
use serde::{Deserialize, Serialize};

/// What a worker found in one segment, with one set of replicas.
///
/// Stored and read again, it holds all that a [`Collector`](super::Collector) looks at; what only plots and maps need
/// is left out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SegmentResult {
    /// Number of the segment in the stream.
    pub sequence: u64,
    /// Set of replicas.
    pub set: usize,
    /// Absolute index of the core's first sample.
    pub first_sample: u64,
    /// Length of the core.
    pub n_samples: usize,
    /// Ties indices to time.
    pub anchor: Option<TimeAnchor>,
    /// Frequency the receiver was tuned to, Hz.
    pub center_frequency_hz: Option<f64>,
    /// The run begins with this segment.
    pub starts_run: bool,
    /// The run ends with this segment.
    pub ends_run: bool,
    /// Samples were lost before this segment.
    pub after_gap: bool,
    /// Peaks by template, channel and time.
    pub peaks: Vec<Peak>,
    /// Peaks that found no place in `peaks`.
    pub peaks_dropped: u64,
    /// Samples of the core, over all channels, that were infinite, not numbers, or beyond 1e15. Counted by set 0 alone.
    pub bad_samples: u64,
    /// Which of what there is room for is made this time.
    #[serde(skip)]
    pub extras: Extras,
    /// For plots. Filled by set 0 alone, and only where the result was made [with one](Self::with_overview).
    #[serde(skip)]
    pub overview: Overview,
    /// What a chain that works on CPIs says of the one that begins in this segment.
    pub look: LookResult,
    /// What a continuous-wave radar gives of this segment.
    pub cw: CwResult,
}

/// What a worker makes besides peaks, where a result has room for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extras {
    /// The overview.
    pub overview: bool,
    /// The range profile, where there is room for an overview.
    pub range_profile: bool,
    /// The map.
    pub map: bool,
}

impl Default for Extras {
    fn default() -> Self {
        Self { overview: true, range_profile: true, map: true }
    }
}

/// What became of the look that begins in a segment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LookResult {
    /// 1 where a look was worked on.
    pub worked: u64,
    /// 1 where the run ends before the look does.
    pub cut_short: u64,
    /// 1 where no leak was found to frame the look by.
    pub without_leak: u64,
    /// Absolute index of the sample in which the look's first pulse begins.
    pub first_sample: u64,
    /// The leak, where pulses are framed by it.
    pub leak: Option<Leak>,
    /// Greatest power over all Doppler bins outside the notch, for each range gate of the first dwell and channel.
    #[serde(skip)]
    pub range_profile: Vec<f32>,
    /// The map of the first dwell and channel, where maps are kept.
    #[serde(skip)]
    pub map: Option<PowerMap>,
}

impl LookResult {
    fn clear(&mut self) {
        (self.worked, self.cut_short, self.without_leak) = (0, 0, 0);
        self.leak = None;
        self.range_profile.clear();
    }
}

impl SegmentResult {
    pub(crate) fn with_room(max_peaks: usize) -> Self {
        Self { peaks: Vec::with_capacity(max_peaks), ..Self::default() }
    }

    /// The same with an overview, for plots. Without room for one none is made, which saves its transforms.
    pub fn with_overview(self, core_len: usize) -> Self {
        Self { overview: Overview::with_capacity(core_len), ..self }
    }

    pub(crate) fn begin(&mut self, segment: &Segment) {
        let header = &segment.block.header;
        self.sequence = segment.sequence;
        self.set = segment.set;
        self.first_sample = segment.core_first_sample();
        self.n_samples = segment.core.len();
        self.anchor = header.anchor;
        self.center_frequency_hz = header.center_frequency_hz;
        self.starts_run = segment.starts_run && segment.core.start == 0;
        self.ends_run = segment.ends_run && segment.core.end == segment.block.n_samples();
        self.after_gap = self.starts_run && header.after_gap;
        self.peaks.clear();
        self.peaks_dropped = 0;
        self.bad_samples = 0;
        self.overview.begin(self.extras.overview);
        self.look.clear();
    }

    pub(crate) fn wants_range_profile(&self) -> bool {
        self.extras.range_profile && self.overview.has_room()
    }
}
