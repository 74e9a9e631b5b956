//! What a command makes, and takes away again where it does not come to its end.

use std::path::{Path, PathBuf};

/// Files and folders that this run made and that are of no use unless they are finished: removed when dropped.
///
/// Whoever writes them must be dropped before, because a writer may bring something to disk yet.
#[derive(Debug, Default)]
pub struct Unfinished(Vec<PathBuf>);

impl Unfinished {
    /// Takes note of a recording that was made under this name: a file, a folder, or the two files of SigMF.
    pub fn recording(&mut self, path: &Path) {
        self.0.push(path.to_owned());
        let other = match path.extension().and_then(|extension| extension.to_str()) {
            Some("sigmf-meta") => "sigmf-data",
            Some("sigmf-data") => "sigmf-meta",
            _ => return,
        };
        self.0.push(path.with_extension(other));
    }

    /// Takes note of a file.
    pub fn file(&mut self, path: &Path) {
        self.0.push(path.to_owned());
    }

    /// All of it is finished, and stays.
    pub fn keep(mut self) {
        self.0.clear();
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        for path in &self.0 {
            // What is not there need not go.
            let _ = if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) };
        }
    }
}
