//! Queries that somebody else wrote: answered, or refused in words; never a change, never without an end.

mod common;

use common::{SECOND_NS, START_NS, begin, detection, track_line};
use rangegate_archive::row::time_from_ns;
use rangegate_archive::sql::{Answer, Cell, Limits, query};
use rangegate_archive::{Ending, Filter, Folder, Keep, Seal, WriteOptions, upkeep};
use std::path::Path;
use std::time::{Duration, Instant};

fn archive(seal: Seal) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = begin(folder.path(), "A", WriteOptions::default());
    for number in 0..5_000 {
        writer.detection(&detection(number, Some(START_NS + number * SECOND_NS)));
    }
    for number in 0..100 {
        writer.track(&track_line(number, START_NS + number * SECOND_NS)).unwrap();
    }
    writer.finish(&Ending { status: "done".to_owned(), report: None }).unwrap();
    upkeep(&Folder::new(folder.path()), &Keep { seal, ..Keep::default() }).unwrap();
    folder
}

fn ask(folder: &Path, sql: &str) -> Result<Answer, String> {
    // Generous: machines stall.
    let limits = Limits { time: Duration::from_secs(300), ..Limits::default() };
    query(folder, sql, &Filter::default(), &limits).map_err(|error| error.to_string())
}

#[test]
fn sealed_and_live_rows_are_one_table() {
    let sql =
        "SELECT count(*) AS n, min(number), max(number), count(DISTINCT template), round(sum(snr_db), 6),
               typeof(time_ns), station FROM detections";
    let closed = archive(Seal::Closed);
    let answers: Vec<_> = [archive(Seal::None), archive(Seal::All)]
        .iter()
        .chain([&closed])
        .map(|folder| ask(folder.path(), sql).unwrap())
        .collect();
    assert_eq!(answers[0].columns[0], "n");
    assert_eq!(answers[0].rows[0][..4], [Cell::Int(5_000), Cell::Int(0), Cell::Int(4_999), Cell::Int(2)]);
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0], answers[2]);
    let tracks = ask(closed.path(), "SELECT track, count(*) FROM tracks GROUP BY track ORDER BY 1").unwrap();
    assert_eq!(tracks.rows[2], [Cell::Int(3), Cell::Int(33)]);
    let joined = "SELECT r.source, count(*) FROM detections d JOIN runs r ON r.run = d.run
                  WHERE d.after_gap AND json_valid(r.configuration) GROUP BY r.run";
    assert_eq!(ask(closed.path(), joined).unwrap().rows, [[Cell::Text("scene.toml".into()), Cell::Int(52)]]);
    let window = Filter {
        from: Some(time_from_ns(START_NS + 10 * SECOND_NS)),
        to: Some(time_from_ns(START_NS + 20 * SECOND_NS)),
        ..Filter::default()
    };
    for folder in [&closed, &archive(Seal::None)] {
        let n = query(folder.path(), "SELECT count(*) FROM detections", &window, &Limits::default()).unwrap();
        assert_eq!(n.rows, [[Cell::Int(10)]]);
        // Beyond the years that 64 bits hold there is nothing.
        let far = Filter { from: Some("3000-01-01T00:00:00Z".parse().unwrap()), ..Filter::default() };
        let n = query(folder.path(), "SELECT count(*) FROM detections", &far, &Limits::default()).unwrap();
        assert_eq!(n.rows, [[Cell::Int(0)]]);
    }
}

