//! The worker processes of this machine, and who keeps them at work.
//!
//! A thread a process leases jobs, hands them to its process and hears how they went; so the lease does not die with the
//! process, and a job whose process died is given back at once. One more thread extends all leases.

use super::work::hand;
use anyhow::{Context, Result};
use rangegate_engine::{Error, Exchange, Job as Leased};
use rangegate_pipeline::{Stop, worker};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a job is leased; where a whole machine dies, its jobs wait so long for another.
pub const LEASE: Duration = Duration::from_secs(30);
/// How long to wait for a job before looking whether all is done.
const WAIT: Duration = Duration::from_millis(500);
/// How often the pool looks after its workers.
const LOOK: Duration = Duration::from_millis(20);
/// A piece whose process crashed so often is poison.
pub const MOST_CRASHES: u32 = 3;
/// Whoever kills processes from outside does not poison a piece, unless all ends so.
pub const MOST_ATTEMPTS: u32 = 20;
/// How long a queue may be away.
const PATIENCE: Duration = Duration::from_secs(120);

/// Processes that do the jobs of a queue.
pub struct Pool<'a> {
    /// The queue's server.
    pub exchange: &'a dyn Exchange,
    /// The queue.
    pub queue: &'a str,
    /// How many processes.
    pub n_workers: usize,
    /// Name of this pool: another's is another.
    pub name: &'a str,
    /// What starts a process.
    pub command: &'a (dyn Fn() -> Command + Sync),
    /// Ends everything.
    pub stop: &'a Stop,
    /// Hears how many segments have been worked on in jobs that are under way and in those that are done.
    pub progress: &'a (dyn Fn(&Progress) + Sync),
}

/// How far the work is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Segments of jobs under way.
    pub segments: u64,
    /// Jobs that this pool has done.
    pub jobs: u64,
}

/// What became of the jobs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Jobs that this pool did.
    pub done: u64,
    /// Processes that died at work.
    pub deaths: u64,
    /// Jobs of which others had the lease when they were done.
    pub doubled: u64,
}

/// One worker, as its thread and the one that looks after all see it.
#[derive(Default)]
struct Slot {
    job: Option<Leased>,
    child: Option<Child>,
}

/// What the threads of a pool share.
struct Shared<'a> {
    pool: &'a Pool<'a>,
    slots: Vec<Mutex<Slot>>,
    segments: Vec<AtomicU64>,
    account: Mutex<Account>,
    /// How often a process crashed, by job.
    crashes: Mutex<BTreeMap<String, u32>>,
}

/// How a process did a job.
enum Outcome {
    Done,
    Failed(String),
    Died(ExitStatus),
}

impl Pool<'_> {
    /// Works until the queue is empty and nobody works on anything of it, or `stop` is set.
    ///
    /// # Errors
    /// The queue cannot be reached, or no process can be started.
    pub fn run(&self) -> Result<Account> {
        let shared = Shared {
            pool: self,
            slots: (0..self.n_workers).map(|_| Mutex::default()).collect(),
            segments: (0..self.n_workers).map(|_| AtomicU64::new(0)).collect(),
            account: Mutex::default(),
            crashes: Mutex::default(),
        };
        let ended = std::thread::scope(|scope| {
            let shared = &shared;
            let threads: Vec<_> = (0..self.n_workers)
                .map(|n| worker::spawn(scope, &format!("pieces-{n}"), move || shared.attend(n)))
                .collect();
            let mut extended = Instant::now();
            let is_over = |thread: &Result<std::thread::ScopedJoinHandle<'_, _>, _>| match thread {
                Ok(thread) => thread.is_finished(),
                Err(_) => true,
            };
            while !threads.iter().all(is_over) {
                std::thread::sleep(LOOK);
                shared.look_after(&mut extended);
            }
            let join = |thread: std::thread::ScopedJoinHandle<'_, Result<()>>| {
                thread.join().unwrap_or_else(|_| Err(anyhow::anyhow!("a thread of the pool panicked")))
            };
            threads.into_iter().map(|thread| join(thread?)).collect::<Vec<Result<()>>>()
        });
        ended.into_iter().collect::<Result<Vec<()>>>()?;
        Ok(shared.account.into_inner().unwrap_or_else(PoisonError::into_inner))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Calls until it succeeds or fails for good: a server may be started again meanwhile.
pub fn patiently<T>(stop: &Stop, mut call: impl FnMut() -> Result<T, Error>) -> Result<T, Error> {
    let begun = Instant::now();
    loop {
        match call() {
            Err(error) if error.is_temporary() && begun.elapsed() < PATIENCE && !stop.is_set() => {
                std::thread::sleep(Duration::from_millis(100));
            }
            done => return done,
        }
    }
}

