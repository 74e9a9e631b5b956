//! Target reports, category 015: detections and tracks of a station.
//!
//! Ranges of a multi-static report are the path from transmitter over target to receiver less the baseline, and its
//! Doppler velocity is their rate; of a monostatic one range and range rate. Both are positive where the target
//! recedes. Rangegate's own range is half the path: [`Station`] holds what turns the one into the other.

use crate::asterix::covariance;
use crate::asterix::state::GeodeticState;
use crate::asterix::tables::CAT015;
use crate::asterix::time::{time_of_day_s, timestamp};
use crate::asterix::wide::{self, Wide};
use crate::asterix::{Error, Record};
use rangegate_core::{Detection, Timestamp};
use rangegate_tracking::{Accuracy, Geodetic, Measurement, Space, TrackState};

/// System area code and system identification code: who a report is from. They are configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct DataSource {
    /// System area code.
    pub sac: u8,
    /// System identification code.
    pub sic: u8,
}

impl DataSource {
    pub(crate) fn set(self, record: &mut Record, item: &str) -> Result<(), Error> {
        record.set(&format!("{item}/SAC"), self.sac)?;
        record.set(&format!("{item}/SIC"), self.sic)
    }

    pub(crate) fn get(record: &Record, item: &str) -> Result<Self, Error> {
        let part = |name: &str| record.integer(&format!("{item}/{name}")).and_then(|n| u8::try_from(n).ok());
        match (part("SAC"), part("SIC")) {
            (Some(sac), Some(sic)) => Ok(Self { sac, sic }),
            _ => Err(missing(record, item)),
        }
    }
}

pub(crate) fn missing(record: &Record, item: &str) -> Error {
    Error::new("nothing", "a value").within(item).in_category(record.category().number)
}

pub(crate) fn time(record: &Record, item: &str) -> Result<f64, Error> {
    record.quantity(item).ok_or_else(|| missing(record, item))
}

pub(crate) fn expect_category(record: &Record, number: u8) -> Result<(), Error> {
    if record.category().number == number {
        return Ok(());
    }
    Err(Error::new(format!("category {:03}", record.category().number), format!("category {number:03}")))
}

/// What a station's reports have in common.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Station {
    /// Who it is.
    pub source: DataSource,
    /// Number of the pair of transmitter and receiver, as category 016 has it.
    pub pair: u16,
    /// From transmitter to receiver, m; `None` for a monostatic radar.
    pub baseline_m: Option<f64>,
    /// Standard deviations of its detections.
    pub accuracy: Option<Accuracy>,
    /// Origin of its tracks' space, where that is a plane or local.
    pub origin: Option<Geodetic>,
    /// What it sees is simulated or replayed.
    pub is_simulated: bool,
}

impl Station {
    /// Metres of the report's range for each metre of half the path, and what is taken off.
    fn scale(&self) -> (f64, f64) {
        self.baseline_m.map_or((1.0, 0.0), |baseline_m| (2.0, baseline_m))
    }
}

/// I015/000.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One pair's detection.
    MeasurementPlot = 1,
    /// One pair's track, in range and Doppler.
    MeasurementTrack = 2,
    /// A detection with a place.
    SensorPlot = 3,
    /// A track with a place.
    SensorTrack = 4,
    /// The track of this number is no more.
    TrackEnd = 5,
}

/// I015/400: a measurement, by which reports name what made them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct MeasurementId {
    /// Pair of transmitter and receiver.
    pub pair: u16,
    /// Number of the observation, below 2²⁴; comes back.
    pub observation: u32,
}

impl MeasurementId {
    /// That of a station's detection; of its number the lowest 24 bits.
    pub fn new(pair: u16, number: u64) -> Self {
        Self { pair, observation: (number & 0xff_ffff) as u32 }
    }
}

/// A number and its standard deviation, where that is known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The number.
    pub value: f64,
    /// Its standard deviation.
    pub deviation: Option<f64>,
}

impl Estimate {
    fn scaled(value: f64, deviation: Option<f64>, scale: f64, offset: f64) -> Self {
        Self { value: value * scale - offset, deviation: deviation.map(|of| of * scale) }
    }
}

