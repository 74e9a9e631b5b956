//! A satellite of known elements, propagated by `sgp4`, and a sounding rocket: followed and predicted.
#![allow(missing_docs, clippy::print_stdout)]

mod common;

use common::{normal, seeded};
use nalgebra::{Matrix3, Rotation3, SVector, Vector3};
use rand::RngExt;
use rangegate_tracking::geodesy::{Frame, Geodetic};
use rangegate_tracking::measurement::Geometry;
use rangegate_tracking::{
    Accuracy, InitiationConfig, Measurement, ModelConfig, PositionConfig, Space, StationConfig, Tracker,
    TrackerPlan, TrackingConfig,
};

const EARTH_RATE_RADPS: f64 = 7.292_115e-5;
const SIGMA: Accuracy = Accuracy { range_m: 30.0, range_rate_mps: 1.0, azimuth_deg: 0.1, elevation_deg: 0.1 };

fn config(site: &Geodetic) -> TrackingConfig {
    let position = PositionConfig {
        latitude_deg: Some(site.latitude_deg),
        longitude_deg: Some(site.longitude_deg),
        height_m: Some(site.height_m),
        ..PositionConfig::default()
    };
    let station = StationConfig {
        position,
        accuracy: SIGMA,
        range_m: [0.0, 3e6],
        range_rate_mps: [-8e3, 8e3],
        ..StationConfig::default()
    };
    TrackingConfig {
        space: Space::Earth,
        stations: vec![station],
        initiation: InitiationConfig { speed_max_mps: 8e3, ..InitiationConfig::default() },
        ..TrackingConfig::default()
    }
}

/// What a station sees of an Earth-fixed state, with noise; and the elevation, degrees.
fn look(site: &Geodetic, state: &SVector<f64, 6>, rng: &mut rand_chacha::ChaCha8Rng) -> (Measurement, f64) {
    let geometry =
        Geometry { horizon_from_frame: site.enu_from_ecef(), ..Geometry::monostatic(site.ecef_m()) };
    let seen = geometry.observe::<6, 4>(state, 3).0;
    let measurement = Measurement {
        range_m: Some(seen[0] + SIGMA.range_m * normal(rng)),
        range_rate_mps: Some(seen[1] + SIGMA.range_rate_mps * normal(rng)),
        azimuth_deg: Some(seen[2].to_degrees() + SIGMA.azimuth_deg * normal(rng)),
        elevation_deg: Some(seen[3].to_degrees() + SIGMA.elevation_deg * normal(rng)),
        ..Measurement::default()
    };
    (measurement, seen[3].to_degrees())
}

fn false_ones(rng: &mut rand_chacha::ChaCha8Rng, into: &mut Vec<Measurement>) {
    for _ in 0..5 {
        into.push(Measurement {
            range_m: Some(rng.random_range(0.0..3e6)),
            range_rate_mps: Some(rng.random_range(-8e3..8e3)),
            azimuth_deg: Some(rng.random_range(0.0..360.0)),
            elevation_deg: Some(rng.random_range(0.0..90.0)),
            ..Measurement::default()
        });
    }
}

/// A satellite's Earth-fixed state at a time after the epoch of its elements.
fn satellite(elements: &sgp4::Elements, constants: &sgp4::Constants, time_s: f64) -> SVector<f64, 6> {
    let prediction = constants.propagate(sgp4::MinutesSinceEpoch(time_s / 60.0)).unwrap();
    let sidereal = sgp4::iau_epoch_to_sidereal_time(elements.epoch() + time_s / (365.25 * 86_400.0));
    let turn = Rotation3::from_axis_angle(&Vector3::z_axis(), -sidereal);
    let position = turn * Vector3::from(prediction.position) * 1e3;
    let velocity =
        turn * Vector3::from(prediction.velocity) * 1e3 - Vector3::z().cross(&position) * EARTH_RATE_RADPS;
    SVector::from([position.x, position.y, position.z, velocity.x, velocity.y, velocity.z])
}

