//! What is in a file that nobody has told us about.

use super::attributes::{attributes, string};
use super::element::{Element, type_text};
use super::library::{failed, open_file};
use super::select::natural_order;
use crate::Result;
use hdf5::dataset::Layout as Storage;
use hdf5::{Dataset, File, Group, IndexType, IterationOrder, LinkType, LocationToken, LocationType};
use rangegate_core::SampleFormat;
use serde::Serialize;
use serde_json::Value;
use std::path::Path;

/// [`describe`] lists at most this many datasets; a list of this length may have been cut.
pub const MAX_DATASETS: usize = 10_000;
/// More links, of groups and of anything else, are not followed.
const MAX_LINKS: usize = 100_000;
/// Groups deeper than this are not entered.
const MAX_DEPTH: usize = 32;
/// Longer values of attributes are cut when shown.
const MAX_SHOWN: usize = 200;

/// One dataset of an HDF5 file.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DatasetInfo {
    /// Path inside the file, without the leading `/`.
    pub path: String,
    /// Length of each axis.
    pub shape: Vec<usize>,
    /// Type of an element, as `{r: i16, i: i16}` or `big-endian f64`.
    pub type_text: String,
    /// How it is stored: `contiguous`, `chunks of [1024], gzip`, …
    pub storage: String,
    /// Names and values of its attributes, long ones cut.
    pub attributes: Vec<(String, String)>,
    /// The same of the groups above it, outermost first, each name with its group before an `@`.
    pub group_attributes: Vec<(String, String)>,
    /// What a sample would be, where the type can be one.
    pub sample_format: Option<SampleFormat>,
}

/// Lists the datasets of a file, at most [`MAX_DATASETS`], in the order of their names with numbers by value.
/// Links to other files and soft links are not followed.
///
/// # Errors
/// The file cannot be opened as HDF5.
pub fn describe(path: &Path) -> Result<Vec<DatasetInfo>> {
    let file = open_file(path)?;
    let paths = dataset_paths(path, &file)?;
    Ok(paths.iter().filter_map(|name| Some(describe_one(&file, name, &file.dataset(name).ok()?))).collect())
}

/// Paths of all datasets, bounded as [`describe`] says.
pub(crate) fn dataset_paths(path: &Path, file: &File) -> Result<Vec<String>> {
    let root = file.loc_info().map_err(|e| failed(path, "read the root group", &e))?;
    let mut walk = Walk { paths: Vec::new(), links_left: MAX_LINKS, above: vec![root.token] };
    walk.enter(file, "");
    walk.paths.sort_by(|a, b| natural_order(a, b));
    Ok(walk.paths)
}

struct Walk {
    paths: Vec<String>,
    links_left: usize,
    /// The group that is being walked and those above it: a link back to one of them is a loop.
    above: Vec<LocationToken>,
}

impl Walk {
    fn enter(&mut self, group: &Group, prefix: &str) {
        let mut names = Vec::new();
        // A group that cannot be listed to its end gives what it has up to there.
        let _ = group.find_link(IndexType::Name, IterationOrder::Native, |name, link| {
            if link.link_type == LinkType::Hard {
                names.push(name.to_owned());
            }
            Ok((names.len() >= self.links_left).then_some(()))
        });
        for name in names {
            if self.links_left == 0 || self.paths.len() >= MAX_DATASETS {
                return;
            }
            self.links_left -= 1;
            let Ok(info) = group.loc_info_by_name(&name) else { continue };
            let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}/{name}") };
            match info.loc_type {
                LocationType::Dataset => self.paths.push(path),
                LocationType::Group if self.above.len() < MAX_DEPTH && !self.above.contains(&info.token) => {
                    if let Ok(below) = group.group(&name) {
                        self.above.push(info.token);
                        self.enter(&below, &path);
                        self.above.pop();
                    }
                }
                _ => {}
            }
        }
    }
}

fn describe_one(file: &File, path: &str, dataset: &Dataset) -> DatasetInfo {
    let datatype = dataset.dtype().ok();
    let group_attributes = groups_above(file, path).into_iter().flat_map(|(name, group)| {
        attributes(&group)
            .into_iter()
            .map(move |(attribute, value)| (format!("{name}@{attribute}"), short(&value)))
    });
    DatasetInfo {
        path: path.to_owned(),
        shape: dataset.shape(),
        type_text: datatype.as_ref().map_or_else(|| "unreadable".to_owned(), type_text),
        storage: storage_text(dataset),
        attributes: attributes(dataset).into_iter().map(|(name, value)| (name, short(&value))).collect(),
        group_attributes: group_attributes.collect(),
        sample_format: datatype.and_then(|t| Element::of(&t).ok()).map(|element| element.format),
    }
}

