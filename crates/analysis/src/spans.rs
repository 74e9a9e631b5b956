//! Time in steps, and how much of each was observed.

use rangegate_coverage::measured::Interval;
use serde::Serialize;

/// Steps of a time line, all of one length.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Steps {
    /// Begin of the first, ns since 1970.
    pub from_ns: i64,
    /// Their length, ns.
    pub step_ns: i64,
    /// How many.
    pub n: usize,
}

/// Lengths that a person would choose, s.
const LENGTHS_S: [i64; 16] =
    [1, 2, 5, 10, 30, 60, 120, 300, 600, 1_800, 3_600, 7_200, 21_600, 43_200, 86_400, 604_800];

impl Steps {
    /// The shortest steps of a round length, at round times, of which at most `most` cover a window. One shorter than so
    /// many seconds is cut into so many parts of nanoseconds.
    pub fn new(from_ns: i64, to_ns: i64, most: usize) -> Self {
        let most = most.max(1) as i64;
        let span_ns = to_ns.saturating_sub(from_ns).max(1);
        if span_ns < 2_000_000_000 {
            let step_ns = span_ns / most + 1;
            return Self { from_ns, step_ns, n: ((span_ns - 1) / step_ns + 1) as usize };
        }
        let lengths = LENGTHS_S.iter().map(|length| length * 1_000_000_000);
        let days = (span_ns / (most * 86_400_000_000_000) + 1) * 86_400_000_000_000;
        let step_ns = lengths.filter(|step| span_ns / step < most - 1).min().unwrap_or(days);
        let first = from_ns.div_euclid(step_ns) * step_ns;
        let n = ((to_ns - 1).max(from_ns).saturating_sub(first) / step_ns + 1) as usize;
        Self { from_ns: first, step_ns, n }
    }

    /// In which step a time lies.
    pub fn of(&self, time_ns: i64) -> Option<usize> {
        let at = time_ns.checked_sub(self.from_ns)?.div_euclid(self.step_ns.max(1));
        usize::try_from(at).ok().filter(|at| *at < self.n)
    }

    /// Begin and end of a step, ns since 1970.
    pub fn interval(&self, at: usize) -> Interval {
        let from_ns = self.from_ns.saturating_add(self.step_ns.saturating_mul(at as i64));
        [from_ns, from_ns.saturating_add(self.step_ns)]
    }

    /// How much of each step lies in intervals that are in order and apart, s.
    pub fn observed_s(&self, ran: &[Interval]) -> Vec<f64> {
        let mut observed = vec![0.0; self.n];
        for [from, to] in ran {
            let first = from.saturating_sub(self.from_ns).div_euclid(self.step_ns.max(1)).max(0) as usize;
            for (at, sum) in observed.iter_mut().enumerate().skip(first) {
                let [begin, end] = self.interval(at);
                if begin >= *to {
                    break;
                }
                *sum += (end.min(*to) - begin.max(*from)).max(0) as f64 * 1e-9;
            }
        }
        observed
    }
}

/// Whether a time lies in intervals that are in order and apart.
pub fn contains(ran: &[Interval], time_ns: i64) -> bool {
    let after = ran.partition_point(|[from, _]| *from <= time_ns);
    after > 0 && time_ns < ran[after - 1][1]
}

/// Intervals within a window.
pub fn within(ran: &[Interval], [from, to]: Interval) -> Vec<Interval> {
    let cut = ran.iter().map(|[begin, end]| [(*begin).max(from), (*end).min(to)]);
    cut.filter(|[begin, end]| begin < end).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    const S: i64 = 1_000_000_000;

    #[test]
    fn steps_are_round_and_cover_the_window() {
        for (from, to, most) in [
            (7 * S, 100 * S, 100),
            (1_700_000_123 * S, 1_700_090_000 * S, 100),
            (-5 * S, 5 * S, 10),
            (0, 4_000 * 86_400 * S, 50),
            (3, 4, 9),
        ] {
            let steps = Steps::new(from, to, most);
            assert!(steps.n <= most && steps.n > 0, "{steps:?}");
            assert_eq!(steps.of(from), Some(0));
            assert_eq!(steps.of(to - 1), Some(steps.n - 1), "{steps:?}");
        }
        assert_eq!(Steps::new(0, 86_400 * S, 100).step_ns, 1_800 * S);
    }

    #[test]
    fn what_was_observed_adds_up() {
        let steps = Steps::new(0, 100 * S, 101);
        let ran = [[-10 * S, 5 * S / 2], [10 * S, 20 * S], [99 * S, 400 * S]];
        let observed = steps.observed_s(&ran);
        let total: f64 = observed.iter().sum();
        assert!(
            (total - 2.5 - 10.0 - 1.0 * steps.interval(steps.n - 1)[1].min(400 * S) as f64 / S as f64 + 99.0)
                .abs()
                < 1e-9,
            "{total}"
        );
        assert!(
            contains(&ran, 0)
                && contains(&ran, 10 * S)
                && !contains(&ran, 20 * S)
                && !contains(&ran, -20 * S)
        );
        assert_eq!(within(&ran, [0, 15 * S]), [[0, 5 * S / 2], [10 * S, 15 * S]]);
    }
}
