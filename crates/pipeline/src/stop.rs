//! The flag that ends a run early.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Longest stretch of a sleep in which the flag is not looked at.
const SLICE: Duration = Duration::from_millis(5);

/// A flag that ends a run early: set once, by Ctrl-C or by the first error. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// A flag that is not set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the flag.
    pub fn set(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether the flag is set.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    /// Sleeps until `deadline`, or until a few milliseconds after the flag is set. Returns whether the flag
    /// left it undisturbed.
    pub fn sleep_until(&self, deadline: Instant) -> bool {
        loop {
            if self.is_set() {
                return false;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return true;
            }
            std::thread::sleep(left.min(SLICE));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sleep_ends_when_the_flag_is_set() {
        let stop = Stop::new();
        let started = Instant::now();
        assert!(stop.sleep_until(started + Duration::from_millis(12)));
        assert!(started.elapsed() >= Duration::from_millis(12));
        std::thread::scope(|scope| {
            let sleeper = scope.spawn(|| stop.sleep_until(Instant::now() + Duration::from_secs(60)));
            stop.set();
            assert!(!sleeper.join().unwrap());
        });
        assert!(started.elapsed() < Duration::from_secs(20));
    }
}
