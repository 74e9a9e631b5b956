//! What `coverage` is told.

use clap::ValueHint;
use std::path::PathBuf;

/// `rangegate coverage`.
#[derive(Debug, clap::Args)]
pub struct CoverageArgs {
    /// The stations' files (TOML): configs/two-stations/sites has examples
    #[arg(value_name = "SITE", required = true, value_hint = ValueHint::FilePath)]
    pub sites: Vec<PathBuf>,

    /// Altitudes over the ellipsoid, m, such as 1000,5k,10k
    #[arg(long, value_name = "M,…", value_delimiter = ',', value_parser = altitude, default_value = "1000,5000,10000")]
    pub altitude: Vec<f64>,

    /// Another station: say what it adds to the others
    #[arg(long, value_name = "SITE", value_hint = ValueHint::FilePath)]
    pub join: Option<PathBuf>,

    /// Look for the place on land where another station, like that of --join or else the first, fills most
    #[arg(long)]
    pub best_site: bool,

    /// Heights of the ground: a file (.hgt, .tif in degrees), or a folder of them; default: a smooth Earth
    #[arg(long, value_name = "FILE", value_hint = ValueHint::AnyPath)]
    pub terrain: Option<PathBuf>,

    /// Write coverage.json, coverage.geojson and a map of each altitude into this folder
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub out: Option<PathBuf>,

    /// Say too what the stations saw, from this archive, at the first altitude; it knows them by their names
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub archive: Option<PathBuf>,

    /// West, south, east and north of the map, degrees; east past 180 across the antimeridian. Gaps are gaps within it.
    /// Default: around all that the stations could see if they looked all round
    #[arg(long, value_name = "W,S,E,N", value_delimiter = ',', allow_hyphen_values = true)]
    pub region: Option<Vec<f64>>,

    /// Cells from south to north
    #[arg(long, value_name = "N", default_value_t = 200)]
    pub rows: usize,

    /// Radar cross-section, m²
    #[arg(long, value_name = "M2", default_value_t = 1.0)]
    pub rcs: f64,

    /// Swerling's case: 0 (steady) to 4
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(0..=4))]
    pub swerling: u8,

    /// Probability of detection
    #[arg(long, value_name = "P", default_value_t = 0.9)]
    pub pd: f64,

    /// Probability of false alarm in a cell
    #[arg(long, value_name = "P", default_value_t = 1e-6)]
    pub pfa: f64,

    /// How many times larger the Earth seems through the air, up to 10 km
    #[arg(long, value_name = "K", default_value_t = 4.0 / 3.0)]
    pub k: f64,

    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// An altitude, m.
fn altitude(text: &str) -> Result<f64, String> {
    let value = rangegate_recording::parse_si(text)?;
    if (0.0..=40e6).contains(&value) { Ok(value) } else { Err("expected 0 to 40M m".to_owned()) }
}
