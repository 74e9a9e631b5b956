//! Where: polygons and circles on the sphere.
//!
//! Geodetic latitude and longitude (WGS-84) are taken as those of a sphere of the mean radius, 6,371,008.8 m. A
//! polygon's edges are arcs of great circles, and its inside is the side that fits into a hemisphere. Seen from the
//! sphere's centre such arcs are straight (gnomonic projection about the polygon's middle), so that neither ±180° nor
//! a pole is anything special.

use crate::Error;
use serde::{Deserialize, Serialize};

/// Mean radius of WGS-84, m.
pub const EARTH_RADIUS_M: f64 = 6_371_008.8;
/// Corners of a polygon at most.
pub const MAX_CORNERS: usize = 1000;
/// Cosine of the angle within which a polygon's corners lie about their mean: 89°.
const MIN_COSINE: f64 = 0.017_452_406_437_283_51;

/// A place on the ground, WGS-84.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Position {
    /// Geodetic latitude, degrees, north positive.
    pub latitude_deg: f64,
    /// Longitude, degrees, east positive.
    pub longitude_deg: f64,
}

/// An area of a contract.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Area {
    /// Corners [longitude, latitude], degrees, as in GeoJSON, in either order of turning; the first may be repeated.
    Polygon(Vec<[f64; 2]>),
    /// All within a distance.
    Circle(Circle),
}

/// All within a distance of a point.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Circle {
    /// [longitude, latitude], degrees.
    pub centre: [f64; 2],
    /// Along the ground, m.
    pub radius_m: f64,
}

impl Area {
    /// The same, ready to be asked.
    ///
    /// # Errors
    /// A coordinate is out of bounds, a polygon has fewer than 3 corners or too many, crosses itself, or does not fit
    /// into a hemisphere, or a radius is not between 0 and half the way round.
    pub fn region(&self) -> Result<Region, Error> {
        match self {
            Self::Polygon(corners) => Region::polygon(corners),
            Self::Circle(circle) => Region::circle(circle),
        }
    }
}

type Vector = [f64; 3];

fn dot(a: Vector, b: Vector) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

