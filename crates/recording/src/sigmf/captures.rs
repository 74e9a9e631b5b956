//! From captures to runs of samples: where in the file each begins, and at which absolute index and time.

use super::files::Data;
use super::index_map::IndexMap;
use super::meta::{Capture, Meta, Note};
use crate::Annotation;
use crate::error::{Error, Result};
use crate::flat::{Run, frame_bytes, loss_of_partial_sample};
use rangegate_core::{BlockHeader, SampleRate, TimeAnchor, Timestamp};
use std::path::Path;

/// The captures of a recording, laid out.
#[derive(Debug)]
pub(super) struct Timeline {
    /// The runs that hold samples.
    pub runs: Vec<Run>,
    /// What the description speaks of and the file does not hold.
    pub losses: Vec<String>,
    /// From the description's indices to absolute ones and back.
    pub index_map: IndexMap,
}

impl Timeline {
    /// Lays out the captures of `meta` in a file of `file_len` bytes.
    ///
    /// # Errors
    /// A capture begins past the end of the samples, or before the capture that stands before it ends.
    pub fn new(
        path: &Path,
        meta: &Meta,
        sample_rate: SampleRate,
        data: &Data,
        file_len: u64,
    ) -> Result<Self> {
        let frame = frame_bytes(path, "global.core:num_channels", meta.format, meta.n_channels)?;
        let (dataset_len, cut) = dataset_len(data, file_len);
        let data_end = dataset_len.checked_sub(meta.trailing_bytes).ok_or_else(|| {
            let expected = format!("at most the {dataset_len} bytes of the dataset");
            Error::field(path, "global.core:trailing_bytes", meta.trailing_bytes, expected)
        })?;
        let places = places(path, meta, frame, data_end)?;

        let mut clock = Clock::new(path, meta, sample_rate)?;
        let (mut runs, mut index_map) = (Vec::new(), IndexMap::default());
        for (index, place) in places.iter().enumerate() {
            let end = places
                .get(index + 1)
                .map_or(place.position + (data_end - place.byte) / frame, |p| p.position);
            let n_samples = end - place.position;
            let mut header = clock.header(place, n_samples)?;
            index_map.push(place.capture.sample_start, header.first_sample);
            if n_samples > 0 {
                header.after_gap &= !runs.is_empty();
                runs.push(Run { header, n_samples, byte: data.start + place.byte });
            }
        }
        let mut timeline = Self { runs, losses: Vec::from_iter(cut), index_map };
        let last_byte = places.last().map_or(0, |place| place.byte);
        timeline.losses.extend(loss_of_partial_sample(&data.path, data_end - last_byte, frame));
        timeline.losses.extend(timeline.loss_behind_notes(meta, data));
        Ok(timeline)
    }

    /// Absolute index at which the first capture begins, whether it has samples or not.
    pub fn first_sample(&self) -> u64 {
        self.index_map.first_absolute()
    }

    /// Puts the first sample at `time`, and all others by their index.
    pub fn set_start_time(&mut self, time: Timestamp) {
        let anchor = TimeAnchor { sample: self.first_sample(), time };
        for run in &mut self.runs {
            run.header.anchor = Some(anchor);
        }
    }

    /// The annotation in absolute indices. One that reaches across a gap includes it.
    pub fn absolute(&self, note: Note) -> Annotation {
        let first_sample = self.index_map.absolute_from(note.sample_start);
        let n_samples = note.sample_count.map(|count| match count.checked_sub(1) {
            Some(rest) => {
                self.index_map.absolute_from(note.sample_start + rest).saturating_add(1) - first_sample
            }
            None => 0,
        });
        Annotation {
            first_sample,
            n_samples,
            frequency_hz: note.frequency_hz,
            label: note.label,
            comment: note.comment,
        }
    }

    /// Annotations that reach past the last sample show that the file was cut.
    fn loss_behind_notes(&self, meta: &Meta, data: &Data) -> Option<String> {
        let end_of = |note: &Note| note.sample_start + note.sample_count.unwrap_or(0);
        let claimed = meta.notes.iter().map(end_of).max()?;
        let held = self
            .runs
            .last()
            .map_or(origin(meta), |run| self.index_map.sample_start_from(run.end_sample() - 1) + 1);
        (claimed > held).then(|| {
            format!(
                "{}: ends at sample {held}, but its annotations reach to {claimed}: at least {} samples are missing",
                data.path.display(),
                claimed - held
            )
        })
    }
}

