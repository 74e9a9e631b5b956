//! `serve` and `token`: the web view, and who may look at it.

mod args;
#[cfg(feature = "web")]
mod token;
#[cfg(feature = "web")]
mod view;

pub use args::{ServeArgs, TokenArgs, TokenScope};
#[cfg(feature = "web")]
pub use token::token;
#[cfg(feature = "web")]
pub use view::{run, serve};
