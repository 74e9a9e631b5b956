//! What goes into an archive comes out, from the database and from sealed hours alike.
#![allow(clippy::float_cmp, reason = "what is kept is kept to the bit")]

mod common;

use common::{HOUR_NS, SECOND_NS, START_NS, begin, detection, detections, run_start, track_line, tracks};
use rangegate_archive::row::{Gap, time_from_ns};
use rangegate_archive::{
    DetectionRow, Ending, Filter, Folder, Keep, Kind, Reader, Seal, WriteOptions, Writer, check, upkeep,
};
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

const N: i64 = 12_000;
/// Two hours and a half: 0.75 s apart.
const STEP_NS: i64 = 3 * SECOND_NS / 4;

fn ending() -> Ending {
    Ending { status: "done".to_owned(), report: Some("{\"status\":\"done\"}".to_owned()) }
}

/// Two stations, the second half an hour later, whose detections come a little out of order, and a run without times.
fn fill(folder: &Path) {
    for (station, delay_ns) in [("A", 0), ("roof-2", HOUR_NS / 2)] {
        let mut writer = begin(folder, station, WriteOptions::default());
        for number in 0..N {
            let late_ns = if number % 10 == 0 { 40 * STEP_NS } else { 0 };
            let time_ns = START_NS + delay_ns + number * STEP_NS - late_ns;
            assert!(writer.detection(&detection(number, Some(time_ns))));
        }
        for number in 0..300 {
            assert!(
                writer.track(&track_line(number, START_NS + delay_ns + number * 20 * SECOND_NS)).unwrap()
            );
        }
        let gap = Gap { run: 0, first_sample: 5_000, samples: 17, time: Some(time_from_ns(START_NS)) };
        assert!(writer.gap(gap));
        assert!(writer.health(Some(time_from_ns(START_NS)), 7_000, "samples_lost", 17.0));
        assert!(!writer.health(None, 7_000, "level", f64::NAN), "no figure");
        let (written, _) = writer.finish(&ending()).unwrap();
        assert_eq!((written.detections, written.tracks, written.dropped), (N as u64, 300, 0));
    }
    let mut writer = begin(folder, "A", WriteOptions::default());
    for number in 0..5_000 {
        assert!(writer.detection(&detection(number, None)));
    }
    writer.finish(&ending()).unwrap();
}

fn seal(folder: &Path, seal: Seal) -> rangegate_archive::Upkept {
    upkeep(&Folder::new(folder), &Keep { seal, days: None, bytes: None }).unwrap()
}

fn filters() -> Vec<Filter> {
    let all = Filter::default();
    let time = |seconds: i64| Some(time_from_ns(START_NS + seconds * SECOND_NS));
    vec![
        all.clone(),
        Filter { from: time(600), to: time(1_200), ..all.clone() },
        Filter { from: time(3_599), to: time(3_601), ..all.clone() },
        Filter { station: Some("A".parse().unwrap()), from: time(-9_999), ..all.clone() },
        Filter { station: Some("none".parse().unwrap()), ..all.clone() },
        Filter { range_m: Some((20_000.0, 30_000.0)), to: time(9_000), ..all.clone() },
        Filter { min_snr_db: Some(35.0), ..all.clone() },
        Filter { template: Some("barker-13".to_owned()), from: time(0), ..all.clone() },
        Filter { run: Some(3), ..all.clone() },
        Filter { run: Some(2), min_snr_db: Some(39.0), range_m: Some((0.0, 5e4)), ..all.clone() },
        Filter { track: Some(2), run: Some(1), ..all.clone() },
        Filter { from: time(100), to: time(100), ..all },
    ]
}

/// The slow twin: all rows, tried one by one.
fn expected(all: &[DetectionRow], filter: &Filter) -> Vec<DetectionRow> {
    let members = |row: &DetectionRow, track: i64| {
        // Updates of track t are numbers t − 1, t + 2, …, each of detections 2n and 2n + 1, all begun from 0.
        row.run != 3 && (row.number == 0 || (row.number < 600 && 1 + row.number / 2 % 3 == track))
    };
    let passes = |row: &&DetectionRow| {
        let d = &row.detection;
        filter.station.as_ref().is_none_or(|station| *station == row.station)
            && filter.from.is_none_or(|from| d.time.is_some_and(|time| time >= from))
            && filter.to.is_none_or(|to| d.time.is_some_and(|time| time < to))
            && filter.range_m.is_none_or(|(least, most)| d.range_m.is_some_and(|r| least <= r && r <= most))
            && filter.min_snr_db.is_none_or(|least| d.snr_db >= least)
            && filter.template.as_ref().is_none_or(|template| **template == *d.template)
            && filter.run.is_none_or(|run| run == row.run)
            && filter.track.is_none_or(|track| members(row, track))
    };
    all.iter().filter(passes).cloned().collect()
}

