//! Tracking without threads, files, sockets or clocks: detections in, tracks out.
//!
//! ```
//! use rangegate_tracking::{Measurement, Tracker, TrackerPlan, TrackingConfig};
//!
//! let plan = TrackerPlan::new(&TrackingConfig::default()).unwrap();
//! let mut tracker = Tracker::new(&plan);
//! for scan in 0..10 {
//!     let time_s = f64::from(scan);
//!     let seen = Measurement {
//!         range_m: Some(10e3 + 50.0 * time_s),
//!         range_rate_mps: Some(50.0),
//!         ..Measurement::default()
//!     };
//!     tracker.scan(time_s, 0, &[seen]).unwrap();
//! }
//! assert_eq!(tracker.tracks().count(), 1);
//! ```
//!
//! Conventions:
//!
//! * **Time** is seconds since whatever epoch the caller chooses.
//! * **States** are positions, then velocities, then accelerations, axis by axis: `[r, ṙ]`, `[e, n, ve, vn]`,
//!   `[x, y, z, vx, vy, vz]`; metres and seconds. Positive range rate is receding.
//! * **Angles** are degrees outside, azimuth clockwise from north; radians inside.
//! * A plan is immutable and shared; a tracker owns tracks and scratch and is what runs. The same scans give the same
//!   tracks, bit for bit.
#![forbid(unsafe_code)]

mod associate;
mod config;
mod engine;
mod error;
pub mod filter;
pub mod gaussian;
pub mod geodesy;
mod initiate;
pub mod measurement;
pub mod metrics;
pub mod motion;
mod plan;
mod reorder;
mod track;
mod tracker;

pub use config::{
    Accuracy, Associator, DeletionConfig, Filter, HeightPrior, InitiationConfig, LimitsConfig, ModelConfig,
    PositionConfig, Space, StationConfig, TrackingConfig,
};
pub use error::{ConfigError, ScanError};
pub use geodesy::Geodetic;
pub use measurement::Measurement;
pub use plan::{MODELS_MAX, TrackerPlan};
pub use reorder::Reorder;
pub use tracker::{ScanReport, TRACK_SCHEMA_VERSION, TrackState, Tracker};
