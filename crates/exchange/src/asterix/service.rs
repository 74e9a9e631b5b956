//! What is said about stations: where they stand (category 016), how they are (063), which editions are in use (247).

use crate::asterix::report::{DataSource, expect_category, missing, time};
use crate::asterix::tables::{CAT016, CAT063, CAT247, CATEGORIES, category};
use crate::asterix::{Error, Record};
use rangegate_tracking::Geodetic;

/// Where the transmitters and receivers of a station stand, and which pairs of them measure. Without it bistatic
/// reports mean nothing: it is sent at the start, on change, and every period.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SiteReport {
    /// I016/010.
    pub source: DataSource,
    /// I016/140, s since midnight UTC.
    pub time_of_day_s: f64,
    /// I016/200: how often it is sent, s.
    pub period_s: u8,
    /// I016/300: number of the pair, its transmitter, its receiver.
    pub pairs: Vec<(u16, u16, u16)>,
    /// I016/410: number and place.
    pub transmitters: Vec<(u16, Geodetic)>,
    /// I016/420: number and place.
    pub receivers: Vec<(u16, Geodetic)>,
}

/// Fields of a place in categories 016; the last of the item before it.
fn set_place(record: &mut Record, path: &str, place: &Geodetic) -> Result<(), Error> {
    record.set(&format!("{path}/LAT"), place.latitude_deg)?;
    let step = 180.0 / 2_147_483_648.0;
    let steps = (place.longitude_deg / step).round() * step;
    record.set(&format!("{path}/LON"), (steps + 180.0).rem_euclid(360.0) - 180.0)?;
    record.set(&format!("{path}/ALT"), place.height_m)
}

fn place(record: &Record, path: &str) -> Option<Geodetic> {
    let part = |name: &str| record.quantity(&format!("{path}/{name}"));
    Some(Geodetic { latitude_deg: part("LAT")?, longitude_deg: part("LON")?, height_m: part("ALT")? })
}

impl SiteReport {
    /// The record.
    ///
    /// # Errors
    /// A place is none, or higher than 8 km.
    pub fn to_record(&self) -> Result<Record, Error> {
        let mut record = Record::new(CAT016);
        self.source.set(&mut record, "010")?;
        record.set("000", 2_u8)?;
        record.set("140", self.time_of_day_s)?;
        record.set("200", f64::from(self.period_s))?;
        for (i, &(pair, transmitter, receiver)) in self.pairs.iter().enumerate() {
            record.set(&format!("300/{i}/PID"), pair)?;
            record.set(&format!("300/{i}/TID"), transmitter)?;
            record.set(&format!("300/{i}/RID"), receiver)?;
        }
        for (i, (number, place)) in self.transmitters.iter().enumerate() {
            record.set(&format!("410/{i}/TID"), *number)?;
            set_place(&mut record, &format!("410/{i}"), place)?;
        }
        for (i, (number, place)) in self.receivers.iter().enumerate() {
            record.set(&format!("420/{i}/RID"), *number)?;
            set_place(&mut record, &format!("420/{i}"), place)?;
        }
        Ok(record)
    }

    /// The report of a record.
    ///
    /// # Errors
    /// The record is of another category, or source or time are missing.
    pub fn from_record(record: &Record) -> Result<Self, Error> {
        expect_category(record, 16)?;
        let number = |path: String| record.integer(&path).map(|n| n as u16);
        let pair = |i| {
            Some((
                number(format!("300/{i}/PID"))?,
                number(format!("300/{i}/TID"))?,
                number(format!("300/{i}/RID"))?,
            ))
        };
        let placed = |item: &str, name: &str| {
            let one =
                |i| Some((number(format!("{item}/{i}/{name}"))?, place(record, &format!("{item}/{i}"))?));
            (0..record.count(item)).filter_map(one).collect()
        };
        Ok(Self {
            source: DataSource::get(record, "010")?,
            time_of_day_s: time(record, "140")?,
            period_s: record.quantity("200").unwrap_or(0.0) as u8,
            pairs: (0..record.count("300")).filter_map(pair).collect(),
            transmitters: placed("410", "TID"),
            receivers: placed("420", "RID"),
        })
    }
}

/// I063/060/CON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Condition {
    /// In order.
    #[default]
    Operational = 0,
    /// Some of it fails.
    Degraded = 1,
    /// It starts.
    Initialising = 2,
    /// Nothing is heard of it.
    NotConnected = 3,
}

