//! Samples to recordings: all of them, or those around a trigger.

use rangegate_core::{IqBlock, StreamInfo};
use rangegate_recording::{CreateOptions, Result, Writer};
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Blocks that are written for every one that comes while what was held is brought to disk: a long stretch must not
/// keep the source waiting.
const CATCH_UP: usize = 4;
/// Numbers that are looked through for a free name.
const MOST_NUMBERS: usize = 1_000_000;

/// Tells a [`Recorder`] to keep what it holds. Clones tell the same one.
#[derive(Clone, Debug)]
pub struct Trigger(Arc<AtomicU64>);

impl Trigger {
    const NONE: u64 = u64::MAX;
    const NOW: u64 = u64::MAX - 1;

    /// One that has not been pulled.
    pub fn new() -> Self {
        Self(Arc::new(AtomicU64::new(Self::NONE)))
    }

    /// Keep what is around the newest sample.
    pub fn now(&self) {
        self.0.store(Self::NOW, Ordering::Release);
    }

    /// Keep what is around this sample.
    pub fn at(&self, sample: u64) {
        let sample = sample.min(Self::NOW - 1);
        // The later of two that nobody has seen yet, and the newest sample before all.
        let merge = |old: u64| Some(if old == Self::NONE { sample } else { old.max(sample) });
        let _ = self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, merge);
    }

    /// Where it was pulled since it was asked last.
    fn take(&self, newest: u64) -> Option<u64> {
        match self.0.swap(Self::NONE, Ordering::AcqRel) {
            Self::NONE => None,
            Self::NOW => Some(newest),
            sample => Some(sample),
        }
    }
}

impl Default for Trigger {
    fn default() -> Self {
        Self::new()
    }
}

/// What a recorder left.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
pub struct Recorded {
    /// The recordings, in the order in which they were made.
    pub paths: Vec<PathBuf>,
    /// Samples a channel in all of them.
    pub samples: u64,
    /// Bytes of samples, with what was filled in.
    pub bytes: u64,
    /// Samples a channel that stand for lost ones, in formats that have no place for a gap.
    pub filled: u64,
    /// Triggers whose samples were gone already.
    pub missed_triggers: u64,
}

/// Writes a stream to a recording, or holds the last of it in memory and writes that when it is told to.
///
/// Where a format has no place for gaps they are filled; what comes after a gap that is too long for that goes to the
/// next recording, `NAME-0002` and so on.
pub struct Recorder {
    path: PathBuf,
    stream: StreamInfo,
    options: CreateOptions,
    writer: Option<Box<dyn Writer>>,
    held: Option<Held>,
    recorded: Recorded,
    max_bytes: Option<u64>,
    is_full: bool,
    /// Index behind the last sample of the recording that is being written.
    next_sample: Option<u64>,
}

/// The last of a stream.
struct Held {
    before: u64,
    /// Held besides: how late a trigger for a sample may come.
    latency: u64,
    after: u64,
    trigger: Trigger,
    blocks: VecDeque<IqBlock>,
    spare: Vec<IqBlock>,
    samples: u64,
    /// Index behind the last sample that is to be written, while it is.
    until: Option<u64>,
}

impl Recorder {
    /// Writes everything to `path`.
    ///
    /// # Errors
    /// The recording exists or cannot be made.
    pub fn whole(path: &Path, stream: &StreamInfo, options: CreateOptions) -> Result<Self> {
        let writer = rangegate_recording::create(path, stream, &options)?;
        let mut recorder = Self::new(path, stream, options);
        recorder.writer = Some(writer);
        recorder.recorded.paths.push(path.to_owned());
        Ok(recorder)
    }

    /// Holds `before` samples in memory; when the trigger is pulled writes them, and `after` more, to a recording of
    /// its own: `NAME-0001`, `NAME-0002`, …
    ///
    /// A trigger for a sample may come `latency` samples after it.
    ///
    /// Memory: that of the samples. A trigger within a recording makes it longer.
    pub fn last(
        path: &Path,
        stream: &StreamInfo,
        options: CreateOptions,
        (before, after): (u64, u64),
        latency: u64,
        trigger: Trigger,
    ) -> Self {
        let mut recorder = Self::new(path, stream, options);
        let (blocks, spare) = (VecDeque::new(), Vec::new());
        recorder.held =
            Some(Held { before, latency, after, trigger, blocks, spare, samples: 0, until: None });
        recorder
    }

    fn new(path: &Path, stream: &StreamInfo, options: CreateOptions) -> Self {
        let (path, stream) = (path.to_owned(), stream.clone());
        Self {
            path,
            stream,
            options,
            writer: None,
            held: None,
            recorded: Recorded::default(),
            max_bytes: None,
            is_full: false,
            next_sample: None,
        }
    }

