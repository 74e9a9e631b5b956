//! What detections and tracks of a time say together, without threads, files or clocks.
//!
//! * [`history`]: a track's states, and what they are made from where only places or ranges are known; [`phases`](mod@phases): how
//!   it moved; [`predict()`]: where it goes; [`notable`]: which tracks to tell of.
//! * [`spans`]: time in steps, and what of it was observed. [`histogram`]: counts over one and two axes whose limits need
//!   not be known beforehand.
//! * [`looks`]: whether a station saw what was there; [`wilson()`]: how sure that is; [`truth`]: aircraft as readsb has them.
//! * [`interference`]: what should not be there.
//!
//! Everything takes rows one by one, in order of time, and needs memory for what it says, not for what it was told.
#![forbid(unsafe_code)]

pub mod histogram;
pub mod history;
pub mod interference;
pub mod looks;
pub mod notable;
pub mod phases;
pub mod predict;
pub mod spans;
#[cfg(test)]
mod synthetic;
pub mod truth;
pub mod wilson;

pub use history::History;
pub use phases::{Flight, Phase, Radial, flight_phases, radial_phases};
pub use predict::{Prediction, predict};
pub use wilson::{Proportion, wilson};
