//! The world's coasts and great lakes at 1:110 million: Natural Earth, public domain (`scripts/make-coastline`).

use crate::contour::{Point, Ring, is_within};

/// Points in hundredths of a degree, each ring behind the number of its points.
static RINGS: &[u8] = include_bytes!("coastline.bin");

/// All coasts, as closed lines of longitude and latitude, degrees.
pub fn rings() -> Vec<Ring> {
    let mut words = RINGS.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]]));
    let mut rings = Vec::new();
    while let Some(n) = words.next() {
        let ring: Ring = (0..n)
            .filter_map(|_| Some([f64::from(words.next()?) / 100.0, f64::from(words.next()?) / 100.0]))
            .collect();
        rings.push(ring);
    }
    rings
}

/// Whether a place is on land, to about 20 km: what an odd number of coasts is around.
pub fn is_land(rings: &[Ring], point: Point) -> bool {
    rings.iter().filter(|ring| is_within(ring, point)).count() % 2 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_places_are_on_land_or_not() {
        let rings = rings();
        assert!(RINGS.len() < 100_000 && rings.len() > 100);
        assert!(rings.iter().all(|ring| ring.len() > 3 && ring.first() == ring.last()));
        for (place, expected) in [
            ([47.81, 40.87], true), // Gabala
            ([40.98, 44.93], true), // Armavir
            ([50.5, 42.0], false),  // the Caspian
            ([35.0, 43.2], false),  // the Black Sea
            ([0.0, 90.0 - 1.0], false),
            ([10.0, -80.0], true),  // Antarctica
            ([-30.0, 30.0], false), // the Atlantic
            ([134.0, -25.0], true), // Australia
        ] {
            assert_eq!(is_land(&rings, place), expected, "{place:?}");
        }
    }
}
