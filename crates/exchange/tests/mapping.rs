//! Detections, tracks, sites and status become records, octets, and what they were.

use rangegate_core::{Detection, Timestamp};
use rangegate_exchange::asterix::fused::SystemTrack;
use rangegate_exchange::asterix::report::{DataSource, Kind, Station, TargetReport};
use rangegate_exchange::asterix::service::{self, Condition, SiteReport, StationStatus};
use rangegate_exchange::asterix::{self, Block, Record, display, tables::category};
use rangegate_exchange::link::{BlockReader, LinkError, bind_udp, receive_udp, send_udp, write_blocks};
use rangegate_tracking::{Accuracy, Geodetic, Space, TrackState};

/// The record after a way through octets.
fn sent(record: Record) -> Record {
    let block = Block { category: record.category(), records: vec![record] };
    let octets = block.encode().expect("encodes");
    asterix::decode(&octets).expect("decodes").remove(0).records.remove(0)
}

fn near(found: f64, expected: f64, step: f64) {
    assert!((found - expected).abs() <= step / 2.0 * 1.000_001, "{found}, expected {expected} to {step}");
}

fn time() -> Timestamp {
    "2026-11-22T10:00:00.123456789Z".parse().expect("a time")
}

fn station() -> Station {
    let accuracy = Accuracy { range_m: 15.0, range_rate_mps: 0.75, azimuth_deg: 2.0, elevation_deg: 3.0 };
    let source = DataSource { sac: 250, sic: 1 };
    Station { source, pair: 3, baseline_m: Some(20e3), accuracy: Some(accuracy), ..Station::default() }
}

#[test]
fn a_bistatic_detection_comes_back() {
    let detection = Detection {
        cpi: Some(1),
        sample: 99,
        sample_fraction: 0.5,
        time: Some(time()),
        channel: 0,
        template: "chirp".into(),
        delay_s: Some(1e-4),
        range_m: Some(21_728.35),
        doppler_hz: Some(10.0),
        velocity_mps: Some(-61.725),
        azimuth_deg: Some(359.9999),
        snr_db: 17.3,
        power_db: -41.2,
        after_gap: false,
    };
    let report = TargetReport::from_detection(&detection, 123_456 + (1 << 24), &station()).expect("a report");
    let record = sent(report.to_record().expect("a record"));
    assert_eq!(record.quantity("625/R"), Some(23_456.7));
    assert_eq!(record.quantity("626/DV"), Some(-123.45));
    assert_eq!(record.integer("400/ON"), Some(123_456));
    let received = TargetReport::from_record(&record).expect("a report");
    assert_eq!(received.to_record().expect("a record"), record);
    let back = received.detection(&station(), time());
    assert_eq!((back.time, back.snr_db, back.power_db), (Some(time()), 17.0, -41.0));
    near(back.range_m.expect("a range"), 21_728.35, 0.1);
    near(back.velocity_mps.expect("a velocity"), -61.725, 0.01);
    assert_eq!(back.azimuth_deg, Some(0.0));
    let accuracy = received.measurement(&station()).accuracy.expect("its accuracy");
    near(accuracy.range_m, 15.0, 0.1);
    near(accuracy.range_rate_mps, 0.75, 1.0 / 64.0);
    assert!(display::plot(&received).is_err(), "a bistatic report is no polar plot");
}

/// A satellite: farther, higher and faster than category 015 has fields for.
fn satellite() -> TrackState {
    let place = Geodetic { latitude_deg: 44.0, longitude_deg: 41.0, height_m: 420e3 };
    let position = place.ecef_m();
    let mut covariance = vec![vec![0.0; 6]; 6];
    for i in 0..3 {
        covariance[i][i] = 2500.0;
        covariance[i + 3][i + 3] = 25.0;
        covariance[i][i + 3] = 200.0;
        covariance[i + 3][i] = 200.0;
    }
    TrackState {
        track: 65_536 + 7,
        time_s: 0.0,
        space: Space::Earth,
        state: vec![position.x, position.y, position.z, -4000.0, 5000.0, 4000.0],
        covariance,
        model_probabilities: vec![1.0],
        detections: vec![5, 6],
        begun_from: vec![],
        coasting: true,
        coasted_scans: 1,
        age_scans: 9,
        hits: 8,
        quality: 0.9,
        range_m: 1.9e6,
        range_rate_mps: -3000.0,
        azimuth_deg: Some(10.0),
        elevation_deg: Some(20.0),
        position: Some(place),
    }
}