    /// Writes no more than so many bytes of samples, with what is filled in, to all recordings together.
    #[must_use]
    pub fn with_max_bytes(self, max_bytes: Option<u64>) -> Self {
        Self { max_bytes, ..self }
    }

    /// Whether as many bytes were written as may be.
    pub fn is_full(&self) -> bool {
        self.is_full
    }

    /// What was written so far.
    pub fn recorded(&self) -> &Recorded {
        &self.recorded
    }

    /// Whether samples are being written.
    pub fn is_writing(&self) -> bool {
        self.writer.is_some()
    }

    /// Takes the next block of the stream.
    ///
    /// # Errors
    /// The disk is full, or the like: what was written until then is kept.
    pub fn accept(&mut self, block: &IqBlock) -> Result<()> {
        let Some(held) = &mut self.held else { return self.write(block) };
        held.push(block);
        self.look_at_trigger()?;
        self.catch_up(CATCH_UP)
    }

    /// Begins to write what is held, or writes longer, where the trigger was pulled.
    fn look_at_trigger(&mut self) -> Result<()> {
        let Some(held) = &mut self.held else { return Ok(()) };
        let newest = held.blocks.back().map_or(0, IqBlock::end_sample);
        let Some(at) = held.trigger.take(newest) else { return Ok(()) };
        let until = at.saturating_add(held.after);
        if held.until.is_none() {
            let from = at.saturating_sub(held.before);
            held.forget_before(from);
            if held.blocks.front().is_none_or(|block| block.header.first_sample >= until) {
                self.recorded.missed_triggers += 1;
                return Ok(());
            }
        }
        held.until = Some(held.until.map_or(until, |before| before.max(until)));
        let first = held.blocks.front().map_or(self.stream.first_sample, |block| block.header.first_sample);
        if self.writer.is_none() { self.begin(first) } else { Ok(()) }
    }

    /// Begins the next recording.
    fn begin(&mut self, first_sample: u64) -> Result<()> {
        let stream = StreamInfo { first_sample, n_samples: None, ..self.stream.clone() };
        // That of a whole stream has begun under the name itself.
        let numbers = if self.held.is_some() { 1.. } else { 2.. };
        let is_free = |path: &PathBuf| rangegate_recording::check_new(path, None).is_ok();
        let path = numbers.map(|n| numbered(&self.path, n)).take(MOST_NUMBERS).find(is_free);
        let path = path.unwrap_or_else(|| self.path.clone());
        self.writer = Some(rangegate_recording::create(&path, &stream, &self.options)?);
        self.recorded.paths.push(path);
        Ok(())
    }

    /// Writes so many of the held blocks, if any are to be written.
    fn catch_up(&mut self, n_blocks: usize) -> Result<()> {
        for _ in 0..n_blocks {
            let Some(held) = &mut self.held else { return Ok(()) };
            let Some(until) = held.until else { return Ok(()) };
            let Some(mut block) = held.pop() else { return Ok(()) };
            if block.end_sample() < until {
                self.write(&block)?;
                self.held.iter_mut().for_each(|held| held.spare.push(std::mem::take(&mut block)));
                continue;
            }
            // The next recording may need what is behind its end.
            let Some(held) = &mut self.held else { return Ok(()) };
            let mut last = held.spare.pop().unwrap_or_default();
            last.copy_from(&block);
            held.samples += block.n_samples() as u64;
            held.blocks.push_front(block);
            held.until = None;
            last.truncate(
                usize::try_from(until.saturating_sub(last.header.first_sample)).unwrap_or(usize::MAX),
            );
            let written = self.write(&last);
            self.held.iter_mut().for_each(|held| held.spare.push(std::mem::take(&mut last)));
            return written.and(self.close());
        }
        Ok(())
    }

    fn write(&mut self, block: &IqBlock) -> Result<()> {
        let Some(writer) = self.writer.as_ref().filter(|_| !block.is_empty() && !self.is_full) else {
            return Ok(());
        };
        let first = block.header.first_sample;
        let gap = self.next_sample.map_or(0, |next| first.saturating_sub(next));
        let longest = writer.longest_fill();
        let is_filled = longest.is_some_and(|longest| gap <= longest);
        if longest.is_some() && !is_filled {
            self.close()?;
            self.begin(first)?;
        }
        let frame = (block.n_channels() * block.format().bytes()) as u64;
        let left = self.max_bytes.map_or(u64::MAX, |most| most.saturating_sub(self.recorded.bytes)) / frame;
        let left = left.saturating_sub(if is_filled { gap } else { 0 });
        self.is_full = left <= block.n_samples() as u64;
        if left == 0 {
            return Ok(());
        }
        if left >= block.n_samples() as u64 {
            return self.put(block, frame);
        }
        let mut part = IqBlock::default();
        part.copy_from(block);
        part.truncate(usize::try_from(left).unwrap_or(usize::MAX));
        self.put(&part, frame)
    }

