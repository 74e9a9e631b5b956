//! The scenes of configs/two-stations, fused: better than each station alone, no ghosts, one identity.
#![allow(missing_docs, clippy::print_stdout)]

mod common;

use common::{Setup, caucasus, fuse, laboratory, mean_and_interval, run, score};
use rangegate_fusion::FusionReport;

/// Reports of some seeds, and the mean gain and half its 95 % interval.
fn over_seeds(name: &str, make: impl Fn(u64) -> Setup, n: u64) -> (Vec<FusionReport>, f64, f64) {
    let mut reports = Vec::new();
    for seed in 1..=n {
        let setup = make(seed);
        let run = run(&setup);
        let (fuser, pictures) = fuse(&setup, &run, 0.0);
        let report = score(&setup, &run, &pictures);
        println!("{name} {seed}: {}", serde_json::to_string(&report).unwrap());
        for bias in fuser.biases() {
            println!("   {bias:?}");
        }
        reports.push(report);
    }
    let gains: Vec<f64> = reports.iter().map(|report| report.improvement).collect();
    let (mean, half) = mean_and_interval(&gains);
    println!("{name}: improvement {:.1} ± {:.1} %", 100.0 * mean, 100.0 * half);
    (reports, mean, half)
}

/// What both scenes must show.
fn must_be_better(name: &str, make: impl Fn(u64) -> Setup, n: u64) -> Vec<FusionReport> {
    let (reports, mean, half) = over_seeds(name, make, n);
    assert!(mean - half >= 0.25, "{name}: improvement {mean} ± {half}");
    for report in &reports {
        assert!(report.longest_ghost_s <= 10.0, "{name}: {report:?}");
    }
    reports
}

#[test]
fn laboratory_is_better_fused() {
    for report in must_be_better("laboratory", laboratory, 5) {
        assert_eq!(report.identity_switches, 0, "{report:?}");
        // Nowhere lasts what the geometry of the first moments leaves open.
        assert!(report.longest_ghost_s <= 5.0 && report.improvement >= 0.25, "{report:?}");
    }
}

#[test]
fn caucasus_is_better_fused() {
    for report in must_be_better("caucasus", caucasus, 5) {
        assert_eq!(report.identity_switches, 0, "{report:?}");
        assert!(report.improvement >= 0.7, "{report:?}");
    }
}

#[test]
fn stations_that_share_only_tracks_help_too() {
    // Without elevation one station's tracks have no height to be joined by: the laboratory gains nothing (docs/stations.md).
    let both = |seed| Setup { tracks_only: vec!["gabala", "armavir"], ..caucasus(seed) };
    let (_, mean, half) = over_seeds("caucasus, tracks only", both, 3);
    assert!(mean - half >= 0.25, "{mean} ± {half}");
}

#[test]
fn biases_are_found_and_corrected() {
    let biased = |seed| {
        let mut setup = laboratory(seed);
        setup.config.bias.range_m = 60.0;
        setup.config.bias.azimuth_deg = 2.0;
        setup.config.bias.clock_s = 0.1;
        let bias = &mut setup.scene.station[1].bias;
        (bias.range_m, bias.azimuth_deg, bias.clock_s) = (80.0, 3.0, 0.0);
        setup
    };
    // The heights' weights take what is left of a bias for noise, so that less is gained than without (docs/stations.md).
    let (reports, mean, _) = over_seeds("laboratory, biased", biased, 4);
    assert!(mean > 0.1, "{mean}");
    assert!(reports.iter().all(|report| report.identity_switches == 0), "{reports:?}");
    let setup = biased(1);
    let run = run(&setup);
    let (fuser, _) = fuse(&setup, &run, 0.0);
    let [meadow, hill] = fuser.biases() else { panic!("two stations") };
    assert!(hill.azimuth_deg.applied && (hill.azimuth_deg.value - 3.0).abs() < 0.5, "{hill:?}");
    assert!((hill.range_m.value - 80.0).abs() < 3.0 * hill.range_m.sigma, "{hill:?}");
    assert!(!meadow.azimuth_deg.applied || meadow.azimuth_deg.value.abs() < 0.5, "{meadow:?}");
}

#[test]
fn ranges_alone_make_a_picture() {
    // Along the baseline a straight path may be turned about it and keeps both ranges: no better than alone (docs/stations.md),
    // but no worse by more than what its ghosts cost.
    let ranges = |seed| {
        let mut setup = laboratory(seed);
        for station in &mut setup.scene.station {
            station.measures_azimuth = false;
            // Mirror images beside the baseline cannot be told apart otherwise.
            station.coverage.azimuth_deg = vec![[270.0, 90.0]];
        }
        setup
    };
    let (_, mean, _) = over_seeds("laboratory, ranges only", ranges, 4);
    assert!(mean > -0.1, "{mean}");
}

#[test]
fn late_reports_change_nothing() {
    for setup in [laboratory(1), Setup { tracks_only: vec!["armavir"], ..caucasus(1) }] {
        let mut setup = setup;
        setup.scene.duration_s = setup.scene.duration_s.min(200.0);
        let run = run(&setup);
        let (_, in_time) = fuse(&setup, &run, 0.0);
        let (fuser, late) = fuse(&setup, &run, 2.0);
        assert_eq!(fuser.counts().late, 0);
        assert!(in_time.len() > 200);
        assert!(in_time == late);
    }
}

/// A satellite that the northern station loses minutes before the southern one finds it.
#[test]
fn a_satellite_keeps_its_identity_from_station_to_station() {
    for seed in 1..=8 {
        let mut setup = caucasus(seed);
        setup.scene.target.retain(|target| target.name == "satellite south");
        let [south, north] = &mut setup.scene.station[..] else { panic!("two stations") };
        south.coverage.azimuth_deg = vec![[90.0, 270.0]];
        south.coverage.elevation_deg = [3.0, 40.0];
        north.coverage.azimuth_deg = vec![[270.0, 90.0]];
        north.coverage.elevation_deg = [3.0, 40.0];
        if seed % 2 == 0 {
            setup.tracks_only = vec!["armavir"];
        }
        let run = run(&setup);
        let (_, pictures) = fuse(&setup, &run, 0.0);
        let seen_by = |name: &str| -> Vec<_> {
            pictures.iter().filter(|of| of.contributors.iter().any(|by| by.station == name)).collect()
        };
        let (first, second) = (seen_by("armavir"), seen_by("gabala"));
        let gap_s = common::scene_time_s(second[0].time) - common::scene_time_s(first[first.len() - 1].time);
        println!("seed {seed}: gap of {gap_s} s, {} and {} s seen", first.len(), second.len());
        assert!(gap_s > 100.0 && first.len() > 50 && second.len() > 50);
        let ids: std::collections::BTreeSet<u64> = first.iter().chain(&second).map(|of| of.id).collect();
        assert_eq!(ids.len(), 1, "seed {seed}");
        assert_eq!(second[second.len() - 1].kind, rangegate_fusion::Kind::Satellite);
    }
}
