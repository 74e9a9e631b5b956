//! Digital Metadata: what was set, by sample index.
//!
//! A folder with `dmd_properties.h5`, and folders of files `metadata@SECONDS.h5`. A file holds a group for each
//! sample index at which something was noted, and in it a dataset, or a group of them, for each field.

use super::folders::{METADATA_PROPERTIES, first_of, seconds_of_subdir, subdir_name, subdirs};
use super::properties::{write_number, write_text};
use crate::hdf5::{attribute, failed, number, open_file, string, unlocked, value};
use crate::{Error, Result};
use hdf5::types::{FixedAscii, VarLenUnicode};
use hdf5::{Group, H5Type, IndexType, IterationOrder, LinkType};
use rangegate_core::SampleRate;
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};

/// Name of the metadata folder in a channel.
pub(crate) const FOLDER: &str = "metadata";
/// More fields of one sample are left out, and so are groups deeper than this.
const MAX_FIELDS: usize = 1000;
const MAX_DEPTH: usize = 8;
/// More samples in one file are not looked through.
const MAX_SAMPLES: usize = 1_000_000;

/// What a metadata channel says at its ends.
#[derive(Debug, Default)]
pub(crate) struct Metadata {
    /// The fields in force at the recording's first sample.
    pub first: Map<String, Value>,
    /// The latest fields.
    pub latest: Map<String, Value>,
}

/// Reads the metadata of a channel. A channel without any has none.
///
/// # Errors
/// There is metadata, but it cannot be read.
pub(crate) fn read(channel: &Path, first_sample: u64) -> Result<Metadata> {
    let folder = channel.join(FOLDER);
    let Some(properties) = first_of(&folder, &METADATA_PROPERTIES) else { return Ok(Metadata::default()) };
    let properties = open_file(&properties)?;
    let prefix = attribute(&properties, "file_name");
    let files = files(&folder, prefix.as_ref().and_then(string).unwrap_or("metadata"))?;
    // A note stands in the file of its own time, so the last file with a note at or before the sample has it.
    let mut first = None;
    for file in files.iter().rev() {
        let notes = samples(file)?;
        if let Some(&at) = notes.iter().rev().find(|&&at| at <= first_sample) {
            first = Some(fields(file, at)?);
            break;
        }
        if let (Some(&at), true) = (notes.first(), file == &files[0]) {
            first = Some(fields(file, at)?);
        }
    }
    let latest = match files.last() {
        Some(file) => samples(file)?.last().map(|&at| fields(file, at)).transpose()?,
        None => None,
    };
    Ok(Metadata { first: first.unwrap_or_default(), latest: latest.unwrap_or_default() })
}

/// The files of a metadata channel, in order of time, of the first and the last two folders only.
fn files(folder: &Path, prefix: &str) -> Result<Vec<PathBuf>> {
    let subdirs = subdirs(folder)?;
    let mut found = Vec::new();
    for (k, subdir) in subdirs.iter().enumerate() {
        if k > 0 && k + 2 < subdirs.len() {
            continue;
        }
        let subdir = folder.join(subdir);
        let failed = |e| Error::io(&subdir, "list this folder", e);
        for entry in std::fs::read_dir(&subdir).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name().into_string().unwrap_or_default();
            let seconds = name.strip_prefix(prefix).and_then(|n| n.strip_prefix('@')?.strip_suffix(".h5"));
            if let Some(seconds) = seconds.and_then(|s| s.parse::<u64>().ok()) {
                found.push((seconds, subdir.join(name)));
            }
        }
    }
    found.sort();
    Ok(found.into_iter().map(|(_, path)| path).collect())
}

/// The sample indices that a file has notes for, in order.
fn samples(path: &Path) -> Result<Vec<u64>> {
    let file = open_file(path)?;
    let mut samples = Vec::new();
    let stop = file.find_link(IndexType::Name, IterationOrder::Native, |name, _| {
        samples.extend(name.parse::<u64>());
        Ok((samples.len() >= MAX_SAMPLES).then_some(()))
    });
    stop.map_err(|e| failed(path, "list the samples", &e))?;
    samples.sort_unstable();
    Ok(samples)
}

fn fields(path: &Path, sample: u64) -> Result<Map<String, Value>> {
    let group =
        open_file(path)?.group(&sample.to_string()).map_err(|e| failed(path, "open a sample's group", &e))?;
    let mut left = MAX_FIELDS;
    Ok(group_fields(&group, 0, &mut left))
}

fn group_fields(group: &Group, depth: usize, left: &mut usize) -> Map<String, Value> {
    let mut names = Vec::new();
    // A group that cannot be listed to its end gives what it has up to there.
    let _ = group.find_link(IndexType::Name, IterationOrder::Increasing, |name, link| {
        if link.link_type == LinkType::Hard {
            names.push(name.to_owned());
        }
        Ok((names.len() >= *left).then_some(()))
    });
    let mut fields = Map::new();
    for name in names {
        if *left == 0 {
            break;
        }
        *left -= 1;
        if let Ok(dataset) = group.dataset(&name) {
            fields.insert(name, value(&dataset));
        } else if let (Ok(below), true) = (group.group(&name), depth < MAX_DEPTH) {
            fields.insert(name, Value::Object(group_fields(&below, depth + 1, left)));
        }
    }
    fields
}