    /// Hands a block of samples of so many bytes to the writer.
    fn put(&mut self, block: &IqBlock, frame: u64) -> Result<()> {
        let Some(writer) = &mut self.writer else { return Ok(()) };
        let filled_before = writer.filled().samples;
        let written = writer.write(block);
        let filled = writer.filled().samples - filled_before;
        self.next_sample = Some(block.end_sample());
        let n_samples = if written.is_ok() { block.n_samples() as u64 } else { 0 };
        self.recorded.filled += filled;
        self.recorded.samples = (self.recorded.samples + n_samples).saturating_sub(writer.take_unwritten());
        self.recorded.bytes += (n_samples + filled) * frame;
        written
    }

    fn close(&mut self) -> Result<()> {
        let Some(mut writer) = self.writer.take() else { return Ok(()) };
        self.next_sample = None;
        let finished = writer.finish();
        self.recorded.samples = self.recorded.samples.saturating_sub(writer.take_unwritten());
        finished
    }

    /// Writes what is still to be written, and closes.
    ///
    /// # Errors
    /// The disk is full, or the like.
    pub fn finish(&mut self) -> Result<()> {
        self.look_at_trigger()?;
        let n_held = self.held.as_ref().map_or(0, |held| held.blocks.len());
        let caught_up = self.catch_up(n_held);
        caught_up.and(self.close())
    }
}

impl Held {
    fn push(&mut self, block: &IqBlock) {
        let mut held = self.spare.pop().unwrap_or_default();
        held.copy_from(block);
        self.samples += held.n_samples() as u64;
        self.blocks.push_back(held);
        // What is being written is taken from the front by the writer alone.
        while self.until.is_none()
            && let Some(front) = self.blocks.front().map(|block| block.n_samples() as u64)
            && self.samples - front >= self.before.saturating_add(self.latency)
        {
            let oldest = self.pop();
            self.spare.extend(oldest);
        }
    }

    /// Lets go of blocks that end before a sample.
    fn forget_before(&mut self, sample: u64) {
        while self.blocks.front().is_some_and(|block| block.end_sample() <= sample) {
            let oldest = self.pop();
            self.spare.extend(oldest);
        }
    }

    fn pop(&mut self) -> Option<IqBlock> {
        let block = self.blocks.pop_front()?;
        self.samples -= block.n_samples() as u64;
        Some(block)
    }
}

