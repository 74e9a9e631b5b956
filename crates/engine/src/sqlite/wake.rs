//! How whoever waits learns that something was written.

use rusqlite::Connection;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How often a waiter looks whether another process wrote.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Counts what this process wrote, and wakes.
#[derive(Debug, Default)]
pub(super) struct Wake {
    writes: Mutex<u64>,
    written: Condvar,
}

/// What had been written when somebody last looked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    here: u64,
    anywhere: i64,
}

impl Wake {
    pub fn all(&self) {
        *self.writes.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.written.notify_all();
    }

    /// To be asked for before looking, so that nothing written meanwhile is slept through.
    pub fn seen(&self, connection: &Connection) -> rusqlite::Result<Seen> {
        let here = *self.writes.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Seen { here, anywhere: data_version(connection)? })
    }

    /// Returns when something was written since, by whomever, or at the deadline: false.
    pub fn wait(
        &self,
        connection: &Connection,
        seen: Seen,
        until: Option<Instant>,
    ) -> rusqlite::Result<bool> {
        loop {
            let left = until.map_or(LOOK_EVERY, |until| until.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                return Ok(false);
            }
            let writes = self.writes.lock().unwrap_or_else(PoisonError::into_inner);
            let nothing = |writes: &mut u64| *writes == seen.here;
            let waited = self.written.wait_timeout_while(writes, left.min(LOOK_EVERY), nothing);
            let (writes, _) = waited.unwrap_or_else(PoisonError::into_inner);
            if *writes != seen.here {
                return Ok(true);
            }
            drop(writes);
            if data_version(connection)? != seen.anywhere {
                return Ok(true);
            }
        }
    }
}

/// Changes when another connection has committed.
fn data_version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))
}
