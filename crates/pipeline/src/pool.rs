//! A fixed number of objects that are lent out and come home by themselves.

use crate::wait::{Seat, WaitStats, Waiters};
use crossbeam_queue::ArrayQueue;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

struct Home<T> {
    /// Holds as many as were ever made, so a push on the way home always finds a place.
    free: ArrayQueue<Box<T>>,
    waiters: Waiters,
}

/// A fixed number of objects, made at the start and then lent out over and over: neither leasing nor
/// returning locks or allocates.
///
/// Clones share the objects. Each clone is for one thread: it may be moved before it first waits, not after
/// (a thread that moves it later is woken by time-outs only).
pub struct Pool<T> {
    home: Arc<Home<T>>,
    seat: Seat,
    waits: WaitStats,
}

impl<T> Pool<T> {
    /// A pool of `n` objects.
    ///
    /// # Panics
    /// `n` is zero.
    pub fn new(n: usize, mut make: impl FnMut() -> T) -> Self {
        let free = ArrayQueue::new(n);
        for _ in 0..n {
            // The queue has `n` places: this push cannot fail.
            let _ = free.push(Box::new(make()));
        }
        let waiters = Waiters::new();
        let seat = waiters.take_seat();
        Self { home: Arc::new(Home { free, waiters }), seat, waits: WaitStats::default() }
    }

    /// Leases an object, waiting until one is free. Objects come as their last user left them.
    pub fn lease(&mut self) -> Lease<T> {
        let home = &self.home;
        let item = home.waiters.wait(self.seat, &mut self.waits, || home.free.pop());
        Lease { item: Some(item), home: Arc::clone(home) }
    }

    /// Leases an object if one is free.
    pub fn try_lease(&self) -> Option<Lease<T>> {
        let item = self.home.free.pop()?;
        Some(Lease { item: Some(item), home: Arc::clone(&self.home) })
    }

    /// How many are free; may be stale by the time it is read.
    pub fn n_free(&self) -> usize {
        self.home.free.len()
    }

    /// How many there are.
    pub fn capacity(&self) -> usize {
        self.home.free.capacity()
    }

    /// How often and how long this handle waited for a free object.
    pub fn waits(&self) -> WaitStats {
        self.waits
    }
}

impl<T> Clone for Pool<T> {
    fn clone(&self) -> Self {
        let home = Arc::clone(&self.home);
        Self { seat: home.waiters.take_seat(), home, waits: WaitStats::default() }
    }
}

/// An object of a [`Pool`], which goes home when the lease is dropped, on any thread.
pub struct Lease<T> {
    /// `None` only while being dropped.
    item: Option<Box<T>>,
    home: Arc<Home<T>>,
}

impl<T> Deref for Lease<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.item.as_ref().expect("a lease holds its object until it is dropped")
    }
}

impl<T> DerefMut for Lease<T> {
    fn deref_mut(&mut self) -> &mut T {
        self.item.as_mut().expect("a lease holds its object until it is dropped")
    }
}

impl<T> Drop for Lease<T> {
    fn drop(&mut self) {
        if let Some(item) = self.item.take() {
            // Cannot fail: the queue has a place for every object that was made.
            let _ = self.home.free.push(item);
            self.home.waiters.wake_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leases_come_home_from_any_thread_as_they_were_left() {
        let mut pool = Pool::new(2, || 0);
        let mut first = pool.lease();
        let second = pool.try_lease().unwrap();
        assert!(pool.try_lease().is_none());
        assert_eq!((pool.n_free(), pool.capacity()), (0, 2));
        *first = 7;
        std::thread::scope(|scope| {
            scope.spawn(move || {
                std::thread::sleep(std::time::Duration::from_millis(5));
                drop(first);
            });
            assert_eq!(*pool.lease(), 7);
        });
        assert_eq!(pool.waits().count, 1);
        drop(second);
        assert_eq!(pool.n_free(), 2);
    }

    #[test]
    fn a_lease_outlives_its_pool() {
        let mut pool = Pool::new(1, || 3);
        let lease = pool.lease();
        drop(pool);
        assert_eq!(*lease, 3);
    }
}