/// How a station is, as the centre says it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StationStatus {
    /// I063/010: who says it.
    pub source: DataSource,
    /// I063/050: of whom.
    pub station: DataSource,
    /// I063/030, s since midnight UTC.
    pub time_of_day_s: f64,
    /// I063/060.
    pub condition: Condition,
    /// I063/060: its data processor loses samples.
    pub is_overloaded: bool,
    /// I063/060: its clock follows no source.
    pub is_time_invalid: bool,
    /// I063/060: it detects nothing.
    pub is_silent: bool,
    /// I063/070: its clock less true time, s; whole milliseconds.
    pub time_bias_s: Option<f64>,
    /// I063/090: its ranges less true ones, m; steps of 14.5 m.
    pub range_bias_m: Option<f64>,
    /// I063/091: its azimuths less true ones, degrees.
    pub azimuth_bias_deg: Option<f64>,
}

/// A nautical mile, m.
pub(crate) const NAUTICAL_MILE: f64 = 1852.0;

impl StationStatus {
    /// The record.
    ///
    /// # Errors
    /// A bias does not fit its field.
    pub fn to_record(&self) -> Result<Record, Error> {
        let mut record = Record::new(CAT063);
        self.source.set(&mut record, "010")?;
        record.set("030", self.time_of_day_s)?;
        self.station.set(&mut record, "050")?;
        record.set("060/CON", self.condition as u8)?;
        record.set("060/ODP", self.is_overloaded)?;
        record.set("060/TSV", self.is_time_invalid)?;
        record.set("060/NPW", self.is_silent)?;
        if let Some(bias_s) = self.time_bias_s {
            record.set("070", bias_s * 1e3)?;
        }
        if let Some(bias_m) = self.range_bias_m {
            record.set("090/PRB", bias_m / NAUTICAL_MILE)?;
        }
        if let Some(bias_deg) = self.azimuth_bias_deg {
            record.set("091", bias_deg)?;
        }
        Ok(record)
    }

    /// The status of a record.
    ///
    /// # Errors
    /// The record is of another category, or one of source, station, time and condition is missing.
    pub fn from_record(record: &Record) -> Result<Self, Error> {
        expect_category(record, 63)?;
        let flag = |name: &str| record.integer(name) == Some(1);
        Ok(Self {
            source: DataSource::get(record, "010")?,
            station: DataSource::get(record, "050")?,
            time_of_day_s: time(record, "030")?,
            condition: match record.integer("060/CON") {
                Some(0) => Condition::Operational,
                Some(1) => Condition::Degraded,
                Some(2) => Condition::Initialising,
                Some(_) => Condition::NotConnected,
                None => return Err(missing(record, "060")),
            },
            is_overloaded: flag("060/ODP"),
            is_time_invalid: flag("060/TSV"),
            is_silent: flag("060/NPW"),
            time_bias_s: record.quantity("070").map(|ms| ms / 1e3),
            range_bias_m: record.quantity("090/PRB").map(|miles| miles * NAUTICAL_MILE),
            azimuth_bias_deg: record.quantity("091"),
        })
    }
}

/// The editions that this crate speaks: the first record on each connection.
///
/// # Errors
/// The time is none of a day.
pub fn editions(source: DataSource, time_of_day_s: f64) -> Result<Record, Error> {
    let mut record = Record::new(CAT247);
    source.set(&mut record, "010")?;
    record.set("140", time_of_day_s)?;
    for (i, category) in CATEGORIES.iter().enumerate() {
        let (main, sub) = version(category.edition);
        record.set(&format!("550/{i}/CAT"), category.number)?;
        record.set(&format!("550/{i}/MAIN"), main)?;
        record.set(&format!("550/{i}/SUB"), sub)?;
    }
    Ok(record)
}

/// Whether the editions of a category 247 record are those of this crate; categories that it has not do not matter.
///
/// # Errors
/// The record is of another category, or names another edition.
pub fn check_editions(record: &Record) -> Result<(), Error> {
    expect_category(record, 247)?;
    for i in 0..record.count("550") {
        let part = |name: &str| record.integer(&format!("550/{i}/{name}")).unwrap_or(0);
        let known = u8::try_from(part("CAT")).ok().and_then(category);
        let found = format!("{}.{}", part("MAIN"), part("SUB"));
        if let Some(known) = known.filter(|known| known.edition != found) {
            let category = format!("category {:03}", known.number);
            return Err(Error::new(
                format!("{category} of edition {found}"),
                format!("edition {}", known.edition),
            )
            .within(&format!("550/{i}"))
            .in_category(247));
        }
    }
    Ok(())
}

fn version(edition: &str) -> (u8, u8) {
    let (main, sub) = edition.split_once('.').unwrap_or((edition, "0"));
    (main.parse().unwrap_or(0), sub.parse().unwrap_or(0))
}
