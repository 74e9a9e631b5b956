//! The categories, a file each. Names of items and fields, bits and steps are those of the EUROCONTROL specifications
//! (part and edition as each table says), checked against the machine-readable form in asterix-specs.

mod cat015;
mod cat016;
mod cat034;
mod cat048;
mod cat062;
mod cat063;
mod cat247;

use super::spec::Category;

/// Target reports of independent non-cooperative sensors: detections and tracks of a station.
pub static CAT015: &Category = &cat015::CATEGORY;
/// Where the transmitters and receivers of those reports stand.
pub static CAT016: &Category = &cat016::CATEGORY;
/// Service messages of a rotating radar.
pub static CAT034: &Category = &cat034::CATEGORY;
/// Target reports of a rotating radar.
pub static CAT048: &Category = &cat048::CATEGORY;
/// System tracks: the fused picture.
pub static CAT062: &Category = &cat062::CATEGORY;
/// The state of sensors.
pub static CAT063: &Category = &cat063::CATEGORY;
/// Which editions are in use.
pub static CAT247: &Category = &cat247::CATEGORY;

/// All of them, by number.
pub static CATEGORIES: [&Category; 7] = [
    &cat015::CATEGORY,
    &cat016::CATEGORY,
    &cat034::CATEGORY,
    &cat048::CATEGORY,
    &cat062::CATEGORY,
    &cat063::CATEGORY,
    &cat247::CATEGORY,
];

/// The category of a number, where there is a table for it.
pub fn category(number: u8) -> Option<&'static Category> {
    CATEGORIES.into_iter().find(|category| category.number == number)
}

#[cfg(test)]
mod tests {
    use super::CATEGORIES;
    use crate::asterix::spec::{Content, Item, Part, Shape, fields};

    fn check_item(Item(name, _, shape): &Item) {
        match shape {
            Shape::Single(bits, _) => assert_eq!(bits % 8, 0, "{name}"),
            Shape::Group(parts) => check_parts(name, parts, 0),
            Shape::Extended(extents) => {
                for parts in *extents {
                    check_parts(name, parts, 1);
                    // The number of fields says how many octets there are.
                    assert!(fields(parts).count() > 0, "{name} has an octet without fields");
                }
            }
            Shape::Repeated(Shape::Single(bits, _)) => assert_eq!(bits % 8, 0, "{name}"),
            Shape::Repeated(Shape::Group(parts)) => check_parts(name, parts, 0),
            Shape::Chained(Shape::Single(bits, _)) => assert_eq!(bits % 8, 7, "{name}"),
            Shape::Chained(Shape::Group(parts)) => check_parts(name, parts, 1),
            Shape::Repeated(_) | Shape::Chained(_) => panic!("{name} repeats what the codec does not"),
            Shape::Compound(items) => check_items(items),
            Shape::Explicit | Shape::Unused => {}
        }
    }

    fn check_parts(name: &str, parts: &[Part], extension_bits: usize) {
        let bits: usize = parts.iter().map(Part::bits).sum();
        assert_eq!((bits + extension_bits) % 8, 0, "{name} is not of whole octets");
        for (at, (field, bits, content)) in fields(parts).enumerate() {
            assert!((1..=64).contains(&bits), "{name}/{field}");
            assert!(fields(parts).skip(at + 1).all(|other| other.0 != field), "{name}/{field} twice");
            let character_bits = match content {
                Content::Octal => 3,
                Content::Hex => 4,
                Content::Icao => 6,
                Content::Ascii => 8,
                _ => 1,
            };
            assert_eq!(bits % character_bits, 0, "{name}/{field} is not of whole characters");
        }
    }

    fn check_items(items: &[Item]) {
        for (at, item) in items.iter().enumerate() {
            check_item(item);
            let is_again = items[at + 1..].iter().any(|other| other.0 == item.0 && !item.0.is_empty());
            assert!(!is_again, "{} twice", item.0);
        }
    }

    #[test]
    fn every_item_is_of_whole_octets_and_has_a_name_of_its_own() {
        for category in CATEGORIES {
            check_items(category.profile);
        }
    }
}
