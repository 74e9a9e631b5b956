//! Tracks as readsb's `aircraft.json`, so that tar1090 shows them on its map.

use serde_json::{Map, Value, json};

const FEET_PER_METRE: f64 = 1.0 / 0.3048;
const KNOTS_PER_MPS: f64 = 3600.0 / 1852.0;
/// Addresses of 24 bits; those that are no aircraft's have a tilde before them.
const ADDRESSES: u64 = 1 << 24;

/// The file: of the tracks whose place is known. `now_s` is the newest sample's time.
pub(crate) fn json(tracks: &[Value], now_s: f64, messages: u64) -> String {
    let aircraft: Vec<Value> = tracks.iter().filter_map(|track| entry(track, now_s)).collect();
    json!({"now": now_s, "messages": messages, "aircraft": aircraft}).to_string()
}

fn entry(track: &Value, now_s: f64) -> Option<Value> {
    let number = |name: &str| track[name].as_f64();
    let (latitude, longitude) = (number("latitude_deg")?, number("longitude_deg")?);
    let id = track["track"].as_u64()?;
    let seen_s = number("time_s").map_or(0.0, |time_s| (now_s - time_s).max(0.0));
    let mut entry = Map::new();
    let mut set = |name: &str, value: Value| drop(entry.insert(name.to_owned(), value));
    set("hex", format!("~{:06x}", id % ADDRESSES).into());
    set("type", "other".into());
    set("flight", format!("T{id:<7}").into());
    set("lat", rounded(latitude, 6));
    set("lon", rounded(longitude, 6));
    if let Some(height_m) = number("height_m") {
        set("alt_geom", ((height_m * FEET_PER_METRE).round() as i64).into());
    }
    if let Some((east, north)) = number("velocity_east_mps").zip(number("velocity_north_mps")) {
        set("gs", rounded(east.hypot(north) * KNOTS_PER_MPS, 1));
        set("track", rounded(east.atan2(north).to_degrees().rem_euclid(360.0), 2));
    }
    if let Some(up) = number("velocity_up_mps") {
        set("geom_rate", ((up * FEET_PER_METRE * 60.0).round() as i64).into());
    }
    set("seen", rounded(seen_s, 1));
    set("seen_pos", rounded(seen_s, 1));
    set("messages", track["hits"].as_u64().unwrap_or(0).into());
    set("mlat", json!([]));
    set("tisb", json!([]));
    Some(Value::Object(entry))
}

fn rounded(value: f64, decimals: i32) -> Value {
    let scale = 10_f64.powi(decimals);
    ((value * scale).round() / scale).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tracks_with_a_place_are_in_feet_and_knots() {
        let known = json!({"track": 17, "time_s": 99.5, "latitude_deg": 52.0, "longitude_deg": 13.0, "height_m": 3048.0,
            "velocity_east_mps": -100.0, "velocity_north_mps": 0.0, "hits": 12});
        let unknown = json!({"track": 18, "time_s": 99.5, "range_m": 1000.0});
        let file: Value = serde_json::from_str(&json(&[known, unknown], 100.0, 5)).unwrap();
        assert_eq!(
            file,
            json!({"now": 100.0, "messages": 5, "aircraft": [{"hex": "~000011", "type": "other", "flight": "T17     ",
                "lat": 52.0, "lon": 13.0, "alt_geom": 10000, "gs": 194.4, "track": 270.0, "seen": 0.5, "seen_pos": 0.5,
                "messages": 12, "mlat": [], "tisb": []}]})
        );
    }
}
