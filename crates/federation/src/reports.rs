//! Between ASTERIX and what fusion, archive and contract know.

use crate::message::{Heard, Kind};
use crate::site::SiteConfig;
use crate::{Error, Result};
use rangegate_core::Timestamp;
use rangegate_exchange::asterix::fused::SystemTrack;
use rangegate_exchange::asterix::report::{Kind as Report, TargetReport};
use rangegate_exchange::asterix::time::time_of_day_s;
use rangegate_fusion::{DetectionReport, FusedTrack, ScanEnd, TrackReport};
use rangegate_tracking::{Geodetic, Measurement};

/// A report for fusion.
#[derive(Clone, Debug)]
pub enum ForFusion {
    /// A detection.
    Detection(DetectionReport),
    /// A track.
    Track(Box<TrackReport>),
    /// The end of a scan.
    ScanEnd(ScanEnd),
}

/// A plot of a measurement; `number` is that of the detection, as tracks name it.
pub fn plot(site: &SiteConfig, time: Timestamp, number: u64, measurement: &Measurement) -> TargetReport {
    use rangegate_exchange::asterix::report::{Estimate, MeasurementId};
    let station = site.reporting();
    let (scale, offset) = station.baseline_m.map_or((1.0, 0.0), |baseline_m| (2.0, baseline_m));
    let accuracy = measurement.accuracy.unwrap_or(site.accuracy);
    let estimate = |value: Option<f64>, deviation: f64| {
        value.map(|value| Estimate { value, deviation: Some(deviation) })
    };
    let scaled = |value: Option<f64>, offset: f64| value.map(|value| value * scale - offset);
    TargetReport {
        measurement: Some(MeasurementId::new(station.pair, number)),
        range_m: estimate(scaled(measurement.range_m, offset), accuracy.range_m * scale),
        doppler_mps: estimate(scaled(measurement.range_rate_mps, 0.0), accuracy.range_rate_mps * scale),
        azimuth_deg: estimate(measurement.azimuth_deg, accuracy.azimuth_deg),
        elevation_deg: estimate(measurement.elevation_deg, accuracy.elevation_deg),
        snr_db: Some(measurement.snr_db),
        ..TargetReport::new(&station, Report::MeasurementPlot, time)
    }
}

/// The target reports of a message of detections or tracks.
///
/// # Errors
/// A record is none, another station's, or of another kind than the message says.
pub fn target_reports(heard: &Heard, site: &SiteConfig) -> Result<Vec<TargetReport>> {
    let mut reports = Vec::new();
    for record in heard.records() {
        let report = TargetReport::from_record(record)?;
        if report.source != site.source() {
            let (found, expected) = (report.source, site.source());
            return Err(Error::Message(format!(
                "of {}/{} holds a report of {}/{}",
                expected.sac, expected.sic, found.sac, found.sic
            )));
        }
        let kind = match report.kind {
            Report::MeasurementPlot | Report::SensorPlot => Kind::Detections,
            Report::MeasurementTrack | Report::SensorTrack | Report::TrackEnd => Kind::Tracks,
        };
        if kind != heard.kind {
            return Err(Error::Message(format!("of {} holds {}", heard.kind.name(), kind.name())));
        }
        reports.push(report);
    }
    Ok(reports)
}

/// What fusion makes of a message; nothing of one that is neither of detections nor of tracks.
///
/// # Errors
/// As [`target_reports`].
pub fn for_fusion(heard: &Heard, site: &SiteConfig) -> Result<Vec<ForFusion>> {
    if !matches!(heard.kind, Kind::Detections | Kind::Tracks) {
        return Ok(Vec::new());
    }
    let station = site.reporting();
    let (boot, time) = (heard.envelope.boot, heard.envelope.time);
    let mut all = Vec::new();
    for report in target_reports(heard, site)? {
        let time = heard.envelope.time_of(report.time_of_day_s);
        let name = || site.name.clone();
        if heard.kind == Kind::Detections {
            let measurement = report.measurement(&station);
            let number = measurement.id;
            let report = DetectionReport { station: name(), boot, number, time, measurement };
            all.push(ForFusion::Detection(report));
        } else if let Some(track) = track_report(&report, name(), boot, time) {
            all.push(ForFusion::Track(Box::new(track)));
        }
    }
    if heard.kind == Kind::Detections {
        all.push(ForFusion::ScanEnd(ScanEnd { station: site.name.clone(), boot, time }));
    }
    Ok(all)
}

