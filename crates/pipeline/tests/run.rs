//! The graph from outside: order, errors, panics, stop, back-pressure, pinning.

use rangegate_core::BoxError;
use rangegate_pipeline::{Drain, Error, Failure, Feed, RunReport, Runner, Stop, Work, worker};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// What goes wrong, and at which number.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Trouble {
    Error(u64),
    Panic(u64),
    Never,
}

impl Trouble {
    fn at(self, n: u64) -> Result<(), BoxError> {
        match self {
            Self::Error(bad) if bad == n => Err(format!("error at {n}").into()),
            Self::Panic(bad) if bad == n => panic!("panic at {n}"),
            _ => Ok(()),
        }
    }
}

/// Counts jobs that were made by the feed and not yet accepted.
#[derive(Clone, Default)]
struct Alive(Arc<(AtomicUsize, AtomicUsize)>);

impl Alive {
    fn up(&self) {
        let now = self.0.0.fetch_add(1, Ordering::SeqCst) + 1;
        self.0.1.fetch_max(now, Ordering::SeqCst);
    }

    fn down(&self) {
        self.0.0.fetch_sub(1, Ordering::SeqCst);
    }

    fn max(&self) -> usize {
        self.0.1.load(Ordering::SeqCst)
    }
}

struct Count {
    next: u64,
    end: u64,
    trouble: Trouble,
    alive: Alive,
}

impl Feed<u64> for Count {
    fn next(&mut self, job: &mut u64) -> Result<bool, BoxError> {
        self.trouble.at(self.next)?;
        if self.next == self.end {
            return Ok(false);
        }
        self.alive.up();
        *job = self.next;
        self.next += 1;
        Ok(true)
    }
}

fn hash(n: u64) -> u64 {
    let x = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x ^ (x >> 27)
}

struct Hash {
    trouble: Trouble,
    delay: fn(u64) -> Duration,
}

impl Work<u64, u64> for Hash {
    fn run(&mut self, job: &u64, result: &mut u64) -> Result<(), BoxError> {
        let delay = (self.delay)(*job);
        if !delay.is_zero() {
            std::thread::sleep(delay);
        }
        self.trouble.at(*job)?;
        *result = hash(*job);
        Ok(())
    }
}

struct Collect {
    results: Vec<u64>,
    trouble: Trouble,
    stop_after: Option<(usize, Stop)>,
    alive: Alive,
}

impl Drain<u64> for Collect {
    fn accept(&mut self, result: &u64) -> Result<(), BoxError> {
        self.trouble.at(self.results.len() as u64)?;
        self.results.push(*result);
        self.alive.down();
        if let Some((n, stop)) = &self.stop_after
            && self.results.len() == *n
        {
            stop.set();
        }
        Ok(())
    }
}

/// A run with trouble in any of the three roles.
struct Case {
    end: u64,
    feed: Trouble,
    work: Trouble,
    drain: Trouble,
    delay: fn(u64) -> Duration,
    stop_after: Option<usize>,
}

impl Default for Case {
    fn default() -> Self {
        let never = Trouble::Never;
        Self { end: 100, feed: never, work: never, drain: never, delay: |_| Duration::ZERO, stop_after: None }
    }
}

/// How the run ended, what the drain got, and how many jobs were alive at once.
type Ended = (Result<RunReport, Box<Failure>>, Vec<u64>, usize);

impl Case {
    fn run(&self, runner: &Runner) -> Ended {
        let (stop, alive) = (Stop::new(), Alive::default());
        let mut feed = Count { next: 0, end: self.end, trouble: self.feed, alive: alive.clone() };
        let mut workers: Vec<Hash> =
            (0..runner.n_workers()).map(|_| Hash { trouble: self.work, delay: self.delay }).collect();
        let stop_after = self.stop_after.map(|n| (n, stop.clone()));
        let mut drain =
            Collect { results: Vec::new(), trouble: self.drain, stop_after, alive: alive.clone() };
        let ended = runner.run(&mut feed, &mut workers, &mut drain, || (0, 0), &stop);
        assert_eq!(ended.is_err() || self.stop_after.is_some(), stop.is_set());
        (ended, drain.results, alive.max())
    }
}

