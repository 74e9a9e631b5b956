//! Against what a station's detection is measured: another station's tracks, or ADS-B.

use rangegate_analysis::looks::{Detected, Gate, Looks, Target};
use rangegate_analysis::spans::contains;
use rangegate_analysis::truth::Truth;
use rangegate_archive::TrackRow;
use rangegate_core::Detection;
use rangegate_coverage::measured::Interval;
use rangegate_coverage::{Refraction, SiteConfig, Station, sight};
use rangegate_tracking::Geodetic;
use std::collections::BTreeMap;

/// Who says what is there.
#[derive(Clone, Copy)]
pub enum Source<'a> {
    /// Tracks of the station of this number.
    Station(usize),
    /// Aircraft.
    Truth(&'a Truth),
}

/// A station, and what it is measured against.
pub struct Reference<'a> {
    /// Number of the station.
    pub station: usize,
    /// What says what is there.
    pub source: Source<'a>,
    /// The station has tracks only: they count.
    pub by_tracks: bool,
    name: String,
    site: Station,
    air: Refraction,
    ran: Vec<Interval>,
    step_ns: i64,
    look_ns: i64,
    looks: Looks,
    /// Time and place of each track's latest state, and when it was last expected.
    latest: BTreeMap<(i64, i64), (i64, Geodetic, i64)>,
    /// Own tracks' states that wait until the targets of their looks are known: time, range, azimuth.
    waiting: Vec<(i64, f64, Option<f64>)>,
}

/// Looks at one target are so far apart at least, ns.
const LEAST_STEP_NS: i64 = 1_000_000_000;
/// States farther apart say no velocity, ns.
const FARTHEST_NS: i64 = 30_000_000_000;

impl<'a> Reference<'a> {
    pub fn new(
        station: usize,
        source: Source<'a>,
        (site, checked): (&SiteConfig, Station),
        by_tracks: bool,
        gate: Gate,
        ran: Vec<Interval>,
    ) -> Self {
        Self {
            station,
            source,
            by_tracks,
            name: site.name.clone(),
            site: checked,
            air: Refraction::default(),
            ran,
            step_ns: gate.look_ns.max(LEAST_STEP_NS),
            look_ns: gate.look_ns,
            looks: Looks::new(gate),
            latest: BTreeMap::new(),
            waiting: Vec::new(),
        }
    }

    /// How long before a detection its target must be known, ns.
    pub fn margin_ns(&self) -> i64 {
        self.look_ns
    }

    /// A state of a track.
    pub fn track(&mut self, station: usize, time_ns: i64, row: &TrackRow) {
        if self.by_tracks && station == self.station && row.state.coasting != Some(true) {
            let seen = self.seen(row);
            self.waiting.extend(seen.map(|(range_m, azimuth)| (time_ns, range_m, azimuth)));
        }
        let Source::Station(other) = self.source else { return };
        if other != station || row.state.coasting == Some(true) || self.is_own(row) {
            return;
        }
        let Some(place) = super::gather::place(row) else { return };
        let key = (row.run, row.state.track);
        let before = self.latest.get(&key).copied();
        let expected_ns = before.map_or(i64::MIN, |(_, _, expected)| expected);
        let mut next = (time_ns, place, expected_ns);
        if let Some((then_ns, there, _)) = before
            && time_ns > then_ns
            && time_ns - then_ns <= FARTHEST_NS
            && time_ns.saturating_sub(expected_ns) >= self.step_ns
        {
            let velocity = (place.ecef_m() - there.ecef_m()) / ((time_ns - then_ns) as f64 * 1e-9);
            self.expect(time_ns, &place.ecef_m(), &velocity);
            next.2 = time_ns;
        }
        self.latest.insert(key, next);
    }

    /// Aircraft of a time.
    pub fn truth(&mut self, from_ns: i64, to_ns: i64) {
        let Source::Truth(truth) = self.source else { return };
        let mut there = Vec::new();
        let [from_s, to_s] = [from_ns, to_ns].map(|ns| ns as f64 * 1e-9);
        truth.each(from_s, to_s, self.step_ns as f64 * 1e-9, |time_s, at, velocity| {
            there.push(((time_s * 1e9) as i64, at, velocity));
        });
        there.sort_by_key(|(time_ns, ..)| *time_ns);
        for (time_ns, at, velocity) in there {
            self.expect(time_ns, &at, &velocity);
        }
    }

    /// A detection of any station.
    pub fn detection(&mut self, station: usize, time_ns: i64, detection: &Detection) {
        if station != self.station || self.by_tracks {
            return;
        }
        if let Some(range_m) = detection.range_m {
            self.looks.detection(time_ns, range_m, detection.azimuth_deg);
        }
    }

    /// Takes own tracks' states before a time: all targets of their looks are known.
    pub fn own_tracks(&mut self, to_ns: i64) {
        let n = self.waiting.partition_point(|(time_ns, ..)| *time_ns < to_ns);
        for (time_ns, range_m, azimuth) in self.waiting.drain(..n) {
            self.looks.detection(time_ns, range_m, azimuth);
        }
    }

    /// The result.
    pub fn finish(mut self) -> Detected {
        self.own_tracks(i64::MAX);
        self.looks.finish()
    }

    /// A target, if the station ran and looks there.
    fn expect(&mut self, time_ns: i64, at_m: &nalgebra::Vector3<f64>, velocity_mps: &nalgebra::Vector3<f64>) {
        let half_ns = self.look_ns / 2;
        if !contains(&self.ran, time_ns.saturating_sub(half_ns))
            || !contains(&self.ran, time_ns.saturating_add(half_ns))
        {
            return;
        }
        let place = Geodetic::from_ecef_m(at_m);
        let is_seen = self.site.looks_at(&self.air, &place)
            && sight::is_clear(&self.air, None, &self.site.antenna, &place);
        if !is_seen {
            return;
        }
        let now = self.site.look(&self.air, &place);
        let later = self.site.look(&self.air, &Geodetic::from_ecef_m(&(at_m + velocity_mps)));
        let range = |look: &rangegate_coverage::station::Look| 0.5 * (look.range_m + look.transmitter_m);
        self.looks.expect(Target {
            time_ns,
            range_m: range(&now),
            range_rate_mps: range(&later) - range(&now),
            azimuth_deg: now.azimuth_deg,
            azimuth_rate_dps: (later.azimuth_deg - now.azimuth_deg + 180.0).rem_euclid(360.0) - 180.0,
        });
    }

    /// Range and azimuth of an own track.
    fn seen(&self, row: &TrackRow) -> Option<(f64, Option<f64>)> {
        if let Some(place) = super::gather::place(row) {
            let look = self.site.look(&self.air, &place);
            return Some((0.5 * (look.range_m + look.transmitter_m), Some(look.azimuth_deg)));
        }
        Some((row.state.range_m?, row.state.azimuth_deg))
    }

    /// A fused track to which nobody else gives: that it is there says only that this station sees it.
    fn is_own(&self, row: &TrackRow) -> bool {
        if !row.line.contains("\"contributors\"") {
            return false;
        }
        let line: serde_json::Value = serde_json::from_str(&row.line).unwrap_or_default();
        let others = line["contributors"].as_array().map(|all| {
            all.iter().filter(|contributor| contributor["station"].as_str() != Some(&self.name)).count()
        });
        others == Some(0)
    }
}
