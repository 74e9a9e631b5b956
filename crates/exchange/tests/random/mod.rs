//! Random records of any category, from a seed.
#![allow(dead_code, reason = "each test binary uses its own part of it")]

use rand::{Rng, RngExt};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use rangegate_exchange::asterix::spec::{Category, Content, Item, Part, Shape};
use rangegate_exchange::asterix::{Block, Record, Value};

pub fn seeded(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

/// A block of one to three records.
pub fn block(rng: &mut impl Rng, category: &'static Category) -> Block {
    let n = rng.random_range(1..=3);
    Block { category, records: (0..n).map(|_| record(rng, category)).collect() }
}

/// A record of any items, with any bits that mean something.
pub fn record(rng: &mut impl Rng, category: &'static Category) -> Record {
    Record::from_items(category, items(rng, category.profile))
}

fn items(rng: &mut impl Rng, items: &'static [Item]) -> Vec<Option<Value>> {
    let share = rng.random_range(0.05..1.0);
    let used: Vec<usize> = (0..items.len()).filter(|&i| !matches!(items[i].2, Shape::Unused)).collect();
    let mut values = vec![None; items.len()];
    // One at least.
    let one = used[rng.random_range(0..used.len())];
    for i in used {
        if i == one || rng.random_bool(share) {
            values[i] = Some(value(rng, &items[i].2));
        }
    }
    values
}

fn value(rng: &mut impl Rng, shape: &'static Shape) -> Value {
    match shape {
        Shape::Single(bits, content) => Value::Number(raw(rng, *bits, *content)),
        Shape::Group(parts) => Value::Fields(fields(rng, parts)),
        Shape::Extended(extents) => {
            let n = rng.random_range(1..=extents.len());
            Value::Fields(extents[..n].iter().flat_map(|parts| fields(rng, parts)).collect())
        }
        Shape::Repeated(of) | Shape::Chained(of) => {
            let n = rng.random_range(1..=4);
            Value::List((0..n).map(|_| value(rng, of)).collect())
        }
        Shape::Compound(parts) => Value::Compound(items(rng, parts)),
        Shape::Explicit => {
            let n = rng.random_range(1..=8);
            Value::Octets((0..n).map(|_| rng.random()).collect())
        }
        Shape::Unused => unreachable!("left out above"),
    }
}

fn fields(rng: &mut impl Rng, parts: &[Part]) -> Vec<u64> {
    let field = |part: &Part| match part {
        Part::Field(_, bits, content) => Some(raw(rng, *bits, *content)),
        Part::Spare(_) => None,
    };
    parts.iter().filter_map(field).collect()
}

fn raw(rng: &mut impl Rng, bits: usize, content: Content) -> u64 {
    let ones = u64::MAX >> (64 - bits);
    // What lies at the edges comes often.
    let any = match rng.random_range(0..8) {
        0 => 0,
        1 => ones,
        2 => 1 << (bits - 1),
        _ => rng.random::<u64>() & ones,
    };
    let within = |rng: &mut dyn Rng, degrees: f64, step: f64, last: i64| {
        let n = (degrees / step) as i64;
        rng.random_range(-n..=n + last) as u64 & ones
    };
    match content {
        Content::TimeOfDay => rng.random_range(0..86_400 * 128),
        Content::Latitude(step) => {
            let n = (90.0 / step).min((ones >> 1) as f64) as i64;
            rng.random_range(-n..=n) as u64 & ones
        }
        Content::Longitude(step) => within(rng, 180.0, step, -1),
        Content::Icao => characters(bits / 6, 6, || {
            let codes = b" ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
            u64::from(codes[rng.random_range(0..codes.len())] & 0x3f)
        }),
        Content::Ascii => characters(bits / 8, 8, || rng.random_range(0x20..=0x7e)),
        _ => any,
    }
}

fn characters(n: usize, bits: usize, mut code: impl FnMut() -> u64) -> u64 {
    (0..n).fold(0, |word, _| word << bits | code())
}
