//! The runner that does everything on the calling thread.

use crate::error::Error;
use crate::graph::{Drain, Feed, Slot, Work, guarded};
use crate::runner::Outcome;
use crate::stats::Clock;
use crate::stop::Stop;
use crate::wait::WaitStats;

pub(crate) fn run<J, R>(
    feed: &mut impl Feed<J>,
    worker: &mut impl Work<J, R>,
    drain: &mut impl Drain<R>,
    mut make: impl FnMut() -> (J, R),
    stop: &Stop,
) -> Outcome {
    let mut slot = Slot::new(make());
    let (mut fed, mut worked, mut drained) = (Clock::default(), Clock::default(), Clock::default());
    let done = loop {
        if stop.is_set() {
            break Ok(());
        }
        match fed.time(|| guarded("feed", Error::Feed, || feed.next(&mut slot.job))) {
            Ok(true) => fed.count(),
            Ok(false) => break Ok(()),
            Err(error) => break Err(error),
        }
        let work = || guarded("worker-0", Error::Work, || worker.run(&slot.job, &mut slot.result));
        if let Err(error) = worked.time(work) {
            break Err(error);
        }
        worked.count();
        if let Err(error) = drained.time(|| guarded("drain", Error::Drain, || drain.accept(&slot.result))) {
            break Err(error);
        }
        drained.count();
    };
    let stopped = done.is_ok() && stop.is_set();
    let none = WaitStats::default();
    Outcome {
        stages: vec![
            fed.report("feed", none),
            worked.report("worker-0", none),
            drained.report("drain", none),
        ],
        queues: Vec::new(),
        jobs: drained.items(),
        stopped,
        done,
    }
}
