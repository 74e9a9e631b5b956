//! The chunks of a WAV file, as far as they say where samples are and what.

use super::auxi::Auxi;
use rangegate_core::{SampleFormat, Scalar};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

/// More chunks are not looked at.
const MAX_CHUNKS: usize = 1000;
/// Longer `fmt `, `ds64` and `auxi` chunks are read up to here.
const MAX_READ: u64 = 256;
/// What stands in a size of 32 bits that does not tell it.
const UNKNOWN: u64 = 0xffff_ffff;

const PCM: u16 = 1;
const FLOAT: u16 = 3;
const EXTENSIBLE: u16 = 0xfffe;
/// The rest of a subformat's identifier after the two bytes that are the format.
const SUBFORMAT: [u8; 14] = *b"\x00\x00\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71";

/// How a number is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Number {
    Plain(Scalar),
    /// 24 bits, signed.
    I24,
}

impl Number {
    pub(super) fn bytes(self) -> usize {
        match self {
            Self::Plain(scalar) => scalar.size(),
            Self::I24 => 3,
        }
    }

    /// What is handed out.
    pub(super) fn format(self, complex: bool) -> SampleFormat {
        let scalar = match self {
            Self::Plain(scalar) => scalar,
            Self::I24 => Scalar::I32,
        };
        SampleFormat { complex, ..SampleFormat::real(scalar) }
    }
}

/// The `fmt ` chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Format {
    pub number: Number,
    pub n_channels: usize,
    pub sample_rate_hz: u32,
}

/// What the chunks say.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Chunks {
    pub format: Format,
    pub auxi: Auxi,
    /// Where the first sample begins.
    pub data_byte: u64,
    /// Bytes of samples that are there.
    pub data_bytes: u64,
    /// Bytes of samples that the header claims and that are not there.
    pub missing_bytes: u64,
}

impl Chunks {
    /// Reads the chunks of a file.
    ///
    /// # Errors
    /// What is wrong, as a sentence; or the operating system's.
    pub(super) fn read(file: &mut File, file_bytes: u64) -> std::io::Result<Result<Self, String>> {
        let mut start = Vec::new();
        read_at(file, 0, 12, &mut start)?;
        if !matches!(start.get(..4), Some(b"RIFF" | b"RF64" | b"BW64")) || start.get(8..) != Some(b"WAVE") {
            return Ok(Err("is no WAV file: expected RIFF, RF64 or BW64 and then WAVE".to_owned()));
        }
        let mut found = Found::default();
        found.walk(file, file_bytes)?;
        Ok(found.chunks(file_bytes))
    }
}

fn read_at(file: &mut File, at: u64, len: u64, bytes: &mut Vec<u8>) -> std::io::Result<()> {
    bytes.clear();
    file.seek(SeekFrom::Start(at))?;
    file.take(len).read_to_end(bytes)?;
    Ok(())
}

#[derive(Default)]
struct Found {
    format: Option<Vec<u8>>,
    auxi: Auxi,
    /// Size of the samples in 64 bits.
    long_size: Option<u64>,
    /// Where the samples begin, and how many bytes they claim to be; `None` where that is not told.
    data: Option<(u64, Option<u64>)>,
}

impl Found {
    fn walk(&mut self, file: &mut File, file_bytes: u64) -> std::io::Result<()> {
        let (mut at, mut bytes) = (12, Vec::new());
        for _ in 0..MAX_CHUNKS {
            read_at(file, at, 8, &mut bytes)?;
            let Some((id, size)) = header(&bytes) else { return Ok(()) };
            let mut size = size;
            let begin = at + 8;
            if matches!(&id, b"fmt " | b"ds64" | b"auxi") {
                read_at(file, begin, size.min(MAX_READ), &mut bytes)?;
            }
            match &id {
                b"fmt " if self.format.is_none() => self.format = Some(bytes.clone()),
                b"auxi" => self.auxi = Auxi::parse(&bytes),
                b"ds64" => {
                    self.long_size = bytes.get(8..16).and_then(|b| b.try_into().ok()).map(u64::from_le_bytes);
                }
                b"data" if self.data.is_none() => {
                    let claimed = match (size, self.long_size) {
                        (UNKNOWN, Some(long)) if long > 0 && long != u64::MAX => Some(long),
                        (UNKNOWN, _) => None,
                        (0, _) if !goes_on(file, begin, file_bytes)? => None,
                        _ => Some(size),
                    };
                    self.data = Some((begin, claimed));
                    match claimed {
                        Some(claimed) => size = claimed,
                        None => return Ok(()),
                    }
                }
                _ => {}
            }
            // Chunks begin at even places.
            let Some(next) = begin.checked_add(size).and_then(|end| end.checked_add(size % 2)) else {
                return Ok(());
            };
            if next > file_bytes {
                return Ok(());
            }
            at = next;
        }
        Ok(())
    }

