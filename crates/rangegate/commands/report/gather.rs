//! One look at all rows of an archive, an hour at a time, in order of time.

use super::figures::{Map, MapKind};
use super::reference::Reference;
use anyhow::Result;
use rangegate_analysis::histogram::{Axis, Plane};
use rangegate_analysis::interference::{Seen, Survey};
use rangegate_analysis::notable::Extent;
use rangegate_analysis::spans::Steps;
use rangegate_archive::row::{ns_from_time, time_from_ns};
use rangegate_archive::{DetectionRow, Filter, Reader, Station, TrackRow};
use rangegate_coverage::measured::Interval;
use rangegate_tracking::Geodetic;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

/// What is known of a station's rows.
pub struct Tally {
    pub detections_by_step: Vec<u64>,
    pub tracks_by_step: Vec<u64>,
    pub detections: u64,
    pub undated: u64,
    pub survey: Survey,
    range_time: Plane<u64>,
    range_azimuth: Plane<u64>,
    range_doppler: Plane<u64>,
    places: Plane<u64>,
    /// Tracks of the step that is on.
    current: (usize, BTreeSet<(i64, i64)>),
}

/// Cells of the maps.
const RANGES: usize = 128;
const AZIMUTHS: usize = 72;
const DOPPLERS: usize = 128;
const PLACES: usize = 128;

impl Tally {
    fn new(steps: Steps) -> Self {
        let ranges = || Axis::growing(0.0, 0.5, RANGES);
        let whole_s = steps.step_ns as f64 * 1e-9 * steps.n as f64;
        let degrees = |middle: f64| Axis::growing(middle - 1e-3 * PLACES as f64 / 2.0, 1e-3, PLACES);
        Self {
            detections_by_step: vec![0; steps.n],
            tracks_by_step: vec![0; steps.n],
            detections: 0,
            undated: 0,
            survey: Survey::new(steps),
            range_time: Plane::new(Axis::fixed(0.0, whole_s, steps.n), ranges()),
            range_azimuth: Plane::new(Axis::fixed(0.0, 360.0, AZIMUTHS), ranges()),
            range_doppler: Plane::new(Axis::growing(-0.5 * DOPPLERS as f64, 1.0, DOPPLERS), ranges()),
            places: Plane::new(degrees(0.0), degrees(0.0)),
            current: (0, BTreeSet::new()),
        }
    }

    fn detection(&mut self, steps: &Steps, row: &DetectionRow, time_ns: Option<i64>) {
        let d = &row.detection;
        self.detections += 1;
        self.undated += u64::from(time_ns.is_none());
        let step = time_ns.and_then(|time| steps.of(time));
        if let Some(at) = step {
            self.detections_by_step[at] += 1;
        }
        self.survey.detection(&Seen {
            time_ns,
            cpi: d.cpi.map(|cpi| (row.run, cpi)),
            range_m: d.range_m,
            doppler_hz: d.doppler_hz.or(d.velocity_mps),
            snr_db: d.snr_db,
            power_db: d.power_db,
        });
        let Some(range_m) = d.range_m else { return };
        if let Some(time_ns) = time_ns {
            count(&mut self.range_time, (time_ns - steps.from_ns) as f64 * 1e-9, range_m);
        }
        if let Some(azimuth) = d.azimuth_deg {
            count(&mut self.range_azimuth, azimuth.rem_euclid(360.0), range_m);
        }
        if let Some(shift) = d.doppler_hz.or(d.velocity_mps) {
            count(&mut self.range_doppler, shift, range_m);
        }
    }

    fn track(&mut self, steps: &Steps, row: &TrackRow, time_ns: i64) {
        if let Some(at) = steps.of(time_ns) {
            if at != self.current.0 {
                self.end_step();
                self.current.0 = at;
            }
            self.current.1.insert((row.run, row.state.track));
        }
        if let Some(place) = place(row) {
            if self.places.cells.iter().all(|cell| *cell == 0) {
                // The first place is the middle.
                let around = |at: f64| Axis::growing(at - 1e-3 * PLACES as f64 / 2.0, 1e-3, PLACES);
                self.places = Plane::new(around(place.longitude_deg), around(place.latitude_deg));
            }
            count(&mut self.places, place.longitude_deg, place.latitude_deg);
        }
    }

    fn end_step(&mut self) {
        let (at, tracks) = &mut self.current;
        if let Some(sum) = self.tracks_by_step.get_mut(*at) {
            *sum += tracks.len() as u64;
        }
        tracks.clear();
    }

    /// The maps that have anything.
    pub fn maps(&self) -> Vec<Map> {
        let planes = [
            (MapKind::RangeTime, &self.range_time),
            (MapKind::RangeAzimuth, &self.range_azimuth),
            (MapKind::RangeDoppler, &self.range_doppler),
            (MapKind::Places, &self.places),
        ];
        planes.into_iter().filter_map(|(kind, plane)| Map::of(kind, plane)).collect()
    }
}

fn count(plane: &mut Plane<u64>, x: f64, y: f64) {
    if let Some(cell) = plane.at(x, y) {
        *cell += 1;
    }
}