#[test]
fn what_is_no_question_is_refused() {
    let folder = archive(Seal::Closed);
    let victim = folder.path().join("victim.sqlite");
    let attach = format!("ATTACH '{}' AS other", victim.display());
    let into = format!("VACUUM INTO '{}'", victim.display());
    let before = std::fs::read(Folder::new(folder.path()).database()).unwrap();
    for sql in [
        "DELETE FROM detection",
        "DELETE FROM temp.sealed_detections",
        "INSERT INTO gap(run, first_sample, samples) VALUES (1, 2, 3)",
        "UPDATE run SET status = 'mine' RETURNING id",
        "DROP TABLE run",
        "CREATE TABLE mine(x)",
        "CREATE TEMP TABLE mine(x)",
        "PRAGMA user_version = 9",
        "PRAGMA query_only = OFF",
        "SELECT * FROM pragma_table_info('run')",
        &attach,
        &into,
        "DETACH main",
        "BEGIN",
        "COMMIT",
        "SAVEPOINT a",
        "REINDEX",
        "ANALYZE",
        "WITH x AS (SELECT 1) DELETE FROM run",
        "EXPLAIN DELETE FROM run",
    ] {
        let error = ask(folder.path(), sql).unwrap_err();
        assert!(error.contains("only reading is allowed") || error.contains("no query"), "{sql}: {error}");
    }
    for (sql, told) in [
        ("SELECT 1; DROP TABLE run", "expected one SELECT"),
        ("SELECT 1; SELECT 2", "more than one statement"),
        ("SELECT load_extension('evil.so')", "cannot call the function load_extension"),
        ("SELECT readfile('/etc/passwd')", "no such function"),
        ("SELECT writefile('x', 'y')", "no such function"),
        ("", "no query"),
        ("-- nothing", "no query"),
        ("SELEC 1", "syntax error"),
        ("SELECT nobody FROM detections", "no such column"),
        ("SELECT * FROM aircraft", "no such table"),
        ("SELECT 'a", "unrecognized token"),
        ("SELECT 1\0; DROP TABLE run", "holds a NUL"),
        ("SELECT zeroblob(1000000000)", "bytes"),
        ("SELECT hex(hex(zeroblob(400000)))", "bytes"),
        // Of time that grows with the product of its arguments' lengths, within which nobody looks at the clock.
        (
            "SELECT instr(hex(zeroblob(500000)), hex(zeroblob(250000)) || '1')",
            "cannot call the function instr",
        ),
        ("SELECT replace(template, 'c', 'k') FROM detections", "cannot call the function replace"),
        ("SELECT TRIM(template, 'c') FROM detections", "cannot call the function TRIM"),
        ("SELECT count(*) FROM runs WHERE fts3_tokenizer('simple')", "function"),
    ] {
        let error = ask(folder.path(), sql).unwrap_err();
        assert!(error.contains(told), "{sql:?}: {error}");
    }
    let long = format!("SELECT {}1", "1+".repeat(50_000));
    assert!(ask(folder.path(), &long).is_err(), "SQLite bounds the depth of an expression");
    assert_eq!(before, std::fs::read(Folder::new(folder.path()).database()).unwrap());
    assert!(!victim.exists());
}

#[test]
fn what_has_no_end_is_ended() {
    let folder = archive(Seal::None);
    let limits = Limits { time: Duration::from_millis(200), ..Limits::default() };
    // A pattern that backtracks, on a long text, for each row.
    let like = format!(
        "SELECT count(*) FROM detections WHERE printf('%.*c', 200000, 'a') || number LIKE '%{}b'",
        "a".repeat(200)
    );
    for sql in [
        &like,
        "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n",
        "WITH RECURSIVE n(x) AS (SELECT 1 UNION SELECT x + 1 FROM n) SELECT max(x) FROM n",
        "SELECT count(*) FROM detections a, detections b, detections c",
        "SELECT a.number FROM detections a, detections b, detections c ORDER BY a.snr_db + b.snr_db + c.snr_db",
    ] {
        let begun = Instant::now();
        let error = query(folder.path(), sql, &Filter::default(), &limits).unwrap_err().to_string();
        assert!(error.contains("took more than 0.2 s"), "{sql}: {error}");
        // Generous: machines are slow and busy. Without the limit these take days.
        assert!(begun.elapsed() < Duration::from_secs(60), "{sql}");
    }
    // Endless, but each row comes at once: cut at the limit of rows.
    let endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x FROM n";
    let unhurried = Limits { time: Duration::from_secs(300), ..Limits::default() };
    let answer = query(folder.path(), endless, &Filter::default(), &unhurried).unwrap();
    assert!(answer.is_cut && answer.rows.len() == Limits::default().rows);
    let wide =
        "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT hex(zeroblob(500000)) FROM n";
    let answer = query(folder.path(), wide, &Filter::default(), &unhurried).unwrap();
    assert!(answer.is_cut && answer.rows.len() < 300, "{} rows of 1 MB", answer.rows.len());
}

#[test]
fn more_sealed_rows_than_a_query_is_given_are_refused() {
    let folder = archive(Seal::All);
    let limits = Limits { sealed_rows: 4_000, ..Limits::default() };
    let error = query(folder.path(), "SELECT 1", &Filter::default(), &limits).unwrap_err().to_string();
    assert!(error.contains("5000 sealed detections") && error.contains("--from"), "{error}");
}
