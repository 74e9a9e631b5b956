//! What a report says, as numbers: `--json`, and what the page is made of.

use rangegate_analysis::histogram::Plane;
use rangegate_analysis::interference::Finding;
use rangegate_analysis::looks::Detected;
use rangegate_analysis::notable::Reason;
use rangegate_analysis::spans::Steps;
use rangegate_analysis::truth::Counts;
use rangegate_analysis::{Flight, Phase, Prediction, Radial};
use rangegate_core::Timestamp;
use rangegate_coverage::Target;
use serde::Serialize;
use std::path::PathBuf;

/// Everything.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The archive.
    pub archive: PathBuf,
    /// The window.
    pub from: Option<Timestamp>,
    /// See `from`.
    pub to: Option<Timestamp>,
    /// Its steps.
    pub steps: Steps,
    /// Station by station.
    pub stations: Vec<StationFigures>,
    /// The most notable tracks.
    pub tracks: Vec<Story>,
    /// Tracks in all.
    pub n_tracks: u64,
    /// Probability of detection.
    pub detection: Vec<DetectionFigures>,
    /// What it was predicted for.
    pub target: Target,
    /// What was read of the truth.
    pub truth: Option<Counts>,
    /// What could not be said, and why.
    pub notes: Vec<String>,
}

/// A station.
#[derive(Debug, Serialize)]
pub struct StationFigures {
    pub name: String,
    pub owner: Option<String>,
    /// Runs in the archive.
    pub runs: u64,
    /// For how long it ran within the window, gaps taken out, s.
    pub observed_s: f64,
    /// The same by step.
    pub observed_by_step_s: Vec<f64>,
    /// Detections by step.
    pub detections_by_step: Vec<u64>,
    /// Tracks by step that had a state in it.
    pub tracks_by_step: Vec<u64>,
    /// Detections in all.
    pub detections: u64,
    /// Of these, without a time.
    pub undated: u64,
    /// Time from look to look, s.
    pub look_s: Option<f64>,
    /// What was lost and dropped.
    pub health: Vec<Health>,
    /// Mean noise by step, dB against full scale.
    pub noise_db: Vec<Option<f64>>,
    /// What speaks of interference.
    pub interference: Vec<Finding>,
    /// Maps.
    pub maps: Vec<Map>,
}

/// A figure of health, with the rule that makes it a finding.
#[derive(Debug, Serialize)]
pub struct Health {
    pub name: &'static str,
    pub value: f64,
    /// It should be 0.
    pub is_bad: bool,
}

/// What a map shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MapKind {
    RangeTime,
    RangeAzimuth,
    RangeDoppler,
    Places,
}

/// Counts over a plane.
#[derive(Debug, Serialize)]
pub struct Map {
    pub kind: MapKind,
    /// Lower edge of the first column, width of a column; m, s since the window's begin, degrees or Hz.
    pub x: [f64; 2],
    pub n_columns: usize,
    /// Lower edge of the first row, height of a row.
    pub y: [f64; 2],
    pub n_rows: usize,
    /// Column, row and count of those cells that have any.
    pub cells: Vec<[u64; 3]>,
}

impl Map {
    pub fn of(kind: MapKind, plane: &Plane<u64>) -> Option<Self> {
        let (columns, rows) = (plane.x.n(), plane.y.n());
        let cells: Vec<[u64; 3]> = (0..columns * rows)
            .filter(|at| plane.cells[*at] > 0)
            .map(|at| [(at % columns) as u64, (at / columns) as u64, plane.cells[at]])
            .collect();
        (!cells.is_empty()).then(|| Self {
            kind,
            x: [plane.x.edge(0), plane.x.width()],
            n_columns: columns,
            y: [plane.y.edge(0), plane.y.width()],
            n_rows: rows,
            cells,
        })
    }
}

/// A track from its first to its last state.
#[derive(Debug, Serialize)]
pub struct Story {
    pub station: String,
    pub run: i64,
    pub track: i64,
    /// Why it is told.
    pub reasons: Vec<Reason>,
    pub updates: u64,
    pub first: Sight,
    pub last: Sight,
    /// Detection from which it was begun, or its first: SNR, dB.
    pub first_snr_db: Option<f64>,
    pub closest: Option<Sight>,
    pub fastest_mps: f64,
    /// Lowest and highest.
    pub height_m: Option<[f64; 2]>,
    pub flight: Vec<Phase<Flight>>,
    pub radial: Vec<Phase<Radial>>,
    /// From its last state on.
    pub predictions: Vec<Prediction>,
    /// Time, range and height, thinned.
    pub course: Vec<(f64, Option<f64>, Option<f64>)>,
}

/// A track at one time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Sight {
    /// s since 1970.
    pub time_s: f64,
    pub range_m: Option<f64>,
    pub azimuth_deg: Option<f64>,
    pub latitude_deg: Option<f64>,
    pub longitude_deg: Option<f64>,
    pub height_m: Option<f64>,
}

/// Probability of detection of a station against a reference.
#[derive(Debug, Serialize)]
pub struct DetectionFigures {
    pub station: String,
    /// The other station, or `ADS-B`.
    pub reference: String,
    /// What counts is a track's update, because the station's detections are not in the archive.
    pub by_tracks: bool,
    #[serde(flatten)]
    pub found: Detected,
    /// What it should be in the middle of each bin of range, for the report's target.
    pub predicted_by_range: Vec<Option<f64>>,
}
