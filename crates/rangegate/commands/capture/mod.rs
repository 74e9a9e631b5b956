//! `capture`: a radio to a recording.

mod args;
#[cfg(feature = "soapy")]
mod session;

pub use args::{CaptureArgs, RecordArgs};
#[cfg(feature = "soapy")]
pub use session::capture;
