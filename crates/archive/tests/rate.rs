//! 10,000 detections a second, and what they cost.
//!
//! `RANGEGATE_ARCHIVE_SECONDS` says how long; `scripts/bench-archive` says 600. Nothing here fails for being slow: the
//! figures are printed.
#![allow(clippy::print_stdout, reason = "tests say what they measured")]

mod common;

use common::{HOUR_NS, SECOND_NS, START_NS, begin, detection, size};
use nix::sys::resource::{UsageWho, getrusage};
use rangegate_archive::{Ending, Folder, Keep, Reader, WriteOptions, check};
use std::time::{Duration, Instant};

const RATE: i64 = 10_000;

/// Time that all threads of this process worked, s.
fn processor_s() -> f64 {
    let usage = getrusage(UsageWho::RUSAGE_SELF).unwrap();
    [usage.user_time(), usage.system_time()]
        .iter()
        .map(|t| t.tv_sec() as f64 + t.tv_usec() as f64 * 1e-6)
        .sum()
}

#[test]
fn ten_thousand_a_second() {
    let seconds = size("RANGEGATE_ARCHIVE_SECONDS", 3) as i64;
    let folder =
        tempfile::tempdir_in(std::env::var_os("RANGEGATE_ARCHIVE_DIR").unwrap_or_else(|| ".".into()))
            .unwrap();
    let options = WriteOptions {
        patience: Some(Duration::from_millis(100)),
        keep: Some(Keep::default()),
        ..WriteOptions::default()
    };
    // An hour ends a fifth of the way, so that it is sealed meanwhile.
    let start_ns = START_NS + HOUR_NS - seconds * SECOND_NS / 5;
    let rows: Vec<_> = (0..RATE).map(|number| detection(number, None)).collect();
    let mut writer = begin(folder.path(), "A", options);
    let (begun, worked_s) = (Instant::now(), processor_s());
    let (mut queued_max, mut late_max) = (0, Duration::ZERO);
    // A hundred detections each 10 ms.
    for tick in 0..seconds * 100 {
        let due = begun + Duration::from_millis(10 * tick as u64);
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        for k in 0..100 {
            let number = tick * 100 + k;
            let mut d = rows[(number % RATE) as usize].clone();
            d.time = Some(rangegate_archive::row::time_from_ns(start_ns + number * (SECOND_NS / RATE)));
            writer.detection(&d);
        }
        queued_max = queued_max.max(writer.queued());
        late_max = late_max.max(Instant::now().saturating_duration_since(due));
    }
    let (elapsed_s, worked_s) = (begun.elapsed().as_secs_f64(), processor_s() - worked_s);
    writer.flush().unwrap();
    let (accepted, dropped) = (writer.accepted(), writer.dropped());
    let before_end = processor_s();
    let (written, upkept) = writer.finish(&Ending { status: "done".to_owned(), report: None }).unwrap();
    println!(
        "{accepted} detections in {elapsed_s:.1} s: {:.0} a second, {dropped} dropped; {worked_s:.2} s of processor, {:.4} of a core \
         (all threads, the test's own generator included); at most {queued_max} queued; \
         what was left to seal at the end: {} rows, {:.2} s",
        accepted as f64 / elapsed_s,
        worked_s / elapsed_s,
        upkept.sealed_rows,
        processor_s() - before_end,
    );
    assert_eq!(written.detections + written.dropped, (RATE * seconds) as u64);
    let reader = Reader::open(folder.path()).unwrap();
    let overview = &reader.overview().unwrap()[0];
    println!(
        "{} in the database, {} in {} sealed files of {:.1} bytes a row",
        overview.live_detections,
        overview.sealed_detections,
        overview.sealed_files,
        overview.sealed_bytes as f64 / overview.sealed_detections.max(1) as f64
    );
    assert_eq!((overview.live_detections + overview.sealed_detections) as u64, written.detections);
    let density = reader.density(None, None, None, 1).unwrap();
    assert_eq!(density.iter().map(|bin| bin.detections).sum::<i64>() as u64, written.detections);
    assert!(check(&Folder::new(folder.path())).unwrap().problems.is_empty());
}
