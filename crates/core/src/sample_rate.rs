//! Sample rates as exact fractions, so that a day of samples at 200/3 Hz does not drift.

use crate::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A sample rate `numerator / denominator` Hz, in lowest terms, both above zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SampleRate {
    numerator: u64,
    denominator: u64,
}

/// A sample rate that cannot be one.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum BadSampleRate {
    /// Zero, negative, infinite or not a number.
    #[error("sample rate is {0} Hz, expected a finite number above zero")]
    NotPositive(f64),
    /// Zero above or below the fraction bar.
    #[error("sample rate is {0}/{1} Hz, expected both numbers above zero")]
    Fraction(u64, u64),
}

const fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

const NANOS: i128 = 1_000_000_000;

impl SampleRate {
    /// The fraction `numerator / denominator` Hz.
    ///
    /// # Errors
    /// Either number is zero.
    pub fn new(numerator: u64, denominator: u64) -> Result<Self, BadSampleRate> {
        if numerator == 0 || denominator == 0 {
            return Err(BadSampleRate::Fraction(numerator, denominator));
        }
        let common = gcd(numerator, denominator);
        Ok(Self { numerator: numerator / common, denominator: denominator / common })
    }

    /// The simplest fraction equal to a float to within its own precision (continued fraction), so that
    /// `2.4e6` is 2,400,000/1 and `66.66666666666667` is 200/3.
    ///
    /// # Errors
    /// The number is not finite, not above zero, or beyond what 64-bit fractions hold.
    pub fn from_hz(hz: f64) -> Result<Self, BadSampleRate> {
        if !(hz.is_finite() && hz > 1e-12 && hz < 1e18) {
            return Err(BadSampleRate::NotPositive(hz));
        }
        let (mut p0, mut q0, mut p1, mut q1) = (0_u64, 1_u64, 1_u64, 0_u64);
        let mut rest = hz;
        for _ in 0..40 {
            let whole = rest.floor();
            let step = |a: u64, b: u64| (whole as u64).checked_mul(a).and_then(|x| x.checked_add(b));
            let (Some(p), Some(q)) = (step(p1, p0), step(q1, q0)) else { break };
            (p0, q0, p1, q1) = (p1, q1, p, q);
            if ((p1 as f64) / (q1 as f64) - hz).abs() <= hz * 4.0 * f64::EPSILON {
                break;
            }
            rest = 1.0 / (rest - whole);
            if !rest.is_finite() {
                break;
            }
        }
        Self::new(p1, q1).map_err(|_| BadSampleRate::NotPositive(hz))
    }

    /// Numerator of the fraction in lowest terms.
    pub const fn numerator(self) -> u64 {
        self.numerator
    }

    /// Denominator of the fraction in lowest terms.
    pub const fn denominator(self) -> u64 {
        self.denominator
    }

    /// The rate in Hz, rounded to a float.
    pub fn hz(self) -> f64 {
        self.numerator as f64 / self.denominator as f64
    }

    /// Duration of `samples` sample periods in nanoseconds, rounded down, exact in integers.
    pub fn nanos_from_samples(self, samples: i128) -> i128 {
        (samples * i128::from(self.denominator) * NANOS).div_euclid(i128::from(self.numerator))
    }

    /// Number of whole sample periods in `nanos` nanoseconds, rounded down, exact in integers.
    pub fn samples_from_nanos(self, nanos: i128) -> i128 {
        (nanos * i128::from(self.numerator)).div_euclid(i128::from(self.denominator) * NANOS)
    }

    /// Number of the first sample at or after `nanos` nanoseconds.
    pub fn samples_from_nanos_up(self, nanos: i128) -> i128 {
        -(-nanos * i128::from(self.numerator)).div_euclid(i128::from(self.denominator) * NANOS)
    }
}

impl fmt::Display for SampleRate {
    /// As users write it: `2.4 MHz`, or the fraction where the rate is not a whole number of hertz.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.denominator != 1 {
            return write!(f, "{}/{} Hz", self.numerator, self.denominator);
        }
        let hz = self.numerator as f64;
        match self.numerator {
            1_000_000_000.. => write!(f, "{} GHz", hz / 1e9),
            1_000_000.. => write!(f, "{} MHz", hz / 1e6),
            1_000.. => write!(f, "{} kHz", hz / 1e3),
            _ => write!(f, "{hz} Hz"),
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Fraction {
    numerator: u64,
    denominator: u64,
}

impl Serialize for SampleRate {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Fraction { numerator: self.numerator, denominator: self.denominator }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for SampleRate {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fraction = Fraction::deserialize(deserializer)?;
        Self::new(fraction.numerator, fraction.denominator).map_err(serde::de::Error::custom)
    }
}

/// Adds nanoseconds to a time; `None` where the result is outside the calendar.
pub(crate) fn timestamp_plus_nanos(time: Timestamp, nanos: i128) -> Option<Timestamp> {
    Timestamp::from_nanosecond(time.as_nanosecond().checked_add(nanos)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_become_the_fraction_they_stand_for() {
        let fraction = |hz| SampleRate::from_hz(hz).map(|r| (r.numerator(), r.denominator())).unwrap();
        assert_eq!(fraction(2.4e6), (2_400_000, 1));
        assert_eq!(fraction(200.0 / 3.0), (200, 3));
        assert_eq!(fraction(61.44e6), (61_440_000, 1));
        assert_eq!(fraction(0.5), (1, 2));
        assert_eq!(fraction(1e6 / 7.0), (1_000_000, 7));
        for bad in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e300, 1e-300] {
            assert!(SampleRate::from_hz(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_century_at_a_rational_rate_does_not_drift() {
        let rate = SampleRate::new(200, 3).unwrap();
        let samples = 100 * 365 * 86_400 * 200 / 3;
        let nanos = rate.nanos_from_samples(samples);
        assert_eq!(nanos, 100 * 365 * 86_400 * NANOS);
        assert_eq!(rate.samples_from_nanos(nanos), samples);
        assert_eq!(rate.samples_from_nanos_up(nanos), samples);
        assert_eq!(rate.samples_from_nanos_up(nanos + 1), samples + 1);
    }
}
