//! Filters believe no more and no less than they know: NEES and NIS over 500 runs for each model, truth drawn from the
//! model itself; covariances stay positive definite.
#![allow(missing_docs, clippy::print_stdout)]

mod common;

use common::{chi2_mean_bounds, draw, normal, seeded};
use nalgebra::{Matrix4, SMatrix, SVector, Vector3, Vector4};
use rand::RngExt;
use rangegate_tracking::Filter;
use rangegate_tracking::filter::{View, predict};
use rangegate_tracking::gaussian::Gaussian;
use rangegate_tracking::geodesy::{Frame, Geodetic};
use rangegate_tracking::measurement::{Geometry, Measurement, Reading};
use rangegate_tracking::motion::Motion;

const RUNS: u64 = 500;
const STEPS: usize = 15;

/// Standard deviations of range, range rate, azimuth, elevation (m, m/s, degrees).
const SIGMAS: [f64; 4] = [15.0, 1.0, 0.3, 0.3];

fn accuracy() -> rangegate_tracking::Accuracy {
    let [range_m, range_rate_mps, azimuth_deg, elevation_deg] = SIGMAS;
    rangegate_tracking::Accuracy { range_m, range_rate_mps, azimuth_deg, elevation_deg }
}

fn reading(seen: &Vector4<f64>, n_axes: usize) -> Reading {
    let measurement = Measurement {
        range_m: Some(seen[0]),
        range_rate_mps: Some(seen[1]),
        azimuth_deg: Some(seen[2].to_degrees()),
        elevation_deg: Some(seen[3].to_degrees()),
        ..Measurement::default()
    };
    Reading::new(&measurement, &accuracy(), [true, true, n_axes > 1, n_axes > 2]).unwrap()
}

/// Means of NEES at the last step and of NIS over the last steps, each over all runs.
fn consistency<const N: usize>(
    filter: Filter,
    motion: Motion,
    n_axes: usize,
    start: SVector<f64, N>,
    spread: SVector<f64, N>,
    step_s: f64,
    runs: std::ops::Range<u64>,
) -> (f64, f64) {
    let n_runs = (runs.end - runs.start) as f64;
    let geometry = Geometry::monostatic(Vector3::zeros());
    let (mut nees, mut nis) = (0.0, 0.0);
    let mut n_nis = 0.0;
    for run in runs {
        let mut rng = seeded(run);
        let covariance = SMatrix::<f64, N, N>::from_diagonal(&spread.component_mul(&spread));
        let mut truth = start + draw(&mut rng, &covariance);
        let mut state = Gaussian { mean: start, covariance };
        for _ in 0..STEPS {
            let moved = motion.step(&truth, n_axes, step_s);
            truth = moved.state + draw(&mut rng, &moved.noise);
            state = predict(filter, &motion, &state, n_axes, step_s);
            let mut seen = geometry.observe::<N, 4>(&truth, n_axes).0;
            for c in 0..4 {
                let scale = if c < 2 { 1.0 } else { 1f64.to_radians() };
                seen[c] += SIGMAS[c] * scale * normal(&mut rng);
            }
            let reading = reading(&seen, n_axes);
            let view = View::<N, 4>::of(filter, &geometry, &state, n_axes);
            let innovation = view.innovation(&reading).unwrap();
            state = view.updated(&state, &reading, &innovation);
            nis += innovation.distance2;
            n_nis += 1.0;
        }
        let error = state.mean - truth;
        nees += error.dot(&(state.covariance.try_inverse().unwrap() * error)) / n_runs;
    }
    (nees, nis / n_nis)
}

/// 36 figures are looked at. Of a true filter's, 1.8 lie outside their 95 % by chance, more than five in one of 140
/// trials; and 95 % of trials have all 36 within these standard deviations (Šidák).
const Z_95: f64 = 1.96;
const MOST_OUTSIDE: usize = 5;
const Z_ALL: f64 = 3.19;

/// What became of a case: figures, and of them outside 95 %.
#[derive(Default)]
struct Tally {
    cases: u64,
    figures: usize,
    outside: usize,
}

