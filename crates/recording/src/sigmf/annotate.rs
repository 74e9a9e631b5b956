//! Annotations beside a link to samples that somebody else recorded.

use super::captures::{Timeline, origin};
use super::document::{self, Document, VERSION};
use super::files::{Data, Files};
use super::index_map::IndexMap;
use super::meta::Meta;
use crate::error::{Error, Result};
use crate::{Annotation, Kind, RecordingInfo};
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};

/// A description of somebody else's samples.
struct Description {
    global: Map<String, Value>,
    captures: Vec<Value>,
    index_map: IndexMap,
    /// The file that holds the samples, if there is one that SigMF can speak of.
    data_path: Option<PathBuf>,
}

/// Writes `NAME.sigmf-meta` with annotations on a recording, and beside it a link to the recording's samples,
/// so that SigMF tools show both together. What stands there under these names is replaced.
///
/// * SigMF and raw recordings that hold nothing but samples: `NAME.sigmf-data` is a symbolic link to them.
/// * Those with other bytes around them (a header, a SigMF archive): the link has the name of the file, and
///   `core:dataset`, `core:header_bytes` and `core:trailing_bytes` say where the samples are.
/// * Digital RF, HDF5, NumPy and WAV have no file that SigMF could speak of: no link, and `core:metadata_only`. Indices
///   then count from the recording's first sample, gaps counted in.
///
/// # Errors
/// The source is gone, another file stands where the description or the link should be, or the disk is full.
pub fn write_annotations(meta_path: &Path, info: &RecordingInfo, annotations: &[Annotation]) -> Result<()> {
    let mut description = match info.kind {
        Kind::Sigmf => of_sigmf(meta_path, info)?,
        Kind::Raw => of_raw(info)?,
        Kind::DigitalRf | Kind::Hdf5 | Kind::Npy | Kind::Wav => without_data(info),
    };
    if let Some(target) = &description.data_path {
        let link = match description.global.get("core:dataset").and_then(Value::as_str) {
            Some(name) => meta_path.with_file_name(name),
            None => meta_path.with_extension("sigmf-data"),
        };
        make_link(&link, target)?;
    }
    document::declare_extensions(&mut description.global, &description.captures);
    let annotations = document::notes(annotations, |at| description.index_map.sample_start_from(at));
    let (global, captures) = (description.global, &description.captures[..]);
    document::write(meta_path, &Document { global, captures, annotations })
}

/// The source's own description, pointing to the same samples.
fn of_sigmf(meta_path: &Path, info: &RecordingInfo) -> Result<Description> {
    let files = Files::find(&info.path)?;
    if is_same_file(meta_path, &files.meta_path) {
        return Err(Error::new(meta_path, "is the recording's own description, expected a name beside it"));
    }
    let mut meta = files.read_meta()?;
    (meta.format, meta.n_channels) = (info.sample_format, info.n_channels);
    let data = files.data(&meta)?;
    let file_len = file_len(&data.path)?;
    let timeline = Timeline::new(&files.meta_path, &meta, info.sample_rate, &data, file_len)?;

    let member = |name: &str| meta.document.get(name).cloned().unwrap_or_default();
    let (Value::Object(mut global), Value::Array(mut captures)) = (member("global"), member("captures"))
    else {
        return Err(Error::new(&files.meta_path, "changed while it was read")); // the check saw both
    };
    describe(&mut global, info);
    global.remove("core:metadata_only");
    if data.len.is_some() {
        point_into_archive(&mut global, &mut captures, &meta, &data, &timeline, file_len);
    }
    Ok(Description { global, captures, index_map: timeline.index_map, data_path: Some(data.path) })
}

