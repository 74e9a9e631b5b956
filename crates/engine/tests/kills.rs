//! `kill -9` of publishers, workers and the server: nothing acknowledged is lost, nothing doubled, order kept.
//!
//! `RANGEGATE_ENGINE_KILLS` says how often a child is killed.
#![allow(
    clippy::print_stdout,
    reason = "children talk to their parents so, and tests say what they measured"
)]

mod common;

use common::server::{Server, connect, program};
use common::{PATIENCE, message, messages, patiently, read};
use rangegate_engine::{Exchange, Start};
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// What a child opens: a folder, or a server's address.
const PLACE: &str = "RANGEGATE_ENGINE_PLACE";
const ROLE: &str = "RANGEGATE_ENGINE_ROLE";
const FROM: &str = "RANGEGATE_ENGINE_FROM";

fn open(place: &str) -> Box<dyn Exchange> {
    if place.starts_with("nats://") { connect(place) } else { common::sqlite(Path::new(place)) }
}

#[test]
#[ignore = "the child of the tests below"]
fn child() {
    let Ok(place) = std::env::var(PLACE) else { return };
    let from = std::env::var(FROM).unwrap().parse().unwrap();
    let exchange = open(&place);
    if std::env::var(ROLE).unwrap() == "publisher" {
        publish(&*exchange, from);
    } else {
        work(&*exchange, from);
    }
}

fn say(word: &str, number: impl std::fmt::Display) {
    // On a line of its own: the test's runner writes, too.
    println!("\n{word} {number}");
    std::io::stdout().flush().unwrap();
}

/// Groups of 1 to 20 messages, each said twice, for ever.
fn publish(exchange: &dyn Exchange, mut from: u64) {
    for size in (1..=20).cycle() {
        let group = messages("a", from..from + size);
        patiently(|| exchange.publish("from", &group));
        from += size;
        say("acknowledged", from);
        assert!(patiently(|| exchange.publish("from", &group)).iter().all(|receipt| receipt.was_there));
    }
}

fn work(exchange: &dyn Exchange, worker: u64) {
    loop {
        let worker = format!("w{worker}");
        let wait = Duration::from_secs(1);
        let Some(job) = patiently(|| exchange.lease("q", &worker, Duration::from_secs(1), wait)) else {
            continue;
        };
        say("leased", &job.id);
        std::thread::sleep(Duration::from_millis(10));
        match exchange.finish(&job) {
            Ok(()) => say("finished", job.id),
            Err(rangegate_engine::Error::LeaseLost { .. }) => {}
            Err(error) if error.is_temporary() => {}
            Err(error) => panic!("{error}"),
        }
    }
}

fn start(place: &str, role: &str, from: u64) -> (Child, BufReader<ChildStdout>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--ignored", "--nocapture", "--test-threads=1"])
        .envs([(PLACE, place), (ROLE, role), (FROM, &from.to_string())])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap());
    (child, lines)
}

