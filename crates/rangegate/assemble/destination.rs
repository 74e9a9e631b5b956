//! Where results go.

use crate::maps::MAPS;
use crate::pictures;
use crate::tracks::TRACKS;
use anyhow::{Context, Result, bail};
use rangegate_sinks::DetectionWriter;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Where results go.
pub struct Destination {
    pub(super) folder: Option<PathBuf>,
    pub(crate) log: DetectionWriter<Box<dyn Write + Send>>,
}

impl Destination {
    /// Nowhere: somebody looks on, and that is all.
    pub fn nowhere() -> Self {
        Self::to(Box::new(std::io::sink()), "nowhere")
    }

    /// Detections alone, to whatever takes bytes: a write for each segment that has any.
    pub fn to(out: Box<dyn Write + Send>, name: &str) -> Self {
        Self { folder: None, log: DetectionWriter::new(out, name) }
    }

    /// A folder, or standard output for the detections alone.
    ///
    /// # Errors
    /// The folder cannot be made or holds something else.
    pub fn open(folder: Option<&Path>) -> Result<Self> {
        let Some(folder) = folder else {
            return Ok(Self::to(Box::new(std::io::stdout()), "standard output"));
        };
        std::fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
        let entries =
            std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
        if entries.count() > 0
            && !folder.join("run.json").exists()
            && !folder.join("detections.jsonl").exists()
        {
            bail!("{} is not empty and no run was written there: choose another folder", folder.display());
        }
        let path = folder.join("detections.jsonl");
        let file = File::create(&path).with_context(|| format!("cannot create {}", path.display()))?;
        // What an earlier run left must not be taken for this one's; what no run writes is left alone.
        for stale in ["run.json", "detections.sigmf-meta", MAPS, TRACKS] {
            let _ = std::fs::remove_file(folder.join(stale));
        }
        let link = folder.join("detections.sigmf-data");
        if link.is_symlink() {
            let _ = std::fs::remove_file(link);
        }
        pictures::remove(&folder.join("plots"));
        let log = DetectionWriter::new(Box::new(file) as Box<dyn Write + Send>, path);
        Ok(Self { folder: Some(folder.to_owned()), log })
    }
}

/// Cuts off what stands behind the last whole line of a log, where the disk was full in the middle of one.
pub(super) fn end_with_a_line(path: &Path) {
    let cut = || -> std::io::Result<()> {
        let mut file = File::options().read(true).write(true).open(path)?;
        if !file.metadata()?.is_file() {
            return Ok(());
        }
        let length = file.metadata()?.len();
        let tail_start = length.saturating_sub(rangegate_sinks::detection_log::MAX_LINE);
        file.seek(SeekFrom::Start(tail_start))?;
        let mut tail = Vec::new();
        file.read_to_end(&mut tail)?;
        let end = tail.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        file.set_len(tail_start + end as u64)
    };
    if let Err(error) = cut() {
        tracing::warn!("{}: the last line may be cut short: {error}", path.display());
    }
}