    fn chunks(self, file_bytes: u64) -> Result<Chunks, String> {
        let fmt = self.format.ok_or("chunk 'fmt ' is missing: expected it before the samples")?;
        let format = format(&fmt)?;
        let (data_byte, claimed) = self.data.ok_or("chunk 'data' is missing: there are no samples")?;
        let there = file_bytes.saturating_sub(data_byte);
        let data_bytes = claimed.unwrap_or(there).min(there);
        let missing_bytes = claimed.unwrap_or(0).saturating_sub(there);
        Ok(Chunks { format, auxi: self.auxi, data_byte, data_bytes, missing_bytes })
    }
}

fn header(bytes: &[u8]) -> Option<([u8; 4], u64)> {
    let (id, size) = (bytes.get(..4)?, bytes.get(4..8)?);
    Some((id.try_into().ok()?, u32::from_le_bytes(size.try_into().ok()?).into()))
}

/// Whether after an empty chunk there is another one, or the file's end, and not samples.
fn goes_on(file: &mut File, at: u64, file_bytes: u64) -> std::io::Result<bool> {
    let mut bytes = Vec::new();
    read_at(file, at, 8, &mut bytes)?;
    let Some((id, size)) = header(&bytes) else { return Ok(bytes.is_empty()) };
    let fits = at.saturating_add(8).saturating_add(size) <= file_bytes;
    Ok(fits && id.iter().all(|&byte| byte == b' ' || byte.is_ascii_alphanumeric()))
}

fn format(fmt: &[u8]) -> Result<Format, String> {
    let word = |at: usize| fmt.get(at..at + 2).map(|b| u16::from_le_bytes([b[0], b[1]]));
    let rate = fmt.get(4..8).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]));
    let (Some(tag), Some(n_channels), Some(sample_rate_hz), Some(block_bytes), Some(bits)) =
        (word(0), word(2), rate, word(12), word(14))
    else {
        return Err(format!("chunk 'fmt ' has {} bytes, expected 16 or more", fmt.len()));
    };
    let tag = match (tag, word(24), fmt.get(26..40)) {
        (EXTENSIBLE, Some(tag), Some(rest)) if rest == SUBFORMAT => tag,
        _ => tag,
    };
    if n_channels == 0 {
        return Err("field 'channels' of chunk 'fmt ' is 0, expected 1 or more".to_owned());
    }
    // Numbers of odd lengths stand at the upper end of a container of whole bytes.
    let container = usize::from(block_bytes) / usize::from(n_channels);
    let whole = container * usize::from(n_channels) == usize::from(block_bytes);
    let number = match (tag, container) {
        (PCM, 1) => Some(Number::Plain(Scalar::U8)),
        (PCM, 2) => Some(Number::Plain(Scalar::I16)),
        (PCM, 3) => Some(Number::I24),
        (PCM, 4) => Some(Number::Plain(Scalar::I32)),
        (FLOAT, 4) => Some(Number::Plain(Scalar::F32)),
        (FLOAT, 8) => Some(Number::Plain(Scalar::F64)),
        _ => None,
    };
    let fits = |_: &Number| whole && (1..=8 * container).contains(&usize::from(bits));
    let number = number.filter(fits).ok_or_else(|| {
        format!(
            "chunk 'fmt ' says format {tag:#x}, {n_channels} channels of {bits} bits in {block_bytes} bytes, \
             expected PCM (1) of 8, 16, 24 or 32 bits or floats (3) of 32 or 64"
        )
    })?;
    Ok(Format { number, n_channels: n_channels.into(), sample_rate_hz })
}
