//! Models of motion: Jacobians against differences, closed forms, an independent integrator.
#![allow(missing_docs)]

use nalgebra::{SVector, Vector3};
use rangegate_tracking::geodesy::{Frame, Geodetic};
use rangegate_tracking::motion::Motion;

fn check_jacobian<const N: usize>(motion: &Motion, n_axes: usize, state: SVector<f64, N>, tolerance: f64) {
    for step_s in [0.1, 1.0, 7.0] {
        let moved = motion.step(&state, n_axes, step_s);
        for column in 0..N {
            let delta = [1.0, 0.1, 1e-3][column / n_axes];
            let (mut above, mut below) = (state, state);
            above[column] += delta;
            below[column] -= delta;
            let difference = (motion.step(&above, n_axes, step_s).state
                - motion.step(&below, n_axes, step_s).state)
                / (2.0 * delta);
            for row in 0..N {
                let (found, expected) = (moved.jacobian[(row, column)], difference[row]);
                let scale = 1.0 + expected.abs();
                assert!(
                    (found - expected).abs() < tolerance * scale,
                    "{motion:?} ({row}, {column}): {found} {expected}"
                );
            }
        }
    }
}

fn local() -> Frame {
    Frame::local(&Geodetic { latitude_deg: 67.9, longitude_deg: 21.1, height_m: 300.0 })
}

#[test]
fn jacobians_are_derivatives() {
    let plane = SVector::from([1e3, 2e3, 150.0, -60.0, 3.0, 9.0]);
    let space = SVector::from([1e3, 2e3, 3e3, 150.0, -60.0, 20.0, 3.0, 9.0, -4.0]);
    let straight = SVector::from([1e3, 2e3, 150.0, -60.0, 0.0, 0.0]);
    let turn = Motion::EstimatedTurn { psd: 1.0 };
    check_jacobian(&turn, 2, plane, 1e-5);
    check_jacobian(&turn, 3, space, 1e-5);
    check_jacobian(&Motion::ConstantAcceleration { psd: 1.0 }, 3, space, 1e-9);
    check_jacobian(
        &Motion::KnownTurn { rate_radps: 0.1, psd: 1.0, acceleration_mps2: 1.0 },
        2,
        straight,
        1e-8,
    );
    let flight = SVector::from([1e3, 2e3, 90e3, 150.0, -60.0, 1_020.0]);
    check_jacobian(&Motion::free_flight(local(), 1.0), 3, flight, 1e-4);
    let orbit = SVector::from([6.9e6, 1e5, 2e5, 150.0, 5_000.0, 5_400.0]);
    check_jacobian(&Motion::free_flight(Frame::earth(), 1.0), 3, orbit, 1e-4);
}

#[test]
fn noise_adds_up() {
    // Two steps of one second gather what one of two seconds does.
    let models = [
        Motion::NearlyConstantVelocity { psd: 3.0, acceleration_mps2: 2.0 },
        Motion::ConstantAcceleration { psd: 2.0 },
    ];
    let state = SVector::<f64, 6>::from([1e3, 2e3, 150.0, -60.0, 0.5, -0.25]);
    for model in models {
        let (one, two) = (model.step(&state, 2, 1.0), model.step(&state, 2, 2.0));
        let again = model.step(&one.state, 2, 1.0);
        assert!((again.state - two.state).norm() < 1e-9);
        let noise = again.jacobian * one.noise * again.jacobian.transpose() + again.noise;
        assert!((noise - two.noise).fixed_view::<4, 4>(0, 0).norm() < 1e-9, "{model:?}");
    }
}

#[test]
fn turns_are_circles() {
    // To the right at 6 degrees per second: heading north, after 15 s heading east.
    let rate_radps = 6f64.to_radians();
    let known = Motion::KnownTurn { rate_radps, psd: 1.0, acceleration_mps2: 1.0 };
    let north = SVector::<f64, 4>::from([0.0, 0.0, 0.0, 100.0]);
    let radius = 100.0 / rate_radps;
    let quarter = known.step(&north, 2, 15.0).state;
    assert!((quarter - SVector::from([radius, radius, 100.0, 0.0])).norm() < 1e-9, "{quarter}");
    // The same from the acceleration alone, in one step and in many.
    let estimated = Motion::EstimatedTurn { psd: 1.0 };
    let mut state = SVector::<f64, 6>::from([0.0, 0.0, 0.0, 100.0, 100.0 * rate_radps, 0.0]);
    let at_once = estimated.step(&state, 2, 15.0).state;
    for _ in 0..150 {
        state = estimated.step(&state, 2, 0.1).state;
    }
    assert!((state - at_once).norm() < 1e-6 && (state.fixed_rows::<4>(0) - quarter).norm() < 1e-6, "{state}");
}

