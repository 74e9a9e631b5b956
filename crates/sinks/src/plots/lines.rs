//! Lines and points over an axis: A-scopes, speeds, and curves of performance.

use super::canvas::{DATA, LABEL, MARKS, TICK, axis, polyline, text, tick, titled, write_png};
use super::frame::Frame;
use crate::Error;
use plotters::prelude::*;
use std::path::Path;

/// How a series is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stroke {
    /// A line.
    #[default]
    Line,
    /// A thin line behind the others.
    Thin,
    /// Points.
    Points,
    /// Rings around what was found.
    Rings,
    /// Points with a bar from low to high.
    Intervals,
}

/// One series.
#[derive(Clone, Debug, Default)]
pub struct Series {
    /// What the legend calls it.
    pub name: String,
    /// Its points.
    pub points: Vec<(f64, f64)>,
    /// For [`Stroke::Intervals`], low and high of each point.
    pub intervals: Vec<(f64, f64)>,
    /// How it is drawn.
    pub stroke: Stroke,
    /// Series of one colour belong together; by default each has its own.
    pub colour: Option<usize>,
}

/// A picture of series.
#[derive(Clone, Debug, Default)]
pub struct LinePlot {
    /// What is above the picture.
    pub title: String,
    /// What is along, with its unit.
    pub x_label: String,
    /// What is up, with its unit.
    pub y_label: String,
    /// The series, the first at the back.
    pub series: Vec<Series>,
    /// Limits of the ordinate; from the values where not given.
    pub y: Option<[f64; 2]>,
    /// A metre is as long one way as the other.
    pub is_map: bool,
    /// Where the legend covers nothing.
    pub legend: Legend,
}

/// A corner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Legend {
    /// Upper left.
    #[default]
    UpperLeft,
    /// Upper right.
    UpperRight,
}

impl Legend {
    fn position(self) -> SeriesLabelPosition {
        match self {
            Self::UpperLeft => SeriesLabelPosition::UpperLeft,
            Self::UpperRight => SeriesLabelPosition::UpperRight,
        }
    }
}

/// Limits of a map, one of them made wider so that both axes have one scale.
fn to_scale(size: (u32, u32), x: [f64; 2], y: [f64; 2]) -> ([f64; 2], [f64; 2]) {
    let [across, up] = Frame::default().plane(size);
    let per_pixel = ((x[1] - x[0]) / across).max((y[1] - y[0]) / up);
    let around = |[low, high]: [f64; 2], pixels: f64| {
        let (middle, half) = (low.midpoint(high), per_pixel * pixels / 2.0);
        [middle - half, middle + half]
    };
    (around(x, across), around(y, up))
}

/// Draws the series with a legend.
///
/// # Errors
/// The file cannot be written.
pub fn draw_lines(path: &Path, plot: &LinePlot) -> Result<(), Error> {
    let finite = |(x, y): &(f64, f64)| x.is_finite() && y.is_finite();
    let all = || plot.series.iter().flat_map(|series| &series.points).filter(|point| finite(point));
    let [first, last] = limits(all().map(|(x, _)| *x), 0.0);
    let [low, high] = plot.y.unwrap_or_else(|| limits(all().map(|(_, y)| *y), 0.06));
    write_png(path, |sheet| {
        let rest = titled(sheet, &plot.title)?;
        let ([first, last], [low, high]) = match plot.is_map {
            true => to_scale(rest.dim_in_pixel(), [first, last], [low, high]),
            false => ([first, last], [low, high]),
        };
        let (x, y) = (axis(first, last), axis(low, high));
        let mut chart = Frame::default().chart(&rest, &x, &y)?;
        chart
            .configure_mesh()
            .x_desc(&plot.x_label)
            .y_desc(&plot.y_label)
            .x_labels(10)
            .y_labels(9)
            .x_label_formatter(&|value| tick(*value))
            .y_label_formatter(&|value| tick(*value))
            .axis_desc_style(("sans-serif", LABEL))
            .label_style(("sans-serif", TICK))
            .light_line_style(WHITE)
            .draw()
            .map_err(text)?;
        for (number, series) in plot.series.iter().enumerate() {
            let colour = colour(series.colour.unwrap_or(number));
            let clamped = |&(at_x, at): &(f64, f64)| (at_x.clamp(x.start, x.end), at.clamp(y.start, y.end));
            let points: Vec<(f64, f64)> = series.points.iter().filter(|p| finite(p)).map(clamped).collect();
            let drawn = match series.stroke {
                Stroke::Line | Stroke::Thin => {
                    let width = if series.stroke == Stroke::Thin { 1 } else { 2 };
                    chart.draw_series(polyline(points, colour.stroke_width(width))).map_err(text)?
                }
                Stroke::Points => chart
                    .draw_series(points.into_iter().map(|at| Circle::new(at, 4, colour.filled())))
                    .map_err(text)?,
                Stroke::Rings => chart
                    .draw_series(points.into_iter().map(|at| Circle::new(at, 9, colour.stroke_width(3))))
                    .map_err(text)?,
                Stroke::Intervals => {
                    let ends = series.points.iter().zip(&series.intervals);
                    let ends = ends.map(|(&(x, _), &(low, high))| [(x, low), (x, high)]);
                    let bars = ends
                        .filter(|ends| ends.iter().all(finite))
                        .map(|ends| PathElement::new(ends.map(|end| clamped(&end)), colour.stroke_width(2)));
                    chart.draw_series(bars).map_err(text)?;
                    chart
                        .draw_series(points.into_iter().map(|at| Circle::new(at, 4, colour.filled())))
                        .map_err(text)?
                }
            };
            if series.name.is_empty() {
                continue;
            }
            let stroke = series.stroke;
            drawn.label(&series.name).legend(move |(x, y)| sample(stroke, colour, x, y));
        }
        chart
            .configure_series_labels()
            .position(plot.legend.position())
            .legend_area_size(34)
            .margin(8)
            .background_style(WHITE.mix(0.85))
            .border_style(RGBColor(0xb0, 0xb0, 0xb0))
            .label_font(("sans-serif", TICK))
            .draw()
            .map_err(text)
    })
}

/// What stands in the legend.
fn sample<'a>(
    stroke: Stroke,
    colour: RGBColor,
    x: i32,
    y: i32,
) -> DynElement<'static, BitMapBackend<'a>, (i32, i32)> {
    match stroke {
        Stroke::Line | Stroke::Thin => {
            PathElement::new([(x, y), (x + 26, y)], colour.stroke_width(2)).into_dyn()
        }
        Stroke::Rings => Circle::new((x + 13, y), 8, colour.stroke_width(3)).into_dyn(),
        Stroke::Points | Stroke::Intervals => Circle::new((x + 13, y), 4, colour.filled()).into_dyn(),
    }
}

fn colour(number: usize) -> RGBColor {
    match number {
        0 => DATA,
        n => MARKS[(n - 1) % MARKS.len()],
    }
}

/// Least and greatest value, and a part of their distance to either side.
fn limits(values: impl Iterator<Item = f64>, margin: f64) -> [f64; 2] {
    let (low, high) =
        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
    if low > high {
        return [0.0, 1.0];
    }
    let span = if high > low { high - low } else { 1.0 };
    [low - margin * span, if high > low { high + margin * span } else { high + 0.5 * span }]
}
