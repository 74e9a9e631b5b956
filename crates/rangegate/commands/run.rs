//! `run` and `replay`: from a source to detections.

use crate::Outcome;
use crate::assemble::{self, Destination, Done};
use crate::cli::{HowArgs, WebArgs, address};
use crate::commands::capture::RecordArgs;
use crate::config::{self, Config};
use crate::plan::{self, Plan};
use crate::record::{self, Recording};
use crate::unfinished::Unfinished;
use anyhow::{Context, Result};
use clap::ValueHint;
use rangegate_core::Source;
use rangegate_pipeline::Stop;
use std::net::SocketAddr;
use std::path::PathBuf;

/// `rangegate run`.
#[derive(Debug, clap::Args)]
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

/// `rangegate replay`.
#[derive(Debug, clap::Args)]
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

/// Runs a configuration on its own source, or on the one that `--source` names.
///
/// # Errors
/// Whatever keeps the run from its end.
pub fn run(args: &RunArgs, quiet: bool) -> Result<Outcome> {
    let mut config = config::load(&args.config)?;
    if let Some(source) = &args.source {
        plan::apply_source(&mut config.source, source)?;
    }
    if let Some(address) = args.serve {
        #[cfg(feature = "web")]
        {
            let (record, stop) = (RecordArgs::default(), stop_on_interrupt());
            return super::serve::run(config, &args.how, &record, (address, &args.web), quiet, &stop);
        }
        #[cfg(not(feature = "web"))]
        anyhow::bail!("--serve {address}: {}", super::NO_WEB);
    }
    go(config, &args.how, &RecordArgs::default(), quiet, &stop_on_interrupt())
}

/// Runs a configuration on a recording.
///
/// # Errors
/// Whatever keeps the run from its end.
pub fn replay(args: &ReplayArgs, quiet: bool) -> Result<Outcome> {
    let mut config = config::load(&args.config)?;
    (config.source.recording, config.source.scene, config.source.radio) =
        (Some(args.recording.clone()), None, None);
    go(config, &args.how, &RecordArgs::default(), quiet, &stop_on_interrupt())
}

/// Exit code after a second Ctrl-C: 128 and the signal's number, as shells have it.
const INTERRUPTED: i32 = 130;

/// A flag that Ctrl-C sets.
pub fn stop_on_interrupt() -> Stop {
    let stop = Stop::new();
    let handler = stop.clone();
    // A second handler, in a test, is refused; the first still stops the run.
    let _ = ctrlc::set_handler(move || {
        // The second time whoever asks does not want to wait for what is kept.
        if handler.is_set() {
            std::process::exit(INTERRUPTED);
        }
        handler.set();
    });
    stop
}

/// Runs a configuration, and records its source if that is asked for.
///
/// # Errors
/// Whatever keeps the run from its end.
pub fn go(
    mut config: Config,
    how: &HowArgs,
    record: &RecordArgs,
    quiet: bool,
    stop: &Stop,
) -> Result<Outcome> {
    plan::apply_how(&mut config, how)?;
    go_with(config, how, record, stop, |plan, source, destination, recording| {
        assemble::run(plan, source, destination, recording, stop, quiet)
    })
}

/// The same of a configuration that is complete, with another way to run what was planned.
///
/// # Errors
/// Whatever keeps the run from its end.
pub fn go_with(
    config: Config,
    how: &HowArgs,
    record: &RecordArgs,
    stop: &Stop,
    run: impl FnOnce(&Plan, Box<dyn Source>, Destination, Option<Recording>) -> Result<Done>,
) -> Result<Outcome> {
    if let Some(path) = &how.record {
        // Before the radio starts.
        record::check_name(record, path, None)?;
    }
    let (plan, source) = Plan::new(config, stop)?;
    // First what may be refused: the results of an earlier run are not to be lost for nothing.
    let mut unfinished = Unfinished::default();
    let recording = match &how.record {
        Some(path) => Some(Recording::new(record, path, &plan)?),
        None => None,
    };
    if let Some(path) = how.record.as_ref().filter(|_| record.last.is_none()) {
        unfinished.recording(path);
    }
    let destination = Destination::open(how.out.as_deref()).context("--out")?;
    unfinished.keep();
    let done = run(&plan, source, destination, recording)?;
    if how.json {
        super::print_json(&done.report)?;
    } else if how.out.is_some() {
        super::print(&done.text())?;
    }
    done.warn();
    Ok(done.outcome())
}
