//! Coverage as GeoJSON (RFC 7946): WGS 84, longitude first, outsides anticlockwise, cut at the antimeridian.

use crate::contour::{Polygon, polygons};
use crate::cover::Cover;
use crate::station::Station;
use serde_json::{Value, json};

/// Digits of a degree: 11 m.
const ROUND: f64 = 1e4;

/// A feature collection: of each altitude what each station sees (`kind` is `station`), what two or more see (`several`),
/// what one alone sees (`one`) and what nobody sees within the map (`gap`); and the stations as points.
pub fn collection(covers: &[Cover], stations: &[Station]) -> Value {
    let mut features: Vec<Value> = stations.iter().map(point).collect();
    for cover in covers {
        for (n, station) in stations.iter().enumerate() {
            let mut feature = area(cover, "station", |seen_by| seen_by >> n & 1 == 1);
            feature["properties"]["name"] = json!(station.name);
            feature["properties"]["owner"] = json!(station.owner);
            features.push(feature);
        }
        features.push(area(cover, "several", |seen_by| seen_by.count_ones() > 1));
        features.push(area(cover, "one", |seen_by| seen_by.count_ones() == 1));
        features.push(area(cover, "gap", |seen_by| seen_by == 0));
    }
    json!({ "type": "FeatureCollection", "features": features })
}

fn point(station: &Station) -> Value {
    let at = &station.antenna;
    let properties = json!({ "kind": "site", "name": station.name, "owner": station.owner });
    let coordinates = [round(crate::horizon::wrapped_deg(at.longitude_deg)), round(at.latitude_deg)];
    json!({
        "type": "Feature",
        "properties": properties,
        "geometry": { "type": "Point", "coordinates": coordinates },
    })
}

fn area(cover: &Cover, kind: &str, is_wanted: impl Fn(u32) -> bool + Copy) -> Value {
    let outline = polygons(&cover.grid, &cover.shares(is_wanted), 0.5);
    json!({
        "type": "Feature",
        "properties": { "kind": kind, "altitude_m": cover.altitude_m, "area_km2": cover.area_km2(is_wanted).round() },
        "geometry": { "type": "MultiPolygon", "coordinates": rounded(outline) },
    })
}

fn rounded(mut polygons: Vec<Polygon>) -> Vec<Polygon> {
    for ring in polygons.iter_mut().flatten() {
        ring.iter_mut().flatten().for_each(|degrees| *degrees = round(*degrees));
        ring.dedup();
    }
    // What is thinner than the digits has no inside any more.
    for polygon in &mut polygons {
        let is_outside_left = polygon[0].len() >= 4;
        polygon.retain(|ring| is_outside_left && ring.len() >= 4);
    }
    polygons.retain(|polygon| !polygon.is_empty());
    polygons
}

fn round(degrees: f64) -> f64 {
    (degrees * ROUND).round() / ROUND
}