#[test]
fn the_same_rows_come_out_before_and_after_their_hours_are_sealed() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fill(folder);
    let all = detections(folder, &Filter::default());
    assert_eq!(all.len() as i64, 2 * N + 5_000);
    assert!(all.is_sorted_by_key(|row| (row.detection.time, row.run, row.number)));
    for row in &all {
        let time_ns = row.detection.time.map(|time| time.as_nanosecond() as i64);
        assert_eq!(row.detection, detection(row.number, time_ns).rounded(), "run {}", row.run);
    }
    let all_tracks = tracks(folder, &Filter::default());
    assert_eq!(all_tracks.len(), 600);
    let row = all_tracks.iter().find(|row| row.run == 2 && row.number == 299).unwrap();
    let line = track_line(299, START_NS + HOUR_NS / 2 + 299 * 20 * SECOND_NS);
    assert_eq!((&*row.line, row.state.track, row.state.hits), (line.as_str(), 3, Some(99)));

    let answers = |filter: &Filter| (detections(folder, filter), tracks(folder, filter));
    let before: Vec<_> = filters().iter().map(answers).collect();
    for (filter, (found, _)) in filters().iter().zip(&before) {
        assert_eq!(*found, expected(&all, filter), "{filter:?}");
    }
    let reader = Reader::open(folder).unwrap();
    let density = |reader: &Reader| reader.density(None, None, None, 7).unwrap();
    let dense = density(&reader);
    assert_eq!(dense.iter().map(|bin| bin.detections).sum::<i64>(), 2 * N);

    // Finer than minutes, against the rows one by one; a window that cuts into hours.
    let window = (time_from_ns(START_NS + 1_801 * SECOND_NS + 7), time_from_ns(START_NS + 3_777 * SECOND_NS));
    let fine = |reader: &Reader| reader.fine_density(None, window.0, window.1, 333).unwrap();
    let counts = fine(&reader);
    let filter = Filter { from: Some(window.0), to: Some(window.1), ..Filter::default() };
    let (from_ns, to_ns) = (window.0.as_nanosecond(), window.1.as_nanosecond());
    let mut twin = vec![0; 333];
    for row in expected(&all, &filter) {
        let since_ns = row.detection.time.unwrap().as_nanosecond() - from_ns;
        twin[(since_ns * 333 / (to_ns - from_ns)) as usize] += 1;
    }
    assert_eq!(counts, twin);
    let span = reader.span(None).unwrap().unwrap();
    let minute = |ns: i64| time_from_ns(ns.div_euclid(60 * SECOND_NS) * 60 * SECOND_NS);
    assert_eq!(span.0, minute(START_NS - 40 * STEP_NS));
    assert_eq!(span.1, minute(START_NS + HOUR_NS / 2 + (N - 1) * STEP_NS + 60 * SECOND_NS));
    assert_eq!(reader.span(Some(&"none".parse().unwrap())).unwrap(), None);

    // The last hours are not over.
    let upkept = seal(folder, Seal::Closed);
    assert!(upkept.sealed_rows > 0 && upkept.sealed_rows < 2 * N as u64 + 600, "{upkept:?}");
    assert_eq!(seal(folder, Seal::Closed).sealed_files, 0, "sealed once");
    let after: Vec<_> = filters().iter().map(answers).collect();
    assert_eq!(before, after);
    assert_eq!(fine(&reader), counts);
    let at_least = |from, to| reader.at_least(Kind::Detections, from, to).unwrap();
    let rows = |from, to| detections(folder, &Filter { from, to, ..Filter::default() }).len() as u64;
    let hour = Some(time_from_ns(START_NS + HOUR_NS));
    assert!(at_least(None, hour) > 0 && at_least(None, hour) <= rows(Some(time_from_ns(0)), hour));
    assert_eq!(at_least(filter.from, filter.to), 0, "no hour lies wholly in it");
    // What comes late to a sealed hour becomes a part of its own.
    let mut writer = begin(folder, "A", WriteOptions::default());
    writer.detection(&detection(7, Some(START_NS + SECOND_NS)));
    writer.finish(&ending()).unwrap();
    seal(folder, Seal::All);
    let files = |name: &str| folder.join("kind=detections/station=A/date=2026-11-22").join(name).exists();
    assert!(files("part-10.parquet") && files("part-10-1.parquet") && files("part-12.parquet"));
    let last = detections(folder, &Filter { run: Some(4), ..Filter::default() });
    assert_eq!(last[0].detection, detection(7, Some(START_NS + SECOND_NS)).rounded());
    for (filter, (found, followed)) in filters().iter().zip(&before) {
        let mut now = detections(folder, filter);
        now.retain(|row| row.run != 4);
        assert_eq!(now, *found, "{filter:?}");
        assert_eq!(tracks(folder, filter), *followed, "{filter:?}");
    }
    let overview = reader.overview().unwrap();
    assert_eq!((overview[0].live_detections, overview[0].sealed_detections), (5_000, N + 1));
    let mut now = density(&reader);
    now[0].detections -= 1;
    assert_eq!(now, dense, "the density is that of all rows, sealed or not");
    let found = check(&Folder::new(folder)).unwrap();
    assert!(found.problems.is_empty() && found.notes.is_empty(), "{found:?}");
}

