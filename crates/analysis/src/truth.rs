//! Aircraft as readsb writes them: `aircraft.json` and traces (`globe_history`, `trace_full_*.json`).
//!
//! Formats: readsb's README-json.md. Heights are the geometric ones (WGS 84) where there are any, else barometric, which
//! may be 200 m and more off. Places by multilateration and of traffic services are left out, and those on the ground.

use nalgebra::Vector3;
use rangegate_tracking::Geodetic;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// Where an aircraft was at a time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fix {
    /// s since 1970.
    pub time_s: f64,
    /// Earth-centred, Earth-fixed, m.
    pub ecef_m: Vector3<f64>,
}

/// Aircraft over time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Truth {
    aircraft: BTreeMap<String, Vec<Fix>>,
    /// What was read.
    pub counts: Counts,
}

/// What was read of a truth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Files.
    pub files: u64,
    /// Aircraft with a place.
    pub aircraft: u64,
    /// Places taken.
    pub places: u64,
    /// Places left out: on the ground, stale, or not sent by the aircraft itself.
    pub left_out: u64,
}

/// Metres of a foot.
const M_PER_FT: f64 = 0.304_8;
/// Places of an aircraft that are taken are so far apart at least, s.
const THIN_S: f64 = 4.0;
/// Between places farther apart nothing is known, s.
const BRIDGE_S: f64 = 60.0;

#[derive(Deserialize)]
struct Document {
    now: Option<f64>,
    aircraft: Option<Vec<Entry>>,
    icao: Option<String>,
    timestamp: Option<f64>,
    trace: Option<Vec<Vec<Value>>>,
}

#[derive(Deserialize)]
struct Entry {
    hex: String,
    #[serde(rename = "type")]
    source: Option<String>,
    lat: Option<f64>,
    lon: Option<f64>,
    alt_geom: Option<Value>,
    alt_baro: Option<Value>,
    seen_pos: Option<f64>,
}

impl Truth {
    /// Takes a file's text: one object or many.
    ///
    /// # Errors
    /// It is no JSON, or neither `aircraft.json` nor a trace: field, found, expected.
    pub fn read(&mut self, text: &[u8]) -> Result<(), String> {
        self.counts.files += 1;
        for document in serde_json::Deserializer::from_slice(text).into_iter::<Document>() {
            let document = document.map_err(|error| format!("is no JSON of readsb: {error}"))?;
            match document {
                Document { now: Some(now), aircraft: Some(aircraft), .. } => {
                    aircraft.iter().for_each(|entry| self.entry(now, entry));
                }
                Document { icao: Some(icao), timestamp: Some(begin), trace: Some(trace), .. } => {
                    trace.iter().for_each(|row| self.row(&icao, begin, row));
                }
                _ => {
                    return Err(
                        "has neither `now` and `aircraft` (aircraft.json) nor `icao`, `timestamp` and `trace` (a trace)"
                            .to_owned(),
                    );
                }
            }
        }
        Ok(())
    }

    fn entry(&mut self, now: f64, entry: &Entry) {
        let (Some(lat), Some(lon)) = (entry.lat, entry.lon) else { return };
        let is_own = entry.source.as_deref().is_none_or(is_from_aircraft);
        let feet = entry
            .alt_geom
            .as_ref()
            .and_then(Value::as_f64)
            .or(entry.alt_baro.as_ref().and_then(Value::as_f64));
        let is_on_ground = entry.alt_baro.as_ref().and_then(Value::as_str) == Some("ground");
        let feet = feet.filter(|_| is_own && !is_on_ground);
        self.add(&entry.hex, now - entry.seen_pos.unwrap_or(0.0), lat, lon, feet);
    }

    /// `[s after the begin, lat, lon, ft or "ground" or null, kt, °, flags, ft/min, details, type, …]`
    fn row(&mut self, icao: &str, begin: f64, row: &[Value]) {
        let number = |at: usize| row.get(at).and_then(Value::as_f64);
        let (Some(after), Some(lat), Some(lon)) = (number(0), number(1), number(2)) else { return };
        let details = row.get(8).filter(|details| details.is_object());
        let geometric = details.and_then(|details| details["alt_geom"].as_f64());
        let is_own = details.and_then(|d| d["type"].as_str()).or(row.get(9).and_then(Value::as_str));
        let is_own = is_own.is_none_or(is_from_aircraft);
        let is_stale = number(6).is_some_and(|flags| flags as u64 & 1 == 1);
        // "ground" is no number.
        let feet =
            number(3).map(|feet| geometric.or(number(10)).unwrap_or(feet)).filter(|_| is_own && !is_stale);
        self.add(icao, begin + after, lat, lon, feet);
    }

    fn add(&mut self, hex: &str, time_s: f64, latitude_deg: f64, longitude_deg: f64, feet: Option<f64>) {
        let place = feet.map(|feet| Geodetic { latitude_deg, longitude_deg, height_m: feet * M_PER_FT });
        let is_place = latitude_deg.abs() <= 90.0 && longitude_deg.abs() <= 360.0 && time_s.is_finite();
        let Some(place) = place.filter(|place| is_place && place.height_m.is_finite()) else {
            self.counts.left_out += 1;
            return;
        };
        if !self.aircraft.contains_key(hex) {
            self.aircraft.insert(hex.to_owned(), Vec::new());
        }
        let Some(fixes) = self.aircraft.get_mut(hex) else { return };
        // Snapshots say the same place again and again.
        if fixes.last().is_none_or(|last| (time_s - last.time_s).abs() >= THIN_S) {
            fixes.push(Fix { time_s, ecef_m: place.ecef_m() });
            self.counts.places += 1;
        }
    }

