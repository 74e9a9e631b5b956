//! For displays of rotating monostatic radars: categories 048 and 034. Export only: steps of range are 7.23 m, of
//! Doppler 1 m/s, and range ends at 474 km.

use crate::asterix::report::{DataSource, TargetReport};
use crate::asterix::service::NAUTICAL_MILE;
use crate::asterix::tables::{CAT034, CAT048};
use crate::asterix::{Error, Record};
use rangegate_tracking::Geodetic;

/// A target report as category 048: a primary plot, or a track that goes on.
///
/// # Errors
/// It is bistatic, has no range or no azimuth, or is farther than 474 km.
pub fn plot(report: &TargetReport) -> Result<Record, Error> {
    let wrong = |found: &str, expected: &str| Err(Error::new(found, expected).within("040").in_category(48));
    if report.is_multistatic {
        return wrong("a bistatic report", "a monostatic one");
    }
    let (Some(range), Some(azimuth)) = (report.range_m, report.azimuth_deg) else {
        return wrong("no range or no azimuth", "both");
    };
    let mut record = Record::new(CAT048);
    report.source.set(&mut record, "010")?;
    record.set("140", report.time_of_day_s)?;
    // A single primary detection.
    record.set("020/TYP", 1_u8)?;
    record.set("020/SIM", report.is_simulated)?;
    record.set("040/RHO", range.value / NAUTICAL_MILE)?;
    record.set(
        "040/THETA",
        (azimuth.value.rem_euclid(360.0) * 65536.0 / 360.0).round() % 65536.0 * 360.0 / 65536.0,
    )?;
    if let Some(rate) = report.doppler_mps.or(report.range_rate_mps) {
        // Without a rule for the sign in the specification: positive recedes, as everywhere here.
        record.set("120/CAL/CAL", rate.value.clamp(-512.0, 511.0))?;
        record.set("120/CAL/D", !(-512.0..=511.0).contains(&rate.value))?;
    }
    if let Some(number) = report.number {
        record.set("161/TRN", number % 4096)?;
        // Kept by a primary radar.
        record.set("170/RAD", 1_u8)?;
    }
    if let Some([east, north]) = report.state.as_ref().and_then(|state| state.velocity_mps) {
        record.set("200/GSP", (east.hypot(north) / NAUTICAL_MILE).min(65535.0 / 16384.0))?;
        let heading = east.atan2(north).to_degrees().rem_euclid(360.0);
        record.set("200/HDG", (heading * 65536.0 / 360.0).round() % 65536.0 * 360.0 / 65536.0)?;
    }
    Ok(record)
}

/// What a rotating antenna tells: that it passes north, or a sector.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Passing {
    /// North, where a turn begins.
    North,
    /// The sector that begins at an azimuth, degrees.
    Sector(f64),
}

/// A service message as category 034.
///
/// # Errors
/// Azimuth, time, turn or place are none.
pub fn passing(
    source: DataSource,
    time_of_day_s: f64,
    what: Passing,
    turn_s: Option<f64>,
    place: Option<&Geodetic>,
) -> Result<Record, Error> {
    let mut record = Record::new(CAT034);
    source.set(&mut record, "010")?;
    record.set("030", time_of_day_s)?;
    match what {
        Passing::North => record.set("000", 1_u8)?,
        Passing::Sector(azimuth_deg) => {
            record.set("000", 2_u8)?;
            record.set("020", (azimuth_deg.rem_euclid(360.0) * 256.0 / 360.0).floor() * 360.0 / 256.0)?;
        }
    }
    if let Some(turn_s) = turn_s {
        record.set("041", turn_s)?;
    }
    if let Some(place) = place {
        record.set("120/HGT", place.height_m)?;
        record.set("120/LAT", place.latitude_deg)?;
        record.set("120/LON", place.longitude_deg)?;
    }
    Ok(record)
}
