//! One piece of work, as it goes through a queue.

use super::find::PIECES;
use super::identity::{Identity, hex};
use anyhow::{Context, Result, bail};
use rangegate_sources::Place;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// Version of jobs and of the files that come of them.
const FORMAT: u32 = 1;

/// A range of the segments of a recording, and everything that decides what is found in them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// Version of this.
    pub format: u32,
    /// Version of the program that is to do it.
    pub version: String,
    /// Folder of the results.
    pub out: PathBuf,
    /// Name of the recording.
    pub name: String,
    /// Where the recording is: a path.
    pub recording: String,
    /// What is expected there.
    pub identity: Identity,
    /// SHA-256 of the configuration, and of what it names.
    pub configuration: String,
    /// Where the first segment lies.
    pub place: Place,
    /// Number of the segment after the last.
    pub end: u64,
}

/// What all jobs of a start have in common.
#[derive(Clone, Debug)]
pub struct Common {
    /// Folder of the results, absolute.
    pub out: PathBuf,
    /// SHA-256 of the configuration.
    pub configuration: String,
}

impl Job {
    /// A job of this program.
    pub fn new(
        common: &Common,
        name: &str,
        recording: String,
        identity: &Identity,
        place: Place,
        end: u64,
    ) -> Self {
        Self {
            format: FORMAT,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            out: common.out.clone(),
            name: name.to_owned(),
            recording,
            identity: identity.clone(),
            configuration: common.configuration.clone(),
            place,
            end,
        }
    }

    /// SHA-256 of all that its result depends on: not of where the recording lies or the result goes.
    pub fn key(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(b"rangegate piece\0");
        hash.update(self.format.to_le_bytes());
        for text in [&self.version, &self.identity.sha256, &self.configuration] {
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text);
        }
        for number in [self.identity.bytes, self.place.sequence, self.end] {
            hash.update(number.to_le_bytes());
        }
        hash.finalize().into()
    }

    /// Its id in a queue.
    pub fn id(&self) -> String {
        hex(&self.key())
    }

    /// Where its result goes: a pure function of the job.
    pub fn path(&self) -> PathBuf {
        let (first, end, key) = (self.place.sequence, self.end, &self.id()[..16]);
        self.out.join(PIECES).join(&self.name).join(format!("{first:010}-{end:010}-{key}.piece"))
    }

    /// Segments of it.
    pub fn n_segments(&self) -> u64 {
        self.end.saturating_sub(self.place.sequence)
    }

    /// As it goes through a queue.
    ///
    /// # Errors
    /// It cannot be written: a path that is no text.
    pub fn encode(&self) -> Result<Vec<u8>> {
        postcard::to_allocvec(self).context("a job cannot be written")
    }

    /// Reads what [`Job::encode`] wrote.
    ///
    /// # Errors
    /// It is no job, or another version's.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let is_ours = |&(format, _): &(u32, &[u8])| format == FORMAT;
        let Some(_) = postcard::take_from_bytes::<u32>(bytes).ok().filter(is_ours) else {
            bail!("is no job of this version of the program");
        };
        let job: Self = postcard::from_bytes(bytes).context("is no job")?;
        let version = env!("CARGO_PKG_VERSION");
        if job.version != version {
            bail!("is a job for version {}, expected {version}", job.version);
        }
        Ok(job)
    }
}

/// Where the configuration lies that jobs name.
pub fn configuration_path(out: &Path, sha256: &str) -> PathBuf {
    out.join(PIECES).join(format!("configuration-{}.toml", &sha256[..sha256.len().min(16)]))
}

/// Puts a file in its place, wholly or not at all, also if the machine stops.
///
/// # Errors
/// The disk is full, or may not be written.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let write = || -> std::io::Result<()> {
        let folder = path.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder)?;
        let mut file = tempfile::Builder::new().prefix(".unfinished-").tempfile_in(folder)?;
        std::io::Write::write_all(&mut file, bytes)?;
        keep(file, path)
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

/// Gives a finished file its name, and brings both to the disk.
pub(super) fn keep(file: tempfile::NamedTempFile, path: &Path) -> std::io::Result<()> {
    #[cfg(unix)]
    {
        // What the process makes otherwise: workers of other users may have to read it.
        use std::os::unix::fs::PermissionsExt;
        file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))?;
    }
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    #[cfg(unix)]
    std::fs::File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()?;
    Ok(())
}
