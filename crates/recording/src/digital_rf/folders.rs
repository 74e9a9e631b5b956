//! Names of folders and files, and finding files without listing all of them.

use super::timeline::Timeline;
use crate::{Error, Result};
use rangegate_core::Timestamp;
use std::path::{Path, PathBuf};

/// Names of a channel's properties file, the present one first.
pub(crate) const PROPERTIES: [&str; 2] = ["drf_properties.h5", "metadata.h5"];
/// Names of a metadata channel's properties file.
pub(crate) const METADATA_PROPERTIES: [&str; 2] = ["dmd_properties.h5", "metadata.h5"];

/// More folders beside one another are not looked at for channels.
const MAX_ENTRIES: usize = 10_000;

/// The first file of these names in a folder.
pub(crate) fn first_of(folder: &Path, names: &[&str]) -> Option<PathBuf> {
    names.iter().map(|name| folder.join(name)).find(|path| path.is_file())
}

/// Whether a folder is a channel of samples, even where its properties are lost.
pub(crate) fn is_channel(folder: &Path) -> bool {
    if first_of(folder, &PROPERTIES).is_some() && first_of(folder, &METADATA_PROPERTIES[..1]).is_none() {
        return true;
    }
    subdirs(folder).is_ok_and(|subdirs| {
        subdirs
            .first()
            .is_some_and(|first| data_files(&folder.join(first)).is_ok_and(|files| !files.is_empty()))
    })
}

fn names_in(folder: &Path) -> Result<Vec<String>> {
    let failed = |e| Error::io(folder, "list this folder", e);
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        // A name that is not text is none of this format's.
        names.extend(entry.map_err(failed)?.file_name().into_string());
    }
    names.sort_unstable();
    Ok(names)
}

/// Names of the channels in a folder.
pub(crate) fn channels(folder: &Path) -> Result<Vec<String>> {
    let mut names = names_in(folder)?;
    names.truncate(MAX_ENTRIES);
    names.retain(|name| is_channel(&folder.join(name)));
    Ok(names)
}

/// Folders of files in a channel, in order of time.
pub(crate) fn subdirs(channel: &Path) -> Result<Vec<String>> {
    let mut names = names_in(channel)?;
    names.retain(|name| seconds_of_subdir(name).is_some());
    Ok(names)
}

/// Name of the folder that begins at a time, seconds since 1970; `None` outside the calendar.
pub(crate) fn subdir_name(seconds: u64) -> Option<String> {
    let time = Timestamp::from_second(i64::try_from(seconds).ok()?).ok()?;
    Some(time.strftime("%Y-%m-%dT%H-%M-%S").to_string())
}

/// When a folder begins, by its name.
pub(crate) fn seconds_of_subdir(name: &str) -> Option<u64> {
    let text = format!("{}{}Z", name.get(..13)?, name.get(13..)?.replace('-', ":"));
    let seconds = u64::try_from(text.parse::<Timestamp>().ok()?.as_second()).ok()?;
    (subdir_name(seconds)? == name).then_some(seconds)
}

/// Beginnings of the files of samples in a folder, ms since 1970, in order.
fn data_files(subdir: &Path) -> Result<Vec<u64>> {
    let mut files: Vec<u64> = names_in(subdir)?.iter().filter_map(|name| ms_of_file(name)).collect();
    files.sort_unstable();
    Ok(files)
}

/// `rf@SECONDS.MILLIS.h5`, and nothing else.
fn ms_of_file(name: &str) -> Option<u64> {
    let (seconds, millis) = name.strip_prefix("rf@")?.strip_suffix(".h5")?.split_once('.')?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if millis.len() != 3 || !digits(seconds) || !digits(millis) {
        return None;
    }
    seconds.parse::<u64>().ok()?.checked_mul(1000)?.checked_add(millis.parse().ok()?)
}

