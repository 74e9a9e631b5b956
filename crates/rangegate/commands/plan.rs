//! `plan`: what a run would do.

use crate::Outcome;
use crate::cli::{WindowArgs, WorkArgs};
use crate::config;
use crate::plan::{self, Plan, Summary};
use anyhow::Result;
use clap::ValueHint;
use rangegate_pipeline::Stop;
use std::fmt::Write;
use std::path::PathBuf;

/// `rangegate plan`.
#[derive(Debug, clap::Args)]
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

/// Runs the command.
///
/// # Errors
/// Whatever would make the run fail before its first sample.
pub fn plan(args: &PlanArgs) -> Result<Outcome> {
    let mut config = config::load(&args.config)?;
    if let Some(source) = &args.source {
        plan::apply_source(&mut config.source, source)?;
    }
    plan::apply_window(&mut config.source, &args.window)?;
    plan::apply_work(&mut config.run, &args.work)?;
    let (plan, _) = Plan::new(config, &Stop::new())?;
    if args.json {
        super::print_json(&plan.summary())?;
    } else {
        super::print(&text(&plan.summary())?)?;
    }
    Ok(Outcome::Done)
}

/// At most this many replicas are listed.
const MOST_REPLICAS: usize = 12;

fn text(summary: &Summary) -> Result<String> {
    let mut text = format!("{}\n", summary.source);
    let mapped = if summary.mapped { "mapped" } else { "read through buffers" };
    let samples = summary.n_samples.map_or("an unknown number of samples".to_owned(), |n| {
        format!("{n} samples, {:.3} s", n as f64 / summary.sample_rate_hz)
    });
    writeln!(
        text,
        "  {} MHz, {}, {} channel(s), {samples}, {mapped}",
        summary.sample_rate_hz / 1e6,
        summary.sample_format,
        summary.n_channels
    )?;
    writeln!(text, "replicas")?;
    for replica in summary.replicas.iter().take(MOST_REPLICAS) {
        writeln!(
            text,
            "  {:<24} {} samples, {:.3} µs",
            replica.name,
            replica.n_samples,
            replica.duration_s * 1e6
        )?;
    }
    if summary.replicas.len() > MOST_REPLICAS {
        writeln!(text, "  … and {} more", summary.replicas.len() - MOST_REPLICAS)?;
    }
    writeln!(text, "chain")?;
    if let serde_json::Value::Object(chain) = &summary.chain {
        for (name, value) in chain {
            writeln!(text, "  {name:<28} {value}")?;
        }
    }
    writeln!(text, "runner\n  {}", serde_json::to_string(&summary.runner)?)?;
    Ok(text)
}
