//! Paths against their own derivatives, and against what mechanics says of them.
#![allow(clippy::float_cmp)] // what is exact is compared exactly

use super::*;
use crate::radar::geometry::dot;
use crate::radar::orbit::EARTH_GM_M3PS2;

fn plan(text: &str) -> Path {
    let config: PathConfig = toml::from_str(text).unwrap();
    let origin = GeodeticConfig { latitude_deg: 52.0, longitude_deg: 13.0, height_m: 50.0 };
    Path::plan(&config, Some(&origin), &Field("target[0]")).unwrap()
}

const ARCS: &str = "
    type = 'arcs'
    position_m = [100, 200, 300]
    velocity_mps = [0, 50, 2]
    arcs = [{ turn_rate_degps = 9, duration_s = 10 }, { turn_rate_degps = 0, duration_s = 3 }, { turn_rate_degps = -4.5 }]";
const WAY_POINTS: &str = "
    type = 'way_points'
    points = [
        { time_s = -1, position_m = [0, 0, 0] },
        { time_s = 2, position_m = [30, -60, 3] },
        { time_s = 4, position_m = [30, -60, 23] },
    ]";
const FREE_FALL: &str = "type = 'free_fall'\nposition_m = [1, 2, 3000]\nvelocity_mps = [100, -20, 50]";
const KEPLER: &str = "
    type = 'kepler'
    semi_major_axis_m = 8e6
    eccentricity = 0.15
    inclination_deg = 63.4
    raan_deg = 40
    argument_of_perigee_deg = 270
    mean_anomaly_deg = 100
    sidereal_angle_deg = 200";

#[test]
fn velocity_is_the_derivative_of_position() {
    for text in [ARCS, WAY_POINTS, FREE_FALL, KEPLER] {
        let path = plan(text);
        for time_s in [-0.4, 0.3, 1.7, 3.3, 9.0, 11.0, 12.5, 40.0] {
            let step_s = 1e-3;
            let at = |s: f64| path.state(time_s + s).position_m;
            let slope = minus(at(step_s), at(-step_s)).map(|way_m| way_m / (2.0 * step_s));
            let error = norm(minus(slope, path.state(time_s).velocity_mps));
            assert!(error < 2e-5, "{text}: {error} m/s at {time_s} s");
        }
    }
}

#[test]
fn turns_are_circles_to_the_right() {
    let path = plan(
        "type = 'arcs'\nposition_m = [0, 0, 9]\nvelocity_mps = [0, 50, 0]\narcs = [{ turn_rate_degps = 9 }]",
    );
    let radius_m = 50.0 / 9.0_f64.to_radians();
    for (time_s, expected) in
        [(10.0, [radius_m, radius_m, 9.0]), (20.0, [2.0 * radius_m, 0.0, 9.0]), (40.0, [0.0, 0.0, 9.0])]
    {
        assert!(norm(minus(path.state(time_s).position_m, expected)) < 1e-9, "{time_s}");
    }
    // Arcs join; the climb stays.
    let path = plan(ARCS);
    for joint_s in [10.0, 13.0] {
        let (before, after) = (path.state(joint_s - 1e-9), path.state(joint_s));
        assert!(norm(minus(before.position_m, after.position_m)) < 1e-6);
        assert!(norm(minus(before.velocity_mps, after.velocity_mps)) < 1e-6);
    }
    assert!((path.state(40.0).position_m[2] - 380.0).abs() < 1e-9);
}

#[test]
fn way_points_are_reached_in_time() {
    let path = plan(WAY_POINTS);
    assert_eq!(path.state(0.5).position_m, [15.0, -30.0, 1.5]);
    assert_eq!(path.state(3.0).position_m, [30.0, -60.0, 13.0]);
    assert_eq!(path.span_s(), (-1.0, 4.0));
}

#[test]
fn falls_are_parabolas() {
    let state = plan(FREE_FALL).state(10.0);
    assert!(norm(minus(state.position_m, [1001.0, -198.0, 3500.0 - 490.3325])) < 1e-9, "{state:?}");
}

#[test]
fn orbits_close_and_keep_their_energy() {
    let Path::Orbit(orbit) = plan(KEPLER) else { panic!("no orbit") };
    let period_s = std::f64::consts::TAU * (8e6_f64.powi(3) / EARTH_GM_M3PS2).sqrt();
    let start = orbit.inertial(0.0);
    assert!(norm(minus(orbit.inertial(period_s).position_m, start.position_m)) < 1e-5);
    let momentum = |state: &State| {
        let ([x, y, z], [u, v, w]) = (state.position_m, state.velocity_mps);
        [y * w - z * v, z * u - x * w, x * v - y * u]
    };
    let (mut least_m, mut greatest_m) = (f64::INFINITY, 0.0_f64);
    for k in 0..1000 {
        let state = orbit.inertial(period_s * f64::from(k) / 1000.0);
        let radius_m = norm(state.position_m);
        // Vis viva.
        let speed_mps = (EARTH_GM_M3PS2 * (2.0 / radius_m - 1.0 / 8e6)).sqrt();
        assert!((norm(state.velocity_mps) - speed_mps).abs() < 1e-8 * speed_mps);
        let (l, l0) = (momentum(&state), momentum(&start));
        assert!(norm(minus(l, l0)) < 1e-12 * norm(l0));
        // The plane's normal has the inclination and the node that were asked for.
        assert!((l[2] / norm(l) - 63.4_f64.to_radians().cos()).abs() < 1e-12);
        assert!((l[0].atan2(-l[1]).to_degrees() - 40.0).abs() < 1e-9);
        (least_m, greatest_m) = (least_m.min(radius_m), greatest_m.max(radius_m));
    }
    assert!((least_m - 6.8e6).abs() < 100.0 && (greatest_m - 9.2e6).abs() < 100.0, "{least_m} {greatest_m}");
    // Perigee is farthest south: argument 270°.
    let perigee_s = period_s * 260.0 / 360.0;
    let position_m = orbit.inertial(perigee_s).position_m;
    assert!((norm(position_m) - 6.8e6).abs() < 1e-3);
    assert!((position_m[2] / 6.8e6 + 63.4_f64.to_radians().sin()).abs() < 1e-9);
}

#[test]
fn a_geostationary_satellite_stands_still() {
    // The sidereal day that belongs to the Earth's rate.
    let rate: f64 = 7.292_115e-5;
    let text = format!(
        "type = 'kepler'\nsemi_major_axis_m = {}\ninclination_deg = 0\nsidereal_angle_deg = 300\nmean_anomaly_deg = 313",
        (EARTH_GM_M3PS2 / rate.powi(2)).cbrt()
    );
    let path = plan(&text);
    let (start, later) = (path.state(0.0), path.state(20_000.0));
    assert!(norm(minus(start.position_m, later.position_m)) < 1e-2);
    assert!(norm(start.velocity_mps) < 1e-6);
    // Due south of 13° east, 30.4° up as seen from 52° north.
    let (azimuth_deg, elevation_deg) = crate::radar::geometry::direction_deg([0.0; 3], start.position_m);
    assert!((azimuth_deg - 180.0).abs() < 1e-6 && (elevation_deg - 30.4).abs() < 0.2, "{elevation_deg}");
    assert!(path.sees(start.position_m) && dot(start.position_m, [0.0, 0.0, 1.0]) > 0.0);
}
