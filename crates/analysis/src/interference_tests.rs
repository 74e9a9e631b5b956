use super::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const S: i64 = 1_000_000_000;
const LOOKS: u64 = 640;

/// A look a second: traffic at random, and what each look adds.
fn survey(each: impl Fn(u64, &mut ChaCha8Rng, &mut dyn FnMut(f64, f64, f64))) -> Vec<Finding> {
    let mut random = ChaCha8Rng::seed_from_u64(3);
    let mut survey = Survey::new(Steps { from_ns: 0, step_ns: 10 * S, n: 64 });
    for look in 0..LOOKS {
        let mut seen = |range_m: f64, doppler_hz: f64, noise_db: f64| {
            survey.detection(&Seen {
                time_ns: Some(look as i64 * S),
                cpi: Some((1, look)),
                range_m: Some(range_m),
                doppler_hz: Some(doppler_hz),
                snr_db: 15.0,
                power_db: 15.0 + noise_db,
            });
        };
        for _ in 0..3 {
            seen(30e3 * random.random::<f64>(), 4e3 * (random.random::<f64>() - 0.5), -60.0);
        }
        each(look, &mut random, &mut seen);
    }
    survey.finish(Some(LOOKS as f64), u64::MAX)
}

fn rules(found: &[Finding]) -> Vec<Rule> {
    found.iter().map(|finding| finding.rule).collect()
}

#[test]
fn traffic_alone_is_no_interference() {
    assert_eq!(survey(|_, _, _| {}), []);
}

#[test]
fn each_rule_finds_what_it_is_for_and_nothing_else() {
    let found = survey(|look, random, seen| {
        if look % 2 == 0 {
            seen(7_040.0 + 10.0 * random.random::<f64>(), random.random::<f64>() - 0.5, -60.0);
        }
    });
    assert_eq!(rules(&found), [Rule::StandingEcho]);
    let [from, to] = found[0].range_m.unwrap();
    assert!(from <= 7_050.0 && to >= 7_040.0 && to - from < 300.0);

    let found = survey(|_, random, seen| seen(7_040.0, 700.0 + random.random::<f64>(), -60.0));
    assert_eq!(rules(&found), [Rule::Spur]);

    let found = survey(|_, random, seen| seen(30e3 * random.random::<f64>(), 700.0, -60.0));
    assert_eq!(rules(&found), [Rule::Tone]);
    assert!(found[0].doppler_hz.unwrap()[0] <= 700.0 && found[0].doppler_hz.unwrap()[1] >= 700.0);

    let found = survey(|look, random, seen| {
        for _ in 0..if look % 100 == 7 { 60 } else { 0 } {
            seen(30e3 * random.random::<f64>(), 4e3 * (random.random::<f64>() - 0.5), -60.0);
        }
    });
    assert_eq!(rules(&found), [Rule::PulsedInterference]);
    assert_eq!(found[0].count, 7);

    let found = survey(|look, _, seen| {
        for _ in 0..if (200..240).contains(&look) { 9 } else { 0 } {
            seen(9e3 + look as f64, 0.7 * look as f64, -55.0);
        }
    });
    assert_eq!(rules(&found), [Rule::NoiseRise]);
    assert_eq!((found[0].count, found[0].time_ns.is_some()), (4, true));

    let found = survey(|look, _, seen| {
        if look == 5 {
            seen(9e3, 500.0, -15.5);
        }
    });
    assert_eq!(rules(&found), [Rule::NearClipping]);
}
