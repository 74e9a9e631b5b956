//! What holds for any record: it comes back as it was, and damage is found or does no harm.

mod random;

use rand::{Rng, RngExt};
use rangegate_exchange::asterix::fused::SystemTrack;
use rangegate_exchange::asterix::report::TargetReport;
use rangegate_exchange::asterix::service::{SiteReport, StationStatus, check_editions};
use rangegate_exchange::asterix::{self, Block, record_from_json, record_to_json, tables::CATEGORIES};

#[test]
fn a_hundred_thousand_random_records_come_back_as_they_were() {
    let mut rng = random::seeded(1);
    let mut n = 0;
    while n < 100_000 {
        let category = CATEGORIES[rng.random_range(0..CATEGORIES.len())];
        let block = random::block(&mut rng, category);
        let octets = block.encode().expect("what is within the tables encodes");
        assert_eq!(octets.len(), usize::from(u16::from_be_bytes([octets[1], octets[2]])));
        assert_eq!(asterix::decode(&octets).as_deref(), Ok(std::slice::from_ref(&block)));
        n += block.records.len();
    }
}

#[test]
fn random_records_come_back_from_json_as_they_were() {
    let mut rng = random::seeded(2);
    for _ in 0..1000 {
        for category in CATEGORIES {
            let record = random::record(&mut rng, category);
            let text = record_to_json(&record).to_string();
            let json = serde_json::from_str(&text).expect("JSON");
            assert_eq!(record_from_json(category, &json).as_ref(), Ok(&record), "{text}");
        }
    }
}

#[test]
fn what_random_records_report_can_be_reported_again() {
    let mut rng = random::seeded(6);
    let mut n = 0;
    for _ in 0..5000 {
        for category in CATEGORIES {
            let record = random::record(&mut rng, category);
            let again = [
                TargetReport::from_record(&record).ok().map(|report| report.to_record()),
                SystemTrack::from_record(&record).ok().map(|track| track.to_record()),
                SiteReport::from_record(&record).ok().map(|site| site.to_record()),
                StationStatus::from_record(&record).ok().map(|status| status.to_record()),
            ];
            for again in again.into_iter().flatten() {
                again.unwrap_or_else(|error| panic!("{error}: {}", record_to_json(&record)));
                n += 1;
            }
            // Most are of other categories or other editions.
            let _ = check_editions(&record);
        }
    }
    assert!(n > 1000, "{n} reports");
}

/// Damages octets as links and disks do, and as somebody who means it would.
fn damage(rng: &mut impl Rng, octets: &mut Vec<u8>) {
    for _ in 0..rng.random_range(1..=4) {
        let at = rng.random_range(0..octets.len());
        match rng.random_range(0..6) {
            0 => octets[at] ^= 1 << rng.random_range(0..8),
            1 => octets[at] = rng.random(),
            2 => octets.truncate(at.max(1)),
            3 => octets.insert(at, rng.random()),
            4 => {
                octets.remove(at);
                if octets.is_empty() {
                    octets.push(rng.random());
                }
            }
            // The length, so that what follows is read at all.
            _ if octets.len() > 3 => {
                let len = (octets.len() as u16).to_be_bytes();
                octets[1..3].copy_from_slice(&len);
            }
            _ => {}
        }
    }
}

/// Damages `n` records; whatever is still accepted must be what its octets say, and every octet of them.
fn damaged_records(n: usize, seed: u64) {
    let mut rng = random::seeded(seed);
    let (mut damaged, mut accepted) = (0, 0);
    while damaged < n {
        let category = CATEGORIES[rng.random_range(0..CATEGORIES.len())];
        let block = random::block(&mut rng, category);
        let mut octets = block.encode().expect("what is within the tables encodes");
        damage(&mut rng, &mut octets);
        damaged += block.records.len();
        match asterix::decode(&octets) {
            Ok(blocks) => {
                accepted += 1;
                assert_eq!(encoded(&blocks), octets, "{blocks:?}");
            }
            Err(error) => {
                let offset = error.offset.expect("an offset");
                assert!(offset <= octets.len() as u64, "{error}");
                assert!(!error.found.is_empty() && !error.expected.is_empty(), "{error}");
            }
        }
    }
    // Damage within a number cannot be seen, so that some is accepted: else this test tests nothing.
    assert!(accepted > damaged / 100, "{accepted} of {damaged}");
}

fn encoded(blocks: &[Block]) -> Vec<u8> {
    let mut octets = Vec::new();
    for block in blocks {
        block.encode_into(&mut octets).expect("what was decoded encodes");
    }
    octets
}

#[test]
fn damaged_records_neither_panic_nor_are_accepted_with_lengths_that_do_not_fit() {
    damaged_records(200_000, 3);
}

#[test]
#[ignore = "a minute: cargo test -p rangegate-exchange --release -- --ignored"]
fn a_million_damaged_records() {
    damaged_records(1_000_000, 4);
}
