//! Writes SigMF as the samples come.

use super::document::{self, Document, VERSION};
use super::growing::Growing;
use super::hex;
use super::index_map::IndexMap;
use super::trailing_hash::TrailingHash;
use crate::error::{Error, Result};
use crate::{CreateOptions, Writer, flat};
use rangegate_core::{BlockHeader, IqBlock, Scalar, StreamInfo, TimeAnchor, ToBaseband};
use serde_json::{Map, Value, json};
use sha2::Digest;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

/// The field of captures that follow a gap of no samples.
pub(super) const AFTER_GAP: &str = "rangegate:after_gap";

/// Samples go into the `.sigmf-data` file at once. The `.sigmf-meta` file is there from the first sample on, and has
/// every capture before its first sample is written, so that a recording can be read whenever its writer is killed; notes
/// and checksum follow when the recording ends, also when it ends early because the writer is dropped.
struct SigmfWriter {
    stream: StreamInfo,
    options: CreateOptions,
    global: Map<String, Value>,
    meta_path: PathBuf,
    meta: Growing,
    data_path: PathBuf,
    data: File,
    hash: TrailingHash,
    /// Samples that are in the file, and their bytes.
    n_samples: u64,
    n_bytes: u64,
    /// Absolute index one past the last of them.
    next_sample: u64,
    center_frequency_hz: Option<f64>,
    captures: Vec<Value>,
    index_map: IndexMap,
    scratch: Vec<u8>,
    is_finished: bool,
}

/// Creates a recording: `NAME.sigmf-data` with the samples and `NAME.sigmf-meta`, by either name.
///
/// Every gap and every change of frequency begins a capture, with `core:global_index` (the absolute index) and
/// `core:datetime` where the time is known. Settings among the options become fields of the global object.
///
/// # Errors
/// One of the files exists or cannot be written, or the samples are 64-bit integers, which SigMF has not.
pub fn create(path: &Path, stream: &StreamInfo, options: &CreateOptions) -> Result<Box<dyn Writer>> {
    let (meta_path, data_path) = (path.with_extension("sigmf-meta"), path.with_extension("sigmf-data"));
    let global = global(&meta_path, stream, options)?;
    if meta_path.exists() {
        return Err(Error::new(&meta_path, "exists already: expected a new name"));
    }
    let data = File::create_new(&data_path).map_err(|error| Error::io(&data_path, "create", error))?;
    let hash = TrailingHash::start(&data_path).map_err(|error| Error::io(&data_path, "read", error));
    // Nothing is left of what could not be begun.
    let hash = hash.inspect_err(|_| drop(std::fs::remove_file(&data_path)))?;
    let meta = Growing::new(&meta_path, global.clone());
    Ok(Box::new(SigmfWriter {
        stream: stream.clone(),
        options: options.clone(),
        global,
        meta_path,
        meta,
        data_path,
        data,
        hash,
        n_samples: 0,
        n_bytes: 0,
        next_sample: stream.first_sample,
        center_frequency_hz: None,
        captures: Vec::new(),
        index_map: IndexMap::default(),
        scratch: Vec::new(),
        is_finished: false,
    }))
}

fn global(path: &Path, stream: &StreamInfo, options: &CreateOptions) -> Result<Map<String, Value>> {
    if matches!(stream.format.scalar, Scalar::I64 | Scalar::U64) {
        let message =
            format!("SigMF has no datatype for {}, expected integers of at most 32 bits", stream.format);
        return Err(Error::new(path, message));
    }
    let mut global = Map::new();
    let mut set = |name: &str, value: Value| global.insert(format!("core:{name}"), value);
    set("datatype", document::datatype(stream.format).into());
    set("sample_rate", stream.sample_rate.hz().into());
    set("num_channels", stream.n_channels.into());
    set("version", VERSION.into());
    set("recorder", concat!("Rangegate ", env!("CARGO_PKG_VERSION")).into());
    if let Some(description) = &options.description {
        set("description", description.as_str().into());
    }
    if stream.to_baseband != ToBaseband::default() {
        // The file keeps the device's own numbers; without this nobody could turn them into baseband.
        global.insert("rangegate:to_baseband".to_owned(), json!(stream.to_baseband));
    }
    document::add_settings(&mut global, &options.metadata);
    Ok(global)
}

