//! Who a station is, where it stands, what it covers: the same words in its own configuration and in the centre's.

use crate::{Error, Result};
use rangegate_core::{AntennaCoverage, Timestamp};
use rangegate_exchange::asterix::report::{DataSource, Station};
use rangegate_exchange::asterix::service::SiteReport;
use rangegate_fusion::StationInfo;
use rangegate_tracking::{Accuracy, Geodetic};
use serde::{Deserialize, Serialize};

/// `[site]` of a station, `[[station]]` of a centre.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SiteConfig {
    /// Its name: 1 to 64 letters, digits, `_` and `-`.
    pub name: String,
    /// Whose it is.
    pub owner: String,
    /// System area code of its reports.
    pub sac: u8,
    /// System identification code: with the area code, no other station's.
    pub sic: u8,
    /// Surveyed place of the receiver (WGS-84).
    pub position: Geodetic,
    /// Place of the transmitter, where it is another.
    pub transmitter: Option<Geodetic>,
    /// Its bistatic range is half of what the echo's path is longer than the direct one, not half of the whole path.
    #[serde(default)]
    pub less_baseline: bool,
    /// What its antenna covers.
    #[serde(default)]
    pub coverage: AntennaCoverage,
    /// Standard deviations of its detections.
    #[serde(default)]
    pub accuracy: Accuracy,
    /// Probability that it detects a target within its coverage in one scan.
    #[serde(default = "usual_probability")]
    pub detection_probability: f64,
    /// Greatest range rate that it reports, either way, m/s.
    #[serde(default = "usual_range_rate")]
    pub range_rate_max_mps: f64,
    /// It gives detections, and those are fused; otherwise its tracks are.
    #[serde(default = "yes")]
    pub shares_detections: bool,
    /// What it sees is simulated or replayed.
    #[serde(default)]
    pub is_simulated: bool,
}

fn usual_probability() -> f64 {
    0.9
}

fn usual_range_rate() -> f64 {
    1_000.0
}

fn yes() -> bool {
    true
}

/// Its one pair of transmitter and receiver.
const PAIR: u16 = 1;

impl SiteConfig {
    /// Whether its values are possible.
    ///
    /// # Errors
    /// Field, found, expected.
    pub fn check(&self) -> Result<()> {
        let name = |field: &str, name: &str| {
            let good = (1..=64).contains(&name.len())
                && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
            let message = format!("{field} is {name:?}, expected 1 to 64 letters, digits, '_' and '-'");
            if good { Ok(()) } else { Err(Error::Config(message)) }
        };
        name("name", &self.name)?;
        name("owner", &self.owner)?;
        for place in std::iter::once(&self.position).chain(&self.transmitter) {
            let Geodetic { latitude_deg, longitude_deg, height_m } = place;
            let good = latitude_deg.abs() <= 90.0
                && (-180.0..=360.0).contains(longitude_deg)
                && (-1000.0..=8000.0).contains(height_m);
            if !good {
                return Err(Error::Config(format!(
                    "{}: position is {latitude_deg}, {longitude_deg}, {height_m} m: expected degrees and -1,000 to 8,000 m",
                    self.name
                )));
            }
        }
        if !(self.detection_probability > 0.0 && self.detection_probability < 1.0) {
            let found = self.detection_probability;
            return Err(Error::Config(format!(
                "{}: detection_probability is {found}, expected between 0 and 1",
                self.name
            )));
        }
        self.coverage.check().map_err(|error| Error::Config(format!("{}: coverage.{error}", self.name)))
    }

    /// System area and identification code.
    pub fn source(&self) -> DataSource {
        DataSource { sac: self.sac, sic: self.sic }
    }

    /// From transmitter to receiver, m.
    pub fn baseline_m(&self) -> Option<f64> {
        self.transmitter.map(|transmitter| (transmitter.ecef_m() - self.position.ecef_m()).norm())
    }

    /// What its reports have in common.
    pub fn reporting(&self) -> Station {
        Station {
            source: self.source(),
            pair: PAIR,
            baseline_m: self.baseline_m(),
            accuracy: Some(self.accuracy),
            origin: Some(self.position),
            is_simulated: self.is_simulated,
        }
    }

    /// What fusion knows of it.
    pub fn info(&self) -> StationInfo {
        StationInfo {
            name: self.name.clone(),
            owner: self.owner.clone(),
            position: self.position,
            transmitter: self.transmitter,
            accuracy: self.accuracy,
            detection_probability: self.detection_probability,
            coverage: self.coverage.clone(),
            less_baseline: self.less_baseline,
            range_rate_max_mps: self.range_rate_max_mps,
            shares_detections: self.shares_detections,
        }
    }

    /// Where its antennas stand, as it says it now and then.
    pub fn report(&self, time: Timestamp, period_s: u8) -> SiteReport {
        SiteReport {
            source: self.source(),
            time_of_day_s: rangegate_exchange::asterix::time::time_of_day_s(time),
            period_s,
            pairs: vec![(PAIR, 1, 1)],
            transmitters: vec![(1, self.transmitter.unwrap_or(self.position))],
            receivers: vec![(1, self.position)],
        }
    }
}