/// `NAME-0001.EXTENSION`.
fn numbered(path: &Path, n: u32) -> PathBuf {
    let stem = path.file_stem().map_or_else(Default::default, |stem| stem.to_string_lossy().into_owned());
    let name = match path.extension() {
        Some(extension) => format!("{stem}-{n:04}.{}", extension.display()),
        None => format!("{stem}-{n:04}"),
    };
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rangegate_core::{BlockHeader, SampleFormat, SampleRate, ToBaseband};
    use rangegate_recording::OpenOptions;

    const BLOCK: usize = 100;

    fn stream() -> StreamInfo {
        StreamInfo {
            sample_rate: SampleRate::new(1000, 1).unwrap(),
            n_channels: 1,
            format: format(),
            to_baseband: ToBaseband::default(),
            center_frequency_hz: None,
            first_sample: 5000,
            anchor: None,
            n_samples: None,
            pulse_len: None,
        }
    }

    fn format() -> SampleFormat {
        "cs16".parse().unwrap()
    }

    /// Samples whose values are their indices.
    fn block(first_sample: u64) -> IqBlock {
        let mut block = IqBlock::default();
        let header = BlockHeader { first_sample, ..BlockHeader::default() };
        for (n, bytes) in block.fill(header, format(), 1, BLOCK).chunks_exact_mut(4).enumerate() {
            bytes[..2].copy_from_slice(&(first_sample as i16 + n as i16).to_le_bytes());
        }
        block
    }

    /// First index and values of a recording.
    fn read(path: &Path) -> (u64, Vec<i16>) {
        let mut recording = rangegate_recording::open(path, &OpenOptions::default()).unwrap();
        let (mut at, mut values, mut block) = (recording.info().first_sample, Vec::new(), IqBlock::default());
        while recording.read(at, 1 << 16, &mut block).unwrap() {
            let value = |bytes: &[u8]| i16::from_le_bytes([bytes[0], bytes[1]]);
            values.extend(block.bytes().chunks_exact(4).map(value));
            at = block.end_sample();
        }
        (recording.info().first_sample, values)
    }

    #[test]
    fn a_trigger_keeps_what_was_before_and_comes_after_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("event.sigmf-meta");
        let trigger = Trigger::new();
        let mut recorder =
            Recorder::last(&path, &stream(), CreateOptions::default(), (1000, 450), 500, trigger.clone());
        for n in 0..100_u64 {
            match n {
                30 => trigger.at(5000 + 2950),
                // Within what is written: that grows longer.
                32 => trigger.at(5000 + 3100),
                70 => trigger.now(),
                _ => {}
            }
            recorder.accept(&block(5000 + n * 100)).unwrap();
        }
        // Long gone.
        trigger.at(5000 + 10);
        recorder.finish().unwrap();
        assert_eq!(recorder.recorded().missed_triggers, 1);
        let paths = [1, 2].map(|n| folder.path().join(format!("event-000{n}.sigmf-meta")));
        assert_eq!(recorder.recorded().paths, paths);
        let (first, values) = read(&paths[0]);
        let end = first + values.len() as u64;
        // From the block on that holds the first of the 1,000 samples before the trigger.
        assert_eq!((first, end), (5000 + 1900, 5000 + 3100 + 450));
        assert!(values.iter().enumerate().all(|(n, &value)| value == first as i16 + n as i16));
        let (first, values) = read(&paths[1]);
        assert_eq!((first, first + values.len() as u64), (5000 + 6100, 5000 + 7100 + 450));
        assert_eq!(recorder.recorded().samples, 1650 + 1450);
    }

    #[test]
    fn a_size_is_kept_to_the_sample_with_what_is_filled_in() {
        let folder = tempfile::tempdir().unwrap();
        // Room for two blocks and a half, and one byte; the gap would take 140 samples of it.
        for (name, n_samples, filled) in [("holds.sigmf-meta", 250, 0), ("fills.cs16", 110, 140)] {
            let path = folder.path().join(name);
            let options = CreateOptions { fill_gaps: true, ..CreateOptions::default() };
            let recorder = Recorder::whole(&path, &stream(), options).unwrap();
            let mut recorder = recorder.with_max_bytes(Some(1001));
            recorder.accept(&block(5000)).unwrap();
            assert!(!recorder.is_full());
            for first in [5240, 5340, 5440] {
                recorder.accept(&block(first)).unwrap();
            }
            assert!(recorder.is_full());
            recorder.finish().unwrap();
            let recorded = recorder.recorded();
            assert_eq!((recorded.bytes, recorded.filled), (4 * (n_samples + filled), filled), "{name}");
            assert_eq!(recorded.samples, n_samples, "{name}");
            let data = path.with_extension(if filled > 0 { "cs16" } else { "sigmf-data" });
            assert!(std::fs::metadata(data).unwrap().len() <= 1001);
        }
    }

    #[test]
    fn what_comes_after_a_gap_too_long_to_be_filled_is_the_next_recording() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a.cs16", "a.h5", "a.sigmf-meta"] {
            let path = folder.path().join(name);
            let options = CreateOptions { fill_gaps: true, ..CreateOptions::default() };
            let mut recorder = Recorder::whole(&path, &stream(), options).unwrap();
            // At 1 kHz ten minutes are filled, an hour is not.
            let firsts = [5000, 5100 + 600_000, 5200 + 600_000 + 3_600_000];
            firsts.iter().for_each(|&first| recorder.accept(&block(first)).unwrap());
            recorder.finish().unwrap();
            let paths: &[PathBuf] = &recorder.recorded().paths;
            if name == "a.sigmf-meta" {
                assert_eq!(paths, [path]);
                continue;
            }
            assert_eq!(paths, [path.clone(), numbered(&path, 2)]);
            assert_eq!((recorder.recorded().samples, recorder.recorded().filled), (300, 600_000));
            if name == "a.h5" {
                assert_eq!((read(&path).0, read(&path).1.len()), (5000, 600_200));
                assert_eq!((read(&paths[1]).0, read(&paths[1]).1.len()), (firsts[2], 100));
            }
        }
    }

    #[test]
    fn the_end_of_the_stream_ends_what_is_being_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("event.sigmf-meta");
        let trigger = Trigger::new();
        let mut recorder =
            Recorder::last(&path, &stream(), CreateOptions::default(), (2000, 10_000), 0, trigger.clone());
        for n in 0..20_u64 {
            if n == 19 {
                trigger.now();
            }
            recorder.accept(&block(5000 + n * 100)).unwrap();
        }
        recorder.finish().unwrap();
        assert_eq!(read(&numbered(&path, 1)).1.len(), 2000);
    }
}
