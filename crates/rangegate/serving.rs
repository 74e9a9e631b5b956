//! The web view of a run or of an archive: what the server asks for, and what it is told.

mod archived;
mod federated;
mod live;
mod places;
mod recent;
mod truth;
mod views;

pub use archived::Archived;
pub use federated::Federated;
pub use live::Live;
pub use views::show;

use crate::cli::WebArgs;
use crate::config::Config;
use anyhow::{Context, Result};
use rangegate_core::Timestamp;
use rangegate_tracking::{PositionConfig, TrackingConfig};
use rangegate_web::backend::Place;
use rangegate_web::{Backend, DEFAULT_ADDRESS, Hub, Options, Server, Station, Tokens};
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

/// Seconds since 1970.
pub fn unix_s(time: Timestamp) -> f64 {
    time.as_nanosecond() as f64 * 1e-9
}

/// Starts the server, and says where it is.
///
/// # Errors
/// It must not be reached from where it would be, or its address, certificate or tokens cannot be had.
pub fn start(
    args: &WebArgs,
    listen: Option<SocketAddr>,
    backend: Arc<dyn Backend>,
    hub: &Arc<Hub>,
    quiet: bool,
) -> Result<Server> {
    let tokens = match &args.tokens {
        Some(path) => {
            let tokens = Tokens::read(path).context("--tokens")?;
            anyhow::ensure!(
                !tokens.is_empty(),
                "--tokens {} holds none: `rangegate token` makes them",
                path.display()
            );
            tokens
        }
        None => Tokens::default(),
    };
    let options = Options {
        listen: Some(listen.unwrap_or(DEFAULT_ADDRESS)),
        tls: args.tls_cert.clone().zip(args.tls_key.clone()),
        tokens,
        hosts: args.host.clone(),
        coverage: args.coverage.as_deref().map(coverage).transpose()?,
    };
    let server = Server::start(&options, backend, Arc::clone(hub))?;
    if !quiet {
        // Nobody is left to tell where standard error is closed.
        let _ = writeln!(std::io::stderr().lock(), "rangegate: the live view is at {}", server.url());
    }
    Ok(server)
}

/// No coverage is larger, bytes.
const MAX_COVERAGE: u64 = 32 << 20;

/// A file of `rangegate coverage`.
fn coverage(path: &Path) -> Result<String> {
    let failed = || format!("--coverage {}", path.display());
    let length = std::fs::metadata(path).with_context(failed)?.len();
    anyhow::ensure!(
        length <= MAX_COVERAGE,
        "--coverage {} has {length} bytes, expected at most {MAX_COVERAGE}",
        path.display()
    );
    let text = std::fs::read_to_string(path).with_context(failed)?;
    let value: serde_json::Value = serde_json::from_str(&text).with_context(failed)?;
    anyhow::ensure!(
        value["type"] == "FeatureCollection" && value["features"].is_array(),
        "--coverage {} is no GeoJSON of features, which `rangegate coverage --out` writes",
        path.display()
    );
    Ok(text)
}

/// Where the station of a configuration is, where it says so: the first of its tracking.
pub fn station(config: &Config) -> Option<Station> {
    station_of(config.tracking.as_ref()?)
}

fn station_of(tracking: &TrackingConfig) -> Option<Station> {
    let station = tracking.stations.first();
    let place = |position: &PositionConfig| {
        let (latitude_deg, longitude_deg) = position.latitude_deg.zip(position.longitude_deg)?;
        Some((latitude_deg, longitude_deg))
    };
    let position = station.map(|station| &station.position).filter(|position| place(position).is_some());
    let position = position.or(tracking.origin.as_ref())?;
    let (latitude_deg, longitude_deg) = place(position)?;
    Some(Station {
        name: station.map_or_else(|| "station".to_owned(), |station| station.name.clone()),
        latitude_deg,
        longitude_deg,
        height_m: position.height_m.unwrap_or(0.0),
    })
}

/// Where its transmitter is, where that is another place.
fn transmitter_of(tracking: &TrackingConfig) -> Option<Place> {
    let position = tracking.stations.first()?.transmitter.as_ref()?;
    let (latitude_deg, longitude_deg) = position.latitude_deg.zip(position.longitude_deg)?;
    Some(Place { latitude_deg, longitude_deg, name: "transmitter".to_owned() })
}