fn runners() -> Vec<Runner> {
    let threads = [1, 2, 3, 5].map(|workers| Runner::Threads { workers, pin: None });
    std::iter::once(Runner::Inline).chain(threads).collect()
}

fn expected(n: u64) -> Vec<u64> {
    (0..n).map(hash).collect()
}

#[test]
fn results_come_in_the_order_of_jobs_however_long_each_takes() {
    let case = Case { end: 300, delay: |n| Duration::from_micros(hash(n) % 700), ..Case::default() };
    for runner in runners() {
        let (ended, results, alive) = case.run(&runner);
        let report = ended.unwrap();
        assert_eq!(results, expected(300), "{runner:?}");
        assert!(alive <= runner.n_slots(), "{alive} jobs alive with {} slots", runner.n_slots());
        assert_eq!((report.jobs, report.stopped, report.slots), (300, false, runner.n_slots()));
        assert_eq!(
            report.stages.first().map(|stage| (stage.name.as_str(), stage.items)),
            Some(("feed", 300))
        );
        assert_eq!(
            report.stages.last().map(|stage| (stage.name.as_str(), stage.items)),
            Some(("drain", 300))
        );
        let work = report.stages.iter().filter(|stage| stage.name.starts_with("worker-"));
        assert_eq!(work.clone().count(), runner.n_workers());
        assert_eq!(work.clone().map(|stage| stage.items).sum::<u64>(), 300);
        let slept: u64 = (0..300).map(|n| hash(n) % 700).sum();
        assert!(work.map(|stage| stage.busy_s).sum::<f64>() >= slept as f64 * 1e-6);
        assert!(report.queues.iter().all(|queue| (1..=queue.capacity).contains(&queue.depth_max)));
    }
}

#[test]
fn one_slow_job_holds_back_the_feed_and_not_more_than_the_slots_are_alive() {
    let case =
        Case { end: 200, delay: |n| Duration::from_millis(if n == 20 { 50 } else { 0 }), ..Case::default() };
    let runner = Runner::Threads { workers: 3, pin: None };
    let (ended, results, alive) = case.run(&runner);
    assert_eq!(results, expected(200));
    assert_eq!(alive, runner.n_slots(), "while job 20 sleeps all slots fill, and no more");
    let feed = &ended.unwrap().stages[0];
    assert!(feed.waits > 0 && feed.waiting_s > 0.02, "{feed:?}");
}

fn culprit(error: &Error) -> &str {
    match error {
        Error::Feed(_) => "feed",
        Error::Work(_) => "worker-",
        Error::Drain(_) => "drain",
        Error::Panic { stage, .. } => stage.trim_end_matches(char::is_numeric),
        _ => "nobody",
    }
}

#[test]
fn the_first_error_in_the_order_of_jobs_ends_the_run_and_what_came_before_is_kept() {
    let slow_start = |n| Duration::from_millis(if n == 41 { 3 } else { 0 });
    for runner in runners() {
        for (text, trouble) in [("error", Trouble::Error(41)), ("panic", Trouble::Panic(41))] {
            let cases = [
                ("feed", Case { feed: trouble, ..Case::default() }),
                ("worker-", Case { work: trouble, delay: slow_start, ..Case::default() }),
                ("drain", Case { drain: trouble, ..Case::default() }),
            ];
            for (role, case) in cases {
                let (ended, results, _) = case.run(&runner);
                let failure = ended.unwrap_err();
                assert_eq!(results, expected(41), "{runner:?} {text}");
                assert_eq!(failure.report.jobs, 41);
                assert!(!failure.report.stopped);
                assert!(failure.to_string().contains(&format!("{text} at 41")), "{failure}");
                assert_eq!(culprit(&failure.error), role);
            }
        }
    }
}

#[test]
fn a_panic_is_reported_with_the_name_of_its_worker() {
    let case = Case { work: Trouble::Panic(0), ..Case::default() };
    let (ended, ..) = case.run(&Runner::Threads { workers: 1, pin: None });
    assert_eq!(ended.unwrap_err().to_string(), "worker-0 panicked: panic at 0");
}

