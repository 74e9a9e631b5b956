//! Writing WAV files that SDR programs play.

use super::auxi::{Auxi, BYTES as AUXI_BYTES};
use crate::flat::FlatWriter;
use crate::{CreateOptions, Error, Filled, Result, Writer};
use rangegate_core::{ByteOrder, IqBlock, SampleFormat, Scalar, StreamInfo};
use std::path::Path;

/// Content of the `ds64` chunk, and of the `JUNK` chunk that keeps its place in files below 4 GB.
const DS64_BYTES: u32 = 28;
const FMT_BYTES: u32 = 16;
/// RIFF, size, WAVE; then four chunks, the last without its content.
const HEADER_BYTES: u64 = 12 + 8 + DS64_BYTES as u64 + 8 + FMT_BYTES as u64 + 8 + AUXI_BYTES as u64 + 8;

struct WavWriter {
    file: FlatWriter,
    frame_bytes: u16,
    /// `fmt ` and `auxi`, as they stand in the file; `auxi` is settled by the first block.
    fmt: [u8; FMT_BYTES as usize],
    auxi: Option<[u8; AUXI_BYTES]>,
    stream: StreamInfo,
}

/// Creates a WAV file: real channels as they are, complex ones as I and Q side by side, with an `auxi` chunk for the
/// frequency and the time of the first sample. From 4 GB on it becomes RF64.
///
/// The file holds no index and no gap; gaps may be filled. What was written can be read even if nobody comes to finish the file.
///
/// # Errors
/// It exists already or cannot be written, or WAV has no such samples: signed 8-bit ones, unsigned ones of more,
/// 64-bit integers, big-endian ones; nor rates that are no whole number of hertz.
pub fn create(path: &Path, stream: &StreamInfo, options: &CreateOptions) -> Result<Box<dyn Writer>> {
    let tag = tag(stream.format).ok_or_else(|| {
        let expected = "u8, i16, i32, f32 or f64, real or complex, little-endian: what WAV can hold";
        Error::field(path, "sample_format", stream.format, expected)
    })?;
    let rate = stream.sample_rate;
    let rate_hz = u32::try_from(rate.numerator()).ok().filter(|_| rate.denominator() == 1);
    let rate_hz = rate_hz.ok_or_else(|| {
        Error::field(path, "sample_rate", rate, "a whole number of hertz below 2^32: WAV holds no other")
    })?;
    let numbers = stream.n_channels * if stream.format.complex { 2 } else { 1 };
    let size = stream.format.scalar.size();
    let (Ok(n_numbers), Ok(frame_bytes)) = (u16::try_from(numbers), u16::try_from(numbers * size)) else {
        return Err(Error::field(
            path,
            "n_channels",
            stream.n_channels,
            "fewer: a sample has at most 65535 bytes",
        ));
    };
    let mut fmt = [0; FMT_BYTES as usize];
    fmt[0..2].copy_from_slice(&u16::to_le_bytes(tag));
    fmt[2..4].copy_from_slice(&n_numbers.to_le_bytes());
    fmt[4..8].copy_from_slice(&rate_hz.to_le_bytes());
    fmt[8..12].copy_from_slice(&rate_hz.wrapping_mul(frame_bytes.into()).to_le_bytes());
    fmt[12..14].copy_from_slice(&frame_bytes.to_le_bytes());
    fmt[14..16].copy_from_slice(&(8 * size as u16).to_le_bytes());
    let file = FlatWriter::create(path, stream, options, "a WAV file")?;
    let mut writer = WavWriter { file, frame_bytes, fmt, auxi: None, stream: stream.clone() };
    // Nothing is left of what could not be begun.
    writer.put_header().inspect_err(|_| drop(std::fs::remove_file(path)))?;
    Ok(Box::new(writer))
}

/// PCM or floats; `None` for numbers that WAV does not have.
fn tag(format: SampleFormat) -> Option<u16> {
    match format.scalar {
        _ if format.order == ByteOrder::Big => None,
        Scalar::U8 | Scalar::I16 | Scalar::I32 => Some(1),
        Scalar::F32 | Scalar::F64 => Some(3),
        Scalar::I8 | Scalar::U16 | Scalar::U32 | Scalar::U64 | Scalar::I64 => None,
    }
}

impl WavWriter {
    fn put_header(&mut self) -> Result<()> {
        let data_bytes = self.file.n_samples() * u64::from(self.frame_bytes);
        let riff_bytes = HEADER_BYTES - 8 + data_bytes + data_bytes % 2;
        let short = |size: u64| u32::try_from(size).unwrap_or(u32::MAX).to_le_bytes();
        let long = riff_bytes > u64::from(u32::MAX);
        let mut header = Vec::with_capacity(HEADER_BYTES as usize);
        header.extend(if long { b"RF64" } else { b"RIFF" });
        header.extend(short(riff_bytes));
        header.extend(b"WAVE");
        header.extend(if long { b"ds64" } else { b"JUNK" });
        header.extend(DS64_BYTES.to_le_bytes());
        header.extend(riff_bytes.to_le_bytes());
        header.extend(data_bytes.to_le_bytes());
        header.extend(self.file.n_samples().to_le_bytes());
        header.extend([0; 4]);
        header.extend(b"fmt ");
        header.extend(FMT_BYTES.to_le_bytes());
        header.extend(self.fmt);
        header.extend(b"auxi");
        header.extend((AUXI_BYTES as u32).to_le_bytes());
        header.extend(self.auxi.unwrap_or([0; AUXI_BYTES]));
        header.extend(b"data");
        header.extend(if long { [255; 4] } else { short(data_bytes) });
        self.file.put(0, &header)
    }

    /// Time and frequency of the first block.
    fn settle_auxi(&mut self, block: &IqBlock) {
        let (header, rate) = (&block.header, self.stream.sample_rate);
        let start_time = header.anchor.and_then(|anchor| anchor.time_of(header.first_sample, 0.0, rate));
        let center_frequency_hz = header.center_frequency_hz.or(self.stream.center_frequency_hz);
        self.auxi.get_or_insert_with(|| Auxi { start_time, center_frequency_hz }.to_bytes(rate.hz()));
    }
}

impl Writer for WavWriter {
    fn write(&mut self, block: &IqBlock) -> Result<()> {
        self.settle_auxi(block);
        self.file.append(block)?;
        self.put_header()
    }

    fn finish(&mut self) -> Result<()> {
        // Chunks have even lengths, with a zero behind odd ones.
        if self.file.n_samples() * u64::from(self.frame_bytes) % 2 == 1 {
            self.file.pad()?;
        }
        self.file.finish()
    }

    fn filled(&self) -> Filled {
        self.file.filled()
    }

    fn longest_fill(&self) -> Option<u64> {
        Some(self.file.longest_fill())
    }
}
