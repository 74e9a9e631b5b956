//! How long a scan takes: 200 targets in the plane, 1,000 detections a scan, and whether memory stays flat.
//!
//! `scan_time [SCANS [SPACE]]` prints, by configuration, the mean processor time of a scan, which other work beside does not
//! lengthen much, the median and the longest time by the clock, and the resident memory after a tenth of the scans and at
//! the end. 86,400 scans are a day.
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
    let only: Option<Space> = match std::env::args().nth(2) {
        Some(name) => Some(serde_json::from_value(name.into())?),
        None => None,
    };
    println!(
        "| space | associator | filter | tracks | processor, ms | median, ms | longest, ms | resident, kB | at the end |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    for space in [Space::Range, Space::Plane, Space::Local] {
        if only.is_some_and(|only| only != space) {
            continue;
        }
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
    let mut worked_s = 0.0;
    let mut early_kb = String::new();
    let mut seen = Vec::with_capacity(2 * N_DETECTIONS);
    took_ms.reserve_exact(n_scans);
    for scan in 0..n_scans {
        let time_s = scan as f64;
        seen.clear();
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
        let (began, began_s) = (Instant::now(), processor_s());
        tracks = tracker.scan(time_s, 0, &seen)?.tracks;
        took_ms.push(began.elapsed().as_secs_f64() * 1e3);
        worked_s += processor_s() - began_s;
        if scan + 1 == n_scans.div_ceil(10) {
            early_kb = resident_kb();
        }
    }
    let end_kb = resident_kb();
    // The first scans have nothing to follow yet.
    let mut took_ms = took_ms.split_off(10.min(n_scans - 1));
    took_ms.sort_by(f64::total_cmp);
    println!(
        "| {space:?} | {associator:?} | {filter:?} | {tracks} | {:.2} | {:.2} | {:.2} | {early_kb} | {end_kb} |",
        worked_s / n_scans as f64 * 1e3,
        took_ms[took_ms.len() / 2],
        took_ms[took_ms.len() - 1],
    );
    Ok(())
}

/// Processor time of this thread, s, where the system says it. Counted in ticks: right on average.
fn processor_s() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|ns| ns.parse::<f64>().ok()).unwrap_or(f64::NAN) * 1e-9
}

/// Resident memory, where the system says it.
fn resident_kb() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().strip_suffix(" kB")).unwrap_or("?").to_owned()
}
