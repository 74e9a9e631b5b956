use super::*;
use crate::synthetic::{FREE, STRAIGHT, normal, path, random, state, tracked};
use rangegate_tracking::gaussian::{Gaussian, Matrix, Vector};

fn kinds<K: Copy>(phases: &[Phase<K>]) -> Vec<K> {
    phases.iter().map(|phase| phase.kind).collect()
}

/// An aircraft that climbs, flies level and comes down, by heights over time.
fn aircraft(seed: u64) -> Vec<Vector<6>> {
    let mut random = random(seed);
    let mut height_m = 800.0;
    let mut truth = Vec::new();
    for second in 0..600 {
        let climb = match second {
            0..180 => 10.0,
            180..400 => 0.0,
            _ => -7.0,
        };
        truth.push(state(48.0, 11.0 + 0.0025 * f64::from(second), height_m, [186.0, 0.0, climb]));
        height_m += climb + 0.1 * normal(&mut random).x;
    }
    truth
}

#[test]
fn an_aircraft_climbs_flies_level_and_descends() {
    for seed in 0..20 {
        let states = tracked(&aircraft(seed), &STRAIGHT(1.0), 20.0, &mut random(100 + seed));
        let phases = flight_phases(&states);
        assert_eq!(kinds(&phases), [Flight::Climbing, Flight::Level, Flight::Descending], "{phases:?}");
        assert!((phases[0].to_s - 180.0).abs() < 20.0 && (phases[1].to_s - 400.0).abs() < 20.0, "{phases:?}");
        assert!(phases.windows(2).all(|pair| (pair[0].to_s - pair[1].from_s).abs() < 1e-9));
    }
}

#[test]
fn free_flight_is_known_by_gravity_and_an_orbit_by_its_perigee() {
    for seed in 0..10 {
        let mut random = random(seed);
        // A sounding rocket after burn-out, and a satellite.
        for (from, expected) in [
            (state(68.0, 21.0, 70e3, [200.0, 300.0, 1_600.0]), Flight::FreeFlight),
            (state(10.0, 40.0, 500e3, [7_000.0, 600.0, 0.0]), Flight::Orbit),
        ] {
            let truth = path(from, 240, &FREE(0.0), 0.0, &mut random);
            let phases = flight_phases(&tracked(&truth, &FREE(1e-3), 100.0, &mut random));
            assert_eq!(kinds(&phases), [expected], "{phases:?}");
        }
    }
}

#[test]
fn a_rocket_climbs_under_power_and_then_falls_freely() {
    let mut random = random(5);
    let mut truth = vec![state(68.0, 21.0, 1e3, [10.0, 20.0, 100.0])];
    for _ in 0..60 {
        let last = truth[truth.len() - 1];
        let up: Vector<3> = last.fixed_rows::<3>(0).normalize();
        let mut next = last;
        for i in 0..3 {
            next[i] += last[3 + i] + 0.5 * 25.0 * up[i];
            next[3 + i] += 25.0 * up[i];
        }
        truth.push(next);
    }
    let burnt_out = truth.pop().unwrap();
    truth.extend(path(burnt_out, 200, &FREE(0.0), 0.0, &mut random));
    let states = tracked(&truth, &STRAIGHT(100.0), 10.0, &mut random);
    let phases = flight_phases(&states);
    assert_eq!(kinds(&phases), [Flight::Climbing, Flight::FreeFlight], "{phases:?}");
    assert!((phases[0].to_s - 60.0).abs() < 15.0, "{phases:?}");
}

#[test]
fn a_range_falls_and_grows() {
    let passing = |second: f64| (500.0f64.hypot(40.0 * (second - 100.0)), 0.0);
    let states: States<2> = (0..200)
        .map(|k| {
            let (second, spread) =
                (f64::from(k), Matrix::<2, 2>::from_diagonal(&Vector::<2>::new(9.0, 0.09)));
            let (here, _) = passing(second);
            let rate = (passing(second + 0.01).0 - here) / 0.01;
            (second, Gaussian { mean: Vector::<2>::new(here, rate), covariance: spread })
        })
        .collect();
    let phases = radial_phases(&states);
    assert_eq!(kinds(&phases), [Radial::Approaching, Radial::Receding], "{phases:?}");
    assert!((phases[0].to_s - 100.0).abs() < 2.0);
    // What is not known is not said.
    let vague: States<2> = states
        .into_iter()
        .map(|(time, state)| (time, Gaussian { covariance: state.covariance * 1e6, ..state }))
        .collect();
    assert_eq!(kinds(&radial_phases(&vague)), [Radial::Unknown]);
    assert_eq!(radial_phases(&Vec::new()), []);
}