/// One target report.
#[derive(Clone, Debug, PartialEq)]
pub struct TargetReport {
    /// I015/010.
    pub source: DataSource,
    /// I015/000.
    pub kind: Kind,
    /// I015/020: range and Doppler are those of a path.
    pub is_multistatic: bool,
    /// I015/020: simulated or replayed.
    pub is_simulated: bool,
    /// I015/145, s since midnight UTC.
    pub time_of_day_s: f64,
    /// I015/161: number of the track; comes back.
    pub number: Option<u16>,
    /// I015/170: the track's latest detections are missing.
    pub is_coasting: bool,
    /// I015/400: the measurement itself.
    pub measurement: Option<MeasurementId>,
    /// I015/480: the measurements that made it, 255 at most.
    pub associations: Vec<MeasurementId>,
    /// I015/625: range, or path less baseline, m.
    pub range_m: Option<Estimate>,
    /// I015/625: its rate as a track has it, m/s.
    pub range_rate_mps: Option<Estimate>,
    /// I015/625: correlation of the two.
    pub range_correlation: Option<f64>,
    /// I015/626: its rate as Doppler shows it, m/s.
    pub doppler_mps: Option<Estimate>,
    /// I015/627, degrees clockwise from north.
    pub azimuth_deg: Option<Estimate>,
    /// I015/628, degrees over the horizon.
    pub elevation_deg: Option<Estimate>,
    /// I015/600 to 604.
    pub state: Option<GeodeticState>,
    /// I015/630: signal to noise, dB.
    pub snr_db: Option<f64>,
    /// I015/630: power of the echo, dB against full scale.
    pub power_db: Option<f64>,
}

impl TargetReport {
    /// A report of a station at a time that says nothing yet.
    pub fn new(station: &Station, kind: Kind, time: Timestamp) -> Self {
        Self {
            source: station.source,
            kind,
            is_multistatic: station.baseline_m.is_some(),
            is_simulated: station.is_simulated,
            time_of_day_s: time_of_day_s(time),
            number: None,
            is_coasting: false,
            measurement: None,
            associations: Vec::new(),
            range_m: None,
            range_rate_mps: None,
            range_correlation: None,
            doppler_mps: None,
            azimuth_deg: None,
            elevation_deg: None,
            state: None,
            snr_db: None,
            power_db: None,
        }
    }

    /// A measurement plot of a detection; `number` is its own, as tracks name it.
    ///
    /// # Errors
    /// The detection has no time.
    pub fn from_detection(detection: &Detection, number: u64, station: &Station) -> Result<Self, Error> {
        let Some(time) = detection.time else {
            return Err(Error::new("no time", "a detection with its time").within("145").in_category(15));
        };
        let (scale, offset) = station.scale();
        let deviation = |of: fn(&Accuracy) -> f64| station.accuracy.as_ref().map(of);
        let angle = |value| Estimate { value, deviation: deviation(|of| of.azimuth_deg) };
        let range = |value| Estimate::scaled(value, deviation(|of| of.range_m), scale, offset);
        let rate = |value| Estimate::scaled(value, deviation(|of| of.range_rate_mps), scale, 0.0);
        Ok(Self {
            measurement: Some(MeasurementId::new(station.pair, number)),
            range_m: detection.range_m.map(range),
            doppler_mps: detection.velocity_mps.map(rate),
            azimuth_deg: detection.azimuth_deg.map(angle),
            snr_db: Some(detection.snr_db),
            power_db: Some(detection.power_db),
            ..Self::new(station, Kind::MeasurementPlot, time)
        })
    }

    /// A report of a track: with a place a sensor track, else a measurement track.
    pub fn from_track(track: &TrackState, time: Timestamp, station: &Station) -> Self {
        let (scale, offset) = station.scale();
        let state = GeodeticState::of_track(track, station.origin.as_ref());
        let kind = if state.is_some() { Kind::SensorTrack } else { Kind::MeasurementTrack };
        // Deviations of range and rate are known where these are the state itself.
        let at = |i: usize, j: usize| {
            track.covariance.get(i)?.get(j).copied().filter(|_| track.space == Space::Range)
        };
        let deviation = |i| at(i, i).map(f64::sqrt);
        Self {
            number: Some((track.track & 0xffff) as u16),
            is_coasting: track.coasting,
            associations: track.detections.iter().map(|&n| MeasurementId::new(station.pair, n)).collect(),
            range_m: Some(Estimate::scaled(track.range_m, deviation(0), scale, offset)),
            range_rate_mps: Some(Estimate::scaled(track.range_rate_mps, deviation(1), scale, 0.0)),
            range_correlation: at(0, 1)
                .zip(deviation(0))
                .zip(deviation(1))
                .map(|((both, r), rate)| both / (r * rate)),
            azimuth_deg: track.azimuth_deg.map(|value| Estimate { value, deviation: None }),
            elevation_deg: track.elevation_deg.map(|value| Estimate { value, deviation: None }),
            state,
            ..Self::new(station, kind, time)
        }
    }

