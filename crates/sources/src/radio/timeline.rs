//! From a radio's clock to sample indices.

use rangegate_core::SampleRate;

/// What lies between two reads of a radio.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Nothing.
    Follows,
    /// Samples that were lost; by the clock of this computer where the radio has none.
    Gap { lost: u64, estimated: bool },
    /// The radio's clock was set back: how many samples are missing cannot be known.
    WentBack { nanos: i128 },
}

/// Counts samples, and finds by the radio's clock how many are missing.
///
/// The index of a sample is the first's plus the time between them, by the radio's clock, times the rate: what was lost
/// is as exact as that clock, which is the one that takes the samples.
#[derive(Clone, Debug)]
pub(super) struct Timeline {
    rate: SampleRate,
    /// Index whose time by the radio's clock is known, and that time.
    origin: Option<(u64, i128)>,
    /// Index of the sample that comes next if nothing is lost.
    next: u64,
    /// Reads in a row that came one sample late.
    late: u32,
}

/// So many in a row are no rounding: a sample is missing.
const MOST_LATE: u32 = 4;

impl Timeline {
    pub(super) fn new(rate: SampleRate, first_sample: u64) -> Self {
        Self { rate, origin: None, next: first_sample, late: 0 }
    }

    /// Index of the sample that comes next if nothing is lost.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// Whether samples come with the radio's time.
    pub(super) fn has_clock(&self) -> bool {
        self.origin.is_some()
    }

    /// Places what was read: its first sample has the radio's time `time_ns`. After an overflow something is
    /// missing; without a clock, `estimate` says how much.
    pub(super) fn place(
        &mut self,
        time_ns: Option<i64>,
        after_overflow: bool,
        estimate: impl FnOnce() -> u64,
    ) -> Step {
        let Some(time_ns) = time_ns.map(i128::from) else {
            if !after_overflow {
                return Step::Follows;
            }
            // After a read without a time those with one begin anew.
            self.origin = None;
            let lost = estimate();
            self.next += lost;
            return Step::Gap { lost, estimated: true };
        };
        let Some((sample, origin_ns)) = self.origin else {
            self.origin = Some((self.next, time_ns));
            return Step::Follows;
        };
        let due = i128::from(sample) + samples(self.rate, time_ns - origin_ns);
        let missing = due - i128::from(self.next);
        // Clocks are told in nanoseconds, and some drivers round them to ticks of their own.
        self.late = if missing == 1 { self.late + 1 } else { 0 };
        let tolerance = if after_overflow || self.late >= MOST_LATE { 0 } else { 1 };
        if missing > tolerance {
            let lost = u64::try_from(missing).unwrap_or(u64::MAX);
            self.next = self.next.saturating_add(lost);
            self.late = 0;
            Step::Gap { lost, estimated: false }
        } else if missing < -1 {
            self.origin = Some((self.next, time_ns));
            let nanos = self.rate.nanos_from_samples(-missing);
            Step::WentBack { nanos }
        } else {
            Step::Follows
        }
    }

    /// Goes on behind `n` samples.
    pub(super) fn advance(&mut self, n: u64) {
        self.next += n;
    }
}

/// Sample periods in a time, to the nearest.
fn samples(rate: SampleRate, nanos: i128) -> i128 {
    let (numerator, denominator) = (i128::from(rate.numerator()), i128::from(rate.denominator()));
    let per = 2 * denominator * 1_000_000_000;
    (2 * nanos * numerator + per / 2).div_euclid(per)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(hz: f64) -> SampleRate {
        SampleRate::from_hz(hz).unwrap()
    }

    /// The time that a radio tells for a sample, cut to nanoseconds.
    fn time(rate: SampleRate, sample: u64) -> Option<i64> {
        Some(1_000_000_007 + rate.nanos_from_samples(sample.into()) as i64)
    }

    #[test]
    fn every_loss_is_counted_to_the_sample_at_any_rate_however_long_it_runs() {
        for hz in [20e6, 61.44e6, 2.4e6, 1e6 / 3.0, 48_000.0] {
            let rate = rate(hz);
            let first = 1_800_000_000_000_000;
            let mut timeline = Timeline::new(rate, first);
            let mut at = 0;
            for read in 0..10_000_u64 {
                let lost = if read % 100 == 99 { 1 + read * 7919 % 1_000_003 } else { 0 };
                at += lost;
                let step = timeline.place(time(rate, at), lost > 0, || panic!("there is a clock"));
                let expected = if lost > 0 { Step::Gap { lost, estimated: false } } else { Step::Follows };
                assert_eq!(step, expected, "{hz} Hz, read {read}");
                assert_eq!(timeline.next(), first + at);
                timeline.advance(65_521);
                at += 65_521;
            }
        }
    }

    #[test]
    fn a_jump_that_no_overflow_announced_is_a_gap_and_one_back_is_told() {
        let rate = rate(1e6);
        let mut timeline = Timeline::new(rate, 0);
        let place = |timeline: &mut Timeline, at| timeline.place(time(rate, at), false, || 0);
        assert_eq!(place(&mut timeline, 0), Step::Follows);
        timeline.advance(1000);
        // One sample either way may be the rounding of a driver.
        assert_eq!(place(&mut timeline, 1001), Step::Follows);
        assert_eq!(place(&mut timeline, 999), Step::Follows);
        assert_eq!(place(&mut timeline, 251_000), Step::Gap { lost: 250_000, estimated: false });
        timeline.advance(1000);
        assert_eq!(place(&mut timeline, 2000), Step::WentBack { nanos: 250_000_000 });
        assert_eq!(timeline.next(), 252_000, "indices only grow");
        timeline.advance(10);
        assert_eq!(place(&mut timeline, 2010), Step::Follows);
    }

    #[test]
    fn one_sample_that_stays_away_is_missed() {
        let rate = rate(1e6);
        let mut timeline = Timeline::new(rate, 0);
        let steps: Vec<Step> = (0..10)
            .map(|read| {
                let at = read * 100 + u64::from(read > 2);
                let step = timeline.place(time(rate, at), false, || 0);
                timeline.advance(100);
                step
            })
            .collect();
        assert_eq!(steps.iter().filter(|step| **step == Step::Gap { lost: 1, estimated: false }).count(), 1);
        assert_eq!(timeline.next(), 1001);
    }

    #[test]
    fn without_a_clock_what_an_overflow_lost_is_estimated() {
        let mut timeline = Timeline::new(rate(1e6), 5);
        assert_eq!(timeline.place(None, false, || 9), Step::Follows);
        timeline.advance(10);
        assert_eq!(timeline.place(None, true, || 9), Step::Gap { lost: 9, estimated: true });
        assert_eq!(timeline.next(), 24);
    }
}