impl Shared<'_> {
    /// Extends leases, tells how far the work is, and ends processes where all is to end.
    fn look_after(&self, extended: &mut Instant) {
        let is_time = extended.elapsed() >= LEASE / 4;
        for slot in &self.slots {
            let job = if is_time { lock(slot).job.clone() } else { None };
            // A lease that cannot be extended is lost at worst, and the piece is then done twice.
            if let Some(Err(error)) = job.map(|job| self.pool.exchange.extend(&job, LEASE)) {
                tracing::debug!("{error}");
            }
            if let (true, Some(child)) = (self.pool.stop.is_set(), &mut lock(slot).child) {
                let _ = child.kill();
            }
        }
        if is_time {
            *extended = Instant::now();
        }
        let segments = self.segments.iter().map(|n| n.load(Ordering::Relaxed)).sum();
        (self.pool.progress)(&Progress { segments, jobs: lock(&self.account).done });
    }

    /// Keeps one process at work.
    fn attend(&self, n: usize) -> Result<()> {
        let Pool { exchange, queue, stop, .. } = self.pool;
        let name = format!("{}-{n}", self.pool.name);
        let mut pipes = None;
        let ended = loop {
            if stop.is_set() {
                break Ok(());
            }
            match patiently(stop, || exchange.lease(queue, &name, LEASE, WAIT)) {
                Ok(Some(job)) => {
                    lock(&self.slots[n]).job = Some(job.clone());
                    let done = self.one(n, &job, &mut pipes);
                    lock(&self.slots[n]).job = None;
                    self.segments[n].store(0, Ordering::Relaxed);
                    if let Err(error) = done {
                        break Err(error);
                    }
                }
                Ok(None) => match patiently(stop, || exchange.queue_state(queue)) {
                    Ok(state) if state.is_over() => break Ok(()),
                    Ok(_) => {}
                    Err(error) => break Err(error.into()),
                },
                Err(_) if stop.is_set() => break Ok(()),
                Err(error) => break Err(error.into()),
            }
        };
        // A process that is told no more ends.
        drop(pipes);
        if let Some(mut child) = lock(&self.slots[n]).child.take() {
            let _ = child.wait();
        }
        ended
    }

    /// Has one job done, and tells the queue.
    fn one(&self, n: usize, job: &Leased, pipes: &mut Option<Pipes>) -> Result<()> {
        let Pool { exchange, stop, .. } = self.pool;
        if job.attempts > MOST_ATTEMPTS {
            let reason = format!("was begun {} times and never done", job.attempts - 1);
            return told(patiently(stop, || exchange.set_aside(job, &reason)));
        }
        let outcome = self.perform(n, job, pipes)?;
        if stop.is_set() && !matches!(outcome, Outcome::Done) {
            // A process that was ended says nothing of the piece. The next start need not wait for the lease.
            let _ = exchange.release(job, "stopped");
            return Ok(());
        }
        match outcome {
            Outcome::Done => {
                let finished = patiently(stop, || exchange.finish(job));
                let mut account = lock(&self.account);
                account.done += 1;
                account.doubled += u64::from(finished.is_err());
                drop(account);
                told(finished)
            }
            Outcome::Failed(reason) => told(patiently(stop, || exchange.set_aside(job, &reason))),
            Outcome::Died(status) => {
                lock(&self.account).deaths += 1;
                let how = death(status);
                let crashes = if was_killed(status) { 0 } else { self.count_crash(&job.id) };
                if crashes >= MOST_CRASHES {
                    let reason = format!("the worker process {how}, {crashes} times");
                    return told(patiently(stop, || exchange.set_aside(job, &reason)));
                }
                tracing::info!("a worker process {how}: its piece is done again");
                told(patiently(stop, || exchange.release(job, &how)))
            }
        }
    }

    fn count_crash(&self, id: &str) -> u32 {
        let mut crashes = lock(&self.crashes);
        let count = crashes.entry(id.to_owned()).or_default();
        *count += 1;
        *count
    }

    /// Has one job done by the process of a slot, which is started where there is none.
    fn perform(&self, n: usize, job: &Leased, pipes: &mut Option<Pipes>) -> Result<Outcome> {
        let (input, output) = match pipes {
            Some(pipes) => pipes,
            None => pipes.insert(self.start(n)?),
        };
        let mut line = String::new();
        if hand(&job.payload, input).is_ok() {
            loop {
                line.clear();
                // What a dying process wrote last is not a whole line.
                if !matches!(output.read_line(&mut line), Ok(1..)) || !line.ends_with('\n') {
                    break;
                }
                match line.trim_end().split_once(' ').unwrap_or((line.trim_end(), "")) {
                    ("segments", number) => {
                        let done = number.parse().unwrap_or(0);
                        self.segments[n].store(done, Ordering::Relaxed);
                    }
                    ("done", _) => return Ok(Outcome::Done),
                    ("failed", reason) => return Ok(Outcome::Failed(reason.to_owned())),
                    _ => break,
                }
            }
        }
        *pipes = None;
        let Some(mut child) = lock(&self.slots[n]).child.take() else {
            anyhow::bail!("a worker process is gone");
        };
        // One that says what nobody understands, too.
        let _ = child.kill();
        Ok(Outcome::Died(child.wait().context("a worker process")?))
    }

    fn start(&self, n: usize) -> Result<Pipes> {
        let mut command = (self.pool.command)();
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = child.with_context(|| format!("cannot start {}", command.get_program().display()))?;
        let pipes = child.stdin.take().zip(child.stdout.take()).context("a worker process has no pipes")?;
        lock(&self.slots[n]).child = Some(child);
        Ok((pipes.0, BufReader::new(pipes.1)))
    }
}

