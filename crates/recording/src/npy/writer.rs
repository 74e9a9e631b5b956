//! Writing `.npy` files.

use crate::flat::FlatWriter;
use crate::{CreateOptions, Error, Filled, Result, Writer};
use rangegate_core::{ByteOrder, IqBlock, SampleFormat, Scalar, StreamInfo};
use std::path::Path;

/// Bytes before the array, which leave room for any length.
const HEADER_BYTES: usize = 192;

struct NpyWriter {
    file: FlatWriter,
    n_channels: usize,
    descr: String,
}

/// Creates a `.npy` file: an array `[n_samples]`, or `[n_samples × n_channels]` where there are several. Complex
/// integers become a type with fields `r` and `i`, as the Python package `digital_rf` has them.
///
/// The file holds no index, no time and no gap, as bare samples do not; gaps may be filled. What was written can be read even if
/// nobody comes to finish the file.
///
/// # Errors
/// It exists already or cannot be written.
pub fn create(path: &Path, stream: &StreamInfo, options: &CreateOptions) -> Result<Box<dyn Writer>> {
    let file = FlatWriter::create(path, stream, options, "a .npy file")?;
    let mut writer = NpyWriter { file, n_channels: stream.n_channels, descr: descr(stream.format) };
    // Nothing is left of what could not be begun.
    writer.put_header().inspect_err(|_| drop(std::fs::remove_file(path)))?;
    Ok(Box::new(writer))
}

fn descr(format: SampleFormat) -> String {
    let size = format.scalar.size();
    let order = match format.order {
        _ if size == 1 => '|',
        ByteOrder::Little => '<',
        ByteOrder::Big => '>',
    };
    let letter = match format.scalar {
        Scalar::F32 | Scalar::F64 if format.complex => return format!("'{order}c{}'", 2 * size),
        Scalar::F32 | Scalar::F64 => 'f',
        Scalar::U8 | Scalar::U16 | Scalar::U32 | Scalar::U64 => 'u',
        Scalar::I8 | Scalar::I16 | Scalar::I32 | Scalar::I64 => 'i',
    };
    let number = format!("'{order}{letter}{size}'");
    if format.complex { format!("[('r', {number}), ('i', {number})]") } else { number }
}

impl NpyWriter {
    fn put_header(&mut self) -> Result<()> {
        let shape = match self.n_channels {
            1 => format!("({},)", self.file.n_samples()),
            n => format!("({}, {n})", self.file.n_samples()),
        };
        let text = format!("{{'descr': {}, 'fortran_order': False, 'shape': {shape}, }}", self.descr);
        let mut header = b"\x93NUMPY\x01\x00".to_vec();
        header.extend(((HEADER_BYTES - 10) as u16).to_le_bytes());
        header.extend(text.as_bytes());
        if header.len() >= HEADER_BYTES {
            return Err(Error::new(self.file.path(), format!("needs a header of {} bytes", header.len())));
        }
        header.resize(HEADER_BYTES - 1, b' ');
        header.push(b'\n');
        self.file.put(0, &header)
    }
}

impl Writer for NpyWriter {
    fn write(&mut self, block: &IqBlock) -> Result<()> {
        self.file.append(block)?;
        self.put_header()
    }

    fn finish(&mut self) -> Result<()> {
        self.file.finish()
    }

    fn filled(&self) -> Filled {
        self.file.filled()
    }

    fn longest_fill(&self) -> Option<u64> {
        Some(self.file.longest_fill())
    }
}
