//! How long a scan takes: 200 targets in the plane, 1,000 detections a scan, and whether memory stays flat.
//!
//! `scan_time [SCANS]` prints the median and the longest of the scans, in milliseconds, by configuration.
#![allow(clippy::print_stdout)]

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rangegate_tracking::{Associator, Filter, Measurement, Space, Tracker, TrackerPlan, TrackingConfig};
use std::error::Error;
use std::time::Instant;

const N_TARGETS: usize = 200;
const N_DETECTIONS: usize = 1_000;

fn main() -> Result<(), Box<dyn Error>> {
    let n_scans: usize = std::env::args().nth(1).map_or(Ok(200), |text| text.parse())?;
    println!("| space | associator | filter | tracks | median, ms | longest, ms | resident, MB |");
    println!("|---|---|---|---|---|---|---|");
    for space in [Space::Range, Space::Plane, Space::Local] {
        for associator in [Associator::Gnn, Associator::Jpda] {
            for filter in [Filter::Extended, Filter::Unscented] {
                run(space, associator, filter, n_scans)?;
            }
        }
    }
    Ok(())
}

fn run(space: Space, associator: Associator, filter: Filter, n_scans: usize) -> Result<(), Box<dyn Error>> {
    let config = TrackingConfig { space, associator, filter: Some(filter), ..TrackingConfig::default() };
    let mut tracker = Tracker::new(&TrackerPlan::new(&config)?);
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut noise = move |sigma: f64| sigma * (0..12).map(|_| rng.random_range(-0.5..0.5)).sum::<f64>();
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    // Back and forth between 10 and 90 km; one azimuth each.
    let targets: Vec<[f64; 4]> = (0..N_TARGETS)
        .map(|_| {
            let speed_mps = rng.random_range(50.0..250.0);
            [
                rng.random_range(0.0..160e3),
                speed_mps,
                rng.random_range(0.0..360.0),
                rng.random_range(2.0..60.0),
            ]
        })
        .collect();
    let mut took_ms = Vec::new();
    let mut tracks = 0;
    for scan in 0..n_scans {
        let time_s = scan as f64;
        let mut seen = Vec::new();
        for [start_m, speed_mps, azimuth_deg, elevation_deg] in &targets {
            let way_m = (start_m + speed_mps * time_s).rem_euclid(160e3);
            let (range_m, rate_mps) =
                if way_m < 80e3 { (10e3 + way_m, *speed_mps) } else { (170e3 - way_m, -speed_mps) };
            if rng.random_bool(0.9) {
                seen.push(Measurement {
                    range_m: Some(range_m + noise(20.0)),
                    range_rate_mps: Some(rate_mps + noise(1.0)),
                    azimuth_deg: Some(azimuth_deg + noise(1.0)),
                    elevation_deg: Some(elevation_deg + noise(1.0)),
                    ..Measurement::default()
                });
            }
        }
        while seen.len() < N_DETECTIONS {
            seen.push(Measurement {
                range_m: Some(rng.random_range(0.0..100e3)),
                range_rate_mps: Some(rng.random_range(-500.0..500.0)),
                azimuth_deg: Some(rng.random_range(0.0..360.0)),
                elevation_deg: Some(rng.random_range(0.0..90.0)),
                ..Measurement::default()
            });
        }
        let began = Instant::now();
        tracks = tracker.scan(time_s, 0, &seen)?.tracks;
        took_ms.push(began.elapsed().as_secs_f64() * 1e3);
    }
    // The first scans have nothing to follow yet.
    let mut took_ms = took_ms.split_off(10.min(n_scans - 1));
    took_ms.sort_by(f64::total_cmp);
    println!(
        "| {space:?} | {associator:?} | {filter:?} | {tracks} | {:.2} | {:.2} | {} |",
        took_ms[took_ms.len() / 2],
        took_ms[took_ms.len() - 1],
        resident_mb()
    );
    Ok(())
}

/// Resident memory, where the system says it.
fn resident_mb() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok())
        .map_or_else(|| "?".into(), |kb| (kb / 1024).to_string())
}
