//! Whether a station saw what was there: probability of detection, look by look.

use crate::histogram::{Axis, Plane};
use crate::wilson::{Proportion, wilson};
use serde::Serialize;
use std::collections::VecDeque;

/// Something that a station could see in one look.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Target {
    /// Middle of the look, ns since 1970.
    pub time_ns: i64,
    /// Range at that time, m; of a bistatic radar half the path.
    pub range_m: f64,
    /// How it changes, m/s.
    pub range_rate_mps: f64,
    /// Azimuth at that time, degrees clockwise from north.
    pub azimuth_deg: f64,
    /// How it changes, degrees/s.
    pub azimuth_rate_dps: f64,
}

/// How near a detection must be to a target to be its.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Gate {
    /// Range, either way, m.
    pub range_m: f64,
    /// Azimuth, either way, degrees; detections without azimuth are taken by their range.
    pub azimuth_deg: f64,
    /// Length of a look, ns: a detection belongs to it from half of it before its middle to half of it after.
    pub look_ns: i64,
}

/// A look whose time is not over.
#[derive(Clone, Copy, Debug)]
struct Open {
    target: Target,
    is_hit: bool,
    /// The same for two places where nothing is known to be, farther and nearer.
    is_decoy_hit: [bool; 2],
}

/// How far decoys are from the target, in gates.
const DECOY: f64 = 5.0;
/// Bins by range, and by azimuth.
const RANGES: usize = 32;
const AZIMUTHS: usize = 12;

/// Counts looks and hits by range and azimuth. Targets and detections come in order of time; a target must come before
/// detections of its look.
#[derive(Clone, Debug)]
pub struct Looks {
    gate: Gate,
    open: VecDeque<Open>,
    /// Looks and hits `[range × azimuth]`.
    plane: Plane<[u64; 2]>,
    decoys: [u64; 2],
}

/// Looks of a range or azimuth.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Bin {
    /// From, m or degrees.
    pub from: f64,
    /// To.
    pub to: f64,
    /// How many of the looks saw the target.
    pub detected: Proportion,
}

/// What looks came to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Detected {
    /// The gate.
    pub gate: Gate,
    /// All looks.
    pub all: Proportion,
    /// How often something lay as near to a place five gates farther or nearer, where nothing is known to be.
    pub by_chance: Proportion,
    /// By range, m.
    pub by_range: Vec<Bin>,
    /// By azimuth, degrees.
    pub by_azimuth: Vec<Bin>,
    /// Looks and hits `[range × azimuth]`, the bins of both above, those of ranges without a look included.
    pub by_both: Vec<Vec<[u64; 2]>>,
}

impl Looks {
    /// Nothing yet.
    pub fn new(gate: Gate) -> Self {
        let plane =
            Plane::new(Axis::fixed(0.0, 360.0, AZIMUTHS), Axis::growing(0.0, gate.range_m.max(1.0), RANGES));
        Self { gate, open: VecDeque::new(), plane, decoys: [0; 2] }
    }

    /// A target that the station could see. Those that come out of order are put in order.
    pub fn expect(&mut self, target: Target) {
        let at = self.open.iter().rposition(|open| open.target.time_ns <= target.time_ns);
        let open = Open { target, is_hit: false, is_decoy_hit: [false; 2] };
        self.open.insert(at.map_or(0, |at| at + 1), open);
    }

    /// A detection.
    pub fn detection(&mut self, time_ns: i64, range_m: f64, azimuth_deg: Option<f64>) {
        self.close(time_ns);
        let half_ns = self.gate.look_ns / 2;
        for open in &mut self.open {
            let target = &open.target;
            if target.time_ns.saturating_sub(half_ns) > time_ns {
                break;
            }
            let after_s = (time_ns - target.time_ns) as f64 * 1e-9;
            let offset_m = range_m - target.range_m - target.range_rate_mps * after_s;
            let is_in_azimuth = azimuth_deg.is_none_or(|azimuth| {
                let expected = target.azimuth_deg + target.azimuth_rate_dps * after_s;
                ((azimuth - expected + 180.0).rem_euclid(360.0) - 180.0).abs() <= self.gate.azimuth_deg
            });
            let is_near = |middle_m: f64| is_in_azimuth && (offset_m - middle_m).abs() <= self.gate.range_m;
            let away_m = DECOY * self.gate.range_m;
            open.is_hit |= is_near(0.0);
            open.is_decoy_hit[0] |= is_near(away_m);
            open.is_decoy_hit[1] |= is_near(-away_m);
        }
    }

    /// Counts the looks that are over at a time.
    pub fn close(&mut self, time_ns: i64) {
        // The end belongs to the next look.
        let half_ns = self.gate.look_ns - self.gate.look_ns / 2;
        while let Some(open) = self.open.front().copied()
            && open.target.time_ns.saturating_add(half_ns) <= time_ns
        {
            self.open.pop_front();
            let cell = self
                .plane
                .at(open.target.azimuth_deg.rem_euclid(360.0).min(359.999_999), open.target.range_m);
            if let Some(cell) = cell {
                cell[0] += 1;
                cell[1] += u64::from(open.is_hit);
                // Nearer than the antenna there is no place for one.
                let n_decoys = if open.target.range_m > (DECOY + 1.0) * self.gate.range_m { 2 } else { 1 };
                self.decoys[0] += n_decoys;
                self.decoys[1] +=
                    open.is_decoy_hit.iter().take(n_decoys as usize).map(|hit| u64::from(*hit)).sum::<u64>();
            }
        }
    }

    /// The result.
    pub fn finish(mut self) -> Detected {
        self.close(i64::MAX);
        let (x, y) = (&self.plane.x, &self.plane.y);
        let bin = |axis: &Axis, at: usize, cells: &mut dyn Iterator<Item = [u64; 2]>| {
            let [looks, hits] = cells.fold([0; 2], |sum, cell| [sum[0] + cell[0], sum[1] + cell[1]]);
            Bin { from: axis.edge(at), to: axis.edge(at + 1), detected: wilson(hits, looks) }
        };
        let by_range: Vec<Bin> = (0..y.n())
            .map(|row| bin(y, row, &mut (0..x.n()).map(|column| *self.plane.cell(column, row))))
            .collect();
        let by_azimuth: Vec<Bin> = (0..x.n())
            .map(|column| bin(x, column, &mut (0..y.n()).map(|row| *self.plane.cell(column, row))))
            .collect();
        let by_both: Vec<Vec<[u64; 2]>> =
            (0..y.n()).map(|row| (0..x.n()).map(|column| *self.plane.cell(column, row)).collect()).collect();
        let (looks, hits) = by_range
            .iter()
            .fold((0, 0), |(looks, hits), bin| (looks + bin.detected.tries, hits + bin.detected.hits));
        // What lies behind the last look says nothing.
        let end = by_range.iter().rposition(|bin| bin.detected.tries > 0).map_or(0, |at| at + 1);
        Detected {
            gate: self.gate,
            all: wilson(hits, looks),
            by_chance: wilson(self.decoys[1], self.decoys[0]),
            by_range: by_range.into_iter().take(end).collect(),
            by_azimuth,
            by_both: by_both.into_iter().take(end).collect(),
        }
    }
}

#[cfg(test)]
#[path = "looks_tests.rs"]
mod tests;
