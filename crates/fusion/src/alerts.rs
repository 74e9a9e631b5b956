//! What somebody should be told of.

use crate::types::{FusedTrack, Kind};
use rangegate_core::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The section `[alerts]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AlertConfig {
    /// A station that was not heard for longer is lost, s.
    pub station_lost_s: f64,
    /// An object is new once its track has lasted this long, s.
    pub new_object_after_s: f64,
    /// Tracks first seen below this height may have come from the ground, m.
    pub ground_height_m: f64,
    /// No more alerts of one sort than this …
    pub per_sort: usize,
    /// … in this time, s; the rest are counted.
    pub within_s: f64,
}

impl Default for AlertConfig {
    fn default() -> Self {
        Self {
            station_lost_s: 30.0,
            new_object_after_s: 5.0,
            ground_height_m: 100e3,
            per_sort: 10,
            within_s: 60.0,
        }
    }
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertSort {
    /// An object that was not in the picture before.
    NewObject,
    /// An object that climbs from the ground on a free-flight path.
    ClimbsFromGround,
    /// Nothing is heard of a station.
    StationLost,
    /// A station that was lost is heard again.
    StationBack,
}

/// An alert.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    /// What happened.
    pub sort: AlertSort,
    /// When it was noticed.
    pub time: Timestamp,
    /// One line for people.
    pub text: String,
    /// The track that caused it.
    pub track: Option<FusedTrack>,
    /// The station that caused it.
    pub station: Option<String>,
    /// Alerts of the same sort that the rate limit held back since the one before.
    pub held_back: u64,
}

/// A station, and when it was last heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastHeard {
    /// Its name.
    pub station: String,
    /// When.
    pub time: Timestamp,
}

/// Watches the picture. Has no clock: the same calls give the same alerts.
#[derive(Clone, Debug, Default)]
pub struct AlertWatch {
    config: AlertConfig,
    known: BTreeSet<u64>,
    climbed: BTreeSet<u64>,
    first_height_m: BTreeMap<u64, f64>,
    lost: BTreeSet<String>,
    recent: BTreeMap<AlertSort, Vec<Timestamp>>,
    held_back: BTreeMap<AlertSort, u64>,
}

impl AlertWatch {
    /// Begins to watch.
    pub fn new(config: &AlertConfig) -> Self {
        Self { config: config.clone(), ..Self::default() }
    }

    /// The alerts of the picture at `now`.
    pub fn watch(&mut self, now: Timestamp, picture: &[FusedTrack], heard: &[LastHeard]) -> Vec<Alert> {
        let mut alerts = Vec::new();
        for track in picture {
            self.watch_track(now, track, &mut alerts);
        }
        for station in heard {
            self.watch_station(now, station, &mut alerts);
        }
        alerts
    }

    fn watch_track(&mut self, now: Timestamp, track: &FusedTrack, alerts: &mut Vec<Alert>) {
        let height_m = *self.first_height_m.entry(track.id).or_insert(track.position.height_m);
        let place = track.position;
        let at = format!(
            "{:.3}°, {:.3}°, {:.1} km",
            place.latitude_deg,
            place.longitude_deg,
            place.height_m / 1e3
        );
        if track.is_last {
            self.known.remove(&track.id);
            self.climbed.remove(&track.id);
            self.first_height_m.remove(&track.id);
            return;
        }
        let age_s = seconds(track.first_seen, track.last_seen);
        if age_s >= self.config.new_object_after_s && self.known.insert(track.id) {
            let text = format!("new object {} at {at}", track.id);
            self.raise(AlertSort::NewObject, now, text, Some(track), None, alerts);
        }
        let climbs = track.kind == Kind::Ballistic && !track.coasting && climb_mps(track) > 0.0;
        if climbs && height_m <= self.config.ground_height_m && self.climbed.insert(track.id) {
            let text = format!("object {} climbs from the ground in free flight, at {at}", track.id);
            self.raise(AlertSort::ClimbsFromGround, now, text, Some(track), None, alerts);
        }
    }

    fn watch_station(&mut self, now: Timestamp, heard: &LastHeard, alerts: &mut Vec<Alert>) {
        let silent_s = seconds(heard.time, now);
        let name = heard.station.as_str();
        if silent_s > self.config.station_lost_s {
            if self.lost.insert(name.to_owned()) {
                let text = format!("station {name} was not heard for {silent_s:.0} s");
                self.raise(AlertSort::StationLost, now, text, None, Some(name), alerts);
            }
        } else if self.lost.remove(name) {
            let text = format!("station {name} is heard again");
            self.raise(AlertSort::StationBack, now, text, None, Some(name), alerts);
        }
    }

    fn raise(
        &mut self,
        sort: AlertSort,
        time: Timestamp,
        text: String,
        track: Option<&FusedTrack>,
        station: Option<&str>,
        alerts: &mut Vec<Alert>,
    ) {
        let recent = self.recent.entry(sort).or_default();
        recent.retain(|&before| seconds(before, time) < self.config.within_s);
        if recent.len() >= self.config.per_sort {
            *self.held_back.entry(sort).or_default() += 1;
            return;
        }
        recent.push(time);
        let held_back = self.held_back.remove(&sort).unwrap_or(0);
        let (track, station) = (track.cloned(), station.map(str::to_owned));
        alerts.push(Alert { sort, time, text, track, station, held_back });
    }
}

/// Vertical speed, m/s.
fn climb_mps(track: &FusedTrack) -> f64 {
    let up = track.position.enu_from_ecef().row(2).transpose();
    (0..3).map(|i| up[i] * track.state[3 + i]).sum()
}

fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    (to.as_nanosecond() - from.as_nanosecond()) as f64 / 1e9
}
