//! The command line as it is typed, and what commands share of it; the rest stands beside each command.
//! [`crate::plan`] turns it into what will be done.

use crate::commands;
use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum, ValueHint};
use rangegate_archive::Station;
use rangegate_core::Timestamp;
use rangegate_sources::{Repeat, Speed, TimePoint};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::path::PathBuf;

/// A radar receiver: recordings of IQ samples in, detections and plots out.
#[derive(Debug, Parser)]
#[command(name = "rangegate", version, about, long_about = LONG_ABOUT, arg_required_else_help = true)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,

    /// Say more on standard error (twice: everything).
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,

    /// Say nothing on standard error but errors, and show no progress bar.
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
}

const LONG_ABOUT: &str = "\
A radar receiver for anyone with a software-defined radio.

Rangegate replays recordings of IQ samples (Digital RF, SigMF, plain HDF5, NumPy, WAV, raw), looks for known waveforms in \
them with matched filters and CFAR detectors, and writes what it finds: detections.jsonl, run.json and plots.

Start with:
  rangegate info RECORDING                         what is this file?
  rangegate replay RECORDING --config mode-s.toml --out out
                                                   find something in it

Exit codes: 0 done; 1 done, but data was lost or a comparison differs; 2 failed.";

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the configuration on its own source
    Run(Box<commands::run::RunArgs>),
    /// Run a configuration on a recording
    Replay(Box<commands::run::ReplayArgs>),
    /// Record a radio, with or without looking for something in it
    Capture(Box<commands::capture::CaptureArgs>),
    /// List the radios that are there, and what they can do
    Devices {
        /// Only those that match, such as driver=hackrf
        #[arg(value_name = "ARGS", default_value = "")]
        filter: String,

        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Say what a recording is and what is in it
    Info(commands::info::InfoArgs),
    /// Write a recording anew: in another format, or a part of it
    ///
    /// OUT says which format: NAME.sigmf-meta, NAME.h5, NAME.npy, NAME.wav, NAME.cs16 and other sample formats (raw), or a
    /// folder name (Digital RF). Indices, times, gaps, frequencies, notes and settings are kept where the format has a
    /// place for them.
    Convert(commands::convert::ConvertArgs),
    /// Say what a run would do, without doing it
    Plan(Box<commands::plan::PlanArgs>),
    /// Compare the detections of a run with golden ones, or its tracks with the truth
    Compare(commands::compare::CompareArgs),
    /// Draw again what a run saved
    ///
    /// Range-Doppler maps and range over time where the run saved its maps (--maps); without them the detections over
    /// time. What surrounds the strongest detections too, where the recording is still in its place.
    Plot(commands::plot::PlotArgs),
    /// Follow the targets of a run's detections
    ///
    /// Each coherent processing interval is a scan. Where no configuration says how: one station that measures
    /// range and range rate.
    Track(commands::track::TrackArgs),
    /// Look after an archive: what runs saw, kept so that it can be asked for later
    ///
    /// An archive is a folder. Runs write into it with --archive DIR or `[archive]` in the configuration; `rangegate query`
    /// asks it.
    Archive {
        /// What to do with it.
        #[command(subcommand)]
        what: commands::archive::ArchiveCommand,
    },
    /// Ask an archive: detections, tracks, runs, gaps, health, or in SQL
    ///
    /// Rows come in order of time, from the database and from sealed hours alike. A table for people; --json and --csv
    /// for programs. Others may write meanwhile.
    Query(Box<commands::query::QueryArgs>),
    /// Work on archives of recordings in many processes, on one machine or many
    Reprocess(Box<commands::reprocess::ReprocessArgs>),
    /// Make a recording, with its truth, from a scene
    Simulate(commands::simulate::SimulateArgs),
    /// Watch in the browser: a recording as it is replayed, a radio, or an archive
    ///
    /// The page is at http://127.0.0.1:8073/. A recording can be paused, stepped and played again from another place; it
    /// stays when it is at its end. Nothing is written: `rangegate run CONFIG --serve` watches a run that writes its
    /// results. Other addresses than this machine's own need a certificate and tokens.
    Serve(Box<commands::serve::ServeArgs>),
    /// Make a token for the web view, and keep its hash
    ///
    /// It is printed once. `rangegate serve --tokens FILE` accepts it.
    Token(commands::serve::TokenArgs),
    /// Run a station: a radar that gives what it sees to an exchange centre
    ///
    /// What leaves it is signed with its key; what comes back, the other owners' reports and the common picture, is kept
    /// and shown beside its own, and never reaches its tracker.
    Station(commands::federation::args::StationArgs),
    /// Run an exchange centre: contract, common picture, alerts
    Centre(commands::federation::args::CentreArgs),
    /// Show what there is, on this machine alone
    Demo {
        /// What to show.
        #[command(subcommand)]
        what: commands::federation::args::DemoCommand,
    },
    /// Make a secret key for a station, an owner or a centre, or print the public half of one
    Key(commands::federation::args::KeyArgs),
    /// Sign and verify the contract between owners
    Contract {
        /// What to do.
        #[command(subcommand)]
        what: commands::federation::args::ContractCommand,
    },
    /// Verify and compare a centre's audit logs
    Audit {
        /// What to do.
        #[command(subcommand)]
        what: commands::federation::args::AuditCommand,
    },
    /// Read and write ASTERIX, the format in which stations exchange what they see
    Asterix {
        /// What to do.
        #[command(subcommand)]
        what: commands::asterix::AsterixCommand,
    },
    /// Say what stations see, alone and together, and where the gaps are
    Coverage(Box<commands::coverage::CoverageArgs>),
    /// Say what an archive holds, as one HTML file with its plots
    ///
    /// Traffic over time, the histories of notable tracks with what they did and where they go, heat maps, the probability
    /// of detection against another station or ADS-B, and what speaks of interference.
    Report(Box<commands::report::ReportArgs>),
    /// Measure the program itself
    Bench {
        /// What to measure.
        #[command(subcommand)]
        what: commands::bench::BenchCommand,
    },
    /// Print the completions for a shell
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },
    /// Print the manual page, or write one for each command
    Man {
        /// Write rangegate.1, rangegate-run.1, … into this folder instead of printing the first.
        #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
        out: Option<PathBuf>,
    },
}

