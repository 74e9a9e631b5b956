//! What a user writes of a scene of plots.

use crate::SceneError;
use crate::radar::{ArcConfig, GeodeticConfig, KeplerConfig};
use rangegate_core::AntennaCoverage;
use rangegate_tracking::Accuracy;
use serde::{Deserialize, Serialize};

/// A scene of plots. Times are seconds after its start.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlotSceneConfig {
    /// How long it is, s.
    pub duration_s: f64,
    /// Everything that is random follows from it.
    #[serde(default)]
    pub seed: u64,
    /// Who looks.
    pub station: Vec<PlotStationConfig>,
    /// What there is to see.
    #[serde(default)]
    pub target: Vec<PlotTargetConfig>,
}

/// `[[station]]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlotStationConfig {
    /// Its name.
    pub name: String,
    /// Place of the receiver.
    pub position: GeodeticConfig,
    /// Place of the transmitter; the receiver's where not given. Ranges are half of the whole path.
    pub transmitter: Option<GeodeticConfig>,
    /// Where its antenna sees.
    #[serde(default)]
    pub coverage: AntennaCoverage,
    /// Standard deviations of what it measures.
    #[serde(default)]
    pub accuracy: Accuracy,
    /// It measures range rates.
    #[serde(default = "yes")]
    pub measures_range_rate: bool,
    /// It measures azimuths.
    #[serde(default = "yes")]
    pub measures_azimuth: bool,
    /// It measures elevations.
    #[serde(default)]
    pub measures_elevation: bool,
    /// From scan to scan, s.
    pub scan_period_s: f64,
    /// The first scan, s.
    #[serde(default)]
    pub first_scan_s: f64,
    /// Range at which a target of 1 m² has `reference_snr_db`, m.
    pub reference_range_m: f64,
    /// Signal-to-noise ratio there, dB.
    #[serde(default = "reference_snr_db")]
    pub reference_snr_db: f64,
    /// Probability of a false alarm of one cell, which says how strong an echo must be.
    #[serde(default = "false_alarm_probability")]
    pub false_alarm_probability: f64,
    /// False detections in a scan: Poisson, anywhere in the coverage.
    #[serde(default)]
    pub false_per_scan: f64,
    /// Greatest range rate of false detections, either way, m/s.
    #[serde(default = "range_rate_max_mps")]
    pub range_rate_max_mps: f64,
    /// What its measurements are wrong by, always.
    #[serde(default)]
    pub bias: PlotBiasConfig,
}

/// `[station.bias]`: measured less true.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PlotBiasConfig {
    /// Of range, m.
    pub range_m: f64,
    /// Of azimuth, degrees.
    pub azimuth_deg: f64,
    /// Of the clock, s: positive where the station says a later time than it is.
    pub clock_s: f64,
}

/// `[[target]]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlotTargetConfig {
    /// Its name.
    pub name: String,
    /// Mean radar cross-section, m²; it fluctuates from scan to scan (Swerling 1).
    pub rcs_m2: f64,
    /// How it moves.
    pub path: PlotPathConfig,
}

/// `[target.path]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum PlotPathConfig {
    /// From place to place along great circles at constant speed and climb. Before the first and after the last the
    /// target is not there.
    WayPoints {
        /// Two or more, in the order of time.
        points: Vec<GeodeticPointConfig>,
    },
    /// Level turns of constant rate in the plane that touches the Earth below the start: for a few tens of kilometres.
    Arcs {
        /// Where it starts.
        position: GeodeticConfig,
        /// Heading at the start, degrees clockwise from north.
        heading_deg: f64,
        /// Speed over ground, m/s.
        speed_mps: f64,
        /// Climb, m/s.
        #[serde(default)]
        climb_mps: f64,
        /// One after the other; the last goes on for ever.
        arcs: Vec<ArcConfig>,
    },
    /// A satellite.
    Kepler {
        /// Its orbit.
        orbit: KeplerConfig,
    },
    /// A sounding rocket: powered along a straight line, then on its free-flight arc until it is down again. No drag.
    Rocket {
        /// Where it stands.
        pad: GeodeticConfig,
        /// When it leaves, s.
        launch_s: f64,
        /// Where to, degrees clockwise from north.
        azimuth_deg: f64,
        /// How steep, degrees over the horizon.
        elevation_deg: f64,
        /// Acceleration by thrust, m/s².
        thrust_mps2: f64,
        /// How long, s.
        burn_s: f64,
    },
}

/// A place and when the target is there.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GeodeticPointConfig {
    /// When, s.
    pub time_s: f64,
    /// Latitude, degrees north.
    pub latitude_deg: f64,
    /// Longitude, degrees east.
    pub longitude_deg: f64,
    /// Height over the ellipsoid, m.
    #[serde(default)]
    pub height_m: f64,
}

impl PlotSceneConfig {
    /// Checks what is not of a path.
    pub(super) fn check(&self) -> Result<(), SceneError> {
        positive("duration_s", self.duration_s)?;
        if self.station.is_empty() {
            return Err(SceneError::field("station", &"no station", "one or more"));
        }
        for (i, station) in self.station.iter().enumerate() {
            let field = |name: &str| format!("station[{i}].{name}");
            if self.station[..i].iter().any(|other| other.name == station.name) {
                return Err(SceneError::field(field("name"), &station.name, "a name of its own"));
            }
            station
                .coverage
                .check()
                .map_err(|wrong| SceneError::field(field("coverage"), &wrong, "a coverage"))?;
            for (name, value) in [
                ("scan_period_s", station.scan_period_s),
                ("reference_range_m", station.reference_range_m),
                ("range_rate_max_mps", station.range_rate_max_mps),
                ("accuracy.range_m", station.accuracy.range_m),
                ("accuracy.range_rate_mps", station.accuracy.range_rate_mps),
                ("accuracy.azimuth_deg", station.accuracy.azimuth_deg),
                ("accuracy.elevation_deg", station.accuracy.elevation_deg),
            ] {
                positive(&field(name), value)?;
            }
            if self.duration_s / station.scan_period_s > 1e7 {
                let expected = "no more than 10,000,000 scans in a scene";
                return Err(SceneError::field(field("scan_period_s"), &station.scan_period_s, expected));
            }
            let pfa = station.false_alarm_probability;
            if !(pfa > 0.0 && pfa < 0.1) {
                let expected = "more than 0, below 0.1";
                return Err(SceneError::field(field("false_alarm_probability"), &pfa, expected));
            }
            if !(0.0..=100_000.0).contains(&station.false_per_scan) {
                let expected = "0 to 100,000";
                return Err(SceneError::field(field("false_per_scan"), &station.false_per_scan, expected));
            }
            let bias = station.bias;
            for value in
                [bias.range_m, bias.azimuth_deg, bias.clock_s, station.first_scan_s, station.reference_snr_db]
            {
                if !value.is_finite() {
                    return Err(SceneError::field(field("bias"), &value, "finite numbers"));
                }
            }
        }
        for (i, target) in self.target.iter().enumerate() {
            positive(&format!("target[{i}].rcs_m2"), target.rcs_m2)?;
        }
        Ok(())
    }
}

pub(super) fn positive(field: &str, value: f64) -> Result<(), SceneError> {
    if value > 0.0 && value.is_finite() {
        return Ok(());
    }
    Err(SceneError::field(field, &value, "a positive number"))
}

fn yes() -> bool {
    true
}

fn reference_snr_db() -> f64 {
    15.0
}

fn false_alarm_probability() -> f64 {
    1e-6
}

fn range_rate_max_mps() -> f64 {
    500.0
}
