//! How often clutter alone is confirmed as a track.
//!
//! `false_tracks [SCANS [FALSE_PER_SCAN [SCANS_A_RUN]]]` follows false detections, uniform over what the station can
//! report, with a new tracker every so many scans, and prints how many were confirmed by space, with the 95 % bound on
//! the rate above it. Settings are the defaults.
#![allow(clippy::print_stdout)]

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rangegate_tracking::{Measurement, Space, StationConfig, Tracker, TrackerPlan, TrackingConfig};
use std::error::Error;
use std::time::Instant;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let n_scans: usize = arguments.next().map_or(Ok(100_000), |text| text.parse())?;
    let n_false: f64 = arguments.next().map_or(Ok(10.0), |text| text.parse())?;
    let scans_a_run: usize = arguments.next().map_or(Ok(n_scans), |text| text.parse())?;
    println!(
        "| space | density | scans | tentative | confirmed | in 10,000 scans | at most (95 %) | ms a scan |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for space in [Space::Range, Space::Plane, Space::Local] {
        for known in [false, true] {
            let station =
                StationConfig { false_per_scan: known.then_some(n_false), ..StationConfig::default() };
            let config = TrackingConfig { space, stations: vec![station], ..TrackingConfig::default() };
            let began = Instant::now();
            let (confirmed, tentative) = run(&config, n_scans, n_false, scans_a_run)?;
            let rate = |n: f64| n / n_scans as f64 * 1e4;
            println!(
                "| {space:?} | {} | {n_scans} | {tentative} | {confirmed} | {:.3} | {:.3} | {:.4} |",
                if known { "given" } else { "learnt" },
                rate(confirmed as f64),
                rate(upper_bound(confirmed)),
                began.elapsed().as_secs_f64() / n_scans as f64 * 1e3
            );
        }
    }
    Ok(())
}

/// Tracks confirmed and begun in `n_scans` scans of clutter.
fn run(
    config: &TrackingConfig,
    n_scans: usize,
    n_false: f64,
    scans_a_run: usize,
) -> Result<(usize, usize), Box<dyn Error>> {
    let plan = TrackerPlan::new(config)?;
    let mut tracker = Tracker::new(&plan);
    let station = &config.stations[0];
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut seen = Vec::new();
    let (mut confirmed, mut tentative) = (0, 0);
    for scan in 0..n_scans {
        seen.clear();
        if scan % scans_a_run.max(1) == 0 {
            tracker = Tracker::new(&plan);
        }
        // Poisson by exponential waiting times.
        let mut left = n_false;
        loop {
            left += rng.random_range(f64::MIN_POSITIVE..1.0f64).ln();
            if left < 0.0 {
                break;
            }
            let mut between = |[from, to]: [f64; 2]| Some(rng.random_range(from..to));
            seen.push(Measurement {
                range_m: between(station.range_m),
                range_rate_mps: between(station.range_rate_mps),
                azimuth_deg: between(station.azimuth_deg),
                elevation_deg: between(station.elevation_deg),
                ..Measurement::default()
            });
        }
        let report = tracker.scan(scan as f64, 0, &seen)?;
        confirmed += report.confirmed;
        tentative += report.initiated;
    }
    Ok((confirmed, tentative))
}

/// The mean of which no more than `n` would be seen once in twenty times (Poisson; Wilson and Hilferty).
fn upper_bound(n: usize) -> f64 {
    let k = n as f64 + 1.0;
    k * (1.0 - 1.0 / (9.0 * k) + 1.645 / (3.0 * k.sqrt())).powi(3)
}
