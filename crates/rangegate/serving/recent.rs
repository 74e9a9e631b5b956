//! What a run found lately, for those who ask: bounded, as the archive is for the rest.

use rangegate_web::{Query, Rows, Timeline};
use serde_json::Value;
use std::collections::{BTreeMap, VecDeque};

/// Detections that are remembered.
const MAX_DETECTIONS: usize = 20_000;
/// Tracks that are remembered, in their latest state.
const MAX_TRACKS: usize = 2_000;
/// Bins of the time line; a stream without an end makes them longer.
const BINS: usize = 2_048;

/// A row as it is told.
struct Line {
    time_s: f64,
    snr_db: f64,
    range_m: Option<f64>,
    json: Box<str>,
}

impl Line {
    fn matches(&self, query: &Query) -> bool {
        let is_within = |value: Option<f64>, least: Option<f64>, most: Option<f64>| {
            least.is_none_or(|least| value.is_some_and(|value| value >= least))
                && most.is_none_or(|most| value.is_some_and(|value| value <= most))
        };
        is_within(self.range_m, query.min_range_m, query.max_range_m)
            && query.from.is_none_or(|from| self.time_s >= from)
            && query.to.is_none_or(|to| self.time_s < to)
    }
}

/// The latest detections and tracks, and the time line.
pub(super) struct Recent {
    detections: VecDeque<Line>,
    tracks: BTreeMap<u64, Line>,
    start_s: f64,
    bin_s: f64,
    /// Detections of each bin, and the round that counted them: what is played again is not counted twice.
    counts: Vec<(u64, u64)>,
    round: u64,
}

impl Recent {
    /// Nothing found in a stream that begins at a time and may have an end.
    pub fn new(start_s: f64, duration_s: Option<f64>) -> Self {
        let bin_s = duration_s.map_or(1.0, |duration_s| duration_s.max(1e-3) / BINS as f64);
        let (detections, tracks) = (VecDeque::new(), BTreeMap::new());
        Self { detections, tracks, start_s, bin_s, counts: Vec::new(), round: 0 }
    }

    /// The recording is played again.
    pub fn begin_round(&mut self) {
        self.detections.clear();
        self.tracks.clear();
        self.round += 1;
    }

    pub fn detection(&mut self, time_s: f64, snr_db: f64, range_m: Option<f64>, json: String) {
        if self.detections.len() >= MAX_DETECTIONS {
            self.detections.pop_front();
        }
        self.detections.push_back(Line { time_s, snr_db, range_m, json: json.into() });
        self.count(time_s);
    }

    fn count(&mut self, time_s: f64) {
        let since_s = (time_s - self.start_s).max(0.0);
        while since_s / self.bin_s >= BINS as f64 {
            let both = |pair: &[(u64, u64)]| (self.round, pair.iter().map(|bin| bin.1).sum());
            self.counts = self.counts.chunks(2).map(both).collect();
            self.bin_s *= 2.0;
        }
        let bin = (since_s / self.bin_s) as usize;
        if self.counts.len() <= bin {
            self.counts.resize(bin + 1, (0, 0));
        }
        let (round, count) = &mut self.counts[bin];
        if *round != self.round {
            (*round, *count) = (self.round, 0);
        }
        *count += 1;
    }

    pub fn track(&mut self, track: u64, time_s: f64, range_m: Option<f64>, json: String) {
        self.tracks.insert(track, Line { time_s, snr_db: f64::INFINITY, range_m, json: json.into() });
        while self.tracks.len() > MAX_TRACKS {
            // Numbers grow: the least is the oldest.
            self.tracks.pop_first();
        }
    }

    /// Tracks of this time, within so many seconds.
    pub fn n_tracks(&self, time_s: f64, within_s: f64) -> u64 {
        self.tracks.values().filter(|track| time_s - track.time_s <= within_s).count() as u64
    }

    pub fn detections(&self, query: &Query) -> Rows {
        let is_strong = |line: &&Line| query.min_snr_db.is_none_or(|least| line.snr_db >= least);
        newest(self.detections.iter().rev().filter(is_strong), query)
    }

    pub fn tracks(&self, query: &Query) -> Rows {
        let one = query.track.map(|track| u64::try_from(track).unwrap_or(u64::MAX));
        let of = self.tracks.iter().rev().filter(|(track, _)| one.is_none_or(|one| one == **track));
        newest(of.map(|(_, line)| line), query)
    }

    /// Detections of a stretch, in bins: each of ours counts where its middle lies.
    pub fn timeline(&self, start_s: f64, end_s: f64, bins: usize) -> Timeline {
        let end_s = end_s.max(start_s + 1e-6);
        let mut counts = vec![0; bins];
        for (at, (_, count)) in self.counts.iter().enumerate() {
            let middle_s = self.start_s + (at as f64 + 0.5) * self.bin_s;
            let place = (middle_s - start_s) / (end_s - start_s) * bins as f64;
            if place >= 0.0
                && let Some(bin) = counts.get_mut(place as usize)
            {
                *bin += count;
            }
        }
        Timeline { start_s, end_s, counts }
    }
}

/// Rows from the newest on, put in order of time.
fn newest<'a>(lines: impl Iterator<Item = &'a Line>, query: &Query) -> Rows {
    let limit = query.limit.unwrap_or(usize::MAX);
    let mut lines = lines.filter(|line| line.matches(query));
    let mut items: Vec<Value> =
        lines.by_ref().take(limit).filter_map(|line| serde_json::from_str(&line.json).ok()).collect();
    items.reverse();
    Rows { items, more: lines.next().is_some() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_are_given_in_order_and_the_time_line_counts_each_once() {
        let mut recent = Recent::new(100.0, Some(10.0));
        for round in 1..=2 {
            recent.begin_round();
            // Those of one dwell come in no order.
            for k in [1, 0, 2, 3, 4, 5, 6, 8, 7, 9] {
                let time_s = 100.5 + f64::from(k);
                recent.detection(time_s, f64::from(k), Some(1e3), format!("{{\"k\":{k}}}"));
            }
            let timeline = recent.timeline(100.0, 110.0, 5);
            assert_eq!((timeline.counts, timeline.end_s as i64), (vec![2; 5], 110), "{round}");
        }
        let query = Query { limit: Some(2), min_snr_db: Some(4.0), to: Some(109.0), ..Query::default() };
        let rows = recent.detections(&query);
        assert_eq!((rows.items[0]["k"].as_u64(), rows.items.len(), rows.more), (Some(8), 2, true));
        assert_eq!(recent.detections(&Query { min_range_m: Some(2e3), ..Query::default() }), Rows::default());
        recent.track(3, 101.0, None, "{\"track\":3}".to_owned());
        recent.track(4, 105.0, None, "{\"track\":4}".to_owned());
        assert_eq!(recent.tracks(&Query { track: Some(3), ..Query::default() }).items.len(), 1);
        assert_eq!(recent.n_tracks(106.0, 2.0), 1);
    }

    #[test]
    fn memory_is_bounded() {
        let mut recent = Recent::new(0.0, None);
        recent.begin_round();
        for k in 0..100_000_u64 {
            recent.detection(k as f64, 0.0, None, "{}".to_owned());
            recent.track(k, k as f64, None, "{}".to_owned());
        }
        assert_eq!((recent.detections.len(), recent.tracks.len()), (MAX_DETECTIONS, MAX_TRACKS));
        assert!(recent.counts.len() <= BINS);
        assert_eq!(recent.counts.iter().map(|bin| bin.1).sum::<u64>(), 100_000);
    }
}