    /// The detection that it reports. What ASTERIX does not carry (CPI, sample, template, Doppler in hertz) is null,
    /// zero or empty; `near` gives the date.
    pub fn detection(&self, station: &Station, near: Timestamp) -> Detection {
        let (scale, offset) = station.scale();
        Detection {
            cpi: None,
            sample: 0,
            sample_fraction: 0.0,
            time: Some(timestamp(self.time_of_day_s, near)),
            channel: 0,
            template: "".into(),
            delay_s: None,
            range_m: self.range_m.map(|of| (of.value + offset) / scale),
            doppler_hz: None,
            velocity_mps: self.doppler_mps.map(|of| of.value / scale),
            azimuth_deg: self.azimuth_deg.map(|of| of.value),
            snr_db: self.snr_db.unwrap_or(0.0),
            power_db: self.power_db.unwrap_or(0.0),
            after_gap: false,
        }
    }

    /// The measurement for a tracker; its number is that of the observation.
    pub fn measurement(&self, station: &Station) -> Measurement {
        let (scale, offset) = station.scale();
        let usual = station.accuracy.unwrap_or_default();
        let rate = self.doppler_mps.or(self.range_rate_mps);
        let deviation = |of: Option<Estimate>, scale: f64, usual: f64| {
            of.and_then(|of| of.deviation).map_or(usual, |deviation| deviation / scale)
        };
        Measurement {
            id: self.measurement.map_or(0, |id| id.observation.into()),
            range_m: self.range_m.map(|of| (of.value + offset) / scale),
            range_rate_mps: rate.map(|of| of.value / scale),
            azimuth_deg: self.azimuth_deg.map(|of| of.value),
            elevation_deg: self.elevation_deg.map(|of| of.value),
            snr_db: self.snr_db.unwrap_or(0.0),
            accuracy: Some(Accuracy {
                range_m: deviation(self.range_m, scale, usual.range_m),
                range_rate_mps: deviation(rate, scale, usual.range_rate_mps),
                azimuth_deg: deviation(self.azimuth_deg, 1.0, usual.azimuth_deg),
                elevation_deg: deviation(self.elevation_deg, 1.0, usual.elevation_deg),
            }),
        }
    }

    /// The record. Deviations are rounded to the nearest step, but to one at least; those too great for their field
    /// are left out, as unknown. Powers end where their fields end.
    ///
    /// # Errors
    /// A number is not finite, or no place, time or angle.
    pub fn to_record(&self) -> Result<Record, Error> {
        let mut record = Record::new(CAT015);
        self.source.set(&mut record, "010")?;
        record.set("000/MT", self.kind as u8)?;
        record.set("020/MOMU", self.is_multistatic)?;
        record.set("020/TTAX", if self.is_simulated { 3_u8 } else { 0 })?;
        record.set("145", self.time_of_day_s)?;
        if let Some(number) = self.number {
            record.set("161", number)?;
            record.set("170/CSTP", self.is_coasting)?;
            record.set(
                "170/CSTH",
                self.is_coasting && self.state.as_ref().is_some_and(|of| of.height_m.is_some()),
            )?;
        }
        if let Some(id) = self.measurement {
            record.set("400/PID", id.pair)?;
            record.set("400/ON", id.observation)?;
        }
        for (i, id) in self.associations.iter().take(255).enumerate() {
            record.set(&format!("480/{i}"), format!("{:04X}{:06X}", id.pair, id.observation).as_str())?;
        }
        self.set_range(&mut record)?;
        self.set_angles(&mut record)?;
        if let Some(state) = &self.state {
            covariance::set_state(&mut record, state)?;
        }
        if let Some(power_db) = self.power_db {
            record.set("630/RPP/RPP", power_db.clamp(-256.0, 255.0))?;
        }
        if let Some(snr_db) = self.snr_db {
            record.set("630/RPS", snr_db.clamp(-128.0, 127.0))?;
        }
        Ok(record)
    }

