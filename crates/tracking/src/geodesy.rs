//! Places on the Earth: WGS-84, by the crate `map_3d`.

use map_3d::Ellipsoid;
use nalgebra::{Matrix3, Vector3};
use serde::{Deserialize, Serialize};

/// A place on or above the WGS-84 ellipsoid.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Geodetic {
    /// Latitude, degrees.
    pub latitude_deg: f64,
    /// Longitude, degrees, positive east.
    pub longitude_deg: f64,
    /// Height over the ellipsoid, m.
    pub height_m: f64,
}

impl Geodetic {
    /// Earth-centred, Earth-fixed coordinates, m.
    pub fn ecef_m(&self) -> Vector3<f64> {
        let (lat, lon) = (self.latitude_deg.to_radians(), self.longitude_deg.to_radians());
        Vector3::from(<[f64; 3]>::from(map_3d::geodetic2ecef(lat, lon, self.height_m, Ellipsoid::WGS84)))
    }

    /// The place of Earth-centred, Earth-fixed coordinates, m.
    pub fn from_ecef_m(ecef_m: &Vector3<f64>) -> Self {
        let (lat, lon, height_m) = map_3d::ecef2geodetic(ecef_m.x, ecef_m.y, ecef_m.z, Ellipsoid::WGS84);
        Self { latitude_deg: lat.to_degrees(), longitude_deg: lon.to_degrees(), height_m }
    }

    /// The rotation whose rows are east, north and up here: local = rotation · Earth-fixed.
    pub fn enu_from_ecef(&self) -> Matrix3<f64> {
        let (lat, lon) = (self.latitude_deg.to_radians(), self.longitude_deg.to_radians());
        let column = |u, v, w| Vector3::from(<[f64; 3]>::from(map_3d::uvw2enu(u, v, w, lat, lon)));
        Matrix3::from_columns(&[column(1.0, 0.0, 0.0), column(0.0, 1.0, 0.0), column(0.0, 0.0, 1.0)])
    }
}

/// The frame in which positions are counted, and how it lies in the Earth.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    /// Its origin, Earth-fixed, m.
    pub origin_ecef_m: Vector3<f64>,
    /// frame = rotation · (Earth-fixed − origin).
    pub from_ecef: Matrix3<f64>,
}

impl Frame {
    /// Earth-centred, Earth-fixed itself.
    pub fn earth() -> Self {
        Self { origin_ecef_m: Vector3::zeros(), from_ecef: Matrix3::identity() }
    }

    /// East, north, up at a place.
    pub fn local(origin: &Geodetic) -> Self {
        Self { origin_ecef_m: origin.ecef_m(), from_ecef: origin.enu_from_ecef() }
    }

    /// A position of this frame in Earth-fixed coordinates, m.
    pub fn ecef_m(&self, position_m: &Vector3<f64>) -> Vector3<f64> {
        self.origin_ecef_m + self.from_ecef.transpose() * position_m
    }

    /// An Earth-fixed position in this frame, m.
    pub fn position_m(&self, ecef_m: &Vector3<f64>) -> Vector3<f64> {
        self.from_ecef * (ecef_m - self.origin_ecef_m)
    }
}
