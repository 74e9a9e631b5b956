//! Objects of S3 as files of this machine, of which only those bytes are there that somebody needed.
//!
//! ```text
//!   objects/BUCKET/KEY   of the object's size, sparse      records/BUCKET/KEY   what of it is there
//! ```
//!
//! All else works on these files as on any folder, so that what a recording is called, its identity and its pieces are
//! those of the same files on a disk. An object is read only as the one that was listed: one that changes meanwhile is an
//! error, never a mixture.

#[cfg(not(feature = "s3"))]
#[path = "no_store.rs"]
mod store;
#[cfg(feature = "s3")]
mod store;

mod object;
mod record;
mod tree;

use super::identity;
use anyhow::{Context, Result, bail};
use object::Object;
use rangegate_recording::{self as recording, Kind, OpenOptions};
use record::Record;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use store::Store;
use tempfile::NamedTempFile;

/// How addresses begin.
const SCHEME: &str = "s3://";
/// What is read of a file to see of which format it is.
const BEGINNING: u64 = 4096;

/// A folder of local copies.
pub struct Mirror {
    folder: PathBuf,
    buckets: RefCell<BTreeMap<String, Rc<Store>>>,
}

/// Whether something is named by its address in S3.
pub fn is_address(name: &Path) -> bool {
    name.to_str().is_some_and(|name| name.starts_with(SCHEME))
}

