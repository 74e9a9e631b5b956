//! SigMF 1.2: a `.sigmf-meta` file (JSON) that describes a file of samples, or both in a `.sigmf` archive.
//!
//! How absolute indices follow from the description:
//!
//! * The first sample of a capture has the index `core:global_index` where that is given. Without it the
//!   capture continues the one before, and the first capture begins at its `core:sample_start`. A jump of the
//!   global index is a gap.
//! * `core:offset` is the index of the file's first sample, and the specification counts `core:sample_start`
//!   from the same origin. Files whose first capture starts below the offset count from the file's beginning
//!   instead; there the offset is added.
//! * A capture without a global index whose `core:datetime` departs from what the capture before predicts, by
//!   more than both were written to, begins after a gap: its time jumps and its index does not.
//!
//! Fields of this project, in the namespace `rangegate`: `rangegate:after_gap` (captures), true where samples
//! with adjacent indices do not belong together, as pulses that were cut out.
//!
//! Reference: the Signal Metadata Format Specification 1.2.6, <https://sigmf.org>.

mod annotate;
mod archive;
mod captures;
mod document;
mod files;
mod growing;
mod index_map;
mod meta;
mod trailing_hash;
mod write;

pub use annotate::write_annotations;
pub(crate) use files::{is_archive, is_named_so};
pub use write::create;

use crate::error::{Error, Result};
use crate::flat::{self, FlatFile, Storage};
use crate::{Annotation, Kind, OpenOptions, Recording, RecordingInfo};
use captures::Timeline;
use files::Files;
use meta::Meta;
use rangegate_core::{IqBlock, SampleRate};
use sha2::{Digest, Sha512};
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};

struct SigmfRecording {
    info: RecordingInfo,
    file: FlatFile,
    losses: Vec<String>,
}

/// Opens a recording by its `.sigmf-meta`, its `.sigmf-data`, the name without either, or as a `.sigmf`
/// archive, which is not unpacked.
///
/// Samples that the description speaks of and the file does not hold are counted in
/// [`Recording::losses`].
///
/// # Errors
/// A file is missing or cannot be read, a field is missing, of the wrong type or out of its range, or a capture
/// begins past the end of the samples.
pub fn open(path: &Path, options: &OpenOptions) -> Result<Box<dyn Recording>> {
    let files = Files::find(path)?;
    let mut meta = files.read_meta()?;
    override_meta(&files, &mut meta, options)?;
    let sample_rate = meta.sample_rate.ok_or_else(|| {
        Error::missing(&files.meta_path, "global.core:sample_rate", "the samples a second, Hz")
    })?;
    let data = files.data(&meta)?;

    let storage = Storage::open(&data.path, options.no_mmap)?;
    let mut timeline = Timeline::new(&files.meta_path, &meta, sample_rate, &data, storage.len())?;
    if let Some(time) = options.start_time {
        timeline.set_start_time(time);
    }
    let annotations: Vec<Annotation> = meta.notes.into_iter().map(|note| timeline.absolute(note)).collect();

    let first = timeline.runs.first();
    let header = first.map(|run| run.header).unwrap_or_default();
    let first_sample = first.map_or(timeline.first_sample(), |run| run.header.first_sample);
    let info = RecordingInfo {
        path: path.to_owned(),
        kind: Kind::Sigmf,
        sample_rate,
        sample_format: meta.format,
        n_channels: meta.n_channels,
        first_sample,
        end_sample: timeline.runs.last().map_or(first_sample, flat::Run::end_sample),
        n_samples: Some(timeline.runs.iter().map(|run| run.n_samples).sum()),
        anchor: header.anchor,
        start_time: header.anchor.and_then(|anchor| anchor.time_of(first_sample, 0.0, sample_rate)),
        center_frequency_hz: header.center_frequency_hz,
        pulse_len: None,
        mapped: storage.is_mapped(),
        annotations,
        metadata: meta.document,
    };
    let file = FlatFile {
        path: data.path,
        format: meta.format,
        n_channels: meta.n_channels,
        runs: timeline.runs,
        storage,
    };
    Ok(Box::new(SigmfRecording { info, file, losses: timeline.losses }))
}

/// Puts what the user says in place of what the description says.
fn override_meta(files: &Files, meta: &mut Meta, options: &OpenOptions) -> Result<()> {
    if let Some(hz) = options.sample_rate_hz {
        let rate =
            SampleRate::from_hz(hz).map_err(|error| Error::new(&files.meta_path, error.to_string()))?;
        meta.sample_rate = Some(rate);
    }
    meta.format = options.sample_format.unwrap_or(meta.format);
    meta.n_channels = options.n_channels.unwrap_or(meta.n_channels);
    if let Some(frequency) = options.center_frequency_hz {
        for capture in &mut meta.captures {
            capture.frequency_hz = Some(frequency);
        }
    }
    Ok(())
}

impl Recording for SigmfRecording {
    fn info(&self) -> &RecordingInfo {
        &self.info
    }

    fn read(&mut self, at: u64, max_samples: usize, block: &mut IqBlock) -> Result<bool> {
        self.file.read(at, max_samples, block)
    }

    fn losses(&self) -> &[String] {
        &self.losses
    }

    fn bytes_of(&self, samples: Range<u64>) -> Option<(PathBuf, Range<u64>)> {
        Some((self.file.path.clone(), self.file.bytes_of(samples)))
    }
}

/// Whether the samples are those that the description's `core:sha512` was computed of; `None` where it has
/// none. Reads the whole file, which is why [`open`] does not do it.
///
/// # Errors
/// A file cannot be read, or the description is wrong.
pub fn verify_sha512(path: &Path) -> Result<Option<bool>> {
    let files = Files::find(path)?;
    let meta = files.read_meta()?;
    let Some(expected) = &meta.sha512 else { return Ok(None) };
    let data = files.data(&meta)?;
    let failed = |error| Error::io(&data.path, "read the samples", error);
    let mut file = flat::open_file(&data.path)?;
    file.seek(SeekFrom::Start(data.start)).map_err(failed)?;
    let mut rest = file.take(data.len.unwrap_or(u64::MAX));
    let (mut hash, mut buffer) = (Sha512::new(), vec![0; 1 << 20]);
    loop {
        let n_bytes = rest.read(&mut buffer).map_err(failed)?;
        if n_bytes == 0 {
            return Ok(Some(hex(&hash.finalize()).eq_ignore_ascii_case(expected)));
        }
        hash.update(&buffer[..n_bytes]);
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
