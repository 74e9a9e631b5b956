//! Proportions, and how sure they are.

use serde::Serialize;

/// So many of so many, and the interval that holds the true proportion with 95 %.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Proportion {
    /// Tries.
    pub tries: u64,
    /// Of these, hits.
    pub hits: u64,
    /// Hits over tries; null without a try.
    pub estimate: Option<f64>,
    /// Low end of the interval.
    pub low: f64,
    /// High end.
    pub high: f64,
}

/// The 97.5 % point of the normal distribution.
const Z: f64 = 1.959_963_985;

/// Wilson's interval (J. Am. Stat. Assoc. 22 (1927), 209): `(p + z²/2n ± z·√(p(1−p)/n + z²/4n²)) / (1 + z²/n)`. It takes
/// tries to be independent.
pub fn wilson(hits: u64, tries: u64) -> Proportion {
    let hits = hits.min(tries);
    if tries == 0 {
        return Proportion { high: 1.0, ..Proportion::default() };
    }
    let (n, p) = (tries as f64, hits as f64 / tries as f64);
    let z2 = Z * Z / n;
    let half = Z * (p * (1.0 - p) / n + z2 / (4.0 * n)).sqrt();
    // Rounding may leave the interval by a last digit.
    let at = |sign: f64| ((p + z2 / 2.0 + sign * half) / (1.0 + z2)).clamp(0.0, 1.0);
    Proportion { tries, hits, estimate: Some(p), low: at(-1.0).min(p), high: at(1.0).max(p) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_those_of_the_tables() {
        // Newcombe, Stat. Med. 17 (1998), 857, table I, method 3.
        for (hits, tries, low, high) in [
            (81, 263, 0.2553, 0.3662),
            (15, 148, 0.0624, 0.1605),
            (0, 20, 0.0, 0.1611),
            (1, 29, 0.0061, 0.1718),
        ] {
            let found = wilson(hits, tries);
            assert!((found.low - low).abs() < 5e-5 && (found.high - high).abs() < 5e-5, "{found:?}");
        }
        assert_eq!(wilson(0, 0), Proportion { high: 1.0, ..Proportion::default() });
        assert!(wilson(5, 5).high >= 1.0 && wilson(5, 5).low > 0.5);
    }
}
