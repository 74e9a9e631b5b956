//! Where samples come from, and how a stream of them becomes jobs.
//!
//! [`radio`] listens to radios. [`ReplaySource`] plays a recording, or a scene, as a radio would: a time window of it,
//! at any speed, any number of times. [`Segmenter`] cuts any [`Source`](rangegate_core::Source) into the segments that workers work on,
//! on a grid that depends on nothing but where the runs begin; samples of a mapped recording are not copied
//! on the way.
#![forbid(unsafe_code)]

mod made;
pub mod options;
pub mod radio;
pub mod replay;
pub mod segmenter;
mod window;

pub use options::{Repeat, ReplayOptions, Speed, TimePoint};
pub use replay::{ReplayError, ReplaySource};
pub use segmenter::{Place, PlanError, SegmentPlan, Segmenter, StreamCounts};
