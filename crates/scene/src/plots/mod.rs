//! Scenes of plots: what stations would detect, without the samples. Aircraft, satellites and sounding rockets, and
//! stations somewhere on the Earth; for each scan of a station its measurements, noisy, missing, and false ones among
//! them, with the truth.
//!
//! A target is detected with the probability `Pfa^(1/(1 + S))` of Swerling's case 1, `S` its mean signal-to-noise ratio
//! by the radar equation: `reference_snr_db` for 1 m² at `reference_range_m`, with the product of the squares of both
//! ways. It must be in the antenna's coverage.
//!
//! ```
//! let scene = rangegate_scene::plots::PlotScene::from_toml(
//!     r#"
//!     duration_s = 60.0
//!
//!     [[station]]
//!     name = "north"
//!     position = { latitude_deg = 48.0, longitude_deg = 11.0, height_m = 500.0 }
//!     scan_period_s = 1.0
//!     reference_range_m = 20e3
//!
//!     [[target]]
//!     name = "aircraft"
//!     rcs_m2 = 5.0
//!     path = { type = "way_points", points = [
//!         { time_s = 0.0, latitude_deg = 48.1, longitude_deg = 11.0, height_m = 3e3 },
//!         { time_s = 60.0, latitude_deg = 48.1, longitude_deg = 11.1, height_m = 3e3 },
//!     ] }
//!     "#,
//! )?;
//! let n_detected = scene.scans(0).filter(|scan| !scan.plots.is_empty()).count();
//! assert!(n_detected > 50);
//! # Ok::<(), rangegate_scene::SceneError>(())
//! ```

mod config;
mod motion;

pub use config::{
    GeodeticPointConfig, PlotBiasConfig, PlotPathConfig, PlotSceneConfig, PlotStationConfig, PlotTargetConfig,
};

use crate::SceneError;
use motion::{Motion, State, check_place};
use nalgebra::{SVector, Vector3};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Poisson, StandardNormal};
use rangegate_tracking::Measurement;
use rangegate_tracking::measurement::Geometry;

/// A scene of plots, checked.
#[derive(Clone, Debug)]
pub struct PlotScene {
    config: PlotSceneConfig,
    stations: Vec<Geometry>,
    targets: Vec<Motion>,
}

/// What a station measured in one scan.
#[derive(Clone, Debug, PartialEq)]
pub struct PlotScan {
    /// Number of the scan, from 0.
    pub scan: u64,
    /// Its time by the station's clock, s.
    pub time_s: f64,
    /// The measurements, in random order.
    pub plots: Vec<Plot>,
}

/// A measurement with its truth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plot {
    /// As a tracker takes it; its `id` grows from scan to scan.
    pub measurement: Measurement,
    /// The target, by its number in the scene; `None` where it is false.
    pub target: Option<usize>,
}

/// A target at a time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PlotTruth {
    /// Its number in the scene.
    pub target: usize,
    /// Position and velocity, Earth-centred, Earth-fixed, m and m/s.
    pub state: [f64; 6],
}

/// Detections of a scan are numbered from the scan's number times this.
const NUMBERS_PER_SCAN: u64 = 1 << 20;

impl PlotScene {
    /// Checks a scene.
    ///
    /// # Errors
    /// The first value that cannot be: field, found, expected.
    pub fn new(config: &PlotSceneConfig) -> Result<Self, SceneError> {
        config.check()?;
        let mut stations = Vec::new();
        for (i, station) in config.station.iter().enumerate() {
            let place = check_place(&format!("station[{i}].position"), &station.position)?;
            let mut geometry = Geometry {
                horizon_from_frame: place.enu_from_ecef(),
                ..Geometry::monostatic(place.ecef_m())
            };
            if let Some(transmitter) = &station.transmitter {
                geometry.transmitter_m =
                    check_place(&format!("station[{i}].transmitter"), transmitter)?.ecef_m();
            }
            stations.push(geometry);
        }
        let motion =
            |(i, target): (usize, &PlotTargetConfig)| Motion::plan(&target.path, &format!("target[{i}]"));
        let targets = config.target.iter().enumerate().map(motion).collect::<Result<_, _>>()?;
        Ok(Self { config: config.clone(), stations, targets })
    }

    /// Reads and checks a scene.
    ///
    /// # Errors
    /// The text is no TOML, or says what cannot be.
    pub fn from_toml(text: &str) -> Result<Self, SceneError> {
        Self::new(&toml::from_str(text)?)
    }

    /// What the user wrote.
    pub fn config(&self) -> &PlotSceneConfig {
        &self.config
    }

    /// Number of the station of a name.
    pub fn station(&self, name: &str) -> Option<usize> {
        self.config.station.iter().position(|station| station.name == name)
    }

    /// The targets that are there at a time, whether anybody sees them or not.
    pub fn truth(&self, time_s: f64) -> Vec<PlotTruth> {
        let there = |(target, motion): (usize, &Motion)| {
            let (p, v) = motion.state(time_s)?;
            Some(PlotTruth { target, state: [p.x, p.y, p.z, v.x, v.y, v.z] })
        };
        self.targets.iter().enumerate().filter_map(there).collect()
    }

    /// Whether a position (Earth-fixed, m) lies in a station's coverage.
    ///
    /// # Panics
    /// There is no such station.
    pub fn sees(&self, station: usize, position_m: &[f64; 3]) -> bool {
        let seen = self.expected(station, &(Vector3::from(*position_m), Vector3::zeros()));
        self.covers(station, &seen)
    }

