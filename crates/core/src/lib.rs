//! The words of Rangegate as types. Every other crate speaks in them.
//!
//! Conventions that hold everywhere:
//!
//! * **Samples** are complex baseband, `x[n] = I[n] + j·Q[n]`, scaled so that the full scale of an integer
//!   format is ±1. Unsigned integers are offset binary: 2^(bits − 1) is zero.
//! * **Absolute sample index** (`u64`): counts samples of the recording's own clock; Digital RF counts from
//!   1970, other formats from their first sample. Two samples with adjacent indices were taken one sample
//!   period apart unless a block says `after_gap`.
//! * **Time** of a sample derives from its index and the recording's [`TimeAnchor`], in integers, never from
//!   the wall clock.
//! * **Positive range rate** is receding; `velocity_mps` is range rate.
#![forbid(unsafe_code)]

pub mod block;
pub mod coverage;
pub mod detection;
pub mod sample_format;
pub mod sample_rate;
pub mod segment;
pub mod source;

pub use block::{BlockHeader, ByteSource, IqBlock, Layout, TimeAnchor};
pub use coverage::AntennaCoverage;
pub use detection::Detection;
pub use num_complex::Complex32;
pub use sample_format::{ByteOrder, SampleFormat, Scalar};
pub use sample_rate::SampleRate;
pub use segment::Segment;
pub use source::{BoxError, Sink, Source, StreamInfo, ToBaseband};

/// A point in time, UTC, to the nanosecond.
pub type Timestamp = jiff::Timestamp;
