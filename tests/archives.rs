//! The archive through the program: what runs leave in it, what others read, and what is refused.
#![allow(clippy::print_stdout, reason = "skipped cases are said loudly")]

mod common;

use common::{python, repository, run, run_fails, run_ok, stderr, text};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn file(path: &Path) -> Vec<Value> {
    lines(&std::fs::read_to_string(path).unwrap())
}

/// What the archive says beside the line itself is left out.
fn bare(mut rows: Vec<Value>) -> Vec<Value> {
    for row in &mut rows {
        for field in ["station", "run", "number"] {
            assert!(row.as_object_mut().unwrap().remove(field).is_some(), "{row}");
        }
    }
    rows
}

/// A run of the tracking scene, archived as it goes: the archive, and the run's folder.
fn archived(folder: &Path) -> (PathBuf, PathBuf) {
    let (archive, out) = (folder.join("archive"), folder.join("out"));
    let config = repository("configs/tracking-scene.toml");
    let words = [
        "run",
        text(&config),
        "--out",
        text(&out),
        "--archive",
        text(&archive),
        "--station",
        "roof",
        "--no-plots",
    ];
    run_ok(&words);
    (archive, out)
}

#[test]
fn a_run_is_in_the_archive_line_for_line() {
    let folder = tempfile::tempdir().unwrap();
    let (archive, out) = archived(folder.path());
    let dir = text(&archive);
    let detections = file(&out.join("detections.jsonl"));
    assert!(detections.len() > 20);
    let by_number = |mut rows: Vec<Value>| {
        rows.sort_by_key(|row| row["number"].as_i64());
        rows
    };
    let query = |more: &[&str]| lines(&run_ok(&[&["query", dir, "--json"], more].concat()));
    assert_eq!(bare(by_number(query(&[]))), detections);
    let tracks = file(&out.join("tracks.jsonl"));
    assert_eq!(bare(by_number(query(&["tracks"]))), tracks);
    let report: Value =
        serde_json::from_str(&std::fs::read_to_string(out.join("run.json")).unwrap()).unwrap();
    assert_eq!((&report["archived"]["run"], &report["archived"]["dropped"]), (&1.into(), &0.into()));
    let runs = query(&["runs"]);
    assert_eq!((&runs[0]["station"], &runs[0]["status"]), (&"roof".into(), &"done".into()));
    assert_eq!(runs[0]["detections"], report["detections"]);
    assert!(query(&["health"]).iter().any(|row| row["name"] == "detections"));
    let density: i64 = query(&["density"]).iter().map(|bin| bin["detections"].as_i64().unwrap()).sum();
    assert_eq!(density as usize, detections.len());
    // Filters, against the lines themselves.
    let number = |row: &Value, field: &str| row[field].as_f64().unwrap_or(f64::NAN);
    let strong = query(&["--snr", "20", "--range", "..2k"]);
    let is_strong = |row: &&Value| number(row, "snr_db") >= 20.0 && number(row, "range_m") <= 2e3;
    assert_eq!(strong.len(), detections.iter().filter(is_strong).count());
    let number_of_track = &tracks[0]["track"];
    let track = number_of_track.to_string();
    let members = query(&["--track", &track]);
    assert!(!members.is_empty() && members.len() < detections.len());
    for member in &members {
        let named = |line: &&Value| line["track"] == *number_of_track;
        let holds = |field: &Value| field.as_array().unwrap().contains(&member["number"]);
        assert!(
            tracks.iter().filter(named).any(|line| holds(&line["detections"]) || holds(&line["begun_from"]))
        );
    }
    let time = |at: usize| detections[at]["time"].as_str().unwrap().to_owned();
    let window = query(&["--from", &time(5), "--to", &time(detections.len() - 5)]);
    let is_inside = |row: &&Value| {
        (time(5)..time(detections.len() - 5)).contains(&row["time"].as_str().unwrap().to_owned())
    };
    assert_eq!(window.len(), detections.iter().filter(is_inside).count());
    // Sealed, the same rows; a saved run is known again, and taken in once more on demand.
    let before = query(&[]);
    assert!(run_ok(&["archive", "seal", dir, "--all"]).contains("rows sealed in"));
    assert_eq!(query(&[]), before);
    let import = ["archive", "import", dir, text(&out)];
    assert!(run_fails(&import, 2).contains("is in") && run_fails(&import, 2).contains("as run 1"));
    assert!(run_ok(&[&import[..], &["--again"]].concat()).contains("run 2"));
    let again = query(&["--run", "2"]);
    assert_eq!(bare(by_number(again)), detections);
    assert!(run_ok(&["archive", "check", dir]).contains("nothing is wrong"));
    assert!(run_ok(&["archive", "info", dir]).contains("roof"));
    assert!(run_ok(&["query", dir]).contains("range rate"));
    assert!(run_ok(&["archive", "repair", dir]).contains("nothing was wrong"));
    let sql = "SELECT count(*) AS n FROM detections";
    assert_eq!(query(&["--sql", sql])[0]["n"], 2 * detections.len());
    assert!(run_ok(&["archive", "prune", dir, "--keep-days", "1"]).contains("0 rows forgotten"));
}

