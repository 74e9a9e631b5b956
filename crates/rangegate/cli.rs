//! The command line as it is typed; [`crate::plan`] turns it into what will be done.

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum, ValueHint};
use rangegate_archive::Station;
use rangegate_core::{SampleFormat, Timestamp};
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
    Run(Box<RunArgs>),
    /// Run a configuration on a recording
    Replay(Box<ReplayArgs>),
    /// Record a radio, with or without looking for something in it
    Capture(Box<CaptureArgs>),
    /// List the radios that are there, and what they can do
    Devices(DevicesArgs),
    /// Say what a recording is and what is in it
    Info(InfoArgs),
    /// Write a recording anew: in another format, or a part of it
    ///
    /// OUT says which format: NAME.sigmf-meta, NAME.h5, NAME.npy, NAME.wav, NAME.cs16 and other sample formats (raw), or a
    /// folder name (Digital RF). Indices, times, gaps, frequencies, notes and settings are kept where the format has a
    /// place for them.
    Convert(ConvertArgs),
    /// Say what a run would do, without doing it
    Plan(Box<PlanArgs>),
    /// Compare the detections of a run with golden ones, or its tracks with the truth
    Compare(CompareArgs),
    /// Draw again what a run saved
    ///
    /// Range-Doppler maps and range over time where the run saved its maps (--maps); without them the detections over
    /// time. What surrounds the strongest detections too, where the recording is still in its place.
    Plot(PlotArgs),
    /// Follow the targets of a run's detections
    ///
    /// Each coherent processing interval is a scan. Where no configuration says how: one station that measures
    /// range and range rate.
    Track(TrackArgs),
    /// Look after an archive: what runs saw, kept so that it can be asked for later
    ///
    /// An archive is a folder. Runs write into it with --archive DIR or `[archive]` in the configuration; `rangegate query`
    /// asks it.
    Archive {
        /// What to do with it.
        #[command(subcommand)]
        what: ArchiveCommand,
    },
    /// Ask an archive: detections, tracks, runs, gaps, health, or in SQL
    ///
    /// Rows come in order of time, from the database and from sealed hours alike. A table for people; --json and --csv
    /// for programs. Others may write meanwhile.
    Query(Box<QueryArgs>),
    /// Work on archives of recordings in many processes, on one machine or many
    Reprocess(Box<crate::commands::reprocess::ReprocessArgs>),
    /// Make a recording, with its truth, from a scene
    Simulate(SimulateArgs),
    /// Watch in the browser: a recording as it is replayed, a radio, or an archive
    ///
    /// The page is at http://127.0.0.1:8073/. A recording can be paused, stepped and played again from another place; it
    /// stays when it is at its end. Nothing is written: `rangegate run CONFIG --serve` watches a run that writes its
    /// results. Other addresses than this machine's own need a certificate and tokens.
    Serve(Box<ServeArgs>),
    /// Make a token for the web view, and keep its hash
    ///
    /// It is printed once. `rangegate serve --tokens FILE` accepts it.
    Token(TokenArgs),
    /// Run a station: a radar that gives what it sees to an exchange centre
    ///
    /// What leaves it is signed with its key; what comes back, the other owners' reports and the common picture, is kept
    /// and shown beside its own, and never reaches its tracker.
    Station(crate::commands::federation::args::StationArgs),
    /// Run an exchange centre: contract, common picture, alerts
    Centre(crate::commands::federation::args::CentreArgs),
    /// Show what there is, on this machine alone
    Demo {
        /// What to show.
        #[command(subcommand)]
        what: crate::commands::federation::args::DemoCommand,
    },
    /// Make a secret key for a station, an owner or a centre, or print the public half of one
    Key(crate::commands::federation::args::KeyArgs),
    /// Sign and verify the contract between owners
    Contract {
        /// What to do.
        #[command(subcommand)]
        what: crate::commands::federation::args::ContractCommand,
    },
    /// Verify and compare a centre's audit logs
    Audit {
        /// What to do.
        #[command(subcommand)]
        what: crate::commands::federation::args::AuditCommand,
    },
    /// Read and write ASTERIX, the format in which stations exchange what they see
    Asterix {
        /// What to do.
        #[command(subcommand)]
        what: crate::commands::asterix::AsterixCommand,
    },
    /// Say what stations see, alone and together, and where the gaps are
    Coverage(Box<crate::commands::coverage::CoverageArgs>),
    /// Say what an archive holds, as one HTML file with its plots
    ///
    /// Traffic over time, the histories of notable tracks with what they did and where they go, heat maps, the probability
    /// of detection against another station or ADS-B, and what speaks of interference.
    Report(Box<crate::commands::report::ReportArgs>),
    /// Measure the program itself
    Bench {
        /// What to measure.
        #[command(subcommand)]
        what: crate::commands::bench::BenchCommand,
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

/// Arguments of `track`.
#[derive(Debug, clap::Args)]
pub struct TrackArgs {
    /// A folder that a run wrote, or its detections.jsonl; a log without a run.json beside it needs times
    #[arg(value_name = "DETECTIONS", value_hint = ValueHint::AnyPath)]
    pub dir: PathBuf,

    /// Take the settings of tracking from this configuration; default: the run's
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub config: Option<PathBuf>,

    /// Write tracks to this file; default: tracks.jsonl beside the detections
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub out: Option<PathBuf>,

    /// Print the summary as JSON
    #[arg(long)]
    pub json: bool,
}

/// What there is to do with an archive.
#[derive(Debug, Subcommand)]
pub enum ArchiveCommand {
    /// Say what is in it
    Info(ArchiveArgs),
    /// Take in runs that were saved with --out
    Import(ImportArgs),
    /// Move hours that are over into Parquet files (feature parquet)
    ///
    /// An hour is over when something came that is two minutes later. Runs do so themselves, unless `[archive]` says
    /// seal = false.
    Seal(SealArgs),
    /// Forget what is old or too much
    ///
    /// Whole hours are forgotten. Rows whose recording does not say when it was made have no age, and stay.
    Prune(PruneArgs),
    /// Write rows to a file: .parquet, .csv, .jsonl, or .sigmf-meta (annotations, of one run)
    Export(Box<ExportArgs>),
    /// Check every page and every file
    ///
    /// Exit code 1 where something is wrong.
    Check(ArchiveArgs),
    /// Save what can be saved, set aside what is damaged
    ///
    /// What is whole is not touched, and nothing that is damaged is deleted. Exit code 1 where rows are lost.
    Repair(ArchiveArgs),
}

/// An archive.
#[derive(Debug, ClapArgs)]
pub struct ArchiveArgs {
    /// The archive's folder
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub dir: PathBuf,

    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `rangegate archive import`.
#[derive(Debug, ClapArgs)]
pub struct ImportArgs {
    /// The archive's folder, which is made where there is none
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub dir: PathBuf,

    /// Folders that runs wrote
    #[arg(value_name = "RUN", required = true, value_hint = ValueHint::DirPath)]
    pub runs: Vec<PathBuf>,

    /// Whose detections these are; default: as the run's configuration says, else station
    #[arg(long, value_name = "NAME")]
    pub station: Option<Station>,

    /// Take in also a run that is there already
    #[arg(long)]
    pub again: bool,

    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `rangegate archive seal`.
#[derive(Debug, ClapArgs)]
pub struct SealArgs {
    /// The archive.
    #[command(flatten)]
    pub archive: ArchiveArgs,

    /// Also hours that may go on
    #[arg(long)]
    pub all: bool,
}

/// `rangegate archive prune`.
#[derive(Debug, ClapArgs)]
#[group(id = "keep", required = true, multiple = true, args = ["keep_days", "keep_size"])]
pub struct PruneArgs {
    /// The archive.
    #[command(flatten)]
    pub archive: ArchiveArgs,

    /// Keep so many days before the newest row
    #[arg(long, value_name = "DAYS", value_parser = days, allow_negative_numbers = true)]
    pub keep_days: Option<f64>,

    /// Keep so many bytes, such as 20G: the oldest hours go, the newest stays
    #[arg(long, value_name = "BYTES", value_parser = bytes, allow_negative_numbers = true)]
    pub keep_size: Option<f64>,
}

/// `rangegate archive export`.
#[derive(Debug, ClapArgs)]
pub struct ExportArgs {
    /// The archive's folder
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub dir: PathBuf,

    /// What to write: detections or tracks
    #[arg(value_name = "WHAT", default_value = "detections")]
    pub what: What,

    /// The file to write; it must not exist
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub out: PathBuf,

    /// Which rows.
    #[command(flatten)]
    pub filter: FilterArgs,

    /// Print what was written as JSON
    #[arg(long)]
    pub json: bool,
}

/// `rangegate query`.
#[derive(Debug, ClapArgs)]
pub struct QueryArgs {
    /// The archive's folder
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub dir: PathBuf,

    /// What to ask for
    #[arg(value_name = "WHAT", default_value = "detections")]
    pub what: What,

    /// Which rows.
    #[command(flatten)]
    pub filter: FilterArgs,

    /// Stop after so many rows; default: 1000 in a table, 10000 with --sql, else all
    #[arg(long, value_name = "N")]
    pub limit: Option<u64>,

    /// Of density: minutes in a step
    #[arg(long, value_name = "MIN", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=5_256_000))]
    pub step_minutes: u32,

    /// Ask in SQLite's SQL: one SELECT from detections, tracks, runs, gap, health, density
    ///
    /// Times are time_ns, nanoseconds since 1970. Nothing can be changed, and functions whose time has no bound cannot be
    /// called. Sealed hours are laid out for the query: say
    /// which with --from and --to.
    #[arg(long, value_name = "SELECT", conflicts_with_all = ["what", "step_minutes"])]
    pub sql: Option<String>,

    /// With --sql: stop after so many seconds
    #[arg(long, value_name = "S", default_value_t = 10.0, value_parser = seconds, requires = "sql", allow_negative_numbers = true)]
    pub timeout: f64,

    /// Print JSON, an object a line
    #[arg(long, conflicts_with = "csv")]
    pub json: bool,

    /// Print CSV
    #[arg(long)]
    pub csv: bool,
}

/// What an archive is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum What {
    /// A row a detection.
    Detections,
    /// A row a track and time.
    Tracks,
    /// A row a run.
    Runs,
    /// A row a gap between samples.
    Gaps,
    /// A row a figure of a run's health.
    Health,
    /// Detections a step of the time line, and the strongest.
    Density,
}

impl What {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Detections => "detections",
            Self::Tracks => "tracks",
            Self::Runs => "runs",
            Self::Gaps => "gaps",
            Self::Health => "health",
            Self::Density => "density",
        }
    }
}