/// Where a track is, if its line says so.
pub fn place(row: &TrackRow) -> Option<Geodetic> {
    let place = row.state.position?;
    let (latitude_deg, longitude_deg) = (place.latitude_deg?, place.longitude_deg?);
    let is_place = latitude_deg.abs() <= 90.0 && longitude_deg.abs() <= 360.0;
    let height_m = place.height_m.unwrap_or(0.0);
    (is_place && height_m.is_finite()).then_some(Geodetic { latitude_deg, longitude_deg, height_m })
}

/// A track's name in an archive: number of the station, run, number.
pub type TrackKey = (usize, i64, i64);

/// A track in a few numbers, and where it was a while ago.
#[derive(Clone, Copy, Debug, Default)]
pub struct Followed {
    pub extent: Extent,
    before: Option<(i64, Geodetic)>,
}

/// Speeds are those over so long, ns.
const SPEED_OVER_NS: i64 = 5_000_000_000;

impl Followed {
    fn add(&mut self, time_ns: i64, row: &TrackRow) {
        let here = place(row);
        let mut speed = row.state.range_rate_mps.filter(|_| here.is_none());
        if let Some(here) = here {
            match self.before {
                Some((then_ns, there)) if time_ns - then_ns >= SPEED_OVER_NS => {
                    speed =
                        Some((here.ecef_m() - there.ecef_m()).norm() / ((time_ns - then_ns) as f64 * 1e-9));
                    self.before = Some((time_ns, here));
                }
                None => self.before = Some((time_ns, here)),
                _ => {}
            }
        }
        let height = row.state.position.and_then(|place| place.height_m);
        self.extent.add(time_ns, speed, height);
    }
}

/// What all rows came to.
pub struct Gathered {
    pub tallies: Vec<Tally>,
    pub tracks: BTreeMap<TrackKey, Followed>,
    /// Tracks for which there was no room.
    pub not_followed: u64,
}

/// Tracks that are remembered.
const TRACKS_MAX: usize = 1_000_000;
/// Rows that are read at a time are those of so long, ns.
const CHUNK_NS: i64 = 3_600_000_000_000;

/// Reads all rows of a window.
pub fn gather(
    reader: &Reader,
    stations: &[Station],
    window: Option<Interval>,
    is_bounded: bool,
    steps: Steps,
    references: &mut [Reference<'_>],
    progress: &indicatif::ProgressBar,
) -> Result<Gathered> {
    let number: BTreeMap<&str, usize> =
        stations.iter().enumerate().map(|(at, name)| (&**name.name(), at)).collect();
    let mut gathered = Gathered {
        tallies: stations.iter().map(|_| Tally::new(steps)).collect(),
        tracks: BTreeMap::new(),
        not_followed: 0,
    };
    if !is_bounded {
        // Those without a time come first.
        reader.detections(&Filter::default(), &mut |row| {
            if row.detection.time.is_some() {
                return ControlFlow::Break(());
            }
            if let Some(&at) = number.get(&**row.station.name()) {
                gathered.tallies[at].detection(&steps, &row, None);
            }
            ControlFlow::Continue(())
        })?;
    }
    let Some([from_ns, to_ns]) = window else { return Ok(gathered) };
    let margin_ns = references.iter().map(|reference| reference.margin_ns()).max().unwrap_or(0);
    let chunk_ns = CHUNK_NS.max(to_ns.saturating_sub(from_ns) / 2_000);
    let mut begin_ns = from_ns;
    let mut expected_ns = from_ns;
    while begin_ns < to_ns {
        let end_ns = begin_ns.saturating_add(chunk_ns).min(to_ns);
        // Targets of a look are known before its detections come.
        let ahead_ns = if end_ns == to_ns { to_ns } else { end_ns.saturating_add(margin_ns).min(to_ns) };
        let filter = between(expected_ns, ahead_ns);
        reader.tracks(&filter, &mut |row| {
            let (Some(&at), Some(time_ns)) = (number.get(&**row.station.name()), row.time_ns) else {
                return ControlFlow::Continue(());
            };
            gathered.tallies[at].track(&steps, &row, time_ns);
            let key = (at, row.run, row.state.track);
            if gathered.tracks.len() < TRACKS_MAX || gathered.tracks.contains_key(&key) {
                gathered.tracks.entry(key).or_default().add(time_ns, &row);
            } else {
                gathered.not_followed += 1;
            }
            references.iter_mut().for_each(|reference| reference.track(at, time_ns, &row));
            ControlFlow::Continue(())
        })?;
        for reference in references.iter_mut() {
            reference.truth(expected_ns, ahead_ns);
            reference.own_tracks(end_ns);
        }
        expected_ns = ahead_ns;
        reader.detections(&between(begin_ns, end_ns), &mut |row| {
            let time_ns = row.detection.time.and_then(ns_from_time);
            if let (Some(&at), Some(time_ns)) = (number.get(&**row.station.name()), time_ns) {
                gathered.tallies[at].detection(&steps, &row, Some(time_ns));
                references.iter_mut().for_each(|reference| reference.detection(at, time_ns, &row.detection));
            }
            ControlFlow::Continue(())
        })?;
        begin_ns = end_ns;
        progress.set_position(((begin_ns - from_ns) / 1_000_000_000) as u64);
    }
    gathered.tallies.iter_mut().for_each(Tally::end_step);
    Ok(gathered)
}

fn between(from_ns: i64, to_ns: i64) -> Filter {
    Filter { from: Some(time_from_ns(from_ns)), to: Some(time_from_ns(to_ns)), ..Filter::default() }
}