impl Tally {
    fn check<const N: usize>(
        &mut self,
        name: &str,
        motion: Motion,
        n_axes: usize,
        (start, spread): (SVector<f64, N>, SVector<f64, N>),
        step_s: f64,
    ) {
        for filter in [Filter::Extended, Filter::Unscented] {
            // Each case draws its own noise: what one has of chance is not the next one's.
            let runs = self.cases * RUNS..(self.cases + 1) * RUNS;
            self.cases += 1;
            let (nees, nis) = consistency(filter, motion, n_axes, start, spread, step_s, runs);
            let n_measured = [2, 3, 4][n_axes - 1];
            for (what, found, degrees, n) in
                [("NEES", nees, N, RUNS as usize), ("NIS", nis, n_measured, RUNS as usize * STEPS)]
            {
                let (low, high) = chi2_mean_bounds(degrees, n, Z_95);
                let is_inside = low < found && found < high;
                println!(
                    "{name} {filter:?}: {what} {found:.3} in [{low:.3}, {high:.3}]{}",
                    if is_inside { "" } else { "  OUTSIDE" }
                );
                let (low, high) = chi2_mean_bounds(degrees, n, Z_ALL);
                assert!(
                    low < found && found < high,
                    "{name} {filter:?}: {what} {found}, not in [{low}, {high}]"
                );
                self.figures += 1;
                self.outside += usize::from(!is_inside);
            }
        }
    }
}

#[test]
fn errors_and_innovations_are_as_large_as_filters_say() {
    let mut tally = Tally::default();
    let calm = Motion::NearlyConstantVelocity { psd: 2.0, acceleration_mps2: 1.0 };
    let line = (SVector::from([10e3, 50.0]), SVector::from([30.0, 5.0]));
    tally.check("constant velocity, range", calm, 1, line, 1.0);
    let plane = (SVector::from([8e3, 9e3, 100.0, -60.0]), SVector::from([60.0, 60.0, 20.0, 20.0]));
    tally.check("constant velocity, plane", calm, 2, plane, 1.0);
    let local = (
        SVector::from([8e3, 9e3, 6e3, 100.0, -60.0, 5.0]),
        SVector::from([60.0, 60.0, 60.0, 20.0, 20.0, 20.0]),
    );
    tally.check("constant velocity, local", calm, 3, local, 1.0);

    let pushed = Motion::ConstantAcceleration { psd: 0.5 };
    let line = (SVector::from([10e3, 50.0, 2.0]), SVector::from([30.0, 5.0, 2.0]));
    tally.check("constant acceleration, range", pushed, 1, line, 1.0);
    let start = SVector::from([8e3, 9e3, 100.0, -60.0, 3.0, 1.0]);
    let spread = SVector::from([60.0, 60.0, 20.0, 20.0, 3.0, 3.0]);
    tally.check("constant acceleration, plane", pushed, 2, (start, spread), 1.0);

    let known = Motion::KnownTurn { rate_radps: 0.08, psd: 2.0, acceleration_mps2: 1.0 };
    let start = SVector::from([8e3, 9e3, 150.0, -60.0]);
    tally.check("known turn", known, 2, (start, SVector::from([60.0, 60.0, 20.0, 20.0])), 1.0);
    let estimated = Motion::EstimatedTurn { psd: 0.05 };
    let start = SVector::from([8e3, 9e3, 150.0, -60.0, 5.0, 12.0]);
    let spread = SVector::from([60.0, 60.0, 10.0, 10.0, 1.0, 1.0]);
    tally.check("estimated turn", estimated, 2, (start, spread), 1.0);

    let frame = Frame::local(&Geodetic { latitude_deg: 67.9, longitude_deg: 21.1, height_m: 300.0 });
    let start = SVector::from([20e3, 30e3, 60e3, 100.0, 200.0, 900.0]);
    let spread = SVector::from([200.0, 200.0, 200.0, 30.0, 30.0, 30.0]);
    tally.check("free flight", Motion::free_flight(frame, 0.1), 3, (start, spread), 1.0);
    tally.check("powered flight", Motion::free_flight(frame, 1_000.0), 3, (start, spread), 0.5);

    println!("{} of {} figures outside their 95 %", tally.outside, tally.figures);
    assert!(tally.figures == 36 && tally.outside <= MOST_OUTSIDE, "{} of {}", tally.outside, tally.figures);
}

