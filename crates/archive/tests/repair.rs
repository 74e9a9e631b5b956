//! What damage does, and what is saved.

mod common;

use common::{HOUR_NS, SECOND_NS, START_NS, begin, detection, detections, track_line, tracks};
use rangegate_archive::{
    Ending, Filter, Folder, Keep, Reader, Seal, WriteOptions, Writer, check, repair, upkeep,
};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

const N: i64 = 9_000;

/// Two and a half hours, one of them sealed in detections and in tracks.
fn archive() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = begin(folder.path(), "A", WriteOptions::default());
    for number in 0..N {
        writer.detection(&detection(number, Some(START_NS + number * SECOND_NS)));
    }
    for number in 0..100 {
        writer.track(&track_line(number, START_NS + number * 90 * SECOND_NS)).unwrap();
    }
    writer.finish(&Ending { status: "done".to_owned(), report: None }).unwrap();
    upkeep(&Folder::new(folder.path()), &Keep { seal: Seal::Closed, ..Keep::default() }).unwrap();
    folder
}

fn all(folder: &Path) -> usize {
    detections(folder, &Filter::default()).len()
}

fn part(folder: &Path, kind: &str, hour: u32) -> PathBuf {
    folder.join(format!("kind={kind}/station=A/date=2026-11-22/part-{hour}.parquet"))
}

fn is_whole(folder: &Path) -> bool {
    let found = check(&Folder::new(folder)).unwrap();
    found.problems.is_empty() && found.notes.is_empty()
}

#[test]
fn what_is_whole_is_left_alone() {
    let folder = archive();
    let before = std::fs::read(part(folder.path(), "detections", 10)).unwrap();
    assert!(is_whole(folder.path()));
    assert_eq!(repair(&Folder::new(folder.path())).unwrap(), Default::default());
    assert_eq!((all(folder.path()) as i64, tracks(folder.path(), &Filter::default()).len()), (N, 100));
    assert_eq!(std::fs::read(part(folder.path(), "detections", 10)).unwrap(), before);
}

#[test]
fn a_damaged_sealed_file_is_noticed_and_set_aside() {
    let folder = archive();
    let path = part(folder.path(), "detections", 11);
    let file = std::fs::File::options().write(true).open(&path).unwrap();
    file.write_all_at(b"damage", 5_000).unwrap();
    std::fs::remove_file(part(folder.path(), "tracks", 10)).unwrap();
    let problems = check(&Folder::new(folder.path())).unwrap().problems;
    assert_eq!(problems.len(), 2, "{problems:?}");
    assert!(problems[0].contains("part-11.parquet") && problems[0].contains("SHA-256"), "{problems:?}");
    assert!(
        problems[1].contains("tracks") && problems[1].contains("is missing, with 40 rows"),
        "{problems:?}"
    );
    let done = repair(&Folder::new(folder.path())).unwrap();
    assert_eq!(done.lost_rows, 3_600 + 40);
    assert!(done.done.iter().any(|line| line.contains("density")), "{done:?}");
    assert!(is_whole(folder.path()));
    assert_eq!((all(folder.path()) as i64, tracks(folder.path(), &Filter::default()).len()), (N - 3_600, 60));
    let kept = folder.path().join("damaged");
    assert_eq!(std::fs::read_dir(kept).unwrap().count(), 1, "the damaged file is kept");
}

#[test]
fn a_lost_database_is_made_again_of_sealed_hours() {
    let folder = archive();
    for ending in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(folder.path().join(format!("archive.sqlite{ending}")));
    }
    let begun = Writer::begin(&Folder::new(folder.path()), &common::run_start("A"), WriteOptions::default());
    let error = begun.err().expect("an error").to_string();
    assert!(error.contains("rangegate archive repair"), "{error}");
    let done = repair(&Folder::new(folder.path())).unwrap();
    assert!(done.done.len() >= 5, "{done:?}");
    assert!(is_whole(folder.path()));
    assert_eq!(all(folder.path()), 7_200, "two sealed hours");
    // The next run does not take the number of one that sealed files name.
    let writer = begin(folder.path(), "A", WriteOptions::default());
    assert_eq!(writer.run(), 2);
}