#[test]
fn runs_gaps_health_and_density_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path());
    let reader = Reader::open(folder.path()).unwrap();
    let runs = reader.runs(None).unwrap();
    assert_eq!(
        runs.iter().map(|run| (&*run.station, run.detections)).collect::<Vec<_>>(),
        [("A", N), ("roof-2", N), ("A", 5_000)]
    );
    assert_eq!((runs[0].status.as_str(), runs[0].tracks, runs[2].first_time), ("done", 300, None));
    assert_eq!(runs[0].start_time, Some(time_from_ns(START_NS)));
    assert_eq!(runs[1].last_time, Some(time_from_ns(START_NS + HOUR_NS / 2 + (N - 1) * STEP_NS)));
    assert_eq!(reader.run_documents(1).unwrap().1.as_deref(), Some("{\"status\":\"done\"}"));
    assert!(reader.run_documents(9).unwrap_err().to_string().contains("has no run 9"));
    assert_eq!((reader.gaps(Some(2)).unwrap()[0].samples, reader.gaps(None).unwrap().len()), (17, 2));
    assert_eq!(reader.health(Some(1)).unwrap()[0].name, "samples_lost");
    let station = "A".parse().unwrap();
    let hour = reader.density(Some(&station), Some(time_from_ns(START_NS)), None, 60).unwrap();
    assert_eq!(hour[0].time, time_from_ns(START_NS));
    let rows = |from: i64| {
        let time = |ns: i64| Some(time_from_ns(START_NS + ns));
        let filter = Filter {
            station: Some(station.clone()),
            from: time(from),
            to: time(from + HOUR_NS),
            ..Filter::default()
        };
        detections(folder.path(), &filter)
    };
    for (at, bin) in hour.iter().enumerate() {
        let rows = rows(at as i64 * HOUR_NS);
        let strongest = rows.iter().map(|row| row.detection.snr_db).reduce(f64::max);
        assert_eq!((bin.detections, bin.max_snr_db), (rows.len() as i64, strongest));
    }
    // The same run a second time is known.
    assert_eq!(reader.same_run(&run_start("A"), N as u64).unwrap(), Some(1));
    assert_eq!(reader.same_run(&run_start("A"), 7).unwrap(), None);
}

