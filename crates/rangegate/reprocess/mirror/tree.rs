//! Keys as paths of files.

use super::object::Object;
use std::collections::BTreeMap;
use std::path::{Component, Path};

/// Whether a key lies below another.
pub fn is_below(key: &str, above: &str) -> bool {
    above.is_empty() || key.strip_prefix(above).is_some_and(|rest| rest.starts_with('/'))
}

/// A key, and that of the other half where it is one of SigMF's.
pub fn halves(key: &str) -> Vec<String> {
    let (meta, data) = (".sigmf-meta", ".sigmf-data");
    let stem = key.strip_suffix(meta).or_else(|| key.strip_suffix(data));
    stem.map_or_else(|| vec![key.to_owned()], |stem| vec![format!("{stem}{meta}"), format!("{stem}{data}")])
}

/// Objects that can be files, by their keys: not those that stand for folders, nor those whose keys are no paths.
pub fn files(objects: &[Object]) -> BTreeMap<&str, &Object> {
    let by_key: BTreeMap<&str, &Object> = objects.iter().map(|object| (&*object.key, object)).collect();
    let is_folder = |key: &str| {
        let below = format!("{key}/");
        by_key.range(&*below..).next().is_some_and(|(next, _)| next.starts_with(&below))
    };
    let mut files = by_key.clone();
    files.retain(|key, object| {
        let is_file = is_path(key) && !is_folder(key);
        if !is_file && object.size > 0 {
            tracing::warn!("{key} is left out: its key cannot be the path of a file");
        }
        is_file
    });
    files
}

/// Whether a key can be the path of a file.
fn is_path(key: &str) -> bool {
    !key.is_empty() && Path::new(key).components().all(|part| matches!(part, Component::Normal(_)))
}

/// Keys of the files at and below a prefix.
pub fn listed(folder: &Path, prefix: &str) -> Vec<String> {
    let (mut keys, mut to_do) = (Vec::new(), vec![prefix.to_owned()]);
    while let Some(key) = to_do.pop() {
        let path = folder.join(&key);
        if !path.is_dir() {
            keys.extend(path.is_file().then_some(key));
            continue;
        }
        let entries = std::fs::read_dir(&path).into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        to_do.extend(names.map(|name| if key.is_empty() { name } else { format!("{key}/{name}") }));
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_are_no_paths_are_left_out() {
        let object = |key: &str, size| Object { key: key.to_owned(), size, e_tag: None };
        let objects =
            [object("a", 0), object("a/b", 1), object("a-c", 2), object("../d", 3), object("e/../f", 4)];
        assert_eq!(files(&objects).into_keys().collect::<Vec<_>>(), ["a-c", "a/b"]);
        assert!(is_below("a/b", "a") && is_below("a", "") && !is_below("ab", "a"));
        assert_eq!(halves("x.sigmf-data"), ["x.sigmf-meta", "x.sigmf-data"]);
        assert_eq!(halves("x.cs16"), ["x.cs16"]);
    }
}
