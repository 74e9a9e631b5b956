//! What `station`, `centre`, `demo`, `key`, `contract` and `audit` are told.

use clap::{Subcommand, ValueHint};
use std::net::SocketAddr;
use std::path::PathBuf;

/// `rangegate station`.
#[derive(Debug, clap::Args)]
pub struct StationArgs {
    /// The station's file
    #[arg(value_name = "CONFIG", value_hint = ValueHint::FilePath)]
    pub config: PathBuf,

    /// Address of its web view, in place of the file's
    #[arg(long, value_name = "ADDRESS")]
    pub serve: Option<SocketAddr>,

    /// Certificate, tokens and names of the web view.
    #[command(flatten)]
    pub web: crate::cli::WebArgs,
}

/// `rangegate centre`.
#[derive(Debug, clap::Args)]
pub struct CentreArgs {
    /// The centre's file
    #[arg(value_name = "CONFIG", value_hint = ValueHint::FilePath)]
    pub config: PathBuf,

    /// End when every station has said that it goes
    #[arg(long)]
    pub until_ended: bool,

    /// Address of its web view, in place of the file's
    #[arg(long, value_name = "ADDRESS")]
    pub serve: Option<SocketAddr>,

    /// Write certificates and the configuration of a NATS server for these stations there, and end
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub make_server: Option<PathBuf>,

    /// With --make-server: where the server listens
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4222", requires = "make_server")]
    pub listen: SocketAddr,

    /// With --make-server: a name or address by which stations call the server; may be repeated
    #[arg(long, value_name = "NAME", default_values = ["localhost", "127.0.0.1"], requires = "make_server")]
    pub server_name: Vec<String>,

    /// Certificate, tokens and names of the web view.
    #[command(flatten)]
    pub web: crate::cli::WebArgs,
}

/// What there is to be shown.
#[derive(Debug, Subcommand)]
pub enum DemoCommand {
    /// Two stations of different owners and their centre, as processes on this machine
    ///
    /// Keys and a contract are made, the stations see a scene of plots, the centre makes the common picture, and all of
    /// it is compared with the truth. No server is needed.
    TwoStations(TwoStationsArgs),
}

/// Which scene.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum DemoScene {
    /// Two sites of public record, south and north of the Caucasus: aircraft, satellites, sounding rockets
    Caucasus,
    /// Two hobbyists 20 km apart: aircraft and drones, without elevations
    Laboratory,
}

/// `rangegate demo two-stations`.
#[derive(Debug, clap::Args)]
pub struct TwoStationsArgs {
    /// What they see
    #[arg(long, value_name = "SCENE", default_value = "caucasus")]
    pub scene: DemoScene,

    /// How much of the scene: `30s`, `10min`; default: all of it
    #[arg(long, value_name = "TIME", value_parser = parse_duration_s)]
    pub duration: Option<f64>,

    /// Seconds of the scene in one, or `max`
    #[arg(long, value_name = "FACTOR", default_value = "max")]
    pub speed: rangegate_sources::Speed,

    /// Everything that is random follows from it
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,

    /// Keep files, keys and logs there; default: they are removed at the end
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub out: Option<PathBuf>,

    /// Web views of the centre on this port, and of the stations on the next two
    #[arg(long, value_name = "PORT")]
    pub serve: Option<u16>,

    /// With --serve: what stations should see, a coverage.geojson of `rangegate coverage --out`
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "serve")]
    pub coverage: Option<PathBuf>,

    /// Print the report as JSON
    #[arg(long)]
    pub json: bool,
}

/// A time such as `30s`, `2.5min`, `1h`, or seconds.
fn parse_duration_s(text: &str) -> Result<f64, String> {
    let (number, factor) = [("min", 60.0), ("ms", 1e-3), ("s", 1.0), ("h", 3600.0)]
        .into_iter()
        .find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, factor)))
        .unwrap_or((text, 1.0));
    let value: f64 = number.trim().parse().map_err(|_| "expected a time such as 30s or 10min".to_owned())?;
    let seconds = value * factor;
    if seconds > 0.0 && seconds.is_finite() {
        Ok(seconds)
    } else {
        Err("expected a positive time".to_owned())
    }
}

/// `rangegate key`.
#[derive(Debug, clap::Args)]
pub struct KeyArgs {
    /// The file of the secret key: made where there is none; its public key is printed
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub file: PathBuf,

    /// Make an owner's, which signs contracts, in place of a station's or centre's
    #[arg(long)]
    pub owner: bool,
}

/// `rangegate contract`.
#[derive(Debug, Subcommand)]
pub enum ContractCommand {
    /// Add an owner's signature
    Sign {
        /// The contract.
        #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
        file: PathBuf,
        /// The owner's secret key, a file
        #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
        key: PathBuf,
    },
    /// Say what the terms are, signed or not
    Show {
        /// The contract.
        #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
        file: PathBuf,
    },
    /// Say whether both parties signed exactly these terms, and what they are
    ///
    /// Exit code 2 where one did not.
    Verify {
        /// The contract.
        #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
        file: PathBuf,
    },
}

/// `rangegate audit`.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Say whether a log is as the centre wrote it
    ///
    /// Exit code 2 where it is not.
    Verify {
        /// The log.
        #[arg(value_name = "LOG", value_hint = ValueHint::FilePath)]
        log: PathBuf,
        /// The centre's public key
        #[arg(long, value_name = "KEY")]
        key: String,
    },
    /// Say whether two owners' logs say the same of what concerns both
    ///
    /// Exit code 1 where they do not.
    Compare {
        /// One owner's log, `OWNER.jsonl`
        #[arg(value_name = "LOG", value_hint = ValueHint::FilePath)]
        one: PathBuf,
        /// The other's
        #[arg(value_name = "LOG", value_hint = ValueHint::FilePath)]
        other: PathBuf,
        /// The centre's public key
        #[arg(long, value_name = "KEY")]
        key: String,
    },
}
