//! How one thread waits for another: it spins a little, yields, then parks until somebody wakes it.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering, fence};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

/// Attempts before the first yield. Few: on two cores the thread that is waited for may need this one.
const SPINS: u32 = 32;
/// Attempts before parking.
const YIELDS: u32 = 4;
/// Bounds what a lost wake-up could cost, and what a thread beyond the last seat pays.
const PARK: Duration = Duration::from_millis(2);
/// Bits of the word that says who is parked.
const SEATS: usize = 64;

/// How often and how long a thread waited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WaitStats {
    /// Number of times that there was something to wait for.
    pub count: u64,
    /// Time spent waiting.
    pub time: Duration,
}

/// A place among the waiters. It belongs to one thread: the first that parks on it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seat(usize);

impl Seat {
    /// The seat's bit; none for those who came after the last seat was taken.
    fn bit(self) -> u64 {
        if self.0 < SEATS { 1 << self.0 } else { 0 }
    }
}

/// Those who wait for one event: an item in a lane, a place in it, a free lease.
pub(crate) struct Waiters {
    /// Bit *i* is set from before the thread on seat *i* looks for the last time until it is woken or gives
    /// up. Whoever clears the bit owes that thread an `unpark`.
    parked: AtomicU64,
    threads: [OnceLock<Thread>; SEATS],
    n_seated: AtomicUsize,
}

impl Waiters {
    pub(crate) fn new() -> Self {
        Self {
            parked: AtomicU64::new(0),
            threads: [const { OnceLock::new() }; SEATS],
            n_seated: AtomicUsize::new(0),
        }
    }

    pub(crate) fn take_seat(&self) -> Seat {
        Seat(self.n_seated.fetch_add(1, Ordering::Relaxed))
    }

    /// Calls `attempt` until it gives something.
    pub(crate) fn wait<T>(
        &self,
        seat: Seat,
        stats: &mut WaitStats,
        mut attempt: impl FnMut() -> Option<T>,
    ) -> T {
        if let Some(done) = attempt() {
            return done;
        }
        let started = Instant::now();
        let done = self.spin(&mut attempt).unwrap_or_else(|| self.park(seat, &mut attempt));
        stats.count += 1;
        stats.time += started.elapsed();
        done
    }

    fn spin<T>(&self, attempt: &mut impl FnMut() -> Option<T>) -> Option<T> {
        for round in 0..SPINS + YIELDS {
            if round < SPINS {
                std::hint::spin_loop();
            } else {
                thread::yield_now();
            }
            if let Some(done) = attempt() {
                return Some(done);
            }
        }
        None
    }

    fn park<T>(&self, seat: Seat, attempt: &mut impl FnMut() -> Option<T>) -> T {
        let bit = seat.bit();
        if bit != 0 {
            self.threads[seat.0].get_or_init(thread::current);
        }
        loop {
            // Set the bit, then look; the other side puts its item down, then looks at the bits (`wake_one`).
            // With a full fence between the two steps on both sides, at least one of them sees the other.
            self.parked.fetch_or(bit, Ordering::SeqCst);
            fence(Ordering::SeqCst);
            if let Some(done) = attempt() {
                let woken = self.parked.fetch_and(!bit, Ordering::SeqCst) & bit != bit;
                if woken {
                    // That call was for another item than the one found here: pass it on.
                    self.wake_one();
                }
                return done;
            }
            thread::park_timeout(PARK);
            self.parked.fetch_and(!bit, Ordering::SeqCst);
            if let Some(done) = attempt() {
                return done;
            }
        }
    }

    /// Wakes one waiter, if there is one. To be called after the event that it waits for.
    pub(crate) fn wake_one(&self) {
        fence(Ordering::SeqCst);
        loop {
            let parked = self.parked.load(Ordering::SeqCst);
            if parked == 0 {
                return;
            }
            let bit = parked & parked.wrapping_neg();
            if self.parked.fetch_and(!bit, Ordering::SeqCst) & bit != 0 {
                return self.unpark(bit.trailing_zeros() as usize);
            }
        }
    }

    /// Wakes all waiters: the lane was closed.
    pub(crate) fn wake_all(&self) {
        fence(Ordering::SeqCst);
        let mut parked = self.parked.swap(0, Ordering::SeqCst);
        while parked != 0 {
            self.unpark(parked.trailing_zeros() as usize);
            parked &= parked - 1;
        }
    }

    fn unpark(&self, seat: usize) {
        if let Some(thread) = self.threads[seat].get() {
            thread.unpark();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicBool;

    /// Time of `rounds` hand-overs to a thread that parks before each.
    fn handed_over(rounds: u32) -> Duration {
        let waiters = Waiters::new();
        let flag = AtomicBool::new(false);
        let started = Instant::now();
        thread::scope(|scope| {
            let waiter = scope.spawn(|| {
                let (seat, mut stats, mut attempts) = (waiters.take_seat(), WaitStats::default(), 0);
                for _ in 0..rounds {
                    waiters.wait(seat, &mut stats, || {
                        attempts += 1;
                        flag.swap(false, Ordering::SeqCst).then_some(())
                    });
                }
                assert!(stats.count > 0 && stats.time > Duration::ZERO);
                assert!(attempts > rounds * SPINS, "the waiter never got as far as parking");
            });
            for _ in 0..rounds {
                while waiters.parked.load(Ordering::SeqCst) == 0 && !waiter.is_finished() {
                    thread::yield_now();
                }
                flag.store(true, Ordering::SeqCst);
                waiters.wake_one();
                while flag.load(Ordering::SeqCst) && !waiter.is_finished() {
                    thread::yield_now();
                }
            }
        });
        started.elapsed()
    }

    #[test]
    fn a_parked_thread_is_woken_and_not_only_timed_out() {
        // By time-outs alone each hand-over would take about 2 ms; woken, some microseconds. A busy machine may
        // spoil a try, not all.
        let rounds = 100;
        let best = (0..10).map(|_| handed_over(rounds)).min().unwrap();
        assert!(best < PARK * rounds / 4, "{best:?}");
    }

    #[test]
    fn those_without_a_seat_still_get_there() {
        let waiters = Waiters::new();
        let seat = (0..=SEATS).map(|_| waiters.take_seat()).last().unwrap();
        let mut rounds = 0;
        waiters.wait(seat, &mut WaitStats::default(), || {
            rounds += 1;
            (rounds > SPINS + YIELDS + 4).then_some(())
        });
    }
}
