//! Archives of recordings, worked on piece by piece in many processes, with the bytes of a single pass.
//!
//! A **piece** is a range of a recording's segments, on the grid that a single pass has ([`survey`]). A worker process
//! runs the chain on just these and stores what it found, exactly ([`piece`]). The [`merge`] hands the results of all
//! pieces, in order, to the collector, the log and the tracker of a single run. What remembers runs once, over
//! everything; what does not remember ran anywhere. So the bytes are the same by construction, and pieces overlap by
//! nothing but the lead and tail that every segment has.
//!
//! A piece's file has a name that is a pure function of its [`job`], and is there wholly or not at all: to go on after
//! anything means to do what is not there.

pub mod find;
pub mod identity;
pub mod job;
pub mod merge;
pub mod mirror;
pub mod piece;
pub mod pool;
pub mod reach;
pub mod survey;
pub mod work;
