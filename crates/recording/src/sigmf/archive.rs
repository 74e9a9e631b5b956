//! SigMF archives: uncompressed tar files, read where they lie.

use crate::error::{Error, Result};
use crate::flat::open_file;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Component, Path, PathBuf};
use tar::{Archive, EntryType};

/// Members that an archive may have.
const MAX_MEMBERS: usize = 100_000;

/// Size of the largest header extension (long names, PAX records) that is read into memory.
const MAX_EXTENSION_BYTES: u64 = 1 << 20;

/// A file in an archive: its bytes stand there in one piece.
#[derive(Debug)]
pub(super) struct Member {
    pub name: PathBuf,
    pub start: u64,
    pub len: u64,
}

impl Member {
    pub fn is_meta(&self) -> bool {
        self.name.extension().is_some_and(|extension| extension == "sigmf-meta")
    }
}

/// Whether the file has the signature of a tar archive.
pub(super) fn is_tar(path: &Path) -> bool {
    let mut header = [0; 262];
    open_file(path)
        .and_then(|mut file| file.read_exact(&mut header).map_err(|error| Error::io(path, "read", error)))
        .is_ok_and(|()| header[257..].starts_with(b"ustar"))
}

/// Lists the files of an archive.
///
/// # Errors
/// It is no tar archive or a damaged one, or holds what no recording needs and what makes trouble when
/// unpacked: links, devices, sparse files, names that lead out of the folder.
pub(super) fn members(path: &Path) -> Result<Vec<Member>> {
    if !is_tar(path) {
        return Err(Error::new(
            path,
            "is no tar archive, as a .sigmf file must be (a compressed one: unpack it)",
        ));
    }
    let damaged = |error| Error::io(path, "read the tar archive", error);
    check_extensions(path)?;
    let mut members = Vec::new();
    let mut archive = Archive::new(BufReader::with_capacity(512, open_file(path)?));
    for entry in archive.entries_with_seek().map_err(damaged)? {
        let mut entry = entry.map_err(damaged)?;
        let name = entry.path().map_err(damaged)?.into_owned();
        let refused = |what: &str| {
            let message =
                format!("archive member '{}' is {what}, expected files and folders", name.display());
            Err(Error::new(path, message))
        };
        if !name.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir)) {
            return refused("outside the archive's folder");
        }
        let extensions = entry.pax_extensions().map_err(damaged)?;
        if extensions.into_iter().flatten().flatten().any(|e| e.key_bytes().starts_with(b"GNU.sparse")) {
            return refused("a sparse file");
        }
        match entry.header().entry_type() {
            EntryType::Regular | EntryType::Continuous => {}
            EntryType::Directory | EntryType::XGlobalHeader => continue,
            EntryType::Symlink | EntryType::Link => return refused("a link"),
            EntryType::GNUSparse => return refused("a sparse file"),
            _ => return refused("of a special type"),
        }
        let name = name.components().filter(|part| matches!(part, Component::Normal(_))).collect();
        members.push(Member { name, start: entry.raw_file_position(), len: entry.size() });
    }
    Ok(members)
}

/// Goes through the bare headers, so that no header makes the listing read a huge extension into memory.
fn check_extensions(path: &Path) -> Result<()> {
    let damaged = |error| Error::io(path, "read the tar archive", error);
    let file: File = open_file(path)?;
    let mut archive = Archive::new(BufReader::with_capacity(512, file));
    for (index, entry) in archive.entries_with_seek().map_err(damaged)?.raw(true).enumerate() {
        let entry = entry.map_err(damaged)?;
        let is_file = matches!(entry.header().entry_type(), EntryType::Regular | EntryType::Continuous);
        if index >= MAX_MEMBERS {
            return Err(Error::new(path, format!("is an archive of more than {MAX_MEMBERS} members")));
        }
        if !is_file && entry.size() > MAX_EXTENSION_BYTES {
            let message = format!(
                "is an archive with a header extension of {} bytes, expected at most {MAX_EXTENSION_BYTES}",
                entry.size()
            );
            return Err(Error::new(path, message));
        }
    }
    Ok(())
}