/// Turns a description of an archive's member into one of the archive as a non-conforming dataset: what stands
/// before the member is a header, what stands behind it is trailing.
fn point_into_archive(
    global: &mut Map<String, Value>,
    captures: &mut Vec<Value>,
    meta: &Meta,
    data: &Data,
    timeline: &Timeline,
    file_len: u64,
) {
    let origin = origin(meta);
    if captures.is_empty() || meta.captures[0].sample_start > origin {
        // The header stands before the first sample, so a capture has to begin there.
        let first = json!({ "core:sample_start": origin, "core:global_index": timeline.first_sample() });
        captures.insert(0, first);
    }
    let own_header = captures[0]["core:header_bytes"].as_u64().unwrap_or(0);
    captures[0]["core:header_bytes"] = (own_header + data.start).into();
    let end = data.start + data.len.unwrap_or(0);
    let trailing_bytes = meta.trailing_bytes + file_len.saturating_sub(end);
    global.insert("core:trailing_bytes".to_owned(), trailing_bytes.into());
    global.insert("core:dataset".to_owned(), file_name(&data.path));
    global.remove("core:sha512"); // it is of the member, and readers would compute it of the archive
}

fn of_raw(info: &RecordingInfo) -> Result<Description> {
    let header_bytes = info.metadata["header_bytes"].as_u64().unwrap_or(0);
    let frame = (info.sample_format.bytes() * info.n_channels) as u64;
    let end = header_bytes + (info.end_sample - info.first_sample) * frame;
    let trailing_bytes = file_len(&info.path)?.saturating_sub(end);
    let mut description = without_data(info);
    description.global.remove("core:metadata_only");
    if header_bytes > 0 || trailing_bytes > 0 {
        description.captures[0]["core:header_bytes"] = header_bytes.into();
        description.global.insert("core:trailing_bytes".to_owned(), trailing_bytes.into());
        description.global.insert("core:dataset".to_owned(), file_name(&info.path));
    }
    description.data_path = Some(info.path.clone());
    Ok(description)
}

fn without_data(info: &RecordingInfo) -> Description {
    let mut global = Map::new();
    global.insert("core:version".to_owned(), VERSION.into());
    global.insert("core:metadata_only".to_owned(), true.into());
    describe(&mut global, info);
    let mut capture = json!({ "core:sample_start": 0, "core:global_index": info.first_sample });
    if let Some(frequency) = info.center_frequency_hz {
        capture["core:frequency"] = frequency.into();
    }
    if let Some(time) = info.start_time {
        capture["core:datetime"] = time.to_string().into();
    }
    let mut index_map = IndexMap::default();
    index_map.push(0, info.first_sample);
    Description { global, captures: vec![capture], index_map, data_path: None }
}

/// What the recording was opened as, which may be what the user said and not what stands in it.
fn describe(global: &mut Map<String, Value>, info: &RecordingInfo) {
    global.insert("core:datatype".to_owned(), document::datatype(info.sample_format).into());
    global.insert("core:num_channels".to_owned(), info.n_channels.into());
    global.insert("core:sample_rate".to_owned(), info.sample_rate.hz().into());
}

fn file_name(path: &Path) -> Value {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).into()
}

fn file_len(path: &Path) -> Result<u64> {
    Ok(std::fs::metadata(path).map_err(|error| Error::io(path, "open", error))?.len())
}

fn is_same_file(a: &Path, b: &Path) -> bool {
    matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}

fn make_link(link: &Path, target: &Path) -> Result<()> {
    let target = target.canonicalize().map_err(|error| Error::io(target, "open", error))?;
    if let Ok(existing) = link.symlink_metadata() {
        if !existing.is_symlink() {
            let is_target = is_same_file(link, &target);
            let message = "is in the way of a link to the recording's samples: move it away";
            return if is_target { Ok(()) } else { Err(Error::new(link, message)) };
        }
        std::fs::remove_file(link).map_err(|error| Error::io(link, "replace", error))?;
    }
    #[cfg(unix)]
    let made = std::os::unix::fs::symlink(&target, link);
    #[cfg(not(unix))]
    let made = std::fs::hard_link(&target, link);
    made.map_err(|error| Error::io(link, "create the link", error))
}