#[test]
fn a_satellite_is_followed_and_predicted() {
    // The International Space Station's elements of 2008, as published with the two-line format's description.
    let elements = sgp4::Elements::from_tle(
        Some("ISS (ZARYA)".into()),
        b"1 25544U 98067A   08264.51782528 -.00002182  00000-0 -11606-4 0  2927",
        b"2 25544  51.6416 247.4627 0006703 130.5360 325.0288 15.72125391563537",
    )
    .unwrap();
    let constants = sgp4::Constants::from_elements(&elements).unwrap();
    let site = Geodetic { latitude_deg: 52.0, longitude_deg: 5.0, height_m: 20.0 };
    let free = vec![ModelConfig::FreeFlight { acceleration_psd_m2ps3: 1e-3, sojourn_s: 1_000.0 }];
    for (name, models) in [("free flight", free), ("free or powered", Vec::new())] {
        let plan = TrackerPlan::new(&TrackingConfig { models, ..config(&site) }).unwrap();
        let (mut passes, mut inside, mut cases, mut error_m, mut sigma_m) = (0, 0, 0, 0.0, 0.0);
        let mut rng = seeded(1);
        let mut time_s = 0.0;
        while time_s < 2.0 * 86_400.0 {
            time_s += 20.0;
            if look(&site, &satellite(&elements, &constants, time_s), &mut rng).1 < 10.0 {
                continue;
            }
            let mut tracker = Tracker::new(&plan);
            let (began_s, mut begun, mut ids) = (time_s, 0, Vec::new());
            loop {
                time_s += 1.0;
                let truth = satellite(&elements, &constants, time_s);
                let (seen, elevation_deg) = look(&site, &truth, &mut rng);
                if elevation_deg < 10.0 {
                    break;
                }
                let mut scan = vec![seen];
                scan.truncate(usize::from(rng.random_bool(0.9)));
                false_ones(&mut rng, &mut scan);
                tracker.scan(time_s, 0, &scan).unwrap();
                let Some(state) = tracker.tracks().next() else { continue };
                assert_eq!(tracker.tracks().count(), 1);
                ids.push(state.track);
                begun += 1;
                if begun < 10 {
                    continue;
                }
                let ahead = tracker.predicted(state.track, time_s + 30.0).unwrap();
                let truth = satellite(&elements, &constants, time_s + 30.0);
                let error = Vector3::from_fn(|i, _| ahead.state[i] - truth[i]);
                let covariance = Matrix3::from_fn(|i, j| ahead.covariance[i][j]);
                cases += 1;
                inside += usize::from(error.dot(&(covariance.try_inverse().unwrap() * error)) <= 9.0);
                error_m += error.norm();
                sigma_m += covariance.trace().sqrt();
            }
            // Some only graze the horizon.
            if time_s - began_s > 15.0 {
                passes += 1;
                ids.dedup();
                assert_eq!(ids.len(), 1, "one pass, one track: {ids:?}");
            }
        }
        let n = cases as f64;
        println!(
            "{name}: {passes} passes, {inside} of {cases} within 3 sigma ({:.2} %), mean error {:.0} m, own sigma {:.0} m",
            100.0 * inside as f64 / n,
            error_m / n,
            sigma_m / n
        );
        assert!(passes > 5 && cases > 1_000);
        assert!(inside as f64 >= 0.97 * n, "{name}: {inside} of {cases}");
    }
}

/// Acceleration in a frame that does not turn, without oblateness's finer terms: central, J2 by its potential's gradient.
fn gravity(r: &Vector3<f64>) -> Vector3<f64> {
    let d = r.norm();
    let j = 1.5 * 1.082_626_68e-3 * (6_378_137.0f64 / d).powi(2);
    let z2 = 5.0 * (r.z / d).powi(2);
    let scale = Vector3::new(1.0 + j * (1.0 - z2), 1.0 + j * (1.0 - z2), 1.0 + j * (3.0 - z2));
    -r.component_mul(&scale) * (3.986_004_418e14 / d.powi(3))
}

