//! A track from its first to its last state.

use nalgebra::Vector3;
use rangegate_tracking::Geodetic;
use rangegate_tracking::gaussian::{Gaussian, Matrix, Vector};

/// What a line of a track says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Point {
    /// When, s since 1970.
    pub time_s: f64,
    /// Position and velocity, Earth-centred and Earth-fixed, m and m/s, where the track has them.
    pub earth: Option<Gaussian<6>>,
    /// Place, where it has no more.
    pub place: Option<Geodetic>,
    /// Range and range rate with their covariance.
    pub radial: Option<Gaussian<2>>,
    /// Range, where it has no more, m.
    pub range_m: Option<f64>,
    /// Range rate, m/s.
    pub range_rate_mps: Option<f64>,
}

/// States of N numbers, position before velocity, in order of time.
pub type States<const N: usize> = Vec<(f64, Gaussian<N>)>;

/// A track's states: in space where it has places, and along the line of sight where it has ranges.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    /// Earth-centred, Earth-fixed.
    pub earth: States<6>,
    /// Range and range rate.
    pub radial: States<2>,
}

/// Places from which a velocity is made at most.
const WINDOW: usize = 20;

impl History {
    /// Of points in order of time. Where most have a place but no state, states are made by a straight line (or a parabola,
    /// where the line does not fit) through the places before; ranges likewise.
    pub fn new(points: &[Point]) -> Self {
        let known: States<6> =
            points.iter().filter_map(|point| Some((point.time_s, point.earth.filter(is_usable)?))).collect();
        let places: Vec<(f64, Vector3<f64>)> = points
            .iter()
            .filter_map(|point| Some((point.time_s, point.place?.ecef_m())))
            .filter(|(_, place)| place.iter().all(|value| value.is_finite()))
            .collect();
        let radial: States<2> =
            points.iter().filter_map(|point| Some((point.time_s, point.radial.filter(is_usable)?))).collect();
        let ranges: Vec<(f64, [f64; 1])> =
            points.iter().filter_map(|p| Some((p.time_s, [p.range_m.filter(|r| r.is_finite())?]))).collect();
        let is_enough = |known: usize, others: usize| known > 0 && 2 * known >= others;
        Self {
            earth: if is_enough(known.len(), places.len()) {
                known
            } else {
                let places: Vec<_> = places.into_iter().map(|(time, at)| (time, at.into())).collect();
                fitted::<3, 6>(&places)
            },
            radial: if is_enough(radial.len(), ranges.len()) { radial } else { fitted::<1, 2>(&ranges) },
        }
    }
}

/// Finite, and with positive variances.
fn is_usable<const N: usize>(state: &Gaussian<N>) -> bool {
    state.mean.iter().chain(state.covariance.iter()).all(|value| value.is_finite())
        && (0..N).all(|i| state.covariance[(i, i)] > 0.0)
}

/// States at each place from the third on, by a polynomial through it and the places before. Its noise is what it leaves
/// over.
fn fitted<const AXES: usize, const N: usize>(places: &[(f64, [f64; AXES])]) -> States<N> {
    let mut states = Vec::new();
    for end in 3..=places.len() {
        let window = &places[end.saturating_sub(WINDOW)..end];
        let now_s = places[end - 1].0;
        let (mut mean, mut covariance) = (Vector::<N>::zeros(), Matrix::<N, N>::zeros());
        let mut is_good = true;
        for axis in 0..AXES {
            let values: Vec<(f64, f64)> = window.iter().map(|(time, at)| (time - now_s, at[axis])).collect();
            match line_or_parabola(&values) {
                Some((state, spread)) => {
                    (mean[axis], mean[AXES + axis]) = (state[0], state[1]);
                    for (i, row) in spread.iter().enumerate() {
                        for (j, value) in row.iter().enumerate() {
                            covariance[(axis + i * AXES, axis + j * AXES)] = *value;
                        }
                    }
                }
                None => is_good = false,
            }
        }
        if is_good {
            states.push((now_s, Gaussian { mean, covariance }));
        }
    }
    states
}