impl SigmfWriter {
    fn begin_capture(&mut self, header: &BlockHeader, anchor: Option<TimeAnchor>, after_gap: bool) {
        let first = header.first_sample;
        let mut capture = Map::new();
        capture.insert("core:sample_start".to_owned(), self.n_samples.into());
        capture.insert("core:global_index".to_owned(), first.into());
        if let Some(frequency) = header.center_frequency_hz {
            capture.insert("core:frequency".to_owned(), frequency.into());
        }
        if let Some(time) = anchor.and_then(|anchor| anchor.time_of(first, 0.0, self.stream.sample_rate)) {
            capture.insert("core:datetime".to_owned(), time.to_string().into());
        }
        if after_gap && first == self.next_sample {
            capture.insert(AFTER_GAP.to_owned(), true.into());
        }
        self.captures.push(capture.into());
        self.index_map.push(self.n_samples, first);
        self.center_frequency_hz = header.center_frequency_hz;
    }

    fn write_samples(&mut self, block: &IqBlock) -> Result<()> {
        let header = block.header;
        let is_first = self.captures.is_empty();
        let jumps = header.first_sample > self.next_sample || header.after_gap;
        // Looked at before anything is changed: a block that does not fit leaves no trace.
        flat::check_block(&self.data_path, &self.stream, self.next_sample, block)?;
        if is_first || jumps || header.center_frequency_hz != self.center_frequency_hz {
            self.begin_capture(&header, header.anchor.or(self.stream.anchor), jumps && !is_first);
            // Before the samples: where this program is killed, what is in the file has its place.
            self.meta.add_last(&self.captures)?;
        }
        let bytes = flat::interleaved(block, &mut self.scratch);
        self.data.write_all(bytes).map_err(|error| Error::io(&self.data_path, "write samples", error))?;
        let n_bytes = bytes.len() as u64;
        self.n_bytes += n_bytes;
        self.hash.written_to(self.n_bytes);
        self.n_samples += block.n_samples() as u64;
        self.next_sample = block.end_sample();
        Ok(())
    }

    /// Writes the description with everything in it.
    fn write_meta(&mut self) -> Result<()> {
        if self.captures.is_empty() {
            let (first_sample, center_frequency_hz) =
                (self.stream.first_sample, self.stream.center_frequency_hz);
            let header = BlockHeader { first_sample, center_frequency_hz, ..Default::default() };
            self.begin_capture(&header, self.stream.anchor, false);
        }
        let mut global = self.global.clone();
        let hash = self.hash.finish().map_err(|error| Error::io(&self.data_path, "sum up", error))?;
        global.insert("core:sha512".to_owned(), hex(&hash.finalize()).into());
        document::declare_extensions(&mut global, &self.captures);
        let annotations =
            document::notes(&self.options.annotations, |at| self.index_map.sample_start_from(at));
        self.meta.close();
        document::write(&self.meta_path, &Document { global, captures: &self.captures, annotations })
    }
}

impl Writer for SigmfWriter {
    fn write(&mut self, block: &IqBlock) -> Result<()> {
        if block.is_empty() {
            return Ok(());
        }
        self.write_samples(block)
    }

    fn finish(&mut self) -> Result<()> {
        if self.is_finished {
            return Ok(());
        }
        self.is_finished = true;
        // A write that failed may have left a part of its block, which the description does not know.
        let frame = (self.stream.format.bytes() * self.stream.n_channels) as u64;
        self.data
            .set_len(self.n_samples * frame)
            .and_then(|()| self.data.sync_all())
            .map_err(|error| Error::io(&self.data_path, "write samples", error))?;
        self.write_meta()
    }
}

impl Drop for SigmfWriter {
    fn drop(&mut self) {
        let _ = self.finish(); // whoever wants to know calls it
    }
}
