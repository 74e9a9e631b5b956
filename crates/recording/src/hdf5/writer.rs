//! Writing a plain HDF5 file that can be read whenever its writer is killed.
//!
//! The library writes the structure, once, with a dataset whose length stands out. The samples follow behind the
//! structure by ordinary writes, and after each block the three places that say how many there are are set where they
//! stand: the end of the file in the superblock, the size of the dataset's storage, the dataset's length. Each is set
//! only when what it speaks of is there, so that the file is whole between any two writes; a dataset in chunks, which
//! the library makes longer, would not be. Only the format's first version has these numbers without a checksum: it is
//! what is asked for, and looked at. (HDF5 File Format Specification, version 3.0: superblock version 0, messages
//! `Dataspace` and `Data Layout` version 3.)

use super::element::{NATIVE, sample_type};
use super::library::{failed, unlocked};
use crate::flat::FlatWriter;
use crate::{CreateOptions, Error, Filled, Result, Writer};
use hdf5::plist::dataset_create::{AllocTime, FillTime};
use hdf5::types::VarLenUnicode;
use hdf5::{Dataset, H5Type};
use rangegate_core::{BlockHeader, IqBlock, StreamInfo};
use serde_json::Value;
use std::path::Path;

/// Name of the dataset.
const DATASET: &str = "samples";
/// The length that the library is told: no other number of the structure is like it, or like its multiples.
const MARK: u64 = 0x5_A17C_93E5;
/// The samples begin at a multiple of this many bytes.
const ALIGNMENT: usize = 4096;
/// Where the superblock has the address of the file's end.
const END_AT: usize = 40;
/// Longer lists of numbers become text: an attribute holds 64 kB.
const MAX_NUMBERS: usize = 4096;

pub(crate) struct Hdf5Writer {
    file: FlatWriter,
    stream: StreamInfo,
    options: CreateOptions,
    /// Settled by the first block.
    structure: Option<Structure>,
}

/// Where a file says how many samples it has.
struct Structure {
    /// Bytes before the samples.
    n_bytes: u64,
    /// Where the size of the dataset's storage stands.
    size_at: u64,
    /// Where its length stands, and where the most that it may be.
    lengths_at: Vec<u64>,
}

impl Hdf5Writer {
    pub(crate) fn create(path: &Path, stream: &StreamInfo, options: &CreateOptions) -> Result<Self> {
        if stream.format.with_order(NATIVE) != stream.format && stream.format.scalar.size() > 1 {
            let expected = format!("{}: this machine's byte order", stream.format.with_order(NATIVE));
            return Err(Error::field(path, "sample_format", stream.format, expected));
        }
        let file = FlatWriter::create(path, stream, options, "a plain HDF5 file")?;
        Ok(Self { file, stream: stream.clone(), options: options.clone(), structure: None })
    }

    fn frame_bytes(&self) -> u64 {
        (self.stream.format.bytes() * self.stream.n_channels) as u64
    }

    /// Writes everything but the samples.
    fn begin(&mut self, header: &BlockHeader) -> Result<()> {
        let path = self.file.path();
        self.write_structure(header).map_err(|error| failed(path, "write this file", &error))?;
        let mut bytes = std::fs::read(path).map_err(|error| Error::io(path, "read", error))?;
        let unknown =
            || Error::new(path, "the HDF5 library wrote a structure that this program does not know");
        let (size_at, lengths_at) = places(&bytes, self.frame_bytes()).ok_or_else(unknown)?;
        bytes.resize(bytes.len().next_multiple_of(ALIGNMENT), 0);
        let n_bytes = bytes.len() as u64;
        // The address stands before the size.
        bytes[size_at - 8..size_at].copy_from_slice(&n_bytes.to_le_bytes());
        bytes[size_at..size_at + 8].copy_from_slice(&[0; 8]);
        bytes[END_AT..END_AT + 8].copy_from_slice(&n_bytes.to_le_bytes());
        lengths_at.iter().for_each(|&at| bytes[at..at + 8].copy_from_slice(&[0; 8]));
        self.file.put(0, &bytes)?;
        let lengths_at = lengths_at.into_iter().map(|at| at as u64).collect();
        self.structure = Some(Structure { n_bytes, size_at: size_at as u64, lengths_at });
        Ok(())
    }