#[test]
fn exports_hold_the_same_rows() {
    let folder = tempfile::tempdir().unwrap();
    let (archive, out) = archived(folder.path());
    let dir = text(&archive);
    let n = file(&out.join("detections.jsonl")).len();
    let export = |name: &str, more: &[&str]| {
        let path = folder.path().join(name);
        run_ok(&[&["archive", "export", dir, "--out", text(&path)], more].concat());
        path
    };
    let csv = std::fs::read_to_string(export("a.csv", &[])).unwrap();
    assert_eq!(csv.lines().count(), n + 1);
    assert_eq!(csv, run_ok(&["query", dir, "--csv"]));
    assert_eq!(std::fs::read_to_string(export("a.jsonl", &[])).unwrap(), run_ok(&["query", dir, "--json"]));
    let meta = std::fs::read_to_string(export("a.sigmf-meta", &[])).unwrap();
    let meta: Value = serde_json::from_str(&meta).unwrap();
    assert_eq!(meta["annotations"].as_array().unwrap().len(), n);
    assert_eq!(meta["global"]["core:metadata_only"], true);
    assert_eq!(&std::fs::read(export("a.parquet", &["tracks"])).unwrap()[..4], b"PAR1");
    let there = folder.path().join("a.csv");
    let message = run_fails(&["archive", "export", dir, "--out", text(&there)], 2);
    assert!(message.contains("exists"), "{message}");
    for (name, more, told) in [
        ("a.xlsx", &[][..], ".parquet, .csv"),
        ("b.sigmf-meta", &["tracks"][..], "made of detections"),
        ("b.sigmf-meta", &["--snr", "900"][..], "no detections pass"),
        ("b.csv", &["runs"][..], "query"),
    ] {
        let path = folder.path().join(name);
        let message = run_fails(&[&["archive", "export", dir, "--out", text(&path)], more].concat(), 2);
        assert!(message.contains(told), "{message}");
        assert!(!path.exists());
    }
}

