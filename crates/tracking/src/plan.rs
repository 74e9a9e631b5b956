//! From configuration to plan: everything that can be wrong is found here, before the first scan.

use crate::config::{
    Accuracy, Filter, InitiationConfig, ModelConfig, PositionConfig, Space, StationConfig, TrackingConfig,
};
use crate::error::ConfigError;
use crate::geodesy::{Frame, Geodetic};
use crate::measurement::{COMPONENTS, Geometry};
use crate::motion::Motion;
use nalgebra::{Matrix3, Vector3};
use std::sync::Arc;

/// Models of one filter at most.
pub const MODELS_MAX: usize = 4;

/// A checked configuration; many trackers may share it.
#[derive(Clone, Debug)]
pub struct TrackerPlan {
    pub(crate) config: TrackingConfig,
    pub(crate) n_axes: usize,
    pub(crate) dimension: usize,
    pub(crate) filter: Filter,
    pub(crate) models: Vec<Motion>,
    pub(crate) sojourn_s: Vec<f64>,
    /// Probability of each model when a track begins.
    pub(crate) begins: Vec<f64>,
    pub(crate) stations: Vec<StationPlan>,
    /// How the space of the tracks lies in the Earth, where that is known.
    pub(crate) frame: Option<Frame>,
}

/// A station, planned.
#[derive(Clone, Debug)]
pub(crate) struct StationPlan {
    pub geometry: Geometry,
    pub accuracy: Accuracy,
    pub p_detect: f64,
    pub false_per_scan: Option<f64>,
    /// Logarithm of what each component can span, in the filter's units.
    pub ln_extent: [f64; COMPONENTS],
}

impl TrackerPlan {
    /// Checks a configuration.
    ///
    /// # Errors
    ///
    /// The first value that cannot be used, with what was expected.
    pub fn new(config: &TrackingConfig) -> Result<Arc<Self>, ConfigError> {
        let mut config = config.clone();
        if config.models.is_empty() {
            config.models = default_models(config.space);
        }
        if config.stations.is_empty() {
            config.stations.push(StationConfig::default());
        }
        let by_space = if config.space == Space::Earth { Filter::Unscented } else { Filter::Extended };
        let filter = *config.filter.get_or_insert(by_space);
        let n_axes = match config.space {
            Space::Range => 1,
            Space::Plane => 2,
            Space::Local | Space::Earth => 3,
        };
        check_numbers(&config)?;
        let frame = frame(&config)?;
        let order = if config.models.iter().any(has_acceleration) { 3 } else { 2 };
        if config.models.len() > MODELS_MAX {
            return Err(ConfigError::new("tracking.models", config.models.len(), "at most 4 models"));
        }
        let mut models = Vec::new();
        let mut sojourn_s = Vec::new();
        for (index, model) in config.models.iter().enumerate() {
            let field = format!("tracking.models[{index}]");
            let (motion, sojourn) = plan_model(model, &config, n_axes, order, frame, &field)?;
            positive(&format!("{field}.sojourn_s"), sojourn)?;
            models.push(motion);
            sojourn_s.push(sojourn);
        }
        // As likely as it is in the long run; but of a rocket the powered flight, which is short, is what is seen first.
        let share = |sojourn_s: &f64| if config.space == Space::Earth { 1.0 } else { *sojourn_s };
        let total: f64 = sojourn_s.iter().map(share).sum();
        let begins = sojourn_s.iter().map(|sojourn_s| share(sojourn_s) / total).collect();
        if n_axes == 1 && config.stations.len() > 1 {
            return Err(ConfigError::new(
                "tracking.stations",
                format!("{} stations in space \"range\"", config.stations.len()),
                "one station: ranges of different stations are not comparable",
            ));
        }
        let stations = config
            .stations
            .iter()
            .enumerate()
            .map(|(index, station)| {
                plan_station(station, &config, frame, &format!("tracking.stations[{index}]"))
            })
            .collect::<Result<_, _>>()?;
        Ok(Arc::new(Self {
            n_axes,
            dimension: n_axes * order,
            filter,
            models,
            sojourn_s,
            begins,
            stations,
            frame,
            config,
        }))
    }

    /// The configuration, with what was not given filled in.
    pub fn config(&self) -> &TrackingConfig {
        &self.config
    }

