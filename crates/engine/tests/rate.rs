//! How many messages and jobs a second each engine takes. Run it in release mode, with `--ignored --nocapture`.
#![allow(clippy::print_stdout, reason = "it prints what it measures")]

mod common;

use common::server::{Server, connect, program};
use rangegate_engine::{Exchange, Message, Start};
use std::time::{Duration, Instant};

fn kilobytes(from: u64, count: u64) -> Vec<Message> {
    let mut messages = common::messages("a", from..from + count);
    for message in &mut messages {
        message.payload = vec![b'x'; 1_000];
    }
    messages
}

fn measure(name: &str, exchange: &dyn Exchange) {
    let rate = |what: &str, count: u64, begun: Instant| {
        println!("{name}: {what}: {:.0}/s", count as f64 / begun.elapsed().as_secs_f64());
    };
    let mut next = 0;
    for (size, groups) in [(1, 1_000), (10, 300), (100, 100), (1_000, 10)] {
        let begun = Instant::now();
        for _ in 0..groups {
            exchange.publish("from", &kilobytes(next, size)).unwrap();
            next += size;
        }
        rate(&format!("messages of 1 kB published {size} at a time"), size * groups, begun);
    }
    let mut reader = exchange.subscribe("from", "r", Start::First).unwrap();
    let begun = Instant::now();
    let mut left = next;
    while left > 0 {
        let found = reader.next(500, Duration::ZERO).unwrap();
        left -= found.len() as u64;
        reader.acknowledge(found.last().unwrap().sequence).unwrap();
    }
    rate("messages read and acknowledged 500 at a time", next, begun);
    let begun = Instant::now();
    for number in 0..300 {
        exchange.submit("q", &number.to_string(), b"").unwrap();
        let job = exchange.lease("q", "w", Duration::from_secs(60), Duration::ZERO).unwrap().unwrap();
        exchange.finish(&job).unwrap();
    }
    rate("jobs submitted, leased and finished", 300, begun);
}

#[test]
#[ignore = "a measurement"]
fn rates() {
    let folder = tempfile::tempdir().unwrap();
    measure("SQLite", &*common::sqlite(folder.path()));
    if program().is_none() {
        println!("SKIPPED 1 case: RANGEGATE_NATS_SERVER names no server");
        return;
    }
    let server = Server::plain(folder.path());
    measure("NATS", &*connect(&server.url()));
}
