//! Values over a plane as colours, with a colour bar.

use super::canvas::{Drawn, LABEL, Sheet, TICK, axis, polyline, text, tick};
use super::frame::Frame;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use std::ops::Range;

/// Values over a plane.
pub(super) struct HeatMap<'a> {
    pub x_label: &'a str,
    pub y_label: &'a str,
    /// What the colours mean, with its unit.
    pub value_label: &'a str,
    pub x: [f64; 2],
    pub y: [f64; 2],
    pub n_columns: usize,
    pub n_rows: usize,
    /// Value in a column and a row, the first row at `y[0]`; `None` is drawn grey.
    pub value: &'a dyn Fn(usize, usize) -> Option<f64>,
    /// Values of the darkest and of the brightest colour.
    pub limits: [f64; 2],
    /// Detections: points to be marked with a ring.
    pub rings: &'a [(f64, f64)],
    /// What is known to be there: points to be marked with a cross.
    pub crosses: &'a [(f64, f64)],
    /// Tracks: lines that end where the target is, which is marked with a square.
    pub lines: &'a [Vec<(f64, f64)>],
}

/// Width of the colour bar with its labels, pixels.
const BAR_WIDTH: u32 = 130;
/// Orange-red: stands out from all of viridis.
pub(super) const RING: RGBColor = RGBColor(0xff, 0x5a, 0x36);
/// Pink: neither a colour of viridis nor near the rings'.
pub(super) const TRACK: RGBColor = RGBColor(0xff, 0x6e, 0xd8);
/// More rings than this are drawn small.
const CROWD: usize = 40;
const NO_DATA: RGBColor = RGBColor(0xd8, 0xd8, 0xd8);

