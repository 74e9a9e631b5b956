//! What only the engine in a file does: refusing other files, damage, a full disk.

mod common;

use common::{message, messages};
use rangegate_engine::{Exchange, Keep, Message, Sqlite, SqliteOptions, Start};
use std::time::Duration;

#[test]
fn other_files_are_refused_and_left_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x");
    let text = "this is no database, but long enough to be read as one: ".repeat(50);
    std::fs::write(&path, &text).unwrap();
    let error = Sqlite::open(&path, SqliteOptions::default()).unwrap_err();
    assert!(!error.is_temporary() && error.to_string().contains("not a database"), "{error}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);

    let path = folder.path().join("y");
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.execute_batch("CREATE TABLE mine(x)").unwrap();
    drop(connection);
    let before = std::fs::read(&path).unwrap();
    let error = Sqlite::open(&path, SqliteOptions::default()).unwrap_err();
    assert!(error.to_string().contains("application id"), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), before);

    let path = folder.path().join("z");
    drop(Sqlite::open(&path, SqliteOptions::default()).unwrap());
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    let error = Sqlite::open(&path, SqliteOptions::default()).unwrap_err();
    assert!(error.to_string().contains("found 99"), "{error}");
    assert!(Sqlite::open(&folder.path().join("none/x"), SqliteOptions::default()).is_err());
}

/// A station and the centre begin at once, and either makes the file.
#[test]
fn many_may_make_the_file_at_once() {
    let folder = tempfile::tempdir().unwrap();
    for round in 0..30 {
        let path = folder.path().join(round.to_string());
        let gate = std::sync::Barrier::new(8);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    gate.wait();
                    Sqlite::open(&path, SqliteOptions::default()).unwrap();
                });
            }
        });
    }
}

/// Wherever octets are overwritten: an error or the right answer, never a panic or a wrong message.
#[test]
fn damage_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x");
    let exchange = Sqlite::open(&path, SqliteOptions::default()).unwrap();
    for from in (0..2_000).step_by(100) {
        exchange.publish("from", &messages("a", from..from + 100)).unwrap();
    }
    assert_eq!(exchange.check().unwrap(), Vec::<String>::new());
    drop(exchange);
    let good = std::fs::read(&path).unwrap();
    let mut told = 0;
    for page in 0..good.len() / 8_192 {
        let mut bad = good.clone();
        bad[page * 8_192..page * 8_192 + 2_000].fill(0xa5);
        std::fs::write(&path, &bad).unwrap();
        let look = || {
            let exchange = Sqlite::open(&path, SqliteOptions::default())?;
            let problems = exchange.check()?;
            let mut reader = exchange.subscribe("from", "r", Start::First)?;
            while !reader.next(500, Duration::ZERO)?.is_empty() {}
            exchange.publish("from", &[message("a", 5_000)])?;
            Ok::<_, rangegate_engine::Error>(problems)
        };
        match look() {
            Ok(problems) => told += usize::from(!problems.is_empty()),
            Err(error) => {
                assert!(!error.is_temporary(), "{error}");
                told += 1;
            }
        }
        for beside in ["x-wal", "x-shm"] {
            let _ = std::fs::remove_file(folder.path().join(beside));
        }
    }
    assert!(told * 10 >= good.len() / 8_192 * 8, "{told} of {}", good.len() / 8_192);
}

#[test]
fn a_full_disk_is_an_error_that_passes() {
    let folder = tempfile::tempdir().unwrap();
    let options = SqliteOptions { max_bytes: Some(4 << 20), ..SqliteOptions::default() };
    let exchange = Sqlite::open(&folder.path().join("x"), options).unwrap();
    let large = |number| Message { payload: vec![7; 200_000], ..message("a", number) };
    let mut stored = 0;
    let error = loop {
        match exchange.publish("from", &[large(stored), large(stored + 1)]) {
            Ok(_) => stored += 2,
            Err(error) => break error,
        }
        assert!(stored < 100);
    };
    assert!(error.is_temporary() && error.to_string().contains("full"), "{error}");
    let mut reader = exchange.subscribe("from", "r", Start::First).unwrap();
    let found = common::read(&mut *reader, stored as usize);
    assert!(reader.next(1, Duration::ZERO).unwrap().is_empty(), "all of a group, or none");
    // Room is made, and it goes on.
    reader.acknowledge(found.last().unwrap().sequence).unwrap();
    exchange.trim("from", Keep { messages: Some(1), ..Keep::default() }).unwrap();
    let receipts = exchange.publish("from", &[large(stored), large(stored + 1)]).unwrap();
    assert!(receipts.iter().all(|receipt| !receipt.was_there));
}

#[test]
fn another_that_writes_is_waited_for_and_then_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x");
    let options = SqliteOptions { patience: Duration::from_millis(30), ..SqliteOptions::default() };
    let exchange = Sqlite::open(&path, options).unwrap();
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = exchange.publish("from", &[message("a", 0)]).unwrap_err();
    assert!(error.is_temporary(), "{error}");
    other.execute_batch("ROLLBACK").unwrap();
    exchange.publish("from", &[message("a", 0)]).unwrap();
}
