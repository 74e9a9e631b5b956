//! Threads of a run: they hand buffers to each other without a lock and without an allocation, at the price
//! of a fixed number of buffers.
//!
//! This crate knows no radar. Its one graph is *feed → workers → drain*:
//!
//! ```text
//!            ┌───────────────── slots go home (Pool) ──────────────────┐
//!            ▼                                                         │
//!   feed ─► job ─► lane ─► worker 0..n ─► result ─► lane ─► order ─► drain
//! ```
//!
//! A fixed number of slots, each one job and the result made from it, travels a closed circuit. That number
//! bounds the memory and presses back: a feed that finds no free slot waits. Results are put back in the
//! order of their jobs, so [`Runner::Inline`] and [`Runner::Threads`] give the drain the same sequence, up to
//! and including the first error.
//!
//! Built from parts that serve on their own too: [`Pool`] and [`Lease`], [`lane()`](lane::lane) (lossless),
//! [`Tap`] (lossy, counted), [`worker`] (named and pinned threads), [`Stop`].
#![forbid(unsafe_code)]

pub mod error;
pub mod graph;
mod inline;
pub mod lane;
pub mod memory;
mod order;
pub mod pool;
pub mod runner;
pub mod stats;
pub mod stop;
pub mod tap;
mod threads;
mod wait;
pub mod worker;

pub use error::{Error, Failure};
pub use graph::{Drain, Feed, Work};
pub use lane::{Receiver, Sender, lane};
pub use pool::{Lease, Pool};
pub use runner::Runner;
pub use stats::{QueueReport, RunReport, StageReport};
pub use stop::Stop;
pub use tap::{Tap, TapCounts, tap};
pub use wait::WaitStats;
