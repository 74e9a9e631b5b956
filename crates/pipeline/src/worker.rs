//! Named threads, pinned to a core on request.

use crate::error::Error;
use core_affinity::CoreId;
use std::thread::{Builder, JoinHandle, Scope, ScopedJoinHandle};

/// What the names of all our threads begin with.
const PREFIX: &str = "rg-";

/// The cores that this thread may run on, ascending.
pub fn cores() -> Vec<usize> {
    let mut cores: Vec<usize> =
        core_affinity::get_core_ids().unwrap_or_default().into_iter().map(|core| core.id).collect();
    cores.sort_unstable();
    cores
}

/// Whether all of `wanted` exist and are permitted.
///
/// # Errors
/// [`Error::NoSuchCore`] names the first that is not, and those that are.
pub fn check_cores(wanted: &[usize]) -> Result<(), Error> {
    let available = cores();
    match wanted.iter().find(|core| !available.contains(core)) {
        Some(&core) => Err(Error::NoSuchCore { core, available }),
        None => Ok(()),
    }
}

/// Starts a thread named `rg-NAME` in a scope (Linux shows the first 15 bytes).
///
/// # Errors
/// The system has no thread left to give.
pub fn spawn<'scope, T: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    name: &str,
    body: impl FnOnce() -> T + Send + 'scope,
) -> Result<ScopedJoinHandle<'scope, T>, Error> {
    let name = format!("{PREFIX}{name}");
    Builder::new()
        .name(name.clone())
        .spawn_scoped(scope, body)
        .map_err(|source| Error::Spawn { thread: name, source })
}

/// Starts a thread named `rg-NAME` that may outlive whoever starts it: they keep the handle and join it.
///
/// # Errors
/// The system has no thread left to give.
pub fn start<T: Send + 'static>(
    name: &str,
    body: impl FnOnce() -> T + Send + 'static,
) -> Result<JoinHandle<T>, Error> {
    let name = format!("{PREFIX}{name}");
    Builder::new().name(name.clone()).spawn(body).map_err(|source| Error::Spawn { thread: name, source })
}

/// Gives the calling thread real-time priority (first in, first out) where the system permits it; whether it did.
pub fn raise_priority() -> bool {
    #[cfg(target_os = "linux")]
    {
        use thread_priority::{
            RealtimeThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy,
            set_thread_priority_and_policy, thread_native_id,
        };
        let policy = ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::Fifo);
        let lowest = ThreadPriority::Crossplatform(
            1_u8.try_into().unwrap_or(thread_priority::ThreadPriorityValue::MIN),
        );
        set_thread_priority_and_policy(thread_native_id(), lowest, policy).is_ok()
    }
    #[cfg(not(target_os = "linux"))]
    false
}

/// Pins the calling thread to a core.
///
/// # Errors
/// The system refuses.
pub fn pin(core: usize) -> Result<(), Error> {
    if core_affinity::set_for_current(CoreId { id: core }) { Ok(()) } else { Err(Error::NotPinned { core }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_carry_their_name_and_stay_on_their_core() {
        let core = *cores().last().unwrap();
        let (name, seen) = std::thread::scope(|scope| {
            let thread = spawn(scope, "worker-7", || {
                pin(core).unwrap();
                (std::thread::current().name().map(str::to_owned), cores())
            });
            thread.unwrap().join().unwrap()
        });
        assert_eq!(name.as_deref(), Some("rg-worker-7"));
        if cfg!(target_os = "linux") {
            assert_eq!(seen, [core], "elsewhere the system does not tell");
        }
    }

    #[test]
    fn a_core_that_is_not_there_is_refused_by_name() {
        let cores = cores();
        assert!(check_cores(&cores).is_ok());
        let text = check_cores(&[cores[0], 4096]).unwrap_err().to_string();
        assert!(text.contains("4096") && text.contains(&format!("{cores:?}")), "{text}");
    }
}