fn kills() -> u64 {
    std::env::var("RANGEGATE_ENGINE_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(20)
}

/// Somewhere in the first 200 ms; another place for each.
fn moment(kill: u64) -> Duration {
    Duration::from_micros((kill * 7_919 + 3) * 104_729 % 200_000)
}

fn publishers_are_killed(place: &str) {
    let mut acknowledged = 0;
    for kill in 0..kills() {
        let (mut child, lines) = start(place, "publisher", acknowledged);
        let number = |line: String| line.strip_prefix("acknowledged ")?.parse::<u64>().ok();
        let mut lines = lines.lines().map_while(Result::ok);
        let first = lines.by_ref().find_map(number).expect("a first group");
        std::thread::sleep(moment(kill));
        child.kill().unwrap();
        child.wait().unwrap();
        acknowledged = lines.filter_map(number).fold(first, u64::max);
    }
    let exchange = open(place);
    let mut reader = exchange.subscribe("from", "r", Start::First).unwrap();
    let mut kept = 0;
    loop {
        let found = patiently(|| reader.next(1_000, Duration::ZERO));
        for delivered in &found {
            assert_eq!(delivered.message, message("a", kept), "without a hole, each once, in order");
            kept += 1;
        }
        if found.is_empty() {
            break;
        }
    }
    println!("{} kills: {acknowledged} acknowledged, {kept} kept", kills());
    assert!(kept >= acknowledged);
}

fn workers_are_killed(place: &str) {
    const JOBS: u64 = 100;
    let exchange = open(place);
    for number in 0..JOBS {
        patiently(|| exchange.submit("q", &number.to_string(), &number.to_be_bytes()));
    }
    let (mut other, other_lines) = start(place, "worker", 1);
    let mut finished = Vec::new();
    let id = |line: String| line.strip_prefix("finished ").map(str::to_owned);
    for kill in 0..kills() {
        let (mut child, lines) = start(place, "worker", 0);
        let mut lines = lines.lines().map_while(Result::ok);
        // Once it works, or where nothing is left.
        let begun = Instant::now();
        if !patiently(|| exchange.queue_state("q")).is_over() && kill < 10 {
            let first = lines.by_ref().find(|line| line.starts_with("leased ")).expect("it works");
            assert!(begun.elapsed() < PATIENCE, "{first}");
        }
        std::thread::sleep(moment(kill) / 4);
        child.kill().unwrap();
        child.wait().unwrap();
        finished.extend(lines.filter_map(id));
    }
    let begun = Instant::now();
    while !patiently(|| exchange.queue_state("q")).is_over() {
        assert!(begun.elapsed() < PATIENCE, "{:?}", exchange.queue_state("q"));
        std::thread::sleep(Duration::from_millis(20));
    }
    other.kill().unwrap();
    other.wait().unwrap();
    finished.extend(other_lines.lines().map_while(Result::ok).filter_map(id));
    let state = exchange.queue_state("q").unwrap();
    assert_eq!((state.done, state.set_aside.len()), (JOBS, 0));
    let once: BTreeSet<_> = finished.iter().collect();
    println!("{} kills: {JOBS} jobs done, {} said so", kills(), finished.len());
    assert_eq!(once.len(), finished.len(), "each is finished once");
}

/// Publishers of three processes at once: all is there, each in its order.
fn publishers_of_many_processes(place: &str) {
    let mut children: Vec<_> = (0..3).map(|n| start(place, "publisher", n * 1_000_000)).collect();
    let mut acknowledged = Vec::new();
    for (n, (_, lines)) in (0..).zip(&mut children) {
        let mut number = 0;
        for line in lines.by_ref().lines().map_while(Result::ok) {
            number = line.strip_prefix("acknowledged ").map_or(number, |n| n.parse().unwrap());
            if number > n * 1_000_000 + 100 {
                break;
            }
        }
        acknowledged.push(number);
    }
    for (child, _) in &mut children {
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let exchange = open(place);
    let mut reader = exchange.subscribe("from", "r", Start::First).unwrap();
    let mut next: Vec<_> = (0..3).map(|n| n * 1_000_000).collect();
    loop {
        let found = patiently(|| reader.next(1_000, Duration::ZERO));
        for delivered in &found {
            let number: u64 = delivered.message.id.rsplit_once('/').unwrap().1.parse().unwrap();
            let own = &mut next[(number / 1_000_000) as usize];
            assert_eq!(number, *own);
            *own += 1;
        }
        if found.is_empty() {
            break;
        }
    }
    assert!(next.iter().zip(&acknowledged).all(|(kept, said)| kept >= said), "{next:?} {acknowledged:?}");
}

#[test]
fn sqlite_survives_its_publishers() {
    let folder = tempfile::tempdir().unwrap();
    publishers_are_killed(folder.path().to_str().unwrap());
}

#[test]
fn sqlite_survives_its_workers() {
    let folder = tempfile::tempdir().unwrap();
    workers_are_killed(folder.path().to_str().unwrap());
}

#[test]
fn sqlite_serves_many_processes() {
    let folder = tempfile::tempdir().unwrap();
    publishers_of_many_processes(folder.path().to_str().unwrap());
}

/// With a server, where there is one.
fn with_server(cases: impl Fn(Server)) {
    if program().is_none() {
        println!("SKIPPED 1 case: RANGEGATE_NATS_SERVER names no server");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    cases(Server::plain(folder.path()));
}

#[test]
fn nats_survives_its_publishers() {
    with_server(|server| publishers_are_killed(&server.url()));
}

#[test]
fn nats_survives_its_workers() {
    with_server(|server| workers_are_killed(&server.url()));
}

#[test]
fn nats_serves_many_processes() {
    with_server(|server| publishers_of_many_processes(&server.url()));
}

/// About 1,000 messages a second, in groups, while the server is killed five times; and jobs beside them.
#[test]
fn the_server_is_killed() {
    const KILLS: u64 = 5;
    const JOBS: u64 = 100;
    with_server(|mut server| {
        let url = server.url();
        let (published, over) = (AtomicU64::new(0), AtomicBool::new(false));
        let exchange = open(&url);
        for number in 0..JOBS {
            exchange.submit("q", &number.to_string(), b"").unwrap();
        }
        let mut reader = exchange.subscribe("from", "r", Start::First).unwrap();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let exchange = open(&url);
                while !over.load(Ordering::SeqCst) {
                    let from = published.load(Ordering::SeqCst);
                    let group = messages("a", from..from + 10);
                    patiently(|| exchange.publish("from", &group));
                    published.store(from + 10, Ordering::SeqCst);
                    std::thread::sleep(Duration::from_millis(8));
                }
            });
            let worker = scope.spawn(|| {
                let exchange = open(&url);
                let mut finished = 0;
                let lease = Duration::from_secs(1);
                while !patiently(|| exchange.queue_state("q")).is_over() {
                    let Some(job) = patiently(|| exchange.lease("q", "w", lease, Duration::from_secs(1)))
                    else {
                        continue;
                    };
                    std::thread::sleep(Duration::from_millis(20));
                    finished += u64::from(exchange.finish(&job).is_ok());
                }
                finished
            });
            let mut read_to = 0;
            for kill in 0..KILLS {
                let begun = Instant::now();
                let goal = published.load(Ordering::SeqCst) + 500;
                while published.load(Ordering::SeqCst) < goal {
                    assert!(begun.elapsed() < PATIENCE, "nothing is published any more");
                    read_to += read_some(&mut *reader, read_to);
                }
                std::thread::sleep(moment(kill));
                server.kill();
                let before = published.load(Ordering::SeqCst);
                std::thread::sleep(moment(kill + 77));
                assert!(server.run());
                let begun = Instant::now();
                // Over all that could still be under way as it was killed.
                while published.load(Ordering::SeqCst) <= before + 10 {
                    assert!(begun.elapsed() < PATIENCE, "it does not recover: {}", server.log());
                    std::thread::sleep(Duration::from_millis(1));
                }
                println!("kill {kill}: publishing again after {:.2} s", begun.elapsed().as_secs_f64());
            }
            let finished = worker.join().unwrap();
            over.store(true, Ordering::SeqCst);
            let all = published.load(Ordering::SeqCst);
            while read_to < all {
                read_to += read_some(&mut *reader, read_to);
            }
            println!(
                "{KILLS} kills: {all} published and read, {finished} of {JOBS} jobs finished at the first word"
            );
        });
        let mut again = exchange.subscribe("from", "again", Start::First).unwrap();
        let all = published.load(Ordering::SeqCst);
        for (number, delivered) in (0..).zip(read(&mut *again, all as usize)) {
            assert_eq!(delivered.message, message("a", number));
        }
        assert!(again.next(1, Duration::ZERO).unwrap().is_empty(), "nothing is doubled");
        assert_eq!(exchange.queue_state("q").unwrap().done, JOBS);
    });
}

/// Reads and acknowledges what comes, which must be what follows; how many.
fn read_some(reader: &mut dyn rangegate_engine::Subscription, from: u64) -> u64 {
    let found = patiently(|| reader.next(200, Duration::from_millis(50)));
    for (number, delivered) in (from..).zip(&found) {
        assert_eq!(delivered.message, message("a", number), "without a hole, each once, in order");
    }
    if let Some(last) = found.last() {
        patiently(|| reader.acknowledge(last.sequence));
    }
    found.len() as u64
}
