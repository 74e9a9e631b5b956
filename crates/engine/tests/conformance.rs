//! What every engine does, each case on each engine.
#![allow(clippy::print_stdout, reason = "tests say what they skipped")]

mod common;

use common::{Open, PATIENCE, message, messages, payloads, read};
use rangegate_engine::{Error, Keep, MAX_GROUP, MAX_PAYLOAD, Receipt, Start};
use std::time::{Duration, Instant};

const NO_WAIT: Duration = Duration::ZERO;
const LONG: Duration = Duration::from_secs(600);

macro_rules! cases {
    ($($case:ident)*) => {
        mod sqlite {
            $(#[test]
            fn $case() {
                let folder = tempfile::tempdir().unwrap();
                super::$case(&|| super::common::sqlite(folder.path()));
            })*
        }

        mod nats {
            use super::common::server::{Server, connect, program};

            $(#[test]
            fn $case() {
                if program().is_none() {
                    println!("SKIPPED 1 case: RANGEGATE_NATS_SERVER names no server");
                    return;
                }
                let folder = tempfile::tempdir().unwrap();
                let server = Server::plain(folder.path());
                super::$case(&|| connect(&server.url()));
            })*
        }
    };
}

cases! {
    messages_come_in_order_as_they_were
    ids_are_stored_once
    cursors_survive_reopening
    a_cursor_may_begin_now
    two_subscribers_do_not_disturb_each_other
    trimming_keeps_ids_taken
    trimming_stops_at_cursors_unless_told
    publishers_of_many_threads
    limits_are_kept
    a_wait_of_nothing_returns
    a_waiter_is_woken
    a_job_is_leased_once_and_finished_once
    a_lease_runs_out_and_the_job_returns
    a_lease_that_is_extended_holds
    a_job_given_back_comes_at_once
    poison_is_set_aside
    workers_of_many_threads
}

fn messages_come_in_order_as_they_were(open: Open<'_>) {
    let exchange = open();
    let all = messages("a", 0..300);
    let receipts = exchange.publish("from", &all[..100]).unwrap();
    assert!(receipts.windows(2).all(|pair| pair[0].sequence < pair[1].sequence));
    assert!(receipts.iter().all(|receipt| !receipt.was_there && receipt.sequence > 0));
    for message in &all[100..200] {
        exchange.publish("from", std::slice::from_ref(message)).unwrap();
    }
    exchange.publish("from", &all[200..]).unwrap();
    exchange.publish("to", &messages("b", 0..5)).unwrap();
    assert_eq!(exchange.publish("from", &[]).unwrap(), []);
    let mut reader = exchange.subscribe("from", "r", Start::First).unwrap();
    let found = read(&mut *reader, 300);
    assert_eq!(payloads(&found), all.iter().collect::<Vec<_>>());
    assert_eq!(found[7].sequence, receipts[7].sequence);
    assert!(reader.next(10, NO_WAIT).unwrap().is_empty());
    let mut reader = exchange.subscribe("to", "r", Start::First).unwrap();
    assert_eq!(payloads(&read(&mut *reader, 5)), messages("b", 0..5).iter().collect::<Vec<_>>());
}

fn ids_are_stored_once(open: Open<'_>) {
    let exchange = open();
    let first = exchange.publish("from", &messages("a", 0..10)).unwrap();
    let other = open();
    let again = other.publish("from", &messages("a", 5..15)).unwrap();
    for (number, receipt) in (5..).zip(&again) {
        assert_eq!(receipt.was_there, number < 10);
        if number < 10 {
            assert_eq!(receipt.sequence, first[number].sequence);
        }
    }
    // Twice in one group, and after another; with another text the id is taken all the same.
    let twice = [message("a", 20), message("a", 20), message("a", 3)];
    let receipts = exchange.publish("from", &twice).unwrap();
    assert_eq!(receipts.iter().map(|r| r.was_there).collect::<Vec<_>>(), [false, true, true]);
    let mut changed = message("a", 0);
    changed.payload = b"another".to_vec();
    changed.subject = "another".to_owned();
    let receipts = exchange.publish("from", &[changed]).unwrap();
    assert_eq!(receipts, [Receipt { sequence: first[0].sequence, was_there: true }]);
    // Numbers may come out of order, and other streams have ids of their own.
    assert!(!exchange.publish("from", &[message("a", 17)]).unwrap()[0].was_there);
    assert!(!exchange.publish("to", &[message("a", 0)]).unwrap()[0].was_there);
    let mut reader = exchange.subscribe("from", "r", Start::First).unwrap();
    let mut expected = messages("a", 0..15);
    expected.extend([message("a", 20), message("a", 17)]);
    assert_eq!(payloads(&read(&mut *reader, 17)), expected.iter().collect::<Vec<_>>());
    assert!(reader.next(1, NO_WAIT).unwrap().is_empty());
}

