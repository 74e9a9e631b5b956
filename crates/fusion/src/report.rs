//! How good the picture is against the truth, beside what each station has alone.

use nalgebra::Vector3;
use pathfinding::kuhn_munkres::kuhn_munkres_min;
use pathfinding::matrix::Matrix;
use rangegate_tracking::metrics::gospa;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How it is measured.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReportConfig {
    /// Cut-off of GOSPA, m.
    pub cutoff_m: f64,
    /// Order of GOSPA.
    pub order: f64,
    /// Heights do not count: where stations have no elevation.
    pub horizontal: bool,
}

impl Default for ReportConfig {
    fn default() -> Self {
        Self { cutoff_m: 1_000.0, order: 2.0, horizontal: false }
    }
}

/// One truth, track or fused track at a time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Placed {
    /// Number of target or track.
    pub id: u64,
    /// Earth-centred, Earth-fixed, m.
    pub position_m: [f64; 3],
}

/// The result. As JSON: `{"gospa_m": {"fused": …, "stations": {"NAME": …}}, …}`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FusionReport {
    /// Mean GOSPA over the joint area.
    pub gospa_m: GospaMeans,
    /// 1 − fused / better single station.
    pub improvement: f64,
    /// Times that were compared.
    pub n_times: usize,
    /// Fused tracks that matched no truth.
    pub ghosts: usize,
    /// The longest that one lasted where at least two stations see, s.
    pub longest_ghost_s: f64,
    /// How often a target's fused identity changed.
    pub identity_switches: usize,
}

/// Mean GOSPA.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GospaMeans {
    /// Of the fused picture.
    pub fused: f64,
    /// Of each station alone.
    pub stations: BTreeMap<String, f64>,
}

/// Compares pictures with the truth, time by time.
#[derive(Clone, Debug)]
pub struct FusionScore {
    config: ReportConfig,
    fused: f64,
    stations: BTreeMap<String, f64>,
    n_times: usize,
    last_s: Option<f64>,
    /// For each fused track how long it has matched nothing where two see, s.
    ghosts: BTreeMap<u64, f64>,
    haunted: BTreeMap<u64, f64>,
    matched: BTreeMap<u64, u64>,
    switches: usize,
}

impl FusionScore {
    /// Begins.
    pub fn new(config: &ReportConfig) -> Self {
        Self {
            config: *config,
            fused: 0.0,
            stations: BTreeMap::new(),
            n_times: 0,
            last_s: None,
            ghosts: BTreeMap::new(),
            haunted: BTreeMap::new(),
            matched: BTreeMap::new(),
            switches: 0,
        }
    }

    /// Takes a time. `seen_by` says how many stations cover a position: what none covers does not count, a ghost only
    /// where two do. Times must rise.
    pub fn add(
        &mut self,
        time_s: f64,
        truths: &[Placed],
        fused: &[Placed],
        stations: &[(&str, &[Placed])],
        seen_by: impl Fn(&[f64; 3]) -> usize,
    ) {
        let step_s = self.last_s.map_or(0.0, |last| time_s - last);
        self.last_s = Some(time_s);
        self.n_times += 1;
        let joint = |of: &&Placed| seen_by(&of.position_m) > 0;
        let there: Vec<Placed> = truths.iter().filter(joint).copied().collect();
        let distance = |tracks: &[Placed]| {
            let tracks: Vec<Placed> = tracks.iter().filter(joint).copied().collect();
            let far = |truth: usize, track: usize| self.distance_m(&there[truth], &tracks[track]);
            gospa(there.len(), tracks.len(), far, self.config.cutoff_m, self.config.order).distance
        };
        let fused_m = distance(fused);
        let alone: Vec<(String, f64)> =
            stations.iter().map(|(name, tracks)| ((*name).to_owned(), distance(tracks))).collect();
        self.fused += fused_m;
        for (name, metres) in alone {
            *self.stations.entry(name).or_default() += metres;
        }
        self.follow(truths, fused, step_s, seen_by);
    }

    /// Ghosts and identities, by the assignment to all truths.
    fn follow(
        &mut self,
        truths: &[Placed],
        fused: &[Placed],
        step_s: f64,
        seen_by: impl Fn(&[f64; 3]) -> usize,
    ) {
        let mut matches = vec![None; fused.len()];
        if !fused.is_empty() {
            // A place for each that matches none.
            let costs = Matrix::from_fn(fused.len(), truths.len() + fused.len(), |(row, column)| {
                let far_m = truths.get(column).map_or(f64::MAX, |truth| self.distance_m(truth, &fused[row]));
                ((far_m / self.config.cutoff_m).min(1.0).powf(self.config.order) * 1e9) as i64
            });
            for (row, column) in kuhn_munkres_min(&costs).1.into_iter().enumerate() {
                matches[row] = truths
                    .get(column)
                    .filter(|truth| self.distance_m(truth, &fused[row]) < self.config.cutoff_m)
                    .map(|truth| truth.id);
            }
        }
        for (track, matched) in fused.iter().zip(&matches) {
            match matched {
                Some(truth) => {
                    self.haunted.remove(&track.id);
                    let before = self.matched.insert(*truth, track.id);
                    self.switches += usize::from(before.is_some_and(|before| before != track.id));
                }
                None if seen_by(&track.position_m) > 1 => {
                    let lasts = self.haunted.entry(track.id).or_insert(-step_s);
                    *lasts += step_s;
                    let longest = self.ghosts.entry(track.id).or_default();
                    *longest = longest.max(*lasts);
                }
                None => {
                    self.haunted.remove(&track.id);
                }
            }
        }
        self.haunted.retain(|id, _| fused.iter().any(|track| track.id == *id));
    }

    fn distance_m(&self, truth: &Placed, track: &Placed) -> f64 {
        let at = Vector3::from(truth.position_m);
        let offset = Vector3::from(track.position_m) - at;
        if !self.config.horizontal {
            return offset.norm();
        }
        let up = at.normalize();
        (offset - up * up.dot(&offset)).norm()
    }

    /// The result so far.
    pub fn report(&self) -> FusionReport {
        let n = self.n_times.max(1) as f64;
        let stations: BTreeMap<String, f64> =
            self.stations.iter().map(|(name, sum)| (name.clone(), sum / n)).collect();
        let best = stations.values().copied().fold(f64::INFINITY, f64::min);
        let fused = self.fused / n;
        let improvement = if best.is_finite() && best > 0.0 { 1.0 - fused / best } else { 0.0 };
        FusionReport {
            gospa_m: GospaMeans { fused, stations },
            improvement,
            n_times: self.n_times,
            ghosts: self.ghosts.len(),
            longest_ghost_s: self.ghosts.values().copied().fold(0.0, f64::max),
            identity_switches: self.switches,
        }
    }
}