/// The frequency the receiver was tuned to: of its first subchannel, where it names several.
pub(crate) fn center_frequency_hz(fields: &Map<String, Value>) -> Option<f64> {
    const NAMES: [&str; 6] =
        ["center_frequencies", "center_frequency", "center_freq", "center_freqs", "frequency", "freq"];
    let of = |fields: &Map<String, Value>| NAMES.iter().find_map(|name| number(fields.get(*name)?));
    of(fields).or_else(|| of(fields.get("receiver")?.as_object()?)).filter(|hz| hz.is_finite())
}

/// A field's name as the Python package stores it.
#[derive(Clone, Copy, H5Type)]
#[repr(C)]
struct Field {
    column: FixedAscii<128>,
}

/// Duration of a metadata file and of a folder of them.
const FILE_CADENCE_S: u64 = 3600;

/// Writes a metadata channel with one note.
///
/// # Errors
/// It cannot be written.
pub(crate) fn write(
    channel: &Path,
    rate: SampleRate,
    sample: u64,
    seconds: u64,
    fields: &Map<String, Value>,
) -> Result<()> {
    let folder = channel.join(FOLDER);
    let begin = seconds - seconds % FILE_CADENCE_S;
    let subdir = folder.join(subdir_name(begin).unwrap_or_default());
    debug_assert_eq!(subdir.file_name().and_then(|n| seconds_of_subdir(n.to_str()?)), Some(begin));
    std::fs::create_dir_all(&subdir).map_err(|e| Error::io(&subdir, "create this folder", e))?;
    let properties = folder.join(METADATA_PROPERTIES[0]);
    write_properties(&properties, rate, fields).map_err(|e| failed(&properties, "write this file", &e))?;
    let path = subdir.join(format!("metadata@{begin}.h5"));
    let write = || {
        let file = unlocked().create_excl(&path)?;
        write_fields(&file.create_group(&sample.to_string())?, fields)?;
        file.close()
    };
    write().map_err(|e| failed(&path, "write this file", &e))
}

fn write_properties(path: &Path, rate: SampleRate, fields: &Map<String, Value>) -> hdf5::Result<()> {
    let file = unlocked().create_excl(path)?;
    write_number(&file, "subdir_cadence_secs", FILE_CADENCE_S)?;
    write_number(&file, "file_cadence_secs", FILE_CADENCE_S)?;
    write_number(&file, "sample_rate_numerator", rate.numerator())?;
    write_number(&file, "sample_rate_denominator", rate.denominator())?;
    write_text(&file, "file_name", "metadata")?;
    write_text(&file, "digital_metadata_version", "2.5")?;
    let column = |name: &String| {
        let name: String = name.chars().filter(char::is_ascii).take(127).collect();
        FixedAscii::from_ascii(&name).ok().map(|column| Field { column })
    };
    let names: Vec<Field> = fields.keys().filter_map(column).collect();
    if !names.is_empty() {
        file.new_dataset::<Field>().shape(names.len()).create("fields")?.write_raw(&names[..])?;
    }
    file.close()
}

fn write_fields(group: &Group, fields: &Map<String, Value>) -> hdf5::Result<()> {
    for (name, value) in fields {
        // A slash would make groups, a null byte end the name.
        let name = name.replace(['/', '\0'], "_");
        match value {
            Value::Object(below) => write_fields(&group.create_group(&name)?, below)?,
            Value::Null => write_scalar(group, &name, &unicode(""))?,
            Value::Bool(truth) => write_scalar(group, &name, truth)?,
            Value::String(text) => write_scalar(group, &name, &unicode(text))?,
            Value::Number(n) => match (n.as_i64(), n.as_u64(), n.as_f64()) {
                (Some(n), ..) => write_scalar(group, &name, &n)?,
                (_, Some(n), _) => write_scalar(group, &name, &n)?,
                (.., n) => write_scalar(group, &name, &n.unwrap_or(f64::NAN))?,
            },
            Value::Array(values) => match values.iter().map(Value::as_f64).collect::<Option<Vec<f64>>>() {
                Some(numbers) => {
                    group
                        .new_dataset::<f64>()
                        .shape(numbers.len())
                        .create(name.as_str())?
                        .write_raw(&numbers[..])?;
                }
                None => write_scalar(group, &name, &unicode(&value.to_string()))?,
            },
        }
    }
    Ok(())
}

fn write_scalar<T: H5Type>(group: &Group, name: &str, value: &T) -> hdf5::Result<()> {
    group.new_dataset::<T>().create(name)?.write_scalar(value)
}

/// Text without the null bytes that would end it.
fn unicode(text: &str) -> VarLenUnicode {
    text.replace('\0', "").parse().unwrap_or_default()
}