fn cursors_survive_reopening(open: Open<'_>) {
    let all = messages("a", 0..50);
    open().publish("from", &all).unwrap();
    let exchange = open();
    let mut reader = exchange.subscribe("from", "r", Start::First).unwrap();
    let found = read(&mut *reader, 30);
    reader.acknowledge(found[9].sequence).unwrap();
    reader.acknowledge(found[19].sequence).unwrap();
    // An older one moves nothing back.
    reader.acknowledge(found[3].sequence).unwrap();
    drop((reader, exchange));
    let exchange = open();
    // `start` is for new cursors only.
    let mut reader = exchange.subscribe("from", "r", Start::Now).unwrap();
    let found = read(&mut *reader, 30);
    assert_eq!(payloads(&found), all[20..].iter().collect::<Vec<_>>());
    let error = reader.acknowledge(found[29].sequence + 1).unwrap_err();
    assert!(!error.is_temporary() && error.to_string().contains("acknowledged sequence"), "{error}");
    reader.acknowledge(found[29].sequence).unwrap();
    assert!(open().subscribe("from", "r", Start::First).unwrap().next(9, NO_WAIT).unwrap().is_empty());
    assert!(exchange.forget("from", "r").unwrap());
    assert!(!exchange.forget("from", "r").unwrap());
    let mut reader = exchange.subscribe("from", "r", Start::First).unwrap();
    assert_eq!(read(&mut *reader, 50).len(), 50);
}

fn a_cursor_may_begin_now(open: Open<'_>) {
    let exchange = open();
    let mut empty = exchange.subscribe("from", "empty", Start::Now).unwrap();
    exchange.publish("from", &messages("a", 0..10)).unwrap();
    let mut reader = exchange.subscribe("from", "now", Start::Now).unwrap();
    exchange.publish("from", &messages("a", 10..12)).unwrap();
    let found = read(&mut *reader, 2);
    assert_eq!(payloads(&found), messages("a", 10..12).iter().collect::<Vec<_>>());
    // Without an acknowledgement it begins there again.
    drop(reader);
    let mut reader = open().subscribe("from", "now", Start::First).unwrap();
    assert_eq!(payloads(&read(&mut *reader, 2)), payloads(&found));
    assert_eq!(read(&mut *empty, 12).len(), 12);
}

fn two_subscribers_do_not_disturb_each_other(open: Open<'_>) {
    let (one, two) = (open(), open());
    one.publish("from", &messages("a", 0..20)).unwrap();
    let mut first = one.subscribe("from", "first", Start::First).unwrap();
    let mut second = two.subscribe("from", "second", Start::First).unwrap();
    let found = read(&mut *first, 20);
    first.acknowledge(found[19].sequence).unwrap();
    two.publish("from", &messages("a", 20..30)).unwrap();
    assert_eq!(payloads(&read(&mut *first, 10)), messages("a", 20..30).iter().collect::<Vec<_>>());
    assert_eq!(payloads(&read(&mut *second, 30)), messages("a", 0..30).iter().collect::<Vec<_>>());
}

fn trimming_keeps_ids_taken(open: Open<'_>) {
    let exchange = open();
    let all = messages("a", 0..100);
    let receipts = exchange.publish("from", &all).unwrap();
    exchange.publish("to", &all).unwrap();
    assert_eq!(exchange.trim("from", Keep::default()).unwrap(), 0);
    assert_eq!(exchange.trim("none", Keep { messages: Some(0), ..Keep::default() }).unwrap(), 0);
    let since = Keep { since_ns: Some(all[30].time_ns), messages: Some(90), ..Keep::default() };
    assert_eq!(exchange.trim("from", since).unwrap(), 30, "the sharpest limit counts");
    assert_eq!(exchange.trim("from", since).unwrap(), 0);
    let octets = all[60..].iter().map(|message| message.payload.len() as u64).sum::<u64>();
    let bytes = Keep { bytes: Some(octets), ..Keep::default() };
    assert_eq!(exchange.trim("from", bytes).unwrap(), 30);
    let mut reader = exchange.subscribe("from", "r", Start::First).unwrap();
    assert_eq!(payloads(&read(&mut *reader, 40)), all[60..].iter().collect::<Vec<_>>());
    // All published again, also by one that has just come: none is stored.
    for exchange in [&exchange, &open()] {
        let again = exchange.publish("from", &all).unwrap();
        for (number, receipt) in again.iter().enumerate() {
            assert!(receipt.was_there, "{number}");
            assert!(number < 60 || receipt.sequence == receipts[number].sequence);
        }
    }
    assert!(reader.next(9, NO_WAIT).unwrap().is_empty());
    // All gone: sequences go on, and new ids are new.
    reader.acknowledge(receipts[99].sequence).unwrap();
    assert_eq!(exchange.trim("from", Keep { messages: Some(0), ..Keep::default() }).unwrap(), 40);
    assert!(exchange.publish("from", &all[98..]).unwrap().iter().all(|receipt| receipt.was_there));
    let next = exchange.publish("from", &messages("a", 200..201)).unwrap();
    assert!(!next[0].was_there && next[0].sequence > receipts[99].sequence);
    assert_eq!(payloads(&read(&mut *reader, 1)), [&message("a", 200)]);
    let mut reader = exchange.subscribe("to", "r", Start::First).unwrap();
    assert_eq!(read(&mut *reader, 100).len(), 100, "other streams stay");
}

