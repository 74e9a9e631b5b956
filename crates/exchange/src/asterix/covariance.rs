//! Standard deviations and correlations, in which category 015 has the covariance of a state.

use crate::asterix::state::GeodeticState;
use crate::asterix::wide::{self, Wide};
use crate::asterix::{Error, Record};
use nalgebra::DMatrix;

/// Of east, north, up and their rates: the field of the deviation, and its step.
const DEVIATIONS: [(&str, f64); 6] = [
    ("600/HPP/SDHPX", 0.25),
    ("600/HPP/SDHPY", 0.25),
    ("601/SDGH", 0.01),
    ("602/SDHV/X", 0.01),
    ("602/SDHV/Y", 0.01),
    ("604/SDVV/SDVV", 0.01),
];

/// Which two a correlation is of.
const CORRELATIONS: [(usize, usize, &str); 15] = [
    (0, 1, "600/HPP/COSDHPXY"),
    (0, 2, "601/COGHHP/X"),
    (1, 2, "601/COGHHP/Y"),
    (2, 3, "601/COGHHV/X"),
    (2, 4, "601/COGHHV/Y"),
    (3, 4, "602/SDHV/COHVXY"),
    (0, 3, "602/COHVHP/COHVXHPX"),
    (1, 3, "602/COHVHP/COHVXHPY"),
    (0, 4, "602/COHVHP/COHVYHPX"),
    (1, 4, "602/COHVHP/COHVYHPY"),
    (2, 5, "604/SDVV/COVVGH"),
    (0, 5, "604/COVVHP/X"),
    (1, 5, "604/COVVHP/Y"),
    (3, 5, "604/COVVHV/X"),
    (4, 5, "604/COVVHV/Y"),
];

/// Those of a plane, by their places in [`DEVIATIONS`].
const HORIZONTAL: [usize; 4] = [0, 1, 3, 4];
const ALL: [usize; 6] = [0, 1, 2, 3, 4, 5];

/// Sets a deviation, one step at least; whether there is one, and it fits.
pub(crate) fn set_deviation(record: &mut Record, path: &str, deviation: Option<f64>, step: f64) -> bool {
    deviation.is_some_and(|of| of >= 0.0 && record.set(path, of.max(step)).is_ok())
}

/// Sets a correlation: steps of 1/128 from −1 to 127/128.
pub(crate) fn set_correlation(record: &mut Record, path: &str, correlation: f64) -> Result<(), Error> {
    record.set(path, correlation.clamp(-1.0, 127.0 / 128.0))
}

/// Sets position, velocity and, where all of it fits, the covariance.
pub(crate) fn set_state(record: &mut Record, state: &GeodeticState) -> Result<(), Error> {
    record.set("600/P84/LATITUDE", state.latitude_deg)?;
    // What rounds up to 180° east is 180° west.
    let step = 180.0 / 2_147_483_648.0;
    let steps = (state.longitude_deg / step).round() * step;
    record.set("600/P84/LONGITUDE", (steps + 180.0).rem_euclid(360.0) - 180.0)?;
    if let Some(height_m) = state.height_m {
        wide::set(record, &[("601/GH", height_m, 1.0, Wide::Height)])?;
    }
    if let Some([east, north]) = state.velocity_mps {
        wide::set(record, &[("602/HV/X", east, 1.0, Wide::East), ("602/HV/Y", north, 1.0, Wide::North)])?;
    }
    if let Some(climb_mps) = state.climb_mps {
        wide::set(record, &[("604/VV", climb_mps, 1.0, Wide::Up)])?;
    }
    if let Some(covariance) = &state.covariance {
        let mut trial = record.clone();
        if set_covariance(&mut trial, covariance).is_some() {
            *record = trial;
        }
    }
    Ok(())
}

fn set_covariance(record: &mut Record, covariance: &DMatrix<f64>) -> Option<()> {
    let places: &[usize] = if covariance.nrows() == ALL.len() { &ALL } else { &HORIZONTAL };
    if covariance.shape() != (places.len(), places.len()) {
        return None;
    }
    let deviation = |i: usize| covariance[(i, i)].sqrt();
    for (i, &place) in places.iter().enumerate() {
        let (path, step) = DEVIATIONS[place];
        set_deviation(record, path, Some(deviation(i)), step).then_some(())?;
    }
    for (a, b, path) in CORRELATIONS {
        let at = |place| places.iter().position(|&of| of == place);
        let (Some(i), Some(j)) = (at(a), at(b)) else { continue };
        let product = deviation(i) * deviation(j);
        let correlation = if product > 0.0 { covariance[(i, j)] / product } else { 0.0 };
        set_correlation(record, path, correlation).ok()?;
    }
    Some(())
}

/// Position, velocity and covariance of a record that has a place.
pub(crate) fn state(record: &Record) -> Option<GeodeticState> {
    let velocity = |path: &str, wide| wide::get(record, path, 1.0, wide);
    Some(GeodeticState {
        latitude_deg: record.quantity("600/P84/LATITUDE")?,
        longitude_deg: record.quantity("600/P84/LONGITUDE")?,
        height_m: wide::get(record, "601/GH", 1.0, Wide::Height),
        velocity_mps: velocity("602/HV/X", Wide::East)
            .zip(velocity("602/HV/Y", Wide::North))
            .map(|(east, north)| [east, north]),
        climb_mps: velocity("604/VV", Wide::Up),
        covariance: covariance(record, &ALL).or_else(|| covariance(record, &HORIZONTAL)),
    })
}

fn covariance(record: &Record, places: &[usize]) -> Option<DMatrix<f64>> {
    let deviations: Vec<f64> =
        places.iter().map(|&place| record.quantity(DEVIATIONS[place].0)).collect::<Option<_>>()?;
    let correlation = |i: usize, j: usize| {
        let of = (places[i].min(places[j]), places[i].max(places[j]));
        let path = CORRELATIONS.iter().find(|(a, b, _)| (*a, *b) == of)?.2;
        record.quantity(path)
    };
    let n = places.len();
    let covariance = |shrink: f64| {
        DMatrix::from_fn(n, n, |i, j| {
            let correlation = if i == j { 1.0 } else { correlation(i, j).unwrap_or(0.0) * shrink };
            correlation * deviations[i] * deviations[j]
        })
    };
    // Each correlation is off by half a step at most, n of them in a row: where that has made the matrix indefinite,
    // as much on the diagonal mends it.
    let whole = covariance(1.0);
    if whole.clone().cholesky().is_some() {
        return Some(whole);
    }
    let mended = covariance(1.0 / (1.0 + n as f64 / 128.0));
    mended.clone().cholesky().map(|_| mended)
}
