//! Detection probability behind a CFAR detector.

use super::swerling::{Swerling, detection_probability};
use crate::detect::map::MapCfarConfig;
use crate::detect::{self, CfarConfig};

/// Where the noise level comes from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum NoiseLevel {
    /// It is known.
    Known,
    /// Mean of so many training cells.
    Mean {
        /// Number of training cells.
        n_cells: usize,
    },
    /// Greater mean of two halves.
    Greatest {
        /// Training cells of each half.
        n_per_half: usize,
    },
    /// Smaller mean of two halves.
    Smallest {
        /// Training cells of each half.
        n_per_half: usize,
    },
    /// One of the training cells in rising order.
    Ordered {
        /// Number of training cells.
        n_cells: usize,
        /// Which, as a fraction of their number.
        rank: f64,
    },
}

impl From<&CfarConfig> for NoiseLevel {
    /// Far from the ends of the row.
    fn from(config: &CfarConfig) -> Self {
        match config {
            CfarConfig::CaCfar(window) => Self::Mean { n_cells: 2 * window.training },
            CfarConfig::GoCfar(window) => Self::Greatest { n_per_half: window.training },
            CfarConfig::SoCfar(window) => Self::Smallest { n_per_half: window.training },
            CfarConfig::OsCfar(window) => Self::Ordered { n_cells: 2 * window.training, rank: window.rank },
        }
    }
}

impl From<&MapCfarConfig> for NoiseLevel {
    /// Far from the edges of the map.
    fn from(config: &MapCfarConfig) -> Self {
        let (n_cells, n_per_half) = (config.n_training(), config.n_per_half());
        match config {
            MapCfarConfig::CaCfar(_) => Self::Mean { n_cells },
            MapCfarConfig::GoCfar(_) => Self::Greatest { n_per_half },
            MapCfarConfig::SoCfar(_) => Self::Smallest { n_per_half },
            MapCfarConfig::OsCfar(os) => Self::Ordered { n_cells, rank: os.rank },
        }
    }
}

/// A CFAR detector's performance in white noise, with independent cells.
///
/// With Z the noise level that the training cells show and T the threshold factor, the probability is that for a known
/// threshold, averaged over Z: `Pd = ∫ Pd(T·z) dF_Z(z)`. The law of Z is exact: gamma for cell-averaging (Finn &
/// Johnson 1968), that of the greater or smaller of two gamma variables (Hansen & Sawyers 1980; Weiss 1982), that of an
/// order statistic (Rohling 1983); the integral is a quadrature that converges beyond binary32. For one cell and Swerling
/// 1 it is Finn and Johnson's `(1 + T/(M·(1 + snr)))^−M`.
#[derive(Clone, Debug)]
pub struct CfarTheory {
    n_integrated: usize,
    /// Thresholds over the noise power, and their weights.
    thresholds: Vec<(f64, f64)>,
}

impl CfarTheory {
    /// For cells that are means of `n_integrated` squared magnitudes.
    ///
    /// # Panics
    /// No training cell, no cell integrated, or a probability outside (0, 1).
    pub fn new(level: NoiseLevel, n_integrated: usize, false_alarm_probability: f64) -> Self {
        assert!(n_integrated > 0, "no cell is integrated");
        let pfa = false_alarm_probability;
        assert!(pfa > 0.0 && pfa < 1.0, "a false-alarm probability of {pfa}, 0 to 1 is possible");
        let (factor, points) = detect::law_of_level(level, n_integrated, pfa);
        Self {
            n_integrated,
            thresholds: points.into_iter().map(|(z, weight)| (factor * z, weight)).collect(),
        }
    }

    /// Probability of detecting a target of this mean signal-to-noise ratio.
    pub fn detection_probability(&self, target: Swerling, snr: f64) -> f64 {
        let n = self.n_integrated;
        self.thresholds.iter().map(|&(t, weight)| weight * detection_probability(target, n, snr, t)).sum()
    }

    /// The mean signal-to-noise ratio, dB, at which a target is detected with this probability: from −60 to 120, of
    /// which the ends stand for what lies beyond.
    pub fn required_snr_db(&self, target: Swerling, probability: f64) -> f64 {
        let (mut low, mut high) = (-60.0, 120.0);
        // Where it pays, a wide bracket is first narrowed by whole steps from what is usual.
        for guess in [0.0, 10.0, 20.0, 30.0, 50.0] {
            if self.detection_probability(target, power_from_db(guess)) < probability {
                low = guess;
            } else {
                high = guess;
                break;
            }
        }
        while high - low > 1e-6 {
            let middle = 0.5 * (low + high);
            let below = self.detection_probability(target, power_from_db(middle)) < probability;
            *(if below { &mut low } else { &mut high }) = middle;
        }
        0.5 * (low + high)
    }

    /// How much more signal-to-noise ratio a target needs than with a known noise level, dB. `known` is the theory of
    /// [`NoiseLevel::Known`] for the same false-alarm probability.
    pub fn loss_db(&self, known: &Self, target: Swerling, probability: f64) -> f64 {
        self.required_snr_db(target, probability) - known.required_snr_db(target, probability)
    }
}

fn power_from_db(db: f64) -> f64 {
    10f64.powf(db / 10.0)
}