/// Which rows of an archive.
#[derive(Clone, Debug, Default, ClapArgs)]
pub struct FilterArgs {
    /// At or after this time (UTC), such as 2026-11-22T10:00:00Z, 2026-11-22T10:00 or 2026-11-22
    #[arg(long, value_name = "TIME", value_parser = utc)]
    pub from: Option<Timestamp>,

    /// Before this time
    #[arg(long, value_name = "TIME", value_parser = utc)]
    pub to: Option<Timestamp>,

    /// Of this station
    #[arg(long, value_name = "NAME")]
    pub station: Option<Station>,

    /// Of this run (a number of `rangegate query DIR runs`)
    #[arg(long, value_name = "N")]
    pub run: Option<i64>,

    /// Range in m, both ends included, such as 500..20k, 10k.. or ..2e3
    #[arg(long, value_name = "FROM..TO", value_parser = range_m, allow_hyphen_values = true)]
    pub range: Option<(f64, f64)>,

    /// Detections of at least this signal-to-noise ratio, dB
    #[arg(long, value_name = "DB", value_parser = finite, allow_negative_numbers = true)]
    pub snr: Option<f64>,

    /// Detections of this template
    #[arg(long, value_name = "NAME")]
    pub template: Option<String>,

    /// The track of this number: its updates, or the detections that it is made of
    #[arg(long, value_name = "N")]
    pub track: Option<i64>,
}

