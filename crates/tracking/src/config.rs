//! `[tracking]`: what a user may choose. Each choice has a default; [`TrackerPlan`](crate::TrackerPlan) checks them.

use serde::{Deserialize, Serialize};

/// The section `[tracking]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrackingConfig {
    /// Where tracks live.
    pub space: Space,
    /// How what is not linear is made so. Not given: unscented in space `earth`, where angles say little of velocity for
    /// long, extended elsewhere.
    pub filter: Option<Filter>,
    /// How detections are given to tracks.
    pub associator: Associator,
    /// How targets may move; several make an interacting-multiple-model filter. None: what suits the space.
    pub models: Vec<ModelConfig>,
    /// Where detections come from. None: one monostatic station at the origin.
    pub stations: Vec<StationConfig>,
    /// Origin of the local frame; needed where positions are geodetic, or a model is free flight.
    pub origin: Option<PositionConfig>,
    /// A detection farther than this many standard deviations from a prediction is not the track's.
    pub gate_sigmas: f64,
    /// Initiation and confirmation.
    pub initiation: InitiationConfig,
    /// Coasting, deletion and merging.
    pub deletion: DeletionConfig,
    /// Bounds on memory and work.
    pub limits: LimitsConfig,
}

impl Default for TrackingConfig {
    fn default() -> Self {
        Self {
            space: Space::Range,
            filter: None,
            associator: Associator::Gnn,
            models: Vec::new(),
            stations: Vec::new(),
            origin: None,
            gate_sigmas: 4.5,
            initiation: InitiationConfig::default(),
            deletion: DeletionConfig::default(),
            limits: LimitsConfig::default(),
        }
    }
}

/// Where tracks live.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Space {
    /// One station's own: range, range rate (and acceleration). For stations that cannot observe position.
    Range,
    /// East, north: stations with range and azimuth, targets low against their range.
    Plane,
    /// East, north, up at the origin: stations with range, azimuth and elevation.
    Local,
    /// Earth-centred, Earth-fixed: satellites, meteors, rockets.
    Earth,
}

/// How what is not linear is made so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Filter {
    /// By the Jacobian at the mean.
    Extended,
    /// By statistical linearisation over sigma points.
    Unscented,
}

/// How detections are given to tracks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Associator {
    /// Global nearest neighbour: the likeliest assignment of one detection to one track.
    Gnn,
    /// Joint probabilistic: each track takes of each detection as much as is likely its own.
    Jpda,
}

/// One way to move.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum ModelConfig {
    /// Straight on, disturbed by white acceleration.
    NearlyConstantVelocity {
        /// Spectral density of the acceleration, m²/s³: the velocity wanders by its root in a second.
        acceleration_psd_m2ps3: f64,
        /// Mean time in this model, s.
        #[serde(default = "default_sojourn_s")]
        sojourn_s: f64,
    },
    /// Constant acceleration, disturbed by white jerk.
    ConstantAcceleration {
        /// Spectral density of the jerk, m²/s⁵.
        jerk_psd_m2ps5: f64,
        /// Mean time in this model, s.
        #[serde(default = "default_sojourn_s")]
        sojourn_s: f64,
    },
    /// Coordinated turn: at a given rate in the horizontal plane, or, without one, at the rate that the estimated
    /// acceleration gives, in the plane of velocity and acceleration.
    CoordinatedTurn {
        /// Rate of turn, degrees per second, positive to the right. Not given: estimated.
        #[serde(default)]
        turn_rate_dps: Option<f64>,
        /// Spectral density of what disturbs it: acceleration (m²/s³) at a given rate, jerk (m²/s⁵) otherwise.
        noise_psd: f64,
        /// Mean time in this model, s.
        #[serde(default = "default_sojourn_s")]
        sojourn_s: f64,
    },
    /// Free flight under gravity with the Earth's rotation and oblateness, no drag.
    FreeFlight {
        /// Spectral density of the acceleration that is not gravity, m²/s³.
        acceleration_psd_m2ps3: f64,
        /// Mean time in this model, s.
        #[serde(default = "default_sojourn_s")]
        sojourn_s: f64,
    },
    /// Under power: free flight with an acceleration that nobody knows.
    PoweredFlight {
        /// Spectral density of the thrust's acceleration, m²/s³.
        acceleration_psd_m2ps3: f64,
        /// Mean time in this model, s.
        #[serde(default = "default_sojourn_s")]
        sojourn_s: f64,
    },
}

fn default_sojourn_s() -> f64 {
    20.0
}

/// A place: geodetic (WGS-84), or metres in the local frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PositionConfig {
    /// Latitude, degrees.
    pub latitude_deg: Option<f64>,
    /// Longitude, degrees, positive east.
    pub longitude_deg: Option<f64>,
    /// Height over the ellipsoid, m.
    pub height_m: Option<f64>,
    /// East of the origin, m.
    pub east_m: Option<f64>,
    /// North of the origin, m.
    pub north_m: Option<f64>,
    /// Above the origin, m.
    pub up_m: Option<f64>,
}

