//! Writing a Digital RF channel.

use super::folders::{file_name, subdir_name};
use super::metadata;
use super::properties::{self, write_attributes, write_number, write_text};
use super::timeline::{MAX_DENOMINATOR, Timeline};
use crate::hdf5::{NATIVE, failed, interleave, sample_type, unlocked};
use crate::{CreateOptions, Error, Result, Writer};
use hdf5::plist::dataset_create::{AllocTime, FillTime};
use rangegate_core::{IqBlock, SampleFormat, StreamInfo};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// The channel's folder.
const CHANNEL: &str = "ch0";
/// Duration of a folder of files.
const SUBDIR_CADENCE_S: u64 = 3600;
/// Durations of a file that divide a folder, shortest first.
const FILE_CADENCES_MS: [u64; 12] = [1, 2, 5, 10, 20, 50, 100, 1000, 10_000, 60_000, 600_000, 3_600_000];
/// The duration that is taken where it gives files of a sensible size.
const USUAL_CADENCE_MS: u64 = 100;
/// Slow recordings get longer files, so that a file holds at least this many samples.
const MIN_SAMPLES: u64 = 1000;
/// Fast ones get shorter files, because a file is collected in memory before it is written.
const MAX_BYTES: u64 = 64 << 20;

pub(crate) struct DrfWriter {
    channel: PathBuf,
    timeline: Timeline,
    format: SampleFormat,
    n_channels: usize,
    /// What is added to the stream's indices to count from 1970.
    offset: i128,
    /// The least index of the stream that may come next.
    next: u64,
    uuid: String,
    /// Number of files written.
    sequence: u64,
    file: Option<OpenFile>,
    /// Rows of files that could not be written.
    unwritten: u64,
    /// Rows of the open file.
    rows: Vec<u8>,
}

/// The file that samples are being collected for.
struct OpenFile {
    ms: u64,
    n_rows: u64,
    /// Pairs: index of the first sample of a stretch, and its row.
    index: Vec<u64>,
    /// Index after the last sample.
    end: u64,
}

impl DrfWriter {
    pub(crate) fn create(path: &Path, stream: &StreamInfo, options: &CreateOptions) -> Result<Self> {
        super::check_new(path)?;
        let rate = stream.sample_rate;
        if rate.denominator() > MAX_DENOMINATOR {
            let expected = format!("a fraction with a denominator of at most {MAX_DENOMINATOR}");
            return Err(Error::field(path, "sample rate", rate, expected));
        }
        let format = stream.format.with_order(NATIVE);
        let per_sample = (format.bytes() * stream.n_channels) as u64;
        let timeline = Timeline {
            rate,
            file_cadence_ms: file_cadence_ms(rate.hz(), per_sample),
            subdir_cadence_s: SUBDIR_CADENCE_S,
        };
        let offset = stream.anchor.map_or(0, |anchor| {
            let since_1970 = rate.samples_from_nanos_up(anchor.time.as_nanosecond());
            since_1970 - i128::from(anchor.sample)
        });
        let channel = path.join(CHANNEL);
        let writer = Self {
            uuid: uuid(stream),
            channel,
            timeline,
            format,
            n_channels: stream.n_channels,
            offset,
            next: stream.first_sample,
            sequence: 0,
            file: None,
            unwritten: 0,
            rows: Vec::new(),
        };
        let first = writer.index(stream.first_sample)?;
        let was_there = path.exists();
        let begun = writer.begin(first, stream, options);
        if begun.is_err() {
            // Nothing is left of what could not be begun.
            let _ = std::fs::remove_dir_all(&writer.channel);
            let _ = if was_there { Ok(()) } else { std::fs::remove_dir(path) };
        }
        begun.map(|()| writer)
    }

    /// Writes everything that is there before the first sample.
    fn begin(&self, first: u64, stream: &StreamInfo, options: &CreateOptions) -> Result<()> {
        std::fs::create_dir_all(&self.channel)
            .map_err(|e| Error::io(&self.channel, "create this folder", e))?;
        properties::write(&self.channel, &self.timeline, self.format, stream.n_channels)?;
        self.write_metadata(first, stream, options)
    }

    fn write_metadata(&self, first: u64, stream: &StreamInfo, options: &CreateOptions) -> Result<()> {
        let mut fields = options.metadata.clone();
        if let Some(hz) = stream.center_frequency_hz {
            fields.insert("center_frequencies".to_owned(), Value::from(vec![hz; stream.n_channels]));
        }
        if let Some(text) = &options.description {
            fields.insert("description".to_owned(), Value::from(text.as_str()));
        }
        if fields.is_empty() {
            return Ok(());
        }
        let seconds = Timeline { file_cadence_ms: 1000, ..self.timeline }.file_of(first) / 1000;
        metadata::write(&self.channel, self.timeline.rate, first, seconds, &fields)
    }

    /// Index since 1970 of a sample of the stream.
    fn index(&self, sample: u64) -> Result<u64> {
        let wanted = "a time between 1970 and the end of the calendar";
        let wrong =
            || Error::field(&self.channel, "time of a sample", format!("that of index {sample}"), wanted);
        let index = u64::try_from(i128::from(sample) + self.offset).map_err(|_| wrong())?;
        let subdir = self.timeline.subdir_of(self.timeline.file_of(index));
        subdir_name(subdir).map(|_| index).ok_or_else(wrong)
    }

    /// Writes the open file under a temporary name, then gives it its own.
    fn close_file(&mut self) -> Result<()> {
        let Some(file) = self.file.take() else { return Ok(()) };
        let subdir = self.channel.join(subdir_name(self.timeline.subdir_of(file.ms)).unwrap_or_default());
        let temporary = subdir.join(format!("tmp.{}", file_name(file.ms)));
        let written = self.write_file(&file, &subdir, &temporary);
        self.rows.clear();
        self.sequence += 1;
        if written.is_err() {
            self.unwritten += file.n_rows;
            // It would be ignored by readers, but on a full disk it is in the way.
            let _ = std::fs::remove_file(&temporary);
        }
        written
    }