#[test]
fn what_a_seal_left_unfinished_is_settled() {
    let folder = archive();
    let sealed = part(folder.path(), "detections", 11);
    let saved = std::fs::read(&sealed).unwrap();
    // As if it was killed between the file and its mark: the rows are in the database again.
    let other = archive_unsealed(folder.path());
    std::fs::create_dir_all(part(other.path(), "detections", 11).parent().unwrap()).unwrap();
    std::fs::write(part(other.path(), "detections", 11), &saved).unwrap();
    std::fs::write(part(other.path(), "detections", 10).with_extension("parquet.tmp"), "half").unwrap();
    let found = check(&Folder::new(other.path())).unwrap();
    assert_eq!(found.problems.len(), 2, "{found:?}");
    assert_eq!(all(other.path()) as i64, N, "readers do not see what is not in force");
    let done = repair(&Folder::new(other.path())).unwrap();
    assert_eq!((done.done.len(), done.lost_rows), (2, 0), "{done:?}");
    assert!(is_whole(other.path()));
    assert_eq!(all(other.path()) as i64, N);
    // A file that is no row's twin is taken in.
    std::fs::write(part(other.path(), "detections", 11), &saved).unwrap();
    let connection = rusqlite::Connection::open(Folder::new(other.path()).database()).unwrap();
    let hour = [START_NS + HOUR_NS, START_NS + 2 * HOUR_NS];
    connection.execute("DELETE FROM detection WHERE time_ns >= ? AND time_ns < ?", hour).unwrap();
    upkeep(&Folder::new(other.path()), &Keep { seal: Seal::None, ..Keep::default() }).unwrap();
    assert!(is_whole(other.path()));
    assert_eq!(all(other.path()) as i64, N);
}

fn archive_unsealed(_: &Path) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = begin(folder.path(), "A", WriteOptions::default());
    for number in 0..N {
        writer.detection(&detection(number, Some(START_NS + number * SECOND_NS)));
    }
    writer.finish(&Ending { status: "done".to_owned(), report: None }).unwrap();
    folder
}

#[test]
fn a_damaged_database_gives_what_can_be_read() {
    let folder = archive_unsealed(Path::new(""));
    let path = Folder::new(folder.path()).database();
    // All of it into the one file.
    rusqlite::Connection::open(&path).unwrap().execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    let length = std::fs::metadata(&path).unwrap().len();
    let file = std::fs::File::options().write(true).open(&path).unwrap();
    // Two pages of 8,192 bytes in the middle, which are rows or their index.
    let at = length / 8192 / 2 * 8192;
    file.write_all_at(&[0xAA; 16_384], at).unwrap();
    let found = check(&Folder::new(folder.path())).unwrap();
    assert!(!found.problems.is_empty(), "{found:?}");
    let done = repair(&Folder::new(folder.path())).unwrap();
    assert!(done.done[0].contains("archive.sqlite was damaged"), "{done:?}");
    assert!(is_whole(folder.path()), "{:?}", check(&Folder::new(folder.path())));
    let rows = detections(folder.path(), &Filter::default());
    assert!(rows.len() as i64 > N - 400, "{} of {N}", rows.len());
    for row in &rows {
        assert_eq!(row.detection, detection(row.number, Some(START_NS + row.number * SECOND_NS)).rounded());
    }
    assert!(folder.path().join("damaged/archive-0.sqlite").exists());
    assert_eq!(Reader::open(folder.path()).unwrap().runs(None).unwrap().len(), 1);
    // One that is no database at all: nothing to save, and a new one.
    std::fs::write(&path, "x".repeat(20_000)).unwrap();
    for ending in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(folder.path().join(format!("archive.sqlite{ending}")));
    }
    assert!(check(&Folder::new(folder.path())).unwrap_err().to_string().contains("not a database"));
    let done = repair(&Folder::new(folder.path())).unwrap();
    assert!(done.done[0].contains("damaged/archive-1.sqlite"), "{done:?}");
    assert!(is_whole(folder.path()));
}

