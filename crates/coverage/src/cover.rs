//! Which stations see which cells: areas, gaps, what another station would add.

use crate::Error;
use crate::grid::Grid;
use crate::station::{Conditions, Station};
use serde::Serialize;

/// Most stations of a map: each is a bit.
pub const MAX_STATIONS: usize = 32;
/// Places a side at which a cell is looked at that an edge goes through.
const FINE: usize = 5;

/// A part of a cell that the same stations see.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Part {
    /// Which cell.
    pub cell: usize,
    /// Bit n is set where station n sees it.
    pub seen_by: u32,
    /// How much of the cell it is, up to 1.
    pub share: f32,
}

/// What stations see at one altitude over the ellipsoid.
#[derive(Clone, Debug)]
pub struct Cover {
    /// The cells.
    pub grid: Grid,
    /// The altitude, m.
    pub altitude_m: f64,
    /// By cell; cells that an edge goes through have several.
    pub parts: Vec<Part>,
}

impl Cover {
    /// Looks at all corners of all cells, and more closely at cells whose corners differ.
    ///
    /// Cost: rows · columns · stations, times `FINE`² along edges; with terrain each a profile.
    ///
    /// # Errors
    /// More stations than [`MAX_STATIONS`].
    pub fn new(
        stations: &[Station],
        conditions: &Conditions,
        grid: &Grid,
        altitude_m: f64,
    ) -> Result<Self, Error> {
        if stations.len() > MAX_STATIONS {
            return Err(Error::new(
                "stations",
                format!("{} of them, expected at most {MAX_STATIONS}", stations.len()),
            ));
        }
        let seen_by = |column: f64, row: f64| {
            let place = grid.place(column, row, altitude_m);
            let bits = stations
                .iter()
                .enumerate()
                .map(|(n, station)| u32::from(station.sees(conditions, &place)) << n);
            bits.sum::<u32>()
        };
        let edge = |row: usize| -> Vec<u32> {
            (0..=grid.columns).map(|column| seen_by(column as f64, row as f64)).collect()
        };
        let mut parts = Vec::with_capacity(grid.n_cells());
        let mut below = edge(0);
        for row in 0..grid.rows {
            let above = edge(row + 1);
            for column in 0..grid.columns {
                let corners = [below[column], below[column + 1], above[column], above[column + 1]];
                let cell = row * grid.columns + column;
                if corners.iter().all(|corner| *corner == corners[0]) {
                    parts.push(Part { cell, seen_by: corners[0], share: 1.0 });
                } else {
                    parts.extend(fine_parts(cell, |x, y| seen_by(column as f64 + x, row as f64 + y)));
                }
            }
            below = above;
        }
        Ok(Self { grid: grid.clone(), altitude_m, parts })
    }

    /// Area of what some stations see and others do not, km².
    pub fn area_km2(&self, is_wanted: impl Fn(u32) -> bool) -> f64 {
        let wanted = self.parts.iter().filter(|part| is_wanted(part.seen_by));
        wanted.fold(0.0, |sum, part| sum + f64::from(part.share) * self.grid.cell_km2(part.cell))
    }

    /// How much of each cell is so seen, 0 to 1 `[rows × columns]`.
    pub fn shares(&self, is_wanted: impl Fn(u32) -> bool) -> Vec<f32> {
        let mut shares = vec![0.0; self.grid.n_cells()];
        for part in self.parts.iter().filter(|part| is_wanted(part.seen_by)) {
            shares[part.cell] += part.share;
        }
        shares
    }

    /// Who sees the greatest part of each cell `[rows × columns]`.
    pub fn mostly(&self) -> Vec<u32> {
        let mut mostly = vec![(0, 0.0); self.grid.n_cells()];
        for part in self.parts.iter().filter(|part| part.share > 0.0) {
            if part.share > mostly[part.cell].1 {
                mostly[part.cell] = (part.seen_by, part.share);
            }
        }
        mostly.into_iter().map(|(seen_by, _)| seen_by).collect()
    }

    /// The areas.
    pub fn summary(&self, stations: &[Station]) -> Summary {
        let of_station = |(n, station): (usize, &Station)| StationSummary {
            name: station.name.clone(),
            owner: station.owner.clone(),
            seen_km2: self.area_km2(|seen_by| seen_by >> n & 1 == 1),
            alone_km2: self.area_km2(|seen_by| seen_by == 1 << n),
        };
        Summary {
            altitude_m: self.altitude_m,
            region_km2: self.area_km2(|_| true),
            by_nobody_km2: self.area_km2(|seen_by| seen_by == 0),
            by_one_km2: self.area_km2(|seen_by| seen_by.count_ones() == 1),
            by_several_km2: self.area_km2(|seen_by| seen_by.count_ones() > 1),
            stations: stations.iter().enumerate().map(of_station).collect(),
        }
    }

    /// What station `n` adds to the others.
    pub fn added(&self, n: usize) -> Added {
        let others = move |seen_by: u32| (seen_by & !(1 << n)).count_ones();
        let sees = move |seen_by: u32| seen_by >> n & 1 == 1;
        Added {
            fills_km2: self.area_km2(|seen_by| sees(seen_by) && others(seen_by) == 0),
            seconds_km2: self.area_km2(|seen_by| sees(seen_by) && others(seen_by) == 1),
            still_by_nobody_km2: self.area_km2(|seen_by| seen_by == 0),
        }
    }
}

/// Parts of a cell, from places evenly spread over it.
fn fine_parts(cell: usize, seen_by: impl Fn(f64, f64) -> u32) -> impl Iterator<Item = Part> {
    let at = |n: usize| (n as f64 + 0.5) / FINE as f64;
    let mut found = [0; FINE * FINE];
    for (n, found) in found.iter_mut().enumerate() {
        *found = seen_by(at(n % FINE), at(n / FINE));
    }
    found.sort_unstable();
    let mut parts: Vec<Part> = Vec::new();
    for seen_by in found {
        match parts.last_mut() {
            Some(part) if part.seen_by == seen_by => part.share += 1.0 / (FINE * FINE) as f32,
            _ => parts.push(Part { cell, seen_by, share: 1.0 / (FINE * FINE) as f32 }),
        }
    }
    parts.into_iter()
}

/// Areas at one altitude.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// The altitude, m.
    pub altitude_m: f64,
    /// All of the map, km².
    pub region_km2: f64,
    /// What no station sees, km².
    pub by_nobody_km2: f64,
    /// What one alone sees, km².
    pub by_one_km2: f64,
    /// What two or more see, km².
    pub by_several_km2: f64,
    /// By station.
    pub stations: Vec<StationSummary>,
}

/// What one station sees at one altitude.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StationSummary {
    /// Its name.
    pub name: String,
    /// Whose it is.
    pub owner: String,
    /// What it sees, km².
    pub seen_km2: f64,
    /// What it alone sees, km².
    pub alone_km2: f64,
}

/// What one more station adds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Added {
    /// What nobody else sees, km².
    pub fills_km2: f64,
    /// What one other sees, km²: with it there are two.
    pub seconds_km2: f64,
    /// What nobody sees even so, km².
    pub still_by_nobody_km2: f64,
}

#[cfg(test)]
#[path = "cover_tests.rs"]
mod tests;
