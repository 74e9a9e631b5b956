//! Category 063, edition 1.7: Sensor Status Reports.

use crate::asterix::spec::Content::{Raw, Signed, TimeOfDay};
use crate::asterix::spec::Part::{Field, Spare};
use crate::asterix::spec::Shape::{Explicit, Extended, Group, Single};
use crate::asterix::spec::{Category, E7, E15, Item, UNUSED};

/// The items in the order of the user application profile.
pub static CATEGORY: Category = Category {
    number: 63,
    edition: "1.7",
    title: "Sensor Status Reports",
    profile: &[
        Item("010", "Data Source Identifier", Group(&[Field("SAC", 8, Raw), Field("SIC", 8, Raw)])),
        Item("015", "Service Identification", Single(8, Raw)),
        Item("030", "Time of Message", Single(24, TimeOfDay)),
        Item("050", "Sensor Identifier", Group(&[Field("SAC", 8, Raw), Field("SIC", 8, Raw)])),
        Item(
            "060",
            "Sensor Configuration and Status",
            Extended(&[
                &[
                    Field("CON", 2, Raw),
                    Field("PSR", 1, Raw),
                    Field("SSR", 1, Raw),
                    Field("MDS", 1, Raw),
                    Field("ADS", 1, Raw),
                    Field("MLT", 1, Raw),
                ],
                &[
                    Field("OPS", 1, Raw),
                    Field("ODP", 1, Raw),
                    Field("OXT", 1, Raw),
                    Field("MSC", 1, Raw),
                    Field("TSV", 1, Raw),
                    Field("NPW", 1, Raw),
                    Spare(1),
                ],
                &[
                    Field("TTF/EP", 1, Raw),
                    Field("TTF/VAL", 1, Raw),
                    Field("SPO/EP", 1, Raw),
                    Field("SPO/VAL", 1, Raw),
                    Spare(3),
                ],
            ]),
        ),
        Item("070", "Time Stamping Bias", Single(16, Signed(1.0, "ms"))),
        Item(
            "080",
            "SSR / Mode S Range Gain and Bias",
            Group(&[Field("SRG", 16, Signed(1e-05, "")), Field("SRB", 16, Signed(1.0 / E7, "NM"))]),
        ),
        Item("081", "SSR Mode S Azimuth Bias", Single(16, Signed(180.0 / E15, "°"))),
        Item(
            "090",
            "PSR Range Gain and Bias",
            Group(&[Field("PRG", 16, Signed(1e-05, "")), Field("PRB", 16, Signed(1.0 / E7, "NM"))]),
        ),
        Item("091", "PSR Azimuth Bias", Single(16, Signed(180.0 / E15, "°"))),
        Item("092", "PSR Elevation Bias", Single(16, Signed(180.0 / E15, "°"))),
        UNUSED,
        Item("RE", "Reserved Expansion Field", Explicit),
        Item("SP", "Special Purpose Field", Explicit),
    ],
};
