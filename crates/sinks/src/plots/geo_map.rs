//! Maps in degrees of latitude and longitude: cells in colours, coasts, outlines, named places.

use super::canvas::{LABEL, Sample, TICK, axis, legend, text, tick, titled, write_png};
use super::frame::{Chart, Frame};
use super::heat_map::relative;
use crate::Error;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use std::path::Path;

/// A kind of cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CellClass {
    /// What the legend calls it.
    pub name: String,
    /// Red, green, blue.
    pub colour: [u8; 3],
}

/// A map.
#[derive(Clone, Debug, Default)]
pub struct GeoMap {
    /// What is above the picture.
    pub title: String,
    /// West, south, east and north of the cells, degrees; east may be past 180.
    pub region_deg: [f64; 4],
    /// Cells from west to east.
    pub columns: usize,
    /// Which class each cell is, row by row from the south-west.
    pub cells: Vec<usize>,
    /// The classes.
    pub classes: Vec<CellClass>,
    /// Coasts: lines of longitude and latitude, −180 to 180 degrees; they are drawn at every turn that shows.
    pub coasts: Vec<Vec<[f64; 2]>>,
    /// Places with names, longitude and latitude.
    pub places: Vec<(String, [f64; 2])>,
}

const FRAME: Frame = Frame { margin: 14, below: 60, beside: 80 };
/// What lies outside the cells.
const OUTSIDE: RGBColor = RGBColor(0xe4, 0xe4, 0xe4);
const COAST: RGBColor = RGBColor(0x50, 0x50, 0x50);

impl GeoMap {
    fn class_at(&self, lon: f64, lat: f64) -> Option<&CellClass> {
        let [west, south, east, north] = self.region_deg;
        let rows = self.cells.len() / self.columns.max(1);
        let x = (lon - west) / (east - west) * self.columns as f64;
        let y = (lat - south) / (north - south) * rows as f64;
        let is_inside = (0.0..self.columns as f64).contains(&x) && (0.0..rows as f64).contains(&y);
        let cell = is_inside.then(|| self.cells.get(y as usize * self.columns + x as usize))??;
        self.classes.get(*cell)
    }

    /// The region, made wider or higher so that a kilometre in its middle is as long one way as the other.
    fn to_scale(&self, size: (u32, u32)) -> [f64; 4] {
        let [west, south, east, north] = self.region_deg;
        let [across, up] = FRAME.plane(size);
        let cosine = south.midpoint(north).to_radians().cos().max(0.1);
        let per_pixel = ((east - west) * cosine / across).max((north - south) / up) * 1.02;
        let (half_x, half_y) = (per_pixel * across / cosine / 2.0, per_pixel * up / 2.0);
        let (x, y) = (west.midpoint(east), south.midpoint(north));
        [x - half_x, y - half_y, x + half_x, y + half_y]
    }
}

/// Draws a map.
///
/// # Errors
/// The file cannot be written.
pub fn draw_geo_map(path: &Path, map: &GeoMap) -> Result<(), Error> {
    write_png(path, |sheet| {
        let rest = titled(sheet, &map.title)?;
        let entries: Vec<(Sample, &str)> =
            map.classes.iter().map(|class| (Sample::Area(colour(class)), class.name.as_str())).collect();
        let rest = legend(&rest, &entries)?;
        let [west, south, east, north] = map.to_scale(rest.dim_in_pixel());
        let (x, y) = (axis(west, east), axis(south, north));
        let mut chart = FRAME.chart(&rest, &x, &y)?;
        let (columns, rows) = chart.plotting_area().get_pixel_range();
        let of = |at: i32, range: &std::ops::Range<i32>| {
            (f64::from(at - range.start) + 0.5) / f64::from(range.end - range.start)
        };
        for row in rows.clone() {
            let lat = y.end - of(row, &rows) * (y.end - y.start);
            for column in columns.clone() {
                let lon = x.start + of(column, &columns) * (x.end - x.start);
                let colour = map.class_at(lon, lat).map_or(OUTSIDE, colour);
                rest.strip_coord_spec().draw_pixel(relative(&rest, column, row), &colour).map_err(text)?;
            }
        }
        for coast in &map.coasts {
            for turn in [-360.0, 0.0, 360.0, 720.0] {
                let lies = |[lon, lat]: &[f64; 2]| x.contains(&(lon + turn)) && y.contains(lat);
                let pieces = coast.windows(2).filter(|piece| piece.iter().any(lies)).map(|piece| {
                    let at = |[lon, lat]: [f64; 2]| {
                        ((lon + turn).clamp(x.start, x.end), lat.clamp(y.start, y.end))
                    };
                    PathElement::new([at(piece[0]), at(piece[1])], COAST.stroke_width(1))
                });
                chart.draw_series(pieces).map_err(text)?;
            }
        }
        chart
            .configure_mesh()
            .x_desc("longitude (°)")
            .y_desc("latitude (°)")
            .x_labels(12)
            .y_labels(10)
            .x_label_formatter(&|value| tick((value + 180.0).rem_euclid(360.0) - 180.0))
            .y_label_formatter(&|value| if value.abs() > 90.0 { String::new() } else { tick(*value) })
            .axis_desc_style(("sans-serif", LABEL))
            .label_style(("sans-serif", TICK))
            .bold_line_style(BLACK.mix(0.12))
            .light_line_style(TRANSPARENT)
            .draw()
            .map_err(text)?;
        draw_places(&mut chart, map)
    })
}

/// Points with their names beside them, on white so that they can be read on any colour.
fn draw_places(chart: &mut Chart<'_, '_>, map: &GeoMap) -> Result<(), String> {
    let style = TextStyle::from(("sans-serif", TICK).into_font()).pos(Pos::new(HPos::Left, VPos::Center));
    for (name, [lon, lat]) in &map.places {
        let lon = map.region_deg[0] + (lon - map.region_deg[0]).rem_euclid(360.0);
        let size = chart.plotting_area().estimate_text_size(name, &style).map_err(text)?;
        let (width, half) = (size.0 as i32, size.1 as i32 / 2 + 3);
        let mark = EmptyElement::at((lon, *lat))
            + Rectangle::new([(9, -half), (17 + width, half)], WHITE.mix(0.8).filled())
            + Circle::new((0, 0), 5, BLACK.filled())
            + Text::new(name.clone(), (13, 0), style.clone());
        chart.draw_series(std::iter::once(mark)).map_err(text)?;
    }
    Ok(())
}

fn colour(class: &CellClass) -> RGBColor {
    let [red, green, blue] = class.colour;
    RGBColor(red, green, blue)
}
