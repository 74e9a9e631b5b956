//! A station or a centre as the server asks for it: tracks of several owners on one map, without samples.
//!
//! All times are s since 1970: those of reports, which may be of another day than the clock's.

use super::Archived;
use super::places::place_of_track;
use super::recent::Recent;
use rangegate_core::Timestamp;
use rangegate_web::backend::Source;
use rangegate_web::{
    About, Backend, Command, Hub, Mode, Query, Refusal, Replay, Rows, Station, Status, Stretch, Timeline,
};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// Items of one message at most.
const MAX_ITEMS: usize = 1_000;
/// Alerts that are remembered.
const MAX_ALERTS: usize = 200;
/// Stations that are told apart: more than a contract has, against names that anybody may invent.
const MAX_STATIONS: usize = 1_000;
/// Time after its latest report for which a track is counted, s.
const TRACK_LIFE_S: f64 = 30.0;
/// How often those who look on are told of the account.
const TELL_EVERY: Duration = Duration::from_secs(1);

/// What was heard and made lately.
pub struct Federated {
    about: About,
    configuration: Value,
    hub: Arc<Hub>,
    /// Where the reports are kept, once there are any.
    folder: PathBuf,
    archive: OnceLock<Archived>,
    heard: Mutex<Heard>,
}

struct Heard {
    status: Status,
    /// From the first report on: until then nobody knows what time it is.
    recent: Option<Recent>,
    start_s: f64,
    stations: BTreeMap<String, Given>,
    alerts: VecDeque<Value>,
    contracts: Value,
    balances: Value,
    told: Option<Instant>,
}

/// What came from a station.
#[derive(Clone, Default)]
struct Given {
    owner: String,
    place: Option<(f64, f64)>,
    detections: u64,
    tracks: u64,
    last_s: Option<f64>,
}

impl Heard {
    /// What is remembered, which begins with this time where nothing is.
    fn recent(&mut self, time_s: f64) -> &mut Recent {
        self.status.time_s = self.status.time_s.max(time_s);
        if self.recent.is_none() {
            self.start_s = time_s;
        }
        self.recent.get_or_insert_with(|| Recent::new(time_s, None))
    }

    /// The station that an item names; `None` where it names none.
    fn station(&mut self, item: &Map<String, Value>) -> Option<&mut Given> {
        let name = item.get("station").and_then(Value::as_str)?;
        if !self.stations.contains_key(name) && self.stations.len() >= MAX_STATIONS {
            return None;
        }
        let owner = item.get("owner").and_then(Value::as_str).unwrap_or(name);
        let new = || Given { owner: owner.to_owned(), ..Given::default() };
        Some(self.stations.entry(name.to_owned()).or_insert_with(new))
    }

    fn account(&self) -> Value {
        let station = |(name, of): (&String, &Given)| {
            json!({
                "name": name, "owner": of.owner, "detections": of.detections, "tracks": of.tracks, "last_s": of.last_s,
                "latitude_deg": of.place.map(|place| place.0), "longitude_deg": of.place.map(|place| place.1),
            })
        };
        json!({
            "time_s": self.recent.as_ref().map(|_| self.status.time_s),
            "contracts": self.contracts,
            "balances": self.balances,
            "stations": self.stations.iter().map(station).collect::<Vec<_>>(),
        })
    }
}

