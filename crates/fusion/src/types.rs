//! What comes in and what goes out.

use rangegate_core::{AntennaCoverage, Timestamp};
use rangegate_tracking::{Accuracy, Geodetic, Measurement};
use serde::{Deserialize, Serialize};

/// A station as its owner registered it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StationInfo {
    /// Its name; reports carry it.
    pub name: String,
    /// Whose it is.
    pub owner: String,
    /// Surveyed place of the receiver.
    pub position: Geodetic,
    /// Place of the transmitter; not given where it is the receiver's.
    #[serde(default)]
    pub transmitter: Option<Geodetic>,
    /// Its bistatic range is half of what the echo's path is longer than the direct one, not half of the whole path.
    #[serde(default)]
    pub less_baseline: bool,
    /// Standard deviations of its detections.
    #[serde(default)]
    pub accuracy: Accuracy,
    /// Probability that a target within coverage is detected in one scan.
    #[serde(default = "detection_probability")]
    pub detection_probability: f64,
    /// Where its antenna sees.
    #[serde(default)]
    pub coverage: AntennaCoverage,
    /// Greatest range rate that it reports, either way, m/s.
    #[serde(default = "range_rate_max_mps")]
    pub range_rate_max_mps: f64,
    /// It shares detections; otherwise only its tracks are fused.
    #[serde(default)]
    pub shares_detections: bool,
}

fn detection_probability() -> f64 {
    0.9
}

fn range_rate_max_mps() -> f64 {
    1_000.0
}

/// One detection of a station that shares detections.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DetectionReport {
    /// Who saw it.
    pub station: String,
    /// The run of the station in which it did.
    pub boot: u64,
    /// Number of the detection in that run.
    pub number: u64,
    /// When.
    pub time: Timestamp,
    /// What; its `id` is not used.
    pub measurement: Measurement,
}

/// A scan has been worked off; whatever it detected was reported. Of scans that detected nothing, which say that targets
/// are gone, this is all there is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScanEnd {
    /// Whose scan.
    pub station: String,
    /// The run of the station.
    pub boot: u64,
    /// Time of the scan.
    pub time: Timestamp,
}

/// A station's own track at one time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrackReport {
    /// Whose it is.
    pub station: String,
    /// The run of the station.
    pub boot: u64,
    /// Number of the track in that run.
    pub number: u64,
    /// Time of the state.
    pub time: Timestamp,
    /// Position and velocity, Earth-centred and Earth-fixed, m and m/s.
    pub state: [f64; 6],
    /// Its covariance, row by row.
    pub covariance: [[f64; 6]; 6],
    /// The track is no more; state and covariance are its last.
    pub ended: bool,
    /// Numbers of the detections that made it what it is now, where the station says so.
    #[serde(default)]
    pub detections: Vec<u64>,
}

/// The name of a station's own track, worldwide.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LocalTrack {
    /// Whose it is.
    pub station: String,
    /// The run of the station.
    pub boot: u64,
    /// Number of the track in that run.
    pub number: u64,
}

/// What a station gave to a fused track.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Contributor {
    /// The station.
    pub station: String,
    /// The run of the station.
    pub boot: u64,
    /// Its own track, where the station shares tracks.
    pub track: Option<u64>,
    /// The latest of its detections, where it shares detections.
    pub detections: Vec<u64>,
}

/// What a track may be, by how it moves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Not known yet.
    #[default]
    Unknown,
    /// Low and slow.
    Drone,
    /// In the atmosphere, held up by it.
    Aircraft,
    /// On a path that meets the ground.
    Ballistic,
    /// On a path that goes round the Earth.
    Satellite,
}

/// A target of the common picture at one time. Never to be given to a station's own tracker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FusedTrack {
    /// Its identity: never used again, kept from station to station.
    pub id: u64,
    /// Time of the state.
    pub time: Timestamp,
    /// Position and velocity, Earth-centred and Earth-fixed, m and m/s.
    pub state: [f64; 6],
    /// Its covariance, row by row.
    pub covariance: [[f64; 6]; 6],
    /// Where it is.
    pub position: Geodetic,
    /// Who sees it now, and with what; empty while nobody does.
    pub contributors: Vec<Contributor>,
    /// When it was seen for the first time.
    pub first_seen: Timestamp,
    /// When it was last seen.
    pub last_seen: Timestamp,
    /// Nobody sees it now; it is where it should be.
    pub coasting: bool,
    /// The first output with it: a new object.
    pub is_first: bool,
    /// The last one: it was given up.
    pub is_last: bool,
    /// What it may be.
    pub kind: Kind,
}