/// Acceleration in a frame that does not turn: the gradient of the potential, by differences of the potential itself.
fn inertial_acceleration(r: Vector3<f64>) -> Vector3<f64> {
    let potential = |r: Vector3<f64>| {
        let d = r.norm();
        let s2 = (r.z / d).powi(2);
        3.986_004_418e14 / d * (1.0 - 1.082_626_68e-3 * (6_378_137.0 / d).powi(2) * (1.5 * s2 - 0.5))
    };
    Vector3::from_fn(|i, _| {
        let mut h = Vector3::zeros();
        h[i] = 200.0;
        (8.0 * (potential(r + h) - potential(r - h)) - (potential(r + 2.0 * h) - potential(r - 2.0 * h)))
            / 2_400.0
    })
}

/// Runge-Kutta in the frame that does not turn, then turned: independent of the model's Coriolis and centrifugal terms.
fn integrate(state: SVector<f64, 6>, time_s: f64, step_s: f64) -> SVector<f64, 6> {
    let spin = Vector3::z() * 7.292_115e-5;
    let mut r: Vector3<f64> = state.fixed_rows::<3>(0).into();
    let mut v: Vector3<f64> = Vector3::from(state.fixed_rows::<3>(3)) + spin.cross(&r);
    for _ in 0..(time_s / step_s).round() as usize {
        let h = step_s;
        let a1 = inertial_acceleration(r);
        let (r2, v2) = (r + v * (h / 2.0), v + a1 * (h / 2.0));
        let a2 = inertial_acceleration(r2);
        let (r3, v3) = (r + v2 * (h / 2.0), v + a2 * (h / 2.0));
        let a3 = inertial_acceleration(r3);
        let (r4, v4) = (r + v3 * h, v + a3 * h);
        let a4 = inertial_acceleration(r4);
        r += (v + v2 * 2.0 + v3 * 2.0 + v4) * (h / 6.0);
        v += (a1 + a2 * 2.0 + a3 * 2.0 + a4) * (h / 6.0);
    }
    let turn = nalgebra::Rotation3::from_axis_angle(&Vector3::z_axis(), -7.292_115e-5 * time_s);
    let (r, v) = (turn * r, turn * v);
    let v = v - spin.cross(&r);
    SVector::from([r.x, r.y, r.z, v.x, v.y, v.z])
}

#[test]
fn free_flight_is_what_an_independent_integrator_says() {
    let motion = Motion::free_flight(Frame::earth(), 1e-3);
    let orbit = SVector::<f64, 6>::from([4.2e6, -3.1e6, 4.5e6, 4_300.0, 5_600.0, -200.0]);
    let arc = Geodetic { latitude_deg: 67.9, longitude_deg: 21.1, height_m: 60e3 };
    let frame = Frame::local(&arc);
    let start = arc.ecef_m();
    let velocity = frame.from_ecef.transpose() * Vector3::new(200.0, 150.0, 1_100.0);
    let arc = SVector::from([start.x, start.y, start.z, velocity.x, velocity.y, velocity.z]);
    for (state, time_s) in [(orbit, 600.0), (arc, 200.0)] {
        let expected = integrate(state, time_s, 0.25);
        let found = motion.step(&state, 3, time_s).state;
        let error = (found - expected).fixed_rows::<3>(0).norm();
        assert!(error < 0.05, "{error} m after {time_s} s");
        // The same in a local frame.
        let local = Motion::free_flight(frame, 1e-3);
        let to = |s: &SVector<f64, 6>| {
            let p = frame.position_m(&s.fixed_rows::<3>(0).into());
            let v = frame.from_ecef * Vector3::from(s.fixed_rows::<3>(3));
            SVector::from([p.x, p.y, p.z, v.x, v.y, v.z])
        };
        let error = (local.step(&to(&state), 3, time_s).state - to(&expected)).fixed_rows::<3>(0).norm();
        assert!(error < 0.05, "{error} m after {time_s} s, local");
    }
}
