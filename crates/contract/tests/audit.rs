//! The log: one altered octet is found, a crash is repaired, two sides agree.

mod support;

use rangegate_contract::{
    Agreement, AuditBook, AuditLog, Event, KeyPair, Kind, Refusal, Role, Tally, compare, verify,
};
use std::path::Path;
use std::sync::Arc;
use support::{World, at};

fn key() -> Arc<KeyPair> {
    Arc::new(KeyPair::generate(Role::Machine).expect("a key"))
}

fn stopped(to: &str) -> Event {
    let from = if to == "South" { "North" } else { "South" };
    Event::FlowStopped { from: from.into(), to: to.into(), at: at(1.0) }
}

/// A small log with a head in the middle.
fn small_log(path: &Path, key: &KeyPair) -> rangegate_contract::SignedHead {
    let (mut log, _) = AuditLog::open(path, "South", key, at(0.0)).expect("opens");
    log.append(at(1.0), &[stopped("South"), stopped("North")]).expect("appends");
    let head = log.sign_head(at(2.0), key).expect("signs");
    log.append(at(3.0), &[stopped("South")]).expect("appends");
    head
}

#[test]
fn every_altered_octet_is_found() {
    let (directory, key) = (tempfile::tempdir().expect("a directory"), key());
    let path = directory.path().join("South.jsonl");
    let head = small_log(&path, &key);
    let verified = verify(&path, key.public()).expect("verifies");
    assert_eq!((verified.log.as_str(), verified.entries, verified.unsigned), ("South", 5, 1));
    assert_eq!(verified.head, Some(head));
    let octets = std::fs::read(&path).expect("reads");
    for at in 0..octets.len() {
        for bit in 0..8 {
            let mut altered = octets.clone();
            altered[at] ^= 1 << bit;
            std::fs::write(&path, &altered).expect("writes");
            assert!(verify(&path, key.public()).is_err(), "octet {at}, bit {bit}");
        }
    }
    let another = self::key();
    std::fs::write(&path, &octets).expect("writes");
    assert!(verify(&path, another.public()).is_err(), "of another centre");
}

#[test]
fn lines_that_are_lost_moved_or_cut_off_are_found() {
    let (directory, key) = (tempfile::tempdir().expect("a directory"), key());
    let path = directory.path().join("South.jsonl");
    let head = small_log(&path, &key);
    let text = std::fs::read_to_string(&path).expect("reads");
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let is_good = |lines: &[&str]| {
        std::fs::write(&path, lines.concat()).expect("writes");
        verify(&path, key.public()).is_ok()
    };
    for at in 0..lines.len() {
        let mut without = lines.clone();
        without.remove(at);
        assert_eq!(is_good(&without), at == lines.len() - 1, "line {at} lost: only the end can look whole");
        let mut twice = lines.clone();
        twice.insert(at, lines[at]);
        assert!(!is_good(&twice), "line {at} twice");
        for other in 0..at {
            let mut swapped = lines.clone();
            swapped.swap(at, other);
            assert!(!is_good(&swapped), "lines {at} and {other}");
        }
    }
    // Whoever has the head finds a log that was cut off before it.
    for n in 0..=lines.len() {
        std::fs::write(&path, lines[..n].concat()).expect("writes");
        let verdict = rangegate_contract::audit::verify_against(&path, key.public(), &head);
        assert_eq!(verdict.is_ok(), n as u64 > head.last, "{n} lines: {verdict:?}");
    }
    // And one that its writer wrote anew.
    std::fs::remove_file(&path).expect("removes");
    let (mut log, _) = AuditLog::open(&path, "South", &key, at(0.0)).expect("opens");
    log.append(at(1.0), &[stopped("North"), stopped("North"), stopped("North")]).expect("appends");
    assert!(verify(&path, key.public()).is_ok());
    let text = rangegate_contract::audit::verify_against(&path, key.public(), &head)
        .expect_err("another history")
        .to_string();
    assert!(text.contains("which was signed"), "{text}");
}

#[test]
fn a_line_that_was_not_finished_is_taken_off_and_the_log_says_so() {
    let (directory, key) = (tempfile::tempdir().expect("a directory"), key());
    let path = directory.path().join("South.jsonl");
    small_log(&path, &key);
    let octets = std::fs::read(&path).expect("reads");
    let last = octets[..octets.len() - 1].iter().rposition(|&octet| octet == b'\n').expect("lines") + 1;
    for len in (last..octets.len()).step_by(17).chain([octets.len() - 1, 0, 1, 60]) {
        std::fs::write(&path, &octets[..len]).expect("writes");
        let whole = if len < last { 0 } else { last };
        if len > whole {
            assert!(verify(&path, key.public()).is_err(), "{len} octets");
        }
        let (mut log, removed) = AuditLog::open(&path, "South", &key, at(9.0)).expect("opens");
        assert_eq!(removed, (len - whole) as u64);
        log.append(at(9.0), &[stopped("South")]).expect("appends");
        verify(&path, key.public()).expect("verifies");
        let text = std::fs::read_to_string(&path).expect("reads");
        assert_eq!(text.contains(&format!("\"removed_octets\":{removed}}}")), removed > 0, "{text}");
    }
    // What was altered is not repaired.
    let mut altered = octets.clone();
    altered[last + 100] ^= 1;
    std::fs::write(&path, &altered).expect("writes");
    assert!(AuditLog::open(&path, "South", &key, at(9.0)).is_err());
    std::fs::write(&path, &octets).expect("writes");
    assert!(AuditLog::open(&path, "North", &key, at(9.0)).is_err(), "another's");
    let _open = AuditLog::open(&path, "South", &key, at(9.0)).expect("opens");
    let text = AuditLog::open(&path, "South", &key, at(9.0)).expect_err("open elsewhere").to_string();
    assert!(text.contains("one process"), "{text}");
}