/// `rangegate run`.
#[derive(Debug, ClapArgs)]
pub struct RunArgs {
    /// The configuration (TOML): source, replicas, chain
    #[arg(value_name = "CONFIG", value_hint = ValueHint::FilePath)]
    pub config: PathBuf,

    /// Take samples from here instead: a recording, scene:FILE, or soapy:ARGS
    #[arg(long, value_name = "SOURCE", value_hint = ValueHint::AnyPath)]
    pub source: Option<String>,

    /// How to run, and where to.
    #[command(flatten)]
    pub how: HowArgs,

    /// Watch it in the browser meanwhile, at this address
    #[arg(long, value_name = "ADDR", num_args = 0..=1, default_missing_value = "127.0.0.1:8073", value_parser = address)]
    pub serve: Option<SocketAddr>,

    /// For whom the page is.
    #[command(flatten)]
    pub web: WebArgs,
}

/// `rangegate serve`.
#[derive(Debug, ClapArgs)]
pub struct ServeArgs {
    /// A configuration (.toml), or with --config a recording
    #[arg(value_name = "WHAT", value_hint = ValueHint::AnyPath, required_unless_present = "archive")]
    pub what: Option<PathBuf>,

    /// The configuration for a recording
    #[arg(short, long, value_name = "CONFIG", value_hint = ValueHint::FilePath)]
    pub config: Option<PathBuf>,