#[test]
fn a_run_that_writes_is_not_disturbed() {
    let folder = archive();
    let writer = begin(folder.path(), "A", WriteOptions::default());
    let error = repair(&Folder::new(folder.path())).unwrap_err().to_string();
    assert!(error.contains("is in use"), "{error}");
    drop(writer);
    let notes = check(&Folder::new(folder.path())).unwrap().notes;
    assert!(notes[0].contains("run 2 has no end"), "{notes:?}");
    repair(&Folder::new(folder.path())).unwrap();
    assert_eq!(Reader::open(folder.path()).unwrap().runs(None).unwrap()[1].status, "interrupted");
}

#[test]
fn paths_that_a_database_names_lead_nowhere_else() {
    let folder = archive();
    let connection = rusqlite::Connection::open(Folder::new(folder.path()).database()).unwrap();
    connection.execute("UPDATE station SET name = '../../secret'", []).unwrap();
    let reader = Reader::open(folder.path()).unwrap();
    let error = reader.detections(&Filter::default(), &mut |_| panic!("a row")).unwrap_err().to_string();
    assert!(error.contains("expected 1 to 64 letters"), "{error}");
}

#[test]
fn a_lost_database_and_a_damaged_file_leave_the_rest() {
    let folder = archive();
    for ending in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(folder.path().join(format!("archive.sqlite{ending}")));
    }
    for damaged in 0..2 {
        std::fs::write(part(folder.path(), "detections", 11), "no Parquet").unwrap();
        let done = repair(&Folder::new(folder.path())).unwrap();
        assert!(done.done.iter().any(|line| line.ends_with("set aside")), "{done:?}");
        assert!(is_whole(folder.path()));
        assert_eq!(all(folder.path()), 3_600, "the other sealed hour");
        let kept = std::fs::read_dir(folder.path().join("damaged")).unwrap().count();
        assert_eq!(kept, damaged + 1, "what was damaged before stays");
    }
}

#[test]
fn a_check_may_go_on_while_runs_write_and_seal() {
    let folder = tempfile::tempdir().unwrap();
    let options = WriteOptions { commit_every: Duration::from_millis(1), ..WriteOptions::default() };
    let mut writer = begin(folder.path(), "A", options);
    let path = folder.path();
    std::thread::scope(|scope| {
        let checks = scope.spawn(|| (0..10).all(|_| check(&Folder::new(path)).unwrap().problems.is_empty()));
        for number in 0..200_000 {
            writer.detection(&detection(number, Some(START_NS + number * SECOND_NS / 2)));
            if number % 20_000 == 0 {
                upkeep(&Folder::new(path), &Keep::default()).unwrap();
            }
            if checks.is_finished() {
                break;
            }
        }
        assert!(checks.join().unwrap());
    });
}

#[test]
fn the_next_run_notes_that_one_was_interrupted() {
    let folder = archive();
    let status = |run: usize| Reader::open(folder.path()).unwrap().runs(None).unwrap()[run].status.clone();
    let first = begin(folder.path(), "A", WriteOptions::default());
    let second = begin(folder.path(), "A", WriteOptions::default());
    assert_eq!((status(1).as_str(), status(2).as_str()), ("running", "running"), "both go on");
    drop((first, second));
    let third = begin(folder.path(), "A", WriteOptions::default());
    let found = [status(0), status(1), status(2), status(3)];
    assert_eq!(found, ["done", "interrupted", "interrupted", "running"]);
    drop(third);
}

#[test]
fn who_waits_for_a_repair_writes_into_what_it_made() {
    let folder = archive_unsealed(Path::new(""));
    let lock = std::fs::File::options().write(true).open(folder.path().join("writer.lock")).unwrap();
    lock.lock().unwrap();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            let mut writer = begin(folder.path(), "A", WriteOptions::default());
            writer.detection(&detection(0, Some(START_NS)));
            writer.finish(&Ending { status: "done".to_owned(), report: None }).unwrap();
        });
        // What a repair does: another database in the place of the one that was there.
        std::thread::sleep(Duration::from_millis(200));
        std::fs::create_dir(folder.path().join("damaged")).unwrap();
        for ending in ["-shm", "-wal", ""] {
            let from = folder.path().join(format!("archive.sqlite{ending}"));
            let to = folder.path().join(format!("damaged/archive-0.sqlite{ending}"));
            let _ = std::fs::rename(from, to);
        }
        lock.unlock().unwrap();
        waiting.join().unwrap();
    });
    assert_eq!(all(folder.path()), 1, "what was acknowledged is in the archive");
}
