//! What the tests of both engines have in common.
#![allow(dead_code, reason = "each test uses some of it")]

pub mod server;

use rangegate_engine::{Delivered, Exchange, Message, Sqlite, Subscription};
use std::path::Path;
use std::time::{Duration, Instant};

/// No machine stalls this long; a condition that has not come by then never will.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// Opens the exchange under test once more, as another process would.
pub type Open<'a> = &'a (dyn Fn() -> Box<dyn Exchange> + Sync);

pub fn sqlite(folder: &Path) -> Box<dyn Exchange> {
    Box::new(Sqlite::open(&folder.join("x.sqlite"), Default::default()).unwrap())
}

/// Message `number` of an origin.
pub fn message(origin: &str, number: u64) -> Message {
    Message {
        id: format!("{origin}/1/{number}"),
        subject: format!("{origin}.detections"),
        time_ns: 1_700_000_000_000_000_000 + number.cast_signed() * 1_000_000,
        payload: format!("payload {number} of {origin}").into_bytes(),
    }
}

pub fn messages(origin: &str, numbers: std::ops::Range<u64>) -> Vec<Message> {
    numbers.map(|number| message(origin, number)).collect()
}

/// Calls again while it fails for a while only.
pub fn patiently<T>(mut call: impl FnMut() -> rangegate_engine::Result<T>) -> T {
    let begun = Instant::now();
    loop {
        match call() {
            Ok(done) => return done,
            Err(error) if error.is_temporary() && begun.elapsed() < PATIENCE => {
                std::thread::sleep(Duration::from_millis(5));
            }
            Err(error) => panic!("{error}"),
        }
    }
}

/// Exactly so many messages.
pub fn read(subscription: &mut dyn Subscription, count: usize) -> Vec<Delivered> {
    let (begun, mut all) = (Instant::now(), Vec::new());
    while all.len() < count {
        assert!(begun.elapsed() < PATIENCE, "{} of {count} came", all.len());
        let left = count - all.len();
        all.extend(patiently(|| subscription.next(left, Duration::from_secs(1))));
    }
    assert!(all.windows(2).all(|pair| pair[0].sequence < pair[1].sequence), "sequences grow");
    all
}

pub fn payloads(delivered: &[Delivered]) -> Vec<&Message> {
    delivered.iter().map(|delivered| &delivered.message).collect()
}
