//! `reprocess`: archives of recordings, in many processes.

mod args;
mod estimate;
mod plan;
mod queue;
mod summary;

use crate::Outcome;
use crate::reprocess::job::Job;
use crate::reprocess::merge;
use crate::reprocess::mirror::Mirror;
use crate::reprocess::piece::Piece;
use crate::reprocess::pool::{Account, Pool, Progress};
use crate::reprocess::{survey, work};
use anyhow::{Context, Result, bail};
pub use args::ReprocessArgs;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use plan::{Part, Work};
use queue::Queue;
use rangegate_pipeline::Stop;
use std::fs::File;
use std::path::Path;
use std::process::Command;
use summary::{Aside, Summary};

/// Runs the command.
///
/// # Errors
/// Nothing can be worked on: no recording, no configuration, no place for results, no queue.
pub fn reprocess(args: &ReprocessArgs, quiet: bool) -> Result<Outcome> {
    if args.as_worker {
        let mirror = Mirror::new(args.cache.as_deref().context("--cache is missing")?);
        work::serve(std::io::stdin().lock(), std::io::stdout().lock(), &mirror)?;
        return Ok(Outcome::Done);
    }
    let stop = super::run::stop_on_interrupt();
    let work = Work::plan(args, &stop)?;
    if args.dry_run {
        return estimate::dry_run(args, &work, quiet);
    }
    let merges = args.shard.is_none() && !args.no_merge;
    let _lock = if merges { Some(lock(&work.common.out)?) } else { None };
    let mut summary = Summary::new(&work);
    if !args.merge {
        let missing = work.missing(args.shard);
        summary.reused = work.n_jobs(args.shard) - missing.len() as u64;
        let account = do_pieces(args, &work, &missing, &mut summary.set_aside, &stop, quiet)?;
        summary.account(&account);
        if stop.is_set() {
            bail!("stopped: what is done is kept, and the same command goes on from there");
        }
    }
    if merges {
        merge_all(&work, &mut summary)?;
        summary.write(&work.common.out)?;
        if args.cache.is_none() && summary.set_aside.is_empty() {
            // What is not there, or cannot be removed, hinders nobody.
            let _ = std::fs::remove_dir_all(work.mirror.folder());
        }
    }
    summary.warn();
    if args.json {
        super::print_json(&summary)?;
    } else {
        super::print(&summary.text(merges.then_some(&*work.common.out)))?;
    }
    Ok(summary.outcome())
}

/// Only one start at a time merges into a folder.
fn lock(out: &Path) -> Result<File> {
    let path = out.join("pieces").join("lock");
    let cannot = || format!("cannot write {}", path.display());
    let file = File::options().create(true).append(true).open(&path).with_context(cannot)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => bail!(
            "another start works on {}: wait for it, choose another folder, or share a queue (--queue, --no-merge)",
            out.display()
        ),
        // Some file systems have no locks.
        Err(std::fs::TryLockError::Error(error)) => {
            tracing::debug!("{}: {error}", path.display());
            Ok(file)
        }
    }
}

/// Has the missing pieces done by worker processes.
fn do_pieces(
    args: &ReprocessArgs,
    work: &Work,
    missing: &[&Job],
    set_aside: &mut Vec<Aside>,
    stop: &Stop,
    quiet: bool,
) -> Result<Account> {
    if missing.is_empty() {
        return Ok(Account::default());
    }
    let queue = Queue::open(args.queue.as_deref(), args.queue_key.as_deref(), missing)?;
    queue.submit(missing, stop)?;
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    // Others may have done some of a shared queue.
    let n_workers = args.workers.map_or(cores, usize::from).min(missing.len());
    let program = std::env::current_exe().context("cannot find this program to start it again")?;
    let cache = work.mirror.folder();
    let command = || {
        let mut command = Command::new(&program);
        command.args(["reprocess", "--as-worker", "--cache"]).arg(cache);
        command
    };
    let n_segments: u64 = missing.iter().map(|job| job.n_segments()).sum();
    let bar = bar(n_segments, quiet);
    let mean = n_segments as f64 / missing.len() as f64;
    let progress = |progress: &Progress| {
        let done = (progress.jobs as f64 * mean) as u64 + progress.segments;
        bar.set_position(done.min(n_segments));
    };
    let name = format!("pool-{}", std::process::id());
    let pool = Pool {
        exchange: &*queue.exchange,
        queue: &queue.name,
        n_workers,
        name: &name,
        command: &command,
        stop,
        progress: &progress,
    };
    let account = pool.run();
    bar.finish_and_clear();
    let account = account?;
    for aside in queue.state(stop)?.set_aside {
        // A job that cannot be read is none of ours.
        let job = Job::decode(&aside.payload).with_context(|| format!("job {} of the queue", aside.id))?;
        set_aside.push(Aside::of_piece(&job, aside.reason, aside.attempts));
    }
    Ok(account)
}

/// A bar over segments, on a terminal.
fn bar(n_segments: u64, quiet: bool) -> ProgressBar {
    if quiet {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{wide_bar} {percent:>3} %  {elapsed} gone, {eta} left")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::with_draw_target(Some(n_segments), ProgressDrawTarget::stderr_with_hz(5)).with_style(style)
}

/// Merges the pieces of each recording.
fn merge_all(work: &Work, summary: &mut Summary) -> Result<()> {
    for part in &work.parts {
        let Part { found, called, survey, jobs, config, .. } = part;
        let is_known = summary.set_aside.iter().any(|aside| aside.recording == *called);
        for job in jobs.iter().filter(|job| !is_known && !Piece::is_there(job)) {
            summary.set_aside.push(Aside::of_piece(job, "was not done".to_owned(), 0));
        }
        let merged = survey::open(config.clone(), &Stop::new()).and_then(|(mut plan, source)| {
            drop(source);
            plan.config.source.recording = Some(called.into());
            if let Some(recording) = &mut plan.recording {
                recording.path = called.into();
            }
            merge::merge(&plan, survey, jobs, &work.common.out.join(&found.name))
        });
        match merged {
            Ok(report) => summary.merged(part, &report),
            Err(error) => {
                let reason = work.mirror.say(&super::sentence(&error));
                summary.set_aside.push(Aside::of_recording(called.clone(), reason));
            }
        }
    }
    Ok(())
}
