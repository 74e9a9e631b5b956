//! A station as coverage knows it.

use crate::radar::RadarConfig;
use rangegate_core::AntennaCoverage;
use rangegate_tracking::Geodetic;
use serde::{Deserialize, Serialize};

/// A station's place and radar, as its file says (TOML).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SiteConfig {
    /// Its name.
    pub name: String,
    /// Whose it is.
    #[serde(default)]
    pub owner: String,
    /// Where its (receiving) antenna's foot stands; `height_m` is the ground's, over the ellipsoid.
    pub position: Geodetic,
    /// The antenna above the ground, m.
    #[serde(default)]
    pub antenna_height_m: f64,
    /// Where the transmitter stands, if not here: height over the ellipsoid of its antenna.
    #[serde(default)]
    pub transmitter: Option<Geodetic>,
    /// Where the antenna looks, elevations over its horizontal, and the instrumented range.
    #[serde(default)]
    pub coverage: AntennaCoverage,
    /// The radar equation's figures; without them the instrumented range alone counts.
    #[serde(default)]
    pub radar: Option<RadarConfig>,
}

impl SiteConfig {
    /// What is wrong with it: field, found, expected.
    ///
    /// # Errors
    /// A name is missing, or a value is not finite or out of bounds.
    pub fn check(&self) -> Result<(), String> {
        if self.name.is_empty() {
            return Err("name is empty, expected the station's name".to_owned());
        }
        check_place("position", &self.position)?;
        if !(0.0..=5e3).contains(&self.antenna_height_m) {
            return Err(format!("antenna_height_m is {}, expected 0 to 5000", self.antenna_height_m));
        }
        if let Some(transmitter) = &self.transmitter {
            check_place("transmitter", transmitter)?;
        }
        self.coverage.check().map_err(|error| format!("coverage.{error}"))?;
        self.radar.as_ref().map_or(Ok(()), |radar| radar.check().map_err(|error| format!("radar.{error}")))
    }

    /// Where the antenna is.
    pub fn antenna(&self) -> Geodetic {
        Geodetic { height_m: self.position.height_m + self.antenna_height_m, ..self.position }
    }
}

fn check_place(field: &str, place: &Geodetic) -> Result<(), String> {
    let Geodetic { latitude_deg, longitude_deg, height_m } = place;
    if !(-90.0..=90.0).contains(latitude_deg) {
        return Err(format!("{field}.latitude_deg is {latitude_deg}, expected -90 to 90"));
    }
    if !(-180.0..=360.0).contains(longitude_deg) {
        return Err(format!("{field}.longitude_deg is {longitude_deg}, expected -180 to 360"));
    }
    if !(-500.0..=9e3).contains(height_m) {
        return Err(format!("{field}.height_m is {height_m}, expected -500 to 9000"));
    }
    Ok(())
}
