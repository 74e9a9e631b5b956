//! What really flew, where that is known: beside a recording as `NAME.truth.jsonl` or `truth.jsonl`, or in the scene itself.

use super::station;
use crate::plan::Plan;
use rangegate_scene::{CpiTruth, Scene};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Lines that are read at most.
const MAX_LINES: usize = 1_000_000;

/// Where a target was.
pub(super) struct Truth {
    /// First sample of the CPI.
    pub sample: u64,
    /// As it is told.
    pub json: Value,
}

/// The truth of a plan's source, by sample; nothing where there is none.
pub(super) fn read(plan: &Plan) -> Vec<Truth> {
    let source = &plan.config.source;
    let truths: Vec<CpiTruth> = match (&source.recording, &source.scene) {
        (Some(recording), _) => beside(recording).map(|path| of_file(&path)).unwrap_or_default(),
        (_, Some(scene)) => of_scene(scene),
        _ => Vec::new(),
    };
    let station = station(&plan.config);
    let rate_hz = plan.stream.sample_rate.hz();
    let mut truths: Vec<Truth> = truths
        .into_iter()
        .map(|of| {
            let since = of.first_sample as f64 - plan.stream.first_sample as f64;
            let place = station.as_ref().map(|station| place(station, of.position_m));
            Truth {
                sample: of.first_sample,
                json: json!({
                    "id": of.target,
                    // From the first sample, as the page counts.
                    "time_s": since / rate_hz,
                    "range_m": of.range_m,
                    "range_rate_m_s": of.range_rate_mps,
                    "azimuth_deg": of.azimuth_deg,
                    "latitude_deg": place.map(|place| place.0),
                    "longitude_deg": place.map(|place| place.1),
                }),
            }
        })
        .collect();
    truths.sort_by_key(|truth| truth.sample);
    truths
}

fn beside(recording: &Path) -> Option<PathBuf> {
    let stem = recording.file_stem()?.to_str()?;
    let names = [format!("{stem}.truth.jsonl"), "truth.jsonl".to_owned()];
    names.iter().map(|name| recording.with_file_name(name)).find(|path| path.is_file())
}

fn of_file(path: &Path) -> Vec<CpiTruth> {
    let Ok(text) = std::fs::read_to_string(path) else { return Vec::new() };
    // Lines of bursts, which are of another kind, are none of CPIs.
    text.lines().take(MAX_LINES).filter_map(|line| serde_json::from_str(line).ok()).collect()
}

fn of_scene(path: &Path) -> Vec<CpiTruth> {
    let scene = crate::plan::read_scene(path).ok().and_then(|config| Scene::new(&config).ok());
    scene.map(|scene| scene.cpi_truth().take(MAX_LINES).collect()).unwrap_or_default()
}

/// Latitude and longitude of a place east and north of the station, degrees: on the sphere, as far as a map shows.
fn place(station: &rangegate_web::Station, [east_m, north_m, _]: [f64; 3]) -> (f64, f64) {
    const RADIUS_M: f64 = 6_371_000.0;
    let (distance, bearing) = (east_m.hypot(north_m) / RADIUS_M, east_m.atan2(north_m));
    let (sin_lat, cos_lat) = station.latitude_deg.to_radians().sin_cos();
    let latitude = (sin_lat * distance.cos() + cos_lat * distance.sin() * bearing.cos()).asin();
    let longitude =
        (bearing.sin() * distance.sin() * cos_lat).atan2(distance.cos() - sin_lat * latitude.sin());
    (latitude.to_degrees(), station.longitude_deg + longitude.to_degrees())
}
