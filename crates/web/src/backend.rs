//! What the server asks of whoever runs the radar, or has its archive.

use crate::frame::View;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What there is to be seen.
#[derive(Clone, Debug, Serialize)]
pub struct About {
    /// Whether it is a recording that plays, a radio, or an archive.
    pub mode: Mode,
    /// Pictures that there are.
    pub views: Vec<View>,
    /// Where the station is, where that is known.
    pub station: Option<Station>,
    /// How it detects, in figures.
    pub detector: Value,
    /// Length of the recording, s.
    pub duration_s: Option<f64>,
    /// Time of its first sample, s since 1970.
    pub start_time_s: Option<f64>,
    /// Samples a second, Hz.
    pub sample_rate_hz: Option<f64>,
    /// Absolute index of its first sample.
    pub first_sample: Option<u64>,
    /// Channels.
    pub channels: usize,
    /// Place of the transmitter, where it is another than the station's.
    pub transmitter: Option<Place>,
    /// The farthest that is looked at, m.
    pub max_range_m: Option<f64>,
    /// There is an archive to ask.
    pub archive: bool,
    /// Reports of several owners meet here: there is an account of who gave what.
    pub exchange: bool,
}

/// Where what is seen comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// A recording or a scene.
    Replay,
    /// A radio.
    Live,
    /// An archive.
    Archive,
    /// A station of several, or their centre: tracks of several owners, and all times are s since 1970.
    Exchange,
}

/// A station on the map.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Station {
    /// Its name.
    pub name: String,
    /// Latitude of the receiver, degrees.
    pub latitude_deg: f64,
    /// Longitude of the receiver, degrees, positive east.
    pub longitude_deg: f64,
    /// Height over the ellipsoid, m.
    pub height_m: f64,
}

/// A named place on the Earth.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Place {
    /// Latitude, degrees.
    pub latitude_deg: f64,
    /// Longitude, degrees, positive east.
    pub longitude_deg: f64,
    /// Its name.
    pub name: String,
}

/// How a replay stands.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Replay {
    /// Whether it goes on.
    pub state: Playing,
    /// Where it is, s from the recording's first sample.
    pub position_s: f64,
    /// Length of the recording, s.
    pub duration_s: Option<f64>,
    /// Signal a second of time; `None`: as much as there is.
    pub speed: Option<f64>,
    /// It can go on from another place.
    pub can_seek: bool,
    /// How often it was begun: what was shown of an earlier round is not of this one.
    pub round: u64,
}

/// Whether a replay goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Playing {
    /// It does.
    Playing,
    /// It waits.
    Paused,
    /// It is at its end.
    Ended,
}

/// What to do with a replay.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case", deny_unknown_fields)]
pub enum Command {
    /// Wait.
    Pause {},
    /// Go on; at the end: from the start.
    Resume {},
    /// Go on by one dwell, and wait.
    Step {},
    /// Go on from another place.
    Seek {
        /// s from the recording's first sample.
        position_s: f64,
    },
    /// Go on at another speed.
    Speed {
        /// Signal a second of time; null: as fast as possible. Not left out: that would be null by mistake.
        #[serde(deserialize_with = "Option::deserialize")]
        speed: Option<f64>,
    },
}

/// Which detections or tracks.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Query {
    /// Of the run, or of its archive.
    pub source: Source,
    /// At or after this time, s since 1970 (s since the first sample where the stream has no time), or as a text.
    #[serde(deserialize_with = "seconds")]
    pub from: Option<f64>,
    /// Before this time.
    #[serde(deserialize_with = "seconds")]
    pub to: Option<f64>,
    /// At least this strong, dB.
    pub min_snr_db: Option<f64>,
    /// At least this far, m.
    pub min_range_m: Option<f64>,
    /// At most this far, m.
    pub max_range_m: Option<f64>,
    /// Of the track of this number.
    pub track: Option<i64>,
    /// As many at most: the newest of a run, the first of an archive.
    pub limit: Option<usize>,
    /// Of an archive: where there are more, some from everywhere in the window and not its first.
    pub spread: bool,
    /// `json` or `csv`.
    pub format: Option<Format>,
}

/// What is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Whatever is shown.
    #[default]
    Live,
    /// The archive that the run goes into.
    Archive,
}

/// Seconds since 1970, or a time such as `2026-11-22T10:00:00Z`.
fn seconds<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
    if let Ok(seconds) = text.parse() {
        return Ok(Some(seconds));
    }
    let time: jiff::Timestamp = text.parse().map_err(|_| {
        serde::de::Error::custom(format!(
            "{text:?} is no time: expected seconds, or such as 2026-11-22T10:00:00Z"
        ))
    })?;
    Ok(Some(time.as_nanosecond() as f64 * 1e-9))
}

