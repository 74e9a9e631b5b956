//! Truth of each CPI and target.

use super::fluctuation::db_from_power;
use super::geometry::direction_deg;
use super::{Radar, Target};
use crate::Scene;
use crate::plan::ROUNDING;
use rangegate_core::Timestamp;
use serde::{Deserialize, Serialize};

/// One target in one CPI. A line of the truth file.
///
/// The CPI's middle is half-way between the leading edges of its first and its last pulse, and half a pulse on, at the
/// transmitter. What is said of the target is said of the instant at which it reflects what is sent then.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CpiTruth {
    /// Number of the CPI, from 0.
    pub cpi: u64,
    /// The CPI's middle, s after the start of the scene, by a true clock.
    pub time_s: f64,
    /// The CPI's middle, UTC, by the recording's clock; null where the scene has no start time.
    pub time: Option<Timestamp>,
    /// Absolute index of the sample in which the leading edge of the first pulse leaves the transmitter.
    pub first_sample: u64,
    /// That edge is at `first_sample + sample_fraction`, 0 ≤ fraction < 1.
    pub sample_fraction: f64,
    /// Name of the target.
    pub target: String,
    /// Range, or half the way from transmitter over target to receiver, m.
    pub range_m: f64,
    /// Way by the target less the straight way, m; null for a monostatic radar.
    pub bistatic_range_m: Option<f64>,
    /// Rate of `range_m`, m/s; positive is receding.
    pub range_rate_mps: f64,
    /// Doppler shift, Hz, without what the receiver's oscillator adds.
    pub doppler_hz: f64,
    /// Direction from the receiver, degrees clockwise from north.
    pub azimuth_deg: f64,
    /// Direction from the receiver, degrees above the horizontal.
    pub elevation_deg: f64,
    /// Mean signal-to-noise ratio of one pulse behind the matched filter, dB; null where there is no noise.
    pub snr_db: Option<f64>,
    /// Energy of all echoes of the CPI, with the cross-sections that were drawn, over the noise's density, dB: the
    /// signal-to-noise ratio of coherent integration where phases hold.
    pub cpi_snr_db: Option<f64>,
    /// Position, m east, north, up.
    pub position_m: [f64; 3],
    /// Velocity, m/s east, north, up.
    pub velocity_mps: [f64; 3],
    /// Every sample of the CPI is there: no gap took one, and the scene does not end before its last PRI does.
    pub complete: bool,
}

impl Scene {
    /// Every CPI with every target that is there, in the order of CPIs, then of the configuration; nothing without
    /// `[truth]`. CPIs whose last pulse is not in the scene have none.
    pub fn cpi_truth(&self) -> impl Iterator<Item = CpiTruth> + '_ {
        let radar = self.radar.as_ref().and_then(|radar| Some((radar, radar.cpi_pulses?)));
        radar.into_iter().flat_map(move |(radar, n_pulses)| {
            (0..radar.schedule.count() / n_pulses).flat_map(move |cpi| {
                radar.targets.iter().filter_map(move |target| self.truth_of(radar, target, cpi, n_pulses))
            })
        })
    }

    fn truth_of(&self, radar: &Radar, target: &Target, cpi: u64, n_pulses: u64) -> Option<CpiTruth> {
        let (schedule, medium) = (&radar.schedule, &radar.medium);
        let pulses = cpi * n_pulses..(cpi + 1) * n_pulses;
        let (first, last) = (schedule.edge(pulses.start), schedule.edge(pulses.end - 1));
        let middle = (first.position() + last.position() + medium.pulse_length) / 2.0;
        let stations = &medium.stations;
        let reflection = stations.reflection_sent(&target.path, middle / medium.samples_per_s);
        let (from_s, to_s) = target.path.span_s();
        let state = reflection.target;
        if !(from_s..=to_s).contains(&reflection.time_s) || !target.path.sees(state.position_m) {
            return None;
        }
        let (azimuth_deg, elevation_deg) = direction_deg(stations.receiver_m, state.position_m);
        let (out_mps, back_mps) = stations.rates_mps(&reflection);
        let way_m = reflection.out_m + reflection.back_m;
        let baseline_m = stations.baseline_m();
        let mean =
            target.strength.power(reflection.out_m, reflection.back_m) * radar.energy / radar.noise_power;
        let db = |power: f64| (radar.noise_power > 0.0).then(|| db_from_power(power));
        let drawn: f64 = pulses.clone().map(|index| radar.draw(target, index).0).sum();
        let next = (schedule.nominal(pulses.end).position() - ROUNDING).ceil() as u64;
        let begins = first.sample as u64;
        Some(CpiTruth {
            cpi,
            time_s: middle / medium.samples_per_s,
            time: self.info.anchor.and_then(|anchor| {
                let sample = self.origin() + middle.floor() as u64;
                anchor.time_of(sample, middle.fract(), self.info.sample_rate)
            }),
            first_sample: self.origin() + begins,
            sample_fraction: first.fraction,
            target: target.name.to_string(),
            range_m: way_m / 2.0,
            bistatic_range_m: (baseline_m > 0.0).then_some(way_m - baseline_m),
            range_rate_mps: (out_mps + back_mps) / 2.0,
            doppler_hz: stations.doppler_hz(&reflection, medium.carrier_hz),
            azimuth_deg,
            elevation_deg,
            snr_db: db(mean),
            cpi_snr_db: db(mean * drawn),
            position_m: state.position_m,
            velocity_mps: state.velocity_mps,
            complete: self.runs.iter().any(|run| run.start <= begins && next <= run.end),
        })
    }
}