/// Name of the file of samples that begins at `ms`.
pub(crate) fn file_name(ms: u64) -> String {
    format!("rf@{}.{:03}.h5", ms / 1000, ms % 1000)
}

/// The files of a channel: the list of folders, and of the files in one of them.
pub(crate) struct Folders {
    channel: PathBuf,
    timeline: Timeline,
    /// Beginnings of the folders, seconds since 1970.
    subdirs: Vec<u64>,
    /// The folder that was listed last, and the beginnings of its files.
    listed: Option<(u64, Vec<u64>)>,
}

impl Folders {
    /// # Errors
    /// The channel cannot be listed.
    pub(crate) fn new(channel: &Path, timeline: Timeline) -> Result<Self> {
        let subdirs = subdirs(channel)?.iter().filter_map(|name| seconds_of_subdir(name)).collect();
        Ok(Self { channel: channel.to_owned(), timeline, subdirs, listed: None })
    }

    /// Path of the file that begins at `ms`, whether it is there or not.
    pub(crate) fn path_of(&self, ms: u64) -> Option<PathBuf> {
        let subdir = subdir_name(self.timeline.subdir_of(ms))?;
        Some(self.channel.join(subdir).join(file_name(ms)))
    }

    /// The first file at or after `ms`.
    pub(crate) fn next(&mut self, ms: u64) -> Result<Option<u64>> {
        let first = self.subdirs.partition_point(|&s| s < self.timeline.subdir_of(ms));
        for at in first..self.subdirs.len() {
            let files = self.list(self.subdirs[at])?;
            if let Some(&found) = files.get(files.partition_point(|&f| f < ms)) {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// The last file that begins at or before `ms`.
    pub(crate) fn last(&mut self, ms: u64) -> Result<Option<u64>> {
        let end = self.subdirs.partition_point(|&s| s <= ms / 1000);
        for at in (0..end).rev() {
            let files = self.list(self.subdirs[at])?;
            if let Some(before) = files.partition_point(|&f| f <= ms).checked_sub(1) {
                return Ok(Some(files[before]));
            }
        }
        Ok(None)
    }

    /// Number of files, where they all lie in one folder.
    pub(crate) fn n_files_of_one_subdir(&mut self) -> Result<Option<usize>> {
        let [only] = self.subdirs[..] else { return Ok(None) };
        Ok(Some(self.list(only)?.len()))
    }

    /// Beginnings of the files in a folder.
    fn list(&mut self, subdir: u64) -> Result<&[u64]> {
        if self.listed.as_ref().is_none_or(|(listed, _)| *listed != subdir) {
            let name = subdir_name(subdir).unwrap_or_default();
            let mut files = data_files(&self.channel.join(name))?;
            // A file that does not belong here would not be found by its index.
            files.retain(|&ms| {
                self.timeline.subdir_of(ms) == subdir && ms % self.timeline.file_cadence_ms == 0
            });
            self.listed = Some((subdir, files));
        }
        Ok(self.listed.as_ref().map_or(&[], |(_, files)| files))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_times_belong_together() {
        assert_eq!(subdir_name(1_567_105_200).as_deref(), Some("2019-08-29T19-00-00"));
        assert_eq!(seconds_of_subdir("2019-08-29T19-00-00"), Some(1_567_105_200));
        assert_eq!(ms_of_file(&file_name(1_567_105_700_042)), Some(1_567_105_700_042));
        for name in [
            "metadata",
            "2019-08-29T19:00:00",
            "2019-13-29T19-00-00",
            "2019-08-29T19-00-0é",
            "1960-01-01T00-00-00",
        ] {
            assert_eq!(seconds_of_subdir(name), None, "{name}");
        }
        for name in [
            "tmp.rf@1.000.h5",
            "rf@1.00.h5",
            "rf@.000.h5",
            "rf@1.000.h5x",
            "rf@+1.000.h5",
            "rf@99999999999999999999.000.h5",
        ] {
            assert_eq!(ms_of_file(name), None, "{name}");
        }
    }
}
