use super::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const S: i64 = 1_000_000_000;
const GATE: Gate = Gate { range_m: 500.0, azimuth_deg: 3.0, look_ns: S };

fn target(time_ns: i64, range_m: f64) -> Target {
    Target { time_ns, range_m, range_rate_mps: 200.0, azimuth_deg: 359.0, azimuth_rate_dps: 1.0 }
}

#[test]
fn a_detection_belongs_to_the_look_and_place_it_is_in() {
    for (after_ns, range_m, azimuth_deg, expected) in [
        (0, 10_000.0, Some(359.0), 1),
        // Target and azimuth have moved on.
        (S / 2 - 1, 10_100.0 + 499.0, Some(2.4), 1),
        (S / 2, 10_100.0, Some(359.5), 0),
        (-S / 2, 9_900.0, None, 1),
        (-S / 2 - 1, 9_900.0, None, 0),
        (0, 10_501.0, None, 0),
        (0, 10_000.0, Some(2.5), 0),
    ] {
        let mut looks = Looks::new(GATE);
        looks.expect(target(100 * S, 10_000.0));
        looks.detection(100 * S + after_ns, range_m, azimuth_deg);
        let found = looks.finish();
        assert_eq!((found.all.tries, found.all.hits), (1, expected), "{after_ns} {range_m} {azimuth_deg:?}");
    }
}

#[test]
fn the_true_probability_lies_in_95_of_100_intervals() {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let (mut held, mut bins) = (0, 0);
    for _ in 0..100 {
        let mut looks = Looks::new(GATE);
        for look in 0..600 {
            let time_ns = look * S + S / 3;
            let range_m = 1_000.0 + 50.0 * look as f64;
            looks.expect(Target { azimuth_deg: (look % 360) as f64, ..target(time_ns, range_m) });
            let p = if range_m < 16_000.0 { 0.9 } else { 0.4 };
            if random.random::<f64>() < p {
                looks.detection(time_ns, range_m, None);
            }
        }
        let found = looks.finish();
        for bin in found.by_range.iter().filter(|bin| bin.detected.tries > 0) {
            let p = if bin.to <= 16_000.0 { 0.9 } else { 0.4 };
            bins += 1;
            held += i32::from((bin.detected.low..=bin.detected.high).contains(&p));
        }
        let by_both: u64 = found.by_both.iter().flatten().map(|cell| cell[0]).sum();
        assert_eq!(by_both, found.all.tries);
    }
    let share = f64::from(held) / f64::from(bins);
    assert!(share > 0.92 && share < 0.98, "{share} of {bins}");
}

#[test]
fn chance_is_measured() {
    let mut random = ChaCha8Rng::seed_from_u64(2);
    let mut looks = Looks::new(GATE);
    for look in 0..5_000 {
        looks.expect(Target { range_rate_mps: 0.0, ..target(look * S, 10_000.0) });
        // A false detection a look over 20 km: 5 % lie in a gate of 1 km.
        looks.detection(look * S, 20_000.0 * random.random::<f64>(), None);
    }
    let found = looks.finish();
    assert!((found.all.low..=found.all.high).contains(&0.05), "{:?}", found.all);
    assert!((found.by_chance.low..=found.by_chance.high).contains(&0.05), "{:?}", found.by_chance);
}