    fn write_file(&self, file: &OpenFile, subdir: &Path, temporary: &Path) -> Result<()> {
        std::fs::create_dir_all(subdir).map_err(|e| Error::io(subdir, "create this folder", e))?;
        let at =
            self.write_structure(temporary, file).map_err(|e| failed(temporary, "write this file", &e))?;
        // The rows go where the library made room for them: no conversion, no copy, no lock.
        let write_rows = || {
            let mut out = std::fs::OpenOptions::new().write(true).open(temporary)?;
            out.seek(SeekFrom::Start(at))?;
            out.write_all(&self.rows)?;
            drop(out);
            std::fs::rename(temporary, subdir.join(file_name(file.ms)))
        };
        write_rows().map_err(|e| Error::io(temporary, "write this file", e))
    }

    /// Writes everything of a file but its rows; returns where these begin.
    fn write_structure(&self, path: &Path, file: &OpenFile) -> hdf5::Result<u64> {
        let out = unlocked().create(path)?;
        let shape = (file.n_rows as usize, self.n_channels);
        let data = out
            .new_dataset_builder()
            .with_dcpl(|p| p.no_chunk().alloc_time(Some(AllocTime::Early)).fill_time(FillTime::Never))
            .empty_as(sample_type(self.format))
            .shape(shape)
            .create("rf_data")?;
        write_attributes(&data, &self.timeline, self.format, self.n_channels)?;
        // Nothing here may depend on the clock of this computer: the same samples give the same file.
        write_number(&data, "computer_time", file.ms / 1000)?;
        write_number(&data, "init_utc_timestamp", file.ms / 1000)?;
        write_number(&data, "sequence_num", self.sequence)?;
        write_text(&data, "uuid_str", &self.uuid)?;
        let index = out.new_dataset::<u64>().shape((file.index.len() / 2, 2)).create("rf_data_index")?;
        index.write_raw(&file.index[..])?;
        let at = data.offset().ok_or("the library made no room for the samples")?;
        drop((data, index));
        out.close()?;
        Ok(at)
    }
}

impl Writer for DrfWriter {
    fn write(&mut self, block: &IqBlock) -> Result<()> {
        let (found, expected) = (block.format().with_order(NATIVE), self.format);
        if found != expected || block.n_channels() != self.n_channels {
            let words = |format: SampleFormat, n: usize| format!("{format} in {n} channel(s)");
            let expected = words(expected, self.n_channels);
            return Err(Error::field(&self.channel, "block", words(found, block.n_channels()), expected));
        }
        let first_sample = block.header.first_sample;
        if first_sample < self.next {
            let expected = format!("{} or later", self.next);
            return Err(Error::field(&self.channel, "first sample of a block", first_sample, expected));
        }
        if block.is_empty() {
            return Ok(());
        }
        let first = self.index(first_sample)?;
        self.index(block.end_sample() - 1)?;
        let mut done = 0;
        while done < block.n_samples() {
            let at = first + done as u64;
            let ms = self.timeline.file_of(at);
            if self.file.as_ref().is_some_and(|file| file.ms != ms)
                && let Err(error) = self.close_file()
            {
                // What is of this block was not accepted.
                self.unwritten = self.unwritten.saturating_sub(done as u64);
                return Err(error);
            }
            let file =
                self.file.get_or_insert_with(|| OpenFile { ms, n_rows: 0, index: Vec::new(), end: u64::MAX });
            if file.end != at {
                file.index.extend([at, file.n_rows]);
            }
            let n = (self.timeline.indices(ms).end - at).min((block.n_samples() - done) as u64);
            interleave(block, done..done + n as usize, self.format, &mut self.rows);
            file.n_rows += n;
            file.end = at + n;
            done += n as usize;
        }
        self.next = block.end_sample();
        Ok(())
    }

    fn take_unwritten(&mut self) -> u64 {
        std::mem::take(&mut self.unwritten)
    }

    fn finish(&mut self) -> Result<()> {
        self.close_file()
    }
}

/// What was written before an error elsewhere is kept.
impl Drop for DrfWriter {
    fn drop(&mut self) {
        // Whoever wants to hear of errors calls `finish`.
        let _ = self.close_file();
    }
}

/// The usual duration of a file, or the one next to it that gives files of a sensible size.
fn file_cadence_ms(rate_hz: f64, bytes_per_sample: u64) -> u64 {
    let samples = |ms: u64| rate_hz * ms as f64 / 1e3;
    let large = |ms: u64| samples(ms) * bytes_per_sample as f64 > MAX_BYTES as f64;
    let small = |ms: u64| samples(ms) < MIN_SAMPLES as f64;
    let usual = FILE_CADENCES_MS.partition_point(|&ms| ms < USUAL_CADENCE_MS);
    let mut at = usual;
    while at > 0 && large(FILE_CADENCES_MS[at]) {
        at -= 1;
    }
    while at >= usual && at + 1 < FILE_CADENCES_MS.len() && small(FILE_CADENCES_MS[at]) {
        at += 1;
    }
    FILE_CADENCES_MS[at]
}

/// A name for this stream that follows from what it is.
fn uuid(stream: &StreamInfo) -> String {
    let hash: [u8; 32] = Sha256::digest(format!("{stream:?}")).into();
    let hex: String = hash[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    // Version 8: made by a rule of one's own.
    format!("{}-{}-8{}-8{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..])
}