    /// Puts in order what came from many files.
    pub fn sort(&mut self) {
        for fixes in self.aircraft.values_mut() {
            fixes.sort_by(|a, b| a.time_s.total_cmp(&b.time_s));
            fixes.dedup_by(|later, earlier| later.time_s - earlier.time_s < THIN_S / 2.0);
        }
        self.counts.aircraft = self.aircraft.len() as u64;
    }

    /// First and last time of all, s since 1970.
    pub fn span_s(&self) -> Option<[f64; 2]> {
        let ends =
            self.aircraft.values().filter_map(|fixes| Some([fixes.first()?.time_s, fixes.last()?.time_s]));
        ends.reduce(|[a, b], [c, d]| [a.min(c), b.max(d)])
    }

    /// Gives where each aircraft is, and its velocity, at times a step apart within a window, for as long as places lie
    /// less than a minute apart; aircraft by aircraft.
    pub fn each(
        &self,
        from_s: f64,
        to_s: f64,
        step_s: f64,
        mut give: impl FnMut(f64, Vector3<f64>, Vector3<f64>),
    ) {
        for fixes in self.aircraft.values() {
            let first = fixes.partition_point(|fix| fix.time_s < from_s).saturating_sub(1);
            for pair in fixes[first..].windows(2) {
                let (a, b) = (&pair[0], &pair[1]);
                if a.time_s >= to_s {
                    break;
                }
                let span_s = b.time_s - a.time_s;
                if span_s <= 0.0 || span_s > BRIDGE_S {
                    continue;
                }
                let velocity_mps = (b.ecef_m - a.ecef_m) / span_s;
                // Times of a grid, so that no look counts twice.
                let mut n = (a.time_s.max(from_s) / step_s).ceil();
                while n * step_s < b.time_s.min(to_s) {
                    let time_s = n * step_s;
                    give(time_s, a.ecef_m + velocity_mps * (time_s - a.time_s), velocity_mps);
                    n += 1.0;
                }
            }
        }
    }
}

/// Whether a place is what the aircraft said itself.
fn is_from_aircraft(source: &str) -> bool {
    source.starts_with("adsb") || source.starts_with("adsr") || source.starts_with("adsc")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SNAPSHOT: &str = r#"{"now": 1700000010.5, "messages": 9, "aircraft": [
        {"hex": "3c6444", "type": "adsb_icao", "lat": 48.0, "lon": 11.0, "alt_baro": 35000, "alt_geom": 36000, "seen_pos": 0.5},
        {"hex": "3c0001", "type": "mlat", "lat": 48.0, "lon": 11.0, "alt_baro": 35000},
        {"hex": "3c0002", "type": "adsb_icao", "lat": 48.0, "lon": 11.0, "alt_baro": "ground"},
        {"hex": "3c0003", "type": "mode_s"}]}"#;

    #[test]
    fn snapshots_and_traces_are_read() {
        let mut truth = Truth::default();
        let later = SNAPSHOT.replace("0010.5", "0020.5").replace("48.0", "48.01");
        truth.read(format!("{SNAPSHOT}\n{later}").as_bytes()).unwrap();
        // The example of readsb's documentation, shortened.
        truth
            .read(
                br#"{"icao":"0d8300","timestamp":1609275898.495,"trace":[
            [95.1,30.404617,-86.476575,"ground",0.7,0.0,0,0,null],
            [254.4,30.375614,-86.448889,525,37.8,142.5,1,64,{"type":"adsb_icao","alt_geom":675}],
            [303.2,30.347078,-86.418896,1275,171.9,136.7,1,448,null],
            [327.0,30.332932,-86.403647,1900,171.9,137.1,0,1664,null],
            [340.0,30.32,-86.39,2000,171.9,137.1,0,1664,null,"adsb_icao",2100]]}"#,
            )
            .unwrap();
        truth.sort();
        assert_eq!(truth.counts, Counts { files: 2, aircraft: 2, places: 4, left_out: 7 });
        let mut seen = Vec::new();
        truth.each(1.7e9, 1.8e9, 1.0, |time_s, at, velocity| {
            let place = Geodetic::from_ecef_m(&at);
            seen.push((time_s, place.latitude_deg, velocity.norm()));
            // A straight line lies deeper than the arc.
            assert!((place.height_m - 36_000.0 * M_PER_FT).abs() < 0.5);
        });
        assert_eq!(seen.len(), 10);
        assert!((seen[5].1 - 48.005).abs() < 1e-6 && (seen[0].2 - 111.4).abs() < 0.5, "{seen:?}");
        assert_eq!(truth.span_s(), Some([1609275898.495 + 327.0, 1700000020.0]));
    }

    #[test]
    fn what_it_is_not_is_refused() {
        for text in
            ["[1]", "{}", "{\"now\": 1}", "nonsense", "{\"icao\": \"a\", \"timestamp\": 1, \"trace\": [[1]"]
        {
            assert!(Truth::default().read(text.as_bytes()).is_err(), "{text}");
        }
        let mut truth = Truth::default();
        truth
            .read(br#"{"icao":"a","timestamp":1e300,"trace":[[],[1],[1e300,91,0,1],[0,1,2,null]]}"#)
            .unwrap();
        assert_eq!(truth.counts.places, 0);
    }
}
