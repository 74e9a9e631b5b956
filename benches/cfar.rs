//! Thresholds of every detector for a row of cells.

mod common;

use criterion::{Criterion, Throughput};
use rangegate::commands::bench::noise::Random;
use rangegate_dsp::detect::{CellStatistics, CfarConfig, CfarPlan, CfarWindow, OsCfarWindow};

const N_CELLS: usize = 65_536;
const GUARD: usize = 4;
const TRAINING: usize = 16;

/// The noise level of a cell in the middle of the row by its definition, but for a factor that takes the bias out.
fn level(config: &CfarConfig, row: &[f32], cell: usize) -> f32 {
    let left = &row[cell - GUARD - TRAINING..cell - GUARD];
    let right = &row[cell + GUARD + 1..cell + GUARD + TRAINING + 1];
    let mean = |cells: &[f32]| cells.iter().sum::<f32>() / cells.len() as f32;
    match config {
        CfarConfig::CaCfar(_) => (mean(left) + mean(right)) / 2.0,
        CfarConfig::GoCfar(_) => mean(left).max(mean(right)),
        CfarConfig::SoCfar(_) => mean(left).min(mean(right)),
        CfarConfig::OsCfar(window) => {
            let mut cells = [left, right].concat();
            cells.sort_by(f32::total_cmp);
            cells[(window.rank * cells.len() as f64).ceil() as usize - 1]
        }
    }
}

fn cfar(criterion: &mut Criterion) {
    let mut random = Random(1);
    // Powers of complex Gaussian noise.
    let row: Vec<f32> = (0..N_CELLS).map(|_| -(random.number() as f32 / 2.0_f32.powi(32)).ln()).collect();
    let statistics = CellStatistics::SquareLaw { n_integrated: 1, correlation: Vec::new() };
    let window = || CfarWindow { guard: GUARD, training: TRAINING };
    let detectors = [
        ("ca", CfarConfig::CaCfar(window())),
        ("go", CfarConfig::GoCfar(window())),
        ("so", CfarConfig::SoCfar(window())),
        ("os", CfarConfig::OsCfar(OsCfarWindow { guard: GUARD, training: TRAINING, rank: 0.75 })),
    ];
    let mut group = criterion.benchmark_group("cfar");
    group.throughput(Throughput::Elements(N_CELLS as u64));
    for (name, config) in detectors {
        let plan = CfarPlan::new(&config, 1e-6, &statistics, 0).expect("a plan");
        let mut scratch = vec![0.0; plan.scratch_len(N_CELLS)];
        let (mut levels, mut thresholds) = (vec![0.0; N_CELLS], vec![0.0; N_CELLS]);
        let mut run = || plan.thresholds(&row, 0..N_CELLS, &mut levels, &mut thresholds, &mut scratch);

        run();
        let cells = [100, 101, 7777, 65_000];
        let scale = levels[cells[0]] / level(&config, &row, cells[0]);
        for cell in cells {
            let expected = scale * level(&config, &row, cell);
            let found = levels[cell];
            assert!(
                (found / expected - 1.0).abs() < 1e-5,
                "{name}, cell {cell}: level {found} for {expected}"
            );
            let factor = thresholds[cell] / found;
            assert!(
                (factor / plan.factor(TRAINING, TRAINING) - 1.0).abs() < 1e-5,
                "{name}, cell {cell}: {factor}"
            );
        }

        let mut run = || plan.thresholds(&row, 0..N_CELLS, &mut levels, &mut thresholds, &mut scratch);
        group.bench_function(name, |b| b.iter(&mut run));
    }
    group.finish();
}

fn main() {
    common::run(cfar);
}
