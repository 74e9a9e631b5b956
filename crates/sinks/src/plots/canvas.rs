//! The sheet that plots are drawn on, and the scales of their axes.

use crate::Error;
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{FontStyle, register_font};
use std::fs::File;
use std::io::BufWriter;
use std::ops::Range;
use std::path::Path;
use std::sync::Once;

/// Size of a picture, pixels.
pub(super) const SIZE: (u32, u32) = (1600, 900);

/// Heights of letters, pixels.
pub(super) const TITLE: u32 = 28;
pub(super) const LABEL: u32 = 22;
pub(super) const TICK: u32 = 19;

/// Dark blue, for data.
pub(super) const DATA: RGBColor = RGBColor(0x1f, 0x4e, 0x8c);
/// Light blue, for what stands behind the data.
pub(super) const BEHIND: RGBColor = RGBColor(0x9a, 0xbf, 0xe6);
/// For detections and thresholds: told from each other by the colour-blind too (Okabe and Ito 2008).
pub(super) const MARKS: [RGBColor; 7] = [
    RGBColor(0xd5, 0x5e, 0x00),
    RGBColor(0x00, 0x9e, 0x73),
    RGBColor(0xcc, 0x79, 0xa7),
    RGBColor(0x56, 0xb4, 0xe9),
    RGBColor(0xe6, 0x9f, 0x00),
    RGBColor(0x00, 0x00, 0x00),
    RGBColor(0x00, 0x72, 0xb2),
];

/// A sheet in memory.
pub(super) type Sheet<'a> = DrawingArea<BitMapBackend<'a>, Shift>;

/// What drawing in memory can fail with, as text.
pub(super) type Drawn = Result<(), String>;

/// Any error of the drawing library as text.
pub(super) fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// Draws a picture and writes it as PNG.
pub(super) fn write_png(path: &Path, draw: impl FnOnce(&Sheet<'_>) -> Drawn) -> Result<(), Error> {
    raster(draw).map_err(|message| Error::new(path, message))?.write_png(path)
}

/// Draws a picture in memory.
pub(super) fn raster(draw: impl FnOnce(&Sheet<'_>) -> Drawn) -> Result<Raster, String> {
    static FONT: Once = Once::new();
    // A font that cannot be read is a bug of the build: the first text drawn says so.
    FONT.call_once(|| {
        let _ = register_font("sans-serif", FontStyle::Normal, dejavu::sans::regular());
    });
    let mut pixels = vec![255; (SIZE.0 * SIZE.1 * 3) as usize];
    {
        let sheet = BitMapBackend::with_buffer(&mut pixels, SIZE).into_drawing_area();
        draw(&sheet)?;
        sheet.present().map_err(text)?;
    }
    Ok(Raster { pixels })
}

/// A picture in memory.
pub struct Raster {
    /// Red, green and blue, row by row from the top.
    pub(super) pixels: Vec<u8>,
}

impl Raster {
    /// Writes the picture as PNG.
    pub(super) fn write_png(&self, path: &Path) -> Result<(), Error> {
        let failed = |source: std::io::Error| Error::io(path, "write", source);
        let encoder = encoder(path, SIZE).map_err(failed)?;
        let encoded = encoder.write_header().and_then(|mut writer| {
            writer.write_image_data(&self.pixels)?;
            writer.finish()
        });
        encoded.map_err(|error| failed(error.into()))
    }
}

/// What encodes pictures of red, green and blue into a new file.
pub(super) fn encoder(
    path: &Path,
    (width, height): (u32, u32),
) -> std::io::Result<png::Encoder<'static, BufWriter<File>>> {
    let mut encoder = png::Encoder::new(BufWriter::new(File::create(path)?), width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    Ok(encoder)
}

/// Limits of an axis that the drawing library can divide: finite, and further apart than rounding is wide. Its search
/// for round numbers does not end where a step between two of them is lost in the size of the limits.
pub(super) fn axis(low: f64, high: f64) -> Range<f64> {
    if !(low.is_finite() && high.is_finite()) {
        return 0.0..1.0;
    }
    let [low, high] = [low, high].map(|limit| limit.clamp(-GREATEST, GREATEST));
    let least = 1e-9 * low.abs().max(high.abs()).max(1e-3);
    if high - low < least { low..low + least.max(1.0) } else { low..high }
}

/// No axis goes further: physics needs less, and pixels are computed from it.
const GREATEST: f64 = 1e15;

/// The prefix that makes a quantity readable, and what to multiply it with.
pub(super) fn prefix(greatest: f64) -> (f64, &'static str) {
    match greatest.abs() {
        x if x >= 2e9 => (1e-9, "G"),
        x if x >= 2e6 => (1e-6, "M"),
        x if x >= 2e3 => (1e-3, "k"),
        x if x >= 1.0 || x == 0.0 => (1.0, ""),
        x if x >= 1e-3 => (1e3, "m"),
        _ => (1e6, "µ"),
    }
}

/// Text cut to a number of characters.
pub(super) fn shortened(text: &str, most: usize) -> String {
    let count = text.chars().count();
    if count <= most {
        return text.to_owned();
    }
    let head: String = text.chars().take(most - 1).collect();
    format!("{head}…")
}

/// Writes a title at the top of a sheet and returns what is left below it.
pub(super) fn titled<'a>(sheet: &Sheet<'a>, title: &str) -> Result<Sheet<'a>, String> {
    // The library writes a title against the very edge.
    sheet.margin(14, 0, 0, 8).titled(&shortened(title, 90), ("sans-serif", TITLE)).map_err(text)
}

