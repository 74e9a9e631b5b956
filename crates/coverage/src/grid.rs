//! Cells of latitude and longitude.

use crate::horizon::{EARTH_RADIUS_M, wrapped_deg};
use crate::station::Station;
use crate::{Error, Refraction};
use rangegate_tracking::Geodetic;
use serde::{Deserialize, Serialize};

/// Most cells of a grid.
const MAX_CELLS: usize = 4_000_000;

/// A part of the Earth: west, south, east, north, degrees. East is greater than west, and past 180 where the part lies
/// across the antimeridian.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Region(pub [f64; 4]);

impl Region {
    /// What all stations could see at an altitude if they looked all round, and a little more.
    pub fn around(stations: &[Station], air: &Refraction, altitude_m: f64) -> Option<Self> {
        let middle_deg = stations.first()?.antenna.longitude_deg;
        let [mut west, mut south, mut east, mut north] = [f64::INFINITY, 90.0, f64::NEG_INFINITY, -90.0_f64];
        for station in stations {
            let angle = (1.02 * station.farthest_m(air, altitude_m) / EARTH_RADIUS_M).max(1e-5);
            let lat = station.antenna.latitude_deg;
            south = south.min((lat - angle.to_degrees()).max(-90.0));
            north = north.max((lat + angle.to_degrees()).min(90.0));
            let sine = angle.min(std::f64::consts::FRAC_PI_2).sin() / lat.to_radians().cos().max(1e-9);
            // A cap with a pole in it, or of more than half the Earth, is at all longitudes.
            let holds_pole = lat.abs() + angle.to_degrees() >= 90.0;
            let half_deg = if holds_pole || sine >= 1.0 { 180.0 } else { sine.asin().to_degrees() };
            let at_deg = middle_deg + wrapped_deg(station.antenna.longitude_deg - middle_deg);
            (west, east) = (west.min(at_deg - half_deg), east.max(at_deg + half_deg));
        }
        if east - west >= 360.0 {
            return Some(Self([-180.0, south, 180.0, north]));
        }
        let turns = ((west + 180.0) / 360.0).floor() * 360.0;
        Some(Self([west - turns, south, east - turns, north]))
    }

    /// What is wrong with it.
    ///
    /// # Errors
    /// It is empty, or not on the Earth.
    pub fn check(&self) -> Result<(), String> {
        let [west, south, east, north] = self.0;
        if !((-180.0..=180.0).contains(&west) && east > west && east - west <= 360.0) {
            return Err(format!(
                "west {west}, east {east}, expected -180 to 180 and up to 360 more than west"
            ));
        }
        if !(-90.0 <= south && south < north && north <= 90.0) {
            return Err(format!("south {south}, north {north}, expected rising latitudes"));
        }
        Ok(())
    }
}

/// Cells as wide and as high as each other, in degrees, from the south-western corner on, row by row.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Grid {
    /// Its western edge, −180 to 180 degrees; its eastern may lie past 180.
    pub west_deg: f64,
    /// Its southern edge, degrees.
    pub south_deg: f64,
    /// Width and height of a cell, degrees.
    pub step_deg: [f64; 2],
    /// Cells from west to east.
    pub columns: usize,
    /// Cells from south to north.
    pub rows: usize,
}

impl Grid {
    /// Over a region, with cells about as wide as high and so many from south to north. Where the region lies across the
    /// antimeridian, so do no cells.
    ///
    /// # Errors
    /// The region is none, or there would be no cells or too many.
    pub fn new(region: &Region, rows: usize) -> Result<Self, Error> {
        let refuse = |message| Error::new("region", message);
        region.check().map_err(refuse)?;
        let [west, south, east, north] = region.0;
        if !(2..=5_000).contains(&rows) {
            return Err(refuse(format!("{rows} rows, expected 2 to 5000")));
        }
        let height_deg = (north - south) / rows as f64;
        let cosine = ((0.5 * (south + north)).to_radians().cos()).max(0.05);
        let wanted = ((east - west) / (height_deg / cosine)).round().clamp(2.0, MAX_CELLS as f64);
        let (west, width_deg, columns) = if east > 180.0 {
            let width_deg = (east - west) / wanted;
            let (before, after) = (((180.0 - west) / width_deg).ceil(), ((east - 180.0) / width_deg).ceil());
            // All round there is no room for one cell more.
            let before = if before + after > wanted && east - west + width_deg > 360.0 {
                wanted - after
            } else {
                before
            };
            (180.0 - before * width_deg, width_deg, before + after)
        } else {
            (west, (east - west) / wanted, wanted)
        };
        if columns * rows as f64 > MAX_CELLS as f64 {
            return Err(refuse(format!("{columns} × {rows} cells, expected at most {MAX_CELLS}")));
        }
        let (step_deg, columns) = ([width_deg, height_deg], columns as usize);
        Ok(Self { west_deg: west, south_deg: south, step_deg, columns, rows })
    }

    /// Number of cells.
    pub fn n_cells(&self) -> usize {
        self.columns * self.rows
    }

    /// The place at so many cells from west and south, of which parts count; longitudes go on past 180.
    pub fn place(&self, column: f64, row: f64, height_m: f64) -> Geodetic {
        Geodetic {
            latitude_deg: (self.south_deg + row * self.step_deg[1]).clamp(-90.0, 90.0),
            longitude_deg: self.west_deg + column * self.step_deg[0],
            height_m,
        }
    }

    /// The cell in which a place lies.
    pub fn cell(&self, latitude_deg: f64, longitude_deg: f64) -> Option<usize> {
        let x = (longitude_deg - self.west_deg).rem_euclid(360.0) / self.step_deg[0];
        let y = (latitude_deg - self.south_deg) / self.step_deg[1];
        let is_inside = (0.0..self.columns as f64).contains(&x) && (0.0..self.rows as f64).contains(&y);
        is_inside.then(|| y as usize * self.columns + x as usize)
    }

    /// Area of a cell, on the sphere: R²·Δλ·(sin φ₂ − sin φ₁), km².
    pub fn cell_km2(&self, cell: usize) -> f64 {
        let edge = |row: usize| {
            (self.south_deg + row as f64 * self.step_deg[1]).clamp(-90.0, 90.0).to_radians().sin()
        };
        let row = cell / self.columns;
        let radius_km = EARTH_RADIUS_M / 1e3;
        radius_km * radius_km * self.step_deg[0].to_radians() * (edge(row + 1) - edge(row))
    }
}
