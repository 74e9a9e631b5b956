//! Category 016, edition 1.0: Independent Non-Cooperative Surveillance System Configuration Reports.

use crate::asterix::spec::Content::{Latitude, Longitude, Raw, Signed, TimeOfDay, Unsigned};
use crate::asterix::spec::Part::{Field, Spare};
use crate::asterix::spec::Shape::{Explicit, Group, Repeated, Single};
use crate::asterix::spec::{Category, E31, Item};

/// The items in the order of the user application profile.
pub static CATEGORY: Category = Category {
    number: 16,
    edition: "1.0",
    title: "Independent Non-Cooperative Surveillance System Configuration Reports",
    profile: &[
        Item("010", "Data Source Identifier", Group(&[Field("SAC", 8, Raw), Field("SIC", 8, Raw)])),
        Item("015", "Service Identification", Single(8, Raw)),
        Item("000", "Message Type", Single(8, Raw)),
        Item("140", "Time of Day", Single(24, TimeOfDay)),
        Item("200", "System Configuration Reporting Period", Single(8, Unsigned(1.0, "s"))),
        Item(
            "300",
            "Pair Identification",
            Repeated(&Group(&[Field("PID", 16, Raw), Field("TID", 16, Raw), Field("RID", 16, Raw)])),
        ),
        Item(
            "400",
            "Position of the System Reference Point",
            Group(&[Field("LAT", 32, Latitude(180.0 / E31)), Field("LON", 32, Longitude(180.0 / E31))]),
        ),
        Item("405", "Height of System Reference Point", Single(16, Signed(0.25, "m"))),
        Item(
            "410",
            "Transmitter Properties",
            Repeated(&Group(&[
                Field("TID", 16, Raw),
                Field("LAT", 32, Latitude(180.0 / E31)),
                Field("LON", 32, Longitude(180.0 / E31)),
                Field("ALT", 16, Signed(0.25, "m")),
                Field("TTO", 32, Signed(2.0, "ns")),
                Spare(4),
                Field("ATO", 20, Unsigned(1.0, "ns")),
                Field("PCI", 16, Raw),
            ])),
        ),
        Item(
            "420",
            "Receiver Properties",
            Repeated(&Group(&[
                Field("RID", 16, Raw),
                Field("LAT", 32, Latitude(180.0 / E31)),
                Field("LON", 32, Longitude(180.0 / E31)),
                Field("ALT", 16, Signed(0.25, "m")),
            ])),
        ),
        Item("SP", "Special Purpose Field", Explicit),
    ],
};
