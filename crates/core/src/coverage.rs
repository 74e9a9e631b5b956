//! Where an antenna sees.

use serde::{Deserialize, Serialize};

/// What a station's antenna covers: sectors of azimuth, elevations, and the instrumented range.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AntennaCoverage {
    /// Sectors [from, to], degrees clockwise from north; from 350 to 10 goes through north. None: all round.
    pub azimuth_deg: Vec<[f64; 2]>,
    /// Lowest and highest elevation over the horizon, degrees.
    pub elevation_deg: [f64; 2],
    /// Instrumented range, nearest and farthest, m; of a bistatic radar half the path.
    pub range_m: [f64; 2],
}

impl Default for AntennaCoverage {
    /// All that is above the horizon, as far as the Moon and farther.
    fn default() -> Self {
        Self { azimuth_deg: Vec::new(), elevation_deg: [0.0, 90.0], range_m: [0.0, 1e9] }
    }
}

impl AntennaCoverage {
    /// Whether a target in this direction and at this range is within it, edges included.
    pub fn contains(&self, azimuth_deg: f64, elevation_deg: f64, range_m: f64) -> bool {
        let within = |[from, to]: [f64; 2], value: f64| from <= value && value <= to;
        within(self.elevation_deg, elevation_deg)
            && within(self.range_m, range_m)
            && (self.azimuth_deg.is_empty()
                || self.azimuth_deg.iter().any(|&sector| in_sector(sector, azimuth_deg)))
    }

    /// What is wrong with it: field, found, expected.
    ///
    /// # Errors
    /// An angle or range is not finite, out of bounds, or in the wrong order.
    pub fn check(&self) -> Result<(), String> {
        let [low, high] = self.elevation_deg;
        if !(-90.0 <= low && low < high && high <= 90.0) {
            return Err(format!("elevation_deg is [{low}, {high}], expected rising angles from -90 to 90"));
        }
        let [near, far] = self.range_m;
        if !(0.0 <= near && near < far) {
            return Err(format!("range_m is [{near}, {far}], expected rising ranges from 0"));
        }
        match self.azimuth_deg.iter().flatten().find(|angle| !(-360.0..=360.0).contains(*angle)) {
            Some(angle) => Err(format!("azimuth_deg has {angle}, expected -360 to 360")),
            None => Ok(()),
        }
    }
}

/// Whether an azimuth lies clockwise between two; a sector of a whole turn is all round.
fn in_sector([from, to]: [f64; 2], azimuth_deg: f64) -> bool {
    to - from >= 360.0 || (azimuth_deg - from).rem_euclid(360.0) <= (to - from).rem_euclid(360.0)
}

#[cfg(test)]
mod tests {
    use super::AntennaCoverage;

    #[test]
    fn sectors_go_through_north_and_edges_belong() {
        let coverage = AntennaCoverage {
            azimuth_deg: vec![[350.0, 10.0], [90.0, 100.0]],
            elevation_deg: [2.0, 60.0],
            range_m: [1e3, 5e3],
        };
        for azimuth_deg in [350.0, 0.0, 360.0, 10.0, -5.0, 95.0, 455.0] {
            assert!(coverage.contains(azimuth_deg, 30.0, 2e3), "{azimuth_deg}");
        }
        for azimuth_deg in [349.0, 11.0, 89.0, 101.0, 180.0] {
            assert!(!coverage.contains(azimuth_deg, 30.0, 2e3), "{azimuth_deg}");
        }
        for (elevation_deg, range_m) in [(1.9, 2e3), (60.1, 2e3), (30.0, 999.0), (30.0, 5001.0)] {
            assert!(!coverage.contains(0.0, elevation_deg, range_m), "{elevation_deg} {range_m}");
        }
        let round = AntennaCoverage { azimuth_deg: vec![[0.0, 360.0]], ..AntennaCoverage::default() };
        assert!(round.contains(123.0, 0.0, 1e9) && !round.contains(123.0, -0.1, 1.0));
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let good = AntennaCoverage::default();
        assert_eq!(good.check(), Ok(()));
        for bad in [
            AntennaCoverage { elevation_deg: [10.0, 10.0], ..good.clone() },
            AntennaCoverage { elevation_deg: [f64::NAN, 10.0], ..good.clone() },
            AntennaCoverage { range_m: [-1.0, 10.0], ..good.clone() },
            AntennaCoverage { azimuth_deg: vec![[0.0, f64::NAN]], ..good },
        ] {
            assert!(bad.check().is_err(), "{bad:?}");
        }
    }
}
