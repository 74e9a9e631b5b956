//! `serve`: the web view; `run --serve`: the same beside a run that writes its results.

use super::ServeArgs;
use crate::Outcome;
use crate::assemble::{self, Destination, Done};
use crate::cli::{HowArgs, WebArgs};
use crate::commands::capture::RecordArgs;
use crate::commands::run::{go_with, stop_on_interrupt};
use crate::commands::sentence;
use crate::config::{self, Config};
use crate::plan::{self, Plan};
use crate::record::Recording;
use crate::serving::{self, Archived, Live};
use crate::watch::{self, Ended};
use anyhow::{Context, Result, bail};
use rangegate_core::Source;
use rangegate_pipeline::{Stop, worker};
use rangegate_sources::{Speed, TimePoint};
use rangegate_web::Hub;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Serves until it is interrupted.
///
/// # Errors
/// There is nothing to be seen, or nobody to be shown it.
pub fn serve(args: &ServeArgs, quiet: bool) -> Result<Outcome> {
    let stop = stop_on_interrupt();
    let hub = Arc::new(Hub::new());
    if let Some(folder) = &args.archive {
        let backend = Arc::new(Archived::open(folder)?);
        let _server = serving::start(&args.web, args.listen, backend, &hub, quiet)?;
        while stop.sleep_until(Instant::now() + Duration::from_secs(3600)) {}
        return Ok(Outcome::Done);
    }
    let mut config = configuration(args)?;
    let speed = take_speed(&mut config);
    let (plan, source) = Plan::new(config.clone(), &stop)?;
    let is_replay = plan.radio.is_none();
    let live = Arc::new(Live::new(&plan, speed, is_replay, None));
    if args.paused {
        live.shared.control.step();
    }
    let _server = serving::start(&args.web, args.listen, Arc::clone(&live) as _, &hub, quiet)?;
    let mut next = Some((plan, source));
    let window = next.as_ref().map_or((0, 0), |(plan, _)| plan.window);
    let mut is_first = true;
    while let Some((plan, source)) = next.take() {
        live.shared.control.begin_round(plan.stream.first_sample);
        let done = watched(&plan, source, Destination::nowhere(), None, &stop, true, &live, &hub);
        match done {
            Ok(done) => done.warn(),
            // Who started it sees at once what is wrong with it.
            Err(error) if is_first => return Err(error),
            Err(error) => tell_failure(&hub, &error),
        }
        is_first = false;
        while let Ended::Again(position_s) = live.shared.control.end_round(&stop) {
            match Plan::new(from(&config, position_s, &plan, window), &stop) {
                Ok(again) => {
                    next = Some(again);
                    break;
                }
                Err(error) => tell_failure(&hub, &error),
            }
        }
    }
    Ok(Outcome::Done)
}

/// Tells whoever looks on that a recording cannot be played again; the server stays.
fn tell_failure(hub: &Hub, error: &anyhow::Error) {
    let message = format!("cannot play again: {}", sentence(error));
    tracing::warn!("{message}");
    hub.tell("error", false, serde_json::json!({"type": "error", "message": message}).to_string());
}

/// The speed of a configuration, which then says that there is none: the watch keeps it, so that it can be changed.
fn take_speed(config: &mut Config) -> Option<f64> {
    if config.source.radio.is_some() {
        return None;
    }
    match std::mem::take(&mut config.source.speed) {
        Speed::Factor(factor) => Some(factor),
        Speed::Max => None,
    }
}

/// What is served, from what was typed.
fn configuration(args: &ServeArgs) -> Result<Config> {
    let what = args.what.as_deref().context("nothing to serve")?;
    let is_config = what.extension().is_some_and(|extension| extension == "toml");
    let mut config = match (&args.config, is_config) {
        (Some(config), _) => {
            let mut config = config::load(config)?;
            (config.source.recording, config.source.scene, config.source.radio) =
                (Some(what.to_owned()), None, None);
            config
        }
        (None, true) => config::load(what)?,
        (None, false) => bail!("{} is a recording: say with --config what to look for in it", what.display()),
    };
    plan::apply_window(&mut config.source, &args.window)?;
    plan::apply_work(&mut config.run, &args.work)?;
    // Somebody watches: as fast as possible is not what they want, unless they say so.
    let as_configured = match config.source.speed {
        Speed::Factor(factor) => Speed::Factor(factor),
        Speed::Max => Speed::Factor(1.0),
    };
    config.source.speed = match config.source.radio {
        None => args.speed.unwrap_or(as_configured),
        Some(_) => args.speed.unwrap_or_default(),
    };
    config.source.repeat = rangegate_sources::Repeat::default();
    (config.archive, config.output.maps) = (None, false);
    Ok(config)
}

/// The configuration for a round that begins elsewhere: at the start of the segment there, so that what is found is what
/// the first round found.
fn from(config: &Config, position_s: f64, plan: &Plan, (first, end): (u64, u64)) -> Config {
    let mut config = config.clone();
    let rate_hz = plan.stream.sample_rate.hz();
    let core_len = plan.chain.core_lead_tail().0.max(1) as u64;
    let samples = ((position_s * rate_hz) as u64).min(end.saturating_sub(first + 1)) / core_len * core_len;
    if samples > 0 {
        // Where times count from.
        let origin = match (&plan.recording, config.source.from) {
            (Some(recording), _) => recording.first_sample,
            (None, Some(TimePoint::FromStart { nanos })) => {
                first.saturating_sub((nanos as f64 * 1e-9 * rate_hz).round() as u64)
            }
            (None, _) => first,
        };
        // The first sample at or after: half a sample earlier is that one.
        let since_s = (first - origin + samples) as f64 / rate_hz;
        let nanos = ((since_s - 0.5 / rate_hz) * 1e9).max(0.0);
        config.source.from = Some(TimePoint::FromStart { nanos: nanos as u64 });
    }
    config
}

/// Runs a plan, shows it meanwhile.
#[allow(clippy::too_many_arguments)]
fn watched(
    plan: &Plan,
    source: Box<dyn Source>,
    destination: Destination,
    recording: Option<Recording>,
    stop: &Stop,
    quiet: bool,
    live: &Arc<Live>,
    hub: &Arc<Hub>,
) -> Result<Done> {
    let (watch, watching) = watch::watch(plan, &live.shared);
    std::thread::scope(|scope| {
        worker::spawn(scope, "views", move || serving::show(plan, live, hub, watching))?;
        assemble::run_watched(plan, source, destination, recording, stop, quiet, Some(watch))
    })
}

/// `run --serve` and `capture --serve`: the page ends with the run.
///
/// # Errors
/// Whatever keeps the run from its end, or from being shown.
pub fn run(
    mut config: Config,
    how: &HowArgs,
    record: &RecordArgs,
    (address, web): (SocketAddr, &WebArgs),
    quiet: bool,
    stop: &Stop,
) -> Result<Outcome> {
    plan::apply_how(&mut config, how)?;
    let speed = take_speed(&mut config);
    go_with(config, how, record, stop, |plan, source, destination, recording| {
        let trigger = recording.as_ref().and_then(Recording::last);
        let live = Arc::new(Live::new(plan, speed, false, trigger));
        let hub = Arc::new(Hub::new());
        let _server = serving::start(web, Some(address), Arc::clone(&live) as _, &hub, quiet)?;
        live.shared.control.begin_round(plan.stream.first_sample);
        let done = watched(plan, source, destination, recording, stop, quiet, &live, &hub);
        live.shared.control.end();
        done
    })
}
