//! What stations see, without threads, files or clocks: predicted from their sites, and measured from what they saw.
#![forbid(unsafe_code)]

pub mod best_site;
pub mod coastline;
pub mod contour;
pub mod cover;
pub mod detectability;
mod error;
pub mod geojson;
pub mod grid;
pub mod horizon;
pub mod measured;
pub mod radar;
pub mod sight;
pub mod site;
pub mod station;
pub mod terrain;

pub use cover::Cover;
pub use detectability::Target;
pub use error::Error;
pub use grid::{Grid, Region};
pub use horizon::Refraction;
pub use radar::RadarConfig;
pub use rangegate_dsp::theory::Swerling;
pub use site::SiteConfig;
pub use station::{Conditions, Station};
pub use terrain::{HeightGrid, Terrain};