    /// Show this archive instead
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, conflicts_with_all = ["what", "config"])]
    pub archive: Option<PathBuf>,

    /// Which samples of the source, and how to read them.
    #[command(flatten)]
    pub window: WindowArgs,

    /// Factor of real time, or `max`; default: as the configuration says, else 1
    #[arg(long, value_name = "SPEED", allow_negative_numbers = true)]
    pub speed: Option<Speed>,

    /// Wait for somebody to press play
    #[arg(long)]
    pub paused: bool,

    /// Which threads do the work.
    #[command(flatten)]
    pub work: WorkArgs,

    /// Where the page is; default: 127.0.0.1:8073. Port 0 is any that is free
    #[arg(short, long, value_name = "ADDR", value_parser = address)]
    pub listen: Option<SocketAddr>,

    /// For whom the page is.
    #[command(flatten)]
    pub web: WebArgs,
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

/// `rangegate token`.
#[derive(Debug, ClapArgs)]
pub struct TokenArgs {
    /// The file of hashes, which is made where there is none
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub file: PathBuf,

    /// What it is good for: to look, to operate the replay and the trigger too, or to see the configuration too
    #[arg(long, value_name = "SCOPE", default_value = "read")]
    pub scope: TokenScope,

    /// Whose it is
    #[arg(long, value_name = "NAME", default_value = "token")]
    pub name: String,
}

/// What a token is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TokenScope {
    /// To look.
    Read,
    /// To operate too.
    Operate,
    /// Everything.
    Admin,
}

/// `rangegate replay`.
#[derive(Debug, ClapArgs)]
pub struct ReplayArgs {
    /// The recording: a Digital RF folder, a SigMF, HDF5, NumPy or WAV file, raw samples
    #[arg(value_name = "RECORDING", value_hint = ValueHint::AnyPath)]
    pub recording: PathBuf,

    /// The configuration (TOML)
    #[arg(short, long, value_name = "CONFIG", value_hint = ValueHint::FilePath)]
    pub config: PathBuf,

    /// How to run, and where to.
    #[command(flatten)]
    pub how: HowArgs,
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

/// Which radio, and what it is to do.
#[derive(Clone, Debug, Default, ClapArgs)]
pub struct RadioArgs {
    /// The radio, as SoapySDR names it, such as driver=hackrf or driver=uhd,serial=30F41A2; see `rangegate devices`
    #[arg(short, long, value_name = "ARGS")]
    pub device: Option<String>,

    /// Samples a second, such as 20M
    #[arg(short, long, value_name = "HZ", value_parser = si)]
    pub rate: Option<f64>,

    /// Frequency to tune to, such as 1090M
    #[arg(short, long, value_name = "HZ", value_parser = si)]
    pub freq: Option<f64>,

    /// Gain in dB, or stage by stage as LNA=24,VGA=20, or `auto`
    #[arg(short, long, value_name = "DB", value_delimiter = ',', allow_negative_numbers = true)]
    pub gain: Vec<String>,

    /// Which antenna
    #[arg(long, value_name = "NAME")]
    pub antenna: Option<String>,

    /// Width of the radio's filter
    #[arg(long, value_name = "HZ", value_parser = si)]
    pub bandwidth: Option<f64>,

    /// Which channels of the radio, such as 0,1
    #[arg(long, value_name = "N", value_delimiter = ',')]
    pub channels: Vec<usize>,

    /// How samples come from the radio: cs8, cs16, cf32; default: as it takes them
    #[arg(long, value_name = "FORMAT")]
    pub sample_format: Option<SampleFormat>,

    /// What its clock runs by, such as external or gpsdo
    #[arg(long, value_name = "NAME")]
    pub clock_source: Option<String>,

    /// What sets its time
    #[arg(long, value_name = "NAME")]
    pub time_source: Option<String>,

