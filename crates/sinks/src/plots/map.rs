//! Powers over a plane: range-Doppler maps, range over time, speed over time.

use super::canvas::{Raster, Sample, legend, raster, titled};
use super::heat_map::{HeatMap, RING, TRACK, robust_limits};
use crate::Error;
use plotters::style::BLACK;
use std::path::Path;

/// A map of powers with what was found in it.
#[derive(Clone, Debug, Default)]
pub struct MapPicture {
    /// What is above the picture.
    pub title: String,
    /// What is along, with its unit.
    pub x_label: String,
    /// What is up, with its unit.
    pub y_label: String,
    /// What the colours mean, with its unit.
    pub value_label: String,
    /// Values `[n_rows × n_columns]`, the lowest row first; not finite is drawn grey.
    pub values: Vec<f32>,
    /// Number of columns.
    pub n_columns: usize,
    /// Left edge of the first column and right edge of the last.
    pub x: [f64; 2],
    /// Lower edge of the first row and upper edge of the last.
    pub y: [f64; 2],
    /// Values of the darkest and the brightest colour; from the values where not given.
    pub limits: Option<[f64; 2]>,
    /// Detections.
    pub detections: Vec<(f64, f64)>,
    /// What is known to be there.
    pub truth: Vec<(f64, f64)>,
    /// Tracks: lines, which end where each target is.
    pub tracks: Vec<Vec<(f64, f64)>>,
}

/// Draws a map, and gives what it drew for an animation. Cells smaller than a pixel are drawn by their greatest, so
/// that no target is lost.
///
/// # Errors
/// The file cannot be written.
pub fn draw_map(path: &Path, picture: &MapPicture) -> Result<Raster, Error> {
    let drawn = map_raster(picture).map_err(|message| Error::new(path, message))?;
    drawn.write_png(path)?;
    Ok(drawn)
}

/// Limits of colours that a few extremes do not spoil, for pictures that are to share them: values of the darkest and
/// the brightest.
pub fn colour_limits(values: &[f32]) -> [f64; 2] {
    robust_limits(&mut values.iter().copied().map(f64::from).collect())
}

fn map_raster(picture: &MapPicture) -> Result<Raster, String> {
    let n_columns = picture.n_columns.max(1);
    let n_rows = (picture.values.len() / n_columns).max(1);
    let across = n_columns.div_ceil(MAX_COLUMNS);
    let up = n_rows.div_ceil(MAX_ROWS);
    let (drawn_columns, drawn_rows) = (n_columns.div_ceil(across), n_rows.div_ceil(up));
    let greatest = |column: usize, row: usize| {
        let rows = row * up..((row + 1) * up).min(n_rows);
        let columns = column * across..((column + 1) * across).min(n_columns);
        let cells = rows.flat_map(|row| columns.clone().map(move |column| row * n_columns + column));
        let values = cells.filter_map(|cell| picture.values.get(cell).filter(|value| value.is_finite()));
        values.copied().reduce(f32::max).map(f64::from)
    };
    let shown: Vec<Option<f64>> = (0..drawn_rows)
        .flat_map(|row| (0..drawn_columns).map(move |column| (column, row)))
        .map(|(column, row)| greatest(column, row))
        .collect();
    let limits =
        picture.limits.unwrap_or_else(|| robust_limits(&mut shown.iter().flatten().copied().collect()));
    let value = |column: usize, row: usize| shown.get(row * drawn_columns + column).copied().flatten();
    // The last cell of a picture may stand for fewer; the axis ends where it does.
    let edge = |[from, to]: [f64; 2], n: usize, drawn: usize, a_cell: usize| {
        [from, from + (to - from) / n as f64 * (drawn * a_cell) as f64]
    };
    let map = HeatMap {
        x_label: &picture.x_label,
        y_label: &picture.y_label,
        value_label: &picture.value_label,
        x: edge(picture.x, n_columns, drawn_columns, across),
        y: edge(picture.y, n_rows, drawn_rows, up),
        n_columns: drawn_columns,
        n_rows: drawn_rows,
        value: &value,
        limits,
        rings: &picture.detections,
        crosses: &picture.truth,
        lines: &picture.tracks,
    };
    raster(|sheet| {
        let rest = titled(sheet, &picture.title)?;
        let shown = [
            (Sample::Ring(RING), "detection", !picture.detections.is_empty()),
            (Sample::Cross(BLACK), "truth", !picture.truth.is_empty()),
            (Sample::Line(TRACK), "track", !picture.tracks.is_empty()),
        ];
        let entries: Vec<_> = shown.iter().filter(|s| s.2).map(|&(sample, name, _)| (sample, name)).collect();
        map.draw(&legend(&rest, &entries)?)
    })
}

/// Cells of a picture: about its pixels.
const MAX_COLUMNS: usize = 1300;
const MAX_ROWS: usize = 750;
