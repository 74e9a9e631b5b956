//! The fused picture, category 062: system tracks of the centre.

use crate::asterix::report::{DataSource, expect_category, time};
use crate::asterix::tables::CAT062;
use crate::asterix::wide::{self, Wide};
use crate::asterix::{Error, Record};

/// A foot, m.
const FOOT: f64 = 0.3048;
/// A foot a minute, m/s.
const FOOT_PER_MINUTE: f64 = FOOT / 60.0;

/// A system track at one time.
#[derive(Clone, Debug, PartialEq)]
pub struct SystemTrack {
    /// I062/010: the centre.
    pub source: DataSource,
    /// I062/070, s since midnight UTC.
    pub time_of_day_s: f64,
    /// I062/040; comes back.
    pub number: u16,
    /// I062/105, degrees.
    pub latitude_deg: f64,
    /// I062/105, degrees, positive east.
    pub longitude_deg: f64,
    /// I062/130: height over the ellipsoid, m.
    pub height_m: Option<f64>,
    /// I062/185: velocity east and north, m/s.
    pub velocity_mps: Option<[f64; 2]>,
    /// I062/220: velocity up, m/s.
    pub climb_mps: Option<f64>,
    /// I062/080: the first message of the track, a new object.
    pub is_first: bool,
    /// I062/080: the last one.
    pub is_last: bool,
    /// I062/080: not yet confirmed.
    pub is_tentative: bool,
    /// I062/080: its latest detections are missing.
    pub is_coasting: bool,
    /// I062/080: simulated.
    pub is_simulated: bool,
    /// I062/500: standard deviations east and north, m.
    pub deviation_m: Option<[f64; 2]>,
    /// I062/510: the stations' tracks that made it: the station's unit, and the track's number below 32,768.
    pub contributors: Vec<(u8, u16)>,
}

impl SystemTrack {
    /// The record. Deviations too great for their field are left out, as unknown.
    ///
    /// # Errors
    /// A number is not finite, or no place or time.
    pub fn to_record(&self) -> Result<Record, Error> {
        let mut record = Record::new(CAT062);
        self.source.set(&mut record, "010")?;
        record.set("070", self.time_of_day_s)?;
        record.set("040", self.number)?;
        record.set("105/LAT", self.latitude_deg)?;
        // What rounds up to 180° east is 180° west.
        let step = 180.0 / 33_554_432.0;
        let steps = (self.longitude_deg / step).round() * step;
        record.set("105/LON", (steps + 180.0).rem_euclid(360.0) - 180.0)?;
        // Primary radar only, height of the tracker's own making.
        record.set("080/MON", self.contributors.len() == 1)?;
        record.set("080/CNF", self.is_tentative)?;
        record.set("080/SIM", self.is_simulated)?;
        record.set("080/TSE", self.is_last)?;
        record.set("080/TSB", self.is_first)?;
        if self.is_coasting {
            record.set("080/CST", true)?;
        }
        if let Some(height_m) = self.height_m {
            wide::set(&mut record, &[("130", height_m, FOOT, Wide::Height)])?;
        }
        if let Some([east, north]) = self.velocity_mps {
            wide::set(
                &mut record,
                &[("185/VX", east, 1.0, Wide::East), ("185/VY", north, 1.0, Wide::North)],
            )?;
        }
        if let Some(climb_mps) = self.climb_mps {
            wide::set(&mut record, &[("220", climb_mps, FOOT_PER_MINUTE, Wide::Up)])?;
        }
        if let Some([east, north]) = self.deviation_m {
            let mut trial = record.clone();
            let set = trial.set("500/APC/X", east.max(0.5)).and(trial.set("500/APC/Y", north.max(0.5)));
            if set.is_ok() {
                record = trial;
            }
        }
        for (i, &(unit, number)) in self.contributors.iter().enumerate() {
            record.set(&format!("510/{i}/IDENT"), unit)?;
            record.set(&format!("510/{i}/TRACK"), number)?;
        }
        Ok(record)
    }

    /// The track of a record.
    ///
    /// # Errors
    /// The record is of another category, or source, time, number or place are missing.
    pub fn from_record(record: &Record) -> Result<Self, Error> {
        expect_category(record, 62)?;
        let flag = |name: &str| record.integer(name) == Some(1);
        let pair = |x: Option<f64>, y: Option<f64>| x.zip(y).map(|(x, y)| [x, y]);
        let contributor = |i: usize| {
            let part = |name: &str| record.integer(&format!("510/{i}/{name}"));
            Some((part("IDENT")? as u8, part("TRACK")? as u16))
        };
        let number = record.integer("040").ok_or_else(|| super::report::missing(record, "040"))?;
        Ok(Self {
            source: DataSource::get(record, "010")?,
            time_of_day_s: time(record, "070")?,
            number: number as u16,
            latitude_deg: time(record, "105/LAT")?,
            longitude_deg: time(record, "105/LON")?,
            height_m: wide::get(record, "130", FOOT, Wide::Height),
            velocity_mps: pair(
                wide::get(record, "185/VX", 1.0, Wide::East),
                wide::get(record, "185/VY", 1.0, Wide::North),
            ),
            climb_mps: wide::get(record, "220", FOOT_PER_MINUTE, Wide::Up),
            is_first: flag("080/TSB"),
            is_last: flag("080/TSE"),
            is_tentative: flag("080/CNF"),
            is_coasting: flag("080/CST"),
            is_simulated: flag("080/SIM"),
            deviation_m: pair(record.quantity("500/APC/X"), record.quantity("500/APC/Y")),
            contributors: (0..record.count("510")).filter_map(contributor).collect(),
        })
    }
}
