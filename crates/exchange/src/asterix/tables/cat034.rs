//! Category 034, edition 1.29: Transmission of Monoradar Service Messages.

use crate::asterix::spec::Content::{Latitude, Longitude, Raw, Signed, TimeOfDay, Unsigned};
use crate::asterix::spec::Part::{Field, Spare};
use crate::asterix::spec::Shape::{Compound, Explicit, Group, Repeated, Single};
use crate::asterix::spec::{Category, E7, E8, E13, E16, E23, Item, UNUSED};

/// The items in the order of the user application profile.
pub static CATEGORY: Category = Category {
    number: 34,
    edition: "1.29",
    title: "Transmission of Monoradar Service Messages",
    profile: &[
        Item("010", "Data Source Identifier", Group(&[Field("SAC", 8, Raw), Field("SIC", 8, Raw)])),
        Item("000", "Message Type", Single(8, Raw)),
        Item("030", "Time of Day", Single(24, TimeOfDay)),
        Item("020", "Sector Number", Single(8, Unsigned(360.0 / E8, "°"))),
        Item("041", "Antenna Rotation Speed", Single(16, Unsigned(1.0 / E7, "s"))),
        Item(
            "050",
            "System Configuration and Status",
            Compound(&[
                Item(
                    "COM",
                    "Common Part",
                    Group(&[
                        Field("NOGO", 1, Raw),
                        Field("RDPC", 1, Raw),
                        Field("RDPR", 1, Raw),
                        Field("OVLRDP", 1, Raw),
                        Field("OVLXMT", 1, Raw),
                        Field("MSC", 1, Raw),
                        Field("TSV", 1, Raw),
                        Spare(1),
                    ]),
                ),
                UNUSED,
                UNUSED,
                Item(
                    "PSR",
                    "Specific Status Information for a PSR Sensor",
                    Group(&[
                        Field("ANT", 1, Raw),
                        Field("CHAB", 2, Raw),
                        Field("OVL", 1, Raw),
                        Field("MSC", 1, Raw),
                        Spare(3),
                    ]),
                ),
                Item(
                    "SSR",
                    "Specific Status Information for a SSR Sensor",
                    Group(&[
                        Field("ANT", 1, Raw),
                        Field("CHAB", 2, Raw),
                        Field("OVL", 1, Raw),
                        Field("MSC", 1, Raw),
                        Spare(3),
                    ]),
                ),
                Item(
                    "MDS",
                    "Specific Status Information for a Mode S Sensor",
                    Group(&[
                        Field("ANT", 1, Raw),
                        Field("CHAB", 2, Raw),
                        Field("OVLSUR", 1, Raw),
                        Field("MSC", 1, Raw),
                        Field("SCF", 1, Raw),
                        Field("DLF", 1, Raw),
                        Field("OVLSCF", 1, Raw),
                        Field("OVLDLF", 1, Raw),
                        Spare(7),
                    ]),
                ),
            ]),
        ),
        Item(
            "060",
            "System Processing Mode",
            Compound(&[
                Item(
                    "COM",
                    "Common Part",
                    Group(&[Spare(1), Field("REDRDP", 3, Raw), Field("REDXMT", 3, Raw), Spare(1)]),
                ),
                UNUSED,
                UNUSED,
                Item(
                    "PSR",
                    "Specific Processing Mode Information for a PSR Sensor",
                    Group(&[Field("POL", 1, Raw), Field("REDRAD", 3, Raw), Field("STC", 2, Raw), Spare(2)]),
                ),
                Item(
                    "SSR",
                    "Specific Processing Mode Information for a SSR Sensor",
                    Group(&[Field("REDRAD", 3, Raw), Spare(5)]),
                ),
                Item(
                    "MDS",
                    "Specific Processing Mode Information for a Mode S Sensor",
                    Group(&[Field("REDRAD", 3, Raw), Field("CLU", 1, Raw), Spare(4)]),
                ),
            ]),
        ),
        Item(
            "070",
            "Message Count Values",
            Repeated(&Group(&[Field("TYP", 5, Raw), Field("COUNT", 11, Raw)])),
        ),
        Item(
            "100",
            "Generic Polar Window",
            Group(&[
                Field("RHOST", 16, Unsigned(1.0 / E8, "NM")),
                Field("RHOEND", 16, Unsigned(1.0 / E8, "NM")),
                Field("THETAST", 16, Unsigned(360.0 / E16, "°")),
                Field("THETAEND", 16, Unsigned(360.0 / E16, "°")),
            ]),
        ),
        Item("110", "Data Filter", Single(8, Raw)),
        Item(
            "120",
            "3D-Position Of Data Source",
            Group(&[
                Field("HGT", 16, Signed(1.0, "m")),
                Field("LAT", 24, Latitude(180.0 / E23)),
                Field("LON", 24, Longitude(180.0 / E23)),
            ]),
        ),
        Item(
            "090",
            "Collimation Error",
            Group(&[Field("RNG", 8, Signed(1.0 / E7, "NM")), Field("AZM", 8, Signed(180.0 / E13, "°"))]),
        ),
        Item("RE", "Reserved Expansion Field", Explicit),
        Item("SP", "Special Purpose Field", Explicit),
    ],
};