#[test]
fn numbers_that_are_none_and_times_out_of_reach() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = begin(folder.path(), "A", WriteOptions::default());
    let mut odd = detection(0, Some(START_NS));
    (odd.snr_db, odd.power_db, odd.range_m) = (f64::NAN, f64::NEG_INFINITY, Some(f64::INFINITY));
    (odd.sample, odd.cpi) = (u64::MAX, Some(u64::MAX));
    assert!(writer.detection(&odd));
    let mut far = detection(1, None);
    far.time = Some("3026-01-01T00:00:00Z".parse().unwrap());
    assert!(!writer.detection(&far), "64 bits of nanoseconds end in 2262");
    assert!(writer.detection(&detection(2, Some(-1))), "before 1970");
    assert!(writer.track("{\"track\":").is_err());
    let (written, _) = writer.finish(&ending()).unwrap();
    assert_eq!((written.detections, written.refused), (2, 1));
    for sealed in [false, true] {
        if sealed {
            seal(folder.path(), Seal::All);
            assert!(folder.path().join("kind=detections/station=A/date=1969-12-31/part-23.parquet").exists());
        }
        let rows = detections(folder.path(), &Filter::default());
        assert_eq!(rows.iter().map(|row| row.number).collect::<Vec<_>>(), [2, 0]);
        let kept = &rows[1].detection;
        assert!(kept.snr_db.is_nan() && kept.power_db == f64::NEG_INFINITY);
        assert_eq!((kept.range_m, kept.sample, kept.cpi), (None, u64::MAX, Some(u64::MAX)));
    }
    assert_eq!(Reader::open(folder.path()).unwrap().runs(None).unwrap()[0].dropped, 1);
}

#[test]
fn a_full_queue_is_counted_and_numbers_stay_those_of_lines() {
    let folder = tempfile::tempdir().unwrap();
    let options =
        WriteOptions { queue: 100, patience: Some(Duration::from_millis(20)), ..WriteOptions::default() };
    let mut writer = begin(folder.path(), "A", options);
    // Another holds the database: groups cannot be committed.
    let other = rusqlite::Connection::open(Folder::new(folder.path()).database()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let taken = (0..1_000).filter(|number| writer.detection(&detection(*number, Some(START_NS)))).count();
    assert!((100..300).contains(&taken), "{taken}");
    assert_eq!((writer.accepted(), writer.dropped()), (taken as u64, 1_000 - taken as u64));
    assert_eq!(writer.acknowledged(), 0, "nothing is acknowledged before it is on the disk");
    other.execute_batch("ROLLBACK").unwrap();
    writer.flush().unwrap();
    assert_eq!(writer.acknowledged(), taken as u64);
    assert!(writer.detection(&detection(1_000, Some(START_NS))), "there is room again");
    let (written, _) = writer.finish(&ending()).unwrap();
    assert_eq!((written.detections, written.dropped), (taken as u64 + 1, 1_000 - taken as u64));
    let rows = detections(folder.path(), &Filter::default());
    assert_eq!(rows.last().unwrap().number, 1_000);
    assert_eq!(rows.last().unwrap().detection, detection(1_000, Some(START_NS)).rounded());
    assert_eq!(Reader::open(folder.path()).unwrap().runs(None).unwrap()[0].dropped, 1_000 - taken as i64);
}

#[test]
fn what_cannot_be_written_is_told_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = begin(folder.path(), "A", WriteOptions::default());
    assert!(writer.detection(&detection(0, Some(START_NS))));
    writer.flush().unwrap();
    let other = rusqlite::Connection::open(Folder::new(folder.path()).database()).unwrap();
    other.execute_batch("ALTER TABLE detection RENAME TO gone").unwrap();
    writer.detection(&detection(1, Some(START_NS)));
    let error = writer.flush().unwrap_err().to_string();
    assert!(error.contains("detection") && error.contains("archive.sqlite"), "{error}");
    assert!(!writer.detection(&detection(2, Some(START_NS))));
    assert_eq!((writer.acknowledged(), writer.dropped()), (1, 1));
    assert!(writer.finish(&ending()).is_err());
}

#[test]
fn readers_see_whole_groups_while_a_run_writes() {
    let folder = tempfile::tempdir().unwrap();
    let options = WriteOptions { commit_every: Duration::from_millis(5), ..WriteOptions::default() };
    let mut writer = begin(folder.path(), "A", options);
    let path = folder.path().to_owned();
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..3)
            .map(|_| {
                let path = path.clone();
                scope.spawn(move || {
                    let mut before = 0;
                    while before < 20_000 {
                        let rows = detections(&path, &Filter::default());
                        assert!(rows.iter().enumerate().all(|(at, row)| row.number == at as i64));
                        assert!(rows.len() >= before);
                        before = rows.len();
                    }
                })
            })
            .collect();
        for number in 0..20_000 {
            writer.detection(&detection(number, Some(START_NS + number * SECOND_NS)));
            if number % 1_000 == 0 {
                seal(&path, Seal::Closed);
            }
        }
        writer.flush().unwrap();
        for reader in readers {
            reader.join().unwrap();
        }
    });
}

