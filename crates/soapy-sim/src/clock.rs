//! The hardware clock.

use std::time::{Duration, Instant};

/// A clock in nanoseconds that runs `speed` times as fast as the host's, or stands still and is moved by hand.
#[derive(Debug)]
pub(crate) struct Clock {
    base_ns: i128,
    since: Instant,
    /// 0 stands still.
    speed: f64,
}

impl Clock {
    pub(crate) fn new(ns: i128, speed: f64) -> Self {
        Self { base_ns: ns, since: Instant::now(), speed }
    }

    pub(crate) fn now_ns(&self) -> i128 {
        self.base_ns + (self.since.elapsed().as_nanos() as f64 * self.speed) as i128
    }

    pub(crate) fn set(&mut self, ns: i128) {
        *self = Self::new(ns, self.speed);
    }

    pub(crate) fn shift(&mut self, ns: i128) {
        self.base_ns += ns;
    }

    /// How long the host waits while this clock runs on by `ns`.
    pub(crate) fn host_time(&self, ns: i128) -> Duration {
        Duration::from_nanos((ns.max(0) as f64 / self.speed.max(1e-3)) as u64)
    }
}

/// UTC of the host, ns since 1970.
// A radio's clock is the one place where time comes from the wall.
#[allow(clippy::disallowed_methods)]
pub(crate) fn utc_ns() -> i128 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.as_nanos() as i128)
}