fn trimming_stops_at_cursors_unless_told(open: Open<'_>) {
    let exchange = open();
    exchange.publish("from", &messages("a", 0..40)).unwrap();
    let mut slow = exchange.subscribe("from", "slow", Start::First).unwrap();
    let found = read(&mut *slow, 10);
    slow.acknowledge(found[9].sequence).unwrap();
    let none = Keep { messages: Some(0), ..Keep::default() };
    assert_eq!(exchange.trim("from", none).unwrap(), 10);
    assert_eq!(exchange.trim("from", none).unwrap(), 0);
    assert_eq!(payloads(&read(&mut *slow, 5)), messages("a", 10..15).iter().collect::<Vec<_>>());
    let told = Keep { messages: Some(10), beyond_cursors: true, ..Keep::default() };
    assert_eq!(exchange.trim("from", told).unwrap(), 20);
    let mut again = exchange.subscribe("from", "slow", Start::First).unwrap();
    assert_eq!(payloads(&read(&mut *again, 10)), messages("a", 30..40).iter().collect::<Vec<_>>());
}

fn publishers_of_many_threads(open: Open<'_>) {
    const EACH: u64 = 100;
    let origins = ["a", "b", "c", "d"];
    let reader = open();
    let mut reader = reader.subscribe("from", "r", Start::First).unwrap();
    let found = std::thread::scope(|scope| {
        for origin in origins {
            scope.spawn(move || {
                let exchange = open();
                for number in (0..EACH).step_by(5) {
                    // The same messages twice, as one that was not heard.
                    for _ in 0..2 {
                        exchange.publish("from", &messages(origin, number..number + 5)).unwrap();
                    }
                }
            });
        }
        read(&mut *reader, origins.len() * EACH as usize)
    });
    for origin in origins {
        let prefix = format!("{origin}/");
        let own: Vec<_> = payloads(&found).into_iter().filter(|m| m.id.starts_with(&prefix)).collect();
        assert_eq!(own, messages(origin, 0..EACH).iter().collect::<Vec<_>>());
    }
    assert!(reader.next(1, NO_WAIT).unwrap().is_empty());
}

fn limits_are_kept(open: Open<'_>) {
    let exchange = open();
    let largest = rangegate_engine::Message { payload: vec![7; MAX_PAYLOAD], ..message("a", 0) };
    exchange.publish("from", std::slice::from_ref(&largest)).unwrap();
    let change = |change: &dyn Fn(&mut rangegate_engine::Message)| {
        let mut changed = message("a", 1);
        change(&mut changed);
        changed
    };
    let bad = [
        ("payload", change(&|m| m.payload = vec![7; MAX_PAYLOAD + 1])),
        ("message id", change(&|m| m.id = "a".to_owned())),
        ("message id", change(&|m| m.id = "a b/1".to_owned())),
        ("message id", change(&|m| m.id = format!("{}/1", "a".repeat(200)))),
        ("subject", change(&|m| m.subject = "a..b".to_owned())),
        ("subject", change(&|m| m.subject = "*".to_owned())),
        ("subject", change(&|m| m.subject = String::new())),
    ];
    for (field, message) in bad {
        let error = exchange.publish("from", &[common::message("a", 2), message]).unwrap_err();
        assert!(matches!(&error, Error::Refused { field: found, .. } if *found == field), "{error}");
        assert!(!error.is_temporary());
    }
    for name in ["", "a.b", "a b", "*", ">", "é", &"a".repeat(65)] {
        assert!(exchange.publish(name, &[message("a", 3)]).is_err());
        assert!(exchange.subscribe("from", name, Start::First).is_err());
        assert!(exchange.submit(name, "j", b"").is_err());
        assert!(exchange.lease("q", name, LONG, NO_WAIT).is_err());
    }
    let many = messages("many", 0..MAX_GROUP as u64 + 1);
    assert!(exchange.publish("from", &many).unwrap_err().to_string().contains("10001"));
    for id in ["", "a b", "\n", "é", &"a".repeat(200)] {
        assert!(exchange.submit("q", id, b"").is_err());
    }
    assert!(exchange.submit("q", "j", &vec![0; MAX_PAYLOAD + 1]).is_err());
    assert!(exchange.submit("q", "a/b.c*>%,:", &vec![0; MAX_PAYLOAD]).unwrap());
    assert!(!exchange.submit("q", "a/b.c*>%,:", b"").unwrap());
    let mut reader = exchange.subscribe("from", "r", Start::First).unwrap();
    assert_eq!(payloads(&read(&mut *reader, 1)), [&largest]);
    assert!(reader.next(1, NO_WAIT).unwrap().is_empty(), "nothing of a group that is refused");
}

