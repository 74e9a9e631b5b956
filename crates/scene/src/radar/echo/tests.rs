//! Echoes against direct evaluation of their definition, sample by sample.

use super::super::geometry::{Vector, add_scaled, dot, minus, norm};
use super::*;
use rangegate_dsp::waveform::Waveform;

const RATE_HZ: f64 = 10e6;

fn medium(rate_hz: f64, receiver_m: Vector, duration_s: f64, carrier_hz: f64) -> Medium {
    let text = format!(
        "type = 'linear_chirp'\nstart_hz = {}\nstop_hz = {}\nduration_s = {duration_s}",
        -0.2 * rate_hz,
        0.2 * rate_hz
    );
    let waveform: Waveform = toml::from_str(&text).unwrap();
    Medium {
        stations: Stations { transmitter_m: [0.0; 3], receiver_m },
        carrier_hz,
        samples_per_s: rate_hz,
        signal: waveform.signal(rate_hz).unwrap().into(),
        pulse_length: duration_s * rate_hz,
    }
}

/// Light time of what arrives at `time_s` from a target that moves straight, in closed form: the way back is the root
/// of a quadratic.
fn straight_delay_s(medium: &Medium, position_m: Vector, velocity_mps: Vector, time_s: f64) -> f64 {
    let from_receiver = minus(add_scaled(position_m, time_s, velocity_mps), medium.stations.receiver_m);
    // |d − v·b| = c·b
    let a = LIGHT_MPS.powi(2) - dot(velocity_mps, velocity_mps);
    let half_b = dot(from_receiver, velocity_mps);
    let back_s = (-half_b + (half_b * half_b + a * dot(from_receiver, from_receiver)).sqrt()) / a;
    let reflected_m = add_scaled(position_m, time_s - back_s, velocity_mps);
    back_s + norm(minus(reflected_m, medium.stations.transmitter_m)) / LIGHT_MPS
}

#[test]
fn phase_and_delay_are_those_of_direct_evaluation() {
    for (rate_hz, receiver_m, duration_s, position_m, velocity_mps, start) in [
        (RATE_HZ, [0.0; 3], 10e-6, [300.0, 100.0, 20.0], [-30.0, 10.0, 0.0], 12_345.625),
        // Close, across, fast, over a long pulse: the delay curves.
        (RATE_HZ, [0.0; 3], 5e-3, [30.0, -20.0, 5.0], [900.0, 700.0, -10.0], 7000.25),
        (RATE_HZ, [20e3, 5e3, 0.0], 200e-6, [9e3, 30e3, 10e3], [-250.0, 100.0, 0.0], 1e6 + 0.5),
        (RATE_HZ, [3e3, 0.0, 0.0], 1e-3, [1e5, 3e5, 4e5], [7500.0, -200.0, 100.0], 6e8 + 0.75),
        // So slow that the delay curves between two samples.
        (50e3, [0.0; 3], 50e-3, [30.0, -20.0, 5.0], [900.0, 700.0, -10.0], 100.25),
    ] {
        let medium = medium(rate_hz, receiver_m, duration_s, 10e9);
        let path = Path::straight(position_m, velocity_mps);
        let edge = Edge { sample: f64::floor(start) as i64, fraction: start.fract() };
        let echo = Echo { medium: &medium, path: &path, edge, amplitude: 0.5, phase_cycles: 0.125 };
        let samples = echo.samples();
        let mut found = vec![Complex32::ZERO; (samples.end - samples.start) as usize];
        echo.add(samples.clone(), &mut found);
        let (mut worst, mut n_heard) = (0.0_f64, 0);
        for (n, x) in samples.clone().zip(&found) {
            let delay_s = straight_delay_s(&medium, position_m, velocity_mps, n as f64 / rate_hz);
            let after_s = ((n as i64 - edge.sample) as f64 - edge.fraction) / rate_hz - delay_s;
            // Where the edge falls within rounding of a sample, either value is right.
            if after_s.abs() < 1e-12 || (after_s - duration_s).abs() < 1e-12 {
                continue;
            }
            let expected = medium.signal.value(after_s) * unit(0.125 - 10e9 * delay_s) * 0.5;
            let x = Complex::new(f64::from(x.re), f64::from(x.im));
            n_heard += usize::from(expected.norm() > 0.0);
            worst = worst.max((x - expected).norm() / 0.5);
        }
        assert!((n_heard as f64 - duration_s * rate_hz).abs() <= 2.0, "{n_heard} samples");
        assert!(worst < 3e-4, "{position_m:?}: {worst} rad");
        // Nothing is heard just outside.
        for n in [samples.start.saturating_sub(1), samples.end] {
            let after_s = (n as f64 - start) / rate_hz
                - straight_delay_s(&medium, position_m, velocity_mps, n as f64 / rate_hz);
            assert!(!(0.0..duration_s).contains(&after_s));
        }
    }
}

/// A corner of the path within the pulse, and pieces cut anywhere, change nothing.
#[test]
fn pieces_add_up_at_corners_too() {
    let medium = medium(RATE_HZ, [0.0; 3], 1e-3, 10e9);
    let points = [(0.0, [3000.0, 0.0, 0.0]), (0.5e-3, [3000.3, 0.0, 0.0]), (1.0, [2000.0, 0.0, 0.0])];
    let path = Path::Legs(
        points.map(|(time_s, position_m)| super::super::WayPointConfig { time_s, position_m }).to_vec(),
    );
    let edge = Edge { sample: 0, fraction: 0.5 };
    let echo = Echo { medium: &medium, path: &path, edge, amplitude: 1.0, phase_cycles: 0.0 };
    let samples = echo.samples();
    let mut whole = vec![Complex32::ZERO; (samples.end - samples.start) as usize];
    echo.add(samples.clone(), &mut whole);
    let mut pieces = vec![Complex32::ZERO; whole.len()];
    for (k, piece) in pieces.chunks_mut(777).enumerate() {
        let start = samples.start + 777 * k as u64;
        echo.add(start..start + piece.len() as u64, piece);
    }
    for (n, (a, b)) in samples.zip(whole.iter().zip(&pieces)) {
        assert!((a - b).norm() < 1e-3, "{n}: {a} {b}");
        let delay_s = medium.delay(&path, n as f64) / RATE_HZ;
        let after_s = (n as f64 - 0.5) / RATE_HZ - delay_s;
        let expected = medium.signal.value(after_s) * unit(-10e9 * delay_s);
        let error = (Complex::new(f64::from(a.re), f64::from(a.im)) - expected).norm();
        assert!(error < 1e-3, "{n}: {error}");
    }
}
