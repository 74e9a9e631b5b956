//! Which radios are unplugged: known to the whole process, as `find` knows no device.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Serials that were unplugged, and when they come back, if they do.
static UNPLUGGED: Mutex<BTreeMap<String, Option<Instant>>> = Mutex::new(BTreeMap::new());

fn unplugged() -> MutexGuard<'static, BTreeMap<String, Option<Instant>>> {
    UNPLUGGED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether the radio can be found.
pub(crate) fn is_there(serial: &str) -> bool {
    match unplugged().get(serial) {
        None => true,
        Some(back) => back.is_some_and(|back| Instant::now() >= back),
    }
}

/// Unplugs a radio, for good or for a while. `false` where that happened before: it happens once.
pub(crate) fn unplug(serial: &str, long: Option<f64>) -> bool {
    let mut unplugged = unplugged();
    if unplugged.contains_key(serial) {
        return false;
    }
    let back = long.and_then(|s| Instant::now().checked_add(Duration::from_secs_f64(s)));
    unplugged.insert(serial.to_owned(), back);
    true
}
