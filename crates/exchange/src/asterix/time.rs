//! Time of day, which is all the time that ASTERIX has: 1/128 s since midnight UTC, without the date.

use rangegate_core::Timestamp;

const NS_PER_DAY: i128 = 86_400_000_000_000;
const TICKS_PER_DAY: i128 = 86_400 * 128;

/// Seconds since midnight UTC, to the nearest 1/128 s. What rounds up to midnight is the next day's 0.
pub fn time_of_day_s(time: Timestamp) -> f64 {
    let ns = time.as_nanosecond().rem_euclid(NS_PER_DAY);
    let ticks = (ns * TICKS_PER_DAY + NS_PER_DAY / 2) / NS_PER_DAY % TICKS_PER_DAY;
    ticks as f64 / 128.0
}

/// The time nearest to `near` whose time of day it is; `near` itself where that rounds to it, so that full time comes
/// back. Half a day either way is told apart.
pub fn timestamp(time_of_day_s: f64, near: Timestamp) -> Timestamp {
    let ticks = (time_of_day_s * 128.0).round() as i128;
    let ns = ticks * NS_PER_DAY / TICKS_PER_DAY;
    let ahead = (ns - near.as_nanosecond()).rem_euclid(NS_PER_DAY);
    let step = if ahead > NS_PER_DAY / 2 { ahead - NS_PER_DAY } else { ahead };
    // Half a tick is 3,906,250 ns.
    if step.abs() <= 3_906_250 && self::time_of_day_s(near).to_bits() == time_of_day_s.to_bits() {
        return near;
    }
    Timestamp::from_nanosecond(near.as_nanosecond() + step).unwrap_or(near)
}

#[cfg(test)]
mod tests {
    use super::{time_of_day_s, timestamp};
    use rangegate_core::Timestamp;

    fn time(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    #[test]
    fn the_date_comes_back_across_midnight() {
        let late = time("2026-11-22T23:59:59.5Z");
        assert_eq!(timestamp(0.25, late), time("2026-11-23T00:00:00.25Z"));
        assert_eq!(timestamp(86_399.5, time("2026-11-23T00:00:01Z")), late);
        let rounds_up = time("2026-11-22T23:59:59.9999Z");
        assert!(time_of_day_s(rounds_up).abs() < f64::EPSILON);
        assert_eq!(timestamp(0.0, rounds_up), rounds_up);
    }

    #[test]
    fn full_time_comes_back_where_it_is_the_tick_s() {
        let full = time("2026-11-22T10:00:00.123456789Z");
        assert_eq!(timestamp(time_of_day_s(full), full), full);
        assert_eq!(timestamp(36_000.0, full), time("2026-11-22T10:00:00Z"));
    }
}