#[test]
fn a_late_error_of_an_early_job_wins_over_an_early_error_of_a_late_job() {
    struct Uneven;
    impl Work<u64, u64> for Uneven {
        fn run(&mut self, job: &u64, _: &mut u64) -> Result<(), BoxError> {
            if *job == 0 {
                std::thread::sleep(Duration::from_millis(20));
            }
            Err(format!("error at {job}").into())
        }
    }
    let alive = Alive::default();
    let mut feed = Count { next: 0, end: 9, trouble: Trouble::Never, alive: alive.clone() };
    let mut drain = Collect { results: Vec::new(), trouble: Trouble::Never, stop_after: None, alive };
    let runner = Runner::Threads { workers: 2, pin: None };
    let ended = runner.run(&mut feed, &mut [Uneven, Uneven], &mut drain, || (0, 0), &Stop::new());
    assert_eq!(ended.unwrap_err().to_string(), "error at 0");
}

#[test]
fn the_flag_stops_the_feed_and_what_is_under_way_is_finished() {
    for runner in runners() {
        let case = Case { end: u64::MAX, stop_after: Some(50), ..Case::default() };
        let (ended, results, _) = case.run(&runner);
        let report = ended.unwrap();
        assert!(report.stopped);
        assert!((50..=50 + runner.n_slots()).contains(&results.len()), "{runner:?}: {}", results.len());
        assert_eq!(results, expected(results.len() as u64));
        assert_eq!(report.stages[0].items, results.len() as u64, "nothing that was fed is lost");
    }
}

#[test]
fn thousands_of_short_runs_end() {
    let troubles = [Trouble::Never, Trouble::Error(2), Trouble::Error(0)];
    for round in 0..3000_u64 {
        let runner = Runner::Threads { workers: 1 + (round % 4) as usize, pin: None };
        let mut case = Case { end: round % 9, ..Case::default() };
        let trouble = troubles[(round / 5 % 3) as usize];
        match round % 3 {
            0 => case.feed = trouble,
            1 => case.work = trouble,
            _ => case.drain = trouble,
        }
        let (threads, inline) = (case.run(&runner), case.run(&Runner::Inline));
        assert_eq!(threads.1, inline.1);
        assert_eq!(threads.0.map_err(|e| e.to_string()).err(), inline.0.map_err(|e| e.to_string()).err());
    }
}

#[test]
fn workers_are_pinned_to_cores_that_exist() {
    let core = worker::cores()[0];
    let runner = Runner::Threads { workers: 2, pin: Some(vec![core, core]) };
    let (ended, results, _) = Case::default().run(&runner);
    assert_eq!(results, expected(100));
    let report = ended.unwrap();
    let cores: Vec<_> = report.stages.iter().map(|stage| stage.core).collect();
    assert_eq!(cores, [None, Some(core), Some(core), None]);
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["runner"]["type"], "threads");
    assert_eq!(json["stages"][1]["core"], core);
}

#[test]
fn what_cannot_be_had_is_refused_before_anything_runs() {
    let refused = |workers, pin| {
        let case = Case { feed: Trouble::Panic(0), ..Case::default() };
        case.run(&Runner::Threads { workers, pin }).0.unwrap_err().to_string()
    };
    let cores = format!("{:?}", worker::cores());
    let text = refused(1, Some(vec![4096]));
    assert!(text.contains("core 4096") && text.contains(&cores), "{text}");
    assert!(refused(2, Some(vec![0])).contains("1 cores are given to pin 2 workers"));
    assert!(refused(0, None).contains("0 workers"));
}

#[test]
fn a_runner_is_configured_by_name() {
    let runner: Runner = serde_json::from_str(r#"{"type":"threads","workers":2,"pin":[0,1]}"#).unwrap();
    assert_eq!(runner, Runner::Threads { workers: 2, pin: Some(vec![0, 1]) });
    assert!(serde_json::from_str::<Runner>(r#"{"type":"threads","workers":2,"cores":[0]}"#).is_err());
}
