//! SRTM tiles: one degree square, 1201 or 3601 heights a side, big-endian 16-bit integers, the name says where.

use super::HeightGrid;
use crate::Error;

/// What SRTM writes where it knows nothing.
const VOID: i16 = -32_768;

/// Reads a tile, such as `N40E047.hgt`, whose first height is at its north-western corner.
pub(super) fn read(name: &str, bytes: &[u8]) -> Result<HeightGrid, Error> {
    let side = match bytes.len() {
        2_884_802 => 1201,
        25_934_402 => 3601,
        n => {
            let expected = "2884802 (1201 × 1201 heights) or 25934402 (3601 × 3601)";
            return Err(Error::new(name, format!("{n} bytes, expected {expected}")));
        }
    };
    let corner = corner_deg(name).ok_or_else(|| {
        Error::new(name, "expected a name such as N40E047.hgt, of the south-western corner")
    })?;
    let heights_m = bytes.chunks_exact(2).map(|pair| match i16::from_be_bytes([pair[0], pair[1]]) {
        VOID => f32::NAN,
        height => f32::from(height),
    });
    let step_deg = 1.0 / (side - 1) as f64;
    HeightGrid::new(name, [corner[0], corner[1] + 1.0], [step_deg; 2], side, heights_m.collect())
}

/// Longitude and latitude of the south-western corner, from the file's name.
fn corner_deg(name: &str) -> Option<[f64; 2]> {
    let name = name.rsplit(['/', '\\']).next()?.to_ascii_uppercase();
    let (lat, lon) = (name.get(0..3)?, name.get(3..7)?);
    if name.get(7..8)? != "." {
        return None;
    }
    let degrees = |text: &str, positive: char, negative: char, most: u32| {
        let sign = match text.chars().next()? {
            c if c == positive => 1.0,
            c if c == negative => -1.0,
            _ => return None,
        };
        let digits = text.get(1..)?;
        let value =
            digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse::<u32>().ok())??;
        (value <= most).then(|| sign * f64::from(value))
    };
    Some([degrees(lon, 'E', 'W', 180)?, degrees(lat, 'N', 'S', 90)?])
}
