//! A month of detections, and one hour out of it.
//!
//! `RANGEGATE_ARCHIVE_MONTH` says how many; `scripts/bench-archive` says 25 million, and keeps them in the folder that
//! `RANGEGATE_ARCHIVE_KEEP` names. Nothing here fails for being slow: the figures are printed.
#![allow(clippy::print_stdout, reason = "tests say what they measured")]

mod common;

use common::{HOUR_NS, START_NS, begin, detection, detections, size, track_line, tracks};
use rangegate_archive::row::time_from_ns;
use rangegate_archive::{Ending, Filter, Folder, Keep, Reader, Seal, WriteOptions, upkeep};
use std::path::PathBuf;
use std::time::Instant;

const HOURS: i64 = 720;
/// Detections for each update of a track.
const DETECTIONS_A_TRACK: i64 = 25;

#[test]
fn one_hour_out_of_a_month() {
    // As many each hour, so that the slow twin is simple.
    let n = (size("RANGEGATE_ARCHIVE_MONTH", 144_000) as i64 + HOURS - 1) / HOURS * HOURS;
    let temporary = tempfile::tempdir().unwrap();
    let kept = std::env::var_os("RANGEGATE_ARCHIVE_KEEP").map(PathBuf::from);
    let path = kept.as_deref().unwrap_or(temporary.path());
    let folder = Folder::new(path);
    let step_ns = HOURS * HOUR_NS / n;
    let begun = Instant::now();
    let (mut write_s, mut seal_s) = (0.0, 0.0);
    for day in 0..HOURS / 24 {
        let from = Instant::now();
        let mut writer = begin(path, "A", WriteOptions::default());
        for number in day * n / 30..(day + 1) * n / 30 {
            assert!(writer.detection(&detection(number, Some(START_NS + number * step_ns))));
            if number % DETECTIONS_A_TRACK == 0 {
                let line = track_line(number / DETECTIONS_A_TRACK, START_NS + number * step_ns);
                assert!(writer.track(&line).unwrap());
            }
        }
        writer.finish(&Ending { status: "done".to_owned(), report: None }).unwrap();
        write_s += from.elapsed().as_secs_f64();
        let from = Instant::now();
        upkeep(&folder, &Keep { seal: Seal::Closed, ..Keep::default() }).unwrap();
        seal_s += from.elapsed().as_secs_f64();
    }
    let overview = Reader::open(path).unwrap().overview().unwrap().remove(0);
    println!(
        "{n} detections in {:.0} s: {:.0} a second written, {:.0} a second sealed; {} files, {:.1} bytes a row",
        begun.elapsed().as_secs_f64(),
        n as f64 / write_s,
        overview.sealed_detections as f64 / seal_s,
        overview.sealed_files,
        overview.sealed_bytes as f64 / overview.sealed_detections as f64
    );
    assert_eq!(overview.live_detections + overview.sealed_detections, n);
    // An hour of the middle, one at an edge between hours, the latest, which is not sealed, and all of a weak filter.
    for (name, from_ns) in [
        ("in the middle", 372 * HOUR_NS),
        ("across two", 100 * HOUR_NS + HOUR_NS / 2),
        ("the latest", 719 * HOUR_NS),
    ] {
        let time = |ns: i64| Some(time_from_ns(START_NS + ns));
        let filter = Filter { from: time(from_ns), to: time(from_ns + HOUR_NS), ..Filter::default() };
        let begun = Instant::now();
        let rows = detections(path, &filter);
        println!("one hour, {name}: {} rows in {:.3} s", rows.len(), begun.elapsed().as_secs_f64());
        let first = (from_ns + step_ns - 1) / step_ns;
        let end = ((from_ns + HOUR_NS + step_ns - 1) / step_ns).min(n);
        assert_eq!(rows.len() as i64, end - first);
        let is_right = |row: &rangegate_archive::DetectionRow, number: i64| {
            (row.run, row.number) == (1 + number / (n / 30), number % (n / 30))
                && row.detection == detection(number, Some(START_NS + number * step_ns)).rounded()
        };
        assert!(rows.iter().zip(first..).all(|(row, number)| is_right(row, number)));
        let updates = (first..end).filter(|number| number % DETECTIONS_A_TRACK == 0).count();
        assert_eq!(tracks(path, &filter).len(), updates);
    }
    let begun = Instant::now();
    let bins = Reader::open(path).unwrap().density(None, None, None, 60).unwrap();
    println!("density of the month by hours: {} bins in {:.3} s", bins.len(), begun.elapsed().as_secs_f64());
    assert_eq!(bins.iter().map(|bin| bin.detections).sum::<i64>(), n);
}
