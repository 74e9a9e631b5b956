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