/// A million updates with whatever comes: readings near and far, of all components or one, steps short and long.
fn stays_positive<const N: usize>(
    motion: Motion,
    n_axes: usize,
    start: SVector<f64, N>,
    filter: Filter,
    n: usize,
) {
    let geometry = Geometry::monostatic(Vector3::zeros());
    let mut rng = seeded(N as u64);
    let begin = Gaussian { mean: start, covariance: SMatrix::identity() * 1e4 };
    let mut state = begin;
    for at in 0..n {
        let step_s = 10f64.powf(rng.random_range(-3.0..0.7));
        state = predict(filter, &motion, &state, n_axes, step_s);
        let view = View::<N, 4>::of(filter, &geometry, &state, n_axes);
        let scale = 10f64.powf(rng.random_range(-2.0..1.0));
        let sigmas = Matrix4::from_diagonal(&Vector4::from(SIGMAS)) * scale;
        let mut seen = view.value;
        for c in 0..4 {
            seen[c] += sigmas[(c, c)] * if c < 2 { 1.0 } else { 1f64.to_radians() } * normal(&mut rng);
        }
        let keep = |present: bool, value: f64| present.then_some(value);
        let measurement = Measurement {
            range_m: Some(seen[0].max(0.0)),
            range_rate_mps: keep(rng.random_bool(0.7), seen[1]),
            azimuth_deg: keep(rng.random_bool(0.7), seen[2].to_degrees()),
            elevation_deg: keep(rng.random_bool(0.7), seen[3].to_degrees()),
            accuracy: Some(rangegate_tracking::Accuracy {
                range_m: sigmas[(0, 0)],
                range_rate_mps: sigmas[(1, 1)],
                azimuth_deg: sigmas[(2, 2)],
                elevation_deg: sigmas[(3, 3)],
            }),
            ..Measurement::default()
        };
        let usable = [true, true, n_axes > 1, n_axes > 2];
        let reading = Reading::new(&measurement, &accuracy(), usable).unwrap();
        let Some(innovation) = view.innovation(&reading) else { panic!("{motion:?}, update {at}: {view:?}") };
        state = view.updated(&state, &reading, &innovation);
        assert!(state.covariance.cholesky().is_some(), "{motion:?}, update {at}: {}", state.covariance);
        // The target does not leave for ever.
        if state.mean.norm() > 1e6 {
            state.mean = start;
        }
    }
}

#[test]
fn a_million_updates_leave_covariances_positive_definite() {
    let frame = Frame::local(&Geodetic { latitude_deg: 52.0, longitude_deg: 4.0, height_m: 0.0 });
    let calm = Motion::NearlyConstantVelocity { psd: 0.1, acceleration_mps2: 1.0 };
    let plane = SVector::from([8e3, 9e3, 100.0, -60.0]);
    stays_positive(calm, 2, plane, Filter::Extended, 500_000);
    stays_positive(calm, 2, plane, Filter::Unscented, 100_000);
    let line = SVector::from([8e3, 9.0, 1.0]);
    stays_positive(Motion::ConstantAcceleration { psd: 0.1 }, 1, line, Filter::Extended, 200_000);
    let space = SVector::from([8e3, 9e3, 4e3, 100.0, -60.0, 0.0, 1.0, 2.0, 0.0]);
    stays_positive(Motion::EstimatedTurn { psd: 0.1 }, 3, space, Filter::Extended, 50_000);
    stays_positive(Motion::EstimatedTurn { psd: 0.1 }, 3, space, Filter::Unscented, 50_000);
    let arc = SVector::from([8e3, 9e3, 90e3, 100.0, -60.0, 10.0]);
    stays_positive(Motion::free_flight(frame, 0.1), 3, arc, Filter::Extended, 50_000);
    stays_positive(Motion::free_flight(frame, 0.1), 3, arc, Filter::Unscented, 50_000);
}
