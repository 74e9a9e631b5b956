//! Late detections are put in order: what comes within the hold time goes on as if it had come in time.

use std::collections::VecDeque;

/// Holds what has a time until everything older has had its chance to come.
#[derive(Clone, Debug)]
pub struct Reorder<T> {
    hold_s: f64,
    capacity: usize,
    waiting: VecDeque<(f64, T)>,
    newest_s: f64,
    released_s: f64,
    /// Refused because what followed them had gone on already.
    pub late: u64,
    /// Refused because their time was not finite.
    pub not_finite: u64,
}

impl<T> Reorder<T> {
    /// Holds for `hold_s` (2 to 5 s suits stations that send over a network), `capacity` items at most; what exceeds
    /// them goes on early.
    pub fn new(hold_s: f64, capacity: usize) -> Self {
        let (hold_s, capacity) = (hold_s.max(0.0), capacity.max(1));
        let none = f64::NEG_INFINITY;
        Self {
            hold_s,
            capacity,
            waiting: VecDeque::new(),
            newest_s: none,
            released_s: none,
            late: 0,
            not_finite: 0,
        }
    }

    /// Puts in an item. It is counted and dropped if it comes too late, or its time is not finite.
    pub fn push(&mut self, time_s: f64, item: T) {
        if !time_s.is_finite() {
            self.not_finite += 1;
        } else if time_s < self.released_s {
            self.late += 1;
        } else {
            let at = self.waiting.partition_point(|(other, _)| *other <= time_s);
            self.waiting.insert(at, (time_s, item));
            self.newest_s = self.newest_s.max(time_s);
        }
    }

    /// The oldest item that need not wait any more. Items of equal time keep the order in which they came.
    pub fn pop(&mut self) -> Option<(f64, T)> {
        let oldest = self.waiting.front()?.0;
        if oldest <= self.newest_s - self.hold_s || self.waiting.len() > self.capacity {
            self.flush()
        } else {
            None
        }
    }

    /// The oldest item, however young: when nothing more will come.
    pub fn flush(&mut self) -> Option<(f64, T)> {
        let (time_s, item) = self.waiting.pop_front()?;
        self.released_s = time_s;
        Some((time_s, item))
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}