    /// The scans of a station, from the first.
    ///
    /// # Panics
    /// There is no such station.
    pub fn scans(&self, station: usize) -> impl Iterator<Item = PlotScan> + '_ {
        let config = &self.config.station[station];
        (0_u64..)
            .map(move |scan| (scan, config.first_scan_s + scan as f64 * config.scan_period_s))
            .take_while(|&(_, time_s)| time_s < self.config.duration_s)
            .map(move |(scan, _)| self.scan(station, scan))
    }

    /// One scan of a station: the same whichever were asked for before.
    ///
    /// # Panics
    /// There is no such station.
    pub fn scan(&self, station: usize, scan: u64) -> PlotScan {
        let config = &self.config.station[station];
        let time_s = config.first_scan_s + scan as f64 * config.scan_period_s;
        let mut rng = ChaCha8Rng::seed_from_u64(self.config.seed);
        rng.set_stream((station as u64) << 40 | scan);
        let mut plots = Vec::new();
        for (target, motion) in self.targets.iter().enumerate() {
            let (drawn, noise) = (rng.random_range(0.0..1.0), [(); 4].map(|()| normal(&mut rng)));
            let Some(state) = motion.state(time_s) else { continue };
            let seen = self.expected(station, &state);
            let snr = self.snr(station, &state.0, self.config.target[target].rcs_m2);
            let p_detect = config.false_alarm_probability.powf(1.0 / (1.0 + snr));
            if drawn < p_detect && self.covers(station, &seen) {
                plots.push(Plot { measurement: measured(config, &seen, noise, snr), target: Some(target) });
            }
        }
        self.add_false(station, &mut rng, &mut plots);
        // What is true does not come first.
        for i in (1..plots.len()).rev() {
            plots.swap(i, rng.random_range(0..=i));
        }
        for (i, plot) in plots.iter_mut().enumerate() {
            plot.measurement.id = scan * NUMBERS_PER_SCAN + i as u64;
        }
        PlotScan { scan, time_s: time_s + config.bias.clock_s, plots }
    }

    fn add_false(&self, station: usize, rng: &mut ChaCha8Rng, plots: &mut Vec<Plot>) {
        let config = &self.config.station[station];
        let Ok(poisson) = Poisson::new(config.false_per_scan) else { return };
        let coverage = &config.coverage;
        // As far as echoes of a large target come from.
        let far_m = coverage.range_m[1].min(10.0 * config.reference_range_m).max(coverage.range_m[0] + 1.0);
        let [low, high] = coverage.elevation_deg;
        for _ in 0..poisson.sample(rng) as u64 {
            let sectors = coverage.azimuth_deg.as_slice();
            let [from, to] =
                if sectors.is_empty() { [0.0, 360.0] } else { sectors[rng.random_range(0..sectors.len())] };
            let width = if to - from >= 360.0 { 360.0 } else { (to - from).rem_euclid(360.0) };
            let rate = config.range_rate_max_mps;
            let seen = SVector::from([
                rng.random_range(coverage.range_m[0]..far_m),
                rng.random_range(-rate..rate),
                (from + width * rng.random_range(0.0..1.0)).to_radians(),
                rng.random_range(low..high).to_radians(),
            ]);
            let snr =
                -config.false_alarm_probability.ln() - rng.random_range(f64::MIN_POSITIVE..1.0_f64).ln();
            plots.push(Plot { measurement: measured(config, &seen, [0.0; 4], snr), target: None });
        }
    }

    /// What a station would measure without noise: range, range rate, azimuth, elevation; m, m/s, rad.
    fn expected(&self, station: usize, (p, v): &State) -> SVector<f64, 4> {
        let state = SVector::<f64, 6>::from([p.x, p.y, p.z, v.x, v.y, v.z]);
        self.stations[station].expected::<6, 4>(&state, 3)
    }

    fn covers(&self, station: usize, seen: &SVector<f64, 4>) -> bool {
        self.config.station[station].coverage.contains(seen[2].to_degrees(), seen[3].to_degrees(), seen[0])
    }

    fn snr(&self, station: usize, position_m: &Vector3<f64>, rcs_m2: f64) -> f64 {
        let config = &self.config.station[station];
        let geometry = &self.stations[station];
        let ways = (position_m - geometry.receiver_m).norm() * (position_m - geometry.transmitter_m).norm();
        let reference = 10_f64.powf(config.reference_snr_db / 10.0);
        reference * rcs_m2 * (config.reference_range_m.powi(2) / ways.max(1.0)).powi(2)
    }
}

/// A measurement with noise and biases; only what the station measures.
fn measured(config: &PlotStationConfig, seen: &SVector<f64, 4>, noise: [f64; 4], snr: f64) -> Measurement {
    let (accuracy, bias) = (&config.accuracy, &config.bias);
    let azimuth_deg = seen[2].to_degrees() + accuracy.azimuth_deg * noise[2] + bias.azimuth_deg;
    Measurement {
        id: 0,
        range_m: Some((seen[0] + accuracy.range_m * noise[0] + bias.range_m).max(0.0)),
        range_rate_mps: config.measures_range_rate.then_some(seen[1] + accuracy.range_rate_mps * noise[1]),
        azimuth_deg: config.measures_azimuth.then_some(azimuth_deg.rem_euclid(360.0)),
        elevation_deg: config
            .measures_elevation
            .then_some(seen[3].to_degrees() + accuracy.elevation_deg * noise[3]),
        snr_db: 10.0 * snr.max(1e-3).log10(),
        accuracy: None,
    }
}

fn normal(rng: &mut ChaCha8Rng) -> f64 {
    StandardNormal.sample(rng)
}