/// For whom the page is.
#[derive(Clone, Debug, Default, ClapArgs)]
pub struct WebArgs {
    /// Certificate chain for the page (PEM)
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,

    /// Private key of the certificate (PEM)
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,

    /// Only who has a token may look (`rangegate token` makes them)
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub tokens: Option<PathBuf>,

    /// A name that the page is called by, besides addresses and localhost; may be repeated
    #[arg(long, value_name = "NAME")]
    pub host: Vec<String>,

    /// What stations should see, drawn on the map: a coverage.geojson of `rangegate coverage --out`
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub coverage: Option<PathBuf>,
}

/// What `run` and `replay` share.
#[derive(Debug, Default, ClapArgs)]
pub struct HowArgs {
    /// Write detections.jsonl, run.json and plots into this folder; without it detections are printed, a
    /// JSON line each
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub out: Option<PathBuf>,

    /// Which samples of the source, and how to read them.
    #[command(flatten)]
    pub window: WindowArgs,

    /// `max`, or a factor of real time such as 1.0
    #[arg(long, value_name = "SPEED", allow_negative_numbers = true)]
    pub speed: Option<Speed>,

    /// Replay the recording this many times, or `forever`
    #[arg(long = "loop", value_name = "TIMES", allow_negative_numbers = true)]
    pub repeat: Option<Repeat>,

    /// Record the samples too: NAME.sigmf-meta, NAME.h5, NAME.cs16 (raw), or a folder name (Digital RF)
    #[arg(long, value_name = "RECORDING", value_hint = ValueHint::AnyPath)]
    pub record: Option<PathBuf>,

    /// Which threads do the work.
    #[command(flatten)]
    pub work: WorkArgs,

    /// Draw no plots
    #[arg(long)]
    pub no_plots: bool,

