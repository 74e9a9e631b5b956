//! A Digital RF channel as a recording.

use super::data_file::{DataFile, Stretch, find};
use super::folders::{Folders, PROPERTIES, channels, is_channel};
use super::metadata;
use super::properties::Properties;
use crate::{Error, Kind, OpenOptions, Recording, RecordingInfo, Result};
use rangegate_core::{BlockHeader, IqBlock, SampleFormat, SampleRate, TimeAnchor};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Where the whole recording is no more files than these, its samples are counted when it is opened.
const MAX_COUNTED_FILES: usize = 16;

pub(crate) struct DrfRecording {
    info: RecordingInfo,
    files: Files,
}

/// The files of a channel, of which one is open.
struct Files {
    folders: Folders,
    properties: Properties,
    map: bool,
    /// What all files hold: the type of the first that could be read.
    format: Option<SampleFormat>,
    open: Option<DataFile>,
    /// What the file held that was open before.
    before: Vec<Stretch>,
    losses: Losses,
}

/// More losses than this are not listed one by one.
const MAX_LOSSES: usize = 1000;

/// What could not be read, each once however often it is come across.
#[derive(Default)]
struct Losses {
    lines: Vec<String>,
    /// Files that are left out, by their beginnings.
    files: BTreeSet<u64>,
    /// Indices that are left out of a file.
    indices: BTreeMap<u64, Vec<Range<u64>>>,
}

impl Losses {
    fn add(&mut self, line: String) {
        match self.lines.len() {
            0..MAX_LOSSES => self.lines.push(line),
            MAX_LOSSES => self.lines.push("there are more losses, which are not listed".to_owned()),
            _ => {}
        }
    }
}

impl Files {
    /// Opens the file that begins at `ms`; `None` where it is not there, or cannot be read, which is a loss.
    fn open(&mut self, ms: u64) -> Option<&mut DataFile> {
        if self.open.as_ref().is_some_and(|file| file.ms == ms) {
            return self.open.as_mut();
        }
        let path = self.folders.path_of(ms).filter(|path| path.exists())?;
        let n_subchannels = self.properties.n_subchannels;
        let file =
            DataFile::open(&path, ms, &self.properties.timeline, n_subchannels, self.map).and_then(|file| {
                let expected = *self.format.get_or_insert(file.format());
                if file.format() == expected {
                    return Ok(file);
                }
                Err(Error::field(
                    &path,
                    "type of rf_data",
                    file.format(),
                    format!("{expected} as in the other files"),
                ))
            });
        match file {
            Ok(mut file) => {
                self.losses.indices.get(&ms).into_iter().flatten().for_each(|lost| file.remove(lost));
                let before = self.open.replace(file);
                self.before = before.map(|file| file.stretches).unwrap_or_default();
                self.open.as_mut()
            }
            Err(e) => {
                if self.losses.files.insert(ms) {
                    self.losses.add(format!("{e}; the file is left out"));
                }
                None
            }
        }
    }

    /// Opens the file with the first sample at or after an index.
    fn find(&mut self, at: u64) -> Result<Option<&mut DataFile>> {
        let timeline = self.properties.timeline;
        let mut ms = timeline.file_of(at);
        // A sample on the boundary may stand in the file before.
        if at == timeline.first_index(ms)
            && let Some(before) = ms.checked_sub(timeline.file_cadence_ms)
            && self.open(before).is_some_and(|file| file.contains(at))
        {
            return Ok(self.open(before));
        }
        loop {
            if self.open(ms).is_some_and(|file| file.find(at).is_some()) {
                return Ok(self.open(ms));
            }
            match self.folders.next(ms.saturating_add(timeline.file_cadence_ms))? {
                Some(next) => ms = next,
                None => return Ok(None),
            }
        }
    }

    /// Whether there is a sample with this index.
    fn has(&mut self, index: u64) -> bool {
        if find(&self.before, index).is_some_and(|s| s.indices.start <= index) {
            return true;
        }
        let timeline = self.properties.timeline;
        let ms = timeline.file_of(index);
        // Its own file, or across a boundary the neighbour's.
        let mut around = [Some(ms), None, None];
        let indices = timeline.indices(ms);
        if index == indices.start {
            around[1] = ms.checked_sub(timeline.file_cadence_ms);
        }
        if index.checked_add(1) == Some(indices.end) {
            around[2] = ms.checked_add(timeline.file_cadence_ms);
        }
        around.into_iter().flatten().any(|ms| self.open(ms).is_some_and(|file| file.contains(index)))
    }

    /// The last index of the recording.
    fn last_index(&mut self) -> Result<Option<u64>> {
        let mut before = u64::MAX;
        while let Some(ms) = self.folders.last(before)? {
            if let Some(last) = self.open(ms).and_then(|file| file.stretches.last()) {
                return Ok(Some(last.indices.end - 1));
            }
            let Some(earlier) = ms.checked_sub(1) else { break };
            before = earlier;
        }
        Ok(None)
    }

    /// Number of samples, where that takes opening a few files only.
    fn count(&mut self) -> Result<Option<u64>> {
        if self.folders.n_files_of_one_subdir()?.is_none_or(|n| n > MAX_COUNTED_FILES) {
            return Ok(None);
        }
        let (mut n, mut next) = (0, 0);
        while let Some(ms) = self.folders.next(next)? {
            let stretches = self.open(ms).map_or(&[][..], |file| &file.stretches);
            n += stretches.iter().map(|s| s.indices.end - s.indices.start).sum::<u64>();
            next = ms + 1;
        }
        Ok(Some(n))
    }
}

