//! Rows of several sources, each in order, as one in order.

use crate::Result;
use crate::row::{Key, Record};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::ControlFlow;

/// Gives the next row, `None` at the end.
pub(crate) type Next<'a, R> = Box<dyn FnMut() -> Result<Option<R>> + 'a>;

/// Sources that are opened when the first of their rows may be the next.
pub(crate) struct Merge<'a, R> {
    sources: Vec<(Next<'a, R>, Option<R>)>,
    heap: BinaryHeap<Reverse<(Key, usize)>>,
}

impl<'a, R: Record> Merge<'a, R> {
    pub fn new() -> Self {
        Self { sources: Vec::new(), heap: BinaryHeap::new() }
    }

    /// Adds a source none of whose rows is before `earliest_ns`.
    pub fn add(&mut self, earliest_ns: Option<i64>, next: Next<'a, R>) {
        self.heap.push(Reverse(((earliest_ns, i64::MIN, i64::MIN), self.sources.len())));
        self.sources.push((next, None));
    }

    /// Gives all rows in order, until `each` has had enough.
    pub fn run(mut self, each: &mut dyn FnMut(R) -> ControlFlow<()>) -> Result<()> {
        while let Some(Reverse((_, at))) = self.heap.pop() {
            let (next, held) = &mut self.sources[at];
            if let Some(row) = held.take()
                && each(row).is_break()
            {
                return Ok(());
            }
            *held = next()?;
            match held {
                Some(row) => self.heap.push(Reverse((row.key(), at))),
                // What it held open (a file) is let go.
                None => *next = Box::new(|| Ok(None)),
            }
        }
        Ok(())
    }
}