const BURN_S: f64 = 32.0;

/// A rocket's Earth-fixed states, a second apart: under power, then free; to 20 km on the way down.
fn rocket(pad: &Geodetic) -> Vec<SVector<f64, 6>> {
    let spin = Vector3::z() * EARTH_RATE_RADPS;
    let frame = Frame::local(pad);
    let mut r = pad.ecef_m();
    let mut v = spin.cross(&r);
    let direction = frame.from_ecef.transpose() * Vector3::new(0.05, 0.08, 1.0).normalize();
    let mut states = Vec::new();
    let step_s = 0.01;
    for at in 0..60_000 {
        let time_s = f64::from(at) * step_s;
        let turn = Rotation3::from_axis_angle(&Vector3::z_axis(), -EARTH_RATE_RADPS * time_s);
        if at % 100 == 0 {
            let (p, u) = (turn * r, turn * (v - spin.cross(&r)));
            if time_s > 60.0 && Geodetic::from_ecef_m(&p).height_m < 20e3 {
                break;
            }
            states.push(SVector::from([p.x, p.y, p.z, u.x, u.y, u.z]));
        }
        // Thrust grows as the tank empties.
        let thrust = if time_s < BURN_S { 45.0 + 0.8 * time_s } else { 0.0 };
        let pushed = |r: &Vector3<f64>| gravity(r) + turn.transpose() * direction * thrust;
        let middle = r + v * (step_s / 2.0);
        v += pushed(&middle) * step_s;
        r = middle + v * (step_s / 2.0);
    }
    states
}

#[test]
fn a_sounding_rocket_is_one_track_and_its_apogee_is_known() {
    let pad = Geodetic { latitude_deg: 67.89, longitude_deg: 21.1, height_m: 300.0 };
    let site = Geodetic { latitude_deg: 67.8, longitude_deg: 20.4, height_m: 400.0 };
    let states = rocket(&pad);
    let height = |state: &SVector<f64, 6>| Geodetic::from_ecef_m(&state.fixed_rows::<3>(0).into()).height_m;
    let apogee_m = states.iter().map(height).fold(0.0, f64::max);
    let mut config = config(&site);
    config.initiation.speed_max_mps = 2_500.0;
    config.stations[0].range_m = [0.0, 1e6];
    config.stations[0].range_rate_mps = [-3e3, 3e3];
    let plan = TrackerPlan::new(&config).unwrap();
    let mut worst: f64 = 0.0;
    for seed in 0..20 {
        let mut rng = seeded(seed);
        let mut tracker = Tracker::new(&plan);
        let mut ids = Vec::new();
        for (second, truth) in states.iter().enumerate().skip(4) {
            let time_s = second as f64;
            let mut scan = vec![look(&site, truth, &mut rng).0];
            scan.truncate(usize::from(rng.random_bool(0.9)));
            false_ones(&mut rng, &mut scan);
            tracker.scan(time_s, 0, &scan).unwrap();
            ids.extend(tracker.tracks().map(|state| state.track));
            if second == (BURN_S as usize) + 20 {
                let track = *ids.last().unwrap();
                let highest = (0..400)
                    .filter_map(|ahead| tracker.predicted(track, time_s + f64::from(ahead)))
                    .filter_map(|state| state.position)
                    .fold(0.0, |most: f64, place| most.max(place.height_m));
                let error = (highest / apogee_m - 1.0).abs();
                worst = worst.max(error);
                assert!(error < 0.02, "seed {seed}: {highest} m, expected {apogee_m} m");
            }
        }
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 1, "seed {seed}: one flight, one track: {ids:?}");
    }
    println!("apogee {:.1} km, predicted within {:.2} % in 20 runs", apogee_m / 1e3, worst * 100.0);
}
