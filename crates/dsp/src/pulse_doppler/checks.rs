//! What of a configuration cannot be, with the numbers and what would fit.

use super::config::{BistaticConfig, DwellConfig, PulseDopplerConfig, RangeConfig};
use super::look::Look;
use crate::chain::PlanError;
use crate::waveform::Replica;
use rangegate_core::StreamInfo;

/// Most samples that a look and what surrounds it may have.
const MAX_LOOK: f64 = (1_u64 << 28) as f64;

pub(super) fn check_dwells(
    dwells: &[DwellConfig],
    replica: &Replica,
    rate_hz: f64,
    stream: &StreamInfo,
) -> Result<(), PlanError> {
    if dwells.is_empty() {
        return Err(PlanError::setting("dwell", &"none", "one [[chain.dwell]] or more"));
    }
    let pulse_s = replica.samples.len() as f64 / rate_hz;
    for dwell in dwells {
        if !(1..=MAX_PULSES).contains(&dwell.n_pulses) {
            return Err(PlanError::setting("dwell.n_pulses", &dwell.n_pulses, format!("1 to {MAX_PULSES}")));
        }
        let list = dwell.pri_s.list();
        if list.is_empty() || list.len() > dwell.n_pulses {
            let found = format!("{} intervals for {} pulses", list.len(), dwell.n_pulses);
            return Err(PlanError::setting("dwell.pri_s", &found, "1 interval, or no more than pulses"));
        }
        if !dwell.n_pulses.is_multiple_of(list.len()) {
            let (n, fitting) = (dwell.n_pulses, dwell.n_pulses / list.len() * list.len());
            let expected = format!(
                "whole rounds of the {} intervals in pri_s: {fitting} or {}",
                list.len(),
                fitting + list.len()
            );
            return Err(PlanError::setting("dwell.n_pulses", &n, expected));
        }
        // Written so that NaN is refused too.
        for pri_s in list {
            if !(*pri_s >= pulse_s && *pri_s <= MAX_PRI_S) {
                let expected = format!(
                    "a time from {pulse_s:e} s, the length of the pulse '{}', to {MAX_PRI_S} s",
                    replica.name
                );
                return Err(PlanError::setting("dwell.pri_s", &format!("{pri_s:e} s"), expected));
            }
            let recorded_s = stream.pulse_len.map(|len| len as f64 / rate_hz);
            if let Some(recorded_s) = recorded_s.filter(|recorded| *recorded > pri_s * 1.000_001) {
                let found = format!("{pri_s:e} s");
                let expected = format!("at least {recorded_s:e} s, the length of the recorded pulses");
                return Err(PlanError::setting("dwell.pri_s", &found, expected));
            }
        }
    }
    Ok(())
}

/// Most pulses of a dwell.
const MAX_PULSES: usize = 1 << 16;
/// Longest interval between pulses, s.
pub(super) const MAX_PRI_S: f64 = 10.0;

pub(super) fn check_look(look: &Look, stream: &StreamInfo) -> Result<(), PlanError> {
    let needed = look.len_samples();
    if needed > MAX_LOOK {
        let found = format!("a look of {needed:.0} samples");
        return Err(PlanError::setting("dwell", &found, format!("{MAX_LOOK} samples at most")));
    }
    if let Some(n) = stream.n_samples.filter(|n| (*n as f64) < needed.floor()) {
        let fitting = (n as f64 / needed * look.n_pulses() as f64).floor();
        let found = format!("{} pulses in {needed:.0} samples", look.n_pulses());
        let expected =
            format!("no more than the recording's {n} samples, which have room for {fitting} pulses");
        return Err(PlanError::setting("dwell.n_pulses", &found, expected));
    }
    Ok(())
}

/// From a submarine's longest waves, and sound, to light.
const CARRIERS_HZ: std::ops::RangeInclusive<f64> = 1.0..=1e15;

pub(super) fn carrier(config: &PulseDopplerConfig, stream: &StreamInfo) -> Result<f64, PlanError> {
    let carrier_hz = config.carrier_hz.or(stream.center_frequency_hz);
    let Some(carrier_hz) = carrier_hz else {
        let expected = "the transmitter's frequency: the recording does not name one";
        return Err(PlanError::setting("carrier_hz", &"none", expected));
    };
    if CARRIERS_HZ.contains(&carrier_hz) {
        return Ok(carrier_hz);
    }
    let expected =
        format!("a number above zero, from {:e} to {:e} Hz", CARRIERS_HZ.start(), CARRIERS_HZ.end());
    Err(PlanError::setting("carrier_hz", &carrier_hz, expected))
}

/// Furthest from the origin that antennas may stand, m: beyond the Moon.
const MAX_POSITION_M: f64 = 1e9;

pub(super) fn check_positions(bistatic: &BistaticConfig, range: &RangeConfig) -> Result<(), PlanError> {
    let places =
        [("bistatic.transmitter_m", bistatic.transmitter_m), ("bistatic.receiver_m", bistatic.receiver_m)];
    for (field, place) in places {
        if place.iter().any(|at| !(-MAX_POSITION_M..=MAX_POSITION_M).contains(at)) {
            let expected = format!("three numbers between -{MAX_POSITION_M:e} and {MAX_POSITION_M:e} m");
            return Err(PlanError::setting(field, &format!("{place:?}"), expected));
        }
    }
    let half_baseline_m = bistatic.baseline_m() / 2.0;
    if range.max_m <= half_baseline_m {
        let expected = format!(
            "more than {half_baseline_m:.1} m: ranges are half of the path, and that is never less than half of the \
             baseline"
        );
        return Err(PlanError::setting("range.max_m", &format!("{} m", range.max_m), expected));
    }
    Ok(())
}

/// The first look of the part that is replayed has to end within it.
pub(super) fn check_offset(
    offset: f64,
    look: &Look,
    origin: u64,
    stream: &StreamInfo,
) -> Result<(), PlanError> {
    let Some(n_samples) = stream.n_samples else { return Ok(()) };
    let (from, len) = (stream.first_sample.saturating_sub(origin) as f64, look.len_samples());
    let first = offset + ((from - offset) / len - 1e-9).ceil().max(0.0) * len;
    let last = from + n_samples as f64 - len.floor();
    if first <= last {
        return Ok(());
    }
    let rate_hz = stream.sample_rate.hz();
    let found = format!("{} s", offset / rate_hz);
    let expected = format!(
        "an offset with which a look of {} s begins between {} and {} s, the part that is replayed; the first begins \
         at {} s",
        len / rate_hz,
        from / rate_hz,
        last.max(from) / rate_hz,
        first / rate_hz
    );
    Err(PlanError::setting("framing.offset_s", &found, expected))
}
