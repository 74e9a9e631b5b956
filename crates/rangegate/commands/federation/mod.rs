//! Stations of different owners and their centre.

pub mod args;
mod centre;
mod demo;
mod keys;
mod outputs;
mod server;
mod station;
mod tail;
mod webhook;

pub use centre::centre;
pub use demo::demo;
pub use keys::{audit, contract, key};
pub use station::station;

use anyhow::{Context, Result};
use rangegate_contract::KeyPair;
use std::path::Path;
use std::sync::Arc;

/// No station's map reaches farther, m, whatever its antenna covers.
#[cfg(feature = "web")]
const FAR_M: f64 = 5e6;

/// For whom a web view is, with the coverage that the configuration names where the command line names none.
#[cfg(feature = "web")]
fn web_args(web: &crate::cli::WebArgs, coverage_file: Option<&Path>) -> crate::cli::WebArgs {
    let coverage = web.coverage.as_deref().or(coverage_file).map(Path::to_owned);
    crate::cli::WebArgs { coverage, ..web.clone() }
}

/// A number that grows from start to start: nanoseconds since 1970.
fn boot() -> u64 {
    u64::try_from(rangegate_federation::centre::wall_clock().as_nanosecond()).unwrap_or(0)
}

fn secret(path: &Path) -> Result<Arc<KeyPair>> {
    KeyPair::read(path)
        .map(Arc::new)
        .with_context(|| format!("`rangegate key {}` makes a key", path.display()))
}
