//! The few strongest detections of a run, in bounded memory.

use rangegate_core::Detection;

/// Keeps the detections with the greatest SNR.
pub struct Strongest {
    capacity: usize,
    detections: Vec<Detection>,
}

impl Strongest {
    /// Keeps at most `capacity`.
    pub fn new(capacity: usize) -> Self {
        Self { capacity, detections: Vec::with_capacity(capacity + 1) }
    }

    /// Considers one more. Of two equally strong the earlier stays.
    pub fn consider(&mut self, detection: &Detection) {
        let place = self.detections.partition_point(|kept| kept.snr_db >= detection.snr_db);
        if place < self.capacity {
            self.detections.insert(place, detection.clone());
            self.detections.truncate(self.capacity);
        }
    }

    /// The strongest, the strongest first.
    pub fn detections(&self) -> &[Detection] {
        &self.detections
    }
}
