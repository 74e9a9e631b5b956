//! Who gives, gets.

mod support;

use rangegate_contract::{Contract, Kind, Mutuality, MutualityState};
use support::{World, at};

fn contract(terms: &str) -> Contract {
    let world = World::new();
    let clauses = "[[gives]]\nowner = \"South\"\nkinds = [\"tracks\"]\n\n";
    world.signed(1, &format!("{clauses}[mutuality]\n{terms}\n")).contract
}

const TERMS: &str = "kinds = [\"tracks\", \"health\"]\nwindow_s = 10\ngrace_s = 30";

fn flows(changes: &[rangegate_contract::FlowChange]) -> Vec<(&str, rangegate_core::Timestamp, bool)> {
    changes.iter().map(|change| (change.to.as_str(), change.at, change.is_flowing)).collect()
}

#[test]
fn who_stops_giving_gets_nothing_after_the_grace_and_again_when_it_gives() {
    // Both ways round.
    for (a, b) in [("South", "North"), ("North", "South")] {
        let mut account = Mutuality::new(&contract(TERMS), at(0.0)).expect("has terms");
        for second in 0..100 {
            let now = at(f64::from(second));
            let is_delivered = account.give(a, Kind::Tracks, now);
            // B gives its last at 20 s: the grace ends at 50 s.
            if second <= 20 {
                assert!(account.give(b, Kind::Tracks, now), "{second} s: A gives all the time");
            }
            assert_eq!(is_delivered, second <= 50, "{second} s");
            assert_eq!(account.is_flowing(b, now), second <= 50);
            assert!(account.is_flowing(a, now));
        }
        assert!(!account.is_flowing(b, at(100.0)));
        assert!(account.give(b, Kind::Tracks, at(100.25)), "what B gives arrives");
        assert!(account.is_flowing(b, at(100.25)) && account.give(a, Kind::Tracks, at(100.5)));
        let changes = account.changes(at(101.0));
        assert_eq!(flows(&changes), [(b, at(50.0), false), (b, at(100.25), true)]);
        assert!(account.changes(at(101.0)).is_empty(), "each is told once");
        let balance = account.balance(at(101.0));
        let side = balance.sides.iter().find(|side| side.owner == a).expect("A");
        assert_eq!((side.given[&Kind::Tracks], side.delivered[&Kind::Tracks]), (101, 52));
        assert!(balance.to_string().contains("52 of 101 tracks"), "{balance}");
    }
}

#[test]
fn health_feeds_and_what_does_not_count_does_not() {
    let mut account = Mutuality::new(&contract(TERMS), at(0.0)).expect("has terms");
    for second in 0..200 {
        let now = at(f64::from(second));
        account.give("North", Kind::Coverage, now);
        if second % 10 == 0 {
            account.give("South", Kind::Health, now);
        }
        assert!(account.is_flowing("South", now), "nothing to see, but alive");
        assert_eq!(account.is_flowing("North", now), second <= 30, "coverage is not what was agreed");
    }
    assert!(!account.give("West", Kind::Tracks, at(200.0)) && !account.is_flowing("West", at(200.0)));
}

#[test]
fn two_who_both_stopped_begin_again() {
    let mut account = Mutuality::new(&contract(TERMS), at(0.0)).expect("has terms");
    assert!(!account.is_flowing("South", at(100.0)) && !account.is_flowing("North", at(100.0)));
    assert!(!account.give("South", Kind::Tracks, at(100.0)), "North has given nothing yet");
    assert!(account.give("North", Kind::Tracks, at(101.0)), "but South has");
    assert!(account.give("South", Kind::Tracks, at(102.0)));
    let changes = account.changes(at(102.0));
    assert_eq!(
        flows(&changes),
        [
            ("South", at(30.0), false),
            ("North", at(30.0), false),
            ("South", at(100.0), true),
            ("North", at(101.0), true)
        ]
    );
}

#[test]
fn a_part_of_what_the_other_gives_is_owed() {
    let terms = format!("{TERMS}\nmin_reports = 2\nmin_ratio = 0.1");
    let mut account = Mutuality::new(&contract(&terms), at(0.0)).expect("has terms");
    let mut stopped_at = None;
    for tick in 0..2000_u32 {
        let now = at(f64::from(tick) * 0.1);
        account.give("South", Kind::Tracks, now);
        // A fifth at first, then a twentieth, and again a fifth.
        let every = if (500..1500).contains(&tick) { 20 } else { 5 };
        if tick % every == 0 {
            account.give("North", Kind::Tracks, now);
        }
        match (account.is_flowing("North", now), stopped_at) {
            (false, None) => stopped_at = Some(tick),
            (true, Some(_)) if tick < 1500 => panic!("began again at {tick}"),
            _ => {}
        }
    }
    // Even until what it gave within 10 s falls below a tenth: between 5 and 10 s after; then the grace.
    let stopped_at = stopped_at.expect("stops");
    assert!((500 + 350..=500 + 400).contains(&stopped_at), "{stopped_at}");
    assert!(account.is_flowing("North", at(200.0)), "began again");
}

#[test]
fn the_account_is_stored_and_nobody_pays_for_the_centres_sleep() {
    let contract = contract(TERMS);
    let mut account = Mutuality::new(&contract, at(0.0)).expect("has terms");
    account.give("South", Kind::Tracks, at(25.0));
    let stored = serde_json::to_string(account.state()).expect("JSON");
    let state: MutualityState = serde_json::from_str(&stored).expect("a state");
    assert_eq!(&state, account.state());
    let mut account = Mutuality::restore(&contract, state, at(3625.0)).expect("has terms");
    // North had 5 s left, South 30.
    assert!(account.is_flowing("North", at(3630.0)) && !account.is_flowing("North", at(3630.1)));
    assert!(account.is_flowing("South", at(3655.0)) && !account.is_flowing("South", at(3655.1)));
    account.give("South", Kind::Tracks, at(10.0));
    assert!(!account.is_flowing("North", at(4000.0)), "time never goes back");
    assert!(account.is_flowing("South", at(3655.0)));
}