fn cross(a: Vector, b: Vector) -> Vector {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

fn unit(a: Vector) -> Vector {
    let length = dot(a, a).sqrt();
    a.map(|part| part / length)
}

/// Direction of a point from the sphere's centre.
fn direction(longitude_deg: f64, latitude_deg: f64) -> Vector {
    let (sin_latitude, cos_latitude) = latitude_deg.to_radians().sin_cos();
    let (sin_longitude, cos_longitude) = longitude_deg.to_radians().sin_cos();
    [cos_latitude * cos_longitude, cos_latitude * sin_longitude, sin_latitude]
}

fn checked_direction([longitude_deg, latitude_deg]: [f64; 2]) -> Result<Vector, Error> {
    if !(-90.0..=90.0).contains(&latitude_deg) {
        return Err(Error::value("latitude", latitude_deg, "-90 to 90 degrees ([longitude, latitude])"));
    }
    if !(-360.0..=360.0).contains(&longitude_deg) {
        return Err(Error::value("longitude", longitude_deg, "-180 to 180 degrees ([longitude, latitude])"));
    }
    Ok(direction(longitude_deg, latitude_deg))
}

/// An area that can be asked.
#[derive(Clone, Debug)]
pub enum Region {
    /// Projected from the sphere's centre upon the plane that touches it in the polygon's middle.
    Polygon {
        /// The middle, and two directions of the plane.
        axes: [Vector; 3],
        /// Corners in the plane.
        corners: Vec<[f64; 2]>,
    },
    /// By the square of the chord.
    Circle {
        /// Direction of the middle.
        centre: Vector,
        /// Square of the longest chord, of a sphere of radius 1.
        chord_squared: f64,
    },
}

impl Region {
    fn circle(circle: &Circle) -> Result<Self, Error> {
        let angle = circle.radius_m / EARTH_RADIUS_M;
        if !(angle > 0.0 && angle <= std::f64::consts::PI) {
            return Err(Error::value("radius_m", circle.radius_m, "over 0, at most 20,015,086"));
        }
        let chord = 2.0 * (0.5 * angle).sin();
        Ok(Self::Circle { centre: checked_direction(circle.centre)?, chord_squared: chord * chord })
    }

    fn polygon(corners: &[[f64; 2]]) -> Result<Self, Error> {
        let open = match corners {
            [first, rest @ ..]
                if rest.last().is_some_and(|last| last.map(f64::to_bits) == first.map(f64::to_bits)) =>
            {
                rest
            }
            _ => corners,
        };
        if !(3..=MAX_CORNERS).contains(&open.len()) {
            return Err(Error::value(
                "polygon",
                format!("{} corners", open.len()),
                format!("3 to {MAX_CORNERS}"),
            ));
        }
        let directions =
            open.iter().map(|&corner| checked_direction(corner)).collect::<Result<Vec<_>, _>>()?;
        let sum =
            directions.iter().fold([0.0; 3], |sum, of| [sum[0] + of[0], sum[1] + of[1], sum[2] + of[2]]);
        let too_large = || {
            let expected = "a polygon within 89 degrees of the mean of its corners (a larger one: circles)";
            Error::value("polygon", format!("{corners:?}"), expected)
        };
        if dot(sum, sum) < 1e-12 {
            return Err(too_large());
        }
        let middle = unit(sum);
        if directions.iter().any(|&of| dot(of, middle) < MIN_COSINE) {
            return Err(too_large());
        }
        let helper = if middle[2].abs() < 0.9 { [0.0, 0.0, 1.0] } else { [1.0, 0.0, 0.0] };
        let east = unit(cross(helper, middle));
        let axes = [middle, east, cross(middle, east)];
        let corners: Vec<_> = directions.iter().filter_map(|&of| project(&axes, of)).collect();
        check_simple(&corners, open)?;
        Ok(Self::Polygon { axes, corners })
    }

    /// Whether a place is within; what has no finite coordinates is not. Of the edge itself nothing is promised.
    pub fn contains(&self, position: Position) -> bool {
        let Position { latitude_deg, longitude_deg } = position;
        if !(-90.0..=90.0).contains(&latitude_deg) || !(-360.0..=360.0).contains(&longitude_deg) {
            return false;
        }
        let point = direction(longitude_deg, latitude_deg);
        match self {
            Self::Circle { centre, chord_squared } => {
                let chord = [point[0] - centre[0], point[1] - centre[1], point[2] - centre[2]];
                dot(chord, chord) <= *chord_squared
            }
            Self::Polygon { axes, corners } => {
                project(axes, point).is_some_and(|point| crosses_oddly(corners, point))
            }
        }
    }
}

/// Where the ray through a point meets the plane; `None` on the other half of the sphere.
fn project([middle, east, north]: &[Vector; 3], point: Vector) -> Option<[f64; 2]> {
    let depth = dot(point, *middle);
    (depth > 0.0).then(|| [dot(point, *east) / depth, dot(point, *north) / depth])
}

/// Edges of a closed line through these corners.
fn edges(corners: &[[f64; 2]]) -> impl Iterator<Item = ([f64; 2], [f64; 2])> + '_ {
    corners.iter().copied().zip(corners.iter().copied().cycle().skip(1))
}

/// Whether a half line from the point crosses the edges an odd number of times.
fn crosses_oddly(corners: &[[f64; 2]], [x, y]: [f64; 2]) -> bool {
    edges(corners)
        .filter(|&(a, b)| (a[1] > y) != (b[1] > y) && x < a[0] + (y - a[1]) / (b[1] - a[1]) * (b[0] - a[0]))
        .count()
        % 2
        == 1
}

