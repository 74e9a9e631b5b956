use super::*;
use crate::{Refraction, Region, SiteConfig};
use rangegate_core::AntennaCoverage;
use rangegate_tracking::Geodetic;
use std::f64::consts::PI;

fn site(name: &str, latitude_deg: f64, longitude_deg: f64) -> SiteConfig {
    SiteConfig {
        name: name.to_owned(),
        owner: String::new(),
        position: Geodetic { latitude_deg, longitude_deg, height_m: 0.0 },
        antenna_height_m: 0.0,
        transmitter: None,
        coverage: AntennaCoverage::default(),
        radar: None,
    }
}

fn cover(sites: &[SiteConfig], altitude_m: f64, rows: usize) -> (Cover, Vec<Station>) {
    let conditions = Conditions::default();
    let stations: Vec<Station> = sites.iter().map(|site| Station::new(site, &conditions).unwrap()).collect();
    let region = Region::around(&stations, &conditions.air, altitude_m).unwrap();
    let grid = Grid::new(&region, rows).unwrap();
    (Cover::new(&stations, &conditions, &grid, altitude_m).unwrap(), stations)
}

#[test]
fn what_one_station_sees_is_a_spherical_cap() {
    // Everywhere, over the antimeridian and over a pole too.
    for (lat, lon) in [(0.0, 0.0), (41.0, 47.8), (60.0, 179.5), (-70.0, -179.9), (88.0, 30.0), (-90.0, 0.0)] {
        for altitude_m in [10e3, 400e3] {
            let (cover, stations) = cover(&[site("a", lat, lon)], altitude_m, 90);
            let angle = Refraction::default().horizon_m(0.0, altitude_m) / crate::horizon::EARTH_RADIUS_M;
            let radius_km = crate::horizon::EARTH_RADIUS_M / 1e3;
            let cap_km2 = 2.0 * PI * radius_km.powi(2) * (1.0 - angle.cos());
            let found_km2 = cover.summary(&stations).stations[0].seen_km2;
            // A cap of the sphere on the ellipsoid, whose radii of curvature differ by up to 0.7 % from the mean.
            let error = found_km2 / cap_km2 - 1.0;
            assert!(error.abs() < 0.015, "{lat} {lon} at {altitude_m} m: {error}");
        }
    }
}

#[test]
fn areas_are_those_of_a_cap_to_a_thousandth_where_the_edge_is_a_circle_of_the_sphere() {
    // At a pole an edge of constant distance is a circle of latitude on ellipsoid and sphere alike, which latitude the
    // halving of distances says.
    let (cover, stations) = cover(&[site("pole", 90.0, 0.0)], 300e3, 160);
    let edge_m = Refraction::default().horizon_m(0.0, 300e3);
    let pole = Geodetic { latitude_deg: 90.0, longitude_deg: 0.0, height_m: 0.0 };
    let (mut south, mut north) = (0.0, 90.0);
    for _ in 0..60 {
        let middle = 0.5 * (south + north);
        let here = Geodetic { latitude_deg: middle, ..pole };
        if crate::horizon::ground_range_m(&pole, &here) > edge_m { south = middle } else { north = middle }
    }
    let radius_km = crate::horizon::EARTH_RADIUS_M / 1e3;
    let cap_km2 = 2.0 * PI * radius_km.powi(2) * (1.0 - north.to_radians().sin());
    let error = cover.summary(&stations).stations[0].seen_km2 / cap_km2 - 1.0;
    assert!(error.abs() < 1e-3, "{error}");
    // All cells together are the cap of the map.
    let south = cover.grid.south_deg.to_radians().sin();
    let map_km2 = 2.0 * PI * radius_km.powi(2) * (1.0 - south);
    assert!((cover.area_km2(|_| true) / map_km2 - 1.0).abs() < 1e-9);
}

#[test]
fn parts_add_up_and_joining_fills_gaps() {
    let sites = [site("a", 40.0, 45.0), site("b", 44.0, 45.0), site("c", 42.0, 50.0)];
    let (cover, stations) = cover(&sites, 5e3, 100);
    let summary = cover.summary(&stations);
    let Summary { region_km2, by_nobody_km2, by_one_km2, by_several_km2, .. } = summary;
    assert!((by_nobody_km2 + by_one_km2 + by_several_km2 - region_km2).abs() < 1e-3 * region_km2);
    assert!(by_nobody_km2 > 0.0 && by_one_km2 > 0.0 && by_several_km2 > 0.0);
    let two = cover.area_km2(|seen_by| seen_by & 0b11 == 0);
    let added = cover.added(2);
    assert!((two - added.fills_km2 - added.still_by_nobody_km2).abs() < 1e-6 * two);
    assert!((added.fills_km2 - summary.stations[2].alone_km2).abs() < 1e-6 * two);
    let seen_first: f64 =
        cover.shares(|seen_by| seen_by & 1 == 1).iter().map(|share| f64::from(*share)).sum();
    assert!(seen_first > 100.0);
}

#[test]
fn sectors_and_instrumented_ranges_cut() {
    let whole = site("a", 50.0, 10.0);
    let all_km2 = cover(std::slice::from_ref(&whole), 10e3, 120).0.area_km2(|seen_by| seen_by == 1);
    let quarter = SiteConfig {
        coverage: AntennaCoverage { azimuth_deg: vec![[315.0, 45.0]], ..AntennaCoverage::default() },
        ..whole.clone()
    };
    let quarter_km2 = cover(&[quarter], 10e3, 120).0.area_km2(|seen_by| seen_by == 1);
    assert!((4.0 * quarter_km2 / all_km2 - 1.0).abs() < 0.01, "{quarter_km2} of {all_km2}");
    let short = SiteConfig {
        coverage: AntennaCoverage { range_m: [0.0, 100e3], ..AntennaCoverage::default() },
        ..whole
    };
    let short_km2 = cover(&[short], 10e3, 120).0.area_km2(|seen_by| seen_by == 1);
    assert!((short_km2 / (PI * (100.0f64.powi(2) - 10.0f64.powi(2))) - 1.0).abs() < 0.01, "{short_km2}");
}

#[test]
fn bistatic_stations_see_an_oval() {
    // Two places 200 km apart on the equator, and a radar whose oval just divides: κ is half the baseline.
    let mut bistatic = site("b", 0.0, 0.0);
    bistatic.transmitter = Some(Geodetic { latitude_deg: 0.0, longitude_deg: 1.8, height_m: 0.0 });
    let radar = |power_w| crate::RadarConfig {
        frequency_hz: 1e9,
        peak_power_w: power_w,
        pulse_length_s: 1e-6,
        transmit_gain_db: 30.0,
        receive_gain_db: 30.0,
        noise_temperature_k: 290.0,
        losses_db: 0.0,
        n_pulses: 1,
        integration: crate::radar::Integration::Coherent,
    };
    let conditions = Conditions::default();
    let at_1_w_m = radar(1.0).range_m(&conditions.target);
    for (kappa_m, sees_middle) in [(95e3, false), (105e3, true)] {
        bistatic.radar = Some(radar(f64::powi(kappa_m / at_1_w_m, 4)));
        let station = Station::new(&bistatic, &conditions).unwrap();
        assert!((station.reach_m() / kappa_m - 1.0).abs() < 1e-9);
        let at = |longitude_deg| Geodetic { latitude_deg: 0.0, longitude_deg, height_m: 5e3 };
        assert_eq!(station.sees(&conditions, &at(0.9)), sees_middle, "{kappa_m}");
        assert!(station.sees(&conditions, &at(0.1)) && station.sees(&conditions, &at(1.7)));
    }
}