#[test]
fn a_satellite_s_track_comes_back_with_its_covariance() {
    let track = satellite();
    let report = TargetReport::from_track(&track, time(), &Station { baseline_m: None, ..station() });
    let received = TargetReport::from_record(&sent(report.to_record().expect("a record"))).expect("a report");
    assert_eq!((received.kind, received.number, received.is_coasting), (Kind::SensorTrack, Some(7), true));
    assert_eq!(received.associations.len(), 2);
    near(received.range_m.expect("a range").value, 1.9e6, 0.0);
    let state = received.state.expect("a state");
    let ecef = state.ecef().expect("position and velocity");
    for (found, expected) in ecef.iter().zip(&track.state) {
        near(*found, *expected, 0.05);
    }
    let covariance = state.ecef_covariance().expect("a covariance");
    for i in 0..6 {
        for j in 0..6 {
            let scale = (track.covariance[i][i] * track.covariance[j][j]).sqrt();
            near(covariance[(i, j)] / scale, track.covariance[i][j] / scale, 0.03);
        }
    }
}

#[test]
fn a_track_in_range_comes_back() {
    let track = TrackState {
        space: Space::Range,
        state: vec![25e3, -80.0],
        covariance: vec![vec![100.0, 6.0], vec![6.0, 1.0]],
        position: None,
        range_m: 25e3,
        range_rate_mps: -80.0,
        ..satellite()
    };
    let report = TargetReport::from_track(&track, time(), &station());
    let received = TargetReport::from_record(&sent(report.to_record().expect("a record"))).expect("a report");
    assert_eq!(received.kind, Kind::MeasurementTrack);
    near(received.range_m.expect("a range").value, 30e3, 0.1);
    near(received.range_rate_mps.expect("a rate").value, -160.0, 0.1);
    near(received.range_rate_mps.and_then(|of| of.deviation).expect("a deviation"), 2.0, 0.1);
    near(received.range_correlation.expect("a correlation"), 0.6, 1.0 / 128.0);
}

#[test]
fn system_tracks_sites_and_status_come_back() {
    let source = DataSource { sac: 1, sic: 2 };
    let track = SystemTrack {
        source,
        time_of_day_s: 36_000.125,
        number: 9,
        latitude_deg: 45.0,
        longitude_deg: 179.999_999_999,
        height_m: Some(150e3),
        velocity_mps: Some([-250.0, 1000.25]),
        climb_mps: Some(2000.0),
        is_first: true,
        is_last: false,
        is_tentative: true,
        is_coasting: true,
        is_simulated: true,
        deviation_m: Some([20.0, 30.5]),
        contributors: vec![(1, 32_767), (2, 5)],
    };
    let received = SystemTrack::from_record(&sent(track.to_record().expect("a record"))).expect("a track");
    assert_eq!(received, SystemTrack { longitude_deg: -180.0, ..track });

    let place = Geodetic { latitude_deg: 45.0, longitude_deg: -90.0, height_m: 120.25 };
    let site = SiteReport {
        source,
        time_of_day_s: 1.0,
        period_s: 60,
        pairs: vec![(3, 1, 2)],
        transmitters: vec![(1, place)],
        receivers: vec![(2, place)],
    };
    assert_eq!(SiteReport::from_record(&sent(site.to_record().expect("a record"))), Ok(site));

    let status = StationStatus {
        source,
        station: DataSource { sac: 250, sic: 1 },
        time_of_day_s: 2.0,
        condition: Condition::Degraded,
        is_overloaded: true,
        time_bias_s: Some(-0.25),
        ..StationStatus::default()
    };
    assert_eq!(StationStatus::from_record(&sent(status.to_record().expect("a record"))), Ok(status));
    let passing = display::passing(source, 3.0, display::Passing::Sector(90.0), Some(4.0), Some(&place));
    assert_eq!(sent(passing.expect("a record")).quantity("020"), Some(90.0));
}