/// Which stretch of the time line.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Stretch {
    /// Of the run, or of its archive.
    pub source: Source,
    /// Begin: s since 1970 in an archive, s since the first sample in a run.
    #[serde(deserialize_with = "seconds")]
    pub from: Option<f64>,
    /// End.
    #[serde(deserialize_with = "seconds")]
    pub to: Option<f64>,
    /// How many.
    pub bins: Option<usize>,
}

/// How rows are given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// `{"items": […], "more": …}`.
    #[default]
    Json,
    /// A line a row, under a line with the names.
    Csv,
}

/// Rows as JSON objects.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Rows {
    /// The objects.
    pub items: Vec<Value>,
    /// There are more than were asked for.
    pub more: bool,
}

/// Detections along the time line.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Timeline {
    /// Begin of the first bin: s since 1970 in an archive, s since the first sample in a run.
    pub start_s: f64,
    /// End of the last bin.
    pub end_s: f64,
    /// Detections in each: as many bins as were asked for, or fewer where the archive counts by whole minutes.
    pub counts: Vec<u64>,
}

/// Why something is not done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// What was asked for makes no sense here.
    #[error("{0}")]
    Invalid(String),
    /// It makes sense, but not now or not of this radar.
    #[error("{0}")]
    Impossible(String),
    /// It failed.
    #[error("{0}")]
    Failed(String),
}

/// Figures for people and for programs that watch over the radar.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Status {
    /// Time of the newest sample, s since 1970, or since the first sample.
    pub time_s: f64,
    /// Samples a second of the stream, Hz.
    pub rate_hz: f64,
    /// Samples a second that are worked on, Hz.
    pub processed_hz: f64,
    /// Mean power, dB against full scale.
    pub level_dbfs: Option<f64>,
    /// Parts of the stream whose peak was at full scale.
    pub clipped: u64,
    /// Samples worked on.
    pub samples: u64,
    /// Gaps.
    pub gaps: u64,
    /// Samples lost in them.
    pub lost_samples: u64,
    /// Detections so far.
    pub detections: u64,
    /// Tracks now.
    pub tracks: u64,
    /// From the last sample of a dwell to its detections, s.
    pub latency_s: Option<f64>,
    /// Jobs under way.
    pub queue: Queue,
    /// Time at work by stage.
    pub stages: Vec<Stage>,
    /// What the tap to the views offered and dropped.
    pub tap: Tap,
}

/// Jobs under way, and places for them.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Queue {
    /// Under way.
    pub depth: u64,
    /// Places.
    pub slots: u64,
}

/// A stage of the pipeline.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Stage {
    /// `feed`, `worker-N`, `drain`.
    pub name: String,
    /// Time at work so far, s.
    pub busy_s: f64,
}

/// A lossy edge.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Tap {
    /// Items offered.
    pub offered: u64,
    /// Items dropped.
    pub dropped: u64,
}

/// Whoever runs the radar, or has its archive. Called from threads that may wait a little, never from the radar's.
pub trait Backend: Send + Sync {
    /// What there is to be seen.
    fn about(&self) -> About;

    /// How it is.
    fn status(&self) -> Status;

    /// The configuration of the run.
    fn configuration(&self) -> Value;

    /// How the replay stands; `None` where nothing is replayed.
    fn replay(&self) -> Option<Replay>;

    /// Does something with the replay, and says how it stands then.
    ///
    /// # Errors
    /// It makes no sense, or nothing is replayed.
    fn command(&self, command: Command) -> Result<Replay, Refusal>;

    /// Keeps the last seconds of samples (`--last`).
    ///
    /// # Errors
    /// Nothing is held.
    fn trigger(&self) -> Result<(), Refusal>;

    /// Detections.
    ///
    /// # Errors
    /// The archive cannot be read.
    fn detections(&self, query: &Query) -> Result<Rows, Refusal>;

    /// Tracks: the latest state of each in a run, all states of an archive.
    ///
    /// # Errors
    /// The archive cannot be read.
    fn tracks(&self, query: &Query) -> Result<Rows, Refusal>;

    /// Detections along the time line.
    ///
    /// # Errors
    /// The archive cannot be read.
    fn timeline(&self, stretch: &Stretch, bins: usize) -> Result<Timeline, Refusal>;

    /// Who gives what to whom under which contracts, and the latest alerts; `None` where nothing is exchanged.
    fn exchange(&self) -> Option<Value> {
        None
    }
}