    /// Numbers in a state: position, velocity and perhaps acceleration, `n_axes` each.
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// Axes of the space: 1, 2 or 3.
    pub fn n_axes(&self) -> usize {
        self.n_axes
    }

    /// Components of a measurement that the space can use.
    pub(crate) fn usable(&self) -> [bool; COMPONENTS] {
        [true, true, self.n_axes >= 2, self.n_axes == 3]
    }
}

fn default_models(space: Space) -> Vec<ModelConfig> {
    match space {
        Space::Range => vec![
            ModelConfig::NearlyConstantVelocity { acceleration_psd_m2ps3: 0.1, sojourn_s: 30.0 },
            ModelConfig::NearlyConstantVelocity { acceleration_psd_m2ps3: 30.0, sojourn_s: 6.0 },
        ],
        Space::Plane | Space::Local => vec![
            ModelConfig::NearlyConstantVelocity { acceleration_psd_m2ps3: 0.1, sojourn_s: 120.0 },
            ModelConfig::CoordinatedTurn { turn_rate_dps: None, noise_psd: 10.0, sojourn_s: 10.0 },
        ],
        Space::Earth => vec![
            ModelConfig::FreeFlight { acceleration_psd_m2ps3: 1e-3, sojourn_s: 1_000.0 },
            ModelConfig::PoweredFlight { acceleration_psd_m2ps3: 3_000.0, sojourn_s: 20.0 },
        ],
    }
}

fn has_acceleration(model: &ModelConfig) -> bool {
    matches!(
        model,
        ModelConfig::ConstantAcceleration { .. } | ModelConfig::CoordinatedTurn { turn_rate_dps: None, .. }
    )
}

fn plan_model(
    model: &ModelConfig,
    config: &TrackingConfig,
    n_axes: usize,
    order: usize,
    frame: Option<Frame>,
    field: &str,
) -> Result<(Motion, f64), ConfigError> {
    let acceleration_mps2 = config.initiation.acceleration_max_mps2 / 3f64.sqrt();
    match *model {
        ModelConfig::NearlyConstantVelocity { acceleration_psd_m2ps3: psd, sojourn_s } => {
            positive(&format!("{field}.acceleration_psd_m2ps3"), psd)?;
            Ok((Motion::NearlyConstantVelocity { psd, acceleration_mps2 }, sojourn_s))
        }
        ModelConfig::ConstantAcceleration { jerk_psd_m2ps5: psd, sojourn_s } => {
            positive(&format!("{field}.jerk_psd_m2ps5"), psd)?;
            Ok((Motion::ConstantAcceleration { psd }, sojourn_s))
        }
        ModelConfig::CoordinatedTurn { turn_rate_dps, noise_psd: psd, sojourn_s } => {
            positive(&format!("{field}.noise_psd"), psd)?;
            if n_axes == 1 {
                return Err(ConfigError::new(
                    format!("{field}.type"),
                    "coordinated_turn in space \"range\"",
                    "a space in which one can turn: \"plane\", \"local\" or \"earth\"",
                ));
            }
            let Some(rate_dps) = turn_rate_dps else {
                return Ok((Motion::EstimatedTurn { psd }, sojourn_s));
            };
            if config.space == Space::Earth || !rate_dps.is_finite() || rate_dps.abs() > 360.0 {
                return Err(ConfigError::new(
                    format!("{field}.turn_rate_dps"),
                    format!("{rate_dps} in space {:?}", config.space),
                    "-360 to 360, in space \"plane\" or \"local\", where up is up everywhere",
                ));
            }
            let rate_radps = rate_dps.to_radians();
            Ok((Motion::KnownTurn { rate_radps, psd, acceleration_mps2 }, sojourn_s))
        }
        ModelConfig::FreeFlight { acceleration_psd_m2ps3: psd, sojourn_s }
        | ModelConfig::PoweredFlight { acceleration_psd_m2ps3: psd, sojourn_s } => {
            positive(&format!("{field}.acceleration_psd_m2ps3"), psd)?;
            let Some(frame) = frame.filter(|_| n_axes == 3 && order == 2) else {
                return Err(ConfigError::new(
                    format!("{field}.type"),
                    format!("flight under gravity in space {:?}", config.space),
                    "space \"earth\", or \"local\" with `origin`, and no model that estimates acceleration",
                ));
            };
            Ok((Motion::free_flight(frame, psd), sojourn_s))
        }
    }
}

