//! The `pulse_doppler` chain: pulses to range-Doppler maps and detections.
//!
//! ```text
//!   samples ─► framing ─► compression ─► [ canceller ─► keystone ─► Doppler ─► CFAR ─► clusters ─► estimate ]
//!                                          a dwell: crate::range_doppler
//!           ─► unfolding over the dwells of a look ─► Peak
//! ```
//!
//! A **look** is what is worked on together: one dwell, or several at different pulse repetition intervals. Each
//! segment holds the look that begins in its core, and everything is found from that segment alone: the leak too is
//! found anew in every look, so that workers need not wait for one another. [`Looks`] takes the results in the
//! order of the stream, makes detections of them, and follows how the leak drifts.
//!
//! A swept radar ([`crate::fmcw`]) differs in what makes a row of the cube, and in nothing else: its chain is this
//! one with another front.

mod checks;
mod collector;
mod config;
mod framing;
mod geometry;
mod look;
mod plan;
mod unfold;
mod worker;

pub use collector::{FramingReport, Looks};
pub use config::{
    BistaticConfig, DwellConfig, FmcwChainConfig, Framing, LeakFraming, Pri, PulseDopplerConfig, RangeConfig,
};
pub use framing::Leak;
pub use geometry::{Geometry, SPEED_OF_LIGHT_MPS};
pub use plan::{FramingKind, PulseDopplerPlan};
pub use worker::PulseDopplerWorker;