    /// Save the range-Doppler map of every look in maps.h5, for `rangegate plot` and for other programs (chains
    /// pulse_doppler and fmcw)
    #[arg(long, requires = "out")]
    pub maps: bool,

    /// Also write into this archive, which is made where there is none
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub archive: Option<PathBuf>,

    /// With --archive: whose detections these are; default: station
    #[arg(long, value_name = "NAME")]
    pub station: Option<Station>,

    /// Print the report (run.json) on standard output instead of a summary
    #[arg(long)]
    pub json: bool,
}

/// Which threads do the work.
#[derive(Debug, Default, ClapArgs)]
pub struct WorkArgs {
    /// Worker threads; default: one a core
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,

    /// Where the work runs: in threads, or all in one
    #[arg(long, value_name = "RUNNER")]
    pub runner: Option<RunnerKind>,

    /// Pin the workers to these cores, such as 0,1
    #[arg(long, value_name = "CORES", value_delimiter = ',')]
    pub pin: Option<Vec<usize>>,
}

/// Which samples, read how.
#[derive(Debug, Default, ClapArgs)]
pub struct WindowArgs {
    /// Format, where looking at the file is not enough: sigmf, digital_rf, hdf5, npy, wav, or raw samples as
    /// cs16@2.4e6
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<String>,

    /// Which channel of a Digital RF recording that has several
    #[arg(long, value_name = "NAME")]
    pub channel: Option<String>,

    /// Start here: seconds from the start, or a time such as 2026-11-22T10:00:00Z
    #[arg(long, value_name = "T", allow_negative_numbers = true)]
    pub from: Option<TimePoint>,

    /// Stop here: seconds from the start, or a time
    #[arg(long, value_name = "T", allow_negative_numbers = true)]
    pub to: Option<TimePoint>,

    /// Read through buffers even where the file could be mapped
    #[arg(long)]
    pub no_mmap: bool,
}

/// Where the work runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunnerKind {
    /// All on the calling thread.
    Inline,
    /// One thread reads, workers work, the calling thread writes.
    Threads,
}

/// A number with an SI suffix, 0 or more.
pub(crate) fn si(text: &str) -> Result<f64, String> {
    let value = rangegate_recording::parse_si(text)?;
    if value >= 0.0 { Ok(value) } else { Err("expected 0 or more".to_owned()) }
}

/// An address with a port, or a port of this machine.
pub(crate) fn address(text: &str) -> Result<SocketAddr, String> {
    let port = text.strip_prefix(':').unwrap_or(text).parse::<u16>();
    let here = port.map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
    let named = text.strip_prefix("localhost:").and_then(|port| port.parse().ok());
    let here = here.or(named.map(|port: u16| SocketAddr::from(([127, 0, 0, 1], port))).ok_or(()));
    here.or_else(|()| text.parse()).map_err(|_| "expected ADDRESS:PORT, such as 127.0.0.1:8073".to_owned())
}

/// A size.
pub(crate) fn bytes(text: &str) -> Result<f64, String> {
    let value = si(text)?;
    if value >= 1.0 { Ok(value) } else { Err("expected at least 1 byte".to_owned()) }
}

/// A time, s.
pub(crate) fn seconds(text: &str) -> Result<f64, String> {
    let value = text.parse().ok().filter(|value: &f64| *value > 0.0 && *value <= 1e9);
    value.ok_or_else(|| "expected seconds: above 0, at most 1e9".to_owned())
}

/// A time: with its zone, or UTC.
pub(crate) fn utc(text: &str) -> Result<Timestamp, String> {
    if let Ok(time) = text.parse() {
        return Ok(time);
    }
    let here = text.parse::<jiff::civil::DateTime>().or_else(|_| {
        text.parse::<jiff::civil::Date>().map(|date| date.to_datetime(jiff::civil::Time::midnight()))
    });
    let time = here.and_then(|time| time.to_zoned(jiff::tz::TimeZone::UTC)).map(|time| time.timestamp());
    time.map_err(|_| {
        "expected a time such as 2026-11-22T10:00:00Z, 2026-11-22T10:00 or 2026-11-22".to_owned()
    })
}