fn plan_station(
    station: &StationConfig,
    config: &TrackingConfig,
    frame: Option<Frame>,
    field: &str,
) -> Result<StationPlan, ConfigError> {
    let p = station.detection_probability;
    if !(0.01..=0.999).contains(&p) {
        return Err(ConfigError::new(format!("{field}.detection_probability"), p, "0.01 to 0.999"));
    }
    if let Some(n_false) = station.false_per_scan {
        positive(&format!("{field}.false_per_scan"), n_false)?;
    }
    let accuracy = &station.accuracy;
    positive(&format!("{field}.accuracy.range_m"), accuracy.range_m)?;
    positive(&format!("{field}.accuracy.range_rate_mps"), accuracy.range_rate_mps)?;
    positive(&format!("{field}.accuracy.azimuth_deg"), accuracy.azimuth_deg)?;
    positive(&format!("{field}.accuracy.elevation_deg"), accuracy.elevation_deg)?;
    let mut ln_extent = [0.0; COMPONENTS];
    let spans = [
        ("range_m", station.range_m, 1.0),
        ("range_rate_mps", station.range_rate_mps, 1.0),
        ("azimuth_deg", station.azimuth_deg, 1f64.to_radians()),
        ("elevation_deg", station.elevation_deg, 1f64.to_radians()),
    ];
    for (extent, (name, [from, to], scale)) in ln_extent.iter_mut().zip(spans) {
        if !(from < to && (to - from).is_finite()) {
            return Err(ConfigError::new(
                format!("{field}.{name}"),
                format!("[{from}, {to}]"),
                "two numbers, the second greater",
            ));
        }
        *extent = ((to - from) * scale).ln();
    }
    let (receiver_m, horizon_from_frame) =
        place(&station.position, config, frame, &format!("{field}.position"))?;
    let transmitter_m = match &station.transmitter {
        Some(position) => place(position, config, frame, &format!("{field}.transmitter"))?.0,
        None => receiver_m,
    };
    let offset_m = if station.less_baseline { 0.5 * (transmitter_m - receiver_m).norm() } else { 0.0 };
    Ok(StationPlan {
        geometry: Geometry { receiver_m, transmitter_m, offset_m, horizon_from_frame },
        accuracy: *accuracy,
        p_detect: p,
        false_per_scan: station.false_per_scan,
        ln_extent,
    })
}

/// Where a position lies in the frame of the tracks, and how its horizon is turned against it.
fn place(
    position: &PositionConfig,
    config: &TrackingConfig,
    frame: Option<Frame>,
    field: &str,
) -> Result<(Vector3<f64>, Matrix3<f64>), ConfigError> {
    if let Some(place) = geodetic(position, field)? {
        if config.space == Space::Range {
            return Ok((Vector3::zeros(), Matrix3::identity()));
        }
        let Some(frame) = frame else {
            return Err(ConfigError::new(
                "tracking.origin",
                "nothing",
                "the origin of the local frame, because stations have latitude and longitude",
            ));
        };
        let horizon = place.enu_from_ecef() * frame.from_ecef.transpose();
        let mut at = frame.position_m(&place.ecef_m());
        if config.space == Space::Plane {
            at.z = 0.0;
            return Ok((at, Matrix3::identity()));
        }
        return Ok((at, horizon));
    }
    if config.space == Space::Earth {
        return Err(ConfigError::new(
            field,
            "no latitude and longitude",
            "latitude_deg, longitude_deg and height_m in space \"earth\"",
        ));
    }
    let mut at = Vector3::zeros();
    let metres = [("east_m", position.east_m), ("north_m", position.north_m), ("up_m", position.up_m)];
    for (value, (name, given)) in at.iter_mut().zip(metres) {
        *value =
            within(&format!("{field}.{name}"), given.unwrap_or(0.0), 1e8, "a distance in metres, below 1e8")?;
    }
    Ok((at, Matrix3::identity()))
}

