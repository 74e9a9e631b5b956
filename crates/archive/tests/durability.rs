//! `kill -9` at any moment loses nothing that was acknowledged, also while hours are sealed.
//!
//! `RANGEGATE_ARCHIVE_KILLS` says how often; `scripts/bench-archive` says 20.
#![allow(clippy::print_stdout, reason = "tests say what they measured")]

mod common;

use common::{SECOND_NS, START_NS, begin, detection};
use rangegate_archive::{Filter, Folder, Keep, Reader, WriteOptions, check, upkeep};
use std::io::{BufRead, BufReader, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const FOLDER: &str = "RANGEGATE_ARCHIVE_CHILD";

/// Rows of the child lie this far apart: an hour goes by in 7,200 of them.
const STEP_NS: i64 = SECOND_NS / 2;

/// Writes until it is killed, and says what is acknowledged. Hours are sealed beside.
#[test]
#[ignore = "the child of the test below"]
fn child() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let folder = Path::new(&folder);
    let options = WriteOptions { commit_every: Duration::from_millis(20), ..WriteOptions::default() };
    let mut writer = begin(folder, "A", options);
    // The first of a new line: the test's runner has begun one.
    println!("\nrun {}", writer.run());
    let sealer = folder.to_owned();
    std::thread::scope(|scope| {
        let seal = move || loop {
            upkeep(&Folder::new(&sealer), &Keep::default()).unwrap();
        };
        let sealing = std::thread::Builder::new().spawn_scoped(scope, seal).unwrap();
        let mut told = 0;
        for number in 0.. {
            assert!(writer.detection(&detection(number, Some(START_NS + number * STEP_NS))));
            if number % 200 == 0 {
                std::thread::sleep(Duration::from_millis(10));
            }
            let acknowledged = writer.acknowledged();
            if acknowledged > told {
                told = acknowledged;
                println!("acknowledged {acknowledged}");
                std::io::stdout().flush().unwrap();
            }
            assert!(!sealing.is_finished());
        }
    });
}

#[test]
fn what_is_acknowledged_survives() {
    let folder = tempfile::tempdir().unwrap();
    let kills = common::size("RANGEGATE_ARCHIVE_KILLS", 5);
    let mut total = 0;
    for kill in 0..kills {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child", "--ignored", "--nocapture", "--test-threads=1"])
            .env(FOLDER, folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let run =
            lines.by_ref().find_map(|line| line.strip_prefix("run ").map(|n| n.parse::<i64>().unwrap()));
        let run = run.expect("the child begins a run");
        let acknowledged = |line: &str| line.strip_prefix("acknowledged ").map(|n| n.parse::<i64>().unwrap());
        // Somewhere in the second after its first group.
        let first = lines.by_ref().find_map(|line| acknowledged(&line)).expect("a first group");
        let moment = Duration::from_micros((kill * 7_919 + 3) * 104_729 % 1_000_000);
        let begun = Instant::now();
        let mut latest = first;
        while begun.elapsed() < moment {
            std::thread::sleep(Duration::from_millis(1));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        // What it said before it died.
        latest = lines.filter_map(|line| acknowledged(&line)).fold(latest, i64::max);

        let archive = Folder::new(folder.path());
        let kept = rows_of(folder.path(), run);
        println!("kill {kill}: {latest} acknowledged, {kept} kept");
        assert!(kept >= latest, "{latest} acknowledged, {kept} kept");
        upkeep(&archive, &Keep::default()).unwrap();
        assert_eq!(rows_of(folder.path(), run), kept, "and stay when what was left unfinished is settled");
        let found = check(&archive).unwrap();
        assert!(found.problems.is_empty(), "{found:?}");
        total += kept;
    }
    let runs = Reader::open(folder.path()).unwrap().runs(None).unwrap();
    assert_eq!(runs.iter().map(|run| run.detections).sum::<i64>(), total, "earlier runs stay too");
    println!("{kills} kills, {total} rows, 0 of those acknowledged lost");
}

/// Number of a run's rows, which must be the first ones without a hole, each as it was given.
fn rows_of(folder: &Path, run: i64) -> i64 {
    let mut next = 0;
    let filter = Filter { run: Some(run), ..Filter::default() };
    let mut each = |row: rangegate_archive::DetectionRow| {
        assert_eq!(row.number, next);
        assert_eq!(row.detection, detection(next, Some(START_NS + next * STEP_NS)).rounded());
        next += 1;
        ControlFlow::Continue(())
    };
    Reader::open(folder).unwrap().detections(&filter, &mut each).unwrap();
    next
}
