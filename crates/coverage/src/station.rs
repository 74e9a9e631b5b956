//! What one station sees, place by place.

use crate::detectability::Target;
use crate::horizon::EARTH_RADIUS_M;
use crate::sight::is_clear;
use crate::terrain::Terrain;
use crate::{Error, Refraction, SiteConfig};
use nalgebra::{Matrix3, Vector3};
use rangegate_core::AntennaCoverage;
use rangegate_tracking::Geodetic;

/// What holds for all stations of a map.
#[derive(Clone, Debug, Default)]
pub struct Conditions {
    /// What shall be detected.
    pub target: Target,
    /// The air.
    pub air: Refraction,
    /// The ground; without it the Earth is smooth.
    pub terrain: Option<Terrain>,
}

/// A station whose file was checked, with all that can be worked out beforehand.
#[derive(Clone, Debug)]
pub struct Station {
    /// Its name.
    pub name: String,
    /// Whose it is.
    pub owner: String,
    /// Where its receiving antenna is.
    pub antenna: Geodetic,
    coverage: AntennaCoverage,
    transmitter: Option<(Geodetic, Vector3<f64>)>,
    /// By the radar equation: the root of the product of both ranges, m.
    reach_m: f64,
    ecef_m: Vector3<f64>,
    enu_from_ecef: Matrix3<f64>,
}

/// A place as a station's antenna has it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Look {
    /// Degrees clockwise from north.
    pub azimuth_deg: f64,
    /// Over the antenna's horizontal, as the air shows it, degrees.
    pub elevation_deg: f64,
    /// Straight from the antenna, m.
    pub range_m: f64,
    /// Straight from the transmitter, m.
    pub transmitter_m: f64,
}

impl Station {
    /// Of its file.
    ///
    /// # Errors
    /// The file, or what shall be detected, is not what it should be.
    pub fn new(site: &SiteConfig, conditions: &Conditions) -> Result<Self, Error> {
        let refuse = |message| Error::new(&site.name, message);
        site.check().map_err(refuse)?;
        conditions.target.check().map_err(|message| Error::new("target", message))?;
        conditions.air.check().map_err(|message| Error::new("refraction", message))?;
        let antenna = site.antenna();
        Ok(Self {
            name: site.name.clone(),
            owner: site.owner.clone(),
            antenna,
            coverage: site.coverage.clone(),
            transmitter: site.transmitter.map(|place| (place, place.ecef_m())),
            reach_m: site.radar.as_ref().map_or(f64::INFINITY, |radar| radar.range_m(&conditions.target)),
            ecef_m: antenna.ecef_m(),
            enu_from_ecef: antenna.enu_from_ecef(),
        })
    }

    /// Where its antenna has a place.
    pub fn look(&self, air: &Refraction, place: &Geodetic) -> Look {
        let ecef_m = place.ecef_m();
        let enu_m = self.enu_from_ecef * (ecef_m - self.ecef_m);
        let range_m = enu_m.norm();
        let ground_m = crate::horizon::ground_range_m(&self.antenna, place);
        Look {
            azimuth_deg: enu_m.x.atan2(enu_m.y).to_degrees().rem_euclid(360.0),
            elevation_deg: air.elevation_rad(ground_m, self.antenna.height_m, place.height_m).to_degrees(),
            range_m,
            transmitter_m: self.transmitter.as_ref().map_or(range_m, |(_, from_m)| (ecef_m - from_m).norm()),
        }
    }

    /// Whether its antenna looks there: sector, elevation, instrumented range (of a bistatic radar half the path).
    pub fn looks_at(&self, air: &Refraction, place: &Geodetic) -> bool {
        let look = self.look(air, place);
        self.coverage.contains(
            look.azimuth_deg,
            look.elevation_deg,
            0.5 * (look.range_m + look.transmitter_m),
        )
    }

    /// Whether it detects the target there: the antenna looks there, the radar equation reaches, and nothing is in the
    /// way to receiver and transmitter.
    pub fn sees(&self, conditions: &Conditions, place: &Geodetic) -> bool {
        let air = &conditions.air;
        let horizon_m = air.horizon_m(self.antenna.height_m, place.height_m);
        // Cheaper than all else, and true of most places.
        if crate::horizon::ground_range_m(&self.antenna, place) > horizon_m {
            return false;
        }
        let look = self.look(air, place);
        let terrain = conditions.terrain.as_ref();
        self.coverage.contains(
            look.azimuth_deg,
            look.elevation_deg,
            0.5 * (look.range_m + look.transmitter_m),
        ) && (look.range_m * look.transmitter_m).sqrt() <= self.reach_m
            && is_clear(air, terrain, &self.antenna, place)
            && self.transmitter.as_ref().is_none_or(|(from, _)| is_clear(air, terrain, from, place))
    }

    /// Range that the radar equation allows, m (with the transmitter elsewhere the root of the product of both);
    /// infinite where the file has none.
    pub fn reach_m(&self) -> f64 {
        self.reach_m
    }

    /// Ground range beyond which it sees nothing at an altitude, whatever its direction, m.
    pub fn farthest_m(&self, air: &Refraction, altitude_m: f64) -> f64 {
        let far_m = if self.transmitter.is_some() { 2.0 } else { 1.0 } * self.coverage.range_m[1];
        let far_m = if self.transmitter.is_some() { far_m } else { far_m.min(self.reach_m) };
        let (low_m, high_m) = (EARTH_RADIUS_M + self.antenna.height_m, EARTH_RADIUS_M + altitude_m);
        let cosine = (low_m.powi(2) + high_m.powi(2) - far_m.powi(2)) / (2.0 * low_m * high_m);
        let by_range_m = EARTH_RADIUS_M * cosine.clamp(-1.0, 1.0).acos();
        // Radius of curvature on the ellipsoid differs by up to 0.7 %.
        (1.01 * by_range_m).min(air.horizon_m(self.antenna.height_m, altitude_m))
    }
}
