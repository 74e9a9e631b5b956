//! Measurement spaces and places: Jacobians against differences, inversion, WGS-84.
#![allow(missing_docs)]

use nalgebra::{Matrix3, SVector, Vector3};
use rangegate_tracking::geodesy::{Frame, Geodetic};
use rangegate_tracking::measurement::Geometry;

/// A station that is bistatic and whose horizon is turned.
fn bistatic() -> Geometry {
    Geometry {
        receiver_m: Vector3::new(1_200.0, -800.0, 50.0),
        transmitter_m: Vector3::new(-21_000.0, 9_000.0, 200.0),
        offset_m: 3_000.0,
        horizon_from_frame: Geodetic { latitude_deg: 12.0, longitude_deg: 34.0, height_m: 0.0 }
            .enu_from_ecef(),
    }
}

fn check_jacobian<const N: usize>(geometry: &Geometry, n_axes: usize, state: SVector<f64, N>) {
    let (_, jacobian) = geometry.observe::<N, 4>(&state, n_axes);
    for column in 0..N {
        let step = if column < n_axes { 0.5 } else { 0.01 };
        let (mut above, mut below) = (state, state);
        above[column] += step;
        below[column] -= step;
        let difference = (geometry.observe::<N, 4>(&above, n_axes).0
            - geometry.observe::<N, 4>(&below, n_axes).0)
            / (2.0 * step);
        for row in 0..4 {
            let (found, expected) = (jacobian[(row, column)], difference[row]);
            assert!((found - expected).abs() < 1e-7, "row {row}, column {column}: {found}, {expected}");
        }
    }
}

#[test]
fn jacobians_are_derivatives() {
    for geometry in [bistatic(), Geometry::monostatic(Vector3::new(10.0, 20.0, 3.0))] {
        check_jacobian(&geometry, 3, SVector::from([8e3, 15e3, 4e3, 120.0, -80.0, 15.0]));
        check_jacobian(&geometry, 3, SVector::from([-8e3, 5e3, 2e3, 20.0, 180.0, -15.0, 1.0, 2.0, 3.0]));
    }
    let flat = Geometry::monostatic(Vector3::new(10.0, 20.0, 0.0));
    check_jacobian(&flat, 2, SVector::from([-9e3, -5e3, 20.0, 180.0]));
    check_jacobian(&flat, 2, SVector::from([-9e3, 5e3, 20.0, 180.0, 1.0, -2.0]));
    check_jacobian(&flat, 1, SVector::from([9e3, -50.0, 2.0]));
}

#[test]
fn ranges_are_paths() {
    let station = bistatic();
    let state = SVector::from([8e3, 15e3, 4e3, 120.0, -80.0, 15.0]);
    let position = Vector3::new(8e3, 15e3, 4e3);
    let path = (position - station.receiver_m).norm() + (position - station.transmitter_m).norm();
    let (seen, _) = station.observe::<6, 4>(&state, 3);
    assert!((seen[0] - (path / 2.0 - station.offset_m)).abs() < 1e-9);
    // The rate is what the range does.
    let later = SVector::from([8e3 + 0.12, 15e3 - 0.08, 4e3 + 0.015, 0.0, 0.0, 0.0]);
    let moved = station.observe::<6, 4>(&later, 3).0[0] - seen[0];
    assert!((moved / 1e-3 - seen[1]).abs() < 1e-3);
    // Azimuth runs clockwise from north.
    let mono = Geometry::monostatic(Vector3::zeros());
    let east = mono.observe::<6, 4>(&SVector::from([1e3, 0.0, 1e3, 0.0, 0.0, 0.0]), 3).0;
    assert!((east[2].to_degrees() - 90.0).abs() < 1e-9 && (east[3].to_degrees() - 45.0).abs() < 1e-9);
}

#[test]
fn places_come_back() {
    for (latitude_deg, longitude_deg, height_m) in [
        (52.0, 4.0, 12.0),
        (-33.0, 151.0, 800e3),
        (78.2, -15.0, 110e3),
        (0.0, 179.9, 0.0),
        (-89.0, 10.0, 5e6),
    ] {
        let place = Geodetic { latitude_deg, longitude_deg, height_m };
        let back = Geodetic::from_ecef_m(&place.ecef_m());
        assert!((back.ecef_m() - place.ecef_m()).norm() < 0.2, "{place:?} {back:?}");
        let frame = Frame::local(&place);
        assert!((frame.from_ecef * frame.from_ecef.transpose() - Matrix3::identity()).norm() < 1e-12);
        let up = frame.position_m(&Geodetic { height_m: height_m + 100.0, ..place }.ecef_m());
        assert!((up - Vector3::new(0.0, 0.0, 100.0)).norm() < 1e-6, "{up}");
        let north = Geodetic { latitude_deg: latitude_deg + 1e-3, ..place };
        let north = frame.position_m(&north.ecef_m());
        assert!(north.y > 100.0 && north.x.abs() < 1e-6, "{north}");
        assert!((frame.position_m(&frame.ecef_m(&up)) - up).norm() < 1e-6);
    }
    // Published: the ellipsoid's axes.
    let equator = Geodetic { latitude_deg: 0.0, longitude_deg: 90.0, height_m: 0.0 }.ecef_m();
    assert!((equator - Vector3::new(0.0, 6_378_137.0, 0.0)).norm() < 1e-6);
    let pole = Geodetic { latitude_deg: 90.0, longitude_deg: 0.0, height_m: 0.0 }.ecef_m();
    assert!((pole - Vector3::new(0.0, 0.0, 6_356_752.314_245)).norm() < 1e-4, "{pole}");
}
