//! The lossless edge between threads: a bounded queue that presses back.

use crate::wait::{Seat, WaitStats, Waiters};
use crossbeam_channel::{TryRecvError, TrySendError};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// What both ends of a lane share.
struct Lane {
    /// Wait for a place.
    senders: Waiters,
    /// Wait for an item.
    receivers: Waiters,
    depth_max: AtomicUsize,
}

/// A queue of at most `capacity` items from any number of threads to any number of threads: neither end locks
/// or allocates after construction.
///
/// Underneath is a bounded crossbeam channel, of which only the `try_` operations are used: the blocking ones
/// take a lock and may allocate. Clone an end for each thread that uses it; it may be moved before it first
/// waits, not after (a thread that moves it later is woken by time-outs only).
///
/// # Panics
/// `capacity` is zero.
///
/// ```
/// let (mut sender, mut receiver) = rangegate_pipeline::lane(2);
/// sender.send(1).unwrap();
/// drop(sender);
/// assert_eq!(receiver.recv(), Some(1));
/// assert_eq!(receiver.recv(), None);
/// ```
pub fn lane<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    assert!(capacity > 0, "a lane needs a capacity above zero, not {capacity}");
    let (sender, receiver) = crossbeam_channel::bounded(capacity);
    let lane =
        Arc::new(Lane { senders: Waiters::new(), receivers: Waiters::new(), depth_max: AtomicUsize::new(0) });
    (Sender::new(sender, Arc::clone(&lane)), Receiver::new(receiver, lane))
}

/// The end of a lane where items go in.
pub struct Sender<T> {
    // Dropped in this order: the channel is closed before the other end is woken to see it.
    channel: crossbeam_channel::Sender<T>,
    lane: WakeReceivers,
    seat: Seat,
    waits: WaitStats,
}

struct WakeReceivers(Arc<Lane>);

impl Drop for WakeReceivers {
    fn drop(&mut self) {
        self.0.receivers.wake_all();
    }
}

impl<T> Sender<T> {
    fn new(channel: crossbeam_channel::Sender<T>, lane: Arc<Lane>) -> Self {
        let seat = lane.senders.take_seat();
        Self { channel, lane: WakeReceivers(lane), seat, waits: WaitStats::default() }
    }

    /// Puts an item in, waiting for a place.
    ///
    /// # Errors
    /// Gives the item back when no receiver is left.
    pub fn send(&mut self, item: T) -> Result<(), T> {
        let sent = self.put(item);
        if sent.is_ok() {
            self.wake();
        }
        sent
    }

    /// As [`send`](Self::send), and wakes nobody: whoever puts items in like this owes the receivers a
    /// [`wake`](Self::wake).
    ///
    /// # Errors
    /// Gives the item back when no receiver is left.
    pub fn put(&mut self, item: T) -> Result<(), T> {
        let mut held = Some(item);
        let channel = &self.channel;
        let sent =
            self.lane.0.senders.wait(self.seat, &mut self.waits, || match channel.try_send(held.take()?) {
                Ok(()) => Some(Ok(())),
                Err(TrySendError::Disconnected(item)) => Some(Err(item)),
                Err(TrySendError::Full(item)) => {
                    held = Some(item);
                    None
                }
            });
        self.lane.0.depth_max.fetch_max(self.channel.len(), Ordering::Relaxed);
        sent
    }

    /// Wakes a receiver, if one waits.
    pub fn wake(&self) {
        self.lane.0.receivers.wake_one();
    }

    /// Number of items that wait.
    pub fn depth(&self) -> usize {
        self.channel.len()
    }

    /// Puts an item in if there is a place.
    ///
    /// # Errors
    /// Gives the item back when the lane is full or no receiver is left.
    pub fn try_send(&mut self, item: T) -> Result<(), T> {
        self.channel.try_send(item).map_err(TrySendError::into_inner)?;
        self.lane.0.depth_max.fetch_max(self.channel.len(), Ordering::Relaxed);
        self.wake();
        Ok(())
    }

    /// How often and how long this end waited for a place.
    pub fn waits(&self) -> WaitStats {
        self.waits
    }

    /// The most items that the lane held at once.
    pub fn depth_max(&self) -> usize {
        self.lane.0.depth_max.load(Ordering::Relaxed)
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        Self::new(self.channel.clone(), Arc::clone(&self.lane.0))
    }
}

/// No item came in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimedOut;

/// The end of a lane where items come out, each at one receiver, in the order in which they went in.
pub struct Receiver<T> {
    // Dropped in this order, see `Sender`.
    channel: crossbeam_channel::Receiver<T>,
    lane: WakeSenders,
    seat: Seat,
    waits: WaitStats,
}

struct WakeSenders(Arc<Lane>);

impl Drop for WakeSenders {
    fn drop(&mut self) {
        self.0.senders.wake_all();
    }
}

impl<T> Receiver<T> {
    fn new(channel: crossbeam_channel::Receiver<T>, lane: Arc<Lane>) -> Self {
        let seat = lane.receivers.take_seat();
        Self { channel, lane: WakeSenders(lane), seat, waits: WaitStats::default() }
    }

