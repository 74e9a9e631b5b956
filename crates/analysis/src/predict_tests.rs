use super::*;
use crate::history::Point;
use crate::synthetic::{FREE, STRAIGHT, normal, path, random, state, tracked};
use rangegate_tracking::gaussian::Vector;

const AHEAD_S: [f64; 3] = [30.0, 60.0, 300.0];

/// Whether the truth lies within the ellipse.
fn is_within(prediction: &Prediction, truth: &Vector<6>) -> bool {
    let place = prediction.place.unwrap();
    let offset = place.enu_from_ecef() * (truth.fixed_rows::<3>(0) - place.ecef_m());
    let (azimuth, [long, short]) =
        (prediction.ellipse_azimuth_deg.unwrap().to_radians(), prediction.ellipse_95_m.unwrap());
    let (sin, cos) = azimuth.sin_cos();
    let (along, across) = (offset.x * sin + offset.y * cos, offset.x * cos - offset.y * sin);
    (along / long).powi(2) + (across / short).powi(2) <= 1.0
}

/// How often the truth lies within, by time ahead, and which models were taken.
fn trial(of: impl Fn(u64) -> (History, Vec<Vector<6>>, usize)) -> ([f64; 3], Vec<Model>) {
    let (mut within, mut models) = ([0.0; 3], Vec::new());
    const N: u64 = 200;
    for seed in 0..N {
        let (history, truth, last) = of(seed);
        for (at, prediction) in predict(&history, &AHEAD_S).iter().enumerate() {
            within[at] +=
                f64::from(u8::from(is_within(prediction, &truth[last + AHEAD_S[at] as usize]))) / N as f64;
            models.push(prediction.model);
        }
    }
    (within, models)
}

#[test]
fn aircraft_are_where_95_of_100_ellipses_say() {
    // The filter's noise is not the target's: what counts is how well the past was predicted.
    for (psd, filter_psd) in [(1.0, 1.0), (0.1, 2.0), (4.0, 1.0)] {
        let (within, models) = trial(|seed| {
            let mut random = random(seed);
            let truth =
                path(state(48.0, 11.0, 9e3, [150.0, 150.0, 0.0]), 901, &STRAIGHT(0.0), psd, &mut random);
            let states = tracked(&truth[..601], &STRAIGHT(filter_psd), 50.0, &mut random);
            (History { earth: states, radial: Vec::new() }, truth, 600)
        });
        assert!(
            models.iter().filter(|model| **model == Model::ConstantVelocity).count()
                >= models.len() * 99 / 100
        );
        // 300 s are five times what the past was tried for: noise that it hid grows with the cube of time.
        for (share, least) in within.iter().zip([0.88, 0.88, 0.75]) {
            assert!((least..=0.999).contains(share), "psd {psd}: {within:?}");
        }
    }
}

#[test]
fn what_falls_freely_is_predicted_so() {
    let (within, models) = trial(|seed| {
        let mut random = random(seed);
        let truth =
            path(state(68.0, 21.0, 80e3, [300.0, 300.0, 2_000.0]), 481, &FREE(0.0), 1e-3, &mut random);
        let states = tracked(&truth[..181], &STRAIGHT(100.0), 50.0, &mut random);
        (History { earth: states, radial: Vec::new() }, truth, 180)
    });
    assert!(models.iter().all(|model| *model == Model::FreeFlight));
    assert!(within.iter().all(|share| *share >= 0.88), "{within:?}");
}

#[test]
fn places_alone_are_enough() {
    let (within, _) = trial(|seed| {
        let mut random = random(seed);
        let truth = path(state(48.0, 11.0, 9e3, [150.0, 150.0, 0.0]), 601, &STRAIGHT(0.0), 0.3, &mut random);
        let points: Vec<Point> = truth[..301]
            .iter()
            .enumerate()
            .map(|(k, state)| {
                let at = state.fixed_rows::<3>(0) + normal(&mut random) * 30.0;
                Point { time_s: k as f64, place: Some(Geodetic::from_ecef_m(&at)), ..Point::default() }
            })
            .collect();
        (History::new(&points), truth, 300)
    });
    assert!(within.iter().all(|share| (0.85..=1.0).contains(share)), "{within:?}");
}

#[test]
fn a_range_is_predicted_where_nothing_else_is_known() {
    let point = |k: u32| Point {
        time_s: f64::from(k),
        range_m: Some(20e3 - 100.0 * f64::from(k)),
        ..Point::default()
    };
    let history = History::new(&(0..100).map(point).collect::<Vec<_>>());
    let found = predict(&history, &[30.0]);
    assert!((found[0].range_m.unwrap() - (20e3 - 100.0 * 129.0)).abs() < 1.0, "{found:?}");
    assert!(found[0].place.is_none() && found[0].range_sigma_m.unwrap() < 50.0);
    assert_eq!(predict(&History::default(), &AHEAD_S), []);
}