#[test]
fn the_old_and_the_much_are_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let archive = Folder::new(path);
    let mut writer = begin(path, "A", WriteOptions::default());
    // Five days, 40 a day.
    for number in 0..200 {
        writer.detection(&detection(number, Some(START_NS - 5 * 24 * HOUR_NS + number * 24 * HOUR_NS / 40)));
        writer.track(&track_line(number, START_NS - 5 * 24 * HOUR_NS + number * 24 * HOUR_NS / 40)).unwrap();
    }
    writer.finish(&ending()).unwrap();
    let keep = |days, bytes| Keep { seal: Seal::Closed, days, bytes };
    let upkept = upkeep(&archive, &keep(Some(2.0), None)).unwrap();
    assert!(upkept.forgotten_files > 100 && upkept.forgotten_rows > 200, "{upkept:?}");
    let rows = detections(path, &Filter::default());
    assert!((80..=82).contains(&rows.len()), "{}", rows.len());
    assert_eq!(rows.last().unwrap().number, 199);
    assert!(check(&archive).unwrap().problems.is_empty(), "{:?}", check(&archive).unwrap());
    assert!(!path.join("kind=detections/station=A/date=2026-11-18").exists(), "empty folders go");
    // One with a clock far in the future costs nothing: now is the end of time.
    let mut writer = begin(path, "A", WriteOptions::default());
    writer.detection(&detection(0, Some(i64::MAX - 2 * HOUR_NS)));
    writer.finish(&ending()).unwrap();
    // (The data lie in 2026; a machine whose clock is before that forgets less.)
    upkeep(&archive, &keep(Some(36_500.0), None)).unwrap();
    assert_eq!(detections(path, &Filter::default()).len(), rows.len() + 1);
    // By size: the oldest go, the newest hour stays however little is allowed.
    let upkept = upkeep(&archive, &keep(None, Some(1))).unwrap();
    assert!(upkept.forgotten_rows > 0);
    assert_eq!(detections(path, &Filter::default()).len(), 1);
    assert!(check(&archive).unwrap().problems.is_empty());
}

#[test]
fn whole_hours_are_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path());
    // An age in the middle of an hour, sealed and not: the density stays that of the rows.
    for (hours, kind) in [(2.3, Seal::Closed), (1.1, Seal::None)] {
        let keep = Keep { seal: kind, days: Some(hours / 24.0), bytes: None };
        upkeep(&Folder::new(folder.path()), &keep).unwrap();
        let rows = detections(folder.path(), &Filter { from: Some(time_from_ns(0)), ..Filter::default() });
        let newest_ns = START_NS + HOUR_NS / 2 + (N - 1) * STEP_NS;
        let first_ns = (newest_ns - (hours * HOUR_NS as f64) as i64) / HOUR_NS * HOUR_NS;
        let is_first = |row: &DetectionRow| row.detection.time >= Some(time_from_ns(first_ns));
        assert!(
            rows.iter().all(is_first) && rows[0].detection.time < Some(time_from_ns(first_ns + SECOND_NS))
        );
        let found = check(&Folder::new(folder.path())).unwrap();
        assert!(found.problems.is_empty(), "{found:?}");
    }
}

#[test]
fn both_kinds_have_a_folder() {
    assert_eq!(Kind::ALL.map(Kind::name), ["detections", "tracks"]);
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path());
    seal(folder.path(), Seal::All);
    let mut n = 0;
    let station = Some("A".parse().unwrap());
    let filter = Filter { station, track: Some(1), ..Filter::default() };
    Reader::open(folder.path())
        .unwrap()
        .tracks(&filter, &mut |row| {
            assert_eq!((row.state.track, &**row.station.name()), (1, "A"));
            n += 1;
            if n == 5 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
        .unwrap();
    assert_eq!(n, 5, "a reader stops when it is told");
    assert!(folder.path().join("kind=tracks/station=A/date=2026-11-22/part-10.parquet").exists());
}

#[test]
fn what_is_no_archive_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("holiday.jpg"), "").unwrap();
    let error = Writer::begin(&Folder::new(folder.path()), &run_start("A"), WriteOptions::default());
    assert!(error.err().unwrap().to_string().contains("holiday.jpg"));
    assert!(Reader::open(folder.path()).err().unwrap().to_string().contains("no archive.sqlite"));
    assert!(check(&Folder::new(folder.path())).is_err());
}
