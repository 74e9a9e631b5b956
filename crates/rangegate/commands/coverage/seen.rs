//! What an archive says that stations saw.

use anyhow::{Context, Result};
use rangegate_archive::row::ns_from_time;
use rangegate_archive::{Filter, Reader};
use rangegate_coverage::measured::{Measured, Seen, Sighting, measure};
use rangegate_coverage::{Conditions, Grid, Station};
use rangegate_tracking::Geodetic;
use serde::Serialize;
use std::ops::ControlFlow;
use std::path::Path;

/// Areas of one station, km².
#[derive(Clone, Debug, Serialize)]
pub struct MeasuredSummary {
    /// The station.
    pub name: String,
    /// The altitude for which it was predicted, m.
    pub altitude_m: f64,
    /// For how long it ran, outages taken out, s.
    pub observed_s: f64,
    /// Predicted and seen, km².
    pub predicted_seen_km2: f64,
    /// Predicted, looked at and empty, km².
    pub predicted_empty_km2: f64,
    /// Predicted and not observed, km².
    pub predicted_not_observed_km2: f64,
    /// Seen though not predicted, km².
    pub unpredicted_seen_km2: f64,
    /// Sightings on the map, off it, at times at which it did not run, and without place or azimuth.
    pub sightings: [u64; 4],
}

impl std::fmt::Display for MeasuredSummary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [placed, elsewhere, untimed, unplaced] = self.sightings;
        write!(
            f,
            "{} ran {:.0} s; of what it should see at {} m, 1000 km²: seen {:.1}, empty {:.1}, not observed {:.1}; seen \
             though not predicted {:.1}\n  sightings: {placed} on the map, {elsewhere} off it, {untimed} while it did not \
             run, {unplaced} without a place",
            self.name,
            self.observed_s,
            self.altitude_m,
            self.predicted_seen_km2 / 1e3,
            self.predicted_empty_km2 / 1e3,
            self.predicted_not_observed_km2 / 1e3,
            self.unpredicted_seen_km2 / 1e3,
        )
    }
}

/// What each station saw.
pub fn all(
    archive: &Path,
    stations: &[Station],
    conditions: &Conditions,
    grid: &Grid,
    altitude_m: f64,
) -> Result<Vec<(MeasuredSummary, Measured)>> {
    let reader = Reader::open(archive)?;
    let one = |station: &Station| -> Result<_> {
        let name = station.name.parse().map_err(|error| anyhow::anyhow!("{}: {error}", station.name))?;
        let ran = crate::ran::ran(&reader, &name).with_context(|| format!("of {}", station.name))?;
        let sightings = sightings(&reader, &name)?;
        let found = measure(station, conditions, grid, altitude_m, &ran, sightings);
        let area = |seen, is_predicted| found.area_km2(grid, seen, is_predicted);
        let summary = MeasuredSummary {
            name: station.name.clone(),
            altitude_m,
            observed_s: found.observed_s,
            predicted_seen_km2: area(Seen::Seen, true),
            predicted_empty_km2: area(Seen::Empty, true),
            predicted_not_observed_km2: area(Seen::NotObserved, true),
            unpredicted_seen_km2: area(Seen::Seen, false),
            sightings: [found.n_placed, found.n_elsewhere, found.n_untimed, found.n_unplaced],
        };
        Ok((summary, found))
    };
    stations.iter().map(one).collect()
}

/// Detections with azimuth, and tracks.
fn sightings(reader: &Reader, name: &rangegate_archive::Station) -> Result<Vec<Sighting>> {
    let filter = Filter { station: Some(name.clone()), ..Filter::default() };
    let mut sightings = Vec::new();
    reader.detections(&filter, &mut |row| {
        let detection = row.detection;
        sightings.push(Sighting {
            time_ns: detection.time.and_then(ns_from_time),
            range_m: detection.range_m,
            azimuth_deg: detection.azimuth_deg,
            ..Sighting::default()
        });
        ControlFlow::Continue(())
    })?;
    reader.tracks(&filter, &mut |row| {
        let place = row.state.position.and_then(|place| {
            let (latitude_deg, longitude_deg) = (place.latitude_deg?, place.longitude_deg?);
            Some(Geodetic { latitude_deg, longitude_deg, height_m: place.height_m.unwrap_or(0.0) })
        });
        sightings.push(Sighting {
            time_ns: row.time_ns,
            place,
            range_m: row.state.range_m,
            azimuth_deg: row.state.azimuth_deg,
            elevation_deg: row.state.elevation_deg,
        });
        ControlFlow::Continue(())
    })?;
    Ok(sightings)
}
