//! Stations of different owners and their centre, at run time.
//!
//! ```text
//!  radar ─► Speaker ─► outbox ─► mailbox.from ─┬─► relay A→B ─► mailbox.to of B ─► Listener ─► archive, web view
//!                                              └─► Centre: archive, fusion, alerts ─► mailbox.to of A and B
//! ```
//!
//! * A station's [`Speaker`](station::Speaker) turns what its radar saw into signed messages; its
//!   [`Listener`](station::Listener) takes what comes back, which never reaches its own tracker.
//! * A [`Relay`](relay::Relay) for each direction between owners passes on what the contract allows and nothing else.
//! * The [`Centre`](centre::Centre) makes the common picture.
//!
//! Each of them goes on where it was after whatever ended it: messages are acknowledged when what they led to is on
//! the disk, and what they led to has their ids, so that it is not done twice.
#![forbid(unsafe_code)]

mod authority;
pub mod centre;
pub mod config;
mod error;
pub mod mailbox;
pub mod message;
pub mod outbox;
pub mod plots;
pub mod relay;
pub mod reports;
pub mod site;
pub mod station;

pub use error::{Error, Result};