/// Refuses corners that are the same and edges that cross.
fn check_simple(corners: &[[f64; 2]], named: &[[f64; 2]]) -> Result<(), Error> {
    let side =
        |a: [f64; 2], b: [f64; 2], c: [f64; 2]| (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]);
    let all: Vec<_> = edges(corners).collect();
    for (i, &(a, b)) in all.iter().enumerate() {
        if (a[0] - b[0]).hypot(a[1] - b[1]) < 1e-12 {
            return Err(Error::value("polygon", format!("corner {:?} twice", named[i]), "another corner"));
        }
        for (j, &(c, d)) in all.iter().enumerate().skip(i + 2) {
            let is_crossed = side(a, b, c) * side(a, b, d) < 0.0 && side(c, d, a) * side(c, d, b) < 0.0;
            if is_crossed {
                let found = format!("the edges from {:?} and from {:?} cross", named[i], named[j]);
                return Err(Error::value("polygon", found, "edges that do not"));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Area, Circle, EARTH_RADIUS_M, Position};

    fn contains(area: &Area, longitude_deg: f64, latitude_deg: f64) -> bool {
        area.region().expect("an area").contains(Position { latitude_deg, longitude_deg })
    }

    #[test]
    fn a_polygon_across_the_date_line_and_one_round_a_pole() {
        let fiji = Area::Polygon(vec![[175.0, -20.0], [-175.0, -20.0], [-175.0, -10.0], [175.0, -10.0]]);
        for (longitude_deg, is_in) in
            [(179.9, true), (-179.9, true), (180.0, true), (-180.0, true), (176.0, true), (-176.0, true)]
                .into_iter()
                .chain([(174.9, false), (-174.9, false), (0.0, false)])
        {
            assert_eq!(contains(&fiji, longitude_deg, -15.0), is_in, "{longitude_deg}");
        }
        assert!(contains(&fiji, 185.0 - 1e-6, -15.0), "from 0 to 360 too");
        assert!(!contains(&fiji, 0.0, 15.0), "the other side of the Earth");
        let arctic =
            Area::Polygon(vec![[0.0, 70.0], [90.0, 70.0], [180.0, 70.0], [-90.0, 70.0], [0.0, 70.0]]);
        assert!(contains(&arctic, 123.0, 90.0) && contains(&arctic, 45.0, 76.0));
        assert!(!contains(&arctic, 45.0, 74.0), "the arc from 0° to 90° goes over 75.6° north");
        assert!(!contains(&arctic, 0.0, -90.0));
    }

    #[test]
    fn a_circle_ends_at_its_radius() {
        let radius_m = 100e3;
        let circle = Area::Circle(Circle { centre: [180.0, 89.5], radius_m });
        let degrees = (radius_m / EARTH_RADIUS_M).to_degrees();
        assert!(contains(&circle, 180.0, 89.5 - degrees + 1e-6) && contains(&circle, 0.0, 89.7));
        assert!(!contains(&circle, 180.0, 89.5 - degrees - 1e-6) && !contains(&circle, 0.0, f64::NAN));
    }

    #[test]
    fn what_is_no_area_is_refused() {
        for bad in [
            Area::Polygon(vec![[0.0, 0.0], [1.0, 1.0]]),
            Area::Polygon(vec![[0.0, 0.0], [1.0, 1.0], [1.0, 1.0], [0.0, 1.0]]),
            Area::Polygon(vec![[0.0, 0.0], [1.0, 1.0], [1.0, 0.0], [0.0, 1.0]]),
            Area::Polygon(vec![[0.0, 0.0], [120.0, 0.0], [-120.0, 0.0]]),
            Area::Polygon(vec![[40.0, 91.0], [41.0, 40.0], [41.0, 42.0]]),
            Area::Polygon(vec![[f64::NAN, 1.0], [41.0, 40.0], [41.0, 42.0]]),
            Area::Circle(Circle { centre: [0.0, 0.0], radius_m: 0.0 }),
            Area::Circle(Circle { centre: [0.0, 0.0], radius_m: f64::INFINITY }),
        ] {
            assert!(bad.region().is_err(), "{bad:?}");
        }
    }
}
