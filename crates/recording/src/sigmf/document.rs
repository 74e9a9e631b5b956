//! The description as it is written.

use super::files::appended;
use crate::Annotation;
use crate::error::{Error, Result};
use rangegate_core::{ByteOrder, SampleFormat, Scalar};
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

/// The version of the specification that is written.
pub(super) const VERSION: &str = "1.2.0";

/// A whole `.sigmf-meta` file.
#[derive(Serialize)]
pub(super) struct Document<'a> {
    pub global: Map<String, Value>,
    pub captures: &'a [Value],
    pub annotations: Vec<NoteOut<'a>>,
}

/// An annotation as the file has it.
#[derive(Serialize)]
pub(super) struct NoteOut<'a> {
    #[serde(rename = "core:sample_start")]
    sample_start: u64,
    #[serde(rename = "core:sample_count", skip_serializing_if = "Option::is_none")]
    sample_count: Option<u64>,
    #[serde(rename = "core:freq_lower_edge", skip_serializing_if = "Option::is_none")]
    freq_lower_edge: Option<f64>,
    #[serde(rename = "core:freq_upper_edge", skip_serializing_if = "Option::is_none")]
    freq_upper_edge: Option<f64>,
    #[serde(rename = "core:label", skip_serializing_if = "Option::is_none")]
    label: Option<&'a str>,
    #[serde(rename = "core:comment", skip_serializing_if = "Option::is_none")]
    comment: Option<&'a str>,
    #[serde(rename = "core:generator")]
    generator: &'static str,
}

/// Annotations in the order of the file, their absolute indices turned into the file's own.
pub(super) fn notes(annotations: &[Annotation], sample_start: impl Fn(u64) -> u64) -> Vec<NoteOut<'_>> {
    let mut notes: Vec<NoteOut<'_>> = annotations
        .iter()
        .map(|annotation| {
            let first = annotation.first_sample;
            let start = sample_start(first);
            let count = |n: u64| sample_start(first.saturating_add(n)).saturating_sub(start);
            NoteOut {
                sample_start: start,
                sample_count: annotation.n_samples.map(count),
                freq_lower_edge: annotation.frequency_hz.map(|edges| edges.0),
                freq_upper_edge: annotation.frequency_hz.map(|edges| edges.1),
                label: annotation.label.as_deref(),
                comment: annotation.comment.as_deref(),
                generator: "Rangegate",
            }
        })
        .collect();
    notes.sort_by_key(|note| note.sample_start); // the specification wants them so
    notes
}

/// SigMF's name of a sample format. Of 64-bit integers it has none: theirs goes on the same pattern.
pub(super) fn datatype(format: SampleFormat) -> String {
    let letter = match format.scalar {
        Scalar::U8 | Scalar::U16 | Scalar::U32 | Scalar::U64 => "u",
        Scalar::I8 | Scalar::I16 | Scalar::I32 | Scalar::I64 => "i",
        Scalar::F32 | Scalar::F64 => "f",
    };
    let order = match format.order {
        _ if format.scalar.size() == 1 => "",
        ByteOrder::Little => "_le",
        ByteOrder::Big => "_be",
    };
    format!("{}{letter}{}{order}", if format.complex { "c" } else { "r" }, format.scalar.size() * 8)
}

/// Adds settings to the global object: names with a namespace as they are, others in the namespace of this
/// project. What the writer itself knows is not overwritten.
pub(super) fn add_settings(global: &mut Map<String, Value>, settings: &Map<String, Value>) {
    for (name, value) in settings {
        let name = if name.contains(':') { name.clone() } else { format!("rangegate:{name}") };
        global.entry(name).or_insert_with(|| value.clone());
    }
}

/// Declares every namespace that is used, as the specification requires, all of them optional.
pub(super) fn declare_extensions(global: &mut Map<String, Value>, captures: &[Value]) {
    let objects = std::iter::once(&*global).chain(captures.iter().filter_map(Value::as_object));
    let spaces = objects.flat_map(Map::keys).filter_map(|key| key.split_once(':')).map(|(space, _)| space);
    let mut spaces: Vec<String> = spaces.filter(|space| *space != "core").map(str::to_owned).collect();
    spaces.sort_unstable();
    spaces.dedup();
    let mut declared = match global.remove("core:extensions") {
        Some(Value::Array(list)) => list,
        _ => Vec::new(),
    };
    spaces.retain(|space| !declared.iter().any(|entry| entry["name"] == space.as_str()));
    declared.extend(spaces.iter().map(|name| json!({ "name": name, "version": "1.0.0", "optional": true })));
    if !declared.is_empty() {
        global.insert("core:extensions".to_owned(), declared.into());
    }
}

/// Writes the description, and waits for the disk.
pub(super) fn write(path: &Path, document: &Document<'_>) -> Result<()> {
    let write = |file: &mut BufWriter<File>| {
        serde_json::to_writer_pretty(&mut *file, document)?;
        file.write_all(b"\n")?;
        file.flush()?;
        file.get_ref().sync_all()
    };
    replace(path, write).map(drop)
}

/// Writes a file beside its final name and then renames it, so that there is never half of one.
pub(super) fn replace(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> std::io::Result<()>,
) -> Result<File> {
    let temporary = appended(path, ".tmp");
    let written = File::create(&temporary).and_then(|file| {
        let mut file = BufWriter::new(file);
        write(&mut file)?;
        Ok(file.into_inner()?)
    });
    let replaced = written.and_then(|file| std::fs::rename(&temporary, path).map(|()| file));
    replaced.map_err(|error| {
        let _ = std::fs::remove_file(&temporary); // it may not even exist; the first error is the one to tell
        Error::io(path, "write", error)
    })
}
