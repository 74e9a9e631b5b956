//! Heights of the ground, from grids in latitude and longitude.
//!
//! Files count heights over the geoid; here they stand for heights over the ellipsoid, as antennas' heights do: give both
//! alike. Geoid and ellipsoid are up to 107 m apart, but nearly in parallel over the width of a map.

mod geotiff;
mod hgt;

use crate::Error;

/// Most heights of one grid: that of a whole SRTM tile of 1" is 13 million.
const MAX_HEIGHTS: usize = 120_000_000;
/// No ground is lower or higher, m: anything else is a void.
const LOWEST_M: f64 = -500.0;
const HIGHEST_M: f64 = 9_000.0;

/// Heights at evenly spaced places, the first row the northernmost.
#[derive(Clone, Debug)]
pub struct HeightGrid {
    /// Longitude of the first column and latitude of the first row, degrees.
    first_deg: [f64; 2],
    /// From one column to the next and from one row to the next southward, degrees.
    step_deg: [f64; 2],
    columns: usize,
    rows: usize,
    /// Heights, m, row by row; NaN where none is known.
    heights_m: Vec<f32>,
    highest_m: f64,
}

impl HeightGrid {
    /// Reads a file by its name's ending: `.hgt` (SRTM), `.tif` or `.tiff` (GeoTIFF).
    ///
    /// # Errors
    /// The ending is another, or the file is damaged or of a kind that is not read.
    pub fn read(name: &str, bytes: &[u8]) -> Result<Self, Error> {
        let ending = name.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
        match ending.as_str() {
            "hgt" => hgt::read(name, bytes),
            "tif" | "tiff" => geotiff::read(name, bytes),
            _ => Err(Error::new(name, "expected a name that ends in .hgt, .tif or .tiff")),
        }
    }

    /// A grid of heights in memory, row by row from the north; what is no height of any ground becomes a void.
    ///
    /// # Errors
    /// The number of heights is not columns times rows, or places are not on the Earth.
    pub fn new(
        name: &str,
        first_deg: [f64; 2],
        step_deg: [f64; 2],
        columns: usize,
        mut heights_m: Vec<f32>,
    ) -> Result<Self, Error> {
        let refuse = |message: String| Err(Error::new(name, message));
        if columns < 2 || heights_m.len() < 2 * columns || !heights_m.len().is_multiple_of(columns) {
            return refuse(format!(
                "{} heights in rows of {columns}, expected 2 rows or more",
                heights_m.len()
            ));
        }
        let rows = heights_m.len() / columns;
        let [lon, lat] = first_deg;
        let south = lat - step_deg[1] * (rows - 1) as f64;
        let is_placed = step_deg.iter().all(|step| step.is_finite() && *step > 0.0)
            && (-540.0..=540.0).contains(&lon)
            && step_deg[0] * (columns - 1) as f64 <= 360.5
            && lat <= 90.5
            && south >= -90.5;
        if !is_placed {
            return refuse(format!(
                "begins at {lon}° east {lat}° north with steps of {step_deg:?}°, expected the Earth"
            ));
        }
        let mut highest_m = f64::NEG_INFINITY;
        for height in &mut heights_m {
            if (LOWEST_M..=HIGHEST_M).contains(&f64::from(*height)) {
                highest_m = highest_m.max(f64::from(*height));
            } else {
                *height = f32::NAN;
            }
        }
        Ok(Self { first_deg, step_deg, columns, rows, heights_m, highest_m })
    }

    /// Height at a place, m, bilinear between the four around it; those that are voids count for nothing. `None` outside
    /// and within voids.
    pub fn height_m(&self, latitude_deg: f64, longitude_deg: f64) -> Option<f64> {
        let x = ((longitude_deg - self.first_deg[0] + 1e-9).rem_euclid(360.0) - 1e-9) / self.step_deg[0];
        let y = (self.first_deg[1] - latitude_deg) / self.step_deg[1];
        let (last_x, last_y) = ((self.columns - 1) as f64, (self.rows - 1) as f64);
        // Half a step outside still belongs: grids of points and grids of areas then meet without a seam.
        if !(-0.5..=last_x + 0.5).contains(&x) || !(-0.5..=last_y + 0.5).contains(&y) {
            return None;
        }
        let (x, y) = (x.clamp(0.0, last_x), y.clamp(0.0, last_y));
        let (left, top) = ((x as usize).min(self.columns - 2), (y as usize).min(self.rows - 2));
        let (u, v) = (x - left as f64, y - top as f64);
        let (mut sum, mut weights) = (0.0, 0.0);
        for (down, right, weight) in
            [(0, 0, (1.0 - u) * (1.0 - v)), (0, 1, u * (1.0 - v)), (1, 0, (1.0 - u) * v), (1, 1, u * v)]
        {
            let height = self.heights_m[(top + down) * self.columns + left + right];
            if !height.is_nan() {
                sum += weight * f64::from(height);
                weights += weight;
            }
        }
        (weights > 1e-9).then(|| sum / weights)
    }
}

/// All grids that are given; where they overlap the first counts.
#[derive(Clone, Debug, Default)]
pub struct Terrain {
    grids: Vec<HeightGrid>,
}

impl Terrain {
    /// Of these grids.
    pub fn new(grids: Vec<HeightGrid>) -> Self {
        Self { grids }
    }

    /// Height at a place, m; sea level where no grid knows one.
    pub fn height_m(&self, latitude_deg: f64, longitude_deg: f64) -> f64 {
        self.grids.iter().find_map(|grid| grid.height_m(latitude_deg, longitude_deg)).unwrap_or(0.0)
    }

    /// No ground is higher, m.
    pub fn highest_m(&self) -> f64 {
        self.grids.iter().map(|grid| grid.highest_m).fold(0.0, f64::max)
    }

    /// Between two heights of the finest grid, m.
    pub fn spacing_m(&self) -> f64 {
        let finest = self.grids.iter().map(|grid| grid.step_deg[1]).fold(f64::INFINITY, f64::min);
        (finest.to_radians() * crate::horizon::EARTH_RADIUS_M).clamp(10.0, 100e3)
    }
}

#[cfg(test)]
#[path = "../terrain_tests.rs"]
mod tests;
