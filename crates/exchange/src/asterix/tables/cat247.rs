//! Category 247, edition 1.3: Version Number Exchange.

use crate::asterix::spec::Content::{Raw, TimeOfDay};
use crate::asterix::spec::Part::Field;
use crate::asterix::spec::Shape::{Explicit, Group, Repeated, Single};
use crate::asterix::spec::{Category, Item, UNUSED};

/// The items in the order of the user application profile.
pub static CATEGORY: Category = Category {
    number: 247,
    edition: "1.3",
    title: "Version Number Exchange",
    profile: &[
        Item("010", "Data Source Identifier", Group(&[Field("SAC", 8, Raw), Field("SIC", 8, Raw)])),
        Item("015", "Service Identification", Single(8, Raw)),
        Item("140", "Time of Day", Single(24, TimeOfDay)),
        Item(
            "550",
            "Category Version Number Report",
            Repeated(&Group(&[Field("CAT", 8, Raw), Field("MAIN", 8, Raw), Field("SUB", 8, Raw)])),
        ),
        UNUSED,
        Item("SP", "Special Purpose Field", Explicit),
        Item("RE", "Reserved Expansion Field", Explicit),
    ],
};
