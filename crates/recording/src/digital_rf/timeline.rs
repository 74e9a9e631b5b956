//! Which file holds which indices, in integers.

use rangegate_core::SampleRate;
use std::ops::Range;

/// The grid of files of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Timeline {
    pub rate: SampleRate,
    /// Duration of a file.
    pub file_cadence_ms: u64,
    /// Duration of a folder of files, a multiple of that of a file.
    pub subdir_cadence_s: u64,
}

/// A sample period in milliseconds has at most this denominator, so that no product below overflows.
pub(crate) const MAX_DENOMINATOR: u64 = 1_000_000_000_000_000;

impl Timeline {
    /// Beginning of the file that holds an index, ms since 1970.
    pub(crate) fn file_of(&self, index: u64) -> u64 {
        // Below 2^64 · 10^15 · 10^3 < 2^124.
        let ms = u128::from(index) * u128::from(self.rate.denominator()) * 1000
            / u128::from(self.rate.numerator());
        let cadence = u128::from(self.file_cadence_ms);
        u64::try_from(ms / cadence * cadence).unwrap_or(u64::MAX)
    }

    /// Index of the first sample taken at or after a time, ms since 1970.
    pub(crate) fn first_index(&self, ms: u64) -> u64 {
        let above = u128::from(ms) * u128::from(self.rate.numerator());
        u64::try_from(above.div_ceil(u128::from(self.rate.denominator()) * 1000)).unwrap_or(u64::MAX)
    }

    /// Indices whose time falls into the file that begins at `ms`.
    pub(crate) fn indices(&self, ms: u64) -> Range<u64> {
        self.first_index(ms)..self.first_index(ms.saturating_add(self.file_cadence_ms))
    }

    /// Beginning of the folder of the file that begins at `ms`, seconds since 1970.
    pub(crate) fn subdir_of(&self, ms: u64) -> u64 {
        let seconds = ms / 1000;
        seconds - seconds % self.subdir_cadence_s
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_index_lies_in_the_file_it_is_sent_to(
            index in 0..u64::MAX / 4,
            numerator in 1..1_000_000_000_u64,
            denominator in 1..1_000_000_u64,
            file_cadence_ms in 1..100_000_u64,
        ) {
            let rate = SampleRate::new(numerator, denominator).unwrap();
            let timeline = Timeline { rate, file_cadence_ms, subdir_cadence_s: 3600 };
            let ms = timeline.file_of(index);
            prop_assume!(ms < u64::MAX / 2);
            prop_assert!(timeline.indices(ms).contains(&index), "{index} not in {:?}", timeline.indices(ms));
            prop_assert_eq!(ms % file_cadence_ms, 0);
        }
    }

    #[test]
    fn a_rational_rate_meets_its_seconds_exactly() {
        let timeline =
            Timeline { rate: SampleRate::new(200, 3).unwrap(), file_cadence_ms: 1000, subdir_cadence_s: 10 };
        // 200 samples in three seconds: the 67th begins the second file, the 134th the third, the 200th the fourth.
        for (seconds, first) in [(0, 0), (1, 67), (2, 134), (3, 200), (3_000_000_000, 200_000_000_000)] {
            assert_eq!(timeline.first_index(seconds * 1000), first);
            assert_eq!(timeline.file_of(first), seconds * 1000);
        }
        assert_eq!(timeline.subdir_of(1_394_368_239_000), 1_394_368_230);
    }
}
