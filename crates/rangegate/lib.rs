//! The product: command line, configuration, plan, and what wires source, chain and sinks together.
//!
//! The other crates hold the parts; see ARCHITECTURE.md for the map.
#![forbid(unsafe_code)]

pub mod archiving;
pub mod assemble;
pub mod chain;
pub mod cli;
pub mod commands;
pub mod config;
pub mod conversion;
pub mod level;
pub mod maps;
pub mod pictures;
pub mod plan;
pub mod radio;
pub mod ran;
pub mod record;
pub mod replicas;
pub mod reprocess;
#[cfg(feature = "web")]
pub mod serving;
pub mod settings;
pub mod tracks;
mod unfinished;
pub mod watch;

use cli::{Args, Command};
use std::io::IsTerminal;
use std::process::ExitCode;

/// How a command ended; its value is the process's exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Done.
    Done = 0,
    /// Done, but data was lost or a comparison differs.
    Differs = 1,
}

/// Runs one command and says on standard error what went wrong.
pub fn run(args: Args) -> ExitCode {
    start_log(&args);
    let quiet = args.quiet;
    match dispatch(args.command, quiet) {
        Ok(outcome) => ExitCode::from(outcome as u8),
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            commands::complain(&error);
            ExitCode::from(2)
        }
    }
}

fn dispatch(command: Command, quiet: bool) -> anyhow::Result<Outcome> {
    match command {
        Command::Run(args) => commands::run::run(&args, quiet),
        Command::Replay(args) => commands::run::replay(&args, quiet),
        #[cfg(feature = "soapy")]
        Command::Capture(args) => commands::capture::capture(&args, quiet),
        #[cfg(feature = "soapy")]
        Command::Devices { filter, json } => commands::devices::devices(&filter, json),
        #[cfg(not(feature = "soapy"))]
        Command::Capture(_) | Command::Devices { .. } => anyhow::bail!(plan::NO_SOAPY),
        Command::Info(args) => commands::info::info(&args),
        Command::Plan(args) => commands::plan::plan(&args),
        Command::Convert(args) => commands::convert::convert(&args, quiet),
        Command::Compare(args) => commands::compare::compare(&args),
        Command::Plot(args) => commands::plot::plot(&args),
        Command::Track(args) => commands::track::track(&args),
        Command::Archive { what } => commands::archive::archive(&what),
        Command::Query(args) => commands::query::query(&args),
        #[cfg(feature = "web")]
        Command::Serve(args) => commands::serve::serve(&args, quiet),
        #[cfg(feature = "web")]
        Command::Token(args) => commands::serve::token(&args),
        #[cfg(not(feature = "web"))]
        Command::Serve(_) | Command::Token(_) => anyhow::bail!(commands::NO_WEB),
        Command::Reprocess(args) => commands::reprocess::reprocess(&args, quiet),
        Command::Simulate(args) => commands::simulate::simulate(&args, quiet),
        Command::Station(args) => commands::federation::station(&args, quiet),
        Command::Centre(args) => commands::federation::centre(&args, quiet),
        Command::Demo { what } => commands::federation::demo(&what, quiet),
        Command::Key(args) => commands::federation::key(&args),
        Command::Contract { what } => commands::federation::contract(&what),
        Command::Audit { what } => commands::federation::audit(&what),
        Command::Asterix { what } => commands::asterix::asterix(what),
        Command::Coverage(args) => commands::coverage::coverage(&args, quiet),
        Command::Report(args) => commands::report::report(&args, quiet),
        Command::Bench { what } => commands::bench::bench(what, quiet),
        Command::Completions { shell } => commands::shell::completions(shell),
        Command::Man { out } => commands::shell::man(out.as_deref()),
    }
}

/// Whether standard output was closed by its reader (`rangegate … | head`): the reader has had enough.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause.downcast_ref::<std::io::Error>().is_some_and(|e| e.kind() == std::io::ErrorKind::BrokenPipe)
    })
}

/// Logs go to standard error; `RUST_LOG` overrides `-v` and `-q`.
fn start_log(args: &Args) {
    let level = match (args.quiet, args.verbose) {
        (true, _) => "error",
        (_, 0) => "warn",
        (_, 1) => "info",
        _ => "trace",
    };
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(level));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .without_time()
        .with_target(false);
    // A second start, in a test, is no error.
    let _ = log.try_init();
}