impl Mirror {
    /// A mirror in a folder, which is made when something is fetched.
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), buckets: RefCell::default() }
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Lists what is at an address, or below it, and makes files for it that hold nothing yet; where they are.
    ///
    /// # Errors
    /// Nothing is there, the server cannot be reached or refuses the key, or the disk is full.
    pub fn list(&self, address: &str) -> Result<PathBuf> {
        let named = address.strip_prefix(SCHEME).unwrap_or(address).trim_end_matches('/');
        let (bucket, key) = named.split_once('/').unwrap_or((named, ""));
        if bucket.is_empty() {
            bail!("{address} names no bucket, expected {SCHEME}BUCKET/PREFIX");
        }
        let store = self.bucket(bucket)?;
        let mut objects = store.list(key)?;
        if objects.is_empty() && !key.is_empty() {
            for key in tree::halves(key) {
                objects.extend(store.look(&key)?);
            }
        }
        if !objects.iter().any(|object| object.key == key || tree::is_below(&object.key, key)) {
            bail!("{address} does not exist: there is no such object, nor one below it");
        }
        self.lay_out(bucket, key, &objects)?;
        Ok(self.objects().join(bucket).join(key))
    }

    /// Where a recording is, by what a job calls it.
    pub fn local(&self, recording: &str) -> PathBuf {
        match recording.strip_prefix(SCHEME) {
            Some(named) => self.objects().join(named),
            None => PathBuf::from(recording),
        }
    }

    /// What a recording is called: by its address, or its path where it is none of S3.
    pub fn name(&self, path: &Path) -> String {
        self.say(&path.display().to_string())
    }

    /// A sentence in which files are called by their addresses.
    pub fn say(&self, sentence: &str) -> String {
        sentence.replace(&format!("{}/", self.objects().display()), SCHEME)
    }

    /// Fetches what tells the format of a file.
    ///
    /// # Errors
    /// As [`Mirror::fetch`].
    pub fn glance(&self, path: &Path) -> Result<()> {
        if is_half(path) || path.is_dir() { Ok(()) } else { self.fetch(path, 0..BEGINNING) }
    }

    /// Fetches what tells which recording it is and which samples it has; all of it, unless these lie in a row in one
    /// file. True: samples are still to be fetched.
    ///
    /// # Errors
    /// As [`Mirror::fetch`].
    pub fn fetch_outline(&self, path: &Path, options: &OpenOptions) -> Result<bool> {
        if self.key(path).is_none() {
            return Ok(false);
        }
        self.glance(path)?;
        let is_in_a_row = match options.kind.map_or_else(|| recording::detect(path, options), Ok)? {
            Kind::Raw => true,
            Kind::Sigmf => is_half(path),
            _ => false,
        };
        let cannot = || format!("cannot read {}", path.display());
        if is_in_a_row {
            self.fetch(&path.with_extension("sigmf-meta"), 0..u64::MAX)?;
            for (file, bytes) in identity::reads(path).with_context(cannot)? {
                self.fetch(&file, bytes)?;
            }
        } else {
            for (file, _) in identity::files(path).with_context(cannot)? {
                self.fetch(&file, 0..u64::MAX)?;
            }
        }
        Ok(is_in_a_row)
    }

    /// Fetches what is missing of a range of bytes of a file. What is no object is there.
    ///
    /// # Errors
    /// The object is gone or another, the server cannot be reached, or the disk is full.
    pub fn fetch(&self, path: &Path, bytes: Range<u64>) -> Result<()> {
        let Some((bucket, key)) = self.key(path).filter(|_| path.is_file()) else { return Ok(()) };
        let record = Record::open(&self.records().join(&bucket).join(&key))?;
        let object = record.object(key);
        let cannot = || format!("cannot write {}", path.display());
        for missing in record.missing(bytes)? {
            let mut file = File::options().write(true).open(path).with_context(cannot)?;
            file.seek(SeekFrom::Start(missing.start)).with_context(cannot)?;
            self.bucket(&bucket)?
                .read(&object, missing.clone(), |some| file.write_all(some).with_context(cannot))?;
            file.sync_data().with_context(cannot)?;
            record.mark(&missing)?;
        }
        Ok(())
    }

    fn lock(&self) -> Result<File> {
        let path = self.folder.join("lock");
        let open = || std::fs::create_dir_all(&self.folder).and_then(|()| File::create(&path));
        let file = open().with_context(|| format!("cannot write {}", path.display()))?;
        if let Err(error) = file.lock() {
            // Some file systems have no locks.
            tracing::debug!("{}: {error}", path.display());
        }
        Ok(file)
    }

    fn objects(&self) -> PathBuf {
        self.folder.join("objects")
    }

    fn records(&self) -> PathBuf {
        self.folder.join("records")
    }

    /// Bucket and key of a file of the mirror.
    fn key(&self, path: &Path) -> Option<(String, String)> {
        let (bucket, key) = path.strip_prefix(self.objects()).ok()?.to_str()?.split_once('/')?;
        Some((bucket.to_owned(), key.to_owned()))
    }

    fn bucket(&self, name: &str) -> Result<Rc<Store>> {
        if let Some(store) = self.buckets.borrow().get(name) {
            return Ok(store.clone());
        }
        let store = Rc::new(Store::open(name)?);
        self.buckets.borrow_mut().insert(name.to_owned(), store.clone());
        Ok(store)
    }

    /// Makes the files of objects that are new or others than they were, and removes those of objects that are gone.
    fn lay_out(&self, bucket: &str, prefix: &str, objects: &[Object]) -> Result<()> {
        // Two starts in one folder must not both find a file missing.
        let _lock = self.lock()?;
        let (files, records) = (self.objects().join(bucket), self.records().join(bucket));
        let keys = tree::files(objects);
        for gone in tree::listed(&files, prefix).into_iter().filter(|key| !keys.contains_key(&**key)) {
            let _ = std::fs::remove_file(records.join(&gone));
            let _ = std::fs::remove_file(files.join(&gone));
        }
        for (key, object) in keys {
            let (file, record) = (files.join(key), records.join(key));
            let is_there = file.metadata().is_ok_and(|file| file.len() == object.size)
                && Record::open(&record).is_ok_and(|record| record.is_of(object));
            if is_there {
                continue;
            }
            // In this order, so that no record ever speaks of another file.
            if record.exists() {
                std::fs::remove_file(&record)
                    .with_context(|| format!("cannot remove {}", record.display()))?;
            }
            put(&file, &self.folder, |file| file.as_file().set_len(object.size))?;
            put(&record, &self.folder, |file| file.write_all(&record::begin(object)))?;
        }
        Ok(())
    }
}

/// Puts a file in its place, wholly or not at all; until then it is in the folder `aside`.
fn put(
    path: &Path,
    aside: &Path,
    fill: impl FnOnce(&mut NamedTempFile) -> std::io::Result<()>,
) -> Result<()> {
    let put = || -> std::io::Result<()> {
        std::fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
        let mut file = NamedTempFile::new_in(aside)?;
        fill(&mut file)?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    };
    put().with_context(|| format!("cannot write {}", path.display()))
}

/// Whether a file is one of the two of SigMF: an archive of both is not.
fn is_half(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "sigmf-meta" || extension == "sigmf-data")
}
