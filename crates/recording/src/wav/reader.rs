//! A WAV file as a recording.

use super::Channels;
use super::chunks::{Chunks, Format, Number};
use crate::flat::{self, FlatFile, MAX_READ_BYTES, Run, Storage, open_file};
use crate::{Error, Kind, OpenOptions, Recording, RecordingInfo, Result};
use rangegate_core::{BlockHeader, IqBlock, SampleRate, TimeAnchor};
use serde_json::json;
use std::path::Path;

pub(super) struct WavRecording {
    info: RecordingInfo,
    file: FlatFile,
    number: Number,
    scratch: Vec<u8>,
    losses: Vec<String>,
}

impl WavRecording {
    pub(super) fn open(path: &Path, options: &OpenOptions) -> Result<Self> {
        let storage = Storage::open(path, options.no_mmap)?;
        let chunks = Chunks::read(&mut open_file(path)?, storage.len())
            .map_err(|error| Error::io(path, "read the header", error))?
            .map_err(|message| Error::new(path, message))?;
        let Format { number, n_channels, sample_rate_hz } = chunks.format;
        let hz = options.sample_rate_hz.unwrap_or(sample_rate_hz.into());
        let sample_rate = SampleRate::from_hz(hz).map_err(|error| Error::new(path, error.to_string()))?;
        let complex = is_complex(path, options, n_channels)?;
        let n_channels = if complex { n_channels / 2 } else { n_channels };
        let format = number.format(complex);
        check_format(path, options, &chunks.format, complex)?;

        let frame = (number.bytes() * n_channels * if complex { 2 } else { 1 }) as u64;
        let n_samples = chunks.data_bytes / frame;
        let center_frequency_hz = options.center_frequency_hz.or(chunks.auxi.center_frequency_hz);
        let start_time = options.start_time.or(chunks.auxi.start_time);
        let anchor = start_time.map(|time| TimeAnchor { sample: 0, time });
        let header = BlockHeader { anchor, center_frequency_hz, ..BlockHeader::default() };
        let run = Run { header, n_samples, byte: chunks.data_byte };
        let runs = if n_samples > 0 { vec![run] } else { Vec::new() };
        let info = RecordingInfo {
            path: path.to_owned(),
            kind: Kind::Wav,
            sample_rate,
            sample_format: format,
            n_channels,
            first_sample: 0,
            end_sample: n_samples,
            n_samples: Some(n_samples),
            anchor,
            start_time,
            center_frequency_hz,
            pulse_len: None,
            mapped: storage.is_mapped() && number != Number::I24,
            annotations: Vec::new(),
            metadata: json!({ "bits": 8 * number.bytes(), "wav_channels": chunks.format.n_channels }),
        };
        let losses = losses(path, &chunks, frame);
        let file = FlatFile { path: path.to_owned(), format, n_channels, runs, storage };
        Ok(Self { info, file, number, scratch: Vec::new(), losses })
    }

    /// Reads 24 bits as the upper ones of 32.
    fn read_24(&mut self, at: u64, max_samples: usize, block: &mut IqBlock) -> Result<bool> {
        let Some(run) = self.file.runs.first().filter(|run| at < run.n_samples && max_samples > 0) else {
            return Ok(false);
        };
        let format = self.info.sample_format;
        let n_numbers = self.info.n_channels * if format.complex { 2 } else { 1 };
        let frame = 3 * n_numbers;
        let n =
            (run.n_samples - at).min(max_samples as u64).min((MAX_READ_BYTES / frame).max(1) as u64) as usize;
        let byte = run.byte + at * frame as u64;
        let header = BlockHeader { first_sample: at, ..run.header };
        let bytes = self.file.storage.bytes(&self.info.path, byte, n * frame, &mut self.scratch)?;
        let out = block.fill(header, format, self.info.n_channels, n);
        for (to, from) in out.chunks_exact_mut(4).zip(bytes.chunks_exact(3)) {
            to.copy_from_slice(&[0, from[0], from[1], from[2]]);
        }
        Ok(true)
    }
}

impl Recording for WavRecording {
    fn info(&self) -> &RecordingInfo {
        &self.info
    }

    fn read(&mut self, at: u64, max_samples: usize, block: &mut IqBlock) -> Result<bool> {
        match self.number {
            Number::Plain(_) => self.file.read(at, max_samples, block),
            Number::I24 => self.read_24(at, max_samples, block),
        }
    }

    fn losses(&self) -> &[String] {
        &self.losses
    }
}

fn is_complex(path: &Path, options: &OpenOptions, n_channels: usize) -> Result<bool> {
    match options.wav.channels {
        None => Ok(n_channels == 2),
        Some(Channels::Audio) => Ok(false),
        Some(Channels::Iq) if n_channels.is_multiple_of(2) => Ok(true),
        Some(Channels::Iq) => {
            let expected =
                format!("\"audio\", because the file's {n_channels} channels are no pairs of I and Q");
            Err(Error::field(path, "wav.channels", "\"iq\"", expected))
        }
    }
}

/// What the user says of the samples must be what the file says.
fn check_format(path: &Path, options: &OpenOptions, stored: &Format, complex: bool) -> Result<()> {
    let found = stored.number.format(complex);
    match options.sample_format {
        Some(wanted) if wanted != found => {
            let expected = format!("{found}, which the file holds");
            Err(Error::field(path, "sample_format", wanted, expected))
        }
        _ => Ok(()),
    }
}

fn losses(path: &Path, chunks: &Chunks, frame: u64) -> Vec<String> {
    let cut = (chunks.missing_bytes > 0).then(|| {
        format!(
            "{}: the file is cut off: {} bytes of samples are missing of {}",
            path.display(),
            chunks.missing_bytes,
            chunks.data_bytes + chunks.missing_bytes
        )
    });
    cut.into_iter().chain(flat::loss_of_partial_sample(path, chunks.data_bytes, frame)).collect()
}
