//! What every detector must hold, whatever its level is made of.

mod factors;
mod rows;

use super::{CellStatistics, CfarConfig, CfarPlan, CfarWindow, OsCfarWindow};

/// One of each detector.
fn every_detector(guard: usize, training: usize) -> [CfarConfig; 4] {
    let window = || CfarWindow { guard, training };
    [
        CfarConfig::CaCfar(window()),
        CfarConfig::GoCfar(window()),
        CfarConfig::SoCfar(window()),
        CfarConfig::OsCfar(OsCfarWindow { guard, training, rank: 0.75 }),
    ]
}

fn square_law(n_integrated: usize) -> CellStatistics {
    CellStatistics::SquareLaw { n_integrated, correlation: Vec::new() }
}

fn plan(config: &CfarConfig, pfa: f64, statistics: &CellStatistics, span: usize) -> CfarPlan {
    CfarPlan::new(config, pfa, statistics, span).expect("a valid detector")
}
