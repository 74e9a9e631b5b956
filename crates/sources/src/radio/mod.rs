//! Radios: any device that SoapySDR knows, as a stream of samples whose indices stay true.
//!
//! What a radio is told ([`RadioConfig`]) is checked against what it can do, and what it really does
//! ([`RadioSettings`]) is read back: that is what recordings keep. Talking to devices needs the feature `soapy`.

mod config;
#[cfg(any(feature = "soapy", test))]
mod reader;
#[cfg(feature = "soapy")]
mod soapy;
#[cfg(test)]
mod tests;
#[cfg(any(feature = "soapy", test))]
mod timeline;

pub use config::{ChannelSettings, RadioConfig, RadioSettings, TimeBase};
#[cfg(any(feature = "soapy", test))]
pub use reader::{RadioCounts, RadioSource};
#[cfg(feature = "soapy")]
pub use soapy::{Found, Radio, devices};

/// What is wrong with a radio, or with what it was told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct RadioError(String);

#[cfg(any(feature = "soapy", test))]
impl RadioError {
    fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

/// The time by this computer's clock.
///
/// Where a radio tells no time of its own there is no other; it ties the first sample to the calendar, and nothing that
/// comes later depends on it.
#[cfg(any(feature = "soapy", test))]
#[allow(clippy::disallowed_methods, reason = "the one place where a stream begins in the present")]
fn host_time() -> rangegate_core::Timestamp {
    rangegate_core::Timestamp::now()
}
