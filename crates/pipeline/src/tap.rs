//! The lossy edge: the line offers what it has, and never waits for whoever looks on.

use crate::lane::{Receiver, Sender, lane};
use crate::pool::{Lease, Pool};
use serde::Serialize;

/// How much went through a tap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TapCounts {
    /// Items offered.
    pub offered: u64,
    /// Items of those that found no place, or nobody to look at them.
    pub dropped: u64,
}

/// The end of a lossy edge at which the line offers items: it never waits, locks or allocates; what finds no
/// place is counted.
pub struct Tap<T> {
    pool: Pool<T>,
    sender: Sender<Lease<T>>,
    counts: TapCounts,
}

/// A lossy edge with room for `capacity` items, all made here.
///
/// # Panics
/// `capacity` is zero.
pub fn tap<T>(capacity: usize, make: impl FnMut() -> T) -> (Tap<T>, Receiver<Lease<T>>) {
    let (sender, receiver) = lane(capacity);
    (Tap { pool: Pool::new(capacity, make), sender, counts: TapCounts::default() }, receiver)
}

impl<T> Tap<T> {
    /// Has `fill` write an item and hands it over, if one is free; else counts a drop and does not call
    /// `fill`. Returns whether it was handed over.
    pub fn offer(&mut self, fill: impl FnOnce(&mut T)) -> bool {
        self.counts.offered += 1;
        let taken = self.pool.try_lease().is_some_and(|mut item| {
            fill(&mut item);
            // The lane has a place for every item of the pool: this fails only when nobody is left.
            self.sender.try_send(item).is_ok()
        });
        self.counts.dropped += u64::from(!taken);
        taken
    }

    /// Items offered and dropped so far.
    pub fn counts(&self) -> TapCounts {
        self.counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_finds_no_place_is_counted_and_the_rest_arrives() {
        let (mut tap, mut receiver) = tap(2, || 0);
        let taken: Vec<bool> = (1..=3).map(|n| tap.offer(|item| *item = n)).collect();
        assert_eq!(taken, [true, true, false]);
        let first = receiver.try_recv().unwrap();
        assert_eq!(*first, 1);
        assert!(!tap.offer(|_| panic!("nothing is free while the item is looked at")));
        drop(first);
        assert!(tap.offer(|item| *item = 5));
        assert_eq!([*receiver.recv().unwrap(), *receiver.recv().unwrap()], [2, 5]);
        assert_eq!(tap.counts(), TapCounts { offered: 5, dropped: 2 });
        drop(receiver);
        assert!(!tap.offer(|_| ()));
    }
}