fn a_wait_of_nothing_returns(open: Open<'_>) {
    let exchange = open();
    let mut reader = exchange.subscribe("from", "r", Start::First).unwrap();
    assert!(reader.next(10, NO_WAIT).unwrap().is_empty());
    assert_eq!(exchange.lease("q", "w", LONG, NO_WAIT).unwrap(), None);
    // And finds what is there.
    exchange.publish("from", &messages("a", 0..3)).unwrap();
    assert_eq!(reader.next(2, NO_WAIT).unwrap().len(), 2);
    assert_eq!(reader.next(2, NO_WAIT).unwrap().len(), 1);
    exchange.submit("q", "j", b"x").unwrap();
    assert!(exchange.lease("q", "w", LONG, NO_WAIT).unwrap().is_some());
}

/// Whoever waits for minutes is woken by what is written by the same exchange, and by another.
fn a_waiter_is_woken(open: Open<'_>) {
    let (here, there) = (open(), open());
    for (number, writer) in [(0, &here), (1, &there)] {
        let mut reader = here.subscribe("from", &format!("r{number}"), Start::Now).unwrap();
        let begun = Instant::now();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                std::thread::sleep(Duration::from_millis(50));
                writer.publish("from", &[message("a", number)]).unwrap();
                writer.submit("q", &number.to_string(), b"").unwrap();
            });
            assert_eq!(payloads(&reader.next(10, LONG).unwrap()), [&message("a", number)]);
            assert!(here.lease("q", "w", LONG, LONG).unwrap().is_some());
        });
        assert!(begun.elapsed() < LONG / 2, "it slept through");
    }
}

fn a_job_is_leased_once_and_finished_once(open: Open<'_>) {
    let (one, two) = (open(), open());
    for id in ["a", "b"] {
        assert!(one.submit("q", id, id.as_bytes()).unwrap());
        assert!(!two.submit("q", id, b"other").unwrap());
    }
    let a = one.lease("q", "w1", LONG, NO_WAIT).unwrap().unwrap();
    let b = two.lease("q", "w2", LONG, NO_WAIT).unwrap().unwrap();
    assert_eq!((a.id.as_str(), a.payload.as_slice(), a.attempts), ("a", b"a".as_slice(), 1));
    assert_eq!((b.id.as_str(), b.queue.as_str(), b.attempts), ("b", "q", 1));
    assert_eq!(two.lease("q", "w2", LONG, NO_WAIT).unwrap(), None);
    let state = one.queue_state("q").unwrap();
    assert_eq!((state.waiting, state.leased, state.done), (0, 2, 0));
    one.finish(&a).unwrap();
    one.finish(&a).expect("who did not hear that it was done says it again");
    for error in [one.extend(&a, LONG), one.release(&a, ""), one.set_aside(&a, "")] {
        assert!(matches!(error, Err(Error::LeaseLost { .. })), "{error:?}");
    }
    two.finish(&b).unwrap();
    let state = open().queue_state("q").unwrap();
    assert_eq!((state.waiting, state.leased, state.done, state.set_aside.len()), (0, 0, 2, 0));
    assert!(state.is_over());
    // What is done is not done again.
    assert!(!open().submit("q", "a", b"").unwrap());
    assert_eq!(open().lease("q", "w", LONG, NO_WAIT).unwrap(), None);
    assert_eq!(open().queue_state("other").unwrap(), Default::default());
}

