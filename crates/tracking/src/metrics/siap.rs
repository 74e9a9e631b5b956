//! Single integrated air picture (Votruba et al., *SIAP Metrics Implementation*, 2001): sums over a scene's times.

use serde::Serialize;
use std::collections::BTreeMap;

/// The metrics of a whole scene.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Siap {
    /// Share of the truths that have a track, 0 to 1.
    pub completeness: f64,
    /// Tracks for each truth that has one; 1 is best.
    pub ambiguity: f64,
    /// Share of the tracks that have no truth.
    pub spuriousness: f64,
    /// Mean error of position of the tracks that have a truth.
    pub position_error: f64,
    /// Mean error of velocity of these.
    pub velocity_error: f64,
    /// Changes of a truth's track for each second that it is tracked, 1/s.
    pub track_changes_hz: f64,
    /// Share of a truth's life that its longest track follows it.
    pub longest_segment: f64,
}

/// Collects a scene, time after time.
#[derive(Clone, Debug, Default)]
pub struct SiapSums {
    truths: f64,
    tracks: f64,
    truths_tracked: f64,
    tracks_true: f64,
    position_error: f64,
    velocity_error: f64,
    of_truth: BTreeMap<u64, Life>,
}

/// What became of one truth.
#[derive(Clone, Debug, Default)]
struct Life {
    first_s: f64,
    last_s: f64,
    /// When each track followed it: runs of (track, from, to).
    runs: Vec<(u64, f64, f64)>,
}

impl SiapSums {
    /// Adds one time: who is there, and which tracks follow which truths as (truth, track, error of position, error of
    /// velocity). Times must grow.
    pub fn add(
        &mut self,
        time_s: f64,
        truths: impl IntoIterator<Item = u64>,
        n_tracks: usize,
        followed: &[(u64, u64, f64, f64)],
    ) {
        self.tracks += n_tracks as f64;
        for truth in truths {
            self.truths += 1.0;
            if followed.iter().any(|of| of.0 == truth) {
                self.truths_tracked += 1.0;
            }
            let life = self.of_truth.entry(truth).or_insert(Life { first_s: time_s, ..Life::default() });
            let before_s = if life.runs.is_empty() && life.first_s >= time_s { time_s } else { life.last_s };
            life.last_s = time_s;
            for &(_, track, _, _) in followed.iter().filter(|of| of.0 == truth) {
                match life.runs.iter_mut().find(|run| run.0 == track && run.2 >= before_s) {
                    Some(run) => run.2 = time_s,
                    None => life.runs.push((track, time_s, time_s)),
                }
            }
        }
        let mut tracks: Vec<u64> = followed.iter().map(|of| of.1).collect();
        tracks.sort_unstable();
        tracks.dedup();
        self.tracks_true += tracks.len() as f64;
        self.position_error += followed.iter().map(|of| of.2).sum::<f64>();
        self.velocity_error += followed.iter().map(|of| of.3).sum::<f64>();
    }

    /// The metrics of what was added.
    pub fn metrics(&self) -> Siap {
        let ratio =
            |part: f64, whole: f64, otherwise: f64| if whole > 0.0 { part / whole } else { otherwise };
        let (mut changes, mut tracked_s, mut longest_s, mut lived_s) = (0.0, 0.0, 0.0, 0.0);
        for life in self.of_truth.values() {
            lived_s += life.last_s - life.first_s;
            longest_s += life.runs.iter().map(|run| run.2 - run.1).fold(0.0, f64::max);
            let (needed, covered_s) = life.cover();
            changes += needed.saturating_sub(1) as f64;
            tracked_s += covered_s;
        }
        Siap {
            completeness: ratio(self.truths_tracked, self.truths, 0.0),
            ambiguity: ratio(self.tracks_true, self.truths_tracked, 1.0),
            spuriousness: ratio(self.tracks - self.tracks_true, self.tracks, 0.0),
            position_error: ratio(self.position_error, self.tracks_true, 0.0),
            velocity_error: ratio(self.velocity_error, self.tracks_true, 0.0),
            track_changes_hz: ratio(changes, tracked_s, 0.0),
            longest_segment: ratio(longest_s, lived_s, 0.0),
        }
    }
}

impl Life {
    /// The fewest runs that cover all times at which it is tracked, and how long that is.
    fn cover(&self) -> (usize, f64) {
        let mut runs = self.runs.clone();
        runs.sort_by(|a, b| a.1.total_cmp(&b.1).then(b.2.total_cmp(&a.2)));
        let (mut needed, mut covered_s, mut until_s) = (0, 0.0, f64::NEG_INFINITY);
        let mut at = 0;
        while at < runs.len() {
            // Of those that begin within what is covered, the one that lasts longest.
            let begins = runs[at].1.max(until_s);
            let mut reach = (runs[at].1, runs[at].2);
            while at < runs.len() && runs[at].1 <= begins {
                if runs[at].2 > reach.1 {
                    reach = (runs[at].1, runs[at].2);
                }
                at += 1;
            }
            if reach.1 > until_s {
                covered_s += reach.1 - reach.0.max(until_s);
                until_s = reach.1;
                needed += 1;
            }
        }
        (needed, covered_s)
    }
}
