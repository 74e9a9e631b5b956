//! Puts results back into the order of their jobs.

use crate::graph::Slot;
use crate::pool::Lease;

/// A ring with one place for every slot there is.
///
/// A slot's sequence number lies less than the number of slots ahead of the next one that is due, because
/// the feed numbers them as it leases them and the one due is still out. So no two slots meet in a place.
pub(crate) struct Order<J, R> {
    places: Vec<Option<Lease<Slot<J, R>>>>,
    due: u64,
}

impl<J, R> Order<J, R> {
    pub(crate) fn new(n_slots: usize) -> Self {
        Self { places: std::iter::repeat_with(|| None).take(n_slots).collect(), due: 0 }
    }

    fn place(&mut self, sequence: u64) -> &mut Option<Lease<Slot<J, R>>> {
        let n_places = self.places.len() as u64;
        &mut self.places[(sequence % n_places) as usize]
    }

    pub(crate) fn put(&mut self, slot: Lease<Slot<J, R>>) {
        let sequence = slot.sequence;
        let before = self.place(sequence).replace(slot);
        assert!(before.is_none(), "job {sequence} came while its place in the ring was taken");
    }

    /// The slot that is due, if it has come.
    pub(crate) fn take_due(&mut self) -> Option<Lease<Slot<J, R>>> {
        let slot = self.place(self.due).take()?;
        self.due += 1;
        Some(slot)
    }
}
