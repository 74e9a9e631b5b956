//! What the tests of the archive share.
#![allow(dead_code, reason = "each test binary uses its own part of it")]

use rangegate_archive::row::time_from_ns;
use rangegate_archive::{DetectionRow, Filter, Folder, Reader, RunStart, TrackRow, WriteOptions, Writer};
use rangegate_core::Detection;
use std::ops::ControlFlow;
use std::path::Path;

/// 2026-11-22T10:00:00Z.
pub const START_NS: i64 = 1_795_341_600_000_000_000;
pub const SECOND_NS: i64 = 1_000_000_000;
pub const HOUR_NS: i64 = 3600 * SECOND_NS;

/// The detection of a number: everything in it follows from the number.
pub fn detection(number: i64, time_ns: Option<i64>) -> Detection {
    // A multiplicative hash, in [0, 1).
    let random = |salt: i64| {
        let bits = (number + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15_u64 as i64)
            ^ salt.wrapping_mul(0x2545_F491_4F6C_DD1D);
        (bits.wrapping_mul(0x5851_F42D_4C95_7F2D) as u64 >> 11) as f64 / (1_u64 << 53) as f64
    };
    let seen = |salt: i64, value: f64| (random(salt) < 0.9).then_some(value);
    Detection {
        cpi: (number % 3 != 0).then_some(number as u64 / 100),
        sample: 1_000_000 + number as u64 * 250,
        sample_fraction: random(1),
        time: time_ns.map(time_from_ns),
        channel: (number % 2) as u32,
        template: if number % 5 == 0 { "barker-13".into() } else { "chirp".into() },
        delay_s: seen(2, random(3) * 1e-3),
        range_m: seen(4, random(5) * 1e5),
        doppler_hz: seen(6, random(7) * 2e3 - 1e3),
        velocity_mps: seen(8, random(9) * 300.0 - 150.0),
        azimuth_deg: seen(10, random(11) * 360.0),
        snr_db: 10.0 + random(12) * 30.0,
        power_db: -60.0 + random(13) * 40.0,
        after_gap: number % 97 == 0,
    }
}

/// A line of `tracks.jsonl`.
pub fn track_line(number: i64, time_ns: i64) -> String {
    let (track, time) = (1 + number % 3, format!("{:.9}", time_from_ns(time_ns)));
    let (hits, first) = (number / 3, number * 2);
    format!(
        r#"{{"cpi":{number},"time":"{time}","track":{track},"time_s":{number}.5,"space":"range","state":[1.0,2.0],"covariance":[[1.0,0.0],[0.0,1.0]],"model_probabilities":[1.0],"detections":[{first},{}],"begun_from":[0],"coasting":false,"coasted_scans":0,"age_scans":3,"hits":{hits},"quality":0.75,"range_m":{}.25,"range_rate_mps":-3.5,"azimuth_deg":null,"elevation_deg":null,"position":null}}"#,
        first + 1,
        1000 + number
    )
}

pub fn run_start(station: &str) -> RunStart {
    RunStart {
        station: station.parse().unwrap(),
        source: "scene.toml".to_owned(),
        sample_rate_hz: 2.5e6,
        first_sample: 1_000_000,
        start_time: Some(time_from_ns(START_NS)),
        configuration: "{}".to_owned(),
    }
}

pub fn begin(folder: &Path, station: &str, options: WriteOptions) -> Writer {
    Writer::begin(&Folder::new(folder), &run_start(station), options).unwrap()
}

/// Detections that pass.
pub fn detections(folder: &Path, filter: &Filter) -> Vec<DetectionRow> {
    let mut rows = Vec::new();
    let mut each = |row| {
        rows.push(row);
        ControlFlow::Continue(())
    };
    Reader::open(folder).unwrap().detections(filter, &mut each).unwrap();
    rows
}

/// Updates of tracks that pass.
pub fn tracks(folder: &Path, filter: &Filter) -> Vec<TrackRow> {
    let mut rows = Vec::new();
    let mut each = |row| {
        rows.push(row);
        ControlFlow::Continue(())
    };
    Reader::open(folder).unwrap().tracks(filter, &mut each).unwrap();
    rows
}

/// A number that the long form of a test sets in the environment.
pub fn size(name: &str, short: u64) -> u64 {
    std::env::var(name).map_or(short, |text| text.parse().expect("a number"))
}
