//! Which files make up a recording.

use super::archive::{self, Member};
use super::meta::{self, Meta};
use crate::error::{Error, Result};
use crate::flat::open_file;
use std::ffi::OsString;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// Size of the largest description that is read. A million annotations need about half of it.
const MAX_META_BYTES: u64 = 256 << 20;

/// Where the samples are.
#[derive(Debug)]
pub(super) struct Data {
    pub path: PathBuf,
    /// First byte of the dataset in the file: not 0 in an archive.
    pub start: u64,
    /// Size of the dataset where it does not reach to the file's end.
    pub len: Option<u64>,
}

/// A recording's description, found.
pub(super) struct Files {
    /// What messages call the description.
    pub meta_path: PathBuf,
    /// The archive with its members, or `None` for two files side by side.
    archive: Option<(PathBuf, Vec<Member>)>,
}

/// The path with something behind its last component.
pub(super) fn appended(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(ending);
    name.into()
}

/// Whether the name alone says SigMF: by its ending, or because there is no such file but one with a SigMF
/// ending behind.
pub(crate) fn is_named_so(path: &Path) -> bool {
    let endings = ["sigmf-meta", "sigmf-data", "sigmf", "sigmf-collection"];
    path.extension().is_some_and(|extension| endings.iter().any(|ending| extension == *ending))
        || (!path.exists() && (appended(path, ".sigmf-meta").exists() || appended(path, ".sigmf").exists()))
}

/// Whether the file is a tar archive with a SigMF description in it, whatever its name.
pub(crate) fn is_archive(path: &Path) -> bool {
    archive::is_tar(path) && archive::members(path).is_ok_and(|list| list.iter().any(Member::is_meta))
}

impl Files {
    /// Finds the description that belongs to `path`.
    pub fn find(path: &Path) -> Result<Self> {
        let meta_path = match path.extension().and_then(|extension| extension.to_str()) {
            Some("sigmf-meta") => path.to_owned(),
            Some("sigmf-data") => path.with_extension("sigmf-meta"),
            Some("sigmf-collection") => {
                return Err(Error::new(
                    path,
                    "is a collection of recordings: open one of those that it names",
                ));
            }
            Some("sigmf") => return Self::in_archive(path),
            _ if appended(path, ".sigmf-meta").exists() => appended(path, ".sigmf-meta"),
            _ if appended(path, ".sigmf").exists() => return Self::in_archive(&appended(path, ".sigmf")),
            _ => return Self::in_archive(path),
        };
        if !meta_path.exists() {
            let message = format!("does not exist; '{}' has no description without it", path.display());
            return Err(Error::new(&meta_path, message));
        }
        Ok(Self { meta_path, archive: None })
    }

    fn in_archive(path: &Path) -> Result<Self> {
        if !path.exists() {
            return Err(Error::new(
                path,
                "does not exist, nor does a file of that name with .sigmf-meta behind",
            ));
        }
        let members = archive::members(path)?;
        let metas: Vec<&Member> = members.iter().filter(|member| member.is_meta()).collect();
        match metas[..] {
            [meta] => {
                let meta_path = path.join(&meta.name);
                Ok(Self { meta_path, archive: Some((path.to_owned(), members)) })
            }
            [] => Err(Error::new(path, "is an archive without a .sigmf-meta file")),
            [first, second, ..] => {
                let (n, first, second) = (metas.len(), first.name.display(), second.name.display());
                let message = format!(
                    "is an archive of {n} recordings ({first}, {second}, ...), expected one: unpack it"
                );
                Err(Error::new(path, message))
            }
        }
    }

    fn member(&self, wanted: &Path) -> Option<(&Path, &Member)> {
        let (path, members) = self.archive.as_ref()?;
        Some((path, members.iter().find(|member| path.join(&member.name) == wanted)?))
    }

    /// Reads and checks the description.
    pub fn read_meta(&self) -> Result<Meta> {
        let (mut file, n_bytes) = match self.member(&self.meta_path) {
            Some((archive, member)) => (open_at(archive, member.start)?, member.len),
            None => {
                let file = open_file(&self.meta_path)?;
                let size = file.metadata().map_err(|error| Error::io(&self.meta_path, "read", error))?.len();
                (file, size)
            }
        };
        if n_bytes > MAX_META_BYTES {
            let message =
                format!("is {n_bytes} bytes long, expected a description of at most {MAX_META_BYTES}");
            return Err(Error::new(&self.meta_path, message));
        }
        let mut json = Vec::new();
        (&mut file)
            .take(n_bytes)
            .read_to_end(&mut json)
            .map_err(|error| Error::io(&self.meta_path, "read", error))?;
        meta::parse(&self.meta_path, &json)
    }

    /// Finds the samples that the description describes.
    pub fn data(&self, meta: &Meta) -> Result<Data> {
        let path = match &meta.dataset {
            Some(name) => self.meta_path.with_file_name(name),
            None => self.meta_path.with_extension("sigmf-data"),
        };
        let found = match &self.archive {
            Some(_) => self.member(&path).map(|(archive, member)| Data {
                path: archive.to_owned(),
                start: member.start,
                len: Some(member.len),
            }),
            None => path.exists().then(|| Data { path: path.clone(), start: 0, len: None }),
        };
        found.ok_or_else(|| match (&meta.dataset, meta.metadata_only) {
            (_, true) => {
                Error::new(&self.meta_path, "says core:metadata_only: its samples were left out on purpose")
            }
            (Some(name), _) => {
                let found = format!("\"{name}\"");
                Error::field(&self.meta_path, "global.core:dataset", found, "a file in the same folder")
            }
            (None, _) => Error::new(&path, "does not exist: the samples that the .sigmf-meta file describes"),
        })
    }
}

fn open_at(path: &Path, byte: u64) -> Result<File> {
    let mut file = open_file(path)?;
    file.seek(SeekFrom::Start(byte)).map_err(|error| Error::io(path, "read", error))?;
    Ok(file)
}