/// The groups that a dataset lies in, outermost first, the root as `/`.
pub(crate) fn groups_above(file: &File, path: &str) -> Vec<(String, Group)> {
    let path = path.trim_matches('/');
    let mut groups = vec![("/".to_owned(), (**file).clone())];
    for (at, _) in path.match_indices('/') {
        if let Ok(group) = file.group(&path[..at]) {
            groups.push((path[..at].to_owned(), group));
        }
    }
    groups
}

fn storage_text(dataset: &Dataset) -> String {
    let filters: String = dataset.filters().iter().map(|f| format!(", {}", filter_text(f))).collect();
    match dataset.layout() {
        Storage::Chunked => format!("chunks of {:?}{filters}", dataset.chunk().unwrap_or_default()),
        Storage::Contiguous if dataset.offset().is_none() => {
            "contiguous, without data in this file".to_owned()
        }
        Storage::Contiguous => "contiguous".to_owned(),
        Storage::Compact => "compact".to_owned(),
        _ => "virtual".to_owned(),
    }
}

fn filter_text(filter: &hdf5::filters::Filter) -> String {
    use hdf5::filters::Filter;
    match filter {
        Filter::Deflate(level) => format!("gzip {level}"),
        Filter::Shuffle => "shuffle".to_owned(),
        Filter::Fletcher32 => "Fletcher32".to_owned(),
        Filter::SZip(..) => "szip".to_owned(),
        Filter::NBit => "n-bit".to_owned(),
        Filter::ScaleOffset(_) => "scale-offset".to_owned(),
        other => format!("filter {}", other.id()),
    }
}

/// A value on one line.
fn short(value: &Value) -> String {
    let text = string(value).map_or_else(|| value.to_string(), str::to_owned);
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MAX_SHOWN) {
        Some((end, _)) => format!("{} …", &line[..end]),
        None => line,
    }
}

/// What to put into a configuration to read the most likely of these datasets, as TOML with comments.
pub fn suggestion(datasets: &[DatasetInfo]) -> String {
    let fits = |d: &&DatasetInfo| {
        d.sample_format.is_some() && (1..=3).contains(&d.shape.len()) && !d.shape.contains(&0)
    };
    let size = |d: &&DatasetInfo| d.shape.iter().fold(1_usize, |product, &n| product.saturating_mul(n));
    // Of several of one size the first: it stands for the others of its pattern.
    let Some(best) = datasets.iter().filter(fits).rev().max_by_key(size) else {
        return "# No dataset of this file holds numbers that could be samples.\n".to_owned();
    };
    let alike = |d: &&DatasetInfo| d.type_text == best.type_text && pattern(&d.path) == pattern(&best.path);
    let n_alike = datasets.iter().filter(alike).count();
    let name = if n_alike > 1 { pattern(&best.path) } else { best.path.clone() };
    let pairs = best.shape.last() == Some(&2)
        && best.sample_format.is_some_and(|f| !f.complex && f.scalar.is_integer());
    let mut text = String::new();
    if datasets.len() >= MAX_DATASETS {
        text += &format!("# The file has more datasets than the {MAX_DATASETS} looked at.\n");
    }
    let mut source = String::new();
    if !names_a_rate(best) {
        source += "sample_rate_hz = 1e6  # put the true rate here: no attribute names it\n";
    }
    if let (true, Some(format)) = (pairs, best.sample_format) {
        source += &format!(
            "sample_format = \"{}\"  # I and Q are interleaved\n",
            SampleFormat { complex: true, ..format }
        );
    }
    if !source.is_empty() {
        text += &format!("[source]\n{source}\n");
    }
    text += &format!("[source.hdf5]\ndatasets = [{}]", toml_string(&name));
    text += &if n_alike > 1 { format!("  # {n_alike} datasets\n") } else { "\n".to_owned() };
    let n_axes = best.shape.len() - usize::from(pairs);
    if n_alike > 1 && n_axes == 1 {
        text += "each = \"pulse\"  # or \"append\", if they follow one another without a gap\n";
    }
    if n_axes == 2 {
        text += "axes = \"pulse_sample\"  # or \"channel_sample\" or \"sample_channel\"\n";
    }
    text
}

/// A path with its numbers replaced by stars.
fn pattern(path: &str) -> String {
    let mut pattern = String::new();
    for c in path.chars() {
        if !c.is_ascii_digit() {
            pattern.push(c);
        } else if !pattern.ends_with('*') {
            pattern.push('*');
        }
    }
    pattern
}

fn names_a_rate(dataset: &DatasetInfo) -> bool {
    let names = dataset.attributes.iter().chain(&dataset.group_attributes).map(|(name, _)| name);
    names.into_iter().any(|name| {
        let name = name.rsplit('@').next().unwrap_or_default().to_lowercase();
        super::lookup::RATE_NAMES.contains(&name.as_str())
    })
}

fn toml_string(text: &str) -> String {
    // A JSON string is a TOML string.
    Value::String(text.to_owned()).to_string()
}