/// What stands for something in a legend.
#[derive(Clone, Copy)]
pub(super) enum Sample {
    Line(RGBColor),
    Ring(RGBColor),
    Cross(RGBColor),
    Area(RGBColor),
}

/// Writes a legend in a band of its own at the top of a sheet, where it covers no data, and returns what is left below.
pub(super) fn legend<'a>(sheet: &Sheet<'a>, entries: &[(Sample, &str)]) -> Result<Sheet<'a>, String> {
    const BAND: u32 = 32;
    /// Width of a sample, room behind it, and room behind a name.
    const ROOM: [i32; 3] = [26, 8, 30];
    if entries.is_empty() {
        return Ok(sheet.clone());
    }
    let (band, rest) = sheet.split_vertically(BAND);
    let style = TextStyle::from(("sans-serif", TICK).into_font()).pos(Pos::new(HPos::Left, VPos::Center));
    let sizes: Result<Vec<_>, _> =
        entries.iter().map(|(_, name)| band.estimate_text_size(name, &style)).collect();
    let widths: Vec<i32> = sizes.map_err(text)?.iter().map(|&(width, _)| width as i32).collect();
    let total = widths.iter().map(|width| ROOM.iter().sum::<i32>() + width).sum::<i32>() - ROOM[2];
    let (mut x, y) = ((band.dim_in_pixel().0 as i32 - total) / 2, BAND as i32 / 2);
    for ((sample, name), width) in entries.iter().zip(widths) {
        let middle = (x + ROOM[0] / 2, y);
        match sample {
            Sample::Line(colour) => {
                band.draw(&PathElement::new([(x, y), (x + ROOM[0], y)], colour.stroke_width(3)))
            }
            Sample::Ring(colour) => band.draw(&Circle::new(middle, 8, colour.stroke_width(3))),
            Sample::Area(colour) => {
                let corners = [(x, y - 9), (x + ROOM[0], y + 9)];
                band.draw(&Rectangle::new(corners, colour.filled()))
                    .and_then(|()| band.draw(&Rectangle::new(corners, BLACK.mix(0.4).stroke_width(1))))
            }
            Sample::Cross(colour) => band.draw(&Cross::new(middle, 7, colour.stroke_width(3))),
        }
        .map_err(text)?;
        x += ROOM[0] + ROOM[1];
        band.draw(&Text::new((*name).to_owned(), (x, y), style.clone())).map_err(text)?;
        x += width + ROOM[2];
    }
    Ok(rest)
}

/// A line through points, piece by piece: joined pieces would grow spikes where the line turns back.
pub(super) fn polyline(
    points: Vec<(f64, f64)>,
    style: ShapeStyle,
) -> impl Iterator<Item = PathElement<(f64, f64)>> {
    let n_pieces = points.len().saturating_sub(1);
    (0..n_pieces).map(move |at| PathElement::new([points[at], points[at + 1]], style))
}

/// Labels of ticks: as many decimals as the step needs.
pub(super) fn tick(value: f64) -> String {
    let rounded = (value * 1e6).round() / 1e6;
    if rounded == 0.0 { "0".to_owned() } else { rounded.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_get_the_prefix_that_a_person_would_use() {
        for (value, expected) in
            [(0.178, "m"), (3.0, ""), (2e-5, "µ"), (12e6, "M"), (0.0, ""), (86_400.0, "k")]
        {
            assert_eq!(prefix(value).1, expected, "{value}");
        }
    }

    #[test]
    fn axes_end_whatever_the_values() {
        let inf = f64::INFINITY;
        for (low, high) in [
            (0.0, 1.0),
            (0.0, inf),
            (-inf, inf),
            (f64::NAN, 1.0),
            (0.0, 1e300),
            (-1e300, 1e300),
            (1e300, 1e300),
            (5.0, 5.0),
            (0.0, 0.0),
            (1e12, 1e12 + 1e-3),
            (7.0, -7.0),
            (0.0, 1e-300),
            (f64::MIN_POSITIVE, 2.0 * f64::MIN_POSITIVE),
        ] {
            let found = axis(low, high);
            assert!(found.end > found.start, "{low}..{high}: {found:?}");
            let mut pixels = vec![255; 200 * 100 * 3];
            let sheet = BitMapBackend::with_buffer(&mut pixels, (200, 100)).into_drawing_area();
            let mut chart =
                ChartBuilder::on(&sheet).build_cartesian_2d(found.clone(), found.clone()).unwrap();
            chart.configure_mesh().disable_mesh().draw().unwrap();
        }
        assert_eq!(axis(-3.0, 4.0), -3.0..4.0);
    }

    #[test]
    fn long_titles_are_cut() {
        assert_eq!(shortened("a long title", 7), "a long…");
        assert_eq!(shortened("ärger", 5), "ärger");
    }
}