/// A position's latitude, longitude and height, where it has them.
fn geodetic(position: &PositionConfig, field: &str) -> Result<Option<Geodetic>, ConfigError> {
    let local = position.east_m.or(position.north_m).or(position.up_m).is_some();
    match (position.latitude_deg, position.longitude_deg, local) {
        (None, None, _) if position.height_m.is_none() => Ok(None),
        (Some(latitude), Some(longitude), false) => Ok(Some(Geodetic {
            latitude_deg: within(&format!("{field}.latitude_deg"), latitude, 90.0, "-90 to 90")?,
            longitude_deg: within(&format!("{field}.longitude_deg"), longitude, 360.0, "-360 to 360")?,
            height_m: within(
                &format!("{field}.height_m"),
                position.height_m.unwrap_or(0.0),
                1e8,
                "metres, below 1e8",
            )?,
        })),
        _ => Err(ConfigError::new(
            field,
            "half a position, or two",
            "latitude_deg and longitude_deg (and height_m), or east_m, north_m, up_m",
        )),
    }
}

fn frame(config: &TrackingConfig) -> Result<Option<Frame>, ConfigError> {
    if config.space == Space::Earth {
        return Ok(Some(Frame::earth()));
    }
    let Some(origin) = &config.origin else { return Ok(None) };
    match geodetic(origin, "tracking.origin")? {
        Some(place) => Ok(Some(Frame::local(&place))),
        None => Err(ConfigError::new("tracking.origin", "no latitude", "latitude_deg and longitude_deg")),
    }
}

fn check_numbers(config: &TrackingConfig) -> Result<(), ConfigError> {
    let InitiationConfig { hits, scans, point_scans, .. } = config.initiation;
    let initiation = &config.initiation;
    let deletion = &config.deletion;
    let limits = &config.limits;
    if !(1.0..=20.0).contains(&config.gate_sigmas) {
        return Err(ConfigError::new("tracking.gate_sigmas", config.gate_sigmas, "1 to 20"));
    }
    positive("tracking.initiation.speed_max_mps", initiation.speed_max_mps)?;
    positive("tracking.initiation.acceleration_max_mps2", initiation.acceleration_max_mps2)?;
    positive("tracking.initiation.false_tracks_per_scan", initiation.false_tracks_per_scan)?;
    positive("tracking.initiation.false_tracks_at_start", initiation.false_tracks_at_start)?;
    if !(2..=32).contains(&hits) {
        return Err(ConfigError::new("tracking.initiation.hits", hits, "2 to 32"));
    }
    if !(hits..=32).contains(&scans) {
        return Err(ConfigError::new("tracking.initiation.scans", scans, "at least `hits`, at most 32"));
    }
    if !(1..=16).contains(&point_scans) {
        return Err(ConfigError::new("tracking.initiation.point_scans", point_scans, "1 to 16"));
    }
    if !(1..=10_000).contains(&deletion.coast_scans) {
        return Err(ConfigError::new("tracking.deletion.coast_scans", deletion.coast_scans, "1 to 10000"));
    }
    if !(deletion.quality_min > 0.0 && deletion.quality_min < 1.0) {
        return Err(ConfigError::new(
            "tracking.deletion.quality_min",
            deletion.quality_min,
            "between 0 and 1",
        ));
    }
    if let Some(height) = &config.initiation.height {
        within("tracking.initiation.height.mean_m", height.mean_m, 1e7, "metres, below 1e7")?;
        positive("tracking.initiation.height.sigma_m", height.sigma_m)?;
        positive("tracking.initiation.height.climb_sigma_mps", height.climb_sigma_mps)?;
    }
    positive("tracking.deletion.lifetime_s", deletion.lifetime_s)?;
    positive("tracking.deletion.merge_sigmas", deletion.merge_sigmas)?;
    positive("tracking.limits.step_s", limits.step_s)?;
    let bounds = [
        ("tracking.limits.tracks", limits.tracks, 100_000),
        ("tracking.limits.detections", limits.detections, 1_000_000),
        ("tracking.limits.gated", limits.gated, 1_000),
        ("tracking.limits.joint_events", limits.joint_events, 10_000_000),
    ];
    for (field, found, most) in bounds {
        if found == 0 || found > most {
            return Err(ConfigError::new(field, found, "1 to what memory and time allow"));
        }
    }
    Ok(())
}

fn positive(field: &str, value: f64) -> Result<(), ConfigError> {
    if value > 0.0 && value.is_finite() {
        Ok(())
    } else {
        Err(ConfigError::new(field, value, "a positive number"))
    }
}

fn within(field: &str, value: f64, bound: f64, expected: &'static str) -> Result<f64, ConfigError> {
    if value.abs() <= bound { Ok(value) } else { Err(ConfigError::new(field, value, expected)) }
}