#[test]
fn what_makes_no_sense_is_refused_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let (archive, _) = archived(folder.path());
    let dir = text(&archive);
    let cases: &[(&[&str], &str)] = &[
        (&["query", "nowhere"], "is no archive"),
        (&["query", dir, "aircraft"], "possible values"),
        (&["query", dir, "--from", "yesterday"], "expected a time such as"),
        (&["query", dir, "--from", "2026-11-22", "--to", "2026-11-21"], "is not before"),
        (&["query", dir, "--range", "far"], "expected FROM..TO"),
        (&["query", dir, "--range", "9..3"], "behind its end"),
        (&["query", dir, "--snr", "loud"], "finite number"),
        (&["query", dir, "--snr", "nan"], "finite number"),
        (&["query", dir, "--track", "one"], "invalid"),
        (&["query", dir, "--station", "../../etc"], "expected 1 to 64 letters"),
        (&["query", dir, "tracks", "--snr", "3"], "--snr means nothing for tracks"),
        (&["query", dir, "runs", "--range", "1..2"], "means nothing for runs"),
        (&["query", dir, "--json", "--csv"], "cannot be used with"),
        (&["query", dir, "--sql", "DELETE FROM run"], "only reading is allowed"),
        (&["query", dir, "--sql", "SELECT 1; SELECT 2"], "more than one statement"),
        (&["query", dir, "--sql", "ATTACH '/tmp/x' AS x"], "only reading is allowed"),
        (&["query", dir, "--sql", "SELEC"], "cannot be understood"),
        (&["query", dir, "--sql", "SELECT 1", "--snr", "3"], "--sql goes with"),
        (&["query", dir, "--sql", "SELECT 1", "--timeout", "0"], "above 0"),
        (&["query", dir, "--timeout", "3"], "--sql"),
        (&["archive", "seal", "nowhere"], "is no archive"),
        (&["archive", "prune", dir], "--keep-days"),
        (&["archive", "prune", dir, "--keep-days", "-1"], "above 0"),
        (&["archive", "prune", dir, "--keep-size", "much"], "invalid"),
        (&["archive", "import", dir, "nowhere"], "is no folder"),
        (&["archive", "import", dir, dir], "holds no run.json"),
        (&["archive", "import", dir, dir, "--station", "a/b"], "expected 1 to 64 letters"),
        (&["archive", "repair", "nowhere"], "is no folder"),
        (&["archive", "check", "nowhere"], "is no archive"),
        (&["archive", "burn", dir], "unrecognized subcommand"),
    ];
    for (words, told) in cases {
        let message = run_fails(words, 2);
        assert!(message.contains(told), "{words:?}: {message}");
    }
    let config = repository("configs/barker.toml");
    let words = ["run", text(&config), "--station", "roof"];
    assert!(run_fails(&words, 2).contains("--archive"));
    let endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n";
    let message = run_fails(&["query", dir, "--timeout", "0.2", "--sql", endless], 2);
    assert!(message.contains("took more than 0.2 s"), "{message}");
    // A program that reads a part of the answer is told so by the exit code.
    let many = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x FROM n";
    let output = run(&["query", dir, "--sql", many, "--json"]);
    assert_eq!(
        (output.status.code(), lines(std::str::from_utf8(&output.stdout).unwrap()).len()),
        (Some(1), 10_000)
    );
    assert!(stderr(&output).contains("there are more"));
    // A run with nowhere to go says so before the first sample.
    let blocked = folder.path().join("a-file");
    std::fs::write(&blocked, "").unwrap();
    let barker = repository("recordings/barker/barker.sigmf-meta");
    let words = ["replay", text(&barker), "--config", text(&config), "--archive", text(&blocked)];
    assert!(run_fails(&words, 2).contains("a-file"));
}

#[test]
fn gaps_are_archived() {
    let folder = tempfile::tempdir().unwrap();
    let mut scene = std::fs::read_to_string(repository("recordings/barker/scene.toml")).unwrap();
    scene.push_str("\n[[gap]]\nstart_s = 0.1\nduration_s = 0.002\n");
    let path = folder.path().join("scene.toml");
    std::fs::write(&path, scene).unwrap();
    let archive = folder.path().join("archive");
    let source = format!("scene:{}", path.display());
    let config = repository("configs/barker.toml");
    let out = folder.path().join("out");
    let words = [
        "run",
        text(&config),
        "--source",
        &source,
        "--archive",
        text(&archive),
        "--out",
        text(&out),
        "--no-plots",
    ];
    run_ok(&words);
    let report: Value =
        serde_json::from_str(&std::fs::read_to_string(out.join("run.json")).unwrap()).unwrap();
    let gaps = lines(&run_ok(&["query", text(&archive), "gaps", "--json"]));
    let lost: u64 = gaps.iter().map(|gap| gap["samples"].as_u64().unwrap()).sum();
    assert_eq!(
        (gaps.len() as u64, lost),
        (report["gaps"].as_u64().unwrap(), report["samples_lost"].as_u64().unwrap())
    );
    assert!(lost > 0);
}

/// DuckDB, pandas and polars read what `rangegate query` prints, sealed hour by sealed hour.
#[test]
fn others_read_the_same_rows() {
    let Some(python) = python() else { return };
    let has = Command::new(&python).args(["-c", "import duckdb, pandas, polars, pyarrow"]).output().unwrap();
    if !has.status.success() {
        println!("SKIPPED 1 case: Python lacks duckdb, pandas, polars or pyarrow (scripts/requirements.txt)");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (archive, _) = archived(folder.path());
    run_ok(&["archive", "seal", text(&archive), "--all"]);
    let expected = folder.path().join("expected.jsonl");
    std::fs::write(&expected, run_ok(&["query", text(&archive), "--json"])).unwrap();
    let script = repository("tests/python/read_archive.py");
    let output = Command::new(&python).args([&script, &archive, &expected]).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    println!("{}", String::from_utf8_lossy(&output.stdout));
}