impl HeatMap<'_> {
    pub fn draw(&self, sheet: &Sheet<'_>) -> Drawn {
        let (width, _) = sheet.dim_in_pixel();
        let (left, bar) = sheet.split_horizontally(width.saturating_sub(BAR_WIDTH));
        let (across, up) = (axis(self.x[0], self.x[1]), axis(self.y[0], self.y[1]));
        let shown = |&&(x, y): &&(f64, f64)| {
            (across.start..=across.end).contains(&x) && (up.start..=up.end).contains(&y)
        };
        let mut chart = Frame { margin: 10, ..Frame::default() }.chart(&left, &across, &up)?;
        let (columns, rows) = chart.plotting_area().get_pixel_range();
        let of = |at: i32, range: &Range<i32>, n: usize| {
            (((at - range.start) as f64 + 0.5) / f64::from(range.end - range.start) * n as f64) as usize
        };
        let Range { start: low, end: high } = self.scale();
        for x in columns.clone() {
            for y in rows.clone() {
                let row = self.n_rows - 1 - of(y, &rows, self.n_rows).min(self.n_rows - 1);
                let value = (self.value)(of(x, &columns, self.n_columns).min(self.n_columns - 1), row);
                let colour = value.map_or(NO_DATA, |value| colour((value - low) / (high - low)));
                left.strip_coord_spec().draw_pixel(relative(&left, x, y), &colour).map_err(text)?;
            }
        }
        chart
            .configure_mesh()
            .disable_mesh()
            .x_desc(self.x_label)
            .y_desc(self.y_label)
            .x_labels(9)
            .y_labels(9)
            .x_label_formatter(&|value| tick(*value))
            .y_label_formatter(&|value| tick(*value))
            .axis_desc_style(("sans-serif", LABEL))
            .label_style(("sans-serif", TICK))
            .draw()
            .map_err(text)?;
        let (radius, arm) = if self.rings.len() > CROWD { (3, 6) } else { (13, 9) };
        let ring = |&(x, y)| {
            EmptyElement::at((x, y))
                + Circle::new((0, 0), radius, BLACK.stroke_width(if radius > 3 { 4 } else { 1 }))
                + Circle::new((0, 0), radius, RING.stroke_width(2))
        };
        let cross = |&(x, y)| {
            EmptyElement::at((x, y))
                + Cross::new((0, 0), arm, BLACK.stroke_width(arm as u32 / 2 + 1))
                + Cross::new((0, 0), arm, WHITE.stroke_width(2))
        };
        for line in self.lines {
            let points: Vec<(f64, f64)> = line.iter().filter(shown).copied().collect();
            let now = line.last().filter(shown).copied();
            chart.draw_series(polyline(points.clone(), BLACK.stroke_width(4))).map_err(text)?;
            chart.draw_series(polyline(points, TRACK.stroke_width(2))).map_err(text)?;
            // Around the ring of the detection that it took.
            let half = radius + 4;
            let square = |at| {
                EmptyElement::at(at)
                    + Rectangle::new([(-half, -half), (half, half)], BLACK.stroke_width(4))
                    + Rectangle::new([(-half, -half), (half, half)], TRACK.stroke_width(2))
            };
            chart.draw_series(now.map(square)).map_err(text)?;
        }
        // What was found is what the picture is for: it is not to be hidden by what is known.
        chart.draw_series(self.crosses.iter().filter(shown).map(cross)).map_err(text)?;
        chart.draw_series(self.rings.iter().filter(shown).map(ring)).map_err(text)?;
        self.draw_bar(&bar)
    }

    fn scale(&self) -> Range<f64> {
        axis(self.limits[0], self.limits[1])
    }

    fn draw_bar(&self, sheet: &Sheet<'_>) -> Drawn {
        let (_, height) = sheet.dim_in_pixel();
        let (top, bottom) = (40, height as i32 - 72);
        let Range { start: low, end: high } = self.scale();
        for y in top..=bottom {
            let part = f64::from(bottom - y) / f64::from(bottom - top);
            for x in 10..32 {
                sheet.draw_pixel((x, y), &colour(part)).map_err(text)?;
            }
        }
        let style = TextStyle::from(("sans-serif", TICK).into_font()).pos(Pos::new(HPos::Left, VPos::Center));
        for value in round_values(low, high) {
            let y = bottom - ((value - low) / (high - low) * f64::from(bottom - top)).round() as i32;
            sheet.draw(&PathElement::new([(32, y), (38, y)], BLACK)).map_err(text)?;
            sheet.draw(&Text::new(tick(value), (43, y), style.clone())).map_err(text)?;
        }
        let style =
            TextStyle::from(("sans-serif", LABEL).into_font()).pos(Pos::new(HPos::Left, VPos::Bottom));
        sheet.draw(&Text::new(self.value_label.to_owned(), (4, 28), style)).map_err(text)
    }
}

/// Pixels of the whole picture as pixels of a part of it.
pub(super) fn relative(area: &Sheet<'_>, x: i32, y: i32) -> (i32, i32) {
    let (left, top) = area.get_base_pixel();
    (x - left, y - top)
}

/// Viridis (Smith and van der Walt 2015), from 0 to 1.
pub(super) fn colour(part: f64) -> RGBColor {
    ViridisRGB::get_color(part.clamp(0.0, 1.0) as f32)
}

/// Round values between two limits, five or so.
fn round_values(low: f64, high: f64) -> Vec<f64> {
    let rough = ((high - low) / 5.0).max(1e-12);
    let power = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|m| m * power).find(|s| *s >= rough).unwrap_or(rough);
    let first = (low / step).ceil() as i64;
    (first..).map(|n| n as f64 * step).take_while(|value| *value <= high).take(12).collect()
}

/// Limits of colours that a few extremes do not spoil: from the 5th percentile (less a little) to the greatest
/// but one part in a thousand, at least 10 dB apart.
pub(super) fn robust_limits(values: &mut Vec<f64>) -> [f64; 2] {
    values.retain(|value| value.is_finite());
    if values.is_empty() {
        return [-10.0, 0.0];
    }
    values.sort_unstable_by(f64::total_cmp);
    let at = |part: f64| values[((values.len() - 1) as f64 * part) as usize];
    let (low, high) = (at(0.05) - 1.0, at(0.999) + 1.0);
    [low, high.max(low + 10.0)]
}
