//! Plays a recording, or what is made as it is played.

use crate::made::Made;
use crate::options::{Repeat, ReplayOptions, Speed, TimePoint};
use rangegate_core::{BoxError, IqBlock, Source, StreamInfo, ToBaseband};
use rangegate_pipeline::Stop;
use rangegate_recording::Recording;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Bytes that are read at once: large enough that a call costs nothing, small enough to stay in cache where
/// they are copied.
const BLOCK_BYTES: usize = 1 << 20;
/// Longest block where the pace is kept, in time of the replay: what comes late is noticed at this grain.
const PACED_BLOCK: Duration = Duration::from_millis(20);

/// A time window that the recording cannot satisfy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {message}", path.display())]
pub struct ReplayError {
    /// The recording.
    pub path: PathBuf,
    /// Which bound, what was found and what was expected.
    pub message: String,
}

impl ReplayError {
    /// A sample that is not there.
    pub(crate) fn absent(source: &ReplaySource, sample: u64) -> Self {
        let message = format!("sample {sample} is not there: the recording is not what it was");
        Self { path: source.about.path.clone(), message }
    }
}

/// What is played, by absolute index: what [`Recording::read`] promises.
pub(crate) trait Playable: Send {
    fn read(&mut self, at: u64, max_samples: usize, block: &mut IqBlock) -> Result<bool, BoxError>;

    fn losses(&self) -> &[String];
}

impl Playable for Box<dyn Recording> {
    fn read(&mut self, at: u64, max_samples: usize, block: &mut IqBlock) -> Result<bool, BoxError> {
        Ok((**self).read(at, max_samples, block)?)
    }

    fn losses(&self) -> &[String] {
        (**self).losses()
    }
}

/// What is known of it: its name, its stream, and one past its last index.
struct About {
    path: PathBuf,
    stream: StreamInfo,
    end_sample: u64,
}

/// Plays a recording as a [`Source`].
///
/// Indices and times are those of the recording. When it is played again they go on growing: each time is
/// shifted by the length of the window and begins with `after_gap`. At a speed other than
/// [`Speed::Max`] a block is handed out when its last sample would have been taken; gaps take their time too.
pub struct ReplaySource {
    played: Box<dyn Playable>,
    about: About,
    info: StreamInfo,
    /// First sample of the window, and one past its last, in the recording's indices.
    window: (u64, u64),
    /// Where to read on, in the recording's indices.
    at: u64,
    /// What is added to the recording's indices.
    shift: u64,
    /// Times still to be played after this one; `None` for ever.
    rounds_left: Option<u64>,
    /// The next block does not follow the one before.
    cut: bool,
    /// The present round has given a block; some block was given.
    round_began: bool,
    began: bool,
    max_samples: usize,
    pace: Option<Pace>,
    stop: Stop,
}

/// When samples are due.
struct Pace {
    samples_per_s: f64,
    /// A moment and the index, as given out, that is due then; set by the first block and by a seek.
    start: Option<(Instant, u64)>,
}

impl ReplaySource {
    /// A replay of `recording`. The flag ends it, also while it waits for the pace.
    ///
    /// # Errors
    /// The time window is empty, begins after the recording's end, or names a time although the recording
    /// does not say when it was made.
    pub fn new(
        recording: Box<dyn Recording>,
        options: &ReplayOptions,
        to_baseband: ToBaseband,
        stop: Stop,
    ) -> Result<Self, ReplayError> {
        let info = recording.info();
        let stream = StreamInfo {
            sample_rate: info.sample_rate,
            n_channels: info.n_channels,
            format: info.sample_format,
            to_baseband,
            center_frequency_hz: info.center_frequency_hz,
            first_sample: info.first_sample,
            anchor: info.anchor,
            n_samples: info.n_samples,
            pulse_len: info.pulse_len,
        };
        let about = About { path: info.path.clone(), stream, end_sample: info.end_sample };
        Self::play(Box::new(recording), about, options, stop)
    }

