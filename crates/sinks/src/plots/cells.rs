//! Cells alone, without axes: for pictures whose text somebody else sets.

use super::heat_map::colour;

/// Encodes values from 0 to 1 `[rows × columns]`, the first row at the bottom, as a PNG of a pixel each in viridis;
/// cells without a value are transparent.
///
/// # Errors
/// There is no cell.
pub fn encode_cells(
    columns: u32,
    rows: u32,
    value: impl Fn(usize, usize) -> Option<f64>,
) -> Result<Vec<u8>, std::io::Error> {
    let mut pixels = Vec::with_capacity(4 * columns as usize * rows as usize);
    for row in (0..rows as usize).rev() {
        for column in 0..columns as usize {
            match value(column, row) {
                Some(value) => {
                    let colour = colour(value);
                    pixels.extend([colour.0, colour.1, colour.2, 0xff]);
                }
                None => pixels.extend([0; 4]),
            }
        }
    }
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, columns, rows);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&pixels)?;
    writer.finish()?;
    Ok(bytes)
}
