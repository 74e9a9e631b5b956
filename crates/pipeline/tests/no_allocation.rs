//! A run allocates nothing after warm-up, on any thread. A program of its own without the test harness: the
//! allocator counts for the whole process, and the harness allocates when it likes.

use rangegate_core::BoxError;
use rangegate_counting_alloc::{Counting, allocations_of_process};
use rangegate_pipeline::{Drain, Feed, Runner, Stop, Work};
use std::sync::atomic::{AtomicUsize, Ordering};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const JOBS: u64 = 20_000;
/// Results accepted before counting begins, provided that all threads have come up, and ends: the feed is
/// then still at work, since ending a thread writes its report.
const COUNTED: std::ops::Range<u64> = 200..JOBS - 200;

struct Numbers(u64);

impl Feed<Vec<u64>> for Numbers {
    fn next(&mut self, job: &mut Vec<u64>) -> Result<bool, BoxError> {
        if self.0 == JOBS {
            return Ok(false);
        }
        job.clear();
        job.extend(self.0..self.0 + 100);
        self.0 += 1;
        Ok(true)
    }
}

struct Squares<'a> {
    spoil: bool,
    begun: bool,
    n_begun: &'a AtomicUsize,
}

impl Work<Vec<u64>, Vec<u64>> for Squares<'_> {
    fn run(&mut self, job: &Vec<u64>, result: &mut Vec<u64>) -> Result<(), BoxError> {
        if !std::mem::replace(&mut self.begun, true) {
            self.n_begun.fetch_add(1, Ordering::Relaxed);
        }
        // Some jobs take long enough for the others to park.
        if job[0].is_multiple_of(512) {
            std::thread::sleep(std::time::Duration::from_micros(200));
        }
        if self.spoil && job[0] == JOBS / 2 {
            drop(std::hint::black_box(vec![1_u8]));
        }
        result.clear();
        result.extend(job.iter().map(|n| n * n));
        Ok(())
    }
}

struct Watch<'a> {
    n_begun: &'a AtomicUsize,
    n_workers: usize,
    accepted: u64,
    warm: Option<u64>,
    end: u64,
}

impl Drain<Vec<u64>> for Watch<'_> {
    fn accept(&mut self, result: &Vec<u64>) -> Result<(), BoxError> {
        assert_eq!(result[0], self.accepted * self.accepted);
        self.accepted += 1;
        let so_far = allocations_of_process();
        let all_begun = self.n_begun.load(Ordering::Relaxed) == self.n_workers;
        if self.warm.is_none() && all_begun && COUNTED.contains(&self.accepted) {
            assert!(self.accepted < JOBS / 2, "some worker got no job for very long");
            self.warm = Some(so_far);
        } else if self.accepted == COUNTED.end {
            self.end = so_far;
        }
        Ok(())
    }
}

fn allocations_after_warm_up(runner: &Runner, spoil: bool) -> u64 {
    let (n_begun, n_workers) = (AtomicUsize::new(0), runner.n_workers());
    let new_worker = |_| Squares { spoil, begun: false, n_begun: &n_begun };
    let mut workers: Vec<_> = (0..n_workers).map(new_worker).collect();
    let mut watch = Watch { n_begun: &n_begun, n_workers, accepted: 0, warm: None, end: 0 };
    let report = runner
        .run(&mut Numbers(0), &mut workers, &mut watch, || (Vec::new(), Vec::new()), &Stop::new())
        .unwrap();
    assert_eq!(report.jobs, JOBS);
    watch.end - watch.warm.unwrap()
}

fn main() {
    for runner in [1, 2, 4].map(|workers| Runner::Threads { workers, pin: None }) {
        assert_eq!(allocations_after_warm_up(&runner, false), 0, "{runner:?}");
    }
    assert_eq!(allocations_after_warm_up(&Runner::Inline, false), 0);
    assert_eq!(allocations_after_warm_up(&Runner::Inline, true), 1, "the counter counts");
    assert_eq!(allocations_after_warm_up(&Runner::Threads { workers: 2, pin: None }, true), 1);
}
