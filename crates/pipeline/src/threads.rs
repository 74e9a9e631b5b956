//! The runner with a thread for the feed and one for each worker.

use crate::error::Error;
use crate::graph::{Drain, Feed, Slot, Work, guarded};
use crate::lane::{Receiver, Sender, lane};
use crate::order::Order;
use crate::pool::{Lease, Pool};
use crate::runner::Outcome;
use crate::stats::{Clock, QueueReport, StageReport};
use crate::stop::Stop;
use crate::worker;
use std::thread::ScopedJoinHandle;

type Leased<J, R> = Lease<Slot<J, R>>;

/// What a thread leaves behind.
struct Done {
    stage: StageReport,
    /// How full the queue got that it fills (the feed) or empties (the others).
    depth_max: usize,
    /// It is the feed, and the stop flag ended it.
    stopped: bool,
    /// The first error that it met, which for a worker is not one of a job: that travels with the job.
    end: Result<(), Error>,
}

pub(crate) fn run<J: Send, R: Send>(
    feed: &mut (impl Feed<J> + Send),
    workers: &mut [impl Work<J, R>],
    pin: Option<&[usize]>,
    drain: &mut impl Drain<R>,
    mut make: impl FnMut() -> (J, R),
    n_slots: usize,
    stop: &Stop,
) -> Outcome {
    let pool = Pool::new(n_slots, || Slot::new(make()));
    // Every slot finds a place in either lane: what presses back is the pool.
    let (job_sender, job_receiver) = lane(n_slots);
    let (result_sender, result_receiver) = lane(n_slots);

    std::thread::scope(|scope| {
        // Whoever leaves this closure early drops the ends of the lanes that it holds: that ends the threads
        // already started, and the scope joins them.
        let mut handles = Vec::with_capacity(workers.len() + 1);
        for (n, work) in workers.iter_mut().enumerate() {
            let (jobs, results, core) =
                (job_receiver.clone(), result_sender.clone(), pin.map(|cores| cores[n]));
            let name = format!("worker-{n}");
            let started = worker::spawn(scope, &name.clone(), move || {
                work_loop(&name, work, core, jobs, results, n_slots / 2, stop)
            });
            match started {
                Ok(handle) => handles.push(handle),
                Err(error) => return Outcome::not_begun(error),
            }
        }
        drop((job_receiver, result_sender));
        match worker::spawn(scope, "feed", move || feed_loop(feed, pool, job_sender, stop)) {
            Ok(handle) => handles.insert(0, handle),
            Err(error) => return Outcome::not_begun(error),
        }
        let drained = drain_loop(drain, result_receiver, n_slots, stop);
        collect(handles, drained, n_slots)
    })
}

/// Joins the threads and picks the error that ended the run: the drain's, which is the first in the order of
/// jobs; else the feed's, which came after all jobs; else that of a worker that could not begin.
fn collect(handles: Vec<ScopedJoinHandle<'_, Done>>, drained: Done, n_slots: usize) -> Outcome {
    let mut outcome = Outcome {
        stages: Vec::with_capacity(handles.len() + 1),
        jobs: drained.stage.items,
        queues: Vec::new(),
        stopped: false,
        done: drained.end,
    };
    let mut job_depth = 0;
    for handle in handles {
        let name = handle.thread().name().unwrap_or_default().to_owned();
        match handle.join() {
            Ok(done) => {
                job_depth = job_depth.max(done.depth_max);
                outcome.stopped |= done.stopped;
                outcome.stages.push(done.stage);
                outcome.done = outcome.done.and(done.end);
            }
            // All that a role does is guarded: this is a panic in a destructor, or a bug of this crate.
            Err(panic) => outcome.done = outcome.done.and(Err(Error::panic(&name, &*panic))),
        }
    }
    outcome.stopped &= outcome.done.is_ok();
    outcome.stages.push(drained.stage);
    let queue = |name: &str, depth_max| QueueReport { name: name.to_owned(), capacity: n_slots, depth_max };
    outcome.queues = vec![queue("jobs", job_depth), queue("results", drained.depth_max)];
    outcome
}

/// Leases slots, has the feed fill them and sends them off, numbered.
fn feed_loop<J, R>(
    feed: &mut impl Feed<J>,
    mut pool: Pool<Slot<J, R>>,
    mut jobs: Sender<Leased<J, R>>,
    stop: &Stop,
) -> Done {
    let mut clock = Clock::default();
    let mut stopped = false;
    let end = loop {
        let mut slot = pool.lease();
        if stop.is_set() {
            stopped = true;
            break Ok(());
        }
        match clock.time(|| guarded("feed", Error::Feed, || feed.next(&mut slot.job))) {
            Ok(true) => {}
            Ok(false) => {
                stopped = stop.is_set();
                break Ok(());
            }
            Err(error) => {
                stop.set();
                break Err(error);
            }
        }
        slot.sequence = clock.items();
        clock.count();
        if jobs.send(slot).is_err() {
            // No worker is left: one of them, or the drain, says why.
            break Ok(());
        }
    };
    Done { stage: clock.report("feed", pool.waits()), depth_max: jobs.depth_max(), stopped, end }
}

/// Does jobs until there are none, or one fails. A failed job travels on with its error, so that the drain
/// finds the first in the order of jobs.
///
/// While there is more to do the drain is woken for `batch` results at a time: every time it takes a core from a
/// worker. Who does the last job finds no other, and wakes it.
fn work_loop<J, R>(
    name: &str,
    work: &mut impl Work<J, R>,
    core: Option<usize>,
    mut jobs: Receiver<Leased<J, R>>,
    mut results: Sender<Leased<J, R>>,
    batch: usize,
    stop: &Stop,
) -> Done {
    let mut clock = Clock::default();
    let end = core.map_or(Ok(()), worker::pin);
    if end.is_err() {
        stop.set();
    }
    while end.is_ok() {
        let Some(mut leased) = jobs.recv() else { break };
        let slot = &mut *leased;
        slot.outcome = clock.time(|| guarded(name, Error::Work, || work.run(&slot.job, &mut slot.result)));
        let failed = slot.outcome.is_err();
        if failed {
            stop.set();
        } else {
            clock.count();
        }
        if results.put(leased).is_err() || failed {
            break; // which closes this end, and that wakes the drain
        }
        if results.depth() >= batch || jobs.depth() == 0 {
            results.wake();
        }
    }
    let stage = StageReport { core, ..clock.report(name, jobs.waits()) };
    Done { stage, depth_max: jobs.depth_max(), stopped: false, end }
}

/// Puts results in order and has the drain take them. The slots that it still holds go home when it returns,
/// and its end of the lane closes: whoever waits for either wakes up.
fn drain_loop<J, R>(
    drain: &mut impl Drain<R>,
    mut results: Receiver<Leased<J, R>>,
    n_slots: usize,
    stop: &Stop,
) -> Done {
    let mut clock = Clock::default();
    let mut order = Order::new(n_slots);
    let mut end = Ok(());
    while end.is_ok() {
        let Some(slot) = results.recv() else { break };
        order.put(slot);
        while let Some(mut slot) = order.take_due() {
            end = std::mem::replace(&mut slot.outcome, Ok(()))
                .and_then(|()| clock.time(|| guarded("drain", Error::Drain, || drain.accept(&slot.result))));
            if end.is_err() {
                stop.set();
                break;
            }
            clock.count();
        }
    }
    let stage = clock.report("drain", results.waits());
    Done { stage, depth_max: results.depth_max(), stopped: false, end }
}