/// Value and slope at time 0 of a line, or of a parabola where it leaves less than half the variance of the line, and
/// their covariance.
fn line_or_parabola(values: &[(f64, f64)]) -> Option<([f64; 2], [[f64; 2]; 2])> {
    let line = polynomial::<2>(values)?;
    let best = match polynomial::<3>(values).filter(|_| values.len() >= 6) {
        Some(parabola) if parabola.2 < 0.5 * line.2 => {
            let (c, p, _) = parabola;
            ([c[0], c[1]], [[p[0][0], p[0][1]], [p[1][0], p[1][1]]])
        }
        _ => (line.0, line.1),
    };
    Some(best)
}

/// Coefficients of the polynomial of least squares, their covariance, and the variance that it leaves over.
pub(crate) fn polynomial<const K: usize>(values: &[(f64, f64)]) -> Option<([f64; K], [[f64; K]; K], f64)> {
    if values.len() <= K {
        return None;
    }
    let (mut normal, mut right) = (Matrix::<K, K>::zeros(), Vector::<K>::zeros());
    let offset = values[values.len() - 1].1;
    // Times are scaled, so that powers stay comparable.
    let scale = values.iter().map(|(t, _)| t.abs()).fold(0.0, f64::max);
    if scale <= 0.0 {
        return None;
    }
    let powers = |t: f64| Vector::<K>::from_fn(|i, _| (t / scale).powi(i as i32));
    for &(t, value) in values {
        let row = powers(t);
        normal += row * row.transpose();
        right += row * (value - offset);
    }
    let factor = nalgebra::DMatrix::from_fn(K, K, |i, j| normal[(i, j)]).cholesky()?;
    let inverse = factor.inverse();
    let at = |i: usize, j: usize| inverse[(i, j)];
    let c: [f64; K] = std::array::from_fn(|i| (0..K).map(|j| at(i, j) * right[j]).sum());
    let rest: f64 = values
        .iter()
        .map(|&(t, value)| {
            let row = powers(t);
            (value - offset - (0..K).map(|i| row[i] * c[i]).sum::<f64>()).powi(2)
        })
        .sum();
    // Values written to the millimetre leave no less.
    let variance = (rest / (values.len() - K) as f64).max(1e-6);
    let unscaled = |i: usize| scale.powi(i as i32).recip();
    let coefficients = std::array::from_fn(|i| c[i] * unscaled(i) + if i == 0 { offset } else { 0.0 });
    let covariance =
        std::array::from_fn(|i| std::array::from_fn(|j| variance * at(i, j) * unscaled(i) * unscaled(j)));
    Some((coefficients, covariance, variance))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_and_a_parabola_are_found_again() {
        let values: Vec<(f64, f64)> =
            (0..30).map(|k| (f64::from(k) - 29.0, 5.0 + 3.0 * f64::from(k - 29))).collect();
        let (state, spread) = line_or_parabola(&values).unwrap();
        assert!((state[0] - 5.0).abs() < 1e-6 && (state[1] - 3.0).abs() < 1e-6 && spread[1][1] > 0.0);
        let curved: Vec<(f64, f64)> = values.iter().map(|(t, x)| (*t, x - 4.9 * t * t)).collect();
        let (state, _) = line_or_parabola(&curved).unwrap();
        assert!((state[0] - 5.0).abs() < 1e-6 && (state[1] - 3.0).abs() < 1e-6, "{state:?}");
    }

    #[test]
    fn nothing_follows_from_too_little() {
        let at = |time_s| Point { time_s, range_m: Some(1e3), ..Point::default() };
        assert_eq!(History::new(&[]), History::default());
        assert_eq!(History::new(&[at(0.0), at(1.0)]), History::default());
        // Three at one time are no line.
        assert_eq!(History::new(&[at(1.0), at(1.0), at(1.0)]), History::default());
        assert_eq!(History::new(&[at(0.0), at(1.0), at(2.0)]).radial.len(), 1);
    }
}
