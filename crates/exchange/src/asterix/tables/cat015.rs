//! Category 015, edition 1.2: Independent Non-Cooperative Surveillance System Target Reports.

use crate::asterix::spec::Content::{Hex, Latitude, Longitude, Raw, Signed, TimeOfDay, Unsigned};
use crate::asterix::spec::Part::{Field, Spare};
use crate::asterix::spec::Shape::{Chained, Compound, Explicit, Extended, Group, Repeated, Single};
use crate::asterix::spec::{Category, E7, E16, E19, E31, Item};

/// The items in the order of the user application profile.
pub static CATEGORY: Category = Category {
    number: 15,
    edition: "1.2",
    title: "Independent Non-Cooperative Surveillance System Target Reports",
    profile: &[
        Item("010", "Data Source Identifier", Group(&[Field("SAC", 8, Raw), Field("SIC", 8, Raw)])),
        Item("000", "Message Type", Group(&[Field("MT", 7, Raw), Field("RG", 1, Raw)])),
        Item("015", "Service Identification", Single(8, Raw)),
        Item(
            "020",
            "Target Report Descriptor",
            Extended(&[&[Field("MOMU", 2, Raw), Field("TTAX", 2, Raw), Field("SCD", 2, Raw), Spare(1)]]),
        ),
        Item("030", "Warning/Error Conditions", Chained(&Single(7, Raw))),
        Item("145", "Time of Applicability", Single(24, TimeOfDay)),
        Item("161", "Track/Plot Number", Single(16, Raw)),
        Item(
            "170",
            "Track/Plot Status",
            Extended(&[&[
                Field("BIZ", 1, Raw),
                Field("BAZ", 1, Raw),
                Field("TUR", 1, Raw),
                Spare(1),
                Field("CSTP", 1, Raw),
                Field("CSTH", 1, Raw),
                Field("CNF", 1, Raw),
            ]]),
        ),
        Item("050", "Update Period", Group(&[Spare(2), Field("UPD", 14, Unsigned(1.0 / E7, "s"))])),
        Item(
            "270",
            "Target Size & Orientation",
            Compound(&[
                Item("LEN", "Target Length", Single(16, Unsigned(0.01, "m"))),
                Item("WDT", "Target Width", Single(16, Unsigned(0.01, "m"))),
                Item("HGT", "Target Height", Single(16, Unsigned(0.01, "m"))),
                Item("ORT", "Target Orientation", Single(16, Unsigned(360.0 / E16, "°"))),
            ]),
        ),
        Item("300", "Object Classification", Repeated(&Group(&[Field("CLS", 9, Raw), Field("PRB", 7, Raw)]))),
        Item("400", "Measurement Identifier", Group(&[Field("PID", 16, Raw), Field("ON", 24, Raw)])),
        Item(
            "600",
            "Horizontal Position Information",
            Compound(&[
                Item(
                    "P84",
                    "Horizontal Position in WGS-84 Coordinates",
                    Group(&[
                        Field("LATITUDE", 32, Latitude(180.0 / E31)),
                        Field("LONGITUDE", 32, Longitude(180.0 / E31)),
                    ]),
                ),
                Item(
                    "HPR",
                    "Horizontal Position Resolution",
                    Group(&[
                        Field("RSHPX", 16, Unsigned(0.5, "m")),
                        Field("RSHPY", 16, Unsigned(0.5, "m")),
                        Field("CORSHPXY", 8, Signed(1.0 / E7, "")),
                    ]),
                ),
                Item(
                    "HPP",
                    "Horizontal Position Precision",
                    Group(&[
                        Field("SDHPX", 16, Unsigned(0.25, "m")),
                        Field("SDHPY", 16, Unsigned(0.25, "m")),
                        Field("COSDHPXY", 8, Signed(1.0 / E7, "")),
                    ]),
                ),
            ]),
        ),
        Item(
            "601",
            "Geometric Height Information",
            Compound(&[
                Item("GH", "Geometric Height (WGS-84)", Single(24, Signed(0.01, "m"))),
                Item("RSGH", "Geometric Height Resolution", Single(24, Unsigned(0.01, "m"))),
                Item("SDGH", "Geometric Height Precision", Single(24, Unsigned(0.01, "m"))),
                Item(
                    "CI6",
                    "Confidence Interval for Geometric Height (67%)",
                    Group(&[Field("UCI6", 12, Unsigned(16.0, "m")), Field("LCI6", 12, Unsigned(16.0, "m"))]),
                ),
                Item(
                    "CI9",
                    "Confidence Interval for Geometric Height (95%)",
                    Group(&[Field("UCI9", 12, Unsigned(16.0, "m")), Field("LCI9", 12, Unsigned(16.0, "m"))]),
                ),
                Item(
                    "COGHHP",
                    "Correlation of Geometric Height and Horizontal Position",
                    Group(&[Field("X", 8, Signed(1.0 / E7, "")), Field("Y", 8, Signed(1.0 / E7, ""))]),
                ),
                Item(
                    "COGHHV",
                    "Correlation of Geometric Height and Horizontal Velocity",
                    Group(&[Field("X", 8, Signed(1.0 / E7, "")), Field("Y", 8, Signed(1.0 / E7, ""))]),
                ),
                Item(
                    "COGHHA",
                    "Correlation of Geometric Height and Horizontal Acceleration",
                    Group(&[Field("X", 8, Signed(1.0 / E7, "")), Field("Y", 8, Signed(1.0 / E7, ""))]),
                ),
            ]),
        ),
        Item(
            "602",
            "Horizontal Velocity Information",
            Compound(&[
                Item(
                    "HV",
                    "Horizontal Velocity Vector",
                    Group(&[Field("X", 20, Signed(0.01, "m/s")), Field("Y", 20, Signed(0.01, "m/s"))]),
                ),
                Item(
                    "RSHV",
                    "Horizontal Velocity Resolution",
                    Group(&[
                        Field("X", 16, Unsigned(0.01, "m/s")),
                        Field("Y", 16, Unsigned(0.01, "m/s")),
                        Field("CORSHVXY", 8, Signed(1.0 / E7, "")),
                    ]),
                ),
                Item(
                    "SDHV",
                    "Horizontal Velocity Precision",
                    Group(&[
                        Field("X", 16, Unsigned(0.01, "m/s")),
                        Field("Y", 16, Unsigned(0.01, "m/s")),
                        Field("COHVXY", 8, Signed(1.0 / E7, "")),
                    ]),
                ),
                Item(
                    "COHVHP",
                    "Correlation of Horizontal Velocity and Horizontal Position",
                    Group(&[
                        Field("COHVXHPX", 8, Signed(1.0 / E7, "")),
                        Field("COHVXHPY", 8, Signed(1.0 / E7, "")),
                        Field("COHVYHPX", 8, Signed(1.0 / E7, "")),
                        Field("COHVYHPY", 8, Signed(1.0 / E7, "")),
                    ]),
                ),
            ]),
        ),
        Item(
            "603",
            "Horizontal Acceleration Information",
            Compound(&[
                Item(
                    "HA",
                    "Horizontal Acceleration Vector",
                    Group(&[Field("X", 12, Signed(0.0625, "m/s²")), Field("Y", 12, Signed(0.0625, "m/s²"))]),
                ),
                Item(
                    "SDHA",
                    "Horizontal Acceleration Precision",
                    Group(&[
                        Field("X", 12, Unsigned(0.0625, "m/s²")),
                        Field("Y", 12, Unsigned(0.0625, "m/s²")),
                        Field("COHAXY", 8, Signed(1.0 / E7, "")),
                    ]),
                ),
                Item(
                    "COHAHP",
                    "Correlation of Horizontal Acceleration and Horizontal Position",
                    Group(&[
                        Field("COHAXHPX", 8, Signed(1.0 / E7, "")),
                        Field("COHAXHPY", 8, Signed(1.0 / E7, "")),
                        Field("COHAYHPX", 8, Signed(1.0 / E7, "")),
                        Field("COAYHPY", 8, Signed(1.0 / E7, "")),
                    ]),
                ),
                Item(
                    "COHAHV",
                    "Correlation of Horizontal Acceleration and Horizontal Velocity",
                    Group(&[
                        Field("COHAXHVX", 8, Signed(1.0 / E7, "")),
                        Field("COHAXHVY", 8, Signed(1.0 / E7, "")),
                        Field("COHAYHVX", 8, Signed(1.0 / E7, "")),
                        Field("COHAYHVY", 8, Signed(1.0 / E7, "")),
                    ]),
                ),
            ]),
        ),
        Item(
            "604",
            "Vertical Velocity Information",
            Compound(&[
                Item("VV", "Vertical Velocity", Single(24, Signed(0.01, "m/s"))),
                Item("RSVV", "Vertical Velocity Resolution", Single(16, Unsigned(0.01, "m/s"))),
                Item(
                    "SDVV",
                    "Vertical Velocity Precision",
                    Group(&[
                        Field("SDVV", 16, Unsigned(0.01, "m/s")),
                        Field("COVVGH", 8, Signed(1.0 / E7, "")),
                    ]),
                ),
                Item(
                    "COVVHP",
                    "Correlation of Vertical Velocity and Horizontal Position",
                    Group(&[Field("X", 8, Signed(1.0 / E7, "")), Field("Y", 8, Signed(1.0 / E7, ""))]),
                ),
                Item(
                    "COVVHV",
                    "Correlation of Vertical Velocity and Horizontal Velocity",
                    Group(&[Field("X", 8, Signed(1.0 / E7, "")), Field("Y", 8, Signed(1.0 / E7, ""))]),
                ),
                Item(
                    "COVVHA",
                    "Correlation of Vertical Velocity and Horizontal Acceleration",
                    Group(&[Field("X", 8, Signed(1.0 / E7, "")), Field("Y", 8, Signed(1.0 / E7, ""))]),
                ),
            ]),
        ),
        Item(
            "605",
            "Vertical Velocity Information",
            Compound(&[
                Item("VA", "Vertical Acceleration", Single(16, Signed(0.01, "m/s²"))),
                Item(
                    "RSVA",
                    "Vertical Acceleration Precision",
                    Group(&[
                        Field("SDVA", 16, Unsigned(0.01, "m/s²")),
                        Field("COVAGH", 8, Signed(1.0 / E7, "")),
                        Field("COVAVV", 8, Signed(1.0 / E7, "")),
                    ]),
                ),
                Item(
                    "COVAHP",
                    "Correlation of Vertical Acceleration and Horizontal Position",
                    Group(&[Field("X", 8, Signed(1.0 / E7, "")), Field("Y", 8, Signed(1.0 / E7, ""))]),
                ),
                Item(
                    "COVAHV",
                    "Correlation of Vertical Acceleration and Horizontal Velocity",
                    Group(&[Field("X", 8, Signed(1.0 / E7, "")), Field("Y", 8, Signed(1.0 / E7, ""))]),
                ),
                Item(
                    "COVAHA",
                    "Correlation of Vertical Acceleration and Horizontal Acceleration",
                    Group(&[Field("X", 8, Signed(1.0 / E7, "")), Field("Y", 8, Signed(1.0 / E7, ""))]),
                ),
            ]),
        ),
        Item("480", "Associations", Repeated(&Single(40, Hex))),
        Item(
            "625",
            "Range Information",
            Compound(&[
                Item("R", "Range", Single(24, Signed(0.1, "m"))),
                Item("RSR", "Range Resolution", Single(24, Unsigned(0.1, "m"))),
                Item("SDR", "Range Precision", Single(24, Unsigned(0.1, "m"))),
                Item("RR", "Range Rate", Single(24, Signed(0.1, "m/s"))),
                Item("RSRR", "Range Rate Resolution", Single(24, Unsigned(0.1, "m/s"))),
                Item(
                    "SDRR",
                    "Range Rate Precision",
                    Group(&[
                        Field("SDRR", 24, Unsigned(0.1, "m/s")),
                        Field("CORRR", 8, Signed(1.0 / E7, "")),
                    ]),
                ),
                Item("RA", "Range Acceleration", Single(16, Signed(0.015625, "m/s²"))),
                Item(
                    "SDRA",
                    "Range Acceleration Precision",
                    Group(&[
                        Field("SDRA", 16, Unsigned(1.0 / E7, "m/s²")),
                        Field("CORAR", 8, Signed(1.0 / E7, "")),
                        Field("CORARR", 8, Signed(1.0 / E7, "")),
                    ]),
                ),
            ]),
        ),
        Item(
            "626",
            "Doppler Information",
            Compound(&[
                Item("DV", "Doppler Velocity", Single(24, Signed(0.01, "m/s"))),
                Item("SDDV", "Precision of Doppler Velocity", Single(16, Unsigned(0.015625, "m/s"))),
                Item("DA", "Doppler Acceleration", Single(16, Signed(0.015625, "m/s²"))),
                Item(
                    "SDDA",
                    "Precision of Doppler Acceleration",
                    Group(&[
                        Field("SDDA", 16, Unsigned(0.015625, "m/s²")),
                        Field("CODADV", 8, Signed(1.0 / E7, "")),
                    ]),
                ),
                Item("CODVR", "Correlation of Doppler Velocity and Range", Single(8, Signed(1.0 / E7, ""))),
                Item(
                    "CODVRR",
                    "Correlation of Doppler Velocity and Range Rate",
                    Single(8, Signed(1.0 / E7, "")),
                ),
                Item(
                    "CODVRA",
                    "Correlation of Doppler Velocity and Range Acceleration",
                    Single(8, Signed(1.0 / E7, "")),
                ),
                Item(
                    "CODAR",
                    "Correlation of Doppler Acceleration and Range",
                    Single(8, Signed(1.0 / E7, "")),
                ),
                Item(
                    "CODARR",
                    "Correlation of Doppler Acceleration and Range Rate",
                    Single(8, Signed(1.0 / E7, "")),
                ),
                Item(
                    "CODARA",
                    "Correlation of Doppler Acceleration and Range Acceleration",
                    Single(8, Signed(1.0 / E7, "")),
                ),
            ]),
        ),
        Item(
            "627",
            "Azimuth Information",
            Compound(&[
                Item("AZ", "Azimuth", Single(16, Unsigned(360.0 / E16, "°"))),
                Item("RSAZ", "Azimuth Resolution", Single(16, Unsigned(360.0 / E19, "°"))),
                Item("SDASZ", "Standard Deviation of Azimuth", Single(16, Unsigned(360.0 / E19, "°"))),
                Item("AZR", "Azimuth Rate", Single(16, Signed(180.0 / E16, "°"))),
                Item(
                    "SDAZR",
                    "Standard Deviation of Azimuth Rate",
                    Group(&[
                        Field("SDAZR", 16, Unsigned(360.0 / E19, "°")),
                        Field("COAZRAZ", 8, Signed(1.0 / E7, "")),
                    ]),
                ),
                Item(
                    "AZEX",
                    "Azimuth Extent",
                    Group(&[
                        Field("S", 16, Unsigned(360.0 / E16, "°")),
                        Field("E", 16, Unsigned(360.0 / E16, "°")),
                    ]),
                ),
            ]),
        ),
        Item(
            "628",
            "Elevation Information",
            Compound(&[
                Item("EL", "Elevation", Single(16, Signed(180.0 / E16, "°"))),
                Item("RSEL", "Elevation Resolution", Single(16, Unsigned(360.0 / E19, "°"))),
                Item("SDEL", "Standard Deviation of Elevation", Single(16, Unsigned(360.0 / E19, "°"))),
                Item("ER", "Elevation Rate", Single(16, Signed(180.0 / E16, "°/s"))),
                Item(
                    "SDER",
                    "Standard Deviation of Elevation Rate",
                    Group(&[
                        Field("SDELR", 16, Unsigned(360.0 / E19, "°/s")),
                        Field("COELREL", 8, Signed(1.0 / E7, "")),
                    ]),
                ),
                Item(
                    "ELEX",
                    "Elevation Extent",
                    Group(&[
                        Field("S", 16, Signed(180.0 / E16, "°")),
                        Field("E", 16, Signed(180.0 / E16, "°")),
                    ]),
                ),
            ]),
        ),
        Item(
            "630",
            "Path Quality",
            Compound(&[
                Item("DPP", "Direct Path: Power", Single(8, Signed(1.0, "dB"))),
                Item("DPS", "Direct Path: Signal to Noise Ratio (SNR)", Single(8, Signed(1.0, "dB"))),
                Item("RPP", "Reflected Path: Power", Group(&[Spare(7), Field("RPP", 9, Signed(1.0, "dB"))])),
                Item("RPS", "Reflected Path: Signal to Noise Ratio (SNR)", Single(8, Signed(1.0, "dB"))),
            ]),
        ),
        Item(
            "631",
            "Contour (Azimuth, Elevation Angle, Range Extent)",
            Repeated(&Group(&[
                Field("AZCON", 16, Unsigned(360.0 / E16, "°")),
                Field("ELCON", 16, Signed(180.0 / E16, "°")),
                Field("RGCONSTOP", 16, Unsigned(10000.0 / E16, "m")),
                Field("RGCONSTART", 16, Unsigned(10000.0 / E16, "m")),
            ])),
        ),
        Item("SP", "Special Purpose Field", Explicit),
    ],
};
