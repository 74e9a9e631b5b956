//! Two targets side by side.

use super::Random;
use super::estimation::{PulseTrain, Receiver, Target};
use crate::detect::CfarError;
use crate::detect::map::{
    CfarAxes, ClusterConfig, Clusterer, Crossings, MapCfarConfig, MapCfarPlan, MapCfarWorker, MapStatistics,
    MapWindow, bin_correlation,
};
use crate::estimate::EstimateError;
use num_complex::Complex64;
use std::f64::consts::TAU;
use std::sync::Arc;

/// How often two equal targets were told apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Resolution {
    /// Distance in range, in resolution cells of one over the bandwidth.
    pub range_cells: f64,
    /// Distance in Doppler, in resolution cells of one over the CPI.
    pub doppler_cells: f64,
    /// Signal-to-noise ratio of each at the output, dB.
    pub snr_db: f64,
    /// Number of pairs, of random place and phases.
    pub n_trials: u64,
    /// Pairs of which two targets were reported and no other, each within half of their distance of its own.
    pub n_told_apart: u64,
}

/// What a resolution could not be measured with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResolutionError {
    /// The pulse train.
    #[error(transparent)]
    Train(#[from] EstimateError),
    /// The detector.
    #[error(transparent)]
    Cfar(#[from] CfarError),
}

/// Puts pairs of equal targets so many cells apart before cell-averaging over range and the clustering, with a rectangular
/// window and pulses padded to twice their number. The sample rate is that of the train: twice the bandwidth is what it
/// takes in range.
///
/// # Errors
/// A pulse train without meaning.
pub fn resolution(
    train: &PulseTrain,
    (range_cells, doppler_cells): (f64, f64),
    snr_db: f64,
    n_trials: u64,
    seed: u64,
) -> Result<Resolution, ResolutionError> {
    let mut receiver = Receiver::new(train, 2)?;
    let shape = (receiver.map.n_rows(), receiver.map.n_gates());
    let over = CfarAxes::Range;
    let cfar = MapCfarConfig::CaCfar(MapWindow {
        over,
        guard_gates: 12,
        training_gates: 12,
        ..MapWindow::default()
    });
    let statistics = MapStatistics {
        bin_correlation: bin_correlation(&vec![1.0; train.n_pulses], shape.0),
        ..MapStatistics::default()
    };
    let plan = MapCfarPlan::new(&cfar, shape, &[], 1e-6, &statistics)?;
    let mut worker = MapCfarWorker::new(Arc::new(plan));
    let mut found = Crossings::with_capacity(shape.0 * shape.1);
    // Side lobes of a rectangular window lie 13 dB below.
    let side_lobe_db = Some(9.0);
    let cluster = ClusterConfig {
        range_side_lobe_db: side_lobe_db,
        doppler_side_lobe_db: side_lobe_db,
        ..ClusterConfig::default()
    };
    let mut clusterer = Clusterer::new(&cluster, shape.0, shape.0 * shape.1, 64)?;
    let mut random = Random::new(seed);
    let mut n_told_apart = 0;
    let gates = range_cells * train.sample_rate_hz / train.bandwidth_hz;
    let bins = 2.0 * doppler_cells;
    for _ in 0..n_trials {
        let (gate, bin) = (24.0 + 4.0 * random.uniform(), 8.0 * random.uniform());
        let targets = [0.0, 1.0].map(|second| Target {
            gate: gate + second * gates,
            doppler_hz: (bin + second * bins) / (shape.0 as f64 * train.pri_s),
            amplitude: Complex64::from_polar(1.0, TAU * random.uniform()),
        });
        receiver.receive(&targets, 10f64.powf(snr_db / 10.0), &mut random);
        worker.detect(&receiver.map, &mut found);
        let peaks = clusterer.peaks(&found.cells);
        let is_near = |target: &Target| {
            peaks.iter().any(|peak| {
                let coupled =
                    -target.doppler_hz * train.duration_s / train.bandwidth_hz * train.sample_rate_hz;
                let off_gates = f64::from(peak.cell.gate) - target.gate - coupled;
                let n = shape.0 as f64;
                let off_bins = f64::from(peak.cell.bin) - target.doppler_hz * n * train.pri_s;
                let off_bins = off_bins - (off_bins / n).round() * n;
                off_gates.abs() <= (gates / 2.0).max(1.0) && off_bins.abs() <= (bins / 2.0).max(1.0)
            })
        };
        n_told_apart += u64::from(peaks.len() == 2 && targets.iter().all(is_near));
    }
    Ok(Resolution { range_cells, doppler_cells, snr_db, n_trials, n_told_apart })
}