    /// A setting that only this radio has; may be repeated
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_value)]
    pub setting: Vec<(String, String)>,

    /// An argument of its stream, such as remote:prot=tcp; may be repeated
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_value)]
    pub stream_arg: Vec<(String, String)>,

    /// Signal that is held in memory while disk or workers are late, s
    #[arg(long, value_name = "SECONDS")]
    pub buffer: Option<f64>,

    /// Wait so long for a radio that was lost, instead of ending
    #[arg(long, value_name = "SECONDS")]
    pub reconnect: Option<f64>,
}

/// What is recorded.
#[derive(Clone, Debug, Default, ClapArgs)]
pub struct RecordArgs {
    /// End after so many seconds
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub duration: Option<f64>,

    /// End after so many bytes of samples, such as 10G: the last that fits is the last
    #[arg(long, value_name = "BYTES", value_parser = bytes)]
    pub size: Option<f64>,

    /// End while so many bytes of the disk are free
    #[arg(long, value_name = "BYTES", value_parser = si, default_value = "500M")]
    pub keep_free: f64,

    /// Hold the last seconds in memory, and write them when the Enter key is pressed, SIGUSR1 comes, or (with a
    /// configuration and --trigger-snr) something is detected
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub last: Option<f64>,

    /// With --last: write so many seconds from the trigger on; default: as many as before it
    #[arg(long, value_name = "SECONDS", value_parser = seconds, requires = "last")]
    pub after: Option<f64>,

    /// With --last and a configuration: a detection of this signal-to-noise ratio is a trigger
    #[arg(long, value_name = "DB", requires = "last", allow_negative_numbers = true)]
    pub trigger_snr: Option<f64>,
}

/// `rangegate capture`.
#[derive(Debug, ClapArgs)]
pub struct CaptureArgs {
    /// The radio.
    #[command(flatten)]
    pub radio: RadioArgs,

    /// The recording to write: NAME.sigmf-meta, NAME.h5, NAME.cs16 (raw), or a folder name (Digital RF)
    ///
    /// HDF5 and raw files have no place for a gap: zeros fill it, and after one of more than ten minutes NAME-0002 goes on.
    #[arg(short, long, value_name = "RECORDING", value_hint = ValueHint::AnyPath)]
    pub out: Option<PathBuf>,

    /// How much of it.
    #[command(flatten)]
    pub record: RecordArgs,

    /// Look for something meanwhile: a configuration, whose source is not used
    #[arg(short, long, value_name = "CONFIG", value_hint = ValueHint::FilePath)]
    pub config: Option<PathBuf>,

    /// With --config: write detections.jsonl, run.json and plots into this folder
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, requires = "config")]
    pub results: Option<PathBuf>,

    /// With --config: watch it in the browser meanwhile, at this address; with --last a button there is a trigger
    #[arg(long, value_name = "ADDR", num_args = 0..=1, default_missing_value = "127.0.0.1:8073", value_parser = address, requires = "config")]
    pub serve: Option<SocketAddr>,

    /// For whom the page is.
    #[command(flatten)]
    pub web: WebArgs,

    /// Print a report as JSON
    #[arg(long)]
    pub json: bool,
}

/// `rangegate devices`.
#[derive(Debug, ClapArgs)]
pub struct DevicesArgs {
    /// Only those that match, such as driver=hackrf
    #[arg(value_name = "ARGS", default_value = "")]
    pub filter: String,

    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `rangegate info`.
#[derive(Debug, ClapArgs)]
pub struct InfoArgs {
    /// The recording
    #[arg(value_name = "RECORDING", value_hint = ValueHint::AnyPath)]
    pub recording: PathBuf,

    /// Format, where looking at the file is not enough: sigmf, digital_rf, hdf5, npy, wav, or raw samples as
    /// cs16@2.4e6
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<String>,

    /// Which channel of a Digital RF recording that has several
    #[arg(long, value_name = "NAME")]
    pub channel: Option<String>,

    /// Read all samples: check the checksum, list the gaps, measure level and clipping
    #[arg(long)]
    pub verify: bool,

    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `rangegate convert`.
#[derive(Debug, ClapArgs)]
pub struct ConvertArgs {
    /// The recording: a Digital RF folder, a SigMF, HDF5, NumPy or WAV file, raw samples
    #[arg(value_name = "IN", value_hint = ValueHint::AnyPath)]
    pub recording: PathBuf,