    /// A replay of a source that is made as it is played, such as a scene: `make` makes it from its start, and it
    /// ends before index `end_sample`. `path` is what errors call it. To begin later, or again, what lies before is
    /// made too, and thrown away.
    ///
    /// # Errors
    /// As [`ReplaySource::new`].
    pub fn of_made(
        make: impl Fn() -> Box<dyn Source> + Send + 'static,
        end_sample: u64,
        path: PathBuf,
        options: &ReplayOptions,
        to_baseband: ToBaseband,
        stop: Stop,
    ) -> Result<Self, ReplayError> {
        let made = Made::new(Box::new(make), stop.clone());
        let stream = StreamInfo { to_baseband, ..made.info().clone() };
        Self::play(Box::new(made), About { path, stream, end_sample }, options, stop)
    }

    fn play(
        played: Box<dyn Playable>,
        about: About,
        options: &ReplayOptions,
        stop: Stop,
    ) -> Result<Self, ReplayError> {
        let window = window(&about, options)?;
        let stream = &about.stream;
        let rounds_left = match options.repeat {
            Repeat::Forever => None,
            Repeat::Times(times) => Some(times.get() - 1),
        };
        let frame_bytes = (stream.format.bytes() * stream.n_channels).max(1);
        let mut max_samples = (BLOCK_BYTES / frame_bytes).max(1);
        let mut pace = None;
        if let Speed::Factor(factor) = options.speed {
            let samples_per_s = stream.sample_rate.hz() * factor;
            let paced = (samples_per_s * PACED_BLOCK.as_secs_f64()) as usize;
            max_samples = max_samples.min(paced).max(1);
            pace = Some(Pace { samples_per_s, start: None });
        }
        // Known only where the window is all there is: the gaps in a part of it are not.
        let whole = window == (stream.first_sample, about.end_sample);
        let rounds = rounds_left.map(|left| left + 1);
        let n_samples =
            stream.n_samples.filter(|_| whole).zip(rounds).and_then(|(n, rounds)| n.checked_mul(rounds));
        let info = StreamInfo { first_sample: window.0, n_samples, ..stream.clone() };
        Ok(Self {
            played,
            about,
            info,
            window,
            at: window.0,
            shift: 0,
            rounds_left,
            cut: false,
            round_began: false,
            began: false,
            max_samples,
            pace,
            stop,
        })
    }

    /// First sample of the time window and one past its last, in the recording's indices.
    pub fn window(&self) -> (u64, u64) {
        self.window
    }

    /// Goes on from another place, forwards or backwards, in the same round. The next block is marked
    /// `after_gap` unless it is the very first; after a step back its index lies before those given out.
    ///
    /// # Errors
    /// The place lies outside the time window, or is a time although the recording does not say when it was made.
    pub fn seek(&mut self, place: TimePoint) -> Result<(), ReplayError> {
        let sample = sample_at(&self.about, "seek", place)?;
        self.jump(sample, format_args!("{place} is sample {sample}"))
    }

    /// As [`ReplaySource::seek`], by absolute index.
    ///
    /// # Errors
    /// The index lies outside the time window.
    pub fn seek_sample(&mut self, sample: u64) -> Result<(), ReplayError> {
        self.jump(sample, format_args!("sample {sample}"))
    }

    fn jump(&mut self, sample: u64, said: std::fmt::Arguments<'_>) -> Result<(), ReplayError> {
        let (first, end) = self.window;
        if !(first..end).contains(&sample) {
            let message = format!("seek to {said}, expected one from {first} to {}", end.saturating_sub(1));
            return Err(ReplayError { path: self.about.path.clone(), message });
        }
        self.at = sample;
        self.cut = true;
        if let Some(pace) = &mut self.pace {
            pace.start = None;
        }
        Ok(())
    }

    /// Reads what comes next in the window, in the recording's own indices; `false` at the window's end.
    fn read(&mut self, block: &mut IqBlock) -> Result<bool, BoxError> {
        let (_, end) = self.window;
        let left = end.saturating_sub(self.at);
        let max_samples = self.max_samples.min(usize::try_from(left).unwrap_or(usize::MAX));
        if left == 0 || !self.played.read(self.at, max_samples, block)? || block.header.first_sample >= end {
            return Ok(false);
        }
        block.truncate(usize::try_from(end - block.header.first_sample).unwrap_or(usize::MAX));
        // A reader that gives nothing must not hold up the rest.
        self.at = block.end_sample().max(self.at + 1);
        Ok(true)
    }