/// A station: where it is, how well it measures, what it can see.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StationConfig {
    /// Its name.
    pub name: String,
    /// Place of the receiver.
    pub position: PositionConfig,
    /// Place of the transmitter; not given where it is the receiver's.
    pub transmitter: Option<PositionConfig>,
    /// The bistatic range is half of what the echo's path is longer than the direct one, not half of the whole path.
    pub less_baseline: bool,
    /// Standard deviations of what it measures.
    pub accuracy: Accuracy,
    /// Probability that a target is detected in one scan.
    pub detection_probability: f64,
    /// False detections in one scan; not given: learnt from detections that no track explains.
    pub false_per_scan: Option<f64>,
    /// Ranges that it reports, m.
    pub range_m: [f64; 2],
    /// Range rates that it reports, m/s.
    pub range_rate_mps: [f64; 2],
    /// Azimuths that it reports, degrees.
    pub azimuth_deg: [f64; 2],
    /// Elevations that it reports, degrees.
    pub elevation_deg: [f64; 2],
}

impl Default for StationConfig {
    fn default() -> Self {
        Self {
            name: "station".into(),
            position: PositionConfig::default(),
            transmitter: None,
            less_baseline: false,
            accuracy: Accuracy::default(),
            detection_probability: 0.9,
            false_per_scan: None,
            range_m: [0.0, 100e3],
            range_rate_mps: [-500.0, 500.0],
            azimuth_deg: [0.0, 360.0],
            elevation_deg: [0.0, 90.0],
        }
    }
}

/// Standard deviations of a measurement.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Accuracy {
    /// Of range, m.
    pub range_m: f64,
    /// Of range rate, m/s.
    pub range_rate_mps: f64,
    /// Of azimuth, degrees.
    pub azimuth_deg: f64,
    /// Of elevation, degrees.
    pub elevation_deg: f64,
}

impl Default for Accuracy {
    fn default() -> Self {
        Self { range_m: 20.0, range_rate_mps: 1.0, azimuth_deg: 1.0, elevation_deg: 1.0 }
    }
}

/// Initiation and confirmation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct InitiationConfig {
    /// No target is faster, m/s.
    pub speed_max_mps: f64,
    /// No target accelerates more when its track begins, m/s².
    pub acceleration_max_mps2: f64,
    /// A track is confirmed after this many detections …
    pub hits: u32,
    /// … in this many scans at most (M of N, counted from the latest) …
    pub scans: u32,
    /// … and when its score says that clutter would confirm no more tracks than this, per scan …
    pub false_tracks_per_scan: f64,
    /// … and, of the detections of a station's first scans, no more than this in all. Everything that flies is yet to be
    /// found then, so that a detection is likelier a target's.
    pub false_tracks_at_start: f64,
    /// A detection waits this many scans for a second one.
    pub point_scans: u32,
    /// Where targets are that stations without elevation see, in a space of three axes. Not given: no track begins
    /// there.
    pub height: Option<HeightPrior>,
}

/// Height of targets over a station and their climb, as far as they are known before anything is seen: what range and
/// azimuth do not say.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HeightPrior {
    /// Mean height over the station's horizon, m.
    pub mean_m: f64,
    /// Its standard deviation, m.
    pub sigma_m: f64,
    /// Standard deviation of the vertical speed, m/s.
    pub climb_sigma_mps: f64,
}

impl Default for HeightPrior {
    fn default() -> Self {
        Self { mean_m: 2_000.0, sigma_m: 2_000.0, climb_sigma_mps: 8.0 }
    }
}

impl Default for InitiationConfig {
    fn default() -> Self {
        Self {
            speed_max_mps: 400.0,
            acceleration_max_mps2: 10.0,
            hits: 2,
            scans: 4,
            false_tracks_per_scan: 1e-4,
            false_tracks_at_start: 0.01,
            point_scans: 2,
            height: None,
        }
    }
}

/// Coasting, deletion and merging.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DeletionConfig {
    /// A track that was not seen for more scans than this ends.
    pub coast_scans: u32,
    /// A track ends when the probability that its target exists falls below this.
    pub quality_min: f64,
    /// Mean time that a target stays, s: how soon a lost one is given up.
    pub lifetime_s: f64,
    /// Two tracks closer than this many standard deviations …
    pub merge_sigmas: f64,
    /// … for this many scans are one.
    pub merge_scans: u32,
}

impl Default for DeletionConfig {
    fn default() -> Self {
        Self { coast_scans: 10, quality_min: 0.05, lifetime_s: 1_000.0, merge_sigmas: 2.0, merge_scans: 3 }
    }
}

/// Bounds on memory and work.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsConfig {
    /// Tracks, tentative ones among them.
    pub tracks: usize,
    /// Detections in a scan; the strongest are kept.
    pub detections: usize,
    /// Detections in one track's gate; the likeliest are kept.
    pub gated: usize,
    /// Joint events that JPDA enumerates in a cluster; beyond it, belief propagation approximates.
    pub joint_events: usize,
    /// The longest step from scan to scan, s.
    pub step_s: f64,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self { tracks: 2_000, detections: 20_000, gated: 32, joint_events: 5_000, step_s: 3_600.0 }
    }
}
