//! From cells above the threshold to targets.
//!
//! Cells that touch, diagonally too, belong together. They are taken in falling order of power, as a flood that
//! sinks: each peak appears as an island, and where two islands meet, that is the valley between their peaks. The
//! lower peak is a target of its own if it rises at least `min_valley_db` above the valley, and otherwise a part of
//! the higher one. A cluster may thus hold several targets.
//!
//! What the map must give: two targets 1.5 resolution cells apart leave a valley, but not between adjacent cells.
//! Sample the resolution cell twice: pulses padded with zeros to twice their number, and a sample rate of twice the
//! bandwidth.

use super::{CfarError, Crossing};
use serde::{Deserialize, Serialize};

/// What is a target of its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClusterConfig {
    /// How far the lower of two peaks rises above the valley between them at least, dB.
    pub min_valley_db: f64,
    /// Peaks less than this many gates from a higher one are a part of it, if less than `min_separation_bins` too.
    pub min_separation_gates: usize,
    /// Peaks less than this many bins from a higher one are a part of it, if less than `min_separation_gates` too.
    pub min_separation_bins: usize,
    /// Range side lobes: a peak that lies so far below a higher one in the same bins is none, dB (positive). Not
    /// set: every peak counts.
    pub range_side_lobe_db: Option<f64>,
    /// How far range side lobes reach: the replica's length. Not set: as far as the map.
    pub range_side_lobe_gates: Option<usize>,
    /// Doppler side lobes: a peak that lies so far below a higher one in the same gates is none, dB (positive).
    pub doppler_side_lobe_db: Option<f64>,
    /// Bins (and gates) that count as the same where side lobes are meant: half a main lobe's width.
    pub main_lobe_bins: usize,
    /// See `main_lobe_bins`.
    pub main_lobe_gates: usize,
}

impl Default for ClusterConfig {
    fn default() -> Self {
        Self {
            min_valley_db: 1.0,
            min_separation_gates: 0,
            min_separation_bins: 0,
            range_side_lobe_db: None,
            range_side_lobe_gates: None,
            doppler_side_lobe_db: None,
            main_lobe_bins: 2,
            main_lobe_gates: 2,
        }
    }
}

impl ClusterConfig {
    /// Checks the parameters.
    ///
    /// # Errors
    /// A level that is negative or not a number.
    pub fn validate(&self) -> Result<(), CfarError> {
        let levels = [
            ("min_valley_db", Some(self.min_valley_db)),
            ("range_side_lobe_db", self.range_side_lobe_db),
            ("doppler_side_lobe_db", self.doppler_side_lobe_db),
        ];
        for (field, level) in levels {
            if let Some(level) = level.filter(|level| level.is_nan() || *level < 0.0) {
                let expected = "0 dB or more".into();
                return Err(CfarError { field, found: level.to_string(), expected });
            }
        }
        Ok(())
    }
}

/// A target in a map: the highest cell of its part of a cluster.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MapPeak {
    /// The cell.
    pub cell: Crossing,
    /// Cells above the threshold in the whole cluster.
    pub cluster_cells: u32,
}

/// Finds the targets among the cells above the threshold, with its own scratch.
#[derive(Debug)]
pub struct Clusterer {
    config: ClusterConfig,
    n_doppler: u32,
    /// Least ratio of a peak to the valley beside it.
    valley: f32,
    range_mask: Option<f32>,
    doppler_mask: Option<f32>,
    /// Places in the list of crossings, by falling power.
    order: Vec<u32>,
    /// For each crossing the place of another of its cluster, or its own for the highest; `NONE` if not yet seen.
    parents: Vec<u32>,
    /// For each crossing the number of cells of the cluster of which it is the highest.
    sizes: Vec<u32>,
    is_peak: Vec<bool>,
    peaks: Vec<MapPeak>,
    max_peaks: usize,
    n_dropped: u64,
}

const NONE: u32 = u32::MAX;

impl Clusterer {
    /// Prepares for maps of `n_doppler` bins with at most `max_cells` crossings and `max_peaks` targets.
    ///
    /// # Errors
    /// As [`ClusterConfig::validate`].
    pub fn new(
        config: &ClusterConfig,
        n_doppler: usize,
        max_cells: usize,
        max_peaks: usize,
    ) -> Result<Self, CfarError> {
        config.validate()?;
        let ratio = |db: f64| 10f64.powf(db / 10.0) as f32;
        Ok(Self {
            n_doppler: n_doppler as u32,
            valley: ratio(config.min_valley_db),
            range_mask: config.range_side_lobe_db.map(ratio),
            doppler_mask: config.doppler_side_lobe_db.map(ratio),
            config: config.clone(),
            order: Vec::with_capacity(max_cells),
            parents: Vec::with_capacity(max_cells),
            sizes: Vec::with_capacity(max_cells),
            is_peak: Vec::with_capacity(max_cells),
            peaks: Vec::with_capacity(max_peaks),
            max_peaks,
            n_dropped: 0,
        })
    }

