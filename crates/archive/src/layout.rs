//! Where things lie in an archive's folder.

use crate::{Error, Result};
use jiff::{Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Nanoseconds of an hour.
pub const HOUR_NS: i64 = 3_600_000_000_000;
/// Nanoseconds of a minute, the step of the density of detections.
pub const MINUTE_NS: i64 = 60_000_000_000;

/// The folder of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder(PathBuf);

impl Folder {
    /// An archive's folder, whether it exists or not.
    pub fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The database.
    pub fn database(&self) -> PathBuf {
        self.0.join("archive.sqlite")
    }

    /// Held by whoever seals, forgets or repairs, one at a time.
    pub(crate) fn upkeep_lock(&self) -> Result<File> {
        self.lock_file("upkeep.lock")
    }

    /// Held by whoever writes, any number of them, or by whoever repairs.
    pub(crate) fn writer_lock(&self) -> Result<File> {
        self.lock_file("writer.lock")
    }

    fn lock_file(&self, name: &str) -> Result<File> {
        let path = self.0.join(name);
        let file = File::options().create(true).truncate(false).write(true).open(&path);
        file.map_err(|error| Error::io(&path, "open", error))
    }

    /// The sealed file of a part of an hour. Made of what was checked, never of a path that somebody wrote.
    pub fn part(&self, part: &Part) -> PathBuf {
        let Part { kind, station, hour, number } = part;
        let (date, hour_of_day) = date_and_hour(*hour);
        let name = match number {
            0 => format!("part-{hour_of_day:02}.parquet"),
            _ => format!("part-{hour_of_day:02}-{number}.parquet"),
        };
        self.0
            .join(format!("kind={}", kind.name()))
            .join(format!("station={station}"))
            .join(format!("date={date}"))
            .join(name)
    }

    /// What part a file is, by its path below the folder; `None` where it is none.
    pub(crate) fn part_at(path: &Path) -> Option<Part> {
        let mut names = path.components().map(|name| name.as_os_str().to_str());
        let kind = Kind::named(names.next()??.strip_prefix("kind=")?)?;
        let station = names.next()??.strip_prefix("station=")?.parse().ok()?;
        let date: jiff::civil::Date = names.next()??.strip_prefix("date=")?.parse().ok()?;
        let name = names.next()??.strip_prefix("part-")?.strip_suffix(".parquet")?;
        let (hour, number) = name.split_once('-').unwrap_or((name, "0"));
        let (hour, number): (i8, i64) = (hour.parse().ok()?, number.parse().ok()?);
        let start = date.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second();
        let part = Part { kind, station, hour: start.div_euclid(3600) + i64::from(hour), number };
        (names.next().is_none() && (0..24).contains(&hour) && number >= 0).then_some(part)
    }
}

fn date_and_hour(hour: i64) -> (String, i8) {
    // Hours come from nanoseconds in 64 bits, which the calendar holds.
    let start = Timestamp::from_second(hour.saturating_mul(3600)).unwrap_or_default();
    let start = start.to_zoned(TimeZone::UTC);
    (start.date().to_string(), start.hour())
}

/// The hour since 1970 in which a time lies.
pub fn hour_of(time_ns: i64) -> i64 {
    time_ns.div_euclid(HOUR_NS)
}

/// When an hour since 1970 begins, ns.
pub(crate) fn begin_of(hour: i64) -> i64 {
    hour.saturating_mul(HOUR_NS)
}

/// One sealed file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Part {
    /// What its rows are.
    pub kind: Kind,
    /// Whose.
    pub station: Station,
    /// Hours since 1970.
    pub hour: i64,
    /// From 0, where an hour has several.
    pub number: i64,
}

/// What rows are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A row a detection.
    Detections,
    /// A row an update of a track.
    Tracks,
}

impl Kind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Detections, Self::Tracks];

    /// Its name in paths and in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Detections => "detections",
            Self::Tracks => "tracks",
        }
    }

    /// The kind of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The table in the database.
    pub(crate) const fn table(self) -> &'static str {
        match self {
            Self::Detections => "detection",
            Self::Tracks => "track_update",
        }
    }
}

/// The name of a station: 1 to 64 letters, digits, `_` and `-`, so that it is a folder's name and nothing else.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Station(Arc<str>);

impl Station {
    /// The name.
    pub fn name(&self) -> &Arc<str> {
        &self.0
    }
}

impl Default for Station {
    fn default() -> Self {
        Self("station".into())
    }
}

impl std::fmt::Display for Station {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::str::FromStr for Station {
    type Err = String;

    fn from_str(name: &str) -> std::result::Result<Self, String> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        if (1..=64).contains(&name.len()) && name.bytes().all(is_plain) {
            return Ok(Self(name.into()));
        }
        Err(format!("the station's name is {name:?}, expected 1 to 64 letters, digits, _ and -"))
    }
}

impl TryFrom<String> for Station {
    type Error = String;

    fn try_from(name: String) -> std::result::Result<Self, String> {
        name.parse()
    }
}

impl From<Station> for String {
    fn from(station: Station) -> Self {
        station.0.as_ref().to_owned()
    }
}

#[cfg(feature = "parquet")]
/// Brings the names in a folder to the disk: a file is there after a crash only when its folder says so.
pub(crate) fn sync_folder(folder: &Path) -> Result<()> {
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(|error| Error::io(folder, "bring to the disk", error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_tells_its_part_and_back() {
        let folder = Folder::new(Path::new("archive"));
        for (hour, number, path) in [
            (495_322, 0, "kind=detections/station=A/date=2026-07-04/part-10.parquet"),
            (495_322, 3, "kind=detections/station=A/date=2026-07-04/part-10-3.parquet"),
            (-1, 0, "kind=detections/station=A/date=1969-12-31/part-23.parquet"),
        ] {
            let part = Part { kind: Kind::Detections, station: "A".parse().unwrap(), hour, number };
            assert_eq!(folder.part(&part), Path::new("archive").join(path));
            assert_eq!(Folder::part_at(Path::new(path)), Some(part));
        }
        for path in [
            "kind=detections/station=../date=2026-07-04/part-10.parquet",
            "kind=plots/station=A/date=2026-07-04/part-10.parquet",
            "kind=detections/station=A/date=2026-07-04/part-24.parquet",
            "kind=detections/station=A/date=2026-07-04/part-10.parquet.tmp",
            "kind=detections/station=A/date=2026-07-04/sub/part-10.parquet",
            "archive.sqlite",
        ] {
            assert_eq!(Folder::part_at(Path::new(path)), None, "{path}");
        }
    }

    #[test]
    fn names_of_stations_are_no_paths() {
        for name in ["A", "roof-2", "a_b", &"x".repeat(64)] {
            assert!(name.parse::<Station>().is_ok(), "{name}");
        }
        for name in ["", "..", "a/b", "../../etc", "a b", "A\0", "é", ".hidden", &"x".repeat(65)] {
            let message = name.parse::<Station>().unwrap_err();
            assert!(message.contains("expected 1 to 64 letters"), "{message}");
        }
    }
}
