//! GeoTIFF (OGC 19-008r4) as far as height grids need it: one band, north up, in degrees of latitude and longitude.

use super::{HeightGrid, MAX_HEIGHTS};
use crate::Error;
use std::io::Cursor;
use tiff::decoder::{Decoder, DecodingResult, Limits};
use tiff::tags::Tag;

/// Keys of the GeoKeyDirectory.
const MODEL_TYPE: u16 = 1024;
const RASTER_TYPE: u16 = 1025;
/// Their values: degrees of latitude and longitude; heights are of points, not of areas.
const GEOGRAPHIC: u16 = 2;
const PIXEL_IS_POINT: u16 = 2;

/// Reads the first image of a file.
pub(super) fn read(name: &str, bytes: &[u8]) -> Result<HeightGrid, Error> {
    let refuse = |message: String| Error::new(name, message);
    let damaged = |error: tiff::TiffError| refuse(format!("no readable TIFF: {error}"));
    let mut limits = Limits::default();
    limits.decoding_buffer_size = MAX_HEIGHTS * 8;
    let mut decoder = Decoder::new(Cursor::new(bytes)).map_err(damaged)?.with_limits(limits);
    let (width, height) = decoder.dimensions().map_err(damaged)?;
    let n = (width as usize).saturating_mul(height as usize);
    if n == 0 || n > MAX_HEIGHTS {
        return Err(refuse(format!("{width} × {height} heights, expected 1 to {MAX_HEIGHTS}")));
    }
    let keys = decoder.get_tag_u16_vec(Tag::GeoKeyDirectoryTag).map_err(damaged)?;
    let key = |wanted: u16| {
        keys.chunks_exact(4).skip(1).find(|key| key[0] == wanted && key[1] == 0).map(|key| key[3])
    };
    if key(MODEL_TYPE) != Some(GEOGRAPHIC) {
        let found = key(MODEL_TYPE);
        return Err(refuse(format!(
            "GTModelType is {found:?}, expected {GEOGRAPHIC} (latitude and longitude)"
        )));
    }
    let scale = decoder.get_tag_f64_vec(Tag::ModelPixelScaleTag).map_err(damaged)?;
    let tie = decoder.get_tag_f64_vec(Tag::ModelTiepointTag).map_err(damaged)?;
    let (&[step_lon, step_lat, ..], &[column, row, _, lon, lat, _]) = (&scale[..], &tie[..]) else {
        let found = (scale.len(), tie.len());
        return Err(refuse(format!("pixel scale and tie point have {found:?} numbers, expected (3, 6)")));
    };
    let half = if key(RASTER_TYPE) == Some(PIXEL_IS_POINT) { 0.0 } else { 0.5 };
    let first_deg = [lon + (half - column) * step_lon, lat - (half - row) * step_lat];
    let void = decoder.get_tag_ascii_string(Tag::GdalNodata).ok();
    let void: Option<f64> = void.and_then(|text| text.trim_matches(['\0', ' ']).parse().ok());
    let mut heights_m = heights(decoder.read_image().map_err(damaged)?)
        .ok_or_else(|| refuse("expected heights as integers of 8 to 32 bits or floats".to_owned()))?;
    if heights_m.len() != n {
        return Err(refuse(format!("{} values in {width} × {height}, expected one band", heights_m.len())));
    }
    if let Some(void) = void {
        heights_m
            .iter_mut()
            .filter(|height| (f64::from(**height) - void).abs() < 1e-6)
            .for_each(|height| *height = f32::NAN);
    }
    HeightGrid::new(name, first_deg, [step_lon, step_lat], width as usize, heights_m)
}

fn heights(image: DecodingResult) -> Option<Vec<f32>> {
    Some(match image {
        DecodingResult::U8(values) => values.into_iter().map(f32::from).collect(),
        DecodingResult::I8(values) => values.into_iter().map(f32::from).collect(),
        DecodingResult::U16(values) => values.into_iter().map(f32::from).collect(),
        DecodingResult::I16(values) => values.into_iter().map(f32::from).collect(),
        DecodingResult::U32(values) => values.into_iter().map(|value| value as f32).collect(),
        DecodingResult::I32(values) => values.into_iter().map(|value| value as f32).collect(),
        DecodingResult::F32(values) => values,
        DecodingResult::F64(values) => values.into_iter().map(|value| value as f32).collect(),
        _ => return None,
    })
}