    /// The targets, the strongest first; equal ones by bin, then gate. Beyond `max_peaks` the weakest are left out
    /// and counted. Of a plateau the cell with the lowest bin, then gate, is the peak.
    ///
    /// `crossings` are sorted by bin, then gate, as `MapCfarWorker` gives them. Allocates nothing as long as they
    /// are at most `max_cells`. Cost: O(n log n), and peaks kept × peaks.
    pub fn peaks(&mut self, crossings: &[Crossing]) -> &[MapPeak] {
        let n = crossings.len();
        self.order.clear();
        self.order.extend(0..n as u32);
        // Places are in the order of bin and gate: the tie-break.
        self.order.sort_unstable_by(|&a, &b| {
            let power = |place: u32| crossings[place as usize].power;
            power(b).total_cmp(&power(a)).then(a.cmp(&b))
        });
        self.parents.clear();
        self.parents.resize(n, NONE);
        self.sizes.clear();
        self.sizes.resize(n, 1);
        self.is_peak.clear();
        self.is_peak.resize(n, false);
        for i in 0..n {
            self.flood(crossings, self.order[i]);
        }
        self.select(crossings);
        &self.peaks
    }

    /// Targets of the last map for which there was no room.
    pub fn n_dropped(&self) -> u64 {
        self.n_dropped
    }

    /// Lets the next lower cell appear.
    fn flood(&mut self, crossings: &[Crossing], place: u32) {
        let cell = crossings[place as usize];
        self.parents[place as usize] = place;
        self.is_peak[place as usize] = true;
        let n = self.n_doppler;
        for bin in [cell.bin, (cell.bin + 1) % n, (cell.bin + n - 1) % n] {
            // Neighbours in a row are next to each other in the list.
            let from = (bin, cell.gate.saturating_sub(1));
            let first = crossings.partition_point(|c| (c.bin, c.gate) < from);
            let row = crossings[first..].iter().take_while(|c| c.bin == bin && c.gate <= cell.gate + 1);
            for neighbour in first..first + row.count() {
                if self.parents[neighbour] != NONE {
                    self.join(crossings, neighbour as u32, place);
                }
            }
        }
    }

    /// Joins the clusters of two cells, of which the second is the valley between them.
    fn join(&mut self, crossings: &[Crossing], one: u32, valley: u32) {
        let (one, other) = (self.highest(one), self.highest(valley));
        if one == other {
            return;
        }
        let power = |place: u32| crossings[place as usize].power;
        let (lower, higher) = match power(one).total_cmp(&power(other)).then(other.cmp(&one)) {
            std::cmp::Ordering::Less => (one, other),
            _ => (other, one),
        };
        self.parents[lower as usize] = higher;
        self.sizes[higher as usize] += self.sizes[lower as usize];
        let rises = power(lower) >= self.valley * power(valley) && lower != valley;
        self.is_peak[lower as usize] &= rises;
    }

    fn highest(&mut self, mut place: u32) -> u32 {
        while self.parents[place as usize] != place {
            // Halves the way for those who come after.
            let parent = self.parents[place as usize];
            self.parents[place as usize] = self.parents[parent as usize];
            place = parent;
        }
        place
    }

    /// Collects the peaks that are neither too close to a higher one nor a side lobe of it.
    fn select(&mut self, crossings: &[Crossing]) {
        self.peaks.clear();
        self.n_dropped = 0;
        for i in 0..self.order.len() {
            let place = self.order[i];
            let cell = crossings[place as usize];
            if !self.is_peak[place as usize] || self.peaks.iter().any(|peak| self.is_part(&cell, &peak.cell))
            {
                continue;
            }
            if self.peaks.len() == self.max_peaks {
                self.n_dropped += 1;
                continue;
            }
            let top = self.highest(place);
            self.peaks.push(MapPeak { cell, cluster_cells: self.sizes[top as usize] });
        }
    }

    fn is_part(&self, cell: &Crossing, higher: &Crossing) -> bool {
        let config = &self.config;
        let gates = cell.gate.abs_diff(higher.gate) as usize;
        let apart = cell.bin.abs_diff(higher.bin);
        let bins = apart.min(self.n_doppler - apart) as usize;
        let below = |mask: Option<f32>| mask.is_some_and(|ratio| cell.power * ratio < higher.power);
        let reach = config.range_side_lobe_gates.unwrap_or(usize::MAX);
        (gates < config.min_separation_gates && bins < config.min_separation_bins)
            || (bins <= config.main_lobe_bins && gates <= reach && below(self.range_mask))
            || (gates <= config.main_lobe_gates && below(self.doppler_mask))
    }
}
