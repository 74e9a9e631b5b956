//! What stations exchange: [`asterix`], the wire format, and the [`envelope`] around it.
//!
//! * [`asterix`] is the codec: bytes to records and back, by tables. It has no clock and opens nothing.
//! * [`asterix::report`] and its siblings turn detections, tracks and the state of a station into records and back.
//! * [`envelope`] adds what ASTERIX lacks: the date, full time, sequence, boot and contract.
//! * [`link`] carries blocks: files, captures, UDP and TCP.
#![forbid(unsafe_code)]

pub mod asterix;
pub mod envelope;
pub mod link;