    /// The recording to write; it must not exist
    #[arg(value_name = "OUT", value_hint = ValueHint::AnyPath)]
    pub out: PathBuf,

    /// Which samples, and how to read them.
    #[command(flatten)]
    pub window: WindowArgs,

    /// Keep these channels, in this order, such as 0,2
    #[arg(long, value_name = "N", value_delimiter = ',')]
    pub channels: Option<Vec<usize>>,

    /// How samples are stored: cs8, cs16, cf32, …; default: as the name of OUT says, else as they were. Numbers are scaled
    /// from full scale to full scale, rounded and clipped
    #[arg(long, value_name = "FORMAT")]
    pub sample_format: Option<SampleFormat>,

    /// Keep one sample of N, behind a low-pass filter: sample k is the time of sample k·N
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub decimate: usize,

    /// Fill gaps of up to 10 minutes with zeros where the format cannot hold them (raw, WAV, NumPy, plain HDF5)
    #[arg(long)]
    pub fill_gaps: bool,

    /// Print what was written as JSON
    #[arg(long)]
    pub json: bool,
}

/// `rangegate plan`.
#[derive(Debug, ClapArgs)]
pub struct PlanArgs {
    /// The configuration (TOML)
    #[arg(value_name = "CONFIG", value_hint = ValueHint::FilePath)]
    pub config: PathBuf,

    /// Take samples from here instead: a recording, scene:FILE, or soapy:ARGS
    #[arg(long, value_name = "SOURCE", value_hint = ValueHint::AnyPath)]
    pub source: Option<String>,

    /// Which samples of the source, and how to read them.
    #[command(flatten)]
    pub window: WindowArgs,

    /// Which threads would do the work.
    #[command(flatten)]
    pub work: WorkArgs,

    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `rangegate compare`.
#[derive(Debug, ClapArgs)]
pub struct CompareArgs {
    /// A folder that a run wrote, or its detections.jsonl; with --truth, or its tracks.jsonl
    #[arg(value_name = "DIR", value_hint = ValueHint::AnyPath)]
    pub dir: PathBuf,

    /// What it should be: a folder, or a file of detections
    #[arg(value_name = "GOLDEN", value_hint = ValueHint::AnyPath, required_unless_present = "truth")]
    pub golden: Option<PathBuf>,

    /// Instead compare the tracks of the run with this truth, by GOSPA, OSPA and SIAP: a NAME.truth.jsonl, or the scene
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with = "golden")]
    pub truth: Option<PathBuf>,

    /// A track farther than this from every target is false
    #[arg(long, value_name = "M", default_value_t = 50.0, value_parser = positive, requires = "truth")]
    pub cutoff_m: f64,

    /// Order of GOSPA and OSPA
    #[arg(long, value_name = "P", default_value_t = 2.0, value_parser = order, requires = "truth")]
    pub order: f64,

    /// Detections this many samples apart may still be the same
    #[arg(long, value_name = "SAMPLES", default_value_t = 0.0, value_parser = tolerance, allow_negative_numbers = true)]
    pub tolerance_samples: f64,

    /// SNR and power may differ by this much
    #[arg(long, value_name = "DB", default_value_t = 0.01, value_parser = tolerance, allow_negative_numbers = true)]
    pub tolerance_db: f64,

    /// Doppler may differ by this much
    #[arg(long, value_name = "HZ", default_value_t = 0.01, value_parser = tolerance, allow_negative_numbers = true)]
    pub tolerance_hz: f64,

    /// Range may differ by this much
    #[arg(long, value_name = "M", default_value_t = 0.01, value_parser = tolerance, allow_negative_numbers = true)]
    pub tolerance_m: f64,

    /// Range rate may differ by this much
    #[arg(long, value_name = "MPS", default_value_t = 0.01, value_parser = tolerance, allow_negative_numbers = true)]
    pub tolerance_mps: f64,

    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `rangegate plot`.
#[derive(Debug, ClapArgs)]
pub struct PlotArgs {
    /// A folder that a run wrote
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub dir: PathBuf,

    /// Draw into this folder; default: DIR/plots
    #[arg(short, long, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub out: Option<PathBuf>,

    /// Draw the map of every look, all with the same colours: maps/0000.png, maps/0001.png, …
    #[arg(long)]
    pub each: bool,