impl Federated {
    /// Nothing heard yet, about a place, as far as stations may see; reports are kept in the archive in `folder`.
    pub fn new(
        station: Option<Station>,
        max_range_m: Option<f64>,
        configuration: Value,
        folder: &Path,
        hub: &Arc<Hub>,
    ) -> Self {
        let about = About {
            mode: Mode::Exchange,
            views: Vec::new(),
            station,
            detector: Value::Null,
            duration_s: None,
            start_time_s: None,
            sample_rate_hz: None,
            first_sample: None,
            channels: 1,
            transmitter: None,
            max_range_m,
            archive: false,
            exchange: true,
        };
        let heard = Heard {
            status: Status::default(),
            recent: None,
            start_s: 0.0,
            stations: BTreeMap::new(),
            alerts: VecDeque::new(),
            contracts: json!([]),
            balances: json!([]),
            told: None,
        };
        let (hub, folder) = (Arc::clone(hub), folder.to_owned());
        Self { about, configuration, hub, folder, archive: OnceLock::new(), heard: Mutex::new(heard) }
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn archive(&self) -> Option<&Archived> {
        if self.archive.get().is_none()
            && let Ok(archive) = Archived::open(&self.folder)
        {
            let _ = self.archive.set(archive);
        }
        self.archive.get()
    }

    fn asked(&self) -> Result<&Archived, Refusal> {
        self.archive().ok_or_else(|| Refusal::Impossible("nothing was archived yet".to_owned()))
    }

    /// A station, whose it is and where.
    pub fn site(&self, name: &str, owner: &str, latitude_deg: f64, longitude_deg: f64) {
        let item = json!({ "station": name, "owner": owner });
        let mut heard = self.heard();
        if let Some(station) = item.as_object().and_then(|item| heard.station(item)) {
            owner.clone_into(&mut station.owner);
            station.place = Some((latitude_deg, longitude_deg));
        }
    }

    /// Tells of detections; each has `snr_db`, perhaps `range_m`, and whose it is.
    pub fn detections(&self, time: Timestamp, items: Vec<Map<String, Value>>) {
        let time_s = super::unix_s(time);
        let mut told = Vec::new();
        for mut item in items {
            let mut heard = self.heard();
            let figure = |name: &str| item.get(name).and_then(Value::as_f64);
            let (snr_db, range_m) = (figure("snr_db").unwrap_or(0.0), figure("range_m"));
            if let Some(station) = heard.station(&item) {
                station.detections += 1;
                station.last_s = Some(station.last_s.map_or(time_s, |last_s| last_s.max(time_s)));
            }
            item.insert("number".to_owned(), heard.status.detections.into());
            item.insert("time_s".to_owned(), time_s.into());
            heard.status.detections += 1;
            let text = Value::Object(item).to_string();
            heard.recent(time_s).detection(time_s, snr_db, range_m, text.clone());
            told.push(text);
        }
        self.tell("detections", &told);
    }

    /// Tells of tracks in the form of lines of `tracks.jsonl`, with whose they are.
    pub fn tracks(&self, time: Timestamp, items: Vec<Map<String, Value>>) {
        let time_s = super::unix_s(time);
        let mut told = Vec::new();
        for mut item in items {
            let Some(track) = item.get("track").and_then(Value::as_u64) else { continue };
            place_of_track(&mut item);
            item.insert("time_s".to_owned(), time_s.into());
            let range_m = item.get("range_m").and_then(Value::as_f64);
            let mut heard = self.heard();
            if let Some(station) = heard.station(&item) {
                station.tracks += 1;
                station.last_s = Some(station.last_s.map_or(time_s, |last_s| last_s.max(time_s)));
            }
            let text = Value::Object(item).to_string();
            heard.recent(time_s).track(track, time_s, range_m, text.clone());
            told.push(text);
        }
        self.tell("tracks", &told);
        self.tell_account();
    }

    /// Tells of an alert of the common picture, as `alerts.jsonl` has it.
    pub fn alert(&self, alert: &Value) {
        let time = alert["time"].as_str().and_then(|text| text.parse::<Timestamp>().ok());
        let place = &alert["track"]["position"];
        let item = json!({
            "sort": alert["sort"], "text": alert["text"], "time_s": time.map_or(0.0, super::unix_s),
            "track": alert["track"]["id"], "station": alert["station"], "held_back": alert["held_back"].as_u64().unwrap_or(0),
            "latitude_deg": place["latitude_deg"], "longitude_deg": place["longitude_deg"],
        });
        let mut heard = self.heard();
        if heard.alerts.len() >= MAX_ALERTS {
            heard.alerts.pop_front();
        }
        heard.alerts.push_back(item.clone());
        drop(heard);
        self.hub.tell("alert", false, json!({ "type": "alert", "item": item }).to_string());
    }

    /// The contracts, and how everybody's giving stands.
    pub fn account(&self, contracts: Option<Value>, balances: Value) {
        let mut heard = self.heard();
        if let Some(contracts) = contracts {
            heard.contracts = contracts;
        }
        heard.balances = balances;
        drop(heard);
        self.tell_account();
    }

    fn tell_account(&self) {
        let mut heard = self.heard();
        if heard.told.is_some_and(|told| told.elapsed() < TELL_EVERY) {
            return;
        }
        heard.told = Some(Instant::now());
        let mut account = heard.account();
        drop(heard);
        account["type"] = "exchange".into();
        self.hub.tell("exchange", true, account.to_string());
    }

    fn tell(&self, what: &'static str, items: &[String]) {
        for items in items.chunks(MAX_ITEMS) {
            let text = format!("{{\"type\":\"{what}\",\"items\":[{}]}}", items.join(","));
            self.hub.tell(what, false, text);
        }
    }
}

fn impossible<T>(what: &str) -> Result<T, Refusal> {
    Err(Refusal::Impossible(what.to_owned()))
}

impl Backend for Federated {
    fn about(&self) -> About {
        About { archive: self.archive().is_some(), ..self.about.clone() }
    }