/// A job that is another's meanwhile is no trouble: what comes of it is the same.
fn told(told: Result<(), Error>) -> Result<()> {
    match told {
        Ok(()) | Err(Error::LeaseLost { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

type Pipes = (ChildStdin, BufReader<ChildStdout>);

/// Whether somebody else ended a process.
fn was_killed(status: ExitStatus) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::process::ExitStatusExt;
        // SIGHUP, SIGINT, SIGKILL, SIGTERM.
        matches!(status.signal(), Some(1 | 2 | 9 | 15))
    }
    #[cfg(not(unix))]
    {
        let _ = status;
        false
    }
}

fn death(status: ExitStatus) -> String {
    format!("ended with {status}")
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use rangegate_engine::sqlite::SqliteOptions;
    use rangegate_engine::{QueueState, Sqlite};

    /// Runs two processes of a shell script on a queue of three jobs: `a`, `b` and `c`.
    fn run(script: &str) -> (Account, QueueState) {
        let folder = tempfile::tempdir().unwrap();
        let queue = Sqlite::open(&folder.path().join("queue"), SqliteOptions::default()).unwrap();
        for id in ["a", "b", "c"] {
            assert!(queue.submit("pieces", id, id.as_bytes()).unwrap());
        }
        let command = || {
            let mut command = Command::new("sh");
            command.args(["-c", script]).current_dir(folder.path());
            command
        };
        let pool = Pool {
            exchange: &queue,
            queue: "pieces",
            n_workers: 2,
            name: "pool",
            command: &command,
            stop: &Stop::new(),
            progress: &|_| {},
        };
        let account = pool.run().unwrap();
        (account, queue.queue_state("pieces").unwrap())
    }

    /// Reads one job, five octets, of which the last is its name.
    const READ: &str = "job=$(dd bs=1 count=5 2>/dev/null | tail -c 1)";

    #[test]
    fn what_crashes_three_times_is_set_aside_and_the_rest_is_done() {
        let script = format!(
            "while {READ}; [ -n \"$job\" ]; do [ $job = b ] && kill -SEGV $$; echo segments 1; echo done; done"
        );
        let (account, state) = run(&script);
        assert_eq!((account.done, account.deaths, state.done), (2, 3, 2));
        let [aside] = &state.set_aside[..] else { panic!("{state:?}") };
        assert!(aside.id == "b" && aside.attempts == 3, "{aside:?}");
        assert!(aside.reason.contains("signal: 11") && aside.reason.contains("3 times"), "{}", aside.reason);
    }

    #[test]
    fn what_fails_is_set_aside_at_once_with_its_reason() {
        let script = format!(
            "while {READ}; [ -n \"$job\" ]; do [ $job = b ] && echo failed it is cut short || echo done; done"
        );
        let (account, state) = run(&script);
        assert_eq!((account.done, account.deaths, state.done), (2, 0, 2));
        assert_eq!(state.set_aside[0].reason, "it is cut short");
    }

    #[test]
    fn who_is_killed_from_outside_poisons_nothing() {
        // Killed four times at job b, then does it.
        let script = format!(
            "while {READ}; [ -n \"$job\" ]; do \
             if [ $job = b ]; then echo x >>kills; [ $(wc -l <kills) -le 4 ] && kill -KILL $$; fi; echo done; done"
        );
        let (account, state) = run(&script);
        assert_eq!((account.done, account.deaths, state.done), (3, 4, 3));
        assert!(state.set_aside.is_empty());
    }
}