    fn set_range(&self, record: &mut Record) -> Result<(), Error> {
        if let Some(range) = self.range_m {
            wide::set(record, &[("625/R", range.value, 1.0, Wide::Range)])?;
            covariance::set_deviation(record, "625/SDR", range.deviation, 0.1);
        }
        if let Some(rate) = self.range_rate_mps {
            record.set("625/RR", rate.value)?;
            // Deviation and correlation are one part.
            if covariance::set_deviation(record, "625/SDRR/SDRR", rate.deviation, 0.1) {
                covariance::set_correlation(record, "625/SDRR/CORRR", self.range_correlation.unwrap_or(0.0))?;
            }
        }
        if let Some(doppler) = self.doppler_mps {
            record.set("626/DV", doppler.value)?;
            covariance::set_deviation(record, "626/SDDV", doppler.deviation, 1.0 / 64.0);
        }
        Ok(())
    }

    fn set_angles(&self, record: &mut Record) -> Result<(), Error> {
        let step = 45.0 / 65536.0;
        if let Some(azimuth) = self.azimuth_deg {
            // What rounds up to 360° is north.
            let steps = (azimuth.value.rem_euclid(360.0) * 65536.0 / 360.0).round() % 65536.0;
            record.set("627/AZ", steps * 360.0 / 65536.0)?;
            covariance::set_deviation(record, "627/SDASZ", azimuth.deviation, step);
        }
        if let Some(elevation) = self.elevation_deg {
            // The zenith itself is one step above the field's end.
            record.set("628/EL", elevation.value.min(90.0 - 180.0 / 65536.0))?;
            covariance::set_deviation(record, "628/SDEL", elevation.deviation, step);
        }
        Ok(())
    }

    /// The report of a record.
    ///
    /// # Errors
    /// The record is of another category, its kind is none that the edition has, or source or time are missing.
    pub fn from_record(record: &Record) -> Result<Self, Error> {
        expect_category(record, 15)?;
        let kind = match record.integer("000/MT") {
            Some(1) => Kind::MeasurementPlot,
            Some(2) => Kind::MeasurementTrack,
            Some(3) => Kind::SensorPlot,
            Some(4) => Kind::SensorTrack,
            Some(5) => Kind::TrackEnd,
            Some(n) => return Err(Error::new(n.to_string(), "1 to 5").within("000/MT").in_category(15)),
            None => return Err(missing(record, "000")),
        };
        let estimate = |value: Option<f64>, deviation: &str| {
            value.map(|value| Estimate { value, deviation: record.quantity(deviation) })
        };
        let quantity = |path: &str| record.quantity(path);
        let association = |i: usize| match record.get(&format!("480/{i}")) {
            Some(crate::asterix::Typed::Text(text)) => {
                let word = u64::from_str_radix(&text, 16).ok()?;
                Some(MeasurementId::new((word >> 24) as u16, word))
            }
            _ => None,
        };
        Ok(Self {
            source: DataSource::get(record, "010")?,
            kind,
            is_multistatic: record.integer("020/MOMU") == Some(1),
            is_simulated: record.integer("020/TTAX") == Some(3),
            time_of_day_s: time(record, "145")?,
            number: record.integer("161").map(|n| n as u16),
            is_coasting: record.integer("170/CSTP") == Some(1),
            measurement: record
                .integer("400/PID")
                .zip(record.integer("400/ON"))
                .map(|(pair, number)| MeasurementId::new(pair as u16, number)),
            associations: (0..record.count("480")).filter_map(association).collect(),
            range_m: estimate(wide::get(record, "625/R", 1.0, Wide::Range), "625/SDR"),
            range_rate_mps: estimate(quantity("625/RR"), "625/SDRR/SDRR"),
            range_correlation: quantity("625/SDRR/CORRR"),
            doppler_mps: estimate(quantity("626/DV"), "626/SDDV"),
            azimuth_deg: estimate(quantity("627/AZ"), "627/SDASZ"),
            elevation_deg: estimate(quantity("628/EL"), "628/SDEL"),
            state: covariance::state(record),
            snr_db: quantity("630/RPS"),
            power_db: quantity("630/RPP/RPP"),
        })
    }
}
