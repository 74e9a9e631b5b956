//! Covariance intersection: one estimate of several whose errors are correlated, nobody knows how much.
//!
//! `P⁻¹ = w·A⁻¹ + (1 − w)·B⁻¹`, `P⁻¹x = w·A⁻¹a + (1 − w)·B⁻¹b` is consistent for every `w` between 0 and 1 and every
//! correlation (Julier and Uhlmann, 1997); the `w` of the least determinant is taken, which does not depend on units.

use crate::place::Covariance;
use rangegate_tracking::gaussian::Gaussian;

/// The intersection of some; `None` of none. What cannot be inverted is left out.
pub(crate) fn intersection<'a>(mut estimates: impl Iterator<Item = &'a Gaussian<6>>) -> Option<Gaussian<6>> {
    let first = *estimates.next()?;
    Some(estimates.fold(first, |fused, other| two(&fused, other).unwrap_or(fused)))
}

fn two(a: &Gaussian<6>, b: &Gaussian<6>) -> Option<Gaussian<6>> {
    let (a_inverse, b_inverse) = (inverse(&a.covariance)?, inverse(&b.covariance)?);
    let information = |w: f64| a_inverse * w + b_inverse * (1.0 - w);
    // The logarithm of a determinant is concave, so that there is one maximum: golden section.
    let ln_determinant = |w: f64| {
        information(w)
            .cholesky()
            .map_or(f64::NEG_INFINITY, |factor| (0..6).map(|i| factor.l_dirty()[(i, i)].ln()).sum::<f64>())
    };
    let ratio = 0.5 * (5f64.sqrt() - 1.0);
    let (mut from, mut to) = (0.0, 1.0);
    let (mut low, mut high) = (1.0 - ratio, ratio);
    let (mut at_low, mut at_high) = (ln_determinant(low), ln_determinant(high));
    for _ in 0..25 {
        if at_low > at_high {
            (to, high, at_high) = (high, low, at_low);
            low = to - ratio * (to - from);
            at_low = ln_determinant(low);
        } else {
            (from, low, at_low) = (low, high, at_high);
            high = from + ratio * (to - from);
            at_high = ln_determinant(high);
        }
    }
    let w = 0.5 * (from + to);
    let covariance = inverse(&information(w))?;
    let mean = covariance * (a_inverse * a.mean * w + b_inverse * b.mean * (1.0 - w));
    Some(Gaussian { mean, covariance })
}

/// Inverse of a positive-definite matrix whose rows may differ by many orders.
fn inverse(matrix: &Covariance) -> Option<Covariance> {
    let scale = Covariance::from_diagonal(&matrix.diagonal().map(|variance| variance.sqrt().recip()));
    let inverse = (scale * matrix * scale).cholesky()?.inverse();
    let inverse = scale * inverse * scale;
    Some((inverse + inverse.transpose()) * 0.5)
}

#[cfg(test)]
mod tests {
    use super::intersection;
    use nalgebra::{SMatrix, SVector};
    use rangegate_tracking::gaussian::Gaussian;

    fn estimate(along: f64, across: f64, mean: f64) -> Gaussian<6> {
        let diagonal = SVector::<f64, 6>::from([along, across, 1e4, 1.0, 1.0, 1.0]);
        Gaussian { mean: SVector::repeat(mean), covariance: SMatrix::from_diagonal(&diagonal) }
    }

    #[test]
    fn crossing_ellipses_meet_and_equal_ones_gain_nothing() {
        let (a, b) = (estimate(1e6, 1.0, 0.0), estimate(1.0, 1e6, 1.0));
        let both = intersection([&a, &b].into_iter()).expect("two");
        // w is a half by symmetry: each variance is doubled.
        assert!((both.covariance[(0, 0)] - 2.0).abs() < 1e-3, "{}", both.covariance);
        assert!((both.mean[0] - 1.0).abs() < 1e-3 && both.mean[1].abs() < 1e-3);
        let same = intersection([&a, &a].into_iter()).expect("two");
        assert!((same.covariance - a.covariance).norm() < 1e-6 * a.covariance.norm());
        assert!(intersection(std::iter::empty()).is_none());
    }

    #[test]
    fn it_is_never_too_sure_whatever_the_correlation() {
        // P − E[ee'] stays positive for errors with correlation ρ from −1 to 1.
        let (a, b) = (estimate(400.0, 30.0, 0.0), estimate(25.0, 500.0, 0.0));
        let fused = intersection([&a, &b].into_iter()).expect("two");
        let inverse = |m: &SMatrix<f64, 6, 6>| m.try_inverse().expect("inverse");
        let information = inverse(&fused.covariance);
        // w from one component.
        let w = (information[(0, 0)] - 1.0 / 25.0) / (1.0 / 400.0 - 1.0 / 25.0);
        let gain_a = fused.covariance * inverse(&a.covariance) * w;
        let gain_b = fused.covariance * inverse(&b.covariance) * (1.0 - w);
        for step in -10..=10 {
            let rho = f64::from(step) / 10.0;
            let root = |m: &SMatrix<f64, 6, 6>| m.map(f64::sqrt);
            let cross = root(&a.covariance) * root(&b.covariance) * rho;
            let error = gain_a * a.covariance * gain_a.transpose()
                + gain_b * b.covariance * gain_b.transpose()
                + gain_a * cross * gain_b.transpose()
                + gain_b * cross.transpose() * gain_a.transpose();
            let least = (fused.covariance - error).symmetric_eigenvalues().min();
            assert!(least > -1e-6, "rho {rho}: {least}");
        }
    }
}