#[test]
fn another_edition_is_refused() {
    let mut record = service::editions(DataSource::default(), 0.0).expect("a record");
    assert_eq!(service::check_editions(&record), Ok(()));
    record.set("550/0/SUB", 9_u8).expect("set");
    let error = service::check_editions(&record).expect_err("another edition").to_string();
    assert_eq!(error, "I247/550/0: found category 015 of edition 1.9, expected edition 1.2");
}

#[test]
fn wrong_input_is_told_by_place() {
    // The mark of a hand-made plot: a spare bit of I015/020 set, a time after midnight, a short block.
    let hand = "0f002af70907a0fa01020140546040004e000301e240a003944700012cc0ffcfc70060a08e660b611011";
    let octets: Vec<u8> =
        (0..hand.len()).step_by(2).map(|i| u8::from_str_radix(&hand[i..i + 2], 16).expect("hex")).collect();
    let told = |at: usize, value: u8| {
        let mut octets = octets.clone();
        octets[at] = value;
        asterix::decode(&octets).expect_err("damaged").to_string()
    };
    assert_eq!(told(11, 0x42), "offset 11: I015/020: found spare bits 1, expected zeros");
    assert_eq!(told(12, 0xff), "offset 12: I015/145: found 130752.5, expected a time below 86400 s");
    assert_eq!(told(2, 0x2b), "offset 0: category 015: found 42 octets, expected a block of 43 octets");
    assert_eq!(told(2, 0x29), "offset 41: I015/630/RPS: found 0 left in the block, expected 1 octet");
    assert_eq!(told(0, 99), "offset 0: found category 099, expected 015, 016, 034, 048, 062, 063, 247");
}

fn blocks() -> Vec<Block> {
    let record = service::editions(DataSource { sac: 1, sic: 2 }, 5.0).expect("a record");
    let block = Block { category: category(247).expect("a table"), records: vec![record; 3] };
    vec![block; 40]
}

#[test]
fn blocks_go_over_streams_and_end_between_two() {
    let mut octets = Vec::new();
    write_blocks(&mut octets, &blocks()).expect("written");
    let mut reader = BlockReader::new(&*octets);
    let mut received = Vec::new();
    while let Some(block) = reader.next_block().expect("a block") {
        received.push(block);
    }
    assert_eq!(received, blocks());
    let mut reader = BlockReader::new(&octets[..octets.len() - 1]);
    let end = loop {
        match reader.next_block() {
            Ok(Some(_)) => {}
            end => break end,
        }
    };
    assert!(matches!(end, Err(LinkError::Asterix(_))), "{end:?}");
}

#[test]
fn blocks_go_over_udp_in_datagrams_that_fit() {
    let receiver = bind_udp("127.0.0.1:0".parse().expect("an address"), None).expect("bound");
    receiver.set_read_timeout(Some(std::time::Duration::from_secs(30))).expect("set");
    let sender = bind_udp("127.0.0.1:0".parse().expect("an address"), None).expect("bound");
    let sent = blocks();
    let n = send_udp(&sender, receiver.local_addr().expect("an address"), &sent).expect("sent");
    let (mut scratch, mut received) = (Vec::new(), Vec::new());
    for _ in 0..n {
        received.extend(receive_udp(&receiver, &mut scratch).expect("received").0);
    }
    assert!(n > 1, "one datagram");
    assert_eq!(received, sent);
}
