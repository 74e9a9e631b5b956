//! Detection on maps, clustering and estimation allocate nothing.

use rangegate_core::Complex32;
use rangegate_counting_alloc::{Counting, allocations_of_thread};
use rangegate_dsp::detect::map::{
    CfarAxes, ClusterConfig, Clusterer, Crossings, MapCfarConfig, MapCfarPlan, MapCfarWorker, MapStatistics,
    MapWindow, OsMapWindow,
};
use rangegate_dsp::estimate::{Estimator, EstimatorOptions, EstimatorPlan};
use rangegate_dsp::range_doppler::{PowerMap, PulseCube};
use std::sync::Arc;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn maps_are_processed_without_allocating() {
    let (over, guard_gates, training_gates, guard_bins, training_bins) = (CfarAxes::Both, 1, 8, 1, 2);
    let window = MapWindow { over, guard_gates, training_gates, guard_bins, training_bins };
    let os = OsMapWindow { over, guard_gates, training_gates, guard_bins, training_bins, rank: 0.75 };
    let shape = (32, 1000);
    let times_s: Vec<f64> = (0..16).map(|p| f64::from(p) * 1e-3).collect();
    let estimation = EstimatorPlan::new(&times_s, 1e6, &EstimatorOptions::default()).expect("a plan");
    let mut estimator = Estimator::new(Arc::new(estimation));
    let mut state = 1u32;
    let mut uniform = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 24) as f32
    };
    let mut cube = PulseCube::new(16, shape.1);
    for pulse in 0..16 {
        cube.row_mut(pulse).iter_mut().for_each(|y| *y = Complex32::new(uniform(), uniform()));
    }
    for config in [
        MapCfarConfig::CaCfar(window),
        MapCfarConfig::GoCfar(window),
        MapCfarConfig::SoCfar(window),
        MapCfarConfig::OsCfar(os),
    ] {
        let plan = MapCfarPlan::new(&config, shape, &[-1..=1], 0.05, &MapStatistics::default());
        let mut worker = MapCfarWorker::new(Arc::new(plan.expect("a plan")));
        let mut found = Crossings::with_capacity(500);
        let mut clusterer =
            Clusterer::new(&ClusterConfig::default(), shape.0, 500, 100).expect("a clusterer");
        let mut map = PowerMap::new(shape.0, shape.1);
        for _ in 0..5 {
            for bin in 0..shape.0 {
                map.row_mut(bin).iter_mut().for_each(|cell| *cell = -(1.0 - uniform()).ln());
            }
            let before = allocations_of_thread();
            worker.detect(&map, &mut found);
            let mut n_converged = 0;
            for peak in clusterer.peaks(&found.cells) {
                let doppler_hz = f64::from(peak.cell.bin) * 1e3 / 32.0;
                n_converged +=
                    u32::from(estimator.estimate(&cube, peak.cell.gate as usize, doppler_hz).converged);
            }
            assert_eq!(allocations_of_thread() - before, 0, "{config:?}");
            assert!(found.n_dropped > 100 && clusterer.n_dropped() > 10 && n_converged > 10);
        }
    }
}