fn a_lease_runs_out_and_the_job_returns(open: Open<'_>) {
    let (one, two) = (open(), open());
    one.submit("q", "a", b"").unwrap();
    let late = one.lease("q", "late", Duration::from_millis(100), NO_WAIT).unwrap().unwrap();
    let job = two.lease("q", "next", LONG, PATIENCE).unwrap().expect("it returns");
    assert_eq!((job.id.as_str(), job.attempts), ("a", 2));
    for error in
        [one.extend(&late, LONG), one.finish(&late), one.release(&late, ""), one.set_aside(&late, "")]
    {
        assert!(matches!(error, Err(Error::LeaseLost { .. })), "{error:?}");
    }
    two.extend(&job, LONG).unwrap();
    two.finish(&job).unwrap();
    // One that ran out, and that nobody took since, can still be finished, but not extended.
    one.submit("q", "b", b"").unwrap();
    let late = one.lease("q", "late", Duration::from_millis(1), NO_WAIT).unwrap().unwrap();
    std::thread::sleep(Duration::from_millis(20));
    assert!(matches!(one.extend(&late, LONG), Err(Error::LeaseLost { .. })));
    one.finish(&late).unwrap();
    assert_eq!(two.queue_state("q").unwrap().done, 2);
}

fn a_lease_that_is_extended_holds(open: Open<'_>) {
    let (one, two) = (open(), open());
    one.submit("q", "a", b"").unwrap();
    let job = one.lease("q", "w", Duration::from_secs(60), NO_WAIT).unwrap().unwrap();
    one.extend(&job, LONG).unwrap();
    one.extend(&job, Duration::from_millis(50)).unwrap();
    let job = two.lease("q", "w2", LONG, PATIENCE).unwrap().expect("a lease is shortened, too");
    assert_eq!(job.attempts, 2);
    two.finish(&job).unwrap();
}

fn a_job_given_back_comes_at_once(open: Open<'_>) {
    let (one, two) = (open(), open());
    one.submit("q", "a", b"").unwrap();
    for attempt in 1..=3 {
        let job = one.lease("q", "w", LONG, PATIENCE).unwrap().unwrap();
        assert_eq!(job.attempts, attempt);
        one.release(&job, "not now").unwrap();
        assert!(matches!(one.extend(&job, LONG), Err(Error::LeaseLost { .. })));
    }
    let job = two.lease("q", "w2", LONG, PATIENCE).unwrap().unwrap();
    assert_eq!(job.attempts, 4);
    assert!(
        matches!(one.finish(&Clone::clone(&job)), Ok(())),
        "a job may be finished through another exchange"
    );
}

fn poison_is_set_aside(open: Open<'_>) {
    let exchange = open();
    for id in ["good", "bad"] {
        exchange.submit("q", id, id.as_bytes()).unwrap();
    }
    while let Some(job) = exchange.lease("q", "w", LONG, NO_WAIT).unwrap() {
        match job.id.as_str() {
            "bad" if job.attempts == 3 => exchange.set_aside(&job, "always fails").unwrap(),
            "bad" => exchange.release(&job, "fails").unwrap(),
            _ => exchange.finish(&job).unwrap(),
        }
    }
    let state = open().queue_state("q").unwrap();
    assert_eq!((state.waiting, state.leased, state.done), (0, 0, 1));
    let [bad] = state.set_aside.as_slice() else { panic!("{state:?}") };
    assert_eq!((bad.id.as_str(), bad.payload.as_slice()), ("bad", b"bad".as_slice()));
    assert_eq!((bad.attempts, bad.reason.as_str()), (3, "always fails"));
    assert!(!exchange.submit("q", "bad", b"").unwrap());
}

fn workers_of_many_threads(open: Open<'_>) {
    const JOBS: u64 = 60;
    let exchange = open();
    for number in 0..JOBS {
        exchange.submit("q", &format!("j{number}"), &number.to_be_bytes()).unwrap();
    }
    let done = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for worker in 0..3 {
            let done = &done;
            scope.spawn(move || {
                let exchange = open();
                while let Some(job) = exchange.lease("q", &format!("w{worker}"), LONG, NO_WAIT).unwrap() {
                    exchange.finish(&job).unwrap();
                    done.lock().unwrap().push(job.id);
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap();
    done.sort();
    let mut expected: Vec<_> = (0..JOBS).map(|number| format!("j{number}")).collect();
    expected.sort();
    assert_eq!(done, expected, "each once");
    assert_eq!(exchange.queue_state("q").unwrap().done, JOBS);
}
