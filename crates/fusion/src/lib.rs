//! Fusion without threads, files, sockets or clocks: stations' detections and tracks in, one picture out.
//!
//! ```
//! use rangegate_fusion::{Fuser, FusionConfig, StationInfo};
//!
//! let station: StationInfo = serde_json::from_str(
//!     r#"{"name": "north", "owner": "a club", "shares_detections": true,
//!         "position": {"latitude_deg": 48.0, "longitude_deg": 11.0, "height_m": 600.0}}"#,
//! )?;
//! let mut fuser = Fuser::new(&FusionConfig::default(), &[station])?;
//! // push_detection, push_scan_end, push_track as reports arrive; and again and again:
//! let picture = fuser.advance("2027-01-15T12:00:00Z".parse()?);
//! assert!(picture.is_empty());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The way of a report: it waits for the hold time, so that what is late is worked off in its order. Detections of one
//! station and time are a scan for the **joint tracker**, which locates with all stations' measurements whatever each of
//! them lacks (`joint`; `heights` where elevation is; where no station has an angle, `pairs` begins tracks). Tracks of stations that share nothing else
//! are kept as they are. At each step the **picture** says which tracks, the joint tracker's and stations' own, are one
//! target's, by the Mahalanobis distance of position and velocity, and fuses their estimates by covariance intersection.
//! **Biases** of stations are learnt from targets that several see; until they are, what is unknown of them is part of
//! every deviation, and afterwards what is significant is taken off.
//!
//! Nothing that comes out may go into a station's own tracker: the station would count its own measurements twice.
#![forbid(unsafe_code)]

mod alerts;
mod bias;
mod combine;
mod config;
mod error;
mod fuser;
mod heights;
mod joint;
mod orbit;
mod own;
mod pairs;
mod picture;
mod place;
mod report;
mod types;
mod why;

pub use alerts::{Alert, AlertConfig, AlertSort, AlertWatch, LastHeard};
pub use bias::{Bias, StationBias};
pub use config::{BiasConfig, FusionConfig};
pub use error::FusionError;
pub use fuser::{Fuser, FusionCounts};
pub use orbit::Orbit;
pub use report::{FusionReport, FusionScore, GospaMeans, Placed, ReportConfig};
pub use types::{
    Contributor, DetectionReport, FusedTrack, Kind, LocalTrack, ScanEnd, StationInfo, TrackReport,
};
pub use why::{Component, Why};
