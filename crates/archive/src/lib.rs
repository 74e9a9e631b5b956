//! What stations saw, kept so that it can be asked for later.
//!
//! An archive is a folder. `archive.sqlite` holds what came lately: it is written in groups, each brought to the disk
//! before it is acknowledged, while any number of readers look on. Hours that are over are *sealed*: moved into Parquet
//! files that other programs read without us,
//!
//! ```text
//! DIR/archive.sqlite
//! DIR/kind=detections/station=A/date=2026-11-22/part-10.parquet, part-10-1.parquet, …
//! DIR/kind=tracks/station=A/date=2026-11-22/part-10.parquet
//! ```
//!
//! * [`Writer`] takes the detections, gaps, health and tracks of one run.
//! * [`Reader`] answers: rows of a time, range, SNR or track over both halves, in order of time; runs, gaps, health; how
//!   dense detections lie on the time line. [`sql`] runs a query that somebody else wrote.
//! * [`upkeep`](upkeep()) seals and forgets; [`check()`] and [`repair()`] look after damage.
//!
//! A row is in exactly one place: a file comes into force, and its rows leave the database, in one transaction.
//! Times are those of the recording, as nanoseconds since 1970 (UTC); rows without a time stay in the database.
//! Without the feature `parquet` nothing is sealed, and an archive with sealed hours is refused where they are needed.
#![forbid(unsafe_code)]

pub mod check;
mod error;
mod filter;
mod groups;
pub mod layout;
mod merge;
pub mod read;
pub mod repair;
pub mod row;
mod schema;
#[cfg(feature = "parquet")]
mod seal;
mod sealed;
pub mod sql;
mod summary;
pub mod table;
pub mod upkeep;
pub mod write;

pub use check::{Check, check};
pub use error::{Error, Result};
pub use filter::Filter;
pub use layout::{Folder, Kind, Station};
pub use read::Reader;
pub use repair::{Repair, repair};
pub use row::{DetectionRow, Gap, HealthRow, RunRow, TrackRow};
pub use summary::{DensityBin, Overview};
pub use upkeep::{Keep, Seal, Upkept, upkeep};
pub use write::{Ending, RunStart, WriteOptions, Writer, Written};

/// Whether this build reads and writes sealed hours.
pub const HAS_PARQUET: bool = cfg!(feature = "parquet");
