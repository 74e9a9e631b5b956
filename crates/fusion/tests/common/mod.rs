//! What the tests share: a scene of plots, run through each station's own tracker and through the fuser.
#![allow(dead_code)]

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rangegate_core::Timestamp;
use rangegate_fusion::{
    DetectionReport, FusedTrack, Fuser, FusionConfig, FusionReport, FusionScore, Placed, ReportConfig,
    ScanEnd, StationInfo, TrackReport,
};
use rangegate_scene::plots::{PlotScene, PlotSceneConfig};
use rangegate_tracking::{
    Geodetic, InitiationConfig, ModelConfig, PositionConfig, Space, StationConfig, Tracker, TrackerPlan,
    TrackingConfig,
};

/// The scenes' beginning.
pub const START_S: i64 = 1_800_000_000;

pub fn scene_config(name: &str, seed: u64) -> PlotSceneConfig {
    let path = format!("{}/../../configs/two-stations/{name}.toml", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    PlotSceneConfig { seed, ..toml::from_str(&text).unwrap() }
}

pub fn time(time_s: f64) -> Timestamp {
    Timestamp::from_nanosecond(i128::from(START_S) * 1_000_000_000 + (time_s * 1e9).round() as i128).unwrap()
}

pub fn scene_time_s(time: Timestamp) -> f64 {
    (time.as_nanosecond() - i128::from(START_S) * 1_000_000_000) as f64 * 1e-9
}

/// What is to be run.
pub struct Setup {
    pub scene: PlotSceneConfig,
    pub config: FusionConfig,
    pub report: ReportConfig,
    pub tracks_only: Vec<&'static str>,
    /// Stations' own trackers work in this space.
    pub space: Space,
    pub models: Vec<ModelConfig>,
    pub p_detect: f64,
}

pub fn laboratory(seed: u64) -> Setup {
    let mut config = FusionConfig { speed_max_mps: 320.0, ..FusionConfig::default() };
    config.height.mean_m = 1_500.0;
    config.height.sigma_m = 2_500.0;
    config.models = vec![
        ModelConfig::NearlyConstantVelocity { acceleration_psd_m2ps3: 0.1, sojourn_s: 60.0 },
        ModelConfig::NearlyConstantVelocity { acceleration_psd_m2ps3: 10.0, sojourn_s: 15.0 },
        // Speed changes all at once at a way point.
        ModelConfig::NearlyConstantVelocity { acceleration_psd_m2ps3: 1_000.0, sojourn_s: 2.0 },
    ];
    Setup {
        scene: scene_config("laboratory", seed),
        config,
        report: ReportConfig { cutoff_m: 500.0, order: 2.0, horizontal: true },
        tracks_only: Vec::new(),
        space: Space::Plane,
        models: Vec::new(),
        p_detect: 0.9,
    }
}

pub fn caucasus(seed: u64) -> Setup {
    Setup {
        scene: scene_config("caucasus", seed),
        config: FusionConfig::default(),
        report: ReportConfig { cutoff_m: 20e3, order: 2.0, horizontal: false },
        tracks_only: Vec::new(),
        space: Space::Earth,
        models: vec![
            ModelConfig::NearlyConstantVelocity { acceleration_psd_m2ps3: 0.3, sojourn_s: 60.0 },
            ModelConfig::FreeFlight { acceleration_psd_m2ps3: 1e-2, sojourn_s: 300.0 },
            ModelConfig::FreeFlight { acceleration_psd_m2ps3: 300.0, sojourn_s: 10.0 },
        ],
        p_detect: 0.9,
    }
}

/// A report on its way.
#[derive(Clone)]
pub enum Sent {
    Detection(DetectionReport),
    End(ScanEnd),
    Track(Box<TrackReport>),
}

pub struct Run {
    pub scene: PlotScene,
    pub stations: Vec<StationInfo>,
    /// When each was made, s, in order.
    pub sent: Vec<(f64, Sent)>,
    /// Each station's own tracks at each second.
    pub own: Vec<Vec<Vec<Placed>>>,
}

pub fn info(setup: &Setup) -> Vec<StationInfo> {
    let of = |station: &rangegate_scene::plots::PlotStationConfig| StationInfo {
        name: station.name.clone(),
        owner: format!("owner of {}", station.name),
        position: Geodetic {
            latitude_deg: station.position.latitude_deg,
            longitude_deg: station.position.longitude_deg,
            height_m: station.position.height_m,
        },
        transmitter: None,
        less_baseline: false,
        accuracy: station.accuracy,
        detection_probability: setup.p_detect,
        coverage: station.coverage.clone(),
        range_rate_max_mps: station.range_rate_max_mps,
        shares_detections: !setup.tracks_only.contains(&station.name.as_str()),
    };
    setup.scene.station.iter().map(of).collect()
}

fn own_tracker(setup: &Setup, station: &StationInfo) -> Tracker {
    let place = PositionConfig {
        latitude_deg: Some(station.position.latitude_deg),
        longitude_deg: Some(station.position.longitude_deg),
        height_m: Some(station.position.height_m),
        ..PositionConfig::default()
    };
    let [near, far] = station.coverage.range_m;
    let rate = station.range_rate_max_mps;
    let config = TrackingConfig {
        space: setup.space,
        origin: Some(place),
        models: setup.models.clone(),
        stations: vec![StationConfig {
            name: station.name.clone(),
            position: place,
            accuracy: station.accuracy,
            detection_probability: setup.p_detect,
            range_m: [near, far],
            range_rate_mps: [-rate, rate],
            ..StationConfig::default()
        }],
        initiation: InitiationConfig {
            speed_max_mps: setup.config.speed_max_mps,
            ..InitiationConfig::default()
        },
        ..TrackingConfig::default()
    };
    Tracker::new(&TrackerPlan::new(&config).unwrap())
}

pub fn run(setup: &Setup) -> Run {
    let scene = PlotScene::new(&setup.scene).unwrap();
    let stations = info(setup);
    let mut sent = Vec::new();
    let mut own = Vec::new();
    for (index, station) in stations.iter().enumerate() {
        let mut tracker = own_tracker(setup, station);
        let mut seconds: Vec<Vec<Placed>> = Vec::new();
        let mut latest: Vec<TrackReport> = Vec::new();
        for scan in scene.scans(index) {
            let at_s = scan.time_s;
            let till = |at_s: f64, seconds: &mut Vec<Vec<Placed>>, tracker: &Tracker| {
                while (seconds.len() as f64) < at_s {
                    let second = seconds.len() as f64;
                    let placed = |state: rangegate_tracking::TrackState| {
                        let then = tracker.predicted(state.track, second)?;
                        // As the station would share it, slant range turned into ground range as in fusion.
                        let place = &station.position;
                        let height = &setup.config.height;
                        let of = TrackReport::from_track("", 0, time(second), &then, place, place, height)?;
                        let position_m = [of.state[0], of.state[1], of.state[2]];
                        Some(Placed { id: state.track, position_m })
                    };
                    seconds.push(tracker.tracks().filter_map(placed).collect());
                }
            };
            till(at_s, &mut seconds, &tracker);
            let measurements: Vec<_> = scan.plots.iter().map(|plot| plot.measurement).collect();
            if tracker.scan(at_s, 0, &measurements).is_err() {
                continue;
            }
            let name = &station.name;
            for measurement in &measurements {
                sent.push((
                    at_s,
                    Sent::Detection(DetectionReport {
                        station: name.clone(),
                        boot: 1,
                        number: measurement.id,
                        time: time(at_s),
                        measurement: *measurement,
                    }),
                ));
            }
            sent.push((at_s, Sent::End(ScanEnd { station: name.clone(), boot: 1, time: time(at_s) })));
            let now: Vec<TrackReport> = tracker
                .tracks()
                .filter_map(|state| {
                    let place = &station.position;
                    TrackReport::from_track(name, 1, time(at_s), &state, place, place, &setup.config.height)
                })
                .collect();
            for before in &latest {
                if now.iter().all(|of| of.number != before.number) {
                    let ended = TrackReport { ended: true, time: time(at_s), ..before.clone() };
                    sent.push((at_s, Sent::Track(Box::new(ended))));
                }
            }
            sent.extend(now.iter().map(|of| (at_s, Sent::Track(Box::new(of.clone())))));
            latest = now;
        }
        own.push(seconds);
    }
    sent.sort_by(|a, b| a.0.total_cmp(&b.0));
    Run { scene, stations, sent, own }
}

pub fn push(fuser: &mut Fuser, sent: &Sent) {
    match sent {
        Sent::Detection(report) => fuser.push_detection(report),
        Sent::End(report) => fuser.push_scan_end(report),
        Sent::Track(report) => fuser.push_track(report),
    }
}

/// Fuses, with reports arriving when they were made, or up to `late_s` later.
pub fn fuse(setup: &Setup, run: &Run, late_s: f64) -> (Fuser, Vec<FusedTrack>) {
    let mut fuser = Fuser::new(&setup.config, &run.stations).unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let mut arriving: Vec<(f64, &Sent)> = run
        .sent
        .iter()
        .map(|(at_s, sent)| (at_s + if late_s > 0.0 { rng.random_range(0.0..late_s) } else { 0.0 }, sent))
        .collect();
    arriving.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut pictures = Vec::new();
    for (at_s, sent) in arriving {
        pictures.append(&mut fuser.advance(time(at_s)));
        push(&mut fuser, sent);
    }
    pictures.append(&mut fuser.advance(time(setup.scene.duration_s + 10.0)));
    (fuser, pictures)
}

pub fn score(setup: &Setup, run: &Run, pictures: &[FusedTrack]) -> FusionReport {
    let mut score = FusionScore::new(&setup.report);
    let from_s = 10;
    for second in from_s..setup.scene.duration_s as usize {
        let time_s = second as f64;
        let truths: Vec<Placed> = run
            .scene
            .truth(time_s)
            .iter()
            .map(|of| Placed { id: of.target as u64, position_m: [of.state[0], of.state[1], of.state[2]] })
            .collect();
        let fused: Vec<Placed> = pictures
            .iter()
            .filter(|of| of.time == time(time_s) && !of.is_last)
            .map(|of| Placed { id: of.id, position_m: [of.state[0], of.state[1], of.state[2]] })
            .collect();
        let none = Vec::new();
        let alone: Vec<(&str, &[Placed])> = run
            .stations
            .iter()
            .zip(&run.own)
            .map(|(station, own)| (station.name.as_str(), own.get(second).unwrap_or(&none).as_slice()))
            .collect();
        let seen_by =
            |at: &[f64; 3]| (0..run.stations.len()).filter(|&station| run.scene.sees(station, at)).count();
        score.add(time_s, &truths, &fused, &alone, seen_by);
    }
    score.report()
}

/// Mean and half the 95 % confidence interval.
pub fn mean_and_interval(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0);
    // Student's t for 4 to 7 degrees of freedom lies below 2.78.
    (mean, 2.78 * (variance / n).sqrt())
}
