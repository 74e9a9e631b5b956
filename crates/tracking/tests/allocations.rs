//! A scan allocates nothing once it has seen as much before.
#![allow(missing_docs)]

mod common;

use common::{normal, seeded};
use rand::RngExt;
use rangegate_counting_alloc::{Counting, allocations_of_thread};
use rangegate_tracking::{Associator, Measurement, Space, Tracker, TrackerPlan, TrackingConfig};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn scans_allocate_nothing() {
    // Only the library's solver allocates, and only for tracks that compete; these are far apart, or JPDA's.
    for (associator, apart_m) in [(Associator::Gnn, 2_000.0), (Associator::Jpda, 60.0)] {
        for space in [Space::Range, Space::Plane, Space::Local] {
            let config = TrackingConfig { space, associator, ..TrackingConfig::default() };
            let mut tracker = Tracker::new(&TrackerPlan::new(&config).unwrap());
            let mut rng = seeded(1);
            let mut tracks = 0;
            for scan in 0..300 {
                let mut seen = Vec::new();
                for target in 0..20 {
                    seen.push(Measurement {
                        range_m: Some(20e3 + apart_m * f64::from(target) + 20.0 * normal(&mut rng)),
                        range_rate_mps: Some(normal(&mut rng)),
                        azimuth_deg: Some(30.0 + normal(&mut rng)),
                        elevation_deg: Some(20.0 + normal(&mut rng)),
                        ..Measurement::default()
                    });
                }
                // The most comes first: buffers grow then.
                let n_false = if scan < 50 { 400 } else { 100 };
                for _ in 0..n_false {
                    seen.push(Measurement {
                        range_m: Some(rng.random_range(0.0..100e3)),
                        range_rate_mps: Some(rng.random_range(-500.0..500.0)),
                        azimuth_deg: Some(rng.random_range(0.0..360.0)),
                        elevation_deg: Some(rng.random_range(0.0..90.0)),
                        ..Measurement::default()
                    });
                }
                let before = allocations_of_thread();
                tracks = tracker.scan(f64::from(scan), 0, &seen).unwrap().tracks;
                let allocated = allocations_of_thread() - before;
                assert!(
                    scan < 60 || allocated == 0,
                    "{space:?} {associator:?} scan {scan}: {allocated} allocations"
                );
            }
            assert!(tracks > 5, "{space:?} {associator:?}: {tracks} tracks");
        }
    }
}
