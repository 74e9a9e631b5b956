//! Which recordings are meant.

use super::mirror::Mirror;
use anyhow::{Context, Result, bail};
use rangegate_recording::{self as recording, Kind, OpenOptions};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Deepest folder below the one that was named.
const MAX_DEPTH: usize = 16;
/// Most recordings of one start.
const MAX_RECORDINGS: usize = 1_000_000;

/// A recording, and what its results are called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Where it is.
    pub path: PathBuf,
    /// Name of the folder of its results.
    pub name: String,
}

/// The recordings that were named, and those in the folders that were named, in order of their paths. Not those in
/// `out`. Files of the mirror are glanced at first.
///
/// # Errors
/// One that was named is not there, or there is none.
pub fn recordings(
    named: &[PathBuf],
    options: &OpenOptions,
    out: &Path,
    mirror: &Mirror,
) -> Result<Vec<Found>> {
    // In a folder the name of a raw file has to say what it is: else all files would be samples.
    let in_folders = OpenOptions { sample_format: None, ..options.clone() };
    let out = std::path::absolute(out)?;
    let mut paths = Vec::new();
    for path in named {
        let path = std::path::absolute(path)?;
        if !path.exists() {
            bail!("{} does not exist", path.display());
        }
        let is_recording = !path.is_dir() || recording::detect(&path, options).is_ok();
        if is_recording {
            paths.push(path);
        } else {
            Walk { options: &in_folders, out: &out, mirror }.walk(&path, 0, &mut paths)?;
        }
    }
    paths.sort();
    paths.dedup();
    if paths.is_empty() {
        bail!("no recording is in what was named");
    }
    if paths.len() > MAX_RECORDINGS {
        bail!("{} recordings, expected at most {MAX_RECORDINGS} in one start", paths.len());
    }
    Ok(with_names(paths))
}

/// How folders are walked.
struct Walk<'a> {
    options: &'a OpenOptions,
    out: &'a Path,
    mirror: &'a Mirror,
}

impl Walk<'_> {
    fn walk(&self, folder: &Path, depth: usize, paths: &mut Vec<PathBuf>) -> Result<()> {
        if folder == self.out || depth > MAX_DEPTH {
            return Ok(());
        }
        let cannot = || format!("cannot read {}", folder.display());
        for entry in std::fs::read_dir(folder).with_context(cannot)? {
            let path = entry.with_context(cannot)?.path();
            let is_other_half = path.extension().is_some_and(|extension| extension == "sigmf-data")
                && path.with_extension("sigmf-meta").exists();
            if is_other_half {
                continue;
            }
            if self.mirror.glance(&path).is_err() {
                // Who opens it hears why it cannot be read.
                paths.push(path);
                continue;
            }
            match (recording::detect(&path, self.options), path.is_dir()) {
                (Ok(Kind::Hdf5), false) if is_of_digital_rf(&path) => {}
                (Ok(_), _) => paths.push(path),
                // A link may lead round in a circle.
                (Err(_), true) if !path.is_symlink() => self.walk(&path, depth + 1, paths)?,
                (Err(_), _) => {}
            }
        }
        Ok(())
    }
}

/// Whether an HDF5 file lies in what could be a Digital RF recording that has lost its properties.
fn is_of_digital_rf(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    name.starts_with("rf@") || name.starts_with("metadata@") || name.ends_with("_properties.h5")
}

/// Names by the files' own, with a number for those that several have.
fn with_names(paths: Vec<PathBuf>) -> Vec<Found> {
    let plain = |path: &Path| {
        let stem = if path.is_dir() { path.file_name() } else { path.file_stem() };
        let name = stem.unwrap_or_default().to_string_lossy().into_owned();
        let is_good = |c: char| c.is_alphanumeric() || "-_.@+".contains(c);
        let name: String = name.chars().map(|c| if is_good(c) { c } else { '_' }).collect();
        if name.is_empty() || name.starts_with('.') || name == PIECES {
            format!("recording-{name}")
        } else {
            name
        }
    };
    let mut count = BTreeMap::<String, usize>::new();
    for path in &paths {
        *count.entry(plain(path)).or_default() += 1;
    }
    let mut so_far = BTreeMap::<String, usize>::new();
    let mut named = |path: PathBuf| {
        let name = plain(&path);
        if count[&name] == 1 {
            return Found { path, name };
        }
        // A name that somebody else bears already is passed over.
        let number = so_far.entry(name.clone()).or_default();
        loop {
            *number += 1;
            let numbered = format!("{name}-{number}");
            if !count.contains_key(&numbered) {
                return Found { path, name: numbered };
            }
        }
    };
    paths.into_iter().map(&mut named).collect()
}

/// Name of the folder of pieces.
pub const PIECES: &str = "pieces";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_walked_and_names_are_unlike() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["a/x.cs16", "b/x.cs16", "b/y.cu8", "b/x-1.cs16", "b/notes.txt", "out/z.cs16"] {
            std::fs::create_dir_all(at(name).parent().unwrap()).unwrap();
            std::fs::write(at(name), [0; 16]).unwrap();
        }
        std::fs::write(at("b/s.sigmf-meta"), "{}").unwrap();
        std::fs::write(at("b/s.sigmf-data"), "").unwrap();
        let mirror = Mirror::new(&at("mirror"));
        let look = |named: &[PathBuf]| recordings(named, &OpenOptions::default(), &at("out"), &mirror);
        let found = look(&[folder.path().to_owned()]).unwrap();
        let names: Vec<_> = found.iter().map(|found| &*found.name).collect();
        assert_eq!(names, ["x-2", "s", "x-1", "x-3", "y"]);
        assert_eq!(found[1].path, at("b/s.sigmf-meta"));
        let again = look(&[at("b/y.cu8"), at("b")]).unwrap();
        assert_eq!(again.len(), 4);
        let error = look(&[at("c")]).unwrap_err();
        assert!(error.to_string().contains("does not exist"), "{error}");
    }
}