    /// Takes the next item, waiting for one; `None` when the lane is empty and no sender is left.
    pub fn recv(&mut self) -> Option<T> {
        let channel = &self.channel;
        let received = self.lane.0.receivers.wait(self.seat, &mut self.waits, || match channel.try_recv() {
            Ok(item) => Some(Some(item)),
            Err(TryRecvError::Disconnected) => Some(None),
            Err(TryRecvError::Empty) => None,
        });
        if received.is_some() {
            self.lane.0.senders.wake_one();
        }
        received
    }

    /// Takes the next item, as [`Self::recv`] does, but waits no longer than to about `deadline`.
    ///
    /// # Errors
    /// None came by then.
    pub fn recv_until(&mut self, deadline: Instant) -> Result<Option<T>, TimedOut> {
        let channel = &self.channel;
        let received = self.lane.0.receivers.wait(self.seat, &mut self.waits, || match channel.try_recv() {
            Ok(item) => Some(Ok(Some(item))),
            Err(TryRecvError::Disconnected) => Some(Ok(None)),
            Err(TryRecvError::Empty) => (Instant::now() >= deadline).then_some(Err(TimedOut)),
        });
        if let Ok(Some(_)) = received {
            self.lane.0.senders.wake_one();
        }
        received
    }

    /// Takes the next item if there is one.
    pub fn try_recv(&mut self) -> Option<T> {
        let item = self.channel.try_recv().ok()?;
        self.lane.0.senders.wake_one();
        Some(item)
    }

    /// Number of items that wait.
    pub fn depth(&self) -> usize {
        self.channel.len()
    }

    /// How often and how long this end waited for an item.
    pub fn waits(&self) -> WaitStats {
        self.waits
    }

    /// The most items that the lane held at once.
    pub fn depth_max(&self) -> usize {
        self.lane.0.depth_max.load(Ordering::Relaxed)
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        Self::new(self.channel.clone(), Arc::clone(&self.lane.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_lane_presses_back_and_keeps_the_order() {
        let (mut sender, mut receiver) = lane(3);
        std::thread::scope(|scope| {
            scope.spawn(move || {
                for n in 0..10_000 {
                    sender.send(n).unwrap();
                }
            });
            for n in 0..10_000 {
                assert!(receiver.channel.len() <= 3);
                assert_eq!(receiver.recv(), Some(n));
            }
            assert_eq!(receiver.recv(), None);
        });
        assert!((1..=3).contains(&receiver.depth_max()), "{}", receiver.depth_max());
    }

    #[test]
    fn every_item_arrives_once_between_many_threads() {
        let (sender, receiver) = lane(2);
        let sums = std::thread::scope(|scope| {
            for start in 0..3_u64 {
                let mut sender = sender.clone();
                scope.spawn(move || (start..30_000).step_by(3).for_each(|n| sender.send(n).unwrap()));
            }
            drop(sender);
            let takers: Vec<_> = (0..3)
                .map(|_| {
                    let mut receiver = receiver.clone();
                    scope.spawn(move || std::iter::from_fn(|| receiver.recv()).sum::<u64>())
                })
                .collect();
            takers.into_iter().map(|taker| taker.join().unwrap()).sum::<u64>()
        });
        assert_eq!(sums, 30_000 * 29_999 / 2);
    }

    #[test]
    fn a_closed_lane_wakes_whoever_waits() {
        let (mut sender, receiver) = lane(1);
        sender.send(1).unwrap();
        std::thread::scope(|scope| {
            let blocked = scope.spawn(move || sender.send(2));
            std::thread::sleep(std::time::Duration::from_millis(10));
            drop(receiver);
            assert_eq!(blocked.join().unwrap(), Err(2));
        });
        let (sender, mut receiver) = lane::<u8>(1);
        std::thread::scope(|scope| {
            let starved = scope.spawn(move || receiver.recv());
            std::thread::sleep(std::time::Duration::from_millis(10));
            drop(sender);
            assert_eq!(starved.join().unwrap(), None);
        });
    }

    #[test]
    fn whoever_waits_until_a_moment_gets_what_is_there_or_hears_that_nothing_came() {
        let (mut sender, mut receiver) = lane(1);
        let soon = || Instant::now() + std::time::Duration::from_millis(5);
        assert_eq!(receiver.recv_until(soon()), Err(TimedOut));
        sender.send(1).unwrap();
        assert_eq!(receiver.recv_until(Instant::now()), Ok(Some(1)));
        drop(sender);
        assert_eq!(receiver.recv_until(soon()), Ok(None));
    }

    #[test]
    fn trying_never_waits() {
        let (mut sender, mut receiver) = lane(1);
        assert_eq!(receiver.try_recv(), None);
        assert_eq!(sender.try_send(1), Ok(()));
        assert_eq!(sender.try_send(2), Err(2));
        assert_eq!(receiver.try_recv(), Some(1));
        drop(receiver);
        assert_eq!(sender.try_send(3), Err(3));
    }
}
