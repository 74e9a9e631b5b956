//! Why tracks are not associated, alerts, and what is refused.
#![allow(missing_docs, clippy::print_stdout)]

mod common;

use common::{Sent, Setup, caucasus, fuse, laboratory, push, run, time};
use rangegate_core::Timestamp;
use rangegate_fusion::{
    AlertConfig, AlertSort, AlertWatch, FusedTrack, Fuser, FusionConfig, Kind, LastHeard, LocalTrack,
    TrackReport,
};

fn local(report: &TrackReport) -> LocalTrack {
    LocalTrack { station: report.station.clone(), boot: report.boot, number: report.number }
}

/// The tracks that a station reported last before `until_s`.
fn latest(run: &common::Run, station: &str, until_s: f64) -> Vec<TrackReport> {
    let of = |(at_s, sent): &(f64, Sent)| match sent {
        Sent::Track(of) if of.station == station && *at_s <= until_s && *at_s > until_s - 1.0 => {
            Some(of.as_ref().clone())
        }
        _ => None,
    };
    run.sent.iter().filter_map(of).collect()
}

#[test]
fn why_two_tracks_are_two_is_said() {
    let mut setup = laboratory(3);
    setup.tracks_only = vec!["hill"];
    setup.scene.duration_s = 100.0;
    let run = run(&setup);
    let mut fuser = Fuser::new(&setup.config, &run.stations).unwrap();
    for (at_s, sent) in &run.sent {
        fuser.advance(time(*at_s));
        push(&mut fuser, sent);
    }
    fuser.advance(time(103.0));
    let (mut one, mut two) = (0, 0);
    for a in latest(&run, "meadow", 99.99) {
        for b in latest(&run, "hill", 99.99) {
            let why = fuser.why(&local(&a), &local(&b)).expect("both are known");
            assert_eq!(why.components.len(), 6);
            let far_m: f64 = (0..3).map(|i| (a.state[i] - b.state[i]).powi(2)).sum::<f64>().sqrt();
            println!("{far_m:.0} m: {}", why.text);
            if why.associated {
                one += 1;
                assert!(why.distance_sigmas < 2.0 * why.gate_sigmas, "{why:?}");
            } else {
                two += 1;
                assert!(why.text.contains("two") || why.text.contains("near"), "{why:?}");
            }
        }
    }
    assert!(one >= 2 && two >= 5, "{one} associated, {two} not");
    let nobody = LocalTrack { station: "nobody".into(), boot: 1, number: 1 };
    assert!(fuser.why(&nobody, &nobody).is_none());
}

fn watch_all(setup: &Setup, config: &AlertConfig) -> Vec<rangegate_fusion::Alert> {
    let run = run(setup);
    let (_, pictures) = fuse(setup, &run, 0.0);
    let mut watch = AlertWatch::new(config);
    let mut alerts = Vec::new();
    for picture in pictures.chunk_by(|a, b| a.time == b.time) {
        alerts.append(&mut watch.watch(picture[0].time, picture, &[]));
    }
    alerts
}

#[test]
fn rockets_that_climb_raise_an_alert_and_nothing_else_does() {
    for seed in 1..=3 {
        let setup = caucasus(seed);
        let alerts = watch_all(&setup, &AlertConfig::default());
        let climbing: Vec<_> =
            alerts.iter().filter(|alert| alert.sort == AlertSort::ClimbsFromGround).collect();
        for alert in &climbing {
            println!("{seed}: {} {}", alert.time, alert.text);
        }
        // Three rockets are launched.
        assert_eq!(climbing.len(), 3, "seed {seed}");
        for alert in climbing {
            assert_eq!(alert.track.as_ref().expect("its track").kind, Kind::Ballistic);
        }
        let found = alerts.iter().filter(|alert| alert.sort == AlertSort::NewObject).count();
        assert!((9..=14).contains(&found), "{found} new objects");
        assert_eq!(alerts, watch_all(&setup, &AlertConfig::default()));
    }
}

fn aircraft(id: u64, time: Timestamp) -> FusedTrack {
    let position = rangegate_tracking::Geodetic { latitude_deg: 48.0, longitude_deg: 11.0, height_m: 1e3 };
    let at = position.ecef_m();
    FusedTrack {
        id,
        time,
        state: [at.x, at.y, at.z, 100.0, 0.0, 0.0],
        covariance: std::array::from_fn(|i| std::array::from_fn(|j| f64::from(u8::from(i == j)))),
        position,
        contributors: Vec::new(),
        first_seen: common::time(0.0),
        last_seen: time,
        coasting: false,
        is_first: false,
        is_last: false,
        kind: Kind::Aircraft,
    }
}

#[test]
fn lost_stations_and_floods_are_told_once() {
    let config = AlertConfig { per_sort: 3, ..AlertConfig::default() };
    let mut watch = AlertWatch::new(&config);
    let heard = |at_s: f64| [LastHeard { station: "hill".into(), time: time(at_s) }];
    assert!(watch.watch(time(30.0), &[], &heard(0.0)).is_empty());
    let lost = watch.watch(time(31.0), &[], &heard(0.0));
    assert_eq!(
        (lost.len(), lost[0].sort, lost[0].station.as_deref()),
        (1, AlertSort::StationLost, Some("hill"))
    );
    assert!(watch.watch(time(60.0), &[], &heard(0.0)).is_empty());
    assert_eq!(watch.watch(time(61.0), &[], &heard(60.0))[0].sort, AlertSort::StationBack);
    let many: Vec<FusedTrack> = (1..=10).map(|id| aircraft(id, time(70.0))).collect();
    assert_eq!(watch.watch(time(70.0), &many, &[]).len(), 3);
    let later = watch.watch(time(200.0), &[aircraft(11, time(200.0))], &[]);
    assert_eq!((later.len(), later[0].held_back), (1, 7));
}

#[test]
fn nonsense_is_refused_and_counted() {
    let setup = laboratory(1);
    let stations = common::info(&setup);
    let mut fuser = Fuser::new(&setup.config, &stations).unwrap();
    let good = TrackReport {
        station: "hill".into(),
        boot: 1,
        number: 1,
        time: time(1.0),
        state: [4.2e6, 0.8e6, 4.7e6, 0.0, 0.0, 0.0],
        covariance: std::array::from_fn(|i| std::array::from_fn(|j| f64::from(u8::from(i == j)))),
        ended: false,
        detections: Vec::new(),
    };
    let mut broken = good.clone();
    broken.covariance[2][2] = -1.0;
    let mut infinite = good.clone();
    infinite.state[4] = f64::INFINITY;
    let elsewhere = TrackReport { station: "nobody".into(), ..good.clone() };
    for report in [&good, &broken, &infinite, &elsewhere] {
        fuser.push_track(report);
    }
    fuser.advance(time(20.0));
    fuser.push_track(&good);
    let counts = fuser.counts();
    assert_eq!((counts.taken, counts.refused, counts.unknown, counts.late), (1, 2, 1, 1));
    let twice = [stations[0].clone(), stations[0].clone()];
    assert!(Fuser::new(&setup.config, &twice).is_err() && Fuser::new(&setup.config, &[]).is_err());
    let bad = FusionConfig { step_s: 0.0, ..FusionConfig::default() };
    assert!(Fuser::new(&bad, &stations).unwrap_err().to_string().contains("fusion.step_s"));
}