/// Size of the dataset as far as the file holds it, and what is missing of it.
fn dataset_len(data: &Data, file_len: u64) -> (u64, Option<String>) {
    let held = file_len.saturating_sub(data.start);
    let Some(claimed) = data.len else { return (held, None) };
    let cut = (claimed > held).then(|| {
        let path = data.path.display();
        format!("{path}: the archive ends {} bytes before the samples in it do", claimed - held)
    });
    (claimed.min(held), cut)
}

/// Where a capture begins.
struct Place {
    capture: Capture,
    /// Its number in the description.
    index: usize,
    /// First sample, counted from the first of the file.
    position: u64,
    /// First byte of its samples in the dataset.
    byte: u64,
}

/// What the description calls the first sample of the file: `core:offset`, or 0 where it counts from the
/// file's beginning although it has an offset.
pub(super) fn origin(meta: &Meta) -> u64 {
    if meta.captures[0].sample_start < meta.offset { 0 } else { meta.offset }
}

/// Finds where each capture begins in the dataset. Samples before the first capture make one of their own.
fn places(path: &Path, meta: &Meta, frame: u64, data_end: u64) -> Result<Vec<Place>> {
    let origin = origin(meta);
    let mut places = Vec::with_capacity(meta.captures.len() + 1);
    if meta.captures[0].sample_start > origin {
        let capture = Capture { sample_start: origin, ..Default::default() };
        places.push(Place { capture, index: 0, position: 0, byte: 0 });
    }
    let mut header_bytes = 0_u64;
    for (index, capture) in meta.captures.iter().copied().enumerate() {
        let position = capture.sample_start - origin;
        header_bytes = header_bytes.saturating_add(capture.header_bytes);
        let byte = position.saturating_mul(frame).saturating_add(header_bytes);
        if byte > data_end {
            let field = format!("captures[{index}].core:sample_start");
            let held = data_end.saturating_sub(header_bytes) / frame;
            let expected = format!("at most {}: the dataset holds {held} samples", origin + held);
            return Err(Error::field(path, &field, capture.sample_start, expected));
        }
        places.push(Place { capture, index, position, byte });
    }
    Ok(places)
}

/// What is carried from one capture to the next.
struct Clock<'a> {
    path: &'a Path,
    sample_rate: SampleRate,
    /// Absolute index one past the capture before.
    next_sample: u64,
    /// The last time that was written down, and how finely.
    anchor: Option<(TimeAnchor, i128)>,
}

impl<'a> Clock<'a> {
    /// Set to the first sample of the file, as the first capture tells.
    fn new(path: &'a Path, meta: &Meta, sample_rate: SampleRate) -> Result<Self> {
        let (first, origin) = (meta.captures[0], origin(meta));
        let n_before = first.sample_start - origin;
        let absolute = first.global_index.unwrap_or(meta.offset + n_before);
        let next_sample = absolute.checked_sub(n_before).ok_or_else(|| {
            let expected = format!("at least {n_before}, the number of samples before it in the file");
            Error::field(path, "captures[0].core:global_index", absolute, expected)
        })?;
        let anchor = first.datetime.map(|t| (TimeAnchor { sample: absolute, time: t.time }, t.resolution_ns));
        Ok(Self { path, sample_rate, next_sample, anchor })
    }

    /// The header of the capture at `place`, which follows the one before.
    fn header(&mut self, place: &Place, n_samples: u64) -> Result<BlockHeader> {
        let (capture, expected) = (place.capture, self.next_sample);
        let first_sample = capture.global_index.unwrap_or(expected);
        if first_sample < expected {
            let field = format!("captures[{}].core:global_index", place.index);
            let expected = format!("at least {expected}, where the capture before ends");
            return Err(Error::field(self.path, &field, first_sample, expected));
        }
        self.next_sample = first_sample + n_samples;
        let time_jumps = self.set_time(&capture, first_sample);
        Ok(BlockHeader {
            first_sample,
            anchor: self.anchor.map(|(anchor, _)| anchor),
            after_gap: first_sample > expected || time_jumps || capture.after_gap,
            center_frequency_hz: capture.frequency_hz,
        })
    }

    /// Takes over the capture's own time, if it has one, and says whether that shows a gap which the indices
    /// do not.
    fn set_time(&mut self, capture: &Capture, first_sample: u64) -> bool {
        let Some(written) = capture.datetime else { return false };
        let own = TimeAnchor { sample: first_sample, time: written.time };
        let before = self.anchor.replace((own, written.resolution_ns));
        let (Some((before, resolution_ns)), None) = (before, capture.global_index) else { return false };
        let tolerance = resolution_ns + written.resolution_ns + self.sample_rate.nanos_from_samples(1);
        before
            .time_of(first_sample, 0.0, self.sample_rate)
            .is_none_or(|predicted| (predicted.as_nanosecond() - own.time.as_nanosecond()).abs() > tolerance)
    }
}