/// A track with a place and how well that is known, or the end of one.
fn track_report(report: &TargetReport, station: String, boot: u64, time: Timestamp) -> Option<TrackReport> {
    let number = report.number?.into();
    let ended = report.kind == Report::TrackEnd;
    let state = report.state.as_ref();
    let ecef = state.and_then(|state| state.ecef());
    let covariance = state.and_then(|state| state.ecef_covariance());
    if !ended && (ecef.is_none() || covariance.is_none()) {
        return None;
    }
    let mut report = TrackReport {
        station,
        boot,
        number,
        time,
        state: [0.0; 6],
        covariance: [[0.0; 6]; 6],
        ended,
        detections: report.associations.iter().map(|id| id.observation.into()).collect(),
    };
    if let (Some(ecef), Some(covariance)) = (ecef, covariance) {
        report.state.copy_from_slice(ecef.as_slice());
        for (i, row) in report.covariance.iter_mut().enumerate() {
            for (j, value) in row.iter_mut().enumerate() {
                *value = covariance[(i, j)];
            }
        }
    }
    Some(report)
}

/// Where a report's target is: that of its track, or as far as range and angles say.
pub fn position(report: &TargetReport, site: &SiteConfig) -> Option<Geodetic> {
    if let Some(state) = &report.state {
        return state.position();
    }
    let measurement = report.measurement(&site.reporting());
    let range_m = measurement.range_m.filter(|_| site.transmitter.is_none())?;
    let azimuth = measurement.azimuth_deg?.to_radians();
    // Without an elevation: on the horizon, which for what areas are drawn is near enough below some degrees.
    let elevation = measurement.elevation_deg.unwrap_or(0.0).to_radians();
    let enu = nalgebra::Vector3::new(
        elevation.cos() * azimuth.sin(),
        elevation.cos() * azimuth.cos(),
        elevation.sin(),
    ) * range_m;
    let ecef = site.position.ecef_m() + site.position.enu_from_ecef().transpose() * enu;
    Some(Geodetic::from_ecef_m(&ecef))
}

/// A fused track as a system track of the centre; `number` is its 16-bit number.
pub fn system_track(
    track: &FusedTrack,
    source: rangegate_exchange::asterix::report::DataSource,
    unit: impl Fn(&str) -> u8,
) -> SystemTrack {
    let up = track.position.enu_from_ecef();
    let velocity = up * nalgebra::Vector3::from_row_slice(&track.state[3..]);
    let covariance = nalgebra::Matrix3::from_fn(|i, j| track.covariance[i][j]);
    let local = up * covariance * up.transpose();
    let contributors = track
        .contributors
        .iter()
        .map(|of| {
            let number = of.track.or(of.detections.last().copied()).unwrap_or(0);
            (unit(&of.station), (number & 0x7fff) as u16)
        })
        .collect();
    SystemTrack {
        source,
        time_of_day_s: time_of_day_s(track.time),
        number: (track.id & 0xffff) as u16,
        latitude_deg: track.position.latitude_deg,
        longitude_deg: track.position.longitude_deg,
        height_m: Some(track.position.height_m),
        velocity_mps: Some([velocity.x, velocity.y]),
        climb_mps: Some(velocity.z),
        is_first: track.is_first,
        is_last: track.is_last,
        is_tentative: false,
        is_coasting: track.coasting,
        is_simulated: false,
        deviation_m: Some([local[(0, 0)].max(0.0).sqrt(), local[(1, 1)].max(0.0).sqrt()]),
        contributors,
    }
}
