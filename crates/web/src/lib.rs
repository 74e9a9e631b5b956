//! A live view in the browser: the page, the server that it comes from, and the API behind it. Knows no radar: views are
//! numbers with axes, detections and tracks are JSON.
//!
//! * Whoever runs the radar implements [`Backend`], and publishes frames, detections and tracks through a [`Hub`], which
//!   never waits: each client has a bounded outbox, and what finds no place there is dropped and counted.
//! * [`Server`] serves page, REST and WebSocket in threads of its own. Without TLS and tokens it listens to this machine
//!   alone, and refuses to start otherwise.
//!
//! What goes over the wire stands in `docs/web-api.md` and in `openapi.json`.
#![forbid(unsafe_code)]

mod aircraft;
mod api;
pub mod auth;
pub mod backend;
pub mod frame;
mod guard;
pub mod hub;
mod live;
mod metrics;
mod page;
pub mod server;

pub use auth::{Scope, TokenError, Tokens};
pub use backend::{
    About, Backend, Command, Mode, Playing, Query, Refusal, Replay, Rows, Station, Status, Stretch, Timeline,
};
pub use frame::View;
pub use hub::Hub;
pub use live::replay_text;
pub use server::{DEFAULT_ADDRESS, Options, ServeError, Server, give_way};