impl DrfRecording {
    pub(crate) fn open(path: &Path, options: &OpenOptions) -> Result<Self> {
        let channel = choose_channel(path, options.channel.as_deref())?;
        let properties = Properties::read(&channel)?;
        let folders = Folders::new(&channel, properties.timeline)?;
        let mut files = Files {
            folders,
            map: !options.no_mmap,
            format: None,
            open: None,
            before: Vec::new(),
            losses: Losses::default(),
            properties,
        };
        let first = files.find(0)?.map(|file| (file.stretches[0].indices.start, file.samples.is_mapped()));
        let (Some((first_sample, mapped)), Some(sample_format)) = (first, files.format) else {
            let losses = files.losses.lines.iter().map(|line| format!("\n  {line}")).collect::<String>();
            let message = format!("no file of samples can be read in this Digital RF channel{losses}");
            return Err(Error::new(&channel, message));
        };
        let end_sample = files.last_index()?.unwrap_or(first_sample) + 1;
        let n_samples = files.count()?;
        let notes = metadata::read(&channel, first_sample).unwrap_or_else(|e| {
            files.losses.add(format!("{e}; this metadata is left out"));
            metadata::Metadata::default()
        });
        let anchor = match options.start_time {
            Some(time) => TimeAnchor { sample: first_sample, time },
            None => TimeAnchor { sample: 0, time: files.properties.epoch },
        };
        let sample_rate = match options.sample_rate_hz {
            Some(hz) => SampleRate::from_hz(hz).map_err(|e| Error::new(&channel, e.to_string()))?,
            None => files.properties.timeline.rate,
        };
        if let Some(wanted) = options.sample_format.filter(|wanted| *wanted != sample_format) {
            return Err(Error::field(
                &channel,
                "sample_format",
                wanted,
                format!("{sample_format}, or left out"),
            ));
        }
        let info = RecordingInfo {
            path: channel,
            kind: Kind::DigitalRf,
            sample_rate,
            sample_format,
            n_channels: files.properties.n_subchannels,
            first_sample,
            end_sample,
            n_samples,
            anchor: Some(anchor),
            start_time: anchor.time_of(first_sample, 0.0, sample_rate),
            center_frequency_hz: options
                .center_frequency_hz
                .or_else(|| metadata::center_frequency_hz(&notes.first)),
            pulse_len: None,
            mapped,
            annotations: Vec::new(),
            metadata: Value::Object(Map::from_iter([
                ("properties".to_owned(), Value::Object(files.properties.all.clone().into_iter().collect())),
                ("metadata".to_owned(), Value::Object(notes.latest)),
            ])),
        };
        Ok(Self { info, files })
    }
}

impl Recording for DrfRecording {
    fn info(&self) -> &RecordingInfo {
        &self.info
    }

    fn read(&mut self, at: u64, max_samples: usize, block: &mut IqBlock) -> Result<bool> {
        if max_samples == 0 {
            return Ok(false);
        }
        let mut at = at.max(self.info.first_sample);
        loop {
            let Some(file) = self.files.find(at)? else { return Ok(false) };
            let Some(stretch) = file.find(at).cloned() else { return Ok(false) };
            let ms = file.ms;
            at = at.max(stretch.indices.start);
            let begins = at == stretch.indices.start && at > self.info.first_sample;
            let after_gap = begins && !self.files.has(at - 1);
            let header = BlockHeader {
                first_sample: at,
                anchor: self.info.anchor,
                after_gap,
                center_frequency_hz: self.info.center_frequency_hz,
            };
            let Some(file) = self.files.open(ms) else { continue };
            let row = stretch.row + (at - stretch.indices.start) as usize;
            let left = usize::try_from(stretch.indices.end - at).unwrap_or(usize::MAX);
            let n = file.samples.run(row, max_samples.min(left));
            match file.samples.read(0, row, n, header, block) {
                Ok(()) => return Ok(true),
                Err(e) => {
                    // Everything up to the end of the chunk, or what was asked for, cannot be had.
                    let lost = at..at + file.samples.run(row, left) as u64;
                    file.remove(&lost);
                    let losses = &mut self.files.losses;
                    losses.add(format!("{e}; {} samples are left out", lost.end - lost.start));
                    losses.indices.entry(ms).or_default().push(lost.clone());
                    at = lost.end;
                }
            }
        }
    }

    fn losses(&self) -> &[String] {
        &self.files.losses.lines
    }
}

/// The channel that is meant by a path and a name.
fn choose_channel(path: &Path, name: Option<&str>) -> Result<PathBuf> {
    if name.is_none() && is_channel(path) {
        return Ok(path.to_owned());
    }
    let found = channels(path)?;
    let list = || if found.is_empty() { "none".to_owned() } else { found.join(", ") };
    match (name, found.as_slice()) {
        (Some(name), _) if found.iter().any(|c| c == name) => Ok(path.join(name)),
        (Some(name), _) if is_channel(path) && path.file_name().is_some_and(|n| n == name) => {
            Ok(path.to_owned())
        }
        (Some(name), _) => {
            Err(Error::field(path, "channel", name, format!("one of the channels here: {}", list())))
        }
        (None, [only]) => Ok(path.join(only)),
        (None, []) => {
            let wanted = PROPERTIES[0];
            let message =
                format!("this is no Digital RF recording: expected {wanted}, or folders that hold it");
            Err(Error::new(path, message))
        }
        (None, _) => {
            let message =
                format!("this recording has several channels, say which with 'channel': {}", list());
            Err(Error::new(path, message))
        }
    }
}
