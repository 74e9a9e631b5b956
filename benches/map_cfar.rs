//! Cells above their threshold in a range-Doppler map.

mod common;

use criterion::{Criterion, Throughput};
use rangegate::commands::bench::noise::Random;
use rangegate_dsp::detect::map::{
    CfarAxes, Crossings, MapCfarConfig, MapCfarPlan, MapCfarWorker, MapStatistics, MapWindow, OsMapWindow,
};
use rangegate_dsp::range_doppler::PowerMap;
use std::sync::Arc;

const SHAPE: (usize, usize) = (128, 8192);

fn map_cfar(criterion: &mut Criterion) {
    let mut random = Random(1);
    let mut map = PowerMap::new(SHAPE.0, SHAPE.1);
    for bin in 0..SHAPE.0 {
        // Powers of complex Gaussian noise.
        map.row_mut(bin)
            .iter_mut()
            .for_each(|cell| *cell = -(random.number() as f32 / 2.0_f32.powi(32)).ln());
    }
    // Neither found by chance nor missed.
    let target = (60, 3000);
    map.row_mut(target.0)[target.1] = 1e3;
    let mut group = criterion.benchmark_group("map_cfar");
    group.throughput(Throughput::Elements((SHAPE.0 * SHAPE.1) as u64));
    for over in [CfarAxes::Range, CfarAxes::Doppler, CfarAxes::Both] {
        let (guard_gates, training_gates) = if over == CfarAxes::Doppler { (0, 0) } else { (2, 16) };
        let (guard_bins, training_bins) = if over == CfarAxes::Range { (0, 0) } else { (1, 8) };
        let window = MapWindow { over, guard_gates, training_gates, guard_bins, training_bins };
        let os = OsMapWindow { over, guard_gates, training_gates, guard_bins, training_bins, rank: 0.75 };
        let detectors = [
            ("ca", MapCfarConfig::CaCfar(window)),
            ("go", MapCfarConfig::GoCfar(window)),
            ("so", MapCfarConfig::SoCfar(window)),
            ("os", MapCfarConfig::OsCfar(os)),
        ];
        for (name, config) in detectors {
            let plan = MapCfarPlan::new(&config, SHAPE, &[-1..=1], 1e-12, &MapStatistics::default());
            let mut worker = MapCfarWorker::new(Arc::new(plan.expect("a plan")));
            let mut found = Crossings::with_capacity(1000);
            worker.detect(&map, &mut found);
            let cells: Vec<_> = found.cells.iter().map(|c| (c.bin as usize, c.gate as usize)).collect();
            assert_eq!(cells, [target], "{name} over {over:?}");
            let name = format!("{name}_{over:?}").to_lowercase();
            group.bench_function(name, |b| b.iter(|| worker.detect(&map, &mut found)));
        }
    }
    group.finish();
}

fn main() {
    common::run(map_cfar);
}
