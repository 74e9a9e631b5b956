use super::*;
use crate::{Region, SiteConfig};
use rangegate_core::AntennaCoverage;

#[test]
fn outages_are_taken_out() {
    assert_eq!(without(&[[0, 10], [5, 20], [30, 40]], &[]), [[0, 20], [30, 40]]);
    assert_eq!(without(&[[0, 20], [30, 40]], &[[5, 7], [15, 35], [39, 50]]), [[0, 5], [7, 15], [35, 39]]);
    assert_eq!(without(&[[0, 20]], &[[-5, 25]]), [[0; 2]; 0]);
    assert_eq!(without(&[[3, 3], [9, 1]], &[[2, 1]]), [[0; 2]; 0]);
}

/// A station that looks north out to 150 km.
fn station(conditions: &Conditions) -> Station {
    let site = SiteConfig {
        name: "a".to_owned(),
        owner: String::new(),
        position: Geodetic { latitude_deg: 50.0, longitude_deg: 10.0, height_m: 0.0 },
        antenna_height_m: 0.0,
        transmitter: None,
        coverage: AntennaCoverage {
            azimuth_deg: vec![[270.0, 90.0]],
            range_m: [0.0, 150e3],
            ..AntennaCoverage::default()
        },
        radar: None,
    };
    Station::new(&site, conditions).unwrap()
}

#[test]
fn cells_are_not_observed_empty_or_seen() {
    let conditions = Conditions::default();
    let station = station(&conditions);
    let grid = Grid::new(&Region([7.0, 48.5, 13.0, 51.5]), 30).unwrap();
    let north =
        Sighting { time_ns: Some(5), range_m: Some(100e3), azimuth_deg: Some(0.0), ..Sighting::default() };
    let sightings = [
        north,
        Sighting { time_ns: Some(15), ..north },
        Sighting { time_ns: None, ..north },
        Sighting { azimuth_deg: None, ..north },
        Sighting { range_m: Some(900e3), ..north },
        Sighting { place: Some(station.antenna), azimuth_deg: None, ..north },
        Sighting { range_m: Some(f64::NAN), ..north },
    ];
    let found = measure(&station, &conditions, &grid, 10e3, &[[0, 10]], sightings);
    let counts = (found.n_placed, found.n_elsewhere, found.n_untimed, found.n_unplaced);
    assert_eq!(counts, (2, 1, 2, 2));
    let at = |lat, lon| grid.cell(lat, lon).unwrap();
    // 100 km on at 10 km altitude is 99.4 km over the ground.
    assert_eq!(found.seen[at(50.894, 10.0)], Seen::Seen);
    assert_eq!(found.counts.iter().sum::<u64>(), 2);
    assert_eq!(found.seen[at(50.5, 10.5)], Seen::Empty);
    assert_eq!(found.seen[at(49.5, 10.5)], Seen::NotObserved);
    assert!(found.predicted[at(50.5, 10.5)] && !found.predicted[at(49.5, 10.5)]);
    let all: f64 = [Seen::NotObserved, Seen::Empty, Seen::Seen]
        .iter()
        .flat_map(|seen| [true, false].map(|is_predicted| found.area_km2(&grid, *seen, is_predicted)))
        .sum();
    let whole: f64 = (0..grid.n_cells()).map(|cell| grid.cell_km2(cell)).sum();
    assert!((all / whole - 1.0).abs() < 1e-9);

    // A station that never ran has observed nothing.
    let idle = measure(&station, &conditions, &grid, 10e3, &[], [north]);
    assert!(idle.seen.iter().all(|seen| *seen == Seen::NotObserved) && idle.n_untimed == 1);
}

#[test]
fn elevations_place_as_altitudes_do() {
    let antenna = Geodetic { latitude_deg: 50.0, longitude_deg: 10.0, height_m: 100.0 };
    let without = Sighting { range_m: Some(120e3), azimuth_deg: Some(70.0), ..Sighting::default() };
    let place = place_of(&antenna, &without, 9e3).unwrap();
    // The triangle is a sphere's.
    assert!((place.height_m - 9e3).abs() < 15.0, "{place:?}");
    let elevation_deg = Some(3.7);
    let high = place_of(&antenna, &Sighting { elevation_deg, ..without }, 0.0).unwrap();
    assert!((high.height_m - (100.0 + 120e3 * 3.7f64.to_radians().sin() + 1.12e3)).abs() < 60.0, "{high:?}");
}