    fn status(&self) -> Status {
        let heard = self.heard();
        let mut status = heard.status.clone();
        status.tracks =
            heard.recent.as_ref().map_or(0, |recent| recent.n_tracks(status.time_s, TRACK_LIFE_S));
        status
    }

    fn configuration(&self) -> Value {
        self.configuration.clone()
    }

    fn replay(&self) -> Option<Replay> {
        None
    }

    fn command(&self, _command: Command) -> Result<Replay, Refusal> {
        impossible("nothing is replayed here")
    }

    fn trigger(&self) -> Result<(), Refusal> {
        impossible("no samples are held here")
    }

    fn detections(&self, query: &Query) -> Result<Rows, Refusal> {
        if query.source == Source::Archive {
            return self.asked()?.detections(query);
        }
        Ok(self.heard().recent.as_ref().map_or_else(Rows::default, |recent| recent.detections(query)))
    }

    fn tracks(&self, query: &Query) -> Result<Rows, Refusal> {
        if query.source == Source::Archive {
            return self.asked()?.tracks(query);
        }
        Ok(self.heard().recent.as_ref().map_or_else(Rows::default, |recent| recent.tracks(query)))
    }

    fn timeline(&self, stretch: &Stretch, bins: usize) -> Result<Timeline, Refusal> {
        if stretch.source == Source::Archive {
            return self.asked()?.timeline(stretch, bins);
        }
        let heard = self.heard();
        let start_s = stretch.from.unwrap_or(heard.start_s);
        let end_s = stretch.to.unwrap_or(heard.status.time_s).max(start_s);
        Ok(match &heard.recent {
            Some(recent) => recent.timeline(start_s, end_s, bins),
            None => Timeline { start_s, end_s, counts: vec![0; bins] },
        })
    }

    fn exchange(&self) -> Option<Value> {
        let heard = self.heard();
        let mut account = heard.account();
        account["alerts"] = heard.alerts.iter().cloned().collect();
        Some(account)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_each_station_gave_is_counted_and_time_is_that_of_reports() {
        let folder = tempfile::tempdir().unwrap();
        let none = folder.path().join("none");
        let view = Federated::new(None, Some(1e5), json!({}), &none, &Arc::new(Hub::new()));
        assert_eq!(view.exchange().unwrap()["time_s"], Value::Null);
        assert_eq!(view.timeline(&Stretch::default(), 3).unwrap().counts, [0; 3]);
        view.site("south", "South", 40.0, 45.0);
        let time = |second: i64| Timestamp::from_second(1_800_000_000 + second).unwrap();
        let item = |value: Value| value.as_object().unwrap().clone();
        view.detections(
            time(0),
            vec![item(json!({"snr_db": 20.0, "station": "south", "owner": "South"})); 2],
        );
        view.tracks(time(9), vec![item(json!({"track": 7, "station": "north", "owner": "North"}))]);
        view.tracks(time(9), vec![item(json!({"track": 8, "owner": "centre", "fused": true}))]);
        let account = view.exchange().unwrap();
        let [north, south] = [&account["stations"][0], &account["stations"][1]];
        assert_eq!(
            (&north["owner"], &north["tracks"], &north["latitude_deg"]),
            (&json!("North"), &json!(1), &Value::Null)
        );
        assert_eq!((&south["detections"], &south["last_s"]), (&json!(2), &json!(1_800_000_000.0)));
        assert_eq!(account["time_s"], 1_800_000_009.0);
        let timeline = view.timeline(&Stretch::default(), 3).unwrap();
        assert_eq!((timeline.start_s, timeline.counts[0]), (1_800_000_000.0, 2));
        assert_eq!((view.status().tracks, view.about().archive), (2, false));
        let archived = Query { source: Source::Archive, ..Query::default() };
        assert!(matches!(Backend::tracks(&view, &archived), Err(Refusal::Impossible(_))));
        for _ in 0..2 * MAX_ALERTS {
            view.alert(&json!({"sort": "new_object", "text": "new", "time": "2026-11-22T10:00:00Z",
                "track": {"id": 8, "position": {"latitude_deg": 1.0, "longitude_deg": 2.0}}, "station": null, "held_back": 0}));
        }
        let alerts = &view.exchange().unwrap()["alerts"];
        assert_eq!((alerts.as_array().unwrap().len(), &alerts[0]["track"]), (MAX_ALERTS, &json!(8)));
    }
}