    fn write_structure(&self, header: &BlockHeader) -> hdf5::Result<()> {
        let (stream, path) = (&self.stream, self.file.path());
        let out = unlocked().with_fapl(|fapl| fapl.libver_earliest()).create(path)?;
        let builder = out
            .new_dataset_builder()
            .with_dcpl(|p| p.no_chunk().alloc_time(Some(AllocTime::Late)).fill_time(FillTime::Never))
            .empty_as(sample_type(stream.format));
        let data = match stream.n_channels {
            1 => builder.shape(MARK as usize).create(DATASET)?,
            n_channels => builder.shape((MARK as usize, n_channels)).create(DATASET)?,
        };
        let rate = stream.sample_rate;
        put(&data, "sample_rate", &rate.hz())?;
        put(&data, "sample_rate_numerator", &rate.numerator())?;
        put(&data, "sample_rate_denominator", &rate.denominator())?;
        put(&data, "first_sample", &header.first_sample)?;
        if stream.n_channels > 1 {
            put(&data, "axes", &unicode("sample_channel"))?;
        }
        let anchor = header.anchor.or(stream.anchor);
        if let Some(time) = anchor.and_then(|anchor| anchor.time_of(header.first_sample, 0.0, rate)) {
            put(&data, "start_time", &unicode(&time.to_string()))?;
        }
        if let Some(hz) = header.center_frequency_hz.or(stream.center_frequency_hz) {
            put(&data, "center_frequency", &hz)?;
        }
        if let Some(text) = &self.options.description {
            put(&data, "description", &unicode(text))?;
        }
        for (name, value) in &self.options.metadata {
            put_setting(&data, &name.replace('\0', "_"), value)?;
        }
        drop(data);
        out.close()
    }

    /// Tells the file how many samples it has: its end first, because nothing may lie behind that.
    fn put_length(&mut self) -> Result<()> {
        let frame = self.frame_bytes();
        let Some(structure) = &self.structure else { return Ok(()) };
        let n_samples = self.file.n_samples();
        let size = n_samples * frame;
        self.file.put(END_AT as u64, &(structure.n_bytes + size).to_le_bytes())?;
        self.file.put(structure.size_at, &size.to_le_bytes())?;
        // The most that the length may be before the length.
        for &at in structure.lengths_at.iter().rev() {
            self.file.put(at, &n_samples.to_le_bytes())?;
        }
        Ok(())
    }
}

impl Writer for Hdf5Writer {
    fn write(&mut self, block: &IqBlock) -> Result<()> {
        if block.is_empty() {
            return Ok(());
        }
        if self.structure.is_none() {
            self.begin(&block.header)?;
        }
        self.file.append(block)?;
        self.put_length()
    }

    fn finish(&mut self) -> Result<()> {
        if self.structure.is_none() {
            let first_sample = self.stream.first_sample;
            self.begin(&BlockHeader { first_sample, ..BlockHeader::default() })?;
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

/// Where a structure has the size of the dataset, of samples of so many bytes, and its lengths; `None` where it is of
/// another version than the first.
fn places(bytes: &[u8], frame_bytes: u64) -> Option<(usize, Vec<usize>)> {
    // Signature, versions of the superblock and of what it names, then the sizes of addresses and lengths.
    let is_first_version = bytes.get(8) == Some(&0) && bytes.get(13..15) == Some(&[8, 8]);
    let number = |at: usize| Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?));
    let end_fits = number(END_AT) == Some(bytes.len() as u64);
    let all = |wanted: u64| (8..bytes.len()).filter(move |&at| number(at) == Some(wanted));
    // What has not been written has no address.
    let mut sizes = all(MARK * frame_bytes).filter(|&at| number(at - 8) == Some(u64::MAX));
    let size_at = sizes.next().filter(|_| sizes.next().is_none())?;
    let lengths: Vec<usize> = all(MARK).filter(|&at| at != size_at).collect();
    (is_first_version && end_fits && (1..=2).contains(&lengths.len())).then_some((size_at, lengths))
}

fn put<T: H5Type>(data: &Dataset, name: &str, value: &T) -> hdf5::Result<()> {
    data.new_attr::<T>().create(name)?.write_scalar(value)
}

/// Writes a setting, unless there is something of its name.
fn put_setting(data: &Dataset, name: &str, value: &Value) -> hdf5::Result<()> {
    if data.attr_names()?.iter().any(|taken| taken == name) {
        return Ok(());
    }
    let numbers = |values: &Vec<Value>| values.iter().map(Value::as_f64).collect::<Option<Vec<f64>>>();
    match value {
        Value::Null => Ok(()),
        Value::Bool(truth) => put(data, name, truth),
        Value::String(text) => put(data, name, &unicode(text)),
        Value::Number(n) => match (n.as_i64(), n.as_u64()) {
            (Some(n), _) => put(data, name, &n),
            (_, Some(n)) => put(data, name, &n),
            _ => put(data, name, &n.as_f64().unwrap_or(f64::NAN)),
        },
        Value::Array(values) => match numbers(values).filter(|n| (1..=MAX_NUMBERS).contains(&n.len())) {
            Some(numbers) => {
                data.new_attr::<f64>().shape(numbers.len()).create(name)?.write_raw(&numbers[..])
            }
            None => put(data, name, &unicode(&value.to_string())),
        },
        Value::Object(_) => put(data, name, &unicode(&value.to_string())),
    }
}

/// Text without the null bytes that would end it.
fn unicode(text: &str) -> VarLenUnicode {
    text.replace('\0', "").parse().unwrap_or_default()
}