    /// As --each, and put the maps into one animated PNG too, maps.png, at the speed at which the looks came, but no
    /// more than 25 a second
    #[arg(long)]
    pub animate: bool,
}

/// `rangegate simulate`.
#[derive(Debug, ClapArgs)]
pub struct SimulateArgs {
    /// The scene (TOML)
    #[arg(value_name = "SCENE", value_hint = ValueHint::FilePath)]
    pub scene: PathBuf,

    /// The recording to write: NAME.sigmf-meta, NAME.h5, NAME.cs16 (raw), or a folder name (Digital RF)
    #[arg(short, long, value_name = "RECORDING", value_hint = ValueHint::AnyPath)]
    pub out: PathBuf,

    /// Seed, instead of the scene's own
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,

    /// Print what was written as JSON
    #[arg(long)]
    pub json: bool,
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
fn si(text: &str) -> Result<f64, String> {
    let value = rangegate_recording::parse_si(text)?;
    if value >= 0.0 { Ok(value) } else { Err("expected 0 or more".to_owned()) }
}

/// An address with a port, or a port of this machine.
fn address(text: &str) -> Result<SocketAddr, String> {
    let port = text.strip_prefix(':').unwrap_or(text).parse::<u16>();
    let here = port.map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
    let named = text.strip_prefix("localhost:").and_then(|port| port.parse().ok());
    let here = here.or(named.map(|port: u16| SocketAddr::from(([127, 0, 0, 1], port))).ok_or(()));
    here.or_else(|()| text.parse()).map_err(|_| "expected ADDRESS:PORT, such as 127.0.0.1:8073".to_owned())
}

/// A size.
fn bytes(text: &str) -> Result<f64, String> {
    let value = si(text)?;
    if value >= 1.0 { Ok(value) } else { Err("expected at least 1 byte".to_owned()) }
}

/// A time, s.
pub(crate) fn seconds(text: &str) -> Result<f64, String> {
    let value = text.parse().ok().filter(|value: &f64| *value > 0.0 && *value <= 1e9);
    value.ok_or_else(|| "expected seconds: above 0, at most 1e9".to_owned())
}

/// `KEY=VALUE`.
fn key_value(text: &str) -> Result<(String, String), String> {
    let parts = text.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned()));
    parts.ok_or_else(|| "expected KEY=VALUE".to_owned())
}

/// A distance, from the command line.
fn positive(text: &str) -> Result<f64, String> {
    let value = text.parse().ok().filter(|value: &f64| value.is_finite() && *value > 0.0);
    value.ok_or_else(|| "expected a positive number".to_owned())
}

/// The order of a metric, from the command line.
fn order(text: &str) -> Result<f64, String> {
    let value = text.parse().ok().filter(|value: &f64| value.is_finite() && *value >= 1.0);
    value.ok_or_else(|| "expected a finite number, 1 or more".to_owned())
}

/// A tolerance, from the command line.
fn tolerance(text: &str) -> Result<f64, String> {
    let value = text.parse().ok().filter(|value: &f64| value.is_finite() && *value >= 0.0);
    value.ok_or_else(|| "expected a finite number, 0 or more".to_owned())
}

/// A finite number.
fn finite(text: &str) -> Result<f64, String> {
    let value = text.parse().ok().filter(|value: &f64| value.is_finite());
    value.ok_or_else(|| "expected a finite number".to_owned())
}

/// Days that are kept.
fn days(text: &str) -> Result<f64, String> {
    let most = crate::archiving::MAX_DAYS;
    let value = text.parse().ok().filter(|value: &f64| *value > 0.0 && *value <= most);
    value.ok_or_else(|| format!("expected days: above 0, at most {most}"))
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

/// Two ranges with `..` between them, each of which may be missing.
fn range_m(text: &str) -> Result<(f64, f64), String> {
    let expected = || format!("{text:?} is no range in m: expected FROM..TO, such as 500..20k");
    let (from, to) = text.split_once("..").ok_or_else(expected)?;
    let end = |text: &str, default: f64| match text {
        "" => Ok(default),
        _ => rangegate_recording::parse_si(text).ok().filter(|value| value.is_finite()).ok_or_else(expected),
    };
    let (from, to) = (end(from, f64::NEG_INFINITY)?, end(to, f64::INFINITY)?);
    if from <= to {
        Ok((from, to))
    } else {
        Err(format!("the range begins at {from} m, behind its end at {to} m"))
    }
}