/// What happens in a minute between the two.
fn happenings(world: &World) -> Vec<Event> {
    let mut tally = Tally::default();
    for n in 0..1000 {
        tally.delivered("South", "North", "gabala", Kind::Tracks, &format!("gabala/1/{n}"));
        tally.delivered("North", "South", "armavir", Kind::Detections, &format!("armavir/1/{n}"));
        tally.withheld("South", "North", "gabala", Kind::Tracks, "outside the areas (clause 1)");
    }
    let refusal = Refusal::UnknownOrigin { origin: "nobody".into() };
    tally.refused(None, "nobody", &refusal);
    tally.refused(Some("South"), "gabala", &refusal);
    let mut events = vec![Event::in_force(&world.signed(1, "").contract)];
    events.extend(tally.drain());
    assert!(tally.is_empty());
    let key = world.stations[0].1.public().clone();
    events.push(Event::Revoked { name: "gabala".into(), key, at: at(2.0), reason: "stolen".into() });
    events.extend([stopped("South"), stopped("North")]);
    events
}

#[test]
fn two_sides_agree_and_a_difference_is_named() {
    let (directory, key, world) = (tempfile::tempdir().expect("a directory"), key(), World::new());
    let log = |name: &str| directory.path().join(format!("{name}.jsonl"));
    let (mut book, repairs) =
        AuditBook::open(directory.path(), &["South", "North"], key.clone(), at(0.0)).expect("opens");
    assert!(repairs.is_empty());
    book.record(at(1.0), &happenings(&world)).expect("records");
    let heads = book.sign_heads(at(2.0)).expect("signs");
    assert_eq!(heads.keys().collect::<Vec<_>>(), ["North", "South", "centre"]);
    drop(book);
    for name in ["South", "North", "centre"] {
        let verified = verify(&log(name), key.public()).expect("verifies");
        assert_eq!((verified.unsigned, verified.head.as_ref()), (0, heads.get(name)), "{name}");
    }
    let agreement = compare(&log("South"), &log("North"), key.public()).expect("compares");
    // In force, two of delivery, revoked, two of stopping.
    assert_eq!(agreement, Agreement::Agree { shared: 6, only_first: 0, only_second: 0 });
    let text = std::fs::read_to_string(log("North")).expect("reads");
    assert!(!text.contains("withheld") && !text.contains("refused"), "not North's matter: {text}");
    // A centre that tells the one otherwise than the other.
    std::fs::remove_file(log("North")).expect("removes");
    let (mut north, _) = AuditLog::open(&log("North"), "North", &key, at(0.0)).expect("opens");
    let mut events = happenings(&world);
    for event in &mut events {
        if let Event::Delivered { count, from, .. } = event
            && from == "South"
        {
            *count -= 1;
        }
    }
    events.retain(|event| event.concerns("North"));
    north.append(at(1.0), &events).expect("appends");
    let difference = compare(&log("South"), &log("North"), key.public()).expect("compares");
    assert!(matches!(difference, Agreement::Differ { at: 2, .. }), "{difference:?}");
}

#[test]
fn wherever_the_writer_dies_both_sides_agree_again() {
    let (directory, key, world) = (tempfile::tempdir().expect("a directory"), key(), World::new());
    let log = |name: &str| directory.path().join(format!("{name}.jsonl"));
    let names = ["centre", "North", "South"];
    let open =
        || AuditBook::open(directory.path(), &["South", "North"], key.clone(), at(5.0)).expect("opens");
    let (mut book, _) = open();
    let begun = names.map(|name| std::fs::read(log(name)).expect("reads"));
    book.record(at(1.0), &happenings(&world)).expect("records");
    drop(book);
    let whole = names.map(|name| std::fs::read(log(name)).expect("reads"));
    // The centre's log is written first, then the owners', each from its beginning on.
    for dying in 0..names.len() {
        for part in 0..5 {
            for at in 0..names.len() {
                let (from, to) = (begun[at].len(), whole[at].len());
                let len = match at.cmp(&dying) {
                    std::cmp::Ordering::Less => to,
                    std::cmp::Ordering::Equal => from + (to - from) * part / 5,
                    std::cmp::Ordering::Greater => from,
                };
                std::fs::write(log(names[at]), &whole[at][..len]).expect("writes");
            }
            let (mut book, repairs) = open();
            assert_eq!(repairs.is_empty(), dying == 0 && part == 0, "{repairs:?}");
            book.record(at(6.0), &[stopped("South")]).expect("records");
            drop(book);
            for name in names {
                verify(&log(name), key.public()).expect("verifies");
            }
            let agreement = compare(&log("South"), &log("North"), key.public()).expect("compares");
            assert!(
                matches!(agreement, Agreement::Agree { only_first: 0, only_second: 0, .. }),
                "{agreement:?}"
            );
        }
    }
    // An owner's log that knows more than the centre's was not written by it.
    std::fs::write(log("centre"), &begun[0]).expect("writes");
    assert!(AuditBook::open(directory.path(), &["South"], key.clone(), at(7.0)).is_err());
}