    /// Begins the next round; `false` if there is none, or if there is nothing to play in any.
    fn rewind(&mut self) -> bool {
        let (first, end) = self.window;
        let more = self.round_began && self.rounds_left.is_none_or(|left| left > 0);
        // For ever ends where indices do.
        let shift =
            self.shift.checked_add(end - first).filter(|shift| more && end.checked_add(*shift).is_some());
        let Some(shift) = shift else { return false };
        self.rounds_left = self.rounds_left.map(|left| left - 1);
        self.shift = shift;
        self.at = first;
        self.cut = true;
        self.round_began = false;
        true
    }

    /// Waits until the samples before index `end` would have been taken.
    fn keep_pace(&mut self, first: u64, end: u64) {
        let Some(pace) = &mut self.pace else { return };
        let (start, origin) = *pace.start.get_or_insert_with(|| (Instant::now(), first));
        let due_s = end.saturating_sub(origin) as f64 / pace.samples_per_s;
        // Beyond what the clock can hold there is only the flag to wait for.
        let due = Duration::try_from_secs_f64(due_s).ok().and_then(|due| start.checked_add(due));
        self.stop.sleep_until(due.unwrap_or_else(|| start + Duration::from_secs(u32::MAX.into())));
    }
}

impl Source for ReplaySource {
    fn info(&self) -> &StreamInfo {
        &self.info
    }

    fn next_block(&mut self, block: &mut IqBlock) -> Result<bool, BoxError> {
        if self.stop.is_set() {
            return Ok(false);
        }
        while !self.read(block)? {
            if !self.rewind() {
                return Ok(false);
            }
        }
        block.header.first_sample = block.header.first_sample.saturating_add(self.shift);
        // The first block of all follows nothing, wherever in the recording it lies.
        block.header.after_gap = self.began && (block.header.after_gap || self.cut);
        (self.cut, self.round_began, self.began) = (false, true, true);
        self.keep_pace(block.header.first_sample, block.end_sample());
        Ok(true)
    }

    fn losses(&self) -> &[String] {
        self.played.losses()
    }
}

/// The recording's index of a place in it.
fn sample_at(about: &About, bound: &str, place: TimePoint) -> Result<u64, ReplayError> {
    match place {
        TimePoint::FromStart { nanos } => {
            let samples = about.stream.sample_rate.samples_from_nanos_up(nanos.into());
            Ok(about.stream.first_sample.saturating_add(u64::try_from(samples).unwrap_or(u64::MAX)))
        }
        TimePoint::At(time) => match about.stream.anchor {
            Some(anchor) => Ok(anchor.sample_at(time, about.stream.sample_rate)),
            None => Err(ReplayError {
                path: about.path.clone(),
                message: format!(
                    "'{bound}' is the time {time}, expected seconds from the start, because the recording does not \
                     say when it was made"
                ),
            }),
        },
    }
}

/// The time window in the recording's indices.
fn window(about: &About, options: &ReplayOptions) -> Result<(u64, u64), ReplayError> {
    let (first, end) = (about.stream.first_sample, about.end_sample);
    let error = |message| Err(ReplayError { path: about.path.clone(), message });
    let from = options.from.map_or(Ok(first), |place| sample_at(about, "from", place))?.max(first);
    let to = options.to.map_or(Ok(end), |place| sample_at(about, "to", place))?.min(end);
    let length_s = end.saturating_sub(first) as f64 / about.stream.sample_rate.hz();
    match (options.from, options.to) {
        (Some(place), _) if from >= end => error(format!(
            "'from' is {place}, expected a time within the recording, which is {length_s} s long"
        )),
        (_, Some(place)) if to <= first => {
            error(format!("'to' is {place}, expected a time after the recording's first sample"))
        }
        (Some(start), Some(stop)) if to <= from => error(format!(
            "'to' is {stop}, expected a time at least one sample after 'from', which is {start}"
        )),
        _ => Ok((from, to.max(from))),
    }
}
